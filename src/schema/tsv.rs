//! Parses the embedded tables (`*.tsv`): a header line, then one row per line with tabs between cells.

/// A row of an embedded table that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TsvError {
    /// Line of the row in its file, from 1.
    pub line: usize,
    /// Description of the problem.
    pub problem: String,
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
    format!("{} cells instead of {expected}: {cells:?}", cells.len())
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
        let problem = "1 cells instead of 2: [\"two\"]".to_owned();
        let expected = [Ok(("one", "1")), Err(TsvError { line: 5, problem }), Ok(("three", "3"))];
        assert_eq!(rows, expected);
    }
}
