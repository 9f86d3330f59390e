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

pub use chunks::Pieces;
pub use discover::{Found, discover};
pub use disk::digest;

/// What a text is, by its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Shape {
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

impl Shape {
    /// The name that the lineage column and the accounting use.
    pub fn name(&self) -> &'static str {
        match self {
            Shape::Empty => "empty",
            Shape::Rest => "rest",
            Shape::Array => "array",
            Shape::Objects => "ndjson",
            Shape::Csv(_) => "csv",
        }
    }
}

/// A text of a file, by what is to be said of it: most files are one, a zip may hold many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Source {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// Whether it was packed, so that positions are those of what was unpacked.
    is_packed: bool,
    /// Whether it stood in JSON strings, so that positions are those of what they hold.
    is_in_strings: bool,
}

impl Source {
    /// A reason, with the name of the text and what positions in it are.
    pub fn of(&self, reason: String) -> String {
        let unit = match (self.is_packed, self.is_in_strings) {
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

    fn told(&self, flaw: Flaw) -> Flaw {
        Flaw { reason: self.of(flaw.reason), ..flaw }
    }
}

/// A text that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// What it was, or why it is no log.
    pub shape: Result<Shape, String>,
}

/// A piece of a file: decoded text, and where its records are.
#[derive(Debug, Default)]
pub struct Piece {
    /// UTF-8, unless the source lies about it: a record that is not valid UTF-8 is rejected when
    /// it is parsed.
    pub text: Vec<u8>,
    /// Start and end of each JSON record in `text`. CSV rows are told apart when they are read.
    pub records: Vec<(u32, u32)>,
    /// What the text is, as far as it was read.
    pub shape: Shape,
    /// Which text of the file it is of.
    pub source: Arc<Source>,
    /// How many bytes of the file were read for it.
    pub file_bytes: u64,
    /// Where `text` stood in the file.
    places: positions::Places,
}

impl Piece {
    /// The byte position in the file of a position in `text`; in what was unpacked, where the
    /// file is packed.
    pub fn position(&self, at: usize) -> u64 {
        self.places.position(&self.text, at)
    }
}

/// Something wrong with a source that its pieces do not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Whether it is a record that is lost, or the file around records.
    pub of: FlawOf,
    /// Byte position in the file.
    pub position: u64,
    /// What was expected and found.
    pub reason: String,
    /// The text of a record that is lost, decoded: from its start to where it breaks off or the
    /// next begins, and no more than 1 MiB of it. Empty for a flaw of the file.
    pub raw: Vec<u8>,
}

impl Flaw {
    /// How much of a lost record is kept: far more than any event has, and little to hold.
    const RAW_BYTES_MAX: usize = 1 << 20;

    fn record(position: u64, reason: String, raw: &[u8]) -> Self {
        let raw = raw[..raw.len().min(Self::RAW_BYTES_MAX)].to_vec();
        Flaw { of: FlawOf::Record, position, reason, raw }
    }

    fn file(position: u64, reason: String) -> Self {
        Flaw { of: FlawOf::File, position, reason, raw: Vec::new() }
    }
}

/// What a flaw is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlawOf {
    /// A record: it counts as one that was read and could not be taken.
    Record,
    /// The file: it ends before what it began is closed. No record is lost by what is seen.
    File,
}
