#!/usr/bin/env python3
"""Writes the sample data: one invented tenant, one quarter, every file format.

    python3 generate.py            write the data, the expected figures and the tables in READMEs
    python3 generate.py --check    write nothing; compare the files with the generated ones, and
                                   read them with a second program (check.py) to verify the figures

There are two folders. `sample-data` is clean. `sample-data-damaged` contains one truncated file and
one file that is not a log.

The output is deterministic: ids are hashes of names, and every choice uses random.random(), whose
sequence Python guarantees for a seed.

The sections, in order:

    world      people, workspaces, reports, dashboards
    events     one function for each kind of event, with Microsoft's field names and field order
    timeline   the quarter: random daily use, scripted special cases
    formats    how the usual tools write events to files
    archive    which file contains which events, with overlaps and damage
    figures    the expected results, calculated without reading the files
"""

import csv
import datetime as dt
import hashlib
import io
import json
import pathlib
import random
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "sample-data.json"
CLEAN, DAMAGED = "sample-data", "sample-data-damaged"
CLEAN_FOLDERS = tuple(f"{CLEAN}/{name}" for name in
                      ("audit-csv", "management-api", "powershell", "rest"))
ALL_FOLDERS = (*CLEAN_FOLDERS, DAMAGED)

SEED = "northwind-outdoor-2026-q1"
DOMAIN = "northwind-outdoor.example"
FIRST_DAY = dt.date(2026, 1, 5)
LAST_DAY = dt.date(2026, 3, 31)
MISSING_DAY = dt.date(2026, 2, 18)  # never downloaded
PARTIAL_DAY = dt.date(2026, 3, 24)  # downloaded at 15:30 on the same day, never again
PARTIAL_UNTIL = dt.datetime(2026, 3, 24, 15, 5)
RENAME_AT = dt.datetime(2026, 2, 20, 10, 4, 31)


class Dice:
    """Random choices. Uses random.random() only, the one method with a guaranteed sequence."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def chance(self, probability):
        return self.random() < probability

    def between(self, low, high):
        return low + int(self.random() * (high - low + 1))

    def pick(self, items):
        return items[int(self.random() * len(items))]

    def weighted(self, items, weights):
        target = self.random() * sum(weights)
        for item, weight in zip(items, weights):
            target -= weight
            if target < 0:
                return item
        return items[-1]

    def shuffled(self, items):
        return [item for _, _, item in sorted((self.random(), n, i) for n, i in enumerate(items))]


dice = Dice(SEED)


def guid(name):
    """Returns the GUID of a name, the same in every run."""
    h = hashlib.sha256(f"{SEED}/{name}".encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) % 4]}{h[17:20]}-{h[20:32]}"


def cased(an_id):
    """Returns the id, in upper case for about one event in eight."""
    return an_id.upper() if dice.chance(0.12) else an_id


def at(text):
    """Parses '02-20 10:04:31' as a UTC time in 2026."""
    return dt.datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M:%S")


def days(first, last):
    return [first + dt.timedelta(n) for n in range((last - first).days + 1)]


def day(text):
    return dt.date.fromisoformat(f"2026-{text}")


# ---------------------------------------------------------------- world

TENANT = guid("tenant")


class Person:
    """An actor. `kind` is person, guest, anonymous or service."""

    def __init__(self, name, upn, team, zone, weight, kind="person", user_type=0):
        self.name, self.upn, self.team, self.zone = name, upn, team, zone
        self.weight, self.kind, self.user_type = weight, kind, user_type
        self.key = "10032" + hashlib.sha256(upn.encode()).hexdigest()[:11].upper()
        block = {"eu": "192.0.2", "us": "198.51.100", "jp": "203.0.113", "in": "203.0.113"}
        host = int(self.key[-2:], 16) % 250 + 2
        self.ip = f"{block.get(zone, '192.0.2')}.{host}"
        self.ip6 = f"2001:db8:{host:x}::{int(self.key[-5:-2], 16):x}"
        self.agent = AGENTS[host % len(AGENTS)]

    def offset(self, date):
        """Returns the offset from UTC in hours, daylight saving time included."""
        if self.zone == "us":
            return -4 if date >= day("03-08") else -5
        if self.zone == "eu":
            return 2 if date >= day("03-29") else 1
        return {"jp": 9, "in": 5}[self.zone]


AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/144.0.0.0 Safari/537.36 Edg/144.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/144.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.2 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) PowerBI/34.1",
]
EXCEL = "Microsoft Office/16.0 (Windows NT 10.0; MSOLAP 16.0.20026)"
MASHUP = "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)"
CMDLET = "MicrosoftPowerBIMgmt/1.3.80.0"


def staff(table):
    people = []
    for line in table.strip().splitlines():
        name, upn, team, zone, weight = [part.strip() for part in line.split("|")]
        people.append(Person(name, f"{upn}@{DOMAIN}", team, zone, float(weight)))
    return people


STAFF = staff("""
    Ingrid Åberg            | ingrid.aberg              | sales   | eu | 9
    Matthäus Brückner-Vogl  | matthaeus.brueckner-vogl  | data    | eu | 5
    Élodie Charpentier-Roux | elodie.charpentier-roux   | finance | eu | 7
    Zoë Vandermeulen        | zoe.vandermeulen          | retail  | eu | 8
    Łukasz Wrzosekowski     | lukasz.wrzosekowski       | supply  | eu | 8
    Çağla Demirtaşlı        | cagla.demirtasli          | retail  | eu | 5
    Siobhán O'Raffertigh    | siobhan.o'raffertigh      | sales   | eu | 4
    Þórdís Hallbjörg        | thordis.hallbjorg         | supply  | eu | 3
    Nuño Echeberriz         | nuno.echeberriz           | sales   | eu | 5
    Ștefania Muntelean      | stefania.muntelean        | data    | eu | 4
    Ondřej Havranský        | ondrej.havransky          | supply  | eu | 4
    Ágnes Szalókyné         | agnes.szalokyne           | hr      | eu | 2
    Γεωργία Παπαλεξίου      | georgia.papalexiou        | market  | eu | 4
    Björn Lindqvist-Öst     | bjorn.lindqvist-ost       | admin   | eu | 2
    Märta Hedenskogh        | marta.hedenskogh          | exec    | eu | 3
    Jürgen Zapfenberg       | juergen.zapfenberg        | finance | eu | 3
    Grażyna Oleśnik         | grazyna.olesnik           | care    | eu | 3
    Amélie Tourneboeuf      | amelie.tourneboeuf        | market  | eu | 4
    Fiorenzo Castelbruno    | fiorenzo.castelbruno      | retail  | eu | 3
    Амина Жумалиева         | amina.zhumalieva          | finance | eu | 3
    ליאת ברנע-גל            | liat.barnea-gal           | data    | eu | 2
    Noor El-Khatibani       | noor.el-khatibani         | care    | eu | 2
    Tamsin Hollowell-Pike   | tamsin.hollowell-pike     | sales   | us | 7
    Marcus Quillfeather     | marcus.quillfeather       | exec    | us | 3
    DeShawn Merriwick       | deshawn.merriwick         | retail  | us | 6
    Lupe Arroyo-Pinedal     | lupe.arroyo-pinedal       | supply  | us | 4
    Hana Kealohapau         | hana.kealohapau           | market  | us | 3
    Wyatt Thornbury-Ek      | wyatt.thornbury-ek        | sales   | us | 4
    Nomi Feldsteen-Ash      | nomi.feldsteen-ash        | finance | us | 2
    Carmen Villaseñora      | carmen.villasenora        | retail  | us | 4
    Gideon Park-Lowell      | gideon.park-lowell        | care    | us | 2
    Ayodele Okonjo-Brightly | ayodele.okonjo-brightly   | exec    | us | 1
    佐倉野 美緒             | mio.sakurano              | japan   | jp | 4
    高遠原 陸               | riku.takatohara           | japan   | jp | 3
    Nguyễn Thảo Vy Lan      | thaovy.nguyenlan          | japan   | jp | 1
    Priya Ramanathan-Naidu  | priya.ramanathan-naidu    | data    | in | 4
    Farhad Golestanpur      | farhad.golestanpur        | supply  | in | 2
    Veerle De Smedtinck     | veerle.desmedtinck        | hr      | eu | 1
