//! The feed: pieces of files for threads to take, in the order of the archive.
//!
//! One thread at a time reads, whichever comes for more work. Finding the bounds of records takes
//! a few percent of the time that parsing them takes, so this is no bottleneck below some twenty
//! threads, and it keeps reading sequential, which disks and shares like.

use std::sync::{Arc, Mutex, MutexGuard};

use super::account::{Account, Tally};
use crate::error::{Error, Result};
use crate::record::csv;
use crate::source::{Flaw, Found, Piece, Pieces, Shape};

/// The source that is being read.
struct Open {
    number: usize,
    pieces: Pieces,
    /// Numbers of records handed out so far, or more: what counts is their order.
    records: u64,
    header: Option<Arc<csv::Header>>,
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
    /// The name of its source.
    pub(super) name: &'f str,
    /// The place of its source.
    pub(super) place: &'f str,
    /// What was wrong with and between the records up to here.
    pub(super) flaws: Vec<Flaw>,
    /// The shape of its source.
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
        loop {
            let Some(open) = state.open.as_mut() else {
                if state.next >= self.files.len() {
                    return Ok(None);
                }
                state.open_next(self.files);
                continue;
            };
            match open.pieces.next(used) {
                Ok(Some(piece)) => match open.task(piece, self.files) {
                    Ok(task) => return Ok(Some(task)),
                    Err((piece, reason)) => {
                        // A CSV of something else: the header is read when the first piece is.
                        // It is read to its end all the same, to be known the next time.
                        open.pieces.refuse(reason);
                        used = piece;
                    }
                },
                Ok(None) => match state.finish(self.files) {
                    Some(flaws) => return Ok(Some(flaws)),
                    None => used = Piece::default(),
                },
                Err(error) => {
                    state.fail(&error);
                    used = Piece::default();
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
    fn task<'f>(&mut self, piece: Piece, files: &'f [Found]) -> Result<Task<'f>, (Piece, String)> {
        let shape = match self.pieces.shape() {
            Ok(shape) => shape,
            Err(reason) => return Err((piece, reason)),
        };
        if let (Shape::Csv(line), None) = (&shape, &self.header) {
            match csv::header(line) {
                Ok(header) => self.header = Some(Arc::new(header)),
                Err(reason) => return Err((piece, reason.to_owned())),
            }
        }
        let kind = match &self.header {
            Some(header) if header.is_lossy() => "csv-lossy",
            _ => shape.name(),
        };
        let order = (self.number as u64) << 32 | self.records;
        // A CSV piece has at most as many rows as line breaks, and one more at the end.
        self.records += match &self.header {
            Some(_) => memchr::memchr2_iter(b'\n', b'\r', &piece.text).count() as u64 + 1,
            None => piece.records.len() as u64,
        };
        Ok(Task {
            piece,
            source: self.number,
            name: &files[self.number].name,
            place: &files[self.number].place,
            flaws: self.pieces.take_flaws(),
            kind,
            order,
            header: self.header.clone(),
        })
    }
}

impl State {
    fn open_next(&mut self, files: &[Found]) {
        let number = self.next;
        self.next += 1;
        match Pieces::open(&files[number].path) {
            Ok(pieces) => {
                self.open = Some(Open { number, pieces, records: 0, header: None });
            }
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
        match open.pieces.shape() {
            Ok(Shape::Csv(line)) => {
                match open.header.map_or_else(|| csv::header(&line).map(Arc::new), Ok) {
                    Ok(header) => {
                        account.facts.kind =
                            if header.is_lossy() { "csv-lossy" } else { "csv" }.to_owned();
                    }
                    Err(reason) => refuse(account, reason.to_owned()),
                }
            }
            Ok(shape) => account.facts.kind = shape.name().to_owned(),
            Err(reason) => refuse(account, reason),
        }
        let flaws = open.pieces.take_flaws();
        (!flaws.is_empty()).then(|| Task {
            piece: Piece::default(),
            source: open.number,
            name: &files[open.number].name,
            place: &files[open.number].place,
            flaws,
            kind: "",
            order: (open.number as u64) << 32 | open.records,
            header: None,
        })
    }

    /// The open source cannot be read on. What came before stays; it is tried again next time.
    fn fail(&mut self, error: &std::io::Error) {
        let Some(open) = self.open.take() else { return };
        let account = &mut self.accounts[open.number];
        account.unread = true;
        account.trouble(0, format!("cannot be read to its end: {error}"));
    }
}

fn refuse(account: &mut Account, reason: String) {
    account.trouble(0, reason.clone());
    account.refused = Some(reason);
}
