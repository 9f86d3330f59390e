//! Builds batches of events: puts each member of an event into its column or into `Extra`.

use arrow::error::ArrowError;

use super::batch::{BatchError, EventBatch, Lineage, Projection, RejectedEvent};
use super::column_builder::ColumnBuilder;
use super::copies::MergedEvent;
use super::derived::DerivedColumns;
use super::event_key::EventKey;
use super::event_time::event_time;
use super::field_lookup::{FieldLookup, FieldTarget, START, name_rank};
use super::schema::KeyColumns;
use super::shape_event::ShapeAppender;
use super::stored::Stored;
use super::text::{DictionaryColumn, Normalization, PlainTextColumn, id_key};
use crate::record::csv::EnvelopeFields;
use crate::record::{Event, Parser, RecordParseError, Value, json, time, workload_group};
use crate::schema::guid::format_guid;
use crate::schema::{self, WorkloadGroup, column_index, columns};

/// Builds batches of events.
pub struct BatchBuilder {
    key_columns: KeyColumns,
    derived_columns: DerivedColumns,
    builders: Vec<ColumnBuilder>,
    field_lookup: FieldLookup,
    /// Adds records by their shape. `None` only while it does.
    pub(super) shapes: Option<Box<ShapeAppender>>,
    extra: Option<PlainTextColumn>,
    extra_members: Vec<(String, Vec<u8>)>,
    /// Columns whose name occurs more than once in the current event.
    repeated_columns: Vec<usize>,
    /// The memory for the members of an event that have another name than their column.
    other_names: Vec<OtherNameMember<'static>>,
    /// Parses texts of events that are JSON.
    inner_parser: Parser,
    /// Parses merged events.
    merged_parser: Parser,
    source_file: ColumnBuilder,
    source_kind: ColumnBuilder,
    copies: PlainTextColumn,
    keys: Vec<EventKey>,
    generated_ids: u64,
}

impl BatchBuilder {
    /// Creates a builder for the columns of a projection.
    ///
    /// # Errors
    ///
    /// [`BatchError::MissingColumn`] if a column that is filled by its name does not exist.
    pub fn new(projection: &Projection) -> Result<Self, BatchError> {
        let projection = &projection.with_sources();
        let builder = |name: &str, make: &dyn Fn() -> ColumnBuilder| {
            if projection.includes(name) { make() } else { ColumnBuilder::Absent }
        };
        let lineage = || ColumnBuilder::Dictionary(DictionaryColumn::new(Normalization::AsIs));
        let is_absent = columns().iter().map(|column| !projection.includes(column.name)).collect();
        let shapes = ShapeAppender::new(is_absent, !projection.includes(schema::EXTRA));
        Ok(BatchBuilder {
            key_columns: KeyColumns::find()?,
            derived_columns: DerivedColumns::find()?,
            builders: columns()
                .iter()
                .map(|c| builder(c.name, &|| ColumnBuilder::new(c)))
                .collect(),
            field_lookup: FieldLookup::default(),
            shapes: Some(Box::new(shapes)),
            extra: projection
                .includes(schema::EXTRA)
                .then(|| PlainTextColumn::new(Normalization::AsIs)),
            extra_members: Vec::new(),
            repeated_columns: Vec::new(),
            other_names: Vec::new(),
            inner_parser: Parser::default(),
            merged_parser: Parser::default(),
            source_file: builder(schema::SOURCE_FILE, &lineage),
            source_kind: builder(schema::SOURCE_KIND, &lineage),
            copies: PlainTextColumn::new(Normalization::AsIs),
            keys: Vec::new(),
            generated_ids: 0,
        })
    }

    /// Returns the number of events in the batch.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns true if the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the number of events without an id since the builder was created.
    pub fn generated_ids(&self) -> u64 {
        self.generated_ids
    }

