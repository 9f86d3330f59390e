#!/usr/bin/env python3
"""What people use instead, with the same work on the same archive, and a check that results are equal.

    peers.py compare PBI-ANALYZE ARCHIVE [--rounds N]   CPU s, wall s and peak memory, in turn
    peers.py check PBI-ANALYZE ARCHIVE                  rows, ids and the top ten, of each
    peers.py accidents PBI-ANALYZE SAMPLE-DATA          small archives with an accident, by each
    peers.py reports PBI-ANALYZE STORE [--rounds N]     each report, by the program and by DuckDB

ARCHIVE is a folder of REST pages in which each field has one type and workspaces one spelling, as
`cargo run --release --example synth -- DIR --bytes 500M --spelling classic --types uniform` writes
it: DuckDB refuses others. Needs duckdb, chdb, polars, pandas, orjson and pyarrow from PyPI.

The tuned scripts of DuckDB and ClickHouse get the schema, which is read before the measurement. The
careful pandas script has a fast parser and keeps only the fields that the report needs.

`reports` runs each report over a store, and its SQL (`--show-sql duckdb`) in DuckDB, which reads the
store's files. Both write all rows as JSON. It needs only duckdb.

CPU is that of the process and its children. Machines that are shared are noisy, so only ratios
within one call are meaningful: every round runs all of them, and the first round does not count.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EVENTS = "activityEventEntities"


def duckdb_pages(archive: str, options: str) -> str:
    return f"read_json('{archive}/*.json', maximum_object_size = 200000000, {options})"


def ingest_duckdb(archive: str, out: str, options: str = "sample_size = -1") -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET preserve_insertion_order = false")
    once = f"""
        SELECT * FROM (SELECT unnest({EVENTS}, max_depth := 2) FROM {duckdb_pages(archive, options)})
        QUALIFY row_number() OVER (PARTITION BY Id) = 1"""
    is_tuned = "columns" in options
    part = "date_trunc('month', CAST(CreationTime AS DATE))" if is_tuned else "CreationTime::DATE"
    level = ", COMPRESSION_LEVEL 1" if is_tuned else ""
    connection.execute(
        f"COPY (SELECT *, {part} AS part FROM ({once})) TO '{out}' "
        f"(FORMAT parquet, PARTITION_BY (part), COMPRESSION zstd{level})"
    )


def schema_duckdb(archive: str, schema: str) -> None:
    import duckdb

    found = duckdb.sql(f"DESCRIBE SELECT * FROM {duckdb_pages(archive, 'sample_size = -1')}")
    # A text that looks like a UUID in some files is another text in others, and stops the script.
    types = {row[0]: row[1].replace("UUID", "VARCHAR") for row in found.fetchall()}
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    Path(schema).write_text("columns = {" + columns + "}", encoding="utf-8")


def ingest_duckdb_tuned(archive: str, out: str) -> None:
    ingest_duckdb(archive, out, Path(schema_of(out)).read_text(encoding="utf-8"))


CLICKHOUSE_INFERENCE = """
    input_format_max_bytes_to_read_for_schema_inference = 500000000,
    schema_inference_make_columns_nullable = 1"""


def ingest_clickhouse(
    archive: str, out: str, structure: str = "", settings: str = CLICKHOUSE_INFERENCE
) -> None:
    import chdb

    os.makedirs(out)
    chdb.query(
        f"""
        INSERT INTO FUNCTION file('{out}/all.parquet', Parquet)
        SELECT untuple(event)
        FROM (SELECT arrayJoin({EVENTS}) AS event
              FROM file('{archive}/*.json', JSONEachRow{structure}))
        LIMIT 1 BY tupleElement(event, 'Id')
        SETTINGS max_threads = 2, output_format_parquet_compression_method = 'zstd', {settings}"""
    )


def schema_clickhouse(archive: str, schema: str) -> None:
    import chdb

    found = chdb.query(
        f"DESCRIBE file('{archive}/*.json', JSONEachRow) SETTINGS {CLICKHOUSE_INFERENCE}",
        "JSONCompact",
    )
    columns = ", ".join(f"`{row[0]}` {row[1]}" for row in json.loads(str(found))["data"])
    Path(schema).write_text(columns.replace("'", "\\'"), encoding="utf-8")


def ingest_clickhouse_tuned(archive: str, out: str) -> None:
    structure = f", '{Path(schema_of(out)).read_text(encoding='utf-8')}'"
    ingest_clickhouse(archive, out, structure, "output_format_compression_level = 1")


def schema_of(out: str) -> str:
    """Returns the path of the schema for a tuned script with this output."""
    return f"{out}.schema"


def ingest_polars(archive: str, out: str) -> None:
    import polars

    def events(page: str) -> polars.DataFrame:
        return polars.read_json(page).select(EVENTS).explode(EVENTS).unnest(EVENTS)

    pages = [events(page) for page in sorted(glob.glob(f"{archive}/*.json"))]
    all_events = polars.concat(pages, how="diagonal_relaxed").unique("Id")
    by_day = all_events.with_columns(day=polars.col("CreationTime").str.slice(0, 10))
    by_day.write_parquet(out, partition_by=["day"], compression="zstd", mkdir=True)


def pandas_events(archive: str) -> list[dict]:
    events = []
    for page in sorted(glob.glob(f"{archive}/*.json")):
        with open(page, encoding="utf-8") as file:
            events.extend(json.load(file)[EVENTS])
    return events


def report_pandas(archive: str, out: str) -> None:
    """A typical script. It counts duplicates."""
    import pandas

    frame = pandas.DataFrame(pandas_events(archive))
    views = frame[frame["Activity"] == "ViewReport"]
    keys = ["WorkSpaceName", "ReportName", "ReportId"]
    top = views.groupby(keys).size().reset_index(name="views")
    top.sort_values("views", ascending=False).to_csv(out, index=False)


def report_pandas_careful(archive: str, out: str) -> None:
    """The script of someone who knows that parsing is what costs."""
    import orjson
    import pandas

    keys = ["WorkSpaceName", "ReportName", "ReportId"]
    rows = []
    for page in sorted(glob.glob(f"{archive}/*.json")):
        events = orjson.loads(Path(page).read_bytes())[EVENTS]
        views = (event for event in events if event.get("Activity") == "ViewReport")
        rows.extend(tuple(event.get(key) for key in keys) for event in views)
    top = pandas.DataFrame(rows, columns=keys).groupby(keys).size().reset_index(name="views")
    top.sort_values("views", ascending=False).to_csv(out, index=False)


PEERS = {
    "duckdb": ingest_duckdb,
    "duckdb-tuned": ingest_duckdb_tuned,
    "clickhouse": ingest_clickhouse,
    "clickhouse-tuned": ingest_clickhouse_tuned,
    "polars": ingest_polars,
    "pandas-report": report_pandas,
    "pandas-careful-report": report_pandas_careful,
}
SCHEMAS = {"duckdb-tuned": schema_duckdb, "clickhouse-tuned": schema_clickhouse}


def measure(command: list[str], may_fail: bool = False) -> tuple[float, float, float] | None:
    """CPU seconds, wall seconds and peak memory in MB of a command, or None if it may fail and did."""
    begin = time.monotonic()
    nowhere = subprocess.DEVNULL
    child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
    _, status, usage = os.wait4(child.pid, 0)
    if status and may_fail:
        return None
    if status:
        raise SystemExit(f"failed with {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    cpu = usage.ru_utime + usage.ru_stime
    return cpu, time.monotonic() - begin, usage.ru_maxrss / 1024


def jobs(program: str, archive: str, out: Path) -> dict[str, list[str]]:
    own = {
        "ingest": [program, "ingest", archive, "--store", str(out / "ingest"), "--quiet"],
        "report-from": [program, "report", "top-reports", "--from", archive],
    }
    this = [sys.executable, __file__, "peer"]
    theirs = {name: [*this, name, archive, str(out / name)] for name in PEERS}
    return own | theirs


def read_schemas(archive: str, schemas: Path) -> None:
    """Reads what the tuned scripts get, in processes of their own."""
    for name in SCHEMAS:
        measure([sys.executable, __file__, "schema", name, archive, schema_of(str(schemas / name))])


def compare(program: str, archive: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as schemas:
        read_schemas(archive, Path(schemas))
        seen = measure_rounds(program, archive, rounds, Path(schemas))
    print("| work | CPU s | wall s | peak MB | CPU, pbi-analyze = 1 |\n| --- | --: | --: | --: | --: |")
    middle = {name: [statistics.median(part) for part in zip(*runs)] for name, runs in seen.items()}
    for name, (cpu, wall, peak) in middle.items():
        ours = middle["report-from" if "report" in name else "ingest"]
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {cpu / ours[0]:.2f} |")
    for name in PEERS.keys() - middle.keys():
        print(f"| {name} | stops | | | |")


def measure_rounds(
    program: str, archive: str, rounds: int, schemas: Path
) -> dict[str, list[tuple[float, float, float]]]:
    """The figures of each job, of all rounds but the first. A peer that fails has none."""
    seen: dict[str, list[tuple[float, float, float]]] = {}
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(schemas, folder, dirs_exist_ok=True)
            for name, command in jobs(program, archive, Path(folder)).items():
                figures = measure(command, may_fail=name in PEERS)
                if figures and number:
                    seen.setdefault(name, []).append(figures)
    return seen


def check(program: str, archive: str) -> None:
    """Row counts, distinct ids and the ten most viewed reports of all that remove duplicates."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        read_schemas(archive, out)
        found = {}
        for name, command in jobs(program, archive, out).items():
            if "report" in name:
                continue
            measure(command)
            files = out / name / ("events/month=*" if name == "ingest" else "")
            table = f"read_parquet('{files}/**/*.parquet', union_by_name = true)"
            size = sum(path.stat().st_size for path in (out / name).rglob("*.parquet"))
            # ClickHouse names the members of an event after how it took them out.
            columns = duckdb.sql(f"SELECT * FROM {table} LIMIT 0").columns
            plain = {column.split("'")[-2] if "'" in column else column: column for column in columns}
            event_id, activity, report = (f'"{plain[c]}"' for c in ("Id", "Activity", "ReportId"))
            ids = f"count(DISTINCT lower(CAST({event_id} AS VARCHAR)))"
            counts = duckdb.sql(f"SELECT count(*), {ids} FROM {table}").fetchall()
            top = duckdb.sql(
                f"SELECT lower(CAST({report} AS VARCHAR)) AS report, count(*) AS views FROM {table} "
                f"WHERE {activity} = 'ViewReport' GROUP BY ALL ORDER BY views DESC, report LIMIT 10"
            ).fetchall()
            found[name] = (counts[0], top)
            print(f"{name}: {counts[0][0]} rows, {counts[0][1]} ids, {size} bytes of Parquet")
            shutil.rmtree(out / name)
        differ = [name for name, answer in found.items() if answer != found["ingest"]]
        print(f"top ten: {found['ingest'][1]}")
        if differ:
            raise SystemExit(f"not the same: {', '.join(differ)}")
        print("all the same")


