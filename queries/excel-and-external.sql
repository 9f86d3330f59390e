-- title: Excel and other external tools
-- question: Who queries which semantic models from Excel and other tools, and how much?
-- group: Usage
-- empty: Nobody queried a semantic model from Excel or another tool in this period.
-- alias: analyze-in-excel
-- alias: excel
-- alias: xmla
-- actors: people
-- chart: bars sessions
-- param minutes: int = 30, minutes without an event before a new session starts
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: sessions, events, active_days by semantic_model, user, semantic_model_id
-- total: sessions, events
-- column rank: position by sessions, events and last use
-- column semantic_model: latest name of the semantic model, or its ID if it never had a name; the
--   name in the event if the event has no ID
-- column user: name of the user, in lower case
-- column sessions: number of sessions; see the rules
-- column events: number of events
-- column active_days: days with events
-- column last_used: time of the last event
-- column excel_pct: share of the events that are known to come from Excel, in percent
-- column model_users: distinct people who used this semantic model from external tools in the
--   period; events without a user do not count
-- column workspace: latest name of the workspace in which the user last used the semantic model
-- column semantic_model_id: ID of the semantic model, one row per ID and user; empty if the events
--   contain only a name, or none
-- rule: Counted are the activities of the group EXTERNAL, for example AnalyzeInExcel,
--   AnalyzedByExternalApplication, ConnectFromExternalApplication and ExploreDataset.
-- rule: Events of one user with one semantic model form a session if each event follows the
--   previous one within the given minutes. A pivot table writes many events, so sessions show use
--   better than events.
-- rule: An event comes from Excel if its activity (AnalyzeInExcel, AnalyzeInExcelReport,
--   AnalyzeInExcelDataset), its method or its user agent says so.
-- rule: Service principals that query through XMLA are excluded, unless --actors all is given.
-- limit: Some of these events have no ID of a semantic model. They are in rows of the name, or in
--   the rows (unknown). The log does not record the queries or the amount of data.
WITH used AS (
    SELECT
        COALESCE(semantic_model_id, '') AS model_key,
        CASE WHEN semantic_model_id IS NULL THEN COALESCE(DatasetName, '') ELSE '' END
            AS only_name,
        COALESCE(user_id, '') AS user_key,
        workspace_id,
        local_date,
        CreationTime AS used_at,
        epoch_us,
        CASE WHEN activity_name LIKE 'AnalyzeInExcel%' OR COALESCE(consumption_method, '') = 'Excel'
            THEN 1 ELSE 0 END AS is_excel
    FROM events
    WHERE operation_group = 'EXTERNAL'
),
spaced AS (
    SELECT
        *,
        epoch_us - LAG(epoch_us) OVER (
            PARTITION BY model_key, only_name, user_key ORDER BY epoch_us
        ) AS pause_us
    FROM used
),
totals AS (
    SELECT
        model_key,
        only_name,
        user_key,
        COUNT(*) FILTER (WHERE pause_us IS NULL OR pause_us > 60000000 * CAST(:minutes AS BIGINT))
            AS sessions,
        COUNT(*) AS events_counted,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(used_at) AS last_used,
        MAX(epoch_us) AS last_us,
        SUM(is_excel) AS excel_events
    FROM spaced
    GROUP BY model_key, only_name, user_key
),
models AS (
    SELECT
        model_key AS counted_model,
        only_name AS counted_name,
        COUNT(*) FILTER (WHERE user_key <> '') AS model_users
    FROM totals
    GROUP BY model_key, only_name
),
keyed AS (
    SELECT
        *,
        0 - sessions AS by_sessions,
        0 - events_counted AS by_events,
        0 - last_us AS by_age
    FROM totals
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            ORDER BY by_sessions, by_events, by_age, model_key, only_name, user_key
        ) AS place
    FROM keyed
),
places AS (
    SELECT model_key, only_name, user_key, workspace_id, MAX(epoch_us) AS last_us
    FROM used
    WHERE workspace_id IS NOT NULL
    GROUP BY model_key, only_name, user_key, workspace_id
),
latest_places AS (
    SELECT
        model_key AS placed_model,
        only_name AS placed_name,
        user_key AS placed_user,
        workspace_id AS placed_in,
        ROW_NUMBER() OVER (
            PARTITION BY model_key, only_name, user_key ORDER BY last_us DESC, workspace_id DESC
        ) AS from_end
    FROM places
),
last_places AS (
    SELECT placed_model, placed_name, placed_user, placed_in
    FROM latest_places
    WHERE from_end = 1
),
named_models AS (
    SELECT semantic_model_id AS named_model, semantic_model_name FROM semantic_models
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    COALESCE(semantic_model_name, NULLIF(model_key, ''), NULLIF(only_name, ''), '(unknown)')
        AS semantic_model,
    CASE WHEN user_key = '' THEN '(unknown)' ELSE user_key END AS user,
    sessions,
    events_counted AS events,
    active_days,
    last_used,
    ROUND(FLOOR(CAST(excel_events AS DOUBLE) * 1000 / NULLIF(events_counted, 0) + 0.5) / 10, 1)
        AS excel_pct,
    model_users,
    COALESCE(workspace_name, placed_in) AS workspace,
    CASE WHEN model_key <> '' THEN model_key END AS semantic_model_id
FROM ranked AS t
INNER JOIN models AS m ON t.model_key = m.counted_model AND t.only_name = m.counted_name
LEFT JOIN last_places AS p
    ON t.model_key = p.placed_model
    AND t.only_name = p.placed_name
    AND t.user_key = p.placed_user
LEFT JOIN named_models AS n ON t.model_key = n.named_model
LEFT JOIN named_workspaces AS w ON p.placed_in = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
