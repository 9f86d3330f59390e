//! Compares the values that copies of an event have for one field.

use std::borrow::Cow;

use crate::column::text::Normalization;
use crate::record::{Object, Parser, Value, json, record_type, time, whole_number};
use crate::schema::guid::is_guid;
use crate::schema::{ColumnType, user_type_by_name};

/// The amount of content of a value. A value with less does not contradict one with more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Content {
    /// Null, in a field without a column.
    Null,
    /// A text without any character but white space.
    Blank,
    /// The name of a type in place of a nested value: `System.Object[]`.
    TypeName,
    /// An empty list or object.
    Empty,
    /// The text form of a nested value: `@{Name=x}`, `[{'Name': 'x'}]`.
    Rendering,
    /// A nested value with a type name or a text form inside.
    Partial,
    /// Any other value.
    Full,
}

impl Content {
    /// Returns true if two different values of this kind contradict each other.
    pub(super) fn can_conflict(self) -> bool {
        self >= Content::Rendering
    }
}

/// The rank of a value among all values of its field. The highest value counts. The rank depends
/// on the value only, and different texts have different ranks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ValueRank {
    pub(super) content: Content,
    /// True if the value can be converted to the type of the column.
    fits: bool,
    /// True if the value has the type of the column, and not only a text that says the same.
    has_type: bool,
    length: usize,
    /// The value as JSON. If the name occurs several times in an event, all its values.
    pub(super) texts: Vec<String>,
}

/// A value with its meaning: values with one meaning differ in notation only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RankedValue {
    pub(super) rank: ValueRank,
    pub(super) meaning: String,
}

impl RankedValue {
    /// Ranks the values that a name has in one copy. `ty` is the type of its column.
    pub(super) fn new(ty: Option<&ColumnType>, values: &[Value<'_>], parser: &mut Parser) -> Self {
        let mut ranked = RankedValue {
            rank: ValueRank {
                content: Content::Null,
                fits: true,
                has_type: true,
                length: 0,
                texts: Vec::with_capacity(values.len()),
            },
            meaning: String::new(),
        };
        for &value in values {
            let mut text = Vec::new();
            json::write(value, &mut text);
            let text = String::from_utf8_lossy(&text).into_owned();
            let rank = &mut ranked.rank;
            let (content, meaning, fits) = with_inner_json(value, parser, |inner| {
                let (meaning, fits) = meaning(ty, value, inner);
                (content(inner), meaning, fits)
            });
            rank.content = rank.content.max(content);
            rank.fits &= fits;
            rank.has_type &= has_type(ty, value);
            rank.length += text.len();
            rank.texts.push(text);
            ranked.meaning.push_str(&meaning);
            ranked.meaning.push('\n');
        }
        ranked
    }
}

/// Returns true if the member of an event is about its record in a store or a file, and not about
/// the event: annotations of OData, metadata of document stores, index columns without a name.
pub(in crate::column) fn is_annotation(name: &str) -> bool {
    name.trim().is_empty()
        || name.starts_with(['@', '_'])
        || name.contains("@odata.")
        || name.strip_prefix("Unnamed: ").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
}

/// Calls `then` with the value, or with the list or object whose JSON text it is.
fn with_inner_json<T>(value: Value<'_>, parser: &mut Parser, then: impl Fn(Value<'_>) -> T) -> T {
    if let Value::Text(text) = value
        && text.trim_start().starts_with(['[', '{'])
        && let Ok(done) = parser.parse(text.trim().as_bytes(), |record| then(record.root()))
    {
        return done;
    }
    then(value)
}

fn content(value: Value<'_>) -> Content {
    match value {
        Value::Null => Content::Null,
        Value::Text(text) => text_content(text),
        Value::List(list) if list.is_empty() => Content::Empty,
        Value::Object(object) if object.is_empty() => Content::Empty,
        Value::List(list) => nested_content(list.items().map(content)),
        Value::Object(object) => nested_content(object.members().map(|(_, v)| content(v))),
        Value::Bool(_) | Value::Int(_) | Value::Decimal(_) => Content::Full,
    }
}

/// Returns the content of a list or an object with these values.
fn nested_content(values: impl Iterator<Item = Content>) -> Content {
    let (mut has_other, mut has_lost) = (false, false);
    for content in values {
        match content {
            Content::TypeName => has_lost = true,
            Content::Rendering | Content::Partial => (has_lost, has_other) = (true, true),
            _ => has_other = true,
        }
    }
    match (has_lost, has_other) {
        (false, _) => Content::Full,
        (true, false) => Content::TypeName,
        (true, true) => Content::Partial,
    }
}

