//! `--compare`: the rows of two periods side by side, compared with counts in plain code over the
//! raw events: with missing days, over a clock change, and with a log that begins too late.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::archive::year;
use crate::golden::assert_golden;
use crate::sample_data::{FOLDERS, copy_of_sample_data};
use crate::workdir::Workdir;

/// An archive of the views of three reports, without some UTC days.
struct Archive {
    dir: Workdir,
    views: Vec<(DateTime<Utc>, String, String)>,
    days: BTreeSet<NaiveDate>,
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

impl Archive {
    /// Creates the archive from 2026-03-02, a Monday, to 2026-04-12, a Sunday. Clocks in Berlin go
    /// forward on 2026-03-29.
    fn new(missing: &[&str]) -> Archive {
        let (dir, mut views) = (Workdir::new(), Vec::new());
        let first = day("2026-03-02");
        let all = first.iter_days().take_while(|day| *day <= self::day("2026-04-12"));
        let missing: BTreeSet<NaiveDate> = missing.iter().map(|text| day(text)).collect();
        let days: BTreeSet<NaiveDate> = all.filter(|day| !missing.contains(day)).collect();
        for day in &days {
            let number = (*day - first).num_days();
            let mut events = Vec::new();
            for view in 0..(number % 6 + 2) {
                // Views at every hour, so that some belong to another day in Berlin.
                let hour = (number * 5 + view * 7) % 24;
                let time =
                    day.and_hms_opt(0, 30, 0).expect("a time").and_utc() + TimeDelta::hours(hour);
                let report = match (number + view) % 5 {
                    0 | 1 => "old",
                    2 => "steady",
                    _ => "busy",
                };
                let report = if report == "old" && number > 20 { "new" } else { report };
                let user = format!("p{}@contoso.com", (number + view) % 4);
                events.push(json!({
                    "Id": format!("{day}-{view}"), "Operation": "ViewReport",
                    "CreationTime": time.format("%Y-%m-%dT%H:%M:%S").to_string(),
                    "Activity": "ViewReport", "UserId": user, "UserType": 0, "RecordType": 20,
                    "Workload": "PowerBI", "ReportId": report, "ReportName": report,
                    "WorkspaceId": "w1", "WorkSpaceName": "Finance",
                }));
                views.push((time, report.to_owned(), user));
            }
            let page = json!({ "activityEventEntities": events });
            dir.write(&format!("log/{day}.json"), page.to_string());
        }
        dir.ingest("store", &["log"]).0.ended(0);
        Archive { dir, views, days }
    }

    fn answer(&self, arguments: &[&str]) -> Vec<Value> {
        let fixed = ["report", "top-reports", "--store", "store", "--format", "json"];
        let text = self.dir.pbi(fixed.iter().chain(arguments)).ended(0).stdout;
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["rows"].as_array().expect("rows").clone()
    }

    /// Returns true if every UTC day of a local day is in the archive.
    fn is_complete(&self, day: NaiveDate, zone: Tz) -> bool {
        let instants = (0..48).map(|half| {
            let time = day.and_hms_opt(0, 0, 0).expect("a time") + TimeDelta::minutes(half * 30);
            time.and_local_timezone(zone).earliest()
        });
        instants.flatten().all(|time| self.days.contains(&time.with_timezone(&Utc).date_naive()))
    }

    /// Returns the days to compare: complete ones, as many of each weekday, the first ones of the
    /// earlier span and the last ones of the later.
    fn comparable(
        &self,
        earlier: (NaiveDate, NaiveDate),
        later: (NaiveDate, NaiveDate),
        zone: Tz,
    ) -> [BTreeSet<NaiveDate>; 2] {
        let complete = |(first, last): (NaiveDate, NaiveDate)| -> Vec<NaiveDate> {
            let days = first.iter_days().take_while(move |day| *day <= last);
            days.filter(|day| self.is_complete(*day, zone)).collect()
        };
        let [before, after] = [complete(earlier), complete(later)];
        let mut chosen = [BTreeSet::new(), BTreeSet::new()];
        for weekday in 0..7 {
            let of = |days: &[NaiveDate]| -> Vec<NaiveDate> {
                let is_of = |day: &&NaiveDate| day.weekday().num_days_from_monday() == weekday;
                days.iter().filter(is_of).copied().collect()
            };
            let [old, new] = [of(&before), of(&after)];
            let count = old.len().min(new.len());
            chosen[0].extend(&old[..count]);
            chosen[1].extend(&new[new.len() - count..]);
        }
        chosen
    }

