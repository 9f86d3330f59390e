//! Defines batches of events in columns, and what belongs to each event.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::error::ArrowError;

use super::event_key::EventKey;
use crate::schema::{self, column_index, columns};

/// A batch of events in columns.
#[derive(Debug, Clone, Default)]
pub struct EventBatch {
    /// One array for each field of [`arrow_schema`](super::arrow_schema), text columns as
    /// dictionaries ([`TextDictionary`](super::TextDictionary)). `None` if no event of the batch
    /// has a value.
    pub columns: Vec<Option<ArrayRef>>,
    /// The key of each row.
    pub keys: Vec<EventKey>,
}

/// The origin of an event.
#[derive(Debug, Clone, Copy)]
pub struct Lineage<'a> {
    /// The source's name.
    pub file: &'a str,
    /// The format of the source.
    pub kind: &'a str,
    /// The position of the event in the archive ([`EventKey::sequence`]).
    pub sequence: u64,
}

/// The reason why an event is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedEvent(pub String);

/// The selection of columns to build.
#[derive(Debug, Clone, Default)]
pub enum Projection {
    /// All columns.
    #[default]
    All,
    /// Only the columns with these names. `Extra` is built only if it is among them.
    Only(HashSet<String>),
}

impl Projection {
    /// Returns the projection with the fields from which its derived columns are derived. Merged
    /// copies of an event need them.
    pub(super) fn with_sources(&self) -> Projection {
        let Projection::Only(names) = self else { return Projection::All };
        let derived = columns().iter().filter(|column| names.contains(column.name));
        let sources = derived.flat_map(|column| column.derived_from());
        // A field without a column is in `Extra`.
        let column_of =
            |name: &str| column_index(name).map_or(schema::EXTRA, |at| columns()[at].name);
        let sources = sources.map(|name| column_of(name).to_owned());
        Projection::Only(names.iter().cloned().chain(sources).collect())
    }

    pub(super) fn includes(&self, name: &str) -> bool {
        match self {
            Projection::All => true,
            Projection::Only(names) => names.contains(name),
        }
    }
}

/// An error that ends a batch, and with it the run: a defect of the program, or a batch that is
/// larger than Arrow arrays can be.
#[derive(Debug)]
pub enum BatchError {
    /// The table of columns lacks a column that is filled by its name.
    MissingColumn(&'static str),
    /// A column could not become an Arrow array.
    Array {
        /// The name of the column.
        column: String,
        /// The error of Arrow.
        source: ArrowError,
    },
}

impl std::fmt::Display for BatchError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BatchError::MissingColumn(name) => write!(out, "columns.tsv has no column {name}"),
            BatchError::Array { column, source } => {
                write!(out, "column {column} cannot be built: {source}")
            }
        }
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BatchError::MissingColumn(_) => None,
            BatchError::Array { source, .. } => Some(source),
        }
    }
}
