#!/usr/bin/env python3
"""`pbi_analyze.spark.ingest` with one and more workers, compared with the command line.

    spark_ingest.py PBI-ANALYZE ARCHIVE [--workers 1,2,4] [--memory MB]

Needs the Python package of this project, PySpark, PyArrow, DuckDB and Java. The cluster is
`local-cluster`: a Java process for each worker, each with its Python workers. For each number of
workers it prints wall and CPU seconds of the whole cluster, the peak memory of the largest worker
(Java and its Python together), and whether all rows equal those of the command line: the number of
rows, and for each column the sum of the hashes of its values.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Processes(threading.Thread):
    """Watches the processes below this one: their CPU seconds, and the memory of the workers."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.cpu: dict[int, float] = {}
        self.peak = 0
        self.ended = False

    def run(self) -> None:
        while not self.ended:
            self.look()
            time.sleep(0.25)

    def look(self) -> None:
        parents, memory, executors = {}, {}, []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # The process ended meanwhile.
            number = int(entry.name)
            parents[number] = int(stat[1])
            memory[number] = int(stat[21]) * PAGE
            self.cpu[number] = (int(stat[11]) + int(stat[12])) / TICKS
            if b"CoarseGrainedExecutorBackend" in command:
                executors.append(number)
        for executor in executors:
            below = [one for one in memory if self.is_below(one, executor, parents)]
            self.peak = max(self.peak, sum(memory[one] for one in below))
        own = {one for one in parents if self.is_below(one, os.getpid(), parents)}
        self.cpu = {one: cpu for one, cpu in self.cpu.items() if one in own or one not in parents}

    @staticmethod
    def is_below(process: int, root: int, parents: dict[int, int]) -> bool:
        while process not in (0, root):
            process = parents.get(process, 0)
        return process == root


def load(archive: str, target: str, workers: int, memory: int) -> dict[str, float]:
    """Loads an archive on a cluster, in this process, and returns what it took."""
    import pyspark
    from pyspark.sql import SparkSession

    from pbi_analyze import spark as pbi_spark

    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    spark = (
        SparkSession.builder.master(f"local-cluster[{workers},1,{memory}]")
        .config("spark.executor.memory", f"{memory}m")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.local.dir", f"{target}-local")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    watch = Processes()
    watch.start()
    begin = time.monotonic()
    account = pbi_spark.ingest(spark, archive, target)
    wall = time.monotonic() - begin
    watch.look()
    watch.ended = True
    spark.stop()
    cpu, stored = sum(watch.cpu.values()), account.records.stored
    return {"wall": wall, "cpu": cpu, "peak_mb": watch.peak / 1e6, "stored": stored}


def fingerprint(files: str) -> dict[str, tuple]:
    """Number of rows, and for each column that has values the sum of their hashes."""
    import duckdb

    duckdb.sql("SET TimeZone = 'UTC'")
    table = f"read_parquet('{files}', union_by_name = true, hive_partitioning = false)"
    names = duckdb.sql(f"SELECT * FROM {table} LIMIT 0").columns
    texts = [f"sum(hash(CAST(\"{name}\" AS VARCHAR))), count(\"{name}\")" for name in names]
    found = duckdb.sql(f"SELECT count(*), {', '.join(texts)} FROM {table}").fetchone()
    pairs = zip(names, zip(found[1::2], found[2::2]))
    return {"": found[:1]} | {name: pair for name, pair in pairs if pair[1]}


def compare(program: str, archive: str, workers: list[int], memory: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store"
        command = [program, "ingest", archive, "--store", store, "--quiet"]
        begin = time.monotonic()
        child = subprocess.Popen(command)
        _, status, usage = os.wait4(child.pid, 0)
        if os.waitstatus_to_exitcode(status) not in (0, 3):
            raise SystemExit("ingest failed")
        wall, cpu = time.monotonic() - begin, usage.ru_utime + usage.ru_stime
        right = fingerprint(f"{store}/events/month=*/*.parquet")
        print("| work | workers | wall s | CPU s | peak MB | events | rows |")
        print("| --- | --: | --: | --: | --: | --: | --- |")
        peak, events = usage.ru_maxrss / 1024, right[""][0]
        print(f"| ingest | | {wall:.0f} | {cpu:.1f} | {peak:.0f} | {events} | |", flush=True)
        for count in workers:
            target = f"{folder}/target-{count}"
            this = [sys.executable, __file__, program, archive, "--memory", str(memory)]
            text = subprocess.run(
                [*this, "--load", target, "--workers", str(count)],
                stdout=subprocess.PIPE, check=True, text=True,
            ).stdout
            took = json.loads(text.splitlines()[-1])
            ours = fingerprint(f"{target}/month=*/*.parquet")
            differ = sorted({*ours} ^ {*right} | {n for n in right if right[n] != ours.get(n)})
            rows = f"differ: {', '.join(differ)}" if differ else "equal"
            print(f"| spark.ingest | {count} | {took['wall']:.0f} | {took['cpu']:.1f} | "
                  f"{took['peak_mb']:.0f} | {took['stored']} | {rows} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("archive")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--memory", type=int, default=1024, help="of each worker's Java, in MB")
    parser.add_argument("--load", metavar="TARGET", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    archive, workers = os.path.abspath(asked.archive), [int(n) for n in asked.workers.split(",")]
    if asked.load:
        print(json.dumps(load(archive, asked.load, workers[0], asked.memory)))
    else:
        compare(asked.program, archive, workers, asked.memory)


if __name__ == "__main__":
    main()
