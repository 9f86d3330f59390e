//! Tests of the statuses of days, by hand and with random archives whose hours are known.

use std::collections::BTreeMap;

use super::*;
use crate::query::coverage::downloads::Download;
use crate::query::definition::report::LogKind;
use crate::schema::MICROS_PER_HOUR as HOUR_US;
use crate::schema::source_log::{RecordCounts, SourceFacts, SourceWarning, WarningKind};

const DAY: &str = "2026-03-01";

fn us(text: &str) -> i64 {
    text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros()
}

fn source(path: &str, kind: &str, events: u64) -> SourceFacts {
    SourceFacts {
        path: path.into(),
        kind: kind.into(),
        size_bytes: 100,
        records: RecordCounts { read: events, ..Default::default() },
        days: BTreeMap::from([(DAY.to_owned(), events)]),
        period_us: Some((us("2026-03-01T00:10:00Z"), us("2026-03-01T23:50:00Z"))),
        ..Default::default()
    }
}

fn download(from: &str, to: &str, recorded: &str) -> Download {
    let [from_us, to_us, recorded_us] = [from, to, recorded].map(us);
    Download { from_us, to_us, recorded_us, has_failed: false, filter: None }
}

/// Returns the status of a day with downloads that were made two days later.
fn status(sources: &[SourceFacts], windows: &[(&str, &str)]) -> (DayStatus, String) {
    let later = |(from, to): &(&str, &str)| download(from, to, "2026-03-03T03:00:00Z");
    status_with(sources, windows.iter().map(later).collect())
}

fn status_with(sources: &[SourceFacts], downloads: Vec<Download>) -> (DayStatus, String) {
    let date: NaiveDate = DAY.parse().unwrap();
    let evidence = Evidence {
        sources: LogSources::new(sources, LogKind::PowerBi),
        downloads: Downloads::new(downloads),
        stored: BTreeSet::from([date]),
        last_event_us: Some(us("2026-03-09T12:00:00Z")),
    };
    let day = assess(&[date], &evidence).days.remove(0);
    (day.status, day.reason)
}

fn at_limit(kind: &str, records: u64) -> SourceFacts {
    let warning =
        SourceWarning { kind: WarningKind::AtLimit, count: records, detail: String::new() };
    SourceFacts { warnings: vec![warning], ..source("audit.csv", kind, records) }
}

#[test]
fn day_without_events_is_missing_and_day_without_problems_is_complete() {
    let date: NaiveDate = DAY.parse().unwrap();
    let coverage = assess(&[date], &Evidence::default());
    assert_eq!(coverage.days[0].status, DayStatus::Missing);
    assert_eq!((coverage.count(DayStatus::Missing), coverage.is_complete()), (1, false));
    assert_eq!(status(&[source("a.json", "array", 7)], &[]).0, DayStatus::Complete);
    assert_eq!(status(&[], &[]).0, DayStatus::Complete, "written by another program");
}

