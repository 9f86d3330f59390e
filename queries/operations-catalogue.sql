-- title: Operations in the log
-- question: Which activities does the archive hold, which of them are new or not documented, and
--   which reports count them?
-- actors: all
-- noise: keep
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column activity: the activity as the log names it
-- column documented: whether Microsoft's list of operations has it
-- column events: how often it stands in the period
-- column first_seen: when it was first seen in the whole archive
-- column last_seen: when it was last seen in the whole archive
-- column operation_group: the group by which reports count it: VIEW, EXTERNAL, EXPORT, AUTHOR,
--   SHARE, ACCESS, ADMIN or API_READ; empty if none does
-- column users: different users in the whole archive, services among them
-- column all_events: how often it stands in the whole archive
-- column noise: whether reports leave it out: `no`, `default`, or `wide` (only with --noise wide)
-- column category: area of the service
-- column meaning: its friendly name
-- column workload: Power BI, Fabric or Power Platform
-- column note: what else is known of it
-- rule: One row for each activity and workload that the archive holds, whatever the period, noise
--   and services among them. Mail, files and other workloads are left out.
-- rule: Documented is what the catalogue has from Microsoft's list. Activities known from public
--   tools alone are not documented, but have a meaning.
-- rule: What is not documented comes first, then what is most frequent.
-- source: Microsoft Learn, Operation list
-- limit: The list that this is compared with is that of the program's version; an activity may have
--   been documented since.
WITH held AS (
    SELECT
        activity_name,
        WorkloadGroup AS workload,
        COUNT(*) FILTER (WHERE in_period) AS in_period_events,
        COUNT(*) AS held_events,
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
    held_events AS all_events,
    COALESCE(noise, 'no') AS noise,
    category,
    friendly_name AS meaning,
    workload,
    note
FROM held AS h
LEFT JOIN known AS k ON h.activity_name = k.operation
ORDER BY
    CASE WHEN COALESCE(is_official, FALSE) THEN 1 ELSE 0 END NULLS LAST,
    in_period_events DESC NULLS LAST,
    held_events DESC NULLS LAST,
    activity_name NULLS LAST,
    workload NULLS LAST
LIMIT :top
