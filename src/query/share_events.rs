//! Computes the events that several statements read once, with the columns that they name.

use std::collections::BTreeSet;

use polars::prelude::{DataType, LazyFrame, PolarsResult, col};

use crate::Result;

use crate::query::definition::report::{Actors, ReportDefinition};
use crate::query::engine::coded_frame::{CodedFrame, TextEncoder};
use crate::query::engine::error::run_engine;
use crate::query::engine::scan;
use crate::query::guard::references::References;
use crate::query::required_columns::{self, references_of};
use crate::query::session::Session;
use crate::query::shared_frames::{IS_SERVICE, SharedEvents, SharedFrames};
use crate::query::views::context::ViewContext;
use crate::query::views::events;

/// Columns that periods, actors and the columns of a single statement read.
const SOURCES: [&str; 4] = ["CreationTime", "UserId", "UserType", IS_SERVICE];

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
            if context.can_share_events() && !context.references.all_columns {
                named.extend(context.event_columns().map(str::to_owned));
            }
        }
        let mut encoder = TextEncoder::default();
        let found = {
            let references = References { column_names: named, ..References::default() };
            let all = ReportDefinition::ad_hoc("");
            let mut context = ViewContext::new(self, &all, None, references)?;
            context.actors = Actors::All;
            let columns: Vec<_> = context.event_columns().map(col).collect();
            run_engine("events", || {
                let events = events::history(&context)?.select(columns);
                scan::collect_streaming(with_codes(events, &mut encoder)?)
            })?
        };
        let mut events = CodedFrame::default();
        let events = run_engine("events", || {
            events.append(found, encoder)?;
            SharedEvents::new(events)
        })?;
        self.set_shared(SharedFrames::new(events));
        Ok(())
    }
}

/// Returns events with codes in place of texts with few values.
fn with_codes(mut events: LazyFrame, encoder: &mut TextEncoder) -> PolarsResult<LazyFrame> {
    let has_many_values = |name: &str| {
        required_columns::all_columns().any(|column| column == name)
            && !scan::is_dictionary_encoded(name)
    };
    let schema = events.collect_schema()?;
    let texts = schema.iter().filter(|(_, ty)| **ty == DataType::String);
    let texts = texts.map(|(name, _)| name).filter(|name| !has_many_values(name.as_str()));
    let codes: Vec<_> = texts.map(|name| encoder.encode(name)).collect();
    Ok(events.with_columns(codes))
}
