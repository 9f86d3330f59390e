//! Every refused form, and the forms that must stay allowed.

use super::*;

fn verdict(sql: &str) -> Result<References> {
    check("sql", &parse("sql", sql)?)
}

/// The refusal's text; the statement must be refused.
fn refused(sql: &str) -> String {
    verdict(sql).expect_err(sql).to_string()
}

/// Each statement with a word or two of the way out.
#[track_caller]
fn assert_refused(cases: &[(&str, &str)]) {
    for (sql, way_out) in cases {
        let text = refused(sql);
        assert!(text.contains(way_out), "{sql}\n  {text}");
    }
}

#[test]
fn joins_that_the_engine_answers_otherwise_are_refused_with_a_way_out() {
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
fn windows_that_the_engine_answers_otherwise_are_refused_with_a_way_out() {
    assert_refused(&[
        ("SELECT AVG(x) OVER (ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT STDDEV(x) OVER (PARTITION BY g ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT COUNT(DISTINCT x) OVER (ORDER BY t) AS a FROM events", "whole partition"),
        ("SELECT SUM(x) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED PRECEDING"),
        ("SELECT COUNT(*) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED"),
        ("SELECT MIN(x) OVER (ORDER BY t) AS a FROM events", "ROWS BETWEEN UNBOUNDED"),
        ("SELECT SUM(x) OVER (ORDER BY t ROWS 6 PRECEDING) AS a FROM events", "one frame"),
        (
            "SELECT SUM(x) OVER (ORDER BY t ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS a \
            FROM events",
            "one frame",
        ),
        ("SELECT SUM(x) OVER (ORDER BY t RANGE UNBOUNDED PRECEDING) AS a FROM events", "one frame"),
        (
            "SELECT SUM(x) OVER (PARTITION BY g ROWS UNBOUNDED PRECEDING) AS a FROM events",
            "one frame",
        ),
        ("SELECT LAST_VALUE(x) OVER (ORDER BY t) AS a FROM events", "FIRST_VALUE"),
        ("SELECT ROW_NUMBER() OVER () AS a FROM events", "have no order"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY t NULLS LAST) AS a FROM events", "passed over"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY a DESC, b) AS a FROM events", "mixed"),
        ("SELECT RANK() OVER w AS a FROM events WINDOW w AS (ORDER BY t)", "in each OVER"),
        ("SELECT g, RANK() OVER (ORDER BY COUNT(*)) AS r FROM events GROUP BY g", "WITH first"),
        ("SELECT SUM(COUNT(*)) OVER () AS r FROM events GROUP BY g", "group in a WITH"),
        ("SELECT Id FROM events QUALIFY ROW_NUMBER() OVER (ORDER BY Id) = 1", "in WHERE"),
    ]);
}

#[test]
fn other_forms_that_the_engine_answers_otherwise_are_refused_with_a_way_out() {
    assert_refused(&[
        // Functions.
        ("SELECT DATE_TRUNC('month', local_time) AS m FROM events", "local_month"),
        ("SELECT CURRENT_DATE AS d", "no today"),
        ("SELECT CURRENT_TIMESTAMP AS d", "no today"),
        ("SELECT NOW() AS d", "no today"),
        ("SELECT RANDOM() AS d", "the same every time"),
        ("SELECT STRING_AGG(UserId, ',') AS s FROM events", "ORDER BY"),
        ("SELECT FIRST(UserId) AS s FROM events", "no order"),
        ("SELECT UNNEST(Datasets) AS d FROM events", "cannot be spread"),
        ("SELECT d.x FROM events CROSS JOIN UNNEST(Datasets) AS d(x)", "cannot be spread"),
        // Groups.
        ("SELECT UserId, COUNT(*) AS n FROM events", "UserId is neither in GROUP BY"),
        ("SELECT UserId, LOWER(Id) AS i FROM events GROUP BY UserId", "Id is neither"),
        ("SELECT *, COUNT(*) AS n FROM events", "name the columns"),
        ("SELECT UserId, COUNT(*) AS n FROM events GROUP BY ALL", "name the columns"),
        ("SELECT UserId FROM events GROUP BY UserId ORDER BY COUNT(*)", "name it in SELECT"),
        ("SELECT UserId FROM events ORDER BY ALL", "name the columns"),
        ("SELECT DISTINCT ON (UserId) UserId, Id FROM events ORDER BY UserId", "ROW_NUMBER"),
        // Values.
        ("SELECT Id FROM events WHERE IsSuccess IS NOT TRUE", "COALESCE"),
        ("SELECT Id FROM events WHERE UserId = (SELECT MAX(UserId) FROM events_all)", "in a WITH"),
        ("SELECT (SELECT COUNT(*) FROM events_all) AS n", "in a WITH"),
    ]);
}

#[test]
fn nothing_but_the_views_is_read_and_nothing_is_written() {
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
fn a_name_stands_for_one_thing() {
    assert!(refused("WITH days AS (SELECT 1 AS x) SELECT x FROM days").contains("view"));
    assert!(refused("SELECT days.Id FROM events AS days").contains("view"));
    let twice = "WITH a AS (SELECT 1 AS x), b AS (SELECT a.Id FROM events AS a) SELECT x FROM b";
    assert!(refused(twice).contains("take another"));
    let nested = "WITH a AS (WITH a AS (SELECT 1 AS x) SELECT x FROM a) SELECT x FROM a";
    assert!(refused(nested).contains("given twice"));
    let mixed = "SELECT 1 AS x INTERSECT SELECT 2 AS x EXCEPT SELECT 3 AS x";
    assert!(refused(mixed).contains("into a WITH"));
    let recursive = "WITH RECURSIVE a AS (SELECT 1 AS x) SELECT x FROM a";
    assert!(refused(recursive).contains("RECURSIVE"));
}

#[test]
fn the_subset_that_every_engine_reads_alike_is_allowed() {
    for sql in [
        "SELECT a.Id, d.status FROM events AS a LEFT JOIN days AS d ON a.local_date = d.day",
        "SELECT a.Id FROM events a JOIN days d ON (a.local_date = d.day AND a.local_date >= d.day)",
        "SELECT a.Id FROM events a CROSS JOIN days d",
        "SELECT UserId, COUNT(*) AS n, COUNT(DISTINCT report_id) AS r FROM events \
            GROUP BY UserId HAVING COUNT(*) > 1 ORDER BY n DESC NULLS LAST, UserId NULLS LAST",
        "SELECT COUNT(*) FILTER (WHERE activity = 'ViewReport') AS n, 'all' AS what FROM events",
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
        verdict(sql).unwrap_or_else(|error| panic!("{sql}\n  {error}"));
    }
}

#[test]
fn the_footprint_names_views_and_columns() {
    let sql = "WITH v AS (SELECT e.report_name AS r, local_date FROM events AS e) \
        SELECT r FROM v JOIN days AS d ON v.local_date = d.day";
    let footprint = verdict(sql).unwrap();
    assert_eq!(Vec::from_iter(&footprint.views), ["days", "events"]);
    assert!(footprint.has_column("report_name") && footprint.has_column("day"));
    assert!(!footprint.has_column("workspace_name"));
    assert!(verdict("SELECT * FROM events").unwrap().has_column("workspace_name"));
    let inner = "WITH v AS (SELECT Id FROM events) SELECT * FROM v";
    assert!(!verdict(inner).unwrap().has_column("workspace_name"));
    assert!(verdict("SELECT COLUMNS('name') FROM events").unwrap().has_column("workspace_name"));
}
