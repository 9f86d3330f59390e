//! Checks that no byte of a store contains a person in any spelling, after `forget` and in a
//! pseudonymized store: in every field, in names of members and files, in rejected records and in
//! the source log.
//!
//! The search has its own decoding of escapes, so that it does not share the mistakes of the
//! program.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::compressed::zip;
use crate::table;
use crate::workdir::Workdir;

const USER: &str = "annaq.loev@contoso.example";

/// The word that no file may contain afterwards.
const WORD: &str = "annaq";

/// Spellings of the address, and of the guest and the personal site that are made from it.
const SPELLINGS: [&str; 78] = [
    "annaq.loev@contoso.example",
    "ANNAQ.Loev@Contoso.Example",
    "mail annaq.loev@contoso.example.",
    "annaq.loev@contoso.example,max@contoso.example",
    "max@contoso.example;annaq.loev@contoso.example;",
    "<annaq.loev@contoso.example>",
    "(annaq.loev@contoso.example)",
    "[annaq.loev@contoso.example]",
    "{annaq.loev@contoso.example}",
    "\"annaq.loev@contoso.example\"",
    "mailto:annaq.loev@contoso.example",
    "smtp:annaq.loev@contoso.example",
    "SMTP=annaq.loev@contoso.example",
    "user=annaq.loev@contoso.example&x=1",
    "https://x.example/users/annaq.loev@contoso.example/reports",
    "|annaq.loev@contoso.example|",
    "i:0#.f|membership|annaq.loev@contoso.example",
    "i%3A0%23.f%7Cmembership%7Cannaq.loev%40contoso.example",
    "UserId eq 'annaq.loev@contoso.example'",
    "'annaq.loev@contoso.example'",
    "''annaq.loev@contoso.example''",
    "'''annaq.loev@contoso.example'''",
    "UserId eq'annaq.loev@contoso.example'",
    "#annaq.loev@contoso.example",
    "live.com#annaq.loev@contoso.example",
    "LIVE.COM#Annaq.Loev@contoso.example",
    "guest#annaq.loev@contoso.example",
    "%27annaq.loev@contoso.example%27",
    "$filter=UserId%20eq%20%27annaq.loev%40contoso.example%27",
    "UserId+eq+%27annaq.loev%40contoso.example%27",
    "annaq.loev%40contoso.example",
    "annaq%2Eloev%40contoso%2Eexample",
    "%61nnaq.loev%40contoso.example",
    "?u=annaq.loev%2540contoso.example",
    "?u=annaq.loev%252540contoso.example",
    "%3Cannaq.loev%40contoso.example%3E",
    "%22annaq.loev%40contoso.example%22",
    "%22%3A%22annaq.loev%40contoso.example%22",
    "%0Aannaq.loev%40contoso.example",
    "x%3Dannaq.loev%40contoso.example%26",
    "annaq.loev\\u0040contoso.example",
    "annaq.loev\\\\u0040contoso.example",
    "annaq.loev\\\\\\\\u0040contoso.example",
    "\\u0061nnaq.loev\\u0040contoso.example",
    "annaq\\u002eloev@contoso.example",
    "\\u0027annaq.loev@contoso.example\\u0027",
    "\\u003cannaq.loev@contoso.example\\u003e",
    "\\u003Cannaq.loev\\u0040contoso.example\\u003E",
    "by \\u0022annaq.loev@contoso.example\\u0022",
    "log: {\\\"by\\\":\\\"annaq.loev@contoso.example\\\"}",
    "first\\nannaq.loev@contoso.example\\nlast",
    "first\\tannaq.loev@contoso.example\\r",
    "annaq.loev&#64;contoso.example",
    "annaq.loev&#x40;contoso.example",
    "annaq.loev&commat;contoso.example",
    "annaq.loev&amp;#64;contoso.example",
    "&lt;annaq.loev@contoso.example&gt;",
    "&#39;annaq.loev@contoso.example&#39;",
    "annaq.loev_x0040_contoso.example",
    "annaq_x002e_loev_x0040_contoso_x002e_example",
    "annaq.loev@contoso.example.json",
    "annaq.loev@contoso.example.csv.gz",
    "annaq.loev@contoso.example.zip",
    "annaq.loev@contoso.example-2026.csv",
    "annaq.loev@contoso.example.2026-03-01.json",
    "annaq.loev@contoso.example_2026-03 (1).xlsx",
    "C:\\logs\\annaq.loev@contoso.example\\x.json",
    "\\\\share\\annaq.loev@contoso.example.json",
    "annaq.loev_contoso.example#EXT#@fabrikam.example",
    "Annaq.Loev_Contoso.example#ext#@fabrikam.example",
    "annaq.loev_contoso.example%23EXT%23%40fabrikam.example",
    "live.com#annaq.loev_contoso.example#EXT#@fabrikam.example",
    "annaq.loev_contoso.example#EXT#",
    "https://x-my.sharepoint.com/personal/annaq_loev_contoso_example/Documents",
    "https://x-my.sharepoint.com/:x:/p/annaq_loev_contoso_example/Ea",
    "?id=%2Fpersonal%2Fannaq%5Floev%5Fcontoso%5Fexample%2FDocuments",
    "personal\\Annaq_Loev_Contoso_Example",
    "/personal/annaq_loev_contoso_example_ext__fabrikam_example/x",
];

