//! Tests that files are cut into chunks between records, in every encoding and of every size.

use std::io::Write;

use crate::source::chunks::*;
use crate::source::digest;
use crate::source::problem::ProblemScope;

/// Records with their positions, the format or the reason against it, and the problems.
type Read = (Vec<(u64, String)>, Result<SourceFormat, String>, Vec<DecodeProblem>);

fn read(content: &[u8]) -> Read {
    let (records, ended, problems) = read_all(content);
    let [MemberResult { format, .. }] = &ended[..] else { panic!("one text: {ended:?}") };
    (records, format.clone().map_err(|unsupported| unsupported.reason), problems)
}

/// Returns records with their positions, the texts of the file, and the problems.
fn read_all(content: &[u8]) -> (Vec<(u64, String)>, Vec<MemberResult>, Vec<DecodeProblem>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let mut chunks = ChunkReader::open(file.path()).unwrap();
    let (mut records, mut used, mut problems) = (Vec::new(), Chunk::default(), Vec::new());
    while let Some(chunk) = chunks.next(&mut used).unwrap() {
        let name = chunk.member.name.as_ref().map_or(String::new(), |name| format!("{name} "));
        for &(start, end) in &chunk.records {
            let text = String::from_utf8_lossy(&chunk.text[start as usize..end as usize]);
            records.push((chunk.position(start as usize), format!("{name}{text}")));
        }
        if chunk.records.is_empty() {
            let text = String::from_utf8_lossy(&chunk.text);
            records.push((chunk.position(0), format!("{name}{text}")));
        }
        used = chunk;
    }
    problems.extend(chunks.take_problems());
    problems.extend(chunks.take_tail_problems());
    assert_eq!(chunks.digest(), digest(file.path()).unwrap());
    (records, chunks.take_finished(), problems)
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn records_and_positions_are_the_same_in_every_encoding() {
    let text = "[{\"a\":\"é😀\"},\r\n{\"b\":1}]\r\n";
    let (records, format, problems) = read(text.as_bytes());
    assert_eq!(records, [(1, "{\"a\":\"é😀\"}".to_owned()), (18, "{\"b\":1}".to_owned())]);
    assert_eq!((format, problems.len()), (Ok(SourceFormat::Array), 0));
    let (records, _, _) = read(format!("\u{feff}{text}").as_bytes());
    assert_eq!(records[1].0, 21);
    let (records, format, _) = read(&utf16(text));
    assert_eq!((records[1].0, records[1].1.as_str()), (32, "{\"b\":1}"));
    assert_eq!(format, Ok(SourceFormat::Array));
}

#[test]
fn files_larger_than_a_chunk_are_cut_between_records() {
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(999));
    let count = 6000;
    let text = format!("[{}]", vec![record.as_str(); count].join(","));
    let (records, _, problems) = read(text.as_bytes());
    assert_eq!((records.len(), problems.len()), (count, 0));
    for (number, (position, found)) in records.iter().enumerate() {
        assert_eq!(
            (*position, found.len()),
            ((1 + number * (record.len() + 1)) as u64, record.len())
        );
    }
}

#[test]
fn csv_is_cut_between_rows() {
    let row = format!("1,\"{}\n{}\"\r\n", "x".repeat(600), "y".repeat(600));
    let text = format!("#TYPE Deserialized\r\nCreationDate,AuditData\r\n{}", row.repeat(5000));
    let (chunks, format, problems) = read(text.as_bytes());
    assert_eq!(format, Ok(SourceFormat::Csv(b"CreationDate,AuditData".to_vec())));
    assert!(chunks.len() > 1 && problems.is_empty());
    assert!(chunks.iter().all(|(_, chunk)| chunk.ends_with("y\"\r\n")));
    let whole: String = chunks.into_iter().map(|(_, chunk)| chunk).collect();
    assert!(whole == row.repeat(5000));
}

