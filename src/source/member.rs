//! Describes the texts in a file: most files are one text, a zip archive can contain many.

use super::format::SourceFormat;
use super::problem::DecodeProblem;

/// A text of a file, for messages: most files are one text, a zip file can contain many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceMember {
    /// The name inside the file; `None` if the file is only one text.
    pub name: Option<String>,
    /// True if the text was compressed, so that positions are those after decompression.
    pub(super) is_packed: bool,
    /// True if the text is the content of JSON strings, so that positions are those in this
    /// content.
    pub(super) is_embedded: bool,
}

impl SourceMember {
    /// Adds to a reason the name of the text and what its positions refer to.
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

    pub(super) fn qualify_problem(&self, problem: DecodeProblem) -> DecodeProblem {
        DecodeProblem { reason: self.qualify_reason(problem.reason), ..problem }
    }
}

/// The result of a text that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberResult {
    /// The name inside the file; `None` if the file is only one text.
    pub name: Option<String>,
    /// The format of the text, or the reason why it is not a log.
    pub format: Result<SourceFormat, UnsupportedText>,
}

/// A text that is not a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsupportedText {
    /// The reason for the user: what the text seems to be, and what to do.
    pub reason: String,
    /// False if the text was recognized as something that contains no events, for example an image
    /// or the settings of a folder. Nothing is lost by skipping it.
    pub can_contain_events: bool,
}

impl UnsupportedText {
    /// Returns a text that can contain events, so that skipping it is a loss.
    pub fn loss(reason: impl Into<String>) -> Self {
        UnsupportedText { reason: reason.into(), can_contain_events: true }
    }
}