#[test]
fn quiet_day_is_complete_if_the_downloads_or_an_empty_answer_prove_it() {
    let date: NaiveDate = DAY.parse().unwrap();
    let quiet = |sources: &[SourceFacts], downloads: Vec<Download>| {
        let sources = LogSources::new(sources, LogKind::PowerBi);
        let evidence =
            Evidence { sources, downloads: Downloads::new(downloads), ..Evidence::default() };
        assess(&[date], &evidence).days.remove(0).status
    };
    let day = download("2026-03-01T00:00:00Z", "2026-03-01T23:59:59Z", "2026-03-02T03:00:00Z");
    assert_eq!(quiet(&[], vec![day.clone()]), DayStatus::Complete);
    let half = Download { to_us: us("2026-03-01T12:00:00Z"), ..day.clone() };
    assert_eq!(quiet(&[], vec![half]), DayStatus::Partial);
    assert_eq!(quiet(&[], vec![Download { has_failed: true, ..day }]), DayStatus::Missing);
    let empty = SourceFacts {
        days: BTreeMap::new(),
        period_us: None,
        ..source("PBIActivityEvents-20260301-202603020300.json", "rest", 0)
    };
    assert_eq!(quiet(std::slice::from_ref(&empty), Vec::new()), DayStatus::Complete);
    let nothing = SourceFacts { modified_us: Some(us("2026-03-02T09:00:00Z")), ..empty.clone() };
    let early = SourceFacts { modified_us: Some(us("2026-03-01T09:00:00Z")), ..empty };
    let early = SourceFacts { path: "20260301.json".into(), ..early };
    assert_eq!(quiet(&[early], Vec::new()), DayStatus::Missing, "before the end of the day");
    let hours: Vec<SourceFacts> = (0..24)
        .map(|hour| SourceFacts { path: format!("2026-03-01T{hour:02}.json"), ..nothing.clone() })
        .collect();
    assert_eq!(quiet(&hours, Vec::new()), DayStatus::Complete);
    assert_eq!(quiet(&hours[1..], Vec::new()), DayStatus::Partial);
    let search = SourceFacts {
        days: BTreeMap::from([("2026-02-27".to_owned(), 3), ("2026-03-02".to_owned(), 3)]),
        period_us: Some((us("2026-02-27T08:00:00Z"), us("2026-03-02T17:00:00Z"))),
        ..source("audit.csv", "csv", 6)
    };
    assert_eq!(quiet(std::slice::from_ref(&search), Vec::new()), DayStatus::Complete);
    let more = SourceFacts {
        days: BTreeMap::from([("2026-03-02".to_owned(), 9)]),
        period_us: Some((us("2026-03-02T08:00:00Z"), us("2026-03-02T18:00:00Z"))),
        ..source("20260302.json", "array", 9)
    };
    let limited = quiet(&[search, more], Vec::new());
    assert_eq!(limited, DayStatus::Missing, "a search for some events only");
}

#[test]
fn damaged_source_truncates_the_day_unless_an_intact_source_has_as_many_events() {
    let broken = SourceFacts { damaged: true, ..source("files/a.json", "rest", 500) };
    let (truncated, reason) = status(std::slice::from_ref(&broken), &[]);
    assert_eq!((truncated, reason.as_str()), (DayStatus::Truncated, "a.json is damaged"));
    let less = source("b.json", "rest", 499);
    assert_eq!(status(&[broken.clone(), less], &[]).0, DayStatus::Truncated);
    let more = source("b.json", "rest", 800);
    assert_eq!(status(&[broken, more], &[]).0, DayStatus::Complete);
}

#[test]
fn source_at_a_limit_truncates_the_day() {
    let (truncated, reason) = status(&[at_limit("csv", 5_000)], &[]);
    let expected = (DayStatus::Truncated, "audit.csv ends at exactly 5000 records");
    assert_eq!((truncated, reason.as_str()), expected);
    assert_eq!(status(&[source("audit.csv", "csv", 5_000)], &[]).0, DayStatus::Complete);
}

