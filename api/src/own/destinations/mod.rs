//! Destinations of brokers: their queues and topics, and the messages in them.

pub(crate) mod browse;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod publish;
pub(crate) mod purge;
pub(crate) mod test_message;

use brokerd_domain::{
    Error, ErrorKind,
    destination::{DestinationInput, EngineAnswer, EngineRefusal, RefusalKind},
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::error::ApiError;

/// A destination of a broker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DestinationRequest {
    /// `QUEUE`, or `TOPIC` of an ActiveMQ broker.
    #[schema(required, nullable = false, example = "QUEUE")]
    kind: Option<String>,
    /// The name: 1 to 255 bytes.
    #[schema(required, nullable = false, example = "orders")]
    name: Option<String>,
    /// The virtual host of a RabbitMQ broker; default `/`.
    virtual_host: Option<String>,
}

impl From<DestinationRequest> for DestinationInput {
    fn from(request: DestinationRequest) -> Self {
        let DestinationRequest { kind, name, virtual_host } = request;
        Self { kind, name, virtual_host }
    }
}

/// What an answer is that the call does not have: that of a refusal, or a defect.
fn refusal(answer: EngineAnswer) -> ApiError {
    let EngineAnswer::Refused(EngineRefusal { kind, attribute, message }) = answer else {
        return ApiError::internal("an answer to another call");
    };
    let kind = match kind {
        RefusalKind::NotFound => ErrorKind::NotFound,
        RefusalKind::BadRequest => ErrorKind::BadRequest,
        // Of what may have been done no client must try again by itself.
        RefusalKind::Conflict | RefusalKind::Unknown => ErrorKind::Conflict,
        RefusalKind::Unavailable => return ApiError::not_ready(message),
    };
    Error { kind, attribute: attribute.map(Into::into), message }.into()
}
