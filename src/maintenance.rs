//! The upkeep of a store: the conductor of what neither reads sources nor answers questions.
//!
//! Owns: the threads of such work. Must not know flags, nor how it is done.

use std::collections::BTreeSet;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::person::PersonMatcher;
pub use crate::person::Pseudonymizer;
use crate::schema::reject::{Raw, Reject};
use crate::store::{CompactScope, Redaction, RejectEdit, Store};
pub use crate::store::{CompactionResult, RedactionResult, VerifyCheck, VerifyReport};

/// Merges all files of a store that are not large already, on all cores unless told otherwise.
///
/// # Errors
///
/// Those of [`Store::compact`].
pub fn compact(store: &Store, threads: Option<usize>) -> Result<CompactionResult> {
    thread_pool(threads)?.install(|| store.compact(CompactScope::All))
}

/// Looks at everything that a store holds, on all cores unless told otherwise; changes nothing.
///
/// # Errors
///
/// Those of [`Store::verify`].
pub fn verify(store: &Store, threads: Option<usize>) -> Result<VerifyReport> {
    thread_pool(threads)?.install(|| store.verify())
}

fn thread_pool(threads: Option<usize>) -> Result<ThreadPool> {
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    builder.build().map_err(Error::internal)
}

/// Whom to forget, and how.
#[derive(Debug, Clone, Default)]
pub struct ForgetOptions {
    /// Addresses or ids of persons.
    pub users: Vec<String>,
    /// Whether their events stay, with a pseudonym in their place.
    pub pseudonymize: bool,
    /// The pseudonyms of the store, where it holds pseudonyms.
    pub pseudonyms: Option<Pseudonymizer>,
    /// How many threads; all cores where it is none.
    pub threads: Option<usize>,
}

/// Takes persons out of a store: their events, or only their names; and their names wherever else
/// they stand. What stands for them from then on was made with a key that is thrown away.
///
/// # Errors
///
/// Those of [`Store::remove`]; [`Error::Usage`] where the store holds pseudonyms and the key is
/// missing or another.
pub fn forget(store: &Store, forgetting: &ForgetOptions) -> Result<RedactionResult> {
    let held = store.pseudonym_key_id()?;
    let given = forgetting.pseudonyms.as_ref();
    if held != given.map(Pseudonymizer::key_id) {
        return Err(Error::Usage(match held {
            Some(_) => "the store holds pseudonyms; give the key that they were made with".into(),
            None => "the store holds names as they are; leave the key out".into(),
        }));
    }
    let users = forgetting.users.iter().map(|user| match given {
        Some(pseudonyms) => pseudonyms.pseudonymize_user(user),
        None => user.clone(),
    });
    let users: Vec<String> = users.collect();
    let mut persons = PersonMatcher::new(
        users.iter().map(String::as_str),
        Pseudonymizer::with_random_key().map_err(Error::internal)?,
    );
    thread_pool(forgetting.threads)?.install(|| {
        // A key that others have as well tells nobody from them.
        let all = store.users()?;
        let (theirs, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|(user, _)| persons.matches(user));
        let shared: BTreeSet<&str> = others
            .iter()
            .filter(|(user, _)| !user.is_empty())
            .map(|(_, key)| key.as_str())
            .collect();
        for (_, key) in theirs {
            if !key.is_empty() && !shared.contains(key.as_str()) {
                persons.add_name(key);
            }
        }
        let rewrite = |text: &str| persons.redact_text(text);
        let erase = |user: &str| !forgetting.pseudonymize && persons.matches(user);
        let reject = |reject: &Reject| edit_reject(reject, &persons, forgetting.pseudonymize);
        store.redact(&Redaction { rewrite: &rewrite, is_erased_user: &erase, edit_reject: &reject })
    })
}

/// What becomes of a record that could not be taken, if they stand in it or in what is said of it.
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
        // Whether there was more of it than is kept can still be told.
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
