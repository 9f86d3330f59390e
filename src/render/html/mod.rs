//! Renders results as one HTML page that needs no network, no other file and no script.
//!
//! The script adds sorting, filtering, tooltips and, on the dashboard, details of single items. The
//! content security policy in the head lets the browser load nothing, and run and apply only the
//! script and the style sheet of the page, by their digests.

mod axis;
mod chart;
mod cohorts;
mod dashboard_page;
mod document;
mod embedded;
mod heatmap;
mod item_columns;
mod markup;
mod page;
mod report_chart;
mod site_index;
mod table;
mod values;

pub use dashboard_page::{
    DashboardPage, FigureChange, KeyFigure, PeriodView, SentencePart, render_dashboard,
};
pub use document::{
    ChartSeries, ColumnStyle, ColumnView, Document, ItemLink, Panel, PanelKind, Section,
    SeriesShape, Sparklines,
};
pub use embedded::{
    ItemDetail, ItemTable, ItemTableKind, MAX_DETAIL_BYTES, PackedItems, PeriodItems, pack_items,
};
pub use item_columns::SharedTexts;
pub(super) use markup::Markup;
pub(super) use page::picture_style;
pub use page::render_page;
pub(super) use report_chart::{LegendEntry, ReportChart};
pub use site_index::{IndexRow, SiteIndex, render_site_index};
pub use values::{format_number, format_period};

#[cfg(test)]
mod tests;
