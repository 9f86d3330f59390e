-- title: Workspace access changes
-- question: Who was given or lost access to which workspace, and did an administrator grant access
--   to themselves?
-- group: Sharing and security
-- empty: Nobody was given or lost access in this period.
-- alias: access
-- alias: permissions
-- alias: roles
-- alias: workspace-access
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- column time: time of the change
-- column change: `added`, `removed`, `changed`, `self-granted` (users gave access to themselves) or
--   `failed`
-- column workspace: name of the workspace at that time, or its ID if the log has no name
-- column member: address or ID of the person or group whose access changed; empty if the log does
--   not say
-- column user: user who made the change
-- column external: true if the member is external
-- column role: role or permission, in the log's words
-- column activity: name of the activity
-- column workspace_changes: access changes in this workspace in the period, without failed ones;
--   this and the next three are empty if the log does not say which workspace it was
-- column workspace_added: number of these that added a member, without self-granted access
-- column workspace_removed: number of these that removed a member
-- column workspace_self_granted: number of these in which users gave access to themselves
-- column workspace_id: ID of the workspace
-- column event_id: ID of the event
-- rule: There is one row per event and member. Counted are the activities of the group ACCESS and
--   RemoveAdminPersonalWorkspaceAccess. The group ACCESS contains changes of workspace members,
--   roles and permissions in the portal and through the admin API.
-- rule: AddAdminPersonalWorkspaceAccess is self-granted: an administrator gets access to another
--   user's personal workspace. Any other addition or change is self-granted if the member is the
--   user who made it.
-- rule: `added` and `removed` come from the list that contains the member, otherwise from the
--   activity name. An update that shows neither is `changed`.
-- rule: The internal domains are printed below the report.
-- rule: The latest changes come first. Service principals are included, because scripts often grant
--   access.
-- source: Microsoft Learn, Roles in workspaces in Power BI; Operation list
-- limit: The log contains changes, not members. Access that was granted before the stored log
--   begins does not appear. Some events name neither member nor role. Some name the member only by
--   an object ID, so self-granted access is not detected there. Members of a group are not listed.
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
        END AS change
    FROM changes AS c
    LEFT JOIN members AS m ON c.Id = m.event_id
),
totals AS (
    SELECT
        workspace_id AS total_workspace,
        COUNT(*) FILTER (WHERE change <> 'failed') AS workspace_changes,
        COUNT(*) FILTER (WHERE change = 'added') AS workspace_added,
        COUNT(*) FILTER (WHERE change = 'removed') AS workspace_removed,
        COUNT(*) FILTER (WHERE change = 'self-granted') AS workspace_self_granted
    FROM rated
    WHERE workspace_id IS NOT NULL
    GROUP BY workspace_id
)
SELECT
    changed_at AS time,
    change,
    COALESCE(workspace, workspace_id) AS workspace,
    recipient AS member,
    user_id AS user,
    COALESCE(is_external, FALSE) AS external,
    -- For members, the log has a state, for example Added, but no role.
    CASE WHEN kind = 'member' THEN NULL ELSE detail END AS role,
    activity_name AS activity,
    workspace_changes,
    workspace_added,
    workspace_removed,
    workspace_self_granted,
    workspace_id,
    Id AS event_id
FROM rated AS r
LEFT JOIN totals AS t ON r.workspace_id = t.total_workspace
ORDER BY
    changed_at DESC NULLS LAST,
    Id NULLS LAST,
    recipient NULLS LAST,
    kind NULLS LAST,
    detail NULLS LAST
LIMIT :top
