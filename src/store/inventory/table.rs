//! Reads and changes the inventory table, with the log and commits of the table of events.
//!
//! A row is in the table once. Rows of states that the table has are left out, so reading a file
//! twice adds nothing. A commit that is repeated after a crash adds nothing either: it precedes the
//! commit of the events, whose source log says which files were read.

use std::collections::BTreeSet;
use std::io::BufWriter;
use std::path::Path;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::schema::{add_rows, inventory_schema, to_batch};
use crate::error::{Error, Result};
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};
use crate::store::delta::commit::{MAX_ATTEMPTS, backoff, too_many_conflicts};
use crate::store::delta::log::{CommitContent, DeltaLog};
use crate::store::delta::snapshot::DataFile;
use crate::store::file_names::{data_file_name, temp_file_name};
use crate::store::fs::atomic_file::{AtomicFile, Publish};
use crate::store::fs::paths::is_absent;
use crate::store::handle::Store;
use crate::store::parquet::reader::{self, into_io_error};
use crate::store::write::commit_check::check_before_commit;
use crate::store::write::writer_lock::WriterLock;

/// Files below this size are merged with new rows. Larger files stay as they are.
const MERGED_BYTES: u64 = 4 << 20;

/// Rows in one batch of the writer.
const BATCH_ROWS: usize = 64 << 10;

/// A change of the table: files to replace, and rows of the files that replace them.
struct TableChange {
    old: Vec<DataFile>,
    rows: Vec<(RowKind, Vec<InventoryRow>)>,
}

/// Returns the rows of files.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be read, [`Error::Store`] if its kind of rows is unknown.
pub fn read_inventory(files: &[DataFile]) -> Result<Vec<InventoryRow>> {
    let mut rows = Vec::new();
    for file in files {
        add_file(file, &mut rows)?;
    }
    Ok(rows)
}

fn add_file(file: &DataFile, rows: &mut Vec<InventoryRow>) -> Result<()> {
    let kind = RowKind::from_name(&file.month).ok_or_else(|| {
        let message = format!("the kind of rows {:?} is unknown; update pbi-analyze", file.month);
        Error::store(&file.path, message)
    })?;
    reader::for_each_batch(&file.path, None, |batch| add_rows(batch, kind, rows))
}

impl Store {
    /// Returns the version of the inventory table and its files; -1 and none if there is none.
    pub(in crate::store) fn inventory_version(&self) -> Result<(i64, Vec<DataFile>)> {
        let store = self.inventory();
        if !store.exists()? {
            return Ok((-1, Vec::new()));
        }
        let log = DeltaLog::open(&store)?;
        Ok((log.version(), log.files()?))
    }

