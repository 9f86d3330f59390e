//! The Delta log: reads versions and makes commits with deltalake-core.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, LogicalFileView, Remove, StructType, Transaction};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use tokio::runtime::Runtime;
use url::Url;

use crate::column::arrow_schema;
use crate::error::{Cause, Error, Result};
use crate::record::time;
use crate::schema::PLAUSIBLE_US;
use crate::store::delta::commit_marks::{action_mark, commit_marks};
use crate::store::delta::data_path::data_file_path;
use crate::store::delta::log_damage::{self, LogDamage};
use crate::store::delta::object_store::DiskObjectStore;
use crate::store::delta::retention;
use crate::store::delta::runtime::runtime;
use crate::store::delta::snapshot::DataFile;
use crate::store::fs::disk::Disk;
use crate::store::handle::{Store, TableKind};
use crate::store::inventory::schema::inventory_schema;
use crate::store::parquet::writer::MAX_FILE_BYTES;

/// The application id whose transaction number is that of the newest source-log file.
pub(super) const APPLICATION_ID: &str = "pbi-analyze.sources";

/// The start of application ids that each say that a writer was stopped.
pub(super) const STOPPED_WRITER_PREFIX: &str = "pbi-analyze.stopped.";

/// The table property that identifies the key of the pseudonyms in the table.
const PSEUDONYM_KEY_PROPERTY: &str = "pbi-analyze.pseudonyms";

/// Reader features that need nothing but reading the Parquet files as they are.
const SUPPORTED_FEATURES: [&str; 2] = ["timestampNtz", "v2Checkpoint"];

/// Properties of a new table. Every command reads the log from its newest checkpoint, so
/// checkpoints are frequent. Replaced files are deleted immediately, so their entries in the log
/// are kept for one day only.
const TABLE_PROPERTIES: [(&str, &str); 2] =
    [("delta.checkpointInterval", "10"), ("delta.deletedFileRetentionDuration", "interval 1 days")];

/// The outcome of one attempt to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum CommitAttempt {
    /// This version was made.
    Committed(i64),
    /// Another writer made that version first. Nothing was changed.
    Conflict,
    /// A version may have been made: the newest version must be read to find out.
    Unknown,
}

/// The content of a commit: data files and the number of the newest source-log file.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct CommitContent<'c> {
    pub(in crate::store) files: &'c [DataFile],
    pub(in crate::store) source_log_head: Option<i64>,
}

/// One version of the Delta log.
pub(in crate::store) struct DeltaLog {
    kind: TableKind,
    table_dir: PathBuf,
    table: DeltaTable,
    runtime: &'static Runtime,
}

impl DeltaLog {
    /// Opens the newest version.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the log cannot be read, or if this program cannot read the table.
    pub(in crate::store) fn open(store: &Store) -> Result<DeltaLog> {
        DeltaLog::open_in(Arc::clone(store.disk()), store.table_dir(), store.table)
    }

    /// Opens the newest version of the table in a folder.
    ///
    /// # Errors
    ///
    /// As [`DeltaLog::open`].
    pub(in crate::store) fn open_table(disk: Arc<dyn Disk>, folder: PathBuf) -> Result<DeltaLog> {
        DeltaLog::open_in(disk, folder, TableKind::Events)
    }

    fn open_in(disk: Arc<dyn Disk>, folder: PathBuf, kind: TableKind) -> Result<DeltaLog> {
        let (builder, runtime) = table_builder(&disk, &folder)?;
        let table =
            runtime.block_on(builder.load()).map_err(|error| unreadable_log(&folder, error))?;
        let log = DeltaLog { kind, table_dir: folder, table, runtime };
        log.check_reader_features()?;
        Ok(log)
    }

