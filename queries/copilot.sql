-- title: Copilot usage
-- question: Who uses Copilot, where, and how often?
-- group: Usage
-- empty: Nobody used Copilot in this period.
-- alias: copilot-usage
-- actors: people
-- chart: bars requests
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- total: requests, failed
-- column user: user who made the requests
-- column workspace: latest name of the workspace, or its ID if it never had a name
-- column requests: number of requests
-- column active_days: days with requests
-- column last_request: time of the last request
-- column user_requests: requests of this user in all workspaces
-- column items: distinct items that the requests were about
-- column item_kinds: kinds of these items, each listed once
-- column failed: requests that failed, which are in no other number
-- column first_request: time of this user's first request in the stored log, in any workspace
-- column workspace_id: ID of the workspace
-- rule: A request is RequestCopilot (Copilot in Power BI and Fabric) or CopilotInteraction.
-- source: Microsoft Learn, Operation list
-- limit: The log contains neither questions nor answers, and no capacity units. One question can
--   write more than one event.
WITH requests_made AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS requester,
        workspace_id,
        workspace_name,
        COALESCE(item_id, item_name) AS item_key,
        COALESCE(item_kind, ArtifactKind, ObjectType) AS kind,
        is_failed,
        local_date,
        CreationTime AS requested_at
    FROM events
    WHERE activity_name IN ('RequestCopilot', 'CopilotInteraction')
),
totals AS (
    SELECT
        requester,
        workspace_id,
        MAX(workspace_name) AS workspace_name,
        COUNT(*) FILTER (WHERE NOT is_failed) AS requests,
        COUNT(DISTINCT CASE WHEN NOT is_failed THEN local_date END) AS active_days,
        MAX(CASE WHEN NOT is_failed THEN requested_at END) AS last_request,
        COUNT(DISTINCT CASE WHEN NOT is_failed THEN item_key END) AS items,
        STRING_AGG(DISTINCT kind, ', ' ORDER BY kind) AS item_kinds,
        COUNT(*) FILTER (WHERE is_failed) AS failed
    FROM requests_made
    GROUP BY requester, workspace_id
),
requesters AS (
    SELECT requester AS total_requester, COUNT(*) FILTER (WHERE NOT is_failed) AS user_requests
    FROM requests_made
    GROUP BY requester
),
first_times AS (
    SELECT COALESCE(user_id, '(unknown)') AS first_requester, MIN(CreationTime) AS first_request
    FROM history
    WHERE activity_name IN ('RequestCopilot', 'CopilotInteraction') AND NOT is_failed
    GROUP BY user_id
)
SELECT
    requester AS user,
    COALESCE(workspace_name, workspace_id) AS workspace,
    requests,
    active_days,
    last_request,
    user_requests,
    items,
    item_kinds,
    failed,
    first_request,
    workspace_id
FROM totals AS t
LEFT JOIN requesters AS a ON t.requester = a.total_requester
LEFT JOIN first_times AS f ON t.requester = f.first_requester
ORDER BY requests DESC NULLS LAST, requester NULLS LAST, workspace_id NULLS LAST
LIMIT :top
