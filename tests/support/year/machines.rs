//! Creates automated events: refreshes, gateways, and the noise of downloads and scans.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::calendar::{at, day, days, pulls, windows};
use super::company::*;
use super::stage::{Stage, is_workday};

/// Adds refreshes by schedule, by people and by a service; some fail, in the form of old and of new
/// events.
pub fn refreshes(stage: &mut Stage) {
    for date in days() {
        let scheduled = [(&SALES_MODEL, &ANNA, 4), (&FINANCE_MODEL, &DENIZ, 5)];
        for (model, owner, hour) in scheduled {
            let (minute, second) = (stage.rng.below(5), stage.rng.below(60));
            let time = at(owner.zone, date, hour, minute as u32, second as u32);
            let draft = stage
                .event(time, &Actor { agent: "", ip: "", ..*owner }, "RefreshDataset")
                .about_model(model)
                .with("RefreshType", "Scheduled");
            match date.format("%d").to_string().as_str() {
                "13" => draft.with("IsSuccess", false).done(),
                "27" => draft.failed().done(),
                "28" => draft.without("IsSuccess").with("ResultStatus", "InProgress").done(),
                _ => draft.done(),
            }
        }
        if is_workday(date) && stage.rng.chance(0.15) {
            let time = stage.at_work(date, &ANNA);
            stage
                .event(time, &ANNA, "RefreshDataset")
                .about_model(&SALES_MODEL)
                .with("RefreshType", "OnDemand")
                .done();
        }
        if stage.rng.chance(0.2) {
            let time = at(REFRESHER.zone, date, 3, 15, 0);
            stage
                .event(time, &REFRESHER, "RefreshDatasetFromExternalApplication")
                .about_model(&GRID_MODEL)
                .done();
        }
        if stage.rng.chance(0.05) {
            let time = at(SYSTEM.zone, date, 2, 45, 0);
            // Old events do not contain the trigger of the refresh.
            stage.event(time, &SYSTEM, "RefreshDataset").about_model(&SERVICE_MODEL).done();
        }
    }
    stage.on("2026-01-21 09:10", &ANNA, "CancelDatasetRefresh").about_model(&SALES_MODEL).done();
    stage.on("2026-02-05 09:10", &DENIZ, "CancelDatasetRefresh").about_model(&FINANCE_MODEL).done();
    for when in ["2025-12-16 06:00", "2026-01-16 06:00"] {
        stage
            .on(when, &OLIVER, "RequestDataflowRefresh")
            .workspace(&GRID)
            .with("DataflowId", DATAFLOW)
            .with("DataflowName", "Zähler")
            .with("DataflowType", "DataFlow")
            .done();
    }
}

/// Id of the only dataflow.
pub const DATAFLOW: &str = "c7d0f6a1-2be4-4c53-9d0a-61c2f1b8e7d4";

/// Adds the events of downloads: one for each period that was asked for. At first an administrator
/// downloads the log, later a service principal.
pub fn pulling(stage: &mut Stage) {
    let administrator = Actor { agent: POWERSHELL, ..YUSUF };
    for date in days() {
        for pulled in pulls(date) {
            for (number, (from, to)) in windows(date, pulled).into_iter().enumerate() {
                let time = pulled + TimeDelta::seconds(2 * number as i64);
                let actor = if date < day("2025-10-01") { &administrator } else { &ARCHIVER };
                let text = |time: DateTime<Utc>| time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
                stage
                    .event(time, actor, "ExportActivityEvents")
                    .with("ExportEventStartDateTimeParameter", text(from))
                    .with("ExportEventEndDateTimeParameter", text(to))
                    .with("ActivityId", "00000000-0000-0000-0000-000000000000")
                    .done();
            }
        }
    }
}

/// Adds daily reads of data sources by gateways, and scans of workspaces on Sundays.
pub fn scanning(stage: &mut Stage) {
    for date in days() {
        let time = at(SYSTEM.zone, date, 1, stage.rng.below(60) as u32, 0);
        stage.event(time, &REFRESHER, "GetDatasources").with("GatewayId", GATEWAY).done();
        if stage.rng.chance(0.3) {
            let time = stage.at_work(date, &ANNA);
            stage.event(time, &ANNA, "GetDatasources").with("DatasetId", SALES_MODEL.id).done();
        }
        if date.format("%u").to_string() == "7" {
            for (second, operation) in [
                (0, "GetModifiedWorkspacesAPI"),
                (5, "GetWorkspacesInfoAPI"),
                (9, "GetWorkspacesInfoResult"),
            ] {
                let time = at(ARCHIVER.zone, date, 6, 0, second);
                stage
                    .event(time, &ARCHIVER, operation)
                    .with("IncludeSubartifacts", true)
                    .with("Lineage", false)
                    .done();
            }
        }
    }
    let administrator = Actor { agent: POWERSHELL, ..YUSUF };
    for when in ["2025-12-20 08:00", "2026-01-03 08:00"] {
        stage.on(when, &administrator, "GetGroupsAsAdmin").done();
        stage.on(when, &administrator, "GetRefreshHistory").about_model(&SALES_MODEL).done();
    }
}

/// Ids of the gateway and of another one, which is deleted.
const GATEWAY: &str = "3f1b7a52-90de-4c1b-8f27-5ad0e6c4b931";
const OTHER_GATEWAY: &str = "aa27c0d3-5f4e-4b0c-92d7-1e8f6b3c7a15";
const DATASOURCE: &str = "7be2d914-6c3f-4e18-a5d0-94f1c2073b6e";

/// Adds all operations on gateways and their data sources.
pub fn gateways(stage: &mut Stage) {
    for (when, operation, gateway, name) in [
        ("2024-11-25 09:00", "CreateGateway", GATEWAY, "GW Leitstand"),
        ("2024-11-25 09:20", "AddDatasourceToGateway", GATEWAY, "GW Leitstand"),
        ("2025-12-15 10:00", "CreateGateway", OTHER_GATEWAY, "GW Test"),
        ("2025-12-15 10:10", "AddDatasourceToGateway", OTHER_GATEWAY, "GW Test"),
        ("2025-12-18 10:00", "UpdateDatasourceCredentials", GATEWAY, "GW Leitstand"),
        ("2026-01-07 10:00", "ChangeGatewayAdministrators", GATEWAY, "GW Leitstand"),
        ("2026-01-15 10:00", "CreateGatewayClusterDatasource", GATEWAY, "GW Leitstand"),
        ("2026-01-20 10:00", "RemoveDatasourceFromGateway", OTHER_GATEWAY, "GW Test"),
        ("2026-01-20 10:05", "DeleteGateway", OTHER_GATEWAY, "GW Test"),
    ] {
        let draft = stage
            .on(when, &YUSUF, operation)
            .with("GatewayId", gateway)
            .with("GatewayName", name)
            .with("ObjectId", name)
            .with("GatewayType", "Resource");
        if operation.contains("Datasource") {
            draft
                .with("DatasourceId", DATASOURCE)
                .with("DatasourceName", "dwh-prod")
                .with("DatasourceType", "Sql")
                .with(
                    "Datasources",
                    json!([{"DatasourceType": "Sql", "ConnectionDetails": "{\"server\":\"dwh\"}"}]),
                )
                .done();
        } else {
            draft.done();
        }
    }
    stage.on("2026-01-23 10:00", &OLIVER, "UpdateDatasourceCredentials").failed().done();
}
