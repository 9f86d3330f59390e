//! Divides a report by an attribute of people.
//!
//! A line of its statement that starts with `--by ` is a comment, and SQL if the report is divided.
//! In these lines, `:by` is the key of the attribute, and `by_attribute` the column with its value.

use crate::inventory::{attribute_key, attribute_name};
use crate::query::definition::params::{Param, ParamType};
use crate::query::definition::report::{Division, ReportDefinition};
use crate::{Error, Result};

/// Start of the lines that only a divided report has.
const MARK: &str = "--by ";

/// Column with the value of the attribute. Its name ends with that of the attribute.
const COLUMN: &str = "by_attribute";

/// Parameter with the key of the attribute.
const PARAM: &str = "by";

impl ReportDefinition {
    /// Returns true if the report can be divided by an attribute of people.
    pub fn is_divisible(&self) -> bool {
        self.sql.lines().any(|line| line.trim_start().starts_with(MARK))
    }

    /// Returns the report divided by an attribute of people: each row is about the people with one
    /// value of it, which is in the first column.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the report cannot be divided, or if the name has no letters or digits.
    pub fn divided_by(&self, attribute: &str) -> Result<ReportDefinition> {
        if !self.is_divisible() {
            let name = &self.name;
            return Err(Error::Usage(format!(
                "{name} cannot be divided by an attribute of people; omit --by"
            )));
        }
        let key = attribute_key(attribute);
        if key.is_empty() {
            return Err(Error::Usage(format!("{attribute:?} is not the name of an attribute")));
        }
        let column = column_name(attribute);
        let lines = self.sql.lines().map(|line| match line.trim_start().strip_prefix(MARK) {
            Some(sql) => sql.replace(COLUMN, &column),
            None => line.to_owned(),
        });
        let mut report = ReportDefinition {
            sql: lines.collect::<Vec<_>>().join("\n"),
            chart: None,
            division: Some(Division { attribute: attribute.to_owned(), key: key.clone() }),
            ..self.clone()
        };
        report.title = format!("{} by {}", self.title, attribute.trim());
        report.columns.insert(0, (column.clone(), format!("value of the attribute {attribute}")));
        if let Some(compared) = &mut report.compared {
            compared.key.insert(0, column);
        }
        let meaning = "attribute of people".to_owned();
        let ty = ParamType::Text;
        report.params.push(Param { name: PARAM.to_owned(), ty, default: key, meaning });
        Ok(report)
    }
}

/// Returns the name of the column with the value of an attribute, which every engine accepts
/// without quotes.
fn column_name(attribute: &str) -> String {
    let name = attribute_name(attribute).replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    match name.trim_matches('_') {
        "" => COLUMN.to_owned(),
        name => format!("by_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_plain_identifiers() {
        for (attribute, expected) in [
            ("department", "by_department"),
            ("Cost Center", "by_cost_center"),
            ("costCenter", "by_cost_center"),
            (" 1st - Level ", "by_1st_level"),
            ("部門", "by_attribute"),
            ("Größe", "by_gr__e"),
        ] {
            assert_eq!(column_name(attribute), expected);
        }
    }

    #[test]
    fn divided_report_has_the_lines_and_the_column() {
        let sql = "SELECT\n    --by x AS by_attribute,\n    y\nFROM events\n--by WHERE x = :by";
        let report = ReportDefinition::ad_hoc(sql).divided_by("Cost Center").unwrap();
        let expected = "SELECT\nx AS by_cost_center,\n    y\nFROM events\nWHERE x = :by";
        assert_eq!(report.sql, expected);
        assert_eq!(report.columns[0].0, "by_cost_center");
        assert_eq!(report.params[0].default, "costcenter");
        let error = ReportDefinition::ad_hoc("SELECT 1").divided_by("x").unwrap_err();
        assert_eq!(error.to_string(), "sql cannot be divided by an attribute of people; omit --by");
        assert!(ReportDefinition::ad_hoc(sql).divided_by("-").is_err());
    }
}
