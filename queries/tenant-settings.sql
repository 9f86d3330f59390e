-- title: Tenant settings
-- question: What is the state of each tenant setting, since when, and what was it before?
-- group: Administration
-- empty: No tenant setting has this state.
-- param changed: bool = false, true to list only settings that changed between two snapshots
-- param state: choice(all|enabled|disabled|gone) = all, state of the listed settings
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column setting: title, else the name
-- column state: `enabled`, `disabled`, or `gone` if the newest snapshot lacks it
-- column enabled_for: security groups that it is enabled for; empty for the whole organization
-- column excluded_for: security groups that it is not enabled for
-- column properties: further values, as `name=value`
-- column since: time of the first snapshot with this state
-- column previous_state: state before
-- column previous_details: groups and values before
-- column changes: number of changes in all snapshots
-- column last_seen: time of the last snapshot with this state
-- column area: group of the setting in the admin portal
-- column setting_name: name of the setting in the API
-- rule: A setting changed if its state, groups or values differ between two snapshots. What was changed
--   and changed back between them is not seen; `tenant-setting-changes` lists the changes in the log.
-- rule: The latest changes come first.
-- limit: Settings that a capacity, domain or workspace overrides are not in this list.
WITH spans AS (
    SELECT
        s.*,
        ROW_NUMBER() OVER (
            PARTITION BY s.setting_name ORDER BY s.valid_from DESC
        ) AS nth,
        COUNT(*) OVER (PARTITION BY s.setting_name) AS states
    FROM tenant_settings AS s
),
before AS (
    SELECT
        setting_name AS earlier_name,
        setting_state AS earlier_state,
        CONCAT(
            COALESCE(enabled_groups, ''),
            CASE WHEN excluded_groups IS NULL THEN '' ELSE CONCAT(' except ', excluded_groups) END,
            CASE WHEN properties IS NULL THEN '' ELSE CONCAT(' ', properties) END
        ) AS earlier_details
    FROM spans
    WHERE nth = 2
),
present AS (
    SELECT
        s.*,
        b.earlier_state,
        b.earlier_details,
        CASE WHEN s.valid_until IS NULL THEN s.setting_state ELSE 'gone' END AS present_state
    FROM spans AS s
    LEFT JOIN before AS b ON s.setting_name = b.earlier_name
    WHERE s.nth = 1
)
SELECT
    COALESCE(setting_title, setting_name) AS setting,
    present_state AS state,
    enabled_groups AS enabled_for,
    excluded_groups AS excluded_for,
    properties,
    valid_from AS since,
    CASE WHEN valid_until IS NULL THEN earlier_state ELSE setting_state END AS previous_state,
    NULLIF(TRIM(earlier_details), '') AS previous_details,
    states - CASE WHEN valid_until IS NULL THEN 1 ELSE 0 END AS changes,
    last_seen,
    setting_group AS area,
    setting_name
FROM present
WHERE (NOT :changed OR states > 1 OR valid_until IS NOT NULL)
    AND (:state = 'all' OR present_state = :state)
ORDER BY since DESC NULLS LAST, setting NULLS LAST, setting_name NULLS LAST
LIMIT :top
