"""Compares the star schema of `powerbi` with the reports, through DuckDB.

    figures.py PROGRAM ARCHIVE ATTACK

ARCHIVE is a folder of log files, for example that of `synth --year`. ATTACK is one with names that
break what does not quote them, as that of `synth --attack`. For several periods, time
zones and filters, the script writes a project, calculates the figures of the reports from its
Parquet files, and compares them with `report --format json`. It also checks keys, types and
repeated runs. Runs with an inventory and lists of people are those of sample-data and
sample-data-inventory.
The exit code is 1 if anything differs.
"""

from __future__ import annotations

import filecmp
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

# Flags of the runs.
RUNS = [
    [],
    ["--since", "90d", "--tz", "Europe/Berlin"],
    ["--since", "2025-07-01", "--until", "2025-09-30", "--noise", "include", "--actors", "all"],
    ["--workspace", "Finance", "--user", "*@nordlicht-energie.example", "--since", "200d"],
    ["--since", "2025-10-01", "--until", "2026-02-28", "--tz", "America/New_York"],
]

# Runs over the sample data with its inventory: days without use, and flags.
ROOT = Path(__file__).resolve().parents[2]
SAMPLE = [ROOT / "sample-data", ROOT / "sample-data-inventory"]
SAMPLE_RUNS = [
    (90, []),
    (7, ["--tz", "Asia/Tokyo"]),
    (28, ["--until", "2026-03-23", "--as-of", "2026-03-01"]),
]

# Facts, with their keys and the dimension of each.
FACTS = {
    "activity": ["date", "hour", "user", "item", "workspace", "capacity", "activity", "client"],
    "exports": ["date", "hour", "user", "item", "workspace", "activity"],
    "sharing": ["date", "hour", "user", "item", "workspace", "activity"],
    "presence": ["date", "user"],
    "inventory": ["item", "workspace"],
    "licenses": ["user"],
}

COUNTED = "a.is_counted AND NOT a.is_failed"
REPORT_VIEW = f"{COUNTED} AND t.activity_name = 'ViewReport'"
ACTIVITY = """
    activity AS a
    JOIN activity_type AS t USING (activity_key)
    JOIN item AS i USING (item_key)
    JOIN workspace AS w USING (workspace_key)
    JOIN "user" AS u USING (user_key)
    JOIN client AS c USING (client_key)
    JOIN date AS d USING (date)
"""


class Run:
    """One project and the reports of the same flags."""

    def __init__(self, program: Path, store: Path, flags: list[str], days: int = 90) -> None:
        self.program, self.store, self.flags, self.days = program, store, flags, days
        self.data = Path(tempfile.mkdtemp(dir=store.parent)) / "project" / "data"
        self.problems: list[str] = []
        self.compared = 0
        self.write_project()
        self.db = duckdb.connect()
        for file in self.data.glob("*.parquet"):
            self.db.execute(f"CREATE VIEW \"{file.stem}\" AS FROM read_parquet('{file}')")

    def has_filters(self) -> bool:
        """With filters, use outside of them would be missing in the inventory and in licenses."""
        return any(flag in self.flags for flag in ("--workspace", "--user"))

    def write_project(self, *arguments: str) -> None:
        output = ["--output", str(self.data.parent), "--unused-days", str(self.days)]
        self.pbi("powerbi", *output, *arguments)

    def pbi(self, *arguments: str) -> str:
        command = [str(self.program), *arguments, *self.flags]
        command += ["--store", str(self.store), "--quiet"]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def inventory_report(self, name: str, *arguments: str) -> list[dict]:
        """Returns the rows of a report that refuses filters; with filters, the tables are empty."""
        return [] if self.has_filters() else self.report(name, *arguments)

    def report(self, name: str, *arguments: str) -> list[dict]:
        return json.loads(self.pbi("report", name, "--format", "json", *arguments))["rows"]

    def sql(self, statement: str) -> list[tuple]:
        return self.db.execute(statement).fetchall()

    def same(self, what: str, found: object, expected: object) -> None:
        self.compared += 1
        if found != expected:
            where = " ".join(self.flags) or "all"
            self.problems.append(f"{where}: {what} is {found!r}, expected {expected!r}"[:2000])

    def same_rows(self, what: str, found: list[tuple], expected: list[tuple]) -> None:
        """Compares rows in any order, and shows only those that differ."""
        key = repr
        a, b = sorted(found, key=key), sorted(expected, key=key)
        differing = [row for row in a if row not in b][:3], [row for row in b if row not in a][:3]
        self.same(what, (len(a), *differing), (len(b), [], []))


