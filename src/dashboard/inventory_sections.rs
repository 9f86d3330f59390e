//! Builds the sections on an inventory: unused content and licenses. They do not depend on the
//! period of a view, since they count the last days of the period of the command.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::columns::column_texts;
use super::item_ids::ItemIds;
use super::panel::{PanelBuilder, col, not_on_phone, wide_only};
use super::panel_context::PanelContext;
use super::people::PeopleMask;
use crate::Result;
use crate::grid::{Cell, CellKind, Grid};
use crate::render::html::{Section, SentencePart, format_number};
use crate::report::{self, Options, ReportCatalog, ReportDefinition, ReportSession, Snapshot};

/// A number of days without use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnusedDays(pub u16);

impl Default for UnusedDays {
    /// Returns the default of the reports.
    fn default() -> UnusedDays {
        UnusedDays(90)
    }
}

/// The reports of the sections.
pub const INVENTORY_REPORTS: [&str; 4] =
    ["unused-reports", "unused-items", "license-summary", "license-usage"];

/// The statuses of the reports on unused content.
const UNUSED: &str = "unused";
const UNKNOWN: &str = "unknown";

/// The classes of licenses, with their meaning, in the order of the page. `{days}` is replaced.
const CLASSES: [(&str, &str); 7] = [
    ("in-use", "active in the {days} days"),
    ("viewer-on-capacity", "only views on a capacity"),
    ("idle", "active before the {days} days"),
    ("never-seen", "no activity in the log"),
    ("disabled", "account disabled or deleted"),
    ("doubled", "a higher or a second license"),
    ("unknown", "log or account is too young"),
];

/// The classes of licenses that can be taken back.
const RECLAIMABLE: [&str; 4] = ["idle", "never-seen", "disabled", "doubled"];

/// The sentence that no figure can replace.
const MAY_BE_NEEDED: &str =
    "An unused report may still be needed, for example once a year; ask its owner first.";

/// A report with its rows and the sentences on its inventory.
struct HeldReport<'r> {
    definition: &'r ReportDefinition,
    grid: Grid,
    remarks: Vec<String>,
}

impl HeldReport<'_> {
    /// Returns the number of rows with a value in a column.
    fn count(&self, column: &str, is_counted: impl Fn(&str) -> bool) -> Result<usize> {
        let texts = column_texts(&self.grid, column)?.into_iter().flatten();
        Ok(texts.filter(|text| is_counted(text)).count())
    }
}

/// The rows of the reports on an inventory.
pub struct InventoryResults<'r> {
    reports: HeldReport<'r>,
    items: HeldReport<'r>,
    products: HeldReport<'r>,
    licenses: HeldReport<'r>,
    days: u16,
    last_day: Option<NaiveDate>,
    unused_reports: usize,
    reclaimable: usize,
}

