//! Reads a whole number from any JSON value.

use super::parser::Value;

/// Returns a whole number: `20`, `"20"`, or `20.0` and `"20.0"`, as pandas writes a column of
/// numbers in which one is missing.
pub fn whole_number(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Decimal(text) | Value::Text(text) => {
            let text = text.trim();
            let (whole, zeros) = text.split_once('.').unwrap_or((text, "0"));
            let is_whole = !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0');
            whole.parse().ok().filter(|_| is_whole)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Parser;

    #[test]
    fn fraction_of_zeros_is_no_fraction() {
        let read = |text: &str| {
            let parsed = Parser::default().parse(text.as_bytes(), |r| whole_number(r.root()));
            parsed.unwrap()
        };
        for text in ["6", "6.0", "6.000", r#""6""#, r#"" 6.0 ""#] {
            assert_eq!(read(text), Some(6), "{text}");
        }
        assert_eq!(read("-2.0"), Some(-2));
        for text in ["6.5", "6e0", r#""6.""#, r#"".0""#, r#""six""#, "true", "null", "[6]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
