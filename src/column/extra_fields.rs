//! Collects statistics on the fields in `Extra`, by activity.
//!
//! The number of fields per activity is capped. The fields that stay do not depend on the order of
//! rows: those with the least depth stay, and of these the first by name, each with all
//! occurrences.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use crate::column::copies::is_annotation;
use crate::record::{Parser, Value, json};
use crate::schema::column_index;

/// The columns that [`ExtraFieldCollector::add`] reads, in its order.
pub const EXTRA_FIELD_COLUMNS: [&str; 4] = ["CreationTime", "Activity", "Operation", "Extra"];

/// The most fields of one activity that are listed.
const MAX_FIELDS_PER_ACTIVITY: usize = 500;
/// The most activities that are listed separately. Further ones are counted together.
const MAX_ACTIVITIES: usize = 2_000;
/// The most fields of all activities together.
const MAX_FIELDS: usize = 50_000;
/// The most characters of a field's name.
const MAX_NAME_CHARS: usize = 200;
/// The most characters of an example.
const MAX_EXAMPLE_CHARS: usize = 60;
/// The most levels of nesting that are read.
const MAX_DEPTH: usize = 16;

/// The name of the activities beyond `MAX_ACTIVITIES`.
const OTHER_ACTIVITIES: &str = "(others)";

/// Statistics on one field of one activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFieldStats {
    /// The number of occurrences.
    pub count: u64,
    /// The types of its values in alphabetical order: "number", "text", …
    pub types: Vec<&'static str>,
    /// The time of its first occurrence, in microseconds since 1970 (UTC).
    pub first_us: i64,
    /// The time of its last occurrence, in microseconds since 1970 (UTC).
    pub last_us: i64,
    /// Its first value, at most 60 characters.
    pub example: String,
}

/// The fields of one activity, by depth and name.
#[derive(Debug)]
struct ActivityFields {
    /// The most fields that are listed. It never grows.
    max_fields: usize,
    fields: BTreeMap<(usize, String), ExtraFieldStats>,
    is_capped: bool,
}

/// Collects statistics on the fields of many rows.
pub struct ExtraFieldCollector {
    /// The most fields of an activity that are listed. It never grows.
    max_fields: usize,
    activities: BTreeMap<String, ActivityFields>,
    parser: Parser,
    rows: u64,
}

impl Default for ExtraFieldCollector {
    fn default() -> Self {
        ExtraFieldCollector {
            max_fields: MAX_FIELDS_PER_ACTIVITY,
            activities: BTreeMap::new(),
            parser: Parser::default(),
            rows: 0,
        }
    }
}

impl ExtraFieldCollector {
    /// Adds rows. `columns` are those of [`EXTRA_FIELD_COLUMNS`].
    ///
    /// # Errors
    ///
    /// A message if a column has another type, or `Extra` is not JSON.
    pub fn add(&mut self, columns: &[ArrayRef]) -> Result<(), String> {
        let [times, activities, operations, extras] = columns else {
            return Err(format!("expected 4 columns, found {}", columns.len()));
        };
        let times = times.as_primitive_opt::<TimestampMicrosecondType>();
        let texts = |column: &'_ ArrayRef| column.as_string_opt::<i32>().cloned();
        let (Some(times), Some(activities), Some(operations), Some(extras)) =
            (times, texts(activities), texts(operations), texts(extras))
        else {
            return Err("a column has another type than in the table".to_owned());
        };
        let mut parser = std::mem::take(&mut self.parser);
        for row in (0..extras.len()).filter(|&row| extras.is_valid(row) && times.is_valid(row)) {
            self.rows += 1;
            let name = match (activities.is_valid(row), operations.is_valid(row)) {
                (true, _) => activities.value(row),
                (false, true) => operations.value(row),
                (false, false) => "",
            };
            let time_us = times.value(row);
            let activity = self.activity_entry(name);
            let parsed = parser.parse(extras.value(row).as_bytes(), |record| {
                if let Value::Object(object) = record.root() {
                    let mut path = String::new();
                    for (name, value) in object.members() {
                        activity.add_member(name, value, 0, time_us, &mut path);
                    }
                }
            });
            parsed.map_err(|error| format!("Extra is not valid JSON: {}", error.reason))?;
            if self.rows.is_multiple_of(64) {
                self.enforce_total_cap();
            }
        }
        self.parser = parser;
        self.enforce_total_cap();
        Ok(())
    }

