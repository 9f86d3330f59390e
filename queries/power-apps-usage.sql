-- title: Power Apps usage
-- question: Which Power Apps are launched, by how many people, and in which environment?
-- group: Power Platform
-- empty: No Power App was launched in this period.
-- alias: power-apps
-- alias: powerapps
-- log: power-platform
-- actors: people
-- chart: bars launches
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- total: launches
-- column app: latest name of the app, or its ID if it never had a name
-- column launches: number of launches
-- column users: distinct people who launched it
-- column user_days: distinct people per day, added up over the days
-- column last_launch: time of the last launch in the period
-- column environment: latest name of the environment, or its ID if it never had a name
-- column active_days: days with launches
-- column trend: user_days in the second half of the period divided by those in the first; empty if
--   the halves have no complete days with the same weekday, or the first half no launches
-- column first_launch: time of the first launch in the stored log
-- column app_id: ID of the app
-- column environment_id: ID of the environment
-- rule: A launch is LaunchPowerApp. The log itself can contain one launch several times under
--   different IDs, so launches are too high by an unknown factor. user_days and users do not have
--   this effect.
-- rule: The trend compares equally many complete days of each weekday in both halves of the period:
--   trend_half 1 and 2 of `days`.
-- compares trend: the two halves of the period
-- source: Microsoft Learn, Audit log activities; Microsoft Dataverse and model-driven apps activity
--   logging
-- limit: The log does not record how long an app was used, or for what. Launches of model-driven
--   apps are in the log of Dataverse.
WITH launched AS (
    SELECT
        COALESCE(PowerAppId, PowerAppName, '(unknown)') AS app_key,
        PowerAppId AS app_id,
        PowerAppName AS app_name_then,
        COALESCE(PlatformEnvironmentId, '') AS environment_key,
        PlatformEnvironmentName AS environment_name_then,
        COALESCE(user_id, '(unknown)') AS launcher,
        local_date,
        trend_half,
        in_period,
        CreationTime AS launched_at,
        Id
    FROM history AS h
    LEFT JOIN days AS d ON h.local_date = d.day
    WHERE activity_name = 'LaunchPowerApp'
),
-- Events contain the names of their time. The names of the latest launch are shown.
app_names AS (
    SELECT app_key AS named_app, app_name_then AS app
    FROM (
        SELECT
            app_key,
            app_name_then,
            ROW_NUMBER() OVER (PARTITION BY app_key ORDER BY launched_at DESC, Id DESC) AS place
        FROM launched
        WHERE app_name_then IS NOT NULL
    ) AS a
    WHERE place = 1
),
environment_names AS (
    SELECT environment_key AS named_environment, environment_name_then AS environment
    FROM (
        SELECT
            environment_key,
            environment_name_then,
            ROW_NUMBER() OVER (PARTITION BY environment_key ORDER BY launched_at DESC, Id DESC)
                AS place
        FROM launched
        WHERE environment_name_then IS NOT NULL
    ) AS n
    WHERE place = 1
),
user_days_of AS (
    SELECT
        app_key AS day_app,
        environment_key AS day_environment,
        COUNT(*) AS user_days,
        COUNT(*) FILTER (WHERE trend_half = 1) AS days_before,
        COUNT(*) FILTER (WHERE trend_half = 2) AS days_after
    FROM (
        SELECT app_key, environment_key, launcher, local_date, MAX(trend_half) AS trend_half
        FROM launched
        WHERE in_period
        GROUP BY app_key, environment_key, launcher, local_date
    ) AS u
    GROUP BY app_key, environment_key
),
totals AS (
    SELECT
        app_key,
        environment_key,
        MAX(app_id) AS app_id,
        COUNT(*) FILTER (WHERE in_period) AS launches,
        COUNT(DISTINCT CASE WHEN in_period THEN launcher END) AS users,
        COUNT(DISTINCT CASE WHEN in_period THEN local_date END) AS active_days,
        MAX(CASE WHEN in_period THEN launched_at END) AS last_launch,
        MIN(launched_at) AS first_launch
    FROM launched
    GROUP BY app_key, environment_key
)
SELECT
    COALESCE(app, app_key) AS app,
    launches,
    users,
    user_days,
    last_launch,
    COALESCE(environment, NULLIF(environment_key, '')) AS environment,
    active_days,
    ROUND(FLOOR(CAST(days_after AS DOUBLE) * 100 / NULLIF(days_before, 0) + 0.5) / 100, 2)
        AS trend,
    first_launch,
    app_id,
    NULLIF(environment_key, '') AS environment_id
FROM totals AS t
JOIN user_days_of AS u
    ON t.app_key = u.day_app AND t.environment_key = u.day_environment
LEFT JOIN app_names AS a ON t.app_key = a.named_app
LEFT JOIN environment_names AS e ON t.environment_key = e.named_environment
ORDER BY
    launches DESC NULLS LAST,
    users DESC NULLS LAST,
    app_key NULLS LAST,
    environment_key NULLS LAST
LIMIT :top
