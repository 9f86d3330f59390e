//! Fills the derived columns: facts about an event that are read from its own members. They exist
//! for reports, and an exported event does not contain them.

use std::sync::LazyLock;

use super::batch::BatchError;
use super::column_builder::ColumnBuilder;
use crate::record::{Event, Parser, Value, json, platform};
use crate::schema::{self, WorkloadGroup, columns};

/// Positions of the derived columns.
pub(super) struct DerivedColumns {
    workload_group: usize,
    /// Environment, app and flow, each with id and name; recipient and role of a shared app.
    texts: [usize; 8],
    connectors: usize,
}

impl DerivedColumns {
    /// Finds the derived columns in the table of columns.
    pub(super) fn find() -> Result<Self, BatchError> {
        let find = |name: &'static str| {
            let position = columns().iter().position(|column| column.name == name);
            position.ok_or(BatchError::MissingColumn(name))
        };
        Ok(DerivedColumns {
            workload_group: find(schema::WORKLOAD_GROUP)?,
            texts: [
                find("PlatformEnvironmentId")?,
                find("PlatformEnvironmentName")?,
                find("PowerAppId")?,
                find("PowerAppName")?,
                find("FlowId")?,
                find("FlowName")?,
                find("PowerAppRecipient")?,
                find("PowerAppRole")?,
            ],
            connectors: find("FlowConnectors")?,
        })
    }

    /// Fills the workload group of a row.
    pub(super) fn append_group(
        &self,
        builders: &mut [ColumnBuilder],
        group: WorkloadGroup,
        row: usize,
    ) {
        builders[self.workload_group].append(row, Value::Text(group.name()));
    }

    /// Fills the derived columns of a row.
    pub(super) fn append(
        &self,
        builders: &mut [ColumnBuilder],
        event: &Event<'_>,
        group: WorkloadGroup,
        row: usize,
        parser: &mut Parser,
    ) {
        self.append_group(builders, group, row);
        let is_built = |&at: &usize| !matches!(builders[at], ColumnBuilder::Absent);
        if group != WorkloadGroup::PowerPlatform
            || !self.texts.iter().chain([&self.connectors]).any(is_built)
        {
            return;
        }
        let fields = platform::extract_fields(event, parser);
        let texts = [
            &fields.environment_id,
            &fields.environment_name,
            &fields.app_id,
            &fields.app_name,
            &fields.flow_id,
            &fields.flow_name,
            &fields.app_recipient,
            &fields.app_role,
        ];
        for (&at, text) in self.texts.iter().zip(texts) {
            if let Some(text) = text {
                builders[at].append(row, Value::Text(text));
            }
        }
        if !fields.connectors.is_empty() {
            append_list(&mut builders[self.connectors], row, &fields.connectors, parser);
        }
    }
}

/// Returns the positions of the columns that are not content of events: the derived columns, which
/// other versions can derive in another way, the lineage, and what is known of other copies.
pub fn non_content_columns() -> &'static [usize] {
    static NON_CONTENT: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let own = columns().len();
        let derived = (0..own).filter(|&number| columns()[number].is_derived());
        derived.chain([own + 1, own + 2, own + 3]).collect()
    });
    &NON_CONTENT
}

/// Appends texts as a list. The texts are written as JSON and parsed, because a list is always part
/// of a parsed record.
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
    fn derived_columns_are_found_and_are_no_event_fields() {
        let found = DerivedColumns::find().unwrap();
        let all = found.texts.into_iter().chain([found.workload_group, found.connectors]);
        for at in all {
            let column = &columns()[at];
            assert!(column.is_derived(), "{}", column.name);
            assert_eq!(schema::column_index(column.name), None);
        }
        assert_eq!(non_content_columns().len(), 10 + 3);
    }
}
