//! Runs the recipes of docs/unattended.md over nights in which something goes wrong.
//!
//! The program reads the clock, so each night has an archive and a store of its own, whose days end
//! with yesterday. The store has seen the archive of the night before.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use chrono::{Days, NaiveDate, Utc};

use crate::events::plain;
use crate::sample_data::ROOT;
use crate::workdir::{Ran, Workdir};

/// Days before the first night.
const BEFORE: i64 = 30;

/// Files of the folder of downloads, by name.
type Archive = BTreeMap<String, String>;

fn recipe(begin: &str) -> String {
    let text =
        std::fs::read_to_string(Path::new(ROOT).join("docs/unattended.md")).expect("the recipes");
    let blocks = text.split("```").skip(1).step_by(2);
    let bodies = blocks.filter_map(|block| block.split_once('\n')).map(|(_, body)| body);
    let found = bodies.filter(|body| body.starts_with(begin)).collect::<Vec<_>>();
    assert_eq!(found.len(), 1, "{begin}");
    found[0].to_owned()
}

/// Returns the script of the recipe for cron and systemd, with the paths of a test.
fn script(dir: &Workdir) -> String {
    let script = recipe("#!/bin/sh\n# /usr/local/bin/pbi-nightly\n");
    script.replace("/srv/power-bi", dir.path().to_str().expect("the path is UTF-8"))
}

/// Runs a command of a shell, with the program on the PATH.
fn shell(dir: &Workdir, command: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_pbi-analyze"));
    let folder = program.parent().expect("it is in a folder").display();
    let path = std::env::var("PATH").expect("there is a PATH");
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir.path()).env("PATH", format!("{folder}:{path}"));
    shell.env("HOME", dir.path()).env_remove("PBI_STORE");
    Ran::of(&shell.output().expect("there is a shell"))
}

/// The world as it is in one night: day `night - 1` is yesterday.
struct Night {
    number: i64,
    today: NaiveDate,
}

impl Night {
    fn date(&self, day: i64) -> NaiveDate {
        let back = u64::try_from(self.number - day).expect("the day is not after the night");
        self.today.checked_sub_days(Days::new(back)).expect("the day exists")
    }

    /// Returns the name of a file of a day that was downloaded in a night.
    fn name(&self, day: i64, written: i64) -> String {
        let compact = |day| self.date(day).format("%Y%m%d");
        format!("PBIActivityEvents-{}-{}0415.json", compact(day), compact(written))
    }

    fn page(&self, day: i64, more: &str) -> String {
        let event = |hour: u32| {
            format!(
                "{{\"Id\":\"{day}-{hour}\",\"CreationTime\":\"{}T{hour:02}:10:00\",\
                 \"RecordType\":20,\"Operation\":\"ViewReport\",\"Activity\":\"ViewReport\",\
                 \"Workload\":\"PowerBI\",\"UserId\":\"ann@contoso.com\",\"ReportId\":\"r1\"}}",
                self.date(day)
            )
        };
        let events: Vec<String> = [0, 6, 12, 18, 23].map(event).into();
        let events = events.join(",");
        format!("{{\"activityEventEntities\":[{events}{more}],\"continuationUri\":null}}\n")
    }

    /// Returns the files that another night has seen.
    fn archive(&self, night: i64) -> Archive {
        let mut files = Archive::new();
        for day in -BEFORE..night {
            let whole = self.page(day, "");
            match day {
                // The collector was dead for two nights.
                4 | 5 if night < 7 => {}
                4 | 5 => drop(files.insert(self.name(day, 7), whole)),
                // A file is cut, and the day is downloaded again two nights later.
                14 => {
                    files.insert(self.name(14, 15), whole[..whole.len() / 2].to_owned());
                    if night >= 17 {
                        files.insert(self.name(14, 17), whole);
                    }
                }
                // A record has no time, until the file is replaced.
                19 if night < 22 => {
                    let broken = self.page(19, ",{\"Id\":\"x\",\"Operation\":\"ViewReport\"}");
                    files.insert(self.name(19, 20), broken);
                }
                // A web page in place of a day, deleted two nights later.
                24 => {
                    if night < 27 {
                        files.insert(self.name(24, 25), "<html>not now</html>".to_owned());
                    }
                    if night >= 26 {
                        files.insert(self.name(24, 26), whole);
                    }
                }
                day => drop(files.insert(self.name(day, day + 1), whole)),
            }
        }
        files
    }
}

/// Makes a folder contain these files. Files with the right content are not touched.
fn change_to(dir: &Workdir, files: &Archive) {
    let folder = dir.join("activity-log");
    std::fs::create_dir_all(&folder).expect("there is room");
    for entry in std::fs::read_dir(&folder).expect("the folder can be listed") {
        let entry = entry.expect("the folder can be listed");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        if !files.contains_key(&name) {
            std::fs::remove_file(entry.path()).expect("it is ours");
        }
    }
    for (name, content) in files {
        let path = folder.join(name);
        if std::fs::read(&path).ok().as_deref() != Some(content.as_bytes()) {
            std::fs::write(path, content).expect("there is room");
        }
    }
}

