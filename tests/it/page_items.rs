//! Tests of the details of single items on the dashboard: every number equals that of the report
//! with the item as filter, and people are only on the page if they are shown.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde_json::Value;

use crate::archive::year;
use crate::dashboard::{ASKED, assert_closed, flags_of, opened, page_of, rows, views, year_page};
use crate::html::{Element, read};
use crate::packed_details::{details, list, unpacked};

/// Returns the table of an item as rows by column, and its number of all rows.
fn item_table(data: &Value, item: &Value, name: &str) -> (Vec<BTreeMap<String, Value>>, usize) {
    let kind = list(&data["tables"]).iter().find(|kind| kind["name"] == name).expect("a kind");
    let columns = list(&kind["columns"]).iter().map(|column| column[0].as_str().expect("a name"));
    let columns: Vec<&str> = columns.collect();
    let Some(table) = list(&item["tables"]).iter().find(|table| table["name"] == name) else {
        return (Vec::new(), 0);
    };
    let row = |row: &Value| {
        let cells = columns.iter().zip(list(row));
        cells.map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect()
    };
    let rows = list(&table["rows"]).iter().map(row).collect();
    (rows, table["of"].as_u64().expect("a number") as usize)
}

/// Checks that the rows of an item are rows of a report, that the number of all rows is the same,
/// and that rows left out have no more views.
fn compare_rows(data: &Value, item: &Value, name: &str, expected: &[Value]) -> usize {
    let (rows, of) = item_table(data, item, name);
    assert_eq!(of, expected.len(), "{name} of {item}");
    assert_eq!(rows.len(), of.min(20), "{name} of {item}");
    for row in &rows {
        let is_this = |other: &&Value| row.iter().all(|(column, cell)| other[column] == *cell);
        assert!(expected.iter().any(|other| is_this(&other)), "{name}: {row:?} of {expected:?}");
    }
    rows.len()
}

/// Checks the views by day of an item against `consumption-trend`, and returns their number.
fn compare_days(data: &Value, item: &Value, flags: &[&str], filter: [&str; 2]) {
    let by_day = |flags: &[&str]| -> Vec<(String, Value)> {
        let rows = rows("consumption-trend", "grain=day", flags);
        let day = |row: &Value| (row["date"].as_str().unwrap().to_owned(), row["views"].clone());
        rows.iter().map(day).collect()
    };
    let expected = by_day(&[flags, &filter].concat());
    let days = list(&data["days"]).iter().map(|day| day.as_str().unwrap().to_owned());
    let found: Vec<_> = days.zip(list(&item["views"]).iter().cloned()).collect();
    assert_eq!(found, expected, "{}", item["name"]);
    let Some(first) = data["earlier"].as_str() else {
        assert!(list(&item["before"]).is_empty());
        return;
    };
    let last = data["days"][0].as_str().unwrap().parse::<NaiveDate>().unwrap();
    let last = (last - Days::new(1)).to_string();
    let mut others = flags.to_vec();
    let period = others.iter().position(|flag| *flag == "--since").unwrap();
    others.truncate(period);
    let before = by_day(&[&others[..], &["--since", first, "--until", &last], &filter].concat());
    let before: Vec<Value> = before.into_iter().map(|(_, views)| views).collect();
    assert_eq!(*list(&item["before"]), before, "before, {}", item["name"]);
}

/// Checks all numbers of an item, and returns the number of rows of its tables.
fn compare_item(data: &Value, item: &Value, flags: &[&str]) -> usize {
    let (kind, id) = (item["kind"].as_str().unwrap(), item["id"].as_str().unwrap());
    let (flag, report, column) = match kind {
        "report" => ("--report", "top-reports", "report_id"),
        "workspace" => ("--workspace", "workspace-usage", "workspace_id"),
        "capacity" => ("--capacity", "capacity-usage", "capacity_id"),
        _ => ("--user", "top-users", "user"),
    };
    compare_days(data, item, flags, [flag, id]);
    let listed = rows(report, "", flags);
    let row = listed.iter().find(|row| row[column] == id).expect("it is in its report");
    // The report on capacities has no ranks: they are the positions of rows with an ID.
    let known = listed.iter().filter(|row| !row[column].is_null());
    let rank = known.take_while(|row| row[column] != id).count() + 1;
    assert!(list(&item["facts"]).len() > 5, "{item}");
    for fact in list(&item["facts"]) {
        match fact[0].as_str().unwrap() {
            "rank" if kind == "capacity" => assert_eq!(fact[2], rank, "rank of {id}"),
            name => assert_eq!(row[name], fact[2], "{name} of {id}"),
        }
    }
    if let Some([now, before]) = item["compared"].as_array().map(Vec::as_slice) {
        let compared = rows(report, "compare=previous", flags);
        let sum = |name: &str| -> i64 {
            let rows = compared.iter().filter(|row| row[column] == id);
            rows.map(|row| row[name].as_i64().unwrap()).sum()
        };
        assert_eq!([now, before].map(|n| n.as_i64().unwrap()), ["views", "views_before"].map(sum));
    }
    let filtered = |report: &str| rows(report, "", &[flags, &[flag, id]].concat());
    let mut checked = 0;
    if kind == "capacity" {
        let mut workspaces = filtered("workspace-usage");
        workspaces.retain(|row| !row["workspace_id"].is_null());
        checked += compare_rows(data, item, "workspaces", &workspaces);
    }
    if kind != "person" {
        checked += compare_rows(data, item, "viewers", &filtered("top-users"));
    }
    if kind != "report" {
        let mut reports = filtered("top-reports");
        reports.retain(|row| !row["report_id"].is_null());
        checked += compare_rows(data, item, "reports", &reports);
    }
    let mut clients = filtered("consumption-method");
    clients.retain(|row| row["breakdown"] == "method");
    checked += compare_rows(data, item, "clients", &clients);
    checked += compare_rows(data, item, "distribution", &filtered("distribution-method"));
    // Exports and shares name no capacity.
    if kind != "capacity" {
        checked += compare_rows(data, item, "exports", &filtered("exports"));
        checked += compare_rows(data, item, "shares", &filtered("sharing-audit"));
    }
    checked
}

