//! Tables of every report on terminals of three widths: no name is shortened while a column without
//! values or with IDs is shown, and every hidden column is named.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::archive::year;

/// The widths of terminals, in columns.
const WIDTHS: [&str; 3] = ["80", "120", "200"];

#[test]
fn empty_columns_and_ids_give_way_before_names_are_shortened() {
    let archive = year();
    let mut shortened = 0;
    for report in archive.reports() {
        let fixed =
            ["report", report.as_str(), "--store", "store", "--since", "60d", "--top", "15"];
        let json = archive.dir.pbi(fixed.iter().chain(&["--format", "json"])).ended(0).stdout;
        let answer: Value = serde_json::from_str(&json).expect("JSON");
        let columns: Vec<&str> = answer["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let rows = answer["rows"].as_array().expect("rows");
        for width in WIDTHS {
            let output = archive.dir.command(fixed).env("COLUMNS", width).output();
            let text =
                String::from_utf8(output.expect("the program starts").stdout).expect("UTF-8");
            let most = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(most <= width.parse().expect("a number"), "{report} at {width}:\n{text}");
            // Heatmaps and results without rows have no table.
            let Some(rule) = text.lines().find(|line| line.starts_with('─')) else { continue };
            let hidden = hidden_columns(&text);
            let unknown: Vec<_> =
                hidden.iter().filter(|name| !columns.contains(&name.as_str())).collect();
            assert!(unknown.is_empty(), "{report}: {unknown:?}");
            let is_bar = usize::from(text.contains('█'));
            let shown = rule.split("  ").filter(|part| !part.is_empty()).count();
            assert!(
                (shown..=shown + 1).contains(&(columns.len() - hidden.len() + is_bar)),
                "{report} at {width}: {shown} columns, hidden {hidden:?}\n{text}"
            );
            let (table, _) = text.split_once("\n\n20").unwrap_or((&text, ""));
            if !table.contains('…') || rows.is_empty() {
                continue;
            }
            shortened += 1;
            for name in columns.iter().filter(|name| !hidden.contains(**name)) {
                let is_empty = rows.iter().all(|row| row[*name].is_null());
                let is_id = *name == "id" || name.ends_with("_id");
                let names = columns.iter().filter(|name| !name.ends_with("_id")).count();
                assert!(
                    !is_empty && (!is_id || names < 2),
                    "{report} at {width}: {name} is shown beside shortened texts\n{text}"
                );
            }
        }
    }
    assert!(shortened > 5, "{shortened} tables with shortened texts");
}

/// Reads the sentence on hidden columns.
fn hidden_columns(text: &str) -> BTreeSet<String> {
    let flowed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((_, rest)) = flowed.split_once("Hidden columns (terminal too narrow): ") else {
        return BTreeSet::new();
    };
    let names = rest.split_once('.').map_or(rest, |(names, _)| names);
    names.split(", ").map(str::to_owned).collect()
}
