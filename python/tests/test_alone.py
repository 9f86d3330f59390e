"""Tests of the package without any other package."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from importlib import metadata
from pathlib import Path

import pbi_analyze as pbi
from support import COMMAND, DAMAGED, ROOT, SAMPLE, FolderTest, environment, json_of, run

EVENT = b'{"Id":"e1","CreationTime":"2026-03-01T08:00:00","Operation":"ViewReport","UserId":"A@b.c"}'

# A temporary folder of these tests, so that other processes do not add to what is counted.
TEMPORARY = tempfile.TemporaryDirectory(prefix="pbi-python-")
os.environ["TMPDIR"] = tempfile.tempdir = TEMPORARY.name


def temporary_files() -> set[str]:
    """Returns the temporary files of the package."""
    return {str(path) for path in Path(TEMPORARY.name).glob("pbi-analyze-*")}


class Package(unittest.TestCase):
    def test_the_package_is_the_installed_one_and_needs_no_other(self) -> None:
        self.assertNotIn(str(ROOT), str(pbi.__file__))
        self.assertIsNone(importlib.util.find_spec("pyarrow"))
        self.assertTrue((Path(str(pbi.__file__)).parent / "py.typed").is_file())

    def test_the_version_is_that_of_the_program(self) -> None:
        self.assertEqual(run("--version", program=COMMAND), f"pbi-analyze {pbi.__version__}\n")
        self.assertEqual(metadata.version("pbi-analyze"), run("--version").split()[1])


class Scans(FolderTest):
    def test_account_is_that_of_ingest(self) -> None:
        scan = pbi.scan(SAMPLE)
        self.assertIn("not read yet", repr(scan))
        summary = json_of("ingest", SAMPLE, "--store", str(self.folder / "store"), "--quiet")
        records = scan.account.records
        self.assertEqual(vars(records), summary["records"])
        self.assertTrue(scan.account.is_complete)
        self.assertEqual((scan.account.first, scan.account.last), tuple(summary["period"].values()))
        self.assertEqual(records.read, records.stored + records.duplicates + 21)

    def test_problems_are_in_the_account(self) -> None:
        account = pbi.scan(DAMAGED).account
        self.assertFalse(account.is_complete)
        self.assertGreater(account.records.rejected, 0)
        self.assertTrue(any(file.problems for file in account.files))

    def test_one_file_in_memory_is_read_with_its_name(self) -> None:
        scan = pbi.parse(EVENT + b"\n" + EVENT, name="log/2026-03-01.json")
        account = scan.account
        self.assertEqual((account.records.read, account.records.duplicates), (2, 1))
        self.assertEqual(account.files[0].source, "log/2026-03-01.json")
        self.assertIn("SourceFile", scan.schema.names)

    def test_unknown_columns_are_reported_before_reading(self) -> None:
        with self.assertRaisesRegex(pbi.UsageError, "no column 'Idd'|no column \"Idd\""):
            pbi.scan("nowhere", columns=["Idd"])

    def test_missing_files_are_an_error_with_the_words_of_the_program(self) -> None:
        with self.assertRaisesRegex(pbi.Error, "cannot read nowhere"):
            pbi.scan("nowhere").account

    def test_progress_is_reported_and_its_exception_stops_the_run(self) -> None:
        calls: list[tuple[str, int, int]] = []
        pbi.scan(SAMPLE, progress=lambda *call: calls.append(call)).account
        stage, done, total = calls[-1]
        self.assertTrue(stage)
        self.assertTrue(0 < done <= total)

        def fail(*_: object) -> None:
            raise RuntimeError("enough")

        with self.assertRaisesRegex(RuntimeError, "enough"):
            pbi.scan(SAMPLE, progress=fail).account
        self.assertGreater(pbi.scan(SAMPLE).account.records.stored, 1000)

    def test_temporary_files_are_deleted_with_the_events_and_at_the_end(self) -> None:
        before = temporary_files()
        scan = pbi.scan(SAMPLE)
        scan.account
        self.assertEqual(len(temporary_files() - before), 1)
        del scan
        self.assertEqual(temporary_files() - before, set())
        code = f"import pbi_analyze, sys\nsys.kept = pbi_analyze.scan({SAMPLE!r})\nsys.kept.account"
        subprocess.run([sys.executable, "-c", code], check=True)
        self.assertEqual(temporary_files() - before, set())


class Stores(FolderTest):
    def setUp(self) -> None:
        super().setUp()
        self.store = pbi.Store(self.folder / "store")
        self.account = self.store.ingest(SAMPLE)

    def test_ingest_returns_the_account_and_knows_its_files(self) -> None:
        self.assertGreater(self.account.records.stored, 1000)
        again = self.store.ingest([SAMPLE])
        self.assertEqual((again.sources.new, again.records.read), (0, 0))
        self.assertEqual(again.store, self.account.store)

    def test_status_and_verify_are_those_of_the_program(self) -> None:
        status = json_of("status", "--store", self.store.path)
        self.assertEqual(self.store.status(), status)
        self.assertEqual(self.store.verify(), json_of("verify", "--store", self.store.path))

    def test_report_has_rows_and_context(self) -> None:
        report = self.store.report(
            "top-reports",
            since=datetime.date(2026, 2, 1),
            until="2026-02-28",
            tz="Europe/Berlin",
            params={"top": 3},
            filters={"workspace": "Sales*", "exclude_user": ["nobody@contoso.com"]},
        )
        self.assertEqual(report.columns[:3], ["rank", "report", "workspace"])
        self.assertTrue(0 < len(report) <= 3)
        self.assertEqual(report.to_dicts()[0]["report"], "Sales Overview")
        self.assertEqual(report.period.since, datetime.date(2026, 2, 1))
        self.assertEqual((report.period.time_zone, report.coverage.days), ("Europe/Berlin", 28))
        self.assertGreater(report.excluded["filtered"], 0)
        self.assertIn("Most viewed reports", str(report))
        page = report._repr_html_()
        self.assertIn("<td>Sales Overview</td>", page)
        self.assertTrue(report.render("png").startswith(b"\x89PNG"))
        self.assertTrue(report.render("xlsx").startswith(b"PK"))
        self.assertIn("Days: ", page)

    def test_reports_are_divided_and_marked(self) -> None:
        store = pbi.Store(self.folder / "people")
        store.ingest([SAMPLE, ROOT / "sample-data-inventory"])
        report = store.report("exports", by="department")
        flags = ["--by=department", f"--store={store.path}", "--format=json"]
        expected = json.loads(run("report", "exports", *flags))["rows"]
        self.assertEqual(report.to_dicts(), expected)
        self.assertEqual(report.columns[0], "by_department")
        with self.assertRaisesRegex(pbi.UsageError, "cannot be divided by an attribute"):
            store.report("top-reports", by="department")
        marked = store.report("adoption", marks={datetime.date(2026, 2, 16): "Training"})
        self.assertIn(b"Training", marked.render("svg"))

    def test_statement_returns_rows_and_names_are_escaped(self) -> None:
        report = self.store.sql("SELECT '<b>' AS name, COUNT(*) AS n FROM events ORDER BY 2")
        self.assertEqual(report.columns, ["name", "n"])
        self.assertIn("<td>&lt;b&gt;</td>", report._repr_html_())

    def test_errors_have_the_words_of_the_program(self) -> None:
        cases = [
            (pbi.UsageError, "top-report", lambda: self.store.report("tpo-reports")),
            (pbi.UsageError, "since", lambda: self.store.report("adoption", since="soon")),
            (pbi.UsageError, "--sort", lambda: self.store.report("adoption", sort="")),
            (pbi.UsageError, "no filter", lambda: self.store.report("adoption", filters={"x": "y"})),
            (pbi.QueryError, "only SELECT", lambda: self.store.sql("DROP TABLE events")),
            (pbi.StoreError, "no store here", lambda: pbi.Store("nowhere").status()),
            (pbi.StoreError, "no store here", lambda: pbi.Store("nowhere").report("adoption")),
        ]
        for kind, message, call in cases:
            with self.subTest(message), self.assertRaisesRegex(kind, message):
                call()
        self.assertTrue(issubclass(pbi.QueryError, pbi.Error))

    def test_dashboard_and_export_write_the_files_of_the_program(self) -> None:
        for command, name in (("dashboard", "usage.html"), ("export", "events.ndjson")):
            ours, theirs = self.folder / name, self.folder / f"other-{name}"
            getattr(self.store, command)(ours, tz="Europe/Zurich")
            words = [command, "--store", self.store.path, "--tz", "Europe/Zurich"]
            run(*words, "--output", str(theirs))
            self.assertEqual(ours.read_bytes(), theirs.read_bytes())

    def test_reports_are_listed(self) -> None:
        names = [report.name for report in self.store.reports()]
        self.assertEqual(names, [row["report"] for row in json_of("reports")["rows"]])


class Command(FolderTest):
    def test_output_and_exit_codes_are_those_of_the_program(self) -> None:
        for words in (["reports"], ["report", "nothing"], ["report", "adoption", "--from", DAMAGED]):
            ours, theirs = (
                subprocess.run([program, *words], capture_output=True, check=False, env=environment())
                for program in (COMMAND, os.environ["PBI_ANALYZE_PROGRAM"])
            )
            self.assertEqual((ours.returncode, ours.stdout), (theirs.returncode, theirs.stdout))

    def test_a_limit_of_threads_starts_the_command_again(self) -> None:
        words = ["report", "top-reports", "--from", SAMPLE, "--threads", "1", "--format", "csv"]
        expected = run(*words)
        self.assertEqual(run(*words, program=COMMAND), expected)
        module = subprocess.run(
            [sys.executable, "-m", "pbi_analyze", *words], capture_output=True, check=True, text=True
        )
        self.assertEqual(module.stdout, expected)

    def archive(self) -> str:
        """Returns a folder with enough events for a second of work."""
        folder = self.folder / "archive"
        folder.mkdir()
        event = json.loads(EVENT)
        for number in range(8):
            with (folder / f"{number}.json").open("w", encoding="utf-8") as file:
                for line in range(60_000):
                    event["Id"] = f"{number}-{line}"
                    file.write(json.dumps(event) + "\n")
        return str(folder)

    def test_ctrl_c_ends_the_command_and_leaves_nothing(self) -> None:
        store = self.folder / "store"
        command = [COMMAND, "ingest", self.archive(), "--store", str(store)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
        # The first message is written after the program has its signal handlers.
        self.assertIn("reading", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("stopped by Ctrl-C", errors)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(list(store.rglob("*.parquet")), [])

    def test_ctrl_c_stops_a_scan(self) -> None:
        archive, before = self.archive(), temporary_files()
        code = (
            "import pbi_analyze\n"
            "def show(*_):\n"
            "    print('reading', flush=True)\n"
            "try:\n"
            f"    pbi_analyze.scan({archive!r}, threads=1, progress=show).account\n"
            "except KeyboardInterrupt:\n"
            f"    print(pbi_analyze.scan({SAMPLE!r}).account.records.read)\n"
        )
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        # An interrupt before the scan would meet Python while it imports the package.
        self.assertEqual(process.stdout.readline(), "reading\n")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        lines = [line for line in output.splitlines() if line != "reading"]
        self.assertEqual((process.returncode, lines), (0, ["1587"]))
        self.assertEqual(temporary_files() - before, set())


if __name__ == "__main__":
    unittest.main()
