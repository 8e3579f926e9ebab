//! Every route of the API. The router imports the operations; no operation imports the router.
//!
//! Each service has a function here that lists its operations.

use std::sync::Arc;

use axum::{
    Router,
    http::{Method, StatusCode},
    middleware,
    response::IntoResponse,
    routing::{MethodRouter, delete, get, post},
};
use bytes::Bytes;
use prometheus_client::registry::Registry;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiServices, ApiSettings, auth,
    console::{assets, calculator, events, session},
    http::{body, error::ApiError},
    metrics::ApiMetrics,
    mq::{brokers, catalogue, configurations, tags, users},
    oam,
    observe::{self, Observer},
    openapi::{
        closed::tell_values,
        document::{base, text},
    },
    operation_table::{CALL_RPC, CALL_SERVICE, Kind, Operation, Operations},
    own::{self, accounts, destinations, docs, faults, health, secrets, security_groups},
    services,
    state::ApiState,
};

/// Everything that brokerd answers over HTTP.
pub fn router(settings: ApiSettings, services: ApiServices) -> Router {
    let (mut routes, document) = documented();
    let operations = Arc::new(operations(&document));
    for (operation, handler) in undocumented(&document) {
        routes = routes.route(&operation.path, handler);
    }
    let observer = Observer::new(
        Arc::clone(&services.clock),
        Arc::clone(&services.entropy),
        services.metrics.clone(),
        Arc::clone(&operations),
        services.audit.clone(),
    );
    routes
        .method_not_allowed_fallback(|| async { ApiError::unknown_method().into_response() })
        .fallback(|| async { ApiError::unknown_path() })
        .layer(CatchPanicLayer::custom(observe::panicked))
        .layer(middleware::from_fn_with_state(observer, observe::observe))
        .with_state(ApiState::new(settings, services, operations))
}

/// The OpenAPI document of the routes.
pub(crate) fn openapi_document() -> OpenApi {
    documented().1
}

/// Adds the API's metrics to a registry, each at 0 from the start, so that dashboards exist before
/// the first request.
pub fn register_metrics(registry: &mut Registry) -> ApiMetrics {
    ApiMetrics::register(registry, &operations(&openapi_document()), auth::REJECTION_REASONS)
}

fn operations(document: &OpenApi) -> Operations {
    let undocumented = undocumented(document).into_iter();
    Operations::of(document, undocumented.map(|(operation, _)| operation).collect())
}

/// The routes that are not in the document: brokerd's own for machines and people, and that of the services whose
/// protocols have no paths, which have documents of their own.
fn undocumented(document: &OpenApi) -> Vec<(Operation, MethodRouter<ApiState>)> {
    let mut endpoints = of_machines(document);
    endpoints.extend(of_the_console());
    let services = Operation::new(CALL_SERVICE, Method::POST, "/", Kind::Own);
    endpoints.push((services, post(services::call)));
    let rpc = Operation::new(CALL_RPC, Method::POST, services::RPC_ROUTE, Kind::Own);
    endpoints.push((rpc, post(services::call)));
    for path in [oam::LIST_SINKS, oam::LIST_ATTACHED_LINKS] {
        let name = path.trim_start_matches('/');
        endpoints.push((Operation::new(name, Method::POST, path, Kind::Own), post(oam::list)));
    }
    endpoints
}

