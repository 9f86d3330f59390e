//! Puts a project into its folder: all of it, or nothing.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::project_name::ProjectName;
use super::tables::TABLES;
use crate::interrupt::TemporaryPath;
use crate::staged_folder::{StagedFolder, recover, write_synced};
use crate::{Error, Result};

/// Name of the folder with the Parquet files.
pub const DATA_FOLDER: &str = "data";

/// The parts of a project that a run writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenParts {
    /// The data, the model and the report.
    Project,
    /// Only the data of an existing project.
    Data,
}

/// A project's folder that has not been changed yet, and the parts to write.
pub struct StagedProject {
    parts: Vec<String>,
    staged: StagedFolder,
}

impl StagedProject {
    /// Prepares the folder of a project. If there is a project of this name already, only its data
    /// is written, unless `overwrite` is true.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the folder contains other files in the place of a part; [`Error::Io`] if
    /// it cannot be read or written.
    pub fn prepare(
        folder: &Path,
        name: &ProjectName,
        overwrite: bool,
    ) -> Result<(StagedProject, WrittenParts)> {
        let written = check(folder, name, overwrite)?;
        let parts = match written {
            WrittenParts::Data => vec![DATA_FOLDER.to_owned()],
            WrittenParts::Project => part_names(name),
        };

        let staged = StagedProject { parts, staged: StagedFolder::create(folder)? };
        std::fs::create_dir_all(staged.path().join(DATA_FOLDER))
            .map_err(Error::io("write to", folder))?;
        Ok((staged, written))
    }

    /// Returns the folder for the new files.
    pub fn path(&self) -> PathBuf {
        self.staged.new_path()
    }

    /// Registers the temporary folder, so that it is deleted if the program is stopped.
    pub fn register(&self) -> TemporaryPath {
        self.staged.register()
    }

    /// Writes a file. `name` is relative to the project's folder, with forward slashes.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn write_file(&self, name: &str, text: &str) -> Result<()> {
        let path = name.split('/').fold(self.path(), |path, part| path.join(part));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::io("write", &path))?;
        }
        write_synced(&path, text.as_bytes(), &path)
    }

    /// Moves the new files to their places. The earlier ones are deleted.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a part cannot be moved. The folder is then as it was before.
    pub fn publish(self) -> Result<()> {
        self.staged.publish(self.parts.iter().map(String::as_str))
    }
}

/// Returns what a run would write to a folder, after removing what killed runs left.
///
/// # Errors
///
/// Those of [`StagedProject::prepare`].
pub fn check(folder: &Path, name: &ProjectName, overwrite: bool) -> Result<WrittenParts> {
    recover(folder)?;
    let all = part_names(name);
    let exists = all.last().is_some_and(|pbip| folder.join(pbip).is_file());
    let names = list(folder)?;
    check_other_projects(folder, &names, name)?;
    if !exists && !overwrite {
        check_no_parts(folder, &names, &all)?;
    }
    check_data_folder(&folder.join(DATA_FOLDER))?;
    Ok(if exists && !overwrite { WrittenParts::Data } else { WrittenParts::Project })
}

/// Returns the parts of a project, with the file that marks a project last.
fn part_names(name: &ProjectName) -> Vec<String> {
    let name = name.as_str();
    vec![
        DATA_FOLDER.to_owned(),
        format!("{name}.SemanticModel"),
        format!("{name}.Report"),
        format!("{name}.pbip"),
    ]
}

/// Returns the names in a folder; none if there is no folder.
fn list(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(Error::io("read", folder)(error)),
    };
    let name = |entry: io::Result<std::fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect::<io::Result<_>>().map_err(Error::io("read", folder))
}

/// Refuses a folder with a project of another name, whose data this one would replace.
fn check_other_projects(folder: &Path, names: &BTreeSet<String>, name: &ProjectName) -> Result<()> {
    let projects = names.iter().filter_map(|name| name.strip_suffix(".pbip"));
    match projects.into_iter().find(|other| *other != name.as_str()) {
        None => Ok(()),
        Some(other) => Err(Error::Usage(format!(
            "{} contains the project {other:?}; use --name {other:?}, or another folder",
            folder.display()
        ))),
    }
}

