-- title: Refreshes
-- question: Which semantic models and dataflows are refreshed how often, by schedule or by hand,
--   and which fail?
-- actors: all
-- chart: bars failed
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column item: latest name of the semantic model or dataflow; its id where it never had one
-- column refreshes: refreshes that were asked for
-- column failed: how many of them the log marks as failed
-- column failed_pct: failed in % of refreshes
-- column last_failed: when one last failed
-- column per_day: refreshes on complete days, divided by all complete days of the period
-- column most_a_day: the most refreshes on one day
-- column scheduled: refreshes by schedule
-- column on_demand: refreshes by hand, by a program or by another application
-- column untold: refreshes of which the log does not tell what started them
-- column last_refresh: when a refresh was last asked for
-- column canceled: refreshes that somebody stopped
-- column users: different people and services who asked
-- column item_kind: SemanticModel or Dataflow
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by
-- column workspace_id: its workspace
-- rule: A refresh is RefreshDataset, RefreshDatasetFromExternalApplication or
--   RequestDataflowRefresh. What started it is RefreshType or DataflowRefreshScheduleType where
--   either is set; one from an external application is on demand in any case.
-- rule: Services are included, as schedules run without a person.
-- rule: What fails most comes first, then what is refreshed most.
-- source: Microsoft Learn, Data refresh in Power BI; Operation list
-- limit: The event is the request. How long a refresh took, how many rows it read, and a failure
--   after the request was taken are in the refresh history and not in this log. Older events have
--   no outcome at all.
WITH asked AS (
    SELECT
        COALESCE(semantic_model_id, dataflow_id, item_id, item_name, '(unknown)') AS item_key,
        COALESCE(
            semantic_model_name, dataflow_name, item_name, semantic_model_id, dataflow_id,
            '(unknown)'
        ) AS item,
        CASE
            WHEN activity_name LIKE '%Dataflow%' THEN 'Dataflow'
            ELSE 'SemanticModel'
        END AS item_kind,
        CASE
            WHEN activity_name LIKE 'Cancel%' THEN 'cancel'
            WHEN activity_name = 'RefreshDatasetFromExternalApplication' THEN 'demand'
            WHEN COALESCE(NULLIF(RefreshType, ''), DataflowRefreshScheduleType, '') = ''
                THEN 'untold'
            WHEN LOWER(COALESCE(NULLIF(RefreshType, ''), DataflowRefreshScheduleType))
                LIKE '%schedule%'
                THEN 'schedule'
            ELSE 'demand'
        END AS start,
        workspace_id,
        workspace_name,
        user_id,
        is_failed,
        local_date,
        CreationTime AS asked_at
    FROM events
    WHERE activity_name IN (
        'RefreshDataset', 'RefreshDatasetFromExternalApplication', 'RequestDataflowRefresh',
        'CancelDatasetRefresh', 'CancelDataflowRefresh'
    )
),
item_days AS (
    SELECT item_key, workspace_id, local_date, COUNT(*) AS of_day
    FROM asked
    WHERE start <> 'cancel'
    GROUP BY item_key, workspace_id, local_date
),
busy AS (
    SELECT
        COALESCE(workspace_id, '') AS busy_workspace,
        item_key AS busy_item,
        MAX(of_day) AS most_a_day,
        SUM(CASE WHEN COALESCE(is_complete, FALSE) THEN of_day ELSE 0 END) AS on_complete_days
    FROM item_days AS i
    LEFT JOIN days AS d ON i.local_date = d.day
    GROUP BY item_key, workspace_id
),
covered AS (
    SELECT COUNT(*) FILTER (WHERE is_complete) AS complete_days FROM days
),
totals AS (
    SELECT
        item_key,
        workspace_id,
        COALESCE(workspace_id, '') AS workspace_key,
        MAX(item) AS item,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace_name,
        COUNT(*) FILTER (WHERE start <> 'cancel') AS refreshes,
        COUNT(*) FILTER (WHERE start <> 'cancel' AND is_failed) AS failed,
        COUNT(*) FILTER (WHERE start = 'schedule') AS scheduled,
        COUNT(*) FILTER (WHERE start = 'demand') AS on_demand,
        COUNT(*) FILTER (WHERE start = 'untold') AS untold,
        COUNT(*) FILTER (WHERE start = 'cancel' AND NOT is_failed) AS canceled,
        MAX(CASE WHEN start <> 'cancel' THEN asked_at END) AS last_refresh,
        MAX(CASE WHEN start <> 'cancel' AND is_failed THEN asked_at END) AS last_failed,
        COUNT(DISTINCT CASE WHEN start <> 'cancel' THEN user_id END) AS users
    FROM asked
    GROUP BY item_key, workspace_id
)
SELECT
    item,
    refreshes,
    failed,
    ROUND(FLOOR(CAST(failed AS DOUBLE) * 1000 / NULLIF(refreshes, 0) + 0.5) / 10, 1) AS failed_pct,
    last_failed,
    ROUND(FLOOR(CAST(on_complete_days AS DOUBLE) * 100 / NULLIF(complete_days, 0) + 0.5) / 100, 2)
        AS per_day,
    most_a_day,
    scheduled,
    on_demand,
    untold,
    last_refresh,
    canceled,
    users,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    NULLIF(item_key, '(unknown)') AS item_id,
    workspace_id
FROM totals AS t
LEFT JOIN busy AS b ON t.item_key = b.busy_item AND t.workspace_key = b.busy_workspace
CROSS JOIN covered
ORDER BY
    failed DESC NULLS LAST,
    refreshes DESC NULLS LAST,
    item_key NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