/// The OpenAPI document itself, its page for people, and what machines ask. All are read by GET and need no signature.
fn of_machines(document: &OpenApi) -> Vec<(Operation, MethodRouter<ApiState>)> {
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

/// The web console: what is served for people.
fn of_the_console() -> Vec<(Operation, MethodRouter<ApiState>)> {
    let path_of_session = "/console/session";
    [
        ("ReadRoot", Method::GET, "/", get(assets::root)),
        ("ReadConsoleRoot", Method::GET, "/console", get(assets::without_slash)),
        ("ReadConsole", Method::GET, "/console/", get(assets::page)),
        ("ReadConsoleFile", Method::GET, "/console/{*path}", get(assets::read)),
        ("ConsoleLogin", Method::POST, path_of_session, post(session::sign_in)),
        ("DescribeConsoleSession", Method::GET, path_of_session, get(session::describe)),
        ("ConsoleLogout", Method::DELETE, path_of_session, delete(session::sign_out)),
        (
            "ConsoleLogoutEverywhere",
            Method::DELETE,
            "/console/sessions",
            delete(session::sign_out_everywhere),
        ),
        ("StreamConsoleEvents", Method::GET, "/console/events", get(events::stream_events)),
        ("CalculateCost", Method::GET, "/console/calculator", get(calculator::calculate_cost)),
    ]
    .into_iter()
    .map(|(name, method, path, handler)| (Operation::new(name, method, path, Kind::Own), handler))
    .collect()
}

/// The routes that are in the document, and the document.
fn documented() -> (Router<ApiState>, OpenApi) {
    let routes = OpenApiRouter::with_openapi(base()).merge(amazon_mq()).merge(brokerd());
    let (routes, mut document) = routes.split_for_parts();
    tell_values(&mut document);
    (routes, document)
}

/// Amazon MQ: requests under `/v1`.
fn amazon_mq() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(brokers::list::list_brokers, brokers::create::create_broker))
        .routes(routes!(
            brokers::describe::describe_broker,
            brokers::update::update_broker,
            brokers::delete::delete_broker
        ))
        .routes(routes!(brokers::reboot::reboot_broker))
        .routes(routes!(brokers::promote::promote))
        .routes(routes!(brokers::shared_resources::describe_shared_resources))
        .routes(routes!(users::list::list_users))
        .routes(routes!(
            users::describe::describe_user,
            users::create::create_user,
            users::update::update_user,
            users::delete::delete_user
        ))
        .routes(routes!(
            configurations::list::list_configurations,
            configurations::create::create_configuration
        ))
        .routes(routes!(
            configurations::describe::describe_configuration,
            configurations::update::update_configuration,
            configurations::delete::delete_configuration
        ))
        .routes(routes!(configurations::list_revisions::list_configuration_revisions))
        .routes(routes!(configurations::revision::describe_configuration_revision))
        .routes(routes!(
            tags::list::list_tags,
            tags::create::create_tags,
            tags::delete::delete_tags
        ))
        .routes(routes!(catalogue::engine_types::describe_broker_engine_types))
        .routes(routes!(catalogue::instance_options::describe_broker_instance_options))
}

