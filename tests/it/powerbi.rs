//! Tests of Power BI projects: the model and the report refer only to what exists, pages have no
//! overlap, names are valid, and a second run replaces the data only.
//!
//! tests/powerbi compares the figures with the reports, and the files with Microsoft's schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::archive::year;
use crate::attack;
use crate::tmdl::{Model, read_model};
use crate::workdir::{Ran, Workdir};

/// Functions of M that the model uses. A typing error in a name would only be found by Power BI.
const M_FUNCTIONS: [&str; 4] =
    ["Parquet.Document", "File.Contents", "Table.RenameColumns", "Table.TransformColumnTypes"];

/// Greatest number of characters of the name of a page or a visual.
const MAX_NAME: usize = 50;

fn write_project(dir: &Workdir, store: &Path, flags: &[&str]) -> Ran {
    let mut command = dir.command(["powerbi", "--output", "project", "--store"]);
    command.arg(store).args(flags);
    Ran::of(&command.output().expect("the program can be started"))
}

/// Returns a project of the invented year.
fn year_project() -> Workdir {
    let dir = Workdir::new();
    write_project(&dir, &year().dir.join("store"), &[]).ended(0);
    dir
}

/// Returns all files below a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Returns the JSON files of a project with their paths below it.
fn json_files(project: &Path) -> BTreeMap<String, Value> {
    let is_json = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == ".platform"
            || [".json", ".pbip", ".pbir", ".pbism"].iter().any(|end| name.ends_with(end))
    };
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("the file is UTF-8");
        assert!(!text.starts_with('\u{feff}'), "{} has a byte order mark", path.display());
        let name = path.strip_prefix(project).expect("it is below").to_string_lossy();
        (name.replace('\\', "/"), serde_json::from_str(&text).expect("the file is JSON"))
    };
    files(project).into_iter().filter(is_json).map(read).collect()
}

/// Calls `take` with every object in a value.
fn walk(value: &Value, take: &mut dyn FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            take(members);
            members.values().for_each(|value| walk(value, take));
        }
        Value::Array(values) => values.iter().for_each(|value| walk(value, take)),
        _ => {}
    }
}

/// Returns the problems of the fields and literals in a JSON file of the report.
fn field_problems(model: &Model, name: &str, file: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    walk(file, &mut |members| {
        for kind in ["Column", "Measure"] {
            let Some(field) = members.get(kind) else { continue };
            let source = &field["Expression"]["SourceRef"];
            // A filter names its table by an alias.
            let Some(table) = source["Entity"].as_str() else { continue };
            let property = field["Property"].as_str().unwrap_or_default();
            let exists = match kind {
                "Column" => model.columns.contains_key(&(table.to_owned(), property.to_owned())),
                _ => model.measures.get(property).is_some_and(|measure| measure.table == table),
            };
            if !exists {
                problems.push(format!("{name}: there is no {kind} {table}[{property}]"));
            }
        }
        if let Some(reference) = members.get("queryRef").and_then(Value::as_str) {
            let native = members["nativeQueryRef"].as_str().unwrap_or_default();
            if !reference.ends_with(&format!(".{native}")) {
                problems.push(format!("{name}: {reference} is not {native}"));
            }
        }
        if let Some(literal) = members.get("Literal") {
            let text = literal["Value"].as_str().unwrap_or_default();
            let is_text = text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
            let is_number =
                text.strip_suffix('D').is_some_and(|digits| digits.parse::<u8>().is_ok());
            if !is_text && !is_number && !["true", "false"].contains(&text) {
                problems.push(format!("{name}: {text} is no literal"));
            }
        }
    });
    problems
}

