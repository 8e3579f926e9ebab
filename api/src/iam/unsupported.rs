//! What nobody has here: passwords, certificates, devices for multi-factor authentication, instance profiles, identity
//! providers. Tools ask for them before they delete a user or a role, and are told that there are none.

use axum::http::StatusCode;
use brokerd_domain::identity::{IamError, IamErrorKind, UserName};

use super::{
    call::{API, Answer, Call, Resource},
    page::{Page, write_end},
};
use crate::{http::error::ApiError, query::Output};

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    let (member, is_paged) = match operation {
        "GetLoginProfile" | "DeleteLoginProfile" => return login_profile(call).await,
        "GetAccountPasswordPolicy" => return password_policy(call),
        "ListMFADevices" => of_user(call, "MFADevices").await?,
        "ListSigningCertificates" => of_user(call, "Certificates").await?,
        "ListSSHPublicKeys" => of_user(call, "SSHPublicKeys").await?,
        "ListServiceSpecificCredentials" => of_user(call, "ServiceSpecificCredentials").await?,
        "ListInstanceProfilesForRole" => {
            call.role().await?;
            ("InstanceProfiles", true)
        }
        "ListInstanceProfiles" => of_account(call, "InstanceProfiles", true)?,
        "ListServerCertificates" => of_account(call, "ServerCertificateMetadataList", true)?,
        "ListVirtualMFADevices" => of_account(call, "VirtualMFADevices", true)?,
        "ListOpenIDConnectProviders" => of_account(call, "OpenIDConnectProviderList", false)?,
        "ListSAMLProviders" => of_account(call, "SAMLProviderList", false)?,
        other => return Err(API.unknown(other)),
    };
    Page::of(call.parameters)?;
    Ok(Output::of(|xml| {
        xml.texts(member, [""; 0]);
        if is_paged {
            write_end(xml, None);
        }
    }))
}

/// What a user, or else the caller, has not.
async fn of_user(call: Call<'_>, member: &'static str) -> Result<(&'static str, bool), ApiError> {
    call.user_or_caller().await?;
    Ok((member, true))
}

fn of_account(
    call: Call<'_>,
    member: &'static str,
    is_paged: bool,
) -> Result<(&'static str, bool), ApiError> {
    call.permit(&Resource::named("*"))?;
    Ok((member, is_paged))
}

async fn login_profile(call: Call<'_>) -> Answer {
    let name = match call.parameters.text("UserName") {
        Some(name) => {
            let name = UserName::parse(name)?;
            call.user_of(&name).await?.1.name.to_string()
        }
        None => {
            call.user_or_caller().await?.1.map_or_else(String::new, |user| user.name.to_string())
        }
    };
    let message = format!("Login Profile for User {name} cannot be found.");
    Err(IamError::new(IamErrorKind::NoSuchEntity, message).into())
}

fn password_policy(call: Call<'_>) -> Answer {
    call.permit(&Resource::named("*"))?;
    let message =
        format!("The Password Policy with domain name {} cannot be found.", call.account());
    Err(ApiError::named(StatusCode::NOT_FOUND, IamErrorKind::NoSuchEntity.code(), message))
}
