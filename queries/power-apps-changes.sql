-- title: Changes of Power Apps
-- question: Who created, changed, published, shared or deleted which Power App, and when?
-- log: power-platform
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column time: when
-- column change: what was done, in plain words
-- column app: name of the app at that time; its id where the log names none
-- column user: who did it
-- column environment: name of the environment at that time; its id where the log names none
-- column kind: `created`, `edited`, `published`, `permission`, `featured`, `deleted`, `admin` or
--   `other`
-- column failed: whether it failed
-- column app_changes: changes of this app in the period
-- column activity: the activity
-- column app_id: the app
-- column environment_id: its environment
-- column event_id: the event
-- rule: Counted are the activities that the catalogue gives to Power Apps, and those that it does
--   not know but that name an app. Launches are left out; they are in power-apps-usage.
-- rule: The kind comes from the activity's name: Admin… is what an administrator did to an app of
--   others; featured are Featured and Hero.
-- rule: Latest first. Services are included.
-- source: Microsoft Learn, Audit log activities
-- limit: Whom an app was shared with is not told by every event. Saving an app writes an event at
--   each save.
WITH known AS (
    SELECT operation AS known_operation, item_kind AS operation_item FROM operations
),
changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        activity_name,
        activity_label,
        COALESCE(PowerAppName, PowerAppId) AS app,
        PowerAppId AS app_id,
        COALESCE(PlatformEnvironmentName, PlatformEnvironmentId) AS environment,
        PlatformEnvironmentId AS environment_id,
        user_id,
        is_failed
    FROM events AS e
    LEFT JOIN known AS k ON e.activity_name = k.known_operation
    WHERE activity_name <> 'LaunchPowerApp'
        AND (operation_item = 'PowerApp' OR (known_operation IS NULL AND PowerAppId IS NOT NULL))
),
totals AS (
    SELECT app_id AS total_app, COUNT(*) AS app_changes FROM changes GROUP BY app_id
)
SELECT
    changed_at AS time,
    activity_label AS change,
    app,
    user_id AS user,
    environment,
    CASE
        WHEN activity_name LIKE 'Admin%' THEN 'admin'
        WHEN activity_name LIKE '%Featured%' OR activity_name LIKE '%Hero%' THEN 'featured'
        WHEN activity_name LIKE '%Permission%'
            OR activity_name IN ('SharePowerApp', 'RecordScopesConsent') THEN 'permission'
        WHEN activity_name LIKE 'Delete%' THEN 'deleted'
        WHEN activity_name LIKE 'Create%' OR activity_name LIKE 'ImportNew%' THEN 'created'
        WHEN activity_name LIKE 'Publish%' OR activity_name LIKE 'Promote%' THEN 'published'
        WHEN activity_name LIKE 'Update%' OR activity_name LIKE 'Patch%'
            OR activity_name LIKE 'Edit%' OR activity_name LIKE 'ImportExisting%' THEN 'edited'
        ELSE 'other'
    END AS kind,
    is_failed AS failed,
    app_changes,
    activity_name AS activity,
    app_id,
    environment_id,
    Id AS event_id
FROM changes AS c
LEFT JOIN totals AS t ON c.app_id = t.total_app
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
