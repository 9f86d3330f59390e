//! The law that the table serves, written down a second time: an event is its typed columns
//! overlaid by `Extra`, up to the normal forms below and to nothing else.
//!
//! - Names of known fields have one spelling; a null under such a name is as good as its absence.
//! - GUIDs under ids, and user names, are in lower case.
//! - Instants of typed columns are in UTC, unless they are finer than a microsecond.
//! - A name that occurs more than once, in whatever spelling, has its values as they were written.
//! - A list that Windows PowerShell wrapped, with its count, is that list.
//!
//! Whatever else a column cannot hold (another type, an unknown member, an address with its port)
//! comes back exactly as it was. Only the table of columns is shared with the program.

use pbi_analyze::schema::{ColumnType, column_index, columns};

use crate::exact::Json;
use crate::oracle;
use crate::table::time_text;

/// The event as the store gives it back, members sorted by name.
pub fn normal(event: &Json) -> Json {
    with_times(event, time_text)
}

/// The event as `export` writes it, members sorted by name.
pub fn exported(event: &Json) -> Json {
    with_times(event, |us| Json::Text(short_time(us)))
}

/// An instant as `export` writes it: with a fraction only where there is one.
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
            // A name that occurs more than once has its values as they were written.
            let is_spelling = name.eq_ignore_ascii_case(column.name);
            let name = if is_spelling { name } else { column.name };
            members.push((name.to_owned(), value.clone()));
        } else {
            let fitted = fit(&column.ty, value, time);
            members.push((column.name.to_owned(), fitted.unwrap_or_else(|| value.clone())));
        }
    }
    Json::Object(members).sorted()
}

/// The value in its normal form, if a column of the type holds it exactly.
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
        // An address loses its port in the column and comes back from `Extra` with it.
        _ => None,
    }
}

pub fn is_guid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
