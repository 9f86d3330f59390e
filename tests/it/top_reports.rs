//! Compares `report top-reports` with the oracle, which calculates it slowly from the raw files,
//! and checks period, coverage, excluded events and the formats.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Deserialize;
use unicode_width::UnicodeWidthStr;

use crate::archive::{large, repeated};
use crate::exact::Json;
use crate::oracle::{Noise, Oracle, OracleRow, is_failed, parse_time};
use crate::workdir::Workdir;

/// Answer in JSON. A member that is added or renamed must be changed here too, because other
/// programs read it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub report: String,
    pub title: String,
    pub period: Period,
    pub coverage: Coverage,
    pub excluded: Excluded,
    pub totals: Totals,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub views: u64,
    pub views_by_export: u64,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub since: Option<String>,
    pub until: Option<String>,
    pub time_zone: String,
}

/// Numbers of UTC days by status: `days = complete + partial + missing`, and the truncated days are
/// part of the partial ones.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    pub days: u64,
    pub complete: u64,
    pub partial: u64,
    pub missing: u64,
    pub truncated: u64,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excluded {
    pub noise: u64,
    /// Failed events, if there are any.
    #[serde(default)]
    pub failed: u64,
    pub services: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub rank: u64,
    pub report: String,
    pub workspace: Option<String>,
    pub views: u64,
    pub viewers: u64,
    pub views_per_viewer: Option<f64>,
    pub active_days: u64,
    pub last_view: String,
    pub trend: Option<f64>,
    pub views_by_export: u64,
    pub report_id: Option<String>,
    pub workspace_id: Option<String>,
}

const COLUMNS: [&str; 12] = [
    "rank",
    "report",
    "workspace",
    "views",
    "viewers",
    "views_per_viewer",
    "active_days",
    "last_view",
    "trend",
    "views_by_export",
    "report_id",
    "workspace_id",
];

impl Row {
    /// Returns the expected row of the report for a row of the oracle: ids replace missing names.
    fn of(row: OracleRow, zone: Tz) -> Row {
        let unknown = || "(unknown)".to_owned();
        Row {
            rank: row.rank,
            report: row.report.or(row.report_id.clone()).unwrap_or_else(unknown),
            workspace: row.workspace.or(row.workspace_id.clone()),
            views: row.views,
            viewers: row.viewers,
            views_per_viewer: row.views_per_viewer,
            active_days: row.active_days,
            last_view: row
                .last_view
                .with_timezone(&zone)
                .to_rfc3339_opts(SecondsFormat::AutoSi, false),
            trend: row.trend,
            views_by_export: row.views_by_export,
            report_id: row.report_id,
            workspace_id: row.workspace_id,
        }
    }
}

/// Parameters of a report: since, until, zone, noise. `-` is a parameter that is not given.
#[derive(Debug, Clone, Copy)]
struct Case(&'static str, &'static str, &'static str, &'static str);

/// All events in UTC.
const WHOLE: Case = Case("-", "-", "-", "-");

impl Case {
    fn arguments(self) -> Vec<&'static str> {
        let Case(since, until, zone, noise) = self;
        let flags = [("--since", since), ("--until", until), ("--tz", zone), ("--noise", noise)];
        let said = flags.into_iter().filter(|(_, value)| *value != "-");
        said.flat_map(|(flag, value)| [flag, value]).collect()
    }

    fn zone(self) -> Tz {
        if self.2 == "-" { Tz::UTC } else { self.2.parse().expect("a zone of the database") }
    }

    fn noise(self) -> Noise {
        match self.3 {
            "exclude-all-reads" => Noise::Wide,
            "include" => Noise::Keep,
            _ => Noise::Default,
        }
    }

    /// Returns the first and the last day in an archive from `first` to `last`, whose last whole day
    /// is `whole`. With a relative period, the first day begins the last N whole days, and the last
    /// day is the day before the last N days.
    fn days(self, first: NaiveDate, last: NaiveDate, whole: NaiveDate) -> (NaiveDate, NaiveDate) {
        let day = |text: &str, back: u64| match text.strip_suffix('d') {
            Some(count) => whole - Days::new(count.parse::<u64>().expect("a number") - back),
            None => text.parse().expect("a day"),
        };
        let is_relative = self.0.ends_with('d');
        let since = match self.0 {
            "-" => first,
            text if is_relative => day(text, 1).max(first),
            text => day(text, 1),
        };
        let until = match self.1 {
            "-" if is_relative => whole,
            "-" => last,
            text => day(text, 0),
        };
        (since, until)
    }
}

