//! Checks that weak key files and paths that reports cannot read are refused by the first command.

use crate::workdir::Workdir;

const EVENT: &str = r#"[{"Id":"e1","CreationTime":"2026-03-01T08:00:00","Operation":"ViewReport",
    "RecordType":20,"UserId":"max@contoso.example"}]"#;

fn archive() -> Workdir {
    let dir = Workdir::new();
    dir.write("archive/a.json", EVENT);
    dir
}

#[test]
fn weak_key_is_refused_by_every_command() {
    let dir = archive();
    for (key, reason) in [
        ("secret", "needs at least 16"),
        ("0000000000000000", "is a text of length 1,"),
        ("aaaaaaaaaaaaaaab", "only 2 different bytes"),
        ("0123456789abcdef", "is a sequence"),
    ] {
        dir.write("key", key);
        let keyed = ["ingest", "archive", "--pseudonymize", "--key-file", "key"];
        let ran = dir.pbi(keyed).ended(2);
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(ran.stderr.contains("openssl rand -hex 32"), "{}", ran.stderr);
    }
    assert!(!dir.join("pbi-store").exists(), "nothing was written");
}

#[test]
#[cfg(unix)]
fn key_that_others_can_read_is_a_warning() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    let dir = archive();
    let key = dir.write("key", "8f2b1d90c37a4e65f01b6a2c9d84e733\n");
    let keyed = ["ingest", "archive", "--quiet", "--pseudonymize", "--key-file", "key"];
    for (mode, is_open) in [(0o600, false), (0o640, false), (0o644, true), (0o660, true)] {
        set_permissions(&key, Permissions::from_mode(mode)).expect("they can be changed");
        let ran = dir.pbi(keyed).ended(0);
        assert_eq!(ran.stderr.contains("run `chmod 600 key`"), is_open, "{mode:o} {}", ran.stderr);
    }
}

/// Linux allows any bytes in a name.
#[test]
#[cfg(target_os = "linux")]
fn store_in_a_path_that_is_not_utf8_is_refused_by_the_first_command() {
    use std::ffi::{OsStr, OsString};
    use std::os::unix::ffi::OsStrExt;

    let dir = archive();
    let folder = OsStr::from_bytes(b"st\xffre");
    let arguments = |command: &[&str]| {
        let mut all: Vec<OsString> = command.iter().map(OsString::from).collect();
        all.extend([OsString::from("--store"), folder.to_os_string()]);
        all
    };
    for command in
        [&["ingest", "archive"][..], &["ingest", "archive", "--dry-run"], &["status"], &["verify"]]
    {
        let ran = dir.pbi(arguments(command)).ended(1);
        assert!(ran.stderr.contains("not UTF-8"), "{command:?}: {}", ran.stderr);
    }
    assert!(!dir.join(folder).exists(), "nothing was written");
    // The folder in which the command runs counts too.
    let inside = Workdir::below(&dir.join(folder));
    inside.write("archive/a.json", EVENT);
    let ran = inside.pbi(["ingest", "archive"]).ended(1);
    assert!(ran.stderr.contains("not UTF-8"), "{}", ran.stderr);
    // Log files may have any names.
    dir.pbi(["ingest".into(), inside.join("archive").into_os_string()]).ended(0);
}
