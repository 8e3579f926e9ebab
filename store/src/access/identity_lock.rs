//! The lock of an identity, for what has to be counted or kept while it is held.

use brokerd_domain::AccountId;

use crate::kernel::{StoreError, pool::Transaction};

/// The identifier of an identity by its name, locked until the transaction ends, so that those who give it something at the
/// same time count one after the other.
pub(super) async fn lock_identity(
    transaction: &mut Transaction,
    account: &AccountId,
    kind: &str,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let locked = sqlx::query_scalar!(
        "select id from identity
         where account = $1 and kind = $2 and lower(name) = lower($3) and name = $3
         for no key update",
        account.as_str(),
        kind,
        name
    );
    Ok(locked.fetch_optional(&mut **transaction).await?)
}
