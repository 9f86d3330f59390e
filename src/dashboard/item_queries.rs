//! The statements for the details of items: one statement for all items of a kind, since one per
//! item would take longer than the rest of the page.
//!
//! Each returns for an item what a report returns with the item as filter. Tests compare them.

use crate::report::ReportDefinition;

/// The largest number of rows of a table of an item.
pub const MAX_ITEM_ROWS: usize = 20;

/// The column of the IDs in the results.
pub const ITEM: &str = "item";

/// A kind of items, by the column of its IDs in the views of events.
#[derive(Debug, Clone, Copy)]
pub struct ItemKey<'k> {
    /// The column.
    pub column: &'static str,
    /// The IDs of the items.
    pub ids: &'k [String],
}

impl ItemKey<'_> {
    /// Returns the condition that an event is about one of the items.
    fn condition(&self) -> String {
        let quoted = |id: &String| format!("'{}'", id.replace('\'', "''"));
        let ids: Vec<String> = self.ids.iter().map(quoted).collect();
        format!("{} IN ({})", self.column, ids.join(", "))
    }
}

fn statement(text: &str) -> ReportDefinition {
    ReportDefinition::ad_hoc(text)
}

/// Returns the statement for the days of the period.
pub fn days() -> ReportDefinition {
    statement("SELECT day, is_complete FROM days ORDER BY day NULLS LAST")
}

/// Returns the statement for the views of each day, as in `consumption-trend`.
pub fn views_by_day(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    statement(&format!(
        "WITH counted AS ( \
            SELECT {column} AS item, local_date, \
                COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views \
            FROM events \
            WHERE activity_name IN ('ViewReport', 'ViewDashboard') AND {} \
            GROUP BY {column}, local_date \
        ) \
        SELECT item, local_date, views FROM counted \
        ORDER BY item NULLS LAST, local_date NULLS LAST",
        key.condition()
    ))
}

/// Returns the statement for the viewers, as in `top-users`.
pub fn viewers(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    statement(&format!(
        "WITH pairs AS ( \
            SELECT {column} AS item, COALESCE(user_id, '') AS viewer, \
                COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views, \
                COUNT(DISTINCT local_date) AS active_days, \
                MAX(CreationTime) AS last_seen \
            FROM events \
            WHERE operation_group = 'VIEW' AND {} \
            GROUP BY {column}, COALESCE(user_id, '') \
        ), \
        keyed AS (SELECT *, 0 - views AS by_views FROM pairs), \
        placed AS ( \
            SELECT item, viewer, views, active_days, last_seen, \
                ROW_NUMBER() OVER (PARTITION BY item ORDER BY by_views, viewer) AS place, \
                COUNT(*) OVER (PARTITION BY item) AS total \
            FROM keyed \
        ) \
        SELECT item, total, COALESCE(NULLIF(viewer, ''), '(unknown)') AS user, views, \
            active_days, last_seen \
        FROM placed WHERE place <= {MAX_ITEM_ROWS} \
        ORDER BY item NULLS LAST, place NULLS LAST",
        key.condition()
    ))
}

/// Returns the statement for the reports that were viewed, as in `top-reports`. Reports without an
/// ID are left out.
pub fn reports(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    statement(&format!(
        "WITH viewed AS ( \
            SELECT {column} AS item, report_id AS viewed_report, workspace_id AS viewed_in, \
                user_id, local_date, CreationTime AS viewed_at \
            FROM events \
            WHERE activity_name = 'ViewReport' AND report_id IS NOT NULL AND {} \
        ), \
        pairs AS ( \
            SELECT item, viewed_report, viewed_in, COUNT(*) AS views, \
                COUNT(DISTINCT user_id) AS viewers, COUNT(DISTINCT local_date) AS active_days, \
                MAX(viewed_at) AS last_view \
            FROM viewed GROUP BY item, viewed_report, viewed_in \
        ), \
        keyed AS ( \
            SELECT *, 0 - views AS by_views, COALESCE(viewed_in, '') AS by_place FROM pairs \
        ), \
        placed AS ( \
            SELECT item, viewed_report, viewed_in, views, viewers, active_days, last_view, \
                ROW_NUMBER() OVER ( \
                    PARTITION BY item ORDER BY by_views, viewed_report, by_place \
                ) AS place, \
                COUNT(*) OVER (PARTITION BY item) AS total \
            FROM keyed \
        ), \
        named_reports AS (SELECT report_id AS named_report, report_name FROM reports), \
        named_workspaces AS ( \
            SELECT workspace_id AS named_workspace, workspace_name FROM workspaces \
        ) \
        SELECT item, total, COALESCE(report_name, viewed_report) AS report, \
            COALESCE(workspace_name, viewed_in) AS workspace, views, viewers, active_days, \
            last_view, viewed_report AS report_id, viewed_in AS workspace_id \
        FROM placed AS p \
        LEFT JOIN named_reports AS r ON p.viewed_report = r.named_report \
        LEFT JOIN named_workspaces AS w ON p.viewed_in = w.named_workspace \
        WHERE place <= {MAX_ITEM_ROWS} \
        ORDER BY item NULLS LAST, place NULLS LAST",
        key.condition()
    ))
}

