//! Compiles the modules of the program that are pure functions of bytes, and defines the properties
//! that must be true for any bytes.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    reason = "a violated property must panic, and not every part of a module is used here"
)]

// The targets name the library of the program, here and where its tests replay the seeds.
extern crate self as pbi_analyze;

#[path = "../../src/column/mod.rs"]
pub mod column;
#[path = "../../src/error.rs"]
pub mod error;
#[path = "../../src/record/mod.rs"]
pub mod record;
#[path = "../../src/schema/mod.rs"]
pub mod schema;
#[path = "../../src/simd.rs"]
pub mod simd;
#[path = "../../src/source/mod.rs"]
pub mod source;

pub use error::{Error, Result};

/// The modules under the names that the library gives them for its own tests.
pub mod internals {
    pub use crate::{column, record, schema, source};
}

#[path = "../../tests/it/exact.rs"]
mod exact;

pub mod targets;
