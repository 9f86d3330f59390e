//! The flags.

mod maintenance;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

pub(super) use maintenance::{
    CompactArgs, ExportArgs, ForgetArgs, RejectsArgs, SchemaArgs, StatusArgs, VerifyArgs,
};

/// The places in a help of what every command has: behind its own flags, before `--help`.
const GLOBAL_FLAG_ORDER: [usize; 2] = [900, 901];

/// Offline analytics over archived Power BI activity logs.
///
/// Reads any folder of daily dumps (REST pages, PowerShell output, audit-log CSV) into one table,
/// each event exactly once, and answers an administrator's questions from it. Opens no network
/// connection.
#[derive(Debug, Parser)]
#[command(name = "pbi-analyze", version, propagate_version = true, max_term_width = 80)]
#[command(after_help = "\
Examples:
  pbi-analyze ingest ./activity-log
  pbi-analyze report top-reports --since 30d
  pbi-analyze report top-reports --from ./activity-log

Exit codes: 0 all well; 1 failed; 2 wrong usage; 3 finished, but something was
rejected or is incomplete (stderr says what).")]
pub(super) struct Args {
    /// No progress and no messages on stderr, except for what is wrong
    #[arg(long, short, global = true, display_order = GLOBAL_FLAG_ORDER[0])]
    pub(super) quiet: bool,
    /// How messages on stderr are written
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

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Ingest(IngestArgs),
    Report(ReportArgs),
    Dashboard(DashboardArgs),
    Reports(ReportsArgs),
    Sql(SqlArgs),
    Status(StatusArgs),
    Compact(CompactArgs),
    Forget(ForgetArgs),
    Verify(VerifyArgs),
    Schema(SchemaArgs),
    Export(ExportArgs),
    Rejects(RejectsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// Read an archive into the store
///
/// Walks files and folders and recognises each file by its content: pages of the REST API, output
/// of Get-PowerBIActivityEvent, NDJSON, single events, and CSV exports of the unified audit log
/// with an AuditData column; UTF-8 and UTF-16. Events that the store has already are left out, and
/// files that were read before are not read again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze ingest ./activity-log
  pbi-analyze ingest D:\\Archive\\2025 D:\\Archive\\2026 --store D:\\pbi-store
  pbi-analyze ingest ./activity-log --dry-run
  pbi-analyze ingest ./activity-log --quiet --format json > accounts.json")]
pub(super) struct IngestArgs {
    /// Files and folders to read
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// Say which files would be read, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) store: StoreFolder,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// Store pseudonyms of persons, made with the key in this file
    ///
    /// The same person always has the same pseudonym, and keeps the domain. A store holds either
    /// pseudonyms of one key or names as they are.
    #[arg(long, value_name = "KEYFILE")]
    pub(super) pseudonymize: Option<PathBuf>,
    /// Keep the events of Exchange, SharePoint and all other workloads too
    ///
    /// Files that were read before without them are read again. Reports are about the same events
    /// as before.
    #[arg(long)]
    pub(super) all_workloads: bool,
    /// How the accounts are printed
    #[arg(long, value_enum, default_value_t = SummaryFormat::Text)]
    pub(super) format: SummaryFormat,
}

/// Answer one of the questions that `reports` lists
///
/// From the store, or with --from straight from raw files, which leaves no store behind. Repeats
/// are removed all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze report top-reports
  pbi-analyze report top-reports --since 30d --tz Europe/Berlin --top 50
  pbi-analyze report top-reports --from ./activity-log
  pbi-analyze report adoption --set grain=week --since 90d
  pbi-analyze report exports --workspace Finance --user '*@contoso.com'
  pbi-analyze report top-reports --format xlsx --output top-reports.xlsx
  pbi-analyze report --all --output-dir reports --format csv
  pbi-analyze report coverage --since 7d --fail-on coverage:missing

--workspace, --report, --user and --activity take an id or a name, in any case,
with * for anything; several of one kind are alternatives.
--fail-on ends with exit code 3: coverage:missing, coverage:cut,
coverage:partial, coverage:incomplete, rows:any, rows:none.")]
pub(super) struct ReportArgs {
    /// The report's name; `pbi-analyze reports` lists them
    #[arg(conflicts_with = "all")]
    pub(super) name: Option<String>,
    /// Answer every report, each into a file of its own
    #[arg(long, requires = "output_dir", conflicts_with_all = ["output", "show_sql"])]
    pub(super) all: bool,
    /// The folder for the files of --all
    #[arg(long, value_name = "DIR")]
    pub(super) output_dir: Option<PathBuf>,
    /// Set a parameter of the report
    #[arg(long, value_name = "NAME=VALUE", action = ArgAction::Append)]
    pub(super) param: Vec<String>,
    /// How many rows at most
    #[arg(long, value_name = "N", value_parser = parse_row_count)]
    pub(super) top: Option<u32>,
    /// End with exit code 3 if this is so
    #[arg(long, value_name = "WHAT", action = ArgAction::Append)]
    pub(super) fail_on: Vec<String>,
    /// Print the views and the statement as SQL of another engine instead
    #[arg(long, value_enum, value_name = "ENGINE", conflicts_with = "from")]
    pub(super) show_sql: Option<Engine>,
    #[command(flatten)]
    pub(super) queries: QueriesFolder,
    #[command(flatten)]
    pub(super) output_args: OutputArgs,
}

/// Answer a statement of one's own
///
/// One SELECT over the views that reports read; `pbi-analyze columns --views` lists them. What the
/// engine would answer otherwise than others do is refused, with what to write instead.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze sql \"SELECT activity_name, COUNT(*) AS events FROM events
    GROUP BY activity_name ORDER BY events DESC NULLS LAST\"
  pbi-analyze sql - --since 30d --format csv < question.sql")]
pub(super) struct SqlArgs {
    /// The statement; - reads it from stdin
    pub(super) statement: String,
    #[command(flatten)]
    pub(super) output_args: OutputArgs,
}

/// Put the most telling reports on one page for a browser
///
/// One HTML file with key figures and their change, charts over time, tables that sort and filter,
/// and what the archive lacks. It loads nothing and needs no other file, so it can be mailed, and
/// printed. Its figures are those of the reports.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze dashboard --output usage.html
  pbi-analyze dashboard --since 90d --tz Europe/Berlin --output usage.html
  pbi-analyze dashboard --workspace Finance --since 90d --output finance.html
  pbi-analyze dashboard --from ./activity-log --output usage.html

With --since, key figures are compared with as many days before, where the
archive holds them.")]
pub(super) struct DashboardArgs {
    #[command(flatten)]
    pub(super) query_args: QueryArgs,
    /// Write the page to a file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// What is asked, whatever the question.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    #[command(flatten)]
    pub(super) query_args: QueryArgs,
    /// How the answer is written [default: as the name of --output ends, else table]
    #[arg(long, value_enum, ignore_case = true)]
    pub(super) format: Option<ReportFormat>,
    /// In CSV, put an apostrophe before texts that Excel would take for formulas
    ///
    /// Those that begin with = + - @, a tab or a line's return: whoever names a report could name
    /// it like a formula. Numbers stay as they are. A workbook (xlsx) does not need it.
    #[arg(long)]
    pub(super) excel_safe: bool,
    /// Write the answer to a file, whole or not at all
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// What it is asked of: which archive, which days, and what of them.
#[derive(Debug, clap::Args)]
pub(super) struct QueryArgs {
    #[command(flatten)]
    pub(super) store: StoreFolder,
    /// Read these files and folders instead of the store
    #[arg(long, value_name = "PATH", num_args = 1.., action = ArgAction::Append)]
    pub(super) from: Vec<PathBuf>,
    /// First day, as 2026-03-01, or the last days of the archive, as 30d
    #[arg(long, value_name = "DAY")]
    pub(super) since: Option<String>,
    /// Last day, as 2026-03-31; it is part of the period
    #[arg(long, value_name = "DAY")]
    pub(super) until: Option<String>,
    /// Time zone of days, weeks and hours, by its IANA name
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(super) tz: String,
    /// Which API reads are taken out
    #[arg(long, value_enum, default_value_t = NoiseLevel::Default)]
    pub(super) noise: NoiseLevel,
    /// Whose events count [default: as the report says, else people]
    #[arg(long, value_enum)]
    pub(super) actors: Option<ActorFilter>,
    /// Only what happened in this workspace
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(super) workspace: Vec<String>,
    /// Only what happened to this report
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(super) report: Vec<String>,
    /// Only what this person or service did
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(super) user: Vec<String>,
    /// Only this activity, such as ViewReport
    #[arg(long, value_name = "NAME", action = ArgAction::Append)]
    pub(super) activity: Vec<String>,
    #[command(flatten)]
    pub(super) threads: Threads,
}

#[derive(Debug, clap::Args)]
pub(super) struct QueriesFolder {
    /// A folder of SQL files that are reports too
    #[arg(
        long,
        value_name = "DIR",
        env = "PBI_QUERIES",
        value_parser = clap::builder::OsStringValueParser::new()
    )]
    queries: Option<OsString>,
}

impl QueriesFolder {
    /// The folder. A variable that is set to nothing is as good as none.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.queries.as_deref().filter(|folder| !folder.is_empty()).map(Path::new)
    }
}

