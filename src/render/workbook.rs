//! Writes the package of an Excel workbook: a zip of XML parts (ECMA-376, Office Open XML).
//!
//! It supports sheets of values with six styles. The package contains no times, so the same sheets
//! give the same bytes.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::{Error, Result};

/// The largest number of rows of a sheet.
pub const MAX_SHEET_ROWS: usize = 1 << 20;
/// The largest number of UTF-16 units in a cell.
pub const MAX_CELL_UNITS: usize = 32_767;
/// The largest number of UTF-16 units in the name of a sheet.
const MAX_SHEET_NAME_UNITS: usize = 31;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";

/// The style of a cell; the numbers are positions in `STYLES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkbookStyle {
    /// No style.
    Plain = 0,
    /// Bold, for headers.
    Header = 1,
    /// A whole number.
    Whole = 2,
    /// A day.
    Date = 3,
    /// A day with a time.
    Time = 4,
    /// A sentence, wrapped.
    Sentence = 5,
}

const STYLES: &str = concat!(
    "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/>",
    "<numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>",
    "<fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font>",
    "<font><b/><sz val=\"11\"/><name val=\"Calibri\"/><family val=\"2\"/></font></fonts>",
    "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>",
    "<fill><patternFill patternType=\"gray125\"/></fill></fills>",
    "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>",
    "<cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>",
    "</cellStyleXfs><cellXfs count=\"6\">",
    "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>",
    "<xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>",
    "<xf numFmtId=\"1\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" ",
    "applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" ",
    "applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" ",
    "applyNumberFormat=\"1\"/>",
    "<xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" ",
    "applyAlignment=\"1\"><alignment horizontal=\"left\" vertical=\"top\" wrapText=\"1\"/></xf>",
    "</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/>",
    "</cellStyles>",
);

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkbookValue {
    /// No value.
    Empty,
    /// A text.
    Text(String),
    /// A number, a day or a time.
    Number(f64),
    /// True or false.
    Bool(bool),
}

/// A sheet without its rows.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The name on its tab.
    pub name: String,
    /// The widths of the columns, in digits.
    pub widths: Vec<usize>,
    /// The number of rows, the header included.
    pub rows: usize,
    /// True if the first row is a frozen header with filters.
    pub has_header: bool,
}

/// A workbook under construction, in memory.
pub struct Workbook {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    sheets: std::vec::IntoIter<Sheet>,
    /// The XML after the rows of the current sheet.
    sheet_end: Option<String>,
    /// XML that is not yet compressed.
    buffer: String,
    row_number: usize,
    /// The number of sheets that were started.
    started_sheets: usize,
}

impl Workbook {
    /// Starts a workbook of these sheets. Their names are changed to valid ones.
    pub fn new(mut sheets: Vec<Sheet>) -> Result<Workbook> {
        for sheet in &mut sheets {
            sheet.name = sheet_name(&sheet.name);
        }
        let zip = ZipWriter::new(Cursor::new(Vec::new())).set_auto_large_file();
        let none = Vec::new().into_iter();
        let text = String::new();
        let mut book = Workbook {
            zip,
            sheets: none,
            sheet_end: None,
            buffer: text,
            row_number: 0,
            started_sheets: 0,
        };
        // Programs that detect file types read the first part only.
        book.write_part("[Content_Types].xml", &content_types_xml(sheets.len())?)?;
        let root = format!(
            "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
             Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
        );
        book.write_part("_rels/.rels", &root)?;
        book.write_part("xl/workbook.xml", &workbook_xml(&sheets)?)?;
        book.write_part("xl/_rels/workbook.xml.rels", &relationships_xml(sheets.len())?)?;
        book.write_part(
            "xl/styles.xml",
            &format!("<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>"),
        )?;
        book.sheets = sheets.into_iter();
        Ok(book)
    }

    /// Starts the next sheet. Must be called before the first row, too.
    pub fn next_sheet(&mut self) -> Result<()> {
        self.end_sheet()?;
        (self.started_sheets, self.row_number) = (self.started_sheets + 1, 0);
        let number = self.started_sheets;
        let Some(sheet) = self.sheets.next() else {
            return Err(Error::internal("there are no more sheets"));
        };
        self.start_part(&format!("xl/worksheets/sheet{number}.xml"))?;
        let selected = if number == 1 { " tabSelected=\"1\"" } else { "" };
        let pane = "<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" \
                    state=\"frozen\"/><selection pane=\"bottomLeft\"/>";
        let pane = if sheet.has_header { pane } else { "" };
        push_fmt(
            &mut self.buffer,
            format_args!(
                "{XML}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} \
                 workbookViewId=\"0\">{pane}</sheetView></sheetViews>\
                 <sheetFormatPr defaultRowHeight=\"15\"/><cols>"
            ),
        )?;
        for (at, width) in sheet.widths.iter().enumerate() {
            let column = at + 1;
            let range = format_args!("min=\"{column}\" max=\"{column}\" width=\"{width}\"");
            push_fmt(&mut self.buffer, format_args!("<col {range} customWidth=\"1\"/>"))?;
        }
        self.buffer.push_str("</cols><sheetData>");
        let filter = filter_range(&sheet)
            .map(|[first, last]| format!("<autoFilter ref=\"{first}:{last}\"/>").replace('$', ""));
        self.sheet_end = Some(format!("</sheetData>{}</worksheet>", filter.unwrap_or_default()));
        Ok(())
    }

