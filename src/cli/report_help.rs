//! What a report answers and how it reckons, from its header: as lines to read and as Markdown.

use std::fmt::Write;

use crate::report::{Actors, ReportDefinition, wrap};

/// Lines of a description are no longer than this.
const LINE_WIDTH: usize = 80;

/// All reports, each with its question, in lines of at most `width`.
pub(super) fn list(reports: &[ReportDefinition], width: usize) -> String {
    let longest = reports.iter().map(|report| report.name.chars().count()).max().unwrap_or(0);
    let indent = " ".repeat(longest + 2);
    let mut text = String::new();
    for report in reports {
        let head = format!("{:<longest$}  ", report.name);
        write_paragraph(&mut text, &head, &indent, &report.question, width);
    }
    text.push_str(
        "\n`pbi-analyze reports NAME` explains one: its columns, rules and parameters.\n",
    );
    text
}

/// One report, as lines.
pub(super) fn report_text(report: &ReportDefinition) -> String {
    let mut text = format!("{}\n{}\n", report.title, "─".repeat(report.title.chars().count()));
    write_paragraph(&mut text, "", "", &report.question, LINE_WIDTH);
    let _ = writeln!(text, "\n  pbi-analyze report {}", report.name);
    for alias in &report.aliases {
        let _ = writeln!(text, "  pbi-analyze report {alias}");
    }
    text.push('\n');
    write_paragraph(&mut text, "", "", &format!("Counts {}.", counted_events(report)), LINE_WIDTH);
    if !report.params.is_empty() {
        text.push_str("\nParameters\n");
    }
    for param in &report.params {
        let head = format!("{} = {}: {}", param.name, param.default, param.meaning);
        write_paragraph(&mut text, "  ", "      ", &head, LINE_WIDTH);
        let _ = writeln!(text, "      {}", param.ty.name());
    }
    text.push_str("\nColumns\n");
    for (name, meaning) in &report.columns {
        write_paragraph(&mut text, "  ", "      ", &format!("{name}: {meaning}"), LINE_WIDTH);
    }
    for (title, lines) in note_lists(report) {
        let _ = writeln!(text, "\n{title}");
        for line in lines {
            write_paragraph(&mut text, "- ", "  ", line, LINE_WIDTH);
        }
    }
    text
}

/// All reports, as a document.
pub(super) fn markdown(reports: &[ReportDefinition]) -> String {
    let mut text = String::from(
        "# Reports\n\nMade by `pbi-analyze reports --format markdown` from the headers in \
         `queries/`.\nThe log tells what happened, not how long it took: it has no \
         page-level use and no\nopening times.\n\n",
    );
    for report in reports {
        let _ = writeln!(text, "- [{}](#{}): {}", report.name, report.name, report.question);
    }
    for report in reports {
        write_markdown_section(report, &mut text);
    }
    text
}

fn write_markdown_section(report: &ReportDefinition, text: &mut String) {
    let _ = writeln!(text, "\n## {}\n\n**{}.** {}\n", report.name, report.title, report.question);
    if !report.aliases.is_empty() {
        let _ = writeln!(text, "Also named {}.\n", report.aliases.join(", "));
    }
    let _ = writeln!(text, "Counts {}.\n", counted_events(report));
    if !report.params.is_empty() {
        text.push_str("| parameter | values | default | meaning |\n| --- | --- | --- | --- |\n");
        for param in &report.params {
            let values = escape_cell(&param.ty.name());
            let (name, default) = (&param.name, escape_cell(&param.default));
            let _ = writeln!(
                text,
                "| `{name}` | {values} | {default} | {} |",
                escape_cell(&param.meaning)
            );
        }
        text.push('\n');
    }
    text.push_str("| column | meaning |\n| --- | --- |\n");
    for (name, meaning) in &report.columns {
        let _ = writeln!(text, "| `{name}` | {} |", escape_cell(meaning));
    }
    for (title, lines) in note_lists(report) {
        let lines: String = lines.iter().map(|line| format!("- {line}\n")).collect();
        let _ = write!(text, "\n{title}:\n\n{lines}");
    }
}

/// What a header says in lists, with their titles; those that it has.
fn note_lists(report: &ReportDefinition) -> impl Iterator<Item = (&'static str, &[String])> {
    let all = [("Rules", &report.rules), ("Limits", &report.limits), ("Sources", &report.sources)];
    all.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(title, of)| (title, &of[..]))
}

/// A text in lines, the first of them behind `head` and the others behind `indent`.
pub(super) fn write_paragraph(
    out: &mut String,
    head: &str,
    indent: &str,
    text: &str,
    width: usize,
) {
    const LEAST: usize = 20;
    let room = width.saturating_sub(indent.len().max(head.chars().count())).max(LEAST);
    for (at, line) in wrap(text, room).iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if at == 0 { head } else { indent });
    }
}

/// Whose events of which log.
fn counted_events(report: &ReportDefinition) -> String {
    let who = match report.actors {
        Actors::People => "what people do, services left out",
        Actors::All => "what people and services do",
        Actors::Services => "what services do, people left out",
    };
    let noise = if report.includes_noise { ", noise included" } else { ", noise left out" };
    let log = if report.is_power_platform() { " in Power Apps and Power Automate" } else { "" };
    format!("{who}{log}{noise}")
}

/// A text in a table of Markdown.
fn escape_cell(text: &str) -> String {
    text.replace('|', "\\|")
}
