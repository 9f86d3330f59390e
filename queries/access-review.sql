-- title: Access review
-- question: Who can see which workspaces and items, how, and when did they last view them?
-- group: Sharing and security
-- empty: Nobody has access of this kind, as far as the inventory shows.
-- actors: all
-- param via: choice(all|person|guest|group|member|application|everyone|other|unknown) = all, kind of
--   the listed access
-- param members: bool = false, true to list the known members of groups too, with the rights of the
--   group; `via=member` lists only them
-- param gone: bool = false, true to list only access of people whose account is disabled, deleted or
--   gone
-- param inherited: bool = false, true to list access to items of those with access to their workspace
-- param personal: bool = false, true to include personal workspaces
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column workspace: name of the workspace in the inventory
-- column item: name of the item; empty if the access is to the workspace
-- column kind: kind of the item, or `Workspace`
-- column via: `person`, `guest`, `group`, `member` (of a group), `application`, `everyone` or `other`;
--   `unknown` for a workspace whose access was not scanned
-- column principal: address of the person, name of the group or application
-- column by_group: name of the group that gives a member access; empty for other access
-- column access_right: right to the workspace or item
-- column account: `disabled`, `deleted` or `gone` in the lists of people; empty for other accounts
-- column last_view: time of the last view by the person, or by any known member of the group, of the
--   workspace or of the item, up to the end of the period
-- column days_since_view: days from that view to the end of the period
-- column members: known members of a group, also those of groups in it; empty if no list contains its
--   members
-- column snapshot_time: time of the snapshot that this row is from
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- rule: A view is any activity of the groups VIEW and EXTERNAL. Views of all addresses of a person
--   count. A view of a report is a view of its semantic model.
-- rule: Access to an item is not listed if the same principal has access to its workspace.
-- rule: App copies, usage metrics, and deleted, inactive, admin and (by default) personal workspaces
--   are excluded.
-- limit: The members of groups are only in lists of groups. A list can lack members, and views by them
--   are not counted for the group. Access through an app or a link for the whole organization is
--   in the inventory only if a file names it.
WITH addresses AS (
    SELECT address, user_id AS owner FROM person_addresses
),
places AS (
    SELECT
        workspace_id AS place_id,
        workspace_name AS place_name,
        has_users AS is_scanned,
        snapshot_time AS place_time
    FROM inventory_workspaces
    WHERE left_out IS NULL OR (:personal AND left_out = 'personal workspace')
),
things AS (
    SELECT item_id AS thing_id, MIN(item_name) AS thing_name
    FROM inventory_items
    WHERE left_out IS NULL OR (:personal AND left_out = 'personal workspace')
    GROUP BY item_id
),
rights AS (
    SELECT
        workspace_id AS at_workspace,
        item_kind AS at_kind,
        item_id AS at_item,
        principal AS holder,
        CASE WHEN principal_type = 'Group' THEN principal_id END AS holder_group,
        access_right AS held_right,
        snapshot_time AS held_at,
        CASE
            WHEN principal_type = 'Group' THEN 'group'
            WHEN principal_type = 'App' THEN 'application'
            WHEN principal_type = 'User' AND principal_user_type = 'Guest' THEN 'guest'
            WHEN principal_type = 'User' THEN 'person'
            WHEN principal_type IN ('EntireTenant', 'Organization') THEN 'everyone'
            ELSE 'other'
        END AS held_via
    FROM inventory_access
),
own AS (
    SELECT at_workspace AS own_workspace, holder AS own_holder, COUNT(*) AS own_count
    FROM rights
    WHERE at_item IS NULL
    GROUP BY at_workspace, holder
),
used AS (
    SELECT
        COALESCE(a.owner, e.user_id) AS viewer,
        e.workspace_id AS viewed_workspace,
        e.item_id AS viewed_item,
        e.semantic_model_id AS viewed_model,
        MAX(e.CreationTime) AS last_viewed,
        MAX(e.local_epoch_day) AS last_viewed_day
    FROM history AS e
    CROSS JOIN period AS p
    LEFT JOIN addresses AS a ON e.user_id = a.address
    WHERE e.local_epoch_day <= p.last_epoch_day AND e.operation_group IN ('VIEW', 'EXTERNAL')
    GROUP BY COALESCE(a.owner, e.user_id), e.workspace_id, e.item_id, e.semantic_model_id
),
viewed AS (
    SELECT viewer, 'Workspace' AS viewed_kind, viewed_workspace AS viewed_id, last_viewed,
        last_viewed_day
    FROM used
    UNION ALL
    SELECT viewer, 'item' AS viewed_kind, viewed_item AS viewed_id, last_viewed, last_viewed_day
    FROM used
    UNION ALL
    SELECT viewer, 'item' AS viewed_kind, viewed_model AS viewed_id, last_viewed, last_viewed_day
    FROM used
),
views AS (
    SELECT
        viewer,
        viewed_kind,
        viewed_id,
        MAX(last_viewed) AS last_viewed,
        MAX(last_viewed_day) AS last_viewed_day
    FROM viewed
    GROUP BY viewer, viewed_kind, viewed_id
),
group_sizes AS (
    SELECT group_id AS sized_group, known_members AS group_size FROM inventory_groups
),
in_groups AS (
    SELECT
        m.group_id AS in_group,
        m.group_name AS in_group_name,
        COALESCE(m.member, m.member_id) AS shown_member,
        COALESCE(a.owner, m.member) AS member_person
    FROM group_members AS m
    LEFT JOIN addresses AS a ON m.member = a.address
    WHERE m.member_type IS NULL OR m.member_type <> 'Group'
),
group_views AS (
    SELECT
        g.in_group AS viewing_group,
        v.viewed_kind AS group_viewed_kind,
        v.viewed_id AS group_viewed_id,
        MAX(v.last_viewed) AS group_last_viewed,
        MAX(v.last_viewed_day) AS group_last_viewed_day
    FROM in_groups AS g
    INNER JOIN views AS v ON g.member_person = v.viewer
    GROUP BY g.in_group, v.viewed_kind, v.viewed_id
),
accounts AS (
    SELECT
        user_id AS account_id,
        CASE
            WHEN account_status IN ('disabled', 'deleted') THEN account_status
            WHEN gone_since IS NOT NULL THEN 'gone'
        END AS account_state
    FROM people
),
granted AS (
    SELECT
        r.at_workspace,
        r.at_kind,
        r.at_item,
        r.holder,
        r.holder_group,
        r.held_right,
        r.held_at,
        r.held_via,
        COALESCE(r.at_item, r.at_workspace) AS target,
        CASE WHEN r.at_item IS NULL THEN 'Workspace' ELSE 'item' END AS target_kind,
        COALESCE(a.owner, r.holder) AS person
    FROM rights AS r
    LEFT JOIN own AS o ON r.at_workspace = o.own_workspace AND r.holder = o.own_holder
    LEFT JOIN addresses AS a ON r.holder = a.address
    WHERE r.at_item IS NULL OR o.own_holder IS NULL OR :inherited
),
listed AS (
    SELECT
        g.at_workspace,
        g.at_kind,
        g.at_item,
        g.holder,
        CAST(NULL AS VARCHAR) AS via_group,
        s.group_size,
        g.held_right,
        g.held_at,
        g.held_via,
        c.account_state,
        COALESCE(v.last_viewed, w.group_last_viewed) AS last_viewed,
        COALESCE(v.last_viewed_day, w.group_last_viewed_day) AS last_viewed_day
    FROM granted AS g
    LEFT JOIN accounts AS c ON g.person = c.account_id
    LEFT JOIN views AS v
        ON g.person = v.viewer AND g.target = v.viewed_id AND g.target_kind = v.viewed_kind
    LEFT JOIN group_sizes AS s ON g.holder_group = s.sized_group
    LEFT JOIN group_views AS w
        ON g.holder_group = w.viewing_group
        AND g.target = w.group_viewed_id
        AND g.target_kind = w.group_viewed_kind
    UNION ALL
    SELECT
        g.at_workspace,
        g.at_kind,
        g.at_item,
        m.shown_member AS holder,
        COALESCE(m.in_group_name, g.holder) AS via_group,
        CAST(NULL AS BIGINT) AS group_size,
        g.held_right,
        g.held_at,
        'member' AS held_via,
        c.account_state,
        v.last_viewed,
        v.last_viewed_day
    FROM granted AS g
    INNER JOIN in_groups AS m ON g.holder_group = m.in_group
    LEFT JOIN accounts AS c ON m.member_person = c.account_id
    LEFT JOIN views AS v
        ON m.member_person = v.viewer AND g.target = v.viewed_id AND g.target_kind = v.viewed_kind
    WHERE :members OR :via = 'member'
    UNION ALL
    SELECT
        place_id AS at_workspace,
        CAST(NULL AS VARCHAR) AS at_kind,
        CAST(NULL AS VARCHAR) AS at_item,
        CAST(NULL AS VARCHAR) AS holder,
        CAST(NULL AS VARCHAR) AS via_group,
        CAST(NULL AS BIGINT) AS group_size,
        CAST(NULL AS VARCHAR) AS held_right,
        place_time AS held_at,
        'unknown' AS held_via,
        CAST(NULL AS VARCHAR) AS account_state,
        CASE WHEN place_time IS NULL THEN place_time END AS last_viewed,
        CAST(NULL AS BIGINT) AS last_viewed_day
    FROM places
    WHERE NOT is_scanned
),
named AS (
    SELECT
        l.*,
        s.place_name,
        t.thing_name,
        t.thing_id,
        p.last_epoch_day - l.last_viewed_day AS days_since
    FROM listed AS l
    INNER JOIN places AS s ON l.at_workspace = s.place_id
    CROSS JOIN period AS p
    LEFT JOIN things AS t ON l.at_item = t.thing_id
)
SELECT
    COALESCE(place_name, at_workspace) AS workspace,
    CASE WHEN at_item IS NOT NULL THEN COALESCE(thing_name, at_item) END AS item,
    COALESCE(at_kind, 'Workspace') AS kind,
    held_via AS via,
    holder AS principal,
    via_group AS by_group,
    held_right AS access_right,
    account_state AS account,
    last_viewed AS last_view,
    days_since AS days_since_view,
    group_size AS members,
    held_at AS snapshot_time,
    at_item AS item_id,
    at_workspace AS workspace_id
FROM named
WHERE (:via = 'all' OR held_via = :via)
    AND (NOT :gone OR account_state IS NOT NULL)
    AND (at_item IS NULL OR thing_id IS NOT NULL)
ORDER BY days_since_view DESC NULLS FIRST, workspace NULLS LAST, workspace_id NULLS LAST,
    kind NULLS LAST, item_id NULLS LAST, principal NULLS LAST, access_right NULLS LAST,
    via NULLS LAST, by_group NULLS LAST
LIMIT :top
