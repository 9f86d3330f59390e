//! The commands: options in, results out.

use std::collections::{BTreeMap, HashSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::{
    AccountFormat, ActorFilter, Asking, Columns, Compact, Completions, Dashboard, Engine, Export,
    ExportFormat, Forget, GlossaryFormat, Ingest, ListFormat, Man, NoiseFilter, RejectFormat,
    Rejects, Report, ReportFormat, Reports, Scope, Sql, Status, Threads, Verify,
};
use super::progress::Shown;
use crate::cli::{Ending, completions, data_dictionary_text, log, out, report_help, text};
use crate::dashboard;
use crate::data_dictionary;
use crate::error::{Error, Result};
use crate::export;
use crate::ingest::{self, Store, IngestSummary};
use crate::maintenance::{self, Pseudonymizer};
use crate::rejects;
use crate::report::{self, Actors, Filters, OutputFormat, NoiseFilter, Snapshot};
use crate::status;

/// The width of a table that goes to no terminal: wide enough for whole names.
const WIDTH_ELSEWHERE: usize = 200;

pub(super) fn ingest(command: &Ingest, quiet: bool) -> Result<Ending> {
    let folder = command.store.get();
    if folder.is_file() {
        let reason = "it is a file, and a store is a folder: name another place with --store";
        let reason = std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason);
        return Err(Error::io("create", folder)(reason));
    }
    let key = command.pseudonymize.as_deref();
    let options = ingest::Options {
        pseudonymizer: key.map(pseudonyms).transpose()?,
        all_workloads: command.all_workloads,
        ..sources(&command.paths, &command.threads)
    };
    if command.dry_run {
        return plan(command, &options);
    }
    let shown = Shown::new(quiet);
    let summary = ingest::ingest_into_store(&Store::new(command.store.get()), &options, &shown);
    shown.clear();
    let summary = summary?;
    warn(&summary, quiet);
    let text = match command.format {
        AccountFormat::Text => out::plain(&text::accounts(&summary)),
        AccountFormat::Json => json(&summary)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(ending(&summary))
}

fn plan(command: &Ingest, options: &ingest::Options) -> Result<Ending> {
    let plan = ingest::plan(&Store::new(command.store.get()), options)?;
    for line in text::failures(&plan).lines() {
        log::warning(line);
    }
    let text = match command.format {
        AccountFormat::Text => out::plain(&text::plan(&plan)),
        AccountFormat::Json => json(&plan)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if plan.is_complete() { Ending::Well } else { Ending::Incomplete })
}

pub(super) fn report(command: &Report, quiet: bool) -> Result<Ending> {
    let options = report::Options {
        top: command.top,
        params: command.set.iter().map(|pair| setting(pair)).collect::<Result<_>>()?,
        fail_on: command.fail_on.iter().map(|on| on.parse()).collect::<Result<_>>()?,
        ..asked(&command.asking)?
    };
    // A name or an option that makes no sense is told before half an hour of reading.
    let reports = report::ReportCatalog::new(command.queries.folder())?;
    let asking = &command.asking;
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
                let store = existing(asking.scope.store.get())?;
                let sql = store.read(|held| report::portable_sql(held, report, &options, engine))?;
                out::write(sql.as_bytes(), asking.output.as_deref())?;
                return Ok(Ending::Well);
            }
            one(report, asking, &options, quiet)
        }
        (None, Some(folder)) => every(reports.all(), folder, asking, &options, quiet),
        (None, None) => Err(Error::Usage(nameless(&asking.scope.from, &reports))),
    }
}

