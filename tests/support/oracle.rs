//! Calculates the content of an archive and the most used reports a second time, slowly and simply,
//! to compare the program with. The oracle reads file after file with serde_json and keeps
//! everything in ordered maps. It shares no code with the program, and must not be made faster at
//! the price of clarity.

// With a path, the module is found by every file that includes this one.
#[path = "oracle/read.rs"]
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// Record types of Power BI, Fabric and the Power Platform, each with its names.
const KEPT_RECORD_TYPES: &[(i64, &[&str])] = &[
    (20, &["PowerBIAudit", "PowerBI"]),
    (30, &["MicrosoftFlow"]),
    (45, &["PowerAppsApp"]),
    (46, &["PowerAppsPlan"]),
    (79, &["PowerAppsResource"]),
    (186, &["PowerPagesSite"]),
    (187, &["PowerPlatformAdminDlp"]),
    (256, &["PowerPlatformAdministratorActivity"]),
    (357, &["FabricAudit"]),
];

/// User types of services (3 to 8) by name.
const SERVICE_USER_TYPES: &[&str] =
    &["DcAdmin", "System", "Application", "ServicePrincipal", "CustomPolicy", "SystemPolicy"];

/// API reads that the wide noise excludes by name; see [`Noise::is_noise`].
const WIDE_NOISE: &[&str] = &[
    "GetSnapshots",
    "GetWorkspaces",
    "GetRefreshHistory",
    "GetGroupUsers",
    "GetDatasourceDetailsWithCredentialsAsync",
    "GetModifiedWorkspacesAPI",
    "GetWorkspacesInfoAPI",
    "GetWorkspacesInfoResult",
    "GetCloudSupportedDatasources",
    "GenerateScreenshot",
    "MapUpn",
    "NoActivity",
];

/// Levels of noise: the automated API activity that a report excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    Default,
    Wide,
    Keep,
}

impl Noise {
    pub fn is_noise(self, activity: &str) -> bool {
        let narrow = matches!(activity, "ExportActivityEvents" | "GetDatasources");
        let by_admin = activity.starts_with("Get")
            && (activity.ends_with("AsAdmin") || activity.ends_with("ViaAdminApi"));
        let wide =
            WIDE_NOISE.contains(&activity) || activity.starts_with("GetGatewayCluster") || by_admin;
        match self {
            Noise::Default => narrow,
            Noise::Wide => narrow || wide,
            Noise::Keep => false,
        }
    }
}

/// Counts of records: `read = kept + duplicates + other_workloads + rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounting {
    pub read: u64,
    pub kept: u64,
    pub duplicates: u64,
    pub other_workloads: u64,
    pub rejected: u64,
}

/// One row of the report on the most used reports.
#[derive(Clone, Debug, PartialEq)]
pub struct OracleRow {
    pub rank: u64,
    pub report: Option<String>,
    pub workspace: Option<String>,
    pub views: u64,
    pub viewers: u64,
    /// Rounded to two places; `None` if no view names its user.
    pub views_per_viewer: Option<f64>,
    pub active_days: u64,
    pub last_view: DateTime<Utc>,
    /// Rounded to two places.
    pub trend: Option<f64>,
    /// Views within ten seconds of an export of the same report by the same user.
    pub views_by_export: u64,
    /// `None` for views that name no report.
    pub report_id: Option<String>,
    pub workspace_id: Option<String>,
}

#[derive(Debug, Default)]
pub struct Oracle {
    pub accounting: Accounting,
    /// The copies of each event together, by Id.
    pub events: BTreeMap<String, Value>,
    /// First and last instant of the stored events.
    pub extent: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// Events of each UTC day.
    pub per_day: BTreeMap<NaiveDate, u64>,
    pub distinct_users: u64,
    /// Number of events that the default noise excludes.
    pub noise: u64,
    /// UTC days that a trend excludes in addition to days without events. A test adds the days that
    /// it knows.
    pub incomplete_days: BTreeSet<NaiveDate>,
}

