//! Defines the sections of a period: their reports, columns, charts and texts.

use super::changes::{Changes, FIRST_VIEW};
use super::columns::{ADOPTION, CAPACITIES, COHORTS, TREND, column_texts};
use super::figures::EXTERNAL_REACH;
use super::panel::{PanelBuilder, change, col, not_on_phone, percent, section, series, wide_only};
use super::results::DashboardResults;
use crate::Result;
use crate::grid::Grid;
use crate::render::html::{Panel, PanelKind, Section, SeriesShape, Sparklines};

/// The smallest number of months of a period with cohorts.
const MIN_COHORT_MONTHS: usize = 3;

/// Returns the sections of a period, in their order.
pub fn build_sections(
    results: &DashboardResults<'_>,
    changes: &Changes,
    sparks: Vec<Vec<Option<f64>>>,
) -> Result<Vec<Section>> {
    let mut sections = vec![usage(results)?, what_changed(results, changes)?];
    if !results.mask.hides_people() {
        sections.push(people(results, changes)?);
    }
    sections.extend([reports(results, sparks)?, workspaces(results)?]);
    if results.has_capacities {
        sections.push(capacities(results)?);
    }
    sections.extend([adoption(results)?, exports_and_sharing(results)?, access(results)?]);
    Ok(sections)
}

/// Returns the panels on the data itself.
pub fn build_about(results: &DashboardResults<'_>) -> Result<Vec<Panel>> {
    let mut panels = coverage(results)?;
    panels.push(noise(results)?);
    panels.push(data_quality(results)?);
    Ok(panels.into_iter().map(PanelBuilder::build).collect())
}

fn usage(results: &DashboardResults<'_>) -> Result<Section> {
    let grain = results.grain;
    let mut views = vec![series("views", "Report views", SeriesShape::Bars)];
    let mut lead = format!("Report views per {grain}.");
    if grain == "day" {
        views.push(series("avg_7d", "7-day average", SeriesShape::Line));
        lead += " The 7-day average is shown only when all 7 days are complete.";
    } else {
        lead += &format!(" An unfinished {grain} is not shown.");
    }
    let columns = [
        col("date"),
        col("views"),
        col("avg_7d"),
        col("viewers"),
        wide_only("reports"),
        wide_only("dashboard_views"),
        col("status"),
    ];
    let panel = PanelBuilder::new(results, TREND, grain)?
        .whole_rows(results, grain)?
        .with_columns(&columns)?
        .with_chart(views)?
        .with_title("views", "Views over time", &lead);
    Ok(section(results, "usage", "Views over time", vec![panel]))
}

fn what_changed(results: &DashboardResults<'_>, changes: &Changes) -> Result<Section> {
    let title = "What changed";
    if !results.comparison.has_days() {
        let panel = PanelBuilder::compared(results, "top-reports", Grid::default())?
            .with_empty_text(&results.comparison.remark())
            .with_title("changed-none", title, "");
        return Ok(section(results, "changed", title, vec![panel]));
    }
    let compared = [
        col("report"),
        not_on_phone("workspace"),
        col("views_before"),
        col("views"),
        change("views_change"),
    ];
    let list = |grid: &Grid, columns: &[_]| {
        let panel = PanelBuilder::compared(results, "top-reports", grid.clone())?;
        Ok::<_, crate::Error>(panel.with_columns(columns)?.limit_rows())
    };
    let rising = list(&changes.rising, &compared)?
        .with_empty_text("No report was viewed more than before.")
        .with_title("rising", "Rising reports", "");
    let falling = list(&changes.falling, &compared)?
        .with_empty_text("No report was viewed less than before.")
        .with_title("falling", "Falling reports", "");
    let columns = [
        col("report"),
        not_on_phone("workspace"),
        col("views"),
        not_on_phone("viewers"),
        col(FIRST_VIEW),
    ];
    let new = PanelBuilder::listed(results, "top-reports", changes.new.clone())?
        .with_columns(&columns)?
        .limit_rows()
        .with_empty_text("No report was viewed for the first time.")
        .with_title("new-reports", "New reports", "First viewed in this period.");
    let columns = [col("report"), not_on_phone("workspace"), col("views_before")];
    let silent = list(&changes.silent, &columns)?
        .with_empty_text("All reports that were viewed before are still viewed.")
        .with_title("silent-reports", "No longer viewed", "Viewed before, and not in this period.");
    Ok(section(results, "changed", title, vec![rising, falling, new, silent]))
}

