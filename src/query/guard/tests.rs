//! Tests of refused forms, and of forms that must stay accepted.

use super::*;

fn checked(sql: &str) -> Result<References> {
    check("sql", &parse("sql", sql)?)
}

/// Returns the message of the refusal; the statement must be refused.
fn refused(sql: &str) -> String {
    checked(sql).expect_err(sql).to_string()
}

/// Checks that each statement is refused with a message that contains `advice`.
#[track_caller]
fn assert_refused(cases: &[(&str, &str)]) {
    for (sql, advice) in cases {
        let text = refused(sql);
        assert!(text.contains(advice), "{sql}\n  {text}");
    }
}

#[test]
fn joins_with_engine_specific_results_are_refused_with_advice() {
    assert_refused(&[
        (
            "SELECT a.Id FROM events a \
                LEFT JOIN days d ON a.local_date = d.day AND d.status = 'x'",
            "filter the joined table in a WITH",
        ),
        ("SELECT a.Id FROM events a LEFT JOIN days d ON a.local_date > d.day", "outer join"),
        ("SELECT a.Id FROM events a FULL JOIN days d ON local_date = day", "only a.x = b.x"),
        (
            "SELECT a.Id FROM events a JOIN days d ON a.local_date = d.day AND d.status = 'x'",
            "move the rest to WHERE",
        ),
        (
            "SELECT a.Id FROM events a JOIN days d ON a.local_date = d.day OR a.Id = d.reason",
            "WHERE",
        ),
        ("SELECT a.Id FROM events a JOIN days d ON a.local_date = a.local_date", "a.x = b.x"),
        ("SELECT a.Id FROM events a RIGHT JOIN days d USING (day)", "write ON a.x = b.x"),
        ("SELECT a.Id FROM events a NATURAL JOIN days d", "write ON a.x = b.x"),
        ("SELECT a.Id FROM events a, days d WHERE a.local_date = d.day", "JOIN … ON"),
    ]);
}

#[test]
fn windows_with_engine_specific_results_are_refused_with_advice() {
    assert_refused(&[
        ("SELECT AVG(x) OVER (ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT STDDEV(x) OVER (PARTITION BY g ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT COUNT(DISTINCT x) OVER (ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT SUM(x) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED PRECEDING"),
        ("SELECT COUNT(*) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED"),
        ("SELECT MIN(x) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED"),
        (
            "SELECT SUM(x) OVER (ORDER BY t ROWS 6 PRECEDING) AS a FROM events",
            "this frame is not supported",
        ),
        (
            "SELECT SUM(x) OVER (ORDER BY t ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS a \
            FROM events",
            "this frame is not supported",
        ),
        (
            "SELECT SUM(x) OVER (ORDER BY t RANGE UNBOUNDED PRECEDING) AS a FROM events",
            "this frame is not supported",
        ),
        (
            "SELECT SUM(x) OVER (PARTITION BY g ROWS UNBOUNDED PRECEDING) AS a FROM events",
            "this frame is not supported",
        ),
        ("SELECT LAST_VALUE(x) OVER (ORDER BY t) AS a FROM events", "FIRST_VALUE"),
        ("SELECT ROW_NUMBER() OVER () AS a FROM events", "write OVER (ORDER BY …)"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY t NULLS LAST) AS a FROM events", "OVER ignores"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY a DESC, b) AS a FROM events", "cannot mix"),
        ("SELECT RANK() OVER w AS a FROM events WINDOW w AS (ORDER BY t)", "in each OVER"),
        ("SELECT g, RANK() OVER (ORDER BY COUNT(*)) AS r FROM events GROUP BY g", "WITH first"),
        ("SELECT SUM(COUNT(*)) OVER () AS r FROM events GROUP BY g", "group in a WITH"),
        ("SELECT Id FROM events QUALIFY ROW_NUMBER() OVER (ORDER BY Id) = 1", "in WHERE"),
    ]);
}