/// Addresses that can be other mailboxes, and stay.
const SIMILAR: [&str; 5] = [
    "to+annaq.loev@contoso.example",
    "usage_annaq.loev@contoso.example",
    "x.annaq.loev@contoso.example",
    "annaq.loev@contoso.example.au",
    "annaq.loev@mail.contoso.example",
];

/// Returns an event with a text in every kind of place.
fn event(id: usize, text: &str) -> Value {
    json!({
        "Id": format!("e{id:03}"), "CreationTime": format!("2026-03-02T09:{:02}:00", id % 60),
        "Operation": "ViewReport", "RecordType": 20, "Workload": "PowerBI",
        "UserId": "max@contoso.example", "UserKey": "1003",
        "ReportName": text, "WorkspaceName": text, "DatasetName": text, "UserAgent": text,
        "SharingInformation": [{"RecipientEmail": text, "RecipientName": text}],
        "PropertyCollection": [{"Name": "enduser.principal_name", "Value": text}, {
            "Name": text, "Value": "x"
        }],
        "NewField": text, "NewList": [text], "NewObject": {"In": {text: {"x": text}}},
        "NewText": json!({"a": [{text: text}]}).to_string(),
        "NewTwice": json!({"b": json!({text: text}).to_string()}).to_string(),
        text: 1
    })
}

/// Returns the part of a spelling that can be the name of a file. No name contains a slash, and
/// without it the text would have no person in it.
fn file_name(text: &str) -> String {
    if text.contains(['/', '\\']) {
        return "name".to_owned();
    }
    text.replace(['"', '<', '>', '|', ':', '*', '?'], "~")
}

/// Writes every spelling into every place: files, members of archives, events and rejected records.
fn archive(spellings: &[&str]) -> Workdir {
    let dir = Workdir::new();
    let events: Vec<Value> =
        spellings.iter().enumerate().map(|(id, text)| event(id, text)).collect();
    dir.write("archive/a.json", Value::from(events).to_string());
    for (id, text) in spellings.iter().enumerate() {
        let number = 100 + id;
        let one = json!([event(number, "x")]).to_string();
        let name = file_name(text);
        dir.write(&format!("archive/{number}/{name}/{name}.json"), &one);
        let text_json = Value::from(*text).to_string();
        // A rejected record, a table that is no log, and a damaged member.
        dir.write(
            &format!("archive/r{number}.json"),
            format!("[{{\"Id\":\"r{id}\",\"ItemName\":{text_json},{text_json}:2,\"T\":\"{{"),
        );
        dir.write(
            &format!("archive/w{number}.json"),
            json!([{"Id": format!("w{id}"), "CreationTime": text, "Operation": "x"}]).to_string(),
        );
        let inner = zip(&[(&*format!("{name}/{name}.json"), one.replace("e1", "z1").as_bytes())]);
        let page = b"<html>no log</html>";
        let cut = format!("[{{\"Id\":{text_json}");
        let outer = [
            (&*format!("{name}.zip"), &inner[..]),
            (&*format!("{name}.html"), &page[..]),
            (&*format!("cut {name}.json"), cut.as_bytes()),
        ];
        dir.write(&format!("archive/{number}.zip"), zip(&outer));
    }
    let row = |text: &&str| {
        let cell = json!({"Id": text, "By": text}).to_string().replace('"', "\"\"");
        format!("1,2026-03-01,\"{}\",\"{}\"\n", text.replace('"', "\"\""), &cell[..cell.len() - 3])
    };
    let rows: String = spellings.iter().map(row).collect();
    dir.write("archive/t.csv", format!("RecordId,CreationDate,UserId,AuditData\n{rows}"));
    dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733");
    dir
}

