//! What a session has from the call that begins it, and what it inherits from the session that it is begun in.
//!
//! Source: "Passing session tags in AWS STS", "Chaining roles with session tags", and "Monitor and control actions taken
//! with assumed roles" of the IAM user guide.

use brokerd_domain::{
    Tags,
    identity::{IamError, IamErrorKind, SourceIdentity},
    policy::{Context, Principal, PrincipalKind, When},
};

use crate::query::Parameters;

/// What a call asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    tags: Option<Tags>,
    transitive_tag_keys: Vec<String>,
    source_identity: Option<SourceIdentity>,
}

/// What a session of a role has beside what its role has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// The tags of the call, and those that the calling session hands on.
    pub(super) tags: Tags,
    /// The keys of the tags that it hands on itself.
    pub(super) transitive_tag_keys: Vec<String>,
    /// Who is behind it.
    pub(super) source_identity: Option<SourceIdentity>,
}

impl Asked {
    /// # Errors
    /// `ValidationError` for what does not have the form, `InvalidParameterValue` for what can't be together.
    pub(super) fn of(parameters: &Parameters) -> Result<Self, IamError> {
        let tags = parameters.tags("Tags").map_err(|error| match error.kind {
            IamErrorKind::InvalidInput => unfit(error.message),
            _ => error,
        })?;
        let keys = parameters.list("TransitiveTagKeys");
        if keys.len() > Tags::MAX_PER_RESOURCE {
            return Err(IamError::validation(
                "transitiveTagKeys",
                &keys.len().to_string(),
                format!("Member must have length less than or equal to {}", Tags::MAX_PER_RESOURCE),
            ));
        }
        let mut transitive_tag_keys = Vec::new();
        for key in keys {
            let known = tags.as_ref().and_then(|tags| tags.key_like(key)).ok_or_else(|| {
                unfit("The specified transitive tag key must be included in the requested tags.")
            })?;
            if !transitive_tag_keys.iter().any(|listed| listed == known) {
                transitive_tag_keys.push(known.to_owned());
            }
        }
        let source_identity =
            parameters.text("SourceIdentity").map(SourceIdentity::parse).transpose()?;
        Ok(Self { tags, transitive_tag_keys, source_identity })
    }

    /// What a session has that is begun by this caller.
    ///
    /// # Errors
    /// Where the call would change what the caller's session hands on.
    pub(super) fn passed_by(&self, caller: &Principal) -> Result<Passed, IamError> {
        let mut passed = Passed {
            tags: self.tags.clone().unwrap_or_default(),
            transitive_tag_keys: self.transitive_tag_keys.clone(),
            source_identity: self.source_identity.clone(),
        };
        let PrincipalKind::RoleSession { transitive_tag_keys, source_identity, .. } = &caller.kind
        else {
            return Ok(passed);
        };
        if transitive_tag_keys.iter().any(|key| passed.tags.key_like(key).is_some()) {
            return Err(unfit(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
            ));
        }
        if let Some(known) = source_identity {
            let known = SourceIdentity::parse(known)?;
            if passed.source_identity.as_ref().is_some_and(|asked| *asked != known) {
                return Err(IamError::malformed(
                    "The source identity is already set for this assume role session",
                ));
            }
            passed.source_identity = Some(known);
        }
        let inherited = caller.tags.only(transitive_tag_keys);
        passed.tags = inherited
            .with(&passed.tags)
            .map_err(|error| IamError::new(IamErrorKind::PackedPolicyTooLarge, error.message))?;
        passed.transitive_tag_keys.splice(0..0, transitive_tag_keys.iter().cloned());
        Ok(passed)
    }

    /// The condition keys of what the call asks for: tags that are inherited are not in the request.
    pub(super) fn add_keys(&self, passed: &Passed, context: &mut Context) {
        if let Some(tags) = &self.tags {
            context.set_request_tags(tags);
        }
        context.set_many("sts:TransitiveTagKeys", self.transitive_tag_keys.clone());
        if let Some(source) = &passed.source_identity {
            context.set("sts:SourceIdentity", source.as_str());
        }
    }
}

impl Passed {
    /// Whether an action has to be allowed for a session that is begun so. Who hands on tags or a source identity needs the
    /// same permissions as who sets them.
    pub(super) fn needs(&self, when: When) -> bool {
        match when {
            When::Always => true,
            When::WithTags => !self.tags.as_map().is_empty(),
            When::WithSourceIdentity => self.source_identity.is_some(),
            When::WithPrimaryBroker | When::WithAuthentication | When::WithRole => false,
        }
    }
}

