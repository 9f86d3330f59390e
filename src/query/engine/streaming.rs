//! Finds the parts of a statement that run before the rest, on the streaming engine where that is
//! possible.
//!
//! A streaming CTE reads a view of events. It aggregates them by GROUP BY or DISTINCT, or filters
//! them by WHERE for the rest of the statement. The streaming engine processes events in batches,
//! with a third of the memory of the in-memory engine and less time. It runs out of memory on `IN
//! (SELECT …)`, so it runs only CTEs for which both engines are known to return the same rows. Of
//! other queries over events, it runs the filter. If streaming CTEs read CTEs that it does not run,
//! those run before them on the in-memory engine.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Cte, Expr, JoinOperator, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select,
    SelectItem, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Value, Visit, With,
};

use crate::query::engine::filtered_rows;
use crate::query::engine::streamable::{
    EVENT_VIEWS, SelectInspector, is_aggregating, is_streamable, table_and_alias, tables_read,
};
use crate::query::guard::grouping::{has_aggregate, item_expr};
use crate::query::views::columns::is_view;

/// Most rows of a result for which the streaming engine runs the rest of a statement.
const MAX_FIRST_ROWS: u32 = 100_000;

/// Engine that runs a part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// For what streaming CTEs read, and only few rows.
    InMemory,
    /// For views of events.
    Streaming,
}

/// Tables that a statement reads in place of its parts, and the engine of its rest.
#[derive(Debug)]
pub struct EarlyTables {
    /// Tables in waves. Those on the in-memory engine run first, one by one, and then those on the
    /// streaming engine together. A wave needs the results of earlier waves.
    pub waves: Vec<Vec<EarlyTable>>,
    /// Engine of the rest of the statement.
    pub rest_engine: Engine,
}

/// Part of a statement that runs by itself, before the rest of the statement reads its rows as a
/// table.
#[derive(Debug, PartialEq, Eq)]
pub struct EarlyTable {
    /// Name of the table.
    pub name: String,
    /// Statement that returns its rows.
    pub statement: Statement,
    /// Engine that runs the statement.
    pub engine: Engine,
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

/// Removes the streaming CTEs from a statement, which then reads tables of the same names. Filters
/// of other queries over views of events become tables too, and so do the CTEs that streaming CTEs
/// read. `columns_of` returns the columns of a view.
pub fn extract_early_tables(
    statement: &mut Statement,
    columns_of: &dyn Fn(&str) -> Option<BTreeSet<String>>,
) -> EarlyTables {
    let mut extraction = Extraction::default();
    let Statement::Query(query) = statement else {
        return EarlyTables { waves: Vec::new(), rest_engine: Engine::InMemory };
    };
    let mut with = query.with.take();
    if let Some(with) = &mut with {
        with.cte_tables.retain_mut(|cte| !extraction.extract(cte, columns_of));
    }
    let rest_engine = if selects_first_rows(query) { Engine::Streaming } else { Engine::InMemory };
    // The in-memory engine stops at a limit without an order.
    let stops_early = query.limit_clause.is_some() && query.order_by.is_none();
    if rest_engine == Engine::InMemory && !stops_early {
        extraction.split_filter(query, columns_of);
    }
    let mut none = Vec::new();
    let rest = with.as_mut().map_or(&mut none, |with| &mut with.cte_tables);
    extraction.extract_filters(rest, &query.body);
    extraction.extract_settled(rest);
    query.with = with.filter(|with| !with.cte_tables.is_empty());
    EarlyTables { waves: extraction.waves, rest_engine }
}

/// Returns true for a query of the first rows of a view of events, in an order by the ID of the
/// event. The streaming engine keeps no other rows. Of rows with equal keys, it would keep any.
fn selects_first_rows(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    let Some(LimitClause::LimitOffset { limit: Some(limit), offset: None, .. }) =
        &query.limit_clause
    else {
        return false;
    };
    let is_low = |digits: &str| digits.parse::<u32>().is_ok_and(|rows| rows <= MAX_FIRST_ROWS);
    let is_low = match limit {
        Expr::Value(value) => matches!(&value.value, Value::Number(digits, _) if is_low(digits)),
        _ => false,
    };
    let class = classify(&query.body, &BTreeMap::new());
    is_low
        && query.order_by.as_ref().is_some_and(|order| has_event_id(order, select))
        && select.from.iter().all(|from| from.joins.is_empty())
        && class.is_some_and(|(source, aggregates)| source.is_large && !aggregates)
        && !select.projection.iter().filter_map(item_expr).any(has_aggregate)
}

/// Facts about the CTEs of a statement, in their order.
#[derive(Default)]
struct Extraction {
    waves: Vec<Vec<EarlyTable>>,
    known: BTreeMap<String, RelationInfo>,
    /// CTEs that other queries may read in a WITH of their own.
    inlined: Vec<(Cte, RelationInfo)>,
    /// CTEs for the in-memory engine, if a streaming CTE reads them.
    settled: Vec<(Cte, RelationInfo)>,
    filter_count: usize,
}

impl Extraction {
    /// Extracts a CTE if it is a streaming CTE, and returns true. Otherwise, only its filter may be
    /// extracted.
    fn extract(
        &mut self,
        cte: &mut Cte,
        columns_of: &dyn Fn(&str) -> Option<BTreeSet<String>>,
    ) -> bool {
        let is_plain = has_only_body(&cte.query) && cte.alias.columns.is_empty();
        let class = classify(&cte.query.body, &self.known).filter(|_| is_plain);
        let name = cte.alias.name.value.clone();
        let Some((source, aggregates)) = class else {
            self.split_filter(&mut cte.query, columns_of);
            if let Some(info) = self.small_inputs(&cte.query)
                && cte.alias.columns.is_empty()
            {
                self.known.insert(name, info);
                self.settled.push((cte.clone(), info));
            }
            return false;
        };
        let is_streaming = source.is_large && aggregates;
        if is_streaming {
            self.add(cte, source, Engine::Streaming);
        } else {
            self.inlined.push((cte.clone(), source));
        }
        let wave = source.wave + usize::from(is_streaming);
        let is_large = source.is_large && !is_streaming;
        self.known.insert(name, RelationInfo { is_large, wave, ..source });
        is_streaming
    }

