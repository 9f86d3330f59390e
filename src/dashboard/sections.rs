//! What stands where on the page: the rows and columns of each report that are shown, and how.
//!
//! Owns: the choice and the words around it. Must not know how anything looks.

use super::figures::EXTERNAL_REACH;
use super::{ADOPTION, DashboardResults, TREND, column_texts};
use crate::Result;
use crate::grid::Grid;
use crate::render::html::{
    ChartSeries, ColumnStyle, ColumnView, Panel, PanelKind, Section, SeriesShape, Sparklines,
};
use crate::report::ReportDefinition;

/// How many rows of a table are shown.
pub const MAX_TABLE_ROWS: usize = 50;

/// The parts of the page, in their order.
pub fn build_sections(
    answers: &DashboardResults<'_>,
    sparks: Vec<Vec<Option<f64>>>,
) -> Result<Vec<Section>> {
    let sections = [
        usage(answers)?,
        adoption(answers)?,
        top_reports(answers, sparks)?,
        hours_of_week(answers)?,
        workspaces(answers)?,
        exports(answers)?,
        external_users(answers)?,
        access_methods(answers)?,
        noise(answers)?,
        coverage(answers)?,
        data_quality(answers)?,
    ];
    Ok(sections.into())
}

fn section(
    id: &'static str,
    tab: &'static str,
    title: &'static str,
    panels: Vec<PanelBuilder<'_>>,
) -> Section {
    let mut limits: Vec<String> = Vec::new();
    for limit in panels.iter().flat_map(|made| &made.report.limits) {
        if !limits.contains(limit) {
            limits.push(limit.clone());
        }
    }
    let panels = panels.into_iter().map(|made| made.panel).collect();
    Section { id, tab, title, panels, limits }
}

/// A panel and the question behind it.
struct PanelBuilder<'q> {
    panel: Panel,
    report: &'q ReportDefinition,
}

impl<'q> PanelBuilder<'q> {
    /// All columns, the first rows.
    fn new(
        answers: &DashboardResults<'q>,
        name: &'static str,
        grain: &'static str,
    ) -> Result<PanelBuilder<'q>> {
        let (question, answer) = (answers.report(name)?, answers.result_by_grain(name, grain)?);
        let shown = |(name, meaning): &(String, String)| ColumnView {
            name: name.clone(),
            meaning: meaning.clone(),
            style: ColumnStyle::Plain,
        };
        let panel = Panel {
            id: name.to_owned(),
            title: question.title.clone(),
            lead: question.question.clone(),
            report: name.to_owned(),
            params: if grain.is_empty() {
                Vec::new()
            } else {
                vec![format!("{}={grain}", super::GRAIN_PARAM)]
            },
            total_rows: answer.grid.rows.len(),
            grid: answer.grid.clone(),
            columns: question.columns.iter().map(shown).collect(),
            kind: PanelKind::Table,
            empty_text: DEFAULT_EMPTY_TEXT.to_owned(),
        };
        Ok(PanelBuilder { panel, report: question })
    }

    /// A table of these columns: those behind a `-` only where there is room, those behind a `/` on
    /// paper too, those behind a `%` as parts of a hundred.
    fn top_rows(
        answers: &DashboardResults<'q>,
        name: &'static str,
        columns: &str,
    ) -> Result<PanelBuilder<'q>> {
        Ok(PanelBuilder::new(answers, name, "")?.with_columns(columns).limit_rows(MAX_TABLE_ROWS))
    }

    fn with_columns(mut self, columns: &str) -> PanelBuilder<'q> {
        let all = std::mem::take(&mut self.panel.columns);
        let chosen = columns.split(' ').filter_map(|column| {
            let looks = [
                ('-', ColumnStyle::HiddenOnPhoneAndPaper),
                ('/', ColumnStyle::HiddenOnPhone),
                ('%', ColumnStyle::Percent),
            ];
            let mut looks = looks.into_iter();
            let sign = looks.find_map(|(sign, look)| Some((look, column.strip_prefix(sign)?)));
            let (look, name) = sign.unwrap_or((ColumnStyle::Plain, column));
            let found = all.iter().find(|shown| shown.name == name)?;
            Some(ColumnView { style: look, ..found.clone() })
        });
        self.panel.columns = chosen.collect();
        self
    }

    fn limit_rows(mut self, rows: usize) -> PanelBuilder<'q> {
        self.panel.grid.rows.truncate(rows);
        self
    }

    /// The rows whose column is one of these.
    fn filter_rows(mut self, column: &str, is_one: impl Fn(&str) -> bool) -> PanelBuilder<'q> {
        let keep: Vec<bool> = column_texts(&self.panel.grid, column)
            .into_iter()
            .map(|text| text.is_some_and(&is_one))
            .collect();
        let Grid { columns, rows } = std::mem::take(&mut self.panel.grid);
        let rows = rows.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(row, _)| row);
        self.panel.grid = Grid { columns, rows: rows.collect() };
        self.panel.total_rows = self.panel.grid.rows.len();
        self
    }

    fn with_title(mut self, id: &str, title: &str, lead: &str) -> PanelBuilder<'q> {
        self.panel.id = id.to_owned();
        self.panel.title = title.to_owned();
        self.panel.lead = lead.to_owned();
        self
    }

    fn with_kind(mut self, drawing: PanelKind) -> PanelBuilder<'q> {
        self.panel.kind = drawing;
        self
    }

    /// What stands there without rows.
    fn with_empty_text(mut self, empty: &str) -> PanelBuilder<'q> {
        self.panel.empty_text = empty.to_owned();
        self
    }
}

