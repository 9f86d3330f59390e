-- The forms of SQL that the guard refuses, and those that it accepts although engines differ.
-- src/query/guard/refused_tests.rs compares the guard and the engine with this file,
-- tests/interop/guard.py compares DuckDB with it, and docs/guard.md is generated from it.
-- Each form has the message of the guard (or `passes`), the result of the engine without the guard,
-- the right result, and the result of DuckDB if it differs. The statement follows, then a
-- replacement with the right result in both engines. Each line is a row. Rows are sorted if the
-- statement has no order. `error`: DuckDB refuses the statement. `chance`: the result is random.

-- table: events
-- Id VARCHAR | UserId VARCHAR | report_id VARCHAR | local_date DATE | local_time TIMESTAMP | IsSuccess BOOLEAN | n BIGINT | x DOUBLE | Items VARCHAR[]
-- e1 | ann | r1 | 2026-03-01 | 2026-03-01 08:30:00 | true | 1 | 0.5 | [a,b]
-- e2 | ann | r2 | 2026-03-01 | 2026-03-01 09:15:30 | false | 2 | 1.5 | []
-- e3 | Bob | r1 | 2026-03-02 | 2026-03-02 08:30:00 | NULL | 2 | -2.5 | NULL
-- e4 | NULL | NULL | 2026-03-08 | 2026-03-08 23:59:59 | true | NULL | NULL | [c]
-- e5 | Zoë | r3 | 2026-03-09 | 2026-03-09 00:00:00 | false | -7 | 2.5 | [a]

-- table: days
-- day DATE | status VARCHAR | n BIGINT
-- 2026-03-01 | complete | 3
-- 2026-03-02 | partial | NULL
-- 2026-03-03 | missing | 0

-- table: reports
-- report_id VARCHAR | report_name VARCHAR
-- r1 | Sales
-- r2 | NULL
-- r4 | Costs


-- chapter: Only views can be read

-- form: a statement other than SELECT
-- note: The program only reads data.
-- guard: only SELECT and WITH … SELECT are supported
-- engine: no rows
-- duckdb: 3
TRUNCATE TABLE days;

-- form: two statements
-- note: A report has one result.
-- guard: expected one statement, found 2
-- engine: error: sql: expected one statement, found 2
-- duckdb: 2
SELECT 1 AS a; SELECT 2 AS a;

-- form: a table that is not a view
-- note: docs/views.md lists the views.
-- guard: there is no view secrets; the views are events, history, …
-- engine: error: relation 'secrets' was not found
-- duckdb: error
SELECT * FROM secrets;

-- form: a schema before a name
-- guard: main.days: views have no schema; write the name of the view alone
-- engine: error: relation 'main' was not found
-- right: 2026-03-01
-- right: 2026-03-02
-- right: 2026-03-03
SELECT day FROM main.days ORDER BY day;
-- instead
SELECT day FROM days ORDER BY day;

-- form: a file as a table
-- note: A statement can read only the store, because its author may not have access to other files.
-- guard: read_csv(…) cannot be read; a statement can read only views
-- engine: error: 'read_csv' is not a supported table function
-- duckdb: error
SELECT * FROM read_csv('x.csv');

-- form: read_csv as a value
-- note: As above.
-- guard: READ_CSV: a statement can read only views; `schema --views` lists them
-- engine: error: unsupported function 'read_csv'
-- duckdb: error
SELECT READ_CSV('x.csv') AS a FROM days;

-- form: read_ipc
-- note: As above.
-- guard: READ_IPC: a statement can read only views; `schema --views` lists them
-- engine: error: unsupported function 'read_ipc'
-- duckdb: error
SELECT READ_IPC('x.arrow') AS a FROM days;

-- form: read_json
-- note: As above.
-- guard: READ_JSON: a statement can read only views; `schema --views` lists them
-- engine: error: unsupported function 'read_json'
-- duckdb: error
SELECT READ_JSON('x.json') AS a FROM days;

-- form: read_ndjson
-- note: As above.
-- guard: READ_NDJSON: a statement can read only views; `schema --views` lists them
-- engine: error: unsupported function 'read_ndjson'
-- duckdb: error
SELECT READ_NDJSON('x.ndjson') AS a FROM days;

-- form: read_parquet
-- note: As above.
-- guard: READ_PARQUET: a statement can read only views; `schema --views` lists them
-- engine: error: unsupported function 'read_parquet'
-- duckdb: error
SELECT READ_PARQUET('x.parquet') AS a FROM days;

-- form: TABLE(…) in FROM
-- note: FROM can contain only views and subqueries.
-- guard: TABLE(days) cannot be in FROM; use a view or a subquery
-- engine: error: not yet implemented: TABLE(days)
-- duckdb: error
SELECT day FROM TABLE(days);

-- form: a recursive WITH
-- note: The log contains no hierarchies; the view `days` has a row for each day.
-- guard: WITH RECURSIVE is not supported; the view `days` has a row for each day
-- engine: error: relation 'a' was not found
-- duckdb: 1
-- duckdb: 2
-- duckdb: 3
WITH RECURSIVE a AS (SELECT 1 AS k UNION ALL SELECT k + 1 AS k FROM a WHERE k < 3) SELECT k
FROM a;

-- form: the pipe operator
-- guard: |> is not supported; write SELECT and WITH
-- engine: error: pipe operators are not supported
-- right: 2026-03-01
-- duckdb: error
FROM days |> WHERE n > 1;
-- instead
SELECT day FROM days WHERE n > 1;


-- chapter: Names

-- form: a WITH table with the name of a view
-- note: Right here, where the table replaces the view; the guard needs to know which views a statement reads.
-- guard: WITH days: this is the name of a view; choose another name
-- engine: Costs
-- engine: NULL
-- engine: Sales
-- right: Costs
-- right: NULL
-- right: Sales
WITH days AS (SELECT report_name AS day FROM reports) SELECT day FROM days;
-- instead
WITH d AS (SELECT report_name AS day FROM reports) SELECT day FROM d;

-- form: an alias with the name of a view
-- guard: AS days: this is the name of a view; choose another alias
-- engine: error: no column named 'Id' found in table 'days'
-- right: e1
-- right: e2
-- right: e3
-- right: e4
-- right: e5
SELECT days.Id FROM events AS days ORDER BY days.Id;
-- instead
SELECT d.Id FROM events AS d ORDER BY d.Id;

-- form: a name that WITH defines twice
-- note: Nested queries become tables of the engine, which have one name in the whole statement.
-- guard: WITH a: the statement defines this name twice; choose another name
-- engine: 2 | 2
-- right: 1 | 2
WITH a AS (SELECT 1 AS k), b AS (WITH a AS (SELECT 2 AS k) SELECT k FROM a) SELECT a.k, b.k
AS l FROM a CROSS JOIN b;
-- instead
WITH a AS (SELECT 1 AS k), c AS (SELECT 2 AS k), b AS (SELECT k FROM c) SELECT a.k, b.k AS l
FROM a CROSS JOIN b;

-- form: an alias with the name of a WITH table
-- guard: AS a: this is the name of a WITH table; choose another alias
-- engine: error: no column named 'day' found in table 'a'
-- right: 2026-03-01
WITH a AS (SELECT 3 AS n) SELECT a.day FROM days AS a JOIN a AS b ON a.n = b.n;
-- instead
WITH a AS (SELECT 3 AS n) SELECT d.day FROM days AS d JOIN a AS b ON d.n = b.n;


-- chapter: Set operations

-- form: EXCEPT with UNION
-- guard: EXCEPT and UNION cannot be mixed; put the inner one into a WITH
-- engine: 1
-- right: 1
-- right: 1
SELECT 1 AS k EXCEPT SELECT 2 AS k UNION ALL SELECT 1 AS k;
-- instead
WITH a AS (SELECT 1 AS k EXCEPT SELECT 2 AS k) SELECT k FROM a UNION ALL SELECT 1 AS k;

-- form: INTERSECT with UNION
-- note: Right here in 0.55, where it binds more tightly than UNION; some engines evaluate from left to right.
-- guard: INTERSECT and UNION cannot be mixed; put the inner one into a WITH
-- engine: 1
-- right: 1
SELECT 1 AS k UNION SELECT 2 AS k INTERSECT SELECT 3 AS k;
-- instead
WITH a AS (SELECT 2 AS k INTERSECT SELECT 3 AS k) SELECT 1 AS k UNION SELECT k FROM a;


-- chapter: Joins

-- form: tables after a comma
-- note: Right here in 0.55; the guard checks only ON, and a missing WHERE multiplies rows.
-- guard: FROM cannot have tables after a comma; write JOIN … ON …
-- engine: e1 | Sales
-- engine: e2 | NULL
-- engine: e3 | Sales
-- right: e1 | Sales
-- right: e2 | NULL
-- right: e3 | Sales
SELECT e.Id, r.report_name FROM days AS d, events AS e LEFT JOIN reports AS r ON e.report_id
= r.report_id WHERE d.day = e.local_date ORDER BY e.Id;
-- instead
SELECT e.Id, r.report_name FROM days AS d JOIN events AS e ON d.day = e.local_date LEFT JOIN
reports AS r ON e.report_id = r.report_id ORDER BY e.Id;

-- form: USING
-- guard: JOIN … USING is not supported; write ON a.x = b.x
-- engine: e1 | Sales
-- engine: e3 | Sales
-- engine: e2 | NULL
-- engine: e5 | NULL
-- engine: e4 | NULL
-- engine: NULL | Costs
-- right: e1 | Sales
-- right: e3 | Sales
-- right: e2 | NULL
-- right: e5 | NULL
-- right: NULL | Costs
-- right: e4 | NULL
SELECT e.Id, r.report_name FROM events AS e FULL JOIN reports AS r USING (report_id) ORDER
BY report_id NULLS LAST, e.Id;
-- instead
SELECT e.Id, r.report_name FROM events AS e FULL JOIN reports AS r ON e.report_id =
r.report_id ORDER BY COALESCE(e.report_id, r.report_id) NULLS LAST, e.Id;

