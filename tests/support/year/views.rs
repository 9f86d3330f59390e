//! Creates views of reports and dashboards: regular use, and the limits of every rule about views,
//! people and days.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use super::calendar::{day, days, first, last};
use super::company::*;
use super::stage::{Stage, is_workday};

/// Way in which a report was opened.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Workspace,
    App,
    Shared,
    Embedded,
}

/// Adds the workdays of all people: reports by habit, and some dashboards.
pub fn workdays(stage: &mut Stage) {
    for person in &PEOPLE {
        for Stay(from, until, share) in person.stays {
            for date in days().filter(|date| (day(from)..=day(until)).contains(date)) {
                let share = if is_workday(date) { *share } else { share / 20.0 };
                if stage.rng.chance(share) {
                    workday(stage, person, date);
                }
            }
        }
    }
}

fn workday(stage: &mut Stage, person: &Person, date: NaiveDate) {
    let alive = |report: &&&Report| (day(report.from)..=day(report.until)).contains(&date);
    let reports: Vec<&&Report> = person.reports.iter().filter(alive).collect();
    for _ in 0..1 + stage.rng.below(4) {
        let time = stage.at_work(date, person.actor);
        if reports.is_empty() || stage.rng.chance(0.06) {
            let board = *stage.rng.pick(&[&SALES_BOARD, &GRID_BOARD]);
            dashboard(stage, time, person.actor, board);
            continue;
        }
        // The first reports are viewed most.
        let place = stage.rng.below(reports.len()).min(stage.rng.below(reports.len()));
        view(stage, time, person.actor, reports[place]);
    }
}

fn dashboard(stage: &mut Stage, time: DateTime<Utc>, actor: &Actor, board: &Dashboard) {
    let is_tile = stage.rng.chance(0.2);
    let operation = if is_tile { "ViewTile" } else { "ViewDashboard" };
    let draft = stage.event(time, actor, operation).dashboard(board);
    if is_tile {
        draft.with("TileText", "Störungen heute").done();
    } else {
        draft
            .with("DistributionMethod", "Workspace")
            .with("ConsumptionMethod", "Power BI Web")
            .done();
    }
}

/// Adds a view in a random way.
pub fn view(stage: &mut Stage, time: DateTime<Utc>, actor: &Actor, report: &Report) {
    let way = match stage.rng.below(20) {
        0..7 if report.app.is_some() => Way::App,
        18 => Way::Shared,
        19 => Way::Embedded,
        _ => Way::Workspace,
    };
    // Sometimes the log contains no medium, so only the user agent shows it.
    let is_told = !stage.rng.chance(0.15);
    // The case of a name varies between events.
    let user = if stage.rng.chance(0.3) { actor.id.to_lowercase() } else { actor.id.to_owned() };
    let mut draft = stage.event(time, actor, "ViewReport").report(report).with("UserId", user);
    if let Some(publisher) = report.publisher_id {
        // In the app the report has its own id, and the publisher's id is in another field.
        let (shown, beside) =
            if way == Way::App { (report.id, publisher) } else { (publisher, report.id) };
        draft = draft.with("ReportId", shown).with("ArtifactId", shown).with("AppReportId", beside);
    }
    if let (Way::App, Some(app)) = (way, report.app) {
        draft = draft
            .with("AppId", app.id)
            .with("AppName", app.name)
            .with("CapacityId", Value::Null)
            .with("CapacityName", Value::Null);
    }
    let method = match actor.agent {
        agent if agent.contains("iPhone") => "Power BI Mobile iOS App",
        agent if agent.contains("okhttp") => "Power BI Mobile Android App",
        _ => "Power BI Web",
    };
    if is_told && !actor.agent.contains("okhttp") {
        draft = draft.with("ConsumptionMethod", method);
    }
    let distribution = match way {
        Way::Workspace => "Workspace",
        Way::App => "Apps",
        Way::Shared => "Shared",
        Way::Embedded => "Embedded",
    };
    draft.with("DistributionMethod", distribution).done();
}

/// Adds people who come once, every 28 days, and every 29 days.
pub fn counted_days(stage: &mut Stage) {
    let noon = |date: NaiveDate, actor: &Actor| super::calendar::at(actor.zone, date, 12, 5, 0);
    view(stage, noon(day("2024-12-03"), &NINA), &NINA, &OVERVIEW);
    for (actor, step, report) in [(&SVEN, 28, &OVERVIEW), (&TESS, 29, &KPIS)] {
        let mut date = first() + Days::new(3);
        while date <= last() {
            view(stage, noon(date, actor), actor, report);
            date = date + Days::new(step);
        }
    }
}

