//! The commands report and sql.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::shared::{exit_status, log_problems, open_existing, source_options};
use crate::cli::args::{OutputArgs, QueryArgs, ReportArgs, SqlArgs, Theme};
use crate::cli::exit::ExitStatus;
use crate::cli::progress::ProgressReporter;
use crate::cli::text::count;
use crate::cli::width::{DEFAULT_WIDTH, output_width};
use crate::cli::{events_file, log, out, output_name, report_help};
use crate::error::{Error, Result};
use crate::ingest;
use crate::report::{
    self, Mark, OutputFormat, PeriodBounds, ReportCatalog, ReportDefinition, Snapshot, SqlEngine,
};

pub(in crate::cli) fn report(command: &ReportArgs, quiet: bool) -> Result<ExitStatus> {
    let args = &command.output_args;
    let format = match command.show_sql {
        Some(_) => OutputFormat::Text,
        None => with_theme(output_format(args)?, command.theme)?,
    };
    let marks = report_marks(command)?;
    let options = report::Options {
        params: command.param.iter().cloned().collect(),
        compare: command.compare,
        marks,
        details: command.details,
        fail_on: command.fail_on.clone(),
        ..report_options(args, format)
    };
    let is_for_files = command.show_sql.is_some() || command.output_dir.is_some();
    let options = report::Options { all_rows: options.all_rows || is_for_files, ..options };
    // Invalid names and options are reported before a long read of raw files.
    let reports = ReportCatalog::new(command.queries.folder())?;
    match (command.name.as_deref(), &command.output_dir) {
        (Some(_), Some(_)) => Err(Error::Usage(
            "--output-dir needs --all; write one report to a file with --output FILE".to_owned(),
        )),
        (Some(name), None) => {
            let report = report_definition(&reports, name, command)?;
            match command.show_sql {
                Some(engine) => print_sql(&report, args, &options, engine),
                None => run_report(&report, args, &options, quiet),
            }
        }
        (None, Some(folder)) => run_all_reports(reports.all(), folder, args, &options, quiet),
        (None, None) if command.all => combine_reports(reports.all(), args, &options, quiet),
        (None, None) => {
            list(command)?;
            Err(Error::Usage(missing_name_error(&args.query_args.from, &reports)))
        }
    }
}

/// Returns the report with a name, divided as the command says.
pub(in crate::cli) fn report_definition(
    catalog: &ReportCatalog,
    name: &str,
    command: &ReportArgs,
) -> Result<ReportDefinition> {
    let report = catalog.find(name)?;
    match &command.by {
        Some(attribute) => catalog.divided(report, attribute),
        None => Ok(report.clone()),
    }
}

/// Returns the days to mark in the chart of a report: those of flags and of a file.
pub(in crate::cli) fn report_marks(command: &ReportArgs) -> Result<Vec<Mark>> {
    let mut marks = command.mark.clone();
    marks.extend(marks_of(command.events.as_deref())?);
    Ok(marks)
}

/// Returns the days of a file to mark in charts.
pub(in crate::cli) fn marks_of(file: Option<&Path>) -> Result<Vec<Mark>> {
    file.map_or(Ok(Vec::new()), events_file::read_marks)
}

/// Prints a report as SQL for another engine.
fn print_sql(
    report: &ReportDefinition,
    args: &OutputArgs,
    options: &report::Options,
    engine: SqlEngine,
) -> Result<ExitStatus> {
    let file = args.output.as_deref();
    output_name::check_extension(file, "--show-sql writes SQL", &["sql", "txt"])?;
    let store = open_existing(args.query_args.store.path())?;
    let sql = store.read(|data| report::portable_sql(data, report, options, engine))?;
    out::write(sql.as_bytes(), file)?;
    Ok(ExitStatus::Success)
}

/// Prints the list of reports.
pub(in crate::cli) fn list(command: &ReportArgs) -> Result<ExitStatus> {
    let reports = ReportCatalog::new(command.queries.folder())?;
    let text = out::strip_control(&report_help::list(reports.all(), output_width()));
    out::write(text.as_bytes(), None)?;
    Ok(ExitStatus::Success)
}

/// Returns an error text for a missing report name.
fn missing_name_error(from: &[PathBuf], reports: &ReportCatalog) -> String {
    match from.last().and_then(|last| last.to_str()).filter(|last| reports.find(last).is_ok()) {
        Some(name) => format!(
            "--from uses every following argument as a path, including {name}; put the report \
             name first: `report {name} --from PATH`"
        ),
        None => "the name of a report is missing, for example `report top-reports`; \
                 `report --all --output-dir DIR` runs every report"
            .to_owned(),
    }
}

