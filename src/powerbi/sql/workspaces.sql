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
)
SELECT
    workspace_key,
    workspace,
    CASE WHEN personal = 1 THEN 'My workspace' ELSE 'Workspace' END AS workspace_type,
    workspace_id,
    first_used,
    last_used
FROM grouped
ORDER BY workspace_key NULLS LAST
