-- title: Tenant setting changes
-- question: Who changed which tenant setting, when, and from which state to which?
-- group: Administration
-- empty: No tenant setting was changed in this period.
-- alias: settings
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column time: time of the change
-- column setting: name of the setting in the log
-- column state: state after the change, in the log's words
-- column previous_state: state after the previous change, if the stored log contains one
-- column user: user who made the change
-- column level: level of the setting: Tenant, Capacity, Domain or Workspace
-- column target: capacity, domain or workspace of the setting; empty for the tenant
-- column failed: true if the change failed
-- column activity: name of the activity
-- column details: further details of the change, as written in the log
-- column event_id: ID of the event
-- rule: A change is UpdatedAdminFeatureSwitch, the setting or removal of a delegated setting
--   (…TenantSettingDelegation), EditCertificationPermission, UpdateInPlaceSharingSettings or
--   AllowedInUntrustedContextsViaApi.
-- rule: previous_state is from the last earlier change of the same setting for the same target that
--   did not fail, however old. It is empty if the stored log has no earlier change. It is also
--   empty for failed changes and changes without a setting name.
-- rule: The latest changes come first. Service principals are included.
-- source: Microsoft Learn, Tenant-level auditing; Operation list
-- limit: The event only says that the setting was updated. Its state can be the same before and
--   after, with other security groups. Snapshots of the tenant settings from the admin API show the
--   exact change.
WITH changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        COALESCE(
            NULLIF(ItemName, ''), NULLIF(ObjectDisplayName, ''), NULLIF(ObjectId, ''), '(not named)'
        ) AS setting,
        NULLIF(SwitchState, '') AS state,
        user_id,
        CASE
            WHEN activity_name LIKE '%CapacityTenantSetting%' THEN 'Capacity'
            WHEN activity_name LIKE '%DomainTenantSetting%' THEN 'Domain'
            WHEN activity_name LIKE '%WorkspaceTenantSetting%' THEN 'Workspace'
            ELSE 'Tenant'
        END AS level,
        -- A tenant setting has no target, even if its event names a capacity or workspace.
        CASE
            WHEN activity_name LIKE '%CapacityTenantSetting%' THEN capacity_id
            WHEN activity_name LIKE '%DomainTenantSetting%' THEN NULLIF(DomainId, '')
            WHEN activity_name LIKE '%WorkspaceTenantSetting%' THEN workspace_id
        END AS target_id,
        CASE
            WHEN activity_name LIKE '%CapacityTenantSetting%' THEN capacity_name
            WHEN activity_name LIKE '%WorkspaceTenantSetting%' THEN workspace_name
        END AS target_name,
        is_failed,
        activity_name,
        COALESCE(TenantAdminFeatureSwitchProperties, TenantAdminFeatureSwitches) AS details,
        in_period
    FROM history
    WHERE activity_name IN (
            'UpdatedAdminFeatureSwitch', 'EditCertificationPermission',
            'UpdateInPlaceSharingSettings', 'AllowedInUntrustedContextsViaApi'
        )
        OR activity_name LIKE '%TenantSettingDelegation'
),
-- A failed change does not change the state, so the previous state comes from successful changes.
successful AS (
    SELECT
        Id AS successful_id,
        LAG(state) OVER (
            PARTITION BY level, COALESCE(target_id, ''), setting ORDER BY changed_at, Id
        ) AS previous_state
    FROM changes
    WHERE NOT is_failed AND setting <> '(not named)'
)
SELECT
    changed_at AS time,
    setting,
    state,
    previous_state,
    user_id AS user,
    level,
    COALESCE(target_name, target_id) AS target,
    is_failed AS failed,
    activity_name AS activity,
    details,
    Id AS event_id
FROM changes AS c
LEFT JOIN successful AS s ON c.Id = s.successful_id
WHERE in_period
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
