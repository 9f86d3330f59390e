//! Parses the embedded tables (`*.tsv`): a header line, then rows with tabs between cells.

use std::fmt;

/// A row of an embedded table that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TsvError {
    /// Line of the row in its file, from 1.
    pub line: usize,
    /// Description of the problem.
    pub problem: String,
}

impl fmt::Display for TsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Parses the rows of an embedded table; the header, empty lines and `#` comments are skipped.
///
/// A caller at run time may skip the rows that fail, because a test of each table requires all of
/// them to be `Ok`.
pub fn parse_table<T>(
    table: &'static str,
    parse_row: impl Fn(&[&'static str]) -> Result<T, String>,
) -> impl Iterator<Item = Result<T, TsvError>> {
    table
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty())
        .skip(1)
        .map(move |(index, line)| {
            let cells: Vec<&'static str> = line.split('\t').map(str::trim).collect();
            parse_row(&cells).map_err(|problem| TsvError { line: index + 1, problem })
        })
}

/// Returns the problem of a row that does not have `expected` cells.
pub fn wrong_cell_count(cells: &[&str], expected: usize) -> String {
    format!("expected {expected} cells, found {}: {cells:?}", cells.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_row_is_an_error_with_its_line_number() {
        let pair = |cells: &[&'static str]| match *cells {
            [name, number] => Ok((name, number)),
            _ => Err(wrong_cell_count(cells, 2)),
        };
        let table = "name\tnumber\n# comment\none\t1\n\ntwo\nthree \t 3\n";
        let rows: Vec<_> = parse_table(table, pair).collect();
        assert_eq!((&rows[0], &rows[2]), (&Ok(("one", "1")), &Ok(("three", "3"))));
        let error = rows[1].as_ref().unwrap_err();
        assert_eq!(error.to_string(), "line 5: expected 2 cells, found 1: [\"two\"]");
    }
}
