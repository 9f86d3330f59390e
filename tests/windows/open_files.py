#!/usr/bin/env python3
"""Runs the program while another one keeps data files of the store open: open_files.py PROGRAM

The temporary folder must be on a file system with the rules of Windows (windows_fs.py), where an
open file cannot be deleted. Commands that replace data files must still succeed, count every event
once, and delete the files later.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path


def run(program: str, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode != code:
        message = f"exit code {done.returncode}, expected {code}\n{done.stdout}{done.stderr}"
        raise SystemExit(f"{' '.join(words)}: {message}")
    return done


def write_day(folder: Path, day: int, more: str = "") -> None:
    events = [
        {"Id": f"{day}-{number}", "CreationTime": f"2026-03-{day:02}T10:00:00",
         "Operation": "ViewReport", "UserId": f"person{number}@example.com", "ReportName": more}
        for number in range(20)
    ]
    (folder / f"day-{day:02}{more}.json").write_text(json.dumps(events), encoding="utf-8")


def data_files(store: Path) -> list[Path]:
    return sorted(store.glob("events/month=*/*.parquet"))


def verify(program: str, store: Path, code: int) -> dict:
    words = ["verify", "--store", str(store), "--format", "json"]
    return json.loads(run(program, *words, code=code).stdout)


def check(program: str, folder: Path, command: list[str], code: int, message: str) -> None:
    """Runs a command while all data files are open, and `compact` when they are closed."""
    store = folder / "store"
    before = data_files(store)
    with ExitStack() as opened:
        for path in before:
            opened.enter_context(path.open("rb"))
        done = run(program, *command, "--store", str(store), code=code)
        assert message in done.stdout + done.stderr, done
        kept = [path for path in before if path.exists()]
        assert kept == before, "the file system must refuse to delete open files"
        # The table is right, and the program names what else is in its folder.
        verdict = verify(program, store, 1)
        assert verdict["events"] == 40, verdict
        strays = next(check for check in verdict["checks"] if check["name"] == "strays")
        failures = {check["name"]: check["failures"] for check in verdict["checks"]}
        assert failures["strays"] == len(kept), failures
    run(program, "compact", "--store", str(store))
    assert verify(program, store, 0)["events"] == 40
    assert not any(path.exists() for path in before), before
    print(f"{command[0]}: {len(kept)} open files were named, and deleted by the next command")


def main() -> None:
    program = sys.argv[1]
    open_elsewhere = "because another program has them open"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "log"
        log.mkdir()
        write_day(log, 1)
        run(program, "ingest", str(log), "--store", str(folder / "store"), "--quiet")
        # Small files of a month are merged by the run that adds one.
        write_day(log, 2)
        check(program, folder, ["ingest", str(log)], 0, open_elsewhere)
        # Copies with more fields replace the files of their events.
        write_day(log, 2, "Sales")
        check(program, folder, ["ingest", str(log)], 0, open_elsewhere)
        # An address in a file that is still there is not erased.
        forget = ["forget", "--pseudonymize", "--user", "person7@example.com"]
        check(program, folder, forget, 1, "these files still contain an address")


if __name__ == "__main__":
    main()
