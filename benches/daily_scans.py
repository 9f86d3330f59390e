#!/usr/bin/env python3
"""A full scan on each of many days, of which few items change: size of the store, CPU and memory.

    daily_scans.py PBI-ANALYZE [--days 365] [--items 20000] [--workspaces 200] [--change 1]
                   [--spread 20] [--folder FOLDER]

Makes the scanner results of an invented tenant (one compressed file a day) and a log of the same
days. On each day `--change` percent of the items change, in `--spread` workspaces, because people
work on few workspaces a day. Then it measures the ingest of all days but the last one, of one more
scan, of a run without anything new, and of reports. CPU and peak memory are those of one process.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

FIRST = date(2025, 1, 1)
KINDS = {"reports": "createdDateTime", "datasets": "createdDate"}
EVENTS_PER_DAY = 200


def guid(kind: int, number: int) -> str:
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def tenant(items: int, workspaces: int) -> list[dict]:
    """Returns scanned workspaces with as many reports as semantic models."""
    found = []
    for number in range(workspaces):
        own = range(number * items // workspaces, (number + 1) * items // workspaces)
        workspace = {
            "id": guid(1, number), "name": f"Workspace {number}", "type": "Workspace",
            "state": "Active", "isOnDedicatedCapacity": False,
            "users": [{"groupUserAccessRight": "Admin", "principalType": "User",
                       "emailAddress": f"p{number}@contoso.example", "graphId": guid(9, number),
                       "identifier": f"p{number}@contoso.example", "displayName": f"P {number}"}]}
        for kind in KINDS:
            workspace[kind] = []
        for item in own:
            kind = "datasets" if item % 2 else "reports"
            value = {"id": guid(2, item), "name": f"Item {item}",
                     KINDS[kind]: "2024-03-01T08:00:00"}
            if kind == "reports":
                value |= {"reportType": "PowerBIReport", "datasetId": guid(2, item + 1),
                          "modifiedDateTime": "2024-03-01T08:00:00",
                          "createdBy": f"p{item % 900}@contoso.example",
                          "modifiedBy": f"p{item % 700}@contoso.example"}
            else:
                value |= {"configuredBy": f"p{item % 900}@contoso.example",
                          "targetStorageMode": "Abf", "upstreamDatasets": []}
            workspace[kind].append(value)
        found.append(workspace)
    return found


def change(workspaces: list[dict], count: int, spread: int, day: date, dice) -> None:
    """Changes items in some workspaces as their people do."""
    chosen = dice.sample(workspaces, min(spread, len(workspaces)))
    for number in range(count):
        workspace = chosen[number % len(chosen)]
        item = dice.choice(workspace["reports"] + workspace["datasets"])
        if "modifiedDateTime" in item:
            item["modifiedDateTime"] = f"{day}T01:00:00"
        else:
            item["name"] = f"{item['name'].partition(' of ')[0]} of {day}"


def write_log(path: Path, day: date, items: int, dice) -> None:
    events = [{
        "Id": guid(7, day.toordinal() * 1000 + number), "RecordType": 20, "Workload": "PowerBI",
        "CreationTime": f"{datetime(day.year, day.month, day.day, number % 24, number % 60):%FT%T}",
        "Operation": "ViewReport", "Activity": "ViewReport", "UserType": 0, "IsSuccess": True,
        "UserId": f"p{dice.randrange(900)}@contoso.example",
        "ReportId": guid(2, dice.randrange(items // 4) * 2)} for number in range(EVENTS_PER_DAY)]
    path.write_text(json.dumps({"activityEventEntities": events, "continuationUri": None,
                                "continuationToken": None, "lastResultSet": True}))


def write(folder: Path, options) -> None:
    dice = random.Random(11)
    workspaces = tenant(options.items, options.workspaces)
    for name in ("scans", "log", "last"):
        (folder / name).mkdir(parents=True)
    count = round(options.items * options.change / 100)
    for number in range(options.days):
        day = FIRST + timedelta(number)
        change(workspaces, count, options.spread, day, dice)
        result = {"workspaces": workspaces, "datasourceInstances": [],
                  "scanCreatedDateTime": f"{day}T02:00:00Z"}
        place = "last" if number == options.days - 1 else "scans"
        text = json.dumps(result, separators=(",", ":")).encode()
        (folder / place / f"{day}.fullscan.json.gz").write_bytes(gzip.compress(text, 1))
        write_log(folder / "log" / f"{day}.json", day, options.items, dice)
    print(f"{options.days} scans of {options.items:,} items in {options.workspaces} workspaces, "
          f"{len(text) / 1e6:.1f} MB of JSON each; {count} items in {options.spread} workspaces "
          f"change each day", flush=True)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(what: str, command: list[str]) -> None:
    """Runs a command, and prints CPU seconds, seconds and peak memory."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)}: {error}")
    print(f"{what:<28} {usage.ru_utime + usage.ru_stime:8.2f} s CPU "
          f"{time.monotonic() - begin:8.2f} s {usage.ru_maxrss / 1024:8.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--workspaces", type=int, default=200)
    parser.add_argument("--change", type=float, default=1, help="percent of the items a day")
    parser.add_argument("--spread", type=int, default=20, help="workspaces that change a day")
    parser.add_argument("--folder", type=Path, help="a folder for the files; temporary by default")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-scans-", dir=options.folder) as name:
        folder, program = Path(name), str(options.program.resolve())
        write(folder, options)
        store = ["--store", str(folder / "store")]
        inventory = folder / "store" / "inventory"
        log, scans, last = (str(folder / part) for part in ("log", "scans", "last"))
        measure("ingest of the log", [program, "ingest", log, *store, "--quiet"])
        measure("ingest of all scans but one", [program, "ingest", scans, *store, "--quiet"])
        before = size(inventory)
        measure("ingest of one more scan", [program, "ingest", scans, last, *store, "--quiet"])
        print(f"{'size of the inventory':<28} {before / 1e6:8.2f} MB, one more scan "
              f"{(size(inventory) - before) / 1e3:.1f} KB", flush=True)
        measure("ingest of nothing new", [program, "ingest", scans, last, *store, "--quiet"])
        measure("status", [program, "status", *store])
        for report in ("unused-reports", "unused-items", "inventory-changes"):
            measure(report, [program, "report", report, *store])


if __name__ == "__main__":
    main()
