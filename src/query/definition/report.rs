//! The definition of a report, as written in the header of its SQL file.

use std::str::FromStr;

use crate::grid::Chart;
use crate::schema::WorkloadGroup;

use crate::query::definition::params::Param;

/// Actors whose events a report counts by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actors {
    /// People, including guests and anonymous visitors.
    People,
    /// People, service principals and system accounts.
    All,
    /// Service principals and system accounts only.
    Services,
}

impl Actors {
    /// All values.
    pub const ALL: [Actors; 3] = [Actors::People, Actors::All, Actors::Services];

    /// Name in headers and flags.
    pub fn name(self) -> &'static str {
        match self {
            Actors::People => "people",
            Actors::All => "all",
            Actors::Services => "services",
        }
    }
}

impl FromStr for Actors {
    type Err = String;

    fn from_str(text: &str) -> Result<Actors, String> {
        let named = Actors::ALL.into_iter().find(|actors| actors.name() == text);
        named.ok_or_else(|| format!("unknown actors {text:?}; expected people, all or services"))
    }
}

/// Log whose events a report counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogKind {
    /// Events of Power BI and Fabric.
    #[default]
    PowerBi,
    /// Events of Power Apps, Power Automate and the Power Platform.
    PowerPlatform,
}

impl LogKind {
    /// All logs.
    pub const ALL: [LogKind; 2] = [LogKind::PowerBi, LogKind::PowerPlatform];

    /// Workload groups of the log's events.
    #[doc(hidden)]
    pub fn workload_groups(self) -> &'static [WorkloadGroup] {
        match self {
            LogKind::PowerBi => &[WorkloadGroup::PowerBi, WorkloadGroup::Fabric],
            LogKind::PowerPlatform => &[WorkloadGroup::PowerPlatform],
        }
    }
}

/// Group of reports in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportGroup {
    /// Use of reports, dashboards, apps and other content.
    Usage,
    /// Active users and their classes.
    People,
    /// Creation, adoption, disuse and deletion of content.
    ContentLifecycle,
    /// Sharing, exports, external users and access.
    SharingAndSecurity,
    /// Settings, gateways, licenses and service principals.
    Administration,
    /// Refreshes, failures and capacities.
    PlatformHealth,
    /// Power Apps and Power Automate.
    PowerPlatform,
    /// Completeness and quality of the stored log.
    LogHealth,
    /// Reports of the user's own folder without a group.
    YourReports,
}

impl ReportGroup {
    /// All groups, in the order of lists.
    pub const ALL: [ReportGroup; 9] = [
        ReportGroup::Usage,
        ReportGroup::People,
        ReportGroup::ContentLifecycle,
        ReportGroup::SharingAndSecurity,
        ReportGroup::Administration,
        ReportGroup::PlatformHealth,
        ReportGroup::PowerPlatform,
        ReportGroup::LogHealth,
        ReportGroup::YourReports,
    ];

    /// Title of the group, which is also its name in headers.
    pub fn title(self) -> &'static str {
        match self {
            ReportGroup::Usage => "Usage",
            ReportGroup::People => "People",
            ReportGroup::ContentLifecycle => "Content lifecycle",
            ReportGroup::SharingAndSecurity => "Sharing and security",
            ReportGroup::Administration => "Administration",
            ReportGroup::PlatformHealth => "Platform health",
            ReportGroup::PowerPlatform => "Power Platform",
            ReportGroup::LogHealth => "Log health",
            ReportGroup::YourReports => "Your reports",
        }
    }
}

impl FromStr for ReportGroup {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportGroup, String> {
        let is_named = |group: &ReportGroup| group.title().eq_ignore_ascii_case(text);
        ReportGroup::ALL.into_iter().find(is_named).ok_or_else(|| {
            let titles = ReportGroup::ALL.map(ReportGroup::title).join(", ");
            format!("unknown group {text:?}; expected one of {titles}")
        })
    }
}

/// Columns by which rows of two periods are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedRows {
    /// Columns that identify a row.
    pub key: Vec<String>,
    /// Columns of counts. A row that a period does not have counts as 0.
    pub figures: Vec<String>,
}

