//! Replaces texts in columns, at any depth.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, ListArray, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;

use super::schema::arrow_schema;
use crate::record::json;
use crate::schema::{EXTRA, EventText, NoMembers, TextMembers};

/// Returns the replacement of a text; `None` to keep it.
pub type ColumnTextRewrite<'r> = dyn Fn(&EventText<'_>) -> Option<String> + Sync + 'r;

/// Replaces texts in the columns of the table and returns how many are replaced in each row; `None`
/// if no text changes.
///
/// # Errors
///
/// [`ArrowError`] if a new array cannot be built.
pub fn rewrite_texts(
    columns: &mut [Option<ArrayRef>],
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<Option<Vec<u32>>, ArrowError> {
    let schema = arrow_schema();
    let user_column = schema.fields().iter().position(|field| field.name() == USER_ID);
    let users = user_column.and_then(|number| columns.get(number).cloned().flatten());
    let mut replaced: Option<Vec<u32>> = None;
    for (field, column) in schema.fields().iter().zip(columns) {
        let Some(array) = column else { continue };
        let place = TextPlace { parent: "", name: field.name(), members: &|_| None };
        let rewritten = match field.name() == EXTRA {
            true => rewrite_extra(array, users.as_ref(), rewrite),
            false => rewrite_column(array, &place, rewrite)?,
        };
        if let Some(RewrittenColumn { array, replaced: in_column }) = rewritten {
            *column = Some(array);
            match &mut replaced {
                None => replaced = Some(in_column),
                Some(sums) => sums.iter_mut().zip(in_column).for_each(|(sum, n)| *sum += n),
            }
        }
    }
    Ok(replaced)
}

/// The column with the address of the person that an event is by.
const USER_ID: &str = "UserId";

/// A column with replaced texts.
struct RewrittenColumn {
    array: ArrayRef,
    /// The number of replaced texts in each row.
    replaced: Vec<u32>,
}

/// The object that contains a text: a row of an array of objects.
#[derive(Clone, Copy)]
struct ObjectRow<'a> {
    objects: &'a StructArray,
    row: usize,
}

impl ObjectRow<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        let member = self.objects.column_by_name(name)?.as_string_opt::<i32>()?;
        member.is_valid(self.row).then(|| member.value(self.row))
    }
}

impl TextMembers for ObjectRow<'_> {
    fn for_each_text(&self, take: &mut dyn FnMut(&str, &str)) {
        for field in self.objects.fields() {
            if let Some(text) = self.text(field.name()) {
                take(field.name(), text);
            }
        }
    }
}

/// The place of the texts of an array.
struct TextPlace<'a> {
    parent: &'a str,
    name: &'a str,
    /// Returns the object that contains the text of a row.
    members: &'a dyn Fn(usize) -> Option<ObjectRow<'a>>,
}

