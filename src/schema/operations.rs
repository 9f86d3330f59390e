//! The catalog of activities, which Microsoft's audit log calls operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv::{TsvError, parse_table, wrong_cell_count};

/// Level of automated API activity (noise): reads through APIs that do not show use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noise {
    /// Not automated.
    No,
    /// Excluded from every report by default, because reading the log writes these events.
    Standard,
    /// Excluded only if all API reads are excluded.
    AllReads,
}

impl Noise {
    const ALL: [Noise; 3] = [Noise::No, Noise::Standard, Noise::AllReads];

    /// Name of the level in SQL and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Noise::No => "no",
            Noise::Standard => "standard",
            Noise::AllReads => "all-reads",
        }
    }
}

/// One activity of the catalog.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Value of `Operation` and `Activity` in an event.
    pub name: &'static str,
    /// Name in Microsoft's audit search.
    pub friendly_name: &'static str,
    /// Kind of activity: View, Create, Share/Access, …
    pub category: &'static str,
    /// Kind of item that the activity is about.
    pub item_kind: &'static str,
    /// VIEW, EXTERNAL, EXPORT, AUTHOR, SHARE, ACCESS, ADMIN, API_READ, or empty.
    pub group: &'static str,
    /// Level of automated API activity.
    pub noise: Noise,
    /// Additional information, usually empty.
    pub note: &'static str,
}

static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| parse_operations().filter_map(Result::ok).collect());

fn parse_operations() -> impl Iterator<Item = Result<Operation, TsvError>> {
    parse_table(include_str!("operations.tsv"), parse_operation)
}

fn parse_operation(cells: &[&'static str]) -> Result<Operation, String> {
    let [name, friendly_name, category, item_kind, group, noise, note] = *cells else {
        return Err(wrong_cell_count(cells, 7));
    };
    let level = if noise.is_empty() { Noise::No.name() } else { noise };
    let noise = Noise::ALL
        .into_iter()
        .find(|known| known.name() == level)
        .ok_or_else(|| format!("{name}: unknown noise level {noise:?}"))?;
    Ok(Operation { name, friendly_name, category, item_kind, group, noise, note })
}

/// Returns all known operations, ordered by name.
pub fn operations() -> &'static [Operation] {
    &OPERATIONS
}

static BY_LOWERCASE_NAME: LazyLock<HashMap<String, &Operation>> =
    LazyLock::new(|| operations().iter().map(|known| (known.name.to_lowercase(), known)).collect());

/// Returns the operation with this name in any case, because Microsoft has written names in
/// several spellings.
pub fn operation_by_name(name: &str) -> Option<&'static Operation> {
    BY_LOWERCASE_NAME.get(&name.to_lowercase()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_in_any_case() {
        assert_eq!(operation_by_name("viewREPORT").map(|known| known.name), Some("ViewReport"));
        assert!(operation_by_name("no such operation").is_none());
        assert_eq!(BY_LOWERCASE_NAME.len(), operations().len(), "no two differ by case only");
    }

    #[test]
    fn every_row_is_parsed() {
        let parsed: Result<Vec<Operation>, TsvError> = parse_operations().collect();
        assert_eq!(parsed.unwrap().len(), operations().len());
    }

    #[test]
    fn standard_noise_is_what_the_documentation_says() {
        let standard = operations().iter().filter(|operation| operation.noise == Noise::Standard);
        let names: Vec<_> = standard.map(|operation| operation.name).collect();
        assert_eq!(names, ["ExportActivityEvents", "GetDatasources"]);
    }

    #[test]
    fn unknown_noise_level_is_an_error() {
        let error = parse_operation(&["X", "", "", "", "", "wide", ""]).unwrap_err();
        assert_eq!(error, "X: unknown noise level \"wide\"");
    }
}
