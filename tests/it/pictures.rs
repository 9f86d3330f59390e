//! Charts as pictures and reports as pages: every report, names that are markup, themes, and
//! combinations that are refused.

use std::collections::BTreeSet;

use serde_json::json;

use crate::archive::year;
use crate::golden::assert_golden;
use crate::html::{Element, read};
use crate::sample_data::{FOLDERS, copy_of_sample_data};
use crate::workdir::Workdir;

/// Parses a picture as strictly as a page.
fn read_svg(text: &str) -> Element {
    read(&format!("<!doctype html>\n{text}"))
}

fn texts(svg: &Element) -> BTreeSet<String> {
    svg.all("text").into_iter().map(Element::text).collect()
}

/// Returns a store with three views of a report with this name.
fn one_report(name: &str) -> Workdir {
    let dir = Workdir::new();
    let events: Vec<_> = (0..3)
        .map(|number| {
            json!({
                "Id": format!("e{number}"), "CreationTime": "2026-03-02T10:00:00",
                "Operation": "ViewReport", "Activity": "ViewReport", "RecordType": 20,
                "UserId": format!("p{number}@contoso.com"), "UserType": 0, "Workload": "PowerBI",
                "ReportId": "r1", "ReportName": name, "WorkspaceId": "w1",
                "WorkSpaceName": "<i>Finance</i>",
            })
        })
        .collect();
    dir.write("log/a.json", json!({ "activityEventEntities": events }).to_string());
    dir.ingest("store", &["log"]).0.ended(0);
    dir
}

#[test]
fn marks_are_drawn_in_charts_over_time_with_their_text() {
    let archive = year();
    for format in ["svg", "html"] {
        let flags = ["--store", "store", "--since", "60d", "--format", format];
        let marks = ["--mark", "2025-01-01:Before all", "--mark", "2026-01-10:<Training>"];
        let command = ["report", "adoption"].iter().chain(&flags).chain(&marks);
        let text = archive.dir.pbi(command).ended(0).stdout;
        let days = text.matches("class=\"mark\"").count();
        // A page has each chart in two sizes.
        assert_eq!(days, if format == "svg" { 1 } else { 2 }, "{format}");
        assert!(text.contains(">&lt;Training&gt;</text>"), "{format}");
        assert!(!text.contains("<Training>"), "{format}");
    }
}

#[test]
fn every_report_has_a_picture_or_names_those_that_have_one() {
    let archive = year();
    let mut drawn = BTreeSet::new();
    let mut refusals = Vec::new();
    for report in archive.reports() {
        let flags = ["--store", "store", "--format", "svg"];
        let ran = archive.dir.pbi(["report", report.as_str()].iter().chain(&flags));
        if ran.code == 2 {
            assert!(ran.stderr.contains(&format!("{report} has no chart")), "{}", ran.stderr);
            refusals.push(ran.stderr);
            continue;
        }
        let page = read_svg(&ran.ended(0).stdout);
        let svg = page.elements().next().expect("an element");
        assert_eq!((svg.name.as_str(), svg.get("width")), ("svg", Some("1600")));
        let texts = texts(svg);
        assert!(texts.iter().any(|text| text.contains("Coverage: ")), "{report}: {texts:?}");
        assert!(svg.all("g").len() == 1 && svg.all("path").len() > 1, "{report}: no shapes");
        drawn.insert(report);
    }
    assert!(drawn.len() > 20 && !refusals.is_empty(), "{drawn:?}");
    for refusal in refusals {
        let (_, names) = refusal.split_once("these reports have one: ").expect("a list");
        let names: BTreeSet<String> = names.trim().split(", ").map(str::to_owned).collect();
        assert_eq!(names, drawn);
    }
    let drawn_file = ["top-reports", "--store", "store", "--output", "top.png"];
    archive.dir.pbi(["report"].iter().chain(&drawn_file)).ended(0);
    let png = std::fs::read(archive.dir.join("top.png")).expect("the picture");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 20_000, "{} bytes", png.len());
    archive
        .dir
        .pbi(["report", "--all", "--store", "store", "--output-dir", "charts", "--format", "svg"])
        .ended(0);
    let files: BTreeSet<String> = std::fs::read_dir(archive.dir.join("charts"))
        .expect("the folder")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, drawn.iter().map(|name| format!("{name}.svg")).collect());
}

