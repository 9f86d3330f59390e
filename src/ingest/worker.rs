//! The work of one ingest thread: takes chunks, parses their records, builds columns, stages
//! batches.

use std::borrow::Cow;
use std::ops::Range;

use super::account::{ChunkStats, RejectedRecord};
use super::inventory::InventoryCollector;
use super::options::{Options, Progress};
use super::queue::{ChunkQueue, ChunkTask};
use super::source_texts::SourceTexts;
use crate::column::{BatchBuilder, Lineage, Projection};
use crate::error::{Error, Result};
use crate::person::Pseudonymizer;
use crate::record::continuation::last_continuation;
use crate::record::csv::{
    CsvHeader, CsvRow, EnvelopeFields, TRUNCATED_REASON, is_truncated_by_excel,
};
use crate::record::json;
use crate::record::loss_indicators::LossIndicators;
use crate::record::{
    Event, Parser, Record, RecordKind, RecordParseError, workload_group, workload_label,
};
use crate::schema::reject::{MAX_RAW_BYTES, Raw, Reject};
use crate::schema::source_log::Problem;
use crate::schema::{EventText, WorkloadGroup};
use crate::source::{Chunk, ListTable, ProblemScope, SourceFormat};
use crate::store::Transaction;

/// The bytes of raw text in one batch. Large batches mean few runs to merge and few dictionaries,
/// but every thread keeps one in memory.
const BATCH_TEXT_BYTES: usize = 48 << 20;

/// The most JSON texts inside each other in the record of a collector.
const MAX_EMBEDDED_TEXTS: usize = 3;

/// The destinations of what the threads read, and the options.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) transaction: &'r Transaction,
    pub(super) inventory: &'r InventoryCollector<'r>,
    pub(super) options: &'r Options,
}

/// Processes chunks until the queue is empty.
pub(super) fn run(
    queue: &ChunkQueue<'_>,
    reading: &Reading<'_>,
    projection: &Projection,
    progress: &dyn Progress,
) -> Result<()> {
    let Reading { transaction, inventory, options } = *reading;
    let builder = BatchBuilder::new(projection).map_err(Error::internal)?;
    let mut worker = IngestWorker {
        parser: Parser::default(),
        inner_parser: Parser::default(),
        batch: IngestBatch { builder, keep_all_workloads: options.all_workloads },
        pseudonymizer: options.pseudonymizer.as_ref().map(RecordPseudonymizer::new),
        texts: SourceTexts::new(options.pseudonymizer.as_ref()),
    };
    let (mut used, mut batched) = (Chunk::default(), 0);
    while let Some(task) = queue.next(used)? {
        let stats = worker.process_chunk(&task, inventory)?;
        worker.write_rejects(&task, &stats, transaction)?;
        queue.add_stats(task.source, stats)?;
        batched += task.chunk.text.len();
        progress.advance(task.chunk.file_bytes);
        if batched >= BATCH_TEXT_BYTES {
            transaction.stage(worker.batch.builder.finish().map_err(Error::internal)?)?;
            batched = 0;
        }
        used = task.chunk;
    }
    transaction.stage(worker.batch.builder.finish().map_err(Error::internal)?)
}

struct IngestWorker<'w> {
    parser: Parser,
    /// Parses events that are texts inside records.
    inner_parser: Parser,
    batch: IngestBatch,
    pseudonymizer: Option<RecordPseudonymizer<'w>>,
    texts: SourceTexts<'w>,
}

/// A batch, and the events that it accepts.
struct IngestBatch {
    builder: BatchBuilder,
    /// True if events of other workloads are kept.
    keep_all_workloads: bool,
}

/// Pseudonymizes records before they are parsed for columns, so that no column and no member of
/// `Extra` can be missed.
struct RecordPseudonymizer<'w> {
    pseudonymizer: &'w Pseudonymizer,
    parser: Parser,
}

impl<'w> RecordPseudonymizer<'w> {
    fn new(pseudonymizer: &'w Pseudonymizer) -> Self {
        RecordPseudonymizer { pseudonymizer, parser: Parser::default() }
    }

