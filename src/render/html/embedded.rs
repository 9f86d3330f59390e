//! Packs the details of items for the script of the page: JSON, compressed with zlib, as base64.
//!
//! The script reads columns and texts in the order in which they are written here.

use std::collections::HashMap;
use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::NaiveDate;
use chrono_tz::Tz;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use super::item_columns::{SharedTexts, TextWriter, TimeBase, gaps, is_text};
use super::table::column_title;
use crate::grid::Cell;
use crate::{Error, Result};

/// The largest number of bytes of the packed details of one period.
pub const MAX_DETAIL_BYTES: usize = 330_000;

/// The part of the bytes that are left for items that the next attempt to pack them uses.
const ATTEMPT_SHARE: f64 = 0.97;

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

/// Packs as many items as fit into `max_bytes`. `texts` has the texts of the periods before.
///
/// # Errors
///
/// [`Error::Internal`] only.
pub fn pack_items(
    period: &PeriodItems,
    zone: Tz,
    max_bytes: usize,
    texts: &mut SharedTexts,
) -> Result<PackedItems> {
    let mut kept = period.items.len();
    while kept > 0 {
        let mut table = texts.clone();
        let base64 = pack(period, &period.items[..kept], zone, &mut table)?;
        let bytes = base64.len();
        if bytes <= max_bytes {
            *texts = table;
            return Ok(PackedItems { base64, kept });
        }
        let share = max_bytes as f64 / bytes as f64 * ATTEMPT_SHARE;
        kept = ((kept as f64 * share) as usize).min(kept - 1);
    }
    Ok(PackedItems::default())
}

fn pack(
    period: &PeriodItems,
    items: &[ItemDetail],
    zone: Tz,
    texts: &mut SharedTexts,
) -> Result<String> {
    let text = period_json(period, items, zone, texts).to_string();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).map_err(Error::internal)?;
    let bytes = encoder.finish().map_err(Error::internal)?;
    Ok(BASE64_STANDARD.encode(bytes))
}

fn period_json(
    period: &PeriodItems,
    items: &[ItemDetail],
    zone: Tz,
    texts: &mut SharedTexts,
) -> Value {
    let days: Vec<String> = period.days.iter().map(|(day, _)| day.to_string()).collect();
    let incomplete: Vec<usize> = (0..period.days.len()).filter(|at| !period.days[*at].1).collect();
    let times = TimeBase::new(period.days.last().map(|(day, _)| *day), zone);
    let mut to = TextWriter::new(texts);
    // The script reads these columns in this order.
    let kinds = to.references(items.iter().map(|item| item.kind));
    let ids = to.references(items.iter().map(|item| item.id.as_str()));
    let names = to.references(items.iter().map(|item| item.name.as_str()));
    let places = to.references(items.iter().map(|item| item.place.as_str()));
    let facts = facts_json(items, &mut to, &times);
    let tables: Vec<Value> =
        period.tables.iter().map(|kind| table_json(kind, items, &mut to, &times)).collect();
    json!({
        "days": days,
        "incomplete": incomplete,
        "earlier": period.earlier_first.map(|day| day.to_string()),
        "end": times.end,
        "items": [kinds, ids, names, places],
        "facts": facts,
        "tables": tables,
        "compared": items.iter().map(|item| item.compared).collect::<Vec<_>>(),
        "views": items.iter().map(|item| &item.views).collect::<Vec<_>>(),
        "before": items.iter().map(|item| &item.earlier).collect::<Vec<_>>(),
        "texts": to.new,
    })
}

/// Returns the single values of items: one group of columns for each kind.
fn facts_json(items: &[ItemDetail], to: &mut TextWriter<'_>, times: &TimeBase) -> Vec<Value> {
    let mut groups: Vec<(Vec<&str>, Vec<usize>)> = Vec::new();
    for (at, item) in items.iter().enumerate().filter(|(_, item)| !item.facts.is_empty()) {
        let names: Vec<&str> = item.facts.iter().map(|(name, _)| *name).collect();
        match groups.iter_mut().find(|(known, _)| *known == names) {
            Some((_, positions)) => positions.push(at),
            None => groups.push((names, vec![at])),
        }
    }
    let group = |(names, positions): (Vec<&str>, Vec<usize>)| {
        let titles: Vec<Value> =
            names.iter().map(|name| json!([name, column_title(name)])).collect();
        let column = |fact: usize| {
            let cells: Vec<&Cell> = positions.iter().map(|at| &items[*at].facts[fact].1).collect();
            to.column(&cells, times)
        };
        let columns: Vec<Value> = (0..names.len()).map(column).collect();
        json!({ "names": titles, "items": gaps(&positions), "columns": columns })
    };
    groups.into_iter().map(group).collect()
}

