//! Renders a result for a terminal: aligned columns, a chart, and closing sentences.
//!
//! If the terminal is too narrow, headers wrap first. Then columns without values are hidden, then
//! those of IDs. Then long texts are shortened with `…`, and then the last columns are hidden. The
//! hidden columns are named below the table.

use std::collections::HashSet;

use unicode_width::UnicodeWidthStr;

use crate::Result;
use crate::grid::{CellKind, Chart, Grid, GridColumn};

use super::column_widths::{
    COLUMN_GAP, column_text_width, column_widths, fits, split_columns, total_width,
};
use super::input::{RenderInput, Renderer};
use super::{chart, own_domain, text, text_width};

/// The width to which texts are shortened before columns are hidden.
const MIN_TEXT_WIDTH: usize = 16;
/// The width to which texts are shortened before the column of the chart is hidden.
const MIN_TEXT_WIDTH_WITH_CHART: usize = 10;
/// The smallest width of a line; narrower ones are not readable.
const MIN_WIDTH: usize = 10;
/// The smallest width of bars; shorter ones show no differences.
const MIN_BAR_WIDTH: usize = 6;
/// The largest width of bars; longer ones show no more.
const MAX_BAR_WIDTH: usize = 16;

/// The text format.
pub struct TextTable;

impl Renderer for TextTable {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let width = input.width.max(MIN_WIDTH);
        let texts = text::cell_texts(input);
        let mut lines = Vec::new();
        if let Some(context) = input.context.filter(|context| !context.title.is_empty()) {
            lines.extend(text_width::wrap(&context.title, width));
            lines.push(String::new());
        }
        let mut sentences = Vec::new();
        let series = line_chart_lines(input, &texts, width);
        match heatmap_lines(input, &texts, width) {
            Some(plane) => lines.extend(plane),
            None => {
                let body = TableLayout::new(input, texts, width);
                sentences.extend(body.own_domain_note());
                sentences.extend(body.omitted_columns_note(input.grid));
                lines.extend(body.lines());
            }
        }
        lines.extend((!series.is_empty()).then(String::new));
        lines.extend(series);

        sentences.extend(input.remarks.iter().cloned());
        let zone = input.time_zone.name();
        let closing = input.context.map(|context| text::context_sentences(context, zone));
        if !sentences.is_empty() || closing.is_some() {
            lines.push(String::new());
        }
        lines.extend(sentences.iter().flat_map(|sentence| text_width::wrap(sentence, width)));
        lines.extend(closing.iter().flat_map(|closing| text_width::flow_sentences(closing, width)));

        let mut out = lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n");
        out.push('\n');
        Ok(out.into_bytes())
    }
}

/// Returns the heatmap that replaces the rows, if the result has one.
fn heatmap_lines(
    input: &RenderInput<'_>,
    texts: &[Vec<String>],
    width: usize,
) -> Option<Vec<String>> {
    let Chart::Heatmap { value, over, by } = input.chart? else { return None };
    chart::heatmap(input.grid, texts, [value, over, by], width)
}

/// Returns the line chart below the rows, if the result has one.
fn line_chart_lines(input: &RenderInput<'_>, texts: &[Vec<String>], width: usize) -> Vec<String> {
    match input.chart {
        Some(Chart::Lines { values, over }) => {
            chart::line_chart(input.grid, texts, values, over, width)
        }
        _ => Vec::new(),
    }
}

/// The layout of the rows: the visible columns, and bars after one of them.
struct TableLayout {
    columns: Vec<GridColumn>,
    texts: Vec<Vec<String>>,
    widths: Vec<usize>,
    /// The names of the columns that give way to others: those without values, and IDs.
    hidden: Vec<String>,
    /// The domain that addresses have no longer.
    own_domain: Option<String>,
}

impl TableLayout {
    fn new(input: &RenderInput<'_>, mut texts: Vec<Vec<String>>, width: usize) -> TableLayout {
        let is_too_wide = !fits(input.grid, &texts, width);
        let own_domain = is_too_wide.then(|| own_domain::shorten(input.grid, &mut texts)).flatten();
        let (kept, hidden) = split_columns(input.grid, &texts, width);
        let columns: Vec<GridColumn> =
            kept.iter().map(|&at| input.grid.columns[at].clone()).collect();
        let kept_texts = |row: Vec<String>| {
            let mut row: Vec<Option<String>> = row.into_iter().map(Some).collect();
            kept.iter().filter_map(|&at| row.get_mut(at)?.take()).collect()
        };
        let texts: Vec<Vec<String>> = texts.into_iter().map(kept_texts).collect();
        let mut widths = column_widths(&columns, &texts, width, MIN_TEXT_WIDTH);
        if let Some(Chart::Bars { value }) = input.chart
            && columns.iter().skip(widths.len()).any(|column| column.name == *value)
        {
            widths = column_widths(&columns, &texts, width, MIN_TEXT_WIDTH_WITH_CHART);
        }
        let hidden = hidden.into_iter().map(|at| input.grid.columns[at].name.clone()).collect();
        let mut body = TableLayout { columns, texts, widths, hidden, own_domain };
        if let Some(Chart::Bars { value }) = input.chart
            && let Some(mut bars) = chart::TextBars::from_column(input.grid, value)
            && let Some(at) = kept.iter().position(|&at| at == bars.column_index)
        {
            bars.column_index = at;
            body.add_bars(&bars, width);
        }
        body
    }