    /// Makes the filter of a query over a view of events a table.
    fn split_filter(
        &mut self,
        query: &mut Query,
        columns_of: &dyn Fn(&str) -> Option<BTreeSet<String>>,
    ) {
        let number = self.filter_count + 1;
        let Some(rows) = filtered_rows::split(query, number, columns_of) else { return };
        self.filter_count = number;
        let info = RelationInfo { wave: 1, ..RelationInfo::default() };
        self.known.insert(rows.name.clone(), info);
        let statement = Statement::Query(Box::new(rows.query));
        self.push(0, EarlyTable { name: rows.name, statement, engine: Engine::Streaming });
    }

    /// Returns the properties of a query that reads only small relations; `None` for others.
    fn small_inputs(&self, query: &Query) -> Option<RelationInfo> {
        let mut info = RelationInfo { has_fractions: true, ..RelationInfo::default() };
        for name in tables_read(query) {
            let source = known_relation(&name, &self.known).filter(|source| !source.is_large)?;
            info.wave = info.wave.max(source.wave);
        }
        Some(info)
    }

    /// Adds a CTE to its wave. Its own WITH has the CTEs that it reads and that are no tables.
    fn add(&mut self, cte: &Cte, source: RelationInfo, engine: Engine) {
        let cte_tables = self.inlined_ctes(&mut tables_read(&*cte.query));
        let mut query = cte.query.clone();
        if !cte_tables.is_empty() {
            let with_token = AttachedToken::empty();
            query.with = Some(With { with_token, recursive: false, cte_tables });
        }
        let name = cte.alias.name.value.clone();
        self.push(source.wave, EarlyTable { name, statement: Statement::Query(query), engine });
    }

    /// Returns the inlined CTEs among the tables that are read, and adds the tables that they read.
    fn inlined_ctes(&self, read: &mut BTreeSet<String>) -> Vec<Cte> {
        let mut ctes = Vec::new();
        for (inlined, _) in self.inlined.iter().rev() {
            if read.contains(&inlined.alias.name.value) {
                read.extend(tables_read(&*inlined.query));
                ctes.insert(0, inlined.clone());
            }
        }
        ctes
    }

    fn push(&mut self, wave: usize, table: EarlyTable) {
        self.waves.resize_with(self.waves.len().max(wave + 1), Vec::new);
        self.waves[wave].push(table);
    }

