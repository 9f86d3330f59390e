//! The condition on the age of the newest event, as in `stale:2d`.

use chrono::TimeDelta;

/// Greatest age of the newest event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staleness {
    max_days: u32,
}

impl Staleness {
    /// Example of a condition, for messages.
    pub const EXAMPLE: &str = "stale:2d (the newest event is older than 2 days)";

    /// Parses `stale:2d`; returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Staleness> {
        let days = text.strip_prefix("stale:")?.strip_suffix('d')?;
        days.parse().ok().map(|max_days| Staleness { max_days })
    }

    /// Returns a message if the newest event of a log is older; `None` as the age means that the
    /// log has no events.
    pub fn check(self, age: Option<TimeDelta>) -> Option<String> {
        let Some(age) = age else { return Some("the log has no events".to_owned()) };
        let days = age.num_days();
        (age > TimeDelta::days(self.max_days.into())).then(|| match days {
            1 => "the newest event is 1 day old; check the download of the log".to_owned(),
            days => format!("the newest event is {days} days old; check the download of the log"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_event_may_be_as_old_as_the_limit() {
        let stale = Staleness::parse("stale:2d").unwrap();
        let hours = |hours| stale.check(Some(TimeDelta::hours(hours)));
        assert_eq!(hours(48), None);
        assert!(hours(49).unwrap().starts_with("the newest event is 2 days old"));
        assert!(hours(24 * 242).unwrap().starts_with("the newest event is 242 days old"));
        assert_eq!(stale.check(None).as_deref(), Some("the log has no events"));
        for text in ["stale:soon", "stale:2", "stale:", "2d", "stale:-1d"] {
            assert_eq!(Staleness::parse(text), None, "{text}");
        }
    }
}
