//! Runs CTEs that aggregate events on the streaming engine before the rest of the statement.
//!
//! A streaming CTE reads a view of events. It aggregates them by GROUP BY or DISTINCT, or filters
//! them by WHERE for the rest of the statement. The streaming engine processes events in batches,
//! with a third of the memory of the in-memory engine and less time. It runs out of memory on `IN
//! (SELECT …)`, so it runs only CTEs for which both engines are known to return the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::ControlFlow;

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    BinaryOperator, Cte, DataType, Distinct, Expr, GroupByExpr, JoinOperator, Query, Select,
    SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Value, Visit, Visitor, With,
};

use crate::query::views::columns::is_view;

/// Views of events.
pub const EVENT_VIEWS: [&str; 3] = ["events", "history", "events_all"];

/// Functions that a streaming CTE may call.
const STREAMABLE_FUNCTIONS: [&str; 9] =
    ["coalesce", "count", "floor", "lower", "max", "min", "nullif", "sum", "upper"];

/// CTE that runs by itself, before the rest of the statement.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamingCte {
    /// Name of the CTE in the statement.
    pub name: String,
    /// Statement that returns its rows.
    pub statement: Statement,
}

/// Properties of a relation in FROM.
#[derive(Clone, Copy, Default)]
struct RelationInfo {
    /// True if it may have as many rows as there are events.
    is_large: bool,
    /// True if a WHERE has removed some of the rows.
    is_filtered: bool,
    /// Number of waves that must run before it can be read.
    wave: usize,
    /// True if it may contain fractions, whose sum depends on the order of addition.
    has_fractions: bool,
}

/// Removes the streaming CTEs from a statement, which then reads tables of the same names, and
/// returns them in waves. The CTEs of a wave can run together; a wave needs the results of earlier
/// waves.
pub fn extract_streaming_ctes(statement: &mut Statement) -> Vec<Vec<StreamingCte>> {
    let mut waves: Vec<Vec<StreamingCte>> = Vec::new();
    let Statement::Query(query) = statement else { return waves };
    let Some(mut with) = query.with.take() else { return waves };
    let mut known: BTreeMap<String, RelationInfo> = BTreeMap::new();
    // Other CTEs, which a streaming CTE may read in a WITH of its own.
    let mut inlined: Vec<(Cte, RelationInfo)> = Vec::new();
    let mut add = |cte: &Cte, source: RelationInfo, inlined: &[(Cte, RelationInfo)]| {
        waves.resize_with(waves.len().max(source.wave + 1), Vec::new);
        waves[source.wave].push(streaming_cte(cte, source.wave, inlined));
    };
    with.cte_tables.retain(|cte| {
        let Some((source, aggregates)) = classify(&cte.query.body, &known) else { return true };
        if !has_only_body(&cte.query) || !cte.alias.columns.is_empty() {
            return true;
        }
        let is_streaming = source.is_large && aggregates;
        if is_streaming {
            add(cte, source, &inlined);
        } else {
            inlined.push((cte.clone(), source));
        }
        let wave = source.wave + usize::from(is_streaming);
        let is_large = source.is_large && !is_streaming;
        known.insert(cte.alias.name.value.clone(), RelationInfo { is_large, wave, ..source });
        !is_streaming
    });
    let is_large = |cte: &Cte| known.get(&cte.alias.name.value).is_some_and(|info| info.is_large);
    let mut read = tables_read(&query.body);
    for cte in with.cte_tables.iter().filter(|cte| !is_large(cte)) {
        read.extend(tables_read(cte));
    }
    for (at, (cte, source)) in inlined.iter().enumerate() {
        if source.is_large && source.is_filtered && read.contains(&cte.alias.name.value) {
            add(cte, *source, &inlined[..at]);
            with.cte_tables.retain(|left| left.alias.name != cte.alias.name);
        }
    }
    query.with = Some(with).filter(|with| !with.cte_tables.is_empty());
    waves
}

/// Returns a streaming CTE whose own WITH contains the inlined CTEs that are readable in its wave.
fn streaming_cte(cte: &Cte, wave: usize, inlined: &[(Cte, RelationInfo)]) -> StreamingCte {
    let tables = inlined.iter().filter(|(_, source)| source.wave <= wave);
    let cte_tables: Vec<Cte> = tables.map(|(cte, _)| cte.clone()).collect();
    let mut query = cte.query.clone();
    if !cte_tables.is_empty() {
        let with_token = AttachedToken::empty();
        query.with = Some(With { with_token, recursive: false, cte_tables });
    }
    StreamingCte { name: cte.alias.name.value.clone(), statement: Statement::Query(query) }
}

