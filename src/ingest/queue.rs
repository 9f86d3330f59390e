//! The feed: pieces of files for threads to take, in the order of the archive.
//!
//! One thread at a time reads, whichever comes for more work. Finding the bounds of records takes
//! a few percent of the time that parsing them takes, so this is no bottleneck below some twenty
//! threads, and it keeps reading sequential, which disks and shares like.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::account::{ChunkStats, SourceAccount};
use crate::error::{Error, Result};
use crate::record::csv;
use crate::source::{
    Chunk, ChunkReader, DecodeProblem, MemberResult, SourceFile, SourceFormat, SourceMember,
};

/// What is said of a source that changed while it was read.
const STILL_BEING_WRITTEN: &str = "still being written: its size or time changed while it was read; what \
                             is whole in it was taken, and the next run reads it again";

/// The source that is being read.
struct OpenSource {
    number: usize,
    chunks: ChunkReader,
    /// Numbers of records handed out so far, or more: what counts is their order.
    next_sequence: u64,
    /// The header of the CSV that is being read, with its line.
    header: Option<(Vec<u8>, Arc<csv::CsvHeader>)>,
    /// The text that is being read, and its name in the lineage column.
    member_name: (Arc<SourceMember>, Arc<str>),
    kinds: BTreeSet<&'static str>,
}

struct QueueState {
    next_file: usize,
    open: Option<OpenSource>,
    accounts: Vec<SourceAccount>,
}

/// Files to be read by many threads.
pub(super) struct ChunkQueue<'f> {
    files: &'f [SourceFile],
    state: Mutex<QueueState>,
}

/// A piece, and where it belongs.
pub(super) struct ChunkTask<'f> {
    pub(super) chunk: Chunk,
    /// The number of its source.
    pub(super) source: usize,
    /// The name of its source, and of the text in it where there are several.
    pub(super) name: Arc<str>,
    /// The place of its source.
    pub(super) absolute_path: &'f str,
    /// What was wrong with and between the records up to here.
    pub(super) problems: Vec<DecodeProblem>,
    /// The shape of its text.
    pub(super) kind: &'static str,
    /// The order key of its first record.
    pub(super) sequence: u64,
    /// The header, where it is CSV.
    pub(super) header: Option<Arc<csv::CsvHeader>>,
}

impl<'f> ChunkQueue<'f> {
    pub(super) fn new(files: &'f [SourceFile]) -> Self {
        let accounts = files.iter().map(SourceAccount::new).collect();
        ChunkQueue { files, state: Mutex::new(QueueState { next_file: 0, open: None, accounts }) }
    }

    fn lock(&self) -> Result<MutexGuard<'_, QueueState>> {
        self.state.lock().map_err(|_| Error::internal("a reading thread failed"))
    }

    /// The next piece, in the buffers of an old one; `None` when all files are read.
    pub(super) fn next(&self, mut used: Chunk) -> Result<Option<ChunkTask<'f>>> {
        let mut state = self.lock()?;
        let state = &mut *state;
        loop {
            let Some(open) = state.open.as_mut() else {
                if state.next_file >= self.files.len() {
                    return Ok(None);
                }
                state.open_next(self.files);
                continue;
            };
            match open.chunks.next(&mut used) {
                Ok(Some(piece)) => match open.make_task(piece, self.files) {
                    Ok(task) => return Ok(Some(task)),
                    Err(refused) => {
                        // A CSV of something else: the header is read when the first piece is.
                        let (piece, reason) = *refused;
                        open.chunks.set_unsupported(reason);
                        used = piece;
                    }
                },
                Ok(None) => {
                    if let Some(flaws) = state.finish(self.files) {
                        return Ok(Some(flaws));
                    }
                }
                Err(error) => {
                    if let Some(flaws) = state.fail(&error, self.files) {
                        return Ok(Some(flaws));
                    }
                }
            }
        }
    }

    pub(super) fn add_stats(&self, source: usize, tally: ChunkStats) -> Result<()> {
        if let Some(account) = self.lock()?.accounts.get_mut(source) {
            account.add_chunk(tally);
        }
        Ok(())
    }

    pub(super) fn into_accounts(self) -> Result<Vec<SourceAccount>> {
        let state =
            self.state.into_inner().map_err(|_| Error::internal("a reading thread failed"))?;
        let mut accounts = state.accounts;
        accounts.iter_mut().for_each(SourceAccount::finish);
        Ok(accounts)
    }
}

impl OpenSource {
    fn new(number: usize, pieces: ChunkReader, file: &SourceFile) -> Self {
        let name = (Arc::default(), file.name.as_str().into());
        OpenSource {
            number,
            chunks: pieces,
            next_sequence: 0,
            header: None,
            member_name: name,
            kinds: BTreeSet::new(),
        }
    }

