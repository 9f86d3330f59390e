//! Checks the permissions of a store, and that it ends at symbolic links.

use std::fs::{Permissions, metadata, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::events::{id, plain};
use crate::table;
use crate::workdir::{Ran, Workdir};

fn mode(path: &Path) -> u32 {
    metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(tree(&path));
        }
        found.push(path);
    }
    found
}

/// Runs the program with a umask, which only a shell can set.
fn under(umask: &str, dir: &Workdir, arguments: &[&str]) -> Ran {
    let program = dir.command(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
    shell.arg(program.get_program()).args(program.get_args()).current_dir(dir.path());
    Ran::of(&shell.output().expect("there is a shell"))
}

/// Runs until there are a checkpoint, a compacted source log and a compaction.
fn many_runs(umask: &str, dir: &Workdir) {
    for number in 0..34 {
        dir.write("archive/a.json", format!("{}{}", plain(0, number), "\n".repeat(number)));
        under(umask, dir, &["ingest", "archive", "--store", "store"]).ended(0);
    }
    let log = dir.join("store/events/_delta_log");
    assert!(log.join("_last_checkpoint").exists(), "{:?}", tree(&log));
}

#[test]
fn files_of_a_store_are_as_private_as_its_folder_with_a_lax_umask() {
    let dir = Workdir::new();
    std::fs::create_dir(dir.join("store")).expect("there is room");
    set_mode(&dir.join("store"), 0o700);
    many_runs("000", &dir);
    for path in tree(&dir.join("store")) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

/// A store that a group shares remains shared after every writer. New folders have the group of
/// their parent if the parent sets it.
#[test]
fn files_of_a_store_are_as_open_as_its_folder_with_a_strict_umask() {
    let dir = Workdir::new();
    std::fs::create_dir(dir.join("store")).expect("there is room");
    set_mode(&dir.join("store"), 0o2770);
    many_runs("077", &dir);
    for path in tree(&dir.join("store")) {
        let expected = if path.is_dir() { 0o2770 } else { 0o660 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn new_store_has_the_permissions_of_its_parent_limited_by_umask() {
    for (above, umask, expected) in [
        (0o700, "000", 0o700),
        (0o750, "000", 0o750),
        (0o755, "022", 0o755),
        (0o755, "077", 0o700),
        // Everybody may create files in the folder, as in /tmp, but not change those of others.
        (0o1777, "000", 0o755),
    ] {
        let dir = Workdir::new();
        dir.write("archive/a.json", plain(0, 0));
        std::fs::create_dir(dir.join("above")).expect("there is room");
        set_mode(&dir.join("above"), above);
        under(umask, &dir, &["ingest", "archive", "--store", "above/store"]).ended(0);
        assert_eq!(mode(&dir.join("above/store")), expected, "{above:o} {umask}");
        for path in tree(&dir.join("above/store")) {
            let expected = if path.is_dir() { expected } else { expected & 0o666 };
            assert_eq!(mode(&path), expected, "{above:o} {umask} {}", path.display());
        }
    }
}

#[test]
fn symlink_in_a_store_is_not_followed_for_writing() {
    for name in ["events", "events/_delta_log", "events/month=2026-03", "sources"] {
        let dir = Workdir::new();
        dir.write("archive/a.json", plain(0, 0));
        dir.ingest("store", &["archive"]).0.ended(0);
        let (link, elsewhere) = (dir.join("store").join(name), dir.join("elsewhere"));
        std::fs::rename(&link, &elsewhere).expect("it can be moved");
        symlink(&elsewhere, &link).expect("links can be made");
        let before = tree(&elsewhere);

        dir.write("archive/b.json", plain(0, 1));
        let ran = dir.pbi(["ingest", "archive", "--store", "store"]).ended(1);
        let said =
            format!("pbi-analyze: store store: {name} is a link, and pbi-analyze does not write");
        assert!(ran.stderr.contains(&said), "{ran:?}");
        assert_eq!(tree(&elsewhere), before, "{name}");
        // Reading is allowed.
        let ran = dir.pbi(["status", "--store", "store"]).ended(0);
        assert!(ran.stdout.contains("events   1 by 1 user;"), "{ran:?}");
    }
}

#[test]
fn store_folder_may_be_a_symlink() {
    let dir = Workdir::new();
    std::fs::create_dir(dir.join("large-disk")).expect("there is room");
    symlink("large-disk", dir.join("store")).expect("links can be made");
    dir.write("archive/a.json", plain(0, 0));
    dir.ingest("store", &["archive"]).0.ended(0);
    assert_eq!(table::ids(&dir.join("large-disk")), [id(0, 0)]);
}

#[test]
fn output_follows_a_link_and_keeps_permissions() {
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    let report = |output: &str| {
        under("022", &dir, &["report", "top-reports", "--from", "archive", "--output", output])
    };
    report("new.csv").ended(0);
    assert_eq!(mode(&dir.join("new.csv")), 0o644);
    set_mode(&dir.join("new.csv"), 0o600);
    report("new.csv").ended(0);
    assert_eq!(mode(&dir.join("new.csv")), 0o600, "a private file stays private");

    dir.write("elsewhere/target.csv", "old");
    symlink(dir.join("elsewhere/target.csv"), dir.join("link.csv")).expect("links can be made");
    report("link.csv").ended(0);
    assert!(dir.join("link.csv").is_symlink());
    let written = std::fs::read_to_string(dir.join("elsewhere/target.csv")).expect("it is there");
    assert!(written.starts_with("rank,"), "{written}");

    symlink(dir.join("nowhere.csv"), dir.join("dangling.csv")).expect("links can be made");
    let ran = report("dangling.csv").ended(1);
    assert!(ran.stderr.contains("a link to a file that does not exist"), "{ran:?}");
    let hidden = tree(dir.path()).into_iter().filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".pbi"))
    });
    assert_eq!(hidden.count(), 0);
}

/// Replacing a pipe by a file would leave its reader waiting forever.
#[test]
fn output_to_a_pipe_is_written_into_it() {
    use std::os::unix::fs::FileTypeExt;
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    let pipe = dir.join("pipe.csv");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo can be started");
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe)
    });
    dir.pbi(["report", "top-reports", "--from", "archive", "--output", "pipe.csv"]).ended(0);
    assert!(metadata(&pipe).expect("it is there").file_type().is_fifo());
    let text = reader.join().expect("the reader ends").expect("the pipe can be read");
    assert!(text.starts_with("rank,"), "{text}");
}

#[test]
fn folder_of_a_killed_report_on_raw_files_is_deleted_by_the_next() {
    let dir = Workdir::new();
    dir.write("archive/a.json", plain(0, 0));
    std::fs::create_dir_all(dir.join("temp/pbi-analyze-dead/events")).expect("there is room");
    dir.write("temp/pbi-analyze-dead/in-use", "");
    let mut command = dir.command(["report", "top-reports", "--from", "archive"]);
    command.env("TMPDIR", dir.join("temp"));
    Ran::of(&command.output().expect("the program can be started")).ended(0);
    assert_eq!(tree(&dir.join("temp")), Vec::<PathBuf>::new());
}