""")
GUESTS = [
    Person("Anna Bakkerveld", f"anna.bakkerveld_tannfjell.example#EXT#@{DOMAIN}", "supply", "eu",
           2, "guest", 10),
    Person("Kenji Summitani", f"kenji.s_kitanomori.example#EXT#@{DOMAIN}", "japan", "jp",
           1, "guest", 0),
    Person("Rosalind Achterberg", f"r.achterberg_zahlenwald.example#EXT#@{DOMAIN}", "finance",
           "us", 1, "guest", 10),
    Person("Leopold Finkenwerder", "leopold@quillroute.example", "supply", "eu", 1, "guest", 0),
]
PEOPLE = STAFF + GUESTS
BY_FIRST_NAME = {person.upn.split(".")[0]: person for person in STAFF}
ANNA, KENJI, ROSALIND, LEOPOLD = GUESTS


def who(first_name):
    return BY_FIRST_NAME[first_name]


def service(name):
    return Person(name, guid(f"principal {name}"), "service", "eu", 0, "service", 6)


SCANNER, COLLECTOR, EMBEDDER = service("scanner"), service("collector"), service("storefront")
for principal in (SCANNER, COLLECTOR, EMBEDDER):
    principal.ip, principal.key, principal.agent = "0.0.0.0", principal.upn, "okhttp/4.12.0"
CRAWLER = Person("crawler", "app@sharepoint", "service", "eu", 0, "service", 5)
ANONYMOUS = Person("Anonymous", "Anonymous", "public", "eu", 0, "anonymous", 4)
ANONYMOUS.key = "Unknown"
ADMIN = who("bjorn")
ADMIN.user_type = 2


class Workspace:
    def __init__(self, name, capacity=None, an_id=None):
        self.name, self.id, self.capacity = name, an_id or guid(f"workspace {name}"), capacity


CAPACITY = ("Northwind P1", guid("capacity P1"))
FABRIC = ("Northwind F64", guid("capacity F64"))
SALES = Workspace("Sales Analytics", CAPACITY)
NORDICS = Workspace("Sales Nordics")
RETAIL = Workspace("Retail Operations", CAPACITY)
SUPPLY = Workspace("Supply Chain", FABRIC)
FINANCE = Workspace("Finance EMEA", CAPACITY)
MARKETING = Workspace("Marketing Insights")
CARE = Workspace("Customer Care")
HR = Workspace("Personal & Mobilität")
BOARD = Workspace("Executive Board", CAPACITY)
JAPAN = Workspace("日本ストア")
ROUTES = Workspace("Quillroute Route Insights")
LAB = Workspace("Trail Lab", FABRIC)
OWN = Workspace("PersonalWorkspace Ingrid Åberg", None, "My Workspace")


class Report:
    """A report. `weight(t)` is its popularity; t goes from 0 to 1 over the quarter."""

    def __init__(self, name, workspace, dataset, teams, weight, kind="PowerBIReport", key=None):
        self.key = key or f"{workspace.name}/{name}"
        self.id = guid(f"report {self.key}")
        self.names = [(dt.datetime.min, name)]
        self.workspace, self.dataset, self.teams = workspace, dataset, teams.split()
        self.dataset_id = guid(f"dataset {dataset}")
        self.weight, self.kind, self.app, self.template = weight, kind, None, None

    def name(self, when):
        return [name for since, name in self.names if since <= when][-1]


SALES_OVERVIEW = Report("Sales Overview", SALES, "Sales Model", "sales exec retail finance",
                        lambda t: 24)
STORES = Report("Store Performance", RETAIL, "Store Sales", "retail exec sales",
                lambda t: 9 + 14 * t)
TOWER = Report("Supply Chain Control Tower", SUPPLY, "Shipments", "supply exec",
               lambda t: 0 if t < 0.16 else 3 + 36 * t)
QUARTER = Report("Résultats Trimestriels", FINANCE, "Grand livre", "finance exec",
                 lambda t: 20 if t < 0.2 else 22 if t > 0.93 else 6)
TRADING = Report("Weekly Sales Flash", BOARD, "Sales Model", "exec sales finance", lambda t: 8)
TRADING.names.append((RENAME_AT, "Weekly Trading Pack"))
NORDIC_SALES = Report("Sales Overview", NORDICS, "Sales Nordics", "sales", lambda t: 6)
AGEING = Report("Inventory Ageing", SUPPLY, "Stock", "supply retail", lambda t: 13 - 11 * t)
CAMPAIGN = Report("Campaign Pulse", MARKETING, "Web Analytics", "market",
                  lambda t: 14 if 0.45 < t < 0.6 else 5)
LAUNCH = Report("Trail Shoe Launch", LAB, "Launch Tracker", "market retail sales",
                lambda t: 0 if t < 0.4 else 24 * (t - 0.3))
CLEARANCE = Report("Winter Clearance Tracker", RETAIL, "Store Sales", "retail",
                   lambda t: 36 * (0.4 - t) if t < 0.4 else 0)
NPS = Report("Customer Satisfaction (NPS)", CARE, "Surveys", "care exec", lambda t: 5)
RETURNS = Report("Returns & Warranty", CARE, "Tickets", "care supply", lambda t: 4)
BUDGET = Report("Budget vs. Actual", FINANCE, "Grand livre", "finance", lambda t: 5)
MARGIN = Report("Margin Bridge", FINANCE, "Grand livre", "finance exec", lambda t: 3,
                "PaginatedReport")
DACH = Report("Gebietsübersicht DACH", SALES, "Sales Model", "sales", lambda t: 4)
SHOP_JP = Report("店舗ダッシュボード", JAPAN, "店舗売上", "japan", lambda t: 6)
PEOPLE_HR = Report("Mobilität & Headcount", HR, "People", "hr exec", lambda t: 3)
TOP_TEN = Report('"Top 10" Products; <draft>', RETAIL, "Store Sales", "retail", lambda t: 2)
QUALITY = Report("Data Quality Monitor", SUPPLY, "Quality Log", "data", lambda t: 4)
FOOTFALL = Report("Store Locator Footfall", MARKETING, "Web Analytics", "market", lambda t: 1)
ROUTE = Report("Route Profitability", ROUTES, "Routes", "supply sales", lambda t: 4)
DRAFT = Report("Åbergs utkast", OWN, "Sales Model", "none", lambda t: 0)
REPORTS = [SALES_OVERVIEW, STORES, TOWER, QUARTER, TRADING, NORDIC_SALES, AGEING, CAMPAIGN, LAUNCH,
           CLEARANCE, NPS, RETURNS, BUDGET, MARGIN, DACH, SHOP_JP, PEOPLE_HR, TOP_TEN, QUALITY,
           FOOTFALL, ROUTE]

# A report in an app is a copy with its own id, which the log calls AppReportId. Template apps are a
# special case: in a view from the workspace, ReportId is the publisher's id (the same in every
# tenant that installed the app), and AppReportId identifies the tenant's report.
RETAIL_HUB = ("Retail Hub", guid("app Retail Hub"))
ROUTE_APP = ("Quillroute Route Insights", guid("app Quillroute"))
STORES.app = SALES_OVERVIEW.app = RETAIL_HUB
ROUTE.app, ROUTE.template = ROUTE_APP, guid("publisher's report")


class Dashboard:
    def __init__(self, name, workspace):
        self.name, self.workspace, self.id = name, workspace, guid(f"dashboard {name}")


DASHBOARDS = [Dashboard("Morning Briefing", BOARD), Dashboard("Warehouse Wall", SUPPLY),
              Dashboard("Cockpit Détaillants", RETAIL)]

# ---------------------------------------------------------------- events

# Microsoft's field order; fields not listed come last.
FIELD_ORDER = """
    Id RecordType CreationTime Operation OrganizationId UserType UserKey Workload UserId
    ClientIP UserAgent Activity ItemName WorkSpaceName WorkspaceName DatasetName ReportName
    DashboardName SharingInformation OrgAppPermission CapacityId CapacityName WorkspaceId
    AppName ObjectId DatasetId ReportId DashboardId Datasets ArtifactId ArtifactName IsSuccess
    ResultStatus ReportType RequestId ActivityId AppReportId SharingAction ShareLinkId
    DistributionMethod ConsumptionMethod SensitivityLabelId AppId ArtifactKind SharingScope
    RefreshEnforcementPolicy
