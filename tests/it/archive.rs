//! Creates the large invented archive and the invented year, each once for all tests of a run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::oracle::Oracle;
use crate::synth::{Layout, Spec, Spelling, Types, Written, write_archive};
use crate::workdir::Workdir;
use crate::year::{self, Year};

/// An archive on disk with the results of the generator and the oracle.
pub struct Archive {
    pub dir: PathBuf,
    pub spec: Spec,
    pub written: Written,
    oracle: OnceLock<Oracle>,
}

impl Archive {
    /// Returns the result of the oracle, calculated on first use.
    pub fn oracle(&self) -> &Oracle {
        self.oracle.get_or_init(|| Oracle::read(&self.dir).expect("the archive can be read"))
    }

    pub fn dir(&self) -> &str {
        self.dir.to_str().expect("the folder's name is UTF-8")
    }
}

/// Returns an archive with all containers, both spellings, unusual types, duplicates and both logs.
/// It is so large that every thread has work and the batches of the program are full.
pub fn large() -> &'static Archive {
    static LARGE: OnceLock<Archive> = OnceLock::new();
    LARGE.get_or_init(|| {
        let spec = Spec {
            seed: 20_240_304,
            events: 300_000,
            days: 32,
            users: 900,
            reports: 300,
            duplicates_share: 0.03,
            spelling: Spelling::Both,
            types: Types::Varied,
            ..Spec::default()
        };
        let dir = folder("large");
        let written = write_archive(&dir, &spec, Layout::Mixed).expect("the archive fits the disk");
        assert!(written.poorer > 0 && written.conflicting > 0, "{written:?}");
        Archive { dir, spec, written, oracle: OnceLock::new() }
    })
}

/// Returns REST pages with many exact duplicates, of which any may be kept.
pub fn repeated() -> &'static Archive {
    static REPEATED: OnceLock<Archive> = OnceLock::new();
    REPEATED.get_or_init(|| {
        let spec =
            Spec { seed: 7, events: 40_000, days: 40, duplicates_share: 0.1, ..Spec::default() };
        let dir = folder("repeated");
        let written = write_archive(&dir, &spec, Layout::RestPages).expect("the disk has room");
        assert_eq!((written.poorer, written.conflicting), (0, 0));
        Archive { dir, spec, written, oracle: OnceLock::new() }
    })
}

/// The invented year, in a store.
pub struct YearArchive {
    /// Folder with the archive in `year` and the store in `store`.
    pub dir: Workdir,
    pub year: Year,
}

impl YearArchive {
    /// Returns the names of all reports.
    pub fn reports(&self) -> Vec<String> {
        let text = self.dir.pbi(["reports", "--format", "json"]).ended(0).stdout;
        let list: serde_json::Value = serde_json::from_str(&text).expect("the list is JSON");
        let names = list["rows"].as_array().into_iter().flatten();
        let names: Vec<String> =
            names.filter_map(|row| row["report"].as_str()).map(str::to_owned).collect();
        assert!(!names.is_empty(), "there are reports: {text}");
        names
    }
}

/// Returns the invented year. Three of its files are truncated, which the run reports.
pub fn year() -> &'static YearArchive {
    static YEAR: OnceLock<YearArchive> = OnceLock::new();
    YEAR.get_or_init(|| {
        let (dir, year) = (Workdir::below(&folder("year")), year::make());
        year.write(&dir.join("year")).expect("the archive fits the disk");
        let (ran, summary) = dir.ingest("store", &["year"]);
        ran.ended(3);
        assert_eq!(summary.records.stored, year.events.len() as u64);
        YearArchive { dir, year }
    })
}

/// Creates a folder for an archive that lives as long as this process. A test process does not
/// notice its last test, so the folders of earlier processes are deleted here after an hour, which
/// is longer than any process runs.
fn folder(name: &str) -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("archives");
    std::fs::create_dir_all(&all).expect("the folder for archives can be made");
    for entry in std::fs::read_dir(&all).expect("the folder for archives can be listed").flatten() {
        let modified = entry.metadata().and_then(|meta| meta.modified());
        let age = modified.ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
        if age > Duration::from_secs(3600) {
            // Another process may delete the folder at the same time.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    all.join(format!("{name}-{}", std::process::id()))
}
