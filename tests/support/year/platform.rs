//! Creates records of Power Apps, Power Automate and the Power Platform in the audit log. They
//! occur on days without a fate, so that their files do not change the status of other days.

use chrono::NaiveDate;
use serde_json::json;

use super::calendar::{Fate, day, days, fate};
use super::company::*;
use super::stage::{Draft, Stage, is_workday};

const ENVIRONMENT: &str = "Default-4f1c2b3a-5d6e-4f70-8192-a3b4c5d6e7f8";
const HOLIDAYS: (&str, &str) = ("1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9", "Urlaubsanträge \"neu\"");
const PHOTOS: (&str, &str) = ("9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a", "Zählerfotos");

fn app<'a>(
    stage: &'a mut Stage,
    when: &str,
    actor: &Actor,
    operation: &str,
    app: (&str, &str),
) -> Draft<'a> {
    let facts = json!({
        "environmentName": ENVIRONMENT,
        "environmentDisplayName": "Nordlicht (default)",
        "resourceDisplayName": app.1,
    });
    stage
        .on(when, actor, operation)
        .of_kind(45, "PowerApps")
        .without("Activity")
        .without("IsSuccess")
        .with("ObjectId", format!("/providers/Microsoft.PowerApps/apps/{}", app.0))
        .with("AppName", app.0)
        .with("AdditionalInfo", facts.to_string())
        .with("ResultStatus", "Success")
}

fn is_plain(date: NaiveDate) -> bool {
    is_workday(date) && fate(date) == Fate::Whole
}

/// Adds launches of apps on workdays, and a few changes of apps.
pub fn apps(stage: &mut Stage) {
    for date in days().filter(|date| is_plain(*date)) {
        for (actor, which, share, from) in [
            (&ZOE, HOLIDAYS, 0.15, "2025-01-16"),
            (&PAULA, HOLIDAYS, 0.05, "2025-09-01"),
            (&VERA, PHOTOS, 0.5, "2025-12-18"),
        ] {
            if date >= day(from) && stage.rng.chance(share) {
                let when =
                    format!("{date} {:02}:{:02}", 8 + stage.rng.below(9), stage.rng.below(60));
                app(stage, &when, actor, "LaunchPowerApp", which).done();
            }
        }
    }
    for (when, operation, which) in [
        ("2025-01-14 10:00", "CreatePowerApp", HOLIDAYS),
        ("2025-01-15 10:00", "PublishPowerApp", HOLIDAYS),
        ("2025-12-15 10:30", "CreatePowerApp", PHOTOS),
        ("2025-12-17 10:30", "EditPowerApp", PHOTOS),
        ("2025-12-17 10:40", "UpdatePowerApp", PHOTOS),
        ("2025-12-17 10:50", "PublishPowerApp", PHOTOS),
        ("2025-12-19 10:30", "MarkPowerAppAsFeatured", PHOTOS),
        ("2026-01-15 10:30", "MarkPowerAppAsHero", PHOTOS),
        ("2026-01-27 10:30", "DeletePowerApp", HOLIDAYS),
    ] {
        app(stage, when, &ZOE, operation, which).done();
    }
    app(stage, "2026-01-16 10:30", &ZOE, "PowerAppPermissionEdited", PHOTOS)
        .with("SharingPermission", "2")
        .with("RecipientUPN", "Vera.Lindqvist@aurora-energi.example")
        .done();
    app(stage, "2026-01-20 10:30", &ZOE, "PublishPowerApp", PHOTOS)
        .with("ResultStatus", "Failed")
        .done();
}

/// Adds flows that are created, changed, shared and deleted, and a paid trial.
pub fn flows(stage: &mut Stage) {
    const FLOW: &str = "6c5d4e3f-2a1b-4c0d-9e8f-7a6b5c4d3e2f";
    for (when, actor, operation) in [
        ("2025-02-12 10:00", &ZOE, "CreateFlow"),
        ("2025-12-15 11:00", &OLIVER, "CreateFlow"),
        ("2025-12-17 11:00", &OLIVER, "EditFlow"),
        ("2026-01-15 11:00", &OLIVER, "PutPermissions"),
        ("2026-01-16 11:00", &OLIVER, "DeletePermissions"),
        ("2026-01-19 11:00", &OLIVER, "StartAPaidTrial"),
        ("2026-01-23 11:00", &OLIVER, "EditFlow"),
        ("2026-01-27 11:00", &ZOE, "DeleteFlow"),
    ] {
        let draft = stage
            .on(when, actor, operation)
            .of_kind(30, "MicrosoftFlow")
            .without("Activity")
            .without("IsSuccess")
            .with("ResultStatus", "Success")
            .with("UserUPN", actor.id)
            .with("UserTypeInitiated", 1)
            .with("LicenseDisplayName", "This is a free license");
        match operation {
            "StartAPaidTrial" => draft.done(),
            _ if operation.ends_with("Permissions") => flow(draft, FLOW)
                .with("SharingPermission", "3")
                .with("RecipientUPN", PAULA.id)
                .done(),
            _ => flow(draft, FLOW).done(),
        }
    }
}

fn flow<'a>(draft: Draft<'a>, id: &str) -> Draft<'a> {
    let link = format!(
        "https://admin.powerplatform.microsoft.com/environments/{ENVIRONMENT}/flows/{id}/details"
    );
    draft
        .with("FlowDetailsUrl", link)
        .with("FlowConnectorNames", "Power BI, SharePoint, Office 365 Outlook")
}

/// Adds administration, which is written as names and values.
pub fn administration(stage: &mut Stage) {
    for when in ["2025-03-11 12:00", "2026-01-20 12:00"] {
        stage
            .on(when, &YUSUF, "EnvironmentPropertyChange")
            .of_kind(256, "PowerPlatform")
            .without("Activity")
            .without("IsSuccess")
            .with("PropertyCollection", json!([
                {"Name": "powerplatform.analytics.resource.environment.id", "Value": ENVIRONMENT},
                {"Name": "powerplatform.analytics.resource.environment.name", "Value": "Nordlicht (default)"},
                {"Name": "enduser.count", "Value": "17"},
            ]))
            .done();
    }
}
