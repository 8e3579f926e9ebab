//! The Rust SDK, which is compiled in: parameters become its builders, its outputs become JSON again.

mod input;
mod output;

use std::error::Error;

use anyhow::{Context, Result};
use aws_sdk_mq::{
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    types::error::{
        BadRequestException, ConflictException, ForbiddenException, InternalServerErrorException,
        NotFoundException, UnauthorizedException,
    },
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use serde_json::{Value, json};

use self::{input::Given, output::Plain};
use crate::Api;

pub(super) fn call(api: &Api, call: &Value) -> Result<Value> {
    let operation = call["operation"].as_str().context("an operation")?;
    let given = Given::new(&call["parameters"]);
    match call["page_size"].as_i64() {
        Some(size) => api.wait(input::pages(&api.client, operation, given, i32::try_from(size)?)),
        None => api.wait(input::perform(&api.client, operation, given)),
    }
}

/// An answer of the protocol.
fn answer<T: Plain, E>(outcome: Result<T, SdkError<E, HttpResponse>>) -> Value
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match outcome {
        Ok(done) => json!({ "ok": done.plain() }),
        Err(error) => failure(error),
    }
}

fn failure<E>(error: SdkError<E, HttpResponse>) -> Value
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let told = error.as_service_error().map(|service| {
        let (class, attribute) = match service.source().and_then(typed) {
            Some((class, attribute)) => (Some(class), attribute),
            None => (None, None),
        };
        json!({
            "class": class.unwrap_or("Unhandled"), "modelled": class.is_some(), "attribute": attribute,
            "code": service.code(), "message": service.message(), "status": status,
        })
    });
    json!({ "error": told.unwrap_or_else(|| {
        json!({ "class": "SdkError", "modelled": false, "message": DisplayErrorContext(error).to_string() })
    }) })
}

/// The class and the attribute of an exception of the model.
fn typed(error: &(dyn Error + 'static)) -> Option<(&'static str, Option<String>)> {
    macro_rules! one_of {
        ($($class:ident),*) => {
            $(if let Some(exception) = error.downcast_ref::<$class>() {
                return Some((stringify!($class), exception.error_attribute().map(str::to_owned)));
            })*
        };
    }
    one_of!(
        BadRequestException,
        ConflictException,
        ForbiddenException,
        InternalServerErrorException,
        NotFoundException,
        UnauthorizedException
    );
    None
}
