//! The sentence with which a request is refused.

use std::fmt::Write as _;

use super::decision::{Decision, PolicyName};

/// A request that was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// Who made it, by the ARN of the principal.
    pub principal: &'a str,
    /// What it asked for, such as `mq:DescribeBroker`.
    pub action: &'a str,
    /// The ARN of the resource, or `*`.
    pub resource: &'a str,
    /// Why. An allowed one has no reason.
    pub decision: &'a Decision,
}

impl Refusal<'_> {
    /// The service's sentence, which says what type of policy decided, and no more.
    ///
    /// Source: "Troubleshoot access denied error messages" of the IAM user guide.
    pub fn sentence(&self) -> String {
        let Self { principal, action, resource, decision } = self;
        let because = match decision {
            Decision::Allowed { .. } => String::new(),
            Decision::ImplicitDeny { missing } => {
                format!(" because no {missing} allows the {action} action")
            }
            Decision::ExplicitDeny { by } => {
                format!(" with an explicit deny in {}", by.source.policy_type.with_article())
            }
        };
        format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource}{because}"
        )
    }

    /// The same sentence for those who administer the account: it also names the policy and the statement that deny.
    /// As in the service, a managed policy is named by its ARN.
    pub fn explained(&self) -> String {
        let mut sentence = self.sentence();
        if let Decision::ExplicitDeny { by } = self.decision {
            let identity = &by.source.identity;
            // Writing to a text does not fail.
            let _ = match &by.source.name {
                PolicyName::Managed(arn) => write!(sentence, ": {arn}"),
                PolicyName::Inline(name) => write!(sentence, ": {name} of {identity}"),
                PolicyName::Only => write!(sentence, " of {identity}"),
            };
            let _ = match &by.sid {
                Some(sid) => write!(sentence, ", statement {} ({sid})", by.number),
                None => write!(sentence, ", statement {}", by.number),
            };
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::policy::decision::{MatchedStatement, PolicySource, PolicyType};

    const BROKER: &str = "arn:aws:mq:us-east-1:111122223333:broker:orders:b-1";
    const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

    fn denied(policy_type: PolicyType, name: PolicyName, sid: Option<&str>) -> Decision {
        let source = PolicySource { policy_type, identity: ALICE.to_owned(), name };
        let by = MatchedStatement { source, number: 2, sid: sid.map(str::to_owned) };
        Decision::ExplicitDeny { by }
    }

    fn refusal(decision: &Decision) -> Refusal<'_> {
        Refusal { principal: ALICE, action: "mq:DeleteBroker", resource: BROKER, decision }
    }

    const BEGIN: &str = "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: mq:DeleteBroker on resource: arn:aws:mq:us-east-1:111122223333:broker:orders:b-1";

    #[test]
    fn a_refusal_says_which_type_of_policy_is_missing() {
        for (missing, words) in [
            (PolicyType::Identity, "identity-based policy"),
            (PolicyType::PermissionsBoundary, "permissions boundary"),
            (PolicyType::Session, "session policy"),
            (PolicyType::Trust, "role trust policy"),
        ] {
            let decision = Decision::ImplicitDeny { missing };
            let expected = format!("{BEGIN} because no {words} allows the mq:DeleteBroker action");
            assert_eq!(refusal(&decision).sentence(), expected);
            assert_eq!(refusal(&decision).explained(), expected);
        }
    }

    #[test]
    fn a_refusal_says_which_type_of_policy_denies() {
        for (policy_type, words) in [
            (PolicyType::Identity, "an identity-based policy"),
            (PolicyType::PermissionsBoundary, "a permissions boundary"),
            (PolicyType::Session, "a session policy"),
            (PolicyType::Trust, "the role trust policy"),
        ] {
            let decision = denied(policy_type, PolicyName::Only, None);
            let expected = format!("{BEGIN} with an explicit deny in {words}");
            assert_eq!(refusal(&decision).sentence(), expected);
        }
    }

    #[test]
    fn administrators_are_told_which_policy_and_statement_deny() {
        let arn = "arn:aws:iam::111122223333:policy/NoDeletes".to_owned();
        for (name, sid, end) in [
            (
                PolicyName::Managed(arn),
                Some("NoDelete"),
                ": arn:aws:iam::111122223333:policy/NoDeletes, statement 2 (NoDelete)",
            ),
            (
                PolicyName::Inline("mine".to_owned()),
                None,
                ": mine of arn:aws:iam::111122223333:user/alice, statement 2",
            ),
            (PolicyName::Only, None, " of arn:aws:iam::111122223333:user/alice, statement 2"),
        ] {
            let decision = denied(PolicyType::Identity, name, sid);
            let expected =
                format!("{BEGIN} with an explicit deny in an identity-based policy{end}");
            assert_eq!(refusal(&decision).explained(), expected);
        }
    }
}
