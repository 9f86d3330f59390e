//! Extracts facts from events of Power Apps, Power Automate and the Power Platform.
//!
//! Their events have these facts where a report cannot use them. `AdditionalInfo` of Power Apps is
//! JSON in a text. Newer records have a list of names and values, also as JSON in a text. Power
//! Automate has a link and a comma-separated text. The members themselves stay unchanged.

use super::parser::{List, Parser, Value};
use super::record_kind::{self, Event};

/// The extracted facts. If a fact occurs more than once, the first one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformFields {
    /// The id of the environment, in lower case, since its case differs between records.
    pub environment_id: Option<String>,
    /// The name of the environment.
    pub environment_name: Option<String>,
    /// The id of the app, in lower case.
    pub app_id: Option<String>,
    /// The name of the app.
    pub app_name: Option<String>,
    /// The id of the flow, in lower case.
    pub flow_id: Option<String>,
    /// The name of the flow.
    pub flow_name: Option<String>,
    /// The person or group with whom the app was shared.
    pub app_recipient: Option<String>,
    /// The permission that the app was shared with.
    pub app_role: Option<String>,
    /// The connectors of the flow in their order, without duplicates.
    pub connectors: Vec<String>,
}

/// The RecordTypes of Power Apps, whose `AppName` is the id of the app.
const POWER_APPS_RECORD_TYPES: [i64; 2] = [45, 46];

/// The prefix of names in newer records that describe the resource.
const RESOURCE_PREFIX: &str = "powerplatform.analytics.resource.";

/// Extracts the facts of a Power Platform event. Texts that are not JSON are ignored.
pub fn extract_fields(event: &Event<'_>, parser: &mut Parser) -> PlatformFields {
    let mut fields = PlatformFields::default();
    let record_type = event.record_type.and_then(record_kind::record_type);
    let is_app = record_type.is_some_and(|number| POWER_APPS_RECORD_TYPES.contains(&number));
    for (name, value) in event.object.members() {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match (name.len(), value) {
            (13, Value::Text(id)) if is("EnvironmentId") => set_id(&mut fields.environment_id, id),
            (7, Value::Text(id)) if is("AppName") && is_app => set_id(&mut fields.app_id, id),
            (8, Value::Text(path)) if is("ObjectId") => fields.read_path(path),
            (14, Value::Text(link)) if is("FlowDetailsUrl") => fields.read_path(link),
            (18, Value::Text(names)) if is("FlowConnectorNames") => fields.add_connectors(names),
            (18, Value::List(list)) if is("PropertyCollection") => fields.read_properties(list),
            (14, Value::Text(text)) if is("AdditionalInfo") => {
                let _ = parser.parse(text.as_bytes(), |record| {
                    fields.read_additional_info(record.root(), is_app);
                });
            }
            (14, value) if is("AdditionalInfo") => fields.read_additional_info(value, is_app),
            (24, Value::Text(text)) if is("JsonPropertiesCollection") => {
                let _ = parser.parse(text.as_bytes(), |record| match record.root() {
                    Value::List(list) => fields.read_properties(list),
                    Value::Object(object) => {
                        object.members().for_each(|(name, value)| fields.read_property(name, value))
                    }
                    _ => {}
                });
            }
            _ => {}
        }
    }
    fields
}

impl PlatformFields {
    fn read_additional_info(&mut self, value: Value<'_>, is_app: bool) {
        let Value::Object(object) = value else { return };
        for (name, value) in object.members() {
            let Value::Text(text) = value else { continue };
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            // `environmentName` contains the id of the environment.
            if is("environmentName") {
                set_id(&mut self.environment_id, text);
            } else if is("environmentDisplayName") {
                set_if_empty(&mut self.environment_name, text);
            } else if is("resourceDisplayName") && is_app {
                set_if_empty(&mut self.app_name, text);
            }
        }
    }

    fn read_properties(&mut self, list: List<'_>) {
        for item in list.items() {
            if let Value::Object(object) = item
                && let (Some(Value::Text(name)), Some(value)) =
                    (object.member("Name"), object.member("Value"))
            {
                self.read_property(name, value);
            }
        }
    }

    fn read_property(&mut self, name: &str, value: Value<'_>) {
        let Value::Text(text) = value else { return };
        let name = name.to_ascii_lowercase();
        // Published records and scripts name the recipient of a share in two ways.
        if name == "targetuser.id" {
            set_if_empty(&mut self.app_recipient, text);
        }
        match name.strip_prefix(RESOURCE_PREFIX) {
            Some("environment.id") => set_id(&mut self.environment_id, text),
            Some("environment.name") => set_if_empty(&mut self.environment_name, text),
            Some("power_app.id") => set_id(&mut self.app_id, text),
            Some("power_app.display_name") => set_if_empty(&mut self.app_name, text),
            Some("principal.name") if !text.trim().is_empty() => {
                self.app_recipient = Some(text.trim().to_owned());
            }
            Some("role.name" | "permission_type") => set_if_empty(&mut self.app_role, text),
            Some("cloud_flow.id") => set_id(&mut self.flow_id, text),
            Some("cloud_flow.display_name") => set_if_empty(&mut self.flow_name, text),
            _ => {}
        }
    }