impl Oracle {
    /// Reads all files below `dir`, in the order of their paths.
    pub fn read(dir: &Path) -> io::Result<Oracle> {
        let mut oracle = Oracle::default();
        for path in read::files(dir)? {
            let content = read::content(&std::fs::read(path)?);
            oracle.accounting.rejected += content.rejected;
            oracle.accounting.read += content.rejected + content.events.len() as u64;
            content.events.into_iter().for_each(|event| oracle.take(event));
        }
        oracle.accounting.kept = oracle.events.len() as u64;
        oracle.summarise();
        Ok(oracle)
    }

    fn take(&mut self, event: Value) {
        if !is_kept(&event) {
            self.accounting.other_workloads += 1;
            return;
        }
        let id = text(&event, "Id").map_or_else(|| format!("content:{event}"), |id| normal_id(&id));
        match self.events.get_mut(&id) {
            None => {
                self.events.insert(id, event);
            }
            Some(known) => {
                self.accounting.duplicates += 1;
                complete(known, event);
            }
        }
    }

    fn summarise(&mut self) {
        let mut users = BTreeSet::new();
        for event in self.events.values() {
            users.extend(text(event, "UserId").map(|user| user.to_lowercase()));
            self.noise += u64::from(Noise::Default.is_noise(&activity(event)));
            if let Some(time) = time_of(event) {
                *self.per_day.entry(time.date_naive()).or_default() += 1;
                let (first, last) = self.extent.unwrap_or((time, time));
                self.extent = Some((first.min(time), last.max(time)));
            }
        }
        self.distinct_users = users.len() as u64;
    }

    /// Returns the most used reports of the local days `since` to `until`, both included.
    ///
    /// - Views are ViewReport events of persons, guests and visitors without a name. Views that name no
    ///   report are rows too, one a workspace: they were opened, and a total must not lose them.
    /// - A report is its effective id and its workspace id; either may be missing.
    /// - A report's name is the ReportName of the latest event of the *whole archive*, by CreationTime and
    ///   then Id, among all kept events, noise, services and other activities included, that have this
    ///   effective report id and a name that is not empty. A workspace's name is found in the same way.
    ///   So a report has the name that people know it by now, whichever period is asked for.
    /// - The trend compares the first half of the period's days with the second; of an odd number the
    ///   middle day belongs to neither. Of each weekday, it takes as many complete days of both halves:
    ///   the earliest of the first half and the latest of the second. It is `None` if that is no day, or
    ///   if there is no view on those of the first half.
    /// - Failed events do not count.
    pub fn top_reports(
        &self,
        since: NaiveDate,
        until: NaiveDate,
        tz: Tz,
        noise: Noise,
        limit: usize,
    ) -> Vec<OracleRow> {
        let in_period =
            |event: &&Value| local_day(event, tz).is_some_and(|day| since <= day && day <= until);
        let report_names = self.names(report_id, "ReportName");
        let workspace_names = self.names(workspace_id, "WorkspaceName");
        let mut groups: BTreeMap<[Option<String>; 2], Vec<&Value>> = BTreeMap::new();
        let mut exports: BTreeMap<[String; 2], Vec<DateTime<Utc>>> = BTreeMap::new();
        for event in self.events.values().filter(in_period) {
            let activity = activity(event);
            if is_service(event) || noise.is_noise(&activity) || is_failed(event) {
                continue;
            }
            if activity == "ViewReport" {
                groups.entry([report_id(event), workspace_id(event)]).or_default().push(event);
            }
            if ["ExportReport", "ExportArtifact", "PrintReport"].contains(&activity.as_str())
                && let (Some(by), Some(time)) = (by_whom_of_what(event), time_of(event))
            {
                exports.entry(by).or_default().push(time);
            }
        }
        let is_by_export = |view: &&&Value| {
            let exports = by_whom_of_what(view).and_then(|by| exports.get(&by));
            let near = |time: DateTime<Utc>, other: &DateTime<Utc>| {
                (time - other).abs() <= chrono::TimeDelta::seconds(10)
            };
            time_of(view).is_some_and(|time| {
                exports.is_some_and(|exports| exports.iter().any(|other| near(time, other)))
            })
        };
        let (first, second) = self.comparable_days(since, until, tz);
        let mut rows: Vec<OracleRow> = groups
            .into_iter()
            .map(|([report_id, workspace_id], views)| OracleRow {
                report: report_id.as_ref().and_then(|id| report_names.get(id).cloned()),
                workspace: workspace_id.as_ref().and_then(|id| workspace_names.get(id).cloned()),
                trend: trend(&views, &first, &second, tz),
                views_by_export: views.iter().filter(is_by_export).count() as u64,
                report_id,
                workspace_id,
                ..measures(&views, tz)
            })
            .collect();
        rows.sort_by(|one, two| {
            (two.views.cmp(&one.views))
                .then(two.viewers.cmp(&one.viewers))
                .then(two.last_view.cmp(&one.last_view))
                // Missing values are last.
                .then(one.report_id.is_none().cmp(&two.report_id.is_none()))
                .then(one.report_id.cmp(&two.report_id))
                .then(one.workspace_id.is_none().cmp(&two.workspace_id.is_none()))
                .then(one.workspace_id.cmp(&two.workspace_id))
        });
        rows.truncate(limit);
        (1..).zip(&mut rows).for_each(|(rank, row)| row.rank = rank);
        rows
    }

