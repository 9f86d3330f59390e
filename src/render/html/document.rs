//! Defines the parts of an HTML page: sections, panels and charts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::grid::{Chart, Grid};
use crate::render::input::ReportContext;

/// A page of the results of one report.
#[derive(Debug, Clone)]
pub struct Document {
    /// The title of the page.
    pub title: String,
    /// The context of all results on the page.
    pub context: ReportContext,
    /// The zone in which instants are shown.
    pub time_zone: Tz,
    /// Sentences at the top of the page.
    pub remarks: Vec<String>,
    /// The sections, in their order.
    pub sections: Vec<Section>,
}

/// A section of the page.
#[derive(Debug, Clone)]
pub struct Section {
    /// The anchor of the section.
    pub id: Cow<'static, str>,
    /// The text of its link in the navigation.
    pub tab: Cow<'static, str>,
    /// The title. It also is the title of the panel if there is only one.
    pub title: Cow<'static, str>,
    /// The panels, in their order.
    pub panels: Vec<Panel>,
}

/// One result on the page.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The anchor of the panel.
    pub id: String,
    /// The class of the panel; empty for none.
    pub class: &'static str,
    /// The title.
    pub title: String,
    /// The introduction below the title.
    pub lead: String,
    /// The name of the report that the rows are from.
    pub report: String,
    /// The parameters of the report that were set, as `name=value`.
    pub params: Vec<String>,
    /// The rows to show, with all columns of the report.
    pub grid: Grid,
    /// The number of rows of the report, the hidden ones included.
    pub total_rows: usize,
    /// The columns to show.
    pub columns: Vec<ColumnView>,
    /// The kind of presentation.
    pub kind: PanelKind,
    /// True if the script shows only the first rows until the reader wants all.
    pub is_short: bool,
    /// The text that replaces the table if there are no rows.
    pub empty_text: String,
}

impl Panel {
    /// Returns the anchor of the title.
    pub fn title_id(&self) -> String {
        format!("{}-title", self.id)
    }
}

/// A column to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnView {
    /// The name in the grid.
    pub name: String,
    /// The description of the column.
    pub meaning: String,
    /// The presentation of the column.
    pub style: ColumnStyle,
    /// The items with a detail view that the column names.
    pub link: Option<ItemLink>,
}

/// A kind of items with detail views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemLink {
    /// The kind of item, for example `report`.
    pub kind: &'static str,
    /// The column of the IDs.
    pub id_column: &'static str,
    /// The IDs that have a detail view on the page.
    pub known: Arc<BTreeSet<String>>,
}

/// The presentation of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnStyle {
    /// Always visible.
    Plain,
    /// Always visible; times have their minute.
    Exact,
    /// Hidden on a phone.
    HiddenOnPhone,
    /// Hidden on a phone and on paper.
    HiddenOnPhoneAndPaper,
    /// A percentage, with a bar.
    Percent,
    /// A difference, with its sign.
    Change,
}

/// The presentation of a panel.
#[derive(Debug, Clone, PartialEq)]
pub enum PanelKind {
    /// A table.
    Table,
    /// A table whose rows end in a small line chart.
    Sparklines(Sparklines),
    /// A chart over time, with its table below.
    Chart(Vec<ChartSeries>),
    /// The chart of the report, without a table.
    Picture(Chart),
    /// A heatmap of `views_per_day` by weekday and hour.
    WeekHeatmap,
    /// A calendar of day statuses.
    Calendar,
    /// The retention of cohorts, as percentages by months since they started.
    Cohorts,
}

/// Small line charts, at most one per row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sparklines {
    /// The title of their column.
    pub title: &'static str,
    /// The name of the report that the values are from.
    pub report: &'static str,
    /// The parameter of the report that was set, as `name=value`.
    pub param: &'static str,
    /// The values, by row.
    pub rows: Vec<Vec<Option<f64>>>,
}

/// One series of a chart over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartSeries {
    /// The column of the values.
    pub column: Cow<'static, str>,
    /// The title in the legend.
    pub title: Cow<'static, str>,
    /// The shape of the series.
    pub shape: SeriesShape,
}

/// The shape of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesShape {
    /// One bar per value.
    Bars,
    /// A line through all values.
    Line,
    /// Bars stacked on each other.
    StackedUp,
    /// Bars stacked downwards from zero.
    StackedDown,
}
