//! Tests of the HTML page.

use std::borrow::Cow;

use chrono::NaiveDate;

use chrono_tz::Tz;

use super::page::{SCRIPT, STYLE, csp_digest};
use super::*;
use crate::grid::{Cell, CellKind, Grid};
use crate::render::{CoverageCounts, ExcludedEvents, ReportContext};

fn over_time(days: &[(i32, Option<i64>, &str)]) -> Grid {
    let mut grid =
        Grid::new([("date", CellKind::Date), ("views", CellKind::Int), ("status", CellKind::Text)]);
    for (days, views, status) in days {
        let views = views.map_or(Cell::Null, Cell::Int);
        let status = Cell::Text((*status).to_owned());
        grid.rows.push(vec![Cell::Date { days: *days }, views, status]);
    }
    grid
}

fn panel(grid: Grid, kind: PanelKind) -> Panel {
    let shown = |name: &str| ColumnView {
        name: name.into(),
        meaning: "Description.".into(),
        style: ColumnStyle::Plain,
        link: None,
    };
    Panel {
        id: "views".into(),
        class: "views",
        title: "Views".into(),
        lead: String::new(),
        report: "consumption-trend".into(),
        params: vec!["grain=day".into()],
        total_rows: grid.rows.len(),
        columns: grid.columns.iter().map(|column| shown(&column.name)).collect(),
        grid,
        kind,
        is_short: false,
        empty_text: "Nothing.".into(),
    }
}

fn rendered(panels: Vec<Panel>) -> String {
    let document = Document {
        title: "Usage".into(),
        context: ReportContext {
            report: "consumption-trend".into(),
            title: "Consumption".into(),
            since: NaiveDate::from_ymd_opt(2026, 3, 1),
            until: NaiveDate::from_ymd_opt(2026, 3, 3),
            coverage: CoverageCounts { days: 3, complete: 2, partial: 0, missing: 1, truncated: 0 },
            excluded: ExcludedEvents { noise: 1_350_000, ..ExcludedEvents::default() },
            totals: None,
            marks: Vec::new(),
        },
        time_zone: Tz::UTC,
        remarks: vec!["One.".into()],
        sections: vec![Section {
            id: "one".into(),
            tab: "One".into(),
            title: "One".into(),
            panels,
        }],
    };
    String::from_utf8(render_page(&document)).unwrap()
}

const BARS: ChartSeries = ChartSeries {
    column: Cow::Borrowed("views"),
    title: Cow::Borrowed("Views"),
    shape: SeriesShape::Bars,
};
const LINE: ChartSeries = ChartSeries { shape: SeriesShape::Line, ..BARS };

/// 2026-03-01.
const FIRST: i32 = 20_513;

#[test]
fn digest_matches_the_csp_format() {
    // printf 'a' | openssl dgst -sha256 -binary | base64
    assert_eq!(csp_digest("a"), "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='");
}

#[test]
fn style_and_script_contain_no_closing_tag() {
    for text in [STYLE, SCRIPT] {
        assert!(!text.contains("</") && !text.contains("<!--"));
    }
}

#[test]
fn context_is_in_words() {
    let html = rendered(Vec::new());
    assert!(html.contains(
        "Coverage: 2 of 3 days complete (1 missing). Excluded: 1,350,000 automated API events."
    ));
}

#[test]
fn paper_has_the_wide_layout() {
    let narrow = STYLE.lines().find(|line| line.contains("max-width: 760px"));
    assert_eq!(narrow, Some("@media screen and (max-width: 760px) {"));
}

