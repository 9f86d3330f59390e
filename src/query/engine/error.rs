//! Turns errors and panics of the engine into errors of a query.

use std::sync::Once;

use polars::error::set_warning_function;
use polars::prelude::PolarsResult;

use crate::error::catch_engine_panic;
use crate::{Error, Result};

use crate::query::definition::suggest::did_you_mean;

/// Longest part of an engine's message that is shown; plans and syntax trees follow after it.
const MAX_MESSAGE_CHARS: usize = 400;

/// Turns off the warnings that the engine prints on stderr. They are about its programming
/// interface, for example on every `DATE '2026-03-01'`, and nobody who writes SQL can act on them.
static SILENCED: Once = Once::new();

/// Runs `work` of the engine; an error or a panic becomes an error of `query`.
///
/// The engine is known to panic on some statements. They are refused like others that it cannot
/// run.
pub fn run_engine<T>(query: &str, work: impl FnOnce() -> PolarsResult<T>) -> Result<T> {
    SILENCED.call_once(|| set_warning_function(|_, _| {}));
    match catch_engine_panic(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => {
            let text = error.to_string();
            let first_part = text.split("\n\n").next().unwrap_or(&text).trim();
            let short = || first_part.chars().take(MAX_MESSAGE_CHARS).collect();
            let message = unknown_column_hint(first_part).unwrap_or_else(short);
            Err(Error::query_caused(query, message, error))
        }
        None => Err(Error::query(
            query,
            "the engine failed on this statement; split it into simpler WITH tables",
        )),
    }
}

/// Returns a short message for the engine's error about an unknown column, which lists all 200
/// columns. Returns `None` for other errors.
fn unknown_column_hint(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("unable to find column \"")?;
    let (name, known) = rest.split_once("\"; valid columns: [")?;
    if let Some((column, table)) = name.split_once(':') {
        return Some(format!(
            "the engine cannot use {table}.{column} in this place, because another table of the \
             join has a column of this name; rename it in a WITH"
        ));
    }
    let known = known.split(']').next()?.split(", ").map(|column| column.trim_matches('"'));
    let suggestion = did_you_mean(name, known);
    Some(format!("there is no column {name}.{suggestion} `schema --views` lists all columns."))
}

#[cfg(test)]
mod tests {
    use polars::prelude::PolarsError;

    use super::*;

    #[test]
    fn column_of_the_second_table_has_advice() {
        let failed: Result<()> = run_engine("sql", || {
            let text = "unable to find column \"n:b\"; valid columns: [\"n\", \"m\"]";
            Err(PolarsError::ColumnNotFound(text.into()))
        });
        let text = failed.unwrap_err().to_string();
        assert!(text.starts_with("sql: the engine cannot use b.n in this place"), "{text}");
    }

    #[test]
    fn error_of_the_engine_is_the_cause() {
        let failed: Result<()> = run_engine("sql", || {
            Err(PolarsError::ComputeError("too large\n\nplan: a long one".into()))
        });
        let error = failed.unwrap_err();
        assert_eq!(error.to_string(), "sql: too large");
        let cause = std::error::Error::source(&error).expect("there is a cause");
        assert!(cause.to_string().contains("plan: a long one"), "{cause}");
    }
}
