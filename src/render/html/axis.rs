//! Calculates the ticks of chart axes: round values, and days or months.

use chrono::{Datelike, NaiveDate};

/// The largest number of steps between the ticks of a value axis.
const MAX_VALUE_STEPS: f64 = 5.0;

/// Periods shorter than this number of days have days as ticks; longer ones have months.
const MIN_DAYS_FOR_MONTHS: i64 = 70;

/// Maps values of a range to positions on the chart, linearly.
#[derive(Debug, Clone, Copy)]
pub struct LinearScale {
    /// The first and the last value.
    pub values: (f64, f64),
    /// The positions of these two values.
    pub positions: (f64, f64),
}

impl LinearScale {
    /// Returns the position of a value, rounded to a whole unit.
    pub fn position(&self, value: f64) -> i32 {
        let ((low, high), (from, to)) = (self.values, self.positions);
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        (from + share * (to - from)).round() as i32
    }
}

/// Returns the ticks of an axis: multiples of 1, 2 or 5 times a power of ten, never fractions,
/// with at most [`MAX_VALUE_STEPS`] steps between them.
pub fn value_ticks(low: f64, high: f64) -> Vec<f64> {
    let range = (high - low).max(1.0);
    let power = 10_f64.powf((range / MAX_VALUE_STEPS).log10().floor()).max(1.0);
    let is_wide_enough = |factor: &f64| range / (factor * power) <= MAX_VALUE_STEPS;
    let factor = [1.0, 2.0, 5.0].into_iter().find(is_wide_enough).unwrap_or(10.0);
    let step = factor * power;
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|tick| tick as f64 * step).collect()
}

/// Returns the rows with a label on the time axis, and their labels: days in short periods, first
/// rows of months in longer ones. `room` is the largest number of labels.
pub fn date_ticks(days: &[NaiveDate], room: usize) -> Vec<(usize, String)> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Vec::new();
    };
    if (*last - *first).num_days() < MIN_DAYS_FOR_MONTHS {
        let step = days.len().div_ceil(room).max(1);
        let days = days.iter().enumerate().step_by(step);
        return days.map(|(at, day)| (at, day.format("%-d %b").to_string())).collect();
    }
    let month = |day: &NaiveDate| (day.year(), day.month());
    let starts: Vec<usize> =
        (1..days.len()).filter(|at| month(&days[*at]) != month(&days[*at - 1])).collect();
    let fits = |step: &u32| starts.len() <= room * *step as usize;
    let step = [1, 2, 3, 6, 12].into_iter().find(fits).unwrap_or(12);
    let mut ticks: Vec<(usize, String)> = Vec::new();
    for at in starts.into_iter().filter(|at| days[*at].month0().is_multiple_of(step)) {
        let day = &days[at];
        let has_year = ticks.is_empty() || day.month() == 1;
        let format = if has_year { "%b %Y" } else { "%b" };
        ticks.push((at, day.format(format).to_string()));
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(count: u64, step: usize) -> Vec<NaiveDate> {
        let first = NaiveDate::from_ymd_opt(2025, 11, 15).unwrap();
        first.iter_days().step_by(step).take(count as usize).collect()
    }

    fn labels(days: &[NaiveDate], room: usize) -> String {
        let ticks = date_ticks(days, room);
        ticks.iter().map(|(at, text)| format!("{at}:{text}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn value_ticks_are_round_whole_numbers_within_the_axis() {
        for (low, high, expected) in [
            (0.0, 5.0, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (0.0, 5.3, vec![0.0, 2.0, 4.0]),
            (0.0, 37.0, vec![0.0, 10.0, 20.0, 30.0]),
            (0.0, 1_060.0, vec![0.0, 500.0, 1_000.0]),
            (-2.0, 12.0, vec![0.0, 5.0, 10.0]),
            (-212.0, 318.0, vec![-200.0, 0.0, 200.0]),
            (0.0, 0.4, vec![0.0]),
        ] {
            assert_eq!(value_ticks(low, high), expected, "{low} to {high}");
        }
    }

    #[test]
    fn value_axes_have_two_to_six_ticks() {
        let mut high = 5.0;
        while high < 1e12 {
            let ticks = value_ticks(0.0, high);
            assert!((3..=6).contains(&ticks.len()), "{high}: {ticks:?}");
            high *= 1.17;
        }
    }

    #[test]
    fn short_periods_have_days_as_ticks() {
        assert_eq!(labels(&days(3, 1), 12), "0:15 Nov 1:16 Nov 2:17 Nov");
        assert_eq!(labels(&days(31, 1), 4), "0:15 Nov 8:23 Nov 16:1 Dec 24:9 Dec");
        assert_eq!(labels(&[], 4), "");
    }

    #[test]
    fn long_periods_have_months_as_ticks_with_the_year_first_and_in_january() {
        assert_eq!(labels(&days(90, 1), 12), "16:Dec 2025 47:Jan 2026 78:Feb");
        // Weeks: the first row of each month.
        assert_eq!(labels(&days(13, 7), 12), "3:Dec 2025 7:Jan 2026 12:Feb");
        // Little room: every third month, in step with the quarters.
        assert_eq!(labels(&days(400, 1), 5), "47:Jan 2026 137:Apr 228:Jul 320:Oct");
    }

    #[test]
    fn positions_are_linear_and_a_range_without_width_is_one_position() {
        let scale = LinearScale { values: (-10.0, 10.0), positions: (200.0, 100.0) };
        assert_eq!([-10.0, 0.0, 10.0].map(|value| scale.position(value)), [200, 150, 100]);
        let point = LinearScale { values: (1.0, 1.0), positions: (5.0, 9.0) };
        assert_eq!(point.position(1.0), 5);
    }
}
