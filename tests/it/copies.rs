//! Checks that the copies of an event are one event, in any runs and order, and that nothing that a
//! copy contains is lost.
//!
//! `PBI_SEED=7 cargo test --release --test it copies::` makes the archive of a seed again, and
//! `PBI_ARCHIVES=1000` makes more of them.

use std::collections::{BTreeMap, BTreeSet};

use pbi_analyze::internals::export;
use pbi_analyze::internals::ingest::{self, NoProgress, Store};
use pbi_analyze::internals::maintenance;

use crate::exact::Json;
use crate::workdir::{Records, Workdir};

const HEAD: &str = r#""CreationTime":"2026-03-02T09:15:00","Operation":"ViewReport""#;

/// Ingests each file in a run of its own, or all of them in one run, and returns the counts of the
/// last run.
fn ingest_all(dir: &Workdir, store: &str, files: &[&str], is_one_run: bool) -> Records {
    let runs: Vec<&[&str]> = if is_one_run { vec![files] } else { files.chunks(1).collect() };
    let mut last = None;
    for files in runs {
        last = Some(dir.ingest(store, files).1.records);
    }
    last.expect("there is a run")
}

fn exported(dir: &Workdir, store: &str, arguments: &[&str]) -> String {
    let head = ["export", "--store", store, "--quiet"];
    dir.pbi(head.iter().chain(arguments)).ended(0).stdout
}

/// Writes the files, ingests them in one run and in one run for each file, in both orders, and
/// returns the event. Fails if the table depends on the runs.
#[track_caller]
fn event_of(files: &[(&str, &str)]) -> Json {
    let dir = Workdir::new();
    for (name, text) in files {
        dir.write(name, text);
    }
    let mut names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    ingest_all(&dir, "one", &names, true);
    let table = |store: &str| {
        [exported(&dir, store, &["--with-lineage"]), exported(&dir, store, &["--conflicts"])]
    };
    let one = table("one");
    for store in ["forward", "backward"] {
        ingest_all(&dir, store, &names, false);
        assert_eq!(table(store), one, "{store}");
        dir.pbi(["verify", "--store", store]).ended(0);
        names.reverse();
    }
    let events: Vec<&str> = one[0].lines().collect();
    assert_eq!(events.len(), 1, "{events:?}");
    Json::parse(events[0])
}

#[track_caller]
fn assert_member(event: &Json, name: &str, value: &str) {
    assert_eq!(event.member(name).map(Json::write).as_deref(), Some(value), "{}", event.write());
}

