-- title: Active users (DAU, WAU, MAU)
-- question: How many people are active, how many are new, and how many return or leave?
-- group: People
-- alias: active-users
-- alias: dau
-- alias: wau
-- alias: mau
-- actors: people
-- chart: lines dau, wau, mau over date
-- param grain: choice(day|week|month) = day, length of a row: a day, an ISO week or a month
-- param activity: choice(all|view) = all, activity that makes a user active: any, or only views
-- param automated: bool = false, true also counts events that happen without their user; see the
--   rules
-- column date: the day; for weeks and months, their first day in the period
-- column dau: users active on that day; for weeks and months, the average over their complete days
-- column wau: users active in the 7 days that end with the day; for weeks and months, with their
--   last day in the period
-- column mau: users active in the 28 days that end with the day; for weeks and months, with their
--   last day in the period
-- column stickiness: share of the users of the 28 days who were active on the day: dau divided by
--   mau; for weeks and months, the average over their days
-- column new_users: users active for the first time in the stored log
-- column returning_users: users who were active before, but not in the previous 28 days
-- column lost_users: users last active 28 days earlier, who leave mau on that day
-- column status: data coverage: `complete`, `partial`, `truncated` or `missing`
-- rule: A user is active with any event that shows presence (`is_presence` of the views).
--   Automated API activity, scheduled refreshes and deliveries of subscriptions happen in the
--   user's name, but without the user. They count only with automated=true. Failed events do not
--   count.
-- rule: With activity=view, only views count (the group VIEW of the catalog). All anonymous
--   visitors count as one user. Events without a user are not attributed to anyone.
-- rule: The windows of 7 and 28 days reach back before the period, as far as the stored log does.
--   wau is empty on the first 6 days of the log, and mau on the first 27.
-- rule: A missing day has no values. A partial or truncated day without known users counts as
--   missing. If a day is partial, or a day of its window is missing, dau, wau and mau contain only
--   known users and are too low.
-- rule: Stickiness is empty unless all 28 days of the window are complete. new_users,
--   returning_users and lost_users compare a day with the 28 days before it. They are empty unless
--   all these 29 days are complete, so also on the first 28 days of the log.
-- rule: For weeks and months, new_users, returning_users and lost_users are sums over the days. The
--   sums and the average stickiness are empty unless each day of the row has a value. The status is
--   that of the days if they all agree, and otherwise partial.
-- rule: If no day is missing, mau grows each day by new_users and returning_users and shrinks by
--   lost_users. Stickiness is never above 1, because mau contains the users of the day.
-- compares stickiness: a day with the 28 days that end with it
-- compares new_users: a day with the 28 days before it
-- compares returning_users: a day with the 28 days before it
-- compares lost_users: a day with the 28 days before it
-- source: Microsoft Learn, activity_engagement plugin (Kusto): active users of a day divided by those
--   of the sliding window that ends with it
-- limit: The log does not show who is on leave or has left: a lost user is only a user without
--   activity.
-- limit: new_users can contain people who were active before the log begins, if they were not
--   active in its first 28 days.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
user_days AS (
    SELECT DISTINCT
        --by COALESCE(a.attribute_value, '(not mapped)') AS by_attribute,
        h.user_id,
        h.local_epoch_day AS day
    FROM history AS h
    --by LEFT JOIN person_values AS a ON h.user_id = a.address
    WHERE h.user_id IS NOT NULL
        AND (h.is_presence OR :automated)
        AND (:activity = 'all' OR h.operation_group = 'VIEW')
),
visits AS (
    SELECT
        --by by_attribute,
        day,
        LAG(day) OVER (PARTITION BY user_id ORDER BY day) AS last_day,
        LEAD(day) OVER (PARTITION BY user_id ORDER BY day) AS next_day
    FROM user_days
),
-- Visits with the same day, last day and next day are counted in one row, which saves many rows.
visit_counts AS (
    SELECT
        --by by_attribute,
        day,
        last_day,
        next_day,
        COUNT(*) AS users
    FROM visits
    GROUP BY
        --by by_attribute,
        day, last_day, next_day
),
-- Each visit adds its user to both windows on its day. It removes the user when the window ends or
-- at the next visit, which adds the user again. So nobody is in a window twice, and no day needs to
-- read all the days before it.
steps AS (
    SELECT
        --by by_attribute,
        day,
        users AS dau,
        users AS wau,
        users AS mau,
        CASE WHEN last_day IS NULL THEN users ELSE 0 END AS new_users,
        CASE WHEN day - last_day > 28 THEN users ELSE 0 END AS returning_users,
        0 AS lost_users
    FROM visit_counts
    UNION ALL
    SELECT
        --by by_attribute,
        CASE WHEN next_day < day + 7 THEN next_day ELSE day + 7 END AS day,
        0 AS dau,
        0 - users AS wau,
        0 AS mau,
        0 AS new_users,
        0 AS returning_users,
        0 AS lost_users
    FROM visit_counts
    UNION ALL
    SELECT
        --by by_attribute,
        CASE WHEN next_day <= day + 28 THEN next_day ELSE day + 28 END AS day,
        0 AS dau,
        0 AS wau,
        0 - users AS mau,
        0 AS new_users,
        0 AS returning_users,
        CASE WHEN next_day <= day + 28 THEN 0 ELSE users END AS lost_users
    FROM visit_counts
),
changes AS (
    SELECT
        --by by_attribute AS changed_value,
        day AS changed_day,
        SUM(dau) AS dau,
        SUM(wau) AS wau,
        SUM(mau) AS mau,
        SUM(new_users) AS new_users,
        SUM(returning_users) AS returning_users,
        SUM(lost_users) AS lost_users
    FROM steps
    GROUP BY
        --by by_attribute,
        day
),
--by listed_values AS (SELECT by_attribute FROM user_days GROUP BY by_attribute),
calendar AS (
    SELECT
        --by v.by_attribute,
        h.day,
        h.epoch_day,
        h.epoch_day - p.archive_first_epoch_day AS log_days_before,
        CASE :grain WHEN 'week' THEN h.week WHEN 'month' THEN h.month
            ELSE CAST(h.epoch_day AS STRING) END AS bucket,
        h.status,
        h.is_complete,
        h.complete_run,
        h.in_period
    FROM history_days AS h
    CROSS JOIN period AS p
    --by CROSS JOIN listed_values AS v
),
counted AS (
    SELECT
        c.*,
        COALESCE(s.dau, 0) AS dau,
        CASE WHEN c.is_complete OR COALESCE(s.dau, 0) > 0 THEN 0 ELSE 1 END AS is_missing,
        COALESCE(s.new_users, 0) AS new_users,
        COALESCE(s.returning_users, 0) AS returning_users,
        COALESCE(s.lost_users, 0) AS lost_users,
        COALESCE(s.wau, 0) AS wau_change,
        COALESCE(s.mau, 0) AS mau_change
    FROM calendar AS c
    LEFT JOIN changes AS s
        ON c.epoch_day = s.changed_day
        --by AND c.by_attribute = s.changed_value
),
summed AS (
    SELECT
        *,
        SUM(wau_change) OVER (
            --by PARTITION BY by_attribute
            ORDER BY epoch_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS wau,
        SUM(mau_change) OVER (
            --by PARTITION BY by_attribute
            ORDER BY epoch_day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS mau
    FROM counted
),
windowed AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY
                --by by_attribute,
                bucket, in_period
            ORDER BY epoch_day DESC
        ) AS from_end
    FROM summed
),
-- Unknown values become null here, for each day.
known AS (
    SELECT
        --by by_attribute,
        bucket,
        day,
        status,
        from_end,
        CASE WHEN is_missing = 0 THEN dau END AS dau,
        CASE WHEN status = 'complete' THEN dau END AS dau_complete,
        CASE WHEN is_missing = 0 AND log_days_before >= 6 THEN wau END AS wau,
        CASE WHEN is_missing = 0 AND log_days_before >= 27 THEN mau END AS mau,
        -- In millionths, because a sum of whole numbers is the same in any order.
        CASE WHEN complete_run >= 28
            THEN CAST(FLOOR(CAST(dau AS DOUBLE) * 1000000 / NULLIF(mau, 0) + 0.5) AS BIGINT) END
            AS stickiness_millionths,
        CASE WHEN complete_run >= 29 THEN new_users END AS new_users,
        CASE WHEN complete_run >= 29 THEN returning_users END AS returning_users,
        CASE WHEN complete_run >= 29 THEN lost_users END AS lost_users
    FROM windowed
    WHERE in_period
),
buckets AS (
    SELECT
        --by by_attribute,
        bucket,
        MIN(day) AS first_day,
        CASE WHEN :grain = 'day' THEN SUM(dau) ELSE SUM(dau_complete) END AS dau_sum,
        CASE WHEN :grain = 'day' THEN COUNT(dau) ELSE COUNT(dau_complete) END AS dau_days,
        MAX(CASE WHEN from_end = 1 THEN wau END) AS wau,
        MAX(CASE WHEN from_end = 1 THEN mau END) AS mau,
        SUM(stickiness_millionths) AS stickiness_sum,
        COUNT(stickiness_millionths) AS stickiness_days,
        SUM(new_users) AS new_sum,
        SUM(returning_users) AS returning_sum,
        SUM(lost_users) AS lost_sum,
        COUNT(new_users) AS compared_days,
        COUNT(*) AS days,
        MIN(status) AS lowest_status,
        MAX(status) AS highest_status
    FROM known
    GROUP BY
        --by by_attribute,
        bucket
)
SELECT
    --by by_attribute,
    first_day AS date,
    ROUND(FLOOR(CAST(dau_sum AS DOUBLE) * 100 / NULLIF(dau_days, 0) + 0.5) / 100, 2) AS dau,
    wau,
    mau,
    CASE WHEN stickiness_days = days
        THEN ROUND(FLOOR(CAST(stickiness_sum AS DOUBLE) / days / 10000 + 0.5) / 100, 2)
    END AS stickiness,
    CASE WHEN compared_days = days THEN new_sum END AS new_users,
    CASE WHEN compared_days = days THEN returning_sum END AS returning_users,
    CASE WHEN compared_days = days THEN lost_sum END AS lost_users,
    CASE WHEN lowest_status = highest_status THEN lowest_status ELSE 'partial' END AS status
FROM buckets
ORDER BY
    date NULLS LAST
    --by , by_attribute NULLS LAST
