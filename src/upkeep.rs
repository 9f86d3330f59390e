//! The upkeep of a store: the conductor of what neither reads sources nor answers questions.
//!
//! Owns: the threads of such work. Must not know flags, nor how it is done.

use rayon::ThreadPoolBuilder;

use crate::error::{Error, Result};
pub use crate::store::Compacted;
use crate::store::{Extent, Store};

/// Merges all files of a store that are not large already, on all cores unless told otherwise.
///
/// # Errors
///
/// Those of [`Store::compact`].
pub fn compact(store: &Store, threads: Option<usize>) -> Result<Compacted> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map_err(Error::internal)?.install(|| store.compact(Extent::All))
}