-- form: NATURAL JOIN
-- note: Right here in 0.55; a new column in both tables changes the join.
-- guard: NATURAL JOIN is not supported; write ON a.x = b.x
-- engine: e1 | Sales
-- engine: e2 | NULL
-- engine: e3 | Sales
-- engine: e4 | NULL
-- engine: e5 | NULL
-- right: e1 | Sales
-- right: e2 | NULL
-- right: e3 | Sales
-- right: e4 | NULL
-- right: e5 | NULL
SELECT e.Id, report_name FROM events AS e NATURAL LEFT JOIN reports AS r ORDER BY e.Id;
-- instead
SELECT e.Id, r.report_name FROM events AS e LEFT JOIN reports AS r ON e.report_id =
r.report_id ORDER BY e.Id;

-- form: JOIN without ON
-- guard: JOIN has no ON; write ON a.x = b.x, or CROSS JOIN
-- engine: error: unsupported SQL join constraint:None
-- right: e1 | 2026-03-01
-- right: e2 | 2026-03-01
-- right: e3 | 2026-03-02
-- duckdb: error
SELECT e.Id, d.day FROM events AS e JOIN days AS d WHERE e.local_date = d.day ORDER BY e.Id;
-- instead
SELECT e.Id, d.day FROM events AS e CROSS JOIN days AS d WHERE e.local_date = d.day ORDER BY
e.Id;

-- form: other kinds of JOIN
-- guard: this kind of JOIN is not supported; write JOIN, LEFT JOIN, FULL JOIN or CROSS JOIN
-- engine: error: join type 'AsOf { match_condition: BinaryOp { left: CompoundIdentifier
-- right: no rows
-- duckdb: error
SELECT e.Id, d.day FROM events AS e ASOF JOIN days AS d MATCH_CONDITION (e.local_date >=
d.day) ON e.n = d.n;
-- instead
SELECT e.Id, MAX(d.day) AS day FROM events AS e JOIN days AS d ON e.local_date >= d.day AND
e.n = d.n GROUP BY e.Id;

-- form: a join in parentheses
-- guard: a join cannot be in parentheses; write the joins one after the other
-- engine: error: cannot JOIN on unnamed relation; please provide an alias
-- right: e1 | NULL
-- right: e2 | NULL
-- right: e3 | NULL
-- right: e4 | NULL
-- right: e5 | NULL
SELECT e.Id, r.report_name FROM events AS e LEFT JOIN (days AS d JOIN reports AS r ON
d.status = r.report_name) ON e.local_date = d.day ORDER BY e.Id;
-- instead
WITH j AS (SELECT d.day, r.report_name FROM days AS d JOIN reports AS r ON d.status =
r.report_name) SELECT e.Id, j.report_name FROM events AS e LEFT JOIN j ON e.local_date =
j.day ORDER BY e.Id;

-- form: a constant in the ON of an outer join
-- guard: the ON of an outer join cannot contain d.n = 3, only a.x = b.x; filter the joined table in a WITH first
-- engine: e1 | NULL
-- engine: e2 | NULL
-- engine: e3 | NULL
-- engine: e4 | NULL
-- engine: e5 | NULL
-- right: e1 | complete
-- right: e2 | complete
-- right: e3 | NULL
-- right: e4 | NULL
-- right: e5 | NULL
SELECT e.Id, d.status FROM events AS e LEFT JOIN days AS d ON e.local_date = d.day AND d.n
= 3 ORDER BY e.Id;
-- instead
WITH c AS (SELECT day, status FROM days WHERE n = 3) SELECT e.Id, c.status FROM events AS
e LEFT JOIN c ON e.local_date = c.day ORDER BY e.Id;

-- form: another comparison in the ON of an outer join
-- guard: the ON of an outer join cannot contain e.local_date > d.day, only a.x = b.x; filter the joined table in a WITH first
-- engine: no rows
-- right: e1 | NULL
-- right: e2 | NULL
-- right: e3 | NULL
-- right: e4 | NULL
-- right: e5 | NULL
SELECT e.Id, d.day FROM events AS e LEFT JOIN days AS d ON e.local_date > d.day AND e.n =
d.n ORDER BY e.Id;
-- instead
WITH m AS (SELECT e.Id, d.day FROM events AS e JOIN days AS d ON e.local_date > d.day AND
e.n = d.n) SELECT e.Id, m.day FROM events AS e LEFT JOIN m ON e.Id = m.Id ORDER BY e.Id;

-- form: a constant in ON
-- guard: ON cannot contain d.n = 3, only a.x = b.x; move the rest to WHERE
-- engine: no rows
-- right: e1 | 1
-- right: e2 | 2
SELECT e.Id, e.n FROM events AS e JOIN days AS d ON e.local_date = d.day AND d.n = 3 ORDER
BY e.Id;
-- instead
SELECT e.Id, e.n FROM events AS e JOIN days AS d ON e.local_date = d.day WHERE d.n = 3 ORDER
BY e.Id;

-- form: OR in ON
-- guard: ON cannot contain e.local_date = d.day OR e.n = d.n, only a.x = b.x; move the rest to WHERE
-- engine: error: unsupported join constraint operator 'Or'
-- right: e1 | 2026-03-01
-- right: e2 | 2026-03-01
-- right: e3 | 2026-03-02
SELECT e.Id, d.day FROM events AS e JOIN days AS d ON e.local_date = d.day OR e.n = d.n
ORDER BY e.Id;
-- instead
SELECT e.Id, d.day FROM events AS e CROSS JOIN days AS d WHERE e.local_date = d.day OR e.n =
d.n ORDER BY e.Id;


-- chapter: Groups

-- form: a column that is neither grouped nor aggregated
-- guard: UserId is neither in GROUP BY nor in an aggregate; add it to GROUP BY, or write MIN(UserId)
-- engine: Bob | 5
-- engine: NULL | 5
-- engine: Zoë | 5
-- engine: ann | 5
-- engine: ann | 5
-- right: Bob | 1
-- right: NULL | 1
-- right: Zoë | 1
-- right: ann | 2
-- duckdb: error
SELECT UserId, COUNT(*) AS c FROM events;
-- instead
SELECT UserId, COUNT(*) AS c FROM events GROUP BY UserId;

-- form: an ungrouped column with GROUP BY
-- guard: Id is neither in GROUP BY nor in an aggregate; add it to GROUP BY, or write MIN(Id)
-- engine: Bob | ["e3"]
-- engine: NULL | ["e4"]
-- engine: Zoë | ["e5"]
-- engine: ann | ["e1","e2"]
-- right: Bob | e3
-- right: NULL | e4
-- right: Zoë | e5
-- right: ann | e1
-- duckdb: error
SELECT UserId, LOWER(Id) AS i FROM events GROUP BY UserId;
-- instead
SELECT UserId, MIN(LOWER(Id)) AS i FROM events GROUP BY UserId;

-- form: * with an aggregate
-- guard: * cannot be next to GROUP BY or an aggregate; name the columns
-- engine: 2026-03-01 | complete | 3 | 3
-- engine: 2026-03-02 | partial | NULL | 3
-- engine: 2026-03-03 | missing | 0 | 3
-- right: 2026-03-01 | complete | 3 | 1
-- right: 2026-03-02 | partial | NULL | 1
-- right: 2026-03-03 | missing | 0 | 1
-- duckdb: error
SELECT *, COUNT(*) AS c FROM days;
-- instead
SELECT day, status, n, COUNT(*) AS c FROM days GROUP BY day, status, n;

-- form: GROUP BY ALL
-- note: Right here in 0.55; Spark and DuckDB support it, others do not.
-- guard: GROUP BY ALL is not supported; name the columns
-- engine: Bob | 3 | 1
-- engine: NULL | NULL | 1
-- engine: Zoë | -6 | 1
-- engine: ann | 2 | 1
-- engine: ann | 3 | 1
-- right: Bob | 3 | 1
-- right: NULL | NULL | 1
-- right: Zoë | -6 | 1
-- right: ann | 2 | 1
-- right: ann | 3 | 1
SELECT UserId, n + 1 AS k, COUNT(*) AS c FROM events GROUP BY ALL;
-- instead
SELECT UserId, n + 1 AS k, COUNT(*) AS c FROM events GROUP BY UserId, n + 1;

-- form: an aggregate in WHERE
-- note: Right here, for every row; other engines refuse it, because groups are built after WHERE.
-- guard: WHERE cannot contain an aggregate or OVER; compute it in a WITH, then compare with it
-- engine: e2
-- engine: e3
-- right: e2
-- right: e3
-- duckdb: error
SELECT Id FROM events WHERE COUNT(*) > 1 AND n > 1 ORDER BY Id;
-- instead
WITH a AS (SELECT COUNT(*) AS c FROM events) SELECT e.Id FROM events AS e CROSS JOIN a WHERE
a.c > 1 AND e.n > 1 ORDER BY e.Id;

-- form: an aggregate of a constant
-- note: Here the result is the constant also if there are no rows. The sum and the number of a literal are rewritten, see below.
-- guard: MAX(5) has no column: the engine calculates it once, not for each row; write 5 alone
-- engine: 5
-- right: NULL
SELECT MAX(5) AS m FROM events WHERE n > 5;
-- instead
SELECT MAX(CASE WHEN n > 5 THEN 5 END) AS m FROM events;

-- form: a quantile of a column of GROUP BY
-- note: MEDIAN and other aggregates of such a column are right.
-- guard: QUANTILE_CONT(n, 1.0): a quantile of a column of GROUP BY is calculated over all rows; write MIN
-- engine: -7 | 2.0
-- engine: 1 | 2.0
-- engine: 2 | 2.0
-- engine: NULL | 2.0
-- right: -7 | -7
-- right: 1 | 1
-- right: 2 | 2
-- right: NULL | NULL
SELECT n, QUANTILE_CONT(n, 1.0) AS q FROM events GROUP BY n;
-- instead
SELECT n, MIN(n) AS q FROM events GROUP BY n;

