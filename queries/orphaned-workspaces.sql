-- title: Orphaned workspaces
-- question: Which workspaces have no admin who could be asked about them?
-- group: Content lifecycle
-- empty: Every workspace has an admin who can act.
-- param status: choice(orphaned|unknown|all) = all, status of the listed workspaces
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column workspace: name in the inventory
-- column status: `orphaned` or `unknown`
-- column reason: `no admin`; `no enabled admin`; `access was not scanned`; `only groups, not resolved`;
--   `only groups, members not all known`; the last two with `no enabled person` if people are admins too
-- column people: people with access to the workspace
-- column groups: groups with access to it
-- column items: items in it, without app copies and usage metrics
-- column last_activity: time of the last activity of a person in the log up to the end of the
--   period
-- column on_capacity: true if it is on a capacity
-- column snapshot_time: time of the snapshot that this row is from
-- column workspace_id: ID of the workspace
-- rule: A workspace is orphaned if it has no admin, or if nobody can act as one: the accounts of all
--   people are disabled, deleted or gone, and all groups have no other members.
-- rule: A workspace is not listed if an application, an enabled person, or a group with such a member is
--   its admin. Members of groups in a group count.
-- rule: A person is enabled unless the lists of people say otherwise. Devices and contacts are no admins.
-- rule: A workspace is unknown if a group without an enabled member can have more members: no list has
--   the group, or its list can lack members. It is also unknown if its snapshots do not include access
--   rights.
-- rule: Deleted, inactive, personal and admin workspaces are excluded.
WITH accounts AS (
    SELECT
        user_id AS account_user,
        object_id AS account_id,
        CASE
            WHEN account_status IN ('disabled', 'deleted') OR gone_since IS NOT NULL THEN 0
            ELSE 1
        END AS enabled
    FROM people
),
by_address AS (
    SELECT p.address AS known_address, MAX(a.enabled) AS address_enabled
    FROM person_addresses AS p
    INNER JOIN accounts AS a ON p.user_id = a.account_user
    GROUP BY p.address
),
by_id AS (
    SELECT account_id AS known_id, MAX(enabled) AS id_enabled
    FROM accounts
    WHERE account_id IS NOT NULL
    GROUP BY account_id
),
able_members AS (
    SELECT
        m.group_id AS member_of,
        MAX(
            CASE
                WHEN m.member_type = 'App' THEN 1
                WHEN m.member_type = 'User' THEN COALESCE(i.id_enabled, a.address_enabled, 1)
                WHEN m.member_type IS NULL THEN COALESCE(i.id_enabled, 0)
                ELSE 0
            END
        ) AS group_enabled
    FROM group_members AS m
    LEFT JOIN by_id AS i ON m.member_id = i.known_id
    LEFT JOIN by_address AS a ON m.member = a.known_address
    GROUP BY m.group_id
),
able_groups AS (
    SELECT
        g.group_id AS held_group,
        g.known_members,
        CASE WHEN g.is_complete THEN 1 ELSE 0 END AS complete,
        COALESCE(m.group_enabled, 0) AS group_enabled
    FROM inventory_groups AS g
    LEFT JOIN able_members AS m ON g.group_id = m.member_of
),
admins AS (
    SELECT
        r.workspace_id AS owned,
        CASE WHEN r.principal_type = 'Group' THEN 0 ELSE 1 END AS no_group,
        CASE
            WHEN r.principal_type = 'Group' THEN COALESCE(g.group_enabled, 0)
            WHEN r.principal_type = 'User' THEN COALESCE(i.id_enabled, a.address_enabled, 1)
            ELSE 1
        END AS able,
        CASE
            WHEN r.principal_type = 'Group' AND g.known_members IS NULL THEN 1 ELSE 0
        END AS unresolved,
        CASE WHEN r.principal_type = 'Group' AND g.complete = 0 THEN 1 ELSE 0 END AS partial
    FROM inventory_access AS r
    LEFT JOIN able_groups AS g ON r.principal_id = g.held_group
    LEFT JOIN by_id AS i ON r.principal_id = i.known_id
    LEFT JOIN by_address AS a ON r.principal = a.known_address
    WHERE r.item_id IS NULL AND r.access_right = 'Admin'
),
admin_counts AS (
    SELECT
        owned,
        SUM(no_group) AS no_groups,
        MAX(able) AS any_able,
        MAX(unresolved) AS any_unresolved,
        MAX(partial) AS any_partial
    FROM admins
    GROUP BY owned
),
rights AS (
    SELECT
        workspace_id AS accessed,
        COUNT(DISTINCT CASE WHEN principal_type = 'User' THEN principal END) AS people_with_access,
        COUNT(DISTINCT CASE WHEN principal_type = 'Group' THEN principal END) AS groups_with_access
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
            WHEN NOT w.has_users THEN 'access was not scanned'
            WHEN d.owned IS NULL THEN 'no admin'
            WHEN d.any_able = 1 THEN NULL
            WHEN d.any_unresolved = 1 AND d.no_groups = 0 THEN 'only groups, not resolved'
            WHEN d.any_unresolved = 1 THEN 'no enabled person, groups not resolved'
            WHEN d.any_partial = 1 AND d.no_groups = 0 THEN 'only groups, members not all known'
            WHEN d.any_partial = 1 THEN 'no enabled person, members of groups not all known'
            ELSE 'no enabled admin'
        END AS why
    FROM inventory_workspaces AS w
    LEFT JOIN rights AS r ON w.workspace_id = r.accessed
    LEFT JOIN admin_counts AS d ON w.workspace_id = d.owned
    WHERE w.left_out IS NULL
),
named AS (
    SELECT
        *,
        CASE WHEN why IN ('no admin', 'no enabled admin') THEN 'orphaned' ELSE 'unknown' END
            AS judged_status
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
