//! The header of a report: the comment lines before its statement.
//!
//! Owns: the form of headers and which keys there are. Must not know what a statement means, nor
//! where a file comes from.

use crate::grid::Chart;

use crate::query::definition::catalog::{Actors, LogKind, ReportDefinition};
use crate::query::definition::params::{Param, ParamType};

/// A report of that name with nothing in it.
pub fn empty_definition(name: &str) -> ReportDefinition {
    ReportDefinition {
        name: name.to_owned(),
        aliases: Vec::new(),
        title: String::new(),
        question: String::new(),
        actors: Actors::People,
        includes_noise: false,
        log: LogKind::default(),
        chart: None,
        columns: Vec::new(),
        params: Vec::new(),
        rules: Vec::new(),
        sources: Vec::new(),
        limits: Vec::new(),
        sql: String::new(),
    }
}

/// Reads the header of a file: each `-- key: value`, continued on lines that are indented further.
/// An error is what is wrong with it.
pub fn parse(name: &str, sql: &str) -> Result<ReportDefinition, String> {
    let mut entries: Vec<(&str, String)> = Vec::new();
    for line in sql.lines().map_while(|line| line.strip_prefix("--")) {
        if line.trim().is_empty() {
            continue;
        }
        if let (Some(more), Some((_, text))) = (line.strip_prefix("   "), entries.last_mut()) {
            text.push(' ');
            text.push_str(more.trim());
            continue;
        }
        let (key, text) = line.split_once(": ").ok_or(format!("no key in {line:?}"))?;
        entries.push((key.trim(), text.trim().to_owned()));
    }
    let mut report = ReportDefinition { sql: sql.to_owned(), ..empty_definition(name) };
    for (key, text) in entries {
        apply_entry(&mut report, key, text)?;
    }
    let needed = [
        ("title", report.title.is_empty()),
        ("question", report.question.is_empty()),
        ("column", report.columns.is_empty()),
    ];
    if let Some((key, _)) = needed.iter().find(|(_, absent)| *absent) {
        return Err(format!("the header has no {key}"));
    }
    let drawn = report.chart.iter().flat_map(Chart::columns);
    let is_there = |name: &str| report.columns.iter().any(|(column, _)| *column == name);
    match drawn.into_iter().find(|column| !is_there(column)) {
        Some(column) => Err(format!("the chart draws {column}, which is no column")),
        None => Ok(report),
    }
}

fn apply_entry(report: &mut ReportDefinition, key: &str, text: String) -> Result<(), String> {
    let one_of = |what: &str| format!("{key} is {what}, not {text}");
    match key.split_once(' ') {
        None => match key {
            "title" => report.title = text,
            "question" => report.question = text,
            "chart" => report.chart = Some(Chart::parse(&text)?),
            "rule" => report.rules.push(text),
            "source" => report.sources.push(text),
            "limit" => report.limits.push(text),
            "alias" => report.aliases.push(text),
            "noise" => match text.as_str() {
                "keep" => report.includes_noise = true,
                _ => return Err(one_of("keep or not there")),
            },
            "log" => {
                report.log = match text.as_str() {
                    "power-bi" => LogKind::PowerBi,
                    "power-platform" => LogKind::PowerPlatform,
                    _ => return Err(one_of("power-bi or power-platform")),
                }
            }
            "actors" => {
                let all = [Actors::People, Actors::All, Actors::Services];
                let named = all.into_iter().find(|actors| actors.name() == text);
                report.actors = named.ok_or_else(|| one_of("people, all or services"))?;
            }
            _ => return Err(format!("unknown key {key:?}")),
        },
        Some(("column", name)) => report.columns.push((name.to_owned(), text)),
        Some(("param", name)) => report.params.push(parse_param(name, &text)?),
        Some(_) => return Err(format!("unknown key {key:?}")),
    }
    Ok(())
}

/// `type = default, meaning`.
fn parse_param(name: &str, text: &str) -> Result<Param, String> {
    let form = || format!("parameter {name}: `type = default, meaning` expected");
    let (ty, rest) = text.split_once(" = ").ok_or_else(form)?;
    let (default, meaning) = rest.split_once(", ").ok_or_else(form)?;
    let ty = ParamType::parse(ty).ok_or(format!("parameter {name}: no type {ty:?}"))?;
    if !ty.accepts(default) {
        return Err(format!("parameter {name}: {default:?} is no value of its type"));
    }
    let (name, default, meaning) = (name.to_owned(), default.to_owned(), meaning.to_owned());
    Ok(Param { name, ty, default, meaning })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_whole() {
        let text = "-- title: T\n--\n-- question: Q\n--   and more\n-- alias: a\n\
            -- actors: services\n\
            -- noise: keep\n-- log: power-platform\n-- chart: bars n\n-- column n: N\n-- rule: R\n\
            -- source: S\n-- limit: L\n-- param grain: choice(day|week) = week, how\nSELECT 1 AS n";
        let report = parse("x", text).unwrap();
        assert_eq!((report.title.as_str(), report.question.as_str()), ("T", "Q and more"));
        assert_eq!((report.actors, report.includes_noise), (Actors::Services, true));
        assert_eq!((report.log, report.aliases.join(",")), (LogKind::PowerPlatform, "a".to_owned()));
        assert_eq!(report.chart, Some(Chart::Bars { value: "n".to_owned() }));
        assert_eq!(report.columns, [("n".to_owned(), "N".to_owned())]);
        assert_eq!([report.rules, report.sources, report.limits].concat(), ["R", "S", "L"]);
        assert_eq!(report.params[0].ty, ParamType::Choice(vec!["day".into(), "week".into()]));
    }

    #[test]
    fn a_header_out_of_form_is_named() {
        let head = "-- title: T\n-- question: Q\n-- column n: N\n";
        for (line, expected) in [
            ("-- colour: red", "unknown key \"colour\""),
            ("-- size of it: 3", "unknown key \"size of it\""),
            ("-- nonsense", "no key in \" nonsense\""),
            ("-- actors: robots", "actors is people, all or services, not robots"),
            ("-- log: mail", "log is power-bi or power-platform, not mail"),
            ("-- noise: wide", "noise is keep or not there, not wide"),
            ("-- param p: int", "parameter p: `type = default, meaning` expected"),
            ("-- param p: number = 1, m", "parameter p: no type \"number\""),
            ("-- param p: int = x, m", "parameter p: \"x\" is no value of its type"),
        ] {
            let wrong = parse("x", &format!("{head}{line}\nSELECT 1")).unwrap_err();
            assert_eq!(wrong, expected);
        }
        let wrong = parse("x", &format!("{head}-- chart: bars m\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(wrong, "the chart draws m, which is no column");
        let wrong = parse("x", "-- title: T\n-- question: Q\nSELECT 1").unwrap_err();
        assert_eq!(wrong, "the header has no column");
    }
}
