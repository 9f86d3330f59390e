WITH used AS (
    SELECT
        local_date,
        local_hour,
        user_id,
        -- The key of top-reports for a view of a report, else that of exports and external-users.
        CASE WHEN activity_name = 'ViewReport' THEN COALESCE(report_id, NULLIF(ReportName, ''))
            ELSE COALESCE(item_id, item_name) END AS item_id,
        COALESCE(workspace_id, NULLIF(WorkspaceName, '')) AS workspace_id,
        capacity_id,
        activity_name,
        consumption_method,
        NULLIF(DistributionMethod, '') AS distribution_method,
        browser,
        os,
        actor_kind,
        is_service,
        is_presence,
        is_failed
    FROM events
),
counted AS (
    SELECT
        local_date,
        local_hour,
        user_id,
        item_id,
        workspace_id,
        capacity_id,
        activity_name,
        consumption_method,
        distribution_method,
        browser,
        os,
        actor_kind,
        is_service,
        is_presence,
        is_failed,
        COUNT(*) AS event_count
    FROM used
    GROUP BY
        local_date,
        local_hour,
        user_id,
        item_id,
        workspace_id,
        capacity_id,
        activity_name,
        consumption_method,
        distribution_method,
        browser,
        os,
        actor_kind,
        is_service,
        is_presence,
        is_failed
)
SELECT
    local_date AS date,
    local_hour AS hour,
    user_id AS user_key,
    item_id AS item_key,
    workspace_id AS workspace_key,
    capacity_id AS capacity_key,
    activity_name AS activity_key,
    consumption_method,
    distribution_method,
    browser,
    os,
    actor_kind,
    is_service AS is_counted,
    is_presence,
    is_failed,
    event_count
FROM counted
