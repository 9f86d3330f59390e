//! The commands in README.md and in the pages of docs/ work, the output shown for them is current,
//! and the lists of reports are complete.

use std::path::{Path, PathBuf};

use crate::bless::is_blessing;
use crate::sample_data::{ROOT, copy_of_sample_data};
use crate::terminal::{Line, svg};
use crate::workdir::{Ran, Workdir};

/// Pages of docs/ that the program or a test generates.
const GENERATED: [&str; 4] = ["columns.md", "guard.md", "reports.md", "views.md"];
/// The width of the output in README.md and the pages of docs/.
const PAGE_COLUMNS: usize = 100;
/// The width of the terminal picture.
const PICTURE_COLUMNS: usize = 86;

/// Returns README.md and the hand-written pages of docs/, as paths from the root.
fn pages() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(Path::new(ROOT).join("docs")).expect("docs/ can be listed");
    let names = folder.map(|entry| entry.expect("docs/ can be listed").file_name());
    let pages = names.map(|name| name.into_string().expect("names are UTF-8"));
    let is_page = |name: &String| name.ends_with(".md") && !GENERATED.contains(&name.as_str());
    let mut pages: Vec<PathBuf> =
        pages.filter(is_page).map(|name| Path::new("docs").join(name)).collect();
    pages.sort();
    pages.insert(0, PathBuf::from("README.md"));
    assert!(pages.len() > 5, "docs/ has pages: {pages:?}");
    pages
}

fn read(page: &Path) -> String {
    let text = std::fs::read_to_string(Path::new(ROOT).join(page));
    text.unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Returns the folder in which the commands of a page run: the sample data, a key, and for pages of
/// docs/ a store with that data.
fn folder_for(page: &Path) -> Workdir {
    let dir = copy_of_sample_data();
    dir.write("pseudonyms.key", "8f2b1d90c37a4e65f01b6a2c9d84e733\n");
    dir.write("people.csv", "UPN;Department;Region\nida@example.org;Sales;North\n");
    if page.starts_with("docs") {
        dir.pbi(["ingest", "sample-data"]).ended(0);
    }
    dir
}

/// Returns the commands in blocks marked as `sh`, with continued lines joined.
fn commands(text: &str) -> Vec<String> {
    let (mut commands, mut is_shell) = (Vec::new(), false);
    let mut unfinished: Option<String> = None;
    for line in text.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
            continue;
        }
        if !is_shell {
            continue;
        }
        let line = unfinished.take().map_or_else(|| line.to_owned(), |begun| begun + line);
        match line.strip_suffix('\\') {
            Some(begun) => unfinished = Some(begun.to_owned() + " "),
            None if line.starts_with("pbi-analyze ") => commands.push(line),
            None => {}
        }
    }
    commands
}

/// Splits a command into words as a shell does: at blanks outside quotes, up to a comment.
fn shell_words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    for c in command.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('#', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    assert_eq!(quote, None, "a quote is left open in {command}");
    words.extend(word);
    words
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let text = "```sh\n# a comment\npbi-analyze a 'b c' \\\n  --d \"e\" > f # why\nls\n```\n\
                ```console\n$ pbi-analyze x\n```\n```sh\npbi-analyze g ''\n```\n";
    let read: Vec<Vec<String>> = commands(text).iter().map(|line| shell_words(line)).collect();
    assert_eq!(
        read,
        [vec!["pbi-analyze", "a", "b c", "--d", "e", ">", "f"], vec!["pbi-analyze", "g", ""]]
    );
}

#[test]
fn every_documented_command_works() {
    let mut number = 0;
    for page in pages() {
        let commands = commands(&read(&page));
        if commands.is_empty() {
            continue;
        }
        let dir = folder_for(&page);
        for command in &commands {
            run_documented(&dir, command, &page);
        }
        number += commands.len();
    }
    assert!(number >= 20, "the pages show how the program is used: {number} commands");
}

