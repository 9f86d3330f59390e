//! Counts the events of files by the codes of their texts.
//!
//! A count of all events needs to know of each text only what it means, which is calculated once
//! for each text of a file. The engine would build the texts of each row first, in a third of the
//! time of a short report. It counts where this cannot: with filters, over events in memory, and
//! over files of other programs.

use crate::Result;
use crate::schema::{self, WorkloadGroup};
use crate::store::{self, CodedRows, DataFile};

use crate::query::engine::scan;
use crate::query::session::EventCounts;
use crate::query::views::noise::{self, NoiseFilter};
use crate::query::views::{activities, actor_kinds};

/// The event is in the log.
const IN_LOG: u8 = 1;
/// The event is automated API activity.
const NOISE: u8 = 2;
/// The event is of a service principal or the system.
const SERVICE: u8 = 4;
/// The event failed.
const FAILED: u8 = 8;
/// Number of combinations of the flags above.
const CLASSES: usize = 16;
/// In place of flags: the event has no `Activity`, so its `Operation` decides.
const BY_OPERATION: u8 = 16;
/// In place of flags: the `UserType` of the event decides.
const BY_USER_TYPE: u8 = 16;

/// Numbers of events by their flags.
type ClassCounts = [u64; CLASSES];

/// Span of time in microseconds since 1970 (UTC), which may be open. The end is excluded.
type OpenSpan = (Option<i64>, Option<i64>);

/// Counts the events of some spans of time in a log.
///
/// # Errors
///
/// [`crate::Error::Io`] and [`crate::Error::Store`] if a file cannot be read, or if another program
/// wrote it.
pub fn count_events(
    files: &[DataFile],
    spans: &[OpenSpan],
    log: &[WorkloadGroup],
    noise: NoiseFilter,
) -> Result<EventCounts> {
    let groups: Vec<&str> = log.iter().map(|group| group.name()).collect();
    let is_noise = noise::noise_test(noise);
    let rules = Rules { groups: &groups, is_noise: &is_noise };
    let count = |file: &DataFile| match overlap(file, spans) {
        Overlap::None => Ok([0; CLASSES]),
        Overlap::All => count_file(file, &rules, None),
        Overlap::Unknown => count_file(file, &rules, Some(spans)),
    };
    let counted: Vec<ClassCounts> = store::map_files(files, count)?;
    let mut total = EventCounts::default();
    for (class, count) in counted.iter().flatten().enumerate().map(|(at, n)| (at % CLASSES, *n)) {
        let has = |flag: u8| class & usize::from(flag) != 0;
        if !has(IN_LOG) {
            continue;
        }
        total.events += count;
        let (counted, failed) = match (has(NOISE), has(SERVICE)) {
            (true, _) => {
                total.noise += count;
                continue;
            }
            (false, true) => (&mut total.services, &mut total.failed_services),
            (false, false) => (&mut total.people, &mut total.failed_people),
        };
        *counted += count;
        *failed += if has(FAILED) { count } else { 0 };
    }
    Ok(total)
}

/// Part of a file that is in the spans.
enum Overlap {
    None,
    All,
    /// The times of the events must be read.
    Unknown,
}

fn overlap(file: &DataFile, spans: &[OpenSpan]) -> Overlap {
    if spans.contains(&(None, None)) {
        return Overlap::All;
    }
    if spans.iter().any(|(from, to)| scan::is_inside(file, *from, *to)) {
        Overlap::All
    } else if spans.iter().any(|(from, to)| scan::overlaps(file, *from, *to)) {
        Overlap::Unknown
    } else {
        Overlap::None
    }
}

/// Meaning of the texts of an event.
struct Rules<'r> {
    /// Names of the workload groups of the log.
    groups: &'r [&'r str],
    /// Tests the name of an activity in the spelling of the catalog.
    is_noise: &'r (dyn Fn(&str) -> bool + Sync),
}

/// Counts the events of a file, those of some spans or all.
fn count_file(
    file: &DataFile,
    rules: &Rules<'_>,
    spans: Option<&[OpenSpan]>,
) -> Result<ClassCounts> {
    let mut columns =
        vec![schema::WORKLOAD_GROUP, "Activity", "IsSuccess", "ResultStatus", "UserId", "UserType"];
    if spans.is_some() {
        columns.push("CreationTime");
    }
    // Few files have events without an Activity, so Operation is read only if there is one.
    let (mut counts, mut needs_operation) = ([0; CLASSES], false);
    store::for_each_coded_rows(file, &columns, &mut |rows| {
        let flags = flags_of(rows, rules, spans, false)?;
        needs_operation |= flags.iter().any(|flags| flags & BY_OPERATION != 0);
        add(&mut counts, &flags);
        Ok(())
    })?;
    if needs_operation {
        columns.push("Operation");
        counts = [0; CLASSES];
        store::for_each_coded_rows(file, &columns, &mut |rows| {
            add(&mut counts, &flags_of(rows, rules, spans, true)?);
            Ok(())
        })?;
    }
    Ok(counts)
}

fn add(counts: &mut ClassCounts, flags: &[u8]) {
    for flags in flags {
        counts[usize::from(*flags) % CLASSES] += 1;
    }
}

/// Returns the flags of each row.
fn flags_of(
    rows: &CodedRows<'_>,
    rules: &Rules<'_>,
    spans: Option<&[OpenSpan]>,
    has_operation: bool,
) -> Result<Vec<u8>> {
    let set = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    let noise_of = |name: &str| set((rules.is_noise)(activities::in_catalog(name)), NOISE);
    let mut all = rows.map_texts(schema::WORKLOAD_GROUP, IN_LOG, |group| {
        set(rules.groups.contains(&group), IN_LOG)
    })?;
    if let Some(spans) = spans {
        let is_inside = |us: i64| {
            spans.iter().any(|&(from, to)| {
                from.is_none_or(|from| us >= from) && to.is_none_or(|to| us < to)
            })
        };
        let inside = rows.map_times("CreationTime", 0, |us| set(is_inside(us), IN_LOG))?;
        all.iter_mut().zip(inside).for_each(|(flags, inside)| *flags &= inside);
    }
    let mut join = |added: Vec<u8>| {
        all.iter_mut().zip(added).for_each(|(flags, added)| *flags |= added);
    };
    let mut noise = rows.map_texts("Activity", BY_OPERATION, |name| {
        if name.is_empty() { BY_OPERATION } else { noise_of(name) }
    })?;
    if has_operation {
        let of_operation = |name: &str| if name.is_empty() { 0 } else { noise_of(name) };
        let by_operation = rows.map_texts("Operation", 0, of_operation)?;
        for (noise, by_operation) in noise.iter_mut().zip(by_operation) {
            *noise = if *noise == BY_OPERATION { by_operation } else { *noise };
        }
    }
    join(noise);
    join(rows.map_flags("IsSuccess", 0, |is_success| set(!is_success, FAILED))?);
    join(rows.map_texts("ResultStatus", 0, |status| {
        set(activities::is_failure_status(status), FAILED)
    })?);
    let mut service = rows.map_texts("UserId", BY_USER_TYPE, |user| {
        actor_kinds::is_service_by_id(user)
            .map_or(BY_USER_TYPE, |is_service| set(is_service, SERVICE))
    })?;
    let by_type =
        rows.map_integers("UserType", 0, |ty| set(actor_kinds::is_service_type(ty), SERVICE))?;
    for (service, by_type) in service.iter_mut().zip(by_type) {
        *service = if *service == BY_USER_TYPE { by_type } else { *service };
    }
    join(service);
    Ok(all)
}
