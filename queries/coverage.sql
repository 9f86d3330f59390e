-- title: Data coverage
-- question: Which days are complete in the log, and which are missing, partial or truncated?
-- group: Log health
-- alias: gaps
-- alias: missing-days
-- actors: all
-- noise: include
-- total: events, duplicates, late_events
-- column day: UTC day
-- column status: `complete`, `partial`, `truncated` or `missing`
-- column events: stored events of the day, including automated API activity and service principals;
--   empty for a missing day
-- column reason: reason for the status; "downloaded in full" if the log records downloads of the whole
--   day, "no gaps found" if there is no sign of a gap
-- column hours_without_events: hours of the day without any event. Each download of a day writes an
--   event for every hour of it to the log, so a log that is downloaded daily has none.
-- column sources: source files with events of the day
-- column duplicates: further copies of the day's events, in all files
-- column late_events: events that only a later download of the day contained
-- column users: distinct people, guests and service principals with activity
-- rule: The days are those of the Power BI and Fabric log. Power Platform events are counted too,
--   but they do not make a day complete.
-- rule: truncated: a file of the day is damaged, ends at a row limit of Microsoft's tools, or
--   reports that its search found more; or a page names a next page (continuationUri) that is not
--   in the log files. A day is not truncated if an intact file contains as many of its events.
-- rule: complete: the downloads recorded in the log (ExportActivityEvents) cover the whole day, even
--   if it has no events. A download counts up to the moment it was made. It does not count if it
--   failed or was limited to an activity or a user.
-- rule: partial: the recorded downloads leave out part of the day, and no export of the audit
--   search contains that part.
-- rule: missing: no event of the day is stored. A day without events is complete if a file with an
--   empty response of the API has the day in its name and was written after the day, or if an
--   export of the audit search has events before and after the day.
-- rule: partial: all files of the day were written before the day was over, or no file contains the
--   time between a file that was written during the day and the other files. A time in a file name
--   counts as the time of writing unless it can be the downloaded window.
-- rule: complete: no other rule applies. Events that arrived more than a day late are in
--   late_events.
-- rule: An event is late if no earlier file contains it, but its file also contains copies of
--   events of that day from earlier files. Files are ordered by name. Pages without common events
--   are parts of one download, and none of their events is late.
-- source: Microsoft Learn, Activity Events REST API: events are kept for 28 to 30 days and may come
--   up to 24 hours late
-- limit: Use this report without filters. Filters narrow the counted events, hours and users, but
--   not the copies in the files, so duplicates and late_events become too high.
-- limit: Copies of events that `forget` erased still count as duplicates.
-- limit: Days before the first and after the last event of the log are listed only if --since or
--   --until names them, and only up to yesterday. They are missing.
-- limit: The first day of the log can lack its first hours if Microsoft had already deleted them
--   before the download.
WITH stored AS (
    SELECT
        utc_date,
        COUNT(*) AS events,
        COUNT(DISTINCT utc_hour) AS hours,
        COUNT(DISTINCT user_id) AS users
    FROM events_all
    WHERE WorkloadGroup IS NULL OR WorkloadGroup <> 'other'
    GROUP BY utc_date
),
file_events AS (
    SELECT utc_date, SourceFile, COUNT(*) AS file_events
    FROM events_all
    WHERE WorkloadGroup IS NULL OR WorkloadGroup <> 'other'
    GROUP BY utc_date, SourceFile
),
first_of_day AS (
    SELECT utc_date AS first_date, MIN(SourceFile) AS first_file
    FROM file_events
    GROUP BY utc_date
),
late AS (
    SELECT e.utc_date AS late_date, SUM(e.file_events) AS late_events
    FROM file_events AS e
    JOIN source_days AS s ON e.SourceFile = s.source AND e.utc_date = s.day
    JOIN first_of_day AS f ON e.utc_date = f.first_date
    WHERE e.SourceFile <> f.first_file AND s.event_copies > e.file_events
    GROUP BY e.utc_date
)
SELECT
    d.day,
    d.status,
    CASE WHEN d.status <> 'missing' THEN COALESCE(e.events, 0) END AS events,
    d.reason,
    CASE WHEN d.status <> 'missing' THEN 24 - COALESCE(e.hours, 0) END AS hours_without_events,
    d.sources,
    CASE WHEN d.event_copies > e.events THEN d.event_copies - e.events ELSE 0 END AS duplicates,
    COALESCE(l.late_events, 0) AS late_events,
    CASE WHEN d.status <> 'missing' THEN COALESCE(e.users, 0) END AS users
FROM utc_days AS d
LEFT JOIN stored AS e ON d.day = e.utc_date
LEFT JOIN late AS l ON d.day = l.late_date
ORDER BY d.day NULLS LAST
