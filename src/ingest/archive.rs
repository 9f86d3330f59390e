//! Finds the source files of an archive, and decides which of them must be read.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::options::Options;
use super::source_texts::SourceTexts;
use crate::error::{Error, Result};
use crate::person::mentions_person;
use crate::schema::source_log::{
    FileIdentity, RECOGNITION, RecordCounts, RejectCounts, SourceFacts,
};
use crate::source::{self, DiscoveredFiles, ExcludePatterns, SourceFile};
use crate::source_warnings::{self, file_name};
use crate::store::{self, SourceEntry};

/// Returns true if an earlier run ingested everything of a source that this run asks for. A version
/// that reads more kinds of files can find more in a source that was not recognized.
pub(super) fn is_fully_ingested(entry: &SourceEntry, all_workloads: bool) -> bool {
    let facts = &entry.facts;
    let is_partial = facts.is_not_recognized() || facts.recognition > 0;
    let is_outdated = is_partial && facts.recognition < RECOGNITION;
    !is_outdated && (!all_workloads || facts.records.other_workloads == 0)
}

/// Returns true if a file with the content of a source adds nothing. The same list of workspaces at
/// another path was taken at another time.
pub(super) fn is_known_content(entry: &SourceEntry, all_workloads: bool) -> bool {
    is_fully_ingested(entry, all_workloads) && entry.facts.inventory.is_none()
}

/// The sources that the store knows.
#[derive(Debug, Default)]
pub(super) struct KnownSources<'e> {
    by_path: HashMap<&'e str, LastSeen>,
    /// Fully ingested entries by their digest, oldest first.
    by_digest: HashMap<&'e str, Vec<&'e SourceEntry>>,
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

impl<'e> KnownSources<'e> {
    pub(super) fn from_entries(entries: &'e [SourceEntry], all_workloads: bool) -> Self {
        let mut known = KnownSources::default();
        for entry in entries {
            let facts = &entry.facts;
            let is_fully_ingested = is_fully_ingested(entry, all_workloads);
            if is_known_content(entry, all_workloads) {
                known.by_digest.entry(&entry.digest).or_default().push(entry);
                known.sizes.insert(facts.size_bytes);
            }
            let size_and_time = (facts.size_bytes, facts.modified_us);
            let identity = facts.identity.clone();
            let last_seen = LastSeen { size_and_time, identity, is_fully_ingested };
            known.by_path.insert(&entry.place, last_seen);
        }
        known
    }

    /// Returns the status of a file. A known file is recognized by path, size and time without
    /// opening it, unless it was changed since or `reread` is set. Otherwise its content is
    /// compared, but only if a known source has the same size.
    pub(super) fn status(&self, file: &SourceFile, reread: bool) -> SourceFileStatus {
        let last_seen = self.by_path.get(&*file.absolute_path);
        let is_same = !reread
            && file.modified_us.is_some()
            && last_seen.is_some_and(|seen| {
                seen.is_fully_ingested
                    && seen.size_and_time == (file.size_bytes, file.modified_us)
                    && !seen.is_rewritten(file)
            });
        if is_same {
            return SourceFileStatus::Known;
        }
        match (self.with_content_of(file), last_seen) {
            (Some(known), _) => match later_copy(known, file) {
                Some(entry) => SourceFileStatus::Copy(Box::new(entry)),
                None => SourceFileStatus::Known,
            },
            (None, Some(_)) => SourceFileStatus::Changed,
            (None, None) => SourceFileStatus::New,
        }
    }

    /// Returns the known sources with the content of a file, oldest first. An unreadable file is
    /// not known. Reading it reports the reason.
    fn with_content_of(&self, file: &SourceFile) -> Option<&[&'e SourceEntry]> {
        let has_size = self.sizes.contains(&file.size_bytes);
        let digest = has_size.then(|| source::digest(&file.path).ok()).flatten()?;
        self.by_digest.get(&*digest).map(Vec::as_slice)
    }
}

/// Returns the source-log entry of a file whose content is known, if the file has another name than
/// the known sources or was written later than all of them. Name and time of writing prove which
/// days a download contains, so the same content can prove more: an unchanged day that is
/// downloaded again after its end, or the empty answer for another day.
fn later_copy(known: &[&SourceEntry], file: &SourceFile) -> Option<SourceEntry> {
    let original = known.last()?;
    let records = original.facts.records;
    let mut facts = SourceFacts {
        path: file.name.clone(),
        modified_us: file.modified_us,
        records: RecordCounts {
            stored: 0,
            improved: 0,
            duplicates: records.stored + records.duplicates,
            ..records
        },
        rejects: original
            .facts
            .rejects
            .map(|rejects| RejectCounts { kept: 0, known: rejects.kept + rejects.known }),
        ..original.facts.clone()
    };
    let has_name = |entry: &&&SourceEntry| file_name(&entry.facts) == file_name(&facts);
    let is_later = |entry: &&SourceEntry| file.modified_us > entry.facts.modified_us;
    let is_known = known.iter().any(|entry| has_name(&entry)) && !known.iter().all(is_later);
    // `forget` replaced the person in the path of the known source. Its name stays forgotten.
    if is_known || mentions_person(&file.absolute_path) {
        return None;
    }
    facts.identity = file_identity(file);
    source_warnings::update_time_warnings(&mut facts);
    let (place, digest) = (file.absolute_path.clone(), original.digest.clone());
    Some(SourceEntry { place, digest, facts })
}

/// Returns what identifies a file besides its size and time.
pub(super) fn file_identity(file: &SourceFile) -> Option<FileIdentity> {
    let (changed_us, inode) = file.change?;
    let edges = source::edge_digest(&file.path).ok()?;
    Some(FileIdentity { changed_us, inode, edges })
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceFileStatus {
    /// The file is unknown.
    New,
    /// The file is known, but its content is new or was not fully ingested.
    Changed,
    /// The content of the file was fully ingested.
    Known,
    /// The content was fully ingested, and the file has another name or a later time. Contains the
    /// entry that is missing in the source log.
    Copy(Box<SourceEntry>),
}

impl SourceFileStatus {
    /// Returns true if the file must be read.
    fn must_be_read(&self) -> bool {
        matches!(self, SourceFileStatus::New | SourceFileStatus::Changed)
    }
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
    pub(super) fn discover(options: &Options, known: &KnownSources<'_>) -> Result<Self> {
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
        if let (Some(name), [file]) = (&options.source_name, &mut files[..]) {
            file.name.clone_from(name);
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
        let new = self.files.iter().filter(|(_, status)| status.must_be_read());
        new.map(|(file, _)| file.clone()).collect()
    }

    /// Returns the missing source-log entries of files with known content.
    pub(super) fn copies(&self) -> Vec<SourceEntry> {
        let entry = |(_, status): &(SourceFile, SourceFileStatus)| match status {
            SourceFileStatus::Copy(entry) => Some((**entry).clone()),
            _ => None,
        };
        self.files.iter().filter_map(entry).collect()
    }

    /// Returns the number of known files.
    pub(super) fn known_count(&self) -> usize {
        self.files.iter().filter(|(_, status)| !status.must_be_read()).count()
    }
}
