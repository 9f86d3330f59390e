//! Parses JSON values without loss: numbers keep their text, members their order and duplicates.
//! The `Value` of serde_json would round the numbers that the tests check.

use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Json {
    Null,
    Bool(bool),
    /// Text of the number.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    #[track_caller]
    pub fn parse(text: &str) -> Json {
        let text = text.trim();
        fn failed<T>(text: &str) -> impl FnOnce(serde_json::Error) -> T {
            move |error| panic!("{error}: {text}")
        }
        match text.as_bytes().first() {
            Some(b'{') => {
                let members: Members = serde_json::from_str(text).unwrap_or_else(failed(text));
                let parsed =
                    members.0.into_iter().map(|(name, raw)| (name, Json::parse(raw.get())));
                Json::Object(parsed.collect())
            }
            Some(b'[') => {
                let items: Vec<Box<RawValue>> =
                    serde_json::from_str(text).unwrap_or_else(failed(text));
                Json::List(items.iter().map(|raw| Json::parse(raw.get())).collect())
            }
            Some(b'"') => Json::Text(serde_json::from_str(text).unwrap_or_else(failed(text))),
            Some(b't' | b'f') => Json::Bool(text == "true"),
            Some(b'n') => Json::Null,
            _ => Json::Number(text.to_owned()),
        }
    }

    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// Returns the members of an object.
    #[track_caller]
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Object(members) => members,
            other => panic!("an object was expected, found {other:?}"),
        }
    }

    /// Returns the member with exactly this name.
    pub fn member(&self, name: &str) -> Option<&Json> {
        self.members().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Sorts the members by name at every depth, for comparisons that ignore the order.
    pub fn sorted(self) -> Json {
        match self {
            Json::List(items) => Json::List(items.into_iter().map(Json::sorted).collect()),
            Json::Object(members) => {
                let mut members: Vec<_> =
                    members.into_iter().map(|(name, value)| (name, value.sorted())).collect();
                members.sort();
                Json::Object(members)
            }
            leaf => leaf,
        }
    }

    /// Returns compact text.
    pub fn write(&self) -> String {
        let mut out = String::new();
        self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) {
        let quoted = |text: &str| serde_json::to_string(text).expect("any text is JSON");
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => write!(out, "{value}").expect("a string takes all text"),
            Json::Number(text) => out.push_str(text),
            Json::Text(text) => out.push_str(&quoted(text)),
            Json::List(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    item.write_to(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write_to(out);
                }
                out.push('}');
            }
        }
    }
}

/// Members of an object in the order of the text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}
