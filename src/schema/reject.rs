//! Rejected records, as they are stored and listed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The maximum number of bytes that are stored of a record. Of a longer record, the beginning and
/// the length are stored.
pub const MAX_RAW_BYTES: usize = 1 << 20;

/// A rejected record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The name of its source, as the run summary shows it.
    pub source: String,
    /// The location of the source, independent of the current folder of a command.
    pub place: String,
    /// The byte position in the source.
    pub position: u64,
    /// The reason: expectation, finding and advice.
    pub reason: String,
    /// The length of the record in bytes, as far as its end was searched.
    pub length: u64,
    /// Its text, or the first [`MAX_RAW_BYTES`] of it.
    #[serde(flatten)]
    pub raw: Raw,
}

/// The content of a record in its source.
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
    /// Returns the part of `bytes` that is stored. Characters are never split.
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

    /// Returns the bytes.
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
    let decoded = STANDARD.decode(&text);
    decoded.map_err(|error| serde::de::Error::custom(format!("invalid raw_base64: {error}")))
}

/// Returns bytes as base64 (RFC 4648, section 4).
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_standard_base64_with_padding() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(encode_base64(bytes.as_bytes()), text);
        }
        assert!(serde_json::from_str::<Raw>(r#"{"raw_base64":"Z?=="}"#).is_err());
    }

    #[test]
    fn any_reject_is_read_from_its_json() {
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
    fn long_record_is_truncated_at_a_whole_character() {
        let long = format!("x{}", "é".repeat(MAX_RAW_BYTES));
        let Raw::Text(text) = Raw::from_bytes(long.as_bytes()) else { panic!("expected text") };
        assert_eq!(text.len(), MAX_RAW_BYTES - 1);
        assert!(long.starts_with(&text));
        assert_eq!(Raw::from_bytes(&vec![0xff; 2 * MAX_RAW_BYTES]).bytes().len(), MAX_RAW_BYTES);
    }
}
