//! Refuses statements whose expressions are so large that the engine would fail on them.
//!
//! Parser, guard and engine follow an expression by recursion, so the memory for nested calls would
//! run out, which ends the process. Brackets are limited by the parser. Chains like `a + b + c` are
//! nested too, and are counted here, before anything follows them.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::{Error, Result};

use crate::query::guard::functions::function_name;
use crate::query::guard::refusal::GuardResult;

/// The most operators in one expression.
const MAX_OPERATORS: usize = 400;

/// The most SELECTs that UNION, INTERSECT and EXCEPT combine, at one level of brackets.
const MAX_SET_OPERATORS: usize = 100;

/// The longest text that a function may make of a number. No name or list is close to it.
const MAX_TEXT_LENGTH: f64 = 100_000.0;

/// The most CASEs inside each other. The parser tries every CASE in two ways.
const MAX_CASES: usize = 40;

/// The most words, numbers and signs of a statement: an IN with 100,000 values has twice as many.
const MAX_TOKENS: usize = 500_000;

/// Words between which an expression cannot continue.
const SEPARATORS: [&str; 12] = [
    "CASE", "ELSE", "FROM", "GROUP", "HAVING", "JOIN", "ON", "ORDER", "SELECT", "THEN", "WHEN",
    "WHERE",
];

/// The counts at one level of brackets.
#[derive(Default)]
struct Level {
    operators: usize,
    set_operators: usize,
}

/// Refuses a statement that is too large. Text that is no SQL is left to the parser.
///
/// # Errors
///
/// [`Error::Query`] with the limit, the number found, and what to write instead.
pub fn check(query: &str, sql: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect, sql).tokenize() else { return Ok(()) };
    let mut levels = vec![Level::default()];
    let (mut operators, mut set_operators, mut words) = (0, 0, 0);
    let (mut open_cases, mut cases) = (0_usize, 0);
    for token in &tokens {
        words += usize::from(!matches!(token, Token::Whitespace(_)));
        let is_inside = levels.len() > 1;
        let Some(level) = levels.last_mut() else { break };
        match token {
            Token::LParen => levels.push(Level::default()),
            // The first level stays: the parser refuses a bracket too many.
            Token::RParen if is_inside => drop(levels.pop()),
            Token::Comma | Token::SemiColon => level.operators = 0,
            Token::Word(word) => {
                let word = word.value.to_ascii_uppercase();
                match word.as_str() {
                    "CASE" => open_cases += 1,
                    "END" => open_cases = open_cases.saturating_sub(1),
                    _ => {}
                }
                cases = cases.max(open_cases);
                match word.as_str() {
                    "UNION" | "INTERSECT" | "EXCEPT" => level.set_operators += 1,
                    word if SEPARATORS.contains(&word) => level.operators = 0,
                    // A BETWEEN has an AND, and a NOT is a level of its own.
                    "AND" | "OR" | "NOT" | "XOR" | "IS" | "LIKE" | "ILIKE" | "IN" | "BETWEEN" => {
                        level.operators += 1;
                    }
                    _ => {}
                }
                set_operators = set_operators.max(level.set_operators);
                operators = operators.max(level.operators);
            }
            _ if is_operator(token) => {
                level.operators += 1;
                operators = operators.max(level.operators);
            }
            _ => {}
        }
    }
    let advice = "compute parts of it in WITH tables, or write IN (…) in place of OR";
    let limits = [
        (operators, MAX_OPERATORS, "operators in one expression", advice),
        (set_operators, MAX_SET_OPERATORS, "UNIONs in a row", "write IN (…) or CASE in one SELECT"),
        (cases, MAX_CASES, "CASEs inside each other", "compute the inner ones in a WITH table"),
        (words, MAX_TOKENS, "words and signs", "read the values from a view"),
    ];
    match limits.into_iter().find(|(found, max, ..)| found > max) {
        None => Ok(()),
        Some((found, max, what, advice)) => Err(Error::query(
            query,
            format!("expected at most {max} {what}, found {found}; {advice}"),
        )),
    }
}

fn is_operator(token: &Token) -> bool {
    !matches!(
        token,
        Token::EOF
            | Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::Comma
            | Token::SemiColon
            | Token::Period
            | Token::LParen
            | Token::RParen
    )
}

/// Refuses a function that would make a very long text for each row.
pub fn check_text_length(function: &Function) -> GuardResult {
    let name = function_name(function);
    if !matches!(name.as_str(), "lpad" | "rpad" | "repeat" | "space") {
        return ControlFlow::Continue(());
    }
    let FunctionArguments::List(list) = &function.args else { return ControlFlow::Continue(()) };
    let lengths = list.args.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::Number(digits, _) => digits.parse::<f64>().ok(),
            _ => None,
        },
        _ => None,
    });
    match lengths.into_iter().find(|length| *length > MAX_TEXT_LENGTH) {
        None => ControlFlow::Continue(()),
        Some(length) => ControlFlow::Break(format!(
            "{}: expected at most {MAX_TEXT_LENGTH} characters, found {length}; such a text in \
             each row would use up the memory",
            name.to_ascii_uppercase()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_any_operator_are_limited_and_lists_are_not() {
        let chain = |term: &str, operator: &str, terms: usize| vec![term; terms].join(operator);
        let select = |expr: String| format!("SELECT {expr} AS n FROM events");
        for (sql, found) in [
            (select(chain("1", "+", 2000)), "at most 400 operators in one expression, found 1999"),
            (select(chain("Id", "||", 100_000)), "found 99999"),
            (select(chain("NOT", " ", 3000) + " TRUE"), "found 3000"),
            (select(chain("-", " ", 3000) + "1"), "found 3000"),
            (
                format!("SELECT Id FROM events WHERE {}", chain("Id='a'", " OR ", 3000)),
                "found 5999",
            ),
            (chain("SELECT 1 AS n", " UNION ALL ", 3000), "at most 100 UNIONs in a row"),
            (format!("SELECT ({})", chain("SELECT 1", " EXCEPT ", 200)), "found 199"),
            (
                select(chain("CASE WHEN TRUE THEN", " ", 3000)),
                "at most 40 CASEs inside each other, found 3000",
            ),
            (select(chain("1", ",", 300_000)), "at most 500000 words and signs"),
        ] {
            let error = check("sql", &sql).unwrap_err().to_string();
            assert!(error.contains(found), "{error}");
        }
        for sql in [
            format!("SELECT Id FROM events WHERE Id IN ({})", chain("'a'", ",", 100_000)),
            select(chain("1 + 2", ", ", 5000)),
            select(format!("CASE {} END", chain("WHEN a = 1 THEN 2", " ", 2000))),
            select(chain("CASE WHEN a THEN 1 END", ", ", 1000)),
            select(chain("1", "+", 400)),
            "SELECT 'no end".to_owned(),
            ")))) SELECT".to_owned(),
        ] {
            check("sql", &sql).unwrap();
        }
    }
}