/// Runs a command of a page. Exit code 3 is allowed: some commands show how damage is reported.
fn run_documented(dir: &Workdir, command: &str, page: &Path) {
    let words = shell_words(command);
    let (words, file) = match words.iter().position(|word| word == ">") {
        Some(at) => (&words[..at], words.get(at + 1)),
        None => (&words[..], None),
    };
    let ran: Ran = dir.pbi(&words[1..]);
    assert!([0, 3].contains(&ran.code), "{}: {command}: {ran:?}", page.display());
    let writes = ["--output", "-o", "--output-dir"];
    let is_written = words.iter().any(|word| writes.contains(&word.as_str()));
    assert_eq!(ran.stdout.is_empty(), is_written, "{}: {command}: {ran:?}", page.display());
    if let Some(file) = file {
        dir.write(file, ran.stdout);
    }
}

/// Returns a page with the current output of each command in its `console` blocks. Commands without
/// output in the page stay so: they only show what to type.
fn with_current_output(text: &str, mut output: impl FnMut(&str) -> String) -> String {
    let mut page = String::new();
    let mut lines = text.lines().peekable();
    let mut is_console = false;
    while let Some(line) = lines.next() {
        page.push_str(line);
        page.push('\n');
        if line.starts_with("```") {
            is_console = line == "```console";
        }
        let Some(command) = line.strip_prefix("$ pbi-analyze ").filter(|_| is_console) else {
            continue;
        };
        let mut has_output = false;
        while lines.next_if(|next| !next.starts_with("$ ") && !next.starts_with("```")).is_some() {
            has_output = true;
        }
        if has_output {
            page.push_str(&output(command));
            if lines.peek().is_some_and(|next| next.starts_with("$ ")) {
                page.push('\n');
            }
        }
    }
    page
}

