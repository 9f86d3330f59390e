//! Checks who an event counts for and what it is about, with small archives that show one rule each.

use serde_json::{Value, json};

use crate::workdir::Workdir;

/// Returns an event of a person in a workspace, with more members or other values. A null removes a
/// member.
fn event(number: usize, time: &str, activity: &str, members: Value) -> Value {
    let mut event = json!({
        "Id": format!("e{number}"), "CreationTime": time, "Operation": activity,
        "Activity": activity, "UserId": "ann@contoso.com", "UserType": 0, "RecordType": 20,
        "Workload": "PowerBI", "WorkspaceId": "w1", "WorkSpaceName": "WS",
    });
    let (all, members) = (event.as_object_mut().expect("an object"), members);
    for (name, value) in members.as_object().expect("an object") {
        match value {
            Value::Null => all.remove(name),
            value => all.insert(name.clone(), value.clone()),
        };
    }
    event
}

/// A folder with these events in one file.
fn archive(events: &[Value]) -> Workdir {
    let dir = Workdir::new();
    let page = json!({ "activityEventEntities": events });
    dir.write("archive/a.json", page.to_string());
    dir
}

fn answer(dir: &Workdir, command: &[&str]) -> Value {
    let arguments = [command, &["--from", "archive", "--format", "json"]].concat();
    serde_json::from_str(&dir.pbi(arguments).ended(0).stdout).expect("the answer is JSON")
}

fn rows(dir: &Workdir, command: &[&str]) -> Vec<Value> {
    answer(dir, command)["rows"].as_array().expect("rows are a list").clone()
}

/// Returns some columns of all rows of a report, each row as a list.
fn table(dir: &Workdir, command: &[&str], columns: &[&str]) -> Vec<Value> {
    let of_row = |row: Value| columns.iter().map(|name| row[*name].clone()).collect();
    rows(dir, command).into_iter().map(of_row).collect()
}

fn report(dir: &Workdir, name: &str, columns: &[&str]) -> Vec<Value> {
    table(dir, &["report", name], columns)
}

const DAY: &str = "2026-03-02T09:15:00";

fn view(number: usize, time: &str, members: Value) -> Value {
    let report = json!({"ReportId": "r1", "ReportName": "Rep"});
    let mut view = event(number, time, "ViewReport", report);
    for (name, value) in members.as_object().expect("an object") {
        view[name] = value.clone();
    }
    view
}

/// Names of activities in another case were no views, no launches, and in no group.
#[test]
fn activities_count_in_any_case() {
    let app = json!([
        {"Name": "powerplatform.analytics.resource.power_app.id", "Value": "app1"},
        {"Name": "powerplatform.analytics.resource.type", "Value": "PowerApp"},
    ]);
    let launch = json!({
        "RecordType": 256, "Workload": "PowerPlatform", "PropertyCollection": app,
        "Activity": null,
    });
    let dir = archive(&[
        view(1, DAY, json!({})),
        view(2, DAY, json!({"Activity": "viewreport", "Operation": "viewreport"})),
        view(3, DAY, json!({"Activity": ""})),
        event(4, DAY, "launchpowerapp", launch),
    ]);
    assert_eq!(report(&dir, "top-reports", &["report", "views"]), [json!(["Rep", 3])]);
    assert_eq!(report(&dir, "power-apps-usage", &["launches"]), [json!([1])]);
    assert!(report(&dir, "power-apps-changes", &["activity"]).is_empty());
    let found = report(&dir, "operations-catalogue", &["activity", "all_events"]);
    assert_eq!(found, [json!(["ViewReport", 3]), json!(["LaunchPowerApp", 1])]);
}

/// An event with an empty activity and no operation was in no report of failures.
#[test]
fn failure_without_an_activity_is_listed() {
    let nameless = json!({"Activity": "", "Operation": "", "IsSuccess": false});
    let dir = archive(&[event(1, DAY, "", nameless)]);
    assert_eq!(report(&dir, "failed-activities", &["activity", "failed"]), [json!(["(none)", 1])]);
}

