//! Creates a few events as compact JSON, for archives that a test writes itself.

/// Returns a simple event; its length does not depend on the numbers.
pub fn plain(family: usize, number: usize) -> String {
    let (id, minute) = (id(family, number), number % 60);
    format!(r#"{{"Id":"{id}","RecordType":20,"CreationTime":"2026-03-01T08:{minute:02}:00","#)
        + r#""Operation":"ViewReport","UserId":"ann@north.example","ReportName":"Umsätze 💶"}"#
}

/// Returns the id of [`plain`].
pub fn id(family: usize, number: usize) -> String {
    format!("{family:08}-0000-4000-8000-{number:012}")
}

/// Returns events with everything that containers and encodings could damage: quotes, commas, line
/// breaks and separators in texts, characters of all lengths in UTF-8, nested values, and exact
/// numbers.
pub fn various() -> Vec<String> {
    let head = |number: usize| {
        let id = id(90, number);
        format!(r#""Id":"{id}","RecordType":20,"CreationTime":"2026-03-02T09:0{number}:00""#)
    };
    let user = r#""UserId":"ann@north.example","UserType":0,"Workload":"PowerBI""#;
    [
        format!(r#"{{{},"Operation":"ViewReport",{user},"IsSuccess":true}}"#, head(1)),
        format!(
            r#"{{{},"Operation":"ViewReport",{user},"ReportName":"a \"b\", c; d\te {{[\\]}}","Note":"two\r\nlines"}}"#,
            head(2)
        ),
        format!(
            r#"{{{},"Operation":"ViewDashboard",{user},"DashboardName":"Übersicht – 売上 💶","WorkSpaceName":"Größe"}}"#,
            head(3)
        ),
        format!(
            r#"{{{},"Operation":"ExportReport",{user},"Datasets":[{{"DatasetId":"7F0A1B2C-0000-4000-8000-00000000000A","DatasetName":"Sales, EMEA"}}],"ExportedArtifactInfo":{{"ExportType":"PDF","ArtifactId":17,"Odd":[1.50,{{"deep":null}}]}}}}"#,
            head(4)
        ),
        format!(
            r#"{{{},"Operation":"SomethingNew",{user},"Exact":[12345678901234567890123,0.10,1e2,-0.5],"Empty":"","List":[]}}"#,
            head(5)
        ),
    ]
    .to_vec()
}

/// A text in an encoding that Windows and PowerShell write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
}

pub const CODINGS: [Coding; 4] =
    [Coding::Utf8, Coding::Utf8Marked, Coding::Utf16Le, Coding::Utf16Be];

impl Coding {
    /// Returns the bytes of a file with the text.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let marked = || "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
        match self {
            Coding::Utf8 => text.as_bytes().to_vec(),
            Coding::Utf8Marked => [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            Coding::Utf16Le => marked().flat_map(u16::to_le_bytes).collect(),
            Coding::Utf16Be => marked().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// Returns the byte of the file after the text `before`.
    pub fn position(self, before: &str) -> u64 {
        self.encode(before).len() as u64
    }
}

/// Quotes a cell of a CSV as every exporter does.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
