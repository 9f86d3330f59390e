//! Frames in memory that the sessions of several periods read in place of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock};

use polars::prelude::*;

use crate::query::definition::report::{Actors, LogKind};
use crate::query::engine::coded_frame::CodedFrame;

/// Column that is true for events of service principals and the system.
pub const IS_SERVICE: &str = "is_service";

/// Events that most reports count: first those of people, then those of services. So the events of
/// either are a part of the frame, and not a copy.
#[derive(Clone)]
pub struct SharedEvents {
    rows: CodedFrame,
    /// Number of events of people.
    people: usize,
}

impl SharedEvents {
    /// Sorts events, which must have the column [`IS_SERVICE`].
    pub fn new(rows: CodedFrame) -> PolarsResult<SharedEvents> {
        let (rows, people) = rows.partition(IS_SERVICE)?;
        Ok(SharedEvents { rows, people })
    }

    /// Returns the events that pass a test of columns that are no texts.
    pub fn filter(&self, test: Expr) -> PolarsResult<SharedEvents> {
        SharedEvents::new(self.rows.filter(test)?)
    }

    /// Returns the columns as they are stored.
    pub fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    /// Returns the events of actors.
    pub fn of(&self, actors: Actors) -> CodedFrame {
        match actors {
            Actors::People => self.rows.slice(0, self.people),
            Actors::Services => self.rows.slice(self.people, usize::MAX),
            Actors::All => self.rows.clone(),
        }
    }
}

/// Choices of a statement on which its views of events depend, besides their columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountedEvents {
    /// Actors whose events count.
    pub actors: Actors,
    /// Log whose events count.
    pub log: LogKind,
    /// True if automated API activity counts.
    pub includes_noise: bool,
    /// True if failed events count.
    pub includes_failed: bool,
    /// Internal domains set by the user.
    pub internal_domains: Option<BTreeSet<String>>,
}

/// Frames of an archive that are computed once for the statements of several sessions.
pub struct SharedFrames {
    /// Events of any time that most reports count, with the columns of the views that the
    /// statements name.
    pub events: SharedEvents,
    /// Recipients of all events.
    pub recipients: OnceLock<DataFrame>,
    /// Rows of CTEs that no period changes, by the events that they count and their statement.
    pub cte_rows: Mutex<BTreeMap<(CountedEvents, String), DataFrame>>,
}

impl SharedFrames {
    /// Creates the frames, of which only the events are computed.
    pub fn new(events: SharedEvents) -> SharedFrames {
        SharedFrames { events, recipients: OnceLock::new(), cte_rows: Mutex::default() }
    }
}
