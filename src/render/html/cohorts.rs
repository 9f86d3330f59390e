//! Writes the retention of cohorts as a table: a row for each month in which users started, and a
//! percentage for each month since then.

use std::collections::BTreeMap;

use super::document::Panel;
use super::heatmap::shade_class;
use super::markup::Markup;
use super::values::{UNKNOWN, column_numbers, column_texts, format_number, format_optional};

/// The largest number of months since the start that are shown.
const MAX_MONTHS: usize = 12;

/// A month of a cohort.
#[derive(Clone, Copy)]
struct CohortMonth {
    retention: Option<f64>,
    users: Option<f64>,
}

/// Writes the cohorts of a grid of `adoption-cohorts`. The month of the start is left out: it
/// always contains all users of its cohort.
pub fn write_cohorts(to: &mut Markup, panel: &Panel) {
    let grid = &panel.grid;
    let since = column_numbers(grid, "months_since");
    let (retention, users) = (column_numbers(grid, "retention"), column_numbers(grid, "users"));
    let sizes = column_numbers(grid, "cohort_size");
    let mut cohorts: BTreeMap<&str, (Option<f64>, BTreeMap<usize, CohortMonth>)> = BTreeMap::new();
    for (row, name) in column_texts(grid, "cohort").into_iter().enumerate() {
        let Some(months) = since[row].map(|months| months as usize) else { continue };
        let cohort = cohorts.entry(name).or_insert_with(|| (sizes[row], BTreeMap::new()));
        if (1..=MAX_MONTHS).contains(&months) {
            let (retention, users) = (retention[row], users[row]);
            cohort.1.insert(months, CohortMonth { retention, users });
        }
    }
    let most = cohorts.values().filter_map(|(_, months)| months.keys().next_back().copied()).max();
    let most = most.unwrap_or(0);
    to.open("div").attr("class", "scroll").attr("tabindex", 0).attr("role", "region");
    to.attr("aria-labelledby", panel.title_id());
    to.open("table").attr("class", "cohorts").attr("data-report", &panel.report);
    to.open("thead").open("tr").open("th").attr("scope", "col").text("First viewed in").close("th");
    to.open("th").attr("scope", "col").attr("class", "n").text("People").close("th");
    for month in 1..=most {
        to.open("th").attr("scope", "col").attr("class", "n");
        to.text(format_args!("+{month} mo.")).close("th");
    }
    to.close("tr").close("thead").open("tbody");
    for (name, (size, months)) in &cohorts {
        to.open("tr").open("th").attr("scope", "row").text(name).close("th");
        to.open("td").attr("class", "n").text(format_optional(*size)).close("td");
        for month in 1..=most {
            write_month(to, months.get(&month).copied());
        }
        to.close("tr");
    }
    to.close("tbody").close("table").close("div");
}

fn write_month(to: &mut Markup, month: Option<CohortMonth>) {
    let Some(CohortMonth { retention, users }) = month else {
        to.open("td").close("td");
        return;
    };
    let users = match users {
        None => "no data".to_owned(),
        Some(1.0) => "1 person".to_owned(),
        Some(number) => format!("{} people", format_number(number)),
    };
    match retention {
        Some(share) => {
            to.open("td").attr("class", shade_class(share, 1.0)).attr("data-v", share);
            to.attr("title", users).text(format_args!("{:.0} %", share * 100.0));
        }
        None => {
            to.open("td").attr("class", "no-data").attr("data-v", "");
            to.attr("title", format_args!("{users}; too many days are missing for a percentage"));
            to.text(UNKNOWN);
        }
    }
    to.close("td");
}
