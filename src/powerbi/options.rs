//! Options of a project.

use super::data_folder::DataFolder;
use super::fiscal_start::FiscalStart;
use super::project_name::ProjectName;

/// Options of a project.
#[derive(Debug, Clone)]
pub struct ProjectOptions {
    /// Name of the project and its files.
    pub name: ProjectName,
    /// Folder of the data in the model.
    pub data_folder: DataFolder,
    /// First month of fiscal years.
    pub fiscal_start: FiscalStart,
    /// Length of the window at the end of the period in which use of items and licenses counts, in
    /// days.
    pub unused_days: u16,
    /// True to replace the model and the report of an existing project.
    pub overwrite: bool,
}
