-- title: Data quality
-- question: What is wrong with the log files: damaged or truncated files, lost characters, new
--   fields or activities?
-- group: Log health
-- empty: No problem was found in the log files.
-- alias: quality
-- actors: all
-- noise: include
-- param top: limit = 50, maximum number of rows; files contain all rows by default
-- column issue: kind of issue
-- column subject: file, activity or field concerned; "all files" for totals
-- column affected: number of records, values, names or events
-- column first_seen: first day with the issue, if known
-- column detail: description of the issue and advice
-- rule: Fields and files are those of the whole stored log. Activities and users are those of the
--   period.
-- rule: A field is new if no typed column has its name. A value does not fit if the column of its
--   name cannot store it exactly. Both are stored in full in the column Extra.
-- rule: An event without Id is probably counted twice if an event with an Id has the same time,
--   user and activity, and no other report.
-- source: Microsoft Learn, Operation list: new activities and fields may come in any week
WITH files AS (
    SELECT
        SUM(records) AS records,
        SUM(duplicates) AS duplicates,
        SUM(conflicting) AS conflicting,
        SUM(other_workloads) AS other_workloads
    FROM sources
),
unknown_activities AS (
    SELECT activity_name, COUNT(*) AS events_of_activity, MIN(local_date) AS first_day
    FROM events
    WHERE category IS NULL
    GROUP BY activity_name
),
-- One row, or none.
without_user AS (
    SELECT user_id, COUNT(*) AS events_without_user, MIN(local_date) AS first_day
    FROM events
    WHERE user_id IS NULL
    GROUP BY user_id
),
without_id AS (
    SELECT DISTINCT
        Id AS lost_id,
        epoch_us AS lost_us,
        user_id AS lost_user,
        activity_name AS lost_activity,
        report_id AS lost_report
    FROM events
    WHERE Id LIKE 'content-%'
),
counted_twice AS (
    SELECT w.lost_id, MIN(e.local_date) AS first_day
    FROM events AS e
    INNER JOIN without_id AS w
        ON e.epoch_us = w.lost_us
        AND e.user_id = w.lost_user
        AND e.activity_name = w.lost_activity
    WHERE e.Id NOT LIKE 'content-%'
        AND COALESCE(e.report_id, w.lost_report, '') = COALESCE(w.lost_report, e.report_id, '')
    GROUP BY w.lost_id
),
issues AS (
    SELECT
        1 AS place,
        'duplicates' AS issue,
        'all files' AS subject,
        duplicates AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'further copies of events; each event is stored once' AS detail
    FROM files
    UNION ALL
    SELECT
        2 AS place,
        'conflicting copies' AS issue,
        'all files' AS subject,
        conflicting AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'duplicates that contradict another copy; export --conflicts lists the values' AS detail
    FROM files
    UNION ALL
    SELECT
        3 AS place,
        'other workloads' AS issue,
        'all files' AS subject,
        other_workloads AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'records of Exchange, SharePoint and others; ingest --all-workloads stores them' AS detail
    FROM files
    UNION ALL
    SELECT
        4 AS place,
        'rejected records' AS issue,
        source AS subject,
        rejected AS affected,
        CAST(first_event AS DATE) AS first_seen,
        'pbi-analyze rejects lists them with position and reason' AS detail
    FROM sources
    UNION ALL
    SELECT
        5 AS place,
        'damaged file' AS issue,
        source AS subject,
        CASE WHEN is_damaged THEN 1 ELSE 0 END AS affected,
        CAST(first_event AS DATE) AS first_seen,
        'ends within a record; readable events were loaded; download its days again' AS detail
    FROM sources
    UNION ALL
    SELECT
        6 AS place,
        kind AS issue,
        source AS subject,
        affected,
        CAST(NULL AS DATE) AS first_seen,
        detail
    FROM source_warnings
    UNION ALL
    SELECT
        7 AS place,
        'activity not in the catalog' AS issue,
        activity_name AS subject,
        events_of_activity AS affected,
        first_day AS first_seen,
        'not counted in any group of activities' AS detail
    FROM unknown_activities
    UNION ALL
    SELECT
        8 AS place,
        CASE WHEN in_column THEN 'values that do not fit' ELSE 'new field' END AS issue,
        field AS subject,
        SUM(occurrences) AS affected,
        MIN(first_day) AS first_seen,
        'stored in Extra; pbi-analyze schema --extra shows examples' AS detail
    FROM unknown_fields
    GROUP BY in_column, field
    UNION ALL
    SELECT
        9 AS place,
        'events without a user' AS issue,
        'all files' AS subject,
        events_without_user AS affected,
        first_day AS first_seen,
        'counted as events and views, but not as users or viewers' AS detail
    FROM without_user
    UNION ALL
    SELECT
        10 AS place,
        'probably counted twice' AS issue,
        'all files' AS subject,
        COUNT(*) AS affected,
        MIN(first_day) AS first_seen,
        'events without Id beside the same event with an Id; load only the files with Id' AS detail
    FROM counted_twice
)
SELECT issue, subject, affected, first_seen, detail
FROM issues
WHERE affected > 0
ORDER BY
    place NULLS LAST,
    affected DESC NULLS LAST,
    issue NULLS LAST,
    subject NULLS LAST,
    first_seen NULLS LAST,
    detail NULLS LAST
LIMIT :top
