//! Encodes a text column of a row group from the dictionaries of the runs.
//!
//! The parquet crate takes arrays, and hashes every value of every row to build its dictionary. But
//! the values of runs are in dictionaries already, so this encoder looks up each value of a run's
//! dictionary only once. The parquet crate writes the pages, their headers and the metadata.
//!
//! The format: <https://parquet.apache.org/docs/file-format/data-pages/>.

use std::cell::RefCell;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::NullBuffer;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use parquet::basic::{Compression as Codec, Encoding};
use parquet::column::page::{CompressedPage, Page as Encoded, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::column::TextDictionary;
use crate::store::parquet::rle;
use crate::store::parquet::row_bits::RowBits;
use crate::store::parquet::slice::RowSlice;

/// Rows of a page: few enough that a reader of some rows need not decompress the whole group.
const PAGE_ROWS: usize = 64 << 10;

/// The size at which a page of plain values, or a dictionary, ends.
const PAGE_BYTES: usize = 1 << 20;

/// The maximum length of the minimum and maximum in the statistics, in bytes.
const MAX_BOUND_BYTES: usize = 64;

/// The default zstd level of the parquet crate.
const ZSTD_LEVEL: i32 = 1;

/// A text column of the current row group.
pub(in crate::store) struct TextColumnWriter {
    descr: ColumnDescPtr,
    codec: Codec,
    /// The dictionary, or `None` if values are written as plain values: from the beginning, or
    /// since the dictionary was full.
    dictionary: Option<ColumnDictionary>,
    /// The dictionary that has become full.
    full_dictionary: Option<ColumnDictionary>,
    key_maps: Vec<DictionaryKeyMap>,
    /// The current page: the rows that have a value; and the values, as dictionary keys
    /// or plain.
    validity: RowBits,
    dictionary_keys: Vec<u32>,
    plain_values: Vec<u8>,
    null_count: usize,
    row_count: usize,
    pages: Vec<(CompressedPage, usize)>,
}

/// A dictionary of a run, and the key of each of its values in the column's dictionary, or -1.
type DictionaryKeyMap = (ArrayRef, Vec<i32>);

/// The distinct values in the encoding of the dictionary page.
#[derive(Default)]
struct ColumnDictionary {
    bytes: Vec<u8>,
    /// The end of each value in `bytes`.
    value_ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: FixedState,
}

impl ColumnDictionary {
    fn text(&self, number: u32) -> &[u8] {
        text_at(&self.bytes, &self.value_ends, number)
    }

    /// Returns the number of values. A dictionary ends at [`PAGE_BYTES`], so it fits.
    fn value_count(&self) -> u32 {
        self.value_ends.len() as u32
    }

    fn get_or_insert(&mut self, text: &[u8]) -> u32 {
        let (bytes, ends, hasher) = (&self.bytes, &self.value_ends, &self.hasher);
        let hash = hasher.hash_one(text);
        if let Some(&number) = self.table.find(hash, |&at| text_at(bytes, ends, at) == text) {
            return number;
        }
        let number = self.value_count();
        append_plain(text, &mut self.bytes);
        self.value_ends.push(self.bytes.len());
        let (bytes, ends) = (&self.bytes, &self.value_ends);
        self.table.insert_unique(hash, number, |&at| hasher.hash_one(text_at(bytes, ends, at)));
        number
    }

    /// Returns the minimum and maximum.
    fn bounds(&self) -> Option<(&[u8], &[u8])> {
        let all = || (0..self.value_count()).map(|number| self.text(number));
        Some((all().min()?, all().max()?))
    }
}

fn text_at<'b>(bytes: &'b [u8], ends: &[usize], number: u32) -> &'b [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start + size_of::<u32>()..ends[number]]
}

/// Appends a value in the plain encoding: its length and its bytes.
fn append_plain(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text);
}

