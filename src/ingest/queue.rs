//! Distributes chunks of files to threads, in the order of the files.
//!
//! One thread at a time reads: the one that asks for work. Finding the bounds of records takes a
//! few percent of the time of parsing them. So this is no bottleneck below about twenty threads,
//! and it keeps reads sequential, which is fast on disks and network shares.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::account::{ChunkStats, SourceAccount};
use super::archive::file_identity;
use super::dates::FileDates;
use super::source_texts::SourceTexts;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::inventory::{Described, read_record};
use crate::record::continuation::last_continuation;
use crate::record::{Parser, csv, foreign};
use crate::source::{
    Chunk, ChunkReader, DecodeProblem, ListTable, MemberResult, SourceFile, SourceFormat,
    SourceMember, UnsupportedText, list_table,
};

/// The problem of a source that changed while it was read.
const STILL_BEING_WRITTEN: &str = "still being written: its size or time changed during reading; \
    its complete records are stored, and the next run reads it again";

/// The source that is being read.
struct OpenSource {
    number: usize,
    chunks: ChunkReader,
    /// The next sequence number of a record in this source. Numbers can be skipped, only their
    /// order matters.
    next_sequence: u64,
    /// The header line of the CSV text that is being read, and the parsed header.
    header: Option<(Vec<u8>, Arc<csv::CsvHeader>)>,
    /// The content of this CSV text, if it is a list.
    list: Option<Arc<ListTable>>,
    /// The text that is being read, and its name for the lineage column.
    member_name: (Arc<SourceMember>, Arc<str>),
    kinds: BTreeSet<&'static str>,
    dates: Arc<FileDates>,
    /// True if the text that is being read begins like an inventory.
    is_inventory: bool,
    /// The names of the texts that do.
    inventories: BTreeSet<Option<String>>,
}

struct QueueState {
    next_file: usize,
    open: Option<OpenSource>,
    accounts: Vec<SourceAccount>,
}

/// A queue of chunks of files for many threads.
pub(super) struct ChunkQueue<'f> {
    files: &'f [SourceFile],
    texts: SourceTexts<'f>,
    state: Mutex<QueueState>,
}

/// A chunk with its source.
pub(super) struct ChunkTask<'f> {
    pub(super) chunk: Chunk,
    /// The index of the source.
    pub(super) source: usize,
    /// The name of the source, with the name of the text in it if there are several.
    pub(super) name: Arc<str>,
    /// The absolute path of the source.
    pub(super) absolute_path: &'f str,
    /// Problems in and between the records up to the end of this chunk.
    pub(super) problems: Vec<DecodeProblem>,
    /// The name of the format.
    pub(super) kind: &'static str,
    /// The sequence number of the first record.
    pub(super) sequence: u64,
    /// The header if the chunk is CSV.
    pub(super) header: Option<Arc<csv::CsvHeader>>,
    /// The content of the table, if it is a list.
    pub(super) list: Option<Arc<ListTable>>,
    /// The order of day and month in the dates of the source.
    pub(super) dates: Arc<FileDates>,
    /// True if the text of the chunk begins like an inventory.
    pub(super) is_inventory: bool,
}

impl<'f> ChunkQueue<'f> {
    pub(super) fn new(files: &'f [SourceFile], texts: SourceTexts<'f>) -> Self {
        let accounts = files.iter().map(SourceAccount::new).collect();
        let state = Mutex::new(QueueState { next_file: 0, open: None, accounts });
        ChunkQueue { files, texts, state }
    }