#[test]
fn page_without_its_continuation_truncates_the_day() {
    let page = |name: &str, is_continued: bool, from: &str, to: &str| SourceFacts {
        is_continued,
        period_us: Some((us(&format!("{DAY}T{from}:00Z")), us(&format!("{DAY}T{to}:00Z")))),
        ..source(name, "rest", 5)
    };
    let first = page("p1.json", true, "00:05", "00:55");
    let (truncated, reason) = status(std::slice::from_ref(&first), &[]);
    let expected = "p1.json has a continuation that is not in the archive";
    assert_eq!((truncated, reason.as_str()), (DayStatus::Truncated, expected));
    let second = page("p2.json", false, "01:05", "23:40");
    assert_eq!(status(&[first.clone(), second.clone()], &[]).0, DayStatus::Complete);
    // An empty page is a continuation too, although no event shows that it belongs to the day.
    let empty = SourceFacts { path: "p2.json".into(), kind: "rest".into(), ..Default::default() };
    assert_eq!(status(&[first.clone(), empty.clone()], &[]).0, DayStatus::Complete);
    let continued = SourceFacts { is_continued: true, ..empty };
    assert_eq!(status(&[first.clone(), continued], &[]).0, DayStatus::Truncated);
    // A page is missing between two others of the same chain.
    let third = page("p3.json", false, "05:05", "23:40");
    assert_eq!(status(&[first.clone(), third.clone()], &[]).0, DayStatus::Truncated);
    let elsewhere = page("again/all.json", false, "00:05", "23:40");
    assert_eq!(status(&[first.clone(), third, elsewhere], &[]).0, DayStatus::Complete);
    // Each hour was downloaded by itself, so the next hour is not the continuation.
    let hours: Vec<SourceFacts> = (1..24)
        .map(|hour| {
            let [from, to] = ["05", "55"].map(|minute| format!("{hour:02}:{minute}"));
            page(&format!("h{hour}.json"), false, &from, &to)
        })
        .collect();
    let with = |page: SourceFacts| [vec![page], hours.clone()].concat();
    assert_eq!(status(&with(first.clone()), &[]).0, DayStatus::Truncated);
    let rest = page("p1b.json", false, "00:10", "00:58");
    assert_eq!(status(&[with(first), vec![rest]].concat(), &[]).0, DayStatus::Complete);
}

#[test]
fn recorded_downloads_are_ignored_if_the_next_day_is_truncated() {
    let half = [("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")];
    let day = source("a.json", "array", 7);
    let after = SourceFacts {
        days: BTreeMap::from([("2026-03-02".to_owned(), 7)]),
        ..source("b.json", "array", 7)
    };
    assert_eq!(status(&[day.clone(), after.clone()], &half).0, DayStatus::Partial);
    let broken = SourceFacts { damaged: true, ..after.clone() };
    assert_eq!(status(&[day.clone(), broken], &half).0, DayStatus::Complete);
    // A lost page loses records too.
    let period_us = Some((us("2026-03-02T00:10:00Z"), us("2026-03-02T09:00:00Z")));
    let page = SourceFacts { kind: "rest".into(), is_continued: true, period_us, ..after.clone() };
    assert_eq!(status(&[day.clone(), page], &half).0, DayStatus::Complete);
    // An intact copy of the day has the records.
    let cut = SourceFacts { damaged: true, path: "c.json".into(), ..after.clone() };
    assert_eq!(status(&[day, after, cut], &half).0, DayStatus::Partial);
}

#[test]
fn recorded_failure_counts_although_the_next_day_is_truncated() {
    let after = SourceFacts {
        days: BTreeMap::from([("2026-03-02".to_owned(), 7)]),
        damaged: true,
        ..source("b.json", "array", 7)
    };
    let sources = [source("a.json", "array", 7), after];
    let recorded = "2026-03-02T03:00:00Z";
    let morning = download("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z", recorded);
    let failed = Download {
        has_failed: true,
        ..download("2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z", recorded)
    };
    let (status, reason) = status_with(&sources, vec![morning, failed]);
    assert_eq!(status, DayStatus::Partial);
    assert!(reason.contains("12:00:00 to 13:00:00 (UTC) failed"), "{reason}");
}

#[test]
fn gap_between_recorded_downloads_makes_the_day_partial() {
    let events = [source("a.json", "array", 7)];
    let morning = ("2026-03-01T00:00:00Z", "2026-03-01T11:59:59Z");
    let evening = ("2026-03-01T12:00:00Z", "2026-03-01T23:59:59.999Z");
    assert_eq!(status(&events, &[morning, evening]).0, DayStatus::Complete);
    let (partial, reason) = status(&events, &[morning]);
    let gap = "the downloads recorded in the log do not cover 12:00:00 to 24:00:00 (UTC)";
    assert_eq!((partial, reason.as_str()), (DayStatus::Partial, gap));
    let (partial, reason) = status(&events, &[evening]);
    let gap = "the downloads recorded in the log do not cover 00:00:00 to 12:00:00 (UTC)";
    assert_eq!((partial, reason.as_str()), (DayStatus::Partial, gap));
    let next = ("2026-03-02T00:00:00Z", "2026-03-02T00:59:59Z");
    assert_eq!(status(&events, &[next]).0, DayStatus::Complete, "a window of another day");
}

