-- title: Sharing
-- question: Who shared which items with whom, and which were shared externally or with the whole
--   organization?
-- group: Sharing and security
-- empty: Nothing was shared in this period.
-- alias: shared
-- alias: shares
-- alias: sharing
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- column reach: `external` (the recipient is external), `organization` (a link for the whole
--   organization) or `people` (named people and groups)
-- column item: latest name of the shared item, or its ID if it never had a name
-- column recipient: address of the recipient, or ID of a group; empty for a link without recipients
-- column shared_by: user who shared it
-- column last_shared: time of the last share
-- column shares: number of shares
-- column permissions: permissions of the shares, as the log names them, each listed once
-- column org_shares: shares that were links for the whole organization
-- column scopes: scopes of the shares, as the log names them, each listed once
-- column in_my_workspace: true if the item is in a personal workspace (My workspace)
-- column item_kind: kind of item, for example Report, Dashboard or SemanticModel
-- column first_shared: time of the first share in the period
-- column link_shares: shares that were links and not direct access
-- column workspace: latest name of the workspace
-- column item_id: ID of the item, one row per ID, recipient, sharer and workspace
-- column workspace_id: ID of the workspace of the item
-- rule: A share is ShareReport, ShareDashboard, ShareDataset, ShareArtifact, or one of the older
--   names ShareDatamart, ShareWarehouse and ShareLakehouseTable. Failed ones are not counted.
--   Service principals are included, because scripts can share too.
-- rule: There is one row per item, recipient and sharer. A share with three recipients is in three
--   rows. The reach is the widest of all shares in the row.
-- rule: External shares come first, then shares with the whole organization, then the rest; within
--   each, the latest first.
-- rule: A recipient is external if the user name contains #EXT# or starts with live.com#, or if the
--   domain is not internal. The internal domains are printed below the report. Guests are shown by
--   their own address.
-- source: Microsoft Learn, Tenant-level auditing; Operation list
-- limit: The log shows that access was offered, not that it was used or still exists. Removing
--   access writes no sharing event. Members of a group are not listed. Access through workspace
--   roles is in access-changes, access through apps in app-usage.
WITH shared AS (
    SELECT
        Id AS share_id,
        COALESCE(item_id, item_name, '(unknown)') AS item_key,
        item_id,
        item_name,
        item_kind,
        user_id,
        NULLIF(SharingScope, '') AS scope,
        SharingAction AS action,
        is_personal_workspace,
        workspace_id,
        workspace_name,
        CreationTime AS shared_at,
        epoch_us
    FROM events
    WHERE activity_name IN (
            'ShareReport', 'ShareDashboard', 'ShareDataset', 'ShareArtifact',
            'ShareDatamart', 'ShareWarehouse', 'ShareLakehouseTable'
        )
),
received AS (
    SELECT event_id, recipient, is_external, detail FROM recipients WHERE kind = 'share'
),
rated AS (
    SELECT
        *,
        CASE WHEN COALESCE(is_external, FALSE) THEN 1 ELSE 0 END AS is_external_share,
        CASE WHEN COALESCE(LOWER(scope) LIKE '%organi%', FALSE) THEN 1 ELSE 0 END
            AS is_organization_share
    FROM shared AS s
    LEFT JOIN received AS r ON s.share_id = r.event_id
),
totals AS (
    SELECT
        item_key,
        recipient,
        user_id,
        workspace_id,
        -- The name from the latest event. With this offset, every time from the year 2000 to 2099
        -- has 16 digits.
        SUBSTR(MAX(CAST(epoch_us + 1000000000000000 AS STRING) || item_name), 17) AS item_name,
        MAX(item_id) AS item_id,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace_name,
        MAX(is_personal_workspace) AS in_my_workspace,
        MAX(is_external_share) AS is_external_share,
        COUNT(DISTINCT share_id) AS shares,
        COUNT(DISTINCT CASE WHEN LOWER(action) LIKE '%link%' THEN share_id END) AS link_shares,
        COUNT(DISTINCT CASE WHEN is_organization_share = 1 THEN share_id END) AS org_shares,
        STRING_AGG(DISTINCT detail, ', ' ORDER BY detail) AS permissions,
        STRING_AGG(DISTINCT scope, ', ' ORDER BY scope) AS scopes,
        MIN(shared_at) AS first_shared,
        MAX(shared_at) AS last_shared
    FROM rated
    GROUP BY item_key, recipient, user_id, workspace_id
),
reached AS (
    SELECT
        *,
        CASE
            WHEN is_external_share = 1 THEN 'external'
            WHEN org_shares > 0 THEN 'organization'
            ELSE 'people'
        END AS reach
    FROM totals
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names)
SELECT
    reach,
    COALESCE(known_name, item_name, item_key) AS item,
    recipient,
    user_id AS shared_by,
    last_shared,
    shares,
    permissions,
    org_shares,
    scopes,
    in_my_workspace,
    item_kind,
    first_shared,
    link_shares,
    COALESCE(workspace_name, workspace_id) AS workspace,
    item_id,
    workspace_id
FROM reached AS t
LEFT JOIN known_items AS n ON t.item_id = n.known_item
ORDER BY
    CASE reach WHEN 'external' THEN 1 WHEN 'organization' THEN 2 ELSE 3 END NULLS LAST,
    last_shared DESC NULLS LAST,
    item_key NULLS LAST,
    recipient NULLS FIRST,
    user_id NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
