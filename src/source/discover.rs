//! Finds the source files in files and folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

/// Extensions of files that are often in the same folders and are not data: notes, scripts,
/// queries.
const NON_DATA_EXTENSIONS: [&str; 12] =
    ["md", "py", "ps1", "psm1", "psd1", "sql", "sh", "cmd", "bat", "ipynb", "pbix", "pq"];

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path to open.
    pub path: PathBuf,
    /// The name in messages and in the lineage column: the path as the user gave it, with `/`.
    pub name: String,
    /// The absolute path, which does not depend on the folder in which the command runs.
    pub absolute_path: String,
    /// The size on disk.
    pub size_bytes: u64,
    /// The time of the last change in microseconds since 1970 (UTC), if the file system has it.
    pub modified_us: Option<i64>,
}

impl SourceFile {
    /// Returns true if size or time of the file are not as discovered, so it is still being written
    /// or was replaced.
    pub fn has_changed(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|meta| {
            meta.len() != self.size_bytes || modified_us(&meta) != self.modified_us
        })
    }
}

fn modified_us(meta: &std::fs::Metadata) -> Option<i64> {
    let since = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_micros()).ok()
}

/// Walks files and folders. Returns each file once, sorted by name, and the paths that cannot be
/// read, with reasons.
///
/// Inside folders, it skips hidden files and folders, stores, and files with extensions of notes or
/// scripts. A file that is given itself is always returned. A store that is given itself is an
/// error.
pub fn discover(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<(String, String)>) {
    let mut found: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut unreadable = BTreeMap::new();
    let mut canonical_paths = CanonicalPaths::default();
    for root in paths {
        if is_store(root) {
            let reason =
                "it is a store, not a folder of log files: pass the folder with the log files";
            unreadable.insert(display_name(root), reason.to_owned());
            continue;
        }
        let walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || is_data_entry(entry)) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root);
                    let reason = match error.loop_ancestor() {
                        Some(ancestor) => {
                            format!("a link that leads back to {}", display_name(ancestor))
                        }
                        None => {
                            let reason = error.io_error().map(ToString::to_string);
                            reason.unwrap_or_else(|| error.to_string()) + glob_hint(path)
                        }
                    };
                    unreadable.insert(display_name(path), reason);
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            if !entry.file_type().is_file() {
                unreadable.insert(display_name(entry.path()), "not a regular file".to_owned());
                continue;
            }
            match source_file(&entry, &mut canonical_paths) {
                Ok(file) => {
                    // A file that has two names gets the first of them in alphabetical order.
                    let known =
                        found.entry(file.absolute_path.clone()).or_insert_with(|| file.clone());
                    if file.name < known.name {
                        *known = file;
                    }
                }
                Err(error) => {
                    unreadable.insert(display_name(entry.path()), error.to_string());
                }
            }
        }
    }
    let mut found: Vec<SourceFile> = found.into_values().collect();
    // Folder by folder, so that the members of a zip file sort as the file itself does.
    found.sort_by(|a, b| {
        let by_name = a.name.split('/').cmp(b.name.split('/'));
        by_name.then_with(|| a.absolute_path.cmp(&b.absolute_path))
    });
    (found, unreadable.into_iter().collect())
}

fn is_data_entry(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if name.starts_with('.') || name == "_delta_log" {
        return false;
    }
    if entry.file_type().is_dir() {
        return !is_store(entry.path());
    }
    is_data_name(&name)
}

fn is_store(folder: &Path) -> bool {
    folder.join("events").join("_delta_log").is_dir()
}

/// Returns a hint if a path is a pattern. The shells of Windows do not expand patterns.
fn glob_hint(path: &Path) -> &'static str {
    match path.to_string_lossy().contains('*') {
        true => "; * is not expanded here: pass the folder, and all files in it are read",
        false => "",
    }
}

/// Returns true if the extension of a file is not one of notes or scripts.
pub(super) fn is_data_name(name: &str) -> bool {
    let extension = Path::new(name).extension().map(|text| text.to_string_lossy().to_lowercase());
    !extension.is_some_and(|extension| NON_DATA_EXTENSIONS.contains(&&*extension))
}

/// Finds the absolute paths of files. The system needs one call for each part of a path, so it is
/// asked once for all files of a folder.
#[derive(Default)]
struct CanonicalPaths {
    folder: PathBuf,
    canonical_folder: PathBuf,
}

impl CanonicalPaths {
    fn canonicalize(&mut self, entry: &walkdir::DirEntry) -> std::io::Result<PathBuf> {
        let path = entry.path();
        // A file that is given itself can have another spelling if the file system ignores case.
        let (Some(folder), false) = (path.parent(), entry.path_is_symlink() || entry.depth() == 0)
        else {
            return std::fs::canonicalize(path);
        };
        if self.folder != folder || self.canonical_folder.as_os_str().is_empty() {
            self.canonical_folder = std::fs::canonicalize(folder)?;
            self.folder = folder.to_path_buf();
        }
        Ok(self.canonical_folder.join(entry.file_name()))
    }
}

fn source_file(
    entry: &walkdir::DirEntry,
    canonical_paths: &mut CanonicalPaths,
) -> std::io::Result<SourceFile> {
    let path = entry.path();
    let meta = std::fs::metadata(path)?;
    Ok(SourceFile {
        path: path.to_path_buf(),
        name: display_name(path),
        absolute_path: lossless_text(&canonical_paths.canonicalize(entry)?),
        size_bytes: meta.len(),
        modified_us: modified_us(&meta),
    })
}

/// Returns a path for messages and the lineage column: `/` between the parts on every system,
/// without `./` at its start.
fn display_name(path: &Path) -> String {
    let text = lossless_text(path);
    let text = if std::path::MAIN_SEPARATOR == '\\' { text.replace('\\', "/") } else { text };
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// Returns a path as text. Bytes that are not UTF-8 are written as `\xFF`, so that two names that
/// differ only in such bytes stay different.
fn lossless_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    /// Linux allows any bytes in a name.
    #[test]
    #[cfg(target_os = "linux")]
    fn names_that_are_not_utf8_stay_different() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let folder = tempfile::tempdir().unwrap();
        for name in [&b"a\xFF.json"[..], b"a\xFE.json"] {
            std::fs::write(folder.path().join(OsStr::from_bytes(name)), "").unwrap();
        }
        let (found, _) = super::discover(&[folder.path().to_owned()]);
        let names: Vec<&str> =
            found.iter().map(|file| file.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a\\xFE.json", "a\\xFF.json"]);
    }

    /// Checks files below a link, as a link, and from another folder.
    #[test]
    #[cfg(unix)]
    fn absolute_path_is_the_canonical_path() {
        use std::fs;
        use std::os::unix::fs::symlink;

        let folder = std::env::temp_dir().join(format!("pbi-discover-{}", std::process::id()));
        let at = |name: &str| folder.join(name);
        fs::create_dir_all(at("real/deep")).unwrap();
        for name in ["real/1.json", "real/deep/2.json", "real/deep/3.json"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("way")).unwrap();
        symlink(at("real/deep"), at("way/linked")).unwrap();
        symlink(at("real/1.json"), at("way/one.json")).unwrap();
        fs::write(at("way/zero.json"), "").unwrap();
        for roots in [vec![at("way")], vec![at("real/../way"), at("real")], vec![at("real/1.json")]]
        {
            let (found, unreadable) = super::discover(&roots);
            assert!(!found.is_empty() && unreadable.is_empty());
            for file in found {
                let canonical = fs::canonicalize(&file.path).unwrap();
                assert_eq!(file.absolute_path, canonical.to_string_lossy(), "{}", file.name);
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