pub(in crate::cli) fn sql(command: &SqlArgs, quiet: bool) -> Result<ExitStatus> {
    let statement = match command.statement.as_deref() {
        Some("-") => std::io::read_to_string(std::io::stdin())
            .map_err(Error::io("read", Path::new("stdin")))?,
        Some(statement) => statement.to_owned(),
        None => report::row_counts_statement(),
    };
    // PowerShell writes a byte order mark before UTF-8 that it pipes.
    let report = ReportDefinition::ad_hoc(statement.trim_start_matches('\u{feff}'));
    let args = &command.output_args;
    if let Some(engine) = command.show_sql {
        return print_sql(&report, args, &report_options(args, OutputFormat::Text), engine);
    }
    let options = report_options(args, output_format(args)?);
    run_report(&report, args, &options, quiet)
}

/// Runs one report and writes it to stdout or a file.
fn run_report(
    report: &ReportDefinition,
    args: &OutputArgs,
    options: &report::Options,
    quiet: bool,
) -> Result<ExitStatus> {
    let is_terminal = !is_file(args) && std::io::stdout().is_terminal();
    refuse_binary_on_terminal(options.format, is_terminal)?;
    let columns = match options.details {
        true => report::details_columns(report)?,
        false => report::required_columns([report])?,
    };
    let read = |snapshot: &Snapshot| report::run(snapshot, report, options);
    let (result, status) = with_snapshot(&args.query_args, columns, quiet, read)?;
    // A check that found nothing has nothing to say to people.
    let is_check = !options.fail_on.is_empty() && options.format == OutputFormat::Text;
    if !(quiet && is_check && !is_file(args) && result.failures.is_empty()) {
        out::write(&result.bytes, args.output.as_deref())?;
    }
    Ok(status.worse_of(log_failures(&report.name, &result)))
}

/// Runs every report and writes each to a file in a folder.
fn run_all_reports(
    reports: &[ReportDefinition],
    folder: &Path,
    args: &OutputArgs,
    options: &report::Options,
    quiet: bool,
) -> Result<ExitStatus> {
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let options = &report::Options { width: DEFAULT_WIDTH, ..options.clone() };
    let has_output =
        |report: &&ReportDefinition| !options.format.is_picture() || report.chart.is_some();
    let reports: Vec<ReportDefinition> = reports.iter().filter(has_output).cloned().collect();
    let reports = without_inventory_if_filtered(&reports, options)?;
    let columns = report::required_columns(&reports)?;
    // Each file is written atomically; if the store changes during the run, all are written again.
    let read = |snapshot: &Snapshot| {
        let mut status = ExitStatus::Success;
        report::run_all(snapshot, &reports, options, &mut |report, result| {
            match result {
                Ok(result) => {
                    let name = format!("{}.{}", report.name, options.format.extension());
                    out::write(&result.bytes, Some(&folder.join(name)))?;
                    status = status.worse_of(log_failures(&report.name, &result));
                }
                Err(error) => {
                    log::error(&format!("{}: {error}", report.name));
                    status = ExitStatus::Failed;
                }
            }
            Ok(())
        })?;
        Ok(status)
    };
    let (reports_status, sources_status) = with_snapshot(&args.query_args, columns, quiet, read)?;
    if !quiet {
        let number = count(reports.len() as u64, "report");
        log::info(&format!("{number} in {}", folder.display()));
    }
    Ok(reports_status.worse_of(sources_status))
}

/// Returns the reports to run together. With filters, those that compare an inventory with the
/// whole log are left out, and a warning names them.
fn without_inventory_if_filtered(
    reports: &[ReportDefinition],
    options: &report::Options,
) -> Result<Vec<ReportDefinition>> {
    let (able, refused) = report::split_by_filters(reports, &options.filters)?;
    if !refused.is_empty() {
        log::warning(&format!(
            "left out, because they compare an inventory with the whole log and filters would \
             leave out events: {}",
            refused.join(", ")
        ));
    }
    Ok(able)
}

/// Runs every report and writes all to one file.
fn combine_reports(
    reports: &[ReportDefinition],
    args: &OutputArgs,
    options: &report::Options,
    quiet: bool,
) -> Result<ExitStatus> {
    if args.output.is_none() {
        return Err(Error::Usage(
            "--all needs --output-dir <DIR> for a file for each report, or --output FILE for one \
             workbook (all.xlsx)"
                .to_owned(),
        ));
    }
    let is_terminal = !is_file(args) && std::io::stdout().is_terminal();
    refuse_binary_on_terminal(options.format, is_terminal)?;
    let reports = without_inventory_if_filtered(reports, options)?;
    let columns = report::required_columns(&reports)?;
    let read = |snapshot: &Snapshot| report::run_combined(snapshot, &reports, options);
    let (combined, mut status) = with_snapshot(&args.query_args, columns, quiet, read)?;
    out::write(&combined.bytes, args.output.as_deref())?;
    for message in combined.failures.iter().chain(&combined.errors) {
        log::error(message);
    }
    if !combined.failures.is_empty() {
        status = status.worse_of(ExitStatus::Incomplete);
    }
    if !combined.errors.is_empty() {
        status = ExitStatus::Failed;
    }
    Ok(status)
}

