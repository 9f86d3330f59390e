//! The source log: an entry for every source ever ingested, as atomic as the table.
//!
//! Entries are in files under `sources/`, each named after its content and referring to the one
//! before it. The Delta log's application transaction `pbi-analyze.sources` contains the number of
//! the newest file. So events and the entries of their sources are one commit: a file that no
//! commit refers to has no effect. The same applies to reject files, whose names are in the first
//! line of the source-log file that was committed with them. The chain is compacted into one file
//! after 32 links, so that reading it stays fast after any number of runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::schema::source_log::SourceFacts;
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::disk::Disk;
use crate::store::provenance::reject_file::{RejectsFile, check_format, writer_from_name};

/// Links of the chain after which it is compacted.
const MAX_CHAIN_LENGTH: u64 = 32;

/// The version of the format that this program writes. Version 1 had no `format` in its first
/// line, and other names for some members. Version 2 did not separate the events of the logs.
const FORMAT: u32 = 3;

/// Log entry of one source: its place, its digest and its facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// The location of the source, independent of the current folder of a command.
    pub place: String,
    /// The digest of its content.
    pub digest: String,
    /// The facts about the source.
    pub facts: SourceFacts,
}

/// The entries of a version. They may be many, and a writer needs them twice.
#[derive(Debug, Clone, Default)]
pub struct SourceEntries {
    pub(in crate::store) head: Option<i64>,
    pub(in crate::store) source_log: Arc<SourceLog>,
}

impl Deref for SourceEntries {
    type Target = [SourceEntry];

    fn deref(&self) -> &[SourceEntry] {
        &self.source_log.entries
    }
}

/// The first line of a source-log file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SourceLogHead {
    /// The version of the format.
    #[serde(default = "first_format")]
    format: u32,
    /// The writer of the file. Two writers with the same entries must not write the same file,
    /// because the one whose commit fails deletes its own.
    writer: String,
    /// The number of the file before, if there is one.
    before: Option<i64>,
    /// The length of the chain before this file.
    length: u64,
    /// Events and rejects that were removed from the store.
    #[serde(flatten)]
    removed: RemovedCounts,
    /// The reject files that were committed with these entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rejects: Vec<RejectsFile>,
}

/// The part of the first line that every version has.
#[derive(Debug, Deserialize)]
struct FormatOnly {
    #[serde(default = "first_format")]
    format: u32,
}

fn first_format() -> u32 {
    1
}

/// Numbers of events and rejects that were stored and removed later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RemovedCounts {
    /// Events.
    #[serde(default)]
    pub(in crate::store) erased: u64,
    /// Rejects.
    #[serde(default)]
    pub(in crate::store) dropped: u64,
}

/// The content of the whole source log.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct SourceLog {
    /// The entries, oldest first.
    pub(in crate::store) entries: Vec<SourceEntry>,
    pub(in crate::store) reject_files: Vec<RejectsFile>,
    pub(in crate::store) removed: RemovedCounts,
}

impl SourceLog {
    /// Returns the number of rejects in the store.
    pub(in crate::store) fn reject_count(&self) -> u64 {
        self.reject_files.iter().map(|file| file.rejects).sum()
    }

    /// Returns the places of sources whose stored rejects are outdated, with the number of these
    /// rejects: a later version of the program has read the same content without a reject.
    pub(in crate::store) fn outdated_rejects(&self) -> HashMap<&str, u64> {
        // The number of rejects of a source, and the digests of their contents.
        let mut stored: HashMap<&str, (u64, BTreeSet<&str>)> = HashMap::new();
        for entry in &self.entries {
            let kept = entry.facts.rejects.map_or(0, |rejects| rejects.kept);
            if kept > 0 {
                let (number, digests) = stored.entry(&entry.place).or_default();
                *number += kept;
                digests.insert(&entry.digest);
            }
        }
        let with_rejects = self.entries.iter().filter(|entry| stored.contains_key(&*entry.place));
        let newest: HashMap<&str, &SourceEntry> =
            with_rejects.map(|entry| (&*entry.place, entry)).collect();
        // Rejects of another content are kept, because the source no longer contains them.
        stored.retain(|place, (_, digests)| {
            newest.get(place).is_some_and(|entry| {
                let is_same = digests.iter().all(|digest| *digest == entry.digest);
                is_same && !entry.digest.is_empty() && entry.facts.records.rejected == 0
            })
        });
        stored.into_iter().map(|(place, (number, _))| (place, number)).collect()
    }
}

