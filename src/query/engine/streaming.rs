//! The first part of an answer: what a statement makes of all events, without holding them.
//!
//! Owns: which of the tables that WITH names are stages, answered by themselves before the rest. A
//! stage reads a view of events and boils it down: by GROUP BY or DISTINCT, or by a WHERE, where
//! the rest of the statement reads it. The engine has two ways to work: one holds each step of a
//! plan in memory, the other passes events through in pieces, with a third of the memory and less
//! time. The second runs out of memory on `IN (SELECT …)`, so it gets stages only, and of these
//! only such as it is known to answer like the first. Must not know what the views are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Cte, DataType, Distinct, Expr, GroupByExpr, JoinOperator, Query, Select,
    SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Value, Visit, Visitor,
};

use crate::query::guard;

/// The views that hold events.
const EVENT_VIEWS: [&str; 3] = ["events", "history", "events_all"];

/// The functions that stages may call.
const STREAMABLE_FUNCTIONS: [&str; 9] =
    ["coalesce", "count", "floor", "lower", "max", "min", "nullif", "sum", "upper"];

/// A table that is answered by itself.
#[derive(Debug, PartialEq, Eq)]
pub struct StreamingCte {
    /// What the statement calls it.
    pub name: String,
    /// The statement whose answer it is.
    pub sql: String,
}

/// What stands behind a name in FROM.
#[derive(Clone, Copy, Default)]
struct RelationInfo {
    /// Whether it may have as many rows as there are events.
    is_large: bool,
    /// Whether a WHERE has left some of them out.
    is_filtered: bool,
    /// How many rounds of stages have to be answered before it can be read.
    wave: usize,
    /// Whether it may hold fractions, whose sum depends on the order of adding.
    has_fractions: bool,
}

/// Takes the stages out of a statement, which then reads tables of their names. Those of a round
/// can be answered together; a round needs the answers of those before it.
pub fn extract_streaming_ctes(statement: &mut Statement) -> Vec<Vec<StreamingCte>> {
    let mut rounds: Vec<Vec<StreamingCte>> = Vec::new();
    let Statement::Query(query) = statement else { return rounds };
    let Some(mut with) = query.with.take() else { return rounds };
    let mut known: BTreeMap<String, RelationInfo> = BTreeMap::new();
    // Tables that a stage may read, as its own WITH names them.
    let mut plain: Vec<(Cte, RelationInfo)> = Vec::new();
    let mut add = |cte: &Cte, source: RelationInfo, plain: &[(Cte, RelationInfo)]| {
        rounds.resize_with(rounds.len().max(source.wave + 1), Vec::new);
        rounds[source.wave].push(streaming_cte(cte, source.wave, plain));
    };
    with.cte_tables.retain(|cte| {
        let Some((source, boils_down)) = classify(&cte.query.body, &known) else { return true };
        if !has_only_body(&cte.query) || !cte.alias.columns.is_empty() {
            return true;
        }
        let is_stage = source.is_large && boils_down;
        if is_stage {
            add(cte, source, &plain);
        } else {
            plain.push((cte.clone(), source));
        }
        let round = source.wave + usize::from(is_stage);
        let is_large = source.is_large && !is_stage;
        known
            .insert(cte.alias.name.value.clone(), RelationInfo { is_large, wave: round, ..source });
        !is_stage
    });
    let is_large = |cte: &Cte| known.get(&cte.alias.name.value).is_some_and(|of| of.is_large);
    let mut read = TableNameCollector::default();
    let _ = query.body.visit(&mut read);
    for cte in with.cte_tables.iter().filter(|cte| !is_large(cte)) {
        let _ = cte.visit(&mut read);
    }
    for (at, (cte, source)) in plain.iter().enumerate() {
        if source.is_large && source.is_filtered && read.0.contains(&cte.alias.name.value) {
            add(cte, *source, &plain[..at]);
            with.cte_tables.retain(|left| left.alias.name != cte.alias.name);
        }
    }
    query.with = Some(with).filter(|with| !with.cte_tables.is_empty());
    rounds
}

/// The stage that a table is, with those plain ones before it that can be read by then.
fn streaming_cte(cte: &Cte, round: usize, plain: &[(Cte, RelationInfo)]) -> StreamingCte {
    let tables = plain.iter().filter(|(_, source)| source.wave <= round);
    let tables: Vec<String> = tables.map(|(cte, _)| cte.to_string()).collect();
    let with =
        if tables.is_empty() { String::new() } else { format!("WITH {} ", tables.join(", ")) };
    StreamingCte { name: cte.alias.name.value.clone(), sql: format!("{with}{}", cte.query) }
}

/// Whether a query is its body and nothing else.
fn has_only_body(query: &Query) -> bool {
    query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
}

