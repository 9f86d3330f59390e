//! Runs commands.

mod dashboard;
mod describe;
mod ingest;
mod maintenance;
mod powerbi;
mod report;
mod shared;
mod shell;

pub(super) use report::{report_definition, report_marks, report_options, with_snapshot};
pub(super) use shared::open_existing;

use super::args::{Args, Command};
use super::exit::ExitStatus;
use crate::error::Result;

/// Runs a command. `has_flags` is true if the command line has words after the command.
pub(super) fn run(args: &Args, has_flags: bool) -> Result<ExitStatus> {
    match &args.command {
        Command::Ingest(command) => ingest::ingest(command, args.quiet),
        Command::Report(command) if command.name.is_none() && !has_flags => report::list(command),
        Command::Report(command) => report::report(command, args.quiet),
        Command::Dashboard(command) => dashboard::dashboard(command, args.quiet),
        Command::Powerbi(command) => powerbi::powerbi(command, args.quiet),
        Command::Reports(command) => describe::reports(command),
        Command::Sql(command) => report::sql(command, args.quiet),
        Command::Status(command) => maintenance::status(command, args.quiet),
        Command::Gaps(command) => maintenance::gaps(command),
        Command::Compact(command) => maintenance::compact(command, args.quiet),
        Command::Forget(command) => maintenance::forget(command),
        Command::Verify(command) => maintenance::verify(command, args.quiet),
        Command::Schema(command) => describe::schema(command),
        Command::Export(command) => maintenance::export(command, args.quiet),
        Command::Rejects(command) => maintenance::rejects(command),
        Command::Completions(command) => shell::completions(command),
        Command::Man(command) => shell::man(command, args.quiet),
    }
}