    /// Pseudonymizes a record. Invalid JSON is returned unchanged; the parser reports it.
    fn apply<'r>(&mut self, raw: &'r [u8]) -> Cow<'r, [u8]> {
        // This includes an event that is the text of `AuditData`.
        let rewrite = |text: &EventText<'_>| self.pseudonymizer.pseudonymize_field(text);
        let mut out = Vec::with_capacity(raw.len());
        let written = self.parser.parse(raw, |record| {
            // Of such a record, only the text is used, and it is pseudonymized after it is
            // extracted. Doing both would change the pseudonyms.
            let is_event =
                !matches!(record.kind(), RecordKind::EmbeddedJson(_) | RecordKind::Renamed(_));
            if is_event {
                json::write_rewritten(record.root(), &rewrite, &mut out);
            }
            is_event
        });
        if written == Ok(true) { Cow::Owned(out) } else { Cow::Borrowed(raw) }
    }

    /// Pseudonymizes a rejected record. Invalid UTF-8 is dropped, because it could hide a name.
    fn apply_to_rejected(&self, raw: &[u8], header: Option<&CsvHeader>) -> String {
        let kept = String::from_utf8_lossy(&raw[..raw.len().min(MAX_RAW_BYTES)]);
        match header.filter(|header| header.is_lossy()) {
            Some(header) => {
                self.pseudonymizer.pseudonymize_raw(&header.row_to_json(kept.as_bytes()))
            }
            None => self.pseudonymizer.pseudonymize_raw(&kept),
        }
    }

    /// Pseudonymizes the names with signs of lost data, which go into the account of the source.
    fn apply_to_names(&self, indicators: &mut LossIndicators) {
        let names = std::mem::take(&mut indicators.lost_characters);
        let pseudonymize = |name: String| {
            let replaced = self.pseudonymizer.pseudonymize_field(&EventText::new("", &name));
            replaced.unwrap_or(name)
        };
        indicators.lost_characters = names.into_iter().map(pseudonymize).collect();
    }
}

/// A record on its way into a batch.
struct RecordContext<'t> {
    task: &'t ChunkTask<'t>,
    /// The range of the record in the chunk.
    span: Range<usize>,
    sequence: u64,
}

impl RecordContext<'_> {
    fn lineage(&self) -> Lineage<'_> {
        Lineage { file: &self.task.name, kind: self.task.kind, sequence: self.sequence }
    }

    /// Rejects the record because of a problem `offset` bytes after its start.
    fn reject(&self, offset: usize, reason: impl Into<String>, stats: &mut ChunkStats) {
        let position = self.task.chunk.position(self.span.start + offset);
        stats.reject(position, reason.into(), self.span.clone());
    }
}

