//! Events of calls of brokerd's commands on the host.

use brokerd_domain::audit::AuditEvent;

use crate::kernel::{PgStore, StoreError};

impl PgStore {
    /// Stores the end of a call that was made on the host. Its event is incomplete until a process of the API appends
    /// it to the audit log, when it is a minute old.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn record_host_call(&self, event: &AuditEvent) -> Result<(), StoreError> {
        self.write_events([(event, false)]).await
    }
}
