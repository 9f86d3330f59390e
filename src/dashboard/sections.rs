//! Defines the sections of the page: their reports, columns, charts and texts.

use super::figures::EXTERNAL_REACH;
use super::panel::{PanelBuilder, col, not_on_phone, percent, section, series, wide_only};
use super::results::{ADOPTION, DashboardResults, TREND};
use crate::Result;
use crate::render::html::{PanelKind, Section, SeriesShape, Sparklines};

/// Returns the sections of the page, in their order.
pub fn build_sections(
    results: &DashboardResults<'_>,
    sparks: Vec<Vec<Option<f64>>>,
) -> Result<Vec<Section>> {
    let sections = [
        usage(results)?,
        adoption(results)?,
        top_reports(results, sparks)?,
        hours_of_week(results)?,
        workspaces(results)?,
        exports(results)?,
        external_users(results)?,
        access_methods(results)?,
        noise(results)?,
        coverage(results)?,
        data_quality(results)?,
    ];
    Ok(sections.into())
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
    Ok(section("usage", "Views", "Views over time", vec![panel]))
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
    let title = format!("New, returning and lapsed users by {}", results.coarse_grain);
    let grain = results.coarse_grain;
    let lead = format!(
        "\"New\" means first activity in the log. Figures need 28 complete days before each day. \
         An unfinished {grain} is not shown."
    );
    let growth = PanelBuilder::new(results, ADOPTION, grain)?
        .whole_rows(results, grain)?
        .with_columns(&columns)?
        .with_chart(changes)?
        .with_title("growth", &title, &lead);
    Ok(section("adoption", "Active users", "Active users", vec![active, growth]))
}

fn top_reports(results: &DashboardResults<'_>, rows: Vec<Vec<Option<f64>>>) -> Result<Section> {
    let columns = [
        not_on_phone("rank"),
        col("report"),
        not_on_phone("workspace"),
        col("views"),
        col("viewers"),
        col("trend"),
        wide_only("last_view"),
    ];
    let (param, title) = match results.coarse_grain {
        "week" => ("grain=week", "Views by week"),
        _ => ("grain=month", "Views per day by month"),
    };
    let sparks = Sparklines { title, report: TREND, param, rows };
    let lead = "Trend: views in the second half of the period divided by views in the first half, \
                over complete days on the same weekdays. The small charts show whole weeks or \
                months.";
    let panel = PanelBuilder::top_rows(results, "top-reports", &columns)?
        .with_kind(PanelKind::Sparklines(sparks))
        .with_title("top-reports", "Most viewed reports", lead);
    Ok(section("reports", "Reports", "Most viewed reports", vec![panel]))
}

fn hours_of_week(results: &DashboardResults<'_>) -> Result<Section> {
    let panel = PanelBuilder::new(results, "hour-of-week", "")?
        .with_kind(PanelKind::WeekHeatmap)
        .with_title("hours", "Hours of the week", "Average views per hour and weekday.");
    Ok(section("week", "Hours of the week", "Hours of the week", vec![panel]))
}

fn workspaces(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        not_on_phone("rank"),
        col("workspace"),
        col("views"),
        col("viewers"),
        not_on_phone("creators"),
        not_on_phone("exports"),
        wide_only("edits"),
        wide_only("reports"),
        wide_only("workspace_type"),
    ];
    let panel = PanelBuilder::top_rows(results, "workspace-usage", &columns)?.with_title(
        "workspace-usage",
        "Most viewed workspaces",
        "",
    );
    Ok(section("workspaces", "Workspaces", "Most viewed workspaces", vec![panel]))
}

fn exports(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        col("user"),
        col("item"),
        not_on_phone("workspace"),
        col("exports"),
        wide_only("spike_day"),
        not_on_phone("last_export"),
    ];
    let title = "Exports, downloads and prints";
    let lead = "A spike is a day with an unusually high number of exports by one user.";
    let panel = PanelBuilder::top_rows(results, "exports", &columns)?
        .with_empty_text("No exports, downloads or prints in this period.")
        .with_title("exports", title, lead);
    Ok(section("exported", "Exports", title, vec![panel]))
}

fn external_users(results: &DashboardResults<'_>) -> Result<Section> {
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
    let guests = PanelBuilder::top_rows(results, "external-users", &columns)?
        .with_empty_text("No external users were active.")
        .with_title("external-users", "Active external users", "Guests with activity here.");
    Ok(section("external", "External users", "External users", vec![shared, guests]))
}

fn access_methods(results: &DashboardResults<'_>) -> Result<Section> {
    let mut panels = Vec::new();
    for (kind, title) in
        [("method", "Client"), ("browser", "Browser"), ("system", "Operating system")]
    {
        let columns = [col("name"), col("views"), percent("share_pct"), wide_only("viewers")];
        let panel = PanelBuilder::new(results, "consumption-method", "")?
            .filter_rows("breakdown", |found| found == kind)?
            .with_columns(&columns)?
            .limit_rows()
            .with_title(&format!("by-{kind}"), title, "");
        panels.push(panel);
    }
    let columns = [col("method"), col("views"), percent("share_pct"), wide_only("viewers")];
    let distribution = PanelBuilder::top_rows(results, "distribution-method", &columns)?;
    panels.push(distribution.with_title("distribution-method", "Distribution", ""));
    Ok(section("access", "Access method", "Access method", panels))
}

fn noise(results: &DashboardResults<'_>) -> Result<Section> {
    let columns = [
        col("activity"),
        not_on_phone("principal"),
        col("events"),
        percent("share_pct"),
        not_on_phone("excluded"),
        wide_only("last_event"),
    ];
    let title = "Automated API activity";
    let lead = "API calls by tools and services. Excluded calls are not part of the usage figures.";
    let panel = PanelBuilder::top_rows(results, "noise", &columns)?
        .with_empty_text("No automated API activity in this period.")
        .with_title("noise", title, lead);
    Ok(section("automated", title, title, vec![panel]))
}

fn coverage(results: &DashboardResults<'_>) -> Result<Section> {
    let title = "Data coverage";
    let calendar = PanelBuilder::new(results, "coverage", "")?
        .with_kind(PanelKind::Calendar)
        .with_title("days", "Calendar", "Days (UTC) by completeness of their data.");
    if calendar.is_empty() {
        return Ok(section("coverage", title, title, vec![calendar]));
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
    Ok(section("coverage", title, title, vec![calendar, incomplete]))
}

fn data_quality(results: &DashboardResults<'_>) -> Result<Section> {
    let columns =
        [col("issue"), col("subject"), col("affected"), wide_only("first_seen"), col("detail")];
    let panel = PanelBuilder::top_rows(results, "data-quality", &columns)?
        .with_empty_text("No data quality issues found.")
        .with_title("data-quality", "Data quality", "");
    Ok(section("quality", "Data quality", "Data quality", vec![panel]))
}
