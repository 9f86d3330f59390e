#!/usr/bin/env python3
"""`pbi_analyze.scan` and what people use instead: all events of an archive in a data frame.

    scan.py PBI-ANALYZE ARCHIVE [--rounds N]

Needs the Python package of this project, pandas, Polars, DuckDB and PyArrow. ARCHIVE is a folder of
REST pages in which each field has one type and workspaces one spelling, see peers.py. Each reads all
columns, removes repeats by `Id`, and prints the number of rows and of report views, which must be
equal. CPU, wall and peak memory are those of one process; all run in turn, and the first round does
not count. The last job is `ingest` of the command line, which writes a store instead.
"""

from __future__ import annotations

import argparse
import glob
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENTS = "activityEventEntities"
VIEW = "ViewReport"


def pages(archive: str) -> list[str]:
    return sorted(glob.glob(f"{archive}/*.json"))


def scan_to_arrow(archive: str) -> tuple[int, int]:
    import pbi_analyze
    import pyarrow.compute

    table = pbi_analyze.scan(archive).to_arrow()
    views = pyarrow.compute.equal(table["Activity"], VIEW)
    return table.num_rows, pyarrow.compute.sum(views).as_py()


def scan_to_polars(archive: str) -> tuple[int, int]:
    import pbi_analyze
    import polars

    frame = polars.DataFrame(pbi_analyze.scan(archive))
    return frame.height, frame.filter(polars.col("Activity") == VIEW).height


def scan_four_columns(archive: str) -> tuple[int, int]:
    import pbi_analyze
    import polars

    columns = ["CreationTime", "UserId", "Activity", "ReportId"]
    frame = polars.DataFrame(pbi_analyze.scan(archive, columns=columns))
    return frame.height, frame.filter(polars.col("Activity") == VIEW).height


def scan_to_duckdb(archive: str) -> tuple[int, int]:
    import duckdb
    import pbi_analyze

    scan = pbi_analyze.scan(archive).to_arrow()  # noqa: F841  (the statement names it)
    return duckdb.sql(f"SELECT count(*), count(*) FILTER (Activity = '{VIEW}') FROM scan").fetchone()


def pandas_read_json(archive: str) -> tuple[int, int]:
    import pandas

    def events(page: str) -> pandas.DataFrame:
        return pandas.DataFrame(pandas.read_json(page)[EVENTS].tolist())

    frame = pandas.concat([events(page) for page in pages(archive)], ignore_index=True)
    frame = frame.drop_duplicates("Id")
    return len(frame), int((frame["Activity"] == VIEW).sum())


def polars_read_json(archive: str) -> tuple[int, int]:
    import polars

    def events(page: str) -> polars.DataFrame:
        return polars.read_json(page).select(EVENTS).explode(EVENTS, empty_as_null=True).unnest(EVENTS)

    frame = polars.concat([events(page) for page in pages(archive)], how="diagonal_relaxed")
    frame = frame.unique("Id")
    return frame.height, frame.filter(polars.col("Activity") == VIEW).height


def duckdb_read_json(archive: str) -> tuple[int, int]:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    found = connection.sql(f"""
        SELECT * FROM (
            SELECT unnest({EVENTS}, max_depth := 2) FROM read_json(
                '{archive}/*.json', maximum_object_size = 200000000, sample_size = -1
            )
        )
        QUALIFY row_number() OVER (PARTITION BY Id) = 1""").to_arrow_table()  # noqa: F841
    return duckdb.sql(f"SELECT count(*), count(*) FILTER (Activity = '{VIEW}') FROM found").fetchone()


JOBS = {
    "scan, PyArrow": scan_to_arrow,
    "scan, Polars": scan_to_polars,
    "scan, DuckDB": scan_to_duckdb,
    "scan of four columns, Polars": scan_four_columns,
    "pandas.read_json": pandas_read_json,
    "polars.read_json": polars_read_json,
    "DuckDB read_json": duckdb_read_json,
}


def measure(command: list[str]) -> tuple[str, float, float, float]:
    """Output, CPU seconds, wall seconds and peak memory in MB of a command."""
    with tempfile.TemporaryFile("w+") as output:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            code = os.waitstatus_to_exitcode(status)
            raise SystemExit(f"failed with {code}: {' '.join(command)}")
        output.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return output.read(), cpu, time.monotonic() - begin, usage.ru_maxrss / 1024


def compare(program: str, archive: str, rounds: int) -> None:
    seen: dict[str, list[tuple[float, float, float]]] = {}
    answers: dict[str, str] = {}
    this = [sys.executable, __file__, program, archive, "--job"]
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            commands = {name: [*this, name] for name in JOBS}
            store = str(Path(folder, "store"))
            commands["ingest"] = [program, "ingest", archive, "--store", store, "--quiet"]
            for name, command in commands.items():
                answer, *figures = measure(command)
                if name != "ingest":
                    answers[name] = answer.strip()
                if number:
                    seen.setdefault(name, []).append(tuple(figures))
    print("| work | CPU s | wall s | peak MB | CPU, first row = 1 | rows, views |")
    print("| --- | --: | --: | --: | --: | --- |")
    middle = {name: [statistics.median(part) for part in zip(*runs)] for name, runs in seen.items()}
    first = next(iter(middle.values()))[0]
    for name, (cpu, wall, peak) in middle.items():
        ratio, answer = cpu / first, answers.get(name, "")
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {ratio:.2f} | {answer} |")
    if len(set(answers.values())) != 1:
        raise SystemExit("the answers differ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("archive")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--job", choices=JOBS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    archive = os.path.abspath(asked.archive)
    if asked.job:
        print(*JOBS[asked.job](archive))
    else:
        compare(asked.program, archive, asked.rounds)


if __name__ == "__main__":
    main()
