//! Answers over small archives.
