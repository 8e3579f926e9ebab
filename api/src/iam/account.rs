//! The account as a whole: its aliases, and how much of everything there is.

use brokerd_domain::identity::{
    MOST_ACCESS_KEYS, MOST_ATTACHED_POLICIES, MOST_GROUPS, MOST_GROUPS_PER_USER,
    MOST_MANAGED_POLICIES, MOST_POLICY_VERSIONS, MOST_ROLES, MOST_USERS,
};
use brokerd_domain::policy::PolicySize;

use super::{
    call::{Answer, Call, Resource},
    page::{Page, write_end},
};
use crate::query::Output;

/// No account has an alias: nobody signs in by one.
pub(super) fn aliases(call: Call<'_>) -> Answer {
    Page::of(call.parameters)?;
    call.permit(&Resource::named("*"))?;
    Ok(Output::of(|xml| {
        xml.texts("AccountAliases", [""; 0]);
        write_end(xml, None);
    }))
}

pub(super) async fn summary(call: Call<'_>) -> Answer {
    let permit = call.permit(&Resource::named("*"))?;
    let has = permit.store.identity_summary(permit.account).await?;
    let size = |size: PolicySize| u32::try_from(size.most()).unwrap_or(u32::MAX);
    let entries = [
        ("Users", has.users),
        ("UsersQuota", MOST_USERS),
        ("Groups", has.groups),
        ("GroupsQuota", MOST_GROUPS),
        ("GroupsPerUserQuota", MOST_GROUPS_PER_USER),
        ("Roles", has.roles),
        ("RolesQuota", MOST_ROLES),
        ("Policies", has.policies),
        ("PoliciesQuota", MOST_MANAGED_POLICIES),
        ("PolicyVersionsInUse", has.policy_versions),
        ("PolicyVersionsInUseQuota", MOST_MANAGED_POLICIES * MOST_POLICY_VERSIONS),
        ("VersionsPerPolicyQuota", MOST_POLICY_VERSIONS),
        ("PolicySizeQuota", size(PolicySize::Managed)),
        ("UserPolicySizeQuota", size(PolicySize::InlineOfUser)),
        ("GroupPolicySizeQuota", size(PolicySize::InlineOfGroup)),
        ("RolePolicySizeQuota", size(PolicySize::InlineOfRole)),
        ("AssumeRolePolicySizeQuota", size(PolicySize::Trust)),
        ("AttachedPoliciesPerUserQuota", MOST_ATTACHED_POLICIES),
        ("AttachedPoliciesPerGroupQuota", MOST_ATTACHED_POLICIES),
        ("AttachedPoliciesPerRoleQuota", MOST_ATTACHED_POLICIES),
        ("AccessKeysPerUserQuota", MOST_ACCESS_KEYS),
        ("AccountAccessKeysPresent", u32::from(has.root_keys > 0)),
        ("AccountMFAEnabled", 0),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("MFADevices", 0),
        ("MFADevicesInUse", 0),
        ("ServerCertificates", 0),
        ("InstanceProfiles", 0),
        ("Providers", 0),
    ];
    Ok(Output::of(|xml| {
        xml.element("SummaryMap", |xml| {
            for (key, value) in entries {
                xml.element("entry", |xml| {
                    xml.text("key", key);
                    xml.text("value", value);
                });
            }
        });
    }))
}
