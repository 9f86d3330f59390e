//! Parameters of a report: their types, and their values as literals of the statement.
//!
//! A value is inserted into the parsed statement as one literal, so a user's text is never read as
//! SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use chrono::{NaiveDate, NaiveDateTime};
use sqlparser::ast::{
    DataType, Expr, Statement, TimezoneInfo, TypedString, Value, VisitMut, VisitorMut,
};

use crate::{Error, Result};

use crate::query::definition::suggest::did_you_mean;

/// Type of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamType {
    /// Whole number.
    Int,
    /// Number of rows, or `all`.
    Limit,
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// Day, for example `2026-03-01`.
    Date,
    /// Date and time, for example `2026-03-01 08:30:00`.
    Timestamp,
    /// One of these words.
    Choice(Vec<String>),
    /// Domains separated by commas, or `auto`. The views use them to distinguish external users.
    Domains,
}

/// Number of rows for `LIMIT` with `all`: more than any result has, and valid in every engine.
const ALL_ROWS: i64 = i32::MAX as i64;

/// Default of [`ParamType::Domains`]: the domains of at least 5 % of the users.
const AUTO_DOMAINS: &str = "auto";

impl ParamType {
    /// Parses the name of a type in a header.
    pub fn parse(name: &str) -> Option<ParamType> {
        Some(match name {
            "int" => ParamType::Int,
            "limit" => ParamType::Limit,
            "text" => ParamType::Text,
            "bool" => ParamType::Bool,
            "date" => ParamType::Date,
            "timestamp" => ParamType::Timestamp,
            "domains" => ParamType::Domains,
            _ => {
                let words = name.strip_prefix("choice(")?.strip_suffix(')')?;
                ParamType::Choice(words.split('|').map(str::to_owned).collect())
            }
        })
    }

    /// Returns true if the text is a value of this type.
    pub fn accepts(&self, text: &str) -> bool {
        self.literal(text).is_some()
    }

    /// Describes a value of this type, with an example.
    pub fn example(&self) -> String {
        let example = match self {
            ParamType::Choice(words) => return format!("one of {}", words.join(", ")),
            ParamType::Domains => "domains, for example contoso.com,contoso.de, or auto",
            ParamType::Int => "a whole number, for example 7",
            ParamType::Limit => "a number of rows, for example 25, or all",
            ParamType::Text => "a text",
            ParamType::Bool => "true or false",
            ParamType::Date => "a day, for example 2026-03-01",
            ParamType::Timestamp => "a time, for example 2026-03-01 08:30:00",
        };
        example.to_owned()
    }

    /// Name of the type in help texts.
    pub fn name(&self) -> String {
        match self {
            ParamType::Int => "int".to_owned(),
            ParamType::Limit => "limit".to_owned(),
            ParamType::Text => "text".to_owned(),
            ParamType::Bool => "bool".to_owned(),
            ParamType::Date => "date".to_owned(),
            ParamType::Timestamp => "timestamp".to_owned(),
            ParamType::Choice(words) => words.join(" | "),
            ParamType::Domains => "domains".to_owned(),
        }
    }

    /// Returns the literal for a text, or `None` if it is not a value of this type.
    fn literal(&self, text: &str) -> Option<Expr> {
        let number = |number: i64| value_expr(Value::Number(number.to_string(), false));
        Some(match self {
            ParamType::Int => number(text.parse().ok()?),
            ParamType::Limit if text == "all" => number(ALL_ROWS),
            ParamType::Limit => number(text.parse::<u32>().ok()?.into()),
            ParamType::Text => value_expr(Value::SingleQuotedString(text.to_owned())),
            ParamType::Bool => value_expr(Value::Boolean(text.parse().ok()?)),
            ParamType::Date => {
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                typed_literal(DataType::Date, day.to_string())
            }
            ParamType::Timestamp => {
                let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
                typed_literal(DataType::Timestamp(None, TimezoneInfo::None), time.to_string())
            }
            ParamType::Choice(words) => value_expr(Value::SingleQuotedString(
                words.iter().find(|word| *word == text)?.clone(),
            )),
            ParamType::Domains => {
                let is_domain = |domain: &str| !domain.is_empty() && !domain.contains([' ', '@']);
                let is_one = text == AUTO_DOMAINS || text.split(',').all(is_domain);
                return is_one.then(|| value_expr(Value::SingleQuotedString(text.to_owned())));
            }
        })
    }
}

fn value_expr(value: Value) -> Expr {
    Expr::Value(value.with_empty_span())
}

fn typed_literal(data_type: DataType, text: String) -> Expr {
    let value = Value::SingleQuotedString(text).with_empty_span();
    Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
}

/// Declaration of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Name, written as `:name` in the statement.
    pub name: String,
    /// Type.
    pub ty: ParamType,
    /// Default value.
    pub default: String,
    /// Meaning.
    pub meaning: String,
}

