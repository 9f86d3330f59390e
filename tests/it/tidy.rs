//! The rooms of ARCHITECTURE.md have borders, and the sources keep them: who may know whom, which
//! crate is named where, how long a file, a function and a line may be, and what ships at all.
//!
//! Whoever moves a border moves it here and in ARCHITECTURE.md, on purpose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::rust_text::{Source, closing, sources, walk, words};
use crate::sample_data::ROOT;

/// What each room may name of the others: all of a room, or one thing of it. Data flows left to
/// right, knowledge never flows back.
const KNOWS: [(&str, &[&str]); 22] = [
    ("error", &[]),
    ("schema", &[]),
    ("grid", &[]),
    ("person", &[]),
    ("source", &[]),
    ("record", &["schema"]),
    ("column", &["record", "schema"]),
    // Times are one thing wherever they stand; of events as parsed, the store knows nothing.
    ("store", &["column", "error", "record::time", "schema"]),
    ("source_warnings", &["record::loss_indicators", "schema"]),
    ("query", &["error", "grid", "schema", "store", "source_warnings"]),
    ("render", &["error", "grid"]),
    (
        "ingest",
        &["column", "error", "person", "record", "schema", "source", "store", "source_warnings"],
    ),
    ("rejects", &["error", "render", "schema", "store"]),
    ("report", &["data_dictionary", "error", "grid", "query", "render", "store"]),
    ("dashboard", &["error", "grid", "render", "report"]),
    ("export", &["column", "error", "store"]),
    ("data_dictionary", &["column", "error", "record::time", "schema", "store"]),
    ("status", &["error", "query", "record::time", "schema", "store"]),
    ("maintenance", &["error", "person", "schema", "store"]),
    // The command line knows the conductors and none of the stages.
    (
        "cli",
        &[
            "dashboard",
            "data_dictionary",
            "error",
            "export",
            "ingest",
            "rejects",
            "report",
            "status",
            "maintenance",
        ],
    ),
    ("lib", &["error"]),
    ("main", &[]),
];

