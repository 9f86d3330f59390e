//! Collects the states of workspaces in inventory files, from all threads of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock};

use crate::error::{Error, Result};
use crate::inventory::{
    Described, Shape, Unit, attribute_unit, capacity_table_unit, close_list_units,
    coverage_of_name, digest_of, read_record, table_unit, time_of_source,
};
use crate::person::Pseudonymizer;
use crate::record::{Value, time};
use crate::schema::EventText;
use crate::schema::inventory::{InventoryColumn as Column, InventoryRow, RowKind};
use crate::schema::source_log::{InventoryFacts, SourceFacts, SourceWarning, WarningKind};
use crate::source::ListTable;

/// The state of a workspace in a source.
#[derive(Debug)]
struct StateOfSource {
    unit: Unit,
    state: String,
    newest_change_us: Option<i64>,
}

/// The inventory files of one source.
#[derive(Debug, Default)]
struct SourceInventory {
    states: Vec<StateOfSource>,
    /// The items of lists. A workspace of a list is complete at the end of the source.
    listed: Vec<Unit>,
    facts: InventoryFacts,
}

#[derive(Debug, Default)]
struct Collected {
    sources: BTreeMap<usize, SourceInventory>,
    /// The rows of new states.
    rows: Vec<InventoryRow>,
    /// The states that the store has, or that this run has found.
    known: BTreeSet<String>,
}

/// The inventories of a run.
pub(super) struct InventoryCollector<'o> {
    collected: Mutex<Collected>,
    pseudonymizer: Option<&'o Pseudonymizer>,
    /// Reads the states that the store has, when the first inventory is found.
    read_known: &'o (dyn Fn() -> Result<BTreeSet<String>> + Sync),
    is_known_read: OnceLock<()>,
}

