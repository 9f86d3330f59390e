-- title: External users
-- question: Which external users (guests) use Power BI, and what do they view, export and change?
-- group: Sharing and security
-- empty: No external user was active in this period.
-- alias: b2b
-- alias: external
-- alias: guests
-- actors: people
-- chart: bars views
-- param top: limit = 25, maximum number of rows; files contain all rows by default
-- param internal_domains: domains = auto, domains of your organization, separated by commas; auto
--   finds them in the log
-- compare: views, exports, changes, events by guest, domain
-- total: views, exports, changes, other_views, events
-- column guest: the guest's own address, in lower case
-- column domain: domain of the guest
-- column views: report views
-- column exports: exports, downloads and prints
-- column changes: number of times the guest created or shared content, granted access or changed a
--   setting
-- column last_seen: time of the last activity in the period
-- column items: distinct reports, dashboards and other items viewed or exported
-- column workspaces: distinct workspaces of these items
-- column active_days: days with any activity
-- column other_views: views of dashboards, tiles and other items
-- column events: number of all activities
-- column first_seen: time of the first activity in the stored log
-- column domain_guests: guests of the same domain in the period
-- rule: A guest has #EXT# in the user name, a personal Microsoft account (live.com#), UserType 10
--   (guest) in the log, or a domain that is not internal. The address of name_domain#EXT#@tenant is
--   name@domain.
-- rule: The internal domains are printed below the report. They are the domain after #EXT#@ in
--   the names of guests; domains of at least 5 percent of the users and at least 5 users; the most
--   frequent domain, unless it has one user among others; and contoso.onmicrosoft.com if
--   contoso.com is one of them.
-- rule: Exports are the activities of the group EXPORT. Changes are those of AUTHOR, SHARE, ACCESS
--   and ADMIN, except app installations and subscription deliveries. Failed events are not counted.
-- rule: active_days, last_seen and first_seen need an event that shows presence (`is_presence` of
--   the views): not a scheduled refresh, for example.
-- source: Microsoft Learn, Distribute Power BI content to external guest users with Microsoft Entra
--   B2B
-- limit: Anonymous visitors are not guests (see publish-to-web). A guest appears only in periods
--   with activity, and first_seen cannot be earlier than the stored log.
WITH visits AS (
    SELECT
        user_id,
        user_domain,
        operation_group,
        activity_name,
        COALESCE(item_id, item_name) AS item_key,
        workspace_id,
        local_date,
        is_presence,
        CreationTime AS seen_at
    FROM events
    WHERE actor_kind = 'guest'
),
guests AS (
    SELECT
        user_id AS guest,
        MAX(user_domain) AS domain,
        COUNT(*) FILTER (WHERE activity_name = 'ViewReport') AS views,
        COUNT(*) FILTER (WHERE operation_group = 'EXPORT') AS exports,
        COUNT(*) FILTER (
            WHERE operation_group IN ('AUTHOR', 'SHARE', 'ACCESS', 'ADMIN')
                AND activity_name NOT IN ('InstallApp', 'RunEmailSubscription')
        ) AS changes,
        MAX(CASE WHEN is_presence THEN seen_at END) AS last_seen,
        COUNT(DISTINCT CASE WHEN operation_group IN ('VIEW', 'EXPORT') THEN item_key END) AS items,
        COUNT(DISTINCT CASE WHEN operation_group IN ('VIEW', 'EXPORT') THEN workspace_id END)
            AS workspaces,
        COUNT(DISTINCT CASE WHEN is_presence THEN local_date END) AS active_days,
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
    WHERE actor_kind = 'guest' AND is_presence
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
