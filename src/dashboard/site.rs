//! Builds a small site: a page for each workspace that contains this workspace alone, and an index.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::columns::{column_numbers, column_texts};
use super::page::{
    DEFAULT_TITLE, PageOptions, PageStatements, build_page, filter_remarks, report_options,
};
use super::people::{MY_WORKSPACE, PeopleMask};
use crate::Result;
use crate::render::html::{self, IndexRow, SiteIndex};
use crate::report::{Options, ReportCatalog, ReportSession, Snapshot};

/// The name of the index.
pub const INDEX_FILE: &str = "index.html";

/// The report with the workspaces of the site.
const WORKSPACES: &str = "workspace-usage";

/// The largest number of characters of a workspace's name in a file name.
const MAX_NAME_CHARS: usize = 40;

/// The number of digits in a file name that make it unique.
const KEY_DIGITS: usize = 10;

/// A workspace of the site.
struct SiteWorkspace {
    id: String,
    row: IndexRow,
}

/// Builds the pages and passes each to `take` with its file name, the index last.
///
/// # Errors
///
/// Those of [`super::page::run`], and those of `take`.
pub fn run_site(
    snapshot: &Snapshot,
    reports: &ReportCatalog,
    options: &Options,
    page: &PageOptions,
    take: &mut dyn FnMut(&str, &[u8]) -> Result<()>,
) -> Result<()> {
    let title = page.title.as_deref().unwrap_or(DEFAULT_TITLE);
    let workspaces = find_workspaces(snapshot, reports, options, page)?;
    let statements = PageStatements::new(reports)?;
    let whole = ReportSession::open(snapshot, statements.all(), &report_options(options))?;
    for workspace in &workspaces {
        let name = &workspace.row.name;
        let mut others = options.clone();
        others.filters.include.workspaces.clear();
        let mut remarks = vec![format!("This page contains the workspace {name} alone.")];
        remarks.extend(filter_remarks(&others));
        let mut own = options.clone();
        own.filters.include.workspaces = vec![workspace.id.clone()];
        let titled = PageOptions { title: Some(format!("{title}: {name}")), ..page.clone() };
        let session = whole.for_filters(own.filters.clone(), statements.all())?;
        let bytes = build_page(&session, &statements, None, &own, &titled, &remarks)?;
        take(&workspace.row.file, &bytes)?;
    }
    let index = SiteIndex {
        title: title.to_owned(),
        generated: options.now.with_timezone(&options.time_zone).date_naive(),
        rows: workspaces.into_iter().map(|workspace| workspace.row).collect(),
    };
    take(INDEX_FILE, &html::render_site_index(&index))
}

/// Returns the workspaces with activity in the period of the command, in the order of the report.
///
/// Events without an ID of a workspace are on no page, nor those of personal workspaces that share
/// one ID, since they belong to several people. An ID with a wildcard would match others.
fn find_workspaces(
    snapshot: &Snapshot,
    reports: &ReportCatalog,
    options: &Options,
    page: &PageOptions,
) -> Result<Vec<SiteWorkspace>> {
    let report = reports.find(WORKSPACES)?;
    let session = ReportSession::new(snapshot, [report], options)?;
    let mask = PeopleMask::new(&session, page.people)?;
    let grid = session.rows(report, &[])?;
    let names = column_texts(&grid, "workspace")?;
    let [views, viewers, reports] =
        ["views", "viewers", "reports"].map(|name| column_numbers(&grid, name));
    let (views, viewers, reports) = (views?, viewers?, reports?);
    let mut seen = BTreeSet::new();
    let mut workspaces = Vec::new();
    for (at, id) in column_texts(&grid, "workspace_id")?.into_iter().enumerate() {
        let is_one = |id: &&str| !id.contains('*') && id.to_lowercase() != MY_WORKSPACE;
        let Some(id) = id.filter(is_one).filter(|id| seen.insert(id.to_lowercase())) else {
            continue;
        };
        let name = mask.workspace(names[at].unwrap_or(id));
        workspaces.push(SiteWorkspace {
            id: id.to_owned(),
            row: IndexRow {
                file: page_file(&name, id),
                name,
                figures: [views[at], viewers[at], reports[at]],
            },
        });
    }
    Ok(workspaces)
}

/// Returns the file name of a workspace's page: letters and digits that all systems accept, and
/// digits from its ID. The same workspace always has the same digits.
fn page_file(name: &str, id: &str) -> String {
    let mut text = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            text.push(c);
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
        if text.len() >= MAX_NAME_CHARS {
            break;
        }
    }
    let text = text.trim_end_matches('-');
    let digest = Sha256::digest(id.to_lowercase());
    let key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // The word before the name keeps it from being that of a device (con, nul) on Windows.
    let name = if text.is_empty() { String::new() } else { format!("{text}-") };
    format!("workspace-{name}{}.html", &key[..KEY_DIGITS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_on_all_systems_and_differ_by_id() {
        let file = |name: &str| page_file(name, "1A");
        assert_eq!(file("Finance & Controlling"), file("finance  controlling"));
        for name in
            ["CON", "nul", "..", "a/b\\c:d", "", "Übersicht", "x".repeat(300).as_str(), "a."]
        {
            let file = file(name);
            let stem = file.strip_suffix(".html").unwrap();
            assert!(stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{file}");
            assert!(file.len() < 80 && stem.starts_with("workspace-"), "{file}");
        }
        assert_ne!(page_file("Sales", "1"), page_file("Sales", "2"));
        assert_eq!(page_file("Sales", "ab"), page_file("Sales", "AB"));
    }
}
