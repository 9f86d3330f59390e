//! Determines the time of an event, and rejects events without a plausible one.

use super::batch::RejectedEvent;
use crate::record::csv::{AMBIGUOUS_DATE_REASON, EnvelopeFields};
use crate::record::local_time::{self, LocalTime};
use crate::record::{Event, Value, json, time, time_value};
use crate::schema::PLAUSIBLE_US;

/// Returns the time of an event in microseconds since 1970, from the event or, if it has none, from
/// the container around it.
///
/// # Errors
///
/// If the time is missing, unreadable or outside the years 2000 to 2099.
pub(super) fn event_time(
    event: &Event<'_>,
    envelope: &EnvelopeFields,
) -> Result<i64, RejectedEvent> {
    let inner = event.creation_time.and_then(time_value::parse);
    // A date in the format of a country is used if the event has no time, but not if the time
    // of the event is unreadable.
    let from_envelope = || {
        let text = envelope.creation_time.as_deref()?;
        match event.creation_time {
            None | Some(Value::Null) => match local_time::parse(text, || None) {
                LocalTime::Known(timestamp) => Some(timestamp),
                LocalTime::Ambiguous | LocalTime::Unreadable => None,
            },
            Some(_) => time::parse(text),
        }
    };
    let timestamp = inner.or_else(from_envelope);
    let timestamp = timestamp.filter(|timestamp| PLAUSIBLE_US.contains(&timestamp.epoch_us));
    timestamp.map(|timestamp| timestamp.epoch_us).ok_or_else(|| {
        RejectedEvent(match event.creation_time {
            None | Some(Value::Null) => match &envelope.creation_time {
                Some(text) if local_time::parse(text, || None) == LocalTime::Ambiguous => {
                    AMBIGUOUS_DATE_REASON.to_owned()
                }
                _ => "CreationTime is missing, so the event belongs to no day".to_owned(),
            },
            Some(value) => {
                let mut found = Vec::new();
                json::write(value, &mut found);
                found.truncate(80);
                format!(
                    "CreationTime is {}; expected a time between 2000 and 2100, for example \
                     2024-03-01T08:15:30",
                    String::from_utf8_lossy(&found)
                )
            }
        })
    })
}
