-- title: Service principals and system users
-- question: Which service principals and system users act here, what do they do, and how much of it
--   is reading by machines?
-- actors: services
-- noise: keep
-- chart: bars events
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column principal: id of the service principal, or name of the system user
-- column activity: what it did
-- column events: how often
-- column share_pct: of all that this principal did, in %
-- column last_event: when last
-- column active_days: on how many days
-- column failed: how many of them failed
-- column principal_events: all that this principal did
-- column noise_pct: how much of that other reports leave out as noise, in %
-- column workspaces: different workspaces that it touched by this activity
-- column operation_group: group of the activity: VIEW, EXPORT, AUTHOR, ACCESS, API_READ, …
-- column first_event: when first in the period
-- column first_seen: when this principal was first seen in the whole archive
-- rule: A service is who has a GUID for a user name, or whom the log marks as system, application,
--   service principal or policy (UserType 3 to 8), and who is not anonymous.
-- rule: The principal with most events comes first, and its activities with it.
-- rule: Noise is kept here, unlike elsewhere.
-- source: Microsoft Learn, Tenant-level auditing; Office 365 Management Activity API schema,
--   UserType
-- limit: The log gives a service principal's id; its name is in Microsoft Entra ID.
WITH acts AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS principal,
        activity_name,
        COUNT(*) AS acted,
        COUNT(DISTINCT local_date) AS active_days,
        COUNT(*) FILTER (WHERE is_failed) AS failed,
        COUNT(*) FILTER (WHERE is_noise) AS noise_events,
        COUNT(DISTINCT workspace_id) AS workspaces,
        MAX(activity_label) AS activity_label,
        MAX(operation_group) AS operation_group,
        MIN(CreationTime) AS first_event,
        MAX(CreationTime) AS last_event
    FROM events
    GROUP BY user_id, activity_name
),
principals AS (
    SELECT
        principal AS total_principal,
        SUM(acted) AS principal_events,
        SUM(noise_events) AS principal_noise
    FROM acts
    GROUP BY principal
),
first_times AS (
    SELECT COALESCE(user_id, '(unknown)') AS first_principal, MIN(CreationTime) AS first_seen
    FROM history
    GROUP BY user_id
)
SELECT
    principal,
    activity_name AS activity,
    acted AS events,
    ROUND(FLOOR(CAST(acted AS DOUBLE) * 1000 / NULLIF(principal_events, 0) + 0.5) / 10, 1)
        AS share_pct,
    last_event,
    active_days,
    failed,
    principal_events,
    ROUND(
        FLOOR(CAST(principal_noise AS DOUBLE) * 1000 / NULLIF(principal_events, 0) + 0.5) / 10, 1
    ) AS noise_pct,
    workspaces,
    operation_group,
    first_event,
    first_seen
FROM acts AS a
LEFT JOIN principals AS p ON a.principal = p.total_principal
LEFT JOIN first_times AS f ON a.principal = f.first_principal
ORDER BY
    principal_events DESC NULLS LAST,
    principal NULLS LAST,
    acted DESC NULLS LAST,
    activity_name NULLS LAST
LIMIT :top
