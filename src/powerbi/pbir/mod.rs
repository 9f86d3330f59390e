//! The report as JSON files (PBIR).

mod names;
mod pages;
mod visual;

use serde_json::{Value, json};

use crate::{Error, Result};
pub use names::guid;
use names::{filter_name, object_name};
use pages::{PAGE_HEIGHT, PAGE_WIDTH, PAGES, Page};
use visual::{Field, ValueFilter};

/// The address of the schemas that Microsoft publishes.
const SCHEMAS: &str = "https://developer.microsoft.com/json-schemas/fabric";

/// The days before the period are in the model for windows of active users only.
const IN_PERIOD: ValueFilter =
    ValueFilter { table: "Date", column: "In Period", values: &["true"] };

/// Returns the files of the report below its folder `definition`: their names and texts.
///
/// # Errors
///
/// [`Error::Internal`] if a file cannot be written as JSON.
pub fn report_files() -> Result<Vec<(String, String)>> {
    let names: Vec<String> = PAGES.iter().map(page_name).collect();
    let mut files = vec![
        ("version.json".to_owned(), to_text(&version())?),
        ("report.json".to_owned(), to_text(&report())?),
        ("pages/pages.json".to_owned(), to_text(&page_list(&names))?),
    ];
    for (page, name) in PAGES.iter().zip(&names) {
        let folder = format!("pages/{name}");
        files.push((format!("{folder}/page.json"), to_text(&page_file(page, name))?));
        for (number, visual) in page.all_visuals().into_iter().enumerate() {
            let path = format!("{folder}/visuals/{}/visual.json", visual.name(name, number));
            files.push((path, to_text(&visual.to_json(name, number))?));
        }
    }
    Ok(files)
}

/// Returns a JSON file as text.
///
/// # Errors
///
/// [`Error::Internal`] if the value cannot be written as JSON.
pub fn to_text(value: &Value) -> Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(Error::internal)
}

/// Returns the address of a schema.
pub fn schema(path: &str) -> String {
    format!("{SCHEMAS}/{path}/schema.json")
}

fn definition_schema(name: &str, version: &str) -> String {
    schema(&format!("item/report/definition/{name}/{version}"))
}

fn version() -> Value {
    json!({"$schema": definition_schema("versionMetadata", "1.0.0"), "version": "2.0.0"})
}

fn report() -> Value {
    json!({
        "$schema": definition_schema("report", "3.2.0"),
        // Without a theme of its own, a report has the default one of the program that opens it.
        "themeCollection": {},
        "filterConfig": {"filters": [IN_PERIOD.to_json("report")]},
        "settings": {
            "useStylableVisualContainerHeader": true,
            "exportDataMode": "AllowSummarized",
            "defaultDrillFilterOtherVisuals": true,
            "allowChangeFilterTypes": true,
            "useEnhancedTooltips": true,
            "useDefaultAggregateDisplayName": true,
        },
    })
}

fn page_list(names: &[String]) -> Value {
    json!({
        "$schema": definition_schema("pagesMetadata", "1.0.0"),
        "pageOrder": names,
        "activePageName": names.first(),
    })
}

fn page_name(page: &Page) -> String {
    object_name(page.title)
}

fn page_file(page: &Page, name: &str) -> Value {
    let mut file = json!({
        "$schema": definition_schema("page", "2.0.0"),
        "name": name,
        "displayName": page.title,
        "displayOption": "FitToPage",
        "width": PAGE_WIDTH,
        "height": PAGE_HEIGHT,
    });
    if let Some((table, column)) = page.drillthrough {
        let filter = filter_name(name);
        let field = Field::Column(table, column).to_json();
        file["type"] = json!("Drillthrough");
        file["visibility"] = json!("HiddenInViewMode");
        file["filterConfig"] = json!({"filters": [{
            "name": filter, "field": field, "type": "Categorical", "howCreated": "Drillthrough",
        }]});
        file["pageBinding"] = json!({
            "name": "Pod",
            "type": "Drillthrough",
            "parameters": [{
                "name": format!("Param_{filter}"), "boundFilter": filter, "fieldExpr": field,
            }],
        });
    }
    file
}