fn people(results: &DashboardResults<'_>, changes: &Changes) -> Result<Section> {
    let columns = [
        not_on_phone("rank"),
        col("user"),
        col("views"),
        not_on_phone("reports"),
        not_on_phone("workspaces"),
        col("active_days"),
        wide_only("other_views"),
        not_on_phone("last_seen"),
        wide_only("user_type"),
    ];
    let top = PanelBuilder::top_rows(results, "top-users", &columns)?
        .with_empty_text("Nobody viewed content in this period.")
        .with_title("top-users", "Most active viewers", "");
    let mut panels = vec![top];
    if results.comparison.has_days() {
        let columns = [col("user"), col("views"), not_on_phone("reports"), col("first_seen")];
        let new = PanelBuilder::listed(results, "top-users", changes.new_people.clone())?
            .with_columns(&columns)?
            .limit_rows()
            .with_empty_text("Nobody viewed content for the first time.")
            .with_title("new-people", "New viewers", "First view in this period.");
        let columns = [col("user"), col("views_before")];
        let silent = PanelBuilder::compared(results, "top-users", changes.silent_people.clone())?
            .with_columns(&columns)?
            .limit_rows()
            .with_empty_text("Everybody who viewed content before still does.")
            .with_title(
                "silent-people",
                "Stopped viewing",
                "Viewed before, and not in this period.",
            );
        panels.extend([new, silent]);
    }
    Ok(section(results, "people", "People", panels))
}

fn reports(results: &DashboardResults<'_>, rows: Vec<Vec<Option<f64>>>) -> Result<Section> {
    let columns = [
        not_on_phone("rank"),
        col("report"),
        not_on_phone("workspace"),
        col("views"),
        col("viewers"),
        not_on_phone("trend"),
        wide_only("last_view"),
    ];
    let (param, title) = match results.coarse_grain {
        "week" => ("grain=week", "Views by week"),
        _ => ("grain=month", "Views per day by month"),
    };
    let has_lines = rows.iter().any(|values| values.len() > 1);
    let mut lead = "Trend: views in the second half of the period divided by views in the first \
                    half, over complete days on the same weekdays."
        .to_owned();
    let mut panel = PanelBuilder::top_rows(results, "top-reports", &columns)?;
    if has_lines {
        lead += " The small charts show whole weeks or months.";
        let sparks = Sparklines { title, report: TREND, param, rows };
        panel = panel.with_kind(PanelKind::Sparklines(sparks));
    }
    let panel = panel.with_title("top-reports", "Most viewed reports", &lead);
    Ok(section(results, "reports", "Reports", vec![panel]))
}

fn workspaces(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        not_on_phone("rank"),
        col("workspace"),
        col("views"),
        col("viewers"),
        not_on_phone("reports"),
        not_on_phone("creators"),
        not_on_phone("exports"),
        not_on_phone("edits"),
        wide_only("workspace_type"),
    ];
    let panel = PanelBuilder::top_rows(results, "workspace-usage", &columns)?.with_title(
        "workspace-usage",
        "Most viewed workspaces",
        "",
    );
    Ok(section(results, "workspaces", "Workspaces", vec![panel]))
}

