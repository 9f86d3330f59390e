//! Rewrites an accepted statement, so that the engine returns what the statement means.
//!
//! The guard refuses forms that need another statement. A rewrite needs no decision of the author:
//! the form has one meaning, and the engine calculates something else.

mod exact_functions;
mod flatten;
mod single_rows;
mod text_functions;
mod widen_integers;

use polars::prelude::*;
use polars::sql::SQLContext;
use sqlparser::ast::{Query, Statement};

/// Casts narrow integers to BIGINT. The statement can still be split into parts.
pub fn widen_integers(statement: &mut Statement) {
    widen_integers::widen(statement);
}

/// Plans a statement over the tables of a context, which must have the functions of
/// [`crate::query::engine::exact`]. Nested queries become tables of the context.
pub fn plan(tables: &mut SQLContext, statement: Statement) -> PolarsResult<LazyFrame> {
    let Statement::Query(mut query) = statement else {
        return tables.execute(&statement.to_string());
    };
    for mut table in flatten::flatten(&mut query) {
        replace_functions(&mut table.query);
        single_rows::keep(&mut table.query);
        let mut rows = tables.execute(&table.query.to_string())?;
        if !table.columns.is_empty() {
            let names = rows.collect_schema()?;
            rows = rows.rename(names.iter_names(), &table.columns, true);
        }
        tables.register(&table.name, rows);
    }
    replace_functions(&mut query);
    tables.execute(&query.to_string())
}

