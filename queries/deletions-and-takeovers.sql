-- title: Deletions and takeovers
-- question: Who deleted what, or took it over from whom, and was it still in use?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param days_before: int = 28, over how many days before a deletion its viewers are counted
-- column time: when
-- column change: `deleted` or `taken over`; `delete failed` or `takeover failed` where the log
--   says so
-- column item: name of the item at that time; its id where the log names none
-- column user: who did it
-- column viewers_before: different other people who opened it in the days before, or something of
--   it; empty for what nobody opens, and where nothing was deleted
-- column item_kind: Report, Workspace, SemanticModel, …
-- column owner_before: whose it was, if the log tells
-- column workspace: latest name of the workspace
-- column activity: the activity
-- column item_id: the item
-- column workspace_id: its workspace
-- column event_id: the event
-- rule: Deletions are those of reports, dashboards, tiles, semantic models, dataflows, apps and
--   other items (Delete… of the group AUTHOR and of the newer kinds), and of workspaces:
--   DeleteFolder, DeleteGroup, DeleteGroupWorkspace, DeleteWorkspaceViaAdminApi,
--   DeleteWorkspacesPermanentlyAsAdmin. Unpublishing an app counts as its deletion.
-- rule: Takeovers are TakeOverDataset, TakeOverDatasource, TakeOverArtifact, TookOverDataflow and
--   TakeOverEmailSubscription.
-- rule: Viewers before are those of the `days_before` days that end with the day of the deletion:
--   of a report or dashboard itself, of the reports of a semantic model, and of all reports and
--   dashboards of a workspace or app. All who did not sign in are one of them; services and who
--   deleted it are none.
-- rule: Latest first. Services are included. A filter by user takes the other viewers away as well.
-- source: Microsoft Learn, Operation list
-- limit: Deleting a workspace deletes what is in it without an event for each item. What was
--   deleted with a semantic model shows as an event for each report or not at all.
WITH changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        CASE
            WHEN activity_name LIKE 'T%' AND is_failed THEN 'takeover failed'
            WHEN activity_name LIKE 'T%' THEN 'taken over'
            WHEN is_failed THEN 'delete failed'
            ELSE 'deleted'
        END AS change,
        activity_name,
        CASE
            WHEN activity_name IN (
                'DeleteFolder', 'DeleteGroup', 'DeleteGroupWorkspace',
                'DeleteWorkspaceViaAdminApi', 'DeleteWorkspacesPermanentlyAsAdmin'
            ) THEN 'Workspace'
            WHEN activity_name LIKE '%Report' THEN 'Report'
            WHEN activity_name LIKE '%Dashboard' THEN 'Dashboard'
            WHEN activity_name LIKE '%Tile' THEN 'Tile'
            WHEN activity_name LIKE '%Datasource' THEN 'Datasource'
            WHEN activity_name LIKE '%Dataset%' THEN 'SemanticModel'
            WHEN activity_name LIKE '%App' THEN 'App'
            WHEN activity_name LIKE '%EmailSubscription' THEN 'Subscription'
            ELSE item_kind
        END AS kind,
        item_name,
        item_id,
        COALESCE(NULLIF(ReportName, ''), NULLIF(ArtifactName, ''), NULLIF(ItemName, ''))
            AS report_name_then,
        COALESCE(report_id, NULLIF(ArtifactId, '')) AS report_id,
        NULLIF(FolderDisplayName, '') AS folder_name,
        NULLIF(DatasourceName, '') AS datasource_name,
        NULLIF(DatasourceId, '') AS datasource_id,
        NULLIF(TileName, '') AS tile_name,
        NULLIF(TileId, '') AS tile_id,
        COALESCE(workspace_id, NULLIF(FolderObjectId, '')) AS workspace_id,
        workspace_name,
        user_id,
        NULLIF(OriginalOwner, '') AS owner_before,
        local_day_number AS gone_day
    FROM events
    WHERE (operation_group = 'AUTHOR' AND activity_name LIKE 'Delete%')
        OR activity_name IN (
            'DeleteFolder', 'DeleteGroup', 'DeleteGroupWorkspace', 'DeleteWorkspaceViaAdminApi',
            'DeleteWorkspacesPermanentlyAsAdmin', 'DeleteDatasetFromExternalApplication',
            'DeleteDatamart', 'DeleteWarehouse', 'DeleteScorecard', 'DeleteOrgApp', 'UnpublishApp',
            'DeleteTemplateApp', 'DeleteAlmPipeline', 'TakeOverDataset', 'TakeOverDatasource',
            'TakeOverArtifact', 'TookOverDataflow', 'TakeOverEmailSubscription'
        )
),
named AS (
    SELECT
        *,
        CASE kind
            WHEN 'Workspace' THEN COALESCE(folder_name, workspace_name, item_name, workspace_id)
            WHEN 'Report' THEN COALESCE(report_name_then, report_id)
            WHEN 'Datasource' THEN COALESCE(datasource_name, item_name, datasource_id)
            WHEN 'Tile' THEN COALESCE(tile_name, item_name, tile_id)
            ELSE COALESCE(item_name, item_id)
        END AS changed_item,
        CASE kind
            WHEN 'Workspace' THEN workspace_id
            WHEN 'Report' THEN report_id
            WHEN 'Datasource' THEN datasource_id
            WHEN 'Tile' THEN tile_id
            ELSE item_id
        END AS changed_id
    FROM changes
),
-- Time is cut into slots as long as the days before: a day that counts lies in the slot of the
-- deletion or in the one before, so they meet by equality, and not each with each.
gone AS (
    SELECT DISTINCT
        Id AS gone_event,
        kind AS gone_kind,
        changed_id AS gone_id,
        gone_day,
        user_id AS gone_by,
        FLOOR(CAST(gone_day AS DOUBLE) / NULLIF(:days_before, 0)) AS gone_slot
    FROM named
    WHERE change = 'deleted'
        AND changed_id IS NOT NULL
        AND kind IN ('Report', 'Dashboard', 'SemanticModel', 'Workspace', 'App')
),
gone_slots AS (
    SELECT gone_event, gone_kind, gone_id, gone_day, gone_by, gone_slot FROM gone
    UNION ALL
    SELECT gone_event, gone_kind, gone_id, gone_day, gone_by, gone_slot - 1 AS gone_slot FROM gone
),
opened AS (
    SELECT
        report_id,
        dashboard_id,
        semantic_model_id,
        workspace_id,
        app_id,
        user_id AS viewer,
        local_day_number AS opened_day,
        FLOOR(CAST(local_day_number AS DOUBLE) / NULLIF(:days_before, 0)) AS opened_slot
    FROM history
    WHERE activity_name IN ('ViewReport', 'ViewDashboard') AND NOT is_service
        AND user_id IS NOT NULL
),
-- An opening needs the report or dashboard, the semantic model, the workspace and the app. What
-- was not deleted is left out first, and a person counts once a day: few rows are to be joined.
gone_reports AS (SELECT DISTINCT gone_id FROM gone WHERE gone_kind = 'Report'),
reports_needed AS (
    SELECT o.report_id AS needed_id, o.viewer, o.opened_day, o.opened_slot
    FROM opened AS o
    INNER JOIN gone_reports AS g ON o.report_id = g.gone_id
    GROUP BY o.report_id, o.viewer, o.opened_day, o.opened_slot
),
gone_dashboards AS (SELECT DISTINCT gone_id FROM gone WHERE gone_kind = 'Dashboard'),
dashboards_needed AS (
    SELECT o.dashboard_id AS needed_id, o.viewer, o.opened_day, o.opened_slot
    FROM opened AS o
    INNER JOIN gone_dashboards AS g ON o.dashboard_id = g.gone_id
    GROUP BY o.dashboard_id, o.viewer, o.opened_day, o.opened_slot
),
gone_semantic_models AS (SELECT DISTINCT gone_id FROM gone WHERE gone_kind = 'SemanticModel'),
semantic_models_needed AS (
    SELECT o.semantic_model_id AS needed_id, o.viewer, o.opened_day, o.opened_slot
    FROM opened AS o
    INNER JOIN gone_semantic_models AS g ON o.semantic_model_id = g.gone_id
    GROUP BY o.semantic_model_id, o.viewer, o.opened_day, o.opened_slot
),
gone_workspaces AS (SELECT DISTINCT gone_id FROM gone WHERE gone_kind = 'Workspace'),
workspaces_needed AS (
    SELECT o.workspace_id AS needed_id, o.viewer, o.opened_day, o.opened_slot
    FROM opened AS o
    INNER JOIN gone_workspaces AS g ON o.workspace_id = g.gone_id
    GROUP BY o.workspace_id, o.viewer, o.opened_day, o.opened_slot
),
gone_apps AS (SELECT DISTINCT gone_id FROM gone WHERE gone_kind = 'App'),
apps_needed AS (
    SELECT o.app_id AS needed_id, o.viewer, o.opened_day, o.opened_slot
    FROM opened AS o
    INNER JOIN gone_apps AS g ON o.app_id = g.gone_id
    GROUP BY o.app_id, o.viewer, o.opened_day, o.opened_slot
),
needed AS (
    SELECT 'Report' AS needed_kind, needed_id, viewer, opened_day, opened_slot FROM reports_needed
    UNION ALL
    SELECT 'Dashboard' AS needed_kind, needed_id, viewer, opened_day, opened_slot
    FROM dashboards_needed
    UNION ALL
    SELECT 'SemanticModel' AS needed_kind, needed_id, viewer, opened_day, opened_slot
    FROM semantic_models_needed
    UNION ALL
    SELECT 'Workspace' AS needed_kind, needed_id, viewer, opened_day, opened_slot
    FROM workspaces_needed
    UNION ALL
    SELECT 'App' AS needed_kind, needed_id, viewer, opened_day, opened_slot FROM apps_needed
),
viewers AS (
    SELECT gone_event AS viewed_event, COUNT(DISTINCT viewer) AS viewers
    FROM gone_slots AS g
    INNER JOIN needed AS n
        ON g.gone_kind = n.needed_kind AND g.gone_id = n.needed_id AND g.gone_slot = n.opened_slot
    WHERE opened_day <= gone_day AND opened_day > gone_day - :days_before
        AND viewer <> COALESCE(gone_by, '')
    GROUP BY gone_event
)
SELECT
    changed_at AS time,
    change,
    changed_item AS item,
    user_id AS user,
    CASE WHEN gone_event IS NOT NULL THEN COALESCE(viewers, 0) END AS viewers_before,
    kind AS item_kind,
    owner_before,
    COALESCE(workspace_name, workspace_id) AS workspace,
    activity_name AS activity,
    changed_id AS item_id,
    workspace_id,
    Id AS event_id
FROM named AS c
LEFT JOIN gone AS g ON c.Id = g.gone_event
LEFT JOIN viewers AS v ON c.Id = v.viewed_event
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
