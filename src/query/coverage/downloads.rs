//! The downloads that the activity log records about itself, and what each of them proves.
//!
//! Reading the log writes an `ExportActivityEvents` with the window that was read. A download
//! proves nothing if it failed, if it had a filter, or for the time after the moment at which it
//! was made.

use crate::query::coverage::intervals::{Intervals, Span};

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;

/// Download that the log records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Download {
    /// Start of the window, in microseconds since 1970 (UTC).
    pub from_us: i64,
    /// End of the window, excluded.
    pub to_us: i64,
    /// Time at which the download was made.
    pub recorded_us: i64,
    /// True if the download failed.
    pub has_failed: bool,
    /// Activity or user that the download was limited to.
    pub filter: Option<String>,
}

impl Download {
    /// Returns the span that the download proves to be complete.
    fn proved_span(&self) -> Option<Span> {
        let is_proof = !self.has_failed && self.filter.is_none();
        is_proof.then(|| (self.from_us, self.window_end().min(self.recorded_us)))
    }

    /// Returns the end of the window, excluded. A window that ends within the last second of a
    /// minute (`09:59:59`, `23:59:59.999`) includes that second.
    fn window_end(&self) -> i64 {
        let in_minute = self.to_us.rem_euclid(MINUTE_US);
        let rest = MINUTE_US - in_minute;
        if rest <= SECOND_US { self.to_us + rest } else { self.to_us }
    }

    fn overlaps(&self, (from, to): Span) -> bool {
        self.from_us < to && self.to_us > from
    }
}

/// All downloads of a log. Half of the events of a log can be records of downloads.
#[derive(Debug, Default)]
pub struct Downloads {
    /// Downloads by the start of their windows.
    sorted: Vec<Download>,
    /// For each download, the latest end of a window up to it.
    latest_ends: Vec<i64>,
}

impl Downloads {
    /// Sorts downloads.
    pub fn new(mut downloads: Vec<Download>) -> Downloads {
        downloads.sort_unstable();
        downloads.dedup();
        let ends = downloads.iter().scan(i64::MIN, |latest, download| {
            *latest = download.to_us.max(*latest);
            Some(*latest)
        });
        Downloads { latest_ends: ends.collect(), sorted: downloads }
    }

    /// Returns the downloads whose windows overlap a day, by the start of their windows.
    pub fn of_day(&self, day: Span) -> DayDownloads<'_> {
        let first = self.latest_ends.partition_point(|end| *end <= day.0);
        let after = self.sorted.partition_point(|download| download.from_us < day.1);
        let near = self.sorted.get(first..after).unwrap_or_default();
        DayDownloads { day, downloads: near.iter().filter(|d| d.overlaps(day)).collect() }
    }
}

/// Downloads of a day.
#[derive(Debug)]
pub struct DayDownloads<'a> {
    day: Span,
    downloads: Vec<&'a Download>,
}

impl<'a> DayDownloads<'a> {
    /// Returns true if no download of the day is recorded.
    pub fn is_empty(&self) -> bool {
        self.downloads.is_empty()
    }

    /// Returns the parts of the day that no download proves.
    pub fn gaps(&self) -> Intervals {
        let proved = self.downloads.iter().filter_map(|download| download.proved_span());
        Intervals::union([self.day]).minus(&Intervals::union(proved))
    }

    /// Returns the parts of the day for which no download failed or had a filter.
    pub fn without_refusal(&self) -> Intervals {
        let is_refused = |download: &&&Download| download.has_failed || download.filter.is_some();
        let refused = self.downloads.iter().filter(is_refused);
        let spans = refused.map(|download| (download.from_us, download.window_end()));
        Intervals::union([self.day]).minus(&Intervals::union(spans))
    }

    /// Returns true if the downloads prove a part of the day.
    pub fn prove_a_part(&self) -> bool {
        self.gaps() != Intervals::union([self.day])
    }

    /// Returns true if all downloads were made before the end of the day.
    pub fn were_made_during_the_day(&self) -> bool {
        self.downloads.iter().all(|download| download.recorded_us < self.day.1)
    }

