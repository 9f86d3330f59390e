//! The shape in which a record that could not be taken is kept and listed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of a longer record the first so many bytes are kept, and its length.
pub const MAX_RAW_BYTES: usize = 1 << 20;

/// A record that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The name of its source, as the accounts have it.
    pub source: String,
    /// Where the source is, in a form that does not depend on the folder a command runs in.
    pub place: String,
    /// Byte position in the source.
    pub position: u64,
    /// What was expected, what was found, what to do.
    pub reason: String,
    /// How many bytes of text the record has, as far as its end was looked for.
    pub length: u64,
    /// Its text, or the first [`RAW_MAX`] bytes of it.
    #[serde(flatten)]
    pub raw: Raw,
}

/// What stood in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Raw {
    /// Text.
    #[serde(rename = "raw")]
    Text(String),
    /// Bytes that are not valid UTF-8.
    #[serde(rename = "raw_base64", serialize_with = "encoded", deserialize_with = "decoded")]
    Bytes(Vec<u8>),
}

impl Raw {
    /// As much of these bytes as is kept. A letter is not cut in two.
    pub fn from_bytes(bytes: &[u8]) -> Raw {
        let kept = &bytes[..bytes.len().min(MAX_RAW_BYTES)];
        match std::str::from_utf8(kept) {
            Ok(text) => Raw::Text(text.to_owned()),
            Err(error) if error.error_len().is_none() && kept.len() < bytes.len() => {
                Raw::from_bytes(&kept[..error.valid_up_to()])
            }
            Err(_) => Raw::Bytes(kept.to_vec()),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Raw::Text(text) => text.as_bytes(),
            Raw::Bytes(bytes) => bytes,
        }
    }
}

fn encoded<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode_base64(bytes))
}

fn decoded<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    decode_base64(&text).ok_or_else(|| serde::de::Error::custom("raw_base64 is no base64"))
}

const BASE64_DIGITS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as base64 (RFC 4648, section 4).
pub fn encode_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let is_there = digit <= three.len();
            let six = (bits >> (18 - 6 * digit) & 63) as usize;
            text.push(if is_there { char::from(BASE64_DIGITS[six]) } else { '=' });
        }
    }
    text
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for four in digits.chunks(4) {
        let mut bits = 0_u32;
        for at in 0..4 {
            let digit = four.get(at).copied().unwrap_or(BASE64_DIGITS[0]);
            bits = bits << 6 | BASE64_DIGITS.iter().position(|&known| known == digit)? as u32;
        }
        // Four digits are three bytes, three are two, two are one; one is none.
        bytes.extend(bits.to_be_bytes().iter().skip(1).take((four.len() * 3) / 4));
    }
    (digits.len() % 4 != 1).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_base64_and_look_as_everywhere() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(encode_base64(bytes.as_bytes()), text);
        }
        for length in 0..70 {
            let bytes: Vec<u8> = (0..length).map(|number: u8| number.wrapping_mul(151)).collect();
            assert_eq!(decode_base64(&encode_base64(&bytes)), Some(bytes));
        }
        assert_eq!((decode_base64("Z"), decode_base64("Z?==")), (None, None));
    }

    #[test]
    fn a_reject_comes_back_from_its_line_whatever_its_bytes() {
        for raw in [&b"{\"a\":1"[..], b"\xff\x00\"", "é\u{1}\n".as_bytes(), b""] {
            let reject = Reject {
                source: "a".into(),
                place: "/a".into(),
                position: 7,
                reason: "\"why\"".into(),
                length: raw.len() as u64,
                raw: Raw::from_bytes(raw),
            };
            let line = serde_json::to_string(&reject).unwrap();
            assert_eq!(serde_json::from_str::<Reject>(&line).unwrap(), reject, "{line}");
            assert_eq!(line.contains("raw_base64"), raw[..].starts_with(b"\xff"), "{line}");
        }
    }

    #[test]
    fn of_a_long_record_the_beginning_is_kept_and_no_letter_is_cut() {
        let long = format!("x{}", "é".repeat(MAX_RAW_BYTES));
        let Raw::Text(text) = Raw::from_bytes(long.as_bytes()) else { panic!("it is text") };
        assert_eq!(text.len(), MAX_RAW_BYTES - 1);
        assert!(long.starts_with(&text));
        assert_eq!(Raw::from_bytes(&vec![0xff; 2 * MAX_RAW_BYTES]).bytes().len(), MAX_RAW_BYTES);
    }
}
