//! Checks what is built on what: the dependencies in inventory files, all that follow from them,
//! and the report on unused items.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::{compare_with_golden, id, rows, rows_of_views, scan, write_march};
use crate::workdir::Workdir;

const OLD: &str = "2024-05-01T08:00:00";

fn workspace(number: usize, name: &str, lists: Value) -> Value {
    let mut held = json!({
        "id": id(1, number), "name": name, "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": false
    });
    let lists = lists.as_object().expect("it is an object").clone();
    held.as_object_mut().expect("it is an object").extend(lists);
    held
}

fn report(number: usize, name: &str, model: usize) -> Value {
    json!({
        "id": id(2, number), "name": name, "reportType": "PowerBIReport",
        "datasetId": id(3, model), "createdDateTime": OLD, "createdBy": "mia@contoso.com"
    })
}

fn model(number: usize, name: &str, upstream: &[usize]) -> Value {
    let upstream = upstream
        .iter()
        .map(|upstream| json!({"targetDatasetId": id(3, *upstream), "groupId": id(1, 1)}));
    json!({
        "id": id(3, number), "name": name, "configuredBy": "noa@contoso.com", "createdDate": OLD,
        "upstreamDatasets": upstream.collect::<Vec<_>>()
    })
}

/// A use: day of March 2026, operation, member with the ID, the ID and user.
type Use<'u> = (u32, &'u str, &'u str, String, &'u str);

fn write_log(dir: &Workdir, uses: &[Use<'_>]) {
    let event = |operation: &str, member: &str, id: &str, user: &str| json!({"Operation": operation, "Activity": operation, "UserId": user, member: id});
    let daily = event("ViewReport", "ReportId", &id(8, 0), "eve@contoso.com");
    let uses = uses
        .iter()
        .map(|(day, operation, member, id, user)| (*day, event(operation, member, id, user)));
    write_march(dir, &daily, &uses.collect::<Vec<_>>());
}

fn reasons(dir: &Workdir, arguments: &[&str]) -> BTreeMap<String, String> {
    let fixed = ["report", "unused-items", "--param", "status=all", "--param", "days=20"];
    let all: Vec<&str> = fixed.iter().chain(arguments).copied().collect();
    let pair = |row: BTreeMap<String, String>| {
        (row["item"].clone(), format!("{}: {}", row["status"], row["reason"]))
    };
    rows(dir, &all).into_iter().map(pair).collect()
}

/// Two workspaces with a case for each rule, and a scan without dependencies.
fn write_scans(dir: &Workdir) {
    let mut fresh = report(4, "Fresh", 5);
    fresh["createdDateTime"] = json!("2026-03-25T08:00:00");
    let mut copy = report(5, "[App] Seen in app", 8);
    copy["appId"] = json!(id(4, 1));
    copy["originalReportObjectId"] = json!(id(2, 6));
    let mut staged = model(1, "Shared", &[]);
    staged["upstreamDataflows"] =
        json!([{"targetDataflowId": id(5, 1).to_uppercase(), "groupId": id(1, 2)}]);
    let mut young = model(9, "Young", &[]);
    young["createdDate"] = json!("2026-03-20T08:00:00");
    let first = workspace(
        1,
        "Sales",
        json!({
            "reports": [
                report(1, "Viewed", 2), report(2, "Dusty", 3), report(3, "By author", 4), fresh,
                copy, report(6, "Seen in app", 8)
            ],
            // Shared feeds Composite, which feeds a viewed report. Round one and Round two feed
            // each other, and no report.
            "datasets": [
                staged, model(2, "Composite", &[1]), model(3, "Dust", &[]),
                model(4, "Author model", &[]), model(5, "Fresh model", &[]),
                model(6, "Round one", &[7]), model(7, "Round two", &[6]),
                model(8, "App model", &[]), young, model(10, "Excel model", &[]),
                model(11, "Walled", &[]), model(12, "Deleted report", &[]),
                {"id": id(3, 13), "name": "Usage Metrics Report",
                    "contentProviderType": "UsageMetricsUserReport"}
            ],
            "dashboards": [
                {"id": id(6, 1), "displayName": "Wall", "tiles": [
                    {"id": id(7, 1), "reportId": id(2, 2), "datasetId": id(3, 11)}]},
                {"id": id(6, 2), "displayName": "Blank", "tiles": []}
            ]
        }),
    );
    let second = workspace(
        2,
        "Staging",
        json!({
            "dataflows": [
                {"objectId": id(5, 1), "name": "Bronze", "upstreamDataflows": [
                    {"targetDataflowId": id(5, 2), "groupId": id(1, 2)}]},
                {"objectId": id(5, 2), "name": "Raw", "modifiedBy": "tom@contoso.com"},
                {"objectId": id(5, 3), "name": "Left over"}
            ],
            "Notebook": [
                {"id": id(10, 1), "name": "Run", "createdDate": OLD},
                {"id": id(10, 2), "name": "Idle", "createdDate": OLD, "relations": [
                    {"dependentOnArtifactId": id(10, 3), "workspaceId": id(1, 2),
                        "relationType": "Datasource"}]}
            ],
            "Lakehouse": [{"id": id(10, 3), "name": "Lake", "createdDate": OLD}],
            "NewKind": [{"id": id(10, 4), "name": "Novelty", "createdDate": OLD}]
        }),
    );
    let both = [first, second];
    dir.write("archive/scans/1.fullscan.json", scan("2026-03-01T02:00:00Z", &both));
    dir.write("archive/scans/2.fullscan.json", scan("2026-03-28T02:00:00Z", &both));
}

fn uses() -> Vec<Use<'static>> {
    vec![
        (30, "ViewReport", "ReportId", id(2, 1), "zoe@contoso.com"),
        (2, "ViewReport", "ReportId", id(2, 2), "zoe@contoso.com"),
        (30, "ViewReport", "ReportId", id(2, 3), "Mia@contoso.com"),
        (30, "ViewReport", "ReportId", id(2, 5), "zoe@contoso.com"),
        (30, "AnalyzeInExcel", "DatasetId", id(3, 10), "zoe@contoso.com"),
        (30, "RefreshDataset", "DatasetId", id(3, 3), "noa@contoso.com"),
        (30, "ViewDashboard", "DashboardId", id(6, 1), "zoe@contoso.com"),
        (30, "RunArtifact", "ObjectId", id(10, 1), "zoe@contoso.com"),
        (30, "ShareDataset", "DatasetId", id(3, 7), "noa@contoso.com"),
    ]
}

