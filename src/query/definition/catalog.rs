//! The catalog of reports: SQL files built into the program and those of a user's folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

use crate::query::definition::header;
use crate::query::definition::report::{ReportDefinition, ReportGroup};
use crate::query::definition::suggest::did_you_mean;

/// Embeds the named files of `queries/`.
macro_rules! embedded_queries {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../queries/", $name, ".sql")))),*]
    };
}

/// All files of `queries/` with their content, ordered by name.
const BUILT_IN_FILES: &[(&str, &str)] = &embedded_queries![
    "access-changes",
    "access-review",
    "activity",
    "adoption",
    "adoption-cohorts",
    "app-usage",
    "authoring",
    "capacity-placement",
    "capacity-usage",
    "consumption-method",
    "consumption-trend",
    "content-classification",
    "copilot",
    "coverage",
    "data-quality",
    "deletions-and-takeovers",
    "distribution-method",
    "dormant-workspaces",
    "embed",
    "excel-and-external",
    "exports",
    "external-users",
    "failed-activities",
    "gateways",
    "hour-of-week",
    "inventory",
    "inventory-changes",
    "license-summary",
    "license-usage",
    "new-content-uptake",
    "noise",
    "operations-catalogue",
    "orphaned-workspaces",
    "owners-gone",
    "power-apps-changes",
    "power-apps-usage",
    "power-automate-changes",
    "publish-to-web",
    "refresh-health",
    "refreshes",
    "sensitivity-labels",
    "service-principals",
    "sharing-audit",
    "subscriptions",
    "tenant-setting-changes",
    "tenant-settings",
    "top-dashboards",
    "top-reports",
    "top-users",
    "trials",
    "unused-items",
    "unused-reports",
    "usage-summary",
    "user-classification",
    "workspace-usage",
];

/// All available reports.
#[derive(Debug, Clone)]
pub struct DefinitionCatalog {
    reports: Vec<ReportDefinition>,
}

impl DefinitionCatalog {
    /// Returns the reports built into the program.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a header is malformed or has no group, which a test rules out.
    pub fn built_in() -> Result<DefinitionCatalog> {
        let parse = |(name, sql): &(&str, &str)| match header::parse(name, sql) {
            Ok(report) if report.group == ReportGroup::YourReports => {
                Err(Error::Internal(format!("{name}: the header has no group")))
            }
            Ok(report) => Ok(report),
            Err(problem) => Err(Error::Internal(format!("{name}: {problem}"))),
        };
        let reports = BUILT_IN_FILES.iter().map(parse).collect::<Result<_>>()?;
        Ok(DefinitionCatalog { reports })
    }

    /// Adds the reports of a folder, which are its files with the extension `.sql`.
    ///
    /// A report replaces a built-in one of the same name, and its names replace built-in aliases.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder or a file cannot be read; [`Error::Usage`] if a header is
    /// malformed or two reports have the same name or alias.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let paths = sql_files(folder)?;
        let added: Vec<_> = paths.iter().map(|path| parse_file(path)).collect::<Result<_>>()?;
        let new_names: HashSet<String> =
            added.iter().flat_map(ReportDefinition::names).map(str::to_lowercase).collect();
        let replaced: HashSet<String> =
            added.iter().map(|report| report.name.to_lowercase()).collect();
        self.reports.retain(|known| !replaced.contains(&known.name.to_lowercase()));
        for report in &mut self.reports {
            report.aliases.retain(|alias| !new_names.contains(&alias.to_lowercase()));
        }
        self.reports.extend(added);
        self.reports.sort_by(|one, other| one.name.cmp(&other.name));
        match self.duplicate_name() {
            Some(name) => Err(Error::Usage(format!(
                "{}: two reports have the name {name}; rename one of them",
                folder.display()
            ))),
            None => Ok(()),
        }
    }

    /// Returns all reports, ordered by name.
    pub fn reports(&self) -> &[ReportDefinition] {
        &self.reports
    }

    /// Returns the names and aliases of all reports.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.reports.iter().flat_map(ReportDefinition::names)
    }

    /// Returns a name or alias that two reports have, in lower case.
    fn duplicate_name(&self) -> Option<String> {
        let mut names: Vec<String> = self.names().map(str::to_lowercase).collect();
        names.sort_unstable();
        names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone())
    }

    /// Returns the report with this name or alias, matched in any case.
    pub fn get(&self, name: &str) -> Option<&ReportDefinition> {
        let wanted = name.to_lowercase();
        let is_named =
            |report: &&ReportDefinition| report.names().any(|known| known.to_lowercase() == wanted);
        self.reports.iter().find(is_named)
    }

    /// Returns the report with this name or alias, matched in any case.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if there is no such report, with the most similar name as a suggestion.
    pub fn find(&self, name: &str) -> Result<&ReportDefinition> {
        self.get(name).ok_or_else(|| {
            let suggestion = did_you_mean(name, self.names());
            Error::Usage(format!(
                "there is no report {name:?}.{suggestion} `reports` lists them all."
            ))
        })
    }
}

