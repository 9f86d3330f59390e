//! Checks that other workloads than Power BI are counted or stored and never in a report, and that
//! texts of the Power Platform become columns.

use arrow::array::{Array, AsArray};

use crate::sample_data::copy_of_sample_data;
use crate::table;
use crate::workdir::{Records, Summary, Workdir};

/// Returns mail events of other people, before and after all other events.
fn mail() -> String {
    let event = |number: usize, day: &str| {
        format!(
            r#"{{"Id":"mail-{number}","RecordType":2,"Workload":"Exchange","CreationTime":"{day}T01:00:00","Operation":"MailItemsAccessed","UserId":"u{number}@elsewhere.example","UserType":0,"WorkspaceId":"w","WorkspaceName":"Mail {number}"}}"#
        )
    };
    let days = ["2025-11-01", "2026-02-02", "2026-03-30", "2026-06-01"];
    let events = (0..400).map(|number| event(number, days[number % 4]));
    events
        .chain([event(400, "2026-02-02").replace("RecordType\":2", "RecordType\":6")])
        .collect::<Vec<_>>()
        .join("\n")
}

fn reports(dir: &Workdir, store: &str) -> Vec<String> {
    let asked: [&[&str]; 3] =
        [&[], &["--since", "30d"], &["--since", "2026-01-01", "--noise", "include"]];
    let report = |more: &&[&str]| {
        let head = ["report", "top-reports", "--store", store, "--format", "json", "--quiet"];
        dir.pbi(head.iter().chain(*more)).ended(0).stdout
    };
    asked.iter().map(report).collect()
}

#[test]
fn other_workloads_are_counted_or_kept_and_in_no_report() {
    let dir = copy_of_sample_data();
    dir.write("sample-data/mail.ndjson", mail());
    let (_, without) = dir.ingest("store", &["sample-data"]);
    assert_eq!(without.other_workloads["Exchange: ExchangeItem"], 400 + in_sample(&without));
    let before = reports(&dir, "store");
    let (ran, with) = dir.ingest("store", &["sample-data", "--all-workloads"]);
    assert_eq!(ran.code, 0, "nothing that is damaged is read again: {ran:?}");
    let others = without.records.other_workloads;
    assert_eq!(with.records.stored, others);
    assert_eq!(with.records.other_workloads, 0);
    assert_eq!(with.store.events, without.store.events + others);
    dir.pbi(["verify", "--store", "store"]).ended(0);
    assert_eq!(reports(&dir, "store"), before);
    for arguments in [&["sample-data"][..], &["sample-data", "--all-workloads"]] {
        let (_, again) = dir.ingest("store", arguments);
        assert_eq!(again.records, Records::default(), "{arguments:?}");
    }
    let (_, whole) = dir.ingest("whole", &["sample-data", "--all-workloads"]);
    assert_eq!(whole.store.events, with.store.events);
    let export = |store| dir.pbi(["export", "-q", "--store", store]).ended(0).stdout;
    assert_eq!(export("whole").lines().count(), export("store").lines().count());
    assert_eq!(reports(&dir, "whole"), before);
}

/// Returns the number of such records in the sample archive.
fn in_sample(summary: &Summary) -> u64 {
    summary.other_workloads["Exchange: ExchangeItem"] - 400
}

#[test]
fn account_counts_excluded_workloads_and_dry_run_lists_sources_to_read_again() {
    let dir = Workdir::new();
    dir.write("mail.ndjson", mail());
    let ran = dir.pbi(["ingest", "mail.ndjson", "--store", "store"]).ended(0);
    let left = "skipped  400 Exchange: ExchangeItem, 1 Exchange: SharePointFileOperation; \
                use --all-workloads to keep them\n";
    assert!(ran.stdout.contains(left), "{ran:?}");
    let plan = |more: &[&str]| {
        let head = ["ingest", "mail.ndjson", "--store", "store", "--dry-run"];
        dir.pbi(head.iter().chain(more)).ended(0).stdout
    };
    assert!(plan(&[]).contains("0 new + 1 known"), "{}", plan(&[]));
    assert!(plan(&["--all-workloads"]).contains("1 new + 0 known"));
}

#[test]
fn power_platform_texts_become_derived_columns() {
    let dir = Workdir::new();
    let head = |id: usize, kind: u32| {
        format!(r#""Id":"{id}","RecordType":{kind},"CreationTime":"2026-03-01T08:00:0{id}""#)
    };
    let events = [
        format!(
            r#"{{{},"AppName":"0A11CE00-0000-4000-8000-000000000001","AdditionalInfo":"{{\"environmentName\":\"Default-E\",\"resourceDisplayName\":\"Leave\"}}"}}"#,
            head(1, 45)
        ),
        format!(
            r#"{{{},"FlowConnectorNames":"Office 365 Users, SQL Server","FlowDetailsUrl":"https://x.example/environments/Default-E/flows/F1/details"}}"#,
            head(2, 30)
        ),
        format!(
            r#"{{{},"PropertyCollection":[{{"Name":"powerplatform.analytics.resource.environment.name","Value":"Main"}},{{"Name":"powerplatform.analytics.resource.cloud_flow.display_name","Value":"Nightly"}}]}}"#,
            head(3, 256)
        ),
        format!(r#"{{{},"FlowConnectorNames":"no flow at all","AppName":"Sales"}}"#, head(4, 20)),
    ];
    dir.write("a.ndjson", events.join("\n"));
    dir.ingest("store", &["a.ndjson"]).0.ended(0);
    let mut found = Vec::new();
    let batch = table::read(&table::files(&dir.join("store"))[0]);
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name).expect("the column is there").as_string::<i32>();
        if column.is_null(row) { "-".to_owned() } else { column.value(row).to_owned() }
    };
    let connectors = batch.column_by_name("FlowConnectors").expect("the column is there");
    for row in 0..4 {
        let names = [
            "WorkloadGroup",
            "PlatformEnvironmentId",
            "PlatformEnvironmentName",
            "PowerAppId",
            "PowerAppName",
            "FlowId",
            "FlowName",
        ];
        let mut line = names.map(|name| text(name, row)).join(" | ");
        if connectors.is_valid(row) {
            let list = connectors.as_list::<i32>().value(row);
            let list: Vec<_> = list.as_string::<i32>().iter().flatten().collect();
            line += &format!(" | {}", list.join("+"));
        }
        found.push(line);
    }
    assert_eq!(
        found,
        [
            "Power Platform | default-e | - | 0a11ce00-0000-4000-8000-000000000001 | Leave | - | -",
            "Power Platform | default-e | - | - | - | f1 | - | Office 365 Users+SQL Server",
            "Power Platform | - | Main | - | - | - | Nightly",
            "Power BI | - | - | - | - | - | -",
        ]
    );
    let out = dir.pbi(["export", "-q", "--store", "store"]).ended(0).stdout;
    for name in ["WorkloadGroup", "PlatformEnvironment", "PowerAppId", "FlowName"] {
        assert!(!out.contains(name), "{out}");
    }
}
