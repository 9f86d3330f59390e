"""Breaks a Power BI project in many ways, and checks that a step of chain.py finds each.

    variants.py TOOLS PROJECT

PROJECT is a project that has no problems, and rows in all tables. The script prints the steps that
find each variant, with the first problem. Measures that are valid but wrong are found by their
values, which measures.py compares with the reports. The exit code is 1 if a variant is not found.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet

import chain
import measures

TABLES = "Usage.SemanticModel/definition/tables"
MODEL = "Usage.SemanticModel/definition"
REPORT = "Usage.Report/definition"
VISUALS = f"{REPORT}/pages/*/visuals/*/visual.json"
PAGES = f"{REPORT}/pages/*/page.json"
BOM = b"\xef\xbb\xbf"
Change = Callable[[Path], None]


def text(name: str, before: str, after: str, count: int = 1) -> Change:
    """Replaces a text in a file."""

    def change(project: Path) -> None:
        path = project / name
        content = path.read_bytes().decode()
        assert before in content, f"{name} has no {before!r}"
        path.write_bytes(content.replace(before, after, count).encode())

    return change


def edited(pattern: str, edit: Callable[[dict], object]) -> Change:
    """Edits the first JSON file for which `edit` does not return False."""

    def change(project: Path) -> None:
        for path in sorted(project.glob(pattern)):
            file = json.loads(path.read_text("utf-8"))
            if edit(file) is not False:
                path.write_text(json.dumps(file), "utf-8")
                return
        raise AssertionError(f"no file of {pattern} can be edited")

    return change


def visual(kind: str, edit: Callable[[dict, dict], object]) -> Change:
    """Edits the first visual of a type."""

    def change(file: dict) -> object:
        if file["visual"]["visualType"] != kind:
            return False
        return edit(file, file["visual"])

    return edited(VISUALS, change)


def removed(name: str) -> Change:
    return lambda project: (project / name).unlink()


def without_visual(kind: str) -> Change:
    """Removes all visuals of a type."""

    def change(project: Path) -> None:
        for path in project.glob(VISUALS):
            if f'"visualType": "{kind}"' in path.read_text("utf-8"):
                shutil.rmtree(path.parent)

    return change


def without_note(project: Path) -> None:
    path = next(
        path for path in project.glob(VISUALS) if "Coverage Note" in path.read_text("utf-8")
    )
    shutil.rmtree(path.parent)


def rows(name: str, edit: Callable[[pyarrow.Table], pyarrow.Table]) -> Change:
    """Edits the rows of a Parquet file."""

    def change(project: Path) -> None:
        path = project / "data" / f"{name}.parquet"
        pyarrow.parquet.write_table(edit(pyarrow.parquet.read_table(path)), path)

    return change


def bytes_before(pattern: str, start: bytes) -> Change:
    def change(project: Path) -> None:
        path = sorted(project.glob(pattern))[0]
        path.write_bytes(start + path.read_bytes())

    return change


def table(name: str, before: str, after: str, count: int = 1) -> Change:
    return text(f"{TABLES}/{name}.tmdl", before, after, count)


def tag_twice(project: Path) -> None:
    tag = re.search("lineageTag: (.*)", (project / TABLES / "Item.tmdl").read_text("utf-8"))
    path = project / TABLES / "User.tmdl"
    path.write_text(
        re.sub("lineageTag: .*", tag.group(0), path.read_text("utf-8"), count=1), "utf-8"
    )


def role(file_visual: dict, name: str) -> list:
    return file_visual["query"]["queryState"][name]["projections"]


def literal(value: str) -> dict:
    return {"expr": {"Literal": {"Value": value}}}


def field(kind: str, entity: str, name: str) -> dict:
    return {kind: {"Expression": {"SourceRef": {"Entity": entity}}, "Property": name}}


USER_COLUMN = "\tcolumn User\n\t\tdataType: string\n"
RELATIONSHIP = "relationship a47f9b71-a9ad-584d-b557-a546df428ab2\n"
SECOND_PATH = (
    "relationship 00000000-0000-4000-8000-000000000001\n\tfromColumn: Presence.'User Key'\n"
    "\ttoColumn: User.'User Key'\n\n"
)
SNOWFLAKE = (
    "relationship 00000000-0000-4000-8000-000000000002\n\tfromColumn: Item.'Item Key'\n"
    "\ttoColumn: Workspace.'Workspace Key'\n\n"
)
THEME = {
    "baseTheme": {
        "name": "CY26SU10",
        "type": "SharedResources",
        "reportVersionAtImport": {"visual": "2.8.0", "report": "3.2.0", "page": "2.0.0"},
    }
}
PACKAGE = {
    "name": "SharedResources",
    "type": "SharedResources",
    "items": [{"name": "CY26SU10", "path": "BaseThemes/CY26SU10.json", "type": "BaseTheme"}],
}

MODEL_VARIANTS: dict[str, Change] = {
    "spaces for a tab": table("User", "\tcolumn User\n", "    column User\n"),
    "unknown property": table("User", USER_COLUMN, USER_COLUMN + "\t\tcolour: red\n"),
    "unknown data type": table("User", "dataType: string", "dataType: text"),
    "relationship to a missing column": text(
        f"{MODEL}/relationships.tmdl", "toColumn: User.'User Key'", "toColumn: User.Nothing"
    ),
    "relationship of unlike types": table("User", "dataType: int64", "dataType: string"),
    "sorted by a missing column": table(
        "Date", "sortByColumn: 'Weekday Number'", "sortByColumn: Nothing"
    ),
    "measure in two tables": table("Date", "measure 'Missing Days'", "measure Views"),
    "measure twice in a table": table("Activity", "measure Creators", "measure Viewers"),
    "measure with the name of a column": table(
        "Date", "measure 'Missing Days'", "measure Coverage"
    ),
    "list of tables with a missing one": text(
        f"{MODEL}/model.tmdl", "ref table User", "ref table Nobody"
    ),
    "list of tables without one": text(f"{MODEL}/model.tmdl", "ref table User\n", ""),
    "table file without its table": removed(f"{TABLES}/Capacity.tmdl"),
    "table of another name than its file": table("Hour", "\ntable Hour\n", "\ntable Hours\n"),
    "bracket without an end": table(
        "Activity", "DISTINCTCOUNT ( Activity[User Key] )", "DISTINCTCOUNT ( ( Activity[User Key] )"
    ),
    "text without an end": table("Activity", '= "ViewReport" )', '= "ViewReport )'),
    "measure over a missing column": table("Activity", "Activity[Event Count]", "Activity[Count]"),
    "measure over a missing table": table("Activity", "SUM ( Activity[", "SUM ( Activities["),
    "measure over a missing measure": table("Activity", "[Report Viewers] )", "[Readers] )"),
    "function of DAX that does not exist": table("Activity", "DIVIDE (", "DEVIDE ("),
    "variable that does not exist": table("Date", "VAR _complete =", "VAR _whole ="),
    "M without an end": table("User", "    Typed =", "    Typed = ((("),
    "M without its last step": table("User", "\t\t\t\tin\n\t\t\t\t    Typed\n", ""),
    "function of M that does not exist": table("User", "Parquet.Document(", "Parquet.Documents("),
    "M at a lower indent": table("User", "\t\t\t\t", "\t\t", -1),
    "query that renames a missing column": table("User", '{"user_kind",', '{"user_sort",'),
    "query with another type": table(
        "User", '{"User Kind", type text}', '{"User Kind", type date}'
    ),
    "query of a missing file": table("User", "user.parquet", "users.parquet"),
    "query with a missing parameter": table("User", "(DataFolder &", "(DataFolders &"),
    "parameter with a quote": text(f"{MODEL}/expressions.tmdl", '= "', '= "D:\\a"b'),
    "tag twice in one object": table(
        "User",
        "\tlineageTag: ",
        "\tlineageTag: 00000000-0000-4000-8000-000000000003\n\tlineageTag: ",
    ),
    "tag of another table": tag_twice,
    "parameter with the name of a table": text(
        f"{MODEL}/expressions.tmdl", "expression DataFolder", "expression User"
    ),
    "two keys in a table": table(
        "Date",
        "\tcolumn Year\n\t\tdataType: int64\n",
        "\tcolumn Year\n\t\tdataType: int64\n\t\tisKey\n",
    ),
    "column without a source": table("User", "\t\tsourceColumn: User Kind\n", ""),
    "name with a space without quotes": table("User", "column 'User Kind'", "column User Kind"),
    "comment in a table": table("User", "\tcolumn User\n", "\t// words\n\tcolumn User\n"),
    "byte order mark in a table": bytes_before(f"{TABLES}/User.tmdl", BOM),
    "lines that end with CR LF": table("User", "\n", "\r\n", -1),
    "description below its table": text(
        f"{TABLES}/Hour.tmdl", "table Hour\n", "table Hour\n/// Words.\n"
    ),
    "format without a value": table("Date", "formatString: #,0", "formatString:"),
    "database without its line": text(f"{MODEL}/database.tmdl", "database\n\tcompat", "compat"),
    "compatibility level of 2014": text(
        f"{MODEL}/database.tmdl", "compatibilityLevel: 1", "compatibilityLevel: 1200 //"
    ),
    "two paths between tables": text(
        f"{MODEL}/relationships.tmdl", RELATIONSHIP, SECOND_PATH + RELATIONSHIP
    ),
    "dimension of a dimension": text(
        f"{MODEL}/relationships.tmdl", RELATIONSHIP, SNOWFLAKE + RELATIONSHIP
    ),
}

DATA_VARIANTS: dict[str, Change] = {
    "missing Parquet file": removed("data/hour.parquet"),
    "key twice in a dimension": rows(
        "user", lambda rows: pyarrow.concat_tables([rows, rows.slice(0, 1)])
    ),
    "fact without its key in a dimension": rows("item", lambda rows: rows.slice(0, 3)),
    "missing column in a Parquet file": rows("client", lambda rows: rows.drop_columns(["os"])),
    "other type in a Parquet file": rows(
        "hour", lambda rows: rows.set_column(0, "hour", rows["hour"].cast("string"))
    ),
}

REPORT_VARIANTS: dict[str, Change] = {
    "unknown role": visual(
        "lineChart",
        lambda _, v: v["query"]["queryState"].update(Fields=v["query"]["queryState"].pop("Y")),
    ),
    "unknown type of visual": visual("lineChart", lambda _, v: v.update(visualType="lineChrt")),
    "measure that is not in the model": visual(
        "lineChart", lambda _, v: role(v, "Y")[0]["field"]["Measure"].update(Property="Nothing")
    ),
    "column that is not in the model": visual(
        "slicer", lambda _, v: role(v, "Values")[0]["field"]["Column"].update(Property="Nothing")
    ),
    "column used as a measure": visual(
        "barChart", lambda _, v: role(v, "Y")[0].update(field=field("Measure", "Item", "Item"))
    ),
    "measure of another table": visual(
        "lineChart",
        lambda _, v: role(v, "Y")[0].update(field=field("Measure", "Date", "Views")),
    ),
    "sort order outside of the query": visual(
        "barChart", lambda _, v: v.update(sortDefinition=v["query"].pop("sortDefinition"))
    ),
    "projection without a reference": visual(
        "barChart", lambda _, v: role(v, "Y")[0].pop("queryRef") and None
    ),
    "reference to another field": visual(
        "barChart", lambda _, v: role(v, "Y")[0].update(queryRef="Activity.Events")
    ),
    "page that is not listed": edited(
        f"{REPORT}/pages/pages.json", lambda f: f["pageOrder"].pop() and None
    ),
    "list of pages with a missing one": edited(
        f"{REPORT}/pages/pages.json", lambda f: f["pageOrder"].append("nopage")
    ),
    "name of a page unlike its folder": edited(PAGES, lambda f: f.update(name="abc")),
    "name of a visual unlike its folder": edited(VISUALS, lambda f: f.update(name="abc")),
    "name of a visual with a space": edited(VISUALS, lambda f: f.update(name="a b")),
    "theme without its file": edited(
        f"{REPORT}/report.json",
        lambda f: f.update(themeCollection=THEME, resourcePackages=[PACKAGE]),
    ),
    "report without .platform": removed("Usage.Report/.platform"),
    "model without .platform": removed("Usage.SemanticModel/.platform"),
    "model without definition.pbism": removed("Usage.SemanticModel/definition.pbism"),
    "ID that is no GUID": edited(
        "Usage.Report/.platform", lambda f: f["config"].update(logicalId="usage")
    ),
    "path to a missing model": edited(
        "Usage.Report/definition.pbir",
        lambda f: f["datasetReference"]["byPath"].update(path="../Nothing.SemanticModel"),
    ),
    "model in the list of artifacts": edited(
        "Usage.pbip", lambda f: f["artifacts"].append({"dataset": {"path": "x"}})
    ),
    "version of a schema that is not published": edited(
        VISUALS, lambda f: f.update({"$schema": f["$schema"].replace("2.8.0", "2.99.0")})
    ),
    "file without a schema": edited(PAGES, lambda f: f.pop("$schema") and None),
    "unknown member of a page": edited(PAGES, lambda f: f.update(colour="red")),
    "unknown formatting object": visual(
        "barChart", lambda _, v: v.update(objects={"nothing": [{"properties": {}}]})
    ),
    "wrong value of a format": visual(
        "slicer",
        lambda _, v: v["objects"]["data"][0]["properties"].update(mode=literal("'Wheel'")),
    ),
    "text without quotes": visual(
        "barChart",
        lambda _, v: v["visualContainerObjects"]["title"][0]["properties"].update(
            text=literal("Hello")
        ),
    ),
    "visual outside of the page": edited(VISUALS, lambda f: f["position"].update(x=5000)),
    "visuals that overlap": visual("lineChart", lambda f, _: f["position"].update(width=1200)),
    "visual without a size": edited(VISUALS, lambda f: f["position"].pop("width") and None),
    "byte order mark in a visual": bytes_before(VISUALS, BOM),
    "JSON without an end": bytes_before(VISUALS, b"{"),
    "unknown version of the report": edited(
        f"{REPORT}/version.json", lambda f: f.update(version="9.0.0")
    ),
    "report without its version": removed(f"{REPORT}/version.json"),
    "page of details without a button back": without_visual("actionButton"),
    "page without a note on the coverage": without_note,
    "filter without its values": edited(
        f"{REPORT}/report.json",
        lambda f: (
            f["filterConfig"]["filters"][0]["filter"]["Where"][0]["Condition"]["In"].pop("Values")
            and None
        ),
    ),
    "two filters with a name": edited(
        VISUALS,
        lambda f: (
            f["filterConfig"].update(filters=f["filterConfig"]["filters"] * 2)
            if "filterConfig" in f
            else False
        ),
    ),
}

VALUE_VARIANTS: dict[str, Change] = {
    "views that include failed events": table(
        "Activity", ", KEEPFILTERS ( Activity[Is Failed] = FALSE () )", ""
    ),
    "viewers of no content": table(
        "Activity",
        "KEEPFILTERS ( 'Activity Type'[Is View] = TRUE () )\n",
        "KEEPFILTERS ( 'Activity Type'[Is View] = FALSE () )\n",
    ),
    "unused items that are used": table("Inventory", '= "unused" )', '= "used" )'),
    "reclaimable licenses without doubled ones": table(
        "Licenses", '"disabled", "doubled" }', '"disabled" }'
    ),
    "complete days that include missing ones": table(
        "Date", "'Date'[Coverage] = \"complete\"", "'Date'[Coverage] <> \"partial\""
    ),
}


def values(projects: list[Path], good: Path) -> chain.Found:
    """Compares the values of all measures with those of the project without problems."""
    expected = measures.Project(good).evaluate({})
    found = {}
    for project in projects:
        own = measures.Project(project).evaluate({})
        found[project] = [
            f"{name} is {own.get(name)}, expected {value}"
            for name, value in expected.items()
            if own.get(name) != value
        ]
    return found


def main() -> int:
    tools, good = (Path(argument).resolve() for argument in sys.argv[1:3])
    variants = {**MODEL_VARIANTS, **DATA_VARIANTS, **REPORT_VARIANTS, **VALUE_VARIANTS}
    found: dict[str, dict[str, str]] = {name: {} for name in variants}
    with tempfile.TemporaryDirectory() as temporary:
        projects = {}
        for number, (name, change) in enumerate(variants.items()):
            project = Path(temporary) / f"{number:03}"
            shutil.copytree(good, project)
            change(project)
            projects[project] = name
        paths = list(projects)
        of_values = [path for path in paths if projects[path] in VALUE_VARIANTS]
        for step, check in chain.STEPS.items():
            begin = time.monotonic()
            results = check(tools, [good, *paths])
            if step == "references":
                for path, problems in values(of_values, good).items():
                    if problems:
                        found[projects[path]]["values"] = problems[0]
            if results.pop(good):
                raise SystemExit(f"{step} finds problems in {good}")
            for path, problems in results.items():
                if problems:
                    found[projects[path]][step] = problems[0]
            print(f"{step}: {time.monotonic() - begin:.1f} s", file=sys.stderr)
    for name, steps in found.items():
        first = next(iter(steps.values()), "")
        print(f"{name}: {', '.join(steps) or 'NOT FOUND'}: {first[:120]}")
    counts = Counter(step for steps in found.values() for step in steps)
    missed = [name for name, steps in found.items() if not steps]
    by_step = ", ".join(f"{step} {count}" for step, count in counts.items())
    print(f"{len(variants)} variants, {len(missed)} not found; found by {by_step}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
