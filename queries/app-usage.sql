-- title: App usage
-- question: Which apps are installed and used, by how many people, and when were they published?
-- group: Usage
-- alias: apps
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, installs by app, app_id
-- total: views, dashboard_views, publishes
-- column rank: position by views, viewers, installs and last view
-- column app: latest name of the app, or its ID if it never had a name
-- column views: report views in the app (ViewReport events that name the app)
-- column viewers: distinct people who viewed reports or dashboards in the app
-- column installs: distinct people who installed the app in the period (InstallApp)
-- column reports: distinct reports viewed in the app; reports without an ID count by name
-- column dashboard_views: dashboard views in the app
-- column active_days: days with views in the app
-- column last_view: time of the last view in the app
-- column publishes: number of times the app was created or updated (CreateApp, UpdateApp)
-- column last_published: time of the last creation or update in the stored log
-- column unpublished_at: time at which the app was unpublished (UnpublishApp), if it was not
--   published again
-- column app_id: ID of the app, one row each; empty if events contain only the name
-- rule: A view belongs to an app if the event names the app in AppId. Views of the same report in
--   its workspace do not count.
-- rule: last_published and unpublished_at look back before the period, as far as the stored log
--   does. Events after the last day of the period do not count.
-- rule: Failed installations and publications are not counted.
-- rule: Listed are all apps that were viewed, installed, published or unpublished in the period.
-- rule: An event can contain only the name of an app. It counts for the app with this name if there
--   is exactly one. Otherwise it is in a row with that name and no ID, or in the row (unknown).
-- limit: An organization can install apps for its users without InstallApp events, so there can be
--   more viewers than installs. Apps of the Power Platform are in power-apps-usage.
WITH unique_names AS (
    SELECT app_name AS unique_name, MIN(app_id) AS unique_app
    FROM apps
    GROUP BY app_name
    HAVING COUNT(*) = 1
),
used AS (
    SELECT
        COALESCE(e.app_id, n.unique_app) AS app_id,
        CASE WHEN e.app_id IS NULL AND n.unique_app IS NULL THEN NULLIF(e.AppName, '') END
            AS only_name,
        e.user_id,
        COALESCE(e.report_id, NULLIF(e.ReportName, '')) AS report_key,
        e.local_date,
        e.activity_name,
        e.CreationTime AS used_at,
        e.epoch_us,
        e.activity_name IN ('ViewReport', 'ViewDashboard') AS is_view
    FROM events AS e
    LEFT JOIN unique_names AS n ON e.AppName = n.unique_name
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
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_key END)
            AS reports_viewed,
        COUNT(*) FILTER (WHERE activity_name = 'ViewDashboard') AS dashboard_views,
        COUNT(DISTINCT CASE WHEN is_view THEN local_date END) AS active_days,
        MAX(CASE WHEN is_view THEN used_at END) AS last_view,
        COALESCE(MAX(CASE WHEN is_view THEN epoch_us END), 0) AS last_us,
        COUNT(*) FILTER (WHERE activity_name IN ('CreateApp', 'UpdateApp')) AS publishes
    FROM used
    GROUP BY app_id, only_name
),
publications AS (
    SELECT
        COALESCE(e.app_id, n.unique_app, '') AS published_app,
        CASE WHEN e.app_id IS NULL AND n.unique_app IS NULL THEN COALESCE(e.AppName, '') ELSE '' END
            AS published_name,
        MAX(CASE WHEN activity_name <> 'UnpublishApp' THEN CreationTime END) AS last_published,
        MAX(CASE WHEN activity_name = 'UnpublishApp' THEN CreationTime END) AS last_unpublished
    FROM history AS e
    CROSS JOIN period AS p
    LEFT JOIN unique_names AS n ON e.AppName = n.unique_name
    WHERE activity_name IN ('CreateApp', 'UpdateApp', 'UnpublishApp')
        AND local_epoch_day <= p.last_epoch_day
    GROUP BY
        COALESCE(e.app_id, n.unique_app, ''),
        CASE WHEN e.app_id IS NULL AND n.unique_app IS NULL THEN COALESCE(e.AppName, '') ELSE '' END
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
    reports_viewed AS reports,
    dashboard_views,
    active_days,
    last_view,
    publishes,
    last_published,
    CASE WHEN last_published IS NULL OR last_published < last_unpublished THEN last_unpublished END
        AS unpublished_at,
    app_id
FROM ranked AS t
LEFT JOIN publications AS l ON t.by_app = l.published_app AND t.by_name = l.published_name
LEFT JOIN named_apps AS n ON t.app_id = n.named_app
ORDER BY place NULLS LAST
LIMIT :top
