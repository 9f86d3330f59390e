//! What a thread does: take a piece, parse its records, build columns, stage batches.

use std::borrow::Cow;
use std::ops::Range;

use super::account::{Rejected, Tally};
use super::{Options, Progress};
use crate::column::{BatchBuilder, Lineage, Projection};
use crate::error::Result;
use crate::ingest::queue::{Feed, Task};
use crate::person::Pseudonyms;
use crate::record::csv::{CUT, Header, Outer, Row, is_cut};
use crate::record::json;
use crate::record::loss_indicators::Signs;
use crate::record::{Event, Found, Parser, Record, family, workload};
use crate::schema::Family;
use crate::schema::reject::{RAW_MAX, Raw, Reject};
use crate::schema::source_log::Trouble;
use crate::source::{FlawOf, Piece};
use crate::store::Load;

/// Raw text that goes into one batch: large, so that there are few runs to merge and values are
/// put into few dictionaries; small enough to be held by every thread.
const BATCH_TEXT_BYTES: usize = 48 << 20;

/// Works until the feed is empty.
pub(super) fn work(
    feed: &Feed<'_>,
    load: &Load,
    projection: &Projection,
    options: &Options,
    progress: &dyn Progress,
) -> Result<()> {
    let mut worker = Worker {
        parser: Parser::default(),
        inner: Parser::default(),
        batch: Intake { builder: BatchBuilder::new(projection), keeps_all: options.all_workloads },
        veil: options.pseudonyms.as_ref().map(Veil::new),
    };
    let (mut used, mut batched) = (Piece::default(), 0);
    while let Some(task) = feed.next(used)? {
        let tally = worker.piece(&task);
        worker.keep_rejects(&task, &tally, load)?;
        feed.add(task.source, tally)?;
        batched += task.piece.text.len();
        progress.advance(task.piece.file_bytes);
        if batched >= BATCH_TEXT_BYTES {
            load.stage(worker.batch.builder.finish())?;
            batched = 0;
        }
        used = task.piece;
    }
    load.stage(worker.batch.builder.finish())
}

struct Worker<'w> {
    parser: Parser,
    /// For events that are text inside of a record.
    inner: Parser,
    batch: Intake,
    veil: Option<Veil<'w>>,
}

/// A batch, and what is let into it.
struct Intake {
    builder: BatchBuilder,
    /// Whether events of other workloads are kept.
    keeps_all: bool,
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

    /// A record that was rejected, with pseudonyms. What is not UTF-8 is as good as gone: whether a
    /// name stands in it nobody can tell.
    fn over_rejected(&self, raw: &[u8], header: Option<&Header>) -> String {
        let kept = String::from_utf8_lossy(&raw[..raw.len().min(RAW_MAX)]);
        match header.filter(|header| header.is_lossy()) {
            Some(header) => self.pseudonyms.in_raw(&header.named(kept.as_bytes())),
            None => self.pseudonyms.in_raw(&kept),
        }
    }
}

/// A record on its way into a batch.
struct Place<'t> {
    task: &'t Task<'t>,
    /// Where it stands in the piece.
    span: Range<usize>,
    order: u64,
}

impl Place<'_> {
    fn lineage(&self) -> Lineage<'_> {
        Lineage { file: &self.task.name, kind: self.task.kind, order: self.order }
    }

    /// Rejects it for something that stands so many bytes behind its beginning.
    fn reject(&self, behind: usize, reason: impl Into<String>, tally: &mut Tally) {
        let position = self.task.piece.position(self.span.start + behind);
        tally.reject(position, reason.into(), self.span.clone());
    }
}