""".split()
RANK = {name: rank for rank, name in enumerate(FIELD_ORDER)}


class Event:
    """One event: its fields, and the facts from which the figures are calculated.

    `view` is (report id, workspace id, report name, workspace name) for a ViewReport, with the
    effective report id; None for other operations.
    """

    count = 0

    def __init__(self, when, actor, operation, fields, record_type=20, workload="PowerBI"):
        Event.count += 1
        self.id = guid(f"event {Event.count}")
        self.when, self.actor, self.operation = when, actor, operation
        self.record_type = record_type
        self.view, self.by_export, self.foreign = None, False, False
        head = {
            "Id": self.id,
            "RecordType": record_type_spelled(record_type),
            "CreationTime": None,
            "Operation": operation,
            "OrganizationId": TENANT,
            "UserType": user_type_spelled(actor),
            "UserKey": actor.key,
            "Workload": workload,
            "UserId": user_id_spelled(actor),
            "ClientIP": client_ip(actor),
        }
        if record_type in (20, 357):
            if dice.chance(0.88):
                head["UserAgent"] = actor.agent
            head["Activity"] = operation
            head["IsSuccess"] = True
            head["RequestId"] = guid(f"request {Event.count}")
            head["ActivityId"] = (guid(f"activity {Event.count}") if dice.chance(0.9)
                                  else "00000000-0000-0000-0000-000000000000")
        every = {**head, **fields}
        drop = [name for name, value in every.items() if value is ABSENT]
        self.fields = {name: every[name] for name in
                       sorted(every, key=lambda f: RANK.get(f, len(RANK))) if name not in drop}


ABSENT = object()


RECORD_TYPE_NAMES = {6: "SharePointFileOperation", 20: "PowerBIAudit", 30: "MicrosoftFlow",
                     45: "PowerAppsApp", 357: "FabricAudit"}


def record_type_spelled(number):
    """Usually a number; some tools convert it to a text or a name."""
    roll = dice.random()
    if roll < 0.05:
        return str(number)
    if roll < 0.10 and number in RECORD_TYPE_NAMES:
        return RECORD_TYPE_NAMES[number]
    if roll < 0.11 and number == 20:
        return "PowerBI"  # the name before 2021-07
    if roll < 0.13 and number == 20:
        return ABSENT
    return number


def user_type_spelled(actor):
    roll = dice.random()
    if roll < 0.05:
        return str(actor.user_type)
    if roll < 0.10:
        return {0: "Regular", 2: "Admin", 4: "System", 5: "Application", 6: "ServicePrincipal",
                10: "Guest"}[actor.user_type]
    if roll < 0.12 and actor.kind == "person":
        return ABSENT
    return actor.user_type


def user_id_spelled(actor):
    if actor.kind in ("person", "service") and dice.chance(0.08):
        return actor.upn.upper() if actor.kind == "service" else actor.upn.title()
    return actor.upn


def client_ip(actor):
    if actor.kind in ("service", "anonymous"):
        return "0.0.0.0" if actor.kind == "service" else "198.51.100.77"
    roll = dice.random()
    port = 20000 + dice.between(0, 40000)
    if roll < 0.08:
        return f"{actor.ip}:{port}"
    if roll < 0.18:
        return actor.ip6
    if roll < 0.21:
        return f"[{actor.ip6}]:{port}"
    if roll < 0.23:
        return ""
    return actor.ip


def workspace_fields(workspace, when, capacity=True):
    """Older events say WorkSpaceName, newer ones WorkspaceName; both occur."""
    newer = when >= at("03-02 00:00:00") and dice.chance(0.3)
    fields = {"WorkspaceName" if newer else "WorkSpaceName": workspace.name,
              "WorkspaceId": cased(workspace.id) if workspace is not OWN else workspace.id}
    if capacity and workspace.capacity:
        fields["CapacityName"], fields["CapacityId"] = (workspace.capacity[0],
                                                        workspace.capacity[1].upper())
    return fields


def report_fields(report, when):
    name = report.name(when)
    return {
        **workspace_fields(report.workspace, when),
        "ItemName": name, "ReportName": name, "ObjectId": name,
        "ReportId": cased(report.id), "ReportType": report.kind,
        "DatasetName": report.dataset, "DatasetId": cased(report.dataset_id),
        "ArtifactId": report.id, "ArtifactName": name, "ArtifactKind": "Report",
    }


def view_report(when, actor, report, method=None, **extra):
    """A report view. `method` is Workspace, Apps, Shared or Publish to Web."""
    fields = report_fields(report, when)
    if method is None:
        in_app = report.app and dice.chance(0.45)
        method = "Apps" if in_app else "Shared" if dice.chance(0.08) else "Workspace"
    fields["DistributionMethod"] = method
    if dice.chance(0.8):
        fields["ConsumptionMethod"] = ("Power BI Mobile" if "iPhone" in actor.agent
                                       else "Power BI Web")
    if dice.chance(0.25):
        fields["RefreshEnforcementPolicy"] = 0
    if method == "Apps":  # views from an app have no capacity: absent or null
        if fields.pop("CapacityName", None) and dice.chance(0.3):
            fields["CapacityName"] = fields["CapacityId"] = None
        else:
            fields.pop("CapacityId", None)
        fields["AppName"], fields["AppId"] = report.app
        fields["AppReportId"] = report.template or guid(f"app copy {report.key}")
    elif report.template:
        fields["ReportId"] = fields["ArtifactId"] = report.template
        fields["AppReportId"] = cased(report.id)
        if dice.chance(0.2):
            fields["AppId"] = ""
    fields.update(extra)
    event = Event(when, actor, "ViewReport", fields)
    event.view = (report.id, report.workspace.id, report.name(when), report.workspace.name)
    return event


def export_report(when, actor, report, pages, operation="ExportReport"):
    """An export, preceded by one ViewReport for each page."""
    events = []
    for page in range(pages):
        seen = view_report(when - dt.timedelta(seconds=pages - page), actor, report, "Workspace")
        seen.by_export = True
        events.append(seen)
    fields = report_fields(report, when)
    if operation == "ExportArtifact":
        fields["ExportedArtifactInfo"] = {"ExportType": "PPTX", "ArtifactType": "Report",
                                          "ArtifactId": 84102}
    events.append(Event(when, actor, operation, fields))
    return events


def on_report(when, actor, operation, report, **extra):
    return Event(when, actor, operation, {**report_fields(report, when), **extra})


def share(when, actor, report, recipients, **extra):
    information = []
    for recipient in recipients:
        entry = {"RecipientEmail": recipient.upn, "RecipientName": recipient.name,
                 "ObjectId": guid(f"object {recipient.upn}"), "ResharePermission": "Read",
                 "UserPrincipalName": recipient.upn}
        information.append(entry)
    fields = {"SharingInformation": information, "SharingAction": "Direct",
              "SharingScope": "Specific People",
              "Datasets": [{"DatasetId": report.dataset_id, "DatasetName": report.dataset}]}
    return on_report(when, actor, "ShareReport", report, **{**fields, **extra})


def view_dashboard(when, actor, board, operation="ViewDashboard"):
    fields = {**workspace_fields(board.workspace, when), "ItemName": board.name,
              "DashboardName": board.name, "DashboardId": cased(board.id), "ObjectId": board.name,
              "ArtifactId": board.id, "ArtifactName": board.name, "ArtifactKind": "Dashboard",
              "DistributionMethod": "Workspace", "ConsumptionMethod": "Power BI Web"}
    if operation == "ViewTile":
        fields["TileText"] = "Umsatz gestern"
    else:
        fields["Datasets"] = [{"DatasetId": SALES_OVERVIEW.dataset_id,
                               "DatasetName": SALES_OVERVIEW.dataset},
                              {"DatasetId": TOWER.dataset_id, "DatasetName": TOWER.dataset}]
    return Event(when, actor, operation, fields)


def on_dataset(when, actor, operation, report, **extra):
    fields = {**workspace_fields(report.workspace, when), "ItemName": report.dataset,
              "DatasetName": report.dataset, "DatasetId": cased(report.dataset_id),
              "ObjectId": report.dataset, "ArtifactId": report.dataset_id,
              "ArtifactName": report.dataset, "ArtifactKind": "Dataset"}
    return Event(when, actor, operation, {**fields, **extra})


def refresh(when, report, scheduled=True, status="Succeeded"):
    """Newer events have ResultStatus, older ones IsSuccess, some neither."""
    owner = who({"supply": "lukasz", "finance": "elodie"}.get(report.teams[0], "matthaeus"))
    extra = {"RefreshType": "Scheduled" if scheduled else "OnDemand",
             "DataConnectivityMode": "Import", "LastRefreshTime": f"{when:%Y-%m-%dT%H:%M:%S}",
             "UserAgent": ABSENT}
    if when >= at("02-01 00:00:00"):
        extra.update(IsSuccess=ABSENT, ResultStatus=status)
    elif dice.chance(0.2):
        extra["IsSuccess"] = ABSENT
    else:
        extra["IsSuccess"] = status == "Succeeded"
    return on_dataset(when, owner, "RefreshDataset", report, **extra)


def get_datasources(when, report):
    return on_dataset(when, SCANNER, "GetDatasources", report, UserAgent=ABSENT)


def on_workspace(when, actor, operation, workspace, **extra):
    fields = {**workspace_fields(workspace, when, capacity=False), "ItemName": workspace.name,
              "ObjectId": workspace.name, "FolderObjectId": workspace.id,
              "FolderDisplayName": workspace.name}
    return Event(when, actor, operation, {**fields, **extra})


def on_app(when, actor, operation, app, workspace, **extra):
    fields = {"ItemName": app[0], "ObjectId": app[0], "AppName": app[0], "AppId": cased(app[1])}
    if operation != "InstallApp":
        fields.update(workspace_fields(workspace, when))
        fields["OrgAppPermission"] = {"recipients": f"{app[0]}(Entire Organization)",
                                      "permissions": f"{app[0]}(Read,CopyOnWrite)"}
    return Event(when, actor, operation, {**fields, **extra})


def tenant_setting(when, item, state):
    return Event(when, ADMIN, "UpdatedAdminFeatureSwitch",
                 {"ItemName": item, "ObjectId": item, "SwitchState": state})


def fabric(when, actor, operation, kind, name, workspace, **extra):
    """A Fabric event: record type 357, with WorkspaceName."""
    item = guid(f"{kind} {name}")
    fields = {"WorkspaceName": workspace.name, "WorkspaceId": workspace.id, "ItemName": name,
              "ObjectId": item, "ObjectType": kind, "ObjectDisplayName": name,
              "ArtifactId": cased(item), "ArtifactName": name, "ArtifactKind": kind,
              "Experience": "Lakehouse" if kind == "Lakehouse" else "DE"}
    if workspace.capacity:
        fields["CapacityName"], fields["CapacityId"] = workspace.capacity
    return Event(when, actor, operation, {**fields, **extra}, record_type=357)


def launch_power_app(when, actor, app, **extra):
    """A Power Apps event: the details are JSON text in AdditionalInfo."""
    info = {"resourceDisplayName": app, "environmentName": f"Default-{TENANT}"}
    return Event(when, actor, "LaunchPowerApp",
                 {"AppName": guid(f"power app {app}"), "ObjectId": guid(f"power app {app}"),
                  "AdditionalInfo": json.dumps(info), "ResultStatus": "Success", "Version": 1,
                  **extra},
                 record_type=45, workload="PowerApps")


def flow(when, actor, operation, name, **extra):
    fields = {"FlowDetailsUrl": f"https://flows.{DOMAIN}/{guid(name)}",
              "FlowConnectorNames": "Office 365 Outlook, Power BI, SharePoint",
              "LicenseDisplayName": "Power Automate Premium", "UserUPN": actor.upn,
              "UserTypeInitiated": 1, "ResultStatus": "Succeeded", "Version": 1,
              "ObjectId": guid(name)}
    return Event(when, actor, operation, {**fields, **extra}, record_type=30,
                 workload="MicrosoftFlow")


def power_platform(when, actor):
    """The newest format: all details are Name and Value texts in PropertyCollection."""
    properties = {"powerplatform.analytics.resource.type": "PowerApp",
                  "powerplatform.analytics.resource.display_name": "Werkstatt-Übergabe",
                  "powerplatform.analytics.activity.name": "PublishPowerApp", "version": "1.0"}
    pairs = [{"Name": name, "Value": value} for name, value in properties.items()]
    return Event(when, actor, "PublishPowerApp",
                 {"PropertyCollection": pairs, "ResultStatus": "Success"}, 256, "PowerPlatform")


def pull(when, actor, start, end):
    """A download of the log, which is itself logged with the requested time window."""
    extra = {} if actor is COLLECTOR else {"UserAgent": CMDLET}
    return Event(when, actor, "ExportActivityEvents", {
        **extra, "ExportEventStartDateTimeParameter": f"{start:%Y-%m-%dT%H:%M:%S}Z",
        "ExportEventEndDateTimeParameter": f"{end:%Y-%m-%dT%H:%M:%S}.999Z"})


def foreign(when, actor, operation, record_type, workload, **extra):
    """A record of another workload, as found in the Office 365 audit log."""
    event = Event(when, actor, operation, extra, record_type, workload)
    event.fields["RecordType"] = record_type  # always the plain number
    event.foreign = True
    return event

# ---------------------------------------------------------------- timeline


def quarter_share(date):
    return (date - FIRST_DAY).days / (LAST_DAY - FIRST_DAY).days


def working_time(date, person):
    """Returns a time in the person's local working day, in UTC; the UTC day may differ."""
    local = dice.weighted(range(7, 20), [2, 6, 9, 8, 6, 3, 4, 7, 6, 5, 3, 1, 1])
    clock = dt.time(local, dice.between(0, 59), dice.between(0, 59))
    return dt.datetime.combine(date, clock) - dt.timedelta(hours=person.offset(date))


