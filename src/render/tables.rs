//! Renders several tables as one output: titled tables, one JSON object, or a workbook of sheets.

use crate::{Error, Result};

use super::format::OutputFormat;
use super::input::{Renderer, TablesInput};
use super::{json, markdown, table, text, text_width, xlsx};

/// Accepts a format that holds several tables.
///
/// # Errors
///
/// [`Error::Usage`] for a format that holds one table only.
pub fn check_holds_tables(format: OutputFormat) -> Result<()> {
    match format {
        OutputFormat::Text | OutputFormat::Markdown | OutputFormat::Json | OutputFormat::Xlsx => {
            Ok(())
        }
        _ => Err(Error::Usage(format!(
            "{} holds one table, and this output has several; use text, markdown, json or xlsx",
            format.name()
        ))),
    }
}

/// Renders several tables as one output.
///
/// # Errors
///
/// Those of [`check_holds_tables`] and of [`super::render`].
pub fn render_tables(input: &TablesInput<'_>, format: OutputFormat) -> Result<Vec<u8>> {
    check_holds_tables(format)?;
    match format {
        OutputFormat::Markdown => markdown_tables(input),
        OutputFormat::Json => json::json_tables(input),
        OutputFormat::Xlsx => xlsx::xlsx_tables(input),
        _ => text_tables(input),
    }
}

fn text_tables(input: &TablesInput<'_>) -> Result<Vec<u8>> {
    let mut out = text_width::wrap(&input.context.title, input.width).join("\n") + "\n";
    for table in input.tables {
        let title = text_width::wrap(&table.title, input.width).join("\n");
        out += &format!("\n{title}\n\n");
        if table.grid.rows.is_empty() && !table.remarks.is_empty() {
            for remark in &table.remarks {
                out += &(text_width::wrap(remark, input.width).join("\n") + "\n");
            }
        } else {
            let rendered = table::TextTable.render(&input.table(table))?;
            out += &String::from_utf8(rendered).map_err(Error::internal)?;
        }
    }
    out.push('\n');
    for remark in input.remarks {
        out += &(text_width::wrap(remark, input.width).join("\n") + "\n");
    }
    let closing = text::context_sentences(input.context, input.time_zone.name());
    out += &(text_width::flow_sentences(&closing, input.width).join("\n") + "\n");
    Ok(out.into_bytes())
}

fn markdown_tables(input: &TablesInput<'_>) -> Result<Vec<u8>> {
    let mut out = format!("# {}\n", markdown::escape(&input.context.title));
    for table in input.tables {
        out += &format!("\n## {}\n\n", markdown::escape(&table.title));
        let rendered = markdown::Markdown.render(&input.table(table))?;
        out += &String::from_utf8(rendered).map_err(Error::internal)?;
    }
    let closing = text::context_sentences(input.context, input.time_zone.name()).join(" ");
    for paragraph in input.remarks.iter().chain([&closing]) {
        out += &format!("\n{}\n", markdown::escape(paragraph));
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::input::NamedTable;
    use super::super::tests::{sample_context, sample_grid};
    use super::*;
    use crate::grid::Grid;

    fn rendered(format: OutputFormat) -> Result<Vec<u8>> {
        let none = Grid { rows: Vec::new(), ..sample_grid() };
        let table = |name: &str, grid: Grid, remark: &str| NamedTable {
            name: name.to_owned(),
            title: name.to_uppercase(),
            grid,
            chart: None,
            remarks: vec![remark.to_owned()],
        };
        let tables = [
            table("summary", sample_grid(), "Rank 1 of 2."),
            table("exports", none, "Nothing was exported."),
        ];
        let (context, time_zone) = (sample_context(), chrono_tz::UTC);
        let remarks = ["One report.".to_owned()];
        let context = &context;
        render_tables(
            &TablesInput { tables: &tables, context, remarks: &remarks, time_zone, width: 80 },
            format,
        )
    }

    #[test]
    fn text_and_markdown_have_a_title_for_each_table_and_one_context() {
        for (format, titles) in [
            (OutputFormat::Text, ["\nSUMMARY\n", "\nEXPORTS\n\nNothing was exported.\n"]),
            (OutputFormat::Markdown, ["\n## SUMMARY\n", "\n## EXPORTS\n"]),
        ] {
            let text = String::from_utf8(rendered(format).unwrap()).unwrap();
            for title in titles {
                assert!(text.contains(title), "{text}");
            }
            assert_eq!(text.matches("Coverage: 28 of 31 days").count(), 1, "{text}");
            assert!(text.contains("Rank 1 of 2.") && text.contains("One report."), "{text}");
        }
    }

    #[test]
    fn json_has_a_member_for_each_table() {
        let bytes = rendered(OutputFormat::Json).unwrap();
        let object: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(object["coverage"]["days"], 31);
        assert_eq!(object["notes"][0], "One report.");
        let summary = &object["tables"]["summary"];
        assert_eq!(
            (&summary["title"], &summary["rows"][0]["rank"]),
            (&"SUMMARY".into(), &1.into())
        );
        assert_eq!(object["tables"]["exports"]["notes"][0], "Nothing was exported.");
        assert_eq!(object["tables"]["exports"]["rows"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn formats_of_one_table_are_refused() {
        for format in [OutputFormat::Csv, OutputFormat::Ndjson, OutputFormat::Parquet] {
            let message = rendered(format).unwrap_err().to_string();
            assert!(message.contains("holds one table, and this output has several"), "{message}");
        }
    }
}