#[test]
fn csv_without_last_line_break_is_complete_unless_it_ends_in_a_cell() {
    let (chunks, _, problems) = read(b"CreationDate,AuditData\n1,\"{}\"");
    assert_eq!((chunks[0].1.as_str(), problems.len()), ("1,\"{}\"", 0));
    let (chunks, _, problems) = read(b"CreationDate,AuditData\n1,2\n3,\"{");
    assert_eq!((chunks[0].1.trim_end(), chunks.len()), ("1,2", 1));
    assert!(
        matches!(problems[..], [DecodeProblem { scope: ProblemScope::Record, position: 27, .. }]),
        "{problems:?}"
    );
    assert_eq!(problems[0].raw, b"3,\"{");
}

#[test]
fn other_files_are_unsupported_with_a_reason() {
    for (content, expected) in [
        (&b"<!DOCTYPE html><html>"[..], "web page"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PAR1....", "Parquet"),
        (b"hello, world", "hello"),
    ] {
        let (records, format, _) = read(content);
        assert!(records.is_empty());
        assert!(format.unwrap_err().contains(expected));
    }
    assert_eq!(read(b"").1, Ok(SourceFormat::Empty));
    assert_eq!(read(b" \r\n").1, Ok(SourceFormat::Empty));
}

#[test]
fn record_without_end_is_a_problem_at_its_start() {
    let (records, format, problems) = read(b"{\"activityEventEntities\":[{\"Id\":1},{\"Id\":");
    assert_eq!((records.len(), format), (1, Ok(SourceFormat::Rest)));
    assert!(
        matches!(problems[..], [DecodeProblem { scope: ProblemScope::Record, position: 35, .. }]),
        "{problems:?}"
    );
    assert_eq!(problems[0].raw, b"{\"Id\":");
}

#[test]
fn problem_contains_the_text_of_the_lost_record() {
    let (_, _, problems) = read(b"{\"Id\":1}\n{\"Id\":{\n{\"Id\":3}\n17\n");
    let raw: Vec<&[u8]> = problems.iter().map(|problem| &problem.raw[..]).collect();
    assert_eq!(raw, [&b"{\"Id\":{"[..], b"17"]);
    let (_, _, problems) = read(b"[{\"Id\":1},");
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].scope, problems[0].raw.len()), (ProblemScope::File, 0));
    let (_, _, problems) = read(format!("[{{\"Id\":\"{}", "x".repeat(3 << 20)).as_bytes());
    assert_eq!(problems[0].raw.len(), 1 << 20);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(text, 1).unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const PAGE: &[u8] = br#"{"activityEventEntities":[{"Id":1},{"Id":2}]}"#;

