-- title: Changes of gateways and data sources
-- question: Who changed which gateway or data source, when, and how?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column time: when
-- column change: what was done, in plain words
-- column gateway: name of the gateway or its cluster; its id where the log names none
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
-- source: Microsoft Learn, Operation list; On-premises data gateway management
-- limit: What exactly was changed in a data source is not told, nor are credentials. Which refresh
--   ran over which gateway is in the gateway's own log.
SELECT
    CreationTime AS time,
    activity_label AS change,
    COALESCE(GatewayName, GatewayClusterId, GatewayId) AS gateway,
    COALESCE(DatasourceName, DatasourceType, DatasourceId) AS datasource,
    user_id AS user,
    is_failed AS failed,
    DatasourceType AS type,
    activity_name AS activity,
    COALESCE(workspace_name, workspace_id) AS workspace,
    COALESCE(GatewayId, GatewayClusterId) AS gateway_id,
    DatasourceId AS datasource_id,
    Id AS event_id
FROM events
WHERE category = 'Gateway/Datasource'
    AND activity_name NOT LIKE '%TestConnection'
    AND activity_name NOT LIKE 'EvaluateDiagnostics%'
    AND activity_name NOT LIKE 'Initiate%Login'
    AND activity_name NOT IN ('EncryptCredentials', 'EncryptClusterCredentials')
ORDER BY CreationTime DESC NULLS LAST, Id NULLS LAST
LIMIT :top
