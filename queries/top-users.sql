-- title: Most active viewers
-- question: Who views reports and other content most, how broadly, and since when?
-- group: People
-- empty: Nobody viewed content in this period.
-- alias: user-usage
-- alias: users
-- alias: viewers
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- compare: views, other_views, reports, active_days by user
-- total: views, other_views
-- column rank: position by views, other_views, reports and name
-- column user: address of the user, in lower case
-- column views: report views (ViewReport)
-- column reports: distinct reports viewed; reports without an ID count by name
-- column workspaces: distinct workspaces with views
-- column active_days: days with views
-- column last_seen: time of the last view in the period
-- column first_seen: day of the first view in the stored log, also before the period
-- column other_views: views of other content: dashboards, tiles, dataflows and more
-- column user_type: `person`, `guest` or `anonymous`
-- rule: A view is any activity of the group VIEW, for example ViewReport, ViewDashboard, ViewTile
--   or ViewDataflow. People who only use Excel or only edit are not listed.
-- rule: All anonymous visitors are in one row, anonymous. Events without a user are in the row
--   (unknown).
-- rule: The internal domains, which distinguish guests from people, are printed below the report.
-- limit: first_seen cannot be earlier than the stored log. On its first days, every user is seen
--   for the first time.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
viewed AS (
    SELECT
        COALESCE(user_id, '') AS user_key,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(
            DISTINCT CASE
                WHEN activity_name = 'ViewReport' THEN COALESCE(report_id, NULLIF(ReportName, ''))
            END
        ) AS reports_viewed,
        COUNT(DISTINCT workspace_id) AS workspaces_viewed,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CreationTime) AS last_seen,
        COUNT(*) FILTER (WHERE activity_name <> 'ViewReport') AS other_views,
        MIN(actor_kind) AS user_type
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
        0 - reports_viewed AS by_reports
    FROM viewed
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (ORDER BY by_views, by_other, by_reports, user_key) AS place
    FROM keyed
)
SELECT
    --by COALESCE(a.attribute_value, '(not mapped)') AS by_attribute,
    place AS rank,
    COALESCE(NULLIF(user_key, ''), '(unknown)') AS user,
    views,
    reports_viewed AS reports,
    workspaces_viewed AS workspaces,
    active_days,
    last_seen,
    first_seen,
    other_views,
    user_type
FROM ranked AS t
LEFT JOIN since AS s ON t.user_key = s.seen_user
--by LEFT JOIN person_values AS a ON t.user_key = a.address
ORDER BY place NULLS LAST
LIMIT :top
