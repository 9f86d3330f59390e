//! Matches files and folders with patterns that leave them out.

use std::path::Path;

/// Patterns of files and folders to leave out.
#[derive(Debug, Clone, Default)]
pub struct ExcludePatterns(Vec<ExcludePattern>);

#[derive(Debug, Clone)]
struct ExcludePattern {
    /// The parts of the pattern between `/`, in lower case.
    parts: Vec<Vec<char>>,
    /// True if the pattern is compared with the name only.
    is_name: bool,
}

impl ExcludePatterns {
    /// Parses patterns.
    ///
    /// # Errors
    ///
    /// The reason for the user why a pattern can match no file.
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let parse = |pattern: &String| {
            let text = pattern.replace('\\', "/");
            let text = text.trim_end_matches('/');
            let text = text.strip_prefix("./").unwrap_or(text);
            if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| part == "..")
            {
                return Err(format!(
                    "--exclude {pattern:?} matches no file; use a name (desktop.ini, *.txt) or a \
                     path below the folder (scans/**)"
                ));
            }
            let parts = text.split('/').map(|part| part.to_lowercase().chars().collect());
            Ok(ExcludePattern { parts: parts.collect(), is_name: !text.contains('/') })
        };
        patterns.iter().map(parse).collect::<Result<_, _>>().map(ExcludePatterns)
    }

    /// Returns true if a file or folder, given by its path below a folder, is left out.
    pub(super) fn matches(&self, path: &Path) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let parts: Vec<Vec<char>> = path
            .components()
            .map(|part| part.as_os_str().to_string_lossy().to_lowercase().chars().collect())
            .collect();
        self.0.iter().any(|pattern| match (pattern.is_name, parts.last()) {
            (true, Some(name)) => pattern.parts.first().is_some_and(|part| is_match(part, name)),
            (true, None) => false,
            (false, _) => is_path_match(&pattern.parts, &parts),
        })
    }
}

/// Returns true if the parts of a path match those of a pattern. `**` matches any number of parts,
/// and at the end of a pattern at least one.
fn is_path_match(pattern: &[Vec<char>], path: &[Vec<char>]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((part, [])) if part[..] == ['*', '*'] => !path.is_empty(),
        Some((part, rest)) if part[..] == ['*', '*'] => {
            (0..=path.len()).any(|skipped| is_path_match(rest, &path[skipped..]))
        }
        Some((part, rest)) => path
            .split_first()
            .is_some_and(|(name, below)| is_match(part, name) && is_path_match(rest, below)),
    }
}

/// Returns true if a name matches a pattern of characters, `*` and `?`.
fn is_match(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut done) = (0, 0);
    // The last `*`, and the end of the name that it matches so far.
    let mut star: Option<(usize, usize)> = None;
    while done < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, done));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[done] => {
                at += 1;
                done += 1;
            }
            _ => {
                let Some((star_at, matched)) = star else { return false };
                star = Some((star_at, matched + 1));
                (at, done) = (star_at + 1, matched + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use crate::source::exclude::*;

    fn matches(pattern: &str, path: &str) -> bool {
        ExcludePatterns::new(&[pattern.to_owned()]).unwrap().matches(Path::new(path))
    }

    #[test]
    fn names_and_paths_are_matched_without_case() {
        for (pattern, path) in [
            ("desktop.ini", "a/Desktop.ini"),
            ("*.txt", "a/b/C.TXT"),
            ("scan?.json", "scan1.json"),
            ("a*b*c", "axxbyyc"),
            ("scans/", "x/scans"),
            ("scans/**", "scans/a/b.json"),
            (r"scans\*.json", "scans/b.json"),
            ("**/tmp/*.json", "a/b/tmp/x.json"),
            ("**/tmp/*.json", "tmp/x.json"),
            ("./a/b.json", "a/b.json"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.txt", "a.txt/b.json"),
            ("scan?.json", "scan.json"),
            ("scans/**", "scans"),
            ("scans/*.json", "scans/a/b.json"),
            ("a/b.json", "x/a/b.json"),
            ("a*b", "ac"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn pattern_that_matches_no_file_is_an_error() {
        for pattern in ["", "/", "../x", "/data/x"] {
            let error = ExcludePatterns::new(&[pattern.to_owned()]).unwrap_err();
            assert!(error.contains("matches no file"), "{error}");
        }
    }
}