#[test]
fn each_rule_of_unused_items_bites() {
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &uses());
    dir.ingest("store", &["archive"]).0.ended(0);
    let fed = "used: feeds an item that is used in the window";
    let unused = "unused: not used in the log";
    let expected = [
        ("Shared", fed),
        ("Composite", fed),
        ("Dust", fed),
        ("Author model", fed),
        ("Fresh model", "unknown: feeds an item whose use is not known"),
        ("Round one", "unused: feeds only unused items"),
        ("Round two", "unused: feeds only unused items"),
        ("App model", fed),
        ("Young", "unknown: created in the window"),
        ("Excel model", "used: used in the window"),
        ("Walled", fed),
        ("Deleted report", unused),
        ("Wall", "used: used in the window"),
        ("Blank", unused),
        ("Bronze", fed),
        ("Raw", fed),
        ("Left over", unused),
        ("Run", "used: used in the window"),
        ("Idle", unused),
        ("Lake", "unknown: other items can read it by its address"),
        ("Novelty", "unknown: the log may not show the use of this kind"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(name, status)| (name.to_owned(), status.to_owned())).into();
    assert_eq!(reasons(&dir, &[]), expected);

    let changed = |arguments: &[&str]| -> BTreeMap<String, String> {
        let found = reasons(&dir, arguments);
        found.into_iter().filter(|(name, status)| expected.get(name) != Some(status)).collect()
    };
    let author = changed(&["--param", "without_owners=true"]);
    let only_dust = "unused: feeds only unused items".to_owned();
    assert_eq!(author, [("Author model".to_owned(), only_dust)].into());
    let any = changed(&["--param", "counts_as_use=any"]);
    let names: Vec<&String> = any.keys().collect();
    assert_eq!(names, ["Round one", "Round two"], "{any:?}");
    let kind = reasons(&dir, &["--param", "kind=Dataflow"]);
    assert_eq!(kind.len(), 3, "{kind:?}");

    // A deleted report was built on the model that its events name.
    let mut more = uses();
    more.push((30, "ViewReport", "DatasetId", id(3, 12), "zoe@contoso.com"));
    let dir = Workdir::new();
    write_scans(&dir);
    write_log(&dir, &more);
    dir.ingest("store", &["archive"]).0.ended(0);
    assert_eq!(reasons(&dir, &[])["Deleted report"], "used: used in the window");
    compare_with_golden(
        &dir,
        "unused-items",
        &["--param", "days=20", "--param", "status=all", "--top", "30"],
    );
}

