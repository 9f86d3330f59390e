//! Checks what `forget` reports, that a dry run changes nothing, and that a request which finds
//! nobody does not end as a success.

use std::collections::BTreeMap;
use std::path::Path;

use crate::workdir::{Ran, Workdir};

/// Writes two files that share events, so that a day has duplicates.
fn store() -> Workdir {
    let dir = Workdir::new();
    let view = |id: &str, hour: u8, user: &str| {
        format!(
            r#"{{"Id":"{id}","CreationTime":"2026-03-02T{hour:02}:00:00","Operation":"ViewReport",
            "RecordType":20,"Workload":"PowerBI","UserId":"{user}","ReportId":"r"}}"#
        )
    };
    let [zoe, max, mia] = ["zoe@contoso.com", "max@contoso.com", "mia@contoso.com"];
    let first = [view("a1", 8, zoe), view("a2", 9, max), view("a3", 10, mia)];
    let second = [view("a2", 9, max), view("a4", 11, zoe), view("a5", 12, max)];
    dir.write("archive/a.json", format!("[{}]", first.join(",")));
    dir.write("archive/b.json", format!("[{}]", second.join(",")));
    dir.ingest("store", &["archive"]).0.ended(0);
    dir
}

fn forget(dir: &Workdir, arguments: &[&str]) -> Ran {
    dir.pbi([&["forget", "--store", "store"][..], arguments].concat())
}

/// Returns the content of all files below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let content = std::fs::read(&path).expect("the file can be read");
                    files.insert(path.display().to_string(), content);
                }
            }
        }
    }
    files
}

#[test]
fn dry_run_reports_the_numbers_of_the_run_and_changes_nothing() {
    let dir = store();
    let before = files(&dir.join("store"));
    for mode in
        [&["--user", "zoe@contoso.com"][..], &["--user", "Max@Contoso.com", "--pseudonymize"]]
    {
        let json = |more: &[&str]| {
            let arguments = [mode, &["--format", "json"], more].concat();
            forget(&dir, &arguments).ended(0).stdout
        };
        let unchanged = files(&dir.join("store"));
        let planned = json(&["--dry-run"]);
        assert_eq!(files(&dir.join("store")), unchanged, "a dry run changes nothing");
        let text = forget(&dir, &[mode, &["--dry-run"]].concat()).ended(0).stdout;
        assert!(text.starts_with("dry run; the store is unchanged\n"), "{text}");
        assert!(text.contains(" to erase, ") && text.contains(" to rewrite, "), "{text}");
        let done = json(&[]);
        assert_eq!(planned.replace(r#""dry_run":true"#, r#""dry_run":false"#), done);
        assert_ne!(files(&dir.join("store")), unchanged);
    }
    assert_ne!(files(&dir.join("store")), before);
}

#[test]
fn result_counts_events_values_people_and_files() {
    let dir = store();
    let users = ["--user", "zoe@contoso.com", "--user", "nobody@contoso.com"];
    let ran = forget(&dir, &[&users[..], &["--format", "json"]].concat()).ended(3);
    assert_eq!(
        ran.stdout,
        concat!(
            r#"{"dry_run":false,"persons":[{"user":"zoe@contoso.com","found":true,"events":2},"#,
            r#"{"user":"nobody@contoso.com","found":false,"events":0}],"people":1,"#,
            r#""events_erased":2,"events_changed":0,"values_replaced":0,"rejects_removed":0,"#,
            r#""rejects_changed":0,"files_rewritten":1,"sources_changed":0,"similar":[]}"#,
            "\n"
        )
    );
    assert!(
        ran.stderr.contains("no data of nobody@contoso.com in the store; check the spelling"),
        "{}",
        ran.stderr
    );
}

#[test]
fn wildcards_are_refused_with_the_users_they_match() {
    let dir = store();
    let before = files(&dir.join("store"));
    let ran = forget(&dir, &["--user", "M*@CONTOSO.com"]).ended(2);
    let advice =
        r#"found "M*@CONTOSO.com": pass --user once for each of: max@contoso.com, mia@contoso.com"#;
    assert!(ran.stderr.contains(advice), "{}", ran.stderr);
    let ran = forget(&dir, &["--user", "q*"]).ended(2);
    assert!(ran.stderr.contains("no user of an event matches it"), "{}", ran.stderr);
    assert_eq!(files(&dir.join("store")), before);
}

#[test]
fn erased_events_are_neither_duplicates_nor_late() {
    let dir = store();
    let day = || {
        let arguments = ["report", "coverage", "--store", "store", "--format", "json"];
        let rows: serde_json::Value =
            serde_json::from_str(&dir.pbi(arguments).ended(0).stdout).expect("it is JSON");
        let row = rows["rows"][0].clone();
        ["events", "duplicates", "late_events", "status"].map(|name| row[name].to_string())
    };
    assert_eq!(day(), ["5", "1", "2", "\"complete\""]);
    forget(&dir, &["--user", "zoe@contoso.com"]).ended(0);
    // a1 of the first file and a4 of the second are gone. Of the late events, a5 remains.
    assert_eq!(day(), ["3", "1", "1", "\"complete\""]);
    forget(&dir, &["--user", "mia@contoso.com"]).ended(0);
    assert_eq!(day(), ["2", "1", "1", "\"complete\""]);
}
