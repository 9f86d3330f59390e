//! Describes the texts in a file: most files are one text, a zip archive can contain many.

use super::format::SourceFormat;
use super::problem::DecodeProblem;

/// A text of a file, by what is to be said of it: most files are one, a zip may hold many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMember {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// Whether it was packed, so that positions are those of what was unpacked.
    pub(super) is_packed: bool,
    /// Whether it stood in JSON strings, so that positions are those of what they hold.
    pub(super) is_embedded: bool,
}

impl SourceMember {
    /// A reason, with the name of the text and what positions in it are.
    pub fn qualify_reason(&self, reason: String) -> String {
        let unit = match (self.is_packed, self.is_embedded) {
            (false, false) => None,
            (true, false) => Some("unpacked"),
            (_, true) => Some("in the text of its JSON string"),
        };
        match (&self.name, unit) {
            (Some(name), Some(unit)) => format!("{name} ({unit}): {reason}"),
            (Some(name), None) => format!("{name}: {reason}"),
            (None, Some(unit)) => format!("({unit}) {reason}"),
            (None, None) => reason,
        }
    }

    pub(super) fn qualify_problem(&self, flaw: DecodeProblem) -> DecodeProblem {
        DecodeProblem { reason: self.qualify_reason(flaw.reason), ..flaw }
    }
}

/// A text that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberResult {
    /// Its name inside of the file; nothing where the file has but one.
    pub name: Option<String>,
    /// What it was, or why it is no log.
    pub format: Result<SourceFormat, String>,
}