/// Returns the SQL files of a folder, ordered by path.
fn sql_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || Error::io("read", folder);
    let entries = std::fs::read_dir(folder).map_err(failed())?;
    let entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed())?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    Ok(paths)
}

fn parse_file(path: &Path) -> Result<ReportDefinition> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let sql = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    header::parse(&name, sql.trim_start_matches('\u{feff}')).map_err(|problem| {
        Error::Usage(format!(
            "{}: {problem}; queries/README.md of the program describes the header",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = Path::new(file!()).ancestors().nth(4).unwrap().join("queries");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        let listed: Vec<&str> = BUILT_IN_FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, listed);
    }

    #[test]
    fn headers_are_complete_and_names_are_unique() {
        let catalog = DefinitionCatalog::built_in().unwrap();
        assert_eq!(catalog.duplicate_name(), None);
        for group in ReportGroup::ALL {
            let has_reports = catalog.reports().iter().any(|report| report.group == group);
            assert_eq!(has_reports, group != ReportGroup::YourReports, "{group:?}");
        }
        let top = catalog.find("most-viewed-reports").unwrap();
        assert_eq!(top.name, "top-reports");
        assert_eq!((top.params[0].name.as_str(), top.params[0].default.as_str()), ("top", "25"));
    }

    #[test]
    fn reports_are_found_by_popular_words_in_any_case() {
        let catalog = DefinitionCatalog::built_in().unwrap();
        for (word, name) in [
            ("unused", "content-classification"),
            ("Dormant", "dormant-workspaces"),
            ("LICENSES", "trials"),
            ("dau", "adoption"),
            ("trail", "activity"),
            ("Top-Reports", "top-reports"),
        ] {
            assert_eq!(catalog.find(word).unwrap().name, name);
        }
    }

    #[test]
    fn misspelled_name_is_answered_with_the_nearest_one() {
        let catalog = DefinitionCatalog::built_in().unwrap();
        let message = catalog.find("topreport").unwrap_err().to_string();
        assert!(message.contains("Did you mean top-reports?"), "{message}");
        let message = catalog.find("weather").unwrap_err().to_string();
        assert!(!message.contains("Did you mean"), "{message}");
    }

    #[test]
    fn folder_adds_reports_and_replaces_those_of_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let sql = "-- title: T\n-- question: Q\n-- column n: N\nSELECT 1 AS n";
        write("top-reports.sql", sql);
        write("mine.sql", &format!("\u{feff}{sql}"));
        write("Views.sql", sql);
        write("notes.txt", "not a report");
        let mut catalog = DefinitionCatalog::built_in().unwrap();
        let count = catalog.reports().len();
        catalog.add_folder(folder.path()).unwrap();
        assert_eq!(catalog.reports().len(), count + 2);
        assert_eq!(catalog.find("top-reports").unwrap().title, "T");
        assert_eq!(catalog.find("mine").unwrap().question, "Q");
        assert_eq!(catalog.find("views").unwrap().name, "Views", "instead of a built-in alias");

        write("other.sql", &sql.replace("-- question", "-- alias: Mine\n-- question"));
        let message = catalog.add_folder(folder.path()).unwrap_err().to_string();
        assert!(message.contains("two reports have the name mine"), "{message}");
        write("other.sql", "-- color: red\nSELECT 1");
        let message = catalog.add_folder(folder.path()).unwrap_err().to_string();
        assert!(message.contains("other.sql: unknown key \"color\""), "{message}");
        let message = catalog.add_folder(&folder.path().join("none")).unwrap_err().to_string();
        assert!(message.starts_with("cannot read "), "{message}");
    }
}
