//! Parses the header of a report: the comment lines before its statement.

use crate::grid::Chart;

use crate::query::definition::params::{Param, ParamType};
use crate::query::definition::report::{ComparedRows, LogKind, ReportDefinition};

/// Parses the header of a SQL file: each line is `-- key: value`, and lines with further
/// indentation continue the one above.
///
/// # Errors
///
/// Returns a description of the problem if the header is malformed or a required key is missing.
pub fn parse(name: &str, sql: &str) -> Result<ReportDefinition, String> {
    let mut report = ReportDefinition { sql: sql.to_owned(), ..ReportDefinition::new(name) };
    for (key, text) in entries(sql)? {
        apply_entry(&mut report, key, text)?;
    }
    let required = [
        ("title", report.title.is_empty()),
        ("question", report.question.is_empty()),
        ("column", report.columns.is_empty()),
    ];
    if let Some((key, _)) = required.iter().find(|(_, is_missing)| *is_missing) {
        return Err(format!("the header has no {key}"));
    }
    let drawn = report.chart.iter().flat_map(Chart::columns);
    let is_column = |name: &str| report.columns.iter().any(|(column, _)| *column == name);
    if let Some(name) = drawn.into_iter().find(|name| !is_column(name)) {
        return Err(format!("the chart uses {name}, but the report has no such column"));
    }
    let compared = report.compared.iter().flat_map(|rows| rows.key.iter().chain(&rows.figures));
    if let Some(name) = compared.into_iter().find(|name| !is_column(name)) {
        return Err(format!("`compare` has {name}, but the report has no such column"));
    }
    if let Some(name) = report.totals.iter().find(|name| !is_column(name)) {
        return Err(format!("`total` has {name:?}, but the report has no such column"));
    }
    match report.comparisons.iter().find(|(name, _)| !is_column(name)) {
        Some((name, _)) => Err(format!("`compares` has {name}, but the report has no such column")),
        None => Ok(report),
    }
}

/// Returns the keys and values of the header.
fn entries(sql: &str) -> Result<Vec<(&str, String)>, String> {
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
    Ok(entries)
}

fn apply_entry(report: &mut ReportDefinition, key: &str, text: String) -> Result<(), String> {
    match key.split_once(' ') {
        None => match key {
            "title" => report.title = text,
            "question" => report.question = text,
            "group" => report.group = text.parse()?,
            "empty" => report.empty = Some(text),
            "chart" => report.chart = Some(Chart::parse(&text)?),
            "compare" => report.compared = Some(ComparedRows::parse(&text)?),
            "total" => report.totals.extend(text.split(',').map(|name| name.trim().to_owned())),
            "rule" => report.rules.push(text),
            "source" => report.sources.push(text),
            "limit" => report.limits.push(text),
            "alias" => report.aliases.push(text),
            "noise" => match text.as_str() {
                "include" => report.includes_noise = true,
                _ => return Err(format!("unknown noise {text:?}; expected include")),
            },
            "log" => {
                report.log = match text.as_str() {
                    "power-bi" => LogKind::PowerBi,
                    "power-platform" => LogKind::PowerPlatform,
                    _ => {
                        let expected = "expected power-bi or power-platform";
                        return Err(format!("unknown log {text:?}; {expected}"));
                    }
                }
            }
            "actors" => report.actors = text.parse()?,
            _ => return Err(format!("unknown key {key:?}")),
        },
        Some(("column", name)) => report.columns.push((name.to_owned(), text)),
        Some(("compares", name)) => report.comparisons.push((name.to_owned(), text)),
        Some(("param", name)) => report.params.push(parse_param(name, &text)?),
        Some(_) => return Err(format!("unknown key {key:?}")),
    }
    Ok(())
}

