//! Defines the properties that must be true for any damage of a store and for any statement.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a violated property must panic"
)]

pub mod targets;