/// What stands where there are no rows; why, the top of the page says.
const DEFAULT_EMPTY_TEXT: &str = "Nothing of this kind is in the period.";

fn series(column: &'static str, title: &'static str, shape: SeriesShape) -> ChartSeries {
    ChartSeries { column, title, shape }
}

fn usage(answers: &DashboardResults<'_>) -> Result<Section> {
    let grain = answers.grain;
    let mut views = vec![series("views", "Views of reports", SeriesShape::Bars)];
    let mut lead = format!("How often reports were opened, by {grain}.");
    if grain == "day" {
        views.push(series("avg_7d", "Mean of 7 days", SeriesShape::Line));
        lead += " There is no mean of days that are not all held in full.";
    }
    let columns = "date views avg_7d viewers -reports -dashboard_views status";
    let over = PanelBuilder::new(answers, TREND, grain)?
        .with_columns(columns)
        .with_kind(PanelKind::Chart(views));
    Ok(section(
        "usage",
        "Views",
        "Views over time",
        vec![over.with_title("views", "Views over time", &lead)],
    ))
}

fn adoption(answers: &DashboardResults<'_>) -> Result<Section> {
    let people = vec![
        series("dau", "DAU, of the day", SeriesShape::Line),
        series("wau", "WAU, of 7 days", SeriesShape::Line),
        series("mau", "MAU, of 28 days", SeriesShape::Line),
    ];
    let columns = "date dau wau mau -stickiness status";
    let active = PanelBuilder::new(answers, ADOPTION, answers.grain)?
        .with_columns(columns)
        .with_kind(PanelKind::Chart(people))
        .with_title(
            "active",
            "Active people",
            "Whoever did anything, within a day, 7 and 28 days.",
        );
    let drawn = vec![
        series("new_users", "New", SeriesShape::StackedUp),
        series("returning_users", "Back after 28 days or more", SeriesShape::StackedUp),
        series("lost_users", "Not seen for 28 days", SeriesShape::StackedDown),
    ];
    let title = format!("Who comes and who stays away, by {}", answers.coarse_grain);
    let lead = "New is who was never seen before in the archive: in its first weeks that is \
                everybody.";
    let columns = "date new_users returning_users lost_users -stickiness status";
    let comings = PanelBuilder::new(answers, ADOPTION, answers.coarse_grain)?
        .with_columns(columns)
        .with_kind(PanelKind::Chart(drawn))
        .with_title("comings", &title, lead);
    Ok(section("adoption", "Adoption", "Adoption", vec![active, comings]))
}

fn top_reports(answers: &DashboardResults<'_>, rows: Vec<Vec<Option<f64>>>) -> Result<Section> {
    let columns = "/rank report /workspace views viewers trend -last_view";
    let (set, title) = match answers.coarse_grain {
        "week" => ("grain=week", "Views by week"),
        _ => ("grain=month", "Views by month"),
    };
    let sparks = Sparklines { title, report: TREND, param: set, rows };
    let lead = "Trend is the views of the second half of the period divided by those of the first, \
                complete days only.";
    let table = PanelBuilder::top_rows(answers, "top-reports", columns)?
        .with_kind(PanelKind::Sparklines(sparks));
    let table = table.with_title("top-reports", "Most opened reports", lead);
    Ok(section("reports", "Reports", "Most opened reports", vec![table]))
}

