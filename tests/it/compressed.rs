//! Ingests compressed files: their rows equal those of the uncompressed files, and each row names
//! its source.

use std::collections::BTreeMap;
use std::io::Write;

use crate::events::{id, plain, quoted};
use crate::table;
use crate::workdir::{Outcome, Workdir};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// Returns a zip archive of files with their contents.
pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).expect("memory can be written");
        writer.write_all(content).expect("memory can be written");
    }
    writer.finish().expect("memory can be written").into_inner()
}

fn page(numbers: std::ops::Range<usize>) -> String {
    let events: Vec<String> = numbers.map(|number| plain(8, number)).collect();
    format!("{{\"activityEventEntities\":[{}]}}", events.join(","))
}

fn csv(number: usize) -> String {
    format!("CreationDate,AuditData\r\nx,{}\r\n", quoted(&plain(8, number)))
}

#[test]
fn every_row_of_a_compressed_file_names_its_member() {
    let dir = Workdir::new();
    let inner = zip(&[("deep.csv", csv(4).as_bytes())]);
    let month = zip(&[
        ("2026-03/01.json", page(0..2).as_bytes()),
        ("2026-03/02.json.gz", &gzip(&page(2..3))),
        ("2026-03/audit.csv", csv(3).as_bytes()),
        ("inner.zip", &inner),
        ("readme.md", b"# how this was made"),
    ]);
    // File names do not matter.
    dir.write("archive/month.dat", month);
    dir.write("archive/day.json", gzip(&page(5..6)));
    dir.write("archive/day.log", zstd::encode_all(page(6..7).as_bytes(), 3).expect("it can be"));
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(summary.sources.new, 3);
    let kinds: Vec<&str> = summary.files.iter().map(|source| &source.kind[..]).collect();
    assert_eq!(kinds, ["rest", "rest", "csv+rest"]);
    let mut rows = BTreeMap::new();
    table::for_each_row(&dir.join("store"), |row| {
        let text = |name| row.text(name).expect("every row has it").to_owned();
        rows.insert(text("Id"), (text("SourceFile"), text("SourceKind")));
    });
    let expected = [
        ("archive/month.dat/2026-03/01.json", "rest"),
        ("archive/month.dat/2026-03/01.json", "rest"),
        ("archive/month.dat/2026-03/02.json.gz", "rest"),
        ("archive/month.dat/2026-03/audit.csv", "csv"),
        ("archive/month.dat/inner.zip/deep.csv", "csv"),
        ("archive/day.json", "rest"),
        ("archive/day.log", "rest"),
    ];
    assert_eq!(rows.len(), expected.len());
    for (number, (file, kind)) in expected.iter().enumerate() {
        assert_eq!(rows[&id(8, number)], ((*file).to_owned(), (*kind).to_owned()));
    }
    // A compressed file is not read again.
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!((summary.sources.known, summary.records.read), (3, 0));
}

#[test]
fn problem_in_a_compressed_file_has_its_position_in_the_unpacked_text() {
    let dir = Workdir::new();
    let cut = format!("[{},{{\"Id\":", plain(8, 0));
    let bad = format!("{}\n{{\"Id\":\"x\", nope}}\n", plain(8, 1));
    dir.write(
        "a.zip",
        zip(&[("cut.json", cut.as_bytes()), ("bad.json", bad.as_bytes()), ("web.json", b"<html>")]),
    );
    dir.write("b.json.gz", gzip(&bad));
    let whole = gzip(&format!("{}\n", plain(8, 2)).repeat(2000));
    dir.write("c.json.gz", &whole[..whole.len() - 20]);
    let (ran, summary) = dir.ingest("store", &["a.zip", "b.json.gz", "c.json.gz"]);
    let ran = ran.ended(3);
    for line in [
        format!("a.zip: byte {}: cut.json (unpacked): the file ends in", cut.len() - 6),
        format!("a.zip: byte {}: bad.json (unpacked): invalid JSON", bad.len() - 6),
        "a.zip: byte 0: web.json: not a log of Power BI events: a web page".to_owned(),
        format!("b.json.gz: byte {}: (unpacked) invalid JSON", bad.len() - 6),
        ": (unpacked) damaged: it cannot be unpacked from here on".to_owned(),
    ] {
        assert!(ran.stderr.contains(&line), "{line}: {}", ran.stderr);
    }
    assert_eq!(summary.of("a.zip").outcome, Outcome::Partial);
    assert!(summary.of("c.json.gz").records.read > 1000);
}

/// A problem that all records have is reported in one line.
#[test]
fn equal_problems_of_a_file_are_reported_once_with_their_number() {
    let dir = Workdir::new();
    let entries = vec![r#"{"contentUri":"https://x.example/1","contentId":"1"}"#; 5000];
    dir.write("list.json", format!("[{}]", entries.join(",\n")));
    dir.write("lists.json", format!("[{}]", [r#"{"Id":[],"RecordType":[]}"#; 3].join(",")));
    let (ran, summary) = dir.ingest("store", &["list.json", "lists.json"]);
    let ran = ran.ended(3);
    assert!(
        ran.stderr.contains("list.json: byte 1: an entry of the Management API's content list")
    );
    assert!(ran.stderr.contains("(5000 times, first here)"), "{}", ran.stderr);
    assert!(ran.stderr.contains("(3 times, first here)"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("content list").count(), 1);
    let problems = &summary.of("list.json").problems;
    assert_eq!((problems.len(), problems[0].count), (1, 5000));
}

/// A cell truncated by Excel is reported as such.
#[test]
fn cell_truncated_by_excel_is_reported() {
    let dir = Workdir::new();
    let long = plain(8, 0).replacen('{', &format!("{{\"Note\":\"{}\",", "x".repeat(40_000)), 1);
    let cut: String = long.chars().take(32_767).collect();
    let rows = format!("x,{}\r\nx,{}\r\n", quoted(&cut), quoted(&plain(8, 1)));
    dir.write("a.csv", format!("CreationDate,AuditData\r\n{rows}"));
    let (ran, summary) = dir.ingest("store", &["a.csv"]);
    let ran = ran.ended(3);
    assert!(ran.stderr.contains("32,767 characters, where Excel cuts"), "{}", ran.stderr);
    assert_eq!((summary.records.stored, summary.records.rejected), (1, 1));
}
