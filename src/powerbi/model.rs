//! The semantic model as text files (TMDL). Only the folder of the data varies.

use super::data_folder::DataFolder;

/// Replaced by the folder of the data.
const DATA_FOLDER_MARK: &str = "@DATA_FOLDER@";

macro_rules! template {
    ($name:literal) => {
        ($name, include_str!(concat!("template/model/", $name)))
    };
}

/// The files of the model below its folder `definition`, in the form that Microsoft's library
/// writes.
const FILES: [(&str, &str); 5] = [
    template!("database.tmdl"),
    template!("expressions.tmdl"),
    template!("model.tmdl"),
    template!("relationships.tmdl"),
    ("cultures/en-US.tmdl", include_str!("template/model/en-US.tmdl")),
];

/// The tables of the model: their names and files.
pub const MODEL_TABLES: [(&str, &str); 15] = [
    ("Activity", include_str!("template/model/tables/activity.tmdl")),
    ("Exports", include_str!("template/model/tables/exports.tmdl")),
    ("Sharing", include_str!("template/model/tables/sharing.tmdl")),
    ("Presence", include_str!("template/model/tables/presence.tmdl")),
    ("Inventory", include_str!("template/model/tables/inventory.tmdl")),
    ("Licenses", include_str!("template/model/tables/licenses.tmdl")),
    ("Date", include_str!("template/model/tables/date.tmdl")),
    ("Hour", include_str!("template/model/tables/hour.tmdl")),
    ("User", include_str!("template/model/tables/user.tmdl")),
    ("Item", include_str!("template/model/tables/item.tmdl")),
    ("Workspace", include_str!("template/model/tables/workspace.tmdl")),
    ("Capacity", include_str!("template/model/tables/capacity.tmdl")),
    ("Activity Type", include_str!("template/model/tables/activity_type.tmdl")),
    ("Client", include_str!("template/model/tables/client.tmdl")),
    ("About", include_str!("template/model/tables/about.tmdl")),
];

/// Returns the files of the model: names below its folder `definition`, and texts.
pub fn model_files(data_folder: &DataFolder) -> Vec<(String, String)> {
    let text = |text: &str| text.replace(DATA_FOLDER_MARK, &data_folder.to_m_text());
    let general = FILES.iter().map(|(name, file)| ((*name).to_owned(), text(file)));
    let tables =
        MODEL_TABLES.iter().map(|(name, file)| (format!("tables/{name}.tmdl"), (*file).to_owned()));
    general.chain(tables).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::CellKind;
    use crate::powerbi::tables::TABLES;

    /// Returns the columns of a table as its query renames and types them.
    fn columns(text: &str) -> Vec<(String, String, String)> {
        let line = |start: &str| {
            let found = text.lines().map(str::trim).find(|line| line.starts_with(start));
            found.unwrap_or_default().to_owned()
        };
        let pairs = |line: &str| -> Vec<(String, String)> {
            let list = line.split_once("{{").map_or("", |(_, rest)| rest);
            let list = list.split_once("}}").map_or("", |(list, _)| list);
            let pair = |pair: &str| {
                let (a, b) = pair.split_once(", ").unwrap_or_default();
                (a.trim_matches('"').to_owned(), b.trim_matches('"').to_owned())
            };
            list.split("}, {").map(pair).collect()
        };
        let (renamed, typed) = (pairs(&line("Renamed = ")), pairs(&line("Typed = ")));
        assert_eq!(renamed.len(), typed.len());
        let joined = renamed.into_iter().zip(typed).map(|((file, name), (again, kind))| {
            assert_eq!(name, again);
            (file, name, kind)
        });
        joined.collect()
    }

    #[test]
    fn model_has_the_columns_of_the_files_with_their_types() {
        assert_eq!(TABLES.len(), MODEL_TABLES.len());
        for (spec, (name, text)) in TABLES.iter().zip(MODEL_TABLES) {
            let source = format!("File.Contents(DataFolder & \"{}\")", spec.file_name());
            assert!(text.contains(&source), "{name} reads {}", spec.file_name());
            let columns = columns(text);
            assert_eq!(columns.len(), spec.columns.len(), "{name}");
            for ((file, model, m_type), (column, kind)) in columns.iter().zip(spec.columns) {
                let (expected, data_type) = match kind {
                    CellKind::Int => ("Int64.Type", "int64"),
                    CellKind::Bool => ("type logical", "boolean"),
                    CellKind::Date => ("type date", "dateTime"),
                    _ => ("type text", "string"),
                };
                assert_eq!((file.as_str(), m_type.as_str()), (*column, expected), "{name}");
                let quoted = match model.contains(' ') {
                    true => format!("'{model}'"),
                    false => model.clone(),
                };
                let declared = format!("\tcolumn {quoted}\n\t\tdataType: {data_type}\n");
                assert!(text.contains(&declared), "{name}: {model} is declared as {data_type}");
                assert!(text.contains(&format!("\t\tsourceColumn: {model}\n")), "{name}: {model}");
            }
            assert_eq!(text.matches("\n\tcolumn ").count(), columns.len(), "{name}");
        }
    }

    #[test]
    fn folder_of_the_data_is_a_text_of_m() {
        let folder: DataFolder = "C:\\a \"b\"".parse().unwrap();
        let files = model_files(&folder);
        let expressions = files.iter().find(|(name, _)| name == "expressions.tmdl").unwrap();
        let expected =
            "expression DataFolder = \"C:\\a \"\"b\"\"\\\" meta [IsParameterQuery = true";
        assert!(expressions.1.contains(expected), "{}", expressions.1);
        assert!(files.iter().all(|(_, text)| !text.contains(DATA_FOLDER_MARK)));
    }
}