/// Returns what a page shows of the output of a command: `ingest` without its line for each file.
fn shown_output(dir: &Workdir, command: &str) -> String {
    let mut program = dir.command(shell_words(command));
    program.env("COLUMNS", PAGE_COLUMNS.to_string());
    let ran = Ran::of(&program.output().expect("the program can be started"));
    assert!([0, 3].contains(&ran.code), "{command}: {ran:?}");
    let text = match ran.stdout.split_once("\n\n") {
        Some((_, rest)) if command.starts_with("ingest ") => format!("⋮\n{rest}"),
        _ => ran.stdout,
    };
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn output_is_replaced_command_by_command() {
    let text = "```console\n$ pbi-analyze a\nold\n\n$ pbi-analyze b\n```\n$ pbi-analyze c\nold\n";
    let current = with_current_output(text, |command| format!("new {command}\n"));
    assert_eq!(current, text.replacen("old", "new a", 1));
}

/// `PBI_BLESS=1` writes the output into the pages.
#[test]
fn documented_output_is_current() {
    for page in pages() {
        let text = read(&page);
        let mut dir: Option<Workdir> = None;
        let current = with_current_output(&text, |command| {
            shown_output(dir.get_or_insert_with(|| folder_for(&page)), command)
        });
        if std::env::var_os("PBI_BLESS").is_some() {
            let file = Path::new(ROOT).join(&page);
            std::fs::write(file, current).expect("the page can be written");
        } else {
            let difference = crate::golden::difference(&text, &current);
            assert!(text == current, "{}: {difference}\nPBI_BLESS=1 updates it", page.display());
        }
    }
}

#[test]
fn the_readme_begins_with_the_two_set_up_commands() {
    let readme = read(Path::new("README.md"));
    for line in
        ["cargo run --release -- report top-reports --from sample-data", "cargo test --release"]
    {
        let is_there = |found: &str| found.trim().trim_start_matches("$ ") == line;
        assert!(readme.lines().take(40).any(is_there), "README.md has no line {line:?} at the top");
    }
}

/// Returns the rows of `reports --format json`.
fn listed_reports() -> Vec<serde_json::Value> {
    let listed = Workdir::new().pbi(["reports", "--format", "json"]).ended(0).stdout;
    let mut listed: serde_json::Value = serde_json::from_str(&listed).expect("the list is JSON");
    match listed["rows"].take() {
        serde_json::Value::Array(rows) => rows,
        rows => panic!("rows are a list: {rows}"),
    }
}

#[test]
fn the_readme_names_every_report() {
    let readme = read(Path::new("README.md"));
    for row in listed_reports() {
        let name = row["report"].as_str().expect("a report has a name");
        assert!(readme.contains(&format!("`{name}`")), "README.md does not name {name}");
    }
}

/// The table between the two marks is made from the program's list. `PBI_BLESS=1` writes it.
#[test]
fn the_table_of_reports_is_current() {
    const MARKS: [&str; 2] = ["<!-- reports -->\n", "<!-- end of reports -->\n"];
    const PAGE: &str = "docs/reports-guide.md";
    let cell = |row: &serde_json::Value, name: &str| row[name].as_str().expect(name).to_owned();
    let rows = listed_reports();
    let rows = rows.iter().map(|row| {
        let name = cell(row, "report");
        format!("| [{name}](reports.md#{name}) | {} |\n", cell(row, "question"))
    });
    let table = format!("| report | question |\n| --- | --- |\n{}", rows.collect::<String>());

    let text = read(Path::new(PAGE));
    let [start, end] = MARKS.map(|mark| text.find(mark).expect(mark));
    let start = start + MARKS[0].len();
    if is_blessing() {
        let text = format!("{}{table}{}", &text[..start], &text[end..]);
        std::fs::write(Path::new(ROOT).join(PAGE), text).expect("the page can be written");
        return;
    }
    assert_eq!(text[start..end], table, "PBI_BLESS=1 updates the table of {PAGE}");
}

/// Relative links in the pages lead to files that exist.
#[test]
fn links_between_pages_lead_somewhere() {
    let mut checked = 0;
    let others = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    for page in pages().into_iter().chain(others.map(PathBuf::from)) {
        let text = read(&page);
        for (at, _) in text.match_indices("](") {
            let target = &text[at + 2..];
            let target = &target[..target.find(')').expect("a link has an end")];
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || target.contains("://") {
                continue;
            }
            let path = Path::new(ROOT).join(page.parent().expect("a page is in a folder"));
            assert!(path.join(file).exists(), "{}: {target} does not exist", page.display());
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} links were checked");
}

/// The terminal picture contains only what the program prints. `PBI_BLESS=1` draws it.
#[test]
fn the_picture_of_the_terminal_is_current() {
    let dir = copy_of_sample_data();
    let printed = |command: &str| {
        let mut program = dir.command(command.split_whitespace().skip(1));
        program.env("COLUMNS", PICTURE_COLUMNS.to_string());
        let ran = Ran::of(&program.output().expect("the program can be started"));
        ran.ended(0).stdout
    };
    let mut lines = Vec::new();
    let ingest = "pbi-analyze ingest sample-data";
    lines.push(Line::Command(ingest.to_owned()));
    // The picture has no room for a line for each file, nor for warnings.
    let shown =
        |line: &str| ["sources ", "records ", "period "].iter().any(|&s| line.starts_with(s));
    let summary = printed(ingest);
    for line in summary.lines() {
        match (shown(line), lines.last()) {
            (true, _) => lines.push(Line::Output(line.to_owned())),
            (false, Some(Line::Gap)) => {}
            (false, _) => lines.push(Line::Gap),
        }
    }
    lines.push(Line::Output(String::new()));
    let report = "pbi-analyze report top-reports --top 5";
    lines.push(Line::Command(report.to_owned()));
    lines.extend(printed(report).lines().map(|line| Line::Output(line.to_owned())));

    let drawn = svg("A terminal with two commands and their output", PICTURE_COLUMNS, &lines);
    let file = Path::new(ROOT).join("docs/images/terminal.svg");
    if is_blessing() {
        std::fs::write(file, drawn).expect("the picture can be written");
        return;
    }
    let current = std::fs::read_to_string(file).expect("the picture can be read");
    assert!(current == drawn, "PBI_BLESS=1 draws docs/images/terminal.svg\n{drawn}");
}