#[test]
fn every_report_is_a_page_with_all_rows() {
    let archive = year();
    for report in archive.reports() {
        let answer = |format: &str| {
            let flags = ["--store", "store", "--since", "30d", "--format", format];
            archive.dir.pbi(["report", report.as_str()].iter().chain(&flags)).ended(0).stdout
        };
        let rows: serde_json::Value = serde_json::from_str(&answer("json")).expect("JSON");
        let rows = rows["rows"].as_array().expect("rows").len();
        let text = answer("html");
        let page = read(&text);
        let found = page.all("tbody").iter().map(|body| body.all("tr").len()).sum::<usize>();
        assert_eq!(found, rows, "{report}");
        assert!(
            text.contains("Coverage: ") && text.contains("default-src &#39;none&#39;"),
            "{report}"
        );
        let loads = ["src", "href", "data", "action"];
        let links = page.all("*").into_iter().flat_map(|one| loads.map(|name| one.get(name)));
        assert!(links.flatten().all(|link| link.starts_with('#')), "{report}");
        let ids: Vec<_> = page.all("*").into_iter().filter_map(|one| one.get("id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{report}: {ids:?}");
    }
}

#[test]
fn names_do_not_become_markup() {
    let name = "</text><script>alert(1)</script>\"'&amp;";
    let dir = one_report(name);
    for (format, element) in [("svg", "text"), ("html", "bdi")] {
        let command = ["report", "top-reports", "--store", "store", "--format", format];
        let text = dir.pbi(command).ended(0).stdout;
        let page = if format == "svg" { read_svg(&text) } else { read(&text) };
        let names: Vec<String> = page.all(element).into_iter().map(Element::text).collect();
        assert!(
            names.iter().any(|found| name.starts_with(found.trim_end_matches('…'))
                && found.starts_with("</text><script>")),
            "{format}: {names:?}"
        );
        let scripts = page.all("script").len();
        assert_eq!(scripts, usize::from(format == "html"));
        assert!(page.all("i").is_empty());
    }
}

#[test]
fn contradictory_flags_are_refused() {
    let dir = one_report("Sales");
    for (flags, expected) in [
        (&["top-reports", "--theme", "dark"][..], "--theme is for pictures"),
        (&["top-reports", "--format", "svg", "--columns", "report"], "cannot be drawn from these"),
        (&["hour-of-week", "--format", "svg", "--top", "3"], "cannot be drawn from these"),
        (&["report-usage", "--report", "Sales", "--details", "--format", "svg"], "holds one chart"),
        (&["coverage", "--output", "coverage.svg"], "coverage has no chart; these reports have"),
        (&["top-reports", "--output", "a.svg", "--format", "html"], "use the extension .html"),
    ] {
        let command = ["report"].iter().chain(flags).chain(&["--store", "store"]);
        let ran = dir.pbi(command).ended(2);
        assert!(ran.stderr.contains(expected), "{flags:?}: {}", ran.stderr);
    }
    let ran = dir.pbi(["sql", "SELECT 1 AS one", "--store", "store", "--format", "svg"]).ended(2);
    assert!(ran.stderr.contains("sql has no chart"), "{}", ran.stderr);
}

#[test]
fn details_are_a_page_with_a_section_for_each_table() {
    let dir = one_report("Sales");
    let flags = ["--report", "Sales", "--details", "--output", "sales.html", "--store", "store"];
    dir.pbi(["report", "report-usage"].iter().chain(&flags)).ended(0);
    let text = std::fs::read_to_string(dir.join("sales.html")).expect("the page");
    let titles: Vec<String> = read(&text).all("h2").into_iter().map(Element::text).collect();
    assert!(titles.len() > 8 && titles.contains(&"Viewers".to_owned()), "{titles:?}");
}

#[test]
fn pictures_match_their_golden_files() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &FOLDERS).0.ended(3);
    for (report, theme) in
        [("top-reports", "light"), ("adoption", "dark"), ("hour-of-week", "light")]
    {
        let flags = ["--format", "svg", "--theme", theme, "--store", "store"];
        let picture = dir.pbi(["report", report].iter().chain(&flags)).ended(0).stdout;
        assert_golden(&format!("{report}.svg"), &picture);
    }
}
