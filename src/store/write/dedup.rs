//! Deduplication: of each Id, one event is stored.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use hashbrown::HashTable;
use rayon::prelude::*;

use crate::column::{
    CopyReader, EventKey, fingerprints, last_source, non_content_columns, source_order,
};
use crate::error::{Error, Result};
use crate::store::delta::snapshot::DataFile;
use crate::store::parquet::id_prefixes::{IdPrefixes, PrefixMatch, id_prefix};
use crate::store::parquet::reader;
use crate::store::write::copy_spool::CopySpool;
use crate::store::write::merge_copies::{
    self, DifferingCopies, MergeOutcome, StagedCopy, StagedRow, StoredRow, TempSpace, spool_rows,
};
use crate::store::write::run::{Run, row_number};

/// The numbers of stored and duplicate events of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DedupCounts {
    /// Newly stored events.
    pub stored: u64,
    /// Duplicates of other events in this write or in the table.
    pub duplicates: u64,
    /// Duplicates that contradict another copy of the event.
    pub conflicting: u64,
    /// Duplicates that improve an event of the table.
    pub improved: u64,
}

/// The result of a deduplication.
#[derive(Debug, Clone, Default)]
pub struct DedupResult {
    /// The counts by source number (the upper half of [`EventKey::sequence`]).
    pub by_source: BTreeMap<u32, DedupCounts>,
    /// For each run and key: true if the event is stored.
    kept: Vec<Vec<bool>>,
}

impl DedupResult {
    /// Returns the number of stored events.
    pub fn stored_events(&self) -> u64 {
        self.by_source.values().map(|counts| counts.stored).sum()
    }

    /// Returns a result that keeps all events of `runs`.
    pub(in crate::store) fn keep_all(runs: &[Run]) -> DedupResult {
        let kept = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
        DedupResult { by_source: BTreeMap::new(), kept }
    }

    /// Returns a result for a single run that keeps the events with false in `erased`.
    pub(in crate::store) fn keep_except(erased: &[bool]) -> DedupResult {
        let kept = vec![erased.iter().map(|erased| !erased).collect()];
        DedupResult { by_source: BTreeMap::new(), kept }
    }

    /// Returns true if the event at a position of a run is stored.
    pub(in crate::store) fn is_kept(&self, run: usize, position: usize) -> bool {
        self.kept[run][position]
    }
}

/// The staged events by Id, with one event for each Id.
struct KeptById<'r> {
    /// The partition of an Id is given by its lowest bits.
    partitions: Vec<KeptPartition<'r>>,
}

impl<'r> KeptById<'r> {
    /// Collects one event for each Id, and returns the duplicates too.
    ///
    /// Each thread has its own Ids, so that its hash table is small. Every thread reads all keys,
    /// which costs little compared with the lookups.
    fn from_runs(runs: &'r [Run]) -> Result<(Self, Vec<StagedRow>)> {
        let count = rayon::current_num_threads().next_power_of_two();
        let rows: usize = runs.iter().map(|run| run.keys.len()).sum();
        let filled: Result<Vec<(KeptPartition<'r>, Vec<StagedRow>)>> = (0..count)
            .into_par_iter()
            .map(|number| {
                let table = HashTable::with_capacity(rows / count);
                let mut partition = KeptPartition { runs, table };
                let duplicates = partition.insert_all(|id| partition_index(id, count) == number)?;
                Ok((partition, duplicates))
            })
            .collect();
        let (partitions, duplicates): (Vec<_>, Vec<_>) = filled?.into_iter().unzip();
        Ok((KeptById { partitions }, duplicates.concat()))
    }

    fn is_empty(&self) -> bool {
        self.partitions.iter().all(|partition| partition.table.is_empty())
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.partitions[partition_index(id, self.partitions.len())].find(id)
    }
}

/// Returns the partition of an Id. `count` is the number of partitions, a power of two.
fn partition_index(id: u128, count: usize) -> usize {
    id as usize & (count - 1)
}

/// The staged events of one partition by Id.
struct KeptPartition<'r> {
    runs: &'r [Run],
    table: HashTable<StagedRow>,
}