    fn lock(&self) -> Result<MutexGuard<'_, QueueState>> {
        self.state.lock().map_err(|_| Error::internal("a reading thread failed"))
    }

    /// Returns the next chunk, in the buffers of a used one; `None` if all files are read.
    pub(super) fn next(&self, mut used: Chunk) -> Result<Option<ChunkTask<'f>>> {
        let mut state = self.lock()?;
        let state = &mut *state;
        loop {
            interrupt::check().map_err(Error::internal)?;
            let Some(open) = state.open.as_mut() else {
                if state.next_file >= self.files.len() {
                    return Ok(None);
                }
                state.open_next(self.files);
                continue;
            };
            match open.chunks.next(&mut used) {
                Ok(Some(chunk)) => match open.make_task(chunk, self.files, self.texts) {
                    Ok(task) => return Ok(Some(task)),
                    Err(unsupported) => {
                        // CSV or JSON of another kind, which its first chunk shows.
                        let (chunk, unsupported) = *unsupported;
                        open.chunks.set_unsupported(unsupported);
                        used = chunk;
                    }
                },
                Ok(None) => {
                    if let Some(task) = state.finish(self.files, self.texts) {
                        return Ok(Some(task));
                    }
                }
                Err(error) => {
                    if let Some(task) = state.fail(&error, self.files) {
                        return Ok(Some(task));
                    }
                }
            }
        }
    }

    pub(super) fn add_stats(&self, source: usize, stats: ChunkStats) -> Result<()> {
        if let Some(account) = self.lock()?.accounts.get_mut(source) {
            account.add_chunk(stats);
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
    fn new(number: usize, chunks: ChunkReader, file: &SourceFile) -> Self {
        OpenSource {
            number,
            chunks,
            next_sequence: 0,
            header: None,
            list: None,
            member_name: (Arc::default(), file.name.as_str().into()),
            kinds: BTreeSet::new(),
            dates: Arc::new(FileDates::new(file.path.clone())),
            is_inventory: false,
            inventories: BTreeSet::new(),
        }
    }

    fn make_task<'f>(
        &mut self,
        chunk: Chunk,
        files: &'f [SourceFile],
        texts: SourceTexts<'_>,
    ) -> Result<ChunkTask<'f>, Box<(Chunk, UnsupportedText)>> {
        let header = match self.csv_header(&chunk.format) {
            Ok(header) => header,
            Err(unsupported) => return Err(Box::new((chunk, unsupported))),
        };
        if let Some(unsupported) = self.foreign_json(&chunk) {
            return Err(Box::new((chunk, unsupported)));
        }
        if let Some(header) = &header {
            self.is_inventory = header.is_list;
            if header.is_list {
                self.inventories.insert(chunk.member.name.clone());
            }
        }
        let kind = match self.is_inventory {
            true => "inventory",
            false => format_name(&chunk.format, header.as_deref()),
        };
        if header.is_some() {
            // If a text consists of two CSV texts, its format at the end is that of the last one
            // only.
            self.kinds.insert(kind);
        }
        if !Arc::ptr_eq(&self.member_name.0, &chunk.member) {
            let file = &files[self.number].name;
            let name = match texts.replace_in_member(&chunk.member).name {
                None => file.as_str().into(),
                Some(member) => format!("{file}/{member}").into(),
            };
            self.member_name = (chunk.member.clone(), name);
        }
        let sequence = (self.number as u64) << 32 | self.next_sequence;
        // A CSV chunk has at most as many rows as line breaks, and one more at the end.
        self.next_sequence += match &header {
            Some(_) => memchr::memchr2_iter(b'\n', b'\r', &chunk.text).count() as u64 + 1,
            None => chunk.records.len() as u64,
        };
        Ok(ChunkTask {
            chunk,
            source: self.number,
            name: self.member_name.1.clone(),
            absolute_path: &files[self.number].absolute_path,
            problems: self.chunks.take_problems(),
            kind,
            sequence,
            list: self.list.clone().filter(|_| header.is_some()),
            header,
            dates: self.dates.clone(),
            is_inventory: self.is_inventory,
        })
    }

    /// Returns a task without records for problems after the last chunk; `None` if there are none.
    fn problems_task<'f>(
        &self,
        problems: Vec<DecodeProblem>,
        files: &'f [SourceFile],
    ) -> Option<ChunkTask<'f>> {
        let file = &files[self.number];
        (!problems.is_empty()).then(|| ChunkTask {
            chunk: Chunk::default(),
            source: self.number,
            name: file.name.as_str().into(),
            absolute_path: &file.absolute_path,
            problems,
            kind: "",
            sequence: (self.number as u64) << 32 | self.next_sequence,
            header: None,
            list: None,
            dates: self.dates.clone(),
            is_inventory: false,
        })
    }

    /// Returns the header of a CSV text, which is parsed once for all its chunks.
    fn csv_header(
        &mut self,
        format: &SourceFormat,
    ) -> Result<Option<Arc<csv::CsvHeader>>, UnsupportedText> {
        let SourceFormat::Csv(line) = format else { return Ok(None) };
        if let Some((known, header)) = &self.header
            && known == line
        {
            return Ok(Some(header.clone()));
        }
        let text = String::from_utf8_lossy(line);
        self.list = list_table(&text).map(Arc::new);
        let parsed = match self.list {
            Some(_) => csv::parse_list_header(line),
            None => csv::parse_header(line),
        };
        let header = Arc::new(parsed.map_err(UnsupportedText::loss)?);
        self.header = Some((line.clone(), header.clone()));
        Ok(Some(header))
    }

    /// Returns the reason why the first chunk of a JSON text has no events; `None` if it can have
    /// some, or is not the first one.
    fn foreign_json(&mut self, chunk: &Chunk) -> Option<UnsupportedText> {
        let is_first = !Arc::ptr_eq(&self.member_name.0, &chunk.member);
        if !is_first {
            return None;
        }
        self.is_inventory = false;
        let (start, end) = *chunk.records.first()?;
        let first = &chunk.text[start as usize..end as usize];
        let described = Parser::default().parse(first, |record| read_record(record.root()));
        match described.ok().flatten() {
            Some(Described::Units(_)) => {
                self.is_inventory = true;
                self.inventories.insert(chunk.member.name.clone());
                return None;
            }
            Some(Described::Other(what)) => return Some(unread(what)),
            None if self.chunks.has_problems() => return None,
            None => {}
        }
        let reason = foreign::describe_json(&chunk.text, start as usize..end as usize)?;
        Some(UnsupportedText { reason, can_contain_events: false })
    }

    /// Records the format of a text that was read to its end, or returns the reason why it is not a
    /// log.
    fn finish_member(&mut self, result: MemberResult) -> Result<(), UnsupportedText> {
        let named = |unsupported: UnsupportedText| match &result.name {
            None => unsupported,
            Some(name) => {
                UnsupportedText { reason: format!("{name}: {}", unsupported.reason), ..unsupported }
            }
        };
        let format = result.format.map_err(named)?;
        let header = self.csv_header(&format).map_err(named)?;
        if self.inventories.contains(&result.name) {
            self.kinds.insert("inventory");
        } else if format != SourceFormat::Empty {
            self.kinds.insert(format_name(&format, header.as_deref()));
        }
        Ok(())
    }
}

