-- title: Embed tokens
-- question: For which reports are embed tokens generated, by whom, and how many?
-- group: Usage
-- empty: No embed tokens were generated in this period.
-- alias: embed-tokens
-- alias: embedding
-- actors: all
-- chart: bars tokens
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- total: tokens, failed
-- column item: latest name of the report, dashboard or semantic model, or its ID if it never had a
--   name; `(several)` if the event names none
-- column principal: user who generated the tokens, usually a service principal
-- column tokens: tokens generated
-- column last_token: time of the last token
-- column active_days: days with generated tokens
-- column per_day: tokens divided by active_days
-- column with_rls: tokens with identities for row-level security
-- column multi_resource: tokens for several resources at once
-- column failed: attempts that failed, which are in no other column
-- column workspace: latest name of the workspace
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- rule: A token is GenerateEmbedToken or GenerateMultiResourceEmbedToken. A token for several
--   resources belongs to the report that its event names, if any.
-- source: Microsoft Learn, Operation list
-- limit: A token is not a view: one token can show many pages, or none. The log does not show the
--   users of an application that has its own login.
WITH tokens_requested AS (
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
        CreationTime AS requested_at
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
        MAX(CASE WHEN NOT is_failed THEN requested_at END) AS last_token,
        COUNT(DISTINCT CASE WHEN NOT is_failed THEN local_date END) AS active_days,
        COUNT(*) FILTER (WHERE NOT is_failed AND COALESCE(identities, '') NOT IN ('', '[]'))
            AS with_rls,
        COUNT(*) FILTER (
            WHERE NOT is_failed AND activity_name = 'GenerateMultiResourceEmbedToken'
        ) AS multi_resource,
        COUNT(*) FILTER (WHERE is_failed) AS failed
    FROM tokens_requested
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
    multi_resource,
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
