-- title: Gateway and data source changes
-- question: Who changed which gateway or data source, when, and how?
-- group: Administration
-- empty: No gateway or data source was changed in this period.
-- alias: data-sources
-- alias: datasources
-- alias: gateway
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column time: time of the change
-- column change: description of the change
-- column gateway: latest name of the gateway or its cluster, or its ID if it never had a name
-- column datasource: name of the data source, otherwise its type or ID
-- column user: user who made the change
-- column failed: true if the change failed
-- column datasource_type: type of the data source
-- column activity: name of the activity
-- column workspace: latest name of the workspace, if the event names one
-- column gateway_id: ID of the gateway
-- column datasource_id: ID of the data source
-- column event_id: ID of the event
-- rule: Counted are the activities of the category Gateway/Datasource: gateways, their members,
--   users and data sources, credentials, cloud connections and networks. Connection tests,
--   diagnostics, sign-ins and the encryption of credentials change nothing and are excluded.
-- rule: The latest changes come first. Service principals are included.
-- source: Microsoft Learn, Operation list
-- limit: The log does not record the exact change of a data source, or credentials. The gateway's
--   own log shows which refresh used which gateway.
WITH gateway_events AS (
    -- Most events contain only the ID of a gateway. Its latest name comes from the whole log.
    SELECT
        COALESCE(NULLIF(GatewayId, ''), NULLIF(GatewayClusterId, '')) AS named_gateway,
        GatewayName AS gateway_name,
        ROW_NUMBER() OVER (
            PARTITION BY COALESCE(NULLIF(GatewayId, ''), NULLIF(GatewayClusterId, ''))
            ORDER BY CreationTime DESC, Id DESC
        ) AS place
    FROM history
    WHERE GatewayName <> ''
        AND COALESCE(NULLIF(GatewayId, ''), NULLIF(GatewayClusterId, '')) IS NOT NULL
),
gateway_names AS (SELECT named_gateway, gateway_name FROM gateway_events WHERE place = 1),
changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        activity_label,
        activity_name,
        COALESCE(NULLIF(GatewayId, ''), NULLIF(GatewayClusterId, '')) AS gateway_id,
        NULLIF(GatewayName, '') AS name_then,
        NULLIF(DatasourceId, '') AS datasource_id,
        NULLIF(DatasourceName, '') AS datasource_name,
        NULLIF(DatasourceType, '') AS datasource_type,
        user_id,
        is_failed,
        COALESCE(workspace_name, workspace_id) AS workspace
    FROM events
    WHERE category = 'Gateway/Datasource'
        AND activity_name NOT LIKE '%TestConnection'
        AND activity_name NOT LIKE 'EvaluateDiagnostics%'
        AND activity_name NOT LIKE 'Initiate%Login'
        AND activity_name NOT IN ('EncryptCredentials', 'EncryptClusterCredentials')
)
SELECT
    changed_at AS time,
    -- Almost every friendly name contains the words Power BI, which make the table too wide.
    REPLACE(activity_label, 'Power BI ', '') AS change,
    COALESCE(gateway_name, name_then, gateway_id) AS gateway,
    COALESCE(datasource_name, datasource_type, datasource_id) AS datasource,
    user_id AS user,
    is_failed AS failed,
    datasource_type,
    activity_name AS activity,
    workspace,
    gateway_id,
    datasource_id,
    Id AS event_id
FROM changes AS c
LEFT JOIN gateway_names AS g ON c.gateway_id = g.named_gateway
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
