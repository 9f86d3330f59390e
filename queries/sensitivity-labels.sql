-- title: Sensitivity labels
-- question: On which items were sensitivity labels applied, changed or removed, by whom, and which
--   were downgraded?
-- group: Sharing and security
-- empty: No sensitivity label was applied, changed or removed in this period.
-- alias: labels
-- actors: all
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column item: latest name of the item, or its ID if it never had a name
-- column last_action: last action: `applied`, `changed` or `removed`
-- column last_change: time of the last action
-- column downgraded: changes to a lower label, and removals
-- column last_user: user of the last action
-- column applied: number of times a label was applied
-- column changed: number of times the label was changed
-- column removed: number of times the label was removed
-- column label_id: ID of the label after the last action; empty after a removal
-- column old_label_id: ID of the label before the last action
-- column manual: number of actions that the log marks as manual
-- column item_kind: kind of item, for example Report, SemanticModel or Lakehouse
-- column workspace: latest name of the workspace
-- column item_id: ID of the item, one row each
-- column workspace_id: ID of the workspace at the last action
-- rule: Counted are SensitivityLabelApplied, SensitivityLabelChanged and SensitivityLabelRemoved.
--   Failed ones are not counted. Service principals are included.
-- rule: A downgrade is an event that the log marks as one (LabelEventType 2 or LabelDowngraded),
--   and each removal. An action is manual if ActionSource is 3 or Manual.
-- rule: Items with downgrades come first, then the latest actions.
-- source: Microsoft Learn, Audit schema for sensitivity labels in Power BI
-- limit: The log contains the IDs of labels; their names are in Microsoft Purview. An item that
--   kept its label in the period, or never had one, does not appear.
WITH changes AS (
    SELECT
        Id,
        CreationTime AS changed_at,
        COALESCE(item_id, item_name, '(unknown)') AS item_key,
        item_id,
        item_name,
        CASE
            WHEN item_kind <> 'Artifact' THEN item_kind
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
        ) AS downgraded,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelApplied') AS applied,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelChanged') AS changed,
        COUNT(*) FILTER (WHERE activity_name = 'SensitivityLabelRemoved') AS removed,
        COUNT(*) FILTER (WHERE action_source IN ('3', 'manual')) AS manual
    FROM changes
    GROUP BY item_key
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names)
SELECT
    COALESCE(known_name, item_name, item_key) AS item,
    CASE activity_name
        WHEN 'SensitivityLabelApplied' THEN 'applied'
        WHEN 'SensitivityLabelChanged' THEN 'changed'
        ELSE 'removed'
    END AS last_action,
    changed_at AS last_change,
    downgraded,
    user_id AS last_user,
    applied,
    changed,
    removed,
    CASE WHEN activity_name <> 'SensitivityLabelRemoved' THEN label_id END AS label_id,
    old_label_id,
    manual,
    item_kind,
    COALESCE(workspace_name, workspace_id) AS workspace,
    item_id,
    workspace_id
FROM placed AS p
LEFT JOIN totals AS t ON p.item_key = t.total_item
LEFT JOIN known_items AS n ON p.item_id = n.known_item
WHERE place = 1
ORDER BY downgraded DESC NULLS LAST, changed_at DESC NULLS LAST, item_key NULLS LAST
LIMIT :top
