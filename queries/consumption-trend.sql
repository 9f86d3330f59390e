-- title: Views over time
-- question: Is content viewed more or less than before, and by how many people?
-- group: Usage
-- alias: trend
-- alias: views
-- alias: views-over-time
-- actors: people
-- chart: lines views, viewers over date
-- param grain: choice(day|week|month) = day, length of a row: a day, an ISO week or a month
-- total: views, dashboard_views
-- column date: the day; for weeks and months, their first day in the period
-- column views: report views (ViewReport)
-- column viewers: distinct people who viewed a report or dashboard
-- column reports: distinct reports viewed; reports without an ID count by name
-- column dashboard_views: dashboard views (ViewDashboard)
-- column avg_7d: average views per day over the 7 days that end with the day; only if a row is a
--   day
-- column change_pct: change of views in percent, over the days that are complete in both spans:
--   from the previous week or month; for a day, from the same weekday of the week before
-- column status: data coverage: `complete`, `partial`, `truncated` or `missing`
-- column complete_days: complete days of the row in the period
-- column days: days of the row in the period
-- rule: change_pct compares equally many days of each weekday: a day with the same weekday of the
--   week before, the same weekdays of two weeks, and the first Monday of a month with the first
--   Monday of the month before. Only days that are complete in both count, so a running week is
--   compared with the same part of the previous week. It is empty without such days or without
--   views before. It looks back before the period.
-- rule: avg_7d is empty unless all 7 days are complete. It looks back before the period.
-- rule: A missing day has no values, nor has a partial or truncated day without known views. For
--   weeks and months, the status is that of the days if they all agree, and otherwise partial.
-- compares change_pct: the days of the row with the same weekdays of the span before
-- limit: The log does not record page changes or viewing time.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
-- The views of each day of the log, also of days outside the period.
viewed_ever AS (
    SELECT
        --by COALESCE(a.attribute_value, '(not mapped)') AS daily_value,
        h.local_epoch_day AS viewed_day,
        h.activity_name
    FROM history AS h
    --by LEFT JOIN person_values AS a ON h.user_id = a.address
    WHERE h.activity_name IN ('ViewReport', 'ViewDashboard')
),
daily AS (
    SELECT
        --by daily_value,
        viewed_day,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views
    FROM viewed_ever
    GROUP BY
        --by daily_value,
        viewed_day
),
--by listed_values AS (
--by     SELECT daily_value AS by_attribute FROM daily GROUP BY daily_value
--by ),
viewed AS (
    SELECT
        --by COALESCE(a.attribute_value, '(not mapped)') AS viewer_value,
        e.local_epoch_day,
        e.activity_name,
        e.user_id,
        COALESCE(e.report_id, NULLIF(e.ReportName, '')) AS report_key
    FROM events AS e
    --by LEFT JOIN person_values AS a ON e.user_id = a.address
    WHERE e.activity_name IN ('ViewReport', 'ViewDashboard')
),
calendar AS (
    SELECT
        --by by_attribute,
        day,
        epoch_day,
        status,
        is_complete,
        complete_run,
        in_period,
        CASE :grain WHEN 'week' THEN week WHEN 'month' THEN month
            ELSE CAST(epoch_day AS STRING) END AS bucket,
        -- The weekday, and in a month also its number: 1 for the first Monday, 2 for the second.
        CASE WHEN :grain = 'month'
            THEN weekday + 10 * CAST(CEIL(CAST(EXTRACT(DAY FROM day) AS DOUBLE) / 7) AS BIGINT)
            ELSE weekday END AS place_in_bucket
    FROM history_days
    --by CROSS JOIN listed_values
),
counted AS (
    SELECT
        c.*,
        DENSE_RANK() OVER (ORDER BY c.bucket) AS bucket_number,
        COALESCE(d.views, 0) AS views,
        CASE WHEN d.views IS NULL THEN 0 ELSE 1 END AS has_views
    FROM calendar AS c
    LEFT JOIN daily AS d
        ON c.epoch_day = d.viewed_day
        --by AND c.by_attribute = d.daily_value
),
running AS (
    SELECT
        *,
        SUM(views) OVER (
            --by PARTITION BY by_attribute
            ORDER BY epoch_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS views_so_far
    FROM counted
),
-- The sum of 7 days is the running total minus the running total of 7 days earlier.
moving AS (
    SELECT
        *,
        views_so_far - COALESCE(LAG(views_so_far, 7) OVER (
            --by PARTITION BY by_attribute
            ORDER BY epoch_day
        ), 0) AS views_in_7
    FROM running
),
-- The complete days again, each with the number of the row to compare it with. For days, that is
-- the row of a week later.
earlier AS (
    SELECT
        --by by_attribute AS earlier_value,
        CASE WHEN :grain = 'day' THEN bucket_number + 7 ELSE bucket_number + 1 END AS next_number,
        place_in_bucket AS same_place,
        views AS views_then
    FROM counted
    WHERE is_complete
),
pairs AS (
    SELECT
        --by n.by_attribute AS compared_value,
        n.bucket AS compared_bucket,
        SUM(n.views) AS views_now,
        SUM(e.views_then) AS views_before
    FROM counted AS n
    INNER JOIN earlier AS e
        ON n.bucket_number = e.next_number AND n.place_in_bucket = e.same_place
        --by AND n.by_attribute = e.earlier_value
    WHERE n.in_period AND n.is_complete
    GROUP BY
        --by n.by_attribute,
        n.bucket
),
viewers_by_bucket AS (
    SELECT
        --by c.by_attribute AS viewed_value,
        c.bucket AS viewed_bucket,
        COUNT(DISTINCT v.user_id) AS viewers,
        COUNT(DISTINCT CASE WHEN v.activity_name = 'ViewReport' THEN v.report_key END) AS reports,
        COUNT(*) FILTER (WHERE v.activity_name = 'ViewDashboard') AS dashboard_views
    FROM viewed AS v
    INNER JOIN calendar AS c
        ON v.local_epoch_day = c.epoch_day
        --by AND v.viewer_value = c.by_attribute
    GROUP BY
        --by c.by_attribute,
        c.bucket
),
buckets AS (
    SELECT
        --by by_attribute,
        bucket,
        MIN(day) AS first_day,
        SUM(views) AS views,
        MAX(CASE WHEN :grain = 'day' AND complete_run >= 7 THEN views_in_7 END) AS views_in_7,
        COUNT(*) FILTER (WHERE is_complete) AS complete_days,
        COUNT(*) FILTER (WHERE is_complete OR has_views = 1) AS known_days,
        COUNT(*) AS days_in_period,
        MIN(status) AS lowest_status,
        MAX(status) AS highest_status
    FROM moving
    WHERE in_period
    GROUP BY
        --by by_attribute,
        bucket
)
SELECT
    --by by_attribute,
    first_day AS date,
    CASE WHEN known_days > 0 THEN b.views END AS views,
    CASE WHEN known_days > 0 THEN COALESCE(viewers, 0) END AS viewers,
    CASE WHEN known_days > 0 THEN COALESCE(reports, 0) END AS reports,
    CASE WHEN known_days > 0 THEN COALESCE(dashboard_views, 0) END AS dashboard_views,
    ROUND(FLOOR(CAST(views_in_7 AS DOUBLE) * 10 / 7 + 0.5) / 10, 1) AS avg_7d,
    ROUND(
        FLOOR(CAST(views_now - views_before AS DOUBLE) * 1000 / NULLIF(views_before, 0) + 0.5) / 10,
        1
    ) AS change_pct,
    CASE WHEN lowest_status = highest_status THEN lowest_status ELSE 'partial' END AS status,
    complete_days,
    days_in_period AS days
FROM buckets AS b
LEFT JOIN viewers_by_bucket AS p
    ON b.bucket = p.viewed_bucket
    --by AND b.by_attribute = p.viewed_value
LEFT JOIN pairs AS c
    ON b.bucket = c.compared_bucket
    --by AND b.by_attribute = c.compared_value
ORDER BY
    date NULLS LAST
    --by , by_attribute NULLS LAST
