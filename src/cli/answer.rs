//! The commands: options in, results out.

use std::collections::{BTreeMap, HashSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{
    ActorFilter, CompactArgs, CompletionsArgs, DashboardArgs, DictionaryFormat, Engine, ExportArgs,
    ExportFormat, ForgetArgs, IngestArgs, ListFormat, ManArgs, NoiseLevel, OutputArgs, QueryArgs,
    RejectFormat, RejectsArgs, ReportArgs, ReportFormat, ReportsArgs, SchemaArgs, SqlArgs,
    StatusArgs, SummaryFormat, Threads, VerifyArgs,
};
use super::progress::ProgressReporter;
use crate::cli::{ExitStatus, completions, data_dictionary_text, log, out, report_help, text};
use crate::dashboard;
use crate::data_dictionary;
use crate::error::{Error, Result};
use crate::export;
use crate::ingest::{self, IngestSummary, Store};
use crate::maintenance::{self, Pseudonymizer};
use crate::rejects;
use crate::report::{self, Actors, Filters, NoiseFilter, OutputFormat, Snapshot};
use crate::status;

/// The width of a table that goes to no terminal: wide enough for whole names.
const DEFAULT_WIDTH: usize = 200;

pub(super) fn ingest(command: &IngestArgs, quiet: bool) -> Result<ExitStatus> {
    let folder = command.store.path();
    if folder.is_file() {
        let reason = "it is a file, and a store is a folder: name another place with --store";
        let reason = std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason);
        return Err(Error::io("create", folder)(reason));
    }
    let key = command.pseudonymize.as_deref();
    let options = ingest::Options {
        pseudonymizer: key.map(read_pseudonym_key).transpose()?,
        all_workloads: command.all_workloads,
        ..source_options(&command.paths, &command.threads)
    };
    if command.dry_run {
        return plan_ingest(command, &options);
    }
    let shown = ProgressReporter::new(quiet);
    let summary = ingest::ingest_into_store(&Store::new(command.store.path()), &options, &shown);
    shown.clear();
    let summary = summary?;
    log_problems(&summary, quiet);
    let text = match command.format {
        SummaryFormat::Text => out::strip_control(&text::summary_text(&summary)),
        SummaryFormat::Json => to_json(&summary)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(exit_status(&summary))
}

fn plan_ingest(command: &IngestArgs, options: &ingest::Options) -> Result<ExitStatus> {
    let plan = ingest::plan(&Store::new(command.store.path()), options)?;
    for line in text::plan_failures(&plan).lines() {
        log::warning(line);
    }
    let text = match command.format {
        SummaryFormat::Text => out::strip_control(&text::plan_text(&plan)),
        SummaryFormat::Json => to_json(&plan)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if plan.is_complete() { ExitStatus::Success } else { ExitStatus::Incomplete })
}

pub(super) fn report(command: &ReportArgs, quiet: bool) -> Result<ExitStatus> {
    let options = report::Options {
        top: command.top,
        params: command.param.iter().map(|pair| parse_param(pair)).collect::<Result<_>>()?,
        fail_on: command.fail_on.iter().map(|on| on.parse()).collect::<Result<_>>()?,
        ..report_options(&command.output_args)?
    };
    // A name or an option that makes no sense is told before half an hour of reading.
    let reports = report::ReportCatalog::new(command.queries.folder())?;
    let asking = &command.output_args;
    match (command.name.as_deref(), &command.output_dir) {
        (Some(_), Some(_)) => Err(Error::Usage(
            "--output-dir is for --all: write one report to a file with --output FILE".to_owned(),
        )),
        (Some(name), None) => {
            let report = reports.find(name)?;
            if let Some(engine) = command.show_sql {
                let engine = match engine {
                    Engine::Duckdb => report::SqlEngine::DuckDb,
                    Engine::Spark => report::SqlEngine::Spark,
                };
                let store = open_existing(asking.query_args.store.path())?;
                let sql =
                    store.read(|held| report::portable_sql(held, report, &options, engine))?;
                out::write(sql.as_bytes(), asking.output.as_deref())?;
                return Ok(ExitStatus::Success);
            }
            run_report(report, asking, &options, quiet)
        }
        (None, Some(folder)) => run_all_reports(reports.all(), folder, asking, &options, quiet),
        (None, None) => Err(Error::Usage(missing_name_error(&asking.query_args.from, &reports))),
    }
}

/// What to write where no report is named.
fn missing_name_error(from: &[PathBuf], reports: &report::ReportCatalog) -> String {
    match from.last().and_then(|last| last.to_str()).filter(|last| reports.find(last).is_ok()) {
        Some(name) => format!(
            "--from takes all words behind it for paths, {name} too: write the report first, as in \
             `report {name} --from PATH`"
        ),
        None => "name a report, such as `report top-reports`; `pbi-analyze reports` lists them, \
                 and `report --all --output-dir DIR` answers every one"
            .to_owned(),
    }
}

pub(super) fn sql(command: &SqlArgs, quiet: bool) -> Result<ExitStatus> {
    let statement = match command.statement.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(Error::io("read", Path::new("stdin")))?,
        statement => statement.to_owned(),
    };
    // PowerShell puts a byte order mark before what it pipes as UTF-8.
    let question = report::ReportDefinition::ad_hoc(statement.trim_start_matches('\u{feff}'));
    run_report(&question, &command.output_args, &report_options(&command.output_args)?, quiet)
}

