//! The integration tests: one binary, so that the program is linked once, and everything in it
//! goes through the program as users run it, or through files that anybody can read.
//!
//! The support first, then the tests by what they hold the program to.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail loudly"
)]

// What stands by the program: archives made from a seed, a slow second answer, and a check of both.
#[path = "../support/oracle.rs"]
mod oracle;
#[path = "../support/selftest.rs"]
mod selftest;
#[path = "../support/synth/mod.rs"]
mod synth;

// A folder for each test, the program in it, its accounts in JSON.
mod workdir;
// JSON in which no digit is lost.
mod exact;
// The store's table, read as a stranger would.
mod table;
// The large invented archive, made once.
mod archive;
// What of an event may change on its way into the table: the law, written down a second time.
mod normal;

// The sample archive against the figures of its generator.
mod sample_data;
// A large invented archive against the oracle.
mod against_oracle;
// Threads, paths and names in any order: the same table.
mod order;
// A store that is sound, and everything that can be wrong with one.
mod verify;
// Every step of the disk going wrong.
mod faults;
// The program killed at any moment.
mod killed;
// Many commands at once.
mod races;
