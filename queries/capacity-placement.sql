-- title: Capacity placement
-- question: Which used workspaces are not on a capacity, and which workspaces on one are idle?
-- group: Content lifecycle
-- empty: No workspace has this status.
-- actors: all
-- param days: int = 30, length of the window that ends with the last day of the period
-- param viewers: int = 5, minimum number of viewers of a used workspace
-- param status: choice(misplaced|all) = misplaced, `misplaced` for used workspaces without a
--   capacity and idle ones on a capacity
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column workspace: name in the inventory
-- column status: `used without a capacity`, `idle on a capacity`, `used on a capacity`, `little used
--   without a capacity` or `unknown`
-- column capacity: name in the latest list of capacities, else the latest name in the log, else the
--   ID; empty without a capacity
-- column sku: SKU in the latest list of capacities, for example `F64`
-- column viewers: distinct people and services who viewed content in the window
-- column views: views in the window
-- column last_view: time of the last view, up to the end of the period
-- column items: items in it, without app copies and usage metrics
-- column covered_days: covered days of the window
-- column capacity_id: ID of the capacity
-- column workspace_id: ID of the workspace
-- rule: A workspace on a capacity is used if it has a view in the window. Without a capacity, it is
--   used if it has at least the given number of viewers.
-- rule: A workspace on a capacity without a view is unknown if the log does not cover the window.
-- rule: A view is any activity of the group VIEW. Deleted, inactive, admin and personal workspaces
--   are excluded.
-- limit: Viewers without a Pro license need a large capacity (F64, P1 or larger). The SKU is only in
--   lists of capacities.
WITH visits AS (
    SELECT
        e.workspace_id AS visited,
        COUNT(*) FILTER (WHERE e.local_epoch_day > p.last_epoch_day - :days) AS view_count,
        COUNT(
            DISTINCT CASE WHEN e.local_epoch_day > p.last_epoch_day - :days THEN e.user_id END
        ) AS viewer_count,
        MAX(e.CreationTime) AS last_viewed
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day AND e.operation_group = 'VIEW'
    GROUP BY e.workspace_id
),
content AS (
    SELECT workspace_id AS filled, COUNT(*) AS item_count
    FROM inventory_items
    WHERE left_out IS NULL
    GROUP BY workspace_id
),
named AS (
    SELECT capacity_id AS named_id, capacity_name AS logged_name
    FROM capacities
),
covered AS (
    SELECT COALESCE(MAX(window_covered_days), 0) AS covered_count
    FROM coverage_windows
    WHERE window_days <= :days
),
judged AS (
    SELECT
        w.workspace_id AS judged_id,
        w.workspace_name AS held_name,
        w.capacity_id AS held_capacity,
        COALESCE(w.capacity_name, n.logged_name, w.capacity_id) AS held_capacity_name,
        w.capacity_sku AS held_sku,
        COALESCE(v.viewer_count, 0) AS viewer_count,
        COALESCE(v.view_count, 0) AS view_count,
        v.last_viewed,
        c.covered_count,
        CASE
            WHEN w.capacity_id IS NULL AND COALESCE(v.viewer_count, 0) >= :viewers
                THEN 'used without a capacity'
            WHEN w.capacity_id IS NULL THEN 'little used without a capacity'
            WHEN COALESCE(v.view_count, 0) > 0 THEN 'used on a capacity'
            WHEN c.covered_count < :days THEN 'unknown'
            ELSE 'idle on a capacity'
        END AS placement
    FROM inventory_workspaces AS w
    CROSS JOIN covered AS c
    LEFT JOIN visits AS v ON w.workspace_id = v.visited
    LEFT JOIN named AS n ON w.capacity_id = n.named_id
    WHERE w.left_out IS NULL
)
SELECT
    COALESCE(held_name, judged_id) AS workspace,
    placement AS status,
    held_capacity_name AS capacity,
    held_sku AS sku,
    viewer_count AS viewers,
    view_count AS views,
    last_viewed AS last_view,
    COALESCE(item_count, 0) AS items,
    covered_count AS covered_days,
    held_capacity AS capacity_id,
    judged_id AS workspace_id
FROM judged AS j
LEFT JOIN content AS c ON j.judged_id = c.filled
WHERE :status = 'all' OR placement IN ('used without a capacity', 'idle on a capacity')
ORDER BY status NULLS LAST, viewers DESC NULLS LAST, workspace NULLS LAST, workspace_id NULLS LAST
LIMIT :top
