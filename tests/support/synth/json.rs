//! JSON as text: quoting, and putting finished compact JSON into the shapes that the tools of the
//! administrators write (indented, PowerShell 5.1 style, ASCII only).

use std::fmt::Write as _;

/// Appends `value` as a JSON string.
pub fn push_quoted(out: &mut String, value: &str) {
    out.push('"');
    if value.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        for letter in value.chars() {
            match letter {
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

/// Which letters inside of strings are written as `\u` escapes.
#[derive(Clone, Copy, PartialEq)]
pub enum Escapes {
    None,
    /// All that is not ASCII.
    NonAscii,
    /// Those that Windows PowerShell 5.1 takes for dangerous in HTML.
    Html,
}

/// How JSON is laid out.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Blanks a level; 0 keeps everything on one line.
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

/// What Python's json.dump writes by default, but for its blanks.
pub const ASCII_LINE: Shape =
    Shape { indent: 0, colon: ":", newline: "", escapes: Escapes::NonAscii };

/// Appends the compact JSON `text` in another shape, as if it stood `depth` levels deep.
pub fn push_shaped(out: &mut String, text: &str, depth: usize, shape: &Shape) {
    let mut depth = depth;
    let mut letters = text.chars();
    let break_line = |out: &mut String, depth: usize| {
        out.push_str(shape.newline);
        out.extend(std::iter::repeat_n(' ', depth * shape.indent));
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' => push_string(out, &mut letters, shape.escapes),
            '{' | '[' => {
                out.push(letter);
                depth += 1;
                break_line(out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                break_line(out, depth);
                out.push(letter);
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

/// Copies the rest of a string, its closing quote included.
fn push_string(out: &mut String, letters: &mut std::str::Chars, escapes: Escapes) {
    out.push('"');
    while let Some(letter) = letters.next() {
        let escape = match escapes {
            Escapes::None => false,
            Escapes::NonAscii => !letter.is_ascii(),
            Escapes::Html => matches!(letter, '\'' | '<' | '>' | '&'),
        };
        if escape {
            letter.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| push_escape(out, unit));
        } else {
            out.push(letter);
        }
        match letter {
            '"' => return,
            '\\' => out.extend(letters.next()),
            _ => {}
        }
    }
}