fn rewrite_column(
    column: &ArrayRef,
    place: &TextPlace<'_>,
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<Option<RewrittenColumn>, ArrowError> {
    match column.data_type() {
        DataType::Utf8 => Ok(rewrite_strings(column.as_string::<i32>(), place, rewrite)),
        DataType::Dictionary(_, _) => {
            let Some(array) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() else {
                return Ok(None);
            };
            let Some(values) = rewrite_column(array.values(), place, rewrite)? else {
                return Ok(None);
            };
            let of_key = |key: Option<i32>| {
                let key = key.and_then(|key| usize::try_from(key).ok());
                key.and_then(|key| values.replaced.get(key)).copied().unwrap_or(0)
            };
            let replaced = array.keys().iter().map(of_key).collect();
            let array = DictionaryArray::try_new(array.keys().clone(), values.array)?;
            Ok(Some(RewrittenColumn { array: Arc::new(array), replaced }))
        }
        DataType::List(item) => {
            let list = column.as_list::<i32>();
            // The items of a list of texts are in the object that contains the list.
            let owners = list_owners(list);
            let members = |at: usize| (place.members)(*owners.get(at)?);
            let place = TextPlace { members: &members, ..*place };
            let Some(items) = rewrite_column(list.values(), &place, rewrite)? else {
                return Ok(None);
            };
            let mut replaced = vec![0; list.len()];
            for (count, row) in items.replaced.iter().zip(&owners) {
                if let Some(sum) = replaced.get_mut(*row) {
                    *sum += count;
                }
            }
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            let list = ListArray::try_new(Arc::clone(item), offsets, items.array, nulls)?;
            Ok(Some(RewrittenColumn { array: Arc::new(list), replaced }))
        }
        DataType::Struct(_) => rewrite_objects(column.as_struct(), place, rewrite),
        _ => Ok(None),
    }
}

/// Returns the row of a list for each of its values.
fn list_owners(list: &ListArray) -> Vec<usize> {
    let mut owners = vec![usize::MAX; list.values().len()];
    for (row, ends) in list.offsets().windows(2).enumerate() {
        let range = usize::try_from(ends[0]).ok().zip(usize::try_from(ends[1]).ok());
        let of_row = range.and_then(|(start, end)| owners.get_mut(start..end));
        of_row.into_iter().flatten().for_each(|owner| *owner = row);
    }
    owners
}

fn rewrite_objects(
    objects: &StructArray,
    place: &TextPlace<'_>,
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<Option<RewrittenColumn>, ArrowError> {
    let members = |row: usize| Some(ObjectRow { objects, row });
    let (mut columns, mut replaced) = (objects.columns().to_vec(), None::<Vec<u32>>);
    for (field, column) in objects.fields().iter().zip(&mut columns) {
        let place = TextPlace { parent: place.name, name: field.name(), members: &members };
        let Some(rewritten) = rewrite_column(column, &place, rewrite)? else { continue };
        *column = rewritten.array;
        let sums = replaced.get_or_insert_with(|| vec![0; objects.len()]);
        sums.iter_mut().zip(rewritten.replaced).for_each(|(sum, count)| *sum += count);
    }
    let Some(replaced) = replaced else { return Ok(None) };
    let array = StructArray::try_new(objects.fields().clone(), columns, objects.nulls().cloned())?;
    Ok(Some(RewrittenColumn { array: Arc::new(array), replaced }))
}

fn rewrite_strings(
    array: &StringArray,
    place: &TextPlace<'_>,
    rewrite: &ColumnTextRewrite<'_>,
) -> Option<RewrittenColumn> {
    let rewritten: Vec<Option<(String, u32)>> = array
        .iter()
        .enumerate()
        .map(|(row, text)| {
            let object = (place.members)(row);
            let members: &dyn TextMembers = match &object {
                Some(object) => object,
                None => &NoMembers,
            };
            // The records of the Power Platform list their details as names and values.
            let listed = object.as_ref().filter(|_| place.name == "Value");
            let listed = listed.and_then(|object| object.text("Name"));
            let (parent, name) = match listed {
                Some(name) => ("", name),
                None => (place.parent, place.name),
            };
            rewrite_text(&EventText { parent, name, text: text?, members }, rewrite)
        })
        .collect();
    if rewritten.iter().all(Option::is_none) {
        return None;
    }
    let replaced =
        rewritten.iter().map(|new| new.as_ref().map_or(0, |(_, count)| *count)).collect();
    let pairs = rewritten.iter().zip(array);
    let texts = pairs.map(|(new, old)| new.as_ref().map(|(text, _)| text.as_str()).or(old));
    Some(RewrittenColumn { array: Arc::new(texts.collect::<StringArray>()), replaced })
}

/// Replaces a text, or the texts in it if it is JSON. Returns how many are replaced.
fn rewrite_text(text: &EventText<'_>, rewrite: &ColumnTextRewrite<'_>) -> Option<(String, u32)> {
    let count = std::cell::Cell::new(0);
    let counted = |inner: &EventText<'_>| {
        let replaced = rewrite(inner)?;
        count.set(count.get() + 1);
        Some(replaced)
    };
    let replaced = json::rewrite_embedded(text, &counted).unwrap_or_else(|| counted(text))?;
    Some((replaced, count.get()))
}

/// Replaces texts in `Extra`, whose members are next to the user of the event.
fn rewrite_extra(
    column: &ArrayRef,
    users: Option<&ArrayRef>,
    rewrite: &ColumnTextRewrite<'_>,
) -> Option<RewrittenColumn> {
    let mut rows: Vec<Option<(String, u32)>> = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        let user = EventUser(users.and_then(|users| text_at(users, row)));
        let place = |text| EventText { parent: "", name: "", text, members: &user };
        rows.push(text_at(column, row).and_then(|text| rewrite_text(&place(text), rewrite)));
    }
    if rows.iter().all(Option::is_none) {
        return None;
    }
    let text = |row: usize| {
        let new = rows[row].as_ref().map(|(text, _)| text.as_str());
        new.or_else(|| text_at(column, row))
    };
    let texts = (0..column.len()).map(text);
    let array: ArrayRef = match column.data_type() {
        DataType::Utf8 => Arc::new(texts.collect::<StringArray>()),
        _ => Arc::new(texts.collect::<DictionaryArray<Int32Type>>()),
    };
    let replaced = rows.iter().map(|new| new.as_ref().map_or(0, |(_, count)| *count)).collect();
    Some(RewrittenColumn { array, replaced })
}

