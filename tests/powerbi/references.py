"""Checks that the parts of a Power BI project fit together.

    references.py PROJECT...

Microsoft's tools do not check that a visual names a field of the model, that a measure names a
column, that keys are unique, or that columns are those of the Parquet files. The exit code is 1 if
something does not fit.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pyarrow.parquet

NAME = r"('(?:[^']|'')+'|[^\s'=]+)"
TYPES = {"int64": "int64", "string": "string", "date32[day]": "dateTime", "bool": "boolean"}
M_TYPES = {"Int64.Type": "int64", "type text": "string", "type date": "dateTime"}
M_TYPES["type logical"] = "boolean"
M_FUNCTIONS = {
    "Parquet.Document",
    "File.Contents",
    "Table.RenameColumns",
    "Table.TransformColumnTypes",
}
DAX_FUNCTIONS = set(
    """ALL AVERAGEX BLANK CALCULATE CALCULATETABLE COUNTROWS DATEDIFF DISTINCTCOUNT DIVIDE FALSE
    FILTER FORMAT IF ISBLANK KEEPFILTERS MAX MIN NOT REMOVEFILTERS SELECTEDVALUE SUM SUMX TRUE
    VALUES""".split()
)
LITERAL = re.compile(r"true|false|null|-?\d+L|-?\d+(\.\d+)?[DM]|'(?:[^']|'')*'")
OBJECT_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
MIN_SIZE = (56, 40)
REPORT_VERSION = "2.0.0"


def unquote(name: str) -> str:
    return name[1:-1].replace("''", "'") if name.startswith("'") else name


class Table:
    """A table of the model."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.columns: dict[str, dict] = {}
        self.measures: dict[str, list[str]] = {}
        self.problems: list[str] = []
        for block in re.split(r"\n(?=\t(?:///|\w))", text):
            head = next((line for line in block.split("\n") if not line.startswith("\t///")), "")
            if found := re.match(rf"\tmeasure {NAME} =(.*)", head):
                body = block[block.index(head) + len(head) :].split("\n")
                lines = [line for line in body if line.startswith("\t\t\t")]
                expression = "\n".join([found.group(2), *lines])
                self.measures.setdefault(unquote(found.group(1)), []).append(expression)
            elif found := re.match(rf"\tcolumn {NAME}$", head):
                values = dict(re.findall(r"^\t\t(\w+): (.*)$", block, re.M))
                values["isKey"] = bool(re.search(r"^\t\tisKey$", block, re.M))
                self.columns[unquote(found.group(1))] = values


class Model:
    """The tables and relationships of a model."""

    def __init__(self, folder: Path) -> None:
        self.tables: dict[str, Table] = {}
        self.problems: list[str] = []
        for file in sorted((folder / "tables").glob("*.tmdl")):
            text = file.read_text("utf-8")
            found = re.search(rf"^table {NAME}$", text, re.M)
            if not found or unquote(found.group(1)) != file.stem:
                self.problems.append(f"{file.name} does not define the table {file.stem}")
            self.tables[file.stem] = Table(file.stem, text)
        model = (folder / "model.tmdl").read_text("utf-8")
        listed = [unquote(name) for name in re.findall(rf"^ref table {NAME}$", model, re.M)]
        if sorted(listed) != sorted(self.tables):
            self.problems.append(f"model.tmdl lists {listed}")
        expressions = (folder / "expressions.tmdl").read_text("utf-8")
        names = [unquote(name) for name in re.findall(rf"^expression {NAME} =", expressions, re.M)]
        self.problems += [f"{name} is also a table" for name in names if name in self.tables]
        self.expressions = names
        relationships = (folder / "relationships.tmdl").read_text("utf-8")
        side = rf"{NAME.replace('=', '=.')}\.{NAME}"
        self.relationships = [
            tuple(unquote(name) for name in found)
            for found in re.findall(
                rf"^\tfromColumn: {side}\n\ttoColumn: {side}$", relationships, re.M
            )
        ]
        if len(self.relationships) != len(re.findall("^relationship ", relationships, re.M)):
            self.problems.append("a relationship cannot be read")
        tags = [
            tag
            for table in self.tables.values()
            for tag in re.findall(r"lineageTag: (.*)", table.text)
        ]
        self.problems += [f"the tag {tag} is there twice" for tag in tags if tags.count(tag) > 1][
            :1
        ]


