//! Warnings: indicators that a readable source is incomplete.
//!
//! For example, it was probably truncated, written too early, or written by a tool that loses data.
//! The rules use the facts about the source and the loss indicators in its text. Both the run
//! summary and the coverage of reports use them.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use crate::record::loss_indicators::{LossIndicators, MIN_SUSPECT_NAMES};
use crate::schema::source_log::{SourceFacts, SourceWarning, WarningKind};
use crate::schema::{MICROS_PER_DAY, MICROS_PER_HOUR};

/// The largest offset of a time zone from UTC. Times in file names have no zone.
const MAX_ZONE_OFFSET_US: i64 = 14 * MICROS_PER_HOUR;

/// Numbers of rows after which an audit search stops, and the tool that stops there (Microsoft's
/// documentation of the audit log search).
const SEARCH_LIMITS: [(u64, &str); 6] = [
    (100, "Search-UnifiedAuditLog stops without -ResultSize"),
    (1_000, "the list in the portal stops"),
    (5_000, "one call of Search-UnifiedAuditLog stops"),
    (10_000, "a page of results ends"),
    (50_000, "an export of the portal and a session of Search-UnifiedAuditLog stop"),
    (1_000_000, "the portal stops with a premium license"),
];
/// The lowest limit that applies to files of the activity log. They have 100 or 1,000 events by
/// chance too often, and 5,000 or 10,000 if each file is one page.
const MIN_FILE_LIMIT: u64 = 50_000;

/// Facts about the search that wrote a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchFacts {
    /// The number of results that the search reports.
    pub results: Option<u64>,
    /// True for an export of the portal, which has a RecordId column. It stops at 50,000 rows only.
    pub is_portal_export: bool,
}

/// Returns the warnings about a source that was read completely.
pub fn detect(
    facts: &SourceFacts,
    indicators: &LossIndicators,
    search: SearchFacts,
) -> Vec<SourceWarning> {
    let is_table = facts.kind == "csv-lossy";
    let all = [
        truncated(facts, search.results).or_else(|| at_limit(facts, search)),
        is_table.then(|| lossy_table(facts, indicators)).filter(|lossy| lossy.count > 0),
        lost_characters(indicators),
        flattened(indicators).filter(|_| !is_table),
        too_early(facts),
        code_page(facts, indicators),
        future_dated(facts),
    ];
    all.into_iter().flatten().collect()
}

/// Replaces the warnings that depend on when a source was written, after its name or time changed.
pub fn update_time_warnings(facts: &mut SourceFacts) {
    let depends = |kind| matches!(kind, WarningKind::TooEarly | WarningKind::FutureDated);
    facts.warnings.retain(|warning| !depends(warning.kind));
    let again = [too_early(facts), future_dated(facts)];
    facts.warnings.extend(again.into_iter().flatten());
}

/// Returns the warning about a source with events that have no id.
pub fn without_id(events: u64) -> Option<SourceWarning> {
    let has = if events == 1 { "has" } else { "have" };
    let detail = format!(
        "{} {has} no Id: if other files contain the same events with their Id, they count twice; \
         load only one of these files, the one with Id if you have both",
        count(events, "event")
    );
    (events > 0).then(|| warning(WarningKind::WithoutId, events, detail))
}

fn warning(kind: WarningKind, count: u64, detail: impl Into<String>) -> SourceWarning {
    SourceWarning { kind, count, detail: detail.into() }
}

/// Returns a number with its noun in the singular or plural.
fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Returns the warning about text around the records that was skipped.
pub fn skipped_text(what: &str) -> SourceWarning {
    let detail = format!("{what}; the events are read; write only the JSON to the file");
    warning(WarningKind::SkippedText, 1, detail)
}

fn code_page(facts: &SourceFacts, indicators: &LossIndicators) -> Option<SourceWarning> {
    let detail = "not valid UTF-8, so it was read as Windows-1252 (Western Europe); if names look \
                  wrong, write the file again as UTF-8";
    indicators.is_windows_1252.then(|| warning(WarningKind::CodePage, facts.records.read, detail))
}