/// The rooms in which each crate is named. What is listed without a room may be named anywhere.
const CRATES: [(&str, &[&str]); 41] = [
    ("arrow", &["column", "render", "store"]),
    ("async_trait", &["store"]),
    ("base64", &["render"]),
    ("blake3", &["person"]),
    ("bytes", &["store"]),
    (
        "chrono",
        &["cli", "export", "query", "record", "render", "report", "store", "source_warnings"],
    ),
    ("chrono_tz", &["query", "render", "report"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("csv", &["record", "render"]),
    ("deltalake_core", &["store"]),
    ("encoding_rs", &["source"]),
    ("flate2", &["source"]),
    ("futures", &["store"]),
    ("foldhash", &["column", "store"]),
    ("hashbrown", &["column", "store"]),
    ("indicatif", &["cli"]),
    ("memchr", &["ingest", "record", "source"]),
    ("object_store", &["store"]),
    ("parquet", &["render", "store"]),
    ("polars", &["query"]),
    ("rayon", &["ingest", "store", "maintenance"]),
    ("serde", &[]),
    ("serde_json", &["cli", "query", "record", "rejects", "render", "store"]),
    ("sha2", &["render"]),
    ("simd_json", &["record"]),
    ("sqlparser", &["query"]),
    ("tempfile", &["cli", "store"]),
    ("terminal_size", &["cli"]),
    ("thiserror", &["error"]),
    ("tokio", &["store"]),
    ("unicode_width", &["render"]),
    ("url", &["store"]),
    ("uuid", &["person", "store"]),
    ("walkdir", &["source"]),
    ("xxhash_rust", &["column", "source", "store"]),
    ("zip", &["render", "source"]),
    ("zstd", &["source", "store"]),
    // For tests and benches.
    ("criterion", &[]),
    ("proptest", &[]),
];

/// Fails with all that was found, not just the first.
#[track_caller]
fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The paths of a tree such as `a::{b, c::{d, e}}` at the beginning of code, and how much of the
/// code it is.
fn paths<'c>(code: &'c str, stem: &[&'c str], found: &mut Vec<Vec<&'c str>>) -> usize {
    let (mut path, mut at) = (stem.to_vec(), 0);
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if code[at..].starts_with('{') {
            let end = closing(code, at);
            // A comma may stand behind the last of them.
            while at + 1 < end && !code[at + 1..end - 1].trim().is_empty() {
                at += 1 + paths(&code[at + 1..end - 1], &path, found);
            }
            return end;
        }
        match words(&code[at..]).next() {
            Some((0, word)) => {
                path.push(word);
                at += word.len();
            }
            // A star, a bracket or nothing: what came before is the path.
            _ => {
                found.push(path);
                return at + code[at..].find([',', ';', '}']).unwrap_or(code.len() - at);
            }
        }
        let behind = code[at..].trim_start();
        if !behind.starts_with("::") {
            found.push(path);
            return at + code[at..].find([',', ';', '}']).unwrap_or(code.len() - at);
        }
        at = code.len() - behind.len() + 2;
    }
}

/// What a file names of its own crate, each with its position.
fn named(source: &Source) -> Vec<(usize, Vec<&str>)> {
    let mut all = Vec::new();
    for (at, word) in words(&source.shipped) {
        if word == "crate" && source.shipped[at..].starts_with("crate::") {
            let mut found = Vec::new();
            paths(&source.shipped[at + "crate::".len()..], &[], &mut found);
            all.extend(found.into_iter().map(|path| (at, path)));
        }
    }
    all
}

#[test]
fn trees_of_names_are_read_as_rust_reads_them() {
    let read = |code| {
        let mut found = Vec::new();
        paths(code, &[], &mut found);
        found.iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(read("a::b;"), ["a::b"]);
    assert_eq!(read("a::{self, b::{c, d as e}, f::*};"), ["a::self", "a::b::c", "a::b::d", "a::f"]);
    assert_eq!(read("{Error, a::B,\n}; use x::y;"), ["Error", "a::B"]);
    assert_eq!(read("a::new(b::c)"), ["a::new"]);
    assert_eq!(read("a::b::<T>()"), ["a::b"]);
}

#[test]
fn every_room_has_borders_and_stands_in_the_architecture() {
    let found: BTreeSet<String> = sources().iter().map(|source| source.room().to_owned()).collect();
    let known: BTreeSet<String> = KNOWS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(found, known, "the rooms of src, and those with borders");
    let architecture = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md"));
    let architecture = architecture.expect("ARCHITECTURE.md can be read");
    for room in known.iter().filter(|room| !["lib", "error"].contains(&room.as_str())) {
        let is_there = architecture
            .lines()
            .filter(|line| line.starts_with('|'))
            .any(|line| line.contains(&format!("`{room}`")));
        assert!(is_there, "{room} is missing in the table of ARCHITECTURE.md");
    }
}

#[test]
fn no_room_names_another_that_it_must_not_know() {
    let knows = BTreeMap::from(KNOWS);
    let mut found = Vec::new();
    for source in sources() {
        for (at, path) in named(&source) {
            let first = match path[0] {
                "Error" | "Result" => "error",
                room => room,
            };
            let exact = path.get(1).map(|second| format!("{first}::{second}"));
            let is_known = knows[source.room()]
                .iter()
                .any(|known| *known == first || exact.as_deref() == Some(*known));
            if first != source.room() && !is_known {
                found.push(format!("{} names crate::{}", source.at(at), path.join("::")));
            }
        }
    }
    assert_none(found, "a border of ARCHITECTURE.md is crossed");
}

/// `super` is a way around the borders when it leads out of the room.
#[test]
fn no_room_is_left_upwards() {
    let mut found = Vec::new();
    for source in sources() {
        let mut at = 0;
        while let Some(next) = source.shipped[at..].find("super::") {
            let start = at + next;
            let mut chain = 0;
            at = start;
            while source.shipped[at..].starts_with("super::") {
                (chain, at) = (chain + 1, at + "super::".len());
            }
            if chain > source.depth() {
                found.push(source.at(start));
            }
        }
    }
    assert_none(found, "a path leads out of its room by super");
}

/// The program is a thin door: it names the command line and nothing else of the library.
#[test]
fn the_program_names_the_command_line_only() {
    let mut seen = 0;
    for source in sources() {
        for (at, word) in words(&source.shipped) {
            if word == "pbi_analyze" {
                assert_eq!(source.name, "src/main.rs", "the library names itself");
                assert!(
                    source.shipped[at..].starts_with("pbi_analyze::cli::"),
                    "{}",
                    source.at(at)
                );
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 1, "the program calls the library");
}

/// Whether a name is a module of this crate in a file, so that it is no crate there.
fn is_own(source: &Source, name: &str) -> bool {
    let declared = source.shipped.contains(&format!("mod {name};"));
    declared || named(source).iter().any(|(_, path)| path.last() == Some(&name))
}

/// Where a file names a crate: at the root of a path.
fn crate_at(source: &Source, name: &str) -> Option<usize> {
    let code = &source.shipped;
    let is_root = |&(at, word): &(usize, &str)| {
        let is_path = code[at + word.len()..].starts_with("::");
        word == name && is_path && !code[..at].ends_with("::")
    };
    let found = words(code).find(is_root).map(|(at, _)| at)?;
    (!is_own(source, name)).then_some(found)
}

#[test]
fn every_crate_is_named_in_its_own_rooms_only() {
    let mut found = Vec::new();
    for source in sources() {
        for (name, rooms) in CRATES {
            if let Some(at) = crate_at(&source, name)
                && !rooms.is_empty()
                && !rooms.contains(&source.room())
            {
                found.push(format!("{} names {name}", source.at(at)));
            }
        }
    }
    assert_none(found, "a crate is named outside of its rooms");
}

/// The names in one section of Cargo.toml, as Rust spells them.
fn dependencies(section: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml"));
    let manifest = manifest.expect("Cargo.toml can be read");
    let lines = manifest.lines().skip_while(|line| line.trim() != format!("[{section}]")).skip(1);
    let entries = lines.take_while(|line| !line.starts_with('['));
    let names = entries.filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (name, _) = line.split_once('=')?;
        Some(name.trim().replace('-', "_"))
    });
    let names: BTreeSet<String> = names.collect();
    assert!(!names.is_empty(), "no [{section}] in Cargo.toml");
    names
}

#[test]
fn every_dependency_has_its_rooms_and_is_used() {
    let shipped = dependencies("dependencies");
    let for_tests = dependencies("dev-dependencies");
    let known: BTreeSet<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(shipped.union(&for_tests).cloned().collect::<BTreeSet<_>>(), known);

    let sources = sources();
    let unused = |name: &&String| !sources.iter().any(|source| crate_at(source, name).is_some());
    let unused: Vec<String> = shipped.iter().filter(unused).cloned().collect();
    assert_none(unused, "a dependency that no source names");

    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        walk(&Path::new(ROOT).join(folder), &mut paths);
    }
    let texts: Vec<String> =
        paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    for name in for_tests {
        let used = texts.iter().any(|text| text.contains(&format!("{name}::")));
        assert!(used, "no test and no bench names {name}");
    }
}

/// What fits into a head fits on two screens.
#[test]
fn files_functions_and_lines_are_short() {
    const FILE_LINES_MAX: usize = 600;
    const FUNCTION_LINES_MAX: usize = 70;
    const LINE_CHARS_MAX: usize = 100;
    let (mut found, mut functions) = (Vec::new(), 0);
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(format!("{} has {lines} lines", source.name));
        }
        for (number, line) in source.text.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX {
                found.push(format!("{}:{} has {chars} characters", source.name, number + 1));
            }
        }
        for (at, word) in words(&source.code) {
            let Some(open) = source.code[at..].find(['{', ';']).map(|open| at + open) else {
                continue;
            };
            // A type such as `fn(&str)` has no name, a declaration in a trait no body.
            let has_name = source.code[at + word.len()..].starts_with(' ');
            if word == "fn" && has_name && source.code[open..].starts_with('{') {
                functions += 1;
                let end = closing(&source.code, open);
                let lines = source.code[at..end].matches('\n').count() + 1;
                if lines > FUNCTION_LINES_MAX {
                    found.push(format!("{}: a function of {lines} lines", source.at(at)));
                }
            }
        }
    }
    assert!(functions > 300, "only {functions} functions were looked at");
    assert_none(found, "too long");
}

