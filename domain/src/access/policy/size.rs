//! How long policy documents may be.

use super::error::InvalidPolicy;

/// What a policy document is for, as far as its length matters.
///
/// Source: "IAM and AWS STS character quotas" of the IAM user guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicySize {
    /// A version of a managed policy.
    Managed,
    /// All inline policies of a user together.
    InlineOfUser,
    /// All inline policies of a group together.
    InlineOfGroup,
    /// All inline policies of a role together.
    InlineOfRole,
    /// The trust policy of a role.
    Trust,
    /// A policy that is passed when a session is begun.
    Session,
}

/// How long a document in a request may be at all.
///
/// Source: `policyDocumentType` of the IAM API reference.
pub(super) const MAX_DOCUMENT_LENGTH: usize = 131_072;

impl PolicySize {
    /// Most characters.
    pub const fn most(self) -> usize {
        match self {
            Self::Managed => 6144,
            Self::InlineOfUser | Self::Trust | Self::Session => 2048,
            Self::InlineOfGroup => 5120,
            Self::InlineOfRole => 10_240,
        }
    }

    /// How many characters of a document count. White space counts for sessions only.
    pub fn of(self, document: &str) -> usize {
        let counts = |c: &char| self == Self::Session || !c.is_whitespace();
        document.chars().filter(counts).count()
    }

    /// Checks how long documents are together.
    ///
    /// # Errors
    /// That they are too long.
    pub fn check<'a>(
        self,
        documents: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), InvalidPolicy> {
        let size: usize = documents.into_iter().map(|document| self.of(document)).sum();
        if size > self.most() {
            return Err(InvalidPolicy::TooLong { size, most: self.most() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_counts_for_sessions_only() {
        let document = "{ \"a\":\t1\r\n}";
        assert_eq!(PolicySize::Managed.of(document), 7);
        assert_eq!(PolicySize::Session.of(document), document.len());
    }

    #[test]
    fn a_document_is_as_long_as_its_kind_permits() {
        for (size, most) in [
            (PolicySize::Managed, 6144),
            (PolicySize::InlineOfUser, 2048),
            (PolicySize::InlineOfGroup, 5120),
            (PolicySize::InlineOfRole, 10_240),
            (PolicySize::Trust, 2048),
            (PolicySize::Session, 2048),
        ] {
            let longest = "x".repeat(most);
            assert_eq!(size.check([longest.as_str()]), Ok(()));
            assert_eq!(
                size.check([longest.as_str(), "x"]),
                Err(InvalidPolicy::TooLong { size: most + 1, most })
            );
        }
    }
}