/// Nights in which the folder of the downloads is not mounted.
const UNMOUNTED: [i64; 2] = [10, 11];

/// The night in which the disk of the store is full.
const FULL: i64 = 30;

fn run_night(number: i64, today: NaiveDate) -> Ran {
    let (dir, night) = (Workdir::new(), Night { number, today });
    let before = (0..number).rev().find(|night| !UNMOUNTED.contains(night)).expect("a night");
    change_to(&dir, &night.archive(before));
    let ingest = ["ingest", "activity-log", "--store", "store", "--quiet"];
    dir.pbi(ingest).one_of(&[0, 3]);
    match UNMOUNTED.contains(&number) {
        true => change_to(&dir, &Archive::new()),
        false => change_to(&dir, &night.archive(number)),
    }
    // Dashboard and reports take most of the time, and another test runs them.
    let is_short =
        |line: &&str| !["run dashboard", "run report"].iter().any(|it| line.starts_with(it));
    let script: Vec<String> =
        script(&dir).lines().filter(is_short).map(|line| format!("{line}\n")).collect();
    dir.write("pbi-nightly", script.concat());
    shell(
        &dir,
        match number {
            FULL => "trap '' XFSZ; ulimit -f 0; exec sh ./pbi-nightly",
            _ => "exec sh ./pbi-nightly",
        },
    )
}

/// Texts on stderr in the nights that are red. In all others, nothing is printed.
const RED: [(i64, i32, &[&str]); 11] = [
    (5, 3, &["pbi-analyze: 1 day is missing: "]),
    // Late in the evening, it is three days old.
    (6, 3, &["pbi-analyze: 2 days are missing: ", "the newest event is "]),
    (10, 3, &["activity-log: no files found", "1 day is missing: "]),
    (11, 3, &["activity-log: no files found", "2 days are missing: "]),
    (15, 3, &["0415.json: byte ", "is damaged or not a log: byte "]),
    (16, 3, &["is damaged or not a log: byte "]),
    (20, 3, &["has 1 rejected record: byte "]),
    (21, 3, &["has 1 rejected record: byte "]),
    (25, 3, &["is damaged or not a log: byte 0: ", "1 day is missing: "]),
    (26, 3, &["is damaged or not a log: byte 0: "]),
    (FULL, 1, &["pbi-analyze: "]),
];

#[test]
fn nights_are_red_as_long_as_something_is_wrong_and_silent_otherwise() {
    let today = Utc::now().date_naive();
    for number in 1..=40 {
        let ran = run_night(number, today);
        println!("night {number}: {} {}", ran.code, ran.stderr);
        if today != Utc::now().date_naive() {
            return; // Midnight has passed, so yesterday is another day.
        }
        assert_eq!(ran.stdout, "", "night {number}");
        match RED.iter().find(|(night, ..)| *night == number) {
            None => assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "night {number}"),
            Some((_, code, texts)) => {
                assert_eq!(ran.code, *code, "night {number}: {}", ran.stderr);
                for text in *texts {
                    assert!(ran.stderr.contains(text), "night {number}: {}", ran.stderr);
                }
            }
        }
    }
}

