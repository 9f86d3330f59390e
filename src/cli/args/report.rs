//! Flags of the commands that read events: report, dashboard, powerbi, sql and reports.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::ArgAction;

use super::common::{ListFormat, PeriodArgs, StoreFolder, Threads};
use super::convert::{parse_param, unused_days_parser};
use super::filters::FilterArgs;
use super::rows::RowArgs;
use crate::cli::memory::parse_size;
use crate::dashboard::UnusedDays;
use crate::powerbi::{DataFolder, FiscalStart, ProjectName};
use crate::report::{
    Actors, EarlierPeriod, FailCondition, Mark, NoiseFilter, OutputFormat, SqlEngine,
};

/// Run a report (see `pbi-analyze reports`)
///
/// Reads the store, or raw log files if --from is given. Removes duplicate events in both cases.
/// Lists all reports if NAME is omitted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze report top-reports
  pbi-analyze report top-reports --since 30d --tz Europe/Berlin --top 50
  pbi-analyze report top-reports --from ./activity-log
  pbi-analyze report adoption --param grain=week --since 90d
  pbi-analyze report exports --workspace Finance --user '*@contoso.com'
  pbi-analyze report top-reports --format xlsx --output top-reports.xlsx
  pbi-analyze report adoption --theme dark --output adoption.png
  pbi-analyze report --all --output-dir reports --format csv
  pbi-analyze report --all --since 30d --output all.xlsx
  pbi-analyze report report-usage --report Sales --details
  pbi-analyze report top-reports --period last-month --compare previous
  pbi-analyze report workspace-usage --where viewers=1 --sort -views
  pbi-analyze report top-users --columns user,views,last_view --top 20
  pbi-analyze report adoption --param grain=month --by department
  pbi-analyze report coverage --since 7d --fail-on stale:2d

`pbi-analyze report NAME --help` explains a report.
Filters take an ID or a name in any case, with * as a wildcard. Repeat a flag to
match any of several values. An event without a capacity matches no --capacity.
--where, --sort, --top and --columns apply to the rows of the report, in this
order. Empty cells are last in both directions of --sort.
Conditions of --fail-on: coverage:missing, coverage:truncated,
coverage:partial, coverage:incomplete, rows:any, rows:none, and stale:2d if the
newest event is more than two days old.")]
pub(in crate::cli) struct ReportArgs {
    /// Name of the report; `pbi-analyze reports` lists them
    #[arg(conflicts_with = "all")]
    pub(in crate::cli) name: Option<String>,
    /// Run every report, and write one file per report or a single workbook
    #[arg(long, conflicts_with_all = ["show_sql", "condition", "sort", "columns"])]
    pub(in crate::cli) all: bool,
    /// Compare with an earlier period: previous, 2026-Q1, 2025-03-01..2025-03-31, mark
    ///
    /// Shows each figure for both periods, with the difference and the percentage. Both periods
    /// count the same number of complete days, on the same weekdays. `mark` compares the days from
    /// a marked day on with those before it.
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["all", "show_sql", "details"])]
    pub(in crate::cli) compare: Option<EarlierPeriod>,
    /// Mark a day in charts over time, with a label; repeat for several days
    ///
    /// A report over days also shows the average before the day and from it on, over equally many
    /// complete days of the same weekdays.
    #[arg(
        long,
        value_name = "DAY:LABEL",
        action = ArgAction::Append,
        conflicts_with_all = ["show_sql", "details"]
    )]
    pub(in crate::cli) mark: Vec<Mark>,
    /// Mark the days of a CSV file in charts over time, as --mark does
    ///
    /// The columns are date and label. The first line names them.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["show_sql", "details"])]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Show one report, workspace or user in detail, as several tables
    ///
    /// Needs report-usage with --report, workspace-usage with --workspace, or user-usage with
    /// --user. The name must match exactly one item.
    #[arg(long, conflicts_with_all = ["all", "show_sql", "condition", "sort", "columns"])]
    pub(in crate::cli) details: bool,
    /// Colors of a picture (svg, png): light or dark [default: light]
    #[arg(long, value_enum, conflicts_with = "show_sql")]
    pub(in crate::cli) theme: Option<Theme>,
    /// Folder for the files of --all
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(in crate::cli) output_dir: Option<PathBuf>,
    /// Set a parameter of the report
    #[arg(
        long,
        value_name = "NAME=VALUE",
        action = ArgAction::Append,
        value_parser = parse_param
    )]
    pub(in crate::cli) param: Vec<(String, String)>,
    /// Divide the report by an attribute of people, for example department
    ///
    /// The attributes are those of lists of people (department, country, office, company,
    /// cost_center, division) and the columns of CSV files with addresses. People without a value
    /// are in rows of their own: (not mapped).
    #[arg(
        long,
        value_name = "ATTRIBUTE",
        conflicts_with_all = ["all", "details", "mark", "events"]
    )]
    pub(in crate::cli) by: Option<String>,
    /// Exit with code 3 if CONDITION holds
    #[arg(long, value_name = "CONDITION", action = ArgAction::Append)]
    pub(in crate::cli) fail_on: Vec<FailCondition>,
    /// Print the report as SQL for another engine instead of running it
    #[arg(
        long,
        value_enum,
        value_name = "ENGINE",
        conflicts_with_all = ["from", "condition", "sort", "columns"]
    )]
    pub(in crate::cli) show_sql: Option<SqlEngine>,
    #[command(flatten)]
    pub(in crate::cli) queries: QueriesFolder,
    #[command(flatten)]
    pub(in crate::cli) output_args: OutputArgs,
}

