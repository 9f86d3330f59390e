//! Tests help, usage errors, output and logs of the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::events::{id, plain};
use crate::sample_data::copy_of_sample_data;
use crate::workdir::{Ran, Workdir};

/// Returns the commands that the help of the program lists.
fn commands() -> Vec<String> {
    let help = Workdir::new().pbi(["--help"]).ended(0).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("the help lists commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let names = lines.filter(is_name).filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.len() >= 14, "{names:?}");
    names
}

/// Returns a folder with log files of three events, and a store of them.
fn with_store() -> Workdir {
    let dir = Workdir::new();
    let events: Vec<String> = (0..3).map(|number| plain(0, number)).collect();
    dir.write("archive/events.json", format!("[{}]", events.join(",")));
    let (ran, _) = dir.ingest("store", &["archive"]);
    ran.ended(0);
    dir
}

/// Returns a command whose output does not depend on the terminal of the tests.
fn unfitted(dir: &Workdir, arguments: &[&str]) -> Command {
    let mut command = dir.command(arguments);
    command.env_remove("COLUMNS");
    command
}

fn run(mut command: Command) -> Ran {
    Ran::of(&command.output().expect("the program can be started"))
}

/// Returns the paths of everything below a folder.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn help_of_program_and_commands_goes_to_stdout() {
    let dir = Workdir::new();
    let program = dir.pbi(["--help"]).ended(0);
    for command in &commands() {
        assert!(program.stdout.contains(&format!("\n  {command} ")), "{}", program.stdout);
        let ran = dir.pbi([command.as_str(), "--help"]).ended(0);
        assert!(ran.stdout.contains("Examples:\n  pbi-analyze "), "{}", ran.stdout);
        let usage = format!("Usage: pbi-analyze {command} ");
        assert!(ran.stdout.contains(&usage), "{}", ran.stdout);
        assert_eq!(ran.stderr, "");
        assert_eq!(dir.pbi(["help", command.as_str()]).ended(0).stdout, ran.stdout);
    }
    assert!(
        program.stdout.contains("Exit codes: 0 success; 1 failure; 2 usage error; 3 completed")
    );
    assert_eq!(program.stderr, "");
    assert!(tree(dir.path()).is_empty(), "help makes nothing");
}

/// Examples are commands: the program parses them and fails only because their files do not exist.
#[test]
fn examples_in_help_are_valid() {
    let dir = Workdir::new();
    for command in ["ingest", "report"] {
        let help = dir.pbi([command, "--help"]).ended(0).stdout;
        let (_, examples) = help.split_once("Examples:\n").expect("the help has examples");
        let examples: Vec<&str> =
            examples.lines().filter_map(|line| line.trim().strip_prefix("pbi-analyze ")).collect();
        assert!(examples.len() >= 3, "{help}");
        for example in examples {
            let words = example.split_whitespace().take_while(|&word| word != ">");
            let ran = dir.pbi(words);
            assert!(!ran.stderr.contains("Usage:"), "{example}: {}", ran.stderr);
            let said = ["cannot read ", "cannot be read: ", "there is no store here"];
            assert!(said.iter().any(|said| ran.stderr.contains(said)), "{example}: {ran:?}");
        }
    }
}

