//! A collector of OpenTelemetry: it takes what it is sent by OTLP over HTTP, and remembers it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, Result};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;

/// A span, as far as scenarios look at it.
#[derive(Debug, Clone)]
pub struct Traced {
    /// What is done.
    pub name: String,
    /// The trace that it belongs to.
    pub trace: Vec<u8>,
    /// Its own number.
    pub id: Vec<u8>,
    /// The number of the span that caused it; empty: none.
    pub parent: Vec<u8>,
    /// What is known of it.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Taken {
    spans: Vec<Traced>,
    metrics: BTreeMap<String, usize>,
}

/// A collector on a port of its own.
#[derive(Debug)]
pub struct Collector {
    address: String,
    taken: Arc<Mutex<Taken>>,
}

impl Collector {
    /// One that listens.
    ///
    /// # Errors
    /// When it can't.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let taken = Arc::<Mutex<Taken>>::default();
        let all = Arc::clone(&taken);
        // It ends with the process: nobody else has the port.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that says nonsense finds its spans missing.
                let _ = take(stream, &all);
            }
        });
        Ok(Self { address, taken })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans that it was sent.
    pub fn spans(&self) -> Vec<Traced> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).spans.clone()
    }

    /// The metrics that it was sent, and how many values each had.
    pub fn metrics(&self) -> BTreeMap<String, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).metrics.clone()
    }
}

fn take(mut stream: TcpStream, taken: &Mutex<Taken>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut path, mut length) = (String::new(), String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse()?;
            }
            Some(_) => {}
            None => path = line.split(' ').nth(1).context("a path")?.to_owned(),
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let is_known = remember(&path, &body, taken)?;
    let status = if is_known { "200 OK" } else { "404 Not Found" };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    Ok(stream.write_all(head.as_bytes())?)
}

fn remember(path: &str, body: &[u8], taken: &Mutex<Taken>) -> Result<bool> {
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    match path {
        "/v1/traces" => {
            let request = ExportTraceServiceRequest::decode(body)?;
            let scopes = request.resource_spans.into_iter().flat_map(|r| r.scope_spans);
            taken.spans.extend(scopes.flat_map(|scope| scope.spans).map(traced));
        }
        "/v1/metrics" => {
            let request = ExportMetricsServiceRequest::decode(body)?;
            let scopes = request.resource_metrics.into_iter().flat_map(|r| r.scope_metrics);
            for metric in scopes.flat_map(|scope| scope.metrics) {
                *taken.metrics.entry(metric.name).or_default() += 1;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn traced(span: Span) -> Traced {
    let text = |attribute: KeyValue| {
        let value = attribute.value.and_then(|value| value.value);
        let text = match value {
            Some(Value::StringValue(text)) => text,
            other => format!("{other:?}"),
        };
        (attribute.key, text)
    };
    Traced {
        name: span.name,
        trace: span.trace_id,
        id: span.span_id,
        parent: span.parent_span_id,
        attributes: span.attributes.into_iter().map(text).collect(),
    }
}
