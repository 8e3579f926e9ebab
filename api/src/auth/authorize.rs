//! What callers may do. Handlers get the scope of a request only here, so that none forgets to check.

use std::future::Future;

use brokerd_domain::{
    Scope, Tags,
    policy::{
        AuthorizationRequest, ConditionKey, Context, Decision, IamEvaluator, OperationPermissions,
        PolicyEvaluator as _, Refusal, RequiredAction, ResourceType, When,
    },
};

use super::authenticate::Signed;
use crate::{caller::Caller, http::error::ApiError};

/// The action that marks an account's administrators, who may see why a request is denied.
const ADMINISTERS: &str = "iam:SimulatePrincipalPolicy";
/// The service to which roles are passed.
const SERVICE: &str = "mq.amazonaws.com";

/// The caller may not do what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct AccessDenied {
    /// The service's sentence.
    pub(crate) message: String,
}

impl From<AccessDenied> for ApiError {
    fn from(denied: AccessDenied) -> Self {
        Self::access_denied(denied.message)
    }
}

impl Caller {
    /// Whether the caller may do `action`, such as `mq:DescribeBroker`, with `resource`, an ARN or `*`. `add_keys`
    /// gives the context what it has beside the global keys.
    ///
    /// # Errors
    /// The service's sentence. For callers who may call SimulatePrincipalPolicy about themselves it names the policy
    /// and the statement that deny.
    pub(crate) fn check(
        &self,
        action: &str,
        resource: &str,
        add_keys: impl FnOnce(&mut Context),
    ) -> Result<(), AccessDenied> {
        if self.may_do_everything() {
            return Ok(());
        }
        let mut context = self.context();
        add_keys(&mut context);
        let decision = self.decide(action, resource, &context);
        if decision.is_allowed() {
            return Ok(());
        }
        let principal = self.principal();
        let refusal =
            Refusal { principal: &principal.arn(), action, resource, decision: &decision };
        let own = principal.identity_arn();
        let administers = self.decide(ADMINISTERS, &own, &self.context()).is_allowed();
        let message = if administers { refusal.explained() } else { refusal.sentence() };
        Err(AccessDenied { message })
    }

    /// Whether the caller may do an operation with `resource`: the actions that every call of it needs, and with tags the
    /// permission to tag, too.
    ///
    /// # Errors
    /// That of [`Self::check`] for the first action that is not allowed.
    pub(crate) fn check_operation(
        &self,
        permissions: &OperationPermissions,
        resource: CallResource<'_>,
    ) -> Result<(), AccessDenied> {
        self.check_actions(permissions, resource, |when| resource.needs(when))
    }

    fn check_actions(
        &self,
        permissions: &OperationPermissions,
        resource: CallResource<'_>,
        is_needed: impl Fn(When) -> bool,
    ) -> Result<(), AccessDenied> {
        permissions.actions.iter().filter(|action| is_needed(action.when)).try_for_each(|action| {
            self.check(action.action, resource.named_for(action), |context| {
                if action.resource != ResourceType::Any && resource.is_one() {
                    context.set("aws:ResourceAccount", self.account().as_str());
                }
                for key in action.keys {
                    self.add_key(*key, action, resource, context);
                }
            })
        })
    }