fn hours_of_week(answers: &DashboardResults<'_>) -> Result<Section> {
    let lead = "How often content is opened in an hour of one such day, on average.";
    let week = PanelBuilder::new(answers, "hour-of-week", "")?
        .with_kind(PanelKind::WeekHeatmap)
        .with_title("hours", "Hours of the week", lead);
    Ok(section("week", "Hours", "Hours of the week", vec![week]))
}

fn workspaces(answers: &DashboardResults<'_>) -> Result<Section> {
    let columns =
        "/rank workspace views viewers /creators /exports -edits -reports -workspace_type";
    let table = PanelBuilder::top_rows(answers, "workspace-usage", columns)?;
    let table = table.with_title("workspace-usage", "Use of workspaces", "");
    Ok(section("workspaces", "Workspaces", "Workspaces", vec![table]))
}

fn exports(answers: &DashboardResults<'_>) -> Result<Section> {
    let columns = "user item /workspace exports -spike_day /last_export";
    let table = PanelBuilder::top_rows(answers, "exports", columns)?
        .with_empty_text("Nothing was exported.");
    let lead = "A spike is a day on which a person exported unusually much.";
    let table = table.with_title("exports", "Who takes out what", lead);
    Ok(section("exported", "Exports", "Exports", vec![table]))
}

fn external_users(answers: &DashboardResults<'_>) -> Result<Section> {
    let columns = "item -item_kind recipient /shared_by /shares -permissions /last_shared";
    let shared = PanelBuilder::new(answers, "sharing-audit", "")?
        .filter_rows("reach", |reach| reach == EXTERNAL_REACH)
        .with_columns(columns)
        .limit_rows(MAX_TABLE_ROWS)
        .with_empty_text("Nothing was shared with people outside.")
        .with_title("shared", "Shared with people outside", "The latest first.");
    let columns = "guest -domain views exports /changes -items -active_days /last_seen";
    let guests = PanelBuilder::top_rows(answers, "external-users", columns)?
        .with_empty_text("No guest was active.")
        .with_title("external-users", "Guests", "People from outside who were active here.");
    Ok(section("outside", "Outsiders", "People from outside", vec![shared, guests]))
}

fn access_methods(answers: &DashboardResults<'_>) -> Result<Section> {
    let mut panels = Vec::new();
    for (kind, title) in [("method", "By what"), ("browser", "Browsers"), ("system", "Systems")] {
        let way = PanelBuilder::new(answers, "consumption-method", "")?
            .filter_rows("breakdown", |found| found == kind)
            .with_columns("name views %share_pct -viewers")
            .limit_rows(MAX_TABLE_ROWS)
            .with_title(&format!("by-{kind}"), title, "");
        panels.push(way);
    }
    let columns = "method views %share_pct -viewers";
    let reached = PanelBuilder::top_rows(answers, "distribution-method", columns)?;
    panels.push(reached.with_title("distribution-method", "From where", ""));
    Ok(section("ways", "Ways in", "How content is opened", panels))
}

fn noise(answers: &DashboardResults<'_>) -> Result<Section> {
    let columns = "activity /principal events %share_pct /excluded -last_event";
    let lead = "Reads by machines that say nothing about use. What is left out is not counted in \
                the figures of people above.";
    let table = PanelBuilder::top_rows(answers, "noise", columns)?
        .with_empty_text("No reads by machines are in the period.")
        .with_title("noise", "Noise", lead);
    Ok(section("machines", "Noise", "Noise", vec![table]))
}

fn coverage(answers: &DashboardResults<'_>) -> Result<Section> {
    let lead = "UTC days, and how completely the archive holds them.";
    let calendar = PanelBuilder::new(answers, "coverage", "")?
        .with_kind(PanelKind::Calendar)
        .with_title("days", "Calendar", lead);
    if calendar.panel.grid.rows.is_empty() {
        return Ok(section("coverage", "Coverage", "Coverage", vec![calendar]));
    }
    let open = PanelBuilder::new(answers, "coverage", "")?
        .with_columns("day status reason events -hours_without_events")
        .filter_rows("status", |status| status != "complete")
        .limit_rows(MAX_TABLE_ROWS)
        .with_empty_text("Every day is held in full, as far as can be told.")
        .with_title("open-days", "Days that are not held in full", "");
    Ok(section("coverage", "Coverage", "Coverage", vec![calendar, open]))
}

fn data_quality(answers: &DashboardResults<'_>) -> Result<Section> {
    let columns = "issue subject affected -first_seen detail";
    let table = PanelBuilder::top_rows(answers, "data-quality", columns)?
        .with_empty_text("Nothing odd was found.")
        .with_title("data-quality", "What is odd about the archive", "");
    Ok(section("quality", "Data quality", "Data quality", vec![table]))
}
