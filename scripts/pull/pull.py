#!/usr/bin/env python3
"""Downloads the Power BI activity log, one file for each UTC day. See docs/pulling.md.

    pull.py --folder activity-log                 the last three days that have ended
    pull.py --folder activity-log --days 28       as far back as Microsoft promises
    pbi-analyze gaps | pull.py --folder activity-log --days-from -
                                                  the days to repair, and the last three
    pull.py --what scanner --folder scans         the workspaces and their items
    pull.py --what people --folder people         the users of the tenant and their licenses
    pull.py --what licenses --folder licenses     the licenses of the tenant

Needs Python 3.9 and no packages. Signs in as a service principal with PBI_TENANT_ID, PBI_CLIENT_ID
and PBI_CLIENT_SECRET; as a person with --sign-in, PBI_TENANT_ID and PBI_CLIENT_ID; or uses the
access token in PBI_TOKEN.

Exit codes: 0 success; 1 a download failed; 2 usage error; 3 a download of a day lacks events of an
older file of the day, and the older file was kept.
"""

import argparse
import contextlib
import datetime
import email.utils
import http.client
import json
import os
import pathlib
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ATTEMPTS = 8
TIMEOUT_SECONDS = 120
DELAY_MAX_SECONDS = 300
# A day with more pages is downloaded hour by hour: a chain of pages that breaks costs an hour then.
PAGES_MAX = 40
# Microsoft keeps the log for 28 to 30 days.
DAYS_MAX = 30
# A scan accepts this many workspaces.
WORKSPACES_PER_SCAN = 100
# A page can be at another host of Microsoft's, which gets the access token.
TRUSTED_HOSTS = (
    ".powerbi.com",
    ".analysis.windows.net",
    ".powerbigov.us",
    ".analysis.usgovcloudapi.net",
    ".powerbi.cn",
    ".analysis.chinacloudapi.cn",
    ".microsoft.com",
)
POWER_BI_SCOPE = "https://analysis.windows.net/powerbi/api/.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
USER_FIELDS = "id,userPrincipalName,displayName,mail,department,accountEnabled,assignedLicenses"


class PullError(Exception):
    """A download that failed for good."""


class BrokenChain(PullError):
    """A chain of pages that has to be downloaded from its start."""


class TooManyPages(Exception):
    """A part of the log that has to be downloaded in smaller parts."""


def log(message):
    print(message, file=sys.stderr, flush=True)


