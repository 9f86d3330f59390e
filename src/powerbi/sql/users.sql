-- A statement that names is_failed reads failed events too.
WITH seen AS (
    SELECT
        e.user_id,
        e.user_domain,
        e.actor_kind,
        CASE WHEN e.is_presence AND NOT e.is_failed THEN e.local_date END AS seen_on
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.user_id IS NOT NULL AND e.local_epoch_day <= p.last_epoch_day
),
people AS (
    SELECT
        user_id,
        MAX(user_domain) AS domain,
        MIN(actor_kind) AS user_kind,
        MIN(seen_on) AS first_seen,
        MAX(seen_on) AS last_seen
    FROM seen
    GROUP BY user_id
)
SELECT
    user_id AS user_key,
    user_id AS user,
    domain AS user_domain,
    user_kind,
    COALESCE(user_kind = 'guest', FALSE) AS is_external,
    first_seen,
    last_seen
FROM people
ORDER BY user_key NULLS LAST