/// Returns the statement for the workspaces that were used, as in `workspace-usage`. Workspaces
/// without an ID are left out.
pub fn workspaces(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    statement(&format!(
        "WITH used AS ( \
            SELECT {column} AS item, workspace_id AS used_workspace, \
                COALESCE(report_id, NULLIF(ReportName, '')) AS report_key, user_id, local_date, \
                operation_group, activity_name \
            FROM events \
            WHERE operation_group IN ('VIEW', 'EXPORT', 'AUTHOR') \
                AND workspace_id IS NOT NULL AND {} \
        ), \
        pairs AS ( \
            SELECT item, used_workspace, \
                COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views, \
                COUNT(DISTINCT CASE WHEN operation_group = 'VIEW' THEN user_id END) AS viewers, \
                COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_key END) \
                    AS reports_viewed, \
                COUNT(*) FILTER (WHERE operation_group = 'EXPORT') AS exports, \
                COUNT(*) FILTER (WHERE operation_group = 'AUTHOR') AS edits, \
                COUNT(*) FILTER ( \
                    WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport' \
                ) AS other_views, \
                COUNT(DISTINCT local_date) AS active_days \
            FROM used GROUP BY item, used_workspace \
        ), \
        keyed AS ( \
            SELECT *, 0 - views AS by_views, 0 - viewers AS by_viewers, \
                0 - other_views AS by_other, 0 - edits AS by_edits \
            FROM pairs \
        ), \
        placed AS ( \
            SELECT item, used_workspace, views, viewers, reports_viewed, exports, edits, \
                active_days, \
                ROW_NUMBER() OVER ( \
                    PARTITION BY item \
                    ORDER BY by_views, by_viewers, by_other, by_edits, used_workspace \
                ) AS place, \
                COUNT(*) OVER (PARTITION BY item) AS total \
            FROM keyed \
        ), \
        named_workspaces AS ( \
            SELECT workspace_id AS named_workspace, workspace_name FROM workspaces \
        ) \
        SELECT item, total, COALESCE(workspace_name, used_workspace) AS workspace, views, viewers, \
            reports_viewed AS reports, exports, edits, active_days, \
            used_workspace AS workspace_id \
        FROM placed AS p \
        LEFT JOIN named_workspaces AS w ON p.used_workspace = w.named_workspace \
        WHERE place <= {MAX_ITEM_ROWS} \
        ORDER BY item NULLS LAST, place NULLS LAST",
        key.condition()
    ))
}

/// Returns the statement for the clients, as in `consumption-method`.
pub fn clients(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    statement(&format!(
        "WITH counted AS ( \
            SELECT {column} AS item, COALESCE(consumption_method, '(unknown)') AS name, \
                COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views, \
                COUNT(DISTINCT user_id) AS viewers \
            FROM events \
            WHERE activity_name IN ('ViewReport', 'ViewDashboard') AND {} \
            GROUP BY {column}, COALESCE(consumption_method, '(unknown)') \
        ) \
        SELECT item, name, views, viewers FROM counted \
        ORDER BY item NULLS LAST, views DESC NULLS LAST, name NULLS LAST",
        key.condition()
    ))
}

/// Returns the statement for the distribution methods, as in `distribution-method`.
pub fn distribution(key: ItemKey<'_>) -> ReportDefinition {
    let ItemKey { column, .. } = key;
    let method = "CASE WHEN DistributionMethod = '' THEN '(unknown)' \
        ELSE COALESCE(DistributionMethod, '(unknown)') END";
    statement(&format!(
        "WITH viewed AS ( \
            SELECT {column} AS item, {method} AS method, user_id \
            FROM events WHERE activity_name = 'ViewReport' AND {} \
        ), \
        counted AS ( \
            SELECT item, method, COUNT(*) AS views, COUNT(DISTINCT user_id) AS viewers \
            FROM viewed GROUP BY item, method \
        ) \
        SELECT item, method, views, viewers FROM counted \
        ORDER BY item NULLS LAST, views DESC NULLS LAST, method NULLS LAST",
        key.condition()
    ))
}

/// Returns all statements, for the columns that they read.
pub fn all() -> Vec<ReportDefinition> {
    let ids = [String::new()];
    let keys = ["report_id", "workspace_id", "user_id", "capacity_id"];
    let each = keys.into_iter().flat_map(|column| {
        let key = ItemKey { column, ids: &ids };
        [
            views_by_day(key),
            viewers(key),
            reports(key),
            workspaces(key),
            clients(key),
            distribution(key),
        ]
    });
    each.chain([days()]).collect()
}
