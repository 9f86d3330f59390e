#!/usr/bin/env python3
"""Runs docs/example.ipynb over the sample archive and compares the output of its cells.

--write writes the new output into the notebook, for example after a change of a cell or of the
version of a tool. The cells are written by hand and are in no other file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs/example.ipynb"
SIZE_MAX = 200_000


def executed(program: Path, folder: Path) -> nbformat.NotebookNode:
    """Returns the notebook with new output of its cells, run in a folder with the sample data."""
    for key in [key for key in os.environ if key.startswith("PBI_")]:
        del os.environ[key]
    shutil.copytree(ROOT / "sample-data", folder / "sample-data")
    # Cells may call the program by its name, and all run in a fixed time zone.
    os.environ["PATH"] = os.pathsep.join([str(program.parent), os.environ.get("PATH", "")])
    os.environ["TZ"] = "UTC"
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    for cell in notebook.cells:
        # The time and the user of a run are removed from the output.
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("language_info", None)
    nbformat.validate(notebook)
    return notebook


def text(notebook: nbformat.NotebookNode) -> str:
    return nbformat.writes(notebook, version=4) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=Path, help="the binary pbi-analyze")
    parser.add_argument("--write", action="store_true", help="write the notebook")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pbi-analyze-example-") as folder:
        notebook = executed(arguments.program.resolve(), Path(folder))
    now = text(notebook)
    if arguments.write:
        NOTEBOOK.write_text(now, encoding="utf-8")
    held = NOTEBOOK.read_text(encoding="utf-8")
    size = len(held.encode())
    if size > SIZE_MAX:
        print(f"{NOTEBOOK.name} has {size} bytes, expected {SIZE_MAX} at most", file=sys.stderr)
        return 1
    if held != now:
        before = nbformat.reads(held, as_version=4)
        changed = [
            place
            for place, (one, two) in enumerate(zip(before.cells, notebook.cells))
            if one != two
        ]
        print(
            f"cells {changed} of {NOTEBOOK.name} have other output: check them after "
            f"{Path(__file__).name} {arguments.program} --write",
            file=sys.stderr,
        )
        return 1
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    print(f"{NOTEBOOK.name}: {cells} cells have the expected output, {size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
