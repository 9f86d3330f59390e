//! The pages of the report: their visuals on a grid of eight columns and six rows.

use super::visual::Field::{Column, Measure};
use super::visual::{Field, PageRect, ValueFilter, Visual, VisualContent};

/// Width of a page in pixels.
pub const PAGE_WIDTH: u32 = 1280;

/// Height of a page in pixels.
pub const PAGE_HEIGHT: u32 = 720;

/// Distance of visuals from each other and from the edges.
const GAP: u32 = 16;

/// Width of a column of the grid.
const COLUMN_WIDTH: u32 = 142;

/// Height of a row of the grid.
const ROW_HEIGHT: u32 = 88;

/// Upper edge of the first row.
const GRID_TOP: u32 = 96;

/// A page of the report.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Name for people, and title.
    pub title: &'static str,
    /// Column whose value opens the page from a visual of another page.
    pub drillthrough: Option<(&'static str, &'static str)>,
    /// Visuals below the title.
    pub visuals: &'static [Visual],
}

impl Page {
    /// Returns all visuals: the title, the coverage, and those of the page.
    pub fn all_visuals(&self) -> Vec<Visual> {
        let title = PageRect { x: GAP, y: 8, width: 520, height: 72 };
        let note = PageRect { x: 552, y: 8, width: 712, height: 72 };
        let mut visuals = vec![
            Visual { title: "", place: title, content: VisualContent::Text(self.title) },
            Visual { title: "", place: note, content: COVERAGE_NOTE },
        ];
        if self.drillthrough.is_some() {
            visuals[0].place.x += 72;
            visuals[0].place.width -= 72;
            let back = PageRect { x: GAP, y: 24, width: 56, height: 40 };
            visuals.push(Visual { title: "", place: back, content: VisualContent::Back });
        }
        visuals.extend(self.visuals);
        visuals
    }
}

/// Shows measures as cards.
macro_rules! cards {
    ($($field:expr),+ $(,)?) => {
        query("cardVisual", &[("Data", &[$($field),+])], None)
    };
}

/// Shows measures of each value of a column, the largest first measure first.
macro_rules! matrix {
    ($rows:expr, $first:expr $(, $field:expr)* $(,)?) => {
        query("pivotTable", &[("Rows", &[$rows]), ("Values", &[$first $(, $field)*])], Some($first))
    };
}

/// Shows measures over a column: `kind` is the type of the visual.
macro_rules! chart {
    ($kind:literal, $over:expr, $($field:expr),+ $(,)?) => {
        query($kind, &[("Category", &[$over]), ("Y", &[$($field),+])], None)
    };
}

/// Shows a bar of a measure for each value of a column, the largest first.
macro_rules! bars {
    ($by:expr, $field:expr $(,)?) => {
        query("barChart", &[("Category", &[$by]), ("Y", &[$field])], Some($field))
    };
}

/// The sentence on the coverage of the period.
const COVERAGE_NOTE: VisualContent = VisualContent::Note(Measure("Date", "Coverage Note"));

const DATE: Field = Column("Date", "Date");
const MONTH: Field = Column("Date", "Month");
const ITEM: Field = Column("Item", "Item");
const USER: Field = Column("User", "User");
const WORKSPACE: Field = Column("Workspace", "Workspace");
const ACTIVITY: Field = Column("Activity Type", "Activity");
const VIEWS: Field = Measure("Activity", "Views");
const VIEWERS: Field = Measure("Activity", "Viewers");
const REPORT_VIEWERS: Field = Measure("Activity", "Report Viewers");
const DAU: Field = Measure("Presence", "Active Users (Day)");
const WAU: Field = Measure("Presence", "Active Users (7 Days)");
const MAU: Field = Measure("Presence", "Active Users (28 Days)");
const EXPORTS: Field = Measure("Exports", "Total Exports");
const FAILED: Field = Measure("Activity", "Failed Events");
const UNUSED: Field = Measure("Inventory", "Unused Items");
const RECLAIMABLE: Field = Measure("Licenses", "Reclaimable Licenses");

