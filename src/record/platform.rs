//! What records of Power Apps, Power Automate and the Power Platform are about.
//!
//! They put it where a report cannot reach it: `AdditionalInfo` of Power Apps is JSON in a text,
//! newer records have a list of names and values, once more as JSON in a text, and Power Automate
//! has a link and one text with commas. Their members stay as they are; this reads them.

use super::{Event, List, Parser, Value};

/// What was found, each thing where it is said first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformFields {
    /// The environment's id, in lower case: its case varies between records.
    pub environment_id: Option<String>,
    /// The environment's name.
    pub environment_name: Option<String>,
    /// The app's id, in lower case.
    pub app_id: Option<String>,
    /// The app's name.
    pub app_name: Option<String>,
    /// The flow's id, in lower case.
    pub flow_id: Option<String>,
    /// The flow's name.
    pub flow_name: Option<String>,
    /// The flow's connectors, each once, in their order.
    pub connectors: Vec<String>,
}

/// RecordTypes of Power Apps, whose `AppName` is the app's id.
const POWER_APPS_RECORD_TYPES: [i64; 2] = [45, 46];

/// Where the names of newer records begin that say what the record is about.
const RESOURCE_PREFIX: &str = "powerplatform.analytics.resource.";

/// Reads an event of the Power Platform. Texts that are no JSON after all say nothing.
pub fn extract_fields(event: &Event<'_>, parser: &mut Parser) -> PlatformFields {
    let mut facts = PlatformFields::default();
    let kind = event.record_type.and_then(super::record_type);
    let is_app = kind.is_some_and(|kind| POWER_APPS_RECORD_TYPES.contains(&kind));
    for (name, value) in event.object.members() {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match (name.len(), value) {
            (13, Value::Text(id)) if is("EnvironmentId") => set_id(&mut facts.environment_id, id),
            (7, Value::Text(id)) if is("AppName") && is_app => set_id(&mut facts.app_id, id),
            (8, Value::Text(path)) if is("ObjectId") => facts.read_path(path),
            (14, Value::Text(link)) if is("FlowDetailsUrl") => facts.read_path(link),
            (18, Value::Text(names)) if is("FlowConnectorNames") => facts.add_connectors(names),
            (18, Value::List(list)) if is("PropertyCollection") => facts.read_properties(list),
            (14, Value::Text(text)) if is("AdditionalInfo") => {
                let _ = parser.parse(text.as_bytes(), |record| {
                    facts.read_additional_info(record.root(), is_app);
                });
            }
            (14, value) if is("AdditionalInfo") => facts.read_additional_info(value, is_app),
            (24, Value::Text(text)) if is("JsonPropertiesCollection") => {
                let _ = parser.parse(text.as_bytes(), |record| match record.root() {
                    Value::List(list) => facts.read_properties(list),
                    Value::Object(object) => {
                        object.members().for_each(|(name, value)| facts.read_property(name, value))
                    }
                    _ => {}
                });
            }
            _ => {}
        }
    }
    facts
}

impl PlatformFields {
    fn read_additional_info(&mut self, value: Value<'_>, is_app: bool) {
        let Value::Object(object) = value else { return };
        for (name, value) in object.members() {
            let Value::Text(text) = value else { continue };
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            // What they call its name is the environment's id.
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
        match name.strip_prefix(RESOURCE_PREFIX) {
            Some("environment.id") => set_id(&mut self.environment_id, text),
            Some("environment.name") => set_if_empty(&mut self.environment_name, text),
            Some("power_app.id") => set_id(&mut self.app_id, text),
            Some("power_app.display_name") => set_if_empty(&mut self.app_name, text),
            Some("cloud_flow.id") => set_id(&mut self.flow_id, text),
            Some("cloud_flow.display_name") => set_if_empty(&mut self.flow_name, text),
            _ => {}
        }
    }

    /// A link or the path of a resource: `…/environments/X/flows/Y/details`.
    fn read_path(&mut self, path: &str) {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/').peekable();
        while let Some(part) = parts.next() {
            let Some(next) = parts.peek() else { return };
            match part.to_ascii_lowercase().as_str() {
                "environments" => set_id(&mut self.environment_id, next),
                // `flow/details`, without an id, is in some links.
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

/// The id itself, where it is given as the path of a resource.
fn set_id(slot: &mut Option<String>, text: &str) {
    let id = text.trim().trim_end_matches('/');
    set_if_empty(slot, &id.rsplit('/').next().unwrap_or(id).to_ascii_lowercase());
}

#[cfg(test)]
mod tests {
    use super::super::RecordKind;
    use super::*;

    fn of(text: &str) -> PlatformFields {
        let mut inner = Parser::default();
        let found = |record: &super::super::Record<'_>| match record.kind() {
            RecordKind::Event(event) => extract_fields(&event, &mut inner),
            _ => panic!("an event"),
        };
        Parser::default().parse(text.as_bytes(), found).unwrap()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_launched_app_says_which_and_where_in_a_text() {
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
        assert_eq!(of(&text), expected);
    }

    #[test]
    fn newer_records_say_it_in_names_and_values_or_in_their_json_text() {
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
        assert_eq!(of(&record(&format!(r#""PropertyCollection":{list}"#))), expected);
        let text = serde_json::to_string(&list).unwrap();
        assert_eq!(of(&record(&format!(r#""JsonPropertiesCollection":{text}"#))), expected);
        let flow = format!(
            r#"{{"{RESOURCE_PREFIX}cloud_flow.id":"F1","{RESOURCE_PREFIX}cloud_flow.display_name":"Nightly"}}"#
        );
        let text = serde_json::to_string(&flow).unwrap();
        let object = format!(r#""JsonPropertiesCollection":{text}"#);
        let flow = PlatformFields {
            flow_id: some("f1"),
            flow_name: some("Nightly"),
            ..PlatformFields::default()
        };
        assert_eq!(of(&record(&object)), flow);
    }

    #[test]
    fn a_flow_says_it_in_its_link_and_its_connectors_with_commas() {
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
        assert_eq!(of(&text), expected);
    }

    #[test]
    fn texts_that_are_no_json_say_nothing() {
        let text = r#"{"Id":"1","RecordType":45,"AdditionalInfo":"{broken","PropertyCollection":"x",
            "JsonPropertiesCollection":"7","AppName":" ","FlowDetailsUrl":"environments"}"#;
        assert_eq!(of(text), PlatformFields::default());
    }
}
