//! What README.md tells people to type works: its commands run, in order, in a folder that has the
//! sample archive and nothing else, and it has every report in its table.

use std::path::Path;

use crate::bless::is_blessing;
use crate::sample_data::{ROOT, copy_of_sample_data};
use crate::terminal::{Line, svg};
use crate::workdir::{Ran, Workdir};

fn readme() -> String {
    let text = std::fs::read_to_string(Path::new(ROOT).join("README.md"));
    text.expect("README.md can be read")
}

/// The commands of all blocks that are marked as `sh`: each a line, with the lines that it goes on
/// in.
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

/// The words of a command as a shell splits them: at blanks outside of quotes, up to a comment.
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
fn every_command_of_the_readme_works() {
    let commands = commands(&readme());
    assert!(commands.len() >= 5, "README.md shows how the program is used: {commands:?}");
    let dir = copy_of_sample_data();
    for command in &commands {
        let words = shell_words(command);
        let (words, file) = match words.iter().position(|word| word == ">") {
            Some(at) => (&words[..at], words.get(at + 1)),
            None => (&words[..], None),
        };
        let ran: Ran = dir.pbi(&words[1..]);
        // The sample archive has damage in it, and the program says so.
        assert!([0, 3].contains(&ran.code), "{command}: {ran:?}");
        let writes = ["--output", "-o", "--output-dir"];
        let is_written = words.iter().any(|word| writes.contains(&word.as_str()));
        assert_eq!(ran.stdout.is_empty(), is_written, "{command}: {ran:?}");
        if let Some(file) = file {
            dir.write(file, ran.stdout);
        }
    }
}

#[test]
fn the_two_commands_to_begin_with_are_there() {
    let readme = readme();
    for line in
        ["cargo run --release -- report top-reports --from sample-data", "cargo test --release"]
    {
        let is_there = |found: &str| found.trim().trim_start_matches("$ ") == line;
        assert!(readme.lines().any(is_there), "README.md has no line {line:?}");
    }
}

/// The table of reports between its marks, made from what the program lists. `PBI_BLESS=1` writes
/// it anew.
#[test]
fn the_table_of_reports_is_current() {
    const MARKS: [&str; 2] = ["<!-- reports -->\n", "<!-- end of reports -->\n"];
    let listed = Workdir::new().pbi(["reports", "--format", "json"]).ended(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("the list is JSON");
    let cell = |row: &serde_json::Value, name: &str| row[name].as_str().expect(name).to_owned();
    let rows = listed["rows"].as_array().expect("rows are a list").iter();
    let rows =
        rows.map(|row| format!("| `{}` | {} |\n", cell(row, "report"), cell(row, "question")));
    let table = format!("| report | answers |\n| --- | --- |\n{}", rows.collect::<String>());

    let text = readme();
    let [start, end] = MARKS.map(|mark| text.find(mark).expect(mark));
    let start = start + MARKS[0].len();
    if is_blessing() {
        let text = format!("{}{table}{}", &text[..start], &text[end..]);
        std::fs::write(Path::new(ROOT).join("README.md"), text).expect("README.md can be written");
        return;
    }
    assert_eq!(text[start..end], table, "PBI_BLESS=1 writes the table of README.md anew");
}

/// The picture of the terminal: what the program prints of the sample archive, and nothing that it
/// does not. `PBI_BLESS=1` draws it anew.
#[test]
fn the_picture_of_the_terminal_is_current() {
    /// As wide as the accounts are.
    const COLUMNS: usize = 86;
    let dir = copy_of_sample_data();
    let printed = |command: &str| {
        let mut program = dir.command(command.split_whitespace().skip(1));
        program.env("COLUMNS", COLUMNS.to_string());
        let ran = Ran::of(&program.output().expect("the program can be started"));
        assert!([0, 3].contains(&ran.code), "{command}: {ran:?}");
        ran.stdout
    };
    let mut lines = Vec::new();
    let ingest = "pbi-analyze ingest sample-data";
    lines.push(Line::Command(ingest.to_owned()));
    // A line for each file is too much for a picture, and so is what is wrong with the archive.
    let shown =
        |line: &str| ["sources ", "records ", "period "].iter().any(|&s| line.starts_with(s));
    let accounts = printed(ingest);
    for line in accounts.lines() {
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

    let drawn = svg("A terminal with two commands and what they print", COLUMNS, &lines);
    let file = Path::new(ROOT).join("docs/images/terminal.svg");
    if is_blessing() {
        std::fs::write(file, drawn).expect("the picture can be written");
        return;
    }
    let held = std::fs::read_to_string(file).expect("the picture can be read");
    assert!(held == drawn, "PBI_BLESS=1 draws docs/images/terminal.svg anew\n{drawn}");
}
