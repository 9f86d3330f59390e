-- title: Email subscriptions
-- question: Which reports and dashboards are delivered by email, for which owner, how often, and to
--   how many people?
-- group: Usage
-- empty: No subscription was created, changed or delivered in this period.
-- alias: email
-- alias: email-subscriptions
-- alias: emails
-- actors: all
-- chart: bars deliveries
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- total: deliveries, created, changed, deleted, takeovers, failed
-- column item: latest name of the delivered item, or its ID if it never had a name
-- column owner: owner of the subscription, as far as the log shows
-- column deliveries: number of deliveries, each to all recipients
-- column recipients: distinct recipients in all events of the period
-- column external_recipients: number of these who are external
-- column last_delivery: time of the last delivery
-- column created: subscriptions created
-- column changed: subscriptions changed
-- column deleted: subscriptions deleted
-- column takeovers: subscriptions taken over from another user
-- column failed: attempts that failed, which are in no other column
-- column full_report: deliveries and changes with the full report attached
-- column item_kind: Report or Dashboard
-- column workspace: latest name of the workspace
-- column item_id: ID of the item, one row per ID, owner and workspace
-- column workspace_id: ID of the workspace
-- rule: Counted are CreateEmailSubscription, UpdateEmailSubscription, DeleteEmailSubscription,
--   TakeOverEmailSubscription and RunEmailSubscription. The owner is the user of the event, a
--   person or a service principal.
-- rule: Recipients are counted, not named: SubscribeeInformation and ExternalSubscribeeInformation.
--   A group is one recipient.
-- rule: The internal domains are printed below the report.
-- source: Microsoft Learn, Email subscriptions for reports and dashboards in the Power BI service;
--   Operation list
-- limit: A subscription that was neither changed nor delivered in the period does not appear. The
--   log has no list of existing subscriptions; the admin API has one.
WITH subscription_events AS (
    SELECT
        Id AS subscription_event_id,
        COALESCE(item_id, item_name, '(unknown)') AS item_key,
        item_id,
        item_name,
        item_kind,
        COALESCE(user_id, '(unknown)') AS owner,
        COALESCE(workspace_id, '') AS workspace_key,
        workspace_id,
        workspace_name,
        CASE WHEN is_failed THEN 'failed' ELSE activity_name END AS change,
        HasFullReportAttachment AS has_report,
        CreationTime AS happened_at,
        epoch_us
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
        COUNT(DISTINCT recipient) AS recipients_counted,
        COUNT(DISTINCT CASE WHEN is_external THEN recipient END) AS external_counted
    FROM subscription_events AS m
    JOIN received AS r ON m.subscription_event_id = r.event_id
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
        -- The name from the latest event. With this offset, every time from the year 2000 to 2099
        -- has 16 digits.
        SUBSTR(MAX(CAST(epoch_us + 1000000000000000 AS STRING) || item_name), 17) AS item_name,
        MAX(item_id) AS item_id,
        MAX(item_kind) AS item_kind,
        COUNT(*) FILTER (WHERE change = 'RunEmailSubscription') AS deliveries,
        COUNT(*) FILTER (WHERE change = 'CreateEmailSubscription') AS created,
        COUNT(*) FILTER (WHERE change = 'UpdateEmailSubscription') AS changed,
        COUNT(*) FILTER (WHERE change = 'DeleteEmailSubscription') AS deleted,
        COUNT(*) FILTER (WHERE change = 'TakeOverEmailSubscription') AS takeovers,
        COUNT(*) FILTER (WHERE change = 'failed') AS failed,
        COUNT(*) FILTER (WHERE change <> 'failed' AND COALESCE(has_report, FALSE)) AS full_report,
        MAX(CASE WHEN change = 'RunEmailSubscription' THEN happened_at END) AS last_delivery
    FROM subscription_events
    GROUP BY item_key, owner, workspace_key
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names)
SELECT
    COALESCE(known_name, item_name, item_key) AS item,
    owner,
    deliveries,
    COALESCE(recipients_counted, 0) AS recipients,
    COALESCE(external_counted, 0) AS external_recipients,
    last_delivery,
    created,
    changed,
    deleted,
    takeovers,
    failed,
    full_report,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    item_id,
    workspace_id
FROM totals AS t
LEFT JOIN known_items AS n ON t.item_id = n.known_item
LEFT JOIN reached AS r
    ON t.item_key = r.reached_item
    AND t.owner = r.reached_owner
    AND t.workspace_key = r.reached_workspace
ORDER BY
    deliveries DESC NULLS LAST,
    recipients DESC NULLS LAST,
    item_key NULLS LAST,
    owner NULLS LAST,
    workspace_key NULLS LAST
LIMIT :top