/// What to write where no report is named.
fn nameless(from: &[PathBuf], reports: &report::ReportCatalog) -> String {
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

pub(super) fn sql(command: &Sql, quiet: bool) -> Result<Ending> {
    let statement = match command.statement.as_str() {
        "-" => std::io::read_to_string(std::io::stdin())
            .map_err(Error::io("read", Path::new("stdin")))?,
        statement => statement.to_owned(),
    };
    // PowerShell puts a byte order mark before what it pipes as UTF-8.
    let question = report::Question::ad_hoc(statement.trim_start_matches('\u{feff}'));
    one(&question, &command.asking, &asked(&command.asking)?, quiet)
}

pub(super) fn dashboard(command: &Dashboard, quiet: bool) -> Result<Ending> {
    if command.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Error::Usage(
            "a dashboard is for a browser: write it to a file with --output usage.html, or into a \
             pipe"
                .to_owned(),
        ));
    }
    let (reports, options) = (report::ReportCatalog::new(None)?, within(&command.scope)?);
    let columns = dashboard::required_columns(&reports)?;
    let read = |snapshot: &Snapshot| dashboard::run(snapshot, &reports, &options);
    let (page, ending) = reading(&command.scope, columns, quiet, read)?;
    out::write(&page, command.output.as_deref())?;
    Ok(ending)
}

/// One answer, to stdout or a file.
fn one(
    report: &report::Question,
    asking: &Asking,
    options: &report::Options,
    quiet: bool,
) -> Result<Ending> {
    showable(options.format, asking.output.is_none() && std::io::stdout().is_terminal())?;
    let columns = report::required_columns(report)?;
    let read = |snapshot: &Snapshot| report::run(snapshot, report, options);
    let (answer, ending) = reading(&asking.scope, columns, quiet, read)?;
    out::write(&answer.bytes, asking.output.as_deref())?;
    Ok(ending.worse(failed(&report.name, &answer)))
}

/// Every report into a file of a folder.
fn every(
    reports: &[report::Question],
    folder: &Path,
    asking: &Asking,
    options: &report::Options,
    quiet: bool,
) -> Result<Ending> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let options = &report::Options { width: WIDTH_ELSEWHERE, ..options.clone() };
    let mut columns = HashSet::new();
    for report in reports {
        columns.extend(report::required_columns(report)?);
    }
    // Files are whole whenever they are written; should the store change, they are written again.
    let read = |snapshot: &Snapshot| {
        let mut ending = Ending::Well;
        report::run_all(snapshot, reports, options, &mut |report, answer| {
            match answer {
                Ok(answer) => {
                    let name = format!("{}.{}", report.name, options.format.extension());
                    out::write(&answer.bytes, Some(&folder.join(name)))?;
                    ending = ending.worse(failed(&report.name, &answer));
                }
                Err(error) => {
                    log::error(&format!("{}: {error}", report.name));
                    ending = Ending::Failed;
                }
            }
            Ok(())
        })?;
        Ok(ending)
    };
    let (answers, sources) = reading(&asking.scope, columns, quiet, read)?;
    if !quiet {
        log::info(&format!("{} reports in {}", reports.len(), folder.display()));
    }
    Ok(answers.worse(sources))
}

/// Opens the store, or reads raw files, for an answer that needs no other columns than these. How
/// reading ended is beside it.
fn reading<T>(
    scope: &Scope,
    columns: HashSet<String>,
    quiet: bool,
    answer: impl Fn(&Snapshot) -> Result<T>,
) -> Result<(T, Ending)> {
    if scope.from.is_empty() {
        return Ok((existing(scope.store.get())?.read(answer)?, Ending::Well));
    }
    let shown = Shown::new(quiet);
    let read = sources(&scope.from, &scope.threads);
    let read = ingest::ingest_temporary(&read, &ingest::Projection::Only(columns), &shown);
    shown.clear();
    let (_passing, snapshot, summary) = read?;
    warn(&summary, quiet);
    Ok((answer(&snapshot)?, ending(&summary)))
}

/// Tells what was to be told by the exit code.
fn failed(name: &str, answer: &report::RenderedReport) -> Ending {
    for failure in &answer.failures {
        log::error(&format!("{name}: {failure}"));
    }
    if answer.failures.is_empty() { Ending::Well } else { Ending::Incomplete }
}

