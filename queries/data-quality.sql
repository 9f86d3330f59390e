-- title: Data quality
-- question: What is odd about the archive: damaged or cut files, lost letters, new fields and
--   activities?
-- actors: all
-- noise: keep
-- param top: limit = 50, how many rows; files get all of them unless told otherwise
-- column finding: what was found
-- column what: the file, activity or field that it is about; "all files" for sums
-- column affected: how many records, values, names or events
-- column first_seen: the first day on which it was seen, where that is known
-- column detail: what was seen, and what to do
-- rule: Fields and files are those of the whole archive, activities and users those of the period.
-- rule: A field is new if no typed column has its name. A value does not fit if the column of its
--   name cannot hold it exactly. Both are kept whole in the column Extra.
-- source: Microsoft Learn, Operation list: new activities and fields may come in any week
WITH files AS (
    SELECT
        SUM(records) AS records,
        SUM(duplicates) AS duplicates,
        SUM(conflicting) AS conflicting,
        SUM(other_workloads) AS other_workloads
    FROM sources
),
findings AS (
    SELECT
        1 AS place,
        'repeats' AS finding,
        'all files' AS what,
        duplicates AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'further copies of an event; each was stored once' AS detail
    FROM files
    UNION ALL
    SELECT
        2 AS place,
        'copies that differ' AS finding,
        'all files' AS what,
        conflicting AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'repeats with another content than the copy that was kept, the richest of a run' AS detail
    FROM files
    UNION ALL
    SELECT
        3 AS place,
        'other workloads' AS finding,
        'all files' AS what,
        other_workloads AS affected,
        CAST(NULL AS DATE) AS first_seen,
        'records of Exchange, SharePoint and others; ingest --all-workloads keeps them' AS detail
    FROM files
    UNION ALL
    SELECT
        4 AS place,
        'rejected records' AS finding,
        source AS what,
        rejected AS affected,
        CAST(first_event AS DATE) AS first_seen,
        'pbi-analyze rejects lists them with place and reason' AS detail
    FROM sources
    UNION ALL
    SELECT
        5 AS place,
        'damaged file' AS finding,
        source AS what,
        CASE WHEN is_damaged THEN 1 ELSE 0 END AS affected,
        CAST(first_event AS DATE) AS first_seen,
        'breaks in the middle of a record; what is whole was taken; pull its days again' AS detail
    FROM sources
    UNION ALL
    SELECT
        6 AS place,
        kind AS finding,
        source AS what,
        affected,
        CAST(NULL AS DATE) AS first_seen,
        detail
    FROM suspicions
    UNION ALL
    SELECT
        7 AS place,
        'activity not in the catalogue' AS finding,
        activity_name AS what,
        COUNT(*) AS affected,
        MIN(local_date) AS first_seen,
        'counted in no group of activities' AS detail
    FROM events
    WHERE category IS NULL
    GROUP BY activity_name
    UNION ALL
    SELECT
        8 AS place,
        CASE WHEN in_column THEN 'values that do not fit' ELSE 'new field' END AS finding,
        field AS what,
        SUM(occurrences) AS affected,
        MIN(first_day) AS first_seen,
        'kept in Extra; pbi-analyze columns --extra shows it with examples' AS detail
    FROM unknown_fields
    GROUP BY in_column, field
    UNION ALL
    SELECT
        9 AS place,
        'events without a user' AS finding,
        'all files' AS what,
        COUNT(*) AS affected,
        MIN(local_date) AS first_seen,
        'counted as events and views, but as no user or viewer' AS detail
    FROM events
    WHERE user_id IS NULL
)
SELECT finding, what, affected, first_seen, detail
FROM findings
WHERE affected > 0
ORDER BY
    place NULLS LAST,
    affected DESC NULLS LAST,
    finding NULLS LAST,
    what NULLS LAST,
    first_seen NULLS LAST,
    detail NULLS LAST
LIMIT :top