impl<'r> InventoryResults<'r> {
    /// Runs the reports; `None` if they [cannot](report::can_compare_inventory) be run.
    ///
    /// # Errors
    ///
    /// Those of the reports.
    pub fn read(
        snapshot: &Snapshot,
        reports: &'r ReportCatalog,
        options: &Options,
        days: UnusedDays,
    ) -> Result<Option<InventoryResults<'r>>> {
        if !report::can_compare_inventory(snapshot, options) {
            return Ok(None);
        }
        let UnusedDays(days) = days;
        let definitions = INVENTORY_REPORTS.map(|name| reports.find(name));
        let [unused_reports, unused_items, summary, usage] = definitions;
        let definitions = [unused_reports?, unused_items?, summary?, usage?];
        let session = ReportSession::new(snapshot, definitions, options)?;
        let window = days.to_string();
        let run = |definition: &'r ReportDefinition, params: &[(&str, &str)]| {
            let params = [&[("days", window.as_str())], params].concat();
            let grid = session.rows(definition, &params)?;
            let remarks = session.inventory_remarks(definition)?;
            Ok::<_, crate::Error>(HeldReport { definition, grid, remarks })
        };
        let [reports, items, products, licenses] = definitions;
        let mut results = InventoryResults {
            reports: run(reports, &[("status", "all")])?,
            items: run(items, &[("status", "all")])?,
            products: run(products, &[])?,
            licenses: run(licenses, &[])?,
            days,
            last_day: session.period().map(|(_, last)| last),
            unused_reports: 0,
            reclaimable: 0,
        };
        results.unused_reports = results.reports.count("status", |status| status == UNUSED)?;
        let is_reclaimable = |class: &str| RECLAIMABLE.contains(&class);
        results.reclaimable = results.licenses.count("class", is_reclaimable)?;
        Ok(Some(results))
    }

    /// Returns the sections, of content and of licenses, that have anything to show.
    ///
    /// # Errors
    ///
    /// Those of [`PanelBuilder::with_columns`].
    pub fn sections(&self, mask: &PeopleMask) -> Result<Vec<Section>> {
        let items = ItemIds::default();
        let context = PanelContext { prefix: "", mask, items: &items };
        let mut sections = Vec::new();
        if self.has_content() {
            let panels = vec![self.unused_reports(context)?, self.unused_items(context)?];
            sections.push(section("unused", "Unused content", panels));
        }
        if self.has_licenses() {
            let panels = vec![self.products(context)?, self.classes(context)?];
            sections.push(section("licenses", "Licenses", panels));
        }
        Ok(sections)
    }

    fn has_content(&self) -> bool {
        !self.reports.grid.rows.is_empty() || !self.items.grid.rows.is_empty()
    }

    fn has_licenses(&self) -> bool {
        !self.products.grid.rows.is_empty() || !self.licenses.grid.rows.is_empty()
    }

    /// Returns the sentence on unused reports for the top of the page; `None` if there are none.
    pub fn sentence(&self) -> Option<Vec<SentencePart>> {
        let count = self.unused_reports;
        let verb = plural(count, "report was", "reports were");
        let words = format!("{} {verb} not used in {}.", number(count), self.window());
        (count > 0).then(|| vec![SentencePart::Words(words)])
    }

    /// Returns the limitations of the figures that the page shows.
    pub fn limits(&self) -> Vec<String> {
        let content = self.has_content().then_some(&self.reports);
        let licenses = self.has_licenses().then_some([&self.products, &self.licenses]);
        let shown = content.into_iter().chain(licenses.into_iter().flatten());
        shown.flat_map(|report| &report.definition.limits).cloned().collect()
    }

    /// Returns the days that count, in words.
    fn window(&self) -> String {
        let end = self.last_day.map(|day| format!(" to {}", day.format("%-d %B %Y")));
        format!("the {} days{}", self.days, end.unwrap_or_default())
    }

    fn params(&self) -> Vec<String> {
        vec![format!("days={}", self.days)]
    }

    fn unused_reports<'m>(&self, context: PanelContext<'m>) -> Result<PanelBuilder<'m>> {
        let columns = [
            col("report"),
            not_on_phone("workspace"),
            not_on_phone("owner"),
            wide_only("created"),
            not_on_phone("last_view"),
            col("days_since_view"),
        ];
        let lead = format!(
            "Reports that nobody viewed in {}; without a date, in the log. {MAY_BE_NEEDED} {} \
             {}",
            self.window(),
            status_sentence(&self.reports, ["report", "reports"])?,
            self.reports.remarks.join(" ")
        );
        Ok(self
            .panel(&self.reports, context)
            .filter_rows("status", |status| status == UNUSED)?
            .with_columns(&columns)?
            .limit_rows()
            .with_empty_text("No report is known to be unused.")
            .with_title("unused-reports", "Unused reports", lead.trim_end()))
    }

    fn unused_items<'m>(&self, context: PanelContext<'m>) -> Result<PanelBuilder<'m>> {
        let columns = [
            col("item"),
            not_on_phone("kind"),
            not_on_phone("workspace"),
            wide_only("owner"),
            wide_only("created"),
            not_on_phone("last_use"),
            col("days_since_use"),
        ];
        let lead = format!(
            "Semantic models, dataflows, dashboards and Fabric items that nobody used in {}, \
             directly or through what is built on them. {}",
            self.window(),
            status_sentence(&self.items, ["item", "items"])?
        );
        Ok(self
            .panel(&self.items, context)
            .filter_rows("status", |status| status == UNUSED)?
            .with_columns(&columns)?
            .limit_rows()
            .with_empty_text("No item is known to be unused.")
            .with_title("unused-items", "Other unused items", &lead))
    }

    fn products<'m>(&self, context: PanelContext<'m>) -> Result<PanelBuilder<'m>> {
        let columns = [
            col("product"),
            wide_only("license"),
            not_on_phone("bought"),
            col("assigned"),
            not_on_phone("in_use"),
            not_on_phone("idle"),
            wide_only("disabled"),
            wide_only("doubled"),
            wide_only("not_known"),
            col("reclaimable"),
        ];
        let lead = format!(
            "Licenses with Power BI by product, by use in {}. Reclaimable: idle, disabled and \
             doubled licenses. {}",
            self.window(),
            list_sentences(&self.products.remarks)
        );
        Ok(self
            .panel(&self.products, context)
            .with_columns(&columns)?
            .limit_rows()
            .with_empty_text("No list contains a product with Power BI.")
            .with_title("license-summary", "Licenses by product", lead.trim_end()))
    }

    fn classes<'m>(&self, context: PanelContext<'m>) -> Result<PanelBuilder<'m>> {
        let grid = self.class_grid()?;
        let columns =
            [col("class"), not_on_phone("meaning"), col("people"), not_on_phone("licenses")];
        let count = self.reclaimable;
        let lead = format!(
            "People with a license of Power BI Pro or Premium Per User. A person with two licenses \
             can be in two rows. {} of {} {} reclaimable: idle, never seen, disabled or doubled.",
            number(count),
            number(self.licenses.grid.rows.len()),
            plural(count, "licenses is", "licenses are")
        );
        Ok(PanelBuilder::from_grid(context, self.licenses.definition, grid, self.params())
            .with_columns(&columns)?
            .with_empty_text("No list contains a person with such a license.")
            .with_title("license-classes", "People by use of their license", &lead))
    }

    /// Counts the people and licenses of each class that has any.
    fn class_grid(&self) -> Result<Grid> {
        let grid = &self.licenses.grid;
        let classes = column_texts(grid, "class")?;
        let users = column_texts(grid, "user")?;
        let mut counts: BTreeMap<&str, (BTreeSet<&str>, i64)> = BTreeMap::new();
        for (class, user) in classes.into_iter().zip(users) {
            let (people, licenses) = counts.entry(class.unwrap_or(UNKNOWN)).or_default();
            people.extend(user);
            *licenses += 1;
        }
        let mut counted = Grid::new([
            ("class", CellKind::Text),
            ("meaning", CellKind::Text),
            ("people", CellKind::Int),
            ("licenses", CellKind::Int),
        ]);
        let meaning = |class: &str| CLASSES.iter().find(|(known, _)| *known == class);
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(class, _)| CLASSES.iter().position(|(known, _)| known == class));
        for (class, (people, licenses)) in counts {
            let meaning = meaning(class).map_or("", |(_, meaning)| *meaning);
            let people = i64::try_from(people.len()).unwrap_or(i64::MAX);
            counted.rows.push(vec![
                Cell::Text(class.to_owned()),
                Cell::Text(meaning.replace("{days}", &self.days.to_string())),
                Cell::Int(people),
                Cell::Int(licenses),
            ]);
        }
        Ok(counted)
    }

    /// Returns a panel with all rows of a report.
    fn panel<'m>(&self, report: &HeldReport<'_>, context: PanelContext<'m>) -> PanelBuilder<'m> {
        let HeldReport { definition, grid, .. } = report;
        PanelBuilder::from_grid(context, definition, grid.clone(), self.params())
    }
}

