//! Statements and files whose size would use up stack or memory.

use std::fmt::Write;

use crate::events::{id, plain};
use crate::sample_data::copy_of_sample_data;
use crate::table;
use crate::workdir::{Ran, Summary, Workdir};

/// Runs a statement from stdin: it may be longer than an argument.
fn sql(dir: &Workdir, statement: &str) -> Ran {
    dir.write("statement.sql", statement);
    let file = std::fs::File::open(dir.join("statement.sql")).expect("it is there");
    let mut command = dir.command(["sql", "-", "--store", "store", "--format", "csv"]);
    Ran::of(&command.stdin(file).output().expect("the program can be started"))
}

#[test]
fn statement_that_is_too_large_is_refused_and_never_ends_the_process() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    let chain = |term: &str, operator: &str, terms: usize| vec![term; terms].join(operator);
    let select = |expr: &str| format!("SELECT {expr} AS n FROM events");
    let nested = |start: &str, middle: &str, end: &str, levels: usize| {
        format!("{}{middle}{}", start.repeat(levels), end.repeat(levels))
    };
    let refused = [
        (select(&chain("1", "+", 2000)), "expected at most 400 operators in one expression"),
        (select(&chain("ItemName", "||", 100_000)), "found 99999"),
        (select(&nested("(", "1", ")", 3000)), "recursion limit"),
        (select(&nested("CASE WHEN TRUE THEN ", "1", " END", 3000)), "at most 40 CASEs"),
        (select(&nested("ABS(", "1", ")", 3000)), "recursion limit"),
        (nested("SELECT * FROM (", "SELECT 1 AS n", ") AS t", 3000), "recursion limit"),
        (format!("SELECT Id FROM events WHERE {}", chain("Id='a'", " OR ", 3000)), "found 5999"),
        (chain("SELECT 1 AS n", " UNION ALL ", 3000), "expected at most 100 UNIONs in a row"),
        (select("LPAD(UserId, 2000000000)"), "LPAD: expected at most 100000 characters"),
    ];
    for (statement, message) in refused {
        let ran = sql(&dir, &statement).ended(1);
        let start: String = statement.chars().take(60).collect();
        assert!(ran.stderr.contains(message), "{start}: {ran:?}");
    }
    // The most that the limits allow is answered, or refused by the engine with a message.
    for statement in [
        select(&chain("1", "+", 401)),
        select(&chain("LENGTH(Id)", "+", 401)),
        format!("SELECT COUNT(*) AS n FROM events WHERE {}", chain("Id='a'", " OR ", 200)),
        chain("SELECT 1 AS n", " UNION ALL ", 101),
    ] {
        sql(&dir, &statement).one_of(&[0, 1]);
    }
    let ids: String = (0..100_000).fold(String::new(), |mut text, number| {
        let _ = write!(text, ",'{number}'");
        text
    });
    let ran = sql(&dir, &format!("SELECT COUNT(*) AS n FROM events WHERE Id IN (''{ids})"));
    assert_eq!(ran.ended(0).stdout.trim_end(), "n\r\n0");
}

/// Each line is a problem of a few bytes. All of them at once would take 20 times their size.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_lines_that_never_close() {
    let dir = Workdir::new();
    let lines = 1_500_000_u64;
    let mut text = "{\"Id\":\"0\"\n".repeat(lines as usize);
    text.push_str(&plain(0, 1));
    dir.write("archive/broken.json", text);
    let (ran, peak) = dir.ingest_and_watch();
    let summary: Summary = serde_json::from_str(&ran.stdout).expect("the accounts are JSON");
    let peak = peak.expect("Linux has it");
    let records = &summary.of("archive/broken.json").records;
    assert_eq!((records.read, records.rejected, records.stored), (lines + 1, lines, 1));
    assert_eq!(table::ids(&dir.join("store")), [id(0, 1)]);
    assert!(peak > 20 << 10 && peak < 300 << 10, "the peak was {peak} KiB");
}

/// `/proc/kmsg` is a regular file without end.
#[cfg(target_os = "linux")]
#[test]
fn files_of_the_system_are_named_and_not_read() {
    use std::os::unix::fs::symlink;
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    dir.write("elsewhere/b.json", plain(0, 1));
    symlink("/proc/kmsg", dir.join("archive/log.json")).expect("links can be made");
    symlink("/proc/self/status", dir.join("archive/status.json")).expect("links can be made");
    symlink("../elsewhere/b.json", dir.join("archive/b.json")).expect("links can be made");
    let (ran, summary) = dir.ingest("store", &["archive"]);
    let ran = ran.ended(3);
    for name in ["log", "status"] {
        let said = format!("archive/{name}.json: byte 0: cannot be read: a file of the operating");
        assert!(ran.stderr.contains(&said), "{ran:?}");
    }
    // Links to files elsewhere are followed.
    assert_eq!((summary.sources.new, summary.store.events), (2, 2));
}