    /// Extracts CTEs that filter events for the rest of a statement.
    fn extract_filters(&mut self, rest: &mut Vec<Cte>, body: &SetExpr) {
        let is_large =
            |cte: &Cte| self.known.get(&cte.alias.name.value).is_some_and(|info| info.is_large);
        let mut read = tables_read(body);
        for cte in rest.iter().filter(|cte| !is_large(cte)) {
            read.extend(tables_read(cte));
        }
        let filters = self.inlined.iter().filter(|(cte, source)| {
            source.is_large && source.is_filtered && read.contains(&cte.alias.name.value)
        });
        let filters: Vec<(Cte, RelationInfo)> = filters.cloned().collect();
        for (cte, source) in &filters {
            self.add(cte, *source, Engine::Streaming);
            rest.retain(|left| left.alias.name != cte.alias.name);
        }
    }

    /// Extracts the CTEs that streaming CTEs read and that need the in-memory engine.
    fn extract_settled(&mut self, rest: &mut Vec<Cte>) {
        let statements = self.waves.iter().flatten().map(|table| &table.statement);
        let mut read: BTreeSet<String> = statements.flat_map(tables_read).collect();
        let mut needed: Vec<(Cte, RelationInfo)> = Vec::new();
        for (cte, info) in std::mem::take(&mut self.settled).into_iter().rev() {
            if read.contains(&cte.alias.name.value) {
                read.extend(tables_read(&*cte.query));
                // A CTE of the WITH that it gets can read others.
                self.inlined_ctes(&mut read);
                rest.retain(|left| left.alias.name != cte.alias.name);
                needed.insert(0, (cte, info));
            }
        }
        for (cte, info) in &needed {
            self.add(cte, *info, Engine::InMemory);
        }
        self.waves.iter_mut().for_each(|wave| wave.sort_by_key(|table| table.engine));
    }
}

/// Returns true if the ID of the event is a key of an order, and the streaming engine may calculate
/// all keys.
fn has_event_id(order: &OrderBy, select: &Select) -> bool {
    let OrderByKind::Expressions(keys) = &order.kind else { return false };
    let is_id = |expr: &Expr| last_name(expr) == Some("Id");
    // An order reads a result column before a column of the view.
    let is_unique = |key: &OrderByExpr| {
        let Some(name) = last_name(&key.expr) else { return false };
        let result = select.projection.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value == name => Some(expr),
            _ => None,
        });
        is_id(result.unwrap_or(&key.expr))
    };
    is_streamable(order) && keys.iter().any(is_unique)
}

/// Returns the name of a column without its qualifier.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.as_str()),
        _ => None,
    }
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
    known_relation(table_and_alias(table)?.0, known)
}

