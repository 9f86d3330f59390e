#!/usr/bin/env python3
"""Runs the blocks of docs/notebooks.md and compares their results.

The blocks of one tool run one after another in a new interpreter, in a folder with the store and
the table of workspaces, as the page describes. Their results are compared with the reports of the
program and with counts of the exported events.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import table

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/notebooks.md"
PACKAGES = {
    "pandas": "pandas",
    "Polars": "polars",
    "DuckDB": "duckdb",
    "PyArrow": "pyarrow",
    "deltalake": "deltalake",
    "Spark": "pyspark",
}
# With its defaults, Spark spends most of the time for a thousand events on planning.
SPARK = "spark.ui.enabled=false spark.sql.shuffle.partitions=2 spark.sql.codegen.wholeStage=false"
# Results of every tool, and the report that some run as a script.
ANSWERS = ["top", "daily", "by_department", "tiers", "models"]
REPORT = "report"

# Runs after the blocks of a tool and writes their results to a file, row by row.
EPILOGUE = """
def _plain(value):
    if hasattr(value, "as_py"):
        value = value.as_py()
    if hasattr(value, "item"):
        value = value.item()
    if value is None or value != value:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value

def _rows(answer):
    for method in ("fetchall", "collect", "rows", "itertuples", "to_pylist"):
        if hasattr(answer, method):
            given = {"index": False} if method == "itertuples" else {}
            answer = getattr(answer, method)(**given)
            break
    rows = (row.values() if isinstance(row, dict) else row for row in answer)
    return [[_plain(cell) for cell in row] for row in rows]

import json as _json
with open("answers.json", "w", encoding="utf-8") as _file:
    _json.dump({_name: _rows(globals()[_name]) for _name in %r if _name in globals()}, _file)
"""


def blocks(page: str) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the code of each tool by its heading, and the files that the page describes."""
    code: dict[str, list[str]] = {}
    tables: dict[str, str] = {}
    heading, named = "", ""
    for part in re.split(r"^(## [^\n]*\n|```\w+\n.*?^```\n)", page, flags=re.M | re.S):
        if part.startswith("## "):
            heading = part[3:].strip()
        elif part.startswith("```python\n"):
            code.setdefault(heading, []).append(part[len("```python\n") : -len("```\n")])
        elif part.startswith("```csv\n"):
            tables[named] = part[len("```csv\n") : -len("```\n")]
        else:
            named = next(iter(re.findall(r"`(\w+\.csv)`", part)), named)
    return {tool: "\n".join(parts) for tool, parts in code.items()}, tables


