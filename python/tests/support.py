"""What the tests of the installed package share: the program, the sample data, a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SAMPLE = str(ROOT / "sample-data")
DAMAGED = str(ROOT / "sample-data-damaged")
# The program that was built by Cargo, and the command that the wheel installed.
PROGRAM = os.environ["PBI_ANALYZE_PROGRAM"]
COMMAND = str(Path(sys.executable).parent / "pbi-analyze")


def environment() -> dict[str, str]:
    """Returns the environment without settings of the user."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PBI_")}


def run(*words: str, program: str = PROGRAM, codes: tuple[int, ...] = (0, 3)) -> str:
    """Runs the program and returns its output."""
    done = subprocess.run(
        [program, *words], capture_output=True, check=False, env=environment(), text=True
    )
    if done.returncode not in codes:
        raise AssertionError(f"{words}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


def json_of(*words: str) -> Any:
    """Runs the program and returns its output as a value."""
    return json.loads(run(*words, "--format", "json"))


class FolderTest(unittest.TestCase):
    """A test with a temporary folder of its own."""

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pbi-python-")
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)
