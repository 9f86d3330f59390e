"""Draws how the pages of a Power BI project are laid out.

    layout.py PROJECT OUTPUT.html

Each visual is a box at its position with its title, its type and its fields. This is no picture of
what Power BI draws. The script also checks that titles and the names of cards fit into their boxes,
by an estimate of the width of text. The exit code is 1 if one does not fit.
"""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path

# Estimated width of a character as a part of the font size, and sizes of fonts.
CHARACTER = 0.52
TITLE_SIZE, LABEL_SIZE, HEAD_SIZE, NOTE_SIZE = 16, 12, 20, 16
COLORS = {
    "cardVisual": "#eef4fb",
    "slicer": "#f3eefb",
    "textbox": "#ffffff",
    "actionButton": "#fbf1e6",
    "pivotTable": "#f4f4f4",
    "tableEx": "#f4f4f4",
}
CHART = "#edf7ee"
# Greatest number of characters of sentences.
NOTES = {"Coverage Note": 95, "Inventory Note": 165, "License Note": 125}


def literal(visual: dict, place: str, name: str, member: str) -> str | None:
    for entry in visual.get(place, {}).get(name, []):
        value = entry["properties"].get(member, {}).get("expr", {}).get("Literal", {}).get("Value")
        if value is not None:
            return value.strip("'").replace("''", "'")
    return None


def fields(visual: dict) -> list[tuple[str, list[str]]]:
    state = visual.get("query", {}).get("queryState", {})
    return [
        (role, [projection["nativeQueryRef"] for projection in content["projections"]])
        for role, content in state.items()
    ]


def element(name: str, content: str = "", **attributes: object) -> str:
    written = "".join(
        f' {key.replace("_", "-")}="{html.escape(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>"


def text(x: float, y: float, size: float, content: str, **attributes: object) -> str:
    return element("text", html.escape(content), x=x, y=y, font_size=size, **attributes)


class Page:
    """The drawing of a page, and the texts that do not fit."""

    def __init__(self, folder: Path) -> None:
        self.page = json.loads((folder / "page.json").read_text("utf-8"))
        self.problems: list[str] = []
        visuals = [json.loads(path.read_text("utf-8")) for path in folder.rglob("visual.json")]
        visuals.sort(key=lambda file: file["position"]["tabOrder"])
        width, height = self.page["width"], self.page["height"]
        shapes = [element("rect", width=width, height=height, fill="#fafafa", stroke="#888888")]
        for file in visuals:
            shapes += self.visual(file["position"], file["visual"])
        box = f"0 0 {width} {height}"
        self.svg = element(
            "svg",
            "".join(shapes),
            viewBox=box,
            width=width,
            height=height,
            xmlns="http://www.w3.org/2000/svg",
            font_family="Segoe UI, sans-serif",
        )

    def fits(self, content: str, size: float, width: float, lines: int = 1) -> None:
        if len(content) * size * CHARACTER > width * lines:
            self.problems.append(f"{self.page['displayName']}: {content!r} is wider than {width}")

    def visual(self, place: dict, visual: dict) -> list[str]:
        x, y, width, height = (place[side] for side in ("x", "y", "width", "height"))
        kind = visual["visualType"]
        fill = COLORS.get(kind, CHART)
        shapes = [
            element("rect", x=x, y=y, width=width, height=height, fill=fill, stroke="#b0b0b0", rx=3)
        ]
        top, inner = y + 8, width - 20
        title = literal(visual, "visualContainerObjects", "title", "text")
        if title:
            self.fits(title, TITLE_SIZE, inner)
            shapes.append(text(x + 10, top + TITLE_SIZE, TITLE_SIZE, title, font_weight=600))
            top += TITLE_SIZE + 12
        if kind == "textbox":
            runs = visual["objects"]["general"][0]["properties"]["paragraphs"][0]["textRuns"]
            self.fits(runs[0]["value"], HEAD_SIZE, inner)
            shapes.append(
                text(x + 10, y + height / 2 + 8, HEAD_SIZE, runs[0]["value"], font_weight=700)
            )
        elif kind == "cardVisual" and literal(visual, "objects", "label", "show") == "false":
            (name,) = fields(visual)[0][1]
            lines = max(1, int((height - 16) / (NOTE_SIZE * 1.4)))
            self.fits(f"[{name}]".ljust(NOTES.get(name, 0)), NOTE_SIZE, inner, lines)
            shapes.append(text(x + 10, y + height / 2 + 6, NOTE_SIZE, f"[{name}] as a sentence"))
        elif kind == "cardVisual":
            names = fields(visual)[0][1]
            each = width / len(names)
            for number, name in enumerate(names):
                left = x + number * each
                self.fits(name, LABEL_SIZE, each - 20)
                shapes.append(text(left + 12, y + 42, 28, "1,234", font_weight=600))
                shapes.append(text(left + 12, y + 68, LABEL_SIZE, name, fill="#555555"))
        elif kind == "actionButton":
            shapes.append(text(x + 18, y + 28, HEAD_SIZE, "←"))
        elif kind == "slicer":
            (name,) = fields(visual)[0][1]
            self.fits(name, LABEL_SIZE, inner)
            shapes.append(text(x + 10, y + 24, LABEL_SIZE, name))
            shapes.append(
                element(
                    "rect",
                    x=x + 10,
                    y=y + 34,
                    width=inner,
                    height=28,
                    fill="#ffffff",
                    stroke="#b0b0b0",
                )
            )
            shapes.append(text(x + 16, y + 53, LABEL_SIZE, "All ▾", fill="#555555"))
        else:
            shapes += self.content(kind, visual, (x, top, width, y + height - top))
        return shapes

    def content(self, kind: str, visual: dict, place: tuple) -> list[str]:
        """Draws the fields of a chart or table."""
        x, top, width, height = place
        roles = fields(visual)
        if kind in ("pivotTable", "tableEx"):
            names = [name for _, role in roles for name in role]
            each = (width - 20) / len(names)
            shapes = [
                text(x + 10 + number * each, top + 14, LABEL_SIZE, name, font_weight=600)
                for number, name in enumerate(names)
            ]
            for number, name in enumerate(names):
                self.fits(name, LABEL_SIZE, each - 4, 2)
            lines = range(int(top + 22), int(top + height - 10), 24)
            return shapes + [
                element("line", x1=x + 10, y1=line, x2=x + width - 10, y2=line, stroke="#d8d8d8")
                for line in lines
            ]
        words = "; ".join(f"{role}: {', '.join(names)}" for role, names in roles) or kind
        return [
            text(x + 10, top + 14, LABEL_SIZE, kind, fill="#777777"),
            text(x + 10, top + 32, LABEL_SIZE, words, fill="#555555"),
        ]


def main() -> int:
    project, output = Path(sys.argv[1]), Path(sys.argv[2])
    folder = next(iter(project.glob("*.Report"))) / "definition" / "pages"
    order = json.loads((folder / "pages.json").read_text("utf-8"))["pageOrder"]
    pages = [Page(folder / name) for name in order]
    drawn = "".join(
        element("h2", html.escape(page.page["displayName"])) + page.svg for page in pages
    )
    output.write_text(f'<!doctype html><meta charset="utf-8"><title>Pages</title>{drawn}', "utf-8")
    problems = [problem for page in pages for problem in page.problems]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(pages)} pages, {len(problems)} texts that do not fit")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
