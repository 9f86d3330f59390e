-- A statement that names is_failed reads failed events too.
WITH seen AS (
    SELECT
        e.user_id,
        e.user_domain,
        e.actor_kind,
        CASE WHEN e.is_presence AND NOT e.is_failed THEN e.local_date END AS seen_on
    FROM history AS e
    CROSS JOIN period AS p
    WHERE e.user_id IS NOT NULL AND e.local_epoch_day <= p.last_epoch_day
),
active_people AS (
    SELECT
        user_id,
        MAX(user_domain) AS domain,
        MIN(actor_kind) AS user_kind,
        MIN(seen_on) AS first_seen,
        MAX(seen_on) AS last_seen
    FROM seen
    GROUP BY user_id
),
-- A person can have several addresses.
owners AS (SELECT address, user_id AS address_owner FROM person_addresses),
listed AS (
    SELECT
        user_id AS person,
        MIN(CASE WHEN user_type = 'Guest' THEN 'guest' ELSE 'person' END) AS listed_kind,
        MIN(account_status) AS account_status,
        MIN(department) AS department,
        MIN(company) AS company,
        MIN(country) AS country,
        MIN(office) AS office,
        MIN(cost_center) AS cost_center,
        MIN(division) AS division,
        MAX(licenses_time) AS known_licenses
    FROM people
    GROUP BY user_id
),
-- The highest license of a person. license-usage leaves out products without a plan for Power BI.
ranked AS (
    SELECT
        user_id AS holder,
        MIN(CASE license WHEN 'ppu' THEN 1 WHEN 'pro' THEN 2 WHEN 'capacity' THEN 3
            WHEN 'free' THEN 4 ELSE 5 END) AS best
    FROM licenses
    WHERE license <> 'none'
    GROUP BY user_id
),
everyone AS (
    SELECT user_id AS any_user FROM active_people
    UNION SELECT person AS any_user FROM listed
    UNION SELECT holder AS any_user FROM ranked
)
SELECT
    u.any_user AS user_key,
    u.any_user AS user,
    CASE
        WHEN a.user_id IS NOT NULL THEN a.domain
        WHEN u.any_user LIKE '%@%' THEN SPLIT_PART(u.any_user, '@', 2)
    END AS user_domain,
    CASE WHEN a.user_id IS NOT NULL THEN a.user_kind ELSE COALESCE(p.listed_kind, 'person') END
        AS user_kind,
    COALESCE(
        CASE WHEN a.user_id IS NOT NULL THEN a.user_kind ELSE p.listed_kind END = 'guest', FALSE
    ) AS is_external,
    a.first_seen,
    a.last_seen,
    CASE COALESCE(l.best, 0) WHEN 1 THEN 'ppu' WHEN 2 THEN 'pro' WHEN 3 THEN 'capacity'
        WHEN 4 THEN 'free' WHEN 5 THEN 'unknown'
        ELSE CASE WHEN p.known_licenses IS NOT NULL THEN 'none' END END AS license,
    p.account_status,
    p.department,
    p.company,
    p.country,
    p.office,
    p.cost_center,
    p.division
FROM everyone AS u
LEFT JOIN active_people AS a ON u.any_user = a.user_id
LEFT JOIN owners AS o ON u.any_user = o.address
LEFT JOIN listed AS p ON o.address_owner = p.person
LEFT JOIN ranked AS l ON o.address_owner = l.holder
ORDER BY user_key NULLS LAST
