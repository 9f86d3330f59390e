//! The typed columns of the events table.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv::{TsvError, parse_table, wrong_cell_count};

/// Type of a column, which determines how JSON values are converted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Unchanged text.
    Text,
    /// ID: in lower case if it has the form of a GUID, otherwise unchanged. Code must not rely on
    /// an ID being a GUID: published events contain `My Workspace` and invalid GUIDs as IDs.
    Id,
    /// User principal name, in lower case.
    User,
    /// 64-bit integer.
    Int,
    /// Boolean; the texts `"True"` and `"False"` are converted too.
    Bool,
    /// UTC time in microseconds.
    Time,
    /// IP address without its port.
    Ip,
    /// AuditLogRecordType: a number, numeric text or name, stored as the number.
    RecordType,
    /// UserType: a number, numeric text or name, stored as the number.
    UserType,
    /// List of one type.
    List(Box<ColumnType>),
    /// Object with known members.
    Struct(Vec<(&'static str, ColumnType)>),
}

/// Repetition of a column's values, which determines how they are stored in memory and in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnEncoding {
    /// Few distinct values: a dictionary saves space.
    Dictionary,
    /// Almost all values are distinct: a dictionary would only add cost.
    Unique,
    /// Not a text column.
    Plain,
}

/// One typed column.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Name, in Microsoft's spelling.
    pub name: &'static str,
    /// Type.
    pub ty: ColumnType,
    /// Type, as written in `columns.tsv`.
    pub type_name: &'static str,
    /// Repetition of its values.
    pub encoding: ColumnEncoding,
    derived: bool,
    /// Other JSON names of the same field that differ by more than case.
    pub aliases: Vec<&'static str>,
    /// Columns of audit-log CSV exports with the same value.
    pub csv_headers: Vec<&'static str>,
    /// Meaning of the column.
    pub description: &'static str,
    /// Documentation or data in which the field appears, or the fields it is derived from.
    pub source: &'static str,
}

impl ColumnDefinition {
    /// Returns true if the values are derived from other fields. Such a column is not a field.
    pub fn is_derived(&self) -> bool {
        self.derived
    }

    /// Returns the fields that the values are derived from; none if the column is a field.
    pub fn derived_from(&self) -> impl Iterator<Item = &'static str> {
        let fields = self.source.strip_prefix("derived from ").unwrap_or_default();
        fields.split(", ").flat_map(|part| part.split(" and ")).filter(|name| !name.is_empty())
    }
}

static COLUMNS: LazyLock<Vec<ColumnDefinition>> =
    LazyLock::new(|| parse_columns().filter_map(Result::ok).collect());

static BY_NAME: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let mut index = HashMap::new();
    for (number, column) in COLUMNS.iter().enumerate().filter(|(_, c)| !c.is_derived()) {
        for name in column.aliases.iter().chain([&column.name]) {
            index.insert(name.to_ascii_lowercase(), number);
        }
    }
    index
});

/// Returns all typed columns, in the order of the table.
pub fn columns() -> &'static [ColumnDefinition] {
    &COLUMNS
}

/// Returns the position in [`columns`] of the column for a field name.
///
/// Names are matched in any case, because it varies in the log: `WorkSpaceName` and
/// `WorkspaceName`, `DatasetID` and `DatasetId`. Derived columns are not fields.
pub fn column_index(name: &str) -> Option<usize> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

fn parse_columns() -> impl Iterator<Item = Result<ColumnDefinition, TsvError>> {
    parse_table(include_str!("columns.tsv"), parse_column)
}

