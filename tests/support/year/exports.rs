//! Creates exports with their views, and reads by Excel and other programs, and embedding.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::calendar::{day, days};
use super::company::*;
use super::stage::{Stage, is_workday, local};

/// Adds an export of a report and a view for each of its pages, the given numbers of seconds before
/// or after it.
fn export(stage: &mut Stage, time: DateTime<Utc>, actor: &Actor, report: &Report, pages: &[i64]) {
    let format = *stage.rng.pick(&["PDF", "PPTX", "XLSX"]);
    stage
        .event(time, actor, "ExportReport")
        .report(report)
        .with("ExportFormat", format)
        .with("DistributionMethod", "Workspace")
        .done();
    for seconds in pages {
        let time = time + TimeDelta::seconds(*seconds);
        stage.event(time, actor, "ViewReport").report(report).done();
    }
}

/// Adds exports throughout the year; one day in January has as many as other months.
pub fn exports(stage: &mut Stage) {
    for date in days().filter(|date| is_workday(*date)) {
        if stage.rng.chance(0.12) {
            let time = stage.at_work(date, &XENIA);
            export(stage, time, &XENIA, &INVOICE, &[1, 3, 10]);
        }
        if stage.rng.chance(0.05) {
            let time = stage.at_work(date, &CARLA);
            // Views within ten seconds belong to the export, those of eleven seconds do not, before
            // and after it.
            export(stage, time, &CARLA, &KPIS, &[-11, -10, 0, 10, 11]);
        }
        if date >= day("2025-02-10") && stage.rng.chance(0.03) {
            let time = stage.at_work(date, &LARS);
            export(stage, time, &LARS, &KPIS, &[]);
        }
    }
    let spike = local("2026-01-21 09:00", &XENIA);
    for count in 0..38 {
        let report = if count % 3 == 0 { &KPIS } else { &INVOICE };
        export(stage, spike + TimeDelta::minutes(count * 7), &XENIA, report, &[2]);
    }
}

/// Adds the other operations of the group, and similar ones that do not belong to it.
pub fn other_exports(stage: &mut Stage) {
    // A view of another report does not belong to the export.
    stage.on("2025-12-17 10:00", &CARLA, "ExportReport").report(&NAMESAKE).done();
    stage.on("2025-12-17 10:00:02", &CARLA, "ViewReport").report(&OVERVIEW).done();
    // Nor does a view of another user.
    stage.on("2025-12-17 10:00:03", &BJORN, "ViewReport").report(&NAMESAKE).done();
    for when in ["2025-12-19 11:00", "2026-01-08 11:00"] {
        stage
            .on(when, &XENIA, "ExportArtifact")
            .report(&INVOICE)
            .with("ExportedArtifactInfo", json!({"ExportType": "PDF", "ArtifactType": "Report"}))
            .done();
        stage.on(&format!("{when}:04"), &XENIA, "ViewReport").report(&INVOICE).done();
    }
    stage.on("2026-01-09 14:00", &BJORN, "PrintReport").report(&LOAD).done();
    stage.on("2026-01-09 14:00:05", &BJORN, "ViewReport").report(&LOAD).done();
    stage.on("2026-01-15 08:20", &BJORN, "PrintDashboard").dashboard(&GRID_BOARD).done();
    stage.on("2026-01-15 08:25", &BJORN, "ExportTile").dashboard(&GRID_BOARD).done();
    stage.on("2026-01-16 09:00", &DENIZ, "DownloadReport").report(&CASH_NEW).done();
    stage.on("2026-01-20 09:00", &XENIA, "ExportReport").report(&INVOICE).failed().done();
}

/// Adds queries of models from outside. Sessions are separated by gaps of half an hour: gaps of 29
/// and 30 minutes depend on the rule, one of 31 minutes always separates.
pub fn excel(stage: &mut Stage) {
    let wei = Actor { agent: EXCEL, ..WEI };
    for date in days().filter(|date| is_workday(*date) && *date >= day("2025-01-07")) {
        if stage.rng.chance(0.2) {
            let mut time = stage.at_work(date, &wei);
            for _ in 0..1 + stage.rng.below(4) {
                external(stage, time, &wei, "AnalyzedByExternalApplication", &FINANCE_MODEL);
                time += TimeDelta::minutes(*stage.rng.pick(&[4, 29, 30, 31, 90]));
            }
        }
    }
    let start = local("2026-01-27 09:00", &WEI);
    for minutes in [0, 29, 59, 90, 91, 120, 151] {
        let time = start + TimeDelta::minutes(minutes);
        external(stage, time, &wei, "AnalyzedByExternalApplication", &SALES_MODEL);
    }
    let query = Actor { agent: POWER_QUERY, ..WEI };
    for when in ["2025-12-22 10:00", "2026-01-13 10:00", "2026-02-03 10:00"] {
        let time = local(when, &WEI);
        external(stage, time, &query, "ConnectFromExternalApplication", &SALES_MODEL);
        stage
            .event(time + TimeDelta::minutes(2), &DENIZ, "AnalyzeInExcel")
            .report(&CASH_NEW)
            .with("ConsumptionMethod", "Excel")
            .done();
    }
    let shell = Actor { agent: POWERSHELL, ..IVO };
    stage.on("2026-01-29 17:00", &shell, "ViewReport").report(&OVERVIEW).done();
}

fn external(stage: &mut Stage, time: DateTime<Utc>, actor: &Actor, operation: &str, model: &Model) {
    stage.event(time, actor, operation).about_model(model).done();
}

/// Adds tokens for a portal that shows reports to customers, by a service and once by a person.
pub fn embedding(stage: &mut Stage) {
    for date in days().filter(|date| *date >= day("2025-07-01")) {
        for _ in 0..stage.rng.below(3) {
            let time = stage.at_work(date, &EMBEDDER);
            let token = stage.rng.guid();
            stage
                .event(time, &EMBEDDER, "GenerateEmbedToken")
                .report(&LOAD)
                .with("EmbedTokenId", token)
                .done();
            stage
                .event(time + TimeDelta::seconds(3), &EMBEDDER, "ViewReport")
                .report(&LOAD)
                .with("DistributionMethod", "Embedded")
                .done();
        }
    }
    for when in ["2025-12-30 12:00", "2026-02-04 12:00"] {
        let token = stage.rng.guid();
        stage
            .on(when, &ANNA, "GenerateMultiResourceEmbedToken")
            .workspace(&GRID)
            .with("EmbedTokenId", token)
            .with("Datasets", json!([{"DatasetId": GRID_MODEL.id, "DatasetName": GRID_MODEL.name}]))
            .done();
    }
}
