#!/usr/bin/env python3
"""Has every report answered by DuckDB as well, and holds the rows against the program's own.

The program writes its views and the statement in DuckDB's words (`--show-sql duckdb`); DuckDB reads
the store's files itself. The views are defined twice, so a mistake in one of them shows.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path

import duckdb

# How each report is asked: for all, and beside it for one report. The zones have summer time at
# different days, and one is ahead of UTC by an odd number of minutes.
ASKED = [
    [],
    ["--tz", "Europe/Berlin", "--since", "2025-03-20", "--until", "2025-04-20"],
    ["--tz", "America/New_York", "--since", "100d", "--noise", "wide", "--actors", "all"],
    ["--tz", "Asia/Kathmandu", "--since", "60d", "--user", "*a*", "--workspace", "*e*"],
    ["--noise", "keep", "--actors", "services"],
]
OWN = {
    "adoption": [["--set", "grain=week"], ["--set", "grain=month"], ["--set", "activity=view"]],
    "consumption-trend": [["--set", "grain=week"], ["--set", "grain=month"]],
    "external-users": [["--set", "home=contoso.com"]],
    "sharing-audit": [["--set", "home=contoso.com"]],
}


class Program:
    """The program and the store that it answers from."""

    def __init__(self, path: Path, store: Path) -> None:
        self.path = path
        self.store = store

    def run(self, *arguments: str) -> str:
        """What it prints."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
        command = [str(self.path), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, env=clean)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def report(self, name: str, flags: list[str], *more: str) -> str:
        return self.run("report", name, "--store", str(self.store), *flags, *more)


def theirs(script: str) -> tuple[list[str], list[list[object]]]:
    """The columns and rows of DuckDB's answer."""
    connection = duckdb.connect()
    result = None
    for statement in duckdb.extract_statements(script):
        result = connection.execute(statement)
    if result is None or result.description is None:
        raise SystemExit("the script has no statement")
    columns = [column[0] for column in result.description]
    return columns, [list(row) for row in result.fetchall()]


def plain(value: object) -> object:
    """A value as JSON would have it."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(timezone.utc).isoformat()
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


def instant(value: object) -> datetime | None:
    """The instant that a text is, if it is one."""
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


def difference(name: str, flags: list[str], program: Program) -> tuple[int, str | None]:
    """How many rows there are, and what differs first."""
    answer = json.loads(program.report(name, flags, "--format", "json"))
    ours = [list(row.values()) for row in answer["rows"]]
    try:
        columns, rows = theirs(program.report(name, flags, "--show-sql", "duckdb", "--top", "100000"))
    except duckdb.Error as error:
        return len(ours), f"DuckDB: {error}"
    if columns != answer["columns"]:
        return len(ours), f"columns {answer['columns']} here, {columns} there"
    if len(rows) != len(ours):
        return len(ours), f"{len(ours)} rows here, {len(rows)} there"
    for number, (one, two) in enumerate(zip(ours, rows), start=1):
        two = [plain(value) for value in two]
        if not all(is_same(a, b) for a, b in zip(one, two)):
            return len(ours), f"row {number}: {one} here, {two} there"
    return len(ours), None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("archive", type=Path, help="a folder of logs")
    parser.add_argument("--only", help="this report alone")
    arguments = parser.parse_args()
    failures = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        program = Program(arguments.program.resolve(), Path(folder) / "store")
        program.run("ingest", str(arguments.archive), "--store", str(program.store), "--quiet")
        listed = json.loads(program.run("reports", "--format", "json"))
        names = [row["report"] for row in listed["rows"]]
        names = [name for name in names if arguments.only in (None, name)]
        for name in names:
            counts = []
            for flags in ASKED + OWN.get(name, []):
                rows, wrong = difference(name, flags, program)
                counts.append(str(rows))
                if wrong is not None:
                    failures += 1
                    print(f"{name} {' '.join(flags)}: {wrong}", file=sys.stderr)
            print(f"{name:<28} rows {' '.join(counts)}")
    asked = sum(len(ASKED) + len(OWN.get(name, [])) for name in names)
    took = time.monotonic() - began
    print(f"{len(names)} reports, {asked} answers, {failures} differ, {took:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