#[test]
fn fields_of_copies_complete_one_another() {
    let event = event_of(&[
        ("a.json", &format!(r#"[{{"Id":"e1",{HEAD},"AppId":"p1","AppName":"Sales app"}}]"#)),
        (
            "b.json",
            &format!(r#"[{{"Id":"e1",{HEAD},"DistributionMethod":"Apps","New":{{"x":1}}}}]"#),
        ),
    ]);
    assert_member(&event, "AppName", "\"Sales app\"");
    assert_member(&event, "DistributionMethod", "\"Apps\"");
    assert_member(&event, "New", r#"{"x":1}"#);
    assert_member(&event, "SourceFile", "\"a.json\"");
}

#[test]
fn empty_texts_are_worth_nothing() {
    let event = event_of(&[
        ("a.json", &format!(r#"[{{"Id":"e1",{HEAD},"ReportName":"Umsatz","X1":""}}]"#)),
        (
            "b.json",
            &format!(r#"[{{"Id":"e1",{HEAD},"ReportName":"","X1":"","X2":"","X3":"","X4":""}}]"#),
        ),
    ]);
    assert_member(&event, "ReportName", "\"Umsatz\"");
    assert_member(&event, "X4", "\"\"");
}

/// The advice on a flattened file is to download its days again as JSON.
#[test]
fn lost_lists_are_replaced_by_a_later_download() {
    let dir = Workdir::new();
    let csv = "\"Id\",\"CreationTime\",\"Operation\",\"UserId\",\"ReportId\",\
               \"SharingInformation\"\n\"e1\",\"2026-03-02T09:15:00\",\"ShareReport\",\"lena@tannhof.example\",\"r1\",\
               \"System.Object[]\"\n";
    let json = r#"[{"Id":"e1","CreationTime":"2026-03-02T09:15:00","Operation":"ShareReport",
        "UserId":"lena@tannhof.example","ReportId":"r1","SharingInformation":
        [{"RecipientEmail":"o.fremd@partner.example","ResharePermission":"Read"}]}]"#;
    let list = r#"[{"RecipientEmail":"o.fremd@partner.example","ResharePermission":"Read"}]"#;
    dir.write("a.csv", csv);
    dir.write("b.json", json);
    ingest_all(&dir, "store", &["a.csv"], true);
    let (_, summary) = dir.ingest("store", &["b.json"]);
    let records = Records { read: 1, duplicates: 1, improved: 1, ..Records::default() };
    assert_eq!(summary.records, records);
    let event = Json::parse(&exported(&dir, "store", &[]));
    assert_member(&event, "SharingInformation", list);
    assert_eq!(exported(&dir, "store", &["--conflicts"]), "");
    // Nothing changes once the table has everything.
    dir.write("c.csv", csv.replace("\n", "\r\n"));
    let again = ingest_all(&dir, "store", &["c.csv"], true);
    assert_eq!(again, Records { read: 1, duplicates: 1, ..Records::default() });
    assert_member(&event_of(&[("a.csv", csv), ("b.json", json)]), "SharingInformation", list);
}

#[test]
fn richer_copy_improves_the_stored_event_in_a_later_run() {
    let dir = Workdir::new();
    dir.write("1/a.json", format!(r#"[{{"Id":"e1",{HEAD},"UserId":"lena@tannhof.example"}}]"#));
    dir.write(
        "2/a.json",
        format!(
            r#"[{{"Id":"e1",{HEAD},"UserId":"lena@tannhof.example","ReportId":"r1",
                "ReportName":"Umsatz"}},{{"Id":"e2",{HEAD}}}]"#
        ),
    );
    ingest_all(&dir, "store", &["1"], true);
    let records = ingest_all(&dir, "store", &["2"], true);
    let expected = Records { read: 2, stored: 1, duplicates: 1, improved: 1, ..Records::default() };
    assert_eq!(records, expected);
    let event = Json::parse(exported(&dir, "store", &[]).lines().next().unwrap());
    assert_member(&event, "ReportName", "\"Umsatz\"");
    dir.pbi(["verify", "--store", "store"]).ended(0);
    let report = dir.pbi(["report", "top-reports", "--store", "store", "--format", "csv"]).ended(0);
    assert!(report.stdout.contains("Umsatz"), "{report:?}");
}

const GRAPH: &str = r##"{"value":[{"id":"e1","createdDateTime":"2026-03-02T09:15:00Z",
    "auditLogRecordType":"PowerBIAudit","operation":"ViewReport","userId":"10032",
    "userPrincipalName":"lena@tannhof.example","auditData":{
    "@odata.type":"#microsoft.graph.security.defaultAuditData","Id":"e1",
    "RecordType@odata.type":"#Int64","CreationTime":"2026-03-02T09:15:00",
    "Operation":"ViewReport","RecordType":20,"UserId":"lena@tannhof.example","ReportId":"r1"}}]}"##;

#[test]
fn annotations_are_kept_and_contradict_nothing() {
    let rest = format!(
        r#"[{{"Id":"e1",{HEAD},"RecordType":20,"UserId":"lena@tannhof.example","ReportId":"r1",
            "DistributionMethod":"Apps","_ts":1,"":"17"}}]"#
    );
    let event = event_of(&[("a.json", &rest), ("b.json", GRAPH)]);
    assert_member(&event, "DistributionMethod", "\"Apps\"");
    assert_member(&event, "RecordType@odata.type", "\"#Int64\"");
    let dir = Workdir::new();
    dir.write("a.json", &rest);
    dir.write("b.json", rest.replace("\"_ts\":1,\"\":\"17\"", "\"_ts\":2,\"\":\"3\""));
    dir.write("c.json", GRAPH);
    ingest_all(&dir, "store", &["a.json"], true);
    let records = ingest_all(&dir, "store", &["b.json", "c.json"], true);
    // The UserKey of the Graph record is new.
    let expected = Records { read: 2, duplicates: 2, improved: 1, ..Records::default() };
    assert_eq!(records, expected);
}

