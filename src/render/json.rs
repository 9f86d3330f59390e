//! Renders a result as one JSON object with its context, or as NDJSON with one object per row.
//!
//! Programs rely on the names and the order of the members.

use chrono_tz::Tz;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::grid::{Cell, Grid, GridColumn};
use crate::{Error, Result};

use super::input::{
    CoverageCounts, ExcludedEvents, NamedTable, RenderInput, Renderer, ReportContext, TablesInput,
};
use super::time;

/// The JSON format.
pub struct Json;

impl Renderer for Json {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let answer = JsonReport {
            context: input.context.map(|context| JsonReportContext::new(context, input.time_zone)),
            columns: input.grid.columns.iter().map(|column| column.name.as_str()).collect(),
            rows: JsonRows { grid: input.grid, zone: input.time_zone },
        };
        let mut bytes = serde_json::to_vec_pretty(&answer).map_err(Error::internal)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The NDJSON format: one JSON object per line, for programs that read row by row.
pub struct Ndjson;

impl Renderer for Ndjson {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for cells in &input.grid.rows {
            let row = JsonRow { columns: &input.grid.columns, cells, zone: input.time_zone };
            serde_json::to_writer(&mut bytes, &row).map_err(Error::internal)?;
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

/// Renders several tables as one object: the context, notes, and a member for each table.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn json_tables(input: &TablesInput<'_>) -> Result<Vec<u8>> {
    let answer = JsonTables {
        context: JsonReportContext::new(input.context, input.time_zone),
        notes: input.remarks,
        tables: JsonTableMap { tables: input.tables, zone: input.time_zone },
    };
    let mut bytes = serde_json::to_vec_pretty(&answer).map_err(Error::internal)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct JsonTables<'a> {
    #[serde(flatten)]
    context: JsonReportContext<'a>,
    notes: &'a [String],
    tables: JsonTableMap<'a>,
}

struct JsonTableMap<'a> {
    tables: &'a [NamedTable],
    zone: Tz,
}

impl Serialize for JsonTableMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.tables.len()))?;
        for table in self.tables {
            let value = JsonTable {
                title: &table.title,
                notes: &table.remarks,
                columns: table.grid.columns.iter().map(|column| column.name.as_str()).collect(),
                rows: JsonRows { grid: &table.grid, zone: self.zone },
            };
            map.serialize_entry(&table.name, &value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct JsonTable<'a> {
    title: &'a str,
    notes: &'a [String],
    columns: Vec<&'a str>,
    rows: JsonRows<'a>,
}

/// Returns the context as one JSON object, with the members of the JSON format.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn context_json(context: &ReportContext, zone: Tz) -> Result<String> {
    serde_json::to_string(&JsonReportContext::new(context, zone)).map_err(Error::internal)
}

#[derive(Serialize)]
struct JsonReport<'a> {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    context: Option<JsonReportContext<'a>>,
    columns: Vec<&'a str>,
    rows: JsonRows<'a>,
}

#[derive(Serialize)]
struct JsonReportContext<'a> {
    report: &'a str,
    title: &'a str,
    period: JsonPeriod,
    coverage: CoverageCounts,
    excluded: ExcludedEvents,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<JsonSums<'a>>,
}

struct JsonSums<'a>(&'a [(String, i64)]);

impl Serialize for JsonSums<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, sum)| (name, sum)))
    }
}

#[derive(Serialize)]
struct JsonPeriod {
    since: Option<String>,
    until: Option<String>,
    time_zone: &'static str,
}

impl<'a> JsonReportContext<'a> {
    fn new(context: &'a ReportContext, zone: Tz) -> JsonReportContext<'a> {
        let period = JsonPeriod {
            since: context.since.map(|day| day.to_string()),
            until: context.until.map(|day| day.to_string()),
            time_zone: zone.name(),
        };
        let ReportContext { report, title, coverage, excluded, totals, .. } = context;
        let (coverage, excluded) = (*coverage, *excluded);
        let totals = totals.as_ref().map(|totals| JsonSums(&totals.sums));
        JsonReportContext { report, title, period, coverage, excluded, totals }
    }
}

struct JsonRows<'a> {
    grid: &'a Grid,
    zone: Tz,
}

