//! Draws commands and their output as a terminal, in SVG. Text stays text, and colors follow the
//! reader's light or dark mode.
//!
//! Each piece of a line has a position and a width, so that columns are aligned in any font.

use std::fmt::Write;

/// A line of the terminal.
pub enum Line {
    /// A command, drawn with its prompt.
    Command(String),
    Output(String),
    /// Omitted output.
    Gap,
}

const FONT: f64 = 14.0;
/// The width of a character: six tenths of the font size in nearly all monospaced fonts.
const ADVANCE: f64 = 8.4;
const LEADING: f64 = 19.0;
const MARGIN: f64 = 20.0;
/// The height of the title bar with its three buttons.
const BAR: f64 = 34.0;

const STYLE: &str = "\
.w{fill:#fff;stroke:#d0d7de}.k{fill:#d0d7de}text{fill:#1f2328;white-space:pre;\
font:14px ui-monospace,'Cascadia Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace}\
.c{font-weight:700}.d{fill:#656d76}.b{fill:#2f6db5}\
@media(prefers-color-scheme:dark){.w{fill:#0d1117;stroke:#3d444d}.k{fill:#3d444d}\
text{fill:#e6edf3}.d{fill:#8d96a0}.b{fill:#6cb0f5}}";

/// Draws a window of `columns` characters. Wider output continues on the next row.
pub fn svg(title: &str, columns: usize, lines: &[Line]) -> String {
    let rows: Vec<String> = lines.iter().flat_map(|line| rows(line, columns)).collect();
    let width = columns as f64 * ADVANCE + 2.0 * MARGIN;
    let height = BAR + rows.len() as f64 * LEADING + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>{STYLE}</style>\n<rect class=\"w\" x=\".5\" y=\".5\" width=\"{:.0}\" \
         height=\"{:.0}\" rx=\"8\"/>\n",
        width - 1.0,
        height - 1.0
    );
    for knob in 0..3 {
        let x = MARGIN + f64::from(knob) * 18.0;
        let _ = writeln!(out, "<circle class=\"k\" cx=\"{x:.0}\" cy=\"17\" r=\"5\"/>");
    }
    for (row, text) in rows.iter().enumerate() {
        let y = BAR + row as f64 * LEADING + FONT;
        let _ = writeln!(out, "<text y=\"{y:.0}\">{text}</text>");
    }
    out + "</svg>\n"
}

/// Returns the rows of a line as SVG pieces.
fn rows(line: &Line, columns: usize) -> Vec<String> {
    match line {
        Line::Command(command) => {
            vec![piece(0, "$", Some("d")) + &piece(2, command, Some("c"))]
        }
        Line::Gap => vec![piece(0, "⋮", Some("d"))],
        Line::Output(text) if text.is_empty() => vec![String::new()],
        Line::Output(text) => {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(columns).map(|row| pieces(&row.iter().collect::<String>())).collect()
        }
    }
}

/// Splits a row of output at double spaces.
fn pieces(row: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for part in row.split("  ") {
        let text = part.trim_start();
        let at = column + (part.chars().count() - text.chars().count());
        if !text.is_empty() {
            out.push_str(&piece(at, text, class(text)));
        }
        column += part.chars().count() + 2;
    }
    out
}

/// Returns the CSS class of a piece: lines are dim, block characters have a color.
fn class(text: &str) -> Option<&'static str> {
    if text.chars().all(|c| c == '─') {
        Some("d")
    } else if text.chars().all(|c| matches!(c, '\u{2580}'..='\u{259f}')) {
        Some("b")
    } else {
        None
    }
}

/// Returns one positioned piece of text.
fn piece(column: usize, text: &str, class: Option<&str>) -> String {
    let class = class.map_or_else(String::new, |class| format!(" class=\"{class}\""));
    let x = MARGIN + column as f64 * ADVANCE;
    let length = text.chars().count() as f64 * ADVANCE;
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<tspan{class} x=\"{x:.1}\" textLength=\"{length:.1}\">{text}</tspan>")
}

#[test]
fn pieces_are_drawn_at_their_columns() {
    let tspan = |x: &str, length: &str, text: &str| {
        format!("<tspan x=\"{x}\" textLength=\"{length}\">{text}</tspan>")
    };
    let row = pieces("   1  a b   <c>");
    assert_eq!(
        row,
        tspan("45.2", "8.4", "1")
            + &tspan("70.4", "25.2", "a b")
            + &tspan("120.8", "25.2", "&lt;c&gt;")
    );
    assert_eq!(rows(&Line::Output("x".repeat(21)), 10).len(), 3);
    assert_eq!(rows(&Line::Output(String::new()), 10), [""]);
}