/// Parses `type = default, meaning`.
fn parse_param(name: &str, text: &str) -> Result<Param, String> {
    let form = || format!("parameter {name}: expected `type = default, meaning`");
    let (ty, rest) = text.split_once(" = ").ok_or_else(form)?;
    let (default, meaning) = rest.split_once(", ").ok_or_else(form)?;
    let ty = ParamType::parse(ty).ok_or(format!("parameter {name}: unknown type {ty:?}"))?;
    if !ty.accepts(default) {
        let example = ty.example();
        return Err(format!("parameter {name}: the default must be {example}, not {default:?}"));
    }
    let (name, default, meaning) = (name.to_owned(), default.to_owned(), meaning.to_owned());
    Ok(Param { name, ty, default, meaning })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::definition::report::{Actors, ReportGroup};

    #[test]
    fn every_key_is_parsed() {
        let text = "-- title: T\n--\n-- question: Q\n--   and more\n-- group: Log health\n\
            -- alias: a\n-- empty: None.\n-- actors: services\n-- noise: include\n\
            -- log: power-platform\n\
            -- chart: bars n\n-- column n: N\n-- compares n: C\n-- total: n\n\
            -- rule: R\n-- source: S\n-- limit: L\n\
            -- param grain: choice(day|week) = week, length\nSELECT 1 AS n";
        let report = parse("x", text).unwrap();
        assert_eq!((report.title.as_str(), report.question.as_str()), ("T", "Q and more"));
        assert_eq!(report.group, ReportGroup::LogHealth);
        assert_eq!(report.empty.as_deref(), Some("None."));
        assert_eq!((report.actors, report.includes_noise), (Actors::Services, true));
        assert_eq!(
            (report.log, report.aliases.join(",")),
            (LogKind::PowerPlatform, "a".to_owned())
        );
        assert_eq!(report.chart, Some(Chart::Bars { value: "n".to_owned() }));
        assert_eq!(report.columns, [("n".to_owned(), "N".to_owned())]);
        assert_eq!(report.comparisons, [("n".to_owned(), "C".to_owned())]);
        assert_eq!(report.totals, ["n"]);
        assert_eq!([report.rules, report.sources, report.limits].concat(), ["R", "S", "L"]);
        assert_eq!(report.params[0].ty, ParamType::Choice(vec!["day".into(), "week".into()]));
    }

    #[test]
    fn report_without_a_group_is_one_of_your_reports() {
        let text = "-- title: T\n-- question: Q\n-- column n: N\nSELECT 1 AS n";
        assert_eq!(parse("x", text).unwrap().group, ReportGroup::YourReports);
    }

    #[test]
    fn malformed_header_is_an_error_that_names_the_problem() {
        let head = "-- title: T\n-- question: Q\n-- column n: N\n";
        for (line, expected) in [
            ("-- color: red", "unknown key \"color\""),
            ("-- size of it: 3", "unknown key \"size of it\""),
            ("-- nonsense", "no key in \" nonsense\""),
            ("-- actors: robots", "unknown actors \"robots\"; expected people, all or services"),
            ("-- log: mail", "unknown log \"mail\"; expected power-bi or power-platform"),
            ("-- noise: exclude", "unknown noise \"exclude\"; expected include"),
            ("-- param p: int", "parameter p: expected `type = default, meaning`"),
            ("-- param p: number = 1, m", "parameter p: unknown type \"number\""),
            (
                "-- param p: int = x, m",
                "parameter p: the default must be a whole number, for example 7, not \"x\"",
            ),
        ] {
            let error = parse("x", &format!("{head}{line}\nSELECT 1")).unwrap_err();
            assert_eq!(error, expected);
        }
        let error = parse("x", &format!("{head}-- group: Misc\nSELECT 1")).unwrap_err();
        assert!(error.starts_with("unknown group \"Misc\"; expected one of Usage, "), "{error}");
        let error = parse("x", &format!("{head}-- chart: bars m\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(error, "the chart uses m, but the report has no such column");
        let error = parse("x", &format!("{head}-- compares m: M\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(error, "`compares` has m, but the report has no such column");
        let error = parse("x", &format!("{head}-- compare: n by m\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(error, "`compare` has m, but the report has no such column");
        let error = parse("x", &format!("{head}-- total: n, m\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(error, "`total` has \"m\", but the report has no such column");
        let error = parse("x", &format!("{head}-- compare: n\nSELECT 1 AS n")).unwrap_err();
        assert_eq!(error, "compare \"n\": write `FIGURE, FIGURE by KEY, KEY`");
        let error = parse("x", "-- title: T\n-- question: Q\nSELECT 1").unwrap_err();
        assert_eq!(error, "the header has no column");
    }
}
