"""Stores: folders with a Delta Lake table of events."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Union

from . import _native
from ._account import Account, account
from ._native import UsageError
from ._paths import Path, Paths, path_list, text_list
from ._report import Report
from ._typing import Progress

Day = Union[str, date]
Filters = Mapping[str, Union[str, Iterable[str]]]

_KINDS = [
    "workspace",
    "report",
    "dashboard",
    "semantic_model",
    "app",
    "capacity",
    "item",
    "user",
    "activity",
]
_FILTERS = [*_KINDS, *(f"exclude_{kind}" for kind in _KINDS)]


@dataclass(frozen=True)
class ReportInfo:
    """A report that `Store.report` runs."""

    name: str
    group: str
    aliases: tuple[str, ...]
    title: str
    question: str


def reports() -> list[ReportInfo]:
    """Returns the built-in reports, sorted by name."""
    return [
        ReportInfo(
            row["report"],
            row["group"],
            tuple(filter(None, row["also"].split(", "))),
            row["title"],
            row["question"],
        )
        for row in json.loads(_native.reports())["rows"]
    ]


class Store:
    """A store of events in a folder. The first ingest creates it."""

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)

    def __repr__(self) -> str:
        return f"Store({self.path!r})"

    def ingest(
        self,
        paths: Paths,
        *,
        exclude: str | Iterable[str] | None = None,
        all_workloads: bool = False,
        key_file: Path | None = None,
        reread: bool = False,
        allow_empty: bool = False,
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Account:
        """Loads log files, and returns the account of this run.

        Files that are already loaded are not read again, and each event is stored once. The
        arguments are those of the command `ingest`; `key_file` replaces people with pseudonyms.
        `progress` is called with the stage, the bytes that were read, and all bytes. If it raises,
        or after Ctrl-C, the store contains all or nothing of this run.
        """
        text = _native.ingest(
            self.path,
            path_list(paths),
            text_list(exclude),
            threads,
            None if key_file is None else os.fspath(key_file),
            all_workloads,
            reread,
            allow_empty,
            progress,
        )
        return account(text)

    def report(
        self,
        name: str,
        *,
        since: Day | None = None,
        until: Day | None = None,
        period: str | None = None,
        tz: str | None = None,
        params: Mapping[str, object] | None = None,
        filters: Filters | None = None,
        where: str | None = None,
        sort: str | Iterable[str] | None = None,
        top: int | None = None,
        columns: str | Iterable[str] | None = None,
        compare: str | None = None,
        by: str | None = None,
        marks: Mapping[Day, str] | None = None,
        events: Path | None = None,
        noise: str | None = None,
        actors: str | None = None,
        as_of: Day | None = None,
        queries: Path | None = None,
        fail_on: str | Iterable[str] | None = None,
    ) -> Report:
        """Runs a report on the store.

        The arguments are the flags of the command `report`, with the same values. `params` are
        values of the report's parameters. `filters` are patterns of `workspace`, `report`,
        `dashboard`, `semantic_model`, `app`, `capacity`, `item`, `user` and `activity`, and of the
        same names after `exclude_`. `marks` are days with their labels, which charts show. Without
        `top`, all rows are returned.
        """
        words = self._words("report", since, until, period, tz, filters, noise, actors, as_of)
        for param, value in (params or {}).items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            words.append(f"--param={param}={text}")
        words += _row_words(where, sort, top, columns)
        words += [f"--fail-on={condition}" for condition in text_list(fail_on)]
        words += [f"--mark={day}:{label}" for day, label in (marks or {}).items()]
        for flag, value in (("compare", compare), ("by", by), ("events", events)):
            if value is not None:
                words.append(f"--{flag}={value}")
        if queries is not None:
            words.append(f"--queries={os.fspath(queries)}")
        return Report(_native.report([*words, "--", name]))

    def sql(
        self,
        statement: str,
        *,
        since: Day | None = None,
        until: Day | None = None,
        period: str | None = None,
        tz: str | None = None,
        filters: Filters | None = None,
        noise: str | None = None,
        actors: str | None = None,
        as_of: Day | None = None,
    ) -> Report:
        """Runs a SELECT statement over the views of docs/views.md.

        SQL that other engines would interpret differently is refused with a `QueryError`.
        """
        words = self._words("sql", since, until, period, tz, filters, noise, actors, as_of)
        return Report(_native.report([*words, "--", statement]))

    def reports(self) -> list[ReportInfo]:
        """Returns the built-in reports, sorted by name."""
        return reports()

    def status(self) -> dict[str, Any]:
        """Returns the content of the store, as `status --format json`."""
        status: dict[str, Any] = json.loads(_native.status(self.path))
        return status

    def verify(self, *, threads: int | None = None) -> dict[str, Any]:
        """Checks all files, and returns the checks with their findings. `ok` is true if none
        failed."""
        result: dict[str, Any] = json.loads(_native.verify(self.path, threads))
        return result

    def dashboard(
        self,
        path: Path,
        *,
        since: Day | None = None,
        until: Day | None = None,
        period: str | None = None,
        tz: str | None = None,
        filters: Filters | None = None,
        noise: str | None = None,
        actors: str | None = None,
        as_of: Day | None = None,
        title: str | None = None,
        people: str | None = None,
        events: Path | None = None,
    ) -> None:
        """Writes the dashboard, one HTML file. `people` is `names`, `pseudonyms` or `none`."""
        words = self._words("dashboard", since, until, period, tz, filters, noise, actors, as_of)
        for flag, value in (("title", title), ("people", people), ("events", events)):
            if value is not None:
                words.append(f"--{flag}={value}")
        _native.command([*words, f"--output={os.fspath(path)}"])

    def export(
        self,
        path: Path,
        *,
        since: Day | None = None,
        until: Day | None = None,
        period: str | None = None,
        tz: str | None = None,
    ) -> None:
        """Writes the events as JSON, one per line, sorted by time."""
        words = self._words("export", since, until, period, tz, None, None, None, None)
        _native.command([*words, f"--output={os.fspath(path)}"])

    def _words(
        self,
        command: str,
        since: Day | None,
        until: Day | None,
        period: str | None,
        tz: str | None,
        filters: Filters | None,
        noise: str | None,
        actors: str | None,
        as_of: Day | None,
    ) -> list[str]:
        words = ["pbi-analyze", "--quiet", command, f"--store={self.path}"]
        flags = {"since": since, "until": until, "period": period, "tz": tz, "as-of": as_of}
        flags |= {"noise": noise, "actors": actors}
        # A date is written as 2026-03-01.
        words += [f"--{flag}={value}" for flag, value in flags.items() if value is not None]
        for kind, patterns in (filters or {}).items():
            if kind not in _FILTERS:
                known = ", ".join(_FILTERS)
                raise UsageError(f"there is no filter {kind!r}; the filters are {known}")
            flag = kind.replace("_", "-")
            words += [f"--{flag}={pattern}" for pattern in text_list(patterns)]
        return words


def _row_words(
    where: str | None,
    sort: str | Iterable[str] | None,
    top: int | None,
    columns: str | Iterable[str] | None,
) -> list[str]:
    words = [f"--sort={key}" for key in text_list(sort)]
    words += [f"--columns={name}" for name in text_list(columns)]
    if where is not None:
        words.append(f"--where={where}")
    if top is not None:
        words.append(f"--top={top}")
    return words