/// The values of a page of a run in this column.
enum PageValues<'p> {
    /// No values.
    Nulls,
    /// A dictionary, and the index of its key map.
    Dictionary(TextDictionary<'p>, usize),
    /// Plain strings.
    Strings(&'p StringArray),
}

/// The rows of a page of a run that have a value in this column.
enum ValidRows<'p> {
    All,
    None,
    /// The bits of the rows from an offset on.
    Some(&'p [u8], usize),
}

impl<'p> ValidRows<'p> {
    fn new(values: &PageValues<'p>) -> Self {
        let nulls: Option<&'p NullBuffer> = match values {
            PageValues::Nulls => return ValidRows::None,
            PageValues::Dictionary(texts, _) => texts.nulls(),
            PageValues::Strings(texts) => StringArray::nulls(texts),
        };
        nulls.map_or(ValidRows::All, |nulls| ValidRows::Some(nulls.validity(), nulls.offset()))
    }
}

/// Returns a mask of the rows of a slice that have a value, for at most 64 rows.
#[inline]
fn valid_mask(slice: &RowSlice, rows: Range<usize>, valid: &[ValidRows<'_>]) -> u64 {
    let is_valid = |bits: &[u8], bit: usize| u64::from(bits[bit / 8] >> (bit % 8) & 1);
    if let Some((page, first)) = slice.consecutive_rows(rows.clone()) {
        let all = u64::MAX >> (64 - rows.len());
        return match valid[page as usize] {
            ValidRows::All => all,
            ValidRows::None => 0,
            ValidRows::Some(bits, offset) => bits_from(bits, offset + first as usize) & all,
        };
    }
    let mut mask = 0;
    for (at, &(page, row)) in slice.rows[rows].iter().enumerate() {
        mask |= match valid[page as usize] {
            ValidRows::All => 1,
            ValidRows::None => 0,
            ValidRows::Some(bits, offset) => is_valid(bits, offset + row as usize),
        } << at;
    }
    mask
}

/// Returns 64 bits from a bit on, with zeros after the last byte.
fn bits_from(bits: &[u8], bit: usize) -> u64 {
    let rest = &bits[bit / 8..];
    let mut bytes = [0; 16];
    let len = rest.len().min(9);
    bytes[..len].copy_from_slice(&rest[..len]);
    (u128::from_le_bytes(bytes) >> (bit % 8)) as u64
}

impl TextColumnWriter {
    /// Returns an empty column. `uses_dictionary` should be true if values are expected to repeat.
    pub(in crate::store) fn new(descr: ColumnDescPtr, codec: Codec, uses_dictionary: bool) -> Self {
        TextColumnWriter {
            descr,
            codec,
            dictionary: uses_dictionary.then(ColumnDictionary::default),
            full_dictionary: None,
            key_maps: Vec::new(),
            validity: RowBits::default(),
            dictionary_keys: Vec::new(),
            plain_values: Vec::new(),
            null_count: 0,
            row_count: 0,
            pages: Vec::new(),
        }
    }

    /// Appends the rows of a slice.
    pub(in crate::store) fn append(
        &mut self,
        slice: &RowSlice,
        column: usize,
    ) -> Result<(), ParquetError> {
        let mut previous = std::mem::take(&mut self.key_maps);
        let arrays = slice.pages.iter().map(|page| page.columns[column].as_ref());
        let parts: Vec<PageValues<'_>> =
            arrays.map(|array| self.page_values(array, &mut previous)).collect::<Result<_, _>>()?;
        if parts.iter().all(|part| matches!(part, PageValues::Nulls)) {
            return self.append_nulls(slice.rows.len());
        }
        let valid: Vec<ValidRows<'_>> = parts.iter().map(ValidRows::new).collect();
        let mut done = 0;
        while done < slice.rows.len() {
            let room = PAGE_ROWS - self.validity.len();
            let end = slice.rows.len().min(done + room);
            done = self.append_rows(slice, done..end, &parts, &valid);
            if self.validity.len() >= PAGE_ROWS || self.is_page_full() {
                self.finish_page()?;
            }
        }
        Ok(())
    }

    /// Appends rows up to the one that fills the page, and returns the row after it.
    ///
    /// All rows are checked for a value before any value is read, because most columns have few.
    fn append_rows(
        &mut self,
        slice: &RowSlice,
        mut rows: Range<usize>,
        parts: &[PageValues<'_>],
        valid: &[ValidRows<'_>],
    ) -> usize {
        while !rows.is_empty() {
            let next = rows.start..rows.end.min(rows.start + 64);
            let before = self.validity.len();
            let mask = valid_mask(slice, next.clone(), valid);
            self.validity.push(mask, next.len());
            if let Some(taken) = self.append_values(&slice.rows[next.clone()], mask, parts) {
                self.validity.truncate(before + taken);
                return next.start + taken;
            }
            rows.start = next.end;
        }
        rows.end
    }

    /// Appends the values of at most 64 rows, and returns the number of rows up to the one that
    /// fills the page.
    fn append_values(
        &mut self,
        rows: &[(u32, u32)],
        mut mask: u64,
        parts: &[PageValues<'_>],
    ) -> Option<usize> {
        while mask != 0 {
            let at = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let (page, row) = rows[at];
            match &parts[page as usize] {
                PageValues::Dictionary(texts, index) => {
                    let key = texts.key_of_value(row as usize);
                    match (self.key_maps[*index].1[key], &self.dictionary) {
                        (known @ 0.., Some(_)) => {
                            self.dictionary_keys.push(known as u32);
                            continue;
                        }
                        _ => {
                            self.key_maps[*index].1[key] = self.push_value(texts.texts().value(key))
                        }
                    }
                }
                PageValues::Strings(texts) => {
                    self.push_value(texts.value(row as usize));
                }
                PageValues::Nulls => {}
            }
            if self.is_page_full() {
                return Some(at + 1);
            }
        }
        None
    }

    fn is_page_full(&self) -> bool {
        let bytes =
            self.dictionary.as_ref().map_or(&self.plain_values, |dictionary| &dictionary.bytes);
        bytes.len() >= PAGE_BYTES
    }

    fn append_nulls(&mut self, mut rows: usize) -> Result<(), ParquetError> {
        while rows > 0 {
            let fit = rows.min(PAGE_ROWS - self.validity.len());
            self.validity.push_zeros(fit);
            rows -= fit;
            if self.validity.len() >= PAGE_ROWS {
                self.finish_page()?;
            }
        }
        Ok(())
    }

    /// Returns the values of a page. Its key map is reused if the previous slice had the same
    /// dictionary. Key maps of other dictionaries are discarded.
    fn page_values<'p>(
        &mut self,
        array: Option<&'p ArrayRef>,
        previous: &mut Vec<DictionaryKeyMap>,
    ) -> Result<PageValues<'p>, ParquetError> {
        let Some(array) = array else { return Ok(PageValues::Nulls) };
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(PageValues::Strings(texts));
        }
        let Some(dictionary) = TextDictionary::from_array(array.as_ref()) else {
            return Err(ParquetError::General(format!(
                "expected text, found {}",
                array.data_type()
            )));
        };
        let values = dictionary.values();
        let same = |(known, _): &DictionaryKeyMap| Arc::ptr_eq(known, values);
        let index = self.key_maps.iter().position(same).unwrap_or_else(|| {
            let known = previous.iter().position(same).map(|at| previous.swap_remove(at));
            self.key_maps
                .push(known.unwrap_or_else(|| (Arc::clone(values), vec![-1; values.len()])));
            self.key_maps.len() - 1
        });
        Ok(PageValues::Dictionary(dictionary, index))
    }

    /// Appends a value, and returns its key in the dictionary, or -1.
    fn push_value(&mut self, text: &str) -> i32 {
        let Some(dictionary) = &mut self.dictionary else {
            append_plain(text.as_bytes(), &mut self.plain_values);
            return -1;
        };
        let number = dictionary.get_or_insert(text.as_bytes());
        self.dictionary_keys.push(number);
        number as i32
    }

    /// Ends the page. A dictionary that has become too large gets no more values, because a reader
    /// must decompress all of it for one value.
    fn finish_page(&mut self) -> Result<(), ParquetError> {
        let rows = self.validity.len();
        if rows == 0 {
            return Ok(());
        }
        let nulls = rows - self.validity.count_ones();
        let mut page = vec![0; size_of::<u32>()];
        match nulls {
            0 => rle::encode_run(1, rows, 1, &mut page),
            nulls if nulls == rows => rle::encode_run(0, rows, 1, &mut page),
            _ => rle::encode_bits(&self.validity, &mut page),
        }
        let levels = (page.len() - size_of::<u32>()) as u32;
        page[..size_of::<u32>()].copy_from_slice(&levels.to_le_bytes());
        let encoding = match &self.dictionary {
            Some(dictionary) => {
                let width = rle::bit_width(dictionary.value_ends.len());
                page.push(width as u8);
                rle::encode(&self.dictionary_keys, width, &mut page);
                Encoding::RLE_DICTIONARY
            }
            None => {
                page.extend_from_slice(&self.plain_values);
                Encoding::PLAIN
            }
        };
        let buf = compress(self.codec, &page)?.into();
        let encoded = Encoded::DataPage {
            buf,
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.pages.push((CompressedPage::new(encoded, page.len()), rows));
        self.null_count += nulls;
        self.row_count += rows;
        self.validity.clear();
        self.dictionary_keys.clear();
        self.plain_values.clear();
        if self.dictionary.as_ref().is_some_and(|d| d.bytes.len() >= PAGE_BYTES) {
            self.full_dictionary = self.dictionary.take();
        }
        Ok(())
    }

    /// Returns the bytes of the column, and their metadata.
    pub(in crate::store) fn close(mut self) -> Result<(Vec<u8>, ColumnCloseResult), ParquetError> {
        self.finish_page()?;
        let bounds = match (&self.dictionary, &self.full_dictionary) {
            (Some(dictionary), None) => dictionary.bounds(),
            // Bounds of plain values, which are mostly random Ids, would exclude nothing.
            _ => None,
        };
        let statistics = column_statistics(bounds, self.null_count);
        let mut written = EncodedPages::default();
        // An empty dictionary is written too, because pages without values also refer to it.
        if let Some(dictionary) = self.dictionary.take().or_else(|| self.full_dictionary.take()) {
            let page = Encoded::DictionaryPage {
                buf: compress(self.codec, &dictionary.bytes)?.into(),
                num_values: dictionary.value_count(),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            written.add(CompressedPage::new(page, dictionary.bytes.len()), None)?;
        }
        for (page, rows) in self.pages {
            written.add(page, Some(rows))?;
        }
        let mut encodings: Vec<Encoding> =
            written.encoding_stats.iter().map(|kind| kind.encoding).collect();
        encodings.push(Encoding::RLE);
        let metadata = ColumnChunkMetaData::builder(self.descr)
            .set_compression(self.codec)
            .set_encodings(encodings)
            .set_page_encoding_stats(written.encoding_stats)
            .set_total_compressed_size(written.compressed_bytes as i64)
            .set_total_uncompressed_size(written.uncompressed_bytes as i64)
            .set_num_values(self.row_count as i64)
            .set_data_page_offset(written.data_offset.unwrap_or(0))
            .set_dictionary_page_offset(written.dictionary_offset)
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: written.compressed_bytes as u64,
            rows_written: self.row_count as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(written.offset_index.build()),
        };
        Ok((written.sink.into_inner()?, close))
    }
}

/// The pages in the format of the file, with their sizes.
struct EncodedPages {
    sink: TrackedWrite<Vec<u8>>,
    compressed_bytes: usize,
    uncompressed_bytes: usize,
    dictionary_offset: Option<i64>,
    data_offset: Option<i64>,
    encoding_stats: Vec<PageEncodingStats>,
    offset_index: OffsetIndexBuilder,
}

impl Default for EncodedPages {
    fn default() -> Self {
        EncodedPages {
            sink: TrackedWrite::new(Vec::new()),
            compressed_bytes: 0,
            uncompressed_bytes: 0,
            dictionary_offset: None,
            data_offset: None,
            encoding_stats: Vec::new(),
            offset_index: OffsetIndexBuilder::new(),
        }
    }
}

impl EncodedPages {
    /// Appends a data page with its number of rows, or the dictionary page with `None`.
    fn add(&mut self, page: CompressedPage, rows: Option<usize>) -> Result<(), ParquetError> {
        let (page_type, encoding) = (page.page_type(), page.encoding());
        let spec = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        let offset = spec.offset as i64;
        self.compressed_bytes += spec.compressed_size;
        self.uncompressed_bytes += spec.uncompressed_size;
        match rows {
            None => self.dictionary_offset = Some(offset),
            Some(rows) => {
                self.data_offset.get_or_insert(offset);
                self.offset_index.append_row_count(rows as i64);
                self.offset_index.append_offset_and_size(offset, spec.compressed_size as i32);
            }
        }
        let is = |kind: &&mut PageEncodingStats| {
            (kind.page_type, kind.encoding) == (page_type, encoding)
        };
        match self.encoding_stats.iter_mut().find(is) {
            Some(kind) => kind.count += 1,
            None => self.encoding_stats.push(PageEncodingStats { page_type, encoding, count: 1 }),
        }
        Ok(())
    }
}

thread_local! {
    /// A compressor has tables of half a megabyte, so each thread uses one for all columns.
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        const { RefCell::new(None) };
}

fn compress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, ParquetError> {
    if codec == Codec::UNCOMPRESSED {
        return Ok(bytes.to_vec());
    }
    let compressed = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        };
        compressor.compress(bytes)
    });
    compressed.map_err(|error| ParquetError::External(Box::new(error)))
}

