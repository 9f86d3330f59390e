//! Creates an archive in which every name attacks the page that shows it: tags, quotes, ends of
//! style sheets and scripts, marks that reverse the line, and very long names. A script that runs
//! sets `window.broken` or opens a dialog, so that a browser test notices it.
#![allow(dead_code, reason = "each binary that includes this module uses another part of it")]

use std::io;
use std::path::Path;

use serde_json::{Value, json};

/// Number of characters of the longest name.
pub const LETTERS: usize = 10_000;

/// Returns the names of items and people.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "<script>window.broken='script'</script>",
        "</script><script>window.broken='end of script'</script>",
        "</style><script>window.broken='end of style'</script>",
        "<img src=x onerror=\"window.broken='image'\">",
        "\"><svg onload=\"window.broken='svg'\">",
        "' onmouseover='window.broken=1' autofocus onfocus='window.broken=2",
        "\" onfocus=\"window.broken='attribute'\" tabindex=\"0",
        "--><!--<![CDATA[ ]]></title></textarea></table>",
        "&lt;b&gt; &amp;amp; &#60;script&#62; &NoSuchThing; &",
        "javascript:alert(1)",
        "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= 1 %>",
        "\u{202e}txt.tropeR\u{202c} \u{2067}turned",
        "تقرير المبيعات (2026) <b>",
        "דוח מכירות: 12%",
        "Zalgo\u{0301}\u{0302}\u{0303}\u{0304}\u{0305}\u{0306}\u{0307}\u{0308}\u{0309}\u{030a}",
        "\u{1b}[31mred\u{7} and \u{0}nothing\r\n\ttwo lines",
        "\u{fdd0}\u{ffff}\u{10ffff} are no characters",
        "=HYPERLINK(\"https://example.com\",\"click\")",
        "👩‍👩‍👧‍👦🏳️‍🌈 and a soft\u{ad}hyphen\u{200b}",
        "https://example.com/?q=<script src=https://example.com/x.js></script>",
    ]
    .map(str::to_owned)
    .into();
    names.push("W".repeat(LETTERS));
    names.push("long words ".repeat(LETTERS / 11));
    names
}

/// Returns an event with a name in every possible member.
fn event(number: usize, day: usize, operation: &str, name: &str) -> Value {
    let place = number % 97;
    let id = |kind: &str| format!("{kind}-{place:04}-4000-8000-000000000000");
    let mut event = json!({
        "Id": format!("{number:08}-{day:04}-4000-8000-000000000000"),
        "RecordType": 20,
        "CreationTime": format!("2026-03-{day:02}T{:02}:{:02}:00", 7 + number % 11, number % 60),
        "Operation": operation,
        "Activity": operation,
        "UserType": 0,
        "Workload": "PowerBI",
        "UserId": format!("{name}@north.example"),
        "UserAgent": format!("Mozilla/5.0 {name} Edg/120.0"),
        "ReportName": name,
        "ReportId": id("a0000000"),
        "ReportType": name,
        "WorkSpaceName": name,
        "WorkspaceId": id("b0000000"),
        "ConsumptionMethod": name,
        "DistributionMethod": name,
        "ArtifactName": name,
        "ArtifactId": id("c0000000"),
        "ArtifactKind": name,
        "ExportedArtifactInfo": {"ExportType": name},
        "SharingAction": name,
        "SharingInformation": [{
            "RecipientEmail": format!("{name}@elsewhere.example"),
            "RecipientName": name,
            "ResharePermission": name,
        }],
    });
    if let Some(members) = event.as_object_mut() {
        members.insert(name.to_owned(), Value::from(name));
    }
    event
}

/// Returns the lines of the archive: each name on some days in views, exports, shares, reads by
/// programs, and as an unknown activity.
pub fn lines() -> String {
    let mut text = String::new();
    let mut number = 0;
    for (at, name) in names().iter().enumerate() {
        for (operation, times) in [
            ("ViewReport", 30 + at),
            ("ExportReport", 2),
            ("ShareReport", 2),
            ("GetDatasources", 2),
            (name.as_str(), 1),
        ] {
            for time in 0..times {
                number += 1;
                // Long names occur in few events to keep the archive small.
                if name.len() > 1_000 && time > 1 {
                    break;
                }
                let day = 1 + (number * 7 + time) % 28;
                text += &event(number, day, operation, name).to_string();
                text.push('\n');
            }
        }
    }
    text
}

/// Writes the archive, in files with such names if the system allows them.
pub fn write(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("events.ndjson"), lines())?;
    let odd = dir.join("<img src=x onerror=window.broken=1>\"'&.json");
    // This file is truncated, so that its name is reported.
    match std::fs::write(odd, "[{\"Id\": \"") {
        Err(_) if cfg!(windows) => Ok(()),
        written => written,
    }
}
