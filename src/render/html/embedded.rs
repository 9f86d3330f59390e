//! Packs the details of items for the script of the page: JSON, compressed with zlib, as base64.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::NaiveDate;
use chrono_tz::Tz;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use super::table::column_title;
use crate::grid::Cell;
use crate::render::text_width::printable;
use crate::render::time;
use crate::{Error, Result};

/// The largest number of bytes of JSON of one period.
pub const MAX_DETAIL_BYTES: usize = 1_800_000;

/// The details of the items of a period.
#[derive(Debug, Clone, Default)]
pub struct PeriodItems {
    /// The days of the period, with true for complete ones.
    pub days: Vec<(NaiveDate, bool)>,
    /// The first day of the previous period, if the log contains it.
    pub earlier_first: Option<NaiveDate>,
    /// The tables that items can have.
    pub tables: Vec<ItemTableKind>,
    /// The items, the most important ones first.
    pub items: Vec<ItemDetail>,
}

/// A table that items can have.
#[derive(Debug, Clone)]
pub struct ItemTableKind {
    /// The name, by which items refer to it.
    pub name: &'static str,
    /// The title.
    pub title: &'static str,
    /// The columns.
    pub columns: Vec<&'static str>,
}

/// The details of one item.
#[derive(Debug, Clone)]
pub struct ItemDetail {
    /// The kind of item, for example `report`.
    pub kind: &'static str,
    /// The ID, unique in its kind.
    pub id: String,
    /// The name.
    pub name: String,
    /// The name of the workspace; empty for none.
    pub place: String,
    /// Single values by column of the report that lists the items.
    pub facts: Vec<(&'static str, Cell)>,
    /// The views on comparable days of this and of the previous period.
    pub compared: Option<(i64, i64)>,
    /// The views of each day.
    pub views: Vec<Option<i64>>,
    /// The views of each day of the previous period; empty if it is unknown.
    pub earlier: Vec<Option<i64>>,
    /// The tables.
    pub tables: Vec<ItemTable>,
}

/// A table of one item.
#[derive(Debug, Clone)]
pub struct ItemTable {
    /// The name of its kind.
    pub name: &'static str,
    /// The number of rows, the ones left out included.
    pub total: usize,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// The packed details of a period.
#[derive(Debug, Clone, Default)]
pub struct PackedItems {
    /// The packed bytes as base64; empty for no items.
    pub base64: String,
    /// The number of items that are in it, from the first.
    pub kept: usize,
}

/// Packs as many items as fit into `max_bytes` of JSON.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn pack_items(period: &PeriodItems, zone: Tz, max_bytes: usize) -> Result<PackedItems> {
    if period.items.is_empty() {
        return Ok(PackedItems::default());
    }
    let days: Vec<String> = period.days.iter().map(|(day, _)| day.to_string()).collect();
    let incomplete: Vec<usize> = (0..period.days.len()).filter(|at| !period.days[*at].1).collect();
    let tables: Vec<Value> = period.tables.iter().map(table_kind_json).collect();
    let head = json!({
        "days": days,
        "incomplete": incomplete,
        "earlier": period.earlier_first.map(|day| day.to_string()),
        "tables": tables,
    });
    let head = head.to_string();
    let mut text = format!("{},\"items\":[", head.trim_end_matches('}'));
    let mut kept = 0;
    for item in &period.items {
        let item = item_json(item, zone).to_string();
        if text.len() + item.len() > max_bytes {
            break;
        }
        if kept > 0 {
            text.push(',');
        }
        text.push_str(&item);
        kept += 1;
    }
    text.push_str("]}");
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).map_err(Error::internal)?;
    let bytes = encoder.finish().map_err(Error::internal)?;
    Ok(PackedItems { base64: BASE64_STANDARD.encode(bytes), kept })
}

fn table_kind_json(kind: &ItemTableKind) -> Value {
    let columns: Vec<Value> =
        kind.columns.iter().map(|name| json!([name, column_title(name)])).collect();
    json!({ "name": kind.name, "title": kind.title, "columns": columns })
}

fn item_json(item: &ItemDetail, zone: Tz) -> Value {
    let facts: Vec<Value> = item
        .facts
        .iter()
        .map(|(name, cell)| json!([name, column_title(name), cell_json(cell, zone)]))
        .collect();
    let tables: Vec<Value> = item
        .tables
        .iter()
        .map(|table| {
            let row = |row: &Vec<Cell>| row.iter().map(|cell| cell_json(cell, zone)).collect();
            let rows: Vec<Vec<Value>> = table.rows.iter().map(row).collect();
            json!({ "name": table.name, "of": table.total, "rows": rows })
        })
        .collect();
    json!({
        "kind": item.kind,
        "id": printable(&item.id),
        "name": printable(&item.name),
        "place": printable(&item.place),
        "facts": facts,
        "compared": item.compared.map(|(now, before)| [now, before]),
        "views": item.views,
        "before": item.earlier,
        "tables": tables,
    })
}

/// Returns a value as in the JSON format of reports. Characters that are not printable, for example
/// those that reverse the text around them, are replaced as in tables.
fn cell_json(cell: &Cell, zone: Tz) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => json!(printable(text)),
        Cell::Int(number) => json!(number),
        Cell::Float(number) => json!(number),
        Cell::Bool(truth) => json!(truth),
        Cell::Time { us } => json!(time::instant_iso(*us, zone)),
        Cell::LocalTime { us } => json!(time::local_iso(*us)),
        Cell::Date { days } => json!(time::date_iso(*days)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    fn item(id: &str) -> ItemDetail {
        ItemDetail {
            kind: "report",
            id: id.to_owned(),
            name: "</script> \"a\"".to_owned(),
            place: String::new(),
            facts: vec![("views", Cell::Int(3))],
            compared: Some((3, 2)),
            views: vec![Some(3), None],
            earlier: Vec::new(),
            tables: vec![ItemTable {
                name: "viewers",
                total: 7,
                rows: vec![vec![Cell::Text("ann".into()), Cell::Int(3)]],
            }],
        }
    }

    fn unpacked(packed: &PackedItems) -> Value {
        let bytes = BASE64_STANDARD.decode(&packed.base64).unwrap();
        let mut text = String::new();
        ZlibDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn items_are_packed_until_the_limit() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let period = PeriodItems {
            days: vec![(day("2026-03-01"), true), (day("2026-03-02"), false)],
            earlier_first: None,
            tables: vec![ItemTableKind {
                name: "viewers",
                title: "Viewers",
                columns: vec!["user", "views"],
            }],
            items: vec![item("a"), item("b")],
        };
        let packed = pack_items(&period, Tz::UTC, 10_000).unwrap();
        let value = unpacked(&packed);
        assert_eq!((packed.kept, value["items"].as_array().unwrap().len()), (2, 2));
        assert_eq!(value["incomplete"], json!([1]));
        assert_eq!(
            value["items"][1]["tables"][0],
            json!({
                "name": "viewers", "of": 7, "rows": [["ann", 3]],
            })
        );
        let one = unpacked(&packed).to_string().len() - 100;
        let packed = pack_items(&period, Tz::UTC, one).unwrap();
        assert_eq!(packed.kept, 1);
        assert_eq!(unpacked(&packed)["items"].as_array().unwrap().len(), 1);
    }
}
