//! Windows. Owns: which functions may stand before OVER, and with which order and frame. Must not
//! know what they count.
//!
//! The engine reckons row by row and knows one frame. The standard's default frame takes rows that
//! are equal in the order together, so a sum must say ROWS; and averages or distinct counts with an
//! order would silently be those of the whole partition.

use super::*;
use crate::query::guard::functions::{function_name, has_aggregate_name, is_distinct};
use sqlparser::ast::{
    Function, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

/// Functions that number or look at other rows, and need an order.
const ORDERED_WINDOW_FUNCTIONS: [&str; 6] =
    ["dense_rank", "first_value", "lag", "lead", "rank", "row_number"];

/// Aggregates that the engine can run up along an order.
const RUNNING_AGGREGATES: [&str; 4] = ["count", "max", "min", "sum"];

/// The one frame that the engine knows.
const RUNNING_FRAME: &str = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";

/// Refuses a window that would be answered otherwise than elsewhere.
pub fn check(function: &Function) -> GuardResult {
    let Some(over) = &function.over else { return ControlFlow::Continue(()) };
    let shown = function_name(function).to_ascii_uppercase();
    let WindowType::WindowSpec(spec) = over else {
        return refuse(format!("{shown} OVER a named window: write the window in OVER (…)"));
    };
    if spec.window_name.is_some() {
        return refuse(format!("{shown} OVER a named window: write the window in OVER (…)"));
    }
    if function.filter.is_some() {
        return refuse(format!("{shown} FILTER … OVER: write CASE WHEN … END in its argument"));
    }
    check_order(spec, &shown)?;
    check_frame(function, spec, &shown)
}

fn check_order(spec: &WindowSpec, shown: &str) -> GuardResult {
    let Some(first) = spec.order_by.first() else { return ControlFlow::Continue(()) };
    for key in &spec.order_by {
        if key.options.nulls_first.is_some() {
            return refuse(format!(
                "NULLS FIRST and NULLS LAST in OVER are passed over; in {shown} order by \
                 CASE WHEN … IS NULL THEN 1 ELSE 0 END first, and by COALESCE(…)"
            ));
        }
        if key.options.asc.unwrap_or(true) != first.options.asc.unwrap_or(true) {
            return refuse(format!(
                "{shown} OVER with ASC and DESC mixed: turn a number around by 0 - …"
            ));
        }
    }
    ControlFlow::Continue(())
}

fn check_frame(function: &Function, spec: &WindowSpec, shown: &str) -> GuardResult {
    let name = function_name(function);
    let ordered = !spec.order_by.is_empty();
    if spec.window_frame.as_ref().is_some_and(|frame| !(ordered && is_running_frame(frame))) {
        return refuse(format!(
            "{shown} OVER: with an ORDER BY, {RUNNING_FRAME} is the one frame answered"
        ));
    }
    if ORDERED_WINDOW_FUNCTIONS.contains(&name.as_str()) {
        if !ordered {
            return refuse(format!("{shown} OVER without ORDER BY: the rows have no order"));
        }
        return ControlFlow::Continue(());
    }
    if !has_aggregate_name(function) {
        return refuse(format!("{shown} cannot stand before OVER here"));
    }
    if !ordered {
        return ControlFlow::Continue(());
    }
    if is_distinct(function) || !RUNNING_AGGREGATES.contains(&name.as_str()) {
        return refuse(format!(
            "{shown} OVER (ORDER BY …) would be that of the whole partition; \
             join the rows with the earlier ones and group"
        ));
    }
    if spec.window_frame.is_none() {
        return refuse(format!("{shown} OVER (ORDER BY …): write {RUNNING_FRAME} after the order"));
    }
    ControlFlow::Continue(())
}

fn is_running_frame(frame: &WindowFrame) -> bool {
    let end = frame.end_bound.as_ref();
    frame.units == WindowFrameUnits::Rows
        && matches!(frame.start_bound, WindowFrameBound::Preceding(None))
        && matches!(end, None | Some(WindowFrameBound::CurrentRow))
}