fn truncated(facts: &SourceFacts, results: Option<u64>) -> Option<SourceWarning> {
    let rows = facts.records.read;
    let results = results.filter(|&results| results > rows)?;
    let detail = format!(
        "the search found {}, but the file has {}: unless other files have the rest, search again \
         in shorter periods; with -SessionCommand ReturnLargeSet, a session returns up to 50000",
        count(results, "result"),
        count(rows, "row")
    );
    Some(warning(WarningKind::Truncated, results - rows, detail))
}

fn at_limit(facts: &SourceFacts, search: SearchFacts) -> Option<SourceWarning> {
    let rows = row_limit(facts, search)?;
    let tool = SEARCH_LIMITS.iter().find(|(limit, _)| *limit == rows).map_or("", |(_, tool)| tool);
    let detail = format!(
        "exactly {rows} records, which is where {tool}: probably truncated; download its days \
         again in shorter periods"
    );
    Some(warning(WarningKind::AtLimit, rows, detail))
}

fn lossy_table(facts: &SourceFacts, indicators: &LossIndicators) -> SourceWarning {
    let flattened = match indicators.flattened {
        0 => String::new(),
        values => format!(" ({})", count(values, "value")),
    };
    let detail = format!(
        "a table without AuditData: tools write only the columns of the first event, and nested \
         values as text{flattened}; download its days again as JSON, with ConvertTo-Json -Depth 10"
    );
    warning(WarningKind::LossyTable, facts.records.read, detail)
}

fn lost_characters(indicators: &LossIndicators) -> Option<SourceWarning> {
    let example = indicators.lost_characters.first().filter(|_| !indicators.has_non_ascii)?;
    let names = indicators.lost_characters.len();
    let detail = format!(
        "names have ? in place of characters, for example \"{example}\": written as ASCII; \
         download its days again and write with -Encoding utf8"
    );
    (names >= MIN_SUSPECT_NAMES).then(|| warning(WarningKind::LostCharacters, names as u64, detail))
}

fn flattened(indicators: &LossIndicators) -> Option<SourceWarning> {
    let example = indicators.flattened_example.as_deref()?;
    let detail = format!(
        "nested values were replaced by text, for example {example}; they are stored as text; \
         download its days again with ConvertTo-Json -Depth 10"
    );
    Some(warning(WarningKind::Flattened, indicators.flattened, detail))
}

fn too_early(facts: &SourceFacts) -> Option<SourceWarning> {
    let wrong = days_after_writing(facts).next().map(|(day, _)| day.to_string());
    let is_right = |day: &String| wrong.as_ref().is_none_or(|wrong| day < wrong);
    let (day, events) = facts.days.iter().rfind(|(day, _)| is_right(day))?;
    let end = day.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(1))?;
    let detail = format!(
        "written before {day} was over in UTC, so late events are missing; download {day} again \
         at least one day after its end"
    );
    is_written_before(facts, day_start(end))
        .then(|| warning(WarningKind::TooEarly, *events, detail))
}

fn future_dated(facts: &SourceFacts) -> Option<SourceWarning> {
    let mut days = days_after_writing(facts).peekable();
    let (first, _) = days.peek()?;
    let first = first.to_string();
    let events = days.map(|(_, events)| events).sum();
    let detail = format!(
        "events from {first} on are dated after the file was written; their times are wrong, or \
         the clock of the computer was; they do not move the last day of the log"
    );
    Some(warning(WarningKind::FutureDated, events, detail))
}

/// Returns the days of a source that began at least a day after the source was written, with the
/// numbers of their events. A day allows for time zones and wrong clocks.
fn days_after_writing(source: &SourceFacts) -> impl Iterator<Item = (NaiveDate, u64)> {
    let limit = source.modified_us.map(|written| written.saturating_add(MICROS_PER_DAY));
    let dated = source.days.iter().filter_map(|(day, events)| Some((day.parse().ok()?, *events)));
    dated.filter(move |(day, events): &(NaiveDate, u64)| {
        *events > 0 && limit.is_some_and(|limit| day_start(*day) >= limit)
    })
}

