//! Writes rows as events in JSON, which is the inverse of the column builders.
//!
//! An event is the values of its typed columns, overlaid by `Extra`: a member of `Extra` replaces
//! the column of its name. Derived columns are not part of the event.

use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::schema::arrow_schema;
use crate::column::text_dictionary::TextDictionary;
use crate::record::{Parser, Value, json, time};
use crate::schema::{column_index, columns};

/// A row that cannot be written as an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The row.
    pub row: usize,
    /// The expected and the found value.
    pub reason: String,
}

/// Writes rows as events in JSON.
pub struct EventWriter {
    parser: Parser,
    /// For each column of the table, its name as a JSON string followed by a colon.
    names: Vec<Vec<u8>>,
    /// True for columns that `Extra` replaces in the current row.
    overlaid: Vec<bool>,
    with_lineage: bool,
}

impl EventWriter {
    /// Creates a writer that adds the lineage of events if `with_lineage` is true.
    pub fn new(with_lineage: bool) -> Self {
        let name = |name: &str| {
            let mut text = Vec::new();
            json::write_text(name, &mut text);
            text.push(b':');
            text
        };
        EventWriter {
            parser: Parser::default(),
            names: arrow_schema().fields().iter().map(|field| name(field.name())).collect(),
            overlaid: vec![false; columns().len()],
            with_lineage,
        }
    }

