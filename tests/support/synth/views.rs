//! Creates events of people who view reports, dashboards and tiles, and of exports.

use super::event::{Actor, Draft};

/// Way in which a report was opened.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Workspace,
    App,
    Shared,
    Embedded,
    Web,
}

/// Writes a view of a report: mostly by people, sometimes by services or anonymous visitors.
pub fn any_view(draft: &mut Draft) {
    let tenant = draft.tenant;
    let report = report_of_the_day(draft);
    let user = &tenant.users[draft.some_user()];
    let actor = match draft.rng.below(1000) {
        0..12 => Actor::Principal(draft.rng.pick(&tenant.principals)),
        12 | 13 => Actor::System(user),
        // Only few reports were ever published to the web.
        14..24 if report < 4 => Actor::Anonymous,
        _ => Actor::User(user),
    };
    view_report(draft, actor, report);
}

/// Draws a report by use; the use of some rises or falls in the middle of the archive.
fn report_of_the_day(draft: &mut Draft) -> usize {
    let report = draft.some_report();
    let late = draft.day * 2 >= draft.tenant.spec.days;
    let out_of_fashion = matches!((report % 11, late), (6, false) | (8, true));
    if out_of_fashion && draft.rng.chance(0.7) { draft.some_report() } else { report }
}

pub fn view_report(draft: &mut Draft, actor: Actor, report: usize) {
    draft.begin("ViewReport", actor);
    let way = way_to(draft, actor, report);
    report_part(draft, report, way);
    let method = match actor {
        Actor::Principal(_) | Actor::System(_) => None,
        _ if draft.rng.chance(0.12) => None,
        _ if draft.event.json.contains("iPhone") => Some("Power BI Mobile iOS App"),
        _ if draft.event.json.contains("okhttp") => Some("Power BI Mobile Android App"),
        _ => Some("Power BI Web"),
    };
    let distribution = match way {
        Way::Workspace => "Workspace",
        Way::App => "Apps",
        Way::Shared => "Shared",
        Way::Embedded => "Embedded",
        Way::Web => "Publish to Web",
    };
    draft.event.text("DistributionMethod", distribution);
    if let Some(method) = method {
        draft.event.text("ConsumptionMethod", method);
    }
    if way == Way::App {
        app_id(draft, report);
    }
    label(draft, report);
    draft.event.text("ArtifactKind", "Report");
    if draft.rng.chance(0.3) {
        draft.event.number("RefreshEnforcementPolicy", 0);
    }
    draft.end();
}

fn way_to(draft: &mut Draft, actor: Actor, report: usize) -> Way {
    let has_app = draft.tenant.reports[report].app.is_some();
    match (actor, draft.rng.below(100)) {
        (Actor::Anonymous, _) => Way::Web,
        (Actor::Principal(_), _) => Way::Embedded,
        (_, 0..35) if has_app => Way::App,
        (_, 90..100) => Way::Shared,
        _ => Way::Workspace,
    }
}

/// Writes the common fields of all events on a report, from ItemName to the ids of the request.
fn report_part(draft: &mut Draft, report: usize, way: Way) {
    let tenant = draft.tenant;
    let workspace = draft.workspace_of(report);
    let report = &tenant.reports[report];
    let name = report.name.on(draft.day);
    let dataset = &tenant.datasets[report.dataset];
    // Some events of every kind lack usual fields.
    let placeless = draft.rng.chance(0.003);
    draft.event.text("ItemName", name);
    if !placeless {
        draft.workspace_name("WorkSpaceName", workspace);
    }
    draft.event.text("DatasetName", &dataset.name);
    draft.event.text("ReportName", name);
    match way {
        Way::App if draft.rng.chance(0.5) => {
            draft.event.raw("CapacityId", "null");
            draft.event.raw("CapacityName", "null");
        }
        Way::App => {}
        _ => draft.capacity(workspace),
    }
    if !placeless {
        draft.item_id("WorkspaceId", &tenant.workspaces[workspace].id);
    }
    if let (Way::App, Some(app)) = (way, report.app) {
        draft.event.text("AppName", tenant.apps[app].name);
    }
    draft.event.text("ObjectId", name);
    draft.item_id("DatasetId", &dataset.id);
    // A view in the workspace has the publisher's id of a template app's report.
    let (shown_id, app_report_id) = match (way, &report.publisher_id) {
        (Way::App, Some(publisher)) => (&report.id, Some(publisher)),
        (_, Some(publisher)) => (publisher, Some(&report.id)),
        (Way::App, None) => (&report.id, report.app_report_id.as_ref()),
        (_, None) => (&report.id, None),
    };
    draft.item_id("ReportId", shown_id);
    draft.item_id("ArtifactId", shown_id);
    draft.event.text("ArtifactName", name);
    draft.success();
    draft.event.text("ReportType", report.report_type);
    draft.request();
    if let Some(id) = app_report_id {
        draft.item_id("AppReportId", id);
    }
}