    fn activity_entry(&mut self, name: &str) -> &mut ActivityFields {
        let is_known = self.activities.contains_key(name);
        let name = match is_known || self.activities.len() < MAX_ACTIVITIES {
            true => name,
            false => OTHER_ACTIVITIES,
        };
        let max_fields = self.max_fields;
        let new = || ActivityFields { max_fields, fields: BTreeMap::new(), is_capped: false };
        self.activities.entry(name.to_owned()).or_insert_with(new)
    }

    /// Halves the cap of all activities until the total is at most `MAX_FIELDS`.
    fn enforce_total_cap(&mut self) {
        let total = |activities: &BTreeMap<String, ActivityFields>| -> usize {
            activities.values().map(|activity| activity.fields.len()).sum()
        };
        while total(&self.activities) > MAX_FIELDS && self.max_fields > 1 {
            self.max_fields /= 2;
            for activity in self.activities.values_mut() {
                activity.max_fields = self.max_fields;
                activity.enforce_cap();
            }
        }
    }

    /// Returns the number of rows with a value in `Extra`.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the activities with more fields than the cap.
    pub fn capped_activities(&self) -> impl Iterator<Item = &str> {
        let capped = self.activities.iter().filter(|(_, activity)| activity.is_capped);
        capped.map(|(name, _)| name.as_str())
    }

    /// Returns every field: its activity, its name, true if a typed column has that name, and its
    /// statistics.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, bool, &ExtraFieldStats)> {
        self.activities.iter().flat_map(|(activity, known)| {
            known.fields.iter().map(move |((_, name), field)| {
                let top = name.split(['.', '[']).next().unwrap_or(name);
                (activity.as_str(), name.as_str(), column_index(top).is_some(), field)
            })
        })
    }
}

impl ActivityFields {
    /// Counts a member and its nested values, unless it is an annotation. `path` is the path before
    /// its name.
    fn add_member(
        &mut self,
        name: &str,
        value: Value<'_>,
        depth: usize,
        time_us: i64,
        path: &mut String,
    ) {
        // Annotations are not fields of the event.
        if is_annotation(name) {
            return;
        }
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        let room = MAX_NAME_CHARS.saturating_sub(path.chars().count());
        path.extend(name.chars().take(room));
        self.add_value(value, depth, time_us, path);
        path.truncate(before);
    }

    fn add_value(&mut self, value: Value<'_>, depth: usize, time_us: i64, path: &mut String) {
        let ty = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Decimal(_) => "number",
            Value::Text(_) => "text",
            Value::List(_) => "list",
            Value::Object(_) => "object",
        };
        self.count_field(path, depth, ty, value, time_us);
        if depth >= MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(object) => {
                for (name, value) in object.members() {
                    self.add_member(name, value, depth + 1, time_us, path);
                }
            }
            Value::List(list) => {
                let before = path.len();
                path.push_str("[]");
                for item in list.items() {
                    match item {
                        Value::Object(object) => {
                            for (name, value) in object.members() {
                                self.add_member(name, value, depth + 1, time_us, path);
                            }
                        }
                        item => self.add_value(item, depth + 1, time_us, path),
                    }
                }
                path.truncate(before);
            }
            _ => {}
        }
    }

    fn count_field(
        &mut self,
        path: &str,
        depth: usize,
        ty: &'static str,
        value: Value<'_>,
        at: i64,
    ) {
        let key = (depth, path.to_owned());
        if let Some(field) = self.fields.get_mut(&key) {
            field.count += 1;
            if let Err(index) = field.types.binary_search(&ty) {
                field.types.insert(index, ty);
            }
            if at < field.first_us {
                field.first_us = at;
                field.example = format_example(value);
            } else if at == field.first_us {
                // At equal times, the example must not depend on the order of rows.
                let other = format_example(value);
                if other < field.example {
                    field.example = other;
                }
            }
            field.last_us = field.last_us.max(at);
            return;
        }
        // The field would be removed at once. It may have been listed before, with a count that is
        // lost. A removed field never returns, since the fields before it only become more.
        let is_full = self.fields.len() >= self.max_fields;
        if is_full && self.fields.last_key_value().is_some_and(|(last, _)| key > *last) {
            self.is_capped = true;
            return;
        }
        let (types, example) = (vec![ty], format_example(value));
        let field = ExtraFieldStats { count: 1, types, first_us: at, last_us: at, example };
        self.fields.insert(key, field);
        self.enforce_cap();
    }

    fn enforce_cap(&mut self) {
        while self.fields.len() > self.max_fields {
            self.fields.pop_last();
            self.is_capped = true;
        }
    }
}

