//! Finds the CTEs of a statement whose rows no period changes, so that sessions over several
//! periods compute them once.
//!
//! They read the whole log. Computing them for each period of a page takes most of its time.

use std::collections::BTreeSet;

use sqlparser::ast::{Cte, SetExpr, Statement, Visit, With};

use crate::query::engine::streamable::{EVENT_VIEWS, is_aggregating, tables_read};
use crate::query::guard;

/// Views whose rows no period changes, except for the column [`IN_PERIOD`].
const VIEWS_OF_ALL_PERIODS: [&str; 3] = ["history", "events_all", "source_days"];

/// Column of views of events that depends on the period.
const IN_PERIOD: &str = "in_period";

/// CTE that has the same rows in each period.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedCte {
    /// Name of the CTE in the statement.
    pub name: String,
    /// Statement that returns its rows.
    pub statement: Statement,
}

/// CTE of a statement, with what its text says about its rows.
struct CteInfo {
    /// Positions of the CTEs that it reads itself.
    reads: BTreeSet<usize>,
    /// Positions of all CTEs that its rows need, and its own.
    closure: BTreeSet<usize>,
    /// Statement that returns its rows, if no period changes them.
    statement: Option<Statement>,
    /// True if it may have as many rows as there are events.
    is_large: bool,
}

/// Removes the CTEs from a statement whose rows no period changes. Returns those that the rest of
/// the statement reads, which then are tables of the same names. CTEs that may have as many rows
/// as there are events stay in the statement.
pub fn extract_shared_ctes(statement: &mut Statement) -> Vec<SharedCte> {
    let Statement::Query(query) = statement else { return Vec::new() };
    let Some(with) = query.with.take() else { return Vec::new() };
    let mut known: Vec<CteInfo> = Vec::new();
    for at in 0..with.cte_tables.len() {
        let info = inspect(&with, at, &known);
        known.push(info);
    }
    let (mut kept, mut shared) = (BTreeSet::new(), BTreeSet::new());
    let mut left: Vec<usize> = ctes_read(&query.body, &with.cte_tables).into_iter().collect();
    left.extend((0..known.len()).filter(|at| known[*at].statement.is_none()));
    while let Some(at) = left.pop() {
        if known[at].statement.is_some() && !known[at].is_large {
            shared.insert(at);
        } else if kept.insert(at) {
            left.extend(&known[at].reads);
        }
    }
    let mut extracted = Vec::new();
    for at in shared {
        let name = with.cte_tables[at].alias.name.value.clone();
        extracted.extend(known[at].statement.take().map(|statement| SharedCte { name, statement }));
    }
    let cte_tables: Vec<Cte> = kept.iter().map(|at| with.cte_tables[*at].clone()).collect();
    query.with = (!cte_tables.is_empty()).then_some(With { cte_tables, ..with });
    extracted
}

fn inspect(with: &With, at: usize, known: &[CteInfo]) -> CteInfo {
    let cte = &with.cte_tables[at];
    let earlier = &with.cte_tables[..at];
    let reads = ctes_read(&*cte.query, earlier);
    let nested = reads.iter().flat_map(|at| known[*at].closure.iter().copied());
    let closure: BTreeSet<usize> = nested.chain([at]).collect();
    let reads_events = tables_read(&*cte.query).iter().any(|name| EVENT_VIEWS.contains(&&**name));
    let reads_large = reads_events || reads.iter().any(|at| known[*at].is_large);
    let aggregates = matches!(&*cte.query.body, SetExpr::Select(select) if is_aggregating(select));
    let statement = statement_of(with, at, &closure).filter(has_same_rows_in_each_period);
    CteInfo { reads, closure, statement, is_large: reads_large && !aggregates }
}

/// Returns the statement for the rows of a CTE, with the CTEs that they need.
fn statement_of(with: &With, at: usize, closure: &BTreeSet<usize>) -> Option<Statement> {
    let name = &with.cte_tables[at].alias.name;
    let mut statement = guard::parse(&name.value, &format!("SELECT * FROM {name}")).ok()?;
    if let Statement::Query(query) = &mut statement {
        let cte_tables = closure.iter().map(|at| with.cte_tables[*at].clone()).collect();
        query.with = Some(With { cte_tables, ..with.clone() });
    }
    Some(statement)
}

