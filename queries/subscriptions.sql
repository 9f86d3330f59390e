-- title: Email subscriptions
-- question: Which reports and dashboards are mailed out, by whose subscription, how often, and to
--   how many people?
-- actors: all
-- chart: bars runs
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param home: domains = auto, domains of the organisation, separated by commas
-- column item: latest name of what is mailed; its id where it never had one
-- column owner: whose subscription it is, as far as the log tells
-- column runs: mails that were sent out, each to all its recipients
-- column recipients: different recipients, in all events of the period
-- column external: how many of these are outside the organisation
-- column last_run: when it was last sent
-- column created: subscriptions created
-- column changed: subscriptions changed
-- column deleted: subscriptions deleted
-- column taken_over: subscriptions taken over from somebody else
-- column failed: attempts of any of these that failed; they are in no other column
-- column full_report: runs and changes by which the whole report was attached
-- column item_kind: Report or Dashboard
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by
-- column workspace_id: its workspace
-- rule: Counted are CreateEmailSubscription, UpdateEmailSubscription, DeleteEmailSubscription,
--   TakeOverEmailSubscription and RunEmailSubscription. The owner is the user of the event, whether
--   it is a person or a service.
-- rule: Recipients are counted, not named: SubscribeeInformation and ExternalSubscribeeInformation.
--   A group is one recipient.
-- source: Microsoft Learn, Email subscriptions for reports and dashboards in the Power BI service;
--   Operation list
-- limit: A subscription that nobody touched and that did not run in the period does not show. The
--   log has no list of those that exist; the admin API has.
WITH mailed AS (
    SELECT
        Id AS mail_id,
        -- An event of which only the workspace is known by its id is told apart by its ItemName.
        COALESCE(
            CASE
                WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '')
                ELSE COALESCE(item_id, item_name)
            END,
            '(unknown)'
        ) AS item_key,
        CASE WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '') ELSE item_name END AS item_name,
        NULLIF(item_kind, 'Workspace') AS item_kind,
        COALESCE(user_id, '(unknown)') AS owner,
        COALESCE(workspace_id, '') AS workspace_key,
        workspace_id,
        workspace_name,
        CASE WHEN is_failed THEN 'failed' ELSE activity_name END AS change,
        HasFullReportAttachment AS has_report,
        CreationTime AS happened_at,
        time_us
    FROM events
    WHERE activity_name IN (
        'CreateEmailSubscription', 'UpdateEmailSubscription', 'DeleteEmailSubscription',
        'TakeOverEmailSubscription', 'RunEmailSubscription'
    )
),
received AS (
    SELECT event_id, recipient, is_external FROM recipients WHERE kind = 'subscription'
),
reached AS (
    SELECT
        item_key AS reached_item,
        owner AS reached_owner,
        workspace_key AS reached_workspace,
        COUNT(DISTINCT recipient) AS recipients_told,
        COUNT(DISTINCT CASE WHEN is_external THEN recipient END) AS external_told
    FROM mailed AS m
    JOIN received AS r ON m.mail_id = r.event_id
    WHERE change <> 'failed'
    GROUP BY item_key, owner, workspace_key
),
totals AS (
    SELECT
        item_key,
        owner,
        workspace_key,
        MAX(workspace_id) AS workspace_id,
        MAX(workspace_name) AS workspace_name,
        -- The name of the latest event: an instant of our time has 16 digits.
        SUBSTR(MAX(CAST(time_us AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        COUNT(*) FILTER (WHERE change = 'RunEmailSubscription') AS runs,
        COUNT(*) FILTER (WHERE change = 'CreateEmailSubscription') AS created,
        COUNT(*) FILTER (WHERE change = 'UpdateEmailSubscription') AS changed,
        COUNT(*) FILTER (WHERE change = 'DeleteEmailSubscription') AS deleted,
        COUNT(*) FILTER (WHERE change = 'TakeOverEmailSubscription') AS taken_over,
        COUNT(*) FILTER (WHERE change = 'failed') AS failed,
        COUNT(*) FILTER (WHERE change <> 'failed' AND COALESCE(has_report, FALSE)) AS full_report,
        MAX(CASE WHEN change = 'RunEmailSubscription' THEN happened_at END) AS last_run
    FROM mailed
    GROUP BY item_key, owner, workspace_key
),
-- Latest names by id, whatever the kind; an id in two views must not double a row.
known_items AS (
    SELECT known_item, MAX(known_name) AS known_name
    FROM (
        SELECT report_id AS known_item, report_name AS known_name FROM reports
        UNION ALL
        SELECT dashboard_id AS known_item, dashboard_name AS known_name FROM dashboards
    ) AS k
    GROUP BY known_item
)
SELECT
    COALESCE(known_name, item_name, item_key) AS item,
    owner,
    runs,
    COALESCE(recipients_told, 0) AS recipients,
    COALESCE(external_told, 0) AS external,
    last_run,
    created,
    changed,
    deleted,
    taken_over,
    failed,
    full_report,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    NULLIF(item_key, '(unknown)') AS item_id,
    workspace_id
FROM totals AS t
LEFT JOIN known_items AS n ON t.item_key = n.known_item
LEFT JOIN reached AS r
    ON t.item_key = r.reached_item
    AND t.owner = r.reached_owner
    AND t.workspace_key = r.reached_workspace
ORDER BY
    runs DESC NULLS LAST,
    recipients DESC NULLS LAST,
    item_key NULLS LAST,
    owner NULLS LAST,
    workspace_key NULLS LAST
LIMIT :top
