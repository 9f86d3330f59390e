//! When an inventory file was taken, and whether it is a full one.
//!
//! A scanner result has no time of its own. Collectors add `scanCreatedDateTime`, or write the day
//! into the path. Otherwise only the time of the file is left, which a copy can change.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};

use crate::schema::MICROS_PER_DAY;

/// The origin of the time of a file, the most reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileTime {
    /// A member of the file.
    Content,
    /// Folders named by a day, for example `2026/03/15` or `2026-03-15`.
    Folder,
    /// A day in the name of the file.
    Name,
    /// The time of the file.
    Modified,
    /// The newest change in the file, because nothing else is known.
    NewestChange,
}

impl FileTime {
    const ALL: [FileTime; 5] = [
        FileTime::Content,
        FileTime::Folder,
        FileTime::Name,
        FileTime::Modified,
        FileTime::NewestChange,
    ];

    /// Returns the name in the store.
    pub fn name(self) -> &'static str {
        match self {
            FileTime::Content => "content",
            FileTime::Folder => "folder",
            FileTime::Name => "name",
            FileTime::Modified => "file time",
            FileTime::NewestChange => "newest change",
        }
    }

    /// Returns the source of time with a name in the store.
    pub fn from_name(name: &str) -> Option<FileTime> {
        FileTime::ALL.into_iter().find(|time| time.name() == name)
    }
}

/// The share of the workspaces of its scope that a file lists: all, or those that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScanCoverage {
    /// All workspaces.
    Full,
    /// Only those that changed.
    Incremental,
    /// The file does not say it.
    Unknown,
}

impl ScanCoverage {
    /// Returns the name in the store.
    pub fn name(self) -> &'static str {
        match self {
            ScanCoverage::Full => "full",
            ScanCoverage::Incremental => "incremental",
            ScanCoverage::Unknown => "unknown",
        }
    }

    /// Returns the coverage with a name in the store.
    pub fn from_name(name: &str) -> ScanCoverage {
        match name {
            "full" => ScanCoverage::Full,
            "incremental" => ScanCoverage::Incremental,
            _ => ScanCoverage::Unknown,
        }
    }
}

/// Returns the coverage that the name of a file states: pbimonitor and FabricMonitor name full
/// scans `….fullscan.json`.
pub fn coverage_of_name(path: &str) -> ScanCoverage {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    if name.contains("fullscan") || name.contains("full-scan") || name.contains("full_scan") {
        ScanCoverage::Full
    } else if name.contains("incremental") {
        ScanCoverage::Incremental
    } else {
        ScanCoverage::Unknown
    }
}

/// Returns the time of a file and where it comes from: what the content says, else the folders,
/// the name, the time of the file. A day in the path is not before the newest change in the file.
pub fn time_of_source(
    content_us: Option<i64>,
    path: &str,
    modified_us: Option<i64>,
    newest_change_us: Option<i64>,
) -> (i64, FileTime) {
    if let Some(us) = content_us {
        return (us, FileTime::Content);
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let named = named_time(folder)
        .map(|us| (us, FileTime::Folder))
        .or_else(|| named_time(name).map(|us| (us, FileTime::Name)))
        .or_else(|| modified_us.map(|us| (us, FileTime::Modified)));
    match (named, newest_change_us) {
        (Some((us, source)), newest) => (us.max(newest.unwrap_or(us)), source),
        (None, newest) => (newest.unwrap_or(0), FileTime::NewestChange),
    }
}

/// Returns the last day in a text, as `2026/03/15`, `2026-03-15` or `20260315`, with a time of day
/// after it (`04-05-06` or `040506`) if there is one.
fn named_time(text: &str) -> Option<i64> {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|word| !word.is_empty()).collect();
    let mut found = None;
    for at in 0..words.len() {
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").ok();
        let parts =
            words.get(at..at + 3).filter(|p| [p[0].len(), p[1].len(), p[2].len()] == [4, 2, 2]);
        let (date, next) = match (parts.and_then(|parts| day(&parts.concat())), words[at]) {
            (Some(date), _) => (date, at + 3),
            (None, word) if word.len() == 8 => match day(word) {
                Some(date) => (date, at + 1),
                None => continue,
            },
            (None, word) if word.len() == 14 => {
                let time = NaiveDateTime::parse_from_str(word, "%Y%m%d%H%M%S").ok();
                found = time.map(|time| time.and_utc().timestamp_micros()).or(found);
                continue;
            }
            _ => continue,
        };
        let rest = words.get(next..).unwrap_or_default();
        let clock = match rest {
            [word, ..] if word.len() == 6 => (*word).to_owned(),
            [h, m, s, ..] if [h.len(), m.len(), s.len()] == [2, 2, 2] => format!("{h}{m}{s}"),
            _ => String::new(),
        };
        let clock = NaiveTime::parse_from_str(&clock, "%H%M%S").unwrap_or(NaiveTime::MIN);
        found = Some(date.and_time(clock).and_utc().timestamp_micros());
    }
    found.filter(|us| *us > 20 * 365 * MICROS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::time;

    fn us(text: &str) -> i64 {
        time::parse(text).map_or(0, |time| time.epoch_us)
    }

    #[test]
    fn time_comes_from_content_then_folder_then_name_then_file() {
        let newest = us("2026-01-01T00:00:00");
        let found = |content, path| time_of_source(content, path, Some(7), Some(newest));
        let day = us("2026-03-15T00:00:00");
        assert_eq!(found(Some(5), "2026/03/15/a.json"), (5, FileTime::Content));
        assert_eq!(found(None, "x/2026/03/15/2025-01-01.json"), (day, FileTime::Folder));
        let exact = us("2026-03-15T04:05:06");
        assert_eq!(found(None, "x/2026/03/15/04-05-06/a.json"), (exact, FileTime::Folder));
        assert_eq!(found(None, "x/scan_20260315.json"), (day, FileTime::Name));
        assert_eq!(found(None, "x/20260315_040506_a.json"), (exact, FileTime::Name));
        assert_eq!(found(None, "x/20260315040506.json"), (exact, FileTime::Name));
        // Not before the newest change in the file.
        assert_eq!(found(None, "x/2025-01-01.json"), (newest, FileTime::Name));
        assert_eq!(found(None, "x/a.json"), (newest, FileTime::Modified));
        assert_eq!(time_of_source(None, "a", None, Some(newest)).1, FileTime::NewestChange);
        // An ID is no day.
        assert_eq!(named_time("11112222-3333-4444-5555-666677778888"), None);
    }

    #[test]
    fn coverage_is_in_the_name() {
        assert_eq!(coverage_of_name("2026/03/15/1.fullscan.json"), ScanCoverage::Full);
        assert_eq!(coverage_of_name("fullscan/scan-3.incremental.json"), ScanCoverage::Incremental);
        assert_eq!(coverage_of_name("fullscan/scanResults.json"), ScanCoverage::Unknown);
    }
}
