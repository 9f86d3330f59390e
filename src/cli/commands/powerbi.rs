//! The command powerbi.

use super::report::{base_options, with_snapshot};
use crate::cli::args::PowerbiArgs;
use crate::cli::exit::ExitStatus;
use crate::cli::log;
use crate::cli::text::count;
use crate::error::Result;
use crate::powerbi::{self, DataFolder, ProjectOptions, WrittenParts, WrittenProject};
use crate::report::Snapshot;

/// Writes a Power BI project.
pub(in crate::cli) fn powerbi(command: &PowerbiArgs, quiet: bool) -> Result<ExitStatus> {
    let data_folder = match &command.data_folder {
        Some(folder) => folder.clone(),
        None => DataFolder::of_project(&command.output)?,
    };
    let project = ProjectOptions {
        name: command.name.clone(),
        data_folder,
        fiscal_start: command.fiscal_year_start,
        unused_days: command.unused_days,
        overwrite: command.overwrite_project,
    };
    // A folder with other files is reported before a long read.
    powerbi::check_folder(&command.output, &project)?;
    let options = base_options(&command.query_args);
    let columns = powerbi::required_columns()?;
    let read = |snapshot: &Snapshot| powerbi::run(snapshot, &options, &command.output, &project);
    let (written, status) = with_snapshot(&command.query_args, columns, quiet, read)?;
    if !quiet {
        for line in summary(command, &project, &written) {
            log::info(&line);
        }
    }
    Ok(status)
}

/// Returns what was written, and what to do next.
fn summary(
    command: &PowerbiArgs,
    project: &ProjectOptions,
    written: &WrittenProject,
) -> Vec<String> {
    let folder = command.output.display();
    let rows = count(written.tables.iter().map(|table| table.rows).sum(), "row");
    let tables = count(written.tables.len() as u64, "table");
    let name = project.name.as_str();
    match written.parts {
        WrittenParts::Data => vec![format!(
            "wrote {tables} with {rows} to {folder}; the model and the report are unchanged \
             (--overwrite-project replaces them)"
        )],
        WrittenParts::Project => vec![
            format!("wrote the project {name}.pbip and {tables} with {rows} to {folder}"),
            format!(
                "the model reads the data from {}; to read it from elsewhere, change the parameter \
                 DataFolder in Power BI Desktop",
                project.data_folder.as_str()
            ),
        ],
    }
}