/// Returns a text without escapes.
fn decoded(text: &str) -> String {
    let mut text = text.to_lowercase();
    for (escape, meaning) in [
        ("%25", "%"),
        ("%25", "%"),
        ("%61", "a"),
        ("%2e", "."),
        ("%5f", "_"),
        ("\\u0061", "a"),
        ("\\u002e", "."),
        ("_x002e_", "."),
    ] {
        text = text.replace(escape, meaning);
    }
    text
}

/// Returns the files that contain the word in any spelling, with its surroundings.
fn left(store: &Path) -> Vec<String> {
    let mut left = Vec::new();
    let mut search = |name: &str, text: &str| {
        let text = decoded(text);
        for (at, _) in text.match_indices(WORD) {
            let start = text[..at].char_indices().rev().nth(30).map_or(0, |(start, _)| start);
            left.push(format!("{name}: {}", text[start..].chars().take(90).collect::<String>()));
        }
    };
    table::for_each_row(store, |row| {
        search("row", &row.event().write());
        search("source", row.text("SourceFile").unwrap_or_default());
    });
    for (name, text) in table::file_texts(store) {
        search(&name, &text);
    }
    left
}

#[track_caller]
fn assert_none_left(store: &Path) {
    let left = left(store);
    let shown: Vec<&String> = left.iter().take(40).collect();
    assert!(left.is_empty(), "{} left: {shown:#?}", left.len());
}

