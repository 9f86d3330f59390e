//! Tests of the dashboard: its figures equal those of the reports, its policy blocks all requests,
//! and names are only texts. Tests of the details of single items are in `page_items`;
//! tests/browser checks the page in a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use base64::Engine;
use chrono::NaiveDate;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::archive::{large, year};
use crate::attack;
use crate::html::{Element, read};
use crate::packed_details::{details, list, packed_bytes};
use crate::workdir::Workdir;

/// The largest number of bytes of the details of a period.
const MAX_DETAIL_BYTES: usize = 330_000;

/// Flags of different kinds.
pub const ASKED: [&[&str]; 4] = [
    &["--since", "90d", "--tz", "Europe/Berlin"],
    &[],
    &["--since", "2025-07-01", "--until", "2025-09-30", "--noise", "include", "--actors", "all"],
    &["--workspace", "Finance", "--user", "*@nordlicht-energie.example", "--since", "200d"],
];

pub fn page_of(dir: &Workdir, flags: &[&str]) -> String {
    dir.pbi(["dashboard"].iter().chain(flags)).one_of(&[0, 3]).stdout
}

pub fn year_page(flags: &[&str]) -> Element {
    read(&page_of(&year().dir, &[&["--store", "store"], flags].concat()))
}

/// Returns true if an element has a class.
pub fn has_class(element: &Element, class: &str) -> bool {
    element.get("class").is_some_and(|all| all.split(' ').any(|one| one == class))
}

/// Returns the views of all periods, without what follows them in elements of their own.
pub fn views(page: &Element) -> Vec<&Element> {
    let is_view = |element: &&Element| has_class(element, "view") && !has_class(element, "rest");
    page.all("div").into_iter().filter(is_view).collect()
}

/// Returns the block on the data of a view: in the view, or after the sections on an inventory.
pub fn about<'p>(page: &'p Element, view: &Element) -> &'p Element {
    let key = view.get("class").and_then(|class| class.split(' ').nth(1)).expect("a key");
    let mut blocks = Vec::new();
    for element in page.all("div").into_iter().filter(|element| has_class(element, key)) {
        blocks.extend(element.all("details").into_iter().filter(|one| has_class(one, "about")));
    }
    assert_eq!(blocks.len(), 1, "{key} has one block on its data");
    blocks[0]
}

/// Returns the view that the page opens with.
pub fn opened(page: &Element) -> &Element {
    let found = views(page).into_iter().find(|view| has_class(view, "opened"));
    found.expect("the page opens with a view")
}

/// Returns the flags with which reports have the period of a view.
pub fn flags_of<'p>(view: &'p Element, flags: &[&'p str]) -> Vec<&'p str> {
    let mut all = Vec::new();
    let mut rest = flags.iter();
    while let Some(flag) = rest.next() {
        match *flag {
            "--since" | "--until" => drop(rest.next()),
            flag => all.push(flag),
        }
    }
    for (flag, attribute) in [("--since", "data-since"), ("--until", "data-until")] {
        all.extend([flag, view.get(attribute).expect("a view names its period")]);
    }
    all
}

/// The rows of reports, by their arguments: many tables are from one report.
static ROWS: Mutex<BTreeMap<String, Vec<Value>>> = Mutex::new(BTreeMap::new());

/// Returns the rows of a report as JSON. `set` has the parameters, or `compare=previous`.
pub fn rows(report: &str, set: &str, flags: &[&str]) -> Vec<Value> {
    let mut arguments = vec!["report", report, "--store", "store", "--format", "json"];
    for pair in set.split(' ').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("compare", period)) => arguments.extend(["--compare", period]),
            _ => arguments.extend(["--param", pair]),
        }
    }
    arguments.extend(flags);
    let key = arguments.join(" ");
    if let Some(known) = ROWS.lock().expect("no test panics here").get(&key) {
        return known.clone();
    }
    let answer = year().dir.pbi(arguments).ended(0).stdout;
    let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    let rows = answer["rows"].as_array().expect("rows are a list").clone();
    ROWS.lock().expect("no test panics here").insert(key, rows.clone());
    rows
}