    /// Describes the cause of a gap.
    pub fn cause(&self, gap: Span) -> GapCause<'a> {
        let mut asked = self.downloads.iter().filter(|download| download.overlaps(gap));
        let is_early = |download: &&&Download| {
            !download.has_failed && download.filter.is_none() && download.recorded_us <= gap.0
        };
        let filter = |download: &&'a Download| download.filter.as_deref();
        if let Some(download) = asked.clone().find(is_early) {
            GapCause::TooEarly { recorded_us: download.recorded_us }
        } else if asked.clone().any(|download| download.has_failed) {
            GapCause::Failed
        } else if let Some(filter) = asked.find_map(filter) {
            GapCause::Filtered { filter }
        } else {
            GapCause::NotRequested
        }
    }
}

/// Cause of a gap in the downloads of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapCause<'a> {
    /// The download of the gap was made before the gap was over.
    TooEarly {
        /// Time of the download.
        recorded_us: i64,
    },
    /// The download of the gap failed.
    Failed,
    /// The gap was downloaded with a filter.
    Filtered {
        /// Activity or user of the filter.
        filter: &'a str,
    },
    /// No recorded download asked for the gap.
    NotRequested,
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::schema::MICROS_PER_HOUR as HOUR;

    const DAY: Span = (0, 24 * HOUR);

    fn download(from: i64, to: i64, recorded: i64) -> Download {
        Download {
            from_us: from * HOUR,
            to_us: to * HOUR,
            recorded_us: recorded * HOUR,
            has_failed: false,
            filter: None,
        }
    }

    #[test]
    fn download_proves_its_window_up_to_the_moment_it_was_made() {
        let all = Downloads::new(vec![download(0, 24, 10)]);
        let day = all.of_day(DAY);
        assert_eq!(day.gaps().first(), Some((10 * HOUR, 24 * HOUR)));
        assert_eq!(
            day.cause((10 * HOUR, 24 * HOUR)),
            GapCause::TooEarly { recorded_us: 10 * HOUR }
        );
        assert!(day.were_made_during_the_day() && day.prove_a_part());
        let later = Downloads::new(vec![download(0, 24, 10), download(10, 24, 30)]);
        assert!(later.of_day(DAY).gaps().is_empty());
    }

    #[test]
    fn window_includes_its_last_second() {
        let until = |to_us| {
            let all = Downloads::new(vec![Download { to_us, ..download(0, 0, 30) }]);
            all.of_day(DAY).gaps().first().map(|(from, _)| from)
        };
        for end in [10 * HOUR - SECOND_US, 10 * HOUR - 1, 10 * HOUR] {
            assert_eq!(until(end), Some(10 * HOUR), "{end}");
        }
        let early = 10 * HOUR - 2 * SECOND_US;
        assert_eq!(until(early), Some(early));
    }

    #[test]
    fn failed_and_filtered_downloads_prove_nothing() {
        let failed = Download { has_failed: true, ..download(6, 7, 30) };
        let all = Downloads::new(vec![download(0, 6, 30), failed, download(7, 24, 30)]);
        let day = all.of_day(DAY);
        let gap = day.gaps().first().unwrap();
        assert_eq!((gap, day.cause(gap)), ((6 * HOUR, 7 * HOUR), GapCause::Failed));
        let filtered = Download { filter: Some("ViewReport".into()), ..download(0, 24, 30) };
        let all = Downloads::new(vec![filtered]);
        let day = all.of_day(DAY);
        assert!(!day.prove_a_part() && day.without_refusal().is_empty());
        assert_eq!(day.cause(DAY), GapCause::Filtered { filter: "ViewReport" });
        assert!(Downloads::new(vec![download(24, 48, 50)]).of_day(DAY).is_empty());
    }

    #[test]
    fn windows_of_a_day_can_begin_long_before_it() {
        let all = [
            download(-900, 2, 30),
            download(-48, -24, 30),
            download(-24, 0, 30),
            download(-1, 1, 30),
            download(3, 4, 30),
            download(24, 25, 30),
        ];
        let downloads = Downloads::new(all.iter().rev().chain(&all).cloned().collect());
        let found: Vec<i64> =
            downloads.of_day(DAY).downloads.iter().map(|found| found.from_us / HOUR).collect();
        assert_eq!(found, [-900, -1, 3]);
        assert!(Downloads::default().of_day(DAY).is_empty());
    }
}