class Api:
    """Requests to the API, with sign-in and retries."""

    def __init__(self, args, scope, base_url):
        self.base_url = base_url.rstrip("/")
        self.login = args.login.rstrip("/")
        self.scope = scope
        self.base_delay = args.base_delay
        self.is_person = args.sign_in
        self.token = os.environ.get("PBI_TOKEN")
        self.can_sign_in = not self.token
        self.refresh_token = None

    def sign_in(self):
        names = ["PBI_TENANT_ID", "PBI_CLIENT_ID"]
        if not self.is_person:
            names.append("PBI_CLIENT_SECRET")
        values = [os.environ.get(name, "") for name in names]
        if not all(values):
            raise PullError(f"set {', '.join(names)}, or PBI_TOKEN")
        tenant = f"{self.login}/{urllib.parse.quote(values[0])}/oauth2/v2.0"
        form = {"client_id": values[1], "scope": self.scope}
        if not self.is_person:
            form.update(grant_type="client_credentials", client_secret=values[2])
            answer = self.post_form(f"{tenant}/token", form)
        elif self.refresh_token:
            form.update(grant_type="refresh_token", refresh_token=self.refresh_token)
            answer = self.post_form(f"{tenant}/token", form)
        else:
            form["scope"] += " offline_access"
            answer = self.sign_in_with_code(tenant, form)
        self.token = answer["access_token"]
        self.refresh_token = answer.get("refresh_token", self.refresh_token)

    def sign_in_with_code(self, tenant, form):
        """Shows a code that a person enters in a browser, and waits until it was entered."""
        device = self.post_form(f"{tenant}/devicecode", form)
        log(device["message"])
        end = time.monotonic() + int(device.get("expires_in", 900))
        poll = {
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "client_id": form["client_id"],
            "device_code": device["device_code"],
        }
        delay = float(device.get("interval", 5))
        while time.monotonic() < end:
            time.sleep(delay)
            try:
                return self.post_form(f"{tenant}/token", poll)
            except PullError as error:
                if "slow_down" in str(error):
                    delay += 5
                elif "authorization_pending" not in str(error):
                    raise
        raise PullError("nobody entered the code in time")

    def post_form(self, url, form):
        try:
            return self.send(url, urllib.parse.urlencode(form).encode(), {})[1]
        except urllib.error.HTTPError as error:
            raise PullError(f"signing in failed: {describe(error)}") from error

    def call(self, url, body=None):
        """Returns the text of an answer and its JSON."""
        self.check_host(url)
        was_refused = False
        while True:
            if not self.token:
                self.sign_in()
            headers = {"Authorization": f"Bearer {self.token}"}
            if body is not None:
                headers["Content-Type"] = "application/json"
            try:
                return self.send(url, body, headers)
            except urllib.error.HTTPError as error:
                # Access tokens last about an hour, and a throttled download can last longer.
                if error.code != 401 or not self.can_sign_in or was_refused:
                    problem = f"the API refused the request: {describe(error)}"
                    is_broken = error.code in (400, 404, 410)
                    raise (BrokenChain if is_broken else PullError)(problem) from error
                self.token, was_refused = None, True

    def send(self, url, body, headers):
        for attempt in range(1, ATTEMPTS + 1):
            wait = None
            try:
                request = urllib.request.Request(url, data=body, headers=headers)
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                    text = response.read().decode("utf-8-sig")
                return text, json.loads(text)
            except urllib.error.HTTPError as error:
                if error.code != 429 and error.code < 500:
                    raise
                problem, wait = f"HTTP {error.code}", retry_after(error.headers)
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            except ValueError:
                # Half an answer, or the page of a proxy.
                problem = "the answer is not JSON"
            if attempt == ATTEMPTS:
                raise PullError(f"gave up after {ATTEMPTS} attempts: {problem}")
            if wait is None:
                delay = min(self.base_delay * 2 ** (attempt - 1), DELAY_MAX_SECONDS)
                wait = delay * (0.5 + random.random() / 2)
            log(f"{problem}; next attempt in {wait:.0f} s")
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def check_host(self, url):
        own, other = urllib.parse.urlsplit(self.base_url), urllib.parse.urlsplit(url)
        is_own = (own.scheme, own.netloc) == (other.scheme, other.netloc)
        host = other.hostname or ""
        if not is_own and not (other.scheme == "https" and host.endswith(TRUSTED_HOSTS)):
            raise PullError(f"the next page is at an unknown host: {host}")

    def pages(self, url, next_member, list_member):
        """Yields the text and the list of each page of a chain."""
        seen = set()
        while url:
            if url in seen:
                raise PullError("a page names itself as the next page")
            seen.add(url)
            text, page = self.call(url)
            found = page.get(list_member) if isinstance(page, dict) else None
            if not isinstance(found, list):
                raise PullError(f"the answer has no list {list_member}")
            yield text, found
            # An empty page can have a next page.
            url = page.get(next_member)


def describe(error):
    return f"HTTP {error.code} {error.read(400).decode('utf-8', 'replace').strip()}"


def retry_after(headers):
    """Returns the seconds in Retry-After, which is a number or a date."""
    value = (headers.get("Retry-After") or "").strip()
    if value.isdigit():
        return int(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, IndexError):
        return None


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


# The activity log.


def event_ids(events):
    """Returns the IDs of events. An event without an ID counts by its content."""
    ids = set()
    for event in events:
        found = event.get("Id") if isinstance(event, dict) else None
        ids.add(found or json.dumps(event, sort_keys=True))
    return ids


def ids_in_file(path):
    """Returns the IDs in a file of pages or of lists, up to the first damage."""
    text = path.read_bytes().decode("utf-8-sig", "replace")
    decoder, at, ids = json.JSONDecoder(), 0, set()
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return ids
        try:
            page, at = decoder.raw_decode(text, at)
        except ValueError:
            log(f"{path} is damaged at character {at}")
            return ids
        events = page.get("activityEventEntities", []) if isinstance(page, dict) else page
        ids |= event_ids(events if isinstance(events, list) else [])