/// Returns the content of a text. PowerShell writes the type of a nested value, or its text form,
/// if it converts to CSV or reaches the depth of ConvertTo-Json. Python writes its text form.
fn text_content(text: &str) -> Content {
    let text = text.trim();
    let starts = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
    if text.is_empty() {
        Content::Blank
    } else if ["System.Object[]", "System.String[]", "[object Object]"].contains(&text)
        || !text.contains(' ') && starts(&["System.Collections.", "System.Management.Automation."])
    {
        Content::TypeName
    } else if text.starts_with("@{") && text.ends_with('}')
        || starts(&["[{'", "['"]) && text.ends_with(']')
        || text.starts_with("{'") && text.ends_with('}')
    {
        Content::Rendering
    } else {
        Content::Full
    }
}

fn has_type(ty: Option<&ColumnType>, value: Value<'_>) -> bool {
    match (ty, value) {
        (
            Some(
                ColumnType::Text
                | ColumnType::Id
                | ColumnType::User
                | ColumnType::Ip
                | ColumnType::Time,
            ),
            value,
        ) => matches!(value, Value::Text(_)),
        (_, value) => !matches!(value, Value::Text(_)),
    }
}

/// Returns the meaning of a value, and true if the type of the column can represent it. `inner` is
/// the value, or the list or object whose JSON text it is.
fn meaning(ty: Option<&ColumnType>, value: Value<'_>, inner: Value<'_>) -> (String, bool) {
    let is_nested = matches!(inner, Value::List(_) | Value::Object(_));
    if let Some(ColumnType::List(_)) = ty
        && let Value::Object(object) = inner
        && powershell_list(object).is_none()
    {
        // PowerShell writes a list of one item as the item.
        let mut text = "[".to_owned();
        write_canonical(inner, &mut text);
        text.push(']');
        return (text, true);
    }
    if is_nested {
        let mut text = String::new();
        write_canonical(inner, &mut text);
        let is_text = matches!(value, Value::Text(_));
        let fits = match ty {
            None | Some(ColumnType::List(_) | ColumnType::Struct(_)) => true,
            Some(ColumnType::Text) => is_text,
            Some(_) => false,
        };
        return (text, fits);
    }
    let text = scalar_text(value);
    let number = |number: Option<i64>| match number {
        Some(number) => (number.to_string(), true),
        None => (text.clone().into_owned(), false),
    };
    let normal = |normal: Normalization| (normal.apply(&text).0.into_owned(), true);
    match ty {
        None if ["true", "false"].iter().any(|word| text.eq_ignore_ascii_case(word)) => {
            (text.to_ascii_lowercase(), true)
        }
        None | Some(ColumnType::Text) => (text.into_owned(), true),
        Some(ColumnType::Id) => normal(Normalization::Id),
        Some(ColumnType::User) => normal(Normalization::User),
        Some(ColumnType::Ip) => normal(Normalization::Ip),
        Some(ColumnType::Int) => number(whole_number(value)),
        Some(ColumnType::RecordType) => number(record_type(value)),
        Some(ColumnType::UserType) => {
            number(whole_number(value).or_else(|| user_type_by_name(text.trim())))
        }
        Some(ColumnType::Time) => number(time::parse(&text).map(|instant| instant.epoch_us)),
        Some(ColumnType::Bool) => {
            let word = text.trim().to_ascii_lowercase();
            let fits = word == "true" || word == "false";
            (if fits { word } else { text.into_owned() }, fits)
        }
        Some(ColumnType::List(_) | ColumnType::Struct(_)) => (text.into_owned(), false),
    }
}

fn scalar_text<'v>(value: Value<'v>) -> Cow<'v, str> {
    match value {
        Value::Text(text) | Value::Decimal(text) => Cow::Borrowed(text),
        Value::Int(number) => Cow::Owned(number.to_string()),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Null | Value::List(_) | Value::Object(_) => Cow::Borrowed("null"),
    }
}

/// Appends a nested value without what does not change its meaning: the order of members, the case
/// of their names and of GUIDs, nulls, and the form in which PowerShell 5.1 writes lists.
fn write_canonical(value: Value<'_>, out: &mut String) {
    match value {
        Value::Text(text) => {
            let text =
                if is_guid(text) { Cow::Owned(text.to_ascii_lowercase()) } else { text.into() };
            let mut quoted = Vec::new();
            json::write_text(&text, &mut quoted);
            out.push_str(&String::from_utf8_lossy(&quoted));
        }
        Value::List(list) => write_items(list.items(), out),
        Value::Object(object) => match powershell_list(object) {
            Some(items) => write_canonical(items, out),
            None => {
                let members = object.members().filter(|(_, v)| !matches!(v, Value::Null));
                let mut members: Vec<String> = members
                    .map(|(name, value)| {
                        let mut member = format!("{:?}:", name.to_ascii_lowercase());
                        write_canonical(value, &mut member);
                        member
                    })
                    .collect();
                members.sort_unstable();
                out.push('{');
                out.push_str(&members.join(","));
                out.push('}');
            }
        },
        other => out.push_str(&scalar_text(other)),
    }
}

