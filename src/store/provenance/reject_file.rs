//! Files of rejects: their names, their format, reading and checking them.
//!
//! A reject file is compressed with zstd. Its first line contains the format version, every other
//! line one reject as JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

use crate::error::{Cause, Error, Result};
use crate::schema::reject::Reject;
use crate::store::parquet::reader::file_digest;

/// The zstd level: rejects are usually few, and if they are many, speed matters more than size.
const ZSTD_LEVEL: i32 = 3;

/// The version of the format that this program writes. Version 1 had no first line with a version.
const FORMAT: u32 = 2;

/// A file of rejects, as the head of a source-log file refers to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct RejectsFile {
    pub(in crate::store) name: String,
    pub(in crate::store) rejects: u64,
}

impl RejectsFile {
    /// Returns the path of the file.
    pub(in crate::store) fn path(&self, root: &Path) -> PathBuf {
        folder(root).join(&self.name)
    }
}

/// Returns the folder of the reject files.
pub(in crate::store) fn folder(root: &Path) -> PathBuf {
    root.join("rejects")
}

/// Returns the name of a writer's finished file, with the digest of its bytes.
pub(in crate::store) fn reject_file_name(writer: &str, digest: u128) -> String {
    format!("{writer}-{digest:032x}.ndjson.zst")
}

/// Returns the name of a writer's unfinished file.
pub(in crate::store) fn temp_reject_file_name(writer: &str) -> String {
    format!(".{writer}-rejects.tmp")
}

/// Returns the writer of a reject file, finished or not, or `None` if the file is not one of ours.
pub(in crate::store) fn writer_from_name(name: &str) -> Option<&str> {
    let name = name.strip_prefix('.').unwrap_or(name);
    let (writer, rest) = name.split_once('-')?;
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_whole = rest.strip_suffix(".ndjson.zst").is_some_and(is_hex);
    (is_hex(writer) && (is_whole || rest == "rejects.tmp")).then_some(writer)
}

fn digest_from_name(name: &str) -> Option<u128> {
    writer_from_name(name)?;
    u128::from_str_radix(name.strip_suffix(".ndjson.zst")?.rsplit_once('-')?.1, 16).ok()
}

/// The first line of a reject file. No reject has this form.
#[derive(Debug, Serialize, Deserialize)]
struct FormatLine {
    format: u32,
}

/// Writes the lines of a reject file.
pub(in crate::store) struct RejectWriter<W: Write>(Encoder<'static, W>);

impl<W: Write> RejectWriter<W> {
    /// Starts a file with its format version.
    pub(in crate::store) fn new(file: W) -> io::Result<Self> {
        let mut writer = RejectWriter(Encoder::new(file, ZSTD_LEVEL)?);
        writer.write_line(&FormatLine { format: FORMAT })?;
        Ok(writer)
    }

    /// Writes one reject.
    pub(in crate::store) fn write(&mut self, reject: &Reject) -> io::Result<()> {
        self.write_line(reject)
    }

    fn write_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.0.write_all(&line)
    }

    /// Ends the compressed stream and returns the file.
    pub(in crate::store) fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

/// Passes each reject of a file to `take`.
///
/// # Errors
///
/// Errors of `take`; [`Error::Io`] and [`Error::Store`] if the file is missing, damaged or newer
/// than this program.
pub(in crate::store) fn for_each_reject(
    path: &Path,
    mut take: impl FnMut(Reject) -> Result<()>,
) -> Result<()> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut lines = BufReader::new(Decoder::new(file).map_err(|error| damaged_error(path, error))?);
    let mut line = Vec::new();
    let mut is_first = true;
    while lines.read_until(b'\n', &mut line).map_err(|error| damaged_error(path, error))? > 0 {
        let first = if is_first { serde_json::from_slice::<FormatLine>(&line).ok() } else { None };
        match first {
            Some(FormatLine { format }) => check_format(path, format, FORMAT)?,
            None => {
                let reject = serde_json::from_slice(&line);
                take(reject.map_err(|error| damaged_error(path, error))?)?;
            }
        }
        is_first = false;
        line.clear();
    }
    Ok(())
}

fn damaged_error(path: &Path, error: impl Into<Cause>) -> Error {
    let cause = error.into();
    Error::store_caused(path, format!("is damaged: {cause}; restore it from a copy"), cause)
}

/// Refuses a file whose format is newer than the newest one that this program knows.
pub(in crate::store) fn check_format(path: &Path, format: u32, newest: u32) -> Result<()> {
    if format <= newest {
        return Ok(());
    }
    let message = format!(
        "was written by a newer pbi-analyze (format {format}; this program reads formats up to \
         {newest}); update pbi-analyze"
    );
    Err(Error::store(path, message))
}

/// Returns the damage of a file, or `None` if the file is as it was written.
pub(in crate::store) fn verify_file(root: &Path, file: &RejectsFile) -> Option<String> {
    let path = file.path(root);
    let mut found = 0;
    let read = for_each_reject(&path, |_| {
        found += 1;
        Ok(())
    });
    match (read, file_digest(&path)) {
        (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
        (Ok(()), Ok(digest)) if digest_from_name(&file.name) != Some(digest) => Some(
            "its content has changed: the digest differs from the one in its name; restore it \
             from a copy"
                .to_owned(),
        ),
        (Ok(()), Ok(_)) if found != file.rejects => {
            Some(format!("rejects in the file: {found}, expected: {}", file.rejects))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::reject::Raw;

    const WRITER: &str = "0123456789abcdef0123456789abcdef";

    fn reject() -> Reject {
        Reject {
            source: "a".to_owned(),
            place: "/a".to_owned(),
            position: 7,
            reason: "why".to_owned(),
            length: 1,
            raw: Raw::from_bytes(b"x"),
        }
    }

    fn write_lines(path: &Path, lines: &[&str]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(path, zstd::encode_all(text.as_bytes(), 3).unwrap()).unwrap();
    }

    fn read(path: &Path) -> Result<Vec<Reject>> {
        let mut all = Vec::new();
        for_each_reject(path, |reject| {
            all.push(reject);
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn file_has_its_format_version_and_old_files_without_one_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut writer = RejectWriter::new(File::create(&path).unwrap()).unwrap();
        writer.write(&reject()).unwrap();
        writer.finish().unwrap();
        assert_eq!(read(&path).unwrap(), [reject()]);
        let text = zstd::decode_all(File::open(&path).unwrap()).unwrap();
        assert!(text.starts_with(b"{\"format\":2}\n"));
        write_lines(&path, &[&serde_json::to_string(&reject()).unwrap()]);
        assert_eq!(read(&path).unwrap(), [reject()]);
    }

    #[test]
    fn newer_file_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_lines(&path, &["{\"format\":3,\"more\":1}", "{\"unknown\":1}"]);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("newer pbi-analyze") && error.contains("update"), "{error}");
    }

    #[test]
    fn names_contain_the_writer_and_other_names_do_not() {
        assert_eq!(writer_from_name(&temp_reject_file_name(WRITER)), Some(WRITER));
        let name = reject_file_name(WRITER, 0xab);
        assert_eq!((writer_from_name(&name), digest_from_name(&name)), (Some(WRITER), Some(0xab)));
        for foreign in ["notes.ndjson.zst", "a-b.ndjson.zst", ".tmp"] {
            assert_eq!(writer_from_name(foreign), None, "{foreign}");
        }
    }
}