#[test]
fn other_source_counts_for_the_hours_it_reaches_only() {
    let half = [("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")];
    let day = source("a.json", "array", 7);
    let search = |from: &str, to: &str| SourceFacts {
        period_us: Some((us(from), us(to))),
        ..source("b.csv", "csv", 7)
    };
    let whole = search("2026-02-20T00:00:00Z", "2026-03-05T00:00:00Z");
    assert_eq!(status(&[day.clone(), whole], &half).0, DayStatus::Complete);
    let one = search("2026-03-01T15:00:00Z", "2026-03-01T15:00:00Z");
    assert_eq!(status(&[day.clone(), one], &half).0, DayStatus::Partial);
    let same_log = source("b.ndjson", "ndjson", 7);
    assert_eq!(status(&[day, same_log], &half).0, DayStatus::Partial, "the same log");
}

#[test]
fn downloads_that_failed_or_had_a_filter_or_came_too_early_prove_nothing() {
    let events = [source("a.json", "array", 7)];
    let all = download("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02T03:00:00Z");
    let failed = Download { has_failed: true, ..all.clone() };
    let (partial, reason) = status_with(&events, vec![failed]);
    assert_eq!(partial, DayStatus::Partial);
    assert_eq!(reason, "the recorded download of 00:00:00 to 24:00:00 (UTC) failed");
    let filtered = Download { filter: Some("ViewReport".into()), ..all.clone() };
    let (partial, reason) = status_with(&events, vec![filtered.clone()]);
    assert_eq!(partial, DayStatus::Partial);
    assert!(reason.ends_with("was only downloaded with a filter (ViewReport)"), "{reason}");
    assert_eq!(status_with(&events, vec![filtered, all.clone()]).0, DayStatus::Complete);
    let early = Download { recorded_us: us("2026-03-01T10:00:00Z"), ..all };
    let (partial, reason) = status_with(&events, vec![early]);
    assert_eq!(partial, DayStatus::Partial);
    assert!(reason.contains("2026-03-01 10:00:00"), "{reason}");
}

#[test]
fn last_day_with_an_own_later_file_is_complete() {
    let noon = download("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z");
    let last_day = |modified: &str| {
        let modified_us = Some(us(modified));
        let all = [SourceFacts { modified_us, ..source("20260301.json", "array", 70) }];
        let date: NaiveDate = DAY.parse().unwrap();
        let evidence = Evidence {
            sources: LogSources::new(&all, LogKind::PowerBi),
            downloads: Downloads::new(vec![noon.clone()]),
            stored: BTreeSet::from([date]),
            last_event_us: Some(us("2026-03-01T23:50:00Z")),
        };
        assess(&[date], &evidence).days.remove(0).status
    };
    assert_eq!(last_day("2026-03-02T03:00:00Z"), DayStatus::Complete);
    assert_eq!(last_day("2026-03-01T23:55:00Z"), DayStatus::Partial);
}

