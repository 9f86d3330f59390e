//! Writes values of packed details as columns: similar values are next to each other, and each text
//! is on the page once.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::grid::Cell;
use crate::render::text_width::printable;
use crate::render::time;

/// The number of characters of a time up to its second: `2026-03-01T23:05:00`.
const TIME_CHARS: usize = 19;

/// The format of these characters.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// The texts of all periods of a page, numbered by first appearance.
#[derive(Debug, Clone, Default)]
pub struct SharedTexts {
    numbers: HashMap<String, usize>,
}

/// The texts of a period: references to those of earlier periods, and the new ones.
pub(super) struct TextWriter<'t> {
    table: &'t mut SharedTexts,
    pub(super) new: Vec<String>,
}

impl<'t> TextWriter<'t> {
    pub(super) fn new(table: &'t mut SharedTexts) -> TextWriter<'t> {
        TextWriter { table, new: Vec::new() }
    }

    /// Returns the reference of a text: 0 for the next new one, and otherwise 1 more than its
    /// number. Characters that are not printable are replaced as in tables.
    pub(super) fn reference(&mut self, text: &str) -> usize {
        let text = printable(text);
        if let Some(number) = self.table.numbers.get(&text) {
            return number + 1;
        }
        self.table.numbers.insert(text.clone(), self.table.numbers.len());
        self.new.push(text);
        0
    }

    /// Returns the references of the texts of a column.
    pub(super) fn references<'c>(&mut self, texts: impl Iterator<Item = &'c str>) -> Vec<usize> {
        texts.map(|text| self.reference(text)).collect()
    }

    /// Returns a column of values: `["s", references]`, `["t", seconds, references]` or
    /// `["n", values]`.
    pub(super) fn column(&mut self, cells: &[&Cell], times: &TimeBase) -> Value {
        if is_text(cells) {
            let text = |cell: &&Cell| match cell {
                Cell::Text(text) => json!(self.reference(text)),
                _ => Value::Null,
            };
            return json!(["s", cells.iter().map(text).collect::<Vec<_>>()]);
        }
        if let Some((seconds, rest)) = times.split(cells) {
            // The times of most columns have one offset.
            let different = if rest.iter().all(|one| *one == rest[0]) { 1 } else { rest.len() };
            let rest = self.references(rest[..different].iter().map(String::as_str));
            return json!(["t", seconds, rest]);
        }
        let values: Vec<Value> = cells.iter().map(|cell| plain_json(cell, times.zone)).collect();
        json!(["n", values])
    }
}

/// Returns true if all values of a column are texts or unknown, and one is known.
pub(super) fn is_text(cells: &[&Cell]) -> bool {
    let is_text = |cell: &&&Cell| matches!(cell, Cell::Text(_));
    cells.iter().all(|cell| is_text(&cell) || matches!(cell, Cell::Null))
        && cells.iter().any(|cell| is_text(&cell))
}

/// The time from which times are counted: the end of a period, in its zone.
pub(super) struct TimeBase {
    zone: Tz,
    /// Seconds since 1970, as if the local time were UTC.
    pub(super) end: i64,
}

impl TimeBase {
    pub(super) fn new(last: Option<NaiveDate>, zone: Tz) -> TimeBase {
        let end = last.and_then(|day| day.succ_opt()).and_then(|day| day.and_hms_opt(0, 0, 0));
        TimeBase { zone, end: end.map_or(0, |end| end.and_utc().timestamp()) }
    }

    /// Returns the times of a column as seconds before the end, and the rest of their texts:
    /// fractions of a second and the offset. `None` if a value is no time that can be written so.
    fn split(&self, cells: &[&Cell]) -> Option<(Vec<Option<i64>>, Vec<String>)> {
        let (mut seconds, mut rests) = (Vec::new(), Vec::new());
        for cell in cells {
            let us = match cell {
                Cell::Null => {
                    seconds.push(None);
                    continue;
                }
                Cell::Time { us } => *us,
                _ => return None,
            };
            let text = time::instant_iso(us, self.zone);
            let (local, rest) = text.split_at_checked(TIME_CHARS)?;
            let parsed = NaiveDateTime::parse_from_str(local, TIME_FORMAT).ok()?.and_utc();
            // Years with other numbers of digits have no such form.
            (parsed.format(TIME_FORMAT).to_string() == local).then_some(())?;
            seconds.push(Some(self.end - parsed.timestamp()));
            rests.push(rest.to_owned());
        }
        (!rests.is_empty()).then_some((seconds, rests))
    }
}

/// Returns a value as in the JSON format of reports.
fn plain_json(cell: &Cell, zone: Tz) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => json!(printable(text)),
        Cell::Int(number) => json!(number),
        Cell::Float(number) => json!(number),
        Cell::Bool(truth) => json!(truth),
        Cell::Time { us } => json!(time::instant_iso(*us, zone)),
        Cell::LocalTime { us } => json!(time::local_iso(*us)),
        Cell::Date { days } => json!(time::date_iso(*days)),
    }
}

/// Returns ascending positions as the distance of each from the end of the one before.
pub(super) fn gaps(positions: &[usize]) -> Vec<usize> {
    let ends = std::iter::once(0).chain(positions.iter().map(|at| at + 1));
    positions.iter().zip(ends).map(|(at, end)| at - end).collect()
}