impl KeptPartition<'_> {
    /// Inserts all events whose Ids belong to this partition, and returns the duplicates.
    fn insert_all(&mut self, belongs: impl Fn(u128) -> bool) -> Result<Vec<StagedRow>> {
        let mut duplicates = Vec::new();
        for (run_number, run) in self.runs.iter().enumerate() {
            // One check for all events of a run: positions are lower than the number of keys.
            let (run_number, _) = (row_number(run_number)?, row_number(run.keys.len())?);
            for (position, key) in (0_u32..).zip(&run.keys) {
                if belongs(key.id()) {
                    let row = StagedRow { run: run_number, position };
                    duplicates.extend(self.insert_or_replace(row));
                }
            }
        }
        Ok(duplicates)
    }

    fn find(&self, id: u128) -> Option<StagedRow> {
        self.table.find(hash_id(id), |&row| key_at(self.runs, row).id() == id).copied()
    }

    /// Inserts an event, and returns the duplicate: this event or the one that it has replaced. The
    /// first copy in the log files keeps its row; what the others add is merged into it later.
    fn insert_or_replace(&mut self, row: StagedRow) -> Option<StagedRow> {
        let runs = self.runs;
        let id = key_at(runs, row).id();
        let Some(kept) = self.find(id) else {
            let hash_at = |&row: &StagedRow| hash_id(key_at(runs, row).id());
            self.table.insert_unique(hash_id(id), row, hash_at);
            return None;
        };
        let rank = |row| key_at(runs, row).sequence;
        if rank(kept) <= rank(row) {
            return Some(row);
        }
        if let Some(slot) = self.table.find_mut(hash_id(id), |&at| key_at(runs, at).id() == id) {
            *slot = row;
        }
        Some(kept)
    }
}

fn key_at(runs: &[Run], row: StagedRow) -> &EventKey {
    row.key(runs)
}

/// Returns the hash of an Id. Ids are random or hashes, so combining their halves is sufficient.
fn hash_id(id: u128) -> u64 {
    ((id >> 64) as u64 ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Staged events without duplicates, and what becomes of the rows of the table.
pub(in crate::store) struct Deduplicated {
    /// Says which rows of the staged runs, and then of the `added` runs, are written.
    pub(in crate::store) result: DedupResult,
    /// Runs of merged events, and of the other rows of replaced files.
    pub(in crate::store) added: Vec<Run>,
    /// Files of the table that the written rows replace.
    pub(in crate::store) replaced: Vec<DataFile>,
}

/// The files with which staged events are compared.
#[derive(Clone, Copy)]
pub(in crate::store) struct ComparedFiles<'f> {
    /// The files of a version of the table.
    pub(in crate::store) files: &'f [DataFile],
    /// The prefixes of their Ids; `None` for temporary files, which are read once.
    pub(in crate::store) prefixes: Option<&'f IdPrefixes>,
}

/// Deduplicates the staged events against each other and against the table's files.
///
/// Equal copies of an event are one event, with the first source in the order of names. Copies
/// that differ are merged. If the table has the event and a copy adds something to it, the file
/// with the event is replaced.
pub(in crate::store) fn deduplicate(
    runs: &[Run],
    table: ComparedFiles<'_>,
    temp: TempSpace<'_>,
) -> Result<Deduplicated> {
    let files = table.files;
    let (kept_by_id, duplicates) = KeptById::from_runs(runs)?;
    // Hashes are calculated in the order of the rows, since that of the ids would be slow: each
    // hash reads hundreds of columns.
    let duplicates = duplicates.into_par_iter().map(|row| {
        let kept = kept_by_id.find(key_at(runs, row).id());
        let hash = row.content_hash(runs);
        Duplicate { row, differs: kept.is_none_or(|kept| kept.content_hash(runs) != hash) }
    });
    let mut duplicates: Vec<Duplicate> = duplicates.collect();
    duplicates.par_sort_unstable_by_key(|duplicate| {
        let key = key_at(runs, duplicate.row);
        (key.id(), key.sequence)
    });
    let staged = StagedEvents { runs, kept_by_id, duplicates };
    let spool = CopySpool::new(temp.disk, temp.folder);
    let stored = staged.find_in_table(table, &spool)?;
    let differing = staged.differing_copies(&stored);
    let (merged, outcomes) = match differing.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => merge_copies::merge(runs, &differing, spool, temp)?,
    };
    let mut deduplicated = staged.result(&stored, &differing, &outcomes);
    for run in merged {
        deduplicated.result.kept.push(vec![true; run.keys.len()]);
        deduplicated.added.push(run);
    }
    let replaced = differing.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_written);
    let replaced = replaced.filter_map(|(event, _)| event.stored.map(|row| (row.file, row.row)));
    let later = stored.values().filter_map(|stored| match stored {
        StoredMatch::Later { file, row } => Some((*file, *row)),
        _ => None,
    });
    deduplicated.replace_rows(files, replaced.chain(later))?;
    Ok(deduplicated)
}

