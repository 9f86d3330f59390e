//! What a thread does: take a piece, parse its records, build columns, stage batches.

use std::borrow::Cow;

use super::Progress;
use super::account::Tally;
use super::feed::{Feed, Task};
use crate::column::{BatchBuilder, Lineage, Projection};
use crate::error::Result;
use crate::person::Pseudonyms;
use crate::record::csv::{CUT, Outer, Row, is_cut};
use crate::record::json;
use crate::record::{Event, Found, Keep, Parser, Record, keep};
use crate::source::Piece;
use crate::store::Load;

/// Raw text that goes into one batch: large, so that there are few runs to merge and values are
/// put into few dictionaries; small enough to be held by every thread.
const BATCH_TEXT_BYTES: usize = 48 << 20;

/// Works until the feed is empty.
pub(super) fn work(
    feed: &Feed<'_>,
    load: &Load,
    projection: &Projection,
    pseudonyms: Option<&Pseudonyms>,
    progress: &dyn Progress,
) -> Result<()> {
    let mut worker = Worker {
        parser: Parser::default(),
        inner: Parser::default(),
        batch: BatchBuilder::new(projection),
        veil: pseudonyms.map(Veil::new),
    };
    let (mut used, mut batched) = (Piece::default(), 0);
    while let Some(task) = feed.next(used)? {
        feed.add(task.source, worker.piece(&task))?;
        batched += task.piece.text.len();
        progress.advance(task.piece.file_bytes);
        if batched >= BATCH_TEXT_BYTES {
            load.stage(worker.batch.finish())?;
            batched = 0;
        }
        used = task.piece;
    }
    load.stage(worker.batch.finish())
}

struct Worker<'w> {
    parser: Parser,
    /// For events that are text inside of a record.
    inner: Parser,
    batch: BatchBuilder,
    veil: Option<Veil<'w>>,
}

/// Puts pseudonyms into records, before anything else looks at them: so there is no column and no
/// member of `Extra` that could be forgotten.
struct Veil<'w> {
    pseudonyms: &'w Pseudonyms,
    parser: Parser,
}

impl<'w> Veil<'w> {
    fn new(pseudonyms: &'w Pseudonyms) -> Self {
        Veil { pseudonyms, parser: Parser::default() }
    }

    /// The record with pseudonyms; as it is where it is no JSON, which whoever parses it will say.
    fn over<'r>(&mut self, raw: &'r [u8]) -> Cow<'r, [u8]> {
        // An event that is text inside of a record comes by itself, once it is taken out.
        let rewrite = |name: &str, text: &str| match name.eq_ignore_ascii_case("AuditData") {
            true => None,
            false => self.pseudonyms.of_member(name, text),
        };
        let mut out = Vec::with_capacity(raw.len());
        let written = self.parser.parse(raw, |record| {
            json::write_rewritten(record.root(), "", &rewrite, &mut out);
        });
        if written.is_ok() { Cow::Owned(out) } else { Cow::Borrowed(raw) }
    }
}

/// A record on its way into a batch.
struct Place<'t> {
    task: &'t Task,
    /// Its position in the piece.
    at: usize,
    order: u64,
}

impl Place<'_> {
    fn lineage(&self) -> Lineage<'_> {
        Lineage { file: &self.task.name, kind: self.task.kind, order: self.order }
    }
}

impl Worker<'_> {
    fn piece(&mut self, task: &Task) -> Tally {
        let mut tally = Tally::default();
        let without_id = self.batch.without_id();
        match &task.header {
            None => {
                for (number, &(start, end)) in task.piece.records.iter().enumerate() {
                    let raw = &task.piece.text[start as usize..end as usize];
                    let order = task.order + number as u64;
                    let place = Place { task, at: start as usize, order };
                    self.record(raw, &Outer::default(), &place, &mut tally);
                }
            }
            Some(header) => {
                let mut order = task.order;
                header.rows(&task.piece.text, |at, row| {
                    let place = Place { task, at, order };
                    order += 1;
                    match row {
                        Row::Audit { json, mut outer } => {
                            if let (Some(veil), Some(user)) = (&self.veil, &mut outer.user_id) {
                                *user = veil.pseudonyms.of_user(user);
                            }
                            self.record(json, &outer, &place, &mut tally);
                        }
                        Row::Flat(json) => {
                            self.record(&json, &Outer::default(), &place, &mut tally);
                        }
                        Row::Nothing(reason) => {
                            tally.read += 1;
                            tally.reject(task.piece.position(at), reason);
                        }
                    }
                });
            }
        }
        tally.without_id = self.batch.without_id() - without_id;
        for trouble in &mut tally.troubles {
            trouble.reason = task.piece.source.of(std::mem::take(&mut trouble.reason));
        }
        if let Some(veil) = &self.veil {
            for trouble in &mut tally.troubles {
                if let Some(reason) = veil.pseudonyms.in_text(&trouble.reason) {
                    trouble.reason = reason;
                }
            }
        }
        tally
    }

    fn record(&mut self, raw: &[u8], outer: &Outer, place: &Place<'_>, tally: &mut Tally) {
        tally.read += 1;
        let Worker { parser, inner, batch, veil } = self;
        let veiled = veil.as_mut().map(|veil| veil.over(raw));
        let raw = veiled.as_deref().unwrap_or(raw);
        let parsed = parser.parse(raw, |record| match record.found() {
            Found::Event(event) => append(batch, &event, outer, place, tally),
            Found::Wrapped(event, outside) => {
                let outer = Outer::of_members(outside.members());
                append(batch, &event, &outer, place, tally);
            }
            Found::Embedded(text, outside) => {
                let outer = Outer::of_members(outside.members());
                let veiled = veil.as_mut().map(|veil| veil.over(text.as_bytes()));
                let text = veiled.as_deref().unwrap_or(text.as_bytes());
                let parsed = inner.parse(text, |record| {
                    embedded(batch, record, &outer, place, tally);
                });
                if let Err(malformed) = parsed {
                    let reason = format!("AuditData: {}", malformed.reason);
                    tally.reject(place.task.piece.position(place.at), reason);
                }
            }
            Found::Nothing(reason) => {
                tally.reject(place.task.piece.position(place.at), reason.to_owned());
            }
        });
        if let Err(malformed) = parsed {
            // Positions inside a CSV cell are not those of the file: its quotes are doubled.
            let inside = if place.task.header.is_some() { 0 } else { malformed.position };
            let position = place.task.piece.position(place.at + inside);
            let reason = match place.task.header.is_some() && is_cut(raw) {
                true => CUT.to_owned(),
                false => format!("no valid JSON: {}", malformed.reason),
            };
            tally.reject(position, reason);
        }
    }
}

fn embedded(
    batch: &mut BatchBuilder,
    record: &Record<'_>,
    outer: &Outer,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    match record.found() {
        Found::Event(event) => append(batch, &event, outer, place, tally),
        _ => {
            tally.reject(place.task.piece.position(place.at), "AuditData holds no event".to_owned())
        }
    }
}

fn append(
    batch: &mut BatchBuilder,
    event: &Event<'_>,
    outer: &Outer,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    if let Keep::Other(name) = keep(event) {
        *tally.other_workloads.entry(name).or_default() += 1;
        return;
    }
    match batch.append(event, outer, &place.lineage()) {
        Ok(key) => tally.event(key.time_us),
        Err(unusable) => tally.reject(place.task.piece.position(place.at), unusable.0),
    }
}
