//! Commands on a store: status, gaps, compact, forget, verify, export and rejects.

use super::shared::{open_existing, to_json};
use crate::cli::args::{
    CompactArgs, ExportArgs, ForgetArgs, GapsArgs, RejectsArgs, RejectsOutput, StatusArgs,
    SummaryFormat, VerifyArgs,
};
use crate::cli::exit::ExitStatus;
use crate::cli::key_file::read_pseudonym_key;
use crate::cli::{log, metrics, out, output_name, text};
use crate::error::Result;
use crate::export;
use crate::gaps;
use crate::maintenance;
use crate::rejects;
use crate::report::PeriodBounds;
use crate::status;
use crate::watch::{EvidenceParts, WatchEvidence};

pub(in crate::cli) fn status(command: &StatusArgs, quiet: bool) -> Result<ExitStatus> {
    let (store, now) = (open_existing(command.store.path())?, chrono::Utc::now());
    if let Some(file) = &command.metrics {
        metrics::check_name(file)?;
    }
    let status = store.read(status::collect_status)?;
    let text = match command.format {
        SummaryFormat::Text if quiet => String::new(),
        SummaryFormat::Text => {
            out::strip_control(&text::status_text(&status, command.store.path()))
        }
        SummaryFormat::Json => to_json(&status)?,
    };
    out::write(text.as_bytes(), None)?;
    let parts = match command.metrics {
        Some(_) => EvidenceParts::ALL,
        None => EvidenceParts::of(&command.fail_on),
    };
    let evidence = WatchEvidence::read(&store, parts, command.since, now)?;
    if let Some(file) = &command.metrics {
        let metrics = metrics::prometheus_text(&status, &evidence.figures(), now.timestamp());
        out::write(metrics.as_bytes(), Some(file))?;
    }
    let failures = evidence.failures(&command.fail_on);
    for failure in &failures {
        log::error(&out::strip_control(failure));
    }
    Ok(if failures.is_empty() { ExitStatus::Success } else { ExitStatus::Incomplete })
}

pub(in crate::cli) fn gaps(command: &GapsArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let list = store.read(|data| gaps::find_gaps(data, command.since, chrono::Utc::now()))?;
    let text = match command.format {
        SummaryFormat::Text => out::strip_control(&text::gap_lines(&list)),
        SummaryFormat::Json => to_json(&list)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if list.gaps.is_empty() { ExitStatus::Success } else { ExitStatus::Incomplete })
}

pub(in crate::cli) fn compact(command: &CompactArgs, quiet: bool) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    if let Some(host) = &command.remove_orphans_of {
        let removed = maintenance::remove_orphans_of(&store, host)?;
        if !quiet {
            let text = out::strip_control(&text::removal_summary(&removed, host));
            out::write(text.as_bytes(), None)?;
        }
    }
    let result = maintenance::compact(&store, command.threads.count())?;
    if !quiet {
        out::write(text::compaction_summary(&result).as_bytes(), None)?;
    }
    if let Some(warning) = store.undeleted_warning() {
        log::warning(&warning);
    }
    Ok(ExitStatus::Success)
}

pub(in crate::cli) fn forget(command: &ForgetArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let options = maintenance::ForgetOptions {
        users: command.user.clone(),
        pseudonymize: command.pseudonymize,
        dry_run: command.dry_run,
        pseudonyms: command.key_file.as_deref().map(read_pseudonym_key).transpose()?,
        threads: command.threads.count(),
    };
    let result = maintenance::forget(&store, &options)?;
    let text = match command.format {
        SummaryFormat::Text => out::strip_control(&text::forget_summary(&result)),
        SummaryFormat::Json => to_json(&result)?,
    };
    out::write(text.as_bytes(), None)?;
    let missing = result.persons.iter().filter(|person| !person.found);
    let mut status = ExitStatus::Success;
    for person in missing {
        let user = out::strip_control(&person.user);
        log::warning(&format!("no data of {user} in the store; check the spelling"));
        status = ExitStatus::Incomplete;
    }
    Ok(status)
}

pub(in crate::cli) fn verify(command: &VerifyArgs, quiet: bool) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let report = maintenance::verify(&store, command.threads.count())?;
    let text = match command.format {
        SummaryFormat::Text if quiet && report.ok => String::new(),
        SummaryFormat::Text => {
            out::strip_control(&text::verify_text(&report, command.store.path()))
        }
        SummaryFormat::Json => to_json(&report)?,
    };
    out::write(text.as_bytes(), None)?;
    Ok(if report.ok { ExitStatus::Success } else { ExitStatus::Failed })
}

pub(in crate::cli) fn export(command: &ExportArgs, quiet: bool) -> Result<ExitStatus> {
    let known = ["ndjson", "jsonl", "json", "txt"];
    output_name::check_extension(command.output.as_deref(), "export writes NDJSON", &known)?;
    let PeriodBounds { since, until } = command.period.bounds();
    let options = export::Options {
        since,
        until,
        time_zone: command.period.tz,
        with_lineage: command.with_lineage,
        conflicts: command.conflicts,
        now: chrono::Utc::now(),
    };
    let store = open_existing(command.store.path())?;
    let lines = out::stream(command.output.as_deref(), |out| export::run(&store, &options, out))?;
    if let Some(lines) = lines.filter(|_| !quiet) {
        let noun = if command.conflicts { "conflicting value" } else { "event" };
        log::info(&text::count(lines, noun));
    }
    Ok(ExitStatus::Success)
}

pub(in crate::cli) fn rejects(command: &RejectsArgs) -> Result<ExitStatus> {
    let store = open_existing(command.store.path())?;
    let options =
        rejects::Options { source: command.source.clone(), with_content: command.with_content };
    out::stream(command.output.as_deref(), |out| match command.format {
        RejectsOutput::Data(format) => rejects::export(&store, &options, format, out),
        RejectsOutput::Text => {
            let mut write = |reject| {
                out(out::strip_control(&text::reject_text(&reject, command.with_content))
                    .as_bytes())
            };
            let number = rejects::for_each(&store, &options, &mut write)?;
            out(format!("{}\n", text::count(number, "rejected record")).as_bytes())?;
            Ok(number)
        }
    })?;
    Ok(ExitStatus::Success)
}