/// Deletions of items that events only name were reported as deletions of their workspace.
#[test]
fn deletion_by_name_is_about_the_named_item() {
    let mut events: Vec<Value> = (0..5)
        .map(|user| view(user, DAY, json!({"UserId": format!("u{user}@contoso.com")})))
        .collect();
    let flow = json!({"ItemName": "Orders flow", "DataflowName": "Orders flow"});
    let model = json!({"ItemName": "Orders model", "DatasetName": "Orders model"});
    events.extend([
        event(11, "2026-03-02T10:01:00", "DeleteDataflow", flow),
        event(12, "2026-03-02T10:02:00", "DeleteDataset", model),
        event(13, "2026-03-02T10:03:00", "UnpublishApp", json!({"AppName": "Sales app"})),
        event(14, "2026-03-02T10:04:00", "DeleteArtifact", json!({})),
        event(15, "2026-03-02T10:05:00", "DeleteGroup", json!({})),
    ]);
    let dir = archive(&events);
    let columns = ["activity", "item", "item_kind", "item_id", "viewers_before_deletion"];
    let expected = [
        json!(["DeleteGroup", "WS", "Workspace", "w1", 5]),
        json!(["DeleteArtifact", null, null, null, null]),
        json!(["UnpublishApp", "Sales app", "App", null, null]),
        json!(["DeleteDataset", "Orders model", "SemanticModel", null, null]),
        json!(["DeleteDataflow", "Orders flow", "Dataflow", null, null]),
    ];
    assert_eq!(report(&dir, "deletions-and-takeovers", &columns), expected);
}

/// Refreshes of several items without ids were one row with the id of the workspace.
#[test]
fn refreshes_by_name_are_rows_of_their_own() {
    let listed = json!({"Datasets": [{"DatasetId": "ds1", "DatasetName": "Model"}]});
    let dir = archive(&[
        event(1, DAY, "RefreshDataset", json!({"ItemName": "A"})),
        event(2, DAY, "RefreshDataset", json!({"ItemName": "B"})),
        event(3, DAY, "RefreshDataset", listed),
    ]);
    let mut found = report(&dir, "refreshes", &["item", "item_id", "refreshes"]);
    found.sort_by_key(Value::to_string);
    let expected = [json!(["A", null, 1]), json!(["B", null, 1]), json!(["Model", "ds1", 1])];
    assert_eq!(found, expected);
}

/// Failures and guests were counted with the workspace as their item.
#[test]
fn failures_and_guests_are_not_about_the_workspace() {
    let secret = json!({"ItemName": "Secret report", "IsSuccess": false});
    let guest = json!({"UserId": "x@partner.com", "UserType": 10});
    let dir = archive(&[
        event(1, DAY, "ViewReport", secret),
        event(2, DAY, "ViewDashboard", guest),
        view(3, DAY, json!({"UserId": "x@partner.com", "UserType": 10})),
    ]);
    assert_eq!(report(&dir, "failed-activities", &["last_item"]), [json!(["Secret report"])]);
    assert_eq!(report(&dir, "external-users", &["items"]), [json!([1])]);
}

