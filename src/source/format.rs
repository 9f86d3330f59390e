//! Names the text formats that log files have.

/// What a text is, by its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SourceFormat {
    /// Nothing but white space.
    #[default]
    Empty,
    /// Pages of the REST API: `{"activityEventEntities":[…],…}`.
    Rest,
    /// An array of events, as Get-PowerBIActivityEvent prints it, or a `{"value":[…]}` wrapping.
    Array,
    /// Objects one after another: NDJSON, or a single event.
    Objects,
    /// CSV with this header line.
    Csv(Vec<u8>),
}

impl SourceFormat {
    /// The name that the lineage column and the accounting use.
    pub fn name(&self) -> &'static str {
        match self {
            SourceFormat::Empty => "empty",
            SourceFormat::Rest => "rest",
            SourceFormat::Array => "array",
            SourceFormat::Objects => "ndjson",
            SourceFormat::Csv(_) => "csv",
        }
    }
}
