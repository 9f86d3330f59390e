"""Makes the events of an invented tenant, with Microsoft's field names."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

HOME = "contoso.example"
TENANT_SUFFIX = "contoso.onmicrosoft.com"
OUTSIDE = ["partner.example", "vendor.example", "auditor.example"]

# Zones with clock changes in both directions, in both hemispheres, with half hours, and without.
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
    "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland", "America/Sao_Paulo", "Pacific/Apia",
]

AGENTS = {
    "person": [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/144.0.0.0 Safari/537.36 Edg/144.0.0.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/144.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.2 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3 like Mac OS X) PowerBI/34.1",
        "okhttp/4.12.0",
        "",
        None,
    ],
    "excel": "Microsoft Office/16.0 (Windows NT 10.0; MSOLAP 16.0.20026)",
}


class Dice:
    """Random choices from `random.random()`, whose sequence Python guarantees for a seed."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed).random

    def chance(self, share: float) -> bool:
        return self.random() < share

    def below(self, bound: int) -> int:
        return int(self.random() * bound)

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def some(self, items, most: int) -> list:
        """Returns one to `most` different items."""
        rest, taken = list(items), []
        for _ in range(min(len(rest), self.between(1, most))):
            taken.append(rest.pop(self.below(len(rest))))
        return taken

    def guid(self) -> str:
        digits = "".join("0123456789abcdef"[self.below(16)] for _ in range(32))
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@dataclass
class Thing:
    """An item of the tenant, with names that change: (since, name)."""

    id: str
    names: list[tuple[datetime, str]]
    workspace: Thing | None = None
    capacity: Thing | None = None
    model: Thing | None = None
    app: Thing | None = None
    template: str | None = None
    weight: float = 1.0
    alive: bool = True
    born: datetime = datetime(1970, 1, 1)

    def name(self, when: datetime) -> str:
        return [name for since, name in self.names if since <= when][-1]


EPOCH = datetime(1970, 1, 1)


class Tenant:
    """The people and items of one invented company."""

    def __init__(self, dice: Dice, first: date, last: date) -> None:
        self.dice = dice
        self.staff = [f"p{n:02}.name@{HOME}" for n in range(dice.between(22, 30))]
        self.admin = f"admin@{TENANT_SUFFIX}"
        self.guests = [
            (f"Kim_{OUTSIDE[0]}#EXT#@{TENANT_SUFFIX}", 0),
            (f"lee_{OUTSIDE[1]}#EXT#@{TENANT_SUFFIX}", 10),
            (f"pat@{OUTSIDE[2]}", 10),
        ]
        self.services = [(dice.guid(), 6), (dice.guid(), 0), ("app@sharepoint", 5)]
        self.zone = ZoneInfo(dice.pick(ZONES))
        self.first, self.last = first, last
        self.capacities = [self.thing(f"P{n}", renamed=0.3) for n in range(2)]
        self.workspaces = [
            self.thing(f"Team {n}", capacity=dice.pick([None, *self.capacities]), renamed=0.25)
            for n in range(dice.between(5, 8))
        ]
        self.personal = Thing("My Workspace", [(EPOCH, "PersonalWorkspace P01")])
        self.models = [
            self.thing(f"Model {n}", workspace=dice.pick(self.workspaces)) for n in range(6)
        ]
        self.apps = [self.thing(f"App {n}", workspace=dice.pick(self.workspaces)) for n in range(3)]
        self.reports = [self.report(n) for n in range(dice.between(8, 16))]
        self.dashboards = [
            self.thing(f"Board {n}", workspace=dice.pick(self.workspaces), renamed=0.3)
            for n in range(4)
        ]
        self.dataflows = [
            self.thing(f"Flow {n}", workspace=dice.pick(self.workspaces)) for n in range(3)
        ]
        self.gateways = [self.thing(f"Gateway {n}", renamed=0.3) for n in range(2)]
        self.environment = self.thing("Default environment")
        self.power_apps = [self.thing(f"Power app {n}", renamed=0.4) for n in range(3)]

    def thing(self, name: str, renamed: float = 0.0, **more) -> Thing:
        names = [(EPOCH, name)]
        if self.dice.chance(renamed):
            span = (self.last - self.first).days
            since = datetime.combine(self.first, time(12)) + timedelta(self.dice.below(span))
            names.append((since, f"{name} (new)"))
        return Thing(self.dice.guid(), names, weight=self.dice.random() ** 2 + 0.05, **more)

    def report(self, number: int) -> Thing:
        dice = self.dice
        model = dice.pick(self.models)
        # Two reports have the same name: they stay two rows.
        name = "Overview" if number < 2 else f"Report {number}"
        report = self.thing(name, workspace=dice.pick(self.workspaces), model=model, renamed=0.3)
        if number >= 5 and dice.chance(0.5):
            span = (self.last - self.first).days
            report.born = datetime.combine(self.first, time(9)) + timedelta(dice.below(span))
        if dice.chance(0.35):
            report.app = dice.pick(self.apps)
        if number == 3:
            report.template = dice.guid()
        if number == 4:
            report.workspace = self.personal
        return report