    /// Inserts bars after their column if there is space for them. Bars hide no column, and shorten
    /// no text unless texts are shortened without bars, too.
    fn add_bars(&mut self, bars: &chart::TextBars, width: usize) {
        let left = width.saturating_sub(MIN_BAR_WIDTH + COLUMN_GAP);
        let widths = column_widths(&self.columns, &self.texts, left, MIN_TEXT_WIDTH);
        let is_shortened = |widths: &[usize], kind: fn(CellKind) -> bool| {
            let columns = self.columns.iter().zip(widths).enumerate();
            let mut shown = columns.filter(|(_, (column, _))| kind(column.kind));
            shown.any(|(at, (_, &width))| column_text_width(&self.texts, at) > width)
        };
        let costs_text = is_shortened(&widths, |_| true) && !is_shortened(&self.widths, |_| true);
        let costs_number = is_shortened(&widths, CellKind::is_number);
        let has_space = bars.column_index < widths.len() && widths.len() == self.widths.len();
        if !has_space || costs_text || costs_number || total_width(&widths) > left {
            return;
        }
        let bar = (width - total_width(&widths) - COLUMN_GAP).min(MAX_BAR_WIDTH);
        let at = bars.column_index + 1;
        self.widths = widths;
        self.widths.insert(at, bar);
        self.columns.insert(at, GridColumn { name: String::new(), kind: CellKind::Text });
        for (row, drawn) in self.texts.iter_mut().zip(bars.bar_texts(bar)) {
            row.insert(at, drawn);
        }
    }

    /// Returns the sentence on shortened addresses, if there are any.
    fn own_domain_note(&self) -> Option<String> {
        let domain = self.own_domain.as_deref()?;
        Some(format!("Addresses that end in @ belong to {domain}."))
    }

    /// Returns the sentence on the hidden columns, if there are any.
    fn omitted_columns_note(&self, grid: &Grid) -> Option<String> {
        let last = self.columns.iter().skip(self.widths.len()).map(|column| column.name.as_str());
        let hidden: HashSet<&str> = self.hidden.iter().map(String::as_str).chain(last).collect();
        let names = grid.columns.iter().map(|column| column.name.as_str());
        let names: Vec<&str> = names.filter(|name| hidden.contains(name)).collect();
        (!names.is_empty())
            .then(|| format!("Hidden columns (terminal too narrow): {}.", names.join(", ")))
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = header_lines(&self.columns, &self.widths);
        let rows = self.texts.iter();
        lines.extend(rows.map(|row| row_line(row, &self.columns, &self.widths)));
        lines
    }
}

/// Returns the lines of the header, and the rule below it.
fn header_lines(columns: &[GridColumn], layout: &[usize]) -> Vec<String> {
    let names: Vec<Vec<String>> = columns
        .iter()
        .zip(layout)
        .map(|(column, &width)| {
            if column.name.width() <= width {
                vec![column.name.clone()]
            } else {
                text_width::wrap(&column.name.replace('_', " "), width)
            }
        })
        .collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines: Vec<String> = (0..height)
        .map(|line| {
            // Names are aligned to the rule: shorter ones start further down.
            let part = |name: &Vec<String>| {
                let from = height - name.len();
                line.checked_sub(from).and_then(|at| name.get(at).cloned()).unwrap_or_default()
            };
            let parts: Vec<String> = names.iter().map(part).collect();
            row_line(&parts, columns, layout)
        })
        .collect();
    let rule: Vec<String> = layout.iter().map(|&width| "─".repeat(width)).collect();
    lines.push(rule.join(&" ".repeat(COLUMN_GAP)));
    lines
}

