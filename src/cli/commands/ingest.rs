//! The command `ingest`.

use super::shared::{exit_status, log_problems, source_options, to_json};
use crate::cli::args::{IngestArgs, SummaryFormat};
use crate::cli::exit::ExitStatus;
use crate::cli::key_file::read_pseudonym_key;
use crate::cli::progress::ProgressReporter;
use crate::cli::{log, out, text};
use crate::error::{Error, Result};
use crate::ingest::{self, Store};

pub(in crate::cli) fn ingest(command: &IngestArgs, quiet: bool) -> Result<ExitStatus> {
    let folder = command.store.path();
    if folder.is_file() {
        return Err(Error::Usage(format!(
            "{} is a file, but a store is a folder; choose another path with --store",
            folder.display()
        )));
    }
    let options = ingest::Options {
        pseudonymizer: command.key_file.as_deref().map(read_pseudonym_key).transpose()?,
        all_workloads: command.all_workloads,
        allow_empty: command.allow_empty,
        reread: command.reread,
        ..source_options(&command.paths, &command.exclude, &command.threads)
    };
    if command.dry_run {
        return plan_ingest(command, &options);
    }
    let progress = ProgressReporter::new(quiet);
    let summary = ingest::ingest_into_store(&Store::new(command.store.path()), &options, &progress);
    progress.clear();
    let summary = summary?;
    log_problems(&summary, quiet);
    match command.format {
        SummaryFormat::Text if quiet => {}
        SummaryFormat::Text => {
            out::write(out::strip_control(&text::summary_text(&summary)).as_bytes(), None)?;
        }
        SummaryFormat::Json => out::write(to_json(&summary)?.as_bytes(), None)?,
    }
    Ok(exit_status(&summary))
}

fn plan_ingest(command: &IngestArgs, options: &ingest::Options) -> Result<ExitStatus> {
    let plan = ingest::plan(&Store::new(command.store.path()), options)?;
    for line in text::plan_failures(&plan).lines() {
        log::warning(line);
    }
    let text = match command.format {
        SummaryFormat::Text => out::strip_control(&text::plan_text(&plan)),
        SummaryFormat::Json => to_json(&plan)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if plan.is_complete() { ExitStatus::Success } else { ExitStatus::Incomplete })
}
