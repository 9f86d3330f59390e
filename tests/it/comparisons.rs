//! Every column that compares two spans of time compares equally many complete days of each
//! weekday, or is empty. The columns are those that the headers of the reports mark.
//!
//! In the archives of these tests, every week is like the week before: four people on workdays, one
//! of them at weekends. So each comparison is either empty or says that nothing changed, whichever
//! days are missing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::{Value, json};

use crate::html::read;
use crate::sample_data::ROOT;
use crate::workdir::Workdir;

/// Words in the description of a column that announce a comparison.
const WORDS: [&str; 12] = [
    "trend",
    "change of",
    "compared",
    "previous",
    "earlier",
    "before",
    "first time",
    "half",
    "retention",
    "lost",
    "stickiness",
    "days until",
];

/// Columns that contain such a word and compare no spans, each with the reason.
const NO_COMPARISON: [(&str, &str, &str); 14] = [
    ("authoring", "published", "counts publishing, the first time or later"),
    ("deletions-and-takeovers", "viewers_before_deletion", "counts people in one span"),
    ("deletions-and-takeovers", "previous_owner", "a name"),
    ("inventory", "last_change", "a time"),
    ("inventory-changes", "earlier_snapshot", "a time"),
    ("inventory-changes", "item", "a name"),
    ("license-summary", "idle", "counts people in one window"),
    ("publish-to-web", "status", "a state"),
    ("publish-to-web", "views_since_published", "counts views in one span"),
    ("sensitivity-labels", "old_label_id", "an ID"),
    ("tenant-setting-changes", "previous_state", "a state"),
    ("tenant-settings", "previous_details", "a state"),
    ("tenant-settings", "previous_state", "a state"),
    ("top-users", "first_seen", "a day"),
];

/// Returns the value of a header line with this key, with the lines that continue it.
fn header(sql: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in sql.lines().map_while(|line| line.strip_prefix("--")) {
        match (line.strip_prefix("   "), entries.last_mut(), line.split_once(": ")) {
            (Some(more), Some((_, text)), _) => *text = format!("{text} {}", more.trim()),
            (_, _, Some((key, text))) => entries.push((key.trim().into(), text.trim().into())),
            _ => {}
        }
    }
    entries
}

/// Returns the reports with the entries of their headers.
fn headers() -> BTreeMap<String, Vec<(String, String)>> {
    let folder = std::fs::read_dir(format!("{ROOT}/queries")).expect("there are queries");
    let files = folder.map(|file| file.expect("a file").path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "sql"));
    files
        .map(|file| {
            let sql = std::fs::read_to_string(&file).expect("a query is readable");
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, header(&sql))
        })
        .collect()
}

/// Returns the columns that the headers mark as comparisons.
fn marked() -> BTreeSet<(String, String)> {
    let all = headers().into_iter().flat_map(|(report, entries)| {
        let names = entries
            .into_iter()
            .filter_map(|(key, _)| key.strip_prefix("compares ").map(|column| column.to_owned()));
        names.map(|column| (report.clone(), column)).collect::<Vec<_>>()
    });
    all.collect()
}

#[test]
fn every_column_that_compares_is_marked() {
    let marked = marked();
    let mut found = BTreeSet::new();
    for (report, entries) in headers() {
        for (key, text) in entries {
            let Some(column) = key.strip_prefix("column ") else { continue };
            let text = format!("{column} {}", text.to_lowercase());
            let compares = WORDS.iter().any(|word| text.contains(word));
            if compares && !marked.contains(&(report.clone(), column.to_owned())) {
                found.insert((report.clone(), column.to_owned()));
            }
        }
    }
    let known = NO_COMPARISON.map(|(report, column, _)| (report.to_owned(), column.to_owned()));
    assert_eq!(found, BTreeSet::from(known), "mark columns that compare with `compares NAME`");
    assert!(NO_COMPARISON.iter().all(|(.., reason)| !reason.is_empty()));
}

