#!/usr/bin/env python3
"""Downloads the Power BI activity log, one file for each UTC day. See docs/pulling.md.

    pull.py --folder activity-log                      the last three days that have ended
    pull.py --folder activity-log --days 28            as far back as Microsoft guarantees
    pbi-analyze gaps | pull.py --folder activity-log --gaps    the days to repair as well

Needs Python 3.9 or newer and no packages. Signs in as a service principal with the variables
PBI_TENANT_ID, PBI_CLIENT_ID and PBI_CLIENT_SECRET, or uses the access token in PBI_TOKEN.

Exit codes: 0 success; 1 a day could not be downloaded; 2 usage error; 3 a download had fewer events
than the file of the day, which was kept.
"""

import argparse
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
# A continuation may be at another host of Microsoft's, and gets the access token.
TRUSTED_HOSTS = (
    ".powerbi.com",
    ".analysis.windows.net",
    ".powerbigov.us",
    ".analysis.usgovcloudapi.net",
    ".powerbi.cn",
    ".analysis.chinacloudapi.cn",
)


class PullError(Exception):
    """A download that failed for good."""


def log(message):
    print(message, file=sys.stderr, flush=True)


class Api:
    """Requests to the API, with sign-in and retries."""

    def __init__(self, api, login, scope, base_delay):
        self.api = api.rstrip("/")
        self.login = login.rstrip("/")
        self.scope = scope
        self.base_delay = base_delay
        self.token = os.environ.get("PBI_TOKEN")
        self.can_sign_in = not self.token

    def sign_in(self):
        names = ("PBI_TENANT_ID", "PBI_CLIENT_ID", "PBI_CLIENT_SECRET")
        tenant, client, secret = (os.environ.get(name, "") for name in names)
        if not (tenant and client and secret):
            raise PullError(f"set {', '.join(names)}, or PBI_TOKEN")
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
            "scope": self.scope,
        }
        url = f"{self.login}/{urllib.parse.quote(tenant)}/oauth2/v2.0/token"
        body = urllib.parse.urlencode(form).encode()
        self.token = self.send(url, body, signed=False)[1]["access_token"]

    def get(self, url):
        """Returns the bytes of a page and the page itself."""
        is_first = True
        while True:
            if not self.token:
                self.sign_in()
            try:
                return self.send(url, None, signed=True)
            except urllib.error.HTTPError as error:
                # Access tokens last about an hour, and a throttled download can last longer.
                if error.code != 401 or not self.can_sign_in or not is_first:
                    raise PullError(f"the API refused the request: {describe(error)}") from error
                self.token, is_first = None, False

    def send(self, url, body, signed):
        headers = {"Authorization": f"Bearer {self.token}"} if signed else {}
        for attempt in range(1, ATTEMPTS + 1):
            after = None
            try:
                request = urllib.request.Request(url, data=body, headers=headers)
                with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                    content = response.read()
                return content, json.loads(content.decode("utf-8-sig"))
            except urllib.error.HTTPError as error:
                if error.code != 429 and error.code < 500:
                    if signed:
                        raise
                    raise PullError(f"signing in failed: {describe(error)}") from error
                problem, after = f"HTTP {error.code}", retry_after(error.headers)
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
            except ValueError:
                problem = "the answer is not JSON"
            if attempt == ATTEMPTS:
                raise PullError(f"gave up after {ATTEMPTS} attempts: {problem}")
            delay = min(self.base_delay * 2 ** (attempt - 1), DELAY_MAX_SECONDS)
            delay = delay * (1 + random.random()) if after is None else after
            log(f"{problem}; next attempt in {delay:.0f} s")
            time.sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def pages_of_hour(self, day, hour):
        """Yields the bytes and the events of the pages of an hour."""
        start = f"{day}T{hour:02}:00:00.000Z"
        end = f"{day}T{hour:02}:59:59.999Z"
        query = urllib.parse.urlencode({"startDateTime": f"'{start}'", "endDateTime": f"'{end}'"})
        url = f"{self.api}/admin/activityevents?{query}"
        seen = set()
        while url:
            if url in seen:
                raise PullError(f"{day} hour {hour}: a continuation repeats")
            seen.add(url)
            content, page = self.get(url)
            events = page.get("activityEventEntities") if isinstance(page, dict) else None
            if not isinstance(events, list):
                raise PullError(f"{day} hour {hour}: the answer has no activityEventEntities")
            yield content, events
            url = page.get("continuationUri")
            if url:
                self.check_host(url)

    def check_host(self, url):
        own, other = urllib.parse.urlsplit(self.api), urllib.parse.urlsplit(url)
        is_own = (own.scheme, own.netloc) == (other.scheme, other.netloc)
        host = other.hostname or ""
        if not is_own and not (other.scheme == "https" and host.endswith(TRUSTED_HOSTS)):
            raise PullError(f"the continuation is at an unknown host: {host}")


