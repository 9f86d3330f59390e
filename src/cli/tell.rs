//! The accounts in words.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use crate::ingest::{Outcome, Plan, SourceReport, State, Summary};
use crate::status::Status;
use crate::upkeep::{Check, Compacted, Removed, Verdict};

/// Troubles of one source that are told; the others are counted.
const TOLD_MAX: usize = 5;

/// What went wrong, a line each, for stderr; empty files too, unless only errors are to be told.
pub(super) fn troubles(summary: &Summary, errors_only: bool) -> String {
    let mut text = String::new();
    for source in &summary.per_source {
        for trouble in source.troubles.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "{}", shown(&format!("{}: {trouble}", source.source)));
        }
        let more = source.troubles.len().saturating_sub(TOLD_MAX);
        if more > 0 {
            let _ = writeln!(text, "{}: and {more} more", shown(&source.source));
        }
    }
    for remark in &summary.remarks {
        let _ = writeln!(text, "{remark}");
    }
    if errors_only {
        return text;
    }
    let empty: Vec<&SourceReport> = summary
        .per_source
        .iter()
        .filter(|source| source.kind == "empty" && source.troubles.is_empty())
        .collect();
    for source in empty.iter().take(TOLD_MAX) {
        let _ = writeln!(text, "{}: empty, no events in it", shown(&source.source));
    }
    if empty.len() > TOLD_MAX {
        let _ = writeln!(text, "and {} more files without events", empty.len() - TOLD_MAX);
    }
    text
}

/// Sources that are told one by one; of more, only those with trouble.
const SOURCES_MAX: usize = 60;

/// The accounts of a run as text, for stdout: each source, then the sums.
pub(super) fn accounts(summary: &Summary) -> String {
    let (sources, records) = (&summary.sources, &summary.records);
    let mut text = per_source(summary);
    let _ = writeln!(
        text,
        "sources  {} found = {} new + {} known + {} failed",
        number(sources.found),
        number(sources.new),
        number(sources.known),
        number(sources.failed)
    );
    let _ = writeln!(
        text,
        "records  {} read = {} stored + {} duplicates + {} other workloads + {} rejected",
        number(records.read),
        number(records.stored),
        number(records.duplicates),
        number(records.other_workloads),
        number(records.rejected)
    );
    if records.conflicting > 0 {
        let _ = writeln!(
            text,
            "         {} of the duplicates differ from the copy that was kept",
            number(records.conflicting)
        );
    }
    if summary.without_id > 0 {
        let _ = writeln!(
            text,
            "         {} events had no Id and were given one from their content",
            number(summary.without_id)
        );
    }
    if let (Some(first), Some(last)) = (&summary.period.first, &summary.period.last) {
        let _ = writeln!(text, "period   {first} to {last}");
    }
    let _ = writeln!(
        text,
        "store    {} events in {} files, {}",
        number(summary.store.events),
        number(summary.store.files),
        indicatif::HumanBytes(summary.store.bytes)
    );
    let damaged = summary.per_source.iter().filter(|s| s.outcome == Outcome::Damaged).count();
    if damaged > 0 {
        let _ =
            writeln!(text, "damaged  {damaged} of the sources; what is whole in them was taken");
    }
    text
}

fn per_source(summary: &Summary) -> String {
    let mut text = String::new();
    let all = summary.per_source.len();
    let told: Vec<&SourceReport> = summary
        .per_source
        .iter()
        .filter(|source| all <= SOURCES_MAX || source.outcome != Outcome::Taken)
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
            shown(&source.source)
        );
    }
    if told.len() < all {
        let _ = writeln!(
            text,
            "{} sources without trouble; --format json tells of each",
            number((all - told.len()) as u64)
        );
    }
    if all > 0 {
        text.push('\n');
    }
    text
}

/// What was taken out, as text.
pub(super) fn forgotten(done: &Removed) -> String {
    if *done == Removed::default() {
        return "nothing of them in the store\n".to_owned();
    }
    format!(
        "{} events erased; {} files and the marks of {} sources written again\n",
        number(done.erased),
        number(done.files as u64),
        number(done.marks as u64)
    )
}

