//! Catalog of reports and of the SQL views that they read.

use std::path::Path;

use chrono_tz::Tz;
use serde::Serialize;

use crate::grid::{Cell, CellKind, Grid};
use crate::query::{self, DefinitionCatalog, ReportDefinition};
use crate::render::{self, OutputFormat, RenderInput};
use crate::{Error, Result};

/// Catalog of reports: the built-in ones and those of a user's folder.
#[derive(Debug, Clone)]
pub struct ReportCatalog {
    catalog: DefinitionCatalog,
}

impl ReportCatalog {
    /// Loads the built-in reports, and those of a folder if one is given.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] if the folder cannot be read, [`crate::Error::Usage`] if a header is
    /// invalid.
    pub fn new(folder: Option<&Path>) -> Result<ReportCatalog> {
        let mut catalog = DefinitionCatalog::built_in()?;
        folder.map_or(Ok(()), |folder| catalog.add_folder(folder))?;
        Ok(ReportCatalog { catalog })
    }

    /// Finds a report by name or alias.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Usage`] if there is no such report.
    pub fn find(&self, name: &str) -> Result<&ReportDefinition> {
        self.catalog.find(name)
    }

    /// Returns the report with exactly this name or alias, in any case.
    pub fn exact(&self, name: &str) -> Option<&ReportDefinition> {
        self.catalog.get(name)
    }

    /// Returns the reports that contain `text`, in any case, in a name, alias, title, question or
    /// column.
    pub fn search(&self, text: &str) -> Vec<&ReportDefinition> {
        let wanted = text.to_lowercase();
        let contains = |text: &String| text.to_lowercase().contains(&wanted);
        let is_match = |report: &&ReportDefinition| {
            [&report.name, &report.title, &report.question].into_iter().any(contains)
                || report.aliases.iter().any(contains)
                || report.columns.iter().any(|(name, _)| contains(name))
        };
        self.all().iter().filter(is_match).collect()
    }

    /// Returns a report divided by an attribute of people, for example the department.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] with the reports that can be divided, if this one cannot.
    pub fn divided(&self, report: &ReportDefinition, attribute: &str) -> Result<ReportDefinition> {
        if !report.is_divisible() {
            let able = self.all().iter().filter(|report| report.is_divisible());
            let names = able.map(|report| report.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Error::Usage(format!(
                "{} cannot be divided by an attribute of people; these reports can: {names}",
                report.name
            )));
        }
        report.divided_by(attribute)
    }

    /// Returns all reports, sorted by name.
    pub fn all(&self) -> &[ReportDefinition] {
        self.catalog.reports()
    }

    /// Returns reports as JSON: names, groups, aliases, titles and questions.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Internal`] only.
    pub fn list_json<'r>(
        &self,
        reports: impl IntoIterator<Item = &'r ReportDefinition>,
    ) -> Result<Vec<u8>> {
        let columns = ["report", "group", "also", "title", "question"];
        let mut grid = Grid::new(columns.map(|name| (name, CellKind::Text)));
        for report in reports {
            let aliases = report.aliases.join(", ");
            let cells =
                [&report.name, report.group.title(), &aliases, &report.title, &report.question];
            grid.rows.push(cells.map(|text: &str| Cell::Text(text.to_owned())).into());
        }
        let (time_zone, width) = (Tz::UTC, 0);
        let page =
            RenderInput { grid: &grid, chart: None, context: None, remarks: &[], time_zone, width };
        render::render(&page, OutputFormat::Json)
    }
}

/// SQL view with its columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlView {
    /// Name.
    pub view: &'static str,
    /// Columns, without those of the table itself.
    pub columns: Vec<SqlViewColumn>,
}

/// Column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlViewColumn {
    /// Name.
    pub name: &'static str,
    /// SQL type.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// Meaning.
    pub meaning: &'static str,
}

/// Returns all views.
pub fn views() -> Vec<SqlView> {
    let mut views: Vec<SqlView> = Vec::new();
    for column in query::view_columns() {
        let query::ViewColumn { view, name, ty, meaning } = *column;
        if views.last().is_none_or(|last| last.view != view) {
            views.push(SqlView { view, columns: Vec::new() });
        }
        if let Some(last) = views.last_mut() {
            last.columns.push(SqlViewColumn { name, ty, meaning });
        }
    }
    views
}

/// Returns a statement that reads every column of every view and counts their rows.
pub fn row_counts_statement() -> String {
    let count = |name: &str| {
        format!("SELECT '{name}' AS name, COUNT(*) AS n FROM (SELECT * FROM {name}) AS counted")
    };
    // These have the columns of `events` and are not listed on their own.
    let others = ["history", "events_all"];
    let names = views().into_iter().map(|view| view.view).chain(others);
    names.map(count).collect::<Vec<_>>().join("\nUNION ALL ") + "\nORDER BY name"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_contains_every_report() {
        let reports = ReportCatalog::new(None).unwrap();
        let text = String::from_utf8(reports.list_json(reports.all()).unwrap()).unwrap();
        for report in reports.all() {
            assert!(text.contains(&format!("\"report\": \"{}\"", report.name)), "{text}");
        }
        assert!(text.contains("\"also\": \""), "{text}");
    }

    #[test]
    fn search_reads_names_titles_and_columns_in_any_case() {
        let reports = ReportCatalog::new(None).unwrap();
        assert_eq!(reports.exact("TOP-Reports").unwrap().name, "top-reports");
        assert!(reports.exact("top").is_none());
        let found = reports.search("ADOPTION");
        assert!(found.iter().any(|report| report.name == "adoption"));
        assert!(reports.search("viewers").iter().any(|report| report.name == "top-reports"));
        assert!(reports.search("no such word").is_empty());
    }
}
