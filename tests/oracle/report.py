"""What the report functions share: their list, groups of events, and small calculations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from context import Context, Question, Log
from events import Event, text


@dataclass(frozen=True)
class Report:
    """A report: how to calculate its rows, and which columns identify a row."""

    name: str
    rows: Callable[[Context], list[dict]]
    key: tuple[str, ...]
    order: tuple[str, ...] = ()
    actors: str = "people"
    noise: bool = False
    platform: bool = False

    def run(self, log: Log, question: Question) -> list[dict]:
        if not log.of(self.platform):
            return []
        # Many reports select the same events.
        key = question, self.actors, self.noise, self.platform
        if key not in log.contexts:
            log.contexts[key] = Context(log, *key)
        return self.rows(log.contexts[key])


REPORTS: dict[str, Report] = {}


def report(name: str, key: str, order: str = "", **more):
    """Adds a function to the list. `order` lists the columns that sort the rows, `-` descending."""
    def add(rows):
        REPORTS[name] = Report(name, rows, tuple(key.split()), tuple(order.split()), **more)
        return rows
    return add


def grouped(events: Iterable[Event], key: Callable) -> dict:
    groups = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


def users(events: Iterable[Event]) -> set[str]:
    """The distinct users; all anonymous visitors are one, and events without a user are nobody."""
    return {event.user for event in events} - {None}


def days(context: Context, events: Iterable[Event]) -> set:
    return {context.day(event) for event in events}


def last(events: Iterable[Event]):
    return max((event.time for event in events), default=None)


def first(events: Iterable[Event]):
    return min((event.time for event in events), default=None)


def ratio(part: float, whole: float, factor: float = 1) -> float | None:
    return factor * part / whole if whole else None


def named(events: Iterable[Event], *activities: str) -> list[Event]:
    return [event for event in events if event.activity in activities]


def good(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if not event.is_failed]


def in_group(events: Iterable[Event], *groups: str) -> list[Event]:
    """The events of these groups that did not fail."""
    return [event for event in events if event.group in groups and not event.is_failed]


def views(events: Iterable[Event]) -> list[Event]:
    """Report views."""
    return named(good(events), "ViewReport")


def report_key(event: Event) -> str | None:
    """What distinguishes the report of a view: its ID, or the name that the event has instead."""
    return event.report or text(event.get("ReportName"))


def reports(events: Iterable[Event]) -> int:
    """The number of distinct reports."""
    return len({report_key(event) for event in events} - {None})


def other_views(events: Iterable[Event]) -> list[Event]:
    return [event for event in in_group(events, "VIEW") if event.activity != "ViewReport"]


def authored(events: Iterable[Event]) -> list[Event]:
    """Changes of content; the start of an import is none, because its end follows."""
    return [event for event in in_group(events, "AUTHOR")
            if event.activity != "ImportArtifactStart"]


def is_presence(event: Event) -> bool:
    """True if the event shows that a person was there: no failure, schedule or scan."""
    if event.is_failed or event.group == "API_READ" or event.activity == "RunEmailSubscription":
        return False
    return "Scheduled" not in (event.get("RefreshType"), event.get("DataflowRefreshScheduleType"))


def present(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if is_presence(event)]


def trend(context: Context, events: Iterable) -> float | None:
    """Count in the second half of the period by that in the first, over complete days."""
    first_half, second_half = context.halves
    dates = [event if not isinstance(event, Event) else context.day(event) for event in events]
    before = sum(day in first_half for day in dates)
    after = sum(day in second_half for day in dates)
    return after / before if before and second_half else None


def joined(values: Iterable[str | None]) -> str | None:
    """The distinct values in order, separated by commas."""
    return ", ".join(sorted({value for value in values if value})) or None


def distinct_items(events: Iterable[Event]) -> set:
    """The items of events: their IDs, or the names that events have instead."""
    return {event.item[1] if event.item else event.item_name for event in events} - {None}
