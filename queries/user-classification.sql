-- title: Frequent, active, occasional and inactive users
-- question: How regularly does each person work with Power BI, and do they create or only view?
-- actors: people
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param class: choice(all|frequent|active|occasional|inactive) = all, which class to list
-- column user: name of the user, in lower case
-- column class: frequent, active, occasional or inactive, on the last day of the period
-- column role: creator or viewer; empty for who created once, not lately, and never viewed
-- column last_active: last day on which they viewed, analysed or created something
-- column active_months: in how many of the last 12 months they did
-- column last_view: last day on which they opened content, in Power BI or from Excel and the like
-- column last_authored: last day on which they created, published, changed or deleted content
-- rule: Active is whoever opens content (group VIEW), analyses it from outside (EXTERNAL) or
--   creates it (AUTHOR). Whoever comes without signing in is no user and is left out, as are
--   events that name no user.
-- rule: Everything is as of the last day of the period, looking back as far as the archive does;
--   the first day of the period does not matter.
-- rule: frequent: active in the last 7 days and in at least 9 of the last 12 months. active: in the
--   last month. occasional: in the last 9 months, but not in the last. inactive: not in the last 9.
-- rule: A month is 30 days here, counted back from the last day of the period, so that all months
--   are equally long and none is only just begun.
-- rule: If the archive reaches back less than 12 such months, frequent takes three quarters of the
--   whole months that it does reach back (at least one), as 9 of 12 are.
-- rule: creator: any activity of the group AUTHOR in the last 6 months; viewer: none, but views.
-- rule: Rows are in the order of class, active_months, last_active and name.
-- source: Microsoft Learn, Tenant-level auditing: create classifications
-- limit: People of whom the archive holds no such activity are not listed: for who has a licence
--   and never comes, a list of licences is needed. Missing days may hold activity that is not
--   known.
WITH user_days AS (
    SELECT
        user_id,
        local_day_number,
        MAX(local_date) AS local_date,
        MAX(CASE WHEN operation_group = 'AUTHOR' THEN 1 ELSE 0 END) AS has_authored,
        MAX(CASE WHEN operation_group = 'AUTHOR' THEN 0 ELSE 1 END) AS has_viewed
    FROM history
    WHERE operation_group IN ('VIEW', 'EXTERNAL', 'AUTHOR') AND actor_kind <> 'anonymous'
        AND user_id IS NOT NULL
    GROUP BY user_id, local_day_number
),
aged AS (
    SELECT
        u.user_id,
        u.local_date,
        u.has_authored,
        u.has_viewed,
        p.last_day_number - u.local_day_number AS age,
        FLOOR(CAST(p.last_day_number - u.local_day_number AS DOUBLE) / 30) AS month_back,
        FLOOR(CAST(p.last_day_number - p.archive_first_day_number + 1 AS DOUBLE) / 30)
            AS months_held
    FROM user_days AS u
    CROSS JOIN period AS p
    WHERE u.local_day_number <= p.last_day_number
),
users AS (
    SELECT
        user_id,
        MIN(age) AS age,
        MAX(local_date) AS last_active,
        COUNT(DISTINCT CASE WHEN month_back < 12 THEN month_back END) AS active_months,
        MAX(CASE WHEN has_viewed = 1 THEN local_date END) AS last_view,
        MAX(CASE WHEN has_authored = 1 THEN local_date END) AS last_authored,
        MIN(CASE WHEN has_authored = 1 THEN age END) AS authored_age,
        MAX(CASE WHEN months_held > 12 THEN 12 WHEN months_held < 1 THEN 1 ELSE months_held END)
            AS months_asked
    FROM aged
    GROUP BY user_id
),
classified AS (
    SELECT
        *,
        CASE
            WHEN age < 7 AND active_months * 4 >= months_asked * 3 THEN 'frequent'
            WHEN age < 30 THEN 'active'
            WHEN age < 270 THEN 'occasional'
            ELSE 'inactive'
        END AS class,
        CASE
            WHEN authored_age < 180 THEN 'creator'
            WHEN last_view IS NOT NULL THEN 'viewer'
        END AS role
    FROM users
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
    last_authored
FROM placed
ORDER BY
    by_class NULLS LAST,
    active_months DESC NULLS LAST,
    last_active DESC NULLS LAST,
    user_id NULLS LAST
LIMIT :top
