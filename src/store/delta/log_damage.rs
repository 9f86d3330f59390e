//! Damage of the Delta log: missing versions, and files that cannot be parsed.
//!
//! The Delta library says what it could not parse, but not in which file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use serde_json::{Map, Value};

use crate::store::delta::retention::version_from_name;
use crate::store::fs::paths::{file_name, list_dir};

/// Reason why a log cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LogDamage {
    /// A version is missing that is needed.
    Missing {
        /// The missing version.
        version: i64,
        /// The next version that the log contains.
        next: i64,
    },
    /// A file cannot be parsed.
    Damaged {
        file: PathBuf,
        /// Position, what was expected, and what was found.
        message: String,
    },
}

/// Returns the first damage between the newest checkpoint and the newest version; `None` if every
/// file can be parsed.
pub(super) fn find(log: &Path) -> Option<LogDamage> {
    let (mut commits, mut checkpoints) = (BTreeSet::new(), BTreeSet::new());
    for file in list_dir(log).ok()? {
        let name = file_name(&file);
        let Some(version) = version_from_name(&name) else { continue };
        let files = if name.contains(".checkpoint.") { &mut checkpoints } else { &mut commits };
        files.insert((version, file));
    }
    let newest = checkpoints.last().map(|(version, _)| *version);
    let first = newest.map_or(0, |checkpoint| checkpoint + 1);
    let needed = || commits.iter().filter(|(version, _)| *version >= first);
    for (version, (next, _)) in (first..).zip(needed()) {
        if version != *next {
            return Some(LogDamage::Missing { version, next: *next });
        }
    }
    let parts = checkpoints.iter().filter(|(version, _)| Some(*version) == newest);
    let checkpoint = parts.filter(|(_, file)| file.extension().is_some_and(|is| is == "parquet"));
    let damage = |file: &PathBuf, message| LogDamage::Damaged { file: file.clone(), message };
    checkpoint
        .filter_map(|(_, file)| Some(damage(file, checkpoint_damage(file)?)))
        .chain(needed().filter_map(|(_, file)| Some(damage(file, commit_damage(file)?))))
        .next()
}

/// Returns what is wrong with a checkpoint.
fn checkpoint_damage(file: &Path) -> Option<String> {
    let read = || -> Result<(), ParquetError> {
        let rows = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?.build()?;
        for batch in rows {
            batch?;
        }
        Ok(())
    };
    let error = read().err()?;
    Some(format!("expected a Parquet file, found damage: {error}"))
}

/// Returns what is wrong with the first line of a version that is no JSON object.
fn commit_damage(file: &Path) -> Option<String> {
    let content = match fs::read(file) {
        Ok(content) => content,
        Err(error) => return Some(format!("cannot read the file: {error}")),
    };
    let lines = content.split(|byte| *byte == b'\n').enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim_ascii().is_empty()) {
        if let Err(error) = serde_json::from_slice::<Map<String, Value>>(line) {
            let line = number + 1;
            let column = error.column();
            let found = error.to_string();
            let found = found.rsplit_once(" at line ").map_or(found.as_str(), |(text, _)| text);
            return Some(format!(
                "line {line}, column {column}: expected a JSON object, found damage: {found}"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(damage: Option<LogDamage>) -> (String, String) {
        match damage {
            Some(LogDamage::Damaged { file, message }) => (file_name(&file), message),
            other => panic!("expected a damaged file, found {other:?}"),
        }
    }

    #[test]
    fn damaged_files_are_named_with_the_position() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
        write("00000000000000000000.json", "{\"commitInfo\":{}}\n\n{\"add\":{}}\n");
        assert_eq!(find(folder.path()), None);
        write("00000000000000000001.json", "{\"commitInfo\":{}}\n{\"add\":%}\n");
        let (file, said) = message(find(folder.path()));
        assert_eq!(file, "00000000000000000001.json");
        assert_eq!(said, "line 2, column 8: expected a JSON object, found damage: expected value");
        write("00000000000000000001.json", "{\"commitInfo\":{}}\n[]\n");
        assert!(message(find(folder.path())).1.starts_with("line 2, column 0: expected a JSON"));
        write("00000000000000000003.json", "{\"commitInfo\":{}}\n");
        assert_eq!(find(folder.path()), Some(LogDamage::Missing { version: 2, next: 3 }));
        write("00000000000000000003.checkpoint.parquet", "PAR1 and nothing else");
        let (file, said) = message(find(folder.path()));
        assert_eq!(file, "00000000000000000003.checkpoint.parquet");
        assert!(said.starts_with("expected a Parquet file, found damage: "), "{said}");
    }
}
