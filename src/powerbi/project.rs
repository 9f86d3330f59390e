//! The files of a project besides the data: the file that opens it, the model and the report.

use serde_json::{Value, json};

use super::folder::StagedProject;
use super::model::model_files;
use super::options::ProjectOptions;
use super::pbir::{guid, report_files, schema, to_text};
use crate::Result;

/// Writes all files besides the data.
///
/// # Errors
///
/// [`crate::Error::Io`] if a file cannot be written.
pub fn write_project(staged: &StagedProject, project: &ProjectOptions) -> Result<()> {
    let name = project.name.as_str();
    let (model, report) = (format!("{name}.SemanticModel"), format!("{name}.Report"));
    for (file, text) in model_files(&project.data_folder) {
        staged.write_file(&format!("{model}/definition/{file}"), &text)?;
    }
    for (file, text) in report_files()? {
        staged.write_file(&format!("{report}/definition/{file}"), &text)?;
    }
    for (file, value) in [
        (format!("{model}/definition.pbism"), pbism()),
        (format!("{model}/.platform"), platform("SemanticModel", name)),
        (format!("{report}/definition.pbir"), pbir(&model)),
        (format!("{report}/.platform"), platform("Report", name)),
        (format!("{name}.pbip"), pbip(&report)),
    ] {
        staged.write_file(&file, &to_text(&value)?)?;
    }
    Ok(())
}

fn pbip(report: &str) -> Value {
    json!({
        "$schema": schema("pbip/pbipProperties/1.0.0"),
        "version": "1.0",
        "artifacts": [{"report": {"path": report}}],
        "settings": {"enableAutoRecovery": true},
    })
}

fn pbism() -> Value {
    json!({
        "$schema": schema("item/semanticModel/definitionProperties/1.0.0"),
        "version": "4.2",
        "settings": {},
    })
}

fn pbir(model: &str) -> Value {
    json!({
        "$schema": schema("item/report/definitionProperties/2.0.0"),
        "version": "4.0",
        "datasetReference": {"byPath": {"path": format!("../{model}")}},
    })
}

fn platform(kind: &str, name: &str) -> Value {
    json!({
        "$schema": schema("gitIntegration/platformProperties/2.0.0"),
        "metadata": {"type": kind, "displayName": name},
        "config": {"version": "2.0", "logicalId": guid(&format!("{kind} {name}"))},
    })
}
