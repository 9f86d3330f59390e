//! Finds out whether a page of the activity log announces another page.
//!
//! `continuationUri` names the next page (Microsoft Learn, Admin - Get Activity Events). It is null
//! on the last page; `lastResultSet` cannot be trusted, because it is false on last pages too.

use memchr::memmem;

const NAME: &[u8] = b"continuationUri\"";

/// Returns whether the last page of a text announces another page; `None` if no page says so.
/// `records` are the ranges of the records in the text, in order: only the text between them is
/// searched.
pub fn last_continuation(text: &[u8], records: &[(u32, u32)]) -> Option<bool> {
    let starts = records.iter().map(|(start, _)| *start as usize).chain([text.len()]);
    let ends = [0].into_iter().chain(records.iter().map(|(_, end)| *end as usize));
    let between: Vec<(usize, usize)> =
        ends.zip(starts).filter(|(end, start)| start.saturating_sub(*end) > NAME.len()).collect();
    between.into_iter().rev().find_map(|(from, to)| {
        let part = text.get(from..to)?;
        let at = memmem::find_iter(part, NAME).last()?;
        is_set(&part[at + NAME.len()..])
    })
}

/// Returns true if the text after a name is a value other than null and the empty text.
fn is_set(after_name: &[u8]) -> Option<bool> {
    let value = after_name.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let text = value.strip_prefix(b"\"");
    Some(text.is_some_and(|text| !text.starts_with(b"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<bool> {
        let records: Vec<(u32, u32)> = text
            .match_indices("{\"Id\"")
            .map(|(at, _)| (at as u32, (at + text[at..].find('}').unwrap() + 1) as u32))
            .collect();
        last_continuation(text.as_bytes(), &records)
    }

    #[test]
    fn page_with_a_continuation_announces_another_page() {
        let page = |uri: &str| {
            format!(
                r#"{{"activityEventEntities":[{{"Id":1}},{{"Id":2}}],"continuationUri" : {uri}}}"#
            )
        };
        assert_eq!(found(&page("\"https://x\"")), Some(true));
        assert_eq!(found(&page("null")), Some(false));
        assert_eq!(found(&page("\"\"")), Some(false));
        assert_eq!(found(r#"{"activityEventEntities":[{"Id":1}]}"#), None);
        let first = r#"{"continuationUri":"x","activityEventEntities":[{"Id":1}]}"#;
        assert_eq!(found(first), Some(true));
        assert_eq!(found(&format!("[{},{}]", page("\"x\""), page("null"))), Some(false));
        let inside = r#"[{"Id":"\"continuationUri\":\"x\""}]"#;
        assert_eq!(found(inside), None, "a record is not searched");
    }
}
