//! What is remembered of sources, beside the table and as atomic as it.
//!
//! Marks are kept in files under `sources/`, each named after its content and naming the one
//! before it. The log's application transaction `pbi-analyze.sources` holds the number of the
//! newest, so a commit of events and the marks of their sources are one step: a file that no
//! commit names is as if it did not exist. The same holds for the files of rejects, whose names
//! stand in the first line of the marks that they came with. The chain is folded into one file now
//! and then, so that reading it stays short however many runs there were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::schema::source_log::SourceFacts;
use crate::store::fs::disk::{Disk, parent_or_current};
use crate::store::provenance::rejects::RejectsFile;

/// Links of the chain after which it is folded.
const MAX_CHAIN_LENGTH: u64 = 32;

/// What is remembered of one source: where it was, what it held, and how that was disposed of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntry {
    /// Where the source is, in a form that does not depend on the folder a command runs in.
    pub place: String,
    /// The digest of its content.
    pub digest: String,
    /// What was found in it.
    pub facts: SourceFacts,
}

/// The first line of a file of marks.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SourceLogHead {
    /// Who wrote it: two that remember the same must not write the same file, as the one whose
    /// commit is too late deletes his.
    writer: String,
    /// The number of the file before, if there is one.
    before: Option<i64>,
    /// How many files the chain has behind this one.
    length: u64,
    /// What was taken out of the store since.
    #[serde(flatten)]
    removed: RemovedCounts,
    /// The files of rejects that came with these marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rejects: Vec<RejectsFile>,
}

/// How much was stored and taken out again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RemovedCounts {
    /// Events.
    #[serde(default)]
    pub(in crate::store) erased: u64,
    /// Rejects.
    #[serde(default)]
    pub(in crate::store) dropped: u64,
}

/// Everything that is remembered.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct SourceLog {
    /// The marks, oldest first.
    pub(in crate::store) entries: Vec<SourceEntry>,
    pub(in crate::store) reject_files: Vec<RejectsFile>,
    pub(in crate::store) removed: RemovedCounts,
}

impl SourceLog {
    /// How many rejects there are.
    pub(in crate::store) fn reject_count(&self) -> u64 {
        self.reject_files.iter().map(|file| file.rejects).sum()
    }
}

/// What is remembered up to the file of a number.
pub(in crate::store) fn read(root: &Path, head: Option<i64>) -> Result<SourceLog> {
    let (mut memory, mut files, mut next) = (SourceLog::default(), Vec::new(), head);
    while let Some(number) = next {
        let (link, marks) = read_file(root, number)?;
        // Sums are carried on from head to head.
        if head == Some(number) {
            memory.removed = link.removed;
        }
        memory.reject_files.extend(link.rejects);
        files.push(marks);
        next = link.before;
    }
    memory.entries = files.into_iter().rev().flatten().collect();
    Ok(memory)
}

fn read_file(root: &Path, number: i64) -> Result<(SourceLogHead, Vec<SourceEntry>)> {
    let text = read_text(root, number)?;
    let marks =
        text.lines().skip(1).map(serde_json::from_str).collect::<Result<Vec<SourceEntry>, _>>();
    let marks = marks.map_err(|error| damaged_error(root, number, &error))?;
    Ok((parse_head(root, number, &text)?, marks))
}

/// The first line, without what the others cost.
fn read_head(root: &Path, number: i64) -> Result<SourceLogHead> {
    parse_head(root, number, &read_text(root, number)?)
}

fn parse_head(root: &Path, number: i64, text: &str) -> Result<SourceLogHead> {
    let head = serde_json::from_str(text.lines().next().unwrap_or_default());
    head.map_err(|error| damaged_error(root, number, &error))
}

fn damaged_error(root: &Path, number: i64, error: &serde_json::Error) -> Error {
    let path = path(root, number);
    Error::store(root, format!("{} is damaged: {error}; restore it", path.display()))
}

fn read_text(root: &Path, number: i64) -> Result<String> {
    let path = path(root, number);
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    if file_number(text.as_bytes()) != number {
        return Err(Error::store(
            root,
            format!("{} is not what was written; restore it from a copy", path.display()),
        ));
    }
    Ok(text)
}

