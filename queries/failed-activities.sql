-- title: Failed activities
-- question: What fails, for whom, how often, and is it still failing?
-- actors: all
-- chart: bars failed
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column activity: what failed
-- column user: for whom
-- column failed: how often
-- column failed_pct: of all that this user did by this activity, in %
-- column last_failed: when last
-- column last_worked: when the same activity last did not fail for the same user, in the
--   period; empty if it always failed
-- column events: how often the user did this at all
-- column failed_days: days on which it failed
-- column items: different items with which it failed
-- column last_item: the item with which it failed last
-- column first_failed: when first in the period
-- rule: Failed is an event with IsSuccess false, or with the ResultStatus Failed or Failure.
--   Services are included: scheduled work fails too.
-- rule: Everything that an event does not call failed counts as not failed. Older events have no
--   outcome at all, so that a percentage over a long period can be too low.
-- source: Microsoft Learn, Operation list; Office 365 Management Activity API schema
-- limit: Why it failed is rarely told. What was refused before it began, such as opening a report
--   without the right to, mostly writes no event.
WITH tried AS (
    SELECT
        activity_name,
        COALESCE(user_id, '(unknown)') AS actor,
        COUNT(*) AS tries,
        COUNT(*) FILTER (WHERE is_failed) AS failed,
        COUNT(DISTINCT CASE WHEN is_failed THEN local_date END) AS failed_days,
        MIN(CASE WHEN is_failed THEN CreationTime END) AS first_failed,
        MAX(CASE WHEN is_failed THEN CreationTime END) AS last_failed,
        MAX(CASE WHEN NOT is_failed THEN CreationTime END) AS last_worked
    FROM events
    GROUP BY activity_name, user_id
),
failures AS (
    SELECT
        activity_name AS failed_activity,
        COALESCE(user_id, '(unknown)') AS failed_actor,
        COALESCE(item_id, item_name) AS item_key,
        COALESCE(item_name, item_id) AS item,
        ROW_NUMBER() OVER (
            PARTITION BY activity_name, COALESCE(user_id, '(unknown)')
            ORDER BY CreationTime DESC, Id DESC
        ) AS place
    FROM events
    WHERE is_failed
),
failed_items AS (
    SELECT
        failed_activity,
        failed_actor,
        COUNT(DISTINCT item_key) AS items,
        MAX(CASE WHEN place = 1 THEN item END) AS last_item
    FROM failures
    GROUP BY failed_activity, failed_actor
)
SELECT
    activity_name AS activity,
    actor AS user,
    failed,
    ROUND(FLOOR(CAST(failed AS DOUBLE) * 1000 / NULLIF(tries, 0) + 0.5) / 10, 1) AS failed_pct,
    last_failed,
    last_worked,
    tries AS events,
    failed_days,
    items,
    last_item,
    first_failed
FROM tried AS t
JOIN failed_items AS f ON t.activity_name = f.failed_activity AND t.actor = f.failed_actor
ORDER BY
    failed DESC NULLS LAST,
    last_failed DESC NULLS LAST,
    activity_name NULLS LAST,
    actor NULLS LAST
LIMIT :top
