//! The figures of a store in the text format of Prometheus.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. The textfile collector
//! of node_exporter reads files of a folder whose names end in `.prom`
//! (<https://github.com/prometheus/node_exporter#textfile-collector>), and complete ones only if
//! they are renamed into it, as all output files of this program are.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Result};
use crate::status::StoreStatus;
use crate::watch::WatchFigures;

/// Refuses a file name that the collector does not read.
///
/// # Errors
///
/// [`Error::Usage`] if the name does not end in `.prom`.
pub(super) fn check_name(file: &Path) -> Result<()> {
    match file.extension() {
        Some(extension) if extension == "prom" => Ok(()),
        _ => Err(Error::Usage(format!(
            "--metrics {}: the collector of Prometheus reads files whose names end in .prom only",
            file.display()
        ))),
    }
}

/// Returns the figures as text. `now_s` is the time of the check in seconds since 1970.
pub(super) fn prometheus_text(status: &StoreStatus, watch: &WatchFigures, now_s: i64) -> String {
    let mut metrics = Metrics::default();
    if let Some(newest) = watch.newest_event_s {
        metrics.gauge("newest_event_timestamp_seconds", "Time of the newest event", newest);
    }
    metrics.gauge("check_timestamp_seconds", "Time of this check", now_s);
    metrics.head("incomplete_days", "Days to download again, by status");
    for (day_status, days) in &watch.days {
        metrics.labeled("incomplete_days", "status", day_status, *days);
    }
    metrics.head("unrepaired_sources", "Sources with a problem that can be repaired");
    metrics.labeled("unrepaired_sources", "problem", "damaged", watch.damaged_sources);
    metrics.labeled("unrepaired_sources", "problem", "rejects", watch.rejecting_sources);
    metrics.gauge("events", "Events in the store", status.events);
    metrics.gauge("sources", "Sources that were read", status.sources);
    metrics.gauge("rejected_records", "Rejected records in the store", status.rejects);
    metrics.gauge("data_files", "Data files of the table of events", status.files);
    metrics.gauge("data_bytes", "Size of these files", status.bytes);
    if !status.inventory.is_empty() {
        metrics.head("inventory_age_days", "Age of the newest snapshot, by kind");
    }
    for inventory in &status.inventory {
        metrics.labeled("inventory_age_days", "kind", &inventory.kind, inventory.age_days);
    }
    metrics.text
}

/// Lines of metrics, whose names begin with the name of the program.
#[derive(Default)]
struct Metrics {
    text: String,
}

impl Metrics {
    fn head(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP pbi_analyze_{name} {help}.");
        let _ = writeln!(self.text, "# TYPE pbi_analyze_{name} gauge");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, help);
        let _ = writeln!(self.text, "pbi_analyze_{name} {value}");
    }

    fn labeled(&mut self, name: &str, label: &str, of: &str, value: impl std::fmt::Display) {
        let of = of.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(self.text, "pbi_analyze_{name}{{{label}=\"{of}\"}} {value}");
    }
}