/// What comes of selects, and whether it is boiled down, if a stage may be or read such.
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
        let joined = relation_info(&join.relation, known).filter(|of| is_plain && !of.is_large)?;
        source.wave = source.wave.max(joined.wave);
        source.has_fractions |= joined.has_fractions;
    }
    // Of a few rows and a few, a join can make many.
    source.is_large |= !from.joins.is_empty() && source.wave > 0;
    let mut seen = SelectInspector { has_fractions: source.has_fractions, has_sums: false };
    let is_broken = select.visit(&mut seen).is_break() || (seen.has_sums && seen.has_fractions);
    if is_broken || select.having.is_some() || !select.lateral_views.is_empty() {
        return None;
    }
    source.has_fractions = seen.has_fractions;
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
        None if guard::is_view(&name) => Some(RelationInfo {
            is_large: EVENT_VIEWS.contains(&&*name),
            ..RelationInfo::default()
        }),
        None => None,
    }
}

/// Whether of many rows come few.
fn is_aggregating(select: &Select) -> bool {
    let is_grouped =
        matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if !keys.is_empty());
    is_grouped || matches!(select.distinct, Some(Distinct::Distinct))
}

/// The tables that stand in FROM.
#[derive(Default)]
struct TableNameCollector(BTreeSet<String>);

impl Visitor for TableNameCollector {
    type Break = std::convert::Infallible;

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        if let TableFactor::Table { name, .. } = table {
            self.0.insert(name.to_string());
        }
        ControlFlow::Continue(())
    }
}

/// What occurs in a select; ends where it holds what a stage may not.
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

    /// The names of the stages, a round a line, and what is left of the statement.
    fn stages(sql: &str) -> (String, String) {
        let mut statement = guard::parse("test", sql).unwrap();
        let rounds = extract_streaming_ctes(&mut statement);
        let names = |stages: &Vec<StreamingCte>| {
            stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>().join(" ")
        };
        let rounds: Vec<String> = rounds.iter().map(names).collect();
        (rounds.join("\n"), statement.to_string())
    }

    #[test]
    fn what_boils_events_down_is_a_stage_and_what_it_reads_goes_with_it() {
        let (rounds, rest) = stages(
            "WITH opened AS (SELECT user_id, day FROM events LEFT JOIN days ON local_date = day), \
             counted AS (SELECT user_id, COUNT(*) AS n FROM opened GROUP BY user_id), \
             many AS (SELECT user_id AS many FROM counted WHERE n > 9), \
             of_many AS (SELECT DISTINCT day FROM opened JOIN many ON user_id = many), \
             pairs AS (SELECT n, COUNT(*) AS days FROM many JOIN of_many ON many = day GROUP BY n) \
             SELECT n FROM counted CROSS JOIN pairs ORDER BY n",
        );
        assert_eq!(rounds, "counted\nof_many\npairs");
        assert!(rest.starts_with("WITH opened AS"), "{rest}");
        assert!(!rest.contains("counted AS") && !rest.contains("of_many AS"), "{rest}");
        let mut statement =
            guard::parse("test", "WITH a AS (SELECT DISTINCT user_id FROM events) SELECT * FROM a")
                .unwrap();
        let stage = &extract_streaming_ctes(&mut statement)[0][0];
        assert_eq!(stage.sql, "SELECT DISTINCT user_id FROM events");
        assert_eq!(statement.to_string(), "SELECT * FROM a");
    }

    #[test]
    fn what_a_where_leaves_is_a_stage_for_the_rest_of_the_statement() {
        let (rounds, rest) = stages(
            "WITH kept AS (SELECT user_id, epoch_us FROM events WHERE is_failed), \
             ranked AS (SELECT user_id, RANK() OVER (ORDER BY epoch_us) AS place FROM kept), \
             users AS (SELECT user_id, COUNT(*) AS n FROM kept GROUP BY user_id), \
             both AS (SELECT user_id AS one FROM users UNION ALL SELECT 'x' AS one FROM users), \
             of_both AS (SELECT DISTINCT k.user_id FROM kept AS k JOIN both AS b \
             ON k.user_id = b.one) \
             SELECT * FROM ranked JOIN of_both ON ranked.user_id = of_both.user_id",
        );
        assert_eq!(rounds, "users kept\nof_both");
        assert!(rest.starts_with("WITH ranked AS"), "{rest}");
        let all = "WITH a AS (SELECT user_id FROM events) SELECT * FROM a AS b";
        assert_eq!(stages(all), (String::new(), all.to_owned()), "as many rows as events");
    }

    #[test]
    fn what_the_engine_might_answer_otherwise_in_pieces_is_no_stage() {
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
            let (rounds, rest) = stages(&sql);
            assert_eq!((rounds.as_str(), rest), ("", sql));
        }
    }
}
