"""Checks the status of each day on archives whose hours are known.

    python3 tests/oracle/days.py PROGRAM --archives 1000 --seed 1

A simulated tenant writes events. A simulated collector downloads them day by day, and many things
go wrong: downloads fail, have a filter, run before the day is over, lose a page or an hour, are cut
or never happen. Each archive is written to disk, loaded by the program, and its report `coverage`
is compared with what happened to each day.

A fault of which nothing in the archive bears a trace cannot be found: if an hour is not downloaded,
the records of the download are lost, and no name of a file has the hour, then the day looks like
any other. Such days are not compared, and counted. The exit code is 1 if a day differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass
class Pull:
    """A download of one day, and what became of it."""

    day: date
    fate: str
    made: datetime
    # Hours of the day whose events are in the files.
    hours: set[int] = field(default_factory=set)
    repaired: bool = False


class Simulation:
    """A tenant, its collector and the archive of one seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.log = folder / "log"
        self.log.mkdir(parents=True)
        self.first = date(2026, 2, 20) + timedelta(self.dice.randrange(300))
        self.count = self.dice.randrange(6, 20)
        self.layout = self.dice.choice(["pages", "page files", "arrays", "hours", "stamped"])
        # Some tenants have no records of downloads, because the log is read by another route.
        self.records = self.dice.random() < 0.75
        self.events: list[tuple[datetime, dict]] = []
        self.pulls: list[Pull] = []
        self.number = 0

    def event(self, when: datetime, operation: str, **more) -> None:
        self.number += 1
        self.events.append((when, {
            "Id": f"e{self.number}", "CreationTime": when.isoformat(timespec="seconds"),
            "Operation": operation, "Activity": operation, "RecordType": 20,
            "Workload": "PowerBI", "UserId": f"user{self.number % 5}@contoso.example",
            "UserType": 0, "IsSuccess": True, **more}))

    def days(self) -> list[date]:
        return [self.first + timedelta(number) for number in range(self.count)]

    # ------------------------------------------------------------ what happens

    def run(self) -> None:
        fates = {"whole": 6, "quiet": 2, "hour failed": 1, "filtered": 1, "early": 1,
                 "page lost": 1, "cut": 1, "never": 2}
        for number, day in enumerate(self.days()):
            is_end = number in (0, self.count - 1)
            fate = "whole" if is_end else self.dice.choices(*map(list, zip(*fates.items())))[0]
            if fate == "page lost" and self.layout in ("arrays", "hours", "stamped"):
                # These layouts have no pages.
                fate = "never"
            made = datetime.combine(day, time()) + DAY + self.dice.randrange(2, 5) * HOUR
            if fate == "early":
                made = datetime.combine(day, time()) + self.dice.randrange(6, 22) * HOUR
            self.pulls.append(Pull(day, fate, made))
        for pull in self.pulls:
            if pull.fate != "quiet":
                for hour in range(24):
                    for _ in range(self.dice.randrange(1, 3)):
                        second = timedelta(seconds=self.dice.randrange(3600))
                        at = datetime.combine(pull.day, time()) + hour * HOUR + second
                        self.event(at, "ViewReport", ReportId="r1", WorkspaceId="w1")
        # The platform has a log of its own, which says nothing about the days of Power BI.
        if self.records:
            for pull in self.pulls:
                self.record(pull)
        self.events.sort(key=lambda pair: (pair[0], pair[1]["Id"]))
        for pull in self.pulls:
            self.write(pull)
        if self.dice.random() < 0.4:
            self.write_platform()

    def record(self, pull: Pull) -> None:
        """Adds the records of a download to the log of the day on which it was made."""
        if pull.fate == "never":
            return
        start = datetime.combine(pull.day, time())
        failed = self.dice.randrange(24) if pull.fate == "hour failed" else None
        if pull.fate == "hour failed":
            pull.hours = set(range(24)) - {failed}
        for hour in range(24):
            begin = start + hour * HOUR
            if pull.fate == "early" and begin >= pull.made:
                break
            more = {"IsSuccess": hour != failed}
            if pull.fate == "filtered":
                more["ExportEventActivityTypeParameter"] = "ViewReport"
            self.event(pull.made + timedelta(seconds=5 * hour), "ExportActivityEvents",
                       ExportEventStartDateTimeParameter=begin.isoformat() + "Z",
                       ExportEventEndDateTimeParameter=(
                           begin + HOUR - timedelta(seconds=1)).isoformat() + "Z", **more)

    # ------------------------------------------------------------ files

    def write(self, pull: Pull) -> None:
        if pull.fate == "never":
            return
        start = datetime.combine(pull.day, time())
        if not pull.hours:
            pull.hours = set(range(24))
            if pull.fate == "hour failed":
                pull.hours -= {self.dice.randrange(24)}
        chosen = [(at, event) for at, event in self.events
                  if start <= at < start + DAY and at.hour in pull.hours]
        if pull.fate == "early":
            chosen = [pair for pair in chosen if pair[0] < pull.made]
        if pull.fate == "filtered":
            chosen = [pair for pair in chosen if pair[1]["Operation"] == "ViewReport"]
        events = [event for _, event in chosen]
        name = pull.day.strftime("%Y%m%d")
        if self.layout == "pages":
            files = {f"{name}.json": "\n".join(self.pages(pull, events))}
        elif self.layout == "page files":
            pages = self.pages(pull, events)
            files = {f"{name}-{at + 1}.json": page for at, page in enumerate(pages)}
        elif self.layout == "hours":
            files = {}
            for hour in sorted(pull.hours):
                if pull.fate == "early" and start + hour * HOUR >= pull.made:
                    break
                of_hour = [event for at, event in chosen if at.hour == hour]
                files[f"{pull.day}T{hour:02}.json"] = self.page(of_hour, last=True)
        elif self.layout == "stamped":
            files = {f"PBIActivityEvents-{name}-{pull.made:%Y%m%d%H%M}.json": json.dumps(events)}
        else:
            files = {f"PBIActivityEvents-{name}.json": json.dumps(events)}
        if pull.fate == "cut":
            files = {file: text[:len(text) * 2 // 3] for file, text in files.items()}
        for file, text in files.items():
            path = self.log / file
            path.write_text(text, encoding="utf-8")
            written = (pull.made - datetime(1970, 1, 1)).total_seconds() + 60
            os.utime(path, (written, written))

    def page(self, events: list[dict], last: bool) -> str:
        uri = None if last else "https://api.example/v1.0/admin/activityevents?token=abc"
        return json.dumps({"activityEventEntities": events, "continuationUri": uri,
                           "continuationToken": None if last else "abc", "lastResultSet": last})

    def pages(self, pull: Pull, events: list[dict]) -> list[str]:
        size = self.dice.randrange(10, 40)
        parts = [events[at:at + size] for at in range(0, len(events), size)] or [[]]
        if pull.fate == "page lost" and len(parts) == 1:
            parts = [parts[0], []]
        pages = [self.page(part, at + 1 == len(parts)) for at, part in enumerate(parts)]
        if pull.fate == "page lost":
            kept = self.dice.randrange(1, len(pages))
            pages = pages[:kept]
            pull.hours = {int(event["CreationTime"][11:13]) for part in parts[:kept]
                          for event in part}
        return pages

    def write_platform(self) -> None:
        rows = []
        for day in self.days():
            for hour in (1, 13):
                when = datetime.combine(day, time(hour))
                self.number += 1
                rows.append({"Id": f"p{self.number}", "CreationTime": when.isoformat(),
                             "Operation": "LaunchPowerApp", "RecordType": 45,
                             "Workload": "PowerApps", "UserId": "user1@contoso.example",
                             "UserType": 0, "AppName": "a1", "ResultStatus": "Success"})
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (self.log / "platform.ndjson").write_text(text, encoding="utf-8")

    # ------------------------------------------------------------ truth

    def kept_records(self, pull: Pull) -> bool:
        """Returns true if the archive holds the records of a download."""
        if not self.records:
            return False
        keeper = next((other for other in self.pulls if other.day == pull.made.date()), None)
        if keeper is None or keeper.fate in ("never", "filtered", "cut", "page lost"):
            return False
        last = pull.made + timedelta(seconds=5 * 24)
        return {pull.made.hour, last.hour} <= keeper.hours and not (
            keeper.fate == "early" and last >= keeper.made)

    def allowed(self, pull: Pull) -> set[str] | None:
        """Returns the statuses that are right, or None if the archive has no trace of the fault."""
        is_recorded = self.kept_records(pull)
        if pull.fate in ("whole", "quiet"):
            return {"complete"}
        if pull.fate in ("hour failed", "filtered"):
            return {"partial"} if is_recorded else None
        if pull.fate == "early":
            return {"partial"}
        if pull.fate in ("page lost", "cut"):
            return {"truncated"}
        return {"missing"}


def program(path: Path, folder: Path, *arguments: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
    done = subprocess.run([str(path), *arguments], capture_output=True, check=False, env=clean,
                          cwd=folder)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def check(path: Path, seed: int, counts: Counter) -> list[str]:
    """Returns the days of one archive whose status is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulation = Simulation(seed, folder)
        simulation.run()
        days = simulation.days()
        answer = program(path, folder, "report", "coverage", "--from", "log", "--format", "json",
                         "--quiet", "--since", str(days[0]), "--until", str(days[-1]))
        rows = {row["day"][:10]: row for row in json.loads(answer)["rows"]}
    wrong = []
    for pull in simulation.pulls:
        row, allowed = rows[str(pull.day)], simulation.allowed(pull)
        counts[pull.fate] += 1
        if allowed is None:
            counts["without a trace"] += 1
        elif row["status"] not in allowed:
            counts["wrong"] += 1
            counts[f"wrong {row['status']}"] += 1
            wrong.append(f"seed {seed}, {simulation.layout}, {pull.day}: {pull.fate}, made "
                         f"{pull.made}, is {row['status']} ({row['reason']}), not "
                         f"{' or '.join(sorted(allowed))}; records "
                         f"{simulation.kept_records(pull)}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--archives", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first archive")
    parser.add_argument("--show", type=int, default=20, help="number of wrong days to print")
    options = parser.parse_args()
    counts: Counter = Counter()
    wrong = []
    for seed in range(options.seed, options.seed + options.archives):
        wrong += check(options.program.resolve(), seed, counts)
    for line in wrong[:options.show]:
        print(line)
    total = sum(count for fate, count in counts.items()
                if fate not in ("without a trace", "wrong") and not fate.startswith("wrong "))
    print(f"{options.archives} archives, {total} days, {counts['without a trace']} without a "
          f"trace, {counts['wrong']} wrong")
    print(", ".join(f"{fate}: {count}" for fate, count in sorted(counts.items())))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
