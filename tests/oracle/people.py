"""Reports on people and accounts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from math import ceil

from context import DAY, Context
from events import text
from report import (authored, days, distinct_items, first, good, grouped, in_group, joined, last,
                    named, other_views, present, ratio, report, reports, users, views)
from usage import BROWSERS, PROGRAMS, SYSTEMS, keyword, periods, worst_or_same

MONTH = 30


@report("top-users", "user", "-views -other_views -reports user")
def top_users(context: Context) -> list[dict]:
    history = grouped(in_group(context.history, "VIEW"), lambda event: event.user)
    rows = []
    for user, events in grouped(in_group(context.events, "VIEW"),
                                lambda event: event.user).items():
        opened = views(events)
        rows.append({
            "user": user or "(unknown)", "views": len(opened),
            "reports": reports(opened),
            "workspaces": len({event.workspace for event in events} - {None}),
            "active_days": len(days(context, events)), "last_seen": last(events),
            "first_seen": min(days(context, history[user])),
            "other_views": len(other_views(events)),
            "user_type": strongest(context, events),
        })
    return rows


def strongest(context: Context, events) -> str:
    """What a user is: the first of these that any of the events shows."""
    kinds = {context.kind(event) for event in events}
    return next(kind for kind in ("anonymous", "service", "guest", "person") if kind in kinds)


@report("adoption", "date", "date")
def adoption(context: Context) -> list[dict]:
    grain = context.question.param("grain", "day")
    only_views = context.question.param("activity", "all") == "view"
    chosen = in_group(context.history, "VIEW") if only_views else present(context.history)
    active: dict = defaultdict(set)
    for event in chosen:
        if event.user:
            active[context.day(event)].add(event.user)
    daily = {day: adoption_of_day(context, day, active) for day in context.period}
    if grain == "day":
        return list(daily.values())
    return [adoption_of_span(context, members, daily)
            for members in periods(context.period, grain).values()]


def adoption_of_day(context: Context, day, active) -> dict:
    row = dict.fromkeys(("dau", "wau", "mau", "stickiness", "new_users", "returning_users",
                         "lost_users"))
    row |= {"date": day, "status": context.statuses[day]}
    today = active.get(day, set())
    # A day without known users counts as missing unless it is complete.
    if not context.has_data(day) or not context.complete(day) and not today:
        return row
    age = (day - context.first_day).days
    week = set().union(*(active.get(day - DAY * n, set()) for n in range(7)))
    month = set().union(*(active.get(day - DAY * n, set()) for n in range(28)))
    previous = set().union(*(active.get(day - DAY * n, set()) for n in range(1, 29)))
    earlier = {user for known, members in active.items() if known < day for user in members}
    window = [day - DAY * n for n in range(28)]
    row["dau"] = len(today)
    if age >= 6:
        row["wau"] = len(week)
    if age >= 27:
        row["mau"] = len(month)
        if all(map(context.complete, window)) and month:
            row["stickiness"] = len(today) / len(month)
    if all(context.complete(day - DAY * n) for n in range(29)):
        row |= {"new_users": len(today - earlier),
                "returning_users": len(today & earlier - previous),
                "lost_users": len(active.get(day - DAY * 28, set()) - month)}
    return row


def adoption_of_span(context: Context, members, daily) -> dict:
    rows = [daily[day] for day in members]
    final = rows[-1]
    whole = [row["dau"] for day, row in zip(members, rows)
             if context.complete(day) and row["dau"] is not None]
    shares = [row["stickiness"] for row in rows]
    return {
        "date": members[0], "dau": sum(whole) / len(whole) if whole else None,
        "wau": final["wau"], "mau": final["mau"],
        "stickiness": None if None in shares else sum(shares) / len(shares),
        **{name: total(row[name] for row in rows)
           for name in ("new_users", "returning_users", "lost_users")},
        "status": worst_or_same(context, members),
    }


def total(values) -> int | None:
    """The sum, unless a day has no value."""
    found = list(values)
    return None if None in found else sum(found)


def month_of(context: Context, day) -> int:
    """How many months of 30 days before the last day of the period."""
    return (context.as_of - day).days // MONTH


def needed_months(context: Context) -> int | None:
    """In how many of the last 12 months somebody frequent is active; None if the log is short."""
    spans = [[context.as_of - DAY * (MONTH * month + n) for n in range(MONTH)]
             for month in range(12)]
    covered = sum(sum(map(context.complete, span)) >= 20 for span in spans)
    return ceil(covered * 9 / 12) if covered >= 3 else None


def classify(context: Context, active: set, least: str) -> str:
    newest, needed = max(active), needed_months(context)
    months = {month_of(context, day) for day in active if month_of(context, day) < 12}
    if needed and (context.as_of - newest).days < 7 and len(months) >= needed:
        return "frequent"
    if month_of(context, newest) < 1:
        return "active"
    return "occasional" if month_of(context, newest) < 9 else least


@report("user-classification", "user",
        "class:frequent,active,occasional,inactive -active_months -last_active user")
def user_classification(context: Context) -> list[dict]:
    past = [event for event in context.history if context.day(event) <= context.as_of
            and event.user and not event.is_anonymous]
    rows = []
    for user, events in grouped(in_group(past, "VIEW", "EXTERNAL", "AUTHOR"),
                                lambda event: event.user).items():
        active = days(context, events)
        edits = days(context, in_group(events, "AUTHOR"))
        made = [event for event in in_group(events, "AUTHOR")
                if not event.activity.startswith("Delete")]
        seen = days(context, in_group(events, "VIEW", "EXTERNAL"))
        creates = any(month_of(context, day) < 6 for day in days(context, made))
        rows.append({
            "user": user, "class": classify(context, active, "inactive"),
            "role": "creator" if creates else "viewer" if seen else None,
            "last_active": max(active),
            "active_months": len({month_of(context, day) for day in active
                                  if month_of(context, day) < 12}),
            "last_view": max(seen, default=None), "last_edit": max(edits, default=None),
        })
    chosen = context.question.param("class", "all")
    return [row for row in rows if chosen in ("all", row["class"])]


@report("content-classification", "report_id",
        "class:frequent,active,occasional,unused -active_months -views -last_view report")
def content_classification(context: Context) -> list[dict]:
    past = [event for event in good(context.history) if context.day(event) <= context.as_of]
    deletions = grouped([event for event in named(good(context.by_anybody), "DeleteReport")
                         if context.day(event) <= context.as_of], lambda event: event.report)
    rows = []
    for key, events in grouped([event for event in past if event.report],
                               lambda event: event.report).items():
        seen = views(events)
        active = days(context, seen)
        recent = [event for event in seen if month_of(context, context.day(event)) < 12]
        removed = last(deletions.get(key, []))
        used = [event for event in present(events) if event.activity != "DeleteReport"]
        if removed and used and last(used) > removed:
            removed = None
        workspaces = [event.workspace for event in events if event.workspace]
        rows.append({
            "report": context.label("report", key),
            "class": classify(context, active, "unused") if active else "unused",
            "last_view": max(active, default=None),
            "active_months": len({month_of(context, context.day(event)) for event in recent}),
            "views": len(recent), "viewers": len(users(recent)),
            "deleted_on": removed.astimezone(context.zone).date() if removed else None,
            "workspace": context.name("workspace", workspaces[-1]) or workspaces[-1]
            if workspaces else None,
            "first_seen": context.day(events[0]), "report_id": key,
            "workspace_id": workspaces[-1] if workspaces else None,
        })
    chosen = context.question.param("class", "all")
    return [row for row in rows if chosen in ("all", row["class"])]


@report("external-users", "guest")
def external_users(context: Context) -> list[dict]:
    def guests(events):
        return [event for event in events if context.kind(event) == "guest"]

    history = grouped(present(guests(context.history)), lambda event: event.user)
    by_user = grouped(guests(good(context.events)), lambda event: event.user)
    domains = Counter(events[0].domain for events in by_user.values())
    rows = []
    for user, events in by_user.items():
        used = in_group(events, "VIEW", "EXPORT")
        changes = [event for event in in_group(events, "AUTHOR", "SHARE", "ACCESS", "ADMIN")
                   if event.activity not in ("InstallApp", "RunEmailSubscription")]
        rows.append({
            "guest": user, "domain": events[0].domain, "views": len(views(events)),
            "exports": len(in_group(events, "EXPORT")), "changes": len(changes),
            "last_seen": last(present(events)), "items": len(distinct_items(used)),
            "workspaces": len({event.workspace for event in used} - {None}),
            "active_days": len(days(context, present(events))),
            "other_views": len(other_views(events)), "events": len(events),
            "first_seen": first(history.get(user, [])),
            "domain_guests": domains[events[0].domain],
        })
    return rows


@report("service-principals", "principal activity", "-principal_events", actors="services",
        noise=True)
def service_principals(context: Context) -> list[dict]:
    history = grouped(context.history, lambda event: event.user)
    rows = []
    for user, everything in grouped(context.events, lambda event: event.user).items():
        noisy = sum(map(context.is_noise, everything))
        for activity, events in grouped(everything, lambda event: event.activity).items():
            rows.append({
                "principal": user or "(unknown)", "activity": activity, "events": len(events),
                "share_pct": ratio(len(events), len(everything), 100), "last_event": last(events),
                "active_days": len(days(context, events)),
                "failed": sum(event.is_failed for event in events),
                "principal_events": len(everything),
                "noise_pct": ratio(noisy, len(everything), 100),
                "workspaces": len({event.workspace for event in events} - {None}),
                "operation_group": text(events[0].group), "first_event": first(events),
                "first_seen": first(history[user]),
            })
    return rows


@report("noise", "activity principal day", actors="all", noise=True)
def noise(context: Context) -> list[dict]:
    by_day = context.question.param("by", "all") == "day"
    rows = []
    chosen = [event for event in context.events if event.noise != "no"]
    for (activity, user, day), events in grouped(chosen, lambda event: (
            event.activity, event.user, context.day(event) if by_day else None)).items():
        rows.append({
            "activity": activity, "principal": user, "events": len(events),
            "share_pct": ratio(len(events), len(context.events), 100),
            "excluded": context.is_noise(events[0]), "last_event": last(events),
            "active_days": len(days(context, events)),
            "per_day": ratio(len(events), len(days(context, events))),
            "noise_level": events[0].noise, "first_event": first(events),
            "friendly_name": text(events[0].catalog["friendly_name"]), "day": day,
        })
    return rows


@report("failed-activities", "activity user", actors="all")
def failed_activities(context: Context) -> list[dict]:
    rows = []
    for (activity, user), events in grouped(
            context.events, lambda event: (event.activity, event.user)).items():
        failed = [event for event in events if event.is_failed]
        if not failed:
            continue
        latest = failed[-1]
        rows.append({
            "activity": activity, "user": user or "(unknown)", "failed": len(failed),
            "failed_pct": ratio(len(failed), len(events), 100), "last_failed": last(failed),
            "last_success": last(good(events)), "events": len(events),
            "failed_days": len(days(context, failed)), "items": len(distinct_items(failed)),
            "last_item": latest.item_name or (latest.item and latest.item[1]),
            "first_failed": first(failed),
        })
    return rows


@report("activity", "event_id", "-time event_id", actors="all")
def activity(context: Context) -> list[dict]:
    rows = []
    for event in context.events:
        method = text(event.get("ConsumptionMethod")) or keyword(event, PROGRAMS)
        client = [name for name in (method, keyword(event, BROWSERS)) if name]
        says = event.get("IsSuccess") is not None or text(event.get("ResultStatus"))
        item = event.item or event.named_item
        rows.append({
            "time": event.time, "user": event.user,
            "activity": text(event.catalog["friendly_name"]) or event.activity,
            "item": event.item_name or (event.item and event.item[1]),
            "workspace": context.name("workspace", event.workspace) or event.workspace,
            "outcome": "failed" if event.is_failed else "succeeded" if says else None,
            "ip": text(event.get("ClientIP")), "client": ", ".join(client) or None,
            "os": keyword(event, SYSTEMS), "actor_kind": context.kind(event),
            "item_kind": item and item[0], "activity_name": event.activity,
            "item_id": event.item and event.item[1], "workspace_id": event.workspace,
            "event_id": event.id,
        })
    return rows


@report("operations-catalogue", "activity workload", actors="all", noise=True)
def operations_catalogue(context: Context) -> list[dict]:
    # All actors count, regardless of --actors.
    asked = replace(context.question, actors="all")
    everything = [event for platform in (False, True) if context.log.of(platform)
                  for event in Context(context.log, asked, "all", True, platform).history]
    rows = []
    for (activity, platform), events in grouped(
            everything, lambda event: (event.activity, event.is_platform)).items():
        row = events[0].catalog
        rows.append({
            "activity": activity, "documented": row["operation"] is not None,
            "events": sum(context.in_period(event) for event in events),
            "first_seen": first(events), "last_seen": last(events),
            "operation_group": text(row["group"]), "users": len(users(events)),
            "all_events": len(events), "noise": events[0].noise,
            "category": text(row["category"]), "friendly_name": text(row["friendly_name"]),
            "workload": "Power Platform" if platform else "Power BI", "note": text(row["note"]),
        })
    return rows


@report("trials", "user", "-started")
def trials(context: Context) -> list[dict]:
    starts = ("OptInForProTrial", "OptInForPPUTrial", "OptInForExtendedProTrial",
              "TrialLicenseExtension")
    history = grouped(good(context.history), lambda event: event.user)
    rows = []
    for user, events in grouped(named(good(context.events), *starts),
                                lambda event: event.user).items():
        begun = named(history[user], *starts)
        start = first(begun)
        later = [event for event in history[user] if event.time >= start]
        after = {day for day in days(context, present(later))
                 if day > start.astimezone(context.zone).date()}
        changes = [event for event in in_group(later, "AUTHOR", "SHARE")
                   if event.activity not in ("InstallApp", "RunEmailSubscription")]
        kinds = named(later, *starts)
        rows.append({
            "user": user, "started": start, "active_days": len(after), "changes": len(changes),
            "views": len(views(later)), "last_active": last(present(later)),
            "trial_types": joined(event.activity for event in kinds), "trials": len(kinds),
            "last_trial": last(kinds),
            "days_since_start": (context.last_day - start.astimezone(context.zone).date()).days,
            "license": max((event.get("LicenseDisplayName") for event in begun
                            if event.get("LicenseDisplayName")), default=None),
        })
    return rows


@report("authoring", "month creator", "-month -changes")
def authoring(context: Context) -> list[dict]:
    owners = owners_of_reports(context)
    audience = grouped([event for event in views(context.events) if event.report in owners
                        and event.user and event.user != owners[event.report]],
                       lambda event: (f"{context.day(event):%Y-%m}", owners[event.report]))
    rows = []
    for (month, user), events in grouped(
            authored(context.events),
            lambda event: (f"{context.day(event):%Y-%m}", event.user)).items():
        kinds = Counter(map(kind_of_change, events))
        rows.append({
            "month": month, "creator": user or "(unknown)", "changes": len(events), "created": kinds["created"],
            "edited": kinds["edited"], "published": kinds["published"],
            "deleted": kinds["deleted"], "audience": len(users(audience.get((month, user), []))),
            "reports": len({event.report for event in events} - {None}),
            "active_days": len(days(context, events)), "last_change": last(events),
        })
    return rows


def kind_of_change(event) -> str:
    name = event.activity
    if name in ("Import", "ImportArtifactEnd"):
        return "published"
    if name.startswith(("Create", "Copy", "SaveAutogenerated")):
        return "created"
    return "deleted" if name.startswith("Delete") else "edited"


def owners_of_reports(context: Context) -> dict:
    """The first user who created, copied or published a report, else the first who edited it."""
    owners = {}
    for key, events in grouped([event for event in authored(context.history)
                                if event.report and event.user
                                and kind_of_change(event) != "deleted"],
                               lambda event: event.report).items():
        made = [event for event in events if kind_of_change(event) in ("created", "published")]
        owners[key] = (made or events)[0].user
    return owners