def daily_life(date):
    """Returns the views, dashboard views and refreshes of one day."""
    share, weekday = quarter_share(date), date.weekday()
    events = []
    busy = 6.0 + 6.8 * share if weekday < 5 else 1.4 + share
    if weekday == 0:
        busy *= 1.35
    weights = [report.weight(share) for report in REPORTS]
    for _ in range(int(busy * (0.7 + 0.6 * dice.random()) + 0.5)):
        report = dice.weighted(REPORTS, weights)
        person = dice.weighted(PEOPLE, [p.weight * (12 if p.team in report.teams else 0.12)
                                        for p in PEOPLE])
        events.append(view_report(working_time(date, person), person, report))
    for _ in range(dice.between(0, 2) if weekday < 5 else 0):
        person = dice.weighted(STAFF, [p.weight for p in STAFF])
        operation = "ViewTile" if dice.chance(0.15) else "ViewDashboard"
        events.append(view_dashboard(working_time(date, person), person, dice.pick(DASHBOARDS),
                                     operation))
    morning = dt.datetime.combine(date, dt.time(4, 30, dice.between(0, 59)))
    status = "Failed" if dice.chance(0.12) else "Succeeded"
    source = [SALES_OVERVIEW, TOWER, QUARTER][date.toordinal() % 3]
    events.append(refresh(morning, source, status=status))
    if status == "Failed":
        events.append(refresh(morning + dt.timedelta(hours=4), source, scheduled=False))
    if weekday == 0:
        for n, report in enumerate([SALES_OVERVIEW, STORES, TOWER, QUARTER]):
            events.append(get_datasources(morning.replace(hour=1, second=10 + n), report))
        # The subscription email is sent to the board every Monday.
        events.append(on_report(morning.replace(hour=6), ADMIN, "RunEmailSubscription", TRADING,
                                UserAgent=ABSENT, SubscribeeInformation=[
                                    {"RecipientEmail": p.upn, "RecipientName": p.name,
                                     "ObjectId": guid(f"object {p.upn}")}
                                    for p in (who("marta"), who("marcus"))]))
    if weekday == 3:
        events.append(Event(morning.replace(hour=8), EMBEDDER, "GenerateEmbedToken", {
            **workspace_fields(RETAIL, morning), "ReportId": STORES.id, "ReportName":
            STORES.name(morning), "ItemName": STORES.name(morning), "EmbedTokenId":
            guid(f"token {date}")}))
        events.append(view_report(morning.replace(hour=8, minute=31), EMBEDDER, STORES,
                                  "Workspace", ConsumptionMethod="Embedding for your customers"))
    return events


