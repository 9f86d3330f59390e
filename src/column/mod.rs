//! Events to columns: one builder for each typed column, and a batch of Arrow arrays at the end.
//!
//! Owns: which value goes into which column and in which normal form, what goes to `Extra`
//! because no column holds it exactly, the key of each event, and the arrays. Pure functions of
//! parsed events: it knows no files, no Parquet, no JSON text, and starts no threads.
//!
//! The law that everything here serves: an event is its typed columns, overlaid by `Extra`.
//! A column may hold a value in a documented normal form (ids and user names in lower case,
//! instants in UTC); whatever else it cannot hold exactly is in `Extra` under the same name.

mod derived;
mod extra_fields;
mod field_lookup;
mod fingerprint;
mod nested;
mod rewrite;
mod scalar;
mod schema;
mod text;
mod text_dictionary;
mod to_json;

use std::collections::HashSet;

use arrow::array::ArrayRef;

use crate::record::csv::EnvelopeFields;
use crate::record::{Event, Parser, Value, json, time};
use crate::schema::{ColumnType, WorkloadGroup, columns};
use field_lookup::{FieldLookup, FieldTarget};
use nested::NestedColumn;
use scalar::{BoolColumn, IntColumn};
use text::{DictionaryColumn, PlainTextColumn};

pub use derived::non_content_columns;
pub use extra_fields::{EXTRA_FIELD_COLUMNS, ExtraFieldCollector, ExtraFieldStats};
pub use fingerprint::{fingerprint, fingerprints};
pub use rewrite::{ColumnTextRewrite, rewrite_texts};
use schema::COLUMN_INDEX;
pub use schema::{arrow_field, arrow_schema};
pub use text::stored_id_key;
pub use text_dictionary::TextDictionary;
pub use to_json::{EventWriter, RowError};

/// What identifies an event and decides between its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKey {
    /// The id in two halves: one number of 128 bits would be aligned to 16 bytes, and a key, of
    /// which there is one in memory for each event of a load, would take 48 instead of 40.
    halves: [u64; 2],
    /// `CreationTime` in microseconds since 1970 (UTC).
    pub time_us: i64,
    /// Where the event stands in the archive, sources in sorted order: ties go to the first.
    pub sequence: u64,
    /// How many members with a value the event had: the richest copy of an event wins.
    pub field_count: u16,
}

impl EventKey {
    /// The key of an event by its id ([`Key::id`]) and its time; all else is to be set.
    pub fn new(id: u128, time_us: i64) -> Self {
        EventKey { halves: [(id >> 64) as u64, id as u64], time_us, sequence: 0, field_count: 0 }
    }

    /// The `Id`: its 128 bits where it is a GUID, a hash of its text where not.
    pub fn id(&self) -> u128 {
        u128::from(self.halves[0]) << 64 | u128::from(self.halves[1])
    }
}

/// Events as columns.
#[derive(Debug, Clone, Default)]
pub struct EventBatch {
    /// One array for each field of [`arrow_schema`], text columns as dictionaries ([`Numbered`]);
    /// `None` where no event of the batch has a value.
    pub columns: Vec<Option<ArrayRef>>,
    /// The key of each row.
    pub keys: Vec<EventKey>,
}

/// Where an event comes from.
#[derive(Debug, Clone, Copy)]
pub struct Lineage<'a> {
    /// The source's name.
    pub file: &'a str,
    /// The source's shape.
    pub kind: &'a str,
    /// The event's place in the archive.
    pub sequence: u64,
}

/// Why an event has no place in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEvent(pub String);

/// Which columns are built.
#[derive(Debug, Clone, Default)]
pub enum Projection {
    /// All of them.
    #[default]
    All,
    /// Those with these names only; `Extra` is not built unless it is named.
    Only(HashSet<String>),
}

impl Projection {
    fn includes(&self, name: &str) -> bool {
        match self {
            Projection::All => true,
            Projection::Only(names) => names.contains(name),
        }
    }
}

/// One column under construction.
enum ColumnBuilder {
    Dictionary(DictionaryColumn),
    Plain(PlainTextColumn),
    Ints(IntColumn),
    Bools(BoolColumn),
    Nested(NestedColumn),
    /// Not asked for.
    Absent,
}

/// How well a value fits its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// The column holds it, in its normal form.
    Exact,
    /// The column holds what it can, or nothing: the original belongs into `Extra`.
    Lossy,
}

