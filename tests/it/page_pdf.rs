//! Checks the PDF of the dashboard with programs in the place of a browser; tests/browser prints one
//! in Chromium.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::archive::year;
use crate::workdir::Workdir;

/// Notes the arguments, the permissions of the folder and the page, and writes a PDF.
const PRINTS: &str = "#!/bin/sh
for argument; do case $argument in --print-to-pdf=*) pdf=${argument#*=};; esac; done
echo \"$*\" > \"$0.log\"
ls -ld \"${pdf%/*}\" >> \"$0.log\"
cp \"${pdf%/*}/page.html\" \"$0.html\"
printf '%%PDF-1.4 printed' > \"$pdf\"
";

fn browser(dir: &Workdir, name: &str, script: &str) -> PathBuf {
    let path = dir.write(name, script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_browser_in_path_prints_the_page_in_a_private_folder() {
    let dir = Workdir::new();
    let program = browser(&dir, "bin/chromium", PRINTS);
    let pdf = dir.join("usage.pdf");
    let mut command = year().dir.command(["dashboard", "--store", "store", "--since", "7d"]);
    command.arg("--output").arg(&pdf);
    command.env("PATH", format!("{}:/usr/bin:/bin", dir.join("bin").display()));
    assert!(command.status().unwrap().success());
    assert_eq!(std::fs::read(&pdf).unwrap(), b"%PDF-1.4 printed");
    let log = std::fs::read_to_string(program.with_extension("log")).unwrap();
    assert!(log.contains("--headless") && log.contains("--host-resolver-rules=MAP *"), "{log}");
    assert!(log.contains("drwx------"), "only the user reads the folder: {log}");
    let page = std::fs::read_to_string(program.with_extension("html")).unwrap();
    assert!(!page.contains("<script"), "the printed page has no scripts");
    let folder = log.split("--print-to-pdf=").nth(1).and_then(|text| text.split(' ').next());
    assert!(!PathBuf::from(folder.unwrap()).parent().unwrap().exists(), "{log}");
}

#[test]
fn without_a_pdf_nothing_is_written_and_the_error_gives_advice() {
    let dir = Workdir::new();
    let fails = browser(&dir, "fails", "#!/bin/sh\necho 'no display' >&2\n");
    let pdf = dir.join("usage.pdf");
    let run = |flags: &[&str]| {
        let mut command = year().dir.command(["dashboard", "--store", "store", "--since", "7d"]);
        command.args(flags).arg("--output").arg(&pdf).env("PATH", dir.path());
        let output = command.output().unwrap();
        assert!(!pdf.exists());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, error) = run(&["--browser", fails.to_str().unwrap()]);
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("wrote no PDF, and its last message was: no display"), "{error}");
    let (code, error) = run(&["--browser", "no-such-browser"]);
    assert_eq!(code, 2);
    assert!(error.contains("--browser no-such-browser: there is no such file"), "{error}");
    #[cfg(target_os = "linux")]
    {
        let (code, error) = run(&[]);
        assert_eq!(code, 2);
        assert!(error.contains("install one, give its path with --browser"), "{error}");
    }
    let (code, error) = run(&["--format", "html"]);
    assert_eq!(code, 2, "{error}");
}