    /// Opens the newest version, or creates the table.
    pub(in crate::store) fn open_or_create(store: &Store) -> Result<DeltaLog> {
        if store.exists()? {
            return DeltaLog::open(store);
        }
        let (folder, kind) = (store.table_dir(), store.table);
        let log = folder.join("_delta_log");
        store.disk().create_folder(&log).map_err(Error::io("create", &log))?;
        let (builder, runtime) = table_builder(store.disk(), &folder)?;
        let schema: StructType =
            table_schema(kind).as_ref().try_into_kernel().map_err(Error::internal)?;
        let partition = deltalake_core::kernel::StructField::nullable(
            kind.partition(),
            deltalake_core::kernel::DataType::STRING,
        );
        let columns: Vec<_> = schema.fields().cloned().chain([partition]).collect();
        let table = builder.build().map_err(|error| delta_error(&folder, error))?;
        let create = deltalake_core::operations::create::CreateBuilder::new()
            .with_log_store(table.log_store())
            .with_table_name(kind.folder())
            .with_comment(match kind {
                TableKind::Events => "Power BI activity events, each once; written by pbi-analyze",
                TableKind::Inventory => "Workspaces and items; written by pbi-analyze",
            })
            .with_columns(columns)
            .with_partition_columns([kind.partition()])
            .with_raise_if_key_not_exists(false)
            .with_configuration(
                TABLE_PROPERTIES
                    .map(|(name, value)| (name, Some(value)))
                    .into_iter()
                    .chain([(PSEUDONYM_KEY_PROPERTY, store.pseudonym_key_id.as_deref())]),
            );
        match runtime.block_on(async { create.await }) {
            Ok(table) => Ok(DeltaLog { kind, table_dir: folder, table, runtime }),
            // Another writer may have created the table meanwhile.
            Err(_) if store.exists()? => DeltaLog::open(store),
            Err(error) => Err(delta_error(&folder, error)),
        }
    }

    /// Returns what identifies the key of the pseudonyms in the table, or `None` if it has names.
    pub(in crate::store) fn pseudonym_key_id(&self) -> Result<Option<String>> {
        let state = self.table.snapshot().map_err(|error| self.delta_error(error))?;
        Ok(state.metadata().configuration().get(PSEUDONYM_KEY_PROPERTY).cloned())
    }

    /// Refuses to write names to a table of pseudonyms, pseudonyms to a table of names, or
    /// pseudonyms of a second key.
    pub(in crate::store) fn ensure_pseudonym_key(&self, wanted: Option<&str>) -> Result<()> {
        let present = self.pseudonym_key_id()?;
        let message = match (present.as_deref(), wanted) {
            (present, wanted) if present == wanted => return Ok(()),
            (Some(_), None) => {
                "the store contains pseudonyms; ingest with --pseudonymize and the key file that \
                 they were made with"
            }
            (None, _) => {
                "the store contains names that are not pseudonymized; use another store for \
                 pseudonyms"
            }
            (Some(_), Some(_)) => {
                "the store contains pseudonyms that were made with another key; use that key file"
            }
        };
        Err(Error::store(&self.table_dir, message))
    }

    /// Returns the number of the version.
    pub(in crate::store) fn version(&self) -> i64 {
        self.table.version().map_or(-1, |version| version as i64)
    }

    /// Returns the number of the newest source-log file.
    pub(in crate::store) fn source_log_head(&self) -> Result<Option<i64>> {
        self.transaction_version(APPLICATION_ID)
    }

    /// Returns the number of the newest transaction of an application.
    pub(super) fn transaction_version(&self, application: &str) -> Result<Option<i64>> {
        let store = self.table.log_store();
        let state = self.table.snapshot().map_err(|error| self.delta_error(error))?;
        self.runtime
            .block_on(state.transaction_version(store.as_ref(), application))
            .map_err(|error| self.delta_error(error))
    }

