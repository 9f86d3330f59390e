-- title: Most viewed reports
-- question: Which reports are viewed most, by how many people, and more or less than before?
-- group: Usage
-- empty: No report was viewed in this period.
-- alias: report-usage
-- alias: most-viewed-reports
-- alias: popular
-- alias: usage
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: views, viewers, active_days by report, workspace, report_id, workspace_id
-- total: views, views_by_export
-- column rank: position by views, viewers and last view
-- column report: latest name of the report, or its ID if it never had a name; the name in the event
--   (ReportName) if the event has no ID
-- column workspace: latest name of the workspace
-- column views: report views; an export counts as one view per page, as in Microsoft's usage
--   metrics
-- column viewers: distinct people who viewed it; anonymous visitors count as one, and events
--   without a user do not count
-- column views_per_viewer: views divided by viewers; empty if no viewer is known
-- column active_days: days with views
-- column last_view: time of the last view
-- column trend: views in the second half of the period divided by those in the first; empty if the
--   halves have no complete days with the same weekday, or the first half no views
-- column views_by_export: number of these views that exports caused; see the rules; empty if
--   --activity excludes exports
-- column report_id: ID of the report: AppReportId if it is set and AppId is not (a template app
--   viewed in its workspace), otherwise ReportId
-- column workspace_id: ID of the workspace in which it was viewed
-- rule: There is one row per report ID and workspace. Views without an ID have one row per name,
--   or are in the row (unknown). Failed views are not counted.
-- rule: The trend compares equally many complete days of each weekday: trend_half 1 and 2 of
--   `days`. The part of the period that the log covers is divided into two halves of whole days. Of
--   an odd number of days, the middle day belongs to neither half. If one half has more complete
--   Mondays than the other, the Mondays nearest to the middle are left out, and so for each
--   weekday. A day of the time zone is complete if every UTC day that it touches is complete.
-- rule: An export caused a view if the same person exported or printed the report at most 10
--   seconds before or after it. Exports are ExportReport, ExportArtifact and PrintReport.
-- compares trend: the two halves of the period
-- source: Microsoft Learn, Monitor report usage metrics: an export counts a view for each page
-- limit: The log does not record page changes, so it does not show how pages are used.
WITH viewed AS (
    SELECT
        e.report_id,
        CASE WHEN e.report_id IS NULL THEN NULLIF(e.ReportName, '') END AS only_name,
        e.workspace_id,
        e.user_id,
        e.local_date,
        e.CreationTime AS viewed_at,
        e.epoch_us,
        CAST(FLOOR(CAST(e.epoch_us AS DOUBLE) / 10000000) AS BIGINT) AS ten_seconds,
        d.trend_half
    FROM events AS e
    LEFT JOIN days AS d ON e.local_date = d.day
    WHERE e.activity_name = 'ViewReport'
),
totals AS (
    SELECT
        report_id,
        only_name,
        workspace_id,
        COUNT(*) AS views,
        COUNT(DISTINCT user_id) AS viewers,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(viewed_at) AS last_view,
        COUNT(*) FILTER (WHERE trend_half = 1) AS views_before,
        COUNT(*) FILTER (WHERE trend_half = 2) AS views_after
    FROM viewed
    GROUP BY report_id, only_name, workspace_id
),
exports AS (
    SELECT DISTINCT
        user_id,
        report_id,
        epoch_us AS exported_us,
        CAST(FLOOR(CAST(epoch_us AS DOUBLE) / 10000000) AS BIGINT) AS ten_seconds
    FROM events
    WHERE activity_name IN ('ExportReport', 'ExportArtifact', 'PrintReport')
),
-- Time is divided into slots of ten seconds. A view near an export is in the same slot or an
-- adjacent one, so the join compares slots and not every view with every export.
export_slots AS (
    SELECT user_id, report_id, exported_us, ten_seconds - 1 AS slot FROM exports
    UNION ALL
    SELECT user_id, report_id, exported_us, ten_seconds AS slot FROM exports
    UNION ALL
    SELECT user_id, report_id, exported_us, ten_seconds + 1 AS slot FROM exports
),
-- An export writes all its views at the same time, so they are counted in one row here.
near AS (
    SELECT
        v.user_id,
        v.report_id,
        v.workspace_id,
        v.epoch_us,
        x.exported_us,
        COUNT(*) AS views
    FROM viewed AS v
    INNER JOIN export_slots AS x
        ON v.user_id = x.user_id AND v.report_id = x.report_id AND v.ten_seconds = x.slot
    WHERE v.epoch_us - x.exported_us BETWEEN -10000000 AND 10000000
    GROUP BY v.user_id, v.report_id, v.workspace_id, v.epoch_us, x.exported_us
),
-- Two exports close together match the same views twice, so MAX is used instead of SUM.
caused AS (
    SELECT user_id, report_id, workspace_id, epoch_us, MAX(views) AS views
    FROM near
    GROUP BY user_id, report_id, workspace_id, epoch_us
),
by_export AS (
    SELECT
        report_id AS exported_report,
        COALESCE(workspace_id, '') AS exported_workspace,
        SUM(views) AS views_by_export
    FROM caused
    GROUP BY report_id, COALESCE(workspace_id, '')
),
-- The sort keys of the rows. All keys of a window must sort in the same direction, and a time
-- cannot be negated, so its rank is used.
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        RANK() OVER (ORDER BY last_view DESC) AS by_age,
        CASE WHEN report_id IS NULL THEN 1 ELSE 0 END AS no_report,
        COALESCE(report_id, '') AS by_report,
        COALESCE(only_name, '') AS by_name,
        CASE WHEN workspace_id IS NULL THEN 1 ELSE 0 END AS no_workspace,
        COALESCE(workspace_id, '') AS by_workspace
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY
                by_views,
                by_viewers,
                by_age,
                no_report,
                by_report,
                by_name,
                no_workspace,
                by_workspace
        ) AS place
    FROM keyed
),
-- With --activity, the exports can be outside the filters.
counted_activities AS (
    SELECT COUNT(*) AS export_activities
    FROM operations
    WHERE operation IN ('ExportReport', 'ExportArtifact', 'PrintReport') AND matches_filter
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    COALESCE(report_name, report_id, only_name, '(unknown)') AS report,
    COALESCE(workspace_name, workspace_id) AS workspace,
    views,
    viewers,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 100 / NULLIF(viewers, 0) + 0.5) / 100, 2)
        AS views_per_viewer,
    active_days,
    last_view,
    ROUND(FLOOR(CAST(views_after AS DOUBLE) * 100 / NULLIF(views_before, 0) + 0.5) / 100, 2)
        AS trend,
    CASE WHEN export_activities = 3 THEN COALESCE(views_by_export, 0) END AS views_by_export,
    report_id,
    workspace_id
FROM ranked AS t
CROSS JOIN counted_activities
LEFT JOIN by_export AS x
    ON t.by_report = x.exported_report AND t.by_workspace = x.exported_workspace
LEFT JOIN named_reports AS r ON t.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