/// Builds batches of events.
pub struct BatchBuilder {
    builders: Vec<ColumnBuilder>,
    field_lookup: FieldLookup,
    extra: Option<PlainTextColumn>,
    extra_members: Vec<(String, Vec<u8>)>,
    /// Columns whose name occurs more than once in the present event.
    repeated_columns: Vec<usize>,
    /// For texts inside of events that are JSON.
    inner_parser: Parser,
    source_file: ColumnBuilder,
    source_kind: ColumnBuilder,
    keys: Vec<EventKey>,
    generated_ids: u64,
}

impl BatchBuilder {
    /// A builder for the columns of a projection.
    pub fn new(projection: &Projection) -> Self {
        let builder = |name: &str, make: &dyn Fn() -> ColumnBuilder| {
            if projection.includes(name) { make() } else { ColumnBuilder::Absent }
        };
        let lineage =
            || ColumnBuilder::Dictionary(DictionaryColumn::new(text::Normalization::AsIs));
        BatchBuilder {
            builders: columns()
                .iter()
                .map(|c| builder(c.name, &|| ColumnBuilder::new(c)))
                .collect(),
            field_lookup: FieldLookup::default(),
            extra: projection
                .includes(crate::schema::EXTRA)
                .then(|| PlainTextColumn::new(text::Normalization::AsIs)),
            extra_members: Vec::new(),
            repeated_columns: Vec::new(),
            inner_parser: Parser::default(),
            source_file: builder(crate::schema::SOURCE_FILE, &lineage),
            source_kind: builder(crate::schema::SOURCE_KIND, &lineage),
            keys: Vec::new(),
            generated_ids: 0,
        }
    }

    /// How many events are in the batch so far.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many events came without an id since the builder was made.
    pub fn generated_ids(&self) -> u64 {
        self.generated_ids
    }

    /// Adds an event that is about something. `outer` fills in what it does not say itself.
    ///
    /// # Errors
    ///
    /// [`Unusable`] where the event has no time, so that it belongs to no partition.
    pub fn append(
        &mut self,
        event: &Event<'_>,
        about: WorkloadGroup,
        outer: &EnvelopeFields,
        lineage: &Lineage<'_>,
    ) -> Result<&EventKey, RejectedEvent> {
        let row = self.keys.len();
        let time_us = event_time(event, outer)?;
        let mut richness = 0_u16;
        let mut previous = field_lookup::START;
        for (name, value) in event.object.members() {
            previous = self.field_lookup.find(previous, name);
            let has_value = !matches!(value, Value::Null);
            richness = richness.saturating_add(u16::from(has_value));
            let column = match self.field_lookup.target(previous) {
                FieldTarget::Column(column) => usize::from(column),
                FieldTarget::Unknown => {
                    self.add_extra(name, value);
                    continue;
                }
            };
            // A null in a typed field is the same as its absence.
            if !has_value {
                continue;
            }
            let builder = &mut self.builders[column];
            let is_free = builder.len() <= row;
            // The first value that fits has the column.
            let fit = if is_free { builder.append(row, value) } else { Stored::Exact };
            if !is_free || !self.extra_members.is_empty() {
                self.track_duplicate_field(column, is_free);
            }
            if fit == Stored::Lossy {
                self.add_extra(columns()[column].name, value);
            }
        }
        if self.builders[COLUMN_INDEX.creation_time].has_other_number(row, time_us) {
            self.repeated_columns.push(COLUMN_INDEX.creation_time);
        }
        self.add_repeated_to_extra(event);
        let id = self.event_id_key(event, outer, row);
        self.fill_from_envelope(outer, row, time_us);
        self.append_derived(event, about, row);
        self.finish_extra(row);
        self.source_file.append(row, Value::Text(lineage.file));
        self.source_kind.append(row, Value::Text(lineage.kind));
        self.keys.push(EventKey {
            field_count: richness,
            sequence: lineage.sequence,
            ..EventKey::new(id, time_us)
        });
        self.keys.last().ok_or_else(|| RejectedEvent("an event without a key".to_owned()))
    }

    /// The key of the id, which is put into its column where the event has none.
    fn event_id_key(&mut self, event: &Event<'_>, outer: &EnvelopeFields, row: usize) -> u128 {
        let text = match (event.id, &outer.id) {
            (Some(Value::Text(text)), _) if !text.is_empty() => return text::id_key(text),
            (Some(Value::Int(number)), _) => return text::id_key(&number.to_string()),
            (Some(Value::Decimal(number)), _) => return text::id_key(number),
            (_, Some(text)) => text.clone(),
            (_, None) => {
                self.generated_ids += 1;
                content_id(event)
            }
        };
        let column = &mut self.builders[COLUMN_INDEX.id];
        column.truncate(row);
        column.append(row, Value::Text(&text));
        text::id_key(&text)
    }

