//! Creates administration: settings, access to workspaces, capacities, trials, Copilot.

use serde_json::json;

use super::company::*;
use super::stage::Stage;

/// Switches settings of the tenant on and off, and delegates them to capacities and workspaces.
pub fn settings(stage: &mut Stage) {
    for (when, item, state) in [
        ("2025-01-15 09:00", "Publish to web", "Enabled"),
        ("2025-12-15 09:00", "Export to Excel", "Disabled"),
        ("2025-12-15 09:20", "Export to Excel", "Enabled"),
        ("2026-01-20 09:00", "Users can create Fabric items", "EnabledForSecurityGroups"),
    ] {
        stage
            .on(when, &YUSUF, "UpdatedAdminFeatureSwitch")
            .with("ItemName", item)
            .with("ObjectId", item)
            .with("SwitchState", state)
            .done();
    }
    for (when, operation) in [
        ("2026-01-20 09:30", "UpdateCapacityTenantSettingDelegation"),
        ("2026-01-20 09:40", "UpdateWorkspaceTenantSettingDelegation"),
        ("2026-01-21 09:40", "UpdateDomainTenantSettingDelegation"),
    ] {
        stage
            .on(when, &YUSUF, operation)
            .with("ItemName", "Users can create Fabric items")
            .with("SwitchState", "Disabled")
            .done();
    }
    stage.on("2026-01-22 09:40", &BJORN, "UpdatedAdminFeatureSwitch").failed().done();
}

/// Changes roles in workspaces, in every spelling of the log.
pub fn access(stage: &mut Stage) {
    let members = |people: &[&str], status: &str| -> serde_json::Value {
        people.iter().map(|person| json!({"MemberEmail": person, "Status": status})).collect()
    };
    for (when, operation, people) in [
        ("2025-01-08 09:00", "AddGroupMembers", members(&[BJORN.id, OLIVER.id], "Added")),
        ("2026-01-08 09:00", "AddGroupMembers", members(&[ADA.id, PAT.id], "Added")),
        ("2026-01-09 09:00", "DeleteGroupMembers", members(&[KIM.id], "Removed")),
    ] {
        stage
            .on(when, &ANNA, operation)
            .workspace(&SALES)
            .with("MembershipInformation", people)
            .done();
    }
    stage
        .on("2026-01-12 09:00", &ANNA, "UpdateWorkspaceAccess")
        .workspace(&SALES)
        .with("UserInformation", json!({"UsersAdded": [ADA.id], "UsersRemoved": [MAREK.id]}))
        .done();
    let requests = json!([
        {"UserObjectId": "14fa6fa9-dfd3-4b0f-ad79-29309e3f37b2", "RolePermissions": "ReadReshareExplore"},
        {"GroupObjectId": "77ce1d3e-0b4f-4a61-9e85-c2d6f8a1b053", "RolePermissions": "All"},
    ]);
    for (when, operation) in [
        ("2026-01-13 09:00", "UpdateFolderAccess"),
        ("2026-01-13 09:10", "AddFolderAccess"),
        ("2026-01-13 09:20", "DeleteFolderAccess"),
    ] {
        stage
            .on(when, &DENIZ, operation)
            .workspace(&FINANCE)
            .with("FolderAccessRequests", requests.clone())
            .done();
    }
    // An administrator adds himself to a personal workspace and to another one.
    stage
        .on("2026-01-23 18:30", &YUSUF, "AddAdminPersonalWorkspaceAccess")
        .workspace(&ANNAS)
        .done();
    stage
        .on("2026-01-23 18:40", &YUSUF, "AddGroupMembers")
        .workspace(&COMPLIANCE)
        .with("MembershipInformation", members(&[YUSUF.id], "Added"))
        .done();
    stage.on("2026-01-24 10:00", &EMBEDDER, "AddWorkspaceRoleViaAdminApi").workspace(&GRID).done();
}

/// Creates, renames and moves workspaces between capacities.
pub fn workspaces(stage: &mut Stage) {
    stage.on("2025-01-07 08:00", &YUSUF, "CreateFolder").workspace(&WINDPARK).done();
    stage.on("2025-04-02 08:00", &OLIVER, "UpdateFolder").workspace(&GRID).done();
    stage.on("2025-12-18 08:00", &YUSUF, "MigrateWorkspaceIntoCapacity").workspace(&GRID).done();
    stage
        .on("2026-01-19 08:00", &YUSUF, "UpdateCapacityAdmins")
        .with("CapacityId", PREMIUM.id)
        .with("CapacityName", PREMIUM.name)
        .done();
    stage
        .on("2026-01-19 08:10", &YUSUF, "ChangeCapacityState")
        .with("CapacityId", FABRIC.id)
        .with("CapacityName", FABRIC.name)
        .with("CapacityState", "Suspended")
        .done();
    stage
        .on("2026-01-19 08:20", &YUSUF, "InsertOrganizationalGalleryItem")
        .with("OrganizationalGalleryItemDisplayName", "Tachometer")
        .done();
    stage.on("2025-12-15 08:00", &YUSUF, "CreateFolder").workspace(&TRIAL).done();
    // The personal workspace is identified by its name.
    stage.on("2026-01-29 10:00", &HANNA, "ViewReport").report(&NOTES).workspace(&MINE).done();
}

/// Adds trials of licenses, some of which are continued.
pub fn trials(stage: &mut Stage) {
    for (when, actor, operation) in [
        ("2024-12-03 09:00", &NINA, "OptInForProTrial"),
        ("2025-09-01 09:00", &PAULA, "OptInForProTrial"),
        ("2025-10-31 09:00", &PAULA, "OptInForExtendedProTrial"),
        ("2026-01-12 09:30", &ADA, "OptInForProTrial"),
        ("2026-01-15 09:30", &IVO, "OptInForPPUTrial"),
        ("2026-02-04 09:30", &IVO, "TrialLicenseExtension"),
    ] {
        stage.on(when, actor, operation).done();
    }
}

/// Adds questions to Copilot: from reports, in a workspace, and without an item.
pub fn copilot(stage: &mut Stage) {
    for when in ["2025-11-20 14:00", "2026-01-13 14:00", "2026-01-13 14:05", "2026-02-05 14:00"] {
        stage.on(when, &EMILY, "RequestCopilot").report(&OVERVIEW).done();
    }
    for when in ["2026-01-14 14:00", "2026-02-06 14:00"] {
        stage.on(when, &HANNA, "RequestCopilot").workspace(&SERVICE).done();
    }
    stage.on("2026-01-15 14:00", &ADA, "RequestCopilot").done();
}