/// Returns the rows of all items in a kind of table. Rows of several items have the same texts, so
/// each combination of them is written once.
fn table_json(
    kind: &ItemTableKind,
    items: &[ItemDetail],
    to: &mut TextWriter<'_>,
    times: &TimeBase,
) -> Value {
    let (mut positions, mut totals, mut counts, mut rows) = (vec![], vec![], vec![], vec![]);
    for (at, item) in items.iter().enumerate() {
        for table in item.tables.iter().filter(|table| table.name == kind.name) {
            positions.push(at);
            totals.push(table.total - table.rows.len().min(table.total));
            counts.push(table.rows.len());
            rows.extend(&table.rows);
        }
    }
    let cells = |column: usize| rows.iter().map(|row| &row[column]).collect::<Vec<&Cell>>();
    let all = 0..kind.columns.len();
    let (texts, others): (Vec<usize>, Vec<usize>) =
        all.partition(|column| is_text(&cells(*column)));
    let mut numbers: HashMap<Vec<Option<&str>>, usize> = HashMap::new();
    let (mut picked, mut first) = (Vec::new(), Vec::new());
    for row in &rows {
        let key = texts.iter().map(|column| match &row[*column] {
            Cell::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let next = numbers.len();
        let number = *numbers.entry(key.collect()).or_insert(next);
        picked.push(if number == next { 0 } else { number + 1 });
        if number == next {
            first.push(*row);
        }
    }
    let distinct = |column: &usize| {
        let cells: Vec<&Cell> = first.iter().map(|row| &row[*column]).collect();
        to.column(&cells, times)
    };
    let text_columns: Vec<Value> = texts.iter().map(distinct).collect();
    let columns: Vec<Value> = others.iter().map(|at| to.column(&cells(*at), times)).collect();
    let titles: Vec<Value> =
        kind.columns.iter().map(|name| json!([name, column_title(name)])).collect();
    json!({
        "name": kind.name,
        "title": kind.title,
        "columns": titles,
        "items": gaps(&positions),
        "more": totals,
        "rows": counts,
        "picked": picked,
        "texts": text_columns,
        "text_at": texts,
        "others": columns,
    })
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

    fn period(items: Vec<ItemDetail>) -> PeriodItems {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        PeriodItems {
            days: vec![(day("2026-03-01"), true), (day("2026-03-02"), false)],
            earlier_first: None,
            tables: vec![ItemTableKind {
                name: "viewers",
                title: "Viewers",
                columns: vec!["user", "views"],
            }],
            items,
        }
    }

    #[test]
    fn texts_are_written_once_for_all_periods() {
        let mut texts = SharedTexts::default();
        let mut pack = |items| pack_items(&period(items), Tz::UTC, 10_000, &mut texts).unwrap();
        let value = unpacked(&pack(vec![item("a"), item("b")]));
        assert_eq!(value["texts"], json!(["report", "a", "b", "</script> \"a\"", "", "ann"]));
        assert_eq!(value["items"], json!([[0, 1], [0, 0], [0, 4], [0, 5]]));
        assert_eq!(value["incomplete"], json!([1]));
        let table = &value["tables"][0];
        assert_eq!([&table["items"], &table["more"]], [&json!([0, 0]), &json!([6, 6])]);
        assert_eq!([&table["picked"], &table["rows"]], [&json!([0, 1]), &json!([1, 1])]);
        assert_eq!(table["texts"], json!([["s", [0]]]));
        assert_eq!(table["others"], json!([["n", [3, 3]]]));
        let value = unpacked(&pack(vec![item("b"), item("c")]));
        assert_eq!(value["texts"], json!(["c"]));
        assert_eq!(value["items"][1], json!([3, 0]));
    }

    #[test]
    fn items_are_packed_until_the_limit() {
        let all: Vec<ItemDetail> = (0..200).map(|at| item(&format!("{at}{at}"))).collect();
        let pack = |max_bytes| {
            let mut texts = SharedTexts::default();
            let packed = pack_items(&period(all.clone()), Tz::UTC, max_bytes, &mut texts).unwrap();
            (packed, texts)
        };
        let (whole, _) = pack(usize::MAX);
        assert_eq!(whole.kept, 200);
        for max_bytes in [whole.base64.len() - 1, whole.base64.len() / 2, 700] {
            let (packed, texts) = pack(max_bytes);
            assert!(packed.base64.len() <= max_bytes, "{} bytes", packed.base64.len());
            assert!(packed.kept > 0 && packed.kept < 200, "{} items", packed.kept);
            let value = unpacked(&packed);
            assert_eq!(value["items"][1].as_array().unwrap().len(), packed.kept);
            // Texts of attempts that were too large are forgotten.
            let mut next = SharedTexts::clone(&texts);
            let other = pack_items(&period(vec![item("199199")]), Tz::UTC, 9_999, &mut next);
            assert_eq!(unpacked(&other.unwrap())["texts"], json!(["199199"]));
        }
        let (none, _) = pack(10);
        assert_eq!((none.kept, none.base64.as_str()), (0, ""));
    }

    #[test]
    fn times_are_seconds_before_the_end_and_their_offsets() {
        let winter = 1_772_323_200_000_000;
        let time = |us: i64| Cell::Time { us };
        let mut texts = SharedTexts::default();
        let mut column = |cells: &[Cell]| {
            let day = NaiveDate::from_ymd_opt(2026, 3, 2);
            let times = TimeBase::new(day, Tz::Europe__Berlin);
            let mut to = TextWriter::new(&mut texts);
            let cells: Vec<&Cell> = cells.iter().collect();
            (to.column(&cells, &times), to.new)
        };
        let (same, new) = column(&[time(winter), Cell::Null, time(winter + 60_000_000)]);
        assert_eq!(same, json!(["t", [169_200, null, 169_140], [0]]));
        assert_eq!(new, ["+01:00"]);
        let summer = winter + 180 * 86_400_000_000;
        let (both, _) = column(&[time(winter), time(summer)]);
        assert_eq!(both, json!(["t", [169_200, 169_200 - 180 * 86_400 - 3_600], [1, 0]]));
        let (far, _) = column(&[time(i64::MAX / 4)]);
        assert_eq!(far[0], "n", "{far}");
        let (texts, _) = column(&[Cell::Text("x".into()), time(winter)]);
        assert_eq!(texts, json!(["n", ["x", "2026-03-01T01:00:00+01:00"]]));
    }
}
