"""A local Power BI API that pages, throttles, fails and returns empty pages.

Whether a request fails depends on its URL and on how often it was asked for, so a run can be
repeated. After MAX_FAULTS answers, a URL works.
"""

import datetime
import hashlib
import http.server
import json
import threading
import time
import urllib.parse

MAX_FAULTS = 3
PAGE_EVENTS = 25
FAULTS = ("429", "429-date", "500", "503", "cut", "html", "reset")


def days_ago(back):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return str(today - datetime.timedelta(days=back))


def event(day, hour, number):
    return {
        "Id": f"{day}-{hour:02}-{number}",
        "CreationTime": f"{day}T{hour:02}:{number % 60:02}:10",
        "RecordType": 20,
        "Operation": "ViewReport",
        "Activity": "ViewReport",
        "Workload": "PowerBI",
        "UserId": "jürgen@contoso.com",
        "ReportId": "r1",
        "ReportName": "Umsätze 売上 \U0001f4c8",
    }


class MockApi:
    """The state of the API: what it has, how it fails, and what it was asked for."""

    def __init__(self):
        self.faults = False
        # Events in each hour of a day; days without an entry have 2, and some have none.
        self.per_hour = {}
        self.late = set()
        # Continuations that end once with HTTP 400, as expired ones do.
        self.expire = 0
        self.delay = 0.0
        self.requests = []
        self.tokens = 0
        self.valid_for = None
        self.asked = {}
        self.scans = {}
        self.lock = threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                api.handle(self, b"")

            def do_POST(self):
                api.handle(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A killed download closes its connection.
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    # What the API has.

    def events(self, day, first, last):
        count = self.per_hour.get(day, 2)
        found = [event(day, h, n) for h in range(first, last + 1) for n in range(count)]
        return found if day in self.late or not found else [e for e in found if "-23-1" not in e["Id"]]

    # How it answers.

    def handle(self, request, body):
        with self.lock:
            self.requests.append(request.path)
            attempt = self.asked[request.path] = self.asked.get(request.path, 0) + 1
        if self.delay:
            time.sleep(self.delay)
        fault = self.fault_of(request.path, attempt)
        if fault:
            return self.fail(request, fault)
        split = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(split.query))
        if split.path.endswith(("/token", "/devicecode")):
            return self.sign_in(request, split.path, dict(urllib.parse.parse_qsl(body.decode())))
        if not self.is_signed_in(request):
            return answer(request, 401, {"error": "TokenExpired"})
        if split.path.endswith("/admin/activityevents"):
            return self.activity(request, query, split)
        return self.other(request, split.path, query, body)

    def fault_of(self, path, attempt):
        if not self.faults or attempt > MAX_FAULTS:
            return None
        digest = hashlib.sha256(f"{path} {attempt}".encode()).digest()
        return FAULTS[digest[0] % len(FAULTS)] if digest[1] < 110 else None

    def fail(self, request, fault):
        if fault == "429":
            return answer(request, 429, {"error": "slow"}, {"Retry-After": "0"})
        if fault == "429-date":
            past = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
            return answer(request, 429, {"error": "slow"}, past)
        if fault in ("500", "503"):
            return answer(request, int(fault), {"error": "failed"})
        if fault == "html":
            return send(request, 200, b"<html>A proxy has something to say</html>")
        if fault == "cut":
            return send(request, 200, b'{"activityEventEntities":[{"Id":', length=4000)
        request.close_connection = True
        return None

    def sign_in(self, request, path, form):
        if path.endswith("/devicecode"):
            return answer(
                request, 200, {"message": "Enter ABC", "device_code": "dev", "interval": 0}
            )
        grants = {
            "client_credentials": form.get("client_secret") == "secret",
            "urn:ietf:params:oauth:grant-type:device_code": form.get("device_code") == "dev",
            "refresh_token": form.get("refresh_token") == "refresh",
        }
        if not grants.get(form.get("grant_type")):
            return answer(request, 401, {"error": "invalid_client"})
        polls = sum(1 for path in self.requests if path.endswith("/token"))
        if form["grant_type"].endswith("device_code") and polls < 3:
            return answer(request, 400, {"error": "authorization_pending"})
        with self.lock:
            self.tokens += 1
            self.uses = 0
            token = f"token-{self.tokens}"
        refresh = {} if "client_secret" in form else {"refresh_token": "refresh"}
        return answer(request, 200, {"access_token": token, "expires_in": 3599, **refresh})

    def is_signed_in(self, request):
        """Tokens end after some requests, if `valid_for` is set."""
        given = request.headers.get("Authorization")
        if given == "Bearer given":
            return True
        with self.lock:
            self.uses = getattr(self, "uses", 0) + 1
            is_old = self.valid_for is not None and self.uses > self.valid_for
            return given == f"Bearer token-{self.tokens}" and not is_old

    def activity(self, request, query, split):
        token = query.get("continuationToken", "").strip("'")
        if token:
            day, first, last, at = token.split(",")
            first, last, at = int(first), int(last), int(at)
            with self.lock:
                if self.expire and at > 0:
                    self.expire -= 1
                    return answer(request, 400, {"error": "InvalidContinuationToken"})
        else:
            start, end = query["startDateTime"].strip("'"), query["endDateTime"].strip("'")
            if start[:10] != end[:10]:
                return answer(request, 400, {"error": "a request is one UTC day"})
            day, first, last, at = start[:10], int(start[11:13]), int(end[11:13]), 0
        events = self.events(day, first, last)
        # The first page is empty, as those of the real API often are, and has a continuation.
        page = [] if at == 0 else events[(at - 1) * PAGE_EVENTS : at * PAGE_EVENTS]
        is_last = at * PAGE_EVENTS >= len(events)
        next_token = urllib.parse.quote(f"'{day},{first},{last},{at + 1}'")
        uri = f"{self.url}{split.path}?continuationToken={next_token}"
        return answer(
            request,
            200,
            {
                "activityEventEntities": page,
                "continuationUri": None if is_last else uri,
                "continuationToken": None if is_last else next_token,
                "lastResultSet": is_last,
            },
        )

    def other(self, request, path, query, body):
        if path.endswith("/workspaces/modified"):
            return answer(request, 200, [{"id": f"w{n}"} for n in range(150)])
        if path.endswith("/getInfo"):
            scan = f"s{len(self.scans)}"
            self.scans[scan] = json.loads(body)["workspaces"]
            return answer(request, 202, {"id": scan, "status": "NotStarted"})
        scan = path.rsplit("/", 1)[-1]
        if "/scanStatus/" in path:
            state = "Running" if self.asked[request.path] < 3 else "Succeeded"
            return answer(request, 200, {"id": scan, "status": state})
        if "/scanResult/" in path:
            found = [{"id": name, "reports": []} for name in self.scans[scan]]
            return answer(request, 200, {"workspaces": found})
        if path.endswith("/users"):
            start = int(query.get("$skiptoken", 0))
            page = [{"userPrincipalName": f"u{n}@contoso.com"} for n in range(start, start + 5)]
            more = {"@odata.nextLink": f"{self.url}/users?$skiptoken={start + 5}"}
            return answer(request, 200, {"value": page, **(more if start < 10 else {})})
        if path.endswith("/subscribedSkus"):
            return answer(request, 200, {"value": [{"skuPartNumber": "POWER_BI_PRO"}]})
        return answer(request, 404, {"error": path})


def answer(request, status, value, headers=None):
    text = json.dumps(value, ensure_ascii=False).encode("utf-8")
    send(request, status, text, headers=headers)


def send(request, status, content, headers=None, length=None):
    request.send_response(status)
    request.send_header("Content-Type", "application/json; charset=utf-8")
    request.send_header("Content-Length", str(length or len(content)))
    for name, value in (headers or {}).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)
    if length:
        request.close_connection = True
