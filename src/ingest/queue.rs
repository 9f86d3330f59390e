//! The feed: pieces of files for threads to take, in the order of the archive.
//!
//! One thread at a time reads, whichever comes for more work. Finding the bounds of records takes
//! a few percent of the time that parsing them takes, so this is no bottleneck below some twenty
//! threads, and it keeps reading sequential, which disks and shares like.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::account::{Account, Tally};
use crate::error::{Error, Result};
use crate::record::csv;
use crate::source::{Ended, Flaw, Found, Piece, Pieces, Shape, Source};

/// What is said of a source that changed while it was read.
const STILL_WRITTEN: &str = "still being written: its size or time changed while it was read; what \
                             is whole in it was taken, and the next run reads it again";

/// The source that is being read.
struct Open {
    number: usize,
    pieces: Pieces,
    /// Numbers of records handed out so far, or more: what counts is their order.
    records: u64,
    /// The header of the CSV that is being read, with its line.
    header: Option<(Vec<u8>, Arc<csv::Header>)>,
    /// The text that is being read, and its name in the lineage column.
    name: (Arc<Source>, Arc<str>),
    kinds: BTreeSet<&'static str>,
}

struct State {
    next: usize,
    open: Option<Open>,
    accounts: Vec<Account>,
}

/// Files to be read by many threads.
pub(super) struct Feed<'f> {
    files: &'f [Found],
    state: Mutex<State>,
}

/// A piece, and where it belongs.
pub(super) struct Task<'f> {
    pub(super) piece: Piece,
    /// The number of its source.
    pub(super) source: usize,
    /// The name of its source, and of the text in it where there are several.
    pub(super) name: Arc<str>,
    /// The place of its source.
    pub(super) place: &'f str,
    /// What was wrong with and between the records up to here.
    pub(super) flaws: Vec<Flaw>,
    /// The shape of its text.
    pub(super) kind: &'static str,
    /// The order key of its first record.
    pub(super) order: u64,
    /// The header, where it is CSV.
    pub(super) header: Option<Arc<csv::Header>>,
}

impl<'f> Feed<'f> {
    pub(super) fn new(files: &'f [Found]) -> Self {
        let accounts = files.iter().map(Account::of).collect();
        Feed { files, state: Mutex::new(State { next: 0, open: None, accounts }) }
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>> {
        self.state.lock().map_err(|_| Error::internal("a reading thread failed"))
    }

    /// The next piece, in the buffers of an old one; `None` when all files are read.
    pub(super) fn next(&self, mut used: Piece) -> Result<Option<Task<'f>>> {
        let mut state = self.lock()?;
        let state = &mut *state;
        loop {
            let Some(open) = state.open.as_mut() else {
                if state.next >= self.files.len() {
                    return Ok(None);
                }
                state.open_next(self.files);
                continue;
            };
            match open.pieces.next(&mut used) {
                Ok(Some(piece)) => match open.task(piece, self.files) {
                    Ok(task) => return Ok(Some(task)),
                    Err(refused) => {
                        // A CSV of something else: the header is read when the first piece is.
                        let (piece, reason) = *refused;
                        open.pieces.refuse(reason);
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

    pub(super) fn add(&self, source: usize, tally: Tally) -> Result<()> {
        if let Some(account) = self.lock()?.accounts.get_mut(source) {
            account.add(tally);
        }
        Ok(())
    }

    pub(super) fn into_accounts(self) -> Result<Vec<Account>> {
        let state =
            self.state.into_inner().map_err(|_| Error::internal("a reading thread failed"))?;
        let mut accounts = state.accounts;
        accounts.iter_mut().for_each(Account::close);
        Ok(accounts)
    }
}

impl Open {
    fn new(number: usize, pieces: Pieces, file: &Found) -> Self {
        let name = (Arc::default(), file.name.as_str().into());
        Open { number, pieces, records: 0, header: None, name, kinds: BTreeSet::new() }
    }

    fn task<'f>(
        &mut self,
        piece: Piece,
        files: &'f [Found],
    ) -> Result<Task<'f>, Box<(Piece, String)>> {
        let header = match self.header(&piece.shape) {
            Ok(header) => header,
            Err(reason) => return Err(Box::new((piece, reason))),
        };
        let kind = kind(&piece.shape, header.as_deref());
        if header.is_some() {
            // Of a text that is two CSVs, only the last is there at the end.
            self.kinds.insert(kind);
        }
        if !Arc::ptr_eq(&self.name.0, &piece.source) {
            let file = &files[self.number].name;
            let name = match &piece.source.name {
                None => file.as_str().into(),
                Some(member) => format!("{file}/{member}").into(),
            };
            self.name = (piece.source.clone(), name);
        }
        let order = (self.number as u64) << 32 | self.records;
        // A CSV piece has at most as many rows as line breaks, and one more at the end.
        self.records += match &header {
            Some(_) => memchr::memchr2_iter(b'\n', b'\r', &piece.text).count() as u64 + 1,
            None => piece.records.len() as u64,
        };
        Ok(Task {
            piece,
            source: self.number,
            name: self.name.1.clone(),
            place: &files[self.number].place,
            flaws: self.pieces.take_flaws(),
            kind,
            order,
            header,
        })
    }

    /// A piece without records, for what was wrong behind the last one; `None` where nothing was.
    fn without_records<'f>(&self, flaws: Vec<Flaw>, files: &'f [Found]) -> Option<Task<'f>> {
        let file = &files[self.number];
        (!flaws.is_empty()).then(|| Task {
            piece: Piece::default(),
            source: self.number,
            name: file.name.as_str().into(),
            place: &file.place,
            flaws,
            kind: "",
            order: (self.number as u64) << 32 | self.records,
            header: None,
        })
    }

    /// The header of a CSV, read once for all its pieces.
    fn header(&mut self, shape: &Shape) -> Result<Option<Arc<csv::Header>>, String> {
        let Shape::Csv(line) = shape else { return Ok(None) };
        if let Some((known, header)) = &self.header
            && known == line
        {
            return Ok(Some(header.clone()));
        }
        let header = Arc::new(csv::header(line).map_err(str::to_owned)?);
        self.header = Some((line.clone(), header.clone()));
        Ok(Some(header))
    }

    /// What a text that was read to its end was, or why it was no log.
    fn ended(&mut self, ended: Ended) -> Result<(), String> {
        let named = |reason| match &ended.name {
            None => reason,
            Some(name) => format!("{name}: {reason}"),
        };
        let shape = ended.shape.map_err(named)?;
        let header = self.header(&shape).map_err(named)?;
        if shape != Shape::Empty {
            self.kinds.insert(kind(&shape, header.as_deref()));
        }
        Ok(())
    }
}

/// The name of a shape in the lineage column.
fn kind(shape: &Shape, header: Option<&csv::Header>) -> &'static str {
    match header {
        Some(header) if header.is_lossy() => "csv-lossy",
        _ => shape.name(),
    }
}