def describe(error):
    text = error.read(400).decode("utf-8", "replace").strip()
    return f"HTTP {error.code} {text}"


def retry_after(headers):
    """Returns the seconds in Retry-After, which is a number or a date."""
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.strip().isdigit():
        return int(value)
    try:
        wanted = email.utils.parsedate_to_datetime(value)
        return max(0.0, wanted.timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def event_ids(events):
    """Returns the IDs of events. An event without an ID counts by its content."""
    ids = set()
    for event in events:
        found = event.get("Id") if isinstance(event, dict) else None
        ids.add(found or json.dumps(event, sort_keys=True))
    return ids


def ids_in_file(path):
    """Returns the IDs in a file of pages, up to the first damage."""
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
        if isinstance(page, dict):
            events = page.get("activityEventEntities", [])
        else:
            events = page
        ids |= event_ids(events if isinstance(events, list) else [])


def pull_day(api, folder, day):
    """Downloads a day. Returns false if the file of the day had events that the download lacks."""
    compact = day.replace("-", "")
    temporary = folder / f".PBIActivityEvents-{compact}-{os.getpid()}.tmp"
    ids = set()
    try:
        with open(temporary, "wb") as file:
            for hour in range(24):
                for content, events in api.pages_of_hour(day, hour):
                    file.write(content.strip() + b"\n")
                    ids |= event_ids(events)
            written = datetime.datetime.now(datetime.timezone.utc)
            # An empty last page. It differs on each day, so files of empty days differ too.
            last = {
                "activityEventEntities": [],
                "continuationUri": None,
                "continuationToken": None,
                "lastResultSet": True,
                "pulled": {"day": day, "written": written.isoformat()},
            }
            file.write(json.dumps(last).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return keep(folder, compact, written, temporary, ids)
    finally:
        temporary.unlink(missing_ok=True)


def keep(folder, compact, written, temporary, ids):
    """Renames a download, and removes files of the day whose events it all has."""
    older = sorted(folder.glob(f"PBIActivityEvents-{compact}-*.json"))
    known = {path: ids_in_file(path) for path in older}
    lost = set().union(*known.values()) - ids if known else set()
    path = folder / f"PBIActivityEvents-{compact}-{written:%Y%m%d%H%M%S}.json"
    if lost and not ids - set().union(*known.values()):
        log(f"{compact}: {len(lost)} stored events are not in the download; nothing replaced")
        return False
    if path.exists():
        raise PullError(f"{path} exists; another download is running")
    os.rename(temporary, path)
    for other, stored in known.items():
        if stored <= ids:
            other.unlink(missing_ok=True)
    log(f"{compact}: {len(ids)} events")
    if lost:
        log(f"{compact}: {len(lost)} stored events are not in the download; both files kept")
    return not lost


def wanted_days(count, lines):
    """Returns the last days that have ended, and the days at the beginnings of lines."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days = {str(today - datetime.timedelta(days=back)) for back in range(1, count + 1)}
    for line in lines:
        word = line.replace("\ufeff", "").split(maxsplit=1)[:1]
        if word:
            days.add(str(datetime.date.fromisoformat(word[0])))
    return sorted(days)


def main():
    parser = argparse.ArgumentParser(description="Download the Power BI activity log.")
    parser.add_argument("--folder", required=True, type=pathlib.Path)
    parser.add_argument("--days", type=int, default=3, help="days before today (default: 3)")
    parser.add_argument("--gaps", action="store_true", help="read more days from stdin")
    parser.add_argument("--api", default="https://api.powerbi.com/v1.0/myorg")
    parser.add_argument("--login", default="https://login.microsoftonline.com")
    parser.add_argument("--scope", default="https://analysis.windows.net/powerbi/api/.default")
    parser.add_argument("--base-delay", type=float, default=2.0, help="seconds (default: 2)")
    args = parser.parse_args()
    if not 0 <= args.days <= 30:
        parser.error("--days is 0 to 30, because Microsoft deletes older days")
    # A folder that is not mounted must not be created.
    if not args.folder.is_dir():
        parser.error(f"{args.folder} is not a folder; create it, or mount it")
    try:
        days = wanted_days(args.days, sys.stdin if args.gaps else [])
    except ValueError as error:
        parser.error(f"a line does not begin with a day: {error}")
    for left in args.folder.glob(".PBIActivityEvents-*.tmp"):
        if time.time() - left.stat().st_mtime > 86400:
            left.unlink(missing_ok=True)
    api = Api(args.api, args.login, args.scope, args.base_delay)
    status = 0
    for day in days:
        try:
            if not pull_day(api, args.folder, day):
                status = status or 3
        except (PullError, OSError) as error:
            log(f"{day}: {error}")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
