//! The OpenAPI document without its operations, which the router adds.

use utoipa::openapi::{
    Components, Info, License, OpenApi, Paths,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    tag::TagBuilder,
};

use crate::operation_table::BEARER_SCHEME;

const DESCRIPTION: &str = "The Amazon MQ API (version 2017-11-27, REST-JSON) as brokerd implements it, and brokerd's own operations. The exception's name is in the header x-amzn-ErrorType, the request's identifier in x-amzn-RequestId.";

const SIGV4: &str = "AWS Signature Version 4: service mq, a region that is configured, at most 15 minutes old. Every header x-amz-* must be signed.";

const BEARER: &str =
    "A token of the operator: a line of the file that the setting prometheus.token_file names.";

/// The document's title, tags and security scheme.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("brokerd", "2017-11-27");
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let mut components = Components::new();
    let header = ApiKeyValue::with_description("Authorization", SIGV4);
    components.add_security_scheme("sigv4", SecurityScheme::ApiKey(ApiKey::Header(header)));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(BEARER));
    components.add_security_scheme(BEARER_SCHEME, SecurityScheme::Http(bearer.build()));
    let mut document = OpenApi::new(info, Paths::new());
    document.components = Some(components);
    let tag = |name, text| TagBuilder::new().name(name).description(Some(text)).build();
    document.tags = Some(vec![
        tag("brokers", "Amazon MQ: brokers."),
        tag("users", "Amazon MQ: users of ActiveMQ brokers."),
        tag("configurations", "Amazon MQ: configurations and their revisions."),
        tag("tags", "Amazon MQ: tags of brokers and configurations."),
        tag("catalogue", "Amazon MQ: what can be created."),
        tag("brokerd", "Operations that Amazon MQ does not have."),
    ]);
    document
}

/// The document as `/openapi.json` serves it and `openapi/mq.json` holds it.
pub(crate) fn text(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