#[test]
fn compressed_files_are_read_like_their_content() {
    let (a, b) = PAGE.split_at(20);
    let twice = gzip(&zstd(PAGE));
    for content in [
        gzip(PAGE),
        zstd(PAGE),
        // Several members, several frames, and a frame to skip.
        [gzip(a), gzip(b)].concat(),
        [b"\x50\x2A\x4D\x18\x01\0\0\0x", &zstd(a)[..], &zstd(b)].concat(),
        gzip(&gzip(&gzip(PAGE))),
        twice,
    ] {
        let (records, format, problems) = read(&content);
        let expected = [(26, r#"{"Id":1}"#.to_owned()), (35, r#"{"Id":2}"#.to_owned())];
        assert_eq!((records, format), (expected.to_vec(), Ok(SourceFormat::Rest)));
        assert!(problems.is_empty());
    }
    let (_, format, _) = read(&gzip(&gzip(&gzip(&gzip(PAGE)))));
    assert!(format.unwrap_err().contains("3 times"));
}

#[test]
fn members_of_a_zip_are_read_by_name_in_their_own_formats() {
    let inner = zip(&[("c.json", b"{\"Id\":5}"), ("notes.md", b"#")]);
    let content = zip(&[
        ("z/inner.zip", &inner),
        ("b.csv", b"CreationDate,AuditData\n1,2\n"),
        ("../../a.json", PAGE),
        ("__MACOSX/a.json", PAGE),
        (".hidden/a.json", PAGE),
        ("run.ps1", b"x"),
        ("y.json.gz", &gzip(b"[{\"Id\":3}]")),
        ("y.html", b"<html>"),
    ]);
    let (records, ended, problems) = read_all(&content);
    let records: Vec<String> = records.into_iter().map(|(_, record)| record).collect();
    assert_eq!(
        records,
        [
            r#"../../a.json {"Id":1}"#,
            r#"../../a.json {"Id":2}"#,
            "b.csv 1,2\n",
            r#"y.json.gz {"Id":3}"#,
            r#"z/inner.zip/c.json {"Id":5}"#,
        ]
    );
    assert!(problems.is_empty());
    let ended: Vec<String> = ended
        .iter()
        .map(|ended| {
            let format = ended
                .format
                .as_ref()
                .map_or_else(|other| other.reason.clone(), |s| s.name().to_owned());
            format!("{} {format}", ended.name.as_deref().unwrap_or_default())
        })
        .collect();
    assert_eq!(ended.len(), 5, "{ended:?}");
    assert_eq!(
        [&ended[0], &ended[1], &ended[3], &ended[4]],
        ["../../a.json rest", "b.csv csv", "y.json.gz array", "z/inner.zip/c.json ndjson"]
    );
    assert!(ended[2].starts_with("y.html not a log") && ended[2].contains("web page"));
}

#[test]
fn damaged_compressed_file_gives_records_before_the_damage() {
    let text: Vec<u8> =
        (0..50_000).flat_map(|n| format!("{{\"Id\":{n}}}\n").into_bytes()).collect();
    for packed in [gzip(&text), zstd(&text), zip(&[("a.json", &text)])] {
        let (records, ended, problems) = read_all(&packed[..packed.len() / 2]);
        assert!(records.len() > 10_000 && records.len() < 40_000, "{}", records.len());
        assert_eq!(ended[0].format, Ok(SourceFormat::Objects));
        let reasons: Vec<&str> = problems.iter().map(|problem| problem.reason.as_str()).collect();
        assert!(
            reasons.iter().any(|reason| reason.contains("unpacked) damaged: it cannot")
                || reason.contains("(unpacked): damaged: it cannot")),
            "{reasons:?}"
        );
    }
    // A member that is damaged at its start is unsupported, and the next member is read.
    let mut members = zip(&[("a.json", PAGE), ("b.json", PAGE)]);
    members[36] = 0xFF;
    let (records, ended, _) = read_all(&members);
    assert_eq!(records.len(), 2);
    assert!(ended[0].format.as_ref().unwrap_err().reason.contains("damaged"), "{ended:?}");
    // At the latest, the checksum detects a changed bit.
    for packed in [gzip(&text), zip(&[("a.json", &text)])] {
        let mut packed = packed;
        let middle = packed.len() / 2;
        packed[middle] ^= 0x10;
        let (_, _, problems) = read_all(&packed);
        assert!(problems.iter().any(|problem| problem.reason.contains("damaged")), "{problems:?}");
    }
}

#[test]
fn unreadable_compressed_files_are_unsupported_with_a_reason() {
    let office = zip(&[("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")]);
    assert!(read(&office).1.unwrap_err().contains("save the sheet as CSV"));
    let mut encrypted = zip(&[("a.json", PAGE)]);
    let list = encrypted.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    encrypted[6] |= 1;
    encrypted[list + 8] |= 1;
    assert!(read(&encrypted).1.unwrap_err().contains("password"));
    let mut odd = zip(&[("a.json", PAGE)]);
    (odd[8], odd[list + 10]) = (12, 12);
    assert!(read(&odd).1.unwrap_err().contains("bzip2"));
    assert!(read(b"PK\x03\x04nothing").1.unwrap_err().contains("damaged zip"));
    assert_eq!(read(&zip(&[("notes.md", b"x")])).1, Ok(SourceFormat::Empty));
    // 300 MiB of zero bytes compress to 300 KiB, and to less if they are compressed twice.
    let bomb = gzip(&vec![0; 300 << 20]);
    for bomb in [bomb.clone(), gzip(&bomb), zip(&[("a.json", &bomb[..]), ("b.json", PAGE)])] {
        let (records, _, problems) = read_all(&bomb);
        assert_eq!(records.len(), 0);
        assert!(problems[0].reason.contains("250 times"), "{problems:?}");
    }
}

#[test]
fn json_in_strings_is_read_like_its_content() {
    let event = r#"{"Id":"a\"b","n":[1]}"#;
    let string = |text: &str| serde_json::to_string(text).unwrap();
    let array = format!("[{event},{event}]");
    let once = string(&array);
    for (text, count) in [
        (once.clone(), 2),
        (string(&once), 2),
        (string(&string(&once)), 2),
        (format!("{}\r\n{}\r\n", string(event), string(event)), 2),
        (format!("[{},{event}]", string(event)), 2),
        (format!("{{\"value\":[{}],\"Count\":1}}", string(&string(&array))), 2),
        (format!("{{\"value\":{once},\"Count\":1}}"), 2),
        (format!("{event}\n{once}\n{event}\n"), 4),
    ] {
        for content in [text.as_bytes().to_vec(), utf16(&text)] {
            let (records, format, problems) = read(&content);
            assert!(problems.is_empty(), "{text}: {problems:?}");
            assert!(records.len() == count && records.iter().all(|(_, r)| r == event), "{text}");
            assert_ne!(format, Ok(SourceFormat::Empty), "{text}");
        }
    }
    let deep = string(&string(&string(&string(&array))));
    assert_eq!(read(deep.as_bytes()).2.len(), 1);
    // All records of a string have the position of the string, and so do their problems.
    let (records, _, problems) =
        read(format!("[{},{}]", string(event), string("[{\"Id\":1},{")).as_bytes());
    assert_eq!(records[0].0, 1);
    assert_eq!(
        (records.len(), problems.len(), problems[0].position),
        (2, 1, 2 + string(event).len() as u64)
    );
}

#[test]
fn string_larger_than_a_chunk_is_read_as_a_stream() {
    let array = format!("[{}]", vec![r#"{"Id":"x y z"}"#; 400_000].join(","));
    let (records, format, problems) = read(serde_json::to_string(&array).unwrap().as_bytes());
    assert_eq!((records.len(), format, problems.len()), (400_000, Ok(SourceFormat::Array), 0));
}

#[test]
fn encoding_can_change_in_the_middle_of_json_and_csv() {
    let (json, csv) = ("{\"a\":\"é\"}\r\n", "1,\"{\"\"a\"\":\"\"é\"\"}\"\r\n");
    let wide = |text: &str| utf16(text)[2..].to_vec();
    for mark in [&b""[..], b"\xFF\xFE"] {
        let content =
            [json.as_bytes(), mark, &wide(json), b"\xEF\xBB\xBF", json.as_bytes()].concat();
        let (records, _, problems) = read(&content);
        assert_eq!((records.len(), problems.len()), (3, 0));
        let (one, two) = (json.len() as u64, wide(json).len() as u64);
        let marked = one + mark.len() as u64;
        assert_eq!((records[1].0, records[2].0), (marked, marked + two + 3));
        let header = "CreationDate,AuditData\r\n";
        let content =
            [header.as_bytes(), csv.as_bytes(), mark, &wide(header), &wide(csv), csv.as_bytes()]
                .concat();
        let (chunks, _, problems) = read(&content);
        let rows: String = chunks.iter().map(|(_, text)| &text[..]).collect();
        let rows: Vec<&str> = rows.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!((rows, problems.len()), (vec![csv.trim_end(); 3], 0));
    }
}

#[test]
fn another_csv_header_in_the_middle_replaces_the_first() {
    let (chunks, ended, problems) =
        read_all(b"CreationDate,AuditData\n1,2\nAuditData;Id\n3;4\n\nAuditData;Id\n5;6");
    let texts: Vec<&str> = chunks.iter().map(|(_, text)| text.trim()).collect();
    assert_eq!((texts[0], chunks[0].0), ("1,2", 23));
    assert!(texts[1].starts_with("3;4") && texts[1].ends_with("5;6"), "{texts:?}");
    assert_eq!((chunks[1].0, problems.len()), (40, 0));
    assert_eq!(ended[0].format, Ok(SourceFormat::Csv(b"AuditData;Id".to_vec())));
}