/// Reports and shared items without an id were all in the row (unknown).
#[test]
fn names_without_ids_are_rows_of_their_own() {
    let share = json!({
        "ReportName": "Q4 Deck",
        "SharingInformation": [{"RecipientEmail": "boss@partner.com"}],
    });
    let dir = archive(&[
        event(1, DAY, "ViewReport", json!({"ReportName": "Sales"})),
        event(2, DAY, "ViewReport", json!({"ReportName": "Sales"})),
        event(3, DAY, "ViewReport", json!({"ReportName": "HR", "DatasetId": "d1"})),
        event(4, DAY, "ViewDashboard", json!({"DashboardName": "Board"})),
        event(5, DAY, "ShareReport", share),
        event(6, DAY, "ViewReport", json!({"WorkspaceId": null, "WorkSpaceName": "Other"})),
    ]);
    let found = report(&dir, "top-reports", &["report", "views", "report_id"]);
    let expected =
        [json!(["Sales", 2, null]), json!(["(unknown)", 1, null]), json!(["HR", 1, null])];
    assert_eq!(found, expected);
    assert_eq!(report(&dir, "top-dashboards", &["dashboard"]), [json!(["Board"])]);
    let found = report(&dir, "sharing-audit", &["item", "item_id", "item_kind"]);
    assert_eq!(found, [json!(["Q4 Deck", null, "Report"])]);
    let found = report(&dir, "workspace-usage", &["workspace", "views", "reports"]);
    assert_eq!(found, [json!(["WS", 3, 2]), json!(["Other", 1, 0])]);
}

/// Returns nightly events in somebody's name for ninety days.
fn nightly(first: usize, activity: &str, members: &Value) -> Vec<Value> {
    let start: chrono::NaiveDate = "2026-01-01".parse().expect("a day");
    let night = |number: usize| {
        let day = start + chrono::Days::new(number as u64);
        event(first + number, &format!("{day}T02:00:00"), activity, members.clone())
    };
    (0..90).map(night).collect()
}

/// Scheduled refreshes and subscriptions in the owner's name kept workspaces and users active.
#[test]
fn what_a_schedule_does_makes_nobody_active() {
    let refresh = json!({
        "UserId": "otto@contoso.com", "RefreshType": "Scheduled", "WorkspaceId": "w2",
        "WorkSpaceName": "Refreshed", "DatasetId": "d1",
    });
    let mail = json!({
        "UserId": "mia@contoso.com", "WorkspaceId": "w3", "WorkSpaceName": "Mailed",
        "ReportId": "r3", "ReportName": "Mailed report",
    });
    let scan =
        json!({"UserId": "scan@contoso.com", "WorkspaceId": "w4", "WorkSpaceName": "Scanned"});
    let mut events = nightly(0, "RefreshDataset", &refresh);
    events.extend(nightly(100, "RunEmailSubscription", &mail));
    events.extend(nightly(200, "GetGroupsAsAdmin", &scan));
    events.push(view(300, "2026-03-31T08:00:00", json!({})));
    let by_hand = json!({"RefreshType": "OnDemand", "UserId": "lena@contoso.com"});
    events.push(event(301, "2026-03-31T08:00:00", "RefreshDataset", by_hand));
    let dir = archive(&events);
    let last = |command: &[&str]| rows(&dir, command).pop().expect("a last day")["dau"].clone();
    assert_eq!(last(&["report", "adoption"]), 2.0, "ann and lena");
    assert_eq!(last(&["report", "adoption", "--until", "2026-03-30"]), 0.0);
    let counted = ["report", "adoption", "--until", "2026-03-30", "--param", "automated=true"];
    assert_eq!(last(&counted), 3.0);
    let dormant = ["report", "dormant-workspaces"];
    let columns = ["workspace", "idle_days", "last_activity", "users"];
    let found = table(&dir, &dormant, &columns);
    let idle = |name: &str| json!([name, 90, null, 0]);
    assert_eq!(found, ["Mailed", "Refreshed", "Scanned"].map(idle));
    let counted = [&dormant[..], &["--param", "automated=true"]].concat();
    assert!(table(&dir, &counted, &columns).is_empty());
    let classes = report(&dir, "user-classification", &["user"]);
    assert_eq!(classes, [json!(["ann@contoso.com"])]);
}

