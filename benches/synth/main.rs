//! Writes an invented archive for measurements and experiments: `synth DIR`. Prints the content of
//! the archive as one line of JSON.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unreachable,
    missing_docs,
    reason = "a tool for developers may fail, and its output is for a terminal"
)]

#[path = "../../tests/support/attack.rs"]
mod attack;
#[path = "../../tests/support/synth/mod.rs"]
mod synth;
#[path = "../../tests/support/year/mod.rs"]
mod year;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use synth::{Layout, Spec, Spelling, Types, write_archive};

const USAGE: &str = "\
usage: synth DIR [--layout pages|mixed|array] [--events N | --bytes N] [--days N] [--users N]
             [--reports N] [--workspaces N] [--seed N] [--first-day YYYY-MM-DD]
             [--noise SHARE] [--duplicates SHARE] [--spelling both|classic] [--types varied|uniform]

       synth --year DIR
       synth --attack DIR

Writes the activity log of an invented tenant into the folder DIR, which should be empty.
--year writes the year of a small company, which the tests of reports use and which is always the
same. --attack writes a tenant in which every name attacks the page that shows it.

  --layout    pages: REST pages in one folder (default); mixed: every day in another container;
              array: one file with one array
  --events    distinct events (default 20000)
  --bytes     instead of --events: about N bytes; K, M and G are allowed
  --noise     share of ExportActivityEvents and GetDatasources (default 0.45)
  --duplicates
              share of duplicates (default 0.03)
  --spelling  both: WorkSpaceName and WorkspaceName occur (default); classic: only the first
  --types     varied: fields may be text or a number, as in real archives (default);
              uniform: one type per field, which tools that guess a schema need";

struct Options {
    dir: PathBuf,
    layout: Layout,
    spec: Spec,
    bytes: Option<u64>,
}

fn main() -> ExitCode {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.is_empty() || arguments.iter().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    if let [flag, dir] = arguments.as_slice()
        && flag == "--year"
    {
        return end(write_year(Path::new(dir)));
    }
    if let [flag, dir] = arguments.as_slice()
        && flag == "--attack"
    {
        return end(attack::write(Path::new(dir)).map(|()| format!("{{\"dir\":{dir:?}}}")));
    }
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("synth: {problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    end(run(options))
}

/// Prints the result or the error.
fn end(result: std::io::Result<String>) -> ExitCode {
    match result {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("synth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        dir: PathBuf::new(),
        layout: Layout::RestPages,
        spec: Spec::default(),
        bytes: None,
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if let Some(flag) = argument.strip_prefix("--") {
            let value = arguments.next().ok_or_else(|| format!("--{flag} needs a value"))?;
            set(&mut options, flag, value)
                .ok_or_else(|| format!("unknown option or value: --{flag} {value}"))?;
        } else if options.dir.as_os_str().is_empty() {
            options.dir = argument.into();
        } else {
            return Err(format!("unexpected argument {argument}: give one folder"));
        }
    }
    match options.dir.as_os_str().is_empty() {
        true => Err("the folder DIR is missing".to_owned()),
        false => Ok(options),
    }
}

/// Sets one option; returns `None` if the flag or its value is unknown.
fn set(options: &mut Options, flag: &str, value: &str) -> Option<()> {
    let spec = &mut options.spec;
    let count = || value.parse().ok().filter(|count| *count > 0);
    let share = || value.parse().ok().filter(|share| (0.0..1.0).contains(share));
    match flag {
        "layout" => {
            options.layout = match value {
                "pages" => Layout::RestPages,
                "mixed" => Layout::Mixed,
                "array" => Layout::OneArray,
                _ => return None,
            }
        }
        "spelling" => {
            spec.spelling = match value {
                "both" => Spelling::Both,
                "classic" => Spelling::Classic,
                _ => return None,
            }
        }
        "types" => {
            spec.types = match value {
                "varied" => Types::Varied,
                "uniform" => Types::Uniform,
                _ => return None,
            }
        }
        "bytes" => options.bytes = Some(bytes(value)?),
        "events" => spec.events = value.parse().ok()?,
        "seed" => spec.seed = value.parse().ok()?,
        "first-day" => spec.first_day = value.parse().ok()?,
        "days" => spec.days = count()?,
        "users" => spec.users = count()?,
        "reports" => spec.reports = count()?,
        "workspaces" => spec.workspaces = count()?,
        "noise" => spec.noise_share = share()?,
        "duplicates" => spec.duplicates_share = share()?,
        _ => return None,
    }
    Some(())
}

fn bytes(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(['K', 'M', 'G']);
    let unit = match &value[digits.len()..] {
        "" => 1,
        "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn run(options: Options) -> std::io::Result<String> {
    let Options { dir, layout, spec, bytes } = options;
    let spec = match bytes {
        Some(bytes) => spec.sized(layout, bytes),
        None => spec,
    };
    let start = Instant::now();
    let written = write_archive(&dir, &spec, layout)?;
    Ok(format!(
        r#"{{"layout":"{layout:?}","seed":{},"days":{},"records":{},"distinct":{},"duplicates":{},"poorer":{},"conflicting":{},"other_workloads":{},"files":{},"bytes":{},"seconds":{:.2}}}"#,
        spec.seed,
        spec.days,
        written.records,
        written.distinct,
        written.duplicates(),
        written.poorer,
        written.conflicting,
        written.other_workloads,
        written.files,
        written.bytes,
        start.elapsed().as_secs_f64(),
    ))
}

fn write_year(dir: &Path) -> std::io::Result<String> {
    let year = year::make();
    year.write(dir)?;
    let bytes: usize = year.files.iter().map(|file| file.bytes.len()).sum();
    let (events, days, files) = (year.events.len(), year.days.len(), year.files.len());
    Ok(format!(r#"{{"events":{events},"days":{days},"files":{files},"bytes":{bytes}}}"#))
}
