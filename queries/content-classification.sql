-- title: Unused and frequently used reports
-- question: How regularly is each report used, and which are no longer used?
-- group: Content lifecycle
-- alias: report-activity
-- alias: stale
-- alias: unused
-- actors: people
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param class: choice(all|frequent|active|occasional|unused) = all, class to list
-- column report: latest name of the report, or its ID if it never had a name
-- column class: `frequent`, `active`, `occasional` or `unused` on the last day of the period
-- column last_view: day of the last view; empty if the stored log has no view of it
-- column active_months: number of the last 12 months with views
-- column views: views in these 12 months
-- column viewers: distinct people who viewed it in these 12 months
-- column deleted_on: day on which it was deleted, if no person used it afterwards
-- column workspace: latest name of the workspace in which it was last used
-- column first_seen: day of its first event in the stored log
-- column report_id: ID of the report, one row each
-- column workspace_id: ID of the workspace in which it was last used
-- rule: All values are as of the last day of the period and look back as far as the stored log. The
--   first day of the period does not matter. Listed are all reports with at least one event in a
--   person's name. Deliveries of subscriptions are not views, and no use after a deletion.
-- rule: frequent: viewed in the last 7 days and in at least 9 of the last 12 months. active: viewed
--   in the last month. occasional: viewed in the last 9 months, but not in the last month. unused:
--   not viewed in the last 9 months.
-- rule: A month is 30 days, counted back from the last day of the period. All months are therefore
--   equally long and complete.
-- rule: A month counts as covered if at least 20 of its 30 days are complete. If fewer than 12
--   months are covered, frequent needs views in fewer months: in three quarters of the covered
--   ones. No report is frequent unless at least 3 months are covered, because a shorter log cannot
--   show regular use.
-- compares class: the covered months with Microsoft's nine of twelve
-- rule: Rows are sorted by class, active_months, views, last_view, name and ID.
-- source: Microsoft Learn, Tenant-level auditing: create classifications
-- limit: A report without any event in the stored log is not listed. A complete list of unused
--   reports needs an inventory of reports. If the log covers less than 9 months, unused means no
--   view in the time that it covers. Missing days can hide views.
WITH touched AS (
    SELECT
        e.report_id,
        e.workspace_id,
        e.user_id,
        e.local_date,
        e.epoch_us,
        e.activity_name = 'ViewReport' AS is_view,
        e.is_presence,
        p.last_epoch_day - e.local_epoch_day AS age,
        FLOOR(CAST(p.last_epoch_day - e.local_epoch_day AS DOUBLE) / 30) AS month_back
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.report_id IS NOT NULL
        AND NOT e.is_failed
        AND e.local_epoch_day <= p.last_epoch_day
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
        MAX(CASE WHEN is_presence THEN epoch_us ELSE 0 END) AS last_us
    FROM touched
    GROUP BY report_id
),
deletions AS (
    SELECT
        report_id AS deleted_report,
        MAX(epoch_us) AS deleted_us,
        MAX(local_date) AS deleted_day
    FROM events_all AS e
    CROSS JOIN period AS p
    WHERE activity_name IN ('DeleteReport', 'DeleteArtifact') AND NOT is_failed
        AND report_id IS NOT NULL AND local_epoch_day <= last_epoch_day
    GROUP BY report_id
),
places AS (
    SELECT
        report_id AS placed_report,
        workspace_id,
        MAX(epoch_us) AS last_us
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
months AS (
    SELECT
        FLOOR(CAST(p.last_epoch_day - h.epoch_day AS DOUBLE) / 30) AS past_month,
        COUNT(*) FILTER (WHERE h.is_complete) AS complete_days
    FROM history_days AS h
    CROSS JOIN period AS p
    WHERE h.epoch_day <= p.last_epoch_day AND p.last_epoch_day - h.epoch_day < 360
    GROUP BY FLOOR(CAST(p.last_epoch_day - h.epoch_day AS DOUBLE) / 30)
),
covered AS (SELECT COUNT(*) AS months_covered FROM months WHERE complete_days >= 20),
classified AS (
    SELECT
        *,
        CASE
            WHEN age < 7 AND months_covered >= 3 AND active_months * 4 >= months_covered * 3
                THEN 'frequent'
            WHEN age < 30 THEN 'active'
            WHEN age < 270 THEN 'occasional'
            ELSE 'unused'
        END AS class,
        CASE WHEN deleted_us >= last_us THEN deleted_day END AS deleted_on
    FROM totals AS t
    CROSS JOIN covered AS c
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
    deleted_on,
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
