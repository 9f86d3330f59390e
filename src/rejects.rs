//! Lists and exports the rejected records of a store.

use serde::Serialize;

use crate::error::{Error, Result};
use crate::render;
pub use crate::schema::reject::Reject;
use crate::schema::reject::{Raw, encode_base64};
use crate::store::Store;

/// Receives the parts of an output in order.
type RejectOutput<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Options of a listing.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Text that the names of sources must contain.
    pub source: Option<String>,
    /// True if the content of records is included.
    pub with_content: bool,
}

/// Format for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectsFormat {
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// CSV rows with a header.
    Csv,
}

/// Passes each reject to `take`, sorted by source and position, and returns their number.
///
/// # Errors
///
/// Errors of [`Store::for_each_reject`] and of `take`.
pub fn for_each(
    store: &Store,
    options: &Options,
    take: &mut dyn FnMut(Reject) -> Result<()>,
) -> Result<u64> {
    let is_wanted =
        |name: &str| options.source.as_deref().is_none_or(|wanted| name.contains(wanted));
    store.for_each_reject(&is_wanted, take)
}

/// Writes rejects one at a time and returns their number.
///
/// # Errors
///
/// Errors of [`for_each`] and of `out`.
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

/// Reject without its content.
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
        let (before, after): (&[u8], &[u8]) = match (self.format, self.rejects_written) {
            (RejectsFormat::Json, 0) => (b"\n", b""),
            (RejectsFormat::Json, _) => (b",\n", b""),
            _ => (b"", b"\n"),
        };
        self.rejects_written += 1;
        self.write_bytes(&[before, &json, after].concat())
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
