//! AWS Resource Groups Tagging API: GetResources, by AWS JSON 1.1. Grafana finds brokers by their tags with it.
//!
//! Source: Resource Groups Tagging API reference, version 2017-01-26.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use brokerd_domain::Scope;
use brokerd_store::{PgStore, TaggedFilter, TaggedResource};
use uuid::Uuid;

use crate::{
    auth::Signed,
    http::{error::ApiError, page},
    wire::{
        Shape as _,
        aws_json::{self, Refusals},
        json, shape,
    },
};

const TARGET: &str = "ResourceGroupsTaggingAPI_20170126.";
/// Source: GetResources of the API reference, "Errors".
const REFUSALS: Refusals = Refusals {
    internal: "InternalServiceException",
    unavailable: "InternalServiceException",
    throttled: "ThrottledException",
    message: "Message",
};
/// Resources of a page where nothing else is said, and at most.
const PER_PAGE: u32 = 50;
const MAX_PER_PAGE: u32 = 100;
/// Most filters, and most values of one.
const MAX_FILTERS: usize = 50;
const MAX_VALUES: usize = 20;
const MAX_ARNS: usize = 100;

shape! {
    TagFilter {
        key: Option<String> = "Key",
        values: Vec<String> = "Values",
    }
}

shape! {
    GetResourcesInput {
        token: Option<String> = "PaginationToken",
        filters: Vec<TagFilter> = "TagFilters",
        per_page: Option<i64> = "ResourcesPerPage",
        types: Vec<String> = "ResourceTypeFilters",
        arns: Vec<String> = "ResourceARNList",
    }
}

shape! {
    Tag {
        key: String = "Key",
        value: String = "Value",
    }
}

shape! {
    ResourceTagMapping {
        arn: String = "ResourceARN",
        tags: Vec<Tag> = "Tags",
    }
}

shape! {
    GetResourcesOutput {
        token: String = "PaginationToken",
        mappings: Vec<ResourceTagMapping> = "ResourceTagMappingList",
    }
}

/// Answers a call of the service.
pub(crate) async fn answer(
    store: &PgStore,
    signed: &Signed,
    headers: &HeaderMap,
    request_id: Uuid,
) -> Response {
    let answered = match aws_json::operation(headers, TARGET) {
        Some("GetResources") => get_resources(store, signed).await,
        Some(_) | None => Err(ApiError::named(
            StatusCode::BAD_REQUEST,
            "UnknownOperationException",
            "brokerd has no other operation of this service than GetResources.",
        )),
    };
    match answered {
        Ok(output) => aws_json::answer(&json::written(&output.write())),
        Err(refused) => refuse(refused, request_id),
    }
}

/// A refusal in the form of the service's protocol.
pub(crate) fn refuse(error: ApiError, request_id: Uuid) -> Response {
    REFUSALS.refuse(error, request_id)
}

async fn get_resources(store: &PgStore, signed: &Signed) -> Result<GetResourcesOutput, ApiError> {
    let caller = &signed.caller;
    caller.check("tag:GetResources", "*", |_| {})?;
    let input = json::read(&signed.body)
        .ok_or_else(|| invalid("The request body is no JSON object.".to_owned()))?;
    let input = GetResourcesInput::read(input).map_err(|wrong| invalid(wrong.to_string()))?;
    let limit = match input.per_page.map(u32::try_from) {
        None => PER_PAGE,
        Some(Ok(most)) if (1..=MAX_PER_PAGE).contains(&most) => most,
        Some(_) => {
            return Err(invalid(format!("ResourcesPerPage must be between 1 and {MAX_PER_PAGE}.")));
        }
    };
    let after = match input.token.filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => {
            let decoded = BASE64.decode(token).ok().and_then(|arn| String::from_utf8(arn).ok());
            let arn = decoded.filter(|arn| arn.starts_with("arn:"));
            Some(arn.ok_or_else(|| invalid("PaginationToken is not a token.".to_owned()))?)
        }
    };
    let filter = TaggedFilter { types: input.types, tags: tags(input.filters)?, arns: input.arns };
    if filter.arns.len() > MAX_ARNS || filter.types.len() > MAX_ARNS {
        return Err(invalid(format!("A list must not have more than {MAX_ARNS} members.")));
    }
    let region = caller.environment.region.clone();
    let scope = Scope { account: caller.account().clone(), region };
    let found = store.tagged_resources(&scope, &filter, after.as_deref(), limit + 1).await?;
    let (found, token) = page::first(found, limit, |last| BASE64.encode(&last.arn));
    Ok(GetResourcesOutput {
        token: token.unwrap_or_default(),
        mappings: found.into_iter().map(Into::into).collect(),
    })
}

fn tags(filters: Vec<TagFilter>) -> Result<Vec<(String, Vec<String>)>, ApiError> {
    if filters.len() > MAX_FILTERS || filters.iter().any(|one| one.values.len() > MAX_VALUES) {
        return Err(invalid(format!(
            "There can be at most {MAX_FILTERS} TagFilters with {MAX_VALUES} values each."
        )));
    }
    let tag = |filter: TagFilter| match filter.key.filter(|key| !key.is_empty()) {
        Some(key) => Ok((key, filter.values)),
        None => Err(invalid("A TagFilter must have a Key.".to_owned())),
    };
    filters.into_iter().map(tag).collect()
}

fn invalid(message: String) -> ApiError {
    ApiError::named(StatusCode::BAD_REQUEST, "InvalidParameterException", message)
}

impl From<TaggedResource> for ResourceTagMapping {
    fn from(found: TaggedResource) -> Self {
        let tag = |(key, value): (&String, &String)| Tag { key: key.clone(), value: value.clone() };
        Self { arn: found.arn, tags: found.tags.as_map().iter().map(tag).collect() }
    }
}
