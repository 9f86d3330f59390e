"""Compares the reports of the program with a second calculation, on random archives.

    python3 tests/oracle/compare.py PROGRAM --seeds 1-20
    python3 tests/oracle/compare.py PROGRAM --seconds 7200 --seeds today
    python3 tests/oracle/compare.py PROGRAM --seeds 7 --report exports --show 50
    python3 tests/oracle/compare.py PROGRAM --break adoption
    python3 tests/oracle/compare.py --self-test

The exit code is 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from math import floor
from pathlib import Path

import archive
import governance  # noqa: F401  (adds its reports to the list)
import people  # noqa: F401
import usage  # noqa: F401
from archive import Dice
from context import Context, Log, Question
from events import read
from report import REPORTS, Report

# Digits after the point that the program prints; other numbers must be equal.
DIGITS = {"views_per_viewer": 2, "trend": 2, "per_day": 2, "stickiness": 2, "dau": 1,
          "views_per_day": 1, "avg_7d": 1}

OWN_PARAMS = {
    "adoption": [("grain", "week"), ("grain", "month"), ("activity", "view")],
    "consumption-trend": [("grain", "week"), ("grain", "month")],
    "dormant-workspaces": [("days", "3"), ("days", "10")],
    "excel-and-external": [("minutes", "1"), ("minutes", "29")],
    "exports": [("spike", "3")],
    "noise": [("by", "day")],
    "deletions-and-takeovers": [("days_before", "5")],
    "user-classification": [("class", "frequent"), ("class", "occasional")],
    "content-classification": [("class", "active")],
    "external-users": [("internal_domains", "contoso.example,partner.example")],
    "sharing-audit": [("internal_domains", "contoso.example")],
}


# Reports that --details shows in full: the flag of an item, the column of its ID, and the tables with
# the report that each is from.
DETAILS = {
    "top-reports": ("report", "report_id"),
    "workspace-usage": ("workspace", "workspace_id"),
    "top-users": ("user", "user"),
}
DETAIL_TABLES = {
    "viewers": "top-users", "reports": "top-reports", "clients": "consumption-method",
    "distribution": "distribution-method", "exports": "exports", "shares": "sharing-audit",
}

# Figures that --compare shows, and the columns that identify a row.
COMPARED = {
    "top-reports": ("views viewers active_days", "report workspace report_id workspace_id"),
    "top-dashboards": ("views viewers active_days",
                       "dashboard workspace dashboard_id workspace_id"),
    "top-users": ("views other_views reports active_days", "user"),
    "workspace-usage": ("views viewers creators exports edits", "workspace workspace_id"),
    "app-usage": ("views viewers installs", "app app_id"),
    "distribution-method": ("views viewers reports", "method"),
    "consumption-method": ("views viewers dashboard_views", "breakdown name"),
    "failed-activities": ("failed events", "activity user"),
    "service-principals": ("events failed", "principal activity"),
    "external-users": ("views exports changes events", "guest domain"),
}


class Program:
    """The program, and the store of one archive."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.store = path, folder / "store"
        self.run("ingest", str(folder / "log"), "--quiet")

    def run(self, *arguments: str) -> str:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
        command = [str(self.path), *arguments, "--store", str(self.store)]
        done = subprocess.run(command, capture_output=True, check=False, env=clean)
        # 3 says that a file is damaged, which some archives contain.
        if done.returncode not in (0, 3):
            raise SystemExit(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def reports(self, question: Question, folder: Path) -> dict[str, list[dict]]:
        """Returns the rows of all reports."""
        self.run("report", "--all", "--output-dir", str(folder), "--format", "json", "--quiet",
                 *question.flags())
        return {name: json.loads((folder / f"{name}.json").read_text())["rows"]
                for name in REPORTS}

    def report(self, name: str, question: Question, *flags: str) -> list[dict]:
        return json.loads(self.run("report", name, "--format", "json", "--quiet", *flags,
                                   *question.flags()))["rows"]

    def details(self, name: str, question: Question) -> dict:
        """Returns the tables of the only item of a report that the filters name."""
        return json.loads(self.run("report", name, "--details", "--format", "json", "--quiet",
                                   *question.flags()))["tables"]


# ---------------------------------------------------------------- equality


def plain(value):
    """Returns a value as JSON has it, with instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def got_value(value, want):
    """Returns a value of the program in the form of the expected one."""
    if isinstance(want, datetime) and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(timezone.utc).isoformat()
    return value


def same(column: str, got, want) -> bool:
    if isinstance(want, bool) or isinstance(got, bool) or want is None or got is None:
        return got == want
    if isinstance(want, (int, float)) and isinstance(got, (int, float)):
        digits = 1 if column.endswith("_pct") else DIGITS.get(column)
        return got == want if digits is None else abs(got - want) <= 0.5 * 10**-digits + 1e-9
    return got_value(got, want) == plain(want)


class Comparison:
    """Counts what was compared, and keeps the differences."""

    def __init__(self, show: int) -> None:
        self.show = show
        self.reports: set[str] = set()
        self.archives = self.periods = self.values = self.differences = 0
        self.items = self.comparisons = 0
        self.by_column: Counter = Counter()

    def differ(self, where: str, report: Report, question: Question, row, column, got, want):
        self.differences += 1
        self.by_column[report.name, column] += 1
        if self.by_column[report.name, column] <= self.show:
            print(f"{where}, {report.name} {' '.join(question.flags())}\n"
                  f"    row {row}, {column}: got {got!r}, expected {want!r}", flush=True)

    def differ_unless(self, where, report: Report, question: Question, row, column, got, want):
        """Compares one value."""
        self.values += 1
        if got != want:
            self.differ(where, report, question, row, column, got, want)

    def rows(self, where: str, report: Report, question: Question, got: list, want: list) -> None:
        self.cells(where, report, question, got, want)
        self.order(where, report, question, got)

    def cells(self, where: str, report: Report, question: Question, got: list, want: list) -> None:
        """Compares every value of every row; rows are matched by their key."""
        self.reports.add(report.name)
        expected, found = {}, {}
        for row in want:
            expected.setdefault(tuple(plain(row.get(part)) for part in report.key), []).append(row)
        for row in got:
            found.setdefault(tuple(row[part] for part in report.key), []).append(row)
        for key in [*expected, *(key for key in found if key not in expected)]:
            ours, theirs = expected.get(key, []), found.get(key, [])
            if len(ours) != len(theirs):
                self.values += 1
                self.differ(where, report, question, key, "number of rows", len(theirs), len(ours))
                continue
            for mine, other in zip(ours, theirs):
                for column, value in mine.items():
                    self.values += 1
                    if not same(column, other[column], value):
                        self.differ(where, report, question, key, column,
                                    got_value(other[column], value), plain(value))

    def order(self, where: str, report: Report, question: Question, got: list) -> None:
        """Checks that the rows are in the documented order, and numbered in it."""
        for number, row in enumerate(got, 1):
            if row.get("rank", number) != number:
                self.differ(where, report, question, number, "rank", row["rank"], number)
        keys = [[sort_key(part, row) for part in report.order] for row in got]
        for number, (before, after) in enumerate(zip(keys, keys[1:])):
            for (column, falls, left), (_, _, right) in zip(before, after):
                if left is None or right is None:
                    break
                if left != right:
                    if (left < right) == falls:
                        self.differ(where, report, question, number + 2, f"order by {column}",
                                    right, f"after {left!r}")
                    break

    def summary(self) -> str:
        return (f"{len(self.reports)} reports, {self.archives} archives, {self.periods} periods, "
                f"{self.items} items in detail, {self.comparisons} comparisons, "
                f"{self.values:,} values, {self.differences} differences")


def sort_key(part: str, row: dict) -> tuple:
    """Column, whether it falls, and value; the order of named classes is that of their list."""
    column, _, classes = part.lstrip("-").partition(":")
    value = classes.split(",").index(row[column]) if classes else row[column]
    return column, part.startswith("-"), value


def changed(value):
    """Returns another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    return value + timedelta(days=1) if isinstance(value, date) else f"{value}?"


def broken(rows: list[dict], column: str | None = None) -> list[dict]:
    """Changes one expected value, to prove that a difference is reported."""
    for number, row in enumerate(rows):
        for name, value in row.items():
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and (name == column or column is None and is_number):
                return [*rows[:number], {**row, name: changed(value)}, *rows[number + 1:]]
    return rows


def as_json(rows: list[dict]) -> list[dict]:
    """Returns rows as the program would print them."""
    def value(column, cell):
        digits = 1 if column.endswith("_pct") else DIGITS.get(column)
        return round(cell, digits) if digits and isinstance(cell, float) else plain(cell)
    return [{column: value(column, cell) for column, cell in row.items()} for row in rows]


def check_columns(report, question, want: list[dict]) -> tuple[int, list[str]]:
    """Changes one value of every column of the right rows. Returns the number of columns, and what
    was not reported."""
    clean, columns, silent = Comparison(show=5), 0, []
    clean.cells("self-test", report, question, as_json(want), want)
    if clean.differences or not want:
        silent.append(f"{report.name}: {clean.differences} differences, {len(want)} rows")
    for column in want[0] if want else []:
        if any(row[column] is not None for row in want):
            columns += 1
            result = Comparison(show=0)
            result.cells("self-test", report, question, as_json(want), broken(want, column))
            if not result.differences:
                silent.append(f"{report.name}: a changed {column} was not reported")
    return columns, silent


def self_test(seed: int = 6) -> None:
    """Changes one value of every column of every report, and requires that it is reported."""
    with tempfile.TemporaryDirectory(prefix="pbi-oracle-") as name:
        description = archive.build(seed, Path(name), every=True)
        log = Log(read(description.folder), description.days)
    question, columns, silent = Question("Europe/Berlin", params=(("days", "0"),)), 0, []
    for report in REPORTS.values():
        want = report.run(log, question)
        found, unreported = check_columns(report, question, want)
        columns += found
        silent += unreported
    print(f"self-test: {len(REPORTS)} reports, {columns} changed columns, "
          f"{len(silent)} not reported", *silent, sep="\n    ")
    sys.exit(1 if silent else 0)


# ---------------------------------------------------------------- questions


def questions(dice: Dice, log: Log, count: int) -> list[Question]:
    """Returns periods, zones and filters for one archive; the first is the whole log."""
    days = [date.fromisoformat(day) for day in log.truth]
    found = [Question(zone=dice.pick(archive.ZONES))]
    while len(found) < count:
        begin = dice.below(len(days))
        end = min(len(days) - 1, begin + dice.pick([0, 3, 6, 13, 27, 40, 90, 400]))
        since, until = str(days[begin]), str(days[end])
        if dice.chance(0.2):
            since, until = f"{dice.pick([1, 7, 10, 14, 28, 30, 60])}d", None
        found.append(Question(
            zone=dice.pick(archive.ZONES), since=since, until=until,
            noise=dice.pick(["exclude", "exclude", "include", "exclude-all-reads"]),
            actors=dice.pick([None, None, None, "all", "people", "services"]),
            filters=filters(dice, log) if dice.chance(0.25) else ()))
    return found


def filters(dice: Dice, log: Log) -> tuple[tuple[str, str], ...]:
    event = dice.pick(log.of(False))
    choices = [("user", event.user or "*"), ("user", "*0*"), ("workspace", "team 1*"),
               ("workspace", event.workspace or "*"), ("activity", "View*")]
    return tuple(dice.some(choices, 2))


def check(archive_seed: int, program: Path, options, result: Comparison, stop: float) -> None:
    """Compares all reports on one archive."""
    with tempfile.TemporaryDirectory(prefix="pbi-oracle-") as name:
        root = Path(name)
        description = archive.build(archive_seed, root, tuple(options.without.split(",")))
        where = f"seed {archive_seed} ({', '.join(description.traits)})"
        log = Log(read(description.folder), description.days)
        runner = Program(program, root)
        dice = Dice(f"questions {archive_seed}")
        result.archives += 1
        for number, question in enumerate(questions(dice, log, options.periods)):
            if time.monotonic() > stop:
                return
            result.periods += 1
            chosen = [REPORTS[name] for name in options.report or REPORTS]
            if options.report:
                got = {report.name: runner.report(report.name, question) for report in chosen}
            else:
                folder = root / f"out-{number}"
                folder.mkdir()
                got = runner.reports(question, folder)
            for report in chosen:
                want = report.run(log, question)
                want = broken(want) if report.name == options.broken else want
                result.rows(where, report, question, got[report.name], want)
            if not options.report:
                check_details(where, runner, log, question, dice, result)
                check_comparison(where, runner, log, question, dice, result)
            own = [report for report in chosen if report.name in OWN_PARAMS]
            for report in dice.some(own, 2) if own else []:
                param = dice.pick(OWN_PARAMS[report.name])
                asked = Question(**{**question.__dict__, "params": (param,)})
                result.rows(where, report, asked, runner.report(report.name, asked),
                            report.run(log, asked))


def check_details(where: str, runner: Program, log: Log, question: Question, dice: Dice,
                  result: Comparison) -> None:
    """Compares the tables of one item with the reports, each with the item as filter."""
    name = dice.pick(list(DETAILS))
    kind, column = DETAILS[name]
    items = [row for row in REPORTS[name].run(log, question) if row[column] not in (None, "")]
    counts = Counter(row[column] for row in items)
    items = [row for row in items if counts[row[column]] == 1 and row["views"] > 0
             and not set("*?[](") & set(row[column])]
    if not items or kind in dict(question.filters):
        return
    item = dice.pick(items)
    asked = replace(question, filters=(*question.filters, (kind, item[column])))
    tables = runner.details(name, asked)
    result.items += 1
    summary = tables["summary"]["rows"][0]
    result.differ_unless(where, REPORTS[name], asked, "summary", "views", summary["views"],
                         item["views"])
    for table, source in DETAIL_TABLES.items():
        if table not in tables:
            continue
        report, columns = REPORTS[source], tables[table]["columns"]
        shown = [{column: row[column] for column in columns if column in row}
                 for row in report.run(log, asked)]
        key = tuple(part for part in report.key if part in columns)
        # Rows with the same key are matched by their texts and whole numbers.
        plain_columns = [column for column in columns if all(
            isinstance(row.get(column), (str, int, type(None))) for row in shown)]
        got, want = (sorted(rows, key=lambda row: str([row.get(c) for c in plain_columns]))
                     for rows in (tables[table]["rows"], shown))
        result.cells(where, replace(report, key=key), asked, got, want)


def check_comparison(where: str, runner: Program, log: Log, question: Question, dice: Dice,
                     result: Comparison) -> None:
    """Compares a report with the same number of days before the period, on comparable days."""
    if question.since is None or question.until is None:
        return
    report = REPORTS[dice.pick(list(COMPARED))]
    whole = Context(log, question)
    since, until = date.fromisoformat(question.since), date.fromisoformat(question.until)
    if since < whole.first_day or until > whole.last_day:
        return
    before = [since - timedelta(days=back) for back in range((until - since).days + 1, 0, -1)]
    early, late = set(), set()
    if before[0] >= whole.first_day:
        early, late = whole.comparable(before, whole.period)
    figures, key = (names.split() for names in COMPARED[report.name])
    now = report.run(log, replace(question, only=frozenset(late) if late else None))
    then = report.run(log, replace(question, since=str(before[0]), until=str(before[-1]),
                                   only=frozenset(early))) if early else []
    by_key = {tuple(row[part] for part in key): row for row in then}
    want = []
    for row in now:
        old = by_key.pop(tuple(row[part] for part in key), {})
        want.append(compared_row(row, key, figures, row, old if early else None))
    want += [compared_row(row, key, figures, {}, row) for row in by_key.values()]
    got = runner.report(report.name, question, "--compare", "previous")
    result.comparisons += 1
    result.cells(f"{where}, --compare previous", replace(report, key=tuple(key)), question, got,
                 want)


def compared_row(row: dict, key: list[str], figures: list[str], now: dict, then: dict | None):
    """Returns both values of each figure, their difference, and the difference in percent."""
    cells = {part: row[part] for part in key}
    for figure in figures:
        value, old = now.get(figure, 0), None if then is None else then.get(figure, 0)
        change = None if old is None else value - old
        percent = floor(change * 1000 / old + 0.5) / 10 if old else None
        cells |= {figure: value, f"{figure}_before": old, f"{figure}_change": change,
                  f"{figure}_change_pct": percent}
    return cells


def seeds(text: str) -> list[int]:
    """Parses `7`, `1-20` or `today`, which is a new start every day."""
    found = []
    for part in text.split(","):
        if part == "today":
            begin = int(f"{datetime.now(timezone.utc):%Y%m%d}") * 100
            found += range(begin, begin + 100)
        elif "-" in part:
            begin, end = map(int, part.split("-"))
            found += range(begin, end + 1)
        else:
            found.append(int(part))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, nargs="?")
    parser.add_argument("--self-test", action="store_true",
                        help="change one value of every column, and require a difference")
    parser.add_argument("--seeds", default="1-10", help="7, 1-20, today, or several with commas")
    parser.add_argument("--periods", type=int, default=5, help="periods of each archive")
    parser.add_argument("--seconds", type=float, default=36000, help="stop after this time")
    parser.add_argument("--without", default="", help="leave out traits: gaps,failures")
    parser.add_argument("--report", action="append", help="only this report")
    parser.add_argument("--show", type=int, default=3, help="differences shown of each column")
    parser.add_argument("--break", dest="broken", help="change one expected value of this report")
    options = parser.parse_args()
    if options.self_test:
        self_test()
    if options.program is None:
        parser.error("the path of the program is missing")
    result, stop = Comparison(options.show), time.monotonic() + options.seconds
    print(f"seeds: {', '.join(map(str, seeds(options.seeds)[:6]))}, …", flush=True)
    for seed in seeds(options.seeds):
        if time.monotonic() > stop:
            break
        check(seed, options.program.resolve(), options, result, stop)
    for (report, column), count in sorted(result.by_column.items()):
        print(f"{count:6} differences in {report}, {column}")
    print(result.summary())
    if options.broken:
        print(f"a value of {options.broken} was changed on purpose")
    sys.exit(1 if result.differences else 0)


if __name__ == "__main__":
    main()
