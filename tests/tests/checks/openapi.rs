//! The committed OpenAPI document against the service's own model: operation by operation, member by member, both ways.

use std::{collections::BTreeSet, fs};

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{clients, machine};
use serde_json::{Map, Value};

/// Differences that were looked at, and why they are right. `*` stands for any operation.
const REVIEWED: &[(&str, &str)] = &[
    (
        "*: 429 is not in the model",
        "the service's gateway throttles; its answer has no shape in the model",
    ),
    (
        "*: 503 is not in the model",
        "brokerd without its database says so instead of failing as if by a defect",
    ),
    ("CreateBroker: 401 is not documented", "it tells of rights in EC2, which nobody needs here"),
    (
        "* error.resourceShareErrors: not documented",
        "shares come from Resource Access Manager, which is not here",
    ),
    (
        "UpdateBroker response.resourceShareArns: not documented",
        "the same: no share is ever accepted",
    ),
    ("*.sharedResources[].dnsNames: not documented", "the same: the list is always empty"),
    ("*.sharedResources[].error: not documented", "the same"),
    ("*.sharedResources[].resourceShareArns: not documented", "the same"),
    (
        "* response.dataReplicationMetadata: not documented",
        "data replication between regions is not implemented",
    ),
    ("* response.dataReplicationMode: not documented", "the same"),
    ("* response.pendingDataReplicationMetadata: not documented", "the same"),
    ("* response.pendingDataReplicationMode: not documented", "the same"),
    (
        "DescribeBroker response.pendingSecurityGroups: not documented",
        "security groups are in force at once",
    ),
    (
        "DescribeConfiguration response.description: not documented",
        "the service never sends it; revisions have one",
    ),
    ("*.configurations[].description: not documented", "the same"),
];

/// Which way a structure travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the caller: what is required must be the same.
    Request,
    /// To the caller: more may be promised than the model does.
    Response,
}

/// Two descriptions of one API, and where they differ.
struct Comparison {
    model: Value,
    document: Value,
    found: BTreeSet<String>,
}

fn object(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object()
}

