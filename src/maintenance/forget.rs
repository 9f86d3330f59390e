//! Erases persons from a store, or replaces them with pseudonyms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::person::{PersonMatcher, Pseudonymizer};
use crate::schema::reject::{Raw, Reject};
use crate::schema::{EventText, PersonFieldKind, is_nobody, is_wildcard_match};
use crate::store::{Redaction, RedactionResult, RejectEdit, Store, thread_pool};

/// Options of [`forget`].
#[derive(Debug, Clone, Default)]
pub struct ForgetOptions {
    /// Addresses or IDs of persons.
    pub users: Vec<String>,
    /// True if events stay and persons are replaced with pseudonyms.
    pub pseudonymize: bool,
    /// True if nothing is changed and only the result is calculated.
    pub dry_run: bool,
    /// Pseudonyms of the store, if it has pseudonyms.
    pub pseudonyms: Option<Pseudonymizer>,
    /// Number of threads; `None` uses one per core.
    pub threads: Option<usize>,
}

/// A person in the result of [`forget`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgottenPerson {
    /// Address or ID, as given.
    pub user: String,
    /// True if the store contained the person.
    pub found: bool,
    /// Number of events by the person.
    pub events: u64,
}

/// The result of [`forget`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ForgetResult {
    /// True if nothing was changed; the numbers are those of the change.
    pub dry_run: bool,
    /// The persons, in the order of the options.
    pub persons: Vec<ForgottenPerson>,
    /// The number of persons that the store contained.
    pub people: u64,
    /// The number of erased events.
    pub events_erased: u64,
    /// The number of other events in which persons were replaced.
    pub events_changed: u64,
    /// The number of texts in these events that were replaced.
    pub values_replaced: u64,
    /// The number of texts in the inventory that were replaced.
    #[serde(skip_serializing_if = "is_zero")]
    pub inventory_values: u64,
    /// The number of removed rejected records.
    pub rejects_removed: u64,
    /// The number of rejected records in which persons were replaced.
    pub rejects_changed: u64,
    /// The number of rewritten files.
    pub files_rewritten: u64,
    /// The number of sources whose entries in the source log were changed.
    pub sources_changed: u64,
    /// Addresses that were found and not replaced, because they can be other mailboxes, for example
    /// `to+zoe@contoso.com`.
    pub similar: Vec<String>,
}

/// Erases persons from a store: their events or only their names, and their names in all other
/// data. The key of the new pseudonyms is not kept. Then all files of the store are searched for
/// the addresses.
///
/// # Errors
///
/// Errors of [`Store::redact`]; [`Error::Usage`] if a user contains `*`, or if the key does not
/// match the pseudonyms of the store; [`Error::Store`] if a file still contains an address.
pub fn forget(store: &Store, options: &ForgetOptions) -> Result<ForgetResult> {
    let stored = store.pseudonym_key_id()?;
    let given = options.pseudonyms.as_ref();
    if stored != given.map(Pseudonymizer::key_id) {
        return Err(Error::Usage(match stored {
            Some(_) => "the store has pseudonyms; pass their key with --key-file".into(),
            None => "the store has original names; omit --key-file".into(),
        }));
    }
    if let Some(pattern) = options.users.iter().find(|user| user.contains('*')) {
        return Err(refuse_wildcard(store, pattern, given.is_some())?);
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
        let events = add_user_keys(store, &mut persons, users.len())?;
        add_names(store, &mut persons)?;
        add_inventory_ids(store, &mut persons)?;
        if let Some(pseudonyms) = given {
            add_spellings(&mut persons, &options.users, pseudonyms);
        }
        let rewrite = |text: &EventText<'_>| persons.redact_field(text);
        let erase = |user: &str| !options.pseudonymize && persons.matches(user);
        let reject = |reject: &Reject| edit_reject(reject, &persons, options.pseudonymize);
        let redaction =
            Redaction { rewrite: &rewrite, is_erased_user: &erase, edit_reject: &reject };
        let done = match options.dry_run {
            true => store.plan_redaction(&redaction)?,
            false => {
                let done = store.redact(&redaction)?;
                check_traces(store, &persons)?;
                done
            }
        };
        Ok(result(options, &persons, &events, &done))
    })
}

