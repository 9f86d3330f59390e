//! Replaces DATE_PART and DATE_TRUNC with constant units.

use chrono::NaiveDate;
use sqlparser::ast::{CastKind, DataType};
use sqlparser::ast::{
    DateTimeField, Expr, ExtractSyntax, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, ObjectName, TypedString, Value,
};

use crate::query::guard::functions::function_name;

/// Returns the replacement of a function of time; `None` if the expression is none, or if its unit
/// has no replacement.
pub fn replacement(expr: &Expr) -> Option<Expr> {
    let Expr::Function(function) = expr else { return None };
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(unit))), time] =
        list.args.as_slice()
    else {
        return None;
    };
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(time)) = time else { return None };
    let Value::SingleQuotedString(unit) = &unit.value else { return None };
    match function_name(function).as_str() {
        "date_part" => Some(Expr::Extract {
            field: field(unit)?,
            syntax: ExtractSyntax::From,
            expr: Box::new(time.clone()),
        }),
        "date_trunc" => Some(first_day(function, time, day_format(unit)?)),
        _ => None,
    }
}

/// Returns true if an expression is the current day.
pub fn is_current_date(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if function_name(function) == "current_date")
}

/// Returns a day as an expression: `DATE '2026-03-31'`.
pub fn day_literal(day: NaiveDate) -> Expr {
    Expr::TypedString(TypedString {
        data_type: DataType::Date,
        value: Value::SingleQuotedString(day.to_string()).into(),
        uses_odbc_syntax: false,
    })
}

fn field(unit: &str) -> Option<DateTimeField> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "year" => DateTimeField::Year,
        "quarter" => DateTimeField::Quarter,
        "month" => DateTimeField::Month,
        "week" => DateTimeField::Week(None),
        "day" => DateTimeField::Day,
        "dow" | "dayofweek" => DateTimeField::Dow,
        "isodow" => DateTimeField::Isodow,
        "doy" => DateTimeField::Doy,
        "hour" => DateTimeField::Hour,
        "minute" => DateTimeField::Minute,
        "second" => DateTimeField::Second,
        _ => return None,
    })
}

fn day_format(unit: &str) -> Option<&'static str> {
    match unit.to_ascii_lowercase().as_str() {
        "year" => Some("%Y-01-01"),
        "month" => Some("%Y-%m-01"),
        "day" => Some("%Y-%m-%d"),
        _ => None,
    }
}

/// Returns `CAST(STRFTIME(time, format) AS DATE)`.
fn first_day(function: &Function, time: &Expr, format: &str) -> Expr {
    let mut strftime = function.clone();
    strftime.name = ObjectName::from(vec![Ident::new("STRFTIME")]);
    let format = Expr::Value(Value::SingleQuotedString(format.to_owned()).into());
    if let FunctionArguments::List(list) = &mut strftime.args {
        list.args = [time.clone(), format]
            .map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)))
            .into();
    }
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::Function(strftime)),
        data_type: DataType::Date,
        format: None,
        array: false,
    }
}
