"""Reports on refreshes, access, sharing and other administration."""

from __future__ import annotations

from collections import Counter

from context import DAY, Context
from events import Event, lower, own_address, text
from report import (days, first, good, grouped, in_group, joined, last, named, ratio, report, users)
from usage import place

NAMES = {"Report": "report", "Dashboard": "dashboard", "SemanticModel": "model",
         "Dataflow": "dataflow", "App": "app", "Gateway": "gateway"}


def label(context: Context, item) -> str:
    """The latest name of an item, or its ID."""
    return context.label(NAMES[item[0]], item[1]) if item else "(unknown)"


@report("refreshes", "item_id workspace_id item", "-failed -refreshes", actors="all")
def refreshes(context: Context) -> list[dict]:
    requests = ("RefreshDataset", "RefreshDatasetFromExternalApplication", "RequestDataflowRefresh")
    cancels = ("CancelDatasetRefresh", "CancelDataflowRefresh")
    chosen = named(context.events, *requests, *cancels)

    def about(event: Event):
        if event.item:
            return event.item[:2], None
        return None, text(event.get("DatasetName")) or text(event.get("ItemName"))

    whole = [day for day in context.period if context.complete(day)]
    rows = []
    for ((item, name), workspace), events in grouped(
            chosen, lambda event: (about(event), event.workspace)).items():
        asked = named(events, *requests)
        failed = [event for event in asked if event.is_failed]
        kinds = Counter(map(trigger, asked))
        per_day = Counter(map(context.day, asked))
        kind = "Dataflow" if any("Dataflow" in event.activity for event in events) else (
            "SemanticModel")
        rows.append({
            "item": label(context, item) if item else name, "refreshes": len(asked),
            "failed": len(failed), "failed_pct": ratio(len(failed), len(asked), 100),
            "last_failed": last(failed),
            "per_day": ratio(sum(per_day[day] for day in whole), len(whole)),
            "max_per_day": max(per_day.values(), default=0), "scheduled": kinds["scheduled"],
            "on_demand": kinds["on_demand"], "unknown_trigger": kinds["unknown"],
            "last_refresh": last(asked),
            "canceled": len(named(good(events), *cancels)),
            "users": len(users(asked)), "item_kind": kind, "workspace": place(context, workspace),
            "item_id": item[1] if item else None, "workspace_id": workspace,
        })
    return rows


def trigger(event: Event) -> str:
    if event.activity == "RefreshDatasetFromExternalApplication":
        return "on_demand"
    kind = text(event.get("RefreshType")) or text(event.get("DataflowRefreshScheduleType"))
    return {"Scheduled": "scheduled", None: "unknown"}.get(kind, "on_demand")


def addresses(people) -> list[str]:
    return [own_address(lower(person["RecipientEmail"])) for person in people or []]


@report("sharing-audit", "item_id recipient shared_by workspace_id", actors="all")
def sharing_audit(context: Context) -> list[dict]:
    shares = named(good(context.events), "ShareReport", "ShareDashboard", "ShareDataset",
                   "ShareArtifact")
    groups: dict = {}
    for event in shares:
        people = event.get("SharingInformation") or [None]
        seen = set()
        for person in people:
            address = own_address(lower(person["RecipientEmail"])) if person else None
            entry = groups.setdefault(
                (event.item[:2], address, event.user, event.workspace), ([], []))
            if address not in seen:
                entry[0].append(event)
            seen.add(address)
            entry[1].append(person["ResharePermission"] if person else None)
    rows = []
    for (item, address, user, workspace), (events, rights) in groups.items():
        org = sum(event.get("SharingScope") == "Organization" for event in events)
        rows.append({
            "reach": "external" if context.is_outside(address) else
            "organization" if org else "people",
            "item": label(context, item), "recipient": address, "shared_by": user,
            "last_shared": last(events), "shares": len(events), "permissions": joined(rights),
            "org_shares": org, "scopes": joined(event.get("SharingScope") for event in events),
            "in_my_workspace": any(event.is_personal for event in events), "item_kind": item[0],
            "first_shared": first(events),
            "link_shares": sum(event.get("SharingAction") == "CreateShareLink"
                               for event in events),
            "workspace": place(context, workspace), "item_id": item[1], "workspace_id": workspace,
        })
    return rows


