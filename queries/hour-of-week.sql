-- title: Views by hour and weekday
-- question: On which days and at which hours is content viewed?
-- group: Usage
-- alias: heatmap
-- alias: hours
-- alias: peak-hours
-- actors: people
-- chart: heat views_per_day over hour by weekday
-- total: views, other_views
-- column weekday: day of the week
-- column hour: hour of the day, 0 to 23, in the time zone of the report
-- column views_per_day: average of views and other_views in this hour, per day with data
-- column viewers: distinct people who viewed content in this hour of the week
-- column views: report views (ViewReport)
-- column other_views: views of other content: dashboards, tiles, dataflows and more
-- column days_with_data: days of the period with this weekday and with data
-- column weekday_number: 1 (Monday) to 7 (Sunday)
-- rule: A view is any activity of the group VIEW. The average is over days_with_data, so a weekday
--   that occurs five times in the period can be compared with one that occurs four times.
-- rule: Each weekday of the period has 24 rows, with 0 for hours without views. If all such days
--   are missing, the values are empty.
-- rule: Partial days count as days with data and lower the average slightly.
-- rule: When clocks go forward, one Sunday lacks an hour at night. When they go back, one hour
--   occurs twice.
WITH quarters AS (
    SELECT 0 AS start
    UNION ALL SELECT 6 AS start
    UNION ALL SELECT 12 AS start
    UNION ALL SELECT 18 AS start
),
steps AS (
    SELECT 0 AS step
    UNION ALL SELECT 1 AS step
    UNION ALL SELECT 2 AS step
    UNION ALL SELECT 3 AS step
    UNION ALL SELECT 4 AS step
    UNION ALL SELECT 5 AS step
),
hours AS (SELECT q.start + s.step AS hour FROM quarters AS q CROSS JOIN steps AS s),
weekdays AS (
    SELECT
        weekday AS weekday_number,
        COUNT(*) FILTER (WHERE status <> 'missing') AS days_with_data
    FROM days
    GROUP BY weekday
),
viewed AS (
    SELECT
        local_weekday,
        local_hour,
        COUNT(DISTINCT user_id) AS viewers,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(*) FILTER (WHERE activity_name <> 'ViewReport') AS other_views
    FROM events
    WHERE operation_group = 'VIEW'
    GROUP BY local_weekday, local_hour
),
cells AS (
    SELECT w.weekday_number, w.days_with_data, CAST(h.hour AS BIGINT) AS hour
    FROM weekdays AS w
    CROSS JOIN hours AS h
),
counted AS (
    SELECT
        c.weekday_number,
        c.hour,
        c.days_with_data,
        CASE WHEN c.days_with_data > 0 THEN COALESCE(v.viewers, 0) END AS viewers,
        CASE WHEN c.days_with_data > 0 THEN COALESCE(v.views, 0) END AS views,
        CASE WHEN c.days_with_data > 0 THEN COALESCE(v.other_views, 0) END AS other_views
    FROM cells AS c
    LEFT JOIN viewed AS v ON c.weekday_number = v.local_weekday AND c.hour = v.local_hour
)
SELECT
    CASE weekday_number
        WHEN 1 THEN 'Mon'
        WHEN 2 THEN 'Tue'
        WHEN 3 THEN 'Wed'
        WHEN 4 THEN 'Thu'
        WHEN 5 THEN 'Fri'
        WHEN 6 THEN 'Sat'
        ELSE 'Sun'
    END AS weekday,
    hour,
    ROUND(FLOOR(CAST(views + other_views AS DOUBLE) * 10 / NULLIF(days_with_data, 0) + 0.5) / 10, 1)
        AS views_per_day,
    viewers,
    views,
    other_views,
    days_with_data,
    weekday_number
FROM counted
ORDER BY weekday_number NULLS LAST, hour NULLS LAST
