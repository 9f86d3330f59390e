"""Defines the figures that are compared between readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

import pyarrow as pa


@dataclass(frozen=True)
class Facts:
    """Figures that every reader must find with its own functions."""

    events: int
    distinct_ids: int
    first: datetime
    last: datetime
    by_month: dict[str, int]
    users: int
    report_views: int
    dataset_names: int  # names in the lists of `Datasets`
    in_last_month: int  # by a filter on the partition column
    at_last: int  # events of the newest instant, by a filter that may skip files


def differences(expected: Facts, found: Facts) -> list[str]:
    """Returns the figures that differ as text."""
    pairs = (
        (each.name, getattr(expected, each.name), getattr(found, each.name))
        for each in fields(Facts)
    )
    return [f"{name} is {b}, expected {a}" for name, a, b in pairs if a != b]


def in_order(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Returns the table with the types and the column order of a schema, sorted by Id."""
    return table.select(schema.names).cast(schema).sort_by("Id").combine_chunks()


def differing_values(expected: pa.Table, found: pa.Table) -> list[str]:
    """Returns the columns of two sorted tables whose values differ, with an example of each."""
    if expected.num_rows != found.num_rows:
        return [f"{found.num_rows} rows, expected {expected.num_rows}"]
    return [
        example(expected, found, name)
        for name in expected.column_names
        if not found[name].equals(expected[name])
    ]


def example(expected: pa.Table, found: pa.Table, name: str) -> str:
    values = (expected["Id"], expected[name], found[name])
    for key, a, b in zip(*(each.to_pylist() for each in values), strict=True):
        if a != b:
            return f"{name} of event {key} is {b!r}, expected {a!r}"
    return f"{name} differs in a way that Python does not see"


def differing_types(expected: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    """Returns the columns that are missing, additional, or of another type."""
    names = [*expected, *(name for name in found if name not in expected)]
    return [
        f"{name} is of type {found.get(name)}, expected {expected.get(name)}"
        for name in names
        if found.get(name) != expected.get(name)
    ]


def month_of(time: datetime) -> str:
    """Returns the partition of an event at this time."""
    return f"{time:%Y-%m}"
