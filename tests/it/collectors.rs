//! Archives as collectors and people leave them: other files among the logs, files to leave out,
//! text around JSON, tables of other tools, and dates of other countries.

use std::io::Write;

use crate::events::{id, plain, quoted, various};
use crate::workdir::{Outcome, Records, Source, Workdir};

/// Ingests one file and returns its account.
#[track_caller]
fn account(name: &str, content: impl AsRef<[u8]>, code: i32) -> Source {
    let dir = Workdir::new();
    dir.write(name, content);
    let (ran, summary) = dir.ingest("store", &[name]);
    ran.ended(code);
    summary.of(name).clone()
}

/// Ingests one file without a problem, and returns the events of the store as NDJSON.
#[track_caller]
fn exported(content: impl AsRef<[u8]>) -> Vec<String> {
    let dir = Workdir::new();
    dir.write("a", content);
    let (ran, _) = dir.ingest("store", &["a"]);
    ran.ended(0);
    let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
    exported.lines().map(str::to_owned).collect()
}

fn times(content: impl AsRef<[u8]>) -> Vec<String> {
    let time = |event: &String| {
        let event: serde_json::Value = serde_json::from_str(event).expect("an event is JSON");
        event["CreationTime"].as_str().expect("a time is text").to_owned()
    };
    exported(content).iter().map(time).collect()
}

fn warnings(account: &Source) -> Vec<&str> {
    account.warnings.iter().map(|warning| warning.kind.as_str()).collect()
}

