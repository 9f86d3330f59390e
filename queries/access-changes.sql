-- title: Changes of access to workspaces
-- question: Who gave or took access to which workspace, for whom, and did an administrator let
--   themselves in?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param home: domains = auto, domains of the organisation, separated by commas
-- column time: when
-- column change: `added`, `removed`, `changed`, `self-granted` where somebody gave access to
--   themselves, or `failed`
-- column workspace: name of the workspace at that time; its id where the log names none
-- column member: for whom, by address or by id; empty where the log does not tell
-- column user: who did it
-- column external: whether the member is from outside
-- column role: role or right, as the log names it
-- column activity: the activity
-- column workspace_changes: changes of access to this workspace in the period, failed ones left out
-- column workspace_added: how many of these added somebody, self-granted ones left out
-- column workspace_removed: how many removed somebody
-- column workspace_self: how many were self-granted
-- column workspace_id: the workspace
-- column event_id: the event
-- rule: One row for each event and member. Counted are the activities of the group ACCESS (members,
--   roles and rights of workspaces, at the portal and by the admin API), and
--   RemoveAdminPersonalWorkspaceAccess.
-- rule: AddAdminPersonalWorkspaceAccess is self-granted: an administrator opens somebody's personal
--   workspace to themselves. So is any other addition or change whose member is its user.
-- rule: What was added or removed is told by the list that the member stands in, else by the name
--   of the activity; an update that does not tell is `changed`.
-- rule: Latest first. Services are included, as much access is given by scripts.
-- source: Microsoft Learn, Roles in workspaces in Power BI; Operation list
-- limit: The log has the changes, not the members: what was given before the archive begins does
--   not show. Some events name neither member nor role; some name the member by an object id, so
--   that self-granting is not seen there. Members of a group are not told.
WITH changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        COALESCE(
            NULLIF(WorkspaceName, ''), NULLIF(FolderDisplayName, ''), item_name, workspace_name
        ) AS workspace,
        COALESCE(workspace_id, NULLIF(FolderObjectId, '')) AS workspace_id,
        user_id,
        is_failed,
        activity_name
    FROM events
    WHERE operation_group = 'ACCESS' OR activity_name = 'RemoveAdminPersonalWorkspaceAccess'
),
members AS (
    SELECT event_id, kind, recipient, is_external, detail
    FROM recipients
    WHERE kind IN ('member', 'role', 'user added', 'user removed', 'share')
),
rated AS (
    SELECT
        *,
        CASE
            WHEN is_failed THEN 'failed'
            WHEN COALESCE(kind, '') = 'user removed' THEN 'removed'
            WHEN activity_name LIKE 'Delete%' OR activity_name LIKE 'Remove%' THEN 'removed'
            WHEN COALESCE(LOWER(detail) IN ('removed', 'deleted'), FALSE) THEN 'removed'
            WHEN activity_name = 'AddAdminPersonalWorkspaceAccess' THEN 'self-granted'
            WHEN COALESCE(recipient = user_id, FALSE) THEN 'self-granted'
            WHEN COALESCE(kind, '') = 'user added' OR activity_name LIKE 'Add%' THEN 'added'
            ELSE 'changed'
        END AS change,
        COALESCE(workspace_id, '') AS workspace_key
    FROM changes AS c
    LEFT JOIN members AS m ON c.Id = m.event_id
),
totals AS (
    SELECT
        COALESCE(workspace_id, '') AS total_workspace,
        COUNT(*) FILTER (WHERE change <> 'failed') AS workspace_changes,
        COUNT(*) FILTER (WHERE change = 'added') AS workspace_added,
        COUNT(*) FILTER (WHERE change = 'removed') AS workspace_removed,
        COUNT(*) FILTER (WHERE change = 'self-granted') AS workspace_self
    FROM rated
    GROUP BY COALESCE(workspace_id, '')
)
SELECT
    changed_at AS time,
    change,
    COALESCE(workspace, workspace_id) AS workspace,
    recipient AS member,
    user_id AS user,
    COALESCE(is_external, FALSE) AS external,
    -- Of members the log gives a state such as Added, and no role.
    CASE WHEN kind = 'member' THEN NULL ELSE detail END AS role,
    activity_name AS activity,
    workspace_changes,
    workspace_added,
    workspace_removed,
    workspace_self,
    workspace_id,
    Id AS event_id
FROM rated AS r
LEFT JOIN totals AS t ON r.workspace_key = t.total_workspace
ORDER BY
    changed_at DESC NULLS LAST,
    Id NULLS LAST,
    recipient NULLS LAST,
    kind NULLS LAST,
    detail NULLS LAST
LIMIT :top
