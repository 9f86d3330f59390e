//! Writes rows to a Parquet file part by part, with the types and the compression that every reader
//! of Parquet knows.
//!
//! Power BI reads these files. Its documentation does not name unsigned numbers, decimals, times
//! and newer compressions, so a table has only texts, whole numbers, booleans and dates, compressed
//! with Snappy.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::grid::{CellKind, Grid, GridColumn};
use crate::{Error, Result};

use super::parquet::{column_array, data_type};

/// A Parquet file that is being written.
pub struct TableWriter {
    path: PathBuf,
    columns: Vec<GridColumn>,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    rows: u64,
}

impl TableWriter {
    /// Creates a file for rows with these columns.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be created; [`Error::Internal`] for a column of a kind that
    /// a table cannot have.
    pub fn create(path: &Path, columns: &[(&str, CellKind)]) -> Result<TableWriter> {
        let allowed = [CellKind::Text, CellKind::Int, CellKind::Bool, CellKind::Date];
        if let Some((name, kind)) = columns.iter().find(|(_, kind)| !allowed.contains(kind)) {
            return Err(Error::internal(format!("column {name} is {kind:?}")));
        }
        let fields = columns.iter().map(|(name, kind)| Field::new(*name, data_type(*kind), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .build();
        let options =
            ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = File::create(path).map_err(Error::io("create", path))?;
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(|error| write_error(path, error))?;
        let columns = Grid::new(columns.iter().copied()).columns;
        Ok(TableWriter { path: path.to_path_buf(), columns, schema, writer, rows: 0 })
    }

    /// Appends rows, which must have the columns of the table.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written; [`Error::Internal`] for other columns.
    pub fn append(&mut self, grid: &Grid) -> Result<()> {
        if grid.columns != self.columns {
            let (found, expected) = (&grid.columns, &self.columns);
            return Err(Error::internal(format!("columns {found:?}, expected {expected:?}")));
        }
        let arrays =
            (0..grid.columns.len()).map(|at| column_array(grid, at)).collect::<Result<_>>()?;
        let batch =
            RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(Error::internal)?;
        self.writer.write(&batch).map_err(|error| write_error(&self.path, error))?;
        self.rows += grid.rows.len() as u64;
        Ok(())
    }

    /// Ends the file, syncs it to disk and returns the number of its rows.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the file cannot be written.
    pub fn finish(self) -> Result<u64> {
        let TableWriter { path, writer, rows, .. } = self;
        let file = writer.into_inner().map_err(|error| write_error(&path, error))?;
        file.sync_all().map_err(Error::io("write", &path))?;
        Ok(rows)
    }
}

/// Returns the error of the system if there is one, for example a full disk.
fn write_error(path: &Path, error: ParquetError) -> Error {
    let source = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => *source,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    };
    Error::io("write", path)(source)
}

#[cfg(test)]
mod tests {
    use parquet::basic::{PageType, Type};
    use parquet::column::page::Page;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::grid::Cell;

    const COLUMNS: [(&str, CellKind); 4] = [
        ("day", CellKind::Date),
        ("key", CellKind::Int),
        ("name", CellKind::Text),
        ("is_new", CellKind::Bool),
    ];

    fn grid(rows: Vec<Vec<Cell>>) -> Grid {
        Grid { rows, ..Grid::new(COLUMNS) }
    }

    #[test]
    fn file_has_plain_types_snappy_and_first_version_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let mut table = TableWriter::create(&path, &COLUMNS).unwrap();
        for key in 0..3 {
            let name = Cell::Text("売上".into());
            let row = vec![Cell::Date { days: 20_513 }, Cell::Int(key), name, Cell::Bool(true)];
            table.append(&grid(vec![row, vec![Cell::Null; 4]])).unwrap();
        }
        assert_eq!(table.finish().unwrap(), 6);
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let metadata = reader.metadata();
        assert_eq!(metadata.file_metadata().num_rows(), 6);
        assert!(metadata.file_metadata().key_value_metadata().is_none());
        let columns = metadata.file_metadata().schema_descr().columns();
        let types: Vec<_> = columns.iter().map(|column| column.physical_type()).collect();
        assert_eq!(types, [Type::INT32, Type::INT64, Type::BYTE_ARRAY, Type::BOOLEAN]);
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).unwrap();
            for column in 0..4 {
                assert_eq!(group.metadata().column(column).compression(), Compression::SNAPPY);
                let pages = group.get_column_page_reader(column).unwrap();
                for page in pages {
                    let kind = page.as_ref().map(Page::page_type).unwrap();
                    assert_ne!(kind, PageType::DATA_PAGE_V2);
                }
            }
        }
    }

    #[test]
    fn other_columns_and_kinds_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let mut table = TableWriter::create(&path, &COLUMNS).unwrap();
        let error = table.append(&Grid::new([("day", CellKind::Int)])).unwrap_err().to_string();
        assert!(error.contains("expected"), "{error}");
        for kind in [CellKind::Float, CellKind::Time, CellKind::LocalTime] {
            assert!(TableWriter::create(&path, &[("x", kind)]).is_err(), "{kind:?}");
        }
        let missing = folder.path().join("missing/a.parquet");
        assert!(TableWriter::create(&missing, &COLUMNS).is_err());
    }
}
