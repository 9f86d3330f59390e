"""Calculates the reports on an inventory: one function for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime

from estate_rules import (ADDRESSABLE, LOGGED, PERSONAL, USES, Asked, Files, Group, Inventory,
                          Item, Snapshot, Window, capacity, is_personal, items_of, moment, person, state_of)
from events import Event
from report import in_group, is_presence, last, named

# The columns that identify a row of each report.
KEYS = {
    "unused-reports": ("report_id", "workspace_id"),
    "unused-items": ("item_id", "workspace_id"),
    "license-usage": ("user", "product", "license"),
    "orphaned-workspaces": ("workspace_id",),
    "inventory-changes": ("change", "kind", "item_id", "workspace_id", "old_value"),
}

# The columns that sort its rows, `-` descending.
ORDER = {
    "unused-reports": ("-days_since_view", "created", "report_id", "workspace_id"),
    "unused-items": ("-days_since_use", "created", "kind", "item_id", "workspace_id"),
    "license-usage": ("last_any", "user", "product"),
    "orphaned-workspaces": ("status", "workspace", "workspace_id"),
    "inventory-changes": ("-seen_at", "change", "kind", "item_id", "old_value", "new_value"),
}


def days_since(window: Window, events: list[Event]) -> int | None:
    return (window.end - last(events).date()).days if events else None


def counted(item: Item, asked: Asked) -> bool:
    return item.left_out is None or (asked.flag("personal") and item.left_out == PERSONAL)


def name_of(inventory: Inventory, key: str | None) -> str | None:
    workspace = inventory.workspaces.get(key)
    return workspace["name"] if workspace else key


def by_item(inventory: Inventory, events: list[Event], ids: Callable, kinds: Callable) -> dict:
    """Groups events by the item that they count for: the first of their IDs that is known."""
    found = defaultdict(list)
    known = {key: target for key, target in inventory.keys.items()
             if any(kinds(item) for item in inventory.by_id[key])}
    for event in events:
        key = next((known[key] for key in ids(event) if key in known), None)
        if key is not None:
            found[key].append(event)
    return found


def without_owners(inventory: Inventory, uses: dict, owners: Callable) -> dict:
    found = {}
    for key, events in uses.items():
        names = {name for item in inventory.by_id[key] for name in owners(item)}
        found[key] = [event for event in events if event.user not in names]
    return found


# ---------------------------------------------------------------- reports and items


def unused_reports(files: Files, asked: Asked) -> list[dict]:
    inventory, window = files.inventory(asked.as_of), Window(files, asked)
    reports = [item for item in inventory.items if item.kind == "Report"]
    groups = ("VIEW", "EXTERNAL", "EXPORT", "AUTHOR", "SHARE")
    chosen = [event for event in window.history if event.group in groups
              or event.activity in ("RunEmailSubscription", "GenerateEmbedToken")]
    uses = by_item(inventory, chosen,
                   lambda event: (event.report, event.id_of("ReportId"),
                                  event.id_of("AppReportId")),
                   lambda item: item.kind == "Report")
    if asked.flag("without_owners"):
        uses = without_owners(inventory, uses, lambda item: (item.created_by, item.modified_by))
    models = defaultdict(list)
    for item in inventory.items:
        if item.kind == "SemanticModel":
            models[item.id].append(item.name)
    return [report_row(inventory, window, item, uses.get(item.id, []), models)
            for item in reports if counted(item, asked)]


def report_row(inventory: Inventory, window: Window, item: Item, events: list[Event],
               models: dict) -> dict:
    views, recent = named(events, "ViewReport"), window.inside(events)
    used = recent if window.asked.get("counts_as_use", "view") == "any" else named(
        recent, "ViewReport", "RunEmailSubscription", "GenerateEmbedToken")
    status, reason = "unknown", {"young": "created in the window", "ageless": "age not known",
                                 None: None}[window.age(item)]
    if used:
        status, reason = "used", "used in the window"
    elif reason is None and window.covered < window.asked.days:
        reason = window.uncovered()
    elif reason is None:
        status = "unused"
        reason = "not viewed in the window" if views else "not viewed in the log"
    shown = named(recent, "ViewReport")
    return {"report": item.name, "workspace": item.workspace["name"], "status": status,
            "reason": reason, "created": item.created, "last_view": last(views),
            "days_since_view": days_since(window, views), "views": len(shown),
            "anonymous_views": sum(event.is_anonymous for event in shown),
            "service_views": sum(event.is_service for event in shown),
            "deliveries": len(named(recent, "RunEmailSubscription")),
            "owner": item.created_by or item.modified_by,
            "semantic_model": min(models[item.model]) if models.get(item.model) else None,
            "report_id": item.id, "workspace_id": item.workspace["id"]}


def ids_of_item(event: Event) -> tuple:
    own = [event.item[1]] if event.item else []
    return (*own, *(event.id_of(name) for name in (
        "ReportId", "AppReportId", "ArtifactId", "ItemId", "ObjectId", "DatasetId",
        "DataflowId")))


def unused_items(files: Files, asked: Asked) -> list[dict]:
    inventory, window = files.inventory(asked.as_of), Window(files, asked)
    groups = ["VIEW", "EXTERNAL"]
    if asked.get("counts_as_use", "view") == "any":
        groups += ["EXPORT", "AUTHOR", "SHARE"]
    chosen = [event for event in window.history
              if event.group in groups or event.activity in USES]
    uses = by_item(inventory, chosen, ids_of_item, lambda item: True)
    if asked.flag("without_owners"):
        uses = without_owners(inventory, uses, lambda item: (
            item.created_by, item.modified_by, item.configured_by))
    return [item_row(inventory, window, item, uses) for item in inventory.items
            if item.kind != "Report" and counted(item, asked)]


def item_row(inventory: Inventory, window: Window, item: Item, uses: dict) -> dict:
    own = uses.get(item.id, [])
    built = inventory.dependents.get(item.id, set())
    fed = [event for key in built for event in uses.get(key, [])]
    real = {key for key in built for other in inventory.by_id[key]
            if other.left_out in (None, PERSONAL)}
    young = any(window.age(other) for key in real for other in inventory.by_id[key]
                if other.left_out in (None, PERSONAL))
    age = {"young": "created in the window", "ageless": "age not known"}.get(window.age(item))
    if window.inside(own):
        status, reason = "used", "used in the window"
    elif window.inside(fed):
        status, reason = "used", "feeds an item that is used in the window"
    elif age:
        status, reason = "unknown", age
    elif window.covered < window.asked.days:
        status, reason = "unknown", window.uncovered()
    elif young:
        status, reason = "unknown", "feeds an item whose use is not known"
    elif item.kind in ADDRESSABLE:
        status, reason = "unknown", "other items can read it by its address"
    elif item.kind not in LOGGED:
        status, reason = "unknown", "the log may not show the use of this kind"
    else:
        status, reason = "unused", "feeds only unused items" if real else (
            "not used in the window" if own + fed else "not used in the log")
    return {"item": item.name, "kind": item.kind, "workspace": item.workspace["name"],
            "status": status, "reason": reason, "created": item.created,
            "last_use": last(own + fed), "days_since_use": days_since(window, own + fed),
            "uses": len(window.inside(own)), "uses_downstream": len(window.inside(fed)),
            "dependents": len(real),
            "owner": item.configured_by or item.created_by or item.modified_by,
            "item_id": item.id, "workspace_id": item.workspace["id"]}


# ---------------------------------------------------------------- people


def people_of(files: Files, lists: list | None = None) -> dict[str, dict]:
    """Returns the people by their IDs, with the latest values of the lists, and all addresses."""
    known: dict[str, dict] = {}
    for taken, listed in files.lists if lists is None else lists:
        for row in listed:
            one = known.setdefault(row["id"], {"addresses": set()})
            one |= {name: value for name, value in row.items() if value is not None}
            one["seen"], one["listed"] = taken, row
            proxies = [text.partition(":")[2] for text in row.get("proxyAddresses", [])]
            one["addresses"] |= {person(address) for address in (
                row["userPrincipalName"], row.get("mail"), *proxies) if address}
    return known


def levels_of(files: Files, license: dict, row: dict) -> tuple[str, dict | None]:
    """Returns the level of a license with the plans that are on, and its product."""
    product = files.products.get(license["skuId"])
    if product is None:
        return "unknown", None
    plans = set(product["plans"].split()) - {"-"} - set(license["disabledPlans"])
    if "assignedPlans" in row:
        plans &= {plan["servicePlanId"] for plan in row["assignedPlans"]
                  if plan["capabilityStatus"] in ("Enabled", "Warning")}
    if plans & {"0bf3c642-7bb5-4ccc-884e-59d09df0266c"}:
        return "ppu", product
    if plans & {"70d33638-9c74-4d01-bfd3-562de28bd4ba"}:
        return "pro", product
    return ("free" if plans else "none"), product


def held_licenses(files: Files, one: dict) -> list[dict]:
    groups = {state["skuId"]: state["assignedByGroup"]
              for state in one["listed"]["licenseAssignmentStates"]}
    found = []
    for license in one["listed"]["assignedLicenses"]:
        level, product = levels_of(files, license, one)
        group = groups[license["skuId"]]
        is_bundle = product is not None and product["kind"] == "bundle"
        source = "bundle" if is_bundle else "group" if group else "direct"
        if level != "none":
            found.append({"level": level, "source": source, "group": group,
                          "product": product["product"] if product else license["skuId"]})
    order = {"ppu": 0, "pro": 1}
    return sorted(found, key=lambda held: (order.get(held["level"], 2), held["source"] != "bundle",
                                           held["product"], held["group"] or ""))


def license_usage(files: Files, asked: Asked) -> list[dict]:
    inventory, window = files.inventory(asked.as_of), Window(files, asked)
    small = files.small_capacities()
    placed = {key for key, workspace in inventory.workspaces.items()
              if capacity(workspace) and capacity(workspace) not in small}
    by_user = defaultdict(list)
    for event in window.history:
        if is_presence(event):
            by_user[event.user].append(event)
    newest, rows, groups = files.lists[-1][0], [], files.groups(asked.as_of)
    wanted = asked.get("license", "paid")
    for one in people_of(files).values():
        if one["seen"] != newest:
            continue
        events = [event for address in one["addresses"] for event in by_user.get(address, [])]
        for nth, held in enumerate(held_licenses(files, one)):
            if wanted in ("all", held["level"]) or (
                    wanted == "paid" and held["level"] in ("pro", "ppu")):
                group = groups.get(held["group"])
                rows.append(license_row(window, one, held, nth, events, placed)
                            | {"group_name": group and group.name})
    return rows


def license_row(window: Window, one: dict, held: dict, nth: int, events: list[Event],
                placed: set[str]) -> dict:
    recent = window.inside(events)
    on_capacity = [event for event in in_group(recent, "VIEW") if event.workspace in placed]
    created = moment(one["createdDateTime"])
    if not one["accountEnabled"]:
        verdict = "disabled"
    elif held["level"] in ("pro", "ppu") and nth > 0:
        verdict = "doubled"
    elif recent:
        only_views = held["level"] == "pro" and len(on_capacity) == len(recent)
        verdict = "viewer-on-capacity" if only_views else "in-use"
    elif created.date() >= window.begin or window.covered < window.asked.days:
        verdict = "unknown"
    else:
        verdict = "idle" if events else "never-seen"
    return {"user": person(one["userPrincipalName"]), "license": held["level"],
            "source": held["source"], "product": held["product"], "class": verdict,
            "last_view": last(in_group(events, "VIEW")),
            "last_author": last(in_group(events, "AUTHOR", "SHARE")), "last_any": last(events),
            "covered_days": window.covered, "department": one.get("department"),
            "assigned_by_group": held["group"], "created": created}


# ---------------------------------------------------------------- workspaces and changes


def is_group(user: dict) -> bool:
    return user["principalType"] == "Group"


class Accounts:
    """The accounts as of a day: which are enabled, by ID and by address."""

    def __init__(self, files: Files, as_of: date | None) -> None:
        lists = [(taken, listed) for taken, listed in files.lists
                 if as_of is None or taken.date() <= as_of]
        self.by_id: dict[str, bool] = {}
        self.by_address: dict[str, bool] = {}
        for key, one in people_of(files, lists).items():
            self.by_id[key] = one["accountEnabled"] and one["seen"] == lists[-1][0]
            for address in one["addresses"]:
                self.by_address[address] = self.by_id[key]

    def enabled(self, key: str | None, address: str | None) -> bool:
        """An account that no list has counts as enabled."""
        return self.by_id.get(key, self.by_address.get(address and person(address), True))


def members_of(group: Group) -> list[dict]:
    return group.members or []


def is_within(member: dict) -> bool:
    """Returns true if a member is a group, whose members are members too."""
    return member["@odata.type"] == "#microsoft.graph.group"


def verdict_on_group(key: str, groups: dict[str, Group], accounts: Accounts) -> str:
    """Says if a member of a group can act as an admin, or why that is not known."""
    if key not in groups or groups[key].members is None:
        return "unresolved"
    found, todo = {key}, [key]
    while todo:
        for member in members_of(groups[todo.pop()]):
            kind = member["@odata.type"].rpartition(".")[2]
            if kind == "servicePrincipal" or (kind == "user" and accounts.enabled(
                    member.get("id"), member.get("userPrincipalName"))):
                return "able"
            other = member.get("id", "").lower()
            if is_within(member) and other in groups and other not in found:
                found.add(other)
                todo.append(other)
    return "partial" if lacks_members(key, groups) else "none"


def lacks_members(key: str, groups: dict[str, Group]) -> bool:
    """Returns true if members of a group, or of the groups in it, can be missing."""
    found, todo = {key}, [key]
    while todo:
        group = groups.get(todo.pop())
        if group is None or group.members is None or group.may_lack:
            return True
        if not group.has_all_levels:
            inside = {member["id"].lower() for member in group.members if is_within(member)}
            todo += inside - found
            found |= inside
    return False


def reason_of(admins: list[dict], groups: dict[str, Group], accounts: Accounts) -> str | None:
    """Says why a workspace has no admin who can act; `None` if it has one."""
    verdicts = []
    for user in admins:
        if is_group(user):
            verdicts.append(verdict_on_group(user["identifier"], groups, accounts))
        elif user["principalType"] == "User":
            is_able = accounts.enabled(user["graphId"], user["emailAddress"])
            verdicts.append("able" if is_able else "none")
        else:
            verdicts.append("able")
    only_groups = all(map(is_group, admins))
    if "able" in verdicts:
        return None
    if "unresolved" in verdicts:
        return "only groups, not resolved" if only_groups \
            else "no enabled person, groups not resolved"
    if "partial" in verdicts:
        return "only groups, members not all known" if only_groups \
            else "no enabled person, members of groups not all known"
    return "no enabled admin" if admins else "no admin"


def orphaned_workspaces(files: Files, asked: Asked) -> list[dict]:
    inventory, window = files.inventory(asked.as_of), Window(files, asked)
    groups, accounts = files.groups(asked.as_of), Accounts(files, asked.as_of)
    by_workspace = defaultdict(list)
    for event in window.history:
        if not event.is_service:
            by_workspace[event.workspace].append(event)
    rows = []
    for key, workspace in inventory.workspaces.items():
        admins = [user for user in workspace["users"] if user["groupUserAccessRight"] == "Admin"]
        reason = reason_of(admins, groups, accounts)
        if inventory.left_out[key] or reason is None:
            continue
        kinds = [user["principalType"] for user in workspace["users"]]
        items = [item for item in inventory.items
                 if item.left_out is None and item.workspace["id"] == key]
        is_orphan = reason in ("no admin", "no enabled admin")
        rows.append({
            "workspace": workspace["name"], "status": "orphaned" if is_orphan else "unknown",
            "reason": reason, "people": kinds.count("User"), "groups": kinds.count("Group"),
            "items": len(items), "last_activity": last(by_workspace[key]),
            "on_capacity": bool(capacity(workspace)), "snapshot_time": inventory.taken[key],
            "workspace_id": key})
    return rows


def lacking(inventory: Inventory, snapshot: Snapshot) -> set[str]:
    """Returns the workspaces in the scope of a full snapshot that are not in it."""
    every = {key for other in inventory.snapshots for key in other.ids}
    return {key for key in every - snapshot.ids
            if snapshot.has_personal or not is_personal(inventory.workspaces[key])}


class Timeline:
    """The states of all items over time: what each scan, and each full snapshot, shows."""

    def __init__(self, inventory: Inventory, until: datetime) -> None:
        self.since: dict[tuple, datetime] = {}
        self.state: dict[tuple, dict] = {}
        self.ended: dict[tuple, datetime] = {}
        moments = []
        for snapshot in inventory.snapshots:
            moments += [(scan.time, scan.workspace["id"], scan.workspace)
                        for scan in snapshot.scans]
            if snapshot.full:
                moments += [(snapshot.first, key, None) for key in lacking(inventory, snapshot)]
        for time_of, key, workspace in sorted(moments, key=lambda moment: moment[:2]):
            if time_of <= until:
                self.observe(time_of, key, workspace)

    def observe(self, time_of: datetime, key: str, workspace: dict | None) -> None:
        now: dict[tuple, dict] = {}
        left_out = state_of(workspace, False) if workspace else None
        if workspace and left_out != "deleted workspace":
            now["Workspace", key, key] = {
                "name": workspace["name"], "owner": None, "capacity": capacity(workspace),
                "left_out": left_out, "created": None}
            for item in items_of(workspace, left_out):
                now[item.kind, item.id, key] = {
                    "name": item.name, "owner": item.configured_by or item.created_by,
                    "capacity": None, "left_out": item.left_out, "created": item.created}
        for place in [place for place in self.state if place[2] == key]:
            known = {**self.state[place], "created": None}
            if place not in now or known != {**now[place], "created": None}:
                self.ended[place[:2]] = max(time_of, self.ended.get(place[:2], time_of))
                del self.state[place], self.since[place]
        for place, state in now.items():
            self.since.setdefault(place, time_of)
            self.state.setdefault(place, state)

    def items(self) -> dict[tuple, tuple]:
        """Returns each item once: where it was seen to begin last."""
        found: dict[tuple, tuple] = {}
        for place, state in self.state.items():
            rank = (self.since[place], place[2])
            if place[:2] not in found or rank > found[place[:2]][0]:
                found[place[:2]] = (rank, place[2], state)
        return found


def inventory_changes(files: Files, asked: Asked) -> list[dict]:
    inventory = files.inventory(asked.as_of)
    snapshots, newest = inventory.snapshots, max(s.last for s in inventory.snapshots)
    full = [snapshot for snapshot in snapshots if snapshot.full]
    scope = max(full, key=lambda snapshot: snapshot.last).has_personal
    older = [snapshot for snapshot in full if snapshot.last < newest
             and (newest.date() - snapshot.last.date()).days >= asked.days
             and snapshot.has_personal == scope]
    if not older:
        return []
    before_time = max(snapshot.last for snapshot in older)
    before = Timeline(inventory, before_time).items()
    timeline = Timeline(inventory, newest)
    after, rows = timeline.items(), []
    names = files.capacity_names(asked.as_of)

    def add(change: str, place: tuple, found: tuple, seen: datetime, old=None, new=None) -> None:
        _, key, state = found
        rows.append({"change": change, "item": state["name"], "kind": place[0],
                     "workspace": name_of(inventory, key), "old_value": old, "new_value": new,
                     "owner": state["owner"], "seen_at": seen, "earlier_snapshot": before_time,
                     "later_snapshot": newest, "item_id": place[1], "workspace_id": key})

    def is_listed(state: dict) -> bool:
        return state["left_out"] is None or (
            asked.flag("personal") and state["left_out"] == PERSONAL)

    for place, found in after.items():
        (since, _), key, state = found
        if not is_listed(state):
            continue
        if place not in before:
            is_old = state["created"] is not None and state["created"] <= before_time
            is_new_scope = state["left_out"] is not None and not scope
            add("listed" if is_old or is_new_scope else "new", place, found, since)
            continue
        _, old_key, old = before[place]
        if old["name"] != state["name"]:
            add("renamed", place, found, since, old["name"], state["name"])
        if old_key != key:
            add("moved", place, found, since, name_of(inventory, old_key),
                name_of(inventory, key))
        if place[0] == "Workspace" and old["capacity"] != state["capacity"]:
            add("moved", place, found, since, *(
                names.get(held["capacity"], held["capacity"]) for held in (old, state)))
        if old["owner"] and state["owner"] and old["owner"] != state["owner"]:
            add("owner", place, found, since, old["owner"], state["owner"])
    for place, found in before.items():
        if place not in after and is_listed(found[2]):
            add("gone", place, found, timeline.ended[place])
    return rows


REPORTS = {"unused-reports": unused_reports, "unused-items": unused_items,
           "license-usage": license_usage, "orphaned-workspaces": orphaned_workspaces,
           "inventory-changes": inventory_changes}
