//! Finds people in texts and replaces them with pseudonyms.
//!
//! A pseudonym keeps the domain, so that guests can still be distinguished from members, and
//! nothing else: `zoe@contoso.com` becomes `p-1f4e6a0c9d2b7e83@contoso.com`. It is made with a key
//! (BLAKE3 as a keyed hash), so that somebody who has only the pseudonyms cannot try names until
//! one matches.

mod address;
mod encoding;
mod find_addresses;
mod matcher;
mod personal_sites;
mod pseudonym;
mod raw;
mod traces;

pub use matcher::PersonMatcher;
pub use pseudonym::{Pseudonymizer, mentions_person};
