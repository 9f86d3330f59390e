//! Describes damage in a source that its chunks do not show.

/// Damage in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeProblem {
    /// The damaged part: a record, or the file around records.
    pub scope: ProblemScope,
    /// The byte position in the file.
    pub position: u64,
    /// The reason for the user: what was expected and found.
    pub reason: String,
    /// The decoded text of a lost record, from its start to where it breaks off or the next one
    /// begins, at most `MAX_RAW_BYTES`. Empty for damage of the file.
    pub raw: Vec<u8>,
}

impl DecodeProblem {
    /// The most bytes of a lost record that are kept: 1 MiB, far more than any event has.
    const MAX_RAW_BYTES: usize = 1 << 20;

    pub(super) fn for_record(position: u64, reason: String, raw: &[u8]) -> Self {
        let raw = raw[..raw.len().min(Self::MAX_RAW_BYTES)].to_vec();
        DecodeProblem { scope: ProblemScope::Record, position, reason, raw }
    }

    pub(super) fn for_skipped(position: u64, reason: String) -> Self {
        DecodeProblem { scope: ProblemScope::Skipped, position, reason, raw: Vec::new() }
    }

    pub(super) fn for_file(position: u64, reason: String) -> Self {
        DecodeProblem { scope: ProblemScope::File, position, reason, raw: Vec::new() }
    }
}

/// The part of a source that is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemScope {
    /// A record. It counts as read and rejected.
    Record,
    /// The file: it ends before an array or object is closed. No record is known to be lost.
    File,
    /// Text that is not part of a record, which was skipped. Nothing is lost.
    Skipped,
}
