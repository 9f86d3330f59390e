//! Checks that `ingest --dry-run` reports what a run then does, and changes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::events::plain;
use crate::workdir::{Ran, Sources, Workdir};

/// Output of `ingest --dry-run --format json`, which other programs read.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    sources: Sources,
    bytes: u64,
    files: Vec<Planned>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    source: String,
    state: String,
    bytes: Option<u64>,
    reason: Option<String>,
}

fn plan(dir: &Workdir) -> (Ran, Plan) {
    let ran = dir.pbi(["ingest", "archive", "--store", "store", "--dry-run", "--format", "json"]);
    let plan: Plan =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let sources = &plan.sources;
    assert_eq!(sources.found, sources.new + sources.known + sources.failed);
    assert_eq!(sources.found, plan.files.len() as u64);
    (ran, plan)
}

/// Returns the content and modification time of everything below a folder.
fn content_and_times(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let meta = std::fs::metadata(&path).expect("it can be looked at");
        let content = if meta.is_dir() {
            found.extend(content_and_times(&path));
            Vec::new()
        } else {
            std::fs::read(&path).expect("it can be read")
        };
        found.insert(path, (content, meta.modified().expect("the disk tells times")));
    }
    found
}

fn states(plan: &Plan) -> Vec<(&str, &str)> {
    plan.files.iter().map(|file| (file.source.as_str(), file.state.as_str())).collect()
}

#[test]
fn dry_run_creates_no_store() {
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    dir.write("archive/b.json", plain(0, 1));
    let before = content_and_times(dir.path());
    let (ran, plan) = plan(&dir);
    assert_eq!(ran.ended(0).stderr, "");
    assert_eq!(states(&plan), [("archive/a.json", "new"), ("archive/b.json", "new")]);
    assert_eq!(plan.bytes, (plain(0, 0).len() + plain(0, 1).len()) as u64);
    assert_eq!(content_and_times(dir.path()), before);
}

#[test]
fn dry_run_reports_what_the_run_does() {
    let dir = Workdir::new();
    for (number, name) in ["changed", "known", "moved"].into_iter().enumerate() {
        dir.write(&format!("archive/{name}.json"), plain(0, number));
    }
    dir.ingest("store", &["archive"]).0.ended(0);
    let longer = format!("[{},{}]", plain(0, 0), plain(1, 0));
    dir.write("archive/changed.json", &longer);
    std::fs::rename(dir.join("archive/moved.json"), dir.join("archive/sorted.json")).unwrap();
    let new = format!("[{}]\n\n", plain(2, 0));
    dir.write("archive/new.json", &new);

    let before = content_and_times(dir.path());
    let (ran, plan) = plan(&dir);
    ran.ended(0);
    let expected =
        [("changed", "changed"), ("known", "known"), ("new", "new"), ("sorted", "known")]
            .map(|(name, state)| (format!("archive/{name}.json"), state));
    let expected: Vec<_> = expected.iter().map(|(name, state)| (name.as_str(), *state)).collect();
    assert_eq!(states(&plan), expected);
    assert_eq!(plan.bytes, (longer.len() + new.len()) as u64);
    assert_eq!(content_and_times(dir.path()), before);

    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    assert_eq!(summary.sources, plan.sources);
}

#[test]
fn text_of_a_dry_run_lists_the_files_to_read() {
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    dir.ingest("store", &["archive"]).0.ended(0);
    dir.write("archive/b.json", format!("[{}]", plain(0, 1)));
    let ran = dir.pbi(["ingest", "archive", "--store", "store", "--dry-run"]).ended(0);
    let bytes = plain(0, 1).len() + 2;
    let expected = format!(
        "new     {bytes:>15}  archive/b.json\n\n\
         sources  2 found = 1 new + 1 known + 0 failed\n\
         bytes    {bytes} would be read\n"
    );
    assert_eq!(ran.stdout, expected);
}

/// The file has a terabyte: no test could wait until it is read.
#[cfg(unix)]
#[test]
fn dry_run_reads_no_new_file() {
    let dir = Workdir::new();
    let file = std::fs::File::create(dir.write("archive/large.json", "")).expect("it can be made");
    file.set_len(1 << 40).expect("the disk has files with holes");
    let (ran, plan) = plan(&dir);
    ran.ended(0);
    assert_eq!(plan.bytes, 1 << 40);
}

#[cfg(unix)]
#[test]
fn dry_run_reports_unreadable_files() {
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    std::os::unix::fs::symlink("nowhere", dir.join("archive/b.json")).expect("links can be made");
    let (ran, plan) = plan(&dir);
    let ran = ran.ended(3);
    assert!(ran.stderr.starts_with("pbi-analyze: archive/b.json: cannot be read: "), "{ran:?}");
    assert_eq!(states(&plan), [("archive/a.json", "new"), ("archive/b.json", "failed")]);
    assert_eq!(plan.sources.failed, 1);
    let ran = dir.pbi(["ingest", "nowhere", "--dry-run"]).ended(2);
    assert!(ran.stderr.contains("cannot read nowhere: "), "{ran:?}");
}
