//! Users.

use brokerd_domain::{
    Timestamp,
    identity::{IamError, IamErrorKind, Path, User, UserId, UserName},
};
use brokerd_store::{
    DeleteIdentityOutcome, IdentityName, IdentityUse, NewIdentityOutcome, UpdateIdentityOutcome,
};

use super::{
    call::{Answer, Call, Permit, Resource, not_attachable, policy_arn},
    page::{Page, write_end},
    views,
};
use crate::{http::error::ApiError, query::Output};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    match operation {
        "CreateUser" => create(call).await,
        "GetUser" => get(call).await,
        "ListUsers" => list(call).await,
        "UpdateUser" => update(call).await,
        _ => delete(call).await,
    }
}

async fn create(call: Call<'_>) -> Answer {
    let parameters = call.parameters;
    let name = UserName::parse(parameters.required("UserName")?)?;
    let path = Path::parse(parameters.text("Path"))?;
    let boundary = parameters.text("PermissionsBoundary").map(policy_arn).transpose()?;
    let arn = format!("arn:aws:iam::{}:user{path}{name}", call.account());
    let permit = call.permit(&Resource::named(arn))?;
    let user = User {
        id: UserId::generate(permit.entropy),
        account: permit.account.clone(),
        path,
        name,
        created: permit.now,
        boundary,
        tags: parameters.tags("Tags")?.unwrap_or_default(),
    };
    let outcome = permit.store.create_iam_user(&user).await?;
    created(
        outcome,
        "User",
        user.name.as_str(),
        "UsersPerAccount",
        brokerd_domain::identity::MAX_USERS,
        || user.boundary.as_ref().map(not_attachable),
    )?;
    Ok(Output::of(|xml| xml.element("User", |xml| views::user(xml, &user))))
}

/// What became of a new user, group or role, as an error if it is not there.
pub(super) fn created(
    outcome: NewIdentityOutcome,
    entity: &str,
    name: &str,
    quota: &str,
    most: u32,
    no_boundary: impl FnOnce() -> Option<IamError>,
) -> Result<(), ApiError> {
    match outcome {
        NewIdentityOutcome::Created => Ok(()),
        NewIdentityOutcome::NameTaken => Err(IamError::already_exists(entity, name).into()),
        NewIdentityOutcome::TooMany => Err(IamError::limit(quota, most).into()),
        NewIdentityOutcome::NoBoundary => Err(no_boundary().map_or_else(
            || ApiError::internal("a boundary that nobody asked for"),
            ApiError::from,
        )),
        NewIdentityOutcome::NoAccount => Err(ApiError::internal("the caller's account is gone")),
    }
}

async fn get(call: Call<'_>) -> Answer {
    let (permit, user) = call.user_or_caller().await?;
    let Some(user) = user else { return root(&permit).await };
    Ok(Output::of(|xml| xml.element("User", |xml| views::user(xml, &user))))
}

/// The account's root, which has neither a name nor a path.
async fn root(permit: &Permit<'_>) -> Answer {
    let account = permit.store.account(permit.account).await?;
    let created = account.map_or(Timestamp::from_micros(0), |account| account.created);
    Ok(Output::of(|xml| {
        xml.element("User", |xml| {
            xml.text("UserId", permit.account);
            xml.text("Arn", format!("arn:aws:iam::{}:root", permit.account));
            xml.text("CreateDate", views::moment(created));
        });
    }))
}

async fn list(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let arn = format!("arn:aws:iam::{}:user{}", call.account(), page.path_prefix());
    let permit = call.permit(&Resource::named(arn))?;
    let users = permit.store.iam_users(permit.account, page.query()).await?;
    Ok(Output::of(|xml| {
        xml.list("Users", &users.items, views::listed_user);
        write_end(xml, users.next.as_deref());
    }))
}

async fn update(call: Call<'_>) -> Answer {
    let (_, user) = call.user().await?;
    let new_name = call.parameters.text("NewUserName").map(UserName::parse).transpose()?;
    let new_path =
        call.parameters.text("NewPath").map(|path| Path::parse(Some(path))).transpose()?;
    // Who may change a user must not be able to make of it one that it may not change.
    let target = User {
        name: new_name.clone().unwrap_or_else(|| user.name.clone()),
        path: new_path.clone().unwrap_or_else(|| user.path.clone()),
        ..user.clone()
    };
    let permit = call.permit(&super::call::of_user(&target))?;
    let name = IdentityName::User(user.name.clone());
    let new = new_name.as_ref().map(UserName::as_str);
    let outcome =
        permit.store.rename_identity(permit.account, &name, new, new_path.as_ref()).await?;
    renamed(outcome, "user", user.name.as_str(), "User", target.name.as_str())?;
    Ok(Output::Nothing)
}

/// What became of a change of a name, as an error if it was not changed.
pub(super) fn renamed(
    outcome: UpdateIdentityOutcome,
    entity: &str,
    name: &str,
    capital: &str,
    new_name: &str,
) -> Result<(), IamError> {
    match outcome {
        UpdateIdentityOutcome::Updated => Ok(()),
        UpdateIdentityOutcome::NotFound => Err(IamError::no_such_entity(entity, name)),
        UpdateIdentityOutcome::NameTaken => Err(IamError::already_exists(capital, new_name)),
    }
}

async fn delete(call: Call<'_>) -> Answer {
    let (permit, user) = call.user().await?;
    let name = IdentityName::User(user.name.clone());
    deleted(permit.store.delete_identity(permit.account, &name).await?, &name)?;
    Ok(Output::Nothing)
}

/// What became of a user, group or role that was to be deleted, as an error if it is still there.
pub(super) fn deleted(outcome: DeleteIdentityOutcome, name: &IdentityName) -> Result<(), IamError> {
    let conflict = match outcome {
        DeleteIdentityOutcome::Deleted => return Ok(()),
        DeleteIdentityOutcome::NotFound => {
            return Err(IamError::no_such_entity(name.kind(), name.as_str()));
        }
        DeleteIdentityOutcome::InUse(IdentityUse::AccessKeys) => "must delete access keys first",
        DeleteIdentityOutcome::InUse(IdentityUse::AttachedPolicies) => {
            "must detach all policies first"
        }
        DeleteIdentityOutcome::InUse(IdentityUse::InlinePolicies) => "must delete policies first",
        DeleteIdentityOutcome::InUse(IdentityUse::Users | IdentityUse::Groups) => {
            "must remove users from group first"
        }
    };
    let message = format!("Cannot delete entity, {conflict}.");
    Err(IamError::new(IamErrorKind::DeleteConflict, message))
}