class Program:
    """The program in a folder with the store at its default path."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path, folder

    def run(self, *arguments: str) -> str:
        command = [str(self.path), *arguments]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
        done = subprocess.run(command, capture_output=True, check=False, cwd=self.folder, env=clean)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def rows(self, *arguments: str) -> list[dict[str, object]]:
        return json.loads(self.run("report", *arguments, "--format", "json"))["rows"]


def expected(program: Program, department: dict[str, str]) -> dict[str, list[list[object]]]:
    """Returns the results of the program for the questions of the page."""
    top = program.rows("top-reports")
    names = ["report_id", "workspace_id", "views", "viewers"]
    departments: Counter[str] = Counter()
    for row in program.rows("workspace-usage"):
        departments[department.get(str(row["workspace_id"]), "(other)")] += row["views"]
    tiers: Counter[str] = Counter()
    models: Counter[str | None] = Counter()
    for line in program.run("export").splitlines():
        event = json.loads(line)
        if "RenderTier" in event:
            tiers[event["RenderTier"]] += 1
        for model in event.get("Datasets") or []:
            models[model.get("DatasetName")] += 1
    report = program.rows("top-reports", "--tz", "Europe/Zurich", "--top", "25")
    # The blocks count every event of a person, what a schedule does in their name included.
    adoption = program.rows("adoption", "--param", "automated=true")
    return {
        "top": [[row[name] for name in names] for row in top],
        "daily": [[row["date"], row["dau"]] for row in adoption if row["dau"]],
        "by_department": [[name, views] for name, views in departments.items()],
        "tiers": [[name, events] for name, events in tiers.items()],
        "models": [[name, events] for name, events in models.items()],
        # Every tool writes instants in another form.
        REPORT: [[row["rank"], row["report"], row["views"], row["viewers"]] for row in report],
    }


def in_order(rows: Iterable[list[object]]) -> list[list[object]]:
    """Sorts the rows of a question, because tools order equal rows differently."""
    return sorted(rows, key=lambda row: [(cell is not None, str(cell)) for cell in row])


def is_same(ours: object, theirs: object) -> bool:
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        return math.isclose(ours, theirs)
    return ours == theirs


def difference(ours: list[list[object]], theirs: list[list[object]]) -> str | None:
    if not ours:
        return "there is nothing to compare with"
    if len(ours) != len(theirs):
        return f"{len(ours)} rows here, {len(theirs)} there"
    for one, two in zip(in_order(ours), in_order(theirs)):
        if len(one) != len(two) or not all(is_same(a, b) for a, b in zip(one, two)):
            return f"{one} here, {two} there"
    return None


def answers(code: str, folder: Path, program: Path) -> dict[str, list[list[object]]]:
    """Returns the results of the blocks of a tool, run in a separate interpreter."""
    script = folder / "blocks.py"
    script.write_text(code + EPILOGUE % [*ANSWERS, REPORT], encoding="utf-8")
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    # Spark's workers are started with the interpreter that runs the blocks.
    submit = " ".join(f"--conf {setting}" for setting in SPARK.split())
    env = {
        **os.environ,
        "PATH": path,
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_SUBMIT_ARGS": f"--master local[2] {submit} pyspark-shell",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, check=False, cwd=folder, env=env
    )
    if done.returncode != 0:
        raise ValueError(done.stderr.decode(errors="replace")[-3000:])
    return json.loads((folder / "answers.json").read_text(encoding="utf-8"))


def check(
    tool: str,
    code: str,
    program: Program,
    right: dict[str, list[list[object]]],
    rows_file: Path | None,
) -> list[str]:
    """Runs the blocks of a tool, prints its line and returns the differences."""
    began = time.monotonic()
    rows = 0
    try:
        found = answers(code, program.folder, program.path)
    except ValueError as error:
        found, wrong = {}, [f"{tool}: {error}"]
    else:
        wrong = [f"{tool}: no {name}" for name in ANSWERS if name not in found]
    if REPORT in found:
        # rank, report, views, viewers
        found[REPORT] = [[row[0], row[1], row[3], row[4]] for row in found[REPORT]]
    for name, theirs in found.items():
        rows += len(theirs)
        problem = difference(right[name], theirs)
        if problem is not None:
            wrong.append(f"{tool}, {name}: {problem}")
    version, took = metadata.version(PACKAGES[tool]), time.monotonic() - began
    ok = "NO" if wrong else "yes"
    print(f"{tool:<10} {version:<8} {len(found):>7} {rows:>6} {took:>7.1f}  {ok}", flush=True)
    if not wrong:
        way = "the blocks of [notebooks.md](notebooks.md)"
        table.add(rows_file, tool, version, way, f"{len(found)} answers, {rows:,} rows")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("--only", help="this tool alone")
    parser.add_argument("--rows", type=Path, help="a file for the rows of docs/interop.md")
    arguments = parser.parse_args()
    code, tables = blocks(PAGE.read_text(encoding="utf-8"))
    if set(code) != set(PACKAGES) or set(tables) != {"workspaces.csv"}:
        raise SystemExit(f"{PAGE.name} has blocks for {sorted(code)} and files {sorted(tables)}")
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-notebooks-") as name:
        folder = Path(name)
        for file, text in tables.items():
            (folder / file).write_text(text, encoding="utf-8")
        program = Program(arguments.program.resolve(), folder)
        program.run("ingest", str(ROOT / "sample-data"), "--quiet")
        lines = tables["workspaces.csv"].splitlines()[1:]
        right = expected(program, dict(line.split(",") for line in lines))
        print(f"{'tool':<10} {'version':<8} {'answers':>7} {'rows':>6} {'seconds':>7}  ok")
        for tool, text in code.items():
            if arguments.only in (None, tool):
                wrong += check(tool, text, program, right, arguments.rows)
    for each in wrong:
        print(f"wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
