//! Collects the columns of the table and the fields of a store that have no column.

use serde::Serialize;

use crate::Result;
use crate::column::{EXTRA_FIELD_COLUMNS, ExtraFieldCollector};
use crate::record::time;
use crate::schema::{self, ColumnDefinition};
use crate::store::{self, Snapshot, Store};

/// Typed column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypedColumn {
    /// Name.
    pub name: &'static str,
    /// Data type.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// Meaning.
    pub meaning: &'static str,
    /// Other names in JSON, except differences in case.
    pub aliases: Vec<&'static str>,
    /// Columns of CSV exports with the same content.
    pub csv: Vec<&'static str>,
    /// True if it is derived from other fields of the event.
    pub derived: bool,
    /// Documentation or observation it is based on, or the fields it is derived from.
    pub source: &'static str,
}

/// Field in `Extra`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtraField {
    /// Name: `a.b` for a member of `a`, `a[].b` for a member of the items of `a`.
    pub name: String,
    /// Activity of the events with this field.
    pub activity: String,
    /// Number of occurrences.
    pub count: u64,
    /// Types of its values.
    pub types: Vec<&'static str>,
    /// First day with the field.
    pub first_day: String,
    /// Last day with the field.
    pub last_day: String,
    /// First value, truncated.
    pub example: String,
    /// True if a typed column has that name but cannot store these values exactly.
    pub in_column: bool,
}

/// Fields that no typed column stores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExtraFieldSummary {
    /// Number of events with such fields.
    pub events: u64,
    /// Fields, newest first.
    pub fields: Vec<ExtraField>,
    /// Activities with more fields than are listed.
    pub capped: Vec<String>,
}

/// Data dictionary. `schema --format json` prints it as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataDictionary {
    /// Typed columns in the order of the table.
    pub columns: Vec<TypedColumn>,
    /// Fields of a store without a column.
    pub extra: Option<ExtraFieldSummary>,
}

/// Returns the typed columns, and the fields in `Extra` of a store if one is given.
///
/// # Errors
///
/// [`crate::Error::Store`] and [`crate::Error::Io`] if the store cannot be read.
pub fn build(store: Option<&Store>) -> Result<DataDictionary> {
    let extra = store.map(|store| store.read(extra_fields)).transpose()?;
    Ok(DataDictionary { columns: columns(), extra })
}

fn columns() -> Vec<TypedColumn> {
    let column = |column: &ColumnDefinition| TypedColumn {
        name: column.name,
        ty: column.type_name,
        meaning: column.description,
        aliases: column.aliases.clone(),
        csv: column.csv_headers.clone(),
        derived: column.is_derived(),
        source: column.source,
    };
    let own = |name, meaning| TypedColumn {
        name,
        ty: "text",
        meaning,
        aliases: Vec::new(),
        csv: Vec::new(),
        derived: name != schema::EXTRA,
        source: "this program",
    };
    let own = [
        own(schema::EXTRA, "Values that no typed column stores exactly, as one JSON object."),
        own(schema::SOURCE_FILE, "The first file with a copy of the event."),
        own(schema::SOURCE_KIND, "The format of that file: rest, array, ndjson, csv, …"),
        own(
            schema::COPIES,
            "What other copies of the event say: sources of fields, and conflicting values.",
        ),
    ];
    schema::columns().iter().map(column).chain(own).collect()
}

/// The fields of a store's events that no typed column holds.
///
/// # Errors
///
/// [`crate::Error::Store`] and [`crate::Error::Io`] where a file cannot be read.
pub fn extra_fields(snapshot: &Snapshot) -> Result<ExtraFieldSummary> {
    let mut fields = ExtraFieldCollector::default();
    store::scan_columns(&snapshot.files, &EXTRA_FIELD_COLUMNS, &mut |file, columns| {
        fields.add(columns).map_err(|reason| crate::Error::store(file, reason))
    })?;
    let day = |us| time::day(us).map(|day| day.to_string()).unwrap_or_default();
    let field = |(activity, name, in_column, field): (
        &str,
        &str,
        bool,
        &crate::column::ExtraFieldStats,
    )| {
        ExtraField {
            name: name.to_owned(),
            activity: activity.to_owned(),
            count: field.count,
            types: field.types.clone(),
            first_day: day(field.first_us),
            last_day: day(field.last_us),
            example: field.example.clone(),
            in_column,
        }
    };
    let mut found: Vec<ExtraField> = fields.iter().map(field).collect();
    found.sort_by(|one, other| {
        let newest = other.first_day.cmp(&one.first_day);
        let most = other.count.cmp(&one.count);
        let name = (&one.activity, &one.name).cmp(&(&other.activity, &other.name));
        newest.then(most).then(name)
    });
    let capped = fields.capped_activities().map(str::to_owned).collect();
    Ok(ExtraFieldSummary { events: fields.rows(), fields: found, capped })
}
