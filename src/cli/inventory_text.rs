//! Formats what inventory files and snapshots contain, for people.

use std::collections::BTreeMap;

use super::numbers::{count, count_of, format_number};
use crate::ingest::IngestSummary;
use crate::status::InventoryStatus;

/// Nouns with a plural of their own.
const PEOPLE: [&str; 2] = ["person", "people"];
const CAPACITIES: [&str; 2] = ["capacity", "capacities"];
const REFRESHES: [&str; 2] = ["refresh", "refreshes"];

/// Returns what the newest snapshot of a kind contains.
pub(super) fn content_of_snapshot(kind: &InventoryStatus) -> String {
    let counts = [
        (kind.people, count_of(kind.people, PEOPLE)),
        (kind.capacities, count_of(kind.capacities, CAPACITIES)),
        (kind.groups, count(kind.groups, "group")),
        (kind.settings, count(kind.settings, "setting")),
        (kind.products, count(kind.products, "product")),
        (kind.refreshes, count_of(kind.refreshes, REFRESHES)),
        (kind.refreshables, count(kind.refreshables, "semantic model")),
    ];
    let content = counts.into_iter().find(|(number, _)| *number > 0).map(|(_, text)| text);
    content.unwrap_or_else(|| count(kind.workspaces, "workspace"))
}

/// Returns what the inventory files of a run contain.
pub(super) fn inventory_files(summary: &IngestSummary) -> String {
    let mut by_shape: BTreeMap<String, [u64; 15]> = BTreeMap::new();
    for facts in summary.files.iter().filter_map(|source| source.inventory.as_ref()) {
        let sums = by_shape.entry(facts.shapes.join(" and ")).or_default();
        let counts = [
            1,
            facts.workspaces,
            facts.items,
            facts.people,
            facts.licenses,
            facts.products,
            facts.settings,
            facts.attributes,
            facts.refreshes,
            facts.refreshables,
            facts.capacities,
            facts.groups,
            facts.group_members,
            facts.repeated_rows,
            facts.new_states,
        ];
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let line = |(shape, counts): (String, [u64; 15])| {
        let [files, workspaces, items, people, licenses, products, settings, rest @ ..] = counts;
        let [attributes, refreshes, refreshables, capacities, groups, members, repeated, new] =
            rest;
        let content = if attributes > 0 {
            let repeated = match repeated {
                0 => String::new(),
                _ => format!("; {} replaced by a later row", count(repeated, "row")),
            };
            format!("{}, {}{repeated}", count_of(people, PEOPLE), count(attributes, "attribute"))
        } else if refreshables > 0 {
            count(refreshables, "semantic model")
        } else if capacities > 0 {
            count_of(capacities, CAPACITIES)
        } else if groups > 0 {
            format!("{}, {}", count(groups, "group"), count(members, "member"))
        } else if refreshes > 0 {
            count_of(refreshes, REFRESHES)
        } else if people > 0 {
            format!("{}, {}", count_of(people, PEOPLE), count(licenses, "license"))
        } else if products > 0 {
            count(products, "product")
        } else if settings > 0 {
            count(settings, "setting")
        } else {
            let new = format_number(new);
            format!(
                "{}, {}; {new} new or changed",
                count(workspaces, "workspace"),
                count(items, "item")
            )
        };
        format!("inventory {}: {shape}: {content}\n", count(files, "file"))
    };
    by_shape.into_iter().map(line).collect()
}
