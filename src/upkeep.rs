//! The upkeep of a store: the conductor of what neither reads sources nor answers questions.
//!
//! Owns: the threads of such work. Must not know flags, nor how it is done.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::store::{Compacted, Extent, Store, Verdict};

/// Merges all files of a store that are not large already, on all cores unless told otherwise.
///
/// # Errors
///
/// Those of [`Store::compact`].
pub fn compact(store: &Store, threads: Option<usize>) -> Result<Compacted> {
    pool(threads)?.install(|| store.compact(Extent::All))
}

/// Looks at everything that a store holds, on all cores unless told otherwise; changes nothing.
///
/// # Errors
///
/// Those of [`Store::verify`].
pub fn verify(store: &Store, threads: Option<usize>) -> Result<Verdict> {
    pool(threads)?.install(|| store.verify())
}

fn pool(threads: Option<usize>) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}