/// Returns the value of a cell: the exact one, the whole text, or the visible text.
fn cell_value(cell: &Element) -> String {
    let whole = cell.get("data-v").or(cell.get("title"));
    whole.map_or_else(|| cell.text(), str::to_owned)
}

/// Returns the text that the page shows for a JSON value.
fn expected(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn is_same(cell: &Element, value: &Value) -> bool {
    let (value, expected) = (cell_value(cell), expected(value));
    let numbers = value.parse::<f64>().ok().zip(expected.parse::<f64>().ok());
    value == expected || numbers.is_some_and(|(a, b)| a == b)
}

/// Returns the rows of a table on the page, each with its cells by column.
pub fn table(table: &Element) -> Vec<Vec<(&str, &Element)>> {
    let columns: Vec<&str> =
        table.all("th").iter().filter_map(|head| head.get("data-column")).collect();
    let body = table.all("tbody")[0];
    body.elements().map(|row| columns.iter().copied().zip(row.all("td")).collect()).collect()
}

/// Checks that every row of the table is a row of the report, in the same order unless the rows are
/// compared ones, which the page sorts by their change.
fn compare_table(found: &Element, flags: &[&str]) -> usize {
    let report = found.get("data-report").expect("a table says its report");
    let set = found.get("data-set").unwrap_or_default();
    let all = rows(report, set, flags);
    let lines = table(found);
    let mut rest = all.iter();
    for line in &lines {
        let known = line.iter().filter(|(column, _)| *column != "first_view");
        let known: Vec<_> = known.collect();
        let is_this =
            |row: &&Value| known.iter().all(|(column, cell)| is_same(cell, &row[*column]));
        assert!(!line.is_empty(), "{report} shows no columns");
        if set.starts_with("compare") {
            rest = all.iter();
        }
        let here = rest.find(is_this);
        assert!(here.is_some(), "{report} {flags:?}: no such row, or in another order: {line:?}");
    }
    let of: usize = found.get("data-of").and_then(|of| of.parse().ok()).expect("a number of rows");
    assert!(lines.len() == of.min(50) || !set.is_empty(), "{report}: {of}");
    lines.len()
}

#[test]
fn tables_contain_the_rows_of_their_report() {
    let mut all = BTreeSet::new();
    for (at, flags) in ASKED.into_iter().enumerate() {
        let page = year_page(flags);
        let views = if at == 0 { views(&page) } else { vec![opened(&page)] };
        for view in views {
            let flags = flags_of(view, flags);
            let mut tables = view.all("table");
            let is_apart = view.all("details").iter().all(|one| !has_class(one, "about"));
            if is_apart {
                tables.extend(about(&page, view).all("table"));
            }
            for found in tables.into_iter().filter(|table| table.get("data-of").is_some()) {
                let rows = compare_table(found, &flags);
                assert!(rows > 0, "a table without rows");
                all.insert(found.get("data-report").expect("a table says its report").to_owned());
            }
        }
    }
    for report in [
        "adoption",
        "capacity-usage",
        "consumption-trend",
        "coverage",
        "data-quality",
        "exports",
        "external-users",
        "noise",
        "sharing-audit",
        "top-reports",
        "top-users",
        "workspace-usage",
    ] {
        assert!(all.contains(report), "{report} is on no page: {all:?}");
    }
}

#[test]
fn the_page_has_the_periods_within_that_of_the_command() {
    let labels = |flags: &[&str]| -> Vec<String> {
        let page = year_page(flags);
        let labels = page.all("label").into_iter();
        let labels = labels.filter(|one| one.get("for").is_some_and(|id| id.starts_with("period")));
        labels.map(Element::text).collect()
    };
    assert_eq!(labels(&[]), ["7 days", "28 days", "90 days", "All"]);
    assert_eq!(labels(&["--since", "90d"]), ["7 days", "28 days", "90 days"]);
    assert_eq!(labels(&["--since", "2025-07-01", "--until", "2025-07-07"]), [""; 0]);
    let page = year_page(&[]);
    let days = |view: &Element| {
        let day = |name| view.get(name).unwrap().parse::<NaiveDate>().unwrap();
        (day("data-until") - day("data-since")).num_days() + 1
    };
    let lengths: Vec<i64> = views(&page).into_iter().map(days).collect();
    assert_eq!(lengths[..3], [7, 28, 90]);
    assert_eq!(days(opened(&page)), 28, "a page of a whole log opens with 28 days");
}

/// Returns the rows of the table of a panel, as texts by column.
fn panel_rows(view: &Element, class: &str) -> Vec<BTreeMap<String, String>> {
    let panel = view.all("div").into_iter().find(|element| has_class(element, class));
    let panel = panel.unwrap_or_else(|| panic!("no panel {class}"));
    let row = |line: Vec<(&str, &Element)>| {
        line.into_iter().map(|(column, cell)| (column.to_owned(), cell_value(cell))).collect()
    };
    panel.all("table").into_iter().flat_map(table).map(row).collect()
}

#[test]
fn changes_are_those_of_compared_reports() {
    let days = ["--since", "2025-10-13", "--until", "2025-11-09"];
    let page = year_page(&days);
    let view = opened(&page);
    let compared = rows("top-reports", "compare=previous", &days);
    let number = |row: &Value, name: &str| row[name].as_i64().expect("a number");
    let count = |matches: &dyn Fn(i64, i64) -> bool| {
        let is = |row: &&Value| matches(number(row, "views"), number(row, "views_before"));
        compared.iter().filter(is).count()
    };
    for (class, expected) in [
        ("rising", count(&|now, before| before > 0 && now > before)),
        ("falling", count(&|now, before| now > 0 && now < before)),
        ("silent-reports", count(&|now, before| now == 0 && before > 0)),
    ] {
        assert_eq!(panel_rows(view, class).len(), expected.min(50), "{class}");
    }
    let earlier = rows("top-reports", "", &["--until", "2025-10-12"]);
    let known: BTreeSet<&str> = earlier.iter().filter_map(|row| row["report"].as_str()).collect();
    let new = panel_rows(view, "new-reports");
    for row in &new {
        assert!(!known.contains(row["report"].as_str()) || compared.len() > known.len(), "{row:?}");
        assert!(*row["first_view"] >= *"2025-10-13", "{row:?}");
    }
    let users = rows("top-users", "", &days);
    let is_new = |row: &&Value| {
        row["first_seen"].as_str().is_some_and(|day| day >= days[1])
            && !["(unknown)", "anonymous"].contains(&row["user"].as_str().unwrap())
    };
    assert_eq!(panel_rows(view, "new-people").len(), users.iter().filter(is_new).count().min(50));
    let answer = view.all("section")[0].text();
    assert!(answer.contains("Report views "), "{answer}");
    assert!(answer.contains("compared with the period before"), "{answer}");
}

#[test]
fn heatmap_and_calendar_equal_their_reports() {
    for flags in ASKED {
        let whole = year_page(flags);
        let page = opened(&whole);
        let flags = &flags_of(page, flags);
        let heat = page.all("table").into_iter().find(|table| table.get("class") == Some("heat"));
        let heat = heat.expect("there is a week");
        let found: Vec<String> = heat.all("td").into_iter().map(cell_value).collect();
        let report = rows("hour-of-week", "", flags);
        assert_eq!(found.len(), 7 * 24);
        for (cell, row) in found.iter().zip(&report) {
            let value = row["views_per_day"].as_f64();
            assert_eq!(cell.parse::<f64>().ok(), value, "{row}");
        }

        let cells = about(&whole, page).all("td").into_iter();
        let days: Vec<&Element> = cells.filter(|cell| cell.get("data-day").is_some()).collect();
        let report = rows("coverage", "", flags);
        assert_eq!(days.len(), report.len());
        for (cell, row) in days.iter().zip(&report) {
            assert_eq!(cell.get("data-day"), row["day"].as_str());
            assert_eq!(cell.get("class"), row["status"].as_str());
        }
    }
}

#[test]
fn sparklines_equal_the_views_of_each_report() {
    let flags = ASKED[0];
    let page = year_page(flags);
    let page = opened(&page);
    let top = rows("top-reports", "", flags);
    let cells: Vec<&Element> =
        page.all("td").into_iter().filter(|cell| cell.get("class") == Some("spark")).collect();
    assert_eq!(cells.len(), top.len());
    let mut compared = 0;
    for (cell, row) in cells.iter().zip(&top) {
        let Some(values) = cell.get("data-values") else { continue };
        let told: f64 = values.split(' ').filter_map(|value| value.parse::<f64>().ok()).sum();
        assert!(told > 0.0 && row["views"].as_f64().is_some_and(|all| told <= all), "{row}");
        if compared < 4 {
            let ids = ["report_id", "workspace_id"].map(|id| row[id].as_str().expect("an id"));
            let only = [flags, &["--report", ids[0], "--workspace", ids[1]]].concat();
            let set = cell.get("data-set").expect("its grain");
            let alone = rows("consumption-trend", set, &only);
            // Only whole weeks have a point, and the line begins and ends with one.
            let point = |row: &Value| {
                let whole = row["complete_days"] == 7;
                if whole { row["views"].to_string() } else { "–".to_owned() }
            };
            let alone: Vec<String> = alone.iter().map(point).collect();
            let alone = alone.join(" ");
            assert!(values.contains('–'), "a week in the middle lacks a day");
            assert_eq!(values, alone.trim_matches(['–', ' ']), "{row}");
        }
        compared += 1;
    }
    assert!(compared > 10, "{compared} small lines");
}

/// Returns the key figures, calculated from the JSON of the reports.
fn figures(flags: &[&str]) -> Vec<(&'static str, f64)> {
    let sum =
        |rows: &[Value], column: &str| rows.iter().filter_map(|row| row[column].as_f64()).sum();
    let adoption = rows("adoption", "grain=day", flags);
    let users = rows("top-users", "", flags);
    let shares = rows("sharing-audit", "", flags);
    let external: Vec<Value> =
        shares.into_iter().filter(|row| row["reach"] == "external").collect();
    let top = rows("top-reports", "", flags);
    let reports: BTreeSet<&str> = top.iter().filter_map(|row| row["report_id"].as_str()).collect();
    vec![
        ("views", sum(&rows("consumption-trend", "grain=day", flags), "views")),
        ("viewers", users.iter().filter(|row| row["user"] != "(unknown)").count() as f64),
        ("mau", adoption.iter().rev().find_map(|row| row["mau"].as_f64()).expect("a MAU")),
        ("reports", reports.len() as f64),
        ("exports", sum(&rows("exports", "", flags), "exports")),
        ("external-shares", sum(&external, "shares")),
        ("guests", rows("external-users", "", flags).len() as f64),
    ]
}

/// Returns a number of a key figure, if the page has it.
fn figure(page: &Element, name: &str, attribute: &str) -> Option<f64> {
    let found = page.all("li").into_iter().find(|item| item.get("data-figure") == Some(name));
    let found = found.unwrap_or_else(|| panic!("no figure {name}"));
    found.get(attribute).and_then(|text| text.parse::<f64>().ok())
}

#[test]
fn key_figures_of_both_periods_equal_the_sums_of_reports() {
    // All days of both periods are complete, and both have four of each weekday.
    let days = ["--since", "2025-10-13", "--until", "2025-11-09"];
    let page = year_page(&days);
    let view = opened(&page);
    let (now, before) =
        (figures(&days), figures(&["--since", "2025-09-15", "--until", "2025-10-12"]));
    for ((name, value), (_, earlier)) in now.into_iter().zip(before) {
        let number = |of: &str| figure(view, name, of);
        assert_eq!(number("data-v"), Some(value), "{name}");
        assert_eq!(number("data-compared"), Some(value), "{name} compared");
        assert_eq!(number("data-previous"), Some(earlier), "{name} before");
    }
    let compared = "Changes compare 28 complete days with 28 complete days of 15 Sep – 12 Oct 2025, on the \
         same weekdays.";
    assert!(page.text().contains(compared), "{}", page.text());

    // Of 90 days, five are not complete, and some weekdays occur more often in one period.
    let days = ["--since", "2025-11-13", "--until", "2026-02-10"];
    let page = year_page(&days);
    let page = opened(&page);
    for (name, value) in figures(&days) {
        let number = |of: &str| figure(page, name, of);
        assert_eq!(number("data-v"), Some(value), "{name}");
        let compared = number("data-compared");
        assert!(compared.is_none_or(|compared| compared <= value), "{name}: {compared:?}");
    }
    let views = figure(page, "views", "data-v").zip(figure(page, "views", "data-compared"));
    assert!(views.is_some_and(|(all, compared)| compared < all), "{views:?}");
    assert_eq!(figure(page, "mau", "data-previous"), None, "a day of the window is missing");
    let whole = year_page(&[]).text();
    assert!(whole.contains("not enough history before this period"), "{whole}");
}

fn style_and_script(page: &Element) -> [String; 2] {
    ["style", "script"].map(|name| {
        // The other scripts are data, which browsers do not run.
        let mut all = page.all(name);
        all.retain(|one| one.get("type").is_none());
        assert_eq!(all.len(), 1, "one {name} per page");
        all[0].text()
    })
}

/// The elements that a page may contain. New ones need a security review first.
const ELEMENTS: &str = "a bdi body caption details div fieldset footer h1 h2 h3 head header \
    html input label legend li main meta nav p path rect script section span strong style summary \
    svg table tbody td text th thead title tr ul";

const ATTRIBUTES: &str = "abbr aria-hidden aria-label aria-labelledby charset checked class \
    content d data-compared data-previous data-column data-columns data-day data-figure data-left data-of \
    data-item data-period data-report data-right data-rows data-set data-short data-since data-until data-v data-values focusable for height \
    hidden href http-equiv id lang name preserveAspectRatio role scope stroke-width \
    tabindex text-anchor title type viewBox width x y";

pub fn assert_closed(page: &Element) {
    let [style, script] = style_and_script(page);
    let policy = page.all("meta").into_iter().find_map(|meta| {
        (meta.get("http-equiv") == Some("Content-Security-Policy")).then(|| meta.get("content"))
    });
    let hash =
        |text: &str| base64::prelude::BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let expected = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        hash(&style),
        hash(&script)
    );
    assert_eq!(policy.flatten(), Some(expected.as_str()));
    for text in [&style, &script] {
        for way_out in ["http", "url(", "@import", "fetch(", "XMLHttpRequest", "innerHTML", "\r"] {
            assert!(!text.contains(way_out), "{way_out}");
        }
    }
    for element in page.all("*") {
        assert!(
            ELEMENTS.split(' ').any(|known| known == element.name),
            "an element {}",
            element.name
        );
        for name in element.attributes.keys() {
            assert!(
                ATTRIBUTES.split(' ').any(|known| known == name),
                "{}: an attribute {name}",
                element.name
            );
        }
        if let Some(target) = element.get("href") {
            assert!(target.starts_with('#'), "a link to {target}");
        }
    }
}

