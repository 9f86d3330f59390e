//! Reads the rows of a Parquet file as NDJSON, for example a lakehouse's own table of events.
//!
//! A null is a missing member. Partition columns of a Delta table are not in its files, so they are
//! taken from the names of the folders.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use arrow_json::LineDelimitedWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::catch_engine_panic;

/// The number of rows that are converted at once.
const BATCH_ROWS: usize = 1024;

/// The first bytes of a Parquet file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The name of null in the folder of a partition.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The rows of a Parquet file as text.
pub(super) struct ParquetText {
    batches: ParquetRecordBatchReader,
    /// The members that every row has, as JSON with a comma after each.
    partition: String,
    text: Vec<u8>,
    /// The position up to which the text was read.
    at: usize,
}

impl ParquetText {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The reason for the user why the file cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let damaged = |error: &dyn std::fmt::Display| format!("a damaged Parquet file: {error}");
        let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
        // The crate can panic on damaged metadata.
        let opened = catch_engine_panic(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
            builder.with_batch_size(BATCH_ROWS).build()
        });
        let batches = opened
            .ok_or_else(|| damaged(&"its metadata is wrong"))?
            .map_err(|error| damaged(&error))?;
        Ok(ParquetText { batches, partition: partition_members(path), text: Vec::new(), at: 0 })
    }

    /// Converts the next rows. Returns false at the end.
    fn convert_next(&mut self) -> io::Result<bool> {
        let wrong = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let batches = &mut self.batches;
        let next = catch_engine_panic(|| Some(batches.next()?.and_then(|batch| to_ndjson(&batch))));
        match next {
            None => Err(wrong("its data is wrong".to_owned())),
            Some(None) => Ok(false),
            Some(Some(Err(error))) => Err(wrong(error.to_string())),
            Some(Some(Ok(text))) => {
                self.text = if self.partition.is_empty() { text } else { self.extend_rows(&text) };
                self.at = 0;
                Ok(true)
            }
        }
    }

    /// Returns the rows with the members of the partition.
    fn extend_rows(&self, rows: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(rows.len());
        for row in rows.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
            text.push(b'{');
            text.extend_from_slice(self.partition.as_bytes());
            text.extend_from_slice(&row[1..]);
            text.push(b'\n');
        }
        text
    }
}

impl Read for ParquetText {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.text.len() {
            if !self.convert_next()? {
                return Ok(0);
            }
        }
        let len = (&self.text[self.at..]).read(to)?;
        self.at += len;
        Ok(len)
    }
}

fn to_ndjson(batch: &RecordBatch) -> Result<Vec<u8>, arrow::error::ArrowError> {
    let mut text = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut text);
    writer.write(batch)?;
    writer.finish()?;
    Ok(text)
}

/// Returns the values in the names of the folders `name=value` between a Delta table and a file.
fn partition_members(path: &Path) -> String {
    let mut members = Vec::new();
    for folder in path.ancestors().skip(1) {
        let name = folder.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        match name.split_once('=') {
            Some((name, value)) if value != NULL_PARTITION => {
                let text = |text: &str| serde_json::Value::String(decode_percent(text)).to_string();
                members.push(format!("{}:{},", text(name), text(value)));
            }
            Some(_) => {}
            None if folder.join("_delta_log").is_dir() => return members.concat(),
            None => break,
        }
    }
    String::new()
}

/// Decodes `%3A` and the like.
fn decode_percent(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
