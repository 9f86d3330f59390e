//! Creates rare operations, so that every group of operations is complete.

use super::company::*;
use super::stage::Stage;

/// Adds reads of newer kinds, and external operations on models.
pub fn reads(stage: &mut Stage) {
    for (when, operation) in [
        ("2026-01-06 10:00", "ViewDatamart"),
        ("2026-01-06 10:10", "ViewWarehouse"),
        ("2026-01-06 10:20", "ViewArtifact"),
        ("2026-01-06 10:30", "ExportScorecard"),
    ] {
        stage
            .on(when, &OLIVER, operation)
            .workspace(&GRID)
            .with("ArtifactId", "b8c7d6e5-f4a3-4b2c-9d1e-0f9a8b7c6d5e")
            .with("ArtifactName", "Zähler")
            .with("ArtifactKind", operation.trim_start_matches("View").trim_start_matches("Export"))
            .done();
    }
    for (when, operation) in [
        ("2026-01-12 10:00", "AnalyzeInExcelDataset"),
        ("2026-01-12 10:10", "ExploreDataset"),
        ("2026-01-12 10:20", "ExploreDataExternally"),
    ] {
        stage.on(when, &HANNA, operation).about_model(&SALES_MODEL).done();
    }
    stage.on("2026-01-12 10:30", &HANNA, "AnalyzeInExcelReport").report(&OVERVIEW).done();
}

/// Adds roles in workspaces that a program sets.
pub fn roles(stage: &mut Stage) {
    for (when, operation) in [
        ("2026-01-24 10:10", "UpdateWorkspaceRoleViaAdminApi"),
        ("2026-01-24 10:20", "DeleteWorkspaceRoleViaAdminApi"),
    ] {
        stage.on(when, &EMBEDDER, operation).workspace(&GRID).done();
    }
}
