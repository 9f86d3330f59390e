//! Parameters of a report: declared in its header with a type and a default, given as text, bound
//! as literals.
//!
//! Owns: which types there are and how a text becomes a literal of the statement. A value is put
//! into the parsed statement as one literal, so no text of a user is ever read as SQL. Must not
//! know where values come from, nor what a parameter means to a report.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use chrono::{NaiveDate, NaiveDateTime};
use sqlparser::ast::{
    DataType, Expr, Statement, TimezoneInfo, TypedString, Value, VisitMut, VisitorMut,
};

use crate::{Error, Result};

use crate::query::definition::suggest::nearest;

/// What a parameter holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A whole number.
    Int,
    /// A number of rows, or `all`.
    Limit,
    /// Any text.
    Text,
    /// `true` or `false`.
    Bool,
    /// A day, `2026-03-01`.
    Date,
    /// A time of day on a day, `2026-03-01 08:30:00`.
    Timestamp,
    /// One of these words.
    Choice(Vec<String>),
    /// Domains with commas between, or `auto`: for the views, which tell guests by them.
    Domains,
}

/// `LIMIT` with `all`: more rows than any answer has, and still a whole number for every engine.
const ALL_ROWS: i64 = i32::MAX as i64;

/// The default of [`Type::Domains`]: those that at least 5 % of the people have.
const AUTO: &str = "auto";

impl Type {
    /// The type of that name in a header.
    pub fn named(name: &str) -> Option<Type> {
        Some(match name {
            "int" => Type::Int,
            "limit" => Type::Limit,
            "text" => Type::Text,
            "bool" => Type::Bool,
            "date" => Type::Date,
            "timestamp" => Type::Timestamp,
            "domains" => Type::Domains,
            _ => {
                let words = name.strip_prefix("choice(")?.strip_suffix(')')?;
                Type::Choice(words.split('|').map(str::to_owned).collect())
            }
        })
    }

    /// Whether a text is a value of it.
    pub fn takes(&self, text: &str) -> bool {
        self.literal(text).is_some()
    }

    /// What a value of it looks like.
    fn example(&self) -> String {
        let example = match self {
            Type::Choice(words) => return format!("one of {}", words.join(", ")),
            Type::Domains => "domains such as contoso.com,contoso.de, or auto",
            Type::Int => "a whole number such as 7",
            Type::Limit => "a number of rows such as 25, or all",
            Type::Text => "a text",
            Type::Bool => "true or false",
            Type::Date => "a day such as 2026-03-01",
            Type::Timestamp => "a time such as 2026-03-01 08:30:00",
        };
        example.to_owned()
    }

    /// Its name, for people.
    pub fn name(&self) -> String {
        match self {
            Type::Int => "int".to_owned(),
            Type::Limit => "limit".to_owned(),
            Type::Text => "text".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Date => "date".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Choice(words) => words.join(" | "),
            Type::Domains => "domains".to_owned(),
        }
    }

    /// The literal for a text, if the text is a value of the type.
    fn literal(&self, text: &str) -> Option<Expr> {
        let number = |number: i64| value(Value::Number(number.to_string(), false));
        Some(match self {
            Type::Int => number(text.parse().ok()?),
            Type::Limit if text == "all" => number(ALL_ROWS),
            Type::Limit => number(text.parse::<u32>().ok()?.into()),
            Type::Text => value(Value::SingleQuotedString(text.to_owned())),
            Type::Bool => value(Value::Boolean(text.parse().ok()?)),
            Type::Date => {
                let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
                typed(DataType::Date, day.to_string())
            }
            Type::Timestamp => {
                let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()?;
                typed(DataType::Timestamp(None, TimezoneInfo::None), time.to_string())
            }
            Type::Choice(words) => {
                value(Value::SingleQuotedString(words.iter().find(|word| *word == text)?.clone()))
            }
            Type::Domains => {
                let is_domain = |domain: &str| !domain.is_empty() && !domain.contains([' ', '@']);
                let is_one = text == AUTO || text.split(',').all(is_domain);
                return is_one.then(|| value(Value::SingleQuotedString(text.to_owned())));
            }
        })
    }
}

fn value(value: Value) -> Expr {
    Expr::Value(value.with_empty_span())
}

fn typed(data_type: DataType, text: String) -> Expr {
    let value = Value::SingleQuotedString(text).with_empty_span();
    Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
}

/// One parameter, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name; in the statement it stands as `:name`.
    pub name: String,
    /// What it holds.
    pub ty: Type,
    /// Its value unless another is given.
    pub default: String,
    /// What it is for.
    pub meaning: String,
}

