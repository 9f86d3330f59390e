"""Results of reports and statements."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from ._frames import Frames
from ._native import ArrowSchema, ReportRows
from ._typing import ArrowRows

# Rows that a notebook shows.
SHOWN_ROWS = 50


@dataclass(frozen=True)
class Period:
    """Days that a report counts, in its time zone."""

    since: date | None
    until: date | None
    time_zone: str


@dataclass(frozen=True)
class Coverage:
    """Numbers of days of the period by status. `days` is the sum of the others."""

    days: int
    complete: int
    partial: int
    missing: int
    truncated: int


class Report(Frames):
    """Rows of a report or statement, with the days and events that they count."""

    def __init__(self, rows: ReportRows) -> None:
        self._report = rows
        self._context: dict[str, Any] = json.loads(rows.context_json)

    def _rows(self) -> ArrowRows:
        return self._report

    @property
    def name(self) -> str:
        """Name of the report, or `sql`."""
        return str(self._context["report"])

    @property
    def title(self) -> str:
        """Title of the report."""
        return str(self._context["title"])

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self._report.schema.names

    @property
    def schema(self) -> ArrowSchema:
        """Names and types of the columns."""
        return self._report.schema

    @property
    def period(self) -> Period:
        """Days that the rows count."""
        period = self._context["period"]
        days = [period[name] and date.fromisoformat(period[name]) for name in ("since", "until")]
        return Period(days[0], days[1], period["time_zone"])

    @property
    def coverage(self) -> Coverage:
        """Days of the period by status, as far as the log shows it."""
        return Coverage(**self._context["coverage"])

    @property
    def excluded(self) -> dict[str, int]:
        """Numbers of events of the period that the rows do not count, by reason."""
        return dict(self._context["excluded"])

    @property
    def totals(self) -> dict[str, int]:
        """Sums of counts over all rows; empty if the report has no column with a total."""
        return dict(self._context.get("totals", {}))

    @property
    def remarks(self) -> list[str]:
        """Sentences on the result, for example why there are no rows."""
        return self._report.remarks

    @property
    def failures(self) -> list[str]:
        """Messages of the conditions of `fail_on` that hold."""
        return self._report.failures

    def __len__(self) -> int:
        return len(self._report)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Returns the rows as in `--format json`: dates and times are texts."""
        rows: list[dict[str, Any]] = json.loads(self._report.render("json"))["rows"]
        return rows

    def render(self, format: str) -> bytes:
        """Returns the report in a format of the command line, for example `xlsx` or `svg`."""
        return self._report.render(format)

    def __str__(self) -> str:
        return self._report.render("text").decode()

    def __repr__(self) -> str:
        rows = "1 row" if len(self) == 1 else f"{len(self)} rows"
        return f"<Report {self.name}: {rows}, {self.period.since} to {self.period.until}>"

    def _repr_html_(self) -> str:
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        lines = [f"<caption>{html.escape(self.title)}</caption>", f"<tr>{cells}</tr>"]
        rows = self.to_dicts()
        for row in rows[:SHOWN_ROWS]:
            cells = "".join(f"<td>{html.escape(_shown(row[name]))}</td>" for name in self.columns)
            lines.append(f"<tr>{cells}</tr>")
        notes = [f"{self.period.since} to {self.period.until} ({self.period.time_zone})."]
        coverage = self.coverage
        notes.append(
            f"Days: {coverage.complete} complete, {coverage.partial} partial, "
            f"{coverage.missing} missing, {coverage.truncated} truncated."
        )
        if len(rows) > SHOWN_ROWS:
            notes.append(f"These are the first {SHOWN_ROWS} of {len(rows)} rows.")
        excluded = [f"{count:,} {reason}" for reason, count in self.excluded.items() if count]
        if excluded:
            notes.append(f"Excluded events: {', '.join(excluded)}.")
        footer = html.escape(" ".join([*notes, *self.remarks]))
        table = "\n".join(lines)
        return f"<table>\n{table}\n</table>\n<p>{footer}</p>"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
