-- title: License summary
-- question: How many licenses of each product are bought, assigned, in use and reclaimable?
-- group: Content lifecycle
-- empty: No list contains a product with Power BI.
-- actors: all
-- param days: int = 90, length of the window that ends with the last day of the period
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column product: product
-- column license: `pro`, `ppu`, `free`, `capacity` or `unknown`
-- column bundle: true if the product is bought for other reasons
-- column bought: bought licenses in the latest list of subscribed products
-- column assigned: assigned licenses in that list, else people with the product in the latest list
-- column people: people with the product in the latest list of people
-- column in_use: licenses of people who were active in the window
-- column idle: licenses of people who were active only before the window, or never
-- column disabled: licenses of disabled or deleted accounts
-- column doubled: licenses of people with a higher license, or the same one a second time
-- column not_known: licenses for which the log or the age of the account decides nothing
-- column reclaimable: idle, disabled and doubled licenses
-- column covered_days: covered days of the window
-- rule: The classes of a license are those of license-usage. Each license has one class.
-- rule: A person with a plan that is switched off has no license.
-- limit: Licenses in a bundle can be taken back, but this saves nothing.
-- limit: Without a list of subscribed products, it is not known how many licenses are bought.
WITH addresses AS (
    SELECT address, user_id AS owner FROM person_addresses
),
activity AS (
    SELECT
        a.owner,
        COUNT(*) FILTER (WHERE e.local_epoch_day > p.last_epoch_day - :days) AS uses
    FROM history AS e
    CROSS JOIN period AS p
    INNER JOIN addresses AS a ON e.user_id = a.address
    WHERE e.local_epoch_day <= p.last_epoch_day AND e.is_presence
    GROUP BY a.owner
),
covered AS (
    SELECT
        MAX(window_end_epoch_day) AS end_day,
        COALESCE(MAX(window_covered_days), 0) AS covered_days
    FROM coverage_windows
    WHERE window_days <= :days
),
held AS (
    SELECT
        user_id AS holder,
        license AS held_license,
        product AS held_product,
        CASE WHEN license_source = 'bundle' THEN 0 ELSE 1 END AS bundle_order,
        COALESCE(assigned_by_group, '') AS group_order,
        CASE WHEN license = 'ppu' THEN 0 WHEN license = 'pro' THEN 1 ELSE 2 END AS license_order
    FROM licenses
    WHERE license <> 'none'
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY holder
            ORDER BY license_order, bundle_order, held_product, group_order
        ) AS nth
    FROM held
),
holders AS (
    SELECT user_id AS person, account_status, created_epoch_day AS account_day FROM people
),
judged AS (
    SELECT
        r.held_product,
        r.held_license,
        r.bundle_order,
        CASE
            WHEN h.account_status IN ('disabled', 'deleted') THEN 'disabled'
            WHEN r.license_order < 2 AND r.nth > 1 THEN 'doubled'
            WHEN COALESCE(a.uses, 0) > 0 THEN 'in-use'
            WHEN h.account_day > c.end_day - :days THEN 'unknown'
            WHEN c.covered_days < :days THEN 'unknown'
            ELSE 'idle'
        END AS license_class
    FROM ranked AS r
    CROSS JOIN covered AS c
    LEFT JOIN holders AS h ON r.holder = h.person
    LEFT JOIN activity AS a ON r.holder = a.owner
),
counted AS (
    SELECT
        held_product,
        MIN(held_license) AS held_license,
        MIN(bundle_order) AS bundle_order,
        COUNT(*) AS people_count,
        SUM(CASE WHEN license_class = 'in-use' THEN 1 ELSE 0 END) AS used_count,
        SUM(CASE WHEN license_class = 'idle' THEN 1 ELSE 0 END) AS idle_count,
        SUM(CASE WHEN license_class = 'disabled' THEN 1 ELSE 0 END) AS disabled_count,
        SUM(CASE WHEN license_class = 'doubled' THEN 1 ELSE 0 END) AS doubled_count,
        SUM(CASE WHEN license_class = 'unknown' THEN 1 ELSE 0 END) AS unknown_count
    FROM judged
    GROUP BY held_product
),
bought_products AS (
    SELECT
        product AS bought_product,
        MIN(license) AS bought_license,
        MAX(CASE WHEN is_bundle THEN 1 ELSE 0 END) AS bought_bundle,
        SUM(bought) AS bought_count,
        SUM(assigned) AS assigned_count
    FROM license_products
    WHERE license <> 'none'
    GROUP BY product
),
names AS (
    SELECT held_product AS listed FROM counted
    UNION
    SELECT bought_product AS listed FROM bought_products
)
SELECT
    listed AS product,
    COALESCE(bought_license, held_license) AS license,
    COALESCE(bought_bundle, 1 - bundle_order) = 1 AS bundle,
    bought_count AS bought,
    COALESCE(assigned_count, people_count) AS assigned,
    COALESCE(people_count, 0) AS people,
    COALESCE(used_count, 0) AS in_use,
    COALESCE(idle_count, 0) AS idle,
    COALESCE(disabled_count, 0) AS disabled,
    COALESCE(doubled_count, 0) AS doubled,
    COALESCE(unknown_count, 0) AS not_known,
    COALESCE(idle_count + disabled_count + doubled_count, 0) AS reclaimable,
    covered_days
FROM names AS n
CROSS JOIN covered AS c
LEFT JOIN counted AS k ON n.listed = k.held_product
LEFT JOIN bought_products AS b ON n.listed = b.bought_product
ORDER BY reclaimable DESC NULLS LAST, product NULLS LAST
LIMIT :top
