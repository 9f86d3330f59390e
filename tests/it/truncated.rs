//! Truncates files at every byte: exactly the events before the end are stored, and the problem is
//! reported with its position in the file.

use crate::events::{CODINGS, Coding, plain, quoted};
use crate::table;
use crate::workdir::{Outcome, Problem, Source, Summary, Workdir};

const IN_A_RECORD: &str = "the file ends in the middle of a record";

/// Number of events in a file before it is truncated.
const CUT_EVENTS: usize = 5;

/// A complete file: its text, and the bounds of its records.
struct Uncut {
    text: String,
    records: Vec<(usize, usize)>,
}

impl Uncut {
    fn of(text: String, records: impl IntoIterator<Item = String>) -> Self {
        let bounds = |record: String| {
            let start = text.find(&record).expect("the record is in the text");
            (start, start + record.len())
        };
        let records = records.into_iter().map(bounds).collect();
        Uncut { records, text }
    }

    fn whole_before(&self, cut: usize) -> u64 {
        self.records.iter().filter(|&&(_, end)| end <= cut).count() as u64
    }

    /// Returns the start of the record that is truncated at `cut`.
    fn truncated_record(&self, cut: usize) -> Option<usize> {
        let found = self.records.iter().find(|&&(start, end)| start < cut && cut < end);
        found.map(|&(start, _)| start)
    }
}

fn family(number: usize) -> Vec<String> {
    (0..CUT_EVENTS).map(|event| plain(number, event)).collect()
}

fn page(number: usize) -> Uncut {
    let events = family(number);
    let text = format!(
        "{{\"activityEventEntities\":[{}],\"continuationUri\":\"https://api.example/?a=1\",\
         \"continuationToken\":null,\"lastResultSet\":false}}\n",
        events.join(",")
    );
    Uncut::of(text, events)
}

fn array(number: usize) -> Uncut {
    let events = family(number);
    Uncut::of(format!("[\r\n  {}\r\n]\r\n", events.join(",\r\n  ")), events)
}

fn lines(number: usize) -> Uncut {
    let events = family(number);
    Uncut::of(events.join("\n") + "\n", events)
}

fn csv(number: usize) -> Uncut {
    let mut text = "CreationDate,UserIds,Operations,AuditData\r\n".to_owned();
    let cells: Vec<String> = family(number).iter().map(|event| quoted(event)).collect();
    for cell in &cells {
        text += &format!("3/1/2026 8:00:00 AM,ann@north.example,ViewReport,{cell}\r\n");
    }
    Uncut::of(text, cells)
}

/// Ingests a folder with one file for every byte at which a file can be truncated, and returns the
/// accounts.
fn truncated_everywhere(uncut: fn(usize) -> Uncut, coding: Coding) -> (Summary, Vec<Uncut>) {
    let dir = Workdir::new();
    let encoded = coding.encode(&uncut(0).text).len();
    let files: Vec<Uncut> = (0..=encoded).map(uncut).collect();
    for (cut, file) in files.iter().enumerate() {
        let bytes = coding.encode(&file.text);
        assert_eq!(bytes.len(), encoded, "all files have their records at the same places");
        dir.write(&cut_name(cut), &bytes[..cut]);
    }
    let (ran, summary) = dir.ingest("store", &["cut"]);
    ran.ended(3);
    assert_eq!(table::ids(&dir.join("store")).len() as u64, summary.records.stored);
    (summary, files)
}

fn cut_name(cut: usize) -> String {
    format!("cut/{cut:06}.json")
}

