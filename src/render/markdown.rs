//! Renders a result as a table in GitHub's Markdown, for issues, wikis and chats.

use crate::Result;

use super::input::{RenderInput, Renderer};
use super::text;

/// The Markdown format (GitHub Flavored Markdown).
pub struct Markdown;

impl Renderer for Markdown {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let mut out = String::new();
        if let Some(context) = input.context.filter(|context| !context.title.is_empty()) {
            out.push_str(&format!("**{}**\n\n", escape(&context.title)));
        }
        push_row(&mut out, input.grid.columns.iter().map(|column| escape(&column.name)));
        push_row(
            &mut out,
            input.grid.columns.iter().map(|column| alignment_rule(column.kind.is_number()).into()),
        );
        for row in text::cell_texts(input) {
            push_row(&mut out, row.iter().map(|text| escape(text)));
        }
        let closing = input
            .context
            .map(|context| text::context_sentences(context, input.time_zone.name()).join(" "));
        for paragraph in input.remarks.iter().chain(&closing) {
            out.push_str(&format!("\n{}\n", escape(paragraph)));
        }
        Ok(out.into_bytes())
    }
}

fn alignment_rule(is_number: bool) -> &'static str {
    if is_number { "---:" } else { "---" }
}

fn push_row(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push('|');
    for cell in cells {
        out.push_str(&format!(" {cell} |"));
    }
    out.push('\n');
}

/// Escapes all characters with a meaning in Markdown. Names come from the log, and must add no
/// cell, link, image or HTML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Within a word, `_` has no meaning, and column names are easier to read unescaped.
            '_' if before.is_some_and(char::is_alphanumeric)
                && chars.peek().copied().is_some_and(char::is_alphanumeric) =>
            {
                out.push('_');
            }
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '~' | '$' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{render_text, sample_context, sample_grid};
    use super::*;
    use crate::grid::{Cell, CellKind, Grid};
    use crate::render::{OutputFormat, RenderInput, render, text_width};

    #[test]
    fn table_has_its_title_above_and_its_context_below() {
        let (grid, context, remarks) =
            (sample_grid(), sample_context(), ["Showing 2 of 9 rows.".into()]);
        let input = RenderInput {
            grid: &grid,
            chart: None,
            context: Some(&context),
            remarks: &remarks,
            time_zone: chrono_tz::Europe::Zurich,
            width: 10,
        };
        let text = String::from_utf8(render(&input, OutputFormat::Markdown).unwrap()).unwrap();
        let expected = "\
**Most viewed reports**

| rank | report | share | last_view | day |
| ---: | --- | ---: | --- | --- |
| 1 | Umsätze, \"alle\" Länder 💶 | 2.5 | 2026-03-02 00:05 | 2026-03-01 |
| 12 | 売上レポート | n/a |  |  |

Showing 2 of 9 rows.

2026-03-01 to 2026-03-31, Europe/Zurich. \
Coverage: 28 of 31 days complete (1 partial, 1 truncated, 1 missing). \
Excluded: 720 automated API events, 5 service events.
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_name_makes_no_cell_no_link_and_no_html() {
        assert_eq!(escape("a|b\\|c"), "a\\|b\\\\\\|c");
        assert_eq!(escape("<img src=x>&amp;"), "&lt;img src=x&gt;&amp;amp;");
        assert_eq!(escape("![x](y) *b* `c`"), "!\\[x\\](y) \\*b\\* \\`c\\`");
        assert_eq!(escape("last_view _x_ __y"), "last_view \\_x\\_ \\_\\_y");
    }

    /// The cells of a line as GitHub reads them: cut at each bar without a backslash, then signs
    /// with a backslash and entities as themselves.
    fn read(line: &str) -> Vec<String> {
        let (mut cells, mut chars) = (vec![String::new()], line.chars());
        while let Some(c) = chars.next() {
            let cell = cells.last_mut().unwrap();
            match c {
                '|' => cells.push(String::new()),
                '\\' => cell.push(chars.next().unwrap()),
                '<' | '>' | '*' | '`' | '[' | ']' | '~' | '$' => panic!("{c} in {line}"),
                c => cell.push(c),
            }
        }
        let plain = |cell: &String| {
            let cell = cell.strip_prefix(' ').unwrap().strip_suffix(' ').unwrap();
            cell.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        };
        assert_eq!((&cells[0][..], &cells[cells.len() - 1][..]), ("", ""));
        cells[1..cells.len() - 1].iter().map(plain).collect()
    }

    proptest! {
        #[test]
        fn every_row_is_one_line_and_reads_as_the_text_that_it_was(
            texts in prop::collection::vec("(?s)(.|[|\\\\<>&*_`\n\r]){0,12}", 3),
        ) {
            let mut grid = Grid::new(["a", "b", "c"].map(|name| (name, CellKind::Text)));
            grid.rows.push(texts.iter().cloned().map(Cell::Text).collect());
            let out = render_text(&grid, OutputFormat::Markdown, 80);
            let lines: Vec<&str> = out.split('\n').collect();
            prop_assert_eq!((lines.len(), lines[5]), (8, ""));
            let expected: Vec<String> =
                texts.iter().map(|text| text_width::printable(text)).collect();
            prop_assert_eq!(read(lines[4]), expected);
        }
    }
}