def accidents(sample: Path) -> dict[str, tuple[int, dict[str, bytes]]]:
    """Small archives of REST pages with one accident each: number of events, and files."""
    events = json.loads((sample / "rest/20260305.json").read_bytes())[EVENTS]
    # Only texts, in one spelling: other types and spellings are accidents of their own.
    texts = {"id", "activity", "creationtime", "operation", "userid", "reportid", "reportname"}

    def plain(event: dict) -> dict:
        return {key: value for key, value in event.items() if key.lower() in texts}

    def page(*events: dict) -> bytes:
        return json.dumps({EVENTS: events}).encode()

    plains = [plain(event) | {"WorkSpaceName": "Sales"} for event in events]
    whole, (first, second) = page(*plains), plains[:2]
    other = {key: value for key, value in second.items() if key != "WorkSpaceName"}
    return {
        "none": (len(plains), {"1.json": whole}),
        "a page that was downloaded twice": (len(plains), {"1.json": whole, "2.json": whole}),
        "a truncated page": (len(plains) - 1, {"1.json": whole[:-50]}),
        "a page in UTF-16": (len(plains), {"1.json": whole.decode().encode("utf-16")}),
        "a page without events": (len(plains), {"1.json": whole, "2.json": page()}),
        "a field that only one event has": (
            2,
            {"1.json": page(first), "2.json": page(second | {"Newest": {"Tier": "gold"}})},
        ),
        "a text where other events have a boolean": (
            2,
            {
                "1.json": page(first | {"IsSuccess": True}),
                "2.json": page(second | {"IsSuccess": "True"}),
            },
        ),
        "WorkSpaceName and WorkspaceName": (
            2,
            {"1.json": page(first), "2.json": page(other | {"WorkspaceName": "Sales"})},
        ),
    }