/// Returns the time of the last event that is not dated after its own source was written, in
/// microseconds since 1970 (UTC); `None` if there is none. If a source has such days, the end of
/// its last other day counts.
pub fn last_plausible_us(sources: &[SourceFacts]) -> Option<i64> {
    let last = |source: &SourceFacts| {
        let (_, last) = source.period_us?;
        let Some((first_wrong, _)) = days_after_writing(source).next() else { return Some(last) };
        let days = source.days.iter().filter(|(_, events)| **events > 0);
        let right = days.filter_map(|(day, _)| day.parse::<NaiveDate>().ok());
        let last_right = right.filter(|day| *day < first_wrong).max()?;
        Some(day_start(last_right) + MICROS_PER_DAY - 1)
    };
    sources.iter().filter_map(last).max()
}

/// Returns the first instant of a UTC day.
fn day_start(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

/// Returns true if a source has fewer records than its search found, or ends at a limit.
pub fn is_truncated(source: &SourceFacts) -> bool {
    let is_proof = |warning: &SourceWarning| {
        matches!(warning.kind, WarningKind::Truncated | WarningKind::AtLimit)
    };
    source.warnings.iter().any(is_proof)
}

/// Returns the limit at which the source seems to have stopped, or `None` if there is none.
pub fn reached_limit(source: &SourceFacts) -> Option<u64> {
    let mut warnings = source.warnings.iter();
    warnings.find(|warning| warning.kind == WarningKind::AtLimit).map(|warning| warning.count)
}

/// Returns the limit that the number of records of a source is equal to, or `None` if there is none
/// or the source contains all results of its search.
///
/// A page of the activity log has no limit: the next page contains the events after it.
fn row_limit(source: &SourceFacts, search: SearchFacts) -> Option<u64> {
    let rows = source.records.read;
    let is_limit = SEARCH_LIMITS.iter().any(|(limit, _)| *limit == rows);
    let has_all = search.results == Some(rows);
    let applies = match source.kind.as_str() {
        "rest" => false,
        _ if search.is_portal_export => rows >= MIN_FILE_LIMIT,
        kind => is_audit_search(kind) || rows >= MIN_FILE_LIMIT,
    };
    (is_limit && applies && !has_all).then_some(rows)
}

/// Returns true if the format is that of an audit search export, and not of the activity log.
pub fn is_audit_search(kind: &str) -> bool {
    kind.starts_with("csv") || kind.starts_with("graph")
}

/// Returns true if a source was written before an instant, in microseconds since 1970 (UTC).
///
/// The time of writing in its name decides, if there is one. Otherwise a later event in the source
/// shows that it was not. Otherwise the file's modification time decides: copying may make it
/// later, but nothing makes it earlier.
pub fn is_written_before(source: &SourceFacts, end_us: i64) -> bool {
    if let Some(written) = named_write_time(source) {
        return written < end_us;
    }
    let has_later_event = source.period_us.is_some_and(|(_, last)| last >= end_us);
    !has_later_event && source.modified_us.is_some_and(|modified| modified < end_us)
}

/// Returns the time at which a source was written, from its name, in microseconds since 1970.
///
/// The time in a name may be in any zone. If the file's modification time is near it, that is the
/// exact instant. Otherwise the time counts only if it cannot be the downloaded window: it lies
/// after all events of the source, is not the last minute of an hour, and the name has a date
/// before it and no other time.
pub fn named_write_time(source: &SourceFacts) -> Option<i64> {
    let NamedTime { us, follows_date } = time_in_name(file_name(source))?;
    let same = |modified: &i64| (modified - us).abs() <= MAX_ZONE_OFFSET_US;
    if let Some(modified) = source.modified_us.filter(same) {
        return Some(modified);
    }
    let is_after_events = source.period_us.is_none_or(|(_, last)| last < us);
    let is_last_minute = us.rem_euclid(MICROS_PER_HOUR) >= MICROS_PER_HOUR - 60_000_000;
    (is_after_events && !is_last_minute && follows_date).then_some(us)
}

/// Returns true if the name of a source contains a time before its last event, which cannot be the
/// time of writing.
pub fn is_named_before_its_end(source: &SourceFacts) -> bool {
    let named = time_in_name(file_name(source)).map(|time| time.us);
    let last = source.period_us.map(|(_, last)| last);
    named_write_time(source).is_none() && named.zip(last).is_some_and(|(us, last)| us <= last)
}

/// Returns the last part of a source's path.
pub fn file_name(source: &SourceFacts) -> &str {
    source.path.rsplit('/').next().unwrap_or(&source.path)
}

/// A time in a file name.
struct NamedTime {
    /// Microseconds since 1970, as if the time were in UTC.
    us: i64,
    /// True if a date without a time is before it, and no other time.
    follows_date: bool,
}

/// Returns the last valid time in a file name: 12 or 14 digits, or 8 digits, `T` and 4 or 6 digits.
/// For example, the time in `PBIActivityEvents-20260301-202603020415.json` is 2026-03-02 04:15.
fn time_in_name(name: &str) -> Option<NamedTime> {
    let (mut last, mut times, mut has_date) = (None, 0, false);
    // Reports read the names of all sources several times, so this neither allocates nor decodes.
    for word in name.as_bytes().split(|byte| !(byte.is_ascii_digit() || *byte == b'T')) {
        let Some((day, time)) = word.split_at_checked(8) else { continue };
        let time = match time {
            [b'T', time @ ..] if matches!(time.len(), 4 | 6) => time,
            _ if matches!(time.len(), 0 | 4 | 6) => time,
            _ => continue,
        };
        let Some(date) = date_of_digits(day) else { continue };
        if time.is_empty() {
            has_date = true;
            continue;
        }
        let Some(time) = date_time(date, time) else { continue };
        times += 1;
        last = Some(time);
    }
    let follows_date = has_date && times == 1;
    Some(NamedTime { us: last?.and_utc().timestamp_micros(), follows_date })
}

/// Returns the date of the digits of a year, a month and a day.
fn date_of_digits(digits: &[u8]) -> Option<NaiveDate> {
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    NaiveDate::from_ymd_opt(i32::try_from(number(year)?).ok()?, number(month)?, number(day)?)
}

/// Returns the time of the digits of an hour, a minute, and a second if there is one.
fn date_time(date: NaiveDate, digits: &[u8]) -> Option<NaiveDateTime> {
    let (hour, rest) = digits.split_at_checked(2)?;
    let (minute, second) = rest.split_at_checked(2)?;
    date.and_hms_opt(number(hour)?, number(minute)?, number(second)?)
}

/// Returns the number of decimal digits, at most four; `None` if they are others.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use crate::schema::source_log::RecordCounts;
    use crate::source_warnings::*;

    fn source(kind: &str, rows: u64) -> SourceFacts {
        let records = RecordCounts { read: rows, ..RecordCounts::default() };
        SourceFacts { kind: kind.into(), records, ..SourceFacts::default() }
    }

    fn kinds(
        facts: &SourceFacts,
        indicators: &LossIndicators,
        results: Option<u64>,
    ) -> Vec<WarningKind> {
        let search = SearchFacts { results, ..SearchFacts::default() };
        detect(facts, indicators, search).iter().map(|warning| warning.kind).collect()
    }

    #[test]
    fn limits_depend_on_the_tool_that_wrote_the_file() {
        for (kind, limits) in [
            ("csv", &[100, 1_000, 5_000, 10_000, 50_000, 1_000_000][..]),
            ("graph", &[100, 1_000, 5_000, 10_000, 50_000, 1_000_000]),
            ("array", &[50_000, 1_000_000]),
            ("ndjson", &[50_000, 1_000_000]),
            ("rest", &[]),
        ] {
            for rows in [99, 100, 1_000, 4_999, 5_000, 10_000, 49_999, 50_000, 1_000_000] {
                let limit = row_limit(&source(kind, rows), SearchFacts::default());
                assert_eq!(limit.is_some(), limits.contains(&rows), "{kind} {rows}");
            }
        }
    }

    #[test]
    fn missing_results_prove_a_truncation() {
        let none = LossIndicators::default();
        let search = SearchFacts { results: Some(12_345), ..SearchFacts::default() };
        let all = detect(&source("csv", 5_000), &none, search);
        assert_eq!((all.len(), all[0].kind, all[0].count), (1, WarningKind::Truncated, 7_345));
        assert_eq!(kinds(&source("csv", 5_000), &none, Some(0)), [WarningKind::AtLimit]);
        assert!(kinds(&source("csv", 5_000), &none, Some(5_000)).is_empty(), "all results");
        let portal = SearchFacts { is_portal_export: true, ..SearchFacts::default() };
        assert_eq!(row_limit(&source("csv", 5_000), portal), None);
        assert_eq!(row_limit(&source("csv", 50_000), portal), Some(50_000));
        assert!(kinds(&source("csv", 4_000), &none, Some(4_000)).is_empty());
        let proven = SourceFacts { warnings: all, ..source("csv", 5_001) };
        assert!(is_truncated(&proven) && !is_truncated(&source("csv", 5_001)));
    }

    #[test]
    fn lossy_table_with_flattened_values_has_one_warning() {
        let example = Some("A: System.Object[]".to_owned());
        let indicators = LossIndicators {
            flattened: 7,
            flattened_example: example,
            ..LossIndicators::default()
        };
        assert_eq!(kinds(&source("csv-lossy", 3), &indicators, None), [WarningKind::LossyTable]);
        assert_eq!(kinds(&source("array", 3), &indicators, None), [WarningKind::Flattened]);
    }

    #[test]
    fn events_after_the_file_was_written_are_counted_and_do_not_end_the_log() {
        let written = day_start("2026-03-03".parse().unwrap()) + MICROS_PER_DAY / 2;
        let of = |days: &[&str]| SourceFacts {
            modified_us: Some(written),
            days: days.iter().map(|day| ((*day).to_owned(), 2)).collect(),
            period_us: Some((0, day_start(days.last().unwrap().parse().unwrap()) + 7)),
            ..source("array", 5)
        };
        let right = of(&["2026-03-02", "2026-03-04"]);
        let early = [WarningKind::TooEarly];
        assert_eq!(kinds(&right, &LossIndicators::default(), None), early);
        let wrong = of(&["2026-03-02", "2027-01-01", "2031-01-01"]);
        let all = detect(&wrong, &LossIndicators::default(), SearchFacts::default());
        assert_eq!((all.len(), all[0].kind, all[0].count), (1, WarningKind::FutureDated, 4));
        assert!(all[0].detail.starts_with("events from 2027-01-01 on"), "{}", all[0].detail);
        let end = |day: &str| day_start(day.parse().unwrap()) + MICROS_PER_DAY - 1;
        assert_eq!(last_plausible_us(std::slice::from_ref(&wrong)), Some(end("2026-03-02")));
        assert_eq!(
            last_plausible_us(&[wrong, right]),
            Some(end("2026-03-04") - MICROS_PER_DAY + 8)
        );
        let unknown = SourceFacts { modified_us: None, ..of(&["2031-01-01"]) };
        assert_eq!(last_plausible_us(&[unknown]), Some(end("2031-01-01") - MICROS_PER_DAY + 8));
        assert_eq!(last_plausible_us(&[of(&["2031-01-01"])]), None);
    }

    #[test]
    fn one_or_two_names_with_question_marks_cause_no_warning() {
        let mut indicators = LossIndicators::default();
        for (number, name) in ["a?b", "c?d", "e?f"].into_iter().enumerate() {
            assert!(
                detect(&source("csv", number as u64), &indicators, SearchFacts::default())
                    .is_empty()
            );
            indicators.lost_characters.insert(name.to_owned());
        }
        let all = detect(&source("csv", 3), &indicators, SearchFacts::default());
        assert!(all[0].detail.contains("for example \"a?b\""), "{all:?}");
        indicators.has_non_ascii = true;
        assert!(detect(&source("csv", 3), &indicators, SearchFacts::default()).is_empty());
    }
}
