-- title: Failed activities
-- question: What fails, for whom, how often, and is it still failing?
-- group: Platform health
-- empty: Nothing failed in this period.
-- alias: errors
-- alias: failed
-- alias: failures
-- actors: all
-- chart: bars failed
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- compare: failed, events by activity, user
-- total: failed
-- column activity: activity that failed; (none) if the event names none
-- column user: user or service principal; (unknown) if the events name none
-- column failed: number of failures
-- column failed_pct: failures in percent of all events of this user and activity
-- column last_failed: time of the last failure
-- column last_success: time of the last event of this user and activity that did not fail, in the
--   period; empty if all failed
-- column events: all events of this user and activity
-- column failed_days: days with failures
-- column items: distinct items with failures; items without an ID count by name
-- column last_item: item of the last failure
-- column first_failed: time of the first failure in the period
-- rule: An event failed if IsSuccess is false or ResultStatus is Failed or Failure. Service
--   principals are included, because scheduled work can fail too.
-- rule: All other events count as not failed. Older events have no outcome, so percentages over a
--   long period can be too low.
-- source: Microsoft Learn, Operation list; Office 365 Management Activity API schema
-- limit: Events of the Power Platform are another log. The reports power-apps-usage and
--   power-apps-changes read it.
-- limit: The log rarely names the reason of a failure. Requests that are refused before they start
--   usually write no event, for example viewing a report without permission.
WITH attempts AS (
    SELECT
        COALESCE(activity_name, '(none)') AS activity,
        COALESCE(user_id, '(unknown)') AS actor,
        COUNT(*) AS event_count,
        COUNT(*) FILTER (WHERE is_failed) AS failed,
        COUNT(DISTINCT CASE WHEN is_failed THEN local_date END) AS failed_days,
        MIN(CASE WHEN is_failed THEN CreationTime END) AS first_failed,
        MAX(CASE WHEN is_failed THEN CreationTime END) AS last_failed,
        MAX(CASE WHEN NOT is_failed THEN CreationTime END) AS last_success
    FROM events
    GROUP BY COALESCE(activity_name, '(none)'), user_id
),
failures AS (
    SELECT
        COALESCE(activity_name, '(none)') AS failed_activity,
        COALESCE(user_id, '(unknown)') AS failed_actor,
        COALESCE(item_id, item_name) AS item_key,
        COALESCE(item_name, item_id) AS item,
        ROW_NUMBER() OVER (
            PARTITION BY COALESCE(activity_name, '(none)'), COALESCE(user_id, '(unknown)')
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
    activity,
    actor AS user,
    failed,
    ROUND(FLOOR(CAST(failed AS DOUBLE) * 1000 / NULLIF(event_count, 0) + 0.5) / 10, 1)
        AS failed_pct,
    last_failed,
    last_success,
    event_count AS events,
    failed_days,
    items,
    last_item,
    first_failed
FROM attempts AS t
JOIN failed_items AS f ON t.activity = f.failed_activity AND t.actor = f.failed_actor
ORDER BY
    failed DESC NULLS LAST,
    last_failed DESC NULLS LAST,
    activity NULLS LAST,
    actor NULLS LAST
LIMIT :top
