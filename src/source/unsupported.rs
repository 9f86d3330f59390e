//! Recognizes common files that are not logs, so that the message can name them.

/// Describes a file whose first bytes are neither JSON nor CSV, and what to do about it.
pub(super) fn describe_unsupported(start: &[u8]) -> String {
    const MAGIC: [(&[u8], &str); 10] = [
        (b"\x89PNG", "an image (PNG)"),
        (b"\xFF\xD8\xFF", "an image (JPEG)"),
        (b"GIF8", "an image (GIF)"),
        (b"%PDF", "a PDF document"),
        (b"PAR1", "a Parquet file; events are read from JSON or CSV only"),
        (b"BZh", "a bzip2 file; unpack it first"),
        (b"\xFD7zXZ\0", "an xz file; unpack it first"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it first"),
        (b"Rar!", "a RAR archive; unpack it first"),
        (b"\xD0\xCF\x11\xE0", "an old Office document; save the sheet as CSV"),
    ];
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return format!("not a log of Power BI events: {what}");
    }
    let text = String::from_utf8_lossy(&start[..start.len().min(512)]);
    let text = text.trim_start();
    let tag: String = text.chars().take(16).flat_map(char::to_lowercase).collect();
    if tag.starts_with("<!doctype html") || tag.starts_with("<html") {
        return "not a log of Power BI events: a web page, probably an error page or a sign-in \
                form that was saved instead of data; download the day again"
            .to_owned();
    }
    if text.starts_with('<') {
        return "not a log of Power BI events: XML".to_owned();
    }
    let found: String = text.chars().take(40).flat_map(char::escape_default).collect();
    format!(
        "not a log of Power BI events: expected JSON, or CSV with an AuditData column, \
         found \"{found}\""
    )
}
