-- title: Usage at a glance
-- question: How much is Power BI used in total, and more or less than in another period?
-- group: Usage
-- empty: There is no activity in this period.
-- alias: summary
-- alias: overview
-- alias: totals
-- alias: key-figures
-- actors: people
-- compare: value by figure, explained_by
-- column figure: name of the figure
-- column value: its value in the period
-- column explained_by: report that shows where the value comes from
-- rule: Active users are those with any event that shows presence (`is_presence` of the views).
--   Viewers have an activity of the group VIEW, creators one of the group AUTHOR. All anonymous
--   visitors count as one person, and events without a user do not count as people.
-- rule: Report views are ViewReport; an export counts as one view per page. Other views are those
--   of dashboards, tiles, dataflows and more. Exports are the group EXPORT, and sharing is the
--   group SHARE. Failed events do not count.
-- rule: Reports without an ID count by name, and workspaces too.
-- rule: Figures of people cannot be added up over periods: a person who is active in two months is
--   one active user of both.
-- limit: The values of a period with missing days are too low. `--compare` leaves such days out of
--   both periods.
WITH used AS (
    SELECT
        -- Groups are counted in batches of events, a total without groups is not.
        1 AS all_events,
        user_id,
        is_presence,
        operation_group,
        activity_name,
        COALESCE(report_id, NULLIF(ReportName, '')) AS report_key,
        COALESCE(workspace_id, NULLIF(WorkspaceName, '')) AS workspace_key
    FROM events
),
totals AS (
    SELECT
        COUNT(*) AS events,
        COUNT(DISTINCT CASE WHEN is_presence THEN user_id END) AS active_users,
        COUNT(DISTINCT CASE WHEN operation_group = 'VIEW' THEN user_id END) AS viewers,
        COUNT(DISTINCT CASE WHEN operation_group = 'AUTHOR' THEN user_id END) AS creators,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS report_views,
        COUNT(*) FILTER (WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport')
            AS other_views,
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_key END) AS reports,
        COUNT(DISTINCT CASE WHEN operation_group = 'VIEW' THEN workspace_key END) AS workspaces,
        COUNT(*) FILTER (WHERE operation_group = 'EXPORT') AS exports,
        COUNT(*) FILTER (WHERE operation_group = 'SHARE') AS shares
    FROM used
    GROUP BY all_events
),
figures AS (
    SELECT 1 AS place, 'Active users' AS figure, active_users AS value,
        'adoption' AS report, events
    FROM totals
    UNION ALL
    SELECT 2 AS place, 'Viewers' AS figure, viewers AS value,
        'top-users' AS report, events
    FROM totals
    UNION ALL
    SELECT 3 AS place, 'Creators' AS figure, creators AS value,
        'authoring' AS report, events
    FROM totals
    UNION ALL
    SELECT 4 AS place, 'Report views' AS figure, report_views AS value,
        'top-reports' AS report, events
    FROM totals
    UNION ALL
    SELECT 5 AS place, 'Other views' AS figure, other_views AS value,
        'top-dashboards' AS report, events
    FROM totals
    UNION ALL
    SELECT 6 AS place, 'Reports viewed' AS figure, reports AS value,
        'top-reports' AS report, events
    FROM totals
    UNION ALL
    SELECT 7 AS place, 'Workspaces viewed' AS figure, workspaces AS value,
        'workspace-usage' AS report, events
    FROM totals
    UNION ALL
    SELECT 8 AS place, 'Exports, downloads and prints' AS figure, exports AS value,
        'exports' AS report, events
    FROM totals
    UNION ALL
    SELECT 9 AS place, 'Sharing' AS figure, shares AS value,
        'sharing-audit' AS report, events
    FROM totals
)
SELECT figure, value, report AS explained_by
FROM figures
WHERE events > 0
ORDER BY place NULLS LAST
