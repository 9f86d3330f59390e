"""Tests of the code blocks of docs/python.md and README.md, in the order of the page."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import unittest
from typing import Any

from support import ROOT, SAMPLE, FolderTest, json_of


def blocks(page: str) -> str:
    """Returns the Python code of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```\n", text, flags=re.M | re.S))


class Pages(FolderTest):
    def setUp(self) -> None:
        super().setUp()
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["PYSPARK_SUBMIT_ARGS"] = (
            "--master local[2] --conf spark.ui.enabled=false "
            "--conf spark.sql.shuffle.partitions=2 pyspark-shell"
        )
        os.symlink(SAMPLE, self.folder / "sample-data")
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)

    def run_page(self, page: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(blocks(page), page, "exec"), names)
        return names

    def test_the_page_of_the_package(self) -> None:
        names = self.run_page("docs/python.md")
        flags = ["--since=30d", "--tz=Europe/Zurich", "--param=top=10", "--workspace=Sales*"]
        expected = json_of("report", "top-reports", *flags)["rows"]
        self.assertTrue(expected)
        self.assertEqual(names["report"].to_dicts(), expected)
        # The last block is that of Spark, whose table has the events of the scan.
        self.assertTrue((self.folder / "events").is_dir())
        stored = names["scan"].account.records.stored
        self.assertEqual(names["account"].records.stored, stored)

    def test_the_readme(self) -> None:
        names = self.run_page("README.md")
        self.assertGreater(len(names["events"]), 1000)


if __name__ == "__main__":
    unittest.main()