fn app_id(draft: &mut Draft, report: usize) {
    let tenant = draft.tenant;
    if let Some(app) = tenant.reports[report].app {
        draft.item_id("AppId", &tenant.apps[app].id);
    }
}

fn label(draft: &mut Draft, report: usize) {
    let tenant = draft.tenant;
    if let Some(label) = tenant.reports[report].label {
        draft.event.text("SensitivityLabelId", &tenant.labels[label]);
    }
}

/// Writes an export of a report and a view for each of its pages.
pub fn export_report(draft: &mut Draft, user: usize, report: usize) {
    let tenant = draft.tenant;
    draft.begin("ExportReport", Actor::User(&tenant.users[user]));
    report_part(draft, report, Way::Workspace);
    let format = *draft.rng.pick(&["PDF", "PPTX", "XLSX"]);
    draft.event.text("ExportFormat", format);
    draft.event.text("DistributionMethod", "Workspace");
    draft.event.text("ArtifactKind", "Report");
    draft.end();
}

/// Writes a print, an edit, a rename or a deletion: an event that only names the report.
pub fn report_event(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let report = draft.some_report();
    let user = &tenant.users[draft.some_user()];
    draft.begin(operation, Actor::User(user));
    report_part(draft, report, Way::Workspace);
    label(draft, report);
    if operation == "PublishToWebReport" {
        draft.new_guid("EmbedTokenId");
    }
    draft.event.text("ArtifactKind", "Report");
    draft.end();
}

pub fn export_artifact(draft: &mut Draft) {
    let tenant = draft.tenant;
    let report = draft.some_report();
    let user = &tenant.users[draft.some_user()];
    draft.begin("ExportArtifact", Actor::User(user));
    report_part(draft, report, Way::Workspace);
    let number = draft.rng.below(900_000);
    let format = if draft.is_odd(0.5) { "1" } else { "\"PDF\"" };
    let info =
        format!(r#"{{"ExportType":{format},"ArtifactType":"Report","ArtifactId":{number}}}"#);
    draft.event.raw("ExportedArtifactInfo", &info);
    draft.event.text("ArtifactKind", "Report");
    draft.end();
}

pub fn dashboard_event(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let dashboard = &tenant.dashboards[draft.rng.below(tenant.dashboards.len())];
    let user = &tenant.users[draft.some_user()];
    draft.begin(operation, Actor::User(user));
    draft.event.text("ItemName", &dashboard.name);
    draft.workspace_name("WorkSpaceName", dashboard.workspace);
    draft.event.text("DashboardName", &dashboard.name);
    draft.capacity(dashboard.workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[dashboard.workspace].id);
    draft.event.text("ObjectId", &dashboard.name);
    draft.item_id("DashboardId", &dashboard.id);
    if operation == "ViewTile" {
        draft.event.text("TileText", "KPI \"Umsatz\" / Größe");
    }
    draft.success();
    draft.request();
    if operation == "ViewDashboard" {
        draft.event.text("DistributionMethod", "Workspace");
        draft.event.text("ConsumptionMethod", "Power BI Web");
    }
    draft.event.text("ArtifactKind", "Dashboard");
    draft.end();
}
