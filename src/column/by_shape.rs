//! Adds records to a batch by their shape, without a tape.

use super::batch::Lineage;
use super::builder::BatchBuilder;
use super::event_key::EventKey;
use super::field_lookup::FieldTarget;
use super::shape::{ShapeField, ShapeReader, ShapeValue};
use super::shape_event::{EventFacts, ShapeAppender};
use super::stored::Stored;
use super::text::id_key;
use crate::record::Value;
use crate::schema::{WorkloadGroup, columns};

impl BatchBuilder {
    /// Adds the event in a range of a text if records with its shape occurred before. Returns its
    /// group and its time. `None` if nothing is added: the record must be parsed.
    ///
    /// The result is that of [`BatchBuilder::append`] with the parsed record.
    pub fn append_by_shape(
        &mut self,
        text: &[u8],
        (start, end): (usize, usize),
        lineage: &Lineage<'_>,
    ) -> Option<(WorkloadGroup, i64)> {
        let record = std::str::from_utf8(text.get(start..end)?).ok()?;
        let mut shapes = self.shapes.take()?;
        let mut added = None;
        if shapes.reader.is_tried() {
            if shapes.reader.read(text, start, end) {
                added = self.append_read(&mut shapes, record, lineage);
            }
            shapes.reader.count_tried(added.is_some());
        }
        self.shapes = Some(shapes);
        added
    }

    fn append_read(
        &mut self,
        shapes: &mut ShapeAppender,
        record: &str,
        lineage: &Lineage<'_>,
    ) -> Option<(WorkloadGroup, i64)> {
        let EventFacts { id, time_us, group } = shapes.facts(record)?;
        let row = self.len();
        let ShapeAppender { reader, parser, .. } = shapes;
        match reader.list() {
            (_, 0) => self.append_values(reader, record, row, std::iter::empty()),
            (list, len) => {
                let parsed = parser.parse(list, |list| match list.root() {
                    Value::List(list) if list.len() == len => {
                        self.append_values(reader, record, row, list.items());
                        Some(())
                    }
                    _ => None,
                });
                parsed.ok().flatten()?;
            }
        }
        let mut key = EventKey::new(id_key(id), time_us);
        key.sequence = lineage.sequence;
        self.append_group(group, row);
        self.finish_row(row, key, lineage);
        Some((group, time_us))
    }

    /// Adds the values of a record. `parsed` are those that were parsed, in their order.
    fn append_values<'v>(
        &mut self,
        reader: &ShapeReader,
        record: &'v str,
        row: usize,
        mut parsed: impl Iterator<Item = Value<'v>>,
    ) {
        for (field, value) in reader.values() {
            let value = match value {
                ShapeValue::Null => Value::Null,
                ShapeValue::Bool(value) => Value::Bool(value),
                ShapeValue::Int(number) => Value::Int(number),
                ShapeValue::Text(start, end) => {
                    Value::Text(record.get(start as usize..end as usize).unwrap_or_default())
                }
                ShapeValue::Parsed => parsed.next().unwrap_or(Value::Null),
            };
            if !field.is_skipped {
                self.append_member(field, row, value);
            }
        }
    }

    /// Adds a member whose name occurs once in the record.
    #[inline(always)]
    fn append_member(&mut self, field: &ShapeField, row: usize, value: Value<'_>) {
        let column = match field.target {
            FieldTarget::Unknown => return self.add_extra(&field.name, value),
            FieldTarget::Column(column) | FieldTarget::OtherName(column) => usize::from(column),
        };
        // A null in a typed field means the same as a missing field.
        if !matches!(value, Value::Null)
            && self.append_to_column(column, row, value) == Stored::Lossy
        {
            self.add_extra(columns()[column].name, value);
        }
    }
}

#[cfg(test)]
#[path = "by_shape_tests.rs"]
mod tests;
