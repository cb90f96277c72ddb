//! `openapi.json` against the code: each path, each field, and every answer that a test gets.

use super::*;
use crate::io::gateway::api::answer::{Health, OPENAPI, SessionList};
use serde::Serialize;
use std::collections::BTreeSet;

/// The description, read once.
pub(super) struct Description(Value);

impl Description {
    pub(super) fn read() -> Self {
        Self(serde_json::from_str(OPENAPI).unwrap())
    }

    fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(place) => self.0.pointer(place.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("no {place}")),
            None => value,
        }
    }

    /// Returns path and method of all operations.
    fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.0["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &Value)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.to_ascii_uppercase())).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of).collect()
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let whole = format!("{BASE}{path}");
        let (_, parameter) = find(&method.parse().unwrap(), &whole).ok()?;
        let template = match parameter {
            "" => path.to_owned(),
            parameter => path.replace(parameter, "{session}"),
        };
        Some(&self.0["paths"][template][method.to_ascii_lowercase()])
    }

    /// Holds an answer to what is said of it.
    #[track_caller]
    pub(super) fn check(&self, method: &str, path: &str, status: u16, body: &Value) {
        let operation = self.operation(method, path).unwrap_or_else(|| panic!("{method} {path} is not described"));
        let response = self.follow(&operation["responses"][status.to_string()]);
        let content = response["content"].as_object().unwrap_or_else(|| panic!("{method} {path} tells no {status}"));
        for described in content.values() {
            self.fits(&described["schema"], body, &format!("{method} {path} {status}"));
        }
    }

    /// Checks a value against the part of JSON Schema that the description uses.
    #[track_caller]
    fn fits(&self, schema: &Value, value: &Value, place: &str) {
        let schema = self.follow(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let kinds: Vec<_> = choices.iter().map(|choice| self.follow(choice)["type"].clone()).collect();
            assert!(kinds.contains(&json!(kind(value))), "{place}: {value} is none of {kinds:?}");
            return;
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.clone(),
            one => vec![one.clone()],
        };
        assert!(kinds.contains(&json!(kind(value))), "{place}: {value} is not {kinds:?}");
        let constant = &schema["const"];
        assert!(constant.is_null() || constant == value, "{place}: {value} is not {constant}");
        if let Some(pattern) = schema["pattern"].as_str() {
            let digits = pattern.strip_prefix("^[0-9a-f]{").and_then(|rest| rest.strip_suffix("}$")).unwrap();
            let text = value.as_str().unwrap();
            let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            assert!(is_hex && text.len().to_string() == digits, "{place}: {text}");
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            list.iter().for_each(|item| self.fits(items, item, place));
        }
        if let (Some(properties), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
            assert_eq!(properties.keys().collect::<Vec<_>>(), fields.keys().collect::<Vec<_>>(), "{place}");
            fields.iter().for_each(|(name, field)| self.fits(&properties[name], field, &format!("{place}, {name}")));
        }
    }

    /// Checks that a schema has the fields of `sample`, all of them required.
    #[track_caller]
    fn describes(&self, name: &str, sample: &impl Serialize) {
        let schema = &self.0["components"]["schemas"][name];
        self.fits(schema, &serde_json::to_value(sample).unwrap(), name);
        let fields: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let required: BTreeSet<_> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(fields, required, "{name}");
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Who writes a client has nothing but the description: what is missing there is missing for all.
#[test]
fn description_has_each_path_of_the_code_and_no_other() {
    let routes: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, _)| ((*path).to_owned(), (*method).to_owned())).collect();
    let description = Description::read();
    assert_eq!(description.operations(), routes);
    assert_eq!(description.0["servers"][0]["url"], BASE);
    let needs_operator = [Route::Node, Route::Sessions, Route::Session];
    for (method, path, route) in ROUTES {
        let operation = &description.0["paths"][path][method.to_ascii_lowercase()];
        let security = if needs_operator.contains(&route) { json!([{ "operator": [] }]) } else { json!([]) };
        assert_eq!(operation["security"], security, "{path}");
        let is_told = |status: &str| operation["responses"].get(status).is_some();
        assert_eq!(is_told("401"), needs_operator.contains(&route), "{path}");
        assert_eq!(is_told("429"), route != Route::Health, "{path}");
        let always = ["200", "400", "403", "421"];
        assert!(always.iter().all(|status| is_told(status)), "{path}");
    }
}

/// A field that is renamed in one of the two breaks every dashboard.
#[test]
fn description_has_each_field_of_the_code_and_no_other() {
    let description = Description::read();
    let session = SessionId([1; 16]);
    let stats = SessionStats {
        session,
        since: crate::Wall(1),
        empty_since: Some(crate::Wall(2)),
        ended: None,
        is_host_here: false,
        counts: Counts::default(),
        waiting: 0,
        log_records: 0,
        bytes_stored: 0,
        bytes_live: 0,
        bytes_in: 0,
        bytes_out: 0,
    };
    description.describes("Health", &Health { status: "ok" });
    let challenge = ChallengeAnswer { challenge: "0".repeat(64), expires_in_s: 30 };
    description.describes("Challenge", &challenge);
    let (id, signature) = ("0".repeat(32), "0".repeat(128));
    let inquiry = InquiryBody { session: id.clone(), share: id, challenge: challenge.challenge, signature };
    description.describes("Inquiry", &inquiry);
    description.describes("Counts", &Counts::default());
    description.describes("Node", &HallStats::default());
    description.describes("Session", &stats);
    description.describes("SessionList", &SessionList { sessions: vec![stats], next: Some(session) });
    description.describes("SessionList", &SessionList { sessions: Vec::new(), next: None });
}

/// A reference that leads nowhere makes generators of clients fail.
#[test]
fn references_lead_somewhere() {
    fn visit(description: &Description, value: &Value) {
        description.follow(value);
        match value {
            Value::Object(fields) => fields.values().for_each(|field| visit(description, field)),
            Value::Array(items) => items.iter().for_each(|item| visit(description, item)),
            _ => {}
        }
    }
    let description = Description::read();
    visit(&description, &description.0);
}