#[test]
fn other_forms_with_engine_specific_results_are_refused_with_advice() {
    assert_refused(&[
        // Functions.
        ("SELECT DATE_TRUNC('month', local_time) AS m FROM events", "local_month"),
        ("SELECT CURRENT_DATE AS d", "no current time"),
        ("SELECT CURRENT_TIMESTAMP AS d", "no current time"),
        ("SELECT NOW() AS d", "no current time"),
        ("SELECT RANDOM() AS d", "the same every time"),
        ("SELECT STRING_AGG(UserId, ',') AS s FROM events", "ORDER BY"),
        ("SELECT FIRST(UserId) AS s FROM events", "no order"),
        ("SELECT UNNEST(Datasets) AS d FROM events", "cannot be expanded"),
        ("SELECT d.x FROM events CROSS JOIN UNNEST(Datasets) AS d(x)", "cannot be expanded"),
        // Groups.
        ("SELECT UserId, COUNT(*) AS n FROM events", "UserId is neither in GROUP BY"),
        ("SELECT UserId, LOWER(Id) AS i FROM events GROUP BY UserId", "Id is neither"),
        ("SELECT *, COUNT(*) AS n FROM events", "name the columns"),
        ("SELECT MAX(5) AS m FROM events", "MAX(5) has no column"),
        ("SELECT -9223372036854775808 AS n FROM period", "write it as a fraction"),
        ("SELECT k FROM (VALUES (NULL), (-1), (2.5)) AS v (k)", "write all alike"),
        ("SELECT k FROM (VALUES (TRUE, 1), (3, 2)) AS v (k, i)", "a Boolean and a whole number"),
        ("SELECT DATE '2026-02-29' AS d FROM period", "is not a day"),
        ("SELECT CORR(n, n) OVER (PARTITION BY Id) AS c FROM events", "over all rows"),
        ("SELECT STRFTIME(local_time, '%H %f') AS t FROM events", "with %f"),
        ("SELECT COVAR_POP(n, n) AS c FROM events", "write AVG(a * b)"),
        ("SELECT REPLACE(UserId, '', Id) AS r FROM events", "write the text alone"),
        ("SELECT SUM(n) FILTER (WHERE TRUE) AS m FROM events", "has no column"),
        ("SELECT n, QUANTILE_DISC(n + 1, 0.5) AS m FROM events GROUP BY n", "write MIN"),
        ("SELECT COUNT(DATE '2026-03-01') AS m FROM events", "has no column"),
        ("SELECT SUM(CASE WHEN TRUE THEN 1 END) AS m FROM events", "has no column"),
        ("SELECT LAG(TRUE) OVER (ORDER BY Id) AS p FROM events", "has no column"),
        ("SELECT UserId, COUNT(*) AS n FROM events GROUP BY ALL", "name the columns"),
        ("SELECT UserId FROM events GROUP BY UserId ORDER BY COUNT(*)", "give it a name in SELECT"),
        ("SELECT UserId FROM events ORDER BY ALL", "name the columns"),
        ("SELECT DISTINCT ON (UserId) UserId, Id FROM events ORDER BY UserId", "ROW_NUMBER"),
        // Values.
        ("SELECT Id FROM events WHERE IsSuccess IS NOT TRUE", "COALESCE"),
        ("SELECT Id FROM events WHERE UserId = (SELECT MAX(UserId) FROM events_all)", "in a WITH"),
        ("SELECT (SELECT COUNT(*) FROM events_all) AS n", "in a WITH"),
    ]);
}

#[test]
fn only_views_can_be_read_and_nothing_can_be_written() {
    for sql in [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM read_json('x.json')",
        "SELECT * FROM TABLE(read_csv('x'))",
        "SELECT * FROM events WHERE Id IN (SELECT a FROM read_csv('x'))",
        "SELECT * FROM secrets",
        "SELECT * FROM main.events",
        "SELECT * FROM 'events.parquet'",
        "TABLE events",
        "DROP TABLE events",
        "DELETE FROM events",
        "CREATE TABLE x AS SELECT * FROM events",
        "INSERT INTO events SELECT * FROM events_all",
        "TRUNCATE TABLE events",
        "SHOW TABLES",
        "EXPLAIN SELECT * FROM events",
        "SELECT 1; SELECT 2",
        "",
        "SELECT 1 FROM",
    ] {
        refused(sql);
    }
}

