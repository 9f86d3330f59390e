//! Replaces texts of a column at any depth.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, ListArray, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;

/// Returns the replacement of a text; `None` to keep it.
pub type ColumnTextRewrite<'r> = dyn Fn(&str) -> Option<String> + Sync + 'r;

/// Returns the column with its texts replaced; `None` if no text changes.
///
/// # Errors
///
/// [`ArrowError`] if the new array cannot be built.
pub fn rewrite_texts(
    column: &ArrayRef,
    rewrite: &ColumnTextRewrite<'_>,
) -> Result<Option<ArrayRef>, ArrowError> {
    match column.data_type() {
        DataType::Utf8 => Ok(rewrite_strings(column.as_string::<i32>(), rewrite)),
        DataType::Dictionary(_, _) => {
            let Some(array) = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>() else {
                return Ok(None);
            };
            let Some(values) = rewrite_texts(array.values(), rewrite)? else { return Ok(None) };
            let array = DictionaryArray::try_new(array.keys().clone(), values)?;
            Ok(Some(Arc::new(array)))
        }
        DataType::List(item) => {
            let list = column.as_list::<i32>();
            let Some(values) = rewrite_texts(list.values(), rewrite)? else { return Ok(None) };
            let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
            let list = ListArray::try_new(Arc::clone(item), offsets, values, nulls)?;
            Ok(Some(Arc::new(list)))
        }
        DataType::Struct(fields) => {
            let members = column.as_struct();
            let rewritten: Vec<Option<ArrayRef>> = members
                .columns()
                .iter()
                .map(|member| rewrite_texts(member, rewrite))
                .collect::<Result<_, _>>()?;
            if rewritten.iter().all(Option::is_none) {
                return Ok(None);
            }
            let columns = rewritten
                .into_iter()
                .zip(members.columns())
                .map(|(rewritten, member)| rewritten.unwrap_or_else(|| Arc::clone(member)))
                .collect();
            let members = StructArray::try_new(fields.clone(), columns, members.nulls().cloned())?;
            Ok(Some(Arc::new(members)))
        }
        _ => Ok(None),
    }
}

fn rewrite_strings(array: &StringArray, rewrite: &ColumnTextRewrite<'_>) -> Option<ArrayRef> {
    let rewritten: Vec<Option<String>> = array.iter().map(|text| text.and_then(rewrite)).collect();
    if rewritten.iter().all(Option::is_none) {
        return None;
    }
    let pairs = rewritten.iter().zip(array);
    let texts = pairs.map(|(new, old)| new.as_deref().or(old));
    Some(Arc::new(texts.collect::<StringArray>()))
}

#[cfg(test)]
mod tests {
    use crate::column::rewrite::*;
    use arrow::datatypes::{Field, Fields};

    #[test]
    fn texts_are_replaced_at_every_depth_and_nulls_are_kept() {
        let rewrite = |text: &str| (text == "old").then(|| "new".to_owned());
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("old"), None, Some("kept")]));
        let fields: Fields = vec![Field::new("name", DataType::Utf8, true)].into();
        let members: ArrayRef =
            Arc::new(StructArray::new(fields.clone(), vec![Arc::clone(&values)], None));
        let item = Arc::new(Field::new("element", DataType::Struct(fields), true));
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]);
        let list: ArrayRef = Arc::new(ListArray::new(item, offsets, members, None));
        let rewritten = rewrite_texts(&list, &rewrite).unwrap().unwrap();
        let inner = rewritten.as_list::<i32>().values().as_struct().column(0).clone();
        let found: Vec<Option<&str>> = inner.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("new"), None, Some("kept")]);
        assert_eq!(rewritten.len(), 3);
        assert!(rewrite_texts(&list, &|_| None).unwrap().is_none());
        let dictionary: DictionaryArray<Int32Type> = ["a", "old", "a"].into_iter().collect();
        let dictionary: ArrayRef = Arc::new(dictionary);
        assert!(rewrite_texts(&dictionary, &rewrite).unwrap().is_some());
    }
}