    /// Takes from the wrapping what the event itself lacks. The column of the time always holds
    /// the time that the row has, which is its place in the table.
    fn fill_from_envelope(&mut self, outer: &EnvelopeFields, row: usize, time_us: i64) {
        if let ColumnBuilder::Ints(times) = &mut self.builders[COLUMN_INDEX.creation_time] {
            times.set(row, time_us);
        }
        let texts =
            [(COLUMN_INDEX.operation, &outer.operation), (COLUMN_INDEX.user_id, &outer.user_id)];
        for (column, text) in texts {
            if let (true, Some(text)) = (self.builders[column].len() <= row, text) {
                self.builders[column].append(row, Value::Text(text));
            }
        }
    }

    /// Remembers a column whose name has a value before this one: in the column, or in `Extra`.
    fn track_duplicate_field(&mut self, column: usize, is_free: bool) {
        let name = columns()[column].name;
        let is_kept = || self.extra_members.iter().any(|(known, _)| known == name);
        if (!is_free || is_kept()) && !self.repeated_columns.contains(&column) {
            self.repeated_columns.push(column);
        }
    }

    /// Keeps a member in `Extra`. A typed column's null says no more than its absence and is left
    /// out; a null under an unknown name is kept, because the name itself is news.
    fn add_extra(&mut self, name: &str, value: Value<'_>) {
        if self.extra.is_some() {
            let mut text = Vec::new();
            json::write(value, &mut text);
            self.extra_members.push((name.to_owned(), text));
        }
    }

    /// A name that occurs several times, perhaps in several spellings, has all its values in
    /// `Extra`, as they were written: there they stand for the column, whatever it holds.
    fn add_repeated_to_extra(&mut self, event: &Event<'_>) {
        for column in std::mem::take(&mut self.repeated_columns) {
            let name = columns()[column].name;
            self.extra_members
                .retain(|(known, _)| crate::schema::column_index(known) != Some(column));
            let same = |known: &str| crate::schema::column_index(known) == Some(column);
            let values = event.object.members().filter(|(known, _)| same(known));
            for (known, value) in values.filter(|(_, value)| !matches!(value, Value::Null)) {
                // The two spellings of a workspace's name are one name, and the column's.
                let known = if known.eq_ignore_ascii_case(name) { known } else { name };
                self.add_extra(known, value);
            }
        }
    }

    fn finish_extra(&mut self, row: usize) {
        let Some(extra) = &mut self.extra else { return };
        if self.extra_members.is_empty() {
            return;
        }
        // Sorted, so that two copies with the same members in another order are the same text; but
        // of a name that occurs several times, in whatever spelling, the first is what counts.
        self.extra_members
            .sort_by(|(one, _), (other, _)| canonical_name(one).cmp(canonical_name(other)));
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

    /// Ends the batch and begins the next.
    pub fn finish(&mut self) -> EventBatch {
        let keys = std::mem::take(&mut self.keys);
        let rows = keys.len();
        let mut columns: Vec<_> = self.builders.iter_mut().map(|b| b.finish(rows)).collect();
        columns.push(self.extra.as_mut().and_then(|extra| extra.finish(rows)));
        columns.push(self.source_file.finish(rows));
        columns.push(self.source_kind.finish(rows));
        EventBatch { columns, keys }
    }
}

/// The name that a member counts by: that of its column, whatever its own spelling.
fn canonical_name(name: &str) -> &str {
    crate::schema::column_index(name).map_or(name, |column| columns()[column].name)
}

impl ColumnBuilder {
    fn new(column: &crate::schema::ColumnDefinition) -> Self {
        use crate::schema::ColumnEncoding;
        let normal = match column.ty {
            ColumnType::Id => text::Normalization::Id,
            ColumnType::User => text::Normalization::User,
            ColumnType::Ip => text::Normalization::Ip,
            _ => text::Normalization::AsIs,
        };
        match (&column.ty, column.encoding) {
            (ColumnType::Int, _) => ColumnBuilder::Ints(IntColumn::new(scalar::IntKind::Int)),
            (ColumnType::Time, _) => ColumnBuilder::Ints(IntColumn::new(scalar::IntKind::Time)),
            (ColumnType::RecordType, _) => {
                ColumnBuilder::Ints(IntColumn::new(scalar::IntKind::RecordType))
            }
            (ColumnType::UserType, _) => {
                ColumnBuilder::Ints(IntColumn::new(scalar::IntKind::UserType))
            }
            (ColumnType::Bool, _) => ColumnBuilder::Bools(BoolColumn::default()),
            (ColumnType::List(_) | ColumnType::Struct(_), _) => {
                ColumnBuilder::Nested(NestedColumn::new(&column.ty))
            }
            (_, ColumnEncoding::Unique) => ColumnBuilder::Plain(PlainTextColumn::new(normal)),
            (_, _) => ColumnBuilder::Dictionary(DictionaryColumn::new(normal)),
        }
    }