    /// Adds an event of a workload group. `envelope` supplies values that the event itself lacks.
    ///
    /// # Errors
    ///
    /// [`RejectedEvent`] if the event has no time, so that it belongs to no partition.
    pub fn append(
        &mut self,
        event: &Event<'_>,
        group: WorkloadGroup,
        envelope: &EnvelopeFields,
        lineage: &Lineage<'_>,
    ) -> Result<EventKey, RejectedEvent> {
        let row = self.keys.len();
        let time_us = event_time(event, envelope)?;
        let mut other_names = without_members(std::mem::take(&mut self.other_names));
        let mut previous = START;
        for (name, value) in event.object.members() {
            previous = self.field_lookup.find(previous, name);
            // A null in a typed field means the same as a missing field.
            match self.field_lookup.target(previous) {
                FieldTarget::Unknown => self.add_extra(name, value),
                _ if matches!(value, Value::Null) => {}
                FieldTarget::Column(column) => self.append_value(usize::from(column), row, value),
                FieldTarget::OtherName(column) => {
                    other_names.push(OtherNameMember { column: usize::from(column), name, value });
                }
            }
        }
        self.append_other_names(&mut other_names, row);
        self.other_names = without_members(other_names);
        if self.builders[self.key_columns.creation_time].has_other_number(row, time_us) {
            self.repeated_columns.push(self.key_columns.creation_time);
        }
        self.add_repeated_to_extra(event);
        let id = self.event_id_key(event, envelope, row);
        self.fill_from_envelope(envelope, row, time_us);
        self.derived_columns.append(&mut self.builders, event, group, row, &mut self.inner_parser);
        let mut key = EventKey::new(id, time_us);
        key.sequence = lineage.sequence;
        self.finish_row(row, key, lineage);
        Ok(key)
    }

    /// Ends the row of an event, after all its values.
    pub(super) fn finish_row(&mut self, row: usize, key: EventKey, lineage: &Lineage<'_>) {
        self.finish_extra(row);
        self.source_file.append(row, Value::Text(lineage.file));
        self.source_kind.append(row, Value::Text(lineage.kind));
        self.keys.push(key);
    }

    /// Adds the workload group of an event without other derived columns.
    pub(super) fn append_group(&mut self, group: WorkloadGroup, row: usize) {
        self.derived_columns.append_group(&mut self.builders, group, row);
    }

    /// Adds a value to a column that has none for the row.
    #[inline(always)]
    pub(super) fn append_to_column(
        &mut self,
        column: usize,
        row: usize,
        value: Value<'_>,
    ) -> Stored {
        self.builders[column].append(row, value)
    }

    /// Adds an event that was merged from copies. `key` is the key of one of them.
    ///
    /// # Errors
    ///
    /// [`RejectedEvent`] if the merged event has no time. This cannot be if all its copies have
    /// one.
    pub fn append_merged(
        &mut self,
        merged: &MergedEvent,
        key: &EventKey,
    ) -> Result<EventKey, RejectedEvent> {
        let row = self.keys.len();
        // A GUID of its bits has the key of the id, if a report did not read the id itself.
        let id = match merged.id.as_str() {
            "" => format_guid(key.id()),
            id => id.to_owned(),
        };
        let envelope = EnvelopeFields {
            id: Some(id),
            creation_time: Some(time::to_rfc3339_micros(merged.time_us)),
            ..EnvelopeFields::default()
        };
        let (file, kind) = (&merged.source.0, &merged.source.1);
        let lineage = Lineage { file, kind, sequence: key.sequence };
        let invalid = |error: RecordParseError| Err(RejectedEvent(error.reason));
        let mut parser = std::mem::take(&mut self.merged_parser);
        let appended = parser.parse(&merged.event_json(), |record| match record.as_event() {
            Some(event) => self.append(&event, workload_group(&event), &envelope, &lineage),
            None => Err(RejectedEvent("a merged event is not an object".to_owned())),
        });
        self.merged_parser = parser;
        let key = appended.unwrap_or_else(invalid)?;
        if let Some(copies) = merged.copies_json() {
            self.copies.push_bytes(row, copies.as_bytes());
        }
        Ok(key)
    }