def with_near(row: tuple, at: int) -> tuple:
    """Rounds a share to one digit: DuckDB and the reports round halves differently."""
    value = row[at]
    return (*row[:at], None if value is None else round(value, 1), *row[at + 1 :])


def trend(run: Run) -> None:
    """Views by day, and the trend of each report."""
    rows = run.report("consumption-trend")
    views = dict(
        run.sql(
            f"SELECT CAST(date AS TEXT), SUM(event_count) FROM {ACTIVITY} WHERE {REPORT_VIEW} "
            "GROUP BY date"
        )
    )
    status = dict(run.sql("SELECT CAST(date AS TEXT), coverage FROM date WHERE in_period"))
    run.same("coverage of days", status, {row["date"]: row["status"] for row in rows})
    for row in rows:
        run.same(f"views of {row['date']}", views.get(row["date"], 0), row["views"] or 0)
    reports = dict(
        run.sql(
            f"SELECT CAST(date AS TEXT), COUNT(DISTINCT item_key) FROM {ACTIVITY} "
            f"WHERE {REPORT_VIEW} AND item_key <> 0 GROUP BY date"
        )
    )
    for row in rows:
        run.same(f"reports of {row['date']}", reports.get(row["date"], 0), row["reports"] or 0)


def top_reports(run: Run) -> None:
    found = run.sql(
        f"""SELECT COALESCE(i.item_id, i.item), COALESCE(w.workspace_id, w.workspace),
            SUM(event_count), COUNT(DISTINCT NULLIF(user_key, 0)),
            CAST(MAX(date) AS TEXT), COUNT(DISTINCT date),
            SUM(event_count) FILTER (d.trend_half = 1), SUM(event_count) FILTER (d.trend_half = 2)
        FROM {ACTIVITY} WHERE {REPORT_VIEW} GROUP BY ALL"""
    )
    ratio = [
        (*row[:4], row[5], round((row[7] or 0) / row[6], 2) if row[6] else None) for row in found
    ]
    rows = run.report("top-reports")
    unknown = "(unknown)"
    expected = [
        (
            row["report_id"] or row["report"],
            row["workspace_id"] or row["workspace"] or unknown,
            row["views"],
            row["viewers"],
            row["active_days"],
            row["trend"],
        )
        for row in rows
    ]
    ratio, expected = ([with_near(row, 5) for row in rows] for rows in (ratio, expected))
    run.same_rows("reports", ratio, expected)


def viewers(run: Run) -> None:
    """Viewers of any content: people, and by workspace."""
    found = run.sql(
        f"""SELECT u."user",
            COALESCE(SUM(event_count) FILTER (t.activity_name = 'ViewReport'), 0),
            COALESCE(SUM(event_count) FILTER (t.activity_name <> 'ViewReport'), 0),
            COUNT(DISTINCT date)
        FROM {ACTIVITY} WHERE {COUNTED} AND t.is_view GROUP BY ALL"""
    )
    rows = run.report("top-users")
    expected = [(row["user"], row["views"], row["other_views"], row["active_days"]) for row in rows]
    run.same_rows("users", found, expected)
    found = run.sql(
        f"""SELECT COALESCE(w.workspace_id, w.workspace),
            COALESCE(SUM(event_count) FILTER (t.activity_name = 'ViewReport'), 0),
            COUNT(DISTINCT NULLIF(user_key, 0)) FILTER (t.is_view),
            COUNT(DISTINCT NULLIF(user_key, 0)) FILTER (t.activity_group = 'AUTHOR'),
            COALESCE(SUM(event_count) FILTER (t.activity_group = 'EXPORT'), 0)
        FROM {ACTIVITY} WHERE {COUNTED} AND t.activity_group IN ('VIEW', 'EXPORT', 'AUTHOR')
        GROUP BY ALL"""
    )
    rows = run.report("workspace-usage")
    columns = ["views", "viewers", "creators", "exports"]
    expected = [
        (row["workspace_id"] or row["workspace"], *(row[name] for name in columns)) for row in rows
    ]
    run.same_rows("workspaces", found, expected)


