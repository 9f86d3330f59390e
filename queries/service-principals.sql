-- title: Service principals and system accounts
-- question: Which service principals and system accounts are active, what do they do, and how much
--   of it is automated API activity?
-- group: Administration
-- empty: No service principal or system account was active in this period.
-- alias: service-principal
-- alias: spn
-- actors: services
-- noise: include
-- chart: bars events
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: events, failed by principal, activity
-- total: events, failed
-- column principal: ID of the service principal, or name of the system account
-- column activity: name of the activity
-- column events: number of events, including failed ones
-- column share_pct: share of all events of this principal, in percent
-- column last_event: time of the last event
-- column active_days: days with events
-- column failed: events that failed
-- column principal_events: all events of this principal
-- column noise_pct: share of the principal's events that other reports exclude as automated API
--   activity, in percent
-- column workspaces: distinct workspaces of this activity
-- column operation_group: group of the activity, for example VIEW, EXPORT, AUTHOR, ACCESS or
--   API_READ
-- column first_event: time of the first event in the period
-- column first_seen: time of this principal's first event in the stored log
-- rule: A service principal has a GUID as its user name. A system account is marked as system,
--   application, service principal or policy in the log (UserType 3 to 8) and is not anonymous.
-- rule: The principal with the most events comes first, with all its activities.
-- rule: Unlike other reports, this report includes automated API activity.
-- source: Microsoft Learn, Tenant-level auditing; Office 365 Management Activity API schema,
--   UserType
-- limit: Events of the Power Platform are another log. The reports power-apps-usage and
--   power-apps-changes read it.
-- limit: The log contains the ID of a service principal; its name is in Microsoft Entra ID.
WITH activities AS (
    SELECT
        COALESCE(user_id, '(unknown)') AS principal,
        activity_name,
        COUNT(*) AS event_count,
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
        SUM(event_count) AS principal_events,
        SUM(noise_events) AS principal_noise
    FROM activities
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
    event_count AS events,
    ROUND(FLOOR(CAST(event_count AS DOUBLE) * 1000 / NULLIF(principal_events, 0) + 0.5) / 10, 1)
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
FROM activities AS a
LEFT JOIN principals AS p ON a.principal = p.total_principal
LEFT JOIN first_times AS f ON a.principal = f.first_principal
ORDER BY
    principal_events DESC NULLS LAST,
    principal NULLS LAST,
    event_count DESC NULLS LAST,
    activity_name NULLS LAST
LIMIT :top
