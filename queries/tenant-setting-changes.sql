-- title: Changes of tenant settings
-- question: Who changed which tenant setting, when, and from what to what?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column time: when
-- column setting: the setting, by the name that the log gives it
-- column state: its state after the change, in the log's words
-- column state_before: its state after the change before that, if the archive holds one
-- column user: who changed it
-- column level: whose setting it is: Tenant, Capacity, Domain or Workspace
-- column target: the capacity, domain or workspace that it was changed for; empty for the tenant
-- column failed: whether the change failed
-- column activity: the activity
-- column details: what else the log tells of the change, as written
-- column event_id: the event
-- rule: A change is UpdatedAdminFeatureSwitch, or the setting or removal of a delegated setting
--   (…TenantSettingDelegation), or EditCertificationPermission, UpdateInPlaceSharingSettings or
--   AllowedInUntrustedContextsViaApi.
-- rule: The state before is that of the last change of the same setting for the same target that
--   did not fail, however old. A setting that was not changed since the archive began has none, nor
--   has a change that failed or that names no setting.
-- rule: Latest first. Services are included.
-- source: Microsoft Learn, Tenant-level auditing; Operation list
-- limit: The event only says that something about the setting was updated: it can have the same
--   state before and after, with other security groups. What exactly changed is seen by comparing
--   snapshots of the tenant settings, which the admin API gives.
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
        -- A setting of the tenant has no target, whatever else its event names.
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
-- A failed change leaves the state as it was, so that it is looked up apart.
worked AS (
    SELECT
        Id AS worked_id,
        LAG(state) OVER (
            PARTITION BY level, COALESCE(target_id, ''), setting ORDER BY changed_at, Id
        ) AS state_before
    FROM changes
    WHERE NOT is_failed AND setting <> '(not named)'
)
SELECT
    changed_at AS time,
    setting,
    state,
    state_before,
    user_id AS user,
    level,
    COALESCE(target_name, target_id) AS target,
    is_failed AS failed,
    activity_name AS activity,
    details,
    Id AS event_id
FROM changes AS c
LEFT JOIN worked AS w ON c.Id = w.worked_id
WHERE in_period
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
