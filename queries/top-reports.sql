-- title: Most consumed reports
-- question: Which reports are opened most, by how many people, and is it more or less than before?
-- alias: most-consumed-reports
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column rank: place in the order by views, viewers and last view
-- column report: latest name of the report; its id where it never had one
-- column workspace: latest name of its workspace
-- column views: how often it was opened; an export counts as a view a page, as in Microsoft's own
--   usage metrics
-- column viewers: different people who opened it; all who did not sign in are one of them, and an
--   event that names no user is nobody's
-- column views_per_viewer: views divided by viewers; empty where no viewer is known
-- column active_days: days on which it was opened
-- column last_view: when it was last opened
-- column trend: views in the second half of the period divided by those in the first; empty where
--   either half has no complete day, or the first no views
-- column views_by_export: how many of these views exports caused, see the rules
-- column report_id: the id that the rows are grouped by: AppReportId where it is set and AppId is
--   not, which is a template app opened from its workspace, else ReportId
-- column workspace_id: the workspace that it was opened in
-- rule: The trend compares equally many complete days. The period, as far as the archive reaches,
--   is cut into two halves of whole days (of an odd number, the day in the middle belongs to
--   neither). With n complete days in the half that has fewer, the n earliest complete days of the
--   first half are compared with the n latest complete days of the second: trend_half 1 and 2 of
--   `days`. A day of the time zone is complete if every UTC day that it touches is.
-- rule: A view counts as caused by an export if the same person exported or printed the same report
--   (ExportReport, ExportArtifact, PrintReport) at most 10 seconds before or after it.
-- source: Microsoft Learn, Monitor report usage metrics: an export counts a view for each page
-- limit: Turning a page writes no event, so how pages are used cannot be told.
WITH opened AS (
    SELECT
        e.report_id,
        e.workspace_id,
        e.user_id,
        e.local_date,
        e.CreationTime AS viewed_at,
        e.time_us,
        CAST(FLOOR(CAST(e.time_us AS DOUBLE) / 10000000) AS BIGINT) AS ten_seconds,
        d.trend_half
    FROM events AS e
    LEFT JOIN days AS d ON e.local_date = d.day
    WHERE e.activity_name = 'ViewReport'
),
totals AS (
    SELECT
        report_id,
        workspace_id,
        COUNT(*) AS views,
        COUNT(DISTINCT user_id) AS viewers,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(viewed_at) AS last_view,
        COUNT(*) FILTER (WHERE trend_half = 1) AS views_before,
        COUNT(*) FILTER (WHERE trend_half = 2) AS views_after
    FROM opened
    GROUP BY report_id, workspace_id
),
exports AS (
    SELECT DISTINCT
        user_id,
        report_id,
        time_us AS exported_us,
        CAST(FLOOR(CAST(time_us AS DOUBLE) / 10000000) AS BIGINT) AS ten_seconds
    FROM events
    WHERE activity_name IN ('ExportReport', 'ExportArtifact', 'PrintReport')
),
-- Time is cut into slots of ten seconds. A view that is near an export lies in the same slot or in
-- one beside, so views and exports meet by equality, and not each with each.
export_slots AS (
    SELECT user_id, report_id, exported_us, ten_seconds - 1 AS slot FROM exports
    UNION ALL
    SELECT user_id, report_id, exported_us, ten_seconds AS slot FROM exports
    UNION ALL
    SELECT user_id, report_id, exported_us, ten_seconds + 1 AS slot FROM exports
),
-- An export writes its views in one instant: they are one row here, with their number.
near AS (
    SELECT
        o.user_id,
        o.report_id,
        o.workspace_id,
        o.time_us,
        x.exported_us,
        COUNT(*) AS views
    FROM opened AS o
    INNER JOIN export_slots AS x
        ON o.user_id = x.user_id AND o.report_id = x.report_id AND o.ten_seconds = x.slot
    WHERE o.time_us - x.exported_us BETWEEN -10000000 AND 10000000
    GROUP BY o.user_id, o.report_id, o.workspace_id, o.time_us, x.exported_us
),
-- Two exports close together find the same views twice, hence MAX.
caused AS (
    SELECT user_id, report_id, workspace_id, time_us, MAX(views) AS views
    FROM near
    GROUP BY user_id, report_id, workspace_id, time_us
),
by_export AS (
    SELECT
        report_id AS exported_report,
        COALESCE(workspace_id, '') AS exported_workspace,
        SUM(views) AS views_by_export
    FROM caused
    GROUP BY report_id, COALESCE(workspace_id, '')
),
-- The keys of the order of rows. In a window they must all point the same way, and an instant
-- cannot be negated, hence its rank.
keyed AS (
    SELECT
        *,
        0 - views AS by_views,
        0 - viewers AS by_viewers,
        RANK() OVER (ORDER BY last_view DESC) AS by_age,
        CASE WHEN report_id IS NULL THEN 1 ELSE 0 END AS no_report,
        COALESCE(report_id, '') AS by_report,
        CASE WHEN workspace_id IS NULL THEN 1 ELSE 0 END AS no_workspace,
        COALESCE(workspace_id, '') AS by_workspace
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY
                by_views, by_viewers, by_age, no_report, by_report, no_workspace, by_workspace
        ) AS place
    FROM keyed
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    COALESCE(report_name, report_id, '(unknown)') AS report,
    COALESCE(workspace_name, workspace_id) AS workspace,
    views,
    viewers,
    ROUND(FLOOR(CAST(views AS DOUBLE) * 100 / NULLIF(viewers, 0) + 0.5) / 100, 2)
        AS views_per_viewer,
    active_days,
    last_view,
    ROUND(FLOOR(CAST(views_after AS DOUBLE) * 100 / NULLIF(views_before, 0) + 0.5) / 100, 2)
        AS trend,
    COALESCE(views_by_export, 0) AS views_by_export,
    report_id,
    workspace_id
FROM ranked AS t
LEFT JOIN by_export AS x
    ON t.by_report = x.exported_report AND t.by_workspace = x.exported_workspace
LEFT JOIN named_reports AS r ON t.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
