//! Checks the warnings on readable but probably incomplete sources, in the account of a run and in
//! `status`.

use serde_json::Value;

use crate::events::{plain, quoted};
use crate::workdir::Workdir;

/// Returns the rows of a search, with the number of results that the search claims.
fn search(rows: usize, found: &str) -> String {
    let row = |number| format!("{},{found},{}\n", number + 1, quoted(&plain(7, number)));
    let rows: String = (0..rows).map(row).collect();
    format!("ResultIndex,ResultCount,AuditData\n{rows}")
}

/// Returns events with names, one per line.
fn named(names: &[&str]) -> String {
    let event = |(number, name): (usize, &&str)| {
        format!(
            r#"{{"Id":"n{number}","CreationTime":"2026-03-01T08:00:00","ReportName":"{name}"}}"#
        )
    };
    names.iter().enumerate().map(event).collect::<Vec<_>>().join("\n")
}

/// Kind, count and part of the text of an expected warning.
type Said = (&'static str, u64, &'static str);

/// Returns sources by name and text, with their expected warning.
fn cases() -> Vec<(&'static str, String, Option<Said>)> {
    let early = "PBIActivityEvents-20260301-202603011530.json";
    let late = "PBIActivityEvents-20260301-202603020415.json";
    let flat = |more: &str| {
        format!(r#"[{{"Id":"f{}","CreationTime":"2026-03-01T08:00:00",{more}}}]"#, more.len())
    };
    vec![
        (
            "search-cut.csv",
            search(3, "10"),
            Some(("truncated", 7, "search again in shorter periods")),
        ),
        ("search-whole.csv", search(3, "3"), None),
        ("search-odd.csv", search(2, "-1"), None),
        ("limit.csv", search(100, "0"), Some(("at_limit", 100, "in shorter periods"))),
        ("below.csv", search(99, "0"), None),
        (
            "results.json",
            format!("[{{\"ResultCount\":\"4\",\"AuditData\":{:?}}}]", plain(7, 0)),
            Some(("truncated", 3, "the search found 4 results, but the file has 1 row:")),
        ),
        (
            "table.csv",
            "Id,CreationTime,Datasets\nt1,2026-03-01T08:00:00,System.Object[]\n".to_owned(),
            Some(("lossy_table", 1, "(1 value); download its days again as JSON")),
        ),
        (
            "ascii.ndjson",
            named(&["Verk?ufe", "?bersicht", "Qualit? 2024", "Why?"]),
            Some(("lost_characters", 3, "for example \"?bersicht\": written as ASCII")),
        ),
        ("questions.ndjson", named(&["Verk?ufe", "Is it so?", "What is it?"]), None),
        ("utf8.ndjson", named(&["Verk?ufe", "?bersicht", "Qualit? 2024", "Größe"]), None),
        (
            "shallow.json",
            flat(r#""Datasets":"System.Object[]","Schedules":"@{RefreshFrequency=Daily}""#),
            Some((
                "flattened",
                2,
                "for example Datasets: System.Object[]; they are stored as text",
            )),
        ),
        ("deep.json", flat(r#""Datasets":[{"DatasetId":"d"}],"ReportName":"@{x}?""#), None),
        (
            early,
            format!("[{}]", plain(0, 0)),
            Some(("too_early", 1, "late events are missing; download 2026-03-01 again")),
        ),
        (late, format!("[{}]", plain(0, 1)), None),
    ]
}

#[test]
fn warnings_on_sources_are_reported_with_a_remedy() {
    let dir = Workdir::new();
    for (name, content, _) in cases() {
        dir.write(&format!("archive/{name}"), content);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let status = dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0).stdout;
    let status: Value = serde_json::from_str(&status).expect("one JSON object");
    let text = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    let output = dir.pbi(["ingest", "archive", "--store", "again"]).ended(0).stdout;
    for (name, _, expected) in cases() {
        let source = format!("archive/{name}");
        let found = &summary.of(&source).warnings;
        let remembered = status["warnings"].as_array().expect("a list");
        let remembered = remembered.iter().find(|suspected| suspected["source"] == *source);
        let Some((kind, count, advice)) = expected else {
            assert_eq!((found.len(), remembered), (0, None), "{name}: {found:?}");
            continue;
        };
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].kind.as_str(), found[0].count), (kind, count), "{name}");
        assert!(found[0].detail.contains(advice), "{name}: {found:?}");
        let remembered = &remembered.expect("it is remembered")["warnings"][0];
        assert_eq!(remembered["detail"], found[0].detail, "{name}");
        let line = format!("warning  {source}: {}\n", found[0].detail);
        assert!(text.contains(&line) && output.contains(&line), "{name}: {output}");
    }
}

/// A flattened value remains text in its row.
#[test]
fn flattened_values_are_kept() {
    let dir = Workdir::new();
    let (_, shallow, _) = cases().into_iter().find(|case| case.0 == "shallow.json").expect("it");
    dir.write("shallow.json", shallow);
    dir.ingest("store", &["shallow.json"]).0.ended(0);
    let events = crate::table::events(&dir.join("store"));
    let event = events.into_values().next().expect("an event").write();
    assert!(event.contains("\"System.Object[]\"") && event.contains("@{Refresh"), "{event}");
}

#[test]
fn equal_warnings_are_counted_and_name_no_person() {
    let dir = Workdir::new();
    for number in 0..8 {
        dir.write(&format!("archive/{number}.csv"), search(number, "1000"));
    }
    let names = ["PersonalWorkspace J?rg D?e", "x?y zoe@contoso.com", "z?z"];
    let events: String = names
        .iter()
        .map(|name| named(&[name]).replace("ReportName", "WorkSpaceName") + "\n")
        .collect();
    dir.write("archive/names.ndjson", events);
    dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733");
    let arguments =
        ["ingest", "archive", "--store", "store", "--pseudonymize", "--key-file", "key"];
    let told = dir.pbi(arguments).ended(0).stdout;
    assert_eq!(told.matches("the search found 1000 results").count(), 5, "{told}");
    assert!(told.contains("         and 2 more sources; --format json"), "{told}");
    assert!(
        told.contains("for example \"PersonalWorkspace p-") && !told.contains("J?rg"),
        "{told}"
    );
}

/// A search that found more results makes its day truncated in reports.
#[test]
fn incomplete_search_makes_its_day_truncated() {
    let dir = Workdir::new();
    dir.write("archive/a.csv", search(3, "10"));
    dir.ingest("store", &["archive"]).0.ended(0);
    let report = ["report", "top-reports", "--store", "store", "--format", "json"];
    let answer: Value = serde_json::from_str(&dir.pbi(report).ended(0).stdout).expect("an object");
    assert_eq!(answer["coverage"]["truncated"], 1, "{answer:#}");
}