/// `name=value`.
fn setting(pair: &str) -> Result<(String, String)> {
    let parts = pair.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or_else(|| {
        Error::Usage(format!("--set {pair}: write a name and a value, such as --set grain=week"))
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn reports(command: &Reports) -> Result<Ending> {
    let reports = report::ReportCatalog::new(command.queries.folder())?;
    let named = command.name.as_deref().map(|name| reports.find(name)).transpose()?;
    let text = match (command.format, named) {
        (ListFormat::Table, Some(report)) => out::plain(&report_help::text(report)).into_bytes(),
        (ListFormat::Table, None) => {
            out::plain(&report_help::list(reports.all(), width())).into_bytes()
        }
        (ListFormat::Json, _) => reports.list_json()?,
        (ListFormat::Markdown, Some(report)) => {
            report_help::markdown(std::slice::from_ref(report)).into_bytes()
        }
        (ListFormat::Markdown, None) => report_help::markdown(reports.all()).into_bytes(),
    };
    out::write(&text, None)?;
    Ok(Ending::Well)
}

pub(super) fn status(command: &Status) -> Result<Ending> {
    let store = existing(command.store.get())?;
    let status = store.read(status::collect_status)?;
    let text = match command.format {
        AccountFormat::Text => out::plain(&text::status(&status, command.store.get())),
        AccountFormat::Json => json(&status)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(Ending::Well)
}

pub(super) fn compact(command: &Compact) -> Result<Ending> {
    let store = existing(command.store.get())?;
    let done = maintenance::compact(&store, command.threads.get())?;
    out::write(text::compacted(&done).as_bytes(), None)?;
    Ok(Ending::Well)
}

pub(super) fn forget(command: &Forget) -> Result<Ending> {
    let store = existing(command.store.get())?;
    let forgetting = maintenance::ForgetOptions {
        users: command.user.clone(),
        pseudonymize: command.replace,
        pseudonyms: command.key.as_deref().map(pseudonyms).transpose()?,
        threads: command.threads.get(),
    };
    let done = maintenance::forget(&store, &forgetting)?;
    out::write(text::forgotten(&done).as_bytes(), None)?;
    Ok(Ending::Well)
}

/// The pseudonyms of the key in a file: all its bytes, but for a line break at the end.
fn pseudonyms(file: &Path) -> Result<Pseudonymizer> {
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

pub(super) fn verify(command: &Verify) -> Result<Ending> {
    let store = existing(command.store.get())?;
    let verdict = maintenance::verify(&store, command.threads.get())?;
    let text = match command.format {
        AccountFormat::Text => text::verdict(&verdict, command.store.get()),
        AccountFormat::Json => json(&verdict)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if verdict.ok { Ending::Well } else { Ending::Failed })
}

pub(super) fn columns(command: &Columns) -> Result<Ending> {
    if command.views {
        return views(command.format);
    }
    let store = command.folder().map(|folder| existing(&folder)).transpose()?;
    let dictionary = data_dictionary::build(store.as_ref())?;
    let text = match command.format {
        GlossaryFormat::Text => out::plain(&data_dictionary_text::text(&dictionary)),
        GlossaryFormat::Json => json(&dictionary)?,
        GlossaryFormat::Markdown => out::plain(&data_dictionary_text::markdown(&dictionary)),
    };
    out::write(text.as_bytes(), None)?;
    Ok(Ending::Well)
}

fn views(format: GlossaryFormat) -> Result<Ending> {
    let views = report::views();
    let text = match format {
        GlossaryFormat::Text => out::plain(&data_dictionary_text::views(&views, width())),
        GlossaryFormat::Json => json(&views)?,
        GlossaryFormat::Markdown => out::plain(&data_dictionary_text::views_markdown(&views)),
    };
    out::write(text.as_bytes(), None)?;
    Ok(Ending::Well)
}

pub(super) fn completions(command: &Completions) -> Result<Ending> {
    out::write(&completions::completions(command.shell), None)?;
    Ok(Ending::Well)
}

pub(super) fn man(command: &Man, quiet: bool) -> Result<Ending> {
    completions::pages(&command.output_dir)?;
    if !quiet {
        log::info(&format!("manual pages in {}", command.output_dir.display()));
    }
    Ok(Ending::Well)
}

pub(super) fn export(command: &Export, quiet: bool) -> Result<Ending> {
    let ExportFormat::Ndjson = command.format;
    let day = |day: &Option<String>| day.as_deref().map(str::parse).transpose();
    let options = export::Options {
        since: day(&command.since)?,
        until: day(&command.until)?,
        with_lineage: command.with_lineage,
    };
    let store = existing(command.store.get())?;
    let file = command.output.as_deref().filter(|file| *file != Path::new("-"));
    let events = out::stream(file, |out| export::run(&store, &options, out))?;
    if let Some(events) = events.filter(|_| !quiet) {
        log::info(&format!("{} events", text::number(events)));
    }
    Ok(Ending::Well)
}

pub(super) fn rejects(command: &Rejects) -> Result<Ending> {
    let store = existing(command.store.get())?;
    let options = rejects::Options { source: command.source.clone(), with_content: command.raw };
    let format = match command.format {
        RejectFormat::Text => None,
        RejectFormat::Json => Some(rejects::RejectsFormat::Json),
        RejectFormat::Ndjson => Some(rejects::RejectsFormat::Ndjson),
        RejectFormat::Csv => Some(rejects::RejectsFormat::Csv),
    };
    out::stream(command.output.as_deref(), |out| match format {
        Some(format) => rejects::export(&store, &options, format, out),
        None => {
            let mut tell = |reject| out(out::plain(&text::reject(&reject, command.raw)).as_bytes());
            let number = rejects::for_each(&store, &options, &mut tell)?;
            out(format!("{}\n", text::count(number, "rejected record")).as_bytes())?;
            Ok(number)
        }
    })?;
    Ok(Ending::Well)
}

fn sources(paths: &[PathBuf], threads: &Threads) -> ingest::Options {
    ingest::Options { paths: paths.to_vec(), threads: threads.get(), ..ingest::Options::default() }
}

fn asked(asking: &Asking) -> Result<report::Options> {
    Ok(report::Options {
        format: report_format(asking)?,
        width: if asking.output.is_some() { WIDTH_ELSEWHERE } else { width() },
        ..within(&asking.scope)?
    })
}

fn within(scope: &Scope) -> Result<report::Options> {
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
            NoiseFilter::Default => NoiseFilter::Default,
            NoiseFilter::Wide => NoiseFilter::Wide,
            NoiseFilter::Keep => NoiseFilter::Keep,
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
        width: WIDTH_ELSEWHERE,
        fail_on: Vec::new(),
    })
}

fn report_format(asking: &Asking) -> Result<OutputFormat> {
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
fn showable(format: OutputFormat, is_terminal: bool) -> Result<()> {
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
fn existing(folder: &Path) -> Result<Store> {
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
fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let seen = || {
        let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size)?;
        terminal.map(|(width, _)| usize::from(width.0))
    };
    told.or_else(seen).unwrap_or(WIDTH_ELSEWHERE)
}

/// What is wrong is said even when quiet: a batch job's log must hold it.
fn warn(summary: &IngestSummary, quiet: bool) {
    for line in text::troubles(summary, quiet).lines() {
        log::warning(line);
    }
}

fn ending(summary: &IngestSummary) -> Ending {
    if summary.is_complete() { Ending::Well } else { Ending::Incomplete }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map(|text| text + "\n").map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_goes_to_files_and_pipes_only() {
        for format in [OutputFormat::Xlsx, OutputFormat::Parquet] {
            showable(format, false).unwrap();
            let told = showable(format, true).unwrap_err();
            assert!(matches!(&told, Error::Usage(why) if why.contains("--output FILE")), "{told}");
        }
        showable(OutputFormat::Ndjson, true).unwrap();
    }
}
