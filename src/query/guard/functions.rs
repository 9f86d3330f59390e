//! Checks functions and operators by name, and knows the functions with narrow results.

use std::ops::ControlFlow;

use chrono::NaiveDate;
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, TypedString, UnaryOperator, Value, Visit, Visitor,
};

use crate::query::guard::refusal::{GuardResult, refuse};

/// Functions that are always refused, with what to write instead.
const REFUSED_FUNCTIONS: [(&str, &str); 36] = [
    ("any_value", "returns a random row's value; write MIN or MAX"),
    ("clock_timestamp", NO_CURRENT_TIME),
    ("covar", COVARIANCE_HINT),
    ("covar_pop", COVARIANCE_HINT),
    ("covar_samp", COVARIANCE_HINT),
    ("current_date", NO_CURRENT_TIME),
    ("current_time", NO_CURRENT_TIME),
    ("current_timestamp", NO_CURRENT_TIME),
    ("curdate", NO_CURRENT_TIME),
    ("date_part", "returns a number that is too narrow for calculations; write EXTRACT(… FROM …)"),
    ("date_trunc", "is not supported; use the columns local_date, local_week or local_month"),
    ("explode", LIST_TO_ROWS),
    ("first", FIRST_OR_LAST),
    ("gen_random_uuid", NONDETERMINISTIC),
    ("getdate", NO_CURRENT_TIME),
    ("last", FIRST_OR_LAST),
    ("last_value", "engines disagree on its frame; write FIRST_VALUE with the reverse order"),
    ("localtime", NO_CURRENT_TIME),
    ("localtimestamp", NO_CURRENT_TIME),
    ("log", "engines disagree on the position of the base; write LN(x) / LN(base)"),
    ("mod", REMAINDER_HINT),
    ("now", NO_CURRENT_TIME),
    ("rand", NONDETERMINISTIC),
    ("random", NONDETERMINISTIC),
    ("read_csv", ONLY_VIEWS),
    ("read_ipc", ONLY_VIEWS),
    ("read_json", ONLY_VIEWS),
    ("read_ndjson", ONLY_VIEWS),
    ("read_parquet", ONLY_VIEWS),
    ("strpos", POSITION_HINT),
    ("sysdate", NO_CURRENT_TIME),
    ("time_bucket", "is not supported; use the columns local_date, local_week or local_month"),
    ("today", NO_CURRENT_TIME),
    ("transaction_timestamp", NO_CURRENT_TIME),
    ("unnest", LIST_TO_ROWS),
    ("uuid", NONDETERMINISTIC),
];

const NO_CURRENT_TIME: &str =
    "an archive has no current time; CURRENT_DATE is the last day of the period";
const NONDETERMINISTIC: &str = "results must be the same every time";
const FIRST_OR_LAST: &str =
    "the rows have no order; write MIN or MAX, or number the rows with ROW_NUMBER in a WITH";
const ONLY_VIEWS: &str = "a statement can read only views; `schema --views` lists them";
const LIST_TO_ROWS: &str = "lists cannot be expanded to rows; the view `recipients` has a row for \
    each recipient in a list";
const REMAINDER_HINT: &str = "engines disagree on the sign of the remainder of a negative number; \
    write a - b * FLOOR(a / b)";
const COVARIANCE_HINT: &str = "the engine returns 0 for rows that have no pair of values; \
    write AVG(a * b) - AVG(a) * AVG(b), and in WHERE a IS NOT NULL AND b IS NOT NULL";
const POSITION_HINT: &str = "the engine counts bytes, others count characters; \
    write LENGTH(SPLIT_PART(text, part, 1)) + 1 if LIKE finds the part";

/// Aggregates whose result depends on the order of the rows.
const ORDER_DEPENDENT_AGGREGATES: [&str; 4] =
    ["array_agg", "group_concat", "listagg", "string_agg"];

/// Aggregate functions.
const AGGREGATES: [&str; 26] = [
    "approx_count_distinct",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar",
    "covar_pop",
    "covar_samp",
    "group_concat",
    "listagg",
    "max",
    "mean",
    "median",
    "min",
    "quantile_cont",
    "quantile_disc",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "stdev",
    "string_agg",
    "sum",
    "total",
    "variance",
];

/// Fields of STRFTIME on which engines disagree.
const REFUSED_TIME_FIELDS: [&str; 3] = ["%c", "%f", "%x"];

/// Functions whose result is narrower than 64 bits in the engine. Without a cast, `COUNT(*) - 5`
/// could be 4294967294, and `EXTRACT(HOUR FROM t) * 60` could be negative.
const NARROW_FUNCTIONS: [&str; 10] = [
    "array_length",
    "bit_length",
    "char_length",
    "character_length",
    "count",
    "dense_rank",
    "length",
    "octet_length",
    "rank",
    "row_number",
];

/// Returns the names of the functions that are always refused.
#[cfg(test)]
pub fn refused_functions() -> impl Iterator<Item = &'static str> {
    REFUSED_FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Returns the name of a function in lower case.
pub fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map(|ident| ident.value.to_ascii_lowercase()).unwrap_or_default()
}

/// Returns true if a function is an aggregate without OVER.
pub fn is_aggregate(function: &Function) -> bool {
    function.over.is_none() && has_aggregate_name(function)
}

/// Returns true if a function has the name of an aggregate.
pub fn has_aggregate_name(function: &Function) -> bool {
    AGGREGATES.contains(&function_name(function).as_str())
}

/// Returns true if the engine's result of a function is narrower than 64 bits.
pub fn is_narrow_function(function: &Function) -> bool {
    NARROW_FUNCTIONS.contains(&function_name(function).as_str())
}

/// Returns true if a function is SUM.
pub fn is_sum(function: &Function) -> bool {
    function_name(function) == "sum"
}