/// Returns the problems of the positions on the pages.
fn layout_problems(files: &BTreeMap<String, Value>) -> Vec<String> {
    let mut problems = Vec::new();
    let pages = files.iter().filter(|(name, _)| name.ends_with("/page.json"));
    for (page_name, page) in pages {
        let folder = page_name.trim_end_matches("page.json");
        let number = |value: &Value| value.as_i64().expect("a whole number");
        let visuals: Vec<(&String, [i64; 4])> = files
            .iter()
            .filter(|(name, _)| name.starts_with(folder) && name.ends_with("/visual.json"))
            .map(|(name, visual)| {
                let place = &visual["position"];
                (name, ["x", "y", "width", "height"].map(|side| number(&place[side])))
            })
            .collect();
        assert!(visuals.len() > 3, "{page_name} has visuals");
        let (page_width, page_height) = (number(&page["width"]), number(&page["height"]));
        for (at, (name, [x, y, width, height])) in visuals.iter().enumerate() {
            let (right, bottom) = (x + width, y + height);
            if *x < 0 || *y < 0 || right > page_width || bottom > page_height {
                problems.push(format!("{name} is outside the page"));
            }
            if *width < 56 || *height < 40 {
                problems.push(format!("{name} is too small"));
            }
            for (other, [left, top, other_width, other_height]) in &visuals[at + 1..] {
                let overlaps = *x < left + other_width
                    && *left < right
                    && *y < top + other_height
                    && *top < bottom;
                if overlaps {
                    problems.push(format!("{name} overlaps {other}"));
                }
            }
        }
    }
    problems
}

/// Returns the problems of names: of folders, and of filters in the whole report.
fn name_problems(files: &BTreeMap<String, Value>) -> Vec<String> {
    let (mut problems, mut names) = (Vec::new(), BTreeSet::new());
    for (path, file) in files {
        let parts: Vec<&str> = path.split('/').collect();
        if let [.., folder, "visual.json" | "page.json"] = parts.as_slice() {
            let name = file["name"].as_str().unwrap_or_default();
            let is_part = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
            if name != *folder || name.len() > MAX_NAME || !name.chars().all(is_part) {
                problems.push(format!("{path}: invalid name {name:?}"));
            }
            if !names.insert(name.to_owned()) {
                problems.push(format!("{path}: the name {name} is used twice"));
            }
        }
        for filter in file["filterConfig"]["filters"].as_array().into_iter().flatten() {
            let name = filter["name"].as_str().unwrap_or_default();
            if !name.starts_with("Filter") || !names.insert(name.to_owned()) {
                problems.push(format!("{path}: the filter name {name} is invalid or used twice"));
            }
        }
        if !file["$schema"].as_str().is_some_and(|schema| schema.starts_with("https://")) {
            problems.push(format!("{path}: there is no $schema"));
        }
    }
    problems
}