    /// Adds a row to the sheet.
    pub fn write_row(
        &mut self,
        cells: impl IntoIterator<Item = (WorkbookValue, WorkbookStyle)>,
    ) -> Result<()> {
        const FLUSH_BYTES: usize = 1 << 16;
        self.row_number += 1;
        let row = self.row_number;
        push_fmt(&mut self.buffer, format_args!("<row r=\"{row}\">"))?;
        for (at, (value, style)) in cells.into_iter().enumerate() {
            let (column, style) = (column_letters(at), style as usize);
            let cell = format_args!("<c r=\"{column}{row}\" s=\"{style}\"").to_string();
            match value {
                WorkbookValue::Empty => {}
                WorkbookValue::Number(number) => {
                    push_fmt(&mut self.buffer, format_args!("{cell}><v>{number}</v></c>"))?;
                }
                WorkbookValue::Bool(truth) => {
                    let truth = u8::from(truth);
                    push_fmt(&mut self.buffer, format_args!("{cell} t=\"b\"><v>{truth}</v></c>"))?;
                }
                WorkbookValue::Text(text) => {
                    self.buffer.push_str(&cell);
                    self.buffer.push_str(" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
                    escape_xml(&text, &mut self.buffer);
                    self.buffer.push_str("</t></is></c>");
                }
            }
        }
        self.buffer.push_str("</row>");
        if self.buffer.len() >= FLUSH_BYTES { self.flush() } else { Ok(()) }
    }

    /// Returns the workbook.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.end_sheet()?;
        Ok(self.zip.finish().map_err(Error::internal)?.into_inner())
    }

    fn end_sheet(&mut self) -> Result<()> {
        let Some(end) = self.sheet_end.take() else { return Ok(()) };
        self.buffer.push_str(&end);
        self.flush()
    }

    fn write_part(&mut self, name: &str, xml: &str) -> Result<()> {
        self.start_part(name)?;
        self.buffer.push_str(XML);
        self.buffer.push_str(xml);
        self.flush()
    }

    fn start_part(&mut self, name: &str) -> Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT);
        self.zip.start_file(name, options).map_err(Error::internal)
    }

    fn flush(&mut self) -> Result<()> {
        self.zip.write_all(self.buffer.as_bytes()).map_err(Error::internal)?;
        self.buffer.clear();
        Ok(())
    }
}

fn push_fmt(text: &mut String, part: std::fmt::Arguments<'_>) -> Result<()> {
    text.write_fmt(part).map_err(Error::internal)
}

fn workbook_xml(sheets: &[Sheet]) -> Result<String> {
    let mut xml = format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><bookViews>");
    xml.push_str("<workbookView/></bookViews><sheets>");
    let mut names = String::new();
    for (at, sheet) in sheets.iter().enumerate() {
        let (number, mut name) = (at + 1, String::new());
        escape_xml(&sheet.name, &mut name);
        let entry =
            format_args!("<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>");
        push_fmt(&mut xml, entry)?;
        // Excel adds this name to a filter, and some readers need it.
        if let Some([first, last]) = filter_range(sheet) {
            let quoted = name.replace('\'', "''");
            push_fmt(
                &mut names,
                format_args!(
                    "<definedName name=\"_xlnm._FilterDatabase\" localSheetId=\"{at}\" \
                     hidden=\"1\">'{quoted}'!{first}:{last}</definedName>"
                ),
            )?;
        }
    }
    xml.push_str("</sheets>");
    if !names.is_empty() {
        push_fmt(&mut xml, format_args!("<definedNames>{names}</definedNames>"))?;
    }
    xml.push_str("</workbook>");
    Ok(xml)
}

