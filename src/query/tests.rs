//! Tests of views, filters and reports over small archives. The archives are Parquet files with few
//! columns, like those of other writers.

use std::fs::File;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::grid::{Cell, CellKind, Grid};
use std::collections::BTreeMap;

use polars::prelude::*;

use crate::query::engine::scan;
use crate::query::*;
use crate::schema::source_log::{RecordCounts, SourceFacts};
use crate::store::{DataFile, Snapshot};

mod counting;
mod sharing;

/// Event with the columns that the views read.
#[derive(Debug, Clone, Copy, Default)]
struct Event {
    id: &'static str,
    time: &'static str,
    activity: &'static str,
    user: Option<&'static str>,
    user_type: Option<i64>,
    report: Option<&'static str>,
    report_name: Option<&'static str>,
    app_report: Option<&'static str>,
    app: Option<&'static str>,
    workspace: Option<&'static str>,
    workspace_name: Option<&'static str>,
}

/// A view of a report by Ann.
const VIEW: Event = Event {
    id: "",
    time: "2026-03-10T12:00:00Z",
    activity: "ViewReport",
    user: Some("Ann@contoso.com"),
    user_type: None,
    report: Some("r"),
    report_name: None,
    app_report: None,
    app: None,
    workspace: None,
    workspace_name: None,
};

fn us(time: &str) -> i64 {
    time.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Snapshot of one file; the folder keeps the file alive.
struct Archive {
    _folder: tempfile::TempDir,
    snapshot: Snapshot,
}

fn archive(events: &[Event]) -> Archive {
    fn column<T>(events: &[Event], pick: impl Fn(&Event) -> T) -> Vec<T> {
        events.iter().map(pick).collect()
    }
    let utc = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    let frame = df!(
        "Id" => column(events, |e| e.id),
        "CreationTime" => column(events, |e| us(e.time)),
        "Operation" => column(events, |e| e.activity),
        "UserId" => column(events, |e| e.user),
        "UserType" => column(events, |e| e.user_type),
        "ReportId" => column(events, |e| e.report),
        "ReportName" => column(events, |e| e.report_name),
        "AppReportId" => column(events, |e| e.app_report),
        "AppId" => column(events, |e| e.app),
        "WorkspaceId" => column(events, |e| e.workspace),
        "WorkspaceName" => column(events, |e| e.workspace_name)
    );
    let mut frame =
        frame.unwrap().lazy().with_column(col("CreationTime").cast(utc)).collect().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.parquet");
    ParquetWriter::new(File::create(&path).unwrap()).finish(&mut frame).unwrap();
    let size_bytes = path.metadata().unwrap().len();
    let events = events.len() as u64;
    let file = DataFile { path, size_bytes, events, month: String::new(), period_us: None };
    Archive { _folder: folder, snapshot: Snapshot { files: vec![file], ..Snapshot::default() } }
}

/// Settings of a test run.
#[derive(Clone, Copy)]
struct TestRun {
    zone: Tz,
    since: Option<&'static str>,
    until: Option<&'static str>,
    noise: NoiseFilter,
    actors: Actors,
}

const PLAIN: TestRun = TestRun {
    zone: Tz::UTC,
    since: None,
    until: None,
    noise: NoiseFilter::Exclude,
    actors: Actors::People,
};

impl TestRun {
    fn period(self, snapshot: &Snapshot) -> Period {
        let event_range = event_time_range(snapshot, LogKind::PowerBi).unwrap();
        Period::new(self.zone, self.since.map(day), self.until.map(day), event_range)
    }
    fn session(self, snapshot: &Snapshot) -> Session<'_> {
        let settings = Settings { noise: self.noise, ..Settings::default() };
        Session::new(snapshot, self.period(snapshot), settings).unwrap()
    }

    fn grid(self, snapshot: &Snapshot, sql: &str) -> Grid {
        let report = ReportDefinition { actors: self.actors, ..ReportDefinition::ad_hoc(sql) };
        let grid = execute(&self.session(snapshot), &report, &BTreeMap::new());
        grid.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Returns the rows as text, with spaces between cells.
    fn rows(self, archive: &Archive, sql: &str) -> Vec<String> {
        lines(&self.grid(&archive.snapshot, sql))
    }

    fn counts(self, archive: &Archive) -> EventCounts {
        self.session(&archive.snapshot)
            .event_counts(&ReportDefinition::ad_hoc("SELECT Id FROM events"))
            .unwrap()
    }
}

fn lines(grid: &Grid) -> Vec<String> {
    let line = |row: &Vec<Cell>| row.iter().map(shown).collect::<Vec<_>>().join(" ");
    grid.rows.iter().map(line).collect()
}

/// Returns the columns that the views of events add.
fn added() -> Vec<&'static str> {
    let of_events = view_columns().iter().filter(|column| column.view == "events");
    of_events.map(|column| column.name).collect()
}

