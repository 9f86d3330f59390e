//! The reports: SQL files with a header, those built into the program and those of a folder.
//!
//! Owns: the list of files in `queries/`, reading a folder of one's own, finding a report by its
//! name. Must not know what a statement means, nor the form of headers; to this module both are
//! text.

use std::path::Path;

use crate::grid::Chart;
use crate::schema::WorkloadGroup;
use crate::{Error, Result};

use crate::query::definition::header;
use crate::query::definition::params::Param;
use crate::query::definition::suggest::nearest;

/// Whose events a report counts unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actors {
    /// People: everybody but service principals and the system.
    People,
    /// Everybody.
    All,
    /// Service principals and the system alone.
    Services,
}

impl Actors {
    /// Its name in headers and flags.
    pub fn name(self) -> &'static str {
        match self {
            Actors::People => "people",
            Actors::All => "all",
            Actors::Services => "services",
        }
    }
}

/// Which events a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogKind {
    /// Those of Power BI and Fabric.
    #[default]
    PowerBi,
    /// Those of Power Apps, Power Automate and the Power Platform.
    PowerPlatform,
}

impl LogKind {
    /// The families of its events.
    pub fn workload_groups(self) -> &'static [WorkloadGroup] {
        match self {
            LogKind::PowerBi => &[WorkloadGroup::PowerBi, WorkloadGroup::Fabric],
            LogKind::PowerPlatform => &[WorkloadGroup::PowerPlatform],
        }
    }
}

/// One report.
#[derive(Debug, Clone)]
pub struct ReportDefinition {
    /// Its name on the command line: that of its file.
    pub name: String,
    /// Other names of it.
    pub aliases: Vec<String>,
    /// Its title.
    pub title: String,
    /// The question that it answers.
    pub question: String,
    /// Whose events it counts.
    pub actors: Actors,
    /// Whether `events` holds the noise too, because the report is about it.
    pub includes_noise: bool,
    /// Which log it is about.
    pub log: LogKind,
    /// How it is best drawn.
    pub chart: Option<Chart>,
    /// Its columns, left to right, each with its meaning.
    pub columns: Vec<(String, String)>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// How things in it are reckoned.
    pub rules: Vec<String>,
    /// Where its rules come from.
    pub sources: Vec<String>,
    /// What the log cannot tell.
    pub limits: Vec<String>,
    /// The whole file; the header is comments to an engine.
    pub sql: String,
}

impl ReportDefinition {
    /// A statement without a header.
    pub fn ad_hoc(sql: &str) -> ReportDefinition {
        ReportDefinition { sql: sql.to_owned(), ..header::empty_definition("sql") }
    }

    /// Whether it is about the Power Platform.
    pub fn is_power_platform(&self) -> bool {
        self.log == LogKind::PowerPlatform
    }
}

/// Names the files of `queries/`, in alphabetical order, and takes them into the program.
macro_rules! embedded_queries {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../queries/", $name, ".sql")))),*]
    };
}

/// Every file of `queries/`, by name.
const BUILT_IN_FILES: &[(&str, &str)] = &embedded_queries![
    "access-changes",
    "adoption",
    "adoption-cohorts",
    "app-usage",
    "authoring",
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
    "new-content-uptake",
    "noise",
    "operations-catalogue",
    "power-apps-changes",
    "power-apps-usage",
    "power-automate-changes",
    "publish-to-web",
    "refreshes",
    "sensitivity-labels",
    "service-principals",
    "sharing-audit",
    "subscriptions",
    "tenant-setting-changes",
    "top-dashboards",
    "top-reports",
    "top-users",
    "trials",
    "user-classification",
    "workspace-usage",
];

/// The reports that there are.
#[derive(Debug, Clone)]
pub struct DefinitionCatalog {
    reports: Vec<ReportDefinition>,
}

impl DefinitionCatalog {
    /// Those built into the program.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a header breaks the form, which a test rules out.
    pub fn built_in() -> Result<DefinitionCatalog> {
        let parse = |(name, sql): &(&str, &str)| {
            header::parse(name, sql).map_err(|what| Error::Internal(format!("{name}: {what}")))
        };
        Ok(DefinitionCatalog { reports: BUILT_IN_FILES.iter().map(parse).collect::<Result<_>>()? })
    }