/// Returns the place of `width` columns and `height` rows.
const fn at(column: u32, row: u32, width: u32, height: u32) -> PageRect {
    PageRect {
        x: GAP + column * (COLUMN_WIDTH + GAP),
        y: GRID_TOP + row * (ROW_HEIGHT + GAP),
        width: width * (COLUMN_WIDTH + GAP) - GAP,
        height: height * (ROW_HEIGHT + GAP) - GAP,
    }
}

const fn show(title: &'static str, place: PageRect, content: VisualContent) -> Visual {
    Visual { title, place, content }
}

const fn slicer(place: PageRect, field: Field) -> Visual {
    Visual { title: "", place, content: VisualContent::Slicer(field) }
}

type Roles = &'static [(&'static str, &'static [Field])];

const fn query(kind: &'static str, roles: Roles, sort: Option<Field>) -> VisualContent {
    VisualContent::Query { kind, roles, sort, filter: None }
}

/// The pages in their order. The first is shown when the report is opened.
pub const PAGES: [Page; 10] = [
    Page {
        title: "Overview",
        drillthrough: None,
        visuals: &[
            show("", at(0, 0, 5, 1), cards!(VIEWS, REPORT_VIEWERS, MAU, EXPORTS)),
            slicer(at(5, 0, 1, 1), MONTH),
            slicer(at(6, 0, 2, 1), WORKSPACE),
            show("Report views by day", at(0, 1, 5, 3), chart!("lineChart", DATE, VIEWS)),
            show("Most viewed reports", at(5, 1, 3, 5), bars!(ITEM, VIEWS)),
            show(
                "Report viewers by month",
                at(0, 4, 3, 2),
                chart!("clusteredColumnChart", MONTH, REPORT_VIEWERS),
            ),
            show(
                "Report views by hour",
                at(3, 4, 2, 2),
                chart!("clusteredColumnChart", Column("Hour", "Hour"), VIEWS),
            ),
        ],
    },
    Page {
        title: "Reports",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 6, 1),
                cards!(
                    Measure("Activity", "Viewed Reports"),
                    VIEWS,
                    Measure("Activity", "Views per Viewer"),
                    Measure("Activity", "Reports Not Viewed for 30 Days"),
                ),
            ),
            slicer(at(6, 0, 1, 1), MONTH),
            slicer(at(7, 0, 1, 1), WORKSPACE),
            show(
                "Reports; right-click one for its details",
                at(0, 1, 8, 5),
                matrix!(
                    ITEM,
                    VIEWS,
                    REPORT_VIEWERS,
                    Measure("Activity", "Views per Viewer"),
                    Measure("Activity", "Views Trend"),
                    Measure("Activity", "Last View"),
                    Measure("Activity", "Days Since Last View"),
                ),
            ),
        ],
    },
    Page {
        title: "Item details",
        drillthrough: Some(("Item", "Item")),
        visuals: &[
            show(
                "",
                at(0, 0, 8, 1),
                cards!(VIEWS, REPORT_VIEWERS, Measure("Activity", "Views Trend"), EXPORTS),
            ),
            show("Report views by day", at(0, 1, 5, 2), chart!("lineChart", DATE, VIEWS)),
            show(
                "Report views by consumption method",
                at(0, 3, 5, 3),
                bars!(Column("Client", "Consumption Method"), VIEWS),
            ),
            show("People", at(5, 1, 3, 5), matrix!(USER, VIEWS, EXPORTS)),
        ],
    },
    Page {
        title: "People and adoption",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 6, 1),
                cards!(
                    MAU,
                    Measure("Presence", "Average Daily Users"),
                    Measure("Presence", "Stickiness")
                ),
            ),
            slicer(at(6, 0, 1, 1), MONTH),
            slicer(at(7, 0, 1, 1), Column("User", "User Kind")),
            show(
                "People active on a day, and in the 7 and 28 days that end with it",
                at(0, 1, 5, 3),
                chart!("lineChart", DATE, DAU, WAU, MAU),
            ),
            show(
                "New and returning people by month",
                at(0, 4, 5, 2),
                chart!(
                    "clusteredColumnChart",
                    MONTH,
                    Measure("Presence", "New Users"),
                    Measure("Presence", "Returning Users"),
                ),
            ),
            show(
                "People",
                at(5, 1, 3, 5),
                matrix!(USER, VIEWS, Measure("Activity", "Viewed Reports")),
            ),
        ],
    },
    Page {
        title: "Workspaces",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 5, 1),
                cards!(VIEWS, VIEWERS, Measure("Activity", "Creators"), EXPORTS),
            ),
            slicer(at(5, 0, 1, 1), MONTH),
            slicer(at(6, 0, 2, 1), Column("Workspace", "Workspace Type")),
            show(
                "Workspaces",
                at(0, 1, 5, 5),
                matrix!(
                    WORKSPACE,
                    VIEWS,
                    VIEWERS,
                    Measure("Activity", "Creators"),
                    EXPORTS,
                    Measure("Activity", "Other Views"),
                ),
            ),
            show("Viewers by workspace", at(5, 1, 3, 3), bars!(WORKSPACE, VIEWERS)),
            show(
                "Report views by capacity",
                at(5, 4, 3, 2),
                bars!(Column("Capacity", "Capacity"), VIEWS),
            ),
        ],
    },
    Page {
        title: "Exports and sharing",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 6, 1),
                cards!(
                    EXPORTS,
                    Measure("Exports", "Exporters"),
                    Measure("Sharing", "Shares"),
                    Measure("Sharing", "Shares with External Users"),
                    Measure("Activity", "External Users"),
                ),
            ),
            slicer(at(6, 0, 1, 1), MONTH),
            slicer(at(7, 0, 1, 1), WORKSPACE),
            show("Exports by day", at(0, 1, 5, 2), chart!("columnChart", DATE, EXPORTS)),
            show("Exports by person", at(5, 1, 3, 2), bars!(USER, EXPORTS)),
            show(
                "Exported items",
                at(0, 3, 3, 3),
                matrix!(ITEM, EXPORTS, Measure("Exports", "Exporters")),
            ),
            show("Shares by item", at(3, 3, 2, 3), matrix!(ITEM, Measure("Sharing", "Shares"))),
            show(
                "External recipients",
                at(5, 3, 3, 3),
                matrix!(
                    Column("Sharing", "Recipient"),
                    Measure("Sharing", "Shares with External Users"),
                ),
            ),
        ],
    },
    Page {
        title: "Unused content",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 5, 1),
                cards!(
                    Measure("Inventory", "Inventory Items"),
                    UNUSED,
                    Measure("Inventory", "Unused Reports"),
                    Measure("Inventory", "Items of Unknown Use"),
                ),
            ),
            slicer(at(5, 0, 1, 1), Column("Item", "Item Kind")),
            slicer(at(6, 0, 2, 1), WORKSPACE),
            show("", at(0, 1, 8, 1), VisualContent::Note(Measure("Inventory", "Inventory Note"))),
            show("Unused items", at(0, 2, 5, 4), UNUSED_ITEMS),
            show(
                "Items by the reason of their status",
                at(5, 2, 3, 2),
                matrix!(
                    Column("Inventory", "Status Reason"),
                    Measure("Inventory", "Inventory Items"),
                    UNUSED,
                ),
            ),
            show("Unused items by owner", at(5, 4, 3, 2), bars!(Column("Item", "Owner"), UNUSED)),
        ],
    },
    Page {
        title: "Licenses",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 5, 1),
                cards!(
                    Measure("Licenses", "License Count"),
                    Measure("Licenses", "Paid Licenses"),
                    RECLAIMABLE,
                    Measure("Licenses", "Idle Licenses"),
                ),
            ),
            slicer(at(5, 0, 1, 1), Column("Licenses", "License")),
            slicer(at(6, 0, 2, 1), Column("User", "Department")),
            show("", at(0, 1, 8, 1), VisualContent::Note(Measure("Licenses", "License Note"))),
            show("Paid licenses that can be taken back", at(0, 2, 4, 4), RECLAIMABLE_LICENSES),
            show(
                "Paid licenses by use",
                at(4, 2, 4, 2),
                bars!(Column("Licenses", "License Class"), Measure("Licenses", "Paid Licenses")),
            ),
            show(
                "Licenses by department",
                at(4, 4, 4, 2),
                matrix!(
                    Column("User", "Department"),
                    RECLAIMABLE,
                    Measure("Licenses", "Paid Licenses"),
                    Measure("Licenses", "Reclaimable Share"),
                ),
            ),
        ],
    },
    Page {
        title: "Failures",
        drillthrough: None,
        visuals: &[
            show("", at(0, 0, 5, 1), cards!(FAILED, Measure("Activity", "Failure Rate"))),
            slicer(at(5, 0, 1, 1), MONTH),
            slicer(at(6, 0, 2, 1), WORKSPACE),
            show("Failed events by day", at(0, 1, 5, 3), chart!("columnChart", DATE, FAILED)),
            show("Failed events by account", at(5, 1, 3, 5), bars!(USER, FAILED)),
            show(
                "Failed events by activity",
                at(0, 4, 5, 2),
                matrix!(ACTIVITY, FAILED, Measure("Activity", "Failure Rate")),
            ),
        ],
    },
    Page {
        title: "Data coverage",
        drillthrough: None,
        visuals: &[
            show(
                "",
                at(0, 0, 8, 1),
                cards!(
                    Measure("Date", "Days"),
                    Measure("Date", "Complete Days"),
                    Measure("Date", "Partial Days"),
                    Measure("Date", "Truncated Days"),
                    Measure("Date", "Missing Days"),
                ),
            ),
            show("Events by day and coverage of the day", at(0, 1, 8, 2), COVERAGE_CHART),
            show("Days that are not complete", at(0, 3, 5, 3), INCOMPLETE_DAYS),
            show("About this project", at(5, 3, 3, 3), ABOUT),
        ],
    },
];

