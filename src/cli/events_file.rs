//! Reads files of days to mark in charts.

use std::path::Path;

use chrono::NaiveDate;

use crate::error::{Error, Result};
use crate::report::Mark;

/// The columns of a file, which its first line names in any order.
const COLUMNS: [&str; 2] = ["date", "label"];

/// Reads the days of a CSV file with the columns `date` and `label`, in the order of the days.
pub(super) fn read_marks(file: &Path) -> Result<Vec<Mark>> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    let mut marks = parse_marks(&bytes)
        .map_err(|problem| Error::Usage(format!("--events {}, {problem}", file.display())))?;
    marks.sort_by_key(|mark| mark.day);
    Ok(marks)
}

/// Parses the days of a file. An error names the line and the column.
fn parse_marks(bytes: &[u8]) -> std::result::Result<Vec<Mark>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        format!("line {}: the text is not UTF-8; save the file as CSV UTF-8", line + 1)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Excel separates with semicolons in countries that write decimals with a comma.
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let unreadable = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        format!("line {line}: expected comma-separated values, found: {error}")
    };
    let header = reader.headers().map_err(unreadable)?.clone();
    let column = |name: &str| {
        let found = header.iter().position(|cell| cell.eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            format!(
                "line 1: there is no column {name}; the first line must be {}",
                COLUMNS.join(",")
            )
        })
    };
    let (date, label) = (column(COLUMNS[0])?, column(COLUMNS[1])?);
    let mut marks = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(0, |position| line_of(text, position));
        let [day, label] = [date, label].map(|at| record.get(at).unwrap_or_default());
        let day: NaiveDate = day.parse().map_err(|_| {
            format!(
                "line {line}, column date: {day:?} is not a day; write it as year-month-day, for \
                 example 2026-03-10"
            )
        })?;
        if label.is_empty() {
            return Err(format!(
                "line {line}, column label: the label of {day} is empty; write what happened, for \
                 example Training"
            ));
        }
        marks.push(Mark { day, label: label.to_owned() });
    }
    Ok(marks)
}

/// Returns the line of a record, whose position is before the line breaks and empty lines above it.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let above = text.as_bytes().get(at..).unwrap_or_default().iter();
    let breaks = above.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + breaks.filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_labels_can_be_quoted() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let expected = [
            Mark { day: day("2026-03-10"), label: "Training, day 1".to_owned() },
            Mark { day: day("2026-02-01"), label: "Migration".to_owned() },
        ];
        let comma = "date,label\n2026-03-10,\"Training, day 1\"\n\n2026-02-01, Migration \n";
        let other = "\u{feff}Team;Label;Date\r\nBI;Training, day 1;2026-03-10\r\n\
            BI;Migration;2026-02-01\r\n";
        for text in [comma, other] {
            assert_eq!(parse_marks(text.as_bytes()).unwrap(), expected);
        }
        assert_eq!(parse_marks(b"date,label\n").unwrap(), []);
    }

    #[test]
    fn errors_name_the_line_and_the_column() {
        for (text, expected) in [
            ("date,label\n2026-03-10,x\n10.3.2026,y\n", "line 3, column date: \"10.3.2026\""),
            ("date,label\n\n2026-02-30,x\n", "line 3, column date"),
            ("date,label\r\n2026-03-10,x\r\n\r\n1,x\r\n", "line 4, column date"),
            ("date,label\n2026-03-10,\n", "line 2, column label"),
            ("date,label\n2026-03-10\n", "line 2, column label"),
            ("day,label\n", "line 1: there is no column date"),
            ("", "line 1: there is no column date"),
        ] {
            let error = parse_marks(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let error = parse_marks(b"date,label\n2026-03-10,Schl\xfcssel\n").unwrap_err();
        assert!(error.contains("line 2: the text is not UTF-8"), "{error}");
    }
}
