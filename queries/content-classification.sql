-- title: Frequently, actively and occasionally used and unused reports
-- question: How regularly is each report used, and which are used no more?
-- actors: people
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param class: choice(all|frequent|active|occasional|unused) = all, which class to list
-- column report: latest name of the report; its id where it never had one
-- column class: frequent, active, occasional or unused, on the last day of the period
-- column last_view: last day on which it was opened; empty if the archive holds no view of it
-- column active_months: in how many of the last 12 months it was opened
-- column views: how often it was opened in these 12 months
-- column viewers: different people who opened it in these 12 months
-- column deleted: the day on which it was deleted, by whomever, if no person did anything with it
--   after that
-- column workspace: latest name of the workspace in which it was last seen
-- column first_seen: first day on which anything about it is in the archive
-- column report_id: the id that the rows are grouped by
-- column workspace_id: the workspace in which it was last seen
-- rule: Everything is as of the last day of the period, looking back as far as the archive does;
--   the first day of the period does not matter. Listed is every report that any event of a person
--   is about.
-- rule: frequent: opened in the last 7 days and in at least 9 of the last 12 months. active: in the
--   last month. occasional: in the last 9 months, but not in the last. unused: not in the last 9.
-- rule: A month is 30 days here, counted back from the last day of the period, so that all months
--   are equally long and none is only just begun.
-- rule: If the archive reaches back less than 12 such months, frequent takes three quarters of the
--   whole months that it does reach back (at least one), as 9 of 12 are.
-- rule: Rows are in the order of class, active_months, views, last_view, name and id.
-- source: Microsoft Learn, Tenant-level auditing: create classifications
-- limit: A report that nobody touched since the archive begins leaves no event: unused ones can
--   only be listed in full with an inventory. If the archive reaches back less than 9 months,
--   unused means no view in as much as it holds. Missing days may hold views that are not known.
WITH touched AS (
    SELECT
        e.report_id,
        e.workspace_id,
        e.user_id,
        e.local_date,
        e.time_us,
        e.activity_name = 'ViewReport' AS is_view,
        p.last_day_number - e.local_day_number AS age,
        FLOOR(CAST(p.last_day_number - e.local_day_number AS DOUBLE) / 30) AS month_back,
        FLOOR(CAST(p.last_day_number - p.archive_first_day_number + 1 AS DOUBLE) / 30)
            AS months_held
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.report_id IS NOT NULL AND e.local_day_number <= p.last_day_number
),
totals AS (
    SELECT
        report_id,
        MIN(local_date) AS first_seen,
        MAX(CASE WHEN is_view THEN local_date END) AS last_view,
        MIN(CASE WHEN is_view THEN age END) AS age,
        COUNT(DISTINCT CASE WHEN is_view AND month_back < 12 THEN month_back END) AS active_months,
        COUNT(*) FILTER (WHERE is_view AND month_back < 12) AS views,
        COUNT(DISTINCT CASE WHEN is_view AND month_back < 12 THEN user_id END) AS viewers,
        MAX(time_us) AS last_us,
        MAX(CASE WHEN months_held > 12 THEN 12 WHEN months_held < 1 THEN 1 ELSE months_held END)
            AS months_asked
    FROM touched
    GROUP BY report_id
),
deletions AS (
    SELECT
        report_id AS deleted_report,
        MAX(time_us) AS deleted_us,
        MAX(local_date) AS deleted_day
    FROM events_all AS e
    CROSS JOIN period AS p
    WHERE activity_name IN ('DeleteReport', 'DeleteArtifact') AND NOT is_failed
        AND report_id IS NOT NULL AND local_day_number <= last_day_number
    GROUP BY report_id
),
places AS (
    SELECT
        report_id AS placed_report,
        workspace_id,
        MAX(time_us) AS last_us
    FROM touched
    WHERE workspace_id IS NOT NULL
    GROUP BY report_id, workspace_id
),
latest_places AS (
    SELECT
        placed_report,
        workspace_id,
        ROW_NUMBER() OVER (
            PARTITION BY placed_report ORDER BY last_us DESC, workspace_id DESC
        ) AS from_end
    FROM places
),
last_places AS (SELECT placed_report, workspace_id FROM latest_places WHERE from_end = 1),
classified AS (
    SELECT
        *,
        CASE
            WHEN age < 7 AND active_months * 4 >= months_asked * 3 THEN 'frequent'
            WHEN age < 30 THEN 'active'
            WHEN age < 270 THEN 'occasional'
            ELSE 'unused'
        END AS class,
        CASE WHEN deleted_us >= last_us THEN deleted_day END AS deleted
    FROM totals AS t
    LEFT JOIN deletions AS d ON t.report_id = d.deleted_report
),
chosen AS (
    SELECT
        *,
        CASE class WHEN 'frequent' THEN 1 WHEN 'active' THEN 2 WHEN 'occasional' THEN 3 ELSE 4 END
            AS by_class
    FROM classified
    WHERE :class = 'all' OR class = :class
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    COALESCE(report_name, report_id) AS report,
    class,
    last_view,
    active_months,
    views,
    viewers,
    deleted,
    COALESCE(workspace_name, workspace_id) AS workspace,
    first_seen,
    report_id,
    workspace_id
FROM chosen AS c
LEFT JOIN last_places AS p ON c.report_id = p.placed_report
LEFT JOIN named_reports AS r ON c.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON p.workspace_id = w.named_workspace
ORDER BY
    by_class NULLS LAST,
    active_months DESC NULLS LAST,
    views DESC NULLS LAST,
    last_view DESC NULLS LAST,
    report NULLS LAST,
    report_id NULLS LAST
LIMIT :top
