"""Compares the reports on an inventory with a second calculation, on a large invented tenant.

    python3 tests/oracle/inventory.py PROGRAM --seeds 1
    python3 tests/oracle/inventory.py --self-test

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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import estate
import estate_reports
import estate_rules
from compare import Comparison, check_columns, seeds
from estate import FIRST
from estate_reports import KEYS, ORDER, REPORTS
from estate_rules import Asked, Files
from report import Report

WINDOW, WIDE = 30, 55

# Questions for each report: days, days before the end of the log, day of the inventory, parameters.
QUESTIONS = {
    "unused-reports": [
        Asked(), Asked(WIDE), Asked(until=FIRST + timedelta(45)),
        Asked(10, as_of=FIRST + timedelta(20)), Asked(params=(("counts_as_use", "any"),)),
        Asked(params=(("without_owners", "true"), ("personal", "true")))],
    "unused-items": [
        Asked(), Asked(WIDE), Asked(10, as_of=FIRST + timedelta(20)),
        Asked(20, params=(("counts_as_use", "any"), ("personal", "true"))),
        Asked(params=(("without_owners", "true"),))],
    "license-usage": [
        Asked(), Asked(WIDE), Asked(10, until=FIRST + timedelta(40)),
        Asked(params=(("license", "all"),))],
    "orphaned-workspaces": [Asked(), Asked(as_of=FIRST + timedelta(20))],
    "inventory-changes": [
        Asked(1, as_of=FIRST + timedelta(31)), Asked(1),
        Asked(20, params=(("personal", "true"),)), Asked(1, as_of=FIRST + timedelta(26))],
}


@dataclass(frozen=True)
class Shown:
    """A question as the comparison prints it."""

    words: tuple[str, ...]

    def flags(self) -> list[str]:
        return list(self.words)


def flags(report: str, asked: Asked) -> list[str]:
    """Returns the flags of the program for a question."""
    words = [] if report == "orphaned-workspaces" else ["--param", f"days={asked.days}"]
    words += ["--param", "status=all"] if report.startswith("unused") else []
    words += ["--until", str(asked.until)] if asked.until else []
    words += ["--as-of", str(asked.as_of)] if asked.as_of else []
    for name, value in asked.params:
        words += ["--param", f"{name}={value}"]
    return words


def run(program: Path, *arguments: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}
    done = subprocess.run([str(program), *arguments], capture_output=True, check=False, env=clean)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def check(seed: int, program: Path, result: Comparison, chosen: list[str]) -> None:
    """Compares all reports on the tenant of a seed."""
    with tempfile.TemporaryDirectory(prefix="pbi-oracle-") as name:
        root = Path(name)
        files = Files(estate.build(seed, root))
        inventory = files.inventory(None)
        print(f"seed {seed}: {len(inventory.items):,} items, {len(inventory.workspaces)} "
              f"workspaces, {len(estate_reports.people_of(files)):,} people, "
              f"{len(files.events):,} events", flush=True)
        store = str(root / "store")
        run(program, "ingest", str(files.folder), "--store", store, "--quiet")
        result.archives += 1
        for report, questions in QUESTIONS.items():
            for asked in questions if report in chosen else []:
                words = flags(report, asked)
                got = json.loads(run(program, "report", report, "--store", store, "--format",
                                     "json", "--quiet", *words))["rows"]
                result.periods += 1
                definition = Report(report, None, KEYS[report], ORDER[report])
                result.rows(f"seed {seed}", definition, Shown(tuple(words)), got,
                            REPORTS[report](files, asked))


# ---------------------------------------------------------------- self-test


@contextmanager
def replaced(place, name: str, value):
    """Replaces a rule while it is tested."""
    own = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, own)


ITEM_OF = estate_rules.item_of


def without(name: str):
    """Returns a function on items that ignores one of their members."""
    def item_of(key, kind, value, *more):
        return ITEM_OF(key, kind, {part: own for part, own in value.items() if part != name},
                        *more)
    return item_of


def without_copies(key, kind, value, *more):
    """Makes an item of a copy in an app."""
    own = {part: text for part, text in value.items() if part != "appId"}
    if "name" in own:
        own["name"] = own["name"].removeprefix("[App] ")
    return ITEM_OF(key, kind, own, *more)


def one_step(inventory) -> dict:
    """Returns what is built on an item, without following it to the end."""
    found: dict[str, set[str]] = {}
    for item in inventory.items:
        for upstream in item.upstream:
            found.setdefault(upstream, set()).add(item.id)
    return found


LEVELS_OF, PEOPLE_OF = estate_reports.levels_of, estate_reports.people_of


def with_all_plans(files: Files, license: dict, row: dict) -> tuple:
    return LEVELS_OF(files, {**license, "disabledPlans": []}, row)


def with_one_address(files: Files, lists: list | None = None) -> dict:
    return {key: {**one, "addresses": {estate_rules.person(one["userPrincipalName"])}}
            for key, one in PEOPLE_OF(files, lists).items()}


# Wrong rules: what is replaced by what, and a report whose rows must then be others.
WRONG_RULES = [
    ("copies by name are not copies of anything", estate_rules, "item_of",
     lambda: without("originalReportObjectId"), "unused-reports"),
    ("copies in apps are reports", estate_rules, "item_of", lambda: without_copies,
     "unused-reports"),
    ("usage metrics are reports", estate_rules, "is_usage_metrics", lambda: lambda value: False,
     "unused-reports"),
    ("workspaces are never gone", estate_rules.Inventory, "is_gone",
     lambda: lambda self, key: False, "unused-reports"),
    ("deleted workspaces count", estate_rules, "state_of",
     lambda: lambda workspace, gone: None, "orphaned-workspaces"),
    ("personal workspaces count", estate_rules, "is_personal", lambda: lambda workspace: False,
     "unused-reports"),
    ("items have no age", estate_rules.Window, "age", lambda: lambda self, item: None,
     "unused-reports"),
    ("guests have the addresses of their accounts", estate_reports, "person",
     lambda: lambda address: address and address.lower(), "license-usage"),
    ("owners have the addresses of their accounts", estate_rules, "person",
     lambda: lambda address: address and address.lower(), "unused-reports"),
    ("dependencies of dependencies do not count", estate_rules.Inventory, "dependents",
     lambda: property(one_step), "unused-items"),
    ("models do not depend on models", estate_rules, "item_of",
     lambda: without("upstreamDatasets"), "unused-items"),
    ("dashboards have no tiles", estate_rules, "item_of", lambda: without("tiles"),
     "unused-items"),
    ("capacities do not count", estate_reports, "capacity", lambda: lambda workspace: None,
     "license-usage"),
    ("all capacities are large", estate_rules, "is_small", lambda: lambda sku: False,
     "license-usage"),
    ("plans that are switched off count", estate_reports, "levels_of", lambda: with_all_plans,
     "license-usage"),
    ("people have one address", estate_reports, "people_of", lambda: with_one_address,
     "license-usage"),
    ("groups are people", estate_reports, "is_group", lambda: lambda user: False,
     "orphaned-workspaces"),
    ("groups in groups have no members", estate_reports, "is_within",
     lambda: lambda member: False, "orphaned-workspaces"),
    ("all members of groups are known", estate_rules, "may_lack",
     lambda: lambda group, members: False, "orphaned-workspaces"),
    ("nobody is in a group", estate_reports, "members_of", lambda: lambda group: [],
     "orphaned-workspaces"),
    ("all accounts are enabled", estate_reports.Accounts, "enabled",
     lambda: lambda self, key, address: True, "orphaned-workspaces"),
    ("items of deleted workspaces are there", estate_reports, "state_of",
     lambda: lambda workspace, gone: None, "inventory-changes"),
    ("full scans say nothing about other workspaces", estate_reports, "lacking",
     lambda: lambda inventory, snapshot: set(), "inventory-changes"),
    ("schedules are presence", estate_reports, "is_presence", lambda: lambda event: True,
     "license-usage"),
]


def self_test(seed: int) -> None:
    """Changes one value of every column, and one rule after another: each must be reported."""
    with tempfile.TemporaryDirectory(prefix="pbi-oracle-") as name:
        folder = estate.build(seed, Path(name), workspaces=70, people=600, per_day=150)
        files, silent, columns = Files(folder), [], 0
        right = {}
        for name_of, rows in REPORTS.items():
            asked = QUESTIONS[name_of][0]
            report, want = Report(name_of, None, KEYS[name_of]), rows(files, asked)
            right[name_of] = want
            shown = Shown(tuple(flags(name_of, asked)))
            found, unreported = check_columns(report, shown, want)
            columns += found
            silent += unreported
        for what, place, rule, wrong, report in WRONG_RULES:
            with replaced(place, rule, wrong()):
                other = Files(folder)
                other.every_event, other.snapshots = files.every_event, files.snapshots
                if REPORTS[report](other, QUESTIONS[report][0]) == right[report]:
                    silent.append(f"{report}: it makes no difference if {what}")
    print(f"self-test: {len(REPORTS)} reports, {columns} changed columns, {len(WRONG_RULES)} wrong "
          f"rules, {len(silent)} not reported", *silent, sep="\n    ")
    sys.exit(1 if silent else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, nargs="?")
    parser.add_argument("--self-test", action="store_true",
                        help="change one value of every column, and every rule, and require a "
                             "difference")
    parser.add_argument("--seeds", default="1", help="7, 1-20, today, or several with commas")
    parser.add_argument("--seconds", type=float, default=36000,
                        help="start no other seed after this time")
    parser.add_argument("--report", action="append", help="only this report")
    parser.add_argument("--show", type=int, default=3, help="differences shown of each column")
    options = parser.parse_args()
    if options.self_test:
        self_test(1)
    if options.program is None:
        parser.error("the path of the program is missing")
    result, begin = Comparison(options.show), time.monotonic()
    for seed in seeds(options.seeds):
        if result.archives and time.monotonic() - begin > options.seconds:
            break
        check(seed, options.program.resolve(), result, options.report or list(REPORTS))
    for (report, column), count in sorted(result.by_column.items()):
        print(f"{count:6} differences in {report}, {column}")
    print(f"{len(result.reports)} reports on inventories, {result.archives} tenants, "
          f"{result.periods} questions, {result.values:,} values, {result.differences} differences")
    sys.exit(1 if result.differences else 0)


if __name__ == "__main__":
    main()
