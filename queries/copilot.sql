-- title: Copilot
-- question: Who uses Copilot, where, and how much?
-- actors: people
-- chart: bars requests
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column user: who asked
-- column workspace: latest name of the workspace; its id where it never had one
-- column requests: how often
-- column active_days: on how many days
-- column last_request: when last
-- column user_requests: requests of this person in all workspaces
-- column items: different items that were asked about
-- column item_kinds: kinds of these items, each once
-- column failed: requests that failed; they are counted in requests
-- column first_request: when this person first asked, anywhere, in the whole archive
-- column workspace_id: the workspace
-- rule: A request is RequestCopilot (Copilot in Power BI and Fabric) or CopilotInteraction.
-- source: Microsoft Learn, Operation list
-- limit: The log has neither the question nor the answer, nor the capacity units that it took. One
--   question can write more than one event.
WITH asked AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS asker,
        workspace_id,
        workspace_name,
        -- Copilot that was asked about no item is asked in a workspace.
        CASE WHEN item_kind = 'Workspace' THEN NULL ELSE item_id END AS item_id,
        COALESCE(NULLIF(item_kind, 'Workspace'), ArtifactKind, ObjectType) AS kind,
        is_failed,
        local_date,
        CreationTime AS asked_at
    FROM events
    WHERE activity_name IN ('RequestCopilot', 'CopilotInteraction')
),
totals AS (
    SELECT
        asker,
        workspace_id,
        MAX(workspace_name) AS workspace_name,
        COUNT(*) AS requests,
        COUNT(DISTINCT local_date) AS active_days,
        MAX(asked_at) AS last_request,
        COUNT(DISTINCT item_id) AS items,
        STRING_AGG(DISTINCT kind, ', ' ORDER BY kind) AS item_kinds,
        COUNT(*) FILTER (WHERE is_failed) AS failed
    FROM asked
    GROUP BY asker, workspace_id
),
askers AS (
    SELECT asker AS total_asker, COUNT(*) AS user_requests FROM asked GROUP BY asker
),
first_times AS (
    SELECT COALESCE(user_id, '(unknown)') AS first_asker, MIN(CreationTime) AS first_request
    FROM history
    WHERE activity_name IN ('RequestCopilot', 'CopilotInteraction')
    GROUP BY user_id
)
SELECT
    asker AS user,
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
LEFT JOIN askers AS a ON t.asker = a.total_asker
LEFT JOIN first_times AS f ON t.asker = f.first_asker
ORDER BY requests DESC NULLS LAST, asker NULLS LAST, workspace_id NULLS LAST
LIMIT :top
