//! Tags of users, roles and managed policies.

use axum::http::StatusCode;
use brokerd_domain::{
    Tags,
    identity::{IamArn, IamError, parse_tags},
};
use brokerd_store::IdentityName;

use super::{
    call::{Answer, Call, Permit, no_policy},
    inline::gone,
    page::{Page, write_end},
    views,
};
use crate::{
    http::error::ApiError,
    query::{Output, Parameters},
};

/// How often a change is tried that others are in the way of.
const TRIES: u32 = 8;

pub(super) async fn answer(operation: &str, call: Call<'_>) -> Answer {
    let tagged = match operation {
        "TagUser" | "UntagUser" | "ListUserTags" => {
            let (permit, user) = call.user().await?;
            Tagged { permit, name: Name::Identity(IdentityName::User(user.name)), tags: user.tags }
        }
        "TagRole" | "UntagRole" | "ListRoleTags" => {
            let (permit, role) = call.role().await?;
            Tagged { permit, name: Name::Identity(IdentityName::Role(role.name)), tags: role.tags }
        }
        _ => {
            let (permit, policy) = call.policy().await?;
            Tagged { permit, name: Name::Policy(Box::new(policy.arn())), tags: policy.tags }
        }
    };
    if operation.starts_with("List") {
        return tagged.list(call.parameters);
    }
    let change = Change::of(operation, call.parameters)?;
    tagged.change(&change).await
}

enum Name {
    Identity(IdentityName),
    Policy(Box<IamArn>),
}

enum Change {
    Add(Tags),
    Remove(Vec<String>),
}

impl Change {
    fn of(operation: &str, parameters: &Parameters) -> Result<Self, IamError> {
        if operation.starts_with("Tag") {
            let tags = parameters.tags("Tags")?;
            return tags.map(Self::Add).ok_or_else(|| {
                IamError::malformed(
                    "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null",
                )
            });
        }
        Ok(Self::Remove(parameters.list("TagKeys").into_iter().map(str::to_owned).collect()))
    }

    /// The tags after it. Letter case of keys does not matter; the latest spelling stays.
    fn of_tags(&self, tags: &Tags) -> Result<Tags, IamError> {
        let alike = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let kept = |is_gone: &dyn Fn(&str) -> bool| {
            let kept = tags.as_map().iter().filter(|(key, _)| !is_gone(key));
            kept.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>()
        };
        match self {
            Self::Remove(keys) => parse_tags(kept(&|key| keys.iter().any(|one| alike(one, key)))),
            Self::Add(added) => {
                let added = added.as_map();
                let mut all = kept(&|key| added.keys().any(|one| alike(one, key)));
                all.extend(added.iter().map(|(key, value)| (key.clone(), value.clone())));
                if all.len() > Tags::MAX_PER_RESOURCE {
                    let most = u32::try_from(Tags::MAX_PER_RESOURCE).unwrap_or(u32::MAX);
                    return Err(IamError::limit("TagsPerResource", most));
                }
                parse_tags(all)
            }
        }
    }
}

/// What has tags.
struct Tagged<'a> {
    permit: Permit<'a>,
    name: Name,
    tags: Tags,
}

impl Tagged<'_> {
    fn list(&self, parameters: &Parameters) -> Answer {
        let page = Page::of(parameters)?;
        let tags: Vec<_> = self.tags.as_map().iter().collect();
        let (tags, next) = page.cut(tags, |(key, _)| (*key).clone());
        Ok(Output::of(|xml| {
            xml.list("Tags", tags, |xml, (key, value)| views::tag(xml, key, value));
            write_end(xml, next.as_deref());
        }))
    }

    async fn change(mut self, change: &Change) -> Answer {
        for _ in 0..TRIES {
            let wanted = change.of_tags(&self.tags)?;
            if wanted == self.tags || self.set(&wanted).await? {
                return Ok(Output::Nothing);
            }
            self.tags = self.current().await?;
        }
        let message =
            "The request was rejected because others change the tags at the same time. Try again.";
        Err(ApiError::named(StatusCode::CONFLICT, "ConcurrentModification", message))
    }

    async fn set(&self, tags: &Tags) -> Result<bool, ApiError> {
        let Permit { store, account, .. } = self.permit;
        Ok(match &self.name {
            Name::Identity(name) => {
                store.set_identity_tags(account, name, &self.tags, tags).await?
            }
            Name::Policy(arn) => {
                // The service's own have no tags, and can't have any.
                if arn.account().is_none() {
                    return Err(no_policy(arn).into());
                }
                store.set_policy_tags(account, arn, &self.tags, tags).await?
            }
        })
    }

    async fn current(&self) -> Result<Tags, ApiError> {
        let Permit { store, account, .. } = self.permit;
        let tags = match &self.name {
            Name::Identity(IdentityName::User(name)) => {
                store.iam_user(account, name).await?.map(|user| user.tags)
            }
            Name::Identity(IdentityName::Role(name)) => {
                store.iam_role(account, name).await?.map(|role| role.tags)
            }
            Name::Identity(IdentityName::Group(_)) => None,
            Name::Policy(arn) => {
                store.managed_policy(account, arn).await?.map(|policy| policy.tags)
            }
        };
        tags.ok_or_else(|| match &self.name {
            Name::Identity(name) => gone(name).into(),
            Name::Policy(arn) => no_policy(arn).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::identity::IamErrorKind;

    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        parse_tags(pairs).expect("tags")
    }

    #[test]
    fn a_tag_replaces_the_one_that_differs_in_letter_case_only() {
        let before = tags(&[("Team", "red"), ("stage", "test")]);
        let added = Change::Add(tags(&[("team", "blue")])).of_tags(&before);
        assert_eq!(added, Ok(tags(&[("team", "blue"), ("stage", "test")])));
        let removed = Change::Remove(vec!["TEAM".to_owned(), "other".to_owned()]).of_tags(&before);
        assert_eq!(removed, Ok(tags(&[("stage", "test")])));
    }

    #[test]
    fn nothing_has_more_than_fifty_tags() {
        let many: Vec<_> = (0..50).map(|n| (format!("k{n}"), String::new())).collect();
        let before = parse_tags(many).expect("tags");
        let refused = Change::Add(tags(&[("one-more", "")])).of_tags(&before).expect_err("51");
        assert_eq!(refused.kind, IamErrorKind::LimitExceeded);
        assert!(Change::Add(tags(&[("K7", "new")])).of_tags(&before).is_ok());
    }
}
