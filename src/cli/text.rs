//! Formats summaries and messages for people.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::inventory_text::{content_of_snapshot, inventory_files};
pub(super) use super::numbers::{count, format_number};
use crate::gaps::{GapList, LogGap};
use crate::ingest::{
    IngestPlan, IngestSummary, PlannedState, SourceCounts, SourceOutcome, SourceReport,
};
use crate::maintenance::{
    CompactionResult, ForgetResult, OrphanRemoval, VerifyCheck, VerifyReport,
};
use crate::rejects::Reject;
use crate::status::{SourceWarning, StoreStatus, WarningKind};

/// Maximum number of listed problems per source; the others are counted.
const MAX_LISTED: usize = 5;

/// Returns a line for each folder without files.
fn empty_folder_lines(folders: &[String]) -> String {
    let line = |folder: &String| {
        one_line(&format!(
            "{folder}: no files found; is this the folder with the log files, and is it mounted? \
             (ingest --allow-empty accepts an empty folder)"
        ))
        .into_owned()
    };
    folders.iter().map(|folder| line(folder) + "\n").collect()
}

/// Returns problems of a run, one per line, for stderr. Empty files are included unless
/// `errors_only` is set.
pub(super) fn problems(summary: &IngestSummary, errors_only: bool) -> String {
    let mut text = String::new();
    text.push_str(&empty_folder_lines(&summary.empty_folders));
    if summary.sources.found == 0 && summary.empty_folders.is_empty() && !errors_only {
        text.push_str("no files found; is this the folder with the log files?\n");
    }
    for source in &summary.files {
        for problem in source.problems.iter().take(MAX_LISTED) {
            let _ = writeln!(text, "{}", one_line(&format!("{}: {problem}", source.source)));
        }
        let more = source.problems.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            let _ = writeln!(text, "{}: and {more} more", one_line(&source.source));
        }
    }
    for note in &summary.notes {
        let _ = writeln!(text, "{note}");
    }
    if errors_only {
        return text;
    }
    let empty: Vec<&SourceReport> = summary
        .files
        .iter()
        .filter(|source| source.kind == "empty" && source.problems.is_empty())
        .collect();
    for source in empty.iter().take(MAX_LISTED) {
        let _ = writeln!(text, "{}: no events", one_line(&source.source));
    }
    if empty.len() > MAX_LISTED {
        let _ = writeln!(
            text,
            "and {} without events",
            count((empty.len() - MAX_LISTED) as u64, "more file")
        );
    }
    text
}

/// Maximum number of listed sources; if there are more, only those with problems are listed.
const MAX_LISTED_SOURCES: usize = 60;

/// Returns the summary of a run for stdout: each source, then totals.
pub(super) fn summary_text(summary: &IngestSummary) -> String {
    let records = &summary.records;
    let mut text = source_table(summary);
    let _ = writeln!(text, "{}", source_counts(&summary.sources));
    let _ = writeln!(
        text,
        "records  {} read = {} stored + {} duplicates + {} other workloads + {} rejected",
        format_number(records.read),
        format_number(records.stored),
        format_number(records.duplicates),
        format_number(records.other_workloads),
        format_number(records.rejected)
    );
    text.push_str(&excluded_workloads(&summary.other_workloads));
    if records.conflicting > 0 {
        let _ = writeln!(
            text,
            "         {} of the duplicates contradicted another copy; `pbi-analyze export \
             --conflicts` lists the values",
            format_number(records.conflicting)
        );
    }
    if records.improved > 0 {
        let _ = writeln!(
            text,
            "         {} of the duplicates improved an event in the store",
            format_number(records.improved)
        );
    }
    if records.rejected > 0 {
        let _ =
            writeln!(text, "         `pbi-analyze rejects` lists rejected records with reasons");
    }
    if summary.generated_ids > 0 {
        let _ = writeln!(
            text,
            "         {} without Id; IDs were generated from the content",
            count(summary.generated_ids, "event")
        );
    }
    text.push_str(&inventory_files(summary));
    if let (Some(first), Some(last)) = (&summary.period.first, &summary.period.last) {
        let _ = writeln!(text, "period   {first} to {last}");
    }
    let _ = writeln!(
        text,
        "store    {} in {}, {}",
        count(summary.store.events, "event"),
        count(summary.store.files, "file"),
        indicatif::HumanBytes(summary.store.bytes)
    );
    let warnings = summary.files.iter().map(|source| (&*source.source, &*source.warnings));
    write_warnings(warnings, &mut text);
    let damaged = summary.files.iter().filter(|s| s.outcome == SourceOutcome::Partial).count();
    if damaged > 0 {
        let damaged = match damaged {
            1 => "1 source is".to_owned(),
            damaged => format!("{} are", count(damaged as u64, "source")),
        };
        let _ = writeln!(text, "damaged  {damaged} damaged; all readable events were loaded");
    }
    text
}

