//! Formats the data dictionary and the views as text and as Markdown.

use std::fmt::Write;

use crate::cli::report_help;
use crate::cli::text::format_number;
use crate::data_dictionary::{DataDictionary, ExtraField, ExtraFieldSummary, TypedColumn};
use crate::report::SqlView;

/// Returns the dictionary as text. Fields without a column come first, because they are new.
pub(super) fn dictionary_text(dictionary: &DataDictionary) -> String {
    let mut text = String::new();
    if let Some(extra) = &dictionary.extra {
        write_extra_fields(extra, &mut text);
    }
    let width = dictionary.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    for column in &dictionary.columns {
        let ty = short_type(column.ty);
        let _ = writeln!(text, "{:<width$}  {ty:<14}  {}", column.name, column.meaning);
    }
    text
}

/// Returns the views in lines of at most `width`.
pub(super) fn views_text(views: &[SqlView], width: usize) -> String {
    let mut text = String::new();
    for SqlView { view, columns } in views {
        let _ = writeln!(text, "{}", view_title(view));
        let longest = columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
        let indent = " ".repeat(longest + 17);
        for column in columns {
            let head = format!("  {:<longest$}  {:<11}  ", column.name, column.ty);
            report_help::write_paragraph(
                &mut text,
                &head,
                &indent,
                &column.meaning.replace('`', ""),
                width,
            );
        }
        text.push('\n');
    }
    text
}

/// Returns the views as Markdown tables.
pub(super) fn views_markdown(views: &[SqlView]) -> String {
    let mut text = String::new();
    for SqlView { view, columns } in views {
        let _ = writeln!(
            text,
            "`{}`\n\n| column | type | meaning |\n| --- | --- | --- |",
            view_title(view)
        );
        for column in columns {
            let _ = writeln!(text, "| `{}` | {} | {} |", column.name, column.ty, column.meaning);
        }
        text.push('\n');
    }
    text
}

/// Three views have the same columns.
fn view_title(view: &str) -> &str {
    if view == "events" { "events, history, events_all" } else { view }
}

/// Shortens types with many members, which would fill a screen; other formats show them.
fn short_type(ty: &str) -> String {
    match ty.find("struct<") {
        Some(at) if ty.starts_with("list<") => format!("{}…>>", &ty[..at + "struct<".len()]),
        Some(_) => "struct<…>".to_owned(),
        None => ty.to_owned(),
    }
}

fn write_extra_fields(extra: &ExtraFieldSummary, text: &mut String) {
    let (known, new): (Vec<&ExtraField>, Vec<&ExtraField>) =
        extra.fields.iter().partition(|field| field.in_column);
    let _ = writeln!(text, "{} events have fields in Extra", format_number(extra.events));
    for (title, fields) in [
        ("Fields without a column, newest first", new),
        ("Values that the column of their name cannot store exactly", known),
    ] {
        if fields.is_empty() {
            continue;
        }
        let _ =
            writeln!(text, "\n{title}\nfirst day   last day         count  types, field, example");
        for field in fields {
            let _ = writeln!(
                text,
                "{}  {}  {:>10}  {} {}: {} = {}",
                field.first_day,
                field.last_day,
                format_number(field.count),
                field.types.join("|"),
                name_or_none(&field.activity),
                name_or_none(&field.name),
                one_line(&field.example)
            );
        }
    }
    if !extra.capped.is_empty() {
        let _ = writeln!(text, "\nNot all fields are listed for: {}", extra.capped.join(", "));
    }
    text.push('\n');
}

fn name_or_none(text: &str) -> String {
    if text.is_empty() { "(none)".to_owned() } else { one_line(text) }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Returns the dictionary as Markdown.
pub(super) fn markdown(dictionary: &DataDictionary) -> String {
    let mut text = String::from(
        "# Columns\n\nThe columns of the table `events`, in their order. `pbi-analyze columns \
         --format markdown` prints this page;\nwith `--store` it adds the fields that a store \
         holds in `Extra`.\n\nTypes: `id` is in lower case where it is a GUID, `user` in lower \
         case, `time` is UTC with microseconds, `ip` has no port,\n`record_type` and `user_type` \
         are the numbers of the Management Activity API, all else is what it says.\n\nNames of \
         fields are matched without case. Columns that are derived are made from other fields of \
         the event,\nand [export](lossless.md) leaves them out.\n",
    );
    let (own, derived): (Vec<&TypedColumn>, Vec<&TypedColumn>) =
        dictionary.columns.iter().partition(|column| !column.derived);
    for (title, columns) in [("Fields of events", own), ("Derived, and lineage", derived)] {
        let _ = writeln!(text, "\n## {title}\n\n| column | type | meaning | also | source |");
        text.push_str("| --- | --- | --- | --- | --- |\n");
        for column in columns {
            let also: Vec<String> = column
                .aliases
                .iter()
                .map(|alias| format!("`{alias}`"))
                .chain(column.csv.iter().map(|header| format!("CSV `{header}`")))
                .collect();
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | {} | {} |",
                column.name,
                column.ty,
                escape_cell(column.meaning),
                also.join(", "),
                escape_cell(column.source)
            );
        }
    }
    if let Some(extra) = &dictionary.extra {
        text.push_str("\n## Fields in Extra\n\n| first day | last day | count | activity | field ");
        text.push_str("| types | example |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        for field in &extra.fields {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} |",
                field.first_day,
                field.last_day,
                field.count,
                escape_cell(&field.activity),
                escape_cell(&field.name),
                field.types.join(", "),
                escape_cell(&field.example)
            );
        }
        if !extra.capped.is_empty() {
            let capped = escape_cell(&extra.capped.join(", "));
            let _ = writeln!(text, "\nNot all fields are listed for: {capped}");
        }
    }
    text
}

/// Escapes a text for a cell of a Markdown table.
fn escape_cell(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}
