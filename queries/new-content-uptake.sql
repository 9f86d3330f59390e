-- title: Adoption of new reports
-- question: How many other people view the reports created in the period, and how soon?
-- group: Content lifecycle
-- empty: No report was created in this period.
-- alias: new-content
-- alias: new-reports
-- actors: people
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column report: latest name of the report, or its ID if it never had a name
-- column created_on: day on which the report was created or first published
-- column days_to_first_view: days until somebody other than the creator first viewed it; empty if
--   nobody has, or if a day between is not complete
-- column viewers_7d: distinct other viewers on that day and the 6 days after; see the rules
-- column viewers_30d: distinct other viewers on that day and the 29 days after; see the rules
-- column viewers: distinct other viewers since then, up to the end of the stored log
-- column views: views by others since then
-- column creator: user who created it
-- column workspace: latest name of the workspace in which it was created
-- column report_id: ID of the report, one row each
-- column workspace_id: ID of the workspace in which it was created
-- rule: A report is new if the first CreateReport, Import or ImportArtifactEnd that names it is in
--   the period and did not fail. A report that somebody viewed on an earlier day is not new: it was
--   published again.
-- rule: The creator's own views do not count. Views after the period do, up to the end of the
--   stored log.
-- rule: viewers_7d and viewers_30d are empty unless all of these days are in the log and complete.
--   Otherwise they could be too low and not comparable with other reports.
-- rule: days_to_first_view is empty if a day from the creation to the day before the first known
--   view is missing or incomplete. Somebody could have viewed the report on that day.
-- compares days_to_first_view: the days from the creation to the first view
-- compares viewers_7d: the first 7 days of each report
-- compares viewers_30d: the first 30 days of each report
-- rule: The newest reports come first, and on the same day those with the most viewers.
-- limit: A report is not listed if its creation is not in the stored log or was written without its
--   ID. Reports created by service principals are listed only with --actors all. Copied or saved
--   reports are listed only if one of the three activities was written.
WITH creations AS (
    SELECT
        report_id,
        user_id,
        workspace_id,
        local_epoch_day,
        local_date,
        in_period,
        ROW_NUMBER() OVER (PARTITION BY report_id ORDER BY epoch_us, Id) AS number
    FROM history
    WHERE activity_name IN ('CreateReport', 'Import', 'ImportArtifactEnd')
        AND report_id IS NOT NULL
),
created AS (
    SELECT
        report_id,
        user_id AS creator,
        workspace_id,
        local_epoch_day AS created_epoch_day,
        local_date AS created_on
    FROM creations
    WHERE number = 1 AND in_period
),
-- One row per report, viewer and day with views.
viewed AS (
    SELECT
        e.report_id AS viewed_report,
        COALESCE(e.user_id, '') AS viewer,
        e.local_epoch_day - c.created_epoch_day AS age,
        CASE WHEN COALESCE(e.user_id, '') = COALESCE(c.creator, '') THEN 1 ELSE 0 END AS is_own,
        COUNT(*) AS views
    FROM history AS e
    INNER JOIN created AS c ON e.report_id = c.report_id
    WHERE e.activity_name = 'ViewReport'
    GROUP BY
        e.report_id,
        COALESCE(e.user_id, ''),
        e.local_epoch_day - c.created_epoch_day,
        CASE WHEN COALESCE(e.user_id, '') = COALESCE(c.creator, '') THEN 1 ELSE 0 END
),
uptake AS (
    SELECT
        viewed_report,
        MIN(age) AS first_age,
        MIN(CASE WHEN is_own = 0 THEN age END) AS days_to_first_view,
        COUNT(DISTINCT CASE WHEN is_own = 0 AND age < 7 THEN NULLIF(viewer, '') END) AS viewers_7d,
        COUNT(DISTINCT CASE WHEN is_own = 0 AND age < 30 THEN NULLIF(viewer, '') END)
            AS viewers_30d,
        COUNT(DISTINCT CASE WHEN is_own = 0 THEN NULLIF(viewer, '') END) AS viewers,
        SUM(CASE WHEN is_own = 0 THEN views ELSE 0 END) AS views
    FROM viewed
    GROUP BY viewed_report
),
-- The window of 7 days that starts with a day ends 6 days later; null if the log ends earlier.
windows AS (
    SELECT
        epoch_day AS window_day,
        LEAD(complete_run, 6) OVER (ORDER BY epoch_day) AS run_7,
        LEAD(complete_run, 29) OVER (ORDER BY epoch_day) AS run_30
    FROM history_days
),
runs AS (SELECT epoch_day AS run_day, complete_run FROM history_days),
found AS (
    SELECT
        c.*,
        u.*,
        created_epoch_day + days_to_first_view - 1 AS day_before_first_view
    FROM created AS c
    LEFT JOIN uptake AS u ON c.report_id = u.viewed_report
    WHERE first_age IS NULL OR first_age >= 0
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    COALESCE(report_name, report_id) AS report,
    created_on,
    CASE WHEN days_to_first_view = 0 OR complete_run >= days_to_first_view
        THEN days_to_first_view END AS days_to_first_view,
    CASE WHEN run_7 >= 7 THEN COALESCE(viewers_7d, 0) END AS viewers_7d,
    CASE WHEN run_30 >= 30 THEN COALESCE(viewers_30d, 0) END AS viewers_30d,
    COALESCE(viewers, 0) AS viewers,
    COALESCE(views, 0) AS views,
    creator,
    COALESCE(workspace_name, workspace_id) AS workspace,
    report_id,
    workspace_id
FROM found AS c
LEFT JOIN windows AS d ON c.created_epoch_day = d.window_day
LEFT JOIN runs AS b ON c.day_before_first_view = b.run_day
LEFT JOIN named_reports AS r ON c.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON c.workspace_id = w.named_workspace
ORDER BY
    created_on DESC NULLS LAST,
    viewers DESC NULLS LAST,
    views DESC NULLS LAST,
    report_id NULLS LAST
LIMIT :top