    /// Adds a value to its column, or to `Extra` if the column cannot store it exactly. The first
    /// value goes into the column.
    fn append_value(&mut self, column: usize, row: usize, value: Value<'_>) {
        let builder = &mut self.builders[column];
        let is_free = builder.len() <= row;
        let stored = if is_free { builder.append(row, value) } else { Stored::Exact };
        if !is_free || !self.extra_members.is_empty() {
            self.track_duplicate_field(column, is_free);
        }
        if stored == Stored::Lossy {
            self.add_extra(columns()[column].name, value);
        }
    }

    /// Adds the members that have another name than their column, after those with the column's own
    /// name. So the own name counts wherever it is in the event, then a name in another case, then
    /// an alias.
    fn append_other_names(&mut self, members: &mut [OtherNameMember<'_>], row: usize) {
        if members.len() > 1 {
            members.sort_by_key(|member| {
                let own_name = columns()[member.column].name;
                (member.column, name_rank(member.name, own_name))
            });
        }
        for member in members {
            self.append_value(member.column, row, member.value);
        }
    }

    /// Returns the key of the id. If the event has no id, writes one to the column of the id.
    fn event_id_key(&mut self, event: &Event<'_>, envelope: &EnvelopeFields, row: usize) -> u128 {
        let text = match (event.id, &envelope.id) {
            (Some(Value::Text(text)), _) if !text.is_empty() => return id_key(text),
            (Some(Value::Int(number)), _) => return id_key(&number.to_string()),
            (Some(Value::Decimal(number)), _) => return id_key(number),
            (_, Some(text)) => text.clone(),
            (_, None) => {
                self.generated_ids += 1;
                content_id(event)
            }
        };
        let column = &mut self.builders[self.key_columns.id];
        column.truncate(row);
        column.append(row, Value::Text(&text));
        id_key(&text)
    }

    /// Adds values of the envelope that the event lacks. The column of the time always contains the
    /// time of the row, since that decides the partition.
    fn fill_from_envelope(&mut self, envelope: &EnvelopeFields, row: usize, time_us: i64) {
        if let ColumnBuilder::Ints(times) = &mut self.builders[self.key_columns.creation_time] {
            times.set(row, time_us);
        }
        let KeyColumns { operation, user_id, user_key, record_type, workload, .. } =
            self.key_columns;
        let texts = [
            (operation, &envelope.operation),
            (user_id, &envelope.user_id),
            (user_key, &envelope.user_key),
            (record_type, &envelope.record_type),
            (workload, &envelope.workload),
        ];
        for (column, text) in texts {
            let builder = &mut self.builders[column];
            if let (true, Some(text)) = (builder.len() <= row, text) {
                let stored = builder.append(row, Value::Text(text));
                let name = columns()[column].name;
                // A name of a record type is its number. An unknown name has none.
                if stored == Stored::Lossy
                    && builder.len() <= row
                    && self.extra_members.iter().all(|(known, _)| known != name)
                {
                    self.add_extra(name, Value::Text(text));
                }
            }
        }
    }

    /// Notes a column whose name already has a value, in the column or in `Extra`.
    fn track_duplicate_field(&mut self, column: usize, is_free: bool) {
        let name = columns()[column].name;
        let is_in_extra = || self.extra_members.iter().any(|(known, _)| known == name);
        if (!is_free || is_in_extra()) && !self.repeated_columns.contains(&column) {
            self.repeated_columns.push(column);
        }
    }

    /// Adds a member to `Extra`. The null of a typed column is left out, since it means the same as
    /// a missing member. The null of an unknown name is kept, because the name itself is
    /// information.
    pub(super) fn add_extra(&mut self, name: &str, value: Value<'_>) {
        if self.extra.is_some() {
            let mut text = Vec::new();
            json::write(value, &mut text);
            self.extra_members.push((name.to_owned(), text));
        }
    }

    /// Adds all values of a name that occurs several times to `Extra`, as they were written. There
    /// they replace the value of the column. Of several spellings, the best one becomes the name of
    /// the column, and the others stay.
    fn add_repeated_to_extra(&mut self, event: &Event<'_>) {
        for column in std::mem::take(&mut self.repeated_columns) {
            self.extra_members.retain(|(known, _)| column_index(known) != Some(column));
            let same = |known: &str| column_index(known) == Some(column);
            let values = event.object.members().filter(|(known, _)| same(known));
            let values = values.filter(|(_, value)| !matches!(value, Value::Null));
            let own_name = columns()[column].name;
            let best = values.clone().map(|(known, _)| name_rank(known, own_name)).min();
            for (known, value) in values {
                let is_best = best == Some(name_rank(known, own_name));
                self.add_extra(if is_best { own_name } else { known }, value);
            }
        }
    }

    fn finish_extra(&mut self, row: usize) {
        let Some(extra) = &mut self.extra else { return };
        if self.extra_members.is_empty() {
            return;
        }
        // Sorted by name, so that copies whose members differ in order have equal texts. The sort
        // is stable: the values of a name that occurs several times stay in their order.
        self.extra_members.sort_by(|(one, _), (other, _)| {
            (canonical_name(one), one).cmp(&(canonical_name(other), other))
        });
        let mut object = vec![b'{'];
        for (number, (name, value)) in self.extra_members.drain(..).enumerate() {
            if number > 0 {
                object.push(b',');
            }
            json::write_text(&name, &mut object);
            object.push(b':');
            object.extend_from_slice(&value);
        }
        object.push(b'}');
        extra.push_bytes(row, &object);
    }

    /// Ends the batch and starts the next one.
    ///
    /// # Errors
    ///
    /// [`BatchError::Array`] if a column cannot become an Arrow array.
    pub fn finish(&mut self) -> Result<EventBatch, BatchError> {
        let keys = std::mem::take(&mut self.keys);
        let rows = keys.len();
        let mut batch = Vec::with_capacity(self.builders.len() + 4);
        for (column, builder) in columns().iter().zip(&mut self.builders) {
            batch.push(named(column.name, builder.finish(rows))?);
        }
        batch.push(match &mut self.extra {
            Some(extra) => named(schema::EXTRA, extra.finish(rows))?,
            None => None,
        });
        batch.push(named(schema::SOURCE_FILE, self.source_file.finish(rows))?);
        batch.push(named(schema::SOURCE_KIND, self.source_kind.finish(rows))?);
        batch.push(named(schema::COPIES, self.copies.finish(rows))?);
        Ok(EventBatch { columns: batch, keys })
    }
}

/// A member of an event that belongs to a column of another name.
struct OtherNameMember<'e> {
    column: usize,
    name: &'e str,
    value: Value<'e>,
}