fn names(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Comparison {
    fn differs(&mut self, place: &str, how: impl Into<String>) {
        self.found.insert(format!("{place}: {}", how.into()));
    }

    fn shape(&self, name: &Value) -> Value {
        name.as_str().map_or(Value::Null, |name| self.model["shapes"][name].clone())
    }

    /// A schema without what only says that it may be absent or is written elsewhere.
    fn plain(&self, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.plain(self.document.pointer(pointer).unwrap_or(&Value::Null));
        }
        let is_null = |schema: &Value| schema["type"] == "null";
        if let Some(one) =
            schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| !is_null(one)))
        {
            return self.plain(one);
        }
        let mut schema = schema.clone();
        if let Some(kind) =
            schema["type"].as_array().and_then(|all| all.iter().find(|one| *one != "null"))
        {
            schema["type"] = kind.clone();
        }
        schema
    }

    fn operations(&mut self) {
        let mut documented = BTreeSet::new();
        let paths = self.document["paths"].clone();
        for (path, methods) in object(&paths).into_iter().flatten() {
            for (method, operation) in object(methods).into_iter().flatten() {
                let name = operation["operationId"]
                    .as_str()
                    .unwrap_or("an operation without a name")
                    .to_owned();
                let asked = self.model["operations"][&name].clone();
                // What is ours alone has a place of its own.
                if asked.is_null() && path.starts_with("/brokerd/") {
                    continue;
                }
                documented.insert(name.clone());
                if asked.is_null() {
                    self.differs(&name, "not in the model");
                    continue;
                }
                let http = &asked["http"];
                if http["requestUri"] != *path.as_str() || http["method"] != *method.to_uppercase()
                {
                    self.differs(&name, format!("{method} {path} is {http} in the model"));
                }
                self.request(&name, &asked, operation);
                self.answers(&name, &asked, operation);
            }
        }
        let operations = self.model["operations"].clone();
        for name in object(&operations).into_iter().flatten().map(|(name, _)| name) {
            if !documented.contains(name) {
                self.differs(name, "not documented");
            }
        }
    }

    /// Path, query and body.
    fn request(&mut self, name: &str, asked: &Value, operation: &Value) {
        let input = self.shape(&asked["input"]["shape"]);
        let required = names(&input["required"]);
        let mut expected = BTreeSet::new();
        let mut body = Map::new();
        let mut body_required = Vec::new();
        for (member, reference) in object(&input["members"]).into_iter().flatten() {
            let wire = reference["locationName"].as_str().unwrap_or(member).to_owned();
            let location = match reference["location"].as_str() {
                Some("uri") => "path",
                Some("querystring") => "query",
                Some(other) => {
                    self.differs(name, format!("{member} is in {other} in the model"));
                    continue;
                }
                None => {
                    if required.contains(member) {
                        body_required.push(Value::from(wire.as_str()));
                    }
                    body.insert(wire, reference.clone());
                    continue;
                }
            };
            expected.insert((location.to_owned(), wire.clone()));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let found = parameters
                .filter(|parameter| {
                    parameter["in"] == location && parameter["name"] == *wire.as_str()
                })
                .collect::<Vec<_>>();
            let place = format!("{name} {location} {wire}");
            let Some(parameter) = found.first().copied().cloned() else {
                self.differs(&place, "not documented");
                continue;
            };
            let is_required = parameter["required"] == true;
            if is_required != required.contains(member) {
                self.differs(&place, if is_required { "required" } else { "not required" });
            }
            self.value(&place, reference, &parameter["schema"], Way::Request);
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
            if !expected.contains(&(text("in"), text("name"))) {
                self.differs(
                    &format!("{name} {} {}", text("in"), text("name")),
                    "not in the model",
                );
            }
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let place = format!("{name} request");
        match (body.is_empty(), schema.is_null()) {
            (true, true) => {}
            (true, false) => self.differs(&place, "a body that is not in the model"),
            (false, true) => self.differs(&place, "the body is not documented"),
            (false, false) => {
                let shape = serde_json::json!({ "type": "structure", "members": body, "required": body_required });
                self.structure(&place, &shape, schema, Way::Request);
            }
        }
    }

    fn answers(&mut self, name: &str, asked: &Value, operation: &Value) {
        let responses = object(&operation["responses"]).cloned().unwrap_or_default();
        let output = self.shape(&asked["output"]["shape"]);
        let success = responses.iter().find(|(status, _)| status.starts_with('2'));
        let modelled = asked["http"]["responseCode"].as_u64().unwrap_or(200).to_string();
        match success {
            Some((status, response)) => {
                if *status != modelled {
                    self.differs(name, format!("answers {status}, {modelled} in the model"));
                }
                let schema = &response["content"]["application/json"]["schema"];
                let place = format!("{name} response");
                if !schema.is_null() {
                    self.structure(&place, &output, schema, Way::Response);
                } else if output["members"].as_object().is_some_and(|members| !members.is_empty()) {
                    self.differs(&place, "the body is not documented");
                }
            }
            None => self.differs(name, "no successful answer"),
        }
        let errors = asked["errors"].as_array().cloned().unwrap_or_default();
        let statuses: BTreeSet<String> = errors
            .iter()
            .map(|error| self.shape(&error["shape"])["error"]["httpStatusCode"].to_string())
            .collect();
        for status in &statuses {
            if !responses.contains_key(status) {
                self.differs(name, format!("{status} is not documented"));
            }
        }
        for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
            if !statuses.contains(status) {
                self.differs(name, format!("{status} is not in the model"));
            }
            let schema = &response["content"]["application/json"]["schema"];
            let error = errors
                .iter()
                .map(|error| self.shape(&error["shape"]))
                .find(|error| error["error"]["httpStatusCode"].as_u64() == status.parse().ok());
            if let Some(error) = error {
                self.structure("* error", &error, schema, Way::Response);
            }
        }
    }

    fn structure(&mut self, place: &str, shape: &Value, schema: &Value, way: Way) {
        let schema = self.plain(schema);
        if schema["type"] != "object" {
            self.differs(place, format!("{} is a structure in the model", schema["type"]));
            return;
        }
        let required = names(&shape["required"]);
        let promised = names(&schema["required"]);
        let mut members = BTreeSet::new();
        for (member, reference) in object(&shape["members"]).into_iter().flatten() {
            let wire = reference["locationName"].as_str().unwrap_or(member).to_owned();
            let place = format!("{place}.{wire}");
            // A request's required members are given by their names on the wire.
            let is_required = required.contains(member) || required.contains(&wire);
            match schema["properties"].get(&wire) {
                None => self.differs(&place, "not documented"),
                Some(documented) => {
                    let is_promised = promised.contains(&wire);
                    if is_required && !is_promised {
                        self.differs(&place, "not required");
                    }
                    if way == Way::Request && is_promised && !is_required {
                        self.differs(&place, "required");
                    }
                    self.value(&place, reference, documented, way);
                }
            }
            members.insert(wire);
        }
        for documented in object(&schema["properties"]).into_iter().flatten().map(|(name, _)| name)
        {
            if !members.contains(documented) {
                self.differs(&format!("{place}.{documented}"), "not in the model");
            }
        }
    }

    fn value(&mut self, place: &str, reference: &Value, schema: &Value, way: Way) {
        let shape = self.shape(&reference["shape"]);
        let schema = self.plain(schema);
        let kind = shape["type"].as_str().unwrap_or("nothing");
        let expected = match kind {
            "structure" => return self.structure(place, &shape, &schema, way),
            "list" => "array",
            "map" => "object",
            "timestamp" => "string",
            other => other,
        };
        if schema["type"] != expected {
            self.differs(place, format!("{} is a {kind} in the model", schema["type"]));
        } else if kind == "list" {
            self.value(&format!("{place}[]"), &shape["member"], &schema["items"], way);
        } else if kind == "map" {
            self.value(
                &format!("{place}{{}}"),
                &shape["value"],
                &schema["additionalProperties"],
                way,
            );
        } else if kind == "timestamp" && schema["format"] != "date-time" {
            self.differs(place, "a time that is not said to be one");
        } else if let Some(values) = schema["enum"].as_array() {
            let modelled = names(&shape["enum"]);
            let documented = names(&Value::Array(values.clone()));
            // The service answers with other letter cases than its model has, and not with every value.
            let is_told = || {
                let known = |value: &String| modelled.iter().any(|m| m.eq_ignore_ascii_case(value));
                matches!(way, Way::Response) && documented.iter().all(known)
            };
            if !modelled.is_empty() && documented != modelled && !is_told() {
                self.differs(place, format!("values {values:?} are {modelled:?} in the model"));
            }
        }
    }
}