fn parse_column(cells: &[&'static str]) -> Result<ColumnDefinition, String> {
    let [name, type_name, encoding, derived, aliases, csv_headers, description, source] = *cells
    else {
        return Err(wrong_cell_count(cells, 8));
    };
    let ty = parse_type(type_name).ok_or_else(|| format!("{name}: unknown type {type_name:?}"))?;
    let encoding = match encoding {
        "dictionary" => ColumnEncoding::Dictionary,
        "unique" => ColumnEncoding::Unique,
        "plain" => ColumnEncoding::Plain,
        _ => return Err(format!("{name}: unknown encoding {encoding:?}")),
    };
    let derived = match derived {
        "yes" => true,
        "" => false,
        _ => return Err(format!("{name}: derived is {derived:?}; expected yes or nothing")),
    };
    let names = |cell: &'static str| cell.split('|').filter(|name| !name.is_empty()).collect();
    Ok(ColumnDefinition {
        name,
        ty,
        type_name,
        encoding,
        derived,
        aliases: names(aliases),
        csv_headers: names(csv_headers),
        description,
        source,
    })
}

fn parse_type(text: &'static str) -> Option<ColumnType> {
    if let Some(inner) = text.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        return Some(ColumnType::List(Box::new(parse_type(inner)?)));
    }
    if let Some(inner) = text.strip_prefix("struct<").and_then(|rest| rest.strip_suffix('>')) {
        let members = split_members(inner).into_iter().map(|member| {
            let (name, ty) = member.split_once(':')?;
            Some((name, parse_type(ty)?))
        });
        return members.collect::<Option<Vec<_>>>().map(ColumnType::Struct);
    }
    Some(match text {
        "text" => ColumnType::Text,
        "id" => ColumnType::Id,
        "user" => ColumnType::User,
        "int" => ColumnType::Int,
        "bool" => ColumnType::Bool,
        "time" => ColumnType::Time,
        "ip" => ColumnType::Ip,
        "record_type" => ColumnType::RecordType,
        "user_type" => ColumnType::UserType,
        _ => return None,
    })
}

/// Splits `A:text,B:list<struct<C:id,D:id>>` at the commas outside brackets.
fn split_members(text: &'static str) -> Vec<&'static str> {
    let (mut members, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                members.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(&text[start..]);
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_parsed() {
        let parsed: Result<Vec<ColumnDefinition>, TsvError> = parse_columns().collect();
        assert_eq!(parsed.unwrap().len(), columns().len());
    }

    #[test]
    fn no_name_occurs_twice() {
        let fields = columns().iter().filter(|column| !column.is_derived());
        let names: usize = fields.map(|column| 1 + column.aliases.len()).sum();
        assert_eq!(BY_NAME.len(), names);
    }

    #[test]
    fn malformed_rows_are_errors() {
        let error = |cells: &[&'static str]| parse_column(cells).unwrap_err();
        assert!(error(&["X", "text"]).starts_with("expected 8 cells, found 2: "));
        let row = |ty, encoding, derived| error(&["X", ty, encoding, derived, "", "", "", ""]);
        assert_eq!(row("number", "plain", ""), "X: unknown type \"number\"");
        assert_eq!(row("int", "", ""), "X: unknown encoding \"\"");
        assert_eq!(row("int", "plain", "no"), "X: derived is \"no\"; expected yes or nothing");
    }

    #[test]
    fn derived_columns_name_their_fields_as_source() {
        for column in columns() {
            let says_so = column.source.starts_with("derived from ");
            assert_eq!(column.is_derived(), says_so, "{}", column.name);
            assert_eq!(column.derived_from().count() > 0, says_so, "{}", column.name);
        }
    }

    #[test]
    fn fields_without_a_column_have_a_reason_and_no_column() {
        let pair = |cells: &[&'static str]| match *cells {
            [name, reason] => Ok((name, reason)),
            _ => Err(wrong_cell_count(cells, 2)),
        };
        for row in parse_table(include_str!("not_columns.tsv"), pair) {
            let (name, reason) = row.unwrap();
            assert!(!reason.is_empty(), "{name}");
            assert_eq!(column_index(name), None, "{name} has a column");
        }
    }

    #[test]
    fn nested_types_are_parsed() {
        let ty = parse_type("list<struct<A:id,B:list<struct<C:text,D:list<int>>>>>").unwrap();
        let ColumnType::List(item) = ty else { panic!("{ty:?}") };
        let ColumnType::Struct(members) = *item else { panic!("{item:?}") };
        assert_eq!(members[0], ("A", ColumnType::Id));
        assert_eq!(members.len(), 2);
    }
}
