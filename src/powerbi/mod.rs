//! Builds a Power BI project: a star schema as Parquet files, a semantic model and a report.
//!
//! The definitions are those of the reports: each fact is a query over the views that reports read.

mod data_folder;
mod dimensions;
mod facts;
mod fiscal_start;
mod folder;
mod held;
mod keys;
mod labels;
mod model;
mod options;
mod pbir;
mod project;
mod project_name;
mod star;
mod tables;

use std::path::Path;

use crate::Result;
use crate::report::{Options, Snapshot};
pub use data_folder::DataFolder;
pub use fiscal_start::FiscalStart;
pub use folder::WrittenParts;
use folder::{DATA_FOLDER, StagedProject};
pub use options::ProjectOptions;
pub use project_name::ProjectName;
pub use star::{TableRows, required_columns};

/// A written project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenProject {
    /// The written parts.
    pub parts: WrittenParts,
    /// Number of rows of each table.
    pub tables: Vec<TableRows>,
}

/// Checks that a project can be written to a folder. Only removes what killed runs left there.
///
/// # Errors
///
/// [`crate::Error::Usage`] if the folder contains other files in the place of the project's.
pub fn check_folder(folder: &Path, project: &ProjectOptions) -> Result<()> {
    folder::check(folder, &project.name, project.overwrite).map(drop)
}

/// Writes a project to a folder: all of it, or nothing. The same snapshot and options give the same
/// bytes.
///
/// # Errors
///
/// Those of [`crate::report::run`]; [`crate::Error::Usage`] if the folder contains other files in
/// the place of the project's; [`crate::Error::Io`] if the folder cannot be written.
pub fn run(
    snapshot: &Snapshot,
    options: &Options,
    folder: &Path,
    project: &ProjectOptions,
) -> Result<WrittenProject> {
    let (staged, parts) = StagedProject::prepare(folder, &project.name, project.overwrite)?;
    let registered = staged.register();
    let data = staged.path().join(DATA_FOLDER);
    let tables = star::write_star(snapshot, options, project, &data)?;
    if parts == WrittenParts::Project {
        project::write_project(&staged, project)?;
    }
    // From here on, the temporary folder can contain the user's files.
    drop(registered);
    staged.publish()?;
    Ok(WrittenProject { parts, tables })
}
