//! Every operation, once: for the router, the metrics, the log and CORS.

use axum::http::Method;
use brokerd_domain::LARGEST_SECRET;

/// Whose operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Amazon MQ's.
    Service,
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

use Kind::{Own, Probe, Service};

const BROKER: &str = "/v1/brokers/{broker-id}";
const USER: &str = "/v1/brokers/{broker-id}/users/{username}";
const CONFIGURATION: &str = "/v1/configurations/{configuration-id}";
const GROUPS: &str = "/brokerd/v1/security-groups";
const GROUP: &str = "/brokerd/v1/security-groups/{security-group-id}";
const SECRET: &str = "/brokerd/v1/secrets/{secret-name}";
const FAULTS: &str = "/brokerd/v1/brokers/{broker-id}/faults";
const FAULT: &str = "/brokerd/v1/brokers/{broker-id}/faults/{fault-id}";
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
    op("UpdateBroker", PUT, BROKER, Service),
    op("Promote", POST, "/v1/brokers/{broker-id}/promote", Service),
    op("DescribeSharedResources", GET, "/v1/brokers/{broker-id}/shared-resources", Service),
    op("ListUsers", GET, "/v1/brokers/{broker-id}/users", Service),
    op("DescribeUser", GET, USER, Service),
    op("CreateUser", POST, USER, Service),
    op("UpdateUser", PUT, USER, Service),
    op("DeleteUser", DELETE, USER, Service),
    op("ListConfigurations", GET, "/v1/configurations", Service),
    op("CreateConfiguration", POST, "/v1/configurations", Service),
    op("DescribeConfiguration", GET, CONFIGURATION, Service),
    op("UpdateConfiguration", PUT, CONFIGURATION, Service),
    op("DeleteConfiguration", DELETE, CONFIGURATION, Service),
    op(
        "ListConfigurationRevisions",
        GET,
        "/v1/configurations/{configuration-id}/revisions",
        Service,
    ),
    op(
        "DescribeConfigurationRevision",
        GET,
        "/v1/configurations/{configuration-id}/revisions/{configuration-revision}",
        Service,
    ),
    op("ListTags", GET, TAGS, Service),
    op("CreateTags", POST, TAGS, Service),
    op("DeleteTags", DELETE, TAGS, Service),
    op("InspectBroker", GET, "/brokerd/v1/brokers/{broker-id}", Own),
    op("ListBrokerEvents", GET, "/brokerd/v1/brokers/{broker-id}/events", Own),
    op("ListSecurityGroups", GET, GROUPS, Own),
    op("CreateSecurityGroup", POST, GROUPS, Own),
    op("DescribeSecurityGroup", GET, GROUP, Own),
    op("UpdateSecurityGroup", PUT, GROUP, Own),
    op("DeleteSecurityGroup", DELETE, GROUP, Own),
    op("ListSecrets", GET, "/brokerd/v1/secrets", Own),
    op("DescribeSecret", GET, SECRET, Own),
    op("PutSecret", PUT, SECRET, Own),
    op("DeleteSecret", DELETE, SECRET, Own),
    op("ListFaults", GET, FAULTS, Own),
    op("CreateFault", POST, FAULTS, Own),
    op("DescribeFault", GET, FAULT, Own),
    op("DeleteFault", DELETE, FAULT, Own),
    op("DescribeCertificateAuthority", GET, "/brokerd/v1/ca.pem", Probe),
    op("DescribeCapacity", GET, "/brokerd/v1/capacity", Own),
    op("ListEngineVersions", GET, "/brokerd/v1/engine-versions", Own),
    op("CheckLiveness", GET, "/health/live", Probe),
    op("CheckReadiness", GET, "/health/ready", Probe),
    op("ReadMetrics", GET, "/metrics", Probe),
    op("ReadOpenApi", GET, "/openapi.json", Own),
    op("ReadDocs", GET, "/docs", Own),
];

/// Most bytes of a body. Only documents of configurations are long, and secrets: each of their bytes may be six in JSON.
const BODY_LIMIT: usize = 64 * 1024;
const DOCUMENT_LIMIT: usize = 1 << 20;
const SECRET_LIMIT: usize = 6 * LARGEST_SECRET + 1024;

/// Most bytes of the body of a request to this operation.
pub(crate) fn body_limit(operation: Option<&Operation>) -> usize {
    match operation {
        Some(operation) if operation.name == "UpdateConfiguration" => DOCUMENT_LIMIT,
        Some(operation) if operation.name == "PutSecret" => SECRET_LIMIT,
        Some(_) | None => BODY_LIMIT,
    }
}

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
        assert_eq!(OPERATIONS.iter().filter(|o| o.kind == Service).count(), 25);
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
