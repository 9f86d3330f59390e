//! The integration tests: one binary, so that the program is linked once, and everything in it
//! goes through the program as users run it, or through files that anybody can read.
//!
//! The support first, then the tests by what they hold the program to.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail, and prints what helps to understand why"
)]

// What stands by the program: archives made from a seed, a slow second answer, and a check of both.
#[path = "../support/oracle.rs"]
mod oracle;
#[path = "../support/oracles/mod.rs"]
mod oracles;
#[path = "../support/selftest.rs"]
mod selftest;
#[path = "../support/synth/mod.rs"]
mod synth;
#[path = "../support/year/mod.rs"]
mod year;
// Expected files, written anew on request.
#[path = "../support/bless.rs"]
mod bless;
// Names that are made to break the page that shows them.
#[path = "../support/attack.rs"]
mod attack;

// A folder for each test, the program in it, its accounts in JSON.
mod workdir;
// JSON in which no digit is lost.
mod exact;
// The store's table, read as a stranger would.
mod table;
// Creates the large invented archive and the invented year, each once for all tests of a run.
mod archive;
// What of an event may change on its way into the table: the law, written down a second time.
mod normal;

// A handful of small events, for archives that a test writes itself.
mod events;

// The sample archive against the figures of its generator.
mod sample_data;
// A large invented archive against the oracle.
mod against_oracle;
// Threads, paths and names in any order: the same table.
mod order;
// Truncated, broken and foreign files: what is whole is stored, what is lost is named.
mod damage;
// Files that are made to break programs.
mod hostile;
// gzip, Zstandard and zip: what is in them, and where it came from.
mod packed;
// A file cut at each of its bytes.
mod cuts;

// The support itself: what the tests rest on.
mod support;
// The report on the most used reports against the oracle.
mod top_reports;
// Compares whole outputs over the sample archive with files in `tests/golden/` that people can
// read, and answers in JSON with the figures of the generator.
mod golden;
// Filters, parameters, all reports at once, questions of one's own.
mod questions;
// What people do wrong at first, and how they are helped on.
mod mistakes;
// What every report prints over the invented year, as files.
mod golden_reports;
// Reports over the invented year against oracles.
mod report_oracles;
// The dashboard: its figures, its policy, and names that attack it.
mod dashboard;
// A page of HTML, read as strictly as no browser does.
mod html;
// Events that nobody would think of, against the law of a row.
mod properties;
// The dictionary of columns, and what a store holds beside them.
mod columns;
// Other workloads than Power BI, kept or left out.
mod workloads;
// Any event through a store and back.
mod round_trip;
// Events written out again, in order and in one form.
mod export;
// The same events in every container and encoding: the same rows.
mod shapes;
// The command line as people and batch jobs meet it.
mod cli;
// What a run would do, told without doing it.
mod dry_run;
// Who may read a store, and where it ends.
#[cfg(unix)]
mod private;
// The program's own sources, parsed.
mod sources;
// The rooms of ARCHITECTURE.md, their borders, and limits of length.
mod tidy;
// Import cycles among the files of a room.
mod import_cycles;
// Words of private language in comments, messages and documents.
mod plain_words;
// What README.md tells people to type.
mod readme;
// A terminal as a picture, for the README.
mod terminal;
// Persons taken out of a store, and pseudonyms in their place.
mod forget;
// Archives of every kind that is known to exist, and what must come of each.
mod corpus;
// What must hold for any bytes: the fuzz targets, and their seeds replayed.
mod seeds;
#[path = "../../fuzz/src/targets.rs"]
mod targets;
// Records that could not be taken: kept, listed, and each once.
mod rejects;
// What speaks against sources in which nothing is wrong.
mod suspicions;
// Bugs that there were.
mod regressions;
// A store that is sound, and everything that can be wrong with one.
mod verify;
// Every step of the disk going wrong.
mod faults;
// The program killed at any moment.
mod killed;
// Many commands at once.
mod races;
