//! Names of pages, visuals and filters. They are the same in each run, and unique.

use std::fmt::Write;

/// Number of hexadecimal digits of the name of a page or a visual.
const OBJECT_DIGITS: usize = 20;

/// Number of hexadecimal digits in the name of a filter.
const FILTER_DIGITS: usize = 24;

/// Returns the name of a page or a visual.
pub fn object_name(of: &str) -> String {
    digits(&format!("object {of}"), OBJECT_DIGITS)
}

/// Returns the name of a filter.
pub fn filter_name(of: &str) -> String {
    format!("Filter{}", digits(&format!("filter {of}"), FILTER_DIGITS))
}

/// Returns a GUID for a text. Its version is 8: it is made by a rule of its own.
pub fn guid(of: &str) -> String {
    let digits = digits(&format!("guid {of}"), 32);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn digits(text: &str, count: usize) -> String {
    let hash = blake3::hash(text.as_bytes());
    let mut digits = String::new();
    for byte in hash.as_bytes().iter().take(count / 2) {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_length_and_do_not_change() {
        assert_eq!(object_name("a").len(), OBJECT_DIGITS);
        assert_eq!(filter_name("a").len(), 6 + FILTER_DIGITS);
        assert_ne!(object_name("a"), object_name("b"));
        let guid = guid("a");
        let lengths: Vec<usize> = guid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{guid}");
        assert_eq!(uuid::Uuid::parse_str(&guid).unwrap().get_version_num(), 8);
    }
}
