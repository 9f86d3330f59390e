//! Replays the seeds of the fuzz targets: inputs that once failed, and inputs that the fuzzer
//! starts with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{store_targets, targets};

/// Replays the seeds of a target, and every other data file of the project.
fn replay(name: &str, target: fn(&[u8])) {
    replay_seeds(name, target);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["sample-data", "sample-data-damaged", "sample-data-inventory"] {
        replay_files(&root.join(folder), target);
    }
}

/// Replays the seeds of a target.
fn replay_seeds(name: &str, target: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    replay_files(&seeds, target);
}

fn replay_files(folder: &Path, target: fn(&[u8])) {
    let found = files(folder);
    assert!(!found.is_empty(), "{}", folder.display());
    for path in found {
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

#[test]
fn damaged_files_of_a_store_are_found() {
    replay_seeds("store_files", store_targets::store_files);
}

#[test]
fn statements_are_answered_or_refused() {
    replay_seeds("sql", store_targets::sql);
}

/// Every target has seeds and a program that the fuzzer starts.
#[test]
fn every_target_can_be_fuzzed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut number = 0;
    for package in [fuzz.clone(), fuzz.join("store")] {
        let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let text = fs::read_to_string(package.join("src/targets.rs")).unwrap();
        let functions = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub fn ")?.split_once('(').map(|(name, _)| name));
        for target in functions {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
            let program = package.join(format!("targets/{target}.rs"));
            let program = fs::read_to_string(program).unwrap();
            assert!(program.contains(&format!("targets::{target}(data)")), "{target}");
            assert!(fs::read_dir(fuzz.join("seeds").join(target)).unwrap().count() > 0);
            number += 1;
        }
    }
    assert_eq!(number, 9);
}
