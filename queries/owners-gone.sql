-- title: Owners who are gone
-- question: Which content belongs to people who have left, so that it needs a new owner?
-- group: Content lifecycle
-- empty: Every owner has an enabled account, as far as the lists of people say.
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column item: name in the inventory
-- column kind: kind of the item
-- column workspace: name of the workspace in the inventory
-- column owner: owner of a semantic model or dataflow, else the author
-- column role: `owner` or `author`
-- column reason: `account disabled`, `account deleted` or `not in the latest full list of people`
-- column gone_since: time of the first full list without the person
-- column last_activity: time of the last activity of the owner in the log, up to the end of the
--   period
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- rule: An owner is gone if the account is disabled or deleted, or if a full list of people contained
--   the owner, and the latest one does not.
-- rule: A person who was never in a list is not reported, because the list can be incomplete.
-- rule: App copies, usage metrics, and items in deleted, inactive, admin and personal workspaces are
--   excluded.
-- limit: Refreshes of a semantic model fail some time after its owner has left. Dashboards have no
--   owner in inventories.
WITH gone AS (
    SELECT
        a.address,
        p.gone_since AS person_gone,
        CASE
            WHEN p.account_status = 'disabled' THEN 'account disabled'
            WHEN p.account_status = 'deleted' THEN 'account deleted'
            ELSE 'not in the latest full list of people'
        END AS why
    FROM person_addresses AS a
    INNER JOIN people AS p ON a.user_id = p.user_id
    WHERE p.account_status IN ('disabled', 'deleted') OR p.gone_since IS NOT NULL
),
owned AS (
    SELECT
        item_id AS owned_id,
        item_name AS owned_name,
        item_kind AS owned_kind,
        workspace_id AS owned_workspace,
        COALESCE(configured_by, created_by) AS item_owner,
        CASE WHEN configured_by IS NULL THEN 'author' ELSE 'owner' END AS owner_role
    FROM inventory_items
    WHERE left_out IS NULL
),
seen AS (
    SELECT e.user_id AS actor, MAX(e.CreationTime) AS last_seen_at
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day AND e.is_presence
    GROUP BY e.user_id
),
named AS (
    SELECT workspace_id AS named_workspace, workspace_name AS held_name FROM inventory_workspaces
)
SELECT
    COALESCE(owned_name, owned_id) AS item,
    owned_kind AS kind,
    COALESCE(held_name, owned_workspace) AS workspace,
    item_owner AS owner,
    owner_role AS role,
    why AS reason,
    person_gone AS gone_since,
    last_seen_at AS last_activity,
    owned_id AS item_id,
    owned_workspace AS workspace_id
FROM owned AS o
INNER JOIN gone AS g ON o.item_owner = g.address
LEFT JOIN seen AS s ON o.item_owner = s.actor
LEFT JOIN named AS n ON o.owned_workspace = n.named_workspace
ORDER BY owner NULLS LAST, kind NULLS LAST, item NULLS LAST, item_id NULLS LAST
LIMIT :top
