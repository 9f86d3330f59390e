//! Writes parsed values as JSON.

use super::parser::Value;

/// Appends a value as compact JSON. Numbers keep their text, and members keep their order.
pub fn write(value: Value<'_>, out: &mut Vec<u8>) {
    write_rewritten(value, "", &|_, _| None, out);
}

/// Replaces a text, given the name of the nearest member above it; `None` keeps the text.
pub type JsonTextRewrite<'r> = dyn Fn(&str, &str) -> Option<String> + 'r;

/// Appends a value as [`write`] does, with its texts replaced by `rewrite`.
pub fn write_rewritten(
    value: Value<'_>,
    name: &str,
    rewrite: &JsonTextRewrite<'_>,
    out: &mut Vec<u8>,
) {
    match value {
        Value::Text(text) => match rewrite(name, text) {
            Some(rewritten) => write_text(&rewritten, out),
            None => write_text(text, out),
        },
        Value::List(list) => {
            out.push(b'[');
            for (number, item) in list.items().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_rewritten(item, name, rewrite, out);
            }
            out.push(b']');
        }
        Value::Object(object) => {
            out.push(b'{');
            for (number, (name, member)) in object.members().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write_rewritten(member, name, rewrite, out);
            }
            out.push(b'}');
        }
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Decimal(number) => out.extend_from_slice(number.as_bytes()),
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