fn write_items<'v>(items: impl Iterator<Item = Value<'v>>, out: &mut String) {
    out.push('[');
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_canonical(item, out);
    }
    out.push(']');
}

/// Returns the list that an object of PowerShell 5.1 is: `{"value":[…],"Count":n}`.
fn powershell_list<'v>(object: Object<'v>) -> Option<Value<'v>> {
    let list = object.members().find_map(|(name, value)| match value {
        Value::List(list) if name == "value" => Some(list),
        _ => None,
    })?;
    let is_count = |(name, value): (&str, Value<'_>)| match value {
        Value::Int(count) => name == "Count" && usize::try_from(count) == Ok(list.len()),
        _ => false,
    };
    (object.len() == 2 && object.members().any(is_count)).then_some(Value::List(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{column_index, columns};

    fn ranked(field: &str, value: &str) -> RankedValue {
        let ty = column_index(field).map(|at| &columns()[at].ty);
        let (mut parser, mut inner) = (Parser::default(), Parser::default());
        let value = parser
            .parse(value.as_bytes(), |record| RankedValue::new(ty, &[record.root()], &mut inner));
        value.unwrap()
    }

    #[test]
    fn values_in_another_notation_have_one_meaning() {
        for (field, one, other) in [
            ("RecordType", "20", r#""PowerBIAudit""#),
            ("RecordType", "20", r#""20.0""#),
            ("UserType", "0", r#""Regular""#),
            ("IsSuccess", "true", r#""True""#),
            ("ArtifactId", r#""7""#, "7"),
            ("UserId", r#""ann@x.org""#, r#""Ann@X.org""#),
            ("CreationTime", r#""2026-03-01T08:00:00Z""#, r#""2026-03-01T10:00:00+02:00""#),
            ("Datasets", r#"[{"DatasetId":"a","DatasetName":null}]"#, r#"{"DatasetId":"a"}"#),
            ("Datasets", r#"[{"DatasetId":"a"}]"#, r#""[{\"DatasetId\": \"a\"}]""#),
            ("Datasets", r#"[1,2]"#, r#"{"value":[1,2],"Count":2}"#),
            ("Unknown", "true", r#""True""#),
            (
                "SharingInformation",
                r#"[{"ObjectId":"0F8FAD5B-D9CB-469F-A165-70867728950E"}]"#,
                r#"[{"objectid":"0f8fad5b-d9cb-469f-a165-70867728950e"}]"#,
            ),
        ] {
            let (one_rank, other_rank) = (ranked(field, one), ranked(field, other));
            assert_eq!(one_rank.meaning, other_rank.meaning, "{field}: {one} and {other}");
        }
        for (field, one, other) in [
            ("RecordType", "20", "21"),
            ("ReportName", r#""a""#, r#""A""#),
            ("Datasets", "[1,2]", "[2,1]"),
            ("Unknown", "1.0", "1"),
        ] {
            assert_ne!(ranked(field, one).meaning, ranked(field, other).meaning, "{field}");
        }
        assert!(ranked("RecordType", "20").rank > ranked("RecordType", r#""PowerBIAudit""#).rank);
        assert!(
            ranked("ClientIP", r#""1.2.3.4:5""#).rank > ranked("ClientIP", r#""1.2.3.4""#).rank
        );
    }

    #[test]
    fn values_that_say_more_rank_higher() {
        let values = [
            "null",
            r#"" ""#,
            r#""System.Object[]""#,
            "[]",
            r#""@{RecipientEmail=o.fremd@partner.example}""#,
            r#"[{"RecipientEmail":"x","Other":"System.Object[]"}]"#,
            r#"[{"a":1}]"#,
        ];
        let ranks = values.map(|value| ranked("SharingInformation", value).rank);
        assert!(ranks.is_sorted(), "{ranks:?}");
        for (value, content) in [
            (r#""System.Collections.Hashtable""#, Content::TypeName),
            (r#"["System.Object[]"]"#, Content::TypeName),
            (r#""[{'a': 1}]""#, Content::Rendering),
            (r#""['x', 'y']""#, Content::Rendering),
            (r#""System.Object[] of Sales""#, Content::Full),
            (r#""System.Overview""#, Content::Full),
            (r#""[]""#, Content::Empty),
            ("0", Content::Full),
        ] {
            assert_eq!(ranked("X", value).rank.content, content, "{value}");
        }
    }

    #[test]
    fn annotations_are_not_fields_of_events() {
        let annotations =
            ["@odata.type", "RecordType@odata.type", "_rid", "_ts", "_id", "", "Unnamed: 0"];
        assert!(annotations.into_iter().all(is_annotation));
        assert!(!["Id", "id", "Unnamed: x", "Report_Name"].into_iter().any(is_annotation));
    }
}