/// Failed events were counted by some reports and not by others.
#[test]
fn failed_events_are_in_no_count_without_a_word_on_failures() {
    let failed = json!({"IsSuccess": false, "AppId": "a1", "AppName": "App", "ReportId": "r1"});
    let app = json!({"AppId": "a1", "AppName": "App"});
    let dir = archive(&[
        event(1, "2026-01-03T08:00:00", "CreateApp", app.clone()),
        event(2, "2026-01-03T09:00:00", "UnpublishApp", failed.clone()),
        event(3, "2026-01-03T10:00:00", "InstallApp", failed.clone()),
        event(
            4,
            "2026-01-03T11:00:00",
            "UpdateApp",
            json!({"ResultStatus": "Failed", "AppId": "a1"}),
        ),
        view(5, "2026-01-04T08:00:00", app),
        view(6, "2026-01-04T08:00:01", json!({"IsSuccess": false, "UserId": "ben@contoso.com"})),
        event(7, "2026-01-04T08:00:02", "ExportReport", failed.clone()),
        event(
            8,
            "2026-01-05T08:00:00",
            "EditReport",
            json!({"IsSuccess": false, "WorkspaceId": "w9"}),
        ),
        event(9, "2026-01-06T08:00:00", "ImportArtifactStart", json!({"WorkspaceId": "w9"})),
        event(
            10,
            "2026-01-06T08:00:00",
            "DeleteReport",
            json!({"UserId": "cid@contoso.com", "ReportId": "r2"}),
        ),
        event(
            11,
            "2026-01-06T08:00:00",
            "CreateReport",
            json!({"UserId": "dan@contoso.com", "ReportId": "r3"}),
        ),
        event(
            12,
            "2026-01-06T08:00:00",
            "CreateReport",
            json!({"UserId": "eva@contoso.com", "IsSuccess": false}),
        ),
    ]);
    let found = report(&dir, "app-usage", &["views", "installs", "publishes", "unpublished_at"]);
    assert_eq!(found, [json!([1, 0, 1, null])]);
    let found = report(&dir, "top-reports", &["report_id", "views", "viewers", "views_by_export"]);
    assert_eq!(found, [json!(["r1", 1, 1, 0])]);
    let views = ["report", "top-reports", "--activity", "ViewReport"];
    assert_eq!(table(&dir, &views, &["views_by_export"]), [json!([null])]);
    let found = report(&dir, "workspace-usage", &["workspace_id", "creators", "active_days"]);
    assert_eq!(found, [json!(["w1", 2, 2])]);
    let mut found = report(&dir, "user-classification", &["user", "role"]);
    found.sort_by_key(Value::to_string);
    let expected = [
        json!(["ann@contoso.com", "viewer"]),
        json!(["cid@contoso.com", null]),
        json!(["dan@contoso.com", "creator"]),
    ];
    assert_eq!(found, expected);
    let excluded = &answer(&dir, &["report", "top-reports"])["excluded"];
    assert_eq!(excluded["failed"], 7);
    let sql = |statement| rows(&dir, &["sql", statement])[0]["n"].clone();
    assert_eq!(sql("SELECT COUNT(*) AS n FROM events"), 5);
    assert_eq!(sql("SELECT COUNT(*) FILTER (WHERE is_failed) AS n FROM events"), 7);
}

/// A person who began an import that never ended was the owner of the report.
#[test]
fn begun_import_makes_nobody_an_owner() {
    let of = |user: &str| json!({"UserId": user, "ReportId": "r1"});
    let dir = archive(&[
        event(1, "2026-01-03T08:00:00", "ImportArtifactStart", of("ben@contoso.com")),
        event(2, "2026-01-04T08:00:00", "EditReport", of("cid@contoso.com")),
        view(3, "2026-01-05T08:00:00", json!({})),
    ]);
    let found = report(&dir, "authoring", &["creator", "edited", "audience"]);
    assert_eq!(found, [json!(["cid@contoso.com", 1, 1])]);
}

