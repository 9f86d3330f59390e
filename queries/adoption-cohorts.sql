-- title: Adoption by cohort
-- question: Of the people who began in a month, how many still open content in the months after?
-- actors: people
-- chart: heat retention over months_since by cohort
-- column cohort: month in which these people first opened content
-- column month: the month that is counted
-- column months_since: months from the cohort's month to that one
-- column users: how many of the cohort opened content in that month
-- column cohort_size: how many people the cohort has
-- column retention: users divided by cohort_size; empty unless 28 days of the month are held
-- column verdict: complete if each day of the month that the archive reaches is; else partial, or
--   missing
-- rule: To open content is any activity of the group VIEW: ViewReport, ViewDashboard and the like.
--   A person belongs to the month of their first such activity in the whole archive, whatever the
--   period. Who did not sign in is left out, since they are not one person who comes back.
-- rule: Shown are the months of the period that the archive holds, each counted whole, even where
--   the period begins or ends within it.
-- rule: A month of which fewer than 28 days are held has no retention: it would compare a few days
--   with whole months. That is so for a running month, for the first of an archive that begins late
--   in a month, and for one with many missing days. A month that is missing altogether has no users
--   either.
-- limit: An archive knows nobody before it begins, so its first cohort is everybody who was there
--   already. Look at the later ones.
WITH user_months AS (
    SELECT DISTINCT user_id, local_month_number
    FROM history
    WHERE operation_group = 'VIEW' AND actor_kind <> 'anonymous' AND user_id IS NOT NULL
),
begun AS (
    SELECT
        user_id AS cohort_user,
        MIN(local_month_number) AS cohort_number
    FROM user_months
    GROUP BY user_id
),
cohorts AS (
    SELECT cohort_number, COUNT(*) AS cohort_size
    FROM begun
    GROUP BY cohort_number
),
months AS (
    SELECT
        month,
        CAST(SUBSTR(month, 1, 4) AS BIGINT) * 12 + CAST(SUBSTR(month, 6, 2) AS BIGINT) - 1
            AS month_number,
        COUNT(*) FILTER (WHERE verdict <> 'missing') AS held_days,
        COUNT(*) FILTER (WHERE in_period) AS period_days,
        MIN(verdict) AS lowest_verdict,
        MAX(verdict) AS highest_verdict
    FROM history_days
    GROUP BY month
),
kept AS (
    SELECT
        b.cohort_number AS kept_cohort,
        u.local_month_number AS kept_month,
        COUNT(*) AS users
    FROM user_months AS u
    INNER JOIN begun AS b ON u.user_id = b.cohort_user
    GROUP BY b.cohort_number, u.local_month_number
),
-- Every cohort meets every month after it, so that a month in which nobody came back has a row.
cells AS (
    SELECT
        b.month AS cohort,
        c.cohort_number,
        c.cohort_size,
        m.month,
        m.month_number,
        m.held_days,
        CASE WHEN m.lowest_verdict = m.highest_verdict THEN m.lowest_verdict ELSE 'partial' END
            AS verdict
    FROM cohorts AS c
    INNER JOIN months AS b ON c.cohort_number = b.month_number
    CROSS JOIN months AS m
    WHERE m.month_number >= c.cohort_number AND m.period_days > 0
),
counted AS (
    SELECT
        s.*,
        CASE WHEN s.held_days > 0 THEN COALESCE(k.users, 0) END AS users
    FROM cells AS s
    LEFT JOIN kept AS k ON s.cohort_number = k.kept_cohort AND s.month_number = k.kept_month
)
SELECT
    cohort,
    month,
    month_number - cohort_number AS months_since,
    users,
    cohort_size,
    CASE WHEN held_days >= 28
        THEN ROUND(FLOOR(CAST(users AS DOUBLE) * 100 / NULLIF(cohort_size, 0) + 0.5) / 100, 2)
    END AS retention,
    verdict
FROM counted
ORDER BY cohort NULLS LAST, month NULLS LAST
