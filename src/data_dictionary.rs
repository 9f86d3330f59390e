//! What columns there are and what they mean, and which fields of a store have none: the conductor
//! of `columns`.
//!
//! Owns: which of these is told in which order. Must not know flags or how it is shown.

use serde::Serialize;

use crate::Result;
use crate::column::{EXTRA_FIELD_COLUMNS, ExtraFieldCollector};
use crate::record::time;
use crate::schema::{self, ColumnDefinition};
use crate::store::{self, Snapshot, Store};

/// A typed column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypedColumn {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Other names of it in JSON, beyond differences of case.
    pub aliases: Vec<&'static str>,
    /// Columns of CSV exports that say the same.
    pub csv: Vec<&'static str>,
    /// Whether it is made from other fields of the event.
    pub derived: bool,
    /// Where it is documented or was seen, or what it is derived from.
    pub source: &'static str,
}

/// A field that stands in `Extra`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtraField {
    /// Its name, `a.b` for a member of `a`, `a[].b` for one of the items of `a`.
    pub name: String,
    /// The activity whose events have it.
    pub activity: String,
    /// How often it occurs.
    pub count: u64,
    /// Which types its values have.
    pub types: Vec<&'static str>,
    /// The first day on which it occurs.
    pub first_day: String,
    /// The last.
    pub last_day: String,
    /// Its first value, cut.
    pub example: String,
    /// Whether a typed column has that name, and did not hold these values exactly.
    pub in_column: bool,
}

/// The fields that no typed column holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ExtraFieldSummary {
    /// Events that have any.
    pub events: u64,
    /// The fields, the newest first.
    pub fields: Vec<ExtraField>,
    /// Activities that have more fields than are told.
    pub capped: Vec<String>,
}

/// The dictionary. As JSON, this is what `columns --format json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataDictionary {
    /// The typed columns, in the order of the table.
    pub columns: Vec<TypedColumn>,
    /// What a store holds beside them.
    pub extra: Option<ExtraFieldSummary>,
}

/// The typed columns, and the fields in `Extra` of a store, where one is given.
///
/// # Errors
///
/// [`crate::Error::Store`] and [`crate::Error::Io`] where the store cannot be read.
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
        own(schema::EXTRA, "All that no typed column holds exactly, as one JSON object."),
        own(schema::SOURCE_FILE, "The file that the event was read from."),
        own(schema::SOURCE_KIND, "The shape of that file: rest, array, ndjson, csv, …"),
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