def events_url(api, start, end):
    query = urllib.parse.urlencode({"startDateTime": f"'{start}'", "endDateTime": f"'{end}'"})
    return f"{api.base_url}/admin/activityevents?{query}"


def write_part(api, file, day, first, last, pages_max):
    """Writes the pages of some hours of a day at the end of a file, and returns their IDs."""
    begin, attempt = file.tell(), 1
    url = events_url(api, f"{day}T{first:02}:00:00.000Z", f"{day}T{last:02}:59:59.999Z")
    while True:
        file.seek(begin)
        file.truncate()
        ids, pages = set(), 0
        try:
            for text, events in api.pages(url, "continuationUri", "activityEventEntities"):
                pages += 1
                if pages_max is not None and pages > pages_max:
                    raise TooManyPages
                file.write(text.strip().encode("utf-8") + b"\n")
                ids |= event_ids(events)
            return ids
        except BrokenChain as error:
            # Tokens of continuations expire.
            if attempt == 3 or pages == 0:
                raise
            log(f"{day}: {error}; downloading from hour {first} again")
            attempt += 1


def write_day(api, file, day, by_hour):
    if not by_hour:
        try:
            return write_part(api, file, day, 0, 23, PAGES_MAX)
        except TooManyPages:
            log(f"{day}: more than {PAGES_MAX} pages; downloading hour by hour")
            file.seek(0)
            file.truncate()
    ids = set()
    for hour in range(24):
        ids |= write_part(api, file, day, hour, hour, None)
    return ids


def pull_day(api, folder, day, by_hour):
    """Downloads a day. Returns false if an older file of the day has events that it lacks."""
    compact = day.replace("-", "")
    # ingest does not read hidden files. The next run overwrites what a killed run left.
    temporary = folder / f".PBIActivityEvents-{compact}.tmp"
    try:
        with open(temporary, "wb") as file:
            ids = write_day(api, file, day, by_hour)
            file.flush()
            os.fsync(file.fileno())
        return keep(folder, compact, temporary, ids)
    finally:
        temporary.unlink(missing_ok=True)


def free_path(folder, compact):
    """Returns the path of a new file. A file of the same second can be damaged, so it is no
    substitute for this download, which waits for the next second."""
    while True:
        path = folder / f"PBIActivityEvents-{compact}-{utc_now():%Y%m%d%H%M%S}.json"
        if not path.exists():
            return path
        time.sleep(0.1)


def keep(folder, compact, temporary, ids):
    """Gives a download its name, and removes older files of the day whose events it all has."""
    older = sorted(folder.glob(f"PBIActivityEvents-{compact}-*.json"))
    known = {path: ids_in_file(path) for path in older}
    stored = set().union(*known.values())
    lost = stored - ids
    if lost and ids <= stored:
        log(f"{compact}: the download lacks {len(lost)} events of older files, which are kept")
        return False
    os.rename(temporary, free_path(folder, compact))
    for other, its in known.items():
        if its <= ids:
            other.unlink(missing_ok=True)
    log(f"{compact}: {len(ids)} events")
    if lost:
        log(f"{compact}: older files have {len(lost)} other events and are kept")
    return not lost


def days_in(text):
    """Returns the days in the output of `pbi-analyze gaps`, as text or JSON."""
    text = text.replace("\ufeff", "").strip()
    if text.startswith("{"):
        words = [gap["day"] for gap in json.loads(text)["gaps"]]
    else:
        words = [line.split()[0] for line in text.splitlines() if line.strip()]
    return {str(datetime.date.fromisoformat(word)) for word in words}


def wanted_days(args):
    today = utc_now().date()
    days = {str(today - datetime.timedelta(days=back)) for back in range(1, args.days + 1)}
    if args.days_from == "-":
        days |= days_in(sys.stdin.read())
    elif args.days_from:
        days |= days_in(pathlib.Path(args.days_from).read_text(encoding="utf-8"))
    # Microsoft refuses older days, and today has not ended.
    oldest = str(today - datetime.timedelta(days=DAYS_MAX))
    return sorted(day for day in days if oldest <= day < str(today))