def model_problems(model: Model, data: Path) -> list[str]:
    found = [*model.problems]
    content = {}
    for table in model.tables.values():
        rows, problems = file_problems(table, data, model.expressions)
        found += problems
        content[table.name] = rows
        if sum(column["isKey"] for column in table.columns.values()) > 1:
            found.append(f"{table.name} has two keys")
        for name, column in table.columns.items():
            sort = unquote(column.get("sortByColumn", name))
            if sort not in table.columns:
                found.append(f"{table.name}[{name}] is sorted by {sort}, which does not exist")
    names: dict[str, str] = {}
    for table in model.tables.values():
        for name, expressions in table.measures.items():
            if len(expressions) > 1 or names.setdefault(name.lower(), table.name) != table.name:
                found.append(f"the measure {name} is there twice")
            if name.lower() in {column.lower() for column in table.columns}:
                found.append(f"the measure {name} has the name of a column of {table.name}")
    measures = {name for table in model.tables.values() for name in table.measures}
    for table in model.tables.values():
        for name, expressions in table.measures.items():
            for expression in expressions:
                found += [f"{name}: {text}" for text in dax_problems(model, measures, expression)]
    return found + relationship_problems(model, content)


def file_problems(table: Table, data: Path, expressions: list[str]) -> tuple[object, list[str]]:
    """Returns the rows of a table with the names of the model, and the problems of its query."""
    name, found = table.name, []
    read = re.search(r'File\.Contents\((\w+|#"[^"]+") & "(\w+)\.parquet"\)', table.text)
    if not read or not (data / f"{read.group(2)}.parquet").is_file():
        return None, [f"{name} reads no file of the project"]
    if read.group(1) not in expressions:
        found.append(f"{name} reads the unknown parameter {read.group(1)}")
    query = table.text[table.text.index("\tsource =") :]
    called = set(re.findall(r"([A-Z]\w+\.\w+)\(", query))
    found += [f"{name} calls {function}" for function in sorted(called - M_FUNCTIONS)]
    rows = pyarrow.parquet.read_table(data / f"{read.group(2)}.parquet")
    renamed = dict(re.findall(r'\{"(\w+)", "([^"]+)"\}', query))
    typed = dict(re.findall(r'\{"([^"]+)", ([\w.]+|type \w+)\}', query))
    found += [
        f"{name}: the file has no column {old}" for old in renamed if old not in rows.column_names
    ]
    rows = rows.rename_columns([renamed.get(old, old) for old in rows.column_names])
    sources = [column.get("sourceColumn") for column in table.columns.values()]
    if sorted(map(str, sources)) != sorted(rows.column_names):
        found.append(f"the columns of {name} are not those of its file")
    for column, values in table.columns.items():
        source, declared = values.get("sourceColumn"), values.get("dataType")
        if source in rows.column_names and TYPES.get(str(rows[source].type)) != declared:
            found.append(f"{name}[{column}] is declared as {declared}")
        if M_TYPES.get(typed.get(source, "")) != declared:
            found.append(f"the query of {name} has another type of {column}")
    return rows, found