class Log:
    """Makes the events of one tenant."""

    def __init__(self, tenant: Tenant, dice: Dice, traits: list[str]) -> None:
        self.tenant, self.dice, self.traits = tenant, dice, traits
        self.events: list[tuple[datetime, dict]] = []
        self.platform: list[tuple[datetime, dict]] = []

    # -- fields that every event has

    def add(self, when: datetime, user, operation: str, **fields) -> dict:
        name, user_type = user if isinstance(user, tuple) else (user, 0)
        dice = self.dice
        event = {
            "Id": dice.guid(),
            "RecordType": 20,
            "CreationTime": when.strftime("%Y-%m-%dT%H:%M:%S")
            + dice.pick(["", "", "", "Z", f".{dice.below(1000):03}Z"]),
            "Operation": operation,
            "UserType": user_type,
            "Workload": "PowerBI",
            "UserId": name.upper() if dice.chance(0.05) and "#" not in name else name,
            "Activity": operation,
        }
        if self.odd("any case", 0.03):
            spelled = dice.pick([operation.lower(), operation.upper()])
            event["Operation"] = event["Activity"] = spelled
        elif self.odd("empty activity", 0.04):
            event["Activity"] = ""
        elif dice.chance(0.03):
            del event["Activity"]
        failed = fields.pop("failed", 0.03)
        if self.odd("failures", failed):
            event.update(dice.pick([{"IsSuccess": False}, {"ResultStatus": "Failed"},
                                    {"ResultStatus": "Failure"}]))
        elif dice.chance(0.6):
            event.update(dice.pick([{"IsSuccess": True}, {"ResultStatus": "Succeeded"}]))
        event.update({name: value for name, value in fields.items() if value is not None})
        self.events.append((when, event))
        return event

    def odd(self, trait: str, share: float) -> bool:
        """Decides about a strange case, which only archives with the trait have."""
        return self.dice.chance(share) and trait in self.traits

    def place(self, when: datetime, workspace: Thing | None, in_app: bool = False) -> dict:
        if workspace is None:
            return {}
        spelled = self.dice.pick(["WorkSpaceName", "WorkspaceName"])
        fields = {"WorkspaceId": workspace.id, spelled: workspace.name(when)}
        if workspace.capacity and not in_app:
            fields["CapacityId"] = workspace.capacity.id
            fields["CapacityName"] = workspace.capacity.name(when)
        return fields

    def about_report(self, when: datetime, report: Thing, in_app: bool = False) -> dict:
        fields = self.place(when, report.workspace, in_app)
        report_id = report.id.upper() if self.dice.chance(0.1) else report.id
        fields |= {"ReportId": report_id, "ReportName": report.name(when),
                   "ItemName": report.name(when)}
        if report.model and self.dice.chance(0.8):
            fields |= {"DatasetId": report.model.id, "DatasetName": report.model.name(when)}
        if report.template and not in_app:
            fields |= {"ReportId": report.template, "AppReportId": report.id}
        if in_app:
            fields |= {"AppId": report.app.id, "AppName": report.app.name(when)}
        return fields

    def actor(self):
        """Returns somebody who views content."""
        roll, tenant = self.dice.random(), self.tenant
        if roll < 0.07:
            return self.dice.pick(tenant.guests)
        if roll < 0.10:
            return self.dice.pick(tenant.services)
        if roll < 0.12:
            return ("Anonymous", 10)
        if roll < 0.13:
            return ("", 0)
        # Some people come often and others seldom.
        return tenant.staff[int(self.dice.random() ** 2 * len(tenant.staff))]

    def person(self) -> str:
        return self.dice.pick(self.tenant.staff)

    def moment(self, day: date) -> datetime:
        """Returns a time of the UTC day: usually work hours of the tenant, sometimes any second."""
        if self.dice.chance(0.2):
            return datetime.combine(day, time()) + timedelta(seconds=self.dice.below(86400))
        if self.dice.chance(0.1):
            edge = self.dice.pick([0, 1, 86399, 3599, 3600, 1800, 84600, 20700])
            return datetime.combine(day, time()) + timedelta(seconds=edge)
        local = datetime.combine(day, time(7)) + timedelta(seconds=self.dice.below(11 * 3600))
        when = local.replace(tzinfo=self.tenant.zone).astimezone(timezone.utc).replace(tzinfo=None)
        return datetime.combine(day, when.time())

    # -- one day

    def day(self, day: date, busy: float) -> None:
        dice = self.dice
        for _ in range(max(1, int(busy * (0.5 + dice.random())))):
            self.view(self.moment(day))
        for share, make in [
            (0.5, self.dashboard), (0.35, self.export), (0.4, self.author), (0.5, self.refresh),
            (0.15, self.share), (0.2, self.subscription), (0.15, self.access), (0.3, self.external),
            (0.12, self.app), (0.06, self.deletion), (0.2, self.reads), (0.08, self.embed),
            (0.05, self.gateway), (0.04, self.public), (0.03, self.trial), (0.1, self.other),
            (0.03, self.setting),
        ]:
            while dice.chance(share * min(1.0, busy / 8)):
                make(self.moment(day))
        self.launch(self.moment(day))
        while dice.chance(0.4):
            self.launch(self.moment(day))

    def view(self, when: datetime) -> None:
        dice = self.dice
        weights = [0 if report.born > when else report.weight if report.alive else 0.004
                   for report in self.tenant.reports]
        target = dice.random() * sum(weights)
        for report, weight in zip(self.tenant.reports, weights):
            target -= weight
            if target < 0:
                break
        in_app = report.app is not None and dice.chance(0.5)
        fields = self.about_report(when, report, in_app)
        if self.odd("nameless items", 0.03):
            fields = {"ItemName": fields["ItemName"]} if dice.chance(0.5) else {
                **self.place(when, report.workspace), "ReportName": report.name(when)}
        method = dice.pick(["Workspace", "Apps" if in_app else "Shared", None])
        self.add(when, self.actor(), "ViewReport", **fields, DistributionMethod=method,
                 ConsumptionMethod=dice.pick(["Power BI Web", "Power BI Web", "Mobile", "", None]),
                 UserAgent=dice.pick(AGENTS["person"]))

    def dashboard(self, when: datetime) -> None:
        board, dice = self.dice.pick(self.tenant.dashboards), self.dice
        fields = self.place(when, board.workspace)
        if not self.odd("nameless items", 0.1):
            fields |= {"DashboardId": board.id, "DashboardName": board.name(when)}
        if dice.chance(0.1):
            fields |= {"AppId": self.tenant.apps[0].id, "AppName": self.tenant.apps[0].name(when)}
        user = self.actor()
        operation = dice.pick(["ViewDashboard", "ViewDashboard", "ViewTile", "ViewDataflow"])
        if operation == "ViewDataflow":
            flow = dice.pick(self.tenant.dataflows)
            fields = {**self.place(when, flow.workspace), "DataflowId": flow.id,
                      "DataflowName": flow.name(when)}
        self.add(when, user, operation, **fields, UserAgent=dice.pick(AGENTS["person"]))

    def old_report(self, when: datetime) -> Thing:
        return self.dice.pick([report for report in self.tenant.reports if report.born <= when])

    def births(self, day: date) -> None:
        """Creates the reports that are new on a day; their first viewers come later."""
        for report in self.tenant.reports:
            if report.born.date() == day and report.born.year > 1970:
                self.add(report.born, self.person(),
                         self.dice.pick(["CreateReport", "Import", "ImportArtifactEnd"]),
                         **self.about_report(report.born, report))

    def export(self, when: datetime) -> None:
        dice, report = self.dice, self.old_report(when)
        user = self.actor()
        if not isinstance(user, str) and user[0] in ("Anonymous", ""):
            user = self.person()
        fields = self.about_report(when, report)
        operation = dice.pick(["ExportReport", "ExportReport", "PrintReport", "DownloadReport",
                               "ExportArtifact", "ExportTile", "ExportDataflow"])
        if operation == "ExportTile":
            board = dice.pick(self.tenant.dashboards)
            fields = {**self.place(when, board.workspace), "DashboardId": board.id,
                      "DashboardName": board.name(when)}
        if operation == "ExportDataflow":
            flow = dice.pick(self.tenant.dataflows)
            fields = {**self.place(when, flow.workspace), "DataflowName": flow.name(when)}
            if not self.odd("nameless items", 0.4):
                fields["DataflowId"] = flow.id
        if operation == "ExportArtifact" and dice.chance(0.7):
            fields["ExportedArtifactInfo"] = {"ExportType": dice.pick(["PDF", "PPTX", "XLSX"]),
                                              "ArtifactType": "Report", "ArtifactId": 7}
        self.add(when, user, operation, failed=0.1, **fields)
        if operation in ("ExportReport", "PrintReport", "ExportArtifact"):
            for _ in range(dice.below(3)):
                shift = timedelta(seconds=dice.pick([-10, -4, 0, 3, 10, 11, -12]))
                if (when + shift).date() == when.date():
                    self.add(when + shift, user, "ViewReport", failed=0.0, **fields)

    def burst(self, day: date) -> None:
        """One user exports many items on one day."""
        user = self.person()
        for _ in range(self.dice.between(9, 14)):
            report, when = self.dice.pick(self.tenant.reports), self.moment(day)
            self.add(when, user, "ExportReport", failed=0.05, **self.about_report(when, report))

    def author(self, when: datetime) -> None:
        dice, report = self.dice, self.old_report(when)
        user = dice.pick(self.tenant.staff[:8]) if dice.chance(0.9) else self.actor()
        operation = dice.pick(["CreateReport", "EditReport", "EditReport", "EditReport", "Import",
                               "CopyReport", "ImportArtifactStart", "ImportArtifactEnd",
                               "DeleteReport", "SaveAutogeneratedReport", "EditDataset",
                               "CreateDataset", "AddTile"])
        if operation in ("EditDataset", "CreateDataset"):
            model = dice.pick(self.tenant.models)
            fields = {**self.place(when, model.workspace), "DatasetId": model.id,
                      "DatasetName": model.name(when)}
        elif operation == "AddTile":
            board = dice.pick(self.tenant.dashboards)
            fields = {**self.place(when, board.workspace), "DashboardId": board.id,
                      "DashboardName": board.name(when)}
        else:
            fields = self.about_report(when, report)
            fields.pop("AppReportId", None)
            fields["ReportId"] = report.id
        event = self.add(when, user, operation, failed=0.12, **fields)
        if operation == "DeleteReport" and event.get("IsSuccess", True) is True:
            report.alive = dice.chance(0.5)

    def refresh(self, when: datetime) -> None:
        dice, model = self.dice, self.dice.pick(self.tenant.models)
        user = dice.pick([*self.tenant.staff[20:24], self.tenant.services[0], self.person()])
        fields = {**self.place(when, model.workspace), "DatasetName": model.name(when),
                  "ItemName": model.name(when)}
        if not self.odd("nameless items", 0.08):
            fields["DatasetId"] = model.id
        operation = dice.pick(["RefreshDataset"] * 5 + [
            "RefreshDatasetFromExternalApplication", "RequestDataflowRefresh",
            "CancelDatasetRefresh"])
        kind = dice.pick(["Scheduled", "Scheduled", "OnDemand", None])
        if kind == "Scheduled" and "schedules" not in self.traits:
            kind = "OnDemand"
        if operation == "RequestDataflowRefresh":
            flow = dice.pick(self.tenant.dataflows)
            fields = {**self.place(when, flow.workspace), "DataflowId": flow.id,
                      "DataflowName": flow.name(when),
                      "DataflowRefreshScheduleType": dice.pick([kind, "OnDemand", None])}
            kind = None
        self.add(when, user, operation, failed=0.15, **fields,
                 RefreshType=kind if operation == "RefreshDataset" else None)

    def recipients(self) -> list[str]:
        """Returns addresses inside and outside the tenant."""
        known = [self.person() for _ in range(3)] + [
            "boss@partner.example", "New.One@elsewhere.example", self.tenant.guests[0][0],
            self.tenant.admin,
        ]
        return self.dice.some(known, 3)

    def share(self, when: datetime) -> None:
        dice, report = self.dice, self.dice.pick(self.tenant.reports)
        user = dice.pick([self.person(), self.person(), self.tenant.services[1],
                          self.tenant.guests[0]])
        operation = dice.pick(["ShareReport", "ShareReport", "ShareDashboard", "ShareDataset"])
        fields = self.about_report(when, report)
        if operation == "ShareDashboard":
            board = dice.pick(self.tenant.dashboards)
            fields = {**self.place(when, board.workspace), "DashboardId": board.id,
                      "DashboardName": board.name(when)}
        if operation == "ShareDataset":
            model = report.model
            fields = {**self.place(when, model.workspace), "DatasetId": model.id,
                      "DatasetName": model.name(when)}
        action, scope, people = dice.pick([
            ("Direct", "Specific People", True), ("Direct", None, True),
            ("CreateShareLink", "Organization", False),
            ("CreateShareLink", "Specific People", True),
        ])
        if people:
            fields["SharingInformation"] = [
                {"RecipientEmail": address, "ResharePermission": dice.pick(["Read", "ReadReshare"])}
                for address in self.recipients()]
        self.add(when, user, operation, failed=0.1, **fields, SharingAction=action,
                 SharingScope=scope)

    def subscription(self, when: datetime) -> None:
        dice, report = self.dice, self.tenant.reports[self.dice.below(4)]
        user = dice.pick([*self.tenant.staff[24:26], self.tenant.staff[0], self.tenant.services[1]])
        runs = ["RunEmailSubscription"] * 5 if "schedules" in self.traits else []
        operation = dice.pick(runs + [
            "CreateEmailSubscription", "UpdateEmailSubscription", "DeleteEmailSubscription",
            "TakeOverEmailSubscription"])
        fields = self.about_report(when, report)
        fields["SubscribeeInformation"] = [{"RecipientEmail": address}
                                           for address in self.recipients()]
        if dice.chance(0.3):
            fields["ExternalSubscribeeInformation"] = [{"RecipientEmail": "Out@vendor.example"}]
        self.add(when, user, operation, failed=0.1, **fields,
                 HasFullReportAttachment=dice.pick([True, False, None]))

    def access(self, when: datetime) -> None:
        dice, workspace = self.dice, self.dice.pick(self.tenant.workspaces)
        user = dice.pick([self.person(), self.person(), self.tenant.services[0]])
        name = user if isinstance(user, str) else user[0]
        operation = dice.pick(["AddGroupMembers", "DeleteGroupMembers", "UpdateWorkspaceAccess",
                               "AddAdminPersonalWorkspaceAccess"])
        fields = self.place(when, workspace)
        if self.odd("nameless items", 0.1):
            fields = {}
        members = self.recipients() + ([name] if dice.chance(0.2) and "@" in name else [])
        if operation == "UpdateWorkspaceAccess":
            fields["UserInformation"] = {"UsersAdded": members[:1], "UsersRemoved": members[1:]}
        elif operation != "AddAdminPersonalWorkspaceAccess":
            status = "Added" if operation.startswith("Add") else "Removed"
            fields["MembershipInformation"] = [{"MemberEmail": member, "Status": status}
                                               for member in members]
        self.add(when, user, operation, failed=0.1, **fields)

    def external(self, when: datetime) -> None:
        dice, model = self.dice, self.dice.pick(self.tenant.models)
        operation = dice.pick(["AnalyzeInExcel", "AnalyzedByExternalApplication", "ExploreDataset",
                               "ConnectFromExternalApplication"])
        user = self.actor()
        for _ in range(dice.between(1, 4)):
            self.add(when, user, operation, **self.place(when, model.workspace),
                     DatasetId=None if self.odd("nameless items", 0.05) else model.id,
                     DatasetName=model.name(when),
                     UserAgent=dice.pick([AGENTS["excel"], "DaxStudio/3.0", None]))
            when = when + timedelta(minutes=dice.pick([1, 29, 30, 31, 90]))
            if when.date() > self.tenant.last:
                break

    def app(self, when: datetime) -> None:
        dice, app = self.dice, self.dice.pick(self.tenant.apps)
        operation = dice.pick(["InstallApp", "InstallApp", "UpdateApp", "CreateApp",
                               "UnpublishApp"])
        fields = {**self.place(when, app.workspace), "AppName": app.name(when),
                  "ItemName": app.name(when)}
        if not self.odd("nameless items", 0.1):
            fields["AppId"] = app.id
        self.add(when, self.person(), operation, failed=0.2, **fields)

    def deletion(self, when: datetime) -> None:
        dice, tenant = self.dice, self.tenant
        user = dice.pick([self.person(), tenant.services[1]])
        operation = dice.pick(["DeleteDashboard", "DeleteDataset", "DeleteDataflow", "DeleteFolder",
                               "DeleteGroup", "TakeOverDataset", "TookOverDataflow"])
        fields: dict = {}
        if operation == "DeleteDashboard":
            thing, key = dice.pick(tenant.dashboards), "Dashboard"
        elif operation in ("DeleteDataset", "TakeOverDataset"):
            thing, key = dice.pick(tenant.models), "Dataset"
        elif operation in ("DeleteDataflow", "TookOverDataflow"):
            thing, key = dice.pick(tenant.dataflows), "Dataflow"
        else:
            thing, key = dice.pick(tenant.workspaces), None
        fields = self.place(when, thing.workspace if key else thing)
        if key:
            fields |= {f"{key}Name": thing.name(when), "ItemName": thing.name(when)}
            if not self.odd("nameless items", 0.3):
                fields[f"{key}Id"] = thing.id
        self.add(when, user, operation, failed=0.15, **fields,
                 OriginalOwner=self.person() if operation.startswith("T") else None)

    def reads(self, when: datetime) -> None:
        """A scanner reads: a service principal, or a person's account with a script."""
        dice = self.dice
        user = dice.pick([self.tenant.services[0], self.tenant.staff[21], self.tenant.staff[0]]
                         if "scans" in self.traits else self.tenant.services[:1])
        operation = dice.pick(["GetGroupsAsAdmin", "GetDatasources", "GetRefreshHistory",
                               "GetWorkspacesInfoAPI"])
        for _ in range(dice.between(1, 4)):
            self.add(when, user, operation, **self.place(when, dice.pick(self.tenant.workspaces)))

    def embed(self, when: datetime) -> None:
        dice, report = self.dice, self.dice.pick(self.tenant.reports)
        several = dice.chance(0.25)
        fields = self.place(when, report.workspace) if several else self.about_report(when, report)
        self.add(when, dice.pick([self.tenant.services[0], self.tenant.services[1], self.person()]),
                 "GenerateMultiResourceEmbedToken" if several else "GenerateEmbedToken",
                 failed=0.15, **fields,
                 RLSIdentities=dice.pick([None, '[{"username":"x"}]', "[]"]))

    def gateway(self, when: datetime) -> None:
        dice, gateway = self.dice, self.dice.pick(self.tenant.gateways)
        self.add(when, self.person(), dice.pick(["AddDatasourceToGateway", "UpdateGateway",
                                                 "RemoveDatasourceFromGateway"]),
                 failed=0.15, GatewayId=gateway.id, GatewayName=gateway.name(when),
                 DatasourceName=dice.pick(["dwh", None]), DatasourceType=dice.pick(["Sql", None]),
                 DatasourceId=dice.guid())

    def public(self, when: datetime) -> None:
        dice, report = self.dice, self.tenant.reports[self.dice.below(3)]
        self.add(when, dice.pick([self.person(), self.tenant.services[0]]),
                 dice.pick(["PublishToWebReport", "PublishToWebReport", "DeleteEmbedCode"]),
                 failed=0.2, **self.about_report(when, report))

    def trial(self, when: datetime) -> None:
        dice = self.dice
        self.add(when, self.person(), dice.pick(["OptInForProTrial", "OptInForPPUTrial",
                                                 "TrialLicenseExtension"]), failed=0.2,
                 LicenseDisplayName=dice.pick([None, "Power BI Pro"]))

    def setting(self, when: datetime) -> None:
        self.add(when, self.person(), "UpdatedAdminFeatureSwitch", ItemName="Publish to web",
                 SwitchState=self.dice.pick(["Enabled", "Disabled"]))

    def other(self, when: datetime) -> None:
        """Activities of the catalog that no report groups, and one that it does not have."""
        dice, workspace = self.dice, self.dice.pick(self.tenant.workspaces)
        self.add(when, self.actor(), dice.pick(["GenerateDataflowSasToken", "PostComment",
                                                "OptInForSomethingNew"]),
                 failed=0.2, **self.place(when, workspace))

    def launch(self, when: datetime) -> None:
        """A launch of a Power App, in the forms of old and new records."""
        dice, tenant = self.dice, self.tenant
        app = dice.pick(tenant.power_apps)
        user = dice.pick([self.person(), self.person(), tenant.guests[1]])
        event = {"Id": dice.guid(), "CreationTime": when.strftime("%Y-%m-%dT%H:%M:%S"),
                 "Operation": "launchpowerapp" if self.odd("any case", 0.05) else "LaunchPowerApp",
                 "UserId": user if isinstance(user, str) else user[0], "UserType": 0,
                 "ResultStatus": "Success"}
        if dice.chance(0.5):
            event |= {"RecordType": 45, "Workload": "PowerApps", "AppName": app.id,
                      "AdditionalInfo": json.dumps({
                          "environmentName": tenant.environment.id.upper(),
                          "environmentDisplayName": tenant.environment.name(when),
                          "resourceDisplayName": app.name(when)})}
        else:
            event |= {"RecordType": 256, "Workload": "PowerPlatform", "PropertyCollection": [
                {"Name": "powerplatform.analytics.resource.environment.id",
                 "Value": tenant.environment.id},
                {"Name": "powerplatform.analytics.resource.environment.name",
                 "Value": tenant.environment.name(when)},
                {"Name": "powerplatform.analytics.resource.power_app.id", "Value": app.id},
                {"Name": "powerplatform.analytics.resource.power_app.display_name",
                 "Value": app.name(when)}]}
        self.platform.append((when, event))

    def downloads(self, day: date, first_hour: int = 0, last_hour: int = 24) -> None:
        """Records the download of a day, which the service writes on the next day."""
        start = datetime.combine(day, time())
        whole = self.dice.chance(0.2)
        windows = [(first_hour, last_hour)] if whole else [
            (hour, hour + 1) for hour in range(first_hour, last_hour)]
        for number, (begin, end) in enumerate(windows):
            when = start + timedelta(days=1, hours=3, seconds=20 * number)
            event = self.add(
                when, self.tenant.services[0], "ExportActivityEvents", failed=0.0,
                ExportEventStartDateTimeParameter=(
                    start + timedelta(hours=begin)).isoformat() + "Z",
                ExportEventEndDateTimeParameter=(
                    start + timedelta(hours=end, seconds=-1)).isoformat() + "Z")
            event["Operation"] = event["Activity"] = "ExportActivityEvents"
