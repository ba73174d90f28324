//! The OpenAPI document of the control API. It is made from the table of verbs and the types of their inputs and answers;
//! the copy that is served lies beside the code, and a test holds the two together, so that nothing of the making is in
//! the binary.

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// Where the document is.
pub(crate) const PATH: &str = "/api/v1/openapi.json";
const DOCUMENT: &str = include_str!("../openapi.json");

/// `GET /api/v1/openapi.json`.
pub(crate) async fn document() -> Response {
    let mut response = Response::new(Body::from(DOCUMENT));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
pub(crate) use made::Described;

#[cfg(test)]
mod made {
    use http::Method;
    use schemars::generate::SchemaSettings;
    use schemars::{Schema, SchemaGenerator};
    use serde_json::{Map, Value, json};

    use crate::types::{Code, EVENTS_PATH, Event, EventsAsked, FailureAnswer, VERSION};
    use crate::verb::described;

    /// One verb.
    pub(crate) struct Described {
        pub(crate) name: &'static str,
        pub(crate) method: Method,
        pub(crate) path: &'static str,
        pub(crate) words: &'static str,
        pub(crate) input: Schema,
        pub(crate) answer: Schema,
    }

    fn settings() -> SchemaSettings {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    }

    fn document() -> Value {
        let mut inputs = SchemaGenerator::new(settings().for_deserialize());
        let mut answers = SchemaGenerator::new(settings().for_serialize());
        let mut verbs = described(&mut inputs, &mut answers);
        verbs.sort_by_key(|verb| verb.path);
        let failure = answers.subschema_for::<FailureAnswer>();
        let event = answers.subschema_for::<Event>();
        let events_asked = inputs.subschema_for::<EventsAsked>();
        let inputs = inputs.take_definitions(true);
        let mut paths = Map::new();
        for verb in &verbs {
            let item = paths.entry(verb.path).or_insert_with(|| json!({}));
            item[verb.method.as_str().to_lowercase()] = operation(verb, &inputs);
        }
        paths.insert(EVENTS_PATH.to_owned(), json!({"get": events(&resolved(&events_asked, &inputs), &event)}));
        paths.insert(super::PATH.to_owned(), json!({"get": {
            "operationId": "GetOpenApi",
            "summary": "This document.",
            "responses": {"200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}},
        }}));
        paths.sort_keys();
        let mut schemas = answers.take_definitions(true);
        for (name, schema) in inputs {
            match schemas.get(&name) {
                Some(same) if *same == schema => {}
                Some(_) => panic!("{name} is written otherwise than it is read: give the input a type of its own"),
                None => drop(schemas.insert(name, schema)),
            }
        }
        let refused = |(status, codes): (u16, Vec<String>)| {
            let words = format!("Refused: {}.", codes.join(", "));
            (status.to_string(), json!({"description": words, "content": {"application/json": {"schema": failure}}}))
        };
        let responses: Map<String, Value> = refusals().into_iter().map(refused).collect();
        // Whole inputs stand in the operations.
        let used = json!([paths, schemas, responses]).to_string();
        schemas.retain(|name, _| used.contains(&format!("/schemas/{name}\"")));
        schemas.sort_keys();
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Remuda",
                "version": VERSION.to_string(),
                "summary": "The control API: everything a person can see or change.",
                "description": "Times are unix seconds, money is US dollars, shares are percent. Accounts are named by label \
                    or id, pools as `@name`. Within a version fields are only added: ignore those that you do not know.",
                "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            },
            "servers": [{"url": "http://127.0.0.1:4747"}],
            "security": [{"bearer": []}, {"key": []}, {"cookie": []}],
            "paths": paths,
            "components": {
                "responses": responses,
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "description": "An admin key: rmd_…"},
                    "key": {"type": "apiKey", "in": "header", "name": "x-remuda-key", "description": "An admin key: rmd_…"},
                    "cookie": {
                        "type": "apiKey", "in": "cookie", "name": crate::types::SESSION_COOKIE,
                        "description": "A browser that came by a one-time link. What changes something needs the header \
                            x-remuda-csrf with the value of the cookie remuda_csrf, too.",
                    },
                },
            },
        })
    }

    /// A schema, not a mention of it.
    fn resolved(schema: &Schema, definitions: &Map<String, Value>) -> Value {
        let value = schema.as_value();
        match value["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
            Some(name) => definitions[name].clone(),
            None => value.clone(),
        }
    }

    fn operation(verb: &Described, inputs: &Map<String, Value>) -> Value {
        let mut input = resolved(&verb.input, inputs);
        let mut parameters = Vec::new();
        for name in verb.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
            parameters.push(parameter(&mut input, name, "path"));
        }
        let reads = matches!(verb.method, Method::GET | Method::DELETE);
        if reads {
            let names: Vec<String> = input["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
            parameters.extend(names.iter().map(|name| parameter(&mut input, name, "query")));
        }
        let mut operation = json!({
            "operationId": verb.name,
            "summary": verb.words,
            "responses": {
                "200": {
                    "description": "Done.",
                    "content": {"application/json": {"schema": {"allOf": [
                        {"type": "object", "properties": {"version": {"const": VERSION}}, "required": ["version"]},
                        verb.answer.as_value(),
                    ]}}},
                },
            },
        });
        for (status, _) in refusals() {
            operation["responses"][status.to_string()] = json!({"$ref": format!("#/components/responses/{status}")});
        }
        if !parameters.is_empty() {
            operation["parameters"] = json!(parameters);
        }
        if !reads && input["properties"].as_object().is_some_and(|fields| !fields.is_empty()) {
            let required = input["required"].as_array().is_some_and(|names| !names.is_empty());
            if let Some(input) = input.as_object_mut() {
                input.remove("description");
            }
            operation["requestBody"] =
                json!({"required": required, "content": {"application/json": {"schema": input}}});
        }
        operation
    }

    /// Every failure, by its status.
    fn refusals() -> Vec<(u16, Vec<String>)> {
        let mut all: Vec<(u16, Vec<String>)> = Vec::new();
        for code in Code::ALL {
            let name = serde_json::to_value(code).unwrap().as_str().unwrap().to_owned();
            match all.iter_mut().find(|(status, _)| *status == code.status()) {
                Some((_, names)) => names.push(name),
                None => all.push((code.status(), vec![name])),
            }
        }
        all
    }

    /// Takes a field out of an input.
    fn parameter(input: &mut Value, name: &str, place: &str) -> Value {
        let mut schema = input["properties"].as_object_mut().unwrap().remove(name).unwrap();
        let mut required = place == "path";
        if let Some(names) = input["required"].as_array_mut() {
            required |= names.iter().any(|known| known == name);
            names.retain(|known| known != name);
        }
        let words = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        without_null(&mut schema);
        let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
        if let Some(words) = words {
            parameter["description"] = words;
        }
        parameter
    }

    /// A query leaves out what is not said; it has no word for null.
    fn without_null(schema: &mut Value) {
        let Some(schema) = schema.as_object_mut() else { return };
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = &types[..] {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
            any.retain(|one| one["type"] != "null");
            if let [only] = &any[..] {
                let only = only.clone();
                schema.remove("anyOf");
                schema.extend(only.as_object().cloned().unwrap_or_default());
            }
        }
        schema.remove("default");
    }

    fn events(asked: &Value, event: &Schema) -> Value {
        let mut asked = asked.clone();
        let names: Vec<String> = asked["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
        let mut parameters: Vec<Value> = names.iter().map(|name| parameter(&mut asked, name, "query")).collect();
        parameters.push(json!({
            "name": "Last-Event-ID", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "Go on behind this event.",
        }));
        json!({
            "operationId": "GetEvents",
            "summary": "What happens, as it happens: server-sent events, without end.",
            "description": "`id` is a place to come back to, `event` the kind, `data` an Event as JSON. Comments keep the \
                connection alive.",
            "parameters": parameters,
            "responses": {
                "200": {"description": "Events.", "content": {"text/event-stream": {"schema": event.as_value()}}},
            },
        })
    }

    /// One line for each path and each type: readable in a comparison, and small.
    fn written(value: &Value, depth: usize) -> String {
        let Some(object) = value.as_object().filter(|_| depth < 3) else { return value.to_string() };
        let indent = "  ".repeat(depth + 1);
        let lines: Vec<String> = object
            .iter()
            .map(|(key, value)| format!("{indent}{}: {}", Value::from(key.as_str()), written(value, depth + 1)))
            .collect();
        format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
    }

    /// `REMUDA_WRITE_OPENAPI=1 cargo test -p remuda-control openapi` writes it anew.
    #[test]
    fn the_document_is_what_the_code_says() {
        let made = written(&document(), 0) + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("REMUDA_WRITE_OPENAPI").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let copy = std::fs::read_to_string(path).unwrap();
        assert!(
            made == copy,
            "crates/control/openapi.json is out of date: REMUDA_WRITE_OPENAPI=1 cargo test -p remuda-control openapi"
        );
    }

    #[test]
    fn every_mention_leads_somewhere() {
        let document = document();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let text = document.to_string();
        for at in text.match_indices("#/components/schemas/").map(|(at, found)| &text[at + found.len()..]) {
            let name = at.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
