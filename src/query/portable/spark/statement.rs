//! A statement as Spark understands it.
//!
//! Owns: what of the statements that the guard lets pass means something else in Spark, or nothing.
//! A division by zero stays what it is: an error in ANSI mode, and no silent answer; reports have
//! none. Forms are changed in the parsed statement; how names, texts and numbers are spelled, in
//! its tokens, where they all stand on one level. Must not know which report it is.

use std::ops::ControlFlow;

use polars::prelude::*;
use sqlparser::ast::{
    CastKind, DataType as SqlType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, ObjectName, OrderByExpr, Statement,
    TimezoneInfo, TypedString, Value, VisitMut, VisitorMut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::query::portable::dialect::SqlDialect;

/// The statement in the words of the dialect.
pub fn render(statement: &Statement, words: &dyn SqlDialect) -> PolarsResult<String> {
    let mut statement = statement.clone();
    let ControlFlow::Continue(()) = statement.visit(&mut SparkRewriter);
    let text = statement.to_string();
    let tokens = Tokenizer::new(&GenericDialect {}, &text).tokenize();
    let tokens = tokens.map_err(|error| polars_err!(ComputeError: "{error}"))?;
    Ok(tokens.iter().map(|token| render_token(token, words)).collect())
}

fn render_token(token: &Token, words: &dyn SqlDialect) -> String {
    match token {
        Token::SingleQuotedString(text) => words.text_literal(text),
        Token::Word(word) if word.quote_style == Some('"') => {
            format!("`{}`", word.value.replace('`', "``"))
        }
        // A number with a point is a DECIMAL to Spark, and a quotient of those is cut off.
        Token::Number(digits, _) if digits.contains(['.', 'e', 'E']) => format!("{digits}D"),
        other => other.to_string(),
    }
}

struct SparkRewriter;

impl VisitorMut for SparkRewriter {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let other = match expr {
            Expr::Cast { kind, data_type, .. } => {
                if *kind == CastKind::DoubleColon {
                    *kind = CastKind::Cast;
                }
                map_type(data_type);
                None
            }
            Expr::TypedString(TypedString { data_type, .. }) => {
                map_type(data_type);
                None
            }
            Expr::Like { pattern, escape_char: None, .. }
            | Expr::ILike { pattern, escape_char: None, .. } => {
                escape_backslashes(pattern);
                None
            }
            Expr::Extract { field, expr, .. } => rewrite_extract(field, expr),
            Expr::Function(function) => rewrite_string_agg(function),
            _ => None,
        };
        if let Some(other) = other {
            *expr = raw_sql(other);
        }
        ControlFlow::Continue(())
    }
}

/// SQL that stands as it is written, as a placeholder does.
fn raw_sql(sql: String) -> Expr {
    Expr::Value(Value::Placeholder(sql).with_empty_span())
}

/// A text has no length here, and a timestamp without a zone has a name of its own.
fn map_type(data_type: &mut SqlType) {
    *data_type = match data_type {
        SqlType::Text
        | SqlType::Varchar(_)
        | SqlType::Char(_)
        | SqlType::CharVarying(_)
        | SqlType::CharacterVarying(_)
        | SqlType::Character(_) => SqlType::String(None),
        SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | SqlType::Datetime(_) => {
            let name = ObjectName::from(vec![Ident::new("TIMESTAMP_NTZ")]);
            SqlType::Custom(name, Vec::new())
        }
        SqlType::Timestamp(..) => SqlType::Timestamp(None, TimezoneInfo::None),
        SqlType::DoublePrecision => SqlType::Double(sqlparser::ast::ExactNumberInfo::None),
        _ => return,
    };
}

/// A backslash in a pattern is a letter like others, unless `ESCAPE` says so; in Spark it always
/// escapes.
fn escape_backslashes(pattern: &mut Expr) {
    match pattern {
        Expr::Value(value) => {
            if let Value::SingleQuotedString(text) = &mut value.value {
                *text = text.replace('\\', "\\\\");
            }
        }
        other => *other = raw_sql(format!("REPLACE({other}, '\\', '\\\\')")),
    }
}

/// Parts of a time that Spark calls or counts otherwise.
fn rewrite_extract(field: &mut DateTimeField, of: &Expr) -> Option<String> {
    match field {
        DateTimeField::Isodow => Some(format!("EXTRACT(DAYOFWEEK_ISO FROM {of})")),
        DateTimeField::Isoyear => Some(format!("EXTRACT(YEAROFWEEK FROM {of})")),
        // From Sunday as 0, where Spark has it as 1.
        DateTimeField::Dow | DateTimeField::DayOfWeek => {
            Some(format!("(EXTRACT(DAYOFWEEK FROM {of}) - 1)"))
        }
        // A fraction of seconds; Spark has none.
        DateTimeField::Epoch => Some(format!("(UNIX_MICROS(CAST({of} AS TIMESTAMP)) / 1000000)")),
        _ => None,
    }
}

