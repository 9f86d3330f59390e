"""Checks Power BI projects with all tools, one after the other.

    chain.py TOOLS PROJECT...

TOOLS is a folder that tools.sh has filled. Each step checks all projects and prints its time. The
exit code is 1 if a step finds a problem.

| step | tool | finds |
| --- | --- | --- |
| schemas | Microsoft's published JSON schemas | JSON that is not valid |
| validator | Microsoft's validator of reports | roles, visuals and formats that do not exist |
| model | Microsoft's library for semantic models, on Mono | a model that it does not read, or writes back differently |
| queries | Microsoft's parser of M | queries that are not valid |
| references | our own check | parts of the project that do not fit together |
"""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import references
import schemas

HERE = Path(__file__).resolve().parent
Found = dict[Path, list[str]]


def check_schemas(_: Path, projects: list[Path]) -> Found:
    """Microsoft's published JSON schemas."""
    checker = schemas.Checker()
    return {project: schemas.problems(project, checker)[1] for project in projects}


def check_references(_: Path, projects: list[Path]) -> Found:
    """The check of what fits together."""
    found = {}
    for project in projects:
        try:
            found[project] = references.problems(project)
        except (ValueError, KeyError, OSError) as error:
            found[project] = [f"the project cannot be read: {error!r}"]
    return found


def check_reports(tools: Path, projects: list[Path]) -> Found:
    """Microsoft's validator of reports."""
    with tempfile.TemporaryDirectory() as folder:
        for address, schema in schemas.all_schemas().items():
            schemas.write(Path(folder), address, schema)
        files = [next(iter(project.glob("*.pbip"))) for project in projects]
        command = ["node", HERE / "validate.mjs", folder, *files]
        return run(command, dict(zip(map(str, files), projects, strict=True)), tools)


def check_queries(tools: Path, projects: list[Path]) -> Found:
    """Microsoft's parser of M."""
    folders = [definition(project) for project in projects]
    command = ["node", HERE / "queries.mjs", *folders]
    return run(command, dict(zip(map(str, folders), projects, strict=True)), tools)


def check_models(tools: Path, projects: list[Path]) -> Found:
    """Microsoft's library for semantic models: read, write back, compare every byte."""
    with tempfile.TemporaryDirectory() as temporary:
        folders = [definition(project) for project in projects]
        outputs = [Path(temporary) / str(number) for number in range(len(projects))]
        pairs = [path for pair in zip(folders, outputs, strict=True) for path in pair]
        command = ["mono", tools / "library" / "ReadModel.exe", *pairs]
        found = run(command, dict(zip(map(str, folders), projects, strict=True)), tools)
        for project, folder, output in zip(projects, folders, outputs, strict=True):
            if not found[project]:
                found[project] = differing(folder, output)
    return found


def differing(before: Path, after: Path) -> list[str]:
    """Returns the files that are not the same in two folders."""
    names = {
        path.relative_to(folder).as_posix()
        for folder in (before, after)
        for path in folder.rglob("*")
        if path.is_file()
    }

    def is_same(name: str) -> bool:
        pair = before / name, after / name
        return all(path.exists() for path in pair) and filecmp.cmp(*pair, shallow=False)

    return [f"{name} is written back differently" for name in sorted(names) if not is_same(name)]


def definition(project: Path) -> Path:
    return next(iter(project.glob("*.SemanticModel"))) / "definition"


def run(command: list, owners: dict[str, Path], tools: Path) -> Found:
    """Runs a tool that writes `PLACE: PROBLEM` to stderr, and returns the problems by project."""
    environment = {**os.environ, "NODE_MODULES": str(tools)}
    done = subprocess.run(
        command, capture_output=True, check=False, encoding="utf-8", env=environment
    )
    found: Found = {project: [] for project in owners.values()}
    others = []
    for line in done.stderr.splitlines():
        place = next((place for place in owners if line.startswith(f"{place}: ")), None)
        if place is None:
            others.append(line)
        else:
            found[owners[place]].append(line.removeprefix(f"{place}: "))
    if done.returncode not in (0, 1) or others or bool(done.returncode) != any(found.values()):
        raise SystemExit(f"{command[:2]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return found


STEPS = {
    "schemas": check_schemas,
    "validator": check_reports,
    "model": check_models,
    "queries": check_queries,
    "references": check_references,
}


def main() -> int:
    tools, *projects = (Path(argument).resolve() for argument in sys.argv[1:])
    failed = False
    for name, step in STEPS.items():
        begin = time.monotonic()
        found = step(tools, projects)
        count = sum(map(len, found.values()))
        failed |= count > 0
        for project, problems in found.items():
            for problem in problems:
                print(f"{name}: {project.name}: {problem}", file=sys.stderr)
        seconds = time.monotonic() - begin
        print(f"{name}: {len(projects)} projects, {count} problems, {seconds:.1f} s", flush=True)
    return 1 if failed or not projects else 0


if __name__ == "__main__":
    sys.exit(main())
