-- title: Trials
-- question: Who started a trial licence, and did they use it?
-- actors: people
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column user: who started it
-- column started: when they first did, in the whole archive
-- column active_days: days with any activity from the first trial on, the day itself left out
-- column changes: how often they authored or shared something from then on
-- column views: how often they opened a report from then on
-- column last_active: their last activity
-- column kinds: the activities by which they started, each once
-- column trials: how often they started, extended or renewed a trial
-- column last_trial: when they last did
-- column days_since: days from the first trial to the last day of the archive
-- column licence: the licence that the log names
-- rule: A trial is OptInForProTrial, OptInForPPUTrial, OptInForExtendedProTrial or
--   TrialLicenseExtension. Listed is who has one of these in the period; the first trial and what
--   came after it are taken from the whole archive.
-- rule: Changes are the activities of the groups AUTHOR and SHARE, for which a licence is mostly
--   needed, but for installing an app and the running of a subscription. Failed trials and
--   changes are not counted.
-- rule: The latest to start come first.
-- source: Microsoft Learn, Operation list
-- limit: The log does not tell when a trial ended or whether a licence was bought. A trial of
--   before the archive begins does not show.
WITH started AS (
    SELECT
        user_id AS trial_user,
        MIN(CreationTime) AS first_trial,
        MIN(local_day_number) AS trial_day,
        MAX(CreationTime) AS last_trial,
        COUNT(*) AS trials,
        COUNT(*) FILTER (WHERE in_period) AS trials_in_period,
        STRING_AGG(DISTINCT activity_name, ', ' ORDER BY activity_name) AS kinds,
        MAX(LicenseDisplayName) AS licence
    FROM history
    WHERE activity_name IN (
            'OptInForProTrial', 'OptInForPPUTrial', 'OptInForExtendedProTrial',
            'TrialLicenseExtension'
        )
        AND user_id IS NOT NULL
        AND NOT is_failed
    GROUP BY user_id
),
listed AS (
    SELECT trial_user, first_trial, trial_day FROM started WHERE trials_in_period > 0
),
used AS (
    SELECT
        trial_user AS used_by,
        COUNT(DISTINCT CASE WHEN local_day_number > trial_day THEN local_date END) AS active_days,
        COUNT(*) FILTER (
            WHERE operation_group IN ('AUTHOR', 'SHARE')
                AND activity_name NOT IN ('InstallApp', 'RunEmailSubscription')
                AND CreationTime > first_trial
                AND NOT is_failed
        ) AS changes,
        COUNT(*) FILTER (
            WHERE activity_name = 'ViewReport' AND CreationTime > first_trial
        ) AS views,
        MAX(CreationTime) AS last_active
    FROM history AS h
    JOIN listed AS l ON h.user_id = l.trial_user
    GROUP BY trial_user
)
SELECT
    trial_user AS user,
    first_trial AS started,
    active_days,
    changes,
    views,
    last_active,
    kinds,
    trials,
    last_trial,
    archive_last_day_number - trial_day AS days_since,
    licence
FROM started AS s
JOIN used AS u ON s.trial_user = u.used_by
CROSS JOIN period
ORDER BY first_trial DESC NULLS LAST, trial_user NULLS LAST
LIMIT :top