/// Colors of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Theme {
    /// Dark shapes on a light page
    Light,
    /// Light shapes on a dark page
    Dark,
}

/// Run your own SQL query
///
/// Runs one SELECT over the views that reports read. To list the views, run `pbi-analyze schema
/// --views`. SQL that other engines would interpret differently is rejected, with a suggested
/// rewrite.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze sql \"SELECT activity_name, COUNT(*) AS events FROM events
    GROUP BY activity_name ORDER BY events DESC NULLS LAST\"
  pbi-analyze sql - --since 30d --format csv < question.sql
  pbi-analyze sql --show-sql duckdb --output views.sql")]
pub(in crate::cli) struct SqlArgs {
    /// SQL statement, or - to read it from stdin
    #[arg(required_unless_present = "show_sql")]
    pub(in crate::cli) statement: Option<String>,
    /// Print the statement and its views as SQL for another engine instead of running it
    ///
    /// Without a statement, prints all views, and a statement that counts their rows.
    #[arg(
        long,
        value_enum,
        value_name = "ENGINE",
        conflicts_with_all = ["from", "condition", "sort", "columns"]
    )]
    pub(in crate::cli) show_sql: Option<SqlEngine>,
    #[command(flatten)]
    pub(in crate::cli) output_args: OutputArgs,
}

/// Write an HTML dashboard
///
/// Writes one HTML file with the most important changes in sentences, key figures, charts over
/// time, and tables that you can sort and filter. The page can switch between periods. The file
/// loads no other files, so you can email or print it. Its figures match those of the reports.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze dashboard --output usage.html
  pbi-analyze dashboard --since 90d --tz Europe/Berlin --output usage.html
  pbi-analyze dashboard --workspace Finance --title Finance --output finance.html
  pbi-analyze dashboard --people pseudonyms --output usage.html
  pbi-analyze dashboard --events trainings.csv --output usage.html
  pbi-analyze dashboard --since 90d --output-dir site
  pbi-analyze dashboard --since 28d --output usage.pdf
  pbi-analyze dashboard --from ./activity-log --output usage.html

Without a period, the page opens with the last 28 days. Key figures are compared
with the same number of days before, if the log has them.")]
pub(in crate::cli) struct DashboardArgs {
    #[command(flatten)]
    pub(in crate::cli) query_args: QueryArgs,
    /// Title of the page [default: Power BI usage]
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) title: Option<String>,
    /// Presentation of people on the page
    #[arg(long, value_enum, ignore_case = true, default_value_t = PeopleArg::Names)]
    pub(in crate::cli) people: PeopleArg,
    /// Mark the days of a CSV file in charts over time, for example trainings
    ///
    /// The columns are date and label. The first line names them: `date,label`, and then for
    /// example `2026-03-10,Training`.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) events: Option<PathBuf>,
    /// Days without use after which content is unused and licenses are idle
    ///
    /// As the parameter `days` of unused-reports, unused-items, license-summary and license-usage.
    /// The page has these sections if the store holds an inventory and there are no filters.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = UnusedDays::default().0,
        value_parser = unused_days_parser()
    )]
    pub(in crate::cli) unused_days: u16,
    /// Write a page without scripts, for mail systems that block them
    ///
    /// The page has the same figures and periods, and no search, sorting and details of single
    /// items.
    #[arg(long = "static")]
    pub(in crate::cli) is_static: bool,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// Format: html, or pdf for paper [default: by the extension of --output, or html]
    ///
    /// A PDF needs Chromium, Chrome or Edge, which prints the period that the page opens with.
    #[arg(long, value_enum, ignore_case = true, conflicts_with = "output_dir")]
    pub(in crate::cli) format: Option<PageFormat>,
    /// Browser that prints the PDF [default: an installed one]
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) browser: Option<PathBuf>,
    /// Write a site into DIR: a page for each workspace that contains it alone, and an index
    ///
    /// The folder is created if missing. A later run replaces the files of the site, and no others.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub(in crate::cli) output_dir: Option<PathBuf>,
}

/// Format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum PageFormat {
    /// A page for browsers
    Html,
    /// A document for paper
    Pdf,
}

/// Presentation of people on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum PeopleArg {
    /// Addresses
    Names,
    /// Numbers, the same on the whole page
    Pseudonyms,
    /// No people
    None,
}

