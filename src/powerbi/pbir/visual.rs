//! A visual of a page: its content, its place and its file.

use serde_json::{Value, json};

use super::names::{filter_name, object_name};

/// The schema of the file of a visual.
const SCHEMA: &str = "https://developer.microsoft.com/json-schemas/fabric/item/report/definition/\
                      visualContainer/2.8.0/schema.json";

/// Distance of the layers of a page.
const LAYER: usize = 1000;

/// Font size of sentences in points.
const NOTE_SIZE: &str = "12D";

/// A column or a measure of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Column of a table.
    Column(&'static str, &'static str),
    /// Measure of a table.
    Measure(&'static str, &'static str),
}

impl Field {
    /// Returns the reference to the field.
    pub fn to_json(self) -> Value {
        let (kind, table, name) = match self {
            Field::Column(table, name) => ("Column", table, name),
            Field::Measure(table, name) => ("Measure", table, name),
        };
        json!({kind: {"Expression": {"SourceRef": {"Entity": table}}, "Property": name}})
    }

    fn projection(self) -> Value {
        let (Field::Column(table, name) | Field::Measure(table, name)) = self;
        json!({
            "field": self.to_json(),
            "queryRef": format!("{table}.{name}"),
            "nativeQueryRef": name,
        })
    }
}

/// Position and size on a page, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRect {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A filter of a column by its values.
#[derive(Debug, Clone, Copy)]
pub struct ValueFilter {
    /// Table of the column.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Values as literals.
    pub values: &'static [&'static str],
}

impl ValueFilter {
    /// Returns the filter. `owner` makes its name unique.
    pub fn to_json(self, owner: &str) -> Value {
        let ValueFilter { table, column, values } = self;
        let values: Vec<Value> =
            values.iter().map(|value| json!([{"Literal": {"Value": value}}])).collect();
        json!({
            "name": filter_name(owner),
            "field": Field::Column(table, column).to_json(),
            "type": "Categorical",
            "filter": {
                "Version": 2,
                "From": [{"Name": "t", "Entity": table, "Type": 0}],
                "Where": [{"Condition": {"In": {
                    "Expressions": [{
                        "Column": {"Expression": {"SourceRef": {"Source": "t"}}, "Property": column}
                    }],
                    "Values": values,
                }}}],
            },
        })
    }
}

/// The content of a visual.
#[derive(Debug, Clone, Copy)]
pub enum VisualContent {
    /// A title.
    Text(&'static str),
    /// A button back to the page before.
    Back,
    /// A list to choose values from.
    Slicer(Field),
    /// A sentence that is the value of a measure.
    Note(Field),
    /// Fields by role.
    Query {
        /// Type of the visual.
        kind: &'static str,
        /// Fields of each role.
        roles: &'static [(&'static str, &'static [Field])],
        /// Field by which rows are sorted, the largest first.
        sort: Option<Field>,
        /// Filter of this visual.
        filter: Option<ValueFilter>,
    },
}

/// A visual of a page.
#[derive(Debug, Clone, Copy)]
pub struct Visual {
    /// Title; an empty one is not shown.
    pub title: &'static str,
    /// Position.
    pub place: PageRect,
    /// Content.
    pub content: VisualContent,
}

impl Visual {
    /// Returns the name of the visual: that of its folder. `number` is its number on the page.
    pub fn name(&self, page: &str, number: usize) -> String {
        object_name(&format!("{page}/{number}"))
    }

    /// Returns the file of the visual.
    pub fn to_json(self, page: &str, number: usize) -> Value {
        let PageRect { x, y, width, height } = self.place;
        let layer = number * LAYER;
        let name = self.name(page, number);
        let mut file = json!({
            "$schema": SCHEMA,
            "name": name,
            "position": {
                "x": x, "y": y, "z": layer, "width": width, "height": height, "tabOrder": layer
            },
        });
        if let VisualContent::Query { filter: Some(filter), .. } = self.content {
            file["filterConfig"] = json!({"filters": [filter.to_json(&name)]});
        }
        file["visual"] = self.visual();
        file
    }

    fn visual(&self) -> Value {
        let mut visual = match self.content {
            VisualContent::Text(text) => json!({
                "visualType": "textbox",
                "objects": {"general": [{"properties": {"paragraphs": [{"textRuns": [
                    {"value": text, "textStyle": {"fontSize": "20px", "fontWeight": "bold"}}
                ]}]}}]},
            }),
            VisualContent::Back => json!({
                "visualType": "actionButton",
                "objects": {"icon": [{
                    "properties": {"shapeType": literal("'back'")},
                    "selector": {"id": "default"},
                }]},
                "visualContainerObjects": {"visualLink": [{
                    "properties": {"show": literal("true"), "type": literal("'Back'")},
                }]},
            }),
            VisualContent::Slicer(field) => json!({
                "visualType": "slicer",
                "query": {"queryState": {"Values": {"projections": [field.projection()]}}},
                "objects": {"data": [{"properties": {"mode": literal("'Dropdown'")}}]},
            }),
            VisualContent::Note(field) => note_visual(field),
            VisualContent::Query { kind, roles, sort, .. } => query_visual(kind, roles, sort),
        };
        if !self.title.is_empty() {
            let title = format!("'{}'", self.title.replace('\'', "''"));
            visual["visualContainerObjects"] = json!({"title": [{
                "properties": {"show": literal("true"), "text": literal(&title)},
            }]});
        }
        visual["drillFilterOtherVisuals"] = json!(true);
        visual
    }
}

/// Returns a card whose text is small enough for a sentence, without the name of the measure.
fn note_visual(field: Field) -> Value {
    let properties =
        |properties: Value| json!([{"properties": properties, "selector": {"id": "default"}}]);
    let mut visual = query_visual("cardVisual", &[("Data", &[field])], None);
    visual["objects"] = json!({
        "label": properties(json!({"show": literal("false")})),
        "value": properties(json!({"fontSize": literal(NOTE_SIZE), "textWrap": literal("true")})),
    });
    visual
}

fn query_visual(kind: &str, roles: &[(&'static str, &[Field])], sort: Option<Field>) -> Value {
    let state: serde_json::Map<String, Value> = roles
        .iter()
        .map(|(role, fields)| {
            let projections: Vec<Value> = fields.iter().map(|field| field.projection()).collect();
            ((*role).to_owned(), json!({"projections": projections}))
        })
        .collect();
    let mut query = json!({"queryState": state});
    if let Some(field) = sort {
        query["sortDefinition"] =
            json!({"sort": [{"field": field.to_json(), "direction": "Descending"}]});
    }
    json!({"visualType": kind, "query": query})
}

fn literal(value: &str) -> Value {
    json!({"expr": {"Literal": {"Value": value}}})
}