/// A nightly run ended with exit code 3 because of files that contain no events.
#[test]
fn other_files_of_collectors_are_skipped_and_named_in_one_line() {
    let files = [
        ("desktop.ini", "[.ShellClassInfo]\r\nIconResource=x.dll,1\r\n", "settings file"),
        ("a.json.Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\n", "settings file"),
        ("state.json", r#"{"Activity":{"LastRun":"2026-03-01"},"Catalog":{}}"#, "\"Catalog\""),
        (
            "apps.json",
            r#"{"@odata.context":"x","value":[{"id":"1","name":"y"}]}"#,
            "\"id\", \"name\"",
        ),
        ("rules.yml", "AnalysisType: rule\nEnabled: true\n", "YAML"),
        ("manual.pdf", "%PDF-1.7", "PDF"),
    ];
    let dir = Workdir::new();
    dir.write("archive/1.json", format!("[{}]", plain(0, 0)));
    for (name, content, _) in files {
        dir.write(&format!("archive/{name}"), content);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    let ran = ran.ended(0);
    assert_eq!((summary.records.read, summary.records.stored), (1, 1));
    assert_eq!((summary.sources.skipped, summary.sources.new), (files.len() as u64, 1));
    for (name, _, what) in files {
        let account = summary.of(&format!("archive/{name}"));
        assert_eq!(account.outcome, Outcome::Skipped, "{account:?}");
        assert!(account.problems.is_empty() && account.skipped.len() == 1, "{account:?}");
        assert!(account.skipped[0].reason.contains(what), "{account:?}");
    }
    assert_eq!(ran.stderr.matches("skipped").count(), 6, "{}", ran.stderr);
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status.contains("0 with problems"), "{status}");
    let (_, again) = dir.ingest("store", &["archive"]);
    assert_eq!(again.sources.known, 7);
}

/// A file that can contain events is a loss, so the run ends with exit code 3.
#[test]
fn files_that_can_contain_events_are_named_and_fail() {
    for (content, what) in [
        ("{'activityEventEntities': [{'Id': 'x'}]}", "Python"),
        ("<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">", "Import-Clixml"),
        ("BZh91AY", "bzip2"),
        ("hello", "--exclude"),
    ] {
        let account = account("a", content, 3);
        assert_eq!(account.outcome, Outcome::Failed);
        assert!(account.problems[0].reason.contains(what), "{account:?}");
    }
    // Records in a wrapper that is not known are rejected one by one, and not skipped.
    let unknown = account("a", format!("{{\"x\":{{\"y\":[{}]}}}}", plain(0, 0)), 3);
    assert_eq!((unknown.outcome, unknown.records.rejected), (Outcome::Partial, 1));
}

#[test]
fn patterns_leave_files_out() {
    let dir = Workdir::new();
    for (number, name) in ["1.json", "a/2.json", "a/b/3.JSON", "c/4.txt"].iter().enumerate() {
        dir.write(&format!("archive/{name}"), plain(0, number));
    }
    let read = |patterns: &[&str], more: &[&str]| {
        let mut flags = vec!["archive"];
        patterns.iter().for_each(|pattern| flags.extend(["--exclude", pattern]));
        flags.extend(more);
        let dir_store = format!("store {}", patterns.join("-").replace(['/', '*'], "_"));
        dir.ingest(&dir_store, &flags)
    };
    for (patterns, stored, excluded) in [
        (&["*.txt"][..], 3, 1),
        (&["a/**"], 2, 2),
        (&["b", "1.json"], 2, 2),
        (&["**/*.json"], 1, 3),
        (&["*.csv"], 4, 0),
    ] {
        let (ran, summary) = read(patterns, &[]);
        ran.ended(0);
        let found = (summary.records.stored, summary.sources.excluded);
        assert_eq!(found, (stored, excluded), "{patterns:?}");
    }
    let plan = dir
        .pbi(["ingest", "archive", "--exclude", "a", "--dry-run", "--format", "json"])
        .ended(0)
        .stdout;
    assert!(plan.contains(r#""found":2"#) && plan.contains(r#""excluded":1"#), "{plan}");
    let report = |flags: &[&str]| {
        let command = ["report", "top-reports", "--from", "archive", "--format", "csv"];
        dir.pbi(command.iter().chain(flags)).ended(0).stdout
    };
    assert_ne!(report(&[]), report(&["--exclude", "a"]));
    dir.pbi(["ingest", "archive", "--exclude", "../x"]).ended(2);
    dir.pbi(["report", "top-reports", "--exclude", "x"]).ended(2);
}

/// Text above the JSON, or before it in each line, was a reason to refuse the file.
#[test]
fn text_around_json_is_skipped_with_a_warning() {
    let events: Vec<String> = (0..3).map(|number| plain(0, number)).collect();
    let page = format!("{{\"activityEventEntities\":[{}]}}", events.join(","));
    let indented = format!("[\r\n    {}\r\n]\r\n", events.join(",\r\n    "));
    let prefixed: String =
        events.iter().map(|event| format!("<14>Mar  2 09:15:00 host app[12]: {event}\n")).collect();
    for (content, kind) in [
        (format!("Environment : Public\r\nTenantId    : x\r\n\r\n{indented}"), "array"),
        (format!("HTTP/2 200\r\nrequestid: {{x}}\r\n\r\n{page}"), "rest"),
        (prefixed, "ndjson"),
    ] {
        let account = account("a.log", &content, 0);
        assert_eq!((account.records.stored, account.kind.as_str()), (3, kind), "{account:?}");
        assert_eq!(warnings(&account), ["skipped_text"], "{account:?}");
    }
}

#[test]
fn end_mark_of_dos_is_not_a_record() {
    let header = "CreationDate,AuditData\r\n";
    let rows = |from: usize| {
        let row = |number: usize| format!("x,{}\r\n", quoted(&plain(0, number)));
        (from..from + 2).map(row).collect::<String>()
    };
    let joined = format!("{header}{}{header}{}\u{1a}", rows(0), rows(2));
    for content in
        [joined, format!("[{}]\r\n\u{1a}", plain(0, 0)), format!("{}\u{1a}", plain(0, 1))]
    {
        let account = account("all", content, 0);
        assert_eq!(account.outcome, Outcome::Ok, "{account:?}");
    }
}

/// Files in the code page of Windows were rejected record by record.
#[test]
fn windows_1252_is_read_with_a_warning() {
    let header = "CreationDate;AuditData\r\n".to_owned();
    let row = |name: &str| {
        let event = plain(0, 0).replace("Umsätze 💶", name);
        format!("x;{}\r\n", quoted(&event))
    };
    let text = header + &row("Umsätze größer €");
    let bytes = windows_1252(&text);
    let account = account("a.csv", &bytes, 0);
    assert_eq!(warnings(&account), ["code_page"], "{account:?}");
    assert!(exported(&bytes)[0].contains("Umsätze größer €"));
}

/// Encodes a text in Windows-1252.
fn windows_1252(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        '€' => 0x80,
        c => u8::try_from(u32::from(c)).expect("a character of the code page"),
    };
    text.chars().map(byte).collect()
}

/// Returns a table as `ConvertFrom-Json | Export-Csv` of PowerShell 7 writes it.
fn dated(dates: &[&str]) -> String {
    let row = |(number, date): (usize, &&str)| {
        format!("\"{}\",\"{date}\",\"ViewReport\",\"20\",\"ann@north.example\"\r\n", id(7, number))
    };
    let rows: String = dates.iter().enumerate().map(row).collect();
    format!("\"Id\",\"CreationTime\",\"Operation\",\"RecordType\",\"UserId\"\r\n{rows}")
}

/// The month was taken for the first number, without a message.
#[test]
fn order_of_day_and_month_is_that_of_the_file() {
    for (dates, expected) in [
        (
            &["3/12/2025 7:31:34 AM", "25/12/2025 7:31:34 AM"][..],
            ["2025-12-03T07:31:34Z", "2025-12-25T07:31:34Z"],
        ),
        (
            &["3/12/2025 7:31:34 AM", "3/25/2025 7:31:34 AM"],
            ["2025-03-12T07:31:34Z", "2025-03-25T07:31:34Z"],
        ),
        (
            &["03.12.2025 07:31:34", "25.12.2025 19:31:34"],
            ["2025-12-03T07:31:34Z", "2025-12-25T19:31:34Z"],
        ),
        (
            &["13/12/2025 7:31:34 am", "25/12/2025 7:31:34\u{202f}PM"],
            ["2025-12-13T07:31:34Z", "2025-12-25T19:31:34Z"],
        ),
        (
            &["2025-12-13T07:31:34", "2025/12/25 19:31:34"],
            ["2025-12-13T07:31:34Z", "2025-12-25T19:31:34Z"],
        ),
    ] {
        assert_eq!(times(dated(dates)), expected, "{dates:?}");
    }
    for dates in [
        &["3/12/2025 7:31:34 AM", "4/12/2025 7:31:34 AM"][..],
        &["3/12/2025 7:31:34 AM", "4/12/2025 7:31:34 AM", "25/12/2025 1:00", "12/25/2025 1:00"],
    ] {
        let account = account("a.csv", dated(dates), 3);
        assert_eq!((account.records.rejected, account.problems[0].count), (2, 2), "{account:?}");
        assert!(account.problems[0].reason.contains("day or month can be first"), "{account:?}");
    }
}

#[test]
fn order_of_outer_dates_is_proven_by_other_rows() {
    let event = |number: usize, time: &str| {
        format!(
            "{{\"Id\":\"{}\",\"RecordType\":20,\"Operation\":\"ViewReport\"{time}}}",
            id(6, number)
        )
    };
    let inner = r#","CreationTime":"2025-12-04T07:31:34""#;
    let table = |rows: &[(&str, &str)]| {
        let row = |(number, (date, time)): (usize, &(&str, &str))| {
            format!("{date},ann@north.example,ViewReport,{}\r\n", quoted(&event(number, time)))
        };
        let rows: String = rows.iter().enumerate().map(row).collect();
        format!("CreationDate,UserIds,Operations,AuditData\r\n{rows}")
    };
    let early = "3/12/2025 7:31:34 AM";
    for proof in [("25/12/2025 7:31:34 AM", ""), ("4/12/2025 7:31:34 AM", inner)] {
        assert_eq!(times(table(&[(early, ""), proof]))[0], "2025-12-03T07:31:34Z");
    }
    let account = account("a.csv", table(&[(early, "")]), 3);
    assert!(account.problems[0].reason.contains("day or month"), "{account:?}");
}

/// A large file proves the order in a later chunk than the one that needs it.
#[test]
fn proof_at_the_end_of_a_large_file_counts_for_its_start() {
    let mut dates = vec!["3/12/2025 7:31:34 AM"; 40_000];
    dates.push("25/12/2025 7:31:34 AM");
    let times = times(dated(&dates));
    assert_eq!(times.len(), 40_001);
    assert!(times[..40_000].iter().all(|time| time == "2025-12-03T07:31:34Z"));
}

/// Tables of pandas and sempy.
#[test]
fn tables_of_python_are_read_with_their_types() {
    let pandas = format!(
        ",Id,RecordType,CreationTime,Operation,UserType,IsSuccess,RefreshEnforcementPolicy,Datasets\n\
         0,{},20.0,2026-03-01T08:00:00,ViewReport,0.0,True,0.0,\"[{{'DatasetId': 'x'}}]\"\n\
         1,{},20,2026-03-01T08:01:00,ViewReport,,,,\n",
        id(5, 0),
        id(5, 1)
    );
    let found = exported(&pandas);
    for part in [
        r#""RecordType":20"#,
        r#""UserType":0"#,
        r#""IsSuccess":true"#,
        r#""RefreshEnforcementPolicy":0"#,
    ] {
        assert!(found[0].contains(part), "{part} is not in {}", found[0]);
    }
    assert!(!found[0].contains(r#""":"#), "the number of the row is no field: {}", found[0]);
    let account = account("a.csv", &pandas, 0);
    assert_eq!(warnings(&account), ["lossy_table"]);
    assert!(account.warnings[0].detail.contains("(1 value)"), "{account:?}");

    let sempy = format!(
        ",Id,Record Type,Creation Time,Operation,User Id,Workspace Name,Report Id\n\
         0,{},20,2026-03-01T08:00:00Z,ViewReport,ann@north.example,Sales,r1\n",
        id(5, 2)
    );
    let found = exported(sempy);
    let expected = r#""WorkspaceName":"Sales","ReportId":"r1""#;
    assert!(found[0].contains(expected) && found[0].contains(r#""RecordType":20"#), "{found:?}");
}

#[test]
fn times_of_python_and_mongo_are_read() {
    let with_time = |number: usize, time: &str| {
        plain(0, number).replace(&format!("\"2026-03-01T08:{number:02}:00\""), time)
    };
    let content = [
        with_time(1, "1772352060000"),
        with_time(2, "1772352120"),
        with_time(3, "{\"$date\":\"2026-03-01T08:03:00Z\"}"),
        with_time(4, "{\"$date\":{\"$numberLong\":\"1772352240000\"}}"),
        with_time(5, "\"2026-03-01T08:05:00\",\"CapacityName\":NaN,\"x\":-Infinity"),
    ];
    let dir = Workdir::new();
    dir.write("a.ndjson", content.join("\n"));
    let (ran, summary) = dir.ingest("store", &["a.ndjson"]);
    ran.ended(0);
    assert_eq!(summary.records.stored, 5);
    assert_eq!(summary.period.first.as_deref(), Some("2026-03-01T08:01:00Z"));
    assert_eq!(summary.period.last.as_deref(), Some("2026-03-01T08:05:00Z"));
}

/// Appends a member to a tar file.
fn tar_member(name: &str, content: &[u8], tar: &mut Vec<u8>) {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

#[test]
fn members_of_tar_files_are_read() {
    let events = various();
    let mut tar = Vec::new();
    tar_member("activity/", b"", &mut tar);
    tar_member("./activity/01.json", format!("[{}]", events[..2].join(",")).as_bytes(), &mut tar);
    tar_member("activity/02.json.gz", &gzip(events[2..].join("\n").as_bytes()), &mut tar);
    tar_member("activity/._02.json", b"junk", &mut tar);
    tar_member("desktop.ini", b"[x]\r\ny=1\r\n", &mut tar);
    tar.extend([0; 1024]);
    for (name, bytes) in [("march.tar", tar.clone()), ("march.tar.gz", gzip(&tar))] {
        let account = account(name, &bytes, 0);
        let all = Records { read: 5, stored: 5, ..Records::default() };
        assert_eq!((account.records, account.outcome), (all, Outcome::Ok), "{account:?}");
        assert_eq!(account.skipped.len(), 1, "{account:?}");
        let dir = Workdir::new();
        dir.write("a.tar", &bytes);
        dir.ingest("store", &["a.tar"]);
        let events = dir.pbi(["export", "--with-lineage", "--store", "store"]).ended(0).stdout;
        assert_eq!(events.matches("\"SourceFile\":\"a.tar/activity/01.json\"").count(), 2);
    }
    let end = tar.len() - 2200;
    let account = account("cut.tar", &tar[..end], 3);
    assert_eq!(account.outcome, Outcome::Partial);
    assert!(account.records.stored >= 2, "{account:?}");
}

/// Returns a Parquet file of events, as sempy and lakehouse tables name the columns.
fn parquet(numbers: std::ops::Range<usize>) -> Vec<u8> {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};

    let texts = |text: &dyn Fn(usize) -> Option<String>| -> ArrayRef {
        Arc::new(numbers.clone().map(text).collect::<StringArray>())
    };
    let times = TimestampMicrosecondArray::from_iter_values(
        numbers.clone().map(|number| 1_772_352_000_000_000 + number as i64 * 60_000_000),
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("Id", texts(&|number| Some(id(3, number)))),
        ("Record_Type", Arc::new(Int64Array::from(vec![20; numbers.len()]))),
        ("Creation_Time", Arc::new(times)),
        ("Operation", texts(&|_| Some("ViewReport".to_owned()))),
        ("Report_Name", texts(&|number| (number % 2 == 0).then(|| "Umsätze".to_owned()))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut bytes = Vec::new();
    let writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None);
    let mut writer = writer.expect("a schema of simple types");
    writer.write(&batch).expect("memory can be written");
    writer.close().expect("memory can be written");
    bytes
}

#[test]
fn rows_of_a_parquet_file_are_events() {
    let bytes = parquet(0..3000);
    let account = account("activities.parquet", &bytes, 0);
    let all = Records { read: 3000, stored: 3000, ..Records::default() };
    assert_eq!((account.records, account.kind.as_str()), (all, "parquet"), "{account:?}");
    let events = exported(parquet(0..2));
    let expected = |rest: &str, number: usize| {
        let head = format!(
            "{{\"Id\":\"{}\",\"CreationTime\":\"2026-03-01T08:0{number}:00Z\"",
            id(3, number)
        );
        format!("{head},\"Operation\":\"ViewReport\",\"RecordType\":20{rest}}}")
    };
    assert_eq!(events, [expected(",\"ReportName\":\"Umsätze\"", 0), expected("", 1)]);
    let damaged = account_of_damaged(&bytes);
    assert_eq!(damaged.outcome, Outcome::Failed);
    assert!(damaged.problems[0].reason.contains("damaged Parquet"), "{damaged:?}");
}

fn account_of_damaged(bytes: &[u8]) -> Source {
    let mut bytes = bytes.to_vec();
    let end = bytes.len();
    bytes[end - 8..end - 4].fill(0xFF);
    account("damaged.parquet", bytes, 3)
}

/// Only the files of the newest version are events of the table: others were replaced or deleted.
#[test]
fn delta_table_is_read_by_its_log() {
    let dir = Workdir::new();
    let add = |name: &str, bytes: &[u8]| {
        format!(
            "{{\"add\":{{\"path\":\"{name}\",\"partitionValues\":{{}},\"size\":{},\
             \"modificationTime\":0,\"dataChange\":true}}}}\n",
            bytes.len()
        )
    };
    let field = |name: &str, ty: &str| {
        format!("{{\"name\":\"{name}\",\"type\":\"{ty}\",\"nullable\":true,\"metadata\":{{}}}}")
    };
    let fields = [
        field("Id", "string"),
        field("Record_Type", "long"),
        field("Creation_Time", "timestamp"),
        field("Operation", "string"),
        field("Report_Name", "string"),
    ];
    let schema = format!("{{\"type\":\"struct\",\"fields\":[{}]}}", fields.join(","));
    let schema = serde_json::to_string(&schema).expect("any text is JSON");
    let head = format!(
        "{{\"protocol\":{{\"minReaderVersion\":1,\"minWriterVersion\":2}}}}\n{{\"metaData\":{{\
         \"id\":\"7f0a1b2c-0000-4000-8000-000000000001\",\"format\":{{\"provider\":\"parquet\",\
         \"options\":{{}}}},\"schemaString\":{schema},\"partitionColumns\":[],\
         \"configuration\":{{}},\"createdTime\":0}}}}\n"
    );
    let (old, new) = (parquet(0..5), parquet(5..7));
    for (name, bytes) in [("old.parquet", &old), ("new.parquet", &new), ("stray.parquet", &old)] {
        dir.write(&format!("lake/activities/{name}"), bytes);
    }
    let log = |version: usize| format!("lake/activities/_delta_log/{version:020}.json");
    dir.write(&log(0), head + &add("old.parquet", &old));
    let remove =
        "{\"remove\":{\"path\":\"old.parquet\",\"deletionTimestamp\":0,\"dataChange\":true}}\n";
    dir.write(&log(1), add("new.parquet", &new) + remove);
    dir.write("lake/today.json", plain(0, 0));
    let (ran, summary) = dir.ingest("store", &["lake"]);
    ran.ended(0);
    assert_eq!((summary.records.read, summary.records.stored), (3, 3), "{summary:#?}");
    assert_eq!(summary.of("lake/activities/new.parquet").kind, "parquet");
    // A log that cannot be read is one problem, and no file of its table is guessed.
    dir.write(&log(2), "not JSON\n");
    let (ran, summary) = dir.ingest("other", &["lake"]);
    ran.ended(3);
    assert_eq!((summary.records.stored, summary.sources.failed), (1, 1), "{summary:#?}");
}
