-- title: User retention by cohort
-- question: How many of the users who started in a month still view content in the months after?
-- group: People
-- alias: cohorts
-- alias: retention
-- actors: people
-- chart: heat retention over months_since by cohort
-- column cohort: month in which these users first viewed content
-- column month: month in which the users are counted
-- column months_since: months from the cohort's month to this month
-- column users: users of the cohort who viewed content in this month
-- column cohort_size: users in the cohort
-- column retention: users divided by cohort_size; empty unless at least 28 days of both months are
--   complete
-- column status: data coverage of the month's days if they all agree, otherwise `partial`
-- rule: A view is any activity of the group VIEW, for example ViewReport or ViewDashboard. Users
--   belong to the month of their first view in the stored log, even if it is before the period.
--   Anonymous visitors are excluded, because they are not one returning person.
-- rule: Rows are the months of the period. Each month is counted in full, even if the period starts
--   or ends within it.
-- rule: Retention compares two months. It is empty unless each of them has at least 28 complete
--   days, because a few days cannot be compared with a whole month. So it is empty for the current
--   month, for months with many missing days, and for cohorts of such months. Months have 28 to 31
--   days and are compared as they are: people count once per month, so up to 3 days more or less
--   change little. A month without data has no users either.
-- compares retention: the month with the month of the cohort
-- limit: The log knows no user from before it begins, so the first cohort contains all existing
--   users. Use the later cohorts.
WITH user_months AS (
    SELECT DISTINCT user_id, local_epoch_month
    FROM history
    WHERE operation_group = 'VIEW'
        AND is_presence
        AND actor_kind <> 'anonymous'
        AND user_id IS NOT NULL
),
started AS (
    SELECT
        user_id AS cohort_user,
        MIN(local_epoch_month) AS cohort_epoch_month
    FROM user_months
    GROUP BY user_id
),
cohorts AS (
    SELECT cohort_epoch_month, COUNT(*) AS cohort_size
    FROM started
    GROUP BY cohort_epoch_month
),
months AS (
    SELECT
        month,
        CAST(SUBSTR(month, 1, 4) AS BIGINT) * 12 + CAST(SUBSTR(month, 6, 2) AS BIGINT) - 1
            AS epoch_month,
        COUNT(*) FILTER (WHERE status <> 'missing') AS days_with_data,
        COUNT(*) FILTER (WHERE is_complete) AS complete_days,
        COUNT(*) FILTER (WHERE in_period) AS period_days,
        MIN(status) AS lowest_status,
        MAX(status) AS highest_status
    FROM history_days
    GROUP BY month
),
returned AS (
    SELECT
        s.cohort_epoch_month AS returned_cohort,
        u.local_epoch_month AS returned_month,
        COUNT(*) AS users
    FROM user_months AS u
    INNER JOIN started AS s ON u.user_id = s.cohort_user
    GROUP BY s.cohort_epoch_month, u.local_epoch_month
),
-- Each cohort is paired with every later month, so that months without returning users have a row.
cells AS (
    SELECT
        b.month AS cohort,
        c.cohort_epoch_month,
        c.cohort_size,
        m.month,
        m.epoch_month,
        m.days_with_data,
        CASE WHEN m.complete_days >= 28 AND b.complete_days >= 28 THEN 1 ELSE 0 END
            AS is_comparable,
        CASE WHEN m.lowest_status = m.highest_status THEN m.lowest_status ELSE 'partial' END
            AS status
    FROM cohorts AS c
    INNER JOIN months AS b ON c.cohort_epoch_month = b.epoch_month
    CROSS JOIN months AS m
    WHERE m.epoch_month >= c.cohort_epoch_month AND m.period_days > 0
),
counted AS (
    SELECT
        s.*,
        CASE WHEN s.days_with_data > 0 THEN COALESCE(r.users, 0) END AS users
    FROM cells AS s
    LEFT JOIN returned AS r
        ON s.cohort_epoch_month = r.returned_cohort AND s.epoch_month = r.returned_month
)
SELECT
    cohort,
    month,
    epoch_month - cohort_epoch_month AS months_since,
    users,
    cohort_size,
    CASE WHEN is_comparable = 1
        THEN ROUND(FLOOR(CAST(users AS DOUBLE) * 100 / NULLIF(cohort_size, 0) + 0.5) / 100, 2)
    END AS retention,
    status
FROM counted
ORDER BY cohort NULLS LAST, month NULLS LAST
