//! Creates records that are only in the audit log of Office 365: those of the Power Platform, and
//! those of other workloads, which are not stored.

use super::event::{Actor, Draft};
use super::names;

/// Writes an event of Power Apps, Power Automate or the administration of the Power Platform.
pub fn power_platform(draft: &mut Draft) {
    match draft.rng.below(10) {
        0..6 => power_app(draft),
        6..9 => flow(draft),
        _ => administration(draft),
    }
}

fn power_app(draft: &mut Draft) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let operation =
        *draft.rng.pick(&["LaunchPowerApp", "LaunchPowerApp", "LaunchPowerApp", "UpdatePowerApp"]);
    draft.begin_as(45, "PowerApps", operation, Actor::User(user));
    draft.event.number("Version", 1);
    draft
        .event
        .text("ObjectId", &format!("/providers/Microsoft.PowerApps/apps/{}", tenant.apps[0].id));
    draft.event.text("AppName", &tenant.apps[0].id);
    draft.event.text(
        "AdditionalInfo",
        r#"{"environmentName":"Default-contoso","resourceDisplayName":"Urlaubsanträge \"neu\""}"#,
    );
    draft.end();
}

fn flow(draft: &mut Draft) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let operation = *draft.rng.pick(&["CreateFlow", "EditFlow", "DeleteFlow"]);
    draft.begin_as(30, "MicrosoftFlow", operation, Actor::User(user));
    draft.event.text("ResultStatus", "Success");
    draft.event.number("Version", 1);
    let connectors = *draft.rng.pick(names::CONNECTORS);
    draft.event.text("FlowConnectorNames", connectors);
    draft.event.text(
        "FlowDetailsUrl",
        "https://admin.powerplatform.microsoft.com/environments/Default/flow/details",
    );
    draft.event.text("LicenseDisplayName", "This is a free license");
    draft.event.number("UserTypeInitiated", 1);
    draft.event.text("UserUPN", &user.id);
    draft.end();
}

fn administration(draft: &mut Draft) {
    let tenant = draft.tenant;
    let admin = &tenant.users[7 % tenant.users.len()];
    draft.begin_as(256, "PowerPlatform", "EnvironmentPropertyChange", Actor::User(admin));
    draft.event.number("Version", 1);
    let properties = r#"[{"Name":"powerplatform.analytics.resource.environment.name","Value":"Default-contoso"},{"Name":"enduser.count","Value":"17"}]"#;
    draft.event.raw("PropertyCollection", properties);
    draft.event.text("PropertyCollectionText", properties);
    draft.end();
}

/// Writes a record of Exchange or SharePoint.
pub fn other_workload(draft: &mut Draft) {
    let tenant = draft.tenant;
    let user = &tenant.users[draft.some_user()];
    let (record_type, workload, operation) = *draft.rng.pick(&[
        (1, "Exchange", "Set-Mailbox"),
        (2, "Exchange", "MailItemsAccessed"),
        (6, "SharePoint", "FileAccessed"),
    ]);
    draft.begin_as(record_type, workload, operation, Actor::User(user));
    draft.event.number("Version", 1);
    match record_type {
        6 => draft.event.text("SourceFileName", "Übersicht; Q1, \"final\".xlsx"),
        _ => draft.event.raw("Parameters", r#"[{"Name":"Identity","Value":"jordan"}]"#),
    }
    draft.end();
}