/// Refuses to replace files that no project of this name needs.
fn check_no_parts(folder: &Path, names: &BTreeSet<String>, parts: &[String]) -> Result<()> {
    match parts.iter().find(|part| names.contains(*part)) {
        None => Ok(()),
        Some(part) => Err(Error::Usage(format!(
            "{} contains {part}, but no project {}; choose an empty folder, or replace these files \
             with --overwrite-project",
            folder.display(),
            parts.last().map_or("", String::as_str)
        ))),
    }
}

/// Refuses to delete files of others in the data folder.
fn check_data_folder(data: &Path) -> Result<()> {
    let known: BTreeSet<String> = TABLES.iter().map(|table| table.file_name()).collect();
    match list(data)?.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(other) => Err(Error::Usage(format!(
            "{} contains {other}, which a run would delete; move it to another folder",
            data.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ProjectName {
        "Usage".parse().unwrap()
    }

    fn write_project(folder: &Path, text: &str, overwrite: bool) -> Result<WrittenParts> {
        let (staged, written) = StagedProject::prepare(folder, &name(), overwrite)?;
        staged.write_file("data/date.parquet", text)?;
        if written == WrittenParts::Project {
            staged.write_file("Usage.Report/definition/report.json", text)?;
            staged.write_file("Usage.SemanticModel/definition.pbism", text)?;
            staged.write_file("Usage.pbip", text)?;
        }
        staged.publish()?;
        Ok(written)
    }

    fn texts(folder: &Path) -> [String; 3] {
        let names = ["data/date.parquet", "Usage.Report/definition/report.json", "Usage.pbip"];
        names.map(|name| std::fs::read_to_string(folder.join(name)).unwrap())
    }

    #[test]
    fn second_run_replaces_only_the_data() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("new/project");
        assert_eq!(write_project(&folder, "1", false).unwrap(), WrittenParts::Project);
        assert_eq!(write_project(&folder, "2", false).unwrap(), WrittenParts::Data);
        assert_eq!(texts(&folder), ["2", "1", "1"]);
        assert_eq!(write_project(&folder, "3", true).unwrap(), WrittenParts::Project);
        assert_eq!(texts(&folder), ["3", "3", "3"]);
        let expected = ["Usage.Report", "Usage.SemanticModel", "Usage.pbip", "data"];
        assert!(list(&folder).unwrap().iter().eq(expected), "nothing temporary is left");
    }

    #[test]
    fn files_of_others_are_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let refused = |folder: &Path| write_project(folder, "1", false).unwrap_err().to_string();
        let data = root.path().join("a");
        std::fs::create_dir_all(data.join("data")).unwrap();
        assert!(refused(&data).contains("contains data, but no project"));
        std::fs::write(data.join("data/mine.csv"), "").unwrap();
        let error = write_project(&data, "1", true).unwrap_err().to_string();
        assert!(error.contains("contains mine.csv"), "{error}");
        let other = root.path().join("b");
        std::fs::create_dir_all(&other).unwrap();
        std::fs::write(other.join("Sales.pbip"), "").unwrap();
        assert!(refused(&other).contains("use --name \"Sales\""));
        assert_eq!(list(&other).unwrap().len(), 1);
    }

    #[test]
    fn failed_run_leaves_the_folder_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("project");
        drop(StagedProject::prepare(&folder, &name(), false).unwrap());
        assert!(!folder.exists(), "a run that fails creates no folder");
        write_project(&folder, "1", false).unwrap();
        let (staged, _) = StagedProject::prepare(&folder, &name(), true).unwrap();
        staged.write_file("data/date.parquet", "2").unwrap();
        staged.write_file("Usage.SemanticModel/definition.pbism", "2").unwrap();
        staged.write_file("Usage.Report/definition/report.json", "2").unwrap();
        staged.write_file("Usage.pbip", "2").unwrap();
        // A folder in the place of the earlier files makes the last move fail.
        let blocked = staged.staged.old_path().join("Usage.pbip/x");
        std::fs::create_dir_all(&blocked).unwrap();
        let error = staged.publish().unwrap_err().to_string();
        assert!(error.contains("cannot replace"), "{error}");
        assert_eq!(texts(&folder), ["1", "1", "1"]);
    }
}
