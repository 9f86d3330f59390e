//! Finds source files, decodes them, and cuts their text into chunks of whole records.
//!
//! [`discover`] lists the files. [`ChunkReader`] decompresses and decodes one of them and returns
//! chunks of text with the bounds of their records. While one thread reads a file, others can parse
//! its records, and no file has to fit into memory.

mod bounds;
mod chunks;
mod csv_rows;
mod decode;
mod decompress;
mod discover;
mod disk;
mod embedded_json;
mod encoding;
mod envelopes;
mod exclude;
mod format;
mod json_preamble;
mod json_table;
mod kernel_files;
mod member;
mod parquet_text;
mod positions;
mod problem;
mod structural_scan;
mod table_header;
mod tar;
mod text;
mod text_buffer;
mod unsupported;
mod zip;

pub use chunks::{Chunk, ChunkReader};
pub use discover::{
    DiscoveredFiles, NON_DATA_EXTENSIONS, SourceFile, TableLister, discover, display_name,
};
pub use disk::{digest, edge_digest};
pub use exclude::ExcludePatterns;
pub use format::SourceFormat;
pub use member::{MemberResult, SourceMember, UnsupportedText};
pub use problem::{DecodeProblem, ProblemScope};
pub use table_header::{ListTable, list_table};
pub use text_buffer::TextBuffer;