/// What a run would fail at, a line each, for stderr.
pub(super) fn failures(plan: &Plan) -> String {
    let mut text = String::new();
    for file in &plan.files {
        if let Some(reason) = &file.reason {
            let _ = writeln!(text, "{}", shown(&format!("{}: {reason}", file.source)));
        }
    }
    text
}

/// What a run would do, as text: the files that it would read, then the sums.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    let read = plan.files.iter().filter(|file| file.state != State::Known);
    for file in read.clone().take(SOURCES_MAX) {
        let state = match file.state {
            State::New => "new",
            State::Changed => "changed",
            State::Known => "known",
            State::Failed => "failed",
        };
        let bytes = file.bytes.map_or_else(|| "-".to_owned(), number);
        let _ = writeln!(text, "{state:<7} {bytes:>15}  {}", shown(&file.source));
    }
    let more = read.clone().count().saturating_sub(SOURCES_MAX);
    if more > 0 {
        let _ = writeln!(text, "and {} more; --format json tells of each", number(more as u64));
    }
    if read.clone().next().is_some() {
        text.push('\n');
    }
    let sources = &plan.sources;
    let _ = writeln!(
        text,
        "sources  {} found = {} new + {} known + {} failed",
        number(sources.found),
        number(sources.new),
        number(sources.known),
        number(sources.failed)
    );
    let _ = writeln!(text, "bytes    {} would be read", number(plan.bytes));
    text
}

/// What was merged, as text.
pub(super) fn compacted(done: &Compacted) -> String {
    if done.replaced == 0 {
        return "nothing to merge\n".to_owned();
    }
    format!(
        "{} files with {} events are {} files now\n",
        number(done.replaced as u64),
        number(done.events),
        number(done.written as u64)
    )
}

/// What was found by looking at all of a store, as text: a line for each check.
pub(super) fn verdict(verdict: &Verdict, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "store       {}, version {}, {}",
        store.display(),
        verdict.version,
        indicatif::HumanBytes(verdict.bytes)
    );
    for check in &verdict.checks {
        let _ = writeln!(text, "{:<10}  {}", check.name, checked(check));
        for finding in &check.findings {
            let row = finding.row.map_or_else(String::new, |row| format!(" row {row}:"));
            let _ = writeln!(text, "            {}:{row} {}", finding.file, finding.what);
        }
        let more = check.wrong - check.findings.len() as u64;
        if more > 0 {
            let _ = writeln!(text, "            and {} more", number(more));
        }
    }
    for (name, files) in [("at work", &verdict.at_work), ("leftovers", &verdict.leftovers)] {
        for file in files {
            let _ = writeln!(text, "{name:<10}  {file}");
        }
    }
    text
}

fn checked(check: &Check) -> String {
    let looked_at = format!("{} {}", number(check.looked_at), check.unit);
    match (&check.not_asked, check.wrong) {
        (Some(reason), _) => format!("not asked: {reason}"),
        (None, 0) => format!("ok, {looked_at}"),
        (None, wrong) => format!("{} wrong in {looked_at}", number(wrong)),
    }
}

/// A name or a sentence as one line: files and members of a zip may have line breaks in their
/// names.
fn shown(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.replace('\n', "\\n").replace('\r', "\\r")),
        false => Cow::Borrowed(text),
    }
}

/// A number with its thousands apart.
pub(super) fn number(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// What a store holds, as text.
pub(super) fn status(status: &Status, store: &Path) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "store    {}", store.display());
    if let (Some(first), Some(last)) = (&status.first, &status.last) {
        let _ = writeln!(text, "period   {first} to {last}");
    }
    let _ = writeln!(
        text,
        "events   {} by {} users; {} of them noise{}",
        number(status.events),
        number(status.users),
        number(status.noise),
        status.noise_share.map_or_else(String::new, |share| format!(" ({:.1} %)", share * 100.0))
    );
    let _ = writeln!(
        text,
        "files    {}, {}",
        number(status.files),
        indicatif::HumanBytes(status.bytes)
    );
    let _ = writeln!(
        text,
        "sources  {} read, {} with trouble",
        number(status.sources),
        number(status.troubled.len() as u64)
    );
    for source in &status.troubled {
        for trouble in source.troubles.iter().take(TOLD_MAX) {
            let told = format!("{}: {trouble}", source.source);
            let _ = writeln!(text, "         {}", shown(&told));
        }
    }
    text
}
