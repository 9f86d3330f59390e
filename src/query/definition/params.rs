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
pub enum ParamType {
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
const AUTO_DOMAINS: &str = "auto";

impl ParamType {
    /// The type of that name in a header.
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

    /// Whether a text is a value of it.
    pub fn accepts(&self, text: &str) -> bool {
        self.literal(text).is_some()
    }

    /// What a value of it looks like.
    fn example(&self) -> String {
        let example = match self {
            ParamType::Choice(words) => return format!("one of {}", words.join(", ")),
            ParamType::Domains => "domains such as contoso.com,contoso.de, or auto",
            ParamType::Int => "a whole number such as 7",
            ParamType::Limit => "a number of rows such as 25, or all",
            ParamType::Text => "a text",
            ParamType::Bool => "true or false",
            ParamType::Date => "a day such as 2026-03-01",
            ParamType::Timestamp => "a time such as 2026-03-01 08:30:00",
        };
        example.to_owned()
    }

    /// Its name, for people.
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

    /// The literal for a text, if the text is a value of the type.
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
            ParamType::Choice(words) => {
                value_expr(Value::SingleQuotedString(words.iter().find(|word| *word == text)?.clone()))
            }
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

/// One parameter, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name; in the statement it stands as `:name`.
    pub name: String,
    /// What it holds.
    pub ty: ParamType,
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
    match statement.visit(&mut ParamBinder { literals }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(name) => Err(Error::Query {
            query: query.to_owned(),
            message: format!("{name} is not declared as a parameter"),
        }),
    }
}

/// The domains at home that are given for a report, in lower case; `None` for those that the
/// events tell.
pub fn internal_domains(params: &[Param], given: &BTreeMap<String, String>) -> Option<BTreeSet<String>> {
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
    fn a_value_is_one_literal_whatever_it_holds() {
        let sql = "SELECT Id FROM events WHERE UserId = :p AND Id <> ':p' LIMIT 3";
        let text = bound(sql, ParamType::Text, "x' OR '1'='1").unwrap();
        let expected = "SELECT Id FROM events \
            WHERE UserId = 'x'' OR ''1''=''1' AND Id <> ':p' LIMIT 3";
        assert_eq!(text, expected);
        let day = bound("SELECT Id FROM events WHERE local_date >= :p", ParamType::Date, "2026-03-01");
        assert!(day.unwrap().ends_with(">= DATE '2026-03-01'"));
        let sql = "SELECT Id FROM events WHERE local_time < :p";
        let time = bound(sql, ParamType::Timestamp, "2026-03-01 08:30:00").unwrap();
        assert!(time.ends_with("< TIMESTAMP '2026-03-01 08:30:00'"), "{time}");
        let all = bound("SELECT Id FROM events LIMIT :p", ParamType::Limit, "all").unwrap();
        assert!(all.ends_with("LIMIT 2147483647"));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_refused_with_an_example() {
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
    fn unknown_names_are_refused_on_both_sides() {
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