    /// Returns views and viewers of each report on some days.
    fn counts(&self, days: &BTreeSet<NaiveDate>, zone: Tz) -> BTreeMap<String, (usize, usize)> {
        let mut seen: BTreeMap<String, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for (time, report, user) in &self.views {
            if days.contains(&time.with_timezone(&zone).date_naive()) {
                let (views, users) = seen.entry(report.clone()).or_default();
                *views += 1;
                users.insert(user);
            }
        }
        seen.into_iter().map(|(report, (views, users))| (report, (views, users.len()))).collect()
    }

    /// Compares an answer over the later days with the counts of the raw events.
    fn check(&self, earlier: [&str; 2], later: [&str; 2], zone: Tz, compare: &str) -> usize {
        let period = later.join("..");
        self.check_answer(earlier, later, zone, &["--period", &period, "--compare", compare])
    }

    /// Compares an answer with the counts of the raw events.
    fn check_answer(
        &self,
        earlier: [&str; 2],
        later: [&str; 2],
        zone: Tz,
        flags: &[&str],
    ) -> usize {
        let rows = self.answer(&[flags, &["--tz", zone.name()]].concat());
        let [old_days, new_days] = self.comparable(
            (day(earlier[0]), day(earlier[1])),
            (day(later[0]), day(later[1])),
            zone,
        );
        assert_eq!(old_days.len(), new_days.len());
        let [old, new] = [self.counts(&old_days, zone), self.counts(&new_days, zone)];
        let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        assert_eq!(rows.len(), all.len(), "{rows:?}");
        for row in &rows {
            let report = row["report"].as_str().expect("a name");
            let value = |counts: &BTreeMap<String, (usize, usize)>| {
                counts.get(report).copied().unwrap_or_default()
            };
            let (now, before) = (value(&new), value(&old));
            assert_eq!((&row["views"], &row["views_before"]), (&now.0.into(), &before.0.into()));
            assert_eq!(row["viewers_before"], before.1, "{row}");
            assert_eq!(row["views_change"], now.0 as i64 - before.0 as i64);
            let percent = row["views_change_pct"].as_f64();
            let expected =
                (before.0 > 0).then(|| (now.0 as f64 - before.0 as f64) * 100.0 / before.0 as f64);
            assert_eq!(percent.is_some(), expected.is_some(), "{row}");
            let off = percent.zip(expected).map_or(0.0, |(one, other)| (one - other).abs());
            assert!(off < 0.051, "{row}");
        }
        old_days.len()
    }
}

#[test]
fn complete_days_of_the_same_weekdays_are_compared() {
    let archive = Archive::new(&["2026-03-18", "2026-04-01", "2026-04-04"]);
    let (march, april) = (["2026-03-16", "2026-03-29"], ["2026-03-30", "2026-04-12"]);
    // Without 3 of 14 days, and of the others only as many of each weekday.
    let days = archive.check(march, april, Tz::UTC, "previous");
    assert_eq!(days, 12, "one Wednesday and one Saturday less");
    let days = archive.check(march, april, Tz::Europe__Berlin, "previous");
    assert!((1..12).contains(&days), "local days touch two UTC days: {days}");
    archive.check(["2026-03-02", "2026-03-08"], april, Tz::UTC, "2026-03-02..2026-03-08");
    archive.check(
        ["2026-03-02", "2026-03-29"],
        april,
        Tz::Europe__Berlin,
        "2026-03-02..2026-03-29",
    );
}

#[test]
fn a_clock_change_loses_and_doubles_no_view() {
    let archive = Archive::new(&[]);
    for zone in [Tz::Europe__Berlin, Tz::America__New_York] {
        let days = archive.check(
            ["2026-03-09", "2026-03-22"],
            ["2026-03-23", "2026-04-05"],
            zone,
            "previous",
        );
        assert_eq!(days, 14, "{zone}");
    }
}

#[test]
fn a_log_that_begins_too_late_has_no_comparison() {
    let archive = Archive::new(&[]);
    for flags in [&["--since", "30d"][..], &["--period", "2026-03-09..2026-03-15"]] {
        let rows = archive.answer(&[flags, &["--compare", "2025-03"]].concat());
        assert!(!rows.is_empty());
        for row in rows {
            let unknown = ["views_before", "views_change", "views_change_pct"];
            assert!(unknown.iter().all(|name| row[*name].is_null()), "{row}");
            assert!(row["views"].as_i64() > Some(0), "{row}");
        }
    }
    let fixed = ["report", "top-reports", "--store", "store"];
    let text = |flags: &[&str]| archive.dir.pbi(fixed.iter().chain(flags)).ended(0).stdout;
    let whole = text(&["--compare", "previous"]);
    assert!(whole.contains("No comparison: the log does not reach back that far"), "{whole}");
    let early = text(&["--period", "2026-03-09..2026-03-15", "--compare", "2025-03"]);
    assert!(early.contains("have no complete days on the same weekdays"), "{early}");
}

#[test]
fn a_mark_compares_equally_many_days_before_and_after() {
    let archive = Archive::new(&["2026-03-18", "2026-04-01"]);
    let flags = ["--mark", "2026-03-30:Training", "--compare", "mark"];
    for zone in [Tz::UTC, Tz::Europe__Berlin] {
        let days = archive.check_answer(
            ["2026-03-16", "2026-03-29"],
            ["2026-03-30", "2026-04-12"],
            zone,
            &[&flags[..], &["--until", "2026-04-12"]].concat(),
        );
        assert!((9..14).contains(&days), "{zone}: {days}");
    }
    let ran = archive.dir.pbi(["report", "top-reports", "--store", "store"].iter().chain(&flags));
    let text = ran.ended(0).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains(
            "complete days from 2026-03-30 (Training) on, and of as many days before it,"
        ),
        "{text}"
    );
}

