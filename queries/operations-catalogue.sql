-- title: Activities in the log
-- question: Which activities does the log contain, which are new or undocumented, and which reports
--   count them?
-- group: Log health
-- alias: activities
-- alias: operations
-- alias: operations-catalog
-- actors: all
-- noise: include
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: events by activity
-- total: events
-- column activity: name of the activity in the log
-- column documented: true if Microsoft's list of operations contains it
-- column events: events in the period
-- column first_seen: time of the first event in the stored log
-- column last_seen: time of the last event in the stored log
-- column operation_group: group by which reports count it: VIEW, EXTERNAL, EXPORT, AUTHOR, SHARE,
--   ACCESS, ADMIN or API_READ; empty if none does
-- column users: distinct users in the stored log, including service principals
-- column all_events: events in the stored log
-- column noise: `no`, `standard` (excluded by default) or `all-reads` (excluded with --noise
--   exclude-all-reads)
-- column category: area of the service
-- column friendly_name: friendly name of the activity
-- column workload: Power BI, Fabric or Power Platform
-- column note: further information
-- rule: There is one row per activity and workload of the stored log, in any period, including
--   automated API activity and service principals. Mail, files and other workloads are excluded.
-- rule: An activity is documented if the catalog has it from Microsoft's list. Activities known
--   only from public tools are not documented, but have a friendly name.
-- rule: Undocumented activities come first, then the most frequent.
-- source: Microsoft Learn, Operation list
-- limit: The list of documented activities is as old as this version of the program. Microsoft may
--   have documented an activity since.
WITH logged AS (
    SELECT
        activity_name,
        WorkloadGroup AS workload,
        COUNT(*) FILTER (WHERE in_period) AS in_period_events,
        COUNT(*) AS events_logged,
        COUNT(DISTINCT user_id) AS users,
        MIN(CreationTime) AS first_seen,
        MAX(CreationTime) AS last_seen
    FROM events_all
    WHERE WorkloadGroup IN ('Power BI', 'Fabric', 'Power Platform')
    GROUP BY activity_name, WorkloadGroup
),
known AS (
    SELECT
        operation,
        friendly_name,
        category,
        operation_group,
        noise,
        note,
        COALESCE(note, '') NOT LIKE '%seen in public tools%' AS is_official
    FROM operations
)
SELECT
    COALESCE(activity_name, '(none)') AS activity,
    COALESCE(is_official, FALSE) AS documented,
    in_period_events AS events,
    first_seen,
    last_seen,
    operation_group,
    users,
    events_logged AS all_events,
    COALESCE(noise, 'no') AS noise,
    category,
    friendly_name,
    workload,
    note
FROM logged AS l
LEFT JOIN known AS k ON l.activity_name = k.operation
ORDER BY
    CASE WHEN COALESCE(is_official, FALSE) THEN 1 ELSE 0 END NULLS LAST,
    in_period_events DESC NULLS LAST,
    events_logged DESC NULLS LAST,
    activity_name NULLS LAST,
    workload NULLS LAST
LIMIT :top