    /// Returns the digests of the states in the inventory table.
    ///
    /// # Errors
    ///
    /// Errors of reading the table.
    #[doc(hidden)]
    pub fn inventory_states(&self) -> Result<BTreeSet<String>> {
        let mut attempts = 0;
        loop {
            let (_, files) = self.inventory_version()?;
            let scans = files.iter().filter(|file| file.month == RowKind::Scan.name());
            let scans: Vec<DataFile> = scans.cloned().collect();
            attempts += 1;
            match read_inventory(&scans) {
                Ok(rows) => {
                    let states = rows.iter().filter_map(|row| row.get(Column::State));
                    return Ok(states.map(str::to_owned).collect());
                }
                // Another command has replaced a file since the log was read.
                Err(_) if attempts < MAX_ATTEMPTS && is_replaced(&files) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the addresses and IDs of the persons in the inventory, one list for each person in
    /// a row.
    ///
    /// # Errors
    ///
    /// Errors of reading the table.
    #[doc(hidden)]
    pub fn inventory_persons(&self) -> Result<BTreeSet<Vec<String>>> {
        let (_, files) = self.inventory_version()?;
        let kinds = [RowKind::Access, RowKind::Person, RowKind::Attribute, RowKind::GroupMember];
        let kinds = kinds.map(RowKind::name);
        let named = files.into_iter().filter(|file| kinds.contains(&file.month.as_str()));
        let rows = read_inventory(&named.collect::<Vec<_>>())?;
        let names = |row: &InventoryRow| {
            let address = row.get(Column::Principal).filter(|text| text.contains('@'))?;
            let aliases = row.get(Column::Aliases).unwrap_or_default().split_whitespace();
            let all = [address].into_iter().chain(row.get(Column::PrincipalId)).chain(aliases);
            Some(all.map(str::to_owned).collect())
        };
        Ok(rows.iter().filter_map(names).collect())
    }

    /// Adds rows to the inventory table in one commit.
    pub(in crate::store) fn add_inventory(
        &self,
        writer_lock: &WriterLock,
        rows: &[InventoryRow],
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.change_inventory(writer_lock, &|files| addition(files, rows)).map(drop)
    }

    /// Replaces texts in the inventory table in one commit, and returns the number of replaced
    /// texts. With `is_dry_run`, they are only counted.
    ///
    /// # Errors
    ///
    /// Errors of reading and writing the table, which is unchanged then.
    pub(in crate::store) fn redact_inventory(
        &self,
        writer_lock: &WriterLock,
        rewrite: &dyn Fn(&str) -> Option<String>,
    ) -> Result<u64> {
        let redact = |files: &[DataFile]| redaction(files, rewrite).map(|(change, _)| change);
        let (_, files) = self.inventory_version()?;
        let (_, replaced) = redaction(&files, rewrite)?;
        if replaced > 0 {
            self.change_inventory(writer_lock, &redact)?;
        }
        Ok(replaced)
    }

    /// Returns the number of texts that a redaction would replace.
    pub(in crate::store) fn count_inventory_redaction(
        &self,
        rewrite: &dyn Fn(&str) -> Option<String>,
    ) -> Result<u64> {
        let (_, files) = self.inventory_version()?;
        redaction(&files, rewrite).map(|(_, replaced)| replaced)
    }

    /// Commits a change of the table as one version, and tries again if another writer commits
    /// first.
    fn change_inventory(
        &self,
        writer_lock: &WriterLock,
        change: &dyn Fn(&[DataFile]) -> Result<TableChange>,
    ) -> Result<()> {
        let store = &writer_lock.store().inventory();
        let mut number = 0;
        for attempts in 1..MAX_ATTEMPTS {
            let log = DeltaLog::open_or_create(store)?;
            log.ensure_pseudonym_key(store.pseudonym_key_id.as_deref())?;
            let files = log.files()?;
            let TableChange { old, rows } = match change(&files) {
                Ok(change) => change,
                Err(_) if is_replaced(&files) => continue,
                Err(error) => return Err(error),
            };
            if old.is_empty() && rows.is_empty() {
                return Ok(());
            }
            let mut new = Vec::new();
            let discard = |files: &[DataFile]| {
                for file in files {
                    let _ = store.disk().remove(&file.path);
                }
            };
            for (kind, rows) in &rows {
                number += 1;
                match write_file(store, &writer_lock.writer, number, *kind, rows) {
                    Ok(file) => new.push(file),
                    Err(error) => {
                        discard(&new);
                        return Err(error);
                    }
                }
            }
            let content = CommitContent { files: &new, source_log_head: None };
            let attempt = check_before_commit(writer_lock, &log, content)
                .and_then(|()| log.commit_update(&old, content));
            match store.resolve_outcome(writer_lock, attempt, content, || discard(&new))? {
                Some(_) => {
                    discard(&old);
                    return Ok(());
                }
                None => backoff(attempts),
            }
        }
        Err(too_many_conflicts(store.root()))
    }
}

/// Returns true if another command has deleted one of the files.
fn is_replaced(files: &[DataFile]) -> bool {
    files.iter().any(|file| is_absent(&file.path))
}

/// Returns the change that adds the rows which the table does not have. Small files are merged with
/// them.
fn addition(files: &[DataFile], rows: &[InventoryRow]) -> Result<TableChange> {
    let of_kind = |kind: RowKind| files.iter().filter(move |file| file.month == kind.name());
    let scans: Vec<DataFile> = of_kind(RowKind::Scan).cloned().collect();
    let known = read_inventory(&scans)?;
    let states: BTreeSet<&str> = known.iter().filter_map(|row| row.get(Column::State)).collect();
    let known: BTreeSet<&InventoryRow> = known.iter().collect();
    let is_new = |row: &&InventoryRow| match row.kind {
        RowKind::Scan => !known.contains(row),
        _ => row.get(Column::State).is_some_and(|state| !states.contains(state)),
    };
    let mut change = TableChange { old: Vec::new(), rows: Vec::new() };
    for kind in RowKind::ALL {
        let new = rows.iter().filter(|row| row.kind == kind).filter(is_new);
        let mut new: Vec<InventoryRow> = new.cloned().collect();
        if new.is_empty() {
            continue;
        }
        for file in of_kind(kind).filter(|file| file.size_bytes < MERGED_BYTES) {
            add_file(file, &mut new)?;
            change.old.push(file.clone());
        }
        new.sort();
        new.dedup();
        change.rows.push((kind, new));
    }
    Ok(change)
}

/// Returns the change that replaces texts, and their number.
fn redaction(
    files: &[DataFile],
    rewrite: &dyn Fn(&str) -> Option<String>,
) -> Result<(TableChange, u64)> {
    let mut change = TableChange { old: Vec::new(), rows: Vec::new() };
    let mut replaced = 0;
    for file in files {
        let mut rows = Vec::new();
        add_file(file, &mut rows)?;
        let before = replaced;
        rows.retain_mut(|row| {
            let so_far = replaced;
            let own = row.get(Column::Principal).map(str::to_owned);
            for text in row.texts_mut() {
                if let Some(other) = rewrite(text) {
                    *text = other.into_boxed_str();
                    replaced += 1;
                }
            }
            match row.kind {
                // The other columns of these rows describe the person.
                RowKind::Person | RowKind::License => replaced == so_far,
                // The value can name another person, for example the manager.
                RowKind::Attribute => row.get(Column::Principal) == own.as_deref(),
                _ => true,
            }
        });
        if replaced > before
            && let Some(kind) = RowKind::from_name(&file.month)
        {
            rows.sort();
            rows.dedup();
            change.old.push(file.clone());
            if !rows.is_empty() {
                change.rows.push((kind, rows));
            }
        }
    }
    Ok((change, replaced))
}

/// Writes a file of rows of one kind.
fn write_file(
    store: &Store,
    writer: &str,
    number: usize,
    kind: RowKind,
    rows: &[InventoryRow],
) -> Result<DataFile> {
    let partition = format!("{}={}", store.table.partition(), kind.name());
    let folder = store.table_dir().join(partition);
    let file = AtomicFile::create(store.disk(), &folder, &temp_file_name(writer, number))?;
    let path = file.temp_path().to_path_buf();
    let failed = |error: ParquetError| Error::io("write", &path)(into_io_error(error));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("pbi-analyze ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let options =
        ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
    let buffered = BufWriter::new(file);
    let mut out =
        ArrowWriter::try_new_with_options(buffered, inventory_schema(), options).map_err(failed)?;
    for batch in rows.chunks(BATCH_ROWS) {
        out.write(&to_batch(batch).map_err(Error::internal)?).map_err(failed)?;
    }
    let buffered = out.into_inner().map_err(failed)?;
    let file =
        buffered.into_inner().map_err(|error| Error::io("write", &path)(error.into_error()))?;
    let name = data_file_name(writer, number, file.digest());
    let path: &Path = &folder.join(&name);
    let size_bytes = file.publish(&name, Publish::Unreferenced)?;
    Ok(DataFile {
        path: path.to_path_buf(),
        size_bytes,
        events: rows.len() as u64,
        month: kind.name().to_owned(),
        period_us: None,
    })
}
