//! Sources: the files of an archive, and the records in them as byte ranges.
//!
//! Owns: which files there are ([`discover`]), what is packed in them, what a text is by its
//! content ([`Shape`]), its encoding, and where each record begins and ends. It hands on pieces of
//! decoded text with the bounds of their records ([`Pieces`]), so that records can be parsed by
//! many threads while the file is still being read, and no file has to fit into memory. Must not
//! know: what a record says, Arrow, the store.

mod bounds;
mod chunks;
mod csv_rows;
mod decode;
mod decompress;
mod discover;
mod disk;
mod embedded_json;
mod positions;
mod structural_scan;
mod text;
mod unsupported;
mod zip;

use std::sync::Arc;

pub use chunks::ChunkReader;
pub use discover::{SourceFile, discover};
pub use disk::digest;

/// What a text is, by its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SourceFormat {
    /// Nothing but white space.
    #[default]
    Empty,
    /// Pages of the REST API: `{"activityEventEntities":[…],…}`.
    Rest,
    /// An array of events, as Get-PowerBIActivityEvent prints it, or a `{"value":[…]}` wrapping.
    Array,
    /// Objects one after another: NDJSON, or a single event.
    Objects,
    /// CSV with this header line.
    Csv(Vec<u8>),
}

impl SourceFormat {
    /// The name that the lineage column and the accounting use.
    pub fn name(&self) -> &'static str {
        match self {
            SourceFormat::Empty => "empty",
            SourceFormat::Rest => "rest",
            SourceFormat::Array => "array",
            SourceFormat::Objects => "ndjson",
            SourceFormat::Csv(_) => "csv",
        }
    }
}

/// A text of a file, by what is to be said of it: most files are one, a zip may hold many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMember {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// Whether it was packed, so that positions are those of what was unpacked.
    is_packed: bool,
    /// Whether it stood in JSON strings, so that positions are those of what they hold.
    is_embedded: bool,
}

impl SourceMember {
    /// A reason, with the name of the text and what positions in it are.
    pub fn qualify_reason(&self, reason: String) -> String {
        let unit = match (self.is_packed, self.is_embedded) {
            (false, false) => None,
            (true, false) => Some("unpacked"),
            (_, true) => Some("in the text of its JSON string"),
        };
        match (&self.name, unit) {
            (Some(name), Some(unit)) => format!("{name} ({unit}): {reason}"),
            (Some(name), None) => format!("{name}: {reason}"),
            (None, Some(unit)) => format!("({unit}) {reason}"),
            (None, None) => reason,
        }
    }

    fn qualify_problem(&self, flaw: DecodeProblem) -> DecodeProblem {
        DecodeProblem { reason: self.qualify_reason(flaw.reason), ..flaw }
    }
}

/// A text that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberResult {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// What it was, or why it is no log.
    pub format: Result<SourceFormat, String>,
}

/// A piece of a file: decoded text, and where its records are.
#[derive(Debug, Default)]
pub struct Chunk {
    /// UTF-8, unless the source lies about it: a record that is not valid UTF-8 is rejected when
    /// it is parsed.
    pub text: Vec<u8>,
    /// Start and end of each JSON record in `text`. CSV rows are told apart when they are read.
    pub records: Vec<(u32, u32)>,
    /// What the text is, as far as it was read.
    pub format: SourceFormat,
    /// Which text of the file it is of.
    pub member: Arc<SourceMember>,
    /// How many bytes of the file were read for it.
    pub file_bytes: u64,
    /// Where `text` stood in the file.
    positions: positions::PositionMap,
}

impl Chunk {
    /// The byte position in the file of a position in `text`; in what was unpacked, where the
    /// file is packed.
    pub fn position(&self, at: usize) -> u64 {
        self.positions.position(&self.text, at)
    }
}

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

    fn for_record(position: u64, reason: String, raw: &[u8]) -> Self {
        let raw = raw[..raw.len().min(Self::MAX_RAW_BYTES)].to_vec();
        DecodeProblem { scope: ProblemScope::Record, position, reason, raw }
    }

    fn for_file(position: u64, reason: String) -> Self {
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