/// The first day of the archives, a Monday.
fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 6, 2).expect("a day")
}

/// Days from the first to the last one of an archive.
const DAYS: u64 = 140;

/// An archive in which each week is like the one before, without some days.
struct Archive {
    dir: Workdir,
    held: BTreeSet<NaiveDate>,
}

impl Archive {
    fn new(missing: &[u64]) -> Archive {
        let dir = Workdir::new();
        let mut held = BTreeSet::new();
        for number in (0..DAYS).filter(|number| !missing.contains(number)) {
            let day = first() + Days::new(number);
            held.insert(day);
            let page = json!({ "activityEventEntities": events(day) });
            dir.write(&format!("log/{day}.json"), page.to_string());
        }
        dir.ingest("store", &["log"]).0.ended(0);
        Archive { dir, held }
    }

    fn rows(&self, report: &str, period: (NaiveDate, NaiveDate), set: &str) -> Vec<Value> {
        let (since, until) = (period.0.to_string(), period.1.to_string());
        let mut command = vec!["report", report, "--store", "store", "--format", "json"];
        command.extend(["--since", &since, "--until", &until]);
        if !set.is_empty() {
            command.extend(["--param", set]);
        }
        let text = self.dir.pbi(command).ended(0).stdout;
        let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
        assert!(!text.contains("-0,") && !text.contains("-0.0"), "{report}: {text}");
        answer["rows"].as_array().expect("rows are a list").clone()
    }

    fn is_held(&self, day: NaiveDate) -> bool {
        self.held.contains(&day)
    }

    /// Returns true if the days from `ago` days before a day to that day are stored.
    fn are_held(&self, day: NaiveDate, ago: u64) -> bool {
        (0..=ago).all(|number| self.is_held(day - Days::new(number)))
    }
}

/// Returns the events of a day.
fn events(day: NaiveDate) -> Vec<Value> {
    let is_workday = day.weekday().number_from_monday() < 6;
    let people: &[&str] = if is_workday { &["ann", "ben", "cem", "dora"] } else { &["ann"] };
    let mut events = Vec::new();
    let mut add = |user: &str, activity: &str, workload: (u64, &str), more: Value| {
        let mut event = json!({
            "Id": format!("{day}-{}", events.len()), "CreationTime": format!("{day}T10:00:00"),
            "Operation": activity, "Activity": activity, "UserId": format!("{user}@contoso.com"),
            "UserType": 0, "RecordType": workload.0, "Workload": workload.1,
        });
        let own = event.as_object_mut().expect("an event is an object");
        own.extend(more.as_object().expect("fields").clone());
        events.push(event);
    };
    let bi = (20, "PowerBI");
    for user in people {
        let report = json!({"ReportId": "r1", "ReportName": "Sales", "WorkspaceId": "w1"});
        add(user, "ViewReport", bi, report);
        add(user, "ViewDashboard", bi, json!({"DashboardId": "d1", "WorkspaceId": "w1"}));
        add(user, "LaunchPowerApp", (45, "PowerApps"), json!({"PowerAppId": "p1"}));
    }
    if day.weekday() == chrono::Weekday::Fri {
        add("ben", "ExportReport", bi, json!({"ReportId": "r1", "WorkspaceId": "w1"}));
        let share = json!({
            "ReportId": "r1", "WorkspaceId": "w1",
            "SharingInformation": [{"RecipientEmail": "zoe@other.example"}],
        });
        add("ann", "ShareReport", bi, share);
    }
    events
}

/// Returns true if the two spans have complete days of one weekday in common.
fn have_like_days(archive: &Archive, spans: [(NaiveDate, NaiveDate); 2]) -> bool {
    let [earlier, later] = spans.map(|(from, to)| {
        let days = from.iter_days().take_while(|day| *day <= to);
        days.filter(|day| archive.is_held(*day)).map(|day| day.weekday()).collect::<Vec<_>>()
    });
    earlier.iter().any(|weekday| later.contains(weekday))
}