/// Asserts the account of a JSON file with only its first `cut` bytes: no problem if only white
/// space is missing, otherwise one problem at the record or at the end.
fn assert_said(account: &Source, file: &Uncut, cut: usize) {
    let there = &file.text.as_bytes()[..cut];
    let is_closed = there.trim_ascii() == file.text.trim().as_bytes();
    let is_between_lines = file.text.starts_with("{\"Id\"") && file.truncated_record(cut).is_none();
    if there.trim_ascii().is_empty() || is_closed || is_between_lines {
        assert_eq!((account.outcome, account.problems.len()), (Outcome::Ok, 0), "{account:?}");
        return;
    }
    // An envelope is recognized by its first name; a file that ends before it could be an event.
    let is_named = !file.text.starts_with("{\"act") || cut >= "{\"activityEventEntities\"".len();
    let start = file.truncated_record(cut).or((!is_named).then_some(0));
    assert_eq!(account.outcome, Outcome::Partial, "{account:?}");
    assert_eq!(account.records.rejected, u64::from(start.is_some()), "{account:?}");
    let [Problem { position, reason, count: 1 }] = &account.problems[..] else {
        panic!("one problem was expected: {account:?}");
    };
    assert_eq!(*position, start.unwrap_or(cut) as u64, "{account:?}");
    let said = if start.is_some() { IN_A_RECORD } else { "the file ends before its" };
    assert!(reason.starts_with(said), "{account:?}");
}

#[test]
fn json_truncated_at_any_byte_keeps_the_events_before_it() {
    for uncut in [page, array, lines] {
        let (summary, files) = truncated_everywhere(uncut, Coding::Utf8);
        for (cut, file) in files.iter().enumerate() {
            let account = summary.of(&cut_name(cut));
            assert_eq!(account.records.stored, file.whole_before(cut), "{account:?}");
            assert_said(account, file, cut);
        }
    }
}

#[test]
fn csv_truncated_at_any_byte_keeps_the_rows_before_it() {
    let (summary, files) = truncated_everywhere(csv, Coding::Utf8);
    for (cut, file) in files.iter().enumerate() {
        let account = summary.of(&cut_name(cut));
        assert_eq!(account.records.stored, file.whole_before(cut), "{account:?}");
        // No row is lost without a message.
        let is_reported = !account.problems.is_empty();
        assert!(is_reported || file.truncated_record(cut).is_none(), "{account:?}");
    }
}

/// Some of the files end inside of a UTF-16 unit or between two surrogates.
#[test]
fn utf_16_truncated_at_any_byte_keeps_the_events_before_it() {
    for coding in [Coding::Utf16Le, Coding::Utf16Be] {
        let (summary, files) = truncated_everywhere(page, coding);
        for (cut, file) in files.iter().enumerate() {
            let account = summary.of(&cut_name(cut));
            let at = |text: usize| coding.position(&file.text[..text]) as usize;
            let whole = file.records.iter().filter(|&&(_, end)| at(end) <= cut).count();
            assert_eq!(account.records.stored, whole as u64, "{coding:?}: {account:?}");
            let through = file.records.iter().find(|r| at(r.0) + 2 <= cut && cut < at(r.1));
            if let Some(&(start, _)) = through {
                let [Problem { position, reason, count: 1 }] = &account.problems[..] else {
                    panic!("one problem was expected: {account:?}");
                };
                assert_eq!((*position, reason.as_str()), (at(start) as u64, IN_A_RECORD));
            }
        }
    }
}

/// Positions after the first chunk are positions in the file.
#[test]
fn position_of_damage_is_exact_in_long_files_of_every_encoding() {
    let dir = Workdir::new();
    for (number, coding) in CODINGS.into_iter().enumerate() {
        let before: Vec<String> = (0..30_000).map(|n| plain(number, n)).collect();
        let before = before.join("\n") + "\n";
        let after = plain(number, 99_999);
        let text = format!("{before}{}\n{after}\n", &after[..60]);
        let bytes = coding.encode(&text);
        assert!(bytes.len() > 4 << 20, "this is less than two pieces");
        dir.write("archive/large.ndjson", bytes);
        let (ran, summary) = dir.ingest(&format!("store-{number}"), &["archive"]);
        ran.ended(3);
        let account = summary.of("archive/large.ndjson");
        assert_eq!(account.records.stored, 30_001, "{coding:?}");
        let positions: Vec<u64> = account.problems.iter().map(|t| t.position).collect();
        assert_eq!(positions, [coding.position(&before)], "{coding:?}: {account:?}");
    }
}
