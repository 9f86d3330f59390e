//! Wildcards in names.

/// Returns true if a text matches a pattern; `*` matches any characters or none. Case counts.
pub fn is_wildcard_match(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        // The first match leaves most text for the parts after it, so later matches need no check.
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_matches_any_characters() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*@contoso.com", "ann@contoso.com", true),
            ("*@contoso.com", "ann@contoso.com.example", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("ü*", "üß", true),
        ] {
            assert_eq!(is_wildcard_match(pattern, text), expected, "{pattern} {text}");
        }
    }
}
