"""Tests of rows in pandas, Polars, DuckDB and PyArrow: the figures of the program.

All reports run on the sample data. Some also run on a year of invented events, if its folder is in
PBI_ANALYZE_YEAR.
"""

from __future__ import annotations

import datetime
import math
import os
import unittest
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import pbi_analyze as pbi
from support import SAMPLE, FolderTest, json_of, run

YEAR = os.environ.get("PBI_ANALYZE_YEAR")
# Reports with every type of column: dates, instants, shares, lists of names, and empty cells.
YEAR_REPORTS = ["adoption", "hour-of-week", "top-reports", "user-classification", "workspace-usage"]
ZONE = "Europe/Zurich"


def plain(value: Any) -> Any:
    """Returns a value in a form that is equal for all packages."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc) if value.tzinfo else value
    return value


def from_json(text: Any, kind: pa.DataType) -> Any:
    """Returns the value that a text of the JSON format means."""
    if text is None or not isinstance(text, str):
        return text
    if pa.types.is_date(kind):
        return datetime.date.fromisoformat(text)
    if pa.types.is_timestamp(kind):
        return plain(datetime.datetime.fromisoformat(text))
    return text


def rows_of(report: pbi.Report) -> dict[str, list[list[Any]]]:
    """Returns the rows as each package reads them."""
    polars, relation = report.to_polars(), duckdb.connect()
    relation.execute("SET TimeZone = 'UTC'")
    rows = relation.from_arrow(report.to_arrow()).fetchall()
    table = report.to_pandas().astype(object)
    return {
        "pyarrow": [list(row.values()) for row in report.to_arrow().to_pylist()],
        "polars": [list(row) for row in polars.rows()],
        "duckdb": [list(row) for row in rows],
        "pandas": [list(row) for row in table.itertuples(index=False, name=None)],
    }


class Reports(FolderTest):
    def test_all_reports_have_the_rows_of_the_program(self) -> None:
        self.check(SAMPLE, [info.name for info in pbi.reports()])

    @unittest.skipUnless(YEAR, "PBI_ANALYZE_YEAR is not set")
    def test_reports_of_a_year_have_the_rows_of_the_program(self) -> None:
        self.check(str(YEAR), YEAR_REPORTS)

    def check(self, archive: str, reports: list[str]) -> None:
        store = pbi.Store(self.folder / "store")
        run("ingest", archive, "--store", store.path, "--quiet")
        count = 0
        for name in reports:
            expected = json_of("report", name, "--store", store.path, "--tz", ZONE)
            report = store.report(name, tz=ZONE)
            types = pa.schema(report.schema).types
            self.assertEqual(report.columns, expected["columns"], name)
            self.assertEqual(vars(report.coverage), expected["coverage"], name)
            self.assertEqual(report.excluded, expected["excluded"], name)
            self.assertEqual(report.totals, expected.get("totals", {}), name)
            self.assertEqual(report.to_dicts(), expected["rows"], name)
            right = [
                [from_json(row[column], kind) for column, kind in zip(report.columns, types)]
                for row in expected["rows"]
            ]
            for package, rows in rows_of(report).items():
                with self.subTest(name, package=package):
                    self.assertEqual([[plain(cell) for cell in row] for row in rows], right)
            count += len(right)
        self.assertGreater(count, len(reports))
        print(f"{len(reports)} reports, {count:,} rows, 4 packages")


class Scans(FolderTest):
    def test_rows_are_those_of_a_store(self) -> None:
        path = self.folder / "store"
        run("ingest", SAMPLE, "--store", str(path), "--quiet")
        stored = pq.ParquetDataset(path / "events", partitioning=None).read()
        scan = pbi.scan(SAMPLE)
        schema = pa.schema(scan.schema)
        self.assertEqual(schema, scan.to_arrow().schema)
        order = [("CreationTime", "ascending"), ("Id", "ascending")]
        ours = scan.to_arrow().sort_by(order)
        theirs = stored.select([n for n in schema.names if n in stored.schema.names]).sort_by(order)
        self.assertEqual(ours.num_rows, theirs.num_rows)
        for field in schema:
            if field.name in theirs.schema.names:
                column = theirs[field.name].cast(field.type)
                self.assertTrue(ours[field.name].equals(column), field.name)
            else:
                self.assertEqual(ours[field.name].null_count, ours.num_rows, field.name)

    def test_every_package_reads_a_scan(self) -> None:
        columns = ["CreationTime", "UserId", "Datasets"]
        scan = pbi.scan(SAMPLE, columns=columns)
        count = scan.account.records.stored
        self.assertEqual(pl.DataFrame(scan).shape, (count, 3))
        self.assertEqual(scan.to_polars().columns, columns)
        self.assertEqual(scan.to_pandas().shape, (count, 3))
        self.assertEqual(pa.table(scan).num_rows, count)
        events = pa.table(scan)
        found = duckdb.sql("SELECT count(*), count(DISTINCT UserId) FROM events").fetchone()
        users = events["UserId"].combine_chunks().unique().drop_null()
        self.assertEqual(found, (count, len(users)))

    def test_a_file_in_memory_has_the_rows_of_the_file(self) -> None:
        content = b'{"Id":"1","CreationTime":"2026-03-01T08:00:00","Operation":"ViewReport"}'
        file = self.folder / "one.json"
        file.write_bytes(content)
        ours = pbi.parse(content, name=str(file)).to_arrow()
        self.assertTrue(ours.equals(pbi.scan(file).to_arrow()))
        self.assertEqual(ours["SourceFile"].to_pylist(), [str(file)])


if __name__ == "__main__":
    unittest.main()
