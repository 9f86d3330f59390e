//! The name of a project, which is the name of its files.

use std::str::FromStr;

use crate::{Error, Result};

/// Maximum number of characters of a name. Windows limits whole paths to 260.
const MAX_CHARS: usize = 60;

/// Names of devices, which Windows does not accept as names of files.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Name of a project. Any system accepts it as the name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProjectName {
    type Err = Error;

    fn from_str(text: &str) -> Result<ProjectName> {
        let is_part = |c: char| c.is_alphanumeric() || " -_".contains(c);
        let problem = if text.is_empty() {
            "it is empty"
        } else if text.chars().count() > MAX_CHARS {
            "it has more than 60 characters"
        } else if !text.chars().all(is_part) {
            "it has other characters than letters, digits, spaces, - and _"
        } else if text.starts_with(' ') || text.ends_with(' ') {
            "it starts or ends with a space"
        } else if is_device(&text.to_lowercase()) {
            "Windows reserves it for a device"
        } else {
            return Ok(ProjectName(text.to_owned()));
        };
        Err(Error::Usage(format!(
            "{text:?} cannot be the name of a project, because {problem}; use a name like \"Usage\""
        )))
    }
}

/// Returns true for the name of a device: `nul`, or a port with its number.
fn is_device(name: &str) -> bool {
    let is_number = |rest: &str| rest.chars().count() == 1 && rest.chars().all(char::is_numeric);
    DEVICES.contains(&name)
        || ["com", "lpt"].iter().any(|port| name.strip_prefix(port).is_some_and(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_file_cannot_have_are_refused() {
        for name in ["Usage", "Power BI usage", "Nutzung-2026_ä", "売上", "Console", "com10x"] {
            assert_eq!(name.parse::<ProjectName>().unwrap().as_str(), name);
        }
        let long = "x".repeat(61);
        for (name, problem) in [
            ("", "empty"),
            (long.as_str(), "60 characters"),
            ("a/b", "other characters"),
            ("..", "other characters"),
            ("a\"b", "other characters"),
            ("a\u{202e}b", "other characters"),
            ("a\nb", "other characters"),
            ("a ", "ends with a space"),
            ("NUL", "device"),
            ("com1", "device"),
            ("LPT²", "device"),
        ] {
            let error = name.parse::<ProjectName>().unwrap_err().to_string();
            assert!(error.contains(problem), "{name:?}: {error}");
        }
    }
}