pub(super) fn dashboard(command: &DashboardArgs, quiet: bool) -> Result<ExitStatus> {
    if command.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Error::Usage(
            "a dashboard is for a browser: write it to a file with --output usage.html, or into a \
             pipe"
                .to_owned(),
        ));
    }
    let (reports, options) =
        (report::ReportCatalog::new(None)?, base_options(&command.query_args)?);
    let columns = dashboard::required_columns(&reports)?;
    let read = |snapshot: &Snapshot| dashboard::run(snapshot, &reports, &options);
    let (page, ending) = with_snapshot(&command.query_args, columns, quiet, read)?;
    out::write(&page, command.output.as_deref())?;
    Ok(ending)
}

/// One answer, to stdout or a file.
fn run_report(
    report: &report::ReportDefinition,
    asking: &OutputArgs,
    options: &report::Options,
    quiet: bool,
) -> Result<ExitStatus> {
    refuse_binary_on_terminal(
        options.format,
        asking.output.is_none() && std::io::stdout().is_terminal(),
    )?;
    let columns = report::required_columns(report)?;
    let read = |snapshot: &Snapshot| report::run(snapshot, report, options);
    let (answer, ending) = with_snapshot(&asking.query_args, columns, quiet, read)?;
    out::write(&answer.bytes, asking.output.as_deref())?;
    Ok(ending.worse_of(log_failures(&report.name, &answer)))
}

/// Every report into a file of a folder.
fn run_all_reports(
    reports: &[report::ReportDefinition],
    folder: &Path,
    asking: &OutputArgs,
    options: &report::Options,
    quiet: bool,
) -> Result<ExitStatus> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let options = &report::Options { width: DEFAULT_WIDTH, ..options.clone() };
    let mut columns = HashSet::new();
    for report in reports {
        columns.extend(report::required_columns(report)?);
    }
    // Files are whole whenever they are written; should the store change, they are written again.
    let read = |snapshot: &Snapshot| {
        let mut ending = ExitStatus::Success;
        report::run_all(snapshot, reports, options, &mut |report, answer| {
            match answer {
                Ok(answer) => {
                    let name = format!("{}.{}", report.name, options.format.extension());
                    out::write(&answer.bytes, Some(&folder.join(name)))?;
                    ending = ending.worse_of(log_failures(&report.name, &answer));
                }
                Err(error) => {
                    log::error(&format!("{}: {error}", report.name));
                    ending = ExitStatus::Failed;
                }
            }
            Ok(())
        })?;
        Ok(ending)
    };
    let (answers, sources) = with_snapshot(&asking.query_args, columns, quiet, read)?;
    if !quiet {
        log::info(&format!("{} reports in {}", reports.len(), folder.display()));
    }
    Ok(answers.worse_of(sources))
}

