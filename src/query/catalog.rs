//! The reports: SQL files with a header, embedded when the program is built.
//!
//! Owns: the list of files in `queries/`, the form of their headers, finding one by its name.
//! Must not know what a statement means; to this module it is text.

use crate::grid::Chart;
use crate::schema::Family;
use crate::{Error, Result};

use super::params::{Param, Type};

/// Whose events a report counts unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actors {
    /// People: everybody but service principals and the system.
    People,
    /// Everybody.
    All,
}

/// Which events a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Log {
    /// Those of Power BI and Fabric.
    #[default]
    PowerBi,
    /// Those of Power Apps, Power Automate and the Power Platform.
    PowerPlatform,
}

impl Log {
    /// The families of its events.
    pub fn families(self) -> &'static [Family] {
        match self {
            Log::PowerBi => &[Family::PowerBi, Family::Fabric],
            Log::PowerPlatform => &[Family::PowerPlatform],
        }
    }
}

/// One report.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its name on the command line: that of its file.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: Vec<&'static str>,
    /// Its title.
    pub title: String,
    /// The question that it answers.
    pub question: String,
    /// Whose events it counts.
    pub actors: Actors,
    /// Which log it is about.
    pub log: Log,
    /// How it is best drawn, if it is.
    pub chart: Option<Chart>,
    /// Its columns, left to right, each with its meaning.
    pub columns: Vec<(&'static str, String)>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The whole file; the header is comments to an engine.
    pub sql: &'static str,
}

/// Every file of `queries/`, by name.
const FILES: [(&str, &str); 1] = [("top-reports", include_str!("../../queries/top-reports.sql"))];

/// All reports, by name.
///
/// # Errors
///
/// [`Error::Internal`] if a header breaks the form, which a test rules out.
pub fn reports() -> Result<Vec<Report>> {
    FILES.iter().map(|(name, sql)| parse(name, sql).map_err(Error::Internal)).collect()
}

/// The report of that name or alias.
///
/// # Errors
///
/// [`Error::Usage`] for a name that there is not, with the nearest there is.
pub fn report(name: &str) -> Result<Report> {
    let reports = reports()?;
    let names: Vec<&str> = reports
        .iter()
        .flat_map(|report| report.aliases.iter().chain([&report.name]))
        .copied()
        .collect();
    let nearest = names.iter().map(|known| (distance(name, known), *known)).min();
    let found = reports.into_iter().find(|r| r.name == name || r.aliases.contains(&name));
    found.ok_or_else(|| {
        let guess = match nearest {
            Some((distance, known)) if distance <= known.len() / 2 => {
                format!(" Did you mean {known}?")
            }
            _ => String::new(),
        };
        Error::Usage(format!("there is no report {name:?}.{guess} `reports` lists them all."))
    })
}

