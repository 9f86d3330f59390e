//! Checks tables of workspaces and items in CSV files, lists that do not name workspaces, and files
//! that an earlier version of the program did not recognize.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::events::plain;
use crate::inventory::{id, rows, rows_of_views, scan, write_march};
use crate::workdir::{Outcome, Workdir};

const VIEWS: [&str; 4] =
    ["snapshots", "inventory_workspaces", "inventory_items", "inventory_access"];

fn workspace(number: usize) -> String {
    id(1, number)
}

fn report(number: usize) -> String {
    id(2, number)
}

/// Returns the values of columns of a report or statement, joined by `|`.
fn values(dir: &Workdir, arguments: &[&str], columns: &[&str]) -> BTreeSet<String> {
    let joined = |row: BTreeMap<String, String>| {
        columns.iter().map(|column| row[*column].as_str()).collect::<Vec<_>>().join("|")
    };
    rows(dir, arguments).into_iter().map(joined).collect()
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

fn scanned(number: usize, name: &str, reports: &[(usize, &str)]) -> Value {
    let held = |(number, name): &(usize, &str)| {
        json!({"id": report(*number), "name": name, "reportType": "PowerBIReport",
            "datasetId": id(3, *number), "createdDateTime": "2024-05-01T08:00:00",
            "createdBy": "mia@contoso.com"})
    };
    json!({"id": workspace(number), "name": name, "type": "Workspace", "state": "Active",
        "isOnDedicatedCapacity": false, "users": [], "datasets": [],
        "reports": reports.iter().map(held).collect::<Vec<_>>()})
}

/// The shape of a table, and the number of its workspaces and items.
type Found = (&'static str, u64, u64);

#[test]
fn tables_are_recognized_by_their_columns() {
    let (w, r, m) = (workspace(1), report(1), id(3, 1));
    let utf16 = |text: &str| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let files: [(&str, Vec<u8>, Found); 9] = [
        (
            "a.csv",
            utf16(&format!(
                "#TYPE Microsoft.PowerBI.Common.Api.Workspaces.Workspace\r\n\
                 \"Id\",\"Name\",\"IsOnDedicatedCapacity\",\"CapacityId\",\"Users\"\r\n\
                 \"{w}\",\"A, B\",\"False\",\"\",\"System.Object[]\"\r\n"
            )),
            ("workspace table", 1, 0),
        ),
        (
            "b.csv",
            format!("sep=;\nState;Type;NAME;Workspace_ID\nActive;Workspace;A;{w}\n").into(),
            ("workspace table", 1, 0),
        ),
        (
            "c.csv",
            format!("ReportName,Report Id,WorkspaceID\nR,{},{w}\nS,{r},{w}\n", report(2)).into(),
            ("report table", 1, 2),
        ),
        (
            "d.csv",
            format!("Id\tName\tWebUrl\tDatasetId\n{r}\tR\thttps://x/groups/{w}/reports/x\t{m}\n")
                .into(),
            ("report table", 1, 1),
        ),
        (
            "e.csv",
            format!("Dataset Id,Dataset Name,Workspace Id\n{m},M,{w}\n").into(),
            ("semantic model table", 1, 1),
        ),
        (
            "f.csv",
            format!("DashboardId|DisplayName|WorkspaceId\n{m}|D|{w}\n").into(),
            ("dashboard table", 1, 1),
        ),
        (
            "g.csv",
            format!("Item Id,Item Name,Type,Workspace Id\n{m},L,Lakehouse,{w}\n").into(),
            ("item table", 1, 1),
        ),
        ("h.csv", format!("id,name,publishedBy\n{m},App,Ida\n").into(), ("app list", 0, 1)),
        (
            "i.json",
            json!([{"id": m, "name": "App", "publishedBy": "Ida", "lastUpdate": "2026-01-01",
                "workspaceId": w}])
            .to_string()
            .into(),
            ("app list", 1, 1),
        ),
    ];
    let dir = Workdir::new();
    for (name, bytes, _) in &files {
        dir.write(&format!("archive/{name}"), bytes);
    }
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    for (name, _, (shape, workspaces, items)) in files {
        let account = summary.of(&format!("archive/{name}"));
        let facts = account.inventory.clone().unwrap_or_else(|| panic!("{account:?}"));
        let found = (facts.shapes.join(","), facts.workspaces, facts.items);
        assert_eq!(found, (shape.to_owned(), workspaces, items), "{name}");
        assert_eq!((account.outcome, account.kind.as_str()), (Outcome::Ok, "inventory"));
        assert_eq!(facts.lost_lists, u64::from(name == "a.csv"), "{name}");
    }
}

/// A row without an ID was lost without a word, or the whole file was.
#[test]
fn rows_without_an_id_are_counted_and_named() {
    let dir = Workdir::new();
    let text = format!(
        "ReportId,ReportName\n{},R\n,S\n00000000-0000-0000-0000-000000000000,T\n",
        report(1)
    );
    dir.write("archive/a.csv", text);
    let (ran, summary) = dir.ingest("store", &["archive"]);
    ran.ended(3);
    let account = summary.of("archive/a.csv");
    assert_eq!((account.records.read, account.records.rejected), (2, 2));
    assert!(account.problems[0].reason.contains("without an ID"), "{account:?}");
    assert_eq!(account.inventory.as_ref().map(|facts| facts.items), Some(1));
}

/// With tables alone, what they do not list is unknown, and not empty.
#[test]
fn tables_say_nothing_about_access_and_dependencies() {
    let dir = Workdir::new();
    let workspaces = format!(
        "Id,Name,Type,State\n{},Sales,Workspace,Active\n{},Mine,PersonalGroup,Active\n\
         {},Gone,Workspace,Deleted\n",
        workspace(1),
        workspace(2),
        workspace(3)
    );
    dir.write("archive/2026-02-01/workspaces.csv", workspaces);
    let reports = format!(
        "ReportId,ReportName,WorkspaceId,DatasetId,CreatedDateTime\n\
         {0},Used,{w},{m},2024-01-01T00:00:00Z\n{1},Unused,{w},{m},2024-01-01T00:00:00Z\n\
         {2},Ageless,{w},{m},\n{3},Fresh,{w},{m},2026-03-20T00:00:00Z\n\
         {4},Private,{mine},{m},2024-01-01T00:00:00Z\n",
        report(1),
        report(2),
        report(3),
        report(4),
        report(5),
        w = workspace(1),
        m = id(3, 1),
        mine = workspace(2)
    );
    dir.write("archive/2026-03-30/reports.csv", reports);
    let models =
        format!("DatasetId,DatasetName,WorkspaceId\n{},Model,{}\n", id(3, 1), workspace(1));
    dir.write("archive/2026-02-01/models.csv", models);
    let view =
        |report: &str| json!({"UserId": "eve@contoso.com", "ReportId": report, "ReportName": "x"});
    write_march(&dir, &view(&id(8, 0)), &[(30, view(&report(1)))]);
    dir.ingest("store", &["archive"]).0.ended(0);
    let flags = ["report", "unused-reports", "--param", "status=all", "--param", "days=20"];
    assert_eq!(
        values(&dir, &flags, &["report", "workspace", "status", "reason"]),
        set([
            "Used|Sales|used|used in the window",
            "Unused|Sales|unused|not viewed in the log",
            "Ageless|Sales|unknown|age not known",
            "Fresh|Sales|unknown|created in the window",
        ])
    );
    let flags = ["report", "unused-items", "--param", "status=all", "--param", "days=20"];
    assert_eq!(
        values(&dir, &flags, &["item", "status"]),
        set(["Model|used"]),
        "the model feeds a report that is used"
    );
    let orphaned = ["report", "orphaned-workspaces"];
    assert_eq!(
        values(&dir, &orphaned, &["workspace", "reason"]),
        set(["Sales|access was not scanned"])
    );
    let text = dir.pbi(["report", "unused-reports", "--store", "store"]).ended(0).stdout;
    assert!(text.contains("Inventory: report table of 2026-03-30"), "{text}");
}

/// A poorer list of a later day is the list of what there is. What it lacks comes from the scan.
#[test]
fn table_of_a_later_day_keeps_the_fields_of_a_scan() {
    let dir = Workdir::new();
    let first = scanned(1, "Sales", &[(1, "Stays"), (2, "Goes")]);
    let second = scanned(2, "Other", &[(3, "Not listed")]);
    dir.write("archive/scans/1.fullscan.json", scan("2026-03-01T02:00:00Z", &[first, second]));
    let table = format!(
        "WorkspaceID,WorkspaceName,ReportID,ReportName\n{},Sales,{},Renamed\n",
        workspace(1),
        report(1).to_uppercase()
    );
    dir.write("archive/2026-03-20/reports.csv", table);
    let table =
        format!("Id,Name,IsOnDedicatedCapacity,CapacityId\n{},Sales 2,True,0AB0\n", workspace(1));
    dir.write("archive/2026-03-20/workspaces.csv", table);
    dir.ingest("store", &["archive"]).0.ended(0);
    let items = "SELECT item_name, created_by, model_id, workspace_id FROM inventory_items";
    let columns = ["item_name", "created_by", "model_id", "workspace_id"];
    assert_eq!(
        values(&dir, &["sql", items], &columns),
        set([
            &format!("Renamed|mia@contoso.com|{}|{}", id(3, 1), workspace(1)),
            &format!("Not listed|mia@contoso.com|{}|{}", id(3, 3), workspace(2)),
        ])
    );
    let spaces = "SELECT workspace_name, capacity_id, gone_since FROM inventory_workspaces";
    // The table has one of two workspaces, so it is no full list and the other one is not gone.
    assert_eq!(
        values(&dir, &["sql", spaces], &["workspace_name", "capacity_id", "gone_since"]),
        set(["Sales 2|0ab0|", "Other||"])
    );
}

/// `Get-PowerBIReport` does not name the workspace. Its reports were in no answer.
#[test]
fn reports_without_a_workspace_are_listed_until_a_full_scan_lacks_them() {
    let dir = Workdir::new();
    let table = format!(
        "Id,Name,WebUrl,EmbedUrl,DatasetId\n{},Placed elsewhere,https://x/reports/1,,{m}\n\
         {},Nowhere,https://x/reports/2,,{m}\n",
        report(1),
        report(2),
        m = id(3, 9)
    );
    dir.write("archive/2026-03-10/reports.csv", table);
    let models = format!("Id,Name,ConfiguredBy,IsRefreshable\n{},M,a@b.c,True\n", id(3, 9));
    dir.write("archive/2026-03-10/models.csv", models);
    dir.write(
        "archive/1.fullscan.json",
        scan("2026-03-01T02:00:00Z", &[scanned(1, "Sales", &[(1, "Known")])]),
    );
    dir.ingest("store", &["archive"]).0.ended(0);
    let items = "SELECT item_name, workspace_id FROM inventory_items";
    let known = format!("Known|{}", workspace(1));
    let found = values(&dir, &["sql", items], &["item_name", "workspace_id"]);
    assert_eq!(found, set([&known, "Nowhere|", "M|"]));
    // An item in an unknown place can be used by anything that was not scanned.
    let flags = ["report", "unused-items", "--param", "status=all"];
    let reasons = values(&dir, &flags, &["item", "status"]);
    assert_eq!(reasons, set(["M|unknown"]));
    dir.write(
        "archive/2.fullscan.json",
        scan("2026-03-20T02:00:00Z", &[scanned(1, "Sales", &[(1, "Known")])]),
    );
    dir.ingest("store", &["archive"]).0.ended(0);
    assert_eq!(values(&dir, &["sql", items], &["item_name", "workspace_id"]), set([&known]));
}

/// Rewrites the entry of an inventory file in the source log as an earlier version wrote it: all of
/// its records were rejected, or the file was skipped.
fn as_not_recognized(line: &str) -> String {
    let mut entry: Value = serde_json::from_str(line).expect("it is JSON");
    let facts = entry["facts"].as_object_mut().expect("it has facts");
    if facts.remove("inventory").is_some() {
        facts.remove("rejects");
        let is_table = facts["path"].as_str().is_some_and(|path| path.ends_with("csv"));
        facts.insert("kind".into(), json!(if is_table { "" } else { "array" }));
        let count = u64::from(!is_table);
        facts["records"]["read"] = json!(count);
        facts["records"]["rejected"] = json!(count);
    }
    facts.remove("recognition");
    entry.to_string()
}

/// Makes the store one that an earlier version has written, which knew no inventories.
fn make_old(dir: &Workdir) {
    std::fs::remove_dir_all(dir.join("store/inventory")).expect("it can be deleted");
    edit_entries(dir, as_not_recognized);
}

/// Replaces the entries of the source log, which one run has written.
pub fn edit_entries(dir: &Workdir, edit: impl Fn(&str) -> String) {
    let (path, text) = source_log(dir, "store");
    let (head, entries) = text.split_once('\n').expect("it has entries");
    let entries: String = entries.lines().map(|line| edit(line) + "\n").collect();
    let old = format!("{head}\n{entries}");
    let number = |text: &str| (xxhash_rust::xxh3::xxh3_64(text.as_bytes()) >> 1) as i64;
    std::fs::remove_file(&path).expect("it can be deleted");
    let name = format!("{:016x}.ndjson", number(&old));
    std::fs::write(path.with_file_name(name), &old).expect("it can be written");
    let mut renamed = 0;
    for commit in std::fs::read_dir(dir.join("store/events/_delta_log")).expect("it exists") {
        let path = commit.expect("it can be listed").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let json = std::fs::read_to_string(&path).expect("it can be read");
        let replaced = json.replace(&number(&text).to_string(), &number(&old).to_string());
        renamed += usize::from(replaced != json);
        std::fs::write(&path, replaced).expect("it can be written");
    }
    assert!(renamed > 0, "no commit names the file");
}

/// Returns the path and text of the only file of a source log.
fn source_log(dir: &Workdir, store: &str) -> (PathBuf, String) {
    let folder = dir.join(store).join("sources");
    let files: Vec<_> = std::fs::read_dir(&folder).expect("it exists").flatten().collect();
    assert_eq!(files.len(), 1, "one run writes one file");
    let path = files[0].path();
    let text = std::fs::read_to_string(&path).expect("it can be read");
    (path, text)
}

/// An earlier version has rejected the records of a file that this one reads. Its rejects were
/// listed for ever.
#[test]
fn rejects_of_a_file_that_is_read_later_are_not_listed() {
    let dir = Workdir::new();
    let people = json!([
        {"id": id(9, 1), "userPrincipalName": "ida@contoso.com", "assignedLicenses": []}
    ]);
    dir.write("archive/users.json", people.to_string());
    dir.ingest("other", &["archive"]).0.ended(0);
    let (_, text) = source_log(&dir, "other");
    let entry: Value = text.lines().nth(1).map(serde_json::from_str).expect("it is there").unwrap();
    let digest = entry["digest"].as_str().expect("it is a text");
    // Files that this version rejects too. The entry of one gets the digest of the readable file.
    dir.write("archive/users.json", r#"[{"Id":"ida@contoso.com"}]"#);
    dir.write("archive/broken.json", format!("[{},{{\"Id\":\"lost\"}}]", plain(0, 0)));
    dir.ingest("store", &["archive"]).0.ended(3);
    let make_old = |line: &str| {
        let mut entry: Value = serde_json::from_str(line).expect("it is JSON");
        if entry["place"].as_str().is_some_and(|place| place.ends_with("users.json")) {
            assert!(entry["facts"]["recognition"].as_u64() > Some(1), "{entry}");
            entry["facts"]["recognition"] = json!(1);
            entry["digest"] = json!(digest);
        }
        entry.to_string()
    };
    edit_entries(&dir, make_old);
    assert_eq!(dir.rejects("store", &[]).len(), 2);
    let status = || dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    assert!(status().contains("rejects  2 records"), "{}", status());

    // A repaired file keeps what was in it, a file of the same content does not.
    dir.write("archive/users.json", people.to_string());
    dir.write("archive/broken.json", format!("[{}]", plain(0, 0)));
    dir.ingest("store", &["archive"]).0.ended(0);
    let listed = || -> Vec<String> {
        dir.rejects("store", &[]).into_iter().map(|reject| reject.source).collect()
    };
    assert_eq!(listed(), ["archive/broken.json"]);
    assert!(status().contains("rejects  1 record;"), "{}", status());
    assert_eq!(rows(&dir, &["sql", "SELECT user_id FROM people"]).len(), 1);
    dir.pbi(["verify", "--store", "store"]).ended(0);
    // The text that is not listed is forgotten too, and the numbers still agree.
    dir.pbi(["forget", "--user", "ida@contoso.com", "--store", "store"]).ended(0);
    dir.pbi(["verify", "--store", "store"]).ended(0);
    assert_eq!(listed(), ["archive/broken.json"]);
    assert!(status().contains("rejects  1 record;"), "{}", status());
    dir.ingest("store", &["archive", "--reread"]).0.ended(0);
    assert_eq!(listed(), ["archive/broken.json"]);
}

/// A store from before inventories has rejected their records. `ingest`, with `--reread` or without,
/// said that the files are known, so they were never read.
#[test]
fn files_that_an_earlier_version_rejected_are_read_by_this_one() {
    let person = json!([
        {"id": id(9, 1), "userPrincipalName": "ida@contoso.com", "assignedLicenses": []}
    ]);
    let full = scan("2026-03-01T02:00:00Z", &[scanned(1, "Sales", &[(1, "Known")])]);
    for flags in [&["archive"][..], &["archive", "--reread"]] {
        let dir = Workdir::new();
        dir.write("archive/1.json", format!("[{}]", plain(0, 0)));
        dir.write("archive/empty.json", r#"{"activityEventEntities":[]}"#);
        dir.write("archive/manual.pdf", "%PDF-1.7");
        dir.write("archive/scan.fullscan.json", &full);
        dir.write("archive/2026-03-01/users.json", person.to_string());
        dir.write(
            "archive/2026-03-01/reports.csv",
            format!("ReportId,ReportName\n{},Table\n", report(2)),
        );
        dir.ingest("store", &["archive"]).0.ended(0);
        let views = [&VIEWS[..], &["people"]].concat();
        let expected = rows_of_views(&dir, &views);
        make_old(&dir);
        assert_ne!(rows_of_views(&dir, &views), expected);
        let (ran, summary) = dir.ingest("store", flags);
        ran.ended(0);
        // The log and the empty answer are known, and the manual is read once more.
        let sources = &summary.sources;
        assert_eq!((sources.known, sources.skipped, sources.new), (2, 1, 3), "{summary:?}");
        assert_eq!(rows_of_views(&dir, &views), expected);
        let (_, again) = dir.ingest("store", &["archive"]);
        assert_eq!(again.sources.known, 6, "{again:?}");
        dir.pbi(["verify", "--store", "store"]).ended(0);
        let status = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
        assert!(status.contains("0 with problems"), "{status}");
    }
}
