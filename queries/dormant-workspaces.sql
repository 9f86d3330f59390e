-- title: Dormant workspaces
-- question: Which workspaces have had no activity by people for a month?
-- group: Content lifecycle
-- empty: No workspace has been idle for :days days.
-- alias: dormant
-- alias: inactive-workspaces
-- actors: people
-- param days: int = 30, minimum number of days without activity
-- param automated: bool = false, true also counts events that happen without their user; see the
--   rules
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column workspace: latest name of the workspace, or its ID if it never had a name
-- column idle_days: days from the last activity to the last day of the period; if the stored log
--   has no activity in the workspace, the days of the log
-- column last_activity: day of the last activity by a person; empty if the stored log has none
-- column last_view: day of the last view; empty if the stored log has no view in it
-- column users: distinct people who were ever active in it, in the stored log
-- column last_user: last active user, who can be asked about it
-- column workspace_type: `Workspace` or `My workspace` (personal)
-- column missing_days: days since the last activity for which there is no data
-- column workspace_id: ID of the workspace, one row each
-- rule: All values are as of the last day of the period and look back as far as the stored log. The
--   first day of the period does not matter.
-- rule: Activity is any event by a person that shows presence (`is_presence` of the views).
--   Automated API activity, scheduled refreshes and deliveries of subscriptions happen in a
--   person's name, but without the person. They count only with automated=true. Failed events do
--   not count.
-- rule: Service principals do not count, unless --actors all is given.
-- rule: A view is any activity of the group VIEW.
-- rule: A deleted workspace is not listed, unless somebody was active in it afterwards. Deletions
--   by any user count: DeleteFolder, DeleteGroup, DeleteGroupWorkspace, DeleteWorkspaceViaAdminApi
--   and DeleteWorkspacesPermanentlyAsAdmin.
-- rule: The longest idle workspaces come first.
-- limit: A workspace without any event in a person's name in the stored log is not listed. Finding
--   those needs an inventory of workspaces. Missing days can hide activity.
WITH visits AS (
    SELECT
        workspace_id,
        CASE WHEN is_presence OR :automated THEN COALESCE(user_id, '') ELSE '' END AS visitor,
        MAX(CASE WHEN is_presence OR :automated THEN epoch_us END) AS last_us,
        MAX(CASE WHEN is_presence OR :automated THEN local_epoch_day END) AS last_active_day,
        MAX(CASE WHEN is_presence OR :automated THEN local_date END) AS last_activity,
        MAX(CASE WHEN operation_group = 'VIEW' THEN local_date END) AS last_view,
        MAX(CASE WHEN is_personal_workspace THEN 1 ELSE 0 END) AS is_personal
    FROM history AS e
    CROSS JOIN period AS p
    WHERE workspace_id IS NOT NULL AND NOT is_failed AND local_epoch_day <= last_epoch_day
    GROUP BY
        workspace_id,
        CASE WHEN is_presence OR :automated THEN COALESCE(user_id, '') ELSE '' END
),
numbered AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY workspace_id ORDER BY COALESCE(last_us, 0) DESC, visitor DESC
        ) AS from_end
    FROM visits
),
totals AS (
    SELECT
        workspace_id,
        MAX(last_us) AS last_us,
        MAX(last_active_day) AS last_active_day,
        MAX(last_activity) AS last_activity,
        MAX(last_view) AS last_view,
        COUNT(NULLIF(visitor, '')) AS users,
        MAX(CASE WHEN from_end = 1 THEN NULLIF(visitor, '') END) AS last_user,
        MAX(is_personal) AS is_personal
    FROM numbered
    GROUP BY workspace_id
),
deletions AS (
    SELECT
        COALESCE(workspace_id, NULLIF(FolderObjectId, '')) AS deleted_workspace,
        MAX(epoch_us) AS deleted_us
    FROM events_all AS e
    CROSS JOIN period AS p
    WHERE activity_name IN (
            'DeleteFolder', 'DeleteGroup', 'DeleteGroupWorkspace', 'DeleteWorkspaceViaAdminApi',
            'DeleteWorkspacesPermanentlyAsAdmin'
        )
        AND NOT is_failed AND local_epoch_day <= last_epoch_day
    GROUP BY COALESCE(workspace_id, NULLIF(FolderObjectId, ''))
),
gaps AS (
    SELECT
        epoch_day AS gap_day,
        SUM(CASE WHEN status = 'missing' THEN 1 ELSE 0 END) OVER (
            ORDER BY epoch_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS missing_so_far
    FROM history_days
),
last_gap AS (
    SELECT
        MAX(g.missing_so_far) AS missing_at_end,
        MAX(p.last_epoch_day) AS last_epoch_day,
        MAX(p.archive_first_epoch_day) AS archive_first_epoch_day
    FROM gaps AS g
    CROSS JOIN period AS p
    WHERE g.gap_day <= p.last_epoch_day
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    COALESCE(workspace_name, workspace_id) AS workspace,
    last_epoch_day - COALESCE(last_active_day, archive_first_epoch_day - 1) AS idle_days,
    last_activity,
    last_view,
    users,
    last_user,
    CASE WHEN is_personal = 1 THEN 'My workspace' ELSE 'Workspace' END AS workspace_type,
    missing_at_end - COALESCE(missing_so_far, 0) AS missing_days,
    workspace_id
FROM totals AS t
CROSS JOIN last_gap AS l
LEFT JOIN deletions AS d ON t.workspace_id = d.deleted_workspace
LEFT JOIN gaps AS g ON t.last_active_day = g.gap_day
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
WHERE last_epoch_day - COALESCE(last_active_day, archive_first_epoch_day - 1) >= :days
    AND COALESCE(deleted_us, 0) < COALESCE(last_us, 1)
ORDER BY idle_days DESC NULLS LAST, workspace NULLS LAST, workspace_id NULLS LAST
LIMIT :top
