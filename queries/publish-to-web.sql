-- title: Reports published to the web
-- question: Which reports are public on the internet, who published them, and how often are they
--   viewed anonymously?
-- group: Sharing and security
-- empty: The log has no publication of a report to the web.
-- alias: anonymous
-- alias: embed-codes
-- alias: public
-- actors: all
-- chart: bars anonymous_views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- total: anonymous_views
-- column report: latest name of the report, or its ID if it never had a name
-- column status: `public`, `embed code deleted`, or `public earlier` (viewed anonymously, but the
--   stored log does not contain the publishing)
-- column anonymous_views: anonymous views in the period
-- column last_view: time of the last anonymous view in the period
-- column views_since_published: anonymous views since the last publishing, also before the period;
--   empty if the stored log does not contain the publishing
-- column published_by: user who last published it
-- column published_at: time of the last publishing
-- column times_published: number of times it was published
-- column removed_by: user who last deleted its embed code
-- column removed_at: time at which its embed code was last deleted
-- column active_days: days of the period with anonymous views
-- column workspace: latest name of the workspace
-- column report_id: ID of the report, one row each
-- column workspace_id: ID of the workspace
-- rule: Listed are all reports with a PublishToWebReport or DeleteEmbedCode in the stored log,
--   however old, and all reports viewed anonymously in the period. A report that was published a
--   year ago is therefore listed in every period.
-- rule: An anonymous view is a ViewReport by the user `Anonymous`.
-- rule: All values are as of the last day of the period. Anonymous views without a report ID are in
--   the row of the report's name, or in the row (unknown).
-- rule: Failed attempts are not counted. Service principals are included.
-- source: Microsoft Learn, Publish to web from Power BI; Tenant-level auditing
-- limit: Views through an embed code are counted as the log writes them. The log does not show how
--   many people viewed, whether the tenant setting blocks a code, or whether the report still
--   exists. The admin portal lists the embed codes that exist now.
WITH code_changes AS (
    SELECT
        -- An event without a report ID still means a report that is public.
        COALESCE(
            report_id,
            NULLIF(ArtifactId, ''),
            NULLIF(ReportName, ''),
            NULLIF(ItemName, ''),
            '(unknown)'
        ) AS report_key,
        COALESCE(report_id, NULLIF(ArtifactId, '')) AS published_id,
        COALESCE(NULLIF(ReportName, ''), NULLIF(ItemName, '')) AS item_name,
        workspace_id,
        user_id,
        CreationTime AS happened_at,
        activity_name,
        Id AS event_id
    FROM history AS e
    CROSS JOIN period AS p
    WHERE activity_name IN ('PublishToWebReport', 'DeleteEmbedCode')
        AND local_epoch_day <= last_epoch_day
),
code_events AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY report_key, activity_name ORDER BY happened_at DESC, event_id DESC
        ) AS place
    FROM code_changes
),
codes AS (
    SELECT
        report_key AS code_report,
        MAX(published_id) AS code_id,
        MAX(CASE WHEN place = 1 THEN item_name END) AS code_name,
        MAX(CASE WHEN place = 1 THEN workspace_id END) AS code_workspace,
        COUNT(*) FILTER (WHERE activity_name = 'PublishToWebReport') AS times_published,
        MAX(CASE WHEN activity_name = 'PublishToWebReport' AND place = 1 THEN user_id END)
            AS published_by,
        MAX(CASE WHEN activity_name = 'PublishToWebReport' THEN happened_at END) AS published_at,
        MAX(CASE WHEN activity_name = 'DeleteEmbedCode' AND place = 1 THEN user_id END)
            AS removed_by,
        MAX(CASE WHEN activity_name = 'DeleteEmbedCode' THEN happened_at END) AS removed_at
    FROM code_events
    GROUP BY report_key
),
viewed AS (
    SELECT
        COALESCE(report_id, NULLIF(ReportName, ''), '(unknown)') AS viewed_report,
        MAX(report_id) AS viewed_id,
        MAX(workspace_id) AS viewed_workspace,
        COUNT(*) AS anonymous_views,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(CreationTime) AS last_view
    FROM events
    WHERE activity_name = 'ViewReport' AND actor_kind = 'anonymous'
    GROUP BY COALESCE(report_id, NULLIF(ReportName, ''), '(unknown)')
),
anonymous_views_ever AS (
    SELECT
        COALESCE(report_id, NULLIF(ReportName, ''), '(unknown)') AS seen_report,
        CreationTime AS seen_at
    FROM history AS e
    CROSS JOIN period AS p
    WHERE activity_name = 'ViewReport' AND actor_kind = 'anonymous'
        AND local_epoch_day <= last_epoch_day
),
later AS (
    SELECT c.code_report AS later_report, COUNT(*) AS views_since_published
    FROM anonymous_views_ever AS e
    INNER JOIN codes AS c ON e.seen_report = c.code_report
    WHERE e.seen_at > c.published_at
    GROUP BY c.code_report
),
listed AS (
    SELECT code_report AS report_id FROM codes
    UNION
    SELECT viewed_report AS report_id FROM viewed
),
named_reports AS (SELECT report_id AS named_report, report_name FROM reports),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces),
placed AS (
    SELECT
        *,
        COALESCE(code_workspace, viewed_workspace) AS workspace_id,
        CASE
            WHEN COALESCE(removed_at >= published_at, removed_at IS NOT NULL)
                THEN 'embed code deleted'
            WHEN published_at IS NOT NULL THEN 'public'
            ELSE 'public earlier'
        END AS status
    FROM listed AS l
    LEFT JOIN codes AS c ON l.report_id = c.code_report
    LEFT JOIN viewed AS v ON l.report_id = v.viewed_report
)
SELECT
    COALESCE(report_name, code_name, report_id) AS report,
    status,
    COALESCE(anonymous_views, 0) AS anonymous_views,
    last_view,
    CASE WHEN published_at IS NOT NULL THEN COALESCE(views_since_published, 0) END
        AS views_since_published,
    published_by,
    published_at,
    COALESCE(times_published, 0) AS times_published,
    removed_by,
    removed_at,
    COALESCE(active_days, 0) AS active_days,
    COALESCE(workspace_name, workspace_id) AS workspace,
    COALESCE(code_id, viewed_id) AS report_id,
    workspace_id
FROM placed AS p
LEFT JOIN later AS v ON p.report_id = v.later_report
LEFT JOIN named_reports AS r ON p.report_id = r.named_report
LEFT JOIN named_workspaces AS w ON p.workspace_id = w.named_workspace
ORDER BY
    anonymous_views DESC NULLS LAST,
    CASE status WHEN 'embed code deleted' THEN 1 ELSE 0 END NULLS LAST,
    published_at DESC NULLS LAST,
    report_id NULLS LAST
LIMIT :top
