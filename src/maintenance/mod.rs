//! Maintains a store: compacts it, verifies it, and erases persons from it.

mod forget;

use crate::error::Result;
pub use crate::person::Pseudonymizer;
use crate::store::{CompactScope, Store, thread_pool};
pub use crate::store::{CompactionResult, OrphanRemoval, VerifyCheck, VerifyReport};
pub use forget::{ForgetOptions, ForgetResult, ForgottenPerson, forget};

/// Merges the small files of a store. `None` uses one thread per core.
///
/// # Errors
///
/// Errors of [`Store::compact`].
pub fn compact(store: &Store, threads: Option<usize>) -> Result<CompactionResult> {
    thread_pool(threads)?.install(|| store.compact(CompactScope::All))
}

/// Removes what aborted commands of another machine left in a store.
///
/// # Errors
///
/// Errors of [`Store::remove_orphans_of`].
pub fn remove_orphans_of(store: &Store, host: &str) -> Result<OrphanRemoval> {
    store.remove_orphans_of(host)
}

/// Checks all files of a store without changes. `None` uses one thread per core.
///
/// # Errors
///
/// Errors of [`Store::verify`].
pub fn verify(store: &Store, threads: Option<usize>) -> Result<VerifyReport> {
    thread_pool(threads)?.install(|| store.verify())
}