#[test]
fn a_mark_without_days_on_both_sides_has_no_comparison() {
    let archive = Archive::new(&[]);
    for mark in ["2026-03-02", "2026-04-13", "2025-01-01:Long ago"] {
        let rows = archive.answer(&["--mark", mark, "--compare", "mark"]);
        assert!(rows.iter().all(|row| row["views_before"].is_null()), "{mark}: {rows:?}");
    }
}

/// The averages of a report over days, computed from its rows.
#[test]
fn a_mark_gives_the_average_before_and_after() {
    let archive = Archive::new(&["2026-03-18"]);
    let command = ["report", "consumption-trend", "--store", "store", "--mark"];
    let run = |flags: &[&str]| archive.dir.pbi(command.iter().chain(flags)).ended(0).stdout;
    let rows: Value =
        serde_json::from_str(&run(&["2026-03-30:Training", "--format", "json"])).expect("JSON");
    let spans = (day("2026-03-16"), day("2026-03-29"));
    let [before, after] =
        archive.comparable(spans, (day("2026-03-30"), day("2026-04-12")), Tz::UTC);
    let average = |days: &BTreeSet<NaiveDate>| {
        let views = rows["rows"].as_array().expect("rows").iter().filter_map(|row| {
            days.contains(&day(row["date"].as_str()?)).then(|| row["views"].as_f64())?
        });
        views.sum::<f64>() / days.len() as f64
    };
    let (old, new) = (average(&before), average(&after));
    let expected = format!(
        "Average of views over {} complete days each, on the same weekdays: {old:.1} before \
         2026-03-30 (Training), {new:.1} from then on ({:+.1} %).",
        before.len(),
        (new - old) / old * 100.0
    );
    let text = run(&["2026-03-30:Training"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&expected), "{expected}\n{text}");
    let outside = run(&["2025-03-30"]);
    assert!(outside.contains("Marked day: 2025-03-30, not in the period."), "{outside}");
}

