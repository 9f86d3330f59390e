//! The views and columns that a statement names.

use std::collections::BTreeSet;

/// Views and columns that a statement names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// Views in FROM.
    pub views: BTreeSet<String>,
    /// Every name that can be a column.
    pub column_names: BTreeSet<String>,
    /// True if the statement selects all columns of a view.
    pub all_columns: bool,
}

impl References {
    /// Returns true if the statement may need a column.
    pub fn has_column(&self, column: &str) -> bool {
        self.all_columns || self.column_names.contains(column)
    }
}
