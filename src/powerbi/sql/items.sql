-- A statement that names is_failed reads failed events too.
WITH named AS (
    SELECT
        CASE WHEN e.activity_name = 'ViewReport'
            THEN COALESCE(e.report_id, NULLIF(e.ReportName, ''))
            ELSE COALESCE(e.item_id, e.item_name) END AS item_key,
        CASE WHEN e.activity_name = 'ViewReport' THEN e.report_id ELSE e.item_id END AS item_id,
        CASE WHEN e.activity_name = 'ViewReport' THEN NULLIF(e.ReportName, '')
            ELSE e.item_name END AS item_name,
        CASE WHEN e.activity_name = 'ViewReport' THEN 'Report' ELSE e.item_kind END AS item_kind,
        CASE WHEN e.is_failed THEN NULL ELSE e.local_date END AS used_on,
        e.epoch_us
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day
),
-- Few rows for each item, so the texts below are not built for each event.
item_spellings AS (
    SELECT
        item_key,
        item_name,
        MAX(item_id) AS item_id,
        MAX(item_kind) AS item_kind,
        MIN(used_on) AS first_used,
        MAX(used_on) AS last_used,
        MAX(epoch_us) AS named_us
    FROM named
    WHERE item_key IS NOT NULL
    GROUP BY item_key, item_name
),
items AS (
    SELECT
        item_key,
        MAX(item_id) AS item_id,
        -- The name from the latest event. With this offset, every time from the year 2000 to 2099
        -- has 16 digits.
        SUBSTR(MAX(CAST(named_us + 1000000000000000 AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        MIN(first_used) AS first_used,
        MAX(last_used) AS last_used
    FROM item_spellings
    GROUP BY item_key
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names),
-- The owners are those of the reports unused-reports and unused-items.
held AS (
    SELECT
        item_id AS held_id,
        MIN(item_name) AS held_name,
        MIN(item_kind) AS held_kind,
        MIN(created_at) AS held_created,
        MIN(CASE WHEN item_kind = 'Report' THEN COALESCE(created_by, modified_by)
            ELSE COALESCE(configured_by, created_by, modified_by) END) AS held_owner
    FROM inventory_items
    WHERE item_id IS NOT NULL
    GROUP BY item_id
),
all_keys AS (SELECT item_key AS any_key FROM items UNION SELECT held_id AS any_key FROM held)
SELECT
    k.any_key AS item_key,
    COALESCE(n.known_name, i.item_name, h.held_name) AS item,
    -- The log has other names of some kinds, for example SynapseNotebook.
    COALESCE(h.held_kind, i.item_kind) AS item_kind,
    COALESCE(i.item_id, h.held_id) AS item_id,
    i.first_used,
    i.last_used,
    h.held_created AS created,
    h.held_owner AS owner,
    CAST(NULL AS VARCHAR) AS use_status
FROM all_keys AS k
LEFT JOIN items AS i ON k.any_key = i.item_key
LEFT JOIN held AS h ON k.any_key = h.held_id
LEFT JOIN known_items AS n ON i.item_id = n.known_item
ORDER BY item_key NULLS LAST
