//! Checks that ARCHITECTURE.md names only files, folders and modules that exist.

use std::path::{Path, PathBuf};

use crate::sample_data::ROOT;

/// Returns the words in backticks, each with the last headings of level 2 and 3 before it.
fn quoted_words(text: &str) -> Vec<(String, String)> {
    let (mut words, mut section) = (Vec::new(), String::new());
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if let Some(heading) = line.strip_prefix("### ").or(line.strip_prefix("## ")) {
            section = heading.to_owned();
        } else if !is_code {
            let quoted = line.split('`').skip(1).step_by(2);
            words.extend(quoted.map(|word| (section.clone(), word.to_owned())));
        }
    }
    words
}

/// Returns true if a folder contains a file or folder of this name, at any depth.
fn contains(folder: &Path, name: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.any(|path| path.ends_with(name) || path.is_dir() && contains(&path, name))
}

/// Returns the source file of a module: `a/b.rs` or `a/b/mod.rs`.
fn module_file(segments: &[&str]) -> Option<PathBuf> {
    let path = Path::new(ROOT).join("src").join(segments.join("/"));
    [path.with_extension("rs"), path.join("mod.rs")].into_iter().find(|file| file.is_file())
}

/// Returns true if a module or item exists, for example `store::parquet::reader` or `grid::Chart`.
fn exists_in_source(path: &str) -> bool {
    let segments: Vec<&str> = path.split("::").collect();
    if module_file(&segments).is_some() {
        return true;
    }
    let Some((item, module)) = segments.split_last() else { return false };
    let text = module_file(module).and_then(|file| std::fs::read_to_string(file).ok());
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.is_some_and(|text| text.split(|c| !is_part(c)).any(|word| word == *item))
}

/// Returns the words that name a file, folder or module that does not exist.
fn missing(text: &str) -> Vec<String> {
    let root = Path::new(ROOT);
    let is_room = |word: &str| module_file(&[word]).is_some();
    let is_name = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "_./:-".contains(c));
    let mut missing = Vec::new();
    for (section, word) in quoted_words(text).into_iter().filter(|(_, word)| is_name(word)) {
        let (sources, room) = (root.join("src"), root.join("src").join(&section));
        let in_room = |name: &str| contains(if room.is_dir() { &room } else { root }, name);
        // A path is from the root of the repository, of the sources or of a room. Other words with
        // a slash are no paths, for example features of crates.
        let bases = [root, &sources, &room];
        let start = word.split('/').next().unwrap_or_default();
        let is_path = bases.iter().any(|base| base.join(start).exists());
        let exists = if let Some((first, _)) = word.split_once("::") {
            !is_room(first) || exists_in_source(&word)
        } else if word.ends_with(".rs") && !word.contains('/') {
            in_room(&word)
        } else if word.contains('/') && is_path {
            bases.iter().any(|base| base.join(&word).exists()) || in_room(&word)
        } else {
            true
        };
        if !exists {
            missing.push(format!("{section}: {word}"));
        }
    }
    missing
}

#[test]
fn files_named_in_the_architecture_exist() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md"))
        .expect("ARCHITECTURE.md can be read");
    assert_eq!(missing(&text), Vec::<String>::new());
}

#[test]
fn missing_files_and_modules_are_found() {
    let text = "## Rooms\n`src/nowhere/`, `README.md`, `store::nowhere`, `store::parquet::reader`\n\
                ### render\n`text.rs` and `lost.rs`, `grid::Chart` and `grid::Lost`\n\
                ```\n`in/code.rs`\n```\n";
    let expected =
        ["Rooms: src/nowhere/", "Rooms: store::nowhere", "render: lost.rs", "render: grid::Lost"];
    assert_eq!(missing(text), expected);
}
