-- title: Coverage
-- question: Which days does the archive hold in full, and which are missing, partial or cut?
-- actors: all
-- noise: keep
-- column day: the UTC day
-- column verdict: complete, partial, cut or missing
-- column events: events of it that are stored, noise and services included; empty for a missing day
-- column rule: which rule decided
-- column hours_without: hours of it without any event; every pull of a day leaves an event for each
--   hour of it in the log, so an archive that is pulled daily has none
-- column sources: files that hold events of it
-- column repeats: copies of its events beyond the first, in all files
-- column late_events: events that only a later pull of the day brought
-- column people: different people, guests and services that did something
-- rule: Missing: no event of the day is stored. Cut: a file of the day breaks off, ends at a row
--   limit of Microsoft's tools or says that its search found more, and no whole file holds as much
--   of the day. Partial: the pulls recorded in the log (ExportActivityEvents) leave a part of the
--   day open, and no source of another kind holds it; or every file of it was written before it
--   was over. Complete: none of these.
-- rule: An event is late if it stands in a file that repeats events of the same day from files
--   before it (in the order of their names) and is itself in none of these. Pages that repeat
--   nothing are parts of one pull, and nothing in them is late.
-- source: Microsoft Learn, Activity Events REST API: events are kept for 28 to 30 days and may
--   come up to 24 hours late
-- limit: Ask without filters: they narrow the events, hours and people that are counted, but not
--   the copies in the files, so that repeats and late_events become too many.
-- limit: Days before the first event and after the last one of the archive are not known to be
--   missing; they are not listed.
WITH stored AS (
    SELECT
        utc_date,
        COUNT(*) AS events,
        COUNT(DISTINCT utc_hour) AS hours,
        COUNT(DISTINCT user_id) AS people
    FROM events_all
    WHERE WorkloadGroup IS NULL OR WorkloadGroup <> 'other'
    GROUP BY utc_date
),
brought AS (
    SELECT utc_date, SourceFile, COUNT(*) AS brought
    FROM events_all
    WHERE WorkloadGroup IS NULL OR WorkloadGroup <> 'other'
    GROUP BY utc_date, SourceFile
),
first_of_day AS (
    SELECT utc_date AS first_date, MIN(SourceFile) AS first_file
    FROM brought
    GROUP BY utc_date
),
late AS (
    SELECT b.utc_date AS late_date, SUM(b.brought) AS late_events
    FROM brought AS b
    JOIN source_days AS s ON b.SourceFile = s.source AND b.utc_date = s.day
    JOIN first_of_day AS f ON b.utc_date = f.first_date
    WHERE b.SourceFile <> f.first_file AND s.copies > b.brought
    GROUP BY b.utc_date
)
SELECT
    d.day,
    d.verdict,
    CASE WHEN d.verdict <> 'missing' THEN COALESCE(e.events, 0) END AS events,
    d.rule,
    CASE WHEN d.verdict <> 'missing' THEN 24 - COALESCE(e.hours, 0) END AS hours_without,
    d.sources,
    CASE WHEN d.copies > e.events THEN d.copies - e.events ELSE 0 END AS repeats,
    COALESCE(l.late_events, 0) AS late_events,
    CASE WHEN d.verdict <> 'missing' THEN COALESCE(e.people, 0) END AS people
FROM utc_days AS d
LEFT JOIN stored AS e ON d.day = e.utc_date
LEFT JOIN late AS l ON d.day = l.late_date
ORDER BY d.day NULLS LAST
