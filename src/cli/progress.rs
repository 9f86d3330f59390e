//! Progress: a bar on a terminal, lines in a log, nothing when quiet.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::log;
use crate::cli::text::count;
use crate::ingest::Progress;

/// Shows progress on stderr.
pub(super) enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Shown {
    pub(super) fn new(quiet: bool) -> Self {
        if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() && !log::is_json() {
            Shown::Bar(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()))
        } else {
            Shown::Lines
        }
    }

    /// Takes the bar away, so that what is printed next stands alone.
    pub(super) fn clear(&self) {
        if let Shown::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn start(&self, files: usize, bytes: u64) {
        match self {
            Shown::Bar(bar) => {
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
            Shown::Lines => {
                let files = count(files as u64, "file");
                log::info(&format!("reading {files}, {}", HumanBytes(bytes)));
            }
            Shown::Nothing => {}
        }
    }

    fn advance(&self, bytes: u64) {
        if let Shown::Bar(bar) = self {
            bar.inc(bytes);
        }
    }

    fn stage(&self, name: &'static str) {
        match self {
            Shown::Bar(bar) => bar.set_message(name),
            Shown::Lines => log::info(name),
            Shown::Nothing => {}
        }
    }
}
