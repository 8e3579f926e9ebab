//! Events of calls that are made on the host.

use brokerd_domain::audit::AuditEvent;

use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// Stores how a call ended that was made on the host. It is incomplete: no process of the API has told the operator's
    /// log of it, and one of them does so when it is a minute old.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn record_host_call(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.write_events([(event, false)]).await
    }
}
