//! Shortens the addresses of the organization in a text table that is too wide: the domain that
//! most addresses have is left out, and named once below the table.

use std::collections::BTreeMap;

use crate::grid::{CellKind, Grid};

/// Removes the domain that most addresses of a table have, up to the `@`. Returns the domain, or
/// `None` if no two addresses share one.
pub fn shorten(grid: &Grid, texts: &mut [Vec<String>]) -> Option<String> {
    let is_text = |at: usize| grid.columns.get(at).is_some_and(|c| c.kind == CellKind::Text);
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for row in texts.iter() {
        for (_, text) in row.iter().enumerate().filter(|(at, _)| is_text(*at)) {
            if let Some(domain) = domain(text) {
                *numbers.entry(domain).or_default() += 1;
            }
        }
    }
    // Of domains with the same number, the first in the alphabet, so that the output is always the
    // same.
    let (own, number) =
        numbers.into_iter().max_by(|(a, n), (b, m)| n.cmp(m).then_with(|| b.cmp(a)))?;
    if number < 2 {
        return None;
    }
    let own = own.to_owned();
    for row in texts.iter_mut() {
        for (_, text) in row.iter_mut().enumerate().filter(|(at, _)| is_text(*at)) {
            if domain(text) == Some(&own) {
                text.truncate(text.len() - own.len());
            }
        }
    }
    Some(own)
}

/// Returns the domain of a text that is a single address.
fn domain(text: &str) -> Option<&str> {
    let (local, domain) = text.split_once('@')?;
    let is_address = !local.is_empty()
        && domain.contains('.')
        && !text.contains([' ', ',', ';', '/', ':'])
        && !domain.contains('@');
    is_address.then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(rows: &[[&str; 2]]) -> (Option<String>, Vec<Vec<String>>) {
        let grid = Grid::new([("user", CellKind::Text), ("views", CellKind::Int)]);
        let mut texts: Vec<Vec<String>> =
            rows.iter().map(|row| row.map(str::to_owned).into()).collect();
        let own = shorten(&grid, &mut texts);
        (own, texts)
    }

    #[test]
    fn the_domain_of_most_addresses_is_left_out() {
        let (own, texts) = shortened(&[
            ["ann@contoso.com", "1"],
            ["guest@fabrikam.com", "2"],
            ["bob@contoso.com", "x@contoso.com"],
            ["ann@contoso.com, bob@contoso.com", "3"],
        ]);
        assert_eq!(own.as_deref(), Some("contoso.com"));
        let users: Vec<&str> = texts.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(
            users,
            ["ann@", "guest@fabrikam.com", "bob@", "ann@contoso.com, bob@contoso.com"]
        );
        assert_eq!(texts[2][1], "x@contoso.com", "not a column of texts");
    }

    #[test]
    fn single_addresses_and_other_texts_stay() {
        let rows =
            [["ann@contoso.com", ""], ["@contoso.com", ""], ["a@b", ""], ["é@fabrikam.com", ""]];
        let (own, texts) = shortened(&rows);
        assert_eq!(own, None);
        assert_eq!(texts[0][0], "ann@contoso.com");
    }
}
