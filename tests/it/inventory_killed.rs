//! Reads inventories, people and tables in any order, in one run or many, with kills in between: the
//! views have the same rows.
//!
//! Orders and moments follow from a seed, which is printed. `PBI_SEED=N` sets the seed; `PBI_KILLS=N`
//! sets the number of kills.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use serde_json::json;

use crate::inventory::{id, rows_of_views};
use crate::killed::{SHORTEST, assert_whole, kill_after, variable};
use crate::sample_data::ROOT;
use crate::workdir::Workdir;

/// All views of inventories, people and refreshes.
const VIEWS: [&str; 17] = [
    "inventory_groups",
    "group_members",
    "inventory_capacities",
    "snapshots",
    "inventory_workspaces",
    "inventory_items",
    "inventory_access",
    "inventory_lineage",
    "inventory_history",
    "people",
    "person_addresses",
    "person_attributes",
    "licenses",
    "license_products",
    "tenant_settings",
    "refresh_history",
    "refreshables",
];

/// Writes files of all kinds, and returns their names.
fn write_files(dir: &Workdir) -> Vec<String> {
    let mut names = Vec::new();
    let mut write = |name: String, content: String| {
        dir.write(&name, content);
        names.push(name);
    };
    let sample = Path::new(ROOT).join("sample-data-inventory");
    let walk = walkdir::WalkDir::new(&sample).sort_by_file_name().into_iter().flatten();
    for file in walk.filter(|entry| entry.path().extension().is_some_and(|e| e == "json")) {
        let below = file.path().strip_prefix(&sample).expect("it is below");
        let content = std::fs::read_to_string(file.path()).expect("it can be read");
        write(format!("archive/{}", below.to_string_lossy().replace('\\', "/")), content);
    }
    for (day, name) in [("03/02", "Sales"), ("03/20", "Sales 2")] {
        let workspaces = format!("Id,Name,IsOnDedicatedCapacity\n{},{name},False\n", id(1, 1));
        write(format!("archive/2026/{day}/workspaces.csv"), workspaces);
        let reports = format!(
            "ReportId,ReportName,WorkspaceId\n{},{name},{}\n{},Nowhere,\n",
            id(2, 1),
            id(1, 1),
            id(2, 2)
        );
        write(format!("archive/2026/{day}/reports.csv"), reports);
        let people = format!("UPN;Region\nida@contoso.com;{name}\nolf@contoso.com;South\n");
        write(format!("archive/2026/{day}/regions.csv"), people);
        let refresh = |request: usize, day: &str| {
            json!({"requestId": id(6, request), "refreshType": "Scheduled", "status": "Completed",
                "startTime": format!("2026-03-{day}T05:00:00Z"), "dataSetId": id(3, 1),
                "endTime": format!("2026-03-{day}T05:01:00Z")})
        };
        let history = json!([refresh(1, "01"), refresh(2, &day[3..])]);
        write(format!("archive/2026/{day}/refreshes.json"), history.to_string());
    }
    names
}

#[test]
fn any_order_with_kills_gives_the_same_rows() {
    let kills = variable("PBI_KILLS").unwrap_or(10);
    let seed = variable("PBI_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("PBI_SEED={seed} gives these orders and moments again");
    let mut random = Rng::with_seed(seed);
    let dir = Workdir::new();
    let mut names = write_files(&dir);
    dir.ingest("store", &["archive"]).0.ended(0);
    let expected = rows_of_views(&dir, &VIEWS);
    let empty = expected.iter().filter(|rows| !rows.contains('\n')).count();
    assert_eq!(empty, 1, "each view but that of refreshables has rows: {expected:#?}");
    let (mut killed, mut longest) = (0, Duration::from_millis(400));
    while killed < kills {
        std::fs::remove_dir_all(dir.join("store")).expect("it can be deleted");
        random.shuffle(&mut names);
        // Some files in each run; a run that was killed is repeated with more of them.
        let mut upto = 0;
        while upto < names.len() {
            upto = (upto + random.usize(1..6)).min(names.len());
            let files = names[..upto].iter().map(String::as_str);
            let flags = ["--store", "store", "--quiet"];
            let command: Vec<&str> = ["ingest"].into_iter().chain(files).chain(flags).collect();
            let was_killed = kill_after(&dir, &command, longest.mul_f64(random.f64()));
            killed += u64::from(was_killed);
            longest = longest.mul_f64(if was_killed { 1.1 } else { 0.8 }).max(SHORTEST);
            if dir.join("store/events/_delta_log/00000000000000000000.json").exists() {
                assert_whole(&dir, seed);
            }
        }
        dir.ingest("store", &["archive"]).0.ended(0);
        dir.pbi(["verify", "--store", "store"]).ended(0);
        let found: BTreeSet<_> = rows_of_views(&dir, &VIEWS).into_iter().collect();
        let wanted: BTreeSet<_> = expected.iter().cloned().collect();
        assert_eq!(found, wanted, "PBI_SEED={seed}");
    }
}
