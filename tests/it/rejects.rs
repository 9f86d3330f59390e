//! Checks that rejected records are stored once, with source, position, reason and text.

use crate::events::{Coding, plain, quoted};
use crate::workdir::{Rejected, Workdir};

/// Returns the texts of rejects.
fn raws(rejects: &[Rejected]) -> Vec<&str> {
    rejects.iter().map(|reject| reject.raw.as_deref().expect("it is text")).collect()
}

/// Name, bytes, and the positions and texts of the rejects of a source.
type Case = (&'static str, Vec<u8>, Vec<(u64, String)>);

/// Returns one source of each kind with a rejected record.
fn cases() -> Vec<Case> {
    let timeless = r#"{"Id":"no time – ü"}"#.to_owned();
    let no_json = r#"{"Id":"x",oops}"#.to_owned();
    let cut = plain(0, 1)[..60].to_owned();
    let array = format!("[{},{timeless},{no_json},{cut}", plain(0, 0));
    let at = |text: &str, part: &str| text.find(part).expect("it is there") as u64;
    // The position is that of the error; the text is the whole record.
    let wrong = at(&array, "oops");
    let mut of_array = vec![(at(&array, &timeless), timeless.clone()), (wrong, no_json)];
    of_array.push((array.len() as u64 - 60, cut.clone()));

    let wide = format!("[{},{timeless}]", plain(1, 0));
    let wide_at = Coding::Utf16Le.position(&wide[..at(&wide, &timeless) as usize]);

    let row = |json: &str| format!("1,{}", quoted(json));
    let rows = [row(&plain(2, 0)), "2,".to_owned(), row(&timeless), row("{\"Id\":\n\"y\"")];
    let table = format!("Identity,AuditData\r\n{}\r\n", rows.join("\r\n"));
    let of_table = rows[1..].iter().map(|row| (at(&table, row), row.clone())).collect();

    let lines = format!("{}\n{cut}\n{}\n", plain(3, 0), plain(3, 1));
    vec![
        ("a.json", array.into_bytes(), of_array),
        ("b.json", Coding::Utf16Le.encode(&wide), vec![(wide_at, timeless)]),
        ("c.csv", table.into_bytes(), of_table),
        ("d.json", lines.clone().into_bytes(), vec![(at(&lines, &cut), cut)]),
    ]
}

#[test]
fn rejects_are_stored_with_position_and_text() {
    let dir = Workdir::new();
    let mut expected = Vec::new();
    for (name, content, rejected) in cases() {
        dir.write(&format!("archive/{name}"), content);
        let source = format!("archive/{name}");
        expected.extend(rejected.into_iter().map(|(at, raw)| (source.clone(), at, raw)));
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(3);
    let rejects = dir.rejects("store", &[]);
    let found: Vec<_> = rejects
        .iter()
        .map(|reject| (reject.source.clone(), reject.position, reject.raw.clone().unwrap()))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(summary.records.rejected, expected.len() as u64);
    for reject in &rejects {
        assert!(reject.place.ends_with(&reject.source) && reject.place.len() > reject.source.len());
        assert_eq!(reject.length, reject.raw.as_ref().unwrap().len() as u64);
        let reported = summary.of(&reject.source).problems.iter().find(|problem| {
            (problem.position, &problem.reason) == (reject.position, &reject.reason)
        });
        assert!(reported.is_some(), "{reject:#?}");
    }
    dir.pbi(["verify", "--store", "store"]).ended(0);
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status.contains("rejects  8 records; `pbi-analyze rejects` lists them"), "{status}");
}

#[test]
fn list_of_rejects_is_equal_in_every_format() {
    let dir = Workdir::new();
    dir.write("a\u{1b}.json", b"[{\"Id\":\"\xff\x1b\"}]");
    dir.write("b.json", r#"[{"Id":"b, \"c\""},{"Id":"d"}]"#);
    dir.ingest("store", &["a\u{1b}.json", "b.json"]).0.ended(3);
    let list = |arguments: &[&str]| {
        dir.pbi(["rejects", "--store", "store"].iter().chain(arguments)).ended(0).stdout
    };
    let all = dir.rejects("store", &[]);
    assert_eq!(all[0].raw_base64.as_deref(), Some("eyJJZCI6Iv8bIn0="));
    assert_eq!(raws(&all[1..]), [r#"{"Id":"b, \"c\""}"#, r#"{"Id":"d"}"#]);

    let text = list(&[]);
    assert_eq!(text.lines().count(), 4);
    assert!(
        text.ends_with("\n3 rejected records\n") && text.contains("b.json: byte 1: "),
        "{text}"
    );
    let text = list(&["--with-content", "--source", "b.js"]);
    assert!(text.contains("\n    {\"Id\":\"d\"}\n2 rejected records\n"), "{text}");
    let text = list(&["--with-content"]);
    assert!(!text.contains('\u{1b}'), "a terminal is not commanded: {text}");

    let lines = list(&["--with-content", "--format", "ndjson"]);
    let lines: Vec<Rejected> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!(lines, all);
    let brief: Vec<Rejected> = serde_json::from_str(&list(&["--format", "json"])).expect("a list");
    assert!(brief.iter().all(|reject| reject.raw.is_none() && reject.raw_base64.is_none()));

    let table = list(&["--with-content", "--format", "csv"]);
    let mut table = csv::Reader::from_reader(table.as_bytes());
    assert_eq!(table.headers().expect("a header").len(), 7);
    let rows: Vec<Rejected> = table.deserialize().map(|row| row.expect("a row")).collect();
    assert_eq!(rows, all);

    assert_eq!(list(&["--with-content", "--format", "json", "--output", "all.json"]), "");
    let written = std::fs::read_to_string(dir.join("all.json")).expect("it is there");
    assert_eq!(serde_json::from_str::<Vec<Rejected>>(&written).expect("a list"), all);
    assert_eq!(list(&["--source", "nowhere", "--format", "json"]), "[]\n");
    dir.pbi(["rejects", "--store", "elsewhere"]).ended(1);
}

#[test]
fn grown_file_adds_only_its_new_rejects() {
    let dir = Workdir::new();
    let mut text = format!("{}\n{{\"Id\":\"a\"}}\n", plain(0, 0));
    for round in 0..4 {
        dir.write("log.ndjson", &text);
        let (_, summary) = dir.ingest("store", &["log.ndjson"]);
        assert_eq!(summary.records.rejected, round + 1);
        assert_eq!(dir.rejects("store", &[]).len() as u64, round + 1);
        dir.pbi(["verify", "--store", "store"]).ended(0);
        text += &format!("{{\"Id\":\"a\"}}\n{}\n", plain(1, round as usize));
    }
    // A file with the same content under another name is not read again.
    dir.write("copy.ndjson", std::fs::read(dir.join("log.ndjson")).expect("it is there"));
    dir.ingest("store", &["copy.ndjson"]).0.ended(0);
    assert_eq!(dir.rejects("store", &[]).len(), 4);
}

#[test]
fn first_mebibyte_and_length_of_a_long_reject_are_stored() {
    let dir = Workdir::new();
    let long = format!("{{\"Id\":\"{}\"}}", "é".repeat(2 << 20));
    dir.write("a.json", format!("[{long}]"));
    dir.ingest("store", &["a.json"]).0.ended(3);
    let rejects = dir.rejects("store", &[]);
    let raw = raws(&rejects)[0];
    assert!(long.starts_with(raw) && ((1 << 20) - 1..=1 << 20).contains(&raw.len()));
    assert_eq!(rejects[0].length, long.len() as u64);
    let text = dir.pbi(["rejects", "--with-content", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("    … 4,194,313 bytes in total\n"));
}

/// Neither a report from files nor a valid file creates the folder.
#[test]
fn folder_of_rejects_exists_only_with_rejects() {
    let dir = Workdir::new();
    dir.write("a.json", format!("[{}]", plain(0, 0)));
    dir.ingest("store", &["a.json"]).0.ended(0);
    assert!(!dir.join("store/rejects").exists());
    assert!(dir.rejects("store", &[]).is_empty());
    let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(!status.contains("rejects"), "{status}");
    dir.write("b.json", "[{\"Id\":\"b\"}]");
    dir.pbi(["report", "top-reports", "--from", "a.json", "b.json"]).ended(3);
    assert!(!dir.join("pbi-store").exists());
}

#[test]
#[cfg(unix)]
fn symlink_in_place_of_the_folder_of_rejects_is_refused() {
    let dir = Workdir::new();
    dir.write("a.json", "[{\"Id\":\"a\"}]");
    dir.ingest("store", &["a.json"]).0.ended(3);
    let (link, elsewhere) = (dir.join("store/rejects"), dir.join("elsewhere"));
    std::fs::rename(&link, &elsewhere).expect("it can be moved");
    std::os::unix::fs::symlink(&elsewhere, &link).expect("links can be made");
    dir.write("b.json", "[{\"Id\":\"b\"}]");
    let ran = dir.pbi(["ingest", "b.json", "--store", "store"]).ended(1);
    assert!(ran.stderr.contains("rejects is a link"), "{ran:?}");
    assert_eq!(std::fs::read_dir(elsewhere).expect("a folder").count(), 1);
}