/// Replaces the `:name` of each parameter by its given value, or else by its default.
///
/// # Errors
///
/// [`Error::Usage`] if the report has no parameter of a given name, or a value is not of its type;
/// [`Error::Query`] if the statement contains an undeclared `:name`.
pub fn bind(
    statement: &mut Statement,
    query: &str,
    params: &[Param],
    given: &BTreeMap<String, String>,
) -> Result<()> {
    for name in given.keys() {
        if !params.iter().any(|param| param.name == *name) {
            let names: Vec<_> = params.iter().map(|param| param.name.as_str()).collect();
            let suggestion = did_you_mean(name, names.iter().copied());
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::Usage(format!(
                "{query} has no parameter {name:?}.{suggestion} Its parameters: {known}"
            )));
        }
    }
    let mut literals = BTreeMap::new();
    for param in params {
        let text = given.get(&param.name).unwrap_or(&param.default);
        let literal = param.ty.literal(text).ok_or_else(|| {
            let example = param.ty.example();
            Error::Usage(format!("{query}: {} must be {example}, not {text:?}", param.name))
        })?;
        literals.insert(param.name.as_str(), literal);
    }
    match statement.visit(&mut ParamBinder { literals }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => {
            Err(Error::query(query, format!("{name} is not declared as a parameter")))
        }
    }
}

/// Returns the internal domains given for a report, in lower case, or `None` if the
/// program must detect them from the events.
pub fn internal_domains(
    params: &[Param],
    given: &BTreeMap<String, String>,
) -> Option<BTreeSet<String>> {
    let param = params.iter().find(|param| param.ty == ParamType::Domains)?;
    let text = given.get(&param.name).unwrap_or(&param.default);
    (text != AUTO_DOMAINS).then(|| text.split(',').map(str::to_lowercase).collect())
}

struct ParamBinder<'a> {
    literals: BTreeMap<&'a str, Expr>,
}

impl VisitorMut for ParamBinder<'_> {
    type Break = String;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(name) = &value.value else { return ControlFlow::Continue(()) };
        match name.strip_prefix(':').and_then(|name| self.literals.get(name)) {
            Some(literal) => *expr = literal.clone(),
            None => return ControlFlow::Break(name.clone()),
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard;

    fn bound(sql: &str, ty: ParamType, text: &str) -> Result<String> {
        let mut statement = guard::parse("test", sql)?;
        let param = Param { name: "p".into(), ty, default: "0".into(), meaning: String::new() };
        let given = BTreeMap::from([("p".to_owned(), text.to_owned())]);
        bind(&mut statement, "test", &[param], &given)?;
        Ok(statement.to_string())
    }

    #[test]
    fn value_becomes_one_literal() {
        let sql = "SELECT Id FROM events WHERE UserId = :p AND Id <> ':p' LIMIT 3";
        let text = bound(sql, ParamType::Text, "x' OR '1'='1").unwrap();
        let expected = "SELECT Id FROM events \
            WHERE UserId = 'x'' OR ''1''=''1' AND Id <> ':p' LIMIT 3";
        assert_eq!(text, expected);
        let day =
            bound("SELECT Id FROM events WHERE local_date >= :p", ParamType::Date, "2026-03-01");
        assert!(day.unwrap().ends_with(">= DATE '2026-03-01'"));
        let sql = "SELECT Id FROM events WHERE local_time < :p";
        let time = bound(sql, ParamType::Timestamp, "2026-03-01 08:30:00").unwrap();
        assert!(time.ends_with("< TIMESTAMP '2026-03-01 08:30:00'"), "{time}");
        let all = bound("SELECT Id FROM events LIMIT :p", ParamType::Limit, "all").unwrap();
        assert!(all.ends_with("LIMIT 2147483647"));
    }

    #[test]
    fn value_of_another_type_is_refused_with_an_example() {
        let sql = "SELECT Id FROM events LIMIT :p";
        for (ty, text) in [
            (ParamType::Int, "1; DROP TABLE events"),
            (ParamType::Limit, "-1"),
            (ParamType::Bool, "yes"),
            (ParamType::Date, "2026-02-30"),
            (ParamType::Timestamp, "2026-03-01"),
            (ParamType::Choice(vec!["day".into(), "week".into()]), "year"),
            (ParamType::Domains, "contoso.com,,x"),
            (ParamType::Domains, "ann@contoso.com"),
        ] {
            let message = bound(sql, ty.clone(), text).unwrap_err().to_string();
            let expected = format!("test: p must be {}, not {text:?}", ty.example());
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let unknown = bound("SELECT Id FROM events LIMIT :q", ParamType::Limit, "1").unwrap_err();
        assert_eq!(unknown.to_string(), "test: :q is not declared as a parameter");
        let mut statement = guard::parse("test", "SELECT 1").unwrap();
        let given = BTreeMap::from([("top".to_owned(), "1".to_owned())]);
        let error = bind(&mut statement, "test", &[], &given).unwrap_err();
        assert_eq!(error.to_string(), "test has no parameter \"top\". Its parameters: none");
        let slip = BTreeMap::from([("grian".to_owned(), "1".to_owned())]);
        let (name, ty) = ("grain".to_owned(), ParamType::Int);
        let param = Param { name, ty, default: "1".into(), meaning: String::new() };
        let error = bind(&mut statement, "test", &[param], &slip).unwrap_err().to_string();
        assert!(error.contains("Did you mean grain?"), "{error}");
    }
}
