//! What shells and `man` are told of the command line, made of its flags.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use crate::error::{Error, Result};

/// What a shell needs to complete commands and flags.
pub(super) fn completions(shell: Shell) -> Vec<u8> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    script
}

/// Writes a manual page for each command into a folder.
pub(super) fn pages(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    clap_mangen::generate_to(Args::command(), folder).map_err(Error::io("write to", folder))
}
