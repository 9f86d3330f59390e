-- title: Refresh health
-- question: Which semantic models fail to refresh, and which are refreshed although nobody uses them?
-- group: Platform health
-- alias: refresh-failures
-- empty: No semantic model has this status.
-- actors: all
-- param days: int = 30, length of the window that ends with the last day of the period
-- param status: choice(problem|failing|unused|all) = problem, `problem` for semantic models that fail
--   or are refreshed unused
-- param unscanned: choice(unknown|ignore) = unknown, `ignore` to judge the use of semantic models
--   although the dependencies in some workspaces are not known
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column semantic_model: name in the inventory, else in the file of refreshes
-- column workspace: name of the workspace
-- column health: `failing` if the last refresh failed or was disabled, `ok` if it completed, `unknown`
--   if no refresh in the window is known
-- column use: `used`, `unused` or `unknown`
-- column failures: failed refreshes in the window
-- column refreshes: known refreshes in the window
-- column views: views of the semantic model and of what is built on it, in the window
-- column last_refresh: start of the last known refresh in the window
-- column last_status: status of that refresh
-- column last_error: code of its error
-- column schedule: schedule in words, `off` if it is switched off
-- column average_seconds: average duration of the completed ones in seconds
-- column viewers: distinct people and services of these views
-- column last_view: time of the last such view, up to the end of the period
-- column owner: who configured it
-- column covered_days: covered days of the window
-- column model_id: ID of the semantic model
-- column workspace_id: ID of the workspace
-- rule: A semantic model is listed if a file of refreshes contains it in the window, or if a scanner
--   result contains its schedule. A refresh counts once, even if several files contain it.
-- rule: refreshes and failures are those of histories of refreshes. If the latest list of refreshables
--   with a window that ends in the report's window counts more, they are the counts of that list.
--   Counts of two lists are never added, because their windows overlap.
-- rule: A semantic model is used if a report, dashboard or semantic model that is built on it has a
--   view in the window, or use from Excel or another program, also in another workspace. A refresh is
--   no use.
-- rule: Without use, it is unknown if the log does not cover the window, or if a workspace was scanned
--   without dependencies. It is unused if it is also refreshed, or has a schedule that is on. A
--   semantic model without either has no use to judge, so its use is unknown.
-- rule: A day is covered if it is complete. The last day of the period is also covered if the log
--   contains part of it.
-- rule: App copies, usage metrics, and semantic models in deleted, inactive and admin workspaces are
--   excluded. The most failures come first.
-- limit: Power BI keeps 20 to 60 refreshes of a semantic model, for at least 3 days. Refreshes between
--   two files can be missing, and failures with them.
-- limit: Lists of refreshables contain semantic models on capacities only, and the last 7 days and 60
--   refreshes of each.
WITH covered AS (
    SELECT
        MAX(window_end_epoch_day) AS end_day,
        COALESCE(MAX(window_covered_days), 0) AS covered_count
    FROM coverage_windows
    WHERE window_days <= :days
),
refreshed AS (
    SELECT
        h.model_id AS refreshed_id,
        h.model_name,
        h.model_workspace_id,
        h.model_workspace,
        h.model_owner,
        h.refresh_status,
        h.error_code,
        h.refresh_seconds,
        h.started_at,
        ROW_NUMBER() OVER (
            PARTITION BY h.model_id ORDER BY h.started_at DESC, h.request_id DESC
        ) AS nth
    FROM refresh_history AS h
    CROSS JOIN covered AS c
    WHERE h.started_epoch_day > c.end_day - :days AND h.started_epoch_day <= c.end_day
),
counted AS (
    SELECT
        refreshed_id AS counted_id,
        COUNT(*) AS known_refreshes,
        COUNT(*) FILTER (WHERE refresh_status = 'Failed') AS known_failures,
        AVG(CASE WHEN refresh_status = 'Completed' THEN refresh_seconds END) AS known_seconds,
        MAX(model_name) AS counted_name,
        MAX(model_workspace_id) AS counted_workspace_id,
        MAX(model_workspace) AS counted_workspace,
        MAX(model_owner) AS counted_owner
    FROM refreshed
    GROUP BY refreshed_id
),
latest AS (
    SELECT
        refreshed_id AS latest_id,
        started_at AS latest_start,
        refresh_status AS latest_status,
        error_code AS latest_error
    FROM refreshed
    WHERE nth = 1
),
listed AS (
    SELECT
        r.model_id AS listed_id,
        r.model_name AS listed_name,
        r.model_workspace_id AS listed_workspace_id,
        r.model_workspace AS listed_workspace,
        r.model_owner AS listed_owner,
        r.refresh_schedule AS listed_schedule,
        r.refresh_count,
        r.refresh_failures,
        r.average_seconds
    FROM refreshables AS r
    CROSS JOIN covered AS c
    WHERE r.counted_epoch_day > c.end_day - :days AND r.counted_epoch_day <= c.end_day
),
held AS (
    SELECT
        item_id AS held_id,
        MIN(item_name) AS held_name,
        MIN(workspace_id) AS held_workspace_id,
        MIN(configured_by) AS held_owner,
        MIN(refresh_schedule) AS held_schedule,
        MIN(CASE WHEN left_out IS NULL OR left_out = 'personal workspace' THEN 0 ELSE 1 END)
            AS is_left_out
    FROM inventory_items
    WHERE item_kind = 'SemanticModel'
    GROUP BY item_id
),
candidates AS (
    SELECT counted_id AS candidate FROM counted
    UNION
    SELECT listed_id AS candidate FROM listed
    UNION
    SELECT held_id AS candidate FROM held WHERE held_schedule IS NOT NULL
),
ids AS (
    SELECT item_id AS known_id, MIN(COALESCE(original_id, item_id)) AS item_key
    FROM inventory_items
    GROUP BY item_id
),
report_ids AS (SELECT known_id AS known_report, item_key AS report_key FROM ids),
app_ids AS (SELECT known_id AS known_app, item_key AS app_key FROM ids),
used AS (
    SELECT
        e.item_id AS used_id,
        e.ReportId AS used_report,
        e.AppReportId AS used_app,
        e.semantic_model_id AS used_model,
        e.user_id AS visitor,
        COUNT(*) FILTER (WHERE e.local_epoch_day > p.last_epoch_day - :days) AS view_count,
        MAX(e.CreationTime) AS last_viewed
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
        AND e.operation_group IN ('VIEW', 'EXTERNAL')
    GROUP BY e.item_id, e.ReportId, e.AppReportId, e.semantic_model_id, e.user_id
),
matched AS (
    SELECT
        COALESCE(i.item_key, r.report_key, a.app_key, u.used_model) AS use_key,
        u.visitor,
        u.view_count,
        u.last_viewed
    FROM used AS u
    LEFT JOIN ids AS i ON u.used_id = i.known_id
    LEFT JOIN report_ids AS r ON u.used_report = r.known_report
    LEFT JOIN app_ids AS a ON u.used_app = a.known_app
),
-- Each semantic model with itself and with what is built on it.
fed AS (
    SELECT candidate AS fed_id, candidate AS dependent FROM candidates
    UNION
    SELECT l.upstream_id AS fed_id, l.item_id AS dependent
    FROM inventory_lineage AS l
    INNER JOIN candidates AS c ON l.upstream_id = c.candidate
),
viewed AS (
    SELECT
        f.fed_id AS viewed_id,
        SUM(m.view_count) AS model_views,
        COUNT(DISTINCT CASE WHEN m.view_count > 0 THEN m.visitor END) AS model_viewers,
        MAX(m.last_viewed) AS model_last_view
    FROM fed AS f
    INNER JOIN matched AS m ON f.dependent = m.use_key
    GROUP BY f.fed_id
),
scanned AS (
    SELECT COALESCE(SUM(CASE WHEN has_lineage THEN 0 ELSE 1 END), 0) AS unscanned_workspaces
    FROM inventory_workspaces
    WHERE left_out IS NULL
),
joined AS (
    SELECT
        d.candidate,
        COALESCE(h.held_name, r.listed_name, c.counted_name) AS model_name,
        COALESCE(h.held_workspace_id, r.listed_workspace_id, c.counted_workspace_id)
            AS joined_workspace_id,
        COALESCE(r.listed_workspace, c.counted_workspace) AS joined_workspace,
        COALESCE(h.held_owner, r.listed_owner, c.counted_owner) AS model_owner,
        COALESCE(r.listed_schedule, h.held_schedule) AS model_schedule,
        COALESCE(h.held_id, '') AS inventory_id,
        CASE
            WHEN h.held_id IS NOT NULL AND h.held_workspace_id IS NULL THEN 1
            ELSE 0
        END AS is_unplaced,
        COALESCE(h.is_left_out, 0) AS is_left_out,
        CASE
            WHEN COALESCE(r.refresh_count, 0) > COALESCE(c.known_refreshes, 0)
                THEN r.refresh_count
            ELSE COALESCE(c.known_refreshes, 0)
        END AS refresh_total,
        CASE
            WHEN COALESCE(r.refresh_count, 0) > COALESCE(c.known_refreshes, 0)
                THEN COALESCE(r.refresh_failures, 0)
            ELSE COALESCE(c.known_failures, 0)
        END AS failure_total,
        CASE
            WHEN COALESCE(r.refresh_count, 0) > COALESCE(c.known_refreshes, 0)
                THEN r.average_seconds
            ELSE c.known_seconds
        END AS seconds
    FROM candidates AS d
    LEFT JOIN held AS h ON d.candidate = h.held_id
    LEFT JOIN listed AS r ON d.candidate = r.listed_id
    LEFT JOIN counted AS c ON d.candidate = c.counted_id
),
judged AS (
    SELECT
        j.*,
        l.latest_start,
        l.latest_status,
        l.latest_error,
        c.covered_count,
        COALESCE(v.model_views, 0) AS view_total,
        COALESCE(v.model_viewers, 0) AS viewer_total,
        v.model_last_view,
        CASE
            WHEN l.latest_status IN ('Failed', 'Disabled') THEN 'failing'
            WHEN l.latest_status IS NULL AND j.failure_total > 0
                AND j.failure_total = j.refresh_total THEN 'failing'
            WHEN l.latest_status = 'Completed' THEN 'ok'
            ELSE 'unknown'
        END AS model_health,
        CASE
            WHEN COALESCE(v.model_views, 0) > 0 THEN 'used'
            WHEN c.covered_count < :days THEN 'unknown'
            WHEN j.inventory_id = '' THEN 'unknown'
            WHEN (s.unscanned_workspaces > 0 OR j.is_unplaced = 1) AND :unscanned = 'unknown'
                THEN 'unknown'
            WHEN j.refresh_total > 0 OR COALESCE(j.model_schedule, 'off') <> 'off' THEN 'unused'
            ELSE 'unknown'
        END AS model_use
    FROM joined AS j
    CROSS JOIN covered AS c
    CROSS JOIN scanned AS s
    LEFT JOIN latest AS l ON j.candidate = l.latest_id
    LEFT JOIN viewed AS v ON j.candidate = v.viewed_id
    WHERE j.is_left_out = 0
),
held_workspaces AS (
    SELECT workspace_id AS named_workspace, workspace_name AS named FROM inventory_workspaces
)
SELECT
    COALESCE(model_name, candidate) AS semantic_model,
    COALESCE(named, joined_workspace, joined_workspace_id) AS workspace,
    model_health AS health,
    model_use AS use,
    failure_total AS failures,
    refresh_total AS refreshes,
    view_total AS views,
    latest_start AS last_refresh,
    latest_status AS last_status,
    latest_error AS last_error,
    model_schedule AS schedule,
    ROUND(FLOOR(CAST(seconds AS DOUBLE) * 10 + 0.5) / 10, 1) AS average_seconds,
    viewer_total AS viewers,
    model_last_view AS last_view,
    model_owner AS owner,
    covered_count AS covered_days,
    candidate AS model_id,
    joined_workspace_id AS workspace_id
FROM judged AS j
LEFT JOIN held_workspaces AS n ON j.joined_workspace_id = n.named_workspace
WHERE
    :status = 'all'
    OR (:status IN ('problem', 'failing') AND model_health = 'failing')
    OR (:status IN ('problem', 'unused') AND model_use = 'unused')
ORDER BY
    failures DESC NULLS LAST,
    refreshes DESC NULLS LAST,
    semantic_model NULLS LAST,
    model_id NULLS LAST
LIMIT :top