#[test]
fn own_names_count_before_others_wherever_they_are() {
    let with_id = format!(r#"[{{"id":"generated","Id":"e1",{HEAD},"ReportId":"r1"}}]"#);
    let event = event_of(&[
        ("a.json", &with_id),
        ("b.json", &format!(r#"[{{"Id":"e1",{HEAD},"ReportId":"r1"}}]"#)),
    ]);
    assert_member(&event, "Id", "\"e1\"");
    assert_member(&event, "id", "\"generated\"");
    let dir = Workdir::new();
    dir.write(
        "a.json",
        format!(
            r#"[{{"Id":"e1","UserPrincipalName":"owner@tannhof.example",{HEAD},
                "UserId":"lena@tannhof.example"}}]"#
        ),
    );
    let users = ["report", "top-users", "--from", "a.json", "--format", "csv"];
    let users = dir.pbi(users).ended(0).stdout;
    assert!(users.contains("lena@") && !users.contains("owner@"), "{users}");
    // A copy that has only the other name contradicts nothing.
    let both = r#""UserId":"lena@tannhof.example","UserPrincipalName":"owner@tannhof.example""#;
    let event = event_of(&[
        (
            "a.json",
            &format!(r#"[{{"Id":"e1","UserPrincipalName":"owner@tannhof.example",{HEAD}}}]"#),
        ),
        ("b.json", &format!(r#"[{{"Id":"e1",{HEAD},{both}}}]"#)),
    ]);
    assert_member(&event, "UserId", "\"lena@tannhof.example\"");
}

#[test]
fn graph_record_without_fields_has_those_of_its_envelope() {
    let event = event_of(&[(
        "a.json",
        r##"{"value":[{"id":"e1","createdDateTime":"2026-03-02T09:15:00Z",
            "auditLogRecordType":"PowerBIAudit","operation":"ViewReport",
            "userId":"10032000A8DBA471","userPrincipalName":"lena@tannhof.example",
            "service":"PowerBI","auditData":{"@odata.type":"#microsoft.graph.x"}}]}"##,
    )]);
    for (name, value) in [
        ("Id", "\"e1\""),
        ("UserId", "\"lena@tannhof.example\""),
        ("UserKey", "\"10032000A8DBA471\""),
        ("RecordType", "20"),
        ("Workload", "\"PowerBI\""),
        ("Operation", "\"ViewReport\""),
    ] {
        assert_member(&event, name, value);
    }
    let dir = Workdir::new();
    let other = GRAPH.replace("\"RecordType\":20,", "").replace("PowerBIAudit", "ExchangeItem");
    dir.write("a.json", other);
    assert_eq!(ingest_all(&dir, "store", &["a.json"], true).other_workloads, 1);
}

#[test]
fn values_in_another_notation_are_no_conflict() {
    let guid = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    let dir = Workdir::new();
    let copy = |record_type: &str, user_type: &str, guid: &str| {
        format!(
            r#"[{{"Id":"e1",{HEAD},"RecordType":{record_type},"UserType":{user_type},
                "New":"{guid}","WorkspaceId":"{guid}"}}]"#
        )
    };
    dir.write("a.json", copy("\"PowerBIAudit\"", "\"Regular\"", guid));
    dir.write("b.json", copy("20", "0", guid));
    dir.write("c.json", copy("\"20.0\"", "0", guid));
    let records = ingest_all(&dir, "store", &["a.json", "b.json", "c.json"], true);
    assert_eq!((records.duplicates, records.conflicting), (2, 0));
    let event = Json::parse(&exported(&dir, "store", &[]));
    assert_member(&event, "RecordType", "20");
    assert_member(&event, "UserType", "0");
}

