-- title: Noise
-- question: Which reads by machines fill the log, who makes them, and what part of all events are
--   they?
-- actors: all
-- noise: keep
-- chart: bars events
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column activity: what was read
-- column principal: who reads: a service, or a person with a tool
-- column events: how often
-- column share_pct: of all events of the period, noise among them, in %
-- column left_out: whether reports leave it out at the degree of noise that was asked for
-- column last_event: when last
-- column active_days: on how many days
-- column per_day: events divided by active_days
-- column degree: `default` is left out unless told otherwise, `wide` only with --noise wide
-- column first_event: when first in the period
-- column meaning: friendly name of the activity
-- rule: Noise is what the catalogue of operations marks so. By default that is
--   ExportActivityEvents, which every pull of this log writes, and GetDatasources, which scanners
--   write; wide is all reading by admin APIs. Both are listed here, whatever was asked for.
-- source: Microsoft Learn, Operation list; Admin - Get Activity Events
-- limit: A read by a person in the portal and one by a script of that person look alike, but for
--   the user agent.
WITH reads AS (
    SELECT operation, friendly_name, noise AS degree FROM operations WHERE noise <> 'no'
),
totals AS (
    SELECT
        activity_name,
        user_id,
        COUNT(*) AS noise_events,
        COUNT(*) FILTER (WHERE is_noise) AS noise_left_out,
        COUNT(DISTINCT local_date) AS active_days,
        MIN(CreationTime) AS first_event,
        MAX(CreationTime) AS last_event
    FROM events
    GROUP BY activity_name, user_id
),
total AS (
    SELECT SUM(noise_events) AS all_events FROM totals
)
SELECT
    activity_name AS activity,
    user_id AS principal,
    noise_events AS events,
    ROUND(FLOOR(CAST(noise_events AS DOUBLE) * 1000 / NULLIF(all_events, 0) + 0.5) / 10, 1)
        AS share_pct,
    noise_left_out > 0 AS left_out,
    last_event,
    active_days,
    ROUND(FLOOR(CAST(noise_events AS DOUBLE) * 100 / NULLIF(active_days, 0) + 0.5) / 100, 2)
        AS per_day,
    degree,
    first_event,
    friendly_name AS meaning
FROM totals AS t
JOIN reads AS r ON t.activity_name = r.operation
CROSS JOIN total
ORDER BY noise_events DESC NULLS LAST, activity_name NULLS LAST, user_id NULLS LAST
LIMIT :top