const COVERAGE_CHART: VisualContent = query(
    "columnChart",
    &[
        ("Category", &[DATE]),
        ("Series", &[Column("Date", "Coverage")]),
        ("Y", &[Measure("Activity", "Events")]),
    ],
    None,
);

const UNUSED_ITEMS: VisualContent = VisualContent::Query {
    kind: "pivotTable",
    roles: &[
        ("Rows", &[ITEM]),
        (
            "Values",
            &[
                Measure("Inventory", "Days Since Latest Use"),
                Measure("Inventory", "Latest Use"),
                Measure("Inventory", "Items Built on It"),
                Measure("Inventory", "Content Owner"),
            ],
        ),
    ],
    sort: Some(Measure("Inventory", "Days Since Latest Use")),
    filter: Some(ValueFilter { table: "Inventory", column: "Item Status", values: &["'unused'"] }),
};

const RECLAIMABLE_LICENSES: VisualContent = VisualContent::Query {
    kind: "pivotTable",
    roles: &[("Rows", &[USER]), ("Values", &[RECLAIMABLE, Measure("Licenses", "Latest Activity")])],
    sort: Some(RECLAIMABLE),
    filter: Some(ValueFilter {
        table: "Licenses",
        column: "License Class",
        values: &["'idle'", "'never-seen'", "'disabled'", "'doubled'"],
    }),
};

const INCOMPLETE_DAYS: VisualContent = VisualContent::Query {
    kind: "tableEx",
    roles: &[("Values", &[DATE, Column("Date", "Coverage"), Column("Date", "Coverage Reason")])],
    sort: None,
    filter: Some(ValueFilter {
        table: "Date",
        column: "Coverage",
        values: &["'partial'", "'truncated'", "'missing'"],
    }),
};

const ABOUT: VisualContent =
    query("tableEx", &[("Values", &[Column("About", "Property"), Column("About", "Value")])], None);
