"""Reads the sample data with the simplest possible code, to verify generate.py's figures.

It shares no code with generate.py and does not know what was written: it detects the format of each
file and counts. Simple and slow on purpose.
"""

import csv
import datetime as dt
import io
import json
import re

KEPT = {20, 30, 45, 46, 79, 186, 187, 256, 357}
RECORD_TYPES = {"powerbiaudit": 20, "powerbi": 20, "microsoftflow": 30, "powerappsapp": 45,
                "powerappsplan": 46, "powerappsresource": 79, "powerpagessite": 186,
                "powerplatformadmindlp": 187, "powerplatformadministratoractivity": 256,
                "fabricaudit": 357}
USER_TYPES = {"regular": 0, "reserved": 1, "admin": 2, "dcadmin": 3, "system": 4,
              "application": 5, "serviceprincipal": 6, "custompolicy": 7, "systempolicy": 8,
              "partnertechnician": 9, "guest": 10}
NOISE = ("ExportActivityEvents", "GetDatasources")
EXPORTS = ("ExportReport", "ExportArtifact", "PrintReport")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


# Bytes to records.

def text_of(data):
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le")
    return data.decode("utf-8-sig")


def records_of(text):
    """Returns (state, events, rejected); state is ok, empty, truncated or unsupported."""
    if text.lstrip().startswith("<"):
        return "unsupported", [], 0
    if text.lstrip()[:1] not in ("{", "["):
        return "ok", list(csv_events(text)), 0
    events, position, decoder = [], 0, json.JSONDecoder()
    while True:
        position += len(text[position:]) - len(text[position:].lstrip())
        if position == len(text):
            return ("ok" if events else "empty"), events, 0
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return "truncated", events + events_before_end(text, position, decoder), 1
        events += inside(value)


def inside(value):
    if isinstance(value, list):
        return value
    for wrapper in ("activityEventEntities", "value"):
        if isinstance(value.get(wrapper), list):
            return value[wrapper]
    return [value]


def events_before_end(text, position, decoder):
    events, position = [], text.index("[", position) + 1
    while True:
        try:
            event, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError:
            return events
        events.append(event)
        position += 1  # the comma


def csv_events(text):
    if text.startswith("#TYPE"):
        text = text.split("\n", 1)[1]
    header = text.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield json.loads(row["AuditData"])


# Records to normalized events.

def time_of(text):
    epoch = re.fullmatch(r"/Date\((\d+)\)/", text)
    if epoch:
        return dt.datetime.fromtimestamp(int(epoch[1]) / 1000, dt.timezone.utc)
    text = re.sub(r"\.(\d{6})\d+", r".\1", text).replace("Z", "+00:00")
    when = dt.datetime.fromisoformat(text)
    if when.tzinfo is None:
        return when.replace(tzinfo=dt.timezone.utc)
    return when.astimezone(dt.timezone.utc)


def number_of(value, names):
    if isinstance(value, str):
        return int(value) if value.isdigit() else names.get(value.lower(), value)
    return value


def plain(value):
    """Unwraps lists that PowerShell wrapped, and lower-cases ids."""
    if isinstance(value, dict):
        if set(value) == {"value", "Count"}:
            return plain(value["value"])
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and GUID.fullmatch(value):
        return value.lower()
    return value


def normal(record):
    event = {name.lower(): plain(value) for name, value in record.items() if value is not None}
    event["creationtime"] = time_of(event["creationtime"])
    event["userid"] = event["userid"].lower()
    for name, names in (("recordtype", RECORD_TYPES), ("usertype", USER_TYPES)):
        if name in event:
            event[name] = number_of(event[name], names)
    return event


def actor(event, home):
    user, kind = event["userid"], event.get("usertype", 0)
    if user == "anonymous":
        return "anonymous"
    if 3 <= kind <= 8 or GUID.fullmatch(user):
        return "service"
    if "#ext#" in user or kind == 10 or not user.endswith("@" + home):
        return "guest"
    return "person"


def effective_report(event):
    if event.get("appreportid") and not event.get("appid"):
        return event["appreportid"]
    return event["reportid"]


# The figures.

