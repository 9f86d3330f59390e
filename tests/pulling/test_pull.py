"""Tests scripts/pull/pull.py against a local API: python3 tests/pulling/test_pull.py PROGRAM."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from mock_api import MockApi, days_ago, event  # noqa: E402

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "pull" / "pull.py"
PROGRAM = ""
NAME = re.compile(r"PBIActivityEvents-(\d{8})-\d{14}\.json")


class PullTest(unittest.TestCase):
    def setUp(self):
        self.api = MockApi()
        self.addCleanup(self.api.stop)
        folder = tempfile.TemporaryDirectory(prefix="pbi-pull-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        # A heavy day, a day without events, and days with an odd number of pages.
        self.api.per_hour = {days_ago(2): 60, days_ago(4): 0, days_ago(5): 7}

    def command(self, folder, *flags):
        (self.root / folder).mkdir(exist_ok=True)
        command = [sys.executable, str(SCRIPT), "--folder", str(self.root / folder)]
        urls = ["--api", self.api.url, "--login", self.api.url, "--graph", self.api.url]
        return command + urls + ["--base-delay", "0.01", *flags]

    def environment(self, **changes):
        given = {"PBI_TENANT_ID": "t", "PBI_CLIENT_ID": "c", "PBI_CLIENT_SECRET": "secret"}
        environment = {**os.environ, **given, **changes}
        return {name: value for name, value in environment.items() if value is not None}

    def pull(self, folder, *flags, code=0, stdin="", **changes):
        ran = subprocess.run(
            self.command(folder, *flags),
            env=self.environment(**changes),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(ran.returncode, code, ran.stderr)
        self.assertEqual(ran.stdout, "")
        return ran.stderr

    def archive(self, folder):
        """Returns the content of each file by its day. There is one file for each day."""
        days = {}
        for path in sorted((self.root / folder).iterdir()):
            if path.name == ".pull.lock":
                continue
            match = NAME.fullmatch(path.name)
            self.assertTrue(match, f"{path.name} is no finished file")
            self.assertNotIn(match[1], days, "one file for each day")
            days[match[1]] = path.read_bytes()
        return days

    def test_faults_and_a_kill_end_in_the_same_archive_as_an_undisturbed_download(self):
        self.pull("calm", "--days", "6")
        calm = self.archive("calm")
        self.assertEqual(len(calm), 6)
        heavy = calm[days_ago(2).replace("-", "")]
        events = [e for line in heavy.splitlines() for e in json.loads(line)["activityEventEntities"]]
        self.assertEqual(len(events), 24 * 60 - 11, "the late events are not there yet")
        self.assertIn("Umsätze 売上 \U0001f4c8", heavy.decode("utf-8"))

        self.api.asked.clear()
        self.api.faults, self.api.delay = True, 0.01
        before = len(self.api.requests)
        killed = 0
        for _ in range(3):
            process = subprocess.Popen(
                self.command("rough", "--days", "6"),
                env=self.environment(),
                stderr=subprocess.DEVNULL,
            )
            time.sleep(0.6)
            killed += process.poll() is None
            process.kill()
            process.wait()
        self.assertGreater(killed, 0, "it was killed while it was running")
        # The API has gone through its faults after some runs; the last one must succeed.
        stderr = self.pull("rough", "--days", "6")
        self.assertGreater(len(self.api.requests) - before, 100)
        self.assertEqual(self.archive("rough"), calm)
        self.api.asked.clear()
        stderr = self.pull("rough-at-once", "--days", "6")
        for problem in ("HTTP 429", "HTTP 500", "HTTP 503", "not JSON", "next attempt in"):
            self.assertIn(problem, stderr)
        self.assertEqual(self.archive("rough-at-once"), calm)

    def test_heavy_day_is_downloaded_by_hour(self):
        stderr = self.pull("a", "--days", "2")
        self.assertIn(f"{days_ago(2)}: more than 40 pages; downloading hour by hour", stderr)
        self.pull("b", "--days", "2", "--by-hour")
        day = days_ago(2).replace("-", "")
        self.assertEqual(self.archive("a")[day], self.archive("b")[day])

    def test_expired_continuation_begins_the_part_again(self):
        self.pull("calm", "--days", "1")
        self.api.expire = 2
        self.assertIn("downloading from hour 0 again", self.pull("a", "--days", "1"))
        self.assertEqual(self.archive("a"), self.archive("calm"))
        self.api.expire = 1000
        self.assertIn("InvalidContinuationToken", self.pull("b", "--days", "1", code=1))
        self.assertEqual(self.archive("b"), {}, "nothing of a failed day stays")

    def test_late_events_replace_the_file_and_fewer_events_do_not(self):
        self.pull("a", "--days", "3")
        early = self.archive("a")
        time.sleep(1.1)
        self.api.late = {days_ago(1)}
        self.pull("a", "--days", "3")
        late = self.archive("a")
        day = days_ago(1).replace("-", "")
        self.assertEqual((early[day].count(b'"Id"'), late[day].count(b'"Id"')), (47, 48))
        time.sleep(1.1)
        self.api.per_hour[days_ago(1)] = 1
        stderr = self.pull("a", "--days", "3", code=3)
        self.assertIn("lacks 24 events of older files, which are kept", stderr)
        self.assertEqual(self.archive("a"), late)
        # A download with new events and without old ones is kept beside the older file.
        self.api.events = lambda day, *_: [event(day, 5, 999)]
        stderr = self.pull("a", "--days", "1", code=3)
        self.assertIn("older files have 48 other events and are kept", stderr)
        self.assertEqual(len(list((self.root / "a").glob(f"*{day}*.json"))), 2)

    def test_damaged_file_is_replaced_by_a_whole_one(self):
        self.pull("a", "--days", "1")
        [path] = (self.root / "a").glob("*.json")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        time.sleep(1.1)
        self.assertIn("is damaged at character", self.pull("a", "--days", "1"))
        self.assertEqual(list(self.archive("a").values()), [whole])

    def test_token_that_ends_is_renewed(self):
        self.api.valid_for = 20
        self.pull("a", "--days", "6")
        self.assertGreater(self.api.tokens, 2)
        self.pull("c", "--days", "1", PBI_TOKEN="given", PBI_CLIENT_SECRET=None)
        stderr = self.pull("d", "--days", "1", code=1, PBI_TOKEN="wrong", PBI_CLIENT_SECRET=None)
        self.assertIn("HTTP 401", stderr)

    def test_person_signs_in_with_a_code(self):
        self.api.valid_for = 20
        stderr = self.pull("a", "--days", "4", "--sign-in", PBI_CLIENT_SECRET=None)
        self.assertEqual(stderr.count("Enter ABC"), 1, "later tokens need no code")
        self.assertGreater(self.api.tokens, 1)

    def test_mistakes_are_explained(self):
        for changes, flags, code, text in [
            ({"PBI_CLIENT_SECRET": "wrong"}, [], 1, "signing in failed: HTTP 401"),
            ({"PBI_CLIENT_SECRET": None}, [], 1, "set PBI_TENANT_ID, PBI_CLIENT_ID"),
            ({}, ["--days", "31"], 2, "Microsoft deletes older days"),
            ({}, ["--folder", str(self.root / "unmounted")], 2, "create it, or mount it"),
            ({}, ["--days-from", "-"], 2, "is not the output of pbi-analyze gaps"),
        ]:
            self.assertIn(text, self.pull("a", *flags, code=code, stdin="days", **changes))
        self.assertFalse((self.root / "unmounted").exists())

    def test_pages_of_unknown_hosts_get_no_token(self):
        other = MockApi()
        self.addCleanup(other.stop)
        own = self.api.url
        self.api.url = other.url
        command = self.command("a", "--days", "1")
        command[command.index("--api") + 1] = own
        command[command.index("--login") + 1] = own
        ran = subprocess.run(command, env=self.environment(), capture_output=True, text=True)
        self.assertEqual(ran.returncode, 1)
        self.assertIn("the next page is at an unknown host: 127.0.0.1", ran.stderr)
        self.assertEqual(other.requests, [])

    def test_second_download_into_a_folder_is_refused(self):
        self.api.delay = 0.1
        first = subprocess.Popen(
            self.command("a", "--days", "2"), env=self.environment(), stderr=subprocess.DEVNULL
        )
        time.sleep(0.5)
        self.assertIn("is running", self.pull("a", code=1))
        first.kill()
        first.wait()
        self.api.delay = 0
        self.pull("a", "--days", "1")

    def test_scans_people_and_licenses_are_files_of_one_run(self):
        self.api.faults = True
        for what, members in [("scanner", 150), ("people", 15), ("licenses", 1)]:
            self.pull(what, "--what", what)
            [path] = (self.root / what).glob("*.json")
            pages = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            found = [item for page in pages for item in page.get("value", page.get("workspaces"))]
            self.assertEqual(len(found), members, what)

    # With the program.

    def pbi(self, *arguments, codes=(0,)):
        ran = subprocess.run(
            [PROGRAM, *arguments], cwd=self.root, capture_output=True, text=True, timeout=120
        )
        self.assertIn(ran.returncode, codes, ran.stderr)
        return ran.stdout

    def test_gaps_then_pull_then_gaps_says_nothing(self):
        self.pull("log", "--days", "9")
        files = {path.name[18:26]: path for path in (self.root / "log").glob("*.json")}
        name = {back: days_ago(back).replace("-", "") for back in range(1, 10)}
        # Missing, cut, without its last page, and a page of a proxy in place of the day.
        files[name[9]].unlink()
        files[name[8]].write_bytes(files[name[8]].read_bytes()[:3000])
        files[name[7]].write_bytes(b"".join(files[name[7]].read_bytes().splitlines(True)[:-1]))
        files[name[6]].write_text("<html>not now</html>")
        # Written in the middle of the day and whole by chance: the next download is the same.
        early = files[name[3]].with_name(f"PBIActivityEvents-{name[3]}-{name[3]}233000.json")
        files[name[3]].rename(early)
        self.pbi("ingest", "log", codes=(3,))
        gaps = self.pbi("gaps", "--since", "9d", codes=(3,))
        expected = [days_ago(back) for back in (9, 8, 7, 6, 3)]
        self.assertEqual([line.split()[0] for line in gaps.splitlines()], expected)
        self.pbi("status", "--fail-on", "damaged", "--since", "9d", codes=(3,))

        before = len(self.api.requests)
        self.api.faults = True
        self.pull("log", "--days", "0", "--days-from", "-", stdin=gaps)
        days = {match for path in self.api.requests[before:] for match in re.findall("20..-..-..", path)}
        self.assertEqual(days, set(expected), "only the days of the gaps")
        self.pbi("ingest", "log", codes=(0,))
        self.assertEqual(self.pbi("gaps", "--since", "9d"), "")
        self.assertEqual(self.pbi("-q", "status", "--fail-on", "missing,damaged,rejects",
                                  "--since", "9d"), "")
        json_gaps = self.pbi("gaps", "--since", "9d", "--format", "json")
        before = len(self.api.requests)
        self.pull("log", "--days", "0", "--days-from", "-", stdin=json_gaps)
        self.assertEqual(len(self.api.requests), before, "nothing to download")


if __name__ == "__main__":
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main(verbosity=1)
