//! Finds the source files of an archive, and decides which of them must be read.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::options::Options;
use super::source_texts::SourceTexts;
use crate::error::{Error, Result};
use crate::schema::source_log::FileIdentity;
use crate::source::{self, DiscoveredFiles, ExcludePatterns, SourceFile};
use crate::store::{self, SourceEntry};

/// Returns true if an earlier run ingested everything of a source that this run asks for.
pub(super) fn is_fully_ingested(entry: &SourceEntry, all_workloads: bool) -> bool {
    !all_workloads || entry.facts.records.other_workloads == 0
}

/// Returns true if a file with the content of a source adds nothing. The same list of workspaces at
/// another path was taken at another time.
pub(super) fn is_known_content(entry: &SourceEntry, all_workloads: bool) -> bool {
    is_fully_ingested(entry, all_workloads) && entry.facts.inventory.is_none()
}

/// The sources that the store knows.
#[derive(Debug, Default)]
pub(super) struct KnownSources {
    by_path: HashMap<String, LastSeen>,
    digests: HashSet<String>,
    sizes: HashSet<u64>,
}

/// The last known state of a source.
#[derive(Debug)]
pub(super) struct LastSeen {
    /// Size and modification time.
    size_and_time: (u64, Option<i64>),
    /// Identity of the file on its disk.
    identity: Option<FileIdentity>,
    /// True if everything that this run asks for was ingested.
    is_fully_ingested: bool,
}

impl KnownSources {
    pub(super) fn from_entries(entries: &[SourceEntry], all_workloads: bool) -> Self {
        let mut known = KnownSources::default();
        for entry in entries {
            let facts = &entry.facts;
            let is_fully_ingested = is_fully_ingested(entry, all_workloads);
            if is_known_content(entry, all_workloads) {
                known.digests.insert(entry.digest.clone());
                known.sizes.insert(facts.size_bytes);
            }
            let size_and_time = (facts.size_bytes, facts.modified_us);
            let identity = facts.identity.clone();
            let last_seen = LastSeen { size_and_time, identity, is_fully_ingested };
            known.by_path.insert(entry.place.clone(), last_seen);
        }
        known
    }

    /// Returns the status of a file. A known file is recognized by path, size and time without
    /// opening it, unless it was changed since or `reread` is set. Otherwise its content is
    /// compared, but only if a known source has the same size.
    pub(super) fn status(&self, file: &SourceFile, reread: bool) -> SourceFileStatus {
        let last_seen = self.by_path.get(&file.absolute_path);
        let is_same = !reread
            && file.modified_us.is_some()
            && last_seen.is_some_and(|seen| {
                seen.is_fully_ingested
                    && seen.size_and_time == (file.size_bytes, file.modified_us)
                    && !seen.is_rewritten(file)
            });
        // An unreadable file is not known. Reading it reports the reason.
        let is_known_content = || {
            self.sizes.contains(&file.size_bytes)
                && source::digest(&file.path).is_ok_and(|digest| self.digests.contains(&digest))
        };
        if is_same || is_known_content() {
            SourceFileStatus::Known
        } else if last_seen.is_some() {
            SourceFileStatus::Changed
        } else {
            SourceFileStatus::New
        }
    }
}

impl LastSeen {
    /// Returns true if a file of the same size and time has another content, as its first and last
    /// block show. They are read only if something changed the file, for example its permissions.
    fn is_rewritten(&self, file: &SourceFile) -> bool {
        let (Some(known), Some(change)) = (&self.identity, file.change) else { return false };
        change != (known.changed_us, known.inode)
            && source::edge_digest(&file.path).is_ok_and(|edges| edges != known.edges)
    }
}

/// The status of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceFileStatus {
    /// The file is unknown.
    New,
    /// The file is known, but its content is new or was not fully ingested.
    Changed,
    /// The content of the file was fully ingested.
    Known,
}

/// The source files that were found.
#[derive(Debug, Default)]
pub(super) struct SourceArchive {
    /// All files, sorted by name.
    pub(super) files: Vec<(SourceFile, SourceFileStatus)>,
    /// Paths that cannot be read, with the reason.
    pub(super) unreadable: Vec<(String, String)>,
    /// The number of files that the options exclude.
    pub(super) excluded: u64,
    /// Folders without any file to read, unless the options allow them.
    pub(super) empty_folders: Vec<String>,
}

impl SourceArchive {
    pub(super) fn discover(options: &Options, known: &KnownSources) -> Result<Self> {
        let exclude = ExcludePatterns::new(&options.exclude).map_err(Error::Usage)?;
        let DiscoveredFiles { mut files, unreadable, excluded } =
            source::discover(&options.paths, &exclude, &|folder| {
                store::table_files(folder).map_err(|error| error.to_string())
            });
        if let ([], [(name, reason)], [_]) = (&files[..], &unreadable[..], &options.paths[..]) {
            return Err(Error::Usage(format!("cannot read {name}: {reason}")));
        }
        let texts = SourceTexts::new(options.pseudonymizer.as_ref());
        let mut archive =
            SourceArchive { files: Vec::new(), unreadable, excluded, empty_folders: Vec::new() };
        if !options.allow_empty {
            let is_empty = |path: &&PathBuf| archive.is_empty_folder(path, &files);
            let folders = options.paths.iter().filter(is_empty);
            archive.empty_folders =
                folders.map(|path| texts.replace(source::display_name(path))).collect();
        }
        for (name, _) in &mut archive.unreadable {
            *name = texts.replace(std::mem::take(name));
        }
        // The store has only the replaced names, and their order decides between copies.
        files.iter_mut().for_each(|file| texts.replace_in_file(file));
        files.sort_by(SourceFile::compare_names);
        let with_status = |file: SourceFile| {
            let status = known.status(&file, options.reread);
            (file, status)
        };
        archive.files = files.into_iter().map(with_status).collect();
        Ok(archive)
    }

    /// Returns true if a path is a folder without any file to read, readable or not. A file counts
    /// for every path that leads to it.
    fn is_empty_folder(&self, path: &Path, files: &[SourceFile]) -> bool {
        let name = source::display_name(path);
        let has_unreadable = self.unreadable.iter().any(|(below, _)| below.starts_with(&name));
        let has_file = || {
            let canonical = path.canonicalize();
            let mut files = files.iter().map(|file| &file.path);
            let is_inside = |file: &Path| {
                let same = |folder: &PathBuf| {
                    file.canonicalize().is_ok_and(|file| file.starts_with(folder))
                };
                file.starts_with(path) || canonical.as_ref().is_ok_and(same)
            };
            files.any(|file| is_inside(file))
        };
        path.is_dir() && !has_unreadable && !has_file()
    }

    /// Returns the files to read.
    pub(super) fn files_to_read(&self) -> Vec<SourceFile> {
        let new = self.files.iter().filter(|(_, status)| *status != SourceFileStatus::Known);
        new.map(|(file, _)| file.clone()).collect()
    }

    /// Returns the number of known files.
    pub(super) fn known_count(&self) -> usize {
        self.files.iter().filter(|(_, status)| *status == SourceFileStatus::Known).count()
    }
}
