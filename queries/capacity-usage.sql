-- title: Capacity usage
-- question: How much is each capacity used, by how many people, and when is it busiest?
-- group: Platform health
-- alias: capacities
-- alias: capacity
-- actors: all
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, users, external_queries, refreshes by capacity, capacity_id
-- total: views, external_queries, refreshes, other_views, service_events
-- column capacity: latest name of the capacity; (unknown or app) for events without a capacity
-- column views: report views by people (ViewReport)
-- column users: distinct people who viewed content or queried it from external tools
-- column external_queries: queries by people from external tools, for example Excel
-- column refreshes: requested refreshes of semantic models, by people and service principals
-- column busiest_hour: hour of the day (0 to 23, in the time zone of the report) with the most
--   activity
-- column busiest_hour_pct: share of the activity in that hour of the day, in percent
-- column peak_start: start of the single hour of the period with the most events
-- column peak_events: views, external queries and refreshes in that hour
-- column other_views: views by people of other content: dashboards, tiles, dataflows and more
-- column service_events: views and external queries by service principals and system accounts
-- column capacity_id: ID of the capacity, one row each
-- rule: Views are the activities of the group VIEW, external queries those of EXTERNAL, and
--   refreshes RefreshDataset. The hours count all of them, by people and service principals.
-- rule: An hour that occurs twice when clocks go back is two hours for peak_start.
-- rule: If several hours are equally busy, the earliest is shown.
-- rule: Views in an app and content without a capacity name no capacity. Both are in the row
--   (unknown or app).
-- limit: The log counts activities, not their cost. Capacity units and throttling are in the
--   Microsoft Fabric Capacity Metrics app. Scheduled refreshes can be missing from the log.
WITH used AS (
    SELECT
        COALESCE(capacity_id, '') AS capacity_key,
        local_date,
        local_hour,
        hour_start_us,
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
        COUNT(*) AS event_count,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport' AND NOT is_service) AS views,
        COUNT(*) FILTER (
            WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport' AND NOT is_service
        ) AS other_views,
        COUNT(*) FILTER (WHERE operation_group = 'EXTERNAL' AND NOT is_service) AS external_queries,
        COUNT(DISTINCT CASE WHEN is_refresh = 0 AND NOT is_service THEN user_id END) AS users,
        SUM(is_refresh) AS refreshes,
        COUNT(*) FILTER (WHERE is_refresh = 0 AND is_service) AS service_events
    FROM used
    GROUP BY capacity_key
),
hours AS (
    SELECT capacity_key, local_date, local_hour, hour_start_us, COUNT(*) AS event_count
    FROM used
    GROUP BY capacity_key, local_date, local_hour, hour_start_us
),
hours_of_day AS (
    SELECT capacity_key, local_hour, SUM(event_count) AS event_count
    FROM hours
    GROUP BY capacity_key, local_hour
),
ranked_hours_of_day AS (
    SELECT
        capacity_key AS busiest_capacity,
        local_hour AS busiest_hour,
        event_count AS busiest_hour_events,
        ROW_NUMBER() OVER (
            PARTITION BY capacity_key ORDER BY 0 - event_count, local_hour
        ) AS busiest_place
    FROM hours_of_day
),
ranked_hours AS (
    SELECT
        capacity_key AS peak_capacity,
        local_date AS peak_date,
        local_hour AS peak_hour,
        event_count AS peak_events,
        ROW_NUMBER() OVER (
            PARTITION BY capacity_key ORDER BY 0 - event_count, hour_start_us
        ) AS peak_place
    FROM hours
),
named_capacities AS (SELECT capacity_id AS named_capacity, capacity_name FROM capacities)
SELECT
    CASE WHEN capacity_key = '' THEN '(unknown or app)'
        ELSE COALESCE(capacity_name, capacity_key) END AS capacity,
    views,
    users,
    external_queries,
    refreshes,
    busiest_hour,
    ROUND(
        FLOOR(CAST(busiest_hour_events AS DOUBLE) * 1000 / NULLIF(event_count, 0) + 0.5) / 10, 1
    ) AS busiest_hour_pct,
    CAST(peak_date AS STRING) || CASE WHEN peak_hour < 10 THEN ' 0' ELSE ' ' END
        || CAST(peak_hour AS STRING) || ':00' AS peak_start,
    peak_events,
    other_views,
    service_events,
    CASE WHEN capacity_key <> '' THEN capacity_key END AS capacity_id
FROM totals AS t
INNER JOIN ranked_hours_of_day AS b ON t.capacity_key = b.busiest_capacity
INNER JOIN ranked_hours AS k ON t.capacity_key = k.peak_capacity
LEFT JOIN named_capacities AS n ON t.capacity_key = n.named_capacity
WHERE busiest_place = 1 AND peak_place = 1
ORDER BY
    views DESC NULLS LAST,
    users DESC NULLS LAST,
    refreshes DESC NULLS LAST,
    capacity_key NULLS LAST
LIMIT :top
