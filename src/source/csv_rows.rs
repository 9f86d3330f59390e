//! Finds where the rows of a CSV text end, and which lines are not rows.
//!
//! A quoted cell can contain line breaks, so one quote too few or too many could make the rest of
//! the file part of a cell. Therefore, only the end of a cell can follow a closing quote. Where
//! something else follows, this one row is lost, and reading resumes at the next possible row.

use super::table_header::list_table;

/// The largest row that is read. In a larger row, a quote is missing.
const MAX_ROW_BYTES: usize = 64 << 20;

/// The longest row that is checked for being another header.
const MAX_HEADER_BYTES: usize = 4096;

/// A byte order mark in the middle: somebody joined files.
const UTF8_BOM: &[u8] = b"\xEF\xBB\xBF";

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CsvStep {
    /// The end of the text so far.
    NeedMore,
    /// A lost row: start, end and reason. The caller must blank out this range of the text.
    Invalid(usize, usize, &'static str),
    /// Text that is not a row: a repeated header, a `#TYPE` line, a byte order mark in the middle.
    /// The caller must blank out this range of the text.
    NotARow(usize, usize),
    /// The header of another CSV text, from start to end. The rows after it belong to it.
    NewHeader(usize, usize),
}

/// Finds rows in a text that grows at its end and is removed from its front.
#[derive(Debug, Clone, Default)]
pub(super) struct CsvRowScanner {
    header: Vec<u8>,
    delimiter: u8,
    column_count: usize,
    /// The position up to which the text was read.
    scanned: usize,
    in_quotes: bool,
    /// The end of the last complete row.
    rows_end: usize,
    /// The problem of the row that starts there.
    row_problem: Option<&'static str>,
    /// The position up to which no possible next row was found.
    recovery_scanned: usize,
    /// True if the rest of the line belongs to a row that was reported as lost.
    skipping: bool,
}

impl CsvRowScanner {
    pub(super) fn new(header: &[u8]) -> Self {
        let header = header.trim_ascii().to_vec();
        let delimiter = detect_delimiter(&header);
        let (width, _) = count_cells(&header, delimiter).unwrap_or((1, false));
        CsvRowScanner { header, delimiter, column_count: width, ..CsvRowScanner::default() }
    }

    /// Returns the header without its line break.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Returns the end of the last row that was found.
    pub(super) fn rows_end(&self) -> usize {
        self.rows_end
    }

    /// Returns the next step. `last` is true if no more text follows.
    pub(super) fn next(&mut self, text: &[u8], last: bool) -> CsvStep {
        loop {
            if self.skipping {
                let Some(len) = memchr::memchr2(b'\n', b'\r', &text[self.rows_end..]) else {
                    return self.skip_to(text.len());
                };
                self.skipping = false;
                return self.skip_to(self.rows_end + len + 1);
            }
            if let Some(reason) = self.row_problem {
                return self.recover(text, last, reason);
            }
            let start = self.rows_end;
            let rest = &text[start..];
            if self.scanned == start && rest.starts_with(UTF8_BOM) {
                return self.skip_to(start + UTF8_BOM.len());
            }
            if !last && UTF8_BOM.starts_with(rest) {
                return CsvStep::NeedMore;
            }
            if !self.scan_row(text, last) {
                let is_too_long = text.len() - start > MAX_ROW_BYTES;
                if self.row_problem.is_none() && is_too_long {
                    self.row_problem = Some("a row larger than 64 MiB: a quote is missing");
                } else if self.row_problem.is_none() && last && self.in_quotes {
                    self.row_problem = Some("the file ends in the middle of a row");
                }
                if self.row_problem.is_some() {
                    continue;
                }
                if !last || start == text.len() {
                    return CsvStep::NeedMore;
                }
                self.rows_end = text.len();
            }
            match self.classify(&text[start..self.rows_end]) {
                CsvLineKind::Row => {}
                CsvLineKind::NotARow => return CsvStep::NotARow(start, self.rows_end),
                CsvLineKind::Header => {
                    // It is found again after the rows before it are passed on.
                    let end = self.rows_end;
                    self.resume_at(start);
                    return CsvStep::NewHeader(start, end);
                }
            }
        }
    }

    /// Searches for the end of the row. Returns false if the text ends before it or the row has a
    /// problem.
    fn scan_row(&mut self, text: &[u8], last: bool) -> bool {
        let from = self.scanned;
        // The position where a quote closed the cell: another quote after it opens it again.
        let mut closed = None;
        for at in memchr::memchr3_iter(b'"', b'\n', b'\r', &text[from..]) {
            let at = from + at;
            if text[at] != b'"' {
                if !self.in_quotes {
                    self.rows_end = at + 1;
                    self.scanned = at + 1;
                    return true;
                }
            } else if self.in_quotes {
                match text.get(at + 1) {
                    None if !last => {
                        self.scanned = at;
                        return false;
                    }
                    None | Some(b'"' | b'\n' | b'\r') => {}
                    Some(&byte) if byte == self.delimiter => {}
                    Some(_) => {
                        self.row_problem = Some(
                            "a quote inside a cell is not doubled: expected a delimiter or a line \
                             break after it",
                        );
                        self.scanned = at;
                        return false;
                    }
                }
                self.in_quotes = false;
                closed = Some(at);
            } else if closed.is_some_and(|closed| closed + 1 == at) || self.is_cell_start(text, at)
            {
                self.in_quotes = true;
            }
        }
        self.scanned = text.len();
        false
    }

    /// Returns true if a cell starts at a position. A quote elsewhere is an ordinary character.
    fn is_cell_start(&self, text: &[u8], at: usize) -> bool {
        at == self.rows_end || text[at - 1] == self.delimiter
    }

    /// Reports a lost row and resumes at the next line that could be a row.
    fn recover(&mut self, text: &[u8], last: bool, reason: &'static str) -> CsvStep {
        let start = self.rows_end;
        let mut from = self.recovery_scanned.max(start);
        while let Some(len) = memchr::memchr(b'\n', &text[from..]) {
            let line = from + len + 1;
            let rest = &text[line..];
            let len = memchr::memchr2(b'\n', b'\r', rest);
            if len.is_none() && !last {
                break;
            }
            let found = count_cells(&rest[..len.unwrap_or(rest.len())], self.delimiter);
            let is_row = |(cells, is_open)| {
                cells == self.column_count || is_open && cells < self.column_count
            };
            if found.is_some_and(is_row) {
                self.resume_at(line);
                return CsvStep::Invalid(start, line, reason);
            }
            from = line;
        }
        self.recovery_scanned = from;
        if !last && text.len() - start <= MAX_ROW_BYTES {
            return CsvStep::NeedMore;
        }
        self.resume_at(text.len());
        self.skipping = !last;
        CsvStep::Invalid(start, text.len(), reason)
    }

    fn resume_at(&mut self, at: usize) {
        *self = CsvRowScanner {
            header: std::mem::take(&mut self.header),
            delimiter: self.delimiter,
            column_count: self.column_count,
            scanned: at,
            rows_end: at,
            ..CsvRowScanner::default()
        };
    }

    /// Skips text that is not part of a row.
    fn skip_to(&mut self, end: usize) -> CsvStep {
        let start = self.rows_end;
        self.rows_end = end;
        self.scanned = end;
        if start == end { CsvStep::NeedMore } else { CsvStep::NotARow(start, end) }
    }

    fn classify(&self, row: &[u8]) -> CsvLineKind {
        let Some(first) = row.first() else { return CsvLineKind::Row };
        if !matches!(first, b'a'..=b'z' | b'A'..=b'Z' | b'"' | b'#' | b'_' | 0 | 0x1A) {
            return CsvLineKind::Row;
        }
        // DOS programs end a text with Ctrl-Z.
        let is_filler = |byte: &u8| matches!(byte, 0 | 0x1A);
        let text = row.trim_ascii();
        if text == self.header
            || text.starts_with(b"#TYPE ")
            || is_delimiter_line(text)
            || text.iter().all(is_filler)
        {
            return CsvLineKind::NotARow;
        }
        let is_short = row.len() <= MAX_HEADER_BYTES;
        if is_short && memchr::memchr(b'{', row).is_none() && has_column_name(text) {
            return CsvLineKind::Header;
        }
        CsvLineKind::Row
    }

    /// Adjusts positions after the first `len` bytes of the text were removed.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.scanned = self.scanned.saturating_sub(len);
        self.rows_end = self.rows_end.saturating_sub(len);
        self.recovery_scanned = self.recovery_scanned.saturating_sub(len);
    }
}