/// Adds events at midnight, at New Year and on the days on which clocks change: their day, hour,
/// week and month depend on the time zone.
pub fn edges_of_days(stage: &mut Stage) {
    for time in [
        // New Year in Berlin is an hour before that of UTC; ISO week 2025-W01 begins on 30
        // December.
        "2024-12-29T23:30:00Z",
        "2024-12-31T22:59:59Z",
        "2024-12-31T23:00:00Z",
        "2025-01-01T04:59:59Z",
        "2025-01-01T05:00:00Z",
        // Clocks in New York skip 02:00 to 03:00 on 9 March and show 01:00 to 02:00 twice on 2
        // November.
        "2025-03-09T06:59:59Z",
        "2025-03-09T07:00:00Z",
        "2025-11-02T05:30:00Z",
        "2025-11-02T06:30:00Z",
        "2025-11-02T07:30:00Z",
        // Clocks in Berlin change on 30 March and 26 October.
        "2025-03-30T00:59:59Z",
        "2025-03-30T01:00:00Z",
        "2025-10-26T00:30:00Z",
        "2025-10-26T01:30:00Z",
        "2025-10-26T22:30:00Z",
        "2025-10-26T23:30:00Z",
        // ISO week 2026-W01 begins on 29 December 2025.
        "2025-12-28T22:59:59Z",
        "2025-12-28T23:00:00Z",
        "2025-12-31T23:30:00Z",
    ] {
        let time = time.parse().expect("an instant");
        view(stage, time, &UMAR, &LOAD);
        view(stage, time + TimeDelta::seconds(20), &UMAR, &FAULTS);
    }
}

/// Adds a link to the web that is viewed anonymously, and another one that is never viewed.
pub fn public_web(stage: &mut Stage) {
    stage.on("2025-05-05 10:12", &ANNA, "PublishToWebReport").report(&PRICES).done();
    stage.on("2025-11-18 15:40", &DENIZ, "PublishToWebReport").report(&COSTS).done();
    stage.on("2026-01-19 09:30", &ANNA, "PublishToWebReport").report(&PRICES).done();
    for date in days().filter(|date| *date >= day("2025-05-06")) {
        if stage.rng.chance(0.3) {
            let actor = if stage.rng.chance(0.2) { &ANONYMOUS_SYSTEM } else { &ANONYMOUS };
            let time = stage.at_work(date, actor);
            stage
                .event(time, actor, "ViewReport")
                .report(&PRICES)
                .with("DistributionMethod", "Publish to Web")
                .done();
        }
    }
}

/// Adds new reports with their first views.
pub fn new_reports(stage: &mut Stage) {
    stage.on("2025-10-06 09:00", &DENIZ, "CreateReport").report(&JAPAN).done();
    stage.on("2025-10-06 09:30", &DENIZ, "ViewReport").report(&JAPAN).done();
    stage.on("2025-10-09 11:00", &HANNA, "ViewReport").report(&JAPAN).done();
    stage.on("2025-12-17 10:00", &DENIZ, "CreateReport").report(&TICKETS).done();
    stage.on("2025-12-17 10:05", &DENIZ, "ViewReport").report(&TICKETS).done();
    stage.on("2026-01-20 16:00", &DENIZ, "ViewReport").report(&TICKETS).done();
    // Views of the author do not count, views of a guest do, and the first one is after more than a
    // week.
    stage.on("2026-01-05 10:00", &OLIVER, "CreateReport").report(&METERS).done();
    stage.on("2026-01-05 10:01", &OLIVER, "ViewReport").report(&METERS).done();
    stage.on("2026-01-14 10:00", &LARS, "ViewReport").report(&METERS).done();
    stage.on("2026-02-03 10:00", &BJORN, "ViewReport").report(&METERS).done();
    stage.on("2026-02-04 10:00", &GRETA, "ViewReport").report(&METERS).done();
    stage.on("2026-01-12 08:00", &OLIVER, "Import").report(&CHURN).done();
    stage.on("2026-01-12 08:01", &OLIVER, "ImportArtifactEnd").report(&CHURN).done();
    stage.on("2026-01-12 13:00", &ADA, "ViewReport").report(&CHURN).done();
    stage.on("2025-08-01 07:45", &DENIZ, "CreateReport").report(&CASH_NEW).done();
    stage.on("2025-10-13 08:15", &DENIZ, "CreateReport").report(&COSTS).done();
}
