//! Compares the guard and the engine with refused.sql: the message of each refusal, the result of
//! the engine without the guard, and the replacement, which must be accepted and right. After an
//! update of the engine, these tests show the rules that are no longer needed. They also generate
//! docs/guard.md.

use std::fmt::Write;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use polars::prelude::*;

#[path = "../../../tests/support/bless.rs"]
mod bless;

use super::*;
use crate::error::catch_engine_panic;
use crate::grid::Cell;
use crate::query::engine::{exact, to_grid};
use crate::query::rewrite;
use crate::schema::MICROS_PER_DAY;

/// Table that the statements read, with the name of a view.
#[derive(Debug, Default)]
struct Table {
    name: String,
    columns: Vec<(String, String)>,
    rows: Vec<Vec<String>>,
}

/// Form of SQL.
#[derive(Debug, Default)]
struct Form {
    chapter: String,
    name: String,
    /// Message of the guard, or `passes` for a difference that is documented and not refused.
    guard: String,
    engine: Vec<String>,
    right: Vec<String>,
    /// Result of DuckDB, if it is not the right one.
    duckdb: Vec<String>,
    note: String,
    statement: String,
    instead: String,
}

#[derive(Debug, Default)]
struct Book {
    tables: Vec<Table>,
    forms: Vec<Form>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn split(line: &str) -> Vec<String> {
    line.split(" | ").map(|cell| cell.trim().to_owned()).collect()
}

/// Parses refused.sql: `-- key: value` lines, the statement, then `-- instead` and the replacement.
fn read(text: &str) -> Book {
    let mut book = Book::default();
    let (mut chapter, mut in_table, mut in_instead) = (String::new(), false, false);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some(comment) = line.strip_prefix("-- ") else {
            let form = book.forms.last_mut().expect("SQL follows a form");
            let sql = if in_instead { &mut form.instead } else { &mut form.statement };
            sql.push_str(if sql.is_empty() { "" } else { "\n" });
            sql.push_str(line.trim_end_matches(';'));
            continue;
        };
        match comment.split_once(": ") {
            Some(("chapter", name)) => name.clone_into(&mut chapter),
            Some(("table", name)) => {
                in_table = true;
                book.tables.push(Table { name: name.to_owned(), ..Table::default() });
            }
            Some(("form", name)) => {
                (in_table, in_instead) = (false, false);
                let (chapter, name) = (chapter.clone(), name.to_owned());
                book.forms.push(Form { chapter, name, ..Form::default() });
            }
            _ if comment == "instead" => in_instead = true,
            _ if in_table => {
                let table = book.tables.last_mut().expect("a table was named");
                if table.columns.is_empty() {
                    let columns = split(comment).into_iter().map(|column| {
                        let (name, ty) = column.split_once(' ').expect("NAME TYPE");
                        (name.to_owned(), ty.to_owned())
                    });
                    table.columns.extend(columns);
                } else {
                    table.rows.push(split(comment));
                }
            }
            Some((key, value)) if !book.forms.is_empty() => {
                let form = book.forms.last_mut().expect("at least one form");
                let value = value.to_owned();
                match key {
                    "guard" => form.guard = value,
                    "engine" => form.engine.push(value),
                    "right" => form.right.push(value),
                    "duckdb" => form.duckdb.push(value),
                    "note" => form.note = value,
                    other => panic!("unknown key {other}: {line}"),
                }
            }
            _ => {}
        }
    }
    book
}

fn book() -> Book {
    let path = root().join("src/query/guard/refused.sql");
    read(&std::fs::read_to_string(path).expect("refused.sql is readable"))
}

/// Creates a column of the type in its header.
fn series(name: &str, ty: &str, cells: &[Option<&str>]) -> Series {
    let days = |text: &str| {
        let day: NaiveDate = text.parse().expect(text);
        i32::try_from((day - NaiveDate::default()).num_days())
            .expect("a day in the range of 32 bits")
    };
    let us = |text: &str| {
        let time: NaiveDateTime = text.replace(' ', "T").parse().expect(text);
        time.and_utc().timestamp_micros()
    };
    let name = PlSmallStr::from(name);
    fn all<T>(cells: &[Option<&str>], read: impl Fn(&str) -> T) -> Vec<Option<T>> {
        cells.iter().map(|cell| cell.map(&read)).collect()
    }
    match ty {
        "VARCHAR" => Series::new(name, cells),
        "BIGINT" => Series::new(name, all(cells, |text| text.parse::<i64>().expect(text))),
        "DOUBLE" => Series::new(name, all(cells, |text| text.parse::<f64>().expect(text))),
        "BOOLEAN" => Series::new(name, all(cells, |text| text.parse::<bool>().expect(text))),
        "DATE" => Series::new(name, all(cells, days)).cast(&DataType::Date).expect("days"),
        "TIMESTAMP" => {
            let ty = DataType::Datetime(TimeUnit::Microseconds, None);
            Series::new(name, all(cells, us)).cast(&ty).expect("times")
        }
        "VARCHAR[]" => {
            let lists = all(cells, |text| {
                let items =
                    text.trim_matches(['[', ']']).split(',').filter(|item| !item.is_empty());
                Series::new(PlSmallStr::EMPTY, Vec::from_iter(items))
            });
            Series::new(name, lists)
        }
        other => panic!("unknown type {other}"),
    }
}

