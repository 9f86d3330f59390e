//! The accounts in words.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::ingest::{
    IngestPlan, IngestSummary, PlannedState, SourceCounts, SourceOutcome, SourceReport,
};
use crate::maintenance::{CompactionResult, RedactionResult, VerifyCheck, VerifyReport};
use crate::rejects::Reject;
use crate::status::{SourceWarning, StoreStatus, WarningKind};

/// Troubles of one source that are told; the others are counted.
const MAX_LISTED: usize = 5;

/// What went wrong, a line each, for stderr; empty files too, unless only errors are to be told.
pub(super) fn problems(summary: &IngestSummary, errors_only: bool) -> String {
    let mut text = String::new();
    if summary.sources.found == 0 {
        text.push_str("no file was found to read: is this the folder of the archive?\n");
    }
    for source in &summary.files {
        for trouble in source.problems.iter().take(MAX_LISTED) {
            let _ = writeln!(text, "{}", one_line(&format!("{}: {trouble}", source.source)));
        }
        let more = source.problems.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            let _ = writeln!(text, "{}: and {more} more", one_line(&source.source));
        }
    }
    for remark in &summary.notes {
        let _ = writeln!(text, "{remark}");
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
        let _ = writeln!(text, "{}: empty, no events in it", one_line(&source.source));
    }
    if empty.len() > MAX_LISTED {
        let _ = writeln!(text, "and {} more files without events", empty.len() - MAX_LISTED);
    }
    text
}

/// Sources that are told one by one; of more, only those with trouble.
const MAX_LISTED_SOURCES: usize = 60;

/// The accounts of a run as text, for stdout: each source, then the sums.
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
            "         {} of the duplicates differ from the copy that was kept",
            format_number(records.conflicting)
        );
    }
    if records.rejected > 0 {
        let _ = writeln!(text, "         `pbi-analyze rejects` lists what was rejected, and why");
    }
    if summary.generated_ids > 0 {
        let _ = writeln!(
            text,
            "         {} had no Id and got one made from the content",
            count(summary.generated_ids, "event")
        );
    }
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
    let suspected = summary.files.iter().map(|source| (&*source.source, &*source.warnings));
    write_warnings(suspected, &mut text);
    let damaged = summary.files.iter().filter(|s| s.outcome == SourceOutcome::Partial).count();
    if damaged > 0 {
        let _ =
            writeln!(text, "damaged  {damaged} of the sources; what is whole in them was taken");
    }
    text
}

/// What was left out, the most first.
fn excluded_workloads(others: &BTreeMap<String, u64>) -> String {
    let mut most: Vec<(&String, &u64)> = others.iter().collect();
    most.sort_by_key(|(_, count)| Reverse(**count));
    let told = most.iter().take(MAX_LISTED);
    let mut told: Vec<String> =
        told.map(|(name, count)| format!("{} {name}", format_number(**count))).collect();
    if most.len() > MAX_LISTED {
        let more = most[MAX_LISTED..].iter().map(|(_, count)| **count).sum();
        told.push(format!("{} others", format_number(more)));
    }
    match told.is_empty() {
        true => String::new(),
        false => format!("left out {}; --all-workloads keeps them\n", told.join(", ")),
    }
}

/// What speaks against sources, the first of each kind.
fn write_warnings<'s>(
    sources: impl Iterator<Item = (&'s str, &'s [SourceWarning])>,
    text: &mut String,
) {
    let mut by_kind: BTreeMap<WarningKind, Vec<(&str, &str)>> = BTreeMap::new();
    for (source, suspicions) in sources {
        for suspicion in suspicions {
            by_kind.entry(suspicion.kind).or_default().push((source, &suspicion.detail));
        }
    }
    for of_kind in by_kind.into_values() {
        for (source, detail) in of_kind.iter().take(MAX_LISTED) {
            let _ = writeln!(text, "suspect  {source}: {detail}");
        }
        let more = of_kind.len().saturating_sub(MAX_LISTED);
        if more > 0 {
            let more = count(more as u64, "source");
            let _ = writeln!(text, "         and {more} more; --format json tells of each");
        }
    }
}

fn source_counts(sources: &SourceCounts) -> String {
    format!(
        "sources  {} found = {} new + {} known + {} failed",
        format_number(sources.found),
        format_number(sources.new),
        format_number(sources.known),
        format_number(sources.failed)
    )
}

