-- title: Automated API activity
-- question: How much of the log is automated API activity, and which accounts cause it?
-- group: Log health
-- empty: There was no automated API activity in this period.
-- alias: api
-- alias: automated
-- alias: automated-activity
-- actors: all
-- noise: include
-- chart: bars events
-- param by: choice(all|day) = all, one row per activity and account, or one per day as well
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- total: events
-- column activity: name of the activity
-- column principal: account that reads: a service principal, or a person with a tool
-- column events: number of events
-- column share_pct: share of all events of the period, including automated ones, in percent
-- column excluded: true if other reports exclude these events with the given --noise
-- column last_event: time of the last event
-- column active_days: days with events
-- column per_day: events divided by active_days
-- column noise_level: `standard` is excluded by default, `all-reads` only with --noise
--   exclude-all-reads
-- column estimated_kib: estimated size of these events in the log files, in KiB; see the rules
-- column first_event: time of the first event in the period
-- column friendly_name: friendly name of the activity
-- column day: the day with --param by=day, otherwise empty
-- rule: The catalog of activities marks automated API activity. `standard` is ExportActivityEvents,
--   which every download of the log writes, and GetDatasources, which scanners write. `all-reads`
--   is all other reading through admin APIs. Both are listed with any --noise.
-- rule: estimated_kib is events times the average size of a record in the source files, compressed
--   or not. Log files without these events would be smaller by that much.
-- rule: With by=day the latest day comes first, and active_days is 1.
-- source: Microsoft Learn, Operation list; Admin - Get Activity Events
-- limit: Reads by a person in the portal and by that person's script differ only in the user agent.
WITH reads AS (
    SELECT operation, friendly_name, noise AS noise_level FROM operations WHERE noise <> 'no'
),
totals AS (
    SELECT
        activity_name,
        user_id,
        CASE :by WHEN 'day' THEN local_date END AS day,
        COUNT(*) AS noise_events,
        COUNT(*) FILTER (WHERE is_noise) AS noise_excluded,
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
    SELECT SUM(size_bytes) AS all_bytes, SUM(records) AS all_records FROM sources WHERE records > 0
)
SELECT
    activity_name AS activity,
    user_id AS principal,
    noise_events AS events,
    ROUND(FLOOR(CAST(noise_events AS DOUBLE) * 1000 / NULLIF(all_events, 0) + 0.5) / 10, 1)
        AS share_pct,
    noise_excluded > 0 AS excluded,
    last_event,
    active_days,
    ROUND(FLOOR(CAST(noise_events AS DOUBLE) * 100 / NULLIF(active_days, 0) + 0.5) / 100, 2)
        AS per_day,
    noise_level,
    ROUND(
        FLOOR(
            CAST(noise_events AS DOUBLE) * all_bytes / NULLIF(all_records, 0) / 102.4 + 0.5
        ) / 10,
        1
    ) AS estimated_kib,
    first_event,
    friendly_name,
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
