-- title: Users who consume most
-- question: Who opens reports and other content most, how broadly, and since when?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column rank: place in the order by views, other_views, reports and name
-- column user: name of the user, in lower case
-- column views: how often they opened a report (ViewReport)
-- column reports: different reports that they opened
-- column workspaces: different workspaces in which they opened something
-- column active_days: days on which they opened something
-- column last_seen: when they last opened something in the period
-- column first_seen: the day on which they first opened something in the whole archive, before the
--   period as well
-- column other_views: how often they opened anything else: dashboards, tiles, dataflows and so on
-- column kind: person, guest or anonymous
-- rule: To open is any activity of the group VIEW: ViewReport, ViewDashboard, ViewTile,
--   ViewDataflow and the like. Whoever only works by Excel or only edits is not listed.
-- rule: Everybody who comes without signing in is one row, anonymous. Events that name no user are
--   the row (unknown).
-- limit: first_seen can be no earlier than the archive: on its first days everybody is seen for the
--   first time.
WITH opened AS (
    SELECT
        COALESCE(user_id, '') AS user_key,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(DISTINCT CASE WHEN activity_name = 'ViewReport' THEN report_id END) AS reports_opened,
        COUNT(DISTINCT workspace_id) AS workspaces_opened,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CreationTime) AS last_seen,
        COUNT(*) FILTER (WHERE activity_name <> 'ViewReport') AS other_views,
        MIN(actor_kind) AS kind
    FROM events
    WHERE operation_group = 'VIEW'
    GROUP BY COALESCE(user_id, '')
),
since AS (
    SELECT COALESCE(user_id, '') AS seen_user, MIN(local_date) AS first_seen
    FROM history
    WHERE operation_group = 'VIEW'
    GROUP BY COALESCE(user_id, '')
),
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - other_views AS by_other,
        0 - reports_opened AS by_reports
    FROM opened
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (ORDER BY by_views, by_other, by_reports, user_key) AS place
    FROM keyed
)
SELECT
    place AS rank,
    COALESCE(NULLIF(user_key, ''), '(unknown)') AS user,
    views,
    reports_opened AS reports,
    workspaces_opened AS workspaces,
    active_days,
    last_seen,
    first_seen,
    other_views,
    kind
FROM ranked AS t
LEFT JOIN since AS s ON t.user_key = s.seen_user
ORDER BY place NULLS LAST
LIMIT :top
