//! The operations that the OpenAPI document leaves out: itself, its page for people, and those for machines.

use axum::{
    http::{Method, StatusCode},
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use utoipa::openapi::OpenApi;

use super::{docs, health};
use crate::{
    http::body,
    openapi::document::text,
    operation::{Kind, Operation},
    state::ApiState,
};

/// Each of them with its handler. All are read by GET and need no signature.
pub(crate) fn endpoints(document: &OpenApi) -> Vec<(Operation, MethodRouter<ApiState>)> {
    let json = Bytes::from(text(document));
    [
        ("CheckLiveness", "/health/live", Kind::Probe, get(health::live)),
        ("CheckReadiness", "/health/ready", Kind::Probe, get(health::ready)),
        (
            "ReadOpenApi",
            "/openapi.json",
            Kind::Own,
            get(|| async { body::with_type(StatusCode::OK, "application/json", json) }),
        ),
        ("ReadDocs", "/docs", Kind::Own, get(docs::page)),
        ("ReadDocsFile", "/docs/{file}", Kind::Own, get(docs::file)),
    ]
    .into_iter()
    .map(|(name, path, kind, handler)| (Operation::new(name, Method::GET, path, kind), handler))
    .collect()
}