#[test]
fn selections_apply_to_the_compared_rows() {
    let archive = Archive::new(&[]);
    let flags = ["--period", "2026-03-23..2026-04-05", "--compare", "previous"];
    let rows = archive.answer(&flags);
    let gone = [&flags[..], &["--where", "views_before > 0 AND views = 0"]].concat();
    let expected: Vec<&Value> =
        rows.iter().filter(|row| row["views"] == 0 && row["views_before"] != 0).collect();
    assert_eq!(archive.answer(&gone).iter().collect::<Vec<_>>(), expected);
    let falling = [&flags[..], &["--sort", "views_change", "--columns", "views_change"]].concat();
    let mut changes: Vec<i64> =
        rows.iter().map(|row| row["views_change"].as_i64().expect("a number")).collect();
    changes.sort_unstable();
    let found = archive.answer(&falling);
    let found: Vec<i64> =
        found.iter().map(|row| row["views_change"].as_i64().expect("a number")).collect();
    assert_eq!(found, changes);
}

#[test]
fn every_report_with_figures_can_be_compared_and_others_say_why_not() {
    let archive = year();
    let mut compared = 0;
    for report in archive.reports() {
        let flags = ["--store", "store", "--period", "last-week", "--compare", "previous"];
        let ran =
            archive.dir.pbi(["report", report.as_str(), "--format", "json"].iter().chain(&flags));
        if ran.code == 2 {
            assert!(ran.stderr.contains("have no counterpart in another period"), "{}", ran.stderr);
            continue;
        }
        let answer: Value = serde_json::from_str(&ran.ended(0).stdout).expect("JSON");
        let names = answer["columns"].as_array().expect("columns");
        assert!(names.iter().any(|name| name.as_str().is_some_and(|n| n.ends_with("_before"))));
        compared += 1;
    }
    assert!(compared >= 14, "{compared} reports");
}

#[test]
fn comparisons_match_their_golden_files() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &FOLDERS).0.ended(3);
    for (name, flags) in [
        ("compare-previous", &["--period", "2026-03", "--compare", "previous"][..]),
        ("compare-months", &["--period", "2026-03", "--compare", "2026-02"]),
        (
            "compare-gap",
            &["--period", "2026-03-16..2026-03-31", "--compare", "2026-01-05..2026-01-31"],
        ),
        ("compare-too-early", &["--period", "2026-01", "--compare", "previous"]),
    ] {
        let zone = ["--store", "store", "--tz", "Europe/Berlin", "--top", "6"];
        let command = ["report", "top-reports"].iter().chain(flags).chain(&zone);
        let mut command = dir.command(command);
        let output = command.env("COLUMNS", "120").output().expect("the program starts");
        assert!(output.status.success(), "{output:?}");
        assert_golden(&format!("{name}.txt"), &String::from_utf8(output.stdout).expect("UTF-8"));
    }
}

#[test]
fn mistakes_in_periods_are_explained() {
    let archive = Archive::new(&[]);
    for (flags, expected) in [
        (&["--period", "2026-03", "--compare", "2026-03"][..], "does not end before the period"),
        (&["--compare", "soon"], "soon"),
        (&["--compare", "previous", "--details"], "cannot be used with"),
        (&["--compare", "mark"], "needs exactly one --mark"),
        (&["--compare", "mark", "--mark", "2026-03-10", "--mark", "2026-03-11"], "exactly one"),
        (&["--mark", "Training"], "for example 2026-03-10:Training"),
    ] {
        let fixed = ["report", "top-reports", "--store", "store"];
        let ran = archive.dir.pbi(fixed.iter().chain(flags)).ended(2);
        assert!(ran.stderr.contains(expected), "{flags:?}: {}", ran.stderr);
    }
}
