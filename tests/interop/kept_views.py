"""Keeps the views of scripts as tables of the other engine.

The scripts of `--show-sql` begin with the same views, and most of their time is spent on these. A
view whose statement, and the statements of the views that it reads, were run before is the table
that came of it. The views in `OF_ONE_REPORT` differ from report to report, and stay views.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable

VIEW = re.compile(r"\s*(?:--[^\n]*\n\s*)*CREATE OR REPLACE TEMP VIEW (\w+)")
OF_ONE_REPORT = {"events", "history", "recipients"}
WORD = re.compile(r"\w+")


class KeptViews:
    """The tables of one session of an engine.

    `run` runs a statement, `keep` makes a table of a view, and `point` lets the name of a view
    stand for a table.
    """

    def __init__(
        self,
        run: Callable[[str], object],
        keep: Callable[[str, str], None],
        point: Callable[[str, str], None],
    ) -> None:
        self.run = run
        self.keep = keep
        self.point = point
        self.tables: set[str] = set()

    def remaining(self, statements: Iterable[str], settings: str = "") -> list[str]:
        """Provides the views of a script; returns its other statements.

        `settings` is what else the rows of a view depend on.
        """
        others: list[str] = []
        known: dict[str, str] = {}
        for statement in statements:
            found = VIEW.match(statement)
            if found is None:
                others.append(statement)
                continue
            name = found.group(1)
            read = sorted(set(WORD.findall(statement)) & known.keys())
            text = "\0".join([settings, statement, *(known[view] for view in read)])
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            known[name] = digest
            if name in OF_ONE_REPORT:
                self.run(statement)
                continue
            table = f"kept_{name}_{digest}"
            if table not in self.tables:
                self.run(statement)
                self.keep(name, table)
                self.tables.add(table)
            self.point(name, table)
        return others