/// List the questions that can be answered, or explain one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze reports
  pbi-analyze reports adoption
  pbi-analyze reports --queries ./my-queries --format json")]
pub(super) struct ReportsArgs {
    /// A report: what it answers, its parameters, columns and rules
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) queries: QueriesFolder,
    /// How the list is printed
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(super) format: ListFormat,
}

/// Print what a shell needs to complete commands and flags
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze completions bash > /etc/bash_completion.d/pbi-analyze
  pbi-analyze completions zsh > ~/.zfunc/_pbi-analyze
  pbi-analyze completions fish > ~/.config/fish/completions/pbi-analyze.fish
  pbi-analyze completions powershell >> $PROFILE")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

/// Write manual pages, one for each command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze man --output-dir ~/.local/share/man/man1")]
pub(super) struct ManArgs {
    /// The folder that they are written to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) output_dir: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct StoreFolder {
    /// The store's folder
    #[arg(
        long,
        value_name = "DIR",
        env = "PBI_STORE",
        default_value = DEFAULT_STORE,
        value_parser = clap::builder::OsStringValueParser::new()
    )]
    store: OsString,
}

const DEFAULT_STORE: &str = "pbi-store";

impl StoreFolder {
    /// The folder. A variable that is set to nothing is as good as none.
    pub(super) fn path(&self) -> &Path {
        Path::new(if self.store.is_empty() { OsStr::new(DEFAULT_STORE) } else { &self.store })
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Threads {
    /// How many threads read and parse [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    pub(super) fn count(&self) -> Option<usize> {
        self.threads.map(usize::from)
    }
}

/// How many rows there may be.
fn parse_row_count(text: &str) -> Result<u32, String> {
    let rows = text.parse().ok().filter(|rows| *rows > 0);
    rows.ok_or_else(|| {
        "a whole number from 1 on was expected; without --top, a file has all".into()
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines to read
    Text,
    /// One JSON object a line, with time, level and message; the last has the exit code
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SummaryFormat {
    /// Lines to read
    Text,
    /// One JSON object
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DictionaryFormat {
    /// Lines to read
    Text,
    /// One JSON object
    Json,
    /// Tables of Markdown
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// One JSON object a line
    Ndjson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RejectFormat {
    /// Lines to read
    Text,
    /// One JSON array
    Json,
    /// A JSON object a line
    Ndjson,
    /// Rows with a header
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// A table to read
    Text,
    /// One JSON object
    Json,
    /// All reports, explained
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// A table to read
    Table,
    /// The rows as CSV
    Csv,
    /// One JSON object with period, coverage and rows
    Json,
    /// The rows, a JSON object a line
    Ndjson,
    /// A table for GitHub, wikis and chats
    #[value(alias = "md")]
    Markdown,
    /// A workbook for Excel, with a second sheet on period and coverage
    Xlsx,
    /// The rows with their types, for notebooks; period and coverage are metadata
    Parquet,
}

impl ReportFormat {
    /// What a file of this name is taken to be by the programs that open it.
    pub(super) fn of_name(file: &Path) -> Option<Self> {
        let ending = file.extension()?.to_str()?.to_ascii_lowercase();
        match &*ending {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "md" => Some(Self::Markdown),
            "xlsx" => Some(Self::Xlsx),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ActorFilter {
    /// People, guests and whoever is anonymous
    People,
    /// Everybody
    All,
    /// Service principals and the system
    Services,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// DuckDB
    Duckdb,
    /// Spark SQL, 3.5 or newer
    Spark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum NoiseLevel {
    /// ExportActivityEvents and GetDatasources
    Default,
    /// All API reads
    Wide,
    /// None
    Keep,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn from_takes_many_paths_and_ends_at_the_next_flag() {
        let args = Args::try_parse_from([
            "pbi-analyze",
            "report",
            "top-reports",
            "--from",
            "a",
            "b",
            "--top",
            "3",
            "--from",
            "c",
        ]);
        let Command::Report(report) = args.unwrap().command else { panic!("report") };
        assert_eq!(report.output_args.query_args.from, ["a", "b", "c"].map(PathBuf::from));
        assert_eq!(report.top, Some(3));
    }
}