/// Returns the statistics of the column, with bounds of at most [`MAX_BOUND_BYTES`].
fn column_statistics(bounds: Option<(&[u8], &[u8])>, nulls: usize) -> Statistics {
    let least = bounds.map(|(least, _)| truncate_bound(least).to_vec());
    let greatest = bounds.and_then(|(_, greatest)| match truncate_bound(greatest) {
        whole if whole.len() == greatest.len() => Some(whole.to_vec()),
        short => next_greater(short),
    });
    let is_exact = |kept: &Option<Vec<u8>>, whole: Option<&[u8]>| kept.as_deref() == whole;
    let least_exact = is_exact(&least, bounds.map(|bounds| bounds.0));
    let greatest_exact = is_exact(&greatest, bounds.map(|bounds| bounds.1));
    let (least, greatest) = (least.map(ByteArray::from), greatest.map(ByteArray::from));
    Statistics::from(
        ValueStatistics::new(least, greatest, None, Some(nulls as u64), false)
            .with_min_is_exact(least_exact)
            .with_max_is_exact(greatest_exact),
    )
}

/// Returns the beginning of a text, at most [`MAX_BOUND_BYTES`] and only whole characters.
fn truncate_bound(text: &[u8]) -> &[u8] {
    if text.len() <= MAX_BOUND_BYTES {
        return text;
    }
    let is_begin = |&at: &usize| text[at] & 0xC0 != 0x80;
    &text[..(0..=MAX_BOUND_BYTES).rev().find(is_begin).unwrap_or(0)]
}

/// Returns a text that is greater than all texts with this prefix, or `None` if there is none.
///
/// The last character that has a successor of the same length is replaced by it, and the rest is
/// removed.
fn next_greater(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    text.char_indices().rev().find_map(|(at, last)| {
        let next = char::from_u32(u32::from(last) + 1)?;
        (next.len_utf8() == last.len_utf8()).then(|| {
            let mut bytes = text.as_bytes()[..at].to_vec();
            bytes.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            bytes
        })
    })
}

#[cfg(test)]
#[path = "text_column_tests.rs"]
mod tests;