/// Texts joined in an order: `STRING_AGG` is known from Spark 4 on only, and nowhere with the order
/// among its arguments. Texts in their own order are sorted as a list, in any version.
fn rewrite_string_agg(function: &Function) -> Option<String> {
    let name = function.name.to_string().to_ascii_lowercase();
    if !["string_agg", "listagg", "group_concat"].contains(&name.as_str()) {
        return None;
    }
    let FunctionArguments::List(list) = &function.args else { return None };
    let argument = |at: usize| match list.args.get(at) {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => Some(expr),
        _ => None,
    };
    let order = list.clauses.iter().find_map(|clause| match clause {
        FunctionArgumentClause::OrderBy(order) => Some(order),
        _ => None,
    })?;
    let text = argument(0)?;
    let between = argument(1).map_or("','".to_owned(), Expr::to_string);
    let is_distinct = list.duplicate_treatment.is_some();
    Some(match &order[..] {
        [OrderByExpr { expr, options, .. }] if expr == text => {
            let list = if is_distinct { "COLLECT_SET" } else { "COLLECT_LIST" };
            let is_up = if options.asc == Some(false) { "FALSE" } else { "TRUE" };
            let sorted = format!("SORT_ARRAY({list}({text}), {is_up})");
            // Of no texts, it would be an empty one.
            format!("CASE WHEN COUNT({text}) > 0 THEN ARRAY_JOIN({sorted}, {between}) END")
        }
        order => {
            let distinct = if is_distinct { "DISTINCT " } else { "" };
            let order: Vec<String> = order.iter().map(OrderByExpr::to_string).collect();
            let order = order.join(", ");
            format!("LISTAGG({distinct}{text}, {between}) WITHIN GROUP (ORDER BY {order})")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;
    use crate::query::portable::spark::SparkDialect;

    #[test]
    fn what_means_something_else_in_spark_is_written_otherwise() {
        let joined = |list: &str, is_up: &str| {
            let sorted = format!("ARRAY_JOIN(SORT_ARRAY({list}(a), {is_up}), ';')");
            format!("CASE WHEN COUNT(a) > 0 THEN {sorted} END")
        };
        for (ours, theirs) in [
            ("STRING_AGG(DISTINCT a, ';' ORDER BY a)", &*joined("COLLECT_SET", "TRUE")),
            ("STRING_AGG(a, ';' ORDER BY a DESC)", &*joined("COLLECT_LIST", "FALSE")),
            ("CAST(a AS TEXT)", "CAST(a AS STRING)"),
            ("CAST(a AS VARCHAR)", "CAST(a AS STRING)"),
            ("a::DOUBLE", "CAST(a AS DOUBLE)"),
            ("CAST(a AS TIMESTAMP)", "CAST(a AS TIMESTAMP_NTZ)"),
            ("a < TIMESTAMP '2026-03-01 08:30:00'", "a < TIMESTAMP_NTZ '2026-03-01 08:30:00'"),
            ("100.0 * a / 1e3", "100.0D * a / 1e3D"),
            ("a * 10", "a * 10"),
            ("'it''s' || '\\'", r"'it\'s' || '\\'"),
            ("a LIKE '50\\%'", r"a LIKE '50\\\\%'"),
            ("a NOT LIKE b", r"a NOT LIKE REPLACE(b, '\\', '\\\\')"),
            ("a LIKE '50!%' ESCAPE '!'", "a LIKE '50!%' ESCAPE '!'"),
            ("EXTRACT(ISODOW FROM a)", "EXTRACT(DAYOFWEEK_ISO FROM a)"),
            ("EXTRACT(HOUR FROM a)", "EXTRACT(HOUR FROM a)"),
            ("EXTRACT(DOW FROM a)", "(EXTRACT(DAYOFWEEK FROM a) - 1)"),
            (
                "STRING_AGG(a, ';' ORDER BY b NULLS LAST)",
                "LISTAGG(a, ';') WITHIN GROUP (ORDER BY b NULLS LAST)",
            ),
        ] {
            let sql = format!("SELECT {ours} AS \"the answer\" FROM events");
            let statement = guard::parse("test", &sql).unwrap();
            let expected = format!("SELECT {theirs} AS `the answer` FROM events");
            assert_eq!(render(&statement, &SparkDialect).unwrap(), expected);
        }
    }
}
