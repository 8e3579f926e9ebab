//! The refusals that several operations document.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

use crate::http::error::ErrorBody;

/// The refusals of every signed operation.
pub(crate) struct ServiceErrors;

impl IntoResponses for ServiceErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("400", "BadRequestException: a member or parameter is invalid."),
            ("403", "AccessDeniedException: no policy allows the caller to do this, or one denies it, or the account is suspended; ForbiddenException; or the signature is refused: MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException, ExpiredTokenException, InvalidSignatureException."),
            ("429", "TooManyRequestsException: the account has used up its allowance, which all operations under /v1 share in all regions, as do all others under /brokerd/v1; or too many unknown access keys came from this address; retry."),
            ("500", "InternalServerErrorException: a defect of brokerd."),
            ("503", "ServiceUnavailableException: the database can't be reached; retry."),
        ]
        .into_iter()
        .map(refusal)
        .collect()
    }
}

/// The refusals of operations that the operator's token permits.
pub(crate) struct BearerErrors;

impl IntoResponses for BearerErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            (
                "401",
                "UnauthorizedException: the header Authorization has no token of the operator.",
            ),
            ("500", "InternalServerErrorException: a defect of brokerd."),
            ("503", "ServiceUnavailableException: the database can't be reached; retry."),
        ]
        .into_iter()
        .map(refusal)
        .collect()
    }
}

/// The refusal of operations that conflict with the state of something.
pub(crate) struct Conflict;

impl IntoResponses for Conflict {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal(("409", "ConflictException: a name is taken, or the state does not permit it."))]
            .into()
    }
}

/// The refusal of operations on a resource that does not exist.
pub(crate) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [refusal(("404", "NotFoundException: what the path names does not exist for this caller."))]
            .into()
    }
}

fn refusal((status, description): (&str, &str)) -> (String, RefOr<Response>) {
    let content = Content::new(Some(Ref::from_schema_name(ErrorBody::name())));
    let response =
        ResponseBuilder::new().description(description).content("application/json", content);
    (status.to_owned(), response.build().into())
}
