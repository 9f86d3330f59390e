-- title: How people access content
-- question: Do people use the web, mobile devices or other programs, and which browsers and
--   operating systems?
-- group: Usage
-- alias: access-methods
-- alias: browsers
-- alias: clients
-- alias: devices
-- alias: mobile
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, dashboard_views by breakdown, name
-- column breakdown: `method`, `browser` or `system`
-- column name: access method, browser or operating system
-- column views: report views (ViewReport)
-- column share_pct: share of all report and dashboard views, in percent
-- column viewers: distinct people who viewed a report or dashboard this way
-- column viewers_pct: share of all viewers, in percent
-- column dashboard_views: dashboard views (ViewDashboard)
-- rule: The same views are broken down three times. Each of the three blocks adds up to all views
--   and to 100 percent.
-- rule: The method comes from the log (ConsumptionMethod). If it is empty, the user agent can
--   identify Excel, the mobile app, Power Query or PowerShell. Browser and operating system come
--   from the user agent. Views without this information are (unknown).
-- rule: A person who uses two methods is a viewer of both, so viewers_pct can add up to more than
--   100.
-- limit: Programs choose the text of their user agent. Some are truncated or empty.
WITH viewed AS (
    SELECT
        COALESCE(consumption_method, '(unknown)') AS method,
        COALESCE(browser, '(unknown)') AS browser_name,
        COALESCE(os, '(unknown)') AS os_name,
        user_id,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(*) FILTER (WHERE activity_name = 'ViewDashboard') AS dashboard_views
    FROM events
    WHERE activity_name IN ('ViewReport', 'ViewDashboard')
    GROUP BY
        COALESCE(consumption_method, '(unknown)'),
        COALESCE(browser, '(unknown)'),
        COALESCE(os, '(unknown)'),
        user_id
),
broken_down AS (
    SELECT 1 AS block, 'method' AS breakdown, method AS name, user_id, views, dashboard_views
    FROM viewed
    UNION ALL
    SELECT 2 AS block, 'browser' AS breakdown, browser_name AS name, user_id, views, dashboard_views
    FROM viewed
    UNION ALL
    SELECT 3 AS block, 'system' AS breakdown, os_name AS name, user_id, views, dashboard_views
    FROM viewed
),
counted AS (
    SELECT
        block,
        breakdown,
        name,
        SUM(views) AS views,
        SUM(dashboard_views) AS dashboard_views,
        SUM(views + dashboard_views) AS all_views,
        COUNT(DISTINCT user_id) AS viewers
    FROM broken_down
    GROUP BY block, breakdown, name
),
grand_total AS (
    SELECT SUM(views + dashboard_views) AS total_views, COUNT(DISTINCT user_id) AS total_viewers
    FROM viewed
)
SELECT
    breakdown,
    name,
    views,
    ROUND(FLOOR(CAST(all_views AS DOUBLE) * 1000 / NULLIF(total_views, 0) + 0.5) / 10, 1)
        AS share_pct,
    viewers,
    ROUND(FLOOR(CAST(viewers AS DOUBLE) * 1000 / NULLIF(total_viewers, 0) + 0.5) / 10, 1)
        AS viewers_pct,
    dashboard_views
FROM counted AS c
CROSS JOIN grand_total AS a
ORDER BY
    block NULLS LAST,
    all_views DESC NULLS LAST,
    viewers DESC NULLS LAST,
    name NULLS LAST
LIMIT :top
