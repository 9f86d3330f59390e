-- title: Guests
-- question: Which people from outside use Power BI here, what do they open and export, and what do
--   they change?
-- actors: people
-- chart: bars views
-- param top: limit = 25, how many rows; files get all of them unless told otherwise
-- param home: domains = auto, domains of the organisation, separated by commas
-- column guest: the guest, as the log names them
-- column domain: where they come from
-- column views: how often they opened a report
-- column exports: how often they exported or printed something
-- column changes: how often they authored or shared something, gave access or changed a setting
-- column last_seen: their last activity in the period
-- column items: different reports, dashboards and other items that they opened or exported
-- column workspaces: different workspaces that these are in
-- column active_days: days with any activity
-- column other_views: dashboards, tiles and other items that they opened
-- column events: all activities
-- column first_seen: their first activity in the whole archive
-- column domain_guests: guests of that domain in the period
-- rule: A guest has #EXT# in the name, or is marked as guest by the log (UserType 10), or has a
--   domain that is not at home. The domain of name_domain#EXT#@tenant is that in the name.
-- rule: Exports are activities of the group EXPORT; changes are those of AUTHOR, SHARE, ACCESS and
--   ADMIN, but for installing an app and the running of a subscription. Failed ones count as
--   activities and active days, not as exports or changes.
-- source: Microsoft Learn, Distribute Power BI content to external guest users with Microsoft Entra
--   B2B
-- limit: The anonymous are no guests; they are in publish-to-web. A guest that never came back
--   shows only in the period in which they came: first_seen reaches no further than the archive.
WITH visits AS (
    SELECT
        user_id,
        user_domain,
        operation_group,
        activity_name,
        COALESCE(item_id, item_name) AS item_key,
        workspace_id,
        local_date,
        is_failed,
        CreationTime AS seen_at
    FROM events
    WHERE actor_kind = 'guest'
),
guests AS (
    SELECT
        user_id AS guest,
        MAX(user_domain) AS domain,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(*) FILTER (WHERE operation_group = 'EXPORT' AND NOT is_failed) AS exports,
        COUNT(*) FILTER (
            WHERE operation_group IN ('AUTHOR', 'SHARE', 'ACCESS', 'ADMIN')
                AND activity_name NOT IN ('InstallApp', 'RunEmailSubscription')
                AND NOT is_failed
        ) AS changes,
        MAX(seen_at) AS last_seen,
        COUNT(DISTINCT CASE WHEN operation_group IN ('VIEW', 'EXPORT') THEN item_key END) AS items,
        COUNT(DISTINCT CASE WHEN operation_group IN ('VIEW', 'EXPORT') THEN workspace_id END)
            AS workspaces,
        COUNT(DISTINCT local_date) AS active_days,
        COUNT(*) FILTER (
            WHERE operation_group = 'VIEW' AND activity_name <> 'ViewReport'
        ) AS other_views,
        COUNT(*) AS events
    FROM visits
    GROUP BY user_id
),
first_days AS (
    SELECT user_id AS first_user, MIN(CreationTime) AS first_seen
    FROM history
    WHERE actor_kind = 'guest'
    GROUP BY user_id
),
domains AS (
    SELECT domain AS guest_domain, COUNT(*) AS domain_guests FROM guests GROUP BY domain
)
SELECT
    guest,
    domain,
    views,
    exports,
    changes,
    last_seen,
    items,
    workspaces,
    active_days,
    other_views,
    events,
    first_seen,
    domain_guests
FROM guests AS g
LEFT JOIN first_days AS f ON g.guest = f.first_user
LEFT JOIN domains AS d ON g.domain = d.guest_domain
ORDER BY
    views DESC NULLS LAST,
    exports DESC NULLS LAST,
    last_seen DESC NULLS LAST,
    guest NULLS LAST
LIMIT :top
