//! The program `pbi-analyze`; all code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pbi_analyze::cli::run() as u8)
}
