//! Checks windows: the functions before OVER, their order and their frame.
//!
//! The engine calculates row by row and supports one frame. The standard's default frame groups
//! rows that are equal in the order, so a sum must say ROWS. Averages and distinct counts with an
//! order would silently be those of the whole partition.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Function, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use crate::query::guard::functions::{function_name, has_aggregate_name, is_distinct};
use crate::query::guard::refusal::{GuardResult, refuse};

/// Functions that number rows or read other rows, and need an order.
const ORDERED_WINDOW_FUNCTIONS: [&str; 6] =
    ["dense_rank", "first_value", "lag", "lead", "rank", "row_number"];

/// Aggregates that the engine can accumulate along an order.
const RUNNING_AGGREGATES: [&str; 4] = ["count", "max", "min", "sum"];

/// Aggregates that the engine calculates for each partition; it ignores OVER of others.
const WINDOW_AGGREGATES: [&str; 11] = [
    "avg",
    "count",
    "max",
    "median",
    "min",
    "stddev",
    "stddev_samp",
    "stdev",
    "sum",
    "total",
    "variance",
];

/// The only frame that the engine supports.
const RUNNING_FRAME: &str = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";

/// Refuses a window whose result differs between engines.
pub fn check(function: &Function) -> GuardResult {
    let Some(over) = &function.over else { return ControlFlow::Continue(()) };
    let shown = function_name(function).to_ascii_uppercase();
    let WindowType::WindowSpec(spec) = over else {
        return refuse(format!("{shown} has a named window; write the window in OVER (…)"));
    };
    if spec.window_name.is_some() {
        return refuse(format!("{shown} has a named window; write the window in OVER (…)"));
    }
    if function.filter.is_some() {
        return refuse(format!(
            "{shown} cannot have both FILTER and OVER; \
             write CASE WHEN … END in its argument"
        ));
    }
    check_order(spec, &shown)?;
    check_frame(function, spec, &shown)
}

fn check_order(spec: &WindowSpec, shown: &str) -> GuardResult {
    let Some(first) = spec.order_by.first() else { return ControlFlow::Continue(()) };
    for key in &spec.order_by {
        if key.options.nulls_first.is_some() {
            return refuse(format!(
                "OVER ignores NULLS FIRST and NULLS LAST; in {shown} order by \
                 CASE WHEN … IS NULL THEN 1 ELSE 0 END first, then by COALESCE(…)"
            ));
        }
        if key.options.asc.unwrap_or(true) != first.options.asc.unwrap_or(true) {
            return refuse(format!(
                "{shown} OVER cannot mix ASC and DESC; reverse the order of a number with 0 - …"
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
            "{shown} OVER: this frame is not supported; \
             write ORDER BY and {RUNNING_FRAME}"
        ));
    }
    if ORDERED_WINDOW_FUNCTIONS.contains(&name.as_str()) {
        if !ordered {
            return refuse(format!("{shown} OVER has no order; write OVER (ORDER BY …)"));
        }
        return ControlFlow::Continue(());
    }
    if !has_aggregate_name(function) {
        return refuse(format!(
            "{shown} OVER is not supported; use ROW_NUMBER, RANK or an aggregate"
        ));
    }
    if !WINDOW_AGGREGATES.contains(&name.as_str()) {
        return refuse(format!(
            "{shown} OVER: the engine calculates it over all rows; \
             group in a WITH, and join the groups"
        ));
    }
    if !ordered {
        return ControlFlow::Continue(());
    }
    if is_distinct(function) || !RUNNING_AGGREGATES.contains(&name.as_str()) {
        return refuse(format!(
            "{shown} OVER (ORDER BY …) would be calculated over the whole partition; \
             join each row with the earlier rows and group"
        ));
    }
    if spec.window_frame.is_none() {
        return refuse(format!(
            "{shown} OVER (ORDER BY …) has no frame; \
             write {RUNNING_FRAME} after the order"
        ));
    }
    ControlFlow::Continue(())
}

fn is_running_frame(frame: &WindowFrame) -> bool {
    let end = frame.end_bound.as_ref();
    frame.units == WindowFrameUnits::Rows
        && matches!(frame.start_bound, WindowFrameBound::Preceding(None))
        && matches!(end, None | Some(WindowFrameBound::CurrentRow))
}