def clients(run: Run) -> None:
    found = run.sql(
        f"""SELECT c.distribution_method, SUM(event_count), COUNT(DISTINCT NULLIF(user_key, 0))
        FROM {ACTIVITY} WHERE {REPORT_VIEW} GROUP BY ALL"""
    )
    rows = run.report("distribution-method")
    expected = [(row["method"], row["views"], row["viewers"]) for row in rows]
    run.same_rows("distribution methods", found, expected)


def adoption(run: Run) -> None:
    """Active users of 1, 7 and 28 days, and new and returning users, by day."""
    found = run.sql(
        """WITH counted AS (
            SELECT d.*,
                (SELECT COUNT(DISTINCT user_key) FROM presence WHERE date = d.date) AS dau,
                (SELECT COUNT(DISTINCT user_key) FROM presence
                    WHERE date > d.date - 7 AND date <= d.date) AS wau,
                (SELECT COUNT(DISTINCT user_key) FROM presence
                    WHERE date > d.date - 28 AND date <= d.date) AS mau,
                (SELECT COUNT(*) FROM presence WHERE date = d.date AND is_new) AS new_users,
                (SELECT COUNT(*) FROM presence WHERE date = d.date AND is_returning)
                    AS returning_users
            FROM date AS d WHERE in_period
        )
        SELECT CAST(date AS TEXT),
            CASE WHEN is_complete OR dau > 0 THEN dau END,
            CASE WHEN (is_complete OR dau > 0) AND log_days_before >= 6 THEN wau END,
            CASE WHEN (is_complete OR dau > 0) AND log_days_before >= 27 THEN mau END,
            CASE WHEN complete_run >= 28 AND mau > 0 THEN round(dau / mau, 2) END,
            CASE WHEN complete_run >= 29 THEN new_users END,
            CASE WHEN complete_run >= 29 THEN returning_users END
        FROM counted"""
    )
    columns = ["date", "dau", "wau", "mau", "stickiness", "new_users", "returning_users"]
    rows = run.report("adoption")
    expected = [tuple(row[name] for name in columns) for row in rows]
    found, expected = ([with_near(row, 4) for row in rows] for rows in (found, expected))
    run.same_rows("adoption", found, expected)


def exports(run: Run) -> None:
    found = run.sql(
        """SELECT u."user", COALESCE(i.item_id, i.item), COALESCE(w.workspace_id, w.workspace),
            SUM(export_count), COUNT(DISTINCT date),
            STRING_AGG(DISTINCT export_format, ', ' ORDER BY export_format)
        FROM exports JOIN "user" AS u USING (user_key) JOIN item AS i USING (item_key)
        JOIN workspace AS w USING (workspace_key) WHERE is_counted GROUP BY ALL"""
    )
    unknown = "(unknown)"
    expected = [
        (
            row["user"],
            row["item_id"] or row["item"],
            row["workspace_id"] or row["workspace"] or unknown,
            row["exports"],
            row["active_days"],
            row["formats"],
        )
        for row in run.report("exports")
    ]
    run.same_rows("exports", found, expected)
    total = run.sql(
        f"SELECT SUM(event_count) FROM {ACTIVITY} WHERE {COUNTED} AND t.activity_group = 'EXPORT'"
    )
    run.same("exports of activity", total[0][0] or 0, sum(row[3] for row in expected))


def sharing(run: Run) -> None:
    found = run.sql(
        """SELECT CASE MAX(CASE reach WHEN 'external' THEN 2 ELSE 0 END
                + CASE WHEN is_organization THEN 1 ELSE 0 END)
                WHEN 0 THEN 'people' WHEN 1 THEN 'organization' ELSE 'external' END,
            COALESCE(i.item_id, i.item), recipient, NULLIF(u."user", '(unknown)'),
            COUNT(DISTINCT share_key), COUNT(DISTINCT share_key) FILTER (is_organization),
            COUNT(DISTINCT share_key) FILTER (is_link)
        FROM sharing JOIN "user" AS u USING (user_key) JOIN item AS i USING (item_key)
        GROUP BY i.item_id, i.item, recipient, u."user", workspace_key"""
    )
    columns = ["recipient", "shared_by", "shares", "org_shares", "link_shares"]
    rows = run.report("sharing-audit")
    expected = [
        (row["reach"], row["item_id"] or row["item"], *(row[name] for name in columns))
        for row in rows
    ]
    run.same_rows("shares", found, expected)
    external = run.sql("SELECT COUNT(*) FROM sharing WHERE reach = 'external'")[0][0]
    shares = sum(row["shares"] for row in rows if row["reach"] == "external")
    run.same("shares with external users", external, shares)


