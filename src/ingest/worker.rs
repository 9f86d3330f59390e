//! What a thread does: take a piece, parse its records, build columns, stage batches.

use std::borrow::Cow;
use std::ops::Range;

use super::account::{ChunkStats, RejectedRecord};
use super::{Options, Progress};
use crate::column::{BatchBuilder, Lineage, Projection};
use crate::error::Result;
use crate::ingest::queue::{ChunkQueue, ChunkTask};
use crate::person::Pseudonymizer;
use crate::record::csv::{
    CsvHeader, CsvRow, EnvelopeFields, TRUNCATED_REASON, is_truncated_by_excel,
};
use crate::record::json;
use crate::record::loss_indicators::LossIndicators;
use crate::record::{Event, Parser, Record, RecordKind, workload_group, workload_label};
use crate::schema::WorkloadGroup;
use crate::schema::reject::{MAX_RAW_BYTES, Raw, Reject};
use crate::schema::source_log::Problem;
use crate::source::{Chunk, ProblemScope};
use crate::store::Transaction;

/// Raw text that goes into one batch: large, so that there are few runs to merge and values are
/// put into few dictionaries; small enough to be held by every thread.
const BATCH_TEXT_BYTES: usize = 48 << 20;

/// Works until the feed is empty.
pub(super) fn run(
    feed: &ChunkQueue<'_>,
    load: &Transaction,
    projection: &Projection,
    options: &Options,
    progress: &dyn Progress,
) -> Result<()> {
    let mut worker = IngestWorker {
        parser: Parser::default(),
        inner_parser: Parser::default(),
        batch: IngestBatch {
            builder: BatchBuilder::new(projection),
            keep_all_workloads: options.all_workloads,
        },
        pseudonymizer: options.pseudonymizer.as_ref().map(RecordPseudonymizer::new),
    };
    let (mut used, mut batched) = (Chunk::default(), 0);
    while let Some(task) = feed.next(used)? {
        let tally = worker.process_chunk(&task);
        worker.write_rejects(&task, &tally, load)?;
        feed.add_stats(task.source, tally)?;
        batched += task.chunk.text.len();
        progress.advance(task.chunk.file_bytes);
        if batched >= BATCH_TEXT_BYTES {
            load.stage(worker.batch.builder.finish())?;
            batched = 0;
        }
        used = task.chunk;
    }
    load.stage(worker.batch.builder.finish())
}

struct IngestWorker<'w> {
    parser: Parser,
    /// For events that are text inside of a record.
    inner_parser: Parser,
    batch: IngestBatch,
    pseudonymizer: Option<RecordPseudonymizer<'w>>,
}

/// A batch, and what is let into it.
struct IngestBatch {
    builder: BatchBuilder,
    /// Whether events of other workloads are kept.
    keep_all_workloads: bool,
}

/// Puts pseudonyms into records, before anything else looks at them: so there is no column and no
/// member of `Extra` that could be forgotten.
struct RecordPseudonymizer<'w> {
    pseudonymizer: &'w Pseudonymizer,
    parser: Parser,
}

impl<'w> RecordPseudonymizer<'w> {
    fn new(pseudonyms: &'w Pseudonymizer) -> Self {
        RecordPseudonymizer { pseudonymizer: pseudonyms, parser: Parser::default() }
    }

    /// The record with pseudonyms; as it is where it is no JSON, which whoever parses it will say.
    fn apply<'r>(&mut self, raw: &'r [u8]) -> Cow<'r, [u8]> {
        // An event that is text inside of a record comes by itself, once it is taken out.
        let rewrite = |name: &str, text: &str| match name.eq_ignore_ascii_case("AuditData") {
            true => None,
            false => self.pseudonymizer.pseudonymize_field(name, text),
        };
        let mut out = Vec::with_capacity(raw.len());
        let written = self.parser.parse(raw, |record| {
            json::write_rewritten(record.root(), "", &rewrite, &mut out);
        });
        if written.is_ok() { Cow::Owned(out) } else { Cow::Borrowed(raw) }
    }

    /// A record that was rejected, with pseudonyms. What is not UTF-8 is as good as gone: whether a
    /// name stands in it nobody can tell.
    fn apply_to_rejected(&self, raw: &[u8], header: Option<&CsvHeader>) -> String {
        let kept = String::from_utf8_lossy(&raw[..raw.len().min(MAX_RAW_BYTES)]);
        match header.filter(|header| header.is_lossy()) {
            Some(header) => {
                self.pseudonymizer.pseudonymize_raw(&header.row_to_json(kept.as_bytes()))
            }
            None => self.pseudonymizer.pseudonymize_raw(&kept),
        }
    }
}

