//! What callers may do. Handlers get the scope of a request only here, so that none forgets to check.

use std::future::Future;

use brokerd_domain::{
    Scope, Tags,
    policy::{
        AuthorizationRequest, ConditionKey, Context, Decision, IamEvaluator, PolicyEvaluator as _,
        Refusal, RequiredAction, ResourceType, When,
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

/// The tags of a resource that a request adds or removes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TagsAsked<'a> {
    /// Tags to add: `aws:RequestTag` and `aws:TagKeys`.
    pub(crate) added: Option<&'a Tags>,
    /// Keys of tags to take away: `aws:TagKeys`.
    pub(crate) removed: Option<&'a [String]>,
}

/// The resource of a request, as policies see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// The resource that it is about or that it creates; policies of operations on no single resource see `*`.
    pub(crate) arn: &'a str,
    /// The tags that the resource has.
    pub(crate) tags: Option<&'a Tags>,
    /// The tags that the request adds or removes.
    pub(crate) asked: TagsAsked<'a>,
}

impl<'a> Subject<'a> {
    /// No single resource.
    pub(crate) const NONE: Subject<'static> = Subject::named("*");

    /// A resource of which the ARN is all that is known.
    pub(crate) const fn named(arn: &'a str) -> Self {
        Self { arn, tags: None, asked: TagsAsked { added: None, removed: None } }
    }
}

impl Signed {
    /// The scope of the caller, if it may do the operation.
    ///
    /// # Errors
    /// The 403 of the first action that is not allowed. The actions that only some requests need are checked by
    /// [`Self::authorize_also`], but for adding tags to what is created.
    pub(crate) fn authorize(&self, subject: Subject<'_>) -> Result<&Scope, ApiError> {
        self.check_actions(subject, |when| match when {
            When::Always => true,
            When::WithTags => subject.asked.added.is_some_and(|tags| !tags.as_map().is_empty()),
            When::WithPrimaryBroker
            | When::WithAuthentication
            | When::WithRole
            | When::WithSourceIdentity => false,
        })?;
        Ok(&self.scope)
    }

    /// Checks the actions that are needed because of what else the request asks for.
    ///
    /// # Errors
    /// As [`Self::authorize`].
    pub(crate) fn authorize_also(&self, when: When, subject: Subject<'_>) -> Result<(), ApiError> {
        self.check_actions(subject, |also| also == when)
    }

    /// Finds the resource of the request, and checks that the caller may do the operation with it. If there is no such
    /// resource, policies are checked with the ARN `absent`, so that only callers who may do the operation learn that
    /// it does not exist. A resource of another account or region counts as absent.
    ///
    /// # Errors
    /// As [`Self::authorize`]; the error of `find`.
    pub(crate) async fn resolve<'a, T: PolicyResource, F>(
        &'a self,
        asked: TagsAsked<'_>,
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
                self.authorize(Subject { arn: &arn, tags, asked })?
            }
            None => self.authorize(Subject { asked, ..Subject::named(absent) })?,
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
        subject: Subject<'_>,
        is_needed: impl Fn(When) -> bool,
    ) -> Result<(), ApiError> {
        let permissions = self.permissions.ok_or_else(|| {
            ApiError::internal("the operation is not in the table of permissions")
        })?;
        for action in permissions.actions.iter().filter(|action| is_needed(action.when)) {
            self.check_action(action, subject)?;
        }
        Ok(())
    }

    fn check_action(
        &self,
        action: &RequiredAction,
        subject: Subject<'_>,
    ) -> Result<(), AccessDenied> {
        let Subject { arn, tags, asked } = subject;
        let is_of_one = action.resource != ResourceType::Any;
        self.caller.check(action.action, if is_of_one { arn } else { "*" }, |context| {
            if is_of_one {
                context.set("aws:ResourceAccount", self.caller.account().as_str());
            }
            for key in action.keys {
                match key {
                    ConditionKey::ResourceTag => {
                        if let Some(tags) = tags {
                            context.set_resource(self.caller.account(), tags);
                        }
                    }
                    ConditionKey::RequestTag => {
                        if let Some(tags) = asked.added {
                            context.set_request_tags(tags);
                        }
                    }
                    ConditionKey::TagKeys => {
                        if let Some(keys) = asked.removed {
                            context.set_tag_keys(keys.to_vec());
                        }
                    }
                    ConditionKey::PassedToService => context.set("iam:PassedToService", SERVICE),
                    // Of operations of IAM and AWS STS, which check by themselves.
                    ConditionKey::PolicyArn
                    | ConditionKey::PermissionsBoundary
                    | ConditionKey::ExternalId
                    | ConditionKey::RoleSessionName
                    | ConditionKey::SourceIdentity
                    | ConditionKey::TransitiveTagKeys => {}
                }
            }
        })
    }
}