/// Puts the values given, else the defaults, in place of the `:name` of each parameter.
///
/// # Errors
///
/// [`Error::Usage`] for a name that the report does not have or a text that is no value of its
/// type; [`Error::Query`] for a `:name` that nobody declared.
pub fn bind(
    statement: &mut Statement,
    query: &str,
    params: &[Param],
    given: &BTreeMap<String, String>,
) -> Result<()> {
    for name in given.keys() {
        if !params.iter().any(|param| param.name == *name) {
            let names: Vec<_> = params.iter().map(|param| param.name.as_str()).collect();
            let guess = match nearest(name, names.iter().copied()) {
                Some(known) => format!(" Did you mean {known}?"),
                None => String::new(),
            };
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Error::Usage(format!(
                "{query} has no parameter {name:?}.{guess} Its parameters: {known}"
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
    match statement.visit(&mut Binder { literals }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => {
            Err(Error::query(query, format!("{name} is not declared as a parameter")))
        }
    }
}

/// The domains at home that are given for a report, in lower case; `None` for those that the
/// events tell.
pub fn domains(params: &[Param], given: &BTreeMap<String, String>) -> Option<BTreeSet<String>> {
    let param = params.iter().find(|param| param.ty == Type::Domains)?;
    let text = given.get(&param.name).unwrap_or(&param.default);
    (text != AUTO).then(|| text.split(',').map(str::to_lowercase).collect())
}

struct Binder<'a> {
    literals: BTreeMap<&'a str, Expr>,
}

impl VisitorMut for Binder<'_> {
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

    fn bound(sql: &str, ty: Type, text: &str) -> Result<String> {
        let mut statement = guard::parse("test", sql)?;
        let param = Param { name: "p".into(), ty, default: "0".into(), meaning: String::new() };
        let given = BTreeMap::from([("p".to_owned(), text.to_owned())]);
        bind(&mut statement, "test", &[param], &given)?;
        Ok(statement.to_string())
    }

    #[test]
    fn a_value_is_one_literal_whatever_it_holds() {
        let sql = "SELECT Id FROM events WHERE UserId = :p AND Id <> ':p' LIMIT 3";
        let text = bound(sql, Type::Text, "x' OR '1'='1").unwrap();
        let expected = "SELECT Id FROM events \
            WHERE UserId = 'x'' OR ''1''=''1' AND Id <> ':p' LIMIT 3";
        assert_eq!(text, expected);
        let day = bound("SELECT Id FROM events WHERE local_date >= :p", Type::Date, "2026-03-01");
        assert!(day.unwrap().ends_with(">= DATE '2026-03-01'"));
        let sql = "SELECT Id FROM events WHERE local_time < :p";
        let time = bound(sql, Type::Timestamp, "2026-03-01 08:30:00").unwrap();
        assert!(time.ends_with("< TIMESTAMP '2026-03-01 08:30:00'"), "{time}");
        let all = bound("SELECT Id FROM events LIMIT :p", Type::Limit, "all").unwrap();
        assert!(all.ends_with("LIMIT 2147483647"));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused_with_an_example() {
        let sql = "SELECT Id FROM events LIMIT :p";
        for (ty, text) in [
            (Type::Int, "1; DROP TABLE events"),
            (Type::Limit, "-1"),
            (Type::Bool, "yes"),
            (Type::Date, "2026-02-30"),
            (Type::Timestamp, "2026-03-01"),
            (Type::Choice(vec!["day".into(), "week".into()]), "year"),
            (Type::Domains, "contoso.com,,x"),
            (Type::Domains, "ann@contoso.com"),
        ] {
            let message = bound(sql, ty.clone(), text).unwrap_err().to_string();
            let expected = format!("test: p must be {}, not {text:?}", ty.example());
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn unknown_names_are_refused_on_both_sides() {
        let unknown = bound("SELECT Id FROM events LIMIT :q", Type::Limit, "1").unwrap_err();
        assert_eq!(unknown.to_string(), "test: :q is not declared as a parameter");
        let mut statement = guard::parse("test", "SELECT 1").unwrap();
        let given = BTreeMap::from([("top".to_owned(), "1".to_owned())]);
        let error = bind(&mut statement, "test", &[], &given).unwrap_err();
        assert_eq!(error.to_string(), "test has no parameter \"top\". Its parameters: none");
        let slip = BTreeMap::from([("grian".to_owned(), "1".to_owned())]);
        let (name, ty) = ("grain".to_owned(), Type::Int);
        let param = Param { name, ty, default: "1".into(), meaning: String::new() };
        let error = bind(&mut statement, "test", &[param], &slip).unwrap_err().to_string();
        assert!(error.contains("Did you mean grain?"), "{error}");
    }
}