enum CsvLineKind {
    Row,
    NotARow,
    Header,
}

/// Replaces text with an empty line of the same length, so that positions stay the same.
pub(super) fn blank_out(text: &mut [u8]) {
    text.fill(b' ');
    if let Some(last) = text.last_mut() {
        *last = b'\n';
    }
}

/// Returns true if a line is `sep=;`, as Excel writes it before the header.
pub(super) fn is_delimiter_line(line: &[u8]) -> bool {
    matches!(line.trim_ascii_end(), [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', _] | b"sep=")
}

/// Returns the delimiter of a CSV header.
pub(super) fn detect_delimiter(header: &[u8]) -> u8 {
    let count = |byte| header.iter().filter(|&&b| b == byte).count();
    [b',', b';', b'\t', b'|'].into_iter().max_by_key(|&byte| count(byte)).unwrap_or(b',')
}

/// Returns true if a cell of a row is the name of a column with events or their times, so that the
/// row is a header.
fn has_column_name(row: &[u8]) -> bool {
    const NAMES: [&[u8]; 6] =
        [b"AuditData", b"CreationTime", b"Creation Time", b"RawEventData", b"_raw", b"o365audit"];
    row.split(|byte| matches!(byte, b',' | b';' | b'\t' | b'|')).any(|cell| {
        let name = cell.trim_ascii();
        let name =
            name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name);
        NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Returns true if a line can be the header of a CSV text with events, or of a list.
pub(super) fn is_csv_header(line: &[u8]) -> bool {
    const WORDS: [&str; 5] =
        ["auditdata", "creationtime", "creationdate", "activity", "event.original"];
    let text = String::from_utf8_lossy(line).to_lowercase();
    // A line of a log can contain these names in JSON.
    text.contains([',', ';', '\t', '|'])
        && !text.contains('{')
        && (has_column_name(line)
            || WORDS.iter().any(|word| text.contains(word))
            || list_table(&text).is_some())
}

/// Counts the cells of a line, and returns true with the count if the line ends inside a cell.
/// `None` if the quotes of the line are wrong.
fn count_cells(line: &[u8], delimiter: u8) -> Option<(usize, bool)> {
    let (mut cells, mut at) = (1, 0);
    loop {
        if line.get(at) == Some(&b'"') {
            at += 1;
            loop {
                let Some(len) = memchr::memchr(b'"', &line[at..]) else {
                    return Some((cells, true));
                };
                at += len + 1;
                match line.get(at) {
                    Some(b'"') => at += 1,
                    Some(&byte) if byte != delimiter => return None,
                    _ => break,
                }
            }
        } else {
            at += memchr::memchr(delimiter, &line[at..]).unwrap_or(line.len() - at);
        }
        if at >= line.len() {
            return Some((cells, false));
        }
        cells += 1;
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::source::csv_rows::*;

    /// Returns the rows that are left after blanking out, and the steps.
    fn rows(text: &str, step: usize) -> (Vec<String>, Vec<CsvStep>) {
        let (header, text) = text.split_once('\n').unwrap();
        let mut rows = CsvRowScanner::new(header.as_bytes());
        let (mut all, mut steps) = (text.as_bytes().to_vec(), Vec::new());
        let lens: Vec<usize> = (0..all.len()).step_by(step).chain([all.len()]).collect();
        for len in lens {
            loop {
                let found = rows.next(&all[..len], len == all.len());
                match &found {
                    CsvStep::NeedMore => break,
                    CsvStep::Invalid(start, end, _) | CsvStep::NotARow(start, end) => {
                        blank_out(&mut all[*start..*end]);
                    }
                    CsvStep::NewHeader(start, end) => {
                        let header = all[*start..*end].to_vec();
                        blank_out(&mut all[*start..*end]);
                        let at = *end;
                        rows = CsvRowScanner::new(&header);
                        rows.resume_at(at);
                    }
                }
                steps.push(found);
            }
        }
        assert_eq!(rows.rows_end(), all.len());
        let left = String::from_utf8(all).unwrap();
        (left.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect(), steps)
    }

    #[track_caller]
    fn check(text: &str, left: &[&str], lost: &[&str]) {
        for step in [1, 2, 3, 7, 20, 1000] {
            let (found, steps) = rows(text, step);
            assert_eq!(found, left, "in steps of {step}: {steps:?}");
            let found: Vec<&str> = steps
                .iter()
                .filter_map(|found| match found {
                    CsvStep::Invalid(start, ..) => {
                        text[text.find('\n').unwrap() + 1 + start..].lines().next()
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(found, lost, "in steps of {step}");
        }
    }

    #[test]
    fn cells_can_contain_line_breaks_and_doubled_quotes() {
        check(
            "a,b\n1,\"x\ny\"\"\n\"\n2,z\r\n\"\",\"\"\"q\"\"\"\n3,in\"side\n4,end",
            &["1,\"x", "y\"\"", "\"", "2,z", "\"\",\"\"\"q\"\"\"", "3,in\"side", "4,end"],
            &[],
        );
    }

    #[test]
    fn one_missing_or_extra_quote_loses_one_row() {
        check("a,b\n1,\"x\n2,\"y\"\n3,\"z\"\n", &["2,\"y\"", "3,\"z\""], &["1,\"x"]);
        check("a,b\n1,\"x\"y\"\n2,\"y\"\n", &["2,\"y\""], &["1,\"x\"y\""]);
        check("a,b\n1,x\n2,\"y\nz\n3,u\n", &["1,x", "3,u"], &["2,\"y"]);
        check("a,b\n1,x\n2,\"y", &["1,x"], &["2,\"y"]);
        check(
            "a,b\n1,\"{\"\"k\"\":1}\n2,\"{\"\"k\"\":2}\"",
            &["2,\"{\"\"k\"\":2}\""],
            &["1,\"{\"\"k\"\":1}"],
        );
    }

    #[test]
    fn repeated_header_is_no_row_and_another_header_replaces_the_first() {
        check("AuditData,b\n1,2\nAuditData,b\r\n#TYPE X\n3,4\n", &["1,2", "3,4"], &[]);
        check("AuditData,b\n1,2\n\u{feff}\"3\",\"4\n\"\n", &["1,2", "\"3\",\"4", "\""], &[]);
        check("AuditData,b\n1,2\n\0\0\n3,4\n\0\0", &["1,2", "3,4"], &[]);
        check("AuditData,b\n1,2\nsep=,\n3,4\r\n\x1a", &["1,2", "3,4"], &[]);
        let (_, steps) = rows("AuditData,b\n1,2\nb;AuditData;c\n\"4\n\";5;6\n", 3);
        assert_eq!(steps, [CsvStep::NewHeader(4, 18)]);
        // The name of a column inside an event does not make the row a header.
        check(
            "a,b\nx,\"{CreationTime\"\nx,AuditDataX\n",
            &["x,\"{CreationTime\"", "x,AuditDataX"],
            &[],
        );
    }

    #[test]
    fn row_without_end_is_lost_once_and_not_kept_in_memory() {
        let mut rows = CsvRowScanner::new(b"a,b");
        let text = [&b"1,\""[..], &vec![b'x'; MAX_ROW_BYTES + 1]].concat();
        assert!(
            matches!(rows.next(&text, false), CsvStep::Invalid(0, end, _) if end == text.len())
        );
        assert_eq!(rows.next(&text, false), CsvStep::NeedMore);
        rows.drop_front(text.len());
        assert_eq!(rows.next(b"xx\n1,2\n", false), CsvStep::NotARow(0, 3));
        assert_eq!((rows.next(b"xx\n1,2\n", false), rows.rows_end()), (CsvStep::NeedMore, 7));
    }
}
