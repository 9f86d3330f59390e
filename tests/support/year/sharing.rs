//! Creates shares, subscriptions and apps.

use serde_json::{Value, json};

use super::company::*;
use super::stage::Stage;

/// Returns receivers in the form of the log.
fn receivers(people: &[&str]) -> Value {
    let one = |person: &&str| {
        json!({
            "RecipientEmail": person,
            "RecipientName": person.split(['.', '@']).next(),
            "UserPrincipalName": person,
            "ResharePermission": if person.contains("nordlicht") { "ReadReshare" } else { "Read" },
        })
    };
    people.iter().map(one).collect()
}

const INSIDE: &str = "bjorn.lund@aurora-energi.example";
const OUTSIDE: &str = "Pat.Jones@gridaudit.example";
const INVITED: &str = "lars.meyer_partnerhaus.example#EXT#@nordlicht-energie.example";

/// Shares reports, a dashboard, a model and a newer item: with people inside and outside, by
/// invitation, with a group without an address, with everybody by link, and from a personal
/// workspace.
pub fn shares(stage: &mut Stage) {
    let group = json!([{"RecipientName": "Alle Vertrieb", "ObjectId": "5d8bb2b0-7f0e-4d0b-b6c7-20c1f4a9d3e8", "ResharePermission": "Read"}]);
    for (when, actor, report, to, action, scope) in [
        ("2025-02-11 10:00", &ANNA, &OVERVIEW, receivers(&[INSIDE]), "Direct", "Specific People"),
        (
            "2025-10-28 10:00",
            &CARLA,
            &KPIS,
            receivers(&[OUTSIDE, INVITED]),
            "Direct",
            "Specific People",
        ),
        (
            "2025-12-16 09:00",
            &ANNA,
            &OVERVIEW,
            receivers(&[INSIDE, OUTSIDE]),
            "Direct",
            "Specific People",
        ),
        ("2026-01-08 09:00", &DENIZ, &CASH_NEW, Value::Null, "CreateShareLink", "Organization"),
        (
            "2026-01-13 09:00",
            &ANNA,
            &NOTES,
            receivers(&[INSIDE]),
            "CreateShareLink",
            "Specific People",
        ),
        ("2026-01-30 09:00", &CARLA, &KPIS, group, "Direct", "Specific People"),
        (
            "2026-02-06 09:00",
            &FRANK,
            &COSTS,
            receivers(&["frank.o'connor@nordlicht-energie.example"]),
            "Direct",
            "Existing Access",
        ),
    ] {
        let draft = stage
            .on(when, actor, "ShareReport")
            .report(report)
            .with("SharingAction", action)
            .with("SharingScope", scope);
        if to.is_null() { draft.done() } else { draft.with("SharingInformation", to).done() }
    }
    stage
        .on("2026-01-14 09:00", &BJORN, "ShareDashboard")
        .dashboard(&GRID_BOARD)
        .with("SharingInformation", receivers(&["greta.hansen@aurora-energi.example"]))
        .with("SharingAction", "Direct")
        .done();
    stage
        .on("2026-01-15 09:00", &DENIZ, "ShareDataset")
        .about_model(&FINANCE_MODEL)
        .with("SharingInformation", receivers(&["wei.zhang@nordlicht-energie.example"]))
        .with("SharingAction", "Direct")
        .done();
    stage
        .on("2026-01-16 09:00", &OLIVER, "ShareArtifact")
        .workspace(&GRID)
        .of_kind(357, "Fabric")
        .with("ArtifactId", "e0b4f1d7-35a2-4c86-9f0d-72c6a8e51b30")
        .with("ArtifactName", "Lakehouse Zähler")
        .with("ArtifactKind", "Lakehouse")
        .with("SharingInformation", receivers(&[OUTSIDE]))
        .done();
}

/// Creates, changes, runs, takes over and deletes subscriptions of reports, for people inside and
/// outside.
pub fn subscriptions(stage: &mut Stage) {
    let inside = json!([{"RecipientEmail": "carla.neumann@nordlicht-energie.example", "RecipientName": "Carla", "ObjectId": "0e6f6f2e-9a4d-4d4b-8a3b-3c1d2e4f5a61"}, {"RecipientEmail": INSIDE, "RecipientName": "Björn", "ObjectId": "1c2d3e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"}]);
    let outside = json!([{"RecipientEmail": OUTSIDE}]);
    for (when, actor, operation, report) in [
        ("2025-03-04 08:00", &CARLA, "CreateEmailSubscription", &KPIS),
        ("2025-12-19 08:00", &ANNA, "CreateEmailSubscription", &OVERVIEW),
        ("2026-01-02 08:00", &CARLA, "UpdateEmailSubscription", &KPIS),
        ("2026-01-05 07:00", &CARLA, "RunEmailSubscription", &KPIS),
        ("2026-01-12 07:00", &CARLA, "RunEmailSubscription", &KPIS),
        ("2026-01-19 07:00", &CARLA, "RunEmailSubscription", &KPIS),
        ("2026-01-19 07:30", &ANNA, "RunEmailSubscription", &OVERVIEW),
        ("2026-01-21 08:00", &YUSUF, "TakeOverEmailSubscription", &KPIS),
        ("2026-02-02 08:00", &ANNA, "DeleteEmailSubscription", &OVERVIEW),
    ] {
        let title = format!("{} wöchentlich", report.name);
        let draft = stage
            .on(when, actor, operation)
            .report(report)
            .with("SubscribeeInformation", inside.clone())
            .with(
                "SubscriptionDetails",
                json!({"title": title, "subject": title, "isOnDemand": false}),
            )
            .with(
                "SubscriptionSchedule",
                json!({"Type": "Weekly", "Time": ["07:00"], "WeekDays": ["Monday"]}),
            );
        if std::ptr::eq(report, &KPIS) {
            draft.with("ExternalSubscribeeInformation", outside.clone()).done();
        } else {
            draft.done();
        }
    }
}

/// Creates, changes, installs and removes apps; one is a template app.
pub fn apps(stage: &mut Stage) {
    for (when, actor, operation, app) in [
        ("2024-11-28 10:00", &ANNA, "CreateApp", &SALES_APP),
        ("2025-01-20 10:00", &CARLA, "CreateApp", &COMPLIANCE_APP),
        ("2025-02-03 08:00", &YUSUF, "InstallApp", &USAGE_APP),
        ("2025-02-03 09:00", &BJORN, "InstallApp", &SALES_APP),
        ("2025-12-17 10:00", &ANNA, "UpdateApp", &SALES_APP),
        ("2026-01-12 10:00", &ADA, "InstallApp", &SALES_APP),
        ("2026-01-13 10:00", &PAT, "InstallApp", &COMPLIANCE_APP),
        ("2026-02-09 10:00", &CARLA, "UnpublishApp", &COMPLIANCE_APP),
    ] {
        let draft = stage
            .on(when, actor, operation)
            .with("ItemName", app.name)
            .with("ObjectId", app.name)
            .with("AppName", app.name);
        // As in real logs, an install names no workspace and not always the id of the app.
        match operation {
            "InstallApp" if app.name == SALES_APP.name => draft.done(),
            "InstallApp" => draft.with("AppId", app.id).done(),
            _ => draft
                .workspace(app.workspace)
                .with("AppId", app.id)
                .with(
                    "OrgAppPermission",
                    json!({"recipients": "Alle(Entire Organization)", "permissions": "Alle(Read)"}),
                )
                .done(),
        }
    }
}