@report("subscriptions", "item_id owner workspace_id", actors="all")
def subscriptions(context: Context) -> list[dict]:
    kinds = {"deliveries": "RunEmailSubscription", "created": "CreateEmailSubscription",
             "changed": "UpdateEmailSubscription", "deleted": "DeleteEmailSubscription",
             "takeovers": "TakeOverEmailSubscription"}
    chosen = named(context.events, *kinds.values())
    rows = []
    for (item, user, workspace), events in grouped(
            chosen, lambda event: (event.item[:2], event.user, event.workspace)).items():
        done = good(events)
        people = {address for event in done for address in
                  addresses(event.get("SubscribeeInformation"))
                  + addresses(event.get("ExternalSubscribeeInformation"))}
        rows.append({
            "item": label(context, item), "owner": user,
            **{column: len(named(done, activity)) for column, activity in kinds.items()},
            "recipients": len(people),
            "external_recipients": sum(map(context.is_outside, people)),
            "last_delivery": last(named(done, "RunEmailSubscription")),
            "failed": len(events) - len(done),
            "full_report": sum(event.get("HasFullReportAttachment") is True for event in done),
            "item_kind": item[0], "workspace": place(context, workspace), "item_id": item[1],
            "workspace_id": workspace,
        })
    return rows


@report("access-changes", "event_id member", actors="all")
def access_changes(context: Context) -> list[dict]:
    rows = []
    chosen = in_and_failed(context.events)
    for event in chosen:
        for member, change, role in members(event):
            rows.append({
                "time": event.time, "change": change,
                "workspace": event.workspace_word or event.workspace,
                "member": member, "user": event.user, "external": context.is_outside(member),
                "role": role, "activity": event.activity, "workspace_id": event.workspace,
                "event_id": event.id,
            })
    for row in rows:
        # Events without a workspace have nothing in common.
        names = ("workspace_changes", "workspace_added", "workspace_removed",
                 "workspace_self_granted")
        if not row["workspace_id"]:
            row |= dict.fromkeys(names)
            continue
        mine = [other for other in rows if other["change"] != "failed"
                and other["workspace_id"] == row["workspace_id"]]
        kinds = Counter(other["change"] for other in mine)
        row |= dict(zip(names, (len(mine), kinds["added"], kinds["removed"],
                                kinds["self-granted"])))
    return rows


def in_and_failed(events) -> list[Event]:
    return [event for event in events if event.group == "ACCESS"
            or event.activity == "RemoveAdminPersonalWorkspaceAccess"]


def members(event: Event) -> list[tuple]:
    """The members of an access change: address, change and role."""
    def address(name: str) -> str:
        return own_address(lower(name))

    found = [(address(person["MemberEmail"]), None)
             for person in event.get("MembershipInformation") or []]
    both = event.get("UserInformation") or {}
    found += [(address(name), "added") for name in both.get("UsersAdded", [])]
    found += [(address(name), "removed") for name in both.get("UsersRemoved", [])]
    by_name = "added" if event.activity.startswith("Add") else (
        "removed" if event.activity.startswith(("Delete", "Remove")) else "changed")
    result = []
    for member, change in found or [(None, None)]:
        change = change or by_name
        if event.is_failed:
            change = "failed"
        elif event.activity == "AddAdminPersonalWorkspaceAccess" or (
                member and member == event.user and change in ("added", "changed")):
            change = "self-granted"
        result.append((member, change, None))
    return result


@report("gateways", "event_id", actors="all")
def gateways(context: Context) -> list[dict]:
    nothing = ("TestConnection", "EvaluateDiagnostics", "OAuthLogin", "EncryptC", "ReencryptC")
    return [{
        "time": event.time, "change": event.catalog["friendly_name"].replace(" Power BI", ""),
        "gateway": context.label("gateway", event.id_of("GatewayId")),
        "datasource": text(event.get("DatasourceName")) or text(event.get("DatasourceType"))
        or event.id_of("DatasourceId"),
        "user": event.user, "failed": event.is_failed,
        "datasource_type": text(event.get("DatasourceType")), "activity": event.activity,
        "workspace": place(context, event.workspace), "gateway_id": event.id_of("GatewayId"),
        "datasource_id": event.id_of("DatasourceId"), "event_id": event.id,
    } for event in context.events if event.catalog["category"] == "Gateway/Datasource"
        and not any(word in event.activity for word in nothing)]


