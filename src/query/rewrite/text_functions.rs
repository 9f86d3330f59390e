//! Replaces functions of texts by those of [`crate::query::engine::exact`] that copy no bytes.

use sqlparser::ast::{Expr, Function, FunctionArguments, Query, Value};

use crate::query::engine::exact;
use crate::query::guard::functions::function_name;
use crate::query::rewrite::exact_functions::{arguments_mut, for_each_expr, rename};

/// Replaces `COALESCE` of texts and `NULLIF(…, '')`, except in nested queries, for which the engine
/// does not know these functions. The results are the same.
pub fn replace(query: &mut Query) {
    for_each_expr(query, 1, |expr| {
        if let Expr::Function(function) = expr {
            replace_function(function);
        }
    });
}

fn replace_function(function: &mut Function) {
    match function_name(function).as_str() {
        // Without a literal, the type of the values is not known here. Inner functions are first.
        "coalesce" if arguments_mut(function).any(|argument| is_text(argument)) => {
            rename(function, exact::COALESCE);
        }
        "nullif" if arguments_mut(function).nth(1).is_some_and(|second| is_empty_text(second)) => {
            if let FunctionArguments::List(list) = &mut function.args {
                list.args.truncate(1);
            }
            rename(function, exact::NULL_IF_EMPTY);
        }
        _ => {}
    }
}

/// Returns true for a literal text, and for a function that was replaced here.
fn is_text(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::SingleQuotedString(_)),
        Expr::Function(function) => {
            [exact::COALESCE, exact::NULL_IF_EMPTY].contains(&&*function_name(function))
        }
        _ => false,
    }
}

fn is_empty_text(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value)
        if matches!(&value.value, Value::SingleQuotedString(text) if text.is_empty()))
}
