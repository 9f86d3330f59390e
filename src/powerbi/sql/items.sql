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
items AS (
    SELECT
        item_key,
        MAX(item_id) AS item_id,
        -- The name from the latest event. With this offset, every time from the year 2000 to 2099
        -- has 16 digits.
        SUBSTR(MAX(CAST(epoch_us + 1000000000000000 AS STRING) || item_name), 17) AS item_name,
        MAX(item_kind) AS item_kind,
        MIN(used_on) AS first_used,
        MAX(used_on) AS last_used
    FROM named
    WHERE item_key IS NOT NULL
    GROUP BY item_key
),
known_items AS (SELECT item_id AS known_item, item_name AS known_name FROM item_names)
SELECT
    i.item_key,
    COALESCE(n.known_name, i.item_name) AS item,
    i.item_kind,
    i.item_id,
    i.first_used,
    i.last_used
FROM items AS i
LEFT JOIN known_items AS n ON i.item_id = n.known_item
ORDER BY item_key NULLS LAST
