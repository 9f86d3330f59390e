"""Checks the Delta log and the Parquet files one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from facts import differing_types
from store import DATASETS, USER, Account, event_id, files_in_folder, files_in_log


def read_one_by_one(events: Path, schema: pa.Schema) -> pa.Table:
    """Returns all rows of the files in the log, with the month of each file's folder."""
    return pa.concat_tables(read_file(events, path, schema) for path in files_in_log(events))


def read_file(events: Path, path: str, schema: pa.Schema) -> pa.Table:
    rows = pq.ParquetFile(events / path).read()
    rows = rows.append_column("month", pa.repeat(month_in(path), rows.num_rows))
    return rows.select(schema.names).cast(schema)


def month_in(path: str) -> str:
    return path.split("/")[0].removeprefix("month=")


def schema_of(table: deltalake.DeltaTable) -> pa.Schema:
    """Returns the schema of the table in the log."""
    return pa.schema(table.schema().to_arrow())


def check(events: Path, account: Account) -> Iterator[str]:
    """Returns the errors of the table, without those of its values."""
    table = deltalake.DeltaTable(events)
    yield from check_protocol(table)
    yield from check_file_list(events, table, account)
    schema = schema_of(table)
    for path in sorted(files_in_log(events)):
        yield from (f"{path}: {problem}" for problem in check_file(events, path, schema))
    yield from check_statistics(events, table)


def check_protocol(table: deltalake.DeltaTable) -> Iterator[str]:
    protocol = table.protocol()
    versions = (protocol.min_reader_version, protocol.min_writer_version)
    if versions != (1, 2):
        yield f"the protocol is {versions}, expected (1, 2), which every reader understands"
    if protocol.reader_features or protocol.writer_features:
        yield f"the protocol asks for features: {protocol}"
    if table.metadata().partition_columns != ["month"]:
        yield f"the partition columns are {table.metadata().partition_columns}"
    names = [field.name for field in table.schema().fields]
    if len({name.lower() for name in names}) < len(names):
        yield "two columns differ in case only, which DuckDB and Spark refuse"


def check_file_list(events: Path, table: deltalake.DeltaTable, account: Account) -> Iterator[str]:
    log, folder = files_in_log(events), files_in_folder(events)
    if log != folder:
        yield f"log and folder have other files or sizes: {sorted(log.items() ^ folder.items())}"
    actions = pa.table(table.get_add_actions(flatten=True))
    added = {each["path"]: each["size_bytes"] for each in actions.to_pylist()}
    if log != added:
        yield f"deltalake and the log's commits differ: {sorted(log.items() ^ added.items())}"
    if (len(log), sum(log.values())) != (account.files, account.size_bytes):
        yield (
            f"the log has {len(log)} files of {sum(log.values())} bytes, the program's account "
            f"{account.files} of {account.size_bytes}"
        )


def check_file(events: Path, path: str, schema: pa.Schema) -> Iterator[str]:
    file = pq.ParquetFile(events / path)
    if file.metadata.metadata:
        yield f"metadata that readers may take for a schema: {list(file.metadata.metadata)}"
    expected = {field.name: field.type for field in schema if field.name != "month"}
    found = file.schema_arrow
    yield from differing_types(expected, dict(zip(found.names, found.types, strict=True)))
    if found.names != list(expected):
        yield "its columns are not in the order of the table's"
    times = file.read(columns=["CreationTime"])["CreationTime"]
    months = pc.unique(pc.strftime(times, format="%Y-%m")).to_pylist()
    if months != [month_in(path)]:
        yield f"it has events of {months}"
    if pc.any(pc.less(times[1:], times[:-1])).as_py():
        yield "its events are not in order of time"


def check_statistics(events: Path, table: deltalake.DeltaTable) -> Iterator[str]:
    for action in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        columns = pq.ParquetFile(events / action["path"]).read(columns=["Id", "CreationTime"])
        times = pc.min_max(columns["CreationTime"])
        real = {
            "num_records": columns.num_rows,
            "min.CreationTime": times["min"].as_py(),
            "max.CreationTime": times["max"].as_py(),
            "null_count.Id": columns["Id"].null_count,
            "null_count.CreationTime": columns["CreationTime"].null_count,
        }
        for name, value in real.items():
            if action[name] != value:
                yield f"{action['path']}: statistic {name} is {action[name]}, expected {value}"


def check_known_event(rows: pa.Table, account: Account, number: int) -> Iterator[str]:
    """Checks that an event of this test is unchanged."""
    (found,) = rows.filter(pc.field("Id") == event_id(number)).to_pylist()
    expected = {
        "CreationTime": account.last.astimezone(UTC),
        "Operation": "ViewReport",
        "RecordType": 20,
        "UserId": USER,
        "Datasets": DATASETS,
    }
    for name, value in expected.items():
        if found[name] != value:
            yield f"{name} of event {event_id(number)} is {found[name]!r}, expected {value!r}"
    if f'"NobodyKnows":{{"number":{number}}}' not in found["Extra"]:
        yield f"Extra of event {event_id(number)} lacks a member: {found['Extra']!r}"
