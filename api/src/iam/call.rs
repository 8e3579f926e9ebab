//! A call of an operation. What it is about is found and authorised in one step: only a [`Permit`] leads to the store.

use brokerd_domain::{
    AccountId, Entropy, Tags, Timestamp,
    identity::{
        AccessKeyId, Group, GroupName, IamArn, IamError, IamErrorKind, ManagedPolicy, Role,
        RoleName, User, UserName,
    },
    policy::{OperationPermissions, Principal, PrincipalKind},
};
use brokerd_store::{IdentityName, PgStore};

use crate::{
    auth::{CallResource, TagChange},
    caller::Caller,
    http::error::ApiError,
    query::{Output, Parameters, QueryApi},
    service_parts::ServiceParts,
};

/// The service in the query protocol.
pub(crate) const API: QueryApi =
    QueryApi { version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/" };

/// The output of an operation, or a refusal.
pub(super) type Answer = Result<Output, ApiError>;

/// An authentic call, which nothing permits yet.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    services: &'a ServiceParts,
    caller: &'a Caller,
    permissions: &'static OperationPermissions,
    pub(super) parameters: &'a Parameters,
}

/// A call that is permitted.
#[derive(Clone, Copy)]
pub(super) struct Permit<'a> {
    pub(super) store: &'a PgStore,
    pub(super) account: &'a AccountId,
    pub(super) caller: &'a Caller,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) now: Timestamp,
}

/// What a call is about.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource<'a> {
    /// Its ARN, or what the service's refusals name instead.
    pub(super) arn: String,
    /// Its tags, if it is there.
    pub(super) tags: Option<&'a Tags>,
    /// What bounds it.
    pub(super) boundary: Option<&'a IamArn>,
}

impl Resource<'_> {
    /// One that has no tags and no boundary, or is not there.
    pub(super) fn named(arn: impl Into<String>) -> Self {
        Self { arn: arn.into(), ..Self::default() }
    }
}

/// A user, group or role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As messages name it.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// Whose access keys are meant.
pub(super) enum Holder {
    /// The account's root.
    Root,
    /// A user.
    User(UserName),
}

/// The operations that set the boundary they name. For all others `iam:PermissionsBoundary` is the one that the user or
/// role has. Source: IAM User Guide, IAM and AWS STS condition context keys.
const SETS_BOUNDARY: [&str; 4] =
    ["CreateUser", "CreateRole", "PutUserPermissionsBoundary", "PutRolePermissionsBoundary"];

impl<'a> Call<'a> {
    pub(super) const fn new(
        services: &'a ServiceParts,
        caller: &'a Caller,
        permissions: &'static OperationPermissions,
        parameters: &'a Parameters,
    ) -> Self {
        Self { services, caller, permissions, parameters }
    }

