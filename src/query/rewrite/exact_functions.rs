//! Replaces operators and functions by the exact ones of [`crate::query::engine::exact`].

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query,
    TrimWhereField, UnaryOperator, Value, VisitMut, VisitorMut,
};

use crate::query::engine::exact;
use crate::query::guard::functions::{function_name, is_constant, is_distinct, is_sum};

/// Largest number in a CASE whose sum needs no check: 2^31 rows of it fit into 64 bits.
const MAX_UNCHECKED: u64 = 1 << 31;

/// Replaces all operators and functions with an exact counterpart, except in nested queries, for
/// which the engine does not know these functions.
pub fn replace(query: &mut Query) {
    for_each_expr(query, 1, replace_expr);
}

/// Returns true if a query or one nested in it has an operator or function to replace.
pub fn has_replaceable(query: &Query) -> bool {
    let mut copy = query.clone();
    for_each_expr(&mut copy, usize::MAX, replace_expr);
    copy != *query
}

/// Passes the expressions of a query to `change`, the inner ones first. Queries nested in it count
/// up to a depth; its own is 1.
pub fn for_each_expr(query: &mut Query, max_depth: usize, change: impl FnMut(&mut Expr)) {
    let mut visitor = ExprVisitor { depth: 0, max_depth, change };
    let ControlFlow::Continue(()) = query.visit(&mut visitor);
}

struct ExprVisitor<F> {
    /// Number of queries around the current place.
    depth: usize,
    /// Depth up to which expressions are passed.
    max_depth: usize,
    change: F,
}

impl<F: FnMut(&mut Expr)> VisitorMut for ExprVisitor<F> {
    type Break = std::convert::Infallible;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if self.depth <= self.max_depth {
            (self.change)(expr);
        }
        ControlFlow::Continue(())
    }
}

fn replace_expr(expr: &mut Expr) {
    let replaced = match expr {
        Expr::BinaryOp { left, op, right } => exact_operation(left, op, right),
        Expr::Function(function) if is_sum(function) => exact_sum(function),
        Expr::Function(function) if function_name(function) == "greatest" => {
            exact_greatest(function)
        }
        Expr::Function(function) => {
            replace_function(function);
            None
        }
        Expr::UnaryOp { op: UnaryOperator::Minus, expr: operand } => {
            if !is_constant(operand) && !is_interval(operand) {
                **operand = call(exact::WIDEN, [take(operand)]);
            }
            None
        }
        Expr::Trim { trim_where, trim_what: what @ None, trim_characters: None, .. } => {
            *trim_where = trim_where.or(Some(TrimWhereField::Both));
            *what = Some(Box::new(space()));
            None
        }
        _ => None,
    };
    if let Some(replaced) = replaced {
        *expr = replaced;
    }
}

fn replace_function(function: &mut Function) {
    match function_name(function).as_str() {
        "left" => rename(function, exact::LEFT),
        "right" => rename(function, exact::RIGHT),
        // The engine calculates a power of integers in 64 bits, and discards the rest.
        "pow" | "power" => arguments_mut(function).for_each(cast_to_double),
        "abs" => arguments_mut(function).for_each(|argument| {
            *argument = call(exact::WIDEN, [take(argument)]);
        }),
        // The engine returns null for constants of 32 and 64 bits.
        "bit_and" | "bitand" | "bit_or" | "bitor" | "bit_xor" | "bitxor" | "xor" => {
            arguments_mut(function).for_each(widen_number);
        }
        "count" if !is_distinct(function) => count_rows_of_constant(function),
        // The engine removes all white space, others only spaces.
        "ltrim" | "rtrim" if arguments_mut(function).count() == 1 => {
            if let FunctionArguments::List(list) = &mut function.args {
                list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(space())));
            }
        }
        _ => {}
    }
}

/// Counts rows instead of a constant that is not null. The engine counts one row over a window.
fn count_rows_of_constant(function: &mut Function) {
    let Some(argument) = arguments_mut(function).next() else { return };
    let is_null = matches!(argument, Expr::Value(value) if matches!(value.value, Value::Null));
    if is_constant(argument) && !is_null {
        count_all(function);
    }
}

/// Returns the call for an arithmetic operation; `None` for other operators, for intervals, and for
/// constants, which the planner of the engine calculates exactly.
fn exact_operation(left: &mut Expr, op: &BinaryOperator, right: &mut Expr) -> Option<Expr> {
    let name = match op {
        BinaryOperator::Plus => exact::ADD,
        BinaryOperator::Minus => exact::SUBTRACT,
        BinaryOperator::Multiply => exact::MULTIPLY,
        BinaryOperator::Divide => exact::DIVIDE,
        BinaryOperator::BitwiseAnd | BinaryOperator::BitwiseOr => {
            widen_number(left);
            widen_number(right);
            return None;
        }
        _ => return None,
    };
    if matches!(op, BinaryOperator::Plus | BinaryOperator::Minus) {
        if has_part_of_a_day(right) {
            *left = call(exact::TO_TIME, [take(left)]);
        } else if has_part_of_a_day(left) {
            *right = call(exact::TO_TIME, [take(right)]);
        }
    }
    if is_interval(left) || is_interval(right) || (is_constant(left) && is_constant(right)) {
        return None;
    }
    Some(call(name, [take(left), take(right)]))
}

