//! Runs the corpus: small archives of every known kind, each with its expected result.
//!
//! A case is a folder of `tests/corpus/`. `input/` is the archive, and `case.json` describes it and
//! lists the facts about real archives that it covers (`tests/corpus/facts.tsv`). `expected.txt`
//! contains the account of the run, every exported event, and every reject. `PBI_BLESS=1 cargo test
//! --release --test it corpus::` writes the expected results anew; check the differences before you
//! commit them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bless::is_blessing;
use crate::sample_data::ROOT;
use crate::workdir::{Ran, Summary, Workdir};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    facts: BTreeSet<u32>,
    /// Texts that the output of the run must contain.
    #[serde(default)]
    says: Vec<String>,
    /// Kinds of warnings that the run must report.
    #[serde(default)]
    warnings: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Reject {
    source: String,
    position: u64,
    reason: String,
}

fn folder() -> PathBuf {
    Path::new(ROOT).join("tests/corpus")
}

/// Returns the folders of the cases by name.
fn cases() -> BTreeMap<String, PathBuf> {
    let mut cases = BTreeMap::new();
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            if path.join("case.json").is_file() {
                let name = path.strip_prefix(self::folder()).expect("below the corpus");
                cases.insert(name.to_string_lossy().replace('\\', "/"), path);
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    cases
}

/// Returns the facts by number.
fn facts() -> BTreeMap<u32, String> {
    let text = fs::read_to_string(folder().join("facts.tsv")).expect("the facts can be read");
    let fact = |line: &str| {
        let (number, about) = line.split_once('\t').expect("a number and a sentence");
        (number.parse().expect("a number"), about.to_owned())
    };
    text.lines().map(fact).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be listed") {
        let entry = entry.expect("the folder can be listed");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("the file can be copied");
        }
    }
}

/// Runs a case, asserts the rules of every archive, and returns the result as text.
fn outcome(name: &str, path: &Path, case: &Case) -> String {
    let dir = Workdir::new();
    copy(&path.join("input"), &dir.join("input"));
    // `ingest` asserts that the accounts add up.
    let (ran, summary) = dir.ingest("store", &["input"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    for text in &case.says {
        assert!(said.contains(text), "{name}: {text:?} is not in {said}");
    }
    let suspected: BTreeSet<String> =
        summary.files.iter().flat_map(|s| &s.warnings).map(|s| s.kind.clone()).collect();
    assert_eq!(suspected, case.warnings, "{name}");

    let mut text = String::new();
    writeln!(text, "exit code {}", ran.code).expect("text");
    describe(&summary, &mut text);
    if summary.records.read == 0 {
        return text;
    }
    // Without pseudonyms, the store contains the events of the archive.
    let exported = dir.pbi(["export", "--store", "store"]).ended(0).stdout;
    let events: Vec<&str> = exported.lines().collect();
    assert_eq!(events.len() as u64, summary.records.stored, "{name}: every event comes back");
    let rejects = dir.pbi(["rejects", "--store", "store", "--format", "ndjson"]).ended(0).stdout;
    let rejects: Vec<Reject> = rejects
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(rejects.len() as u64, summary.records.rejected, "{name}: every reject is kept");
    for event in events {
        writeln!(text, "event {event}").expect("text");
    }
    for reject in rejects {
        writeln!(text, "reject {} at {}: {}", reject.source, reject.position, reject.reason)
            .expect("text");
    }
    dir.pbi(["verify", "--store", "store"]).ended(0);
    let (again, second) = dir.ingest("store", &["input"]);
    assert_eq!(second.records.stored, 0, "{name}: {}", again.stderr);
    text
}

fn describe(summary: &Summary, text: &mut String) {
    let records = |r: &crate::workdir::Records| {
        format!(
            "{} read = {} stored + {} duplicates ({} differ) + {} others + {} rejected",
            r.read, r.stored, r.duplicates, r.conflicting, r.other_workloads, r.rejected
        )
    };
    writeln!(text, "{}", records(&summary.records)).expect("text");
    for (workload, count) in &summary.other_workloads {
        writeln!(text, "other workload {workload}: {count}").expect("text");
    }
    for source in &summary.files {
        let outcome = format!("{:?}", source.outcome).to_lowercase();
        writeln!(
            text,
            "{} [{}] {outcome}: {}",
            source.source,
            source.kind,
            records(&source.records)
        )
        .expect("text");
        for problem in &source.problems {
            writeln!(text, "  at {}: {}", problem.position, problem.reason).expect("text");
        }
        for warning in &source.warnings {
            writeln!(text, "  {}, {}: {}", warning.kind, warning.count, warning.detail)
                .expect("text");
        }
    }
}

#[test]
fn every_case_of_the_corpus_has_its_expected_result() {
    let (facts, cases) = (facts(), cases());
    let mut covered = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, path) in &cases {
        let text = fs::read_to_string(path.join("case.json")).expect("the case can be read");
        let case: Case = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let found = outcome(name, path, &case);
        let file = path.join("expected.txt");
        if is_blessing() {
            fs::write(&file, &found).expect("the file can be written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        let is_right = expected == found;
        let numbers: Vec<String> = case.facts.iter().map(u32::to_string).collect();
        let verdict = if is_right { "ok" } else { "WRONG" };
        println!("{verdict:5} {name:45} facts {:8} {}", numbers.join(","), case.about);
        if !is_right {
            wrong.push(crate::golden::difference(&expected, &found));
        }
        covered.extend(case.facts);
    }
    println!("{} cases, {} of {} facts", cases.len(), covered.len(), facts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(covered, facts.keys().copied().collect(), "each fact is worth a case");
}

/// Text for people contains the same remedies as JSON.
#[test]
fn messages_state_the_problem_and_the_remedy() {
    let dir = Workdir::new();
    copy(&folder().join("refused"), &dir.join("refused"));
    let ran: Ran = dir.pbi(["ingest", "refused", "--store", "store"]).ended(3);
    for words in ["error message", "web page", "empty list", "download the day again"] {
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(words), "{words}: {ran:?}");
    }
}
