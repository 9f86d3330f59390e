//! Decides if a record that was read by its shape is an event that needs no parser.

use super::shape::{ShapeReader, ShapeValue};
use crate::record::{Parser, time, workload_group_of_type};
use crate::schema::{PLAUSIBLE_US, WorkloadGroup};

/// Reads records by their shape, and decides about the events.
pub(super) struct ShapeAppender {
    pub(super) reader: ShapeReader,
    /// Parses nested and other unusual values.
    pub(super) parser: Parser,
    /// The last record type, with its group.
    last_type: Option<(i64, Option<WorkloadGroup>)>,
}

/// The facts that decide about an event.
pub(super) struct EventFacts<'r> {
    pub(super) id: &'r str,
    pub(super) time_us: i64,
    pub(super) group: WorkloadGroup,
}

impl ShapeAppender {
    /// Returns an appender for a batch without some columns, and without unknown members if
    /// `drops_unknown`.
    pub(super) fn new(is_absent: Vec<bool>, drops_unknown: bool) -> Self {
        let reader = ShapeReader::new(is_absent, drops_unknown);
        ShapeAppender { reader, parser: Parser::default(), last_type: None }
    }

    /// Returns the facts of the record that was read. `None` if the record is not surely an event
    /// of Power BI or Fabric.
    pub(super) fn facts<'r>(&mut self, record: &'r str) -> Option<EventFacts<'r>> {
        let keys = self.reader.keys();
        let text = |value: Option<ShapeValue>| match value? {
            ShapeValue::Text(start, end) => record.get(start as usize..end as usize),
            _ => None,
        };
        let id = text(keys.id).filter(|id| !id.is_empty())?;
        let time_us = time::parse(text(keys.creation_time)?)?.epoch_us;
        let Some(ShapeValue::Int(number)) = keys.record_type else { return None };
        let group = match self.last_type {
            Some((known, group)) if known == number => group,
            _ => {
                let group = workload_group_of_type(number);
                self.last_type = Some((number, group));
                group
            }
        };
        // Other events have derived columns, or are not kept.
        let group = group
            .filter(|group| matches!(group, WorkloadGroup::PowerBi | WorkloadGroup::Fabric))?;
        PLAUSIBLE_US.contains(&time_us).then_some(EventFacts { id, time_us, group })
    }
}