/// Reads the source log up to the file with the number `head`.
pub(in crate::store) fn read(root: &Path, head: Option<i64>) -> Result<SourceLog> {
    let (mut source_log, mut files, mut next) = (SourceLog::default(), Vec::new(), head);
    while let Some(number) = next {
        let (link, entries) = read_file(root, number)?;
        // Every head contains the sums of all heads before it.
        if head == Some(number) {
            source_log.removed = link.removed;
        }
        source_log.reject_files.extend(link.rejects);
        files.push(entries);
        next = link.before;
    }
    source_log.entries = files.into_iter().rev().flatten().collect();
    Ok(source_log)
}

fn read_file(root: &Path, number: i64) -> Result<(SourceLogHead, Vec<SourceEntry>)> {
    let text = read_text(root, number)?;
    let head = parse_head(root, number, &text)?;
    let entries = text.lines().skip(1).map(serde_json::from_str);
    let entries = entries.collect::<Result<Vec<SourceEntry>, _>>();
    Ok((head, entries.map_err(|error| damaged_error(root, number, error))?))
}

/// Reads the first line only, without parsing the entries.
fn read_head(root: &Path, number: i64) -> Result<SourceLogHead> {
    parse_head(root, number, &read_text(root, number)?)
}

fn parse_head(root: &Path, number: i64, text: &str) -> Result<SourceLogHead> {
    let line = text.lines().next().unwrap_or_default();
    let damaged = |error: serde_json::Error| damaged_error(root, number, error);
    let FormatOnly { format } = serde_json::from_str(line).map_err(damaged)?;
    check_format(&path(root, number), format, FORMAT)?;
    serde_json::from_str(line).map_err(damaged)
}

fn damaged_error(root: &Path, number: i64, error: serde_json::Error) -> Error {
    let path = path(root, number);
    let message = format!("{} is damaged: {error}; restore it from a copy", path.display());
    Error::store_caused(root, message, error)
}

fn read_text(root: &Path, number: i64) -> Result<String> {
    let path = path(root, number);
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    if file_number(text.as_bytes()) != number {
        return Err(Error::store(
            root,
            format!("the content of {} has changed; restore it from a copy", path.display()),
        ));
    }
    Ok(text)
}

/// Additions to the source log in one commit.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct NewEntries<'e> {
    pub(in crate::store) entries: &'e [SourceEntry],
    /// The file with the rejects of these sources.
    pub(in crate::store) rejects: Option<&'e RejectsFile>,
}

/// Writes a file with new entries after the file `head`, and returns its number for the commit.
///
/// Without entries, nothing is written and `head` is returned.
pub(in crate::store) fn append(
    disk: &Arc<dyn Disk>,
    root: &Path,
    head: Option<i64>,
    writer: &str,
    new: NewEntries<'_>,
) -> Result<Option<i64>> {
    let NewEntries { entries, rejects } = new;
    if entries.is_empty() {
        return Ok(head);
    }
    let (length, removed) = match head {
        Some(number) => {
            let head = read_head(root, number)?;
            (head.length + 1, head.removed)
        }
        None => (0, RemovedCounts::default()),
    };
    if length > MAX_CHAIN_LENGTH {
        let mut source_log = read(root, head)?;
        source_log.entries.extend_from_slice(entries);
        source_log.reject_files.extend(rejects.cloned());
        return write_compacted(disk, root, writer, &source_log).map(Some);
    }
    let rejects = rejects.cloned().into_iter().collect();
    let writer = writer.to_owned();
    let head = SourceLogHead { format: FORMAT, writer, before: head, length, removed, rejects };
    write_file(disk, root, &head, entries).map(Some)
}

