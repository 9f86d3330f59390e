#!/usr/bin/env python3
"""Runs every report in DuckDB too and compares the rows with those of the program.

The program writes its views and the statement in the SQL of DuckDB (`--show-sql duckdb`); DuckDB
reads the store's files itself. The views are defined twice, so an error in one of them is found.
"""

from __future__ import annotations

import sys

import duckdb

import opinion
from kept_views import KeptViews


class Answers:
    """DuckDB as an engine. The first script runs as it is, the others with kept views."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.is_first = True
        self.views = KeptViews(self.connection.execute, self.keep, self.point)

    def keep(self, name: str, table: str) -> None:
        self.connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM {name}")

    def point(self, name: str, table: str) -> None:
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {table}")

    def answer(self, script: str) -> tuple[list[str], list[list[object]]]:
        """Returns the columns and rows of the result."""
        statements = [statement.query for statement in duckdb.extract_statements(script)]
        connection = self.connection
        if not self.is_first:
            statements = self.views.remaining(statements)
        self.is_first = False
        for statement in statements:
            connection.execute(statement)
        if connection.description is None:
            raise SystemExit("the script has no statement")
        return [column[0] for column in connection.description], [
            list(row) for row in connection.fetchall()
        ]


def main() -> int:
    arguments = opinion.arguments(__doc__).parse_args()
    engine = opinion.Engine("DuckDB", duckdb.__version__, "duckdb", Answers().answer, duckdb.Error)
    with opinion.filled(arguments) as program:
        names = [name for name in program.reports() if arguments.only in (None, name)]
        asked = {name: opinion.flags_of(name) for name in names}
        return opinion.ask(engine, program, asked, arguments.rows)


if __name__ == "__main__":
    sys.exit(main())
