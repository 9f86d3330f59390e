-- title: Reports open to the whole internet
-- question: Which reports were published to the web, by whom, and how often did anybody without a
--   name open them?
-- actors: all
-- chart: bars anonymous_views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column report: latest name of the report; its id where it never had one
-- column status: `public`, `code deleted` (its embed code was deleted later), or `public before`
--   (opened by the anonymous, but published before the archive begins or in a day that is missing)
-- column anonymous_views: how often the anonymous opened it in the period
-- column last_view: when they last did, in the period
-- column views_since: how often they opened it since it was published last, the period's first day
--   or not; empty where the archive holds no publishing
-- column published_by: who published it last
-- column published_at: when it was published last
-- column published: how often it was published
-- column removed_by: who deleted its embed code last
-- column removed_at: when its embed code was deleted last
-- column active_days: days of the period on which the anonymous opened it
-- column workspace: latest name of its workspace
-- column report_id: the id that the rows are grouped by
-- column workspace_id: its workspace
-- rule: A report is listed if the archive holds its PublishToWebReport or its DeleteEmbedCode,
--   however old, or if the anonymous opened it in the period. So what was made public a year ago is
--   listed in every period.
-- rule: An anonymous view is a ViewReport by the user `Anonymous`.
-- rule: Everything is as of the last day of the period. Anonymous views that name no report are the
--   row (unknown).
-- rule: Failed attempts are not counted. Services are included.
-- source: Microsoft Learn, Publish to web from Power BI; Tenant-level auditing
-- limit: Views through an embed code are those that the log writes; how many people they were
--   cannot be told. That a code was blocked by the tenant setting, or that the report is gone, does
--   not show here. The admin portal lists the embed codes that exist now.
WITH code_events AS (
    SELECT
        -- An event that says less still stands for a report that is open to all.
        COALESCE(report_id, NULLIF(ArtifactId, ''), NULLIF(ItemName, ''), '(unknown)')
            AS report_key,
        NULLIF(ItemName, '') AS item_name,
        workspace_id,
        user_id,
        CreationTime AS happened_at,
        activity_name,
        ROW_NUMBER() OVER (
            PARTITION BY
                COALESCE(report_id, NULLIF(ArtifactId, ''), NULLIF(ItemName, ''), '(unknown)'),
                activity_name
            ORDER BY CreationTime DESC, Id DESC
        ) AS place
    FROM history AS e
    CROSS JOIN period AS p
    WHERE activity_name IN ('PublishToWebReport', 'DeleteEmbedCode') AND NOT is_failed
        AND local_day_number <= last_day_number
),
codes AS (
    SELECT
        report_key AS code_report,
        MAX(CASE WHEN place = 1 THEN item_name END) AS code_name,
        MAX(CASE WHEN place = 1 THEN workspace_id END) AS code_workspace,
        COUNT(*) FILTER (WHERE activity_name = 'PublishToWebReport') AS published,
        MAX(CASE WHEN activity_name = 'PublishToWebReport' AND place = 1 THEN user_id END)
            AS published_by,
        MAX(CASE WHEN activity_name = 'PublishToWebReport' THEN happened_at END) AS published_at,
        MAX(CASE WHEN activity_name = 'DeleteEmbedCode' AND place = 1 THEN user_id END)
            AS removed_by,
        MAX(CASE WHEN activity_name = 'DeleteEmbedCode' THEN happened_at END) AS removed_at
    FROM code_events
    GROUP BY report_key
),
opened AS (
    SELECT
        COALESCE(report_id, '(unknown)') AS opened_report,
        MAX(workspace_id) AS opened_workspace,
        COUNT(*) AS anonymous_views,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CreationTime) AS last_view
    FROM events
    WHERE activity_name = 'ViewReport' AND actor_kind = 'anonymous'
    GROUP BY COALESCE(report_id, '(unknown)')
),
later AS (
    SELECT c.code_report AS later_report, COUNT(*) AS views_since
    FROM history AS e
    INNER JOIN codes AS c ON e.report_id = c.code_report
    CROSS JOIN period AS p
    WHERE activity_name = 'ViewReport' AND actor_kind = 'anonymous'
        AND e.CreationTime > c.published_at AND local_day_number <= last_day_number
    GROUP BY c.code_report
),
listed AS (
    SELECT code_report AS report_id FROM codes
    UNION
    SELECT opened_report AS report_id FROM opened
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces),
placed AS (
    SELECT
        *,
        COALESCE(code_workspace, opened_workspace) AS workspace_id,
        CASE
            WHEN COALESCE(removed_at >= published_at, removed_at IS NOT NULL) THEN 'code deleted'
            WHEN published_at IS NOT NULL THEN 'public'
            ELSE 'public before'
        END AS status
    FROM listed AS l
    LEFT JOIN codes AS c ON l.report_id = c.code_report
    LEFT JOIN opened AS o ON l.report_id = o.opened_report
)
SELECT
    COALESCE(report_name, code_name, report_id) AS report,
    status,
    COALESCE(anonymous_views, 0) AS anonymous_views,
    last_view,
    CASE WHEN published_at IS NOT NULL THEN COALESCE(views_since, 0) END AS views_since,
    published_by,
    published_at,
    COALESCE(published, 0) AS published,
    removed_by,
    removed_at,
    COALESCE(active_days, 0) AS active_days,
    COALESCE(workspace_name, workspace_id) AS workspace,
    NULLIF(report_id, '(unknown)') AS report_id,
    workspace_id
FROM placed AS p
LEFT JOIN later AS v ON p.report_id = v.later_report
LEFT JOIN named_reports AS r ON p.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON p.workspace_id = w.named_workspace
ORDER BY
    anonymous_views DESC NULLS LAST,
    CASE status WHEN 'code deleted' THEN 1 ELSE 0 END NULLS LAST,
    published_at DESC NULLS LAST,
    report_id NULLS LAST
LIMIT :top
