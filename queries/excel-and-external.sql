-- title: Excel and other programs
-- question: Who queries which semantic models from Excel and other programs, and how much?
-- actors: people
-- chart: bars sessions
-- param minutes: int = 30, after how many minutes without an event a new session begins
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column rank: place in the order by sessions, events and last use
-- column model: latest name of the semantic model; its id where it never had one
-- column user: who used it, in lower case
-- column sessions: how often they sat down to it, see the rules
-- column events: events of theirs with it
-- column active_days: days on which they used it
-- column last_used: when they last did
-- column excel_pct: how many of these events are known to be of Excel, in percent
-- column model_users: different people who used this model so in the period
-- column workspace: latest name of the workspace in which they last used it
-- column semantic_model_id: the model's id, by which the rows are grouped together with the user
-- rule: Counted are the activities of the group EXTERNAL: AnalyzeInExcel,
--   AnalyzedByExternalApplication, ConnectFromExternalApplication, ExploreDataset and the like.
-- rule: One person's events with one model are one session as long as none is more than the given
--   minutes after the one before. A pivot table writes many events, so sessions tell more than
--   events.
-- rule: Of Excel are events that say so by their activity (AnalyzeInExcel, AnalyzeInExcelReport,
--   AnalyzeInExcelDataset), method or user agent.
-- rule: Services that query by XMLA are left out; with --actors all they are there.
-- limit: Some of these events name no semantic model: they are the rows (unknown). What was
--   queried, and how much data left, is not in this log.
WITH used AS (
    SELECT
        COALESCE(semantic_model_id, '') AS model_key,
        COALESCE(user_id, '') AS user_key,
        workspace_id,
        local_date,
        CreationTime AS used_at,
        time_us,
        CASE WHEN activity_name LIKE 'AnalyzeInExcel%' OR COALESCE(consumption_method, '') = 'Excel'
            THEN 1 ELSE 0 END AS is_excel
    FROM events
    WHERE operation_group = 'EXTERNAL'
),
spaced AS (
    SELECT
        *,
        time_us - LAG(time_us) OVER (PARTITION BY model_key, user_key ORDER BY time_us) AS pause_us
    FROM used
),
totals AS (
    SELECT
        model_key,
        user_key,
        COUNT(*) FILTER (WHERE pause_us IS NULL OR pause_us > 60000000 * CAST(:minutes AS BIGINT))
            AS sessions,
        COUNT(*) AS events_counted,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(used_at) AS last_used,
        MAX(time_us) AS last_us,
        SUM(is_excel) AS excel_events
    FROM spaced
    GROUP BY model_key, user_key
),
models AS (
    SELECT model_key AS counted_model, COUNT(*) AS model_users
    FROM totals
    GROUP BY model_key
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
        ROW_NUMBER() OVER (ORDER BY by_sessions, by_events, by_age, model_key, user_key) AS place
    FROM keyed
),
places AS (
    SELECT model_key, user_key, workspace_id, MAX(time_us) AS last_us
    FROM used
    WHERE workspace_id IS NOT NULL
    GROUP BY model_key, user_key, workspace_id
),
latest_places AS (
    SELECT
        model_key AS placed_model,
        user_key AS placed_user,
        workspace_id AS placed_in,
        ROW_NUMBER() OVER (
            PARTITION BY model_key, user_key ORDER BY last_us DESC, workspace_id DESC
        ) AS from_end
    FROM places
),
last_places AS (
    SELECT placed_model, placed_user, placed_in FROM latest_places WHERE from_end = 1
),
named_models AS (
    SELECT semantic_model_id AS named_model, semantic_model_name FROM semantic_models
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    place AS rank,
    CASE WHEN model_key = '' THEN '(unknown)' ELSE COALESCE(semantic_model_name, model_key) END
        AS model,
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
INNER JOIN models AS m ON t.model_key = m.counted_model
LEFT JOIN last_places AS p ON t.model_key = p.placed_model AND t.user_key = p.placed_user
LEFT JOIN named_models AS n ON t.model_key = n.named_model
LEFT JOIN named_workspaces AS w ON p.placed_in = w.named_workspace
ORDER BY place NULLS LAST
LIMIT :top
