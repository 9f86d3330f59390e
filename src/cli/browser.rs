//! Prints a page as PDF with an installed browser.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::interrupt::TemporaryPath;

/// Names of browsers in the folders of PATH.
const NAMES: [&str; 8] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
];

/// Browsers below the folders of programs on Windows.
const WINDOWS_PROGRAMS: [&str; 3] = [
    "Microsoft\\Edge\\Application\\msedge.exe",
    "Google\\Chrome\\Application\\chrome.exe",
    "Chromium\\Application\\chrome.exe",
];

/// Variables with the folders of programs on Windows.
const WINDOWS_FOLDERS: [&str; 3] = ["ProgramFiles", "ProgramFiles(x86)", "LocalAppData"];

/// Browsers on macOS.
const MACOS_PROGRAMS: [&str; 3] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// The longest time that a browser may take to print a page.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// The time between two checks for the end of the browser.
const INTERVAL: Duration = Duration::from_millis(50);

/// Flags for a browser that prints one page: without a window, an assistant, extensions and
/// updates, and with names of hosts that lead nowhere.
const FLAGS: [&str; 9] = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
];

/// Returns the given browser, or an installed one.
///
/// # Errors
///
/// [`Error::Usage`] if there is none.
pub(super) fn find_browser(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return match given.is_file() {
            true => Ok(given.to_path_buf()),
            false => Err(Error::Usage(format!(
                "--browser {}: there is no such file; give the path of Chromium, Chrome or Edge",
                given.display()
            ))),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path);
    let on_path = folders.flat_map(|folder| {
        NAMES.map(|name| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
    });
    on_path.chain(usual_places()).find(|file| file.is_file()).ok_or_else(|| {
        Error::Usage(
            "a PDF needs Chromium, Chrome or Edge, and none was found; install one, give its path \
             with --browser, or write HTML and print it to a PDF in any browser"
                .to_owned(),
        )
    })
}

/// Returns the usual places of browsers that are not in PATH.
fn usual_places() -> Vec<PathBuf> {
    if cfg!(windows) {
        let folders = WINDOWS_FOLDERS.iter().filter_map(std::env::var_os).map(PathBuf::from);
        return folders
            .flat_map(|folder| WINDOWS_PROGRAMS.map(|program| folder.join(program)))
            .collect();
    }
    if cfg!(target_os = "macos") {
        return MACOS_PROGRAMS.map(PathBuf::from).into();
    }
    Vec::new()
}

/// Prints a page without scripts as PDF. The page, the PDF and the browser's profile are in a
/// temporary folder that only the user can read.
///
/// # Errors
///
/// [`Error::Io`] if the browser cannot be run, does not end in time, or writes no PDF.
pub(super) fn print_pdf(browser: &Path, html: &[u8]) -> Result<Vec<u8>> {
    let failed = |message: String| Error::io("print with", browser)(io::Error::other(message));
    let folder = private_folder();
    let folder = folder.map_err(|error| failed(format!("no temporary folder: {error}")))?;
    let _registered = TemporaryPath::new(folder.path());
    let [page, pdf, messages] =
        ["page.html", "page.pdf", "messages.txt"].map(|name| folder.path().join(name));
    std::fs::write(&page, html).map_err(Error::io("write", &page))?;
    let log = File::create(&messages).map_err(Error::io("write", &messages))?;
    let flag = |name: &str, value: &Path| {
        let mut flag = OsString::from(name);
        flag.push(value);
        flag
    };
    let mut command = Command::new(browser);
    command.args(FLAGS);
    if is_administrator(folder.path()) {
        // Chromium refuses to run as root with its sandbox. The page has no scripts.
        command.arg("--no-sandbox");
    }
    command
        .arg(flag("--user-data-dir=", &folder.path().join("profile")))
        .arg(flag("--print-to-pdf=", &pdf))
        .arg(&page)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut child = command.spawn().map_err(Error::io("run", browser))?;
    let started = Instant::now();
    loop {
        if child.try_wait().map_err(Error::io("run", browser))?.is_some() {
            break;
        }
        if started.elapsed() > TIME_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            let seconds = TIME_LIMIT.as_secs();
            return Err(failed(format!(
                "it did not end in {seconds} seconds; print a shorter period, or write HTML"
            )));
        }
        std::thread::sleep(INTERVAL);
    }
    let bytes = std::fs::read(&pdf).unwrap_or_default();
    if bytes.starts_with(b"%PDF") {
        return Ok(bytes);
    }
    let said = std::fs::read_to_string(&messages).unwrap_or_default();
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
    Err(failed(format!("it wrote no PDF, and its last message was: {last}")))
}

/// Creates a temporary folder that only the user can read.
fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    if let Some(private) = private_permissions() {
        builder.permissions(private);
    }
    builder.prefix("pbi-analyze-").tempdir()
}

#[cfg(unix)]
fn private_permissions() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(0o700))
}

/// Returns `None`: the temporary folder of a user is private already.
#[cfg(not(unix))]
fn private_permissions() -> Option<Permissions> {
    None
}

/// Returns true if the program runs as root, who owns the folder that it has created.
#[cfg(unix)]
fn is_administrator(own_folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(own_folder).is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(not(unix))]
fn is_administrator(_: &Path) -> bool {
    false
}
