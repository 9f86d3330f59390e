//! Sums of the columns of a result, and the sentence on them.

use crate::grid::{Cell, Grid};
use crate::query::ReportDefinition;
use crate::render::{OutputFormat, Totals, group_digits};

/// Returns the sums of the columns whose sum has a meaning, over these rows. `None` if the report
/// has no such columns. Of a comparison, the earlier values and the changes have sums, too.
pub(super) fn totals(report: &ReportDefinition, grid: &Grid) -> Option<Totals> {
    let compared =
        |name: &String| [name.clone(), format!("{name}_before"), format!("{name}_change")];
    let names = report.totals.iter().flat_map(compared);
    let sums = names.filter_map(|name| Some((column_sum(grid, &name)?, name)));
    let sums = sums.map(|(sum, name)| (name, sum)).collect();
    (!report.totals.is_empty()).then_some(Totals { rows: grid.rows.len(), sums })
}

/// Returns the sum of a column of whole numbers, which is 0 for no rows. `None` without such a
/// column, if no row has a value, and if the sum does not fit.
fn column_sum(grid: &Grid, name: &str) -> Option<i64> {
    let at = grid.position(name)?;
    if grid.rows.is_empty() {
        return Some(0);
    }
    let values = grid.rows.iter().filter_map(|row| match row.get(at) {
        Some(Cell::Int(value)) => Some(*value),
        _ => None,
    });
    values.map(Some).reduce(|sum, value| sum?.checked_add(value?))?
}

/// Returns the sentence on the sums, in formats for people. The sum of a single row is that row.
pub(super) fn totals_remark(totals: Option<&Totals>, format: OutputFormat) -> Option<String> {
    let is_read = matches!(
        format,
        OutputFormat::Text | OutputFormat::Markdown | OutputFormat::Html | OutputFormat::Xlsx
    );
    let Totals { rows, sums } =
        totals.filter(|totals| is_read && totals.rows > 1 && !totals.sums.is_empty())?;
    let sum = |(name, sum): &(String, i64)| format!("{name} {}", group_digits(&sum.to_string()));
    let sums: Vec<String> = sums.iter().map(sum).collect();
    Some(format!("Total of {} rows: {}.", group_digits(&rows.to_string()), sums.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;

    fn sample(views: &[Option<i64>]) -> Grid {
        let mut grid = Grid::new([("views", CellKind::Int), ("views_before", CellKind::Int)]);
        let cell = |value: Option<i64>| value.map_or(Cell::Null, Cell::Int);
        grid.rows = views.iter().map(|&views| vec![cell(views), Cell::Null]).collect();
        grid
    }

    fn report(totals: &[&str]) -> ReportDefinition {
        let totals = totals.iter().map(|name| (*name).to_owned()).collect();
        ReportDefinition { totals, ..ReportDefinition::new("x") }
    }

    #[test]
    fn sums_leave_out_unknown_values_and_columns_without_any() {
        let found = totals(&report(&["views", "exports"]), &sample(&[Some(1_200), None, Some(-5)]));
        let expected = Totals { rows: 3, sums: vec![("views".to_owned(), 1_195)] };
        assert_eq!(found, Some(expected));
        assert_eq!(totals(&report(&[]), &sample(&[Some(1)])), None);
        let none = totals(&report(&["views"]), &sample(&[])).unwrap();
        let zeros = ["views", "views_before"].map(|name| (name.to_owned(), 0)).to_vec();
        assert_eq!(none, Totals { rows: 0, sums: zeros });
        assert_eq!(totals(&report(&["views"]), &sample(&[None])).unwrap().sums, []);
        let large = totals(&report(&["views"]), &sample(&[Some(i64::MAX), Some(1), Some(-9)]));
        assert_eq!(large.unwrap().sums, []);
    }

    #[test]
    fn sentence_is_for_people_and_for_several_rows() {
        let found = totals(&report(&["views"]), &sample(&[Some(1_200), None])).unwrap();
        let text = totals_remark(Some(&found), OutputFormat::Text);
        assert_eq!(text.as_deref(), Some("Total of 2 rows: views 1,200."));
        assert_eq!(totals_remark(Some(&found), OutputFormat::Csv), None);
        let one = Totals { rows: 1, ..found };
        assert_eq!(totals_remark(Some(&one), OutputFormat::Text), None);
        assert_eq!(totals_remark(None, OutputFormat::Text), None);
    }
}
