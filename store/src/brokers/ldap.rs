//! The password of the service account of a broker's LDAP directory.

use brokerd_domain::BrokerId;
use secrecy::SecretString;
use uuid::Uuid;

use crate::kernel::{
    PgStore, StoreError,
    sealed_column::{LDAP_PASSWORD, Place},
};

fn place(broker: Uuid) -> Place {
    LDAP_PASSWORD.place(&[broker.to_string()])
}

impl PgStore {
    /// The password of the directory that is in force; none: there is no directory.
    ///
    /// # Errors
    /// [`StoreError::Seal`] when it was sealed with another master key.
    pub async fn ldap_password(
        &self,
        broker: BrokerId,
    ) -> Result<Option<SecretString>, StoreError> {
        let id = broker.uuid();
        let sealed = sqlx::query_scalar!("select ldap_password from broker where id = $1", id)
            .fetch_optional(&self.pool)
            .await?
            .flatten();
        sealed.map(|sealed| self.open_ldap_password(id, &sealed)).transpose()
    }

    pub(crate) fn open_ldap_password(
        &self,
        broker: Uuid,
        sealed: &[u8],
    ) -> Result<SecretString, StoreError> {
        self.key.open_text(&place(broker), sealed)
    }

    pub(crate) fn sealed_ldap_password(
        &self,
        broker: Uuid,
        password: Option<&SecretString>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        password.map(|password| self.seal_text(&place(broker), password)).transpose()
    }
}