fn day(row: &Value, column: &str) -> NaiveDate {
    row[column].as_str().and_then(|text| text.parse().ok()).expect("a day")
}

/// The days of a week or month that begin in the period, and the span before to compare with.
fn pairs(grain: &str, from: NaiveDate, until: NaiveDate) -> Vec<(NaiveDate, NaiveDate)> {
    let days = from.iter_days().take_while(|day| *day <= until);
    let place = |day: NaiveDate| (day.weekday(), (day.day() - 1) / 7);
    match grain {
        "day" => vec![(from, from - Days::new(7))],
        "week" => days
            .take_while(|day| day.iso_week() == from.iso_week())
            .map(|day| (day, day - Days::new(7)))
            .collect(),
        _ => {
            let before = from.with_day(1).expect("a first day") - Months::new(1);
            let before: Vec<NaiveDate> =
                before.iter_days().take_while(|day| day.month() == before.month()).collect();
            days.take_while(|day| day.month() == from.month())
                .filter_map(|day| {
                    let same = before.iter().find(|other| place(**other) == place(day))?;
                    Some((day, *same))
                })
                .collect()
        }
    }
}

/// A check of a column: the archive, the period, and the number of values that were not empty.
type Check = fn(&Archive, (NaiveDate, NaiveDate)) -> usize;

/// The checks of the marked columns.
const CHECKS: [(&str, &str, Check); 14] = [
    ("top-reports", "trend", |archive, period| trend(archive, period, "top-reports")),
    ("top-dashboards", "trend", |archive, period| trend(archive, period, "top-dashboards")),
    ("power-apps-usage", "trend", |archive, period| trend(archive, period, "power-apps-usage")),
    ("consumption-trend", "change_pct", change),
    ("adoption", "stickiness", stickiness),
    ("adoption", "new_users", |archive, period| windows(archive, period, "new_users")),
    ("adoption", "returning_users", |archive, period| windows(archive, period, "returning_users")),
    ("adoption", "lost_users", |archive, period| windows(archive, period, "lost_users")),
    ("adoption-cohorts", "retention", retention),
    ("user-classification", "class", |archive, period| classes(archive, period, "user")),
    ("content-classification", "class", |archive, period| classes(archive, period, "content")),
    ("new-content-uptake", "days_to_first_view", |_, _| first_view()),
    ("new-content-uptake", "viewers_7d", |_, _| first_view()),
    ("new-content-uptake", "viewers_30d", |_, _| first_view()),
];

#[test]
fn every_marked_column_has_a_check() {
    let checks = CHECKS.map(|(report, column, _)| (report.to_owned(), column.to_owned()));
    assert_eq!(marked(), BTreeSet::from(checks), "write a check for each marked column");
}

/// Asserts a value, and returns 1 if there is one.
#[track_caller]
fn assert_value(row: &Value, column: &str, expected: Option<f64>) -> usize {
    let found = row[column].as_f64();
    let is_same = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() < 0.005_001,
        (found, expected) => found == expected,
    };
    assert!(is_same, "{column}: {expected:?} was expected in {row}");
    usize::from(found.is_some())
}

fn trend(archive: &Archive, (since, until): (NaiveDate, NaiveDate), report: &str) -> usize {
    let rows = archive.rows(report, (since, until), "");
    let half = Days::new(u64::try_from((until - since).num_days() + 1).expect("days") / 2);
    let halves = [(since, since + half - Days::new(1)), (until - half + Days::new(1), until)];
    let expected = have_like_days(archive, halves).then_some(1.0);
    assert_eq!(rows.len(), 1, "{report}");
    assert_value(&rows[0], "trend", expected)
}

fn change(archive: &Archive, (since, until): (NaiveDate, NaiveDate)) -> usize {
    let mut known = 0;
    for grain in ["day", "week", "month"] {
        for row in archive.rows("consumption-trend", (since, until), &format!("grain={grain}")) {
            let pairs = pairs(grain, day(&row, "date"), until);
            let is_known =
                pairs.iter().any(|(one, other)| archive.is_held(*one) && archive.is_held(*other));
            known += assert_value(&row, "change_pct", is_known.then_some(0.0));
        }
    }
    known
}

