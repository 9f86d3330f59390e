//! Flags of the commands that maintain a store or show its contents.

use std::ffi::OsString;
use std::path::PathBuf;

use super::common::{
    DEFAULT_STORE, DictionaryFormat, PeriodArgs, StoreFolder, SummaryFormat, Threads,
};
use super::convert::RejectsOutput;
use crate::report::DayBound;
use crate::watch::WatchCondition;

/// First day that `gaps` and `status --fail-on` check.
const DEFAULT_SINCE: &str = "28d";

/// Show a summary of the store
///
/// Shows period, events, users, automated API activity, files and size, and the sources with
/// problems. With --fail-on, exits with code 3 as long as there is a problem that can be repaired.
/// Messages on stderr describe the problem.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze status
  pbi-analyze status --store D:\\pbi-store --format json
  pbi-analyze status --quiet --fail-on stale:2d,missing,damaged,rejects
  pbi-analyze status --quiet --metrics /var/lib/node_exporter/pbi-analyze.prom")]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Exit with code 3 if a condition holds; separate several with commas
    ///
    /// stale:2d (the newest event is older than 2 days), missing (a day has no events), incomplete
    /// (a day is missing, partial or truncated), damaged (a source is damaged or is not a log),
    /// rejects (records of a source were rejected). A source counts until its file is replaced or
    /// deleted, or other sources have as many events for its days.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',')]
    pub(in crate::cli) fail_on: Vec<WatchCondition>,
    /// First day that --fail-on checks: counted back from yesterday (28d, 2w), or a date
    /// (2026-03-01)
    #[arg(
        long,
        value_name = "DAY",
        default_value = DEFAULT_SINCE,
        value_parser = DayBound::parse_since
    )]
    pub(in crate::cli) since: DayBound,
    /// Also write figures for Prometheus to a file, whose name ends in .prom
    ///
    /// The textfile collector of node_exporter reads the file. It has the time of the newest event,
    /// the days and sources that --fail-on checks, and the size of the store.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) metrics: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
}

/// List the days to download again
///
/// Prints the UTC days that are missing, partial or truncated, one per line, with hours, status and
/// reason. To close a gap, download the day again and ingest it. Does not list today, or days that
/// Microsoft no longer has (after 28 to 30 days). Exits with code 3 if a day is incomplete.
/// Otherwise prints nothing and exits with code 0.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze gaps
  pbi-analyze gaps --since 7d --format json")]
pub(in crate::cli) struct GapsArgs {
    /// First day to check: counted back from yesterday (28d, 2w), or a date (2026-03-01)
    #[arg(
        long,
        value_name = "DAY",
        default_value = DEFAULT_SINCE,
        value_parser = DayBound::parse_since
    )]
    pub(in crate::cli) since: DayBound,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
}

/// Merge the small files of the store
///
/// `ingest` also merges small files automatically as they accumulate. This command merges all small
/// files, into one file per month where possible. Events do not change, and other programs can keep
/// reading the store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze compact
  pbi-analyze compact --store D:\\pbi-store
  pbi-analyze compact --store S:\\pbi-store --remove-orphans-of OLD-SERVER")]
pub(in crate::cli) struct CompactArgs {
    /// First remove the leftover files of interrupted commands on HOST
    ///
    /// A machine removes its own leftover files with its next command. Use this flag for a machine
    /// that no longer uses the store. It is refused while any command writes to the store, and
    /// until a week after the machine's last sign of activity. Use the name `unknown` for lock
    /// files without a host name.
    #[arg(long, value_name = "HOST")]
    pub(in crate::cli) remove_orphans_of: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Erase a person's data from the store
///
/// Erases the person's events, or with --pseudonymize only the name. In all other events, replaces
/// the person's addresses, display names, user keys and names of personal workspaces with
/// pseudonyms. The key of the pseudonyms is not kept. This cannot be undone; --dry-run shows what
/// would change. Exits with code 3 if the store has no data about a person. The store remembers its
/// sources, so loading them again restores nothing. Loading a new file can restore data.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze forget --user zoe.doe@contoso.com --dry-run
  pbi-analyze forget --user zoe.doe@contoso.com
  pbi-analyze forget --user zoe.doe@contoso.com --pseudonymize --format json")]
pub(in crate::cli) struct ForgetArgs {
    /// Address or ID of a person, without wildcards; repeat for several people
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
/// unknown files or duplicate events, and that statistics and counts are correct. Lists failures
/// and changes nothing. Exits with code 1 if a check fails.
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
/// With a store, also shows the fields that its events have in the column Extra. The newest fields
/// come first, for example those that Microsoft added recently.
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
    /// Also show the fields in Extra of the default store (PBI_STORE, else pbi-store)
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
/// Writes one event per line, sorted by time and ID. The output does not depend on how events are
/// distributed across files. docs/lossless.md lists the differences from the original JSON.
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
    /// Export the conflicting values of duplicates, each with the value that was kept
    #[arg(long, conflicts_with = "with_lineage")]
    pub(in crate::cli) conflicts: bool,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// List rejected records
///
/// Shows the source, byte position and reason for each record. With --with-content, also shows its
/// text (the first MiB). To load a repaired record, save it to a new file and run `ingest`.
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
    /// Include the text of each record; `raw_base64` contains bytes that are not UTF-8
    #[arg(long)]
    pub(in crate::cli) with_content: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = RejectsOutput::Text)]
    pub(in crate::cli) format: RejectsOutput,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}
