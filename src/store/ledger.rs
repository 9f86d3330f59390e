//! What is remembered of sources, beside the table and as atomic as it.
//!
//! Marks are kept in files under `sources/`, each named after its content and naming the one
//! before it. The log's application transaction `pbi-analyze.sources` holds the number of the
//! newest, so a commit of events and the marks of their sources are one step: a file that no
//! commit names is as if it did not exist. The chain is folded into one file now and then, so
//! that reading it stays short however many runs there were.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::disk::{Disk, above};
use crate::error::{Error, Result};
use crate::schema::ledger::SourceFacts;

/// Links of the chain after which it is folded.
const CHAIN_MAX: u64 = 32;

/// What is remembered of one source: where it was, what it held, and how that was disposed of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Where the source is, in a form that does not depend on the folder a command runs in.
    pub place: String,
    /// The digest of its content.
    pub digest: String,
    /// What was found in it.
    pub facts: SourceFacts,
}

/// The first line of a file of marks.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    /// Who wrote it: two that remember the same must not write the same file, as the one whose
    /// commit is too late deletes his.
    writer: String,
    /// The number of the file before, if there is one.
    before: Option<i64>,
    /// How many files the chain has behind this one.
    length: u64,
    /// How many events were stored and erased again since.
    #[serde(default)]
    erased: u64,
}

/// All marks up to the file of a number, oldest first.
pub(super) fn read(root: &Path, head: Option<i64>) -> Result<Vec<Mark>> {
    let mut files = Vec::new();
    let mut next = head;
    while let Some(number) = next {
        let (head, marks) = read_file(root, number)?;
        files.push(marks);
        next = head.before;
    }
    files.reverse();
    Ok(files.into_iter().flatten().collect())
}

fn read_file(root: &Path, number: i64) -> Result<(Head, Vec<Mark>)> {
    let path = path(root, number);
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    let broken = |error: serde_json::Error| {
        Error::store(root, format!("{} is damaged: {error}; restore it", path.display()))
    };
    if number_of(text.as_bytes()) != number {
        return Err(Error::store(
            root,
            format!("{} is not what was written; restore it from a copy", path.display()),
        ));
    }
    let mut lines = text.lines();
    let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(broken)?;
    let marks =
        lines.map(serde_json::from_str).collect::<Result<Vec<Mark>, _>>().map_err(broken)?;
    Ok((head, marks))
}

/// Writes a file with new marks that goes before the file of number `head`, and gives its number,
/// for the commit to name. Without marks, the head stays.
pub(super) fn append(
    disk: &dyn Disk,
    root: &Path,
    head: Option<i64>,
    writer: &str,
    marks: &[Mark],
) -> Result<Option<i64>> {
    if marks.is_empty() {
        return Ok(head);
    }
    let (length, erased) = match head {
        Some(number) => {
            let head = read_file(root, number)?.0;
            (head.length + 1, head.erased)
        }
        None => (0, 0),
    };
    let writer = writer.to_owned();
    if length > CHAIN_MAX {
        let all: Vec<Mark> = read(root, head)?.into_iter().chain(marks.iter().cloned()).collect();
        return write_file(disk, root, &Head { writer, before: None, length: 0, erased }, &all)
            .map(Some);
    }
    write_file(disk, root, &Head { writer, before: head, length, erased }, marks).map(Some)
}

/// Writes a file with all marks, in the place of the chain up to the file of number `before`, and
/// gives its number, for the commit to name. `erased` events more are gone.
pub(super) fn fold(
    disk: &dyn Disk,
    root: &Path,
    before: Option<i64>,
    writer: &str,
    marks: &[Mark],
    erased: u64,
) -> Result<i64> {
    let erased = erased + self::erased(root, before)?;
    let writer = writer.to_owned();
    write_file(disk, root, &Head { writer, before: None, length: 0, erased }, marks)
}

/// How many events were stored and erased again, up to the file of a number.
pub(super) fn erased(root: &Path, head: Option<i64>) -> Result<u64> {
    head.map_or(Ok(0), |number| Ok(read_file(root, number)?.0.erased))
}