/// brokerd's own operations: requests under `/brokerd/v1`.
fn brokerd() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(own::brokers::list::list_broker_details))
        .routes(routes!(own::brokers::validate::validate_broker))
        .routes(routes!(own::brokers::inspect::inspect_broker))
        .routes(routes!(own::brokers::events::list_broker_events))
        .routes(routes!(own::brokers::report::get_broker_report))
        .routes(routes!(faults::list::list_faults, faults::create::create_fault))
        .routes(routes!(faults::describe::describe_fault, faults::delete::delete_fault))
        .routes(routes!(destinations::list::list_destinations))
        .routes(routes!(destinations::browse::browse_destination))
        .routes(routes!(destinations::publish::publish_to_destination))
        .routes(routes!(destinations::purge::purge_destination))
        .routes(routes!(destinations::delete::delete_destination))
        .routes(routes!(destinations::test_message::send_test_message))
        .routes(routes!(
            security_groups::list::list_security_groups,
            security_groups::create::create_security_group
        ))
        .routes(routes!(
            security_groups::describe::describe_security_group,
            security_groups::update::update_security_group,
            security_groups::delete::delete_security_group
        ))
        .routes(routes!(secrets::list::list_secrets))
        .routes(routes!(
            secrets::describe::describe_secret,
            secrets::put::put_secret,
            secrets::delete::delete_secret
        ))
        .routes(routes!(accounts::list::list_accounts, accounts::create::create_account))
        .routes(routes!(
            accounts::describe::describe_account,
            accounts::update::update_account,
            accounts::delete::delete_account
        ))
        .routes(routes!(accounts::usage::describe_account_usage))
        .routes(routes!(own::prometheus::brokers::read_broker_metrics))
        .routes(routes!(own::prometheus::targets::list_prometheus_targets))
        .routes(routes!(own::ca::describe_certificate_authority))
        .routes(routes!(own::capacity::describe_capacity))
        .routes(routes!(own::provisioners::describe_provisioners))
        .routes(routes!(own::cost::estimate::get_cost_estimate))
        .routes(routes!(own::engine_versions::list_engine_versions))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::operation_table::BODY_LIMIT;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/mq.json");

    fn all() -> Operations {
        operations(&openapi_document())
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how a golden file is asked to be written")]
    fn the_committed_openapi_document_is_that_of_the_routes() {
        let text = text(&openapi_document());
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            std::fs::write(GOLDEN, &text).expect("written");
        }
        let committed = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(committed == text, "openapi/mq.json is stale: run the tests with UPDATE_GOLDEN=1");
    }

    #[test]
    fn every_documented_operation_is_in_the_table() {
        let document = serde_json::to_value(openapi_document()).expect("JSON");
        let operations = all();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                documented.insert((name, method.to_uppercase(), path.clone()));
            }
        }
        let is_documented = |path: &str| path.starts_with("/v1/") || path.starts_with("/brokerd/");
        let known: BTreeSet<_> = operations
            .all()
            .filter(|o| is_documented(&o.path))
            .map(|o| (o.name.clone(), o.method.to_string(), o.path.to_string()))
            .collect();
        assert_eq!(documented, known);
    }

    #[test]
    fn the_service_has_25_operations() {
        let operations = all();
        assert_eq!(operations.all().filter(|o| o.kind == Kind::Service).count(), 25);
        let names: BTreeSet<_> = operations.all().map(|o| &o.name).collect();
        assert_eq!(names.len(), operations.all().count());
        let routes: BTreeSet<_> = operations.all().map(|o| (&o.path, o.method.as_str())).collect();
        assert_eq!(routes.len(), operations.all().count());
    }

    #[test]
    fn what_needs_no_signature_is_a_probe() {
        let operations = all();
        let mut probes: Vec<_> = operations.all().filter(|o| o.kind == Kind::Probe).collect();
        probes.sort_by(|one, other| one.name.cmp(&other.name));
        let names: Vec<_> = probes.iter().map(|o| o.name.as_str()).collect();
        let expected = [
            "CheckLiveness",
            "CheckReadiness",
            "DescribeCertificateAuthority",
            "ListPrometheusTargets",
            "ReadBrokerMetrics",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_path_tells_its_methods() {
        let operations = all();
        assert_eq!(operations.allowed("/v1/brokers").as_deref(), Some("GET,POST,OPTIONS"));
        assert_eq!(operations.allowed("/nowhere"), None);
    }

    #[test]
    fn only_brokers_documents_messages_and_secrets_may_have_long_bodies() {
        let operations = all();
        let mut long: Vec<_> =
            operations.all().filter(|o| o.body_limit > BODY_LIMIT).map(|o| &o.name).collect();
        long.sort();
        assert_eq!(
            long,
            [
                "CallRpc",
                "CallService",
                "CreateBroker",
                "PublishToDestination",
                "PutSecret",
                "UpdateConfiguration"
            ]
        );
        let create = operations.find(&Method::POST, "/v1/brokers").expect("CreateBroker");
        assert_eq!((create.name.as_str(), create.body_limit), ("CreateBroker", 640 * 1024));
    }

    #[test]
    fn members_whose_values_are_told_are_there() {
        let mut document = openapi_document();
        assert_eq!(tell_values(&mut document), [""; 0]);
    }

    #[test]
    fn every_member_is_described() {
        let document = serde_json::to_value(openapi_document()).expect("JSON");
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            for (member, about) in schema["properties"].as_object().into_iter().flatten() {
                let is_described = about["description"].is_string()
                    || about["oneOf"][0]["description"].is_string();
                assert!(is_described, "{name}.{member} has no description");
            }
        }
    }
}
