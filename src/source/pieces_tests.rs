//! Files are cut into pieces between records, in every coding and of every size.

use std::io::Write;

use super::super::FlawOf;
use super::*;

/// Records with their positions, the shape or why there is none, and what is wrong.
type Read = (Vec<(u64, String)>, Result<Shape, String>, Vec<Flaw>);

fn read(content: &[u8]) -> Read {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    let mut pieces = Pieces::open(file.path()).unwrap();
    let (mut records, mut used, mut flaws) = (Vec::new(), Piece::default(), Vec::new());
    while let Some(piece) = pieces.next(used).unwrap() {
        for &(start, end) in &piece.records {
            let text = String::from_utf8_lossy(&piece.text[start as usize..end as usize]);
            records.push((piece.position(start as usize), text.into_owned()));
        }
        if piece.records.is_empty() {
            records.push((piece.position(0), String::from_utf8_lossy(&piece.text).into_owned()));
        }
        used = piece;
    }
    flaws.extend(pieces.take_flaws());
    assert_eq!(pieces.digest(), digest(file.path()).unwrap());
    (records, pieces.shape(), flaws)
}

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn records_and_positions_are_the_same_in_every_coding() {
    let text = "[{\"a\":\"é😀\"},\r\n{\"b\":1}]\r\n";
    let (records, shape, flaws) = read(text.as_bytes());
    assert_eq!(records, [(1, "{\"a\":\"é😀\"}".to_owned()), (18, "{\"b\":1}".to_owned())]);
    assert_eq!((shape, flaws.len()), (Ok(Shape::Array), 0));
    let (records, _, _) = read(format!("\u{feff}{text}").as_bytes());
    assert_eq!(records[1].0, 21);
    let (records, shape, _) = read(&utf16(text));
    assert_eq!((records[1].0, records[1].1.as_str()), (32, "{\"b\":1}"));
    assert_eq!(shape, Ok(Shape::Array));
}

#[test]
fn files_larger_than_a_piece_are_cut_between_records() {
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(999));
    let count = 6000;
    let text = format!("[{}]", vec![record.as_str(); count].join(","));
    let (records, _, flaws) = read(text.as_bytes());
    assert_eq!((records.len(), flaws.len()), (count, 0));
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
    let (pieces, shape, flaws) = read(text.as_bytes());
    assert_eq!(shape, Ok(Shape::Csv(b"CreationDate,AuditData\r\n".to_vec())));
    assert!(pieces.len() > 1 && flaws.is_empty());
    assert!(pieces.iter().all(|(_, piece)| piece.ends_with("y\"\r\n")));
    let whole: String = pieces.into_iter().map(|(_, piece)| piece).collect();
    assert!(whole == row.repeat(5000));
}

#[test]
fn a_csv_without_a_last_line_break_is_whole_and_one_that_ends_in_a_cell_is_not() {
    let (pieces, _, flaws) = read(b"CreationDate,AuditData\n1,\"{}\"");
    assert_eq!((pieces[0].1.as_str(), flaws.len()), ("1,\"{}\"", 0));
    let (pieces, _, flaws) = read(b"CreationDate,AuditData\n1,2\n3,\"{");
    assert_eq!((pieces[0].1.as_str(), pieces.len()), ("1,2\n", 1));
    assert!(matches!(flaws[..], [Flaw { of: FlawOf::Record, position: 27, .. }]), "{flaws:?}");
    assert_eq!(flaws[0].raw, b"3,\"{");
}

#[test]
fn what_is_no_log_is_named() {
    for (content, expected) in [
        (&b"<!DOCTYPE html><html>"[..], "web page"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"PAR1....", "Parquet"),
        (b"hello, world", "hello"),
    ] {
        let (records, shape, _) = read(content);
        assert!(records.is_empty());
        assert!(shape.unwrap_err().contains(expected));
    }
    assert_eq!(read(b"").1, Ok(Shape::Empty));
    assert_eq!(read(b" \r\n").1, Ok(Shape::Empty));
}

#[test]
fn a_record_that_does_not_end_is_a_flaw_at_its_beginning() {
    let (records, shape, flaws) = read(b"{\"activityEventEntities\":[{\"Id\":1},{\"Id\":");
    assert_eq!((records.len(), shape), (1, Ok(Shape::Rest)));
    assert!(matches!(flaws[..], [Flaw { of: FlawOf::Record, position: 35, .. }]), "{flaws:?}");
    assert_eq!(flaws[0].raw, b"{\"Id\":");
}

#[test]
fn a_flaw_holds_the_text_of_the_record_that_is_lost_and_no_more() {
    let (_, _, flaws) = read(b"{\"Id\":1}\n{\"Id\":{\n{\"Id\":3}\n17\n");
    let raw: Vec<&[u8]> = flaws.iter().map(|flaw| &flaw.raw[..]).collect();
    assert_eq!(raw, [&b"{\"Id\":{"[..], b"17"]);
    let (_, _, flaws) = read(b"[{\"Id\":1},");
    assert!(matches!(&flaws[..], [Flaw { of: FlawOf::File, raw, .. }] if raw.is_empty()));
    let (_, _, flaws) = read(format!("[{{\"Id\":\"{}", "x".repeat(3 << 20)).as_bytes());
    assert_eq!(flaws[0].raw.len(), 1 << 20);
}
