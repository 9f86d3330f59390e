//! Creates the invented tenant: its people and its content. It knows the state of an item on a day
//! (for example a report that is renamed later), but no events and no files.

use chrono::{Datelike, Days, NaiveDate};

use super::names;
use super::rng::{Rng, Weighted};
use super::{Spec, Spelling};

/// Weight of each hour of a UTC day for people in Europe; scanners run at night.
const HOUR_WEIGHTS: [f64; 24] = [
    0.25, 0.2, 0.45, 0.5, 0.3, 0.4, 0.9, 1.8, 2.6, 2.8, 2.7, 2.2, 2.0, 2.5, 2.6, 2.3, 1.7, 1.2,
    0.9, 0.7, 0.6, 0.5, 0.4, 0.3,
];

/// Weights from Monday to Sunday.
const DAY_WEIGHTS: [f64; 7] = [1.0, 1.05, 1.05, 1.0, 0.9, 0.28, 0.22];

/// A name that may change once.
pub struct Name {
    first: String,
    changed: Option<(usize, String)>,
}

impl Name {
    fn fixed(first: String) -> Self {
        Name { first, changed: None }
    }

    pub fn on(&self, day: usize) -> &str {
        match &self.changed {
            Some((since, name)) if day >= *since => name,
            _ => &self.first,
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum UserKind {
    Member,
    Admin,
    Guest,
    /// A guest whose UserType does not say so.
    PlainGuest,
}

pub struct User {
    pub id: String,
    /// The same id as some clients spell it.
    pub id_respelled: String,
    pub key: String,
    pub name: String,
    pub kind: UserKind,
    pub ip: String,
    pub browser: &'static str,
    pub mobile: &'static str,
}

/// A service principal, as the log shows it.
pub struct Principal {
    pub id: String,
    pub key: String,
    pub agent: &'static str,
}

pub struct Capacity {
    pub id: String,
    pub name: &'static str,
}

pub struct Workspace {
    pub id: String,
    pub name: Name,
    pub capacity: Option<usize>,
}

pub struct Dataset {
    pub id: String,
    pub name: String,
}

pub struct App {
    pub id: String,
    pub name: &'static str,
}

pub struct Report {
    pub id: String,
    pub name: Name,
    pub dataset: usize,
    pub workspace: usize,
    /// Another workspace with the same report id.
    pub second_workspace: Option<usize>,
    pub app: Option<usize>,
    /// The id of the report's copy in its app.
    pub app_report_id: Option<String>,
    /// Publisher's id of a report of a template app, which several installations share.
    pub publisher_id: Option<String>,
    pub report_type: &'static str,
    pub label: Option<usize>,
}

pub struct Dashboard {
    pub id: String,
    pub name: String,
    pub workspace: usize,
}

/// The constant parts of an archive.
pub struct Tenant {
    pub spec: Spec,
    pub organization_id: String,
    pub users: Vec<User>,
    pub principals: Vec<Principal>,
    pub capacities: Vec<Capacity>,
    pub workspaces: Vec<Workspace>,
    pub datasets: Vec<Dataset>,
    pub apps: Vec<App>,
    pub reports: Vec<Report>,
    pub dashboards: Vec<Dashboard>,
    pub labels: Vec<String>,
    pub user_draw: Weighted,
    pub report_draw: Weighted,
    /// Date of each day in the form of events.
    pub dates: Vec<String>,
    hour_starts: Vec<u64>,
}

impl Tenant {
    pub fn new(spec: &Spec) -> Self {
        assert!(
            spec.users > 0 && spec.reports > 0 && spec.workspaces > 0 && spec.days > 0,
            "an empty tenant"
        );
        let rng = &mut Rng::for_part(spec.seed, u64::MAX);
        let capacities = ["P1 Production", "Shared On Premium - Reserved", "F64 Qualité"]
            .map(|name| Capacity { id: rng.guid().to_uppercase(), name });
        let datasets = (0..spec.reports.div_ceil(2)).map(|at| dataset(rng, at)).collect();
        let apps: Vec<App> =
            names::APP_NAMES.iter().map(|name| App { id: rng.guid(), name }).collect();
        let publisher_id = rng.guid();
        Tenant {
            organization_id: rng.guid(),
            users: (0..spec.users).map(|at| user(rng, at)).collect(),
            principals: (0..6).map(|at| principal(rng, at)).collect(),
            capacities: capacities.into(),
            workspaces: (0..spec.workspaces).map(|at| workspace(rng, at, spec)).collect(),
            datasets,
            reports: (0..spec.reports).map(|at| report(rng, at, spec, &publisher_id)).collect(),
            dashboards: (0..spec.reports.div_ceil(8)).map(|at| dashboard(rng, at, spec)).collect(),
            apps,
            labels: (0..3).map(|_| rng.guid()).collect(),
            user_draw: Weighted::zipf(spec.users, 8.0),
            report_draw: Weighted::zipf(spec.reports, 0.0),
            dates: (0..spec.days).map(|day| date_of(spec, day).to_string()).collect(),
            hour_starts: hour_starts(spec),
            spec: spec.clone(),
        }
    }

    pub fn date(&self, day: usize) -> NaiveDate {
        date_of(&self.spec, day)
    }

    /// Returns the number of distinct events of an hour; the sum of all hours is the requested
    /// number.
    pub fn events_in(&self, day: usize, hour: usize) -> usize {
        let at = day * 24 + hour;
        (self.hour_starts[at + 1] - self.hour_starts[at]) as usize
    }

    /// Returns the spelling of the workspace's name in events of a newer kind.
    pub fn newer_workspace_key(&self) -> &'static str {
        match self.spec.spelling {
            Spelling::Both => "WorkspaceName",
            Spelling::Classic => "WorkSpaceName",
        }
    }
}

fn date_of(spec: &Spec, day: usize) -> NaiveDate {
    spec.first_day + Days::new(day as u64)
}

/// Distributes the events over the hours by their weights exactly, by rounding the running sum.
fn hour_starts(spec: &Spec) -> Vec<u64> {
    let weight = |at: usize| {
        let weekday = date_of(spec, at / 24).weekday().num_days_from_monday();
        DAY_WEIGHTS[weekday as usize] * HOUR_WEIGHTS[at % 24]
    };
    let hours = spec.days * 24;
    let total: f64 = (0..hours).map(weight).sum();
    let mut starts = vec![0];
    let mut sum = 0.0;
    for at in 0..hours {
        sum += weight(at);
        starts.push(if at + 1 == hours {
            spec.events
        } else {
            (spec.events as f64 * sum / total) as u64
        });
    }
    starts
}

/// Returns a name as part of an address.
fn ascii(name: &str) -> String {
    let plain = |character| match character {
        'é' | 'ë' => 'e',
        'ó' | 'ø' | 'ö' => 'o',
        'ú' | 'ü' | 'ū' => 'u',
        'á' => 'a',
        'í' | 'ı' => 'i',
        'ż' => 'z',
        'ğ' => 'g',
        'ß' => 's',
        'Ç' => 'C',
        'Ó' => 'O',
        other => other,
    };
    name.chars().map(plain).filter(char::is_ascii_alphabetic).collect()
}

fn user(rng: &mut Rng, at: usize) -> User {
    let first = *rng.pick(names::FIRST_NAMES);
    let last = *rng.pick(names::LAST_NAMES);
    let (first_ascii, last_ascii) = (ascii(first), ascii(last));
    let (browser, mobile) = (*rng.pick(names::BROWSERS), *rng.pick(names::MOBILES));
    let kind = match at % 20 {
        3 => UserKind::Guest,
        13 => UserKind::PlainGuest,
        7 if at < 60 => UserKind::Admin,
        _ => UserKind::Member,
    };
    let address = match kind {
        UserKind::Guest | UserKind::PlainGuest => {
            format!("{first_ascii}.{last_ascii}{at}_fabrikam.com#EXT#@contoso.onmicrosoft.com")
        }
        UserKind::Member | UserKind::Admin => format!("{first_ascii}.{last_ascii}{at}@contoso.com"),
    };
    let ip = match at % 16 {
        5 => format!("2001:db8:{:x}::{:x}", at % 4096, 1 + rng.below(65_000)),
        // Many users share the few addresses of the office.
        0..8 => format!("203.0.113.{}", 1 + at % 6),
        _ => format!(
            "{}.{}.{}.{}",
            20 + rng.below(160),
            rng.below(256),
            rng.below(256),
            1 + rng.below(254)
        ),
    };
    User {
        id: address.to_ascii_lowercase().replace("#ext#", "#EXT#"),
        id_respelled: if at.is_multiple_of(2) { address } else { address.to_ascii_uppercase() },
        key: format!("10032000{:08X}", rng.next() as u32),
        name: format!("{first} {last}"),
        kind,
        ip,
        browser,
        mobile,
    }
}

fn principal(rng: &mut Rng, at: usize) -> Principal {
    Principal {
        id: rng.guid(),
        key: format!("10030000{:08X}", rng.next() as u32),
        agent: names::SCANNERS[at % names::SCANNERS.len()],
    }
}

fn workspace(rng: &mut Rng, at: usize, spec: &Spec) -> Workspace {
    let first = match at % 12 {
        11 => format!("PersonalWorkspace {}", rng.pick(names::FIRST_NAMES)),
        _ => format!(
            "{} {}",
            rng.pick(names::DEPARTMENTS),
            ["Analytics", "Reporting", "équipe", "[Test]"][at % 4]
        ),
    };
    let changed = (at % 9 == 4).then(|| (1 + rng.below(spec.days), format!("{first} (new)")));
    Workspace {
        // Not every id is a GUID, and no test may depend on it.
        id: if at == 10 { "My Workspace".into() } else { rng.guid() },
        name: Name { first, changed },
        capacity: (at % 2 == 1).then(|| rng.below(3)),
    }
}

fn dataset(rng: &mut Rng, at: usize) -> Dataset {
    Dataset { id: rng.guid(), name: format!("{} Data {at}", rng.pick(names::DEPARTMENTS)) }
}

fn dashboard(rng: &mut Rng, at: usize, spec: &Spec) -> Dashboard {
    Dashboard {
        id: rng.guid(),
        name: format!("{} Dashboard {at}", rng.pick(names::DEPARTMENTS)),
        workspace: rng.below(spec.workspaces),
    }
}

fn report(rng: &mut Rng, at: usize, spec: &Spec, publisher_id: &str) -> Report {
    let first = match names::AWKWARD_NAMES.get(at) {
        Some(name) => (*name).to_owned(),
        // The name has no number, because several reports of one name are normal.
        None => format!("{} {}", rng.pick(names::DEPARTMENTS), rng.pick(names::SUBJECTS)),
    };
    let template = at % 23 == 5;
    let app = (template || at % 5 == 1).then(|| rng.below(names::APP_NAMES.len()));
    let changed = (at % 7 == 3).then(|| (1 + rng.below(spec.days), format!("{first} v2")));
    let second = at % 17 == 2 && spec.workspaces > 1;
    let workspace = rng.below(spec.workspaces);
    Report {
        id: if at == 16 { "81g22w11-vyy3-281h-1mn3-822a99921541".into() } else { rng.guid() },
        name: if template { Name::fixed(first) } else { Name { first, changed } },
        dataset: at / 2,
        workspace,
        second_workspace: second.then_some((workspace + 1) % spec.workspaces),
        app,
        app_report_id: app.map(|_| rng.guid()),
        publisher_id: template.then(|| publisher_id.to_owned()),
        report_type: if at % 15 == 14 { "PaginatedReport" } else { "PowerBIReport" },
        label: at.is_multiple_of(3).then(|| rng.below(3)),
    }
}
