-- title: Refreshes
-- question: Which semantic models and dataflows are refreshed, how often, what starts the
--   refreshes, and which fail?
-- group: Platform health
-- empty: Nothing was refreshed in this period.
-- alias: dataset-refreshes
-- alias: refresh
-- actors: all
-- chart: bars failed
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: refreshes, failed, canceled by item, workspace, item_kind, item_id, workspace_id
-- total: refreshes, failed, scheduled, on_demand, unknown_trigger, canceled
-- column item: latest name of the semantic model or dataflow, or its ID if it never had a name
-- column refreshes: requested refreshes, including failed ones
-- column failed: refreshes that the log marks as failed
-- column failed_pct: failed in percent of refreshes
-- column last_failed: time of the last failed refresh
-- column per_day: refreshes on complete days, divided by all complete days of the period
-- column max_per_day: highest number of refreshes on one day
-- column scheduled: refreshes started by a schedule
-- column on_demand: refreshes started manually, by a program or by another application
-- column unknown_trigger: refreshes for which the log does not record what started them
-- column last_refresh: time of the last requested refresh
-- column canceled: canceled refreshes
-- column users: distinct people and service principals who requested refreshes
-- column item_kind: SemanticModel or Dataflow
-- column workspace: latest name of the workspace
-- column item_id: ID of the item, one row per ID and workspace
-- column workspace_id: ID of the workspace
-- rule: A refresh is RefreshDataset, RefreshDatasetFromExternalApplication or
--   RequestDataflowRefresh. The trigger is RefreshType or DataflowRefreshScheduleType, if one of
--   them is set. A refresh from an external application is always on demand.
-- rule: Service principals are included, because schedules run without a person.
-- rule: Items with the most failures come first, then items with the most refreshes.
-- source: Microsoft Learn, Data refresh in Power BI; Operation list
-- limit: The event is the request. The duration of a refresh, its rows, and failures after the
--   request are in the refresh history, not in this log. Older events have no outcome.
WITH requests AS (
    SELECT
        COALESCE(
            semantic_model_id, dataflow_id, only_model_id, item_id, item_name, '(unknown)'
        ) AS item_key,
        COALESCE(semantic_model_id, dataflow_id, only_model_id, item_id) AS item_id,
        COALESCE(
            semantic_model_name, dataflow_name, only_model_name, item_name, semantic_model_id,
            dataflow_id, only_model_id, '(unknown)'
        ) AS item,
        CASE
            WHEN activity_name LIKE '%Dataflow%' THEN 'Dataflow'
            ELSE 'SemanticModel'
        END AS item_kind,
        CASE
            WHEN activity_name LIKE 'Cancel%' THEN 'cancel'
            WHEN activity_name = 'RefreshDatasetFromExternalApplication' THEN 'demand'
            WHEN COALESCE(NULLIF(RefreshType, ''), DataflowRefreshScheduleType, '') = ''
                THEN 'unknown'
            WHEN LOWER(COALESCE(NULLIF(RefreshType, ''), DataflowRefreshScheduleType))
                LIKE '%schedule%'
                THEN 'schedule'
            ELSE 'demand'
        END AS started_by,
        workspace_id,
        workspace_name,
        user_id,
        is_failed,
        local_date,
        CreationTime AS requested_at
    FROM events
    WHERE activity_name IN (
        'RefreshDataset', 'RefreshDatasetFromExternalApplication', 'RequestDataflowRefresh',
        'CancelDatasetRefresh', 'CancelDataflowRefresh'
    )
),
item_days AS (
    SELECT item_key, workspace_id, local_date, COUNT(*) AS day_refreshes
    FROM requests
    WHERE started_by <> 'cancel'
    GROUP BY item_key, workspace_id, local_date
),
busy AS (
    SELECT
        COALESCE(workspace_id, '') AS busy_workspace,
        item_key AS busy_item,
        MAX(day_refreshes) AS max_per_day,
        SUM(CASE WHEN COALESCE(is_complete, FALSE) THEN day_refreshes ELSE 0 END)
            AS on_complete_days
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
        MAX(item_id) AS item_id,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace_name,
        COUNT(*) FILTER (WHERE started_by <> 'cancel') AS refreshes,
        COUNT(*) FILTER (WHERE started_by <> 'cancel' AND is_failed) AS failed,
        COUNT(*) FILTER (WHERE started_by = 'schedule') AS scheduled,
        COUNT(*) FILTER (WHERE started_by = 'demand') AS on_demand,
        COUNT(*) FILTER (WHERE started_by = 'unknown') AS unknown_trigger,
        COUNT(*) FILTER (WHERE started_by = 'cancel' AND NOT is_failed) AS canceled,
        MAX(CASE WHEN started_by <> 'cancel' THEN requested_at END) AS last_refresh,
        MAX(CASE WHEN started_by <> 'cancel' AND is_failed THEN requested_at END) AS last_failed,
        COUNT(DISTINCT CASE WHEN started_by <> 'cancel' THEN user_id END) AS users
    FROM requests
    GROUP BY item_key, workspace_id
)
SELECT
    item,
    refreshes,
    failed,
    ROUND(FLOOR(CAST(failed AS DOUBLE) * 1000 / NULLIF(refreshes, 0) + 0.5) / 10, 1) AS failed_pct,
    last_failed,
    ROUND(
        FLOOR(
            CAST(COALESCE(on_complete_days, 0) AS DOUBLE) * 100 / NULLIF(complete_days, 0) + 0.5
        ) / 100,
        2
    ) AS per_day,
    COALESCE(max_per_day, 0) AS max_per_day,
    scheduled,
    on_demand,
    unknown_trigger,
    last_refresh,
    canceled,
    users,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    item_id,
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
