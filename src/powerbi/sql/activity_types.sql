-- A statement that names is_failed reads failed events too.
WITH named AS (
    SELECT
        e.activity_name,
        e.activity_label,
        e.operation_group,
        e.category,
        CASE WHEN e.is_failed THEN 1 ELSE 0 END AS failed
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.activity_name IS NOT NULL AND e.local_epoch_day <= p.last_epoch_day
),
activities AS (
    SELECT
        activity_name,
        MAX(activity_label) AS activity,
        MAX(operation_group) AS activity_group,
        MAX(category) AS category,
        SUM(failed) AS failures
    FROM named
    GROUP BY activity_name
)
SELECT
    activity_name AS activity_key,
    activity,
    activity_name,
    activity_group,
    category,
    COALESCE(activity_group = 'VIEW', FALSE) AS is_view
FROM activities
ORDER BY activity_key NULLS LAST
