//! The program's own sources as text, for the tests that hold them to rules: without comments,
//! without what stands in quotes, and without the parts that are tests.

use std::path::{Path, PathBuf};

use crate::sample_data::ROOT;

/// A source file of the program.
pub struct Source {
    /// Its path below the repository, with `/`.
    pub name: String,
    pub text: String,
    /// The text with blanks for comments and for what stands in quotes: every line is where it was.
    pub code: String,
    /// `code` with blanks for what is compiled for tests only.
    pub shipped: String,
}

/// All files of `src`. A file that is compiled for tests only ships nothing.
pub fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&Path::new(ROOT).join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    assert!(paths.len() > 40, "the program has more files than {paths:?}");
    paths.iter().map(|path| Source::read(path)).collect()
}

/// All files below a folder, sorted; none where there is no such folder.
pub fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

impl Source {
    fn read(path: &Path) -> Source {
        let name = path.strip_prefix(ROOT).expect("it stands in the repository");
        let name = name.to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(path).expect("the source can be read");
        let code = code(&text);
        let is_tests = name.ends_with("tests.rs");
        let shipped = if is_tests { String::new() } else { without_tests(&code) };
        Source { name, text, code, shipped }
    }

    /// The room that the file belongs to: its folder in `src`, or itself.
    pub fn room(&self) -> &str {
        let below = self.name.strip_prefix("src/").expect("it stands in src");
        below.split('/').next().expect("a path has a part").trim_end_matches(".rs")
    }

    /// How many modules below its room the file is.
    pub fn depth(&self) -> usize {
        let parts = self.name.matches('/').count() - 1;
        if self.name.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// A place in the text, for messages.
    pub fn at(&self, position: usize) -> String {
        format!("{}:{}", self.name, self.code[..position].matches('\n').count() + 1)
    }
}

/// Blanks out what makes no code. Line breaks stay, and so does the place of everything else.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let blank = if rest.starts_with(b"//") {
            rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if rest[0] == b'"' {
            string(rest)
        } else if rest[0] == b'\'' {
            character(rest)
        } else {
            raw_string(rest, before).unwrap_or(0)
        };
        let end = (at + blank).min(bytes.len());
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("blanks for whole letters are still text")
}

fn block_comment(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of `r"…"`, `br#"…"#` and the like, where the text begins with one.
fn raw_string(text: &[u8], before: Option<u8>) -> Option<usize> {
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let prefix = if text.starts_with(b"br") { 2 } else { usize::from(text.starts_with(b"r")) };
    let hashes = text[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix + hashes;
    if prefix == 0 || text.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"", "#".repeat(hashes).as_bytes()].concat();
    let inside = text[open + 1..].windows(close.len()).position(|window| window == close)?;
    Some(open + 1 + inside + close.len())
}

/// The length of a character; nothing for the mark of a lifetime.
fn character(text: &[u8]) -> usize {
    if text.get(1) == Some(&b'\\') {
        // `'\''` and `'\u{…}'`: the quote behind the escaped character.
        let close = text.iter().skip(3).position(|&byte| byte == b'\'');
        return close.map_or(0, |close| close + 4);
    }
    let letter = std::str::from_utf8(&text[1..text.len().min(5)]);
    let valid = letter.unwrap_or_else(|error| {
        std::str::from_utf8(&text[1..1 + error.valid_up_to()]).expect("so much of it is valid")
    });
    let len = valid.chars().next().map_or(0, char::len_utf8);
    if len > 0 && text.get(1 + len) == Some(&b'\'') { len + 2 } else { 0 }
}

/// Blanks out items under `#[cfg(test)]`: up to their semicolon, or to the end of their braces.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let item = start + "#[cfg(test)]".len();
        let open = out[item..].find('{').map(|at| item + at);
        let semicolon = out[item..].find(';').map(|at| item + at);
        let end = match (open, semicolon) {
            (Some(open), Some(semicolon)) if semicolon < open => semicolon + 1,
            (Some(open), _) => closing(&out, open),
            (None, Some(semicolon)) => semicolon + 1,
            (None, None) => out.len(),
        };
        let blank: String =
            out[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// The position behind the brace that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The names that code is made of, with their positions.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + code[at..].find(is_part)?;
        let len = code[start..].find(|c| !is_part(c)).unwrap_or(code.len() - start);
        at = start + len;
        Some((start, &code[start..at]))
    })
}

#[test]
fn code_is_told_from_comments_quotes_and_tests() {
    let text = "/* a /* b */ { */ fn f<'a>(x: &'a str) { // {\n let _ = ('{', '\\'', '\\u{7b}', \
                \"{\\\"{\", r#\"{\"{\"#, br\"{\", b'}', 'é');\n}\n#[cfg(test)]\nmod tests { fn g() \
                {} }\nfn h() {}\n";
    let code = code(text);
    assert_eq!(code.len(), text.len());
    assert_eq!((code.matches('{').count(), code.matches('}').count()), (4, 4), "{code}");
    let shipped = without_tests(&code);
    let names: Vec<&str> = words(&shipped).map(|(_, word)| word).collect();
    assert_eq!(names, ["fn", "f", "a", "x", "a", "str", "let", "_", "b", "fn", "h"]);
}