/// Writes a file with the whole source log, which replaces the chain it was read from, and returns
/// its number for the commit.
pub(in crate::store) fn write_compacted(
    disk: &Arc<dyn Disk>,
    root: &Path,
    writer: &str,
    source_log: &SourceLog,
) -> Result<i64> {
    let head = SourceLogHead {
        format: FORMAT,
        writer: writer.to_owned(),
        before: None,
        length: 0,
        removed: source_log.removed,
        rejects: source_log.reject_files.clone(),
    };
    write_file(disk, root, &head, &source_log.entries)
}

fn write_file(
    disk: &Arc<dyn Disk>,
    root: &Path,
    head: &SourceLogHead,
    entries: &[SourceEntry],
) -> Result<i64> {
    let mut text = serde_json::to_vec(head).map_err(Error::internal)?;
    for entry in entries {
        text.push(b'\n');
        serde_json::to_writer(&mut text, entry).map_err(Error::internal)?;
    }
    text.push(b'\n');
    let number = file_number(&text);
    write_text(disk, root, number, &text)?;
    Ok(number)
}

/// Writes a file. It replaces a file with the same content that an aborted run has left, or that
/// another writer has written at the same moment.
fn write_text(disk: &Arc<dyn Disk>, root: &Path, number: i64, text: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create_unnamed(disk, &folder(root))?;
    file.write_bytes(text)?;
    file.publish(&file_name(number), Publish::Unreferenced).map(drop)
}

/// Deletes a source-log file that no commit refers to. A file that cannot be deleted is harmless.
pub(in crate::store) fn discard(disk: &dyn Disk, root: &Path, head: Option<i64>) {
    if let Some(number) = head {
        let _ = disk.remove(&path(root, number));
    }
}

/// Deletes the files up to `before` if the file `head` contains all their entries.
///
/// Only readers of older versions need these files, and they read the newest version again. A file
/// that cannot be deleted is harmless.
pub(in crate::store) fn delete_compacted(
    disk: &dyn Disk,
    root: &Path,
    before: Option<i64>,
    head: Option<i64>,
) {
    let is_compacted = |number| read_head(root, number).is_ok_and(|head| head.before.is_none());
    if before.is_some() && before != head && head.is_some_and(is_compacted) {
        for path in chain(root, before).unwrap_or_default() {
            let _ = disk.remove(&path);
        }
    }
}

/// Returns the source-log files up to the one with the number `head`.
pub(in crate::store) fn chain(root: &Path, head: Option<i64>) -> Result<Vec<PathBuf>> {
    Ok(links(root, head)?.into_iter().map(|(number, _)| path(root, number)).collect())
}

/// Returns the source-log files up to the one with the number `head`, and their reject files.
pub(in crate::store) fn referenced_files(
    root: &Path,
    head: Option<i64>,
) -> Result<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    for (number, link) in links(root, head)? {
        files.insert(path(root, number));
        files.extend(link.rejects.iter().map(|file| file.path(root)));
    }
    Ok(files)
}

/// Returns the files of one writer that were committed together with a source-log file, itself
/// included. If that does not exist, it is the only one.
pub(in crate::store) fn files_of_commit(root: &Path, number: i64) -> Result<Vec<PathBuf>> {
    let own = path(root, number);
    if !own.try_exists().map_err(Error::io("read", &own))? {
        return Ok(vec![own]);
    }
    let head = read_head(root, number)?;
    // A compacted source log also names the reject files of other writers.
    let is_own = |file: &&RejectsFile| writer_from_name(&file.name) == Some(&head.writer);
    let rejects = head.rejects.iter().filter(is_own).map(|file| file.path(root));
    Ok(rejects.chain([own]).collect())
}