def story():
    """Returns the scripted events: the cases that reports have to recognize."""
    events = []

    def add(*more):
        for event in more:
            events.extend(event if isinstance(event, list) else [event])

    # Workspaces, access, administration.
    add(on_workspace(at("01-06 09:12:05"), who("matthaeus"), "CreateFolder", LAB),
        on_workspace(at("01-06 09:14:40"), who("matthaeus"), "AddGroupMembers", LAB,
                     MembershipInformation=[{"MemberEmail": who("amelie").upn},
                                            {"MemberEmail": who("hana").upn,
                                             "Status": "Added"}]),
        on_workspace(at("01-20 13:41:18"), ADMIN, "UpdateFolderAccess", SUPPLY,
                     FolderAccessRequests=[{"RolePermissions": "ReadReshareExplore",
                                            "UserObjectId": guid("object of a group")}]),
        on_workspace(at("02-10 08:55:02"), ADMIN, "UpdateWorkspaceAccess", FINANCE,
                     WorkspaceAccessList=[{"WorkspaceId": FINANCE.id, "UserAccessList": [
                         {"GroupUserAccessRight": "Viewer", "UserEmailAddress":
                          ROSALIND.upn, "Identifier": ROSALIND.upn, "PrincipalType": "User"}]}]),
        tenant_setting(at("01-07 14:20:11"), "ExportToExcelSetting", "Enabled"),
        tenant_setting(at("02-05 08:02:47"), "PublishToWeb", "Enabled"),
        tenant_setting(at("03-16 16:33:09"), "ServicePrincipalAccess",
                       "EnabledForSecurityGroups"),
        Event(at("03-11 12:10:44"), ADMIN, "AddAdminPersonalWorkspaceAccess",
              {"WorkspaceId": OWN.id, "WorkSpaceName": OWN.name, "ItemName": OWN.name}),
        on_workspace(at("03-19 10:18:00"), ADMIN, "MigrateWorkspaceIntoCapacity", JAPAN),
        Event(at("01-27 10:00:12"), ADMIN, "UpdateDatasourceCredentials", {
            "GatewayId": guid("gateway"), "GatewayName": "gw-göteborg-01",
            "DatasourceId": guid("datasource"), "DatasourceType": "Sql",
            "GatewayClusters": [{"id": guid("cluster"), "type": "Resource",
                                 "memberGatewaysIds": [guid("gateway")], "permissions": []}]}),
        Event(at("02-24 07:45:30"), who("stefania"), "AddDatasourceToGateway", {
            "GatewayId": guid("gateway"), "DatasourceName": "Lager Øst", "Datasources": [
                {"DatasourceType": "Sql", "ConnectionDetails":
                 '{"server":"sql01.northwind-outdoor.example","database":"lager"}'}]}),
        Event(at("01-22 08:30:59"), who("veerle"), "OptInForProTrial", {}))

    # Authoring.
    add(Event(at("01-19 15:02:20"), who("lukasz"), "Import", {
            **workspace_fields(SUPPLY, at("01-19 15:02:20")), "ImportId": guid("import 1"),
            "ImportSource": "Power BI", "ImportType": "Publish",
            "ImportDisplayName": "Supply Chain Control Tower"}),
        on_report(at("01-19 15:02:31"), who("lukasz"), "CreateReport", TOWER),
        on_report(at("02-09 09:40:16"), who("amelie"), "CreateReport", LAUNCH),
        on_report(at("01-12 10:21:33"), who("ingrid"), "CreateReport", DRAFT),
        view_report(at("01-12 10:22:10"), who("ingrid"), DRAFT, "Workspace"),
        view_report(at("02-03 07:10:55"), who("ingrid"), DRAFT, "Workspace"),
        on_report(at("02-20 10:04:31"), who("priya"), "RenameReport", TRADING),
        on_report(at("02-20 10:20:02"), who("priya"), "EditReport", TRADING),
        on_report(at("01-14 09:33:10"), who("priya"), "EditReport", SALES_OVERVIEW),
        on_report(at("03-02 13:05:48"), who("priya"), "UpdateReportContent", SALES_OVERVIEW,
                  ArtifactId=84_117, OperationProperties='[{"Name":"Pages","Value":"7"}]'),
        on_report(at("03-10 08:01:12"), who("stefania"), "EditReport", QUALITY,
                  OperationProperties=[{"Name": "Pages", "Value": "2"}], IsSuccess="True"),
        on_dataset(at("02-12 11:11:11"), who("liat"), "TakeOverDataset", AGEING,
                   OriginalOwner="former.colleague@northwind-outdoor.example",
                   TakingOverOwner=who("liat").upn),
        Event(at("02-11 14:00:37"), who("priya"), "ImportArtifactEnd", {
            **workspace_fields(LAB, at("02-11 14:00:37")), "ImportType": "Republish",
            "ImportId": guid("import 2"), "ItemName": "Trail Shoe Launch"}),
        Event(at("03-12 15:17:26"), who("zoe"), "CreateDashboard", {
            **workspace_fields(RETAIL, at("03-12 15:17:26")), "DashboardName":
            "Cockpit Détaillants", "DashboardId": DASHBOARDS[2].id}),
        on_report(at("03-30 09:09:09"), who("zoe"), "DeleteReport", CLEARANCE))

    # Sharing, apps, subscriptions, the public web.
    add(share(at("01-08 12:15:00"), who("ingrid"), SALES_OVERVIEW, [who("nuno"), who("wyatt")]),
        share(at("01-30 09:27:41"), who("elodie"), QUARTER, [ROSALIND], SharingAction="Direct"),
        share(at("02-25 08:19:06"), who("lukasz"), TOWER, [ANNA, who("thordis")],
              SharingAction="CreateShareLink", ShareLinkId="Nw0-7kQ2e"),
        share(at("03-12 07:50:22"), who("mio"), SHOP_JP, [KENJI], Datasets=[
            {"DatasetId": SHOP_JP.dataset_id, "DatasetName": SHOP_JP.dataset,
             "DatasetOwner": who("riku").name}]),
        share(at("03-20 11:40:19"), who("cagla"), STORES, [who("carmen")]),
        on_app(at("01-13 10:02:51"), who("zoe"), "CreateApp", RETAIL_HUB, RETAIL),
        on_app(at("02-26 10:11:40"), who("zoe"), "UpdateApp", RETAIL_HUB, RETAIL,
               OrgAppPermission="Retail Hub(Entire Organization)"),
        on_app(at("01-13 13:00:08"), who("deshawn"), "InstallApp", RETAIL_HUB, RETAIL),
        on_app(at("01-15 09:45:55"), who("lukasz"), "InstallApp", ROUTE_APP, ROUTES,
               IsTemplateAppFromMarketplace=True, TemplateAppVersion="4.2"),
        on_report(at("01-09 15:30:13"), ADMIN, "CreateEmailSubscription", TRADING,
                  SubscriptionSchedule={"Type": "Weekly", "WeekDays": ["Monday"], "Time":
                                        ["07:00"], "TimeZone": "W. Europe Standard Time"},
                  SubscribeeInformation=[{"RecipientEmail": who("marta").upn, "RecipientName":
                                          who("marta").name,
                                          "ObjectId": guid("object of the board")}]),
        on_report(at("02-05 08:12:33"), who("georgia"), "PublishToWebReport", FOOTFALL,
                  EmbedTokenId=guid("embed code")))
    for number in range(22):
        when = at("02-06 06:00:00") + dt.timedelta(hours=58 * number + dice.between(0, 40),
                                                   seconds=dice.between(0, 3599))
        add(view_report(when, ANONYMOUS, FOOTFALL, "Publish to Web", UserAgent=dice.pick(AGENTS)))

    # Exports, each with one ViewReport for each page; Excel and other tools.
    add(export_report(at("01-08 16:02:10"), who("juergen"), QUARTER, 5),
        export_report(at("01-21 14:44:51"), who("tamsin"), SALES_OVERVIEW, 3),
        export_report(at("02-13 09:31:37"), who("amina"), MARGIN, 4, "ExportArtifact"),
        export_report(at("03-06 13:20:06"), who("amina"), BUDGET, 3, "PrintReport"),
        export_report(at("03-17 10:26:15"), who("lukasz"), TOWER, 4),
        export_report(at("03-23 09:44:50"), who("lukasz"), TOWER, 4),
        export_report(at("03-27 08:58:29"), who("elodie"), QUARTER, 6),
        export_report(at("03-31 07:30:44"), ROSALIND, QUARTER, 4),
        Event(at("03-18 06:40:12"), who("marta"), "PrintDashboard", {
            **workspace_fields(BOARD, at("03-18 06:40:12")), "DashboardName": "Morning Briefing",
            "DashboardId": DASHBOARDS[0].id, "ItemName": "Morning Briefing"}),
        on_report(at("01-29 10:48:33"), who("nuno"), "DownloadReport", DACH),
        on_report(at("01-16 08:05:00"), who("wyatt"), "AnalyzeInExcel", SALES_OVERVIEW),
        on_dataset(at("02-27 09:13:21"), who("liat"), "ConnectFromExternalApplication",
                   SALES_OVERVIEW, UserAgent=MASHUP))
    for number in range(9):
        when = at("01-09 09:00:00") + dt.timedelta(days=9 * number, minutes=37 * number)
        add(on_dataset(when, who(["wyatt", "juergen", "nomi"][number % 3]),
                       "AnalyzedByExternalApplication", [SALES_OVERVIEW, BUDGET][number % 2],
                       UserAgent=EXCEL))

    # Newer operations: Copilot, labels, Fabric, Power Apps, Power Automate.
    add(Event(at("03-11 10:33:57"), who("matthaeus"), "RequestCopilot", {
            **workspace_fields(SUPPLY, at("03-11 10:33:57")), "ArtifactKind": "Report"}),
        on_report(at("03-05 09:02:14"), who("elodie"), "SensitivityLabelApplied", QUARTER,
                  SensitivityLabelId=guid("label confidential"), SensitivityLabelEventData={
                      "SensitivityLabelId": guid("label confidential"), "ActionSource": 3,
                      "ActionSourceDetail": 0, "LabelEventType": 1}),
        fabric(at("02-23 08:40:09"), who("priya"), "CreateArtifact", "Lakehouse",
               "lh_försäljning", SUPPLY),
        fabric(at("02-23 08:52:30"), who("priya"), "ReadArtifact", "Lakehouse",
               "lh_försäljning", SUPPLY, RecordType="FabricAudit"),
        fabric(at("03-03 05:00:02"), who("liat"), "RunArtifact", "SynapseNotebook", "nb_prognose",
               LAB, ResultStatus="InProgress", IsSuccess=ABSENT),
        fabric(at("03-10 05:00:03"), who("liat"), "RunArtifact", "SynapseNotebook", "nb_prognose",
               LAB, ResultStatus="Failed", IsSuccess=ABSENT),
        fabric(at("03-26 13:21:45"), who("priya"), "ReadArtifact", "Lakehouse", "lh_försäljning",
               SUPPLY),
        launch_power_app(at("01-15 07:55:20"), who("fiorenzo"), "Retouren-Scanner"),
        launch_power_app(at("01-23 11:25:08"), who("carmen"), "Retouren-Scanner",
                         RecordType="PowerAppsApp"),
        launch_power_app(at("02-05 12:05:51"), who("thordis"), "Vöruhús talning"),
        launch_power_app(at("02-12 06:31:17"), who("fiorenzo"), "Retouren-Scanner"),
        flow(at("01-28 09:20:00"), who("stefania"), "CreateFlow", "Alert on failed refresh"),
        flow(at("02-06 13:14:15"), who("stefania"), "EditFlow", "Alert on failed refresh",
             RecordType="MicrosoftFlow"),
        flow(at("02-11 16:40:26"), who("stefania"), "PutPermissions", "Alert on failed refresh",
             RecipientUPN=who("noor").upn, SharingPermission="3"),
        power_platform(at("02-07 10:10:10"), who("ondrej")))

    # Undocumented operations and fields.
    add(on_report(at("03-13 09:55:37"), who("matthaeus"), "PreviewSemanticForecast", TOWER,
                  ForecastHorizonDays=28),
        on_report(at("03-25 10:44:02"), who("matthaeus"), "PreviewSemanticForecast", STORES,
                  ForecastHorizonDays=14),
        view_report(at("03-16 08:16:44"), who("zoe"), STORES, "Workspace", RenderTier="gold",
                    QueryCacheHit=False, PageCount=12, ClientTelemetry={
                        "Viewport": {"Width": 1920, "Height": 1080}, "Tags": ["touch", "größer"],
                        "LoadSeconds": 2.75}),
        view_report(at("03-26 14:02:31"), who("carmen"), STORES, "Workspace", RenderTier="silver"),
        view_report(at("03-17 05:30:00"), CRAWLER, QUALITY, "Workspace"),
        view_report(at("02-16 09:00:41"), LEOPOLD, ROUTE, "Workspace"),
        view_report(at("03-04 11:17:29"), EMBEDDER, STORES, "Workspace", UserType=0))
    return events