def print_accidents(program: str, sample: str) -> None:
    """Prints the rows that each tool has at the end for each accident, or that it stops."""
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        names = ["ingest", "duckdb", "clickhouse", "polars", "pandas"]
        print(f"| accident | events | {' | '.join(names)} |")
        print(f"| --- | --: |{' --: |' * len(names)}")
        for number, (accident, (events, files)) in enumerate(accidents(Path(sample)).items()):
            archive, out = Path(folder) / f"{number}", Path(folder) / f"{number}-out"
            archive.mkdir()
            out.mkdir()
            for name, content in files.items():
                (archive / name).write_bytes(content)
            commands = jobs(program, str(archive), out)
            commands["pandas"] = [sys.executable, __file__, "pandas-rows", str(archive)]
            shown = []
            for name in names:
                ran = subprocess.run(commands[name], capture_output=True, check=False)
                # Exit code 3 of our own: finished, and something is incomplete.
                if ran.returncode not in ((0, 3) if name == "ingest" else (0,)):
                    shown.append("stops")
                elif name == "pandas":
                    shown.append(ran.stdout.decode().strip())
                else:
                    files_of = f"{out / name}/{'events/' if name == 'ingest' else ''}**/*.parquet"
                    rows = duckdb.sql(f"SELECT count(*) FROM read_parquet('{files_of}')")
                    shown.append(str(rows.fetchall()[0][0]))
            print(f"| {accident} | {events} | {' | '.join(shown)} |")