/// Help is wrapped to the width of the terminal, which COLUMNS can contain.
#[test]
fn help_fits_a_terminal_of_80_columns() {
    let dir = Workdir::new();
    let names = commands();
    let commands = names.iter().map(|command| vec![command.as_str(), "--help"]);
    for arguments in commands.chain([vec!["--help"], vec!["-h"]]) {
        let mut command = dir.command(&arguments);
        command.env("COLUMNS", "80");
        let ran = run(command);
        for line in ran.ended(0).stdout.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}

#[test]
fn version_is_that_of_the_package() {
    let ran = Workdir::new().pbi(["--version"]).ended(0);
    assert_eq!(ran.stdout, concat!("pbi-analyze ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// Invalid arguments, each with a part of the message.
const MISUSE: [(&[&str], &str); 22] = [
    (&[], "Usage: pbi-analyze"),
    (&["analyse"], "unrecognized subcommand 'analyse'"),
    (&["--fast", "status"], "unexpected argument '--fast'"),
    (&["ingest"], "<PATH>"),
    (&["ingest", "archive", "--stoer", "x"], "'--store'"),
    (&["ingest", "archive", "--format", "csv"], "[possible values: text, json]"),
    (&["ingest", "archive", "--threads", "0"], "1..=1024"),
    (&["ingest", "archive", "--threads", "many"], "'many'"),
    (&["report", "--top", "3"], "the name of a report is missing"),
    (&["top-reports"], "Did you mean: pbi-analyze report top-reports?"),
    (&["report", "adoption", "--set", "grain=week"], "Did you mean: --param?"),
    (&["report", "top-report"], "Did you mean top-reports? `reports` lists them all."),
    (&["report", "nothing-like-it"], "there is no report \"nothing-like-it\". `reports` lists"),
    (&["report", "top-reports", "--since", "recently"], "use a day (2026-03-01)"),
    (&["report", "top-reports", "--since", "2026-02-30"], "invalid date \"2026-02-30\""),
    (&["report", "top-reports", "--until", "0d"], "invalid date \"0d\""),
    (
        &["report", "top-reports", "--since", "2026-03-02", "--until", "2026-03-01"],
        "write the earlier day first",
    ),
    (&["report", "top-reports", "--tz", "Berlin"], "did you mean Europe/Berlin?"),
    (&["report", "top-reports", "--top", "0"], "N must be 1 or greater"),
    (&["report", "top-reports", "--top", "-3"], "'-3'"),
    (
        &["report", "top-reports", "--noise", "none"],
        "[possible values: exclude, exclude-all-reads, include]",
    ),
    (&["status", "archive"], "unexpected argument 'archive'"),
];

/// Mistakes are reported on stderr before anything is read or written.
#[test]
fn invalid_arguments_are_usage_errors_with_advice() {
    let dir = with_store();
    let before = tree(dir.path());
    for (arguments, said) in MISUSE {
        let mut command = dir.command(arguments);
        command.env("PBI_STORE", "store");
        let ran = run(command).ended(2);
        assert!(ran.stderr.contains(said), "{arguments:?}: {said}: {}", ran.stderr);
        // A report without a name lists the reports.
        assert_eq!(
            ran.stdout.is_empty(),
            !arguments.starts_with(&["report", "--top"]),
            "{arguments:?}"
        );
    }
    assert_eq!(tree(dir.path()), before);
}

/// A typing error must not cost the time of reading all log files.
#[test]
fn usage_errors_are_reported_before_raw_files_are_read() {
    let dir = with_store();
    for wrong in [
        &["report", "top-report", "--from", "archive"][..],
        &["report", "top-reports", "--tz", "Mars", "--from", "archive"],
        &["report", "top-reports", "--since", "soon", "--from", "archive"],
    ] {
        let ran = dir.pbi(wrong).ended(2);
        assert!(!ran.stderr.contains("reading"), "{}", ran.stderr);
    }
}

#[test]
fn store_comes_from_the_flag_then_the_environment_then_the_default() {
    let dir = with_store();
    let ingest = |flag: &[&str], environment: Option<&str>| {
        let mut command = dir.command(["ingest", "archive", "-q"].iter().chain(flag));
        if let Some(store) = environment {
            command.env("PBI_STORE", store);
        }
        run(command).ended(0);
    };
    ingest(&["--store", "flagged"], Some("variable"));
    assert!(dir.join("flagged/events/_delta_log").is_dir() && !dir.join("variable").exists());
    ingest(&[], Some("variable"));
    assert!(dir.join("variable/events/_delta_log").is_dir() && !dir.join("pbi-store").exists());
    ingest(&[], None);
    assert!(dir.join("pbi-store/events/_delta_log").is_dir());
    // Reading commands look in the same places.
    for command in [&["status"][..], &["report", "top-reports"]] {
        let mut unflagged = dir.command(command);
        unflagged.env("PBI_STORE", "nowhere");
        assert!(run(unflagged).ended(1).stderr.contains("store nowhere: there is no store here"));
        let mut flagged = dir.command(command.iter().chain(&["--store", "variable"]));
        flagged.env("PBI_STORE", "nowhere");
        run(flagged).ended(0);
    }
}

#[test]
fn missing_store_is_an_error_with_advice() {
    let dir = Workdir::new();
    for command in [&["status"][..], &["report", "top-reports"]] {
        let ran = dir.pbi(command).ended(1);
        assert_eq!(
            ran.stderr,
            "pbi-analyze: store pbi-store: there is no store here; create one with `pbi-analyze \
             ingest PATH`, choose another with --store, or read raw files with `report NAME --from \
             PATH`\n"
        );
        assert_eq!(ran.stdout, "");
    }
    assert!(tree(dir.path()).is_empty(), "asking makes no store");
}

#[test]
fn output_file_equals_stdout() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    for format in ["text", "csv", "json", "ndjson", "markdown"] {
        let report = ["report", "top-reports", "--store", "store", "--format", format];
        let shown = run(unfitted(&dir, &report)).ended(0);
        assert!(shown.stdout.contains("Sales Overview"), "{}", shown.stdout);
        // What stood in the file before is gone, however long it was.
        dir.write("answer", "x".repeat(1 << 20));
        let written = [&report[..], &["--output", "answer"]].concat();
        let written = run(unfitted(&dir, &written)).ended(0);
        assert_eq!((written.stdout.as_str(), written.stderr.as_str()), ("", ""));
        let file = std::fs::read_to_string(dir.join("answer")).expect("the file is written");
        assert!(file == shown.stdout, "{format}: {file}\nis not\n{}", shown.stdout);
    }
    let hidden = tree(dir.path()).into_iter().filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".pbi"))
    });
    assert_eq!(hidden.count(), 0, "a helper file is left behind");
}