/// Writes a file with new marks, and the name of the file of rejects that came with them, that goes
/// before the file of number `head`, and gives its number, for the commit to name. Without marks,
/// the head stays.
pub(in crate::store) fn append(
    disk: &dyn Disk,
    root: &Path,
    head: Option<i64>,
    writer: &str,
    (marks, rejects): (&[SourceEntry], Option<&RejectsFile>),
) -> Result<Option<i64>> {
    if marks.is_empty() {
        return Ok(head);
    }
    let (length, gone) = match head {
        Some(number) => {
            let head = read_head(root, number)?;
            (head.length + 1, head.removed)
        }
        None => (0, RemovedCounts::default()),
    };
    if length > MAX_CHAIN_LENGTH {
        let mut memory = read(root, head)?;
        memory.entries.extend_from_slice(marks);
        memory.reject_files.extend(rejects.cloned());
        return write_compacted(disk, root, writer, &memory).map(Some);
    }
    let rejects = rejects.cloned().into_iter().collect();
    let head =
        SourceLogHead { writer: writer.to_owned(), before: head, length, removed: gone, rejects };
    write_file(disk, root, &head, marks).map(Some)
}

/// Writes a file with all that is remembered, in the place of the chain that it was read from, and
/// gives its number, for the commit to name.
pub(in crate::store) fn write_compacted(
    disk: &dyn Disk,
    root: &Path,
    writer: &str,
    memory: &SourceLog,
) -> Result<i64> {
    let (writer, rejects) = (writer.to_owned(), memory.reject_files.clone());
    let head = SourceLogHead { writer, before: None, length: 0, removed: memory.removed, rejects };
    write_file(disk, root, &head, &memory.entries)
}

fn write_file(
    disk: &dyn Disk,
    root: &Path,
    head: &SourceLogHead,
    marks: &[SourceEntry],
) -> Result<i64> {
    let mut text = serde_json::to_vec(head).map_err(Error::internal)?;
    for mark in marks {
        text.push(b'\n');
        serde_json::to_writer(&mut text, mark).map_err(Error::internal)?;
    }
    text.push(b'\n');
    let number = file_number(&text);
    write_atomically(disk, &path(root, number), &text)?;
    Ok(number)
}

/// Deletes a file of marks that no commit named. What cannot be deleted is harmless.
pub(in crate::store) fn discard(disk: &dyn Disk, root: &Path, head: Option<i64>) {
    if let Some(number) = head {
        let _ = disk.remove(&path(root, number));
    }
}

/// Deletes the files up to `before`, if the one of the number `head` has all their marks. Nobody
/// needs them but readers of older versions, who look again. What cannot be deleted is harmless.
pub(in crate::store) fn delete_compacted(
    disk: &dyn Disk,
    root: &Path,
    before: Option<i64>,
    head: Option<i64>,
) {
    let is_folded = |number| read_head(root, number).is_ok_and(|head| head.before.is_none());
    if before.is_some() && before != head && head.is_some_and(is_folded) {
        for path in chain(root, before).unwrap_or_default() {
            let _ = disk.remove(&path);
        }
    }
}

/// The files of marks up to the one of a number.
pub(in crate::store) fn chain(root: &Path, head: Option<i64>) -> Result<Vec<PathBuf>> {
    Ok(links(root, head)?.into_iter().map(|(number, _)| path(root, number)).collect())
}

/// The files of marks up to the one of a number, and the files of rejects that they name.
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

fn links(root: &Path, head: Option<i64>) -> Result<Vec<(i64, SourceLogHead)>> {
    let (mut links, mut next) = (Vec::new(), head);
    while let Some(number) = next {
        let link = read_head(root, number)?;
        next = link.before;
        links.push((number, link));
    }
    Ok(links)
}