/// The user of an event, as a member.
struct EventUser<'u>(Option<&'u str>);

impl TextMembers for EventUser<'_> {
    fn for_each_text(&self, take: &mut dyn FnMut(&str, &str)) {
        if let Some(user) = self.0 {
            take(USER_ID, user);
        }
    }
}

/// Returns the text of a row of a column of texts, with or without a dictionary.
fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    match column.as_string_opt::<i32>() {
        Some(texts) => Some(texts.value(row)),
        None => {
            let texts = column.as_dictionary_opt::<Int32Type>()?;
            let key = usize::try_from(texts.keys().value(row)).ok()?;
            Some(texts.values().as_string_opt::<i32>()?.value(key))
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Fields};

    use crate::column::rewrite::*;
    use crate::schema::column_index;

    fn text_array(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(texts.iter().copied().collect::<StringArray>())
    }

    /// Builds the columns of the table with one column at its place.
    fn table(columns: &[(&str, ArrayRef)]) -> Vec<Option<ArrayRef>> {
        let schema = arrow_schema();
        let column = |name: &str| columns.iter().find(|(known, _)| *known == name);
        schema.fields().iter().map(|field| column(field.name()).map(|(_, a)| a.clone())).collect()
    }

    fn position(name: &str) -> usize {
        arrow_schema().fields().iter().position(|field| field.name() == name).unwrap()
    }

    #[test]
    fn texts_are_replaced_at_every_depth_and_nulls_are_kept() {
        let names = text_array(&[Some("old"), None, Some("kept"), Some("old")]);
        let emails = text_array(&[Some("a@x"), None, Some("b@x"), Some("c@x")]);
        let fields: Fields = ["RecipientEmail", "RecipientName"]
            .map(|name| Field::new(name, DataType::Utf8, true))
            .to_vec()
            .into();
        let objects: ArrayRef =
            Arc::new(StructArray::new(fields.clone(), vec![emails, names], None));
        let item = Arc::new(Field::new("element", DataType::Struct(fields), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 2]);
        let list: ArrayRef = Arc::new(ListArray::new(item, offsets, objects, None));
        let mut columns = table(&[("SharingInformation", Arc::clone(&list))]);

        // The place of each text contains its object.
        let rewrite = |text: &EventText<'_>| {
            assert_eq!(text.parent, "SharingInformation");
            let address = text.person_field().and_then(|field| text.address_of(field));
            (text.text == "old").then(|| format!("new of {}", address.unwrap_or_default()))
        };
        assert_eq!(rewrite_texts(&mut columns, &rewrite).unwrap(), Some(vec![1, 0, 1]));
        let rewritten = columns[position("SharingInformation")].as_ref().unwrap();
        let inner = rewritten.as_list::<i32>().values().as_struct().column(1).clone();
        let found: Vec<Option<&str>> = inner.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("new of a@x"), None, Some("kept"), Some("new of c@x")]);
        assert_eq!(rewritten.len(), 3);
        assert_eq!(rewrite_texts(&mut columns, &|_| None).unwrap(), None);
    }

    #[test]
    fn dictionary_counts_each_row_and_extra_is_next_to_the_user() {
        let operations: DictionaryArray<Int32Type> = ["a", "old", "old"].into_iter().collect();
        let users = text_array(&[Some("zoe@x"), None, Some("max@x")]);
        let extra = r#"{"UserDisplayName":"Zoe","Sum":1.10}"#;
        let extra =
            text_array(&[Some(extra), None, Some(r#"{"A":["old"],"B":"{\"C\":\"old\"}"}"#)]);
        let mut columns =
            table(&[("Operation", Arc::new(operations)), ("UserId", users), (EXTRA, extra)]);
        assert!(column_index("UserDisplayName").is_none());
        let rewrite = |text: &EventText<'_>| match text.name {
            "UserDisplayName" => text.address_of(text.person_field()?),
            _ => (text.text == "old").then(|| "new".to_owned()),
        };
        assert_eq!(rewrite_texts(&mut columns, &rewrite).unwrap(), Some(vec![1, 1, 3]));
        let extra = columns[position(EXTRA)].as_ref().unwrap();
        assert_eq!(text_at(extra, 0), Some(r#"{"UserDisplayName":"zoe@x","Sum":1.10}"#));
        assert_eq!(text_at(extra, 1), None);
        assert_eq!(text_at(extra, 2), Some(r#"{"A":["new"],"B":"{\"C\":\"new\"}"}"#));
        let operations = columns[position("Operation")].as_ref().unwrap();
        assert_eq!(text_at(operations, 2), Some("new"));
    }
}