    /// Returns the latest name of each id.
    fn names(
        &self,
        id_of: impl Fn(&Value) -> Option<String>,
        name_field: &str,
    ) -> BTreeMap<String, String> {
        let mut latest: BTreeMap<String, (DateTime<Utc>, &String, String)> = BTreeMap::new();
        for (key, event) in &self.events {
            let found = (id_of(event), text(event, name_field), time_of(event));
            if let (Some(id), Some(name), Some(time)) = found {
                let candidate = (time, key, name);
                match latest.get_mut(&id) {
                    Some(known) if (known.0, known.1) >= (candidate.0, candidate.1) => {}
                    Some(known) => *known = candidate,
                    None => {
                        latest.insert(id, candidate);
                    }
                }
            }
        }
        latest.into_iter().map(|(id, (_, _, name))| (id, name)).collect()
    }

    /// Counts the events of the period that the noise excludes, and the further events of services.
    pub fn excluded(&self, since: NaiveDate, until: NaiveDate, tz: Tz, noise: Noise) -> (u64, u64) {
        let (mut noisy, mut services) = (0, 0);
        for event in self.events.values() {
            if local_day(event, tz).is_some_and(|day| since <= day && day <= until) {
                let is_noise = noise.is_noise(&activity(event));
                noisy += u64::from(is_noise);
                services += u64::from(!is_noise && is_service(event));
            }
        }
        (noisy, services)
    }

    /// Returns the complete local days of both halves of the period, as many of each weekday.
    fn comparable_days(
        &self,
        since: NaiveDate,
        until: NaiveDate,
        tz: Tz,
    ) -> (BTreeSet<NaiveDate>, BTreeSet<NaiveDate>) {
        let days: Vec<NaiveDate> = since.iter_days().take_while(|day| *day <= until).collect();
        let half = days.len() / 2;
        let (mut early, mut late) = (BTreeSet::new(), BTreeSet::new());
        for weekday in 0..7 {
            let complete = |days: &[NaiveDate]| -> Vec<NaiveDate> {
                let is = |day: &NaiveDate| {
                    day.weekday().num_days_from_monday() == weekday && self.is_complete(*day, tz)
                };
                days.iter().copied().filter(is).collect()
            };
            let (first, last) = (complete(&days[..half]), complete(&days[days.len() - half..]));
            let count = first.len().min(last.len());
            early.extend(&first[..count]);
            late.extend(&last[last.len() - count..]);
        }
        (early, late)
    }