#[test]
fn incomplete_days_are_shaded_and_lines_break_there() {
    let rows = [
        (FIRST, Some(3), "complete"),
        (FIRST + 1, None, "missing"),
        (FIRST + 2, Some(4), "complete"),
        (FIRST + 3, Some(9), "truncated"),
    ];
    let html = rendered(vec![panel(over_time(&rows), PanelKind::Chart(vec![LINE]))]);
    let svg = &html[html.find("<svg class=\"wide\"").unwrap()..];
    let svg = &svg[..svg.find("</svg>").unwrap()];
    assert_eq!(svg.matches("<path class=\"missing\"").count(), 1, "{svg}");
    assert_eq!(svg.matches("<path class=\"partial\"").count(), 1, "{svg}");
    let line = &svg[svg.find("<path class=\"s1\" d=\"").unwrap() + 20..];
    let line = &line[..line.find('"').unwrap()];
    // One lone day and a line of two days: two starts.
    assert_eq!((line.matches('M').count(), line.matches('L').count()), (2, 2), "{line}");
    assert!(html.contains("</span>Missing</li>") && html.contains("</span>Partial</li>"), "{html}");
    assert!(html.contains("Views: highest 9 on 2026-03-04."), "{html}");
}

#[test]
fn bars_of_a_series_are_one_path_and_axes_have_whole_numbers() {
    let rows: Vec<_> =
        (0..90).map(|day| (FIRST + day, Some(i64::from(day % 3)), "complete")).collect();
    let html = rendered(vec![panel(over_time(&rows), PanelKind::Chart(vec![BARS]))]);
    assert_eq!(html.matches("<path class=\"s1\"").count(), 2, "one per size");
    let labels: Vec<&str> = html.split("<text class=\"label\"").skip(1).collect();
    let labels: Vec<&str> = labels
        .iter()
        .map(|label| &label[label.find('>').unwrap() + 1..label.find('<').unwrap()])
        .collect();
    for label in ["0", "2", "4", "Apr 2026", "May"] {
        assert!(labels.contains(&label), "{label}: {labels:?}");
    }
    assert!(labels.iter().all(|label| !label.contains('.')), "{labels:?}");
}

#[test]
fn a_chart_without_rows_is_a_sentence_and_without_values_an_empty_plot() {
    let html = rendered(vec![panel(over_time(&[]), PanelKind::Chart(vec![LINE]))]);
    assert!(html.contains("<p class=\"none\">Nothing.</p>") && !html.contains("<svg"), "{html}");
    let unknown = over_time(&[(FIRST, None, "missing")]);
    let html = rendered(vec![panel(unknown, PanelKind::Chart(vec![LINE, BARS]))]);
    assert!(html.contains("<svg class=\"narrow\"") && !html.contains("NaN"), "{html}");
}

#[test]
fn cells_contain_the_exact_value_of_a_shortened_text() {
    let mut grid = Grid::new([
        ("report", CellKind::Text),
        ("views", CellKind::Int),
        ("share_pct", CellKind::Float),
        ("last_view", CellKind::Time),
    ]);
    grid.rows.push(vec![
        Cell::Text("x".repeat(500)),
        Cell::Int(1_234),
        Cell::Float(12.5),
        Cell::Time { us: 1_772_406_300_000_000 },
    ]);
    grid.rows.push(vec![Cell::Null, Cell::Null, Cell::Null, Cell::Null]);
    let mut few = panel(grid, PanelKind::Table);
    few.total_rows = 1_500;
    few.columns[2].style = ColumnStyle::Percent;
    let html = rendered(vec![few]);
    for part in [
        format!("title=\"{}\"><bdi>{}…</bdi>", "x".repeat(500), "x".repeat(200)),
        "<td class=\"n\" data-v=\"1234\">1,234</td>".into(),
        "<rect width=\"12.5\" height=\"10\"></rect></svg>12.5</td>".into(),
        "data-v=\"2026-03-01T23:05:00+00:00\" title=\"2026-03-01 23:05\">2026-03-01</td>".into(),
        "<td class=\"n\" data-v=\"\">–</td>".into(),
        "<td class=\"t\" data-v=\"\"></td>".into(),
        "<p class=\"more\">Showing 2 of 1,500 rows.</p>".into(),
        ">Share %</th>".into(),
    ] {
        assert!(html.contains(&part), "{part}: {html}");
    }
}