/// Opens the store, or loads raw files, and runs `read` on it. The table has only `columns` and
/// those of the filters.
pub(in crate::cli) fn with_snapshot<T>(
    args: &QueryArgs,
    mut columns: HashSet<String>,
    quiet: bool,
    read: impl Fn(&Snapshot) -> Result<T>,
) -> Result<(T, ExitStatus)> {
    if args.from.is_empty() {
        return Ok((open_existing(args.store.path())?.read(read)?, ExitStatus::Success));
    }
    let progress = ProgressReporter::new(quiet);
    let options = source_options(&args.from, &args.exclude, &args.threads);
    columns.extend(report::filter_columns(&args.filters.filters()));
    let projection = ingest::Projection::Only(columns);
    let loaded = ingest::ingest_temporary(&options, &projection, &progress);
    progress.clear();
    let (_temporary, snapshot, summary) = loaded?;
    log_problems(&summary, quiet);
    Ok((read(&snapshot)?, exit_status(&summary)))
}

/// Writes the conditions of `--fail-on` that hold.
fn log_failures(name: &str, result: &report::RenderedReport) -> ExitStatus {
    for failure in &result.failures {
        log::error(&format!("{name}: {failure}"));
    }
    if result.failures.is_empty() { ExitStatus::Success } else { ExitStatus::Incomplete }
}

pub(in crate::cli) fn report_options(args: &OutputArgs, format: OutputFormat) -> report::Options {
    report::Options {
        top: args.rows.top,
        selection: args.rows.selection(),
        all_rows: is_file(args),
        format,
        width: if args.output.is_some() { DEFAULT_WIDTH } else { output_width() },
        ..base_options(&args.query_args)
    }
}

pub(super) fn base_options(args: &QueryArgs) -> report::Options {
    let PeriodBounds { since, until } = args.period.bounds();
    report::Options {
        since,
        until,
        time_zone: args.period.tz,
        noise: args.noise,
        actors: args.actors,
        filters: args.filters.filters(),
        as_of: args.as_of,
        width: DEFAULT_WIDTH,
        ..report::Options::default()
    }
}

fn output_format(args: &OutputArgs) -> Result<OutputFormat> {
    match output_name::report_format(args.output.as_deref(), args.format)? {
        OutputFormat::Csv if args.excel_safe => Ok(OutputFormat::SafeCsv),
        OutputFormat::Xlsx => Ok(OutputFormat::Xlsx),
        _ if args.excel_safe => Err(Error::Usage(
            "--excel-safe needs CSV: add --format csv, or use --format xlsx, which is always safe"
                .to_owned(),
        )),
        format => Ok(format),
    }
}

/// Returns the variant of a format in a theme.
fn with_theme(format: OutputFormat, theme: Option<Theme>) -> Result<OutputFormat> {
    match (theme, format.dark()) {
        (None, _) | (Some(Theme::Light), Some(_)) => Ok(format),
        (Some(Theme::Dark), Some(dark)) => Ok(dark),
        (Some(_), None) => Err(Error::Usage(
            "--theme is for pictures: add --format svg or --format png, or omit --theme".to_owned(),
        )),
    }
}

/// Returns true if the output is written to a file.
fn is_file(args: &OutputArgs) -> bool {
    args.output.as_deref().is_some_and(|file| file != Path::new("-"))
}

/// Rejects binary output to a terminal.
fn refuse_binary_on_terminal(format: OutputFormat, is_terminal: bool) -> Result<()> {
    if format.is_text() || !is_terminal {
        return Ok(());
    }
    Err(Error::Usage(
        "this format is binary and cannot be shown on a terminal; write it to a file with \
         --output FILE, or to a pipe"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_formats_are_not_written_to_a_terminal() {
        for format in [OutputFormat::Xlsx, OutputFormat::Parquet] {
            refuse_binary_on_terminal(format, false).unwrap();
            let error = refuse_binary_on_terminal(format, true).unwrap_err();
            assert!(matches!(&error, Error::Usage(why) if why.contains("--output FILE")));
        }
        refuse_binary_on_terminal(OutputFormat::Ndjson, true).unwrap();
    }
}
