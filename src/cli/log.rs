//! Writes messages to stderr: lines for people, or JSON objects for log collectors.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{SecondsFormat, Utc};
use serde_json::json;

use super::out::strip_control;

static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Makes each later message a JSON object on its own line.
pub(super) fn enable_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Returns true if messages are JSON objects.
pub(super) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// Severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogLevel {
    /// Progress.
    Info,
    /// Some data was rejected or is incomplete; the command continues.
    Warning,
    /// The command or a part of it failed.
    Error,
}

/// Writes a progress message.
pub(super) fn info(line: &str) {
    write(LogLevel::Info, line);
}

/// Writes a warning.
pub(super) fn warning(line: &str) {
    write(LogLevel::Warning, line);
}

/// Writes an error.
pub(super) fn error(line: &str) {
    write(LogLevel::Error, line);
}

/// Writes the exit code as the last message in JSON. For people, the shell has it.
pub(super) fn exit_message(exit_code: u8) {
    if is_json() {
        let time = now();
        let line =
            json!({"time": time, "level": "info", "message": "ended", "exit_code": exit_code});
        write_line(&line.to_string());
    }
}

fn write(level: LogLevel, line: &str) {
    write_line(&if is_json() {
        format_json(&now(), level, line)
    } else {
        format_text(level, line)
    });
}

fn format_text(level: LogLevel, line: &str) -> String {
    match level {
        LogLevel::Info => strip_control(line),
        LogLevel::Warning | LogLevel::Error => strip_control(&format!("pbi-analyze: {line}")),
    }
}

fn format_json(time: &str, level: LogLevel, line: &str) -> String {
    let level = match level {
        LogLevel::Info => "info",
        LogLevel::Warning => "warning",
        LogLevel::Error => "error",
    };
    json!({"time": time, "level": level, "message": line}).to_string()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Writes a line. A closed stderr is no error.
fn write_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_messages_are_one_line() {
        let line = "a\u{1b}[2Jb \"c\"\nd";
        assert_eq!(format_text(LogLevel::Warning, line), "pbi-analyze: a\u{FFFD}[2Jb \"c\"\nd");
        assert_eq!(format_text(LogLevel::Info, "reading"), "reading");
        let object = format_json("2026-03-01T00:00:00.000Z", LogLevel::Warning, line);
        assert!(!object.contains(['\n', '\u{1b}']), "{object}");
        let read: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!((&read["level"], &read["message"]), (&"warning".into(), &line.into()));
    }
}