    /// Returns true if every UTC day of a local day is complete.
    fn is_complete(&self, day: NaiveDate, tz: Tz) -> bool {
        let utc_start = |day: NaiveDate| {
            // Some days begin later than midnight, where the clocks were put forward then.
            let hours = (0..24).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
            let start = hours.filter_map(|time| tz.from_local_datetime(&time).earliest()).next();
            start.expect("every day has an hour that exists").to_utc()
        };
        let last = utc_start(day + Duration::days(1)) - Duration::microseconds(1);
        [utc_start(day), last].iter().all(|time| {
            let utc_day = time.date_naive();
            self.per_day.contains_key(&utc_day) && !self.incomplete_days.contains(&utc_day)
        })
    }
}

/// Returns true if an event says that its activity failed.
pub fn is_failed(event: &Value) -> bool {
    let is_failure =
        |status: &str| ["failed", "failure"].iter().any(|known| status.eq_ignore_ascii_case(known));
    field(event, "IsSuccess") == Some(&Value::Bool(false))
        || text(event, "ResultStatus").is_some_and(|status| is_failure(&status))
}

/// Returns the user and the report of an event that names both.
fn by_whom_of_what(event: &Value) -> Option<[String; 2]> {
    Some([text(event, "UserId")?.to_lowercase(), report_id(event)?])
}

/// Counts the figures of a row; the caller adds names, ids and trend.
fn measures(views: &[&Value], tz: Tz) -> OracleRow {
    let viewers: BTreeSet<String> = views
        .iter()
        .filter_map(|event| text(event, "UserId"))
        .map(|user| user.to_lowercase())
        .collect();
    let days: BTreeSet<NaiveDate> = views.iter().filter_map(|event| local_day(event, tz)).collect();
    let last_view = views.iter().filter_map(|event| time_of(event)).max();
    OracleRow {
        rank: 0,
        report: None,
        workspace: None,
        views: views.len() as u64,
        viewers: viewers.len() as u64,
        views_per_viewer: ratio(views.len(), viewers.len()),
        active_days: days.len() as u64,
        last_view: last_view.expect("a view of the period has its time"),
        trend: None,
        views_by_export: 0,
        report_id: None,
        workspace_id: None,
    }
}

/// Divides whole numbers and rounds to two places, halves upwards; `None` if the divisor is zero.
fn ratio(number: usize, by: usize) -> Option<f64> {
    (by > 0).then(|| (number * 200 + by).div_euclid(by * 2) as f64 / 100.0)
}

fn trend(
    views: &[&Value],
    first: &BTreeSet<NaiveDate>,
    second: &BTreeSet<NaiveDate>,
    tz: Tz,
) -> Option<f64> {
    let count = |days: &BTreeSet<NaiveDate>| {
        views
            .iter()
            .filter(|event| local_day(event, tz).is_some_and(|day| days.contains(&day)))
            .count()
    };
    ratio(count(second), count(first))
}

