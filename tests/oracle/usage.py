"""Reports on the use of content."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from context import DAY, Context
from events import Event, text
from report import (authored, days, first, good, grouped, in_group, joined, last, named,
                    other_views, present, ratio, report, report_key, reports, trend, users, views)

EXPORTS_WITH_VIEWS = ("ExportReport", "ExportArtifact", "PrintReport")
BROWSERS = [("edg/", "Edge"), ("firefox/", "Firefox"), ("chrome/", "Chrome"), ("safari/", "Safari")]
SYSTEMS = [("iphone", "iOS"), ("windows", "Windows"), ("mac os x", "macOS"), ("linux", "Linux")]
PROGRAMS = [("msolap", "Excel"), ("iphone", "Mobile"), ("okhttp", "Mobile")]


def word(event: Event, *names: str) -> str | None:
    """The name of an item in the event, for an event without its ID."""
    return next((text(event.get(name)) for name in (*names, "ItemName") if text(event.get(name))),
                None)


@report("top-reports", "report_id workspace_id report", "-views -viewers -last_view")
def top_reports(context: Context) -> list[dict]:
    exports = grouped(named(good(context.history), *EXPORTS_WITH_VIEWS),
                      lambda event: (event.user, event.report))
    rows = []
    with_exports = not any(kind == "activity" for kind, _ in context.question.filters)
    for (key, name, workspace), seen in grouped(views(context.events), lambda event: (
            event.report, None if event.report else report_key(event), event.workspace)).items():
        rows.append({
            "report": name or context.label("report", key), "workspace": place(context, workspace),
            "views": len(seen), "viewers": len(users(seen)),
            "views_per_viewer": ratio(len(seen), len(users(seen))),
            "active_days": len(days(context, seen)), "last_view": last(seen),
            "trend": trend(context, seen),
            "views_by_export": sum(is_by_export(event, exports) for event in seen)
            if with_exports else None,
            "report_id": key, "workspace_id": workspace,
        })
    return rows


def is_by_export(view: Event, exports: dict) -> bool:
    if not view.user or not view.report:
        return False
    return any(abs(export.time - view.time) <= timedelta(seconds=10)
               for export in exports.get((view.user, view.report), []))


def place(context: Context, workspace: str | None) -> str | None:
    """The latest name of a workspace, if it has an ID at all."""
    return context.name("workspace", workspace) or workspace


@report("top-dashboards", "dashboard_id workspace_id", "-views -viewers -tile_views -last_view")
def top_dashboards(context: Context) -> list[dict]:
    rows = []
    seen = named(good(context.events), "ViewDashboard", "ViewTile")
    for (key, workspace), events in grouped(
            seen, lambda event: (event.id_of("DashboardId"), event.workspace)).items():
        opened = named(events, "ViewDashboard")
        rows.append({
            "dashboard": context.label("dashboard", key), "workspace": place(context, workspace),
            "views": len(opened), "viewers": len(users(opened)),
            "views_per_viewer": ratio(len(opened), len(users(opened))),
            "active_days": len(days(context, opened)), "last_view": last(opened),
            "trend": trend(context, opened), "tile_views": len(named(events, "ViewTile")),
            "dashboard_id": key, "workspace_id": workspace,
        })
    return rows


@report("consumption-trend", "date", "date")
def consumption_trend(context: Context) -> list[dict]:
    grain = context.question.param("grain", "day")
    by_day = grouped(good(context.history), context.day)
    count = Counter({day: len(views(events)) for day, events in by_day.items()})
    rows = []
    for begin, members in periods(context.period, grain).items():
        known = [day for day in members if context.has_data(day)]
        events = [event for day in known for event in by_day[day]]
        opened, boards = views(events), named(events, "ViewDashboard")
        status = worst_or_same(context, members)
        empty = not known or (grain == "day" and status != "complete" and not opened + boards)
        rows.append({
            "date": members[0], "views": None if empty else len(opened),
            "viewers": None if empty else len(users(opened + boards)),
            "reports": None if empty else reports(opened),
            "dashboard_views": None if empty else len(boards),
            "avg_7d": average(context, members[0], count) if grain == "day" else None,
            "change_pct": change(context, members, grain, count),
            "status": status,
            "complete_days": sum(map(context.complete, members)), "days": len(members),
        })
    return rows


def periods(members, grain: str) -> dict:
    """The days of each row: a day, an ISO week or a month."""
    keys = {"day": lambda day: day, "week": lambda day: day.isocalendar()[:2],
            "month": lambda day: (day.year, day.month)}
    rows: dict = {}
    for day in members:
        rows.setdefault(keys[grain](day), []).append(day)
    return rows


def worst_or_same(context: Context, members) -> str:
    statuses = {context.statuses[day] for day in members}
    return statuses.pop() if len(statuses) == 1 else "partial"


def average(context: Context, day, count) -> float | None:
    window = [day - DAY * n for n in range(7)]
    return sum(count[member] for member in window) / 7 if all(
        map(context.complete, window)) else None


def change(context: Context, members, grain: str, count) -> float | None:
    pairs = [(day, before(day, grain)) for day in members]
    pairs = [(day, old) for day, old in pairs
             if old and context.complete(day) and context.complete(old)]
    old = sum(count[past] for _, past in pairs)
    return 100 * (sum(count[day] for day, _ in pairs) - old) / old if old else None


def before(day, grain: str):
    """The matching day of the span before: in a month the first Monday with the first Monday."""
    if grain != "month":
        return day - DAY * 7
    number = (day.day - 1) // 7
    past = (day.replace(day=1) - DAY).replace(day=1)
    past += DAY * ((day.weekday() - past.weekday()) % 7 + 7 * number)
    return past if past.month != day.month else None


@report("workspace-usage", "workspace_id", "-views -viewers -other_views -edits")
def workspace_usage(context: Context) -> list[dict]:
    rows = []
    chosen = in_group(context.events, "VIEW", "EXPORT") + authored(context.events)
    for key, events in grouped(chosen, lambda event: event.workspace).items():
        seen, edits = in_group(events, "VIEW"), in_group(events, "AUTHOR")
        rows.append({
            "workspace": context.label("workspace", key), "views": len(views(seen)),
            "viewers": len(users(seen)), "creators": len(users(edits)),
            "exports": len(in_group(events, "EXPORT")), "edits": len(edits),
            "other_views": len(other_views(seen)),
            "reports": reports(views(seen)),
            "active_days": len(days(context, events)),
            "workspace_type": kind_of_workspace(events) if key else None, "workspace_id": key,
        })
    return rows


def kind_of_workspace(events) -> str:
    return "My workspace" if any(event.is_personal for event in events) else "Workspace"


@report("hour-of-week", "weekday_number hour", "weekday_number hour")
def hour_of_week(context: Context) -> list[dict]:
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    cells = grouped(in_group(context.events, "VIEW"),
                    lambda event: (context.day(event).isoweekday(), context.local(event).hour))
    rows = []
    for weekday in sorted({day.isoweekday() for day in context.period}):
        held = sum(context.has_data(day) for day in context.period if day.isoweekday() == weekday)
        for hour in range(24):
            events = cells.get((weekday, hour), [])
            rows.append({
                "weekday": names[weekday - 1], "hour": hour,
                "views_per_day": ratio(len(events), held),
                "viewers": len(users(events)) if held else None,
                "views": len(views(events)) if held else None,
                "other_views": len(other_views(events)) if held else None,
                "days_with_data": held, "weekday_number": weekday,
            })
    return rows


@report("distribution-method", "method", "-views")
def distribution_method(context: Context) -> list[dict]:
    everything, rows = views(context.events), []
    people = len(users(everything))
    for method, events in grouped(
            everything, lambda event: text(event.get("DistributionMethod"))).items():
        rows.append({
            "method": method or "(unknown)", "views": len(events),
            "share_pct": ratio(len(events), len(everything), 100), "viewers": len(users(events)),
            "viewers_pct": ratio(len(users(events)), people, 100),
            "reports": reports(events),
            "views_per_viewer": ratio(len(events), len(users(events))),
        })
    return rows


def keyword(event: Event, table) -> str | None:
    agent = (event.get("UserAgent") or "").lower()
    return next((name for word, name in table if word in agent), None)


@report("consumption-method", "breakdown name")
def consumption_method(context: Context) -> list[dict]:
    everything, rows = named(good(context.events), "ViewReport", "ViewDashboard"), []
    people = len(users(everything))
    for block, value in (
        ("method", lambda e: text(e.get("ConsumptionMethod")) or keyword(e, PROGRAMS)),
        ("browser", lambda e: keyword(e, BROWSERS)), ("system", lambda e: keyword(e, SYSTEMS)),
    ):
        for name, events in grouped(everything, value).items():
            rows.append({
                "breakdown": block, "name": name or "(unknown)", "views": len(views(events)),
                "share_pct": ratio(len(events), len(everything), 100),
                "viewers": len(users(events)),
                "viewers_pct": ratio(len(users(events)), people, 100),
                "dashboard_views": len(named(events, "ViewDashboard")),
            })
    return rows


@report("app-usage", "app_id app", "-views -viewers -installs -last_view")
def app_usage(context: Context) -> list[dict]:
    ids_by_name: dict[str, set] = {}
    for key, name in context.log.names["app"].items():
        ids_by_name.setdefault(name, set()).add(key)

    def app(event: Event) -> tuple:
        key, name = event.id_of("AppId"), text(event.get("AppName"))
        if key or not name:
            return key, None
        known = ids_by_name.get(name, set())
        return (next(iter(known)), None) if len(known) == 1 else (None, name)

    changes = ("InstallApp", "CreateApp", "UpdateApp", "UnpublishApp")
    past = [event for event in good(context.history) if context.day(event) <= context.as_of]
    history = grouped(named(past, *changes), app)
    chosen = [event for event in good(context.events) if event.activity in changes
              or event.activity in ("ViewReport", "ViewDashboard") and event.id_of("AppId")]
    rows = []
    for (key, name), events in grouped(chosen, app).items():
        seen, boards = views(events), named(events, "ViewDashboard")
        published = last(named(history[key, name], "CreateApp", "UpdateApp"))
        removed = last(named(history[key, name], "UnpublishApp"))
        if removed and published and published > removed:
            removed = None
        rows.append({
            "app": name or context.label("app", key), "views": len(seen),
            "viewers": len(users(seen + boards)),
            "installs": len(users(named(events, "InstallApp"))),
            "reports": reports(seen),
            "dashboard_views": len(boards), "active_days": len(days(context, seen + boards)),
            "last_view": last(seen + boards),
            "publishes": len(named(events, "CreateApp", "UpdateApp")),
            "last_published": published, "unpublished_at": removed, "app_id": key,
        })
    return rows


@report("capacity-usage", "capacity_id", actors="all")
def capacity_usage(context: Context) -> list[dict]:
    chosen = in_group(context.events, "VIEW", "EXTERNAL") + named(
        good(context.events), "RefreshDataset")
    rows = []
    for key, events in grouped(chosen, lambda event: event.id_of("CapacityId")).items():
        people = [event for event in events if not event.is_service]
        used = in_group(people, "VIEW", "EXTERNAL")
        hours = Counter(context.local(event).hour for event in events)
        busiest = min(hours, key=lambda hour: (-hours[hour], hour))
        # One hour of the period: the two hours of a night when clocks go back are different ones.
        single = Counter(hour_start(context, event) for event in events)
        peak = min(single, key=lambda hour: (-single[hour], hour))
        rows.append({
            "capacity": context.label("capacity", key) if key else "(unknown or app)",
            "views": len(views(people)), "users": len(users(used)),
            "external_queries": len(in_group(people, "EXTERNAL")),
            "refreshes": len(named(events, "RefreshDataset")), "busiest_hour": busiest,
            "busiest_hour_pct": ratio(hours[busiest], len(events), 100),
            "peak_start": f"{peak.astimezone(context.zone):%Y-%m-%d %H:00}",
            "peak_events": single[peak], "other_views": len(other_views(people)),
            "service_events": len(in_group([e for e in events if e.is_service],
                                           "VIEW", "EXTERNAL")),
            "capacity_id": key,
        })
    return rows


def hour_start(context: Context, event: Event):
    """The instant at which the local hour of an event began."""
    local = context.local(event)
    return event.time - timedelta(minutes=local.minute, seconds=local.second,
                                  microseconds=local.microsecond)


@report("dormant-workspaces", "workspace_id", "-idle_days")
def dormant_workspaces(context: Context) -> list[dict]:
    past = [event for event in good(context.history) if context.day(event) <= context.as_of]
    deletions = ("DeleteFolder", "DeleteGroup", "DeleteGroupWorkspace",
                 "DeleteWorkspaceViaAdminApi", "DeleteWorkspacesPermanentlyAsAdmin")
    gone = grouped([event for event in named(good(context.by_anybody), *deletions)
                    if context.day(event) <= context.as_of], lambda event: event.workspace)
    rows = []
    for key, everything in grouped(past, lambda event: event.workspace).items():
        events, seen = present(everything), in_group(everything, "VIEW")
        removed = last(gone.get(key, []))
        if key is None or removed and (not events or removed >= last(events)):
            continue
        # Without any activity, a workspace is idle for all days of the log.
        final = context.day(events[-1]) if events else context.first_day - DAY
        idle = (context.as_of - final).days
        if idle < context.question.param("days", 30):
            continue
        since = [final + DAY * n for n in range(1, idle + 1)]
        latest = [event for event in events if event.user]
        rows.append({
            "workspace": context.label("workspace", key), "idle_days": idle,
            "last_activity": final if events else None,
            "last_view": max(days(context, seen), default=None),
            "users": len(users(events)), "last_user": latest[-1].user if latest else None,
            "workspace_type": kind_of_workspace(everything),
            "missing_days": sum(not context.has_data(day) for day in since), "workspace_id": key,
        })
    return rows


@report("power-apps-usage", "app_id environment_id", platform=True)
def power_apps_usage(context: Context) -> list[dict]:
    rows = []
    history = grouped(named(good(context.history), "LaunchPowerApp"),
                      lambda event: (event.power_app, event.environment))
    for (key, environment), events in grouped(
            named(good(context.events), "LaunchPowerApp"),
            lambda event: (event.power_app, event.environment)).items():
        pairs = {(event.user, context.day(event)) for event in events if event.user}
        rows.append({
            "app": context.label("power app", key), "launches": len(events),
            "users": len(users(events)), "user_days": len(pairs), "last_launch": last(events),
            "environment": context.label("environment", environment),
            "active_days": len(days(context, events)),
            "trend": trend(context, [day for _, day in pairs]),
            "first_launch": first(history[key, environment]), "app_id": key,
            "environment_id": environment,
        })
    return rows


@report("embed", "item_id principal workspace_id item", actors="all")
def embed(context: Context) -> list[dict]:
    tokens = named(context.events, "GenerateEmbedToken", "GenerateMultiResourceEmbedToken")

    def about(event: Event):
        item = event.item if event.item and event.item[0] != "App" else None
        return (item[0], item[1]) if item else (None, None)

    rows = []
    for ((kind, key), user, workspace), events in grouped(
            tokens, lambda event: (about(event), event.user, event.workspace)).items():
        made = good(events)
        name = {"Report": "report", "Dashboard": "dashboard", "SemanticModel": "model"}.get(kind)
        rows.append({
            "item": context.label(name, key) if key else "(several)", "principal": user,
            "tokens": len(made), "last_token": last(made), "active_days": len(days(context, made)),
            "per_day": ratio(len(made), len(days(context, made))),
            "with_rls": sum(event.get("RLSIdentities") not in (None, "", "[]") for event in made),
            "multi_resource": len(named(made, "GenerateMultiResourceEmbedToken")),
            "failed": len(events) - len(made), "workspace": place(context, workspace),
            "item_id": key, "workspace_id": workspace,
        })
    return rows


@report("publish-to-web", "report_id report", actors="all")
def publish_to_web(context: Context) -> list[dict]:
    past = [event for event in good(context.history) if context.day(event) <= context.as_of]
    published = grouped(named(past, "PublishToWebReport"), report_key)
    removed = grouped(named(past, "DeleteEmbedCode"), report_key)
    anonymous = grouped([event for event in views(past) if event.is_anonymous], report_key)
    now = {key: [event for event in events if context.in_period(event)]
           for key, events in anonymous.items()}
    rows = []
    for key in {*published, *removed, *(key for key, events in now.items() if events)}:
        start, end = last(published.get(key, [])), last(removed.get(key, []))
        seen, since = now.get(key, []), anonymous.get(key, [])
        events = sorted(published.get(key, []) + removed.get(key, []) + seen,
                        key=lambda event: (event.time, event.id))
        status = "public" if start and (not end or end < start) else (
            "embed code deleted" if end else "public earlier")
        workspace = [event.workspace for event in events if event.workspace]
        known = events[0].report
        rows.append({
            "report": context.label("report", key), "status": status, "anonymous_views": len(seen),
            "last_view": last(seen),
            "views_since_published": sum(e.time >= start for e in since) if start else None,
            "published_by": published[key][-1].user if start else None, "published_at": start,
            "times_published": len(published.get(key, [])),
            "removed_by": removed[key][-1].user if end else None, "removed_at": end,
            "active_days": len(days(context, seen)),
            "workspace": place(context, workspace[-1] if workspace else None),
            "report_id": known, "workspace_id": workspace[-1] if workspace else None,
        })
    return rows


@report("exports", "user item_id workspace_id item")
def exports(context: Context) -> list[dict]:
    everything = in_group(context.events, "EXPORT")
    by_user = grouped(everything, lambda event: event.user)
    by_item = Counter(item_or_word(event)[1:] for event in everything)
    history = grouped(in_group(context.history, "EXPORT"), lambda event: event.user)
    rows = []
    for (user, item, workspace), events in grouped(
            everything, lambda event: (event.user, item_or_word(event), event.workspace)).items():
        kind, key, own = item
        name = {"Report": "report", "Dashboard": "dashboard", "SemanticModel": "model",
                "Dataflow": "dataflow", "App": "app"}.get(kind)
        spike_day, spike = unusual_day(context, by_user[user], history[user])
        rows.append({
            "user": user or "(unknown)",
            "item": context.label(name, key) if key else own or "(unknown)",
            "exports": len(events), "last_export": last(events), "spike_day": spike_day,
            "spike_exports": spike, "user_exports": len(by_user[user]),
            "user_items": len({item_or_word(event)[1:] for event in by_user[user]}
                              - {(None, None)}),
            "item_exports": by_item[key, own],
            "active_days": len(days(context, events)),
            "per_day": ratio(len(events), len(days(context, events))),
            "formats": joined((event.get("ExportedArtifactInfo") or {}).get("ExportType")
                              for event in events),
            "item_kind": kind, "workspace": place(context, workspace), "item_id": key,
            "workspace_id": workspace,
        })
    return rows


def item_or_word(event: Event) -> tuple:
    """Kind and ID of the item of an event; without an ID, its name."""
    if event.item:
        return *event.item[:2], None
    kind = "Dataflow" if "Dataflow" in event.activity else None
    return kind, None, word(event, "DataflowName", "DatasetName", "DashboardName", "ReportName")


def unusual_day(context: Context, events, history) -> tuple:
    """The day on which a user exported most, if that is much more than on other days."""
    now = Counter(map(context.day, events))
    ever = Counter(map(context.day, history))
    day = min(now, key=lambda day: (-now[day], day))
    others = [count for other, count in ever.items() if other != day]
    is_unusual = now[day] >= context.question.param("spike", 10) and (
        not others or now[day] >= 5 * sum(others) / len(others))
    return (day, now[day]) if is_unusual else (None, None)


@report("excel-and-external", "semantic_model_id user semantic_model",
        "-sessions -events -last_used")
def excel_and_external(context: Context) -> list[dict]:
    def model(event: Event) -> tuple:
        key = event.id_of("DatasetId")
        return key, None if key else text(event.get("DatasetName"))

    gap = timedelta(minutes=context.question.param("minutes", 30))
    chosen = in_group(context.events, "EXTERNAL")
    by_model = grouped(chosen, model)
    rows = []
    for ((key, name), user), events in grouped(
            chosen, lambda event: (model(event), event.user)).items():
        times = [event.time for event in events]
        breaks = sum(after - before > gap for before, after in zip(times, times[1:]))
        excel = [event for event in events if event.activity.startswith("AnalyzeInExcel")
                 or keyword(event, PROGRAMS) == "Excel"]
        places = [event.workspace for event in events if event.workspace]
        rows.append({
            "semantic_model": name or context.label("model", key), "user": user or "(unknown)",
            "sessions": 1 + breaks, "events": len(events),
            "active_days": len(days(context, events)), "last_used": last(events),
            "excel_pct": ratio(len(excel), len(events), 100),
            "model_users": len(users(by_model[key, name])),
            "workspace": place(context, places[-1] if places else None), "semantic_model_id": key,
        })
    return rows


@report("new-content-uptake", "report_id", "-created_on -viewers")
def new_content_uptake(context: Context) -> list[dict]:
    made = ("CreateReport", "Import", "ImportArtifactEnd")
    seen = grouped(views(context.history), lambda event: event.report)
    rows = []
    for key, events in grouped(named(good(context.history), *made),
                               lambda event: event.report).items():
        birth = events[0]
        day = context.day(birth)
        opened = seen.get(key, [])
        if not key or not context.in_period(birth) or any(
                context.day(view) < day for view in opened):
            continue
        others = [view for view in opened if view.user != birth.user]
        until = min(days(context, others), default=None)
        between = [day + DAY * n for n in range((until - day).days)] if until else []
        rows.append({
            "report": context.label("report", key), "created_on": day,
            "days_to_first_view": (until - day).days
            if until and all(map(context.complete, between)) else None,
            "viewers_7d": viewers_in(context, others, day, 7),
            "viewers_30d": viewers_in(context, others, day, 30),
            "viewers": len(users(others)), "views": len(others), "creator": birth.user,
            "workspace": place(context, birth.workspace), "report_id": key,
            "workspace_id": birth.workspace,
        })
    return rows


def viewers_in(context: Context, opened, day, count: int) -> int | None:
    """Distinct viewers of the first days of a report, if all of them are complete."""
    window = {day + DAY * n for n in range(count)}
    if not all(map(context.complete, window)):
        return None
    return len(users(view for view in opened if context.day(view) in window))