impl Worker<'_> {
    fn piece(&mut self, task: &Task<'_>) -> Tally {
        let mut tally = Tally::default();
        let without_id = self.batch.builder.without_id();
        match &task.header {
            None => {
                for (number, &(start, end)) in task.piece.records.iter().enumerate() {
                    let span = start as usize..end as usize;
                    let raw = &task.piece.text[span.clone()];
                    let place = Place { task, span, order: task.order + number as u64 };
                    self.record(raw, &Outer::default(), &place, &mut tally);
                }
            }
            Some(header) => {
                let mut order = task.order;
                header.rows(&task.piece.text, |span, row| {
                    let place = Place { task, span, order };
                    order += 1;
                    match row {
                        Row::Audit { json, mut outer } => {
                            tally.results = tally.results.max(outer.results);
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
                            place.reject(0, reason, &mut tally);
                        }
                    }
                });
            }
        }
        tally.without_id = self.batch.builder.without_id() - without_id;
        let is_table = task.header.as_ref().is_some_and(|header| header.is_lossy());
        tally.signs = Signs::of(&task.piece.text, is_table);
        // Flaws have told it of themselves.
        for Rejected { trouble, .. } in &mut tally.rejected {
            trouble.reason = task.piece.source.of(std::mem::take(&mut trouble.reason));
        }
        for flaw in &task.flaws {
            tally.damaged = true;
            match flaw.of {
                FlawOf::Record => {
                    tally.read += 1;
                    tally.reject(flaw.position, flaw.reason.clone(), 0..0);
                }
                FlawOf::File => {
                    tally.troubles.push(Trouble::new(flaw.position, flaw.reason.clone()));
                }
            }
        }
        if let Some(veil) = &self.veil {
            let names = std::mem::take(&mut tally.signs.lost_letters);
            let veiled = |name: String| veil.pseudonyms.of_member("", &name).unwrap_or(name);
            tally.signs.lost_letters = names.into_iter().map(veiled).collect();
            let rejected = tally.rejected.iter_mut().map(|rejected| &mut rejected.trouble);
            for trouble in tally.troubles.iter_mut().chain(rejected) {
                if let Some(reason) = veil.pseudonyms.in_text(&trouble.reason) {
                    trouble.reason = reason;
                }
            }
        }
        tally
    }

    /// Keeps what could not be taken of a piece. Only now are there copies of its text: one of a
    /// time.
    fn keep_rejects(&self, task: &Task<'_>, tally: &Tally, load: &Load) -> Result<()> {
        let mut flaws = task.flaws.iter().filter(|flaw| flaw.of == FlawOf::Record);
        for Rejected { trouble, span } in &tally.rejected {
            let (raw, length) = match span.is_empty() {
                false => (&task.piece.text[span.clone()], span.len() as u64),
                // A flaw of the source, in whose pieces it does not stand.
                true => {
                    flaws.next().map_or((&[][..], 0), |flaw| (&flaw.raw[..], flaw.raw.len() as u64))
                }
            };
            let raw = match &self.veil {
                Some(veil) => Raw::Text(veil.over_rejected(raw, task.header.as_deref())),
                None => Raw::of(raw),
            };
            load.reject(&Reject {
                source: task.name.to_string(),
                place: task.place.to_owned(),
                position: trouble.position,
                reason: trouble.reason.clone(),
                length,
                raw,
            })?;
        }
        Ok(())
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
                tally.results = tally.results.max(outer.results);
                let veiled = veil.as_mut().map(|veil| veil.over(text.as_bytes()));
                let text = veiled.as_deref().unwrap_or(text.as_bytes());
                let parsed = inner.parse(text, |record| {
                    embedded(batch, record, &outer, place, tally);
                });
                if let Err(malformed) = parsed {
                    place.reject(0, format!("AuditData: {}", malformed.reason), tally);
                }
            }
            Found::Nothing(reason) => place.reject(0, reason, tally),
        });
        if let Err(malformed) = parsed {
            // Positions inside a CSV cell are not those of the file: its quotes are doubled.
            let inside = if place.task.header.is_some() { 0 } else { malformed.position };
            let reason = match place.task.header.is_some() && is_cut(raw) {
                true => CUT.to_owned(),
                false => format!("no valid JSON: {}", malformed.reason),
            };
            place.reject(inside, reason, tally);
        }
    }
}

fn embedded(
    batch: &mut Intake,
    record: &Record<'_>,
    outer: &Outer,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    match record.found() {
        Found::Event(event) => append(batch, &event, outer, place, tally),
        _ => place.reject(0, "AuditData holds no event", tally),
    }
}

fn append(
    batch: &mut Intake,
    event: &Event<'_>,
    outer: &Outer,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    let about = family(event);
    if about == Family::Other && !batch.keeps_all {
        *tally.other_workloads.entry(workload(event)).or_default() += 1;
        return;
    }
    match batch.builder.append(event, about, outer, &place.lineage()) {
        // Which days are covered is asked of the log of Power BI alone.
        Ok(_) if about == Family::Other => tally.others_kept += 1,
        Ok(key) => tally.event(key.time_us),
        Err(unusable) => place.reject(0, unusable.0, tally),
    }
}