def pulls():
    """Returns the logged downloads: who downloaded which day of the log, and when."""
    events = []
    midnight = dt.time(0, 0)

    def whole_day(date, actor, when):
        start = dt.datetime.combine(date, midnight)
        events.append(pull(when, actor, start, start + dt.timedelta(seconds=86399)))

    def hourly(date, when):
        for hour in range(24):
            start = dt.datetime.combine(date, dt.time(hour))
            events.append(pull(when + dt.timedelta(seconds=2 * hour), ADMIN, start,
                               start + dt.timedelta(seconds=3599)))

    for date in days(day("02-14"), day("03-05")) + days(day("03-25"), day("03-30")):
        if date != MISSING_DAY:
            next_night = dt.datetime.combine(date + dt.timedelta(1), dt.time(3, 5, 7))
            whole_day(date, COLLECTOR, next_night)
    for date in days(day("03-06"), day("03-17")):
        hourly(date, dt.datetime.combine(date + dt.timedelta(1), dt.time(2, 10, 3)))
    for date in (day("03-11"), day("03-12")):
        hourly(date, at("03-13 09:30:05") + dt.timedelta(minutes=date.day - 11))
    for date in days(day("03-18"), day("03-23")):
        whole_day(date, ADMIN, at("03-24 09:00:12") + dt.timedelta(seconds=4 * date.day))
    return events


def timeline():
    events = [event for date in days(FIRST_DAY, LAST_DAY) for event in daily_life(date)]
    events += story() + pulls()
    kept = []
    for event in events:
        date = event.when.date()
        if not FIRST_DAY <= date <= LAST_DAY or date == MISSING_DAY:
            continue
        if date == PARTIAL_DAY and event.when > PARTIAL_UNTIL:
            continue
        kept.append(event)
    return sorted(kept, key=lambda event: (event.when, event.id))


def other_workloads():
    """Returns records of other workloads in the Office 365 audit log."""
    site = "https://share.northwind-outdoor.example/sites/vertrieb"
    events = []
    for number in range(20):
        when = at("02-04 07:00:00") + dt.timedelta(hours=5 * number, seconds=dice.between(0, 3599))
        person = dice.weighted(STAFF, [p.weight for p in STAFF])
        kind = number % 5
        if kind == 0:
            event = foreign(when, person, "FileAccessed", 6, "SharePoint", SiteUrl=site,
                            SourceFileName="Angebot März.pptx", ItemType="File")
        elif kind == 1:
            event = foreign(when, person, "MailItemsAccessed", 2, "Exchange", MailboxGuid=
                            guid(f"mailbox {person.upn}"), OperationCount=1)
        elif kind == 2:
            event = foreign(when, person, "UserLoggedIn", 15, "AzureActiveDirectory",
                            ResultStatus="Success", ErrorNumber="0")
        elif kind == 3:
            event = foreign(when, person, "MessageSent", 25, "MicrosoftTeams",
                            CommunicationType="Channel")
        else:
            event = foreign(when, ADMIN, "Set-Mailbox", 1, "Exchange", ResultStatus="True",
                            Parameters=[{"Name": "Identity", "Value": person.upn}])
        events.append(event)
    event = foreign(at("01-28 10:09:08"), who("grazyna"), "FileDownloaded", 6, "SharePoint",
                    SiteUrl=site, SourceFileName="NPS 2025; final.xlsx", ItemType="File")
    return events, event

# ---------------------------------------------------------------- formats


def json_fields(event, clock="plain"):
    """Returns the event as a JSON object. `clock` is the source's format of CreationTime."""
    when, fields = event.when, dict(event.fields)
    fields["CreationTime"] = {
        "plain": f"{when:%Y-%m-%dT%H:%M:%S}",
        "zulu": f"{when:%Y-%m-%dT%H:%M:%S}Z",
        "ticks": f"{when:%Y-%m-%dT%H:%M:%S}.0000000Z",
        "offset": f"{when + dt.timedelta(hours=1):%Y-%m-%dT%H:%M:%S}+01:00",
        "date": f"/Date({int(when.replace(tzinfo=dt.timezone.utc).timestamp())}000)/",
    }[clock]
    return fields


def compact(value, ascii_only=False):
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


class Archive:
    """The files by path from the repository's root, and a list of which event is in which file.

    Paths given to methods are relative to `sample-data`, unless `folder` says otherwise. Each
    entry of `written` is (path, event, quality): "whole", "poorer" (fields are missing), "conflict"
    (one field has another value), or "truncated" for an incomplete record.
    """

    def __init__(self):
        self.files, self.written = {}, []

    def put(self, name, text, events=(), encoding="utf-8", folder=CLEAN):
        path = f"{folder}/{name}"
        assert path not in self.files
        if encoding == "utf-16":
            self.files[path] = b"\xff\xfe" + text.encode("utf-16-le")
        else:
            self.files[path] = text.encode(encoding)
        self.log(name, events, folder=folder)

    def log(self, name, events, quality="whole", folder=CLEAN):
        self.written += [(f"{folder}/{name}", event, quality) for event in events]

    def blob(self, path, events):
        """Management API: one JSON array."""
        self.put(path, compact([json_fields(event) for event in events]), events)

    def lines(self, path, events, clocks=("plain",), ascii_only=False):
        """NDJSON: one event per line, with the formats of CreationTime in turn."""
        texts = [compact(json_fields(event, clocks[number % len(clocks)]), ascii_only)
                 for number, event in enumerate(events)]
        self.put(path, "".join(text + "\n" for text in texts), events)

    def pages(self, path, groups, between="", ascii_only=False, end=True):
        """REST pages, concatenated in one file. The last one has no continuation."""
        texts = []
        for number, group in enumerate(groups):
            page = {"activityEventEntities": [json_fields(event) for event in group]}
            if end:
                last = number == len(groups) - 1
                token = None if last else f"%2BRID%3Anw{number:04}%3D%3D%23RT%3A{number + 1}"
                page["continuationUri"] = token and (
                    "https://api.powerbi.com/v1.0/myorg/admin/activityevents"
                    f"?continuationToken='{token}'")
                page["continuationToken"] = token
                page["lastResultSet"] = False if dice.chance(0.5) else last
            texts.append(compact(page, ascii_only))
        self.put(path, between.join(texts), [event for group in groups for event in group])

    def cmdlet(self, path, events, encoding="utf-8", indent=None, shout=()):
        """Get-PowerBIActivityEvent: one array, CreationTime with Z. `shout`: Id in upper case."""
        objects = [json_fields(event, "zulu") for event in events]
        for fields, event in zip(objects, events):
            if event in shout:
                fields["Id"] = fields["Id"].upper()
        text = (json.dumps(objects, ensure_ascii=False, indent=indent) if indent
                else compact(objects)) + "\n"
        if encoding == "utf-16":
            text = text.replace("\n", "\r\n")
        self.put(path, text, events, encoding)

    def convert_to_json(self, path, events):
        """ConvertTo-Json of Windows PowerShell 5.1: arrays are wrapped, at the root and inside,
        some dates become \\/Date(..)\\/, and more characters than necessary are escaped."""
        objects = []
        for number, event in enumerate(events):
            fields = json_fields(event, ["ticks", "date", "zulu"][number % 3])
            for name in ("Datasets", "SharingInformation"):
                if name in fields:
                    fields[name] = {"value": fields[name], "Count": len(fields[name])}
            objects.append(fields)
        text = compact({"value": objects, "Count": len(objects)})
        for character in "'<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        text = re.sub(r'"/Date\((\d+)\)/"', r'"\\/Date(\1)\\/"', text)
        self.put(path, text + "\r\n", events, "utf-8-sig")

    def table(self, path, header, rows, events=(), delimiter=",", quoting=csv.QUOTE_MINIMAL,
              first_line="", encoding="utf-8"):
        out = io.StringIO(newline="")
        out.write(first_line)
        writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows(rows)
        self.put(path, out.getvalue(), events, encoding)


def audit_data(event):
    return compact(json_fields(event))


def outer_user(event):
    """Returns the value of the CSV's user column, which may differ from the event's."""
    return "Unknown" if event.actor is ANONYMOUS else event.actor.upn


def american(when):
    hour = when.hour % 12 or 12
    return (f"{when.month}/{when.day}/{when.year} {hour}:{when:%M:%S} "
            f"{'AM' if when.hour < 12 else 'PM'}")


PORTAL_HEADER = ["RecordId", "CreationDate", "RecordType", "Operation", "UserId", "AuditData",
                 "AssociatedAdminUnits", "AssociatedAdminUnitsNames"]


def portal_row(event, data=None, blank=""):
    return [event.id, f"{event.when:%Y-%m-%dT%H:%M:%S}.0000000Z{blank}", event.record_type,
            event.operation, outer_user(event), data or audit_data(event), "", ""]

# ---------------------------------------------------------------- archive


def build():
    """Returns all files and, for the figures, the events in each of them."""
    by_day = {}
    for event in timeline():
        by_day.setdefault(event.when.date(), []).append(event)

    def of(first, last=None):
        """Returns the events of these days, unsorted, as the service returns them."""
        chosen = days(day(first), day(last or first))
        return dice.shuffled([e for date in chosen for e in by_day.get(date, [])])

    archive = Archive()
    others, stray = other_workloads()
    portal_and_search(archive, of, stray)
    management_api(archive, of, others)
    rest_api(archive, of)
    truncated_download(archive, of("03-05"))
    portal_again(archive, of("02-26", "02-27"))
    powershell(archive, of)
    rows = of("03-25", "03-31")
    quarter = len(rows) // 4
    archive.pages("rest/pages-2026-03-25-to-2026-03-31.json",
                  [rows[:quarter], rows[quarter:2 * quarter], rows[2 * quarter:]],
                  ascii_only=True)
    return archive


