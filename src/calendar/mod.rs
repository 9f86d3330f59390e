//! Time zones by name, days of a time zone, and the days that a text, for example `last-month`,
//! names in a log.
//!
//! A log has no today. Its calendar ends with its last whole day, and the day after it is called
//! today. So the same log and the same text always name the same days.

mod bounds;
mod days;
mod near;
mod staleness;
mod time_zone;
mod words;

pub use bounds::PeriodBounds;
pub use days::{EventTimeRange, local_day, local_day_start, next_day, utc_day, utc_day_start};
pub use staleness::Staleness;
pub use time_zone::parse_time_zone;
pub use words::{CalendarUnit, DayBound};
