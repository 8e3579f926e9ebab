//! What a broker would cost, for people without an account: price lists are no secret.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use brokerd_domain::{ClientNetwork, Clock};

use super::assets;
use crate::{
    ApiSettings,
    auth::{Authenticator, peer, wants_page},
    http::{error::ApiError, query::Query},
    own::cost::estimate::estimate,
};

/// CalculateCost: the answer of GetCostEstimate.
///
/// # Errors
/// Those of GetCostEstimate; a 429 for senders over their rate.
pub(crate) async fn calculate_cost(
    State(settings): State<Arc<ApiSettings>>,
    State(authenticator): State<Arc<Authenticator>>,
    State(clock): State<Arc<dyn Clock>>,
    request: Request,
) -> Result<Response, ApiError> {
    if wants_page(&request) {
        return Ok(assets::index());
    }
    let (parts, _) = request.into_parts();
    let sender = ClientNetwork::of(peer(&parts).unwrap_or(Ipv4Addr::UNSPECIFIED.into()));
    authenticator.admit_calculation(sender, clock.now())?;
    let region = authenticator.default_region();
    let region = region.ok_or_else(|| ApiError::internal("no region is configured"))?;
    Ok(estimate(&settings, &Query::of(&parts), region)?.into_response())
}
