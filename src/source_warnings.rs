//! What speaks against a source in which nothing is wrong: it was probably cut, written too early,
//! or by something that loses a part of what it writes.
//!
//! Owns: the rules, each in one place, for the accounts of a run and for the coverage of reports.
//! A source is judged by what is remembered of it and by the signs in its text. Must not know how
//! sources are read, or what is concluded.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};

use crate::record::loss_indicators::{LossIndicators, MIN_SUSPECT_NAMES};
use crate::schema::source_log::{SourceFacts, SourceWarning, WarningKind};

/// Times in file names have no zone, and no zone is further from UTC.
const MAX_ZONE_OFFSET_US: i64 = 14 * 3_600_000_000;

/// Rows after which the audit search stops, and who stops there (Microsoft's documentation of the
/// audit log search).
const SEARCH_LIMITS: [(u64, &str); 6] = [
    (100, "Search-UnifiedAuditLog stops without -ResultSize"),
    (1_000, "the portal's list on screen stops"),
    (5_000, "one call of Search-UnifiedAuditLog stops"),
    (10_000, "a page of results ends"),
    (50_000, "an export of the portal and a session of Search-UnifiedAuditLog stop"),
    (1_000_000, "the portal stops with a premium licence"),
];
/// Of those, the ones that a file of events reaches by chance too rarely to be one. Days of 100 or
/// 1,000 events are many, and whoever keeps one page a file has many of 5,000 and 10,000.
const MIN_FILE_LIMIT: u64 = 50_000;

/// What speaks against a source that was read to its end. `results` is how many rows its search
/// says that it found.
pub fn detect(
    facts: &SourceFacts,
    signs: &LossIndicators,
    results: Option<u64>,
) -> Vec<SourceWarning> {
    let is_table = facts.kind == "csv-lossy";
    let all = [
        truncated(facts, results).or_else(|| at_limit(facts)),
        is_table.then(|| lossy_table(facts, signs)).filter(|lossy| lossy.count > 0),
        lost_characters(signs),
        flattened(signs).filter(|_| !is_table),
        too_early(facts),
    ];
    all.into_iter().flatten().collect()
}

fn warning(kind: WarningKind, count: u64, detail: impl Into<String>) -> SourceWarning {
    SourceWarning { kind, count, detail: detail.into() }
}

fn truncated(facts: &SourceFacts, results: Option<u64>) -> Option<SourceWarning> {
    let rows = facts.records.read;
    let results = results.filter(|&results| results > rows)?;
    let detail = format!(
        "the search found {results} results, and {rows} rows are here: unless other files have the \
         rest, search again in shorter periods; with -SessionCommand ReturnLargeSet, a session \
         gives up to 50000"
    );
    Some(warning(WarningKind::Truncated, results - rows, detail))
}

fn at_limit(facts: &SourceFacts) -> Option<SourceWarning> {
    let rows = row_limit(facts)?;
    let who = SEARCH_LIMITS.iter().find(|(limit, _)| *limit == rows).map_or("", |(_, who)| who);
    let detail = format!(
        "exactly {rows} records, which is where {who}: probably cut; pull its days again in \
         shorter periods"
    );
    Some(warning(WarningKind::AtLimit, rows, detail))
}

fn lossy_table(facts: &SourceFacts, signs: &LossIndicators) -> SourceWarning {
    let detail = format!(
        "a table without AuditData: Export-Csv has the columns of its first event only and makes \
         text of nested values ({} of them); pull its days again as JSON, with ConvertTo-Json \
         -Depth 10",
        signs.flattened
    );
    warning(WarningKind::LossyTable, facts.records.read, detail)
}

fn lost_characters(signs: &LossIndicators) -> Option<SourceWarning> {
    let example = signs.lost_characters.first().filter(|_| !signs.has_non_ascii)?;
    let count = signs.lost_characters.len();
    let detail = format!(
        "names have ? where letters were, such as \"{example}\": written as ASCII; pull its days \
         again and write with -Encoding utf8"
    );
    (count >= MIN_SUSPECT_NAMES).then(|| warning(WarningKind::LostCharacters, count as u64, detail))
}

fn flattened(signs: &LossIndicators) -> Option<SourceWarning> {
    let example = signs.flattened_example.as_deref()?;
    let detail = format!(
        "values are the text of objects that were cut off, such as {example}, and are kept as \
         text; pull its days again with ConvertTo-Json -Depth 10"
    );
    Some(warning(WarningKind::Flattened, signs.flattened, detail))
}

fn too_early(facts: &SourceFacts) -> Option<SourceWarning> {
    let (day, events) = facts.days.last_key_value()?;
    let end = day.parse::<NaiveDate>().ok()?.checked_add_days(Days::new(1))?;
    let end = end.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
    let detail = format!(
        "written before {day} was over in UTC, and events come up to a day late: pull that day \
         again once it is over for a day"
    );
    is_written_before(facts, end).then(|| warning(WarningKind::TooEarly, *events, detail))
}

/// Whether a source is known to hold less than what was searched for, or ends at a limit.
pub fn is_truncated(source: &SourceFacts) -> bool {
    let is_proven = |suspicion: &SourceWarning| suspicion.kind == WarningKind::Truncated;
    row_limit(source).is_some() || source.warnings.iter().any(is_proven)
}

