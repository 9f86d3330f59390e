-- title: Inventory changes
-- question: What is new, gone, renamed, moved or in other hands since an earlier full snapshot?
-- group: Content lifecycle
-- empty: Nothing has changed, or no full snapshot is :days days older than the newest snapshot.
-- param days: int = 1, minimum number of days between the two snapshots
-- param change: choice(all|new|listed|gone|renamed|moved|owner) = all, kind of the listed changes
-- param kind: text = all, kind of the listed items, for example `Report` or `Workspace`
-- param personal: bool = false, true to include personal workspaces and their items
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column change: `new`, `listed`, `gone`, `renamed`, `moved` or `owner`
-- column item: name in the later snapshot, for `gone` in the earlier one
-- column kind: kind of the item, or `Workspace`
-- column workspace: its workspace
-- column old_value: old name, workspace or owner; for a workspace that moved, the old capacity: its name
--   in the latest list of capacities, else the latest name in the log, else the ID
-- column new_value: new name, workspace or owner; for a workspace that moved, the new capacity
-- column owner: its owner, else its author
-- column seen_at: time of the snapshot that first shows the present state, for `gone` of the one that
--   first lacks it
-- column earlier_snapshot: time of the earlier snapshot
-- column later_snapshot: time of the later snapshot
-- column item_id: ID of the item or workspace
-- column workspace_id: ID of its workspace
-- rule: The later snapshot is the newest one, or that of --as-of. The earlier one is the last full
--   snapshot that is at least the given number of days older, is of the same kind, and includes
--   personal workspaces if the last full snapshot does.
-- rule: Snapshots of one kind are compared: scanner results if there are any, else workspace lists,
--   else those of PowerShell. Kinds of items that a snapshot was not asked for do not change in it.
-- rule: An item is gone if a later scan of its workspace lacks it, if its workspace is deleted, or if a
--   later full snapshot lacks its workspace. A workspace that is missing in an incremental snapshot is
--   not gone.
-- rule: An item is new if it was created after the earlier snapshot, or if its time of creation is not
--   known. It is only listed if it is older, or if the earlier snapshot has no personal workspaces.
-- rule: An owner changed if both snapshots name an owner.
-- rule: App copies, usage metrics, and items in inactive, admin and (by default) personal workspaces are
--   excluded.
-- limit: What was made and deleted between two scans of its workspace is in neither. Collectors can
--   leave out inactive workspaces, which then look gone, and new when they are used again.
WITH spans AS (SELECT * FROM inventory_history),
kinds AS (SELECT MIN(snapshot_kind) AS compared_kind FROM spans),
taken AS (
    SELECT
        s.last_file_at,
        s.taken_epoch_day,
        s.coverage,
        s.has_personal
    FROM snapshots AS s
    INNER JOIN kinds AS k ON s.snapshot_kind = k.compared_kind
),
newest AS (
    SELECT
        MAX(last_file_at) AS later_time,
        MAX(taken_epoch_day) AS later_day,
        MAX(CASE WHEN coverage = 'full' THEN last_file_at END) AS full_time
    FROM taken
),
scope AS (
    SELECT MAX(CASE WHEN t.has_personal THEN 1 ELSE 0 END) AS full_personal
    FROM taken AS t
    INNER JOIN newest AS n ON t.last_file_at = n.full_time
    WHERE t.coverage = 'full'
),
compared AS (
    SELECT
        MAX(t.last_file_at) AS earlier_time,
        MAX(n.later_time) AS later_time,
        MAX(c.full_personal) AS full_personal
    FROM taken AS t
    CROSS JOIN newest AS n
    CROSS JOIN scope AS c
    WHERE t.coverage = 'full'
        AND t.taken_epoch_day <= n.later_day - :days
        AND t.last_file_at < n.later_time
        AND CASE WHEN t.has_personal THEN 1 ELSE 0 END = c.full_personal
),
earlier_spans AS (
    SELECT
        s.*,
        ROW_NUMBER() OVER (
            PARTITION BY s.item_kind, s.item_id ORDER BY s.valid_from DESC, s.workspace_id DESC
        ) AS nth
    FROM spans AS s
    CROSS JOIN compared AS c
    WHERE s.valid_from <= c.earlier_time
        AND (s.valid_until IS NULL OR s.valid_until > c.earlier_time)
),
earlier AS (
    SELECT
        item_id AS old_id,
        item_kind AS old_kind,
        item_name AS old_name,
        workspace_id AS old_workspace,
        item_owner AS old_owner,
        capacity_id AS old_capacity,
        left_out AS old_left_out
    FROM earlier_spans
    WHERE nth = 1
),
later_spans AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY item_kind, item_id ORDER BY valid_from DESC, workspace_id DESC
        ) AS nth
    FROM spans
    WHERE valid_until IS NULL
),
later AS (
    SELECT
        item_id AS new_id,
        item_kind AS new_kind,
        item_name AS new_name,
        workspace_id AS new_workspace,
        item_owner AS new_owner,
        capacity_id AS new_capacity,
        created_at AS new_created,
        valid_from AS new_since,
        left_out AS new_left_out
    FROM later_spans
    WHERE nth = 1
),
ends AS (
    SELECT item_id AS ended_id, item_kind AS ended_kind, MAX(valid_until) AS ended_at
    FROM spans
    GROUP BY item_id, item_kind
),
named AS (
    SELECT workspace_id AS named_workspace, workspace_name AS held_name FROM inventory_workspaces
),
old_named AS (
    SELECT named_workspace AS old_named_workspace, held_name AS old_held_name FROM named
),
capacity_ids AS (
    SELECT capacity_id AS each_capacity FROM inventory_capacities
    UNION
    SELECT capacity_id AS each_capacity FROM capacities
),
capacity_names AS (
    SELECT
        i.each_capacity AS capacity_key,
        COALESCE(h.capacity_name, n.capacity_name) AS capacity_label
    FROM capacity_ids AS i
    LEFT JOIN inventory_capacities AS h ON i.each_capacity = h.capacity_id
    LEFT JOIN capacities AS n ON i.each_capacity = n.capacity_id
),
paired AS (
    SELECT l.*, e.*, c.earlier_time, c.later_time, c.full_personal
    FROM later AS l
    CROSS JOIN compared AS c
    LEFT JOIN earlier AS e ON l.new_id = e.old_id AND l.new_kind = e.old_kind
    WHERE c.earlier_time IS NOT NULL
        AND (l.new_left_out IS NULL OR (:personal AND l.new_left_out = 'personal workspace'))
),
changes AS (
    SELECT
        CASE
            WHEN new_created <= earlier_time THEN 'listed'
            WHEN new_left_out IS NOT NULL AND full_personal = 0 THEN 'listed'
            ELSE 'new'
        END AS change_kind,
        CAST(NULL AS VARCHAR) AS before_value,
        CAST(NULL AS VARCHAR) AS after_value,
        new_id,
        new_kind,
        new_name,
        new_workspace,
        new_owner,
        new_since,
        earlier_time,
        later_time
    FROM paired
    WHERE old_id IS NULL
    UNION ALL
    SELECT
        'renamed' AS change_kind,
        old_name AS before_value,
        new_name AS after_value,
        new_id,
        new_kind,
        new_name,
        new_workspace,
        new_owner,
        new_since,
        earlier_time,
        later_time
    FROM paired
    WHERE old_name <> new_name
    UNION ALL
    SELECT
        'moved' AS change_kind,
        COALESCE(o.old_held_name, b.old_workspace) AS before_value,
        COALESCE(n.held_name, b.new_workspace) AS after_value,
        b.new_id,
        b.new_kind,
        b.new_name,
        b.new_workspace,
        b.new_owner,
        b.new_since,
        b.earlier_time,
        b.later_time
    FROM paired AS b
    LEFT JOIN named AS n ON b.new_workspace = n.named_workspace
    LEFT JOIN old_named AS o ON b.old_workspace = o.old_named_workspace
    WHERE b.old_workspace <> b.new_workspace
    UNION ALL
    SELECT
        'moved' AS change_kind,
        COALESCE(o.capacity_label, b.old_capacity) AS before_value,
        COALESCE(n.capacity_label, b.new_capacity) AS after_value,
        b.new_id,
        b.new_kind,
        b.new_name,
        b.new_workspace,
        b.new_owner,
        b.new_since,
        b.earlier_time,
        b.later_time
    FROM paired AS b
    LEFT JOIN capacity_names AS o ON b.old_capacity = o.capacity_key
    LEFT JOIN capacity_names AS n ON b.new_capacity = n.capacity_key
    WHERE b.new_kind = 'Workspace' AND b.old_id IS NOT NULL
        AND COALESCE(b.old_capacity, '') <> COALESCE(b.new_capacity, '')
    UNION ALL
    SELECT
        'owner' AS change_kind,
        old_owner AS before_value,
        new_owner AS after_value,
        new_id,
        new_kind,
        new_name,
        new_workspace,
        new_owner,
        new_since,
        earlier_time,
        later_time
    FROM paired
    WHERE old_owner <> new_owner
    UNION ALL
    SELECT
        'gone' AS change_kind,
        CAST(NULL AS VARCHAR) AS before_value,
        CAST(NULL AS VARCHAR) AS after_value,
        e.old_id AS new_id,
        e.old_kind AS new_kind,
        e.old_name AS new_name,
        e.old_workspace AS new_workspace,
        e.old_owner AS new_owner,
        d.ended_at AS new_since,
        c.earlier_time,
        c.later_time
    FROM earlier AS e
    CROSS JOIN compared AS c
    INNER JOIN ends AS d ON e.old_id = d.ended_id AND e.old_kind = d.ended_kind
    LEFT JOIN later AS l ON e.old_id = l.new_id AND e.old_kind = l.new_kind
    WHERE l.new_id IS NULL
        AND (e.old_left_out IS NULL OR (:personal AND e.old_left_out = 'personal workspace'))
)
SELECT
    change_kind AS change,
    COALESCE(new_name, new_id) AS item,
    new_kind AS kind,
    COALESCE(held_name, new_workspace) AS workspace,
    before_value AS old_value,
    after_value AS new_value,
    new_owner AS owner,
    new_since AS seen_at,
    earlier_time AS earlier_snapshot,
    later_time AS later_snapshot,
    new_id AS item_id,
    new_workspace AS workspace_id
FROM changes AS g
LEFT JOIN named AS m ON g.new_workspace = m.named_workspace
WHERE (:change = 'all' OR change_kind = :change) AND (:kind = 'all' OR new_kind = :kind)
ORDER BY seen_at DESC NULLS LAST, change NULLS LAST, kind NULLS LAST, item_id NULLS LAST,
    old_value NULLS LAST, new_value NULLS LAST
LIMIT :top