/// Returns the events of other workloads that were skipped, most frequent first.
fn excluded_workloads(others: &BTreeMap<String, u64>) -> String {
    let mut most: Vec<(&String, &u64)> = others.iter().collect();
    most.sort_by_key(|(_, count)| Reverse(**count));
    let listed = most.iter().take(MAX_LISTED);
    let mut listed: Vec<String> =
        listed.map(|(name, count)| format!("{} {name}", format_number(**count))).collect();
    if most.len() > MAX_LISTED {
        let more = most[MAX_LISTED..].iter().map(|(_, count)| **count).sum();
        listed.push(format!("{} others", format_number(more)));
    }
    match listed.is_empty() {
        true => String::new(),
        false => format!("skipped  {}; use --all-workloads to keep them\n", listed.join(", ")),
    }
}

/// Writes the warnings on sources, the first of each kind.
fn write_warnings<'s>(
    sources: impl Iterator<Item = (&'s str, &'s [SourceWarning])>,
    text: &mut String,
) {
    let mut by_kind: BTreeMap<WarningKind, Vec<(&str, &str)>> = BTreeMap::new();
    for (source, warnings) in sources {
        for warning in warnings {
            by_kind.entry(warning.kind).or_default().push((source, &warning.detail));
        }
    }
    for of_kind in by_kind.into_values() {
        for (source, detail) in of_kind.iter().take(MAX_LISTED) {
            let _ = writeln!(text, "warning  {source}: {detail}");
        }
        let more = of_kind.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            let more = count(more as u64, "more source");
            let _ = writeln!(text, "         and {more}; --format json lists all");
        }
    }
}

fn source_counts(sources: &SourceCounts) -> String {
    format!(
        "sources  {} found = {} new + {} known{} + {} failed{}",
        format_number(sources.found),
        format_number(sources.new),
        format_number(sources.known),
        if_any(" + ", sources.skipped, " skipped"),
        format_number(sources.failed),
        if_any("; ", sources.excluded, " excluded")
    )
}

/// Returns a number between two texts; an empty text if the number is zero.
fn if_any(before: &str, number: u64, after: &str) -> String {
    if number == 0 { String::new() } else { format!("{before}{}{after}", format_number(number)) }
}

/// Returns the files that were skipped because they contain no events, one per line.
pub(super) fn skipped_files(summary: &IngestSummary) -> String {
    let mut text = String::new();
    let skipped: Vec<&SourceReport> =
        summary.files.iter().filter(|source| !source.skipped.is_empty()).collect();
    for source in skipped.iter().take(MAX_LISTED) {
        let reasons: Vec<&str> =
            source.skipped.iter().map(|problem| problem.reason.as_str()).collect();
        let line = format!("{}: skipped: {}", source.source, reasons.join("; "));
        let _ = writeln!(text, "{}", one_line(&line));
    }
    if skipped.len() > MAX_LISTED {
        let more = count((skipped.len() - MAX_LISTED) as u64, "more file");
        let _ = writeln!(text, "and {more} skipped; --exclude leaves files out");
    }
    text
}

fn source_table(summary: &IngestSummary) -> String {
    let mut text = String::new();
    let all = summary.files.len();
    let listed: Vec<&SourceReport> = summary
        .files
        .iter()
        .filter(|source| {
            let is_fine = matches!(source.outcome, SourceOutcome::Ok | SourceOutcome::Skipped);
            all <= MAX_LISTED_SOURCES || !is_fine
        })
        .collect();
    if !listed.is_empty() {
        let _ = writeln!(text, "    read   stored  duplic.   others   reject.  source");
    }
    for source in &listed {
        let records = &source.records;
        let _ = writeln!(
            text,
            "{:>8} {:>8} {:>8} {:>8} {:>9}  {}",
            records.read,
            records.stored,
            records.duplicates,
            records.other_workloads,
            records.rejected,
            one_line(&source.source)
        );
    }
    if listed.len() < all {
        let _ = writeln!(
            text,
            "{} without problems; --format json lists all",
            count((all - listed.len()) as u64, "source")
        );
    }
    if all > 0 {
        text.push('\n');
    }
    text
}

