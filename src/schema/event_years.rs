//! The years in which the time of an event may lie.

/// The years 2000 to 2099 in microseconds since 1970 (UTC).
///
/// .NET writes `0001-01-01` for a missing time, and other programs write statistics of any time.
/// One such day would make an archive 2,000 years long.
pub const PLAUSIBLE_US: std::ops::Range<i64> = 946_684_800_000_000..4_102_444_800_000_000;