impl<'o> InventoryCollector<'o> {
    pub(super) fn new(
        pseudonymizer: Option<&'o Pseudonymizer>,
        read_known: &'o (dyn Fn() -> Result<BTreeSet<String>> + Sync),
    ) -> Self {
        let is_known_read = OnceLock::new();
        InventoryCollector { collected: Mutex::default(), pseudonymizer, read_known, is_known_read }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Collected>> {
        self.collected.lock().map_err(|_| Error::internal("a thread failed in an inventory"))
    }

    /// Adds a record of a source. Returns false if the record is not part of an inventory.
    pub(super) fn add(&self, source: usize, root: Value<'_>) -> Result<bool> {
        let Some(Described::Units(units)) = read_record(root) else { return Ok(false) };
        for unit in units {
            self.add_unit(source, unit)?;
        }
        Ok(true)
    }

    /// Adds a row of a table. Of two rows with attributes of a person, the one with the higher
    /// position counts. Returns false if the row does not identify what it is about.
    pub(super) fn add_row(
        &self,
        source: usize,
        root: Value<'_>,
        table: &ListTable,
        position: u64,
    ) -> Result<bool> {
        let Value::Object(row) = root else { return Ok(false) };
        let unit = match table {
            ListTable::People => return self.add(source, root),
            ListTable::Attributes(address) => attribute_unit(row, address, position),
            ListTable::Workspaces => table_unit(row, Shape::WorkspaceTable),
            ListTable::Reports => table_unit(row, Shape::ReportTable),
            ListTable::Models => table_unit(row, Shape::ModelTable),
            ListTable::Dashboards => table_unit(row, Shape::DashboardTable),
            ListTable::Apps => table_unit(row, Shape::AppTable),
            ListTable::Items => table_unit(row, Shape::ItemTable),
            ListTable::Capacities => capacity_table_unit(row),
        };
        let Some(unit) = unit else { return Ok(false) };
        self.add_unit(source, unit)?;
        Ok(true)
    }

    fn add_unit(&self, source: usize, mut unit: Unit) -> Result<()> {
        if let Some(pseudonymizer) = self.pseudonymizer {
            unit.rows.iter_mut().for_each(|row| pseudonymize(row, pseudonymizer));
        }
        unit.assign_group();
        if unit.shape.has_workspaces() {
            return self.add_state(source, unit);
        }
        self.lock()?.sources.entry(source).or_default().listed.push(unit);
        Ok(())
    }

    /// Adds the state of a workspace. Its rows are kept if nobody has them yet.
    fn add_state(&self, source: usize, mut unit: Unit) -> Result<()> {
        let state = unit.close();
        let newest_change_us = unit.newest_change_us();
        let mut collected = self.lock()?;
        if self.is_known_read.set(()).is_ok() {
            collected.known.extend((self.read_known)()?);
        }
        let is_new = collected.known.insert(state.clone());
        let own = collected.sources.entry(source).or_default();
        let facts = &mut own.facts;
        let is_named = !unit.workspace_id.is_empty();
        facts.workspaces += u64::from(unit.shape.is_about_workspaces() && is_named);
        facts.people += unit.people();
        facts.licenses += unit.count(RowKind::License);
        facts.products += unit.count(RowKind::Product);
        facts.attributes += unit.count(RowKind::Attribute);
        facts.refreshes += unit.count(RowKind::Refresh);
        facts.refreshables += unit.count(RowKind::Refreshable);
        facts.capacities += unit.count(RowKind::Capacity);
        facts.groups += unit.count(RowKind::Group);
        facts.group_members += unit.count(RowKind::GroupMember);
        facts.repeated_rows += unit.repeated_rows;
        facts.settings += unit.count(RowKind::Setting);
        facts.items += unit.count(RowKind::Item);
        facts.access += unit.count(RowKind::Access);
        facts.lost_lists += unit.lost_lists;
        facts.new_states += u64::from(is_new);
        let shape = unit.shape.name().to_owned();
        if !facts.shapes.contains(&shape) {
            facts.shapes.push(shape);
            facts.shapes.sort();
        }
        let rows = std::mem::take(&mut unit.rows);
        own.states.push(StateOfSource { unit, state, newest_change_us });
        if is_new {
            collected.rows.extend(rows);
        }
        Ok(())
    }

    /// Completes the lists, fills the facts of the sources, and returns the rows to store.
    pub(super) fn finish(self, facts: &mut [&mut SourceFacts]) -> Result<Vec<InventoryRow>> {
        let numbers: Vec<usize> = self.lock()?.sources.keys().copied().collect();
        for number in &numbers {
            let listed =
                std::mem::take(&mut self.lock()?.sources.entry(*number).or_default().listed);
            for unit in close_list_units(listed) {
                self.add_state(*number, unit)?;
            }
        }
        let failed = |_| Error::internal("a thread failed in an inventory");
        let Collected { sources, mut rows, .. } = self.collected.into_inner().map_err(failed)?;
        for (number, source) in sources {
            if let Some(facts) = facts.get_mut(number) {
                rows.extend(source.scan_rows(facts));
                facts.warnings.extend(lost_lists(&source.facts));
                facts.inventory = Some(source.facts);
            }
        }
        Ok(rows)
    }
}

impl SourceInventory {
    /// Returns the scan rows: which workspace had which state, and when.
    fn scan_rows(&self, facts: &SourceFacts) -> Vec<InventoryRow> {
        let mut states: Vec<&StateOfSource> = self.states.iter().collect();
        states.sort_by(|one, other| {
            let key =
                |state: &StateOfSource| (state.unit.workspace_id.clone(), state.state.clone());
            key(one).cmp(&key(other))
        });
        let document = digest_of(states.iter().map(|state| state.state.as_str()));
        let newest = states.iter().filter_map(|state| state.newest_change_us).max();
        let row = |state: &&StateOfSource| {
            let unit = &state.unit;
            let (us, from) = time_of_source(unit.taken_us, &facts.path, facts.modified_us, newest);
            let asked = unit.asked.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            InventoryRow::new(RowKind::Scan)
                .with(Column::WorkspaceId, Some(unit.workspace_id.clone()))
                .with(Column::State, Some(state.state.clone()))
                .with(Column::Shape, Some(unit.shape.name()))
                .with(Column::TakenAt, Some(time::to_rfc3339_micros(us)))
                .with(Column::TimeSource, Some(from.name()))
                .with(Column::Coverage, Some(coverage_of_name(&facts.path).name()))
                .with(Column::Asked, Some(asked))
                .with(Column::Document, Some(document.clone()))
        };
        states.iter().map(row).collect()
    }
}

/// Returns the warning about lists that became text.
fn lost_lists(facts: &InventoryFacts) -> Option<SourceWarning> {
    let count = facts.lost_lists;
    (count > 0).then(|| SourceWarning {
        kind: WarningKind::Flattened,
        count,
        detail: match count {
            1 => "1 list of items, users or licenses is the text of a PowerShell object, so its \
                  content is lost; write the file again with ConvertTo-Json -Depth 10"
                .to_owned(),
            _ => format!(
                "{count} lists of items, users or licenses are the text of PowerShell objects, so \
                 their content is lost; write the file again with ConvertTo-Json -Depth 10"
            ),
        },
    })
}

/// Replaces the persons in a row. IDs of applications and groups stay, and so do their names.
fn pseudonymize(row: &mut InventoryRow, pseudonymizer: &Pseudonymizer) {
    let of_type = row.get(Column::PrincipalType);
    let is_person = match row.kind {
        // A member of which nothing but the ID is known can be a person.
        RowKind::GroupMember => !matches!(of_type, Some("App" | "Group" | "Device")),
        _ => !matches!(of_type, Some("App" | "Group")),
    };
    let persons = [Column::CreatedBy, Column::ModifiedBy, Column::Owner];
    let own = [Column::Principal, Column::PrincipalId].into_iter().filter(|_| is_person);
    for column in persons.into_iter().chain(own) {
        // A semantic model or a capacity can have several owners.
        let is_list = |text: &str| match row.kind {
            RowKind::Capacity => true,
            _ => text.contains('@') && text.contains(' '),
        };
        let replaced = row.get(column).map(|text| match text.contains('@') {
            _ if is_list(text) => {
                let owners = text.split(' ').map(|owner| pseudonymizer.pseudonymize_user(owner));
                owners.collect::<Vec<_>>().join(" ")
            }
            true => pseudonymizer.pseudonymize_user(text),
            false => pseudonymizer.pseudonymize_name(text),
        });
        row.set(column, replaced);
    }
    let aliases = row.get(Column::Aliases).and_then(|text| pseudonymizer.pseudonymize_text(text));
    if aliases.is_some() {
        row.set(Column::Aliases, aliases);
    }
    let texts = [
        Column::Name,
        Column::Description,
        Column::Principal,
        Column::EnabledGroups,
        Column::ExcludedGroups,
        Column::Properties,
        Column::Value,
    ];
    for column in texts {
        let replaced = row
            .get(column)
            .and_then(|text| pseudonymizer.pseudonymize_field(&EventText::new("", text)));
        if replaced.is_some() && (column != Column::Principal || !is_person) {
            row.set(column, replaced);
        }
    }
}

/// Returns a collector of a run without a store.
pub(super) fn nothing_known() -> Result<BTreeSet<String>> {
    Ok(BTreeSet::new())
}
