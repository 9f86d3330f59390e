//! Functions and operators by name. Owns: which are refused, and which the engine answers with
//! numbers that are too narrow. Must not know columns or views.

use super::*;
use sqlparser::ast::{
    BinaryOperator, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, UnaryOperator,
};

/// Functions refused wherever they stand, with the way out.
const REFUSED_FUNCTIONS: [(&str, &str); 33] = [
    ("any_value", "use MIN or MAX: which value it is depends on chance"),
    ("clock_timestamp", NO_CURRENT_TIME),
    ("current_date", NO_CURRENT_TIME),
    ("current_time", NO_CURRENT_TIME),
    ("current_timestamp", NO_CURRENT_TIME),
    ("curdate", NO_CURRENT_TIME),
    ("date_part", "write EXTRACT(… FROM …), whose number is wide enough to reckon with"),
    ("date_trunc", "use local_date, local_week or local_month of the views"),
    ("explode", "a list cannot be spread over rows here"),
    ("first", FIRST_OR_LAST),
    ("gen_random_uuid", NONDETERMINISTIC),
    ("getdate", NO_CURRENT_TIME),
    ("last", FIRST_OR_LAST),
    ("last_value", "use FIRST_VALUE with the order turned around"),
    ("localtime", NO_CURRENT_TIME),
    ("localtimestamp", NO_CURRENT_TIME),
    ("log", "engines take its base first or last: write LN(x) / LN(base)"),
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
    ("time_bucket", "use local_date, local_week or local_month of the views"),
    ("today", NO_CURRENT_TIME),
    ("transaction_timestamp", NO_CURRENT_TIME),
    ("unnest", "a list cannot be spread over rows here"),
    ("uuid", NONDETERMINISTIC),
];

const NO_CURRENT_TIME: &str =
    "an archive has no today: compare with a date, or with the last day of `days`";
const NONDETERMINISTIC: &str = "an answer must be the same every time";
const FIRST_OR_LAST: &str = "use MIN or MAX, or ROW_NUMBER in a WITH: the rows have no order";
const ONLY_VIEWS: &str = "only views are read here";
const REMAINDER_HINT: &str = "engines give the remainder of a negative number another sign: \
    write a - b * FLOOR(a / b)";
const POSITION_HINT: &str = "bytes are counted here and letters elsewhere, and a null is 0: \
    take LENGTH(SPLIT_PART(text, part, 1)) + 1 where LIKE finds the part";

/// Aggregates whose result depends on the order of the rows.
const ORDER_DEPENDENT_AGGREGATES: [&str; 4] =
    ["array_agg", "group_concat", "listagg", "string_agg"];

/// Aggregates.
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

/// Functions for which the engine's result is narrower than a whole number elsewhere, so that
/// `COUNT(*) - 5` would be 4294967294 and `EXTRACT(HOUR FROM t) * 60` would be negative.
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

/// The names of the functions that are refused wherever they stand.
#[cfg(test)]
pub fn refused_functions() -> impl Iterator<Item = &'static str> {
    REFUSED_FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Its name in lower case.
pub fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map(|ident| ident.value.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether it is an aggregate, and not in a window.
pub fn is_aggregate(function: &Function) -> bool {
    function.over.is_none() && has_aggregate_name(function)
}

/// Whether its name is that of an aggregate.
pub fn has_aggregate_name(function: &Function) -> bool {
    AGGREGATES.contains(&function_name(function).as_str())
}

/// Whether the engine answers it with a number that is too narrow to reckon with.
pub fn is_narrow_function(function: &Function) -> bool {
    NARROW_FUNCTIONS.contains(&function_name(function).as_str())
}

/// Whether it is a sum.
pub fn is_sum(function: &Function) -> bool {
    function_name(function) == "sum"
}

/// Whether a `DISTINCT` stands before its arguments.
pub fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some())
}

/// Refuses a function by its name or its missing order.
pub fn check(function: &Function) -> GuardResult {
    let name = function_name(function);
    if let Some((_, way_out)) = REFUSED_FUNCTIONS.iter().find(|(refused, _)| *refused == name) {
        return refuse(format!("{}: {way_out}", name.to_ascii_uppercase()));
    }
    if matches!(name.as_str(), "substr" | "substring") && has_negative_argument(function) {
        return refuse(format!(
            "{name} from the end: the whole text comes back; write RIGHT(…, n)"
        ));
    }
    if ORDER_DEPENDENT_AGGREGATES.contains(&name.as_str()) && !has_order(function) {
        let name = name.to_ascii_uppercase();
        return refuse(format!("{name} without an order: write {name}(… ORDER BY …)"));
    }
    ControlFlow::Continue(())
}

/// Refuses an operator by its sign.
pub fn check_operator(op: &BinaryOperator) -> GuardResult {
    match op {
        BinaryOperator::Modulo => refuse(format!("%: {REMAINDER_HINT}")),
        BinaryOperator::DuckIntegerDivide => {
            refuse("//: engines round a negative number otherwise: write FLOOR(a / b)")
        }
        BinaryOperator::PGRegexMatch
        | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch
        | BinaryOperator::PGRegexNotIMatch => refuse(format!(
            "{op}: a part of the text may match here, and elsewhere all of it must: write LIKE"
        )),
        _ => ControlFlow::Continue(()),
    }
}

/// `POSITION(… IN …)`, which is STRPOS.
pub fn refuse_position() -> GuardResult {
    refuse(format!("POSITION: {POSITION_HINT}"))
}

/// A list with no elements keeps its row here and loses it elsewhere.
pub fn refuse_unnest() -> GuardResult {
    refuse("UNNEST: a list cannot be spread over rows here")
}

/// Whether a negative number is among its arguments.
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

fn has_order(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
}
