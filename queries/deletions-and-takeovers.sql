-- title: Deletions and takeovers
-- question: Who deleted content or took over its ownership, and was it still in use?
-- group: Content lifecycle
-- empty: Nothing was deleted or taken over in this period.
-- alias: deletions
-- alias: takeovers
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param days_before: int = 28, number of days before a deletion in which viewers are counted
-- column time: time of the change
-- column change: `deleted` or `taken over`; `delete failed` or `takeover failed` if the log says so
-- column item: name of the item at that time, or its ID if the log has no name
-- column user: user who made the change
-- column viewers_before_deletion: distinct other people who viewed the item or its content in the
--   days before; empty unless an item with viewers was deleted
-- column item_kind: kind of item, for example Report, Workspace or SemanticModel
-- column previous_owner: previous owner, if the log names one
-- column workspace: latest name of the workspace
-- column activity: name of the activity
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- column event_id: ID of the event
-- rule: Deletions are those of reports, dashboards, tiles, semantic models, dataflows, apps and
--   other items (Delete… of the group AUTHOR and of newer item kinds). Deletions of workspaces are
--   DeleteFolder, DeleteGroup, DeleteGroupWorkspace, DeleteWorkspaceViaAdminApi and
--   DeleteWorkspacesPermanentlyAsAdmin. Unpublishing an app counts as its deletion.
-- rule: Takeovers are TakeOverDataset, TakeOverDatasource, TakeOverArtifact, TookOverDataflow and
--   TakeOverEmailSubscription.
-- rule: viewers_before_deletion counts the `days_before` days that end with the day of the
--   deletion. Viewers of a semantic model are those of its reports. Viewers of a workspace or app
--   are those of all its reports and dashboards. Anonymous visitors count as one. Service
--   principals and the user who deleted the item do not count.
-- rule: An event without an ID is about the item that it names. Viewers of such items are unknown.
-- rule: The latest changes come first. Service principals are included. A filter by user also
--   filters the viewers.
-- source: Microsoft Learn, Operation list
-- limit: Deleting a workspace deletes its content without an event for each item. Reports deleted
--   with a semantic model have an event each, or none.
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
            WHEN activity_name LIKE '%Dataflow' THEN 'Dataflow'
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
        NULLIF(WorkspaceName, '') AS workspace_name_then,
        user_id,
        NULLIF(OriginalOwner, '') AS previous_owner,
        local_epoch_day AS deleted_day
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
            WHEN 'Workspace' THEN COALESCE(
                folder_name, workspace_name_then, item_name, workspace_name, workspace_id
            )
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
-- Days are divided into slots of `days_before` days. A day that counts is in the slot of the
-- deletion or in the one before, so the join compares slots and not every day with every day.
deleted AS (
    SELECT DISTINCT
        Id AS deleted_event,
        kind AS deleted_kind,
        changed_id AS deleted_id,
        deleted_day,
        user_id AS deleted_by,
        FLOOR(CAST(deleted_day AS DOUBLE) / NULLIF(:days_before, 0)) AS deleted_slot
    FROM named
    WHERE change = 'deleted'
        AND changed_id IS NOT NULL
        AND kind IN ('Report', 'Dashboard', 'SemanticModel', 'Workspace', 'App')
),
deletion_slots AS (
    SELECT deleted_event, deleted_kind, deleted_id, deleted_day, deleted_by, deleted_slot
    FROM deleted
    UNION ALL
    SELECT
        deleted_event,
        deleted_kind,
        deleted_id,
        deleted_day,
        deleted_by,
        deleted_slot - 1 AS deleted_slot
    FROM deleted
),
viewed AS (
    SELECT
        report_id,
        dashboard_id,
        semantic_model_id,
        workspace_id,
        app_id,
        user_id AS viewer,
        local_epoch_day AS viewed_day,
        FLOOR(CAST(local_epoch_day AS DOUBLE) / NULLIF(:days_before, 0)) AS viewed_slot
    FROM history
    WHERE activity_name IN ('ViewReport', 'ViewDashboard')
        AND NOT is_service
        AND NOT is_failed
        AND user_id IS NOT NULL
),
-- A view counts for its report or dashboard, semantic model, workspace and app. Views of items that
-- were not deleted are excluded first, and each viewer counts once a day, to join only a few rows.
deleted_reports AS (SELECT DISTINCT deleted_id FROM deleted WHERE deleted_kind = 'Report'),
report_views AS (
    SELECT v.report_id AS viewed_id, v.viewer, v.viewed_day, v.viewed_slot
    FROM viewed AS v
    INNER JOIN deleted_reports AS d ON v.report_id = d.deleted_id
    GROUP BY v.report_id, v.viewer, v.viewed_day, v.viewed_slot
),
deleted_dashboards AS (SELECT DISTINCT deleted_id FROM deleted WHERE deleted_kind = 'Dashboard'),
dashboard_views AS (
    SELECT v.dashboard_id AS viewed_id, v.viewer, v.viewed_day, v.viewed_slot
    FROM viewed AS v
    INNER JOIN deleted_dashboards AS d ON v.dashboard_id = d.deleted_id
    GROUP BY v.dashboard_id, v.viewer, v.viewed_day, v.viewed_slot
),
deleted_semantic_models AS (
    SELECT DISTINCT deleted_id FROM deleted WHERE deleted_kind = 'SemanticModel'
),
semantic_model_views AS (
    SELECT v.semantic_model_id AS viewed_id, v.viewer, v.viewed_day, v.viewed_slot
    FROM viewed AS v
    INNER JOIN deleted_semantic_models AS d ON v.semantic_model_id = d.deleted_id
    GROUP BY v.semantic_model_id, v.viewer, v.viewed_day, v.viewed_slot
),
deleted_workspaces AS (SELECT DISTINCT deleted_id FROM deleted WHERE deleted_kind = 'Workspace'),
workspace_views AS (
    SELECT v.workspace_id AS viewed_id, v.viewer, v.viewed_day, v.viewed_slot
    FROM viewed AS v
    INNER JOIN deleted_workspaces AS d ON v.workspace_id = d.deleted_id
    GROUP BY v.workspace_id, v.viewer, v.viewed_day, v.viewed_slot
),
deleted_apps AS (SELECT DISTINCT deleted_id FROM deleted WHERE deleted_kind = 'App'),
app_views AS (
    SELECT v.app_id AS viewed_id, v.viewer, v.viewed_day, v.viewed_slot
    FROM viewed AS v
    INNER JOIN deleted_apps AS d ON v.app_id = d.deleted_id
    GROUP BY v.app_id, v.viewer, v.viewed_day, v.viewed_slot
),
relevant_views AS (
    SELECT 'Report' AS viewed_kind, viewed_id, viewer, viewed_day, viewed_slot FROM report_views
    UNION ALL
    SELECT 'Dashboard' AS viewed_kind, viewed_id, viewer, viewed_day, viewed_slot
    FROM dashboard_views
    UNION ALL
    SELECT 'SemanticModel' AS viewed_kind, viewed_id, viewer, viewed_day, viewed_slot
    FROM semantic_model_views
    UNION ALL
    SELECT 'Workspace' AS viewed_kind, viewed_id, viewer, viewed_day, viewed_slot
    FROM workspace_views
    UNION ALL
    SELECT 'App' AS viewed_kind, viewed_id, viewer, viewed_day, viewed_slot FROM app_views
),
viewers AS (
    SELECT deleted_event AS viewed_event, COUNT(DISTINCT viewer) AS viewers
    FROM deletion_slots AS d
    INNER JOIN relevant_views AS v
        ON d.deleted_kind = v.viewed_kind
        AND d.deleted_id = v.viewed_id
        AND d.deleted_slot = v.viewed_slot
    WHERE viewed_day <= deleted_day AND viewed_day > deleted_day - :days_before
        AND viewer <> COALESCE(deleted_by, '')
    GROUP BY deleted_event
)
SELECT
    changed_at AS time,
    change,
    changed_item AS item,
    user_id AS user,
    CASE WHEN deleted_event IS NOT NULL THEN COALESCE(viewers, 0) END AS viewers_before_deletion,
    kind AS item_kind,
    previous_owner,
    COALESCE(workspace_name, workspace_id) AS workspace,
    activity_name AS activity,
    changed_id AS item_id,
    workspace_id,
    Id AS event_id
FROM named AS c
LEFT JOIN deleted AS d ON c.Id = d.deleted_event
LEFT JOIN viewers AS v ON c.Id = v.viewed_event
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
