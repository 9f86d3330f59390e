#!/usr/bin/env python3
"""Runs every report in DuckDB too and compares the rows with those of the program.

The program writes its views and the statement in the SQL of DuckDB (`--show-sql duckdb`); DuckDB
reads the store's files itself. The views are defined twice, so an error in one of them is found.
"""

from __future__ import annotations

import sys

import duckdb

import opinion


def answer(script: str) -> tuple[list[str], list[list[object]]]:
    """Returns the columns and rows of the result."""
    connection = duckdb.connect()
    result = None
    for statement in duckdb.extract_statements(script):
        result = connection.execute(statement)
    if result is None or result.description is None:
        raise SystemExit("the script has no statement")
    columns = [column[0] for column in result.description]
    return columns, [list(row) for row in result.fetchall()]


def main() -> int:
    arguments = opinion.arguments(__doc__).parse_args()
    engine = opinion.Engine("DuckDB", duckdb.__version__, "duckdb", answer, duckdb.Error)
    with opinion.filled(arguments) as program:
        names = [name for name in program.reports() if arguments.only in (None, name)]
        asked = {name: opinion.ASKED + opinion.OWN.get(name, []) for name in names}
        return opinion.ask(engine, program, asked, arguments.rows)


if __name__ == "__main__":
    sys.exit(main())
