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
type Out<'o> = dyn FnMut(&[u8]) -> Result<()> + 'o;

/// Which rejects, and how much of each.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only those of sources whose names hold this text.
    pub source: Option<String>,
    /// With what was rejected, byte for byte.
    pub raw: bool,
}

/// A form for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
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
pub fn each(
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
pub fn export(store: &Store, options: &Options, format: Format, out: &mut Out<'_>) -> Result<u64> {
    let mut export = Export { format, raw: options.raw, written: 0, out };
    export.begin()?;
    let written = each(store, options, &mut |reject| export.write(&reject))?;
    export.end()?;
    Ok(written)
}

/// A reject without what was rejected.
#[derive(Serialize)]
struct Brief<'r> {
    source: &'r str,
    place: &'r str,
    position: u64,
    reason: &'r str,
    length: u64,
}

struct Export<'e, 'o> {
    format: Format,
    raw: bool,
    written: u64,
    out: &'e mut Out<'o>,
}

impl Export<'_, '_> {
    fn begin(&mut self) -> Result<()> {
        match self.format {
            Format::Json => self.put(b"["),
            Format::Ndjson => Ok(()),
            Format::Csv => {
                let names = ["source", "place", "position", "reason", "length"];
                let raw = if self.raw { &["raw", "raw_base64"][..] } else { &[] };
                let names: Vec<&str> = names.iter().chain(raw).copied().collect();
                self.put(&render::csv_line(&names)?)
            }
        }
    }

    fn write(&mut self, reject: &Reject) -> Result<()> {
        if self.format == Format::Csv {
            return self.put(&row(reject, self.raw)?);
        }
        let Reject { source, place, position, reason, length, .. } = reject;
        let brief = Brief { source, place, position: *position, reason, length: *length };
        let json = if self.raw { serde_json::to_vec(reject) } else { serde_json::to_vec(&brief) };
        let json = json.map_err(Error::internal)?;
        let (before, behind): (&[u8], &[u8]) = match (self.format, self.written) {
            (Format::Json, 0) => (b"\n", b""),
            (Format::Json, _) => (b",\n", b""),
            _ => (b"", b"\n"),
        };
        self.written += 1;
        self.put(&[before, &json, behind].concat())
    }

    fn end(&mut self) -> Result<()> {
        match self.format {
            Format::Json if self.written > 0 => self.put(b"\n]\n"),
            Format::Json => self.put(b"]\n"),
            Format::Ndjson | Format::Csv => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        (self.out)(bytes)
    }
}

fn row(reject: &Reject, raw: bool) -> Result<Vec<u8>> {
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