fn section(id: &'static str, title: &'static str, panels: Vec<PanelBuilder<'_>>) -> Section {
    let panels = panels.into_iter().map(PanelBuilder::build).collect();
    Section { id: id.into(), tab: title.into(), title: title.into(), panels }
}

fn number(count: usize) -> String {
    format_number(count as f64)
}

fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// Returns the sentences on the numbers of unused rows and of unknown ones, with their reasons.
fn status_sentence(report: &HeldReport<'_>, [one, many]: [&'static str; 2]) -> Result<String> {
    let statuses = column_texts(&report.grid, "status")?;
    let reasons = column_texts(&report.grid, "reason")?;
    let (all, unused) = (statuses.len(), report.count("status", |status| status == UNUSED)?);
    let mut unknown: BTreeMap<&str, usize> = BTreeMap::new();
    for (status, reason) in statuses.into_iter().zip(reasons) {
        if status == Some(UNKNOWN) {
            *unknown.entry(reason.unwrap_or_default()).or_default() += 1;
        }
    }
    let mut text = format!(
        "{} of {} {} {} unused.",
        number(unused),
        number(all),
        plural(all, one, many),
        plural(unused, "is", "are")
    );
    let count: usize = unknown.values().sum();
    if count > 0 {
        let mut reasons: Vec<_> = unknown.into_iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, count)| format!("{} ({reason})", number(*count)))
            .collect();
        let verb = plural(count, "is", "are");
        text += &format!(" {} {verb} unknown: {}.", number(count), reasons.join(", "));
    }
    Ok(text)
}

/// Returns the sentences that name lists; others are advice for the command line.
fn list_sentences(remarks: &[String]) -> String {
    let is_list =
        |remark: &&String| ["People: ", "Licenses: "].iter().any(|name| remark.starts_with(name));
    remarks.iter().filter(is_list).map(String::as_str).collect::<Vec<_>>().join(" ")
}