    /// Reads a link or the path of a resource: `…/environments/X/flows/Y/details`.
    fn read_path(&mut self, path: &str) {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let Some(next) = parts.peek() else { return };
            match part.to_ascii_lowercase().as_str() {
                "environments" => set_id(&mut self.environment_id, next),
                // Some links contain `flow/details` without an id.
                "flows" | "flow" if *next != "details" => set_id(&mut self.flow_id, next),
                "apps" => set_id(&mut self.app_id, next),
                _ => {}
            }
        }
    }

    fn add_connectors(&mut self, names: &str) {
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if !self.connectors.iter().any(|known| known == name) {
                self.connectors.push(name.to_owned());
            }
        }
    }
}

fn set_if_empty(slot: &mut Option<String>, text: &str) {
    if slot.is_none() && !text.trim().is_empty() {
        *slot = Some(text.trim().to_owned());
    }
}

/// Sets an id. If the text is the path of a resource, the id is its last part.
fn set_id(slot: &mut Option<String>, text: &str) {
    let id = text.trim().trim_end_matches('/');
    set_if_empty(slot, &id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Record, RecordKind};

    fn extracted(text: &str) -> PlatformFields {
        let mut inner = Parser::default();
        let found = |record: &Record<'_>| match record.kind() {
            RecordKind::Event(event) => extract_fields(&event, &mut inner),
            _ => panic!("an event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn launched_app_has_its_fields_in_a_json_text() {
        let inner = r#"{"environmentName":"Default-0A11CE","resourceDisplayName":"Leave \"new\""}"#;
        let text = format!(
            r#"{{"Id":"1","RecordType":45,"AppName":"0A11CE00-0000-4000-8000-000000000001",
                "AdditionalInfo":{},"ObjectId":"/providers/Microsoft.PowerApps/apps/other"}}"#,
            serde_json::to_string(inner).unwrap()
        );
        let expected = PlatformFields {
            environment_id: some("default-0a11ce"),
            app_id: some("0a11ce00-0000-4000-8000-000000000001"),
            app_name: some("Leave \"new\""),
            ..PlatformFields::default()
        };
        assert_eq!(extracted(&text), expected);
    }

    #[test]
    fn newer_records_have_their_fields_in_lists_or_json_texts() {
        let named = |name: &str, value: &str| {
            format!(r#"{{"Name":"powerplatform.analytics.resource.{name}","Value":"{value}"}}"#)
        };
        let list = [
            named("power_app.display_name", "Leave"),
            named("power_app.id", "/apps/A1"),
            named("environment.name", "Main"),
            named("ENVIRONMENT.id", "E1"),
            named("type", "PowerApp"),
            r#"{"Name":7},null"#.to_owned(),
        ];
        let list = format!("[{}]", list.join(","));
        let expected = PlatformFields {
            environment_id: some("e1"),
            environment_name: some("Main"),
            app_id: some("a1"),
            app_name: some("Leave"),
            ..PlatformFields::default()
        };
        let record = |member: &str| format!(r#"{{"Id":"1","RecordType":256,{member}}}"#);
        let list_member = format!(r#""PropertyCollection":{list}"#);
        assert_eq!(extracted(&record(&list_member)), expected);
        let text = serde_json::to_string(&list).unwrap();
        let text_member = format!(r#""JsonPropertiesCollection":{text}"#);
        assert_eq!(extracted(&record(&text_member)), expected);
        let flow = [
            format!(r#"{{"{RESOURCE_PREFIX}cloud_flow.id":"F1","#),
            format!(r#""{RESOURCE_PREFIX}cloud_flow.display_name":"Nightly"}}"#),
        ]
        .concat();
        let text = serde_json::to_string(&flow).unwrap();
        let object = format!(r#""JsonPropertiesCollection":{text}"#);
        let expected = PlatformFields {
            flow_id: some("f1"),
            flow_name: some("Nightly"),
            ..PlatformFields::default()
        };
        assert_eq!(extracted(&record(&object)), expected);
    }

    #[test]
    fn flow_has_its_fields_in_a_link_and_a_comma_separated_text() {
        let link = "https://x.example/environments/Default-E/flows/F-1/details?x=/apps/no";
        let names = "Office 365, SQL Server,,Office 365";
        let text = format!(
            r#"{{"Id":"1","RecordType":30,
                "FlowConnectorNames":"{names}","FlowDetailsUrl":"{link}"}}"#
        );
        let expected = PlatformFields {
            environment_id: some("default-e"),
            flow_id: some("f-1"),
            connectors: vec!["Office 365".to_owned(), "SQL Server".to_owned()],
            ..PlatformFields::default()
        };
        assert_eq!(extracted(&text), expected);
    }

    #[test]
    fn texts_that_are_not_json_are_ignored() {
        let text = r#"{"Id":"1","RecordType":45,"AdditionalInfo":"{broken","PropertyCollection":"x",
            "JsonPropertiesCollection":"7","AppName":" ","FlowDetailsUrl":"environments"}"#;
        assert_eq!(extracted(text), PlatformFields::default());
    }
}
