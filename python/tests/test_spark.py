"""Tests of the package on a Spark cluster with separate worker processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
from pyspark.sql import SparkSession

import pbi_analyze as pbi
from pbi_analyze import _executors
from pbi_analyze import spark as pbi_spark
from support import DAMAGED, SAMPLE, FolderTest, run

WORKERS = int(os.environ.get("PBI_ANALYZE_WORKERS", "2"))


@contextmanager
def session(master: str, folder: Path) -> Iterator[SparkSession]:
    """Returns a session of PySpark from PyPI, in another time zone than that of the events."""
    home = Path(pyspark.__file__).parent
    os.environ["SPARK_HOME"] = str(home)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.adaptive.enabled": "false",
        # For so few rows, compiling each query takes longer than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.session.timeZone": "Asia/Tokyo",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.files.openCostInBytes": "65536",
        "spark.sql.warehouse.dir": str(folder),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(master)
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    application = spark.sparkContext.applicationId
    try:
        yield spark
    finally:
        spark.stop()
        shutil.rmtree(home / "work" / application, ignore_errors=True)


def table_of(folder: Path) -> list[dict[str, Any]]:
    """Returns the rows of a table, sorted, without the columns that are null in all rows."""
    rows = []
    for file in sorted(folder.glob("month=*/*.parquet")):
        month = file.parent.name.removeprefix("month=")
        for row in pq.ParquetFile(file).read().to_pylist():
            rows.append({name: value for name, value in row.items() if value is not None})
            rows[-1]["month"] = month
    return sorted(rows, key=lambda row: (row["CreationTime"], row["Id"]))


class Spark(FolderTest):
    def archive(self) -> Path:
        """Returns a folder with log files, damaged ones, copies of their events, and a zip file."""
        archive = self.folder / "archive"
        shutil.copytree(SAMPLE, archive / "sample")
        shutil.copytree(DAMAGED, archive / "damaged")
        shutil.copytree(Path(SAMPLE) / "powershell", archive / "again")
        with zipfile.ZipFile(archive / "old.zip", "w") as file:
            for path in sorted((Path(SAMPLE) / "powershell").glob("*.json")):
                file.write(path, f"old/{path.name}")
        # A copy that contradicts the first one, and one that has more.
        event = {"Id": "c1", "CreationTime": "2026-02-01T08:00:00", "Operation": "ViewReport"}
        for number, more in enumerate([{}, {"UserId": "a@b.c"}, {"UserId": "x@b.c"}]):
            text = json.dumps(event | more)
            (archive / f"copy-{number}.json").write_text(text, encoding="utf-8")
        return archive

    def by_program(self, *folders: Path) -> list[dict[str, Any]]:
        """Returns the table that the command line writes."""
        store = self.folder / "store"
        for folder in folders:
            run("ingest", str(folder), "--store", str(store), "--quiet")
        return table_of(store / "events")

    def assert_equal_tables(self, ours: list[dict[str, Any]], right: list[dict[str, Any]]) -> None:
        self.assertEqual(len(ours), len(right))
        for one, other in zip(ours, right):
            self.assertEqual(one, other)

    def test_tables_are_those_of_the_command_line(self) -> None:
        archive = self.archive()
        right = self.by_program(archive)
        master = f"local-cluster[{WORKERS},1,1024]"
        with session(master, self.folder / "spark") as spark:
            self.check_read(spark, archive, right)
            target = self.folder / "target"
            account = pbi_spark.ingest(spark, str(archive), str(target))
            self.assert_equal_tables(table_of(target), right)
            self.assertEqual(account.records.stored, len(right))
            self.assertFalse(account.is_complete)
            scanned = pbi.scan(archive).account.records
            self.assertEqual(account.records.read, scanned.read)
            self.assertEqual(account.records.rejected, scanned.rejected)
            self.assertEqual(account.records.duplicates, scanned.duplicates)
            again = pbi_spark.ingest(spark, str(archive), str(target))
            self.assertEqual(again.records.stored, 0)
            self.assert_equal_tables(table_of(target), right)
            self.check_later_files(spark, target)
            self.check_killed_worker(spark, archive, right)

    def check_read(self, spark: SparkSession, archive: Path, right: list[dict[str, Any]]) -> None:
        frame = pbi_spark.read(spark, str(archive))
        self.assertEqual(frame.columns, pbi.scan(archive).schema.names)
        ids = sorted(row[0] for row in frame.select("Id").collect())
        self.assertEqual(ids, sorted(row["Id"] for row in right))
        # Content that the workers get from Spark instead of the disk.
        content = (archive / "old.zip").read_bytes()
        name = "abfss://x/old.zip"
        files = pa.RecordBatch.from_pydict({"path": [name], "content": [content]})
        rows = list(_executors.read_unpacked(False)(iter([files])))
        found = pbi.parse(content, name).account.records
        self.assertEqual(sum(batch.num_rows for batch in rows), found.stored + found.duplicates)

    def check_later_files(self, spark: SparkSession, target: Path) -> None:
        """Adds files with new events, with copies that improve events, and with equal copies."""
        later = self.folder / "later"
        later.mkdir()
        events = [
            {"Id": "c1", "CreationTime": "2026-02-01T08:00:00", "Operation": "ViewReport"},
            {"Id": "c2", "CreationTime": "2026-05-01T08:00:00", "Operation": "ViewReport"},
        ]
        events[0]["ReportName"] = "Sales"
        (later / "one.json").write_text(json.dumps(events), encoding="utf-8")
        right = self.by_program(later)
        account = pbi_spark.ingest(spark, str(later), str(target))
        self.assertEqual(account.records.stored, 1)
        self.assert_equal_tables(table_of(target), right)

    def check_killed_worker(
        self, spark: SparkSession, archive: Path, right: list[dict[str, Any]]
    ) -> None:
        """Kills a worker process while it works. Spark does its tasks again."""
        target, killed = self.folder / "killed", []
        application = spark.sparkContext.applicationId
        tracker = spark.sparkContext.statusTracker()
        ended = threading.Event()

        def has_active_tasks() -> bool:
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            return any(stage and stage.numActiveTasks > 0 for stage in stages)

        def kill() -> None:
            while not killed and not ended.is_set():
                if not has_active_tasks():
                    time.sleep(0.01)
                    continue
                found = subprocess.run(
                    ["pgrep", "-f", f"CoarseGrainedExecutorBackend.*{application}"],
                    capture_output=True,
                    check=True,
                    text=True,
                ).stdout.split()
                os.kill(int(found[0]), signal.SIGKILL)
                killed.append(found[0])

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            pbi_spark.ingest(spark, str(archive), str(target))
        finally:
            ended.set()
            thread.join()
        self.assertEqual(len(killed), 1)
        self.assert_equal_tables(table_of(target), right)


if __name__ == "__main__":
    unittest.main()
