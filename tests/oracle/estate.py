"""Writes the inventory, the people and the log of a large invented tenant from a seed.

The tenant has all that the rules on inventories distinguish: copies in apps with and without the ID
of their original, usage metrics, workspaces that are personal, deleted, inactive or gone, items
that move, are renamed or get another owner, dependencies across workspaces and in circles, full and
incremental scans, people with old addresses, guests, groups in groups, and licenses of all sources.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

from tenant import Dice

FIRST = date(2026, 1, 1)
DAYS = 60
# A day that was never downloaded.
GAP = 7
DOMAIN = "contoso.example"
TENANT = "contoso.onmicrosoft.com"

FREE, PRO = "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "f8a1db68-be16-40ed-86d5-cb42ce701560"
PPU, E5 = "c1d032e0-5619-4761-9b5c-75b6831e1711", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"
E3, OWN = "05e9a617-0261-4cee-bb44-138d3ef5d965", "11111111-2222-4333-8444-555555555555"
PLANS = {FREE: ["2049e525-b859-401b-b2a0-e0a31c4b1fe4"],
         PRO: ["70d33638-9c74-4d01-bfd3-562de28bd4ba"],
         PPU: ["0bf3c642-7bb5-4ccc-884e-59d09df0266c", "70d33638-9c74-4d01-bfd3-562de28bd4ba"],
         E5: ["70d33638-9c74-4d01-bfd3-562de28bd4ba"], E3: [], OWN: []}

# The lists of a scanned workspace, and the least number of items; the largest is twice as high.
LISTS = {"reports": 34, "datasets": 26, "dataflows": 7, "dashboards": 5, "Lakehouse": 2,
         "Notebook": 4, "DataPipeline": 2}
CREATED = {"reports": "createdDateTime", "datasets": "createdDate", "Lakehouse": "createdDate",
           "Notebook": "createdDate", "DataPipeline": "createdDate"}


def at(day: int, hour: int = 2, minute: int = 0) -> str:
    """Returns a time as collectors write it, on a day counted from the first one."""
    moment = datetime.combine(FIRST, datetime.min.time()) + timedelta(day, 0, 0, 0, minute, hour)
    return moment.isoformat()


class Estate:
    """The tenant: people, workspaces and items as they are now."""

    def __init__(self, seed: int, workspaces: int, people: int) -> None:
        self.dice = Dice(f"estate {seed}")
        self.people = [self.new_person(number) for number in range(people)]
        self.groups = [self.dice.guid() for _ in range(20)]
        self.workspaces = [self.new_workspace(number) for number in range(workspaces)]
        for workspace in self.workspaces:
            self.fill(workspace)
        for workspace in self.workspaces:
            self.connect(workspace)

    # -- people

    def new_person(self, number: int) -> dict:
        dice = self.dice
        kind = dice.pick(["member"] * 17 + ["guest", "renamed", "alias"])
        address = f"p{number:04}@{DOMAIN}"
        person = {"id": dice.guid(), "userPrincipalName": address, "displayName": f"P{number}",
                  "mail": address, "department": dice.pick(["Sales", "Finance", "IT", None]),
                  "accountEnabled": not dice.chance(0.06), "old": [],
                  "createdDateTime": at(dice.between(-900, -100) if dice.chance(0.95)
                                        else dice.between(5, 50), 8) + "Z"}
        if kind == "guest":
            person |= {"userPrincipalName": f"p{number:04}_partner.example#EXT#@{TENANT}",
                       "mail": f"p{number:04}@partner.example"}
        elif kind == "renamed":
            person["old"] = [f"Old{number:04}@{DOMAIN}"]
        elif kind == "alias":
            person["proxyAddresses"] = [f"SMTP:{address}", f"smtp:x{number:04}@{DOMAIN}"]
        person["licenses"] = self.new_licenses()
        person["isViewer"] = number > 100 and dice.chance(0.15)
        if dice.chance(0.03):
            person["assignedPlans"] = [
                {"servicePlanId": plan, "capabilityStatus": dice.pick(["Enabled", "Deleted"])}
                for plan in PLANS[PRO] + PLANS[PPU][:1]]
        return person

    def new_licenses(self) -> list[dict]:
        dice = self.dice
        skus = dice.pick([[], [FREE], [FREE], [PRO], [PRO], [PRO, FREE], [E5], [E5, FREE],
                          [E5, PRO], [PPU], [PPU, PRO], [E3], [E3, PRO], [OWN]])
        return [{"skuId": sku, "group": dice.chance(0.3),
                 "disabledPlans": PLANS[sku][-1:] if dice.chance(0.1) else []} for sku in skus]

    def addresses(self, person: dict) -> list[str]:
        """All addresses under which the log can know a person."""
        proxies = [text.partition(":")[2] for text in person.get("proxyAddresses", [])]
        return [person["userPrincipalName"], *person["old"], *proxies]

    def author(self) -> dict:
        return self.dice.pick(self.people[:400])

    # -- workspaces and items

    def new_workspace(self, number: int) -> dict:
        dice = self.dice
        kind = "Workspace" if number < 6 else dice.pick(["Workspace"] * 8 + ["PersonalGroup"])
        kind = "AdminWorkspace" if number == 6 else kind
        state = "Active" if number < 6 else dice.pick(["Active"] * 22 + ["Deleted", "Removing",
                                                                       "Suspended", "Orphaned"])
        on_capacity = dice.chance(0.4)
        workspace = {"id": dice.guid(), "name": f"Workspace {number}", "type": kind,
                     "state": state, "isOnDedicatedCapacity": on_capacity}
        if on_capacity or dice.chance(0.1):
            workspace["capacityId"] = dice.pick(["0F0800B2", "0F0800B3"]) + "-0000-4000-8000-" \
                "0000000000B2"
        workspace["users"] = self.rights()
        return workspace

    def rights(self) -> list[dict]:
        dice = self.dice
        users = [{"groupUserAccessRight": dice.pick(["Member", "Viewer", "Contributor"]),
                  "emailAddress": person["userPrincipalName"], "principalType": "User",
                  "identifier": person["userPrincipalName"], "graphId": person["id"],
                  "displayName": person["displayName"]}
                 for person in dice.some(self.people, 6)]
        admins = dice.pick(["person", "person", "person", "group", "group and person", "app",
                            "nobody"])
        if "person" in admins:
            users[0]["groupUserAccessRight"] = "Admin"
        if "group" in admins or dice.chance(0.3):
            group = dice.pick(self.groups) if hasattr(self, "groups") else dice.guid()
            users.append({"groupUserAccessRight": "Admin" if "group" in admins else "Viewer",
                          "displayName": f"Group {group[:4]}", "identifier": group,
                          "graphId": group, "principalType": "Group"})
        if admins == "app":
            users.append({"groupUserAccessRight": "Admin", "identifier": dice.guid(),
                          "displayName": "deployer", "principalType": "App"})
        return users

    def fill(self, workspace: dict) -> None:
        personal = workspace["type"] == "PersonalGroup"
        for name, least in LISTS.items():
            count = self.dice.between(least, least * 2)
            count = count // 8 if personal else count
            workspace[name] = [self.new_item(name, f"{workspace['name']} {name} {number}")
                               for number in range(count)]

    def new_item(self, kind: str, name: str, fresh: bool = False) -> dict:
        dice = self.dice
        key, label = ("objectId" if kind == "dataflows" else "id",
                      "displayName" if kind == "dashboards" else "name")
        item = {key: dice.guid(), label: name}
        day = dice.between(20, 58) if fresh or dice.chance(0.04) else dice.between(-800, -5)
        if kind in CREATED and not dice.chance(0.03):
            item[CREATED[kind]] = at(day, 9)
        owner = self.author()["userPrincipalName"]
        if kind == "reports":
            item |= {"reportType": "PowerBIReport", "createdBy": owner,
                     "modifiedBy": self.author()["userPrincipalName"]}
        elif kind in ("datasets", "dataflows"):
            item |= {"configuredBy": owner}
        elif kind != "dashboards":
            item |= {"createdBy": owner}
        return item

    def connect(self, workspace: dict) -> None:
        """Adds dependencies, mostly inside the workspace; copies of reports; usage metrics."""
        dice = self.dice

        def near(kind: str) -> dict | None:
            place = workspace if dice.chance(0.85) else dice.pick(self.workspaces)
            return dice.pick(place[kind]) if place[kind] else None

        for item in workspace["reports"]:
            if (model := near("datasets")) and not dice.chance(0.05):
                item["datasetId"] = model["id"].upper() if dice.chance(0.1) else model["id"]
            else:
                item["reportType"] = "PaginatedReport"
        for item in workspace["dashboards"]:
            tiles = [{"id": dice.guid(), "reportId": report["id"],
                      **({"datasetId": report["datasetId"]} if "datasetId" in report else {})}
                     for report in [near("reports")] if report]
            item["tiles"] = tiles if dice.chance(0.9) else []
        for item in workspace["datasets"]:
            # Some of these chains are circles.
            upstream = [near("datasets") for _ in range(dice.pick([0, 0, 0, 0, 0, 1, 1, 2]))]
            item["upstreamDatasets"] = [{"targetDatasetId": other["id"]} for other in upstream
                                        if other]
            flows = [near("dataflows")] if dice.chance(0.3) else []
            item["upstreamDataflows"] = [{"targetDataflowId": other["objectId"]}
                                         for other in flows if other]
        for item in workspace["dataflows"]:
            flows = [near("dataflows")] if dice.chance(0.2) else []
            item["upstreamDataflows"] = [{"targetDataflowId": other["objectId"]}
                                         for other in flows if other]
        for kind in ("Notebook", "DataPipeline"):
            for item in workspace[kind]:
                if dice.chance(0.5) and (other := near("Lakehouse")):
                    item["relations"] = [{"dependentOnArtifactId": other["id"],
                                          "relationType": "Datasource"}]
        copies = []
        for item in workspace["reports"]:
            if dice.chance(0.08):
                copy = {**item, "id": dice.guid(), "name": f"[App] {item['name']}"}
                copy |= {"appId": dice.guid()} if dice.chance(0.8) else {}
                copy |= {"originalReportObjectId": item["id"]} if dice.chance(0.7) else {}
                copies.append(copy)
        workspace["reports"] += copies
        if dice.chance(0.3):
            model = self.new_item("datasets", "Metrics")
            model["contentProviderType"] = "UsageMetricsUserReport"
            report = self.new_item("reports", dice.pick(["Usage Metrics Report", "My usage"]))
            workspace["datasets"].append(model)
            workspace["reports"].append({**report, "datasetId": model["id"]})

    def change(self, workspace: dict) -> None:
        """Changes a workspace as its people do between two scans."""
        dice = self.dice
        for name in LISTS:
            items = workspace[name]
            label = "displayName" if name == "dashboards" else "name"
            for item in list(items):
                what = dice.random()
                if what < 0.02:
                    items.remove(item)
                elif what < 0.03:
                    item[label] += " (new)"
                elif what < 0.04 and "configuredBy" in item:
                    item["configuredBy"] = self.author()["userPrincipalName"]
                elif what < 0.05 and len(items) > 1 and workspace["type"] == "Workspace":
                    other = dice.pick(self.workspaces)
                    if other is not workspace:
                        items.remove(item)
                        other[name].append(item)
            if dice.chance(0.5):
                items.append(self.new_item(name, f"{workspace['name']} {name} {dice.guid()[:6]}",
                                           fresh=True))
        if dice.chance(0.1):
            workspace["name"] += "!"
        if dice.chance(0.1):
            workspace["capacityId"] = "0F0800B9-0000-4000-8000-0000000000B9"
            workspace["isOnDedicatedCapacity"] = True
        if dice.chance(0.05):
            workspace["users"] = self.rights()


# ---------------------------------------------------------------- files


def dump(path: Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def write_scan(root: Path, day: int, workspaces: list[dict], full: bool) -> None:
    """Writes the files of a scan, 50 workspaces in each, a few minutes apart."""
    for number in range(0, len(workspaces), 50):
        taken = at(day, 2, number // 10)
        word = "fullscan" if full else "incremental"
        dump(root / "scans" / f"{day:02}-{number:03}.{word}.json", {
            "workspaces": workspaces[number:number + 50], "datasourceInstances": [],
            "scanCreatedDateTime": f"{taken}Z"})


def write_scans(estate: Estate, root: Path) -> None:
    """Writes full and incremental scans, with changes in between."""
    dice, all_of_them = estate.dice, estate.workspaces
    # New workspaces come later; some are gone in the last full scan, and one comes back after it.
    late, gone = all_of_them[-4:], all_of_them[10:16]
    without = [workspace for workspace in all_of_them if workspace not in late]
    write_scan(root, 5, without, full=True)
    for day in (15, 25):
        changed = dice.some(without[20:], 20)
        for workspace in changed:
            estate.change(workspace)
        write_scan(root, day, changed, full=False)
    for workspace in dice.some(without[20:], 60):
        estate.change(workspace)
    write_scan(root, 30, [workspace for workspace in all_of_them if workspace not in gone],
               full=True)
    changed = dice.some(all_of_them[20:], 25) + gone[:1]
    for workspace in changed:
        estate.change(workspace)
    write_scan(root, 50, changed, full=False)


def write_capacities(root: Path) -> None:
    """Writes two lists of capacities. One capacity becomes smaller, and one is in no list."""
    for day, skus in ((5, {"0F0800B2": "F64", "0F0800B3": "P1"}),
                      (30, {"0F0800B2": "F64", "0F0800B3": "F32"})):
        taken = f"{FIRST + timedelta(day):%Y/%m/%d}"
        dump(root / "capacities" / taken / "capacities.json", {"value": [
            {"id": f"{start}-0000-4000-8000-0000000000B2", "displayName": f"Capacity {start}",
             "sku": sku, "state": "Active", "region": "West Europe", "admins": []}
            for start, sku in skus.items()]})


def write_people(estate: Estate, root: Path) -> None:
    """Writes two lists of people, and the products. The first one has the old addresses."""
    dice = estate.dice

    def listed(person: dict, old: bool) -> dict:
        shown = {name: value for name, value in person.items()
                 if name not in ("old", "licenses", "isViewer")}
        if old and person["old"]:
            shown["userPrincipalName"] = person["old"][0]
        shown["assignedLicenses"] = [
            {"skuId": license["skuId"], "disabledPlans": license["disabledPlans"]}
            for license in person["licenses"]]
        shown["licenseAssignmentStates"] = [
            {"skuId": license["skuId"], "state": "Active",
             "assignedByGroup": estate.groups[0] if license["group"] else None}
            for license in person["licenses"]]
        return shown

    for day, old in ((8, True), (55, False)):
        left = {person["id"] for person in dice.some(estate.people[500:], 40)}
        chosen = [listed(person, old) for person in estate.people
                  if old or person["id"] not in left]
        # Those whose accounts are disabled or gone in the last list.
        estate.unable = [dict(person) for person in estate.people
                         if person["id"] in left or not person["accountEnabled"]]
        for number in range(0, len(chosen), 1000):
            taken = f"{FIRST + timedelta(day):%Y/%m/%d}"
            suffix = f"_{number // 1000}" if number else ""
            dump(root / "graph" / taken / f"users{suffix}.json", chosen[number:number + 1000])
        for person in dice.some(estate.people, 300):
            person["licenses"] = estate.new_licenses()
            person["accountEnabled"] = not dice.chance(0.2)


def write_groups(estate: Estate, root: Path) -> None:
    """Writes two lists of groups. Some are in one list only, some lists are cut, and groups contain
    each other in circles."""
    dice, ids = estate.dice, estate.groups

    def user(person: dict) -> dict:
        return {"@odata.type": "#microsoft.graph.user", "id": person["id"],
                "displayName": person["displayName"],
                "userPrincipalName": person["userPrincipalName"]}

    def nested(number: int) -> dict:
        return {"@odata.type": "#microsoft.graph.group", "id": ids[number].upper(),
                "displayName": f"Group {ids[number][:4]}"}

    def of_type(name: str) -> dict:
        return {"@odata.type": f"#microsoft.graph.{name}", "id": dice.guid(), "displayName": "x"}

    def only(name: str) -> list[dict]:
        """Members of which the list has only one property."""
        return [{"@odata.type": "#microsoft.graph.user", name: user(person)[name]}
                for person in unable(2)]

    def unable(number: int) -> list[dict]:
        first = dice.below(len(estate.unable) - number)
        return estate.unable[first:first + number]

    def users(people: list[dict]) -> list[dict]:
        return [user(person) for person in people]

    def group(number: int, members: list[dict], name: str = "members") -> dict:
        return {"id": ids[number], "displayName": f"Group {number}", name: members}

    everybody = estate.people[:400]
    first = [group(0, users(everybody[:30])), group(1, users(everybody[30:33])),
             group(18, users(unable(2))), group(19, users(dice.some(everybody, 5))),
             group(2, users(unable(1))), group(12, [])]
    second = [
        group(0, users(everybody[:30])), group(1, users(unable(3))), group(2, []),
        group(3, users(unable(20))),
        group(4, users(unable(3))) | {"members@odata.nextLink": "https://graph.microsoft.com/x"},
        group(5, [nested(6)]), group(6, [nested(5), nested(7)]), group(7, users(unable(2))),
        group(8, [nested(0)]), group(9, [of_type("servicePrincipal")]),
        group(11, [nested(10), *users(unable(1))]), group(12, users(unable(25))),
        group(13, [nested(10), *users(unable(2))], "transitiveMembers"),
        group(14, only("id")), group(15, only("userPrincipalName")),
        group(16, users(dice.some(everybody, 3))),
        group(17, [of_type("device"), of_type("orgContact")]),
        {"id": ids[18], "displayName": "Group 18 (new)", "groupTypes": [], "securityEnabled": True},
        group(19, users(unable(2)))]
    for day, listed in ((8, first), (55, second)):
        taken = f"{FIRST + timedelta(day):%Y/%m/%d}"
        dump(root / "groups" / taken / "groups.json", {"value": listed})


ACTIVITIES = ["ViewReport"] * 10 + [
    "ViewDashboard", "ViewDashboard", "AnalyzeInExcel", "ConnectFromExternalApplication",
    "EditReport", "ExportReport", "ShareReport", "RunEmailSubscription", "GenerateEmbedToken",
    "RefreshDataset", "ViewDataflow", "ReadArtifact", "RunArtifact", "CreateReport", "GetReport",
    "EditDataset"]


def new_event(estate: Estate, popular: dict, activity: str) -> dict:
    """Returns an event on an item of the tenant, or on one that is in no inventory."""
    dice = estate.dice
    # Some people are never there.
    person = dice.pick(estate.people[:len(estate.people) * 5 // 6])
    kind = {"ViewDashboard": "dashboards", "AnalyzeInExcel": "datasets",
            "ConnectFromExternalApplication": "datasets", "RefreshDataset": "datasets",
            "EditDataset": "datasets", "ViewDataflow": "dataflows", "ReadArtifact": "Lakehouse",
            "RunArtifact": "Notebook"}.get(activity, "reports")
    workspace, item = dice.pick(popular[kind])
    if person["isViewer"]:
        # Some people only view content on capacities, and most of them only on a large one.
        activity, kind = "ViewReport", "reports"
        workspace, item = dice.pick(popular["on capacity"])
        large = popular["on a large one"]
        if person["id"][0] in "0123456789ab" and (workspace, item) not in large:
            workspace, item = large[int(item["id"][:8], 16) % len(large)]
    event = {"Id": dice.guid(), "RecordType": 20, "Operation": activity, "Activity": activity,
             "Workload": "PowerBI", "UserType": 0, "IsSuccess": not dice.chance(0.02),
             "UserId": dice.pick(estate.addresses(person))}
    who = dice.random()
    if who < 0.01:
        event["UserId"] = "Anonymous"
    elif who < 0.03:
        event |= {"UserId": dice.guid(), "UserType": 6}
    key = item["objectId"] if kind == "dataflows" else item["id"]
    key = key.upper() if dice.chance(0.1) else key
    if dice.chance(0.9) or person["isViewer"]:
        event["WorkspaceId"] = workspace["id"]
    if kind == "reports":
        if dice.chance(0.2) and not person["isViewer"] and "createdBy" in item:
            event["UserId"] = item["createdBy"]
        # The copy in an app has an ID of its own, in one member or another.
        if "originalReportObjectId" in item and dice.chance(0.5):
            event |= {"ReportId": item["originalReportObjectId"], "AppReportId": key,
                      "AppId": item.get("appId") or dice.guid()}
        elif dice.chance(0.03):
            event |= {"ReportId": dice.guid(), "AppReportId": key}
        else:
            event["ReportId"] = key
        if item.get("datasetId") and dice.chance(0.7):
            event["DatasetId"] = item["datasetId"]
        if dice.chance(0.03):
            event |= {"ReportId": dice.guid()}
    elif kind == "dashboards":
        event["DashboardId"] = key
    elif kind == "datasets":
        event["DatasetId"] = key
    elif kind == "dataflows":
        event["DataflowId"] = key
    else:
        event |= {"ArtifactKind": kind} | ({"ArtifactId": key} if dice.chance(0.7)
                                           else {"ObjectId": key, "ObjectType": kind})
    if activity == "RefreshDataset" and dice.chance(0.5):
        event["RefreshType"] = "Scheduled"
    return event


def write_log(estate: Estate, root: Path, per_day: int) -> None:
    """Writes one page a day. Most items are never used, and some people use few workspaces."""
    dice = estate.dice
    popular = {kind: [(workspace, item) for workspace in estate.workspaces
                      for item in workspace[kind] if dice.chance(0.35)] for kind in LISTS}
    popular["on capacity"] = [(workspace, item) for workspace, item in popular["reports"]
                              if workspace["isOnDedicatedCapacity"]]
    popular["on a large one"] = [(workspace, item) for workspace, item in popular["on capacity"]
                                 if workspace["capacityId"].startswith("0F0800B2")]
    for day in range(DAYS):
        events = []
        for _ in range(per_day):
            event = new_event(estate, popular, dice.pick(ACTIVITIES))
            event["CreationTime"] = at(day, dice.below(24), dice.below(60))
            events.append(event)
        events.sort(key=lambda event: event["CreationTime"])
        if day != GAP:
            dump(root / "events" / f"{FIRST + timedelta(day)}.json", {
                "activityEventEntities": events, "continuationUri": None,
                "continuationToken": None, "lastResultSet": True})


def build(seed: int, root: Path, workspaces: int = 210, people: int = 3100,
          per_day: int = 700) -> Path:
    """Writes the files of a seed, and returns their folder."""
    estate, folder = Estate(seed, workspaces, people), root / "archive"
    write_log(estate, folder, per_day)
    write_scans(estate, folder)
    write_people(estate, folder)
    write_capacities(folder)
    write_groups(estate, folder)
    return folder
