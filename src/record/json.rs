//! Writes parsed values as JSON, and replaces texts in JSON.

use super::parser::{Object, Parser, Value};
use crate::schema::{EventText, NoMembers, TextMembers};

/// Appends a value as compact JSON. Numbers keep their text, and members keep their order.
pub fn write(value: Value<'_>, out: &mut Vec<u8>) {
    write_value(value, &Place::ROOT, None, out);
}

/// Returns an object as compact JSON with other names of its members; `None` leaves a member out.
pub fn write_renamed<'v>(
    object: Object<'v>,
    rename: impl Fn(&'v str) -> Option<&'v str>,
) -> Option<String> {
    let mut text = vec![b'{'];
    for (name, value) in object.members() {
        let Some(name) = rename(name) else { continue };
        if text.len() > 1 {
            text.push(b',');
        }
        write_text(name, &mut text);
        text.push(b':');
        write(value, &mut text);
    }
    text.push(b'}');
    String::from_utf8(text).ok()
}

/// Replaces a text of an event; `None` keeps the text.
pub type JsonTextRewrite<'r> = dyn Fn(&EventText<'_>) -> Option<String> + 'r;

/// Appends a value as [`write`] does, with its texts and the names of its members replaced by
/// `rewrite`. A text that is JSON itself is not passed to `rewrite`, but its texts are. The name of
/// a member is passed as a text without a place.
pub fn write_rewritten(value: Value<'_>, rewrite: &JsonTextRewrite<'_>, out: &mut Vec<u8>) {
    write_value(value, &Place::ROOT, Some(rewrite), out);
}

/// Replaces texts in a text that is JSON. Returns `None` if it is not JSON, and `Some(None)` if
/// nothing is replaced. A top-level member has the members of `text` next to its own.
pub fn rewrite_embedded(
    text: &EventText<'_>,
    rewrite: &JsonTextRewrite<'_>,
) -> Option<Option<String>> {
    if !text.text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let is_changed = std::cell::Cell::new(false);
    let noted = |inner: &EventText<'_>| {
        let replaced = rewrite(inner);
        is_changed.set(is_changed.get() || replaced.is_some());
        replaced
    };
    let EventText { parent, name, members, .. } = *text;
    let place = Place { parent, name, members: &NoMembers, outer: members };
    let mut out = Vec::with_capacity(text.text.len());
    Parser::default()
        .parse(text.text.as_bytes(), |record| {
            write_value(record.root(), &place, Some(&noted), &mut out);
        })
        .ok()?;
    let written = String::from_utf8(out).ok()?;
    Some(is_changed.get().then_some(written))
}

/// The place of a value.
struct Place<'p> {
    parent: &'p str,
    name: &'p str,
    /// The members next to a text.
    members: &'p dyn TextMembers,
    /// Members that an object has besides its own.
    outer: &'p dyn TextMembers,
}

impl Place<'_> {
    const ROOT: Place<'static> =
        Place { parent: "", name: "", members: &NoMembers, outer: &NoMembers };
}

/// The texts of an object, and others that belong to it.
struct ObjectTexts<'o> {
    object: Object<'o>,
    outer: &'o dyn TextMembers,
}

impl TextMembers for ObjectTexts<'_> {
    fn for_each_text(&self, take: &mut dyn FnMut(&str, &str)) {
        for (name, value) in self.object.members() {
            if let Value::Text(text) = value {
                take(name, text);
            }
        }
        self.outer.for_each_text(take);
    }
}

fn write_value(
    value: Value<'_>,
    place: &Place<'_>,
    rewrite: Option<&JsonTextRewrite<'_>>,
    out: &mut Vec<u8>,
) {
    match value {
        Value::Text(text) => {
            let replaced = rewrite.and_then(|rewrite| {
                let Place { parent, name, members, .. } = *place;
                let alone = EventText { parent, name, text, members: &NoMembers };
                rewrite_embedded(&alone, rewrite)
                    .unwrap_or_else(|| rewrite(&EventText { members, ..alone }))
            });
            write_text(replaced.as_deref().unwrap_or(text), out);
        }
        Value::List(list) => {
            out.push(b'[');
            for (number, item) in list.items().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_value(item, place, rewrite, out);
            }
            out.push(b']');
        }
        Value::Object(object) => write_object(object, place, rewrite, out),
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Decimal(number) => out.extend_from_slice(number.as_bytes()),
    }
}

fn write_object(
    object: Object<'_>,
    place: &Place<'_>,
    rewrite: Option<&JsonTextRewrite<'_>>,
    out: &mut Vec<u8>,
) {
    let texts = ObjectTexts { object, outer: place.outer };
    let listed = rewrite.and_then(|_| listed_member(object));
    out.push(b'{');
    for (number, (name, member)) in object.members().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        let renamed = rewrite.and_then(|rewrite| rewrite(&EventText::new("", name)));
        write_text(renamed.as_deref().unwrap_or(name), out);
        out.push(b':');
        let listed = listed.filter(|(value, _)| name.eq_ignore_ascii_case(value));
        let place = match listed {
            Some((_, listed)) => Place { name: listed, members: &texts, ..Place::ROOT },
            None => Place { parent: place.name, name, members: &texts, outer: &NoMembers },
        };
        write_value(member, &place, rewrite, out);
    }
    out.push(b'}');
}

/// Returns the member of an object that contains the value of a field, and the name of that field.
///
/// The records of the Power Platform list their details as names and values, and the column
/// `Copies` lists the values of conflicting copies.
fn listed_member(object: Object<'_>) -> Option<(&'static str, &str)> {
    let (name, value) = match object.len() {
        2 => ("Name", "Value"),
        3 => ("field", "values"),
        _ => return None,
    };
    match object.member(name)? {
        Value::Text(name) if object.member(value).is_some() => Some((value, name)),
        _ => None,
    }
}

/// Appends a text as a JSON string. Only characters that must be escaped are escaped.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&bytes[start..at]);
        start = at + 1;
        if short == 0 {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&bytes[start..]);
    out.push(b'"');
}
