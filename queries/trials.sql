-- title: Trial licenses
-- question: Who started a trial license, and did they use it?
-- group: Administration
-- empty: Nobody started a trial in this period.
-- alias: license
-- alias: licenses
-- alias: licensing
-- alias: trial-licenses
-- actors: people
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column user: user who started the trial
-- column started: time of the user's first trial in the stored log
-- column active_days: days with any activity after the day of the first trial
-- column changes: number of times the user created or shared content since then
-- column views: report views since then
-- column last_active: time of the last activity
-- column trial_types: activities that started the trials, each listed once
-- column trials: number of times the user started, extended or renewed a trial
-- column last_trial: time of the last of these
-- column days_since_start: days from the first trial to the last day of the stored log
-- column license: license named in the log
-- rule: A trial is OptInForProTrial, OptInForPPUTrial, OptInForExtendedProTrial or
--   TrialLicenseExtension. Listed are users with one of these in the period. Their first trial and
--   the activity since then come from the whole stored log.
-- rule: Changes are the activities of the groups AUTHOR and SHARE, which usually need a license,
--   except app installations and subscription deliveries. Failed trials and changes are not
--   counted. Active days need an event that shows presence (`is_presence` of the views).
-- rule: The latest starts come first.
-- source: Microsoft Learn, Operation list
-- limit: The log does not show when a trial ended or whether a license was bought. A trial from
--   before the stored log does not appear.
WITH started AS (
    SELECT
        user_id AS trial_user,
        MIN(CreationTime) AS first_trial,
        MIN(local_epoch_day) AS trial_day,
        MAX(CreationTime) AS last_trial,
        COUNT(*) AS trials,
        COUNT(*) FILTER (WHERE in_period) AS trials_in_period,
        STRING_AGG(DISTINCT activity_name, ', ' ORDER BY activity_name) AS trial_types,
        MAX(LicenseDisplayName) AS license
    FROM history
    WHERE activity_name IN (
            'OptInForProTrial', 'OptInForPPUTrial', 'OptInForExtendedProTrial',
            'TrialLicenseExtension'
        )
        AND user_id IS NOT NULL
    GROUP BY user_id
),
listed AS (
    SELECT trial_user, first_trial, trial_day FROM started WHERE trials_in_period > 0
),
used AS (
    SELECT
        trial_user AS used_by,
        COUNT(DISTINCT CASE WHEN is_presence AND local_epoch_day > trial_day THEN local_date END)
            AS active_days,
        COUNT(*) FILTER (
            WHERE operation_group IN ('AUTHOR', 'SHARE')
                AND activity_name NOT IN ('InstallApp', 'RunEmailSubscription')
                AND CreationTime > first_trial
        ) AS changes,
        COUNT(*) FILTER (
            WHERE activity_name = 'ViewReport' AND CreationTime > first_trial
        ) AS views,
        MAX(CASE WHEN is_presence THEN CreationTime END) AS last_active
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
    trial_types,
    trials,
    last_trial,
    archive_last_epoch_day - trial_day AS days_since_start,
    license
FROM started AS s
JOIN used AS u ON s.trial_user = u.used_by
CROSS JOIN period
ORDER BY first_trial DESC NULLS LAST, trial_user NULLS LAST
LIMIT :top