/// Returns the days of a row in the period.
fn days_of(row: &Value, grain: &str, until: NaiveDate) -> Vec<NaiveDate> {
    let from = day(row, "date");
    let days = from.iter_days().take_while(|day| *day <= until);
    days.take_while(|day| match grain {
        "day" => *day == from,
        "week" => day.iso_week() == from.iso_week(),
        _ => day.month() == from.month(),
    })
    .collect()
}

fn stickiness(archive: &Archive, (since, until): (NaiveDate, NaiveDate)) -> usize {
    let mut known = 0;
    for grain in ["day", "week", "month"] {
        for row in archive.rows("adoption", (since, until), &format!("grain={grain}")) {
            let days = days_of(&row, grain, until);
            let is_known = days.iter().all(|day| archive.are_held(*day, 27));
            let share =
                |day: &NaiveDate| if day.weekday().number_from_monday() < 6 { 1.0 } else { 0.25 };
            let mean = days.iter().map(share).sum::<f64>() / days.len() as f64;
            known += assert_value(&row, "stickiness", is_known.then_some(mean));
        }
    }
    known
}

fn windows(archive: &Archive, (since, until): (NaiveDate, NaiveDate), column: &str) -> usize {
    let mut known = 0;
    for grain in ["day", "week", "month"] {
        for row in archive.rows("adoption", (since, until), &format!("grain={grain}")) {
            let days = days_of(&row, grain, until);
            let is_known = days.iter().all(|day| archive.are_held(*day, 28));
            known += assert_value(&row, column, is_known.then_some(0.0));
        }
    }
    known
}

fn retention(archive: &Archive, period: (NaiveDate, NaiveDate)) -> usize {
    let complete = |month: &str| {
        archive.held.iter().filter(|day| day.to_string().starts_with(month)).count() >= 28
    };
    let rows = archive.rows("adoption-cohorts", period, "");
    let check = |row: &Value| {
        let months = ["cohort", "month"].map(|of| row[of].as_str().expect("a month"));
        let is_known = months.into_iter().all(complete);
        assert_value(row, "retention", is_known.then_some(1.0))
    };
    rows.iter().map(check).sum()
}

fn classes(archive: &Archive, (since, until): (NaiveDate, NaiveDate), kind: &str) -> usize {
    let covered = |month: &u64| {
        let days = (0..30).map(|day| until - Days::new(month * 30 + day));
        days.filter(|day| archive.is_held(*day)).count() >= 20
    };
    let covered = (0..12).filter(covered).count();
    let expected = if covered >= 3 { "frequent" } else { "active" };
    let rows = archive.rows(&format!("{kind}-classification"), (since, until), "");
    assert!(!rows.is_empty(), "{kind}");
    assert!(rows.iter().all(|row| row["class"] == expected), "{covered} months: {rows:?}");
    covered.saturating_sub(2)
}

