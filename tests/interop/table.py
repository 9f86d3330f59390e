#!/usr/bin/env python3
"""Checks the table of docs/interop.md, which has a row for each comparison.

The scripts write their rows into a file (`--rows FILE`). This script compares the file with the
page, or writes the page with --write, so that the page contains the results of the last run.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

BEGIN, END = "<!-- rows -->\n", "<!-- end of rows -->\n"
HEAD = "| tool | version | way of reading | found equal |\n| --- | --- | --- | --- |\n"


def add(rows: Path | None, tool: str, version: str, way: str, equal: str) -> None:
    """Adds a row to the file, if there is one."""
    if rows is not None:
        with rows.open("a", encoding="utf-8") as file:
            file.write(f"| {tool} | {version} | {way} | {equal} |\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, help="the rows that the scripts wrote")
    parser.add_argument("page", type=Path, help="docs/interop.md")
    parser.add_argument("--write", action="store_true", help="write the page")
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    head, found, rest = page.partition(BEGIN)
    held, closed, tail = rest.partition(END)
    if not found or not closed:
        raise SystemExit(f"{arguments.page} lacks the lines {BEGIN.strip()} and {END.strip()}")
    rows = arguments.rows.read_text(encoding="utf-8").splitlines(keepends=True)
    # Sorted by tool; the ways of a tool keep their order.
    now = HEAD + "".join(sorted(rows, key=lambda row: row.split("|")[1].strip()))
    if arguments.write:
        arguments.page.write_text(head + BEGIN + now + END + tail, encoding="utf-8")
    elif held != now:
        changes = difflib.unified_diff(held.splitlines(), now.splitlines(), lineterm="", n=0)
        print(f"{arguments.page} is not what was found:", *changes, sep="\n", file=sys.stderr)
        return 1
    print(f"{arguments.page.name}: {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
