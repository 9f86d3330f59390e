//! Messages on stderr: lines for people, or objects for whoever collects logs.
//!
//! Owns: how a message looks. Which of the two it is to be is a property of the process, as stderr
//! itself is: it is said once, before anything else.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{SecondsFormat, Utc};
use serde_json::json;

use super::out::strip_control;

static IS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on, each message is a JSON object in a line of its own.
pub(super) fn enable_json() {
    IS_JSON.store(true, Ordering::Relaxed);
}

/// Whether messages are JSON objects.
pub(super) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogLevel {
    /// What is being done.
    Info,
    /// Something was rejected or is incomplete; the rest goes on.
    Warning,
    /// The command failed, or a part of it did.
    Error,
}

/// Says what is being done.
pub(super) fn info(line: &str) {
    write(LogLevel::Info, line);
}

/// Tells of something that was rejected or is incomplete.
pub(super) fn warning(line: &str) {
    write(LogLevel::Warning, line);
}

/// Tells what failed.
pub(super) fn error(line: &str) {
    write(LogLevel::Error, line);
}

/// The last message: how the process ends. For people, the shell has the exit code.
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

/// Writes a line, if anybody listens: a log that nobody reads stops nothing.
fn write_line(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let line = "a\u{1b}[2Jb \"c\"\nd";
        assert_eq!(format_text(LogLevel::Warning, line), "pbi-analyze: a\u{FFFD}[2Jb \"c\"\nd");
        assert_eq!(format_text(LogLevel::Info, "reading"), "reading");
        let object = format_json("2026-03-01T00:00:00.000Z", LogLevel::Warning, line);
        assert!(!object.contains(['\n', '\u{1b}']), "{object}");
        let read: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!((&read["level"], &read["message"]), (&"warning".into(), &line.into()));
    }
}
