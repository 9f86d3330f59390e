//! Writes one event as JSON text into a string, in the order of Microsoft's fields, with the common
//! part of all kinds. Half a gigabyte of events must be written in seconds.

use std::fmt::Write as _;
use std::ops::Range;

use super::Types;
use super::json::push_quoted;
use super::names;
use super::rng::Rng;
use super::tenant::{Principal, Tenant, User, UserKind};

const DAY_MS: i64 = 86_400_000;

/// A finished event: its compact JSON, and the values that other containers have outside of the
/// JSON.
#[derive(Clone, Default)]
pub struct Event {
    pub id: String,
    /// Milliseconds since 1970, UTC.
    pub millis: i64,
    pub record_type: u16,
    pub operation: &'static str,
    pub user: String,
    pub json: String,
    time_span: Range<usize>,
}

impl Event {
    /// Returns true for events of Power BI, Fabric or the Power Platform.
    pub fn is_kept(&self) -> bool {
        matches!(self.record_type, 20 | 30 | 45 | 256 | 357)
    }

    /// Returns true for events that the REST interface of Power BI returns.
    pub fn is_power_bi(&self) -> bool {
        matches!(self.record_type, 20 | 357)
    }

    pub fn time(&self) -> &str {
        &self.json[self.time_span.clone()]
    }

    /// Returns the JSON with another CreationTime, which must be escaped already.
    pub fn with_time(&self, time: &str) -> String {
        let Range { start, end } = self.time_span;
        [&self.json[..start], time, &self.json[end..]].concat()
    }

    /// Returns the event without its field `name`, whose value must be a string; `None` if it has
    /// no such field.
    pub fn without(&self, name: &str) -> Option<Event> {
        let range = self.text_field(name)?;
        let mut copy = self.clone();
        copy.json.replace_range(range, "");
        copy.find_time();
        Some(copy)
    }

    /// Returns the event with another text in its field `name`; `None` if it has no such field.
    pub fn with_text(&self, name: &str, value: &str) -> Option<Event> {
        let range = self.text_field(name)?;
        let mut copy = self.clone();
        let mut field = format!(",\"{name}\":");
        push_quoted(&mut field, value);
        copy.json.replace_range(range, &field);
        copy.find_time();
        Some(copy)
    }

    /// Returns the event with its Id in capital letters, as some sources spell GUIDs.
    pub fn with_id_in_capitals(&self) -> Event {
        let mut copy = self.clone();
        copy.id = self.id.to_uppercase();
        copy.json = self.json.replacen(&self.id, &copy.id, 1);
        copy
    }

    /// Returns the range of `,"name":"value"` at the top level. Nested objects have none of the
    /// names.
    fn text_field(&self, name: &str) -> Option<Range<usize>> {
        let key = format!(",\"{name}\":\"");
        let start = self.json.find(&key)?;
        let mut end = start + key.len();
        let bytes = self.json.as_bytes();
        while bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        Some(start..end + 1)
    }

    /// Updates the position of CreationTime after an edit.
    fn find_time(&mut self) {
        let range = self.text_field("CreationTime").expect("every event has its CreationTime");
        self.time_span = range.start + ",\"CreationTime\":\"".len()..range.end - 1;
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        push_quoted(&mut self.json, value);
    }

    /// Writes a value that is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.json.push_str(value);
    }

    pub fn number(&mut self, name: &str, value: i64) {
        self.name(name);
        write!(self.json, "{value}").expect("a string takes all text");
    }

    fn name(&mut self, name: &str) {
        self.json.push_str(if self.json.len() == 1 { "\"" } else { ",\"" });
        self.json.push_str(name);
        self.json.push_str("\":");
    }
}

