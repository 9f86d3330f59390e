//! Creates the thread pools of the conductors.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Creates a pool with a number of threads; `None` uses one per core.
///
/// # Errors
///
/// [`Error::Internal`] if the operating system refuses to start a thread.
pub fn thread_pool(threads: Option<usize>) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}