fn write_file(disk: &dyn Disk, root: &Path, head: &Head, marks: &[Mark]) -> Result<i64> {
    let mut text = serde_json::to_vec(head).map_err(Error::internal)?;
    for mark in marks {
        text.push(b'\n');
        serde_json::to_writer(&mut text, mark).map_err(Error::internal)?;
    }
    text.push(b'\n');
    let number = number_of(&text);
    write(disk, &path(root, number), &text)?;
    Ok(number)
}

/// Deletes a file of marks that no commit named. What cannot be deleted is harmless.
pub(super) fn discard(disk: &dyn Disk, root: &Path, head: Option<i64>) {
    if let Some(number) = head {
        let _ = disk.remove(&path(root, number));
    }
}

/// Deletes the files up to `before`, if the one of the number `head` has all their marks. Nobody
/// needs them but readers of older versions, who look again. What cannot be deleted is harmless.
pub(super) fn drop_folded(disk: &dyn Disk, root: &Path, before: Option<i64>, head: Option<i64>) {
    let is_folded = |number| read_file(root, number).is_ok_and(|(head, _)| head.before.is_none());
    if before.is_some() && before != head && head.is_some_and(is_folded) {
        for path in chain(root, before).unwrap_or_default() {
            let _ = disk.remove(&path);
        }
    }
}

/// The files of marks up to the one of a number.
pub(super) fn chain(root: &Path, head: Option<i64>) -> Result<Vec<PathBuf>> {
    let (mut files, mut next) = (Vec::new(), head);
    while let Some(number) = next {
        files.push(path(root, number));
        next = read_file(root, number)?.0.before;
    }
    Ok(files)
}

/// A file of the same content may be there: left by a run that was cut off, or written at the
/// same moment by another. It is as good as this one, so it is replaced and not refused.
fn write(disk: &dyn Disk, path: &Path, text: &[u8]) -> Result<()> {
    let folder = above(path);
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
pub(super) fn folder(root: &Path) -> PathBuf {
    root.join("sources")
}

/// The number of a file of marks: from its content, so that no two writers give one number to
/// different files, and never negative, as the log wants it.
fn number_of(text: &[u8]) -> i64 {
    (xxh3_64(text) >> 1) as i64
}

/// The file of marks of a number.
pub(super) fn path(root: &Path, number: i64) -> PathBuf {
    folder(root).join(format!("{number:016x}.ndjson"))
}

/// The facts of each source in its newest form, sorted by path.
pub(super) fn facts(marks: &[Mark]) -> Vec<SourceFacts> {
    let newest: BTreeMap<(&str, &str), &SourceFacts> = marks
        .iter()
        .map(|mark| ((mark.facts.path.as_str(), mark.place.as_str()), &mark.facts))
        .collect();
    newest.into_values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::disk::Os;
    use super::*;

    fn mark(name: &str) -> Mark {
        let facts = SourceFacts { path: name.to_owned(), ..SourceFacts::default() };
        Mark { place: format!("/a/{name}"), digest: "0".to_owned(), facts }
    }

    #[test]
    fn marks_come_back_in_order_however_long_the_chain_was() {
        let folder = tempfile::tempdir().unwrap();
        let mut head = None;
        for number in 0..100 {
            head = append(&Os, folder.path(), head, "w", &[mark(&number.to_string())]).unwrap();
        }
        let marks = read(folder.path(), head).unwrap();
        let names: Vec<_> = marks.iter().map(|mark| mark.facts.path.clone()).collect();
        assert_eq!(names, (0..100).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(read_file(folder.path(), head.unwrap()).unwrap().0.length <= CHAIN_MAX);
    }

    #[test]
    fn two_writers_that_remember_the_same_do_not_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"]
            .map(|writer| append(&Os, folder.path(), None, writer, &[mark("x")]).unwrap());
        discard(&Os, folder.path(), one);
        assert_eq!(read(folder.path(), other).unwrap(), [mark("x")]);
    }

    #[test]
    fn a_file_of_marks_that_was_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let head = append(&Os, folder.path(), None, "w", &[mark("x")]).unwrap();
        let path = path(folder.path(), head.unwrap());
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("\"x\"", "\"y\"")).unwrap();
        assert!(
            read(folder.path(), head).unwrap_err().to_string().contains("not what was written")
        );
    }
}
