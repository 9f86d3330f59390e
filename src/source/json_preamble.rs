//! Finds JSON after other text: the output of a console or the headers of HTTP above it, or a
//! prefix of a log collector on each line.

/// The text before the JSON of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JsonPreamble {
    /// Lines above the JSON, which starts at this position.
    Above(usize),
    /// A prefix on each line.
    LinePrefix,
}

/// Finds JSON after other text at the start of a file.
pub(super) fn find_json(text: &[u8]) -> Option<JsonPreamble> {
    let line_starts = memchr::memchr_iter(b'\n', text).map(|at| at + 1);
    let above = line_starts
        .map(|start| start + blank_len(&text[start..]))
        .find(|&start| starts_with_json(&text[start..]));
    if let Some(start) = above {
        return Some(JsonPreamble::Above(start));
    }
    let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
    let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)).take(2);
    let first = lines
        .next()
        .is_some_and(|line| json_in_line(line).is_some() && line.trim_ascii_end().ends_with(b"}"));
    (first && lines.all(|line| json_in_line(line).is_some())).then_some(JsonPreamble::LinePrefix)
}

/// Returns the position of the first object in a line.
pub(super) fn json_in_line(line: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'{', line).find(|&at| starts_with_json(&line[at..]))
}

fn blank_len(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Returns true if a text starts with an object or an array as JSON has it, and not with a bracket
/// in other text.
fn starts_with_json(text: &[u8]) -> bool {
    let mut visible = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    match (visible.next(), visible.next()) {
        (Some(b'{'), Some(b'"')) => true,
        (Some(b'['), Some(b'{')) => visible.next() == Some(&b'"'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::source::json_preamble::*;

    #[test]
    fn json_is_found_below_text_and_after_prefixes() {
        let banner = "Environment : Public\r\nTenantId    : x\r\n\r\n";
        for json in ["[\r\n    {\r\n        \"Id\": 1", "{\"a\":1}", "  [{\"a\":1}]"] {
            let text = format!("{banner}{json}");
            let Some(JsonPreamble::Above(start)) = find_json(text.as_bytes()) else {
                panic!("{json}")
            };
            assert_eq!(text[start..].trim_start(), json.trim_start());
        }
        let http = "HTTP/1.1 200 OK\r\nRequestId: {x}\r\n\r\n{\"value\":[]}";
        let Some(JsonPreamble::Above(start)) = find_json(http.as_bytes()) else { panic!("{http}") };
        assert_eq!(http[start..].trim_start(), "{\"value\":[]}");
        let log = b"<13>Mar 2 host app[12]: {\"Id\":1}\n2026 {x} {\"Id\":2}\n";
        assert_eq!(find_json(log), Some(JsonPreamble::LinePrefix));
        for text in ["", "hello {world}", "a,b\n{x}", "key {\"a\":1} rest", "x {\"a\":1}\nno\n"] {
            assert_eq!(find_json(text.as_bytes()), None, "{text}");
        }
    }
}
