//! Functions by name. Owns: which are refused, and which the engine answers with numbers that are
//! too narrow. Must not know columns or views.

use super::*;
use sqlparser::ast::{Function, FunctionArgumentClause};

/// Functions refused wherever they stand, with the way out.
const REFUSED: [(&str, &str); 29] = [
    ("any_value", "use MIN or MAX: which value it is depends on chance"),
    ("clock_timestamp", NO_NOW),
    ("current_date", NO_NOW),
    ("current_time", NO_NOW),
    ("current_timestamp", NO_NOW),
    ("curdate", NO_NOW),
    ("date_trunc", "use local_date, local_week or local_month of the views"),
    ("explode", "a list cannot be spread over rows here"),
    ("first", FIRST_OR_LAST),
    ("gen_random_uuid", CHANCE),
    ("getdate", NO_NOW),
    ("last", FIRST_OR_LAST),
    ("last_value", "use FIRST_VALUE with the order turned around"),
    ("localtime", NO_NOW),
    ("localtimestamp", NO_NOW),
    ("now", NO_NOW),
    ("rand", CHANCE),
    ("random", CHANCE),
    ("read_csv", ONLY_VIEWS),
    ("read_ipc", ONLY_VIEWS),
    ("read_json", ONLY_VIEWS),
    ("read_ndjson", ONLY_VIEWS),
    ("read_parquet", ONLY_VIEWS),
    ("sysdate", NO_NOW),
    ("time_bucket", "use local_date, local_week or local_month of the views"),
    ("today", NO_NOW),
    ("transaction_timestamp", NO_NOW),
    ("unnest", "a list cannot be spread over rows here"),
    ("uuid", CHANCE),
];

const NO_NOW: &str = "an archive has no today: compare with a date, or with the last day of `days`";
const CHANCE: &str = "an answer must be the same every time";
const FIRST_OR_LAST: &str = "use MIN or MAX, or ROW_NUMBER in a WITH: the rows have no order";
const ONLY_VIEWS: &str = "only views are read here";

/// Aggregates whose result depends on the order of the rows.
const ORDERED: [&str; 4] = ["array_agg", "group_concat", "listagg", "string_agg"];

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
const NARROW: [&str; 11] = [
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
    "strpos",
];

/// Its name in lower case.
pub fn name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map(|ident| ident.value.to_ascii_lowercase()).unwrap_or_default()
}

/// Whether it is an aggregate, and not in a window.
pub fn is_aggregate(function: &Function) -> bool {
    function.over.is_none() && aggregates(function)
}

/// Whether its name is that of an aggregate.
pub fn aggregates(function: &Function) -> bool {
    AGGREGATES.contains(&name(function).as_str())
}

/// Whether the engine answers it with a number that is too narrow to reckon with.
pub fn is_narrow(function: &Function) -> bool {
    NARROW.contains(&name(function).as_str())
}

/// Whether a `DISTINCT` stands before its arguments.
pub fn is_distinct(function: &Function) -> bool {
    matches!(&function.args, FunctionArguments::List(list) if list.duplicate_treatment.is_some())
}

/// Refuses a function by its name or its missing order.
pub fn check(function: &Function) -> Verdict {
    let name = name(function);
    if let Some((_, way_out)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return refuse(format!("{}: {way_out}", name.to_ascii_uppercase()));
    }
    if ORDERED.contains(&name.as_str()) && !has_order(function) {
        let name = name.to_ascii_uppercase();
        return refuse(format!("{name} without an order: write {name}(… ORDER BY …)"));
    }
    ControlFlow::Continue(())
}

/// A list with no elements keeps its row here and loses it elsewhere.
pub fn unnest() -> Verdict {
    refuse("UNNEST: a list cannot be spread over rows here")
}

fn has_order(function: &Function) -> bool {
    let FunctionArguments::List(list) = &function.args else { return false };
    list.clauses.iter().any(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_)))
}