#[test]
fn source_written_on_the_same_day_makes_it_partial() {
    let until = |name: &str, last: &str, modified: Option<&str>| SourceFacts {
        period_us: Some((us("2026-03-01T00:10:00Z"), us(last))),
        modified_us: modified.map(us),
        ..source(name, "array", 7)
    };
    let named = |name: &str| status(&[until(name, "2026-03-01T17:20:00Z", None)], &[]).0;
    assert_eq!(named("PBIActivityEvents-20260301-202603011800.json"), DayStatus::Partial);
    assert_eq!(named("PBIActivityEvents-20260301-202603020415.json"), DayStatus::Complete);
    assert_eq!(named("x/20260301T180000.json"), DayStatus::Complete, "may be the window");
    assert_eq!(named("activity_202603010000_202603012359.json"), DayStatus::Complete);
    assert_eq!(named("202603011800/20260301.json"), DayStatus::Complete, "a folder");
    let modified = |modified: &str| {
        let last = "2026-03-01T17:20:00Z";
        status(&[until("20260301.json", last, Some(modified))], &[]).0
    };
    assert_eq!(modified("2026-03-01T18:00:00Z"), DayStatus::Partial);
    assert_eq!(modified("2026-03-02T00:00:00Z"), DayStatus::Complete);
    let name = "PBIActivityEvents-20260301-202603011730.json";
    let at = |modified: &str| status(&[until(name, "2026-03-01T15:00:00Z", Some(modified))], &[]).0;
    assert_eq!(at("2026-03-02T01:30:00Z"), DayStatus::Complete, "written in California");
    assert_eq!(at("2026-03-01T16:30:00Z"), DayStatus::Partial, "written in Zurich");
    assert_eq!(at("2026-11-21T00:00:00Z"), DayStatus::Partial, "copied months later");
}

#[test]
fn file_of_the_neighboring_local_day_does_not_complete_a_day() {
    let early = SourceFacts {
        period_us: Some((us("2026-03-01T00:10:00Z"), us("2026-03-01T10:00:00Z"))),
        modified_us: Some(us("2026-03-01T11:00:00Z")),
        ..source("berlin-20260301.json", "array", 7)
    };
    let neighbor = |first: &str| SourceFacts {
        period_us: Some((us(first), us("2026-03-02T22:00:00Z"))),
        modified_us: Some(us("2026-03-03T03:00:00Z")),
        ..source("berlin-20260302.json", "array", 7)
    };
    let (partial, reason) = status(&[early.clone(), neighbor("2026-03-01T23:30:00Z")], &[]);
    assert_eq!(partial, DayStatus::Partial);
    assert!(reason.ends_with("no other source contains 11:00:00 to 22:30:00 (UTC)"), "{reason}");
    let again = [early, neighbor("2026-03-01T00:10:00Z")];
    assert_eq!(status(&again, &[]).0, DayStatus::Complete, "downloaded again");
}

/// Fate of the log of a day in a random archive.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Downloaded,
    Quiet,
    HourFailed,
    Filtered,
    TooEarly,
    PageLost,
    NotDownloaded,
}

/// A random archive: the facts about its sources, its recorded downloads, and the fate of each day.
struct RandomArchive {
    sources: Vec<SourceFacts>,
    downloads: Vec<Download>,
    fates: Vec<(NaiveDate, Fate)>,
}

fn random_archive(random: &mut fastrand::Rng) -> RandomArchive {
    let first: NaiveDate = "2026-03-02".parse().unwrap();
    let count = random.usize(5..25);
    let mut archive =
        RandomArchive { sources: Vec::new(), downloads: Vec::new(), fates: Vec::new() };
    let keeps_downloads = random.u8(..4) > 0;
    for (number, date) in first.iter_days().take(count).enumerate() {
        let is_end = number == 0 || number + 1 == count;
        let fate = match random.u8(..if is_end { 1 } else { 14 }) {
            0..=4 => Fate::Downloaded,
            5 | 6 => Fate::Quiet,
            7 => Fate::HourFailed,
            8 => Fate::Filtered,
            9 => Fate::TooEarly,
            10 | 11 => Fate::PageLost,
            _ => Fate::NotDownloaded,
        };
        add_day(&mut archive, random, date, fate, keeps_downloads);
        archive.fates.push((date, fate));
    }
    // The Power Platform is in an audit export of all days, and says nothing about Power BI.
    if random.bool() {
        let days = archive.fates.iter().map(|(date, _)| (date.to_string(), 3)).collect();
        let last = utc_day_start(archive.fates[count - 1].0);
        let period_us = Some((utc_day_start(first) + HOUR_US, last + 20 * HOUR_US));
        let platform = crate::schema::source_log::LogFacts { days, period_us };
        let days = platform.days.clone();
        let facts = SourceFacts { days, period_us, ..source("purview.csv", "csv", 3) };
        archive.sources.push(SourceFacts { power_platform: platform, ..facts });
    }
    archive
}