#[test]
fn forgotten_person_is_in_no_byte_of_the_store() {
    let dir = archive(&SPELLINGS);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(3);
    assert!(summary.records.rejected as usize > 3 * SPELLINGS.len(), "{:?}", summary.records);
    let places: BTreeSet<String> = left(&dir.join("store"))
        .iter()
        .filter_map(|line| Some(line.split_once(": ")?.0.to_owned()))
        .collect();
    assert!(places.len() > 4, "the search finds the person in every kind of file: {places:?}");
    for mode in [&["--pseudonymize"][..], &[]] {
        let forget = ["forget", "--user", USER, "--store", "store", "--format", "json"];
        let ran = dir.pbi([&forget[..], mode].concat()).one_of(&[0, 3]);
        let done: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
        assert_eq!(done["similar"], json!([]));
        assert_none_left(&dir.join("store"));
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    // The files stay known although the store has other names for them.
    let (_, again) = dir.ingest("store", &["archive"]);
    assert_eq!(again.sources.new, 0, "{:?}", again.sources);
    assert_none_left(&dir.join("store"));
}

#[test]
fn pseudonymized_store_contains_the_person_in_no_byte() {
    let dir = archive(&SPELLINGS);
    let keyed = ["archive", "--pseudonymize", "--key-file", "key"];
    let (ran, summary) = dir.ingest("store", &keyed);
    assert!(!decoded(&ran.stderr).contains(WORD), "{}", ran.stderr);
    assert!(!decoded(&ran.stdout).contains(WORD), "{}", ran.stdout);
    ran.ended(3);
    assert!(summary.records.stored as usize >= 3 * SPELLINGS.len(), "{:?}", summary.records);
    assert_none_left(&dir.join("store"));
    dir.pbi(["verify", "--store", "store"]).ended(0);

    let (_, again) = dir.ingest("store", &keyed);
    assert_eq!((again.sources.new, again.sources.known), (0, summary.sources.new));
    let forget = ["forget", "--user", USER, "--store", "store", "--key-file", "key"];
    let pseudonym = pseudonym_of(&dir, "store");
    assert!(contains(&dir.join("store"), &pseudonym));
    dir.pbi([&forget[..], &["--pseudonymize"]].concat()).ended(0);
    assert!(!contains(&dir.join("store"), &pseudonym), "{pseudonym} is left");
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

/// Returns the pseudonym of the person in the first event.
fn pseudonym_of(dir: &Workdir, store: &str) -> String {
    let events = table::events(&dir.join(store));
    let name = events["e000"].member("ReportName").and_then(|name| name.as_text());
    let (pseudonym, _) = name.and_then(|name| name.split_once('@')).expect("it is an address");
    assert!(pseudonym.starts_with("p-"), "{pseudonym}");
    pseudonym.to_owned()
}

/// Returns true if a row or a rejected record contains a word.
fn contains(store: &Path, word: &str) -> bool {
    let mut found = false;
    table::for_each_row(store, |row| {
        found |= row.event().write().contains(word);
        found |= row.text("SourceFile").is_some_and(|source| source.contains(word));
    });
    for file in std::fs::read_dir(store.join("rejects")).expect("there are rejects") {
        let bytes = std::fs::read(file.expect("it can be listed").path()).expect("it can be read");
        let text = zstd::decode_all(&bytes[..]).expect("it is whole");
        found |= String::from_utf8_lossy(&text).contains(word);
    }
    found
}

#[test]
fn rejects_and_events_have_the_same_pseudonym() {
    let dir = archive(&SPELLINGS[..1]);
    let keyed = ["archive", "--pseudonymize", "--key-file", "key"];
    dir.ingest("store", &keyed).0.ended(3);
    let pseudonym = pseudonym_of(&dir, "store");
    let addresses = |text: &str| -> Vec<String> {
        let is_part = |c: char| c.is_alphanumeric() || "-@.".contains(c);
        let words = text.split(|c| !is_part(c)).filter(|word| word.contains("@contoso.example"));
        words.map(|word| word.split_once('@').expect("it is an address").0.to_owned()).collect()
    };
    let rejects = dir.rejects("store", &[]);
    assert!(rejects.len() >= 3, "{rejects:#?}");
    for reject in &rejects {
        let raw = reject.raw.as_deref().expect("it is text");
        for text in [raw, &reject.reason, &reject.source, &reject.place] {
            let other = addresses(text).into_iter().find(|found| *found != pseudonym);
            assert_eq!(other, None, "{text}");
        }
    }
    let reasons: String = rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert!(reasons.contains(&pseudonym), "the reason quotes a value: {reasons}");
}

#[test]
fn addresses_that_can_be_other_mailboxes_are_listed_and_stay() {
    let dir = archive(&SIMILAR);
    dir.ingest("store", &["archive"]).0.ended(3);
    let forget = ["forget", "--user", USER, "--store", "store"];
    let ran = dir.pbi([&forget[..], &["--dry-run", "--format", "json"]].concat()).one_of(&[0, 3]);
    let planned: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let similar: BTreeSet<&str> =
        planned["similar"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for address in SIMILAR {
        assert!(similar.contains(address), "{address}: {similar:?}");
    }
    let before = table::events(&dir.join("store"));
    let text = dir.pbi(forget).one_of(&[0, 3]).stdout;
    assert!(text.contains("similar  these can be other mailboxes"), "{text}");
    assert!(text.contains("\n         to+annaq.loev@contoso.example\n"), "{text}");
    assert_eq!(table::events(&dir.join("store")), before);
    // With the addresses, they are forgotten too.
    let users = SIMILAR.iter().flat_map(|address| ["--user", address]);
    dir.pbi(["forget", "--pseudonymize", "--store", "store"].into_iter().chain(users)).ended(0);
    assert_none_left(&dir.join("store"));
}

#[test]
fn file_that_still_contains_the_person_is_a_failure() {
    let dir = archive(&SPELLINGS[..2]);
    dir.ingest("store", &["archive"]).0.ended(3);
    let planted = dir.write("store/events/month=2026-03/copy.txt", format!("x;{USER};y"));
    let forget = ["forget", "--user", USER, "--store", "store"];
    let ran = dir.pbi(forget).ended(1);
    let expected = format!("events/month=2026-03/copy.txt ({USER})");
    assert!(ran.stderr.contains(&expected), "{}", ran.stderr);
    std::fs::remove_file(planted).expect("it can be deleted");
    dir.pbi(forget).ended(3);
}
