//! Creates events of people who build, share and administrate: most are rare and have many nested
//! fields.

use super::event::{Actor, Draft};
use super::json::push_quoted;
use super::names;

/// Returns a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_quoted(&mut out, text);
    out
}

pub fn share_report(draft: &mut Draft) {
    let tenant = draft.tenant;
    let report = &tenant.reports[draft.some_report()];
    let (sharer, friend) = (&tenant.users[draft.some_user()], &tenant.users[draft.some_user()]);
    let dataset = &tenant.datasets[report.dataset];
    let name = report.name.on(draft.day);
    draft.begin("ShareReport", Actor::User(sharer));
    draft.event.text("ItemName", name);
    draft.workspace_name("WorkSpaceName", report.workspace);
    let group = draft.rng.guid();
    let (mail, full_name) = (quoted(&friend.id), quoted(&friend.name));
    let mut sharing = format!(
        r#"[{{"RecipientEmail":{mail},"RecipientName":{full_name},"ObjectId":"{group}","ResharePermission":"ReadReshare","UserPrincipalName":{mail}}}"#
    );
    if draft.rng.chance(0.4) {
        sharing += r#",{"RecipientName":"Sales-Nord & Süd","ResharePermission":"Read","Hops":2}"#;
    }
    sharing.push(']');
    draft.event.raw("SharingInformation", &sharing);
    draft.capacity(report.workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[report.workspace].id);
    draft.event.text("ObjectId", name);
    let datasets =
        format!(r#"[{{"DatasetId":"{}","DatasetName":{}}}]"#, dataset.id, quoted(&dataset.name));
    draft.event.raw("Datasets", &datasets);
    draft.item_id("ArtifactId", &report.id);
    draft.event.text("ArtifactName", name);
    draft.success();
    draft.request();
    draft.event.text("SharingAction", "CreateShareLink");
    draft.event.text("ShareLinkId", "J_5UZg-36m");
    draft.event.text("ArtifactKind", "Report");
    draft.event.text("SharingScope", "Specific People");
    draft.end();
}

/// Begins an event on a workspace.
fn workspace_part(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let workspace = draft.rng.below(tenant.workspaces.len());
    draft.begin(operation, Actor::User(user));
    draft.workspace_name("WorkSpaceName", workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[workspace].id);
    draft.success();
    draft.request();
}

/// Writes an event on a workspace, with the nested fields of its operation.
pub fn workspace_event(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let friend = &tenant.users[draft.some_user()];
    workspace_part(draft, operation);
    match operation {
        "AddGroupMembers" => {
            let members =
                format!(r#"[{{"MemberEmail":{}}},{{"MemberEmail":null}}]"#, quoted(&friend.id));
            draft.event.raw("MembershipInformation", &members);
        }
        "UpdateWorkspaceAccess" => {
            let access = format!(
                r#"[{{"WorkspaceId":"{}","UserAccessList":[{{"GroupUserAccessRight":"Viewer","UserEmailAddress":{},"Identifier":"x","PrincipalType":"User"}}]}}]"#,
                tenant.workspaces[0].id,
                quoted(&friend.id)
            );
            draft.event.raw("WorkspaceAccessList", &access);
        }
        "UpdateFolderAccess" => {
            let requests = r#"[{"GroupId":17,"RolePermissions":"ReadReshareExplore","UserObjectId":"14fa6fa9-dfd3-4b0f-ad79-29309e3f37b2"}]"#;
            draft.event.raw("FolderAccessRequests", requests);
        }
        "CreateFolder" => {
            draft.event.text("FolderDisplayName", "Ablage Süd");
            draft.new_guid("FolderObjectId");
        }
        "MigrateWorkspaceIntoCapacity" => {
            draft.event.text("CapacityName", tenant.capacities[0].name);
            draft.event.raw("CapacityUsers", "[]");
        }
        _ => {}
    }
    draft.end();
}

pub fn app_event(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let app = draft.rng.pick(&tenant.apps);
    draft.begin(operation, Actor::User(user));
    draft.event.text("ItemName", app.name);
    if operation != "InstallApp" {
        let permission = match draft.is_odd(0.2) {
            true => r#""All (Entire Organization)""#,
            false => {
                r#"{"recipients":"All (Entire Organization)","permissions":"All(Read,CopyOnWrite)"}"#
            }
        };
        draft.event.raw("OrgAppPermission", permission);
    }
    draft.event.text("ObjectId", app.name);
    draft.success();
    draft.request();
    draft.item_id("AppId", &app.id);
    draft.end();
}

pub fn subscription(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let report = draft.some_report();
    let report = &tenant.reports[report];
    let (owner, reader) = (&tenant.users[draft.some_user()], &tenant.users[draft.some_user()]);
    draft.begin(operation, Actor::User(owner));
    draft.event.text("ReportName", report.name.on(draft.day));
    draft.item_id("WorkspaceId", &tenant.workspaces[report.workspace].id);
    draft.item_id("ReportId", &report.id);
    draft.success();
    draft.request();
    let subscribers = format!(
        r#"[{{"RecipientEmail":{},"RecipientName":{},"ObjectId":null}}]"#,
        quoted(&reader.id),
        quoted(&reader.name)
    );
    draft.event.raw("SubscribeeInformation", &subscribers);
    let schedule = r#"{"Type":"Weekly","StartDate":"2024-01-01T00:00:00","WeekDays":["Monday","Friday"],"Time":["07:30:00"],"TimeZone":"W. Europe Standard Time"}"#;
    draft.event.raw("SubscriptionSchedule", schedule);
    draft.end();
}

pub fn refresh_schedule(draft: &mut Draft) {
    workspace_part(draft, "SetScheduledRefresh");
    let schedule = r#"{"RefreshFrequency":"Daily","TimeZone":"UTC","Days":["Sunday","Monday"],"Time":["06:00","18:30"]}"#;
    draft.event.raw("Schedules", schedule);
    draft.end();
}

pub fn admin_switch(draft: &mut Draft) {
    let tenant = draft.tenant;
    let admin = &tenant.users[7 % tenant.users.len()];
    draft.begin("UpdatedAdminFeatureSwitch", Actor::User(admin));
    let switch = *draft.rng.pick(names::SWITCHES);
    draft.event.text("ItemName", switch);
    draft.event.text("ObjectId", switch);
    let state = *draft.rng.pick(&["Enabled", "Disabled", "EnabledForGroups"]);
    draft.event.text("SwitchState", state);
    draft.success();
    draft.request();
    draft.end();
}

pub fn import(draft: &mut Draft, operation: &'static str) {
    workspace_part(draft, operation);
    draft.new_guid("ImportId");
    draft.event.text("ImportSource", "Upload");
    draft.event.text("ImportType", "Publish");
    draft.event.text("ImportDisplayName", "Umsätze_2024 (final).pbix");
    draft.end();
}

/// Writes an event on a Fabric item, with newer fields and the newer spelling of the workspace's
/// name.
pub fn fabric(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let workspace = draft.rng.below(tenant.workspaces.len());
    let record_type = if draft.rng.chance(0.5) { 357 } else { 20 };
    let kind = *draft.rng.pick(&["Lakehouse", "Notebook", "DataPipeline"]);
    draft.begin_as(record_type, "PowerBI", operation, Actor::User(user));
    draft.event.text("Activity", operation);
    draft.event.text("ItemName", "test_lakehouse");
    draft.workspace_name(tenant.newer_workspace_key(), workspace);
    draft.capacity(workspace);
    draft.item_id("WorkspaceId", &tenant.workspaces[workspace].id);
    draft.event.text("ObjectId", &tenant.datasets[0].id);
    draft.new_guid("ArtifactId");
    draft.event.text("ArtifactName", "test_lakehouse");
    let status = *draft.rng.pick(&["Succeeded", "Succeeded", "InProgress", "Failed"]);
    draft.event.text("ResultStatus", status);
    draft.request();
    draft.event.text("ObjectDisplayName", "test_lakehouse");
    draft.event.text("ObjectType", kind);
    draft.event.text("Experience", kind);
    draft.event.text("ArtifactKind", kind);
    let properties = match draft.is_odd(0.5) {
        true => r#""[{\"Name\":\"rows\",\"Value\":\"17\"}]""#,
        false => r#"[{"Name":"rows","Value":"17"}]"#,
    };
    draft.event.raw("OperationProperties", properties);
    draft.end();
}

pub fn sensitivity_label(draft: &mut Draft) {
    let tenant = draft.tenant;
    let label = draft.rng.pick(&tenant.labels);
    workspace_part(draft, "SensitivityLabelApplied");
    draft.event.text("SensitivityLabelId", label);
    let data = format!(r#"{{"SensitivityLabelId":"{label}","ActionSource":3,"LabelEventType":1}}"#);
    draft.event.raw("SensitivityLabelEventData", &data);
    draft.end();
}

/// Writes an event with only the common fields.
pub fn plain(draft: &mut Draft, operation: &'static str) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    draft.begin(operation, Actor::User(user));
    draft.success();
    draft.request();
    draft.end();
}

pub fn unknown_operation(draft: &mut Draft) {
    let operation = *draft.rng.pick(names::UNKNOWN_OPERATIONS);
    plain(draft, operation);
}
