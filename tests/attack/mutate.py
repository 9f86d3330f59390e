#!/usr/bin/env python3
"""Damages one file of a store and runs every command on it.

Each round changes, cuts, empties or deletes one file of a copy of a store: data files, the logs of
all tables, checkpoints, the source log, rejected records. Then `verify`, `export`, `status`, a
report, `compact` and `ingest` run. None may crash, hang or end without a message. If `verify` finds
nothing, `export` must give the same events as before.

    tests/attack/mutate.py PROGRAM ARCHIVE [--rounds 200] [--seed 1]

ARCHIVE is any folder of log files, for example sample-data. Prints the counts as one JSON object,
and ends with 1 if a promise was broken.
"""

import argparse
import collections
import json
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TIMEOUT_SECONDS = 120
# Success, an error, a wrong flag, and a result that is incomplete.
EXPECTED_CODES = {0, 1, 2, 3}


def damage(path, rng):
    """Damages a file and returns the name of the damage."""
    content = bytearray(path.read_bytes())
    kind = rng.choice(["bit", "bytes", "cut", "empty", "delete", "grow"]) if content else "delete"
    position = rng.randrange(len(content)) if content else 0
    if kind == "bit":
        content[position] ^= 1 << rng.randrange(8)
    elif kind == "bytes":
        content[position : position + 16] = rng.randbytes(16)
    elif kind == "cut":
        del content[position:]
    elif kind == "empty":
        content.clear()
    elif kind == "grow":
        content += rng.randbytes(64)
    if kind == "delete":
        path.unlink()
    else:
        path.write_bytes(content)
    return kind


class Attack:
    def __init__(self, options):
        self.program = str(Path(options.program).resolve())
        self.archive = str(Path(options.archive).resolve())
        self.options = options
        self.rng = random.Random(options.seed)
        self.counts = collections.Counter()
        self.broken = []

    def run(self, *arguments):
        command = [self.program, *arguments]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.broken.append(f"{arguments[0]} does not end")
            return None
        self.counts["commands"] += 1
        message = ran.stderr.decode(errors="replace")
        if ran.returncode not in EXPECTED_CODES or "panicked" in message:
            self.broken.append(f"{arguments[0]} ends with {ran.returncode}: {message[-300:]}")
        elif ran.returncode == 1 and not message.strip() + ran.stdout.decode(errors="replace"):
            self.broken.append(f"{arguments[0]} fails without a message")
        return ran

    def events(self, store):
        ran = self.run("export", "--store", store)
        return sorted(ran.stdout.splitlines()) if ran and ran.returncode == 0 else None

    def round(self, original, expected, folder):
        store = folder / "store"
        shutil.copytree(original, store)
        files = sorted(path for path in store.rglob("*") if path.is_file())
        target = self.rng.choice(files)
        kind = damage(target, self.rng)
        self.counts["rounds"] += 1
        before = len(self.broken)
        verified = self.run("verify", "--store", str(store))
        events = self.events(str(store))
        if verified and verified.returncode == 0:
            self.counts["not_found_by_verify"] += 1
            if events != expected:
                self.broken.append("verify finds nothing, and the events are others")
        else:
            self.counts["found_by_verify"] += 1
        self.run("status", "--store", str(store))
        self.run("report", "top-reports", "--store", str(store))
        self.run("compact", "--store", str(store))
        self.run("ingest", self.archive, "--store", str(store), "--quiet")
        self.run("verify", "--store", str(store))
        for number in range(before, len(self.broken)):
            self.broken[number] = f"{kind} of {target.relative_to(store)}: {self.broken[number]}"
        shutil.rmtree(store)

    def attack(self):
        with tempfile.TemporaryDirectory(prefix="pbi-analyze-mutate-") as name:
            folder = Path(name)
            original = folder / "original"
            self.run("ingest", self.archive, "--store", str(original), "--quiet")
            expected = self.events(str(original))
            if not expected:
                sys.exit("the archive contains no events")
            for _ in range(self.options.rounds):
                self.round(original, expected, folder)
        print(json.dumps({**self.counts, "broken": self.broken}))
        return 1 if self.broken else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("archive")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    return Attack(parser.parse_args()).attack()


if __name__ == "__main__":
    sys.exit(main())
