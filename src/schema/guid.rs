//! Recognizes GUIDs: one rule for ids, user ids and pseudonyms.

/// The value of each byte as a hexadecimal digit; more than 15 for other bytes.
const HEX_DIGITS: [u8; 256] = {
    let mut digits = [u8::MAX; 256];
    let mut digit = 0;
    while digit < 16 {
        let lower = b"0123456789abcdef"[digit];
        digits[lower as usize] = digit as u8;
        digits[lower.to_ascii_uppercase() as usize] = digit as u8;
        digit += 1;
    }
    digits
};

/// Returns true if a text is a GUID: 8-4-4-4-12 hexadecimal digits, in either case.
pub fn is_guid(text: &str) -> bool {
    parse_guid(text.as_bytes()).is_some()
}

/// Returns the 128 bits of a GUID; `None` if the text is not a GUID.
pub fn parse_guid(text: &[u8]) -> Option<u128> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|&at: &usize| text[at] != b'-') {
        return None;
    }
    // One check for all digits together, since this runs for every id.
    let (mut bits, mut all) = (0_u128, 0_u8);
    for group in [0..8, 9..13, 14..18, 19..23, 24..36] {
        let mut part = 0_u64;
        for &byte in &text[group.clone()] {
            let digit = HEX_DIGITS[usize::from(byte)];
            all |= digit;
            part = part << 4 | u64::from(digit & 15);
        }
        bits = bits << (4 * group.len()) | u128::from(part);
    }
    (all < 16).then_some(bits)
}

/// Returns the GUID of 128 bits.
pub fn format_guid(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| digits[group].to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_have_hyphens_at_four_fixed_positions() {
        let id = "94E57E92-cee2-486d-8cc8-218c97200579";
        assert_eq!(parse_guid(id.as_bytes()), Some(0x94e57e92cee2486d8cc8218c97200579));
        assert!(is_guid(id));
        for text in [
            "",
            "94E57E92cee2486d8cc8218c97200579",
            "94E57E92c-ee2-486d-8cc8-218c97200579",
            "81g22w11-vyy3-281h-1mn3-822A99921541",
            "------------------------------------",
            "{94E57E92-cee2-486d-8cc8-218c9720057}",
        ] {
            assert!(!is_guid(text), "{text}");
        }
    }

    #[test]
    fn bits_of_a_guid_are_formatted_as_it_was() {
        let text = "0f8fad5b-d9cb-469f-a165-70867728950e";
        assert_eq!(format_guid(parse_guid(text.as_bytes()).unwrap()), text);
        assert_eq!(format_guid(1), "00000000-0000-0000-0000-000000000001");
    }
}
