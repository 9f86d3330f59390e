-- title: Unused reports
-- question: Which reports did nobody open lately, so that they can be retired?
-- group: Content lifecycle
-- empty: No report has this status. A report is unknown, and not unused, if it is younger than
--   :days days, or if the log does not cover :days days; --param status=unknown lists these.
-- actors: all
-- param days: int = 90, length of the window that ends with the last day of the period
-- param status: choice(unused|unknown|used|all) = unused, status of the listed reports
-- param counts_as_use: choice(view|any) = view, `view` for views, deliveries of subscriptions and
--   embed tokens; `any` for every view, export, change and share
-- param without_owners: bool = false, true to ignore use by the people who created or changed it
-- param personal: bool = false, true to include reports in personal workspaces
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column report: name in the inventory
-- column workspace: name of the workspace in the inventory
-- column status: `unused`, `unknown` or `used`
-- column reason: why
-- column created: time of its creation, if the inventory has it
-- column last_view: time of the last view in the log up to the end of the period
-- column days_since_view: days from that view to the end of the period
-- column views: views in the window (ViewReport)
-- column anonymous_views: views in the window by anonymous visitors of a published report
-- column service_views: views in the window by service principals
-- column deliveries: deliveries of subscriptions in the window (RunEmailSubscription)
-- column owner: who created it, else who changed it last
-- column semantic_model: name of its semantic model in the inventory
-- column report_id: ID of the report
-- column workspace_id: ID of the workspace
-- rule: A report is used if it has a use in the window. Otherwise, it is unknown if it was created
--   in the window, if its age is not known and no snapshot before the window contains it, or if a
--   day of the window is not covered. All other reports are unused.
-- rule: A day is covered if it is complete. The last day of the period is also covered if the log
--   contains part of it.
-- rule: A view of a report's copy in an app counts as a view of the original. Events match a report
--   by their report_id, else by ReportId, else by AppReportId.
-- rule: App copies, usage metrics reports, and reports in deleted, inactive, admin or (by default)
--   personal workspaces are excluded. The notes of the report count them.
-- limit: The inventory lists what existed at the time of its snapshot. A report that was created
--   later is missing, and a report that was deleted later is still listed.
WITH held AS (
    SELECT
        item_id,
        item_name,
        workspace_id AS held_workspace,
        created_at,
        created_epoch_day,
        first_seen_epoch_day,
        created_by,
        modified_by,
        model_id,
        original_id,
        left_out
    FROM inventory_items
    WHERE item_kind = 'Report'
),
ids AS (
    SELECT item_id AS known_id, MIN(COALESCE(original_id, item_id)) AS report_key
    FROM held
    GROUP BY item_id
),
other_ids AS (SELECT known_id AS known_other, report_key AS other_key FROM ids),
app_ids AS (SELECT known_id AS known_app, report_key AS app_key FROM ids),
used AS (
    SELECT
        e.report_id AS used_id,
        e.ReportId AS used_other,
        e.AppReportId AS used_app,
        e.user_id AS visitor,
        e.actor_kind AS visitor_kind,
        COUNT(*) FILTER (
            WHERE e.activity_name = 'ViewReport'
                AND e.local_epoch_day > p.last_epoch_day - :days
        ) AS views,
        COUNT(*) FILTER (
            WHERE e.activity_name = 'RunEmailSubscription'
                AND e.local_epoch_day > p.last_epoch_day - :days
        ) AS deliveries,
        COUNT(*) FILTER (
            WHERE e.local_epoch_day > p.last_epoch_day - :days
                AND (
                    e.activity_name IN ('ViewReport', 'RunEmailSubscription', 'GenerateEmbedToken')
                    OR :counts_as_use = 'any'
                )
        ) AS uses,
        MAX(CASE WHEN e.activity_name = 'ViewReport' THEN e.CreationTime END) AS last_view,
        MAX(CASE WHEN e.activity_name = 'ViewReport' THEN e.local_epoch_day END) AS last_view_day
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
        AND (
            e.operation_group IN ('VIEW', 'EXTERNAL', 'EXPORT', 'AUTHOR', 'SHARE')
            OR e.activity_name IN ('RunEmailSubscription', 'GenerateEmbedToken')
        )
    GROUP BY e.report_id, e.ReportId, e.AppReportId, e.user_id, e.actor_kind
),
matched AS (
    SELECT
        COALESCE(i.report_key, o.other_key, a.app_key) AS use_key,
        u.visitor,
        u.visitor_kind,
        u.views,
        u.deliveries,
        u.uses,
        u.last_view,
        u.last_view_day
    FROM used AS u
    LEFT JOIN ids AS i ON u.used_id = i.known_id
    LEFT JOIN other_ids AS o ON u.used_other = o.known_other
    LEFT JOIN app_ids AS a ON u.used_app = a.known_app
),
authors AS (
    SELECT
        item_id AS authored,
        MIN(created_by) AS author,
        MIN(modified_by) AS editor
    FROM held
    GROUP BY item_id
),
counted AS (
    SELECT
        m.use_key,
        SUM(m.views) AS views,
        SUM(CASE WHEN m.visitor_kind = 'anonymous' THEN m.views ELSE 0 END) AS anonymous_views,
        SUM(CASE WHEN m.visitor_kind = 'service' THEN m.views ELSE 0 END) AS service_views,
        SUM(m.deliveries) AS deliveries,
        SUM(m.uses) AS uses,
        MAX(m.last_view) AS last_view,
        MAX(m.last_view_day) AS last_view_day
    FROM matched AS m
    INNER JOIN authors AS a ON m.use_key = a.authored
    WHERE NOT (
        :without_owners
        AND (COALESCE(m.visitor = a.author, FALSE) OR COALESCE(m.visitor = a.editor, FALSE))
    )
    GROUP BY m.use_key
),
covered AS (
    SELECT
        MAX(window_end_epoch_day) AS end_day,
        COALESCE(MAX(window_covered_days), 0) AS covered_days
    FROM coverage_windows
    WHERE window_days <= :days
),
judged AS (
    SELECT
        h.item_id,
        h.item_name,
        h.held_workspace,
        h.created_at,
        h.model_id,
        COALESCE(h.created_by, h.modified_by) AS report_owner,
        COALESCE(u.views, 0) AS views,
        COALESCE(u.anonymous_views, 0) AS anonymous_views,
        COALESCE(u.service_views, 0) AS service_views,
        COALESCE(u.deliveries, 0) AS deliveries,
        u.last_view,
        c.end_day - u.last_view_day AS days_since_view,
        CASE
            WHEN COALESCE(u.uses, 0) > 0 THEN 'used'
            WHEN h.created_epoch_day > c.end_day - :days THEN 'young'
            WHEN h.created_epoch_day IS NULL AND h.first_seen_epoch_day > c.end_day - :days
                THEN 'ageless'
            WHEN c.covered_days < :days THEN 'uncovered'
            ELSE 'unused'
        END AS verdict,
        c.covered_days
    FROM held AS h
    CROSS JOIN covered AS c
    LEFT JOIN counted AS u ON h.item_id = u.use_key
    WHERE h.left_out IS NULL OR (:personal AND h.left_out = 'personal workspace')
),
worded AS (
    SELECT
        *,
        CASE
            WHEN verdict IN ('used', 'unused') THEN verdict
            ELSE 'unknown'
        END AS report_status,
        CASE
            WHEN verdict = 'used' THEN 'used in the window'
            WHEN verdict = 'young' THEN 'created in the window'
            WHEN verdict = 'ageless' THEN 'age not known'
            WHEN verdict = 'uncovered' THEN CONCAT(
                'the log covers ', CAST(covered_days AS VARCHAR), ' of ', CAST(:days AS VARCHAR),
                ' days'
            )
            WHEN last_view IS NULL THEN 'not viewed in the log'
            ELSE 'not viewed in the window'
        END AS report_reason
    FROM judged
),
held_workspaces AS (
    SELECT workspace_id AS named_workspace, workspace_name AS held_name FROM inventory_workspaces
),
models AS (
    SELECT item_id AS named_model, MIN(item_name) AS model_name
    FROM inventory_items
    WHERE item_kind = 'SemanticModel'
    GROUP BY item_id
)
SELECT
    COALESCE(item_name, item_id) AS report,
    COALESCE(held_name, held_workspace) AS workspace,
    report_status AS status,
    report_reason AS reason,
    created_at AS created,
    last_view,
    days_since_view,
    views,
    anonymous_views,
    service_views,
    deliveries,
    report_owner AS owner,
    model_name AS semantic_model,
    item_id AS report_id,
    held_workspace AS workspace_id
FROM worded AS w
LEFT JOIN held_workspaces AS n ON w.held_workspace = n.named_workspace
LEFT JOIN models AS m ON w.model_id = m.named_model
WHERE :status = 'all' OR report_status = :status
ORDER BY days_since_view DESC NULLS FIRST, created NULLS FIRST, report_id NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
