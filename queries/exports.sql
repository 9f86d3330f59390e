-- title: Exports
-- question: Who takes what out of Power BI as a file or on paper, how much, and was there a day of
--   unusually many?
-- actors: people
-- chart: bars exports
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param spike: int = 10, from how many exports of one person on one day on that day can be a spike
-- column user: who exported
-- column item: latest name of what was exported; its id where it never had one
-- column exports: how often this person exported it
-- column last_export: when this person last exported it
-- column spike_day: the day on which this person exported most, of all items together, if it stands
--   out from the person's other days; empty where none does
-- column spike_exports: how many exports there were on that day
-- column user_exports: exports of this person, of all items together
-- column user_items: different items that this person exported
-- column item_exports: exports of this item, by everybody
-- column active_days: days on which this person exported it
-- column per_day: exports divided by active_days
-- column formats: the formats that the log names, each once; empty where it names none
-- column item_kind: Report, Dashboard, Dataflow, …
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by; for a template app that of the copy in the
--   tenant
-- column workspace_id: the workspace that it was exported from
-- rule: An export is an activity of the group EXPORT: ExportReport, ExportArtifact, ExportTile,
--   ExportDataflow, ExportScorecard, DownloadReport, PrintReport and PrintDashboard. What the log
--   marks as failed took nothing out and is not counted.
-- rule: A spike is a person's day of most exports in the period, if it has at least `spike` of them
--   and five times the average of all other days of the archive on which the person exported. A
--   person with one such day in the whole archive has nothing to compare with: `spike` decides.
-- rule: Of days with equally many exports the earliest is named.
-- source: Microsoft Learn, Operation list
-- limit: The log does not tell how many rows or pages were taken, nor where the file went. Copies
--   to the clipboard and screenshots leave no trace. Excel that stays connected is no export here.
WITH exported AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS exporter,
        -- An event of which only the workspace is known by its id is told apart by its ItemName.
        COALESCE(
            CASE
                WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '')
                ELSE COALESCE(item_id, item_name)
            END,
            '(unknown)'
        ) AS item_key,
        CASE WHEN item_kind = 'Workspace' THEN NULL ELSE item_id END AS item_id,
        CASE WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '') ELSE item_name END AS item_name,
        NULLIF(item_kind, 'Workspace') AS item_kind,
        workspace_id,
        workspace_name,
        CreationTime AS exported_at,
        time_us,
        local_date,
        ExportedArtifactInfo.ExportType AS format
    FROM events
    WHERE operation_group = 'EXPORT' AND NOT is_failed
),
totals AS (
    SELECT
        exporter,
        item_key,
        workspace_id,
        MAX(item_id) AS item_id,
        -- The name of the latest event: an instant of our time has 16 digits.
        SUBSTR(MAX(CAST(time_us AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace,
        COUNT(*) AS exports,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(exported_at) AS last_export,
        STRING_AGG(DISTINCT format, ', ' ORDER BY format) AS formats
    FROM exported
    GROUP BY exporter, item_key, workspace_id
),
-- Latest names by id, whatever the kind; an id in two views must not double a row.
known_items AS (
    SELECT known_item, MAX(known_name) AS known_name
    FROM (
        SELECT report_id AS known_item, report_name AS known_name FROM reports
        UNION ALL
        SELECT dashboard_id AS known_item, dashboard_name AS known_name FROM dashboards
        UNION ALL
        SELECT semantic_model_id AS known_item, semantic_model_name AS known_name
        FROM semantic_models
        UNION ALL
        SELECT dataflow_id AS known_item, dataflow_name AS known_name FROM dataflows
    ) AS k
    GROUP BY known_item
),
exporters AS (
    SELECT
        exporter AS total_user,
        COUNT(*) AS user_exports,
        COUNT(DISTINCT item_key) AS user_items
    FROM exported
    GROUP BY exporter
),
items AS (
    SELECT item_key AS total_item, COUNT(*) AS item_exports FROM exported GROUP BY item_key
),
user_days AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS day_user,
        local_date,
        local_day_number,
        COUNT(*) AS of_day,
        COUNT(*) FILTER (WHERE in_period) AS in_day
    FROM history
    WHERE operation_group = 'EXPORT' AND NOT is_failed
    GROUP BY user_id, local_date, local_day_number
),
compared AS (
    SELECT
        day_user,
        local_date,
        in_day,
        ROW_NUMBER() OVER (PARTITION BY day_user ORDER BY 0 - in_day, local_day_number) AS place,
        SUM(of_day) OVER (PARTITION BY day_user) - of_day AS other_exports,
        COUNT(*) OVER (PARTITION BY day_user) - 1 AS other_days
    FROM user_days
),
spikes AS (
    SELECT day_user AS spike_user, local_date AS spike_day, in_day AS spike_exports
    FROM compared
    -- At least five times the average of the others, without dividing.
    WHERE place = 1 AND in_day >= :spike AND in_day * other_days >= 5 * other_exports
)
SELECT
    exporter AS user,
    COALESCE(known_name, item_name, item_key) AS item,
    exports,
    last_export,
    spike_day,
    spike_exports,
    user_exports,
    user_items,
    item_exports,
    active_days,
    ROUND(FLOOR(CAST(exports AS DOUBLE) * 100 / NULLIF(active_days, 0) + 0.5) / 100, 2) AS per_day,
    formats,
    item_kind,
    COALESCE(workspace, workspace_id) AS workspace,
    item_id,
    workspace_id
FROM totals AS t
LEFT JOIN known_items AS n ON t.item_id = n.known_item
LEFT JOIN exporters AS u ON t.exporter = u.total_user
LEFT JOIN items AS i ON t.item_key = i.total_item
LEFT JOIN spikes AS s ON t.exporter = s.spike_user
ORDER BY
    exports DESC NULLS LAST,
    last_export DESC NULLS LAST,
    exporter NULLS LAST,
    item_key NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
