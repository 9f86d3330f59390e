//! Reads the packed details of a dashboard: JSON in columns, with texts that periods share.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use base64::Engine;
use chrono::DateTime;
use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

use crate::html::Element;

/// Returns the packed texts of the periods, in the order of the page: key and JSON.
fn packed_texts(page: &Element) -> Vec<(String, String)> {
    let scripts = page.all("script").into_iter();
    let packed = scripts.filter(|script| script.get("class") == Some("details"));
    packed
        .map(|script| {
            let bytes = base64::prelude::BASE64_STANDARD.decode(script.text()).expect("base64");
            let mut text = String::new();
            ZlibDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("it is zlib");
            (script.get("data-period").expect("a period").to_owned(), text)
        })
        .collect()
}

/// Returns the texts of the packed details, by period.
pub fn unpacked(page: &Element) -> BTreeMap<String, String> {
    packed_texts(page).into_iter().collect()
}

/// Returns the number of bytes of the packed details of all periods.
pub fn packed_bytes(page: &Element) -> Vec<usize> {
    let scripts = page.all("script").into_iter();
    let packed = scripts.filter(|script| script.get("class") == Some("details"));
    packed.map(|script| script.text().len()).collect()
}

/// Returns the details by period: the items with their facts, days and tables.
pub fn details(page: &Element) -> BTreeMap<String, Value> {
    let mut texts = Vec::new();
    let period = |(key, text): (String, String)| {
        let data: Value = serde_json::from_str(&text).expect("the details are JSON");
        (key, PeriodReader::new(&data, &mut texts).read())
    };
    packed_texts(page).into_iter().map(period).collect()
}

pub fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().expect("a number")).expect("a small number")
}

/// Returns positions from the distance of each from the end of the one before.
fn positions(gaps: &Value) -> Vec<usize> {
    let mut next = 0;
    let position = |gap: &Value| {
        let at = next + number(gap);
        next = at + 1;
        at
    };
    list(gaps).iter().map(position).collect()
}

struct PeriodReader<'t> {
    data: &'t Value,
    texts: &'t Vec<String>,
    next: usize,
}

impl<'t> PeriodReader<'t> {
    fn new(data: &'t Value, texts: &'t mut Vec<String>) -> PeriodReader<'t> {
        let next = texts.len();
        texts.extend(list(&data["texts"]).iter().map(|text| text.as_str().unwrap().to_owned()));
        PeriodReader { data, texts, next }
    }

    fn text(&mut self, reference: &Value) -> Value {
        if reference.is_null() {
            return Value::Null;
        }
        let at = match number(reference) {
            0 => {
                self.next += 1;
                self.next - 1
            }
            reference => reference - 1,
        };
        json!(self.texts[at])
    }

    fn text_column(&mut self, references: &Value) -> Vec<Value> {
        list(references).iter().map(|reference| self.text(reference)).collect()
    }

    fn column(&mut self, column: &Value) -> Vec<Value> {
        match column[0].as_str().expect("a type") {
            "s" => self.text_column(&column[1]),
            "n" => list(&column[1]).clone(),
            "t" => {
                let offsets = self.text_column(&column[2]);
                let mut known = 0;
                let end = self.data["end"].as_i64().expect("seconds");
                let time = |seconds: &Value| {
                    let Some(seconds) = seconds.as_i64() else { return Value::Null };
                    let local = DateTime::from_timestamp(end - seconds, 0).expect("a time");
                    let offset = if offsets.len() == 1 { 0 } else { known };
                    known += 1;
                    let offset = offsets[offset].as_str().expect("a text");
                    json!(format!("{}{offset}", local.format("%Y-%m-%dT%H:%M:%S")))
                };
                list(&column[1]).iter().map(time).collect()
            }
            other => panic!("a column of type {other}"),
        }
    }

    fn read(mut self) -> Value {
        let columns: Vec<Vec<Value>> =
            list(&self.data["items"]).iter().map(|column| self.text_column(column)).collect();
        let mut facts = HashMap::new();
        for group in list(&self.data["facts"]) {
            let columns: Vec<Vec<Value>> =
                list(&group["columns"]).iter().map(|column| self.column(column)).collect();
            for (row, at) in positions(&group["items"]).into_iter().enumerate() {
                let names = list(&group["names"]).iter().zip(&columns);
                let values = names.map(|(name, column)| json!([name[0], name[1], column[row]]));
                facts.insert(at, values.collect::<Vec<_>>());
            }
        }
        let mut tables: HashMap<usize, Vec<Value>> = HashMap::new();
        for table in list(&self.data["tables"]) {
            for (at, rows) in self.table(table) {
                tables.entry(at).or_default().push(rows);
            }
        }
        let item = |at: usize| {
            json!({
                "kind": columns[0][at], "id": columns[1][at], "name": columns[2][at],
                "place": columns[3][at],
                "facts": facts.remove(&at).unwrap_or_default(),
                "compared": self.data["compared"][at],
                "views": self.data["views"][at],
                "before": self.data["before"][at],
                "tables": tables.remove(&at).unwrap_or_default(),
            })
        };
        let items: Vec<Value> = (0..columns[0].len()).map(item).collect();
        assert_eq!(self.next, self.texts.len(), "all texts are used");
        json!({
            "days": self.data["days"], "incomplete": self.data["incomplete"],
            "earlier": self.data["earlier"], "tables": self.data["tables"], "items": items,
        })
    }

    /// Returns the tables of a kind, with the positions of their items.
    fn table(&mut self, table: &Value) -> Vec<(usize, Value)> {
        let texts: Vec<Vec<Value>> =
            list(&table["texts"]).iter().map(|column| self.column(column)).collect();
        let others: Vec<Vec<Value>> =
            list(&table["others"]).iter().map(|column| self.column(column)).collect();
        let text_at: Vec<usize> = list(&table["text_at"]).iter().map(number).collect();
        let (mut row, mut known) = (0, 0);
        let mut found = Vec::new();
        for (place, at) in positions(&table["items"]).into_iter().enumerate() {
            let count = number(&table["rows"][place]);
            let mut rows = Vec::new();
            for _ in 0..count {
                let picked = match number(&table["picked"][row]) {
                    0 => {
                        known += 1;
                        known - 1
                    }
                    reference => reference - 1,
                };
                let mut others = others.iter();
                let cell = |column: usize| match text_at.iter().position(|at| *at == column) {
                    Some(text) => texts[text][picked].clone(),
                    None => others.next().expect("a column")[row].clone(),
                };
                rows.push((0..list(&table["columns"]).len()).map(cell).collect::<Vec<_>>());
                row += 1;
            }
            let of = count + number(&table["more"][place]);
            found.push((at, json!({ "name": table["name"], "of": of, "rows": rows })));
        }
        found
    }
}