fn capacities(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        col("capacity"),
        col("views"),
        col("users"),
        not_on_phone("external_queries"),
        not_on_phone("refreshes"),
        not_on_phone("busiest_hour"),
        wide_only("busiest_hour_pct"),
        not_on_phone("peak_start"),
        not_on_phone("peak_events"),
    ];
    let lead = "Busiest hour: the hour of the day with the most activity. Peak: the single hour of \
                the period with the most activity.";
    let panel = PanelBuilder::top_rows(results, CAPACITIES, &columns)?;
    let panel = panel.with_title(CAPACITIES, "Most used capacities", lead);
    Ok(section(results, "capacities", "Capacities", vec![panel]))
}

fn adoption(results: &DashboardResults<'_>) -> Result<Section> {
    let users = vec![
        series("dau", "Per day (DAU)", SeriesShape::Line),
        series("wau", "7 days (WAU)", SeriesShape::Line),
        series("mau", "28 days (MAU)", SeriesShape::Line),
    ];
    let columns =
        [col("date"), col("dau"), col("wau"), col("mau"), wide_only("stickiness"), col("status")];
    let lead = "Users with any activity per day (DAU), 7 days (WAU) and 28 days (MAU).";
    let active = PanelBuilder::new(results, ADOPTION, results.grain)?
        .with_columns(&columns)?
        .with_chart(users)?
        .with_title("active", "Active users", lead);
    let mut panels = vec![active, growth(results)?];
    let cohorts = PanelBuilder::new(results, COHORTS, "")?;
    let months = results.result(COHORTS)?;
    let mut months = column_texts(&months.grid, "month")?;
    months.sort_unstable();
    months.dedup();
    if months.len() >= MIN_COHORT_MONTHS {
        let lead = "Of the people who first viewed content in a month, the share who viewed \
                    content in the months after. The first month of the log contains everybody \
                    who viewed content before.";
        let cohorts = cohorts.with_kind(PanelKind::Cohorts);
        panels.push(cohorts.with_title("cohorts", "Who keeps viewing", lead));
    }
    Ok(section(results, "adoption", "Adoption", panels))
}

fn growth<'r>(results: &'r DashboardResults<'r>) -> Result<PanelBuilder<'r>> {
    let changes = vec![
        series("new_users", "New", SeriesShape::StackedUp),
        series("returning_users", "Returning after 28 days or more", SeriesShape::StackedUp),
        series("lost_users", "Lapsed: no activity for 28 days", SeriesShape::StackedDown),
    ];
    let columns = [
        col("date"),
        col("new_users"),
        col("returning_users"),
        col("lost_users"),
        wide_only("stickiness"),
        col("status"),
    ];
    let grain = results.coarse_grain;
    let title = format!("New, returning and lapsed users by {grain}");
    let lead = format!(
        "\"New\" means first activity in the log. Figures need 28 complete days before each day. \
         An unfinished {grain} is not shown."
    );
    Ok(PanelBuilder::new(results, ADOPTION, grain)?
        .whole_rows(results, grain)?
        .known_rows("lost_users", "The log does not contain 28 complete days before these days.")?
        .with_columns(&columns)?
        .with_chart(changes)?
        .with_title("growth", &title, &lead))
}

fn exports_and_sharing(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        col("user"),
        col("item"),
        not_on_phone("workspace"),
        col("exports"),
        wide_only("spike_day"),
        not_on_phone("last_export"),
    ];
    let lead = "A spike is a day with an unusually high number of exports by one user.";
    let exports = PanelBuilder::top_rows(results, "exports", &columns)?
        .with_empty_text("No exports, downloads or prints in this period.")
        .with_title("exports", "Exports, downloads and prints", lead);
    let columns = [
        col("item"),
        wide_only("item_kind"),
        col("recipient"),
        not_on_phone("shared_by"),
        not_on_phone("shares"),
        wide_only("permissions"),
        not_on_phone("last_shared"),
    ];
    let shared = PanelBuilder::new(results, "sharing-audit", "")?
        .filter_rows("reach", |reach| reach == EXTERNAL_REACH)?
        .with_columns(&columns)?
        .limit_rows()
        .with_empty_text("No items were shared with external users.")
        .with_title("shared", "Items shared with external users", "Latest first.");
    let mut panels = vec![exports, shared];
    if !results.mask.hides_people() {
        panels.push(guests(results)?);
    }
    Ok(section(results, "exported", "Exports and sharing", panels))
}

