//! The program: everything is in the library, this is its door.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pbi_analyze::cli::run() as u8)
}