impl State {
    fn open_next(&mut self, files: &[Found]) {
        let number = self.next;
        self.next += 1;
        match Pieces::open(&files[number].path) {
            Ok(pieces) => self.open = Some(Open::new(number, pieces, &files[number])),
            Err(error) => {
                let account = &mut self.accounts[number];
                account.unread = true;
                account.trouble(0, format!("cannot be read: {error}"));
            }
        }
    }

    /// The open source is read to its end. What was wrong there is a piece without records.
    fn finish<'f>(&mut self, files: &'f [Found]) -> Option<Task<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.digest = Some(open.pieces.digest());
        let ended = open.pieces.take_ended();
        let texts = ended.len();
        let refused: Vec<String> =
            ended.into_iter().filter_map(|ended| open.ended(ended).err()).collect();
        account.facts.kind = match (open.kinds.is_empty(), refused.is_empty()) {
            (true, true) => Shape::Empty.name().to_owned(),
            _ => open.kinds.iter().copied().collect::<Vec<_>>().join("+"),
        };
        account.refuse(refused, texts);
        let mut flaws = open.pieces.take_flaws();
        if files[open.number].has_changed() {
            // What its end lacks may be there when it is read again.
            account.unread = true;
            account.trouble(0, STILL_WRITTEN.to_owned());
        } else {
            flaws.extend(open.pieces.take_tail());
        }
        open.without_records(flaws, files)
    }

    /// The open source cannot be read on. What came before stays; it is tried again next time.
    fn fail<'f>(&mut self, error: &std::io::Error, files: &'f [Found]) -> Option<Task<'f>> {
        let mut open = self.open.take()?;
        let account = &mut self.accounts[open.number];
        account.unread = true;
        account.trouble(0, format!("cannot be read to its end: {error}"));
        let flaws = open.pieces.take_flaws();
        open.without_records(flaws, files)
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
        let read = |found: &Found| {
            let files = [found.clone()];
            let feed = Feed::new(&files);
            let task = feed.next(Piece::default()).unwrap().unwrap();
            assert_eq!((task.piece.records.len(), task.flaws.len()), (1, 0));
            let tail = feed.next(Piece::default()).unwrap().map(|task| task.flaws);
            (tail, feed.into_accounts().unwrap().remove(0))
        };
        let (tail, whole) = read(&found[0]);
        assert!(!whole.unread && tail.unwrap()[0].reason.contains("middle of a record"));
        let earlier = Found { size_bytes: 10, ..found[0].clone() };
        let (tail, growing) = read(&earlier);
        assert!(tail.is_none() && growing.unread && growing.mark().is_none());
        assert!(growing.facts.troubles[0].reason.starts_with("still being written"));
    }
}
