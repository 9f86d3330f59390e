//! Reads the model of a Power BI project, as far as its tests need, and checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A measure of the model.
pub struct Measure {
    pub table: String,
    pub expression: String,
    pub description: bool,
    pub format: bool,
    pub folder: bool,
}

/// The content of a model.
#[derive(Default)]
pub struct Model {
    /// Text of each table.
    pub tables: BTreeMap<String, String>,
    /// Type of each column, by table and name.
    pub columns: BTreeMap<(String, String), String>,
    /// Measures by name.
    pub measures: BTreeMap<String, Measure>,
    /// Table and column of both sides.
    pub relationships: Vec<[(String, String); 2]>,
    /// Problems found while reading.
    problems: Vec<String>,
}

/// Reads the folder `definition` of a model.
pub fn read_model(folder: &Path) -> Model {
    let mut model = Model::default();
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder.join("tables")).expect("the model has tables") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file is UTF-8");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        model.read_table(&name, &text);
        names.insert(name);
    }
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it is a text");
    let listed: BTreeSet<String> = text("model.tmdl")
        .lines()
        .filter_map(|line| line.strip_prefix("ref table "))
        .map(unquote)
        .collect();
    if listed != names {
        model.problems.push(format!("the model lists {listed:?}, the files are {names:?}"));
    }
    let sides = |start: &str| -> Vec<(String, String)> {
        let text = text("relationships.tmdl");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(start));
        lines.map(table_and_column).collect()
    };
    let pairs = sides("fromColumn: ").into_iter().zip(sides("toColumn: "));
    model.relationships = pairs.map(|(from, to)| [from, to]).collect();
    model
}

/// Returns a name without its quotes.
fn unquote(name: &str) -> String {
    let inner = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
    inner.map_or(name.to_owned(), |name| name.replace("''", "'"))
}

/// Returns the parts of `Table.'Column Name'`.
fn table_and_column(text: &str) -> (String, String) {
    let at = match text.strip_prefix('\'') {
        Some(rest) => rest.find('\'').map(|at| at + 2),
        None => text.find('.'),
    };
    let (table, column) = text.split_at(at.expect("a table and a column"));
    (unquote(table), unquote(&column[1..]))
}

impl Model {
    fn read_table(&mut self, table: &str, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        if !lines
            .iter()
            .any(|line| line.strip_prefix("table ").map(unquote).as_deref() == Some(table))
        {
            self.problems.push(format!("{table}.tmdl defines no table {table}"));
        }
        for (at, line) in lines.iter().enumerate() {
            let description = at > 0 && lines[at - 1].starts_with("\t/// ");
            let body: Vec<&str> = lines[at + 1..]
                .iter()
                .copied()
                .take_while(|line| line.starts_with("\t\t"))
                .collect();
            let has = |start: &str| body.iter().any(|line| line.starts_with(start));
            if let Some(rest) = line.strip_prefix("\tmeasure ") {
                let (name, first) = rest.split_once(" =").expect("a measure has an expression");
                let more = body.iter().filter(|line| line.starts_with("\t\t\t"));
                let expression =
                    [first].into_iter().chain(more.copied()).collect::<Vec<_>>().join("\n");
                let measure = Measure {
                    table: table.to_owned(),
                    expression,
                    description,
                    format: has("\t\tformatString: "),
                    folder: has("\t\tdisplayFolder: "),
                };
                if self.measures.insert(unquote(name), measure).is_some() {
                    self.problems.push(format!("the measure {name} is there twice"));
                }
            } else if let Some(name) = line.strip_prefix("\tcolumn ") {
                let kind = body.iter().find_map(|line| line.strip_prefix("\t\tdataType: "));
                let kind = kind.expect("a column has a type").to_owned();
                let is_hidden = body.contains(&"\t\tisHidden");
                if !is_hidden && !description {
                    self.problems.push(format!("{name} is visible and has no description"));
                }
                self.columns.insert((table.to_owned(), unquote(name)), kind);
            }
        }
        self.tables.insert(table.to_owned(), text.to_owned());
    }

    /// Returns all problems.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        for (name, measure) in &self.measures {
            let is_column = |(_, column): &&(String, String)| column.eq_ignore_ascii_case(name);
            if self.columns.keys().any(|column| column.0 == measure.table && is_column(&column)) {
                problems.push(format!("the measure {name} has the name of a column"));
            }
            let is_text = measure.expression.contains("FORMAT (")
                || measure.expression.contains("SELECTEDVALUE (");
            for (missing, what) in [
                (!measure.description, "description"),
                (!measure.format && !is_text, "format"),
                (!measure.folder, "folder"),
            ] {
                if missing {
                    problems.push(format!("the measure {name} has no {what}"));
                }
            }
            problems.extend(self.reference_problems(name, &measure.expression));
        }
        for [from, to] in &self.relationships {
            let types = [from, to].map(|column| self.columns.get(column));
            for (column, found) in [from, to].into_iter().zip(types) {
                if found.is_none() {
                    problems.push(format!("there is no column {}[{}]", column.0, column.1));
                }
            }
            if types[0] != types[1] {
                problems.push(format!("the types differ: {from:?} and {to:?}"));
            }
        }
        problems
    }

    /// Returns the problems of the names in an expression: `Table[Column]` and `[Measure]`.
    fn reference_problems(&self, measure: &str, expression: &str) -> Vec<String> {
        let mut problems = Vec::new();
        for (at, _) in expression.match_indices('[') {
            let end = at + expression[at..].find(']').expect("brackets are closed");
            let name = &expression[at + 1..end];
            let before = &expression[..at];
            let table = match before.strip_suffix('\'') {
                Some(quoted) => quoted.rsplit('\'').next().map(str::to_owned),
                None => {
                    let is_part = |c: char| c.is_alphanumeric() || c == '_';
                    let start = before.rfind(|c: char| !is_part(c)).map_or(0, |start| start + 1);
                    Some(before[start..].to_owned()).filter(|table| !table.is_empty())
                }
            };
            let problem = match table {
                Some(table) => {
                    let column = (table, name.to_owned());
                    (!self.columns.contains_key(&column)).then_some("column")
                }
                None => (!self.measures.contains_key(name)).then_some("measure"),
            };
            if let Some(kind) = problem {
                problems.push(format!("{measure} names no {kind}: {name}"));
            }
        }
        problems
    }
}
