//! Everything that is in an account, a page at a time: users, then groups, roles and policies.

use brokerd_domain::identity::{IamArn, IamError, ManagedPolicy, PolicyOwner};
use brokerd_store::{IamPageQuery, IdentityName};

use super::{
    call::{Answer, Call, Permit, Resource},
    page::{Page, write_end},
    policies::not_in,
    versions, views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Parameters, Xml},
};

/// A part of the answer, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Users,
    Groups,
    Roles,
    OwnPolicies,
    AwsPolicies,
}

impl Section {
    const ALL: [Self; 5] =
        [Self::Users, Self::Groups, Self::Roles, Self::OwnPolicies, Self::AwsPolicies];

    /// As `Filter` names it.
    const fn filter(self) -> &'static str {
        match self {
            Self::Users => "User",
            Self::Groups => "Group",
            Self::Roles => "Role",
            Self::OwnPolicies => "LocalManagedPolicy",
            Self::AwsPolicies => "AWSManagedPolicy",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.filter() == name)
    }

    /// Those that a call wants.
    fn wanted(parameters: &Parameters) -> Result<Vec<Self>, IamError> {
        let filters = parameters.list("Filter");
        if filters.is_empty() {
            return Ok(Self::ALL.to_vec());
        }
        if let Some(other) = filters.iter().find(|filter| Self::named(filter).is_none()) {
            let known = "[User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]";
            return Err(not_in("filter", other, known));
        }
        Ok(Self::ALL.into_iter().filter(|section| filters.contains(&section.filter())).collect())
    }
}

/// What is written so far, a list for each kind.
#[derive(Default)]
struct Lists {
    users: Vec<Xml>,
    groups: Vec<Xml>,
    roles: Vec<Xml>,
    policies: Vec<Xml>,
}

pub(super) async fn answer(call: Call<'_>) -> Answer {
    let page = Page::of(call.parameters)?;
    let wanted = Section::wanted(call.parameters)?;
    let permit = call.permit(&Resource::named("*"))?;
    let mut lists = Lists::default();
    let mut room = page.most;
    let (mut after, sections) = match page.after() {
        None => (None, wanted.as_slice()),
        Some(marker) => {
            let (section, name) = marker.split_once('/').ok_or_else(wrong_marker)?;
            let section = Section::named(section).ok_or_else(wrong_marker)?;
            let at = wanted.iter().position(|one| *one == section).ok_or_else(wrong_marker)?;
            ((!name.is_empty()).then(|| name.to_owned()), &wanted[at..])
        }
    };
    let mut next = None;
    for section in sections {
        if room == 0 {
            next = Some(format!("{}/", section.filter()));
            break;
        }
        let query = IamPageQuery { path_prefix: "/", after: after.as_deref(), most: room };
        let (count, rest) = lists.read(&permit, *section, query).await?;
        if let Some(rest) = rest {
            next = Some(format!("{}/{rest}", section.filter()));
            break;
        }
        room = room.saturating_sub(count);
        after = None;
    }
    Ok(Output::of(|xml| {
        xml.list("UserDetailList", &lists.users, Xml::append);
        xml.list("GroupDetailList", &lists.groups, Xml::append);
        xml.list("RoleDetailList", &lists.roles, Xml::append);
        xml.list("Policies", &lists.policies, Xml::append);
        write_end(xml, next.as_deref());
    }))
}

fn wrong_marker() -> IamError {
    IamError::malformed("The value of the parameter Marker is invalid.")
}

impl Lists {
    /// Reads a part of a section: how many there were, and after what it goes on.
    async fn read(
        &mut self,
        permit: &Permit<'_>,
        section: Section,
        query: IamPageQuery<'_>,
    ) -> Result<(u32, Option<String>), ApiError> {
        let Permit { store, account, .. } = *permit;
        let (count, next) = match section {
            Section::Users => {
                let page = store.iam_users(account, query).await?;
                for user in &page.items {
                    let name = IdentityName::User(user.name.clone());
                    let policies = policies_of(permit, &name, "UserPolicyList").await?;
                    let groups = store.groups_of_user(user).await?;
                    self.users.push(Xml::new(|xml| {
                        views::user(xml, user);
                        xml.texts("GroupList", groups.iter().map(|group| &group.name));
                        xml.append(&policies);
                    }));
                }
                (page.items.len(), page.next)
            }
            Section::Groups => {
                let page = store.iam_groups(account, query).await?;
                for group in &page.items {
                    let name = IdentityName::Group(group.name.clone());
                    let policies = policies_of(permit, &name, "GroupPolicyList").await?;
                    self.groups.push(Xml::new(|xml| {
                        views::group(xml, group);
                        xml.append(&policies);
                    }));
                }
                (page.items.len(), page.next)
            }
            Section::Roles => {
                let page = store.iam_roles(account, query).await?;
                for role in &page.items {
                    let name = IdentityName::Role(role.name.clone());
                    let policies = policies_of(permit, &name, "RolePolicyList").await?;
                    self.roles.push(Xml::new(|xml| {
                        views::role(xml, role);
                        xml.texts("InstanceProfileList", [""; 0]);
                        xml.append(&policies);
                    }));
                }
                (page.items.len(), page.next)
            }
            Section::OwnPolicies | Section::AwsPolicies => {
                let owner = match section {
                    Section::AwsPolicies => PolicyOwner::Aws,
                    _ => PolicyOwner::Account(account.clone()),
                };
                // Of the service's own policies those that the account uses.
                let is_attached_only = owner == PolicyOwner::Aws;
                let page =
                    store.managed_policies(account, &[owner], is_attached_only, query).await?;
                for policy in &page.items {
                    self.policies.push(managed(permit, policy).await?);
                }
                (page.items.len(), page.next)
            }
        };
        Ok((u32::try_from(count).unwrap_or(u32::MAX), next))
    }
}

/// The inline and the attached policies of a user, group or role; none of one that went away in this moment.
async fn policies_of(
    permit: &Permit<'_>,
    name: &IdentityName,
    member: &str,
) -> Result<Xml, ApiError> {
    let Permit { store, account, .. } = *permit;
    let inline = store.inline_policies(account, name).await?.unwrap_or_default();
    let attached: Vec<IamArn> = store.attached_policies(account, name).await?.unwrap_or_default();
    Ok(Xml::new(|xml| {
        xml.list(member, &inline, |xml, policy| {
            xml.text("PolicyName", &policy.name);
            views::document(xml, "PolicyDocument", &policy.document);
        });
        xml.list("AttachedManagedPolicies", &attached, views::attached);
    }))
}

async fn managed(permit: &Permit<'_>, policy: &ManagedPolicy) -> Result<Xml, ApiError> {
    let versions = permit.store.policy_versions(permit.account, &policy.arn()).await?;
    let versions = versions.unwrap_or_default();
    Ok(Xml::new(|xml| {
        views::listed_policy(xml, policy);
        if !policy.description.is_empty() {
            xml.text("Description", &policy.description);
        }
        xml.list("PolicyVersionList", &versions, |xml, version| {
            views::document(xml, "Document", &version.document);
            versions::listed(xml, version);
        });
    }))
}