fn counted(events: u64, noise: u64, services: u64) -> EventCounts {
    let people = events - noise - services;
    EventCounts { events, noise, services, people, ..EventCounts::default() }
}

fn shown(cell: &Cell) -> String {
    let time = |us: i64| DateTime::from_timestamp_micros(us).unwrap();
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Time { us } => time(*us).format("%FT%TZ").to_string(),
        Cell::LocalTime { us } => time(*us).format("%FT%T").to_string(),
        Cell::Date { days } => {
            time(i64::from(*days) * crate::schema::MICROS_PER_DAY).format("%F").to_string()
        }
    }
}

fn names(grid: &Grid) -> Vec<&str> {
    grid.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn added_columns_exist_in_empty_and_small_archives() {
    let small = archive(&[Event { id: "1", ..VIEW }]);
    for (snapshot, rows) in [(&Snapshot::default(), 0), (&small.snapshot, 1)] {
        for view in ["events", "history", "events_all"] {
            for column in added() {
                let grid = PLAIN.grid(snapshot, &format!("SELECT {column} FROM {view}"));
                assert_eq!((names(&grid), grid.rows.len()), (vec![column], rows), "{view}");
            }
            let all = PLAIN.grid(snapshot, &format!("SELECT * FROM {view}"));
            let own = scan::table_schema().iter_names().map(|name| name.as_str());
            let mut expected: Vec<&str> = own.chain(added()).collect();
            let mut found = names(&all);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!((found, all.rows.len()), (expected, rows), "{view}");
        }
    }
}

#[test]
fn added_columns_differ_by_more_than_case() {
    let own = scan::table_schema().iter_names().map(|name| name.to_ascii_lowercase());
    let mut all: Vec<String> = own.chain(added().into_iter().map(str::to_owned)).collect();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn people_guests_services_and_anonymous_users_are_distinguished() {
    const PEOPLE: [&str; 20] = [
        "a@co.com", "b@co.com", "c@co.com", "d@co.com", "e@co.com", "f@co.com", "g@co.com",
        "h@co.com", "i@co.com", "j@co.com", "k@co.com", "l@co.com", "m@co.com", "n@co.com",
        "o@co.com", "p@co.com", "q@co.com", "r@co.com", "s@co.com", "t@co.com",
    ];
    let mut events: Vec<Event> =
        PEOPLE.iter().map(|&user| Event { id: user, user: Some(user), ..VIEW }).collect();
    let odd = |id, user, user_type| Event { id, user, user_type, ..VIEW };
    events.extend([
        odd("1", Some("eve@partner.example"), Some(0)),
        odd("2", Some("joe_x.com#EXT#@co.com"), None),
        odd("3", Some("kim@co.com"), Some(10)),
        odd("4", Some("Anonymous"), Some(4)),
        odd("5", Some("0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0"), None),
        odd("6", Some("robot"), Some(6)),
        odd("7", None, Some(3)),
        odd("8", None, None),
    ]);
    let archive = archive(&events);
    let kinds = "SELECT Id, actor_kind, is_service FROM events_all \
        WHERE user_id IS NULL OR user_id NOT LIKE '_@co.com' ORDER BY Id NULLS LAST";
    let expected = [
        "1 guest false",
        "2 guest false",
        "3 guest false",
        "4 anonymous false",
        "5 service true",
        "6 service true",
        "7 service true",
        "8 person false",
    ];
    assert_eq!(PLAIN.rows(&archive, kinds), expected);
    let count = "SELECT COUNT(*) AS n, COUNT(DISTINCT user_id) AS users FROM events";
    assert_eq!(PLAIN.rows(&archive, count), ["25 24"], "people only");
    let all = TestRun { actors: Actors::All, ..PLAIN };
    assert_eq!(all.rows(&archive, count), ["28 26"]);
    assert_eq!(PLAIN.counts(&archive), counted(28, 0, 3));
}

#[test]
fn report_of_a_template_app_has_the_id_of_the_tenants_report() {
    let (publisher, own) = (Some("publisher"), Some("own"));
    let archive = archive(&[
        Event { id: "1", report: publisher, app_report: own, ..VIEW },
        Event { id: "2", report: own, app_report: Some("x"), app: Some("a"), ..VIEW },
        Event { id: "3", report: own, app_report: Some(""), app: Some(""), ..VIEW },
        Event { id: "4", report: publisher, app_report: own, app: Some(""), ..VIEW },
        Event { id: "5", report: Some(""), ..VIEW },
    ]);
    let sql = "SELECT Id, report_id FROM events ORDER BY Id NULLS LAST";
    assert_eq!(PLAIN.rows(&archive, sql), ["1 own", "2 own", "3 own", "4 own", "5 -"]);
}

#[test]
fn names_are_the_latest_of_the_whole_archive() {
    let place = (Some("w"), Some("Old place"));
    let archive = archive(&[
        Event {
            id: "1",
            report_name: Some("Old"),
            workspace: place.0,
            workspace_name: place.1,
            ..VIEW
        },
        Event {
            id: "2",
            time: "2026-03-20T00:00:00Z",
            activity: "ExportActivityEvents",
            user: Some("robot"),
            user_type: Some(6),
            report_name: Some("New"),
            workspace: place.0,
            workspace_name: Some("New place"),
            ..VIEW
        },
        Event { id: "3", time: "2026-03-21T00:00:00Z", report_name: Some(""), ..VIEW },
    ]);
    let early = TestRun { until: Some("2026-03-12"), ..PLAIN };
    let sql = "SELECT Id, report_name, workspace_name, ReportName FROM events";
    assert_eq!(early.rows(&archive, sql), ["1 New New place Old"]);
    assert_eq!(early.rows(&archive, "SELECT * FROM reports"), ["r New"]);
    assert_eq!(early.rows(&archive, "SELECT * FROM workspaces"), ["w New place"]);
}

#[test]
fn events_at_clock_changes_have_the_right_local_time() {
    let times = [
        ("1", "2026-03-29T00:59:59Z"),
        ("2", "2026-03-29T01:00:00Z"),
        ("3", "2026-10-25T00:30:00Z"),
        ("4", "2026-10-25T01:30:00Z"),
        ("5", "2026-12-31T23:30:00Z"),
    ];
    let archive = archive(&times.map(|(id, time)| Event { id, time, ..VIEW }));
    let sql = "SELECT local_time, local_date, local_hour, local_weekday, local_week, local_month \
        FROM events ORDER BY Id NULLS LAST";
    let zurich = TestRun { zone: Tz::Europe__Zurich, ..PLAIN }.rows(&archive, sql);
    let expected = [
        "2026-03-29T01:59:59 2026-03-29 1 7 2026-W13 2026-03",
        "2026-03-29T03:00:00 2026-03-29 3 7 2026-W13 2026-03",
        "2026-10-25T02:30:00 2026-10-25 2 7 2026-W43 2026-10",
        "2026-10-25T02:30:00 2026-10-25 2 7 2026-W43 2026-10",
        "2027-01-01T00:30:00 2027-01-01 0 5 2026-W53 2027-01",
    ];
    assert_eq!(zurich, expected);
    let sql = "SELECT local_time FROM events ORDER BY Id NULLS LAST LIMIT 1";
    let at = |zone| TestRun { zone, ..PLAIN }.rows(&archive, sql).concat();
    assert_eq!(at(Tz::America__New_York), "2026-03-28T20:59:59");
    assert_eq!(at(Tz::Asia__Kolkata), "2026-03-29T06:29:59");
    assert_eq!(at(Tz::UTC), "2026-03-29T00:59:59");
}

#[test]
fn periods_consist_of_whole_local_days() {
    // 29 March has 23 hours in Zurich: from 23:00 UTC of the day before to 22:00.
    let times = [
        ("1", "2026-03-28T22:59:59.999999Z"),
        ("2", "2026-03-28T23:00:00Z"),
        ("3", "2026-03-29T21:59:59.999999Z"),
        ("4", "2026-03-29T22:00:00Z"),
    ];
    let archive = archive(&times.map(|(id, time)| Event { id, time, ..VIEW }));
    let ids = |zone, since, until| {
        let run = TestRun { zone, since, until, ..PLAIN };
        let ids = run.rows(&archive, "SELECT Id FROM events ORDER BY Id NULLS LAST").concat();
        assert_eq!(run.counts(&archive).events, ids.len() as u64);
        ids
    };
    let sunday = Some("2026-03-29");
    assert_eq!(ids(Tz::Europe__Zurich, sunday, sunday), "23");
    assert_eq!(ids(Tz::UTC, sunday, sunday), "34");
    assert_eq!(ids(Tz::Europe__Zurich, None, Some("2026-03-28")), "1");
    assert_eq!(ids(Tz::Europe__Zurich, Some("2026-03-30"), None), "4");
    assert_eq!(ids(Tz::UTC, Some("2026-04-01"), None), "");
}

#[test]
fn noise_is_excluded_by_level_and_flagged_in_events_all() {
    let of = |id, activity| Event { id, activity, ..VIEW };
    let archive = archive(&[
        of("1", "ViewReport"),
        of("2", "GetDatasources"),
        of("3", "GetGroupsAsAdmin"),
        of("4", "NeverSeenBefore"),
        Event { user_type: Some(6), ..of("5", "ExportActivityEvents") },
        Event { user_type: Some(6), ..of("6", "GetRefreshHistory") },
    ]);
    let sql = "SELECT Id FROM events ORDER BY Id NULLS LAST";
    let flags = "SELECT Id FROM events_all WHERE is_noise ORDER BY Id NULLS LAST";
    for (noise, left, flagged, counts) in [
        (NoiseFilter::Exclude, "134", "25", counted(6, 2, 1)),
        (NoiseFilter::ExcludeAllReads, "14", "2356", counted(6, 4, 0)),
        (NoiseFilter::Include, "1234", "", counted(6, 0, 2)),
    ] {
        let run = TestRun { noise, ..PLAIN };
        assert_eq!(run.rows(&archive, sql).concat(), left);
        assert_eq!(run.rows(&archive, flags).concat(), flagged);
        assert_eq!(run.counts(&archive), counts);
    }
}

#[test]
fn events_have_the_attributes_of_their_operation() {
    let of = |id, activity| Event { id, activity, ..VIEW };
    let archive = archive(&[of("1", "ViewReport"), of("2", "NeverSeenBefore")]);
    let sql = "SELECT activity_name, category, operation_group FROM events ORDER BY Id NULLS LAST";
    assert_eq!(PLAIN.rows(&archive, sql), ["ViewReport View VIEW", "NeverSeenBefore - -"]);
}

/// Returns an intact source of one day, with a number of events.
fn source(path: &str, day: &str, events: u64) -> SourceFacts {
    SourceFacts {
        path: path.to_owned(),
        kind: "array".to_owned(),
        records: RecordCounts { read: events, ..Default::default() },
        days: BTreeMap::from([(day.to_owned(), events)]),
        ..Default::default()
    }
}

#[test]
fn days_have_a_status_and_trends_use_only_complete_days() {
    let times = ["01", "02", "04", "05", "06"].map(|day| {
        let time: &'static str = Box::leak(format!("2026-03-{day}T12:00:00Z").into_boxed_str());
        Event { id: time, time, ..VIEW }
    });
    let mut archive = archive(&times);
    archive.snapshot.sources = vec![
        source("1.json", "2026-03-01", 1),
        SourceFacts { damaged: true, ..source("2.json", "2026-03-02", 1) },
        source("PBIActivityEvents-20260304-202603041800.json", "2026-03-04", 1),
    ];
    let sql = "SELECT day, status, is_complete, trend_half FROM days ORDER BY day NULLS LAST";
    let expected = [
        "2026-03-01 complete true -",
        "2026-03-02 truncated false -",
        "2026-03-03 missing false -",
        "2026-03-04 partial false -",
        "2026-03-05 complete true -",
        "2026-03-06 complete true -",
    ];
    assert_eq!(PLAIN.rows(&archive, sql), expected, "no weekday is in both halves");
    let runs = "SELECT day, complete_run FROM history_days ORDER BY day NULLS LAST";
    let runs = PLAIN.rows(&archive, runs);
    let runs: Vec<&str> = runs.iter().filter_map(|row| row.split(' ').nth(1)).collect();
    assert_eq!(runs, ["1", "0", "0", "0", "1", "2"]);
    let session = PLAIN.session(&archive.snapshot);
    let coverage = session.coverage();
    let counts =
        [DayStatus::Complete, DayStatus::Partial, DayStatus::Truncated, DayStatus::Missing]
            .map(|status| coverage.count(status));
    assert_eq!(counts, [3, 1, 1, 1]);
    assert!(!coverage.is_complete());
    let reason = "SELECT reason FROM days WHERE status = 'truncated'";
    assert_eq!(PLAIN.rows(&archive, reason), ["2.json is damaged"]);
    let zurich = TestRun { zone: Tz::Europe__Zurich, since: Some("2026-03-05"), ..PLAIN };
    let sql = "SELECT day, status FROM days ORDER BY day NULLS LAST";
    assert_eq!(zurich.rows(&archive, sql), ["2026-03-05 partial", "2026-03-06 complete"]);
}

#[test]
fn every_report_is_accepted_with_a_portable_order_and_the_columns_of_its_header() {
    for report in DefinitionCatalog::built_in().unwrap().reports() {
        let statement = guard::parse(&report.name, &report.sql).unwrap();
        guard::check(&report.name, &statement).unwrap();
        assert!(guard::has_portable_order(&statement), "{}", report.name);
        let snapshot = Snapshot::default();
        let grid = execute(&PLAIN.session(&snapshot), report, &BTreeMap::new());
        let grid = grid.unwrap_or_else(|error| panic!("{error}"));
        let expected: Vec<&str> = report.columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names(&grid), expected, "{}", report.name);
    }
}

#[test]
fn order_without_position_of_nulls_is_not_portable() {
    for (sql, is_portable) in [
        ("SELECT Id FROM events ORDER BY Id NULLS LAST", true),
        ("SELECT Id FROM events ORDER BY Id DESC NULLS FIRST, UserId NULLS LAST", true),
        ("SELECT Id FROM events ORDER BY Id NULLS LAST, UserId", false),
        ("SELECT Id FROM events", false),
    ] {
        assert_eq!(
            guard::has_portable_order(&guard::parse("x", sql).unwrap()),
            is_portable,
            "{sql}"
        );
    }
}

/// Compares the output of `schema --views` with the columns and types of the views.
#[test]
fn columns_of_every_view_are_described() {
    let snapshot = Snapshot::default();
    for view in views::columns::view_names()
        .iter()
        .filter(|view| !view.starts_with("events") && **view != "history")
    {
        let grid = PLAIN.grid(&snapshot, &format!("SELECT * FROM {view}"));
        let described = view_columns().iter().filter(|column| column.view == *view);
        let mut described: Vec<(&str, &str)> = described.map(|c| (c.name, c.ty)).collect();
        let kind = |kind| match kind {
            CellKind::Text => "text",
            CellKind::Int => "bigint",
            CellKind::Float => "double",
            CellKind::Bool => "boolean",
            CellKind::Time => "timestamptz",
            CellKind::LocalTime => "timestamp",
            CellKind::Date => "date",
        };
        let found = grid.columns.iter().map(|column| (column.name.as_str(), kind(column.kind)));
        let mut found: Vec<_> = found.collect();
        described.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, described, "{view}");
    }
}

