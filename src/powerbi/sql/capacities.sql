-- A statement that names is_failed reads failed events too.
WITH named AS (
    SELECT
        e.capacity_id,
        e.capacity_name,
        CASE WHEN e.is_failed THEN NULL ELSE e.local_date END AS used_on
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.capacity_id IS NOT NULL AND e.local_epoch_day <= p.last_epoch_day
),
grouped AS (
    SELECT
        capacity_id,
        MAX(capacity_name) AS capacity,
        MIN(used_on) AS first_used,
        MAX(used_on) AS last_used
    FROM named
    GROUP BY capacity_id
)
SELECT
    capacity_id AS capacity_key,
    capacity,
    capacity_id,
    first_used,
    last_used
FROM grouped
ORDER BY capacity_key NULLS LAST