#[test]
fn losing_values_can_be_exported() {
    let dir = Workdir::new();
    let copy = |agent: &str| format!(r#"[{{"Id":"e1",{HEAD},"UserAgent":"{agent}"}}]"#);
    dir.write("a.json", copy("Mozilla/5.0 (KHTML"));
    dir.write("b.json", copy("Mozilla/5.0 (KHTML, like Gecko) Chrome/58"));
    dir.write("c.json", copy("Mozilla/4.0"));
    let records = ingest_all(&dir, "store", &["a.json", "b.json"], true);
    assert_eq!((records.stored, records.duplicates, records.conflicting), (1, 1, 1));
    let records = ingest_all(&dir, "store", &["c.json"], true);
    assert_eq!((records.duplicates, records.conflicting, records.improved), (1, 1, 0));
    let kept = r#""kept":"Mozilla/5.0 (KHTML, like Gecko) Chrome/58""#;
    let lost = |file: &str, value: &str| {
        format!(
            "{{\"Id\":\"e1\",\"CreationTime\":\"2026-03-02T09:15:00Z\",\"field\":\"UserAgent\",\
             \"source\":\"{file}\",{kept},\"lost\":\"{value}\"}}\n"
        )
    };
    let expected = lost("a.json", "Mozilla/5.0 (KHTML") + &lost("c.json", "Mozilla/4.0");
    assert_eq!(exported(&dir, "store", &["--conflicts"]), expected);
    assert!(!exported(&dir, "store", &[]).contains("Mozilla/4.0"));
    dir.pbi(["export", "--store", "store", "--conflicts", "--with-lineage"]).ended(2);
}

/// A late event is one that no earlier file contains, whichever copy says more.
#[test]
fn late_events_do_not_depend_on_which_copy_says_more() {
    let event = |number: usize, more: &str| {
        format!(
            r#"{{"Id":"e{number}","CreationTime":"2026-03-02T{number:02}:15:00",
                "Operation":"ViewReport","RecordType":20,"ReportId":"r1"{more}}}"#
        )
    };
    for richer in [0, 1, 2] {
        let dir = Workdir::new();
        let page = |numbers: std::ops::Range<usize>, more: &dyn Fn(usize) -> bool| {
            let events: Vec<String> = numbers
                .map(|number| event(number, if more(number) { r#","AppId":"p1""# } else { "" }))
                .collect();
            format!("[{}]", events.join(","))
        };
        dir.write("1.json", page(0..10, &|_| false));
        dir.write("2.json", page(0..11, &|number| richer > 0 && number % richer == 0));
        for (store, files) in [("a", ["1.json", "2.json"]), ("b", ["2.json", "1.json"])] {
            ingest_all(&dir, store, &files, false);
            let report = ["report", "coverage", "--store", store, "--format", "json"];
            let report = dir.pbi(report).ended(0).stdout;
            let report: serde_json::Value = serde_json::from_str(&report).unwrap();
            assert_eq!(report["rows"][0]["late_events"], 1, "{richer} {store}: {report}");
        }
    }
}

#[test]
fn events_without_id_are_reported() {
    let dir = Workdir::new();
    dir.write("a.json", format!(r#"[{{{HEAD}}},{{"Id":"e1",{HEAD}}}]"#));
    let (ran, summary) = dir.ingest("store", &["a.json"]);
    ran.ended(0);
    let warning = &summary.files[0].warnings[0];
    assert_eq!((warning.kind.as_str(), warning.count), ("without_id", 1));
    let report = ["report", "data-quality", "--store", "store", "--format", "csv"];
    let report = dir.pbi(report).ended(0).stdout;
    assert!(report.contains("without Id,a.json,1,"), "{report}");
}

/// A value of a field in a copy.
#[derive(Debug, Clone, Copy)]
struct Known {
    text: &'static str,
    /// Values with one meaning say the same. `None` says nothing that another value does not say.
    meaning: Option<&'static str>,
}

const fn known(text: &'static str, meaning: &'static str) -> Known {
    Known { text, meaning: Some(meaning) }
}

const fn nothing(text: &'static str) -> Known {
    Known { text, meaning: None }
}

/// The values that a field has in random copies. The first one is more frequent.
const FIELDS: [(&str, &[Known]); 12] = [
    (
        "ReportName",
        &[
            known("\"Umsatz\"", "umsatz"),
            known("\"Sales 2026\"", "sales"),
            known("\"Finanz\"", "finanz"),
            nothing("\"\""),
        ],
    ),
    (
        "SharingInformation",
        &[
            known(r#"[{"RecipientEmail":"o@x.example"}]"#, "o"),
            known(r#""[{\"RecipientEmail\": \"o@x.example\"}]""#, "o"),
            known(r#"[{"RecipientEmail":"p@x.example","New":1}]"#, "p"),
            nothing("\"System.Object[]\""),
            nothing("\"@{RecipientEmail=o@x.example}\""),
            nothing("[]"),
        ],
    ),
    ("RecordType", &[known("20", "20"), known("\"PowerBIAudit\"", "20"), known("\"20\"", "20")]),
    ("UserType", &[known("0", "0"), known("\"Regular\"", "0"), known("2", "2")]),
    (
        "WorkspaceId",
        &[
            known("\"0f8fad5b-d9cb-469f-a165-70867728950e\"", "w"),
            known("\"0F8FAD5B-D9CB-469F-A165-70867728950E\"", "w"),
        ],
    ),
    ("IsSuccess", &[known("true", "true"), known("\"True\"", "true"), known("\"maybe\"", "maybe")]),
    ("AppId", &[known("\"a1\"", "a1")]),
    ("Datasets", &[known(r#"[{"DatasetId":"d1","DatasetName":"M"}]"#, "m"), nothing("\" \"")]),
    ("NewField", &[known("7", "7"), known("\"7\"", "7"), known(r#"{"a":[1,null]}"#, "a")]),
    ("ClientIP", &[known("\"10.0.0.1\"", "1"), known("\"10.0.0.1:443\"", "1")]),
    ("UserId", &[known("\"lena@x.example\"", "lena"), known("\"Lena@X.example\"", "lena")]),
    ("_etag", &[nothing("\"1\""), nothing("\"2\""), nothing("\"3\"")]),
];

/// A random archive: the text of each file, and what its copies say: by id and field, the meanings.
struct RandomArchive {
    files: Vec<(String, String)>,
    known: BTreeMap<String, BTreeMap<&'static str, BTreeSet<&'static str>>>,
}

fn random_archive(rng: &mut fastrand::Rng) -> RandomArchive {
    let count = rng.usize(2..7);
    let mut files: Vec<Vec<String>> = vec![Vec::new(); count];
    let mut known: BTreeMap<String, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
    for number in 0..rng.usize(1..60) {
        let id = format!("e{number}");
        let about = known.entry(id.clone()).or_default();
        for _ in 0..[1, 1, 2, 2, 3, 5][rng.usize(..6)] {
            let mut members = vec![
                format!(r#""Id":"{id}""#),
                format!(r#""CreationTime":"2026-0{}-02T09:{:02}:00""#, 2 + number % 2, number),
                r#""Operation":"ShareReport""#.to_owned(),
            ];
            if rng.u8(..5) == 0 {
                members.push(format!(r#""id":"other {}""#, rng.u8(..2)));
            }
            for (field, values) in FIELDS {
                if rng.bool() {
                    let at = if rng.bool() { 0 } else { rng.usize(..values.len()) };
                    members.push(format!("\"{field}\":{}", values[at].text));
                    about.entry(field).or_default().extend(values[at].meaning);
                }
            }
            rng.shuffle(&mut members);
            files[rng.usize(..count)].push(format!("{{{}}}", members.join(",")));
        }
    }
    let name = |number: usize| format!("{}/{number}.ndjson", ["a", "a-b", "c"][number % 3]);
    let files = files.iter().enumerate().map(|(at, lines)| (name(at), lines.join("\n") + "\n"));
    RandomArchive { files: files.collect(), known }
}

fn export(store: &Store, options: &export::Options) -> String {
    let mut out = Vec::new();
    export::run(store, options, &mut |bytes| {
        out.extend_from_slice(bytes);
        Ok(())
    })
    .expect("the store can be exported");
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// Deals the files out into runs, with compactions between, and returns the table.
fn deal(dir: &Workdir, name: &str, runs: &[Vec<String>], rng: &mut fastrand::Rng) -> [String; 2] {
    let store = Store::new(&dir.join(name));
    for run in runs {
        let paths = run.iter().map(|file| dir.join(format!("archive/{file}"))).collect();
        let options = ingest::Options { paths, ..ingest::Options::default() };
        let summary = ingest::ingest_into_store(&store, &options, &NoProgress).unwrap();
        assert!(summary.records.adds_up(), "{summary:?}");
        if rng.bool() {
            maintenance::compact(&store, None).unwrap();
        }
    }
    let options = export::Options { with_lineage: true, ..export::Options::default() };
    let conflicts = export::Options { conflicts: true, ..export::Options::default() };
    let prefix = dir.join("archive/").to_str().expect("the path is UTF-8").to_owned();
    [export(&store, &options), export(&store, &conflicts)].map(|text| text.replace(&prefix, ""))
}

/// Returns the meaning of a value of a field, from the list of all its values.
fn meaning_of(field: &str, value: &Json) -> Option<&'static str> {
    let (_, values) = FIELDS.iter().find(|(known, _)| *known == field)?;
    let text = value.write().to_lowercase();
    let same = values.iter().find(|known| Json::parse(known.text).write().to_lowercase() == text);
    same.expect("a value that no copy has").meaning
}

fn check_archive(seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let archive = random_archive(&mut rng);
    let dir = Workdir::new();
    for (name, text) in &archive.files {
        dir.write(&format!("archive/{name}"), text);
    }
    let mut names: Vec<String> = archive.files.iter().map(|(name, _)| name.clone()).collect();
    let whole = deal(&dir, "whole", &[names.clone()], &mut rng);
    for number in 0..3 {
        rng.shuffle(&mut names);
        let mut runs: Vec<Vec<String>> = vec![Vec::new()];
        for name in &names {
            if rng.bool() {
                runs.push(Vec::new());
            }
            runs.last_mut().expect("there is a run").push(name.clone());
        }
        runs.retain(|run| !run.is_empty());
        let table = deal(&dir, &format!("deal-{number}"), &runs, &mut rng);
        assert_eq!(table[0], whole[0], "PBI_SEED={seed}: the events of {runs:?}");
        assert_eq!(table[1], whole[1], "PBI_SEED={seed}: the conflicts of {runs:?}");
    }
    // Everything that a copy knows is in its event or in the conflicts.
    let mut found: BTreeMap<String, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for event in whole[0].lines().map(Json::parse) {
        let fields = found.entry(event.member("Id").unwrap().as_text().unwrap().to_owned());
        let fields = fields.or_default();
        for (name, value) in event.members() {
            if FIELDS.iter().any(|(known, _)| known == name) {
                fields.entry(name.clone()).or_default().extend(meaning_of(name, value));
            }
        }
    }
    for conflict in whole[1].lines().map(Json::parse) {
        let text = |name: &str| conflict.member(name).unwrap().as_text().unwrap().to_owned();
        let field = text("field");
        if let Some(meaning) = conflict.member("lost").and_then(|lost| meaning_of(&field, lost)) {
            let fields = found.get_mut(&text("Id")).expect("a stored event");
            assert!(fields.entry(field).or_default().insert(meaning), "PBI_SEED={seed}");
        }
    }
    for (id, fields) in &archive.known {
        for (field, meanings) in fields {
            assert_eq!(found[id].get(*field), Some(meanings), "PBI_SEED={seed}: {field} of {id}");
        }
    }
}

#[test]
fn copies_are_one_event_in_any_runs_and_order() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let archives = number("PBI_ARCHIVES").unwrap_or(8);
    let first = number("PBI_SEED").unwrap_or_else(|| fastrand::u64(..1 << 40));
    let archives = if number("PBI_SEED").is_some() { 1 } else { archives };
    println!("PBI_SEED={first} to {}", first + archives - 1);
    for seed in first..first + archives {
        check_archive(seed);
    }
}