#[test]
fn policy_allows_only_the_style_and_script_of_the_page() {
    for flags in ASKED {
        assert_closed(&year_page(flags));
    }
}

#[test]
fn names_are_only_texts() {
    let dir = Workdir::new();
    attack::write(&dir.join("attack")).expect("the archive can be written");
    dir.ingest("store", &["attack"]).0.one_of(&[0, 3]);
    let text = page_of(&dir, &["--store", "store"]);
    let page = read(&text);
    assert_closed(&page);
    let shown = page.text();
    for name in attack::names() {
        // The page shortens names and replaces control characters.
        let begin: String =
            name.chars().take_while(|c| c.is_ascii_graphic() || *c == ' ').take(60).collect();
        assert!(shown.contains(begin.trim()), "{name:?} is not on the page");
    }
    for letter in ['\u{202e}', '\u{2067}', '\u{0}', '\u{1b}', '\u{fdd0}', '\u{ffff}'] {
        assert!(!text.contains(letter), "{letter:?} is on the page");
    }
    // A name of 10,000 characters is complete in the tooltip, and shortened in the cell.
    let long = "W".repeat(attack::LETTERS);
    assert!(page.all("td").iter().any(|cell| cell.get("title") == Some(&long)));
    assert!(!shown.contains(&long[..1_000]), "long names are shortened");
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
}

