-- title: Changes of Power Automate flows
-- question: Who created, edited, shared or deleted which flow, with which connectors, and who
--   started trials?
-- log: power-platform
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column time: when
-- column change: what was done, in plain words
-- column flow: name of the flow; its id where the log names none; empty for a trial
-- column user: who did it
-- column recipient: whose permission was changed
-- column permission: `owner` or `run only`; else as the log has it
-- column connectors: connectors that the flow uses
-- column environment: name of the environment at that time; its id where the log names none
-- column failed: whether it failed
-- column flow_changes: changes of this flow in the period
-- column activity: the activity
-- column flow_id: the flow
-- column environment_id: its environment
-- column event_id: the event
-- rule: Counted are the activities that the catalogue gives to flows, the trials of Power Automate
--   (StartAPaidTrial, RenewTrial), and activities that the catalogue does not know but that name a
--   flow. Runs are left out.
-- rule: SharingPermission 3 is owner, 2 is run only.
-- rule: Latest first. Services are included.
-- source: Microsoft Learn, Audit log activities
-- limit: Many events of Power Automate name no flow but by a link or an id. Runs of flows and their
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
    SELECT flow_id AS total_flow, COUNT(*) AS flow_changes FROM changes GROUP BY flow_id
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
