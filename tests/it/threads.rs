//! Checks that `--threads` limits the threads of the query engine.

use std::io::Read;
use std::process::Stdio;

use crate::sample_data::copy_of_sample_data;

/// Runs a query whose output does not fit into a pipe, and returns the number of the engine's
/// threads while the program waits for the reader.
fn engine_threads(arguments: &[&str]) -> usize {
    let dir = copy_of_sample_data();
    dir.ingest("store", &["sample-data"]);
    let sql = "SELECT Id, UserId, activity_name, UserAgent, ReportName, WorkspaceName FROM events";
    let query = ["sql", sql, "--format", "json", "--store", "store"];
    let mut command = dir.command([&query[..], arguments].concat());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut output = child.stdout.take().expect("stdout is a pipe");
    output.read_exact(&mut [0]).expect("the query has a result");
    let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).expect("it is running");
    let names = tasks.map(|task| {
        let name = task.expect("it can be listed").path().join("comm");
        std::fs::read_to_string(name).expect("it is running")
    });
    let is_engine = |name: &String| {
        name.trim().strip_prefix("polars-").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let threads = names.filter(is_engine).count();
    let length = std::io::copy(&mut output, &mut std::io::sink()).expect("it continues");
    assert!(length > 100_000, "a pipe holds {length} bytes, so the program may have ended");
    assert!(child.wait().expect("it ends").success());
    threads
}

#[test]
fn queries_run_on_as_many_threads_as_allowed() {
    assert_eq!(engine_threads(&["--threads", "1"]), 1);
    assert_eq!(engine_threads(&["--threads", "5"]), 5);
}