#[test]
fn the_same_store_gives_the_same_page() {
    let flags = ["dashboard", "--store", "store", "--since", "90d"];
    let first = year().dir.pbi(flags).ended(0).stdout;
    let mut alone = year().dir.command(flags.iter().chain(&["--threads", "1"]));
    alone.env("RAYON_NUM_THREADS", "1").env("POLARS_MAX_THREADS", "1");
    let second = alone.output().expect("the program starts").stdout;
    assert!(first.as_bytes() == second, "two runs differ");
    year().dir.pbi(flags.iter().chain(&["--output", "page.html"])).ended(0);
    let third = std::fs::read(year().dir.join("page.html")).expect("the page was written");
    assert!(first.as_bytes() == third, "a file differs from stdout");
}

#[test]
fn a_page_is_small() {
    let year = page_of(&year().dir, &["--store", "store"]).len();
    assert!(year < 1_500_000, "{year} bytes for 15 months");
    let dir = Workdir::new();
    let month = page_of(&dir, &["--from", large().dir()]);
    assert!(month.len() < 2_000_000, "{} bytes for 32 days of 900 people", month.len());
    assert_says_what_it_leaves_out(&read(&month));
}

/// Checks that a page with many people names the numbers of items with and without details.
fn assert_says_what_it_leaves_out(page: &Element) {
    let packed = details(page);
    assert!(packed_bytes(page).iter().all(|bytes| *bytes <= MAX_DETAIL_BYTES));
    let mut limited = 0;
    for view in views(page) {
        let key = view.get("class").and_then(|class| class.split(' ').nth(1)).unwrap();
        let lines = view.all("li").into_iter().map(Element::text);
        let remark = lines.into_iter().find(|line| line.starts_with("Details are on this page"));
        let remark = remark.expect("a sentence on details");
        for (kind, plural) in [("report", "reports"), ("person", "people")] {
            let items = list(&packed[key]["items"]).iter();
            let kept = items.filter(|item| item["kind"] == kind).count();
            assert!(kept > 0 && kept <= 400, "{kept} {plural}");
            let part = format!("the first {kept} of ");
            match remark.contains(&format!("all {kept} {plural}")) {
                true => {}
                false => {
                    let rest = remark.split(&part).find(|rest| rest.contains(plural));
                    assert!(rest.is_some(), "{kept} {plural}: {remark}");
                    limited += 1;
                }
            }
        }
    }
    assert!(limited > 0, "no period of the page is limited");
}