/// Reads the header: the comment lines before the first other line, each `-- key: value`, continued
/// on lines that are indented further.
fn parse(name: &'static str, sql: &'static str) -> Result<Report, String> {
    let mut entries: Vec<(&'static str, String)> = Vec::new();
    for line in sql.lines().map_while(|line| line.strip_prefix("--")) {
        if line.trim().is_empty() {
            continue;
        }
        if let (Some(more), Some((_, text))) = (line.strip_prefix("   "), entries.last_mut()) {
            text.push(' ');
            text.push_str(more.trim());
            continue;
        }
        let (key, text) = line.split_once(": ").ok_or(format!("{name}: no key in {line:?}"))?;
        entries.push((key.trim(), text.trim().to_owned()));
    }
    let mut report = Report {
        name,
        aliases: Vec::new(),
        title: String::new(),
        question: String::new(),
        actors: Actors::People,
        log: Log::default(),
        chart: None,
        columns: Vec::new(),
        params: Vec::new(),
        sql,
    };
    for (key, text) in entries {
        entry(&mut report, sql, key, text).map_err(|what| format!("{name}: {what}"))?;
    }
    let needed = [
        ("title", report.title.is_empty()),
        ("question", report.question.is_empty()),
        ("column", report.columns.is_empty()),
    ];
    if let Some((key, _)) = needed.iter().find(|(_, absent)| *absent) {
        return Err(format!("{name}: the header has no {key}"));
    }
    let drawn = report.chart.iter().flat_map(Chart::columns);
    let is_there = |name: &str| report.columns.iter().any(|(column, _)| *column == name);
    match drawn.into_iter().find(|column| !is_there(column)) {
        Some(column) => Err(format!("{name}: the chart draws {column}, which is no column")),
        None => Ok(report),
    }
}

fn entry(
    report: &mut Report,
    sql: &'static str,
    key: &'static str,
    text: String,
) -> Result<(), String> {
    match key.split_once(' ') {
        None => match key {
            "title" => report.title = text,
            "question" => report.question = text,
            "chart" => report.chart = Some(Chart::parse(&text)?),
            "rule" => {}
            "alias" => {
                let at = sql.find(&text).ok_or("alias over two lines")?;
                report.aliases.push(&sql[at..at + text.len()]);
            }
            "log" => {
                report.log = match text.as_str() {
                    "power-bi" => Log::PowerBi,
                    "power-platform" => Log::PowerPlatform,
                    _ => return Err(format!("log is power-bi or power-platform, not {text}")),
                }
            }
            "actors" => {
                report.actors = match text.as_str() {
                    "people" => Actors::People,
                    "all" => Actors::All,
                    _ => return Err(format!("actors are people or all, not {text}")),
                }
            }
            _ => return Err(format!("unknown key {key:?}")),
        },
        Some(("column", name)) => report.columns.push((name, text)),
        Some(("param", name)) => report.params.push(param(name, sql, &text)?),
        Some(_) => return Err(format!("unknown key {key:?}")),
    }
    Ok(())
}

/// `type = default, meaning`.
fn param(name: &'static str, sql: &'static str, text: &str) -> Result<Param, String> {
    let form = || format!("parameter {name}: `type = default, meaning` expected");
    let (ty, rest) = text.split_once(" = ").ok_or_else(form)?;
    let (default, meaning) = rest.split_once(", ").ok_or_else(form)?;
    let ty = Type::named(ty).ok_or(format!("parameter {name}: no type {ty:?}"))?;
    let at = sql.find(&format!("= {default}, ")).ok_or_else(form)? + 2;
    Ok(Param { name, ty, default: &sql[at..at + default.len()], meaning: meaning.to_owned() })
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut costs: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut costs[0], row + 1);
        for (at, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = costs[at + 1];
            costs[at + 1] = changed.min(costs[at] + 1).min(diagonal + 1);
        }
    }
    costs[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = Path::new(file!()).ancestors().nth(3).unwrap().join("queries");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "sql"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        assert_eq!(names, FILES.map(|(name, _)| name.to_owned()));
    }

    #[test]
    fn headers_are_whole_and_no_name_occurs_twice() {
        let reports = reports().unwrap();
        let mut names: Vec<&str> =
            reports.iter().flat_map(|r| r.aliases.iter().chain([&r.name])).copied().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let top = report("most-consumed-reports").unwrap();
        assert_eq!(top.name, "top-reports");
        assert_eq!(top.columns.len(), 11);
        assert_eq!((top.params[0].name, top.params[0].default), ("top", "25"));
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_nearest_name() {
        let message = report("topreport").unwrap_err().to_string();
        assert!(message.contains("Did you mean top-reports?"), "{message}");
        let message = report("weather").unwrap_err().to_string();
        assert!(!message.contains("Did you mean"), "{message}");
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
    }

    #[test]
    fn a_header_out_of_form_is_named() {
        let wrong = parse("x", "-- title: T\n-- colour: red\nSELECT 1").unwrap_err();
        assert_eq!(wrong, "x: unknown key \"colour\"");
        let wrong = parse("x", "-- title: T\n-- question: Q\nSELECT 1").unwrap_err();
        assert_eq!(wrong, "x: the header has no column");
        let sql = "-- title: T\n-- question: Q\n-- column n: N\n-- chart: bars m\nSELECT 1 AS n";
        let wrong = parse("x", sql).unwrap_err();
        assert_eq!(wrong, "x: the chart draws m, which is no column");
    }
}
