//! Compiles the rooms of the program that are pure functions of bytes alone, with the rules that
//! must be true for any bytes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a broken law is to be a loud failure, and not every part of a room is reached from here"
)]

// The targets name the program's library, here and where its tests replay the seeds.
extern crate self as pbi_analyze;

#[path = "../../src/column/mod.rs"]
pub mod column;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/record/mod.rs"]
pub mod record;
#[path = "../../src/schema/mod.rs"]
pub mod schema;
#[path = "../../src/source/mod.rs"]
pub mod source;

pub use error::{Error, Result};

#[path = "../../tests/it/exact.rs"]
mod exact;

pub mod targets;
