-- title: Workspace usage
-- question: Which workspaces are used most, by how many people, and how many of them create
--   content?
-- group: Usage
-- alias: workspaces
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, creators, exports, edits by workspace, workspace_id
-- total: views, exports, edits, other_views
-- column rank: position by views, viewers, other_views and edits
-- column workspace: latest name of the workspace, or its ID if it never had a name
-- column views: report views (ViewReport)
-- column viewers: distinct people who viewed reports or other content in it
-- column creators: distinct people who created, changed or deleted content in it
-- column exports: exports, downloads and prints of its content
-- column edits: number of times content was created, changed or deleted in it
-- column other_views: views of other content: dashboards, tiles, dataflows and more
-- column reports: distinct reports viewed in it; reports without an ID count by name
-- column active_days: days with any of these activities
-- column workspace_type: `Workspace` or `My workspace` (personal)
-- column workspace_id: ID of the workspace, one row each
-- rule: Views are the activities of the group VIEW, exports those of EXPORT, and edits those of
--   AUTHOR. Workspaces without any of these in the period are not listed. Failed events do not
--   count. ImportArtifactStart does not count either, because ImportArtifactEnd follows.
-- rule: Content viewed in an app counts for the workspace of the app, which the event names.
-- rule: Events without a workspace ID are in the row of the name, or in the row (unknown).
-- limit: The log can use My Workspace as name and ID of every personal workspace. All of them are
--   then in one row.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
used AS (
    SELECT
        --by COALESCE(a.attribute_value, '(not mapped)') AS by_attribute,
        e.workspace_id,
        CASE WHEN e.workspace_id IS NULL THEN NULLIF(e.WorkspaceName, '') END AS only_name,
        COALESCE(e.report_id, NULLIF(e.ReportName, '')) AS report_key,
        e.user_id,
        e.local_date,
        e.is_personal_workspace,
        e.operation_group,
        e.activity_name
    FROM events AS e
    --by LEFT JOIN person_values AS a ON e.user_id = a.address
    WHERE e.operation_group IN ('VIEW', 'EXPORT', 'AUTHOR')
),
totals AS (
    SELECT
        --by by_attribute,
        workspace_id,
        only_name,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(DISTINCT CASE WHEN operation_group = 'VIEW' THEN user_id END) AS viewers,
        COUNT(DISTINCT CASE WHEN operation_group = 'AUTHOR' THEN user_id END) AS creators,
        COUNT(*) FILTER (WHERE operation_group = 'EXPORT') AS exports,
        COUNT(*) FILTER (WHERE operation_group = 'AUTHOR') AS edits,
        COUNT(*) FILTER (WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport')
            AS other_views,
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_key END)
            AS reports_viewed,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CASE WHEN is_personal_workspace THEN 1 ELSE 0 END) AS is_personal
    FROM used
    GROUP BY
        --by by_attribute,
        workspace_id, only_name
),
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        0 - other_views AS by_other,
        0 - edits AS by_edits,
        CASE WHEN workspace_id IS NULL THEN 1 ELSE 0 END AS no_workspace,
        COALESCE(workspace_id, '') AS by_workspace,
        COALESCE(only_name, '') AS by_name
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY by_views, by_viewers, by_other, by_edits, no_workspace, by_workspace, by_name
            --by , by_attribute
        ) AS place
    FROM keyed
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    --by by_attribute,
    place AS rank,
    COALESCE(workspace_name, workspace_id, only_name, '(unknown)') AS workspace,
    views,
    viewers,
    creators,
    exports,
    edits,
    other_views,
    reports_viewed AS reports,
    active_days,
    CASE
        WHEN is_personal = 1 THEN 'My workspace'
        WHEN workspace_id IS NOT NULL THEN 'Workspace'
    END AS workspace_type,
    workspace_id
FROM ranked AS t
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
