//! Recognizes common files that are not logs, so that the message can name them.

use super::member::UnsupportedText;
use super::table_header::describe_table;

/// The number of first bytes by which a file is recognized.
const START_BYTES: usize = 512;

/// The first bytes of common files, what they are, and true if they can contain events.
const MAGIC: [(&[u8], &str, bool); 14] = [
    (b"\x89PNG", "an image (PNG)", false),
    (b"\xFF\xD8\xFF", "an image (JPEG)", false),
    (b"GIF8", "an image (GIF)", false),
    (b"%PDF", "a PDF document", false),
    (b"L\0\0\0\x01\x14\x02\0", "a Windows shortcut", false),
    (b"%YAML", "YAML", false),
    (b"MZ", "a Windows program", false),
    (b"\x7FELF", "a program", false),
    (b"SQLite format 3\0", "an SQLite database; export its events as JSON or CSV", true),
    (b"BZh", "a bzip2 file; unpack it first", true),
    (b"\xFD7zXZ\0", "an xz file; unpack it first", true),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive; unpack it first", true),
    (b"Rar!", "a RAR archive; unpack it first", true),
    (b"\xD0\xCF\x11\xE0", "an old Office document; save the sheet as CSV", true),
];

/// Words that are values of JSON, or of Python.
const JSON_WORDS: [&str; 7] = ["true", "false", "null", "True", "False", "None", "NaN"];

fn other_file(what: &str, can_contain_events: bool) -> UnsupportedText {
    let reason = format!("not a log of Power BI events: {what}");
    UnsupportedText { reason, can_contain_events }
}

/// Describes a file that is neither JSON nor CSV by its first bytes; `None` if they are not those
/// of a common file.
pub(super) fn recognize(start: &[u8]) -> Option<UnsupportedText> {
    if let Some((_, what, can)) = MAGIC.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Some(other_file(what, *can));
    }
    if start.starts_with(b"PAR1") {
        return Some(other_file("a Parquet file inside a packed file; unpack it first", true));
    }
    let text = String::from_utf8_lossy(&start[..start.len().min(START_BYTES)]);
    let text = text.trim_start();
    let tag: String = text.chars().take(16).flat_map(char::to_lowercase).collect();
    if tag.starts_with("<!doctype html") || tag.starts_with("<html") {
        let what = "a web page, probably an error page or a sign-in form that was saved instead \
                    of data; download the day again";
        return Some(other_file(what, true));
    }
    // Lines of a log start with `<13>`.
    let tag = text.strip_prefix('<').filter(|tag| !tag.starts_with(|c: char| c.is_ascii_digit()));
    if tag.is_some() {
        return Some(match text.contains("schemas.microsoft.com/powershell") {
            true => other_file(
                "a file of Export-Clixml; read it with Import-Clixml and write its events with \
                 ConvertTo-Json -Depth 10",
                true,
            ),
            false => other_file("XML", true),
        });
    }
    None
}

/// Describes a file that is neither JSON nor CSV nor a common file, and what to do about it.
pub(super) fn describe_unknown(start: &[u8]) -> UnsupportedText {
    let text = String::from_utf8_lossy(&start[..start.len().min(START_BYTES)]);
    let text = text.trim_start();
    // `Export-Csv` and Excel write a line above the header.
    let is_header = |line: &&str| !line.starts_with('#') && !line.starts_with("sep=");
    if let Some(what) = text.lines().find(is_header).and_then(describe_table) {
        return other_file(&format!("{what}, which this version does not read"), false);
    }
    if is_settings_file(start) {
        return other_file("a settings file", false);
    }
    // Messages of a console above JSON look like YAML, so this comes last.
    if is_yaml(text) {
        return other_file("YAML", false);
    }
    let found: String = text.chars().take(40).flat_map(char::escape_default).collect();
    other_file(
        &format!(
            "expected JSON, or CSV with an AuditData column, found \"{found}\"; leave the file \
             out with --exclude if it is something else"
        ),
        true,
    )
}