/// Returns true if a function is a quantile.
pub fn is_quantile(function: &Function) -> bool {
    matches!(function_name(function).as_str(), "quantile_cont" | "quantile_disc")
}

/// Returns true if a function has DISTINCT before its arguments.
pub fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some())
}

/// Refuses a function by its name, a negative start, a constant argument or condition, or a
/// missing order.
pub fn check(function: &Function) -> GuardResult {
    let name = function_name(function);
    if let Some((_, advice)) = REFUSED_FUNCTIONS.iter().find(|(refused, _)| *refused == name) {
        return refuse(format!("{}: {advice}", name.to_ascii_uppercase()));
    }
    if matches!(name.as_str(), "substr" | "substring") && has_negative_argument(function) {
        return refuse(format!(
            "{name} with a negative start returns the whole text; write RIGHT(…, n)"
        ));
    }
    if name == "strftime"
        && let Some(format) = text_argument(function)
        && let Some(field) = REFUSED_TIME_FIELDS.iter().find(|field| format.contains(**field))
    {
        return refuse(format!(
            "STRFTIME with {field}: engines disagree on this field; \
             write the parts, for example %Y-%m-%d %H:%M:%S"
        ));
    }
    if name == "replace" && text_argument(function) == Some("") {
        return refuse(
            "REPLACE of the empty text adds the new text between all characters; \
             write the text alone",
        );
    }
    if let Some(argument) = constant_argument(function, &name) {
        let name = name.to_ascii_uppercase();
        return refuse(format!(
            "{name}({argument}) has no column: the engine calculates it once, not for each row; \
             write {argument} alone"
        ));
    }
    if let Some(condition) = &function.filter
        && !has_any_column(condition)
    {
        return refuse(format!(
            "FILTER (WHERE {condition}) has no column: the engine tests it once, not for each row; \
             write it in WHERE"
        ));
    }
    if ORDER_DEPENDENT_AGGREGATES.contains(&name.as_str()) && !has_order(function) {
        let name = name.to_ascii_uppercase();
        return refuse(format!("{name} needs an order; write {name}(… ORDER BY …)"));
    }
    ControlFlow::Continue(())
}

/// Refuses an operator by its symbol.
pub fn check_operator(op: &BinaryOperator) -> GuardResult {
    match op {
        BinaryOperator::Modulo => refuse(format!("%: {REMAINDER_HINT}")),
        BinaryOperator::DuckIntegerDivide => {
            refuse("//: engines disagree on rounding of negative numbers; write FLOOR(a / b)")
        }
        BinaryOperator::PGRegexMatch
        | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch => refuse(format!(
            "{op}: engines disagree on whether the whole text must match; write LIKE"
        )),
        _ => ControlFlow::Continue(()),
    }
}

/// Refuses an integer that does not fit into 64 bits, which the engine cannot read.
pub fn check_literal(value: &Value) -> GuardResult {
    match value {
        Value::Number(digits, _)
            if digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<i64>().is_err() =>
        {
            refuse(format!(
                "{digits} does not fit into an integer of 64 bits; \
                 write it as a fraction, {digits}.0"
            ))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// Refuses a date that does not exist, which the engine reads as null.
pub fn check_date(literal: &TypedString) -> GuardResult {
    match &literal.value.value {
        Value::SingleQuotedString(text)
            if literal.data_type == DataType::Date && text.parse::<NaiveDate>().is_err() =>
        {
            refuse(format!(
                "{literal} is not a day of the calendar; write a day as DATE '2026-03-31'"
            ))
        }
        _ => ControlFlow::Continue(()),
    }
}

/// Refuses `POSITION(… IN …)`, another form of STRPOS.
pub fn refuse_position() -> GuardResult {
    refuse(format!("POSITION: {POSITION_HINT}"))
}

/// Refuses `UNNEST` in FROM. The engine keeps a row for an empty list, other engines do not.
pub fn refuse_unnest() -> GuardResult {
    refuse(format!("UNNEST: {LIST_TO_ROWS}"))
}

/// Returns true if an argument is a negative number.
fn has_negative_argument(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    let is_negative = |argument: &FunctionArg| {
        matches!(
            argument,
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::UnaryOp {
                op: UnaryOperator::Minus,
                ..
            }))
        )
    };
    list.args.iter().any(is_negative)
}

/// Returns the second argument if it is a literal text.
fn text_argument(function: &Function) -> Option<&str> {
    let FunctionArguments::List(list) = &function.args else { return None };
    match list.args.get(1)? {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the first argument of an aggregate, or of a function that reads other rows, if it has no
/// column. The sum and the number of a literal are rewritten.
fn constant_argument<'a>(function: &'a Function, name: &str) -> Option<&'a Expr> {
    let reads_rows = matches!(name, "first_value" | "lag" | "lead");
    if !reads_rows && !has_aggregate_name(function) {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = list.args.first()? else {
        return None;
    };
    let is_rewritten = matches!(name, "count" | "sum") && is_constant(argument);
    (!is_rewritten && !has_any_column(argument)).then_some(argument)
}

/// Returns true for an expression of literals and operators, without columns and functions.
pub fn is_constant(expr: &Expr) -> bool {
    struct VariableFinder;
    impl Visitor for VariableFinder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Value(_)
                | Expr::Nested(_)
                | Expr::UnaryOp { .. }
                | Expr::BinaryOp { .. }
                | Expr::Cast { .. } => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        }
    }
    expr.visit(&mut VariableFinder).is_continue()
}

fn has_any_column(expr: &Expr) -> bool {
    struct ColumnFinder;
    impl Visitor for ColumnFinder {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut ColumnFinder).is_break()
}

fn has_order(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
}