#[test]
fn dependencies_that_were_not_scanned_are_not_absent() {
    let dir = Workdir::new();
    let bare = |number: usize| {
        let model = json!({"id": id(3, number), "name": format!("M{number}"), "createdDate": OLD});
        workspace(number, "A", json!({"datasets": [model], "reports": []}))
    };
    dir.write("archive/1.fullscan.json", scan("2026-03-28T02:00:00Z", &[bare(1)]));
    write_log(&dir, &[]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let unscanned = "unknown: workspaces without scanned dependencies: 1";
    assert_eq!(reasons(&dir, &[])["M1"], unscanned);
    let ignored = reasons(&dir, &["--param", "unscanned=ignore"]);
    assert_eq!(ignored["M1"], "unused: not used in the log");

    // A full scan was asked for dependencies, and so was the incremental one after it.
    let full = workspace(2, "B", json!({"datasets": [model(2, "M2", &[])]}));
    dir.write("archive/2.fullscan.json", scan("2026-03-29T02:00:00Z", &[bare(1), full]));
    dir.write("archive/3.incremental.json", scan("2026-03-30T02:00:00Z", &[bare(1)]));
    dir.ingest("store", &["archive"]).0.ended(0);
    let found = reasons(&dir, &[]);
    assert!(found.values().all(|status| status.starts_with("unused")), "{found:?}");
}

#[test]
fn order_of_scans_does_not_matter_for_dependencies() {
    let views = ["inventory_lineage", "inventory_workspaces"];
    let mut results = Vec::new();
    let files = ["archive/scans/1.fullscan.json", "archive/scans/2.fullscan.json"];
    for order in [[0, 1], [1, 0]] {
        let dir = Workdir::new();
        write_scans(&dir);
        write_log(&dir, &[]);
        for number in order {
            dir.ingest("store", &[files[number]]).0.ended(0);
        }
        dir.ingest("store", &["archive"]).0.ended(0);
        results.push(rows_of_views(&dir, &views));
        dir.ingest("store", &["archive", "--reread"]).0.ended(0);
        results.push(rows_of_views(&dir, &views));
        dir.pbi(["verify", "--store", "store"]).ended(0);
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:#?}");
    let chain = id(5, 2);
    assert!(results[0][0].contains(&format!("{chain},Dataflow")), "{results:#?}");
}

/// The items of a random tenant, as plain code remembers them.
#[derive(Default)]
struct Tenant {
    /// The items that each item is built on.
    upstream: BTreeMap<String, BTreeSet<String>>,
    /// Names of the models, dataflows and dashboards that count, with their IDs.
    listed: BTreeMap<String, String>,
    /// Items that were created in the window.
    young: BTreeSet<String>,
    /// Items without a time of creation, all in the first snapshot.
    counted: BTreeSet<String>,
}

/// A second implementation of unused items, over the generated tenant and not over the store.
#[test]
fn unused_items_of_a_random_tenant_are_those_of_plain_code() {
    let mut state = 20_260_417_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let dir = Workdir::new();
    let (mut tenant, mut scanned, mut uses) = (Tenant::default(), Vec::new(), Vec::new());
    // Kinds with the first part of their IDs.
    let kinds: Vec<Vec<(&str, u32)>> = (0..60)
        .map(|_| {
            let kind = |random: u64| match random {
                0..4 => ("reports", 2),
                4..6 => ("datasets", 3),
                6 => ("dataflows", 5),
                _ => ("dashboards", 6),
            };
            (0..random(14)).map(|_| kind(random(8))).collect()
        })
        .collect();
    let all_of = |wanted: u32| -> Vec<String> {
        let places = kinds.iter().enumerate().flat_map(|(number, items)| {
            items.iter().enumerate().map(move |(at, (_, prefix))| (number * 20 + at, *prefix))
        });
        let found = places.filter(|(_, prefix)| *prefix == wanted);
        found.map(|(at, prefix)| id(prefix, at)).collect()
    };
    let [reports, models, dataflows] = [2, 3, 5].map(all_of);
    for (number, items) in kinds.iter().enumerate() {
        let is_active = random(6) > 0;
        let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        lists.insert("reports", Vec::new());
        for (at, (kind, prefix)) in items.iter().copied().enumerate() {
            let (own, name) = (id(prefix, number * 20 + at), format!("I{number}-{at}"));
            // Models and dataflows of any workspace, so that there are circles.
            let mut other = |of: &[String]| of[random(of.len() as u64) as usize].clone();
            let upstream: Vec<String> = match kind {
                "reports" => vec![other(&models)],
                "datasets" => vec![other(&models), other(&dataflows)],
                "dataflows" => vec![other(&dataflows)],
                _ => vec![other(&reports), other(&models)],
            };
            let is_young = random(6) == 0;
            let created = if is_young { "2026-03-25T08:00:00" } else { OLD };
            let mut item = json!({"id": own, "name": name, "createdBy": "mia@contoso.com"});
            match kind {
                "reports" => item["datasetId"] = json!(upstream[0]),
                "datasets" => {
                    item["upstreamDatasets"] = json!([{"targetDatasetId": upstream[0]}]);
                    item["upstreamDataflows"] = json!([{"targetDataflowId": upstream[1]}]);
                }
                "dataflows" => {
                    item["objectId"] = item["id"].take();
                    item.as_object_mut().expect("it is an object").remove("id");
                    item["upstreamDataflows"] = json!([{"targetDataflowId": upstream[0]}]);
                }
                _ => {
                    item["tiles"] = json!([{"reportId": upstream[0]}, {"datasetId": upstream[1]}]);
                }
            }
            if kind != "dataflows" && kind != "dashboards" {
                item["createdDateTime"] = json!(created);
                if is_young {
                    tenant.young.insert(own.clone());
                }
            }
            lists.entry(kind).or_default().push(item);
            tenant.upstream.entry(own.clone()).or_default().extend(upstream);
            if is_active {
                tenant.counted.insert(own.clone());
            }
            if is_active && kind != "reports" {
                tenant.listed.insert(name, own.clone());
            }
            if random(12) == 0 {
                let (operation, member) = match kind {
                    "reports" => ("ViewReport", "ReportId"),
                    "datasets" => ("AnalyzeInExcel", "DatasetId"),
                    "dataflows" => ("ViewDataflow", "DataflowId"),
                    _ => ("ViewDashboard", "DashboardId"),
                };
                uses.push((1 + random(31) as u32, operation, member, own, "zoe@contoso.com"));
            }
        }
        let mut held = workspace(number, "W", json!(lists));
        if !is_active {
            held["state"] = json!("Deleted");
        }
        scanned.push(held);
    }
    dir.write("archive/1.fullscan.json", scan("2026-02-01T02:00:00Z", &scanned));
    write_log(&dir, &uses);
    dir.ingest("store", &["archive"]).0.ended(0);

    // From each item along its dependencies, until nothing new is reached.
    let reached = |from: &String| {
        let mut seen = BTreeSet::from([from.clone()]);
        let mut open = vec![from.clone()];
        while let Some(item) = open.pop() {
            for next in tenant.upstream.get(&item).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let is_late = |(day, ..): &&Use<'_>| *day > 31 - 20;
    let used: BTreeSet<String> =
        uses.iter().filter(is_late).flat_map(|(_, _, _, id, _)| reached(id)).collect();
    let feeds_young: BTreeSet<String> =
        tenant.young.iter().filter(|id| tenant.counted.contains(*id)).flat_map(reached).collect();
    let status = |id: &String| match () {
        () if used.contains(id) => "used",
        () if tenant.young.contains(id) || feeds_young.contains(id) => "unknown",
        () => "unused",
    };
    let expected: BTreeMap<String, String> =
        tenant.listed.iter().map(|(name, id)| (name.clone(), status(id).to_owned())).collect();
    let found = reasons(&dir, &[])
        .into_iter()
        .map(|(name, reason)| (name, reason.split(':').next().unwrap_or_default().to_owned()));
    let found: BTreeMap<String, String> = found.collect();
    let counts = |status: &str| expected.values().filter(|known| *known == status).count();
    assert!(["used", "unknown", "unused"].iter().all(|status| counts(status) > 15), "{expected:?}");
    assert_eq!(found, expected);
}