/// Returns the last local day that ends within the UTC day of an instant.
fn last_whole_day(last: DateTime<Utc>, zone: Tz) -> NaiveDate {
    let end = last.date_naive() + Days::new(1);
    let is_whole = |day: &NaiveDate| {
        let next = (*day + Days::new(1)).and_time(NaiveTime::MIN).and_local_timezone(zone);
        next.earliest().is_some_and(|next| next <= end.and_time(NaiveTime::MIN).and_utc())
    };
    let mut day = last.with_timezone(&zone).date_naive();
    while !is_whole(&day) {
        day = day - Days::new(1);
    }
    day
}

fn ask(dir: &Workdir, from: &[&str], case: Case, format: &str) -> String {
    let fixed = ["report", "top-reports", "--format", format];
    let arguments = fixed.iter().chain(from).copied().chain(case.arguments());
    dir.pbi(arguments).ended(0).stdout
}

fn answer(text: &str) -> Answer {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Returns the first and the last day of a case.
fn period_of(case: Case, oracle: &Oracle) -> (NaiveDate, NaiveDate) {
    let (first, last) = oracle.extent.expect("the archive holds events");
    let zone = case.zone();
    let local = |time: DateTime<Utc>| time.with_timezone(&zone).date_naive();
    case.days(local(first), local(last), last_whole_day(last, zone))
}

/// Counts the local days of a case by status: the worst status of the UTC days that they touch.
fn coverage_of(case: Case, oracle: &Oracle) -> Coverage {
    let (since, until) = period_of(case, oracle);
    let midnight = |day: NaiveDate| {
        let midnight = day.and_time(NaiveTime::MIN).and_local_timezone(case.zone()).earliest();
        midnight.expect("no zone asked for here skips midnight").to_utc()
    };
    let mut coverage = Coverage { days: 0, complete: 0, partial: 0, missing: 0, truncated: 0 };
    for day in since.iter_days().take_while(|day| *day <= until) {
        let end = (midnight(day + Days::new(1)) - TimeDelta::microseconds(1)).date_naive();
        let touched = midnight(day).date_naive().iter_days().take_while(|day| *day <= end);
        let touched: Vec<NaiveDate> = touched.collect();
        let is_partial = |day: &NaiveDate| oracle.incomplete_days.contains(day);
        let is_complete = |day: &NaiveDate| oracle.per_day.contains_key(day) && !is_partial(day);
        coverage.days += 1;
        if !touched.iter().any(|day| is_complete(day) || is_partial(day)) {
            coverage.missing += 1;
        } else if touched.iter().all(is_complete) {
            coverage.complete += 1;
        } else {
            coverage.partial += 1;
        }
    }
    coverage
}

/// Compares the whole answer with the oracle.
fn check(text: &str, oracle: &Oracle, case: Case) {
    let answer = answer(text);
    let zone = case.zone();
    let (since, until) = period_of(case, oracle);
    let period = Period {
        since: Some(since.to_string()),
        until: Some(until.to_string()),
        time_zone: zone.name().to_owned(),
    };
    assert_eq!(answer.period, period, "{case:?}");

    let expected = oracle.top_reports(since, until, zone, case.noise(), usize::MAX);
    assert_eq!(answer.rows.len(), expected.len(), "{case:?}: rows");
    for (found, expected) in answer.rows.into_iter().zip(expected) {
        assert_eq!(found, Row::of(expected, zone), "{case:?}");
    }
    let (noise, services) = oracle.excluded(since, until, zone, case.noise());
    let excluded = (answer.excluded.noise, answer.excluded.services);
    assert_eq!(excluded, (noise, services), "{case:?}");

    let coverage = coverage_of(case, oracle);
    assert_eq!(answer.coverage, coverage, "{case:?}");
}

/// Summer time begins on 10 March in New York and on 31 March in Zurich.
const SPRING: Case = Case("2024-03-10", "2024-04-02", "Europe/Zurich", "-");

#[test]
fn rows_and_excluded_events_match_the_oracle() {
    let dir = Workdir::new();
    dir.ingest("store", &[large().dir()]).0.ended(0);
    for case in [WHOLE, SPRING, Case("30d", "-", "America/New_York", "exclude-all-reads")] {
        let text = ask(&dir, &["--store", "store"], case, "json");
        check(&text, large().oracle(), case);
        assert!(answer(&text).rows.len() > 300, "{case:?}");
    }
    let spec = &large().spec;
    let answer = answer(&ask(&dir, &["--store", "store"], WHOLE, "json"));
    assert_eq!(answer.period.since, Some(spec.first_day.to_string()));
    assert_eq!(
        (answer.coverage.days, answer.coverage.complete),
        (spec.days as u64, spec.days as u64)
    );
}

#[test]
fn report_from_files_equals_report_from_the_store() {
    let dir = Workdir::new();
    dir.ingest("store", &[large().dir()]).0.ended(0);
    let kolkata = Case("30d", "-", "Asia/Kolkata", "include");
    for (case, format) in [(WHOLE, "json"), (SPRING, "csv"), (kolkata, "text")] {
        let stored = ask(&dir, &["--store", "store"], case, format);
        assert!(stored == ask(&dir, &["--from", large().dir()], case, format), "{case:?}");
    }
}

/// Returns the days of which some hours were downloaded and others not, by the successful download
/// events in the log itself. An archive of one kind of files has no other evidence. A day without
/// events can be one of them.
fn not_pulled(oracle: &Oracle) -> BTreeSet<NaiveDate> {
    let time = |event: &serde_json::Value, name: &str| parse_time(event[name].as_str()?);
    let mut windows: Vec<(DateTime<Utc>, DateTime<Utc>)> = (oracle.events.values())
        .filter(|event| !is_failed(event))
        .filter_map(|event| {
            let from = time(event, "ExportEventStartDateTimeParameter")?;
            Some((from, time(event, "ExportEventEndDateTimeParameter")?))
        })
        .collect();
    windows.sort();
    let is_open = |day: &NaiveDate| {
        let start = day.and_time(NaiveTime::MIN).and_utc();
        let (mut reached, end) = (start, start + TimeDelta::days(1));
        for (from, to) in &windows {
            if *from <= reached + TimeDelta::seconds(1) {
                reached = reached.max(*to);
            }
        }
        let is_touched = windows.iter().any(|(from, to)| *from < end && start < *to);
        is_touched && reached + TimeDelta::seconds(1) < end
    };
    let days: BTreeSet<NaiveDate> = windows.iter().map(|(from, _)| from.date_naive()).collect();
    days.union(&oracle.per_day.keys().copied().collect()).copied().filter(is_open).collect()
}

#[test]
fn trend_compares_complete_days_in_any_period_and_zone() {
    let dir = Workdir::new();
    dir.ingest("store", &[repeated().dir()]).0.ended(0);
    let mut oracle = Oracle::read(&repeated().dir).expect("the archive can be read");
    oracle.incomplete_days = not_pulled(&oracle);
    assert!(!oracle.incomplete_days.is_empty(), "the archive has days without a complete download");
    for case in [
        WHOLE,
        Case("-", "-", "Europe/Zurich", "-"),
        Case("-", "2024-03-31", "Europe/Zurich", "exclude-all-reads"),
        Case("2024-03-05", "2024-03-16", "America/New_York", "exclude-all-reads"),
        Case("2024-03-10", "2024-03-10", "America/New_York", "-"),
        Case("30d", "-", "Asia/Kolkata", "include"),
        Case("2023-12-01", "2024-12-31", "Asia/Kolkata", "-"),
        Case("14d", "7d", "-", "-"),
        // In the first case the first half has fewer complete days; in the others the second half
        // does.
        Case("2024-03-20", "2024-04-08", "-", "-"),
        Case("2d", "-", "-", "-"),
    ] {
        check(&ask(&dir, &["--store", "store"], case, "json"), &oracle, case);
    }
}

#[test]
fn threads_and_order_of_paths_do_not_change_a_report() {
    let dir = Workdir::new();
    let mut files: Vec<String> = std::fs::read_dir(&repeated().dir)
        .expect("the archive can be listed")
        .map(|entry| entry.expect("the archive can be listed").path())
        .map(|path| path.to_str().expect("the archive's names are UTF-8").to_owned())
        .collect();
    files.sort_by_key(|name| name.bytes().rev().collect::<Vec<_>>());
    let ways: Vec<Vec<&str>> = vec![
        vec![repeated().dir(), "--threads", "1"],
        vec![repeated().dir(), "--threads", "5"],
        files.iter().map(String::as_str).collect(),
    ];
    dir.ingest("0", &ways[0]).0.ended(0);
    let case = Case("2024-03-06", "-", "Europe/Zurich", "-");
    let expected = ask(&dir, &["--store", "0"], case, "json");
    for (number, way) in (1..).zip(&ways[1..]) {
        let store = number.to_string();
        dir.ingest(&store, way).0.ended(0);
        assert!(ask(&dir, &["--store", &store], case, "json") == expected, "way {number}");
    }
    for (number, way) in ways.iter().enumerate() {
        let from: Vec<&str> = ["--from"].iter().chain(way).copied().collect();
        assert!(ask(&dir, &from, case, "json") == expected, "straight, way {number}");
    }
}

/// Returns names with everything that CSV must quote, views without ids, names or users, noise, and
/// events of services.
fn odd_views() -> Workdir {
    let view = |id: u32, time: &str, more: &str| {
        format!(
            "{{\"Id\":\"{id}\",\"Operation\":\"ViewReport\",\"CreationTime\":\"2024-03-0{time}:00\
             \"{more}}}\n"
        )
    };
    let named = r#","UserId":"Ann@x.org","ReportId":"r","ReportName":"Sales, \"North\"\r\n+ more""#;
    let lines = [
        view(1, "4T10:00", named),
        // Of two names at one instant, the one with the greater id is used.
        view(0, "4T10:00", r#","UserId":"ann@X.org","ReportId":"r","ReportName":"older id""#),
        view(3, "5T11:00", r#","UserId":"bob@x.org","ReportId":"r","WorkspaceId":"w;1""#),
        view(4, "5T11:00", r#","UserId":"bob@x.org","ReportId":"r","ReportName":"""#),
        view(5, "5T12:00", r#","UserId":"Anonymous","UserType":4,"WorkspaceId":"My Workspace""#),
        view(6, "5T12:00", r#","UserId":"Anonymous","ReportId":"","AppReportId":"""#),
        view(7, "5T13:00", r#","ReportId":"nobody","WorkspaceId":"w;1","WorkspaceName":"W\t1""#),
        view(8, "5T14:00", r#","UserId":"a@x.org","ReportId":"pub","AppReportId":"own""#),
        view(9, "5T14:00", r#","UserId":"a@x.org","ReportId":"r","AppReportId":"p","AppId":"a""#),
        view(10, "5T15:00", r#","UserId":"robot","UserType":"Application","ReportId":"r""#),
        view(11, "6T16:00", r#","Activity":"ExportActivityEvents","ReportName":"=1+1""#),
        view(
            12,
            "6T16:00",
            r#","Activity":"GetGroupsAsAdmin","ReportId":"own","ReportName":"Own""#,
        ),
    ];
    let dir = Workdir::new();
    dir.write("archive/day.json", lines.concat());
    dir
}

#[test]
fn views_without_id_name_or_viewer_are_rows() {
    let dir = odd_views();
    let oracle = Oracle::read(&dir.join("archive")).expect("the archive can be read");
    for noise in ["exclude", "exclude-all-reads", "include"] {
        for zone in ["UTC", "Asia/Kolkata"] {
            let case = Case("-", "-", zone, noise);
            check(&ask(&dir, &["--from", "archive"], case, "json"), &oracle, case);
        }
    }
    let rows = answer(&ask(&dir, &["--from", "archive"], WHOLE, "json")).rows;
    let unnamed = rows.iter().filter(|row| row.report_id.is_none()).count();
    assert_eq!(unnamed, 2, "one in a workspace, one in none: {rows:#?}");
}

#[test]
fn csv_contains_only_the_rows_and_quotes_where_needed() {
    let dir = odd_views();
    let text = ask(&dir, &["--from", "archive"], WHOLE, "csv");
    let expected = [
        "rank,report,workspace,views,viewers,views_per_viewer,active_days,last_view,trend,\
         views_by_export,report_id,workspace_id",
        "1,\"Sales, \"\"North\"\"\r\n+ more\",,4,3,1.33,2,2024-03-05T14:00:00+00:00,,0,r,",
        "2,Own,,1,1,1,1,2024-03-05T14:00:00+00:00,,0,own,",
        "3,(unknown),My Workspace,1,1,1,1,2024-03-05T12:00:00+00:00,,0,,My Workspace",
        "4,(unknown),,1,1,1,1,2024-03-05T12:00:00+00:00,,0,,",
        "5,\"Sales, \"\"North\"\"\r\n+ more\",W\t1,1,1,1,1,2024-03-05T11:00:00+00:00,,0,r,w;1",
        "6,nobody,W\t1,1,0,,1,2024-03-05T13:00:00+00:00,,0,nobody,w;1",
        "",
    ];
    assert_eq!(text, expected.join("\r\n"));
}

#[test]
fn json_has_ordered_members_and_complete_rows() {
    let dir = odd_views();
    let text = ask(&dir, &["--from", "archive"], WHOLE, "json");
    let names = |json: &Json| -> Vec<String> {
        json.members().iter().map(|(name, _)| name.clone()).collect()
    };
    let json = Json::parse(&text);
    let expected =
        ["report", "title", "period", "coverage", "excluded", "totals", "columns", "rows"];
    assert_eq!(names(&json), expected);
    assert_eq!(names(json.member("period").expect("a period")), ["since", "until", "time_zone"]);
    let Some(Json::List(rows)) = json.member("rows") else { panic!("rows are a list: {text}") };
    assert!(rows.len() > 4 && rows.iter().all(|row| names(row) == COLUMNS), "{text}");
    let answer = answer(&text);
    assert_eq!(
        (answer.report.as_str(), answer.columns),
        ("top-reports", COLUMNS.map(Into::into).into())
    );
    assert_eq!(answer.title, "Most viewed reports");
    assert!(text.ends_with("}\n"), "the file ends in a line break");
}

/// Returns the sentence below a table without its line breaks.
fn closing(table: &str) -> String {
    let (_, closing) = table.trim_end().rsplit_once("\n\n").expect("an empty line before the end");
    closing.replace('\n', " ")
}

#[test]
fn table_ends_with_period_and_coverage() {
    let dir = Workdir::new();
    dir.ingest("store", &[repeated().dir()]).0.ended(0);
    for (case, period) in [
        (WHOLE, "2024-03-04 to 2024-04-12, UTC."),
        (
            Case("2024-02-28", "2024-03-06", "Asia/Kolkata", "exclude-all-reads"),
            "2024-02-28 to 2024-03-06, Asia/Kolkata.",
        ),
    ] {
        let json = answer(&ask(&dir, &["--store", "store"], case, "json"));
        let (coverage, out) = (&json.coverage, &json.excluded);
        let others = [
            (coverage.partial, "partial"),
            (coverage.truncated, "truncated"),
            (coverage.missing, "missing"),
        ];
        let others: Vec<String> = others
            .iter()
            .filter(|(days, _)| *days > 0)
            .map(|(days, status)| format!("{days} {status}"))
            .collect();
        let others =
            if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
        let (complete, all) = (coverage.complete, coverage.days);
        let [noise, services, failed] = [out.noise, out.services, out.failed].map(with_separators);
        let failed =
            if out.failed > 0 { format!(", {failed} failed events") } else { String::new() };
        let expected = format!(
            "{period} Coverage: {complete} of {all} days complete{others}. Excluded: {noise} \
             automated API events, {services} service events{failed}."
        );
        let table = ask(&dir, &["--store", "store"], case, "text");
        assert!(closing(&table).ends_with(&expected), "{expected}\n{table}");
    }
}

/// Formats a number with separators.
fn with_separators(number: u64) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", with_separators(thousands), number % 1000),
    }
}

#[test]
fn table_fits_80_columns_and_keeps_ranked_figures() {
    let dir = Workdir::new();
    dir.ingest("store", &[large().dir()]).0.ended(0);
    let command = ["report", "top-reports", "--store", "store", "--top", "500"];
    let output = dir.command(command).env("COLUMNS", "80").output().expect("the program starts");
    let table = String::from_utf8(output.stdout).expect("a table is UTF-8");
    for line in table.lines() {
        assert!(line.width() <= 80, "{} columns: {line}", line.width());
    }
    let header = table.lines().take_while(|line| !line.starts_with('─')).last().expect("a header");
    for name in ["rank", "report", "workspace", "views"] {
        assert!(header.split_whitespace().any(|word| word == name), "{name} is missing: {header}");
    }
    assert!(closing(&table).contains("Hidden columns (terminal too narrow): "), "{table}");
    assert!(table.lines().count() > 300, "a line a row: {table}");
}