/// Returns true if a query is only a body, without WITH, ORDER BY or LIMIT.
fn has_only_body(query: &Query) -> bool {
    query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
}

/// Classifies a SELECT: the relation that it returns, and true if it aggregates. Returns `None` if
/// the streaming engine must not run it.
fn classify(
    body: &SetExpr,
    known: &BTreeMap<String, RelationInfo>,
) -> Option<(RelationInfo, bool)> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::SetOperation {
            left,
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            right,
        } => {
            let ((left, _), (right, _)) = (classify(left, known)?, classify(right, known)?);
            let both = RelationInfo {
                is_large: false,
                is_filtered: false,
                wave: left.wave.max(right.wave),
                has_fractions: left.has_fractions || right.has_fractions,
            };
            return (!left.is_large && !right.is_large).then_some((both, false));
        }
        _ => return None,
    };
    let [from] = select.from.as_slice() else { return None };
    let mut source = relation_info(&from.relation, known)?;
    for join in &from.joins {
        let is_plain = matches!(
            join.join_operator,
            JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
        );
        let joined =
            relation_info(&join.relation, known).filter(|info| is_plain && !info.is_large)?;
        source.wave = source.wave.max(joined.wave);
        source.has_fractions |= joined.has_fractions;
    }
    // A join of two small relations can have many rows.
    source.is_large |= !from.joins.is_empty() && source.wave > 0;
    let mut inspector = SelectInspector { has_fractions: source.has_fractions, has_sums: false };
    let is_refused =
        select.visit(&mut inspector).is_break() || (inspector.has_sums && inspector.has_fractions);
    if is_refused || select.having.is_some() || !select.lateral_views.is_empty() {
        return None;
    }
    source.has_fractions = inspector.has_fractions;
    source.is_filtered |= select.selection.is_some();
    Some((source, is_aggregating(select)))
}

fn relation_info(
    table: &TableFactor,
    known: &BTreeMap<String, RelationInfo>,
) -> Option<RelationInfo> {
    let TableFactor::Table { name, .. } = table else { return None };
    let name = name.to_string();
    match known.get(&name) {
        Some(source) => Some(*source),
        None if is_view(&name) => Some(RelationInfo {
            is_large: EVENT_VIEWS.contains(&&*name),
            ..RelationInfo::default()
        }),
        None => None,
    }
}

/// Returns true if a SELECT aggregates, by GROUP BY or DISTINCT.
pub fn is_aggregating(select: &Select) -> bool {
    let is_grouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if !keys.is_empty());
    is_grouped || matches!(select.distinct, Some(Distinct::Distinct))
}

/// Returns the names of the tables in FROM of a part of a statement, without their quotes.
pub fn tables_read(part: &impl Visit) -> BTreeSet<String> {
    let mut tables = TableNameCollector::default();
    let _: ControlFlow<Infallible> = part.visit(&mut tables);
    tables.0
}

/// Collects the names of the tables in FROM.
#[derive(Default)]
struct TableNameCollector(BTreeSet<String>);

impl Visitor for TableNameCollector {
    type Break = Infallible;

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Infallible> {
        if let TableFactor::Table { name, .. } = table {
            let part = name.0.last().and_then(|part| part.as_ident());
            self.0.extend(part.map(|ident| ident.value.clone()));
        }
        ControlFlow::Continue(())
    }
}

/// Inspects the expressions of a SELECT; ends at a form that a streaming CTE must not contain.
struct SelectInspector {
    has_fractions: bool,
    has_sums: bool,
}

