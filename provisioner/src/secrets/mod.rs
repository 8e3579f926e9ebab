//! What configurations name by ARN: passwords, certificates, keys. It is fetched when a broker is created or
//! rebooted, and kept with the broker's materials, so that it starts again whatever becomes of where it came from.

mod exchange;
mod judge;
mod remote;
mod source;
mod wanted;

use std::time::Duration;

use async_trait::async_trait;
use brokerd_domain::{ActionRequired, Scope, SecretReference};
use brokerd_store::{PgStore, StoreError, Work};
use futures_util::future::join_all;
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use crate::{
    catalogue::Image,
    pki::materials::{Materials, Resolved},
};

pub use judge::Fetched;
pub(crate) use judge::{by_code, is_own};
pub use remote::{AwsEndpoints, Remote, WrongEndpoint};
pub use source::{NotFetched, SecretSource, TIMEOUT};
use wanted::settings_of;
pub use wanted::{Wanted, wanted};

/// Secrets that are kept here, and those of the endpoints that the operator has named.
pub struct Secrets {
    store: PgStore,
    remote: Option<Remote>,
}

impl Secrets {
    /// Those of this store, then those of these endpoints.
    pub fn new(store: PgStore, remote: Option<Remote>) -> Self {
        Self { store, remote }
    }
}

#[async_trait]
impl SecretSource for Secrets {
    async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        let deadline = Instant::now() + TIMEOUT;
        let kept = references.iter().map(|reference| self.kept(deadline, scope, reference));
        let kept = join_all(kept).await;
        let elsewhere = references.iter().zip(&kept).filter(|(_, kept)| matches!(kept, Ok(None)));
        let elsewhere: Vec<&SecretReference> = elsewhere.map(|(reference, _)| *reference).collect();
        let mut fetched = match &self.remote {
            Some(remote) if !elsewhere.is_empty() => {
                remote.fetch_until(deadline, scope, role, &elsewhere).await
            }
            Some(_) | None => elsewhere.iter().map(|reference| Err(nowhere(reference))).collect(),
        }
        .into_iter();
        let answers = kept.into_iter().map(|kept| match kept {
            Ok(Some(value)) => Ok(value),
            Ok(None) => fetched
                .next()
                .unwrap_or_else(|| Err(NotFetched::Transient("there was no answer".to_owned()))),
            Err(why) => Err(why),
        });
        answers.collect()
    }
}

impl Secrets {
    /// What is kept here of that, if it is.
    async fn kept(
        &self,
        deadline: Instant,
        scope: &Scope,
        reference: &SecretReference,
    ) -> Result<Option<SecretString>, NotFetched> {
        if !reference.is_of(scope) {
            return Err(NotFetched::Invalid(format!(
                "it must be of the broker's account {} and Region {}",
                scope.account, scope.region
            )));
        }
        match timeout_at(deadline, self.store.secret_value(scope, reference)).await {
            Ok(Ok(kept)) => Ok(kept),
            Ok(Err(error @ StoreError::Seal(_))) => Err(NotFetched::Invalid(error.to_string())),
            Ok(Err(error)) => Err(NotFetched::Transient(error.to_string())),
            Err(_) => Err(NotFetched::Transient("the database does not answer".to_owned())),
        }
    }
}

fn nowhere(reference: &SecretReference) -> NotFetched {
    NotFetched::Invalid(format!(
        "no secret [{}] is kept here (PUT /brokerd/v1/secrets/…), and brokerd knows no endpoint of AWS Secrets \
         Manager or Amazon S3",
        reference.names().first().map_or("", |name| name.as_str())
    ))
}

/// What a person must do about what the broker's configuration names by ARN and could not be had when it was last
/// fetched. Who configured something else meanwhile has done it.
pub(crate) fn actions(work: &Work, image: &Image, materials: &Materials) -> Vec<ActionRequired> {
    let unusable = &materials.resolved.unusable;
    if unusable.is_empty() {
        return Vec::new();
    }
    let Some(settings) = settings_of(work, image) else { return Vec::new() };
    let names = |arn: &str| {
        settings.references().any(|(_, named)| named == arn) || settings.assumed_role() == Some(arn)
    };
    by_code(unusable.iter().filter(|unusable| names(&unusable.arn)))
}

/// Whether a RabbitMQ broker knows brokerd's own user: users elsewhere are asked for first otherwise, who may be slow
/// or away.
pub(crate) fn knows_its_own_users(work: &Work, image: &Image) -> bool {
    settings_of(work, image)
        .is_some_and(|settings| matches!(settings.get("auth_backends.1"), None | Some("internal")))
}

impl Wanted {
    /// Fetches all of it, at the same time. For how long it was waited for before decides what becomes of what can't
    /// be had now.
    pub async fn fetch(
        &self,
        source: &dyn SecretSource,
        former: &Resolved,
        waited: Duration,
    ) -> Fetched {
        judge::judge(self, self.ask(source).await, former, waited)
    }
}
