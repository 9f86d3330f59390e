-- title: Dormant workspaces
-- question: In which workspaces has nobody done anything for a month?
-- actors: people
-- param days: int = 30, for how many days nothing has happened
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column workspace: latest name of the workspace; its id where it never had one
-- column idle_days: days from the last activity to the last day of the period
-- column last_activity: the day of the last activity of a person
-- column last_view: the last day on which somebody opened content; empty if the archive holds no
--   view
-- column users: different people who were ever active in it, as far as the archive reaches
-- column last_user: who was active last; whom to ask
-- column kind: shared, or personal (My Workspace)
-- column missing_days: days since the last activity of which the archive holds nothing
-- column workspace_id: the id that the rows are grouped by
-- rule: Everything is as of the last day of the period, looking back as far as the archive does;
--   the first day of the period does not matter.
-- rule: Activity is any event of a person that is not noise. What services do, such as refreshes
--   and scans, keeps no workspace awake; with --actors all it does.
-- rule: A view is any activity of the group VIEW.
-- rule: A workspace that was deleted (DeleteFolder, DeleteGroup, DeleteGroupWorkspace,
--   DeleteWorkspaceViaAdminApi, DeleteWorkspacesPermanentlyAsAdmin), by whomever, is left out
--   unless somebody was active in it afterwards.
-- rule: The longest idle are first.
-- limit: A workspace of which the archive holds no event of a person is not listed: for those an
--   inventory of workspaces is needed. On missing days there may have been activity that is not
--   known.
WITH visits AS (
    SELECT
        workspace_id,
        COALESCE(user_id, '') AS visitor,
        MAX(time_us) AS last_us,
        MAX(local_day_number) AS last_number,
        MAX(local_date) AS last_activity,
        MAX(CASE WHEN operation_group = 'VIEW' THEN local_date END) AS last_view,
        MAX(CASE WHEN is_personal_workspace THEN 1 ELSE 0 END) AS is_personal
    FROM history AS e
    CROSS JOIN period AS p
    WHERE workspace_id IS NOT NULL AND local_day_number <= last_day_number
    GROUP BY workspace_id, COALESCE(user_id, '')
),
numbered AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY workspace_id ORDER BY last_us DESC, visitor DESC)
            AS from_end
    FROM visits
),
totals AS (
    SELECT
        workspace_id,
        MAX(last_us) AS last_us,
        MAX(last_number) AS last_number,
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
        MAX(time_us) AS deleted_us
    FROM events_all AS e
    CROSS JOIN period AS p
    WHERE activity_name IN (
            'DeleteFolder', 'DeleteGroup', 'DeleteGroupWorkspace', 'DeleteWorkspaceViaAdminApi',
            'DeleteWorkspacesPermanentlyAsAdmin'
        )
        AND NOT is_failed AND local_day_number <= last_day_number
    GROUP BY COALESCE(workspace_id, NULLIF(FolderObjectId, ''))
),
gaps AS (
    SELECT
        day_number AS gap_day,
        SUM(CASE WHEN verdict = 'missing' THEN 1 ELSE 0 END) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS missing_so_far
    FROM history_days
),
last_gap AS (
    SELECT g.missing_so_far AS missing_at_end, p.last_day_number
    FROM gaps AS g
    INNER JOIN period AS p ON g.gap_day = p.last_day_number
),
named_workspaces AS (SELECT workspace_id AS named_workspace, workspace_name FROM workspaces)
SELECT
    COALESCE(workspace_name, workspace_id) AS workspace,
    last_day_number - last_number AS idle_days,
    last_activity,
    last_view,
    users,
    last_user,
    CASE WHEN is_personal = 1 THEN 'personal' ELSE 'shared' END AS kind,
    missing_at_end - missing_so_far AS missing_days,
    workspace_id
FROM totals AS t
CROSS JOIN last_gap AS l
LEFT JOIN deletions AS d ON t.workspace_id = d.deleted_workspace
LEFT JOIN gaps AS g ON t.last_number = g.gap_day
LEFT JOIN named_workspaces AS w ON t.workspace_id = w.named_workspace
WHERE last_day_number - last_number >= :days AND COALESCE(deleted_us, 0) < last_us
ORDER BY idle_days DESC NULLS LAST, workspace NULLS LAST, workspace_id NULLS LAST
LIMIT :top