impl Serialize for JsonRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.grid.rows.len()))?;
        for cells in &self.grid.rows {
            rows.serialize_element(&JsonRow {
                columns: &self.grid.columns,
                cells,
                zone: self.zone,
            })?;
        }
        rows.end()
    }
}

struct JsonRow<'a> {
    columns: &'a [GridColumn],
    cells: &'a [Cell],
    zone: Tz,
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            let name = &column.name;
            match cell {
                Cell::Null => row.serialize_entry(name, &())?,
                Cell::Text(text) => row.serialize_entry(name, text)?,
                Cell::Int(number) => row.serialize_entry(name, number)?,
                Cell::Float(number) => row.serialize_entry(name, number)?,
                Cell::Bool(truth) => row.serialize_entry(name, truth)?,
                Cell::Time { us } => {
                    row.serialize_entry(name, &time::instant_iso(*us, self.zone))?
                }
                Cell::LocalTime { us } => row.serialize_entry(name, &time::local_iso(*us))?,
                Cell::Date { days } => row.serialize_entry(name, &time::date_iso(*days))?,
            }
        }
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{render_text, sample_grid};
    use super::super::{OutputFormat, RenderInput, render};
    use crate::grid::{Cell, CellKind, Grid};

    #[test]
    fn members_and_columns_keep_their_order_and_types() {
        let mut grid = sample_grid();
        grid.rows.truncate(1);
        let text = render_text(&grid, OutputFormat::Json, 80);
        let flat: String = text.lines().map(str::trim).collect();
        let expected = concat!(
            r#"{"report": "top-reports","title": "Most viewed reports","period": {"#,
            r#""since": "2026-03-01","until": "2026-03-31","time_zone": "Europe/Zurich"},"#,
            r#""coverage": {"days": 31,"complete": 28,"partial": 1,"missing": 1,"truncated": 1},"#,
            r#""excluded": {"noise": 720,"services": 5},"columns": ["rank","report","share","#,
            r#""last_view","day"],"rows": [{"rank": 1,"report": "Umsätze, \"alle\"\nLänder 💶","#,
            r#""share": 2.5,"last_view": "2026-03-02T00:05:00+01:00","day": "2026-03-01"}]}"#,
        );
        assert_eq!(flat, expected);
    }

    #[test]
    fn no_rows_are_an_empty_list_and_a_plain_list_has_no_context() {
        let grid = Grid::new([("name", CellKind::Text)]);
        let time_zone = chrono_tz::UTC;
        let input = RenderInput {
            grid: &grid,
            chart: None,
            context: None,
            remarks: &[],
            time_zone,
            width: 80,
        };
        let text = String::from_utf8(render(&input, OutputFormat::Json).unwrap()).unwrap();
        assert_eq!(text, "{\n  \"columns\": [\n    \"name\"\n  ],\n  \"rows\": []\n}\n");
        assert_eq!(render(&input, OutputFormat::Ndjson).unwrap(), b"");
    }

    #[test]
    fn ndjson_has_one_row_per_line() {
        let lines = render_text(&sample_grid(), OutputFormat::Ndjson, 80);
        let expected = concat!(
            r#"{"rank":1,"report":"Umsätze, \"alle\"\nLänder 💶","share":2.5,"#,
            r#""last_view":"2026-03-02T00:05:00+01:00","day":"2026-03-01"}"#,
            "\n",
            r#"{"rank":12,"report":"売上レポート","share":null,"last_view":null,"day":null}"#,
            "\n",
        );
        assert_eq!(lines, expected);
        let whole = render_text(&sample_grid(), OutputFormat::Json, 80);
        let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
        let rows: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whole["rows"].as_array().unwrap(), &rows);
    }

    #[test]
    fn numbers_without_a_json_form_are_null() {
        let mut grid = Grid::new([("x", CellKind::Float)]);
        grid.rows.push(vec![Cell::Float(f64::NAN)]);
        assert!(render_text(&grid, OutputFormat::Json, 80).contains("\"x\": null"));
    }
}
