//! Checks the sources against ARCHITECTURE.md: which room may name which other one, where a crate
//! is named, how long files, functions and lines may be, and that every type name is unique.
//!
//! A border is moved here and in ARCHITECTURE.md together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::sample_data::ROOT;
use crate::sources::{Source, relative, sources, walk};

/// Names that each room may use of the others: a whole room, or one module of it. Data flows left
/// to right, knowledge never flows back.
const KNOWS: [(&str, &[&str]); 32] = [
    ("error", &[]),
    ("interrupt", &[]),
    ("staged_folder", &["error", "interrupt"]),
    ("calendar", &["error"]),
    ("schema", &[]),
    ("simd", &[]),
    ("grid", &[]),
    ("person", &["schema"]),
    ("source", &["error", "simd"]),
    ("record", &["schema", "simd"]),
    ("column", &["record", "schema", "simd"]),
    // Times are the same everywhere; the store knows nothing of parsed events.
    ("store", &["column", "error", "interrupt", "record::time", "schema"]),
    ("inventory", &["record", "schema"]),
    ("source_warnings", &["record::loss_indicators", "schema"]),
    ("query", &["calendar", "error", "grid", "inventory", "schema", "store", "source_warnings"]),
    ("render", &["error", "grid"]),
    (
        "ingest",
        &[
            "column",
            "error",
            "interrupt",
            "inventory",
            "person",
            "record",
            "schema",
            "source",
            "store",
            "source_warnings",
        ],
    ),
    ("scan", &["error", "ingest", "store"]),
    ("rejects", &["error", "render", "schema", "store"]),
    ("report", &["calendar", "data_dictionary", "error", "grid", "query", "render", "store"]),
    ("dashboard", &["error", "grid", "render", "report"]),
    ("powerbi", &["error", "grid", "interrupt", "render", "report", "staged_folder"]),
    ("export", &["calendar", "column", "error", "query", "store"]),
    ("data_dictionary", &["column", "error", "record::time", "schema", "store"]),
    ("gaps", &["calendar", "error", "query", "schema", "store"]),
    ("status", &["error", "inventory", "query", "record::time", "schema", "store"]),
    ("watch", &["calendar", "error", "gaps", "query", "schema", "source_warnings", "store"]),
    ("maintenance", &["error", "person", "schema", "store"]),
    // The command line knows the conductors and none of the stages.
    (
        "cli",
        &[
            "dashboard",
            "data_dictionary",
            "error",
            "export",
            "gaps",
            "ingest",
            "interrupt",
            "powerbi",
            "rejects",
            "report",
            "staged_folder",
            "status",
            "watch",
            "maintenance",
        ],
    ),
    // The public interface names what callers of the library need, and defines nothing.
    (
        "api",
        &[
            "calendar",
            "export",
            "grid",
            "ingest",
            "maintenance",
            "query",
            "render",
            "report",
            "scan",
            "schema::source_log",
            "status",
            "store",
        ],
    ),
    // The crate root also re-exports rooms for tests and benchmarks (`internals`).
    (
        "lib",
        &[
            "api",
            "column",
            "error",
            "export",
            "grid",
            "ingest",
            "interrupt",
            "maintenance",
            "query",
            "record",
            "render",
            "report",
            "scan",
            "schema",
            "source",
            "status",
            "store",
        ],
    ),
    ("main", &[]),
];

