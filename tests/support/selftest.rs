//! Checks the support of the tests: the generator writes what it reports, and the oracle finds it.
//! [`run`] does all checks in a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::oracle::{Accounting, Noise, Oracle, parse_time};
use super::synth::{Feed, Layout, Spec, Spelling, Tenant, Types, Written, write_archive};

const LAYOUTS: [Layout; 3] = [Layout::RestPages, Layout::Mixed, Layout::OneArray];

/// Runs every check; `dir` is filled with archives.
pub fn run(dir: &Path) {
    same_seed_same_bytes(dir);
    accounting_agrees(dir);
    archive_without_duplicates_has_none(dir);
    hours_are_in_order_and_add_up();
    cut_files_lose_one_record(dir);
    damage_is_counted(dir);
    richest_copy_wins(dir);
    times_of_all_forms();
    top_reports_by_hand(dir);
    top_reports_are_the_tenants(dir);
}

fn small(seed: u64) -> Spec {
    Spec {
        seed,
        days: 16,
        events: 4_000,
        users: 60,
        reports: 40,
        workspaces: 12,
        ..Spec::default()
    }
}

fn archive(dir: &Path, spec: &Spec, layout: Layout) -> Written {
    let _ = std::fs::remove_dir_all(dir);
    write_archive(dir, spec, layout).expect("the folder can be written to")
}

fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).expect("the archive is there") {
        let path = entry.expect("the archive can be listed").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let content = std::fs::read(&path).expect("the archive can be read");
            found.insert(path, content);
        }
    }
    found
}

fn same_seed_same_bytes(dir: &Path) {
    let dir = dir.join("seed");
    for layout in LAYOUTS {
        let written = archive(&dir, &small(7), layout);
        let first = contents(&dir);
        assert_eq!(written.files, first.len() as u64, "{layout:?}: files");
        assert_eq!(
            written.bytes,
            first.values().map(|content| content.len() as u64).sum::<u64>(),
            "{layout:?}: bytes"
        );
        assert_eq!(written, archive(&dir, &small(7), layout), "{layout:?}: written twice");
        assert!(first == contents(&dir), "{layout:?}: the same seed gave other bytes");
        archive(&dir, &small(8), layout);
        assert!(first != contents(&dir), "{layout:?}: another seed gave the same bytes");
    }
}

/// Returns the expected result of the oracle for a complete archive.
pub fn expected(written: &Written) -> Accounting {
    Accounting {
        read: written.records,
        kept: written.distinct,
        duplicates: written.duplicates(),
        other_workloads: written.other_workloads,
        rejected: 0,
    }
}

fn accounting_agrees(dir: &Path) {
    for (seed, layout) in (1..=2).flat_map(|seed| LAYOUTS.map(|layout| (seed, layout))) {
        let spec = match seed % 2 {
            0 => Spec { spelling: Spelling::Classic, types: Types::Uniform, ..small(seed) },
            _ => small(seed),
        };
        let written = archive(&dir.join("count"), &spec, layout);
        let oracle = Oracle::read(&dir.join("count")).expect("the archive can be read");
        assert_eq!(oracle.accounting, expected(&written), "{layout:?}, seed {seed}");
        let share =
            written.duplicates() as f64 / (written.records - written.other_workloads) as f64;
        assert!(
            (0.02..0.04).contains(&share),
            "{layout:?}, seed {seed}: {share} of the records are duplicates"
        );
        let noise = oracle.noise as f64 / written.distinct as f64;
        assert!(
            (0.40..0.50).contains(&noise),
            "{layout:?}, seed {seed}: {noise} of the events are noise"
        );
        assert_eq!(
            oracle.per_day.values().sum::<u64>(),
            written.distinct,
            "{layout:?}: every event has its day"
        );
        assert_eq!(oracle.per_day.len(), spec.days, "{layout:?}: every day has events");
    }
}

fn archive_without_duplicates_has_none(dir: &Path) {
    for layout in LAYOUTS {
        let written =
            archive(&dir.join("plain"), &Spec { duplicates_share: 0.0, ..small(5) }, layout);
        assert_eq!(
            (written.duplicates(), written.poorer, written.conflicting),
            (0, 0, 0),
            "{layout:?}"
        );
    }
}

fn hours_are_in_order_and_add_up() {
    let spec = small(9);
    let tenant = Tenant::new(&spec);
    let mut total = 0;
    for day in 0..spec.days {
        let events = tenant.day(day, Feed::PowerBi);
        assert!(events.is_sorted_by_key(|event| event.millis / 1000), "day {day} is out of order");
        total += events.len() as u64;
        let kept = tenant.day(day, Feed::Audit).iter().filter(|event| event.is_kept()).count();
        assert_eq!(kept, events.len(), "day {day}: both doors lead to equally many events");
    }
    assert_eq!(total, spec.events);
}

