//! Records that could not be taken, kept beside the table and as atomic as it.
//!
//! ```text
//! rejects/<writer>-<digest>.ndjson.zst      a line for each; the head of the marks names the file
//! ```
//!
//! Owns: these files. A run streams its rejects into unfinished work ([`Intake`]), so that memory
//! does not grow with them; the commit takes those whose sources it brings, and that the store
//! does not have, into one file. Must not know why a record was rejected.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

use crate::error::{Error, Result};
use crate::schema::reject::Reject;
use crate::schema::source_log::RejectCounts;
use crate::store::fs::disk::{Disk, DiskFile};
use crate::store::provenance::source_log::SourceLog;

/// How hard zstd tries: rejects are few, and when they are many, speed counts.
const ZSTD_LEVEL: i32 = 3;

/// What is held at once for a listing; of more, parts are read in turn.
const MAX_LISTED_BYTES: u64 = 64 << 20;

/// A file of rejects, as the head of a file of marks names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RejectsFile {
    pub(in crate::store) name: String,
    pub(in crate::store) rejects: u64,
}

/// The folder of the files of rejects.
pub(in crate::store) fn folder(root: &Path) -> PathBuf {
    root.join("rejects")
}

impl RejectsFile {
    pub(in crate::store) fn path(&self, root: &Path) -> PathBuf {
        folder(root).join(&self.name)
    }
}

/// The writer of a file of rejects, finished or not, if it is one of ours.
pub(in crate::store) fn writer_from_name(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.').unwrap_or(name);
    let (writer, rest) = name.split_once('-')?;
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_whole = rest.strip_suffix(".ndjson.zst").is_some_and(is_hex);
    (is_hex(writer) && (is_whole || rest == "rejects.tmp")).then_some(writer)
}

fn digest_from_name(name: &str) -> Option<u128> {
    writer_from_name(name)?;
    u128::from_str_radix(name.strip_suffix(".ndjson.zst")?.rsplit_once('-')?.1, 16).ok()
}

/// The rejects of a run, as threads bring them.
pub(in crate::store) struct RejectSpool {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    state: Mutex<SpoolState>,
}

enum SpoolState {
    Empty,
    Open(RejectWriter<Box<dyn DiskFile>>),
    Closed,
}

impl RejectSpool {
    /// To be put into the folder for unfinished work.
    pub(in crate::store) fn new(disk: &Arc<dyn Disk>, scratch: &Path) -> Self {
        let path = scratch.join("rejects.ndjson.zst");
        RejectSpool { disk: Arc::clone(disk), path, state: Mutex::new(SpoolState::Empty) }
    }

    fn write_error(&self, error: io::Error) -> Error {
        Error::io("write", &self.path)(error)
    }

    pub(in crate::store) fn add(&self, reject: &Reject) -> Result<()> {
        let line = to_json_line(reject)?;
        let mut state =
            self.state.lock().map_err(|_| Error::internal("a thread failed while rejecting"))?;
        if !matches!(*state, SpoolState::Open(_)) {
            let opened = self.disk.create(&self.path).and_then(RejectWriter::new);
            *state = SpoolState::Open(opened.map_err(|error| self.write_error(error))?);
        }
        match &mut *state {
            SpoolState::Open(lines) => {
                lines.write_all(&line).map_err(|error| self.write_error(error))
            }
            _ => Err(Error::internal("rejects that were not begun")),
        }
    }

    /// Nothing more comes.
    fn finish(&self) -> Result<bool> {
        let mut state =
            self.state.lock().map_err(|_| Error::internal("a thread failed while rejecting"))?;
        match std::mem::replace(&mut *state, SpoolState::Closed) {
            SpoolState::Empty => {
                *state = SpoolState::Empty;
                Ok(false)
            }
            SpoolState::Open(lines) => {
                lines.finish().map_err(|error| self.write_error(error))?;
                Ok(true)
            }
            SpoolState::Closed => Ok(true),
        }
    }

