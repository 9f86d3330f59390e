//! Replaces people on the page by pseudonyms, or removes them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::columns::column_texts;
use crate::Result;
use crate::grid::{Cell, Grid};
use crate::report::{ReportDefinition, ReportSession};

/// The columns whose values are people.
const PERSON_COLUMNS: [&str; 6] = ["user", "guest", "shared_by", "recipient", "principal", "owner"];

/// The columns whose values are workspaces.
const WORKSPACE_COLUMN: &str = "workspace";

/// Values of these columns that are not people.
pub const NOT_PEOPLE: [&str; 2] = ["(unknown)", "anonymous"];

/// The statement for the workspaces whose names contain the names of their owners.
const PERSONAL_WORKSPACES: &str = "SELECT DISTINCT workspace_id, workspace_name \
    FROM events_all WHERE is_personal_workspace \
    ORDER BY workspace_id NULLS LAST, workspace_name NULLS LAST";

/// The name of a personal workspace that does not contain the name of its owner, in lower case.
pub const MY_WORKSPACE: &str = "my workspace";

/// The text that replaces an address that the page hides.
const HIDDEN: &str = "(hidden)";

/// The presentation of people on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PeopleDisplay {
    /// By their addresses.
    #[default]
    Names,
    /// By numbers that are the same on the whole page.
    Pseudonyms,
    /// Hidden: tables have no columns of people.
    Hidden,
}

/// Returns the statement that finds the names to hide.
pub fn statement() -> ReportDefinition {
    ReportDefinition::ad_hoc(PERSONAL_WORKSPACES)
}

/// Returns true if the values of a column are people.
pub fn is_person_column(name: &str) -> bool {
    PERSON_COLUMNS.contains(&name)
}

/// The rule by which people are shown, with the numbers of the pseudonyms.
pub struct PeopleMask {
    display: PeopleDisplay,
    numbers: RefCell<BTreeMap<String, usize>>,
    personal_workspaces: BTreeSet<String>,
}

impl PeopleMask {
    /// Reads the names of personal workspaces if people are not shown by name.
    pub fn new(session: &ReportSession<'_>, display: PeopleDisplay) -> Result<PeopleMask> {
        let mut personal_workspaces = BTreeSet::new();
        if display != PeopleDisplay::Names {
            let found = session.rows(&statement(), &[])?;
            for column in ["workspace_id", "workspace_name"] {
                let texts = column_texts(&found, column)?.into_iter().flatten();
                let texts = texts.filter(|text| text.to_lowercase() != MY_WORKSPACE);
                personal_workspaces.extend(texts.map(str::to_owned));
            }
        }
        Ok(PeopleMask { display, numbers: RefCell::default(), personal_workspaces })
    }

    /// Returns true if the page has no people.
    pub fn hides_people(&self) -> bool {
        self.display == PeopleDisplay::Hidden
    }

    /// Returns the text for a person; `None` if the page hides people.
    pub fn person(&self, person: &str) -> Option<String> {
        match self.display {
            PeopleDisplay::Names => Some(person.to_owned()),
            _ if NOT_PEOPLE.contains(&person) => Some(person.to_owned()),
            PeopleDisplay::Pseudonyms => Some(self.pseudonym(person)),
            PeopleDisplay::Hidden => None,
        }
    }

    /// Returns the pseudonym of a person. People have the number of their first appearance.
    fn pseudonym(&self, person: &str) -> String {
        let mut numbers = self.numbers.borrow_mut();
        let next = numbers.len() + 1;
        let number = numbers.entry(person.to_lowercase()).or_insert(next);
        format!("Person {number}")
    }

    /// Returns the text for the name or ID of a workspace.
    pub fn workspace(&self, workspace: &str) -> String {
        if self.personal_workspaces.contains(workspace) {
            return match self.display {
                PeopleDisplay::Names => workspace.to_owned(),
                PeopleDisplay::Pseudonyms => {
                    format!("Personal workspace of {}", self.pseudonym(workspace))
                }
                PeopleDisplay::Hidden => "Personal workspace".to_owned(),
            };
        }
        self.text(workspace)
    }

    /// Returns a text without the addresses in it.
    pub fn text(&self, text: &str) -> String {
        if self.display == PeopleDisplay::Names || !text.contains('@') {
            return text.to_owned();
        }
        let is_end = |c: char| !c.is_alphanumeric() && c != '*';
        let word = |word: &str| {
            if !word.contains('@') {
                return word.to_owned();
            }
            let address = word.trim_matches(is_end);
            let shown = self.person(address).unwrap_or_else(|| HIDDEN.to_owned());
            word.replace(address, &shown)
        };
        text.split(' ').map(word).collect::<Vec<_>>().join(" ")
    }

    /// Replaces or removes the people of a grid.
    pub fn mask_grid(&self, grid: &mut Grid) {
        if self.display == PeopleDisplay::Names {
            return;
        }
        for row in &mut grid.rows {
            for (cell, column) in row.iter_mut().zip(&grid.columns) {
                let Cell::Text(text) = cell else { continue };
                let shown = match column.name.as_str() {
                    name if is_person_column(name) => self.person(text),
                    WORKSPACE_COLUMN | "workspace_id" => Some(self.workspace(text)),
                    _ => Some(self.text(text)),
                };
                *cell = shown.map_or(Cell::Null, Cell::Text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;

    fn mask(display: PeopleDisplay) -> PeopleMask {
        let personal_workspaces = ["PersonalWorkspace Ann Lee".to_owned()].into();
        PeopleMask { display, numbers: RefCell::default(), personal_workspaces }
    }

    fn masked(mask: &PeopleMask) -> Vec<Vec<Cell>> {
        let columns = ["user", "workspace", "detail"].map(|name| (name, CellKind::Text));
        let mut grid = Grid::new(columns);
        for row in [
            ["ann@a.example", "PersonalWorkspace Ann Lee", "by (ann@a.example), twice"],
            ["bob@a.example", "Finance", "by nobody"],
            ["(unknown)", "", "by ANN@a.example"],
        ] {
            grid.rows.push(row.map(|text| Cell::Text(text.into())).into());
        }
        mask.mask_grid(&mut grid);
        grid.rows
    }

    #[test]
    fn pseudonyms_are_the_same_in_all_columns() {
        let text = |text: &str| Cell::Text(text.into());
        assert_eq!(
            masked(&mask(PeopleDisplay::Pseudonyms)),
            [
                ["Person 1", "Personal workspace of Person 2", "by (Person 1), twice"].map(text),
                ["Person 3", "Finance", "by nobody"].map(text),
                ["(unknown)", "", "by Person 1"].map(text),
            ]
        );
    }

    #[test]
    fn hidden_people_leave_no_text() {
        let rows = masked(&mask(PeopleDisplay::Hidden));
        assert_eq!(rows[0][0], Cell::Null);
        assert_eq!(rows[0][1], Cell::Text("Personal workspace".into()));
        assert_eq!(rows[0][2], Cell::Text("by ((hidden)), twice".into()));
        let rows = masked(&mask(PeopleDisplay::Names));
        assert_eq!(rows[0][0], Cell::Text("ann@a.example".into()));
    }
}
