//! Shows progress: a bar on a terminal, lines in a log, nothing with `--quiet`.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::log;
use crate::cli::text::count;
use crate::ingest::Progress;

/// Shows progress on stderr.
pub(super) enum ProgressReporter {
    Bar(ProgressBar),
    Lines,
    Hidden,
}

impl ProgressReporter {
    pub(super) fn new(quiet: bool) -> Self {
        if quiet {
            ProgressReporter::Hidden
        } else if std::io::stderr().is_terminal() && !log::is_json() {
            ProgressReporter::Bar(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()))
        } else {
            ProgressReporter::Lines
        }
    }

    /// Removes the bar before other output.
    pub(super) fn clear(&self) {
        if let ProgressReporter::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress for ProgressReporter {
    fn start(&self, files: usize, bytes: u64) {
        match self {
            ProgressReporter::Bar(bar) => {
                bar.set_length(bytes);
                let style = ProgressStyle::with_template(
                    "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}",
                );
                if let Ok(style) = style {
                    bar.set_style(style);
                }
                bar.set_message(format!("reading {}", count(files as u64, "file")));
                bar.enable_steady_tick(Duration::from_millis(200));
            }
            ProgressReporter::Lines => {
                let files = count(files as u64, "file");
                log::info(&format!("reading {files}, {}", HumanBytes(bytes)));
            }
            ProgressReporter::Hidden => {}
        }
    }

    fn advance(&self, bytes: u64) {
        if let ProgressReporter::Bar(bar) = self {
            bar.inc(bytes);
        }
    }

    fn stage(&self, name: &'static str) {
        match self {
            ProgressReporter::Bar(bar) => bar.set_message(name),
            ProgressReporter::Lines => log::info(name),
            ProgressReporter::Hidden => {}
        }
    }
}