def pull_activity(args):
    try:
        days = wanted_days(args)
    except (ValueError, KeyError, TypeError) as error:
        log(f"{args.days_from} is not the output of pbi-analyze gaps: {error}")
        return 2
    api = Api(args, POWER_BI_SCOPE, args.api)
    status = 0
    for day in days:
        try:
            if not pull_day(api, args.folder, day, args.by_hour):
                status = status or 3
        except (PullError, OSError) as error:
            log(f"{day}: {error}")
            status = 1
    return status


# Scans, people and licenses: one file for each run.


def write_file(folder, name, lines):
    """Writes a file at once, or not at all."""
    temporary = folder / f".{name}.tmp"
    with open(temporary, "wb") as file:
        for line in lines:
            file.write(line.strip().encode("utf-8") + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, folder / f"{name}-{utc_now():%Y%m%d%H%M%S}.json")


def pull_chain(args, name, path):
    api = Api(args, GRAPH_SCOPE, args.graph)
    pages = [text for text, _ in api.pages(api.base_url + path, "@odata.nextLink", "value")]
    write_file(args.folder, name, pages)
    log(f"{name}: {len(pages)} pages")
    return 0


def pull_scanner(args):
    api = Api(args, POWER_BI_SCOPE, args.api)
    found = api.call(f"{api.base_url}/admin/workspaces/modified")[1]
    workspaces = [workspace["id"] for workspace in found]
    options = "lineage=True&datasourceDetails=True&getArtifactUsers=True"
    results = []
    for start in range(0, len(workspaces), WORKSPACES_PER_SCAN):
        part = workspaces[start : start + WORKSPACES_PER_SCAN]
        body = json.dumps({"workspaces": part}).encode()
        scan = api.call(f"{api.base_url}/admin/workspaces/getInfo?{options}", body)[1]["id"]
        for attempt in range(120):
            state = api.call(f"{api.base_url}/admin/workspaces/scanStatus/{scan}")[1]["status"]
            if state not in ("NotStarted", "Running"):
                break
            time.sleep(min(args.base_delay * (attempt + 1), 30))
        if state != "Succeeded":
            raise PullError(f"scan {scan} ended as {state}")
        results.append(api.call(f"{api.base_url}/admin/workspaces/scanResult/{scan}")[0])
    write_file(args.folder, "PBIFullScan", results)
    log(f"scan: {len(workspaces)} workspaces")
    return 0


PULLS = {
    "activity": pull_activity,
    "scanner": pull_scanner,
    "people": lambda args: pull_chain(args, "People", f"/users?$select={USER_FIELDS}&$top=999"),
    "licenses": lambda args: pull_chain(args, "Licenses", "/subscribedSkus"),
}


@contextlib.contextmanager
def locked(folder):
    """Refuses a second download into a folder. The system unlocks the file of a killed one."""
    with open(folder / ".pull.lock", "a+b") as file:
        try:
            if os.name == "nt":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PullError(f"another download into {folder} is running") from error
        yield


def main():
    parser = argparse.ArgumentParser(description="Download the Power BI activity log.")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="must exist")
    parser.add_argument("--what", choices=sorted(PULLS), default="activity")
    parser.add_argument("--days", type=int, default=3, help="days before today (default: 3)")
    parser.add_argument(
        "--days-from", metavar="FILE", help="more days: the output of pbi-analyze gaps, - for stdin"
    )
    parser.add_argument("--by-hour", action="store_true", help="download hour by hour")
    parser.add_argument("--sign-in", action="store_true", help="sign in as a person, with a code")
    parser.add_argument("--api", default="https://api.powerbi.com/v1.0/myorg")
    parser.add_argument("--graph", default="https://graph.microsoft.com/v1.0")
    parser.add_argument("--login", default="https://login.microsoftonline.com")
    parser.add_argument("--base-delay", type=float, default=2.0, help="seconds (default: 2)")
    args = parser.parse_args()
    if not 0 <= args.days <= DAYS_MAX:
        parser.error(f"--days is 0 to {DAYS_MAX}, because Microsoft deletes older days")
    # The folder of a share that is not mounted must not be created.
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is not a folder; create it, or mount it")
    try:
        with locked(args.folder):
            return PULLS[args.what](args)
    except (PullError, OSError) as error:
        log(str(error))
    except (KeyError, TypeError) as error:
        log(f"the answer of the API has another form than expected: {error!r}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