#[test]
fn details_equal_the_reports_with_the_item_as_filter() {
    let mut checked = BTreeMap::new();
    for (flags, is_all) in [(ASKED[0], true), (ASKED[2], false)] {
        let page = year_page(flags);
        let packed = details(&page);
        let shown = if is_all { views(&page) } else { vec![opened(&page)] };
        for view in shown.into_iter().rev().take(2) {
            let key = view.get("class").and_then(|class| class.split(' ').nth(1)).unwrap();
            let data = &packed[key];
            let flags = flags_of(view, flags);
            for kind in ["report", "workspace", "person", "capacity"] {
                let items: Vec<&Value> =
                    list(&data["items"]).iter().filter(|item| item["kind"] == kind).collect();
                let least = if kind == "capacity" { 2 } else { 5 };
                assert!(items.len() >= least, "{} items of kind {kind}", items.len());
                for item in [items[0], items[items.len() / 2]] {
                    *checked.entry(kind).or_insert(0) += compare_item(data, item, &flags);
                }
            }
        }
    }
    assert!(checked.values().all(|rows| *rows > 20), "{checked:?}");
}

#[test]
fn links_lead_to_details_of_the_same_period() {
    let page = year_page(&[]);
    let packed = details(&page);
    for view in views(&page) {
        let key = view.get("class").and_then(|class| class.split(' ').nth(1)).unwrap();
        let data = &packed[key];
        let known: Vec<String> = list(&data["items"])
            .iter()
            .map(|item| {
                format!("{}={}", item["kind"].as_str().unwrap(), item["id"].as_str().unwrap())
            })
            .collect();
        let links = view.all("td").into_iter().filter_map(|cell| cell.get("data-item"));
        let links: Vec<&str> = links.collect();
        assert!(links.len() > 20, "{} links", links.len());
        for link in links {
            assert!(known.iter().any(|known| known == link), "{link} has no details");
        }
    }
}

/// Returns everything that a page contains: its text and the unpacked details.
fn everything(flags: &[&str]) -> String {
    let text = page_of(&year().dir, &[&["--store", "store"], flags].concat());
    let page = read(&text);
    assert_closed(&page);
    let packed = unpacked(&page);
    packed.values().fold(text, |all, text| all + text).to_lowercase()
}

#[test]
fn people_are_on_the_page_only_if_they_are_shown() {
    let mut people = Vec::new();
    for (report, column) in [
        ("top-users", "user"),
        ("exports", "user"),
        ("sharing-audit", "recipient"),
        ("sharing-audit", "shared_by"),
        ("external-users", "guest"),
    ] {
        let rows = rows(report, "", &[]);
        let all = rows.iter().filter_map(|row| row[column].as_str());
        people.extend(all.filter(|one| one.contains('@')).map(str::to_lowercase));
    }
    people.sort();
    people.dedup();
    assert!(people.len() > 25, "{}", people.len());
    let names = everything(&[]);
    let shown = people.iter().filter(|person| names.contains(*person)).count();
    assert!(shown > 25, "{shown} people are shown by name");
    for display in ["pseudonyms", "none"] {
        // A filter by address is named without it, too.
        let first = people[0].as_str();
        for flags in [&["--people", display][..], &["--people", display, "--exclude-user", first]] {
            let page = everything(flags);
            let found: Vec<&String> =
                people.iter().filter(|person| page.contains(*person)).collect();
            assert!(found.is_empty(), "{flags:?}: {found:?}");
            assert!(!page.contains("personalworkspace "), "{flags:?}");
            assert_eq!(page.contains("person 1<"), display == "pseudonyms", "{flags:?}");
        }
    }
}

#[test]
fn a_page_without_scripts_has_the_same_figures() {
    let flags = ["--store", "store", "--since", "28d"];
    let text = page_of(&year().dir, &[&flags[..], &["--static"]].concat());
    let page = read(&text);
    assert!(page.all("script").is_empty() && !text.contains("data-item"));
    assert!(text.contains("script-src &#39;none&#39;"));
    let full = read(&page_of(&year().dir, &flags));
    let figures = |page: &Element| -> Vec<String> {
        page.all("li")
            .iter()
            .filter(|one| one.get("data-figure").is_some())
            .map(|one| one.text())
            .collect()
    };
    assert_eq!(figures(&page), figures(&full));
    assert!(figures(&page).len() > 10, "key figures of two periods");
}