fn has_same_rows_in_each_period(statement: &Statement) -> bool {
    guard::check("", statement).is_ok_and(|references| {
        let is_fixed = |view: &String| VIEWS_OF_ALL_PERIODS.contains(&view.as_str());
        references.views.iter().all(is_fixed) && !references.has_column(IN_PERIOD)
    })
}

/// Returns the positions of the CTEs that a part of a statement reads.
fn ctes_read(part: &impl Visit, ctes: &[Cte]) -> BTreeSet<usize> {
    let names = tables_read(part);
    let is_read = |at: &usize| names.contains(&ctes[*at].alias.name.value);
    (0..ctes.len()).filter(is_read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the statements of the shared CTEs, one for each line, and the rest.
    fn extract(sql: &str) -> (String, String) {
        let mut statement = guard::parse("test", sql).unwrap();
        let shared = extract_shared_ctes(&mut statement);
        let lines: Vec<String> =
            shared.iter().map(|cte| format!("{}: {}", cte.name, cte.statement)).collect();
        (lines.join("\n"), statement.to_string())
    }

    #[test]
    fn last_ctes_that_no_period_changes_are_shared() {
        let (shared, rest) = extract(
            "WITH days_of_users AS (SELECT DISTINCT user_id, local_date FROM history), \
             first_days AS (SELECT user_id, MIN(local_date) AS first_day FROM days_of_users \
             GROUP BY user_id), \
             now AS (SELECT user_id AS user_now, COUNT(*) AS n FROM events GROUP BY user_id), \
             stored AS (SELECT utc_date, COUNT(*) AS n FROM events_all GROUP BY utc_date) \
             SELECT * FROM now LEFT JOIN first_days ON user_now = first_days.user_id \
             WHERE first_day IN (SELECT utc_date FROM stored)",
        );
        assert_eq!(
            shared,
            "first_days: WITH days_of_users AS (SELECT DISTINCT user_id, local_date FROM history), \
             first_days AS (SELECT user_id, MIN(local_date) AS first_day FROM days_of_users \
             GROUP BY user_id) SELECT * FROM first_days\n\
             stored: WITH stored AS (SELECT utc_date, COUNT(*) AS n FROM events_all \
             GROUP BY utc_date) SELECT * FROM stored"
        );
        assert!(rest.starts_with("WITH now AS (") && !rest.contains("days_of_users"), "{rest}");
    }

    #[test]
    fn cte_that_is_read_by_others_too_is_shared_once() {
        let (shared, rest) = extract(
            "WITH a AS (SELECT DISTINCT user_id FROM history), \
             b AS (SELECT COUNT(*) AS n FROM a), c AS (SELECT a.user_id FROM a JOIN events AS e \
             ON a.user_id = e.user_id) SELECT * FROM b CROSS JOIN c",
        );
        let names: Vec<&str> = shared.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(names, ["a", "b"]);
        assert!(rest.starts_with("WITH c AS ("), "{rest}");
    }

    #[test]
    fn rows_of_a_period_and_rows_of_all_events_stay() {
        for sql in [
            "WITH a AS (SELECT DISTINCT user_id FROM history WHERE in_period) SELECT * FROM a",
            "WITH a AS (SELECT user_id FROM history) SELECT * FROM a",
            "WITH a AS (SELECT user_id FROM history UNION ALL SELECT user_id FROM history) \
             SELECT * FROM a",
            "WITH a AS (SELECT user_id FROM history), b AS (SELECT user_id FROM a) \
             SELECT * FROM b",
            "WITH a AS (SELECT COUNT(*) AS n FROM days GROUP BY week) SELECT * FROM a",
            "WITH a AS (SELECT DISTINCT h.user_id FROM history AS h JOIN days AS d \
             ON h.local_date = d.day) SELECT * FROM a",
            "SELECT DISTINCT user_id FROM history",
        ] {
            assert_eq!(extract(sql), (String::new(), sql.to_owned()));
        }
    }
}
