//! Which files there are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

/// Endings of files that lie beside archives and are no data: notes, scripts, queries.
const NON_DATA_EXTENSIONS: [&str; 12] =
    ["md", "py", "ps1", "psm1", "psd1", "sql", "sh", "cmd", "bat", "ipynb", "pbix", "pq"];

/// A file of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where to open it.
    pub path: PathBuf,
    /// Its name in messages and in the lineage column: the path as it was given, with `/`.
    pub name: String,
    /// Its absolute path, which is the same from whichever folder a command runs.
    pub absolute_path: String,
    /// Its size on disk.
    pub size_bytes: u64,
    /// When it was last modified, in microseconds since 1970 (UTC), where the disk tells.
    pub modified_us: Option<i64>,
}

impl SourceFile {
    /// Whether the file is not as it was found: size or time have changed, so it is still being
    /// written, or was replaced.
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

/// Walks files and folders. Files come sorted by name, each once; what could not be looked at
/// comes beside them, by name with the reason.
///
/// Hidden files and folders, stores, and files whose ending says that they are notes or scripts
/// are passed over inside folders; a file that is named itself is always taken. A store that is
/// named itself is a mistake, and told.
pub fn discover(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<(String, String)>) {
    let mut found: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut troubles = BTreeMap::new();
    let mut places = CanonicalPaths::default();
    for root in paths {
        if is_store(root) {
            let reason = "a store, whose events were read before: name the folder of the dumps";
            troubles.insert(display_name(root), reason.to_owned());
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
                    troubles.insert(display_name(path), reason);
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            if !entry.file_type().is_file() {
                troubles.insert(display_name(entry.path()), "not a regular file".to_owned());
                continue;
            }
            match source_file(&entry, &mut places) {
                Ok(file) => {
                    // A file that is reached by two names has the first of them, in whichever
                    // order they were given.
                    let held =
                        found.entry(file.absolute_path.clone()).or_insert_with(|| file.clone());
                    if file.name < held.name {
                        *held = file;
                    }
                }
                Err(error) => {
                    troubles.insert(display_name(entry.path()), error.to_string());
                }
            }
        }
    }
    let mut found: Vec<SourceFile> = found.into_values().collect();
    found.sort_by(|a, b| (&a.name, &a.absolute_path).cmp(&(&b.name, &b.absolute_path)));
    (found, troubles.into_iter().collect())
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

/// What to do about a pattern that nobody has expanded: shells of Windows leave that to programs.
fn glob_hint(path: &Path) -> &'static str {
    match path.to_string_lossy().contains('*') {
        true => "; * stands for nothing here: name the folder, and all files in it are read",
        false => "",
    }
}

/// Whether a file's ending says nothing against it.
pub(super) fn is_data_name(name: &str) -> bool {
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    !ending.is_some_and(|ending| NON_DATA_EXTENSIONS.contains(&&*ending))
}

/// Where files are, whichever way they were reached. To ask the system costs a call for every part
/// of a path, so it is asked once for the files of a folder.
#[derive(Default)]
struct CanonicalPaths {
    folder: PathBuf,
    canonical_folder: PathBuf,
}

impl CanonicalPaths {
    fn canonicalize(&mut self, entry: &walkdir::DirEntry) -> std::io::Result<PathBuf> {
        let path = entry.path();
        // A file that is named itself may be so in another spelling, where the system allows it.
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
    places: &mut CanonicalPaths,
) -> std::io::Result<SourceFile> {
    let path = entry.path();
    let meta = std::fs::metadata(path)?;
    Ok(SourceFile {
        path: path.to_path_buf(),
        name: display_name(path),
        absolute_path: lossless_text(&places.canonicalize(entry)?),
        size_bytes: meta.len(),
        modified_us: modified_us(&meta),
    })
}

/// A path for people and for the lineage column: `/` between the parts on every system, and no
/// `./` in front.
fn display_name(path: &Path) -> String {
    let text = lossless_text(path);
    let text = if std::path::MAIN_SEPARATOR == '\\' { text.replace('\\', "/") } else { text };
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// A path as text. Bytes that are no text are written as `\xFF`, so that two files whose names
/// differ in nothing else are two files.
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
    /// The system allows any bytes in a name.
    #[test]
    #[cfg(target_os = "linux")]
    fn names_that_are_no_text_are_told_apart() {
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

    /// However a file is reached: below a link, as a link, from another folder.
    #[test]
    #[cfg(unix)]
    fn the_place_of_a_file_is_what_the_system_says_it_is() {
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
            let (found, troubles) = super::discover(&roots);
            assert!(!found.is_empty() && troubles.is_empty());
            for file in found {
                let place = fs::canonicalize(&file.path).unwrap();
                assert_eq!(file.absolute_path, place.to_string_lossy(), "{}", file.name);
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