#[test]
fn binary_output_is_the_same_in_a_pipe_and_a_file() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    for (format, start) in [("xlsx", b"PK\x03\x04"), ("parquet", b"PAR1")] {
        let report = ["report", "top-reports", "--store", "store", "--format", format];
        let piped = dir.command(report).output().expect("the program starts");
        assert!(piped.status.success() && piped.stderr.is_empty(), "{piped:?}");
        assert!(piped.stdout.starts_with(start), "{format}");
        dir.pbi([&report[..], &["--output", "answer"]].concat()).ended(0);
        let file = std::fs::read(dir.join("answer")).expect("the file is written");
        assert!(file == piped.stdout, "{format}");
    }
}

#[test]
fn csv_is_safe_for_excel_on_request_only() {
    let dir = Workdir::new();
    let of = |number: usize, name: &str| {
        let named = format!("{name}\",\"ReportId\":\"r{number}");
        plain(0, number).replace("Umsätze 💶", &named)
    };
    dir.write("archive/events.json", format!("[{},{}]", of(1, "=1+1"), of(2, "plain")));
    let report = ["report", "top-reports", "--from", "archive", "--format"];
    let csv = dir.pbi([&report[..], &["csv"]].concat()).ended(0).stdout;
    assert!(csv.contains(",=1+1,") && csv.contains(",plain,"), "{csv}");
    let safe = dir.pbi([&report[..], &["csv", "--excel-safe"]].concat()).ended(0).stdout;
    let safe = safe.strip_prefix('\u{feff}').expect("Excel reads UTF-8 after a byte order mark");
    assert_eq!(safe, csv.replace("=1+1", "'=1+1"));
    let refused = dir.pbi([&report[..], &["json", "--excel-safe"]].concat()).ended(2);
    assert!(refused.stderr.contains("add --format csv"), "{}", refused.stderr);
}