impl Deduplicated {
    /// Adds the files that contain replaced rows: their other rows are written again.
    fn replace_rows(
        &mut self,
        files: &[DataFile],
        rows: impl Iterator<Item = (usize, usize)>,
    ) -> Result<()> {
        let mut by_file: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (file, row) in rows {
            by_file.entry(file).or_default().push(row);
        }
        for (file, rows) in by_file {
            let file = &files[file];
            let run = Run::from_file(&file.path)?;
            let message = "the rows of the file are not in the order in which they were written; \
                           restore it from a copy";
            let run = run.ok_or_else(|| Error::store(&file.path, message))?;
            let mut kept = vec![true; run.keys.len()];
            for row in rows {
                kept[row] = false;
            }
            self.result.kept.push(kept);
            self.added.push(run);
            self.replaced.push(file.clone());
        }
        Ok(())
    }
}

/// A row of the table whose Id was staged again.
enum StoredMatch {
    /// The row has everything that the staged copies have.
    Complete,
    /// The staged copies are equal to the row, but the first of them has an earlier source, so it
    /// replaces the row.
    Later { file: usize, row: usize },
    /// A staged copy has something else.
    Differs(StoredRow),
    /// A staged copy has something else, but another program wrote the file, so the row stays. With
    /// the content hash of the row.
    Foreign(u64),
}

/// A staged event whose Id another staged event has.
struct Duplicate {
    row: StagedRow,
    /// True if its content differs from that of the kept event.
    differs: bool,
}

/// The staged events: one copy of each Id, and its duplicates sorted by Id and sequence.
struct StagedEvents<'r> {
    runs: &'r [Run],
    kept_by_id: KeptById<'r>,
    duplicates: Vec<Duplicate>,
}

