//! Explains reports from their headers, as text and as Markdown.

use std::fmt::Write;

use crate::report::{Actors, ReportDefinition, ReportGroup, wrap};

/// Maximum width of a description.
const LINE_WIDTH: usize = 80;

/// Reports to start with.
const FEATURED: [&str; 6] =
    ["top-reports", "adoption", "exports", "sharing-audit", "external-users", "coverage"];

/// Returns the list of reports: the ones to start with, then all by group.
pub(super) fn list(reports: &[ReportDefinition], width: usize) -> String {
    let name_width = name_width(reports.iter());
    let mut text = String::from("To start with\n");
    let featured = FEATURED.iter();
    for report in featured.filter_map(|name| reports.iter().find(|r| r.name == *name)) {
        write_question(&mut text, report, name_width, width);
    }
    for (title, members) in grouped(reports) {
        let _ = writeln!(text, "\n{title}");
        for report in members {
            write_question(&mut text, report, name_width, width);
        }
    }
    text.push_str(
        "\n`pbi-analyze report NAME` runs a report; `pbi-analyze reports NAME` explains it.\n\
         `pbi-analyze reports WORD` searches names, questions and columns.\n",
    );
    text
}

/// Returns the reports that a search found.
pub(super) fn search_result(reports: &[&ReportDefinition], width: usize) -> String {
    let name_width = name_width(reports.iter().copied());
    let mut text = String::new();
    for report in reports {
        write_question(&mut text, report, name_width, width);
    }
    text.push_str("\n`pbi-analyze reports NAME` explains a report.\n");
    text
}

/// Returns reports by group, in the order of lists, without empty groups.
fn grouped(reports: &[ReportDefinition]) -> Vec<(&'static str, Vec<&ReportDefinition>)> {
    let members = |group: ReportGroup| -> Vec<&ReportDefinition> {
        reports.iter().filter(|report| report.group == group).collect()
    };
    let groups = ReportGroup::ALL.into_iter().map(|group| (group.title(), members(group)));
    groups.filter(|(_, members)| !members.is_empty()).collect()
}

fn name_width<'r>(reports: impl Iterator<Item = &'r ReportDefinition>) -> usize {
    reports.map(|report| report.name.chars().count()).max().unwrap_or(0)
}

fn write_question(text: &mut String, report: &ReportDefinition, name_width: usize, width: usize) {
    let head = format!("  {:<name_width$}  ", report.name);
    let indent = " ".repeat(name_width + 4);
    write_paragraph(text, &head, &indent, &report.question, width);
}

/// Returns the explanation of a report as text.
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
        let values = format!("Use {}.", param.ty.example());
        write_paragraph(&mut text, "      ", "      ", &values, LINE_WIDTH);
    }
    text.push_str("\nColumns\n");
    for (name, meaning) in &report.columns {
        write_paragraph(&mut text, "  ", "      ", &format!("{name}: {meaning}"), LINE_WIDTH);
    }
    for (title, lines) in note_lists(report) {
        let _ = writeln!(text, "\n{title}");
        for line in lines {
            write_paragraph(&mut text, "- ", "  ", &line, LINE_WIDTH);
        }
    }
    text
}

/// Returns the explanations of reports as a Markdown document.
pub(super) fn markdown(reports: &[&ReportDefinition]) -> String {
    let mut text = String::from(
        "# Reports\n\nMade by `pbi-analyze reports --format markdown` from the headers in \
         `queries/`.\nThe log records activities, but no durations, page views or loading \
         times.\n\n",
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

/// Returns the lists of a header that are not empty, with titles.
fn note_lists(report: &ReportDefinition) -> Vec<(&'static str, Vec<String>)> {
    let compared = report.comparisons.iter().map(|(name, spans)| format!("`{name}`: {spans}"));
    let mut all = vec![
        ("Rules", report.rules.clone()),
        ("Comparisons of complete days", compared.collect()),
        (
            "Total",
            (!report.totals.is_empty()).then(|| report.totals.join(", ")).into_iter().collect(),
        ),
        ("Attributes of people", report.is_divisible().then(division).into_iter().collect()),
        ("Limits", report.limits.clone()),
        ("Sources", report.sources.clone()),
    ];
    all.retain(|(_, lines)| !lines.is_empty());
    all
}

/// Describes the division by an attribute of people.
fn division() -> String {
    "`--by ATTRIBUTE`, for example `--by department`, calculates the report for the people with \
     each value of an attribute. The value is in the first column, and ranks count all rows. \
     People without a value are in rows of their own, (not mapped)."
        .to_owned()
}

/// Writes a text in lines: the first after `head`, the others after `indent`.
pub(super) fn write_paragraph(
    out: &mut String,
    head: &str,
    indent: &str,
    text: &str,
    width: usize,
) {
    const MIN_WIDTH: usize = 20;
    let room = width.saturating_sub(indent.len().max(head.chars().count())).max(MIN_WIDTH);
    for (at, line) in wrap(text, room).iter().enumerate() {
        let _ = writeln!(out, "{}{line}", if at == 0 { head } else { indent });
    }
}

/// Describes the events that a report counts.
fn counted_events(report: &ReportDefinition) -> String {
    let who = match report.actors {
        Actors::People => "events of people, without service principals",
        Actors::All => "events of people and service principals",
        Actors::Services => "events of service principals, without people",
    };
    let noise = if report.includes_noise {
        ", with automated API activity"
    } else {
        ", without automated API activity"
    };
    let log = if report.is_power_platform() { " in Power Apps and Power Automate" } else { "" };
    format!("{who}{log}{noise}")
}

/// Escapes a text for a cell of a Markdown table.
fn escape_cell(text: &str) -> String {
    text.replace('|', "\\|")
}
