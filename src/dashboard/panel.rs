//! Builds the panels of the page from the results of reports, with typed columns.

use chrono::NaiveDate;

use super::results::{
    DashboardResults, GRAIN_PARAM, MAX_TABLE_ROWS, column_dates, column_index, column_texts,
};
use crate::grid::Grid;
use crate::render::html::{
    ChartSeries, ColumnStyle, ColumnView, Panel, PanelKind, Section, SeriesShape,
};
use crate::report::ReportDefinition;
use crate::{Error, Result};

/// The text of a panel without rows.
const DEFAULT_EMPTY_TEXT: &str = "No data in this period.";

/// A column to show, by its name in the report.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    name: &'static str,
    style: ColumnStyle,
}

/// Returns a column that is always visible.
pub fn col(name: &'static str) -> Column {
    Column { name, style: ColumnStyle::Plain }
}

/// Returns a column that is hidden on a phone.
pub fn not_on_phone(name: &'static str) -> Column {
    Column { name, style: ColumnStyle::HiddenOnPhone }
}

/// Returns a column that is hidden on a phone and on paper.
pub fn wide_only(name: &'static str) -> Column {
    Column { name, style: ColumnStyle::HiddenOnPhoneAndPaper }
}

/// Returns a column of percentages with bars.
pub fn percent(name: &'static str) -> Column {
    Column { name, style: ColumnStyle::Percent }
}

/// Returns a series of a chart.
pub fn series(column: &'static str, title: &'static str, shape: SeriesShape) -> ChartSeries {
    ChartSeries { column: column.into(), title: title.into(), shape }
}

/// A panel and the report that it is from.
pub struct PanelBuilder<'q> {
    panel: Panel,
    report: &'q ReportDefinition,
}

impl<'q> PanelBuilder<'q> {
    /// Returns a panel with all rows and columns of a report.
    pub fn new(
        results: &DashboardResults<'q>,
        name: &'static str,
        grain: &'static str,
    ) -> Result<PanelBuilder<'q>> {
        let grid = results.result_by_grain(name, grain)?.grid.clone();
        let params = if grain.is_empty() { vec![] } else { vec![format!("{GRAIN_PARAM}={grain}")] };
        Ok(PanelBuilder::from_grid(results.report(name)?, name, grid, params))
    }

    fn from_grid(
        report: &'q ReportDefinition,
        name: &str,
        grid: Grid,
        params: Vec<String>,
    ) -> PanelBuilder<'q> {
        let shown = |(name, meaning): &(String, String)| ColumnView {
            name: name.clone(),
            meaning: meaning.clone(),
            style: ColumnStyle::Plain,
        };
        let panel = Panel {
            id: name.to_owned(),
            title: report.title.clone(),
            lead: report.question.clone(),
            report: name.to_owned(),
            params,
            total_rows: grid.rows.len(),
            grid,
            columns: report.columns.iter().map(shown).collect(),
            kind: PanelKind::Table,
            empty_text: DEFAULT_EMPTY_TEXT.to_owned(),
        };
        PanelBuilder { panel, report }
    }

    /// Returns a table of the first rows of a report.
    ///
    /// # Errors
    ///
    /// Those of [`PanelBuilder::with_columns`].
    pub fn top_rows(
        results: &DashboardResults<'q>,
        name: &'static str,
        columns: &[Column],
    ) -> Result<PanelBuilder<'q>> {
        Ok(PanelBuilder::new(results, name, "")?.with_columns(columns)?.limit_rows())
    }

    /// Shows only these columns, in this order.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] naming the column if the report has no such column.
    pub fn with_columns(mut self, columns: &[Column]) -> Result<PanelBuilder<'q>> {
        let all = std::mem::take(&mut self.panel.columns);
        let view = |column: &Column| {
            let Column { name, style } = *column;
            let found = all.iter().find(|shown| shown.name == name).ok_or_else(|| {
                let report = &self.panel.report;
                Error::internal(format!("the report {report} has no column {name}"))
            })?;
            column_index(&self.panel.grid, name)?;
            Ok(ColumnView { style, ..found.clone() })
        };
        self.panel.columns = columns.iter().map(view).collect::<Result<_>>()?;
        Ok(self)
    }

    /// Shows only the first rows.
    pub fn limit_rows(mut self) -> PanelBuilder<'q> {
        self.panel.grid.rows.truncate(MAX_TABLE_ROWS);
        self
    }

    /// Keeps the rows whose text in a column matches.
    ///
    /// # Errors
    ///
    /// Those of [`column_index`].
    pub fn filter_rows(
        mut self,
        column: &str,
        matches: impl Fn(&str) -> bool,
    ) -> Result<PanelBuilder<'q>> {
        let keep: Vec<bool> = column_texts(&self.panel.grid, column)?
            .into_iter()
            .map(|text| text.is_some_and(&matches))
            .collect();
        let Grid { columns, rows } = std::mem::take(&mut self.panel.grid);
        let rows = rows.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(row, _)| row);
        self.panel.grid = Grid { columns, rows: rows.collect() };
        self.panel.total_rows = self.panel.grid.rows.len();
        Ok(self)
    }

    /// Keeps the rows of whole weeks or months, since others would seem to be a decrease.
    ///
    /// # Errors
    ///
    /// Those of [`column_index`].
    pub fn whole_rows(
        mut self,
        results: &DashboardResults<'_>,
        grain: &str,
    ) -> Result<PanelBuilder<'q>> {
        let is_whole =
            |day: Option<NaiveDate>| day.is_some_and(|day| results.contains_whole(grain, day));
        let mut keep = column_dates(&self.panel.grid, "date")?.into_iter().map(is_whole);
        self.panel.grid.rows.retain(|_| keep.next().unwrap_or(false));
        self.panel.total_rows = self.panel.grid.rows.len();
        self.panel.empty_text = format!("No whole {grain} in this period.");
        Ok(self)
    }

    /// Sets the anchor, the title and the introduction.
    pub fn with_title(mut self, id: &str, title: &str, lead: &str) -> PanelBuilder<'q> {
        self.panel.id = id.to_owned();
        self.panel.title = title.to_owned();
        self.panel.lead = lead.to_owned();
        self
    }

    /// Shows the rows as a chart over time, with the table below.
    ///
    /// # Errors
    ///
    /// Those of [`column_index`].
    pub fn with_chart(self, series: Vec<ChartSeries>) -> Result<PanelBuilder<'q>> {
        for one in &series {
            column_index(&self.panel.grid, &one.column)?;
        }
        Ok(self.with_kind(PanelKind::Chart(series)))
    }

    /// Sets the kind of presentation.
    pub fn with_kind(mut self, kind: PanelKind) -> PanelBuilder<'q> {
        self.panel.kind = kind;
        self
    }

    /// Sets the text of the panel if it has no rows.
    pub fn with_empty_text(mut self, text: &str) -> PanelBuilder<'q> {
        self.panel.empty_text = text.to_owned();
        self
    }

    /// Returns true if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.panel.grid.rows.is_empty()
    }
}

