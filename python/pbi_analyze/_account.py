"""Accounts of log files: the figures of the summary that `ingest` prints."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SourceCounts:
    """Numbers of sources."""

    found: int
    """All sources that were found: new, known, skipped and failed."""
    new: int
    """Sources that this run read."""
    known: int
    """Sources that an earlier run ingested."""
    skipped: int
    """Sources that were recognized as something that contains no events."""
    failed: int
    """Sources that are not a log and can contain events, or could not be read."""
    excluded: int
    """Files that patterns left out. They are not among those found."""


@dataclass(frozen=True)
class RecordCounts:
    """Numbers of records: `read` is the sum of stored, duplicates, other workloads and rejected."""

    read: int
    """Records in the sources."""
    stored: int
    """Events that this run added."""
    duplicates: int
    """Duplicates of an event in this run or in the store."""
    conflicting: int
    """Duplicates that contradict another copy of their event."""
    improved: int
    """Duplicates that improved an event in the store."""
    other_workloads: int
    """Skipped records of other workloads (Exchange, SharePoint, …)."""
    rejected: int
    """Rejected records."""


@dataclass(frozen=True)
class StoreCounts:
    """Size of the store, or of the temporary files of a scan."""

    events: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Problem:
    """A problem in a source."""

    position: int
    """Position of the first byte in the file, or in its unpacked content."""
    reason: str
    """What was expected, what was found, and what to do."""
    count: int
    """Number of occurrences. The first is at the position."""


@dataclass(frozen=True)
class SourceWarning:
    """A warning that a source is probably incomplete."""

    kind: str
    count: int
    detail: str


@dataclass(frozen=True)
class SourceAccount:
    """The result of one source."""

    source: str
    """Name of the source."""
    kind: str
    """Format of the source."""
    outcome: str
    """`ok`, `partial`, `skipped` or `failed`."""
    records: RecordCounts
    problems: tuple[Problem, ...]
    skipped: tuple[Problem, ...]
    warnings: tuple[SourceWarning, ...]


@dataclass(frozen=True)
class Account:
    """The account of a run: every record of every source is counted once."""

    sources: SourceCounts
    records: RecordCounts
    first: str | None
    """Time of the first event, for example `2026-03-01T08:15:30Z`."""
    last: str | None
    """Time of the last event."""
    store: StoreCounts
    """Size of the store after the run."""
    other_workloads: dict[str, int]
    """Records that were left out, by workload and record type."""
    generated_ids: int
    """Events without an id, which got one made from their content."""
    files: tuple[SourceAccount, ...]
    """The sources that this run read."""
    empty_folders: tuple[str, ...]
    """Folders without any file to read."""
    notes: tuple[str, ...]
    """Further notes, in sentences."""
    json: str
    """The account as `ingest --format json` prints it."""

    @property
    def is_complete(self) -> bool:
        """True if all sources could be read completely, and every folder has files."""
        outcomes = {file.outcome for file in self.files}
        return not self.sources.failed and not self.empty_folders and outcomes <= {"ok", "skipped"}


def account(text: str) -> Account:
    """Returns the account in a summary."""
    summary: dict[str, Any] = json.loads(text)
    return Account(
        sources=SourceCounts(**summary["sources"]),
        records=RecordCounts(**summary["records"]),
        first=summary["period"]["first"],
        last=summary["period"]["last"],
        store=StoreCounts(**summary["store"]),
        other_workloads=summary["other_workloads"],
        generated_ids=summary["generated_ids"],
        files=tuple(_source(file) for file in summary["files"]),
        empty_folders=tuple(summary.get("empty_folders", ())),
        notes=tuple(summary["notes"]),
        json=text,
    )


def _source(file: dict[str, Any]) -> SourceAccount:
    return SourceAccount(
        source=file["source"],
        kind=file["kind"],
        outcome=file["outcome"],
        records=RecordCounts(**file["records"]),
        problems=tuple(Problem(**problem) for problem in file["problems"]),
        skipped=tuple(Problem(**problem) for problem in file["skipped"]),
        warnings=tuple(SourceWarning(**warning) for warning in file["warnings"]),
    )
