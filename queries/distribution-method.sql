-- title: How reports reach people
-- question: Are reports opened from workspaces, from apps or from links that were shared?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column method: the distribution method that the event names, such as Workspace, Apps or Shared
-- column views: how often reports were opened by it (ViewReport)
-- column share_pct: these views of all views, in percent
-- column viewers: different people who opened a report by it
-- column viewers_pct: these viewers of all viewers, in percent
-- column reports: different reports that were opened by it
-- column views_per_viewer: views divided by viewers
-- rule: Methods are as the log writes them (DistributionMethod). Where it writes none, the row is
--   (not told), and it has its part in the shares.
-- rule: Somebody who uses two methods is a viewer of both, so viewers_pct can add up to more than
--   100.
-- limit: The log names a method for views of reports only, and not for each of them.
WITH opened AS (
    SELECT
        CASE WHEN DistributionMethod = '' THEN '(not told)'
            ELSE COALESCE(DistributionMethod, '(not told)') END AS method,
        user_id,
        report_id
    FROM events
    WHERE activity_name = 'ViewReport'
),
methods AS (
    SELECT
        method,
        COUNT(*) AS views,
        COUNT(DISTINCT user_id) AS viewers,
        COUNT(DISTINCT report_id) AS reports_opened
    FROM opened
    GROUP BY method
),
everything AS (
    SELECT COUNT(*) AS all_views, COUNT(DISTINCT user_id) AS all_viewers FROM opened
)
SELECT
    method,
    views,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 1000 / NULLIF(all_views, 0) + 0.5) / 10, 1) AS share_pct,
    viewers,
    ROUND(FLOOR(CAST(viewers AS DOUBLE) * 1000 / NULLIF(all_viewers, 0) + 0.5) / 10, 1)
        AS viewers_pct,
    reports_opened AS reports,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 100 / NULLIF(viewers, 0) + 0.5) / 100, 2)
        AS views_per_viewer
FROM methods AS m
CROSS JOIN everything AS a
ORDER BY views DESC NULLS LAST, viewers DESC NULLS LAST, method NULLS LAST
LIMIT :top