    fn add_key(
        &self,
        key: ConditionKey,
        action: &RequiredAction,
        resource: CallResource<'_>,
        context: &mut Context,
    ) {
        let CallResource { arn: _, tags, tag_change, policy, boundary } = resource;
        match key {
            ConditionKey::ResourceTag => {
                if let Some(tags) = tags {
                    context.set_resource(self.account(), tags);
                    // IAM has a name of its own for the tags of what it has.
                    if action.action.starts_with("iam:") {
                        for (key, value) in tags.as_map() {
                            context.set(format!("iam:ResourceTag/{key}"), value);
                        }
                    }
                }
            }
            ConditionKey::RequestTag => {
                if let TagChange::Adds(tags) = tag_change {
                    context.set_request_tags(tags);
                }
            }
            ConditionKey::TagKeys => {
                if let TagChange::Removes(keys) = tag_change {
                    context.set_tag_keys(keys.to_vec());
                }
            }
            ConditionKey::PassedToService => context.set("iam:PassedToService", SERVICE),
            ConditionKey::PolicyArn => {
                if let Some(policy) = policy {
                    context.set("iam:PolicyARN", policy);
                }
            }
            ConditionKey::PermissionsBoundary => {
                if let Some(boundary) = boundary {
                    context.set("iam:PermissionsBoundary", boundary);
                }
            }
            // Of AssumeRole, which asks the role's trust policy, too.
            ConditionKey::ExternalId
            | ConditionKey::RoleSessionName
            | ConditionKey::SourceIdentity
            | ConditionKey::TransitiveTagKeys => {}
        }
    }

    fn decide(&self, action: &str, resource: &str, context: &Context) -> Decision {
        let principal = self.principal();
        let request = AuthorizationRequest { principal, action, resource, context };
        IamEvaluator.decide(self.policies(), &request)
    }

    /// The root of an account whose session is not limited.
    fn may_do_everything(&self) -> bool {
        let policies = self.policies();
        self.principal().is_root()
            && policies.session.is_none()
            && policies.boundary.is_none()
            && policies.identity.is_empty()
    }
}

/// A resource as policies name it.
pub(crate) trait PolicyResource {
    /// Its ARN.
    fn policy_arn(&self) -> String;
    /// The values of `aws:ResourceTag`; none: such resources have no tags.
    fn policy_tags(&self) -> Option<&Tags>;
}

/// What a request does to the tags of a resource: no request of any service adds some and removes others.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum TagChange<'a> {
    /// Nothing.
    #[default]
    None,
    /// Adds tags: `aws:RequestTag` and `aws:TagKeys`.
    Adds(&'a Tags),
    /// Takes away tags by their keys: `aws:TagKeys`.
    Removes(&'a [String]),
}

impl<'a> TagChange<'a> {
    /// The tags that a request brings, if it brings any.
    pub(crate) fn adding(tags: Option<&'a Tags>) -> Self {
        tags.map_or(Self::None, Self::Adds)
    }
}

/// The resource that a call is about, as policies see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallResource<'a> {
    /// Its ARN, also if it is to be created or is not there. What is no ARN names no single resource: `*`, or what the
    /// service's refusals say instead, as `policy path /`.
    pub(crate) arn: &'a str,
    /// The tags that it has.
    pub(crate) tags: Option<&'a Tags>,
    /// What the request does to its tags.
    pub(crate) tag_change: TagChange<'a>,
    /// The managed policy that is attached to it or detached.
    pub(crate) policy: Option<&'a str>,
    /// The boundary that it gets or has.
    pub(crate) boundary: Option<&'a str>,
}

impl<'a> CallResource<'a> {
    /// No single resource.
    pub(crate) const NONE: CallResource<'static> = CallResource::named("*");

    /// A resource of which the ARN is all that is known.
    pub(crate) const fn named(arn: &'a str) -> Self {
        Self { arn, tags: None, tag_change: TagChange::None, policy: None, boundary: None }
    }

    /// Whether a call needs actions of that kind because of what it is about. Those that depend on more are not told here.
    fn needs(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::WithTags => {
                matches!(self.tag_change, TagChange::Adds(tags) if !tags.as_map().is_empty())
            }
            When::WithPrimaryBroker
            | When::WithAuthentication
            | When::WithRole
            | When::WithSourceIdentity => false,
        }
    }

    /// As policies on that action name it: actions on no single resource see `*`.
    fn named_for(&self, action: &RequiredAction) -> &'a str {
        match action.resource {
            ResourceType::Any if self.is_one() => "*",
            _ => self.arn,
        }
    }

    fn is_one(&self) -> bool {
        self.arn.starts_with("arn:")
    }
}

