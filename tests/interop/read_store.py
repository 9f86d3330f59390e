#!/usr/bin/env python3
"""Reads a store with common tools and compares their results."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import deltalake
import pyarrow.dataset as ds

import files
import table
from facts import Facts, differences, differing_types, differing_values, in_order
from readers import WAYS, Way, arrow_facts
from store import Account, Store

SAMPLE = Path(__file__).parents[2] / "sample-data"
# Names of tools that differ from the names of their packages.
TOOLS = {"duckdb": "DuckDB", "polars": "Polars", "pyarrow": "PyArrow"}
ROW = "{:<10} {:<8} {:<22} {:>10} {:>12} {:>7}  {}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("archive", type=Path, nargs="?", default=SAMPLE, help="a folder of logs")
    parser.add_argument(
        "--commits",
        type=int,
        default=3,
        help="commits after the first; a log has a checkpoint from 100",
    )
    parser.add_argument("--rows", type=Path, help="a file for the rows of docs/interop.md")
    return parser.parse_args()


class Comparison:
    """Rows and figures that every reader must find."""

    def __init__(self, events: Path, account: Account, rows_file: Path | None) -> None:
        self.rows_file = rows_file
        self.events = events
        self.account = account
        self.schema = files.schema_of(deltalake.DeltaTable(events))
        self.rows = in_order(files.read_one_by_one(events, self.schema), self.schema)
        self.facts = arrow_facts(ds.dataset(self.rows), account.last)

    def check_account(self) -> list[str]:
        """Returns the differences between the rows and the figures of the program."""
        account, facts = self.account, self.facts
        pairs = {
            "events": (account.events, facts.events),
            "distinct ids": (account.events, facts.distinct_ids),
            "first": (account.first, facts.first),
            "last": (account.last, facts.last),
        }
        return [
            f"{name}: the program says {a}, its files {b}"
            for name, (a, b) in pairs.items()
            if a != b
        ]

    def check_way(self, way: Way) -> list[str]:
        """Reads in one way, prints its line and returns the differences."""
        begin = time.monotonic()
        found: Facts | None = None
        try:
            reading = way.read(self.events, self.schema, self.account.last)
            found = reading.facts
            wrong = differences(self.facts, found)
            wrong += differing_types(reading.expected_types, reading.types)
            wrong += differing_values(self.rows, in_order(reading.table, self.schema))
        except Exception as error:  # Whatever a reader raises is its finding; the others go on.
            wrong = [f"{type(error).__name__}: {str(error)[:500]}"]
        seconds = f"{time.monotonic() - begin:.1f}"
        counts = (found.events, found.distinct_ids) if found else ("-", "-")
        ok = "NO" if wrong else "yes"
        print(ROW.format(way.tool, way.version, way.how, *counts, seconds, ok), flush=True)
        if not wrong:
            name = TOOLS.get(way.tool, way.tool)
            equal = f"every value of {self.facts.events:,} events, types, filters"
            table.add(self.rows_file, name, way.version, way.how, equal)
        return [f"{way.tool}, {way.how}: {each}" for each in wrong]


def compare(store: Store, account: Account, commits: int, rows_file: Path | None) -> list[str]:
    """Prints the table and returns the differences."""
    comparison = Comparison(store.events, account, rows_file)
    wrong = list(files.check(store.events, account))
    wrong += comparison.check_account()
    if commits > 0:
        wrong += files.check_known_event(comparison.rows, account, commits - 1)
    print(ROW.format("tool", "version", "way", "events", "distinct ids", "seconds", "ok"))
    for way in WAYS:
        wrong += comparison.check_way(way)
    return wrong


def describe(events: Path, account: Account) -> str:
    log = events / "_delta_log"
    commits = len(list(log.glob("*.json")))
    checkpoints = len(list(log.glob("*.checkpoint.parquet")))
    return (
        f"{account.events} events in {account.files} files; "
        f"{commits} commits and {checkpoints} checkpoints in the log"
    )


def main() -> int:
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-interop-") as folder:
        store = Store(args.program.resolve(), Path(folder))
        account = store.fill(args.archive.resolve(), args.commits)
        print(describe(store.events, account), flush=True)
        wrong = compare(store, account, args.commits, args.rows)
    for each in wrong:
        print(f"wrong: {each}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