-- form: FILTER without a column
-- guard: FILTER (WHERE 1 = 1) has no column: the engine tests it once, not for each row; write it in WHERE
-- engine: 1
-- right: 5
SELECT COUNT(*) FILTER (WHERE 1 = 1) AS c FROM events;
-- instead
SELECT COUNT(*) AS c FROM events WHERE 1 = 1;

-- form: LAG of a constant
-- guard: LAG(5) has no column: the engine calculates it once, not for each row; write 5 alone
-- engine: e1 | NULL
-- engine: e2 | NULL
-- engine: e3 | NULL
-- engine: e4 | NULL
-- engine: e5 | NULL
-- right: e1 | NULL
-- right: e2 | 5
-- right: e3 | 5
-- right: e4 | 5
-- right: e5 | 5
SELECT Id, LAG(5) OVER (ORDER BY Id) AS v FROM events ORDER BY Id;
-- instead
SELECT Id, LAG(CASE WHEN Id IS NULL THEN 0 ELSE 5 END) OVER (ORDER BY Id) AS v FROM events ORDER BY Id;

-- form: an aggregate in ORDER BY
-- guard: ORDER BY SUM(n): give it a name in SELECT and order by the name
-- engine: error: not found: unable to find column "n"; valid columns: ["UserId"]Resolve
-- right: Zoë
-- right: Bob
-- right: ann
-- right: NULL
SELECT UserId FROM events GROUP BY UserId ORDER BY SUM(n) NULLS LAST;
-- instead
WITH a AS (SELECT UserId, SUM(n) AS s FROM events GROUP BY UserId) SELECT UserId FROM a
ORDER BY s NULLS LAST;

-- form: ORDER BY ALL
-- note: Right here in 0.55; the order changes when columns are added.
-- guard: ORDER BY ALL is not supported; name the columns
-- engine: 0 | 2026-03-03
-- engine: 3 | 2026-03-01
-- engine: NULL | 2026-03-02
-- right: 0 | 2026-03-03
-- right: 3 | 2026-03-01
-- right: NULL | 2026-03-02
SELECT n, day FROM days ORDER BY ALL;
-- instead
SELECT n, day FROM days ORDER BY n NULLS LAST, day;

-- form: ORDER BY an expression over a name with two meanings
-- guard: ORDER BY n + 1: n is both a column and an alias of SELECT; choose another alias
-- engine: e2 | -2
-- engine: e3 | -2
-- engine: e1 | -1
-- engine: e5 | 7
-- engine: e4 | NULL
-- right: e5 | 7
-- right: e1 | -1
-- right: e2 | -2
-- right: e3 | -2
-- right: e4 | NULL
SELECT Id, 0 - n AS n FROM events ORDER BY n + 1 NULLS LAST, Id;
-- instead
WITH a AS (SELECT Id, 0 - n AS m, n FROM events) SELECT Id, m FROM a ORDER BY n + 1 NULLS
LAST, Id;

-- form: DISTINCT ON
-- note: Right here in 0.55; Spark does not support it.
-- guard: DISTINCT ON is not supported; number the rows with ROW_NUMBER in a WITH, and keep 1
-- engine: Bob | 2
-- engine: Zoë | -7
-- engine: ann | 2
-- engine: NULL | NULL
-- right: Bob | 2
-- right: Zoë | -7
-- right: ann | 2
-- right: NULL | NULL
SELECT DISTINCT ON (UserId) UserId, n FROM events ORDER BY UserId NULLS LAST, n DESC NULLS
LAST;
-- instead
WITH a AS (SELECT UserId, n, ROW_NUMBER() OVER (PARTITION BY UserId ORDER BY COALESCE(n,
-999) DESC) AS r FROM events) SELECT UserId, n FROM a WHERE r = 1 ORDER BY UserId NULLS LAST;


-- chapter: Windows

-- form: OVER with an aggregate
-- guard: OVER cannot be next to GROUP BY or an aggregate; group in a WITH first
-- engine: 2026-03-01 | 3 | 3
-- engine: 2026-03-02 | 2 | 2
-- engine: 2026-03-08 | NULL | NULL
-- engine: 2026-03-09 | -7 | -7
-- right: 2026-03-01 | 3 | -2
-- right: 2026-03-02 | 2 | -2
-- right: 2026-03-08 | NULL | -2
-- right: 2026-03-09 | -7 | -2
SELECT local_date, SUM(n) AS a, SUM(SUM(n)) OVER () AS b FROM events GROUP BY local_date;
-- instead
WITH a AS (SELECT local_date, SUM(n) AS a FROM events GROUP BY local_date) SELECT
local_date, a, SUM(a) OVER () AS b FROM a;

-- form: OVER in WHERE
-- note: Right here; other engines refuse it.
-- guard: WHERE cannot contain an aggregate or OVER; compute it in a WITH, then compare with it
-- engine: e1
-- right: e1
-- duckdb: error
SELECT Id FROM events WHERE ROW_NUMBER() OVER (ORDER BY Id) = 1;
-- instead
WITH a AS (SELECT Id, ROW_NUMBER() OVER (ORDER BY Id) AS r FROM events) SELECT Id FROM a
WHERE r = 1;

-- form: QUALIFY
-- guard: QUALIFY is not supported; number the rows in a WITH, then filter them in WHERE
-- engine: error: not found: unable to find column "Id"; valid columns: ["UserId"]Resolv
-- right: ann
SELECT UserId FROM events QUALIFY ROW_NUMBER() OVER (ORDER BY Id) = 1;
-- instead
WITH a AS (SELECT UserId, ROW_NUMBER() OVER (ORDER BY Id) AS r FROM events) SELECT UserId
FROM a WHERE r = 1;

-- form: WINDOW
-- note: Right here in 0.55; the guard checks windows in each OVER.
-- guard: WINDOW is not supported; write the window in each OVER (…)
-- engine: e1 | 5
-- engine: e2 | 4
-- engine: e3 | 3
-- engine: e4 | 2
-- engine: e5 | 1
-- right: e1 | 5
-- right: e2 | 4
-- right: e3 | 3
-- right: e4 | 2
-- right: e5 | 1
SELECT Id, ROW_NUMBER() OVER w AS r FROM events WINDOW w AS (ORDER BY Id DESC) ORDER BY Id;
-- instead
SELECT Id, ROW_NUMBER() OVER (ORDER BY Id DESC) AS r FROM events ORDER BY Id;

-- form: OVER with a named window
-- note: The name is undefined without WINDOW, which is refused too.
-- guard: ROW_NUMBER has a named window; write the window in OVER (…)
-- engine: error: named window 'w' was not found
-- duckdb: error
SELECT Id, ROW_NUMBER() OVER w AS r FROM events;

-- form: OVER (name …)
-- note: As above.
-- guard: ROW_NUMBER has a named window; write the window in OVER (…)
-- engine: e1 | 1
-- engine: e2 | 2
-- engine: e3 | 3
-- engine: e4 | 4
-- engine: e5 | 5
-- duckdb: error
SELECT Id, ROW_NUMBER() OVER (w ORDER BY Id) AS r FROM events;

-- form: FILTER with OVER
-- guard: SUM cannot have both FILTER and OVER; write CASE WHEN … END in its argument
-- engine: error: 'FILTER' combined with 'OVER' is not supported
-- right: e1 | 2
-- right: e2 | 2
-- right: e3 | 2
-- right: e4 | NULL
-- right: e5 | NULL
SELECT Id, SUM(n) FILTER (WHERE n > 1) OVER (PARTITION BY UserId) AS s FROM events ORDER BY
Id;
-- instead
SELECT Id, SUM(CASE WHEN n > 1 THEN n END) OVER (PARTITION BY UserId) AS s FROM events ORDER
BY Id;

-- form: NULLS LAST in OVER
-- guard: OVER ignores NULLS FIRST and NULLS LAST; in ROW_NUMBER order by CASE WHEN … IS NULL THEN 1 ELSE 0 END first, then by COALESCE(…)
-- engine: e1 | 3
-- engine: e2 | 4
-- engine: e3 | 5
-- engine: e4 | 1
-- engine: e5 | 2
-- right: e1 | 2
-- right: e2 | 3
-- right: e3 | 4
-- right: e4 | 5
-- right: e5 | 1
SELECT Id, ROW_NUMBER() OVER (ORDER BY n NULLS LAST, Id NULLS LAST) AS r FROM events ORDER
BY Id;
-- instead
SELECT Id, ROW_NUMBER() OVER (ORDER BY CASE WHEN n IS NULL THEN 1 ELSE 0 END, COALESCE(n,
0), Id) AS r FROM events ORDER BY Id;

-- form: ASC and DESC in one OVER
-- guard: ROW_NUMBER OVER cannot mix ASC and DESC; reverse the order of a number with 0 - …
-- engine: error: OVER does not (yet) support mixed asc/desc directions for ORDER BY
-- right: e1 | 4
-- right: e2 | 3
-- right: e3 | 1
-- right: e5 | 2
SELECT Id, ROW_NUMBER() OVER (ORDER BY UserId, n DESC) AS r FROM events WHERE n IS NOT NULL
ORDER BY Id;
-- instead
SELECT Id, ROW_NUMBER() OVER (ORDER BY UserId, 0 - n) AS r FROM events WHERE n IS NOT NULL
ORDER BY Id;