/// Write a Power BI project: data, semantic model and report
///
/// Writes a project that Power BI Desktop opens (PBIP): a star schema as Parquet files, a semantic
/// model with measures, and report pages. Its figures match those of the reports. If the folder
/// already contains the project, only the data is written, so your changes to the model and the
/// report are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze powerbi --output usage-project
  pbi-analyze powerbi --since 12m --tz Europe/Berlin --output usage-project
  pbi-analyze powerbi --output usage-project --data-folder 'D:\\usage-project\\data'
  pbi-analyze powerbi --from ./activity-log --output usage-project

Power BI reads the data from an absolute path, which is the parameter DataFolder
of the model. docs/power-bi-project.md explains how to open and refresh it.")]
pub(in crate::cli) struct PowerbiArgs {
    #[command(flatten)]
    pub(in crate::cli) query_args: QueryArgs,
    /// Folder of the project; created if missing
    #[arg(long, short, value_name = "DIR")]
    pub(in crate::cli) output: PathBuf,
    /// Name of the project and its files
    #[arg(long, value_name = "NAME", default_value = "Usage")]
    pub(in crate::cli) name: ProjectName,
    /// Path of the data folder as Power BI sees it [default: data in --output]
    ///
    /// Use this flag if the project is written on one machine and opened on another. An existing
    /// project keeps its path unless --overwrite-project is given.
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) data_folder: Option<DataFolder>,
    /// First month of fiscal years: 7 or July
    #[arg(long, value_name = "MONTH", default_value = "1")]
    pub(in crate::cli) fiscal_year_start: FiscalStart,
    /// Days without use after which items are unused and licenses idle
    ///
    /// As the parameter `days` of unused-reports, unused-items and license-usage.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = UnusedDays::default().0,
        value_parser = unused_days_parser()
    )]
    pub(in crate::cli) unused_days: u16,
    /// Also replace the semantic model and the report of an existing project
    #[arg(long)]
    pub(in crate::cli) overwrite_project: bool,
}

/// Query and output of a report or statement.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OutputArgs {
    #[command(flatten)]
    pub(in crate::cli) query_args: QueryArgs,
    #[command(flatten)]
    pub(in crate::cli) rows: RowArgs,
    /// Output format [default: from the extension of --output, else text]
    #[arg(long, value_enum, ignore_case = true)]
    pub(in crate::cli) format: Option<OutputFormat>,
    /// In CSV, put an apostrophe before text that Excel would interpret as a formula
    ///
    /// This applies to text that starts with =, +, -, @, a tab or a carriage return, because report
    /// names are user input. Numbers do not change. Workbooks (xlsx) do not need this flag.
    #[arg(long)]
    pub(in crate::cli) excel_safe: bool,
    /// Write to FILE, or to stdout if FILE is -
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

/// Events to read: where from, which days, and filters.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct QueryArgs {
    #[command(flatten)]
    pub(in crate::cli) store: StoreFolder,
    /// Read raw log files directly, without a store
    #[arg(long, value_name = "PATH", num_args = 1.., action = ArgAction::Append)]
    pub(in crate::cli) from: Vec<PathBuf>,
    /// With --from, exclude files and folders, as in `ingest`
    #[arg(long, value_name = "GLOB", requires = "from", action = ArgAction::Append)]
    pub(in crate::cli) exclude: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) period: PeriodArgs,
    /// Automated API activity to exclude
    #[arg(long, value_enum, default_value_t = NoiseFilter::Exclude)]
    pub(in crate::cli) noise: NoiseFilter,
    /// Actors to include [default: as the report specifies, else people]
    #[arg(long, value_enum)]
    pub(in crate::cli) actors: Option<Actors>,
    #[command(flatten)]
    pub(in crate::cli) filters: FilterArgs,
    /// Use the inventory as of this day [default: the newest snapshots]
    #[arg(long, value_name = "DAY")]
    pub(in crate::cli) as_of: Option<NaiveDate>,
    #[command(flatten)]
    pub(in crate::cli) threads: Threads,
    /// Stop if the command needs more memory than this [default: 80% of the machine]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(in crate::cli) memory_limit: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct QueriesFolder {
    /// Folder with custom report definitions (.sql)
    #[arg(
        long,
        value_name = "DIR",
        env = "PBI_QUERIES",
        value_parser = clap::builder::OsStringValueParser::new()
    )]
    queries: Option<OsString>,
}

impl QueriesFolder {
    /// Returns the folder. An empty environment variable means none.
    pub(in crate::cli) fn folder(&self) -> Option<&Path> {
        self.queries.as_deref().filter(|folder| !folder.is_empty()).map(Path::new)
    }
}

/// List reports, search them, or explain one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  pbi-analyze reports
  pbi-analyze reports adoption
  pbi-analyze reports license
  pbi-analyze reports --queries ./my-queries --format json")]
pub(in crate::cli) struct ReportsArgs {
    /// Name of a report to explain, or text to search for in names, questions and columns
    #[arg(value_name = "WORD")]
    pub(in crate::cli) name: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) queries: QueriesFolder,
    /// Output format
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(in crate::cli) format: ListFormat,
}