    /// Returns the data files of the version, sorted by month and path.
    pub(in crate::store) fn files(&self) -> Result<Vec<DataFile>> {
        let state = self.table.snapshot().map_err(|error| self.delta_error(error))?;
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            if view.deletion_vector_descriptor().is_some() {
                return Err(Error::store(
                    &self.table_dir,
                    format!(
                        "{} has a deletion vector, which this program cannot read; rewrite the \
                         table without deletion vectors (in Spark: REORG TABLE … APPLY (PURGE))",
                        view.path()
                    ),
                ));
            }
            files.push(data_file_from_view(&self.table_dir, &view, self.kind)?);
        }
        files.sort_by(|a, b| (&a.month, &a.path).cmp(&(&b.month, &b.path)));
        // The log can spell one path in several ways. Its events would count several times.
        match files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            None => Ok(files),
            Some(pair) => Err(Error::store(
                &self.table_dir,
                format!(
                    "the log names the data file {} twice; restore _delta_log from a copy",
                    pair[0].path.display()
                ),
            )),
        }
    }

    /// Commits new files and a source-log file as the next version.
    ///
    /// The commit is a conflict if that version exists: its events must be compared first.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the commit may have failed. It may also have been made, if the disk
    /// failed later: [`DeltaLog::has_commit_of`] of the newest version shows this.
    pub(in crate::store) fn commit_append(
        &self,
        content: CommitContent<'_>,
    ) -> Result<CommitAttempt> {
        let actions = self.add_actions(content.files, true)?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: Some(vec![self.kind.partition().to_owned()]),
            predicate: None,
        };
        self.try_commit(actions, source_log_transaction(content), operation)
    }

    /// Commits that `new` files replace `old` ones with the same events, as the next version.
    ///
    /// # Errors
    ///
    /// As [`DeltaLog::commit_append`].
    pub(in crate::store) fn commit_compaction(
        &self,
        old: &[DataFile],
        new: &[DataFile],
    ) -> Result<CommitAttempt> {
        let mut actions = self.add_actions(new, false)?;
        for file in old {
            actions.push(Action::Remove(self.remove_action(file)?));
        }
        let operation =
            DeltaOperation::Optimize { predicate: None, target_size: MAX_FILE_BYTES as i64 };
        self.try_commit(actions, Vec::new(), operation)
    }

    /// Commits that new files replace `old` ones with fewer or changed events, and the source-log
    /// file, as the next version.
    ///
    /// # Errors
    ///
    /// As [`DeltaLog::commit_append`].
    pub(in crate::store) fn commit_redaction(
        &self,
        old: &[DataFile],
        new: CommitContent<'_>,
    ) -> Result<CommitAttempt> {
        self.commit_replacement(old, new, DeltaOperation::Delete { predicate: None })
    }

    /// Commits that new files replace `old` ones with the same events or more, some of them
    /// changed, and the source-log file, as the next version.
    ///
    /// # Errors
    ///
    /// As [`DeltaLog::commit_append`].
    pub(in crate::store) fn commit_update(
        &self,
        old: &[DataFile],
        new: CommitContent<'_>,
    ) -> Result<CommitAttempt> {
        self.commit_replacement(old, new, DeltaOperation::Update { predicate: None })
    }

    fn commit_replacement(
        &self,
        old: &[DataFile],
        new: CommitContent<'_>,
        operation: DeltaOperation,
    ) -> Result<CommitAttempt> {
        let mut actions = self.add_actions(new.files, true)?;
        for file in old {
            let remove = self.remove_action(file)?;
            actions.push(Action::Remove(Remove { data_change: true, ..remove }));
        }
        self.try_commit(actions, source_log_transaction(new), operation)
    }

    /// Tries to make the next version.
    pub(super) fn try_commit(
        &self,
        actions: Vec<Action>,
        transactions: Vec<Transaction>,
        operation: DeltaOperation,
    ) -> Result<CommitAttempt> {
        let (version, marks) = (self.version() + 1, commit_marks(&actions, &transactions));
        // By default, deltalake reads the age of every log file after every commit. Here, versions
        // are deleted by number instead.
        let properties = CommitProperties::default()
            .with_max_retries(0)
            .with_cleanup_expired_logs(Some(false))
            .with_application_transactions(transactions);
        let state = self.table.snapshot().map_err(|error| self.delta_error(error))?;
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(state),
            self.table.log_store(),
            operation,
        );
        let error = match self.runtime.block_on(async { commit.await }) {
            Ok(done) => return Ok(self.finish_commit(done.version() as i64)),
            Err(error) => error,
        };
        // A share can lose a response. The version itself says whose it is.
        let made = self.commit_actions(version);
        let has_mark = |mark| made.iter().any(|action| action_mark(action).as_ref() == Some(mark));
        if !marks.is_empty() && marks.iter().all(has_mark) {
            return Ok(self.finish_commit(version));
        }
        match error {
            _ if !made.is_empty() => Ok(CommitAttempt::Conflict),
            DeltaTableError::VersionAlreadyExists(_)
            | DeltaTableError::Transaction {
                source:
                    TransactionError::CommitConflict(_)
                    | TransactionError::MaxCommitAttempts(_)
                    | TransactionError::VersionAlreadyExists(_),
            } => Ok(CommitAttempt::Conflict),
            // The log may have deleted the versions that this commit needed.
            _ if self.is_superseded_by_checkpoint(version) => Ok(CommitAttempt::Unknown),
            error => Err(self.delta_error(error)),
        }
    }

    /// Returns the outcome of a commit that the log has accepted.
    fn finish_commit(&self, version: i64) -> CommitAttempt {
        if self.is_superseded_by_checkpoint(version) {
            return CommitAttempt::Unknown;
        }
        CommitAttempt::Committed(version)
    }

    /// Returns true if the log has a checkpoint after a version.
    ///
    /// Either other writers have continued from that version. Or the version was deleted long ago
    /// and its number became free again: then no reader ever reads what is committed there.
    fn is_superseded_by_checkpoint(&self, version: i64) -> bool {
        retention::latest_checkpoint(&self.log_dir()).is_some_and(|checkpoint| checkpoint > version)
    }

    /// Returns the folder of the log.
    pub(super) fn log_dir(&self) -> PathBuf {
        self.table_dir.join("_delta_log")
    }

    /// Returns true if this version contains the commit of this content.
    pub(in crate::store) fn has_commit_of(&self, content: CommitContent<'_>) -> Result<bool> {
        if content.files.is_empty() {
            return Ok(self.source_log_head()? == content.source_log_head);
        }
        let present = self.files()?;
        let is_present = |file: &DataFile| present.iter().any(|other| other.path == file.path);
        Ok(content.files.iter().any(is_present))
    }

    /// Returns true if this version contains all these files.
    pub(in crate::store) fn contains_all(&self, files: &[DataFile]) -> bool {
        self.files().is_ok_and(|present| {
            let present: BTreeSet<&Path> = present.iter().map(|file| file.path.as_path()).collect();
            files.iter().all(|file| present.contains(file.path.as_path()))
        })
    }

    fn add_actions(&self, files: &[DataFile], data_change: bool) -> Result<Vec<Action>> {
        let add = |file| self.add_action(file).map(|add| Action::Add(Add { data_change, ..add }));
        files.iter().map(add).collect()
    }

    fn remove_action(&self, file: &DataFile) -> Result<Remove> {
        let now = chrono::Utc::now().timestamp_millis();
        Ok(Remove {
            path: self.relative_path(file)?,
            data_change: false,
            deletion_timestamp: Some(now),
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition_values(file)),
            size: Some(file.size_bytes as i64),
            ..Remove::default()
        })
    }

    /// Returns the path of a file relative to the table, as the log contains it.
    fn relative_path(&self, file: &DataFile) -> Result<String> {
        let path = file.path.strip_prefix(&self.table_dir).map_err(Error::internal)?;
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }

    fn partition_values(&self, file: &DataFile) -> HashMap<String, Option<String>> {
        [(self.kind.partition().to_owned(), Some(file.month.clone()))].into()
    }

    fn add_action(&self, file: &DataFile) -> Result<Add> {
        let modified = std::fs::metadata(&file.path)
            .and_then(|meta| meta.modified())
            .map_err(Error::io("read the time of", &file.path))?;
        let since_1970 = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok(Add {
            path: self.relative_path(file)?,
            size: file.size_bytes as i64,
            partition_values: self.partition_values(file),
            modification_time: since_1970.as_millis() as i64,
            data_change: true,
            stats: Some(file_statistics(file, self.kind)),
            ..Add::default()
        })
    }

    /// Refuses a table with a reader feature that this program does not support. Reading its files
    /// would give wrong events.
    fn check_reader_features(&self) -> Result<()> {
        let state = self.table.snapshot().map_err(|error| self.delta_error(error))?;
        let protocol = state.protocol();
        let features = protocol.reader_features().unwrap_or_default();
        let unsupported: Vec<String> = features
            .iter()
            .map(|feature| feature.as_ref().to_owned())
            .filter(|feature| !SUPPORTED_FEATURES.contains(&feature.as_str()))
            .collect();
        let mapped = state.metadata().configuration().get("delta.columnMapping.mode");
        let mapped = mapped.is_some_and(|mode| mode != "none");
        if unsupported.is_empty() && !mapped {
            return Ok(());
        }
        let name = if mapped { "columnMapping".to_owned() } else { unsupported.join(", ") };
        Err(Error::store(
            &self.table_dir,
            format!(
                "the table requires the reader feature {name}, which this program does not \
                 support; drop the feature, or use the engine that enabled it"
            ),
        ))
    }

    fn delta_error(&self, error: impl Into<Cause>) -> Error {
        unreadable_log(&self.table_dir, error)
    }
}