def figures(root, folders):
    found = [path for folder in folders for path in (root / folder).rglob("*")]
    paths = sorted(path.relative_to(root).as_posix() for path in found
                   if path.is_file() and path.suffix != ".md")
    states, files, kept = {}, {}, {}
    for path in sorted(paths, key=lambda path: path.split("/")):
        state, records, rejected = records_of(text_of((root / path).read_bytes()))
        states[state] = states.get(state, 0) + 1
        files[path] = dict(path=path, read=len(records) + rejected, stored=0, duplicates=0,
                           other_workloads=0, rejected=rejected)
        for record in records:
            event = normal(record)
            if event.get("recordtype", 20) not in KEPT:
                files[path]["other_workloads"] += 1
            else:
                kept.setdefault(event["id"], []).append((path, event))

    stored, same, poorer, conflicting = [], 0, 0, 0
    for copies in kept.values():
        # The first copy is stored, and the others complete it. Of two values, the longer one counts.
        first = copies[0]
        files[first[0]]["stored"] += 1
        event = {}
        for _, copy in copies:
            for name, value in copy.items():
                rank = lambda value: (len(str(value)), str(value))
                event[name] = max(event.get(name, value), value, key=rank)
        stored.append(event)
        for path, copy in copies[1:]:
            files[path]["duplicates"] += 1
            same += copy == first[1]
            conflicting += any(first[1].get(name, value) != value for name, value in copy.items())
        most = max(len(copy) for _, copy in copies)
        poorer += sum(len(copy) < most for _, copy in copies)
    return {
        "sources": {"total": len(paths),
                    "with_events": states.get("ok", 0) + states.get("truncated", 0),
                    **{state: states.get(state, 0) for state in
                       ("empty", "truncated", "unsupported")}},
        "records": {
            **{key: sum(file[key] for file in files.values()) for key in
               ("read", "stored", "duplicates", "other_workloads", "rejected")},
            "duplicates_identical": same, "duplicates_poorer": poorer,
            "duplicates_conflicting": conflicting},
        **about(stored),
        "files": [files[path] for path in paths],
    }


def about(events):
    # The tenant's own domain is the one with the most users.
    domains = [e["userid"].split("@")[-1] for e in events if "@" in e["userid"]]
    home = max(set(domains), key=domains.count)
    operations, months, by_actor, users, days = {}, {}, {}, {}, set()
    for event in events:
        event["actor"] = actor(event, home)
        for counts, key in ((operations, event["operation"]), (by_actor, event["actor"]),
                            (months, f"{event['creationtime']:%Y-%m}")):
            counts[key] = counts.get(key, 0) + 1
        users.setdefault(event["actor"], set()).add(event["userid"])
        days.add(event["creationtime"].date())
    first, last = (pick(e["creationtime"] for e in events) for pick in (min, max))
    span = [first.date() + dt.timedelta(n) for n in range((last.date() - first.date()).days + 1)]
    return {
        "period": {"first": stamp(first), "last": stamp(last), "days_with_events": len(days),
                   "days_without_events": [str(day) for day in span if day not in days]},
        "stored_by_month": dict(sorted(months.items())),
        "events_by_actor": dict(sorted(by_actor.items())),
        "users_by_actor": {kind: len(users[kind]) for kind in sorted(users)},
        "distinct_users": len({event["userid"] for event in events}),
        "noise": {"total": sum(operations[name] for name in NOISE),
                  **{name: operations[name] for name in NOISE}},
        "operations": dict(sorted(operations.items(), key=lambda item: (-item[1], item[0]))),
        "top_reports": top_reports(events),
    }


def stamp(when):
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"


def top_reports(events):
    # The latest name of each id, from events of any kind.
    report_names, workspace_names = {}, {}
    for event in sorted(events, key=lambda e: e["creationtime"]):
        if event.get("reportid") and event.get("reportname"):
            report_names[effective_report(event)] = event["reportname"]
        if event.get("workspaceid") and event.get("workspacename"):
            workspace_names[event["workspaceid"]] = event["workspacename"]
    exports = [(e["userid"], effective_report(e), e["creationtime"]) for e in events
               if e["operation"] in EXPORTS]
    groups = {}
    for event in events:
        if event["operation"] == "ViewReport" and event["actor"] != "service":
            groups.setdefault((effective_report(event), event["workspaceid"]), []).append(event)
    rows = []
    for (report, workspace), views in groups.items():
        near = [e for e in views
                if any(user == e["userid"] and item == report
                       and abs((when - e["creationtime"]).total_seconds()) <= 10
                       for user, item, when in exports)]
        rows.append(dict(
            rank=0, report=report_names[report], workspace=workspace_names[workspace],
            views=len(views), views_by_export=len(near),
            viewers=len({e["userid"] for e in views}),
            active_days=len({e["creationtime"].date() for e in views}),
            last_view=stamp(max(e["creationtime"] for e in views)),
            report_id=report, workspace_id=workspace))
    rows.sort(key=lambda row: (row["report_id"], row["workspace_id"]))
    rows.sort(key=lambda row: (row["views"], row["viewers"], row["last_view"]), reverse=True)
    for rank, row in enumerate(rows, 1):
        row["rank"] = rank
    return rows