    /// Appends the events of a range of rows, one per line. `page` has one array for each field of
    /// [`arrow_schema`], or `None` if all values are null.
    ///
    /// # Errors
    ///
    /// [`RowError`] if an array has another type than its field, or `Extra` is not a JSON object.
    /// The rows before the error are appended.
    pub fn append(
        &mut self,
        page: &[Option<ArrayRef>],
        rows: Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<(), RowError> {
        self.append_each(page, rows, out, |out| out.push(b'\n'))
    }

    /// Appends the events of some rows, and calls `done` after each of them.
    ///
    /// # Errors
    ///
    /// As [`EventWriter::append`].
    pub(super) fn append_each(
        &mut self,
        page: &[Option<ArrayRef>],
        mut rows: impl Iterator<Item = usize>,
        out: &mut Vec<u8>,
        mut done: impl FnMut(&mut Vec<u8>),
    ) -> Result<(), RowError> {
        let Some(first) = rows.next() else { return Ok(()) };
        let rows = std::iter::once(first).chain(rows);
        let own = columns().len();
        let cells = |number: usize| {
            page.get(number).and_then(Option::as_deref).map(ColumnValues::from_array)
        };
        let typed: Vec<(usize, ColumnValues<'_>)> = (0..own)
            .filter(|&number| !columns()[number].is_derived())
            .filter_map(|number| cells(number).map(|cells| (number, cells)))
            .collect();
        let lineage: Vec<(usize, ColumnValues<'_>)> = (own + 1..own + 3)
            .filter(|_| self.with_lineage)
            .filter_map(|number| cells(number).map(|cells| (number, cells)))
            .collect();
        let extra = cells(own);
        let all = typed.iter().chain(&lineage).map(|(number, cells)| (*number, cells));
        let mut all = all.chain(extra.iter().map(|cells| (own, cells)));
        if let Some((number, _)) = all.find(|(_, cells)| cells.is_unsupported()) {
            let schema = arrow_schema();
            let (name, ty) = (schema.field(number).name(), schema.field(number).data_type());
            let reason = format!("the type of column {name} is not {ty}");
            return Err(RowError { row: first, reason });
        }
        for row in rows {
            let start = out.len();
            out.push(b'{');
            match extra.as_ref().and_then(|extra| extra.text(row)) {
                None => self.write_members(&typed, row, out),
                Some(extra) => {
                    self.write_with_extra(extra, &typed, row, out).map_err(|reason| {
                        out.truncate(start);
                        RowError { row, reason }
                    })?
                }
            }
            self.write_members(&lineage, row, out);
            if out.last() == Some(&b',') {
                out.pop();
            }
            out.push(b'}');
            done(out);
        }
        Ok(())
    }

    /// Appends the values of columns at a row, except those that `Extra` replaces. A comma follows
    /// every member.
    fn write_members(&self, cells: &[(usize, ColumnValues<'_>)], row: usize, out: &mut Vec<u8>) {
        for (number, cells) in cells {
            if !cells.is_null(row) && !self.overlaid.get(*number).copied().unwrap_or(false) {
                out.extend_from_slice(&self.names[*number]);
                cells.write(row, out);
                out.push(b',');
            }
        }
    }

    /// Appends the values of columns at a row, overlaid by its `Extra`.
    fn write_with_extra(
        &mut self,
        extra: &str,
        typed: &[(usize, ColumnValues<'_>)],
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let no_object = |found: &str| format!("Extra is not a JSON object: {found}");
        let mut parser = std::mem::take(&mut self.parser);
        let parsed = parser.parse(extra.as_bytes(), |record| {
            let Value::Object(object) = record.root() else {
                return Err(no_object("found another value"));
            };
            let replaced: Vec<usize> =
                object.members().filter_map(|(name, _)| column_index(name)).collect();
            replaced.iter().for_each(|&number| self.overlaid[number] = true);
            self.write_members(typed, row, out);
            replaced.iter().for_each(|&number| self.overlaid[number] = false);
            for (name, value) in object.members() {
                json::write_text(name, out);
                out.push(b':');
                json::write(value, out);
                out.push(b',');
            }
            Ok(())
        });
        self.parser = parser;
        parsed.unwrap_or_else(|error| Err(no_object(&error.reason)))
    }
}

/// Returns the text of a column at a row; `None` if it is null or no text.
pub(super) fn text_at(column: &dyn Array, row: usize) -> Option<&str> {
    ColumnValues::from_array(column).text(row)
}

/// The values of one column.
enum ColumnValues<'p> {
    Dictionary(TextDictionary<'p>),
    Text(&'p StringArray),
    Int(&'p Int64Array),
    Time(&'p TimestampMicrosecondArray),
    Bool(&'p BooleanArray),
    List(&'p ListArray, Box<ColumnValues<'p>>),
    Struct(&'p StructArray, Vec<(Vec<u8>, ColumnValues<'p>)>),
    /// A type that no column of the table has.
    Unsupported,
}

impl<'p> ColumnValues<'p> {
    fn from_array(array: &'p dyn Array) -> Self {
        let any = array.as_any();
        if let Some(texts) = TextDictionary::from_array(array) {
            ColumnValues::Dictionary(texts)
        } else if let Some(array) = any.downcast_ref::<StringArray>() {
            ColumnValues::Text(array)
        } else if let Some(array) = array.as_primitive_opt::<Int64Type>() {
            ColumnValues::Int(array)
        } else if let Some(array) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            ColumnValues::Time(array)
        } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
            ColumnValues::Bool(array)
        } else if let Some(array) = any.downcast_ref::<ListArray>() {
            match ColumnValues::from_array(array.values().as_ref()) {
                ColumnValues::Unsupported => ColumnValues::Unsupported,
                items => ColumnValues::List(array, Box::new(items)),
            }
        } else if let Some(array) = any.downcast_ref::<StructArray>() {
            let members = array.fields().iter().zip(array.columns()).map(|(field, member)| {
                let mut name = Vec::new();
                json::write_text(field.name(), &mut name);
                name.push(b':');
                (name, ColumnValues::from_array(member.as_ref()))
            });
            let members: Vec<_> = members.collect();
            if members.iter().any(|(_, cells)| cells.is_unsupported()) {
                return ColumnValues::Unsupported;
            }
            ColumnValues::Struct(array, members)
        } else {
            ColumnValues::Unsupported
        }
    }

    fn is_unsupported(&self) -> bool {
        matches!(self, ColumnValues::Unsupported)
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            ColumnValues::Dictionary(texts) => texts.key(row).is_none(),
            ColumnValues::Text(array) => array.is_null(row),
            ColumnValues::Int(array) => array.is_null(row),
            ColumnValues::Time(array) => array.is_null(row),
            ColumnValues::Bool(array) => array.is_null(row),
            ColumnValues::List(array, _) => array.is_null(row),
            ColumnValues::Struct(array, _) => array.is_null(row),
            ColumnValues::Unsupported => true,
        }
    }

    fn text(&self, row: usize) -> Option<&'p str> {
        match self {
            _ if self.is_null(row) => None,
            ColumnValues::Dictionary(texts) => texts.text(row),
            ColumnValues::Text(array) => Some(array.value(row)),
            _ => None,
        }
    }

    /// Appends the value at a row. It can be null only in a list.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            ColumnValues::Dictionary(_) | ColumnValues::Text(_) => {
                json::write_text(self.text(row).unwrap_or_default(), out);
            }
            ColumnValues::Int(array) => json::write(Value::Int(array.value(row)), out),
            ColumnValues::Time(array) => {
                json::write_text(&time::to_rfc3339(array.value(row)), out);
            }
            ColumnValues::Bool(array) => json::write(Value::Bool(array.value(row)), out),
            ColumnValues::List(array, items) => {
                let [start, end] = [row, row + 1].map(|at| array.value_offsets()[at] as usize);
                out.push(b'[');
                for item in start..end {
                    if item > start {
                        out.push(b',');
                    }
                    items.write(item, out);
                }
                out.push(b']');
            }
            ColumnValues::Struct(_, members) => {
                out.push(b'{');
                for (name, cells) in members.iter().filter(|(_, cells)| !cells.is_null(row)) {
                    out.extend_from_slice(name);
                    cells.write(row, out);
                    out.push(b',');
                }
                if out.last() == Some(&b',') {
                    out.pop();
                }
                out.push(b'}');
            }
            ColumnValues::Unsupported => {}
        }
    }
}
