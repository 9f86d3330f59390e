WITH user_days AS (
    SELECT DISTINCT user_id, local_date, local_epoch_day AS day
    FROM history
    WHERE user_id IS NOT NULL AND is_presence
),
visits AS (
    SELECT
        user_id,
        local_date,
        day,
        LAG(day) OVER (PARTITION BY user_id ORDER BY day) AS last_day
    FROM user_days
)
-- The window of 28 days of the first day of the period begins 27 days before it.
SELECT
    v.local_date AS date,
    v.user_id AS user_key,
    CASE WHEN v.last_day IS NULL THEN TRUE ELSE FALSE END AS is_new,
    CASE WHEN v.day - v.last_day > 28 THEN TRUE ELSE FALSE END AS is_returning
FROM visits AS v
CROSS JOIN period AS p
WHERE v.day >= p.first_epoch_day - 27 AND v.day <= p.last_epoch_day