    fn make_task<'f>(
        &mut self,
        piece: Chunk,
        files: &'f [SourceFile],
    ) -> Result<ChunkTask<'f>, Box<(Chunk, String)>> {
        let header = match self.csv_header(&piece.format) {
            Ok(header) => header,
            Err(reason) => return Err(Box::new((piece, reason))),
        };
        let kind = format_name(&piece.format, header.as_deref());
        if header.is_some() {
            // Of a text that is two CSVs, only the last is there at the end.
            self.kinds.insert(kind);
        }
        if !Arc::ptr_eq(&self.member_name.0, &piece.member) {
            let file = &files[self.number].name;
            let name = match &piece.member.name {
                None => file.as_str().into(),
                Some(member) => format!("{file}/{member}").into(),
            };
            self.member_name = (piece.member.clone(), name);
        }
        let order = (self.number as u64) << 32 | self.next_sequence;
        // A CSV piece has at most as many rows as line breaks, and one more at the end.
        self.next_sequence += match &header {
            Some(_) => memchr::memchr2_iter(b'\n', b'\r', &piece.text).count() as u64 + 1,
            None => piece.records.len() as u64,
        };
        Ok(ChunkTask {
            chunk: piece,
            source: self.number,
            name: self.member_name.1.clone(),
            absolute_path: &files[self.number].absolute_path,
            problems: self.chunks.take_problems(),
            kind,
            sequence: order,
            header,
        })
    }

    /// A piece without records, for what was wrong behind the last one; `None` where nothing was.
    fn problems_task<'f>(
        &self,
        flaws: Vec<DecodeProblem>,
        files: &'f [SourceFile],
    ) -> Option<ChunkTask<'f>> {
        let file = &files[self.number];
        (!flaws.is_empty()).then(|| ChunkTask {
            chunk: Chunk::default(),
            source: self.number,
            name: file.name.as_str().into(),
            absolute_path: &file.absolute_path,
            problems: flaws,
            kind: "",
            sequence: (self.number as u64) << 32 | self.next_sequence,
            header: None,
        })
    }

    /// The header of a CSV, read once for all its pieces.
    fn csv_header(&mut self, shape: &SourceFormat) -> Result<Option<Arc<csv::CsvHeader>>, String> {
        let SourceFormat::Csv(line) = shape else { return Ok(None) };
        if let Some((known, header)) = &self.header
            && known == line
        {
            return Ok(Some(header.clone()));
        }
        let header = Arc::new(csv::parse_header(line).map_err(str::to_owned)?);
        self.header = Some((line.clone(), header.clone()));
        Ok(Some(header))
    }

    /// What a text that was read to its end was, or why it was no log.
    fn finish_member(&mut self, ended: MemberResult) -> Result<(), String> {
        let named = |reason| match &ended.name {
            None => reason,
            Some(name) => format!("{name}: {reason}"),
        };
        let shape = ended.format.map_err(named)?;
        let header = self.csv_header(&shape).map_err(named)?;
        if shape != SourceFormat::Empty {
            self.kinds.insert(format_name(&shape, header.as_deref()));
        }
        Ok(())
    }
}

/// The name of a shape in the lineage column.
fn format_name(shape: &SourceFormat, header: Option<&csv::CsvHeader>) -> &'static str {
    match header {
        Some(header) if header.is_lossy() => "csv-lossy",
        _ => shape.name(),
    }
}

impl QueueState {
    fn open_next(&mut self, files: &[SourceFile]) {
        let number = self.next_file;
        self.next_file += 1;
        match ChunkReader::open(&files[number].path) {
            Ok(pieces) => self.open = Some(OpenSource::new(number, pieces, &files[number])),
            Err(error) => {
                let account = &mut self.accounts[number];
                account.retry = true;
                account.add_problem(0, format!("cannot be read: {error}"));
            }
        }
    }

    /// The open source is read to its end. What was wrong there is a piece without records.
    fn finish<'f>(&mut self, files: &'f [SourceFile]) -> Option<ChunkTask<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.digest = Some(open.chunks.digest());
        let ended = open.chunks.take_finished();
        let texts = ended.len();
        let refused: Vec<String> =
            ended.into_iter().filter_map(|ended| open.finish_member(ended).err()).collect();
        account.facts.kind = match (open.kinds.is_empty(), refused.is_empty()) {
            (true, true) => SourceFormat::Empty.name().to_owned(),
            _ => open.kinds.iter().copied().collect::<Vec<_>>().join("+"),
        };
        account.set_unsupported(refused, texts);
        let mut flaws = open.chunks.take_problems();
        if files[open.number].has_changed() {
            // What its end lacks may be there when it is read again.
            account.retry = true;
            account.add_problem(0, STILL_BEING_WRITTEN.to_owned());
        } else {
            flaws.extend(open.chunks.take_tail_problems());
        }
        open.problems_task(flaws, files)
    }

    /// The open source cannot be read on. What came before stays; it is tried again next time.
    fn fail<'f>(
        &mut self,
        error: &std::io::Error,
        files: &'f [SourceFile],
    ) -> Option<ChunkTask<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.retry = true;
        account.add_problem(0, format!("cannot be read to its end: {error}"));
        let flaws = open.chunks.take_problems();
        open.problems_task(flaws, files)
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::queue::*;

    /// What is written between discovery and the end of reading shows in size or time.
    #[test]
    fn a_file_that_is_still_being_written_is_no_damage_and_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"Id\":\"1\"}\n{\"Id\":").unwrap();
        let (found, _) = crate::source::discover(&[file.path().to_owned()]);
        let read = |found: &SourceFile| {
            let files = [found.clone()];
            let feed = ChunkQueue::new(&files);
            let task = feed.next(Chunk::default()).unwrap().unwrap();
            assert_eq!((task.chunk.records.len(), task.problems.len()), (1, 0));
            let tail = feed.next(Chunk::default()).unwrap().map(|task| task.problems);
            (tail, feed.into_accounts().unwrap().remove(0))
        };
        let (tail, whole) = read(&found[0]);
        assert!(!whole.retry && tail.unwrap()[0].reason.contains("middle of a record"));
        let earlier = SourceFile { size_bytes: 10, ..found[0].clone() };
        let (tail, growing) = read(&earlier);
        assert!(tail.is_none() && growing.retry && growing.source_entry().is_none());
        assert!(growing.facts.problems[0].reason.starts_with("still being written"));
    }
}
