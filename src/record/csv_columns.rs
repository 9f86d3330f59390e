//! The columns of a CSV table of events, and the conversion of their cells to JSON.

use super::json;
use super::parser::Object;
use crate::schema::{self, ColumnType};

/// A column of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CsvColumn {
    /// The name in the header. The header of a field with a column has that column's name.
    pub(super) name: String,
    pub(super) kind: CellConversion,
}

/// The conversion of a cell to JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellConversion {
    /// `True` and `False` are booleans.
    Bool,
    /// A whole number, which pandas can write as `20.0`.
    Int,
    /// A number of the row, as pandas writes it without a name. It is left out.
    RowNumber,
    /// Any other text.
    Text,
}

impl CsvColumn {
    /// Creates a column from its header. Names with spaces or underscores, as sempy writes them
    /// (`Record Type`), are those of the fields.
    pub(super) fn new(header: &str) -> Self {
        if header.is_empty() || header.starts_with("Unnamed: ") {
            return CsvColumn { name: header.to_owned(), kind: CellConversion::RowNumber };
        }
        let name = field_name(header);
        let ty = schema::column_index(name).map(|index| &schema::columns()[index].ty);
        let kind = match ty {
            Some(ColumnType::Bool) => CellConversion::Bool,
            Some(ColumnType::Int | ColumnType::RecordType | ColumnType::UserType) => {
                CellConversion::Int
            }
            _ => CellConversion::Text,
        };
        CsvColumn { name: name.to_owned(), kind }
    }

    /// Appends the column as a member of a JSON object. Empty cells and row numbers are left out.
    pub(super) fn write_member(&self, cell: &str, object: &mut Vec<u8>) {
        let is_number = |text: &str| text.parse::<i64>().is_ok_and(|n| n.to_string() == text);
        if cell.is_empty() || self.kind == CellConversion::RowNumber && is_number(cell) {
            return;
        }
        if object.len() > 1 {
            object.push(b',');
        }
        json::write_text(&self.name, object);
        object.push(b':');
        let whole = cell
            .split_once('.')
            .filter(|(_, zeros)| !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0'));
        let whole = whole.map_or(cell, |(whole, _)| whole);
        match self.kind {
            CellConversion::Bool if cell.eq_ignore_ascii_case("true") => object.extend(b"true"),
            CellConversion::Bool if cell.eq_ignore_ascii_case("false") => object.extend(b"false"),
            CellConversion::Int if is_number(whole) => object.extend(whole.bytes()),
            _ => json::write_text(cell, object),
        }
    }
}

/// Returns the name of the field for a name with spaces or underscores (`Record Type`); the name
/// itself if there is none.
fn field_name(name: &str) -> &str {
    if schema::column_index(name).is_some() {
        return name;
    }
    let squeezed: String = name.chars().filter(|c| !matches!(c, ' ' | '_')).collect();
    schema::column_index(&squeezed).map_or(name, |index| schema::columns()[index].name)
}

/// Returns an object with the names of the fields, as JSON text, if the time of the event has
/// another name: sempy and lakehouse tables write `Creation Time` or `Creation_Time`.
pub(super) fn with_field_names(object: Object<'_>) -> Option<String> {
    ["Creation Time", "Creation_Time"].iter().find_map(|name| object.member(name))?;
    json::write_renamed(object, |name| Some(field_name(name)))
}

#[cfg(test)]
mod tests {
    use crate::record::csv_columns::*;
    use crate::record::{Parser, Value};

    #[test]
    fn names_of_tables_become_names_of_fields() {
        let renamed = |text: &str| {
            let parsed = Parser::default().parse(text.as_bytes(), |record| match record.root() {
                Value::Object(object) => with_field_names(object),
                _ => None,
            });
            parsed.unwrap()
        };
        assert_eq!(
            renamed(r#"{"Id":"1","creation time":"x","Report_Id":[1.10],"My Note":null}"#).unwrap(),
            r#"{"Id":"1","CreationTime":"x","ReportId":[1.10],"My Note":null}"#
        );
        assert_eq!(renamed(r#"{"Id":"1","Report Id":"x"}"#), None);
    }

    #[test]
    fn cells_become_members_of_their_type() {
        for (header, cell, expected) in [
            ("IsSuccess", "True", r#""IsSuccess":true"#),
            ("Is Success", "False", r#""IsSuccess":false"#),
            ("UserType", "0", r#""UserType":0"#),
            ("RecordType", "20.0", r#""RecordType":20"#),
            ("record_type", "20", r#""RecordType":20"#),
            ("RecordType", "20.5", r#""RecordType":"20.5""#),
            ("RecordType", "007", r#""RecordType":"007""#),
            ("Note", "20.0", r#""Note":"20.0""#),
            ("My Note", "x", r#""My Note":"x""#),
            ("", "17", ""),
            ("Unnamed: 0", "17", ""),
            ("", "text", r#""":"text""#),
            ("UserId", "", ""),
        ] {
            let mut object = vec![b'{'];
            CsvColumn::new(header).write_member(cell, &mut object);
            assert_eq!(String::from_utf8_lossy(&object[1..]), expected, "{header}");
        }
    }
}
