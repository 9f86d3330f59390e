-- title: Changes of gateways and data sources
-- question: Who changed which gateway or data source, when, and how?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column time: when
-- column change: what was done, in plain words
-- column gateway: latest name of the gateway or its cluster; its id where it never had one
-- column datasource: name of the data source, or its kind; its id where the log names neither
-- column user: who did it
-- column failed: whether it failed
-- column type: kind of the data source
-- column activity: the activity
-- column workspace: latest name of the workspace, where one is named
-- column gateway_id: the gateway
-- column datasource_id: the data source
-- column event_id: the event
-- rule: Counted are the activities of the category Gateway/Datasource: gateways, their members,
--   users and data sources, credentials, cloud connections and networks. Tests of connections,
--   diagnostics, sign-ins and the encryption of credentials change nothing and are left out.
-- rule: Latest first. Services are included.
-- source: Microsoft Learn, Operation list
-- limit: What exactly was changed in a data source is not told, nor are credentials. Which refresh
--   ran over which gateway is in the gateway's own log.
WITH gateway_events AS (
    -- Most events name a gateway by its id alone: the archive tells its latest name.
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
    -- The friendly names say Power BI of everything, which a table has no room for.
    REPLACE(activity_label, 'Power BI ', '') AS change,
    COALESCE(gateway_name, name_then, gateway_id) AS gateway,
    COALESCE(datasource_name, datasource_type, datasource_id) AS datasource,
    user_id AS user,
    is_failed AS failed,
    datasource_type AS type,
    activity_name AS activity,
    workspace,
    gateway_id,
    datasource_id,
    Id AS event_id
FROM changes AS c
LEFT JOIN gateway_names AS g ON c.gateway_id = g.named_gateway
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
