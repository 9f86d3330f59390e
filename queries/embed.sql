-- title: Embedding
-- question: For which reports are embed tokens made, by whom, and how many?
-- actors: all
-- chart: bars tokens
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column item: latest name of the report, dashboard or semantic model that the tokens open; its id
--   where it never had one, `(several)` where the event names none
-- column principal: who made the tokens, mostly a service principal
-- column tokens: how many were made
-- column last_token: when the last was made
-- column active_days: days on which tokens were made
-- column per_day: tokens divided by active_days
-- column with_rls: tokens that carry identities for row-level security
-- column multi: tokens for several resources at once
-- column failed: attempts that failed; they are in no other column
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by
-- column workspace_id: its workspace
-- rule: A token is GenerateEmbedToken or GenerateMultiResourceEmbedToken. A token for several
--   resources belongs to the report that its event names, if it names one.
-- source: Microsoft Learn, Operation list
-- limit: A token is no view: one token can open many pages, or none. Who sits before the
--   application's own login cannot be told from this log.
WITH made AS (
    SELECT
        COALESCE(report_id, dashboard_id, semantic_model_id) AS embedded_id,
        COALESCE(
            report_name, report_id, dashboard_name, dashboard_id, semantic_model_name,
            semantic_model_id, '(several)'
        ) AS item,
        user_id,
        workspace_id,
        workspace_name,
        activity_name,
        RLSIdentities AS identities,
        is_failed,
        local_date,
        CreationTime AS made_at
    FROM events
    WHERE activity_name IN ('GenerateEmbedToken', 'GenerateMultiResourceEmbedToken')
),
totals AS (
    SELECT
        embedded_id,
        user_id,
        workspace_id,
        MAX(item) AS item,
        MAX(workspace_name) AS workspace_name,
        COUNT(*) FILTER (WHERE NOT is_failed) AS tokens,
        MAX(CASE WHEN NOT is_failed THEN made_at END) AS last_token,
        COUNT(DISTINCT CASE WHEN NOT is_failed THEN local_date END) AS active_days,
        COUNT(*) FILTER (WHERE NOT is_failed AND COALESCE(identities, '') NOT IN ('', '[]'))
            AS with_rls,
        COUNT(*) FILTER (
            WHERE NOT is_failed AND activity_name = 'GenerateMultiResourceEmbedToken'
        ) AS multi,
        COUNT(*) FILTER (WHERE is_failed) AS failed
    FROM made
    GROUP BY embedded_id, user_id, workspace_id
)
SELECT
    item,
    user_id AS principal,
    tokens,
    last_token,
    active_days,
    ROUND(FLOOR(CAST(tokens AS DOUBLE) * 100 / NULLIF(active_days, 0) + 0.5) / 100, 2) AS per_day,
    with_rls,
    multi,
    failed,
    COALESCE(workspace_name, workspace_id) AS workspace,
    embedded_id AS item_id,
    workspace_id
FROM totals
ORDER BY
    tokens DESC NULLS LAST,
    failed DESC NULLS LAST,
    embedded_id NULLS LAST,
    user_id NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
