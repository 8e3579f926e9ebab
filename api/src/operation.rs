//! Every operation, once: for the router, the metrics, the log and CORS.

use axum::http::Method;

/// Whose operation it is, and whether it can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Amazon MQ's, implemented.
    Service,
    /// Amazon MQ's, refused by name.
    NotImplemented,
    /// brokerd's own.
    Own,
    /// brokerd's own, asked by machines every few seconds: not worth a line in the log.
    Probe,
}

/// A method on a path.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
}

const fn op(name: &'static str, method: Method, path: &'static str, kind: Kind) -> Operation {
    Operation { name, method, path, kind }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

use Kind::{NotImplemented, Own, Probe, Service};

const BROKER: &str = "/v1/brokers/{broker-id}";
const USER: &str = "/v1/brokers/{broker-id}/users/{username}";
const CONFIGURATION: &str = "/v1/configurations/{configuration-id}";
const TAGS: &str = "/v1/tags/{resource-arn}";

/// Source: the service model of 2017-11-27, and our own page of operations.
pub(crate) static OPERATIONS: &[Operation] = &[
    op("DescribeBroker", GET, BROKER, Service),
    op("ListBrokers", GET, "/v1/brokers", Service),
    op("CreateBroker", POST, "/v1/brokers", Service),
    op("DeleteBroker", DELETE, BROKER, Service),
    op("RebootBroker", POST, "/v1/brokers/{broker-id}/reboot", Service),
    op("DescribeBrokerEngineTypes", GET, "/v1/broker-engine-types", Service),
    op("DescribeBrokerInstanceOptions", GET, "/v1/broker-instance-options", Service),
    op("UpdateBroker", PUT, BROKER, NotImplemented),
    op("Promote", POST, "/v1/brokers/{broker-id}/promote", NotImplemented),
    op("DescribeSharedResources", GET, "/v1/brokers/{broker-id}/shared-resources", NotImplemented),
    op("ListUsers", GET, "/v1/brokers/{broker-id}/users", NotImplemented),
    op("DescribeUser", GET, USER, NotImplemented),
    op("CreateUser", POST, USER, NotImplemented),
    op("UpdateUser", PUT, USER, NotImplemented),
    op("DeleteUser", DELETE, USER, NotImplemented),
    op("ListConfigurations", GET, "/v1/configurations", NotImplemented),
    op("CreateConfiguration", POST, "/v1/configurations", NotImplemented),
    op("DescribeConfiguration", GET, CONFIGURATION, NotImplemented),
    op("UpdateConfiguration", PUT, CONFIGURATION, NotImplemented),
    op("DeleteConfiguration", DELETE, CONFIGURATION, NotImplemented),
    op(
        "ListConfigurationRevisions",
        GET,
        "/v1/configurations/{configuration-id}/revisions",
        NotImplemented,
    ),
    op(
        "DescribeConfigurationRevision",
        GET,
        "/v1/configurations/{configuration-id}/revisions/{configuration-revision}",
        NotImplemented,
    ),
    op("ListTags", GET, TAGS, NotImplemented),
    op("CreateTags", POST, TAGS, NotImplemented),
    op("DeleteTags", DELETE, TAGS, NotImplemented),
    op("ListBrokerEvents", GET, "/brokerd/v1/brokers/{broker-id}/events", Own),
    op("DescribeCertificateAuthority", GET, "/brokerd/v1/ca.pem", Own),
    op("CheckLiveness", GET, "/health/live", Probe),
    op("CheckReadiness", GET, "/health/ready", Probe),
    op("ReadMetrics", GET, "/metrics", Probe),
    op("ReadOpenApi", GET, "/openapi.json", Own),
    op("ReadDocs", GET, "/docs", Own),
];

/// The operation of that method and path template.
pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|o| o.method == *method && o.path == path)
}

/// The methods of a path template, as the header `Allow` lists them; none if there is no such path.
pub(crate) fn allowed(path: &str) -> Option<String> {
    let mut methods: Vec<&str> =
        OPERATIONS.iter().filter(|o| o.path == path).map(|o| o.method.as_str()).collect();
    if methods.is_empty() {
        return None;
    }
    methods.push("OPTIONS");
    Some(methods.join(","))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_service_has_25_operations() {
        let of_service = |o: &&Operation| matches!(o.kind, Service | NotImplemented);
        assert_eq!(OPERATIONS.iter().filter(of_service).count(), 25);
        let names: BTreeSet<_> = OPERATIONS.iter().map(|o| o.name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
        let routes: BTreeSet<_> = OPERATIONS.iter().map(|o| (o.path, o.method.as_str())).collect();
        assert_eq!(routes.len(), OPERATIONS.len());
    }

    #[test]
    fn a_path_tells_its_methods() {
        assert_eq!(allowed("/v1/brokers").as_deref(), Some("GET,POST,OPTIONS"));
        assert_eq!(allowed("/nowhere"), None);
    }
}
