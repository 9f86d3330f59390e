//! Reads and checks key files of pseudonyms.

use std::collections::BTreeSet;
use std::path::Path;

use super::log;
use crate::error::{Error, Result};
use crate::maintenance::Pseudonymizer;

/// The fewest bytes of a key that cannot be guessed.
const MIN_BYTES: usize = 16;

/// The fewest different bytes of a key. Random keys of 16 hexadecimal digits have fewer once in
/// 30,000 times.
const MIN_DIFFERENT: usize = 6;

/// Reads a key for pseudonyms: all bytes of a file, without a final line break.
pub(super) fn read_pseudonym_key(file: &Path) -> Result<Pseudonymizer> {
    let key = std::fs::read(file).map_err(Error::io("read", file))?;
    let key = key.trim_ascii_end();
    if let Some(problem) = weakness(key) {
        return Err(Error::Usage(format!(
            "the key in {} {problem}, so names could be guessed; create one with `openssl rand \
             -hex 32`",
            file.display(),
        )));
    }
    if is_open_to_others(file) {
        let file = file.display();
        log::warning(&format!(
            "other users of this machine can read or change the key file {file}; run `chmod 600 \
             {file}`"
        ));
    }
    Ok(Pseudonymizer::new(key))
}

/// Returns what makes a key easy to guess.
fn weakness(key: &[u8]) -> Option<String> {
    let length = key.len();
    if length < MIN_BYTES {
        return Some(format!("has {length} bytes and needs at least {MIN_BYTES}"));
    }
    let period = period(key);
    if period < MIN_BYTES {
        return Some(format!("is a text of length {period}, written again and again"));
    }
    let different = key.iter().collect::<BTreeSet<_>>().len();
    if different < MIN_DIFFERENT {
        return Some(format!(
            "has only {different} different bytes and needs at least {MIN_DIFFERENT}"
        ));
    }
    let own = &key[..period];
    let steps = own.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == 1).count();
    (4 * steps >= 3 * (period - 1)).then(|| "is a sequence".to_owned())
}

/// Returns the length of the shortest text that, written again and again, is the key.
fn period(key: &[u8]) -> usize {
    let repeats = |period: &usize| key.iter().zip(&key[*period..]).all(|(a, b)| a == b);
    (1..key.len()).find(repeats).unwrap_or(key.len())
}

#[cfg(unix)]
fn is_open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    // Pipes of a shell (`<(…)`) have permissions that mean nothing.
    let readable_by_others_or_writable_by_group = 0o026;
    std::fs::metadata(file).is_ok_and(|meta| {
        meta.is_file() && meta.permissions().mode() & readable_by_others_or_writable_by_group != 0
    })
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_can_be_guessed_are_refused() {
        for (key, expected) in [
            ("secret", "has 6 bytes"),
            ("0000000000000000", "is a text of length 1,"),
            ("passwordpassword", "is a text of length 8,"),
            ("aaaaaaaaaaaaaaab", "has only 2 different bytes"),
            ("0123456789abcdef", "is a sequence"),
            ("abcdefghijklmnopqrstuvwxyz", "is a sequence"),
            ("0123456789abcdef0123456789abcdef", "is a sequence"),
        ] {
            let found = weakness(key.as_bytes()).unwrap_or_default();
            assert!(found.contains(expected), "{key}: {found}");
        }
    }

    #[test]
    fn random_keys_are_accepted() {
        for key in [
            &b"8f2b1d90c37a4e65"[..],
            b"f3a1c05e9b7d2846f3a1c05e9b7d2846",
            b"correct horse battery staple",
            &[1, 200, 3, 77, 5, 255, 7, 80, 90, 10, 110, 12, 13, 14, 150, 16],
        ] {
            assert_eq!(weakness(key), None, "{key:?}");
        }
    }
}
