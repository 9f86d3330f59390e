//! Writes the index of a site: a list of its pages.

use chrono::NaiveDate;

use super::markup::Markup;
use super::page::{close_page, open_page};
use super::values::format_optional;
use crate::render::text_width::printable;

/// The largest number of characters of a name.
const MAX_NAME_CHARS: usize = 200;

/// The headings of the figures of a page.
const HEADINGS: [&str; 3] = ["Views", "Viewers", "Reports"];

/// The index of a site.
#[derive(Debug, Clone)]
pub struct SiteIndex {
    /// The title of the site.
    pub title: String,
    /// The day on which the site was created.
    pub generated: NaiveDate,
    /// The pages, in the order of the index.
    pub rows: Vec<IndexRow>,
}

/// A page of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexRow {
    /// The name of its file.
    pub file: String,
    /// The name of its workspace.
    pub name: String,
    /// Views, viewers and reports, if known.
    pub figures: [Option<f64>; 3],
}

/// Renders an index as HTML, without scripts.
pub fn render_site_index(index: &SiteIndex) -> Vec<u8> {
    let mut markup = Markup::default();
    let to = &mut markup;
    open_page(to, &index.title, None, "");
    to.open("header").attr("class", "top").open("div").attr("class", "titles");
    to.element("h1", &index.title);
    to.open("p").attr("class", "context");
    to.text(format_args!("Generated on {}. ", index.generated.format("%-d %B %Y")));
    to.text("Each page contains one workspace alone. This list contains all of them.");
    to.close("p").close("div").close("header");
    to.open("main").attr("id", "main").open("section").attr("aria-labelledby", "workspaces");
    to.open("h2").attr("id", "workspaces").text("Workspaces").close("h2");
    if index.rows.is_empty() {
        to.element_with_class("p", "none", "No workspace has activity in this period.");
    } else {
        write_rows(to, &index.rows);
    }
    to.close("section").close("main");
    close_page(to, None);
    markup.finish().into_bytes()
}

fn write_rows(to: &mut Markup, rows: &[IndexRow]) {
    to.open("div").attr("class", "panel").open("table").open("thead").open("tr");
    to.open("th").attr("scope", "col").text("Workspace").close("th");
    for heading in HEADINGS {
        to.open("th").attr("scope", "col").attr("class", "n").text(heading).close("th");
    }
    to.close("tr").close("thead").open("tbody");
    for row in rows {
        to.open("tr").open("td").open("a").attr("href", &row.file);
        to.isolated_text(&printable(&row.name), MAX_NAME_CHARS).close("a").close("td");
        for figure in row.figures {
            to.open("td").attr("class", "n").text(format_optional(figure)).close("td");
        }
        to.close("tr");
    }
    to.close("tbody").close("table").close("div");
}
