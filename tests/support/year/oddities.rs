//! Creates unknown operations and fields, and values that real logs spell in several ways.

use serde_json::{Value, json};

use super::company::*;
use super::stage::Stage;

/// Adds unknown operations, and fields that begin on a day.
pub fn unknown(stage: &mut Stage) {
    for when in ["2025-11-24 09:00", "2026-01-08 09:30", "2026-01-29 09:30"] {
        stage
            .on(when, &OLIVER, "HarmonizeTelemetryFabric")
            .workspace(&GRID)
            .with("ArtifactKind", "Harmony")
            .with("ArtifactName", "Takt 1")
            .with("ArtifactId", "2c4e6a80-1b3d-4f5e-8a7c-9e0d1f2b3c4d")
            .done();
    }
    // From this day on, views on a phone have a new field.
    for when in ["2026-01-19 12:00", "2026-01-20 12:00", "2026-01-30 12:00", "2026-02-09 12:00"] {
        stage
            .on(when, &GRETA, "ViewReport")
            .report(&LOAD)
            .with("MobileCanvasMode", json!({"layout": "portrait", "scale": 1.25}))
            .done();
    }
}

/// Adds events that each lack a field or have it in another form.
pub fn spellings(stage: &mut Stage) {
    stage
        .on("2026-01-19 15:01", &BJORN, "ViewReport")
        .report(&LOAD)
        .with("IsSuccess", "True")
        .done();
    stage.on("2026-01-19 15:02", &BJORN, "ViewReport").report(&LOAD).with("UserType", "0").done();
    let upper = LOAD.id.to_uppercase();
    stage.on("2026-01-19 15:03", &BJORN, "ViewReport").report(&LOAD).with("ReportId", upper).done();
    stage
        .on("2026-01-19 15:04", &BJORN, "ViewReport")
        .report(&LOAD)
        .with("UserId", "BJORN.LUND@AURORA-ENERGI.EXAMPLE")
        .with("ClientIP", "192.0.2.11:51234")
        .done();
    stage
        .on("2026-01-19 15:05", &BJORN, "ViewReport")
        .report(&LOAD)
        .with("WorkSpaceName", Value::Null)
        .without("ReportName")
        .without("ItemName")
        .done();
    stage.on("2026-01-19 15:06", &BJORN, "ViewReport").done();
    stage
        .on("2026-01-19 15:07", &BJORN, "ViewReport")
        .report(&LOAD)
        .with("RecordType", "PowerBIAudit")
        .done();
    stage.on("2026-01-19 15:08", &BJORN, "ViewReport").report(&LOAD).without("Activity").done();
}

/// Adds failed operations in the two forms of the log.
pub fn failures(stage: &mut Stage) {
    for when in ["2026-01-07 16:00", "2026-01-21 16:00", "2026-02-02 16:00"] {
        stage.on(when, &EMILY, "ViewReport").report(&OVERVIEW).with("IsSuccess", false).done();
    }
    stage.on("2026-01-21 16:10", &EMILY, "AnalyzeInExcel").report(&OVERVIEW).failed().done();
    stage.on("2026-01-21 16:20", &EMBEDDER, "GenerateEmbedToken").report(&LOAD).failed().done();
}