/// Returns the reason why a file that is recognized and not read has no events.
fn unread(what: &str) -> UnsupportedText {
    let reason = format!("not a log of Power BI events: {what}, which this version does not read");
    UnsupportedText { reason, can_contain_events: false }
}

/// Returns the name of a format for the lineage column.
fn format_name(format: &SourceFormat, header: Option<&csv::CsvHeader>) -> &'static str {
    match header {
        Some(header) if header.is_lossy() => "csv-lossy",
        _ => format.name(),
    }
}

impl QueueState {
    fn open_next(&mut self, files: &[SourceFile]) {
        let number = self.next_file;
        self.next_file += 1;
        match ChunkReader::open(&files[number].path) {
            Ok(chunks) => self.open = Some(OpenSource::new(number, chunks, &files[number])),
            Err(error) => {
                let account = &mut self.accounts[number];
                account.retry = true;
                account.add_problem(0, format!("cannot be read: {error}"));
            }
        }
    }

    /// Closes the source at its end. Problems there become a task without records.
    fn finish<'f>(
        &mut self,
        files: &'f [SourceFile],
        texts: SourceTexts<'_>,
    ) -> Option<ChunkTask<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.digest = Some(open.chunks.digest());
        let results = open.chunks.take_finished();
        let count = results.len();
        account.last_page_is_continued = match open.inventories.is_empty() {
            true => last_continuation(open.chunks.rest(), &[]),
            false => None,
        };
        let unsupported: Vec<UnsupportedText> =
            results.into_iter().filter_map(|result| open.finish_member(result).err()).collect();
        account.facts.kind = match (open.kinds.is_empty(), unsupported.is_empty()) {
            (true, true) => SourceFormat::Empty.name().to_owned(),
            _ => open.kinds.iter().copied().collect::<Vec<_>>().join("+"),
        };
        let replaced = unsupported.into_iter().map(|text| texts.replace_in_unsupported(text));
        account.set_unsupported(replaced.collect(), count);
        let mut problems = open.chunks.take_problems();
        if files[open.number].has_changed() {
            // The next run can find the end that is missing now.
            account.retry = true;
            account.add_problem(0, STILL_BEING_WRITTEN.to_owned());
        } else {
            account.facts.identity = file_identity(&files[open.number]);
            problems.extend(open.chunks.take_tail_problems());
        }
        open.problems_task(problems, files)
    }

    /// Closes the source after an I/O error. Records before it stay, and the next run reads it
    /// again.
    fn fail<'f>(
        &mut self,
        error: &std::io::Error,
        files: &'f [SourceFile],
    ) -> Option<ChunkTask<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.retry = true;
        account.add_problem(0, format!("cannot be read to its end: {error}"));
        let problems = open.chunks.take_problems();
        open.problems_task(problems, files)
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::queue::*;
    use crate::source;

    /// A change between discovery and the end of reading is visible in size or time.
    #[test]
    fn file_that_is_still_being_written_is_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"Id\":\"1\"}\n{\"Id\":").unwrap();
        let found =
            source::discover(&[file.path().to_owned()], &Default::default(), &|_| Ok(Vec::new()))
                .files;
        let read = |found: &SourceFile| {
            let files = [found.clone()];
            let queue = ChunkQueue::new(&files, SourceTexts::default());
            let task = queue.next(Chunk::default()).unwrap().unwrap();
            assert_eq!((task.chunk.records.len(), task.problems.len()), (1, 0));
            let tail = queue.next(Chunk::default()).unwrap().map(|task| task.problems);
            (tail, queue.into_accounts().unwrap().remove(0))
        };
        let (tail, whole) = read(&found[0]);
        assert!(!whole.retry && tail.unwrap()[0].reason.contains("middle of a record"));
        let earlier = SourceFile { size_bytes: 10, ..found[0].clone() };
        let (tail, growing) = read(&earlier);
        assert!(tail.is_none() && growing.retry && growing.source_entry().is_none());
        assert!(growing.facts.problems[0].reason.starts_with("still being written"));
    }
}