/// In an archive of up to twenty people, the domain of each guest was internal.
#[test]
fn guests_of_a_small_archive_are_external() {
    let user = |number: usize, user: &str| view(number, DAY, json!({"UserId": user}));
    let mut events: Vec<Value> =
        (0..18).map(|number| user(number, &format!("u{number}@contoso.com"))).collect();
    events.extend([
        user(20, "x@partner.com"),
        user(21, "live.com#kid@outlook.com"),
        user(22, "admin@contoso.onmicrosoft.com"),
        user(23, "X_F.com#EXT#@contoso.onmicrosoft.com"),
    ]);
    for (number, recipient) in [
        "boss@partner.com",
        "admin@contoso.onmicrosoft.com",
        "z_g.com#EXT#@contoso.onmicrosoft.com",
    ]
    .iter()
    .enumerate()
    {
        let recipients = json!([{"RecipientEmail": recipient}]);
        let share = json!({"ReportId": format!("s{number}"), "SharingInformation": recipients});
        events.push(event(30 + number, DAY, "ShareReport", share));
    }
    let dir = archive(&events);
    let mut found = report(&dir, "external-users", &["guest", "domain"]);
    found.sort_by_key(Value::to_string);
    let expected = [
        json!(["kid@outlook.com", "outlook.com"]),
        json!(["x@f.com", "f.com"]),
        json!(["x@partner.com", "partner.com"]),
    ];
    assert_eq!(found, expected);
    let mut found = report(&dir, "sharing-audit", &["recipient", "reach"]);
    found.sort_by_key(Value::to_string);
    let expected = [
        json!(["admin@contoso.onmicrosoft.com", "people"]),
        json!(["boss@partner.com", "external"]),
        json!(["z@g.com", "external"]),
    ];
    assert_eq!(found, expected);
    for name in ["external-users", "sharing-audit", "access-changes", "subscriptions", "top-users"]
    {
        let text = dir.pbi(["report", name, "--from", "archive"]).ended(0).stdout;
        let remark = "Internal domains: contoso.com, contoso.onmicrosoft.com.";
        assert!(text.contains(remark), "{name}: {text}");
    }
    let by_own_address = ["report", "top-users", "--user", "x@f.com"];
    assert_eq!(table(&dir, &by_own_address, &["user"]), [json!(["x@f.com"])]);
}

/// One address field with several addresses was one recipient.
#[test]
fn several_addresses_in_one_text_are_several_recipients() {
    let listed = json!({
        "ReportId": "r1", "SubscribeeInformation": [{"RecipientEmail": "a@x.com; B@x.com"}],
    });
    let dir = archive(&[event(1, DAY, "RunEmailSubscription", listed)]);
    assert_eq!(report(&dir, "subscriptions", &["recipients"]), [json!([2])]);
}

/// Names of items lost a character in events before September 2001.
#[test]
fn names_are_whole_at_any_time() {
    for time in ["2000-01-01T00:00:00", "2001-09-09T02:00:00", "2099-12-31T23:59:59"] {
        let dir = archive(&[event(1, time, "ExportReport", json!({"ItemName": "Budget"}))]);
        assert_eq!(report(&dir, "exports", &["item"]), [json!(["Budget"])], "{time}");
    }
}

/// On the night when clocks go back, two hours were one.
#[test]
fn hour_that_occurs_twice_is_two_hours() {
    let at = |number: usize, time: &str| view(number, time, json!({"CapacityId": "c1"}));
    let mut events = Vec::new();
    for number in 0..3 {
        events.push(at(number, "2025-10-26T00:30:00"));
        events.push(at(10 + number, "2025-10-26T01:30:00"));
    }
    events.extend((20..25).map(|number| at(number, "2025-10-27T09:10:00")));
    let dir = archive(&events);
    let berlin = ["report", "capacity-usage", "--tz", "Europe/Berlin"];
    let found = table(&dir, &berlin, &["peak_start", "peak_events"]);
    assert_eq!(found, [json!(["2025-10-27 10:00", 5])]);
    let kolkata = ["report", "capacity-usage", "--tz", "Asia/Kolkata"];
    let found = table(&dir, &kolkata, &["peak_start", "peak_events"]);
    assert_eq!(found, [json!(["2025-10-27 14:00", 5])]);
}

