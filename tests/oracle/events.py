"""Reads the raw events of an archive back from its files, with the standard library only.

Nothing here comes from the program or from its SQL. The catalog of activities (which activity
belongs to which group) is the data file that both share, src/schema/operations.tsv: it is a list of
decisions, not a calculation.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path

CATALOG = Path(__file__).resolve().parents[2] / "src" / "schema" / "operations.tsv"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BLANK = {"operation": None, "friendly_name": None, "category": None, "item_kind": None,
         "group": "", "noise": "", "note": ""}

# Members whose name Microsoft writes in two ways.
SPELLINGS = {"workspacename": "WorkspaceName"}


def catalog() -> dict[str, dict]:
    """Returns the catalog by the name of the activity in lower case."""
    with CATALOG.open(encoding="utf-8", newline="") as file:
        return {row["operation"].lower(): row for row in csv.DictReader(file, delimiter="\t")}


OPERATIONS = catalog()


def text(value) -> str | None:
    """Returns a text, or None instead of an empty one."""
    return value if isinstance(value, str) and value else None


def lower(value) -> str | None:
    value = text(value)
    return value.lower() if value else None


def identifier(value) -> str | None:
    """Returns an ID; GUIDs are in lower case."""
    value = text(value)
    return value.lower() if value and GUID.fullmatch(value.lower()) else value


def microseconds(value: str) -> datetime:
    """Parses a time of the log, which is in UTC whether it says so or not."""
    return datetime.fromisoformat(value.removesuffix("Z")).replace(tzinfo=timezone.utc)


@dataclass(eq=False)
class Event:
    """One event: all members that any copy of it has."""

    raw: dict

    def get(self, name: str):
        return self.raw.get(name)

    def id_of(self, name: str) -> str | None:
        return identifier(self.raw.get(name))

    @cached_property
    def id(self) -> str:
        return identifier(self.raw["Id"])

    @cached_property
    def time(self) -> datetime:
        return microseconds(self.raw["CreationTime"])

    @cached_property
    def activity(self) -> str:
        """The name of the activity, spelled as in the catalog if the catalog has it."""
        name = text(self.raw.get("Activity")) or self.raw["Operation"]
        return OPERATIONS.get(name.lower(), {"operation": name})["operation"]

    @cached_property
    def catalog(self) -> dict:
        return OPERATIONS.get(self.activity.lower(), BLANK)

    @cached_property
    def group(self) -> str:
        return self.catalog["group"]

    @cached_property
    def noise(self) -> str:
        return self.catalog["noise"] or "no"

    @cached_property
    def is_platform(self) -> bool:
        """True for the Power Platform, whose log is not that of Power BI."""
        return self.raw.get("RecordType") not in (20, 357)

    @cached_property
    def account(self) -> str | None:
        """The user name as in the log, in lower case."""
        return lower(self.raw.get("UserId"))

    @cached_property
    def user(self) -> str | None:
        """The address of the user; that of an invited guest is in the name of the account."""
        return own_address(self.account) if self.account else None

    @cached_property
    def is_invited(self) -> bool:
        return bool(self.account and "#ext#" in self.account) or self.raw.get("UserType") == 10

    @cached_property
    def is_anonymous(self) -> bool:
        return self.user == "anonymous"

    @cached_property
    def is_service(self) -> bool:
        if self.is_anonymous:
            return False
        user_type = self.raw.get("UserType")
        return bool(self.user and GUID.fullmatch(self.user)) or user_type in range(3, 9)

    @cached_property
    def domain(self) -> str | None:
        return domain(self.user)

    @cached_property
    def is_failed(self) -> bool:
        return self.raw.get("IsSuccess") is False or self.raw.get("ResultStatus") in (
            "Failed", "Failure")

    @cached_property
    def report(self) -> str | None:
        app_report = self.id_of("AppReportId")
        if app_report and not self.id_of("AppId"):
            return app_report
        return self.id_of("ReportId")

    @cached_property
    def workspace(self) -> str | None:
        return self.id_of("WorkspaceId")

    @cached_property
    def workspace_word(self) -> str | None:
        return text(self.raw.get("WorkspaceName"))

    @cached_property
    def is_personal(self) -> bool:
        name = self.workspace_word or ""
        return lower(self.workspace) == "my workspace" or name.startswith("PersonalWorkspace")

    @cached_property
    def kinds_of_item(self) -> list[tuple[str, str | None, str | None]]:
        """Kind, ID and name of all that the event can be about, the most likely first.

        An event of a report also has the IDs of its dashboard and its semantic model, and an event
        of a semantic model can have the ID of a report. The workspace is the item only of
        activities about workspaces.
        """
        about_report = "Report" in self.activity
        about_model = self.catalog["item_kind"] == "Dataset/SemanticModel"
        found = [
            ("Dashboard", self.id_of("DashboardId"), "DashboardName", not about_report),
            ("Report", self.report, "ReportName", not about_model),
            ("SemanticModel", self.id_of("DatasetId"), "DatasetName", not about_report),
            ("Dataflow", self.id_of("DataflowId"), "DataflowName", True),
            ("App", self.id_of("AppId"), "AppName", True),
            ("Gateway", self.id_of("GatewayId"), "GatewayName", True),
            ("Workspace", self.workspace, "WorkspaceName",
             self.catalog["item_kind"] == "Workspace"),
        ]
        return [(kind, key, text(self.raw.get(name))) for kind, key, name, fits in found if fits]

    @cached_property
    def item(self) -> tuple[str, str, str | None] | None:
        """Kind, ID and name of the item that the event names by an ID of its own."""
        for kind, key, name in self.kinds_of_item:
            if key:
                return kind, key, name or text(self.raw.get("ItemName"))
        return None

    @cached_property
    def named_item(self) -> tuple[str, None, str] | None:
        """Kind and name of the item, if the event has no ID of an item but a name."""
        return next(((kind, None, name) for kind, _, name in self.kinds_of_item if name), None)

    @cached_property
    def item_name(self) -> str | None:
        """The name of the item in the event, which can be the only thing that the event says."""
        if self.item:
            return self.item[2]
        names = [name for _, _, name in self.kinds_of_item if name]
        return names[0] if names else text(self.raw.get("ItemName"))

    @cached_property
    def properties(self) -> dict[str, str]:
        """Details of a Power Platform record, from its list of names and values."""
        pairs = self.raw.get("PropertyCollection") or []
        prefix = "powerplatform.analytics.resource."
        return {pair["Name"].removeprefix(prefix): pair["Value"] for pair in pairs}

    @cached_property
    def details(self) -> dict[str, str]:
        return json.loads(self.raw["AdditionalInfo"]) if "AdditionalInfo" in self.raw else {}

    @cached_property
    def power_app(self) -> str | None:
        if self.raw.get("RecordType") == 45:
            return lower(self.raw.get("AppName"))
        return lower(self.properties.get("power_app.id"))

    @cached_property
    def power_app_name(self) -> str | None:
        return self.properties.get("power_app.display_name") or self.details.get(
            "resourceDisplayName")

    @cached_property
    def environment(self) -> str | None:
        return lower(self.properties.get("environment.id") or self.details.get("environmentName"))

    @cached_property
    def environment_name(self) -> str | None:
        return self.properties.get("environment.name") or self.details.get("environmentDisplayName")


def own_address(account: str) -> str:
    """Returns `kim@partner.example` for `kim_partner.example#ext#@tenant`."""
    name, mark, _ = account.partition("#ext#")
    return "@".join(name.rsplit("_", 1)) if mark and "_" in name else account


def domain(user: str | None) -> str | None:
    """Returns the domain of an address in lower case."""
    return user.rsplit("@", 1)[1] if user and "@" in user else None


# ---------------------------------------------------------------- files


def values(content: str) -> list:
    """Returns the JSON values of a text one after another, up to the first damaged one."""
    decoder, found, position = json.JSONDecoder(), [], 0
    while True:
        while position < len(content) and content[position] in " \r\n\t,":
            position += 1
        if position == len(content):
            return found
        try:
            value, position = decoder.raw_decode(content, position)
        except json.JSONDecodeError:
            return found + damaged(content[position:])
        found.append(value)


def damaged(content: str) -> list:
    """Returns the events of a list or a page that ends in the middle of a record."""
    start = content.find("[")
    return values(content[start + 1:]) if start >= 0 and content[0] in "[{" else []


def records(path: Path) -> list[dict]:
    """Returns the events of a file."""
    content = path.read_text(encoding="utf-8-sig", errors="ignore")
    if path.suffix == ".csv":
        return [json.loads(row["AuditData"]) for row in csv.DictReader(io.StringIO(content))]
    found = []
    for value in values(content):
        if isinstance(value, list):
            found += value
        elif "activityEventEntities" in value:
            found += value["activityEventEntities"]
        elif "Id" in value:
            found.append(value)
    return found


def read(folder: Path) -> list[Event]:
    """Returns the events of an archive, one for each ID, by time and ID."""
    by_id: dict[str, dict] = {}
    for path in sorted(folder.iterdir()):
        for record in records(path):
            record = {SPELLINGS.get(name.lower(), name): value for name, value in record.items()}
            merged = by_id.setdefault(identifier(record["Id"]), {})
            for name, value in record.items():
                merged.setdefault(name, value)
    events = [Event(raw) for raw in by_id.values()]
    return sorted(events, key=lambda event: (event.time, event.id))
