//! What a report answers and how it reckons, from its header: as lines to read and as Markdown.

use std::fmt::Write;

use crate::report::{Actors, Question, wrap};

/// Lines of a description are no longer than this.
const WIDTH: usize = 80;

/// All reports, each with its question, in lines of at most `width`.
pub(super) fn list(reports: &[Question], width: usize) -> String {
    let longest = reports.iter().map(|report| report.name.chars().count()).max().unwrap_or(0);
    let indent = " ".repeat(longest + 2);
    let mut text = String::new();
    for report in reports {
        let head = format!("{:<longest$}  ", report.name);
        paragraph(&mut text, &head, &indent, &report.question, width);
    }
    text.push_str(
        "\n`pbi-analyze reports NAME` explains one: its columns, rules and parameters.\n",
    );
    text
}

/// One report, as lines.
pub(super) fn text(report: &Question) -> String {
    let mut text = format!("{}\n{}\n", report.title, "─".repeat(report.title.chars().count()));
    paragraph(&mut text, "", "", &report.question, WIDTH);
    let _ = writeln!(text, "\n  pbi-analyze report {}", report.name);
    for alias in &report.aliases {
        let _ = writeln!(text, "  pbi-analyze report {alias}");
    }
    text.push('\n');
    paragraph(&mut text, "", "", &format!("Counts {}.", counted(report)), WIDTH);
    if !report.params.is_empty() {
        text.push_str("\nParameters\n");
    }
    for param in &report.params {
        let head = format!("{} = {}: {}", param.name, param.default, param.meaning);
        paragraph(&mut text, "  ", "      ", &head, WIDTH);
        let _ = writeln!(text, "      {}", param.ty.name());
    }
    text.push_str("\nColumns\n");
    for (name, meaning) in &report.columns {
        paragraph(&mut text, "  ", "      ", &format!("{name}: {meaning}"), WIDTH);
    }
    for (title, lines) in notes(report) {
        let _ = writeln!(text, "\n{title}");
        for line in lines {
            paragraph(&mut text, "- ", "  ", line, WIDTH);
        }
    }
    text
}

/// All reports, as a document.
pub(super) fn markdown(reports: &[Question]) -> String {
    let mut text = String::from(
        "# Reports\n\nMade by `pbi-analyze reports --format markdown` from the headers in \
         `queries/`.\nThe log tells what happened, not how long it took: it has no \
         page-level use and no\nopening times.\n\n",
    );
    for report in reports {
        let _ = writeln!(text, "- [{}](#{}): {}", report.name, report.name, report.question);
    }
    for report in reports {
        section(report, &mut text);
    }
    text
}

fn section(report: &Question, text: &mut String) {
    let _ = writeln!(text, "\n## {}\n\n**{}.** {}\n", report.name, report.title, report.question);
    if !report.aliases.is_empty() {
        let _ = writeln!(text, "Also named {}.\n", report.aliases.join(", "));
    }
    let _ = writeln!(text, "Counts {}.\n", counted(report));
    if !report.params.is_empty() {
        text.push_str("| parameter | values | default | meaning |\n| --- | --- | --- | --- |\n");
        for param in &report.params {
            let values = cell(&param.ty.name());
            let (name, default) = (&param.name, cell(&param.default));
            let _ =
                writeln!(text, "| `{name}` | {values} | {default} | {} |", cell(&param.meaning));
        }
        text.push('\n');
    }
    text.push_str("| column | meaning |\n| --- | --- |\n");
    for (name, meaning) in &report.columns {
        let _ = writeln!(text, "| `{name}` | {} |", cell(meaning));
    }
    for (title, lines) in notes(report) {
        let lines: String = lines.iter().map(|line| format!("- {line}\n")).collect();
        let _ = write!(text, "\n{title}:\n\n{lines}");
    }
}

/// What a header says in lists, with their titles; those that it has.
fn notes(report: &Question) -> impl Iterator<Item = (&'static str, &[String])> {
    let all = [("Rules", &report.rules), ("Limits", &report.limits), ("Sources", &report.sources)];
    all.into_iter().filter(|(_, lines)| !lines.is_empty()).map(|(title, of)| (title, &of[..]))
}

/// A text in lines, the first of them behind `head` and the others behind `indent`.
pub(super) fn paragraph(out: &mut String, head: &str, indent: &str, text: &str, width: usize) {
    const LEAST: usize = 20;
    let room = width.saturating_sub(indent.len().max(head.chars().count())).max(LEAST);
    for (at, line) in wrap(text, room).iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if at == 0 { head } else { indent });
    }
}

/// Whose events of which log.
fn counted(report: &Question) -> String {
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
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
