"""Creates a store with the program and reads the figures of the program and of the Delta log."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

# Number of the event that is in every part.
EARLY = 999_999

# A user and a dataset that no archive has: readers must return these values.
USER = "zoë.müller@interop.example"
DATASETS = [
    {"DatasetId": "00000000-0000-4000-8000-00000000da7a", "DatasetName": 'Umsätze "Süd"'},
    {"DatasetId": None, "DatasetName": "日本"},
]


@dataclass(frozen=True)
class Account:
    """Content of the store according to the program."""

    events: int
    files: int
    size_bytes: int
    first: datetime
    last: datetime


class Store:
    """A store in a temporary folder, written by the program under test."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder / "store"
        self.events = self.folder / "events"
        self.parts = folder / "parts"
        self.stored = 0

    def ingest(self, *sources: Path) -> Account:
        """Ingests sources into the store. Exit code 3 is a success with warnings on a source."""
        command = [self.program, "ingest", *sources, "--store", self.folder]
        command += ["--format", "json", "--quiet"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode not in (0, 3):
            errors = done.stderr.decode(errors="replace").strip()
            raise SystemExit(f"ingest ended with {done.returncode}: {errors}")
        report = json.loads(done.stdout)
        self.stored += report["records"]["stored"]
        if self.stored != report["store"]["events"]:
            raise SystemExit(
                f"the runs stored {self.stored} events, but the program reports "
                f"{report['store']['events']}"
            )
        return Account(
            events=report["store"]["events"],
            files=report["store"]["files"],
            size_bytes=report["store"]["bytes"],
            first=datetime.fromisoformat(report["period"]["first"]),
            last=datetime.fromisoformat(report["period"]["last"]),
        )

    def fill(self, archive: Path, commits: int) -> Account:
        """Ingests an archive, then one more file per commit."""
        account = self.ingest(archive)
        begin = account
        self.parts.mkdir()
        for number in range(commits):
            write_part(self.parts / f"{number:04}.ndjson", number, begin)
            account = self.ingest(archive, self.parts)
        expected = begin.events + (commits + 1 if commits else 0)
        if account.events != expected:
            raise SystemExit(f"the store contains {account.events} events instead of {expected}")
        return account


def write_part(path: Path, number: int, begin: Account) -> None:
    """Returns a new event after all others, and one of a month before that every part has."""
    newest = begin.last.replace(microsecond=999_999) + timedelta(seconds=number + 1)
    events = [event(number, newest), event(EARLY, begin.first - timedelta(days=40))]
    lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in events)
    path.write_text("".join(lines), encoding="utf-8")


def event_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def event(number: int, time: datetime) -> dict[str, object]:
    return {
        "Id": event_id(number),
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "Operation": "ViewReport",
        "Activity": "ViewReport",
        "RecordType": 20,
        "Workload": "PowerBI",
        "UserId": USER,
        "Datasets": DATASETS,
        "NobodyKnows": {"number": number},
    }


def files_in_log(events: Path) -> dict[str, int]:
    """Returns the files of the log with their sizes, by replaying its JSON commits from the first.

    Checkpoints are left alone, so that readers that use them are compared with one that does not.
    """
    files: dict[str, int] = {}
    for commit in sorted((events / "_delta_log").glob("*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "add" in action:
                files[action["add"]["path"]] = action["add"]["size"]
            elif "remove" in action:
                del files[action["remove"]["path"]]
    return files


def files_in_folder(events: Path) -> dict[str, int]:
    """Returns the files that a glob finds, with their sizes."""
    paths = events.glob("month=*/*.parquet")
    return {path.relative_to(events).as_posix(): path.stat().st_size for path in paths}
