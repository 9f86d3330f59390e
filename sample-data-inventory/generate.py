#!/usr/bin/env python3
"""Writes the sample inventory: what exists at the company of the sample data, beside its log.

    python3 generate.py            write the files
    python3 generate.py --check    write nothing; compare the files with the generated ones

The people, workspaces, reports and their ids are those of ../sample-data/generate.py. Two full scans
and an incremental one, two lists of people with licenses, the subscribed products, two snapshots of
the tenant settings, a list of capacities, and one of groups: few enough to read.
"""

import importlib.util
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def load_world():
    """Loads the generator of the log, which creates the company when it is imported."""
    path = FOLDER.parent / "sample-data" / "generate.py"
    spec = importlib.util.spec_from_file_location("world", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


W = load_world()
OLD = "2024-09-02T07:30:00"
# Reports that were created in the quarter; the first view in the log is later.
CREATED = {"Supply Chain Control Tower": "2026-01-18T09:12:44.31",
           "Trail Shoe Launch": "2026-02-08T13:02:10.5"}
# Their owners; the first two leave the company.
OWNERS = {"sales": "wyatt", "retail": "gideon", "supply": "lukasz", "finance": "elodie",
          "market": "georgia", "care": "noor", "hr": "agnes", "exec": "marta", "japan": "mio",
          "data": "matthaeus"}


def owner(teams):
    return W.who(OWNERS.get(teams[0], "matthaeus")).upn


def principal(person, right, key="groupUserAccessRight"):
    return {key: right, "emailAddress": person.upn, "displayName": person.name,
            "identifier": person.upn, "graphId": W.guid(f"object of {person.upn}"),
            "principalType": "User",
            "userType": "Guest" if person.kind == "guest" else "Member"}


def group(name, right):
    return {"groupUserAccessRight": right, "displayName": name,
            "identifier": W.guid(f"group {name}"), "graphId": W.guid(f"group {name}"),
            "principalType": "Group"}


def report(found, when=None):
    """A report of the log, as the scanner returns it."""
    upn = owner(found.teams)
    item = {"reportType": found.kind, "id": found.id, "name": found.name(when or W.at("03-28 02:00:00")),
            "datasetId": found.dataset_id,
            "createdDateTime": CREATED.get(found.names[0][1], OLD),
            "modifiedDateTime": CREATED.get(found.names[0][1], "2025-11-20T15:02:11.2"),
            "createdBy": upn, "modifiedBy": upn}
    if found.kind == "PaginatedReport":
        del item["datasetId"]
    return item


def unseen(name, workspace, dataset, upn):
    """A report that nobody views."""
    return {"reportType": "PowerBIReport", "id": W.guid(f"report {workspace.name}/{name}"),
            "name": name, "datasetId": W.guid(f"dataset {dataset}"),
            "createdDateTime": "2023-03-14T10:00:00", "modifiedDateTime": "2023-06-01T08:15:00",
            "createdBy": upn, "modifiedBy": upn}


def app_copy(original):
    copy = report(original)
    copy.update(id=W.guid(f"copy of {original.key}"), name=f"[App] {copy['name']}",
                appId=original.app[1], originalReportObjectId=original.id)
    return copy


def model(name, upn, datasets=(), dataflows=(), endorsement=None):
    item = {"id": W.guid(f"dataset {name}"), "name": name, "configuredBy": upn,
            "createdDate": OLD, "contentProviderType": "PbixInImportMode",
            "targetStorageMode": "Abf"}
    if endorsement:
        item["endorsementDetails"] = {"endorsement": endorsement}
    if datasets:
        item["upstreamDatasets"] = [{"targetDatasetId": W.guid(f"dataset {upstream}")}
                                    for upstream in datasets]
    if dataflows:
        item["upstreamDataflows"] = [{"targetDataflowId": W.guid(f"dataflow {upstream}")}
                                     for upstream in dataflows]
    return item


def dataflow(name, upn, upstream=()):
    return {"objectId": W.guid(f"dataflow {name}"), "name": name, "configuredBy": upn,
            "modifiedBy": upn, "modifiedDateTime": "2025-09-09T10:10:10.123Z", "generation": 1,
            "upstreamDataflows": [{"targetDataflowId": W.guid(f"dataflow {other}")}
                                  for other in upstream]}


def dashboard(name, tiles):
    return {"id": W.guid(f"dashboard {name}"), "displayName": name, "isReadOnly": False,
            "tiles": [{"id": W.guid(f"tile {name} {number}"), "reportId": shown.id,
                       "datasetId": shown.dataset_id} for number, shown in enumerate(tiles)]}


def fabric(kind, name, upn, upstream=()):
    return {"id": W.guid(f"{kind} {name}"), "name": name, "createdDate": OLD,
            "lastUpdatedDate": "2025-12-01T09:00:00", "createdBy": upn, "modifiedBy": upn,
            "relations": [{"dependentOnArtifactId": other, "relationType": "Datasource"}
                          for other in upstream]}


def workspace(place, users, when=None, **lists):
    personal = place.id == "My Workspace"
    item = {"id": W.guid("workspace of Ingrid") if personal else place.id, "name": place.name,
            "type": "PersonalGroup" if personal else "Workspace", "state": "Active",
            "isOnDedicatedCapacity": bool(place.capacity)}
    if place.capacity:
        item["capacityId"] = place.capacity[1].upper()
    own = [report(found, when) for found in W.REPORTS if found.workspace is place]
    own += [app_copy(found) for found in W.REPORTS if found.workspace is place and found.app
            and not found.template]
    item["reports"] = own + lists.pop("reports", [])
    item["datasets"] = lists.pop("datasets", [])
    item["users"] = users
    return {**item, **lists}


def tenant(when=None):
    """The workspaces as of the second full scan."""
    wyatt, gideon, tom = W.who("wyatt"), W.who("gideon"), W.who("lukasz")
    admin = principal(W.ADMIN, "Admin")
    data = W.who("matthaeus").upn
    lakehouse = W.guid("Lakehouse lh_försäljning")
    return [
        workspace(W.SALES, [principal(wyatt, "Admin"), admin], when,
                  reports=[unseen("Sales Archive 2023", W.SALES, "Price List", wyatt.upn)],
                  datasets=[model("Sales Model", data, dataflows=["Orders"],
                                  endorsement="Certified"),
                            model("Price List", wyatt.upn),
                            model("Old Sales Cube", wyatt.upn)]),
        workspace(W.NORDICS, [admin], when,
                  datasets=[model("Sales Nordics", data, datasets=["Sales Model"])]),
        workspace(W.RETAIL, [principal(gideon, "Admin"), principal(W.who("zoe"), "Admin")], when,
                  datasets=[model("Store Sales", gideon.upn, dataflows=["Tills"])],
                  dashboards=[dashboard("Cockpit Détaillants", [W.STORES]),
                              dashboard("Old Wall", [])]),
        workspace(W.SUPPLY, [principal(tom, "Admin"), principal(W.ANNA, "Viewer")], when,
                  datasets=[model("Shipments", tom.upn, dataflows=["Orders"]),
                            model("Stock", tom.upn), model("Quality Log", data)],
                  dataflows=[dataflow("Orders", tom.upn, ["Raw Orders"]),
                             dataflow("Raw Orders", tom.upn), dataflow("Tills", tom.upn),
                             dataflow("Fax Orders", tom.upn)],
                  dashboards=[dashboard("Warehouse Wall", [W.TOWER, W.AGEING])],
                  Lakehouse=[fabric("Lakehouse", "lh_försäljning", W.who("priya").upn)]),
        workspace(W.FINANCE, [principal(W.who("elodie"), "Admin"),
                              principal(W.ROSALIND, "Viewer")], when,
                  datasets=[model("Grand livre", W.who("elodie").upn, endorsement="Promoted")]),
        workspace(W.MARKETING, [principal(W.who("georgia"), "Admin")], when,
                  datasets=[model("Web Analytics", W.who("georgia").upn)]),
        workspace(W.CARE, [principal(W.who("noor"), "Contributor")], when,
                  datasets=[model("Surveys", W.who("noor").upn),
                            model("Tickets", W.who("noor").upn)]),
        workspace(W.HR, [group("HR admins", "Admin")], when,
                  datasets=[model("People", W.who("agnes").upn)]),
        workspace(W.BOARD, [admin], when, dashboards=[dashboard("Morning Briefing", [W.TRADING])]),
        workspace(W.JAPAN, [principal(W.who("mio"), "Admin")], when,
                  datasets=[model("店舗売上", W.who("mio").upn)]),
        workspace(W.ROUTES, [principal(tom, "Admin")], when, datasets=[model("Routes", tom.upn)]),
        workspace(W.LAB, [principal(W.who("matthaeus"), "Admin")], when,
                  datasets=[model("Launch Tracker", data)],
                  Notebook=[fabric("SynapseNotebook", "nb_prognose", data, [lakehouse]),
                            fabric("SynapseNotebook", "trial_run_2024", data, [lakehouse])]),
        workspace(W.OWN, [], when, reports=[report(W.DRAFT, when)]),
    ]


def scan(taken, workspaces):
    return {"workspaces": workspaces, "datasourceInstances": [],
            "scanCreatedDateTime": f"{taken}Z"}


def scans():
    when = W.at("01-31 02:00:00")
    first = [held for held in tenant(when)]
    sales = first[0]
    # What has changed until the second scan: an owner, a name, a workspace that is gone.
    sales["datasets"][0]["configuredBy"] = W.who("wyatt").upn
    care = next(held for held in first if held["id"] == W.CARE.id)
    care["users"].append(principal(W.who("gideon"), "Admin"))
    lab = next(held for held in first if held["id"] == W.LAB.id)
    lab["reports"] = [held for held in lab["reports"] if held["name"] != "Trail Shoe Launch"]
    closed = W.Workspace("Pop-up Stores 2025")
    first.append(workspace(closed, [principal(W.who("zoe"), "Admin")], when, reports=[
        unseen("Pop-up Footfall", closed, "Store Sales", W.who("zoe").upn)]))
    second = tenant()
    # On 30 March, somebody deletes the model that no report uses.
    third = tenant()[0]
    third["datasets"] = [held for held in third["datasets"] if held["name"] != "Old Sales Cube"]
    return {"scans/2026-01-31.fullscan.json": scan("2026-01-31T02:00:00", first),
            "scans/2026-03-28.fullscan.json": scan("2026-03-28T02:00:00", second),
            "scans/2026-03-30.incremental.json": scan("2026-03-30T02:00:00", [third])}


PRO, E5, PPU, FREE = ("f8a1db68-be16-40ed-86d5-cb42ce701560",
                      "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
                      "c1d032e0-5619-4761-9b5c-75b6831e1711",
                      "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235")


def people(month):
    """The people with their licenses. In March, one person is gone and one is disabled."""
    listed = []
    for number, person in enumerate(W.STAFF):
        first = person.upn.split(".")[0]
        if month == 3 and first == "gideon":
            continue
        skus = [E5] if person.team == "exec" else [PRO] if number % 3 else [FREE]
        if first in ("elodie", "matthaeus"):
            skus = [PPU, PRO]
        by_group = W.guid("group Analysts") if person.team == "data" else None
        listed.append({
            "id": W.guid(f"object of {person.upn}"), "userPrincipalName": person.upn,
            "displayName": person.name, "mail": person.upn, "department": person.team.title(),
            "accountEnabled": not (month == 3 and first == "wyatt"), "userType": "Member",
            "createdDateTime": "2021-04-01T08:00:00Z",
            "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in skus],
            "licenseAssignmentStates": [
                {"skuId": sku, "assignedByGroup": by_group, "state": "Active",
                 "disabledPlans": []} for sku in skus]})
    return {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users",
            "value": listed}


def products():
    counts = {sku: sum(any(held["skuId"] == sku for held in person["assignedLicenses"])
                       for person in people(3)["value"]) for sku in (PRO, PPU, E5)}
    names = {PRO: "POWER_BI_PRO", PPU: "PBI_PREMIUM_PER_USER", E5: "SPE_E5"}
    return {"value": [{"skuId": sku, "skuPartNumber": names[sku], "consumedUnits": counts[sku],
                       "appliesTo": "User", "capabilityStatus": "Enabled", "servicePlans": [],
                       "prepaidUnits": {"enabled": counts[sku] + 5, "suspended": 0, "warning": 0}}
                      for sku in (PRO, PPU, E5)]}


def settings(month):
    def setting(name, title, is_enabled, groups=()):
        found = {"settingName": name, "title": title, "enabled": is_enabled,
                 "canSpecifySecurityGroups": True,
                 "tenantSettingGroup": "Export and sharing settings"}
        if groups:
            found["enabledSecurityGroups"] = [
                {"graphId": W.guid(f"group {group}"), "name": group} for group in groups]
        return found

    return {"value": [
        setting("PublishToWeb", "Publish to web", month == 3),
        setting("ExportToExcelSetting", "Export to Excel", True),
        setting("ServicePrincipalAccess", "Service principals can use Fabric APIs", month == 3,
                ["Automation"] if month == 3 else [])]}


def capacities():
    def capacity(named, sku, admins):
        return {"id": named[1].upper(), "displayName": named[0], "sku": sku, "state": "Active",
                "region": "West Europe", "capacityUserAccessRight": "Admin",
                "admins": [person.upn for person in admins], "users": []}

    return {"@odata.context": "https://wabi-west-europe.analysis.windows.net/v1.0/myorg/admin/"
                              "$metadata#capacities",
            "value": [capacity(W.CAPACITY, "P1", [W.ADMIN]),
                      capacity(W.FABRIC, "F64", [W.ADMIN, W.who("matthaeus")])]}


def groups():
    """The groups with their members. The only member of one is a person who is gone."""
    def listed(name, members):
        return {"id": W.guid(f"group {name}"), "displayName": name, "members": [
            {"@odata.type": "#microsoft.graph.user", "id": W.guid(f"object of {person.upn}"),
             "displayName": person.name, "userPrincipalName": person.upn} for person in members]}

    return {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#groups(members())",
            "value": [listed("Analysts", [one for one in W.STAFF if one.team == "data"]),
                      listed("HR admins", [W.who("gideon")])]}


def files():
    wanted = scans()
    for month, day in ((1, 31), (3, 29)):
        wanted[f"graph/2026/{month:02}/{day}/users.json"] = people(month)
        wanted[f"tenant/2026/{month:02}/{day}/tenant-settings.json"] = settings(month)
    wanted["graph/2026/03/29/subscribedskus.json"] = products()
    wanted["graph/2026/03/29/groups.json"] = groups()
    wanted["tenant/2026/03/29/capacities.json"] = capacities()
    return {FOLDER / name: (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
            for name, content in wanted.items()}


def main(arguments):
    wanted = files()
    present = {path for path in FOLDER.rglob("*.json")}
    if arguments == ["--check"]:
        stale = [path for path, data in wanted.items()
                 if not path.exists() or path.read_bytes() != data]
        for path in stale + sorted(present - set(wanted)):
            print(f"differs: {path.relative_to(FOLDER)}")
        return 1 if stale or present - set(wanted) else 0
    if arguments:
        print(__doc__)
        return 2
    for path in present - set(wanted):
        path.unlink()
    for path, data in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{len(wanted)} files, {sum(map(len, wanted.values())):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
