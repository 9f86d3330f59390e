-- title: How people open content
-- question: Do people use the web, the phone or other programs, and which browsers and systems?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column kind: what the views are parted by: method, browser or system
-- column name: the method, the browser or the operating system
-- column views: how often reports were opened so (ViewReport)
-- column share_pct: views and dashboard_views of all of them, in percent
-- column viewers: different people who opened a report or a dashboard so
-- column viewers_pct: these viewers of all viewers, in percent
-- column dashboard_views: how often dashboards were opened so (ViewDashboard)
-- rule: The same views are parted three times, so each of the three blocks adds up to all views and
--   to 100 percent.
-- rule: The method is what the log writes (ConsumptionMethod). Where it writes none, the user agent
--   may prove one: Excel, the phone app, Power Query or PowerShell. Browser and system are from the
--   user agent. What neither tells is (not told).
-- rule: Somebody who uses two is a viewer of both, so viewers_pct can add up to more than 100.
-- limit: A user agent says what a program chooses to say; some are cut or empty.
WITH opened AS (
    SELECT
        COALESCE(consumption_method, '(not told)') AS method,
        COALESCE(browser, '(not told)') AS browser_name,
        COALESCE(os, '(not told)') AS os_name,
        user_id,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(*) FILTER (WHERE activity_name = 'ViewDashboard') AS dashboard_views
    FROM events
    WHERE activity_name IN ('ViewReport', 'ViewDashboard')
    GROUP BY
        COALESCE(consumption_method, '(not told)'),
        COALESCE(browser, '(not told)'),
        COALESCE(os, '(not told)'),
        user_id
),
parted AS (
    SELECT 1 AS block, 'method' AS kind, method AS name, user_id, views, dashboard_views
    FROM opened
    UNION ALL
    SELECT 2 AS block, 'browser' AS kind, browser_name AS name, user_id, views, dashboard_views
    FROM opened
    UNION ALL
    SELECT 3 AS block, 'system' AS kind, os_name AS name, user_id, views, dashboard_views
    FROM opened
),
counted AS (
    SELECT
        block,
        kind,
        name,
        SUM(views) AS views,
        SUM(dashboard_views) AS dashboard_views,
        SUM(views + dashboard_views) AS opens,
        COUNT(DISTINCT user_id) AS viewers
    FROM parted
    GROUP BY block, kind, name
),
everything AS (
    SELECT SUM(views + dashboard_views) AS all_opens, COUNT(DISTINCT user_id) AS all_viewers
    FROM opened
)
SELECT
    kind,
    name,
    views,
    ROUND(FLOOR(CAST(opens AS DOUBLE) * 1000 / NULLIF(all_opens, 0) + 0.5) / 10, 1) AS share_pct,
    viewers,
    ROUND(FLOOR(CAST(viewers AS DOUBLE) * 1000 / NULLIF(all_viewers, 0) + 0.5) / 10, 1)
        AS viewers_pct,
    dashboard_views
FROM counted AS c
CROSS JOIN everything AS a
ORDER BY
    block NULLS LAST,
    opens DESC NULLS LAST,
    viewers DESC NULLS LAST,
    name NULLS LAST
LIMIT :top