    /// Tells what is new from what the store has, which can only be of the sources that were seen
    /// before.
    pub(in crate::store) fn split_new(
        &self,
        root: &Path,
        memory: &SourceLog,
    ) -> Result<NewRejects> {
        let mut sifted = NewRejects::default();
        if !self.finish()? {
            return Ok(sifted);
        }
        for_each_reject(&self.path, |reject| {
            sifted.counts_by_place.entry(reject.place).or_default().kept += 1;
            Ok(())
        })?;
        let seen: HashSet<&str> = memory
            .entries
            .iter()
            .map(|mark| mark.place.as_str())
            .filter(|place| sifted.counts_by_place.contains_key(*place))
            .collect();
        if seen.is_empty() {
            return Ok(sifted);
        }
        let mut held = HashSet::new();
        for file in &memory.reject_files {
            for_each_reject(&file.path(root), |reject| {
                if seen.contains(reject.place.as_str()) {
                    held.insert(reject_key(&reject));
                }
                Ok(())
            })?;
        }
        let mut known: BTreeMap<String, u64> = BTreeMap::new();
        for_each_reject(&self.path, |reject| {
            if held.contains(&reject_key(&reject)) {
                *known.entry(reject.place).or_default() += 1;
            }
            Ok(())
        })?;
        for (place, known) in known {
            let counts = sifted.counts_by_place.entry(place).or_default();
            *counts = RejectCounts { kept: counts.kept - known, known };
        }
        sifted.known_keys = held;
        Ok(sifted)
    }

    /// Writes what is new of the sources in these places; `None` where that is nothing.
    pub(in crate::store) fn write_new(
        &self,
        root: &Path,
        writer: &str,
        sifted: &NewRejects,
        is_brought: impl Fn(&str) -> bool,
    ) -> Result<Option<RejectsFile>> {
        let is_new =
            |(place, counts): (&String, &RejectCounts)| is_brought(place) && counts.kept > 0;
        if !sifted.counts_by_place.iter().any(is_new) {
            return Ok(None);
        }
        write_file(self.disk.as_ref(), root, writer, |take| {
            for_each_reject(&self.path, |reject| {
                if is_brought(&reject.place) && !sifted.known_keys.contains(&reject_key(&reject)) {
                    take(&reject)?;
                }
                Ok(())
            })
        })
    }
}

/// The rejects of a run, told from those that the store has.
#[derive(Debug, Default)]
pub(in crate::store) struct NewRejects {
    counts_by_place: BTreeMap<String, RejectCounts>,
    /// The keys of those that the store has of the same sources.
    known_keys: HashSet<u128>,
}

impl NewRejects {
    pub(in crate::store) fn counts(&self, place: &str) -> RejectCounts {
        self.counts_by_place.get(place).copied().unwrap_or_default()
    }
}

/// What makes a reject the same as another: where it stood, and what.
fn reject_key(reject: &Reject) -> u128 {
    let place = xxh3_128(reject.place.as_bytes());
    let raw = xxh3_128(reject.raw.bytes());
    let parts = [place, raw, u128::from(reject.position), u128::from(reject.length)];
    xxh3_128(&parts.map(u128::to_le_bytes).concat())
}

fn to_json_line(reject: &Reject) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(reject).map_err(Error::internal)?;
    line.push(b'\n');
    Ok(line)
}

