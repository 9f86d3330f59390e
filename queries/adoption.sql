-- title: Active users (DAU, WAU, MAU)
-- question: How many people are active, do they come back, who is new and who stays away?
-- alias: active-users
-- actors: people
-- chart: lines dau, wau, mau over date
-- param grain: choice(day|week|month) = day, one row a day, an ISO week or a month
-- param activity: choice(all|view) = all, what makes active: any activity, or only opening content
-- column date: the day; of a week or month, its first day in the period
-- column dau: people active that day; of a week or month, the mean over its complete days
-- column wau: people active in the 7 days that end with the day; of a week or month, with its last
--   day in the period
-- column mau: people active in the 28 days that end with the day, likewise
-- column stickiness: dau divided by mau
-- column new_users: people who are seen for the first time in the whole archive
-- column returning_users: people seen before, but not in the 28 days before
-- column lost_users: people who were last seen 28 days before, and so leave the mau on that day
-- column verdict: how well the archive covers it: complete, partial, cut or missing
-- rule: Active is whoever has any event that is not noise; with activity=view, whoever opened
--   something (the group VIEW of the catalogue). All who did not
--   sign in are one person. An event that names no user is nobody's.
-- rule: The windows reach back before the period, as far as the archive does. Where they would
--   reach back further, there is no number: wau on the first 6 days of the archive, mau and
--   stickiness on the first 27, returning_users and lost_users on the first 28.
-- rule: A missing day has no numbers at all, and neither has a partial or cut day on which nobody
--   is known: it counts as missing. Where a day is partial, or a day of a window is missing, the
--   people known are counted, who are too few. There is a stickiness only if the day is complete
--   and none of the 28 is missing.
-- rule: Of a week or month, new_users, returning_users and lost_users are the sums over its days;
--   stickiness is the mean dau divided by the mau of its last day, where that day has a stickiness.
--   The verdict is that of its days if they all have the same, else partial.
-- rule: From one day to the next, mau grows by new_users and returning_users and shrinks by
--   lost_users, so long as no day is missing.
-- limit: The log does not know who is away or has left: lost means not seen, and nothing else.
-- limit: In the first weeks of an archive everybody is new, since nobody was seen before.
WITH user_days AS (
    SELECT DISTINCT user_id, local_day_number AS day
    FROM history
    WHERE user_id IS NOT NULL AND (:activity = 'all' OR operation_group = 'VIEW')
),
visits AS (
    SELECT
        day,
        LAG(day) OVER (PARTITION BY user_id ORDER BY day) AS last_day,
        LEAD(day) OVER (PARTITION BY user_id ORDER BY day) AS next_day
    FROM user_days
),
-- Visits between the same days are alike, whoever comes: far fewer rows, with their number.
alike AS (
    SELECT day, last_day, next_day, COUNT(*) AS users FROM visits GROUP BY day, last_day, next_day
),
-- Each visit puts its user into both windows on its day. It takes them out again when the window
-- has passed, or at the next visit, which puts them in anew: nobody is in a window twice, and no
-- day looks back at all the days before it.
steps AS (
    SELECT
        day,
        users AS dau,
        users AS wau,
        users AS mau,
        CASE WHEN last_day IS NULL THEN users ELSE 0 END AS new_users,
        CASE WHEN day - last_day > 28 THEN users ELSE 0 END AS returning_users,
        0 AS lost_users
    FROM alike
    UNION ALL
    SELECT
        CASE WHEN next_day < day + 7 THEN next_day ELSE day + 7 END AS day,
        0 AS dau,
        0 - users AS wau,
        0 AS mau,
        0 AS new_users,
        0 AS returning_users,
        0 AS lost_users
    FROM alike
    UNION ALL
    SELECT
        CASE WHEN next_day <= day + 28 THEN next_day ELSE day + 28 END AS day,
        0 AS dau,
        0 AS wau,
        0 - users AS mau,
        0 AS new_users,
        0 AS returning_users,
        CASE WHEN next_day <= day + 28 THEN 0 ELSE users END AS lost_users
    FROM alike
),
changes AS (
    SELECT
        day AS changed_day,
        SUM(dau) AS dau,
        SUM(wau) AS wau,
        SUM(mau) AS mau,
        SUM(new_users) AS new_users,
        SUM(returning_users) AS returning_users,
        SUM(lost_users) AS lost_users
    FROM steps
    GROUP BY day
),
calendar AS (
    SELECT
        h.day,
        h.day_number,
        h.day_number - p.archive_first_day_number AS held_before,
        CASE :grain WHEN 'week' THEN h.week WHEN 'month' THEN h.month
            ELSE CAST(h.day_number AS STRING) END AS bucket,
        h.verdict,
        h.is_complete,
        h.in_period
    FROM history_days AS h
    CROSS JOIN period AS p
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
    LEFT JOIN changes AS s ON c.day_number = s.changed_day
),
summed AS (
    SELECT
        *,
        SUM(wau_change) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS wau,
        SUM(mau_change) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS mau,
        SUM(is_missing) OVER (
            ORDER BY day_number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS missing_so_far
    FROM counted
),
windowed AS (
    SELECT
        *,
        missing_so_far - LAG(missing_so_far, 28) OVER (ORDER BY day_number) AS missing_in_28,
        ROW_NUMBER() OVER (PARTITION BY bucket, in_period ORDER BY day_number DESC) AS from_end
    FROM summed
),
-- What is not known becomes null here, day by day.
known AS (
    SELECT
        bucket,
        day,
        verdict,
        from_end,
        CASE WHEN is_missing = 0 THEN dau END AS dau,
        CASE WHEN verdict = 'complete' THEN dau END AS dau_complete,
        CASE WHEN is_missing = 0 AND held_before >= 6 THEN wau END AS wau,
        CASE WHEN is_missing = 0 AND held_before >= 27 THEN mau END AS mau,
        -- On the 28th day of the archive there is no row 28 days before to subtract.
        CASE WHEN verdict = 'complete' AND held_before >= 27
            AND COALESCE(missing_in_28, missing_so_far) = 0 THEN mau END AS mau_whole,
        CASE WHEN is_missing = 0 THEN new_users END AS new_users,
        CASE WHEN is_missing = 0 AND held_before >= 28 THEN returning_users END AS returning_users,
        CASE WHEN is_missing = 0 AND held_before >= 28 THEN lost_users END AS lost_users
    FROM windowed
    WHERE in_period
),
buckets AS (
    SELECT
        bucket,
        MIN(day) AS first_day,
        CASE WHEN :grain = 'day' THEN SUM(dau) ELSE SUM(dau_complete) END AS dau_sum,
        CASE WHEN :grain = 'day' THEN COUNT(dau) ELSE COUNT(dau_complete) END AS dau_days,
        MAX(CASE WHEN from_end = 1 THEN wau END) AS wau,
        MAX(CASE WHEN from_end = 1 THEN mau END) AS mau,
        MAX(CASE WHEN from_end = 1 THEN mau_whole END) AS mau_whole,
        SUM(new_users) AS new_sum,
        COUNT(new_users) AS new_days,
        SUM(returning_users) AS returning_sum,
        COUNT(returning_users) AS returning_days,
        SUM(lost_users) AS lost_sum,
        COUNT(lost_users) AS lost_days,
        MIN(verdict) AS lowest_verdict,
        MAX(verdict) AS highest_verdict
    FROM known
    GROUP BY bucket
)
SELECT
    first_day AS date,
    ROUND(FLOOR(CAST(dau_sum AS DOUBLE) * 100 / NULLIF(dau_days, 0) + 0.5) / 100, 2) AS dau,
    wau,
    mau,
    ROUND(
        FLOOR(CAST(dau_sum AS DOUBLE) * 100 / NULLIF(dau_days * mau_whole, 0) + 0.5) / 100, 2
    ) AS stickiness,
    CASE WHEN new_days > 0 THEN new_sum END AS new_users,
    CASE WHEN returning_days > 0 THEN returning_sum END AS returning_users,
    CASE WHEN lost_days > 0 THEN lost_sum END AS lost_users,
    CASE WHEN lowest_verdict = highest_verdict THEN lowest_verdict ELSE 'partial' END AS verdict
FROM buckets
ORDER BY date NULLS LAST