/// An item that was only canceled had no number of refreshes per day.
#[test]
fn canceled_refresh_is_zero_refreshes_a_day() {
    let of = |id: &str| json!({"DatasetId": id});
    let dir = archive(&[
        event(1, DAY, "CancelDatasetRefresh", of("d1")),
        event(2, DAY, "RefreshDataset", of("d2")),
    ]);
    let found = report(&dir, "refreshes", &["item", "per_day", "max_per_day"]);
    assert_eq!(found, [json!(["d2", 1.0, 1]), json!(["d1", 0.0, 0])]);
}

/// Access changes without a workspace were added up as if they were of one workspace.
#[test]
fn changes_without_a_workspace_are_not_added_up() {
    let nowhere = json!({"WorkspaceId": null, "WorkSpaceName": null});
    let dir = archive(&[
        event(1, DAY, "AddGroupMembers", nowhere.clone()),
        event(2, DAY, "AddGroupMembers", nowhere),
        event(3, DAY, "AddGroupMembers", json!({})),
    ]);
    let found = report(&dir, "access-changes", &["workspace_id", "workspace_changes"]);
    assert_eq!(found, [json!([null, null]), json!([null, null]), json!(["w1", 1])]);
}

/// For an id with names of two kinds, the name last in the alphabet was shown, not the latest.
#[test]
fn latest_name_counts_over_all_kinds_of_items() {
    let dir = archive(&[
        event(
            1,
            "2026-03-01T08:00:00",
            "ViewReport",
            json!({"ReportId": "x", "ReportName": "Zulu"}),
        ),
        event(
            2,
            "2026-03-02T08:00:00",
            "ViewDashboard",
            json!({"DashboardId": "x", "DashboardName": "Alfa"}),
        ),
        event(3, "2026-03-02T09:00:00", "ExportReport", json!({"ReportId": "x"})),
    ]);
    assert_eq!(report(&dir, "exports", &["item"]), [json!(["Alfa"])]);
}

/// Without a store, new fields and values that do not fit were not found.
#[test]
fn data_quality_is_the_same_without_a_store() {
    let odd = view(1, DAY, json!({"BrandNew": "x", "IsSuccess": "maybe"}));
    let dir = archive(&[odd]);
    let mut found = report(&dir, "data-quality", &["issue", "subject"]);
    found.sort_by_key(Value::to_string);
    let expected =
        [json!(["new field", "BrandNew"]), json!(["values that do not fit", "IsSuccess"])];
    assert_eq!(found, expected);
    dir.ingest("store", &["archive"]).0.ended(0);
    let stored = dir.pbi(["report", "data-quality", "--store", "store", "--format", "json"]);
    let stored: Value = serde_json::from_str(&stored.ended(0).stdout).expect("it is JSON");
    assert_eq!(stored["rows"], answer(&dir, &["report", "data-quality"])["rows"]);
}

/// In an archive of a few days, everybody was a frequent user.
#[test]
fn nobody_is_frequent_in_a_short_archive() {
    let days = |first: &str| {
        archive(&[view(1, first, json!({})), view(2, "2026-03-31T08:00:00", json!({}))])
    };
    let class = |dir: &Workdir, name| report(dir, name, &["class"])[0][0].clone();
    let short = days("2026-03-25T08:00:00");
    assert_eq!(class(&short, "user-classification"), "active");
    assert_eq!(class(&short, "content-classification"), "active");
}

/// Report developers could not be left out, and nobody could see one capacity alone.
#[test]
fn people_can_be_excluded_and_capacities_included() {
    let on = |number: usize, user: &str, capacity: &str, name: &str| {
        let members = json!({"UserId": user, "CapacityId": capacity, "CapacityName": name});
        view(number, DAY, members)
    };
    let dir = archive(&[
        on(1, "ann@contoso.com", "c1", "P1"),
        on(2, "dev@contoso.com", "c1", "P1"),
        on(3, "ann@contoso.com", "c2", "P2"),
        view(4, DAY, json!({"ReportId": "r2", "ReportName": "Other"})),
    ]);
    let views = |flags: &[&str]| {
        let command = [&["report", "top-users"], flags].concat();
        table(&dir, &command, &["user", "views"])
    };
    assert_eq!(views(&["--exclude-user", "DEV@*"]), [json!(["ann@contoso.com", 3])]);
    let both = [json!(["ann@contoso.com", 1]), json!(["dev@contoso.com", 1])];
    assert_eq!(views(&["--capacity", "p1"]), both);
    assert_eq!(views(&["--exclude-report", "rep"]), [json!(["ann@contoso.com", 1])]);
    assert!(views(&["--exclude-workspace", "W1"]).is_empty());
}