def relationship_problems(model: Model, content: dict) -> list[str]:
    found = []
    for relationship in model.relationships:
        sides = [relationship[:2], relationship[2:]]
        names = " and ".join(f"{table}[{column}]" for table, column in sides)
        columns = [
            model.tables[table].columns.get(column) if table in model.tables else None
            for table, column in sides
        ]
        if None in columns:
            found.append(f"there is no column for the relationship of {names}")
            continue
        if columns[0].get("dataType") != columns[1].get("dataType"):
            found.append(f"types differ: {names}")
        values = [
            content[table][columns[side].get("sourceColumn")].to_pylist()
            if content[table] is not None
            and columns[side].get("sourceColumn") in content[table].column_names
            else None
            for side, (table, _) in enumerate(sides)
        ]
        if None in values:
            continue
        if len(set(values[1])) != len(values[1]) or None in values[1]:
            found.append(f"the key is not unique: {names}")
        if set(values[0]) - set(values[1]):
            found.append(f"rows without a key: {names}")
    pairs = [(relationship[0], relationship[2]) for relationship in model.relationships]
    found += [
        f"two paths from {pair[0]} to {pair[1]}"
        for pair in sorted(set(pairs))
        if pairs.count(pair) > 1
    ]
    facts, dimensions = ({pair[side] for pair in pairs} for side in (0, 1))
    found += [f"{table} is on both sides of relationships" for table in sorted(facts & dimensions)]
    return found


def dax_problems(model: Model, measures: set[str], expression: str) -> list[str]:
    found = []
    code = re.sub(r'"(?:[^"]|"")*"', '""', expression)
    if code.count('"') % 2:
        found.append("a text has no end")
    for left, right in ("()", "[]", "{}"):
        if code.count(left) != code.count(right):
            found.append(f"{left} and {right} do not match")
    for table, column in re.findall(r"('(?:[^']|'')+'|\b[A-Za-z_]\w*)\[([^\]]+)\]", code):
        known = model.tables.get(unquote(table))
        if known is None or column not in known.columns:
            found.append(f"there is no column {table}[{column}]")
    for name in re.findall(r"(?<![\w'\]])\[([^\]]+)\]", code):
        if name not in measures:
            found.append(f"there is no measure {name}")
    called = set(re.findall(r"\b([A-Z][A-Z0-9.]+) \(", code))
    found += [f"{name} is not a known function" for name in sorted(called - DAX_FUNCTIONS)]
    variables = set(re.findall(r"\bVAR (_\w+) =", code))
    found += [
        f"{name} is no variable" for name in sorted(set(re.findall(r"\b_\w+", code)) - variables)
    ]
    if code.strip() == "":
        found.append("there is no expression")
    return found


def walk(value: object):
    """Yields every object in a value."""
    if isinstance(value, dict):
        yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    for part in parts:
        yield from walk(part)


def field_problems(model: Model, file: dict) -> list[str]:
    found = []
    for members in walk(file):
        for kind in ("Column", "Measure"):
            field = members.get(kind)
            if not isinstance(field, dict) or "Property" not in field:
                continue
            entity = field["Expression"]["SourceRef"].get("Entity")
            if entity is None:
                continue
            table = model.tables.get(entity)
            known = getattr(table, f"{kind.lower()}s") if table else {}
            if field["Property"] not in known:
                found.append(f"there is no {kind} {entity}[{field['Property']}]")
        if "queryRef" in members:
            (field,) = members["field"].values()
            entity, name = field["Expression"]["SourceRef"].get("Entity"), field["Property"]
            if (members["queryRef"], members["nativeQueryRef"]) != (f"{entity}.{name}", name):
                found.append(f"{members['queryRef']} is not the field {entity}[{name}]")
        literal = members.get("Literal")
        if literal and not LITERAL.fullmatch(literal.get("Value", "")):
            found.append(f"{literal.get('Value')} is no literal")
    return found


