//! Columns that are derived: what an event is about, read from its own members. They are there
//! for reports; an event does not get them back.

use std::sync::LazyLock;

use super::{BatchBuilder, ColumnBuilder};
use crate::record::{Event, Parser, Value, json, platform};
use crate::schema::{self, WorkloadGroup, columns};

/// Positions of the derived columns.
struct DerivedColumns {
    workload_group: usize,
    /// Environment, app and flow, each with id and name.
    texts: [usize; 6],
    connectors: usize,
}

/// As with those that the builder asks for, a test holds that the table has them.
static DERIVED_INDEX: LazyLock<DerivedColumns> = LazyLock::new(|| {
    let find = |name| columns().iter().position(|column| column.name == name).unwrap_or(0);
    DerivedColumns {
        workload_group: find(schema::WORKLOAD_GROUP),
        texts: [
            "PlatformEnvironmentId",
            "PlatformEnvironmentName",
            "PowerAppId",
            "PowerAppName",
            "FlowId",
            "FlowName",
        ]
        .map(find),
        connectors: find("FlowConnectors"),
    }
});

/// Positions in a batch of columns that are no content of events: the derived ones, which other
/// versions may derive in another way, and the lineage.
pub fn non_content_columns() -> &'static [usize] {
    static WITHOUT: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let own = columns().len();
        let derived = (0..own).filter(|&number| columns()[number].is_derived());
        derived.chain([own + 1, own + 2]).collect()
    });
    &WITHOUT
}

impl BatchBuilder {
    /// Fills the derived columns of a row.
    pub(super) fn append_derived(&mut self, event: &Event<'_>, family: WorkloadGroup, row: usize) {
        self.builders[DERIVED_INDEX.workload_group].append(row, Value::Text(family.name()));
        let is_asked = |&at: &usize| !matches!(self.builders[at], ColumnBuilder::Absent);
        if family != WorkloadGroup::PowerPlatform
            || !DERIVED_INDEX.texts.iter().chain([&DERIVED_INDEX.connectors]).any(is_asked)
        {
            return;
        }
        let facts = platform::extract_fields(event, &mut self.inner_parser);
        let texts = [
            &facts.environment_id,
            &facts.environment_name,
            &facts.app_id,
            &facts.app_name,
            &facts.flow_id,
            &facts.flow_name,
        ];
        for (&at, text) in DERIVED_INDEX.texts.iter().zip(texts) {
            if let Some(text) = text {
                self.builders[at].append(row, Value::Text(text));
            }
        }
        if !facts.connectors.is_empty() {
            append_list(
                &mut self.builders[DERIVED_INDEX.connectors],
                row,
                &facts.connectors,
                &mut self.inner_parser,
            );
        }
    }
}

/// Appends texts as a list. Lists are parts of parsed records, so that they are made into one.
fn append_list(builder: &mut ColumnBuilder, row: usize, texts: &[String], parser: &mut Parser) {
    let mut list = vec![b'['];
    for text in texts {
        json::write_text(text, &mut list);
        list.push(b',');
    }
    list.pop();
    list.push(b']');
    let _ = parser.parse(&list, |record| builder.append(row, record.root()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derived_columns_are_where_they_are_looked_for_and_no_fields() {
        let all = DERIVED_INDEX
            .texts
            .into_iter()
            .chain([DERIVED_INDEX.workload_group, DERIVED_INDEX.connectors]);
        for at in all {
            let column = &columns()[at];
            assert!(column.is_derived(), "{}", column.name);
            assert_eq!(schema::column_index(column.name), None);
        }
        assert_eq!(non_content_columns().len(), 8 + 2);
    }
}
