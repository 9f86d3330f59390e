-- title: Use of capacities
-- question: How much is each capacity used, by how many people, and when is it busiest?
-- actors: all
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column capacity: latest name of the capacity; (unknown or app) for events that name none
-- column views: how often people opened reports on it (ViewReport)
-- column users: different people who opened content or queried it from outside
-- column external: how often people queried it from outside, for example from Excel
-- column refreshes: refreshes of semantic models asked for on it, by people and services
-- column busy_hour: hour of the day, on the clocks of the zone, in which most of this happened
-- column busy_pct: how much of it happened in that hour of the day, in percent
-- column peak: start of the one hour of the period with most events
-- column peak_events: how often content was opened, queried or refreshed in that hour
-- column other_views: how often people opened anything else: dashboards, tiles, dataflows and so on
-- column service_events: how much of it was done by services, refreshes apart
-- column capacity_id: the id that the rows are grouped by
-- rule: Opening is any activity of the group VIEW; external use any of EXTERNAL; refreshes are
--   RefreshDataset. Hours are counted over all of them, by whomever.
-- rule: Of hours that are equally busy, the earliest is shown.
-- rule: Views from an app carry no capacity, and neither does content outside of capacities: both
--   are the row (unknown or app).
-- limit: This log counts what people do, not what it costs: capacity units and throttling are in
--   the capacity metrics app. Scheduled refreshes may be missing from it.
WITH used AS (
    SELECT
        COALESCE(capacity_id, '') AS capacity_key,
        local_date,
        local_hour,
        user_id,
        is_service,
        operation_group,
        activity_name,
        CASE WHEN activity_name = 'RefreshDataset' THEN 1 ELSE 0 END AS is_refresh
    FROM events
    WHERE operation_group IN ('VIEW', 'EXTERNAL') OR activity_name = 'RefreshDataset'
),
totals AS (
    SELECT
        capacity_key,
        COUNT(*) AS happened,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport' AND NOT is_service) AS views,
        COUNT(*) FILTER (
            WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport' AND NOT is_service
        ) AS other_views,
        COUNT(*) FILTER (WHERE operation_group = 'EXTERNAL' AND NOT is_service) AS external_uses,
        COUNT(DISTINCT CASE WHEN is_refresh = 0 AND NOT is_service THEN user_id END) AS users,
        SUM(is_refresh) AS refreshes,
        COUNT(*) FILTER (WHERE is_refresh = 0 AND is_service) AS service_events
    FROM used
    GROUP BY capacity_key
),
hours AS (
    SELECT capacity_key, local_date, local_hour, COUNT(*) AS happened
    FROM used
    GROUP BY capacity_key, local_date, local_hour
),
hours_of_day AS (
    SELECT capacity_key, local_hour, SUM(happened) AS happened
    FROM hours
    GROUP BY capacity_key, local_hour
),
ranked_hours_of_day AS (
    SELECT
        capacity_key AS busy_capacity,
        local_hour AS busy_hour,
        happened AS busy_events,
        ROW_NUMBER() OVER (
            PARTITION BY capacity_key ORDER BY 0 - happened, local_hour
        ) AS busy_place
    FROM hours_of_day
),
ranked_hours AS (
    SELECT
        capacity_key AS peak_capacity,
        local_date AS peak_date,
        local_hour AS peak_hour,
        happened AS peak_events,
        ROW_NUMBER() OVER (
            PARTITION BY capacity_key ORDER BY 0 - happened, local_date, local_hour
        ) AS peak_place
    FROM hours
),
named_capacities AS (SELECT capacity_id AS named_capacity, capacity_name FROM capacities)
SELECT
    CASE WHEN capacity_key = '' THEN '(unknown or app)'
        ELSE COALESCE(capacity_name, capacity_key) END AS capacity,
    views,
    users,
    external_uses AS external,
    refreshes,
    busy_hour,
    ROUND(FLOOR(CAST(busy_events AS DOUBLE) * 1000 / NULLIF(happened, 0) + 0.5) / 10, 1)
        AS busy_pct,
    CAST(peak_date AS STRING) || CASE WHEN peak_hour < 10 THEN ' 0' ELSE ' ' END
        || CAST(peak_hour AS STRING) || ':00' AS peak,
    peak_events,
    other_views,
    service_events,
    CASE WHEN capacity_key <> '' THEN capacity_key END AS capacity_id
FROM totals AS t
INNER JOIN ranked_hours_of_day AS b ON t.capacity_key = b.busy_capacity
INNER JOIN ranked_hours AS k ON t.capacity_key = k.peak_capacity
LEFT JOIN named_capacities AS n ON t.capacity_key = n.named_capacity
WHERE busy_place = 1 AND peak_place = 1
ORDER BY
    views DESC NULLS LAST,
    users DESC NULLS LAST,
    refreshes DESC NULLS LAST,
    capacity_key NULLS LAST
LIMIT :top
