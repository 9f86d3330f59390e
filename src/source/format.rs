//! Names the text formats that log files have.

/// The format of a text, detected from its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SourceFormat {
    /// Only white space.
    #[default]
    Empty,
    /// Pages of the REST API: `{"activityEventEntities":[…],…}`.
    Rest,
    /// An array of events, as Get-PowerBIActivityEvent prints it, or an envelope `{"value":[…]}`.
    Array,
    /// Objects one after another: NDJSON, or a single event.
    Objects,
    /// The rows of a Parquet file.
    Parquet,
    /// CSV with this header line.
    Csv(Vec<u8>),
}

impl SourceFormat {
    /// Returns the name for the lineage column and the summary of an ingest.
    pub fn name(&self) -> &'static str {
        match self {
            SourceFormat::Empty => "empty",
            SourceFormat::Rest => "rest",
            SourceFormat::Array => "array",
            SourceFormat::Objects => "ndjson",
            SourceFormat::Parquet => "parquet",
            SourceFormat::Csv(_) => "csv",
        }
    }
}
