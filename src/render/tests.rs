//! Tests of all formats, and the samples of the tests of each format.

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::*;
use crate::grid::{Cell, CellKind, Chart, Grid};

/// Returns a grid with several kinds of cells, two scripts, quotes, a line break and nulls.
pub fn sample_grid() -> Grid {
    let mut grid = Grid::new([
        ("rank", CellKind::Int),
        ("report", CellKind::Text),
        ("share", CellKind::Float),
        ("last_view", CellKind::Time),
        ("day", CellKind::Date),
    ]);
    grid.rows.push(vec![
        Cell::Int(1),
        Cell::Text("Umsätze, \"alle\"\nLänder 💶".into()),
        Cell::Float(2.5),
        Cell::Time { us: 1_772_406_300_000_000 },
        Cell::Date { days: 20_513 },
    ]);
    grid.rows.push(vec![
        Cell::Int(12),
        Cell::Text("売上レポート".into()),
        Cell::Null,
        Cell::Null,
        Cell::Null,
    ]);
    grid
}

/// Returns the context of March 2026 with three incomplete days.
pub fn sample_context() -> ReportContext {
    ReportContext {
        report: "top-reports".into(),
        title: "Most viewed reports".into(),
        since: NaiveDate::from_ymd_opt(2026, 3, 1),
        until: NaiveDate::from_ymd_opt(2026, 3, 31),
        coverage: CoverageCounts { days: 31, complete: 28, partial: 1, missing: 1, truncated: 1 },
        excluded: ExcludedEvents { noise: 720, services: 5, ..ExcludedEvents::default() },
        totals: None,
        marks: Vec::new(),
    }
}

/// Renders a grid with the sample context as text.
pub fn render_text(grid: &Grid, format: OutputFormat, width: usize) -> String {
    let context = sample_context();
    let time_zone = chrono_tz::Europe::Zurich;
    let context = Some(&context);
    let input = RenderInput { grid, chart: None, context, remarks: &[], time_zone, width };
    String::from_utf8(render(&input, format).unwrap()).unwrap()
}

#[test]
fn every_format_gives_the_same_bytes_twice() {
    let (grid, context, remarks) = (sample_grid(), sample_context(), ["One.".to_owned()]);
    let chart = Chart::Bars { value: "rank".to_owned() };
    let input = RenderInput {
        grid: &grid,
        chart: Some(&chart),
        context: Some(&context),
        remarks: &remarks,
        time_zone: Tz::UTC,
        width: 80,
    };
    for format in OutputFormat::ALL.into_iter().chain([
        OutputFormat::SafeCsv,
        OutputFormat::DarkSvg,
        OutputFormat::DarkPng,
    ]) {
        let bytes = render(&input, format).unwrap();
        assert_eq!(bytes, render(&input, format).unwrap(), "{format:?}");
        assert_eq!(std::str::from_utf8(&bytes).is_ok(), format.is_text(), "{format:?}");
    }
}