impl ComparedRows {
    /// Parses `FIGURE, FIGURE by KEY, KEY`.
    ///
    /// # Errors
    ///
    /// The valid form.
    pub fn parse(text: &str) -> Result<ComparedRows, String> {
        let names = |list: &str| -> Vec<String> {
            list.split(',').map(|name| name.trim().to_owned()).collect()
        };
        let parts = text.split_once(" by ").map(|(figures, key)| [names(figures), names(key)]);
        match parts.filter(|parts| parts.iter().flatten().all(|name| !name.is_empty())) {
            Some([figures, key]) => Ok(ComparedRows { key, figures }),
            None => Err(format!("compare {text:?}: write `FIGURE, FIGURE by KEY, KEY`")),
        }
    }
}

/// An attribute of people by which a report is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Name of the attribute, as given.
    pub attribute: String,
    /// The name without case and punctuation.
    pub key: String,
}

/// One report.
#[derive(Debug, Clone)]
pub struct ReportDefinition {
    /// Name on the command line, which is the name of its file.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Title.
    pub title: String,
    /// Question that the report answers.
    pub question: String,
    /// Group in lists.
    pub group: ReportGroup,
    /// Sentence on a result without rows, with `:name` in place of the values of parameters.
    pub empty: Option<String>,
    /// Actors whose events it counts.
    pub actors: Actors,
    /// True if `events` contains automated API activity too, because the report is about it.
    pub includes_noise: bool,
    /// Log whose events it counts.
    pub log: LogKind,
    /// Chart of the result, if any.
    pub chart: Option<Chart>,
    /// Columns from left to right, each with its meaning.
    pub columns: Vec<(String, String)>,
    /// Parameters.
    pub params: Vec<Param>,
    /// Columns that compare two spans of time, each with the compared spans. They are empty unless
    /// the compared days are complete.
    pub comparisons: Vec<(String, String)>,
    /// Key and figures of its rows, if they have counterparts in another period.
    pub compared: Option<ComparedRows>,
    /// Columns whose sum over all rows has a meaning: no event counts in two rows.
    pub totals: Vec<String>,
    /// Rules by which values are calculated.
    pub rules: Vec<String>,
    /// Documents that the rules come from.
    pub sources: Vec<String>,
    /// Limitations of the log for this report.
    pub limits: Vec<String>,
    /// Attribute of people that divides it, if any.
    pub division: Option<Division>,
    /// Content of the whole file; the header is a comment to a SQL engine.
    pub sql: String,
}

/// Name of a statement of the user, which no report has.
const AD_HOC_NAME: &str = "sql";

impl ReportDefinition {
    /// Creates a definition with defaults and without a statement.
    #[doc(hidden)]
    pub fn new(name: &str) -> ReportDefinition {
        ReportDefinition {
            name: name.to_owned(),
            aliases: Vec::new(),
            title: String::new(),
            question: String::new(),
            group: ReportGroup::YourReports,
            empty: None,
            actors: Actors::People,
            includes_noise: false,
            log: LogKind::default(),
            chart: None,
            columns: Vec::new(),
            params: Vec::new(),
            comparisons: Vec::new(),
            compared: None,
            totals: Vec::new(),
            rules: Vec::new(),
            sources: Vec::new(),
            limits: Vec::new(),
            division: None,
            sql: String::new(),
        }
    }

    /// Creates a definition from a statement without a header.
    pub fn ad_hoc(sql: &str) -> ReportDefinition {
        ReportDefinition { sql: sql.to_owned(), ..ReportDefinition::new(AD_HOC_NAME) }
    }

    /// Returns true if the report is a statement of the user.
    pub fn is_ad_hoc(&self) -> bool {
        self.name == AD_HOC_NAME
    }

    /// Returns true if the report is about the Power Platform.
    pub fn is_power_platform(&self) -> bool {
        self.log == LogKind::PowerPlatform
    }

    /// Returns the name and the aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.aliases.iter().chain([&self.name]).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_parsed_from_their_titles_in_any_case() {
        for group in ReportGroup::ALL {
            assert_eq!(group.title().parse(), Ok(group));
            assert_eq!(group.title().to_uppercase().parse(), Ok(group));
        }
        let error = "Misc".parse::<ReportGroup>().unwrap_err();
        let expected = "unknown group \"Misc\"; expected one of Usage, People, Content lifecycle, \
            Sharing and security, Administration, Platform health, Power Platform, Log health, \
            Your reports";
        assert_eq!(error, expected);
    }
}
