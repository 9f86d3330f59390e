//! Reads the table of a store as another program does: the files that its log names, their columns,
//! and each row as the event it came from.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use chrono::DateTime;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use pbi_analyze::internals::schema::columns;

use crate::exact::Json;

/// Returns the data files of a store by month. Asserts that the folder contains only files that the
/// log names, because a reader of the folder must not count events twice.
pub fn files(store: &Path) -> Vec<PathBuf> {
    let events = store.join("events");
    let mut named = BTreeSet::new();
    for version in versions(store) {
        let log = std::fs::read_to_string(version).expect("the log can be read");
        for line in log.lines() {
            let action: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            let path = |kind: &str| action[kind]["path"].as_str().map(|path| events.join(path));
            named.extend(path("add"));
            if let Some(removed) = path("remove") {
                named.remove(&removed);
            }
        }
    }
    let mut present = BTreeSet::new();
    for month in list(&events).into_iter().filter(|path| name(path).starts_with("month=")) {
        present.extend(list(&month));
    }
    assert_eq!(present, named, "the folder holds something else than the log names");
    named.into_iter().collect()
}

/// Returns the versions in the log of a store in their order.
pub fn versions(store: &Path) -> Vec<PathBuf> {
    let mut files = list(&store.join("events/_delta_log"));
    files.retain(|path| name(path).ends_with(".json"));
    files
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be listed");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_name().expect("an entry has a name").to_string_lossy().into_owned()
}

/// Returns all rows of a file.
pub fn read(file: &Path) -> RecordBatch {
    let open = File::open(file).expect("the file can be opened");
    let reader = ParquetRecordBatchReaderBuilder::try_new(open).expect("the file is Parquet");
    let schema = reader.schema().clone();
    let batches: Result<Vec<RecordBatch>, _> =
        reader.with_batch_size(64 << 10).build().expect("the file can be read").collect();
    let batches = batches.expect("the file can be read to its end");
    concat_batches(&schema, &batches).expect("batches of a file fit together")
}

/// Reads only the ids of all rows of a file, in its order.
pub fn ids_of(file: &Path) -> Vec<String> {
    let open = File::open(file).expect("the file can be opened");
    let reader = ParquetRecordBatchReaderBuilder::try_new(open).expect("the file is Parquet");
    let mask = ProjectionMask::columns(reader.parquet_schema(), ["Id"]);
    let mut ids = Vec::new();
    for batch in reader.with_projection(mask).build().expect("the file can be read") {
        let batch = batch.expect("the file can be read to its end");
        let column = batch.column(0).as_string::<i32>();
        ids.extend(column.iter().map(|id| id.expect("every event has an id").to_owned()));
    }
    ids
}

/// Returns the month in the name of a file's folder.
pub fn month(file: &Path) -> String {
    let folder = name(file.parent().expect("a file is in the folder of its month"));
    folder.strip_prefix("month=").expect("a month's folder").to_owned()
}

/// Calls `take` with every row of the store: typed columns, text columns by name.
pub fn for_each_row(store: &Path, mut take: impl FnMut(&Row<'_>)) {
    for file in files(store) {
        let (batch, month) = (read(&file), month(&file));
        for at in 0..batch.num_rows() {
            take(&Row { batch: &batch, month: &month, at });
        }
    }
}

/// Returns the sorted ids of all events of a store, with duplicates.
pub fn ids(store: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for_each_row(store, |row| ids.push(row.text("Id").expect("every event has an id").to_owned()));
    ids.sort();
    ids
}

/// Returns all events of a store by id, see [`Row::event`].
pub fn events(store: &Path) -> std::collections::BTreeMap<String, Json> {
    let mut events = std::collections::BTreeMap::new();
    for_each_row(store, |row| {
        let id = row.text("Id").expect("every event has an id").to_owned();
        assert!(events.insert(id, row.event()).is_none(), "an id is in two rows");
    });
    events
}

/// Columns that are not part of an event.
const OWN: [&str; 4] = ["Extra", "SourceFile", "SourceKind", "Copies"];

/// One row of the table.
pub struct Row<'b> {
    batch: &'b RecordBatch,
    pub month: &'b str,
    at: usize,
}

impl Row<'_> {
    fn column(&self, name: &str) -> &ArrayRef {
        self.batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        let column = self.column(name).as_string::<i32>();
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        let column = self.column(name).as_primitive::<Int64Type>();
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    /// Returns microseconds since 1970.
    pub fn time_us(&self) -> i64 {
        self.column("CreationTime").as_primitive::<TimestampMicrosecondType>().value(self.at)
    }

    /// Returns the content of `Extra`, or an empty object.
    pub fn extra(&self) -> Json {
        self.text("Extra").map_or(Json::Object(Vec::new()), Json::parse)
    }

    /// Returns the event: its typed columns overlaid by `Extra`, where names match in any case,
    /// with members sorted by name.
    pub fn event(&self) -> Json {
        let extra = self.extra();
        let mut members = Vec::new();
        for (field, column) in self.batch.schema().fields().iter().zip(self.batch.columns()) {
            let name = field.name();
            let is = |(known, _): &(String, Json)| known.eq_ignore_ascii_case(name);
            let is_derived = columns().iter().any(|c| c.name == name && c.is_derived());
            if !is_derived && !OWN.contains(&name.as_str()) && !extra.members().iter().any(is) {
                members.extend(value(column, self.at).map(|value| (name.clone(), value)));
            }
        }
        members.extend(extra.members().iter().cloned());
        Json::Object(members).sorted()
    }
}

/// Returns a value of a column; `None` for null. A time is text in UTC with all its microseconds.
fn value(array: &ArrayRef, row: usize) -> Option<Json> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => Json::text(array.as_string::<i32>().value(row)),
        DataType::Int64 => Json::Number(array.as_primitive::<Int64Type>().value(row).to_string()),
        DataType::Boolean => Json::Bool(array.as_boolean().value(row)),
        DataType::Timestamp(_, zone) => {
            assert_eq!(zone.as_deref(), Some("UTC"));
            time_text(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let item = |at| value(&items, at).unwrap_or(Json::Null);
            Json::List((0..items.len()).map(item).collect())
        }
        DataType::Struct(fields) => {
            let members = fields.iter().zip(array.as_struct().columns());
            Json::Object(
                members
                    .filter_map(|(field, column)| Some((field.name().clone(), value(column, row)?)))
                    .collect(),
            )
        }
        other => panic!("a column of type {other}"),
    })
}

/// Formats an instant as [`Row::event`] does.
pub fn time_text(us: i64) -> Json {
    let time = DateTime::from_timestamp_micros(us).expect("an instant of the log");
    Json::Text(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// Returns the paths and texts of all files of a store, including those that no commit names. A
/// compressed file has a second text, its content.
pub fn file_texts(store: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    let mut folders = vec![store.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.to_string_lossy().into_owned();
            // Footers of Parquet files contain the minimum and maximum text of a column.
            let bytes = std::fs::read(&path).expect("the file can be read");
            if name.ends_with(".zst") {
                let text = zstd::decode_all(&bytes[..]).expect("it is whole");
                texts.push((name.clone(), String::from_utf8(text).expect("it is text")));
            }
            texts.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    texts
}