    /// The account of the caller, in which everything is.
    pub(super) fn account(&self) -> &'a AccountId {
        self.caller.account()
    }

    /// Asks whether the caller may do this with `resource`. With tags it needs the permission to tag, too.
    ///
    /// # Errors
    /// `AccessDenied`, or that the tags can't be.
    pub(super) fn permit(&self, resource: &Resource<'_>) -> Result<Permit<'a>, ApiError> {
        let tags = self.parameters.tags("Tags")?;
        // Only what the operation itself reads counts: others could bring a parameter for the sake of a condition.
        let operation = self.permissions.operation;
        let keys = self.parameters.list("TagKeys").into_iter().map(str::to_owned);
        let keys = self.parameters.has_list("TagKeys").then(|| keys.collect::<Vec<_>>());
        let tag_change = if operation.starts_with("Untag") {
            keys.as_deref().map_or(TagChange::None, TagChange::Removes)
        } else {
            TagChange::adding(tags.as_ref())
        };
        let given = self.parameters.text("PermissionsBoundary");
        let given = given.filter(|_| SETS_BOUNDARY.contains(&operation));
        let boundary = resource.boundary.map(ToString::to_string);
        let resource = CallResource {
            arn: &resource.arn,
            tags: resource.tags,
            tag_change,
            policy: self.parameters.text("PolicyArn"),
            boundary: given.or(boundary.as_deref()),
        };
        self.caller.check_operation(self.permissions, resource)?;
        Ok(Permit {
            store: &self.services.store,
            account: self.account(),
            caller: self.caller,
            entropy: &*self.services.entropy,
            now: self.services.clock.now(),
        })
    }

    /// The user that the call names.
    pub(super) async fn user(&self) -> Result<(Permit<'a>, User), ApiError> {
        let name = UserName::parse(self.parameters.required("UserName")?)?;
        self.user_of(&name).await
    }

    /// The user of that name.
    pub(super) async fn user_of(&self, name: &UserName) -> Result<(Permit<'a>, User), ApiError> {
        let found = self.services.store.iam_user(self.account(), name).await?;
        let Some(user) = found else {
            self.permit(&self.absent(Kind::User, name.as_str()))?;
            return Err(IamError::no_such_entity("user", name.as_str()).into());
        };
        let permit = self.permit(&of_user(&user))?;
        Ok((permit, user))
    }

    /// The group that the call names.
    pub(super) async fn group(&self) -> Result<(Permit<'a>, Group), ApiError> {
        let name = GroupName::parse(self.parameters.required("GroupName")?)?;
        let found = self.services.store.iam_group(self.account(), &name).await?;
        let Some(group) = found else {
            self.permit(&self.absent(Kind::Group, name.as_str()))?;
            return Err(IamError::no_such_entity("group", name.as_str()).into());
        };
        let permit = self.permit(&Resource::named(group.arn().to_string()))?;
        Ok((permit, group))
    }

    /// The role that the call names.
    pub(super) async fn role(&self) -> Result<(Permit<'a>, Role), ApiError> {
        let name = RoleName::parse(self.parameters.required("RoleName")?)?;
        let found = self.services.store.iam_role(self.account(), &name).await?;
        let Some(role) = found else {
            self.permit(&self.absent(Kind::Role, name.as_str()))?;
            return Err(IamError::no_such_entity("role", name.as_str()).into());
        };
        let permit = self.permit(&of_role(&role))?;
        Ok((permit, role))
    }

    /// The user, group or role that the call names.
    pub(super) async fn identity(
        &self,
        kind: Kind,
    ) -> Result<(Permit<'a>, IdentityName), ApiError> {
        Ok(match kind {
            Kind::User => {
                let (permit, user) = self.user().await?;
                (permit, IdentityName::User(user.name))
            }
            Kind::Group => {
                let (permit, group) = self.group().await?;
                (permit, IdentityName::Group(group.name))
            }
            Kind::Role => {
                let (permit, role) = self.role().await?;
                (permit, IdentityName::Role(role.name))
            }
        })
    }

    /// The managed policy that the call names: the account's or the service's.
    pub(super) async fn policy(&self) -> Result<(Permit<'a>, ManagedPolicy), ApiError> {
        let arn = policy_arn(self.parameters.required("PolicyArn")?)?;
        let found = self.services.store.managed_policy(self.account(), &arn).await?;
        let Some(policy) = found else {
            self.permit(&Resource::named(arn.to_string()))?;
            return Err(no_policy(&arn).into());
        };
        let resource = Resource { tags: Some(&policy.tags), ..Resource::named(arn.to_string()) };
        let permit = self.permit(&resource)?;
        Ok((permit, policy))
    }

    /// Whose access keys the call is about: those of the user that it names, or else the caller's own.
    pub(super) async fn key_holder(&self) -> Result<(Permit<'a>, Holder), ApiError> {
        let Some(name) = self.parameters.text("UserName") else {
            return match &self.caller.principal().kind {
                PrincipalKind::Root => {
                    let root = IamArn::Root(self.account().clone());
                    Ok((self.permit(&Resource::named(root.to_string()))?, Holder::Root))
                }
                PrincipalKind::User { name, .. } => self.key_holder_named(name).await,
                PrincipalKind::RoleSession { .. } => Err(needs_a_user_name()),
            };
        };
        self.key_holder_named(name).await
    }

    async fn key_holder_named(&self, name: &str) -> Result<(Permit<'a>, Holder), ApiError> {
        let (permit, user) = self.user_of(&UserName::parse(name)?).await?;
        Ok((permit, Holder::User(user.name)))
    }

    /// The user that the call names, or else the caller; none: the caller is the account's root.
    pub(super) async fn user_or_caller(&self) -> Result<(Permit<'a>, Option<User>), ApiError> {
        let (permit, holder) = self.key_holder().await?;
        match holder {
            Holder::Root => Ok((permit, None)),
            Holder::User(name) => {
                let (permit, user) = self.user_of(&name).await?;
                Ok((permit, Some(user)))
            }
        }
    }

    /// The user of that ARN, if there is one.
    pub(super) async fn user_of_arn(
        &self,
        arn: &IamArn,
    ) -> Result<(Permit<'a>, Option<User>), ApiError> {
        let found = match arn {
            IamArn::User(_, _, name) => self.services.store.iam_user(self.account(), name).await?,
            _ => None,
        };
        let found = found.filter(|user| user.arn() == *arn);
        let permit = match &found {
            Some(user) => self.permit(&of_user(user))?,
            None => self.permit(&Resource::named(arn.to_string()))?,
        };
        Ok((permit, found))
    }

    /// The role of that ARN, if there is one.
    pub(super) async fn role_of_arn(
        &self,
        arn: &IamArn,
    ) -> Result<(Permit<'a>, Option<Role>), ApiError> {
        let found = match arn {
            IamArn::Role(_, _, name) => self.services.store.iam_role(self.account(), name).await?,
            _ => None,
        };
        let found = found.filter(|role| role.arn() == *arn);
        let permit = match &found {
            Some(role) => self.permit(&of_role(role))?,
            None => self.permit(&Resource::named(arn.to_string()))?,
        };
        Ok((permit, found))
    }

    /// Whose key that is, if it is one of the account.
    pub(super) async fn holder_of_key(
        &self,
        id: &AccessKeyId,
    ) -> Result<(Permit<'a>, Principal), ApiError> {
        let found = self.services.store.principal_of(id.as_str()).await?;
        let own = found.map(|key| key.caller.principal).filter(|it| it.account == *self.account());
        let Some(principal) = own else {
            self.permit(&Resource::named("*"))?;
            // As the service does, which does not tell whether another account has it.
            let message = format!("The Access Key with id {id} cannot be found.");
            return Err(IamError::new(IamErrorKind::NoSuchEntity, message).into());
        };
        // Whoever may not ask about it is not told that it is there.
        let permit = self.permit(&Resource::named(principal.identity_arn()));
        let permit = permit.or_else(|_| self.permit(&Resource::named("*")))?;
        Ok((permit, principal))
    }

    fn absent(&self, kind: Kind, name: &str) -> Resource<'static> {
        Resource::named(format!("arn:aws:iam::{}:{}/{name}", self.account(), kind.noun()))
    }
}

