//! The identity of an event: events with equal ids are copies of one event.

/// The identity of an event, with its time and its position, by which its copies are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKey {
    /// The id in two halves. A `u128` would be aligned to 16 bytes, so that a key would take 48
    /// bytes instead of 40. There is one key in memory for each event of a load.
    halves: [u64; 2],
    /// `CreationTime` in microseconds since 1970 (UTC).
    pub time_us: i64,
    /// The position of the event among all events of the archive, with sources in sorted order.
    pub sequence: u64,
}

impl EventKey {
    /// Creates a key from an id ([`EventKey::id`]) and a time. The other fields are 0.
    pub fn new(id: u128, time_us: i64) -> Self {
        EventKey { halves: [(id >> 64) as u64, id as u64], time_us, sequence: 0 }
    }

    /// Returns the `Id` as a number: its 128 bits if it is a GUID, otherwise a hash of its text.
    pub fn id(&self) -> u128 {
        u128::from(self.halves[0]) << 64 | u128::from(self.halves[1])
    }
}