/// Returns a section with the limitations of its reports, each once.
pub fn section(
    id: &'static str,
    tab: &'static str,
    title: &'static str,
    panels: Vec<PanelBuilder<'_>>,
) -> Section {
    let mut limits: Vec<String> = Vec::new();
    for limit in panels.iter().flat_map(|builder| &builder.report.limits) {
        if !limits.contains(limit) {
            limits.push(limit.clone());
        }
    }
    let panels = panels.into_iter().map(|builder| builder.panel).collect();
    Section { id: id.into(), tab: tab.into(), title: title.into(), panels, limits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{Cell, CellKind};

    fn report() -> ReportDefinition {
        let mut report = ReportDefinition::ad_hoc("SELECT 1");
        report.columns = ["name", "views"].map(|name| (name.to_owned(), String::new())).into();
        report
    }

    fn builder(report: &ReportDefinition) -> PanelBuilder<'_> {
        let mut grid = Grid::new([("name", CellKind::Text), ("views", CellKind::Int)]);
        for name in ["a", "b", "a"] {
            grid.rows.push(vec![Cell::Text(name.into()), Cell::Int(1)]);
        }
        PanelBuilder::from_grid(report, "top-names", grid, Vec::new())
    }

    #[test]
    fn columns_have_the_order_and_style_of_the_list() {
        let report = report();
        let columns = [percent("views"), wide_only("name")];
        let panel = builder(&report).with_columns(&columns).unwrap().panel;
        let shown: Vec<_> = panel.columns.iter().map(|c| (c.name.as_str(), c.style)).collect();
        let expected =
            [("views", ColumnStyle::Percent), ("name", ColumnStyle::HiddenOnPhoneAndPaper)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn unknown_columns_are_errors_with_their_name() {
        let report = report();
        let shape = SeriesShape::Bars;
        for result in [
            builder(&report).with_columns(&[col("views"), col("vews")]),
            builder(&report).filter_rows("vews", |_| true),
            builder(&report).with_chart(vec![series("vews", "Views", shape)]),
        ] {
            let error = result.err().unwrap();
            assert!(matches!(error, Error::Internal(_)), "{error:?}");
            assert!(error.to_string().contains("column vews"), "{error}");
        }
    }

    #[test]
    fn filtered_rows_are_the_total() {
        let report = report();
        let panel = builder(&report).filter_rows("name", |name| name == "a").unwrap().panel;
        assert_eq!((panel.total_rows, panel.grid.rows.len()), (2, 2));
    }
}
