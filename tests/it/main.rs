//! Runs the integration tests as one binary, so that the program is linked once. They use the
//! program as users do, or read files that any program can read.
//!
//! The support comes first, then the tests by their subject.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test may fail, and prints what helps to understand why"
)]

// Support: archives from a seed, slow second calculations, and checks of both.
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
// Names that attack the page that shows them.
#[path = "../support/attack.rs"]
mod attack;

// A folder for each test, the program in it, and its accounts in JSON.
mod workdir;
// JSON without loss of digits.
mod exact;
// The table of a store, read as another program does.
mod table;
// The large invented archive and the invented year, each created once.
mod archive;
// The normal forms of events in the table: a second definition of the row invariant.
mod normal;

// Small events for archives that a test writes itself.
mod events;

// The sample archive compared with the figures of its generator.
mod sample_data;
// A large invented archive compared with the oracle.
mod against_oracle;
// Threads, paths and names in any order give the same table.
mod order;
// The copies of an event, in one run and in many.
mod copies;
// Truncated, damaged and foreign files: complete events are stored, losses are reported.
mod damage;
// Files that attack programs.
mod hostile;
// gzip, Zstandard and zip: their content and its source.
mod compressed;
// Files truncated at each of their bytes.
mod truncated;

// Checks of the support itself.
mod support;
// The report on the most used reports compared with the oracle.
mod top_reports;
// Outputs over the sample archive, compared with files.
mod golden;
// Filters, parameters, all reports at once, and SQL of the user.
mod questions;
// Conditions, order, number of rows and columns of every report.
mod row_selection;
// Rows of two periods side by side.
mod compare;
// Charts as pictures, and reports as pages.
mod pictures;
// One report, workspace or user in full.
mod details;
// Who an event counts for, and what it is about.
mod who_and_what;
// Failed events of all activities, in all reports.
mod failed_events;
// Days that only the period names.
mod named_days;
// Events as other tools rewrite them.
mod odd_values;
// Frequent mistakes of users, and the help they get.
mod mistakes;
// Outputs of every report over the invented year, compared with files.
mod golden_reports;
// Reports over the invented year compared with oracles.
mod report_oracles;
// Columns and figures that compare two spans of time.
mod comparisons;
// The dashboard: its figures, its policy, and names that attack it.
mod dashboard;
// The details of single items on the dashboard, and people in its bytes.
mod packed_details;
mod page_items;
// The sections of the dashboard on an inventory.
mod page_inventory;
mod page_marks;
#[cfg(unix)]
mod page_pdf;
mod page_site;
// Power BI projects: references, pages, names, and what a second run replaces.
mod powerbi;
// The model of such a project, as far as tests need it.
mod tmdl;
// A strict parser of HTML.
mod html;
// Random unusual events and the row invariant.
mod properties;
// The data dictionary, and fields without a column.
mod columns;
// Other workloads than Power BI, stored or excluded.
mod workloads;
// Random events through a store and back.
mod round_trip;
// Export of events, in order and in one form.
mod export;
// The same events in every container and encoding give the same rows.
mod shapes;
// The command line as people and batch jobs use it.
mod cli;
// Dry runs.
mod dry_run;
// Days to download again, and what closes them.
mod gaps;
// Nightly runs in which something goes wrong, and what they print.
#[cfg(unix)]
mod watching;
// Threads of the query engine.
#[cfg(target_os = "linux")]
mod threads;
// Leftovers of a machine that does not come back.
mod orphans;
// Permissions and symbolic links of a store.
#[cfg(unix)]
mod private;
// The program's own sources, parsed.
mod sources;
// The rooms of ARCHITECTURE.md, their borders, and limits of length.
mod tidy;
// Files named in ARCHITECTURE.md.
mod architecture;
// Import cycles among the files of a room.
mod import_cycles;
// Words of private language in comments, messages and documents.
mod plain_words;
// The commands of README.md.
mod readme;
// A terminal as a picture, for the README.
mod table_widths;
mod terminal;
// Removal of persons from a store, and pseudonyms.
mod forget;
mod forget_names;
mod forget_result;
// Every spelling of an address, and a search of all bytes.
mod spellings;
// Key files of pseudonyms, and paths that are not UTF-8.
mod access;
// Lists of capacities beside the log.
mod capacities;
mod changes;
// Reports that an attribute of people divides.
mod divided;
// Lists of groups with their members beside the log.
mod groups;
mod inventory;
// Tables of workspaces and items, and files that earlier versions did not recognize.
mod inventory_tables;
// Inventories and people in any order, with runs that are killed.
mod inventory_killed;
mod key_files;
mod lineage;
mod people;
mod placement;
mod refreshing;
// Files that were rewritten with the same size and time.
mod rewritten;
// Archives of every known kind, each with its expected result.
mod corpus;
// Archives of collectors and other tools.
mod collectors;
// The fuzz targets, and their seeds.
mod seeds;
#[path = "../../fuzz/store/src/targets.rs"]
mod store_targets;
#[path = "../../fuzz/src/targets.rs"]
mod targets;
// Rejected records: stored and listed once.
mod rejects;
// Warnings on sources that are readable but probably incomplete.
mod source_warnings;
// Bugs that were fixed.
mod id_prefixes;
mod regressions;
// Verification of valid and damaged stores.
mod verify;
// Damaged files of the Delta log.
mod log_damage;
// Statements and files whose size would use up stack or memory.
mod sizes;
// Signals, limits of the system, and limits of memory.
#[cfg(unix)]
mod signals;
// Faults at every step of the disk.
mod faults;
// The program killed at random moments.
mod killed;
// Concurrent commands.
mod races;