/// Returns the field `name` of an event, in any case.
fn field<'a>(event: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = event.as_object()?;
    fields.get(name).or_else(|| {
        fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

/// Returns the field as text; `None` if it is missing, empty or no text.
fn text(event: &Value, name: &str) -> Option<String> {
    field(event, name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns a field that is a number, a number in quotes or a name.
fn code(event: &Value, name: &str) -> Option<Result<i64, String>> {
    match field(event, name)? {
        Value::Number(number) => number.as_i64().map(Ok),
        Value::String(text) => Some(text.parse().map_err(|_| text.clone())),
        _ => None,
    }
}

fn is_kept(event: &Value) -> bool {
    match code(event, "RecordType") {
        None => true,
        Some(Ok(number)) => KEPT_RECORD_TYPES.iter().any(|(kept, _)| *kept == number),
        Some(Err(name)) => KEPT_RECORD_TYPES
            .iter()
            .any(|(_, names)| names.iter().any(|kept| kept.eq_ignore_ascii_case(&name))),
    }
}

/// Adds the fields of another copy of an event. Of two texts of a field, the longer one counts.
fn complete(known: &mut Value, other: Value) {
    let (Value::Object(known), Value::Object(other)) = (known, other) else { return };
    for (name, value) in other.into_iter().filter(|(_, value)| !value.is_null()) {
        let same = known.keys().find(|known| known.eq_ignore_ascii_case(&name)).cloned();
        let place = known.entry(same.unwrap_or(name)).or_insert(Value::Null);
        let counts = match (&*place, &value) {
            (Value::Null, _) => true,
            (Value::String(one), Value::String(other)) => (other.len(), other) > (one.len(), one),
            _ => false,
        };
        if counts {
            *place = value;
        }
    }
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn normal_id(id: &str) -> String {
    if is_guid(id) { id.to_ascii_lowercase() } else { id.to_owned() }
}

fn activity(event: &Value) -> String {
    text(event, "Activity").or_else(|| text(event, "Operation")).unwrap_or_default()
}

/// Returns the effective report id: AppReportId if it is set and AppId is not, else ReportId.
fn report_id(event: &Value) -> Option<String> {
    let in_app = text(event, "AppId").is_some();
    let id = text(event, "AppReportId").filter(|_| !in_app).or_else(|| text(event, "ReportId"));
    id.map(|id| normal_id(&id))
}

fn workspace_id(event: &Value) -> Option<String> {
    text(event, "WorkspaceId").map(|id| normal_id(&id))
}

fn is_service(event: &Value) -> bool {
    let user = text(event, "UserId").unwrap_or_default();
    if user.eq_ignore_ascii_case("Anonymous") {
        return false;
    }
    let by_type = match code(event, "UserType") {
        Some(Ok(number)) => (3..=8).contains(&number),
        Some(Err(name)) => {
            SERVICE_USER_TYPES.iter().any(|service| service.eq_ignore_ascii_case(&name))
        }
        None => false,
    };
    by_type || is_guid(&user)
}

fn local_day(event: &Value, tz: Tz) -> Option<NaiveDate> {
    Some(tz.from_utc_datetime(&time_of(event)?.naive_utc()).date_naive())
}

fn time_of(event: &Value) -> Option<DateTime<Utc>> {
    parse_time(&text(event, "CreationTime")?)
}

/// Parses a time without a zone (UTC), with Z or an offset, with up to nine digits of a second's
/// fraction, or as `/Date(milliseconds)/`, truncated to microseconds.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Some(ticks) = text.strip_prefix("/Date(") {
        // The offset after the milliseconds only shows where they were written.
        let ticks = ticks.strip_suffix(")/")?;
        let sign = usize::from(ticks.starts_with('-'));
        let end = ticks[sign..].find(['+', '-']).map_or(ticks.len(), |place| place + sign);
        return DateTime::from_timestamp_millis(ticks[..end].parse().ok()?);
    }
    let clock = text.find(['T', ' '])? + 1;
    let zone = text[clock..].find(['Z', 'z', '+', '-']).map_or(text.len(), |place| place + clock);
    let local = text[..zone].replacen(' ', "T", 1);
    let local = NaiveDateTime::parse_from_str(&local, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    let offset = match &text[zone..] {
        "" | "Z" | "z" => 0,
        offset => {
            let digits = offset[1..].replace(':', "");
            let (hours, minutes) = digits.split_at_checked(2)?;
            let size = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().unwrap_or(0);
            if offset.starts_with('-') { -size } else { size }
        }
    };
    DateTime::from_timestamp_micros(
        (local - Duration::minutes(offset)).and_utc().timestamp_micros(),
    )
}
