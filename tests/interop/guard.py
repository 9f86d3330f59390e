#!/usr/bin/env python3
"""Runs every form of src/query/guard/refused.sql in DuckDB and compares the results with that file.

The statement must give the result of the form (`duckdb`, else `right`), and its replacement the
right result. The tests of the program check its engine with the same file.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

TABLE = Path(__file__).parents[2] / "src/query/guard/refused.sql"


@dataclass
class Form:
    name: str
    answers: dict[str, list[str]] = field(default_factory=dict)
    statement: str = ""
    instead: str = ""


def read(text: str) -> tuple[dict[str, list[list[str]]], list[Form]]:
    """Returns the tables with their columns and rows, and the forms."""
    tables: dict[str, list[list[str]]] = {}
    forms: list[Form] = []
    table, in_instead = "", False
    for line in filter(None, text.splitlines()):
        key, colon, value = line.removeprefix("-- ").partition(": ")
        if key == "chapter" and colon:
            table = ""
        elif not line.startswith("-- "):
            part = "instead" if in_instead else "statement"
            before = getattr(forms[-1], part)
            setattr(forms[-1], part, f"{before}\n{line}".strip())
        elif key == "table" and colon:
            table = value
            tables[table] = []
        elif key == "form" and colon:
            table, in_instead = "", False
            forms.append(Form(value))
        elif line == "-- instead":
            in_instead = True
        elif table:
            tables[table].append([cell.strip() for cell in line[3:].split(" | ")])
        elif forms:
            forms[-1].answers.setdefault(key, []).append(value)
    return tables, forms


def literal(cell: str) -> str:
    if cell == "NULL":
        return cell
    if cell.startswith("["):
        items = [item for item in cell.strip("[]").split(",") if item]
        return "[" + ", ".join(f"'{item}'" for item in items) + "]"
    return f"'{cell}'"


def database(tables: dict[str, list[list[str]]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, (columns, *rows) in tables.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        for row in rows:
            values = ", ".join(literal(cell) for cell in row)
            connection.execute(f"INSERT INTO {name} VALUES ({values})")
    return connection


def shown(cell: object) -> str:
    if cell is None:
        return "NULL"
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, list):
        return json.dumps(cell, ensure_ascii=False, separators=(",", ":"))
    return str(cell) or "''"


def answer(tables: dict[str, list[list[str]]], sql: str) -> list[str]:
    """Returns the result of DuckDB over new tables."""
    try:
        rows = database(tables).execute(sql).fetchall()
    except duckdb.Error:
        return ["error"]
    return [" | ".join(map(shown, row)) for row in rows] or ["no rows"]


def same(ours: str, theirs: str) -> bool:
    """Returns true if two rows are equal, with numbers compared as numbers."""
    if ours.count(" | ") != theirs.count(" | "):
        return False
    for left, right in zip(ours.split(" | "), theirs.split(" | "), strict=True):
        if left == right:
            continue
        try:
            if abs(float(left) - float(right)) > 1e-9 * max(1.0, abs(float(left))):
                return False
        except ValueError:
            return False
    return True


def has_order(sql: str) -> bool:
    """Returns true if the statement itself has an ORDER BY, not only a subquery."""
    outer = sql
    while (bare := re.sub(r"\([^()]*\)", "", outer)) != outer:
        outer = bare
    return "ORDER BY" in " ".join(outer.split())


def differs(sql: str, expected: list[str], found: list[str]) -> bool:
    if not has_order(sql):
        expected, found = sorted(expected), sorted(found)
    return len(expected) != len(found) or not all(map(same, expected, found))


def main() -> int:
    tables, forms = read(TABLE.read_text(encoding="utf-8"))
    wrong, asked = 0, 0
    for form in forms:
        right = form.answers.get("right", [])
        pairs = [(form.statement, form.answers.get("duckdb", right))]
        pairs += [(form.instead, right)] if form.instead else []
        for sql, expected in pairs:
            if expected == ["chance"]:
                continue
            asked += 1
            found = answer(tables, sql)
            if differs(sql, expected, found):
                wrong += 1
                message = f"{form.name}\n{sql}\n  expected: {expected}\n  DuckDB: {found}"
                print(message, file=sys.stderr)
    version = duckdb.__version__
    print(f"{len(forms)} forms, {asked} statements asked of DuckDB {version}, {wrong} differ")
    return 1 if wrong or not forms else 0


if __name__ == "__main__":
    sys.exit(main())
