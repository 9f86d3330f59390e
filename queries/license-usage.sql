-- title: License usage
-- question: Which Power BI licenses does nobody use, so that they can be taken back?
-- group: Content lifecycle
-- empty: No license has this class.
-- actors: all
-- param days: int = 90, length of the window that ends with the last day of the period
-- param license: choice(paid|pro|ppu|free|unknown|all) = paid, `paid` for Pro and Premium Per User;
--   `all` also lists products that are not known
-- param class: choice(reclaimable|unknown|all) = all, class of the listed licenses; `reclaimable`
--   for idle, never-seen, disabled and doubled
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- column user: address of the person in the latest list
-- column license: `pro`, `ppu`, `free` or `unknown`
-- column source: `direct`, `group` or `bundle`; empty if no list says how it is assigned
-- column product: product that contains the license
-- column class: `in-use`, `viewer-on-capacity`, `idle`, `never-seen`, `disabled`, `doubled` or
--   `unknown`
-- column last_view: time of the last view by the person, up to the end of the period
-- column last_author: time of the last creation, change or share by the person
-- column last_any: time of the last activity of the person
-- column covered_days: covered days of the window
-- column department: department in the latest list
-- column assigned_by_group: ID of the group that assigns the license
-- column group_name: name of that group in the latest list of groups
-- column created: time of the creation of the account
-- rule: The class is the first that applies. disabled: the account is disabled or deleted. doubled:
--   the person has a higher license, or the same one in a bundle, or the same one a second time.
--   viewer-on-capacity: in the window, the person with a Pro license only viewed content, all of it
--   in workspaces on a capacity that is not known to be small. in-use: the person was active in the window.
-- rule: Without activity in the window, a license is unknown if the log does not cover the window,
--   or if the account was created in it. Otherwise, it is idle if the person was active before, and
--   never-seen if not.
-- rule: A day is covered if it is complete. The last day of the period is also covered if the log
--   contains part of it.
-- rule: Activity is that of all addresses of a person. Scheduled refreshes, deliveries of
--   subscriptions and automated API activity do not count.
-- limit: Viewers need no license only on large capacities (F64, P1 or larger). Without a list of
--   capacities, or for other SKUs than F, P, A, EM and PP, the size is unknown.
-- limit: A plan in a bundle costs nothing, so taking it back saves nothing.
WITH
--by person_values AS (
--by     SELECT address, attribute_value FROM person_attributes WHERE attribute_key = :by
--by ),
addresses AS (
    SELECT address, user_id AS owner FROM person_addresses
),
on_capacity AS (
    SELECT workspace_id AS placed
    FROM inventory_workspaces
    WHERE capacity_id IS NOT NULL AND COALESCE(is_on_large_capacity, TRUE)
    GROUP BY workspace_id
),
used AS (
    SELECT
        e.user_id AS visitor,
        e.workspace_id AS visited,
        MAX(CASE WHEN e.operation_group = 'VIEW' THEN e.CreationTime END) AS last_view,
        MAX(CASE WHEN e.operation_group IN ('AUTHOR', 'SHARE') THEN e.CreationTime END)
            AS last_author,
        MAX(e.CreationTime) AS last_any,
        COUNT(*) FILTER (
            WHERE e.local_epoch_day > p.last_epoch_day - :days AND e.operation_group = 'VIEW'
        ) AS views,
        COUNT(*) FILTER (WHERE e.local_epoch_day > p.last_epoch_day - :days) AS uses
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.local_epoch_day <= p.last_epoch_day AND e.is_presence
    GROUP BY e.user_id, e.workspace_id
),
groups_by_id AS (
    SELECT group_id AS known_group, group_name AS known_group_name FROM inventory_groups
),
activity AS (
    SELECT
        a.owner,
        MAX(u.last_view) AS last_view,
        MAX(u.last_author) AS last_author,
        MAX(u.last_any) AS last_any,
        SUM(u.uses) AS uses,
        SUM(CASE WHEN c.placed IS NULL THEN 0 ELSE u.views END) AS views_on_capacity
    FROM used AS u
    INNER JOIN addresses AS a ON u.visitor = a.address
    LEFT JOIN on_capacity AS c ON u.visited = c.placed
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
        license_source,
        product AS held_product,
        assigned_by_group AS held_group,
        CASE WHEN license = 'ppu' THEN 0 WHEN license = 'pro' THEN 1 ELSE 2 END AS license_order,
        CASE WHEN license_source = 'bundle' THEN 0 ELSE 1 END AS bundle_order,
        COALESCE(assigned_by_group, '') AS group_order
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
    SELECT
        user_id AS person,
        account_status,
        department AS held_department,
        created_at AS account_created,
        created_epoch_day AS account_day
    FROM people
),
judged AS (
    SELECT
        r.*,
        h.held_department,
        h.account_created,
        a.last_view AS judged_view,
        a.last_author AS judged_author,
        a.last_any AS judged_any,
        c.covered_days AS judged_days,
        CASE
            WHEN h.account_status IN ('disabled', 'deleted') THEN 'disabled'
            WHEN r.license_order < 2 AND r.nth > 1 THEN 'doubled'
            WHEN
                r.held_license = 'pro'
                AND COALESCE(a.uses, 0) > 0
                AND a.uses = a.views_on_capacity
                THEN 'viewer-on-capacity'
            WHEN COALESCE(a.uses, 0) > 0 THEN 'in-use'
            WHEN h.account_day > c.end_day - :days THEN 'unknown'
            WHEN c.covered_days < :days THEN 'unknown'
            WHEN a.last_any IS NOT NULL THEN 'idle'
            ELSE 'never-seen'
        END AS license_class
    FROM ranked AS r
    CROSS JOIN covered AS c
    LEFT JOIN holders AS h ON r.holder = h.person
    LEFT JOIN activity AS a ON r.holder = a.owner
)
SELECT
    --by COALESCE(a.attribute_value, '(not mapped)') AS by_attribute,
    holder AS user,
    held_license AS license,
    license_source AS source,
    held_product AS product,
    license_class AS class,
    judged_view AS last_view,
    judged_author AS last_author,
    judged_any AS last_any,
    judged_days AS covered_days,
    held_department AS department,
    held_group AS assigned_by_group,
    known_group_name AS group_name,
    account_created AS created
FROM judged AS j
LEFT JOIN groups_by_id AS g ON j.held_group = g.known_group
--by LEFT JOIN person_values AS a ON j.holder = a.address
WHERE
    (
        :license = 'all'
        OR held_license = :license
        OR (:license = 'paid' AND held_license IN ('pro', 'ppu'))
    )
    AND (
        :class = 'all'
        OR license_class = :class
        OR (
            :class = 'reclaimable'
            AND license_class IN ('idle', 'never-seen', 'disabled', 'doubled')
        )
    )
ORDER BY last_any NULLS FIRST, holder NULLS LAST, product NULLS LAST
LIMIT :top