/// Crates that only some rooms may name, because their types would spread.
const CRATES: [(&str, &[&str]); 13] = [
    ("arrow_json", &["source"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("deltalake_core", &["store"]),
    ("object_store", &["store"]),
    ("parquet", &["render", "source", "store"]),
    ("polars", &["query"]),
    ("rayon", &["ingest", "maintenance", "store"]),
    ("signal_hook", &["cli"]),
    ("simd_json", &["record"]),
    ("sqlparser", &["query"]),
    ("tokio", &["store"]),
];

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 100;

/// Type names that several files may define: each is the idiom of its module.
const COMMON_TYPES: [&str; 3] = ["Error", "Options", "Result"];

/// Fails with all violations, not just the first.
#[track_caller]
fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Parses small files for the tests of the checks.
fn fake(files: &[(&str, &str)]) -> Vec<Source> {
    files.iter().map(|(name, text)| Source::parse(&format!("src/{name}"), text)).collect()
}

/// Returns the paths that cross a border.
fn crossed_borders(sources: &[Source]) -> Vec<String> {
    let knows = BTreeMap::from(KNOWS);
    let mut found = Vec::new();
    for source in sources {
        for named in source.shipped.paths.iter().filter(|named| named.path[0] == "crate") {
            let Some(first) = named.path.get(1) else { continue };
            let room = match first.as_str() {
                "Error" | "Result" => "error",
                room => room,
            };
            let module = named.path.get(2).map(|second| format!("{room}::{second}"));
            let is_known = knows[source.room()]
                .iter()
                .any(|known| *known == room || module.as_deref() == Some(*known));
            if room != source.room() && !is_known {
                found.push(format!("{} names {}", source.at(named.line), named.path.join("::")));
            }
        }
    }
    found
}

/// Returns the paths that leave a room by `super`, which would avoid the borders.
fn left_rooms(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let is_mod = source.name.ends_with("/mod.rs");
        let depth = source.name.matches('/').count() - 1 - usize::from(is_mod);
        for named in &source.shipped.paths {
            let supers = named.path.iter().take_while(|name| *name == "super").count();
            if supers > depth {
                found.push(format!("{} names {}", source.at(named.line), named.path.join("::")));
            }
        }
    }
    found
}

/// Returns the rooms that name a crate of others.
fn stray_crates(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (name, rooms) in CRATES.iter().filter(|(_, rooms)| !rooms.contains(&source.room())) {
            if let Some(named) = source.named_crate(name) {
                let allowed = rooms.join(" or ");
                found.push(format!("{} names {name}: use {allowed}", source.at(named.line)));
            }
        }
    }
    found
}

/// Returns the files, functions and lines that are too long, and the number of functions.
fn too_long(sources: &[Source]) -> (Vec<String>, usize) {
    let (mut found, mut functions) = (Vec::new(), 0);
    for source in sources {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            found.push(format!("{} has {lines} lines", source.name));
        }
        for (number, line) in source.text.lines().enumerate() {
            let chars = line.chars().count();
            if chars > LINE_CHARS_MAX {
                found.push(format!("{} has {chars} characters", source.at(number + 1)));
            }
        }
        let mut all = Functions::default();
        all.visit_file(&source.syntax);
        functions += all.lines.len();
        for (start, end) in all.lines {
            let lines = end - start + 1;
            if lines > FUNCTION_LINES_MAX {
                found.push(format!("{}: a function of {lines} lines", source.at(start)));
            }
        }
    }
    (found, functions)
}

/// First and last lines of all functions with a body.
#[derive(Default)]
struct Functions {
    lines: Vec<(usize, usize)>,
}

impl Functions {
    fn push(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let end: Span = block.brace_token.span.close();
        self.lines.push((signature.fn_token.span().start().line, end.end().line));
    }
}