fn guests<'r>(results: &'r DashboardResults<'r>) -> Result<PanelBuilder<'r>> {
    let columns = [
        col("guest"),
        wide_only("domain"),
        col("views"),
        col("exports"),
        not_on_phone("changes"),
        wide_only("items"),
        wide_only("active_days"),
        not_on_phone("last_seen"),
    ];
    Ok(PanelBuilder::top_rows(results, "external-users", &columns)?
        .with_empty_text("No external users were active.")
        .with_title("external-users", "Active external users", "Guests with activity here."))
}

fn access(results: &DashboardResults<'_>) -> Result<Section> {
    let hours = PanelBuilder::new(results, "hour-of-week", "")?
        .with_kind(PanelKind::WeekHeatmap)
        .with_title("hours", "Hours of the week", "Average views per hour and weekday.");
    let mut panels = vec![hours];
    for (kind, id, title) in [
        ("method", "by-method", "Client"),
        ("browser", "by-browser", "Browser"),
        ("system", "by-system", "Operating system"),
    ] {
        let columns = [col("name"), col("views"), percent("share_pct"), wide_only("viewers")];
        let lead = "The share also counts views of dashboards.";
        let panel = PanelBuilder::new(results, "consumption-method", "")?
            .filter_rows("breakdown", |found| found == kind)?
            .with_columns(&columns)?
            .limit_rows()
            .with_title(id, title, lead);
        panels.push(panel);
    }
    let columns = [col("method"), col("views"), percent("share_pct"), wide_only("viewers")];
    let distribution = PanelBuilder::top_rows(results, "distribution-method", &columns)?;
    let lead = "From workspaces, apps or shared links.";
    panels.push(distribution.with_title("distribution-method", "Distribution", lead));
    Ok(section(results, "access", "When and how", panels))
}

fn coverage<'r>(results: &'r DashboardResults<'r>) -> Result<Vec<PanelBuilder<'r>>> {
    let calendar = PanelBuilder::new(results, "coverage", "")?
        .with_kind(PanelKind::Calendar)
        .with_title("days", "Calendar", "Days (UTC) by completeness of their data.");
    if calendar.is_empty() {
        return Ok(vec![calendar]);
    }
    let columns = [
        col("day"),
        col("status"),
        col("reason"),
        col("events"),
        wide_only("hours_without_events"),
    ];
    let incomplete = PanelBuilder::new(results, "coverage", "")?
        .with_columns(&columns)?
        .filter_rows("status", |status| status != "complete")?
        .limit_rows()
        .with_empty_text("All days are complete.")
        .with_title("incomplete-days", "Incomplete days", "");
    Ok(vec![calendar, incomplete])
}

fn noise<'r>(results: &'r DashboardResults<'r>) -> Result<PanelBuilder<'r>> {
    let columns = [
        col("activity"),
        not_on_phone("principal"),
        col("events"),
        percent("share_pct"),
        not_on_phone("excluded"),
        wide_only("last_event"),
    ];
    let lead = "API calls by tools and services. Excluded calls are not part of the usage figures.";
    Ok(PanelBuilder::top_rows(results, "noise", &columns)?
        .with_empty_text("No automated API activity in this period.")
        .with_title("noise", "Automated API activity", lead))
}

fn data_quality<'r>(results: &'r DashboardResults<'r>) -> Result<PanelBuilder<'r>> {
    let columns =
        [col("issue"), col("subject"), col("affected"), wide_only("first_seen"), col("detail")];
    Ok(PanelBuilder::top_rows(results, "data-quality", &columns)?
        .with_empty_text("No data quality issues found.")
        .with_title("data-quality", "Data quality", ""))
}
