//! Creates events of programs: the noise of downloads of the log, scanners, refreshes, embedding,
//! and clients outside of Power BI.

use super::event::{Actor, Draft};
use super::names;

/// Hours of the nightly download of the day before.
const NIGHTLY_HOURS: std::ops::RangeInclusive<usize> = 2..=4;

/// Writes a download of the log for one hour of the past.
pub fn export_activity_events(draft: &mut Draft, day_back: bool, window: usize) {
    let tenant = draft.tenant;
    // A program downloads every hour; a person's script runs at night.
    let actor = match day_back {
        true => Actor::Client(&tenant.users[7 % tenant.users.len()], names::POWERSHELL),
        false => Actor::Principal(&tenant.principals[0]),
    };
    draft.begin("ExportActivityEvents", actor);
    draft.success();
    draft.request();
    let date = tenant.date(draft.day);
    let date = if day_back { date.pred_opt().expect("no log is that old") } else { date };
    draft.event.text("ExportEventStartDateTimeParameter", &format!("{date}T{window:02}:00:00Z"));
    draft.event.text("ExportEventEndDateTimeParameter", &format!("{date}T{window:02}:59:59.999Z"));
    draft.end();
}

/// Writes noise of any kind; `turn` counts the noise of the hour.
pub fn noise(draft: &mut Draft, hour: usize, turn: usize) {
    match (turn, hour) {
        // The hourly download reads the hour before.
        (0, 0) => export_activity_events(draft, true, 23),
        (0, _) => export_activity_events(draft, false, hour - 1),
        (_, _) if NIGHTLY_HOURS.contains(&hour) => match draft.rng.chance(0.7) {
            true => export_activity_events(draft, true, turn % 24),
            false => get_datasources(draft),
        },
        // A window with many pages needs several calls.
        (_, 1..) if draft.rng.chance(0.25) => export_activity_events(draft, false, hour - 1),
        _ => get_datasources(draft),
    }
}

fn get_datasources(draft: &mut Draft) {
    let actor = Actor::Principal(draft.rng.pick(&draft.tenant.principals));
    let tenant = draft.tenant;
    let report = &tenant.reports[draft.rng.below(tenant.reports.len())];
    draft.begin("GetDatasources", actor);
    draft.workspace_name("WorkSpaceName", report.workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[report.workspace].id);
    draft.item_id("DatasetId", &tenant.datasets[report.dataset].id);
    draft.success();
    draft.request();
    draft.event.text("DataConnectivityMode", "Import");
    draft.end();
}

/// Writes an event on a semantic model up to the ids of its request.
fn dataset_part(draft: &mut Draft, operation: &'static str, actor: Actor) {
    let tenant = draft.tenant;
    let report = &tenant.reports[draft.rng.below(tenant.reports.len())];
    let dataset = &tenant.datasets[report.dataset];
    draft.begin(operation, actor);
    draft.event.text("ItemName", &dataset.name);
    draft.workspace_name("WorkSpaceName", report.workspace);
    draft.event.text("DatasetName", &dataset.name);
    draft.capacity(report.workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[report.workspace].id);
    draft.event.text("ObjectId", &dataset.name);
    draft.item_id("DatasetId", &dataset.id);
    draft.success();
    draft.request();
}

pub fn refresh_dataset(draft: &mut Draft) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let scheduled = draft.rng.chance(0.8);
    dataset_part(draft, "RefreshDataset", Actor::User(user));
    draft.event.text("RefreshType", if scheduled { "Scheduled" } else { "OnDemand" });
    draft.event.text("DataConnectivityMode", "Import");
    let time = format!("{}T00:00:00.5170000Z", tenant.dates[draft.day]);
    draft.event.text("LastRefreshTime", &time);
    draft.event.text("ArtifactKind", "Dataset");
    draft.end();
}

/// Writes an event of a person on a semantic model.
pub fn dataset_event(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    dataset_part(draft, operation, Actor::User(user));
    if operation == "UpdateDatasources" {
        draft.event.raw(
            "Datasources",
            r#"[{"DatasourceType":"Sql","ConnectionDetails":"{\"server\":\"sql01\",\"database\":\"dwh\"}"},{"DatasourceType":"File"}]"#,
        );
    }
    draft.end();
}

/// Writes an event of Excel, Power Query or another client outside of Power BI.
pub fn external(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let agent = draft.rng.pick(&[names::EXCEL, names::MASHUP]);
    dataset_part(draft, operation, Actor::Client(user, agent));
    draft.end();
}

/// Writes a read through an interface for administrators.
pub fn admin_read(draft: &mut Draft, operation: &'static str) {
    let actor = Actor::Principal(draft.rng.pick(&draft.tenant.principals));
    draft.begin(operation, actor);
    draft.success();
    draft.request();
    if operation == "GetWorkspacesInfoAPI" {
        let workspaces = &draft.tenant.workspaces;
        let (one, two) = (draft.rng.pick(workspaces), draft.rng.pick(workspaces));
        draft.event.text("WorkspacesSemicolonDelimitedList", &format!("{};{}", one.id, two.id));
        draft.event.raw("Lineage", "true");
        draft.event.raw("DatasourceDetails", "true");
    }
    draft.end();
}

pub fn embed_token(draft: &mut Draft) {
    let tenant = draft.tenant;
    let report = &tenant.reports[draft.some_report()];
    draft.begin("GenerateEmbedToken", Actor::Principal(&tenant.principals[1]));
    draft.capacity(report.workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[report.workspace].id);
    draft.item_id("DatasetId", &tenant.datasets[report.dataset].id);
    draft.item_id("ReportId", &report.id);
    draft.success();
    draft.request();
    draft.new_guid("EmbedTokenId");
    draft.event.text("RLSIdentities", r#"[{"username":"shop-17","roles":["Store"]}]"#);
    draft.end();
}

pub fn screenshot(draft: &mut Draft) {
    let tenant = draft.tenant;
    let report = &tenant.reports[draft.some_report()];
    let user = &tenant.users[draft.some_user()];
    draft.begin("GenerateScreenshot", Actor::System(user));
    draft.success();
    draft.request();
    let info = format!(
        r#"{{"ExportFormat":"PNG","ScreenshotEngineType":2,"ExportType":0,"ExportUrl":"https:\/\/app.powerbi.com\/reports\/{}?rs=1"}}"#,
        report.id
    );
    draft.event.raw("GenerateScreenshotInformation", &info);
    draft.end();
}
