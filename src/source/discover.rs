//! Finds the source files in files and folders.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use walkdir::WalkDir;

use super::exclude::ExcludePatterns;
use super::kernel_files::KernelFileSystems;

/// Extensions of files that are often in the same folders and are not data: notes, scripts,
/// queries.
pub const NON_DATA_EXTENSIONS: [&str; 12] =
    ["md", "py", "ps1", "psm1", "psd1", "sql", "sh", "cmd", "bat", "ipynb", "pbix", "pq"];

/// The folder with the log of a Delta table.
const DELTA_LOG: &str = "_delta_log";

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
    /// The time of the last change of anything in microseconds since 1970 (UTC), which programs
    /// cannot set, and the number of the file; `None` where the system has neither.
    pub change: Option<(i64, u64)>,
}

impl SourceFile {
    /// Returns the order of two files, folder by folder, so that the members of a zip file sort as
    /// the file itself does.
    pub fn compare_names(&self, other: &SourceFile) -> Ordering {
        let by_name = self.name.split('/').cmp(other.name.split('/'));
        by_name.then_with(|| self.absolute_path.cmp(&other.absolute_path))
    }

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

#[cfg(unix)]
fn change(meta: &std::fs::Metadata) -> Option<(i64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let seconds = meta.ctime().checked_mul(1_000_000)?;
    Some((seconds.checked_add(meta.ctime_nsec() / 1000)?, meta.ino()))
}

#[cfg(not(unix))]
fn change(_meta: &std::fs::Metadata) -> Option<(i64, u64)> {
    None
}

/// The files of an archive.
#[derive(Debug, Default)]
pub struct DiscoveredFiles {
    /// Each file once, sorted by name.
    pub files: Vec<SourceFile>,
    /// The paths that cannot be read, with reasons.
    pub unreadable: Vec<(String, String)>,
    /// The number of files and folders that patterns left out.
    pub excluded: u64,
}

/// Lists the files of a Delta table, given its folder, or returns the reason why it cannot be read.
pub type TableLister<'l> = &'l dyn Fn(&Path) -> Result<Vec<PathBuf>, String>;

/// Walks files and folders.
///
/// Inside folders, it skips hidden files and folders, stores, files with extensions of notes or
/// scripts, what `exclude` matches, and files that do not belong to the newest version of their
/// Delta table. A file that is given itself is left out only if a pattern matches its name. A store
/// that is given itself is an error.
pub fn discover(
    paths: &[PathBuf],
    exclude: &ExcludePatterns,
    list_table: TableLister<'_>,
) -> DiscoveredFiles {
    let mut found: BTreeMap<String, SourceFile> = BTreeMap::new();
    let mut canonical_paths = CanonicalPaths::default();
    let kernel_files = KernelFileSystems::mounted();
    let mut filter = EntryFilter {
        exclude,
        list_table,
        excluded: BTreeSet::new(),
        tables: Vec::new(),
        unreadable: BTreeMap::new(),
    };
    for root in paths {
        if is_in_store(root) {
            let reason =
                "it is a store, not a folder of log files: pass the folder with the log files";
            filter.unreadable.insert(display_name(root), reason.to_owned());
            continue;
        }
        let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root);
                    filter.unreadable.insert(display_name(path), walk_reason(path, &error));
                    continue;
                }
            };
            let is_folder = entry.file_type().is_dir();
            if !filter.includes(root, &entry) {
                if is_folder {
                    walk.skip_current_dir();
                }
                continue;
            }
            if is_folder {
                continue;
            }
            if let Some(reason) = special_file_reason(&entry, &kernel_files) {
                filter.unreadable.insert(display_name(entry.path()), reason.to_owned());
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
                    filter.unreadable.insert(display_name(entry.path()), error.to_string());
                }
            }
        }
    }
    let mut files: Vec<SourceFile> = found.into_values().collect();
    files.sort_by(SourceFile::compare_names);
    let unreadable = filter.unreadable.into_iter().collect();
    DiscoveredFiles { files, unreadable, excluded: filter.excluded.len() as u64 }
}

/// Returns the reason why a file cannot be read if it is not a file on a disk. Reading such a file
/// may wait forever.
fn special_file_reason(
    entry: &walkdir::DirEntry,
    kernel_files: &KernelFileSystems,
) -> Option<&'static str> {
    if !entry.file_type().is_file() {
        return Some("not a regular file");
    }
    let is_invented = kernel_files.contain(entry.path());
    is_invented.then_some("a file of the operating system, which may have no end")
}