fn result(
    options: &ForgetOptions,
    persons: &PersonMatcher,
    events: &[u64],
    done: &RedactionResult,
) -> ForgetResult {
    let similar = persons.similar();
    let person = |(number, (user, events)): (usize, (&String, &u64))| ForgottenPerson {
        user: user.clone(),
        found: persons.is_found(number),
        events: *events,
    };
    let persons: Vec<ForgottenPerson> =
        options.users.iter().zip(events).enumerate().map(person).collect();
    ForgetResult {
        dry_run: options.dry_run,
        people: persons.iter().filter(|person| person.found).count() as u64,
        persons,
        events_erased: done.erased_events,
        events_changed: done.changed_events,
        values_replaced: done.replaced_values,
        inventory_values: done.inventory_values,
        rejects_removed: done.dropped_rejects,
        rejects_changed: done.changed_rejects,
        files_rewritten: done.rewritten_files as u64,
        sources_changed: done.rewritten_entries as u64,
        similar,
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Maximum number of users that a refusal lists.
const MAX_LISTED: usize = 10;

/// Returns the refusal of a pattern, with the users that it would match.
fn refuse_wildcard(store: &Store, pattern: &str, has_pseudonyms: bool) -> Result<Error> {
    let advice = "forget cannot be undone, so it takes whole addresses and IDs, without wildcards";
    if has_pseudonyms {
        return Ok(Error::Usage(format!("{advice}; found {pattern:?}")));
    }
    let users = store.users()?;
    let users: BTreeSet<&str> = users.keys().map(|(user, _)| user.as_str()).collect();
    let lower = pattern.to_lowercase();
    let is_match = |user: &&str| is_wildcard_match(&lower, &user.to_lowercase());
    let matching: Vec<&str> = users.into_iter().filter(is_match).collect();
    let listed = matching.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    let more = matching.len().saturating_sub(MAX_LISTED);
    let matches = match (matching.len(), more) {
        (0, _) => "no user of an event matches it".to_owned(),
        (_, 0) => format!("pass --user once for each of: {listed}"),
        _ => format!("pass --user once for each person; it matches {listed} and {more} more"),
    };
    Ok(Error::Usage(format!("{advice}; found {pattern:?}: {matches}")))
}

/// Adds the user keys of the persons, and returns the number of events by each person. A key that
/// other users share does not identify a person.
fn add_user_keys(store: &Store, persons: &mut PersonMatcher, people: usize) -> Result<Vec<u64>> {
    let (mut events, mut keys, mut shared) = (vec![0; people], Vec::new(), BTreeSet::new());
    for ((user, key), count) in store.users()? {
        match persons.find(&user) {
            Some(person) => {
                events[person] += count;
                keys.push((key, person));
            }
            None if !user.is_empty() => {
                shared.insert(key);
            }
            None => {}
        }
    }
    for (key, person) in keys {
        if !is_nobody(&key) && !shared.contains(&key) {
            persons.add_name(&key, person);
        }
    }
    Ok(events)
}

/// Adds the display names and IDs that the store has next to the addresses of the persons. A name
/// next to another address too does not identify a person.
fn add_names(store: &Store, persons: &mut PersonMatcher) -> Result<()> {
    type Names = BTreeMap<(bool, String), Option<usize>>;
    let names: Mutex<Names> = Mutex::default();
    store.for_each_text(&|text| {
        let Some(field) = text.person_field().filter(|_| !is_nobody(text.text)) else { return };
        let Some(address) = text.address_of(field) else { return };
        let person = persons.find(&address);
        let key = (field.kind == PersonFieldKind::Name, text.text.to_lowercase());
        if let Ok(mut names) = names.lock() {
            let known = names.entry(key).or_insert(person);
            *known = known.filter(|known| Some(*known) == person);
        }
    })?;
    let names =
        names.into_inner().map_err(|_| Error::internal("a thread failed while it read names"))?;
    for ((is_display_name, name), person) in names {
        match person {
            Some(person) if is_display_name => persons.add_display_name(&name, person),
            Some(person) => persons.add_name(&name, person),
            None => {}
        }
    }
    Ok(())
}

/// Adds the IDs that the inventory has next to the addresses of the persons.
fn add_inventory_ids(store: &Store, persons: &mut PersonMatcher) -> Result<()> {
    for (address, id) in store.inventory_persons()? {
        if let Some(person) = persons.find(&address) {
            persons.add_name(&id, person);
        }
    }
    Ok(())
}

/// The most files that an error lists.
const MAX_LISTED_FILES: usize = 10;

/// Searches the bytes of all files for the persons, after they were replaced.
fn check_traces(store: &Store, persons: &PersonMatcher) -> Result<()> {
    let found = store.search_files(&|bytes| persons.find_traces(bytes))?;
    if found.is_empty() {
        return Ok(());
    }
    let list = |traces: BTreeSet<String>| traces.into_iter().collect::<Vec<_>>().join(", ");
    let files = found.len();
    let listed = found.into_iter().take(MAX_LISTED_FILES);
    let listed: Vec<String> =
        listed.map(|(file, traces)| format!("{file} ({})", list(traces))).collect();
    let more = match files.saturating_sub(MAX_LISTED_FILES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Error::store(
        store.root(),
        format!(
            "these files still contain an address, although everything else was replaced: \
             {}{more}; run the same command again, and delete the files that are listed then \
             and that another program wrote",
            listed.join("; ")
        ),
    ))
}

/// Adds the pseudonyms that personal sites and the owners of personal workspaces have in a
/// pseudonymized store, and the addresses themselves: older versions did not replace them in names
/// of files and members.
fn add_spellings(persons: &mut PersonMatcher, users: &[String], pseudonyms: &Pseudonymizer) {
    for (person, user) in users.iter().enumerate() {
        if user.contains('@') {
            persons.add_address(user, person);
            persons.add_site(&pseudonyms.pseudonymize_site_of(user), person);
        }
        let name = user.split_once('@').map_or(user.as_str(), |(name, _)| name);
        persons.add_display_name(&pseudonyms.pseudonymize_display_name(name), person);
    }
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
