-- title: Most viewed dashboards
-- question: Which dashboards are viewed most, by how many people, and more or less than before?
-- group: Usage
-- empty: No dashboard was viewed in this period.
-- alias: dashboards
-- alias: most-viewed-dashboards
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, active_days by dashboard, workspace, dashboard_id, workspace_id
-- total: views, tile_views
-- column rank: position by views, viewers, tile views and last view
-- column dashboard: latest name of the dashboard, or its ID if it never had a name
-- column workspace: latest name of the workspace
-- column views: dashboard views (ViewDashboard)
-- column viewers: distinct people who viewed it; anonymous visitors count as one, and events
--   without a user do not count
-- column views_per_viewer: views divided by viewers; empty if no viewer is known
-- column active_days: days with views
-- column last_view: time of the last view
-- column trend: views in the second half of the period divided by those in the first; empty if the
--   halves have no complete days with the same weekday, or the first half no views
-- column tile_views: views of single tiles (ViewTile), which do not count as views of the dashboard
-- column dashboard_id: ID of the dashboard, one row per ID and workspace
-- column workspace_id: ID of the workspace in which it was viewed
-- rule: Viewing a dashboard writes one ViewDashboard, with any number of tiles. A ViewTile is a
--   view of a single tile and is counted separately. A dashboard with only tile views has 0 views
--   and is at the end.
-- rule: The trend compares equally many complete days of each weekday in both halves of the period:
--   trend_half 1 and 2 of `days`.
-- compares trend: the two halves of the period
-- limit: A ViewTile does not always name its dashboard. Those without an ID are in the row of
--   the name, or in the row (unknown).
WITH shown AS (
    SELECT
        e.dashboard_id,
        CASE WHEN e.dashboard_id IS NULL THEN NULLIF(e.DashboardName, '') END AS only_name,
        e.workspace_id,
        e.user_id,
        e.local_date,
        e.CreationTime AS shown_at,
        e.epoch_us,
        e.activity_name = 'ViewDashboard' AS is_view,
        d.trend_half
    FROM events AS e
    LEFT JOIN days AS d ON e.local_date = d.day
    WHERE e.activity_name IN ('ViewDashboard', 'ViewTile')
),
totals AS (
    SELECT
        dashboard_id,
        only_name,
        workspace_id,
        COUNT(*) FILTER (WHERE is_view) AS views,
        COUNT(DISTINCT CASE WHEN is_view THEN user_id END) AS viewers,
        COUNT(*) FILTER (WHERE NOT is_view) AS tile_views,
        COUNT(DISTINCT CASE WHEN is_view THEN local_date END) AS active_days,
        MAX(CASE WHEN is_view THEN shown_at END) AS last_view,
        COALESCE(MAX(CASE WHEN is_view THEN epoch_us END), 0) AS last_us,
        COUNT(*) FILTER (WHERE is_view AND trend_half = 1) AS views_before,
        COUNT(*) FILTER (WHERE is_view AND trend_half = 2) AS views_after
    FROM shown
    GROUP BY dashboard_id, only_name, workspace_id
),
-- All keys of a window must sort in the same direction, without nulls. So numbers are negated, and
-- nulls get a key of their own.
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        0 - tile_views AS by_tiles,
        0 - last_us AS by_age,
        CASE WHEN dashboard_id IS NULL THEN 1 ELSE 0 END AS no_dashboard,
        COALESCE(dashboard_id, '') AS by_dashboard,
        COALESCE(only_name, '') AS by_name,
        CASE WHEN workspace_id IS NULL THEN 1 ELSE 0 END AS no_workspace,
        COALESCE(workspace_id, '') AS by_workspace
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY
                by_views,
                by_viewers,
                by_tiles,
                by_age,
                no_dashboard,
                by_dashboard,
                by_name,
                no_workspace,
                by_workspace
        ) AS place
    FROM keyed
),
named_dashboards AS (SELECT dashboard_id AS named_dashboard, dashboard_name FROM dashboards),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    COALESCE(dashboard_name, dashboard_id, only_name, '(unknown)') AS dashboard,
    COALESCE(workspace_name, workspace_id) AS workspace,
    views,
    viewers,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 100 / NULLIF(viewers, 0) + 0.5) / 100, 2)
        AS views_per_viewer,
    active_days,
    last_view,
    ROUND(FLOOR(CAST(views_after AS DOUBLE) * 100 / NULLIF(views_before, 0) + 0.5) / 100, 2)
        AS trend,
    tile_views,
    dashboard_id,
    workspace_id
FROM ranked AS t
LEFT JOIN named_dashboards AS d ON t.dashboard_id = d.named_dashboard
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
