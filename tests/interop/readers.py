"""Reads the store in several ways. Each returns the figures, the types and all values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import deltalake
import duckdb
import duckdb_extension_delta
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from facts import Facts, month_of


@dataclass(frozen=True)
class Reading:
    """Result of a reader."""

    facts: Facts
    types: Mapping[str, object]  # as the reader names them
    expected_types: Mapping[str, object]
    table: pa.Table


@dataclass(frozen=True)
class Way:
    """A reader: the parameters of `read` are the folder of the table, its schema and the time
    of the newest event."""

    tool: str
    how: str
    read: Callable[[Path, pa.Schema, datetime], Reading]

    @property
    def version(self) -> str:
        return metadata.version(self.tool)


def utc(us: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us)


# PyArrow, and deltalake, which returns datasets of PyArrow


def arrow_facts(dataset: ds.Dataset, last: datetime) -> Facts:
    columns = ["Id", "CreationTime", "month", "UserId", "Operation", "Datasets"]
    table = dataset.to_table(columns=columns)
    times = pc.min_max(table["CreationTime"])
    months = pc.value_counts(table["month"]).to_pylist()
    datasets = pc.list_flatten(table["Datasets"])
    return Facts(
        events=dataset.count_rows(),
        distinct_ids=pc.count_distinct(table["Id"]).as_py(),
        first=times["min"].as_py(),
        last=times["max"].as_py(),
        by_month={each["values"]: each["counts"] for each in months},
        users=pc.count_distinct(table["UserId"]).as_py(),
        report_views=pc.sum(pc.equal(table["Operation"], "ViewReport")).as_py(),
        dataset_names=pc.count(pc.struct_field(datasets, "DatasetName")).as_py(),
        in_last_month=dataset.count_rows(filter=pc.field("month") == month_of(last)),
        at_last=dataset.count_rows(filter=pc.field("CreationTime") == last),
    )


def arrow_reading(dataset: ds.Dataset, schema: pa.Schema, last: datetime) -> Reading:
    facts, table = arrow_facts(dataset, last), dataset.to_table()
    return Reading(facts, arrow_types(table.schema), arrow_types(schema), table)


def arrow_types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return dict(zip(schema.names, schema.types, strict=True))


def pyarrow_dataset(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return arrow_reading(ds.dataset(events, partitioning="hive"), schema, last)


def deltalake_dataset(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return arrow_reading(deltalake.DeltaTable(events).to_pyarrow_dataset(), schema, last)


def deltalake_table(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    table = deltalake.DeltaTable(events).to_pyarrow_table()
    return arrow_reading(ds.dataset(table), schema, last)


# pandas


def pandas_facts(frame: pd.DataFrame, last: datetime) -> Facts:
    times = frame["CreationTime"]
    datasets = frame["Datasets"].explode().dropna()
    return Facts(
        events=len(frame),
        distinct_ids=frame["Id"].nunique(),
        first=times.min().to_pydatetime(),
        last=times.max().to_pydatetime(),
        by_month=frame["month"].astype(str).value_counts().to_dict(),
        users=frame["UserId"].nunique(),
        report_views=int((frame["Operation"] == "ViewReport").sum()),
        dataset_names=sum(each["DatasetName"] is not None for each in datasets),
        in_last_month=int((frame["month"] == month_of(last)).sum()),
        at_last=int((times == last).sum()),
    )


def pandas_reading(frame: pd.DataFrame, schema: pa.Schema, last: datetime) -> Reading:
    # pandas changes the types of integers and booleans with nulls, and makes months
    # categories: only types that pandas keeps can be compared.
    kept = {pa.string(): "str", pa.timestamp("us", "UTC"): "datetime64[us, UTC]"}
    expected = {f.name: kept[f.type] for f in schema if f.type in kept and f.name != "month"}
    types = {name: str(frame[name].dtype) for name in expected}
    plain = frame.assign(month=frame["month"].astype(str))
    table = pa.Table.from_pandas(plain, schema=schema, preserve_index=False)
    return Reading(pandas_facts(frame, last), types, expected, table)


def pandas_folder(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return pandas_reading(pd.read_parquet(events), schema, last)


def pandas_deltalake(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return pandas_reading(deltalake.DeltaTable(events).to_pandas(), schema, last)


# Polars


def polars_facts(frame: pl.LazyFrame, last: datetime) -> Facts:
    time, names = pl.col("CreationTime"), pl.col("Datasets").explode().struct.field("DatasetName")
    figures = frame.select(
        events=pl.len(),
        distinct_ids=pl.col("Id").n_unique(),
        first=time.min(),
        last=time.max(),
        users=pl.col("UserId").drop_nulls().n_unique(),
        report_views=(pl.col("Operation") == "ViewReport").sum(),
        dataset_names=names.count(),
    )

    def count(condition: pl.Expr) -> int:
        return frame.filter(condition).select(pl.len()).collect().item()

    return Facts(
        **figures.collect().row(0, named=True),
        by_month=dict(frame.group_by("month").len().collect().iter_rows()),
        in_last_month=count(pl.col("month") == month_of(last)),
        at_last=count(time == last),
    )


def polars_reading(frame: pl.LazyFrame, schema: pa.Schema, last: datetime) -> Reading:
    expected = pl.from_arrow(schema.empty_table()).schema
    table = frame.collect().to_arrow()
    return Reading(polars_facts(frame, last), dict(frame.collect_schema()), dict(expected), table)


def polars_delta(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return polars_reading(pl.scan_delta(events), schema, last)


def polars_glob(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    glob = events / "month=*" / "*.parquet"
    return polars_reading(pl.scan_parquet(glob, hive_partitioning=True), schema, last)


# DuckDB

DUCKDB_FIGURES = """
    SELECT count(*), count(DISTINCT Id), epoch_us(min(CreationTime)), epoch_us(max(CreationTime)),
           count(DISTINCT UserId), count(*) FILTER (Operation = 'ViewReport')
    FROM events"""


def duckdb_connection() -> duckdb.DuckDBPyConnection:
    """Returns a connection that loads the extension from its package only."""
    offline = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    connection = duckdb.connect(config=offline)
    package = Path(duckdb_extension_delta.__path__[0])
    (extension,) = package.glob(f"extensions/v{duckdb.__version__}/*.duckdb_extension")
    connection.load_extension(str(extension))
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def duckdb_facts(connection: duckdb.DuckDBPyConnection, last: datetime) -> Facts:
    def one(query: str) -> tuple:
        return connection.sql(query).fetchone()

    events, ids, first, newest, users, views = one(DUCKDB_FIGURES)
    months = connection.sql("SELECT month, count(*) FROM events GROUP BY month").fetchall()
    (names,) = one(
        "SELECT count(dataset.DatasetName) FROM (SELECT unnest(Datasets) AS dataset FROM events)"
    )
    instant = last.isoformat(sep=" ")
    (in_last_month,) = one(f"SELECT count(*) FROM events WHERE month = '{month_of(last)}'")
    (at_last,) = one(f"SELECT count(*) FROM events WHERE CreationTime = TIMESTAMPTZ '{instant}'")
    return Facts(
        events=events,
        distinct_ids=ids,
        first=utc(first),
        last=utc(newest),
        by_month=dict(months),
        users=users,
        report_views=views,
        dataset_names=names,
        in_last_month=in_last_month,
        at_last=at_last,
    )


def duckdb_types(rows: duckdb.DuckDBPyRelation) -> dict[str, str]:
    return {name: str(type_) for name, type_ in zip(rows.columns, rows.types, strict=True)}


def duckdb_reading(source: str, schema: pa.Schema, last: datetime) -> Reading:
    with duckdb_connection() as connection:
        connection.sql(f"SELECT * FROM {source}").create_view("events")
        rows = connection.table("events")
        expected = connection.from_arrow(schema.empty_table())
        return Reading(
            duckdb_facts(connection, last),
            duckdb_types(rows),
            duckdb_types(expected),
            rows.to_arrow_table(),
        )


def duckdb_delta(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    return duckdb_reading(f"delta_scan('{events}')", schema, last)


def duckdb_glob(events: Path, schema: pa.Schema, last: datetime) -> Reading:
    glob = events / "month=*" / "*.parquet"
    return duckdb_reading(f"read_parquet('{glob}', hive_partitioning = true)", schema, last)


WAYS = [
    Way("deltalake", "to_pyarrow_dataset", deltalake_dataset),
    Way("deltalake", "to_pyarrow_table", deltalake_table),
    Way("duckdb", "delta_scan", duckdb_delta),
    Way("duckdb", "read_parquet, glob", duckdb_glob),
    Way("pandas", "read_parquet, folder", pandas_folder),
    Way("pandas", "deltalake to_pandas", pandas_deltalake),
    Way("polars", "scan_delta", polars_delta),
    Way("polars", "scan_parquet, glob", polars_glob),
    Way("pyarrow", "dataset, hive", pyarrow_dataset),
]