#[test]
fn calendar_days_are_below_their_weekdays() {
    let mut grid = Grid::new([
        ("day", CellKind::Date),
        ("status", CellKind::Text),
        ("events", CellKind::Int),
        ("reason", CellKind::Text),
    ]);
    // 2026-03-30 is a Monday.
    for (at, status) in ["complete", "missing", "odd", "truncated"].into_iter().enumerate() {
        let days = FIRST + 29 + i32::try_from(at).unwrap();
        let events = if status == "missing" { Cell::Null } else { Cell::Int(7) };
        let texts = [status, "because"].map(|text| Cell::Text(text.into()));
        let [status, rule] = texts;
        grid.rows.push(vec![Cell::Date { days }, status, events, rule]);
    }
    let html = rendered(vec![panel(grid, PanelKind::Calendar)]);
    for part in [
        "<caption>March 2026</caption>",
        "<tr><td class=\"complete\" data-day=\"2026-03-30\"",
        "title=\"2026-03-30: 7 events\">30</td>",
        "title=\"2026-03-31: missing, no events; because\">31\
         <span class=\"visually-hidden\"> missing<",
        // 2026-04-01 is a Wednesday.
        "<caption>April 2026</caption>",
        "<tr><td></td><td></td><td class=\"partial\" data-day=\"2026-04-01\"",
        "1 complete",
        "1 missing",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn hours_with_more_views_are_darker() {
    let mut grid = Grid::new([
        ("weekday_number", CellKind::Int),
        ("hour", CellKind::Int),
        ("views_per_day", CellKind::Float),
        ("viewers", CellKind::Int),
    ]);
    for (weekday, hour, views) in [(1, 0, 0.0), (1, 9, 0.1), (7, 23, 12_345.6)] {
        grid.rows.push(vec![Cell::Int(weekday), Cell::Int(hour), Cell::Float(views), Cell::Int(3)]);
    }
    let html = rendered(vec![panel(grid, PanelKind::WeekHeatmap)]);
    for part in [
        "<td class=\"h0\" data-v=\"0\"",
        "title=\"Mon 0:00 to 0:59: average views 0, viewers 3\"></td>",
        "<td class=\"h1\" data-v=\"0.1\"",
        "<td class=\"h6\" data-v=\"12345.6\"",
        ">12k</td>",
        "<td class=\"no-data\"></td>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches("<th scope=\"row\">").count(), 7);
}

#[test]
fn cohorts_have_percentages_and_the_month_of_the_start_is_left_out() {
    let mut grid = Grid::new([
        ("cohort", CellKind::Text),
        ("months_since", CellKind::Int),
        ("users", CellKind::Int),
        ("cohort_size", CellKind::Int),
        ("retention", CellKind::Float),
    ]);
    let share = |share: Option<f64>| share.map_or(Cell::Null, Cell::Float);
    for (cohort, since, users, retention) in [
        ("2026-01", 0, 40, Some(1.0)),
        ("2026-01", 1, 13, Some(0.33)),
        ("2026-01", 2, 1, None),
        ("2026-02", 0, 5, Some(1.0)),
        ("2026-02", 1, 5, Some(1.0)),
    ] {
        let size = if cohort == "2026-01" { 40 } else { 5 };
        let cells = [Cell::Int(since), Cell::Int(users), Cell::Int(size), share(retention)];
        grid.rows.push([Cell::Text(cohort.into())].into_iter().chain(cells).collect());
    }
    let html = rendered(vec![panel(grid, PanelKind::Cohorts)]);
    for part in [
        "<th scope=\"row\">2026-01</th><td class=\"n\">40</td><td class=\"h2\" data-v=\"0.33\" \
         title=\"13 people\">33 %</td>",
        "title=\"1 person; too many days are missing for a percentage\">–</td>",
        "title=\"5 people\">100 %</td><td></td></tr>",
        ">+2 mo.</th></tr>",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(html.matches("data-v=\"1\"").count(), 1, "only the month after the start");
}
