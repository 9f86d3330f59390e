//! Columns of lists and objects.
//!
//! A nested value goes into its column as far as the column's type has a place for it. Where it
//! has more (a member without a place, a value of another type), it does not fit, and the caller
//! keeps the whole of it in `Extra` as well.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};

use super::Stored;
use super::scalar::{BoolColumn, IntColumn, IntKind};
use super::schema::{data_type, struct_fields};
use super::text::{Normalization, PlainTextColumn};
use crate::record::{List, Object, Value};
use crate::schema::ColumnType;

/// A nested column, or a part of one.
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

    /// Appends a value at a row; rows between are null.
    pub(super) fn append_at(&mut self, row: usize, value: Value<'_>) -> Stored {
        self.pad(row);
        self.append(value)
    }

    /// Makes all rows before `rows` null that are not there yet.
    fn pad(&mut self, rows: usize) {
        if self.len() >= rows {
            return;
        }
        self.valid.resize(rows, false);
        match &mut self.node {
            // Leaves pad themselves when their next value or their end comes.
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
        let fit = match (&mut self.node, value) {
            (_, Value::Null) => {
                self.append_null();
                return Stored::Exact;
            }
            (NestedNode::Text(leaf), value) => {
                let fit = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return fit;
            }
            (NestedNode::Ints(leaf), value) => {
                let fit = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return fit;
            }
            (NestedNode::Bools(leaf), value) => {
                let fit = leaf.append(row, value);
                self.valid.push(leaf.len() > row);
                return fit;
            }
            (NestedNode::List { offsets, item, .. }, value) => match append_items(item, value) {
                Some(fit) => {
                    offsets.push(item.len() as i32);
                    fit
                }
                None => {
                    self.append_null();
                    return Stored::Lossy;
                }
            },
            (NestedNode::Struct { members, ty }, Value::Object(object)) => {
                append_members(members, ty, row, object)
            }
            (NestedNode::Struct { .. }, _) => {
                self.append_null();
                return Stored::Lossy;
            }
        };
        self.valid.push(true);
        fit
    }

    pub(super) fn finish_column(&mut self, rows: usize) -> Option<ArrayRef> {
        if self.valid.is_empty() {
            return None;
        }
        self.pad(rows);
        Some(self.finish())
    }

    fn finish(&mut self) -> ArrayRef {
        let valid = std::mem::take(&mut self.valid);
        let rows = valid.len();
        let nulls = || Some(NullBuffer::from(valid)).filter(|nulls| nulls.null_count() > 0);
        match &mut self.node {
            NestedNode::Text(leaf) => {
                leaf.finish(rows).unwrap_or_else(|| null_array(&ColumnType::Text, rows))
            }
            NestedNode::Ints(leaf) => {
                leaf.finish(rows).unwrap_or_else(|| null_array(&ColumnType::Int, rows))
            }
            NestedNode::Bools(leaf) => {
                leaf.finish(rows).unwrap_or_else(|| null_array(&ColumnType::Bool, rows))
            }
            NestedNode::List { offsets, item, ty } => {
                let offsets = std::mem::replace(offsets, vec![0]);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let field = Arc::new(Field::new("element", data_type(ty), true));
                let array = ListArray::try_new(field, offsets, item.finish(), nulls());
                array.map_or_else(
                    |_| null_array(&ColumnType::List(Box::new(ty.clone())), rows),
                    |array| Arc::new(array) as ArrayRef,
                )
            }
            NestedNode::Struct { members, ty } => {
                let arrays = members.iter_mut().map(NestedColumn::finish).collect();
                let array = StructArray::try_new(struct_fields(ty), arrays, nulls());
                array.map_or_else(
                    |_| null_array(&ColumnType::Struct(ty.clone()), rows),
                    |array| Arc::new(array) as ArrayRef,
                )
            }
        }
    }
}

fn null_array(ty: &ColumnType, rows: usize) -> ArrayRef {
    let ty: DataType = data_type(ty);
    arrow::array::new_null_array(&ty, rows)
}

/// The items of a list. `{"value":[…],"Count":n}` with these two members and the true count is
/// what PowerShell 5.1 makes of a list, and is that list. One object where a list is expected is
/// what PowerShell makes of a list of one: it is read for what it was, and does not fit, since it
/// may have been no list; so is a wrapping with anything odd about it.
fn append_items(item: &mut NestedColumn, value: Value<'_>) -> Option<Stored> {
    let mut append_all = |list: List<'_>| {
        let fits: Vec<Stored> = list.items().map(|value| item.append(value)).collect();
        if fits.iter().all(|&fit| fit == Stored::Exact) { Stored::Exact } else { Stored::Lossy }
    };
    match value {
        Value::List(list) => Some(append_all(list)),
        Value::Object(object) => match object.member("value") {
            Some(Value::List(list)) if object.len() <= 2 => {
                let fit = append_all(list);
                Some(if is_powershell_list(object, list.len()) { fit } else { Stored::Lossy })
            }
            _ => {
                item.append(value);
                Some(Stored::Lossy)
            }
        },
        _ => None,
    }
}

/// Whether an object is a list as PowerShell 5.1 writes it, with so many items.
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
    let mut fit = Stored::Exact;
    for (name, value) in object.members() {
        let place = ty.iter().position(|(known, _)| known.eq_ignore_ascii_case(name));
        let member = place.and_then(|place| members.get_mut(place));
        match member.filter(|member| member.len() == row) {
            // A name in another case would come back in ours, and a null not at all: only
            // top-level names have a normal form.
            Some(member) => {
                let exact_name = place.is_some_and(|place| ty[place].0 == name);
                if member.append(value) == Stored::Lossy
                    || !exact_name
                    || matches!(value, Value::Null)
                {
                    fit = Stored::Lossy;
                }
            }
            None => fit = Stored::Lossy,
        }
    }
    for member in members.iter_mut().filter(|member| member.len() == row) {
        member.append_null();
    }
    fit
}
