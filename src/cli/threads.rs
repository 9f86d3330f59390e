//! Limits the threads of the query engine.

/// Variable that Polars reads once, when it starts its thread pool.
const POLARS_MAX_THREADS: &str = "POLARS_MAX_THREADS";

/// Limits Polars to a number of threads. It has no effect once the engine has started.
pub(super) fn limit_query_threads(threads: Option<usize>) {
    let Some(threads) = threads else { return };
    // SAFETY: a command calls this before it starts a thread, so nothing reads or writes the
    // environment at the same time.
    #[expect(unsafe_code, reason = "Polars has no other setting for its threads")]
    unsafe {
        std::env::set_var(POLARS_MAX_THREADS, threads.to_string());
    }
}