#[test]
fn every_source_says_first_what_it_is() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    assert_none(silent.map(|source| source.name).collect(), "a file does not begin with //!");
}

/// What input or the disk can cause is an error to be told. Output goes through one place.
#[test]
fn what_ships_neither_panics_nor_prints_where_it_must_not() {
    const METHODS: [&str; 2] = ["unwrap", "expect"];
    const MACROS: [&str; 8] =
        ["panic", "todo", "unimplemented", "unreachable", "dbg", "print", "println", "eprint"];
    let mut found = Vec::new();
    for source in sources() {
        let code = &source.shipped;
        for (at, word) in words(code) {
            let behind = &code[at + word.len()..];
            let is_method = METHODS.contains(&word)
                && behind.starts_with('(')
                && code[..at].trim_end().ends_with('.');
            let is_told = word == "eprintln" && source.room() != "cli";
            let is_macro = (MACROS.contains(&word) || is_told) && behind.starts_with('!');
            if is_method || is_macro {
                found.push(format!("{}: {word}", source.at(at)));
            }
        }
    }
    assert_none(found, "this ends the program, or writes past src/cli/out.rs");
}

#[test]
fn unsafe_stands_in_one_place() {
    let mut found: Vec<String> = Vec::new();
    for source in sources() {
        let is_there = words(&source.code).any(|(_, word)| word == "unsafe");
        found.extend(is_there.then_some(source.name));
    }
    assert_eq!(found, ["src/source/structural_scan.rs"]);
}

