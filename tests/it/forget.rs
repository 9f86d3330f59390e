//! Checks that a forgotten person is removed everywhere, and that a pseudonymized store never
//! contains a name.

use std::collections::BTreeSet;
use std::path::Path;

use crate::exact::Json;
use crate::sample_data::copy_of_sample_data;
use crate::table;
use crate::workdir::Workdir;

/// Returns every text in the rows of a store, at every depth.
fn row_texts(store: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    table::for_each_row(store, |row| {
        collect(&row.event(), &mut texts);
        texts.push(row.text("SourceFile").unwrap_or_default().to_owned());
    });
    texts
}

/// Returns every text of a store: of all rows, and of all files, including those that no commit
/// names.
fn texts(store: &Path) -> Vec<String> {
    let mut texts = row_texts(store);
    texts.extend(table::file_texts(store).into_iter().map(|(_, text)| text));
    texts
}

fn collect(json: &Json, texts: &mut Vec<String>) {
    match json {
        Json::Text(text) => texts.push(text.clone()),
        Json::List(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(members) => members.iter().for_each(|(_, value)| collect(value, texts)),
        _ => {}
    }
}

#[track_caller]
fn assert_gone<N: AsRef<str>>(store: &Path, names: &[N]) {
    for text in texts(store) {
        let text = text.to_lowercase();
        for name in names.iter().map(AsRef::as_ref) {
            let found = text.find(&name.to_lowercase());
            assert_eq!(found, None, "{name} is in {}", text.chars().take(400).collect::<String>());
        }
    }
}

const ZOE: &str = "Zoe.Doe@Contoso.com";

/// Writes events by Zoe, events about Zoe, and events by a person with a similar name.
fn archive() -> Workdir {
    let dir = Workdir::new();
    let view = |id: u8, user: &str, key: &str, more: &str| {
        format!(
            r#"{{"Id":"e{id}","CreationTime":"2026-03-0{id}T08:00:00","Operation":"ViewReport",
            "Activity":"ViewReport","RecordType":20,"UserId":"{user}","UserKey":"{key}",
            "ReportId":"r","ReportName":"R","WorkspaceId":"w"{more}}}"#
        )
    };
    let events = [
        view(1, ZOE, "1003000012345678", r#","WorkspaceName":"PersonalWorkspace Zoe Doe""#),
        view(2, "zoe.doe@contoso.com", "1003000012345678", ""),
        view(3, "joezoe.doe@contoso.com", "1003000099999999", ""),
        view(
            4,
            "max@contoso.com",
            "1003000088888888",
            r#","SharingInformation":[{"RecipientEmail":"zoe.doe@contoso.com"}],
            "New":{"by":["1003000012345678"],"text":"for zoe.doe_contoso.com#EXT#@x.com, too"}"#,
        ),
        view(5, "max@contoso.com", "1003000088888888", ""),
    ];
    dir.write("archive/a.json", format!("[{}]", events.join(",")));
    // The message on this reject contains her name.
    dir.write("archive/b.json", r#"[{"Id":"e9","CreationTime":"Zoe.Doe@Contoso.com"}]"#);
    // Rejects: hers in CSV that is no longer JSON, hers truncated and not UTF-8, and one of another
    // person.
    let csv = r#"1,2026-03-01,max@contoso.com,"{""Id"":""e7"",""UserKey"":""1003000012345678"",""#;
    dir.write("archive/c.csv", format!("RecordId,CreationDate,UserId,AuditData\n{csv}\"\"\n"));
    let cut = b"[{\"Id\":\"\xff\",\"By\":\"zoe.doe_contoso.com#EXT#@x";
    dir.write("archive/d.json", cut);
    dir.write("archive/e.json", r#"[{"Id":"e8","Operation":"X","By":"joezoe.doe@contoso.com"}]"#);
    dir.ingest("store", &["archive"]).0.ended(3);
    assert_eq!(dir.rejects("store", &[]).len(), 4);
    dir
}

/// Asserts the rejects that remain of [`archive`]: only that of the other person is unchanged.
#[track_caller]
fn assert_rejects_without_her(dir: &Workdir, number: usize) {
    let rejects = dir.rejects("store", &[]);
    assert_eq!(rejects.len(), number, "{rejects:#?}");
    let other = rejects.last().expect("another's is there");
    assert_eq!(
        other.raw.as_deref(),
        Some(r#"{"Id":"e8","Operation":"X","By":"joezoe.doe@contoso.com"}"#)
    );
    for reject in &rejects[..number - 1] {
        let raw = reject.raw.as_deref().expect("it is text");
        assert!(raw.contains("p-") && !raw.to_lowercase().contains("zoe"), "{reject:#?}");
    }
}

#[test]
fn forgotten_person_is_removed_from_all_events() {
    let dir = archive();
    let before = table::events(&dir.join("store"));
    let ran = dir.pbi(["forget", "--user", "zoe.doe@contoso.com", "--store", "store"]).ended(0);
    // Of e4: the address, the key and the guest's form of the address.
    assert_eq!(
        ran.stdout,
        "person   zoe.doe@contoso.com: 2 events\n\
         events   2 erased, 1 changed\n\
         values   3 replaced with pseudonyms of 1 person\n\
         rejects  3 removed, 0 changed\n\
         files    2 rewritten, and source-log entries of 1 source\n"
    );
    let store = dir.join("store");
    let names = ["1003000012345678", "zoe.doe_contoso.com", "Zoe Doe", "\"zoe.doe@", "<zoe.doe@"];
    assert_gone(&store, &names);
    let after = table::events(&store);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["e3", "e4", "e5"]);
    assert_eq!((&after["e3"], &after["e5"]), (&before["e3"], &before["e5"]));
    let shared = after["e4"].write();
    assert!(shared.contains("@contoso.com") && shared.contains("for p-"), "{shared}");
    assert!(!shared.to_lowercase().contains("zoe"), "{shared}");

    let verified = dir.pbi(["verify", "--store", "store"]).ended(0).stdout;
    assert!(!verified.contains("another program"), "{verified}");
    assert_rejects_without_her(&dir, 1);
    let (ran, again) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!((again.sources.known, again.store.events), (5, 3), "nothing comes back");
    let ran = dir.pbi(["forget", "--user", "zoe.doe@contoso.com", "--store", "store"]).ended(3);
    assert!(ran.stdout.starts_with("person   zoe.doe@contoso.com: not found\n"), "{}", ran.stdout);
}

#[test]
fn pseudonym_replaces_a_forgotten_person() {
    let dir = archive();
    let arguments = ["forget", "--user", ZOE, "--pseudonymize", "--store", "store"];
    let ran = dir.pbi(arguments).ended(0);
    // Of e1: user, key and workspace; of e2: user and key; of e4: as above.
    assert_eq!(
        ran.stdout,
        format!(
            "person   {ZOE}: 2 events\n\
             events   0 erased, 3 changed\n\
             values   8 replaced with pseudonyms of 1 person\n\
             rejects  0 removed, 3 changed\n\
             files    2 rewritten, and source-log entries of 1 source\n"
        )
    );
    assert_gone(&dir.join("store"), &["1003000012345678", "Zoe Doe", "\"zoe.doe@contoso.com"]);
    let events = table::events(&dir.join("store"));
    let user = |id: &str| events[id].member("UserId").and_then(Json::as_text).map(str::to_owned);
    assert_eq!(events.len(), 5);
    assert_eq!(user("e1"), user("e2"), "she is one person still");
    assert!(user("e1").is_some_and(|user| user.starts_with("p-")));
    assert_eq!(user("e3").as_deref(), Some("joezoe.doe@contoso.com"));
    assert_rejects_without_her(&dir, 4);
    dir.pbi(["verify", "--store", "store"]).ended(0);
}

/// Returns all addresses in the texts.
fn addresses(texts: &[String]) -> BTreeSet<String> {
    let is_part = |character: char| character.is_alphanumeric() || "._%+-'#@".contains(character);
    texts
        .iter()
        .flat_map(|text| text.split(|character| !is_part(character)))
        .filter(|word| word.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.')))
        .map(str::to_lowercase)
        .collect()
}

/// Runs the report and removes the owners of personal workspaces.
fn report(dir: &Workdir, store: &str) -> String {
    let arguments = ["report", "top-reports", "--format", "csv", "--store", store];
    let rows = dir.pbi(arguments).ended(0).stdout;
    let (before, owner) = rows.split_once("PersonalWorkspace ").expect("there is one");
    format!("{before}{}", &owner[owner.find(',').expect("a cell has an end")..])
}

#[test]
fn pseudonymized_store_gives_equal_reports_and_contains_no_name() {
    let dir = copy_of_sample_data();
    dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733\n");
    dir.ingest("plain", &["sample-data"]);
    let keyed = ["sample-data", "--pseudonymize", "--key-file", "key"];
    let (_, summary) = dir.ingest("keyed", &keyed);
    dir.ingest("again", &keyed);
    assert_eq!(summary.records.stored, 1422);
    let names: Vec<String> = addresses(&row_texts(&dir.join("plain"))).into_iter().collect();
    assert!(names.len() > 40, "{names:?}");
    assert_gone(&dir.join("keyed"), &names);
    assert_eq!(table::events(&dir.join("keyed")), table::events(&dir.join("again")));
    assert_eq!(report(&dir, "keyed"), report(&dir, "plain"), "people are as many as before");
}

#[test]
fn names_and_pseudonyms_of_other_keys_are_refused() {
    let dir = archive();
    dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733");
    dir.write("other", "8f2b1d90c37a4e65f01b6a2c9d84e734");
    dir.write("short", "secret");
    dir.write("more/c.json", r#"[{"Id":"e7","CreationTime":"2026-03-07T08:00:00"}]"#);
    let refused = |arguments: &[&str], code: i32, reason: &str| {
        let ran = dir.pbi(arguments).ended(code);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    };
    let ingest = ["ingest", "more", "--store"];
    let with = |store, key| [&ingest[..], &[store, "--pseudonymize", "--key-file", key]].concat();
    refused(&with("store", "key"), 1, "contains names that are not pseudonymized");
    refused(&with("keyed", "short"), 2, "openssl rand -hex 32");
    dir.pbi(["ingest", "archive", "--store", "keyed", "--pseudonymize", "--key-file", "key"])
        .ended(3);
    refused(&with("keyed", "other"), 1, "made with another key");
    refused(&[&ingest[..], &["keyed"]].concat(), 1, "contains pseudonyms");
    assert_gone(&dir.join("keyed"), &["zoe", "max@"]);
    let rejects = dir.rejects("keyed", &[]);
    assert_eq!(rejects.len(), 4);
    // Only the member of an event that usually contains a key is known to contain one.
    let has_key = |raw: &String| raw.contains("1003000012345678");
    assert!(!rejects.iter().filter_map(|reject| reject.raw.as_ref()).any(has_key), "{rejects:#?}");

    let forget = ["forget", "--user", ZOE, "--store"];
    refused(&[&forget[..], &["keyed"]].concat(), 2, "pass their key with --key-file");
    refused(&[&forget[..], &["store", "--key-file", "key"]].concat(), 2, "omit --key-file");
    let ran = dir.pbi([&forget[..], &["keyed", "--key-file", "key"]].concat()).ended(0);
    assert!(ran.stdout.contains("\nevents   2 erased, 1 changed\n"), "{}", ran.stdout);
    assert_eq!(table::events(&dir.join("keyed")).len(), 3);
    dir.pbi(["verify", "--store", "keyed"]).ended(0);
}
