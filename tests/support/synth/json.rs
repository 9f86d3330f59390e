//! Formats JSON as text: quotes strings, and converts compact JSON to the forms of the tools of
//! administrators (indented, PowerShell 5.1 style, ASCII only).

use std::fmt::Write as _;

/// Appends `value` as a JSON string.
pub fn push_quoted(out: &mut String, value: &str) {
    out.push('"');
    if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for character in value.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                control if control < ' ' => push_escape(out, control as u16),
                other => out.push(other),
            }
        }
    } else {
        out.push_str(value);
    }
    out.push('"');
}

fn push_escape(out: &mut String, unit: u16) {
    write!(out, "\\u{unit:04x}").expect("a string takes all text");
}

/// Characters of strings that are written as `\u` escapes.
#[derive(Clone, Copy, PartialEq)]
pub enum Escapes {
    None,
    /// All characters except ASCII.
    NonAscii,
    /// Characters that Windows PowerShell 5.1 escapes for HTML.
    Html,
}

/// Layout of JSON.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Number of blanks per level; 0 keeps everything on one line.
    pub indent: usize,
    pub colon: &'static str,
    pub newline: &'static str,
    pub escapes: Escapes,
}

/// PowerShell 6 and later.
pub const POWERSHELL_CORE: Shape =
    Shape { indent: 2, colon: ": ", newline: "\n", escapes: Escapes::None };

/// Windows PowerShell 5.1.
pub const WINDOWS_POWERSHELL: Shape =
    Shape { indent: 4, colon: ":  ", newline: "\r\n", escapes: Escapes::Html };

/// Layout of Python's json.dump, except for its blanks.
pub const ASCII_LINE: Shape =
    Shape { indent: 0, colon: ":", newline: "", escapes: Escapes::NonAscii };

/// Appends the compact JSON `text` in another layout, `depth` levels deep.
pub fn push_shaped(out: &mut String, text: &str, depth: usize, shape: &Shape) {
    let mut depth = depth;
    let mut characters = text.chars();
    let break_line = |out: &mut String, depth: usize| {
        out.push_str(shape.newline);
        out.extend(std::iter::repeat_n(' ', depth * shape.indent));
    };
    while let Some(character) = characters.next() {
        match character {
            '"' => push_string(out, &mut characters, shape.escapes),
            '{' | '[' => {
                out.push(character);
                depth += 1;
                break_line(out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                break_line(out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                break_line(out, depth);
            }
            ':' => out.push_str(shape.colon),
            other => out.push(other),
        }
    }
}

/// Copies the rest of a string including its closing quote.
fn push_string(out: &mut String, characters: &mut std::str::Chars, escapes: Escapes) {
    out.push('"');
    while let Some(character) = characters.next() {
        let escape = match escapes {
            Escapes::None => false,
            Escapes::NonAscii => !character.is_ascii(),
            Escapes::Html => matches!(character, '\'' | '<' | '>' | '&'),
        };
        if escape {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| push_escape(out, unit));
        } else {
            out.push(character);
        }
        match character {
            '"' => return,
            '\\' => out.extend(characters.next()),
            _ => {}
        }
    }
}