/// Describes a text that starts with a bracket like JSON, and is not JSON: settings files
/// (`desktop.ini`, `Zone.Identifier`) and the text of Python objects. `None` for all others.
pub(super) fn describe_like_json(start: &[u8]) -> Option<UnsupportedText> {
    let start = &start[..start.len().min(START_BYTES)];
    if is_settings_file(start) {
        return Some(other_file("a settings file", false));
    }
    let mut visible = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    let brackets = visible.by_ref().find(|byte| !matches!(byte, b'[' | b'{'));
    let is_python = brackets == Some(&b'\'') && start.windows(2).any(|pair| pair == b"':");
    is_python.then(|| {
        other_file(
            "the text of a Python object, not JSON; write the file again with json.dump",
            true,
        )
    })
}

/// Returns true if the first line of a text below comments is `[name]`, and has a line `key=value`,
/// another name, a comment or nothing after it.
fn is_settings_file(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&start[..start.len().min(START_BYTES)]);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut lines = lines.skip_while(|line| line.starts_with(';'));
    let section = lines.next().unwrap_or_default();
    let name = section.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_name = |name: &str| {
        !JSON_WORDS.contains(&name)
            && name.starts_with(|first: char| {
                first.is_alphabetic() || matches!(first, '.' | '{' | '_')
            })
            && !name.contains(['"', '[', ':'])
    };
    let is_entry = |line: &str| {
        let key = line.split('=').next().unwrap_or_default();
        line.starts_with([';', '#', '['])
            || line.contains('=') && !key.is_empty() && !key.contains(['"', '{', ','])
    };
    name.is_some_and(is_name) && lines.next().is_none_or(is_entry)
}

/// Returns true if a text starts like YAML: a document mark, or two lines `name: value`.
fn is_yaml(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let is_pair = |line: &str| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let is_name_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        // `WARNING: …` is a message.
        let is_name =
            name.chars().all(is_name_char) && name.contains(|c: char| c.is_ascii_lowercase());
        is_name && (value.is_empty() || value.starts_with(' ')) && !value.contains('{')
    };
    let is_item = |line: &str| line.starts_with([' ', '-']) && !line.contains('{');
    let Some(first) = lines.next() else { return false };
    first.trim_end() == "---"
        || is_pair(first) && lines.next().is_some_and(|line| is_pair(line) || is_item(line))
}

#[cfg(test)]
mod tests {
    use crate::source::unsupported::*;

    #[test]
    fn files_that_start_like_json_are_named() {
        for text in [
            "[.ShellClassInfo]\r\nLocalizedResourceName=@x.dll,-1\r\n",
            "[ZoneTransfer]\r\nZoneId=3\r\n",
            "[.ShellClassInfo]\r\n",
            "[{000214A0-0000-0000-C000-000000000046}]\nProp3=19,2\n[InternetShortcut]\nURL=x\n",
        ] {
            let found = describe_like_json(text.as_bytes()).unwrap();
            assert!(found.reason.contains("settings file") && !found.can_contain_events);
        }
        for text in ["{'activityEventEntities': [{'Id': 'x'}]}", "[{'Id': 'x', 'a': None}]"] {
            let found = describe_like_json(text.as_bytes()).unwrap();
            assert!(found.reason.contains("Python") && found.can_contain_events);
        }
        let json =
            ["[1]\n[2]", "[null]\n{\"a=b\":1}", "[]\n[]", "{\"a\":\"':\"}", "[true]", "[NaN]", "{"];
        for text in json {
            assert_eq!(describe_like_json(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn other_files_are_named_with_what_they_can_contain() {
        for (text, what, can_contain_events) in [
            ("---\na: 1\n", "YAML", false),
            ("; comment\r\n[a]\r\nb=1\r\n", "a settings file", false),
            ("# x\nAnalysisType: rule\nEnabled: true\n", "YAML", false),
            (
                "<Objs xmlns=\"http://schemas.microsoft.com/powershell/2004/04\">",
                "Import-Clixml",
                true,
            ),
            ("<a/>", "XML", true),
            ("Environment : Public\nTenantId : x\n", "expected JSON", true),
            ("WARNING: a\nWARNING: b\n", "expected JSON", true),
            ("BZh9", "bzip2", true),
            ("%PDF-1.7", "PDF", false),
        ] {
            let found = recognize(text.as_bytes());
            let found = found.unwrap_or_else(|| describe_unknown(text.as_bytes()));
            assert!(found.reason.contains(what), "{found:?}");
            assert_eq!(found.can_contain_events, can_contain_events, "{found:?}");
        }
    }
}
