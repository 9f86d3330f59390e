//! Filters of the commands that read events.

use crate::report::{FilterPatterns, Filters};

/// Section of the help. A heading for the whole struct would also move the flags after it.
const FILTERS: &str = "Filters";

/// Patterns of the events to include and to exclude.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FilterArgs {
    /// Include only activity in this workspace
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    workspace: Vec<String>,
    /// Include only activity on this report
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    report: Vec<String>,
    /// Include only activity on this dashboard
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    dashboard: Vec<String>,
    /// Include only activity on this semantic model
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    semantic_model: Vec<String>,
    /// Include only activity in this app
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    app: Vec<String>,
    /// Include only activity on this capacity
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    capacity: Vec<String>,
    /// Include only activity on this item, of any kind
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    item: Vec<String>,
    /// Include only activity by this person or service principal
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    user: Vec<String>,
    /// Include only this activity, for example ViewReport
    #[arg(long, value_name = "NAME", help_heading = FILTERS)]
    activity: Vec<String>,
    /// Exclude activity in this workspace
    #[arg(long, alias = "not-workspace", value_name = "NAME", help_heading = FILTERS)]
    exclude_workspace: Vec<String>,
    /// Exclude activity on this report
    #[arg(long, alias = "not-report", value_name = "NAME", help_heading = FILTERS)]
    exclude_report: Vec<String>,
    /// Exclude activity on this dashboard
    #[arg(long, alias = "not-dashboard", value_name = "NAME", help_heading = FILTERS)]
    exclude_dashboard: Vec<String>,
    /// Exclude activity on this semantic model
    #[arg(long, alias = "not-semantic-model", value_name = "NAME", help_heading = FILTERS)]
    exclude_semantic_model: Vec<String>,
    /// Exclude activity in this app
    #[arg(long, alias = "not-app", value_name = "NAME", help_heading = FILTERS)]
    exclude_app: Vec<String>,
    /// Exclude activity on this capacity
    #[arg(long, alias = "not-capacity", value_name = "NAME", help_heading = FILTERS)]
    exclude_capacity: Vec<String>,
    /// Exclude activity on this item, of any kind
    #[arg(long, alias = "not-item", value_name = "NAME", help_heading = FILTERS)]
    exclude_item: Vec<String>,
    /// Exclude activity by this person or service principal
    #[arg(long, alias = "not-user", value_name = "NAME", help_heading = FILTERS)]
    exclude_user: Vec<String>,
    /// Exclude this activity
    #[arg(long, alias = "not-activity", value_name = "NAME", help_heading = FILTERS)]
    exclude_activity: Vec<String>,
}

impl FilterArgs {
    /// Returns the filters.
    pub(in crate::cli) fn filters(&self) -> Filters {
        Filters {
            include: FilterPatterns {
                workspaces: self.workspace.clone(),
                reports: self.report.clone(),
                dashboards: self.dashboard.clone(),
                semantic_models: self.semantic_model.clone(),
                apps: self.app.clone(),
                capacities: self.capacity.clone(),
                items: self.item.clone(),
                users: self.user.clone(),
                activities: self.activity.clone(),
            },
            exclude: FilterPatterns {
                workspaces: self.exclude_workspace.clone(),
                reports: self.exclude_report.clone(),
                dashboards: self.exclude_dashboard.clone(),
                semantic_models: self.exclude_semantic_model.clone(),
                apps: self.exclude_app.clone(),
                capacities: self.exclude_capacity.clone(),
                items: self.exclude_item.clone(),
                users: self.exclude_user.clone(),
                activities: self.exclude_activity.clone(),
            },
        }
    }
}
