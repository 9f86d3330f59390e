"""Writes random log archives from a seed: the days of an invented tenant, and the files of its
downloads.

The files are those of several collectors, which overlap. What is true of each day is written to
`truth.json`, outside the folder of the log files: whether the day was downloaded in full, in part,
in a truncated file, or never. It is the one thing that a reader of the events cannot know.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import takewhile
from pathlib import Path

from tenant import ZONES, Dice, Log, Tenant  # noqa: F401  (ZONES is part of this interface)

# First days around which the clocks of some zones change, and ordinary ones.
STARTS = ["2024-02-20", "2024-10-01", "2025-03-01", "2025-09-20", "2025-01-01", "2025-06-10"]

@dataclass
class Archive:
    """A written archive."""

    seed: int
    folder: Path
    first: date
    last: date
    days: dict[str, str] = field(default_factory=dict)
    traits: list[str] = field(default_factory=list)


# ---------------------------------------------------------------- files


def dump(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_pages(path: Path, events: list[dict], dice: Dice) -> None:
    """Writes REST pages one after another, as a script appends them; the last one is empty."""
    size, pages = dice.between(20, 60), []
    for begin in range(0, len(events), size):
        pages.append({"activityEventEntities": events[begin:begin + size], "continuationUri": None,
                      "continuationToken": None, "lastResultSet": False})
    pages.append({"activityEventEntities": [], "continuationUri": None, "continuationToken": None,
                  "lastResultSet": True})
    path.write_text("\n".join(map(dump, pages)), encoding="utf-8")


def write_array(path: Path, events: list[dict], dice: Dice) -> None:
    path.write_text(json.dumps(events, indent=dice.pick([None, 2]), ensure_ascii=False),
                    encoding=dice.pick(["utf-8", "utf-8-sig"]))


def write_lines(path: Path, events: list[dict], _dice: Dice) -> None:
    path.write_text("".join(dump(event) + "\n" for event in events), encoding="utf-8")


def write_csv(path: Path, events: list[dict]) -> None:
    """Writes an export of the audit search, as the portal does."""
    out = io.StringIO()
    table = csv.writer(out, quoting=csv.QUOTE_ALL)
    if len(events) % 100 == 0:
        # Exactly as many records as a limit of the tools would mean that the file is truncated.
        events = events[:-1]
    table.writerow(["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData"])
    for event in events:
        table.writerow([event["Id"], event["CreationTime"], event.get("RecordType", 20),
                        event["Operation"], event["UserId"], dump(event)])
    path.write_text(out.getvalue(), encoding="utf-8-sig")


def poorer(event: dict, dice: Dice) -> dict:
    """Returns a copy that lacks some members, as older downloads do."""
    kept = ("Id", "CreationTime", "Operation", "UserId", "UserType", "RecordType", "Workload")
    return {name: value for name, value in event.items() if name in kept or dice.chance(0.7)}


FORMS = {"pages": write_pages, "array": write_array, "ndjson": write_lines}


def fates(dice: Dice, first: date, days: int, traits: list[str]) -> list[str]:
    """Returns what becomes of each day. The first and last two days are complete."""
    gaps = dice.pick([0.02, 0.06]) if "gaps" in traits else 0.0
    fate = []
    for number in range(days):
        if number < 2 or number >= days - 2 or not dice.chance(gaps):
            fate.append("complete")
        else:
            fate.append(dice.pick(["missing", "missing", "hours", "early", "truncated"]))
    if "long gap" in traits and days > 75:
        begin = dice.between(20, days - 45)
        fate[begin:begin + dice.between(8, 33)] = []
        fate[begin:begin] = ["missing"] * (days - len(fate))
    if "quiet days" in traits:
        for number in range(3, days - 3):
            weekend = (first + timedelta(number)).weekday() >= 5
            # A day is quiet only if nothing else is written on it: the day before is not recorded.
            if weekend and fate[number] == "complete" and dice.chance(0.3):
                fate[number] = "quiet"
    for number in range(days - 1):
        # The next day records which hours were downloaded. Without it, nothing shows the gap.
        if fate[number] == "hours" and fate[number + 1] == "missing":
            fate[number] = "early"
    return fate


# Strange things that an archive can contain, and how many archives do.
TRAITS = {
    "gaps": 0.6, "long gap": 0.25, "quiet days": 0.25, "weekends": 0.6, "copies": 0.7,
    "poorer copies": 0.4, "any case": 0.6, "empty activity": 0.6, "failures": 0.85,
    "nameless items": 0.6, "schedules": 0.8, "scans": 0.6, "power platform": 0.7,
    "wrong clock": 0.2,
}


def build(seed: int, root: Path, without: tuple[str, ...] = (), every: bool = False) -> Archive:
    """Writes the archive of a seed below a folder, with some or all traits."""
    dice = Dice(f"archive {seed}")
    size = dice.pick(["short", "medium", "medium", "medium", "long"])
    days = {"short": dice.between(9, 30), "medium": dice.between(60, 130),
            "long": dice.between(330, 460)}[size]
    first = date.fromisoformat(dice.pick(STARTS)) + timedelta(dice.below(20))
    last = first + timedelta(days - 1)
    traits = [size, *(trait for trait, share in TRAITS.items() if dice.chance(share) or every)]
    traits = [trait for trait in traits if trait not in without]
    archive = Archive(seed, root / "log", first, last, traits=traits)
    archive.folder.mkdir(parents=True)
    log = Log(Tenant(dice, first, last), dice, traits)
    busy = {"short": 25, "medium": 14, "long": 4}[size]
    fate = fates(dice, first, days, traits)
    for number in range(days):
        day = first + timedelta(number)
        if fate[number] != "quiet":
            weekend = "weekends" in traits and day.weekday() >= 5
            log.births(day)
            log.day(day, busy / 6 if weekend else busy)
            if dice.chance(0.02):
                log.burst(day)
    for number in range(days - 1):
        if fate[number] in ("complete", "truncated", "quiet"):
            log.downloads(first + timedelta(number))
        elif fate[number] == "hours":
            log.downloads(first + timedelta(number), 0, 14)
    write(archive, log, fate, dice)
    (root / "truth.json").write_text(json.dumps({
        "seed": seed, "first": str(first), "last": str(last), "traits": traits,
        "days": archive.days}), encoding="utf-8")
    return archive


def write(archive: Archive, log: Log, fate: list[str], dice: Dice) -> None:
    by_day: dict[date, list[dict]] = {}
    for when, event in sorted(log.events, key=lambda pair: pair[0]):
        by_day.setdefault(when.date(), []).append((when, event))
    form = dice.pick(list(FORMS))
    for number, what in enumerate(fate):
        day = archive.first + timedelta(number)
        events = by_day.get(day, [])
        status = {"quiet": "complete", "hours": "partial", "early": "partial"}.get(what, what)
        archive.days[str(day)] = status
        if what == "missing":
            continue
        if what == "hours":
            events = [pair for pair in events if pair[0].hour < 14]
        written = f"{day + timedelta(1):%Y%m%d}0310"
        if what == "early":
            events = [pair for pair in events if pair[0].hour < 9]
            written = f"{day:%Y%m%d}1000"
        records = [event for _, event in events]
        path = archive.folder / f"PBIActivityEvents-{day:%Y%m%d}-{written}.json"
        FORMS[form](path, records, dice)
        if what == "truncated":
            data = path.read_bytes()
            path.write_bytes(data[:int(len(data) * (0.75 + dice.random() * 0.2))])
        if dice.chance(0.08):
            form = dice.pick(list(FORMS))
        again = "copies" in archive.traits and what == "complete" and dice.chance(0.2)
        if again and number + 2 < len(fate):
            copies = [poorer(event, dice) if "poorer copies" in archive.traits else event
                      for event in records]
            later = f"{day + timedelta(2):%Y%m%d}0930"
            second = archive.folder / f"PBIActivityEvents-{day:%Y%m%d}-{later}.json"
            FORMS[dice.pick(list(FORMS))](second, copies, dice)
    if "wrong clock" in archive.traits:
        # An event that is dated long after its own file was written.
        views = [event for _, event in log.events if event["Operation"] == "ViewReport"]
        wrong = {**dice.pick(views), "Id": dice.guid(),
                 "CreationTime": f"2090-01-{dice.between(10, 28)}T09:30:00"}
        write_lines(archive.folder / f"PBIActivityEvents-{archive.first:%Y%m%d}-clock.json",
                    [wrong], dice)
    platform = [event for _, event in sorted(log.platform, key=lambda pair: pair[0])]
    if "power platform" in archive.traits:
        write_csv(archive.folder / f"audit-power-apps-{archive.first}-to-{archive.last}.csv",
                  platform)
    if "copies" in archive.traits:
        # A search of the audit log over some days repeats events of the daily files. It has all
        # events of its days, so it ends before a day whose events are not in the files.
        begin = dice.below(max(1, len(fate) - 8))
        chosen = list(takewhile(lambda day: fate[day] == "complete",
                                range(begin, min(begin + 6, len(fate)))))
        repeated = [event for day in chosen
                    for _, event in by_day.get(archive.first + timedelta(day), [])]
        if repeated:
            write_csv(archive.folder / f"audit-power-bi-{archive.first + timedelta(begin)}.csv",
                      repeated)
