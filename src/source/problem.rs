//! Describes damage in a source that its chunks do not show.

/// Something wrong with a source that its pieces do not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeProblem {
    /// Whether it is a record that is lost, or the file around records.
    pub scope: ProblemScope,
    /// Byte position in the file.
    pub position: u64,
    /// What was expected and found.
    pub reason: String,
    /// The text of a record that is lost, decoded: from its start to where it breaks off or the
    /// next begins, and no more than 1 MiB of it. Empty for a flaw of the file.
    pub raw: Vec<u8>,
}

impl DecodeProblem {
    /// How much of a lost record is kept: far more than any event has, and little to hold.
    const MAX_RAW_BYTES: usize = 1 << 20;

    pub(super) fn for_record(position: u64, reason: String, raw: &[u8]) -> Self {
        let raw = raw[..raw.len().min(Self::MAX_RAW_BYTES)].to_vec();
        DecodeProblem { scope: ProblemScope::Record, position, reason, raw }
    }

    pub(super) fn for_file(position: u64, reason: String) -> Self {
        DecodeProblem { scope: ProblemScope::File, position, reason, raw: Vec::new() }
    }
}

/// What a flaw is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemScope {
    /// A record: it counts as one that was read and could not be taken.
    Record,
    /// The file: it ends before what it began is closed. No record is lost by what is seen.
    File,
}
