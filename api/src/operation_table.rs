//! The table of operations, derived from the OpenAPI document. Metrics, log, CORS and limits of bodies go by it.

use std::{collections::HashMap, sync::Arc};

use axum::http::Method;
use brokerd_domain::{MAX_SECRET_BYTES, destination::MAX_BODY_BYTES, policy::OperationPermissions};
use utoipa::openapi::{self, OpenApi, security::SecurityRequirement};

/// Whose operation it is, and how it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Amazon MQ's.
    Service,
    /// brokerd's own.
    Own,
    /// brokerd's own, polled by machines every few seconds: logged at level debug.
    Probe,
}

/// A method on a path.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The name, as IAM and the document have it.
    pub(crate) name: String,
    pub(crate) method: Method,
    /// The template of the path, as the router matches it.
    pub(crate) path: Arc<str>,
    pub(crate) kind: Kind,
    /// Most bytes of a request's body.
    pub(crate) body_limit: usize,
    /// What it needs to be allowed; none: it needs no signature.
    pub(crate) permissions: Option<&'static OperationPermissions>,
}

/// The name of the security scheme of operations that the operator's token permits.
pub(crate) const BEARER_SCHEME: &str = "bearer";
/// Most bytes of a body where nothing else is said.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// The call of a service whose protocol has no paths.
pub(crate) const CALL_SERVICE: &str = "CallService";
/// The call of a service in Smithy's RPC, whose path has nothing but the operation.
pub(crate) const CALL_RPC: &str = "CallRpc";
/// Operations with longer bodies: a new broker's users, their groups and its tags; the document of a configuration; a secret
/// or a message, each of whose bytes may be six in JSON; a form with policies, each of whose characters may be three.
const LONG_BODIES: [(&str, usize); 6] = [
    ("CreateBroker", 640 << 10),
    ("UpdateConfiguration", 1 << 20),
    ("PutSecret", 6 * MAX_SECRET_BYTES + 1024),
    ("PublishToDestination", 6 * MAX_BODY_BYTES + BODY_LIMIT),
    (CALL_SERVICE, 512 << 10),
    (CALL_RPC, 512 << 10),
];

impl Operation {
    /// An operation of that name.
    pub(crate) fn new(name: &str, method: Method, path: &str, kind: Kind) -> Self {
        let long = LONG_BODIES.iter().find(|(operation, _)| *operation == name);
        Self {
            name: name.to_owned(),
            method,
            path: path.into(),
            kind,
            body_limit: long.map_or(BODY_LIMIT, |(_, limit)| *limit),
            permissions: OperationPermissions::of(name),
        }
    }
}

/// Every operation of the API.
#[derive(Debug)]
pub(crate) struct Operations(HashMap<Arc<str>, Vec<Operation>>);

impl Operations {
    /// Those of the document, and those that it leaves out.
    pub(crate) fn of(document: &OpenApi, undocumented: Vec<Operation>) -> Self {
        let documented = document.paths.paths.iter().flat_map(|(path, item)| {
            let methods = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::DELETE, &item.delete),
            ];
            methods.into_iter().filter_map(|(method, operation)| {
                let operation = operation.as_ref()?;
                let name = operation.operation_id.as_deref()?;
                Some(Operation::new(name, method, path, kind(path, operation)))
            })
        });
        let mut operations = HashMap::<Arc<str>, Vec<Operation>>::new();
        for operation in documented.chain(undocumented) {
            operations.entry(Arc::clone(&operation.path)).or_default().push(operation);
        }
        Self(operations)
    }

    /// All of them, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Operation> {
        self.0.values().flatten()
    }

    /// The operation of that method and path template.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<&Operation> {
        self.0.get(path)?.iter().find(|operation| operation.method == *method)
    }

    /// The methods of a path template, as the header `Allow` lists them; none if there is no such path.
    pub(crate) fn allowed(&self, path: &str) -> Option<String> {
        let methods = self.0.get(path)?.iter().map(|operation| operation.method.as_str());
        Some(methods.chain(["OPTIONS"]).collect::<Vec<_>>().join(","))
    }
}

/// Operations of brokerd that need no signature, or a token instead, are polled by machines.
fn kind(path: &str, operation: &openapi::path::Operation) -> Kind {
    let bearer = SecurityRequirement::new(BEARER_SCHEME, Vec::<String>::new());
    let is_unsigned = |security: &Vec<_>| {
        security.contains(&SecurityRequirement::default()) || security.contains(&bearer)
    };
    if path.starts_with("/v1/") {
        Kind::Service
    } else if operation.security.as_ref().is_some_and(is_unsigned) {
        Kind::Probe
    } else {
        Kind::Own
    }
}