def guests(run: Run) -> None:
    found = run.sql(
        f"""SELECT u."user", COALESCE(SUM(event_count) FILTER (t.activity_name = 'ViewReport'), 0),
            SUM(event_count)
        FROM {ACTIVITY} WHERE {COUNTED} AND a.actor_kind = 'guest' AND user_key <> 0 GROUP BY ALL"""
    )
    rows = run.report("external-users")
    run.same_rows("guests", found, [(row["guest"], row["views"], row["events"]) for row in rows])


def failures(run: Run) -> None:
    found = run.sql(
        f"""SELECT t.activity_name, u."user", SUM(event_count) FILTER (a.is_failed),
            SUM(event_count)
        FROM {ACTIVITY} GROUP BY ALL HAVING SUM(event_count) FILTER (a.is_failed) > 0"""
    )
    rows = run.report("failed-activities")
    columns = ["activity", "user", "failed", "events"]
    run.same_rows("failures", found, [tuple(row[name] for name in columns) for row in rows])


def day(time: str | None) -> str | None:
    return time and time[:10]


def unused(run: Run) -> None:
    """Every item of the inventory with its status, owner and day of creation."""
    found = run.sql(
        """SELECT item_id, workspace_id, i.item_kind, item_status, status_reason,
            CAST(last_use AS TEXT), days_since_use, use_count, downstream_use_count,
            dependent_count, CAST(i.created AS TEXT), i.owner
        FROM inventory JOIN item AS i USING (item_key) JOIN workspace USING (workspace_key)"""
    )
    flags = ["--param", f"days={run.days}", "--param", "status=all"]
    expected = [
        (
            row["report_id"],
            row["workspace_id"],
            "Report",
            row["status"],
            row["reason"],
            day(row["last_view"]),
            row["days_since_view"],
            row["views"],
            None,
            None,
            day(row["created"]),
            row["owner"] or "(unknown)",
        )
        for row in run.inventory_report("unused-reports", *flags)
    ]
    expected += [
        (
            row["item_id"],
            row["workspace_id"],
            row["kind"],
            row["status"],
            row["reason"],
            day(row["last_use"]),
            row["days_since_use"],
            row["uses"],
            row["uses_downstream"],
            row["dependents"],
            day(row["created"]),
            row["owner"] or "(unknown)",
        )
        for row in run.inventory_report("unused-items", *flags)
    ]
    run.same_rows("items of the inventory", found, expected)
    statuses = {row[0]: row[3] for row in expected}
    other = "not judged" if expected else "(unknown)"
    found = run.sql("SELECT item_id, use_status FROM item WHERE item_id IS NOT NULL")
    expected = [(item, statuses.get(item, other)) for item, _ in found]
    run.same_rows("statuses of items", found, expected)


def licenses(run: Run) -> None:
    """Every license with its class, and the attributes of people."""
    found = run.sql(
        """SELECT u."user", l.license, license_source, product, license_class,
            assigned_by_group, CAST(last_view AS TEXT), CAST(last_activity AS TEXT), department
        FROM licenses AS l JOIN "user" AS u USING (user_key)"""
    )
    flags = ["--param", f"days={run.days}", "--param", "license=all", "--param", "class=all"]
    expected = [
        (
            row["user"],
            row["license"],
            row["source"],
            row["product"],
            row["class"],
            row["assigned_by_group"],
            day(row["last_view"]),
            day(row["last_any"]),
            row["department"] or "(unknown)",
        )
        for row in run.inventory_report("license-usage", *flags)
    ]
    run.same_rows("licenses", found, expected)
    names = ["account_status", "department", "company", "country", "office", "cost_center"]
    listed = ", ".join(f"p.{name}" for name in names)
    statement = (
        f"SELECT a.address, {listed} FROM person_addresses AS a "
        "INNER JOIN people AS p ON a.user_id = p.user_id"
    )
    rows = json.loads(run.pbi("sql", statement, "--format", "json"))["rows"]
    people = {row["address"]: [row[name] or "(unknown)" for name in names] for row in rows}
    found = run.sql(f'SELECT "user", {", ".join(names)} FROM "user"')
    unknown = ["(unknown)"] * len(names)
    expected = [(row[0], *people.get(row[0], unknown)) for row in found]
    run.same_rows("attributes of people", found, expected)


