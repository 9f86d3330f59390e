//! Writes the views and the statement of a report as SQL for another engine, which reads the data
//! files itself.

mod columns;
mod dialect;
mod duckdb;
mod expressions;
mod script;
mod spark;

use polars::prelude::PolarsResult;
use sqlparser::ast::Statement;

use crate::query::views::context::ViewContext;

use dialect::SqlDialect;
use expressions::ScriptWriter;

/// SQL engine that can read the data files of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlEngine {
    /// DuckDB.
    DuckDb,
    /// Spark 3.5 or later.
    Spark,
}

impl SqlEngine {
    /// Returns the SQL dialect of the engine.
    fn dialect(self) -> &'static dyn SqlDialect {
        match self {
            SqlEngine::DuckDb => &duckdb::DuckDbDialect,
            SqlEngine::Spark => &spark::SparkDialect,
        }
    }
}

/// Returns a script with the views that the statement reads, then the statement.
pub fn write_script(
    context: &ViewContext<'_>,
    statement: &Statement,
    engine: SqlEngine,
) -> PolarsResult<String> {
    ScriptWriter { context, dialect: engine.dialect() }.write(statement)
}
