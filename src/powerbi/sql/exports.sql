WITH exported AS (
    SELECT
        local_date,
        local_hour,
        user_id,
        COALESCE(item_id, item_name) AS item_id,
        COALESCE(workspace_id, NULLIF(WorkspaceName, '')) AS workspace_id,
        activity_name,
        NULLIF(ExportedArtifactInfo.ExportType, '') AS export_format,
        actor_kind,
        is_service
    FROM events
    WHERE operation_group = 'EXPORT'
),
counted AS (
    SELECT
        local_date,
        local_hour,
        user_id,
        item_id,
        workspace_id,
        activity_name,
        export_format,
        actor_kind,
        is_service,
        COUNT(*) AS export_count
    FROM exported
    GROUP BY
        local_date,
        local_hour,
        user_id,
        item_id,
        workspace_id,
        activity_name,
        export_format,
        actor_kind,
        is_service
)
SELECT
    local_date AS date,
    local_hour AS hour,
    user_id AS user_key,
    item_id AS item_key,
    workspace_id AS workspace_key,
    activity_name AS activity_key,
    export_format,
    actor_kind,
    is_service AS is_counted,
    export_count
FROM counted
