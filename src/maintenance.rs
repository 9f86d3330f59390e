//! Maintains a store: compacts it, verifies it, and erases persons from it.

use std::collections::BTreeSet;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::person::PersonMatcher;
pub use crate::person::Pseudonymizer;
use crate::schema::reject::{Raw, Reject};
use crate::store::{CompactScope, Redaction, RejectEdit, Store};
pub use crate::store::{CompactionResult, RedactionResult, VerifyCheck, VerifyReport};

/// Merges the small files of a store. `None` uses one thread per core.
///
/// # Errors
///
/// Errors of [`Store::compact`].
pub fn compact(store: &Store, threads: Option<usize>) -> Result<CompactionResult> {
    thread_pool(threads)?.install(|| store.compact(CompactScope::All))
}

/// Checks all files of a store without changes. `None` uses one thread per core.
///
/// # Errors
///
/// Errors of [`Store::verify`].
pub fn verify(store: &Store, threads: Option<usize>) -> Result<VerifyReport> {
    thread_pool(threads)?.install(|| store.verify())
}

fn thread_pool(threads: Option<usize>) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}

/// Options of [`forget`].
#[derive(Debug, Clone, Default)]
pub struct ForgetOptions {
    /// Addresses or IDs of persons.
    pub users: Vec<String>,
    /// True if events stay and persons are replaced with pseudonyms.
    pub pseudonymize: bool,
    /// Pseudonyms of the store, if it has pseudonyms.
    pub pseudonyms: Option<Pseudonymizer>,
    /// Number of threads; `None` uses one per core.
    pub threads: Option<usize>,
}

/// Erases persons from a store: their events or only their names, and their names in all other
/// data. The key of the new pseudonyms is not kept.
///
/// # Errors
///
/// Errors of [`Store::redact`]; [`Error::Usage`] if the key does not match the pseudonyms of the
/// store.
pub fn forget(store: &Store, options: &ForgetOptions) -> Result<RedactionResult> {
    let stored = store.pseudonym_key_id()?;
    let given = options.pseudonyms.as_ref();
    if stored != given.map(Pseudonymizer::key_id) {
        return Err(Error::Usage(match stored {
            Some(_) => "the store has pseudonyms; pass their key with --key-file".into(),
            None => "the store has original names; omit --key-file".into(),
        }));
    }
    let users = options.users.iter().map(|user| match given {
        Some(pseudonyms) => pseudonyms.pseudonymize_user(user),
        None => user.clone(),
    });
    let users: Vec<String> = users.collect();
    let mut persons = PersonMatcher::new(
        users.iter().map(String::as_str),
        Pseudonymizer::with_random_key().map_err(Error::internal)?,
    );
    thread_pool(options.threads)?.install(|| {
        // A user key that other users share does not identify a person.
        let all = store.users()?;
        let (matching, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|(user, _)| persons.matches(user));
        let shared: BTreeSet<&str> = others
            .iter()
            .filter(|(user, _)| !user.is_empty())
            .map(|(_, key)| key.as_str())
            .collect();
        for (_, key) in matching {
            if !key.is_empty() && !shared.contains(key.as_str()) {
                persons.add_name(key);
            }
        }
        let rewrite = |text: &str| persons.redact_text(text);
        let erase = |user: &str| !options.pseudonymize && persons.matches(user);
        let reject = |reject: &Reject| edit_reject(reject, &persons, options.pseudonymize);
        store.redact(&Redaction { rewrite: &rewrite, is_erased_user: &erase, edit_reject: &reject })
    })
}

/// Decides if a reject is kept, dropped or rewritten, depending on the names in it.
fn edit_reject(reject: &Reject, persons: &PersonMatcher, replace: bool) -> RejectEdit {
    let text = String::from_utf8_lossy(reject.raw.bytes());
    let (raw, reason) = (persons.redact_raw(&text), persons.redact_words(&reject.reason));
    if !replace && (raw.is_some() || reason.is_some()) {
        return RejectEdit::Drop;
    }
    let (source, place) = (persons.redact_text(&reject.source), persons.redact_text(&reject.place));
    if [&raw, &reason, &source, &place].iter().all(|text| text.is_none()) {
        return RejectEdit::Keep;
    }
    let mut other = reject.clone();
    if let Some(raw) = raw {
        // The length must still show if only a part of the record is stored.
        let is_whole = reject.length == reject.raw.bytes().len() as u64;
        other.length = if is_whole { raw.len() as u64 } else { reject.length };
        other.raw = Raw::Text(raw);
    }
    for (field, text) in
        [(&mut other.reason, reason), (&mut other.source, source), (&mut other.place, place)]
    {
        if let Some(text) = text {
            *field = text;
        }
    }
    RejectEdit::Replace(Box::new(other))
}