/// Actor of an event.
#[derive(Clone, Copy)]
pub enum Actor<'a> {
    User(&'a User),
    /// A user through a program of a known user agent.
    Client(&'a User, &'static str),
    /// A view of something that was published to the web.
    Anonymous,
    Principal(&'a Principal),
    /// The service itself, on behalf of a user.
    System(&'a User),
}

/// An unfinished event, and everything that its content depends on.
pub struct Draft<'a> {
    pub tenant: &'a Tenant,
    pub rng: &'a mut Rng,
    pub event: &'a mut Event,
    pub day: usize,
    pub millis: i64,
}

impl Draft<'_> {
    /// Writes the start of a Power BI event: everything from Id to Activity.
    pub fn begin(&mut self, operation: &'static str, actor: Actor) {
        self.begin_as(20, "PowerBI", operation, actor);
        self.event.text("Activity", operation);
    }

    /// Writes the start of an event of another record type; such events have no Activity.
    pub fn begin_as(
        &mut self,
        record_type: u16,
        workload: &str,
        operation: &'static str,
        actor: Actor,
    ) {
        let tenant = self.tenant;
        self.reset(record_type, operation);
        self.event.raw("RecordType", "");
        write!(self.event.json, "{record_type}").expect("a string takes all text");
        self.creation_time();
        self.event.text("Operation", operation);
        self.event.text("OrganizationId", &tenant.organization_id);
        self.user_type(actor);
        let (key, id) = match actor {
            Actor::User(user) | Actor::Client(user, _) | Actor::System(user) => {
                (user.key.as_str(), self.spelling_of(user))
            }
            Actor::Anonymous => ("Unknown", "Anonymous"),
            Actor::Principal(principal) => (principal.key.as_str(), principal.id.as_str()),
        };
        self.event.user.push_str(id);
        self.event.text("UserKey", key);
        self.event.text("Workload", workload);
        self.event.text("UserId", id);
        self.client(actor);
    }

    /// Clears the last event and writes the Id.
    fn reset(&mut self, record_type: u16, operation: &'static str) {
        let event = &mut *self.event;
        event.millis = self.millis;
        event.record_type = record_type;
        event.operation = operation;
        event.user.clear();
        event.id.clear();
        self.rng.push_guid(&mut event.id);
        if self.rng.chance(0.01) {
            event.id.make_ascii_uppercase();
        }
        event.json.clear();
        event.json.push('{');
        event.name("Id");
        event.json.push('"');
        event.json.push_str(&event.id);
        event.json.push('"');
    }

    fn creation_time(&mut self) {
        let tenant = self.tenant;
        let of_day = self.millis.rem_euclid(DAY_MS);
        let (seconds, fraction) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let json = &mut self.event.json;
        json.push_str(",\"CreationTime\":\"");
        let start = json.len();
        json.push_str(&tenant.dates[self.day]);
        write!(json, "T{hour:02}:{minute:02}:{second:02}").expect("a string takes all text");
        match self.rng.below(128) {
            0 => write!(json, ".{fraction:03}").expect("a string takes all text"),
            1 => write!(json, ".{fraction:03}0000").expect("a string takes all text"),
            // The value beside the text must have no more precision than the text.
            _ => self.event.millis -= fraction,
        }
        self.event.time_span = start..self.event.json.len();
        self.event.json.push('"');
    }

    fn user_type(&mut self, actor: Actor) {
        let (code, name) = match actor {
            Actor::User(user) | Actor::Client(user, _) => match user.kind {
                UserKind::Member | UserKind::PlainGuest => (0, "Regular"),
                UserKind::Admin => (2, "Admin"),
                UserKind::Guest => (10, "Guest"),
            },
            // Real logs have both spellings.
            Actor::Anonymous => *self.rng.pick(&[(4, "System"), (10, "Guest")]),
            Actor::Principal(_) => {
                *self.rng.pick(&[(6, "ServicePrincipal"), (5, "Application"), (0, "Regular")])
            }
            Actor::System(_) => (4, "System"),
        };
        if !self.is_odd(0.01) {
            self.event.number("UserType", code);
        } else if self.rng.chance(0.5) {
            self.event.text("UserType", name);
        } else {
            self.event.text("UserType", &code.to_string());
        }
    }

    fn spelling_of<'u>(&mut self, user: &'u User) -> &'u str {
        if self.rng.chance(0.04) { &user.id_respelled } else { &user.id }
    }

    /// Writes ClientIP and UserAgent.
    fn client(&mut self, actor: Actor) {
        let (ip, agent) = match actor {
            Actor::User(user) if self.rng.chance(0.08) => (user.ip.as_str(), user.mobile),
            Actor::User(user) => (user.ip.as_str(), user.browser),
            Actor::Client(user, agent) => (user.ip.as_str(), agent),
            Actor::Anonymous => ("198.51.100.77", names::BROWSERS[1]),
            Actor::Principal(principal) => ("0.0.0.0", principal.agent),
            Actor::System(_) => ("", ""),
        };
        self.event.name("ClientIP");
        let json = &mut self.event.json;
        let port = 1024 + self.rng.below(60_000);
        match (self.rng.chance(0.03) && !ip.is_empty(), ip.contains(':')) {
            (false, _) => write!(json, "\"{ip}\""),
            (true, false) => write!(json, "\"{ip}:{port}\""),
            (true, true) => write!(json, "\"[{ip}]:{port}\""),
        }
        .expect("a string takes all text");
        if !self.rng.chance(0.1) {
            self.event.text("UserAgent", agent);
        }
    }

    /// Writes the id of an item; the case of GUIDs varies between events.
    pub fn item_id(&mut self, name: &str, id: &str) {
        self.event.name(name);
        let json = &mut self.event.json;
        json.push('"');
        let start = json.len();
        json.push_str(id);
        if self.rng.chance(0.04)
            && id.len() == 36
            && id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
        {
            json[start..].make_ascii_uppercase();
        }
        json.push('"');
    }

    pub fn new_guid(&mut self, name: &str) {
        self.event.name(name);
        self.event.json.push('"');
        self.rng.push_guid(&mut self.event.json);
        self.event.json.push('"');
    }

    /// Writes name and id of the workspace, under the classic or the newer spelling.
    pub fn workspace_name(&mut self, key: &str, workspace: usize) {
        let tenant = self.tenant;
        self.event.text(key, tenant.workspaces[workspace].name.on(self.day));
    }

    pub fn capacity(&mut self, workspace: usize) {
        let tenant = self.tenant;
        if let Some(capacity) = tenant.workspaces[workspace].capacity {
            self.event.text("CapacityId", &tenant.capacities[capacity].id);
            self.event.text("CapacityName", tenant.capacities[capacity].name);
        }
    }

    pub fn success(&mut self) {
        let value = match (self.is_odd(0.002), self.rng.chance(0.012)) {
            (true, _) => "\"True\"",
            (false, failed) => ["true", "false"][usize::from(failed)],
        };
        self.event.raw("IsSuccess", value);
    }

    /// Writes RequestId and ActivityId.
    pub fn request(&mut self) {
        self.new_guid("RequestId");
        if self.rng.chance(0.03) {
            self.event.text("ActivityId", "00000000-0000-0000-0000-000000000000");
        } else {
            self.new_guid("ActivityId");
        }
    }

    /// Ends the event, sometimes with unknown fields.
    pub fn end(&mut self) {
        if self.rng.chance(0.012) {
            self.unknown_field();
        }
        self.event.json.push('}');
    }

    fn unknown_field(&mut self) {
        // Unusual lists and objects occur only in archives of varied types.
        let kinds = if self.tenant.spec.types == Types::Varied { 8 } else { 6 };
        match self.rng.below(kinds) {
            0 => self.event.text("FeatureRing", "Öffentlich"),
            1 => self.event.raw("PayloadBytes", "18446744073709551615"),
            2 => self.event.number("SequenceNumber", 9_007_199_254_740_993),
            3 => self.event.raw("RenderCost", "12.0625"),
            4 => self.event.raw("CacheRatio", "-1.5e-7"),
            5 => self.event.raw("IsPreview", "false"),
            6 => {
                let depth = self.rng.below(9);
                let value = format!(
                    r#"{{"spanId":"a{depth}","depth":{depth},"parents":[1,[2.5,null]],"open":true}}"#
                );
                self.event.raw("TraceContext", &value);
            }
            _ => self.event.raw("ExperimentTags", r#"["alpha","\u00fcber\/b",null,{"w":0.1}]"#),
        }
    }

    /// Returns true for the few events that give a field another type.
    pub fn is_odd(&mut self, probability: f64) -> bool {
        self.tenant.spec.types == Types::Varied && self.rng.chance(probability)
    }

    /// Draws a user; few are very active.
    pub fn some_user(&mut self) -> usize {
        self.tenant.user_draw.draw(self.rng)
    }

    /// Draws a report; few are used very often.
    pub fn some_report(&mut self) -> usize {
        self.tenant.report_draw.draw(self.rng)
    }

    /// Returns the workspace in which a report is viewed.
    pub fn workspace_of(&mut self, report: usize) -> usize {
        let report = &self.tenant.reports[report];
        match report.second_workspace {
            Some(second) if self.rng.chance(0.3) => second,
            _ => report.workspace,
        }
    }
}