/// Returns the transaction that makes a source-log file the newest one.
fn source_log_transaction(content: CommitContent<'_>) -> Vec<Transaction> {
    let number = content.source_log_head.into_iter();
    number.map(|number| Transaction::new(APPLICATION_ID, number)).collect()
}

/// Returns the columns of a table without the partition column.
fn table_schema(kind: TableKind) -> SchemaRef {
    match kind {
        TableKind::Events => arrow_schema(),
        TableKind::Inventory => inventory_schema(),
    }
}

fn table_builder(
    disk: &Arc<dyn Disk>,
    folder: &Path,
) -> Result<(DeltaTableBuilder, &'static Runtime)> {
    let runtime = runtime()?;
    // deltalake decodes paths in URLs more than once, and a folder may have any name. So the log
    // store gets the folder as its root, under a fixed URL.
    let url = Url::parse("memory:///").map_err(Error::internal)?;
    let builder =
        DeltaTableBuilder::from_url(url.clone()).map_err(|error| delta_error(folder, error))?;
    let backend = DiskObjectStore::new(Arc::clone(disk), folder)
        .map_err(|error| delta_error(folder, error))?;
    let backend = Arc::new(backend);
    Ok((builder.with_storage_backend(backend, url), runtime))
}

/// Returns the error for a log that cannot be read. If a version is missing or a file is damaged,
/// it says which.
fn unreadable_log(folder: &Path, error: impl Into<Cause>) -> Error {
    match log_damage::find(&folder.join("_delta_log")) {
        Some(LogDamage::Missing { version, next }) => {
            let message = format!(
                "expected version {version} of the log, found version {next} after a gap; restore \
                 _delta_log/{version:020}.json from a copy of the store"
            );
            Error::store_caused(folder, message, error)
        }
        Some(LogDamage::Damaged { file, message }) => {
            let advice = "restore this file from a copy of the store";
            Error::store_caused(&file, format!("{message}; {advice}"), error)
        }
        None => delta_error(folder, error),
    }
}

