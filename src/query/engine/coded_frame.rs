//! Frames in memory whose texts are codes: numbers of entries in a list of the distinct texts.
//!
//! The engine has categories for that purpose. But it turns them into texts by copying the bytes of
//! each row, so each statement would copy most of a frame. Here, all rows with the same text share
//! its bytes, and functions of texts are computed once for each text (`memoize`).

use std::collections::{BTreeMap, HashMap};

use polars::prelude::*;

use crate::query::engine::memoize;

/// Frame whose texts with few values are codes, and whose small integers are short.
#[derive(Clone, Default)]
pub struct CodedFrame {
    rows: DataFrame,
    /// Distinct texts of the coded columns, by name. The code of a text is its index.
    texts: BTreeMap<PlSmallStr, StringChunked>,
    /// Names of integers that have fewer bits than a statement expects.
    short: Vec<PlSmallStr>,
}

/// Returns the type of columns that [`CodedFrame::append`] replaces by codes.
pub fn categorical_type() -> DataType {
    DataType::from_categories(Categories::global())
}

impl CodedFrame {
    /// Returns the columns as they are stored.
    pub fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    /// Appends columns of the same rows. Categories become codes, and integers of 64 bits become
    /// short if all their values are small. The columns are freed one by one.
    pub fn append(&mut self, frame: DataFrame) -> PolarsResult<()> {
        let height = frame.height();
        let mut columns = Vec::with_capacity(frame.width());
        let mut left: Vec<Column> = frame.columns().to_vec();
        drop(frame);
        left.reverse();
        while let Some(column) = left.pop() {
            columns.push(self.encode(column)?);
        }
        if self.rows.width() == 0 {
            self.rows = DataFrame::new(height, columns)?;
        } else {
            self.rows.hstack_mut(&columns)?;
        }
        Ok(())
    }

    fn encode(&mut self, column: Column) -> PolarsResult<Column> {
        let name = column.name().clone();
        if column.dtype().is_categorical() {
            let (codes, texts) = encode_texts(column.cat32()?);
            self.texts.insert(name, texts);
            return Ok(codes.into_column());
        }
        let column = column.rechunk();
        if *column.dtype() != DataType::Int64 {
            return Ok(column);
        }
        let values = column.i64()?;
        let bounds = values.min().zip(values.max()).unwrap_or_default();
        let fits = |least: i64, greatest: i64| least <= bounds.0 && bounds.1 <= greatest;
        let short = match () {
            () if fits(i8::MIN.into(), i8::MAX.into()) => DataType::Int8,
            () if fits(i32::MIN.into(), i32::MAX.into()) => DataType::Int32,
            () => return Ok(column),
        };
        self.short.push(name);
        column.strict_cast(&short)
    }

    /// Returns the rows that pass a test of columns that are no texts.
    pub fn filter(&self, test: Expr) -> PolarsResult<CodedFrame> {
        let rows = self.rows.clone().lazy().filter(test).collect()?;
        Ok(CodedFrame { rows, ..self.clone() })
    }

    /// Returns the rows with their texts and with integers of 64 bits.
    pub fn decoded(&self) -> LazyFrame {
        let texts = self.texts.iter().map(|(name, texts)| {
            let texts = texts.clone();
            memoize::map_columns([col(name.clone())], DataType::String, move |[codes]| {
                let found = texts.take(codes.u32()?)?;
                Ok(found.with_name(codes.name().clone()).into_column())
            })
        });
        let integers = self.short.iter().map(|name| col(name.clone()).cast(DataType::Int64));
        self.rows.clone().lazy().with_columns(texts.chain(integers).collect::<Vec<_>>())
    }
}

/// Returns the code of each row, and the texts in the order of their codes.
fn encode_texts(categories: &Categorical32Chunked) -> (UInt32Chunked, StringChunked) {
    let mapping = categories.get_mapping();
    let mut codes: HashMap<u32, u32> = HashMap::new();
    let mut texts: Vec<Option<&str>> = Vec::new();
    let name = categories.physical().name();
    let mut rows: Vec<Option<u32>> = Vec::with_capacity(categories.physical().len());
    for category in categories.physical().iter() {
        rows.push(category.map(|category| {
            *codes.entry(category).or_insert_with(|| {
                texts.push(mapping.cat_to_str(category));
                (texts.len() - 1) as u32
            })
        }));
    }
    let rows = UInt32Chunked::from_slice_options(name.clone(), &rows);
    (rows, StringChunked::from_slice_options(name.clone(), &texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> DataFrame {
        let table = df!(
            "text" => [Some("a text of more than twelve bytes"), None, Some(""), Some("b"),
                Some("a text of more than twelve bytes")],
            "hour" => [Some(0_i64), Some(23), None, Some(-128), Some(127)],
            "day" => [20_000_i64, 128, 20_001, 3, 4],
            "us" => [1_700_000_000_000_000_i64, 0, 1, 2, 3],
            "flag" => [true, false, true, false, true]
        );
        let category = col("text").cast(categorical_type());
        table.unwrap().lazy().with_column(category).collect().unwrap()
    }

    #[test]
    fn decoded_rows_are_those_that_were_appended() {
        let expected = frame().lazy().with_column(col("text").cast(DataType::String));
        let expected = expected.collect().unwrap();
        let mut coded = CodedFrame::default();
        coded.append(frame().select(["text", "us"]).unwrap()).unwrap();
        coded.append(frame().select(["hour", "day", "flag"]).unwrap()).unwrap();
        let types = ["text", "us", "hour", "day", "flag"];
        let stored = types.map(|name| coded.schema().get(name).unwrap().clone());
        use DataType::{Boolean, Int8, Int32, Int64, UInt32};
        assert_eq!(stored, [UInt32, Int64, Int8, Int32, Boolean]);
        let decoded = coded.decoded().collect().unwrap();
        assert!(
            decoded.select(expected.get_column_names_owned()).unwrap().equals_missing(&expected)
        );
        let some = coded.filter(col("us").lt(lit(3_i64))).unwrap().decoded().collect().unwrap();
        let days = some.column("day").unwrap().i64().unwrap();
        assert_eq!(Vec::from(days), [128, 20_001, 3].map(Some));
    }

    #[test]
    fn equal_texts_share_their_bytes() {
        let mut coded = CodedFrame::default();
        coded.append(frame()).unwrap();
        let decoded = coded.decoded().collect().unwrap();
        let texts = decoded.column("text").unwrap().str().unwrap();
        let views: Vec<u128> = texts
            .downcast_iter()
            .flat_map(|part| part.views().iter().map(|v| v.as_u128()))
            .collect();
        assert_eq!(views[0], views[4]);
    }

    #[test]
    fn frame_without_rows_or_columns_is_readable() {
        assert_eq!(CodedFrame::default().decoded().collect().unwrap().width(), 0);
        let mut coded = CodedFrame::default();
        coded.append(frame().head(Some(0))).unwrap();
        let decoded = coded.decoded().collect().unwrap();
        assert_eq!((decoded.height(), decoded.width()), (0, 5));
        assert_eq!(*decoded.column("text").unwrap().dtype(), DataType::String);
        assert_eq!(*decoded.column("hour").unwrap().dtype(), DataType::Int64);
    }
}
