WITH shared AS (
    SELECT
        Id AS share_id,
        local_date,
        local_hour,
        user_id,
        COALESCE(item_id, item_name) AS item_id,
        COALESCE(workspace_id, NULLIF(WorkspaceName, '')) AS workspace_id,
        activity_name,
        NULLIF(SharingScope, '') AS scope,
        CASE WHEN LOWER(SharingAction) LIKE '%link%' THEN TRUE ELSE FALSE END AS is_link,
        CASE WHEN LOWER(SharingScope) LIKE '%organi%' THEN TRUE ELSE FALSE END AS is_organization
    FROM events
    -- The activities of sharing-audit.
    WHERE activity_name IN (
            'ShareReport', 'ShareDashboard', 'ShareDataset', 'ShareArtifact',
            'ShareDatamart', 'ShareWarehouse', 'ShareLakehouseTable'
        )
),
-- A recipient can be in several lists of a share, each with a permission.
received AS (
    SELECT
        event_id,
        recipient,
        MAX(recipient_domain) AS recipient_domain,
        MAX(CASE WHEN is_external THEN 1 ELSE 0 END) AS external,
        STRING_AGG(DISTINCT detail, ', ' ORDER BY detail) AS permission
    FROM recipients
    WHERE kind = 'share'
    GROUP BY event_id, recipient
)
SELECT
    s.local_date AS date,
    s.local_hour AS hour,
    s.user_id AS user_key,
    s.item_id AS item_key,
    s.workspace_id AS workspace_key,
    s.activity_name AS activity_key,
    s.share_id AS share_key,
    r.recipient,
    r.recipient_domain,
    r.permission,
    s.scope,
    CASE
        WHEN r.external = 1 THEN 'external'
        WHEN s.is_organization THEN 'organization'
        ELSE 'people'
    END AS reach,
    s.is_link,
    s.is_organization
FROM shared AS s
LEFT JOIN received AS r ON s.share_id = r.event_id
