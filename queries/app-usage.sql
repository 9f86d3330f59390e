-- title: Use of apps
-- question: Which apps are installed and used, by how many people, and when were they published?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column rank: place in the order by views, viewers, installs and last view
-- column app: latest name of the app; its id where it never had one
-- column views: how often reports were opened in it (ViewReport that names the app)
-- column viewers: different people who opened reports or dashboards in it
-- column installs: different people who installed it in the period (InstallApp)
-- column reports: different reports of it that were opened
-- column dashboard_views: how often dashboards were opened in it
-- column active_days: days on which something was opened in it
-- column last_view: when something was last opened in it
-- column publishes: how often it was created or updated (CreateApp, UpdateApp)
-- column last_published: when that was last done in the whole archive
-- column unpublished: when it was taken back (UnpublishApp), if it was not published again since
-- column app_id: the id that the rows are grouped by; empty where events give the name alone
-- rule: An app is opened if the event names it as AppId. The same report opened in its workspace
--   does not count here.
-- rule: last_published and unpublished look back before the period, as far as the archive does, and
--   not beyond the last day of the period.
-- rule: Listed is every app of which something was opened, installed, published or taken back in
--   the period.
-- rule: An event may give the name of the app alone. It counts for the app that has this name,
--   if there is just one; else it is a row of that name without an id, or (unknown).
-- limit: An organisation can install apps for its people, without an InstallApp of theirs, so there
--   can be more viewers than installs. Apps of the Power Platform are not meant.
WITH names_of_one AS (
    SELECT app_name AS lone_name, MIN(app_id) AS lone_app
    FROM apps
    GROUP BY app_name
    HAVING COUNT(*) = 1
),
used AS (
    SELECT
        COALESCE(e.app_id, n.lone_app) AS app_id,
        CASE WHEN e.app_id IS NULL AND n.lone_app IS NULL THEN NULLIF(e.AppName, '') END
            AS only_name,
        e.user_id,
        e.report_id,
        e.local_date,
        e.activity_name,
        e.CreationTime AS used_at,
        e.time_us,
        e.activity_name IN ('ViewReport', 'ViewDashboard') AS is_view
    FROM events AS e
    LEFT JOIN names_of_one AS n ON e.AppName = n.lone_name
    WHERE e.activity_name IN ('InstallApp', 'CreateApp', 'UpdateApp', 'UnpublishApp')
        OR (e.activity_name IN ('ViewReport', 'ViewDashboard') AND e.app_id IS NOT NULL)
),
totals AS (
    SELECT
        app_id,
        only_name,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(DISTINCT CASE WHEN is_view THEN user_id END) AS viewers,
        COUNT(DISTINCT CASE WHEN activity_name = 'InstallApp' THEN user_id END) AS installs,
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_id END)
            AS reports_opened,
        COUNT(*) FILTER (WHERE activity_name = 'ViewDashboard') AS dashboard_views,
        COUNT(DISTINCT CASE WHEN is_view THEN local_date END) AS active_days,
        MAX(CASE WHEN is_view THEN used_at END) AS last_view,
        COALESCE(MAX(CASE WHEN is_view THEN time_us END), 0) AS last_us,
        COUNT(*) FILTER (WHERE activity_name IN ('CreateApp', 'UpdateApp')) AS publishes
    FROM used
    GROUP BY app_id, only_name
),
lives AS (
    SELECT
        COALESCE(e.app_id, n.lone_app, '') AS published_app,
        CASE WHEN e.app_id IS NULL AND n.lone_app IS NULL THEN COALESCE(e.AppName, '') ELSE '' END
            AS published_name,
        MAX(CASE WHEN activity_name <> 'UnpublishApp' THEN CreationTime END) AS last_published,
        MAX(CASE WHEN activity_name = 'UnpublishApp' THEN CreationTime END) AS last_unpublished
    FROM history AS e
    CROSS JOIN period AS p
    LEFT JOIN names_of_one AS n ON e.AppName = n.lone_name
    WHERE activity_name IN ('CreateApp', 'UpdateApp', 'UnpublishApp')
        AND local_day_number <= last_day_number
    GROUP BY
        COALESCE(e.app_id, n.lone_app, ''),
        CASE WHEN e.app_id IS NULL AND n.lone_app IS NULL THEN COALESCE(e.AppName, '') ELSE '' END
),
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        0 - installs AS by_installs,
        0 - last_us AS by_age,
        CASE WHEN app_id IS NULL THEN 1 ELSE 0 END AS no_app,
        COALESCE(app_id, '') AS by_app,
        COALESCE(only_name, '') AS by_name
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY by_views, by_viewers, by_installs, by_age, no_app, by_app, by_name
        ) AS place
    FROM keyed
),
named_apps AS (SELECT app_id AS named_app, app_name FROM apps)
SELECT
    place AS rank,
    COALESCE(app_name, app_id, only_name, '(unknown)') AS app,
    views,
    viewers,
    installs,
    reports_opened AS reports,
    dashboard_views,
    active_days,
    last_view,
    publishes,
    last_published,
    CASE WHEN last_published IS NULL OR last_published < last_unpublished THEN last_unpublished END
        AS unpublished,
    app_id
FROM ranked AS t
LEFT JOIN lives AS l ON t.by_app = l.published_app AND t.by_name = l.published_name
LEFT JOIN named_apps AS n ON t.app_id = n.named_app
ORDER BY place NULLS LAST
LIMIT :top
