//! Creates events: the fields that all events have, and those of reports and workspaces.
//!
//! Events have the form of the activity log.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use super::calendar::{at, day};
use super::company::{Actor, Dashboard, Model, Report, TENANT, Workspace};
use crate::synth::Rng;

/// An event of the year.
#[derive(Debug, Clone)]
pub struct Event {
    pub time: DateTime<Utc>,
    pub json: Value,
}

/// Events and random numbers of a scene; no scene changes another one.
pub struct Stage {
    pub rng: Rng,
    events: Vec<Event>,
}

/// An unfinished event; `done` adds it to the log.
#[must_use = "an event that is not done never happened"]
pub struct Draft<'a> {
    stage: &'a mut Stage,
    time: DateTime<Utc>,
    fields: Map<String, Value>,
}

impl Stage {
    pub fn new(scene: u64) -> Self {
        Stage { rng: Rng::for_part(0x2025, scene), events: Vec::new() }
    }

    pub fn into_events(self) -> Vec<Event> {
        self.events
    }

    /// Begins an event at an instant.
    pub fn event(&mut self, time: DateTime<Utc>, actor: &Actor, operation: &str) -> Draft<'_> {
        let mut fields = Map::new();
        let common = [
            ("Id", json!(self.rng.guid())),
            ("RecordType", json!(20)),
            ("CreationTime", json!(time.format("%Y-%m-%dT%H:%M:%S").to_string())),
            ("Operation", json!(operation)),
            ("Activity", json!(operation)),
            ("OrganizationId", json!(TENANT)),
            ("UserType", json!(actor.user_type)),
            ("UserKey", json!(user_key(actor))),
            ("Workload", json!("PowerBI")),
            ("UserId", json!(actor.id)),
            ("ClientIP", json!(actor.ip)),
            ("IsSuccess", json!(true)),
            ("RequestId", json!(self.rng.guid())),
        ];
        fields.extend(common.into_iter().map(|(name, value)| (name.to_owned(), value)));
        if !actor.agent.is_empty() {
            fields.insert("UserAgent".to_owned(), json!(actor.agent));
        }
        Draft { stage: self, time, fields }
    }

    /// Begins an event at the local time of its actor: `2025-03-01 08:30` or with seconds.
    pub fn on(&mut self, when: &str, actor: &Actor, operation: &str) -> Draft<'_> {
        let time = local(when, actor);
        self.event(time, actor, operation)
    }

    /// Draws a local time of a working day; most are in the morning.
    pub fn at_work(&mut self, date: NaiveDate, actor: &Actor) -> DateTime<Utc> {
        let hour = 7 + self.rng.below(6) + self.rng.below(6);
        let (minute, second) = (self.rng.below(60), self.rng.below(60));
        at(actor.zone, date, hour as u32, minute as u32, second as u32)
    }
}

/// Parses a local time of an actor.
pub fn local(when: &str, actor: &Actor) -> DateTime<Utc> {
    let (date, time) = when.split_once(' ').expect("a day and a time");
    let mut parts = time.split(':').map(|part| part.parse::<u32>().expect("a number"));
    let mut next = || parts.next().unwrap_or(0);
    at(actor.zone, day(date), next(), next(), next())
}

/// Returns the key of a user, which is constant; anonymous visitors have none.
fn user_key(actor: &Actor) -> String {
    match actor.id {
        "Anonymous" => "Unknown".to_owned(),
        id => format!(
            "1003{:012X}",
            id.to_lowercase()
                .bytes()
                .fold(7_u64, |key, byte| { (key * 131 + u64::from(byte)) % 0xffff_ffff_ffff })
        ),
    }
}

impl Draft<'_> {
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a member that events usually have.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.remove(name);
        self
    }

    /// Makes the event a record of another kind.
    pub fn of_kind(self, record_type: i64, workload: &str) -> Self {
        self.with("RecordType", record_type).with("Workload", workload)
    }

    /// Marks the event as failed, in the form of current events.
    pub fn failed(self) -> Self {
        self.without("IsSuccess").with("ResultStatus", "Failed")
    }

    pub fn workspace(mut self, workspace: &Workspace) -> Self {
        if let Some(capacity) = workspace.capacity {
            self = self.with("CapacityId", capacity.id).with("CapacityName", capacity.name);
        }
        let name = as_of(self.time, workspace.name, workspace.former);
        self.with("WorkspaceId", workspace.id).with("WorkSpaceName", name)
    }

    pub fn model(self, model: &Model) -> Self {
        self.workspace(model.workspace).with("DatasetId", model.id).with("DatasetName", model.name)
    }

    /// Adds the fields of a model.
    pub fn about_model(self, model: &Model) -> Self {
        self.model(model)
            .with("ItemName", model.name)
            .with("ObjectId", model.name)
            .with("ArtifactId", model.id)
            .with("ArtifactName", model.name)
            .with("ArtifactKind", "Dataset")
    }

    /// Adds the fields of a report, with its name at the time.
    pub fn report(self, report: &Report) -> Self {
        let name = as_of(self.time, report.name, report.former);
        self.model(report.model)
            .with("ItemName", name)
            .with("ObjectId", name)
            .with("ReportName", name)
            .with("ReportId", report.id)
            .with("ArtifactId", report.id)
            .with("ArtifactName", name)
            .with("ArtifactKind", "Report")
            .with("ReportType", report.kind)
    }

    pub fn dashboard(self, dashboard: &Dashboard) -> Self {
        self.workspace(dashboard.workspace)
            .with("ItemName", dashboard.name)
            .with("ObjectId", dashboard.name)
            .with("DashboardName", dashboard.name)
            .with("DashboardId", dashboard.id)
            .with("ArtifactKind", "Dashboard")
    }

    pub fn done(self) {
        self.stage.events.push(Event { time: self.time, json: Value::Object(self.fields) });
    }
}

/// Returns the name at a time; the former one is valid up to and including a day.
fn as_of(
    time: DateTime<Utc>,
    name: &'static str,
    former: Option<(&'static str, &'static str)>,
) -> &'static str {
    match former {
        Some((former, until)) if time.date_naive() <= day(until) => former,
        _ => name,
    }
}

/// Returns true for working days.
pub fn is_workday(date: NaiveDate) -> bool {
    date.weekday().num_days_from_monday() < 5
}
