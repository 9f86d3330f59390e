//! The parquet crate reads the encoded columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, DictionaryArray, StringArray};
use arrow::datatypes::{ArrowDictionaryKeyType, Int16Type, Int32Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::store::write::run::RunPage;

type Texts = Vec<Option<String>>;

fn dictionary<K: ArrowDictionaryKeyType>(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<DictionaryArray<K>>())
}

fn plain(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().copied().collect::<StringArray>())
}

/// Returns all rows of the pages, one from each page in turn.
fn slice(pages: Vec<Option<ArrayRef>>, rows: usize) -> RowSlice {
    let mut slice = RowSlice::default();
    let pages: Vec<RunPage> =
        pages.into_iter().map(|array| RunPage { columns: Arc::new(vec![array]) }).collect();
    for row in 0..rows {
        for (run, page) in pages.iter().enumerate() {
            slice.push(run, page.clone(), row, 0).unwrap();
        }
    }
    slice
}

/// Writes the column of some slices, and reads the values and the metadata of the file.
fn read(slices: &[RowSlice], uses_dictionary: bool, codec: Codec) -> (Texts, ParquetMetaData) {
    let schema = parse_message_type("message m { OPTIONAL BYTE_ARRAY t (STRING); }").unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
    let mut chunk = TextColumnWriter::new(file.schema_descr().column(0), codec, uses_dictionary);
    slices.iter().for_each(|slice| chunk.append(slice, 0).unwrap());
    let (bytes, close) = chunk.close().unwrap();
    let mut group = file.next_row_group().unwrap();
    group.append_column(&Bytes::from(bytes), close).unwrap();
    group.close().unwrap();
    let bytes = Bytes::from(file.into_inner().unwrap());
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes, options).unwrap();
    let metadata = builder.metadata().as_ref().clone();
    let mut texts = Vec::new();
    for batch in builder.with_batch_size(1000).build().unwrap() {
        let batch = batch.unwrap();
        let column = batch.column(0).as_string::<i32>();
        texts.extend(column.iter().map(|text| text.map(str::to_owned)));
    }
    (texts, metadata)
}

fn encodings(metadata: &ParquetMetaData) -> Vec<Encoding> {
    metadata.row_group(0).column(0).encodings().collect()
}

#[test]
fn pages_with_and_without_dictionaries_become_one_column() {
    let pages = || {
        vec![
            Some(dictionary::<Int16Type>(&[Some("a"), None, Some("b"), Some("a")])),
            Some(dictionary::<Int32Type>(&[Some("b"), Some("c"), None, Some("ä")])),
            None,
            Some(plain(&[None, Some("a"), Some(""), Some("c")])),
        ]
    };
    let expected = "a b - - - c - a b - -  a ä - c";
    let expected: Vec<Option<&str>> =
        expected.split(' ').map(|text| (text != "-").then_some(text)).collect();
    for codec in [Codec::UNCOMPRESSED, Codec::ZSTD(Default::default())] {
        for uses_dictionary in [true, false] {
            let (texts, metadata) =
                read(&[slice(pages(), 4), slice(pages(), 4)], uses_dictionary, codec);
            let twice = [&expected[..], &expected[..]].concat();
            assert_eq!(texts.iter().map(Option::as_deref).collect::<Vec<_>>(), twice);
            let column = metadata.row_group(0).column(0);
            assert_eq!(encodings(&metadata).contains(&Encoding::RLE_DICTIONARY), uses_dictionary);
            assert_eq!(column.num_values(), 32);
            let statistics = column.statistics().unwrap();
            assert_eq!(statistics.null_count_opt(), Some(14));
            if uses_dictionary {
                assert_eq!(statistics.min_bytes_opt(), Some(&b""[..]));
                assert_eq!(statistics.max_bytes_opt(), Some("ä".as_bytes()));
                assert!(statistics.min_is_exact() && statistics.max_is_exact());
            }
        }
    }
}

#[test]
fn column_without_values_is_read() {
    let (texts, _) = read(&[slice(vec![None], 70_000)], true, Codec::ZSTD(Default::default()));
    assert_eq!(texts, vec![None; 70_000]);
    let nulls = dictionary::<Int16Type>(&[None; 10]);
    let (texts, _) = read(&[slice(vec![Some(nulls)], 10)], true, Codec::UNCOMPRESSED);
    assert_eq!(texts, vec![None; 10]);
}

/// Keys grow wider from page to page, and a dictionary that is too large ends.
#[test]
fn pages_end_and_plain_values_follow_a_full_dictionary() {
    let texts: Vec<String> = (0..200_000).map(|n| format!("value {:x}", n / 3 * 7919)).collect();
    let texts: Vec<Option<&str>> =
        texts.iter().enumerate().map(|(n, text)| (n % 10 != 9).then_some(text.as_str())).collect();
    let page = || Some(dictionary::<Int32Type>(&texts));
    let (found, metadata) = read(&[slice(vec![page()], texts.len())], true, Codec::UNCOMPRESSED);
    assert!(found.iter().map(Option::as_deref).eq(texts.iter().copied()));
    let encodings = encodings(&metadata);
    assert!(encodings.contains(&Encoding::RLE_DICTIONARY) && encodings.contains(&Encoding::PLAIN));
    let few: Vec<Option<&str>> = (0..200_000).map(|n| texts[n % 1000 / (1 + n / 65_536)]).collect();
    let page = || Some(dictionary::<Int16Type>(&few));
    let (found, metadata) = read(&[slice(vec![page()], few.len())], true, Codec::UNCOMPRESSED);
    assert!(found.iter().map(Option::as_deref).eq(few.iter().copied()));
    let pages = metadata.offset_index().unwrap()[0][0].page_locations().len();
    assert_eq!(pages, 200_000_usize.div_ceil(PAGE_ROWS));
}

#[test]
fn long_bounds_are_truncated_to_whole_characters_and_remain_valid() {
    let long = |text: &str| text.repeat(40);
    for (texts, least, greatest, exact) in [
        (vec!["b", "a"], "a".to_owned(), "b".to_owned(), true),
        (vec![&*long("ab"), "b"], long("ab")[..64].to_owned(), "b".to_owned(), false),
        (vec!["a", &*long("ab")], "a".to_owned(), format!("{}ac", &long("ab")[..62]), false),
        (vec!["a", &*long("ä")], "a".to_owned(), format!("{}å", "ä".repeat(31)), false),
    ] {
        let texts: Vec<Option<&str>> = texts.into_iter().map(Some).collect();
        let page = Some(dictionary::<Int16Type>(&texts));
        let (_, metadata) = read(&[slice(vec![page], 2)], true, Codec::UNCOMPRESSED);
        let statistics = metadata.row_group(0).column(0).statistics().unwrap().clone();
        assert_eq!(statistics.min_bytes_opt(), Some(least.as_bytes()));
        assert_eq!(statistics.max_bytes_opt(), Some(greatest.as_bytes()));
        assert_eq!(statistics.min_is_exact() && statistics.max_is_exact(), exact);
    }
    assert_eq!(next_greater("\u{10FFFF}".as_bytes()), None);
    assert_eq!(next_greater("a\u{10FFFF}".as_bytes()).as_deref(), Some(&b"b"[..]));
}
