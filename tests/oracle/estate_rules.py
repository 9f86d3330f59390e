"""Reads the files of an inventory, and calculates the reports on it with plain code.

The rules are those of docs/inventory.md and docs/reports.md. The catalog of products,
src/schema/license_products.tsv, is shared with the program: it is data, not a calculation.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path

from events import CATALOG, Event, own_address, read

PRODUCTS = CATALOG.parent / "license_products.tsv"
KINDS = {"reports": "Report", "datasets": "SemanticModel", "dataflows": "Dataflow",
         "dashboards": "Dashboard"}
USAGE_METRICS = ("usage metrics report", "report usage metrics model",
                 "dashboard usage metrics model", "report usage metrics report")
USES = ("RunEmailSubscription", "GenerateEmbedToken", "RunArtifact", "ReadDataflow",
        "StartNotebookSession", "CoAuthorNotebook")
ADDRESSABLE = ("Lakehouse", "Warehouse", "SQLEndpoint")
LOGGED = ("SemanticModel", "Dashboard", "Dataflow", "Datamart", "Notebook", "DataPipeline")
PERSONAL = "personal workspace"


@dataclass(frozen=True)
class Asked:
    """What a report is asked for."""

    days: int = 30
    until: date | None = None
    as_of: date | None = None
    params: tuple[tuple[str, str], ...] = ()

    def flag(self, name: str) -> bool:
        return dict(self.params).get(name) == "true"

    def get(self, name: str, otherwise: str) -> str:
        return dict(self.params).get(name, otherwise)


def moment(text: str | None) -> datetime | None:
    """Parses a time in UTC, with or without its zone."""
    if text is None:
        return None
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)


@dataclass
class Scan:
    """A workspace in a file."""

    time: datetime
    full: bool
    workspace: dict


@dataclass
class Snapshot:
    """The scans that belong together."""

    full: bool
    scans: list[Scan]

    @property
    def first(self) -> datetime:
        return min(scan.time for scan in self.scans)

    @property
    def last(self) -> datetime:
        return max(scan.time for scan in self.scans)

    @cached_property
    def ids(self) -> set[str]:
        return {scan.workspace["id"] for scan in self.scans}

    @cached_property
    def has_personal(self) -> bool:
        return any(is_personal(scan.workspace) for scan in self.scans)


@dataclass
class Item:
    """An item in the latest scan of its workspace."""

    id: str
    kind: str
    name: str
    workspace: dict
    created: datetime | None
    created_by: str | None
    modified_by: str | None
    configured_by: str | None
    model: str | None
    upstream: set[str]
    left_out: str | None
    original: str | None = None
    seen: datetime | None = None

    @property
    def key(self) -> str:
        """The ID that uses count for."""
        return self.original or self.id


def is_personal(workspace: dict) -> bool:
    return workspace["type"] in ("PersonalGroup", "Personal")


def person(address: str | None) -> str | None:
    """Returns the address of a person as the log has it; that of a guest is in the account."""
    return own_address(address.lower()) if address else None


def state_of(workspace: dict, gone: bool) -> str | None:
    """Says why the content of a workspace does not count."""
    if gone or workspace["state"] in ("Deleted", "Removing"):
        return "deleted workspace"
    if workspace["state"] not in ("Active", "Orphaned"):
        return "inactive workspace"
    if workspace["type"] == "AdminWorkspace":
        return "admin workspace"
    return PERSONAL if is_personal(workspace) else None


def capacity(workspace: dict) -> str | None:
    on_capacity = workspace.get("isOnDedicatedCapacity") is not False
    return workspace.get("capacityId", "").lower() or None if on_capacity else None


def is_small(sku: str) -> bool:
    """Returns true if people need a license to view content on a capacity with this SKU."""
    return sku.startswith(("EM", "A", "PP")) or (sku[0] == "F" and sku[1:].isdigit()
                                                 and int(sku[1:]) < 64)


@dataclass
class Group:
    """A group in the lists of groups."""

    name: str = ""
    members: list[dict] | None = None
    may_lack: bool = True
    has_all_levels: bool = False


def may_lack(group: dict, members: list[dict]) -> bool:
    """Returns true if a list of members can have been cut: Graph expands 20 members, and has pages
    of 100 and 999."""
    return "members@odata.nextLink" in group or len(members) in (20, 100, 999)


def items_of(workspace: dict, left_out: str | None) -> list[Item]:
    """Returns the items of a scanned workspace."""
    found = []
    for name, values in workspace.items():
        if not isinstance(values, list) or name == "users":
            continue
        kind = KINDS.get(name, name)
        raw = [(value.get("id") or value["objectId"], value) for value in values]
        metrics = {key for key, value in raw if is_usage_metrics(value)}
        by_name = {value.get("name"): key for key, value in sorted(raw, key=lambda pair: pair[0])
                   if "appId" not in value}
        for key, value in raw:
            found.append(item_of(key, kind, value, workspace, left_out, metrics, by_name))
    models = {item.id for item in found if item.left_out == "usage metrics"}
    for item in found:
        if item.model in models and item.left_out != "app copy":
            item.left_out = "usage metrics"
    return found


def is_usage_metrics(value: dict) -> bool:
    return (value.get("contentProviderType", "").startswith("UsageMetrics")
            or value.get("name", "").lower() in USAGE_METRICS)


def item_of(key: str, kind: str, value: dict, workspace: dict, left_out: str | None,
            metrics: set[str], by_name: dict) -> Item:
    name = value.get("name") or value.get("displayName")
    is_copy = "appId" in value or name.startswith("[App] ")
    original = None
    if is_copy:
        left_out = "app copy"
        original = value.get("originalReportObjectId") or by_name.get(name.removeprefix("[App] "))
    elif key in metrics:
        left_out = "usage metrics"
    upstream = {entry[target] for entries, target in (
        ("upstreamDatasets", "targetDatasetId"), ("upstreamDataflows", "targetDataflowId"),
        ("relations", "dependentOnArtifactId"), ("tiles", "reportId"), ("tiles", "datasetId"))
        for entry in value.get(entries, []) if entry.get(target)}
    model = value.get("datasetId", "").lower() or None if kind == "Report" else None
    upstream = {other.lower() for other in upstream | {model} - {None}} - {key}
    return Item(key, kind, name, workspace,
                moment(value.get("createdDateTime") or value.get("createdDate")),
                person(value.get("createdBy")), person(value.get("modifiedBy")),
                person(value.get("configuredBy")), model, upstream, left_out, original)


class Inventory:
    """What is there as of a day."""

    def __init__(self, files: Files, as_of: date | None) -> None:
        self.snapshots = [snapshot for snapshot in files.snapshots
                          if as_of is None or snapshot.first.date() <= as_of]
        latest: dict[str, Scan] = {}
        first_seen: dict[str, datetime] = {}
        for snapshot in self.snapshots:
            for scan in snapshot.scans:
                latest[scan.workspace["id"]] = scan
                for item in items_of(scan.workspace, None):
                    known = first_seen.setdefault(item.id, scan.time)
                    first_seen[item.id] = min(known, scan.time)
        self.workspaces = {key: scan.workspace for key, scan in latest.items()}
        self.gone = {key for key in latest if self.is_gone(key)}
        self.left_out = {key: state_of(workspace, key in self.gone)
                         for key, workspace in self.workspaces.items()}
        self.taken = {key: scan.time for key, scan in latest.items()}
        self.items = [item for key, workspace in self.workspaces.items()
                      for item in items_of(workspace, self.left_out[key])]
        for item in self.items:
            item.seen = first_seen[item.id]

    def is_gone(self, key: str) -> bool:
        """True if a full snapshot after the last one with the workspace lacks it."""
        last_seen = max(snapshot.last for snapshot in self.snapshots if key in snapshot.ids)
        personal = is_personal(self.workspaces[key])
        return any(snapshot.full and snapshot.first > last_seen
                   and (snapshot.has_personal or not personal) for snapshot in self.snapshots)

    @cached_property
    def keys(self) -> dict[str, str]:
        """The item that each ID counts for; an ID in several workspaces counts for the first."""
        keys: dict[str, list[str]] = defaultdict(list)
        for item in self.items:
            keys[item.id].append(item.key)
        return {known: min(all_of_them) for known, all_of_them in keys.items()}

    @cached_property
    def by_id(self) -> dict[str, list[Item]]:
        by_id = defaultdict(list)
        for item in self.items:
            by_id[item.id].append(item)
        return by_id

    @cached_property
    def dependents(self) -> dict[str, set[str]]:
        """All that is built on an item, directly or through others, without the item itself."""
        direct = defaultdict(set)
        for item in self.items:
            # The copy of an item in an app has no dependencies of its own.
            if not (item.left_out == "app copy" and item.original):
                for upstream in item.upstream:
                    direct[upstream].add(item.id)
        found = {}
        for start in list(direct):
            reached, todo = set(), [start]
            while todo:
                for other in direct.get(todo.pop(), ()):
                    if other not in reached:
                        reached.add(other)
                        todo.append(other)
            found[start] = reached - {start}
        return found


@dataclass
class Files:
    """The raw files of an archive."""

    folder: Path
    inventories: dict = field(default_factory=dict)

    @cached_property
    def every_event(self) -> list[Event]:
        return read(self.folder / "events")

    @cached_property
    def events(self) -> list[Event]:
        """The events of all actors that did not fail, without noise."""
        return [event for event in self.every_event
                if not event.is_failed and event.noise != "standard"]

    @cached_property
    def log_days(self) -> set[date]:
        return {event.time.date() for event in self.every_event}

    @cached_property
    def snapshots(self) -> list[Snapshot]:
        scans = []
        for path in sorted((self.folder / "scans").iterdir()):
            content = json.loads(path.read_text(encoding="utf-8"))
            time = moment(content["scanCreatedDateTime"])
            scans += [Scan(time, "fullscan" in path.name, workspace)
                      for workspace in content["workspaces"]]
        groups: dict[tuple, list[Scan]] = defaultdict(list)
        for scan in scans:
            groups[scan.time.date(), scan.full].append(scan)
        found = [Snapshot(full, group) for (_, full), group in groups.items()]
        return sorted(found, key=lambda snapshot: snapshot.first)

    def inventory(self, as_of: date | None) -> Inventory:
        if as_of not in self.inventories:
            self.inventories[as_of] = Inventory(self, as_of)
        return self.inventories[as_of]

    @cached_property
    def lists(self) -> list[tuple[datetime, list[dict]]]:
        """The lists of people, the latest last."""
        found = []
        for folder in sorted((self.folder / "graph").glob("*/*/*")):
            day = datetime(*map(int, folder.parts[-3:]), tzinfo=timezone.utc)
            found.append((day, [person for path in sorted(folder.iterdir())
                                for person in json.loads(path.read_text(encoding="utf-8"))]))
        return found

    def small_capacities(self) -> set[str]:
        """Returns the capacities that are small in the latest list with them."""
        latest = {}
        for path in sorted((self.folder / "capacities").glob("*/*/*/*.json")):
            for found in json.loads(path.read_text(encoding="utf-8"))["value"]:
                latest[found["id"].lower()] = found["sku"]
        return {key for key, sku in latest.items() if is_small(sku)}

    def capacity_names(self, as_of: date | None) -> dict[str, str]:
        """Returns the names of capacities as of a day. The log has none."""
        return {found["id"].lower(): found["displayName"]
                for path in sorted((self.folder / "capacities").glob("*/*/*/*.json"))
                if as_of is None or date(*map(int, path.parts[-4:-1])) <= as_of
                for found in json.loads(path.read_text(encoding="utf-8"))["value"]}

    def groups(self, as_of: date | None) -> dict[str, Group]:
        """Returns the groups as of a day, each with its latest list of members."""
        found: dict[str, Group] = {}
        for path in sorted((self.folder / "groups").glob("*/*/*/*.json")):
            if as_of is not None and date(*map(int, path.parts[-4:-1])) > as_of:
                continue
            for value in json.loads(path.read_text(encoding="utf-8"))["value"]:
                group = found.setdefault(value["id"].lower(), Group())
                group.name = value["displayName"]
                for name in ("members", "transitiveMembers"):
                    if name in value:
                        group.members = value[name]
                        group.may_lack = may_lack(value, value[name])
                        group.has_all_levels = name == "transitiveMembers"
        return found

    @cached_property
    def products(self) -> dict[str, dict]:
        with PRODUCTS.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader((line for line in file if not line.startswith("#")),
                                  delimiter="\t")
            return {row["sku_id"]: row for row in rows}


class Window:
    """The days that a report judges."""

    def __init__(self, files: Files, asked: Asked) -> None:
        self.end = asked.until or max(files.log_days)
        self.begin = self.end - timedelta(asked.days - 1)
        self.covered = sum(self.begin + timedelta(n) in files.log_days for n in range(asked.days))
        self.asked = asked
        self.history = [event for event in files.events if event.time.date() <= self.end]

    def inside(self, events: list[Event]) -> list[Event]:
        return [event for event in events if event.time.date() >= self.begin]

    def age(self, item: Item) -> str | None:
        """Says why an item may be too young to be judged."""
        if item.created is not None:
            return "young" if item.created.date() >= self.begin else None
        return "ageless" if item.seen.date() >= self.begin else None

    def uncovered(self) -> str:
        return f"the log covers {self.covered} of {self.asked.days} days"
