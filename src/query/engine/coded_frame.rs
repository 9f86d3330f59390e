//! Frames in memory whose texts are codes: numbers of entries in a list of the distinct texts.
//!
//! The engine has categories for that purpose. But it hashes the text of each row to find its
//! category, and turns categories into texts by copying the bytes of each row, so each statement
//! would copy most of a frame. Here, each distinct text of a batch is looked up once, all rows with
//! the same text share its bytes, and functions of texts are computed once for each text
//! (`memoize`).

use std::collections::BTreeMap;

use polars::prelude::*;

use crate::query::engine::memoize;
use crate::query::engine::text_codes::TextCodes;

/// Frame whose texts with few values are codes, and whose small integers are short.
#[derive(Clone, Default)]
pub struct CodedFrame {
    rows: DataFrame,
    /// Distinct texts of the coded columns, by name. The code of a text is its index.
    texts: BTreeMap<PlSmallStr, StringChunked>,
    /// Names of integers that have fewer bits than a statement expects.
    short: Vec<PlSmallStr>,
}

/// Codes of texts by column, given while a frame is computed.
#[derive(Default)]
pub struct TextEncoder(BTreeMap<PlSmallStr, TextCodes>);

impl TextEncoder {
    /// Returns the codes of the texts of a column, which keeps its name. The frame with these codes
    /// must be [appended](CodedFrame::append) with this encoder.
    pub fn encode(&mut self, column: &PlSmallStr) -> Expr {
        let codes = self.0.entry(column.clone()).or_insert_with(TextCodes::new).clone();
        memoize::map_columns([col(column.clone())], DataType::UInt32, move |[texts]| {
            Ok(codes.codes_of(texts.str()?)?.into_column())
        })
    }
}

impl CodedFrame {
    /// Returns the columns as they are stored.
    pub fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    /// Appends columns of the same rows, some of them with codes of the encoder. Integers of 64
    /// bits become short if all their values are small. The columns are freed one by one.
    pub fn append(&mut self, frame: DataFrame, encoder: TextEncoder) -> PolarsResult<()> {
        for (name, codes) in encoder.0 {
            let texts = codes.texts()?.with_name(name.clone());
            self.texts.insert(name, texts);
        }
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

    /// Returns the rows with those last for which a column is true, and the number of the others.
    /// Rows that are in this order already are not copied.
    pub fn partition(self, flag: &str) -> PolarsResult<(CodedFrame, usize)> {
        let flags: Vec<bool> =
            self.rows.column(flag)?.bool()?.iter().map(|flag| flag.unwrap_or(false)).collect();
        let count = flags.iter().filter(|flag| !**flag).count();
        if flags.is_sorted() {
            return Ok((self, count));
        }
        let rows_with = |wanted: bool| {
            let rows = flags.iter().enumerate().filter(move |(_, flag)| **flag == wanted);
            rows.map(|(at, _)| at as IdxSize)
        };
        let order = rows_with(false).chain(rows_with(true)).collect();
        let order = IdxCa::from_vec(PlSmallStr::EMPTY, order);
        let mut left: Vec<Column> = self.rows.columns().to_vec();
        let height = self.rows.height();
        let CodedFrame { rows, texts, short } = self;
        drop(rows);
        left.reverse();
        let mut columns = Vec::with_capacity(left.len());
        // The columns are freed one by one.
        while let Some(column) = left.pop() {
            columns.push(column.take(&order)?);
        }
        Ok((CodedFrame { rows: DataFrame::new(height, columns)?, texts, short }, count))
    }

    /// Returns some of the rows, which are not copied.
    pub fn slice(&self, first: usize, count: usize) -> CodedFrame {
        CodedFrame { rows: self.rows.slice(first as i64, count), ..self.clone() }
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
        table.unwrap()
    }

    /// Appends rows with codes for their texts, in batches of one row.
    fn append(coded: &mut CodedFrame, rows: &DataFrame) {
        let mut encoder = TextEncoder::default();
        let texts = rows.schema().iter().filter(|(_, ty)| **ty == DataType::String);
        let codes: Vec<Expr> = texts.map(|(name, _)| encoder.encode(name)).collect();
        let batches: Vec<LazyFrame> = (0..rows.height().max(1))
            .map(|at| rows.slice(at as i64, 1).lazy().with_columns(codes.clone()))
            .collect();
        let all = concat(batches, UnionArgs::default()).unwrap().collect().unwrap();
        coded.append(all, encoder).unwrap();
    }

    #[test]
    fn decoded_rows_are_those_that_were_appended() {
        let expected = frame();
        let mut coded = CodedFrame::default();
        append(&mut coded, &frame().select(["text", "us"]).unwrap());
        append(&mut coded, &frame().select(["hour", "day", "flag"]).unwrap());
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
    fn partition_moves_flagged_rows_to_the_end() {
        let mut coded = CodedFrame::default();
        append(&mut coded, &frame());
        let hours = |coded: &CodedFrame| {
            let decoded = coded.decoded().collect().unwrap();
            Vec::from(decoded.column("us").unwrap().i64().unwrap())
        };
        let us = [0_i64, 2, 1_700_000_000_000_000, 1, 3].map(Some);
        let (sorted, count) = coded.partition("flag").unwrap();
        assert_eq!((hours(&sorted), count), (us.to_vec(), 2));
        assert_eq!(hours(&sorted.slice(0, count)), us[..2]);
        assert_eq!(hours(&sorted.slice(count, usize::MAX)), us[2..]);
        let (again, count) = sorted.partition("flag").unwrap();
        assert_eq!((hours(&again), count), (us.to_vec(), 2));
    }

    #[test]
    fn equal_texts_share_their_bytes() {
        let mut coded = CodedFrame::default();
        append(&mut coded, &frame());
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
        append(&mut coded, &frame().head(Some(0)));
        let decoded = coded.decoded().collect().unwrap();
        assert_eq!((decoded.height(), decoded.width()), (0, 5));
        assert_eq!(*decoded.column("text").unwrap().dtype(), DataType::String);
        assert_eq!(*decoded.column("hour").unwrap().dtype(), DataType::Int64);
    }
}