impl Visitor for SelectInspector {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                let name = function.name.to_string().to_lowercase();
                if function.over.is_some() || !STREAMABLE_FUNCTIONS.contains(&&*name) {
                    return ControlFlow::Break(());
                }
                self.has_sums |= name == "sum";
                self.has_fractions |= name == "floor";
            }
            Expr::Cast { data_type, .. } => {
                self.has_fractions |= !matches!(data_type, DataType::BigInt(_));
            }
            Expr::BinaryOp { op: BinaryOperator::Divide, .. } => self.has_fractions = true,
            Expr::Value(value) => {
                let is_fraction = |number: &str| number.parse::<i64>().is_err();
                self.has_fractions |=
                    matches!(&value.value, Value::Number(number, _) if is_fraction(number));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;

    /// Returns the names of the streaming CTEs, one line for each wave, and the rest of the
    /// statement.
    fn extract(sql: &str) -> (String, String) {
        let mut statement = guard::parse("test", sql).unwrap();
        let waves = extract_streaming_ctes(&mut statement);
        let names = |wave: &Vec<StreamingCte>| {
            wave.iter().map(|cte| cte.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let waves: Vec<String> = waves.iter().map(names).collect();
        (waves.join("\n"), statement.to_string())
    }

    #[test]
    fn aggregating_cte_streams_with_the_ctes_that_it_reads() {
        let (waves, rest) = extract(
            "WITH opened AS (SELECT user_id, day FROM events LEFT JOIN days ON local_date = day), \
             counted AS (SELECT user_id, COUNT(*) AS n FROM opened GROUP BY user_id), \
             many AS (SELECT user_id AS many FROM counted WHERE n > 9), \
             of_many AS (SELECT DISTINCT day FROM opened JOIN many ON user_id = many), \
             pairs AS (SELECT n, COUNT(*) AS days FROM many JOIN of_many ON many = day GROUP BY n) \
             SELECT n FROM counted CROSS JOIN pairs ORDER BY n",
        );
        assert_eq!(waves, "counted\nof_many\npairs");
        assert!(rest.starts_with("WITH opened AS"), "{rest}");
        assert!(!rest.contains("counted AS") && !rest.contains("of_many AS"), "{rest}");
        let mut statement =
            guard::parse("test", "WITH a AS (SELECT DISTINCT user_id FROM events) SELECT * FROM a")
                .unwrap();
        let cte = &extract_streaming_ctes(&mut statement)[0][0];
        assert_eq!(cte.statement.to_string(), "SELECT DISTINCT user_id FROM events");
        assert_eq!(statement.to_string(), "SELECT * FROM a");
    }

    #[test]
    fn filtering_cte_streams_for_the_rest_of_the_statement() {
        let (waves, rest) = extract(
            "WITH kept AS (SELECT user_id, epoch_us FROM events WHERE is_failed), \
             ranked AS (SELECT user_id, RANK() OVER (ORDER BY epoch_us) AS place FROM kept), \
             users AS (SELECT user_id, COUNT(*) AS n FROM kept GROUP BY user_id), \
             both AS (SELECT user_id AS one FROM users UNION ALL SELECT 'x' AS one FROM users), \
             of_both AS (SELECT DISTINCT k.user_id FROM kept AS k JOIN both AS b \
             ON k.user_id = b.one) \
             SELECT * FROM ranked JOIN of_both ON ranked.user_id = of_both.user_id",
        );
        assert_eq!(waves, "users kept\nof_both");
        assert!(rest.starts_with("WITH ranked AS"), "{rest}");
        let all = "WITH a AS (SELECT user_id FROM events) SELECT * FROM a AS b";
        assert_eq!(extract(all), (String::new(), all.to_owned()), "as many rows as events");
    }

    #[test]
    fn forms_whose_streaming_result_may_differ_do_not_stream() {
        for body in [
            "SELECT user_id FROM events",
            "SELECT DISTINCT user_id FROM events WHERE user_id IN (SELECT user_id FROM history)",
            "SELECT DISTINCT LAG(epoch_us) OVER (ORDER BY epoch_us) AS x FROM events",
            "SELECT user_id, AVG(epoch_us) AS x FROM events GROUP BY user_id",
            "SELECT user_id, SUM(epoch_us / 2) AS x FROM events GROUP BY user_id",
            "SELECT user_id, SUM(CAST(epoch_us AS DOUBLE)) AS x FROM events GROUP BY user_id",
            "SELECT user_id, SUM(0.1) AS x FROM events GROUP BY user_id",
            "SELECT DISTINCT e.user_id FROM events AS e JOIN history AS h ON e.Id = h.Id",
            "SELECT DISTINCT e.user_id FROM events AS e CROSS JOIN days AS d",
            "SELECT DISTINCT user_id FROM events LIMIT 3",
            "SELECT DISTINCT user_id FROM (SELECT user_id FROM events) AS e",
            "SELECT DISTINCT day FROM days",
            "SELECT COUNT(*) AS n FROM events GROUP BY user_id HAVING COUNT(*) > 1",
            "SELECT DISTINCT user_id FROM events UNION ALL SELECT DISTINCT user_id FROM history",
        ] {
            let sql = format!("WITH a AS ({body}) SELECT * FROM a");
            let (waves, rest) = extract(&sql);
            assert_eq!((waves.as_str(), rest), ("", sql));
        }
    }
}
