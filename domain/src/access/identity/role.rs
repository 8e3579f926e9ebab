//! Roles: what somebody may do who is trusted to assume it.

use std::time::Duration;

use super::{
    arn::IamArn,
    error::IamError,
    id::RoleId,
    name::{Path, RoleName},
    policy::{PolicyDocument, parse_description},
};
use crate::{
    access::Tags,
    kernel::{AccountId, Timestamp},
};

/// Roles an account may have.
///
/// Source: "IAM and AWS STS quotas".
pub const MAX_ROLES: u32 = 1000;

/// How long temporary credentials are valid, in whole seconds: 15 minutes to 36 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionDuration(u32);

impl SessionDuration {
    const HOUR: u32 = 3600;
    const MIN: u32 = 900;
    /// Of a role whose creator says nothing, and of an AssumeRole that says nothing.
    pub const DEFAULT: Self = Self(Self::HOUR);

    /// The longest sessions of a role, `MaxSessionDuration`: 1 to 12 hours, 1 hour where nothing is said.
    ///
    /// # Errors
    /// `ValidationError` on `maxSessionDuration`.
    pub fn parse_longest_of_role(seconds: Option<u32>) -> Result<Self, IamError> {
        bounded("maxSessionDuration", seconds, Self::HOUR, Self::HOUR, 12 * Self::HOUR)
    }

    /// `DurationSeconds` of AssumeRole: 15 minutes to the role's longest, 1 hour where nothing is said; at most 1 hour
    /// when the caller is a role's session itself.
    ///
    /// # Errors
    /// `ValidationError`, with the service's sentences where the role or the chain forbids it.
    pub fn parse_of_role(
        seconds: Option<u32>,
        longest: Self,
        is_chained: bool,
    ) -> Result<Self, IamError> {
        let member = "durationSeconds";
        let wanted = bounded(member, seconds, Self::HOUR, Self::MIN, 12 * Self::HOUR)?;
        let refuse =
            |message: &str| Err(IamError::new(super::IamErrorKind::ValidationError, message));
        if wanted > longest {
            return refuse(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            );
        }
        if is_chained && wanted.0 > Self::HOUR {
            return refuse(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            );
        }
        Ok(wanted)
    }

    /// `DurationSeconds` of GetSessionToken: 15 minutes to 36 hours, 12 hours where nothing is said. Sessions of an
    /// account's root last an hour at most, and longer ones are shortened to it.
    ///
    /// # Errors
    /// `ValidationError` on `durationSeconds`.
    pub fn parse_of_token(seconds: Option<u32>, is_root: bool) -> Result<Self, IamError> {
        let wanted =
            bounded("durationSeconds", seconds, 12 * Self::HOUR, Self::MIN, 36 * Self::HOUR)?;
        Ok(if is_root { wanted.min(Self(Self::HOUR)) } else { wanted })
    }

    /// The seconds.
    pub const fn as_seconds(self) -> u32 {
        self.0
    }

    /// The same as a duration.
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

fn bounded(
    member: &'static str,
    seconds: Option<u32>,
    default: u32,
    least: u32,
    most: u32,
) -> Result<SessionDuration, IamError> {
    let seconds = seconds.unwrap_or(default);
    let refuse =
        |constraint: String| Err(IamError::validation(member, &seconds.to_string(), constraint));
    if seconds < least {
        return refuse(format!("Member must have value greater than or equal to {least}"));
    }
    if seconds > most {
        return refuse(format!("Member must have value less than or equal to {most}"));
    }
    Ok(SessionDuration(seconds))
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The identifier, which no later role of that name has.
    pub id: RoleId,
    /// Whose role it is.
    pub account: AccountId,
    /// The path.
    pub path: Path,
    /// The name.
    pub name: RoleName,
    /// When it was created.
    pub created: Timestamp,
    /// What it is for; may be empty.
    pub description: String,
    /// Who may assume it.
    pub trust_policy: PolicyDocument,
    /// How long its sessions may last.
    pub longest_session: SessionDuration,
    /// The policy that bounds what its other policies allow.
    pub boundary: Option<IamArn>,
    /// The tags.
    pub tags: Tags,
}

impl Role {
    /// The ARN.
    pub fn arn(&self) -> IamArn {
        IamArn::Role(self.account.clone(), self.path.clone(), self.name.clone())
    }
}

/// Checks the description of a role: at most 1000 characters of one or several lines.
///
/// # Errors
/// `ValidationError` on `description`.
pub fn parse_role_description(text: Option<String>) -> Result<String, IamError> {
    parse_description(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_a_role_last_as_long_as_the_role_permits() {
        let longest = |seconds| SessionDuration::parse_longest_of_role(seconds);
        assert_eq!(longest(None), Ok(SessionDuration::DEFAULT));
        assert!(longest(Some(3599)).is_err() && longest(Some(43_201)).is_err());
        let long = longest(Some(43_200)).expect("valid");
        let of_role = SessionDuration::parse_of_role;
        assert_eq!(of_role(None, long, false).map(SessionDuration::as_seconds), Ok(3600));
        assert_eq!(of_role(Some(900), long, true).map(SessionDuration::as_seconds), Ok(900));
        assert_eq!(of_role(Some(43_200), long, false).map(SessionDuration::as_seconds), Ok(43_200));
        assert!(of_role(Some(899), long, false).is_err());
        let refused = of_role(Some(3601), SessionDuration::DEFAULT, false).expect_err("too long");
        assert!(refused.message.contains("MaxSessionDuration set for this role"));
        let refused = of_role(Some(3601), long, true).expect_err("chained");
        assert!(refused.message.contains("role chaining"));
    }

    #[test]
    fn tokens_of_users_last_36_hours_and_those_of_the_root_one() {
        let of_token = |seconds, root| {
            SessionDuration::parse_of_token(seconds, root).map(SessionDuration::as_seconds)
        };
        assert_eq!(of_token(None, false), Ok(43_200));
        assert_eq!(of_token(None, true), Ok(3600));
        assert_eq!(of_token(Some(129_600), false), Ok(129_600));
        assert_eq!(of_token(Some(129_600), true), Ok(3600));
        assert_eq!(of_token(Some(900), true), Ok(900));
        assert!(of_token(Some(129_601), false).is_err() && of_token(Some(899), true).is_err());
    }
}
