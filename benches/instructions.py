#!/usr/bin/env python3
"""Counts the instructions of commands on a small archive, and compares them with checked-in counts.

    instructions.py PBI-ANALYZE SYNTH [--renew]

A shared machine changes times by a factor of two and instruction counts by a few tenths of a
percent, so counts show a regression that times hide. Every command runs on one thread, in callgrind.
A count that differs by more than 3 percent fails the check, in both directions: after an
improvement, the old count would hide the next regression. --renew writes instructions.json.

Counts depend on the compiler, the C library and the processor's vector instructions, which
instructions.json names. On a machine that differs in one of them, the counts are printed, with a
note that they cannot be compared. Use the release build. Needs valgrind.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COUNTS = Path(__file__).with_suffix(".json")
TOLERANCE = 0.03

# 10,000 events are enough that most instructions are those of the work, not of the start.
ARCHIVE = ["--events", "10000", "--days", "60", "--users", "200", "--reports", "150"]
ARCHIVE += ["--workspaces", "20", "--seed", "7", "--first-day", "2026-01-01"]

# Those that only read can run at the same time.
WRITERS = 3
COMMANDS = {
    "start of the program": ["--version"],
    "ingest": ["ingest", "{archive}", "--store", "{store}", "--quiet"],
    "ingest of nothing new": ["ingest", "{archive}", "--store", "{store}", "--quiet"],
    "report top-reports": ["report", "top-reports", "--store", "{store}"],
    "report adoption": ["report", "adoption", "--store", "{store}"],
    "report top-reports --from": ["report", "top-reports", "--from", "{archive}"],
    "report external-users of one day": [
        "report", "external-users", "--store", "{store}", "--since", "2026-02-01", "--until", "2026-02-01",
    ],
    "verify": ["verify", "--store", "{store}"],
    "export": ["export", "--store", "{store}", "--output", "{folder}/events.jsonl"],
}


def count(program: Path, words: list[str]) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), *words]
    environment = dict(os.environ, POLARS_MAX_THREADS="1", RAYON_NUM_THREADS="1", NO_COLOR="1")
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode != 0 or not found:
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
    return int(found[1])


def machine() -> dict[str, str]:
    """Returns what the counts depend on."""
    flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    known = flags[1].split() if flags else []
    vectors = [name for name in ("sse4_2", "avx", "avx2", "bmi2") if name in known]
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    return {
        "compiler": compiler.stdout.split(" (")[0].strip(),
        "library": " ".join(platform.libc_ver()),
        "processor": " ".join([platform.machine(), *vectors]),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("synth", type=Path)
    parser.add_argument("--renew", action="store_true")
    options = parser.parse_args()
    program = options.program.resolve()

    held = json.loads(COUNTS.read_text()) if COUNTS.exists() else {"machine": {}, "counts": {}}
    is_wrong = False
    is_comparable = held["machine"] == machine()
    counts = {}
    with tempfile.TemporaryDirectory(prefix="pbi-instructions-") as folder:
        archive = f"{folder}/archive"
        subprocess.run([options.synth.resolve(), archive, *ARCHIVE], check=True, capture_output=True)
        places = {"archive": archive, "store": f"{folder}/store", "folder": folder}
        commands = [[word.format(**places) for word in words] for words in COMMANDS.values()]
        found = [count(program, command) for command in commands[:WRITERS]]
        with ThreadPoolExecutor(2) as pool:
            found += pool.map(lambda command: count(program, command), commands[WRITERS:])
        for name, counts[name] in zip(COMMANDS, found):
            before = held["counts"].get(name)
            change = counts[name] / before - 1 if before else None
            differs = change is None or abs(change) > TOLERANCE
            is_wrong |= differs
            text = "not counted before" if change is None else f"{change:+.1%}"
            print(f"{name:<34} {counts[name] / 1e6:>10,.1f} million  {text}{'  <--' if differs else ''}")
    if options.renew:
        COUNTS.write_text(json.dumps({"machine": machine(), "counts": counts}, indent=2) + "\n")
        return 0
    if not is_comparable:
        print(f"not compared: counted on {held['machine']}, but this machine is {machine()}")
        return 0
    if is_wrong:
        print("if the change is wanted, say why in the commit, and run this again with --renew")
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
