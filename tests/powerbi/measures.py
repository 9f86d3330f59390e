"""Compares the measures of a Power BI project with the reports.

    measures.py PROGRAM ARCHIVE

The measures are evaluated by pbix-mcp, an engine for DAX that is not Microsoft's, over the Parquet
files of a project: for all days, one month, one day and one workspace. The results are compared
with `report` and `sql` for the same period and filter. Measures of the inventory and of licenses
are compared over sample-data and sample-data-inventory: for everything, one workspace, one kind of
items and one department. The exit code is 1 if anything differs.

The engine cannot be trusted with DATEADD, which no measure uses. Where a measure describes the
whole period, or ignores a filter by design, the context is left out.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet
from pbix_mcp.dax import engine
from pbix_mcp.formats.tmdl_reader import parse_tmdl_folder

UNKNOWN = "(unknown)"

# Contexts: their filter in the model, the flags of reports, and measures that are left out there.
WHOLE_PERIOD = {"Views Trend"}
PEOPLE_ONLY = {
    "Active Users (Day)",
    "Active Users (7 Days)",
    "Active Users (28 Days)",
    "Average Daily Users",
    "Stickiness",
    "New Users",
    "Returning Users",
}
CONTEXTS = [
    ("all days", {}, [], set()),
    (
        "a month",
        {"Date.Month": ["2025-11"]},
        ["--since", "2025-11-01", "--until", "2025-11-30"],
        WHOLE_PERIOD,
    ),
    (
        "a day",
        {"Date.Date": [datetime.datetime(2025, 11, 19)]},
        ["--since", "2025-11-19", "--until", "2025-11-19"],
        WHOLE_PERIOD,
    ),
    ("a workspace", {"Workspace.Workspace": ["Finance"]}, ["--workspace", "Finance"], PEOPLE_ONLY),
]

# Contexts of measures of the inventory and of licenses: their filter in the model, and the columns
# and values of the same filter in reports.
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = [ROOT / "sample-data", ROOT / "sample-data-inventory"]
DAYS = "28"
UNTIL = ["--until", "2026-03-23"]
NOUNS = ["inventory", "licenses"]
HELD_CONTEXTS = [
    ("everything", {}, {}),
    ("a workspace", {"Workspace.Workspace": ["Finance EMEA"]}, {"workspace": "Finance EMEA"}),
    ("a kind of items", {"Item.Item Kind": ["Report"]}, {"kind": "Report"}),
    ("a department", {"User.Department": ["Sales"]}, {"department": "Sales"}),
]


class Project:
    """The tables and measures of a project."""

    def __init__(self, folder: Path) -> None:
        self.tables, self.measures, self.homes = {}, {}, {}
        model = parse_tmdl_folder(str(folder / "Usage.SemanticModel" / "definition"))
        for table in model["tables"]:
            source = str(table["partitions"])
            file = re.search(r'"(\w+)\.parquet"', source).group(1)
            names = dict(re.findall(r'\{"(\w+)", "([^"]+)"\}', source))
            content = pyarrow.parquet.read_table(folder / "data" / f"{file}.parquet")
            self.tables[table["name"]] = {
                "columns": [names[name] for name in content.column_names],
                "rows": [[to_time(value) for value in row.values()] for row in content.to_pylist()],
            }
            for measure in table.get("measures", []):
                self.measures[measure["name"]] = measure["expression"]
                self.homes[measure["name"]] = table["name"]
        sides = ["FromTable", "FromColumn", "ToTable", "ToColumn"]
        keys = ["from_table", "from_column", "to_table", "to_column"]
        self.relationships = [
            {"IsActive": True, **dict(zip(sides, (relation[key] for key in keys), strict=True))}
            for relation in model["relationships"]
        ]

    def evaluate(self, context: dict) -> dict:
        return engine.evaluate_measures_batch(
            list(self.measures),
            self.tables,
            self.measures,
            context,
            "Date",
            "Date",
            self.relationships,
            measure_tables=self.homes,
        )


def to_time(value: object) -> object:
    """Dates are times in the model."""
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    return value


class Reports:
    """The reports of one period and filter."""

    def __init__(self, program: Path, store: Path, flags: list[str]) -> None:
        self.program, self.store, self.flags = program, store, flags

    def run(self, *arguments: str) -> list[dict]:
        command = [self.program, *arguments, "--store", self.store, "--format", "json", *self.flags]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)["rows"]

    def report(self, name: str) -> list[dict]:
        return self.run("report", name)

    def one(self, columns: str, condition: str, *flags: str) -> dict:
        return self.run("sql", f"SELECT {columns} FROM events WHERE {condition}", *flags)[0]


def expected(reports: Reports) -> dict:
    """Returns the value of each measure, calculated from reports."""
    return {**usage(reports), **adoption(reports), **security(reports), **coverage(reports)}


def usage(reports: Reports) -> dict:
    top, users = reports.report("top-reports"), reports.report("top-users")
    views = sum(row["views"] for row in top)
    known = [row for row in users if row["user"] != UNKNOWN]
    readers = sum(row["views"] > 0 for row in known)
    counts = reports.one(
        "COUNT(*) AS events, COUNT(DISTINCT CASE WHEN is_presence THEN user_id END) AS active, "
        "COUNT(DISTINCT CASE WHEN operation_group = 'AUTHOR' THEN user_id END) AS creators",
        "TRUE",
    )
    everything = reports.one(
        "COUNT(*) AS events, COUNT(*) FILTER (WHERE is_failed) AS failed", "TRUE", "--actors", "all"
    )
    halves = reports.run(
        "sql",
        "SELECT COUNT(*) FILTER (WHERE d.trend_half = 1) AS before, "
        "COUNT(*) FILTER (WHERE d.trend_half = 2) AS after FROM events AS e "
        "JOIN days AS d ON e.local_date = d.day WHERE e.activity_name = 'ViewReport'",
    )[0]
    ids = {row["report_id"] or row["report"] for row in top} - {UNKNOWN}
    failed = sum(row["failed"] for row in reports.report("failed-activities"))
    return {
        "Events": counts["events"],
        "Views": views,
        "Other Views": sum(row["other_views"] for row in users),
        "Viewers": len(known),
        "Report Viewers": readers,
        "Views per Viewer": views / readers if readers else None,
        "Viewed Reports": len(ids),
        "Views Trend": halves["after"] / halves["before"] if halves["before"] else None,
        "Active Users": counts["active"],
        "Creators": counts["creators"],
        "Last View": max((row["last_view"][:10] for row in top), default=None),
        "Events of All Accounts": everything["events"],
        "Failed Events": failed,
        "Failure Rate": failed / everything["events"] if everything["events"] else None,
    }


def adoption(reports: Reports) -> dict:
    rows = reports.report("adoption")
    complete = [row["dau"] for row in rows if row["status"] == "complete"]
    sticky = [row["stickiness"] for row in rows if row["stickiness"] is not None]
    known = [row for row in rows if row["new_users"] is not None]
    return {
        "Active Users (Day)": rows[-1]["dau"],
        "Active Users (7 Days)": rows[-1]["wau"],
        "Active Users (28 Days)": rows[-1]["mau"],
        "Average Daily Users": sum(complete) / len(complete) if complete else None,
        "Stickiness": sum(sticky) / len(sticky) if sticky else None,
        "New Users": sum(row["new_users"] for row in known) if known else None,
        "Returning Users": sum(row["returning_users"] for row in known) if known else None,
    }


def security(reports: Reports) -> dict:
    exports, guests = reports.report("exports"), reports.report("external-users")
    shares = reports.report("sharing-audit")
    total = sum(row["exports"] for row in exports)
    exporters = {row["user"] for row in exports} - {UNKNOWN}
    items = {row["item_id"] or row["item"] for row in exports} - {UNKNOWN}
    external = [row for row in shares if row["reach"] == "external"]
    count = reports.one(
        "COUNT(DISTINCT Id) AS shares",
        "activity_name IN ('ShareReport', 'ShareDashboard', 'ShareDataset', 'ShareArtifact')",
        "--actors",
        "all",
    )
    return {
        "Total Exports": total,
        "Exporters": len(exporters),
        "Exported Items": len(items),
        "Exports per Exporter": total / len(exporters) if exporters else None,
        "External Users": len(guests),
        "Views by External Users": sum(row["views"] for row in guests),
        "Exports by External Users": sum(row["exports"] for row in guests),
        "Shares": count["shares"],
        "Shares with External Users": sum(row["shares"] for row in external),
        "External Recipients": len({row["recipient"] for row in external}),
    }


def held(items: list[dict], licenses: list[dict]) -> dict:
    """Returns the value of each measure of the inventory and of licenses."""
    uses = [row for row in items if row["last"]]
    unused = [row for row in items if row["status"] == "unused"]
    paid = [row for row in licenses if row["license"] in ("pro", "ppu")]
    classes = [row["class"] for row in paid]
    idle = classes.count("idle") + classes.count("never-seen")
    reclaimable = idle + classes.count("disabled") + classes.count("doubled")
    activity = [row["last_any"][:10] for row in paid if row["last_any"]]
    return {
        "Inventory Items": len(items),
        "Unused Items": len(unused),
        "Unused Reports": sum(row["kind"] == "Report" for row in unused),
        "Items of Unknown Use": sum(row["status"] == "unknown" for row in items),
        "Unused Share": len(unused) / len(items) if items else None,
        "Uses in Window": sum(row["uses"] for row in items),
        "Items Built on It": sum(row["dependents"] for row in items),
        "Latest Use": max((row["last"][:10] for row in uses), default=None),
        "Days Since Latest Use": min((row["days"] for row in uses), default=None),
        "License Count": len(licenses),
        "Paid Licenses": len(paid),
        "Reclaimable Licenses": reclaimable,
        "Idle Licenses": idle,
        "Licenses of Viewers on Capacity": sum(
            row["class"] == "viewer-on-capacity" for row in licenses
        ),
        "Reclaimable Share": reclaimable / len(paid) if paid else None,
        "Latest Activity": max(activity, default=None),
    }


def held_rows(reports: Reports) -> tuple[list[dict], list[dict]]:
    """Returns the items of the inventory in one form, and the licenses."""
    days = ["--param", f"days={DAYS}", "--param"]
    items = [
        {
            **row,
            "kind": "Report",
            "last": row["last_view"],
            "days": row["days_since_view"],
            "uses": row["views"],
            "dependents": 0,
        }
        for row in reports.run("report", "unused-reports", *days, "status=all")
    ]
    items += [
        {**row, "last": row["last_use"], "days": row["days_since_use"]}
        for row in reports.run("report", "unused-items", *days, "status=all")
    ]
    everything = ["license=all", "--param", "class=all"]
    return items, reports.run("report", "license-usage", *days, *everything)


def matching(rows: list[dict], wanted: dict) -> list[dict]:
    """Returns the rows with these values. A column that rows do not have is no filter."""
    return [
        row for row in rows if all(row.get(name, value) == value for name, value in wanted.items())
    ]


def coverage(reports: Reports) -> dict:
    days = [row["status"] for row in reports.report("consumption-trend")]
    names = ["complete", "partial", "truncated", "missing"]
    counts = {f"{name.capitalize()} Days": days.count(name) for name in names}
    return {"Days": len(days), "Incomplete Days": len(days) - days.count("complete"), **counts}


def is_same(measure: str, found: object, value: object) -> bool:
    if isinstance(found, datetime.datetime):
        found = found.date().isoformat()
    if value is None or isinstance(value, str):
        return found == value
    # A measure without rows is blank, which adds up to 0. Reports round shares to two digits.
    tolerance = 0.006 if measure == "Stickiness" else 1e-9
    return abs((found or 0) - value) <= tolerance


def sample_values(program: Path, folder: Path) -> list[tuple[str, str, object, object]]:
    """Returns contexts, measures, and their values in the sample data: found and expected."""
    store, output = folder / "sample-store", folder / "sample-project"
    command = [program, "ingest", *SAMPLE, "--store", store, "--quiet"]
    if subprocess.run(command, capture_output=True, check=False).returncode not in (0, 3):
        raise SystemExit("the sample data cannot be loaded")
    command = [program, "powerbi", "--store", store, "--output", output, "--quiet"]
    subprocess.run([*command, "--unused-days", DAYS, *UNTIL], check=True)
    project = Project(output)
    items, licenses = held_rows(Reports(program, store, UNTIL))
    compared = []
    for name, context, wanted in HELD_CONTEXTS:
        found = project.evaluate(context)
        values = held(matching(items, wanted), matching(licenses, wanted))
        if not values["Unused Items"] and not values["Reclaimable Licenses"]:
            raise SystemExit(f"{name}: there is nothing to compare")
        compared += [(name, measure, found[measure], value) for measure, value in values.items()]
    # The sentences name the window, or say that there is nothing.
    output = folder / "plain-project"
    command = [program, "powerbi", "--from", ROOT / "sample-data", "--output", output, "--quiet"]
    subprocess.run(command, check=True)
    window = f"in the {DAYS} days up to {UNTIL[1]}"
    for name, folder, sentences in [
        ("an inventory", project, [f"Use {window}", f"Activity {window}"]),
        ("no inventory", Project(output), [f"This project contains no {noun}" for noun in NOUNS]),
    ]:
        found = folder.evaluate({})
        for measure, sentence in zip(["Inventory Note", "License Note"], sentences, strict=True):
            compared.append((name, measure, found[measure].split(".")[0], sentence))
    return compared


def main() -> int:
    program, archive = (Path(argument).resolve() for argument in sys.argv[1:3])
    compared: list[tuple[str, str, object, object]] = []
    with tempfile.TemporaryDirectory() as temporary:
        store, folder = Path(temporary) / "store", Path(temporary) / "project"
        command = [program, "ingest", archive, "--store", store, "--quiet"]
        if subprocess.run(command, capture_output=True, check=False).returncode not in (0, 3):
            raise SystemExit(f"{archive} cannot be loaded")
        command = [program, "powerbi", "--store", store, "--output", folder, "--quiet"]
        subprocess.run(command, check=True)
        project = Project(folder)
        for name, context, flags, left_out in CONTEXTS:
            found, values = project.evaluate(context), expected(Reports(program, store, flags))
            if not found["Events"]:
                raise SystemExit(f"{name}: there is nothing to compare")
            compared += [
                (name, measure, found[measure], value)
                for measure, value in values.items()
                if measure not in left_out
            ]
        compared += sample_values(program, Path(temporary))
    problems = [row for row in compared if not is_same(row[1], row[2], row[3])]
    for name, measure, found, value in problems:
        print(f"{name}: {measure} is {found}, expected {value}", file=sys.stderr)
    measures = len({row[1] for row in compared})
    contexts = len(CONTEXTS) + len(HELD_CONTEXTS)
    print(
        f"{len(compared)} values of {measures} measures in {contexts} contexts, "
        f"{len(problems)} differ"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