#[test]
fn page_without_data_gives_the_reason() {
    let dir = Workdir::new();
    dir.write("none.json", "[]");
    let empty = read(&page_of(&dir, &["--from", "none.json"]));
    assert_closed(&empty);
    assert!(empty.text().contains("The log has no events."), "{}", empty.text());
    for (flags, told) in [
        (&["--user", "nobody@nowhere.example"][..], "No events match the filters."),
        (
            &["--since", "2025-04-18", "--until", "2025-04-19"],
            "There are no events in this period.",
        ),
    ] {
        let page = year_page(flags);
        assert_closed(&page);
        assert!(page.text().contains(told), "{flags:?}: {}", page.text());
        assert!(
            page.text().contains("No exports, downloads or prints in this period."),
            "{flags:?}"
        );
    }
    let outside = ["dashboard", "--store", "store", "--since", "2031-01-01"];
    let refused = year().dir.pbi(outside).ended(2).stderr;
    assert!(refused.contains("your log covers 2024-11-15 to "), "{refused}");
}

#[test]
fn filters_and_limitations_are_on_the_page() {
    let flags = [
        "--workspace",
        "Finance",
        "--workspace",
        "Vertrieb",
        "--noise",
        "exclude-all-reads",
        "--tz",
        "Asia/Tokyo",
    ];
    let text = year_page(&flags).text();
    for told in [
        "Filter: workspace Finance or Vertrieb.",
        "All read operations of the API are excluded.",
        "Asia/Tokyo",
        "outside the filters",
        "Limitations",
        "Figures that include incomplete days are underestimates.",
    ] {
        assert!(text.contains(told), "{told}");
    }
    let ran = year().dir.pbi(["dashboard", "--store", "store", "--tz", "Nowhere"]).ended(2);
    assert!(ran.stderr.contains("unknown time zone"), "{}", ran.stderr);
}
