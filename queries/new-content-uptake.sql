-- title: Uptake of new reports
-- question: Do others open the reports that were created in the period, how soon, and how many do?
-- actors: people
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column report: latest name of the report; its id where it never had one
-- column created: the day on which it was created or first published
-- column days_to_view: days until somebody other than the creator first opened it; empty if nobody
--   has
-- column viewers_7d: different others who opened it on that day and the 6 after; see the rules
-- column viewers_30d: different others who opened it on that day and the 29 after, likewise
-- column viewers: different others who have opened it since, as far as the archive reaches
-- column views: how often others have opened it since
-- column creator: who created it
-- column workspace: latest name of the workspace in which it was created
-- column report_id: the id that the rows are grouped by
-- column workspace_id: the workspace in which it was created
-- rule: A report is new with the first CreateReport, Import or ImportArtifactEnd that names it, if
--   that is in the period and did not fail. One that somebody had opened on an earlier day is not
--   new: it was published again.
-- rule: The creator's own views do not count. Views after the period do, as far as the archive
--   reaches.
-- rule: viewers_7d and viewers_30d are empty unless each of these days is in the archive and
--   complete: they could be too few, and could not be compared with those of other reports.
-- rule: The newest are first; on one day, those with the most viewers.
-- limit: A report whose creation is not in the archive, or was written without its id, is not
--   listed, and neither is one that a service created, unless --actors all is given. A report that
--   is copied or saved by another way is only listed if that wrote one of the three activities.
WITH creations AS (
    SELECT
        report_id,
        user_id,
        workspace_id,
        local_day_number,
        local_date,
        in_period,
        ROW_NUMBER() OVER (PARTITION BY report_id ORDER BY time_us, Id) AS number
    FROM history
    WHERE activity_name IN ('CreateReport', 'Import', 'ImportArtifactEnd')
        AND report_id IS NOT NULL
        AND NOT is_failed
),
created AS (
    SELECT
        report_id,
        user_id AS creator,
        workspace_id,
        local_day_number AS created_number,
        local_date AS created
    FROM creations
    WHERE number = 1 AND in_period
),
-- One row a report, person and day on which they opened it.
opened AS (
    SELECT
        e.report_id AS opened_report,
        COALESCE(e.user_id, '') AS viewer,
        e.local_day_number - c.created_number AS age,
        CASE WHEN COALESCE(e.user_id, '') = COALESCE(c.creator, '') THEN 1 ELSE 0 END AS is_own,
        COUNT(*) AS views
    FROM history AS e
    INNER JOIN created AS c ON e.report_id = c.report_id
    WHERE e.activity_name = 'ViewReport'
    GROUP BY
        e.report_id,
        COALESCE(e.user_id, ''),
        e.local_day_number - c.created_number,
        CASE WHEN COALESCE(e.user_id, '') = COALESCE(c.creator, '') THEN 1 ELSE 0 END
),
uptake AS (
    SELECT
        opened_report,
        MIN(age) AS first_age,
        MIN(CASE WHEN is_own = 0 THEN age END) AS days_to_view,
        COUNT(DISTINCT CASE WHEN is_own = 0 AND age < 7 THEN NULLIF(viewer, '') END) AS viewers_7d,
        COUNT(DISTINCT CASE WHEN is_own = 0 AND age < 30 THEN NULLIF(viewer, '') END)
            AS viewers_30d,
        COUNT(DISTINCT CASE WHEN is_own = 0 THEN NULLIF(viewer, '') END) AS viewers,
        SUM(CASE WHEN is_own = 0 THEN views ELSE 0 END) AS views
    FROM opened
    GROUP BY opened_report
),
running AS (
    SELECT
        day_number,
        CASE WHEN is_complete THEN 1 ELSE 0 END AS is_whole,
        SUM(CASE WHEN is_complete THEN 1 ELSE 0 END) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS whole_so_far
    FROM history_days
),
-- Complete days among the 7 and the 30 that begin with each day; null if the archive ends before.
windows AS (
    SELECT
        day_number AS window_day,
        LEAD(whole_so_far, 6) OVER (ORDER BY day_number) - whole_so_far + is_whole AS whole_7,
        LEAD(whole_so_far, 29) OVER (ORDER BY day_number) - whole_so_far + is_whole AS whole_30
    FROM running
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    COALESCE(report_name, report_id) AS report,
    created,
    days_to_view,
    CASE WHEN whole_7 = 7 THEN COALESCE(viewers_7d, 0) END AS viewers_7d,
    CASE WHEN whole_30 = 30 THEN COALESCE(viewers_30d, 0) END AS viewers_30d,
    COALESCE(viewers, 0) AS viewers,
    COALESCE(views, 0) AS views,
    creator,
    COALESCE(workspace_name, workspace_id) AS workspace,
    report_id,
    workspace_id
FROM created AS c
LEFT JOIN uptake AS u ON c.report_id = u.opened_report
LEFT JOIN windows AS d ON c.created_number = d.window_day
LEFT JOIN named_reports AS r ON c.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON c.workspace_id = w.named_workspace
WHERE first_age IS NULL OR first_age >= 0
ORDER BY
    created DESC NULLS LAST,
    viewers DESC NULLS LAST,
    views DESC NULLS LAST,
    report_id NULLS LAST
LIMIT :top
