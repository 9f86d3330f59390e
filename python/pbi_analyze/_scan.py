"""Reads log files as Arrow, without a store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence

from . import _native
from ._account import Account, account
from ._frames import Frames
from ._native import ArrowSchema
from ._paths import Paths, path_list, text_list
from ._typing import ArrowRows, Progress


class Scan(Frames):
    """Events of log files. They are read when the rows or the account are needed first.

    The rows are those that `Store.ingest` would write into a new store: each event once, with
    copies that differ merged. To know the copies, all files are read before the first row. Events
    are kept in temporary files, so memory is limited as in an ingest: about 200 MB, and 70 bytes
    for each event.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        columns: Sequence[str] | None,
        exclude: Sequence[str],
        all_workloads: bool,
        threads: int | None,
        source_name: str | None,
        progress: Progress | None,
    ) -> None:
        self._paths = paths
        self._columns = columns
        self._exclude = exclude
        self._all_workloads = all_workloads
        self._threads = threads
        self._source_name = source_name
        self._progress = progress
        self._table: _native.EventTable | None = None
        self._schema = _native.event_schema(columns)

    def _read(self) -> _native.EventTable:
        if self._table is None:
            self._table = _native.scan(
                self._paths,
                self._columns,
                self._exclude,
                self._all_workloads,
                self._threads,
                self._source_name,
                self._progress,
            )
        return self._table

    def _rows(self) -> ArrowRows:
        return self._read()

    @property
    def schema(self) -> ArrowSchema:
        """Names and types of the columns, without reading any file."""
        return self._schema

    @property
    def account(self) -> Account:
        """The account of the log files."""
        return account(self._read().account_json)

    def __repr__(self) -> str:
        state = "not read yet" if self._table is None else f"{self.account.records.stored} events"
        return f"<Scan of {', '.join(self._paths)}: {state}>"


def scan(
    paths: Paths,
    columns: Iterable[str] | None = None,
    all_workloads: bool = False,
    *,
    exclude: str | Iterable[str] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Scan:
    """Returns the events of log files.

    `paths` are files and folders, in every form that `ingest` reads. `columns` are names of
    docs/columns.md; without them, all columns are returned. `exclude` has patterns of files to
    leave out, as `ingest --exclude`. `progress` is called with the stage, the bytes that were read,
    and all bytes.
    """
    return Scan(
        path_list(paths),
        columns=None if columns is None else text_list(columns),
        exclude=text_list(exclude),
        all_workloads=all_workloads,
        threads=threads,
        source_name=None,
        progress=progress,
    )


def parse(
    content: bytes,
    name: str = "bytes",
    columns: Iterable[str] | None = None,
    all_workloads: bool = False,
) -> Scan:
    """Returns the events of one log file in memory.

    `name` is the name of the file, which `SourceFile` and messages contain. The content is read
    here, so its memory can be released.
    """
    file = tempfile.NamedTemporaryFile(prefix="pbi-analyze-", delete=False)
    try:
        with file:
            file.write(content)
        found = Scan(
            [file.name],
            columns=None if columns is None else text_list(columns),
            exclude=[],
            all_workloads=all_workloads,
            threads=None,
            source_name=name,
            progress=None,
        )
        found._read()
        found._paths = [name]
        return found
    finally:
        os.unlink(file.name)