/// Whether a reviewed difference is this one.
fn covers(reviewed: &str, found: &str) -> bool {
    match reviewed.strip_prefix('*') {
        Some(rest) => found.ends_with(rest),
        None => reviewed == found,
    }
}

#[test]
fn the_document_says_what_the_service_s_model_says() -> Result<()> {
    if clients::python()?.is_none() {
        return Ok(());
    }
    let document = fs::read_to_string(machine::repository().join("openapi/mq.json"))?;
    let model = clients::service_model()?;
    ensure!(model["metadata"]["apiVersion"] == "2017-11-27", "another model");
    let document = serde_json::from_str(&document).context("openapi/mq.json")?;
    let mut comparison = Comparison { model, document, found: BTreeSet::new() };
    comparison.operations();
    let found = &comparison.found;
    let new: Vec<_> = found
        .iter()
        .filter(|found| !REVIEWED.iter().any(|(known, _)| covers(known, found)))
        .collect();
    ensure!(new.is_empty(), "{} differences from the service's model:\n{new:#?}", new.len());
    let stale: Vec<_> = REVIEWED
        .iter()
        .filter(|(known, _)| !found.iter().any(|found| covers(known, found)))
        .collect();
    ensure!(stale.is_empty(), "reviewed differences that there are no more:\n{stale:#?}");
    Ok(())
}
