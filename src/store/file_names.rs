//! Names of data files: each contains its writer, its number and the digest of its content.

/// Returns the name of the data file `number` of a writer, with the digest of its content.
///
/// The digest in the name shows whether a file still has the content that was written.
pub(in crate::store) fn data_file_name(writer: &str, number: usize, digest: u128) -> String {
    format!("part-{writer}-{number:05}-{digest:032x}.parquet")
}

/// Returns the name of the same file while it is unfinished. No glob of the table matches it.
pub(in crate::store) fn temp_file_name(writer: &str, number: usize) -> String {
    format!(".part-{writer}-{number:05}.parquet.tmp")
}

/// Returns the digest in a data file's name, or `None` if this program did not write the file.
pub(in crate::store) fn digest_from_name(name: &str) -> Option<u128> {
    writer_from_name(name)?;
    let digest = name.strip_suffix(".parquet")?.rsplit_once('-')?.1;
    (digest.len() == 32).then(|| u128::from_str_radix(digest, 16).ok()).flatten()
}

/// Returns the writer of a data file, finished or not, or `None` if another program wrote it.
pub(in crate::store) fn writer_from_name(name: &str) -> Option<&str> {
    let rest = name.strip_prefix('.').unwrap_or(name).strip_prefix("part-")?;
    let (writer, number) = rest.split_once('-')?;
    let number = number.strip_suffix(".tmp").unwrap_or(number).strip_suffix(".parquet")?;
    let is_ours = writer.len() == 32
        && writer.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_ours.then_some(writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_writer_and_digest_and_other_names_have_neither() {
        let writer = "0123456789abcdef0123456789abcdef";
        let name = data_file_name(writer, 7, 0xab);
        assert_eq!((writer_from_name(&name), digest_from_name(&name)), (Some(writer), Some(0xab)));
        let name = temp_file_name(writer, 7);
        assert_eq!((writer_from_name(&name), digest_from_name(&name)), (Some(writer), None));
        for foreign in [
            "part-00000-3f0c1b1e-5c2a-4b52-9e0e-0d2b8f8b1c11.c000.snappy.parquet",
            "part-0123456789abcdef0123456789abcdef-x.parquet",
            "notes.txt",
            "_SUCCESS",
        ] {
            assert_eq!(writer_from_name(foreign), None, "{foreign}");
        }
    }
}
