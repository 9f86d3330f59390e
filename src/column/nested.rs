//! Builds columns of lists and objects.
//!
//! A column stores as much of a nested value as its type has members for. If the value has more (an
//! unknown member, a value of another type), the caller also keeps the whole value in `Extra`.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Field;
use arrow::error::ArrowError;

use super::scalar::{BoolColumn, IntColumn, IntKind};
use super::schema::{data_type, struct_fields};
use super::stored::Stored;
use super::text::{Normalization, PlainTextColumn};
use crate::record::{List, Object, Parser, Value};
use crate::schema::ColumnType;

/// A nested column, or a member or the items of one.
pub(super) struct NestedColumn {
    node: NestedNode,
    valid: Vec<bool>,
}

enum NestedNode {
    Text(PlainTextColumn),
    Ints(IntColumn),
    Bools(BoolColumn),
    List { offsets: Vec<i32>, item: Box<NestedColumn>, ty: ColumnType },
    Struct { members: Vec<NestedColumn>, ty: Vec<(&'static str, ColumnType)> },
}

impl NestedColumn {
    pub(super) fn new(ty: &ColumnType) -> Self {
        let node = match ty {
            ColumnType::List(item) => NestedNode::List {
                offsets: vec![0],
                item: Box::new(NestedColumn::new(item)),
                ty: (**item).clone(),
            },
            ColumnType::Struct(members) => NestedNode::Struct {
                members: members.iter().map(|(_, ty)| NestedColumn::new(ty)).collect(),
                ty: members.clone(),
            },
            ColumnType::Int | ColumnType::RecordType | ColumnType::UserType => {
                NestedNode::Ints(IntColumn::new(IntKind::Int))
            }
            ColumnType::Time => NestedNode::Ints(IntColumn::new(IntKind::Time)),
            ColumnType::Bool => NestedNode::Bools(BoolColumn::default()),
            ColumnType::Id => NestedNode::Text(PlainTextColumn::new(Normalization::Id)),
            ColumnType::User => NestedNode::Text(PlainTextColumn::new(Normalization::User)),
            ColumnType::Text | ColumnType::Ip => {
                NestedNode::Text(PlainTextColumn::new(Normalization::AsIs))
            }
        };
        NestedColumn { node, valid: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Appends a value at a row. The rows before it that have no value become null.
    pub(super) fn append_at(&mut self, row: usize, value: Value<'_>) -> Stored {
        self.pad(row);
        self.append(value)
    }

    /// Appends nulls until the column has `rows` rows.
    fn pad(&mut self, rows: usize) {
        if self.len() >= rows {
            return;
        }
        self.valid.resize(rows, false);
        match &mut self.node {
            // Leaves are padded by their next `append` or `finish`.
            NestedNode::Text(_) | NestedNode::Ints(_) | NestedNode::Bools(_) => {}
            NestedNode::List { offsets, .. } => {
                let end = offsets.last().copied().unwrap_or(0);
                offsets.resize(rows + 1, end);
            }
            NestedNode::Struct { members, .. } => {
                members.iter_mut().for_each(|member| member.pad(rows));
            }
        }
    }

    fn append_null(&mut self) {
        self.pad(self.len() + 1);
    }

    fn append(&mut self, value: Value<'_>) -> Stored {
        let row = self.valid.len();
        let stored = match (&mut self.node, value) {
            (_, Value::Null) => {
                self.append_null();
                return Stored::Exact;
            }
            (NestedNode::Text(leaf), value) => {
                let stored = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return stored;
            }
            (NestedNode::Ints(leaf), value) => {
                let stored = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return stored;
            }
            (NestedNode::Bools(leaf), value) => {
                let stored = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return stored;
            }
            (NestedNode::List { offsets, item, .. }, value) => match append_items(item, value) {
                Some(stored) => {
                    offsets.push(item.len() as i32);
                    stored
                }
                None => {
                    self.append_null();
                    return Stored::Lossy;
                }
            },
            (NestedNode::Struct { members, ty }, Value::Object(object)) => {
                append_members(members, ty, row, object)
            }
            (NestedNode::Struct { .. }, Value::Text(text)) => {
                with_inner_json(text, |inner| {
                    if matches!(inner, Value::Object(_)) {
                        self.append(inner);
                    }
                });
                // Any other text has nothing that the column can store.
                if self.len() == row {
                    self.append_null();
                }
                return Stored::Lossy;
            }
            (NestedNode::Struct { .. }, _) => {
                self.append_null();
                return Stored::Lossy;
            }
        };
        self.valid.push(true);
        stored
    }

    /// Returns the column of `rows` rows; `Ok(None)` if all rows are null.
    ///
    /// # Errors
    ///
    /// [`ArrowError`] if the column is larger than an Arrow array can be.
    pub(super) fn finish_column(&mut self, rows: usize) -> Result<Option<ArrayRef>, ArrowError> {
        if self.valid.is_empty() {
            return Ok(None);
        }
        self.pad(rows);
        self.finish().map(Some)
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let valid = std::mem::take(&mut self.valid);
        let rows = valid.len();
        let nulls = || Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
        match &mut self.node {
            NestedNode::Text(leaf) => Ok(or_nulls(leaf.finish(rows)?, &ColumnType::Text, rows)),
            NestedNode::Ints(leaf) => Ok(or_nulls(leaf.finish(rows), &leaf.array_type(), rows)),
            NestedNode::Bools(leaf) => Ok(or_nulls(leaf.finish(rows), &ColumnType::Bool, rows)),
            NestedNode::List { offsets, item, ty } => {
                // A list's offsets have 32 bits.
                if i32::try_from(item.len()).is_err() {
                    return Err(ArrowError::OffsetOverflowError(item.len()));
                }
                let offsets = std::mem::replace(offsets, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let field = Arc::new(Field::new("element", data_type(ty), true));
                Ok(Arc::new(ListArray::try_new(field, offsets, item.finish()?, nulls())?))
            }
            NestedNode::Struct { members, ty } => {
                let arrays = members.iter_mut().map(NestedColumn::finish);
                let arrays = arrays.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
                Ok(Arc::new(StructArray::try_new(struct_fields(ty), arrays, nulls())?))
            }
        }
    }
}

/// Returns the array; an array of nulls if there is none.
fn or_nulls(array: Option<ArrayRef>, ty: &ColumnType, rows: usize) -> ArrayRef {
    array.unwrap_or_else(|| arrow::array::new_null_array(&data_type(ty), rows))
}

/// Appends the items of a list; `None` if the value is not a list.
///
/// PowerShell 5.1 writes a list as `{"value":[…],"Count":n}`. With exactly these two members and
/// the true count, this is a list. PowerShell writes a list of one item as the item alone, so a
/// single object is read as a list of one. It is stored as lossy, since it may never have been a
/// list. The same is true of a `value` object that differs in any way, and of a list as JSON text.
fn append_items(item: &mut NestedColumn, value: Value<'_>) -> Option<Stored> {
    let mut append_all = |list: List<'_>| {
        let results: Vec<Stored> = list.items().map(|value| item.append(value)).collect();
        if results.iter().all(|&stored| stored == Stored::Exact) {
            Stored::Exact
        } else {
            Stored::Lossy
        }
    };
    match value {
        Value::List(list) => Some(append_all(list)),
        Value::Object(object) => match object.member("value") {
            Some(Value::List(list)) if object.len() <= 2 => {
                let stored = append_all(list);
                Some(if is_powershell_list(object, list.len()) { stored } else { Stored::Lossy })
            }
            _ => {
                item.append(value);
                Some(Stored::Lossy)
            }
        },
        Value::Text(text) => {
            with_inner_json(text, |inner| append_items(item, inner))?.map(|_| Stored::Lossy)
        }
        _ => None,
    }
}

/// Calls `then` with the list or object whose JSON text a text is; `None` if it is another text.
/// Tables and message queues store nested values as text.
fn with_inner_json<T>(text: &str, then: impl FnOnce(Value<'_>) -> T) -> Option<T> {
    let text = text.trim();
    let is_nested = text.starts_with(['[', '{']);
    // Such texts are rare enough for a parser of their own.
    let parse = || Parser::default().parse(text.as_bytes(), |record| then(record.root())).ok();
    if is_nested { parse() } else { None }
}

/// Returns true if an object is a list of `len` items as PowerShell 5.1 writes it.
fn is_powershell_list(object: Object<'_>, len: usize) -> bool {
    object.len() == 2
        && object.members().all(|(name, value)| match (name, value) {
            ("value", Value::List(_)) => true,
            ("Count", Value::Int(count)) => usize::try_from(count) == Ok(len),
            _ => false,
        })
}

fn append_members(
    members: &mut [NestedColumn],
    ty: &[(&'static str, ColumnType)],
    row: usize,
    object: Object<'_>,
) -> Stored {
    let mut stored = Stored::Exact;
    for (name, value) in object.members() {
        let index = ty.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
        let member = index.and_then(|index| members.get_mut(index));
        match member.filter(|member| member.len() == row) {
            // A name in another case would be exported in the case of the column, and a null would
            // be lost: only top-level names have a normal form.
            Some(member) => {
                let exact_name = index.is_some_and(|index| ty[index].0 == name);
                if member.append(value) == Stored::Lossy
                    || !exact_name
                    || matches!(value, Value::Null)
                {
                    stored = Stored::Lossy;
                }
            }
            None => stored = Stored::Lossy,
        }
    }
    for member in members.iter_mut().filter(|member| member.len() == row) {
        member.append_null();
    }
    stored
}
