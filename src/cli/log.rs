//! Messages on stderr: lines for people, or objects for whoever collects logs.
//!
//! Owns: how a message looks. Which of the two it is to be is a property of the process, as stderr
//! itself is: it is said once, before anything else.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{SecondsFormat, Utc};
use serde_json::json;

use super::out::plain;

static AS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on, each message is a JSON object in a line of its own.
pub(super) fn as_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Whether messages are JSON objects.
pub(super) fn is_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// What is being done.
    Info,
    /// Something was rejected or is incomplete; the rest goes on.
    Warning,
    /// The command failed, or a part of it did.
    Error,
}

/// Says what is being done.
pub(super) fn info(line: &str) {
    write(Level::Info, line);
}

/// Tells of something that was rejected or is incomplete.
pub(super) fn warning(line: &str) {
    write(Level::Warning, line);
}

/// Tells what failed.
pub(super) fn error(line: &str) {
    write(Level::Error, line);
}

/// The last message: how the process ends. For people, the shell has the exit code.
pub(super) fn ended(exit_code: u8) {
    if is_json() {
        let time = now();
        let line =
            json!({"time": time, "level": "info", "message": "ended", "exit_code": exit_code});
        put(&line.to_string());
    }
}

fn write(level: Level, line: &str) {
    put(&if is_json() { object(&now(), level, line) } else { text(level, line) });
}

fn text(level: Level, line: &str) -> String {
    match level {
        Level::Info => plain(line),
        Level::Warning | Level::Error => plain(&format!("pbi-analyze: {line}")),
    }
}

fn object(time: &str, level: Level, line: &str) -> String {
    let level = match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    json!({"time": time, "level": level, "message": line}).to_string()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Writes a line, if anybody listens: a log that nobody reads stops nothing.
fn put(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let line = "a\u{1b}[2Jb \"c\"\nd";
        assert_eq!(text(Level::Warning, line), "pbi-analyze: a\u{FFFD}[2Jb \"c\"\nd");
        assert_eq!(text(Level::Info, "reading"), "reading");
        let object = object("2026-03-01T00:00:00.000Z", Level::Warning, line);
        assert!(!object.contains(['\n', '\u{1b}']), "{object}");
        let read: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!((&read["level"], &read["message"]), (&"warning".into(), &line.into()));
    }
}
