-- title: Use of workspaces
-- question: Which workspaces are used most, by how many people, and how many of them create?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column rank: place in the order by views, viewers, other_views and edits
-- column workspace: latest name of the workspace; its id where it never had one
-- column views: how often reports of it were opened (ViewReport)
-- column viewers: different people who opened reports or other content of it
-- column authors: different people who created, changed or deleted content in it
-- column exports: how often content of it was exported, downloaded or printed
-- column edits: how often content was created, changed or deleted in it
-- column other_views: how often other content was opened: dashboards, tiles, dataflows and so on
-- column reports: different reports of it that were opened
-- column active_days: days on which people did any of this
-- column kind: shared, or personal (My Workspace)
-- column workspace_id: the id that the rows are grouped by
-- rule: Views are of the group VIEW, exports of EXPORT, edits of AUTHOR. A workspace in which none
--   of these happened in the period is not listed. As in exports and authoring, failed exports and
--   edits do not count, and neither does ImportArtifactStart, since its end follows.
-- rule: What is opened from an app counts for the workspace that the app is made of, which the
--   event names.
-- rule: Events that name no workspace are the row (unknown).
-- limit: The log may call every personal workspace My Workspace, as name and as id: then the
--   people's workspaces are one row.
WITH totals AS (
    SELECT
        workspace_id,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(DISTINCT CASE WHEN operation_group = 'VIEW' THEN user_id END) AS viewers,
        COUNT(DISTINCT CASE WHEN operation_group = 'AUTHOR' AND NOT is_failed THEN user_id END)
            AS authors,
        COUNT(*) FILTER (WHERE operation_group = 'EXPORT' AND NOT is_failed) AS exports,
        COUNT(*) FILTER (
            WHERE operation_group = 'AUTHOR'
                AND activity_name <> 'ImportArtifactStart'
                AND NOT is_failed
        ) AS edits,
        COUNT(*) FILTER (WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport')
            AS other_views,
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_id END)
            AS reports_opened,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CASE WHEN is_personal_workspace THEN 1 ELSE 0 END) AS is_personal
    FROM events
    WHERE operation_group IN ('VIEW', 'EXPORT', 'AUTHOR')
    GROUP BY workspace_id
),
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        0 - other_views AS by_other,
        0 - edits AS by_edits,
        CASE WHEN workspace_id IS NULL THEN 1 ELSE 0 END AS no_workspace,
        COALESCE(workspace_id, '') AS by_workspace
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY by_views, by_viewers, by_other, by_edits, no_workspace, by_workspace
        ) AS place
    FROM keyed
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    COALESCE(workspace_name, workspace_id, '(unknown)') AS workspace,
    views,
    viewers,
    authors,
    exports,
    edits,
    other_views,
    reports_opened AS reports,
    active_days,
    CASE
        WHEN is_personal = 1 THEN 'personal'
        WHEN workspace_id IS NOT NULL THEN 'shared'
    END AS kind,
    workspace_id
FROM ranked AS t
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
