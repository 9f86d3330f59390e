//! Replays the seeds of the fuzz targets: inputs that once failed, and inputs that the fuzzer
//! starts with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::targets;

/// Replays the seeds of a target, and every other data file of the project.
fn replay(name: &str, target: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let seeds = files(&root.join("fuzz/seeds").join(name));
    assert!(!seeds.is_empty(), "fuzz/seeds/{name}");
    let samples = ["sample-data", "sample-data-damaged", "sample-data-inventory"]
        .map(|folder| files(&root.join(folder)));
    for path in seeds.iter().chain(&samples.concat()) {
        println!("{}", path.display());
        target(&fs::read(path).unwrap());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn any_bytes_have_a_format_or_are_refused() {
    replay("shape", targets::shape);
}

#[test]
fn records_equal_the_items_of_an_array() {
    replay("bounds", targets::bounds);
}

#[test]
fn text_is_equal_in_every_encoding() {
    replay("encoding", targets::encoding);
}

#[test]
fn csv_rows_return_their_cells() {
    replay("csv", targets::csv);
}

#[test]
fn events_become_rows() {
    replay("columns", targets::columns);
}

#[test]
fn records_by_shape_are_those_of_the_tape() {
    replay("record_shape", targets::record_shape);
}

#[test]
fn timestamps_are_written_as_they_were_read() {
    replay("time", targets::time);
}

/// Every target has seeds and a program that the fuzzer starts.
#[test]
fn every_target_can_be_fuzzed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let text = fs::read_to_string(fuzz.join("src/targets.rs")).unwrap();
    let targets: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub fn ")?.split_once('(').map(|(name, _)| name))
        .collect();
    assert_eq!(targets.len(), 7);
    for target in targets {
        assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
        let program = fs::read_to_string(fuzz.join(format!("targets/{target}.rs"))).unwrap();
        assert!(program.contains(&format!("targets::{target}(data)")), "{target}");
        assert!(fs::read_dir(fuzz.join("seeds").join(target)).unwrap().count() > 0);
    }
}
