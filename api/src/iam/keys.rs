//! Access keys of users and of accounts' roots.

use brokerd_domain::{
    identity::{
        AccessKeyId, AccessKeyState, IamError, IamErrorKind, MAX_ACCESS_KEYS,
        generate_secret_access_key,
    },
    policy::PrincipalKind,
};
use brokerd_store::{KeyHolderName, NewKeyOutcome};
use secrecy::ExposeSecret as _;

use super::{
    call::{Answer, Call, Holder},
    page::{Page, write_end},
    views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Xml},
};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreateAccessKey" => create(call).await,
        "ListAccessKeys" => list(call).await,
        "UpdateAccessKey" => update(call).await,
        "DeleteAccessKey" => delete(call).await,
        _ => last_used(call).await,
    }
}

impl Holder {
    const fn name(&self) -> KeyHolderName<'_> {
        match self {
            Self::Root => KeyHolderName::Root,
            Self::User(name) => KeyHolderName::User(name),
        }
    }

    /// The root has no name to show.
    fn write(&self, xml: &mut Xml) {
        if let Self::User(name) = self {
            xml.text("UserName", name);
        }
    }
}

/// The only answer that has the secret of a key.
async fn create(call: Call<'_>) -> Answer {
    let (permit, holder) = call.key_holder().await?;
    let id = AccessKeyId::generate(permit.entropy);
    let secret = generate_secret_access_key(permit.entropy);
    let outcome = permit
        .store
        .create_access_key(permit.account, holder.name(), &id, &secret, None, permit.now)
        .await?;
    match outcome {
        NewKeyOutcome::Created => {}
        NewKeyOutcome::NoHolder => return Err(gone(&holder).into()),
        NewKeyOutcome::TooMany => {
            return Err(IamError::limit("AccessKeysPerUser", MAX_ACCESS_KEYS).into());
        }
        NewKeyOutcome::IdTaken => {
            return Err(ApiError::internal("a random access key ID is taken"));
        }
    }
    Ok(Output::of(|xml| {
        xml.element("AccessKey", |xml| {
            holder.write(xml);
            xml.text("AccessKeyId", &id);
            xml.text("Status", AccessKeyState::Active.as_str());
            xml.text("SecretAccessKey", secret.expose_secret());
            xml.text("CreateDate", views::moment(permit.now));
        });
    }))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let (permit, holder) = call.key_holder().await?;
    let keys = permit.store.access_keys(permit.account, holder.name()).await?;
    let (keys, next) = page.cut(keys, |key| {
        // The oldest one is first.
        format!("{:020}{}", key.created.as_micros(), key.id)
    });
    Ok(Output::of(|xml| {
        xml.list("AccessKeyMetadata", &keys, |xml, key| {
            holder.write(xml);
            xml.text("AccessKeyId", &key.id);
            xml.text("Status", key.state.as_str());
            xml.text("CreateDate", views::moment(key.created));
        });
        write_end(xml, next.as_deref());
    }))
}

async fn update(call: Call<'_>) -> Answer {
    let id = key_id(&call)?;
    let text = call.parameters.required("Status")?;
    let state = AccessKeyState::from_name(text).ok_or_else(|| {
        IamError::validation(
            "status",
            &text.escape_debug().to_string(),
            "Member must satisfy enum value set: [Active, Inactive]",
        )
    })?;
    let (permit, holder) = call.key_holder().await?;
    let is_there =
        permit.store.set_access_key_state(permit.account, holder.name(), &id, state).await?;
    if is_there { Ok(Output::Nothing) } else { Err(no_key(&id).into()) }
}

async fn delete(call: Call<'_>) -> Answer {
    let id = key_id(&call)?;
    let (permit, holder) = call.key_holder().await?;
    let was_there = permit.store.delete_access_key(permit.account, holder.name(), &id).await?;
    if was_there { Ok(Output::Nothing) } else { Err(no_key(&id).into()) }
}

/// Whose key it is, and when it was last used. A use in another process is known within a minute.
async fn last_used(call: Call<'_>) -> Answer {
    let id = key_id(&call)?;
    let (permit, found) = call.holder_of_key(&id).await?;
    let used = permit.store.key_use(&id).await?;
    let user = match &found.kind {
        PrincipalKind::User { name, .. } => Some(name),
        PrincipalKind::Root | PrincipalKind::RoleSession { .. } => None,
    };
    Ok(Output::of(|xml| {
        xml.optional("UserName", user);
        xml.element("AccessKeyLastUsed", |xml| {
            xml.optional("LastUsedDate", used.as_ref().map(|used| views::moment(used.at)));
            xml.text("ServiceName", used.as_ref().map_or("N/A", |used| &used.service));
            xml.text("Region", used.as_ref().map_or("N/A", |used| used.region.as_str()));
        });
    }))
}

fn key_id(call: &Call<'_>) -> Result<AccessKeyId, IamError> {
    let text = call.parameters.required("AccessKeyId")?;
    text.parse().map_err(|_| {
        IamError::validation(
            "accessKeyId",
            &text.escape_debug().to_string(),
            r"Member must satisfy regular expression pattern: [\w]+",
        )
    })
}

fn no_key(id: &AccessKeyId) -> IamError {
    IamError::new(
        IamErrorKind::NoSuchEntity,
        format!("The Access Key with id {id} cannot be found."),
    )
}

fn gone(holder: &Holder) -> IamError {
    match holder {
        Holder::Root => IamError::no_such_entity("user", "root"),
        Holder::User(name) => IamError::no_such_entity("user", name.as_str()),
    }
}
