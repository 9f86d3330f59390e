//! Tests that counts by codes are those of the engine.

use super::*;
use crate::query::coded_counts;
use crate::schema;

/// Values of the columns that decide how an event is counted.
const ACTIVITIES: [Option<&str>; 8] = [
    Some("ViewReport"),
    Some("exportactivityevents"),
    Some("GetDatasources"),
    Some("GetGroupsAsAdmin"),
    Some("GetSomethingNewViaAdminApi"),
    Some("neverSeen"),
    Some(""),
    None,
];
const STATUSES: [Option<&str>; 5] =
    [None, Some("Succeeded"), Some("FAILED"), Some("failure"), Some("")];
const USERS: [Option<&str>; 6] = [
    Some("Ann@contoso.com"),
    Some("0F1E2D3C-4b5a-6978-8796-a5b4c3d2e1f0"),
    Some("anonymous"),
    Some("robot"),
    Some(""),
    None,
];
const USER_TYPES: [Option<i64>; 7] = [None, Some(0), Some(2), Some(3), Some(8), Some(9), Some(10)];

/// Writes files with all combinations in turn, in several row groups, and returns their snapshot.
/// The name says whether this program could have written a file.
fn snapshot(folder: &std::path::Path, is_ours: bool, has_activity: bool) -> Snapshot {
    let group = |n: &usize| schema::WorkloadGroup::ALL.get(n % 5).map(|group| group.name());
    let utc = DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
    let mut files = Vec::new();
    for month in 1..4_usize {
        let rows: Vec<usize> = (0..12_000).map(|n| n * 7_919 + month).collect();
        let first_us = us(&format!("2026-0{month}-01T00:00:00Z"));
        let time = |n: &usize| first_us + (n % 28) as i64 * schema::MICROS_PER_DAY + *n as i64;
        let times: Vec<i64> = rows.iter().map(time).collect();
        let column = |of: &dyn Fn(usize) -> Option<&'static str>| {
            rows.iter().map(|n| of(*n)).collect::<Vec<_>>()
        };
        let success = |n: &usize| [None, Some(true), Some(false)][n / 3 % 3];
        let frame = df!(
            "Id" => rows.iter().map(|n| format!("{month}-{n}")).collect::<Vec<_>>(),
            "CreationTime" => &times,
            "Operation" => column(&|n| ACTIVITIES[n / 40 % 8]),
            "Activity" => column(&|n| ACTIVITIES[n / 5 % if has_activity { 6 } else { 8 }]),
            "WorkloadGroup" => rows.iter().map(group).collect::<Vec<_>>(),
            "IsSuccess" => rows.iter().map(success).collect::<Vec<_>>(),
            "ResultStatus" => column(&|n| STATUSES[n / 11 % 5]),
            "UserId" => column(&|n| USERS[n / 13 % 6]),
            "UserType" => rows.iter().map(|n| USER_TYPES[n / 17 % 7]).collect::<Vec<_>>()
        );
        let typed = frame.unwrap().lazy().with_column(col("CreationTime").cast(utc.clone()));
        // The last file has fewer columns.
        let typed = match month {
            3 => typed.drop(cols(["IsSuccess", "ResultStatus", "UserType"])),
            _ => typed,
        };
        let digest = format!("{month:032x}");
        let name = match is_ours {
            true => format!("part-0123456789abcdef0123456789abcdef-0000{month}-{digest}.parquet"),
            false => format!("part-{month}.parquet"),
        };
        let path = folder.join(name);
        let writer = ParquetWriter::new(File::create(&path).unwrap());
        writer.with_row_group_size(Some(5_000)).finish(&mut typed.collect().unwrap()).unwrap();
        let range = times.iter().min().copied().zip(times.iter().max().copied());
        files.push(DataFile {
            size_bytes: path.metadata().unwrap().len(),
            path,
            events: rows.len() as u64,
            month: format!("2026-0{month}"),
            // The log of another writer has no times for this file.
            period_us: range.filter(|_| month != 2),
        });
    }
    Snapshot { files, has_other_workloads: true, ..Snapshot::default() }
}

#[test]
fn counts_by_codes_are_those_of_the_engine() {
    let periods =
        [(None, None), (Some("2026-01-05"), None), (Some("2026-01-31"), Some("2026-03-02"))];
    for has_activity in [true, false] {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let ours = snapshot(folders[0].path(), true, has_activity);
        let others = snapshot(folders[1].path(), false, has_activity);
        for noise in [NoiseFilter::Exclude, NoiseFilter::ExcludeAllReads, NoiseFilter::Include] {
            for log in [LogKind::PowerBi, LogKind::PowerPlatform] {
                for (since, until) in periods {
                    let run = TestRun { noise, since, until, zone: Tz::Asia__Kolkata, ..PLAIN };
                    let report = ReportDefinition {
                        log,
                        ..ReportDefinition::ad_hoc("SELECT Id FROM events")
                    };
                    let by_codes = run.session(&ours).event_counts(&report).unwrap();
                    let by_engine = run.session(&others).event_counts(&report).unwrap();
                    assert_eq!(by_codes, by_engine, "{noise:?} {log:?} {since:?}");
                    assert!(by_codes.services > 100 && by_codes.failed_people > 100);
                    let spans = run.period(&ours).spans_us();
                    let groups = log.workload_groups();
                    let count = |of: &Snapshot| {
                        coded_counts::count_events(&of.files, &spans, groups, noise)
                    };
                    assert_eq!(count(&ours).unwrap(), by_codes);
                    assert!(count(&others).is_err(), "files of other programs");
                }
            }
        }
    }
}

#[test]
fn days_in_several_runs_are_counted_by_codes() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let snapshots =
        [true, false].map(|is_ours| snapshot(folders[usize::from(is_ours)].path(), is_ours, true));
    let days = ["2026-01-02", "2026-01-03", "2026-02-10", "2026-03-28"].map(day);
    let counts = snapshots.each_ref().map(|of| {
        let session = PLAIN.session(of).limited_to(days.into());
        session.event_counts(&ReportDefinition::ad_hoc("SELECT Id FROM events")).unwrap()
    });
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0].events > 500);
}
