//! Amazon CloudWatch, in each of its protocols.

mod alarms;
mod grafana;
mod metrics;
mod permissions;
mod protocol;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request},
};
use brokerd_api::sigv4;
use brokerd_domain::{
    Clock, Timestamp,
    metric::{DimensionName, MetricName, SeriesKey, Unit},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{query::Who, support::TestApi};

/// The first minute of the test's clock.
pub(super) const MINUTE: i64 = 1_790_000_000 / 60 * 60;

/// A protocol of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Query,
    Json,
    Cbor,
}

pub(super) const FORMS: [Form; 3] = [Form::Query, Form::Json, Form::Cbor];

/// What came back, in the words of JSON; numbers and times of XML are texts.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) value: Value,
}

impl Told {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer, which has to be one.
    pub(super) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.value
    }

    /// The code that clients of the query protocol know, and the message.
    pub(super) fn refusal(&self, form: Form) -> (String, String) {
        assert!(self.status >= 400, "{self:?}");
        let (code, message) = match form {
            Form::Query => (self.value["Error"]["Code"].clone(), &self.value["Error"]["Message"]),
            Form::Json | Form::Cbor => {
                let told = self.header("x-amzn-query-error").split(';').next().unwrap_or_default();
                (told.into(), &self.value["message"])
            }
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&code), text(message))
    }
}

/// A body in the form, of an input in JSON.
fn body(form: Form, operation: &str, input: &Value) -> Vec<u8> {
    match form {
        Form::Json => input.to_string().into_bytes(),
        Form::Cbor => {
            let mut encoder = minicbor::Encoder::new(Vec::new());
            write_cbor(&mut encoder, "", input);
            encoder.into_writer()
        }
        Form::Query => {
            let mut pairs = vec![
                ("Action".to_owned(), operation.to_owned()),
                ("Version".to_owned(), "2010-08-01".to_owned()),
            ];
            for (name, member) in input.as_object().into_iter().flatten() {
                flatten(&mut pairs, name.clone(), member);
            }
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.extend_pairs(pairs);
            form.finish().into_bytes()
        }
    }
}

fn flatten(pairs: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Array(items) => {
            for (item, number) in items.iter().zip(1..) {
                flatten(pairs, format!("{name}.member.{number}"), item);
            }
        }
        Value::Object(members) => {
            for (member, value) in members {
                flatten(pairs, format!("{name}.{member}"), value);
            }
        }
        Value::String(text) => pairs.push((name, text.clone())),
        other => pairs.push((name, other.to_string())),
    }
}

fn is_time(name: &str) -> bool {
    name.ends_with("Time") || name.ends_with("Date")
}

fn write_cbor(encoder: &mut minicbor::Encoder<Vec<u8>>, name: &str, value: &Value) {
    let written = match value {
        Value::Null => encoder.null().map(drop),
        Value::Bool(is) => encoder.bool(*is).map(drop),
        Value::Number(number) if is_time(name) => {
            let tag = minicbor::data::IanaTag::Timestamp;
            encoder.tag(tag).and_then(|e| e.f64(number.as_f64().expect("finite"))).map(drop)
        }
        Value::Number(number) => match number.as_i64() {
            Some(number) => encoder.i64(number).map(drop),
            None => encoder.f64(number.as_f64().expect("finite")).map(drop),
        },
        Value::String(text) => encoder.str(text).map(drop),
        Value::Array(items) => {
            encoder.array(items.len().try_into().expect("few")).expect("written");
            items.iter().for_each(|item| write_cbor(encoder, "", item));
            return;
        }
        Value::Object(members) => {
            encoder.map(members.len().try_into().expect("few")).expect("written");
            for (name, member) in members {
                encoder.str(name).expect("written");
                write_cbor(encoder, name, member);
            }
            return;
        }
    };
    written.expect("written");
}

/// CBOR in the words of JSON.
fn read_cbor(decoder: &mut minicbor::Decoder<'_>) -> Value {
    use minicbor::data::Type;
    match decoder.datatype().expect("CBOR") {
        Type::Bool => decoder.bool().expect("a truth").into(),
        Type::F64 => decoder.f64().expect("a number").into(),
        Type::Tag => {
            decoder.tag().expect("a tag");
            read_cbor(decoder)
        }
        Type::String => decoder.str().expect("a text").into(),
        Type::Array => {
            let length = decoder.array().expect("a list").expect("a length");
            (0..length).map(|_| read_cbor(decoder)).collect()
        }
        Type::Map => {
            let length = decoder.map().expect("a structure").expect("a length");
            let member = |_| {
                let name = decoder.str().expect("a name").to_owned();
                (name, read_cbor(decoder))
            };
            Value::Object((0..length).map(member).collect())
        }
        _ => decoder.i64().expect("a whole number").into(),
    }
}

/// XML in the words of JSON: elements of `member` are lists.
fn read_xml(node: roxmltree::Node<'_, '_>) -> Value {
    let children: Vec<_> = node.children().filter(roxmltree::Node::is_element).collect();
    if children.is_empty() {
        return node.text().unwrap_or_default().into();
    }
    if children.iter().all(|child| child.tag_name().name() == "member") {
        return children.into_iter().map(read_xml).collect();
    }
    let member =
        |child: roxmltree::Node<'_, '_>| (child.tag_name().name().to_owned(), read_xml(child));
    Value::Object(children.into_iter().map(member).collect())
}

