//! Tags of brokers and configurations. They are in force at once and concern nobody but their owner.

use brokerd_domain::{Error, Resource, Scope, Tags};
use serde_json::json;
use sqlx::types::Json;

use crate::kernel::{Channel, PgStore, StoreError};

impl PgStore {
    /// The tags of a resource; none: this scope has no such resource.
    ///
    /// # Errors
    /// As every method of [`PgStore`].
    pub async fn tags(
        &self,
        scope: &Scope,
        resource: &Resource,
    ) -> Result<Option<Tags>, StoreError> {
        let (account, region) = (scope.account.as_str(), scope.region.as_str());
        let found = match resource {
            Resource::Broker { id, .. } => {
                sqlx::query_scalar!(
                    r#"select tags as "tags: Json<Tags>" from broker
                       where id = $1 and account = $2 and region = $3"#,
                    id.uuid(),
                    account,
                    region
                )
                .fetch_optional(&self.pool)
                .await?
            }
            Resource::Configuration { id } => {
                sqlx::query_scalar!(
                    r#"select tags as "tags: Json<Tags>" from configuration
                       where id = $1 and account = $2 and region = $3"#,
                    id.uuid(),
                    account,
                    region
                )
                .fetch_optional(&self.pool)
                .await?
            }
        };
        Ok(found.map(|Json(tags)| tags))
    }

    /// Replaces the tags of a resource by what `change` makes of them; none from it leaves them. Gives back
    /// the tags as they are afterwards; none: this scope has no such resource.
    ///
    /// # Errors
    /// As every method of [`PgStore`]; what `change` refuses is not an error of the store.
    pub async fn change_tags(
        &self,
        scope: &Scope,
        resource: &Resource,
        change: impl FnOnce(&Tags) -> Result<Option<Tags>, Error> + Send,
    ) -> Result<Option<Result<Tags, Error>>, StoreError> {
        let (account, region) = (scope.account.as_str(), scope.region.as_str());
        let mut transaction = self.pool.begin().await?;
        let found = match resource {
            Resource::Broker { id, .. } => {
                sqlx::query_scalar!(
                    r#"select tags as "tags: Json<Tags>" from broker
                       where id = $1 and account = $2 and region = $3 for no key update"#,
                    id.uuid(),
                    account,
                    region
                )
                .fetch_optional(&mut *transaction)
                .await?
            }
            Resource::Configuration { id } => {
                sqlx::query_scalar!(
                    r#"select tags as "tags: Json<Tags>" from configuration
                       where id = $1 and account = $2 and region = $3 for no key update"#,
                    id.uuid(),
                    account,
                    region
                )
                .fetch_optional(&mut *transaction)
                .await?
            }
        };
        let Some(Json(before)) = found else { return Ok(None) };
        let after = match change(&before) {
            Ok(Some(after)) => after,
            Ok(None) => return Ok(Some(Ok(before))),
            Err(refused) => return Ok(Some(Err(refused))),
        };
        match resource {
            Resource::Broker { id, .. } => {
                sqlx::query!("update broker set tags = $2 where id = $1", id.uuid(), json!(after))
                    .execute(&mut *transaction)
                    .await?;
            }
            Resource::Configuration { id } => {
                sqlx::query!(
                    "update configuration set tags = $2 where id = $1",
                    id.uuid(),
                    json!(after)
                )
                .execute(&mut *transaction)
                .await?;
            }
        }
        transaction.commit().await?;
        self.notifier.notify(Channel::Brokers);
        Ok(Some(Ok(after)))
    }
}