def schema(run: Run) -> None:
    """Keys are unique and known, labels are unique, dates have no gap, types are plain."""
    allowed = {"BIGINT", "DATE", "VARCHAR", "BOOLEAN"}
    for file in sorted(run.data.glob("*.parquet")):
        types = {row[1] for row in run.sql(f'DESCRIBE "{file.stem}"')}
        run.same(f"types of {file.stem}", types - allowed, set())
        codecs = run.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{file}')")
        run.same(f"compression of {file.stem}", set(codecs) - {("SNAPPY",)}, set())
    tables = {"activity": "activity_type"}
    for fact, dimensions in FACTS.items():
        for dimension in dimensions:
            table = tables.get(dimension, dimension)
            key = dimension if dimension in ("date", "hour") else f"{dimension}_key"
            orphans = run.sql(f'SELECT COUNT(*) FROM "{fact}" ANTI JOIN "{table}" USING ({key})')
            run.same(f"{fact} rows without {key}", orphans, [(0,)])
            double = run.sql(f'SELECT {key} FROM "{table}" GROUP BY ALL HAVING COUNT(*) > 1')
            run.same(f"repeated {key}", double, [])
    for table in ["user", "item", "workspace", "capacity"]:
        double = run.sql(
            f'SELECT lower(trim("{table}")) FROM "{table}" GROUP BY ALL HAVING COUNT(*) > 1'
        )
        run.same(f"repeated names of {table}", double, [])
        known = run.sql(f'SELECT COUNT(*) FROM "{table}" WHERE {table}_key = 0')
        run.same(f"unknown row of {table}", known, [(1,)])
    gaps = run.sql("SELECT MAX(date) - MIN(date) + 1 - COUNT(*) FROM date")
    run.same("gaps of dates", gaps, [(0,)])


def repeated(run: Run) -> None:
    """A second run writes the same bytes."""
    before = run.data.parent.with_name("before")
    subprocess.run(["cp", "-r", run.data.parent, before], check=True)
    run.write_project("--overwrite-project")
    files = [path.relative_to(before) for path in before.rglob("*") if path.is_file()]
    same = [path for path in files if filecmp.cmp(before / path, run.data.parent / path, False)]
    run.same("files of a second run", len(same), len(files))
    subprocess.run(["rm", "-r", before], check=True)


CHECKS = [
    schema,
    trend,
    top_reports,
    viewers,
    clients,
    adoption,
    exports,
    sharing,
    guests,
    failures,
    unused,
    licenses,
    repeated,
]


def main() -> int:
    program, archive, attack = (Path(argument).resolve() for argument in sys.argv[1:4])
    problems, compared = [], 0
    with tempfile.TemporaryDirectory() as folder:
        stores = [Path(folder) / name for name in ("store", "sample", "attack")]
        for store, archives in zip(stores, ([archive], SAMPLE, [attack]), strict=True):
            command = [program, "ingest", *archives, "--store", store, "--quiet"]
            if subprocess.run(command, capture_output=True, check=False).returncode not in (0, 3):
                raise SystemExit(f"{archives} cannot be loaded")
        runs = [(stores[0], flags, 90) for flags in RUNS]
        runs += [(stores[1], flags, days) for days, flags in SAMPLE_RUNS]
        runs += [(stores[2], [], 90)]
        for store, flags, days in runs:
            run = Run(program, store, flags, days)
            tables = ["activity"]
            if store == stores[1]:
                tables += ["inventory", "licenses"]
            for table in tables:
                if run.sql(f"SELECT COUNT(*) FROM {table}")[0][0] == 0:
                    raise SystemExit(f"{flags}: there is nothing to compare in {table}")
            for check in CHECKS:
                check(run)
            problems += run.problems
            compared += run.compared
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{compared} comparisons in {len(runs)} runs, {len(problems)} differ")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
