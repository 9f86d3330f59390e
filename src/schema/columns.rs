//! The typed columns of the events table.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tsv_rows;

/// What a column holds, and how a JSON value is brought into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Text, kept as it is.
    Text,
    /// An id: in lower case where it has the shape of a GUID, else as it is. Nothing may depend on
    /// an id being a GUID: published events hold `My Workspace` and invalid GUIDs as ids.
    Id,
    /// A user principal name, in lower case.
    User,
    /// A 64-bit integer.
    Int,
    /// True or false; `"True"` and `"False"` are read as such.
    Bool,
    /// A UTC instant in microseconds.
    Time,
    /// An IP address without its port.
    Ip,
    /// An AuditLogRecordType: number, numeric text or name, stored as its number.
    RecordType,
    /// A UserType: number, numeric text or name, stored as its number.
    UserType,
    /// A list of one type.
    List(Box<ColumnType>),
    /// An object with known members.
    Struct(Vec<(&'static str, ColumnType)>),
}

/// How a column's values repeat, which decides how they are held and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnEncoding {
    /// Few distinct values: a dictionary pays.
    Dictionary,
    /// Almost every value is another one: a dictionary would only cost.
    Unique,
    /// Not text.
    Plain,
}

/// One typed column.
#[derive(Debug, Clone)]
pub struct ColumnDefinition {
    /// Its name, in Microsoft's spelling.
    pub name: &'static str,
    /// What it holds.
    pub ty: ColumnType,
    /// The same, as the table of columns writes it.
    pub type_name: &'static str,
    /// How its values repeat.
    pub encoding: ColumnEncoding,
    /// Other JSON names of the same thing, beyond differences of case.
    pub aliases: Vec<&'static str>,
    /// Columns of audit-log CSV exports that carry the same value.
    pub csv_headers: Vec<&'static str>,
    /// What it means.
    pub description: &'static str,
    /// Where the field is documented or was seen; `derived from …` where it is no field.
    pub source: &'static str,
}

impl ColumnDefinition {
    /// Whether it is made from other members of the event: such a column is no field of events.
    pub fn is_derived(&self) -> bool {
        self.source.starts_with("derived from ")
    }
}

static COLUMNS: LazyLock<Vec<ColumnDefinition>> = LazyLock::new(|| {
    tsv_rows(include_str!("columns.tsv")).filter_map(|cells| parse_column(&cells)).collect()
});

static BY_NAME: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let mut index = HashMap::new();
    for (number, column) in COLUMNS.iter().enumerate().filter(|(_, c)| !c.is_derived()) {
        for name in column.aliases.iter().chain([&column.name]) {
            index.insert(name.to_ascii_lowercase(), number);
        }
    }
    index
});

/// All typed columns, in the order of the table.
pub fn columns() -> &'static [ColumnDefinition] {
    &COLUMNS
}

/// The position in [`columns`] of the column for a field name. Names are matched without case,
/// because the log itself varies it: `WorkSpaceName` and `WorkspaceName`, `DatasetID` and
/// `DatasetId`. Columns that are derived are no fields.
pub fn column_index(name: &str) -> Option<usize> {
    BY_NAME.get(&name.to_ascii_lowercase()).copied()
}

fn parse_column(cells: &[&'static str]) -> Option<ColumnDefinition> {
    let [name, ty, encoding, aliases, csv_headers, description, source] = *cells else {
        return None;
    };
    let names = |cell: &'static str| cell.split('|').filter(|name| !name.is_empty()).collect();
    Some(ColumnDefinition {
        name,
        ty: parse_type(ty)?,
        type_name: ty,
        encoding: match encoding {
            "dictionary" => ColumnEncoding::Dictionary,
            "unique" => ColumnEncoding::Unique,
            _ => ColumnEncoding::Plain,
        },
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

/// Splits `A:text,B:list<struct<C:id,D:id>>` at the commas that are not inside brackets.
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
    fn every_row_of_the_table_is_a_column_and_no_name_occurs_twice() {
        let table = include_str!("columns.tsv");
        let lines = table.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()).count();
        assert_eq!(columns().len(), lines - 1);
        let fields = columns().iter().filter(|column| !column.is_derived());
        let names: usize = fields.map(|c| 1 + c.aliases.len()).sum();
        assert_eq!(BY_NAME.len(), names);
    }

    #[test]
    fn names_without_a_column_have_a_reason_and_no_column() {
        for cells in tsv_rows(include_str!("not_columns.tsv")) {
            let [name, reason] = cells[..] else { panic!("two cells expected: {cells:?}") };
            assert!(!reason.is_empty(), "{name}");
            assert_eq!(column_index(name), None, "{name} has a column after all");
        }
    }

    #[test]
    fn nested_types_are_parsed_to_their_depth() {
        let ty = parse_type("list<struct<A:id,B:list<struct<C:text,D:list<int>>>>>").unwrap();
        let ColumnType::List(item) = ty else { panic!("{ty:?}") };
        let ColumnType::Struct(members) = *item else { panic!("{item:?}") };
        assert_eq!(members[0], ("A", ColumnType::Id));
        assert_eq!(members.len(), 2);
    }
}
