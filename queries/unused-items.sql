-- title: Unused items
-- question: Which semantic models, dataflows, dashboards and Fabric items does nobody use, directly or
--   through what is built on them?
-- group: Content lifecycle
-- empty: No item has this status. An item is unknown, and not unused, if it is younger than :days days,
--   if the log does not cover :days days, or if its dependents are not known; --param status=unknown
--   lists these.
-- actors: all
-- param days: int = 90, length of the window that ends with the last day of the period
-- param status: choice(unused|unknown|used|all) = unused, status of the listed items
-- param kind: text = all, kind of the listed items, for example `SemanticModel`
-- param counts_as_use: choice(view|any) = view, `view` for views, use in Excel and other programs,
--   runs, deliveries of subscriptions and embed tokens; `any` for every export, change and share too
-- param without_owners: bool = false, true to ignore use of an item by the people who created, changed
--   or own it
-- param personal: bool = false, true to include items in personal workspaces
-- param unscanned: choice(unknown|ignore) = unknown, `ignore` to judge items although the
--   dependencies in some workspaces are not known
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column item: name in the inventory
-- column kind: kind of the item, `SemanticModel`, `Dataflow`, `Dashboard` or a Fabric kind
-- column workspace: name of the workspace in the inventory
-- column status: `unused`, `unknown` or `used`
-- column reason: why
-- column created: time of its creation, if the inventory has it
-- column last_use: time of the last use in the log up to the end of the period, of the item or of what
--   is built on it
-- column days_since_use: days from that use to the end of the period
-- column uses: uses of the item itself in the window
-- column uses_downstream: uses in the window of what is built on it
-- column dependents: items that are built on it, directly or through others, without app copies
-- column owner: its owner, else who created or changed it
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- rule: An item is used if it or an item that is built on it has a use in the window. What is built on
--   an item is followed to the end, across workspaces: reports on a semantic model, dashboards with
--   tiles of them, semantic models on other models, dataflows and datamarts, and Fabric items.
-- rule: Otherwise, it is unknown if it was created in the window, if its age is not known and no
--   snapshot before the window contains it, if a day of the window is not covered, if a workspace was
--   scanned without dependencies, if no file names its workspace, or if something built on it is
--   unknown for its age. All other items are unused.
-- rule: Lakehouses, warehouses and databases without use are unknown, because other items can read
--   them by an address that is no dependency in the inventory. Kinds whose use the log does not show
--   are unknown too.
-- rule: An event is a use of the item that it is about. If this item is not in the inventory, for
--   example a report that was deleted, it is a use of its semantic model. Refreshes are no use.
-- rule: A day is covered if it is complete. The last day of the period is also covered if the log
--   contains part of it.
-- rule: App copies, usage metrics, and items in deleted, inactive, admin or (by default) personal
--   workspaces are excluded. The notes of the report count them. Use of them still counts for what
--   they are built on.
-- limit: Reports are in `unused-reports`. Dashboards and dataflows have no time of creation.
WITH held AS (
    SELECT
        item_id,
        item_name,
        item_kind AS held_kind,
        workspace_id AS held_workspace,
        created_at,
        created_by,
        modified_by,
        configured_by,
        original_id,
        left_out,
        CASE
            WHEN created_epoch_day > c.end_day - :days THEN 'young'
            WHEN created_epoch_day IS NULL AND first_seen_epoch_day > c.end_day - :days
                THEN 'ageless'
        END AS age_class
    FROM inventory_items AS i
    CROSS JOIN (
        SELECT MAX(window_end_epoch_day) AS end_day FROM coverage_windows
    ) AS c
),
ids AS (
    SELECT item_id AS known_id, MIN(COALESCE(original_id, item_id)) AS item_key
    FROM held
    GROUP BY item_id
),
report_ids AS (SELECT known_id AS known_report, item_key AS report_key FROM ids),
app_ids AS (SELECT known_id AS known_app, item_key AS app_key FROM ids),
artifact_ids AS (SELECT known_id AS known_artifact, item_key AS artifact_key FROM ids),
fabric_ids AS (SELECT known_id AS known_fabric, item_key AS fabric_key FROM ids),
object_ids AS (SELECT known_id AS known_object, item_key AS object_key FROM ids),
model_ids AS (SELECT known_id AS known_model, item_key AS model_key FROM ids),
dataflow_ids AS (SELECT known_id AS known_dataflow, item_key AS dataflow_key FROM ids),
used AS (
    SELECT
        e.item_id AS used_id,
        e.ReportId AS used_report,
        e.AppReportId AS used_app,
        e.ArtifactId AS used_artifact,
        e.ItemId AS used_fabric,
        e.ObjectId AS used_object,
        e.semantic_model_id AS used_model,
        e.dataflow_id AS used_dataflow,
        e.user_id AS visitor,
        COUNT(*) FILTER (WHERE e.local_epoch_day > p.last_epoch_day - :days) AS uses,
        MAX(e.CreationTime) AS last_use,
        MAX(e.local_epoch_day) AS last_use_day
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
        AND (
            e.operation_group IN ('VIEW', 'EXTERNAL')
            OR e.activity_name IN (
                'RunEmailSubscription', 'GenerateEmbedToken', 'RunArtifact', 'ReadDataflow',
                'StartNotebookSession', 'CoAuthorNotebook', 'PreviewLakehouseTable',
                'ListLakehouseTables', 'GetLakehouseTableDetails', 'ReadExperimentRun',
                'ReadEnvironmentResource', 'ViewDefaultWarehouse', 'ViewMountedWarehouse',
                'ViewSqlAnalyticsEndpointLakehouse', 'CreateSqlQueryFromWarehouse',
                'CreateVisualQueryFromWarehouse',
                'CreateSqlQueryFromSqlAnalyticsEndpointLakehouse',
                'CreateVisualQueryFromSqlAnalyticsEndpointLakehouse',
                'ConnectWarehouseAndDefaultWarehouseFromExternalApp',
                'ConnectWarehouseAndSqlAnalyticsEndpointLakehouseFromExternalApp'
            )
            OR (:counts_as_use = 'any' AND e.operation_group IN ('EXPORT', 'AUTHOR', 'SHARE'))
        )
    GROUP BY e.item_id, e.ReportId, e.AppReportId, e.ArtifactId, e.ItemId, e.ObjectId,
        e.semantic_model_id, e.dataflow_id, e.user_id
),
matched AS (
    SELECT
        COALESCE(
            i.item_key, r.report_key, a.app_key, t.artifact_key, f.fabric_key, o.object_key,
            m.model_key, d.dataflow_key
        ) AS use_key,
        u.visitor,
        u.uses,
        u.last_use,
        u.last_use_day
    FROM used AS u
    LEFT JOIN ids AS i ON u.used_id = i.known_id
    LEFT JOIN report_ids AS r ON u.used_report = r.known_report
    LEFT JOIN app_ids AS a ON u.used_app = a.known_app
    LEFT JOIN artifact_ids AS t ON u.used_artifact = t.known_artifact
    LEFT JOIN fabric_ids AS f ON u.used_fabric = f.known_fabric
    LEFT JOIN object_ids AS o ON u.used_object = o.known_object
    LEFT JOIN model_ids AS m ON u.used_model = m.known_model
    LEFT JOIN dataflow_ids AS d ON u.used_dataflow = d.known_dataflow
),
authors AS (
    SELECT
        item_id AS authored,
        MIN(created_by) AS author,
        MIN(modified_by) AS editor,
        MIN(configured_by) AS item_owner
    FROM held
    GROUP BY item_id
),
counted AS (
    SELECT
        m.use_key,
        SUM(m.uses) AS uses,
        MAX(m.last_use) AS last_use,
        MAX(m.last_use_day) AS last_use_day
    FROM matched AS m
    INNER JOIN authors AS a ON m.use_key = a.authored
    WHERE NOT (
        :without_owners
        AND (
            COALESCE(m.visitor = a.author, FALSE)
            OR COALESCE(m.visitor = a.editor, FALSE)
            OR COALESCE(m.visitor = a.item_owner, FALSE)
        )
    )
    GROUP BY m.use_key
),
ages AS (
    SELECT
        item_id AS aged_id,
        MAX(
            CASE
                WHEN left_out IS NULL OR left_out = 'personal workspace' THEN 1
                ELSE 0
            END
        ) AS is_dependent,
        MAX(
            CASE
                WHEN age_class IS NULL THEN 0
                WHEN left_out IS NULL OR left_out = 'personal workspace' THEN 1
                ELSE 0
            END
        ) AS is_unknown
    FROM held
    GROUP BY item_id
),
fed AS (
    SELECT
        l.upstream_id AS fed_id,
        SUM(a.is_dependent) AS dependents,
        SUM(a.is_unknown) AS unknown_dependents,
        SUM(COALESCE(c.uses, 0)) AS uses,
        MAX(c.last_use) AS last_use,
        MAX(c.last_use_day) AS last_use_day
    FROM inventory_lineage AS l
    INNER JOIN ages AS a ON l.item_id = a.aged_id
    LEFT JOIN counted AS c ON l.item_id = c.use_key
    GROUP BY l.upstream_id
),
covered AS (
    SELECT
        MAX(window_end_epoch_day) AS end_day,
        COALESCE(MAX(window_covered_days), 0) AS covered_days
    FROM coverage_windows
    WHERE window_days <= :days
),
scanned AS (
    SELECT COALESCE(SUM(CASE WHEN has_lineage THEN 0 ELSE 1 END), 0) AS unscanned_workspaces
    FROM inventory_workspaces
    WHERE left_out IS NULL
),
judged AS (
    SELECT
        h.*,
        c.covered_days,
        s.unscanned_workspaces,
        COALESCE(u.uses, 0) AS own_uses,
        COALESCE(f.uses, 0) AS fed_uses,
        COALESCE(f.dependents, 0) AS dependent_count,
        CASE
            WHEN u.last_use IS NULL THEN f.last_use
            WHEN f.last_use > u.last_use THEN f.last_use
            ELSE u.last_use
        END AS any_use,
        c.end_day - CASE
            WHEN u.last_use_day IS NULL THEN f.last_use_day
            WHEN f.last_use_day > u.last_use_day THEN f.last_use_day
            ELSE u.last_use_day
        END AS days_since,
        CASE
            WHEN COALESCE(u.uses, 0) > 0 THEN 'used'
            WHEN COALESCE(f.uses, 0) > 0 THEN 'feeds used'
            WHEN h.age_class IS NOT NULL THEN h.age_class
            WHEN c.covered_days < :days THEN 'uncovered'
            WHEN s.unscanned_workspaces > 0 AND :unscanned = 'unknown'
                AND h.held_kind NOT IN ('Dashboard', 'App')
                THEN 'unscanned'
            WHEN h.held_workspace IS NULL AND :unscanned = 'unknown'
                AND h.held_kind NOT IN ('Dashboard', 'App')
                THEN 'unplaced'
            WHEN COALESCE(f.unknown_dependents, 0) > 0 THEN 'feeds unknown'
            WHEN h.held_kind IN (
                'Lakehouse', 'Warehouse', 'SQLEndpoint', 'KQLDatabase', 'Eventhouse',
                'SQLDatabase', 'MirroredDatabase', 'MirroredWarehouse'
            ) THEN 'source'
            WHEN h.held_kind NOT IN (
                'SemanticModel', 'Dashboard', 'Dataflow', 'Datamart', 'Notebook', 'DataPipeline',
                'SparkJobDefinition', 'Eventstream', 'KQLQueryset', 'Environment', 'MLModel',
                'MLExperiment', 'Reflex'
            ) THEN 'not logged'
            ELSE 'unused'
        END AS verdict
    FROM held AS h
    CROSS JOIN covered AS c
    CROSS JOIN scanned AS s
    LEFT JOIN counted AS u ON h.item_id = u.use_key
    LEFT JOIN fed AS f ON h.item_id = f.fed_id
    WHERE h.held_kind <> 'Report'
        AND (h.left_out IS NULL OR (:personal AND h.left_out = 'personal workspace'))
),
worded AS (
    SELECT
        *,
        CASE
            WHEN verdict IN ('used', 'feeds used') THEN 'used'
            WHEN verdict = 'unused' THEN 'unused'
            ELSE 'unknown'
        END AS item_status,
        CASE
            WHEN verdict = 'used' THEN 'used in the window'
            WHEN verdict = 'feeds used' THEN 'feeds an item that is used in the window'
            WHEN verdict = 'young' THEN 'created in the window'
            WHEN verdict = 'ageless' THEN 'age not known'
            WHEN verdict = 'uncovered' THEN CONCAT(
                'the log covers ', CAST(covered_days AS VARCHAR), ' of ', CAST(:days AS VARCHAR),
                ' days'
            )
            WHEN verdict = 'unscanned' THEN CONCAT(
                'workspaces without scanned dependencies: ',
                CAST(unscanned_workspaces AS VARCHAR)
            )
            WHEN verdict = 'unplaced' THEN 'its workspace is not known'
            WHEN verdict = 'feeds unknown' THEN 'feeds an item whose use is not known'
            WHEN verdict = 'source' THEN 'other items can read it by its address'
            WHEN verdict = 'not logged' THEN 'the log may not show the use of this kind'
            WHEN dependent_count > 0 THEN 'feeds only unused items'
            WHEN any_use IS NULL THEN 'not used in the log'
            ELSE 'not used in the window'
        END AS item_reason
    FROM judged
),
held_workspaces AS (
    SELECT workspace_id AS named_workspace, workspace_name AS held_name FROM inventory_workspaces
)
SELECT
    COALESCE(item_name, item_id) AS item,
    held_kind AS kind,
    COALESCE(held_name, held_workspace) AS workspace,
    item_status AS status,
    item_reason AS reason,
    created_at AS created,
    any_use AS last_use,
    days_since AS days_since_use,
    own_uses AS uses,
    fed_uses AS uses_downstream,
    dependent_count AS dependents,
    COALESCE(configured_by, created_by, modified_by) AS owner,
    item_id,
    held_workspace AS workspace_id
FROM worded AS w
LEFT JOIN held_workspaces AS n ON w.held_workspace = n.named_workspace
WHERE (:status = 'all' OR item_status = :status) AND (:kind = 'all' OR held_kind = :kind)
ORDER BY days_since_use DESC NULLS FIRST, created NULLS FIRST, kind NULLS LAST, item_id NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
