"""Runs reports in another engine and compares its rows with those of the program.

Each engine has a script that uses this module: it defines the parameters of reports, the rows, and
their equality.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import table

# Parameters for all reports, and for single ones. The time zones change to summer time on
# different days, and the offset of one is no whole number of hours.
ASKED = [
    [],
    ["--tz", "Europe/Berlin", "--since", "2025-03-20", "--until", "2025-04-20"],
    ["--tz", "America/New_York", "--since", "100d", "--noise", "exclude-all-reads", "--actors", "all"],
    ["--tz", "Asia/Kathmandu", "--since", "60d", "--user", "*a*", "--workspace", "*e*"],
    ["--noise", "include", "--actors", "services"],
    ["--since", "200d", "--capacity", "*", "--exclude-user", "*an*", "--exclude-report", "*k*"],
]
# Views of what the store knows beside the log.
INVENTORY = (
    "snapshots", r"inventory_\w+", "group_members", "people", "person_addresses", "licenses",
    "license_products", "person_attributes", "refresh_history", "refreshables", "tenant_settings",
)
OWN = {
    "access-review": [["--param", "members=true", "--param", "inherited=true"]],
    "activity": [
        ["--since", "60d", "--item", "*a*", "--exclude-activity", "View*"],
        ["--since", "60d", "--semantic-model", "*", "--exclude-item", "*e*"],
        ["--since", "200d", "--dashboard", "*"],
        ["--since", "200d", "--app", "*", "--exclude-workspace", "*a*"],
    ],
    "adoption": [
        ["--param", "grain=week"],
        ["--param", "grain=month"],
        ["--param", "activity=view"],
        ["--param", "automated=true"],
        ["--by", "department", "--param", "grain=month"],
    ],
    "consumption-trend": [
        ["--param", "grain=week"],
        ["--param", "grain=month"],
        ["--by", "department", "--since", "60d"],
    ],
    "dormant-workspaces": [["--param", "automated=true", "--param", "days=0"]],
    "exports": [["--by", "department", "--tz", "Asia/Kathmandu"]],
    "external-users": [["--param", "internal_domains=contoso.com"]],
    "license-usage": [["--by", "department", "--param", "license=all"]],
    "sharing-audit": [["--param", "internal_domains=contoso.com"]],
    "top-users": [["--by", "department"], ["--by", "department", "--since", "100d"]],
    "workspace-usage": [["--by", "department", "--workspace", "*e*"]],
}


class Program:
    """The program and its store."""

    def __init__(self, path: Path, store: Path) -> None:
        self.path = path
        self.store = store

    def run(self, *arguments: str) -> str:
        """Returns the output of the program."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
        command = [str(self.path), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, env=clean)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def report(self, name: str, flags: list[str], *more: str) -> str:
        return self.run("report", name, "--store", str(self.store), *flags, *more)

    def reports(self) -> list[str]:
        """Returns the names of all reports."""
        listed = json.loads(self.run("reports", "--format", "json"))
        return [row["report"] for row in listed["rows"]]


def plain(value: object) -> object:
    """Converts a value as JSON would."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


def instant(value: object) -> datetime | None:
    """Parses an instant; returns None for other texts."""
    if not isinstance(value, str) or len(value) < 19 or value[10] != "T":
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def is_same(ours: object, other: object) -> bool:
    numbers = (int, float)
    if isinstance(ours, bool) or isinstance(other, bool):
        return ours is other
    if isinstance(ours, numbers) and isinstance(other, numbers):
        return math.isclose(ours, other, rel_tol=1e-9, abs_tol=1e-9)
    one, two = instant(ours), instant(other)
    if one is not None and two is not None:
        return one == two
    return ours == other


@dataclass(frozen=True)
class Engine:
    """Another engine: `answer` runs a script and returns columns and rows."""

    name: str
    version: str
    dialect: str
    answer: Callable[[str], tuple[list[str], list[list[object]]]]
    error: type[Exception]


def query_of(name: str) -> str:
    return (Path(__file__).parents[2] / "queries" / f"{name}.sql").read_text(encoding="utf-8")


def all_rows(name: str) -> list[str]:
    """Returns the flags with which the SQL of a report has all rows, as its JSON has."""
    return ["--param", "top=100000"] if "\n-- param top:" in query_of(name) else []


def flags_of(name: str) -> list[list[str]]:
    """Returns the flags for a report. Reports that compare an inventory with the whole log refuse
    filters."""
    asked = [*ASKED, *OWN.get(name, [])]
    lines = [line for line in query_of(name).splitlines() if not line.startswith("--")]
    if not re.search(rf"\b({'|'.join(INVENTORY)})\b", "\n".join(lines)):
        return asked
    known = ("--tz", "--since", "--until", "--noise", "--actors", "--param", "--by")
    return [flags for flags in asked if all(flag in known for flag in flags[::2])]


def difference(
    engine: Engine, program: Program, name: str, flags: list[str]
) -> tuple[int, str | None]:
    """Returns the number of rows and the first difference."""
    answer = json.loads(program.report(name, flags, "--format", "json"))
    ours = [list(row.values()) for row in answer["rows"]]
    script = program.report(name, flags, "--show-sql", engine.dialect, *all_rows(name))
    try:
        columns, rows = engine.answer(script)
    except engine.error as error:
        return len(ours), f"{engine.name}: {str(error)[:2000]}"
    if columns != answer["columns"]:
        return len(ours), f"columns {answer['columns']} here, {columns} there"
    if len(rows) != len(ours):
        return len(ours), f"{len(ours)} rows here, {len(rows)} there"
    for number, (one, two) in enumerate(zip(ours, rows), start=1):
        two = [plain(value) for value in two]
        if not all(is_same(a, b) for a, b in zip(one, two)):
            return len(ours), f"row {number}: {one} here, {two} there"
    return len(ours), None


def ask(
    engine: Engine, program: Program, asked: dict[str, list[list[str]]], rows_file: Path | None
) -> int:
    """Runs each report with its parameters, prints the results, and returns the exit code."""
    began = time.monotonic()
    answers = rows = differ = 0
    for name, ways in asked.items():
        counts = []
        for flags in ways:
            count, wrong = difference(engine, program, name, flags)
            counts.append(str(count))
            answers, rows = answers + 1, rows + count
            if wrong is not None:
                differ += 1
                print(f"{name} {' '.join(flags)}: {wrong}", file=sys.stderr, flush=True)
        print(f"{name:<28} rows {' '.join(counts)}", flush=True)
    took = time.monotonic() - began
    found = f"{len(asked)} reports, {answers} answers, {rows:,} rows"
    print(f"{engine.name}: {found}, {differ} differ, {took:.0f} s")
    if differ or not rows:
        return 1
    way = f"`report NAME --show-sql {engine.dialect}`"
    table.add(rows_file, engine.name, engine.version, way, found)
    return 0


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Parses the common arguments of the scripts."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("archive", type=Path, help="a folder of logs")
    parser.add_argument("--only", help="this report alone")
    parser.add_argument("--rows", type=Path, help="a file for the row of docs/interop.md")
    return parser


@contextmanager
def filled(arguments: argparse.Namespace) -> Iterator[Program]:
    """Provides the program with a temporary store of the archive."""
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-opinion-") as folder:
        program = Program(arguments.program.resolve(), Path(folder) / "store")
        program.run("ingest", str(arguments.archive), "--store", str(program.store), "--quiet")
        yield program
