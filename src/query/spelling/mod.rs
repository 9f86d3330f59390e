//! Accepts the spellings of other SQL engines: replaces each by a form that the guard accepts and
//! that has the same result in every engine.
//!
//! Only forms that the engine would refuse are replaced, so no accepted statement changes its
//! meaning.

mod describe;
mod names;
mod sort_keys;
mod times;

use std::ops::ControlFlow;

use chrono::NaiveDate;
use sqlparser::ast::{Expr, FunctionArguments, Ident, Query, Statement, VisitMut, VisitorMut};

use crate::Result;

use crate::query::guard;

/// Parses a text that must be a single statement, and replaces the spellings of other engines.
///
/// `last_day` is the last day of the period and takes the place of CURRENT_DATE, since an archive
/// has no current time. Without a session, a statement is only checked, and any day does.
///
/// # Errors
///
/// [`crate::Error::Query`] with the parser's message, or if there is not exactly one statement.
pub fn parse(query: &str, sql: &str, last_day: Option<NaiveDate>) -> Result<Statement> {
    let statement = guard::parse(query, sql)?;
    let mut statement = match describe::as_select(&statement) {
        Some(select) => guard::parse(query, &select)?,
        None => statement,
    };
    names::respell(&mut statement);
    let _: ControlFlow<()> = statement.visit(&mut Forms);
    let current_date = times::day_literal(last_day.unwrap_or_default());
    let _: ControlFlow<()> =
        statement.visit(&mut CurrentDate { value: Some(current_date), is_read: false });
    Ok(statement)
}

/// Returns true if a statement reads CURRENT_DATE.
///
/// # Errors
///
/// Those of [`parse`].
pub fn reads_current_date(query: &str, sql: &str) -> Result<bool> {
    let mut statement = guard::parse(query, sql)?;
    let mut finder = CurrentDate { value: None, is_read: false };
    let _: ControlFlow<()> = statement.visit(&mut finder);
    Ok(finder.is_read)
}

/// Replaces the spellings of other engines in an expression. Its names stay.
pub fn respell_expression(expression: &mut Expr) {
    let _: ControlFlow<()> = expression.visit(&mut Forms);
}

/// Finds CURRENT_DATE, and replaces it by a value if there is one.
struct CurrentDate {
    value: Option<Expr>,
    is_read: bool,
}

impl VisitorMut for CurrentDate {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if times::is_current_date(expr) {
            self.is_read = true;
            if let Some(value) = &self.value {
                *expr = value.clone();
            }
        }
        ControlFlow::Continue(())
    }
}

/// Returns `"user"` for `user`, which the parser takes for a function. Reports have a column of
/// this name, and a log has no user of a database.
fn column_named_user(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let is_name = matches!(function.args, FunctionArguments::None)
        && function.name.to_string().eq_ignore_ascii_case("user");
    is_name.then(|| Expr::Identifier(Ident::with_quote('"', "user")))
}

/// Replaces functions of time, then sort keys, whose functions are replaced by then.
struct Forms;