/// One event with a wrong date in the future made everybody inactive, and the last days empty.
#[test]
fn event_after_its_own_file_does_not_end_the_log() {
    let dir = archive(&[
        view(1, "2026-03-30T08:00:00", json!({})),
        view(2, "2026-03-31T08:00:00", json!({})),
        view(3, "2098-01-01T08:00:00", json!({"UserId": "ben@contoso.com"})),
    ]);
    assert_eq!(answer(&dir, &["report", "top-reports"])["period"]["until"], "2026-03-31");
    let lately = ["report", "top-reports", "--since", "1d", "--until", "2026-03-31"];
    assert_eq!(table(&dir, &lately, &["views"]), [json!([1])]);
    let found = report(&dir, "user-classification", &["user", "class"]);
    assert_eq!(found, [json!(["ann@contoso.com", "active"])]);
    let found = report(&dir, "data-quality", &["issue", "subject", "affected"]);
    assert_eq!(found, [json!(["future dated", "archive/a.json", 1])]);
}

/// Nobody saw with whom a Power App was shared, although the log names the person.
#[test]
fn recipient_of_a_shared_power_app_is_named() {
    let prefix = "powerplatform.analytics.resource";
    let shared = |number: usize, recipient: &str, role: &str| {
        let properties = json!([
            {"Name": format!("{prefix}.type"), "Value": "PowerApp"},
            {"Name": format!("{prefix}.power_app.id"), "Value": "app1"},
            {"Name": recipient, "Value": "BobS@Contoso.com"},
            {"Name": format!("{prefix}.{role}"), "Value": "CanView"},
        ]);
        let members = json!({
            "RecordType": 256, "Workload": "PowerPlatform", "PropertyCollection": properties,
        });
        event(number, DAY, "SharePowerApp", members)
    };
    let dir = archive(&[
        shared(1, &format!("{prefix}.principal.name"), "role.name"),
        shared(2, "targetuser.id", "permission_type"),
    ]);
    let found = report(&dir, "power-apps-changes", &["app_id", "recipient", "role"]);
    let expected = json!(["app1", "bobs@contoso.com", "CanView"]);
    assert_eq!(found, [expected.clone(), expected]);
    let sql = "SELECT recipient, kind FROM recipients ORDER BY event_id NULLS LAST";
    assert_eq!(rows(&dir, &["sql", sql]).len(), 2);
}

/// Pages in files of their own, of which the last ones are empty, made every day truncated.
#[test]
fn empty_pages_continue_a_day() {
    let dir = Workdir::new();
    for hour in 0..24 {
        let time = format!("2026-01-05T{hour:02}:30:00");
        let events = match hour {
            7..=19 => vec![view(hour, &time, json!({"UserId": "ann@x.org"}))],
            _ => Vec::new(),
        };
        let next = (hour < 23).then_some("https://api.powerbi.com/next");
        let page = json!({"activityEventEntities": events, "continuationUri": next});
        dir.write(&format!("archive/20260105_{hour:010}.json"), page.to_string());
    }
    assert_eq!(report(&dir, "coverage", &["status"]), [json!(["complete"])]);
    std::fs::remove_file(dir.join("archive/20260105_0000000023.json")).expect("it is there");
    // The last page is missing.
    assert_eq!(report(&dir, "coverage", &["status"]), [json!(["truncated"])]);
}