-- form: a frame of the last rows
-- guard: SUM OVER: this frame is not supported; write ORDER BY and ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
-- engine: error: only 'ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW' is currently s
-- right: e1 | 1
-- right: e2 | 3
-- right: e3 | 4
-- right: e4 | 2
-- right: e5 | -7
SELECT Id, SUM(n) OVER (ORDER BY Id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM
events ORDER BY Id;
-- instead
WITH a AS (SELECT Id, n, ROW_NUMBER() OVER (ORDER BY Id) AS r FROM events) SELECT x.Id,
SUM(y.n) AS s FROM a AS x JOIN a AS y ON x.r >= y.r WHERE y.r >= x.r - 1 GROUP BY x.Id ORDER
BY x.Id;

-- form: a frame with RANGE
-- guard: SUM OVER: this frame is not supported; write ORDER BY and ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
-- engine: error: RANGE-based window frames are not supported
-- right: e1 | 3
-- right: e2 | 3
-- right: e3 | 5
-- right: e4 | 5
-- right: e5 | -2
SELECT Id, SUM(n) OVER (ORDER BY local_date RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT
ROW) AS s FROM events ORDER BY Id;
-- instead
WITH a AS (SELECT local_date, SUM(n) AS n FROM events GROUP BY local_date), b AS (SELECT
local_date, SUM(n) OVER (ORDER BY local_date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT
ROW) AS s FROM a) SELECT e.Id, b.s FROM events AS e JOIN b ON e.local_date = b.local_date
ORDER BY e.Id;

-- form: a frame without an order
-- guard: SUM OVER: this frame is not supported; write ORDER BY and ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
-- engine: e1 | -2
-- engine: e2 | -2
-- engine: e3 | -2
-- engine: e4 | -2
-- engine: e5 | -2
-- right: e1 | 1
-- right: e2 | 3
-- right: e3 | 5
-- right: e4 | 5
-- right: e5 | -2
SELECT Id, SUM(n) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s FROM events
ORDER BY Id;
-- instead
SELECT Id, SUM(n) OVER (ORDER BY Id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS s
FROM events ORDER BY Id;

-- form: an order without a frame
-- guard: COUNT OVER (ORDER BY …) has no frame; write ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW after the order
-- engine: e1 | 1
-- engine: e2 | 2
-- engine: e3 | 3
-- engine: e4 | 4
-- engine: e5 | 5
-- right: e1 | 2
-- right: e2 | 2
-- right: e3 | 3
-- right: e4 | 4
-- right: e5 | 5
SELECT Id, COUNT(*) OVER (ORDER BY local_date) AS c FROM events ORDER BY Id;
-- instead
SELECT e.Id, COUNT(*) AS c FROM events AS e JOIN events AS f ON e.local_date >= f.local_date
GROUP BY e.Id ORDER BY e.Id;

-- form: an average with an order
-- guard: AVG OVER (ORDER BY …) would be calculated over the whole partition; join each row with the earlier rows and group
-- engine: e1 | -0.5
-- engine: e2 | -0.5
-- engine: e3 | -0.5
-- engine: e4 | -0.5
-- engine: e5 | -0.5
-- right: e1 | 1.0
-- right: e2 | 1.5
-- right: e3 | 1.6666666666666667
-- right: e4 | 1.6666666666666667
-- right: e5 | -0.5
SELECT Id, AVG(n) OVER (ORDER BY Id) AS a FROM events ORDER BY Id;
-- instead
SELECT Id, SUM(n) OVER (ORDER BY Id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) * 1.0
/ COUNT(n) OVER (ORDER BY Id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS a FROM
events ORDER BY Id;

-- form: a standard deviation with an order
-- guard: STDDEV OVER (ORDER BY …) would be calculated over the whole partition; join each row with the earlier rows and group
-- engine: e1 | 4.358898943540673
-- engine: e2 | 4.358898943540673
-- engine: e3 | 4.358898943540673
-- engine: e4 | 4.358898943540673
-- engine: e5 | 4.358898943540673
-- right: e1 | NULL
-- right: e2 | 0.7071067811865476
-- right: e3 | 0.5773502691896257
-- right: e4 | 0.5773502691896257
-- right: e5 | 4.358898943540673
SELECT Id, STDDEV(n) OVER (ORDER BY Id) AS a FROM events ORDER BY Id;
-- instead
SELECT x.Id, STDDEV(y.n) AS a FROM events AS x JOIN events AS y ON x.Id >= y.Id GROUP BY
x.Id ORDER BY x.Id;

-- form: a distinct count with an order
-- guard: COUNT OVER (ORDER BY …) would be calculated over the whole partition; join each row with the earlier rows and group
-- engine: e1 | 3
-- engine: e2 | 3
-- engine: e3 | 3
-- engine: e4 | 3
-- engine: e5 | 3
-- right: e1 | 1
-- right: e2 | 1
-- right: e3 | 2
-- right: e4 | 2
-- right: e5 | 3
SELECT Id, COUNT(DISTINCT UserId) OVER (ORDER BY Id) AS c FROM events ORDER BY Id;
-- instead
SELECT x.Id, COUNT(DISTINCT y.UserId) AS c FROM events AS x JOIN events AS y ON x.Id >= y.Id
GROUP BY x.Id ORDER BY x.Id;

-- form: a quantile with OVER
-- note: The engine ignores OVER. The same is true of CORR and of lists.
-- guard: QUANTILE_CONT OVER: the engine calculates it over all rows; group in a WITH, and join the groups
-- engine: e1 | 1.0
-- engine: e2 | 1.0
-- engine: e3 | 1.0
-- engine: e4 | 1.0
-- engine: e5 | 1.0
-- right: e1 | -1.0
-- right: e2 | 1.5
-- right: e3 | -1.0
-- right: e4 | NULL
-- right: e5 | 2.5
SELECT Id, QUANTILE_CONT(x, 0.5) OVER (PARTITION BY report_id) AS q FROM events ORDER BY Id;
-- instead
WITH a AS (SELECT report_id, QUANTILE_CONT(x, 0.5) AS q FROM events GROUP BY report_id) SELECT
e.Id, a.q FROM events AS e LEFT JOIN a ON e.report_id = a.report_id ORDER BY e.Id;

-- form: ROW_NUMBER without an order
-- note: Right here by chance: the rows of a small table in memory keep their order, those of a scan do not.
-- guard: ROW_NUMBER OVER has no order; write OVER (ORDER BY …)
-- engine: e1 | 1
-- engine: e2 | 2
-- engine: e3 | 3
-- engine: e4 | 4
-- engine: e5 | 5
-- right: e1 | 1
-- right: e2 | 2
-- right: e3 | 3
-- right: e4 | 4
-- right: e5 | 5
SELECT Id, ROW_NUMBER() OVER () AS r FROM events ORDER BY Id;
-- instead
SELECT Id, ROW_NUMBER() OVER (ORDER BY Id) AS r FROM events ORDER BY Id;

-- form: NTILE and other functions with OVER
-- guard: NTILE OVER is not supported; use ROW_NUMBER, RANK or an aggregate
-- engine: error: unsupported function 'ntile'
-- right: e1 | 1
-- right: e2 | 1
-- right: e3 | 1
-- right: e4 | 2
-- right: e5 | 2
SELECT Id, NTILE(2) OVER (ORDER BY Id) AS t FROM events ORDER BY Id;
-- instead
WITH a AS (SELECT Id, ROW_NUMBER() OVER (ORDER BY Id) AS r, COUNT(*) OVER () AS c FROM
events) SELECT Id, CASE WHEN r * 2 <= c + 1 THEN 1 ELSE 2 END AS t FROM a ORDER BY Id;

-- form: LAST_VALUE
-- note: DuckDB follows the standard: the frame ends at the current row.
-- guard: LAST_VALUE: engines disagree on its frame; write FIRST_VALUE with the reverse order
-- engine: e1 | e1
-- engine: e2 | e2
-- engine: e3 | e3
-- engine: e4 | e4
-- engine: e5 | e5
-- right: e1 | e2
-- right: e2 | e2
-- right: e3 | e3
-- right: e4 | e4
-- right: e5 | e5
-- duckdb: e1 | e1
-- duckdb: e2 | e2
-- duckdb: e3 | e3
-- duckdb: e4 | e4
-- duckdb: e5 | e5
SELECT Id, LAST_VALUE(Id) OVER (PARTITION BY UserId ORDER BY local_time) AS l FROM events
ORDER BY Id;
-- instead
SELECT Id, FIRST_VALUE(Id) OVER (PARTITION BY UserId ORDER BY local_time DESC) AS l FROM
events ORDER BY Id;


-- chapter: Randomness and current time

-- form: ANY_VALUE
-- guard: ANY_VALUE: returns a random row's value; write MIN or MAX
-- engine: error: unsupported function 'any_value'
-- right: e1
SELECT ANY_VALUE(Id) AS i FROM events WHERE UserId = 'ann';
-- instead
SELECT MIN(Id) AS i FROM events WHERE UserId = 'ann';

-- form: FIRST
-- note: Right here by chance: the rows of a small table in memory keep their order.
-- guard: FIRST: the rows have no order; write MIN or MAX, or number the rows with ROW_NUMBER in a WITH
-- engine: e1
-- right: e1
SELECT FIRST(Id) AS i FROM events WHERE UserId = 'ann';
-- instead
SELECT MIN(Id) AS i FROM events WHERE UserId = 'ann';

-- form: LAST
-- note: Right here by chance: the rows of a small table in memory keep their order.
-- guard: LAST: the rows have no order; write MIN or MAX, or number the rows with ROW_NUMBER in a WITH
-- engine: e2
-- right: e2
SELECT LAST(Id) AS i FROM events WHERE UserId = 'ann';
-- instead
SELECT MAX(Id) AS i FROM events WHERE UserId = 'ann';

-- form: STRING_AGG without an order
-- note: Right here by chance: the rows of a small table in memory keep their order.
-- guard: STRING_AGG needs an order; write STRING_AGG(… ORDER BY …)
-- engine: ann,ann,Bob,Zoë
-- right: ann,ann,Bob,Zoë
SELECT STRING_AGG(UserId, ',') AS s FROM events;
-- instead
SELECT STRING_AGG(UserId, ',' ORDER BY Id) AS s FROM events;

-- form: COVAR
-- note: COVAR is COVAR_SAMP.
-- guard: COVAR: the engine returns 0 for rows that have no pair of values; write AVG(a * b) - AVG(a) * AVG(b), and in WHERE a IS NOT NULL AND b IS NOT NULL
-- engine: 0.0
-- right: NULL
-- duckdb: error
SELECT COVAR(n, x) AS c FROM events WHERE Id = 'e4';
-- instead
WITH a AS (SELECT AVG(n * x) - AVG(n) * AVG(x) AS p, COUNT(*) AS c FROM events WHERE Id = 'e4' AND n IS NOT NULL AND x IS NOT NULL) SELECT CASE WHEN c > 1 THEN p * c / (c - 1) END AS c FROM a;

-- form: COVAR_POP
-- guard: COVAR_POP: the engine returns 0 for rows that have no pair of values; write AVG(a * b) - AVG(a) * AVG(b), and in WHERE a IS NOT NULL AND b IS NOT NULL
-- engine: 0.0
-- right: NULL
SELECT COVAR_POP(n, x) AS c FROM events WHERE Id = 'e4';
-- instead
SELECT AVG(n * x) - AVG(n) * AVG(x) AS c FROM events WHERE Id = 'e4' AND n IS NOT NULL AND x IS NOT NULL;

-- form: COVAR_SAMP
-- guard: COVAR_SAMP: the engine returns 0 for rows that have no pair of values; write AVG(a * b) - AVG(a) * AVG(b), and in WHERE a IS NOT NULL AND b IS NOT NULL
-- engine: 0.0
-- right: NULL
SELECT COVAR_SAMP(n, x) AS c FROM events WHERE Id = 'e4';
-- instead
WITH a AS (SELECT AVG(n * x) - AVG(n) * AVG(x) AS p, COUNT(*) AS c FROM events WHERE Id = 'e4' AND n IS NOT NULL AND x IS NOT NULL) SELECT CASE WHEN c > 1 THEN p * c / (c - 1) END AS c FROM a;

-- form: RANDOM
-- note: A random result is not a report.
-- guard: RANDOM: results must be the same every time
-- engine: error: unsupported function 'random'
-- duckdb: chance
SELECT RANDOM() AS r FROM reports;

-- form: RAND
-- note: A random result is not a report.
-- guard: RAND: results must be the same every time
-- engine: error: unsupported function 'rand'
-- duckdb: chance
SELECT RAND() AS r FROM reports;

-- form: UUID
-- note: A random result is not a report.
-- guard: UUID: results must be the same every time
-- engine: error: unsupported function 'uuid'
-- duckdb: chance
SELECT UUID() AS r FROM reports;

-- form: GEN_RANDOM_UUID
-- note: A random result is not a report.
-- guard: GEN_RANDOM_UUID: results must be the same every time
-- engine: error: unsupported function 'gen_random_uuid'
-- duckdb: chance
SELECT GEN_RANDOM_UUID() AS r FROM reports;

-- form: NOW
-- guard: NOW: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'now'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > NOW();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: TODAY
-- guard: TODAY: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'today'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > TODAY();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: CLOCK_TIMESTAMP
-- guard: CLOCK_TIMESTAMP: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'clock_timestamp'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > CLOCK_TIMESTAMP();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: TRANSACTION_TIMESTAMP
-- guard: TRANSACTION_TIMESTAMP: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'transaction_timestamp'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > TRANSACTION_TIMESTAMP();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: GETDATE
-- guard: GETDATE: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'getdate'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > GETDATE();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: SYSDATE
-- guard: SYSDATE: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'sysdate'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > SYSDATE();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: CURDATE
-- guard: CURDATE: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'curdate'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > CURDATE();
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: CURRENT_DATE
-- guard: CURRENT_DATE: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'current_date'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > CURRENT_DATE;
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: CURRENT_TIME
-- guard: CURRENT_TIME: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'current_time'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > CURRENT_TIME;
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: CURRENT_TIMESTAMP
-- guard: CURRENT_TIMESTAMP: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'current_timestamp'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > CURRENT_TIMESTAMP;
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: LOCALTIME
-- guard: LOCALTIME: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'localtime'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > LOCALTIME;
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';

-- form: LOCALTIMESTAMP
-- guard: LOCALTIMESTAMP: an archive has no current time; CURRENT_DATE is the last day of the period
-- engine: error: unsupported function 'localtimestamp'
-- right: 2
-- duckdb: chance
SELECT COUNT(*) AS c FROM events WHERE local_time > LOCALTIMESTAMP;
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date > DATE '2026-03-07';


-- chapter: Values

-- form: DATE_TRUNC
-- note: Replaced by the form below before the guard, if the unit is a constant: day, month or year.
-- guard: DATE_TRUNC: is not supported; use the columns local_date, local_week or local_month
-- engine: error: unsupported function 'date_trunc'
-- right: 2026-03-01 | 5
-- duckdb: 2026-03-01 00:00:00 | 5
SELECT DATE_TRUNC('month', local_date) AS m, COUNT(*) AS c FROM events GROUP BY
DATE_TRUNC('month', local_date);
-- instead
SELECT CAST(STRFTIME(local_date, '%Y-%m-01') AS DATE) AS m, COUNT(*) AS c FROM events GROUP
BY CAST(STRFTIME(local_date, '%Y-%m-01') AS DATE);

-- form: TIME_BUCKET
-- note: The views have `local_date`, `local_week` and `local_month`.
-- guard: TIME_BUCKET: is not supported; use the columns local_date, local_week or local_month
-- engine: error: unsupported function 'time_bucket'
-- duckdb: 2026-02-23
-- duckdb: 2026-02-23
-- duckdb: 2026-03-02
-- duckdb: 2026-03-02
-- duckdb: 2026-03-09
SELECT TIME_BUCKET(INTERVAL '7 days', local_date) AS w FROM events;

-- form: DATE_PART
-- note: Right here, where the product has 64 bits; the part alone has 8 bits in the engine. Replaced by the form below before the guard, if the unit is a constant.
-- guard: DATE_PART: returns a number that is too narrow for calculations; write EXTRACT(… FROM …)
-- engine: e1 | 480
-- engine: e2 | 540
-- engine: e3 | 480
-- engine: e4 | 1380
-- engine: e5 | 0
-- right: e1 | 480
-- right: e2 | 540
-- right: e3 | 480
-- right: e4 | 1380
-- right: e5 | 0
SELECT Id, DATE_PART('hour', local_time) * 60 AS m FROM events ORDER BY Id;
-- instead
SELECT Id, EXTRACT(HOUR FROM local_time) * 60 AS m FROM events ORDER BY Id;

-- form: UNNEST
-- note: An empty list keeps its row here and has no row elsewhere. The view `recipients` has a row for each recipient in a list.
-- guard: UNNEST: lists cannot be expanded to rows; the view `recipients` has a row for each recipient in a list
-- engine: e1 | a
-- engine: e1 | b
-- engine: e2 | NULL
-- engine: e3 | NULL
-- engine: e4 | c
-- engine: e5 | a
-- duckdb: e1 | a
-- duckdb: e1 | b
-- duckdb: e4 | c
-- duckdb: e5 | a
SELECT Id, UNNEST(Items) AS i FROM events;

-- form: UNNEST in FROM
-- note: The view `recipients` has a row for each recipient in a list.
-- guard: UNNEST: lists cannot be expanded to rows; the view `recipients` has a row for each recipient in a list
-- engine: error: no table or struct column named 'i' found
-- duckdb: e1 | a
-- duckdb: e1 | b
-- duckdb: e4 | c
-- duckdb: e5 | a
SELECT e.Id, i.item FROM events AS e CROSS JOIN UNNEST(e.Items) AS i(item);

-- form: EXPLODE
-- note: The view `recipients` has a row for each recipient in a list.
-- guard: EXPLODE: lists cannot be expanded to rows; the view `recipients` has a row for each recipient in a list
-- engine: error: unsupported function 'explode'
-- duckdb: error
SELECT EXPLODE(Items) AS i FROM events;

-- form: IS NOT TRUE
-- guard: engines disagree on nulls in IS [NOT] TRUE and IS [NOT] FALSE; write COALESCE(…, FALSE)
-- engine: e2
-- engine: e5
-- right: e2
-- right: e3
-- right: e5
SELECT Id FROM events WHERE IsSuccess IS NOT TRUE ORDER BY Id;
-- instead
SELECT Id FROM events WHERE NOT COALESCE(IsSuccess, FALSE) ORDER BY Id;

-- form: IS NOT FALSE
-- guard: engines disagree on nulls in IS [NOT] TRUE and IS [NOT] FALSE; write COALESCE(…, FALSE)
-- engine: e1
-- engine: e4
-- right: e1
-- right: e3
-- right: e4
SELECT Id FROM events WHERE IsSuccess IS NOT FALSE ORDER BY Id;
-- instead
SELECT Id FROM events WHERE COALESCE(IsSuccess, TRUE) ORDER BY Id;

-- form: IS TRUE
-- guard: engines disagree on nulls in IS [NOT] TRUE and IS [NOT] FALSE; write COALESCE(…, FALSE)
-- engine: e1 | true
-- engine: e2 | false
-- engine: e3 | NULL
-- engine: e4 | true
-- engine: e5 | false
-- right: e1 | true
-- right: e2 | false
-- right: e3 | false
-- right: e4 | true
-- right: e5 | false
SELECT Id, IsSuccess IS TRUE AS t FROM events ORDER BY Id;
-- instead
SELECT Id, COALESCE(IsSuccess, FALSE) AS t FROM events ORDER BY Id;

-- form: IS FALSE
-- guard: engines disagree on nulls in IS [NOT] TRUE and IS [NOT] FALSE; write COALESCE(…, FALSE)
-- engine: e1 | false
-- engine: e2 | true
-- engine: e3 | NULL
-- engine: e4 | false
-- engine: e5 | true
-- right: e1 | false
-- right: e2 | true
-- right: e3 | false
-- right: e4 | false
-- right: e5 | true
SELECT Id, IsSuccess IS FALSE AS f FROM events ORDER BY Id;
-- instead
SELECT Id, NOT COALESCE(IsSuccess, TRUE) AS f FROM events ORDER BY Id;

-- form: a SELECT as a value
-- guard: a SELECT cannot be used as a value; compute it in a WITH and CROSS JOIN it, or write IN
-- engine: error: subquery comparisons with '=' are not supported; use 'IN' instead
-- right: e2
-- right: e3
SELECT Id FROM events WHERE n = (SELECT MAX(n) FROM events) ORDER BY Id;
-- instead
WITH m AS (SELECT MAX(n) AS m FROM events) SELECT e.Id FROM events AS e CROSS JOIN m WHERE
e.n = m.m ORDER BY e.Id;

-- form: a function without FROM
-- guard: a function without FROM returns no row; write FROM period, a view with one row
-- engine: no rows
-- right: 5000.0
SELECT EXTRACT(MILLISECOND FROM TIMESTAMP '2026-03-01 08:30:05') AS a;
-- instead
SELECT EXTRACT(MILLISECOND FROM TIMESTAMP '2026-03-01 08:30:05') AS a FROM reports WHERE
report_id = 'r1';

-- form: a text with a prefix
-- guard: _utf8 'a' is not supported
-- engine: error: expression Prefixed { prefix: Ident { value: "_utf8", quote_style: Non
-- right: a
-- right: a
-- right: a
-- duckdb: error
SELECT _utf8'a' AS a FROM reports;
-- instead
SELECT 'a' AS a FROM reports;

-- form: a lambda
-- note: No view needs one.
-- guard: passes
-- engine: error: unsupported function 'list_transform'
-- duckdb: NULL
-- duckdb: ["A","B"]
-- duckdb: ["A"]
-- duckdb: ["C"]
-- duckdb: []
SELECT LIST_TRANSFORM(Items, i -> UPPER(i)) AS u FROM events;

-- form: % of a negative number
-- note: Right here, like the replacement; in DuckDB and Spark the remainder has the sign of the first number.
-- guard: %: engines disagree on the sign of the remainder of a negative number; write a - b * FLOOR(a / b)
-- engine: e1 | 1
-- engine: e2 | 2
-- engine: e3 | 2
-- engine: e4 | NULL
-- engine: e5 | 2
-- right: e1 | 1.0
-- right: e2 | 2.0
-- right: e3 | 2.0
-- right: e4 | NULL
-- right: e5 | 2.0
-- duckdb: e1 | 1
-- duckdb: e2 | 2
-- duckdb: e3 | 2
-- duckdb: e4 | NULL
-- duckdb: e5 | -1
SELECT Id, n % 3 AS r FROM events ORDER BY Id;
-- instead
SELECT Id, n - 3 * FLOOR(n / 3) AS r FROM events ORDER BY Id;

-- form: MOD
-- note: As above.
-- guard: MOD: engines disagree on the sign of the remainder of a negative number; write a - b * FLOOR(a / b)
-- engine: e1 | 1
-- engine: e2 | 2
-- engine: e3 | 2
-- engine: e4 | NULL
-- engine: e5 | 2
-- right: e1 | 1.0
-- right: e2 | 2.0
-- right: e3 | 2.0
-- right: e4 | NULL
-- right: e5 | 2.0
-- duckdb: e1 | 1
-- duckdb: e2 | 2
-- duckdb: e3 | 2
-- duckdb: e4 | NULL
-- duckdb: e5 | -1
SELECT Id, MOD(n, 3) AS r FROM events ORDER BY Id;
-- instead
SELECT Id, n - 3 * FLOOR(n / 3) AS r FROM events ORDER BY Id;

-- form: // of a negative number
-- guard: //: engines disagree on rounding of negative numbers; write FLOOR(a / b)
-- engine: e1 | 0
-- engine: e2 | 1
-- engine: e3 | 1
-- engine: e4 | NULL
-- engine: e5 | -4
-- right: e1 | 0.0
-- right: e2 | 1.0
-- right: e3 | 1.0
-- right: e4 | NULL
-- right: e5 | -4.0
-- duckdb: e1 | 0
-- duckdb: e2 | 1
-- duckdb: e3 | 1
-- duckdb: e4 | NULL
-- duckdb: e5 | -3
SELECT Id, n // 2 AS h FROM events ORDER BY Id;
-- instead
SELECT Id, FLOOR(n / 2) AS h FROM events ORDER BY Id;

-- form: LOG with a base
-- guard: LOG: engines disagree on the position of the base; write LN(x) / LN(base)
-- engine: 0.33333333333333337
-- engine: 0.33333333333333337
-- engine: 0.33333333333333337
-- right: 3.0
-- right: 3.0
-- right: 3.0
SELECT LOG(2, 8) AS l FROM reports;
-- instead
SELECT LN(8) / LN(2) AS l FROM reports;

-- form: STRPOS
-- guard: STRPOS: the engine counts bytes, others count characters; write LENGTH(SPLIT_PART(text, part, 1)) + 1 if LIKE finds the part
-- engine: e1 | 2 | 5
-- engine: e2 | 2 | 5
-- engine: e3 | 0 | 5
-- engine: e4 | 0 | 5
-- engine: e5 | 0 | 5
-- right: e1 | 2 | 4
-- right: e2 | 2 | 4
-- right: e3 | 0 | 4
-- right: e4 | NULL | 4
-- right: e5 | 0 | 4
SELECT Id, STRPOS(UserId, 'n') AS p, STRPOS('Zoëx', 'x') AS q FROM events ORDER BY Id;
-- instead
SELECT Id, CASE WHEN UserId LIKE '%n%' THEN LENGTH(SPLIT_PART(UserId, 'n', 1)) + 1 WHEN
UserId IS NOT NULL THEN 0 END AS p, LENGTH(SPLIT_PART('Zoëx', 'x', 1)) + 1 AS q FROM events
ORDER BY Id;

-- form: POSITION
-- guard: POSITION: the engine counts bytes, others count characters; write LENGTH(SPLIT_PART(text, part, 1)) + 1 if LIKE finds the part
-- engine: 5
-- engine: 5
-- engine: 5
-- right: 4
-- right: 4
-- right: 4
SELECT POSITION('x' IN 'Zoëx') AS p FROM reports;
-- instead
SELECT LENGTH(SPLIT_PART('Zoëx', 'x', 1)) + 1 AS p FROM reports;

-- form: SUBSTR with a negative start
-- guard: SUBSTRING with a negative start returns the whole text; write RIGHT(…, n)
-- engine: e1 | ann
-- engine: e2 | ann
-- engine: e3 | Bob
-- engine: e4 | NULL
-- engine: e5 | Zoë
-- right: e1 | nn
-- right: e2 | nn
-- right: e3 | ob
-- right: e4 | NULL
-- right: e5 | oë
SELECT Id, SUBSTR(UserId, -2) AS e FROM events ORDER BY Id;
-- instead
SELECT Id, RIGHT(UserId, 2) AS e FROM events ORDER BY Id;

-- form: SUBSTRING … FROM a negative start
-- guard: SUBSTRING with a negative start returns the whole text; write RIGHT(…, n)
-- engine: e1 | ann
-- engine: e2 | ann
-- engine: e3 | Bob
-- engine: e4 | NULL
-- engine: e5 | Zoë
-- right: e1 | nn
-- right: e2 | nn
-- right: e3 | ob
-- right: e4 | NULL
-- right: e5 | oë
SELECT Id, SUBSTRING(UserId FROM -2) AS e FROM events ORDER BY Id;
-- instead
SELECT Id, RIGHT(UserId, 2) AS e FROM events ORDER BY Id;

-- form: values of two kinds in VALUES
-- guard: VALUES has a whole number and a fraction in one column, and the engine changes the second; write all alike, for example 1.0 for 1
-- engine: 1
-- engine: 2
-- right: 1.0
-- right: 2.5
SELECT k FROM (VALUES (1), (2.5)) AS v (k);
-- instead
SELECT k FROM (VALUES (1.0), (2.5)) AS v (k);

-- form: a date that does not exist
-- guard: DATE '2026-02-29' is not a day of the calendar; write a day as DATE '2026-03-31'
-- engine: 0
-- right: 5
-- duckdb: error
SELECT COUNT(*) AS c FROM events WHERE local_date >= DATE '2026-02-29';
-- instead
SELECT COUNT(*) AS c FROM events WHERE local_date >= DATE '2026-03-01';

-- form: fields of STRFTIME that depend on the engine
-- guard: STRFTIME with %x: engines disagree on this field; write the parts, for example %Y-%m-%d %H:%M:%S
-- engine: 03/01/26
-- right: 2026-03-01
SELECT STRFTIME(local_time, '%x') AS t FROM events WHERE Id = 'e1';
-- instead
SELECT STRFTIME(local_time, '%Y-%m-%d') AS t FROM events WHERE Id = 'e1';

-- form: the empty text in REPLACE
-- guard: REPLACE of the empty text adds the new text between all characters; write the text alone
-- engine: e1 | -a-n-n-
-- engine: e2 | -a-n-n-
-- engine: e3 | -B-o-b-
-- engine: e4 | NULL
-- engine: e5 | -Z-o-ë-
-- right: e1 | ann
-- right: e2 | ann
-- right: e3 | Bob
-- right: e4 | NULL
-- right: e5 | Zoë
SELECT Id, REPLACE(UserId, '', '-') AS r FROM events ORDER BY Id;
-- instead
SELECT Id, UserId AS r FROM events ORDER BY Id;

-- form: an integer beyond 64 bits
-- guard: 9223372036854775808 does not fit into an integer of 64 bits; write it as a fraction, 9223372036854775808.0
-- engine: error: cannot parse literal: "9223372036854775808"
-- right: e1 | true
-- right: e2 | true
-- right: e3 | true
-- right: e4 | NULL
-- right: e5 | true
SELECT Id, n < 9223372036854775808 AS s FROM events ORDER BY Id;
-- instead
SELECT Id, n < 9223372036854775808.0 AS s FROM events ORDER BY Id;

-- form: a regular expression after ~
-- note: Here a part of the text may match; in DuckDB the whole text must match, and Spark has no such operator.
-- guard: ~: engines disagree on whether the whole text must match; write LIKE
-- engine: e1
-- engine: e2
-- right: e1
-- right: e2
-- duckdb: no rows
SELECT Id FROM events WHERE UserId ~ '^a' ORDER BY Id;
-- instead
SELECT Id FROM events WHERE UserId LIKE 'a%' ORDER BY Id;


-- chapter: Rewritten before the engine runs

-- form: a count minus a number
-- note: Right here, because counts are cast to BIGINT first: the engine counts in unsigned 32 bits.
-- guard: passes
-- engine: -5
-- right: -5
SELECT COUNT(*) - 10 AS c FROM events;
-- instead
SELECT CAST(COUNT(*) AS BIGINT) - 10 AS c FROM events;

-- form: an hour in minutes
-- note: Right here, because parts of times are cast to BIGINT first: an hour has 8 bits in the engine.
-- guard: passes
-- engine: e1 | 480
-- engine: e2 | 540
-- engine: e3 | 480
-- engine: e4 | 1380
-- engine: e5 | 0
-- right: e1 | 480
-- right: e2 | 540
-- right: e3 | 480
-- right: e4 | 1380
-- right: e5 | 0
SELECT Id, EXTRACT(HOUR FROM local_time) * 60 AS m FROM events ORDER BY Id;
-- instead
SELECT Id, CAST(EXTRACT(HOUR FROM local_time) AS BIGINT) * 60 AS m FROM events ORDER BY Id;

-- form: a sum over CASE
-- note: Right here, because integers in CASE are cast to BIGINT first: the engine sums 32-bit numbers in 32 bits.
-- guard: passes
-- engine: 6000000000
-- right: 6000000000
SELECT SUM(CASE WHEN n > 0 THEN 2000000000 ELSE 0 END) AS s FROM events;
-- instead
SELECT SUM(CASE WHEN n > 0 THEN CAST(2000000000 AS BIGINT) ELSE 0 END) AS s FROM events;

-- form: a cast to INTEGER
-- note: Right here, because a cast to a narrower type becomes a cast to BIGINT.
-- guard: passes
-- engine: 5000000000
-- right: 5000000000
SELECT SUM(CAST(n AS INTEGER)) * 1000000000 AS s FROM events WHERE n > 0;
-- instead
SELECT SUM(CAST(n AS BIGINT)) * 1000000000 AS s FROM events WHERE n > 0;

-- form: division by a constant
-- note: Right here, because the division is replaced: the engine multiplies by the reciprocal, which makes 49 / 49.0 less than 1.
-- guard: passes
-- engine: e1 | 1.0
-- engine: e2 | 2.0
-- engine: e3 | 2.0
-- engine: e4 | NULL
-- engine: e5 | -7.0
-- right: e1 | 1.0
-- right: e2 | 2.0
-- right: e3 | 2.0
-- right: e4 | NULL
-- right: e5 | -7.0
SELECT Id, FLOOR(n * 49 / 49.0) AS f FROM events ORDER BY Id;
-- instead
SELECT Id, CAST(n AS DOUBLE) AS f FROM events ORDER BY Id;

-- form: RIGHT of a shorter text
-- note: Right here, because RIGHT and LEFT are replaced: RIGHT of the engine shortens a text that is already shorter.
-- guard: passes
-- engine: e1 | ann
-- engine: e2 | ann
-- engine: e3 | Bob
-- engine: e4 | NULL
-- engine: e5 | Zoë
-- right: e1 | ann
-- right: e2 | ann
-- right: e3 | Bob
-- right: e4 | NULL
-- right: e5 | Zoë
SELECT Id, RIGHT(UserId, 4) AS r FROM events ORDER BY Id;
-- instead
SELECT Id, CASE WHEN LENGTH(UserId) < 4 THEN UserId ELSE RIGHT(UserId, 4) END AS r FROM events ORDER BY Id;

-- form: LEFT without characters
-- note: Right here, because RIGHT and LEFT are replaced: the result of the engine is not null for a null.
-- guard: passes
-- engine: e4 | NULL
-- engine: e5 | ''
-- right: e4 | NULL
-- right: e5 | ''
SELECT Id, LEFT(UserId, 0) AS l FROM events WHERE Id > 'e3' ORDER BY Id;
-- instead
SELECT Id, CASE WHEN UserId IS NOT NULL THEN '' END AS l FROM events WHERE Id > 'e3' ORDER BY Id;

-- form: a power of an integer
-- note: Right here, because POWER calculates with fractions: the engine calculates in 64 bits and discards the rest.
-- guard: passes
-- engine: 1e20
-- right: 1e20
SELECT POWER(n * 5000000000, 2) AS p FROM events WHERE Id = 'e2';
-- instead
SELECT POWER(CAST(n * 5000000000 AS DOUBLE), 2) AS p FROM events WHERE Id = 'e2';

-- form: SUM of a constant
-- note: Right here, because it becomes the constant times the number of rows: the sum of the engine is the constant.
-- guard: passes
-- engine: 10 | 5
-- right: 10 | 5
SELECT SUM(2) AS s, COUNT(2) AS c FROM events;
-- instead
SELECT COUNT(*) * 2 AS s, COUNT(*) AS c FROM events;

-- form: a number of 32 bits
-- note: Right here, because numbers are calculated in 64 bits: a constant has 32 bits in the engine.
-- guard: passes
-- engine: 4000000000
-- right: 4000000000
-- duckdb: error
WITH a AS (SELECT 2000000000 AS k FROM days WHERE n = 0) SELECT k * 2 AS k FROM a;
-- instead
WITH a AS (SELECT CAST(2000000000 AS BIGINT) AS k FROM days WHERE n = 0) SELECT k * 2 AS k FROM a;

-- form: a sum of Booleans
-- note: Right here, because the values are cast to BIGINT first: the engine sums them as unsigned 32-bit numbers.
-- guard: passes
-- engine: -8
-- right: -8
SELECT SUM(CAST(IsSuccess AS BIGINT)) - 10 AS s FROM events;
-- instead
SELECT COUNT(CASE WHEN IsSuccess THEN 1 END) - 10 AS s FROM events;

-- form: a table of one row whose columns are not read
-- note: Right here, because the aggregate gets DISTINCT: the engine removes it, and joins every event.
-- guard: passes
-- engine: 3
-- right: 3
SELECT COUNT(*) AS c FROM days CROSS JOIN (SELECT MAX(n) AS m FROM events) AS e;
-- instead
SELECT COUNT(*) AS c FROM days;

-- form: hours added to a date
-- note: Right here, because the date becomes a time first: the engine adds only whole days to a date.
-- guard: passes
-- engine: e1 | 2026-03-01 02:00:00
-- right: e1 | 2026-03-01 02:00:00
SELECT Id, local_date + INTERVAL '2 hours' AS t FROM events WHERE Id = 'e1';
-- instead
SELECT Id, CAST(local_date AS TIMESTAMP) + INTERVAL '2 hours' AS t FROM events WHERE Id = 'e1';

-- form: NaN in GREATEST
-- note: Right here, because the arguments are tested for NaN, which the engine ignores.
-- guard: passes
-- engine: NaN
-- right: NaN
SELECT GREATEST(0.0 / (n - 1), 5.0) AS g FROM events WHERE Id = 'e1';
-- instead
SELECT CASE WHEN n = 1 THEN 0.0 / 0.0 ELSE 5.0 END AS g FROM events WHERE Id = 'e1';

-- form: spaces around a text
-- note: Right here, because TRIM removes spaces only, as in Spark: that of the engine removes all white space, and DuckDB removes all kinds of spaces, but no tabs.
-- guard: passes
-- engine: 3
-- right: 3
-- duckdb: 2
SELECT LENGTH(TRIM(CONCAT(' ', report_id, '  '))) AS c FROM reports WHERE report_id = 'r1';
-- instead
SELECT LENGTH(report_id) + 1 AS c FROM reports WHERE report_id = 'r1';

-- form: integers beyond 64 bits
-- note: An error here, as in DuckDB, because the operation is replaced: the engine discards what does not fit. A condition around the operation does not prevent the error.
-- guard: passes
-- engine: error: 2 * 9223372036854775807 does not fit into an integer of 64 bits; write
-- right: e1 | 9.223372036854776e18
-- right: e2 | 1.8446744073709552e19
-- right: e3 | 1.8446744073709552e19
-- right: e4 | NULL
-- right: e5 | -6.456360425798343e19
-- duckdb: error
SELECT Id, n * 9223372036854775807 AS b FROM events ORDER BY Id;
-- instead
SELECT Id, CAST(n AS DOUBLE) * 9223372036854775807 AS b FROM events ORDER BY Id;

-- form: a result of constants beyond 64 bits
-- note: An error here, as in DuckDB: the engine calculates constants in 128 bits, and no file can contain that.
-- guard: passes
-- engine: error: 18446744073709551614 does not fit into an integer of 64 bits; write CA
-- right: 1.8446744073709552e19
-- duckdb: error
SELECT 9223372036854775807 * 2 AS b FROM reports WHERE report_id = 'r1';
-- instead
SELECT CAST(9223372036854775807 AS DOUBLE) * 2 AS b FROM reports WHERE report_id = 'r1';

-- form: a sum beyond 64 bits
-- note: An error here, because the sum is checked: the engine discards what does not fit. DuckDB has integers of 128 bits.
-- guard: passes
-- engine: error: a SUM of about 2.305843009213694e19 does not fit into an integer of 64
-- right: 2.305843009213694e19
-- duckdb: 23058430092136939515
SELECT SUM(n * 4611686018427387903) AS s FROM events WHERE n = 1 OR n = 2 OR Id = 'e3';
-- instead
SELECT SUM(CAST(n AS DOUBLE) * 4611686018427387903) AS s FROM events WHERE n = 1 OR n = 2 OR Id = 'e3';


-- chapter: Documented differences that are not refused

-- form: nulls in an order
-- note: Engines disagree on the default position of nulls. A test requires `NULLS LAST` in reports.
-- guard: passes
-- engine: e4
-- engine: e2
-- engine: e3
-- engine: e1
-- engine: e5
-- right: e2
-- right: e3
-- right: e1
-- right: e5
-- right: e4
SELECT Id FROM events ORDER BY n DESC, Id;
-- instead
SELECT Id FROM events ORDER BY n DESC NULLS LAST, Id;

-- form: nulls in the order of OVER
-- note: Nulls are the smallest values here and the greatest elsewhere, for ASC and DESC.
-- guard: passes
-- engine: e1 | 3
-- engine: e2 | 4
-- engine: e3 | 5
-- engine: e4 | 1
-- engine: e5 | 2
-- right: e1 | 2
-- right: e2 | 3
-- right: e3 | 4
-- right: e4 | 5
-- right: e5 | 1
SELECT Id, ROW_NUMBER() OVER (ORDER BY n, Id) AS r FROM events ORDER BY Id;
-- instead
SELECT Id, ROW_NUMBER() OVER (ORDER BY CASE WHEN n IS NULL THEN 1 ELSE 0 END, COALESCE(n,
0), Id) AS r FROM events ORDER BY Id;

-- form: nulls in the only key of RANK
-- note: Nulls have no rank here.
-- guard: passes
-- engine: e1 | 2
-- engine: e2 | 3
-- engine: e3 | 3
-- engine: e4 | NULL
-- engine: e5 | 1
-- right: e1 | 2
-- right: e2 | 3
-- right: e3 | 3
-- right: e4 | 5
-- right: e5 | 1
SELECT Id, RANK() OVER (ORDER BY n) AS r FROM events ORDER BY Id;
-- instead
SELECT Id, RANK() OVER (ORDER BY COALESCE(n, 99)) AS r FROM events ORDER BY Id;

-- form: halves in ROUND
-- note: Halves are rounded to the even number here, and away from zero elsewhere.
-- guard: passes
-- engine: e1 | 0.0
-- engine: e2 | 2.0
-- engine: e3 | -2.0
-- engine: e4 | NULL
-- engine: e5 | 2.0
-- right: e1 | 1.0
-- right: e2 | 2.0
-- right: e3 | -3.0
-- right: e4 | NULL
-- right: e5 | 3.0
SELECT Id, ROUND(x) AS r FROM events ORDER BY Id;
-- instead
SELECT Id, CASE WHEN x < 0 THEN CEIL(x - 0.5) ELSE FLOOR(x + 0.5) END AS r FROM events ORDER
BY Id;

-- form: a fraction cast to an integer
-- note: The fraction is truncated here and in Spark, and rounded in DuckDB.
-- guard: passes
-- engine: e1 | 0
-- engine: e2 | 1
-- engine: e3 | -2
-- engine: e4 | NULL
-- engine: e5 | 2
-- right: e1 | 0
-- right: e2 | 1
-- right: e3 | -3
-- right: e4 | NULL
-- right: e5 | 2
-- duckdb: e1 | 0
-- duckdb: e2 | 2
-- duckdb: e3 | -2
-- duckdb: e4 | NULL
-- duckdb: e5 | 2
SELECT Id, CAST(x AS BIGINT) AS w FROM events ORDER BY Id;
-- instead
SELECT Id, CAST(FLOOR(x) AS BIGINT) AS w FROM events ORDER BY Id;

-- form: a text that is not an integer
-- note: Here only digits are an integer; DuckDB rounds fractions and removes spaces.
-- guard: passes
-- engine: NULL | NULL
-- engine: NULL | NULL
-- engine: NULL | NULL
-- right: 1.0 | 7
-- right: 1.0 | 7
-- right: 1.0 | 7
-- duckdb: 2 | 7
-- duckdb: 2 | 7
-- duckdb: 2 | 7
SELECT TRY_CAST('1.5' AS BIGINT) AS a, TRY_CAST(' 7 ' AS BIGINT) AS b FROM reports;
-- instead
SELECT FLOOR(TRY_CAST('1.5' AS DOUBLE)) AS a, TRY_CAST(TRIM(' 7 ') AS BIGINT) AS b FROM
reports;

-- form: a time as text
-- guard: passes
-- engine: e1 | 2026-03-01 08:30:00.000000
-- engine: e2 | 2026-03-01 09:15:30.000000
-- engine: e3 | 2026-03-02 08:30:00.000000
-- engine: e4 | 2026-03-08 23:59:59.000000
-- engine: e5 | 2026-03-09 00:00:00.000000
-- right: e1 | 2026-03-01 08:30:00
-- right: e2 | 2026-03-01 09:15:30
-- right: e3 | 2026-03-02 08:30:00
-- right: e4 | 2026-03-08 23:59:59
-- right: e5 | 2026-03-09 00:00:00
SELECT Id, CAST(local_time AS VARCHAR) AS t FROM events ORDER BY Id;
-- instead
SELECT Id, STRFTIME(local_time, '%Y-%m-%d %H:%M:%S') AS t FROM events ORDER BY Id;

-- form: days between two dates
-- note: Engines have different types for a difference of times.
-- guard: passes
-- engine: e1 | 0µs
-- engine: e2 | 0µs
-- engine: e3 | 1d
-- engine: e4 | 7d
-- engine: e5 | 8d
-- right: e1 | 0
-- right: e2 | 0
-- right: e3 | 1
-- right: e4 | 7
-- right: e5 | 8
SELECT Id, local_date - DATE '2026-03-01' AS d FROM events ORDER BY Id;
-- instead
SELECT Id, CAST((EXTRACT(EPOCH FROM CAST(local_date AS TIMESTAMP)) - EXTRACT(EPOCH FROM
TIMESTAMP '2026-03-01 00:00:00')) / 86400 AS BIGINT) AS d FROM events ORDER BY Id;

-- form: a day plus an interval
-- note: The day is the same; DuckDB adds a time of day.
-- guard: passes
-- engine: e1 | 2026-03-02
-- engine: e2 | 2026-03-02
-- engine: e3 | 2026-03-03
-- engine: e4 | 2026-03-09
-- engine: e5 | 2026-03-10
-- right: e1 | 2026-03-02
-- right: e2 | 2026-03-02
-- right: e3 | 2026-03-03
-- right: e4 | 2026-03-09
-- right: e5 | 2026-03-10
-- duckdb: e1 | 2026-03-02 00:00:00
-- duckdb: e2 | 2026-03-02 00:00:00
-- duckdb: e3 | 2026-03-03 00:00:00
-- duckdb: e4 | 2026-03-09 00:00:00
-- duckdb: e5 | 2026-03-10 00:00:00
SELECT Id, local_date + INTERVAL '1 day' AS d FROM events ORDER BY Id;
-- instead
SELECT Id, CAST(local_date + INTERVAL '1 day' AS DATE) AS d FROM events ORDER BY Id;

-- form: inexact fractions
-- note: Fractions are floating-point numbers here and in Spark's DOUBLE; a fraction literal is exact in DuckDB.
-- guard: passes
-- engine: false
-- engine: false
-- engine: false
-- right: true
-- right: true
-- right: true
SELECT 0.1 + 0.2 = 0.3 AS e FROM reports;
-- instead
SELECT ABS(0.1 + 0.2 - 0.3) < 0.000001 AS e FROM reports;

-- form: characters that become several
-- note: UPPER and LOWER follow Unicode, where ß becomes SS, and İ an i with a dot above; DuckDB maps each character to one.
-- guard: passes
-- engine: STRASSE | 2
-- right: STRASSE | 2
-- duckdb: STRAẞE | 1
SELECT UPPER('straße') AS u, LENGTH(LOWER('İ')) AS l FROM reports WHERE report_id = 'r1';
-- instead
SELECT REPLACE(UPPER('straße'), 'ẞ', 'SS') AS u, CASE WHEN LOWER('İ') = 'i' THEN 2 ELSE LENGTH(LOWER('İ')) END AS l FROM reports WHERE report_id = 'r1';

-- form: ILIKE of special characters
-- note: ILIKE ignores the case of characters that Unicode folds to one other. Here İ is not such a character, and ſ is an s; in DuckDB İ is an i, and ſ no s.
-- guard: passes
-- engine: false | true
-- right: false | true
-- duckdb: true | false
SELECT 'İstanbul' ILIKE 'is%' AS i, 'ſales' ILIKE 'sales' AS s FROM reports WHERE report_id = 'r1';
-- instead
SELECT LOWER('İstanbul') = 'istanbul' AND 'İ' = 'I' AS i, 'ſales' LIKE 'ſ%' AS s FROM reports WHERE report_id = 'r1';

-- form: classes of characters in REGEXP_LIKE
-- note: In a regular expression, \w, \d, \s and \b mean all of Unicode here, and ASCII in DuckDB, where the function is REGEXP_MATCHES, and in Spark.
-- guard: passes
-- engine: true
-- right: false
-- duckdb: error
SELECT REGEXP_LIKE('日本', '\w') AS w FROM reports WHERE report_id = 'r1';
-- instead
SELECT '日本' LIKE '%a%' AS w FROM reports WHERE report_id = 'r1';

-- form: a number and a text in one CASE
-- note: All values become text here; elsewhere this is an error.
-- guard: passes
-- engine: e1 | none
-- engine: e2 | 2
-- engine: e3 | 2
-- engine: e4 | none
-- engine: e5 | none
-- right: e1 | none
-- right: e2 | 2
-- right: e3 | 2
-- right: e4 | none
-- right: e5 | none
-- duckdb: error
SELECT Id, CASE WHEN n > 1 THEN n ELSE 'none' END AS v FROM events ORDER BY Id;
-- instead
SELECT Id, CASE WHEN n > 1 THEN CAST(n AS VARCHAR) ELSE 'none' END AS v FROM events ORDER BY
Id;

-- form: an alias in GROUP BY that is also a column
-- note: The column takes precedence over the alias, and the expression of the alias becomes a list.
-- guard: passes
-- engine: [3,3] | 2
-- engine: [3] | 1
-- engine: [3] | 1
-- engine: [null] | 1
-- right: 3 | 4
-- right: NULL | 1
-- duckdb: error
SELECT LENGTH(UserId) AS n, COUNT(*) AS c FROM events GROUP BY n;
-- instead
SELECT LENGTH(UserId) AS l, COUNT(*) AS c FROM events GROUP BY l;
