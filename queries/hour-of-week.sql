-- title: Hours of the week
-- question: On which days and at which hours is content opened?
-- actors: people
-- chart: heat views_per_day over hour by weekday
-- column weekday: day of the week
-- column hour: hour of the day, 0 to 23, on the clocks of the zone
-- column views_per_day: views and other_views of the hour on one such weekday, on average
-- column viewers: different people who opened something in that hour of the week
-- column views: how often reports were opened in it (ViewReport)
-- column other_views: how often anything else was opened: dashboards, tiles, dataflows and so on
-- column held_days: such weekdays in the period of which the archive holds something
-- column weekday_number: 1 for Monday to 7 for Sunday
-- rule: To open is any activity of the group VIEW. The average is over held_days, so that a weekday
--   that the period has five times can be compared with one that it has four times.
-- rule: Each weekday of the period has 24 rows, with 0 where nothing was opened. If all such days
--   are missing, they have no numbers.
-- rule: Days that the archive holds only in part count as days, and lower the average a little.
-- rule: When clocks go forward, one Sunday has no such hour at night; when they go back, it has one
--   twice.
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
        COUNT(*) FILTER (WHERE verdict <> 'missing') AS held_days
    FROM days
    GROUP BY weekday
),
opened AS (
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
    SELECT w.weekday_number, w.held_days, CAST(h.hour AS BIGINT) AS hour
    FROM weekdays AS w
    CROSS JOIN hours AS h
),
counted AS (
    SELECT
        c.weekday_number,
        c.hour,
        c.held_days,
        CASE WHEN c.held_days > 0 THEN COALESCE(o.viewers, 0) END AS viewers,
        CASE WHEN c.held_days > 0 THEN COALESCE(o.views, 0) END AS views,
        CASE WHEN c.held_days > 0 THEN COALESCE(o.other_views, 0) END AS other_views
    FROM cells AS c
    LEFT JOIN opened AS o ON c.weekday_number = o.local_weekday AND c.hour = o.local_hour
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
    ROUND(FLOOR(CAST(views + other_views AS DOUBLE) * 10 / NULLIF(held_days, 0) + 0.5) / 10, 1)
        AS views_per_day,
    viewers,
    views,
    other_views,
    held_days,
    weekday_number
FROM counted
ORDER BY weekday_number NULLS LAST, hour NULLS LAST
