//! Determines the path of a data file from the text in the Delta log, and refuses paths outside of
//! the table.
//!
//! Anybody who can write the log can name any file in it. Files of the table are read, and replaced
//! ones are deleted, so a path must not lead anywhere else. The Delta protocol ("Add File and
//! Remove File") also allows absolute paths; this program has never written one.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Returns the path of a data file, given the folder of the table, the path in the log with its
/// escapes decoded, the partition column, and its value that the log states for the file, if any.
///
/// # Errors
///
/// [`Error::Store`] if the path is absolute, leads out of the table or into a hidden folder like
/// the log, or is not in the folder of its partition.
pub(in crate::store) fn data_file_path(
    table_dir: &Path,
    path: &str,
    (column, value): (&str, Option<&str>),
) -> Result<PathBuf> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_name = |part: &&str| {
        !part.is_empty() && !part.starts_with(['.', '_']) && !part.contains(['\\', ':', '\0'])
    };
    let is_in_partition = value.is_none_or(|value| {
        matches!(parts[..], [folder, _] if folder.strip_prefix(column).and_then(|rest| {
            rest.strip_prefix('=')
        }) == Some(value))
    });
    if parts.iter().all(is_name) && is_in_partition {
        return Ok(parts.iter().fold(table_dir.to_path_buf(), |path, part| path.join(part)));
    }
    let expected = match value {
        Some(value) => format!("{column}={value}/NAME"),
        None => "a path below the folder of the table".to_owned(),
    };
    Err(Error::store(
        table_dir,
        format!(
            "the log names the data file {path:?}, expected {expected}; this file is neither read \
             nor deleted, because it may not be part of the table. Restore _delta_log from a copy"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_accepted(path: &str, month: Option<&str>) -> bool {
        data_file_path(Path::new("table"), path, ("month", month)).is_ok()
    }

    #[test]
    fn file_in_the_folder_of_its_month_is_accepted() {
        let partition = ("month", Some("2026-03"));
        let path = data_file_path(Path::new("table"), "month=2026-03/a b.parquet", partition);
        assert_eq!(path.unwrap(), Path::new("table/month=2026-03/a b.parquet"));
        // Tables of other programs have other folders, or none.
        assert!(is_accepted("part-0.parquet", None));
        assert!(is_accepted("day=2026-03-01/hour=1/part-0.parquet", None));
    }

    #[test]
    fn path_to_another_place_is_refused() {
        for path in [
            "../outside.parquet",
            "month=2026-03/../../outside.parquet",
            "month=2026-03/../month=2026-03/alias.parquet",
            "month=2026-03/./alias.parquet",
            "month=2026-03//alias.parquet",
            "month=2026-03\\..\\..\\outside.parquet",
            "month=2026-03/C:outside.parquet",
            "/outside.parquet",
            "file:///outside.parquet",
            "abfss://lake@account/outside.parquet",
            "_delta_log/00000000000000000010.checkpoint.parquet",
            "month=2026-03/.part.parquet.tmp",
            "",
        ] {
            assert!(!is_accepted(path, None), "{path}");
            assert!(!is_accepted(path, Some("2026-03")), "{path}");
        }
        for path in ["month=2026-04/a.parquet", "a.parquet", "month=2026-03/b/a.parquet"] {
            assert!(!is_accepted(path, Some("2026-03")), "{path}");
        }
    }
}
