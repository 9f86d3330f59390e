//! Flags of the commands that maintain a store or show its contents.

use std::ffi::OsString;
use std::path::PathBuf;

use super::common::{
    DEFAULT_STORE, DictionaryFormat, PeriodArgs, StoreFolder, SummaryFormat, Threads,
};
use super::convert::RejectsOutput;
use crate::gaps::RecentDays;

/// Show a summary of the store
///
/// Period, events, users, automated API activity, files and size, and the sources with problems.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze status
  pbi-analyze status --store D:\\pbi-store --format json")]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
}

/// List the days that ought to be downloaded again
///
/// Prints the UTC days that are missing, partial or truncated, one per line: the day, the hours,
/// the status and its reason. Downloading a day again, and ingesting it, closes the gap. Days that
/// Microsoft no longer has are not listed, nor is today. Exits with code 0 and prints nothing if no
/// day is incomplete, and with code 3 otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze gaps
  pbi-analyze gaps --since 7d --format json")]
pub(in crate::cli) struct GapsArgs {
    /// Days to check, up to today; Microsoft has 28 days, and often 30
    #[arg(long, value_name = "Nd", default_value = "28d")]
    pub(in crate::cli) since: RecentDays,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
}

/// Merge the small files of the store
///
/// Small files are also merged automatically by `ingest` as they accumulate. This command merges
/// all small files, into one file per month where possible. Events do not change, and other readers
/// can continue.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze compact
  pbi-analyze compact --store D:\\pbi-store
  pbi-analyze compact --store S:\\pbi-store --remove-orphans-of OLD-SERVER")]
pub(in crate::cli) struct CompactArgs {
    /// First remove what aborted commands of this machine left, if it does not come back
    ///
    /// A machine removes its own leftovers with its next command. This is for one that has no next
    /// command. It is refused while any command writes to the store, and until the last sign of
    /// life of the machine is a week old. Use the name `unknown` for lock files without a name.
    #[arg(long, value_name = "HOST")]
    pub(in crate::cli) remove_orphans_of: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Erase a person's data from the store
///
/// Erases the person's events, or with --pseudonymize only the name. In all other events,
/// addresses, display names, user keys and names of personal workspaces are replaced with
/// pseudonyms, whose key is not kept. This cannot be undone; --dry-run shows what would change.
/// Exits with code 3 if the store has no data about a person. Sources stay known, so loading them
/// again restores nothing, but loading a new file can.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze forget --user zoe.doe@contoso.com --dry-run
  pbi-analyze forget --user zoe.doe@contoso.com
  pbi-analyze forget --user zoe.doe@contoso.com --pseudonymize --format json")]
pub(in crate::cli) struct ForgetArgs {
    /// Address or ID of a person, without wildcards; can be repeated
    #[arg(long, value_name = "USER", required = true)]
    pub(in crate::cli) user: Vec<String>,
    /// Keep the events and replace the person with a pseudonym
    #[arg(long)]
    pub(in crate::cli) pseudonymize: bool,
    /// Show what would be erased or replaced, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Key file of the store's pseudonyms, if the store has pseudonyms
    #[arg(long, value_name = "KEYFILE")]
    pub(in crate::cli) key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Verify the integrity of the store
///
/// Reads all files. Checks that every data file exists, is intact and sorted, that there are no
/// unknown files or duplicate events, and that statistics and counts are right. Lists failures and
/// changes nothing. Exits with code 1 if a check fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze verify
  pbi-analyze verify --store D:\\pbi-store --format json")]
pub(in crate::cli) struct VerifyArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Show the columns of the table and their meaning
///
/// With a store, also shows the fields that its events have in the column Extra, newest first, so
/// that fields recently added by Microsoft come first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze schema
  pbi-analyze schema --extra
  pbi-analyze schema --views
  pbi-analyze schema --store D:\\pbi-store --format json")]
pub(in crate::cli) struct SchemaArgs {
    /// Also show the fields in Extra of this store
    #[arg(long, value_name = "DIR", value_parser = clap::builder::OsStringValueParser::new())]
    pub(in crate::cli) store: Option<OsString>,
    /// Show the SQL views and their columns instead
    #[arg(long, conflicts_with_all = ["store", "extra"])]
    pub(in crate::cli) views: bool,
    /// Also show the fields in Extra of the store in PBI_STORE, or else in pbi-store
    #[arg(long)]
    pub(in crate::cli) extra: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = DictionaryFormat::Text)]
    pub(in crate::cli) format: DictionaryFormat,
}

impl SchemaArgs {
    /// Returns the path to the store, if one was requested.
    pub(in crate::cli) fn store_folder(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("PBI_STORE").filter(|folder| !folder.is_empty());
        let default = || self.extra.then(|| named().unwrap_or_else(|| DEFAULT_STORE.into()));
        self.store.clone().or_else(default).map(PathBuf::from)
    }
}

/// Export the events of the store as JSON
///
/// One event per line, sorted by time and ID. The output does not depend on how events are
/// distributed over files. docs/lossless.md lists the differences to the original JSON.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze export --output events.ndjson
  pbi-analyze export --since 2026-03-01 --until 2026-03-31 --output march.ndjson
  pbi-analyze export --conflicts")]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    #[command(flatten)]
    pub(in crate::cli) period: PeriodArgs,
    /// Add SourceFile and SourceKind to each event
    #[arg(long)]
    pub(in crate::cli) with_lineage: bool,
    /// Export the values of copies that contradict their event, with the value that was kept
    #[arg(long, conflicts_with = "with_lineage")]
    pub(in crate::cli) conflicts: bool,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// List rejected records
///
/// Shows source, byte position and reason of each record, and with --with-content its text (the
/// first MiB). To load a record that you repaired, save it to a new file and run `ingest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze rejects
  pbi-analyze rejects --source 2026-03 --with-content
  pbi-analyze rejects --with-content --format ndjson --output rejects.ndjson")]
pub(in crate::cli) struct RejectsArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Show only records of sources whose names contain this text
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) source: Option<String>,
    /// Include the text of each record; `raw_base64` has bytes that are not UTF-8
    #[arg(long)]
    pub(in crate::cli) with_content: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = RejectsOutput::Text)]
    pub(in crate::cli) format: RejectsOutput,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}
