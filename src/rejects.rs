//! The records of a store that could not be taken: the conductor of their listing.
//!
//! Owns: the forms in which they leave the store for other programs. Must not know flags, or where
//! the bytes go; lines for people are the business of the command line.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::render;
pub use crate::schema::reject::Reject;
use crate::schema::reject::{Raw, encode_base64};
use crate::store::Store;

/// Takes the bytes of an output, one part after the other.
type RejectOutput<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Which rejects, and how much of each.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only those of sources whose names hold this text.
    pub source: Option<String>,
    /// With what was rejected, byte for byte.
    pub with_content: bool,
}

/// A form for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectsFormat {
    /// One array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Rows below a header.
    Csv,
}

/// Hands on each, by source and position, and gives their number.
///
/// # Errors
///
/// Those of [`Store::rejects`].
pub fn for_each(
    store: &Store,
    options: &Options,
    take: &mut dyn FnMut(Reject) -> Result<()>,
) -> Result<u64> {
    let is_wanted =
        |name: &str| options.source.as_deref().is_none_or(|wanted| name.contains(wanted));
    store.for_each_reject(&is_wanted, take)
}

/// Writes all of them, and gives their number. None is held longer than it takes to write it.
///
/// # Errors
///
/// As [`each`], and [`Error::Io`] where the output refuses.
pub fn export(
    store: &Store,
    options: &Options,
    format: RejectsFormat,
    out: &mut RejectOutput<'_>,
) -> Result<u64> {
    let mut export =
        RejectExporter { format, with_content: options.with_content, rejects_written: 0, out };
    export.write_start()?;
    let written = for_each(store, options, &mut |reject| export.write_reject(&reject))?;
    export.write_end()?;
    Ok(written)
}

/// A reject without what was rejected.
#[derive(Serialize)]
struct RejectSummary<'r> {
    source: &'r str,
    place: &'r str,
    position: u64,
    reason: &'r str,
    length: u64,
}

struct RejectExporter<'e, 'o> {
    format: RejectsFormat,
    with_content: bool,
    rejects_written: u64,
    out: &'e mut RejectOutput<'o>,
}

impl RejectExporter<'_, '_> {
    fn write_start(&mut self) -> Result<()> {
        match self.format {
            RejectsFormat::Json => self.write_bytes(b"["),
            RejectsFormat::Ndjson => Ok(()),
            RejectsFormat::Csv => {
                let names = ["source", "place", "position", "reason", "length"];
                let raw = if self.with_content { &["raw", "raw_base64"][..] } else { &[] };
                let names: Vec<&str> = names.iter().chain(raw).copied().collect();
                self.write_bytes(&render::csv_line(&names)?)
            }
        }
    }

    fn write_reject(&mut self, reject: &Reject) -> Result<()> {
        if self.format == RejectsFormat::Csv {
            return self.write_bytes(&csv_row(reject, self.with_content)?);
        }
        let Reject { source, place, position, reason, length, .. } = reject;
        let brief = RejectSummary { source, place, position: *position, reason, length: *length };
        let json =
            if self.with_content { serde_json::to_vec(reject) } else { serde_json::to_vec(&brief) };
        let json = json.map_err(Error::internal)?;
        let (before, behind): (&[u8], &[u8]) = match (self.format, self.rejects_written) {
            (RejectsFormat::Json, 0) => (b"\n", b""),
            (RejectsFormat::Json, _) => (b",\n", b""),
            _ => (b"", b"\n"),
        };
        self.rejects_written += 1;
        self.write_bytes(&[before, &json, behind].concat())
    }

    fn write_end(&mut self) -> Result<()> {
        match self.format {
            RejectsFormat::Json if self.rejects_written > 0 => self.write_bytes(b"\n]\n"),
            RejectsFormat::Json => self.write_bytes(b"]\n"),
            RejectsFormat::Ndjson | RejectsFormat::Csv => Ok(()),
        }
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        (self.out)(bytes)
    }
}

fn csv_row(reject: &Reject, raw: bool) -> Result<Vec<u8>> {
    let (position, length) = (reject.position.to_string(), reject.length.to_string());
    let mut cells = vec![&reject.source[..], &reject.place, &position, &reject.reason, &length];
    let encoded;
    match &reject.raw {
        Raw::Text(text) if raw => cells.extend([&text[..], ""]),
        Raw::Bytes(bytes) if raw => {
            encoded = encode_base64(bytes);
            cells.extend(["", &encoded]);
        }
        _ => {}
    }
    render::csv_line(&cells)
}
