-- title: Power Apps changes
-- question: Who created, changed, published, shared or deleted which Power App, and when?
-- group: Power Platform
-- empty: No Power App was changed in this period.
-- log: power-platform
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column time: time of the change
-- column change: description of the change
-- column app: name of the app at that time, or its ID if the log has no name
-- column user: user who made the change
-- column recipient: person or group with whom the app was shared, if the log names one
-- column role: permission that the recipient got, as the log names it
-- column environment: name of the environment at that time, or its ID if the log has no name
-- column change_type: `created`, `edited`, `published`, `permission`, `featured`, `deleted`,
--   `admin` or `other`
-- column failed: true if the change failed
-- column app_changes: changes of this app in the period, without failed ones
-- column activity: name of the activity
-- column app_id: ID of the app
-- column environment_id: ID of the environment
-- column event_id: ID of the event
-- rule: Counted are the activities that the catalog assigns to Power Apps, and activities that are
--   not in the catalog but name an app. Launches are in power-apps-usage.
-- rule: change_type comes from the name of the activity. `admin` is a change of another user's app
--   by an administrator (Admin…). `featured` is Featured and Hero.
-- rule: The recipient is principal.name or targetuser.id in the properties of the event. The role is
--   role.name or permission_type.
-- rule: The latest changes come first. Service principals are included.
-- source: Microsoft Learn, Audit log activities
-- limit: Not every event names the person with whom an app was shared. Each save of an app writes
--   an event.
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
        NULLIF(LOWER(PowerAppRecipient), '') AS recipient,
        NULLIF(PowerAppRole, '') AS role,
        is_failed
    FROM events AS e
    LEFT JOIN known AS k ON e.activity_name = k.known_operation
    WHERE activity_name <> 'LaunchPowerApp'
        AND (operation_item = 'PowerApp' OR (known_operation IS NULL AND PowerAppId IS NOT NULL))
),
totals AS (
    SELECT app_id AS total_app, COUNT(*) FILTER (WHERE NOT is_failed) AS app_changes
    FROM changes
    GROUP BY app_id
)
SELECT
    changed_at AS time,
    activity_label AS change,
    app,
    user_id AS user,
    recipient,
    role,
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
    END AS change_type,
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
