//! The flags of the commands that look after a store, or tell what is in it.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{
    DEFAULT_STORE, DictionaryFormat, ExportFormat, RejectFormat, StoreFolder, SummaryFormat,
    Threads,
};

/// Show what the store holds
///
/// Period, events, users, the share of noise, files and size, and the sources that had trouble.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze status
  pbi-analyze status --store D:\\pbi-store --format json")]
pub(in crate::cli) struct StatusArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
}

/// Merge the store's small files
///
/// Runs merge them by themselves where many of one size have come together; this merges all that
/// are not large already, a file a month where it fits. No event changes, and readers are not
/// disturbed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze compact
  pbi-analyze compact --store D:\\pbi-store")]
pub(in crate::cli) struct CompactArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Take persons out of the store
///
/// Erases their events, or with --replace only their names, and puts a pseudonym in the place of
/// their addresses, their user keys and the names of their personal workspaces wherever else these
/// stand. Sources stay known, so that reading them again brings nothing back; a file that is new
/// to the store does. The key of the pseudonyms is thrown away.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze forget --user zoe.doe@contoso.com
  pbi-analyze forget --user zoe.doe@contoso.com --replace")]
pub(in crate::cli) struct ForgetArgs {
    /// Address or id of a person; may be given several times
    #[arg(long, value_name = "USER", required = true)]
    pub(in crate::cli) user: Vec<String>,
    /// Keep their events, with a pseudonym in their place
    #[arg(long)]
    pub(in crate::cli) pseudonymize: bool,
    /// The key that the store's pseudonyms were made with, where it holds pseudonyms
    #[arg(long, value_name = "KEYFILE")]
    pub(in crate::cli) key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Check that the store holds what it says
///
/// Reads all of it: whether every file of the log is there and whole and in order, whether no
/// other file lies beside them, whether statistics are true, no event is there twice, and the
/// accounts add up. Names what is wrong and changes nothing. Exit code 1 if anything is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze verify
  pbi-analyze verify --store D:\\pbi-store --format json")]
pub(in crate::cli) struct VerifyArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(in crate::cli) format: SummaryFormat,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
}

/// Show what columns there are and what they mean
///
/// With a store, also the fields that its events have beside them, kept in Extra, the newest
/// first: so what Microsoft added lately is seen at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze columns
  pbi-analyze columns --extra
  pbi-analyze columns --views
  pbi-analyze columns --store D:\\pbi-store --format json")]
pub(in crate::cli) struct SchemaArgs {
    /// A store's folder, whose fields in Extra are shown too
    #[arg(long, value_name = "DIR", value_parser = clap::builder::OsStringValueParser::new())]
    pub(in crate::cli) store: Option<OsString>,
    /// Show the views that SQL reads, and their columns, instead
    #[arg(long, conflicts_with_all = ["store", "extra"])]
    pub(in crate::cli) views: bool,
    /// Show the fields in Extra of the store in PBI_STORE, or else in the folder pbi-store
    #[arg(long)]
    pub(in crate::cli) extra: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = DictionaryFormat::Text)]
    pub(in crate::cli) format: DictionaryFormat,
}

impl SchemaArgs {
    /// The store's folder, where one is asked for.
    pub(in crate::cli) fn store_folder(&self) -> Option<PathBuf> {
        let named = || std::env::var_os("PBI_STORE").filter(|folder| !folder.is_empty());
        let default = || self.extra.then(|| named().unwrap_or_else(|| DEFAULT_STORE.into()));
        self.store.clone().or_else(default).map(PathBuf::from)
    }
}

/// Write the store's events as JSON again
///
/// One event a line, in the order of time and id: the same bytes however the store's files are
/// cut. docs/lossless.md says which spellings differ from what was read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze export --output events.ndjson
  pbi-analyze export --since 2026-03-01 --until 2026-03-31 | gzip > march.ndjson.gz")]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// How events are written
    #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
    pub(in crate::cli) format: ExportFormat,
    /// First day, as 2026-03-01, in UTC
    #[arg(long, value_name = "DAY")]
    pub(in crate::cli) since: Option<String>,
    /// Last day, as 2026-03-31; it is part of the period
    #[arg(long, value_name = "DAY")]
    pub(in crate::cli) until: Option<String>,
    /// Add SourceFile and SourceKind to each event
    #[arg(long)]
    pub(in crate::cli) with_lineage: bool,
    /// Write to a file, whole or not at all; - is stdout
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// List the records that could not be taken
///
/// Each with its source, its byte position there and the reason; with --raw also with its text, as
/// far as it is kept: the first MiB. What can be mended is read again by `ingest` from a file of
/// its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze rejects
  pbi-analyze rejects --source 2026-03 --raw
  pbi-analyze rejects --raw --format ndjson --output rejects.ndjson")]
pub(in crate::cli) struct RejectsArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Only those of sources whose names hold this text
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) source: Option<String>,
    /// With the text of each; bytes that are not UTF-8 are base64 in `raw_base64`
    #[arg(long)]
    pub(in crate::cli) with_content: bool,
    /// How they are written
    #[arg(long, value_enum, default_value_t = RejectFormat::Text)]
    pub(in crate::cli) format: RejectFormat,
    /// Write them to a file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}
