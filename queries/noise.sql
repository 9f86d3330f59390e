-- title: Noise
-- question: Which reads by machines fill the log, who makes them, and what part of all events are
--   they?
-- actors: all
-- noise: keep
-- chart: bars events
-- param by: choice(all|day) = all, one row for each activity and principal, or one for each day too
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
-- column kib: about how much of the archive's files these events are, in KiB, see the rules
-- column first_event: when first in the period
-- column meaning: friendly name of the activity
-- column day: the day, with --set by=day; else empty
-- rule: Noise is what the catalogue of operations marks so. By default that is
--   ExportActivityEvents, which every pull of this log writes, and GetDatasources, which scanners
--   write; wide is all reading by admin APIs. Both are listed here, whatever was asked for.
-- rule: kib is events times the mean size of a record in the files, as they lie there, packed or
--   not. That is what an archive saves that leaves them out.
-- rule: With by=day the latest day comes first, and active_days is 1.
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
        CASE :by WHEN 'day' THEN local_date END AS day,
        COUNT(*) AS noise_events,
        COUNT(*) FILTER (WHERE is_noise) AS noise_left_out,
        COUNT(DISTINCT local_date) AS active_days,
        MIN(CreationTime) AS first_event,
        MAX(CreationTime) AS last_event
    FROM events
    GROUP BY activity_name, user_id, CASE :by WHEN 'day' THEN local_date END
),
total AS (
    SELECT SUM(noise_events) AS all_events FROM totals
),
files AS (
    SELECT SUM(size_bytes) AS all_bytes, SUM(records) AS all_records FROM sources
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
    ROUND(
        FLOOR(
            CAST(noise_events AS DOUBLE) * all_bytes / NULLIF(all_records, 0) / 102.4 + 0.5
        ) / 10,
        1
    ) AS kib,
    first_event,
    friendly_name AS meaning,
    day
FROM totals AS t
JOIN reads AS r ON t.activity_name = r.operation
CROSS JOIN total
CROSS JOIN files
ORDER BY
    day DESC NULLS LAST,
    noise_events DESC NULLS LAST,
    activity_name NULLS LAST,
    user_id NULLS LAST
LIMIT :top
