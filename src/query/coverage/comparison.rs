//! The rule of every comparison of two spans: equally many complete days, on the same weekdays.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

use crate::query::coverage::local_days::LocalDay;

/// Days of two spans that can be compared: complete days, as many of each weekday in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComparableDays {
    /// Days of the earlier span.
    pub earlier: BTreeSet<NaiveDate>,
    /// Days of the later span.
    pub later: BTreeSet<NaiveDate>,
}

/// Returns the days of two spans that can be compared.
///
/// If one span has more complete days of a weekday than the other, the first ones of the earlier
/// span and the last ones of the later span are kept.
pub fn comparable_days(earlier: &[LocalDay], later: &[LocalDay]) -> ComparableDays {
    let (before, after) = (days_by_weekday(earlier), days_by_weekday(later));
    let mut comparable = ComparableDays::default();
    for (weekday, first) in &before {
        let last = after.get(weekday).map_or(&[][..], Vec::as_slice);
        let count = first.len().min(last.len());
        comparable.earlier.extend(first.iter().take(count));
        comparable.later.extend(last.iter().rev().take(count));
    }
    comparable
}

/// Returns the days before and from a day on that can be compared: of equally many days right
/// before it and from it on, those that are complete on the same weekdays.
pub fn comparable_around(days: &[LocalDay], day: NaiveDate) -> ComparableDays {
    let (before, after) = days.split_at(days.partition_point(|one| one.date < day));
    let count = before.len().min(after.len());
    comparable_days(&before[before.len() - count..], &after[..count])
}

/// Returns the complete days of each weekday, in their order.
fn days_by_weekday(days: &[LocalDay]) -> BTreeMap<u32, Vec<NaiveDate>> {
    let mut by_weekday: BTreeMap<u32, Vec<NaiveDate>> = BTreeMap::new();
    for day in days.iter().filter(|day| day.is_complete()) {
        let number = Weekday::num_days_from_monday(&day.date.weekday());
        by_weekday.entry(number).or_default().push(day.date);
    }
    by_weekday
}

/// Marks the days that a trend compares: the comparable days of the two halves of the period.
///
/// The halves are of whole days; if the number of days is odd, the middle day belongs to neither.
pub fn mark_trend_halves(days: &mut [LocalDay]) {
    let half = days.len() / 2;
    let comparable = comparable_days(&days[..half], &days[days.len() - half..]);
    for day in days {
        day.trend_half = match day.date {
            date if comparable.earlier.contains(&date) => Some(1),
            date if comparable.later.contains(&date) => Some(2),
            _ => None,
        };
    }
}

/// Returns for each day the number of complete days in a row that end with it: 0 for a day that is
/// not complete. A window of n days that ends with a day is known if this number is at least n.
pub fn complete_runs(days: &[LocalDay]) -> Vec<i64> {
    let mut run = 0;
    let count = |day: &LocalDay| {
        run = if day.is_complete() { run + 1 } else { 0 };
        run
    };
    days.iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::coverage::assess::DayStatus;

    /// Returns consecutive days from 2026-03-02, a Monday, one character each: c for a complete
    /// day, anything else for a missing one.
    fn days(statuses: &str) -> Vec<LocalDay> {
        let first: NaiveDate = "2026-03-02".parse().unwrap();
        let status = |character| match character {
            'c' => DayStatus::Complete,
            _ => DayStatus::Missing,
        };
        let day = |(date, character)| LocalDay {
            date,
            status: status(character),
            reason: String::new(),
            trend_half: None,
        };
        first.iter_days().zip(statuses.chars()).map(day).collect()
    }

    fn halves(statuses: &str) -> String {
        let mut days = days(statuses);
        mark_trend_halves(&mut days);
        let mark =
            |day: LocalDay| day.trend_half.map_or('-', |half| if half == 1 { '1' } else { '2' });
        days.into_iter().map(mark).collect()
    }

    #[test]
    fn trend_compares_equally_many_days_of_each_weekday() {
        assert_eq!(halves("cccccccccccccc"), "11111112222222");
        assert_eq!(halves("ccccccccccccccc"), "1111111-2222222", "the middle day is in no half");
        // From Monday to Wednesday and from Friday to Sunday there is nothing to compare.
        assert_eq!(halves("ccccccc"), "-------");
        // Monday to Friday, then Saturday to Wednesday.
        assert_eq!(halves("cccccccccc"), "111----222");
        // Two weeks and a day in each half: the Tuesday has no partner in excess.
        assert_eq!(halves(&"c".repeat(30)), "11111111111111--22222222222222");
    }

    #[test]
    fn days_around_a_day_are_equally_many_on_both_sides() {
        let first: NaiveDate = "2026-03-02".parse().unwrap();
        let around = |statuses: &str, at: u64| {
            let found = comparable_around(&days(statuses), first + chrono::Days::new(at));
            let offsets = |days: BTreeSet<NaiveDate>| -> Vec<i64> {
                days.into_iter().map(|day| (day - first).num_days()).collect()
            };
            (offsets(found.earlier), offsets(found.later))
        };
        assert_eq!(around("cccccccccccccccc", 9), ((2..9).collect(), (9..16).collect()));
        // The missing day takes its weekday out of both sides.
        let (before, after) = around("ccc-cccccccccccc", 9);
        assert_eq!((before.contains(&3), after.contains(&10), before.len()), (false, false, 6));
        assert_eq!(around("ccccccc", 0), (vec![], vec![]));
        assert_eq!(around("ccccccc", 40), (vec![], vec![]));
        assert_eq!(around("", 3), (vec![], vec![]));
    }

    #[test]
    fn missing_day_takes_its_weekday_out_of_the_other_half() {
        assert_eq!(halves("-ccccccccccccc"), "-111111-222222");
        assert_eq!(halves("ccccccc--ccccc"), "--11111--22222");
        assert_eq!(halves("ccccccccccccc-"), "111111-222222-");
        assert_eq!(halves("ccccccc-------"), "--------------");
        assert_eq!(halves(""), "");
        assert_eq!(halves("c"), "-");
        let weeks = halves("c-cccccccccccccccccccccccccc");
        let count = |half| weeks.chars().filter(|mark| *mark == half).count();
        assert_eq!((count('1'), count('2')), (13, 13), "{weeks}");
    }

    #[test]
    fn run_of_complete_days_ends_with_a_missing_day() {
        assert_eq!(complete_runs(&days("ccc-cc")), [1, 2, 3, 0, 1, 2]);
        assert_eq!(complete_runs(&[]), Vec::<i64>::new());
    }
}