fn unfit(message: impl Into<String>) -> IamError {
    IamError::new(IamErrorKind::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(form: &str) -> Result<Asked, IamError> {
        Asked::of(&Parameters::parse(form.as_bytes()).expect("a form"))
    }

    fn code(form: &str) -> &'static str {
        asked(form).expect_err(form).kind.code()
    }

    fn session(tags: &[(&str, &str)], transitive: &[&str], source: Option<&str>) -> Principal {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Principal {
            account: "000000000000".parse().expect("an account"),
            kind: PrincipalKind::RoleSession {
                path: "/".to_owned(),
                role: "deploy".to_owned(),
                role_id: "AROAEXAMPLEROLEID0001".to_owned(),
                session: "run-17".to_owned(),
                transitive_tag_keys: transitive.iter().map(|key| (*key).to_owned()).collect(),
                source_identity: source.map(str::to_owned),
            },
            tags: Tags::parse(tags.collect()).expect("tags"),
            token_issued: None,
        }
    }

    const STAR: &str = "Tags.member.1.Key=Star&Tags.member.1.Value=1";

    #[test]
    fn transitive_keys_are_keys_of_tags_of_the_call() {
        let star = asked(&format!(
            "{STAR}&TransitiveTagKeys.member.1=star&TransitiveTagKeys.member.2=Star"
        ));
        assert_eq!(star.expect("valid").transitive_tag_keys, ["Star"], "spelt as the tag");
        for wrong in [
            "TransitiveTagKeys.member.1=Star".to_owned(),
            format!("{STAR}&TransitiveTagKeys.member.1=Sun"),
        ] {
            assert_eq!(code(&wrong), "InvalidParameterValue", "{wrong}");
        }
        let twice = format!("{STAR}&Tags.member.2.Key=STAR&Tags.member.2.Value=2");
        assert_eq!(code(&twice), "InvalidParameterValue");
        let many: String =
            (0..51).map(|n| format!("&TransitiveTagKeys.member.{}=Star", n + 1)).collect();
        assert_eq!(code(&format!("{STAR}{many}")), "ValidationError");
        for wrong in ["a", "a%20b", &"x".repeat(65), "aws:x"] {
            assert_eq!(code(&format!("SourceIdentity={wrong}")), "ValidationError", "{wrong}");
        }
    }

    #[test]
    fn a_chain_hands_on_what_is_transitive_and_nothing_else() {
        let second =
            session(&[("Star", "1"), ("Heart", "1"), ("Sun", "2")], &["Heart", "Star"], None);
        let third = asked(
            "Tags.member.1.Key=Lightning&Tags.member.1.Value=3&TransitiveTagKeys.member.1=Lightning",
        );
        let passed = third.expect("valid").passed_by(&second).expect("passed");
        let tags: Vec<_> = passed.tags.as_map().keys().collect();
        assert_eq!(tags, ["Heart", "Lightning", "Star"]);
        assert_eq!(passed.transitive_tag_keys, ["Heart", "Star", "Lightning"]);
        let over = asked("Tags.member.1.Key=heart&Tags.member.1.Value=3").expect("valid");
        let refused = over.passed_by(&second).expect_err("inherited");
        assert_eq!(refused.kind, IamErrorKind::InvalidParameterValue);
        // The tags of who has none to hand on are its own.
        let plain = session(&[("Sun", "2")], &[], None);
        assert_eq!(Asked::default().passed_by(&plain), Ok(Passed::default()));
    }

    #[test]
    fn a_source_identity_that_is_set_stays() {
        let alice = SourceIdentity::parse("alice").expect("a name");
        let first = session(&[], &[], Some("alice"));
        for same in ["", "SourceIdentity=alice"] {
            let passed = asked(same).expect("valid").passed_by(&first).expect("passed");
            assert_eq!(passed.source_identity, Some(alice.clone()), "{same}");
        }
        let refused = asked("SourceIdentity=bob").expect("valid").passed_by(&first);
        assert_eq!(refused.expect_err("another one").kind, IamErrorKind::ValidationError);
        let plain = session(&[], &[], None);
        let passed = asked("SourceIdentity=alice").expect("valid").passed_by(&plain);
        assert_eq!(passed.expect("passed").source_identity, Some(alice));
    }

    #[test]
    fn a_session_inherits_no_more_tags_than_a_session_may_have() {
        let tags: Vec<(String, String)> =
            (0..50).map(|n| (format!("k{n}"), String::new())).collect();
        let pairs: Vec<_> =
            tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let keys: Vec<_> = pairs.iter().map(|(key, _)| *key).collect();
        let full = session(&pairs, &keys, None);
        assert!(Asked::default().passed_by(&full).is_ok());
        assert!(asked(STAR).expect("valid").passed_by(&full).is_err());
    }
}
