//! Generates shell completions and manual pages from the flags.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use crate::error::{Error, Result};

/// Returns the completion script of a shell, with the names of reports.
pub(super) fn completion_script(shell: Shell) -> Vec<u8> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, &name, &mut script);
    match (shell, String::from_utf8(script)) {
        // Of a program with a hyphen in its name, the script for bash asks for states that it never
        // is in (clap issue 6421), so that no command's flags would be completed.
        (Shell::Bash, Ok(script)) => {
            script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")).into_bytes()
        }
        (_, Ok(script)) => script.into_bytes(),
        (_, Err(odd)) => odd.into_bytes(),
    }
}

/// Writes a manual page for each command into a folder.
pub(super) fn write_man_pages(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    clap_mangen::generate_to(Args::command(), folder).map_err(Error::io("write to", folder))
}
