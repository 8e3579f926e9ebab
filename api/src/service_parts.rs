//! The parts of the process that operations of services without paths use.

use std::sync::Arc;

use brokerd_domain::{Clock, Entropy};
use brokerd_store::PgStore;

use crate::auth::Authenticator;

/// The parts of the process that operations of services without paths use.
pub(crate) struct ServiceParts {
    pub(crate) store: PgStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) authenticator: Arc<Authenticator>,
}