def report_problems(model: Model, report: Path) -> list[str]:
    found, names, pages = [], set(), []
    for path in sorted((report / "definition").rglob("*.json")):
        name = path.relative_to(report / "definition").as_posix()
        file = json.loads(path.read_text("utf-8"))
        found += [f"{name}: {problem}" for problem in field_problems(model, file)]
        if path.name in ("visual.json", "page.json"):
            own = file.get("name", "")
            if own != path.parent.name or own in names or not OBJECT_NAME.fullmatch(own):
                found.append(f"{name}: the name {own} is invalid, or not that of its folder")
            names.add(own)
        if path.name == "page.json":
            pages.append(own)
            found += [f"{name}: {problem}" for problem in layout_problems(path.parent, file)]
            drilled = file.get("pageBinding", {}).get("type") == "Drillthrough"
            visuals = [
                json.loads(visual.read_text("utf-8")) for visual in path.parent.rglob("visual.json")
            ]
            kinds = [visual["visual"]["visualType"] for visual in visuals]
            if drilled and "actionButton" not in kinds:
                found.append(f"{name}: there is no button back")
            if not any("Coverage Note" in json.dumps(visual) for visual in visuals):
                found.append(f"{name}: there is no note on the coverage")
        for entry in file.get("filterConfig", {}).get("filters", []):
            if entry["name"] in names or not entry["name"].startswith("Filter"):
                found.append(f"{name}: the filter {entry['name']} is there twice")
            names.add(entry["name"])
    version = json.loads((report / "definition/version.json").read_text("utf-8"))["version"]
    if version != REPORT_VERSION:
        found.append(f"version.json has the version {version}")
    for package in json.loads((report / "definition/report.json").read_text("utf-8")).get(
        "resourcePackages", []
    ):
        for item in package["items"]:
            if not (report / "StaticResources" / package["name"] / item["path"]).exists():
                found.append(f"report.json names the missing file {item['path']}")
    order = json.loads((report / "definition/pages/pages.json").read_text("utf-8"))
    if sorted(order["pageOrder"]) != sorted(pages) or order["activePageName"] not in pages:
        found.append("pages.json does not list the pages")
    return found


def layout_problems(folder: Path, page: dict) -> list[str]:
    found, places = [], []
    for path in sorted(folder.rglob("visual.json")):
        place = json.loads(path.read_text("utf-8"))["position"]
        left, top = place["x"], place["y"]
        right, bottom = left + place["width"], top + place["height"]
        if min(left, top) < 0 or right > page["width"] or bottom > page["height"]:
            found.append(f"{path.parent.name} is outside the page")
        if place["width"] < MIN_SIZE[0] or place["height"] < MIN_SIZE[1]:
            found.append(f"{path.parent.name} is too small")
        for other, (x, y, end, low) in places:
            if left < end and x < right and top < low and y < bottom:
                found.append(f"{path.parent.name} overlaps {other}")
        places.append((path.parent.name, (left, top, right, bottom)))
    return found


def problems(project: Path) -> list[str]:
    """Returns all problems of a project."""
    for path in project.rglob("*"):
        if path.suffix == ".tmdl" or path.suffix == ".json":
            text = path.read_bytes()
            if text.startswith(b"\xef\xbb\xbf") or b"\r" in text:
                return [f"{path.name} has a byte order mark or ends lines with CR"]
    (pbip,) = project.glob("*.pbip")
    report = project / json.loads(pbip.read_text("utf-8"))["artifacts"][0]["report"]["path"]
    target = json.loads((report / "definition.pbir").read_text("utf-8"))["datasetReference"]
    folder = (report / target["byPath"]["path"]).resolve()
    if not folder.is_dir():
        return ["definition.pbir names no model"]
    needed = [report / ".platform", folder / ".platform", folder / "definition.pbism"]
    found = [
        f"there is no {path.name} in {path.parent.name}" for path in needed if not path.exists()
    ]
    model = Model(folder / "definition")
    found += model_problems(model, project / "data")
    return found + report_problems(model, report)


def main() -> int:
    failed = 0
    for project in map(Path, sys.argv[1:]):
        found = problems(project)
        failed += bool(found)
        for problem in found:
            print(f"{project}: {problem}", file=sys.stderr)
    print(f"{len(sys.argv) - 1} projects, {failed} with problems")
    return 1 if failed or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
