"""Reads log files and maintains a table of events on a Spark cluster.

Partitions, shuffles, retries and storage are Spark's. The workers need this package: each reads
whole files, and each removes the duplicates of a part of the events, with the code of the command
line. So the rows are the same, and do not depend on the number of workers.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from . import _native
from ._account import Account, RecordCounts, account

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

Batches = Iterator[pa.RecordBatch]

# Columns that are added to those of an event on the way through Spark.
_ACCOUNT = "SourceAccount"
_STORED = "IsStored"
_MONTH = "month"

# The column of the content in what Spark returns for files.
_CONTENT = "content"


@dataclass(frozen=True)
class SparkAccount:
    """The account of an ingest on a cluster."""

    records: RecordCounts
    """Numbers of records. Spark does not count conflicting and improved duplicates: they are 0."""
    files: tuple[Account, ...]
    """The accounts of the files, sorted by path."""

    @property
    def is_complete(self) -> bool:
        """True if all files could be read completely."""
        return all(file.is_complete for file in self.files)


def read(
    spark: SparkSession,
    path: str,
    *,
    all_workloads: bool = False,
    keep_duplicates: bool = False,
) -> DataFrame:
    """Returns the events of the log files in a folder, with all columns.

    Each event is in one row, as the command line stores it, or in one row for each copy if
    `keep_duplicates` is true. The files are read when Spark needs the rows.
    """
    rows = _without_accounts(_read_files(spark, path, all_workloads))
    if keep_duplicates:
        return rows
    return _merge(rows.withColumn(_STORED, F.lit(False))).drop(_MONTH)


def accounts(spark: SparkSession, path: str, *, all_workloads: bool = False) -> list[Account]:
    """Reads the log files in a folder, and returns the account of each."""
    return _collect_accounts(_read_files(spark, path, all_workloads))


def ingest(
    spark: SparkSession,
    path: str,
    target: str,
    *,
    all_workloads: bool = False,
    format: str | None = None,
) -> SparkAccount:
    """Adds the events of the log files in a folder to a table, each event once.

    The table in the folder `target` has a partition for each month. `format` is `delta` or
    `parquet`; without it, it is Delta if the session has it. Events that the table has are compared
    with their new copies and improved, as in the command line. The same files can be loaded again
    at any time: they change nothing.

    The session writes times in Parquet as `TIMESTAMP_MICROS` from then on.

    A table of Delta changes in one commit. In a table of Parquet files, the months of the new
    events are replaced one after the other, so nobody may write to it or read it meanwhile.
    """
    format = format or _default_format(spark)
    # Instants in UTC, as in a store. By default, Spark writes an older type without a time zone.
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    staged = _read_files(spark, path, all_workloads).persist(StorageLevel.DISK_ONLY)
    try:
        found = _collect_accounts(staged)
        new = _without_accounts(staged)
        stored = _load(spark, target, format)
        if stored is None:
            merged = _merge(new.withColumn(_STORED, F.lit(False)))
            merged.write.format(format).partitionBy(_MONTH).save(target)
            added = _load_existing(spark, target, format).count()
        else:
            added = _update(spark, new, stored, target, format)
    finally:
        staged.unpersist()
    return SparkAccount(_sum(found, added), tuple(found))


def _update(
    spark: SparkSession, new: DataFrame, stored: DataFrame, target: str, format: str
) -> int:
    """Merges new rows into a table, and returns the number of events that it did not have."""
    columns = _native.event_schema().names
    ids = new.select("Id").distinct()
    known = stored.join(ids, "Id", "left_semi").select(*columns, _MONTH)
    both = new.withColumn(_STORED, F.lit(False)).unionByName(
        known.drop(_MONTH).withColumn(_STORED, F.lit(True))
    )
    merged = _merge(both).persist(StorageLevel.DISK_ONLY)
    try:
        added: int = merged.count() - known.count()
        if format == "delta":
            _merge_into_delta(spark, merged, target)
            return added
        months = [row[0] for row in merged.select(_MONTH).distinct().collect()]
        left = [row[0] for row in known.select(_MONTH).distinct().collect()]
        rest = stored.where(F.col(_MONTH).isin(months + left)).join(ids, "Id", "left_anti")
        rows = rest.select(*columns, _MONTH).unionByName(merged)
        writer = rows.repartition(F.col(_MONTH)).write.format(format).mode("overwrite")
        writer.option("partitionOverwriteMode", "dynamic").partitionBy(_MONTH).save(target)
        return added
    finally:
        merged.unpersist()


def _merge_into_delta(spark: SparkSession, merged: DataFrame, target: str) -> None:
    view = "pbi_analyze_merged"
    merged.createOrReplaceTempView(view)
    table = target.replace("`", "``")
    spark.sql(
        f"MERGE INTO delta.`{table}` AS stored USING {view} AS merged ON stored.Id = merged.Id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    spark.catalog.dropTempView(view)


def _default_format(spark: SparkSession) -> str:
    extensions = spark.conf.get("spark.sql.extensions", "") or ""
    return "delta" if "delta" in extensions.lower() else "parquet"


def _load(spark: SparkSession, target: str, format: str) -> DataFrame | None:
    """Returns the table in a folder, or None if there is none."""
    try:
        return _load_existing(spark, target, format)
    except AnalysisException as error:
        if _condition(error) in ("PATH_NOT_FOUND", "DELTA_TABLE_NOT_FOUND"):
            return None
        raise


def _condition(error: AnalysisException) -> str | None:
    # The method has another name in Spark 3.
    get = getattr(error, "getCondition", None) or error.getErrorClass
    name: str | None = get()
    return name


def _load_existing(spark: SparkSession, target: str, format: str) -> DataFrame:
    reader = spark.read.format(format)
    if format == "parquet":
        reader = reader.schema(_ddl([(_MONTH, "string")]))
    return reader.load(target)


def _read_files(spark: SparkSession, path: str, all_workloads: bool) -> DataFrame:
    """Returns all rows of all files, and a row with the account of each file."""
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(path)
    files = files.where(~_extension(F.col("path")).isin(*_native.NON_DATA_EXTENSIONS))
    first = files.select("path").limit(1).collect()
    # Files that the workers can open are read in pieces. Others are in memory as a whole.
    is_local = bool(first) and first[0][0].startswith("file:")
    columns = ["path"] if is_local else ["path", _CONTENT]
    return files.select(*columns).mapInArrow(_reader(all_workloads), _ddl([(_ACCOUNT, "string")]))


def _extension(path: Column) -> Column:
    return F.lower(F.regexp_extract(path, r"\.([^./]+)$", 1))


def _reader(all_workloads: bool) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for batch in batches:
            paths = batch.column("path").to_pylist()
            for number, path in enumerate(paths):
                if batch.num_columns > 1:
                    content = batch.column(_CONTENT)[number].as_buffer()
                    yield from _content_rows(path, content, all_workloads)
                else:
                    yield from _file_rows(_local_path(path), None, all_workloads)

    return read


def _local_path(path: str) -> str:
    """Returns the path in the address of a local file: `file:/a` or `file:///a`."""
    return "/" + path.removeprefix("file:").lstrip("/")


def _content_rows(path: str, content: pa.Buffer, all_workloads: bool) -> Batches:
    file = tempfile.NamedTemporaryFile(prefix="pbi-analyze-", delete=False)
    try:
        with file:
            file.write(content)
        yield from _file_rows(file.name, path, all_workloads)
    finally:
        os.unlink(file.name)


def _file_rows(path: str, name: str | None, all_workloads: bool) -> Batches:
    """Returns the rows of a file, and then its account."""
    # Spark runs a task for each core.
    table = _native.read_rows(path, name, all_workloads, 1)
    reader = pa.RecordBatchReader.from_stream(table)
    schema = reader.schema.append(pa.field(_ACCOUNT, pa.string()))
    for batch in reader:
        columns = [*batch.columns, pa.nulls(batch.num_rows, pa.string())]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
    columns = [pa.nulls(1, field.type) for field in reader.schema]
    columns.append(pa.array([table.account_json], pa.string()))
    yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _without_accounts(rows: DataFrame) -> DataFrame:
    return rows.where(F.col(_ACCOUNT).isNull()).drop(_ACCOUNT)


def _collect_accounts(rows: DataFrame) -> list[Account]:
    found = rows.where(F.col(_ACCOUNT).isNotNull()).select(_ACCOUNT).collect()
    accounts = [account(row[0]) for row in found]
    return sorted(accounts, key=lambda account: [file.source for file in account.files])


def _sum(accounts: list[Account], added: int) -> RecordCounts:
    read = sum(account.records.read for account in accounts)
    other = sum(account.records.other_workloads for account in accounts)
    rejected = sum(account.records.rejected for account in accounts)
    return RecordCounts(
        read=read,
        stored=added,
        duplicates=read - other - rejected - added,
        conflicting=0,
        improved=0,
        other_workloads=other,
        rejected=rejected,
    )


def _merge(rows: DataFrame) -> DataFrame:
    """Returns each event once, with its month. Copies of an event are in one partition, in the
    order of the names of their sources, which decides between equal copies."""
    copies = rows.repartition(F.col("Id"))
    ordered = copies.sortWithinPartitions(F.split("SourceFile", "/"), F.col("SourceKind"))
    return ordered.mapInArrow(_merge_partition, _ddl([(_MONTH, "string")]))


def _merge_partition(batches: Batches) -> Batches:
    merger = _native.RowMerger()
    for batch in batches:
        stored = batch.column(_STORED)
        rows = batch.select([name for name in batch.schema.names if name != _STORED])
        for is_stored, mask in ((False, pc.invert(stored)), (True, stored)):
            part = rows.filter(mask)
            if part.num_rows:
                merger.add(pa.RecordBatchReader.from_batches(part.schema, [part]), is_stored)
    reader = pa.RecordBatchReader.from_stream(merger.finish(1))
    schema = reader.schema.append(pa.field(_MONTH, pa.string()))
    for batch in reader:
        times = batch.column("CreationTime").cast(pa.timestamp("us"))
        columns = [*batch.columns, pc.strftime(times, format="%Y-%m")]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _ddl(more: list[tuple[str, str]]) -> str:
    """Returns the columns of an event, and more, as Spark declares them."""
    schema = _native.event_schema()
    columns = [*zip(schema.names, schema.spark_types), *more]
    return ", ".join(f"`{name}` {type}" for name, type in columns)
