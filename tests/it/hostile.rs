//! Reads a folder of hostile files in one run and in bounded memory: every file is reported, and
//! the complete events in it and beside it are stored.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::compressed::zip;
use crate::events::{id, plain};
use crate::table;
use crate::workdir::{Summary, Workdir};

/// Limit of the memory for the whole folder.
const MEMORY_KIB_MAX: u64 = 1 << 20;

/// A file of the folder: its complete events and its message.
struct Case {
    name: &'static str,
    content: Vec<u8>,
    stored: Vec<usize>,
    message: &'static str,
}

fn case(
    name: &'static str,
    content: impl Into<Vec<u8>>,
    stored: &[usize],
    message: &'static str,
) -> Case {
    Case { name, content: content.into(), stored: stored.to_vec(), message }
}

/// Returns an event with additional members.
fn with(number: usize, members: &str) -> String {
    plain(7, number).replacen('{', &format!("{{{members},"), 1)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

fn nested() -> Vec<Case> {
    let deep = format!("\"Deep\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let around = format!("{}{}", "[".repeat(100_000), plain(7, 0));
    vec![
        case(
            "nested.json",
            format!("[{},{}]", with(0, &deep), plain(7, 1)),
            &[1],
            "values nested more than 100 deep",
        ),
        case(
            "around.json",
            format!("{around}{}\n{}", "]".repeat(100_000), plain(7, 2)),
            &[2],
            "a record inside more than 256 brackets",
        ),
        case("unclosed.json", "[{\"a\":".repeat(100_000), &[], "the file ends in the middle"),
    ]
}

fn texts() -> Vec<Case> {
    let long = "x".repeat(200 << 20);
    let inside = |text: &[u8], number: usize, next: usize| {
        let (before, behind) = (plain(7, number), plain(7, next));
        let (head, tail) = before.split_once("Umsätze").expect("it is in every event");
        [b"[", head.as_bytes(), text, tail.as_bytes(), b",", behind.as_bytes(), b"]"].concat()
    };
    let joined = |parts: [&str; 3]| parts.concat();
    vec![
        case(
            "string.json",
            joined(["[{\"Note\":\"", &long, &format!("\"}},{}]", plain(7, 3))]),
            &[3],
            "a record larger than 64 MiB",
        ),
        case(
            "text.json",
            joined(["[\"", &long, &format!("\",{}]", plain(7, 4))]),
            &[4],
            "a string of more than 64 MiB",
        ),
        case(
            "quote.csv",
            joined([
                "CreationDate,AuditData\n1,\"{\"\"Id\"\":\"\"\n",
                &format!("2,\"{}\"\n", plain(7, 5).replace('"', "\"\"")),
                &format!("3,\"{}\"\n", plain(7, 6).replace('"', "\"\"")),
            ]),
            &[5, 6],
            "a quote inside a cell is not doubled",
        ),
        case("latin.json", inside(b"\xFF\xFE\xE9", 0, 7), &[7], "text that is not valid UTF-8"),
        case("half.json", inside(br"\ud800", 0, 8), &[8], "invalid JSON"),
        case("nul.json", inside(b"a\0b", 0, 9), &[9], "invalid JSON: control character"),
    ]
}

fn members() -> Vec<Case> {
    let keys: Vec<String> =
        (0..10_000).map(|number| format!("\"Key {number}\":{number}")).collect();
    let same = vec!["\"ReportName\":\"again\""; 100_000].join(",");
    vec![
        case("keys.json", with(10, &keys.join(",")), &[10], ""),
        case("same.json", with(11, &same), &[11], ""),
        case(
            "number.json",
            with(12, "\"Huge\":1e999,\"Digits\":0.10000000000000000001"),
            &[12],
            "",
        ),
    ]
}

fn packed() -> Vec<Case> {
    let bomb = gzip(&vec![b' '; 300 << 20]);
    vec![
        case("bomb.json.gz", bomb.clone(), &[], "more than 250 times its size"),
        case("bomb.zip", zip(&[("a.json", &bomb), ("b.json", &bomb)]), &[], "250 times its size"),
        case(
            "out.zip",
            zip(&[("../../../x.json", plain(7, 13).as_bytes()), ("/y.html", b"<html>")]),
            &[13],
            "y.html: not a log of Power BI events: a web page",
        ),
        case(
            "list.zip",
            b"PK\x05\x06\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0".to_vec(),
            &[],
            "a damaged zip",
        ),
    ]
}

/// Writes names with line breaks, links in circles, and names without a file.
#[cfg(unix)]
fn odd_names(archive: &Path) -> Vec<Case> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    let write = |name: &OsStr, number: usize| {
        let path = archive.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("there is room");
        fs::write(path, plain(7, number)).expect("there is room");
    };
    write(OsStr::new("two\nlines.json"), 14);
    write(OsStr::new("folder.json/inside.json"), 15);
    write(OsStr::new("secret.json"), 16);
    let secret = archive.join("secret.json");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).expect("it is ours");
    // A user with all permissions can read every file.
    let is_kept_out = File::open(&secret).is_err();
    let mut cases = vec![
        case("two\\nlines.json", "", &[14], ""),
        case("folder.json/inside.json", "", &[15], ""),
        match is_kept_out {
            true => case("secret.json", "", &[], "cannot be read: Permission denied"),
            false => case("secret.json", "", &[16], ""),
        },
    ];
    // Some file systems accept only UTF-8 names.
    let bytes = archive.join(OsStr::from_bytes(b"byte\xFF.json"));
    if fs::write(&bytes, plain(7, 17)).is_ok() {
        cases.push(case("byte\\xFF.json", "", &[17], ""));
    }
    symlink("..", archive.join("folder.json/loop")).expect("there is room");
    cases.push(case("folder.json/loop", "", &[], "a link that leads back to"));
    symlink("nowhere", archive.join("gone.json")).expect("there is room");
    cases.push(case("gone.json", "", &[], "No such file"));
    let made = std::process::Command::new("mkfifo").arg(archive.join("pipe.json")).status();
    if made.is_ok_and(|status| status.success()) {
        cases.push(case("pipe.json", "", &[], "not a regular file"));
    }
    cases
}

#[cfg(not(unix))]
fn odd_names(_: &Path) -> Vec<Case> {
    Vec::new()
}

fn names_below(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn hostile_files_are_reported_and_do_not_affect_others() {
    let dir = Workdir::new();
    let mut cases: Vec<Case> =
        [nested(), texts(), members(), packed()].into_iter().flatten().collect();
    for case in &mut cases {
        let file = dir.write(&format!("archive/{}", case.name), "");
        let mut file = BufWriter::new(File::create(file).expect("there is room"));
        file.write_all(&std::mem::take(&mut case.content)).expect("there is room");
    }
    cases.extend(odd_names(&dir.join("archive")));
    let (ran, peak) = dir.ingest_and_watch();
    let ran = ran.ended(3);
    let summary: Summary = serde_json::from_str(&ran.stdout).expect("the accounts are JSON");
    assert_eq!(summary.sources.found, cases.len() as u64, "{summary:#?}");
    let mut expected = Vec::new();
    for case in &cases {
        let name = format!("archive/{}", case.name);
        let account = summary.of(&name.replace("\\n", "\n"));
        assert_eq!(account.records.stored, case.stored.len() as u64, "{account:?}");
        expected.extend(case.stored.iter().map(|&number| id(7, number)));
        let lines: Vec<&str> = ran
            .stderr
            .lines()
            .filter(|line| line.starts_with(&format!("pbi-analyze: {name}: ")))
            .collect();
        assert_eq!(case.message.is_empty(), lines.is_empty(), "{name}: {lines:#?}");
        let is_reported = lines.iter().any(|line| line.contains(case.message));
        assert!(case.message.is_empty() || is_reported, "{name}: {lines:#?}");
        // The number of messages on a file is limited.
        assert!(lines.len() <= 6, "{name}: {lines:#?}");
    }
    expected.sort();
    assert_eq!(table::ids(&dir.join("store")), expected);
    // Names of members that lead out of the archive create no files.
    assert_eq!(names_below(dir.path()), ["archive", "store"]);
    if let Some(peak) = peak {
        assert!(peak < MEMORY_KIB_MAX, "the peak was {peak} KiB");
    }
}