/// Runs the lines of cron and systemd as they are, with the paths of a test.
#[test]
fn lines_of_cron_and_systemd_run_the_whole_script() {
    let dir = Workdir::new();
    let night = Night { number: 1, today: Utc::now().date_naive() };
    change_to(&dir, &night.archive(1));
    dir.write("pbi-nightly", script(&dir));
    let path = |name: &str| dir.join(name).to_str().expect("the path is UTF-8").to_owned();
    let local = |line: &str| {
        let script = format!("sh {}", path("pbi-nightly"));
        line.replace("/usr/local/bin/pbi-nightly", &script)
            .replace("/run/lock/pbi-nightly", &path("lock"))
    };
    let table = recipe("# m h  dom mon dow  command\n");
    let line = table.lines().nth(1).expect("a line of the table");
    let command: Vec<&str> = line.split_whitespace().skip(5).collect();
    let ran = shell(&dir, &local(&command.join(" ")));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    assert!(dir.join("usage.html").is_file());
    let reports = std::fs::read_dir(dir.join("reports")).expect("the reports").count();
    assert!(reports > 20, "{reports}");

    // The collector has died since.
    std::fs::remove_dir_all(dir.join("activity-log")).expect("it is ours");
    std::fs::remove_dir_all(dir.join("store")).expect("it is ours");
    change_to(&dir, &Night { number: 5, ..night }.archive(2));
    let unit = recipe("# /etc/systemd/system/pbi-nightly.service\n");
    assert!(!unit.contains("SuccessExitStatus"), "missing days fail the unit");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let ran = shell(&dir, &local(line)).ended(3);
    assert!(ran.stderr.contains("3 days are missing: "), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

/// No PowerShell runs here. Its script must at least run the same commands.
#[test]
fn script_for_windows_runs_the_same_commands() {
    let lines = |text: &str, name: &str| -> Vec<String> {
        let commands = text.lines().filter_map(|line| line.strip_prefix(name)).map(str::to_owned);
        commands.collect()
    };
    let unix = lines(&recipe("#!/bin/sh\n# /usr/local/bin/pbi-nightly\n"), "run ");
    let windows: Vec<String> = lines(&recipe("# C:\\Tools\\pbi-nightly.ps1\n"), "Run ")
        .into_iter()
        .map(|line| line.replace('\'', "").replace("D:\\PowerBI\\", "/srv/power-bi/"))
        .collect();
    assert!(unix.len() >= 4);
    assert_eq!(windows, unix);
}

/// A step that failed is not hidden by a later one that found something.
#[test]
fn failure_is_worse_than_incomplete_data() {
    let dir = Workdir::new();
    let night = Night { number: 5, today: Utc::now().date_naive() };
    change_to(&dir, &night.archive(2));
    // The page cannot replace a folder.
    dir.write("usage.html/in-the-way", "");
    dir.write("pbi-nightly", script(&dir).replace("run report", "# run report"));
    let ran = shell(&dir, "exec sh ./pbi-nightly").ended(1);
    assert!(ran.stderr.contains("3 days are missing: "), "{}", ran.stderr);
}

#[test]
fn quiet_prints_nothing_on_success() {
    let dir = Workdir::new();
    let events: Vec<String> = (0..3).map(|number| plain(0, number)).collect();
    dir.write("archive/events.json", format!("[{}]", events.join(",")));
    dir.pbi(["ingest", "archive", "--store", "store"]).ended(0);
    dir.write("archive/empty.json", "");
    for arguments in [
        &["ingest", "archive", "--store", "other", "--quiet"][..],
        &["ingest", "archive", "--store", "other", "-q"],
        &["compact", "--store", "other", "-q"],
        &["status", "--store", "store", "-q"],
        &["status", "--store", "store", "-q", "--fail-on", "damaged,rejects"],
        &["verify", "--store", "store", "-q"],
        &["report", "coverage", "--store", "store", "-q", "--fail-on", "rows:none"],
    ] {
        let ran = dir.pbi(arguments).ended(0);
        assert_eq!((ran.stderr, ran.stdout), (String::new(), String::new()), "{arguments:?}");
    }
    for arguments in [
        &["ingest", "archive", "--store", "other", "-q", "--format", "json"][..],
        &["--quiet", "report", "top-reports", "--from", "archive"],
        &["report", "top-reports", "--store", "store", "-q"],
        &["status", "--store", "store", "-q", "--format", "json"],
        &["report", "coverage", "--store", "store", "-q"],
        &["reports", "-q"],
    ] {
        let ran = dir.pbi(arguments).ended(0);
        assert_eq!(ran.stderr, "", "{arguments:?}");
        assert_ne!(ran.stdout, "", "{arguments:?}");
    }
}

/// Returns the values of a file for Prometheus, and checks its format.
fn metrics(text: &str) -> BTreeMap<String, i64> {
    let mut values = BTreeMap::new();
    let mut declared = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ") {
            declared = name.strip_suffix(" gauge").expect("a gauge").to_owned();
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert_eq!(name.split('{').next(), Some(declared.as_str()), "{line}");
            let name = name.strip_prefix("pbi_analyze_").expect("the name of the program");
            values.insert(name.to_owned(), value.parse().expect("a whole number"));
        }
    }
    values
}

#[test]
fn metrics_have_the_figures_of_the_conditions() {
    let dir = Workdir::new();
    let night = Night { number: 5, today: Utc::now().date_naive() };
    change_to(&dir, &night.archive(2));
    dir.write("activity-log/page.json", "<html>Sign in</html>");
    dir.pbi(["ingest", "activity-log", "--store", "store"]).ended(3);
    dir.pbi(["status", "--store", "store", "-q", "--metrics", "pbi.prom"]).ended(0);
    let text = std::fs::read_to_string(dir.join("pbi.prom")).expect("the file");
    let values = metrics(&text);
    assert_eq!(values["incomplete_days{status=\"missing\"}"], 3, "{text}");
    assert_eq!(values["unrepaired_sources{problem=\"damaged\"}"], 1, "{text}");
    assert_eq!(values["unrepaired_sources{problem=\"rejects\"}"], 0, "{text}");
    let now = Utc::now().timestamp();
    assert!((now - 60..=now).contains(&values["check_timestamp_seconds"]), "{text}");
    let newest = now - values["newest_event_timestamp_seconds"];
    assert!((3 * 86_400..5 * 86_400).contains(&newest), "{text}");
    let status = dir.pbi(["status", "--store", "store", "--format", "json"]).ended(0).stdout;
    assert!(status.contains(&format!("\"events\":{},", values["events"])), "{status}");

    let ran = dir.pbi(["status", "--store", "store", "--metrics", "pbi.txt"]).ended(2);
    assert!(ran.stderr.contains("whose names end in .prom only"), "{}", ran.stderr);
}
