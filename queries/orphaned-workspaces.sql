-- title: Orphaned workspaces
-- question: Which workspaces have no admin who could be asked about them?
-- group: Content lifecycle
-- empty: Every workspace has an admin.
-- param status: choice(orphaned|unknown|all) = all, status of the listed workspaces
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column workspace: name in the inventory
-- column status: `orphaned` or `unknown`
-- column reason: `no admin`; `only groups, not resolved`; `access was not asked for`
-- column people: people with access to the workspace
-- column groups: groups with access to it
-- column items: items in it, without app copies and usage metrics
-- column last_activity: time of the last activity of a person in the log up to the end of the
--   period
-- column on_capacity: true if it is on a capacity
-- column snapshot_time: time of the snapshot that this row is from
-- column workspace_id: ID of the workspace
-- rule: A workspace is orphaned if no person, group or application is its admin. It is unknown if
--   only groups are its admins, because the members of a group are not known, or if its snapshots
--   do not include access rights. Other workspaces are not listed.
-- rule: Deleted, inactive, personal and admin workspaces are excluded.
WITH rights AS (
    SELECT
        workspace_id AS accessed,
        COUNT(DISTINCT CASE WHEN principal_type = 'User' THEN principal END) AS people_with_access,
        COUNT(DISTINCT CASE WHEN principal_type = 'Group' THEN principal END) AS groups_with_access,
        SUM(CASE WHEN access_right = 'Admin' THEN 1 ELSE 0 END) AS admins,
        SUM(CASE WHEN access_right = 'Admin' AND principal_type = 'Group' THEN 1 ELSE 0 END)
            AS admin_groups
    FROM inventory_access
    WHERE item_id IS NULL
    GROUP BY workspace_id
),
content AS (
    SELECT workspace_id AS filled, COUNT(*) AS item_count
    FROM inventory_items
    WHERE left_out IS NULL
    GROUP BY workspace_id
),
active AS (
    SELECT e.workspace_id AS active_workspace, MAX(e.CreationTime) AS last_activity
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
    GROUP BY e.workspace_id
),
judged AS (
    SELECT
        w.workspace_id AS judged_id,
        w.workspace_name AS held_name,
        w.capacity_id AS held_capacity,
        w.snapshot_time AS judged_at,
        COALESCE(r.people_with_access, 0) AS people_with_access,
        COALESCE(r.groups_with_access, 0) AS groups_with_access,
        CASE
            WHEN NOT w.has_users THEN 'access was not asked for'
            WHEN COALESCE(r.admins, 0) = 0 THEN 'no admin'
            WHEN r.admins = r.admin_groups THEN 'only groups, not resolved'
        END AS why
    FROM inventory_workspaces AS w
    LEFT JOIN rights AS r ON w.workspace_id = r.accessed
    WHERE w.left_out IS NULL
),
named AS (
    SELECT *, CASE WHEN why = 'no admin' THEN 'orphaned' ELSE 'unknown' END AS judged_status
    FROM judged
    WHERE why IS NOT NULL
)
SELECT
    COALESCE(held_name, judged_id) AS workspace,
    judged_status AS status,
    why AS reason,
    people_with_access AS people,
    groups_with_access AS groups,
    COALESCE(item_count, 0) AS items,
    last_activity,
    held_capacity IS NOT NULL AS on_capacity,
    judged_at AS snapshot_time,
    judged_id AS workspace_id
FROM named AS n
LEFT JOIN content AS c ON n.judged_id = c.filled
LEFT JOIN active AS a ON n.judged_id = a.active_workspace
WHERE :status = 'all' OR judged_status = :status
ORDER BY status NULLS LAST, workspace NULLS LAST, workspace_id NULLS LAST
LIMIT :top