fn read(form: Form, operation: &str, bytes: &[u8]) -> Value {
    match form {
        _ if bytes.is_empty() => Value::Null,
        Form::Json => serde_json::from_slice(bytes).expect("JSON"),
        Form::Cbor => read_cbor(&mut minicbor::Decoder::new(bytes)),
        Form::Query => {
            let text = std::str::from_utf8(bytes).expect("UTF-8");
            let document = roxmltree::Document::parse(text).expect("XML");
            let value = read_xml(document.root_element());
            match value.get(format!("{operation}Result")) {
                Some(result) => result.clone(),
                None => value,
            }
        }
    }
}

impl TestApi {
    /// A signed call.
    pub(super) fn cloudwatch_request(
        &self,
        form: Form,
        who: &Who,
        operation: &str,
        body: Vec<u8>,
        more: &[(&'static str, &'static str)],
    ) -> Request<Body> {
        let mut credentials = who.client.credentials.clone();
        credentials.service = "monitoring".to_owned();
        let text = |text: &str| HeaderValue::from_str(text).expect("a header");
        let mut headers = HeaderMap::new();
        headers.insert("host", text("brokerd.example:8170"));
        let mut path = "/".to_owned();
        match form {
            Form::Query => {
                headers.insert("content-type", text("application/x-www-form-urlencoded"));
            }
            Form::Json => {
                let target = format!("GraniteServiceVersion20100801.{operation}");
                headers.insert("content-type", text("application/x-amz-json-1.0"));
                headers.insert("x-amz-target", text(&target));
                headers.insert("x-amzn-query-mode", text("true"));
            }
            Form::Cbor => {
                path = format!("/service/GraniteServiceVersion20100801/operation/{operation}");
                headers.insert("content-type", text("application/cbor"));
                headers.insert("smithy-protocol", text("rpc-v2-cbor"));
                headers.insert("x-amzn-query-mode", text("true"));
            }
        }
        for (name, value) in more {
            headers.insert(*name, text(value));
        }
        let request = sigv4::Request {
            method: "POST",
            path: &path,
            query: "",
            headers: &headers,
            authority: None,
            body: &body,
        };
        headers.extend(sigv4::sign(&request, &credentials, self.clock.now()));
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = path.parse().expect("a path");
        *request.headers_mut() = headers;
        request
    }

    /// Sends a request whose answer may be in CBOR.
    pub(super) async fn told(&self, form: Form, operation: &str, request: Request<Body>) -> Told {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        Told {
            status: parts.status.as_u16(),
            value: read(form, operation, &body),
            headers: parts.headers,
            body,
        }
    }

    /// A call of somebody.
    pub(super) async fn cloudwatch_as(
        &self,
        form: Form,
        who: &Who,
        operation: &str,
        input: &Value,
    ) -> Told {
        let body = body(form, operation, input);
        let request = self.cloudwatch_request(form, who, operation, body, &[]);
        self.told(form, operation, request).await
    }

    /// A call of the account's root.
    pub(super) async fn cloudwatch(&self, form: Form, operation: &str, input: &Value) -> Told {
        self.cloudwatch_as(form, &Who::from(&self.alice), operation, input).await
    }

    /// A broker with so many messages in each of some minutes.
    pub(super) async fn broker_with_messages(&self, name: &str, counts: &[f64]) -> String {
        let id = self.create(name).await;
        self.measure(&id, MetricName::MessageCount, name, counts).await;
        id
    }

    /// Has a broker measure something in each of some minutes.
    pub(super) async fn measure(&self, id: &str, metric: MetricName, name: &str, values: &[f64]) {
        let key = SeriesKey::of(metric, &[(DimensionName::Broker, name)]);
        for (value, minute) in values.iter().zip(0..) {
            let at = Timestamp::from_micros((MINUTE + minute * 60 + 7) * 1_000_000);
            let values = vec![(key.clone(), Unit::Count, *value)];
            let broker = id.parse().expect("an identifier");
            let sample = brokerd_store::Sample { broker, at, values };
            self.store.record_samples(vec![sample]).await.expect("recorded");
        }
    }
}

/// GetMetricData of the messages of a broker, with more members.
pub(super) fn messages(broker: &str, minutes: i64) -> Value {
    json!({
        "MetricDataQueries": [{
            "Id": "m1",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/AmazonMQ",
                    "MetricName": "MessageCount",
                    "Dimensions": [{"Name": "Broker", "Value": broker}],
                },
                "Period": 60,
                "Stat": "Average",
            },
        }],
        "StartTime": MINUTE,
        "EndTime": MINUTE + minutes * 60,
        "ScanBy": "TimestampAscending",
    })
}

/// Numbers, however the protocol writes them.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().expect("a number"),
        other => other.as_f64().expect("a number"),
    };
    // An empty element has no members.
    value.as_array().map_or_else(Vec::new, |all| all.iter().map(number).collect())
}

/// Seconds since 1970, however the protocol writes them.
pub(super) fn seconds(value: &Value) -> i64 {
    match value {
        Value::String(text) => text.parse::<jiff::Timestamp>().expect("ISO 8601").as_second(),
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
        other => other.as_f64().expect("seconds") as i64,
    }
}