fn walk_reason(path: &Path, error: &walkdir::Error) -> String {
    match error.loop_ancestor() {
        Some(ancestor) => format!("a link that leads back to {}", display_name(ancestor)),
        None => {
            let reason = error.io_error().map(ToString::to_string);
            reason.unwrap_or_else(|| error.to_string()) + glob_hint(path)
        }
    }
}

/// Decides which entries of folders are read.
struct EntryFilter<'f> {
    exclude: &'f ExcludePatterns,
    list_table: TableLister<'f>,
    excluded: BTreeSet<PathBuf>,
    /// The Delta tables that were found, with their files.
    tables: Vec<(PathBuf, BTreeSet<PathBuf>)>,
    unreadable: BTreeMap<String, String>,
}

impl EntryFilter<'_> {
    fn includes(&mut self, root: &Path, entry: &walkdir::DirEntry) -> bool {
        let path = entry.path();
        if entry.depth() > 0 && !is_data_entry(entry) {
            return false;
        }
        if self.exclude.matches(path_below(root, entry)) {
            self.excluded.insert(path.to_path_buf());
            return false;
        }
        if !entry.file_type().is_dir() {
            let table = self.tables.iter().rev().find(|(folder, _)| path.starts_with(folder));
            return table.is_none_or(|(_, files)| files.contains(path));
        }
        if !path.join(DELTA_LOG).is_dir() {
            return true;
        }
        match (self.list_table)(path) {
            Ok(files) => {
                self.tables.push((path.to_path_buf(), files.into_iter().collect()));
                true
            }
            Err(reason) => {
                self.unreadable.insert(display_name(path), reason);
                false
            }
        }
    }
}

/// Returns the path of an entry below a folder that is walked. For a file that was given itself,
/// this is its name; for a folder that was given itself, it is empty.
fn path_below<'e>(root: &Path, entry: &'e walkdir::DirEntry) -> &'e Path {
    if entry.depth() == 0 && entry.file_type().is_dir() {
        return Path::new("");
    }
    let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
    match (below.as_os_str().is_empty(), entry.path().file_name()) {
        (true, Some(name)) => Path::new(name),
        _ => below,
    }
}

fn is_data_entry(entry: &walkdir::DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    if name.starts_with('.') || name == DELTA_LOG {
        return false;
    }
    if entry.file_type().is_dir() {
        return !is_store(entry.path());
    }
    is_data_name(&name)
}

fn is_store(folder: &Path) -> bool {
    folder.join("events").join(DELTA_LOG).is_dir()
}

/// Returns true if a folder is a store, or its table.
fn is_in_store(folder: &Path) -> bool {
    let is_table =
        folder.file_name().is_some_and(|name| name == "events") && folder.join(DELTA_LOG).is_dir();
    is_store(folder)
        || is_table && folder.parent().is_some_and(|store| store.join("sources").is_dir())
}

/// Returns a hint if a path is a pattern. The shells of Windows do not expand patterns.
fn glob_hint(path: &Path) -> &'static str {
    match path.to_string_lossy().contains('*') {
        true => "; * is not expanded here: pass the folder, and all files in it are read",
        false => "",
    }
}

/// Returns true if the extension of a file is not one of notes or scripts, and it is not the cache
/// of Windows for pictures.
pub(super) fn is_data_name(name: &str) -> bool {
    if name.eq_ignore_ascii_case("Thumbs.db") {
        return false;
    }
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
        change: change(&meta),
    })
}

/// Returns a path for messages and the lineage column: `/` between the parts on every system,
/// without `./` at its start.
pub fn display_name(path: &Path) -> String {
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
        let found =
            super::discover(&[folder.path().to_owned()], &Default::default(), &|_| Ok(Vec::new()));
        let names: Vec<&str> =
            found.files.iter().map(|file| file.name.rsplit('/').next().unwrap()).collect();
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
            let found = super::discover(&roots, &Default::default(), &|_| Ok(Vec::new()));
            assert!(!found.files.is_empty() && found.unreadable.is_empty());
            for file in found.files {
                let canonical = fs::canonicalize(&file.path).unwrap();
                assert_eq!(file.absolute_path, canonical.to_string_lossy(), "{}", file.name);
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