@report("tenant-setting-changes", "event_id", actors="all")
def tenant_setting_changes(context: Context) -> list[dict]:
    rows = []
    history = [event for event in named(context.history, "UpdatedAdminFeatureSwitch")
               if not event.is_failed]
    for event in named(context.events, "UpdatedAdminFeatureSwitch"):
        earlier = [other for other in history if (other.time, other.id) < (event.time, event.id)
                   and other.get("ItemName") == event.get("ItemName")]
        rows.append({
            "time": event.time, "setting": text(event.get("ItemName")),
            "state": text(event.get("SwitchState")),
            "previous_state": text(earlier[-1].get("SwitchState"))
            if earlier and not event.is_failed else None,
            "user": event.user, "level": "Tenant", "target": None, "failed": event.is_failed,
            "activity": event.activity,
            "details": text(event.get("TenantAdminFeatureSwitchProperties"))
            or text(event.get("TenantAdminFeatureSwitches")), "event_id": event.id,
        })
    return rows


WORKSPACE_DELETIONS = ("DeleteFolder", "DeleteGroup", "DeleteGroupWorkspace",
                       "DeleteWorkspaceViaAdminApi", "DeleteWorkspacesPermanentlyAsAdmin")
TAKEOVERS = ("TakeOverDataset", "TakeOverDatasource", "TakeOverArtifact", "TookOverDataflow",
             "TakeOverEmailSubscription")


@report("deletions-and-takeovers", "event_id", actors="all")
def deletions_and_takeovers(context: Context) -> list[dict]:
    chosen = [event for event in context.events if event.activity in TAKEOVERS
              or event.activity in WORKSPACE_DELETIONS or event.activity == "UnpublishApp"
              or event.group == "AUTHOR" and event.activity.startswith("Delete")]
    rows = []
    for event in chosen:
        item = deleted_item(context, event)
        taken = event.activity in TAKEOVERS
        rows.append({
            "time": event.time,
            "change": ("takeover failed" if event.is_failed else "taken over") if taken else
            ("delete failed" if event.is_failed else "deleted"),
            "item": item[2] or item[1], "user": event.user,
            "viewers_before_deletion": None if taken or event.is_failed or not item[1]
            else viewers_before(context, event, item),
            "item_kind": item[0], "previous_owner": lower(event.get("OriginalOwner")),
            "workspace": place(context, event.workspace), "activity": event.activity,
            "item_id": item[1], "workspace_id": event.workspace, "event_id": event.id,
        })
    return rows


def deleted_item(context: Context, event: Event) -> tuple:
    """Kind, ID and name of the item of a deletion or takeover."""
    if event.activity in WORKSPACE_DELETIONS:
        known = event.workspace_word or text(event.get("ItemName"))
        return "Workspace", event.workspace, known or context.name("workspace", event.workspace)
    if event.activity == "UnpublishApp":
        return "App", event.id_of("AppId"), text(event.get("AppName"))
    if event.activity == "TakeOverEmailSubscription":
        return "Subscription", *event.item[1:]
    if event.item:
        return event.item
    kinds = {"Dataset": "SemanticModel", "Dashboard": "Dashboard", "Dataflow": "Dataflow",
             "Report": "Report"}
    for word, kind in kinds.items():
        if word in event.activity:
            return kind, None, text(event.get(f"{word}Name")) or text(event.get("ItemName"))
    return None, None, text(event.get("ItemName"))


def viewers_before(context: Context, event: Event, item) -> int | None:
    """Distinct other people who viewed the item in the days that end with its deletion."""
    kind, key, _ = item
    end = context.day(event)
    begin = end - DAY * (context.question.param("days_before", 28) - 1)
    seen = [other for other in context.history if begin <= context.day(other) <= end
            and not other.is_failed and not other.is_service and other.user != event.user
            and other.activity in ("ViewReport", "ViewDashboard")]
    belongs = {
        "Report": lambda other: other.report == key and other.activity == "ViewReport",
        "Dashboard": lambda other: other.id_of("DashboardId") == key
        and other.activity == "ViewDashboard",
        "SemanticModel": lambda other: other.id_of("DatasetId") == key
        and other.activity == "ViewReport",
        "Workspace": lambda other: other.workspace == key,
        "App": lambda other: other.id_of("AppId") == key,
    }.get(kind)
    return len(users(filter(belongs, seen))) if belongs else None
