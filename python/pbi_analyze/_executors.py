"""What the workers of a Spark cluster do: they read log files, and merge the copies of events.

Between the two steps, rows are *packed*: those of a bucket are one compressed Arrow stream in one
row of Spark. So Spark moves few rows with four columns, and not each event with all columns, of
which most are empty. The bucket of an event depends on its `Id`, so its copies meet.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from . import _native

Batches = Iterator[pa.RecordBatch]

ACCOUNT = "SourceAccount"
"""Column with the account of a file, after its rows."""
MONTH = "month"
"""Column with the partition of an event."""
CONTENT = "content"
"""Column with the content of a file that workers cannot open."""

# Column with the position of an event in the archive. It decides between equal copies.
_ORDER = _native.ROW_ORDER
# Positions in a file are below this number.
_FILE_ROWS = 1 << 32

PACKED = pa.schema(
    [
        pa.field("bucket", pa.int32()),
        pa.field("is_stored", pa.bool_()),
        pa.field("rows", pa.binary()),
        pa.field(ACCOUNT, pa.string()),
    ]
)
"""Packed rows, or the account of a file."""
PACKED_DDL = f"bucket int, is_stored boolean, rows binary, `{ACCOUNT}` string"

# Rows are packed when their arrays have this many bytes.
_PACK_BYTES = 64 << 20


def read_unpacked(all_workloads: bool) -> Callable[[Batches], Batches]:
    """Returns a function that returns the rows of files, including copies."""

    def read(batches: Batches) -> Batches:
        for path, content in _files(batches):
            yield from _rows(_read_file(path, content, all_workloads))

    return read


def read_accounts(all_workloads: bool) -> Callable[[Batches], Batches]:
    """Returns a function that returns the accounts of files."""

    def read(batches: Batches) -> Batches:
        for path, content in _files(batches):
            accounts = [_read_file(path, content, all_workloads).account_json]
            yield pa.RecordBatch.from_pydict({ACCOUNT: accounts})

    return read


def read_packed(
    all_workloads: bool, buckets: int, ranks: Mapping[str, int]
) -> Callable[[Batches], Batches]:
    """Returns a function that returns the rows of files, packed, and the account of each file.

    `ranks` has the place of each path in the order of all paths.
    """

    def read(batches: Batches) -> Batches:
        packer = _Packer(buckets, is_stored=False)
        for path, content in _files(batches):
            position = ranks[path] * _FILE_ROWS
            table = _read_file(path, content, all_workloads)
            for rows in _rows(table):
                order = pa.array(range(position, position + rows.num_rows), pa.int64())
                position += rows.num_rows
                yield from packer.add(rows.append_column(_ORDER, order))
            yield _packed_row(None, None, None, table.account_json)
        yield from packer.pack()

    return read


def pack_stored(buckets: int) -> Callable[[Batches], Batches]:
    """Returns a function that packs rows of a table."""

    def pack(batches: Batches) -> Batches:
        packer = _Packer(buckets, is_stored=True)
        for rows in batches:
            yield from packer.add(rows)
        yield from packer.pack()

    return pack


def packed_ids(batches: Batches) -> Batches:
    """Returns the ids of packed rows, each once for each of them."""
    for batch in batches:
        for rows in batch.column("rows"):
            if rows.is_valid:
                ids = pa.ipc.open_stream(rows.as_buffer()).read_all().column("Id")
                yield pa.RecordBatch.from_pydict({"Id": pc.unique(ids)})


def merge_packed(batches: Batches) -> Batches:
    """Returns each event of packed rows once, with its month."""
    merger = _native.RowMerger()
    for batch in batches:
        stored = batch.column("is_stored").to_pylist()
        for is_stored, rows in zip(stored, batch.column("rows")):
            merger.add(pa.ipc.open_stream(rows.as_buffer()), is_stored)
    reader = pa.RecordBatchReader.from_stream(merger.finish(1))
    for batch in reader:
        times = batch.column("CreationTime").cast(pa.timestamp("us"))
        yield batch.append_column(MONTH, pc.strftime(times, format="%Y-%m"))


def event_ddl(*more: str) -> str:
    """Returns the columns of an event, and columns of text, as Spark declares them."""
    schema = _native.event_schema()
    columns = [*zip(schema.names, schema.spark_types), *((name, "string") for name in more)]
    return ", ".join(f"`{name}` {type}" for name, type in columns)


def _read_file(path: str, content: pa.Buffer | None, all_workloads: bool) -> _native.EventTable:
    """Reads a log file. Its rows are in temporary files, which end with the result."""
    # Spark runs a task for each core, so one thread reads.
    if content is None:
        return _native.read_rows(_local_path(path), None, all_workloads, 1)
    file = tempfile.NamedTemporaryFile(prefix="pbi-analyze-", delete=False)
    try:
        with file:
            file.write(content)
        return _native.read_rows(file.name, path, all_workloads, 1)
    finally:
        os.unlink(file.name)


def _rows(table: _native.EventTable) -> Batches:
    yield from pa.RecordBatchReader.from_stream(table)


def _files(batches: Batches) -> Iterator[tuple[str, pa.Buffer | None]]:
    """Returns the paths of files, and their content if Spark passes it."""
    for batch in batches:
        for number, path in enumerate(batch.column("path").to_pylist()):
            content = batch.column(CONTENT)[number].as_buffer() if batch.num_columns > 1 else None
            yield path, content


def _local_path(path: str) -> str:
    """Returns the path in the address of a local file: `file:/a` or `file:///a`."""
    return "/" + path.removeprefix("file:").lstrip("/")


class _Packer:
    """Collects rows, and packs them when they are many."""

    def __init__(self, buckets: int, is_stored: bool) -> None:
        self._buckets = buckets
        self._is_stored = is_stored
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0

    def add(self, rows: pa.RecordBatch) -> Batches:
        if rows.num_rows:
            self._batches.append(rows)
            self._bytes += rows.nbytes
        if self._bytes >= _PACK_BYTES:
            yield from self.pack()

    def pack(self) -> Batches:
        if not self._batches:
            return
        table = pa.Table.from_batches(self._batches)
        self._batches, self._bytes = [], 0
        columns = zip(table.schema.names, table.columns)
        table = table.select([name for name, column in columns if column.null_count < len(table)])
        for bucket, rows in _split(table, self._buckets):
            sink = pa.BufferOutputStream()
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            with pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
                writer.write_table(rows)
            content = sink.getvalue().to_pybytes()
            yield _packed_row(bucket, self._is_stored, content, None)


def _split(table: pa.Table, buckets: int) -> Iterator[tuple[int, pa.Table]]:
    """Returns the buckets that have rows, with their rows."""
    numbers = [crc32(id.encode()) % buckets for id in table.column("Id").to_pylist()]
    table = table.combine_chunks().take(pc.array_sort_indices(pa.array(numbers, pa.int32())))
    begin = 0
    for bucket, count in sorted(Counter(numbers).items()):
        yield bucket, table.slice(begin, count)
        begin += count


def _packed_row(*values: int | bool | bytes | str | None) -> pa.RecordBatch:
    columns = [pa.array([value], field.type) for value, field in zip(values, PACKED)]
    return pa.RecordBatch.from_arrays(columns, schema=PACKED)