/// A record on its way into a batch.
struct RecordContext<'t> {
    task: &'t ChunkTask<'t>,
    /// Where it stands in the piece.
    span: Range<usize>,
    sequence: u64,
}

impl RecordContext<'_> {
    fn lineage(&self) -> Lineage<'_> {
        Lineage { file: &self.task.name, kind: self.task.kind, sequence: self.sequence }
    }

    /// Rejects it for something that stands so many bytes behind its beginning.
    fn reject(&self, behind: usize, reason: impl Into<String>, tally: &mut ChunkStats) {
        let position = self.task.chunk.position(self.span.start + behind);
        tally.reject(position, reason.into(), self.span.clone());
    }
}

impl IngestWorker<'_> {
    fn process_chunk(&mut self, task: &ChunkTask<'_>) -> ChunkStats {
        let mut tally = ChunkStats::default();
        let without_id = self.batch.builder.generated_ids();
        match &task.header {
            None => {
                for (number, &(start, end)) in task.chunk.records.iter().enumerate() {
                    let span = start as usize..end as usize;
                    let raw = &task.chunk.text[span.clone()];
                    let place =
                        RecordContext { task, span, sequence: task.sequence + number as u64 };
                    self.process_record(raw, &EnvelopeFields::default(), &place, &mut tally);
                }
            }
            Some(header) => {
                let mut order = task.sequence;
                header.for_each_row(&task.chunk.text, |span, row| {
                    let place = RecordContext { task, span, sequence: order };
                    order += 1;
                    match row {
                        CsvRow::Audit { json, envelope: mut outer } => {
                            tally.result_count = tally.result_count.max(outer.result_count);
                            if let (Some(veil), Some(user)) =
                                (&self.pseudonymizer, &mut outer.user_id)
                            {
                                *user = veil.pseudonymizer.pseudonymize_user(user);
                            }
                            self.process_record(json, &outer, &place, &mut tally);
                        }
                        CsvRow::Lossy(json) => {
                            self.process_record(
                                &json,
                                &EnvelopeFields::default(),
                                &place,
                                &mut tally,
                            );
                        }
                        CsvRow::NotAnEvent(reason) => {
                            tally.read += 1;
                            place.reject(0, reason, &mut tally);
                        }
                    }
                });
            }
        }
        tally.generated_ids = self.batch.builder.generated_ids() - without_id;
        let is_table = task.header.as_ref().is_some_and(|header| header.is_lossy());
        tally.loss_indicators = LossIndicators::scan(&task.chunk.text, is_table);
        // Flaws have told it of themselves.
        for RejectedRecord { problem: trouble, .. } in &mut tally.rejected {
            trouble.reason = task.chunk.member.qualify_reason(std::mem::take(&mut trouble.reason));
        }
        for flaw in &task.problems {
            tally.damaged = true;
            match flaw.scope {
                ProblemScope::Record => {
                    tally.read += 1;
                    tally.reject(flaw.position, flaw.reason.clone(), 0..0);
                }
                ProblemScope::File => {
                    tally.problems.push(Problem::new(flaw.position, flaw.reason.clone()));
                }
            }
        }
        if let Some(veil) = &self.pseudonymizer {
            let names = std::mem::take(&mut tally.loss_indicators.lost_characters);
            let veiled =
                |name: String| veil.pseudonymizer.pseudonymize_field("", &name).unwrap_or(name);
            tally.loss_indicators.lost_characters = names.into_iter().map(veiled).collect();
            let rejected = tally.rejected.iter_mut().map(|rejected| &mut rejected.problem);
            for trouble in tally.problems.iter_mut().chain(rejected) {
                if let Some(reason) = veil.pseudonymizer.pseudonymize_text(&trouble.reason) {
                    trouble.reason = reason;
                }
            }
        }
        tally
    }

    /// Keeps what could not be taken of a piece. Only now are there copies of its text: one of a
    /// time.
    fn write_rejects(
        &self,
        task: &ChunkTask<'_>,
        tally: &ChunkStats,
        load: &Transaction,
    ) -> Result<()> {
        let mut flaws = task.problems.iter().filter(|flaw| flaw.scope == ProblemScope::Record);
        for RejectedRecord { problem: trouble, span } in &tally.rejected {
            let (raw, length) = match span.is_empty() {
                false => (&task.chunk.text[span.clone()], span.len() as u64),
                // A flaw of the source, in whose pieces it does not stand.
                true => {
                    flaws.next().map_or((&[][..], 0), |flaw| (&flaw.raw[..], flaw.raw.len() as u64))
                }
            };
            let raw = match &self.pseudonymizer {
                Some(veil) => Raw::Text(veil.apply_to_rejected(raw, task.header.as_deref())),
                None => Raw::from_bytes(raw),
            };
            load.add_reject(&Reject {
                source: task.name.to_string(),
                place: task.absolute_path.to_owned(),
                position: trouble.position,
                reason: trouble.reason.clone(),
                length,
                raw,
            })?;
        }
        Ok(())
    }

    fn process_record(
        &mut self,
        raw: &[u8],
        outer: &EnvelopeFields,
        place: &RecordContext<'_>,
        tally: &mut ChunkStats,
    ) {
        tally.read += 1;
        let IngestWorker { parser, inner_parser: inner, batch, pseudonymizer: veil } = self;
        let veiled = veil.as_mut().map(|veil| veil.apply(raw));
        let raw = veiled.as_deref().unwrap_or(raw);
        let parsed = parser.parse(raw, |record| match record.kind() {
            RecordKind::Event(event) => append_event(batch, &event, outer, place, tally),
            RecordKind::GraphEnvelope(event, outside) => {
                let outer = EnvelopeFields::from_members(outside.members());
                append_event(batch, &event, &outer, place, tally);
            }
            RecordKind::AuditDataJson(text, outside) => {
                let outer = EnvelopeFields::from_members(outside.members());
                tally.result_count = tally.result_count.max(outer.result_count);
                let veiled = veil.as_mut().map(|veil| veil.apply(text.as_bytes()));
                let text = veiled.as_deref().unwrap_or(text.as_bytes());
                let parsed = inner.parse(text, |record| {
                    append_embedded(batch, record, &outer, place, tally);
                });
                if let Err(malformed) = parsed {
                    place.reject(0, format!("AuditData: {}", malformed.reason), tally);
                }
            }
            RecordKind::NotAnEvent(reason) => place.reject(0, reason, tally),
        });
        if let Err(malformed) = parsed {
            // Positions inside a CSV cell are not those of the file: its quotes are doubled.
            let inside = if place.task.header.is_some() { 0 } else { malformed.position };
            let reason = match place.task.header.is_some() && is_truncated_by_excel(raw) {
                true => TRUNCATED_REASON.to_owned(),
                false => format!("no valid JSON: {}", malformed.reason),
            };
            place.reject(inside, reason, tally);
        }
    }
}

fn append_embedded(
    batch: &mut IngestBatch,
    record: &Record<'_>,
    outer: &EnvelopeFields,
    place: &RecordContext<'_>,
    tally: &mut ChunkStats,
) {
    match record.kind() {
        RecordKind::Event(event) => append_event(batch, &event, outer, place, tally),
        _ => place.reject(0, "AuditData holds no event", tally),
    }
}

fn append_event(
    batch: &mut IngestBatch,
    event: &Event<'_>,
    outer: &EnvelopeFields,
    place: &RecordContext<'_>,
    tally: &mut ChunkStats,
) {
    let about = workload_group(event);
    if about == WorkloadGroup::Other && !batch.keep_all_workloads {
        *tally.other_workloads.entry(workload_label(event)).or_default() += 1;
        return;
    }
    match batch.builder.append(event, about, outer, &place.lineage()) {
        // Which days are covered is asked of the log of Power BI alone.
        Ok(_) if about == WorkloadGroup::Other => tally.other_workloads_kept += 1,
        Ok(key) => tally.count_event(key.time_us),
        Err(unusable) => place.reject(0, unusable.0, tally),
    }
}