/// Returns the result of `forget` as text.
pub(super) fn forget_summary(done: &ForgetResult) -> String {
    let mut text = String::new();
    if done.dry_run {
        text.push_str("dry run; the store is unchanged\n");
    }
    for person in &done.persons {
        let found = match (person.found, person.events) {
            (false, _) => "not found".to_owned(),
            (true, 0) => "found in other events or rejected records".to_owned(),
            (true, events) => count(events, "event"),
        };
        let _ = writeln!(text, "person   {}: {found}", one_line(&person.user));
    }
    let people = match done.people {
        1 => "1 person".to_owned(),
        people => format!("{} people", format_number(people)),
    };
    let [erased, changed, replaced, removed, rewritten] = match done.dry_run {
        true => ["to erase", "to change", "to replace", "to remove", "to rewrite"],
        false => ["erased", "changed", "replaced", "removed", "rewritten"],
    };
    let number = format_number;
    let _ = writeln!(
        text,
        "events   {} {erased}, {} {changed}",
        number(done.events_erased),
        number(done.events_changed)
    );
    let _ = writeln!(
        text,
        "values   {} {replaced} with pseudonyms of {people}",
        number(done.values_replaced)
    );
    if done.inventory_values > 0 {
        let _ = writeln!(text, "inventory {} {replaced}", count(done.inventory_values, "value"));
    }
    let _ = writeln!(
        text,
        "rejects  {} {removed}, {} {changed}",
        number(done.rejects_removed),
        number(done.rejects_changed)
    );
    let _ = writeln!(
        text,
        "files    {} {rewritten}, and source-log entries of {}",
        number(done.files_rewritten),
        count(done.sources_changed, "source")
    );
    if !done.similar.is_empty() {
        text.push_str(
            "similar  these can be other mailboxes and stay; to forget one, pass it to --user\n",
        );
    }
    for address in &done.similar {
        let _ = writeln!(text, "         {}", one_line(address));
    }
    text
}

/// Returns a rejected record as text, with its content if `with_content` is set.
pub(super) fn reject_text(reject: &Reject, with_content: bool) -> String {
    let mut text = format!("{}: byte {}: {}\n", reject.source, reject.position, reject.reason);
    if with_content {
        let kept = reject.raw.bytes();
        for line in String::from_utf8_lossy(kept).lines() {
            let _ = writeln!(text, "    {line}");
        }
        if reject.length > kept.len() as u64 {
            let _ = writeln!(text, "    … {} in total", count(reject.length, "byte"));
        }
    }
    text
}

/// Returns the files that a run could not read, one per line, for stderr.
pub(super) fn plan_failures(plan: &IngestPlan) -> String {
    let mut text = empty_folder_lines(&plan.empty_folders);
    for file in &plan.files {
        if let Some(reason) = &file.reason {
            let _ = writeln!(text, "{}", one_line(&format!("{}: {reason}", file.source)));
        }
    }
    text
}

/// Returns the result of a dry run as text: the files to read, then totals.
pub(super) fn plan_text(plan: &IngestPlan) -> String {
    let mut text = String::new();
    let read = plan.files.iter().filter(|file| file.state != PlannedState::Known);
    for file in read.clone().take(MAX_LISTED_SOURCES) {
        let state = match file.state {
            PlannedState::New => "new",
            PlannedState::Changed => "changed",
            PlannedState::Known => "known",
            PlannedState::Failed => "failed",
        };
        let bytes = file.bytes.map_or_else(|| "-".to_owned(), format_number);
        let _ = writeln!(text, "{state:<7} {bytes:>15}  {}", one_line(&file.source));
    }
    let more = read.clone().count().saturating_sub(MAX_LISTED_SOURCES);
    if more > 0 {
        let _ = writeln!(text, "and {} more; --format json lists all", format_number(more as u64));
    }
    if read.clone().next().is_some() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", source_counts(&plan.sources));
    let _ = writeln!(text, "bytes    {} would be read", format_number(plan.bytes));
    text
}