def portal_and_search(archive, of, stray):
    """January: exports of the audit log, before the tenant used an API."""
    rows = of("01-05", "01-18")
    archive.table("audit-csv/portal-2026-01-05-to-2026-01-18.csv", PORTAL_HEADER,
                  [portal_row(e, blank=" " if n % 7 == 0 else "") for n, e in enumerate(rows)],
                  rows, encoding="utf-8-sig")

    rows = of("01-19", "01-25")
    archive.table("audit-csv/portal-older-2026-01-19-to-2026-01-25.csv",
                  ["CreationDate", "UserIds", "Operations", "AuditData"],
                  [[american(e.when), outer_user(e), e.operation, audit_data(e)] for e in rows],
                  rows)

    rows = of("01-26", "02-01")
    rows = rows[:9] + [rows[4]] * 4 + rows[9:20] + [stray] + rows[20:]  # one event five times
    archive.table(
        "audit-csv/search-unifiedauditlog-2026-01-26-to-2026-02-01.csv",
        ["PSComputerName", "RunspaceId", "PSShowComputerName", "Identity", "CreationDate",
         "RecordType", "Operations", "UserIds", "AuditData", "ResultIndex", "ResultCount",
         "IsValid", "ObjectState"],
        [[f"outlook.{DOMAIN}", guid("runspace"), "False", e.id, american(e.when),
          RECORD_TYPE_NAMES[e.record_type], e.operation, outer_user(e), audit_data(e), n + 1,
          len(rows), "True", "Unchanged"] for n, e in enumerate(rows)],
        rows, quoting=csv.QUOTE_ALL,
        first_line="#TYPE Selected.System.Management.Automation.PSCustomObject\r\n")

    rows = of("01-29", "02-03")
    archive.table("audit-csv/semicolon-2026-01-29-to-2026-02-03.csv", PORTAL_HEADER[:6],
                  [[e.id, f"{e.when:%d.%m.%Y %H:%M:%S}", e.record_type, e.operation,
                    outer_user(e), audit_data(e)] for e in rows], rows, delimiter=";")


def management_api(archive, of, others):
    """Early February: a blob with all workloads, then AuditData objects only."""
    archive.blob("management-api/audit-general-2026-02-04-to-2026-02-08.json",
                 dice.shuffled(of("02-04", "02-08") + others))
    archive.lines("management-api/auditdata-2026-02-09-to-2026-02-13.ndjson",
                  of("02-09", "02-13"), ascii_only=True)


def rest_api(archive, of):
    """From mid-February: one event per line, concatenated pages, one file per day."""
    archive.lines("rest/events-2026-02-14-to-2026-02-15.ndjson", of("02-14", "02-15"),
                  clocks=("plain", "offset", "zulu"))
    rows = of("02-16", "02-17")
    third = len(rows) // 3
    archive.pages("rest/pages-2026-02-16-to-2026-02-17.json",  # one event is on two pages
                  [rows[:third], rows[third - 1:2 * third], [], rows[2 * third:]])

    for date in days(day("02-19"), day("03-01")):
        path, rows = f"rest/activity/2026/{date:%m}/{date:%Y%m%d}", of(f"{date:%m-%d}")
        if date == day("02-19"):  # a tool that writes each page to a separate file
            archive.pages(f"{path}.json", [rows[:8]], end=False)
            archive.pages(f"{path}_2.json", [rows[8:]], end=False)
        else:
            archive.pages(f"{path}.json", [rows], ascii_only=date.day % 2 == 0)
    archive.pages(EMPTY_PAGE, [[]])

    rows = of("03-02", "03-04")
    half = len(rows) // 2
    archive.pages("rest/pages-2026-03-02-to-2026-03-04.json",
                  [rows[:half], [], rows[half - 2:]], between="\n\n  ")


EMPTY_PAGE = "rest/activity/2026/02/20260222_2.json"


def truncated_download(archive, rows):
    """5 March was downloaded twice. The first file is truncated inside an event, but contains three
    events that the second one does not. One event was saved by hand, as a single object."""
    views = [event for event in rows if event.view]
    only_first, by_hand, cut = views[:3], views[3], views[4]
    second = [event for event in rows if event not in views[:4]]
    archive.pages("rest/20260305.json", [second])
    archive.put("rest/view-report-2026-03-05.json",
                json.dumps(json_fields(by_hand), ensure_ascii=False, indent=2) + "\n", [by_hand])

    first = dice.shuffled(only_first + [event for event in second if event is not cut][:5])
    text = compact({"activityEventEntities": [json_fields(event) for event in first + [cut]]})
    inside = text.index('"WorkspaceId"', text.index(cut.id)) + 31  # inside an id
    archive.put("20260305.json", text[:inside], first, folder=DAMAGED)
    archive.log("20260305.json", [cut], "truncated", folder=DAMAGED)


def portal_again(archive, rows):
    """A portal export of two days that the REST pages also contain: the same events again, one of
    them with fewer fields, one of them with another capacity."""
    views = [event for event in rows if event.view]
    poorer = next(e for e in views if "AppId" not in e.fields and len(e.fields) > 30)
    conflict = next(e for e in views if e.fields.get("CapacityName") and e is not poorer)
    path, table = "audit-csv/portal-2026-02-26-to-2026-02-27.csv", []
    for event in rows:
        data, quality = json_fields(event), "whole"
        if event is poorer:
            quality = "poorer"
            for name in ("UserAgent", "DatasetName", "DatasetId", "ArtifactId", "ArtifactName",
                         "ArtifactKind", "ConsumptionMethod"):
                data.pop(name, None)
        elif event is conflict:
            quality, data["CapacityName"] = "conflict", "Northwind P1 (alt)"
        table.append(portal_row(event, compact(data)))
        archive.log(path, [event], quality)
    archive.table(path, PORTAL_HEADER, table)


def powershell(archive, of):
    """March: Microsoft's script around Get-PowerBIActivityEvent, which writes one file per day; the
    name contains the day and the time of writing. First three encodings, then a scheduled job."""

    def script(date, written):
        return f"powershell/PBIActivityEvents-2026{date}-2026{written}.json"

    archive.cmdlet(script("0306", "03070210"), of("03-06"), "utf-8-sig", indent=2)
    archive.cmdlet(script("0307", "03080210"), of("03-07"), "utf-16", indent=2)
    archive.cmdlet(script("0308", "03090210"), of("03-08"), "utf-8", indent=2)
    for date in days(day("03-09"), day("03-17")):
        rows = of(f"{date:%m-%d}")
        name = script(f"{date:%m%d}", f"{date + dt.timedelta(1):%m%d}0210")
        if date in (day("03-11"), day("03-12")):
            # Four late events: only the second download of these days has them.
            late = [event for event in rows if event.view][-4:]
            archive.cmdlet(name, [event for event in rows if event not in late])
            again = dice.shuffled(rows)
            archive.cmdlet(script(f"{date:%m%d}", "03130930"), again, shout=again[:3])
        else:
            archive.cmdlet(name, rows)

    # The job failed on the 19th and saved an error page; manual downloads cover the next days.
    archive.put("PBIActivityEvents-20260318-202603190210.json", ERROR_PAGE, folder=DAMAGED)
    archive.convert_to_json("powershell/activity-2026-03-18-to-2026-03-23.json",
                            of("03-18", "03-23"))
    archive.cmdlet(script("0324", "03241530"), of("03-24"))


ERROR_PAGE = """<!DOCTYPE html>
<html><head><title>503 Service Unavailable</title></head>
<body><h1>503 Service Unavailable</h1><p>The service is temporarily overloaded.
Please try again later.</p><p>Request id: {}</p></body></html>
""".format(guid("failed request"))

# ---------------------------------------------------------------- figures


def utc(when):
    return f"{when:%Y-%m-%dT%H:%M:%S}Z"