/// Returns the writer of a source-log file, or `None` if the file is not one of ours.
pub(in crate::store) fn writer_of(root: &Path, path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let number = i64::from_str_radix(name.strip_suffix(".ndjson")?, 16).ok()?;
    read_head(root, number).ok().map(|head| head.writer)
}

fn links(root: &Path, head: Option<i64>) -> Result<Vec<(i64, SourceLogHead)>> {
    let (mut links, mut next) = (Vec::new(), head);
    while let Some(number) = next {
        let link = read_head(root, number)?;
        next = link.before;
        links.push((number, link));
    }
    Ok(links)
}

/// Returns the folder of the source-log files.
pub(in crate::store) fn folder(root: &Path) -> PathBuf {
    root.join("sources")
}

/// Returns the number of a source-log file, calculated from its content.
///
/// So two writers never give the same number to different files. The number is never negative,
/// which the Delta log requires.
fn file_number(text: &[u8]) -> i64 {
    (xxh3_64(text) >> 1) as i64
}

fn file_name(number: i64) -> String {
    format!("{number:016x}.ndjson")
}

/// Returns the path of the source-log file with a number.
pub(in crate::store) fn path(root: &Path, number: i64) -> PathBuf {
    folder(root).join(file_name(number))
}

/// Returns the newest facts of each source, sorted by path.
pub(in crate::store) fn latest_facts(entries: &[SourceEntry]) -> Vec<SourceFacts> {
    let newest: BTreeMap<(&str, &str), &SourceFacts> = entries
        .iter()
        .map(|entry| ((entry.facts.path.as_str(), entry.place.as_str()), &entry.facts))
        .collect();
    newest.into_values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::source_log::{RejectCounts, WarningKind};
    use crate::store::fs::disk::OsDisk;

    fn disk() -> Arc<dyn Disk> {
        Arc::new(OsDisk)
    }

    fn entry(name: &str) -> SourceEntry {
        let facts = SourceFacts { path: name.to_owned(), ..SourceFacts::default() };
        SourceEntry { place: format!("/a/{name}"), digest: "0".to_owned(), facts }
    }

    fn append_one(root: &Path, head: Option<i64>, writer: &str, name: &str) -> Option<i64> {
        let new = NewEntries { entries: &[entry(name)], rejects: None };
        append(&disk(), root, head, writer, new).unwrap()
    }

    fn write_raw(root: &Path, text: &str) -> i64 {
        let number = file_number(text.as_bytes());
        write_text(&disk(), root, number, text.as_bytes()).unwrap();
        number
    }

    #[test]
    fn entries_are_read_in_order_from_a_chain_of_any_length() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = None;
        for number in 0..100 {
            head = append_one(folder.path(), head, "w", &number.to_string());
        }
        let entries = read(folder.path(), head).unwrap().entries;
        let names: Vec<_> = entries.iter().map(|entry| entry.facts.path.clone()).collect();
        assert_eq!(names, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(read_file(folder.path(), head.unwrap()).unwrap().0.length <= MAX_CHAIN_LENGTH);
    }

    #[test]
    fn rejects_are_outdated_if_the_same_content_was_read_later() {
        let read = |digest: &str, rejected: u64, kept: u64| {
            let mut entry = entry("x");
            entry.digest = digest.to_owned();
            entry.facts.records.rejected = rejected;
            entry.facts.rejects = Some(RejectCounts { kept, known: rejected - kept });
            entry
        };
        for (entries, expected) in [
            (vec![read("a", 2, 2)], None),
            (vec![read("a", 2, 2), read("a", 0, 0)], Some(2)),
            (vec![read("a", 2, 2), read("a", 3, 1), read("a", 0, 0)], Some(3)),
            // Some records are still rejected, or the content is another one.
            (vec![read("a", 2, 2), read("a", 1, 0)], None),
            (vec![read("a", 2, 2), read("a", 0, 0), read("a", 2, 0)], None),
            (vec![read("a", 2, 2), read("b", 0, 0)], None),
            (vec![read("a", 2, 2), read("b", 1, 1), read("a", 0, 0)], None),
            (vec![read("", 2, 2), read("", 0, 0)], None),
        ] {
            let log = SourceLog { entries, ..SourceLog::default() };
            assert_eq!(log.outdated_rejects().get("/a/x").copied(), expected, "{log:?}");
        }
    }

    #[test]
    fn compaction_keeps_reject_files_and_removed_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (root, removed) = (folder.path(), RemovedCounts { erased: 3, dropped: 2 });
        let log = SourceLog { entries: vec![entry("x")], removed, ..SourceLog::default() };
        let mut head = Some(write_compacted(&disk(), root, "w", &log).unwrap());
        for number in 0..50 {
            let file = RejectsFile { name: format!("{number}"), rejects: number };
            let rejects = (number % 5 == 0).then_some(&file);
            let entries = &[entry(&number.to_string())];
            head = append(&disk(), root, head, "w", NewEntries { entries, rejects }).unwrap();
        }
        let log = read(root, head).unwrap();
        assert_eq!((log.removed, log.reject_count()), (removed, 225));
        assert_eq!(log.reject_files.len(), 10);
        let files = referenced_files(root, head).unwrap();
        assert_eq!(files.len(), 10 + chain(root, head).unwrap().len());
    }

    #[test]
    fn file_of_the_first_format_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"writer\":\"w\",\"before\":null,\"length\":0,\"erased\":4}\n\
            {\"place\":\"/a\",\"digest\":\"0\",\"facts\":{\"path\":\"a\",\"kind\":\"array\",\
            \"size_bytes\":1,\"modified_us\":null,\"records\":{\"read\":1,\"stored\":0,\
            \"duplicates\":0,\"conflicting\":0,\"other_workloads\":0,\"rejected\":1},\"days\":{},\
            \"period_us\":null,\"others_kept\":3,\"damaged\":true,\
            \"troubles\":[{\"position\":7,\"reason\":\"why\"}],\
            \"suspicions\":[{\"kind\":\"cut\",\"count\":1,\"detail\":\"d\"},\
            {\"kind\":\"lost_letters\",\"count\":1,\"detail\":\"d\"},\
            {\"kind\":\"early\",\"count\":1,\"detail\":\"d\"}]}}\n";
        let number = write_raw(folder.path(), text);
        let log = read(folder.path(), Some(number)).unwrap();
        assert_eq!((log.removed, log.reject_count()), (RemovedCounts { erased: 4, dropped: 0 }, 0));
        let facts = &log.entries[0].facts;
        assert_eq!((facts.records.rejected, facts.rejects), (1, None));
        assert_eq!((facts.other_workloads_kept, facts.problems[0].position), (3, 7));
        let kinds: Vec<_> = facts.warnings.iter().map(|warning| warning.kind).collect();
        let expected = [WarningKind::Truncated, WarningKind::LostCharacters, WarningKind::TooEarly];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn newer_file_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let head = append_one(folder.path(), None, "w", "x");
        let text = fs::read_to_string(path(folder.path(), head.unwrap())).unwrap();
        assert!(text.starts_with("{\"format\":3,"), "{text}");
        let number = write_raw(folder.path(), "{\"format\":4,\"unknown\":[]}\n{}\n");
        let error = read(folder.path(), Some(number)).unwrap_err().to_string();
        assert!(error.contains("newer pbi-analyze") && error.contains("update"), "{error}");
    }

    #[test]
    fn writers_with_the_same_entries_do_not_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] =
            ["one", "other"].map(|writer| append_one(folder.path(), None, writer, "x"));
        discard(&OsDisk, folder.path(), one);
        assert_eq!(read(folder.path(), other).unwrap().entries, [entry("x")]);
    }

    #[test]
    fn changed_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let head = append_one(folder.path(), None, "w", "x");
        let path = path(folder.path(), head.unwrap());
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("\"x\"", "\"y\"")).unwrap();
        let error = read(folder.path(), head).unwrap_err().to_string();
        assert!(error.contains("has changed; restore it"), "{error}");
    }
}