impl StagedEvents<'_> {
    /// Returns the staged copies of an Id in the order of their sources.
    fn copies(&self, id: u128) -> impl Iterator<Item = StagedRow> {
        let id_of = |duplicate: &Duplicate| key_at(self.runs, duplicate.row).id();
        let start = self.duplicates.partition_point(|duplicate| id_of(duplicate) < id);
        let rest = self.duplicates[start..].iter();
        let rest = rest.take_while(move |duplicate| id_of(duplicate) == id);
        let kept = self.kept_by_id.find(id).into_iter();
        kept.chain(rest.map(|duplicate| duplicate.row))
    }

    /// Finds the rows of the table whose Ids were staged again. Adds those that must be merged to
    /// the spool.
    ///
    /// Files of all months count, not only those of the same months: a duplicate may have a damaged
    /// time. Those whose prefixes exclude all staged Ids are not read.
    fn find_in_table(
        &self,
        table: ComparedFiles<'_>,
        spool: &CopySpool<'_>,
    ) -> Result<BTreeMap<u128, StoredMatch>> {
        if self.kept_by_id.is_empty() || table.files.is_empty() {
            return Ok(BTreeMap::new());
        }
        let wanted = table.prefixes.map(|prefixes| {
            prefixes.remove_others(table.files);
            (prefixes, self.sorted_prefixes())
        });
        let found = table.files.par_iter().enumerate().map(|(number, file)| {
            let wanted = wanted.as_ref().map(|(prefixes, wanted)| (*prefixes, wanted.as_slice()));
            let rows = self.find_rows(file, wanted)?;
            match rows.is_empty() {
                true => Ok(Vec::new()),
                false => self.match_rows((number, file), &rows, spool),
            }
        });
        // In the order of the files, independent of the threads that have read them.
        let found: Vec<Vec<(u128, StoredMatch)>> = found.collect::<Result<_>>()?;
        let mut all = BTreeMap::new();
        for (id, stored) in found.into_iter().flatten() {
            all.entry(id).or_insert(stored);
        }
        Ok(all)
    }

    /// Returns the sorted prefixes of the staged Ids.
    fn sorted_prefixes(&self) -> Vec<u64> {
        let keys = self.runs.iter().flat_map(|run| &run.keys);
        let mut prefixes: Vec<u64> = keys.map(|key| id_prefix(key.id())).collect();
        prefixes.par_sort_unstable();
        prefixes
    }

    /// Returns the rows of a file whose Ids were staged again. If the column of Ids must be read
    /// because the file has no valid prefixes, they are written for the next run.
    fn find_rows(
        &self,
        file: &DataFile,
        wanted: Option<(&IdPrefixes, &[u64])>,
    ) -> Result<Vec<usize>> {
        let is_staged = |id| self.kept_by_id.find(id).is_some();
        let Some((prefixes, wanted)) = wanted else {
            return reader::find_rows_by_id(&file.path, is_staged);
        };
        match prefixes.search(file, wanted) {
            PrefixMatch::Absent => Ok(Vec::new()),
            PrefixMatch::Possible => reader::find_rows_by_id(&file.path, is_staged),
            PrefixMatch::Unknown => {
                let mut held = Vec::new();
                let rows = reader::find_rows_by_id(&file.path, |id| {
                    held.push(id_prefix(id));
                    is_staged(id)
                })?;
                prefixes.write(file, held);
                Ok(rows)
            }
        }
    }

    /// Compares rows of a file with their staged copies.
    fn match_rows(
        &self,
        (number, file): (usize, &DataFile),
        rows: &[usize],
        spool: &CopySpool<'_>,
    ) -> Result<Vec<(u128, StoredMatch)>> {
        let is_foreign = !reader::is_sorted_file(file);
        let (mut found, mut done) = (Vec::with_capacity(rows.len()), 0);
        let mut copies = CopyReader::default();
        reader::for_each_selected_page(&file.path, rows, |page| {
            let hashes = fingerprints(&page.columns, page.ids.len(), non_content_columns());
            let mut differing = Vec::new();
            for (at, &id) in page.ids.iter().enumerate() {
                if self
                    .copies(id)
                    .all(|copy| self.is_contained(copy, &page.columns, at, hashes[at]))
                {
                    found.push((id, StoredMatch::Complete));
                } else if is_foreign {
                    found.push((id, StoredMatch::Foreign(hashes[at])));
                } else if self.is_later(id, &page.columns, at, hashes[at]) {
                    found.push((id, StoredMatch::Later { file: number, row: rows[done + at] }));
                } else {
                    differing.push((at, 0));
                }
            }
            let of_page = &rows[done..];
            done += page.ids.len();
            spool_rows(&mut copies, &page.columns, &differing, spool, |position, copy| {
                let at = differing[position].0;
                let stored = StoredRow { file: number, row: of_page[at], copy };
                found.push((page.ids[at], StoredMatch::Differs(stored)));
            })
        })?;
        Ok(found)
    }

    /// Returns true if a staged copy adds nothing to a row of the table, neither a value nor an
    /// earlier source.
    fn is_contained(
        &self,
        copy: StagedRow,
        columns: &[Option<ArrayRef>],
        row: usize,
        hash: u64,
    ) -> bool {
        let run = &self.runs[copy.run as usize];
        let is_equal = copy.content_hash(self.runs) == hash;
        if !is_equal && !run.is_covered_by(copy.position as usize, columns, row) {
            return false;
        }
        let source = copy.source(self.runs);
        let (known, copies) = row_sources(columns, row);
        source_order(source, known).is_ge()
            && copies.is_none_or(|copies| {
                last_source(copies).is_none_or(|last| source_order(source, &last).is_ge())
            })
    }

    /// Returns true if all staged copies of an Id are equal to a row of the table.
    fn is_later(&self, id: u128, columns: &[Option<ArrayRef>], row: usize, hash: u64) -> bool {
        row_sources(columns, row).1.is_none()
            && self.copies(id).all(|copy| copy.content_hash(self.runs) == hash)
    }

    /// Returns the events whose copies differ, in the order of the table.
    fn differing_copies(&self, stored: &BTreeMap<u128, StoredMatch>) -> Vec<DifferingCopies> {
        let runs = self.runs;
        let mut events = Vec::new();
        for (&id, stored) in stored {
            if let StoredMatch::Differs(row) = stored {
                events.push(self.differing_event(id, Some(*row)));
            }
        }
        let id_of = |duplicate: &Duplicate| key_at(runs, duplicate.row).id();
        for group in self.duplicates.chunk_by(|one, other| id_of(one) == id_of(other)) {
            let id = id_of(&group[0]);
            if group.iter().any(|duplicate| duplicate.differs) && !stored.contains_key(&id) {
                events.push(self.differing_event(id, None));
            }
        }
        events.par_sort_unstable_by_key(|event| {
            event.staged.first().map(|copy| {
                let key = key_at(runs, copy.row);
                (key.time_us, key.id())
            })
        });
        events.par_iter_mut().for_each(|event| {
            for copy in &mut event.staged {
                copy.hash = copy.row.content_hash(runs);
            }
        });
        events
    }

    /// Returns an event with its copies. Their hashes are still missing.
    fn differing_event(&self, id: u128, stored: Option<StoredRow>) -> DifferingCopies {
        let staged = self.copies(id).map(|row| StagedCopy { row, hash: 0 });
        DifferingCopies { staged: staged.collect(), stored }
    }

    /// Counts the staged copies, and decides which of them are written as they are.
    fn result(
        &self,
        stored: &BTreeMap<u128, StoredMatch>,
        differing: &[DifferingCopies],
        outcomes: &[MergeOutcome],
    ) -> Deduplicated {
        let runs = self.runs;
        let mut kept: Vec<Vec<bool>> = runs.iter().map(|run| vec![true; run.keys.len()]).collect();
        let mut by_source: BTreeMap<u32, DedupCounts> = BTreeMap::new();
        let duplicates = self.duplicates.iter().map(|duplicate| (duplicate.row, false));
        let stored_again = stored.iter().filter_map(|(&id, stored)| {
            let is_written = matches!(stored, StoredMatch::Later { .. });
            Some((self.kept_by_id.find(id)?, is_written))
        });
        let mut replacing = Vec::new();
        for (row, is_written) in duplicates.chain(stored_again) {
            kept[row.run as usize][row.position as usize] = false;
            by_source.entry(source_number(key_at(runs, row))).or_default().duplicates += 1;
            replacing.extend(is_written.then_some(row));
        }
        let mut conflicting: Vec<StagedRow> = Vec::new();
        for (&id, stored) in stored {
            if let StoredMatch::Foreign(hash) = stored {
                conflicting.extend(self.copies(id).filter(|row| row.content_hash(runs) != *hash));
            }
        }
        for (event, outcome) in differing.iter().zip(outcomes) {
            // A merged event is stored in the place of its first copy, which is no duplicate.
            let first = event.staged.first().map(|copy| copy.row);
            let first = first.filter(|_| event.stored.is_none());
            if let Some(first) = first {
                kept[first.run as usize][first.position as usize] = false;
                by_source.entry(source_number(key_at(runs, first))).or_default().stored += 1;
            }
            let duplicates = outcome.conflicting.iter().filter(|row| Some(**row) != first);
            conflicting.extend(duplicates);
            if let Some(row) = outcome.improved_by {
                by_source.entry(source_number(key_at(runs, row))).or_default().improved += 1;
            }
        }
        for row in conflicting {
            by_source.entry(source_number(key_at(runs, row))).or_default().conflicting += 1;
        }
        count_stored(runs, &kept, &mut by_source);
        // Written in the place of a row of the table, so they are not newly stored.
        for row in replacing {
            kept[row.run as usize][row.position as usize] = true;
        }
        let result = DedupResult { by_source, kept };
        Deduplicated { result, added: Vec::new(), replaced: Vec::new() }
    }
}

/// Adds the kept events to the counts of their sources.
fn count_stored(runs: &[Run], kept: &[Vec<bool>], by_source: &mut BTreeMap<u32, DedupCounts>) {
    for (run, kept) in runs.iter().zip(kept) {
        let stored = run.keys.iter().zip(kept).filter(|(_, kept)| **kept);
        let stored: Vec<u32> = stored.map(|(key, _)| source_number(key)).collect();
        // Events of about the same time are mostly from one source: one lookup for all of them.
        for same_source in stored.chunk_by(|one, other| one == other) {
            by_source.entry(same_source[0]).or_default().stored += same_source.len() as u64;
        }
    }
}

fn source_number(key: &EventKey) -> u32 {
    (key.sequence >> 32) as u32
}

/// Returns the source of a row and the content of its column `Copies`.
fn row_sources(columns: &[Option<ArrayRef>], row: usize) -> (&str, Option<&str>) {
    let source = crate::schema::columns().len() + 1;
    let text = |column: usize| {
        let texts = columns.get(column)?.as_ref()?.as_string_opt::<i32>()?;
        texts.is_valid(row).then(|| texts.value(row))
    };
    (text(source).unwrap_or_default(), text(source + 2))
}