/// Returns a sum that is calculated in 64 bits and checked; `None` if the function stays a sum.
fn exact_sum(function: &mut Function) -> Option<Expr> {
    let argument = arguments_mut(function).next()?;
    if is_constant(argument) && !is_distinct(function) {
        return sum_of_constant(function);
    }
    let argument = arguments_mut(function).next()?;
    let is_bounded = has_bounded_results(argument);
    let value = take(argument);
    *argument = call(exact::WIDEN, [value.clone()]);
    if is_bounded {
        return None;
    }
    let mut fractions = function.clone();
    let argument = arguments_mut(&mut fractions).next()?;
    *argument = value;
    cast_to_double(argument);
    Some(call(exact::CHECK_SUM, [Expr::Function(function.clone()), Expr::Function(fractions)]))
}

/// Returns the greatest value, which is NaN if one is: the engine ignores NaN.
fn exact_greatest(function: &mut Function) -> Option<Expr> {
    let values: Vec<Expr> = arguments_mut(function)
        .filter(|value| !matches!(value, Expr::Value(_)))
        .map(|value| value.clone())
        .collect();
    let greatest = Expr::Function(function.clone());
    let or_nan = |greatest, value| call(exact::OR_NAN, [greatest, value]);
    (!values.is_empty()).then(|| values.into_iter().fold(greatest, or_nan))
}

/// Returns the number of rows, null if there are none, times the constant. The engine returns the
/// constant.
fn sum_of_constant(function: &mut Function) -> Option<Expr> {
    let constant = take(arguments_mut(function).next()?);
    let mut count = function.clone();
    count.name = ObjectName::from(vec![Ident::new("COUNT")]);
    count_all(&mut count);
    let zero = Expr::Value(Value::Number("0".to_owned(), false).with_empty_span());
    let rows = unquoted_call("NULLIF", [Expr::Function(count), zero]);
    Some(call(exact::MULTIPLY, [rows, constant]))
}

fn count_all(function: &mut Function) {
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
    }
}

fn space() -> Expr {
    Expr::Value(Value::SingleQuotedString(" ".to_owned()).with_empty_span())
}

/// Returns true for a CASE whose results are small integers.
fn has_bounded_results(expr: &Expr) -> bool {
    fn is_small(expr: &Expr) -> bool {
        match expr {
            Expr::Cast { expr, .. } | Expr::Nested(expr) => is_small(expr),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => is_small(expr),
            Expr::Value(value) => match &value.value {
                Value::Number(digits, _) => {
                    digits.parse::<u64>().is_ok_and(|number| number <= MAX_UNCHECKED)
                }
                Value::Null => true,
                _ => false,
            },
            _ => false,
        }
    }
    match expr {
        Expr::Nested(inner) => has_bounded_results(inner),
        Expr::Case { conditions, else_result, .. } => {
            conditions.iter().all(|when| is_small(&when.result))
                && else_result.as_deref().is_none_or(is_small)
        }
        _ => false,
    }
}

/// Makes a literal number an integer of 64 bits.
fn widen_number(expr: &mut Expr) {
    if is_number(expr) {
        *expr = call(exact::WIDEN, [take(expr)]);
    }
}

/// Returns true for a literal number.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::Nested(inner) | Expr::UnaryOp { op: UnaryOperator::Minus, expr: inner } => {
            is_number(inner)
        }
        _ => false,
    }
}

/// Returns true for an interval, which the engine adds to a time only as a literal.
fn is_interval(expr: &Expr) -> bool {
    match expr {
        Expr::Interval(_) => true,
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => is_interval(inner),
        _ => false,
    }
}

/// Returns true for an interval, or a multiple of one, with hours or smaller units. The engine adds
/// only the whole days to a date.
fn has_part_of_a_day(expr: &Expr) -> bool {
    const DAYS: [&str; 6] = ["d", "w", "mo", "q", "y", "c"];
    match expr {
        Expr::Interval(interval) => {
            let text = interval.value.to_string().to_ascii_lowercase();
            let mut units =
                text.split(|c: char| !c.is_ascii_alphabetic()).filter(|u| !u.is_empty());
            units.any(|unit| !DAYS.iter().any(|day| unit.starts_with(day)))
        }
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => has_part_of_a_day(inner),
        Expr::BinaryOp { left, op: BinaryOperator::Multiply, right } => {
            has_part_of_a_day(left) || has_part_of_a_day(right)
        }
        _ => false,
    }
}

/// Moves an expression out, and leaves a null.
fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::Value(Value::Null.with_empty_span()))
}

fn cast_to_double(expr: &mut Expr) {
    *expr = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(take(expr)),
        data_type: DataType::Double(ExactNumberInfo::None),
        array: false,
        format: None,
    };
}

/// Returns the arguments of a function that are expressions.
pub fn arguments_mut(function: &mut Function) -> impl Iterator<Item = &mut Expr> {
    let arguments = match &mut function.args {
        FunctionArguments::List(list) => list.args.as_mut_slice(),
        _ => &mut [],
    };
    arguments.iter_mut().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

/// Renames a function to one of [`exact`].
pub fn rename(function: &mut Function, name: &str) {
    function.name = ObjectName::from(vec![Ident::with_quote('"', name)]);
}

/// Returns a call of a function of [`exact`].
fn call<const N: usize>(name: &str, arguments: [Expr; N]) -> Expr {
    call_by_name(Ident::with_quote('"', name), arguments)
}

fn unquoted_call<const N: usize>(name: &str, arguments: [Expr; N]) -> Expr {
    call_by_name(Ident::new(name), arguments)
}

fn call_by_name<const N: usize>(name: Ident, arguments: [Expr; N]) -> Expr {
    let args = arguments.map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)));
    Expr::Function(Function {
        name: ObjectName::from(vec![name]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
