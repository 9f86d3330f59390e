-- title: How reports reach people
-- question: Are reports viewed from workspaces, from apps or from shared links?
-- group: Usage
-- alias: distribution
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, reports by method
-- total: views
-- column method: distribution method in the log, for example Workspace, Apps or Shared
-- column views: report views (ViewReport)
-- column share_pct: share of all views, in percent
-- column viewers: distinct people who viewed a report this way
-- column viewers_pct: share of all viewers, in percent
-- column reports: distinct reports viewed this way; reports without an ID count by name
-- column views_per_viewer: views divided by viewers
-- rule: Methods are written as in the log (DistributionMethod). Views without a method are in the
--   row (unknown) and count in the shares.
-- rule: A person who uses two methods is a viewer of both, so viewers_pct can add up to more than
--   100.
-- limit: The log names a method only for report views, and not for all of them.
WITH viewed AS (
    SELECT
        CASE WHEN DistributionMethod = '' THEN '(unknown)'
            ELSE COALESCE(DistributionMethod, '(unknown)') END AS method,
        user_id,
        COALESCE(report_id, NULLIF(ReportName, '')) AS report_key
    FROM events
    WHERE activity_name = 'ViewReport'
),
methods AS (
    SELECT
        method,
        COUNT(*) AS views,
        COUNT(DISTINCT user_id) AS viewers,
        COUNT(DISTINCT report_key) AS reports_viewed
    FROM viewed
    GROUP BY method
),
grand_total AS (
    SELECT COUNT(*) AS total_views, COUNT(DISTINCT user_id) AS total_viewers FROM viewed
)
SELECT
    method,
    views,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 1000 / NULLIF(total_views, 0) + 0.5) / 10, 1) AS share_pct,
    viewers,
    ROUND(FLOOR(CAST(viewers AS DOUBLE) * 1000 / NULLIF(total_viewers, 0) + 0.5) / 10, 1)
        AS viewers_pct,
    reports_viewed AS reports,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 100 / NULLIF(viewers, 0) + 0.5) / 100, 2)
        AS views_per_viewer
FROM methods AS m
CROSS JOIN grand_total AS a
ORDER BY views DESC NULLS LAST, viewers DESC NULLS LAST, method NULLS LAST
LIMIT :top