    fn append(&mut self, row: usize, value: Value<'_>) -> Stored {
        if matches!(value, Value::Null) {
            return Stored::Exact;
        }
        match self {
            ColumnBuilder::Dictionary(column) => column.append(row, value),
            ColumnBuilder::Plain(column) => column.append(row, value),
            ColumnBuilder::Ints(column) => column.append(row, value),
            ColumnBuilder::Bools(column) => column.append(row, value),
            ColumnBuilder::Nested(column) => column.append_at(row, value),
            ColumnBuilder::Absent => Stored::Exact,
        }
    }

    fn len(&self) -> usize {
        match self {
            ColumnBuilder::Dictionary(column) => column.len(),
            ColumnBuilder::Plain(column) => column.len(),
            ColumnBuilder::Ints(column) => column.len(),
            ColumnBuilder::Bools(column) => column.len(),
            ColumnBuilder::Nested(column) => column.len(),
            ColumnBuilder::Absent => 0,
        }
    }

    /// Whether a column of numbers has one at `row`, and not this one.
    fn has_other_number(&self, row: usize, number: i64) -> bool {
        match self {
            ColumnBuilder::Ints(column) => column.get(row).is_some_and(|held| held != number),
            _ => false,
        }
    }

    /// Takes back what was appended at `row` or behind it; needed for the id alone.
    fn truncate(&mut self, row: usize) {
        if let ColumnBuilder::Plain(column) = self {
            column.truncate(row);
        }
    }

    fn finish(&mut self, rows: usize) -> Option<ArrayRef> {
        match self {
            ColumnBuilder::Dictionary(column) => column.finish(rows),
            ColumnBuilder::Plain(column) => column.finish(rows),
            ColumnBuilder::Ints(column) => column.finish(rows),
            ColumnBuilder::Bools(column) => column.finish(rows),
            ColumnBuilder::Nested(column) => column.finish_column(rows),
            ColumnBuilder::Absent => None,
        }
    }
}

/// The years 2000 to 2099 in microseconds since 1970: `0001-01-01`, which .NET writes where a time
/// is missing, is no time of an event, and one such day would make every archive 2,000 years long.
const PLAUSIBLE_US: std::ops::Range<i64> = 946_684_800_000_000..4_102_444_800_000_000;

fn event_time(event: &Event<'_>, outer: &EnvelopeFields) -> Result<i64, RejectedEvent> {
    let inner = match event.creation_time {
        Some(Value::Text(text)) => time::parse(text),
        _ => None,
    };
    // A date in the words of a culture may be read in two ways: it stands in for no time at all,
    // not for one that cannot be read.
    let outside = || {
        let text = outer.creation_time.as_deref()?;
        match event.creation_time {
            None | Some(Value::Null) => time::parse_localized(text),
            Some(_) => time::parse(text),
        }
    };
    let instant = inner.or_else(outside).filter(|instant| PLAUSIBLE_US.contains(&instant.epoch_us));
    instant.map(|instant| instant.epoch_us).ok_or_else(|| {
        RejectedEvent(match event.creation_time {
            None | Some(Value::Null) => {
                "an event without CreationTime belongs to no day".to_owned()
            }
            Some(value) => {
                let mut found = Vec::new();
                json::write(value, &mut found);
                found.truncate(80);
                format!(
                    "CreationTime: a time such as 2024-03-01T08:15:30, between 2000 and 2100, was \
                     expected, found {}",
                    String::from_utf8_lossy(&found)
                )
            }
        })
    })
}

/// A stable id for an event that has none, from its members in sorted order.
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

#[cfg(test)]
mod tests;