impl Signed {
    /// The scope of the caller, if it may do the operation.
    ///
    /// # Errors
    /// The 403 of the first action that is not allowed. The actions that only some requests need are checked by
    /// [`Self::authorize_also`], but for adding tags to what is created.
    pub(crate) fn authorize(&self, resource: CallResource<'_>) -> Result<&Scope, ApiError> {
        self.check_actions(resource, |when| resource.needs(when))?;
        Ok(&self.scope)
    }

    /// Checks the actions that are needed because of what else the request asks for.
    ///
    /// # Errors
    /// As [`Self::authorize`].
    pub(crate) fn authorize_also(
        &self,
        when: When,
        resource: CallResource<'_>,
    ) -> Result<(), ApiError> {
        self.check_actions(resource, |also| also == when)
    }

    /// Finds the resource of the request, and checks that the caller may do the operation with it. If there is no such
    /// resource, policies are checked with the ARN `absent`, so that only callers who may do the operation learn that
    /// it does not exist. A resource of another account or region counts as absent.
    ///
    /// # Errors
    /// As [`Self::authorize`]; the error of `find`.
    pub(crate) async fn resolve<'a, T: PolicyResource, F>(
        &'a self,
        tag_change: TagChange<'_>,
        absent: &str,
        find: impl FnOnce(&'a Scope) -> F,
    ) -> Result<(&'a Scope, Option<T>), ApiError>
    where
        F: Future<Output = Result<Option<T>, ApiError>>,
    {
        let found = find(&self.scope).await?;
        let scope = match &found {
            Some(found) => {
                let (arn, tags) = (found.policy_arn(), found.policy_tags());
                self.authorize(CallResource { tags, tag_change, ..CallResource::named(&arn) })?
            }
            None => self.authorize(CallResource { tag_change, ..CallResource::named(absent) })?,
        };
        Ok((scope, found))
    }

    /// The ARN of something that the caller's account has or may have in the region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let Scope { account, region } = &self.scope;
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }

    fn check_actions(
        &self,
        resource: CallResource<'_>,
        is_needed: impl Fn(When) -> bool,
    ) -> Result<(), ApiError> {
        let permissions = self.permissions.ok_or_else(|| {
            ApiError::internal("the operation is not in the table of permissions")
        })?;
        Ok(self.caller.check_actions(permissions, resource, is_needed)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn action(permissions: Option<&'static OperationPermissions>) -> &'static RequiredAction {
        &permissions.expect("an operation").actions[0]
    }

    #[test]
    fn an_action_on_no_single_resource_sees_none() {
        let create = action(OperationPermissions::of("CreateBroker"));
        let reboot = action(OperationPermissions::of("RebootBroker"));
        let list = action(OperationPermissions::of_iam("ListPolicies"));
        let one = CallResource::named("arn:aws:mq:us-east-1:123456789012:broker:a:b-1");
        assert_eq!((one.named_for(create), one.named_for(reboot)), ("*", one.arn));
        // As refusals name it.
        let path = CallResource::named("policy path /");
        assert_eq!((path.named_for(list), path.is_one()), ("policy path /", false));
        assert_eq!(CallResource::NONE.named_for(reboot), "*");
    }

    #[test]
    fn only_who_brings_tags_needs_the_permission_to_tag() {
        let tags = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            Tags::parse(pairs.collect::<BTreeMap<_, _>>()).expect("tags")
        };
        let (none, some) = (tags(&[]), tags(&[("team", "red")]));
        for (added, is_needed) in [(None, false), (Some(&none), false), (Some(&some), true)] {
            let tag_change = TagChange::adding(added);
            let resource = CallResource { tag_change, ..CallResource::NONE };
            assert_eq!(resource.needs(When::WithTags), is_needed, "{added:?}");
            assert!(resource.needs(When::Always) && !resource.needs(When::WithRole));
        }
    }
}