impl VisitorMut for Forms {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let replacement = times::replacement(expr).or_else(|| column_named_user(expr));
        if let Some(replacement) = replacement {
            *expr = replacement;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        sort_keys::respell(query);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respelled(sql: &str) -> String {
        let day = NaiveDate::from_ymd_opt(2026, 3, 31);
        let statement = parse("test", sql, day).unwrap();
        guard::check("test", &statement).unwrap();
        statement.to_string()
    }

    fn refusal(sql: &str) -> String {
        let statement = parse("test", sql, None).unwrap();
        guard::check("test", &statement).unwrap_err().to_string()
    }

    #[test]
    fn names_are_found_in_any_case() {
        for (sql, expected) in [
            ("SELECT activity FROM Events", "SELECT Activity FROM events"),
            (
                "SELECT E.USERID, e.Local_Date FROM EVENTS AS e WHERE e.isSuccess",
                "SELECT e.UserId, e.local_date FROM events AS e WHERE e.IsSuccess",
            ),
            (
                "WITH Views AS (SELECT activity AS kind FROM events) SELECT KIND FROM views",
                "WITH Views AS (SELECT Activity AS kind FROM events) SELECT kind FROM Views",
            ),
            (
                "SELECT user_id, COUNT(*) AS N FROM events GROUP BY USER_ID ORDER BY n DESC",
                "SELECT user_id, COUNT(*) AS N FROM events GROUP BY user_id ORDER BY N DESC",
            ),
        ] {
            assert_eq!(respelled(sql), expected);
        }
    }

    #[test]
    fn quoted_names_and_exact_names_stay() {
        let exact = "SELECT Activity AS activity FROM events ORDER BY activity";
        assert_eq!(respelled(exact), exact);
        let ambiguous = "SELECT Activity AS activity FROM events ORDER BY ACTIVITY";
        assert_eq!(respelled(ambiguous), ambiguous, "two names differ only by case");
        let quoted = "SELECT \"activity\" FROM events";
        assert_eq!(respelled(quoted), quoted);
        assert!(refusal("SELECT 1 AS a FROM \"EVENTS\"").contains("there is no view"));
    }

    #[test]
    fn aggregates_in_order_by_become_positions() {
        for (sql, expected) in [
            (
                "SELECT Activity, count(*) FROM events GROUP BY Activity ORDER BY COUNT(*) DESC",
                "SELECT Activity, count(*) FROM events GROUP BY Activity ORDER BY 2 DESC",
            ),
            (
                "SELECT count(DISTINCT UserId) AS people, day FROM events \
                 GROUP BY day ORDER BY day, count(DISTINCT userid) NULLS LAST",
                "SELECT count(DISTINCT UserId) AS people, day FROM events \
                 GROUP BY day ORDER BY day, 1 NULLS LAST",
            ),
        ] {
            assert_eq!(respelled(sql), expected);
        }
        for sql in [
            "SELECT Activity FROM events GROUP BY Activity ORDER BY COUNT(*)",
            "SELECT Activity, COUNT(*) AS n FROM events GROUP BY Activity ORDER BY COUNT(*) + 1",
            "SELECT Activity, MAX('a') AS n FROM events GROUP BY Activity ORDER BY MAX('A')",
        ] {
            assert!(refusal(sql).contains("give it a name in SELECT"), "{sql}");
        }
    }

    #[test]
    fn functions_of_time_become_forms_of_every_engine() {
        for (sql, expected) in [
            (
                "SELECT date_trunc('month', local_time) AS m FROM events",
                "SELECT CAST(STRFTIME(local_time, '%Y-%m-01') AS DATE) AS m FROM events",
            ),
            (
                "SELECT DATE_TRUNC('Day', creationtime) AS d FROM events",
                "SELECT CAST(STRFTIME(CreationTime, '%Y-%m-%d') AS DATE) AS d FROM events",
            ),
            (
                "SELECT date_part('hour', local_time) AS h FROM events",
                "SELECT EXTRACT(HOUR FROM local_time) AS h FROM events",
            ),
        ] {
            assert_eq!(respelled(sql), expected);
        }
        for (sql, expected) in [
            ("SELECT DATE_TRUNC('week', local_time) AS m FROM events", "local_week"),
            ("SELECT DATE_PART('julian', local_time) AS m FROM events", "EXTRACT"),
        ] {
            assert!(refusal(sql).contains(expected), "{sql}");
        }
    }

    #[test]
    fn user_is_the_name_of_a_column() {
        let sql = "WITH a AS (SELECT user_id AS user FROM events) SELECT USER, a.user FROM a";
        let expected =
            "WITH a AS (SELECT user_id AS user FROM events) SELECT \"user\", a.user FROM a";
        assert_eq!(respelled(sql), expected);
    }

    #[test]
    fn the_current_date_is_the_last_day() {
        let sql = "SELECT COUNT(*) AS n FROM events WHERE local_date < Current_Date";
        assert!(respelled(sql).ends_with("WHERE local_date < DATE '2026-03-31'"));
        assert!(reads_current_date("test", sql).unwrap());
        assert!(!reads_current_date("test", "SELECT 1 AS current_date").unwrap());
        assert!(refusal("SELECT NOW() AS t FROM events").contains("no current time"));
    }

    #[test]
    fn show_and_describe_list_views_and_columns() {
        assert!(respelled("SHOW TABLES").contains("('events')"));
        assert!(respelled("DESCRIBE Days").contains("('day', 'date', "));
        assert!(respelled("DESC events").contains("('CreationTime', 'timestamp'"));
        assert!(refusal("DESCRIBE weather").contains("only SELECT"));
    }
}
