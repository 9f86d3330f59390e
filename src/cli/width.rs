//! Width of output lines.

use std::io::IsTerminal;

/// Width of tables that do not go to a terminal: enough for full names.
pub(super) const DEFAULT_WIDTH: usize = 200;

/// Returns the maximum width of an output line, in character columns.
pub(super) fn output_width() -> usize {
    let variable = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || {
        let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size)?;
        size.map(|(width, _)| usize::from(width.0))
    };
    variable.or_else(terminal).unwrap_or(DEFAULT_WIDTH)
}