/// Formats a value as JSON, or a text as it is, and truncates it.
fn format_example(value: Value<'_>) -> String {
    let truncate = |text: &str| match text.char_indices().nth(MAX_EXAMPLE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match value {
        Value::Text(text) => truncate(text),
        value => {
            let mut text = Vec::new();
            json::write(value, &mut text);
            truncate(&String::from_utf8_lossy(&text))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringArray, TimestampMicrosecondArray};

    use crate::column::extra_fields::*;

    fn columns(rows: &[(i64, &str, &str)]) -> Vec<ArrayRef> {
        let times = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| row.0));
        let names = StringArray::from_iter_values(rows.iter().map(|row| row.1));
        let extras = StringArray::from_iter_values(rows.iter().map(|row| row.2));
        let operations: StringArray = rows.iter().map(|_| None::<&str>).collect();
        vec![Arc::new(times), Arc::new(names), Arc::new(operations), Arc::new(extras)]
    }

    #[test]
    fn fields_at_every_depth_have_types_and_first_value() {
        let mut fields = ExtraFieldCollector::default();
        let rows = [
            (20, "View", r#"{"New":{"a":1,"b":[{"c":"x"},{"c":null}]},"ClientIP":"1.2.3.4:5"}"#),
            (10, "View", r#"{"New":"first","List":[1.5,[true]]}"#),
            (30, "Edit", r#"{"New":7}"#),
        ];
        fields.add(&columns(&rows)).unwrap();
        let found: Vec<String> = fields
            .iter()
            .map(|(activity, name, is_column, field)| {
                let types = field.types.join("|");
                let (count, first) = (field.count, field.first_us);
                format!("{activity} {name} {is_column} {count} {types} {first} {}", field.example)
            })
            .collect();
        let expected = [
            "Edit New false 1 int 30 7",
            "View ClientIP true 1 text 20 1.2.3.4:5",
            "View List false 1 list 10 [1.5,[true]]",
            "View New false 2 object|text 10 first",
            "View List[] false 2 list|number 10 1.5",
            "View New.a false 1 int 20 1",
            "View New.b false 1 list 20 [{\"c\":\"x\"},{\"c\":null}]",
            "View List[][] false 1 bool 10 true",
            "View New.b[].c false 2 null|text 20 null",
        ];
        assert_eq!(found, expected);
        assert_eq!((fields.rows(), fields.capped_activities().count()), (3, 0));
    }

    #[test]
    fn capped_fields_do_not_depend_on_the_order_of_rows() {
        let texts: Vec<String> = (0..3_000)
            .map(|n| format!(r#"{{"Zone":{n},"by":{{"{:05}":1}}}}"#, n * 7919 % 3_000))
            .collect();
        let rows: Vec<_> = texts.iter().map(|text| (5, "View", text.as_str())).collect();
        let all = |rows: &[(i64, &str, &str)]| {
            let mut fields = ExtraFieldCollector::default();
            fields.add(&columns(rows)).unwrap();
            assert_eq!(fields.capped_activities().collect::<Vec<_>>(), ["View"]);
            let all = fields.iter().map(|(_, name, _, field)| (name.to_owned(), field.clone()));
            all.collect::<Vec<_>>()
        };
        let mut reversed = rows.clone();
        reversed.reverse();
        let found = all(&rows);
        assert_eq!(found.len(), MAX_FIELDS_PER_ACTIVITY);
        assert_eq!((found[0].0.as_str(), found[0].1.count), ("Zone", 3_000));
        assert_eq!(found, all(&reversed));
    }

    #[test]
    fn activities_are_capped() {
        let names: Vec<String> = (0..2_100).map(|n| format!("A{n}")).collect();
        let text =
            format!("{{{}}}", (0..40).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
        let rows: Vec<_> = names.iter().map(|name| (5, name.as_str(), text.as_str())).collect();
        let mut fields = ExtraFieldCollector::default();
        fields.add(&columns(&rows)).unwrap();
        assert!(fields.iter().count() <= MAX_FIELDS);
        assert!(fields.iter().any(|(activity, ..)| activity == OTHER_ACTIVITIES));
    }
}