/// What a call about a user is about.
pub(super) fn of_user(user: &User) -> Resource<'_> {
    Resource {
        arn: user.arn().to_string(),
        tags: Some(&user.tags),
        boundary: user.boundary.as_ref(),
    }
}

/// What a call about a role is about.
fn of_role(role: &Role) -> Resource<'_> {
    Resource {
        arn: role.arn().to_string(),
        tags: Some(&role.tags),
        boundary: role.boundary.as_ref(),
    }
}

/// The ARN of a managed policy.
///
/// # Errors
/// `InvalidInput`.
pub(super) fn policy_arn(text: &str) -> Result<IamArn, IamError> {
    match text.parse() {
        Ok(arn @ IamArn::Policy(..)) => Ok(arn),
        _ => Err(IamError::invalid(format!("ARN {} is not valid.", text.escape_debug()))),
    }
}

/// The 404 for a managed policy.
pub(super) fn no_policy(arn: &IamArn) -> IamError {
    IamError::new(IamErrorKind::NoSuchEntity, format!("Policy {arn} was not found."))
}

/// The 404 for a managed policy that is to be attached or to bound somebody.
pub(super) fn not_attachable(arn: &IamArn) -> IamError {
    IamError::new(
        IamErrorKind::NoSuchEntity,
        format!("Policy {arn} does not exist or is not attachable."),
    )
}

fn needs_a_user_name() -> ApiError {
    IamError::malformed("Must specify userName when calling with non-User credentials").into()
}