/// A compressed file that is being written, and the digest of its bytes.
struct RejectWriter<W: Write>(Encoder<'static, DigestWriter<W>>);

struct DigestWriter<W> {
    inner: W,
    hash: Box<Xxh3>,
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> RejectWriter<W> {
    fn new(file: W) -> io::Result<Self> {
        let hash = Box::new(Xxh3::new());
        Ok(RejectWriter(Encoder::new(DigestWriter { inner: file, hash }, ZSTD_LEVEL)?))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn finish(self) -> io::Result<(W, u128)> {
        let DigestWriter { inner: file, hash } = self.0.finish()?;
        Ok((file, hash.digest128()))
    }
}

/// Takes rejects into a file.
type RejectSink<'t> = dyn FnMut(&Reject) -> Result<()> + 't;

/// Writes a file of the rejects that `fill` hands on, whole and under its name; `None` where
/// these are none.
fn write_file(
    disk: &dyn Disk,
    root: &Path,
    writer: &str,
    fill: impl FnOnce(&mut RejectSink<'_>) -> Result<()>,
) -> Result<Option<RejectsFile>> {
    let folder = folder(root);
    disk.create_folder(&folder).map_err(Error::io("create", &folder))?;
    let unfinished = folder.join(format!(".{writer}-rejects.tmp"));
    let written = write_temp_file(disk, &unfinished, writer, fill).and_then(|file| {
        if file.rejects == 0 {
            let _ = disk.remove(&unfinished);
            return Ok(None);
        }
        let path = file.path(root);
        disk.rename(&unfinished, &path).map_err(Error::io("write", &path))?;
        let synced = disk.sync_folder(&folder).map_err(Error::io("write", &path));
        // No commit names it yet.
        synced.inspect_err(|_| discard(disk, root, Some(&file)))?;
        Ok(Some(file))
    });
    written.inspect_err(|_| {
        let _ = disk.remove(&unfinished);
    })
}

fn write_temp_file(
    disk: &dyn Disk,
    path: &Path,
    writer: &str,
    fill: impl FnOnce(&mut RejectSink<'_>) -> Result<()>,
) -> Result<RejectsFile> {
    let failed = || Error::io("write", path);
    let mut lines = disk.create(path).and_then(RejectWriter::new).map_err(failed())?;
    let mut rejects = 0;
    fill(&mut |reject| {
        rejects += 1;
        lines.write_all(&to_json_line(reject)?).map_err(failed())
    })?;
    let (mut file, digest) = lines.finish().map_err(failed())?;
    file.sync().map_err(failed())?;
    Ok(RejectsFile { name: format!("{writer}-{digest:032x}.ndjson.zst"), rejects })
}

/// Deletes a file that no commit names. What cannot be deleted is the next writer's to take away.
pub(in crate::store) fn discard(disk: &dyn Disk, root: &Path, file: Option<&RejectsFile>) {
    if let Some(file) = file {
        let _ = disk.remove(&file.path(root));
    }
}

/// Hands on each reject of a file.
fn for_each_reject(path: &Path, mut take: impl FnMut(Reject) -> Result<()>) -> Result<()> {
    let damaged = |error: &dyn std::fmt::Display| {
        Error::store(path, format!("is damaged: {error}; restore it from a copy"))
    };
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut lines = BufReader::new(Decoder::new(file).map_err(|error| damaged(&error))?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(|error| damaged(&error))? > 0 {
        take(serde_json::from_slice(&line).map_err(|error| damaged(&error))?)?;
        line.clear();
    }
    Ok(())
}

/// What is wrong with a file, if anything is.
pub(in crate::store) fn verify_file(root: &Path, file: &RejectsFile) -> Option<String> {
    let path = file.path(root);
    let mut found = 0;
    let read = for_each_reject(&path, |_| {
        found += 1;
        Ok(())
    });
    let digest = crate::store::parquet::reader::file_digest(&path);
    match (read, digest) {
        (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
        (Ok(()), Ok(digest)) if digest_from_name(&file.name) != Some(digest) => Some(
            "is not what was written: its digest is not the one in its name; restore it from a \
             copy"
                .to_owned(),
        ),
        (Ok(()), Ok(_)) if found != file.rejects => {
            Some(format!("has {found} rejects, and should have {}", file.rejects))
        }
        _ => None,
    }
}

/// What becomes of a reject of which something is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectEdit {
    /// It stays as it is.
    Keep,
    /// This one comes in its place.
    Replace(Box<Reject>),
    /// It goes.
    Drop,
}

/// A file that has been written again.
pub(in crate::store) struct RewrittenRejects {
    /// What is in its place; nothing where all of it has gone.
    pub(in crate::store) file: Option<RejectsFile>,
    /// How many have gone.
    pub(in crate::store) dropped: u64,
}

/// Writes a file again with what becomes of its rejects; `None` where all stay.
pub(in crate::store) fn rewrite(
    disk: &dyn Disk,
    root: &Path,
    writer: &str,
    file: &RejectsFile,
    becomes: &dyn Fn(&Reject) -> RejectEdit,
) -> Result<Option<RewrittenRejects>> {
    let path = file.path(root);
    let (mut changes, mut gone) = (false, 0);
    for_each_reject(&path, |reject| {
        match becomes(&reject) {
            RejectEdit::Keep => {}
            RejectEdit::Replace(_) => changes = true,
            RejectEdit::Drop => gone += 1,
        }
        Ok(())
    })?;
    if !changes && gone == 0 {
        return Ok(None);
    }
    let new = write_file(disk, root, writer, |take| {
        for_each_reject(&path, |reject| match becomes(&reject) {
            RejectEdit::Keep => take(&reject),
            RejectEdit::Replace(other) => take(&other),
            RejectEdit::Drop => Ok(()),
        })
    })?;
    Ok(Some(RewrittenRejects { file: new, dropped: gone }))
}

/// Where a reject stands in a listing, and where in the files.
struct RejectIndexEntry {
    source: u32,
    position: u64,
    file: usize,
    line: u64,
    bytes: u64,
}

/// Hands on the rejects of these files whose sources are wanted, by source and position, and gives
/// their number.
pub(in crate::store) fn list_rejects(
    root: &Path,
    files: &[RejectsFile],
    is_wanted: &dyn Fn(&str) -> bool,
    take: &mut dyn FnMut(Reject) -> Result<()>,
) -> Result<u64> {
    let index = build_index(root, files, is_wanted)?;
    let mut rest = &index[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |entry: &&RejectIndexEntry| {
            bytes += entry.bytes;
            bytes <= MAX_LISTED_BYTES
        };
        let (part, behind) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        rest = behind;
        let wanted: HashMap<(usize, u64), usize> =
            part.iter().enumerate().map(|(at, entry)| ((entry.file, entry.line), at)).collect();
        let mut found: Vec<Option<Reject>> = part.iter().map(|_| None).collect();
        for (number, file) in files.iter().enumerate() {
            let mut line = 0;
            for_each_reject(&file.path(root), |reject| {
                if let Some(&at) = wanted.get(&(number, line)) {
                    found[at] = Some(reject);
                }
                line += 1;
                Ok(())
            })?;
        }
        found.into_iter().flatten().try_for_each(&mut *take)?;
    }
    Ok(index.len() as u64)
}

/// How much memory a reject takes.
fn memory_bytes(reject: &Reject) -> u64 {
    let Reject { source, place, reason, raw, .. } = reject;
    let texts = source.len() + place.len() + reason.len() + raw.bytes().len();
    (texts + size_of::<Reject>()) as u64
}

fn build_index(
    root: &Path,
    files: &[RejectsFile],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<RejectIndexEntry>> {
    // By name, then by place: two archives may have files of one name.
    let mut sources: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut index = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let mut line = 0;
        for_each_reject(&file.path(root), |reject| {
            if is_wanted(&reject.source) {
                let next = sources.len() as u32;
                let bytes = memory_bytes(&reject);
                let source = *sources.entry((reject.source, reject.place)).or_insert(next);
                let position = reject.position;
                index.push(RejectIndexEntry { source, position, file: number, line, bytes });
            }
            line += 1;
            Ok(())
        })?;
    }
    let mut ranks = vec![0; sources.len()];
    for (rank, number) in sources.into_values().enumerate() {
        ranks[number as usize] = rank;
    }
    index.sort_by_key(|entry: &RejectIndexEntry| {
        (ranks[entry.source as usize], entry.position, entry.file, entry.line)
    });
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::reject::Raw;
    use crate::store::fs::disk::OsDisk;

    const WRITER: &str = "0123456789abcdef0123456789abcdef";

    fn reject(place: &str, position: u64, raw: &[u8]) -> Reject {
        Reject {
            source: place.trim_start_matches('/').to_owned(),
            place: place.to_owned(),
            position,
            reason: "why".to_owned(),
            length: raw.len() as u64,
            raw: Raw::from_bytes(raw),
        }
    }

    fn intake(folder: &Path, rejects: &[Reject]) -> RejectSpool {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let _ = std::fs::remove_file(folder.join("rejects.ndjson.zst"));
        let intake = RejectSpool::new(&disk, folder);
        rejects.iter().for_each(|reject| intake.add(reject).unwrap());
        intake
    }

    fn listed(root: &Path, files: &[RejectsFile]) -> Vec<Reject> {
        let mut all = Vec::new();
        let mut take = |reject| {
            all.push(reject);
            Ok(())
        };
        let number = list_rejects(root, files, &|_| true, &mut take).unwrap();
        assert_eq!(number as usize, all.len());
        all
    }

    #[test]
    fn what_the_store_has_is_not_kept_again_and_what_is_not_brought_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let first = [reject("/b", 9, b"x"), reject("/b", 3, b"\xff"), reject("/a", 5, b"y")];
        let taken = intake(root, &first);
        let sifted = taken.split_new(root, &SourceLog::default()).unwrap();
        assert_eq!(sifted.counts("/b"), RejectCounts { kept: 2, known: 0 });
        let one = taken.write_new(root, WRITER, &sifted, |_| true).unwrap().unwrap();
        let sorted = [first[2].clone(), first[1].clone(), first[0].clone()];
        assert_eq!(listed(root, std::slice::from_ref(&one)), sorted);
        assert_eq!((one.rejects, verify_file(root, &one)), (3, None));

        // The same place read again: one is there, one has another content, one is new.
        let second = [
            reject("/b", 9, b"x"),
            reject("/b", 3, b"z"),
            reject("/b", 20, b"x"),
            reject("/c", 0, b"lost"),
        ];
        let facts = crate::schema::source_log::SourceFacts::default();
        let mark = crate::store::SourceEntry { place: "/b".into(), digest: String::new(), facts };
        let memory =
            SourceLog { entries: vec![mark], reject_files: vec![one], ..SourceLog::default() };
        let taken = intake(root, &second);
        let sifted = taken.split_new(root, &memory).unwrap();
        assert_eq!(sifted.counts("/b"), RejectCounts { kept: 2, known: 1 });
        let two = taken.write_new(root, WRITER, &sifted, |place| place == "/b").unwrap().unwrap();
        assert_eq!(listed(root, &[two]), second[1..3]);
        assert!(taken.write_new(root, WRITER, &sifted, |_| false).unwrap().is_none());
    }

    #[test]
    fn a_file_that_was_changed_or_cut_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let taken = intake(root, &[reject("/a", 0, b"x")]);
        let sifted = taken.split_new(root, &SourceLog::default()).unwrap();
        let file = taken.write_new(root, WRITER, &sifted, |_| true).unwrap().unwrap();
        assert_eq!(writer_from_name(&file.name), Some(WRITER));
        let path = file.path(root);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(verify_file(root, &file).is_some(), "{cut}");
        }
        std::fs::write(&path, &whole).unwrap();
        let more = RejectsFile { rejects: 2, ..file };
        assert_eq!(verify_file(root, &more).as_deref(), Some("has 1 rejects, and should have 2"));
        std::fs::remove_file(path).unwrap();
        assert!(verify_file(root, &more).unwrap().contains("cannot read"));
    }

    #[test]
    fn a_listing_larger_than_what_is_held_at_once_is_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let big = vec![b'x'; crate::schema::reject::MAX_RAW_BYTES];
        let number = 2 * MAX_LISTED_BYTES / big.len() as u64 + 1;
        let rejects: Vec<Reject> = (0..number).rev().map(|at| reject("/a", at, &big)).collect();
        let taken = intake(root, &rejects);
        let sifted = taken.split_new(root, &SourceLog::default()).unwrap();
        let file = taken.write_new(root, WRITER, &sifted, |_| true).unwrap().unwrap();
        let mut positions = Vec::new();
        let mut take = |reject: Reject| {
            positions.push(reject.position);
            Ok(())
        };
        list_rejects(root, &[file], &|_| true, &mut take).unwrap();
        assert_eq!(positions, (0..number).collect::<Vec<_>>());
    }

    #[test]
    fn files_tell_their_writer_and_strangers_are_none_of_ours() {
        assert_eq!(writer_from_name(&format!(".{WRITER}-rejects.tmp")), Some(WRITER));
        for stranger in ["notes.ndjson.zst", "a-b.ndjson.zst", ".tmp"] {
            assert_eq!(writer_from_name(stranger), None, "{stranger}");
        }
    }
}
