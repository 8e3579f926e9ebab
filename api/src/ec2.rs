//! Amazon EC2: DescribeRegions, by which Grafana lists regions.
//!
//! Source: Amazon EC2 API reference, version 2016-11-15, and its "Error codes".

use std::collections::BTreeSet;

use axum::{http::StatusCode, response::Response};
use brokerd_domain::Region;
use uuid::Uuid;

use crate::{
    auth::Signed,
    http::{body, error::ApiError},
    query::{Parameters, Xml, query_code},
};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const MEDIA_TYPE: &str = "text/xml";

/// Answers a call of the service: the regions that requests may be signed for.
pub(crate) fn answer(regions: &BTreeSet<Region>, signed: &Signed, request_id: Uuid) -> Response {
    match described(regions, signed) {
        Ok(regions) => {
            let document = Xml::document("DescribeRegionsResponse", NAMESPACE, |xml| {
                xml.text("requestId", request_id);
                xml.element("regionInfo", |xml| {
                    for region in regions {
                        xml.element("item", |xml| {
                            xml.text("regionName", region);
                            xml.text("regionEndpoint", format!("ec2.{region}.amazonaws.com"));
                            xml.text("optInStatus", "opt-in-not-required");
                        });
                    }
                });
            });
            body::with_type(StatusCode::OK, MEDIA_TYPE, document)
        }
        Err(refused) => refuse(refused, request_id),
    }
}

fn described<'a>(
    regions: &'a BTreeSet<Region>,
    signed: &Signed,
) -> Result<Vec<&'a Region>, ApiError> {
    let parameters = Parameters::parse(&signed.body)?;
    let action = parameters.text("Action").unwrap_or_default();
    if action != "DescribeRegions" {
        let action: String = action.chars().take(64).collect();
        return Err(ApiError::named(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            format!("The action {} is not valid for this web service.", action.escape_debug()),
        ));
    }
    signed.caller.check("ec2:DescribeRegions", "*", |_| {})?;
    let named: Vec<&str> = parameters
        .pairs()
        .filter(|(name, _)| name.starts_with("RegionName."))
        .map(|(_, region)| region)
        .collect();
    if let Some(unknown) =
        named.iter().find(|name| !regions.iter().any(|region| region.as_str() == **name))
    {
        return Err(ApiError::named(
            StatusCode::BAD_REQUEST,
            "InvalidParameterValue",
            format!("Invalid region names: {}", unknown.escape_debug()),
        ));
    }
    let is_meant = |region: &&Region| named.is_empty() || named.contains(&region.as_str());
    Ok(regions.iter().filter(is_meant).collect())
}

/// A refusal in the form of the service.
pub(crate) fn refuse(error: ApiError, request_id: Uuid) -> Response {
    let code = match query_code(&error) {
        "AccessDenied" => "UnauthorizedOperation",
        "SignatureDoesNotMatch" | "InvalidClientTokenId" | "MissingAuthenticationToken" => {
            "AuthFailure"
        }
        "Throttling" => "RequestLimitExceeded",
        "ServiceUnavailable" => "Unavailable",
        "InternalFailure" => "InternalError",
        other => other,
    };
    let status = error.status();
    let error = error.called(status, code);
    let document = Xml::new(|xml| {
        xml.element("Response", |xml| {
            xml.element("Errors", |xml| {
                xml.element("Error", |xml| {
                    xml.text("Code", error.code());
                    xml.text("Message", error.message(request_id));
                });
            });
            xml.text("RequestID", request_id);
        });
    });
    let response = body::with_type(status, MEDIA_TYPE, document.into_text());
    error.rendered_as(response)
}