/// Counts an archive of one file with the oracle.
fn read_one(dir: &Path, content: &[u8]) -> Oracle {
    let dir = dir.join("one");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("the folder can be made");
    std::fs::write(dir.join("file"), content).expect("the folder can be written to");
    Oracle::read(&dir).expect("the file can be read")
}

fn cut_files_lose_one_record(dir: &Path) {
    let events = Tenant::new(&small(3)).day(0, Feed::PowerBi);
    let texts: Vec<&str> = events[..10].iter().map(|event| event.json.as_str()).collect();
    let joined = texts.join(",");
    let rows: Vec<String> =
        texts.iter().map(|text| format!("x,\"{}\",,", text.replace('"', "\"\""))).collect();
    let page = format!("{{\"activityEventEntities\":[{joined}],\"continuationUri\":null}}");
    for (name, whole) in [
        ("array", format!("[{joined}]")),
        ("page", page.clone()),
        ("pages", format!("{{\"activityEventEntities\":[]}}\n{page}")),
        ("wrapper", format!("{{\"value\": [{joined}],\"Count\":10}}")),
        ("lines", texts.join("\n")),
        ("csv", format!("Id,AuditData,a,b\r\n{}", rows.join("\r\n"))),
    ] {
        let all = read_one(dir, whole.as_bytes()).accounting;
        assert_eq!((all.kept, all.rejected), (10, 0), "{name}, whole");
        // This position is inside of the last record.
        let inside = whole.find(&events[9].id).expect("the last event is in the file") + 50;
        let cut = read_one(dir, &whole.as_bytes()[..inside]).accounting;
        assert_eq!((cut.read, cut.kept, cut.rejected), (10, 9, 1), "{name}, cut");
        let utf16: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(whole[..inside].encode_utf16())
            .flat_map(u16::to_be_bytes)
            .collect();
        let cut = read_one(dir, &utf16[..utf16.len() - 1]).accounting;
        assert_eq!(
            (cut.read, cut.kept, cut.rejected),
            (10, 9, 1),
            "{name}, truncated inside of a UTF-16 character"
        );
    }
}

