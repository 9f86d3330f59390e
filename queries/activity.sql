-- title: Activity
-- question: Who did what, on which item, when, from where, with which client, and did it succeed?
-- group: Sharing and security
-- alias: trail
-- alias: audit-trail
-- alias: events
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- column time: time of the event
-- column user: user or service principal; a guest has the guest's own address
-- column activity: friendly name of the activity, or its name in the log
-- column item: name of the item in the event, or its ID if the event has no name
-- column workspace: latest name of the workspace, or its ID if it never had a name
-- column outcome: `failed` or `succeeded`; empty if the log does not say
-- column ip: address of the client; empty if the log has none
-- column client: consumption method and browser; empty if both are unknown
-- column os: operating system, from the user agent; empty if it is unknown
-- column actor_kind: `anonymous`, `service`, `guest` or `person`
-- column item_kind: kind of item, for example Report, Workspace or SemanticModel
-- column activity_name: name of the activity in the log
-- column operation_group: group of the activity: VIEW, EXTERNAL, EXPORT, AUTHOR, SHARE, ACCESS,
--   ADMIN or API_READ; empty for other activities
-- column item_id: ID of the item
-- column workspace_id: ID of the workspace
-- column event_id: ID of the event
-- rule: Each row is an event. The latest events come first, and events with the same time are
--   sorted by ID. Failed events and service principals are included. Automated API activity is
--   excluded and counted below the table; use --noise include to list it.
-- rule: The filters --user, --report, --workspace, --activity and others can be combined.
-- rule: An event failed if IsSuccess is false or ResultStatus is Failed or Failure. It succeeded if
--   it has one of these fields and did not fail.
-- source: Microsoft Learn, Operation list; Office 365 Management Activity API schema
-- limit: The log does not record page changes or the use of filters. The address can be that of a
--   proxy, and it is 0.0.0.0 for service principals.
SELECT
    CreationTime AS time,
    user_id AS user,
    activity_label AS activity,
    COALESCE(item_name, item_id) AS item,
    COALESCE(workspace_name, workspace_id) AS workspace,
    CASE
        WHEN is_failed THEN 'failed'
        WHEN IsSuccess IS NOT NULL OR NULLIF(ResultStatus, '') IS NOT NULL THEN 'succeeded'
    END AS outcome,
    ClientIP AS ip,
    COALESCE(consumption_method || ', ' || browser, consumption_method, browser) AS client,
    os,
    actor_kind,
    item_kind,
    activity_name,
    operation_group,
    item_id,
    workspace_id,
    Id AS event_id
FROM events
ORDER BY time DESC NULLS LAST, event_id NULLS LAST
LIMIT :top