fn relationships_xml(sheets: usize) -> Result<String> {
    let mut xml = format!("<Relationships xmlns=\"{PACKAGE}/relationships\">");
    for number in 1..=sheets {
        push_fmt(
            &mut xml,
            format_args!(
                "<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/worksheet\" \
                 Target=\"worksheets/sheet{number}.xml\"/>"
            ),
        )?;
    }
    let number = sheets + 1;
    push_fmt(
        &mut xml,
        format_args!(
            "<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/styles\" \
             Target=\"styles.xml\"/></Relationships>"
        ),
    )?;
    Ok(xml)
}

fn content_types_xml(sheets: usize) -> Result<String> {
    const SPREADSHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let mut xml = format!(
        "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Override PartName=\"/xl/workbook.xml\" ContentType=\"{SPREADSHEET}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{SPREADSHEET}.styles+xml\"/>"
    );
    for number in 1..=sheets {
        push_fmt(
            &mut xml,
            format_args!(
                "<Override PartName=\"/xl/worksheets/sheet{number}.xml\" \
                 ContentType=\"{SPREADSHEET}.worksheet+xml\"/>"
            ),
        )?;
    }
    xml.push_str("</Types>");
    Ok(xml)
}

/// Returns the first and the last cell of the filter: those of the sheet, if it has a header.
fn filter_range(sheet: &Sheet) -> Option<[String; 2]> {
    let last = sheet.widths.len().checked_sub(1).filter(|_| sheet.has_header)?;
    Some(
        [(0, 1), (last, sheet.rows)]
            .map(|(column, row)| format!("${}${row}", column_letters(column))),
    )
}

/// Returns the name of a column: A to Z, then AA.
fn column_letters(column: usize) -> String {
    let (mut name, mut left) = (Vec::new(), column + 1);
    while left > 0 {
        left -= 1;
        name.push(char::from(b'A' + (left % 26) as u8));
        left /= 26;
    }
    name.iter().rev().collect()
}

/// Returns a valid name of a sheet, without the characters that have a meaning in formulas.
fn sheet_name(name: &str) -> String {
    let sign = |c: char| if "[]:*?/\\'".contains(c) || c.is_control() { ' ' } else { c };
    let name: String = name.chars().map(sign).collect();
    let name = utf16_prefix(&name, MAX_SHEET_NAME_UNITS).trim();
    if name.is_empty() { "Sheet".to_owned() } else { name.to_owned() }
}

/// Returns the longest prefix of at most `most` UTF-16 units, the units of Excel's limits.
pub fn utf16_prefix(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut units = 0;
    let over = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    over.map_or(text, |(end, _)| &text[..end])
}

/// Escapes a text for XML. Excel writes characters that XML cannot express as `_x001B_`. In a text
/// that contains such an escape, its first character is escaped, too.
fn escape_xml(text: &str, out: &mut String) {
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("_x{:04X}_", u32::from(c)));
            }
            '_' if is_excel_escape(&text.as_bytes()[at..]) => out.push_str("_x005F_"),
            c => out.push(c),
        }
    }
}

fn is_excel_escape(text: &[u8]) -> bool {
    let [b'_', b'x', digits @ ..] = text else { return false };
    matches!(digits, [a, b, c, d, b'_', ..] if [a, b, c, d].iter().all(|d| d.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        escape_xml(text, &mut out);
        out
    }

    #[test]
    fn texts_are_escaped_for_xml_and_excel() {
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
        assert_eq!(escaped("a\tb\nc\r\u{1b}\u{ffff}"), "a\tb\nc_x000D__x001B__xFFFF_");
        assert_eq!(
            escaped("_x000D_ _x00G0_ _x_ __x0041_"),
            "_x005F_x000D_ _x00G0_ _x_ __x005F_x0041_"
        );
        assert_eq!(escaped("売上_xé000_"), "売上_xé000_");
    }

    #[test]
    fn columns_have_the_names_of_excel() {
        let names = [0, 25, 26, 51, 52, 701, 702, 16_383].map(column_letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn sheet_names_are_valid_in_excel() {
        assert_eq!(sheet_name("top-reports"), "top-reports");
        assert_eq!(sheet_name("a[b]:c*d?e/f\\g'h"), "a b  c d e f g h");
        assert_eq!(sheet_name("''"), "Sheet");
        assert_eq!(sheet_name(&"💶".repeat(20)), "💶".repeat(15));
    }

    #[test]
    fn prefixes_count_utf16_units_and_keep_characters_whole() {
        assert_eq!(utf16_prefix("売上💶x", 3), "売上");
        assert_eq!(utf16_prefix("売上💶x", 4), "売上💶");
        assert_eq!(utf16_prefix("売上💶x", 5), "売上💶x");
        assert_eq!(utf16_prefix("", 0), "");
    }
}
