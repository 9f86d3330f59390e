-- A statement that names is_failed reads failed events too.
WITH named AS (
    SELECT
        COALESCE(e.workspace_id, NULLIF(e.WorkspaceName, '')) AS workspace_key,
        e.workspace_id,
        COALESCE(e.workspace_name, NULLIF(e.WorkspaceName, '')) AS workspace_name,
        e.is_personal_workspace,
        CASE WHEN e.is_failed THEN NULL ELSE e.local_date END AS used_on
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
),
grouped AS (
    SELECT
        workspace_key,
        MAX(workspace_name) AS workspace,
        MAX(workspace_id) AS workspace_id,
        MAX(CASE WHEN is_personal_workspace THEN 1 ELSE 0 END) AS personal,
        MIN(used_on) AS first_used,
        MAX(used_on) AS last_used
    FROM named
    WHERE workspace_key IS NOT NULL
    GROUP BY workspace_key
),
-- An inventory contains workspaces without events.
held AS (
    SELECT
        workspace_id AS held_id,
        MIN(workspace_name) AS held_name,
        MAX(CASE WHEN workspace_type IN ('PersonalGroup', 'Personal') THEN 1 ELSE 0 END)
            AS held_personal
    FROM inventory_workspaces
    WHERE workspace_id IS NOT NULL
    GROUP BY workspace_id
),
all_keys AS (
    SELECT workspace_key AS any_key FROM grouped UNION SELECT held_id AS any_key FROM held
)
SELECT
    k.any_key AS workspace_key,
    COALESCE(g.workspace, h.held_name) AS workspace,
    CASE WHEN COALESCE(g.personal, h.held_personal) = 1 THEN 'My workspace' ELSE 'Workspace' END
        AS workspace_type,
    COALESCE(g.workspace_id, h.held_id) AS workspace_id,
    g.first_used,
    g.last_used
FROM all_keys AS k
LEFT JOIN grouped AS g ON k.any_key = g.workspace_key
LEFT JOIN held AS h ON k.any_key = h.held_id
ORDER BY workspace_key NULLS LAST