fn known_relation(name: &str, known: &BTreeMap<String, RelationInfo>) -> Option<RelationInfo> {
    match known.get(name) {
        Some(source) => Some(*source),
        None if is_view(name) => {
            let is_large = EVENT_VIEWS.contains(&name);
            Some(RelationInfo { is_large, ..RelationInfo::default() })
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;

    /// Returns the names of the tables, one line for each wave, and the rest of the statement. A
    /// table on the in-memory engine has parentheses.
    fn extract(sql: &str) -> (String, String) {
        let (waves, statement) = extract_from(sql);
        let name = |table: &EarlyTable| match table.engine {
            Engine::Streaming => table.name.clone(),
            Engine::InMemory => format!("({})", table.name),
        };
        let line = |wave: &Vec<EarlyTable>| wave.iter().map(name).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = waves.iter().map(line).collect();
        (lines.join("\n"), statement)
    }

    fn extract_from(sql: &str) -> (Vec<Vec<EarlyTable>>, String) {
        let mut statement = guard::parse("test", sql).unwrap();
        let columns = ["Id", "user_id", "report_id", "epoch_us", "is_failed", "artifact"];
        let columns = columns.map(str::to_owned).into();
        let tables = extract_early_tables(&mut statement, &|_| Some(BTreeSet::clone(&columns)));
        (tables.waves, statement.to_string())
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
        let (waves, rest) =
            extract_from("WITH a AS (SELECT DISTINCT user_id FROM events) SELECT * FROM a");
        assert_eq!(waves[0][0].statement.to_string(), "SELECT DISTINCT user_id FROM events");
        assert_eq!(rest, "SELECT * FROM a");
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
    fn filters_of_other_queries_stream() {
        for (sql, filter, rest) in [
            (
                "WITH a AS (SELECT user_id, ROW_NUMBER() OVER (ORDER BY epoch_us) AS n \
                 FROM history WHERE is_failed AND (user_id <> 'x' AND Id LIKE 'a%')) \
                 SELECT * FROM a",
                "SELECT \"Id\", \"epoch_us\", \"is_failed\", \"user_id\" FROM history \
                 WHERE is_failed AND user_id <> 'x' AND Id LIKE 'a%'",
                "WITH a AS (SELECT user_id, ROW_NUMBER() OVER (ORDER BY epoch_us) AS n \
                 FROM \"filtered history 1\" AS history) SELECT * FROM a",
            ),
            (
                "SELECT e.artifact.kind AS kind, n FROM events AS e LEFT JOIN few AS f \
                 ON e.Id = f.Id WHERE e.is_failed AND n > 1 AND user_id = 'x' \
                 ORDER BY e.epoch_us LIMIT 3",
                "SELECT \"Id\", \"artifact\", \"epoch_us\", \"is_failed\", \"user_id\" \
                 FROM events AS e WHERE e.is_failed",
                "SELECT e.artifact.kind AS kind, n FROM \"filtered events 1\" AS e \
                 LEFT JOIN few AS f ON e.Id = f.Id WHERE n > 1 AND user_id = 'x' \
                 ORDER BY e.epoch_us LIMIT 3",
            ),
        ] {
            let (waves, found) = extract_from(sql);
            assert_eq!((waves.len(), waves[0].len()), (1, 1), "{sql}");
            assert_eq!(waves[0][0].statement.to_string(), filter);
            assert_eq!(found, rest);
        }
    }

    #[test]
    fn first_rows_of_events_stream() {
        let engine = |sql: &str| {
            let mut statement = guard::parse("test", sql).unwrap();
            let tables = extract_early_tables(&mut statement, &|_| None);
            assert!(tables.waves.is_empty(), "{sql}");
            tables.rest_engine
        };
        let first = "SELECT Id AS a, epoch_us || 'x' AS x FROM events AS e WHERE is_failed";
        assert_eq!(engine(&format!("{first} ORDER BY a LIMIT 20")), Engine::Streaming);
        assert_eq!(
            engine("SELECT e.user_id FROM events AS e ORDER BY e.user_id, e.Id LIMIT 20"),
            Engine::Streaming
        );
        for other in [
            // Events with equal keys.
            format!("{first} ORDER BY x LIMIT 20"),
            "SELECT user_id AS Id FROM events ORDER BY Id LIMIT 20".to_owned(),
            format!("{first} ORDER BY a"),
            format!("{first} LIMIT 20"),
            format!("{first} ORDER BY a LIMIT 20 OFFSET 5"),
            format!("{first} ORDER BY a LIMIT 100001"),
            "SELECT DISTINCT user_id FROM events ORDER BY user_id LIMIT 20".to_owned(),
            "SELECT COUNT(*) AS n FROM events ORDER BY n LIMIT 20".to_owned(),
            "SELECT RANK() OVER (ORDER BY Id) AS n FROM events ORDER BY n LIMIT 20".to_owned(),
            "SELECT day FROM days ORDER BY day LIMIT 20".to_owned(),
        ] {
            assert_eq!(engine(&other), Engine::InMemory, "{other}");
        }
    }

    #[test]
    fn ctes_between_streaming_ctes_run_in_memory() {
        let (waves, rest) = extract(
            "WITH made AS (SELECT report_id, ROW_NUMBER() OVER (ORDER BY Id) AS n FROM history \
             WHERE is_failed), \
             made_once AS (SELECT report_id AS made_report FROM made WHERE n = 1), \
             unread AS (SELECT RANK() OVER (ORDER BY n) AS place FROM made), \
             views AS (SELECT report_id, COUNT(*) AS n FROM events JOIN made_once \
             ON report_id = made_report GROUP BY report_id) \
             SELECT views.n, place FROM views CROSS JOIN unread",
        );
        assert_eq!(waves, "filtered history 1\n(made) views");
        assert_eq!(
            rest,
            "WITH made_once AS (SELECT report_id AS made_report FROM made WHERE n = 1), \
             unread AS (SELECT RANK() OVER (ORDER BY n) AS place FROM made) \
             SELECT views.n, place FROM views CROSS JOIN unread"
        );
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
            "SELECT AVG(epoch_us) AS x FROM events WHERE user_id IN (SELECT user_id FROM history)",
            "SELECT * FROM events WHERE is_failed LIMIT 3",
        ] {
            let sql = format!("WITH a AS ({body}) SELECT * FROM a");
            let (waves, rest) = extract(&sql);
            assert_eq!((waves.as_str(), rest), ("", sql));
        }
        let first = "SELECT Id FROM events WHERE is_failed LIMIT 3";
        assert_eq!(extract(first), (String::new(), first.to_owned()), "the first three");
    }
}