def figures(archive, folders):
    """Returns the figures that a reader of these folders has to find. They are calculated from the
    list of written events, not from the files."""
    def is_in(path):
        return path.split("/")[0] in folders

    files = {path: data for path, data in archive.files.items() if is_in(path)}
    written = [entry for entry in archive.written if is_in(entry[0])]
    copies = {}
    per_file = {path: dict(path=path, read=0, stored=0, duplicates=0, other_workloads=0, rejected=0)
                for path in sorted(files)}
    for path, event, quality in written:
        per_file[path]["read"] += 1
        if quality == "truncated":
            per_file[path]["rejected"] += 1
        elif event.foreign:
            per_file[path]["other_workloads"] += 1
        else:
            copies.setdefault(event.id, []).append((path, event, quality))

    stored, poorer, conflicting, identical = [], 0, 0, 0
    for group in copies.values():
        # The first copy is stored, and the others complete it.
        group.sort(key=lambda copy: copy[0].split("/"))
        path, event, quality = group[0]
        stored.append(event)
        per_file[path]["stored"] += 1
        poorer += quality == "poorer"
        for path, _, other in group[1:]:
            per_file[path]["duplicates"] += 1
            # A copy with fewer fields contradicts nothing.
            conflicting += (other == "conflict") != (quality == "conflict")
            poorer += other == "poorer"
            identical += other == "whole" and quality == "whole"

    operations, months, actors, users = {}, {}, {}, {}
    for event in stored:
        operations[event.operation] = operations.get(event.operation, 0) + 1
        month = f"{event.when:%Y-%m}"
        months[month] = months.get(month, 0) + 1
        actors[event.actor.kind] = actors.get(event.actor.kind, 0) + 1
        users.setdefault(event.actor.kind, set()).add(event.actor.upn.lower())

    reports = {}
    for event in sorted(stored, key=lambda e: e.when):
        if event.view and event.actor.kind != "service":
            report_id, workspace_id, name, workspace = event.view
            row = reports.setdefault((report_id, workspace_id), dict(
                views=0, viewers=set(), days=set(), by_export=0))
            row.update(report=name, workspace=workspace, last_view=utc(event.when))
            row["views"] += 1
            row["viewers"].add(event.actor.upn.lower())
            row["days"].add(event.when.date())
            row["by_export"] += event.by_export
    ranking = sorted(reports.items(), key=lambda item: item[0])
    ranking.sort(key=lambda item: item[1]["last_view"], reverse=True)
    ranking.sort(key=lambda item: (-item[1]["views"], -len(item[1]["viewers"])))

    totals = {key: sum(entry[key] for entry in per_file.values())
              for key in ("read", "stored", "duplicates", "other_workloads", "rejected")}
    noise = {name: operations[name] for name in ("ExportActivityEvents", "GetDatasources")}
    covered = {event.when.date() for event in stored}
    names = sorted(operations, key=lambda name: (-operations[name], name))
    return {
        "sources": {
            "total": len(files),
            "with_events": sum(entry["read"] > 0 for entry in per_file.values()),
            "empty": sum(path == f"{CLEAN}/{EMPTY_PAGE}" for path in files),
            "truncated": len({path for path, _, quality in written if quality == "truncated"}),
            "unsupported": sum(data == ERROR_PAGE.encode() for data in files.values()),
        },
        "records": {**totals, "duplicates_identical": identical, "duplicates_poorer": poorer,
                    "duplicates_conflicting": conflicting},
        "period": {
            "first": utc(min(event.when for event in stored)),
            "last": utc(max(event.when for event in stored)),
            "days_with_events": len(covered),
            "days_without_events": [str(date) for date in days(min(covered), max(covered))
                                    if date not in covered],
        },
        "stored_by_month": dict(sorted(months.items())),
        "events_by_actor": dict(sorted(actors.items())),
        "users_by_actor": {kind: len(users[kind]) for kind in sorted(users)},
        "distinct_users": sum(len(group) for group in users.values()),
        "noise": {"total": sum(noise.values()), **noise},
        "operations": {name: operations[name] for name in names},
        "top_reports": [
            dict(rank=rank, report=row["report"], workspace=row["workspace"], views=row["views"],
                 views_by_export=row["by_export"], viewers=len(row["viewers"]),
                 active_days=len(row["days"]), last_view=row["last_view"], report_id=report_id,
                 workspace_id=workspace_id)
            for rank, ((report_id, workspace_id), row) in enumerate(ranking, 1)],
        "files": list(per_file.values()),
    }


def readme_block(found):
    """Returns the tables of sample-data/README.md."""
    records, period, noise = found["records"], found["period"], found["noise"]
    actors = found["users_by_actor"]
    lines = [
        "| | |", "| --- | ---: |",
        f"| sources | {sources_text(found)} |",
        f"| records read | {records['read']:,} |",
        f"| distinct events stored | {records['stored']:,} |",
        f"| duplicates | {duplicates_text(found)} |",
        f"| other workloads | {records['other_workloads']:,} |",
        f"| rejected | {records['rejected']:,} |",
        f"| first event | {period['first']} |",
        f"| last event | {period['last']} |",
        f"| days without an event | {', '.join(period['days_without_events'])} |",
        f"| distinct users | {found['distinct_users']} ({actors['person']} people, "
        f"{actors['guest']} guests, {actors['anonymous']} anonymous, {actors['service']} service "
        "principals and system accounts) |",
        f"| automated API activity | {noise['total']:,} ({noise['ExportActivityEvents']:,} "
        f"ExportActivityEvents, {noise['GetDatasources']:,} GetDatasources) |",
        "", "| rank | report | workspace | views | viewers |", "| ---: | --- | --- | ---: | ---: |",
    ]
    lines += [f"| {row['rank']} | {row['report']} | {row['workspace']} | {row['views']} | "
              f"{row['viewers']} |" for row in found["top_reports"][:5]]
    return "\n".join(lines) + "\n"


def damaged_readme_block(clean, both):
    """Returns the table of sample-data-damaged/README.md."""
    rows = [("sources", sources_text), ("records read", count_of("read")),
            ("distinct events stored", count_of("stored")), ("duplicates", duplicates_text),
            ("other workloads", count_of("other_workloads")), ("rejected", count_of("rejected"))]
    lines = [f"| | `{CLEAN}` | `{CLEAN}` and `{DAMAGED}` |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {text(clean)} | {text(both)} |" for name, text in rows]
    return "\n".join(lines) + "\n"


def count_of(key):
    return lambda found: f"{found['records'][key]:,}"


def sources_text(found):
    """Returns the number of sources, and how many of them have no events."""
    sources = found["sources"]
    special = [f"{sources[kind]} {kind}" for kind in ("empty", "truncated", "unsupported")
               if sources[kind]]
    return f"{sources['total']} ({', '.join(special)})"


def duplicates_text(found):
    """Returns the number of duplicates, and how many of them conflict."""
    records = found["records"]
    poorer = records["duplicates_poorer"]
    return (f"{records['duplicates']:,} ({records['duplicates_conflicting']} conflicting, {poorer} "
            f"with fewer fields)")


START, END = "<!-- figures: written by generate.py -->\n", "<!-- end of figures -->\n"


def with_block(readme, block):
    before, rest = readme.split(START)
    return before + START + block + END + rest.split(END)[1]


def golden_text(clean, both):
    about = "Figures of the sample data; written by sample-data/generate.py, not by hand."
    golden = {"about": about, "clean": clean, "with_damaged": both}
    return json.dumps(golden, ensure_ascii=False, indent=2) + "\n"


def check_invariants(archive, clean, both):
    """Checks what the rest of the project relies on."""
    for found in (clean, both):
        records = found["records"]
        assert records["read"] == sum(records[key] for key in
                                      ("stored", "duplicates", "other_workloads", "rejected"))
        assert found["period"]["days_without_events"] == [str(MISSING_DAY)]
        # A file with exactly this many records would look truncated at a search limit.
        assert not {entry["read"] for entry in found["files"]} & {100, 1000, 5000, 10000, 50000}
    # The clean folder must not make a command end with exit code 3.
    assert clean["records"]["rejected"] == 0
    assert clean["sources"]["truncated"] == clean["sources"]["unsupported"] == 0
    assert sum(map(len, archive.files.values())) < 2 << 20
    # The first copy in path order wins, so the order must not depend on how '/' sorts.
    paths = [path for path in archive.files if path.startswith(f"{CLEAN}/")]
    assert sorted(paths) == sorted(paths, key=lambda path: path.split("/"))


def expected_files(archive, clean, both):
    """Returns the content of every generated file by its path."""
    blocks = {CLEAN: readme_block(clean), DAMAGED: damaged_readme_block(clean, both)}
    wanted = {ROOT / path: data for path, data in archive.files.items()}
    wanted[GOLDEN] = golden_text(clean, both).encode()
    for folder, block in blocks.items():
        readme = ROOT / folder / "README.md"
        wanted[readme] = with_block(readme.read_text(encoding="utf-8"), block).encode()
    return wanted


def main(arguments):
    sys.dont_write_bytecode = True
    import check

    archive = build()
    clean, both = figures(archive, (CLEAN,)), figures(archive, (CLEAN, DAMAGED))
    check_invariants(archive, clean, both)
    wanted = expected_files(archive, clean, both)
    present = {path for folder in ALL_FOLDERS for path in (ROOT / folder).rglob("*")
               if path.is_file()}

    if arguments == ["--check"]:
        stale = [path for path, data in wanted.items()
                 if not path.exists() or path.read_bytes() != data]
        for path in stale + sorted(present - set(wanted)):
            print(f"differs: {path.relative_to(ROOT)}")
        if stale or present - set(wanted):
            return 1
    elif arguments:
        print(__doc__)
        return 2
    else:
        for path in present - set(wanted):
            path.unlink()
        for path, data in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    for known, folders in ((clean, CLEAN_FOLDERS), (both, ALL_FOLDERS)):
        read = check.figures(ROOT, folders)
        for key in known:
            if read.get(key) != known[key]:
                print(f"check.py disagrees about {key}:\n  generated {known[key]}\n"
                      f"  read      {read.get(key)}")
                return 1
    size = sum(map(len, archive.files.values()))
    print(f"{len(archive.files)} files, {size:,} bytes, {both['records']['read']:,} records: "
          "generated and read figures agree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