#[test]
fn report_refers_to_fields_of_the_model_and_has_valid_names_and_pages() {
    let dir = year_project();
    let project = dir.join("project");
    let model = read_model(&project.join("Usage.SemanticModel/definition"));
    let all = json_files(&project);
    let report: BTreeMap<String, Value> =
        all.iter().filter(|(name, _)| name.starts_with("Usage.Report/")).map(clone).collect();
    let mut problems = name_problems(&all);
    problems.extend(layout_problems(&report));
    for (name, file) in &report {
        problems.extend(field_problems(&model, name, file));
    }
    assert!(problems.is_empty(), "{problems:#?}");

    let pages = &report["Usage.Report/definition/pages/pages.json"];
    let order: BTreeSet<&str> =
        pages["pageOrder"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let folders: BTreeSet<&str> = report
        .keys()
        .filter_map(|name| name.strip_suffix("/page.json"))
        .filter_map(|name| name.rsplit('/').next())
        .collect();
    assert_eq!(order, folders);
    // Every page says which days are complete.
    for folder in folders {
        let is_note = |(name, file): (&String, &Value)| {
            name.contains(folder) && file.to_string().contains("\"Date.Coverage Note\"")
        };
        assert!(report.iter().any(is_note), "{folder} has no note on the coverage");
    }
    let target = &all["Usage.Report/definition.pbir"]["datasetReference"]["byPath"]["path"];
    assert!(project.join("Usage.Report").join(target.as_str().expect("a path")).is_dir());
    assert_eq!(all["Usage.pbip"]["artifacts"][0]["report"]["path"], "Usage.Report");
}

fn clone((name, file): (&String, &Value)) -> (String, Value) {
    (name.clone(), file.clone())
}

/// The checks find what they are for.
#[test]
fn broken_reports_are_found() {
    let dir = year_project();
    let project = dir.join("project");
    let model = read_model(&project.join("Usage.SemanticModel/definition"));
    let good: BTreeMap<String, Value> = json_files(&project.join("Usage.Report"));
    let visual = good.keys().find(|name| name.ends_with("/visual.json")).expect("a visual");
    let broken = |from: &str, to: &str| -> Vec<String> {
        let change = |(name, file): (&String, &Value)| {
            let text = file.to_string().replace(from, to);
            (name.clone(), serde_json::from_str(&text).expect("still JSON"))
        };
        let files: BTreeMap<String, Value> = good.iter().map(change).collect();
        let mut problems = name_problems(&files);
        problems.extend(layout_problems(&files));
        files.iter().for_each(|(name, file)| problems.extend(field_problems(&model, name, file)));
        problems
    };
    let name = good[visual]["name"].as_str().expect("a name");
    for (from, to, found) in [
        ("\"Property\":\"Views\"", "\"Property\":\"View\"", "there is no Measure Activity[View]"),
        ("\"Property\":\"Month\"", "\"Property\":\"Mont\"", "there is no Column Date[Mont]"),
        ("{\"Measure\":", "{\"Column\":", "there is no Column"),
        ("\"Exports.Total Exports\"", "\"Exports\"", "is not Total Exports"),
        ("\"'partial'\"", "\"partial\"", "is no literal"),
        ("\"width\":774", "\"width\":775", ""),
        ("\"width\":774", "\"width\":900", "overlaps"),
        ("\"y\":512", "\"y\":540", "outside the page"),
        ("\"height\":72", "\"height\":30", "is too small"),
        (name, "0", "invalid name"),
        ("\"$schema\"", "\"schema\"", "there is no $schema"),
        ("\"name\":\"Filter", "\"name\":\"F", "filter name"),
    ] {
        let problems = broken(from, to);
        let is_found = problems.iter().any(|problem| problem.contains(found));
        assert_eq!(is_found, !found.is_empty(), "{from} -> {to}: {problems:?}");
    }
}

#[test]
fn model_is_consistent_and_follows_its_conventions() {
    let dir = year_project();
    let model = read_model(&dir.join("project/Usage.SemanticModel/definition"));
    let problems = model.problems();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!((model.tables.len(), model.relationships.len()), (15, 25));
    for functions in model.tables.values().map(|text| m_functions(text)) {
        let unknown = functions.iter().find(|name| !M_FUNCTIONS.contains(&name.as_str()));
        assert_eq!(unknown, None);
    }
}

/// Returns the functions that the query of a table calls.
fn m_functions(table: &str) -> BTreeSet<String> {
    let source = table.split_once("\tsource =").expect("a table has a query").1;
    let is_part = |c: char| c.is_alphanumeric() || "._".contains(c);
    let calls = source.match_indices('(').map(|(at, _)| {
        let before = &source[..at];
        before[before.rfind(|c: char| !is_part(c)).map_or(0, |start| start + 1)..].to_owned()
    });
    calls.collect()
}

#[test]
fn broken_models_are_found() {
    let dir = year_project();
    let folder = dir.join("project/Usage.SemanticModel/definition");
    let activity = folder.join("tables/Activity.tmdl");
    let relationships = folder.join("relationships.tmdl");
    for (file, from, to, found) in [
        (&activity, "Activity[Event Count]", "Activity[Events Count]", "names no column"),
        (&activity, "[Report Viewers] )", "[Readers] )", "names no measure"),
        (&activity, "measure Creators", "measure Events", "is there twice"),
        (&activity, "measure Creators", "measure 'Actor Kind'", "has the name of a column"),
        (&activity, "\t/// Distinct reports with views.\n", "", "has no description"),
        (&activity, "\t\tformatString: 0.0%\n", "", "has no format"),
        (&activity, "\t\tdisplayFolder: Failures\n", "", "has no folder"),
        (&relationships, "toColumn: Hour.Hour", "toColumn: Hour.Hours", "no column Hour[Hours]"),
        (&relationships, "toColumn: Hour.Hour", "toColumn: Date.Date", "types differ"),
    ] {
        let good = std::fs::read_to_string(file).expect("the file can be read");
        assert!(good.contains(from), "{from}");
        std::fs::write(file, good.replace(from, to)).expect("the file can be written");
        let problems = read_model(&folder).problems();
        assert!(problems.iter().any(|problem| problem.contains(found)), "{to}: {problems:?}");
        std::fs::write(file, good).expect("the file can be written");
    }
    std::fs::remove_file(&activity).expect("the file can be deleted");
    assert!(!read_model(&folder).problems().is_empty());
}

#[test]
fn second_run_writes_the_same_data_and_keeps_the_rest() {
    let dir = Workdir::new();
    let store = year().dir.join("store");
    let first = write_project(&dir, &store, &["--data-folder", "D:\\usage\\data"]).ended(0);
    assert!(first.stderr.contains("wrote the project Usage.pbip"), "{}", first.stderr);
    let project = dir.join("project");
    let read = |name: &str| std::fs::read_to_string(project.join(name)).expect("it is a text");
    let parameter = read("Usage.SemanticModel/definition/expressions.tmdl");
    assert!(parameter.contains("expression DataFolder = \"D:\\usage\\data\\\" meta"));

    let bytes = |folder: &Path| -> Vec<Vec<u8>> {
        files(folder).iter().map(|file| std::fs::read(file).expect("it can be read")).collect()
    };
    let before = bytes(&project.join("data"));
    std::fs::write(project.join("Usage.pbip"), "mine").expect("the file can be written");
    let second = write_project(&dir, &store, &[]).ended(0);
    assert!(second.stderr.contains("the model and the report are unchanged"), "{}", second.stderr);
    assert_eq!((bytes(&project.join("data")), read("Usage.pbip").as_str()), (before, "mine"));

    write_project(&dir, &store, &["--overwrite-project", "--quiet"]).ended(0);
    assert!(read("Usage.pbip").contains("pbipProperties"));
    let one = bytes(&project);
    write_project(&dir, &store, &["--overwrite-project", "--quiet"]).ended(0);
    assert_eq!(one, bytes(&project));
}

#[test]
fn folders_of_others_and_invalid_names_are_refused_before_reading() {
    let dir = Workdir::new();
    let store = dir.join("missing");
    dir.write("project/data/mine.csv", "");
    let refused = write_project(&dir, &store, &[]).ended(2);
    assert!(refused.stderr.contains("project contains data"), "{}", refused.stderr);
    for (flag, value, message) in [
        ("--name", "a/b", "cannot be the name of a project"),
        ("--name", "a\u{202e}b", "cannot be the name of a project"),
        ("--name", "", "it is empty"),
        ("--data-folder", "data", "is not an absolute path"),
        ("--data-folder", "D:\\a\nb", "contains a control character"),
        ("--unused-days", "0", "is not in 1..=3660"),
    ] {
        let refused = write_project(&dir, &store, &[flag, value]).ended(2);
        assert!(refused.stderr.contains(message), "{value:?}: {}", refused.stderr);
    }
    assert_eq!(files(&dir.join("project")).len(), 1);
}

#[test]
fn store_without_events_and_names_that_attack_make_a_project() {
    let dir = Workdir::new();
    attack::write(&dir.join("attack")).expect("the archive can be written");
    dir.ingest("store", &["attack"]).0.one_of(&[0, 3]);
    let flags = ["--name", "Nutzung 2026_ä"];
    write_project(&dir, &dir.join("store"), &flags).ended(0);
    let project = dir.join("project");
    assert!(project.join("Nutzung 2026_ä.pbip").is_file());
    let names = |folder: &str| std::fs::read_dir(project.join(folder)).map(Iterator::count);
    assert_eq!(names("data").expect("there is data"), 15);

    // A period without days has empty tables with all columns.
    let flags = ["--since", "2001-01-01", "--until", "2001-01-02", "--name", "Empty"];
    let empty = Workdir::new();
    write_project(&empty, &dir.join("store"), &flags).ended(0);
    assert_eq!(files(&empty.join("project/data")).len(), 15);
}
