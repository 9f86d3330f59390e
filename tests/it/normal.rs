//! Defines the row invariant a second time: an event is its typed columns overlaid by `Extra`, up
//! to the normal forms below.
//!
//! - Names of known fields have one spelling; a null under such a name equals its absence.
//! - GUIDs under ids, and user names, are in lower case.
//! - Instants of typed columns are in UTC, unless they have more digits than microseconds.
//! - A name that occurs more than once, in any spelling, has its values as they were written.
//! - A list that Windows PowerShell wrapped, with its count, is that list.
//!
//! All other values that a column cannot store exactly (another type, an unknown member, an address
//! with its port) are returned exactly as they were. Only the table of columns is shared with the
//! program.

use pbi_analyze::internals::schema::{ColumnType, column_index, columns};

use crate::exact::Json;
use crate::oracle;
use crate::table::time_text;

/// Returns the event as the store returns it, members sorted by name.
pub fn normal(event: &Json) -> Json {
    with_times(event, time_text)
}

/// Returns the event as `export` writes it, members sorted by name.
pub fn exported(event: &Json) -> Json {
    with_times(event, |us| Json::Text(short_time(us)))
}

/// Formats an instant as `export` does: with a fraction only if there is one.
fn short_time(us: i64) -> String {
    let Json::Text(time) = time_text(us) else { panic!("a time is text") };
    time.replace(".000000Z", "Z")
}

fn with_times(event: &Json, time: fn(i64) -> Json) -> Json {
    let mut members = Vec::new();
    let column = |name: &str| column_index(name).map(|number| &columns()[number]);
    for (name, value) in event.members() {
        let Some(column) = column(name) else {
            members.push((name.clone(), value.clone()));
            continue;
        };
        let is_same = |(other, value): &&(String, Json)| {
            column_index(other) == column_index(name) && *value != Json::Null
        };
        if *value == Json::Null {
            continue;
        }
        if event.members().iter().filter(is_same).count() > 1 {
            // A name that occurs more than once has its values as they were written. The spelling
            // that counts becomes the name of the column.
            let rank = |name: &String| {
                (name != column.name, !name.eq_ignore_ascii_case(column.name), name.clone())
            };
            let all = event.members().iter().filter(is_same);
            let best = all.map(|(name, _)| rank(name)).min();
            let is_best = best == Some(rank(name));
            let name = if is_best { column.name } else { name };
            members.push((name.to_owned(), value.clone()));
        } else {
            let fitted = fit(&column.ty, value, time);
            members.push((column.name.to_owned(), fitted.unwrap_or_else(|| value.clone())));
        }
    }
    Json::Object(members).sorted()
}

/// Returns the normal form of a value; `None` if a column of the type cannot store it exactly.
fn fit(ty: &ColumnType, value: &Json, time: fn(i64) -> Json) -> Option<Json> {
    match (ty, value) {
        (ColumnType::Text, Json::Text(_)) | (ColumnType::Bool, Json::Bool(_)) => {
            Some(value.clone())
        }
        (ColumnType::Id, Json::Text(text)) => {
            Some(if is_guid(text) { Json::Text(text.to_lowercase()) } else { value.clone() })
        }
        (ColumnType::User, Json::Text(text)) => {
            let is_name = text.contains('@') || is_guid(text);
            Some(if is_name { Json::Text(text.to_lowercase()) } else { value.clone() })
        }
        (ColumnType::Time, Json::Text(text)) => {
            let exact = text.split_once('.').is_none_or(|(_, fraction)| {
                let digits: String = fraction.chars().take_while(char::is_ascii_digit).collect();
                digits.trim_end_matches('0').len() <= 6
            });
            let instant = oracle::parse_time(text).filter(|_| exact)?;
            Some(time(instant.timestamp_micros()))
        }
        (ColumnType::Int | ColumnType::RecordType | ColumnType::UserType, Json::Number(text)) => {
            text.parse::<i64>().is_ok().then(|| value.clone())
        }
        (ColumnType::List(item), Json::List(items)) => {
            let fitted = items.iter().map(|value| match value {
                Json::Null => Some(Json::Null),
                value => fit(item, value, time),
            });
            fitted.collect::<Option<Vec<_>>>().map(Json::List)
        }
        (ColumnType::List(_), Json::Object(members)) => {
            let member = |name: &str| members.iter().find(|(known, _)| known == name);
            let (_, list @ Json::List(items)) = member("value")? else { return None };
            let count = Json::Number(items.len().to_string());
            let is_wrapping = members.len() == 2 && member("Count")?.1 == count;
            is_wrapping.then(|| fit(ty, list, time)).flatten()
        }
        (ColumnType::Struct(known), Json::Object(members)) => {
            let fitted = members.iter().map(|(name, value)| {
                let (name, ty) = known.iter().find(|(known, _)| known == name)?;
                Some(((*name).to_owned(), fit(ty, value, time)?))
            });
            fitted.collect::<Option<Vec<_>>>().map(Json::Object)
        }
        // A column stores an address without its port; `Extra` returns the whole address.
        _ => None,
    }
}

pub fn is_guid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
