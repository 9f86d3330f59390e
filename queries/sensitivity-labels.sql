-- title: Sensitivity labels
-- question: On which items were sensitivity labels applied, changed or removed, by whom, and which
--   were lowered?
-- actors: all
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- column item: latest name of the item; its id where it never had one
-- column last_action: what was done last: `applied`, `changed` or `removed`
-- column last_change: when
-- column lowered: changes to a lower label, and removals
-- column last_user: who did it last
-- column applied: how often a label was applied
-- column changed: how often it was changed
-- column removed: how often it was removed
-- column label_id: the label after the last change, by its id; empty after a removal
-- column old_label_id: the label before the last change
-- column by_hand: changes that the log says were made by hand
-- column item_kind: Report, SemanticModel, Lakehouse, …
-- column workspace: latest name of the workspace
-- column item_id: the id that the rows are grouped by
-- column workspace_id: its workspace at the last change
-- rule: Counted are SensitivityLabelApplied, SensitivityLabelChanged and SensitivityLabelRemoved;
--   failed ones are left out. Services are included.
-- rule: Lowered is what the log marks as a downgrade (LabelEventType 2 or LabelDowngraded), and
--   each removal. By hand is ActionSource 3 or Manual.
-- rule: Items whose label was lowered come first, then the latest change.
-- source: Microsoft Learn, Audit schema for sensitivity labels in Power BI
-- limit: The log gives the ids of labels; their names are in Microsoft Purview. An item that kept
--   its label through the period does not show, nor does one that never had any.
WITH changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        -- An event of which only the workspace is known by its id is told apart by its ItemName.
        COALESCE(
            CASE
                WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '')
                ELSE COALESCE(item_id, item_name)
            END,
            '(unknown)'
        ) AS item_key,
        CASE WHEN item_kind = 'Workspace' THEN NULLIF(ItemName, '') ELSE item_name END AS item_name,
        CASE
            WHEN item_kind NOT IN ('Artifact', 'Workspace') THEN item_kind
            WHEN ArtifactType = '1' THEN 'Dashboard'
            WHEN ArtifactType = '2' THEN 'Report'
            WHEN ArtifactType = '3' THEN 'SemanticModel'
            WHEN ArtifactType = '7' THEN 'Dataflow'
            ELSE ArtifactType
        END AS item_kind,
        activity_name,
        user_id,
        workspace_id,
        workspace_name,
        COALESCE(SensitivityLabelId, SensitivityLabelEventData.SensitivityLabelId) AS label_id,
        COALESCE(OldSensitivityLabelId, SensitivityLabelEventData.OldSensitivityLabelId)
            AS old_label_id,
        LOWER(COALESCE(LabelEventType, SensitivityLabelEventData.LabelEventType, ''))
            AS label_event,
        LOWER(COALESCE(ActionSource, SensitivityLabelEventData.ActionSource, '')) AS action_source
    FROM events
    WHERE activity_name IN (
            'SensitivityLabelApplied', 'SensitivityLabelChanged', 'SensitivityLabelRemoved'
        )
        AND NOT is_failed
),
placed AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY item_key ORDER BY changed_at DESC, Id DESC) AS place
    FROM changes
),
totals AS (
    SELECT
        item_key AS total_item,
        COUNT(*) FILTER (
            WHERE label_event IN ('2', 'labeldowngraded')
                OR activity_name = 'SensitivityLabelRemoved'
        ) AS lowered,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelApplied') AS applied,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelChanged') AS changed,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelRemoved') AS removed,
        COUNT(*) FILTER (WHERE action_source IN ('3', 'manual')) AS by_hand
    FROM changes
    GROUP BY item_key
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
    COALESCE(known_name, item_name, item_key) AS item,
    CASE activity_name
        WHEN 'SensitivityLabelApplied' THEN 'applied'
        WHEN 'SensitivityLabelChanged' THEN 'changed'
        ELSE 'removed'
    END AS last_action,
    changed_at AS last_change,
    lowered,
    user_id AS last_user,
    applied,
    changed,
    removed,
    CASE WHEN activity_name <> 'SensitivityLabelRemoved' THEN label_id END AS label_id,
    old_label_id,
    by_hand,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    NULLIF(item_key, '(unknown)') AS item_id,
    workspace_id
FROM placed AS p
LEFT JOIN totals AS t ON p.item_key = t.total_item
LEFT JOIN known_items AS n ON p.item_key = n.known_item
WHERE place = 1
ORDER BY lowered DESC NULLS LAST, changed_at DESC NULLS LAST, item_key NULLS LAST
LIMIT :top