fn damage_is_counted(dir: &Path) {
    let event = r#"{"Id":"1","CreationTime":"2024-03-04T12:00:00"}"#;
    let twice = serde_json::Value::from(format!("[{event}]")).to_string();
    for (content, kept, rejected) in [
        (String::new(), 0, 0),
        ("null".to_owned(), 0, 0),
        ("\u{feff}[]\r\n".to_owned(), 0, 0),
        (twice, 1, 0),
        (format!("{event}\u{feff}\0"), 1, 0),
        (format!("{event}\n{{\"Id\":\"2\", \n{}", event.replace('1', "3")), 2, 1),
        (r#"[{"contentUri":"https://x","contentId":"7"}]"#.to_owned(), 0, 0),
        (r#"{"error":{"code":"TooManyRequests"}}"#.to_owned(), 0, 1),
        (r#"[{"Id":[],"RecordType":[]}]"#.to_owned(), 0, 1),
        ("<html>busy</html>".to_owned(), 0, 1),
        ("Time,IP address,User,Activity\r\n1,2,3,4\r\n".to_owned(), 0, 1),
        ("\"RecordType\";\"AuditData\"\r\n\"20\";\"\"\r\n\r\n".to_owned(), 0, 1),
    ] {
        let found = read_one(dir, content.as_bytes()).accounting;
        assert_eq!((found.kept, found.rejected), (kept, rejected), "{content}");
    }
}

fn richest_copy_wins(dir: &Path) {
    let id = "0A000000-0000-4000-8000-00000000000b";
    let text = format!(
        r#"[{{"Id":"{id}","a":1,"b":null}},{{"Id":"{}","a":2,"b":3}},{{"Id":"{id}","a":4,"c":5}},{{"Id":"x","RecordType":"6"}},{{"error":1}}]"#,
        id.to_lowercase()
    );
    let oracle = read_one(dir, text.as_bytes());
    assert_eq!(
        oracle.accounting,
        Accounting { read: 5, kept: 1, duplicates: 2, other_workloads: 1, rejected: 1 }
    );
    assert_eq!(
        oracle.events[&id.to_lowercase()]["b"],
        3,
        "the first of the copies with most fields"
    );
}

fn times_of_all_forms() {
    let micros = |text: &str| parse_time(text).map(|time| time.timestamp_micros());
    let noon = Some(1_709_553_600_000_000);
    for text in [
        "2024-03-04T12:00:00",
        "2024-03-04T12:00:00Z",
        "2024-03-04T14:00:00+02:00",
        "2024-03-04T06:30:00.0-0530",
        "2024-03-04 12:00:00.000000999 ",
        "/Date(1709553600000)/",
        "/Date(1709553600000+0200)/",
    ] {
        assert_eq!(micros(text), noon, "{text}");
    }
    assert_eq!(micros("2024-03-04T12:00:00.1234567Z"), noon.map(|noon| noon + 123_456));
    assert_eq!(micros("/Date(-1)/"), Some(-1_000));
    assert_eq!((micros("3/4/2024 12:00:00 PM"), micros("")), (None, None));
}

/// Compares the oracle with a few views whose report is known without a program.
fn top_reports_by_hand(dir: &Path) {
    let view = |id: u32, time: &str, user: &str, more: &str| {
        format!(
            r#"{{"Id":"{id}","Operation":"ViewReport","CreationTime":"{time}","UserId":"{user}","WorkspaceId":"w"{more}}}"#
        )
    };
    let text = [
        view(
            1,
            "2024-03-04T23:30:00",
            "Ann@x",
            r#","ReportId":"r","ReportName":"Old","WorkSpaceName":"W""#,
        ),
        view(2, "2024-03-05T10:00:00", "ann@X", r#","ReportId":"r","ReportName":"New""#),
        view(
            3,
            "2024-03-05T11:00:00",
            "Anonymous",
            r#","ReportId":"p","AppReportId":"r","UserType":4"#,
        ),
        view(4, "2024-03-05T12:00:00", "bob@x", r#","ReportId":"p","AppReportId":"r","AppId":"a""#),
        view(5, "2024-03-05T12:00:00", "bob@x", r#","ReportId":"r","UserType":"System""#),
        view(
            6,
            "2024-03-05T12:00:00",
            "0a000000-0000-4000-8000-00000000000b",
            r#","ReportId":"r""#,
        ),
        view(7, "2024-03-06T23:30:00", "bob@x", r#","ReportId":"r","ReportName":"Newer""#),
        view(8, "2024-03-06T12:00:00", "bob@x", ""),
        view(9, "2024-03-12T10:00:00", "bob@x", r#","ReportId":"r""#),
        view(10, "2024-03-12T11:00:00", "bob@x", r#","ReportId":"r""#),
        view(11, "2024-03-12T12:00:00", "bob@x", r#","ReportId":"r""#),
    ]
    .join("\n");
    let oracle = read_one(dir, text.as_bytes());
    let day = |day| chrono::NaiveDate::from_ymd_opt(2024, 3, day).expect("a day of March");
    let rows = oracle.top_reports(day(5), day(6), chrono_tz::Europe::Berlin, Noise::Default, 10);
    let brief: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.rank,
                row.report_id.as_deref(),
                row.report.as_deref(),
                row.views,
                row.viewers,
                row.active_days,
            )
        })
        .collect();
    let expected = [
        // The name is the latest one of the archive, although its view is after the period.
        (1, Some("r"), Some("Newer"), 3, 2, 1),
        (2, None, None, 1, 1, 1),
        (3, Some("p"), None, 1, 1, 1),
    ];
    assert_eq!(brief, expected);
    assert_eq!(rows[0].workspace.as_deref(), Some("W"));
    assert_eq!(rows[0].views_per_viewer, Some(1.5));
    assert_eq!(rows[0].trend, None, "a Tuesday and a Wednesday are not compared");
    let rows = oracle.top_reports(day(4), day(12), chrono_tz::UTC, Noise::Keep, 1);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].trend, Some(1.5), "two views on a Tuesday, three on the next one");
}

/// Asserts that the rows contain the reports of the tenant, although views of a template app name
/// the publisher's report.
fn top_reports_are_the_tenants(dir: &Path) {
    let spec = Spec { events: 12_000, noise_share: 0.2, ..small(6) };
    archive(&dir.join("top"), &spec, Layout::Mixed);
    let oracle = Oracle::read(&dir.join("top")).expect("the archive can be read");
    let until = spec.first_day + chrono::Days::new(spec.days as u64);
    let rows =
        oracle.top_reports(spec.first_day, until, chrono_tz::UTC, Noise::Default, usize::MAX);
    let tenant = Tenant::new(&spec);
    let known: BTreeSet<&str> = tenant.reports.iter().map(|report| report.id.as_str()).collect();
    let found: BTreeSet<&str> = rows.iter().filter_map(|row| row.report_id.as_deref()).collect();
    assert!(found.is_subset(&known), "not of this tenant: {:?}", found.difference(&known));
    assert!(found.len() > spec.reports / 2, "only {} of the reports were viewed", found.len());
    assert!(rows.len() > found.len(), "no report was seen in two workspaces");
    assert!(rows.iter().any(|row| row.workspace_id.is_none()), "no view misses its workspace");
    assert!(
        rows.iter().any(|row| row.trend.is_some_and(|trend| trend > 1.5)),
        "no report is in fashion"
    );
    assert!(rows.iter().all(|row| row.viewers <= row.views && row.report.is_some()));
}
