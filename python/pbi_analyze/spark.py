"""Reads log files and maintains a table of events on a Spark cluster.

Partitions, shuffles, retries and storage are Spark's. The workers need this package: each reads
whole files, and each removes the duplicates of a part of the events, with the code of the command
line. So the rows are the same, and do not depend on the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from . import _executors, _native
from ._account import Account, RecordCounts, account
from ._executors import ACCOUNT, CONTENT, MONTH, PACKED_DDL, Batches, event_ddl

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# Events are divided into a bucket for each of these bytes of text, so that a worker can merge the
# copies of a bucket in memory.
_BUCKET_BYTES = 64 << 20

# Compressed files, and how many times larger their text is at most, usually.
_COMPRESSED = ("gz", "tgz", "zip", "zst")
_COMPRESSION = 12


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
    files = _LogFiles(spark, path)
    if keep_duplicates:
        return files.map(_executors.read_unpacked(all_workloads), event_ddl())
    return _merge(files.read(all_workloads)).drop(MONTH)


def accounts(spark: SparkSession, path: str, *, all_workloads: bool = False) -> list[Account]:
    """Reads the log files in a folder, and returns the account of each."""
    reader = _executors.read_accounts(all_workloads)
    return _collect_accounts(_LogFiles(spark, path).map(reader, f"`{ACCOUNT}` string"))


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
    files = _LogFiles(spark, path)
    new = files.read(all_workloads).persist(StorageLevel.DISK_ONLY)
    try:
        found = _collect_accounts(new)
        stored = _load(spark, target, format)
        if stored is None:
            _merge(new).write.format(format).partitionBy(MONTH).save(target)
            added = _load_existing(spark, target, format).count()
        else:
            added = _update(spark, new, files.buckets, stored, target, format)
    finally:
        new.unpersist()
    return SparkAccount(_sum(found, added), tuple(found))


def _update(
    spark: SparkSession, new: DataFrame, buckets: int, stored: DataFrame, target: str, format: str
) -> int:
    """Merges packed rows into a table, and returns the number of events that it did not have."""
    columns = _native.event_schema().names
    ids = new.mapInArrow(_executors.packed_ids, "Id string").distinct()
    known = stored.join(ids, "Id", "left_semi").persist(StorageLevel.DISK_ONLY)
    packed = known.select(*columns).mapInArrow(_executors.pack_stored(buckets), PACKED_DDL)
    merged = _merge(new.unionByName(packed)).persist(StorageLevel.DISK_ONLY)
    try:
        added: int = merged.count() - known.count()
        if format == "delta":
            _merge_into_delta(spark, merged, target)
            return added
        changed = known.select(MONTH).union(merged.select(MONTH)).distinct().collect()
        months = [row[0] for row in changed]
        rest = stored.where(F.col(MONTH).isin(months)).join(ids, "Id", "left_anti")
        rows = rest.select(*columns, MONTH).unionByName(merged)
        writer = rows.repartition(F.col(MONTH)).write.format(format).mode("overwrite")
        writer.option("partitionOverwriteMode", "dynamic").partitionBy(MONTH).save(target)
        return added
    finally:
        merged.unpersist()
        known.unpersist()


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
        reader = reader.schema(event_ddl(MONTH))
    return reader.load(target)


class _LogFiles:
    """The log files in a folder."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(path)
        extension = _extension(F.col("path"))
        files = files.where(~extension.isin(*_native.NON_DATA_EXTENSIONS))
        found = files.select("path", "length", extension).collect()
        paths = sorted((row[0] for row in found), key=lambda path: path.split("/"))
        self._ranks = {path: rank for rank, path in enumerate(paths)}
        size = sum(row[1] * (_COMPRESSION if row[2] in _COMPRESSED else 1) for row in found)
        self.buckets = max(1, ceil(size / _BUCKET_BYTES))
        # Files that the workers can open are read in pieces. Others are in memory as a whole.
        is_local = bool(paths) and paths[0].startswith("file:")
        self._files = files.select("path") if is_local else files.select("path", CONTENT)

    def map(self, function: Callable[[Batches], Batches], ddl: str) -> DataFrame:
        """Returns what a function returns for the files that a worker reads."""
        return self._files.mapInArrow(function, ddl)

    def read(self, all_workloads: bool) -> DataFrame:
        """Returns the packed rows of all files, and a row with the account of each file."""
        reader = _executors.read_packed(all_workloads, self.buckets, self._ranks)
        return self.map(reader, PACKED_DDL)


def _extension(path: Column) -> Column:
    return F.lower(F.regexp_extract(path, r"\.([^./]+)$", 1))


def _collect_accounts(rows: DataFrame) -> list[Account]:
    found = rows.where(F.col(ACCOUNT).isNotNull()).select(ACCOUNT).collect()
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


def _merge(packed: DataFrame) -> DataFrame:
    """Returns each event of packed rows once, with its month."""
    rows = packed.where(F.col("rows").isNotNull()).repartition(F.col("bucket"))
    return rows.mapInArrow(_executors.merge_packed, event_ddl(MONTH))