/// Returns an error with the first line of a deltalake error. Backtraces, if enabled, follow it.
fn delta_error(folder: &Path, error: impl Into<Cause>) -> Error {
    let error = error.into();
    let text = error.to_string();
    Error::store_caused(folder, text.lines().next().unwrap_or_default(), error)
}

/// Returns a file of the log.
///
/// Statistics in the log are believed only if they are possible: other programs write the log too,
/// and a period of millenniums would have millions of days.
fn data_file_from_view(folder: &Path, view: &LogicalFileView, kind: TableKind) -> Result<DataFile> {
    let stats = view.stats().and_then(|text| serde_json::from_str(&text).ok());
    let stats: serde_json::Value = stats.unwrap_or_default();
    let bound = |bound: &str| stats[bound]["CreationTime"].as_str().map(str::to_owned);
    let us = |text: String| time::parse(&text).map(|instant| instant.epoch_us);
    // Other programs truncate maxima to milliseconds: the real maximum is up to 999 µs later.
    let last = bound("maxValues").and_then(|text| {
        let is_exact = text.rsplit_once('.').is_some_and(|(_, digits)| digits.len() > 6);
        us(text).map(|us| if is_exact { us } else { us + 999 })
    });
    let is_possible = |(first, last): &(i64, i64)| {
        first <= last && PLAUSIBLE_US.contains(first) && PLAUSIBLE_US.contains(last)
    };
    let month = view.partition_values_map().get(kind.partition()).cloned().flatten();
    Ok(DataFile {
        path: data_file_path(folder, &view.path(), (kind.partition(), month.as_deref()))?,
        size_bytes: u64::try_from(view.size()).unwrap_or(0),
        events: stats["numRecords"].as_u64().unwrap_or(0),
        month: month.unwrap_or_default(),
        period_us: bound("minValues").and_then(us).zip(last).filter(is_possible),
    })
}

/// Returns the statistics of a file in the format of the Delta protocol ("Per-file Statistics").
fn file_statistics(file: &DataFile, kind: TableKind) -> String {
    if kind == TableKind::Inventory {
        return serde_json::json!({ "numRecords": file.events }).to_string();
    }
    let mut stats = serde_json::json!({
        "numRecords": file.events,
        "minValues": {},
        "maxValues": {},
        "nullCount": { "Id": 0, "CreationTime": 0 },
    });
    if let Some((first, last)) = file.period_us {
        stats["minValues"]["CreationTime"] = time::to_rfc3339_micros(first).into();
        stats["maxValues"]["CreationTime"] = time::to_rfc3339_micros(last).into();
    }
    stats.to_string()
}
