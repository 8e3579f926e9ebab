//! The account as a whole: its aliases, and how much of everything there is.

use brokerd_domain::identity::{
    MAX_ACCESS_KEYS, MAX_ATTACHED_POLICIES, MAX_GROUPS, MAX_GROUPS_PER_USER, MAX_MANAGED_POLICIES,
    MAX_POLICY_VERSIONS, MAX_ROLES, MAX_USERS,
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
        ("UsersQuota", MAX_USERS),
        ("Groups", has.groups),
        ("GroupsQuota", MAX_GROUPS),
        ("GroupsPerUserQuota", MAX_GROUPS_PER_USER),
        ("Roles", has.roles),
        ("RolesQuota", MAX_ROLES),
        ("Policies", has.policies),
        ("PoliciesQuota", MAX_MANAGED_POLICIES),
        ("PolicyVersionsInUse", has.policy_versions),
        ("PolicyVersionsInUseQuota", MAX_MANAGED_POLICIES * MAX_POLICY_VERSIONS),
        ("VersionsPerPolicyQuota", MAX_POLICY_VERSIONS),
        ("PolicySizeQuota", size(PolicySize::Managed)),
        ("UserPolicySizeQuota", size(PolicySize::InlineOfUser)),
        ("GroupPolicySizeQuota", size(PolicySize::InlineOfGroup)),
        ("RolePolicySizeQuota", size(PolicySize::InlineOfRole)),
        ("AssumeRolePolicySizeQuota", size(PolicySize::Trust)),
        ("AttachedPoliciesPerUserQuota", MAX_ATTACHED_POLICIES),
        ("AttachedPoliciesPerGroupQuota", MAX_ATTACHED_POLICIES),
        ("AttachedPoliciesPerRoleQuota", MAX_ATTACHED_POLICIES),
        ("AccessKeysPerUserQuota", MAX_ACCESS_KEYS),
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
