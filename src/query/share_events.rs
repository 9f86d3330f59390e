//! Computes the events that several statements read once, with the columns that they name.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use polars::prelude::{DataType, LazyFrame, PolarsResult, col};

use crate::Result;

use crate::query::definition::report::ReportDefinition;
use crate::query::engine::coded_frame::{CodedFrame, categorical_type};
use crate::query::engine::error::run_engine;
use crate::query::engine::scan;
use crate::query::guard::references::References;
use crate::query::required_columns::{self, references_of};
use crate::query::session::{Session, SharedFrames};
use crate::query::views::context::ViewContext;
use crate::query::views::events;

/// Columns of the table that periods and the columns of a single statement read.
const SOURCES: [&str; 3] = ["CreationTime", "UserId", "UserType"];

impl Session<'_> {
    /// Computes the events that these statements count once, for this session and for sessions made
    /// from it. Statements that count other events read the files.
    ///
    /// # Errors
    ///
    /// Those of the guard, and [`crate::Error::Query`] if a file cannot be read.
    pub fn share_events<'r>(
        &mut self,
        statements: impl IntoIterator<Item = &'r ReportDefinition>,
    ) -> Result<()> {
        let mut named: BTreeSet<String> = SOURCES.map(str::to_owned).into();
        for report in statements {
            let references = references_of(report)?;
            let context = ViewContext::new(self, report, None, references)?;
            if context.is_usual() && !context.references.all_columns {
                named.extend(context.event_columns().map(str::to_owned));
            }
        }
        let found = {
            let references = References { column_names: named, ..References::default() };
            let context = ViewContext::new(self, &ReportDefinition::ad_hoc(""), None, references)?;
            let columns: Vec<_> = context.event_columns().map(col).collect();
            run_engine("events", || {
                scan::collect_streaming(with_categories(
                    events::history(&context)?.select(columns),
                )?)
            })?
        };
        let mut events = CodedFrame::default();
        run_engine("events", || events.append(found))?;
        self.set_shared(SharedFrames { events, recipients: OnceLock::new() });
        Ok(())
    }
}

/// Returns events with categories in place of texts with few values, which become codes.
fn with_categories(mut events: LazyFrame) -> PolarsResult<LazyFrame> {
    let has_many_values = |name: &str| {
        required_columns::all_columns().any(|column| column == name)
            && !scan::is_dictionary_encoded(name)
    };
    let schema = events.collect_schema()?;
    let texts = schema.iter().filter(|(_, ty)| **ty == DataType::String);
    let texts = texts.map(|(name, _)| name).filter(|name| !has_many_values(name.as_str()));
    let casts: Vec<_> = texts.map(|name| col(name.clone()).cast(categorical_type())).collect();
    Ok(events.with_columns(casts))
}
