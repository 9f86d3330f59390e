-- title: Consumption over time
-- question: Is content opened more or less than before, by how many people?
-- actors: people
-- chart: lines views, viewers over date
-- param grain: choice(day|week|month) = day, one row a day, an ISO week or a month
-- column date: the day; of a week or month, its first day in the period
-- column views: how often reports were opened (ViewReport)
-- column viewers: different people who opened a report or a dashboard
-- column reports: different reports that were opened
-- column dashboard_views: how often dashboards were opened (ViewDashboard)
-- column mean_7d: mean views of the 7 days that end with the day; only in rows of a day
-- column change_pct: views against the row before, in percent, over the same complete days of both
-- column verdict: how well the archive covers it: complete, partial, cut or missing
-- column complete_days: complete days of it in the period
-- column days: days of it in the period, as far as the archive reaches
-- rule: The change compares equal days: of weeks the same weekdays, of months the same days of the
--   month, and of those only the ones that are complete in both. A running week is so compared with
--   as much of the week before. Where there is no such pair of days, or no views before, it is
--   empty. It looks back before the period.
-- rule: From day to day the change is mostly that of weekdays, Monday against Sunday; mean_7d is
--   free of it, and so is the change of weeks.
-- rule: mean_7d is empty unless all 7 days are complete. It looks back before the period.
-- rule: A missing day has no numbers, and neither has a partial or cut day on which nothing is
--   known to have been opened. The verdict of a week or month is that of its days if they all have
--   the same, else partial.
-- limit: Turning a page writes no event, and how long something was open is not in this log.
WITH calendar AS (
    SELECT
        day,
        day_number,
        verdict,
        is_complete,
        in_period,
        CASE :grain WHEN 'week' THEN week WHEN 'month' THEN month
            ELSE CAST(day_number AS STRING) END AS bucket,
        CASE :grain WHEN 'week' THEN weekday WHEN 'month' THEN CAST(EXTRACT(DAY FROM day) AS BIGINT)
            ELSE 0 END AS place_in_bucket
    FROM history_days
),
opened AS (
    SELECT local_day_number, activity_name, user_id, report_id, in_period
    FROM history
    WHERE activity_name IN ('ViewReport', 'ViewDashboard')
),
daily AS (
    SELECT
        local_day_number AS opened_day,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views
    FROM opened
    GROUP BY local_day_number
),
counted AS (
    SELECT
        c.*,
        DENSE_RANK() OVER (ORDER BY c.bucket) AS bucket_number,
        COALESCE(d.views, 0) AS views,
        CASE WHEN d.views IS NULL THEN 0 ELSE 1 END AS is_opened,
        CASE WHEN c.is_complete THEN 0 ELSE 1 END AS is_open
    FROM calendar AS c
    LEFT JOIN daily AS d ON c.day_number = d.opened_day
),
running AS (
    SELECT
        *,
        SUM(views) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS views_so_far,
        SUM(is_open) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS open_so_far,
        ROW_NUMBER() OVER (ORDER BY day_number) AS days_so_far
    FROM counted
),
-- The sum of 7 days is what has come up to the day less what had come up to 7 days before it.
moving AS (
    SELECT
        *,
        views_so_far - COALESCE(LAG(views_so_far, 7) OVER (ORDER BY day_number), 0) AS views_in_7,
        open_so_far - COALESCE(LAG(open_so_far, 7) OVER (ORDER BY day_number), 0) AS open_in_7
    FROM running
),
-- The complete days once more, each with the number of the row that it is compared with.
earlier AS (
    SELECT bucket_number + 1 AS next_number, place_in_bucket AS same_place, views AS views_then
    FROM counted
    WHERE is_complete
),
pairs AS (
    SELECT
        n.bucket AS compared_bucket,
        SUM(n.views) AS views_now,
        SUM(e.views_then) AS views_before
    FROM counted AS n
    INNER JOIN earlier AS e
        ON n.bucket_number = e.next_number AND n.place_in_bucket = e.same_place
    WHERE n.in_period AND n.is_complete
    GROUP BY n.bucket
),
people AS (
    SELECT
        c.bucket AS opened_bucket,
        COUNT(DISTINCT o.user_id) AS viewers,
        COUNT(DISTINCT CASE WHEN o.activity_name = 'ViewReport' THEN o.report_id END) AS reports,
        COUNT(*) FILTER (WHERE o.activity_name = 'ViewDashboard') AS dashboard_views
    FROM opened AS o
    INNER JOIN calendar AS c ON o.local_day_number = c.day_number
    WHERE o.in_period
    GROUP BY c.bucket
),
buckets AS (
    SELECT
        bucket,
        MIN(day) AS first_day,
        SUM(views) AS views,
        MAX(CASE WHEN :grain = 'day' AND open_in_7 = 0 AND days_so_far >= 7 THEN views_in_7 END)
            AS views_in_7,
        COUNT(*) FILTER (WHERE is_complete) AS complete_days,
        COUNT(*) FILTER (WHERE is_complete OR is_opened = 1) AS known_days,
        COUNT(*) AS days_in_period,
        MIN(verdict) AS lowest_verdict,
        MAX(verdict) AS highest_verdict
    FROM moving
    WHERE in_period
    GROUP BY bucket
)
SELECT
    first_day AS date,
    CASE WHEN known_days > 0 THEN b.views END AS views,
    CASE WHEN known_days > 0 THEN COALESCE(viewers, 0) END AS viewers,
    CASE WHEN known_days > 0 THEN COALESCE(reports, 0) END AS reports,
    CASE WHEN known_days > 0 THEN COALESCE(dashboard_views, 0) END AS dashboard_views,
    ROUND(FLOOR(CAST(views_in_7 AS DOUBLE) * 10 / 7 + 0.5) / 10, 1) AS mean_7d,
    ROUND(
        FLOOR(CAST(views_now - views_before AS DOUBLE) * 1000 / NULLIF(views_before, 0) + 0.5) / 10,
        1
    ) AS change_pct,
    CASE WHEN lowest_verdict = highest_verdict THEN lowest_verdict ELSE 'partial' END AS verdict,
    complete_days,
    days_in_period AS days
FROM buckets AS b
LEFT JOIN people AS p ON b.bucket = p.opened_bucket
LEFT JOIN pairs AS c ON b.bucket = c.compared_bucket
ORDER BY date NULLS LAST