/// A report is created on day 40 and first viewed on day 45. `days_to_first_view` is known if
/// nobody could have viewed it before, and the people of its first days if all of these are stored.
fn first_view() -> usize {
    let cases = [
        (None, [Some(5.0), Some(1.0), Some(1.0)]),
        (Some(39), [Some(5.0), Some(1.0), Some(1.0)]),
        (Some(41), [None, None, None]),
        (Some(44), [None, None, None]),
        (Some(46), [Some(5.0), None, None]),
        (Some(60), [Some(5.0), Some(1.0), None]),
        (Some(70), [Some(5.0), Some(1.0), Some(1.0)]),
    ];
    let mut known = 0;
    for (missing, expected) in cases {
        let dir = Workdir::new();
        for number in (0..80).filter(|number| Some(*number) != missing) {
            let day = first() + Days::new(number);
            let (activity, user) = match number {
                40 => ("CreateReport", "ann"),
                45 => ("ViewReport", "ben"),
                _ => ("ViewDashboard", "cem"),
            };
            let event = json!({
                "Id": day.to_string(), "CreationTime": format!("{day}T10:00:00"),
                "Operation": activity, "Activity": activity, "UserId": format!("{user}@contoso.com"),
                "RecordType": 20, "Workload": "PowerBI", "ReportId": "new", "WorkspaceId": "w1",
            });
            let page = json!({ "activityEventEntities": [event] });
            dir.write(&format!("log/{day}.json"), page.to_string());
        }
        dir.ingest("store", &["log"]).0.ended(0);
        let flags = ["report", "new-content-uptake", "--store", "store", "--format", "json"];
        let text = dir.pbi(flags).ended(0).stdout;
        let answer: Value = serde_json::from_str(&text).expect("the answer is JSON");
        let row = &answer["rows"][0];
        assert_eq!(row["report_id"], "new", "{missing:?}: {answer}");
        for (column, expected) in
            ["days_to_first_view", "viewers_7d", "viewers_30d"].into_iter().zip(expected)
        {
            known += assert_value(row, column, expected);
        }
    }
    known
}

/// Returns archives: whole, without a day of an earlier span, without a day of a later span,
/// without most days of one weekday, and with every second day of the end missing.
fn archives() -> Vec<Archive> {
    let wednesdays: Vec<u64> = (2..70).step_by(7).collect();
    let gaps: Vec<u64> = (DAYS - 31..DAYS - 1).step_by(2).collect();
    [&[][..], &[80], &[DAYS - 10], &wednesdays, &gaps].map(Archive::new).into()
}

/// Returns the periods: all, of whole weeks, of odd lengths, and shorter than two weeks.
fn periods() -> Vec<(NaiveDate, NaiveDate)> {
    let last = first() + Days::new(DAYS - 1);
    let back = |days: u64| (last - Days::new(days - 1), last);
    vec![(first(), last), back(61), back(28), back(13), back(10), back(7)]
}

#[test]
fn comparisons_use_equally_many_complete_days_or_are_empty() {
    let archives = archives();
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (number, archive) in archives.iter().enumerate() {
        for (report, column, check) in CHECKS {
            let is_alone = report == "new-content-uptake";
            if is_alone && (number > 0 || column != "viewers_7d") {
                continue;
            }
            let periods = if is_alone { vec![periods()[0]] } else { periods() };
            for period in periods {
                *known.entry((report, column)).or_default() += check(archive, period);
            }
        }
    }
    let never: Vec<_> = known.iter().filter(|(_, count)| **count == 0).collect();
    assert!(never.is_empty(), "these columns are always empty: {never:?}");
}

/// The dashboard compares the same days, so that nothing seems to have changed.
#[test]
fn dashboard_changes_and_sparklines_compare_the_same_days() {
    let mut compared = 0;
    for archive in archives() {
        for (since, until) in periods().into_iter().skip(1) {
            let (since, until) = (since.to_string(), until.to_string());
            let flags = ["dashboard", "--store", "store", "--since", &since, "--until", &until];
            let page = read(&archive.dir.pbi(flags).ended(0).stdout);
            let text = page.text();
            assert!(!text.contains("−0") && !text.contains("-0 "), "{text}");
            for figure in page.all("li") {
                let Some(previous) = figure.get("data-previous") else { continue };
                compared += 1;
                assert_eq!(figure.get("data-compared"), Some(previous), "{since}: {figure:?}");
            }
            for line in page.all("td").into_iter().filter_map(|cell| cell.get("data-values")) {
                let points: BTreeSet<&str> = line.split(' ').filter(|text| *text != "–").collect();
                assert_eq!(points, BTreeSet::from(["22"]), "views of a whole week: {line}");
            }
        }
    }
    assert!(compared > 100, "{compared} figures");
}
