//! Coverage: the days that the archive contains, in full or in part.

pub(in crate::query) mod assess;
pub(in crate::query) mod comparison;
pub(in crate::query) mod downloads;
mod empty_answers;
mod intervals;
pub(in crate::query) mod local_days;
pub(in crate::query) mod log_sources;
mod page_chains;
pub(in crate::query) mod period;