fn frame(table: &Table) -> LazyFrame {
    let columns = table.columns.iter().enumerate().map(|(at, (name, ty))| {
        let cells = table.rows.iter().map(|row| (row[at] != "NULL").then_some(row[at].as_str()));
        series(name, ty, &Vec::from_iter(cells)).into_column()
    });
    DataFrame::new_infer_height(columns.collect()).expect("columns of one length").lazy()
}

fn shown(cell: &Cell) -> String {
    let time = |us: i64| DateTime::from_timestamp_micros(us).expect("a time").naive_utc();
    match cell {
        Cell::Null => "NULL".to_owned(),
        Cell::Text(text) if text.is_empty() => "''".to_owned(),
        Cell::Text(text) => text.clone(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => format!("{number:?}"),
        Cell::Date { days } => time(i64::from(*days) * MICROS_PER_DAY).date().to_string(),
        Cell::Time { us } | Cell::LocalTime { us } => time(*us).to_string(),
    }
}

/// Returns the rows of the engine for a statement, without the guard.
fn engine_rows(book: &Book, sql: &str) -> Vec<String> {
    let work = || {
        let mut statement = parse("sql", sql).map_err(|error| error.to_string())?;
        rewrite::widen_integers(&mut statement);
        let mut context = exact::new_context();
        for table in &book.tables {
            context.register(&table.name, frame(table));
        }
        let mut run = || {
            let rows = rewrite::plan(&mut context, statement.clone())?;
            to_grid::frame_to_grid(&rows.collect()?)
        };
        let grid = run().map_err(|error: PolarsError| error.to_string())?;
        let row = |row: &Vec<Cell>| row.iter().map(shown).collect::<Vec<_>>().join(" | ");
        let mut rows: Vec<String> = grid.rows.iter().map(row).collect();
        if !ordered(&statement) {
            rows.sort();
        }
        Ok(rows)
    };
    match catch_engine_panic(work) {
        None => vec!["panics".to_owned()],
        Some(Err::<_, String>(text)) => {
            // Syntax trees of the parser follow after the first characters.
            let start: String = text.lines().flat_map(|line| line.chars()).take(70).collect();
            vec![format!("error: {}", start.trim_end())]
        }
        Some(Ok(rows)) if rows.is_empty() => vec!["no rows".to_owned()],
        Some(Ok(rows)) => rows,
    }
}

fn ordered(statement: &Statement) -> bool {
    matches!(statement, Statement::Query(query) if query.order_by.is_some())
}

/// Returns the message of the guard, or `passes`.
fn guard_message(sql: &str) -> String {
    match parse("sql", sql).and_then(|statement| check("sql", &statement)) {
        Ok(_) => "passes".to_owned(),
        Err(Error::Query { message, .. }) => message,
        Err(other) => other.to_string(),
    }
}

/// Describes the difference between the file and the result; `None` if they are equal.
fn differ(form: &Form, key: &str, expected: &[String], found: &[String]) -> Option<String> {
    let lines = |rows: &[String]| rows.join("\n    ");
    (expected != found).then(|| {
        format!(
            "form {}\n  {key} in refused.sql:\n    {}\n  found:\n    {}\n",
            form.name,
            lines(expected),
            lines(found)
        )
    })
}

fn problems_of_form(book: &Book, form: &Form) -> Vec<String> {
    let mut found = Vec::new();
    let message = guard_message(&form.statement);
    // Only the part before an ellipsis is compared, for example before the list of views.
    let is_start = |start: &str| message.starts_with(start);
    if !form.guard.strip_suffix('…').is_some_and(is_start) {
        found.extend(differ(form, "guard", std::slice::from_ref(&form.guard), &[message]));
    }
    if !form.engine.iter().any(|row| row.starts_with("chance: ")) {
        found.extend(differ(form, "engine", &form.engine, &engine_rows(book, &form.statement)));
    }
    if form.instead.is_empty() {
        let has_reason = form.right.is_empty() && !form.note.is_empty();
        found.extend((!has_reason).then(|| {
            format!("form {}: the note must explain why there is no replacement\n", form.name)
        }));
        return found;
    }
    found.extend(differ(form, "instead", &["passes".to_owned()], &[guard_message(&form.instead)]));
    found.extend(differ(form, "right", &form.right, &engine_rows(book, &form.instead)));
    let is_right = form.engine == form.right && form.duckdb.is_empty();
    let is_wrong = !is_right || form.note.starts_with("Right here");
    found.extend(
        (!is_wrong).then(|| format!("form {}: the note must explain what is wrong\n", form.name)),
    );
    found
}

#[test]
fn every_form_has_this_message_and_a_right_replacement() {
    let book = book();
    assert!(book.forms.len() > 60, "refused.sql has {} forms", book.forms.len());
    let found: Vec<String> =
        book.forms.iter().flat_map(|form| problems_of_form(&book, form)).collect();
    assert!(found.is_empty(), "{}", found.concat());
    let names: BTreeSet<&str> = book.forms.iter().map(|form| form.name.as_str()).collect();
    assert_eq!(names.len(), book.forms.len(), "two forms have the same name");
}

/// Checks each refusal in the source files by the start of its message.
#[test]
fn every_refusal_of_the_guard_has_a_form() {
    let messages: Vec<String> = book().forms.into_iter().map(|form| form.guard).collect();
    let is_used = |start: &str| messages.iter().any(|message| message.starts_with(start));
    for name in functions::refused_functions() {
        assert!(is_used(&name.to_ascii_uppercase()), "no form uses {name}");
    }
    let folder = root().join("src/query/guard");
    let mut calls = 0;
    for file in ["mod.rs", "functions.rs", "grouping.rs", "joins.rs", "values.rs", "windows.rs"] {
        let source = std::fs::read_to_string(folder.join(file)).expect("source files are readable");
        let quoted = source.split("refuse(").skip(1).filter_map(|call| {
            let call = call.trim_start().trim_start_matches("format!(").trim_start();
            Some(call.strip_prefix('"')?.split('"').next()?.replace("\\\n", ""))
        });
        for text in quoted {
            // The longest piece between the placeholders must be in a message.
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let pieces = text.split(['{', '}']).enumerate().filter(|(at, _)| at % 2 == 0);
            let piece = pieces.map(|(_, piece)| piece).max_by_key(|piece| piece.len());
            let piece = piece.unwrap_or_default().trim_start();
            let piece: String = piece.chars().take(24).collect();
            assert!(messages.iter().any(|message| message.contains(&piece)), "{file}: {text}");
            calls += 1;
        }
    }
    assert!(calls > 35, "only {calls} refusals were found in the source files");
}

fn fenced(page: &mut String, title: &str, language: &str, lines: &str) {
    let _ = write!(page, "{title}\n\n```{language}\n{lines}\n```\n\n");
}

fn grid_of(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&names) + &line(&vec!["---"; names.len()]);
    for row in &table.rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

fn page(book: &Book) -> String {
    let mut page = String::from(
        "# What the guard refuses\n\nGenerated from src/query/guard/refused.sql by a test that \
         compares the guard and the engine (Polars 0.55) with it; tests/interop/guard.py compares \
         DuckDB 1.5. The guard refuses a form if the result of the engine differs from that of \
         other engines, is an error, or is random. Most forms have a replacement with the same \
         result in both engines.\n\n\
         The statements read these tables in place of the views. Each line of a result is a row; \
         rows are sorted if the statement has no order.\n\n",
    );
    for table in &book.tables {
        let _ = write!(page, "`{}`\n\n{}\n", table.name, grid_of(table));
    }
    let mut chapter = "";
    for form in &book.forms {
        if form.chapter != chapter {
            chapter = &form.chapter;
            let _ = write!(page, "## {chapter}\n\n");
        }
        let _ = write!(page, "### {}\n\n", form.name);
        if !form.note.is_empty() {
            let _ = write!(page, "{}\n\n", form.note);
        }
        let _ = write!(page, "```sql\n{}\n```\n\n", form.statement);
        if form.guard != "passes" {
            let _ = write!(page, "Message of the guard: {}\n\n", form.guard);
        }
        fenced(
            &mut page,
            "Result of the engine without the guard:",
            "text",
            &form.engine.join("\n"),
        );
        if !form.duckdb.is_empty() {
            fenced(&mut page, "Result of DuckDB:", "text", &form.duckdb.join("\n"));
        }
        if !form.instead.is_empty() {
            fenced(&mut page, "Write instead:", "sql", &form.instead);
            fenced(&mut page, "Right result:", "text", &form.right.join("\n"));
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// `PBI_BLESS=1` writes the page.
#[test]
fn guard_page_is_current() {
    let page = page(&book());
    let path = root().join("docs/guard.md");
    if bless::is_blessing() {
        std::fs::write(&path, &page).expect("docs/guard.md is writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "docs/guard.md is out of date; PBI_BLESS=1 updates it");
}