#[test]
fn names_of_views_and_with_tables_are_unique() {
    assert!(refused("WITH days AS (SELECT 1 AS x) SELECT x FROM days").contains("view"));
    assert!(refused("SELECT days.Id FROM events AS days").contains("view"));
    let twice = "WITH a AS (SELECT 1 AS x), b AS (SELECT a.Id FROM events AS a) SELECT x FROM b";
    assert!(refused(twice).contains("choose another"));
    let nested = "WITH a AS (WITH a AS (SELECT 1 AS x) SELECT x FROM a) SELECT x FROM a";
    assert!(refused(nested).contains("defines this name twice"));
    let mixed = "SELECT 1 AS x INTERSECT SELECT 2 AS x EXCEPT SELECT 3 AS x";
    assert!(refused(mixed).contains("into a WITH"));
    let recursive = "WITH RECURSIVE a AS (SELECT 1 AS x) SELECT x FROM a";
    assert!(refused(recursive).contains("RECURSIVE"));
}

#[test]
fn portable_subset_is_accepted() {
    for sql in [
        "SELECT a.Id, d.status FROM events AS a LEFT JOIN days AS d ON a.local_date = d.day",
        "SELECT a.Id FROM events a JOIN days d ON (a.local_date = d.day AND a.local_date >= d.day)",
        "SELECT a.Id FROM events a CROSS JOIN days d",
        "SELECT UserId, COUNT(*) AS n, COUNT(DISTINCT report_id) AS r FROM events \
            GROUP BY UserId HAVING COUNT(*) > 1 ORDER BY n DESC NULLS LAST, UserId NULLS LAST",
        "SELECT COUNT(*) FILTER (WHERE activity = 'ViewReport') AS n, 'all' AS what FROM events",
        "SELECT COUNT(1) AS a, SUM(-1) AS b, SUM(2 * 3.5) AS c, COUNT(NULL) AS d FROM events",
        "SELECT e.local_month AS m, SUM(1) AS n FROM events AS e GROUP BY e.local_month",
        "SELECT UPPER(local_month) AS m, COUNT(*) AS n FROM events GROUP BY m",
        "SELECT UPPER(e.local_month) AS m, COUNT(*) AS n FROM events e GROUP BY UPPER(local_month)",
        "SELECT local_hour / 2 AS h, COUNT(*) AS n FROM events GROUP BY 1",
        "SELECT UserId, ROW_NUMBER() OVER (PARTITION BY UserId ORDER BY Id) AS r FROM events",
        "SELECT UserId, LAG(n) OVER (ORDER BY UserId) AS p, SUM(n) OVER () AS t, \
            SUM(n) OVER (ORDER BY UserId ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c \
            FROM (SELECT UserId, COUNT(*) AS n FROM events GROUP BY UserId) AS u",
        "SELECT Id FROM events WHERE Id IN (SELECT Id FROM events_all) AND UserId LIKE 'a%'",
        "SELECT Id FROM events UNION ALL SELECT Id FROM events_all UNION SELECT operation \
            FROM operations ORDER BY Id",
        "SELECT STRING_AGG(UserId, ',' ORDER BY UserId) AS s FROM events",
        "SELECT CASE WHEN IsSuccess IS NULL THEN 1 END AS x FROM events ORDER BY CreationTime",
        "SELECT COUNT(*) AS n FROM events WHERE UserId IN (SELECT UserId FROM events_all)",
    ] {
        checked(sql).unwrap_or_else(|error| panic!("{sql}\n  {error}"));
    }
}

#[test]
fn references_contain_views_and_columns() {
    let sql = "WITH v AS (SELECT e.report_name AS r, local_date FROM events AS e) \
        SELECT r FROM v JOIN days AS d ON v.local_date = d.day";
    let references = checked(sql).unwrap();
    assert_eq!(Vec::from_iter(&references.views), ["days", "events"]);
    assert!(references.has_column("report_name") && references.has_column("day"));
    assert!(!references.has_column("workspace_name"));
    assert!(checked("SELECT * FROM events").unwrap().has_column("workspace_name"));
    let inner = "WITH v AS (SELECT Id FROM events) SELECT * FROM v";
    assert!(!checked(inner).unwrap().has_column("workspace_name"));
    assert!(checked("SELECT COLUMNS('name') FROM events").unwrap().has_column("workspace_name"));
}