fn settings(filters: Filters) -> Settings {
    Settings { filters, ..Settings::default() }
}

#[test]
fn filters_of_one_kind_are_alternatives_and_kinds_combine() {
    let place = |id, workspace, workspace_name| Event { id, workspace, workspace_name, ..VIEW };
    let archive = archive(&[
        place("1", Some("w1"), Some("Finance")),
        Event { report_name: Some("Old sales"), ..place("2", Some("w1"), Some("Finance")) },
        Event { report: Some("q"), user: Some("Ben@contoso.com"), ..place("3", Some("w2"), None) },
        Event {
            time: "2026-03-11T12:00:00Z",
            report_name: Some("Sales"),
            ..place("4", None, None)
        },
        Event { activity: "ExportReport", ..place("5", Some("w2"), None) },
    ]);
    let own = str::to_owned;
    let found = |filters: Filters| {
        let session =
            Session::new(&archive.snapshot, PLAIN.period(&archive.snapshot), settings(filters));
        let session = session.unwrap();
        let report = ReportDefinition::ad_hoc("SELECT Id FROM events ORDER BY Id NULLS LAST");
        let ids = lines(&execute(&session, &report, &BTreeMap::new()).unwrap()).concat();
        let counts = session.event_counts(&report).unwrap();
        assert_eq!((counts.events, counts.filtered), (5, 5 - ids.len() as u64));
        ids
    };
    let of = |workspaces: &[&str], reports: &[&str], users: &[&str], activities: &[&str]| {
        let [workspaces, reports, users, activities] = [workspaces, reports, users, activities]
            .map(|of| of.iter().copied().map(own).collect());
        let include =
            FilterPatterns { workspaces, reports, users, activities, ..FilterPatterns::default() };
        found(Filters { include, ..Filters::default() })
    };
    assert_eq!(of(&[], &[], &[], &[]), "12345");
    assert_eq!(of(&["finance"], &[], &[], &[]), "12", "a name in another case");
    assert_eq!(of(&["w1", "W2"], &[], &[], &[]), "1235", "ids");
    assert_eq!(of(&[], &["sales"], &[], &[]), "1245", "the latest name, not the name at the time");
    assert_eq!(of(&[], &["old*"], &[], &[]), "");
    assert_eq!(of(&[], &[], &["BEN@*"], &[]), "3");
    assert_eq!(of(&[], &[], &[], &["viewreport"]), "1234");
    assert_eq!(of(&["w2"], &[], &["ann*"], &["*Report"]), "5");
    let without = |workspaces: &[&str], reports: &[&str], users: &[&str]| {
        let [workspaces, reports, users] =
            [workspaces, reports, users].map(|of| of.iter().copied().map(own).collect());
        let exclude = FilterPatterns { workspaces, reports, users, ..FilterPatterns::default() };
        found(Filters { exclude, ..Filters::default() })
    };
    assert_eq!(without(&[], &[], &["ben@contoso.com"]), "1245");
    assert_eq!(without(&["finance"], &[], &[]), "345", "events without a workspace stay");
    assert_eq!(without(&["w2"], &["sales"], &[]), "");
}