def answer_duckdb(script: str) -> None:
    """Runs a script in DuckDB and writes the rows of its last statement as JSON."""
    import duckdb

    connection = duckdb.connect()
    for statement in duckdb.extract_statements(Path(script).read_text()):
        connection.execute(statement.query)
    names = [column[0] for column in connection.description or []]
    while rows := connection.fetchmany(10_000):
        sys.stdout.writelines(json.dumps(dict(zip(names, row)), default=str) + "\n" for row in rows)


def compare_reports(program: str, store: str, rounds: int) -> None:
    """CPU seconds and peak memory of all reports over a store, in turn with DuckDB."""
    listed = subprocess.run([program, "reports", "--format", "json"], capture_output=True, check=True)
    print("| report | CPU s | peak MB | DuckDB, CPU s | peak MB | DuckDB, pbi-analyze = 1 |")
    print("| --- | --: | --: | --: | --: | --: |")
    for name in sorted(report["report"] for report in json.loads(listed.stdout)["rows"]):
        ask = [program, "report", name, "--store", store]
        script = subprocess.run([*ask, "--show-sql", "duckdb"], capture_output=True, text=True)
        if script.returncode:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as sql:
            sql.write(script.stdout)
            sql.flush()
            theirs = [sys.executable, __file__, "answer", sql.name]
            pairs = [(measure([*ask, "--format", "ndjson"]), measure(theirs)) for _ in range(rounds)]
        ours, duckdb = ([statistics.median(part) for part in zip(*runs)] for runs in zip(*pairs))
        print(
            f"| `{name}` | {ours[0]:.2f} | {ours[2]:.0f} | {duckdb[0]:.2f} | {duckdb[2]:.0f} "
            f"| {duckdb[0] / ours[0]:.1f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("compare", "check", "accidents", "reports"):
        command = commands.add_parser(name)
        command.add_argument("program")
        command.add_argument("archive")
        command.add_argument("--rounds", type=int, default=3)
    peer = commands.add_parser("peer")
    peer.add_argument("name", choices=PEERS)
    peer.add_argument("archive")
    peer.add_argument("out")
    schema = commands.add_parser("schema")
    schema.add_argument("name", choices=SCHEMAS)
    schema.add_argument("archive")
    schema.add_argument("out")
    commands.add_parser("pandas-rows").add_argument("archive")
    answer = commands.add_parser("answer")
    answer.add_argument("script")
    asked = parser.parse_args()
    if asked.command == "peer":
        PEERS[asked.name](os.path.abspath(asked.archive), os.path.abspath(asked.out))
    elif asked.command == "schema":
        SCHEMAS[asked.name](os.path.abspath(asked.archive), asked.out)
    elif asked.command == "compare":
        compare(asked.program, asked.archive, asked.rounds)
    elif asked.command == "reports":
        compare_reports(asked.program, os.path.abspath(asked.archive), asked.rounds)
    elif asked.command == "answer":
        answer_duckdb(asked.script)
    elif asked.command == "accidents":
        print_accidents(asked.program, asked.archive)
    elif asked.command == "pandas-rows":
        print(len(pandas_events(asked.archive)))
    else:
        check(asked.program, asked.archive)


if __name__ == "__main__":
    main()
