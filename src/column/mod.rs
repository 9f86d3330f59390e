//! Converts events to columns: one builder for each typed column, and batches of Arrow arrays.
//!
//! Row invariant: an event is the values of its typed columns, overlaid by its members in `Extra`.
//! A column can store a value in a documented normal form (ids and user names in lower case, times
//! in UTC). A value that its column cannot store exactly is in `Extra` under the same name.

mod batch;
mod builder;
mod by_shape;
mod column_builder;
mod copies;
mod derived;
mod event_key;
mod event_time;
mod extra_fields;
mod field_lookup;
mod fingerprint;
mod nested;
mod rewrite;
mod scalar;
mod schema;
mod shape;
mod shape_event;
mod stored;
mod text;
mod text_dictionary;
mod to_json;
mod value_cache;

pub use batch::{BatchError, EventBatch, Lineage, Projection, RejectedEvent};
pub use builder::BatchBuilder;
pub use copies::{
    CopyParsers, CopyReader, EventCopy, FieldConflict, MergedEvent, last_source, source_order,
};
pub use derived::non_content_columns;
pub use event_key::EventKey;
pub use extra_fields::{EXTRA_FIELD_COLUMNS, ExtraFieldCollector, ExtraFieldStats};
pub use fingerprint::{covers, fingerprint, fingerprints};
pub use rewrite::{ColumnTextRewrite, rewrite_texts};
pub use schema::{arrow_field, arrow_schema};
pub use text::stored_id_key;
pub use text_dictionary::TextDictionary;
pub use to_json::{EventWriter, RowError};

#[cfg(test)]
mod tests;
