#!/usr/bin/env python3
"""Compares random SQL statements of the program with DuckDB, value by value.

    random_sql.py PROGRAM --statements 1000 --seed 7

The statements read a store of invented events with texts, numbers and times at the limits. DuckDB
reads the same columns from a Parquet file that the program writes. Both get the same statement, in
words of their own where `random_expressions.DIALECT` says so.

A value that differs ends the script with exit code 1. A statement that one of the engines refuses is
no wrong value: such statements are counted by their message, and only a refusal in `KNOWN` is
expected.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet

from random_expressions import DIALECT, LARGE, SMALL, TEXTS
from random_statements import Statement, Statements, selected

# Statements in one call of the program, which also runs the reports that it contains.
BATCH = 2000
SHARE_OF_REFUSALS_MAX = 0.25

# Refusals that statements of this script can meet: a part of the message, and the reason. All
# others count as differences.
KNOWN = [
    ("does not fit into an integer of 64 bits", "an overflow is an error here"),
    ("conversion from `f64` to `i64` failed", "a fraction beyond 64 bits is no whole number"),
    ("the engine failed on this statement", "the engine panics: constants of two widths"),
    ("sort expressions must have same length", "the engine cannot order by a constant"),
    ("conversion from `u64` to `i64` failed", "a constant beyond 64 bits"),
    ("conversion from `i128` to `i64` failed", "a constant beyond 64 bits"),
    ("group_by keys contained duplicate output name", "two keys of GROUP BY over one column"),
    ("has no column: the engine", "the guard refuses an aggregate of a constant"),
    ("is not supported; use ROW_NUMBER", "the guard refuses other window functions"),
    ("Overflow in", "DuckDB: an overflow"),
    ("out of range for the destination type", "DuckDB: a number too large for its type"),
    ("Conversion Error: Type DOUBLE with value", "DuckDB: a fraction beyond 64 bits"),
    ("Binder Error: ORDER BY non-integer literal", "DuckDB cannot order by a constant"),
]

NUMBERS = [
    0, 1, 2, 3, -1, -7, 10, 48, 49, 50, 97, 98, 100, 103, 107, 196, 255, 256, 1000, -1000, 65535,
    2**31 - 2, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**53 - 1, 2**53, 2**53 + 1,
    -(2**53) + 1, 2**63 - 1, -(2**63) + 1, 1_700_000_000_000_000, None, 12_345_678_901, 7, 30, 102,
]
EVENT_TIMES = [
    "2024-02-28T23:59:59.999999Z", "2024-02-29T00:00:00Z", "2024-02-29T12:34:56.789012Z",
    "2024-03-01T00:00:00Z", "2024-12-29T23:00:00Z", "2024-12-30T01:02:03Z", "2024-12-31T23:59:59Z",
    "2025-01-01T00:00:00Z", "2025-02-28T08:09:10Z", "2025-03-30T01:59:59.5Z",
    "2025-10-26T01:30:00.000001Z", "2025-12-28T05:00:00Z", "2025-12-29T06:00:00Z",
    "2025-12-31T22:00:00Z", "2026-01-01T00:00:00Z", "2026-01-04T23:59:59Z", "2026-01-05T00:00:00Z",
]
EVENTS = 60


def write_events(path: Path) -> None:
    """Writes events with texts, numbers and times at the limits."""
    chance = random.Random(1)
    users = ["ann@contoso.com", "Bob@Contoso.com", "zoë@contoso.com", "STRAẞE@contoso.com",
             "guest_fabrikam.com#EXT#@contoso.onmicrosoft.com"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(EVENTS):
            event = {
                "Id": f"e{number:02}",
                "RecordType": 20,
                "CreationTime": EVENT_TIMES[number % len(EVENT_TIMES)],
                "Operation": "ViewReport",
                "Activity": chance.choice(["ViewReport", "EditReport", "DeleteReport"]),
                "UserId": chance.choice(users),
                "ReportName": chance.choice([None, *TEXTS]),
                "WorkspaceName": chance.choice([None, *TEXTS]),
                "FileSizeBytes": NUMBERS[number % len(NUMBERS)],
                "OperationCount": chance.choice(NUMBERS),
                "Version": chance.choice([0, 1, 2, 3, 4, 5, -1, None]),
                "IsSuccess": chance.choice([True, False, None]),
            }
            known = {name: value for name, value in event.items() if value is not None}
            file.write(json.dumps(known, ensure_ascii=False) + "\n")


class Program:
    """The program with a store of the events."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path.resolve(), folder
        write_events(folder / "events.json")
        self.run("ingest", str(folder / "events.json"), "--quiet")

    def run(self, *arguments: str) -> str:
        """Runs the program, and returns its messages."""
        command = [str(self.path), *arguments, "--store", str(self.folder / "store")]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode not in (0, 1, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stderr.decode(errors="replace")

    def export(self, path: Path) -> None:
        """Writes the columns of the events that the statements read."""
        names = [name for columns in (LARGE, SMALL) for known in columns.values() for name in known]
        names = list(dict.fromkeys(["Id", *names]))
        sql = f"SELECT {', '.join(names)} FROM events"
        self.run("sql", sql, *self.scope(), "--quiet", "--output", str(path))

    @staticmethod
    def scope() -> list[str]:
        return ["--noise", "include", "--actors", "all"]

    def answers(self, statements: list[Statement]) -> list[list[tuple] | str]:
        """Returns the rows of each statement, or the message of its refusal."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            queries, results = Path(name) / "queries", Path(name) / "results"
            queries.mkdir()
            for number, statement in enumerate(statements):
                columns = "".join(f"-- column {column}: value\n" for column in statement.columns)
                # With noise, a report contains failed events even if it does not name is_failed.
                text = f"-- title: t\n-- question: q?\n-- noise: include\n{columns}{statement.ours}\n"
                (queries / f"random-{number}.sql").write_text(text, encoding="utf-8")
            messages = self.run(
                "report", "--all", "--queries", str(queries), "--output-dir", str(results),
                "--format", "parquet", "--quiet", *self.scope(),
            )
            refusals = re.split(r"^pbi-analyze: (random-\d+): \1: ", messages, flags=re.MULTILINE)
            refused = dict(zip(refusals[1::2], refusals[2::2]))
            answers: list[list[tuple] | str] = []
            for number in range(len(statements)):
                report = f"random-{number}"
                file = results / f"{report}.parquet"
                if file.exists():
                    columns = pyarrow.parquet.read_table(file).columns
                    answers.append(list(zip(*[column.to_pylist() for column in columns])))
                else:
                    answers.append(refused.get(report, "no file, and no message").strip())
            return answers


class Duck:
    """DuckDB with the same events."""

    def __init__(self, events: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.connection.execute(f"CREATE TABLE events AS SELECT * FROM '{events}'")
        for name, function in (("unicode_upper", str.upper), ("unicode_lower", str.lower)):
            self.connection.create_function(name, function, ["VARCHAR"], "VARCHAR")

    def answer(self, sql: str) -> list[tuple] | str:
        try:
            return self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            return str(error)


def tolerance(statement: Statement) -> float:
    """Returns by how much fractions may differ, relative to their size.

    DuckDB computes CORR step by step and loses digits if the values are far from 0, as days are:
    -1/26 was exact here, and differed in the twelfth digit there.
    """
    return 1e-9 if "CORR(" in statement.ours else 1e-12


def is_equal(ours: object, theirs: object, tolerance: float) -> bool:
    """Returns true for equal values; fractions may differ in the last digits."""
    ours, theirs = plain(ours), plain(theirs)
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, (int, float)) and isinstance(theirs, (int, float)):
        if ours == theirs:
            return True
        if isinstance(ours, int) and isinstance(theirs, int):
            return False
        if math.isnan(ours) or math.isnan(theirs):
            return math.isnan(ours) and math.isnan(theirs)
        # Sums of numbers of both signs differ in the last digits of the numbers.
        return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=1e-15)
    return ours == theirs


def plain(value: object) -> object:
    if isinstance(value, (Decimal, float)):
        # Zero has no sign.
        return float(value) + 0.0
    if type(value) is date:
        return datetime(value.year, value.month, value.day)
    return value


def order_of(row: tuple) -> tuple:
    """Returns a key that sorts rows alike although fractions differ in the last digits.

    All digits decide only between rows whose first digits are equal: large whole numbers next to
    each other.
    """

    def key(value: object) -> tuple:
        value = plain(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return (1, "number", f"{float(value):.6e}")
        return (0 if value is None else 1, type(value).__name__, str(value))

    def digits(value: object) -> float:
        value = plain(value)
        return float(value) if isinstance(value, (int, float)) and value == value else 0.0

    return (tuple(map(key, row)), tuple(map(digits, row)))


def difference(statement: Statement, ours: list[tuple], theirs: list[tuple]) -> str | None:
    """Describes the first row that differs."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows here, {len(theirs)} in DuckDB"
    if not statement.ordered:
        ours, theirs = sorted(ours, key=order_of), sorted(theirs, key=order_of)
    allowed = tolerance(statement)
    for one, other in zip(ours, theirs):
        pairs = zip(one, other)
        if len(one) != len(other) or not all(is_equal(a, b, allowed) for a, b in pairs):
            return f"{one} here, {other} in DuckDB"
    return None


class Comparison:
    """Runs statements in both engines, and counts what happens."""

    def __init__(self, program: Program, duck: Duck) -> None:
        self.program, self.duck = program, duck
        self.kinds: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.compared = self.expressions = self.values = 0
        self.differences: list[str] = []

    def compare(self, statements: list[Statement]) -> None:
        """Compares statements; the expressions of one that differs are compared alone."""
        again: list[Statement] = []
        for statement, ours in zip(statements, self.program.answers(statements)):
            theirs = self.duck.answer(statement.duckdb)
            refusal = next((answer for answer in (ours, theirs) if isinstance(answer, str)), None)
            found = None
            if refusal is None:
                found = difference(statement, ours, theirs)
            if found is None and refusal is None:
                self.compared += 1
                self.expressions += len(statement.parts)
                self.values += sum(map(len, ours))
            elif len(statement.parts) > 1:
                again += [selected([part]) for part in statement.parts]
            elif refusal is not None:
                self.add_refusal(statement, refusal)
            else:
                self.differences.append(f"{statement.ours}\n  {found}")
        for start in range(0, len(again), BATCH):
            self.compare(again[start : start + BATCH])

    def add_refusal(self, statement: Statement, message: str) -> None:
        for part, reason in KNOWN:
            if part in message:
                self.refusals[reason] += 1
                return
        self.differences.append(f"{statement.ours}\n  refused: {message[:300]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("--statements", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="number of the sequence; random if missing")
    parser.add_argument("--kind", action="append", help="only this kind of statement")
    arguments = parser.parse_args()
    seed = random.randrange(2**32) if arguments.seed is None else arguments.seed
    began = time.monotonic()
    print(f"seed {seed}", flush=True)
    source = Statements(random.Random(seed), arguments.kind)
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-random-") as name:
        folder = Path(name)
        program = Program(arguments.program, folder)
        program.export(folder / "events.parquet")
        comparison = Comparison(program, Duck(folder / "events.parquet"))
        for start in range(0, arguments.statements, BATCH):
            count = min(BATCH, arguments.statements - start)
            statements = [source.next() for _ in range(count)]
            comparison.kinds.update(statement.kind for statement in statements)
            comparison.compare(statements)
    return report(comparison, arguments.statements, time.monotonic() - began)


def report(comparison: Comparison, statements: int, seconds: float) -> int:
    for text in comparison.differences:
        print(text, file=sys.stderr)
    kinds = ", ".join(f"{count} {kind}" for kind, count in comparison.kinds.most_common())
    print(f"statements: {kinds}")
    for form, reason in DIALECT.items():
        print(f"written differently for DuckDB: {form}: {reason}")
    for reason, count in comparison.refusals.most_common():
        print(f"refused: {count} times: {reason}")
    refused = sum(comparison.refusals.values())
    print(
        f"{statements:,} statements; {comparison.compared:,} selects with "
        f"{comparison.expressions:,} expressions and {comparison.values:,} values are equal; "
        f"{refused:,} refused, {len(comparison.differences)} differ, {seconds:.0f} s"
    )
    too_many = refused > SHARE_OF_REFUSALS_MAX * (comparison.compared + refused)
    if too_many:
        print("too many statements are refused to compare the others", file=sys.stderr)
    return 1 if comparison.differences or too_many or not comparison.values else 0


if __name__ == "__main__":
    sys.exit(main())
