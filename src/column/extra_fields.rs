//! The fields that stand in `Extra`: which there are, of which activity, since when.
//!
//! Which fields of an activity a cap leaves out does not depend on the order of rows: the shallow
//! ones stay, and of these the first by name, each with all its occurrences.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;

use crate::record::{Parser, Value, json};
use crate::schema::column_index;

/// The columns that [`Fields::add`] looks at, in its order.
pub const EXTRA_FIELD_COLUMNS: [&str; 4] = ["CreationTime", "Activity", "Operation", "Extra"];

/// Fields of one activity that are told apart.
const MAX_FIELDS_PER_ACTIVITY: usize = 500;
/// Activities that are told apart; all others are one.
const MAX_ACTIVITIES: usize = 2_000;
/// Fields of all activities together.
const MAX_FIELDS: usize = 50_000;
/// Characters of a field's name.
const MAX_NAME_CHARS: usize = 200;
/// Characters of an example.
const MAX_EXAMPLE_CHARS: usize = 60;
/// Levels of nesting that are looked into.
const MAX_DEPTH: usize = 16;

/// What stands for activities beyond [`ACTIVITIES_MAX`].
const OTHER_ACTIVITIES: &str = "(others)";

/// One field of one activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraFieldStats {
    /// How often it occurs.
    pub count: u64,
    /// Which types its values have: "text", "number", … in order.
    pub types: Vec<&'static str>,
    /// Its first occurrence, in microseconds since 1970 (UTC).
    pub first_us: i64,
    /// Its last.
    pub last_us: i64,
    /// Its first value, cut.
    pub example: String,
}

/// The fields of one activity, by depth and name.
#[derive(Debug)]
struct ActivityFields {
    /// How many fields are told apart; it never grows.
    max_fields: usize,
    fields: BTreeMap<(usize, String), ExtraFieldStats>,
    is_capped: bool,
}

/// Gathers the fields of many rows.
pub struct ExtraFieldCollector {
    /// How many fields of an activity are told apart; it never grows.
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
    /// Looks at rows; `columns` are those of [`FIELD_COLUMNS`].
    ///
    /// # Errors
    ///
    /// A sentence where a column is of another type, or `Extra` no JSON.
    pub fn add(&mut self, columns: &[ArrayRef]) -> Result<(), String> {
        let [times, activities, operations, extras] = columns else {
            return Err("four columns were expected".to_owned());
        };
        let times = times.as_primitive_opt::<TimestampMicrosecondType>();
        let texts = |column: &'_ ArrayRef| column.as_string_opt::<i32>().cloned();
        let (Some(times), Some(activities), Some(operations), Some(extras)) =
            (times, texts(activities), texts(operations), texts(extras))
        else {
            return Err("a column is not of the table's type".to_owned());
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
            parsed.map_err(|malformed| format!("Extra is no JSON: {}", malformed.reason))?;
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
        let most = self.max_fields;
        let new = || ActivityFields { max_fields: most, fields: BTreeMap::new(), is_capped: false };
        self.activities.entry(name.to_owned()).or_insert_with(new)
    }

    /// Many activities with many fields each are cut all alike.
    fn enforce_total_cap(&mut self) {
        let held = |all: &BTreeMap<String, ActivityFields>| -> usize {
            all.values().map(|activity| activity.fields.len()).sum()
        };
        while held(&self.activities) > MAX_FIELDS && self.max_fields > 1 {
            self.max_fields /= 2;
            let most = self.max_fields;
            for activity in self.activities.values_mut() {
                activity.max_fields = most;
                activity.enforce_cap();
            }
        }
    }

    /// How many rows had something in `Extra`.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The activities of which there are more fields than were told apart.
    pub fn capped_activities(&self) -> impl Iterator<Item = &str> {
        let capped = self.activities.iter().filter(|(_, activity)| activity.is_capped);
        capped.map(|(name, _)| name.as_str())
    }

    /// Every field: its activity, its name, whether a typed column has that name, and the rest.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, bool, &ExtraFieldStats)> {
        self.activities.iter().flat_map(|(activity, held)| {
            held.fields.iter().map(move |((_, name), field)| {
                let top = name.split(['.', '[']).next().unwrap_or(name);
                (activity.as_str(), name.as_str(), column_index(top).is_some(), field)
            })
        })
    }
}

impl ActivityFields {
    /// Counts a member and what is in it. `path` is what stands before its name.
    fn add_member(
        &mut self,
        name: &str,
        value: Value<'_>,
        depth: usize,
        time_us: i64,
        path: &mut String,
    ) {
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
            if let Err(place) = field.types.binary_search(&ty) {
                field.types.insert(place, ty);
            }
            if at < field.first_us {
                field.first_us = at;
                field.example = format_example(value);
            } else if at == field.first_us {
                // Of one instant, whichever row comes first in the files.
                let other = format_example(value);
                if other < field.example {
                    field.example = other;
                }
            }
            field.last_us = field.last_us.max(at);
            return;
        }
        // One that would be taken out again at once. It may have been before, with a count that is
        // gone: what is taken out never comes back, as those before it only get more.
        let is_full = self.fields.len() >= self.max_fields;
        if is_full && self.fields.last_key_value().is_some_and(|(last, _)| key > *last) {
            self.is_capped = true;
            return;
        }
        let field = ExtraFieldStats {
            count: 1,
            types: vec![ty],
            first_us: at,
            last_us: at,
            example: format_example(value),
        };
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

/// A value as JSON, a text as it is, cut.
fn format_example(value: Value<'_>) -> String {
    let cut = |text: &str| match text.char_indices().nth(MAX_EXAMPLE_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    };
    match value {
        Value::Text(text) => cut(text),
        value => {
            let mut text = Vec::new();
            json::write(value, &mut text);
            cut(&String::from_utf8_lossy(&text))
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
    fn fields_are_found_at_every_depth_with_types_and_first_value() {
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
    fn keys_without_number_are_capped_and_which_stay_does_not_depend_on_order() {
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
        let mut back = rows.clone();
        back.reverse();
        let found = all(&rows);
        assert_eq!(found.len(), MAX_FIELDS_PER_ACTIVITY);
        assert_eq!((found[0].0.as_str(), found[0].1.count), ("Zone", 3_000));
        assert_eq!(found, all(&back));
    }

    #[test]
    fn activities_without_number_are_capped_too() {
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
