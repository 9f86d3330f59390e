//! Empty answers of the API: files without records whose names have the day, or the hour, that was
//! asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::query::coverage::period::{next_day, utc_day_start};
use crate::schema::MICROS_PER_HOUR;
use crate::schema::source_log::SourceFacts;
use crate::source_warnings::{file_name, named_write_time};

/// Empty answers by the day in their names.
#[derive(Debug, Default)]
pub struct EmptyAnswers<'a> {
    days: BTreeMap<NaiveDate, &'a SourceFacts>,
    hours: BTreeMap<NaiveDate, BTreeSet<u8>>,
}

impl<'a> EmptyAnswers<'a> {
    /// Finds the empty answers among all sources.
    pub fn find(all: &'a [SourceFacts]) -> EmptyAnswers<'a> {
        let mut found = EmptyAnswers::default();
        for facts in all.iter().filter(|facts| is_empty_answer(facts)) {
            let name = file_name(facts);
            if let Some(date) = named_day(name) {
                // Of several answers, the one that was written last proves the most.
                let known = found.days.entry(date).or_insert(facts);
                if write_time(facts) > write_time(known) {
                    *known = facts;
                }
            } else if let Some((date, hour)) = named_hour(name)
                && is_written_after(
                    facts,
                    utc_day_start(date) + (i64::from(hour) + 1) * MICROS_PER_HOUR,
                )
            {
                found.hours.entry(date).or_default().insert(hour);
            }
        }
        found
    }

    /// Returns the empty answer for a day, if it was written after the end of the day.
    pub fn of_day(&self, date: NaiveDate) -> Option<&'a SourceFacts> {
        let answer = self.days.get(&date).copied()?;
        is_written_after(answer, utc_day_start(next_day(date))).then_some(answer)
    }

    /// Returns the number of hours of a day with an empty answer of their own that was written
    /// after the end of the hour.
    pub fn hours_of_day(&self, date: NaiveDate) -> usize {
        self.hours.get(&date).map_or(0, BTreeSet::len)
    }
}

/// Returns true if a source is an answer of the REST API or of `Get-PowerBIActivityEvent`.
pub fn is_api_answer(facts: &SourceFacts) -> bool {
    matches!(facts.kind.as_str(), "rest" | "array")
}

/// Returns true if a source is an intact answer without records and without a continuation.
fn is_empty_answer(facts: &SourceFacts) -> bool {
    // Get-PowerBIActivityEvent answers with an empty array.
    is_api_answer(facts)
        && facts.size_bytes > 0
        && facts.records.read == 0
        && !facts.is_continued
        && !facts.damaged
        && facts.problems.is_empty()
}

fn is_written_after(facts: &SourceFacts, end_us: i64) -> bool {
    write_time(facts).is_none_or(|written| written >= end_us)
}

fn write_time(facts: &SourceFacts) -> Option<i64> {
    named_write_time(facts).or(facts.modified_us)
}

/// Returns the only day in a name (`20260103` or `2026-01-03`), unless the name has an hour.
pub fn named_day(name: &str) -> Option<NaiveDate> {
    only_day(name).filter(|_| time_in_name(name).is_none())
}

/// Returns the only day and the hour in a name (`2026-01-03T05`, `20260103T0500`). A name with
/// minutes has the time of writing.
fn named_hour(name: &str) -> Option<(NaiveDate, u8)> {
    let time = time_in_name(name)?;
    let digits: String = time.chars().filter(char::is_ascii_digit).collect();
    let (hour, rest) = digits.split_at_checked(2)?;
    let hour = hour.parse().ok().filter(|hour| *hour < 24 && rest.bytes().all(|b| b == b'0'))?;
    Some((only_day(name)?, hour))
}

/// Returns what follows the `T` between a day and a time.
fn time_in_name(name: &str) -> Option<&str> {
    let is_start = |pair: &[u8]| pair[0] == b'T' && pair[1].is_ascii_digit();
    name.as_bytes().windows(2).position(is_start).map(|at| &name[at + 1..])
}

fn only_day(name: &str) -> Option<NaiveDate> {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).collect();
    let basic = words.iter().filter(|word| word.len() == 8).map(|word| (*word).to_owned());
    let extended = words
        .windows(3)
        .filter(|part| [part[0].len(), part[1].len(), part[2].len()] == [4, 2, 2])
        .map(<[&str]>::concat);
    let mut days =
        basic.chain(extended).filter_map(|word| NaiveDate::parse_from_str(&word, "%Y%m%d").ok());
    let day = days.next()?;
    days.next().is_none().then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hour_of_a_name_has_no_minutes() {
        let hour = |name: &str| named_hour(name).map(|(date, hour)| (date.to_string(), hour));
        for name in ["2026-01-03T05.json", "20260103T0500.json", "x-2026-01-03T05-00-00Z.json"] {
            assert_eq!(hour(name), Some(("2026-01-03".to_owned(), 5)), "{name}");
            assert_eq!(named_day(name), None, "{name}");
        }
        for name in ["2026-01-03T0515.json", "2026-01-03.json", "2026-01-03T24.json", "T05.json"] {
            assert_eq!(hour(name), None, "{name}");
        }
    }

    #[test]
    fn empty_page_with_one_day_in_its_name_is_the_answer_for_that_day() {
        let named = |name: &str| {
            let facts = SourceFacts {
                path: name.into(),
                kind: "rest".into(),
                size_bytes: 30,
                ..Default::default()
            };
            let all = [facts];
            let days = EmptyAnswers::find(&all).days;
            days.keys().next().map(ToString::to_string)
        };
        let day = Some("2026-01-03".to_owned());
        assert_eq!(named("a/PBIActivityEvents-20260103-202601040210.json"), day);
        assert_eq!(named("2026-01-03.json"), day);
        assert_eq!(named("20260103T05.json"), None, "an hour");
        assert_eq!(named("20260103_20260104.json"), None);
        assert_eq!(named("20260103/page.json"), None);
    }
}
