//! What speaks against a source in which nothing is wrong is said: in the accounts of the run, and
//! in `status` from then on.

use serde_json::Value;

use crate::events::{plain, quoted};
use crate::workdir::Workdir;

/// Rows of a search, and how many it says that it found.
fn search(rows: usize, found: &str) -> String {
    let row = |number| format!("{},{found},{}\n", number + 1, quoted(&plain(7, number)));
    let rows: String = (0..rows).map(row).collect();
    format!("ResultIndex,ResultCount,AuditData\n{rows}")
}

/// Events with names, a line each.
fn named(names: &[&str]) -> String {
    let event = |(number, name): (usize, &&str)| {
        format!(
            r#"{{"Id":"n{number}","CreationTime":"2026-03-01T08:00:00","ReportName":"{name}"}}"#
        )
    };
    names.iter().enumerate().map(event).collect::<Vec<_>>().join("\n")
}

/// What is to be said: kind, count, and words of the advice.
type Said = (&'static str, u64, &'static str);

/// Sources by name and text, with what is to be said against them.
fn cases() -> Vec<(&'static str, String, Option<Said>)> {
    let early = "PBIActivityEvents-20260301-202603011530.json";
    let late = "PBIActivityEvents-20260301-202603020415.json";
    let flat = |more: &str| {
        format!(r#"[{{"Id":"f{}","CreationTime":"2026-03-01T08:00:00",{more}}}]"#, more.len())
    };
    vec![
        ("search-cut.csv", search(3, "10"), Some(("cut", 7, "search again in shorter periods"))),
        ("search-whole.csv", search(3, "3"), None),
        ("search-odd.csv", search(2, "-1"), None),
        ("limit.csv", search(100, "0"), Some(("at_limit", 100, "in shorter periods"))),
        ("below.csv", search(99, "0"), None),
        (
            "results.json",
            format!("[{{\"ResultCount\":\"4\",\"AuditData\":{:?}}}]", plain(7, 0)),
            Some(("cut", 3, "the search found 4 results, and 1 rows")),
        ),
        (
            "table.csv",
            "Id,CreationTime,Datasets\nt1,2026-03-01T08:00:00,System.Object[]\n".to_owned(),
            Some(("lossy_table", 1, "(1 of them); pull its days again as JSON")),
        ),
        (
            "ascii.ndjson",
            named(&["Verk?ufe", "?bersicht", "Qualit? 2024", "Why?"]),
            Some(("lost_letters", 3, "such as \"?bersicht\": written as ASCII")),
        ),
        ("questions.ndjson", named(&["Verk?ufe", "Is it so?", "What is it?"]), None),
        ("utf8.ndjson", named(&["Verk?ufe", "?bersicht", "Qualit? 2024", "Größe"]), None),
        (
            "shallow.json",
            flat(r#""Datasets":"System.Object[]","Schedules":"@{RefreshFrequency=Daily}""#),
            Some(("flattened", 2, "such as Datasets: System.Object[], and are kept as text")),
        ),
        ("deep.json", flat(r#""Datasets":[{"DatasetId":"d"}],"ReportName":"@{x}?""#), None),
        (early, format!("[{}]", plain(0, 0)), Some(("early", 1, "pull that day again"))),
        (late, format!("[{}]", plain(0, 1)), None),
    ]
}

#[test]
fn what_speaks_against_a_source_is_said_with_what_to_do() {
    let dir = Workdir::new();
    for (name, content, _) in cases() {
        dir.write(&format!("archive/{name}"), content);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    let status = dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0).stdout;
    let status: Value = serde_json::from_str(&status).expect("one JSON object");
    let text = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    let told = dir.pbi(["ingest", "archive", "--store", "again"]).ended(0).stdout;
    for (name, _, expected) in cases() {
        let source = format!("archive/{name}");
        let found = &summary.of(&source).suspicions;
        let remembered = status["suspected"].as_array().expect("a list");
        let remembered = remembered.iter().find(|suspected| suspected["source"] == *source);
        let Some((kind, count, advice)) = expected else {
            assert_eq!((found.len(), remembered), (0, None), "{name}: {found:?}");
            continue;
        };
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!((found[0].kind.as_str(), found[0].count), (kind, count), "{name}");
        assert!(found[0].detail.contains(advice), "{name}: {found:?}");
        let remembered = &remembered.expect("it is remembered")["suspicions"][0];
        assert_eq!(remembered["detail"], found[0].detail, "{name}");
        let line = format!("suspect  {source}: {}\n", found[0].detail);
        assert!(text.contains(&line) && told.contains(&line), "{name}: {told}");
    }
}

/// A value that was text when it was read is text in its row.
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
fn many_of_a_kind_are_counted_and_no_person_is_an_example() {
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
    dir.write("key", "0123456789abcdef0123456789abcdef");
    let arguments = ["ingest", "archive", "--store", "store", "--pseudonymize", "--key-file", "key"];
    let told = dir.pbi(arguments).ended(0).stdout;
    assert_eq!(told.matches("the search found 1000 results").count(), 5, "{told}");
    assert!(told.contains("         and 2 sources more; --format json"), "{told}");
    assert!(told.contains("such as \"PersonalWorkspace p-") && !told.contains("J?rg"), "{told}");
}

/// What is proven to be cut is cut in reports too.
#[test]
fn a_day_of_a_search_that_found_more_is_cut() {
    let dir = Workdir::new();
    dir.write("archive/a.csv", search(3, "10"));
    dir.ingest("store", &["archive"]).0.ended(0);
    let report = ["report", "top-reports", "--store", "store", "--format", "json"];
    let answer: Value = serde_json::from_str(&dir.pbi(report).ended(0).stdout).expect("an object");
    assert_eq!(answer["coverage"]["cut"], 1, "{answer:#}");
}
