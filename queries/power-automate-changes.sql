-- title: Power Automate flow changes
-- question: Who created, edited, shared or deleted which flow, with which connectors, and who
--   started trials?
-- group: Power Platform
-- alias: flows
-- alias: power-automate
-- log: power-platform
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column time: time of the change
-- column change: description of the change
-- column flow: name of the flow, or its ID if the log has no name; empty for a trial
-- column user: user who made the change
-- column recipient: user whose permission was changed
-- column permission: `owner`, `run only`, or the value in the log
-- column connectors: connectors that the flow uses
-- column environment: name of the environment at that time, or its ID if the log has no name
-- column failed: true if the change failed
-- column flow_changes: changes of this flow in the period, without failed ones
-- column activity: name of the activity
-- column flow_id: ID of the flow
-- column environment_id: ID of the environment
-- column event_id: ID of the event
-- rule: Counted are the activities that the catalog assigns to flows, and the trials of Power
--   Automate (StartAPaidTrial, RenewTrial). Activities that are not in the catalog count if they
--   name a flow. Runs are excluded.
-- rule: SharingPermission 3 is owner, 2 is run only.
-- rule: The latest changes come first. Service principals are included.
-- source: Microsoft Learn, Audit log activities
-- limit: Many events of Power Automate name a flow only by a link or an ID. Runs of flows and their
--   failures are not in this log.
WITH known AS (
    SELECT operation AS known_operation, item_kind AS operation_item FROM operations
),
changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        activity_name,
        activity_label,
        COALESCE(FlowName, FlowId) AS flow,
        FlowId AS flow_id,
        FlowConnectorNames AS connectors,
        LOWER(RecipientUPN) AS recipient,
        SharingPermission AS permission,
        COALESCE(PlatformEnvironmentName, PlatformEnvironmentId) AS environment,
        PlatformEnvironmentId AS environment_id,
        user_id,
        is_failed
    FROM events AS e
    LEFT JOIN known AS k ON e.activity_name = k.known_operation
    WHERE activity_name <> 'FlowRunStarted'
        AND (
            operation_item = 'Flow'
            OR activity_name IN ('StartAPaidTrial', 'RenewTrial')
            OR (known_operation IS NULL AND FlowId IS NOT NULL)
        )
),
totals AS (
    SELECT flow_id AS total_flow, COUNT(*) FILTER (WHERE NOT is_failed) AS flow_changes
    FROM changes
    GROUP BY flow_id
)
SELECT
    changed_at AS time,
    activity_label AS change,
    flow,
    user_id AS user,
    recipient,
    CASE permission WHEN '3' THEN 'owner' WHEN '2' THEN 'run only' ELSE permission END
        AS permission,
    connectors,
    environment,
    is_failed AS failed,
    flow_changes,
    activity_name AS activity,
    flow_id,
    environment_id,
    Id AS event_id
FROM changes AS c
LEFT JOIN totals AS t ON c.flow_id = t.total_flow
ORDER BY changed_at DESC NULLS LAST, Id NULLS LAST
LIMIT :top
