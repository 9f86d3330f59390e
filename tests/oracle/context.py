"""What the reports of one question share: period, days, names, filters."""

from __future__ import annotations

import fnmatch
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from events import Event, domain, text

DAY = timedelta(days=1)
NOW = datetime.now(timezone.utc)
WORST = ["complete", "partial", "truncated"]



@cache
def midnight(zone: ZoneInfo, day: date) -> datetime:
    """Returns the first moment of a local day in UTC; some days begin later than at midnight."""
    moment = datetime.combine(day, time()).replace(tzinfo=timezone.utc) - timedelta(hours=26)
    while moment.astimezone(zone).date() < day:
        moment += timedelta(minutes=15)
    return moment


# Fields whose latest name a report shows: kind, ID, name.
NAMED = {
    "workspace": ("WorkspaceId", "WorkspaceName"), "dashboard": ("DashboardId", "DashboardName"),
    "model": ("DatasetId", "DatasetName"), "dataflow": ("DataflowId", "DataflowName"),
    "app": ("AppId", "AppName"), "capacity": ("CapacityId", "CapacityName"),
    "gateway": ("GatewayId", "GatewayName"),
}


@dataclass(frozen=True)
class Question:
    """What a report is asked for."""

    zone: str = "UTC"
    since: str | None = None
    until: str | None = None
    noise: str = "exclude"
    actors: str | None = None
    filters: tuple[tuple[str, str], ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    # Only these local days count, for comparisons; not a flag of the program.
    only: frozenset[date] | None = None

    def flags(self) -> list[str]:
        """Returns the flags of the program."""
        flags = ["--tz", self.zone, "--noise", self.noise]
        for name in ("since", "until", "actors"):
            value = getattr(self, name)
            flags += [f"--{name}", value] if value else []
        for name, value in self.filters:
            flags += [f"--{name}", value]
        for name, value in self.params:
            flags += ["--param", f"{name}={value}"]
        return flags

    def param(self, name: str, otherwise):
        value = dict(self.params).get(name, otherwise)
        return type(otherwise)(value)


@dataclass(eq=False)
class Log:
    """All events of an archive, and what is true of its days."""

    events: list[Event]
    truth: dict[str, str]
    lists: dict = field(default_factory=dict)
    contexts: dict = field(default_factory=dict)
    dates: dict = field(default_factory=dict)

    def of(self, platform: bool) -> list[Event]:
        """Returns one of the two logs."""
        if platform not in self.lists:
            self.lists[platform] = [event for event in self.events
                                    if event.is_platform == platform]
        return self.lists[platform]

    def latest(self, pairs) -> dict[str, str]:
        """Returns the name of the latest event for each ID; the events are in order."""
        return {key: name for key, name in pairs if key and name}

    @cached_property
    def names(self) -> dict[str, dict[str, str]]:
        names = {kind: self.latest((event.id_of(key), text(event.get(name)))
                                   for event in self.events if not event.is_platform)
                 for kind, (key, name) in NAMED.items()}
        names["report"] = self.latest((event.report, text(event.get("ReportName")))
                                      for event in self.events)
        names["power app"] = self.latest((event.power_app, event.power_app_name)
                                         for event in self.events if event.is_platform)
        names["environment"] = self.latest((event.environment, event.environment_name)
                                           for event in self.events if event.is_platform)
        return names

    @cached_property
    def home(self) -> set[str]:
        """The internal domains, by the evidence of the log."""
        people = {event.account: event for event in self.events
                  if event.account and not event.is_service and not event.is_anonymous}
        tenants = {domain(account) for account in people if "#ext#" in account}
        count = Counter(domain(account) for account, event in people.items()
                        if domain(account) and not event.is_invited)
        often = {name for name, users in count.items() if users >= 5 and users * 20 >= len(people)}
        most = [name for name, users in count.most_common(1) if users > 1 or len(count) == 1]
        home = {*tenants, *often, *most}
        siblings = {f"{name.split('.')[0]}.onmicrosoft.com" for name in home}
        return home | siblings


class Context:
    """The events that one question selects from a log."""

    def __init__(self, log: Log, question: Question, actors: str = "people", noise: bool = False,
                 platform: bool = False) -> None:
        self.log, self.question = log, question
        self.zone = ZoneInfo(question.zone)
        self.platform = platform
        own = log.of(platform)
        # Events that are dated after their own files were written do not move the end of the log.
        self.ends = [event for event in own if event.time <= NOW + DAY][-1:]
        self.first_day = self.day(own[0]) if own else None
        self.last_day = self.day(self.ends[0]) if own else None
        self.since = self.bound(question.since, self.first_day, first=True)
        # `10d` are the last ten whole days.
        counted = (question.since or "").endswith("d")
        self.until = self.bound(question.until, self.last_whole_day if counted else self.last_day,
                                first=False)
        self.actors = question.actors or actors
        self.with_noise = noise
        self.history = [event for event in own if self.counts(event)]
        self.events = [event for event in self.history if self.in_period(event)]

    # -- time

    def local(self, event: Event) -> datetime:
        return event.time.astimezone(self.zone)

    def day(self, event: Event) -> date:
        known = self.log.dates.setdefault(self.zone.key, {})
        if event not in known:
            known[event] = self.local(event).date()
        return known[event]

    def bound(self, value: str | None, otherwise: date, first: bool) -> date:
        if value is None:
            return otherwise
        if value.endswith("d"):
            back = int(value[:-1])
            day = self.last_whole_day - DAY * (back - 1 if first else back)
            return max(day, self.first_day) if first else day
        return date.fromisoformat(value)

    @property
    def last_whole_day(self) -> date:
        """The last local day that ends within the last UTC day with an event; days like `10d` are
        counted back from it."""
        last = self.ends[0].time.date()
        end = datetime.combine(last + DAY, time()).replace(tzinfo=timezone.utc)
        day = self.last_day
        while self.midnight(day + DAY) > end:
            day -= DAY
        return day

    def in_period(self, event: Event) -> bool:
        # Without a first or last day, events of the other log count too, however old or new.
        day, question = self.day(event), self.question
        is_open = question.until is None and not (question.since or "").endswith("d")
        if question.only is not None and day not in question.only:
            return False
        return (question.since is None or day >= self.since) and (is_open or day <= self.until)

    @cached_property
    def period(self) -> list[date]:
        """The days of the period that the log covers."""
        first, last = max(self.since, self.first_day), min(self.until, self.last_day)
        return [first + DAY * n for n in range((last - first).days + 1)]

    @property
    def as_of(self) -> date:
        """The last day of the period that the log covers."""
        return min(self.until, self.last_day)

    @cached_property
    def all_days(self) -> list[date]:
        span = (self.last_day - self.first_day).days
        return [self.first_day + DAY * n for n in range(span + 1)]

    def status(self, day: date) -> str:
        """The status of a local day: the worst of the UTC days that it touches."""
        begin, end = self.midnight(day), self.midnight(day + DAY) - timedelta(microseconds=1)
        touched, at = [], begin.date()
        while at <= end.date():
            touched.append(self.log.truth.get(str(at), "beyond"))
            at += DAY
        known = [status for status in touched if status != "beyond"]
        if known and all(status == "missing" for status in known):
            return "missing"
        for status in ("truncated", "partial"):
            if status in touched:
                return status
        return "complete" if set(touched) == {"complete"} else "partial"

    def midnight(self, day: date) -> datetime:
        return midnight(self.zone, day)

    @cached_property
    def statuses(self) -> dict[date, str]:
        if self.platform:
            return {day: self.platform_status(day) for day in self.all_days}
        return {day: self.status(day) for day in self.all_days}

    def platform_status(self, day: date) -> str:
        """The log of the Power Platform is one export of all days: only its ends are partial."""
        begin, end = self.midnight(day), self.midnight(day + DAY) - timedelta(microseconds=1)
        days = [date.fromisoformat(known) for known in self.log.truth]
        return "complete" if min(days) <= begin.date() and end.date() <= max(days) else "partial"

    def complete(self, day: date) -> bool:
        return self.statuses.get(day) == "complete"

    def has_data(self, day: date) -> bool:
        return self.statuses.get(day, "missing") != "missing"

    @cached_property
    def halves(self) -> tuple[set[date], set[date]]:
        """The complete days that a trend compares: equally many of each weekday in both halves."""
        size = len(self.period) // 2
        return self.comparable(self.period[:size], self.period[len(self.period) - size:])

    def comparable(self, first: list[date], second: list[date]) -> tuple[set[date], set[date]]:
        """The complete days of two spans that can be compared: equally many of each weekday."""
        kept: tuple[set[date], set[date]] = (set(), set())
        for weekday in range(7):
            early, late = ([day for day in half if day.weekday() == weekday and self.complete(day)]
                           for half in (first, second))
            count = min(len(early), len(late))
            # The days nearest to the border between the spans are left out.
            kept[0].update(early[:count])
            kept[1].update(late[len(late) - count:])
        return kept

    # -- who and what

    def counts(self, event: Event) -> bool:
        if self.actors == "people" and event.is_service:
            return False
        if self.actors == "services" and not event.is_service:
            return False
        if not self.with_noise and self.is_noise(event):
            return False
        return self.passes(event)

    def passes(self, event: Event) -> bool:
        """True if the event matches all filters; those of one kind are alternatives."""
        chosen: dict[str, list[str]] = {}
        for kind, pattern in self.question.filters:
            chosen.setdefault(kind, []).append(pattern)
        return all(any(self.matches(event, kind, pattern) for pattern in patterns)
                   for kind, patterns in chosen.items())

    @cached_property
    def by_anybody(self) -> list[Event]:
        """Events of all actors in the log that pass the filters."""
        return [event for event in self.log.of(self.platform) if self.passes(event)]

    def is_noise(self, event: Event) -> bool:
        level = {"exclude": ["standard"], "exclude-all-reads": ["standard", "all-reads"],
                 "include": []}[self.question.noise]
        return event.noise in level

    def matches(self, event: Event, kind: str, pattern: str) -> bool:
        candidates = {
            "user": [event.user], "activity": [event.activity],
            "report": [event.report, self.name("report", event.report)],
            "workspace": [event.workspace, self.name("workspace", event.workspace)],
        }[kind]
        return any(fnmatch.fnmatchcase(value.lower(), pattern.lower())
                   for value in candidates if value)

    @cached_property
    def home(self) -> set[str]:
        given = dict(self.question.params).get("internal_domains")
        return set(given.lower().split(",")) if given else self.log.home

    def is_outside(self, address: str | None) -> bool:
        """True for an address outside the organization; False for an ID."""
        return bool(address and "@" in address) and domain(address) not in self.home

    def kind(self, event: Event) -> str:
        if event.is_anonymous:
            return "anonymous"
        if event.is_service:
            return "service"
        return "guest" if event.is_invited or self.is_outside(event.user) else "person"

    # -- names

    def name(self, kind: str, key: str | None) -> str | None:
        return self.log.names[kind].get(key) if key else None

    def label(self, kind: str, key: str | None) -> str:
        """The latest name, or the ID if it never had a name."""
        return self.name(kind, key) or key or "(unknown)"

