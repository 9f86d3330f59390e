//! The copies of an event, and the one event that they are.
//!
//! Copies of an event are records with one id. What they say is merged field by field, by a rule
//! that depends on the values only. So the merge is commutative, associative and idempotent: any
//! copies in any order, in one run or in many, are one event.

mod copy;
mod merged;
mod value_rank;

pub use copy::{CopyReader, EventCopy};
pub(super) use value_rank::is_annotation;

pub use merged::{CopyParsers, FieldConflict, MergedEvent, last_source, source_order};
