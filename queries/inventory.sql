-- title: Inventory
-- question: What is there, counted by kind, workspace, capacity, endorsement or owner?
-- group: Content lifecycle
-- empty: The inventory has no items.
-- actors: all
-- param by: choice(kind|workspace|capacity|endorsement|owner) = kind, the column to count by
-- param personal: bool = false, true to include items in personal workspaces
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column name: kind, name of the workspace, name and SKU of the capacity (else its ID), endorsement
--   or owner; empty if there is none
-- column items: items
-- column reports: reports
-- column semantic_models: semantic models
-- column dashboards: dashboards
-- column dataflows: dataflows
-- column other_items: items of other kinds
-- column endorsed: items that are promoted or certified
-- column workspaces: workspaces with these items
-- column created_lately: items that were created in the period, if their time of creation is known
-- column last_change: time of the last change of one of the items
-- rule: App copies, usage metrics, and items in deleted, inactive, admin and (by default) personal
--   workspaces are excluded. The notes of the report count them.
-- rule: The owner is the owner of a semantic model or dataflow, else the author.
-- limit: Dashboards, dataflows and app copies have no time of creation. The endorsement is only in
--   scanner results, and the SKU only in lists of capacities.
WITH named AS (
    SELECT capacity_id AS named_id, capacity_name AS logged_name
    FROM capacities
),
places AS (
    SELECT
        w.workspace_id AS place_id,
        w.workspace_name AS place_name,
        w.capacity_id AS place_capacity,
        COALESCE(
            w.capacity_name || ' (' || w.capacity_sku || ')',
            w.capacity_name,
            n.logged_name,
            w.capacity_id
        ) AS place_capacity_name
    FROM inventory_workspaces AS w
    LEFT JOIN named AS n ON w.capacity_id = n.named_id
),
held AS (
    SELECT
        CASE
            WHEN :by = 'kind' THEN i.item_kind
            WHEN :by = 'workspace' THEN COALESCE(w.place_name, i.workspace_id)
            WHEN :by = 'capacity' THEN w.place_capacity_name
            WHEN :by = 'endorsement' THEN i.endorsement
            ELSE COALESCE(i.configured_by, i.created_by)
        END AS counted_name,
        CASE
            WHEN :by = 'workspace' THEN i.workspace_id
            WHEN :by = 'capacity' THEN w.place_capacity
        END AS counted_id,
        i.item_kind AS held_kind,
        i.workspace_id AS held_workspace,
        i.modified_at AS held_change,
        CASE WHEN i.endorsement IN ('Promoted', 'Certified') THEN 1 ELSE 0 END AS is_endorsed,
        CASE
            WHEN i.created_epoch_day BETWEEN p.first_epoch_day AND p.last_epoch_day THEN 1
            ELSE 0
        END AS is_new
    FROM inventory_items AS i
    CROSS JOIN period AS p
    LEFT JOIN places AS w ON i.workspace_id = w.place_id
    WHERE i.left_out IS NULL OR (:personal AND i.left_out = 'personal workspace')
),
counts AS (
    SELECT
        counted_name,
        counted_id,
        COUNT(*) AS items,
        SUM(CASE WHEN held_kind = 'Report' THEN 1 ELSE 0 END) AS reports,
        SUM(CASE WHEN held_kind = 'SemanticModel' THEN 1 ELSE 0 END) AS semantic_models,
        SUM(CASE WHEN held_kind = 'Dashboard' THEN 1 ELSE 0 END) AS dashboards,
        SUM(CASE WHEN held_kind = 'Dataflow' THEN 1 ELSE 0 END) AS dataflows,
        SUM(is_endorsed) AS endorsed,
        COUNT(DISTINCT held_workspace) AS workspaces,
        SUM(is_new) AS created_lately,
        MAX(held_change) AS last_change
    FROM held
    GROUP BY counted_name, counted_id
)
SELECT
    counted_name AS name,
    items,
    reports,
    semantic_models,
    dashboards,
    dataflows,
    items - reports - semantic_models - dashboards - dataflows AS other_items,
    endorsed,
    workspaces,
    created_lately,
    last_change
FROM counts
ORDER BY items DESC NULLS LAST, name NULLS LAST, counted_id NULLS LAST
LIMIT :top