#[test]
fn services_can_be_counted_alone() {
    let robot = Event { user: Some("robot"), user_type: Some(6), ..VIEW };
    let archive = archive(&[Event { id: "1", ..VIEW }, Event { id: "2", ..robot }]);
    let settings = Settings { actors: Some(Actors::Services), ..Settings::default() };
    let period = PLAIN.period(&archive.snapshot);
    let session = Session::new(&archive.snapshot, period, settings).unwrap();
    let report = ReportDefinition::ad_hoc("SELECT Id FROM events");
    assert_eq!(lines(&execute(&session, &report, &BTreeMap::new()).unwrap()), ["2"]);
    let counts = session.event_counts(&report).unwrap();
    assert_eq!((counts.services, counts.people), (1, 1));
}

#[test]
fn internal_domains_are_inferred_or_set() {
    let archive = archive(&[Event { id: "1", ..VIEW }]);
    let sql = "-- title: T\n-- question: Q\n-- column k: K\n\
        -- param internal_domains: domains = auto, internal domains\n\
        SELECT actor_kind AS k FROM events";
    let report = definition::header::parse("x", sql).unwrap();
    let session = PLAIN.session(&archive.snapshot);
    let kind = |domains: Option<&str>| {
        let given = domains.map(|domains| ("internal_domains".to_owned(), domains.to_owned()));
        let given = given.into_iter().collect();
        lines(&execute(&session, &report, &given).unwrap()).concat()
    };
    assert_eq!(kind(None), "person");
    assert_eq!(kind(Some("auto")), "person");
    assert_eq!(kind(Some("Contoso.com,x.example")), "person");
    assert_eq!(kind(Some("x.example")), "guest");
}
