-- title: Exports, downloads and prints
-- question: Who exports, downloads or prints what, how often, and were there unusual spikes?
-- group: Sharing and security
-- empty: Nothing was exported, downloaded or printed in this period.
-- alias: downloads
-- alias: export
-- alias: prints
-- actors: people
-- chart: bars exports
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param spike: int = 10, minimum number of exports by one user on one day for a spike
-- total: exports
-- column user: user who exported
-- column item: latest name of the exported item, or its ID if it never had a name
-- column exports: exports of the item by this user
-- column last_export: time of this user's last export of the item
-- column spike_day: day with an unusually high number of exports by this user, over all items;
--   empty if there is none
-- column spike_exports: exports by this user on that day
-- column user_exports: exports by this user, over all items
-- column user_items: distinct items exported by this user
-- column item_exports: exports of this item by all users
-- column active_days: days on which this user exported the item
-- column per_day: exports divided by active_days
-- column formats: formats named in the log, each listed once; empty if it names none
-- column item_kind: kind of item, for example Report, Dashboard or Dataflow
-- column workspace: latest name of the workspace
-- column item_id: ID of the item, one row per ID, user and workspace; for a template app, the ID of
--   the copy in the tenant
-- column workspace_id: ID of the workspace from which the item was exported
-- rule: An export is an activity of the group EXPORT: ExportReport, ExportArtifact, ExportTile,
--   ExportDataflow, ExportScorecard, DownloadReport, PrintReport and PrintDashboard. Failed exports
--   are not counted. An event without an ID is about the item that it names.
-- rule: A spike is the day of the period on which a user exported most. It needs at least `spike`
--   exports, and five times the average of all other days in the stored log on which the user
--   exported. For a user with only one such day, `spike` alone decides.
-- rule: If several days have equally many exports, the earliest is shown.
-- source: Microsoft Learn, Operation list
-- limit: The log does not record how many rows or pages were exported, or where the file went.
--   Copying to the clipboard and screenshots leave no trace. Live Excel connections are not counted
--   as exports.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
exported AS (
    SELECT
        --by COALESCE(a.attribute_value, '(not mapped)') AS by_attribute,
        COALESCE(e.user_id, '(unknown)') AS exporter,
        COALESCE(e.item_id, e.item_name, '(unknown)') AS item_key,
        e.item_id,
        e.item_name,
        e.item_kind,
        e.workspace_id,
        e.workspace_name,
        e.CreationTime AS exported_at,
        e.epoch_us,
        e.local_date,
        e.ExportedArtifactInfo.ExportType AS format
    FROM events AS e
    --by LEFT JOIN person_values AS a ON e.user_id = a.address
    WHERE e.operation_group = 'EXPORT'
),
totals AS (
    SELECT
        --by by_attribute,
        exporter,
        item_key,
        workspace_id,
        MAX(item_id) AS item_id,
        -- The name from the latest event. With this offset, every time from the year 2000 to 2099
        -- has 16 digits.
        SUBSTR(MAX(CAST(epoch_us + 1000000000000000 AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace,
        COUNT(*) AS exports,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(exported_at) AS last_export,
        STRING_AGG(DISTINCT format, ', ' ORDER BY format) AS formats
    FROM exported
    GROUP BY
        --by by_attribute,
        exporter, item_key, workspace_id
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names),
exporters AS (
    SELECT
        exporter AS total_user,
        COUNT(*) AS user_exports,
        COUNT(DISTINCT item_key) AS user_items
    FROM exported
    GROUP BY exporter
),
items AS (
    SELECT
        --by by_attribute AS total_value,
        item_key AS total_item,
        COUNT(*) AS item_exports
    FROM exported
    GROUP BY
        --by by_attribute,
        item_key
),
-- The days of the log on which users exported, also those outside the period.
user_days AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS day_user,
        local_date,
        local_epoch_day,
        COUNT(*) AS day_exports
    FROM history
    WHERE operation_group = 'EXPORT'
    GROUP BY COALESCE(user_id, '(unknown)'), local_date, local_epoch_day
),
user_days_in_period AS (
    SELECT exporter AS period_user, local_date AS period_date, COUNT(*) AS period_exports
    FROM exported
    GROUP BY exporter, local_date
),
days_with_both AS (
    SELECT
        d.day_user,
        d.local_date,
        d.local_epoch_day,
        d.day_exports,
        COALESCE(p.period_exports, 0) AS period_exports
    FROM user_days AS d
    LEFT JOIN user_days_in_period AS p
        ON d.day_user = p.period_user AND d.local_date = p.period_date
),
compared AS (
    SELECT
        day_user,
        local_date,
        period_exports,
        ROW_NUMBER() OVER (PARTITION BY day_user ORDER BY 0 - period_exports, local_epoch_day)
            AS place,
        SUM(day_exports) OVER (PARTITION BY day_user) - day_exports AS other_exports,
        COUNT(*) OVER (PARTITION BY day_user) - 1 AS other_days
    FROM days_with_both
),
spikes AS (
    SELECT day_user AS spike_user, local_date AS spike_day, period_exports AS spike_exports
    FROM compared
    -- At least five times the average of the other days, without a division.
    WHERE place = 1
        AND period_exports >= :spike
        AND period_exports * other_days >= 5 * other_exports
)
SELECT
    --by by_attribute,
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
LEFT JOIN items AS i
    ON t.item_key = i.total_item
    --by AND t.by_attribute = i.total_value
LEFT JOIN spikes AS s ON t.exporter = s.spike_user
ORDER BY
    exports DESC NULLS LAST,
    last_export DESC NULLS LAST,
    exporter NULLS LAST,
    item_key NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