/// Returns the memory of a list of members for the members of another event.
#[expect(clippy::unnecessary_filter_map, reason = "the lists differ in their lifetime")]
fn without_members<'e>(members: Vec<OtherNameMember<'_>>) -> Vec<OtherNameMember<'e>> {
    members.into_iter().filter_map(|_| None).collect()
}

/// Adds the name of the column to an error of Arrow.
fn named<T>(column: &str, array: Result<T, ArrowError>) -> Result<T, BatchError> {
    array.map_err(|source| BatchError::Array { column: column.to_owned(), source })
}

/// Returns the name of the column of a member; the name itself if it has no column.
fn canonical_name(name: &str) -> &str {
    column_index(name).map_or(name, |column| columns()[column].name)
}

/// Returns a stable id for an event without one, from its members in sorted order.
fn content_id(event: &Event<'_>) -> String {
    let mut members: Vec<(String, Vec<u8>)> = event
        .object
        .members()
        .map(|(name, value)| {
            let mut text = Vec::new();
            json::write(value, &mut text);
            (name.to_ascii_lowercase(), text)
        })
        .collect();
    members.sort();
    let mut content = Vec::new();
    for (name, value) in members {
        json::write_text(&name, &mut content);
        content.extend_from_slice(&value);
    }
    format!("content-{:032x}", xxhash_rust::xxh3::xxh3_128(&content))
}