/// Where items stand that are for one kind of system only.
fn of_one_system(code: &str) -> Vec<std::ops::Range<usize>> {
    let marks = ["#[cfg(unix)]", "#[cfg(target_os"];
    let begins = marks.iter().flat_map(|mark| code.match_indices(mark).map(|(at, _)| at));
    let extent = |at: usize| {
        let end = code[at..].find(['{', ';']).map_or(code.len(), |end| at + end);
        at..if code[end..].starts_with('{') { closing(code, end) } else { end }
    };
    begins.map(extent).collect()
}

#[test]
fn what_only_some_systems_have_is_asked_of_those() {
    let mut found = Vec::new();
    for source in &sources() {
        let guarded = of_one_system(&source.shipped);
        for call in ["os::unix", "os::linux", "os::windows", "libc::"] {
            for (at, _) in source.shipped.match_indices(call) {
                if !guarded.iter().any(|extent| extent.contains(&at)) {
                    found.push(format!("{}: {call}", source.at(at)));
                }
            }
        }
    }
    assert_none(found, "not behind a cfg of its system");
    let code =
        "use a;\n#[cfg(unix)]\nuse os::unix::x;\n#[cfg(unix)]\nmod b { f({ y }); }\nmod c {}";
    let extents = of_one_system(code);
    assert_eq!(extents.len(), 2);
    assert!(code[extents[0].clone()].ends_with("os::unix::x"));
    assert!(code[extents[1].clone()].ends_with("f({ y }); }"));
}

/// What is left to do is written where it is planned, not where it is forgotten.
#[test]
fn nothing_is_left_to_be_done_in_passing() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut paths = Vec::new();
    for folder in ["src", "tests", "queries", "sample-data", "benches", "docs"] {
        walk(&Path::new(ROOT).join(folder), &mut paths);
    }
    let top = std::fs::read_dir(ROOT).expect("the repository can be listed");
    let top = top.map(|entry| entry.expect("the repository can be listed").path());
    paths.extend(top.filter(|path| path.is_file()));
    assert!(paths.len() > 100, "the repository has more files than these: {paths:?}");
    let mut found = Vec::new();
    for path in paths {
        let text =
            String::from_utf8_lossy(&std::fs::read(&path).expect("it can be read")).into_owned();
        let is_marked = |line: &&str| marks.iter().any(|mark| line.contains(mark));
        found
            .extend(text.lines().find(is_marked).map(|line| format!("{}: {line}", path.display())));
    }
    assert_none(found, "something is left to be done");
}