impl IngestWorker<'_> {
    fn process_chunk(
        &mut self,
        task: &ChunkTask<'_>,
        inventory: &InventoryCollector<'_>,
    ) -> Result<ChunkStats> {
        let mut stats = ChunkStats::default();
        let generated_ids = self.batch.builder.generated_ids();
        match &task.header {
            None if task.is_inventory => {
                self.process_inventory(task, inventory, &mut stats)?;
            }
            None => self.process_records(task, &mut stats),
            Some(header) if task.is_inventory => {
                self.process_list(task, header, inventory, &mut stats)?;
            }
            Some(header) => self.process_rows(task, header, &mut stats),
        }
        stats.generated_ids = self.batch.builder.generated_ids() - generated_ids;
        let is_table = task.header.as_ref().is_some_and(|header| header.is_lossy());
        if !task.is_inventory {
            stats.loss_indicators = LossIndicators::scan(&task.chunk.text, is_table);
        }
        stats.is_portal_export =
            task.header.as_ref().is_some_and(|header| header.is_portal_export());
        if task.chunk.format == SourceFormat::Rest && !task.is_inventory {
            let is_continued = last_continuation(&task.chunk.text, &task.chunk.records);
            stats.continuation = is_continued.map(|found| (task.sequence, found));
        }
        // The reasons of decoding problems have the name of the member already. The other ones
        // quote the events, which have pseudonyms already.
        let member = self.texts.replace_in_member(&task.chunk.member);
        for RejectedRecord { problem, .. } in &mut stats.rejected {
            problem.reason = member.qualify_reason(std::mem::take(&mut problem.reason));
        }
        stats.loss_indicators.is_windows_1252 = task.chunk.is_windows_1252;
        if let Some(pseudonymizer) = &self.pseudonymizer {
            pseudonymizer.apply_to_names(&mut stats.loss_indicators);
        }
        for problem in &task.problems {
            stats.damaged |= problem.scope != ProblemScope::Skipped;
            let reason = self.texts.replace(problem.reason.clone());
            match problem.scope {
                ProblemScope::Skipped => stats.skipped_text = Some(reason),
                ProblemScope::Record => {
                    stats.read += 1;
                    stats.reject(problem.position, reason, 0..0);
                }
                ProblemScope::File => stats.problems.push(Problem::new(problem.position, reason)),
            }
        }
        Ok(stats)
    }

    /// Processes the records of a text that begins like an inventory. Others can be events.
    fn process_inventory(
        &mut self,
        task: &ChunkTask<'_>,
        inventory: &InventoryCollector<'_>,
        stats: &mut ChunkStats,
    ) -> Result<()> {
        for (number, &(start, end)) in task.chunk.records.iter().enumerate() {
            let span = start as usize..end as usize;
            let raw = &task.chunk.text[span.clone()];
            let add = |record: &Record<'_>| inventory.add(task.source, record.root());
            if self.parser.parse(raw, add).unwrap_or(Ok(false))? {
                continue;
            }
            let context = RecordContext { task, span, sequence: task.sequence + number as u64 };
            self.process_record(raw, &EnvelopeFields::default(), &context, stats);
        }
        Ok(())
    }

    /// Processes the rows of a list in a CSV file.
    fn process_list(
        &mut self,
        task: &ChunkTask<'_>,
        header: &CsvHeader,
        inventory: &InventoryCollector<'_>,
        stats: &mut ChunkStats,
    ) -> Result<()> {
        let mut sequence = task.sequence;
        let mut result = Ok(());
        header.for_each_list_row(&task.chunk.text, |span, json| {
            let context = RecordContext { task, span, sequence };
            sequence += 1;
            let list = task.list.as_deref().unwrap_or(&ListTable::People);
            let add = |record: &Record<'_>| {
                inventory.add_row(task.source, record.root(), list, context.sequence)
            };
            match self.parser.parse(json.as_bytes(), add).unwrap_or(Ok(false)) {
                Ok(true) => {}
                Ok(false) => {
                    stats.read += 1;
                    let reason = match list {
                        ListTable::People => {
                            "a row of a list without a user principal name or part number"
                        }
                        ListTable::Attributes(_) => "a row of a list without an address",
                        _ => "a row of a list without an ID",
                    };
                    context.reject(0, reason, stats);
                }
                Err(error) => result = Err(error),
            }
        });
        result
    }

    fn process_records(&mut self, task: &ChunkTask<'_>, stats: &mut ChunkStats) {
        for (number, &(start, end)) in task.chunk.records.iter().enumerate() {
            let span = start as usize..end as usize;
            let raw = &task.chunk.text[span.clone()];
            let context = RecordContext { task, span, sequence: task.sequence + number as u64 };
            if self.append_by_shape(&context, stats).is_none() {
                self.process_record(raw, &EnvelopeFields::default(), &context, stats);
            }
        }
    }

    /// Adds a record to the batch by its shape. Returns `None` if it must be parsed.
    fn append_by_shape(
        &mut self,
        context: &RecordContext<'_>,
        stats: &mut ChunkStats,
    ) -> Option<()> {
        // Pseudonyms are made in parsed records.
        if self.pseudonymizer.is_some() {
            return None;
        }
        let (text, span) = (&context.task.chunk.text, (context.span.start, context.span.end));
        let builder = &mut self.batch.builder;
        let (group, time_us) = builder.append_by_shape(text, span, &context.lineage())?;
        stats.read += 1;
        stats.count_event(group, time_us);
        Some(())
    }

    fn process_rows(&mut self, task: &ChunkTask<'_>, header: &CsvHeader, stats: &mut ChunkStats) {
        let mut sequence = task.sequence;
        let order = || task.dates.order();
        header.for_each_row(&task.chunk.text, &order, |span, row| {
            let context = RecordContext { task, span, sequence };
            sequence += 1;
            match row {
                CsvRow::Audit { json, mut envelope } => {
                    stats.result_count = stats.result_count.max(envelope.result_count);
                    if let (Some(pseudonymizer), Some(user)) =
                        (&self.pseudonymizer, &mut envelope.user_id)
                    {
                        *user = pseudonymizer.pseudonymizer.pseudonymize_user(user);
                    }
                    self.process_record(json, &envelope, &context, stats);
                }
                CsvRow::Lossy(json) => {
                    self.process_record(&json, &EnvelopeFields::default(), &context, stats);
                }
                CsvRow::NotAnEvent(reason) => {
                    stats.read += 1;
                    context.reject(0, self.texts.replace(reason), stats);
                }
            }
        });
    }

    /// Passes the rejected records of a chunk on to the store. Their text is copied only here, one
    /// record at a time.
    fn write_rejects(
        &self,
        task: &ChunkTask<'_>,
        stats: &ChunkStats,
        transaction: &Transaction,
    ) -> Result<()> {
        let is_record = |scope| scope == ProblemScope::Record;
        let mut lost = task.problems.iter().filter(|problem| is_record(problem.scope));
        for RejectedRecord { problem, span } in &stats.rejected {
            // A record that was lost in decoding is not in the chunk.
            let raw = match span.is_empty() {
                false => &task.chunk.text[span.clone()],
                true => lost.next().map_or(&[][..], |problem| &problem.raw[..]),
            };
            let length = raw.len() as u64;
            let raw = match &self.pseudonymizer {
                Some(pseudonymizer) => {
                    Raw::Text(pseudonymizer.apply_to_rejected(raw, task.header.as_deref()))
                }
                None => Raw::from_bytes(raw),
            };
            transaction.add_reject(&Reject {
                source: task.name.to_string(),
                place: task.absolute_path.to_owned(),
                position: problem.position,
                reason: problem.reason.clone(),
                length,
                raw,
            })?;
        }
        Ok(())
    }

    fn process_record(
        &mut self,
        raw: &[u8],
        envelope: &EnvelopeFields,
        context: &RecordContext<'_>,
        stats: &mut ChunkStats,
    ) {
        stats.read += 1;
        match self.process_json(raw, envelope, context, stats) {
            Ok(None) => {}
            Ok(Some(text)) => self.process_embedded(text, context, stats),
            Err(error) => {
                // Positions inside a CSV cell differ from those in the file, since quotes are
                // doubled.
                let is_csv = context.task.header.is_some();
                let offset = if is_csv { 0 } else { error.position };
                let reason = match is_csv && is_truncated_by_excel(raw) {
                    true => TRUNCATED_REASON.to_owned(),
                    false => format!("invalid JSON: {}", error.reason),
                };
                context.reject(offset, reason, stats);
            }
        }
    }

    /// Processes the JSON text in the record of a collector, which can contain another text.
    fn process_embedded(
        &mut self,
        mut text: String,
        context: &RecordContext<'_>,
        stats: &mut ChunkStats,
    ) {
        for _ in 0..MAX_EMBEDDED_TEXTS {
            match self.process_json(text.as_bytes(), &EnvelopeFields::default(), context, stats) {
                Ok(None) => return,
                Ok(Some(inner)) => text = inner,
                Err(error) => {
                    let reason = format!("invalid JSON in the text of a member: {}", error.reason);
                    return context.reject(0, reason, stats);
                }
            }
        }
        let reason = format!("JSON in texts is nested more than {MAX_EMBEDDED_TEXTS} levels deep");
        context.reject(0, reason, stats);
    }

    /// Processes one JSON value. Returns the text that contains the record, if the value is the
    /// record of a collector.
    fn process_json(
        &mut self,
        raw: &[u8],
        envelope: &EnvelopeFields,
        context: &RecordContext<'_>,
        stats: &mut ChunkStats,
    ) -> Result<Option<String>, RecordParseError> {
        let IngestWorker { parser, inner_parser, batch, pseudonymizer, .. } = self;
        let rewritten = pseudonymizer.as_mut().map(|pseudonymizer| pseudonymizer.apply(raw));
        let raw = rewritten.as_deref().unwrap_or(raw);
        parser.parse(raw, |record| {
            match record.kind() {
                RecordKind::Event(event) => append_event(batch, &event, envelope, context, stats),
                RecordKind::GraphEnvelope(event, outer) => {
                    let envelope = EnvelopeFields::from_graph(outer.members());
                    append_event(batch, &event, &envelope, context, stats);
                }
                RecordKind::AuditDataJson(text, outer) => {
                    let envelope = EnvelopeFields::from_members(outer.members());
                    stats.result_count = stats.result_count.max(envelope.result_count);
                    let parsed = inner_parser.parse(text.as_bytes(), |record| {
                        append_embedded(batch, record, &envelope, context, stats);
                    });
                    if let Err(error) = parsed {
                        context.reject(0, format!("AuditData: {}", error.reason), stats);
                    }
                }
                RecordKind::EmbeddedJson(text) => return Some(text.to_owned()),
                RecordKind::Renamed(text) => return Some(text),
                RecordKind::NotAnEvent(reason) => context.reject(0, reason, stats),
            }
            None
        })
    }
}

fn append_embedded(
    batch: &mut IngestBatch,
    record: &Record<'_>,
    envelope: &EnvelopeFields,
    context: &RecordContext<'_>,
    stats: &mut ChunkStats,
) {
    match record.kind() {
        RecordKind::Event(event) => append_event(batch, &event, envelope, context, stats),
        _ => context.reject(0, "AuditData does not contain an event", stats),
    }
}

fn append_event(
    batch: &mut IngestBatch,
    event: &Event<'_>,
    envelope: &EnvelopeFields,
    context: &RecordContext<'_>,
    stats: &mut ChunkStats,
) {
    let event = &envelope.complete(event);
    let group = workload_group(event);
    if group == WorkloadGroup::Other && !batch.keep_all_workloads {
        *stats.other_workloads.entry(workload_label(event)).or_default() += 1;
        return;
    }
    match batch.builder.append(event, group, envelope, &context.lineage()) {
        // Events of other workloads do not count for the coverage of days.
        Ok(_) if group == WorkloadGroup::Other => stats.other_workloads_kept += 1,
        Ok(key) => stats.count_event(group, key.time_us),
        Err(rejected) => context.reject(0, rejected.0, stats),
    }
}