    /// Adds the reports of a folder: every file in it that ends in `.sql`. One by the name of a
    /// report that there is already takes its place.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder or a file cannot be read; [`Error::Usage`] for a header that
    /// breaks the form, and for a name that another report has as its other name.
    pub fn add_folder(&mut self, folder: &Path) -> Result<()> {
        let failed = || Error::io("read", folder);
        let entries = std::fs::read_dir(folder).map_err(failed())?;
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed())?;
        let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "sql"));
        paths.sort();
        for path in paths {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let sql = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
            let sql = sql.trim_start_matches('\u{feff}');
            let wrong = |what: String| {
                Error::Usage(format!(
                    "{}: {what}; queries/README.md of the program tells the form of headers",
                    path.display()
                ))
            };
            let report = header::parse(&name, sql).map_err(wrong)?;
            self.reports.retain(|known| known.name != name);
            self.reports.push(report);
        }
        self.reports.sort_by(|one, other| one.name.cmp(&other.name));
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::Usage(format!(
                "{}: two reports have the name {}; rename one",
                folder.display(),
                pair[0]
            ))),
            None => Ok(()),
        }
    }

    /// All of them, by name.
    pub fn reports(&self) -> &[ReportDefinition] {
        &self.reports
    }

    /// Their names and other names.
    fn names<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        let names = |report: &'a ReportDefinition| report.aliases.iter().chain([&report.name]);
        self.reports.iter().flat_map(names).map(String::as_str)
    }

    /// The report of that name or alias.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] for a name that there is not, with the nearest there is.
    pub fn find(&self, name: &str) -> Result<&ReportDefinition> {
        let is_named =
            |report: &&ReportDefinition| report.name == name || report.aliases.iter().any(|a| a == name);
        self.reports.iter().find(is_named).ok_or_else(|| {
            let guess = match nearest(name, self.names()) {
                Some(known) => format!(" Did you mean {known}?"),
                None => String::new(),
            };
            Error::Usage(format!("there is no report {name:?}.{guess} `reports` lists them all."))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = Path::new(file!()).ancestors().nth(3).unwrap().join("queries");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "sql"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        let listed: Vec<&str> = BUILT_IN_FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, listed);
    }

    #[test]
    fn headers_are_whole_and_no_name_occurs_twice() {
        let catalog = DefinitionCatalog::built_in().unwrap();
        let mut names: Vec<&str> = catalog.names().collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let top = catalog.find("most-consumed-reports").unwrap();
        assert_eq!(top.name, "top-reports");
        assert_eq!((top.params[0].name.as_str(), top.params[0].default.as_str()), ("top", "25"));
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_the_nearest_name() {
        let catalog = DefinitionCatalog::built_in().unwrap();
        let message = catalog.find("topreport").unwrap_err().to_string();
        assert!(message.contains("Did you mean top-reports?"), "{message}");
        let message = catalog.find("weather").unwrap_err().to_string();
        assert!(!message.contains("Did you mean"), "{message}");
    }

    #[test]
    fn a_folder_adds_reports_and_replaces_those_of_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let sql = "-- title: T\n-- question: Q\n-- column n: N\nSELECT 1 AS n";
        write("top-reports.sql", sql);
        write("mine.sql", &format!("\u{feff}{sql}"));
        write("notes.txt", "no report");
        let mut catalog = DefinitionCatalog::built_in().unwrap();
        let count = catalog.reports().len();
        catalog.add_folder(folder.path()).unwrap();
        assert_eq!(catalog.reports().len(), count + 1);
        assert_eq!(catalog.find("top-reports").unwrap().title, "T");
        assert_eq!(catalog.find("mine").unwrap().question, "Q");

        write("other.sql", &sql.replace("-- question", "-- alias: mine\n-- question"));
        let message = catalog.add_folder(folder.path()).unwrap_err().to_string();
        assert!(message.contains("two reports have the name mine"), "{message}");
        write("other.sql", "-- colour: red\nSELECT 1");
        let message = catalog.add_folder(folder.path()).unwrap_err().to_string();
        assert!(message.contains("other.sql: unknown key \"colour\""), "{message}");
        let message = catalog.add_folder(&folder.path().join("none")).unwrap_err().to_string();
        assert!(message.starts_with("cannot read "), "{message}");
    }
}