/// The limit at which the source seems to have stopped. A page of the activity log is none: what
/// follows it is in the next page.
pub fn row_limit(source: &SourceFacts) -> Option<u64> {
    let rows = source.records.read;
    let is_limit = SEARCH_LIMITS.iter().any(|(limit, _)| *limit == rows);
    let applies = match source.kind.as_str() {
        "rest" => false,
        kind => is_audit_search(kind) || rows >= MIN_FILE_LIMIT,
    };
    (is_limit && applies).then_some(rows)
}

/// Whether the shape is that of an export of the audit search rather than of the activity log.
pub fn is_audit_search(kind: &str) -> bool {
    kind.starts_with("csv") || kind.starts_with("graph")
}

/// Whether a source was written before an instant, in microseconds since 1970: by the time in its
/// name; else it holds a later event or not; else by the file's own time, which a copy may have
/// made later, but nothing makes earlier.
pub fn is_written_before(source: &SourceFacts, end_us: i64) -> bool {
    if let Some(named) = time_in_name(file_name(source)) {
        // The clock of the name may be of any zone. The file's own time, where it is still that
        // of its writing, says which instant it was.
        let same = |modified: &i64| (modified - named).abs() <= MAX_ZONE_OFFSET_US;
        return source.modified_us.filter(same).unwrap_or(named) < end_us;
    }
    let holds_later = source.period_us.is_some_and(|(_, last)| last >= end_us);
    !holds_later && source.modified_us.is_some_and(|modified| modified < end_us)
}

/// The last part of its path.
pub fn file_name(source: &SourceFacts) -> &str {
    source.path.rsplit('/').next().unwrap_or(&source.path)
}

/// The time of writing in names such as `PBIActivityEvents-20260301-202603020415.json`, taken for
/// UTC: the last 12 or 14 digits in a row, or the last 8 digits, `T` and 4 or 6 digits, that are a
/// time.
fn time_in_name(name: &str) -> Option<i64> {
    let words = name.split(|letter: char| !(letter.is_ascii_digit() || letter == 'T'));
    let mut times = words.filter_map(|word| {
        let digits = match word.split_once('T') {
            Some((day, time)) if day.len() == 8 && matches!(time.len(), 4 | 6) => {
                format!("{day}{time}")
            }
            _ => word.to_owned(),
        };
        let form = match digits.len() {
            12 => "%Y%m%d%H%M",
            14 => "%Y%m%d%H%M%S",
            _ => return None,
        };
        NaiveDateTime::parse_from_str(&digits, form).ok()
    });
    times.next_back().map(|time| time.and_utc().timestamp_micros())
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
        signs: &LossIndicators,
        results: Option<u64>,
    ) -> Vec<WarningKind> {
        detect(facts, signs, results).iter().map(|suspicion| suspicion.kind).collect()
    }

    #[test]
    fn limits_are_those_of_what_wrote_the_file() {
        for (kind, suspect) in [
            ("csv", &[100, 1_000, 5_000, 10_000, 50_000, 1_000_000][..]),
            ("graph", &[100, 1_000, 5_000, 10_000, 50_000, 1_000_000]),
            ("array", &[50_000, 1_000_000]),
            ("ndjson", &[50_000, 1_000_000]),
            ("rest", &[]),
        ] {
            for rows in [99, 100, 1_000, 4_999, 5_000, 10_000, 49_999, 50_000, 1_000_000] {
                let limit = row_limit(&source(kind, rows));
                assert_eq!(limit.is_some(), suspect.contains(&rows), "{kind} {rows}");
            }
        }
    }

    #[test]
    fn results_that_are_not_there_prove_a_cut() {
        let none = LossIndicators::default();
        let all = detect(&source("csv", 5_000), &none, Some(12_345));
        assert_eq!((all.len(), all[0].kind, all[0].count), (1, WarningKind::Truncated, 7_345));
        assert_eq!(kinds(&source("csv", 5_000), &none, Some(5_000)), [WarningKind::AtLimit]);
        assert!(kinds(&source("csv", 4_000), &none, Some(4_000)).is_empty());
        let proven = SourceFacts { warnings: all, ..source("csv", 5_001) };
        assert!(is_truncated(&proven) && !is_truncated(&source("csv", 5_001)));
    }

    #[test]
    fn a_table_explains_its_flattened_values_and_is_one_suspicion() {
        let example = Some("A: System.Object[]".to_owned());
        let signs = LossIndicators {
            flattened: 7,
            flattened_example: example,
            ..LossIndicators::default()
        };
        assert_eq!(kinds(&source("csv-lossy", 3), &signs, None), [WarningKind::LossyTable]);
        assert_eq!(kinds(&source("array", 3), &signs, None), [WarningKind::Flattened]);
    }

    #[test]
    fn one_or_two_names_with_question_marks_prove_nothing() {
        let mut signs = LossIndicators::default();
        for (number, name) in ["a?b", "c?d", "e?f"].into_iter().enumerate() {
            assert!(detect(&source("csv", number as u64), &signs, None).is_empty());
            signs.lost_characters.insert(name.to_owned());
        }
        let all = detect(&source("csv", 3), &signs, None);
        assert!(all[0].detail.contains("such as \"a?b\""), "{all:?}");
        signs.has_non_ascii = true;
        assert!(detect(&source("csv", 3), &signs, None).is_empty());
    }
}