/// A file of the same content may be there: left by a run that was cut off, or written at the
/// same moment by another. It is as good as this one, so it is replaced and not refused.
fn write_atomically(disk: &dyn Disk, path: &Path, text: &[u8]) -> Result<()> {
    let folder = parent_or_current(path);
    disk.create_folder(folder).map_err(Error::io("create", folder))?;
    let unfinished = folder.join(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
    let written = disk.create(&unfinished).and_then(|mut file| {
        file.write_all(text)?;
        file.sync()?;
        disk.rename(&unfinished, path)
    });
    let written = written.map_err(|error| (&*unfinished, error));
    let written = written.and_then(|()| disk.sync_folder(folder).map_err(|error| (path, error)));
    written.map_err(|(left, error)| {
        // Named by nothing that anybody reads.
        let _ = disk.remove(left);
        Error::io("write", path)(error)
    })
}

/// The folder of the files of marks.
pub(in crate::store) fn folder(root: &Path) -> PathBuf {
    root.join("sources")
}

/// The number of a file of marks: from its content, so that no two writers give one number to
/// different files, and never negative, as the log wants it.
fn file_number(text: &[u8]) -> i64 {
    (xxh3_64(text) >> 1) as i64
}

/// The file of marks of a number.
pub(in crate::store) fn path(root: &Path, number: i64) -> PathBuf {
    folder(root).join(format!("{number:016x}.ndjson"))
}

/// The facts of each source in its newest form, sorted by path.
pub(in crate::store) fn latest_facts(marks: &[SourceEntry]) -> Vec<SourceFacts> {
    let newest: BTreeMap<(&str, &str), &SourceFacts> = marks
        .iter()
        .map(|mark| ((mark.facts.path.as_str(), mark.place.as_str()), &mark.facts))
        .collect();
    newest.into_values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fs::disk::OsDisk;

    fn mark(name: &str) -> SourceEntry {
        let facts = SourceFacts { path: name.to_owned(), ..SourceFacts::default() };
        SourceEntry { place: format!("/a/{name}"), digest: "0".to_owned(), facts }
    }

    #[test]
    fn marks_come_back_in_order_however_long_the_chain_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = None;
        for number in 0..100 {
            head = append(&OsDisk, folder.path(), head, "w", (&[mark(&number.to_string())], None))
                .unwrap();
        }
        let marks = read(folder.path(), head).unwrap().entries;
        let names: Vec<_> = marks.iter().map(|mark| mark.facts.path.clone()).collect();
        assert_eq!(names, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(read_file(folder.path(), head.unwrap()).unwrap().0.length <= MAX_CHAIN_LENGTH);
    }

    #[test]
    fn a_fold_keeps_the_names_of_rejects_and_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (root, gone) = (folder.path(), RemovedCounts { erased: 3, dropped: 2 });
        let memory = SourceLog { entries: vec![mark("x")], removed: gone, ..SourceLog::default() };
        let mut head = Some(write_compacted(&OsDisk, root, "w", &memory).unwrap());
        for number in 0..50 {
            let file = RejectsFile { name: format!("{number}"), rejects: number };
            let named = (number % 5 == 0).then_some(&file);
            let marks = [mark(&number.to_string())];
            head = append(&OsDisk, root, head, "w", (&marks, named)).unwrap();
        }
        let memory = read(root, head).unwrap();
        assert_eq!((memory.removed, memory.reject_count()), (gone, 225));
        assert_eq!(memory.reject_files.len(), 10);
        assert_eq!(
            referenced_files(root, head).unwrap().len(),
            10 + chain(root, head).unwrap().len()
        );
    }

    #[test]
    fn what_was_remembered_before_rejects_were_kept_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let text = "{\"writer\":\"w\",\"before\":null,\"length\":0,\"erased\":4}\n\
            {\"place\":\"/a\",\"digest\":\"0\",\"facts\":{\"path\":\"a\",\"kind\":\"array\",\
            \"size_bytes\":1,\"modified_us\":null,\"records\":{\"read\":1,\"stored\":0,\
            \"duplicates\":0,\"conflicting\":0,\"other_workloads\":0,\"rejected\":1},\"days\":{},\
            \"period_us\":null,\"damaged\":true,\"troubles\":[]}}\n";
        let number = file_number(text.as_bytes());
        write_atomically(&OsDisk, &path(folder.path(), number), text.as_bytes()).unwrap();
        let memory = read(folder.path(), Some(number)).unwrap();
        assert_eq!(
            (memory.removed, memory.reject_count()),
            (RemovedCounts { erased: 4, dropped: 0 }, 0)
        );
        let facts = &memory.entries[0].facts;
        assert_eq!((facts.records.rejected, facts.rejects), (1, None));
    }

    #[test]
    fn two_writers_that_remember_the_same_do_not_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|writer| {
            append(&OsDisk, folder.path(), None, writer, (&[mark("x")], None)).unwrap()
        });
        discard(&OsDisk, folder.path(), one);
        assert_eq!(read(folder.path(), other).unwrap().entries, [mark("x")]);
    }

    #[test]
    fn a_file_of_marks_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let head = append(&OsDisk, folder.path(), None, "w", (&[mark("x")], None)).unwrap();
        let path = path(folder.path(), head.unwrap());
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("\"x\"", "\"y\"")).unwrap();
        assert!(
            read(folder.path(), head).unwrap_err().to_string().contains("not what was written")
        );
    }
}