/// Opens the store, or reads raw files, for an answer that needs no other columns than these. How
/// reading ended is beside it.
fn with_snapshot<T>(
    scope: &QueryArgs,
    columns: HashSet<String>,
    quiet: bool,
    answer: impl Fn(&Snapshot) -> Result<T>,
) -> Result<(T, ExitStatus)> {
    if scope.from.is_empty() {
        return Ok((open_existing(scope.store.path())?.read(answer)?, ExitStatus::Success));
    }
    let shown = ProgressReporter::new(quiet);
    let read = source_options(&scope.from, &scope.threads);
    let read = ingest::ingest_temporary(&read, &ingest::Projection::Only(columns), &shown);
    shown.clear();
    let (_passing, snapshot, summary) = read?;
    log_problems(&summary, quiet);
    Ok((answer(&snapshot)?, exit_status(&summary)))
}

/// Tells what was to be told by the exit code.
fn log_failures(name: &str, answer: &report::RenderedReport) -> ExitStatus {
    for failure in &answer.failures {
        log::error(&format!("{name}: {failure}"));
    }
    if answer.failures.is_empty() { ExitStatus::Success } else { ExitStatus::Incomplete }
}

/// `name=value`.
fn parse_param(pair: &str) -> Result<(String, String)> {
    let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        Error::Usage(format!("--set {pair}: write a name and a value, such as --set grain=week"))
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn reports(command: &ReportsArgs) -> Result<ExitStatus> {
    let reports = report::ReportCatalog::new(command.queries.folder())?;
    let named = command.name.as_deref().map(|name| reports.find(name)).transpose()?;
    let text = match (command.format, named) {
        (ListFormat::Text, Some(report)) => {
            out::strip_control(&report_help::report_text(report)).into_bytes()
        }
        (ListFormat::Text, None) => {
            out::strip_control(&report_help::list(reports.all(), output_width())).into_bytes()
        }
        (ListFormat::Json, _) => reports.list_json()?,
        (ListFormat::Markdown, Some(report)) => {
            report_help::markdown(std::slice::from_ref(report)).into_bytes()
        }
        (ListFormat::Markdown, None) => report_help::markdown(reports.all()).into_bytes(),
    };
    out::write(&text, None)?;
    Ok(ExitStatus::Success)
}

pub(super) fn status(command: &StatusArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let status = store.read(status::collect_status)?;
    let text = match command.format {
        SummaryFormat::Text => {
            out::strip_control(&text::status_text(&status, command.store.path()))
        }
        SummaryFormat::Json => to_json(&status)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

pub(super) fn compact(command: &CompactArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let done = maintenance::compact(&store, command.threads.count())?;
    out::write(text::compaction_summary(&done).as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

pub(super) fn forget(command: &ForgetArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let forgetting = maintenance::ForgetOptions {
        users: command.user.clone(),
        pseudonymize: command.pseudonymize,
        pseudonyms: command.key_file.as_deref().map(read_pseudonym_key).transpose()?,
        threads: command.threads.count(),
    };
    let done = maintenance::forget(&store, &forgetting)?;
    out::write(text::redaction_summary(&done).as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

/// The pseudonyms of the key in a file: all its bytes, but for a line break at the end.
fn read_pseudonym_key(file: &Path) -> Result<Pseudonymizer> {
    const LEAST: usize = 16;
    let key = std::fs::read(file).map_err(Error::io("read", file))?;
    let key = key.trim_ascii_end();
    if key.len() < LEAST {
        return Err(Error::Usage(format!(
            "the key in {} has {} bytes: with fewer than {LEAST}, names can be found by trying; \
             make one with `openssl rand -hex 32`",
            file.display(),
            key.len()
        )));
    }
    Ok(Pseudonymizer::new(key))
}

pub(super) fn verify(command: &VerifyArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let verdict = maintenance::verify(&store, command.threads.count())?;
    let text = match command.format {
        SummaryFormat::Text => text::verify_text(&verdict, command.store.path()),
        SummaryFormat::Json => to_json(&verdict)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if verdict.ok { ExitStatus::Success } else { ExitStatus::Failed })
}

pub(super) fn schema(command: &SchemaArgs) -> Result<ExitStatus> {
    if command.views {
        return schema_views(command.format);
    }
    let store = command.store_folder().map(|folder| open_existing(&folder)).transpose()?;
    let dictionary = data_dictionary::build(store.as_ref())?;
    let text = match command.format {
        DictionaryFormat::Text => {
            out::strip_control(&data_dictionary_text::dictionary_text(&dictionary))
        }
        DictionaryFormat::Json => to_json(&dictionary)?,
        DictionaryFormat::Markdown => {
            out::strip_control(&data_dictionary_text::markdown(&dictionary))
        }
    };
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

fn schema_views(format: DictionaryFormat) -> Result<ExitStatus> {
    let views = report::views();
    let text = match format {
        DictionaryFormat::Text => {
            out::strip_control(&data_dictionary_text::views_text(&views, output_width()))
        }
        DictionaryFormat::Json => to_json(&views)?,
        DictionaryFormat::Markdown => {
            out::strip_control(&data_dictionary_text::views_markdown(&views))
        }
    };
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

pub(super) fn completions(command: &CompletionsArgs) -> Result<ExitStatus> {
    out::write(&completions::completion_script(command.shell), None)?;
    Ok(ExitStatus::Success)
}

pub(super) fn man(command: &ManArgs, quiet: bool) -> Result<ExitStatus> {
    completions::write_man_pages(&command.output_dir)?;
    if !quiet {
        log::info(&format!("manual pages in {}", command.output_dir.display()));
    }
    Ok(ExitStatus::Success)
}

pub(super) fn export(command: &ExportArgs, quiet: bool) -> Result<ExitStatus> {
    let ExportFormat::Ndjson = command.format;
    let day = |day: &Option<String>| day.as_deref().map(str::parse).transpose();
    let options = export::Options {
        since: day(&command.since)?,
        until: day(&command.until)?,
        with_lineage: command.with_lineage,
    };
    let store = open_existing(command.store.path())?;
    let file = command.output.as_deref().filter(|file| *file != Path::new("-"));
    let events = out::stream(file, |out| export::run(&store, &options, out))?;
    if let Some(events) = events.filter(|_| !quiet) {
        log::info(&format!("{} events", text::format_number(events)));
    }
    Ok(ExitStatus::Success)
}

pub(super) fn rejects(command: &RejectsArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let options =
        rejects::Options { source: command.source.clone(), with_content: command.with_content };
    let format = match command.format {
        RejectFormat::Text => None,
        RejectFormat::Json => Some(rejects::RejectsFormat::Json),
        RejectFormat::Ndjson => Some(rejects::RejectsFormat::Ndjson),
        RejectFormat::Csv => Some(rejects::RejectsFormat::Csv),
    };
    out::stream(command.output.as_deref(), |out| match format {
        Some(format) => rejects::export(&store, &options, format, out),
        None => {
            let mut tell = |reject| {
                out(out::strip_control(&text::reject_text(&reject, command.with_content))
                    .as_bytes())
            };
            let number = rejects::for_each(&store, &options, &mut tell)?;
            out(format!("{}\n", text::count(number, "rejected record")).as_bytes())?;
            Ok(number)
        }
    })?;
    Ok(ExitStatus::Success)
}

fn source_options(paths: &[PathBuf], threads: &Threads) -> ingest::Options {
    ingest::Options {
        paths: paths.to_vec(),
        threads: threads.count(),
        ..ingest::Options::default()
    }
}

fn report_options(asking: &OutputArgs) -> Result<report::Options> {
    Ok(report::Options {
        format: report_format(asking)?,
        width: if asking.output.is_some() { DEFAULT_WIDTH } else { output_width() },
        ..base_options(&asking.query_args)?
    })
}

fn base_options(scope: &QueryArgs) -> Result<report::Options> {
    let when = |day: &Option<String>| day.as_deref().map(str::parse).transpose();
    let time_zone = scope.tz.parse().map_err(|_| {
        Error::Usage(format!(
            "{:?} is no time zone: write the name of the IANA database, such as Europe/Berlin or \
             America/New_York",
            scope.tz
        ))
    })?;
    Ok(report::Options {
        since: when(&scope.since)?,
        until: when(&scope.until)?,
        time_zone,
        top: None,
        params: BTreeMap::new(),
        noise: match scope.noise {
            NoiseLevel::Default => NoiseFilter::Exclude,
            NoiseLevel::Wide => NoiseFilter::ExcludeAllReads,
            NoiseLevel::Keep => NoiseFilter::Include,
        },
        actors: scope.actors.map(|actors| match actors {
            ActorFilter::People => Actors::People,
            ActorFilter::All => Actors::All,
            ActorFilter::Services => Actors::Services,
        }),
        filters: Filters {
            workspaces: scope.workspace.clone(),
            reports: scope.report.clone(),
            users: scope.user.clone(),
            activities: scope.activity.clone(),
        },
        format: OutputFormat::default(),
        width: DEFAULT_WIDTH,
        fail_on: Vec::new(),
    })
}

fn report_format(asking: &OutputArgs) -> Result<OutputFormat> {
    let by_name = || asking.output.as_deref().and_then(ReportFormat::of_name);
    let format = match asking.format.or_else(by_name).unwrap_or(ReportFormat::Table) {
        ReportFormat::Table => OutputFormat::Text,
        ReportFormat::Csv if asking.excel_safe => OutputFormat::SafeCsv,
        ReportFormat::Csv => OutputFormat::Csv,
        ReportFormat::Json => OutputFormat::Json,
        ReportFormat::Ndjson => OutputFormat::Ndjson,
        ReportFormat::Markdown => OutputFormat::Markdown,
        ReportFormat::Xlsx => OutputFormat::Xlsx,
        ReportFormat::Parquet => OutputFormat::Parquet,
    };
    if asking.excel_safe && !matches!(format, OutputFormat::SafeCsv | OutputFormat::Xlsx) {
        return Err(Error::Usage(
            "--excel-safe is about CSV: add --format csv, or take --format xlsx, which needs no \
             such thing"
                .to_owned(),
        ));
    }
    Ok(format)
}

/// Refuses to fill a terminal with what is no text.
fn refuse_binary_on_terminal(format: OutputFormat, is_terminal: bool) -> Result<()> {
    if format.is_text() || !is_terminal {
        return Ok(());
    }
    Err(Error::Usage(
        "this format is no text, and cannot be shown on a terminal: write it to a file with \
         --output FILE, or into a pipe"
            .to_owned(),
    ))
}

/// The store of a folder, which must be there.
fn open_existing(folder: &Path) -> Result<Store> {
    let store = Store::new(folder);
    if store.exists()? {
        return Ok(store);
    }
    Err(Error::store(
        folder,
        "there is no store here; make one with `pbi-analyze ingest PATH`, name another with \
         --store, or read raw files with `report NAME --from PATH`",
    ))
}

/// How many columns of characters a line of output may have.
fn output_width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || {
        let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size)?;
        terminal.map(|(width, _)| usize::from(width.0))
    };
    told.or_else(seen).unwrap_or(DEFAULT_WIDTH)
}

/// What is wrong is said even when quiet: a batch job's log must hold it.
fn log_problems(summary: &IngestSummary, quiet: bool) {
    for line in text::problems(summary, quiet).lines() {
        log::warning(line);
    }
}

fn exit_status(summary: &IngestSummary) -> ExitStatus {
    if summary.is_complete() { ExitStatus::Success } else { ExitStatus::Incomplete }
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_goes_to_files_and_pipes_only() {
        for format in [OutputFormat::Xlsx, OutputFormat::Parquet] {
            refuse_binary_on_terminal(format, false).unwrap();
            let told = refuse_binary_on_terminal(format, true).unwrap_err();
            assert!(matches!(&told, Error::Usage(why) if why.contains("--output FILE")), "{told}");
        }
        refuse_binary_on_terminal(OutputFormat::Ndjson, true).unwrap();
    }
}
