//! Sets of spans of time.

/// Time between two spans that does not count: many windows end at :59 seconds.
const SLACK_US: i64 = 1_000_000;

/// Span of time in microseconds since 1970 (UTC); the end is excluded.
pub type Span = (i64, i64);

/// Disjoint spans of time, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Intervals(Vec<Span>);

impl Intervals {
    /// Creates the union of spans. Spans that are at most a second apart become one.
    pub fn union(spans: impl IntoIterator<Item = Span>) -> Intervals {
        let mut sorted: Vec<Span> = spans.into_iter().filter(|(from, to)| from < to).collect();
        sorted.sort_unstable();
        let mut merged: Vec<Span> = Vec::new();
        for (from, to) in sorted {
            match merged.last_mut() {
                Some((_, end)) if from <= *end + SLACK_US => *end = (*end).max(to),
                _ => merged.push((from, to)),
            }
        }
        Intervals(merged)
    }

    /// Returns the parts of these spans that are in none of the others. Parts of at most a second
    /// do not count.
    pub fn minus(&self, others: &Intervals) -> Intervals {
        let mut rest = Vec::new();
        for &(from, to) in &self.0 {
            let mut start = from;
            for &(begin, end) in others.0.iter().filter(|(begin, end)| *begin < to && *end > from) {
                rest.push((start, begin));
                start = start.max(end);
            }
            rest.push((start, to));
        }
        Intervals(rest.into_iter().filter(|(from, to)| *to > *from + SLACK_US).collect())
    }

    /// Returns the first span.
    pub fn first(&self) -> Option<Span> {
        self.0.first().copied()
    }

    /// Returns the span from the start of the first span to the end of the last.
    pub fn hull(&self) -> Option<Span> {
        let (first, last) = self.0.first().zip(self.0.last())?;
        Some((first.0, last.1))
    }

    /// Returns true if there are no spans.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = SLACK_US;

    fn seconds(spans: &[(i64, i64)]) -> Intervals {
        Intervals::union(spans.iter().map(|(from, to)| (from * SECOND, to * SECOND)))
    }

    #[test]
    fn union_merges_spans_that_touch_or_are_a_second_apart() {
        assert_eq!(seconds(&[(20, 30), (0, 10), (11, 15), (5, 12)]), seconds(&[(0, 15), (20, 30)]));
        assert!(seconds(&[(7, 7), (9, 8)]).is_empty());
    }

    #[test]
    fn difference_keeps_what_no_other_span_covers() {
        let day = seconds(&[(0, 100)]);
        assert_eq!(day.minus(&seconds(&[(0, 40), (60, 100)])), seconds(&[(40, 60)]));
        assert_eq!(day.minus(&seconds(&[(-50, 10), (90, 500)])), seconds(&[(10, 90)]));
        assert_eq!(day.minus(&seconds(&[(200, 300)])), day);
        assert!(day.minus(&seconds(&[(0, 49), (50, 99)])).is_empty(), "seconds do not count");
        assert_eq!(day.minus(&seconds(&[(10, 20)])).first(), Some((0, 10 * SECOND)));
    }
}