fn source_table(summary: &IngestSummary) -> String {
    let mut text = String::new();
    let all = summary.files.len();
    let told: Vec<&SourceReport> = summary
        .files
        .iter()
        .filter(|source| all <= MAX_LISTED_SOURCES || source.outcome != SourceOutcome::Ok)
        .collect();
    if !told.is_empty() {
        let _ = writeln!(text, "    read   stored  duplic.   others   reject.  source");
    }
    for source in &told {
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
    if told.len() < all {
        let _ = writeln!(
            text,
            "{} without trouble; --format json tells of each",
            count((all - told.len()) as u64, "source")
        );
    }
    if all > 0 {
        text.push('\n');
    }
    text
}

/// What was taken out, as text.
pub(super) fn redaction_summary(done: &RedactionResult) -> String {
    if *done == RedactionResult::default() {
        return "nothing of them in the store\n".to_owned();
    }
    format!(
        "{} erased, {} dropped; {} and the marks of {} written again\n",
        count(done.erased_events, "event"),
        count(done.dropped_rejects, "rejected record"),
        count(done.rewritten_files as u64, "file"),
        count(done.rewritten_entries as u64, "source")
    )
}

/// A record that could not be taken, as text; with what it was, if that is asked for.
pub(super) fn reject_text(reject: &Reject, raw: bool) -> String {
    let mut text = format!("{}: byte {}: {}\n", reject.source, reject.position, reject.reason);
    if raw {
        let kept = reject.raw.bytes();
        for line in String::from_utf8_lossy(kept).lines() {
            let _ = writeln!(text, "    {line}");
        }
        if reject.length > kept.len() as u64 {
            let _ = writeln!(text, "    … {} in all", count(reject.length, "byte"));
        }
    }
    text
}

/// What a run would fail at, a line each, for stderr.
pub(super) fn plan_failures(plan: &IngestPlan) -> String {
    let mut text = String::new();
    for file in &plan.files {
        if let Some(reason) = &file.reason {
            let _ = writeln!(text, "{}", one_line(&format!("{}: {reason}", file.source)));
        }
    }
    text
}

/// What a run would do, as text: the files that it would read, then the sums.
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
        let _ =
            writeln!(text, "and {} more; --format json tells of each", format_number(more as u64));
    }
    if read.clone().next().is_some() {
        text.push('\n');
    }
    let _ = writeln!(text, "{}", source_counts(&plan.sources));
    let _ = writeln!(text, "bytes    {} would be read", format_number(plan.bytes));
    text
}

/// What was merged, as text.
pub(super) fn compaction_summary(done: &CompactionResult) -> String {
    if done.replaced == 0 {
        return "nothing to merge\n".to_owned();
    }
    format!(
        "{} with {} are {} now\n",
        count(done.replaced as u64, "file"),
        count(done.events, "event"),
        count(done.written as u64, "file")
    )
}

/// What was found by looking at all of a store, as text: a line for each check.
pub(super) fn verify_text(verdict: &VerifyReport, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "store       {}, version {}, {}",
        store.display(),
        verdict.version,
        indicatif::HumanBytes(verdict.bytes)
    );
    for check in &verdict.checks {
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
    for (name, files) in [("at work", &verdict.in_progress), ("leftovers", &verdict.orphans)] {
        for file in files {
            let _ = writeln!(text, "{name:<10}  {file}");
        }
    }
    text
}

fn check_result(check: &VerifyCheck) -> String {
    let (thing, rest) = check.unit.split_at(check.unit.find(' ').unwrap_or(check.unit.len()));
    let looked_at = count(check.checked, thing.trim_end_matches('s')) + rest;
    match (&check.skipped_reason, check.failures) {
        (Some(reason), _) => format!("not asked: {reason}"),
        (None, 0) => format!("ok, {looked_at}"),
        (None, wrong) => format!("{} wrong in {looked_at}", format_number(wrong)),
    }
}

/// A name or a sentence as one line: files and members of a zip may have line breaks in their
/// names.
fn one_line(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.replace('\n', "\\n").replace('\r', "\\r")),
        false => Cow::Borrowed(text),
    }
}

/// A number with its thousands apart.
pub(super) fn format_number(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A number of things.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", self::format_number(number), if number == 1 { "" } else { "s" })
}

/// What a store holds, as text.
pub(super) fn status_text(status: &StoreStatus, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "store    {}", store.display());
    if let (Some(first), Some(last)) = (&status.first, &status.last) {
        let _ = writeln!(text, "period   {first} to {last}");
    }
    let _ = writeln!(
        text,
        "events   {} by {}; {} of them noise{}",
        format_number(status.events),
        count(status.users, "user"),
        format_number(status.noise),
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
        "sources  {} read, {} with trouble",
        format_number(status.sources),
        format_number(status.problems.len() as u64)
    );
    for source in &status.problems {
        for trouble in source.problems.iter().take(MAX_LISTED) {
            let told = format!("{}: {trouble}", source.source);
            let _ = writeln!(text, "         {}", one_line(&told));
        }
    }
    if status.rejects > 0 {
        let kept = count(status.rejects, "record");
        let _ = writeln!(text, "rejects  {kept}; `pbi-analyze rejects` lists them");
    }
    let suspected = status.warnings.iter().map(|source| (&*source.source, &*source.warnings));
    write_warnings(suspected, &mut text);
    text
}