fn row_line(texts: &[String], columns: &[GridColumn], layout: &[usize]) -> String {
    let cells = texts.iter().zip(columns).zip(layout).map(|((text, column), &width)| {
        text_width::pad(&text_width::truncate(text, width), width, column.kind.is_number())
    });
    cells.collect::<Vec<_>>().join(&" ".repeat(COLUMN_GAP))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{render_text, sample_context, sample_grid};
    use super::super::{OutputFormat, render};
    use super::*;
    use crate::grid::Cell;

    /// Renders a grid with a chart, without title and closing sentences.
    fn drawn(grid: &Grid, chart: &str, width: usize) -> String {
        let (context, chart) = (sample_context(), Chart::parse(chart).unwrap());
        let time_zone = chrono_tz::UTC;
        let chart = Some(&chart);
        let input =
            RenderInput { grid, chart, context: Some(&context), remarks: &[], time_zone, width };
        let text = String::from_utf8(render(&input, OutputFormat::Text).unwrap()).unwrap();
        let (title, text) = text.split_once("\n\n").unwrap();
        assert_eq!(title, "Most viewed reports");
        let (text, _) = text.split_once("\n\n2026-03-01 to").unwrap();
        text.to_owned() + "\n"
    }

    #[test]
    fn columns_are_aligned_by_terminal_width() {
        let expected = "\
Most viewed reports

rank  report of an uncommon long name  share  last_view         day
────  ───────────────────────────────  ─────  ────────────────  ──────────
   1  Umsätze, \"alle\" Länder 💶          2.5  2026-03-02 00:05  2026-03-01
  12  売上レポート                       n/a

2026-03-01 to 2026-03-31, Europe/Zurich.
Coverage: 28 of 31 days complete (1 partial, 1 truncated, 1 missing).
Excluded: 720 automated API events, 5 service events.
";
        let mut grid = sample_grid();
        grid.columns[1].name = "report of an uncommon long name".into();
        assert_eq!(render_text(&grid, OutputFormat::Text, 100), expected);
    }

    #[test]
    fn narrow_terminals_wrap_headers_shorten_texts_and_then_hide_columns() {
        let mut grid = Grid::new([
            ("report", CellKind::Text),
            ("views_per_viewer", CellKind::Float),
            ("report_id", CellKind::Text),
        ]);
        let name = Cell::Text("Sales overview of all countries".into());
        grid.rows.push(vec![name, Cell::Float(2.25), Cell::Text("x".repeat(36))]);
        let fitted = render_text(&grid, OutputFormat::Text, 46);
        let lines: Vec<&str> = fitted.lines().skip(2).collect();
        assert_eq!(lines[0], "                                  views");
        assert_eq!(lines[1], "                                    per");
        assert_eq!(lines[2], "report                           viewer");
        assert_eq!(lines[4], "Sales overview of all countries    2.25");
        assert!(fitted.contains("Hidden columns (terminal too narrow)"), "{fitted}");
        let narrow = render_text(&grid, OutputFormat::Text, 30);
        assert!(narrow.contains("Hidden columns (terminal too\nnarrow): report_id."), "{narrow}");
        assert!(narrow.contains("Sales overview of all…    2.25\n"), "{narrow}");
    }

    #[test]
    fn texts_are_shortened_further_to_keep_the_column_of_the_chart() {
        let columns =
            [("report", CellKind::Text), ("place", CellKind::Text), ("views", CellKind::Int)];
        let mut grid = Grid::new(columns);
        let name = || Cell::Text("a name of some length".into());
        grid.rows.push(vec![name(), name(), Cell::Int(17)]);
        let narrow = drawn(&grid, "bars views", 34);
        assert!(narrow.contains("\na name of so…  a name of s…     17\n"), "{narrow}");
        // Without a chart, the column is hidden.
        let plain = render_text(&grid, OutputFormat::Text, 34);
        assert!(plain.contains("Hidden columns (terminal too\nnarrow): place, views."), "{plain}");
    }

    fn views() -> Grid {
        let columns =
            [("report", CellKind::Text), ("views", CellKind::Int), ("day", CellKind::Date)];
        let mut grid = Grid::new(columns);
        for (report, views, days) in
            [("売上", 160, 2), ("Sales", 85, 0), ("Old", 1, 1), ("Unread", 0, 3), ("Less", -3, 4)]
        {
            let report = Cell::Text(report.into());
            grid.rows.push(vec![report, Cell::Int(views), Cell::Date { days }]);
        }
        grid.rows.push(vec![Cell::Text("None".into()), Cell::Null, Cell::Null]);
        grid
    }

    #[test]
    fn bars_follow_their_column_and_begin_at_zero() {
        let expected = "\
report  views                    day
──────  ─────  ────────────────  ──────────
売上      160  ████████████████  1970-01-03
Sales      85  ████████▌         1970-01-01
Old         1  ▏                 1970-01-02
Unread      0                    1970-01-04
Less       -3                    1970-01-05
None      n/a
";
        assert_eq!(drawn(&views(), "bars views", 80), expected);
        // Bars use the remaining width, and are omitted if it is too small.
        let narrow = drawn(&views(), "bars views", 33);
        assert!(narrow.contains("\n売上      160  ██████  1970-01-03\n"), "{narrow}");
        let bare = drawn(&views(), "bars views", 32);
        assert!(bare.contains("\n売上      160  1970-01-03\n"), "{bare}");
    }

    #[test]
    fn bars_hide_no_column_and_shorten_no_whole_text() {
        let mut grid = views();
        grid.rows[0][0] = Cell::Text("x".repeat(30));
        // Without bars, all texts fit: 30 + 2 + 5 + 2 + 10.
        let whole = drawn(&grid, "bars views", 56);
        assert!(whole.contains(&"x".repeat(30)) && !whole.contains('█'), "{whole}");
        // Texts are shortened without bars, too.
        let cut = drawn(&grid, "bars views", 48);
        assert!(cut.contains("xxx…") && cut.contains("██████"), "{cut}");
        assert!(cut.contains("1970-01-03") && !cut.contains("Hidden"), "{cut}");
        // Bars would hide the last column.
        let full = drawn(&grid, "bars views", 40);
        assert!(full.contains("1970-01-03") && !full.contains('█'), "{full}");
    }

    #[test]
    fn columns_without_positive_values_have_no_bars() {
        for value in [Cell::Int(0), Cell::Int(-5), Cell::Null] {
            let mut grid = views();
            grid.rows.iter_mut().for_each(|row| row[1] = value.clone());
            let text = drawn(&grid, "bars views", 80);
            assert_eq!(text, drawn(&grid, "bars unknown_column", 80), "{text}");
            assert!(text.starts_with("report  views  day\n"), "{text}");
        }
        let mut grid = views();
        grid.rows.iter_mut().for_each(|row| row[1] = Cell::Int(7));
        assert_eq!(drawn(&grid, "bars views", 80).matches(&"█".repeat(16)).count(), 6);
    }

    #[test]
    fn lines_follow_the_order_of_their_axis() {
        let text = drawn(&views(), "lines views, report over day", 80);
        let (_, below) = text.split_once("\n\n").unwrap();
        let expected = "\
views   ▅▁█▁▁  min -3, max 160
report         no values
Over day, 1970-01-01 to 1970-01-05.
";
        assert_eq!(below, expected);
        let mut grid = views();
        grid.rows.iter_mut().for_each(|row| row[1] = Cell::Int(7));
        let text = drawn(&grid, "lines views over day", 80);
        assert!(text.contains("\nviews  ▄▄▄▄▄  min 7, max 7\n"), "{text}");
        // One row makes no line, and a narrow terminal has no space for one.
        grid.rows.truncate(1);
        assert!(!drawn(&grid, "lines views over day", 80).contains("Over day"));
        assert!(!drawn(&views(), "lines views over day", 28).contains("Over day"));
    }

    #[test]
    fn lines_show_averages_if_there_are_more_rows_than_space() {
        let mut grid = Grid::new([("day", CellKind::Date), ("views", CellKind::Int)]);
        for days in 0..100 {
            let views = if (40..60).contains(&days) { Cell::Null } else { Cell::Int(days.into()) };
            grid.rows.push(vec![Cell::Date { days }, views]);
        }
        let text = drawn(&grid, "lines views over day", 36);
        let expected = "
views  ▁▂▂▃▃▄  ▅▆▆▇▇█  min 0, max 99
Over day, 1970-01-01 to 1970-04-10;
each block is the average of up to 8
rows.
";
        assert!(text.ends_with(expected), "{text}");
    }

    fn hours() -> Grid {
        let columns =
            [("weekday", CellKind::Text), ("hour", CellKind::Int), ("views", CellKind::Int)];
        let mut grid = Grid::new(columns);
        for (at, day) in ["Mon", "Tue", "日"].into_iter().enumerate() {
            for hour in (0..24).filter(|hour| *hour != 23 - at as i64) {
                let views = Cell::Int(hour * at as i64);
                grid.rows.push(vec![Cell::Text(day.into()), Cell::Int(hour), views]);
            }
        }
        grid
    }

    #[test]
    fn heatmap_replaces_the_rows_if_it_fits() {
        let wide = "\
weekday  0  1  2  3  4  5  6  7  8  9  10 11 12 13 14 15 16 17 18 19 20 21 22 23
Mon      ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·  ·
Tue      ·  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒   ▒▒▒
日       ·  ░░░░░░░░░░░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓█████████   ██████

views by weekday, over hour: · = 0, ░ up to 11, ▒ up to 23, ▓ up to 34,
█ up to 46, blank = no value.
";
        assert_eq!(drawn(&hours(), "heat views over hour by weekday", 81), wide);
        let narrow = drawn(&hours(), "heat views over hour by weekday", 40);
        assert!(narrow.starts_with("weekday  0 2 4 6 8 10 13 16 19 22\n"), "{narrow}");
        assert!(narrow.contains("\n日       ·░░░░░▒▒▒▒▒▒▓▓▓▓▓▓███ ██\n"), "{narrow}");
        let rows = drawn(&hours(), "heat views over hour by weekday", 32);
        assert!(rows.starts_with("weekday  hour  views\n"), "{rows}");
    }

    #[test]
    fn heatmap_without_values_or_with_two_values_per_cell_is_omitted() {
        let chart = "heat views over hour by weekday";
        let mut twice = hours();
        let again = twice.rows[0].clone();
        twice.rows.push(again);
        let mut none = hours();
        none.rows.iter_mut().for_each(|row| row[2] = Cell::Null);
        let mut empty = hours();
        empty.rows.clear();
        for grid in [twice, none, empty] {
            let text = drawn(&grid, chart, 100);
            assert!(text.starts_with("weekday  hour  views\n"), "{text}");
        }
    }

    #[test]
    fn heatmap_scale_includes_negative_values_and_its_legend_names_other_columns() {
        let columns = [("y", CellKind::Bool), ("x", CellKind::Int), ("z", CellKind::Float)];
        let mut grid = Grid::new(columns.into_iter().chain([("n", CellKind::Int)]));
        for (y, x, z) in [(true, 1, -2.0), (true, 2, 0.0), (false, 1, 0.5), (false, 2, 2.0)] {
            let z = Cell::Float(z);
            grid.rows.push(vec![Cell::Bool(y), Cell::Int(x), z, Cell::Int(1)]);
        }
        let expected = "\
y    1 2
yes  ░░·
no   ▓▓██

z by y, over x: · = 0, ░ up to -1.00, ▓ up to 1.00, █ up to 2.00.
Chart omits: n. Other formats show all columns.
";
        assert_eq!(drawn(&grid, "heat z over x by y", 80), expected);
        grid.rows.iter_mut().for_each(|row| row[2] = Cell::Float(-2.0));
        let text = drawn(&grid, "heat z over x by y", 80);
        assert!(text.contains("no   ████\n"), "{text}");
    }

    /// Generates values of a chart, extreme ones included.
    fn value() -> impl Strategy<Value = Cell> {
        prop_oneof![
            any::<i64>().prop_map(Cell::Int),
            (-3i64..200).prop_map(Cell::Int),
            any::<f64>().prop_map(Cell::Float),
            Just(Cell::Null),
        ]
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            names in prop::collection::vec("\\PC{0,40}", 1..6),
            values in prop::collection::vec("\\PC{0,60}", 6),
            width in 20usize..400,
        ) {
            let columns: Vec<_> =
                names.iter().map(|name| (name.as_str(), CellKind::Text)).collect();
            let mut grid = Grid::new(columns);
            grid.rows.push(values[..names.len()].iter().cloned().map(Cell::Text).collect());
            for line in render_text(&grid, OutputFormat::Text, width).lines() {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }

        #[test]
        fn no_line_of_a_chart_is_wider_than_the_terminal(
            rows in prop::collection::vec(("\\PC{0,30}", 0i64..40, value()), 0..60),
            kind in 0usize..3,
            width in 1usize..160,
        ) {
            let columns = [("y", CellKind::Text), ("x", CellKind::Int), ("z", CellKind::Float)];
            let mut grid = Grid::new(columns);
            for (y, x, z) in rows {
                grid.rows.push(vec![Cell::Text(y), Cell::Int(x), z]);
            }
            let chart = ["bars z", "lines z, x over x", "heat z over x by y"][kind];
            let (context, chart) = (sample_context(), Chart::parse(chart).unwrap());
            let chart = Some(&chart);
            let time_zone = chrono_tz::UTC;
            let input =
                RenderInput {
                    grid: &grid,
                    chart,
                    context: Some(&context),
                    remarks: &[],
                    time_zone,
                    width,
                };
            let text = String::from_utf8(render(&input, OutputFormat::Text).unwrap()).unwrap();
            let width = width.max(MIN_WIDTH);
            for line in text.lines() {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
        }
    }
}
