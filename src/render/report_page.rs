//! Renders results as one HTML page that works offline: the chart, the rows, and the context.

use super::html::{ColumnStyle, ColumnView, Document, Panel, PanelKind, Section, render_page};
use super::input::{RenderInput, Renderer, ReportContext, TablesInput};
use crate::Result;
use crate::grid::{Chart, Grid};

/// The HTML format.
pub struct ReportPage;

impl Renderer for ReportPage {
    fn render(&self, input: &RenderInput<'_>) -> Result<Vec<u8>> {
        let context = input.context.cloned().unwrap_or_else(|| ReportContext {
            report: String::new(),
            title: "Result".to_owned(),
            since: None,
            until: None,
            coverage: Default::default(),
            excluded: Default::default(),
            totals: None,
            marks: Vec::new(),
        });
        let panels = panels("rows", "Table", "", input.grid, input.chart, &context.report);
        let sections = panels
            .into_iter()
            .map(|panel| Section {
                id: panel.id.clone().into(),
                tab: panel.title.clone().into(),
                title: panel.title.clone().into(),
                panels: vec![Panel { id: format!("{}-panel", panel.id), ..panel }],
            })
            .collect();
        Ok(render_page(&Document {
            title: context.title.clone(),
            context,
            time_zone: input.time_zone,
            remarks: input.remarks.to_vec(),
            sections,
        }))
    }
}

/// Renders several tables as one page with a section for each.
pub fn html_tables(input: &TablesInput<'_>) -> Vec<u8> {
    let sections = input.tables.iter().map(|table| {
        let (lead, chart) = (table.remarks.join(" "), table.chart.as_ref());
        let panels = panels(&table.name, &table.title, &lead, &table.grid, chart, &table.name);
        Section {
            id: format!("{}-section", table.name).into(),
            tab: table.title.clone().into(),
            title: table.title.clone().into(),
            panels,
        }
    });
    render_page(&Document {
        title: input.context.title.clone(),
        context: input.context.clone(),
        time_zone: input.time_zone,
        remarks: input.remarks.to_vec(),
        sections: sections.collect(),
    })
}

/// Returns the panel of the chart, if there is one, and that of the rows.
fn panels(
    id: &str,
    title: &str,
    lead: &str,
    grid: &Grid,
    chart: Option<&Chart>,
    report: &str,
) -> Vec<Panel> {
    let column = |name: &String| ColumnView {
        name: name.clone(),
        meaning: String::new(),
        style: ColumnStyle::Exact,
        link: None,
    };
    let table = Panel {
        id: id.to_owned(),
        class: "",
        title: title.to_owned(),
        lead: lead.to_owned(),
        report: report.to_owned(),
        params: Vec::new(),
        total_rows: grid.rows.len(),
        grid: grid.clone(),
        columns: grid.columns.iter().map(|one| column(&one.name)).collect(),
        kind: PanelKind::Table,
        is_short: false,
        empty_text: "No rows.".to_owned(),
    };
    let drawn = chart.filter(|_| !grid.rows.is_empty()).map(|chart| Panel {
        id: format!("{id}-chart"),
        title: "Chart".to_owned(),
        lead: String::new(),
        kind: PanelKind::Picture(chart.clone()),
        empty_text: "These rows cannot be drawn as a chart.".to_owned(),
        ..table.clone()
    });
    drawn.into_iter().chain([table]).collect()
}
