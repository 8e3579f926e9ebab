//! The OpenAPI document, assembled from the handlers themselves.

use std::{collections::BTreeMap, sync::Arc};

use axum::Router;
use utoipa::{
    IntoParams, IntoResponses, ToSchema,
    openapi::{
        Components, Content, Info, License, ObjectBuilder, OpenApi, Ref, RefOr, Required, Response,
        ResponseBuilder,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, SchemaFormat, Type},
        security::{ApiKey, ApiKeyValue, SecurityScheme},
        tag::TagBuilder,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    ApiState,
    error::ErrorBody,
    routes::{
        brokers, catalogue, configurations, faults, own, secrets, security_groups, tags, users,
    },
};

const DESCRIPTION: &str = "The Amazon MQ API (version 2017-11-27, REST-JSON) as brokerd implements it, and brokerd's own operations. The exception's name is in the header x-amzn-ErrorType, the request's identifier in x-amzn-RequestId.";

const SIGV4: &str = "AWS Signature Version 4: service mq, a region that is configured, at most 15 minutes old. Every header x-amz-* must be signed.";

/// The answers that every signed operation can give.
pub(crate) struct ServiceErrors;

impl IntoResponses for ServiceErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("400", "BadRequestException: a member or parameter is invalid."),
            ("403", "ForbiddenException, or the signature is refused: MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException, InvalidSignatureException."),
            ("429", "TooManyRequestsException: the account has used up its allowance, which all operations under /v1 share in all regions, as do all others under /brokerd/v1; or too many unknown access keys came from this address; retry."),
            ("500", "InternalServerErrorException: a defect of brokerd."),
            ("503", "ServiceUnavailableException: the database can't be reached; retry."),
        ]
        .into_iter()
        .map(refusal)
        .collect()
    }
}

/// The answer of operations that something else stands against.
pub(crate) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal(("409", "ConflictException: a name is taken, or the state does not permit it."))]
            .into()
    }
}

/// The answer of operations on something that does not exist.
pub(crate) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal(("404", "NotFoundException: what the path names does not exist for this caller."))]
            .into()
    }
}

/// The parameter of operations on a broker.
pub(crate) struct OfBroker;

impl IntoParams for OfBroker {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("broker-id", "The broker's identifier.")]
    }
}

/// The parameters of operations on a broker's user.
pub(crate) struct OfUser;

impl IntoParams for OfUser {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            in_path("broker-id", "The broker's identifier."),
            in_path("username", "The user's name."),
        ]
    }
}

/// The parameters of operations that list page by page.
pub(crate) struct Page;

impl IntoParams for Page {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let size = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(5))
            .maximum(Some(100));
        let token = ObjectBuilder::new().schema_type(Type::String);
        let parameter = |name, description: &str, schema: ObjectBuilder| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(description))
                .schema(Some(schema))
                .build()
        };
        vec![
            parameter("maxResults", "5 to 100 items per page; default 20.", size),
            parameter("nextToken", "Where the page begins.", token),
        ]
    }
}

fn in_path(name: &str, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .build()
}

fn refusal((status, description): (&str, &str)) -> (String, RefOr<Response>) {
    let content = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
    let response =
        ResponseBuilder::new().description(description).content("application/json", content);
    (status.to_owned(), response.build().into())
}

fn base() -> OpenApi {
    let mut info = Info::new("brokerd", "2017-11-27");
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let mut components = Components::new();
    let header = ApiKeyValue::with_description("Authorization", SIGV4);
    components.add_security_scheme("sigv4", SecurityScheme::ApiKey(ApiKey::Header(header)));
    let mut document = OpenApi::new(info, utoipa::openapi::Paths::new());
    document.components = Some(components);
    let tag = |name, text| TagBuilder::new().name(name).description(Some(text)).build();
    document.tags = Some(vec![
        tag("brokers", "Amazon MQ: brokers."),
        tag("users", "Amazon MQ: users of ActiveMQ brokers."),
        tag("configurations", "Amazon MQ: configurations and their revisions."),
        tag("tags", "Amazon MQ: tags of brokers and configurations."),
        tag("catalogue", "Amazon MQ: what can be created."),
        tag("brokerd", "Operations that Amazon MQ has not got."),
    ]);
    document
}

/// The routes of the document, and the document.
pub(crate) fn assembled() -> (Router<Arc<ApiState>>, OpenApi) {
    OpenApiRouter::with_openapi(base())
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
        .routes(routes!(brokers::inspect::inspect_broker))
        .routes(routes!(brokers::events::list_broker_events))
        .routes(routes!(faults::list::list_faults, faults::create::create_fault))
        .routes(routes!(faults::describe::describe_fault, faults::delete::delete_fault))
        .routes(routes!(catalogue::engine_types::describe_broker_engine_types))
        .routes(routes!(catalogue::instance_options::describe_broker_instance_options))
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
        .routes(routes!(own::ca::describe_certificate_authority))
        .routes(routes!(own::capacity::describe_capacity))
        .routes(routes!(own::engine_versions::list_engine_versions))
        .split_for_parts()
}

/// The OpenAPI document of the routes.
pub fn document() -> OpenApi {
    assembled().1
}

/// The document as it is served and committed.
pub(crate) fn text(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::operation::OPERATIONS;

    const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/mq.json");

    #[test]
    #[expect(clippy::disallowed_methods, reason = "how a golden file is asked to be written")]
    fn the_committed_document_is_that_of_the_routes() {
        let text = text(&document());
        if std::env::var("UPDATE_GOLDEN").is_ok() {
            std::fs::write(GOLDEN, &text).expect("written");
        }
        let committed = std::fs::read_to_string(GOLDEN).unwrap_or_default();
        assert!(committed == text, "openapi/mq.json is stale: run the tests with UPDATE_GOLDEN=1");
    }

    #[test]
    fn the_document_and_the_table_of_operations_agree() {
        let document = serde_json::to_value(document()).expect("JSON");
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("operations") {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                documented.insert((name, method.to_uppercase(), path.clone()));
            }
        }
        let is_listed = |path: &str| path.starts_with("/v1/") || path.starts_with("/brokerd/");
        let known: BTreeSet<_> = OPERATIONS
            .iter()
            .filter(|o| is_listed(o.path))
            .map(|o| (o.name.to_owned(), o.method.to_string(), o.path.to_owned()))
            .collect();
        assert_eq!(documented, known);
    }

    #[test]
    fn every_member_is_described() {
        let document = serde_json::to_value(document()).expect("JSON");
        for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
            for (member, about) in schema["properties"].as_object().into_iter().flatten() {
                let is_described = about["description"].is_string()
                    || about["oneOf"][0]["description"].is_string();
                assert!(is_described, "{name}.{member} has no description");
            }
        }
    }
}