fn replace_functions(query: &mut Query) {
    exact_functions::replace(query);
    text_functions::replace(query);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;

    /// Returns the statements that the engine gets, one for each line.
    fn rewritten(sql: &str) -> String {
        let Statement::Query(mut query) = guard::parse("test", sql).unwrap() else {
            panic!("{sql} is no query");
        };
        let mut lines = String::new();
        for mut table in flatten::flatten(&mut query) {
            replace_functions(&mut table.query);
            single_rows::keep(&mut table.query);
            lines += &format!("{}({}): {}\n", table.name, table.columns.join(", "), table.query);
        }
        replace_functions(&mut query);
        lines + &query.to_string()
    }

    #[test]
    fn operators_and_functions_get_exact_counterparts() {
        for (sql, expected) in [
            ("SELECT a / 49.0 AS x FROM t", "SELECT \"exact /\"(a, 49.0) AS x FROM t"),
            ("SELECT 1 / 3 AS x FROM t", "SELECT 1 / 3 AS x FROM t"),
            ("SELECT d + INTERVAL '1 day' AS x FROM t", "SELECT d + INTERVAL '1 day' AS x FROM t"),
            (
                "SELECT d - INTERVAL '1 day 2 hours' AS x, 2 * INTERVAL '1 month' + d AS y FROM t",
                "SELECT \"exact time\"(d) - INTERVAL '1 day 2 hours' AS x, \
                \"exact +\"(2 * INTERVAL '1 month', d) AS y FROM t",
            ),
            (
                "SELECT GREATEST(a, b, 1) AS x FROM t",
                "SELECT \"exact or nan\"(\"exact or nan\"(GREATEST(a, b, 1), a), b) AS x FROM t",
            ),
            (
                "SELECT XOR(a, -7) AS x, 5 & a AS y FROM t",
                "SELECT XOR(a, \"exact integer\"(-7)) AS x, \"exact integer\"(5) & a AS y FROM t",
            ),
            ("SELECT RIGHT(s, 2) AS x FROM t", "SELECT \"exact right\"(s, 2) AS x FROM t"),
            (
                "SELECT POWER(a, 2) AS x FROM t",
                "SELECT POWER(CAST(a AS DOUBLE), CAST(2 AS DOUBLE)) AS x FROM t",
            ),
            (
                "SELECT SUM(a) AS x FROM t",
                "SELECT \"exact sum\"(SUM(\"exact integer\"(a)), SUM(CAST(a AS DOUBLE))) AS x \
                FROM t",
            ),
            (
                "SELECT SUM(CASE WHEN a THEN 1 END) AS x FROM t",
                "SELECT SUM(\"exact integer\"(CASE WHEN a THEN 1 END)) AS x FROM t",
            ),
            (
                "SELECT SUM(2) OVER () AS x FROM t",
                "SELECT \"exact *\"(NULLIF(COUNT(*) OVER (), 0), 2) AS x FROM t",
            ),
            ("SELECT COUNT(-5) AS x FROM t", "SELECT COUNT(*) AS x FROM t"),
            ("SELECT COUNT(NULL) AS x FROM t", "SELECT COUNT(NULL) AS x FROM t"),
            ("SELECT TRIM(s) AS x FROM t", "SELECT TRIM(BOTH ' ' FROM s) AS x FROM t"),
            ("SELECT LTRIM(s) AS x FROM t", "SELECT LTRIM(s, ' ') AS x FROM t"),
            (
                "SELECT COALESCE(s, NULLIF(u, ''), '') AS x, COALESCE(s, u) AS y FROM t",
                "SELECT \"exact coalesce\"(s, \"exact null if empty\"(u), '') AS x, \
                COALESCE(s, u) AS y FROM t",
            ),
            (
                "SELECT COALESCE(n, 0) AS x, COALESCE(s, NULLIF(u, '')) AS y FROM t",
                "SELECT COALESCE(n, 0) AS x, \
                \"exact coalesce\"(s, \"exact null if empty\"(u)) AS y FROM t",
            ),
        ] {
            assert_eq!(rewritten(sql), expected);
        }
    }

    /// The functions of texts must return what those of the engine do, by group, too.
    #[test]
    fn functions_of_texts_return_what_the_engine_does() {
        let table = df!(
            "s" => [Some("a"), None, Some(""), None, Some("a text of more than twelve bytes")],
            "u" => [None, Some("b"), Some("c"), None, Some("")],
            "n" => [Some(1_i64), None, Some(3), None, Some(5)]
        );
        let table = table.unwrap();
        for sql in [
            "SELECT COALESCE(s, u, '-') AS x, COALESCE(s, '') AS y, n FROM t",
            "SELECT COALESCE(NULLIF(s, ''), NULLIF(u, ''), 'none') AS x, n FROM t",
            "SELECT COALESCE('first', s) AS x, COALESCE(NULL, 'x') AS y FROM t",
            "SELECT COALESCE(s, '') AS x, COUNT(*) AS k, SUM(n) AS z FROM t \
             GROUP BY COALESCE(s, '')",
            "SELECT COUNT(DISTINCT COALESCE(NULLIF(u, ''), '?')) AS k FROM t \
             WHERE COALESCE(s, '') <> 'a'",
            "SELECT COALESCE(CASE WHEN n > 1 THEN s END, 'no') AS x FROM t WHERE n > 99",
            "SELECT s AS x FROM t WHERE COALESCE(NULLIF(s, ''), 'z') IN ('a', 'z')",
        ] {
            let collect = |plan: PolarsResult<LazyFrame>| {
                let rows = plan.and_then(|plan| plan.collect()).unwrap();
                let names: Vec<PlSmallStr> = rows.get_column_names_owned();
                rows.sort(names, SortMultipleOptions::default().with_nulls_last(true)).unwrap()
            };
            let context = || {
                let tables = crate::query::engine::exact::new_context();
                tables.register("t", table.clone().lazy());
                tables
            };
            let own = collect(plan(&mut context(), guard::parse("test", sql).unwrap()));
            let engine = collect(context().execute(sql));
            assert!(own.equals_missing(&engine), "{sql}: {own:?} and {engine:?}");
        }
        let mut tables = crate::query::engine::exact::new_context();
        tables.register("t", table.lazy());
        let statement = guard::parse("test", "SELECT NULLIF(n, '') AS x FROM t").unwrap();
        let refused = plan(&mut tables, statement).and_then(|plan| plan.collect());
        assert!(refused.unwrap_err().to_string().contains("needs a text"));
    }

    #[test]
    fn nested_queries_become_tables() {
        let sql = "WITH a AS (SELECT b + 1 AS c FROM t), s(m) AS (SELECT MAX(c) AS n FROM a) \
            SELECT c FROM a CROSS JOIN (SELECT m * 2 AS x FROM s) AS e \
            WHERE c IN (SELECT x FROM s) \
            AND c IN (SELECT x / 2 FROM s) UNION ALL SELECT c FROM a";
        let expected = "a(): SELECT \"exact +\"(b, 1) AS c FROM t\n\
            s(m): SELECT DISTINCT MAX(c) AS n FROM a\n\
            subquery 2(): SELECT \"exact *\"(m, 2) AS x FROM s\n\
            subquery 3(): SELECT \"exact /\"(x, 2) AS member FROM s\n\
            subquery 1(): SELECT c FROM a CROSS JOIN \"subquery 2\" AS e \
            WHERE c IN (SELECT x FROM s) AND c IN (SELECT member FROM \"subquery 3\")\n\
            subquery 4(): SELECT c FROM a\n\
            SELECT * FROM \"subquery 1\" UNION ALL SELECT * FROM \"subquery 4\"";
        assert_eq!(rewritten(sql), expected);
    }

    #[test]
    fn queries_that_read_the_query_around_them_stay_in_place() {
        let sql = "SELECT a.x FROM t AS a WHERE a.x IN (SELECT b.y / 2 AS y FROM t AS b \
            WHERE b.z = a.z)";
        assert_eq!(rewritten(sql), sql);
        let values = "SELECT v.k FROM (VALUES (1), (2)) AS v (k)";
        assert_eq!(rewritten(values), values);
    }
}
