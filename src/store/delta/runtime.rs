//! The runtime on which deltalake-core reads and writes the log.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// The runtime, and the process that created it.
static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// Returns the runtime of this process.
///
/// It is never dropped. After an error, tasks of deltalake-core still wait for others, and they
/// panic if a runtime ends before them. A process that was forked has none of the threads, so it
/// gets a runtime of its own.
///
/// # Errors
///
/// [`Error::Internal`] if the system has no thread left.
pub(in crate::store) fn runtime() -> Result<&'static Runtime> {
    let process = std::process::id();
    let mut current = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((creator, runtime)) = *current
        && creator == process
    {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        // Nothing opens a connection. The driver for connections would need descriptors, and
        // panics if there are none left.
        .enable_time()
        .build()
        .map_err(Error::internal)?;
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *current = Some((process, runtime));
    Ok(runtime)
}
