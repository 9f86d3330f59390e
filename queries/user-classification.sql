-- title: Frequent, active, occasional and inactive users
-- question: How regularly does each person use Power BI, and do they create or only view?
-- group: People
-- alias: inactive
-- alias: inactive-users
-- alias: user-classes
-- actors: people
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param class: choice(all|frequent|active|occasional|inactive) = all, class to list
-- column user: name of the user, in lower case
-- column class: `frequent`, `active`, `occasional` or `inactive` on the last day of the period
-- column role: `creator` or `viewer`; empty for users who created content only in the past, or only
--   deleted some, and never viewed any
-- column last_active: last day on which the user viewed, analyzed or created content
-- column active_months: number of the last 12 months with such activity
-- column last_view: last day on which the user viewed content, in Power BI or in external tools,
--   for example Excel
-- column last_edit: last day on which the user created, published, changed or deleted content
-- rule: A user is active by viewing content (the group VIEW), analyzing it from external tools
--   (EXTERNAL) or creating it (AUTHOR). Anonymous visitors and events without a user are not
--   counted.
-- rule: All values are as of the last day of the period and look back as far as the stored log. The
--   first day of the period does not matter.
-- rule: frequent: active in the last 7 days and in at least 9 of the last 12 months. active: active
--   in the last month. occasional: active in the last 9 months, but not in the last month.
--   inactive: not active in the last 9 months.
-- rule: A month is 30 days, counted back from the last day of the period. All months are therefore
--   equally long and complete.
-- rule: A month counts as covered if at least 20 of its 30 days are complete. If fewer than 12
--   months are covered, frequent needs activity in fewer months: in three quarters of the covered
--   ones. Nobody is frequent unless at least 3 months are covered, because a shorter log cannot
--   show regular use.
-- rule: creator: created, published or edited content in the last 6 months (the group AUTHOR
--   without deletions). viewer: no such activity, but views. Failed activities are not counted.
-- compares class: the covered months with Microsoft's nine of twelve
-- rule: Rows are sorted by class, active_months, last_active and name.
-- source: Microsoft Learn, Tenant-level auditing: create classifications
-- limit: People without such activity in the stored log are not listed. Finding licensed users
--   without any activity needs a list of licenses. Missing days can hide activity.
WITH user_days AS (
    SELECT
        user_id,
        local_epoch_day,
        MAX(local_date) AS local_date,
        MAX(CASE WHEN operation_group = 'AUTHOR' THEN 1 ELSE 0 END) AS has_edited,
        MAX(
            CASE WHEN operation_group = 'AUTHOR' AND activity_name NOT LIKE 'Delete%'
                THEN 1 ELSE 0 END
        ) AS has_created,
        MAX(CASE WHEN operation_group = 'AUTHOR' THEN 0 ELSE 1 END) AS has_viewed
    FROM history
    WHERE operation_group IN ('VIEW', 'EXTERNAL', 'AUTHOR')
        AND is_presence
        AND actor_kind <> 'anonymous'
        AND user_id IS NOT NULL
    GROUP BY user_id, local_epoch_day
),
aged AS (
    SELECT
        u.user_id,
        u.local_date,
        u.has_edited,
        u.has_created,
        u.has_viewed,
        p.last_epoch_day - u.local_epoch_day AS age,
        FLOOR(CAST(p.last_epoch_day - u.local_epoch_day AS DOUBLE) / 30) AS month_back
    FROM user_days AS u
    CROSS JOIN period AS p
    WHERE u.local_epoch_day <= p.last_epoch_day
),
users AS (
    SELECT
        user_id,
        MIN(age) AS age,
        MAX(local_date) AS last_active,
        COUNT(DISTINCT CASE WHEN month_back < 12 THEN month_back END) AS active_months,
        MAX(CASE WHEN has_viewed = 1 THEN local_date END) AS last_view,
        MAX(CASE WHEN has_edited = 1 THEN local_date END) AS last_edit,
        MIN(CASE WHEN has_created = 1 THEN age END) AS created_age
    FROM aged
    GROUP BY user_id
),
months AS (
    SELECT
        FLOOR(CAST(p.last_epoch_day - h.epoch_day AS DOUBLE) / 30) AS past_month,
        COUNT(*) FILTER (WHERE h.is_complete) AS complete_days
    FROM history_days AS h
    CROSS JOIN period AS p
    WHERE h.epoch_day <= p.last_epoch_day AND p.last_epoch_day - h.epoch_day < 360
    GROUP BY FLOOR(CAST(p.last_epoch_day - h.epoch_day AS DOUBLE) / 30)
),
covered AS (SELECT COUNT(*) AS months_covered FROM months WHERE complete_days >= 20),
classified AS (
    SELECT
        *,
        CASE
            WHEN age < 7 AND months_covered >= 3 AND active_months * 4 >= months_covered * 3
                THEN 'frequent'
            WHEN age < 30 THEN 'active'
            WHEN age < 270 THEN 'occasional'
            ELSE 'inactive'
        END AS class,
        CASE
            WHEN created_age < 180 THEN 'creator'
            WHEN last_view IS NOT NULL THEN 'viewer'
        END AS role
    FROM users AS u
    CROSS JOIN covered AS c
),
placed AS (
    SELECT
        *,
        CASE class WHEN 'frequent' THEN 1 WHEN 'active' THEN 2 WHEN 'occasional' THEN 3 ELSE 4 END
            AS by_class
    FROM classified
    WHERE :class = 'all' OR class = :class
)
SELECT
    user_id AS user,
    class,
    role,
    last_active,
    active_months,
    last_view,
    last_edit
FROM placed
ORDER BY
    by_class NULLS LAST,
    active_months DESC NULLS LAST,
    last_active DESC NULLS LAST,
    user_id NULLS LAST
LIMIT :top
