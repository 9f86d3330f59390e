//! Where the rows of a CSV text end.

/// The state between two looks at a growing text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows {
    /// Up to where the text was looked at.
    scanned: usize,
    quoted: bool,
    /// Behind the last end of a row.
    end: usize,
}

impl Rows {
    /// Looks at what the text has grown by, and tells where its last whole row ends.
    pub(super) fn last_end(&mut self, text: &[u8]) -> usize {
        // A carriage return alone ends a row too; of both together, the second ends an empty one.
        for at in memchr::memchr3_iter(b'"', b'\n', b'\r', &text[self.scanned..]) {
            let at = self.scanned + at;
            if text[at] == b'"' {
                // A doubled quote inside a cell closes and opens it again, which is no harm.
                self.quoted = !self.quoted;
            } else if !self.quoted {
                self.end = at + 1;
            }
        }
        self.scanned = text.len();
        self.end
    }

    /// The first `len` bytes of the text are gone.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.scanned -= len;
        self.end = self.end.saturating_sub(len);
    }

    /// Whether the text breaks off inside a quoted cell.
    pub(super) fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The text is cut behind its last whole row.
    pub(super) fn cut(&mut self) {
        self.scanned = self.end;
        self.quoted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_outside_of_quotes_however_the_text_grows() {
        let text = b"a,b\n1,\"x\ny\"\"\n\"\n2,z\n3,\"open\n";
        for step in 1..text.len() {
            let mut rows = Rows::default();
            let mut end = 0;
            for len in (0..=text.len()).step_by(step).chain([text.len()]) {
                end = rows.last_end(&text[..len]);
            }
            assert_eq!(end, 19, "step {step}");
            assert!(rows.is_quoted());
        }
    }
}