fn add_day(
    archive: &mut RandomArchive,
    random: &mut fastrand::Rng,
    date: NaiveDate,
    fate: Fate,
    keeps_downloads: bool,
) {
    let start = utc_day_start(date);
    let failed_hour = random.i64(0..24);
    let cut_hour = random.i64(2..22);
    let made = match fate {
        Fate::TooEarly => start + cut_hour * HOUR_US,
        _ => start + 27 * HOUR_US,
    };
    let records = keeps_downloads || matches!(fate, Fate::Filtered | Fate::HourFailed);
    if fate != Fate::NotDownloaded && records {
        archive.downloads.extend((0..24).map(|hour| Download {
            from_us: start + hour * HOUR_US,
            to_us: start + (hour + 1) * HOUR_US - 1_000,
            recorded_us: made,
            has_failed: fate == Fate::HourFailed && hour == failed_hour,
            filter: (fate == Fate::Filtered).then(|| "ViewReport".to_owned()),
        }));
    }
    let day = date.format("%Y%m%d");
    let page = |name: String, hours: (i64, i64), is_continued: bool| SourceFacts {
        path: name,
        kind: "rest".into(),
        size_bytes: 100,
        records: RecordCounts { read: 9, ..Default::default() },
        days: BTreeMap::from([(date.to_string(), 9)]),
        period_us: Some((start + hours.0 * HOUR_US + 60_000_000, start + hours.1 * HOUR_US)),
        modified_us: Some(if fate == Fate::TooEarly { made } else { made + HOUR_US }),
        is_continued,
        ..SourceFacts::default()
    };
    match fate {
        Fate::NotDownloaded => {}
        Fate::Quiet => archive.sources.push(SourceFacts {
            days: BTreeMap::new(),
            period_us: None,
            records: RecordCounts::default(),
            ..page(format!("log/{day}.json"), (0, 1), false)
        }),
        Fate::PageLost => {
            archive.sources.push(page(format!("log/{day}-1.json"), (0, cut_hour), true));
        }
        Fate::TooEarly => {
            archive.sources.push(page(format!("log/{day}.json"), (0, cut_hour - 1), false));
        }
        _ if random.bool() => {
            archive.sources.push(page(format!("log/{day}-1.json"), (0, cut_hour), true));
            archive.sources.push(page(format!("log/{day}-2.json"), (cut_hour, 23), false));
        }
        _ => archive.sources.push(page(format!("log/{day}.json"), (0, 23), false)),
    }
}

#[test]
fn statuses_of_random_archives_match_what_happened_to_each_hour() {
    let seed = match std::env::var("PBI_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => fastrand::u64(..),
    };
    let mut random = fastrand::Rng::with_seed(seed);
    for number in 0..2_000 {
        let archive = random_archive(&mut random);
        let sources = LogSources::new(&archive.sources, LogKind::PowerBi);
        let stored = sources.days().collect();
        let last_event_us = archive.sources.iter().filter_map(|s| s.period_us).map(|p| p.1).max();
        let evidence = Evidence {
            sources,
            downloads: Downloads::new(archive.downloads),
            stored,
            last_event_us,
        };
        let days: Vec<NaiveDate> = archive.fates.iter().map(|(date, _)| *date).collect();
        let coverage = assess(&days, &evidence);
        for (day, (_, fate)) in coverage.days.iter().zip(&archive.fates) {
            let expected = match fate {
                Fate::Downloaded | Fate::Quiet => DayStatus::Complete,
                Fate::HourFailed | Fate::Filtered | Fate::TooEarly => DayStatus::Partial,
                Fate::PageLost => DayStatus::Truncated,
                Fate::NotDownloaded => DayStatus::Missing,
            };
            assert_eq!(day.status, expected, "PBI_SEED={seed}, archive {number}: {day:?} {fate:?}");
        }
    }
}
