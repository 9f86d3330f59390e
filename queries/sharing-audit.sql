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
-- column shares: how often
-- column last_shared: when last
-- column permission: the permission that came with it, as the log names it
-- column scope: whom the link works for, in the log's words
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
-- rule: One row for each item, recipient, sharer, scope and permission. A share with three
--   recipients is in three rows.
-- rule: Outside comes first, then the whole organisation, then the rest; within each the latest
--   first.
-- rule: A recipient is external by a guest's name (#EXT#), or by a domain that is not at home.
-- source: Microsoft Learn, Tenant-level auditing; Share Power BI reports and dashboards
-- limit: The log tells that access was offered, not that it was used or is still there: removing it
--   writes no event of this kind. Members of a group are not told. Access by workspace role or app
--   is in access-changes and app-usage.
WITH shared AS (
    SELECT
        Id AS share_id,
        COALESCE(item_id, item_name, '(unknown)') AS item_key,
        item_id,
        item_kind,
        COALESCE(
            report_name, dashboard_name, semantic_model_name, item_name, item_id, '(unknown)'
        ) AS item,
        user_id,
        SharingScope AS scope,
        SharingAction AS action,
        is_personal_workspace,
        workspace_id,
        workspace_name,
        CreationTime AS shared_at
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
        CASE
            WHEN COALESCE(is_external, FALSE) THEN 'outside'
            WHEN COALESCE(LOWER(scope) LIKE '%organi%', FALSE) THEN 'organisation'
            ELSE 'people'
        END AS reach
    FROM shared AS s
    LEFT JOIN received AS r ON s.share_id = r.event_id
)
SELECT
    reach,
    MAX(item) AS item,
    recipient,
    user_id AS shared_by,
    COUNT(DISTINCT share_id) AS shares,
    MAX(shared_at) AS last_shared,
    detail AS permission,
    scope,
    MAX(is_personal_workspace) AS from_personal,
    MAX(item_kind) AS item_kind,
    MIN(shared_at) AS first_shared,
    COUNT(DISTINCT CASE WHEN LOWER(action) LIKE '%link%' THEN share_id END) AS links,
    MAX(COALESCE(workspace_name, workspace_id)) AS workspace,
    item_key AS item_id,
    workspace_id
FROM rated
GROUP BY reach, item_key, recipient, user_id, detail, scope, workspace_id
ORDER BY
    CASE reach WHEN 'outside' THEN 1 WHEN 'organisation' THEN 2 ELSE 3 END NULLS LAST,
    last_shared DESC NULLS LAST,
    item_id NULLS LAST,
    recipient NULLS FIRST,
    shared_by NULLS LAST,
    permission NULLS LAST,
    scope NULLS LAST,
    workspace_id NULLS LAST
LIMIT :top
