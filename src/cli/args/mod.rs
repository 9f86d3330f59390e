//! Command-line flags.

mod common;
mod convert;
mod filters;
mod maintenance;
mod report;
mod rows;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use common::StoreFolder;
pub(super) use common::{DictionaryFormat, ListFormat, LogFormat, SummaryFormat, Threads};
pub(super) use convert::RejectsOutput;
pub(super) use maintenance::{
    CompactArgs, ExportArgs, ForgetArgs, GapsArgs, RejectsArgs, SchemaArgs, StatusArgs, VerifyArgs,
};
pub(super) use report::{
    DashboardArgs, OutputArgs, PageFormat, PeopleArg, PowerbiArgs, QueryArgs, ReportArgs,
    ReportsArgs, SqlArgs, Theme,
};

/// Positions in the help of the flags that every command has: last, before `--help`.
const GLOBAL_FLAG_ORDER: [usize; 2] = [900, 901];

/// Offline analytics for Power BI activity logs.
///
/// Loads any folder of daily log files (REST pages, PowerShell output, audit-log CSV) into one
/// deduplicated table and reports on it. Opens no network connection.
#[derive(Debug, Parser)]
#[command(name = "pbi-analyze", version, propagate_version = true, max_term_width = 80)]
#[command(after_help = "\
Examples:
  pbi-analyze ingest ./activity-log
  pbi-analyze report top-reports --since 30d
  pbi-analyze report top-reports --from ./activity-log

Exit codes: 0 success; 1 failure; 2 usage error; 3 completed with warnings
(rejected or incomplete data; stderr has details).")]
pub(super) struct Args {
    /// Show only warnings and errors
    ///
    /// Does not print the text summaries of ingest and compact. Prints the text of status, verify
    /// and reports with --fail-on only if something is wrong. Still prints other results, for
    /// example the rows of a report or a summary with --format json.
    #[arg(long, short, global = true, display_order = GLOBAL_FLAG_ORDER[0])]
    pub(super) quiet: bool,
    /// Format of messages on stderr
    #[arg(
        long,
        value_enum,
        global = true,
        default_value_t = LogFormat::Text,
        display_order = GLOBAL_FLAG_ORDER[1]
    )]
    pub(super) log_format: LogFormat,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Args {
    /// Returns the flags of a command that runs queries.
    pub(super) fn query_args(&self) -> Option<&QueryArgs> {
        match &self.command {
            Command::Report(command) => Some(&command.output_args.query_args),
            Command::Sql(command) => Some(&command.output_args.query_args),
            Command::Dashboard(command) => Some(&command.query_args),
            Command::Powerbi(command) => Some(&command.query_args),
            _ => None,
        }
    }

    /// Returns true for commands that run many queries over the same events.
    pub(super) fn runs_many_queries(&self) -> bool {
        match &self.command {
            Command::Dashboard(_) | Command::Powerbi(_) => true,
            Command::Report(command) => command.all,
            _ => false,
        }
    }

    /// Returns true for commands that write to a store.
    pub(super) fn writes_to_store(&self) -> bool {
        matches!(self.command, Command::Ingest(_) | Command::Compact(_) | Command::Forget(_))
    }

    /// Returns the limit of memory from the command line.
    pub(super) fn memory_limit(&self) -> Option<u64> {
        self.query_args()?.memory_limit
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Ingest(IngestArgs),
    Report(ReportArgs),
    Dashboard(DashboardArgs),
    Powerbi(PowerbiArgs),
    Reports(ReportsArgs),
    Sql(SqlArgs),
    Status(StatusArgs),
    Gaps(GapsArgs),
    Compact(CompactArgs),
    Forget(ForgetArgs),
    Verify(VerifyArgs),
    Schema(SchemaArgs),
    Export(ExportArgs),
    Rejects(RejectsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Load log files into the store
///
/// Reads files and folders, in UTF-8 or UTF-16. Detects the format of each file from its content:
/// REST API pages, output of Get-PowerBIActivityEvent, NDJSON, single events, CSV exports of the
/// unified audit log with an AuditData column, events wrapped by log collectors (Splunk, Elastic,
/// Logic Apps, …), and Parquet. Files can be packed with gzip, zip, Zstandard or tar. Each event is
/// stored once, and files that were already loaded are not read again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze ingest ./activity-log
  pbi-analyze ingest D:\\Logs\\2025 D:\\Logs\\2026 --store D:\\pbi-store
  pbi-analyze ingest ./activity-log --exclude 'scans/**' --dry-run
  pbi-analyze ingest ./activity-log --quiet --format json > summary.json")]
pub(super) struct IngestArgs {
    /// Files and folders to read
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Exclude files and folders; repeat for several patterns
    ///
    /// A pattern without a slash matches names of files and folders (desktop.ini, *.txt). A pattern
    /// with a slash matches the path below PATH (scans/**). In a name, * matches any characters and
    /// ? matches one; ** matches any number of folders. Case does not matter.
    #[arg(long, value_name = "GLOB", action = clap::ArgAction::Append)]
    pub(super) exclude: Vec<String>,
    /// List the files that would be read, without reading them
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) store: StoreFolder,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// Replace people with pseudonyms; needs --key-file
    ///
    /// A person always gets the same pseudonym, and the domain is kept. A store contains either
    /// original names or pseudonyms made with one key.
    #[arg(long, requires = "key_file")]
    pub(super) pseudonymize: bool,
    /// Key file for --pseudonymize
    #[arg(long, value_name = "KEYFILE", requires = "pseudonymize")]
    pub(super) key_file: Option<PathBuf>,
    /// Also keep events of Exchange, SharePoint and other workloads
    ///
    /// Files that were loaded without this flag are read again. Reports do not change.
    #[arg(long)]
    pub(super) all_workloads: bool,
    /// Read all files to find those whose content changed
    ///
    /// Without this flag, a file is skipped if its size and time are the same as in the store and
    /// the system does not show that it was rewritten.
    #[arg(long)]
    pub(super) reread: bool,
    /// Exit with code 0 even if a folder has no files
    ///
    /// Without this flag, a folder without files causes exit code 3, because an unmounted network
    /// share looks like an empty folder.
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// Format of the summary
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(super) format: SummaryFormat,
}

/// Generate shell completions
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze completions bash > /etc/bash_completion.d/pbi-analyze
  pbi-analyze completions zsh > ~/.zfunc/_pbi-analyze
  pbi-analyze completions fish > ~/.config/fish/completions/pbi-analyze.fish
  pbi-analyze completions powershell >> $PROFILE")]
pub(super) struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// Write manual pages, one per command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze man --output-dir ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// Folder for the pages; created if missing
    #[arg(long, value_name = "DIR")]
    pub(super) output_dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn from_takes_several_paths_up_to_the_next_flag() {
        let line = "pbi-analyze report top-reports --from a b --top 3 --from c";
        let args = Args::try_parse_from(line.split(' '));
        let Command::Report(report) = args.unwrap().command else { panic!("report") };
        assert_eq!(report.output_args.query_args.from, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(report.output_args.rows.top, Some(3));
    }
}
