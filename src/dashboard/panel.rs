//! Builds the panels of the page from the results of reports, with typed columns.

use std::sync::Arc;

use chrono::NaiveDate;

use super::changes::FIRST_VIEW;
use super::columns::{GRAIN_PARAM, column_dates, column_index, column_numbers, column_texts};
use super::panel_context::PanelContext;
use super::people::is_person_column;
use super::results::{DashboardResults, MAX_TABLE_ROWS};
use crate::grid::Grid;
use crate::render::html::{
    ChartSeries, ColumnStyle, ColumnView, ItemLink, Panel, PanelKind, Section, SeriesShape,
};
use crate::report::ReportDefinition;
use crate::{Error, Result};

/// The parameter of panels with compared rows.
const COMPARED_PARAM: &str = "compare=previous";

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

/// Returns a column of differences.
pub fn change(name: &'static str) -> Column {
    Column { name, style: ColumnStyle::Change }
}

/// Returns a series of a chart.
pub fn series(column: &'static str, title: &'static str, shape: SeriesShape) -> ChartSeries {
    ChartSeries { column: column.into(), title: title.into(), shape }
}

/// A panel under construction.
pub struct PanelBuilder<'r> {
    panel: Panel,
    context: PanelContext<'r>,
}

impl<'r> PanelBuilder<'r> {
    /// Returns a panel with all rows and columns of a report.
    pub fn new(
        results: &'r DashboardResults<'r>,
        name: &'static str,
        grain: &'static str,
    ) -> Result<PanelBuilder<'r>> {
        let grid = results.result_by_grain(name, grain)?.grid.clone();
        let params = if grain.is_empty() { vec![] } else { vec![format!("{GRAIN_PARAM}={grain}")] };
        Ok(PanelBuilder::from_grid(results.panel_context(), results.report(name)?, grid, params))
    }

    /// Returns a panel with rows that were compared with the previous period.
    pub fn compared(
        results: &'r DashboardResults<'r>,
        name: &'static str,
        grid: Grid,
    ) -> Result<PanelBuilder<'r>> {
        let params = vec![COMPARED_PARAM.to_owned()];
        Ok(PanelBuilder::from_grid(results.panel_context(), results.report(name)?, grid, params))
    }

    /// Returns a panel with some rows of a report.
    pub fn listed(
        results: &'r DashboardResults<'r>,
        name: &'static str,
        grid: Grid,
    ) -> Result<PanelBuilder<'r>> {
        Ok(PanelBuilder::from_grid(
            results.panel_context(),
            results.report(name)?,
            grid,
            Vec::new(),
        ))
    }

    /// Returns a panel with these rows of a report and the parameters that were set.
    pub fn from_grid(
        context: PanelContext<'r>,
        report: &ReportDefinition,
        grid: Grid,
        params: Vec<String>,
    ) -> PanelBuilder<'r> {
        let shown = |name: &String| ColumnView {
            name: name.clone(),
            meaning: column_meaning(report, name),
            style: ColumnStyle::Plain,
            link: None,
        };
        let panel = Panel {
            id: report.name.clone(),
            class: "",
            title: report.title.clone(),
            lead: report.question.clone(),
            report: report.name.clone(),
            params,
            total_rows: grid.rows.len(),
            columns: grid.columns.iter().map(|column| shown(&column.name)).collect(),
            grid,
            kind: PanelKind::Table,
            is_short: false,
            empty_text: DEFAULT_EMPTY_TEXT.to_owned(),
        };
        PanelBuilder { panel, context }
    }

    /// Returns a table of the first rows of a report.
    ///
    /// # Errors
    ///
    /// Those of [`PanelBuilder::with_columns`].
    pub fn top_rows(
        results: &'r DashboardResults<'r>,
        name: &'static str,
        columns: &[Column],
    ) -> Result<PanelBuilder<'r>> {
        Ok(PanelBuilder::new(results, name, "")?.with_columns(columns)?.limit_rows())
    }

    /// Shows only these columns, in this order. Columns of people are left out if the page hides
    /// people.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] naming the column if the report has no such column.
    pub fn with_columns(mut self, columns: &[Column]) -> Result<PanelBuilder<'r>> {
        let all = std::mem::take(&mut self.panel.columns);
        let view = |column: &Column| {
            let Column { name, style } = *column;
            let found = all.iter().find(|shown| shown.name == name).ok_or_else(|| {
                let report = &self.panel.report;
                Error::internal(format!("the report {report} has no column {name}"))
            })?;
            column_index(&self.panel.grid, name)?;
            let link = self.item_link(name);
            Ok(ColumnView { style, link, ..found.clone() })
        };
        let hides_people = self.context.mask.hides_people();
        let shown = columns.iter().filter(|one| !(hides_people && is_person_column(one.name)));
        self.panel.columns = shown.map(view).collect::<Result<_>>()?;
        Ok(self)
    }

    /// Returns the detail views to which the cells of a column lead.
    fn item_link(&self, column: &str) -> Option<ItemLink> {
        let items = self.context.items;
        let (kind, id_column, known) = match column {
            "report" => ("report", "report_id", &items.reports),
            "item" => ("report", "item_id", &items.reports),
            "workspace" => ("workspace", "workspace_id", &items.workspaces),
            "capacity" => ("capacity", "capacity_id", &items.capacities),
            "user" => ("person", "user", &items.people),
            "guest" => ("person", "guest", &items.people),
            "shared_by" => ("person", "shared_by", &items.people),
            _ => return None,
        };
        let is_known = !known.is_empty() && self.panel.grid.position(id_column).is_some();
        is_known.then(|| ItemLink { kind, id_column, known: Arc::clone(known) })
    }

    /// Shows only the first rows, and of these the first few until the reader wants all.
    pub fn limit_rows(mut self) -> PanelBuilder<'r> {
        self.panel.grid.rows.truncate(MAX_TABLE_ROWS);
        self.panel.is_short = true;
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
    ) -> Result<PanelBuilder<'r>> {
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
    ) -> Result<PanelBuilder<'r>> {
        let is_whole =
            |day: Option<NaiveDate>| day.is_some_and(|day| results.contains_whole(grain, day));
        let mut keep = column_dates(&self.panel.grid, "date")?.into_iter().map(is_whole);
        self.panel.grid.rows.retain(|_| keep.next().unwrap_or(false));
        self.panel.total_rows = self.panel.grid.rows.len();
        self.panel.empty_text = format!("No whole {grain} in this period.");
        Ok(self)
    }

    /// Removes all rows if none has a number in a column, with a text that gives the reason.
    ///
    /// # Errors
    ///
    /// Those of [`column_index`].
    pub fn known_rows(mut self, column: &str, reason: &str) -> Result<PanelBuilder<'r>> {
        let numbers = column_numbers(&self.panel.grid, column)?;
        if !numbers.is_empty() && numbers.iter().all(Option::is_none) {
            self.panel.grid.rows.clear();
            self.panel.total_rows = 0;
            self.panel.empty_text = reason.to_owned();
        }
        Ok(self)
    }

    /// Sets the anchor, which also is the class, the title and the introduction.
    pub fn with_title(mut self, id: &'static str, title: &str, lead: &str) -> PanelBuilder<'r> {
        self.panel.id = format!("{}{id}", self.context.prefix);
        self.panel.class = id;
        self.panel.title = title.to_owned();
        self.panel.lead = lead.to_owned();
        self
    }

    /// Shows the rows as a chart over time, with the table below.
    ///
    /// # Errors
    ///
    /// Those of [`column_index`].
    pub fn with_chart(self, series: Vec<ChartSeries>) -> Result<PanelBuilder<'r>> {
        for one in &series {
            column_index(&self.panel.grid, &one.column)?;
        }
        Ok(self.with_kind(PanelKind::Chart(series)))
    }

    /// Sets the kind of presentation.
    pub fn with_kind(mut self, kind: PanelKind) -> PanelBuilder<'r> {
        self.panel.kind = kind;
        self
    }

    /// Sets the text of the panel if it has no rows.
    pub fn with_empty_text(mut self, text: &str) -> PanelBuilder<'r> {
        self.panel.empty_text = text.to_owned();
        self
    }

    /// Returns true if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.panel.grid.rows.is_empty()
    }

    /// Returns the panel, with people as the page shows them.
    pub fn build(mut self) -> Panel {
        self.context.mask.mask_grid(&mut self.panel.grid);
        self.panel
    }
}

/// Returns the description of a column. Compared rows have columns that the report itself does not
/// have.
fn column_meaning(report: &ReportDefinition, name: &str) -> String {
    let described = report.columns.iter().find(|(known, _)| known == name);
    match described {
        Some((_, meaning)) => meaning.clone(),
        None if name.ends_with("_before") => "on the compared days of the period before".to_owned(),
        None if name == FIRST_VIEW => "day of the first view in the stored log".to_owned(),
        None if name.ends_with("_change") => "difference between both periods".to_owned(),
        None => String::new(),
    }
}

/// Returns a section.
pub fn section(
    results: &DashboardResults<'_>,
    id: &'static str,
    title: &'static str,
    panels: Vec<PanelBuilder<'_>>,
) -> Section {
    let panels = panels.into_iter().map(PanelBuilder::build).collect();
    let id = format!("{}{id}", results.prefix).into();
    Section { id, tab: title.into(), title: title.into(), panels }
}
