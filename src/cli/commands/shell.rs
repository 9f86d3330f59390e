//! Commands for the shell: completions and manual pages.

use crate::cli::args::{CompletionsArgs, ManArgs};
use crate::cli::exit::ExitStatus;
use crate::cli::{completions, log, out};
use crate::error::Result;

pub(in crate::cli) fn completions(command: &CompletionsArgs) -> Result<ExitStatus> {
    out::write(&completions::completion_script(command.shell)?, None)?;
    Ok(ExitStatus::Success)
}

pub(in crate::cli) fn man(command: &ManArgs, quiet: bool) -> Result<ExitStatus> {
    completions::write_man_pages(&command.output_dir)?;
    if !quiet {
        log::info(&format!("manual pages in {}", command.output_dir.display()));
    }
    Ok(ExitStatus::Success)
}