/// Returns the result of `compact` as text.
pub(super) fn compaction_summary(done: &CompactionResult) -> String {
    if done.replaced == 0 {
        return "nothing to merge\n".to_owned();
    }
    format!(
        "merged {} with {} into {}\n",
        count(done.replaced as u64, "file"),
        count(done.events, "event"),
        count(done.written as u64, "file")
    )
}

/// Returns the result of `compact --remove-orphans-of` as text.
pub(super) fn removal_summary(removed: &OrphanRemoval, host: &str) -> String {
    format!(
        "removed {} left by {} of {host}\n",
        count(removed.files as u64, "file"),
        count(removed.writers as u64, "command")
    )
}

/// Returns the result of `verify` as text: one line per check.
pub(super) fn verify_text(report: &VerifyReport, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "store       {}, version {}, {}",
        store.display(),
        report.version,
        indicatif::HumanBytes(report.bytes)
    );
    for check in &report.checks {
        let _ = writeln!(text, "{:<10}  {}", check.name, check_result(check));
        for finding in &check.findings {
            let row = finding.row.map_or_else(String::new, |row| format!(" row {row}:"));
            let _ = writeln!(text, "            {}:{row} {}", finding.file, finding.problem);
        }
        let more = check.failures - check.findings.len() as u64;
        if more > 0 {
            let _ = writeln!(text, "            and {} more", format_number(more));
        }
    }
    for (name, files) in [("writing", &report.in_progress), ("orphans", &report.orphans)] {
        for file in files {
            let _ = writeln!(text, "{name:<10}  {file}");
        }
    }
    text
}

fn check_result(check: &VerifyCheck) -> String {
    let (thing, rest) = check.unit.split_at(check.unit.find(' ').unwrap_or(check.unit.len()));
    let checked = count(check.checked, thing.trim_end_matches('s')) + rest;
    match (&check.skipped_reason, check.failures) {
        (Some(reason), _) => format!("skipped: {reason}"),
        (None, 0) => format!("ok, {checked}"),
        (None, failures) => format!("{} in {checked}", count(failures, "failure")),
    }
}

/// Escapes line breaks, which names of files and zip members can contain.
fn one_line(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.replace('\n', "\\n").replace('\r', "\\r")),
        false => Cow::Borrowed(text),
    }
}

/// Returns the result of `gaps` as text: a line for each gap, which begins with the day.
pub(super) fn gap_lines(list: &GapList) -> String {
    let mut text = String::new();
    for LogGap { day, from_hour, to_hour, status, reason } in &list.gaps {
        let _ = writeln!(text, "{day} {from_hour:02}-{to_hour:02} {status}: {reason}");
    }
    text
}

/// Returns the result of `status` as text.
pub(super) fn status_text(status: &StoreStatus, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "store    {}", store.display());
    if let (Some(first), Some(last)) = (&status.first, &status.last) {
        let _ = writeln!(text, "period   {first} to {last}");
    }
    let _ = writeln!(
        text,
        "events   {} by {}; {}{}",
        format_number(status.events),
        count(status.users, "user"),
        count(status.noise, "automated API event"),
        status.noise_share.map_or_else(String::new, |share| format!(" ({:.1} %)", share * 100.0))
    );
    let _ = writeln!(
        text,
        "files    {}, {}",
        format_number(status.files),
        indicatif::HumanBytes(status.bytes)
    );
    let _ = writeln!(
        text,
        "sources  {} read, {} with problems",
        format_number(status.sources),
        format_number(status.problems.len() as u64)
    );
    for kind in &status.inventory {
        let _ = writeln!(
            text,
            "inventory {}: {}; the newest is of {} ({}), {}, {}",
            kind.kind,
            count(kind.snapshots, "snapshot"),
            kind.newest,
            count(u64::try_from(kind.age_days).unwrap_or(0), "day") + " old",
            kind.coverage,
            content_of_snapshot(kind)
        );
    }
    for source in &status.problems {
        for problem in source.problems.iter().take(MAX_LISTED) {
            let line = format!("{}: {problem}", source.source);
            let _ = writeln!(text, "         {}", one_line(&line));
        }
    }
    if status.rejects > 0 {
        let kept = count(status.rejects, "record");
        let _ = writeln!(text, "rejects  {kept}; `pbi-analyze rejects` lists them");
    }
    let warnings = status.warnings.iter().map(|source| (&*source.source, &*source.warnings));
    write_warnings(warnings, &mut text);
    text
}