impl<'s> Visit<'s> for Functions {
    fn visit_item_fn(&mut self, function: &'s syn::ItemFn) {
        self.push(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'s syn::ImplItemFn) {
        self.push(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'s syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.push(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Returns the files that do not begin with a module comment.
fn without_head(sources: &[Source]) -> Vec<String> {
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    silent.map(|source| source.name.clone()).collect()
}

/// Returns calls of one operating system that are compiled for others too.
fn unguarded_system_calls(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for named in source.shipped.paths.iter().filter(|named| !named.has_system_cfg) {
            let path = named.path.join("::");
            let of_system = ["os::unix", "os::linux", "os::windows", "libc::"];
            if of_system.iter().any(|part| path.contains(part)) {
                found.push(format!("{} names {path}", source.at(named.line)));
            }
        }
    }
    found
}

/// Returns the type names that several files define.
fn shared_type_names(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for source in sources {
        for (name, line) in &source.shipped.types {
            places.entry(name).or_default().insert(&source.name, *line);
        }
    }
    let shared =
        places.into_iter().filter(|(name, files)| files.len() > 1 && !COMMON_TYPES.contains(name));
    let format = |(name, files): (&str, BTreeMap<&str, usize>)| {
        let files: Vec<String> =
            files.iter().map(|(file, line)| format!("{file}:{line}")).collect();
        format!("{name}: {}", files.join(", "))
    };
    shared.map(format).collect()
}

/// Returns the names in one section of Cargo.toml, as Rust spells them.
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

/// Returns the lines with a note that something is left to do.
fn unfinished<'t>(name: &str, text: &'t str) -> impl Iterator<Item = String> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let is_marked = move |line: &&'t str| marks.iter().any(|mark| line.contains(mark));
    text.lines().filter(is_marked).map(move |line| format!("{name}: {line}"))
}

#[test]
fn every_room_is_in_the_architecture_and_has_borders() {
    let found: BTreeSet<String> = sources().iter().map(|source| source.room().to_owned()).collect();
    let known: BTreeSet<String> = KNOWS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(found, known, "the rooms of src, and those with borders");
    let architecture = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md"));
    let architecture = architecture.expect("ARCHITECTURE.md can be read");
    for room in known.iter().filter(|room| !["lib", "error"].contains(&room.as_str())) {
        let is_listed = architecture
            .lines()
            .filter(|line| line.starts_with('|'))
            .any(|line| line.contains(&format!("`{room}`")));
        assert!(is_listed, "{room} is missing in the table of ARCHITECTURE.md");
    }
}

#[test]
fn rooms_name_only_the_rooms_that_they_may_know() {
    assert_none(crossed_borders(&sources()), "a border of ARCHITECTURE.md is crossed");
}

#[test]
fn a_crossed_border_is_found() {
    let sources = fake(&[
        ("grid.rs", "use crate::store::{self, Store};\nfn f() -> crate::Result<()> { g() }"),
        ("store/mod.rs", "use crate::record::time; use crate::record::csv; use crate::store::a;"),
    ]);
    let expected = [
        "src/grid.rs:1 names crate::store",
        "src/grid.rs:1 names crate::store::Store",
        "src/grid.rs:2 names crate::Result",
        "src/store/mod.rs:1 names crate::record::csv",
    ];
    assert_eq!(crossed_borders(&sources), expected);
}

#[test]
fn no_path_leaves_its_room_by_super() {
    assert_none(left_rooms(&sources()), "a path leaves its room by super");
    let sources = fake(&[
        ("a/mod.rs", "use super::b;"),
        ("a/c.rs", "use super::d; use super::super::b;"),
        ("a/e/mod.rs", "use super::d;"),
    ]);
    let expected = ["src/a/mod.rs:1 names super::b", "src/a/c.rs:1 names super::super::b"];
    assert_eq!(left_rooms(&sources), expected);
}

#[test]
fn main_names_only_the_command_line() {
    let mut calls = 0;
    for source in &sources() {
        for named in source.shipped.paths.iter().filter(|named| named.path[0] == "pbi_analyze") {
            let at = source.at(named.line);
            assert_eq!(source.name, "src/main.rs", "the library names itself: {at}");
            assert_eq!(named.path.get(1).map(String::as_str), Some("cli"), "{at}");
            calls += 1;
        }
    }
    assert_eq!(calls, 1, "calls of the library in the program");
}

#[test]
fn crates_are_named_only_in_their_rooms() {
    assert_none(stray_crates(&sources()), "a crate is named outside of its rooms");
    let sources = fake(&[
        ("cli/mod.rs", "mod parquet; use clap::Parser; fn f() { parquet::g() }"),
        ("report/mod.rs", "use polars::prelude::*;"),
        ("ingest/mod.rs", "fn f() { panic!(\"{}\", tokio::g()) }"),
    ]);
    let expected = [
        "src/report/mod.rs:1 names polars: use query",
        "src/ingest/mod.rs:1 names tokio: use store",
    ];
    assert_eq!(stray_crates(&sources), expected);
}

#[test]
fn every_dependency_is_used() {
    let sources = sources();
    let is_unused = |name: &String| sources.iter().all(|source| source.named_crate(name).is_none());
    let unused = dependencies("dependencies").into_iter().filter(is_unused).collect();
    assert_none(unused, "a dependency that no source names");

    let mut paths = Vec::new();
    for folder in ["tests", "benches"] {
        walk(&Path::new(ROOT).join(folder), &mut paths);
    }
    let texts: Vec<String> =
        paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    for name in dependencies("dev-dependencies") {
        let is_used = texts.iter().any(|text| text.contains(&format!("{name}::")));
        assert!(is_used, "no test and no bench names {name}");
    }
}

#[test]
fn files_functions_and_lines_are_short() {
    let (found, functions) = too_long(&sources());
    assert!(functions > 300, "only {functions} functions were checked");
    assert_none(found, "too long");
}

#[test]
fn long_files_functions_and_lines_are_found() {
    let long = format!("impl X {{\n    fn f() {{\n{}    }}\n}}\n", "        g();\n".repeat(69));
    let wide = format!("// {}\nfn f() {{\n{}}}\n", "x".repeat(98), "    g();\n".repeat(68));
    let many = "// x\n".repeat(601);
    let sources = fake(&[("a.rs", &long), ("b.rs", &wide), ("c.rs", &many)]);
    let expected = [
        "src/a.rs:2: a function of 71 lines",
        "src/b.rs:1 has 101 characters",
        "src/c.rs has 601 lines",
    ];
    assert_eq!(too_long(&sources), (expected.map(str::to_owned).to_vec(), 2));
}

#[test]
fn every_source_begins_with_a_module_comment() {
    assert_none(without_head(&sources()), "a file does not begin with //!");
    let sources = fake(&[("a.rs", "//! Does a thing.\n"), ("b.rs", "// Does another thing.\n")]);
    assert_eq!(without_head(&sources), ["src/b.rs"]);
}

#[test]
fn unsafe_code_is_in_one_file() {
    let has_unsafe = |source: &&Source| {
        let lines = source.text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut words =
            lines.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'));
        words.any(|word| word == "unsafe")
    };
    let sources = sources();
    let found: Vec<&str> =
        sources.iter().filter(has_unsafe).map(|source| source.name.as_str()).collect();
    assert_eq!(found, ["src/simd.rs"]);
}

#[test]
fn calls_of_one_operating_system_have_a_cfg() {
    assert_none(unguarded_system_calls(&sources()), "a call without a cfg of its system");
    let code = "#[cfg(unix)]\nfn f() { use std::os::unix::fs::symlink; }\n\
                #[cfg(not(unix))]\nmod imp { use std::os::windows::g; }\n\
                use std::os::unix::fs::MetadataExt;";
    let sources = fake(&[("a.rs", code)]);
    let expected = ["src/a.rs:5 names std::os::unix::fs::MetadataExt"];
    assert_eq!(unguarded_system_calls(&sources), expected);
}

#[test]
fn every_type_name_is_unique() {
    assert_none(shared_type_names(&sources()), "several types have one name");
    let sources = fake(&[
        ("a.rs", "pub struct Kind; struct Options; trait Draw {}"),
        ("b.rs", "enum Kind {}\nstruct Options; impl I for J { type Draw = (); }"),
        ("c.rs", "type Draw = u8; #[cfg(test)] mod tests { struct Kind; }"),
    ]);
    let expected = ["Draw: src/a.rs:1, src/c.rs:1", "Kind: src/a.rs:1, src/b.rs:1"];
    assert_eq!(shared_type_names(&sources), expected);
}

/// Work that is left to do belongs into the plan, where it is not forgotten.
#[test]
fn nothing_is_left_to_do() {
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
        let bytes = std::fs::read(&path).expect("the file can be read");
        found.extend(unfinished(&relative(&path), &String::from_utf8_lossy(&bytes)));
    }
    assert_none(found, "something is left to do");
    let text = concat!("a\n// TO", "DO: b\n");
    assert_eq!(unfinished("x", text).collect::<Vec<_>>(), [concat!("x: // TO", "DO: b")]);
}
