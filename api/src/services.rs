//! `POST /`: the services that have no paths of their own. The scope of the signature says which one is called, and each
//! has its protocol. Amazon CloudWatch is also called at the paths of Smithy's RPC.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{FromRequest as _, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use brokerd_domain::{Clock, Entropy};
use brokerd_store::PgStore;

use crate::{
    auth::{self, Authenticator, Service, Signed},
    cloudtrail, cloudwatch, ec2,
    http::error::ApiError,
    iam, logs,
    observe::RequestId,
    query::{Output, Parameters, QueryApi},
    service_parts::ServiceParts,
    settings::ApiSettings,
    sts, tagging,
    wire::aws_json::Refusals,
};

/// The route of Amazon CloudWatch in Smithy's RPC.
pub(crate) const RPC_ROUTE: &str = "/service/GraniteServiceVersion20100801/operation/{operation}";

/// A call of a service without paths.
pub(crate) async fn call(
    State(store): State<PgStore>,
    State(settings): State<Arc<ApiSettings>>,
    State(clock): State<Arc<dyn Clock>>,
    State(entropy): State<Arc<dyn Entropy>>,
    State(authenticator): State<Arc<Authenticator>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    let path = request.uri().path().to_owned();
    let addressed = addressed(&path, &headers);
    let signed = Signed::from_request(request, &authenticator).await;
    let signed = match signed {
        // A browser without a session, which is told so in one form everywhere.
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            return refused.into_response();
        }
        other => other,
    };
    if addressed == Some(Service::Monitoring) {
        let protocol = cloudwatch::Protocol::of(&path, &headers);
        let services = ServiceParts { store, clock, entropy, authenticator };
        return match signed {
            Ok(signed) => {
                let told = (path.as_str(), &headers);
                cloudwatch::answer(&services, &signed, protocol, told, request_id).await
            }
            Err(refused) => protocol.refuse(refused, request_id),
        };
    }
    let signed = match (addressed, signed) {
        (Some(Service::Tagging), Ok(signed)) => {
            return tagging::answer(&store, &signed, &headers, request_id).await;
        }
        (Some(Service::Tagging), Err(refused)) => return tagging::refuse(refused, request_id),
        (Some(Service::Ec2), Ok(signed)) => {
            return ec2::answer(&settings.regions, &signed, request_id);
        }
        (Some(Service::Ec2), Err(refused)) => return ec2::refuse(refused, request_id),
        (_, signed) => signed,
    };
    // Also what is not authentic is refused in the form of the service that it was meant for.
    let (api, signed) = match (protocol(addressed), signed) {
        (Some(api), Ok(signed)) => (api, signed),
        (Some(api), Err(refused)) => return api.refuse(refused, request_id),
        (None, Err(refused)) if matches!(addressed, Some(Service::CloudTrail | Service::Logs)) => {
            return Refusals::COMMON.refuse(refused, request_id);
        }
        (None, Err(refused)) => return refused.into_response(),
        (None, Ok(signed)) if signed.service == Service::Logs => {
            return logs::answer(&store, &*clock, &*entropy, &signed, &headers, request_id).await;
        }
        (None, Ok(signed)) => {
            return cloudtrail::answer(&store, &signed, &headers, request_id).await;
        }
    };
    let services = ServiceParts { store, clock, entropy, authenticator };
    match answered(api, &services, &signed).await {
        Ok((operation, output)) => api.answer(operation, output, request_id),
        Err(refused) => api.refuse(refused, request_id),
    }
}

async fn answered(
    api: QueryApi,
    services: &ServiceParts,
    signed: &Signed,
) -> Result<(&'static str, Output), ApiError> {
    let parameters = Parameters::parse(&signed.body)?;
    let operation = api.operation(&parameters)?;
    match signed.service {
        Service::Iam => iam::answer(services, &signed.caller, operation, &parameters).await,
        Service::Sts => sts::answer(services, &signed.caller, operation, &parameters).await,
        _ => Err(api.unknown(operation)),
    }
}

/// The query protocol's services; none: another protocol.
const fn protocol(service: Option<Service>) -> Option<QueryApi> {
    match service {
        Some(Service::Iam) => Some(iam::API),
        Some(Service::Sts) => Some(sts::API),
        Some(_) | None => None,
    }
}

/// The service whose protocol a request speaks, as far as it tells. Nothing of this is verified.
fn addressed(path: &str, headers: &HeaderMap) -> Option<Service> {
    if path != "/" {
        return Some(Service::Monitoring);
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let scope = text(header::AUTHORIZATION)
        .and_then(|value| value.split_once("Credential="))
        .and_then(|(_, rest)| rest.split([',', ' ']).next());
    if let Some(scope) = scope {
        let name = scope.rsplit('/').nth(1)?;
        return Service::without_paths().find(|service| service.signing_name() == name);
    }
    // Requests with a cookie.
    if let Some(name) = text(auth::SERVICE) {
        return Service::without_paths().find(|service| service.signing_name() == name);
    }
    // Nobody can tell from a form without a signature whether it is meant for IAM or AWS STS. Their errors are alike.
    let is_form = text(header::CONTENT_TYPE)
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    is_form.then_some(Service::Sts)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn the_scope_of_the_signature_tells_the_service() {
        for (name, service) in [
            ("iam", Some(Service::Iam)),
            ("sts", Some(Service::Sts)),
            ("cloudtrail", Some(Service::CloudTrail)),
            ("logs", Some(Service::Logs)),
            ("monitoring", Some(Service::Monitoring)),
            ("tagging", Some(Service::Tagging)),
            ("ec2", Some(Service::Ec2)),
            ("oam", None),
            ("mq", None),
            ("sqs", None),
        ] {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential=AKIA/20260930/us-east-1/{name}/aws4_request, SignedHeaders=host, Signature=00"
            );
            let value = HeaderValue::from_str(&value).expect("a header");
            let headers = [(header::AUTHORIZATION, value)].into_iter().collect();
            assert_eq!(addressed("/", &headers), service, "{name}");
        }
        for odd in ["", "Basic eDp5", "Credential=", "Credential=a", "Credential=/////"] {
            assert_eq!(addressed("/", &headers(header::AUTHORIZATION, odd)), None, "{odd}");
        }
    }

    #[test]
    fn a_form_without_a_signature_is_answered_in_xml() {
        let form =
            headers(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(addressed("/", &form), Some(Service::Sts));
        let json = headers(header::CONTENT_TYPE, "application/x-amz-json-1.1");
        assert_eq!((addressed("/", &json), addressed("/", &HeaderMap::new())), (None, None));
        let rpc = "/service/GraniteServiceVersion20100801/operation/ListMetrics";
        assert_eq!(addressed(rpc, &HeaderMap::new()), Some(Service::Monitoring));
    }
}
