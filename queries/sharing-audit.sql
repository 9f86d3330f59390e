-- title: Sharing
-- question: Who shared which item with whom, and which of it goes outside or to the whole
--   organisation?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param home: domains = auto, domains of the organisation, separated by commas
-- column reach: how far it goes: `outside` (the recipient is external), `organisation` (a link for
--   everybody at home) or `people` (named people and groups)
-- column item: latest name of what was shared; its id where it never had one
-- column recipient: address of who got it, or the id of a group; empty for a link to nobody in
--   particular
-- column shared_by: who shared it
-- column last_shared: when last
-- column shares: how often
-- column permissions: the permissions that came with it, as the log names them, each once
-- column org_shares: how many of these shares were links for the whole organisation
-- column scopes: whom it works for, in the log's words, each once
-- column from_personal: whether it lies in somebody's personal workspace
-- column item_kind: Report, Dashboard, SemanticModel, …
-- column first_shared: when first, within the period
-- column links: how many of these shares were links rather than direct grants
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by
-- column workspace_id: the workspace of the item
-- rule: A share is ShareReport, ShareDashboard, ShareDataset, ShareArtifact, and the older names
--   ShareDatamart, ShareWarehouse and ShareLakehouseTable. Failed ones are not counted. Services
--   are included: sharing by a script is sharing.
-- rule: One row for each item, recipient and sharer. A share with three recipients is in three
--   rows. The reach is the farthest of all its shares.
-- rule: Outside comes first, then the whole organisation, then the rest; within each the latest
--   first.
-- rule: A recipient is external by a guest's name (#EXT#), or by a domain that is not at home.
-- source: Microsoft Learn, Tenant-level auditing; Operation list
-- limit: The log tells that access was offered, not that it was used or is still there: removing it
--   writes no event of this kind. Members of a group are not told. Access by workspace role or app
--   is in access-changes and app-usage.
WITH shared AS (
    SELECT
        Id AS share_id,
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
        user_id,
        NULLIF(SharingScope, '') AS scope,
        SharingAction AS action,
        is_personal_workspace,
        workspace_id,
        workspace_name,
        CreationTime AS shared_at,
        time_us
    FROM events
    WHERE activity_name IN (
            'ShareReport', 'ShareDashboard', 'ShareDataset', 'ShareArtifact',
            'ShareDatamart', 'ShareWarehouse', 'ShareLakehouseTable'
        )
        AND NOT is_failed
),
received AS (
    SELECT event_id, recipient, is_external, detail FROM recipients WHERE kind = 'share'
),
rated AS (
    SELECT
        *,
        CASE WHEN COALESCE(is_external, FALSE) THEN 1 ELSE 0 END AS is_outside,
        CASE WHEN COALESCE(LOWER(scope) LIKE '%organi%', FALSE) THEN 1 ELSE 0 END
            AS is_organisation
    FROM shared AS s
    LEFT JOIN received AS r ON s.share_id = r.event_id
),
totals AS (
    SELECT
        item_key,
        recipient,
        user_id,
        workspace_id,
        -- The name of the latest event: an instant of our time has 16 digits.
        SUBSTR(MAX(CAST(time_us AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        MAX(workspace_name) AS workspace_name,
        MAX(is_personal_workspace) AS from_personal,
        MAX(is_outside) AS is_outside,
        COUNT(DISTINCT share_id) AS shares,
        COUNT(DISTINCT CASE WHEN LOWER(action) LIKE '%link%' THEN share_id END) AS links,
        COUNT(DISTINCT CASE WHEN is_organisation = 1 THEN share_id END) AS org_shares,
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
            WHEN is_outside = 1 THEN 'outside'
            WHEN org_shares > 0 THEN 'organisation'
            ELSE 'people'
        END AS reach
    FROM totals
),
-- Latest names by id, whatever the kind; an id in two views must not double a row.
known_items AS (
    SELECT known_item, MAX(known_name) AS known_name
    FROM (
        SELECT report_id AS known_item, report_name AS known_name FROM reports
        UNION ALL
        SELECT dashboard_id AS known_item, dashboard_name AS known_name FROM dashboards
        UNION ALL
        SELECT semantic_model_id AS known_item, semantic_model_name AS known_name
        FROM semantic_models
        UNION ALL
        SELECT dataflow_id AS known_item, dataflow_name AS known_name FROM dataflows
    ) AS k
    GROUP BY known_item
)
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
    from_personal,
    item_kind,
    first_shared,
    links,
    COALESCE(workspace_name, workspace_id) AS workspace,
    NULLIF(item_key, '(unknown)') AS item_id,
    workspace_id
FROM reached AS t
LEFT JOIN known_items AS n ON t.item_key = n.known_item
ORDER BY
    CASE reach WHEN 'outside' THEN 1 WHEN 'organisation' THEN 2 ELSE 3 END NULLS LAST,
    last_shared DESC NULLS LAST,
    item_key NULLS LAST,
    recipient NULLS FIRST,
    user_id NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