/// A failed write leaves no file, and an older file is kept.
#[test]
fn failed_output_file_is_an_error_and_leaves_nothing() {
    let dir = with_store();
    let before = tree(dir.path());
    for output in ["nowhere/answer.csv", "archive"] {
        let ran = dir.pbi(["report", "top-reports", "--store", "store", "-o", output]).ended(1);
        let said = format!("pbi-analyze: cannot write {output}: ");
        assert!(ran.stderr.starts_with(&said), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(tree(dir.path()), before);
}

/// Returns a pipe whose reader is closed already, which no race can change.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    Stdio::from(writer)
}

#[test]
fn closed_stdout_is_no_error() {
    let dir = with_store();
    for arguments in [
        &["report", "top-reports", "--store", "store"][..],
        &["report", "top-reports", "--store", "store", "--format", "json"],
        &["report", "top-reports", "--from", "archive", "-q"],
        &["ingest", "archive", "--store", "other", "-q"],
        &["status", "--store", "store"],
        &["reports"],
        &["--help"],
        &["report", "--help"],
    ] {
        let mut command = dir.command(arguments);
        let ran = run(std::mem::replace(command.stdout(closed_pipe()), Command::new("")));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{arguments:?}");
    }
    // The work itself is done all the same.
    let status = dir.pbi(["status", "--store", "other", "--format", "json"]).ended(0);
    assert_eq!(json(&status.stdout)["events"], 3);
}

/// A full disk is not treated like a closed pipe.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_an_error() {
    let dir = with_store();
    for arguments in [&["reports"][..], &["status", "--store", "store"], &["ingest", "archive"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = dir.command(arguments);
        command.stdout(full.expect("Linux has a full device"));
        let ran = run(command).ended(1);
        assert!(ran.stderr.contains("cannot write to stdout: "), "{}", ran.stderr);
    }
}

#[test]
fn report_on_raw_files_leaves_no_files() {
    let dir = copy_of_sample_data();
    std::fs::create_dir(dir.join("tmp")).expect("there is room for a folder");
    let before = tree(dir.path());
    let arguments = ["report", "top-reports", "--from", "sample-data"];
    let mut command = dir.command(arguments);
    command.env("TMPDIR", dir.join("tmp")).env("PBI_STORE", "store");
    let ran = run(command).ended(0);
    assert!(ran.stdout.contains("Sales Overview"), "{}", ran.stdout);
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn list_of_reports_contains_every_query() {
    let dir = Workdir::new();
    let queries = Path::new(crate::sample_data::ROOT).join("queries");
    let mut names: Vec<String> = tree(&queries)
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    assert!(!names.is_empty());
    names.sort();
    let table = run(unfitted(&dir, &["reports"])).ended(0).stdout;
    let rows = json(&dir.pbi(["reports", "--format", "json"]).ended(0).stdout)["rows"].clone();
    let rows = rows.as_array().expect("a list of reports");
    let listed: Vec<&str> = rows.iter().filter_map(|row| row["report"].as_str()).collect();
    assert_eq!(listed, names);
    for row in rows {
        let cell = |name: &str| row[name].as_str().expect("a report says what it answers");
        assert!(!cell("title").is_empty());
        let line = |line: &str| {
            line.trim_start().starts_with(cell("report")) && line.ends_with(cell("question"))
        };
        assert!(table.lines().any(line), "{row}: {table}");
    }
    for group in ["To start with", "Usage", "People", "Log health"] {
        assert!(table.lines().any(|line| line == group), "{group}: {table}");
    }
}

/// `report` accepts each name in the list, and each alias.
#[test]
fn every_name_and_alias_in_the_list_is_accepted() {
    let dir = with_store();
    let list = json(&dir.pbi(["reports", "--format", "json"]).ended(0).stdout);
    let mut asked = 0;
    for row in list["rows"].as_array().expect("a list of reports") {
        let names = [&row["report"], &row["also"]].map(|name| name.as_str().expect("names"));
        for name in names.iter().flat_map(|names| names.split(", ")).filter(|n| !n.is_empty()) {
            dir.pbi(["report", name, "--store", "store"]).ended(0);
            asked += 1;
        }
    }
    assert!(asked > 0);
}

#[test]
fn status_shows_the_content_of_the_store() {
    let dir = copy_of_sample_data();
    dir.ingest("store", &crate::sample_data::FOLDERS);
    let golden = crate::sample_data::golden();
    let status = json(&dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0).stdout);
    let events = golden.events_by_actor.values().sum::<u64>();
    let noise = golden.noise["total"];
    assert_eq!(status["events"], events);
    assert_eq!(status["noise"], noise);
    assert_eq!(status["users"], 47, "as the sample archive's README says");
    assert_eq!(status["first"], golden.period.first);
    assert_eq!(status["last"], golden.period.last);
    assert_eq!(status["sources"], 44);
    let troubled = status["problems"].as_array().expect("a list");
    let troubled: Vec<&str> = troubled.iter().filter_map(|one| one["source"].as_str()).collect();
    let damaged = [
        "sample-data-damaged/20260305.json",
        "sample-data-damaged/PBIActivityEvents-20260318-202603190210.json",
    ];
    assert_eq!(troubled, damaged);

    let text = dir.pbi(["status", "--store", "store"]).ended(0).stdout;
    for line in [
        "store    store\n",
        &format!("period   {} to {}\n", golden.period.first, golden.period.last),
        "events   1,425 by 47 users; 418 automated API events (29.3 %)\n",
        "sources  44 read, 2 with problems\n",
        "         sample-data-damaged/20260305.json: byte 8644: the file ends in the middle",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

/// People and programs without a terminal read a log.
#[test]
fn progress_in_a_log_is_plain_lines() {
    let dir = copy_of_sample_data();
    for (arguments, last) in [
        (&["ingest", "sample-data", "--store", "store"][..], "writing"),
        (&["report", "top-reports", "--from", "sample-data"], "running queries"),
    ] {
        let mut command = dir.command(arguments);
        // A terminal's name in the environment makes no terminal of a file.
        command.env_remove("NO_COLOR").env("TERM", "xterm-256color");
        let ran = run(command).ended(0);
        for output in [&ran.stderr, &ran.stdout] {
            let odd = output.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{arguments:?}: {output:?}");
        }
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert!(lines[0].starts_with("reading 42 files, "), "{lines:?}");
        assert_eq!(lines[1..3], ["removing duplicates", last]);
        assert!(lines[3..].iter().all(|line| line.starts_with("pbi-analyze: ")), "{lines:?}");
    }
}

/// Control characters in events cannot control a terminal.
#[test]
fn tables_contain_no_control_characters_of_events() {
    let dir = Workdir::new();
    let event = plain(0, 0).replace("Umsätze", "a\\u001b[31mb\\u0007\\n\\u009b");
    let event = event.replace("\"UserId\"", "\"ReportId\":\"r\",\"UserId\"");
    dir.write("archive/events.json", format!("[{event},{{\"{}\":1}}]", id(0, 1)));
    let ran = dir.pbi(["report", "top-reports", "--from", "archive"]).ended(3);
    let odd = ran.stdout.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "{:?}", ran.stdout);
    assert!(ran.stdout.contains("a\u{FFFD}[31mb\u{FFFD} "), "{:?}", ran.stdout);
}

/// Each message is one JSON object on a line, and the last one has the exit code.
#[test]
fn json_messages_end_with_the_exit_code() {
    let dir = with_store();
    dir.write("archive/broken.json", "[{\"Id\":\"1\",\"CreationTime\":\"soon\"}]");
    let log = |ran: &Ran| -> Vec<Value> {
        let lines = ran.stderr.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap_or_else(|_| panic!("JSON lines: {}", ran.stderr))
    };
    let ran = dir.pbi(["ingest", "archive", "--store", "other", "--log-format", "json"]).ended(3);
    let messages = log(&ran);
    let of = |level: &str| -> Vec<&str> {
        let of_level = messages.iter().filter(|message| message["level"] == level);
        of_level.filter_map(|message| message["message"].as_str()).collect()
    };
    assert!(of("warning").iter().any(|text| text.contains("broken.json")), "{messages:?}");
    assert!(of("info").iter().any(|text| text.starts_with("reading 2 files")), "{messages:?}");
    assert!(messages.iter().all(|message| message["time"].as_str().is_some()));
    assert_eq!(messages.last().unwrap()["exit_code"], 3);

    let ran = dir.pbi(["--log-format", "json", "-q", "status", "--store", "none"]).ended(1);
    let messages = log(&ran);
    assert_eq!((messages.len(), &messages[0]["level"]), (2, &"error".into()));
    assert_eq!(messages[1]["exit_code"], 1);
}

/// Both are generated from the flags, so a new flag is in them at once.
#[test]
fn completions_and_manual_pages_contain_every_command_and_flag() {
    let dir = Workdir::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = dir.pbi(["completions", shell]).ended(0).stdout;
        for word in ["top-reports", "dashboard", "pseudonymize", "excel-safe"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    dir.pbi(["man", "--output-dir", "pages/man1"]).ended(0);
    let page = |name: &str| std::fs::read_to_string(dir.join("pages/man1").join(name)).unwrap();
    let help = dir.pbi(["--help"]).ended(0).stdout;
    for command in &commands() {
        assert!(help.contains(&format!("  {command} ")), "{help}");
        let page = page(&format!("pbi-analyze-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{page}");
    }
    assert!(page("pbi-analyze.1").contains("pbi\\-analyze\\-report(1)"));
}

/// Bash runs the script as it does when a user presses the tab key.
#[cfg(unix)]
#[test]
fn bash_completes_commands_and_their_flags() {
    let dir = Workdir::new();
    dir.write("script", dir.pbi(["completions", "bash"]).ended(0).stdout);
    for (typed, expected) in
        [("rep", "report reports"), ("report --f", "--from --fail-on --format")]
    {
        let asking = format!(
            "source ./script
             COMP_WORDS=(pbi-analyze {typed}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             [[ $(complete -p pbi-analyze) =~ -F\\ ([^ ]+) ]]
             \"${{BASH_REMATCH[1]}}\" pbi-analyze \"${{COMP_WORDS[COMP_CWORD]}}\" pbi-analyze
             echo \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        let ran = bash.args(["-c", &asking]).current_dir(dir.path()).output().unwrap();
        let answer = String::from_utf8(ran.stdout).unwrap();
        let mut answer: Vec<&str> = answer.split_whitespace().collect();
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        answer.sort_unstable();
        expected.sort_unstable();
        assert_eq!(answer, expected, "{typed}");
    }
}

#[test]
fn reports_are_listed_searched_and_explained() {
    let dir = Workdir::new();
    let list = dir.pbi(["report"]).ended(0).stdout;
    assert!(list.starts_with("To start with\n  top-reports"), "{list}");
    let found = dir.pbi(["reports", "LICENSE"]).ended(0).stdout;
    assert!(!found.contains("To start with"), "{found}");
    let explained = dir.pbi(["report", "Adoption", "--help"]).ended(0).stdout;
    assert!(explained.contains("\nColumns\n") && explained.contains("\nFlags: "), "{explained}");
    assert!(dir.pbi(["report", "--top", "3"]).ended(2).stdout.contains("To start with"));
}

/// Polars has its own thread pool, which a limit must reach too.
#[test]
#[cfg(target_os = "linux")]
fn reports_run_on_one_thread() {
    let dir = with_store();
    let report = ["report", "top-reports", "--store", "store", "--format", "csv"];
    let all = dir.pbi(report).ended(0).stdout;
    assert_eq!(dir.pbi(report.iter().chain(&["--threads", "1"])).ended(0).stdout, all);
}

#[test]
fn hyphen_as_output_means_stdout() {
    let dir = with_store();
    let report = ["report", "top-reports", "--store", "store", "-o", "-"];
    assert!(dir.pbi(report).ended(0).stdout.contains("rank"));
    assert!(!dir.join("-").exists());
}
